#!/usr/bin/env python3
"""`arec pack` with one and two threads, beside `tar c` over small files, and `arec convert` beside the reference.

    bench_pack.py [--dir DIR] [--rounds N] [--only cores,files,convert] [--fifo] [--json FILE]

cores    wall time of the whole process, from a TFRecord file on tmpfs to tmpfs, with one thread and with two
files    wall time of packing a million (--files) files of 1 KiB on tmpfs, and of `tar c` of them into a pipe that is emptied
convert  CPU seconds of the whole process on one thread, from an uncompressed file, beside those of the reference without
         its start: it reads, by the faster of read_all () and read () in order, and writes, as a Python program does

The least of some rounds in which all have their turn. --fifo measures real-time processes, which other load does not
interrupt; each takes less than 20 seconds.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import bench_encode
import bench_pack_memory
import common

TMPFS = bench_encode.TMPFS
# Codec, group, and records of 4 KiB that take one thread one to three seconds.
CORES = [("zstd", 1, 48_000), ("zstd", 64, 48_000), ("brotli", 1, 16_000), ("brotli", 64, 12_000)]
# Options, and records of 4 KiB.
CONVERTED = [("group_size:64,zstd", 12_000), ("group_size:64,snappy", 24_000), ("group_size:64,brotli:6", 4_000),
             ("group_size:64,uncompressed", 24_000), ("group_size:1,zstd", 12_000)]
MOST = max(n for _, n in CONVERTED)

REFERENCE = """
import resource, sys
from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter
path, options, out, n, way = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5]
before = resource.getrusage(resource.RUSAGE_SELF)
reader = ArrayRecordReader(path, "max_parallelism:0" if way == "read" else "max_parallelism:1")
records = reader.read_all() if way == "read_all" else (reader.read() for _ in range(n))
writer = ArrayRecordWriter(out, options + ",max_parallelism:1")
for record in records:
    writer.write(record)
writer.close()
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""


