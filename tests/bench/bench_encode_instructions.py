#!/usr/bin/env python3
"""Instructions for encoding records in groups: the writer, the reference's, the engine, and bare calls of codec and hash.

    bench_encode_instructions.py [--dir DIR] [--only text,zstd:3,64] [--json FILE]

The programs are those of bench_encode.py. Valgrind counts, so neither other load nor a neighbour on the same machine
disturbs: two runs differ by less than a thousandth. A program runs with one pass and with three, and the difference is
what two warm passes take. What is done in the kernel does not count, nor how long an instruction takes.
"""

import argparse
import pathlib
import re
import shutil
import tempfile

import bench_encode
import common

# How many records, for groups of 1, 64 and 2000; 0: it takes minutes.
CELLS = {
    "uncompressed": (2_000, 2_048, 4_000),
    "snappy": (2_000, 2_048, 4_000),
    "zstd:1": (2_000, 2_048, 4_000),
    "zstd:3": (1_000, 1_024, 2_000),
    "zstd:9": (500, 512, 2_000),
    "zstd:22": (40, 64, 0),
    "brotli:1": (1_000, 1_024, 2_000),
    "brotli:6": (300, 320, 2_000),
    "brotli:9": (100, 128, 0),
    "brotli:11": (10, 0, 0),
}
N_MESSAGES = (2_000, 2_048, 4_000)
PASSES = (1, 3)


def instructions(program, *args):
    """What a warm pass of @program takes."""
    counts = []
    for bench_encode.PASSES in PASSES:
        with tempfile.NamedTemporaryFile() as log:
            program(*args, start=["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
                                  f"--log-file={log.name}"])
            text = pathlib.Path(log.name).read_text()
        counts.append(int(re.search(r"I +refs: +([\d,]+)", text)[1].replace(",", "")))
    return (counts[1] - counts[0]) / (PASSES[1] - PASSES[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR)
    parser.add_argument("--only", default="", help="records (text, messages), codecs, groups, separated by commas")
    parser.add_argument("--json")
    args = parser.parse_args()
    if not shutil.which("valgrind"):
        raise common.BenchError("valgrind is not installed")
    only = set(filter(None, args.only.split(",")))
    folder = pathlib.Path(args.dir)
    folder.mkdir(parents=True, exist_ok=True)
    text = common.shard(folder, 24_000, 4096, "group_size:64,uncompressed")
    cells = [("text", text, codec, group, n) for codec, counts in CELLS.items()
             for group, n in zip(bench_encode.GROUPS, counts) if n > 0]
    cells += [("messages", bench_encode.messages(folder), codec, group, n) for codec in bench_encode.MESSAGES
              for group, n in zip(bench_encode.GROUPS, N_MESSAGES)]
    rows, results = [], []
    for content, path, codec, group, records in cells:
        if not bench_encode.is_wanted(only, content, codec, group):
            continue
        common.progress(f"{content}, {codec}, groups of {group}")
        counts = {name: instructions(program, group, codec, path, records)
                  for name, program in bench_encode.programs_of(codec).items()}
        ratios = {name: counts[of] / counts[to] for name, of, to in bench_encode.RATIOS if of in counts}
        ratios["bare_to_reference"] = counts["reference"] / counts["bare"] if "bare" in counts else None
        results.append({"content": content, "codec": codec, "group": group, "records": records, **counts, **ratios})
        rows.append([f"{content}, {codec}", group] + [
            f"{counts[name] / records / 1000:.1f}" if name in counts else "" for name in bench_encode.PROGRAMS] + [
            f"{ratios[name]:.3g}" if ratios.get(name) else ""
            for name in ("to_reference", "bare_to_reference", "engine_to_bare", "to_bare")])
        common.write_json(args.json, results)
    common.print_machine()
    common.print_table(["records", "group", "reference, 1000 instructions a record", "writer", "engine", "bare",
                        "bare, written", "writer to reference", "bare to reference", "engine to bare", "writer to bare"],
                       rows)


if __name__ == "__main__":
    common.run_main(main)
