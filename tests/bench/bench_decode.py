#!/usr/bin/env python3
"""Whole files through the library, beside the least cost of decoding them and beside the reference's read_all.

    bench_decode.py [--dir DIR] [--records N] [--rounds N] [--only zstd,64] [--instructions] [--json FILE]

`decode_file` scans all records of a file; `raw_decode` reads the same bytes in large pieces, verifies the hashes of
each chunk and runs the codecs, and nothing else; the reference reads all records by `read_all ()`. CPU time is that of
the best pass of several in a process, on one thread; wall time also on all CPUs. With --instructions both C programs
run under callgrind, too, which is exact on a busy machine but does not count the kernel's work.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import common

CODECS = ["uncompressed", "zstd", "brotli", "snappy"]
GROUPS = [1, 64]
PASSES = 5

REFERENCE = """
import sys, time
from array_record.python.array_record_module import ArrayRecordReader
best = None
for _ in range(int(sys.argv[2])):
    reader = ArrayRecordReader(sys.argv[1])
    start = time.monotonic()
    records = reader.read_all()
    wall = time.monotonic() - start
    best = wall if best is None else min(best, wall)
    total = sum(map(len, records))
    count = len(records)
    del records
    reader.close()
print(count, total, best)
"""


def program(name):
    return common.binary(f"AREC_{name.upper()}", f"bin/bench.{name}")


def decode(name, threads, path, passes=PASSES):
    """(records, bytes, CPU seconds, wall seconds) of the best pass."""
    out = subprocess.run([program(name), str(passes), str(threads), str(path)], check=True, capture_output=True,
                         text=True).stdout.split()
    return int(out[0]), int(out[1]), float(out[2]) + float(out[3]), float(out[4])


def reference(path):
    """(records, bytes, wall seconds) of the best of three reads."""
    out = subprocess.run([sys.executable, "-c", REFERENCE, str(path), "3"], check=True, capture_output=True,
                         text=True).stdout.split()
    return int(out[0]), int(out[1]), float(out[2])


def instructions(name, path):
    """The instructions of one pass: the difference of two runs, so that start and opening do not count."""
    counts = []
    for passes in (1, 2):
        with tempfile.NamedTemporaryFile() as ignored:
            output = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={ignored.name}",
                                     program(name), str(passes), "1", str(path)], check=True, capture_output=True,
                                    text=True).stderr
        counts.append(int(re.search(r"Collected : (\d+)", output)[1]))
    return counts[1] - counts[0]


def measure(path, rounds, cpus, count_instructions):
    common.warm(path)
    rows = []
    for i in range(rounds):
        row = {}
        turns = ["raw_decode", "decode_file", "reference"]
        for name in turns if i % 2 == 0 else reversed(turns):
            if name == "reference":
                row["records"], row["bytes"], row["reference"] = reference(path)
            else:
                row[name] = decode(name, 1, path)
                row[f"{name} all"] = decode(name, cpus, path)
        for name in ("raw_decode", "decode_file", "raw_decode all", "decode_file all"):
            if row[name][:2] != (row["records"], row["bytes"]):
                raise common.BenchError(f"{path}: {name} finds {row[name][:2]}, the reference {row['records']} records")
        rows.append(row)
    def ratio(top, bottom, k):
        return common.median([row[top][k] / row[bottom][k] for row in rows])
    result = {
        "cpu_raw": common.median([row["raw_decode"][2] for row in rows]),
        "cpu": common.median([row["decode_file"][2] for row in rows]),
        "cpu_ratio": ratio("decode_file", "raw_decode", 2),
        "cpu_ratio_all": ratio("decode_file all", "raw_decode all", 2),
        "wall_ratio_all": ratio("decode_file all", "raw_decode all", 3),
        "reference_ratio": common.median([row["reference"] / row["decode_file all"][3] for row in rows]),
        "bytes": rows[0]["bytes"],
    }
    if count_instructions:
        result["instruction_ratio"] = instructions("decode_file", path) / instructions("raw_decode", path)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR)
    parser.add_argument("--records", type=int, default=24_000, help="of 4 KiB (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="codecs and groups, separated by commas")
    parser.add_argument("--instructions", action="store_true", help="count them under callgrind, which takes minutes")
    parser.add_argument("--json")
    args = parser.parse_args()
    only = set(filter(None, args.only.split(",")))
    folder = pathlib.Path(args.dir)
    folder.mkdir(parents=True, exist_ok=True)
    cpus = common.machine()["cpus"]
    rows, results = [], {}
    for codec in CODECS:
        for group in GROUPS:
            if any(only & set(map(str, values)) and name not in only
                   for name, values in ((codec, CODECS), (str(group), GROUPS))):
                continue
            path = common.shard(folder, args.records, 4096, f"group_size:{group},{codec}")
            result = measure(path, args.rounds, cpus, args.instructions)
            results[path.name] = result
            rows.append([codec, str(group), f"{result['cpu_raw'] * 1000:.1f}", f"{result['cpu'] * 1000:.1f}"] +
                        [f"{result[name]:.2f}" for name in
                         ("cpu_ratio", "cpu_ratio_all", "wall_ratio_all", "reference_ratio")] +
                        ([f"{result['instruction_ratio']:.2f}"] if args.instructions else []))
    common.print_machine()
    common.print_table(["codec", "group", "bare CPU ms", "library CPU ms", "library / bare, CPU",
                        f"CPU, {cpus} threads", f"wall, {cpus} threads", f"read_all / library, wall, {cpus} threads"] +
                       (["library / bare, instructions"] if args.instructions else []), rows)
    common.write_json(args.json, results)


if __name__ == "__main__":
    common.run_main(main)
