#!/usr/bin/env python3
"""The most memory that `arec pack` and `arec convert` take, beside what they may.

    bench_pack_memory.py [--dir DIR] [--scale 0.01] [--only lines,convert] [--json FILE]

The peak is the ru_maxrss of the process. It may be 64 MiB + --limit-memory + (stored + decoded bytes of a group + what its
encoder takes) for each worker. What a writer keeps of each chunk for the footer is part of that. Output goes to /dev/null;
inputs are small files on tmpfs, streams through a pipe, and files of some times the limit. No clock decides anything, so
other load does not matter.
"""

import argparse
import ctypes
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

import common
import make_shard

FIXED = 64 * common.MIB
TMPFS = "/dev/shm"
PER_DIRECTORY = 1000
LIMIT = 64  # MiB, where a case names no other
LINE = 1000  # bytes of a record in a stream, with its newline
BLOCK = 4096  # lines that a stream repeats


class Parameters(ctypes.Structure):
    """ZSTD_compressionParameters."""
    _fields_ = [(name, ctypes.c_uint) for name in ("window_log", "chain_log", "hash_log", "search_log", "min_match",
                                                   "target_length", "strategy")]


def zstd_memory(level, size):
    """What a zstd encoder takes for @size bytes, by the library's own estimate."""
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_getCParams.restype = zstd.ZSTD_adjustCParams.restype = Parameters
    zstd.ZSTD_getCParams.argtypes = [ctypes.c_int, ctypes.c_ulonglong, ctypes.c_size_t]
    zstd.ZSTD_adjustCParams.argtypes = [Parameters, ctypes.c_ulonglong, ctypes.c_size_t]
    zstd.ZSTD_estimateCCtxSize_usingCParams.restype = ctypes.c_size_t
    zstd.ZSTD_estimateCCtxSize_usingCParams.argtypes = [Parameters]
    return zstd.ZSTD_estimateCCtxSize_usingCParams(zstd.ZSTD_adjustCParams(zstd.ZSTD_getCParams(level, 0, 0), size, 0))


# ---- inputs -----------------------------------------------------------------------------------


def lines():
    """BLOCK lines of LINE bytes each, of words."""
    records = make_shard.Records(BLOCK, LINE - 1)
    return b"".join(record.replace(b"\n", b" ") + b"\n" for record in records)


def tfrecords():
    """The same records in the frames of TFRecord, by arec itself."""
    with tempfile.TemporaryDirectory(dir=TMPFS) as folder:
        path = f"{folder}/block"
        arec = common.arec_binary()
        subprocess.run([arec, "pack", "-q", "--from=lines", "-o", path, "-"], input=lines(), check=True)
        return subprocess.run([arec, "cat", "--frame=tfrecord", path], stdout=subprocess.PIPE, check=True).stdout


