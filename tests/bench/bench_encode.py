#!/usr/bin/env python3
"""Encoding records in groups through the engine, beside the least that it costs, and beside the reference's writer.

    bench_encode.py [--dir DIR] [--rounds N] [--passes 1] [--only text,zstd:3,64] [--fifo] [--json FILE]

`write_records` writes records, which lie in memory, to a file on tmpfs by the library's writer, and the reference does
the same. `encode_file` gathers, compresses and hashes them by the engine's encoder and writes nothing; `raw_encode` calls
the codec and the hash on groups that lie ready, and with a file writes what they make. CPU seconds of one thread in a
new process, the least of some rounds in which all have their turn. Sizes are those of the file up to the footer.
"""

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

import bench_transposed
import common
import make_shard

TMPFS = "/dev/shm"
GROUPS = [1, 64, 2000]
# Levels and how many of the text records take the reference about half a second, for each group.
CELLS = {
    "uncompressed": (24_000, 24_000, 24_000),
    "snappy": (16_000, 16_000, 16_000),
    "zstd:1": (12_000, 12_000, 12_000),
    "zstd:3": (6_000, 8_000, 8_000),
    "zstd:5": (4_000, 6_000, 6_000),
    "zstd:9": (4_000, 6_000, 6_000),
    "zstd:12": (1_000, 2_000, 4_000),
    "zstd:15": (500, 1_000, 2_000),
    "zstd:19": (200, 640, 2_000),
    "zstd:22": (100, 320, 2_000),
    "zstd:-5": (16_000, 16_000, 16_000),
    "brotli:1": (12_000, 12_000, 12_000),
    "brotli:6": (2_000, 2_000, 2_000),
    "brotli:9": (60, 640, 2_000),
    "brotli:11": (100, 192, 200),
}
# Of those the ones whose files the bare program writes, too: what others cost in their codec hides the writing.
WRITTEN = ["uncompressed", "snappy"]
# What is measured on messages: options of a writer, with a plus between them.
MESSAGES = ["zstd:3", "uncompressed+transpose", "zstd:3+transpose"]
N_MESSAGES = 20_000
# A process makes so many and takes the best. The first pays for memory that is fresh, as all do who write one file: of
# the reference that is more than half of the time in groups of 1 by zstd, which later passes do not show.
PASSES = 1
# As a real-time process a measured one is not interrupted by what else runs.
FIFO = ["chrt", "-f", "10"]

# Only what is written is read: memory that malloc got back from more than that would spare the writer page faults.
REFERENCE = """
import os, resource, sys
from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter
path, options, out, most, passes = sys.argv[1:4] + [int(arg) for arg in sys.argv[4:]]
records = ArrayRecordReader(path).read(list(range(most)))
best = None
for _ in range(passes):
    before = resource.getrusage(resource.RUSAGE_SELF)
    writer = ArrayRecordWriter(out, options)
    for record in records:
        writer.write(record)
    writer.close()
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    best = seconds if best is None else min(best, seconds)
print(len(records), best)
"""

PROGRAMS = ["reference", "ours", "engine", "bare", "bare_written"]
# (name, of what, to what): how many times as fast the latter is.
RATIOS = [("to_reference", "reference", "ours"), ("engine_to_bare", "bare", "engine"),
          ("to_bare", "bare", "ours"), ("to_bare_written", "bare_written", "ours")]


def message(rng, words):
    """One like tf.Example, of about 480 bytes in 11 features."""
    feature = bench_transposed.feature
    floats = [round(rng.gauss(0, 1), 2) for _ in range(16)]
    return bench_transposed.field(1, b"".join([
        feature(b"id", 1, [b"%016x" % rng.getrandbits(64)]), feature(b"label", 3, [rng.randrange(1000)]),
        feature(b"title", 1, [b" ".join(rng.choices(words, k=6))]), feature(b"width", 3, [rng.randrange(4096)]),
        feature(b"height", 3, [rng.randrange(4096)]), feature(b"source", 1, [rng.choice(words)]),
        feature(b"tokens", 3, [rng.randrange(32000) for _ in range(20)]), feature(b"scores", 2, floats),
        feature(b"weight", 2, [rng.random()]), feature(b"split", 1, [rng.choice([b"train", b"test"])]),
        feature(b"tags", 1, rng.choices(words, k=3))]))


def messages(folder):
    """The path of an uncompressed file of them."""
    path = pathlib.Path(folder) / f"messages-{N_MESSAGES}.array_record"
    if not path.exists():
        rng = random.Random(1)
        words = [bytes(rng.choices(b"etaoinshrdlucm", k=rng.randrange(2, 10))) for _ in range(4000)]
        make_shard.write_shard(str(path), [message(rng, words) for _ in range(N_MESSAGES)], "group_size:64,uncompressed")
    return path


def options_of(group, codec):
    """The string for a writer."""
    return f"group_size:{group},{codec.replace('+', ',')}"


