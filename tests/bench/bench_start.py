#!/usr/bin/env python3
"""Time until the first record of a large shard can be seen, and its cost.

For a shard of a million records, in groups of 64 and in groups of 1: from the start of arecfs to the return of the
first `stat` through the mount, on a warm disk; the bytes read from the file before the first access, beside the bytes
from its footer to its end (footer, padding, postscript); the memory of the index for each chunk. The first row, a
program that does nothing and a stat of a plain file, is the cost of the measuring itself.
"""

import argparse
import os
import pathlib
import subprocess
import time

import common

OPTIONS = {"groups of 64": "group_size:64,zstd", "groups of 1": "group_size:1,zstd"}
POSTSCRIPT_SPAN = 65536


def tail_size(path):
    """The bytes from the footer to the end of an ArrayRecord file.

    The postscript begins 64 KiB before the end: a block header (24 bytes), a chunk header (40), then an uncompressed
    chunk whose first value is the message 08 varint(footer_offset) 10 varint(magic).
    """
    size = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(size - POSTSCRIPT_SPAN)
        block = file.read(256)
    magic = bytes.fromhex("10dec0ebfe84cec3c971")
    end = block.index(magic, 24 + 40)
    for begin in range(end - 1, 24 + 40, -1):
        if block[begin - 1] == 0x08 and all(byte & 0x80 for byte in block[begin:end - 1]):
            return size - sum((byte & 0x7F) << (7 * i) for i, byte in enumerate(block[begin:end]))
    raise common.BenchError(f"{path}: no postscript found")


def timed(argv, path):
    """Seconds from the start of the program @argv until it has ended and a stat of @path has returned."""
    begin = time.perf_counter()
    code = subprocess.run(argv, stdin=subprocess.DEVNULL).returncode
    if code != 0:
        raise common.BenchError(f"{' '.join(map(str, argv))}: exited with {code}")
    os.stat(path)
    return time.perf_counter() - begin


def time_starts(argv, mountpoint, name, rounds, limit):
    """The seconds of @rounds starts, after one that is not counted."""
    seconds = []
    for _ in range(rounds + 1):
        with common.Watchdog(limit, mountpoint, argv[0]):
            try:
                seconds.append(timed([*argv, mountpoint], mountpoint / name))
            finally:
                common.unmount(mountpoint)
                common.reap_daemons()
    return seconds[1:]


def look_inside(argv, mountpoint, name, limit):
    """The statistics right after the mount and after the first stat."""
    with common.Mount([argv[0], "-f", *argv[1:], mountpoint], mountpoint, limit):
        before = common.stats(mountpoint)["engine"]
        chunks = int(os.getxattr(mountpoint, "user.arec.chunks"))
        os.stat(mountpoint / name)
        after = common.stats(mountpoint)["engine"]
    return {"chunks": chunks, "bytes_before_access": before["source_bytes"],
            "bytes_after_stat": after["source_bytes"], "index_bytes": after["index_used"],
            "index_bytes_per_chunk": after["index_used"] / chunks}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR,
                        help="folder for inputs, which are kept for the next run, and mounts (default %(default)s)")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=4096, help="bytes of a record (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--limit", type=int, default=120, help="seconds after which a mount counts as hanging")
    parser.add_argument("--json", metavar="FILE", help="writes everything measured")
    args = parser.parse_args()
    if args.rounds < 1 or args.records < 1:
        parser.error("--rounds and --records are at least 1")

    folder = pathlib.Path(args.dir).resolve()
    mountpoint = folder / "mnt"
    mountpoint.mkdir(parents=True, exist_ok=True)
    program = common.arecfs_binary()
    common.adopt_daemons()
    name = common.record_name(args.records, 0)

    floor = [timed(["true"], program) for _ in range(args.rounds + 1)][1:]
    rows = [["a program that does nothing", f"{common.median(floor) * 1000:.1f}", f"{max(floor) * 1000:.1f}",
             *[""] * 5]]
    data = {"machine": common.machine(), "records": args.records, "floor": floor, "shards": {}}
    for label, options in OPTIONS.items():
        shard = common.shard(folder, args.records, args.size, options)
        common.warm(shard)
        seconds = time_starts([program, shard], mountpoint, name, args.rounds, args.limit)
        inside = look_inside([program, shard], mountpoint, name, args.limit)
        inside |= {"seconds": seconds, "tail_bytes": tail_size(shard)}
        data["shards"][label] = inside
        rows.append([label, f"{common.median(seconds) * 1000:.1f}", f"{max(seconds) * 1000:.1f}",
                     f"{inside['bytes_before_access']:,}", f"{inside['tail_bytes']:,}",
                     f"{inside['bytes_after_stat'] - inside['bytes_before_access']:,}", f"{inside['chunks']:,}",
                     f"{inside['index_bytes_per_chunk']:.2f}"])
    common.print_machine()
    print(f"{args.records:,} records of {args.size} bytes, {args.rounds} starts on a warm disk")
    common.print_table(["", "ms to the first stat", "worst ms", "bytes read before access", "from footer to end",
                        "bytes read by the stat", "chunks", "index bytes per chunk"], rows)
    common.write_json(args.json, data)


if __name__ == "__main__":
    common.run_main(main)
