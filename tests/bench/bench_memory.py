#!/usr/bin/env python3
"""Memory of arecfs while 8 readers go over a file of 4 times its cache.

The file is in groups of 64, and in groups of 65,536 records, whose chunks have 256 MiB. Readers go together, all from
the first record, or spread, each from another place and then round. The peak of the server's memory is given beside
the bound: cache + 64 MiB + (stored + decoded) of the largest chunk for each thread that loads. More decodes than
chunks mean that chunks were decoded again.
"""

import argparse
import os
import pathlib
import subprocess
import threading
import time

import common

OPTIONS = {"groups of 64": "group_size:64,zstd", "groups of 65,536": "group_size:65536,zstd"}
PATTERNS = ["together", "spread"]
FIXED = 64 * common.MIB


class Sampler:
    """The highest VmRSS seen, and VmHWM, of a process; as a context."""

    def __init__(self, pid, seconds=0.05):
        self.pid, self.seconds = pid, seconds
        self.rss = self.hwm = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _sample(self):
        status = common.process_status(self.pid)
        self.rss, self.hwm = max(self.rss, status.get("VmRSS", 0)), max(self.hwm, status.get("VmHWM", 0))

    def _run(self):
        while not self.stop.wait(self.seconds):
            try:
                self._sample()
            except (FileNotFoundError, ProcessLookupError):
                return  # the server is gone; the readers will fail

    def __enter__(self):
        self._sample()
        self.start = self.rss
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        if os.path.exists(f"/proc/{self.pid}"):
            self._sample()


def read_all(reader, mountpoint, records, readers, spread):
    """Runs the readers at the same time. Returns the seconds until the last one ended."""
    begin = time.perf_counter()
    running = [subprocess.Popen([reader, "-s", str(records * i // readers if spread else 0), mountpoint],
                                stdout=subprocess.PIPE, text=True) for i in range(readers)]
    try:
        for process in running:
            out, _ = process.communicate()
            if process.returncode != 0:
                raise common.BenchError(f"a reader failed with {process.returncode}")
            if int(out.split()[0]) != records:
                raise common.BenchError(f"a reader saw {out.split()[0]} files instead of {records}")
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.wait()
    return time.perf_counter() - begin


def measure(args, reader, shard, group, pattern, folder):
    argv = [common.arecfs_binary(), "-f", "--cache-size", str(args.cache * common.MIB),
            "--max-parallelism", str(args.max_parallelism), *args.arecfs_option, shard, folder / "mnt"]
    common.drop_caches()
    with common.Mount(argv, folder / "mnt", args.limit) as mount:
        with Sampler(mount.pid) as sampler:
            seconds = read_all(reader, mount.path, args.records, args.readers, pattern == "spread")
        engine = common.stats(mount.path)["engine"]
        chunks = int(os.getxattr(mount.path, "user.arec.chunks"))
    decoded = min(group, args.records) * args.size
    stored = shard.stat().st_size * min(group, args.records) // args.records
    allowed = args.cache * common.MIB + FIXED + args.max_parallelism * (stored + decoded)
    return {"seconds": seconds, "rss_at_start": sampler.start, "rss_peak": sampler.rss, "hwm": sampler.hwm,
            "chunks": chunks, "decodes": engine["chunks_decoded"], "largest_chunk_stored": stored,
            "largest_chunk_decoded": decoded, "allowed": allowed, "engine": engine}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR,
                        help="folder for inputs, which are kept for the next run, and mounts (default %(default)s)")
    parser.add_argument("--cache", type=int, default=256, metavar="MIB",
                        help="--cache-size of arecfs (default %(default)s)")
    parser.add_argument("--size", type=int, default=4096, help="bytes of a record (default %(default)s)")
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--max-parallelism", type=int, default=len(os.sched_getaffinity(0)),
                        help="of arecfs: threads that load chunks (default: the CPUs, %(default)s)")
    parser.add_argument("--arecfs-option", action="append", default=[], metavar="OPTION",
                        help="an option for arecfs, as --arecfs-option=--no-push; may be repeated")
    parser.add_argument("--limit", type=int, default=1800, help="seconds after which a mount counts as hanging")
    parser.add_argument("--json", metavar="FILE", help="writes everything measured")
    args = parser.parse_args()
    if min(args.cache, args.size, args.readers, args.max_parallelism) < 1:
        parser.error("--cache, --size, --readers and --max-parallelism are at least 1")
    args.records = 4 * args.cache * common.MIB // args.size

    folder = pathlib.Path(args.dir).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    common.arecfs_binary()
    reader = common.build_reader(folder)
    rows, data = [], {"machine": common.machine(), "records": args.records, "cache": args.cache * common.MIB,
                      "readers": args.readers, "max_parallelism": args.max_parallelism, "runs": {}}
    for label, options in OPTIONS.items():
        shard = common.shard(folder, args.records, args.size, options)
        group = int(options.split(",")[0].split(":")[1])
        for pattern in PATTERNS:
            result = measure(args, reader, shard, group, pattern, folder)
            data["runs"][f"{label}, {pattern}"] = result
            peak = max(result["rss_peak"], result["hwm"])
            rows.append([f"{label}, {pattern}", f"{result['rss_at_start'] / common.MIB:,.0f}",
                         f"{peak / common.MIB:,.0f}", f"{result['allowed'] / common.MIB:,.0f}",
                         "yes" if peak <= result["allowed"] else "NO", f"{result['chunks']:,}",
                         f"{result['decodes']:,}", f"{result['seconds']:.1f}"])
            common.progress(f"{label}, {pattern}: peak {peak / common.MIB:,.0f} MiB, {result['decodes']} decodes")
    common.print_machine()
    print(f"{args.readers} readers, each over {args.records:,} records of {args.size} bytes; cache {args.cache} MiB, "
          f"{args.max_parallelism} loading threads; MiB")
    common.print_table(["", "at start", "peak", "allowed", "within", "chunks", "decodes", "seconds"], rows)
    common.write_json(args.json, data)


if __name__ == "__main__":
    common.run_main(main)
