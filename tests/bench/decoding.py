"""Workloads limited by bytes: large records, whole files through the library, memory."""

import argparse
import subprocess
import time

import bench_memory
import common
import peers
import reference

MB = 10**6
BARE_PROGRAM = "bare program"
BOUND = f"{BARE_PROGRAM}, then null"
BARE, BARE_ALL = "bare, 1 thread", "bare, all cores"
LIBRARY, LIBRARY_ALL = "libarec, 1 thread", "libarec, all cores"
REFERENCE_ALL = "reference, read_all ()"
CODECS = ["uncompressed", "zstd", "brotli", "snappy"]
# Other work on the machine disturbs passes over a warm file for a tenth of a second or for seconds, so a turn is the
# best of several.
PASSES, REFERENCE_PASSES = 12, 3
READERS = 8
PATTERNS = bench_memory.PATTERNS


def run_decoder(program, shard, bytes_expected, *more, **options):
    """The seconds that the best pass of bench.decode_file or bench.raw_decode takes."""
    return measure_decoder(program, shard, bytes_expected, *more, **options)[0]


def measure_decoder(program, shard, bytes_expected, *more, flags=(), threads=1, passes=1):
    """(wall seconds, CPU seconds) of the best passes. @flags go before the other arguments."""
    argv = [common.binary(f"BENCH_{program.upper()}", f"bin/bench.{program}"), *flags, passes, threads, shard, *more]
    done = subprocess.run([str(arg) for arg in argv], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise common.BenchError(f"{program} {shard.name}: exited with {done.returncode}")
    _, size, user, system, seconds = done.stdout.split()
    if int(size) != bytes_expected:
        raise common.BenchError(f"{program} {shard.name}: {size} bytes instead of {bytes_expected}")
    return float(seconds), float(user) + float(system)


# ---- one large record -------------------------------------------------------------------------


def dd(place, path):
    begin = time.perf_counter()
    done = subprocess.run(["dd", f"if={path / place.corpus.name(0)}", "of=/dev/null", "bs=1M"],
                          stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise common.BenchError(f"{place.name}: dd: {done.stderr.strip()}")
    return seconds


class Bare:
    name = BARE_PROGRAM

    def __init__(self, shard):
        self.shard = shard


def large(bench):
    corpus = bench.corpus(1, bench.size(1 << 30, 32 << 20))
    for codec in ("uncompressed", "zstd"):
        places = bench.places(corpus, [peers.ours(1, codec), "null", "null-splice", "ext4"])
        first, second = f"{codec}, first pass", f"{codec}, second pass"
        seconds = {}
        for number, place in bench.turns(codec, [*places, Bare(corpus.shard(1, codec))]):
            common.drop_caches()
            if isinstance(place, Bare):
                seconds[number, place.name] = run_decoder("raw_decode", place.shard, corpus.bytes)
                bench.add(first, place.name, number, seconds[number, place.name], corpus.bytes / MB, "MB")
                continue
            with place.opened() as path:
                watch = bench.watch(place, path)
                seconds[number, place.name] = dd(place, path)
                bench.add(first, place.name, number, seconds[number, place.name], corpus.bytes / MB, "MB", **watch.lap())
                bench.add(second, place.name, number, dd(place, path), corpus.bytes / MB, "MB", **watch.lap())
        for number in range(bench.args.rounds):
            both = seconds[number, Bare.name] + seconds[number, peers.NULL]
            bench.add(first, BOUND, number, both, corpus.bytes / MB, "MB")


# ---- the library ------------------------------------------------------------------------------


class Decoder:
    def __init__(self, name, run):
        self.name, self.run = name, run


def decoders(bench, shard, corpus):
    def bare(threads):
        return run_decoder("raw_decode", shard, corpus.bytes, threads=threads, passes=PASSES)

    def library(threads):
        return run_decoder("decode_file", shard, corpus.bytes, threads=threads, passes=PASSES)

    def read_all():
        return min(reference.measure("all", shard, corpus.records)[0] for _ in range(REFERENCE_PASSES))

    return [
        Decoder(LIBRARY, lambda: library(1)),
        Decoder(BARE, lambda: bare(1)),
        Decoder(LIBRARY_ALL, lambda: library(bench.cpus)),
        Decoder(BARE_ALL, lambda: bare(bench.cpus)),
        Decoder(REFERENCE_ALL, read_all),
    ]


def case_of_file(codec, group):
    return f"{codec}, groups of {group}"


def decode(bench):
    corpus = bench.corpus(bench.size(50_000, 2_000), 4096)
    for codec in CODECS:
        for group in (1, 64):
            shard = corpus.shard(group, codec)
            case = case_of_file(codec, group)
            for number, decoder in bench.turns(case, decoders(bench, shard, corpus)):
                common.warm(shard)
                bench.add(case, decoder.name, number, decoder.run(), corpus.bytes / MB, "MB")


# ---- memory -----------------------------------------------------------------------------------


class Arecfs:
    name = peers.ARECFS64


def case_of_memory(pattern):
    return f"{READERS} readers, {pattern}"


def memory(bench):
    corpus = bench.corpus(bench.size(100_000, 20_000), 4096)
    shard = corpus.shard(64)
    cache = max(corpus.bytes // 4 // common.MIB, 1)
    args = argparse.Namespace(cache=cache, records=corpus.records, size=corpus.size, readers=READERS,
                              max_parallelism=bench.cpus, arecfs_option=bench.args.arecfs_option,
                              limit=bench.args.limit)
    for pattern in PATTERNS:
        case = case_of_memory(pattern)
        for number, place in bench.turns(case, [Arecfs]):
            seen = bench_memory.measure(args, bench.reader, shard, 64, pattern, bench.work)
            bench.add(case, place.name, number, seen["seconds"], READERS * corpus.records, "files",
                      peak=max(seen["rss_peak"], seen["hwm"]), allowed=seen["allowed"], decodes=seen["decodes"],
                      chunks=seen["chunks"])