def feed(pipe, block, size):
    """Writes @block again and again, until there are @size bytes."""
    with pipe:
        for _ in range(max(size // len(block), 1)):
            pipe.write(block)


def make_files(folder, n):
    """@n files of 1 KiB, 1000 in a directory."""
    records = make_shard.Records(n, 1024)
    for i in range(n):
        if i % PER_DIRECTORY == 0:
            directory = pathlib.Path(folder) / f"{i // PER_DIRECTORY:06d}"
            directory.mkdir()
        (directory / f"{i:09d}").write_bytes(records[i])


# ---- one case ---------------------------------------------------------------------------------

# The peak of a program includes that of the process which became it, so a small one starts it.
STARTER = """
import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def run(argv, block=None, size=0):
    """(report, peak in bytes) of `arec ARGV`, whose standard input is @size bytes of @block."""
    process = subprocess.Popen([sys.executable, "-S", "-E", "-c", STARTER, common.arec_binary(), *map(str, argv)],
                               stdin=subprocess.PIPE if block else subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    feeder = threading.Thread(target=feed, args=(process.stdin, block, size)) if block else None
    if feeder:
        feeder.start()
    out, errors = process.stdout.read(), process.stderr.read().decode().splitlines()
    if feeder:
        feeder.join()
    if process.wait() != 0:
        raise common.BenchError(f"arec {argv[0]}: exited with {process.returncode}: {errors}")
    return json.loads(out), int(errors[-1]) * 1024


def is_within(result):
    return 0 < result["peak"] <= result["allowed"]


def result_of(report, peak, limit, threads, encoder):
    """What the case took and may take. @encoder  the bytes that it takes for a group of so many, or None."""
    n_chunks = max(report["chunks"], 1)
    group = min(report["group_size"], report["records"])
    decoded = group * report["decoded_size"] // max(report["records"], 1)
    stored = report["file_size"] // n_chunks
    a_worker = stored + decoded + (encoder(decoded) if encoder else 0)
    return {"records": report["records"], "decoded_size": report["decoded_size"], "limit": limit, "threads": threads,
            "worker": a_worker, "peak": peak, "allowed": FIXED + limit + threads * a_worker,
            "seconds": report["seconds"]}


def pack(args, inputs, *, options="", limit=LIMIT, threads=2, stream=None, encoder=None):
    """@inputs  of the command line; @stream  (block, bytes) of standard input."""
    argv = ["pack", "--json", "-q", "-o", "/dev/null", f"--options={options}", f"--limit-memory={limit}M",
            f"--threads={threads}", *args, *inputs]
    report, peak = run(argv, *(stream or ()))
    return result_of(report, peak, limit * common.MIB, threads, encoder)


def convert(path, *args, limit=16, threads=2):
    argv = ["convert", "--json", "-q", "-o", "/dev/null", f"--limit-memory={limit}M", f"--threads={threads}", *args, path]
    report, peak = run(argv)
    return result_of(report, peak, limit * common.MIB, threads, None)


# ---- the cases --------------------------------------------------------------------------------


def of_files(_folder, scale):
    with tempfile.TemporaryDirectory(dir=TMPFS) as tree:
        n = max(int(1_000_000 * scale), 1000)
        make_files(tree, n)
        yield f"pack, {n:,} files of 1 KiB", pack([], [tree])
        yield f"pack, {n:,} files of 1 KiB, names stored", pack(["--store-names"], [tree], options="group_size:64")


def of_streams(_folder, scale):
    size = int(10e9 * scale)
    for kind, block in (("lines", lines()), ("tfrecord", tfrecords())):
        for options in ("", "group_size:64,snappy"):
            yield (f"pack, {kind} from a pipe, {size / 1e9:g} GB, {options or 'default'}",
                   pack([f"--from={kind}"], ["-"], options=options, stream=(block, size)))


def of_large_groups(_folder, scale):
    size = int(1e9 * scale) + 10 * 10_000 * LINE
    for codec in ("zstd", "brotli:6", "snappy", "uncompressed"):
        yield (f"pack, group_size:10000,{codec},max_parallelism:8",
               pack(["--from=lines"], ["-"], options=f"group_size:10000,{codec}", threads=8, stream=(lines(), size)))


def of_costly_encoders(_folder, scale):
    for group, size in ((1, 1e7), (64, 3e7), (10_000, 6e7)):
        yield (f"pack, group_size:{group},zstd:22",
               pack(["--from=lines"], ["-"], options=f"group_size:{group},zstd:22",
                    stream=(lines(), int(size * scale) + LINE * group), encoder=lambda decoded: zstd_memory(22, decoded)))


def of_converted(folder, scale):
    """A file of many times the limit."""
    n = max(int(500_000 * scale), 60_000)
    path = pathlib.Path(folder) / f"lines-{n}.array_record"
    if not path.exists():
        pack_into(path, n)
    for args in ([], ["--no-copy"], ["--group-size=1", "--codec=zstd"], ["--shuffle=1"],
                 ["--shuffle=1", "--group-size=1000", "--codec=zstd"]):
        yield f"convert, {n * LINE / 1e6:,.0f} MB, {' '.join(args) or 'copied'}", convert(path, *args)


def pack_into(path, n):
    argv = [common.arec_binary(), "pack", "-qo", path, "--from=lines", "--options=group_size:1000,snappy", "-"]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE)
    feed(process.stdin, lines(), n * LINE)
    if process.wait() != 0:
        raise common.BenchError(f"{path}: arec pack exited with {process.returncode}")


CASES = {"files": of_files, "streams": of_streams, "groups": of_large_groups, "encoders": of_costly_encoders,
         "convert": of_converted}


def measure(scale, folder, only=()):
    """[(name, result)] of the cases, sizes multiplied by @scale."""
    results = []
    for name, cases in CASES.items():
        if only and name not in only:
            continue
        for what, result in cases(folder, scale):
            common.progress(f"{what}: {result['peak'] / common.MIB:,.0f} of {result['allowed'] / common.MIB:,.0f} MiB")
            results.append((what, result))
    return results


def row(what, r):
    def in_mib(n):
        return f"{n / common.MIB:,.0f}"
    return [what, f"{r['records']:,}", f"{r['decoded_size'] / 1e6:,.0f}", r["threads"], in_mib(r["limit"]),
            f"{r['worker'] / common.MIB:,.1f}", in_mib(r["peak"]), in_mib(r["allowed"]),
            "yes" if is_within(r) else "NO", f"{r['seconds']:,.1f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR, help="folder for the files to convert (default %(default)s)")
    parser.add_argument("--scale", type=float, default=1, help="of all sizes; 1 takes 5 GB of memory on tmpfs and some minutes")
    parser.add_argument("--only", default="", help=f"of {', '.join(CASES)}, separated by commas")
    parser.add_argument("--json", metavar="FILE", help="writes everything measured")
    args = parser.parse_args()
    pathlib.Path(args.dir).mkdir(parents=True, exist_ok=True)
    only = set(filter(None, args.only.split(",")))
    if only - set(CASES):
        parser.error(f"--only: no such case: {', '.join(sorted(only - set(CASES)))}")
    results = measure(args.scale, args.dir, only)
    common.print_machine()
    common.print_table(["", "records", "MB", "workers", "limit, MiB", "a worker, MiB", "peak, MiB", "allowed, MiB",
                        "within", "s"], [row(what, result) for what, result in results])
    common.write_json(args.json, dict(results))
    if not all(is_within(result) for _, result in results):
        raise common.BenchError("a peak is above what is allowed")


if __name__ == "__main__":
    common.run_main(main)