def run(name, records, *args, start=()):
    """(bytes, CPU seconds) of the best pass of the program NAME. @start  goes before it."""
    argv = [*start, common.binary(f"BENCH_{name.upper()}", f"bin/bench.{name}"), PASSES, *args]
    out = subprocess.run(list(map(str, argv)), check=True, capture_output=True, text=True).stdout.split()
    if int(out[0]) != records:
        raise common.BenchError(f"{name}: {out[0]} records of {records}")
    return int(out[1]), float(out[2]) + float(out[3])


def encode(name, group, codec, path, records, start=()):
    return run(name, records, group, codec, path, records, start=start)


def encode_and_write(group, codec, path, records, start=()):
    """By the bare program, to a file on tmpfs."""
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        return run("raw_encode", records, group, codec, path, records, f"{folder}/out", start=start)


def write(group, codec, path, records, start=()):
    """By the library's writer; the bytes are those up to the footer."""
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        out = f"{folder}/out"
        seconds = run("write_records", records, options_of(group, codec), path, out, records, start=start)[1]
        return footer_offset(out), seconds


def varint(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def footer_offset(path):
    """Where the footer begins: the postscript, in the last block, says so."""
    with open(path, "rb") as file:
        file.seek(-65536, 2)
        data = file.read()[24 + 40:]
    size, at = varint(data, 1)
    return varint(data, at + size + 1)[0]


def reference(group, codec, path, records, start=()):
    """(bytes up to the footer, CPU seconds) of the best pass."""
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        out = f"{folder}/out"
        options = f"{options_of(group, codec)},max_parallelism:1"
        argv = [*start, sys.executable, "-c", REFERENCE, path, options, out, records, PASSES]
        told = subprocess.run(list(map(str, argv)), check=True, capture_output=True, text=True).stdout.split()
        return footer_offset(out), float(told[1])


def programs_of(codec):
    """{name: function} of those that can encode this."""
    programs = {"ours": write, "reference": reference}
    if "transpose" not in codec:
        programs["engine"] = lambda *args, **named: encode("encode_file", *args, **named)
        programs["bare"] = lambda *args, **named: encode("raw_encode", *args, **named)
    if codec in WRITTEN:
        programs["bare_written"] = encode_and_write
    return programs


def measure(path, group, codec, records, rounds, start=()):
    common.warm(path)
    programs = programs_of(codec)
    turns = {name: [] for name in programs}
    for i in range(rounds):
        for name in list(programs) if i % 2 == 0 else reversed(programs):
            turns[name].append(programs[name](group, codec, path, records, start=start))
    seconds = {name: min(turn[1] for turn in all_) for name, all_ in turns.items()}
    ratios = {name: seconds[of] / seconds[to] for name, of, to in RATIOS if of in seconds}
    return {"records": records, **{f"{name}_cpu": value for name, value in seconds.items()}, **ratios,
            "size": turns["ours"][0][0], "size_ratio": turns["ours"][0][0] / turns["reference"][0][0]}


def is_wanted(only, content, codec, group):
    """Whether the set @only names this cell; what it does not name of a kind is wanted."""
    kinds = ((content, {"text", "messages"}), (codec, {*CELLS, *MESSAGES}), (str(group), set(map(str, GROUPS))))
    return not any(only & kind and name not in only for name, kind in kinds)


def main():
    global PASSES
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=PASSES, help="of each process, which takes its best")
    parser.add_argument("--only", default="", help="records (text, messages), codecs, groups, separated by commas")
    parser.add_argument("--fifo", action="store_true", help="measure real-time processes; needs root")
    parser.add_argument("--json")
    args = parser.parse_args()
    PASSES = args.passes
    only = set(filter(None, args.only.split(",")))
    folder = pathlib.Path(args.dir)
    folder.mkdir(parents=True, exist_ok=True)
    text = common.shard(folder, max(map(max, CELLS.values())), 4096, "group_size:64,uncompressed")
    cells = [("text", text, codec, group, n) for codec, counts in CELLS.items() for group, n in zip(GROUPS, counts)]
    cells += [("messages", messages(folder), codec, group, N_MESSAGES) for codec in MESSAGES for group in GROUPS]
    rows, results = [], []
    for content, path, codec, group, records in cells:
        if not is_wanted(only, content, codec, group):
            continue
        common.progress(f"{content}, {codec}, groups of {group}")
        result = measure(path, group, codec, records, args.rounds, FIFO if args.fifo else ())
        results.append({"content": content, "codec": codec, "group": group, **result})
        rows.append([f"{content}, {codec}", group] + [
            f"{result[f'{name}_cpu'] / records * 1e6:.1f}" if f"{name}_cpu" in result else "" for name in PROGRAMS] + [
            f"{result[name]:.3g}" if name in result else "" for name, _, _ in RATIOS] + [f"{result['size_ratio']:.3f}"])
    common.print_machine()
    common.print_table(["records", "group", "reference, us a record", "writer", "engine", "bare", "bare, written",
                        "writer to reference", "engine to bare", "writer to bare", "writer to bare, written",
                        "size to reference"], rows)
    common.write_json(args.json, results)


if __name__ == "__main__":
    common.run_main(main)