def times(argv, start):
    """(wall seconds, CPU seconds) of a process."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*start, *map(str, argv)], check=True, stdin=subprocess.DEVNULL)
    end, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return end - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def least(rounds, measured):
    """{name: the least of what the function returns}; @measured  {name: function}, which take turns."""
    found = {name: [] for name in measured}
    for i in range(rounds):
        for name in list(measured) if i % 2 == 0 else reversed(measured):
            found[name].append(measured[name]())
    return {name: min(results) for name, results in found.items()}


# ---- two threads ------------------------------------------------------------------------------


def pack(inputs, out, options, threads, start):
    """(wall seconds, CPU seconds)."""
    return times([common.arec_binary(), "pack", "-qf", "--no-sync", "-o", out, f"--options={options}",
                  f"--threads={threads}", *inputs], start)


def cores(folder, rounds, start):
    shard = common.shard(folder, max(n for _, _, n in CORES), 4096, "group_size:64,uncompressed")
    for codec, group, n in CORES:
        common.progress(f"cores: {codec}, groups of {group}")
        with tempfile.TemporaryDirectory(dir=TMPFS) as tmpfs:
            path, out = f"{tmpfs}/in.tfrecord", f"{tmpfs}/out"
            with open(path, "wb") as file:
                subprocess.run([common.arec_binary(), "cat", "--frame=tfrecord", shard, f":{n}"], stdout=file, check=True)
            found = least(rounds, {k: lambda k=k: pack([path], out, f"group_size:{group},{codec}", k, start)
                                   for k in (1, 2)})
        (one, cpu_of_one), (two, cpu_of_two) = found[1], found[2]
        yield {"what": f"{codec}, groups of {group}, {n:,} records", "one": one, "other": two, "ratio": one / two,
               "busy": cpu_of_two / two, "more_cpu": cpu_of_two / cpu_of_one}


# ---- small files ------------------------------------------------------------------------------


def files(_folder, rounds, start, n):
    with tempfile.TemporaryDirectory(dir=TMPFS) as tmpfs:
        tree, out = pathlib.Path(tmpfs) / "tree", f"{tmpfs}/out"
        tree.mkdir()
        common.progress(f"files: making {n:,}")
        bench_pack_memory.make_files(tree, n)
        cases = {"default": "", "uncompressed": "uncompressed"}
        tar = ["sh", "-c", f"tar cf - {tree} 2>/dev/null | cat >/dev/null"]
        found = least(rounds, {"tar": lambda: times(tar, start)[0],
                               **{name: lambda options=options: pack([tree], out, options, 2, start)[0]
                                  for name, options in cases.items()}})
    for name in cases:
        yield {"what": f"{n:,} files of 1 KiB, {name}", "one": found["tar"], "other": found[name],
               "ratio": found[name] / found["tar"]}


# ---- convert ----------------------------------------------------------------------------------


def reference(path, options, out, n, way, start):
    argv = [*start, sys.executable, "-c", REFERENCE, path, options, out, n, way]
    return float(subprocess.run(list(map(str, argv)), check=True, capture_output=True, text=True).stdout)


def convert_one(path, options, n, rounds, start):
    """@options  None: none are given, so that chunks are copied."""
    with tempfile.TemporaryDirectory(dir=TMPFS) as tmpfs:
        out = f"{tmpfs}/out"
        given = [] if options is None else [f"--options={options}"]
        argv = [common.arec_binary(), "convert", "-qf", "--no-sync", "--threads=1", "-o", out, *given, path]
        theirs = options or "group_size:64,uncompressed"
        return least(rounds, {"ours": lambda: times(argv, start)[1],
                              **{way: lambda way=way: reference(path, theirs, out, n, way, start)
                                 for way in ("read_all", "read")}})


def convert(folder, rounds, start):
    for group in (64, 1):
        for options, n in [*CONVERTED, *([(None, MOST)] if group == 64 else [])]:
            path = common.shard(folder, n, 4096, f"group_size:{group},uncompressed")
            common.warm(path)
            common.progress(f"convert: groups of {group}, {options or 'copied'}")
            found = convert_one(path, options, n, rounds, start)
            theirs = min(found["read_all"], found["read"])
            yield {"what": f"from groups of {group} to {options or 'the same, copied'}, {n:,} records", "one": theirs,
                   "other": found["ours"], "ratio": theirs / found["ours"], **found}


# Each has its function and the heads of the columns that COLUMNS lists.
PARTS = {"cores": (cores, ["pack, wall time", "1 thread, s", "2 threads, s", "times as fast", "threads busy",
                           "CPU time of 2 to 1"]),
         "files": (files, ["pack of files, wall time", "tar c, s", "arec pack, s", "of tar's time"]),
         "convert": (convert, ["convert, CPU time", "reference, s", "arec, s", "times as fast"])}
COLUMNS = [("one", ".3f"), ("other", ".3f"), ("ratio", ".2f"), ("busy", ".2f"), ("more_cpu", ".2f")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help=f"of {', '.join(PARTS)}, separated by commas")
    parser.add_argument("--files", type=int, default=1_000_000, metavar="N", help="how many (default %(default)s)")
    parser.add_argument("--fifo", action="store_true", help="measure real-time processes; needs root")
    parser.add_argument("--json", metavar="FILE", help="writes everything measured")
    args = parser.parse_args()
    only = set(filter(None, args.only.split(",")))
    pathlib.Path(args.dir).mkdir(parents=True, exist_ok=True)
    common.print_machine()
    data = {}
    for name, (part, head) in PARTS.items():
        if only and name not in only:
            continue
        more = [args.files] if part == files else []
        data[name] = list(part(args.dir, args.rounds, bench_encode.FIFO if args.fifo else [], *more))
        print()
        common.print_table(head, [[row["what"], *(format(row[key], form) for key, form in COLUMNS[:len(head) - 1])]
                                  for row in data[name]])
    common.write_json(args.json, data)


if __name__ == "__main__":
    common.run_main(main)
