#!/usr/bin/env python3
"""The cost of the index of a shard of ten million chunks, in memory and offloaded.

For groups of 1 and tiny records: from the start of arecfs to the return of the first `stat` through the mount; the
server's peak memory until then and its memory afterwards; bytes of index in memory and in the temporary file; the time
of a `stat` of a random record that was not accessed before. The reference implementation is measured in the same two
modes: opening, memory, and the time of reading a random record by `read ([i])`, as Grain does. All on a warm disk.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import time

import common

MODES = ["in_memory", "offloaded"]
OPTIONS = "group_size:1,zstd"
# The reference takes an offloaded index only without a prefetch of the footer.
REFERENCE_OPTIONS = {"in_memory": "index_storage_option:in_memory",
                     "offloaded": "index_storage_option:offloaded,footer_prefetch_bytes:0"}


def memory(pid):
    """Peak and present resident bytes of a process."""
    status = common.process_status(pid)
    return {"hwm": status["VmHWM"], "rss": status["VmRSS"]}


def measure(args, mode, shard, folder, wanted):
    argv = [common.arecfs_binary(), "-f", f"--index-storage-option={mode}", f"--index-dir={folder}", shard,
            folder / "mnt"]
    begin = time.perf_counter()
    with common.Mount(argv, folder / "mnt", args.limit) as mount:
        os.stat(mount.path / common.record_name(args.records, 0))
        first = time.perf_counter() - begin
        opened = memory(mount.pid)
        before = common.stats(mount.path)["engine"]
        begin = time.perf_counter()
        for record in wanted:
            os.stat(mount.path / common.record_name(args.records, record))
        access = (time.perf_counter() - begin) / len(wanted)
        after = common.stats(mount.path)["engine"]
    return {"first_stat": first, "opened": opened, "access": access, "accesses": len(wanted),
            "index_memory": after["index_used"], "index_file": after["index_offloaded_bytes"],
            "index_reads": after["index_reads"] - before["index_reads"]}


def be_reference(mode, path, wanted):
    """Reads by the reference, in a process of its own whose memory is measured."""
    from array_record.python.array_record_module import ArrayRecordReader

    idle = memory(os.getpid())
    begin = time.perf_counter()
    reader = ArrayRecordReader(path, REFERENCE_OPTIONS[mode])
    reader.read([wanted[0]])
    first = time.perf_counter() - begin
    opened = memory(os.getpid())
    begin = time.perf_counter()
    for record in wanted[1:]:
        reader.read([record])
    access = (time.perf_counter() - begin) / max(len(wanted) - 1, 1)
    print(json.dumps({"first_read": first, "idle": idle, "opened": opened, "access": access,
                      "accesses": len(wanted) - 1, "after": memory(os.getpid())}))


def measure_reference(mode, shard, wanted, limit):
    done = subprocess.run([sys.executable, __file__, "--reference", mode, shard, json.dumps(wanted)],
                          stdout=subprocess.PIPE, timeout=limit, text=True)
    if done.returncode != 0:
        raise common.BenchError(f"the reference failed with {done.returncode}")
    return json.loads(done.stdout)


def mib(size):
    return f"{size / common.MIB:,.1f}"


def main():
    if sys.argv[1:2] == ["--reference"]:
        be_reference(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR,
                        help="folder for inputs, which are kept for the next run, and mounts (default %(default)s)")
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--size", type=int, default=16, help="bytes of a record (default %(default)s)")
    parser.add_argument("--accesses", type=int, default=1000)
    parser.add_argument("--reference-accesses", type=int, default=10,
                        help="of the reference, which take longer the more chunks there are (default %(default)s)")
    parser.add_argument("--limit", type=int, default=600, help="seconds after which a mount counts as hanging")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="writes everything measured")
    args = parser.parse_args()
    if min(args.records, args.accesses, args.reference_accesses) < 1:
        parser.error("--records, --accesses and --reference-accesses are at least 1")

    folder = pathlib.Path(args.dir).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    common.arecfs_binary()
    shard = common.shard(folder, args.records, args.size, OPTIONS)
    common.warm(shard)
    wanted = random.Random(args.seed).sample(range(args.records), min(args.accesses, args.records))
    data = {"machine": common.machine(), "records": args.records, "size": args.size,
            "file_size": shard.stat().st_size, "arecfs": {}, "reference": {}}
    rows = []
    for mode in MODES:
        result = data["arecfs"][mode] = measure(args, mode, shard, folder, wanted)
        rows.append([f"arecfs, {mode}", f"{result['first_stat']:.2f}", mib(result["opened"]["hwm"]),
                     mib(result["opened"]["rss"]), mib(result["index_memory"]), mib(result["index_file"]),
                     f"{result['access'] * 1e6:,.0f}", f"{result['index_reads']:,}"])
        common.progress(f"arecfs, {mode}: {result['first_stat']:.2f} s")
    for mode in MODES:
        # One more for the first read.
        result = data["reference"][mode] = measure_reference(mode, shard, wanted[:args.reference_accesses + 1],
                                                             args.limit)
        rows.append([f"reference, {mode}", f"{result['first_read']:.2f}", mib(result["opened"]["hwm"]),
                     mib(result["opened"]["rss"]), "", "", f"{result['access'] * 1e6:,.0f}", ""])
        common.progress(f"reference, {mode}: {result['first_read']:.2f} s")
    common.print_machine()
    print(f"{args.records:,} chunks of one record of {args.size} bytes, {data['file_size']:,} bytes; "
          f"{len(wanted):,} random accesses, {args.reference_accesses} of the reference; MiB")
    common.print_table(["", "s to the first", "peak", "memory then", "index in memory", "in the file",
                        "us an access", "index reads"], rows)
    common.write_json(args.json, data)


if __name__ == "__main__":
    common.run_main(main)
