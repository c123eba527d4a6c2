#!/usr/bin/env python3
"""CPU and wall time of reading all records of transposed files: arec on one thread beside the reference implementation.

    bench_transposed.py [--dir DIR] [--records N] [--rounds N] [--only zstd,64] [--json FILE]

The records are messages like tf.Example: maps from names to lists of bytes, floats and integers. Each reader is a
process of its own, which runs from start to end: `arec cat --threads 1` with its output dropped, and a Python process
that reads one record after the other without a pool of threads. The time that Python takes to start and to import the
module is counted, and also given on its own.
"""

import argparse
import functools
import pathlib
import random
import resource
import struct
import subprocess
import sys
import time

import common
import make_shard

CODECS = ["uncompressed", "zstd", "brotli", "snappy"]
GROUPS = [1, 64, 1024]

REFERENCE = """
import sys
from array_record.python.array_record_module import ArrayRecordReader
if len(sys.argv) > 1:
    reader = ArrayRecordReader(sys.argv[1], "max_parallelism:0")
    total = 0
    for _ in range(reader.num_records()):
        total += len(reader.read())
    print(total)
"""


# ---- records ----------------------------------------------------------------------------------


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def feature(name, kind, values):
    """An entry of the map: kind 1 bytes, 2 floats, 3 integers."""
    if kind == 1:
        items = b"".join(field(1, value) for value in values)
    elif kind == 2:
        items = field(1, struct.pack(f"<{len(values)}f", *values))
    else:
        items = field(1, b"".join(varint(value) for value in values))
    return field(1, field(1, name) + field(2, field(kind, items)))


def example(rng, words):
    """A message like tf.Example, of about 2 KB: an identifier, text, tokens, an embedding, labels, boxes."""
    n_tokens = rng.randrange(40, 200)
    return field(1, b"".join([
        feature(b"id", 1, [b"%016x" % rng.getrandbits(64)]),
        feature(b"text", 1, [b" ".join(rng.choices(words, k=rng.randrange(20, 120)))]),
        feature(b"tags", 1, rng.choices(words, k=rng.randrange(6))),
        feature(b"tokens", 3, [min(int(rng.expovariate(1 / 2000)), 32000) for _ in range(n_tokens)]),
        feature(b"embedding", 2, [rng.gauss(0, 1) for _ in range(256)]),
        feature(b"label", 3, [rng.randrange(1000)]),
        b"".join(feature(b"box/%d" % i, 2, [rng.random() for _ in range(4)]) for i in range(rng.randrange(5))),
    ]))


def event(rng, words):
    """A message of many small fields, like a log entry, whose structure is most of the cost."""
    out = [varint(1 << 3) + varint(rng.getrandbits(40)), varint(2 << 3 | 1) + rng.randbytes(8)]
    for _ in range(rng.randrange(4, 12)):
        span = [varint(1 << 3) + varint(rng.choice([0, 1, 2, rng.getrandbits(14)])),
                field(2, rng.choice(words)), varint(3 << 3 | 5) + rng.randbytes(4)]
        if rng.random() < 0.5:
            span.append(varint(4 << 3) + varint(rng.getrandbits(20)))
        out.append(field(5, b"".join(span)))
    out.append(field(6, rng.choice(words)))
    return b"".join(out)


KINDS = {"example": (example, 24_000), "event": (event, 100_000)}


@functools.cache
def make_records(kind, n):
    common.progress(f"making {n} records: {kind}")
    rng = random.Random(1)
    words = [bytes(rng.choices(b"etaoinshrdlucm", k=rng.randrange(2, 10))) for _ in range(4000)]
    return [KINDS[kind][0](rng, words) for _ in range(n)]


# ---- measuring --------------------------------------------------------------------------------


def run(command):
    """(CPU, wall) seconds of one process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def measure(path, rounds):
    ours = [common.arec_binary(), "cat", "--threads", "1", str(path)]
    reference = [sys.executable, "-c", REFERENCE]
    common.warm(path)
    figures = {"ours": [], "reference": [], "start": []}
    for i in range(rounds):
        turns = [("ours", ours), ("reference", reference + [str(path)]), ("start", reference)]
        for name, command in turns if i % 2 == 0 else reversed(turns):
            figures[name].append(run(command))
    median = {name: [common.median([figure[k] for figure in all_]) for k in (0, 1)] for name, all_ in figures.items()}
    ratio = [common.median([r[k] / o[k] for o, r in zip(figures["ours"], figures["reference"])]) for k in (0, 1)]
    net = common.median([(r[0] - s[0]) / o[0]
                         for o, r, s in zip(figures["ours"], figures["reference"], figures["start"])])
    return {"median": median, "ratio_cpu": ratio[0], "ratio_wall": ratio[1], "ratio_cpu_without_start": net}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR)
    parser.add_argument("--records", type=int, help="default: 24,000 examples, 100,000 events")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="codecs, groups and kinds, separated by commas")
    parser.add_argument("--json")
    args = parser.parse_args()
    only = set(filter(None, args.only.split(",")))
    folder = pathlib.Path(args.dir)
    folder.mkdir(parents=True, exist_ok=True)
    rows, results = [], {}
    for kind, (_, records) in KINDS.items():
        for codec in CODECS:
            for group in GROUPS:
                if any(only & set(map(str, values)) and name not in only
                       for name, values in ((kind, KINDS), (codec, CODECS), (str(group), GROUPS))):
                    continue
                n = args.records or records
                path = folder / f"transposed-{kind}-{n}-{codec}-{group}.array_record"
                if not path.exists():
                    common.progress(f"writing {path.name}")
                    make_shard.write_shard(path, make_records(kind, n), f"group_size:{group},transpose:true,{codec}")
                result = measure(path, args.rounds)
                results[path.name] = result
                rows.append([kind, codec, str(group)] + [
                    f"{result['median'][who][k]:.2f}" for who in ("ours", "reference") for k in (0, 1)
                ] + [f"{result[name]:.2f}" for name in ("ratio_cpu", "ratio_wall", "ratio_cpu_without_start")])
    common.print_table(["records", "codec", "group", "arec CPU s", "wall s", "reference CPU s", "wall s", "CPU ratio",
                  "wall ratio", "CPU ratio without start"], rows)
    common.write_json(args.json, results)


if __name__ == "__main__":
    common.run_main(main)
