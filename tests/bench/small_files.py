"""Reading many files: in order, at random, by several readers, of several sizes and codecs."""

import subprocess
import time

import common
import decoding
import loader as loader_process
import peers
import reference

NO_LISTING, PLAIN_LISTING, LS_L = "no listing", "plain listing", "ls -l"
LISTINGS = [PLAIN_LISTING, LS_L, NO_LISTING]
EVERYBODY = ["arecfs64", "arecfs1", "ext4", "squashfuse", "squashfs", "ratarmount", "null", "null-push"]
SIZES = {"100 B": (100, 100_000), "4 KiB": (4096, 20_000), "100 KiB": (100 << 10, 2_000), "10 MiB": (10 << 20, 16)}
SOURCE_CACHED = "source in the page cache"
CROWDS = [1, 4, 8]
CODECS = ["uncompressed", "zstd", "brotli", "snappy"]

# A warm pass takes a second, and the machine is shared: the fastest of several counts.
WARM_PASSES = 3


class Direct:
    """A reader without files: run (round) gives (seconds, bytes)."""

    def __init__(self, name, run):
        self.name, self.run = name, run


def cold(case):
    return f"cold, {case}"


# ---- the reader -------------------------------------------------------------------------------


def reader_argv(bench, place, path, count=None, start=0, seed=None):
    argv = [bench.reader, "-N", place.corpus.records, "-s", start]
    argv += ["-n", count] if count is not None else []
    argv += ["-r", seed] if seed is not None else []
    return [str(arg) for arg in [*argv, path]]


def check_readers(place, processes, outs, expected):
    """Fails unless the readers together read @expected files and all their bytes."""
    files = size = 0
    for process, out in zip(processes, outs):
        if process.returncode != 0:
            raise common.BenchError(f"{place.name}: the reader exited with {process.returncode}")
        files += int(out.split()[0])
        size += int(out.split()[1])
    if (files, size) != (expected, place.bytes_of(expected)):
        raise common.BenchError(f"{place.name}: {files} files with {size} bytes are not the records")


def read(bench, place, path, count, **order):
    """The seconds of reading @count files."""
    process = subprocess.run(reader_argv(bench, place, path, count, **order), stdout=subprocess.PIPE, text=True)
    check_readers(place, [process], [process.stdout], count)
    return float(process.stdout.split()[3])


def list_plainly(bench, place, path):
    """The seconds of a listing by getdents alone."""
    process = subprocess.run([bench.reader, "-n", "0", path], stdout=subprocess.PIPE, text=True)
    if process.returncode != 0:
        raise common.BenchError(f"{place.name}: cannot be listed")
    return float(process.stdout.split()[2])


def make_listing(bench, place, path, listing):
    """The seconds that it took, or None."""
    if listing == NO_LISTING:
        return None
    if listing == PLAIN_LISTING:
        return list_plainly(bench, place, path)
    begin = time.perf_counter()
    if subprocess.run(["ls", "-l", path], stdout=subprocess.DEVNULL).returncode != 0:
        raise common.BenchError(f"{place.name}: ls -l failed")
    return time.perf_counter() - begin


def n_files(place):
    return min(place.corpus.records, place.max_files or place.corpus.records)


# ---- one reader -------------------------------------------------------------------------------


def turn(bench, place, number, cold_case, warm_case, listing=PLAIN_LISTING):
    """On a fresh mount: the listing, a pass in order, and with a @warm_case some more."""
    count = n_files(place)
    common.drop_caches()
    with place.opened() as path:
        watch = bench.watch(place, path)
        listed = make_listing(bench, place, path, listing)
        of_list = {f"list_{key}": value for key, value in watch.lap().items() if key != "chunks"}
        seconds = read(bench, place, path, count)
        bench.add(cold_case, place.name, number, seconds, count, "files", list_seconds=listed, **of_list, **watch.lap())
        if warm_case:
            passes = [(read(bench, place, path, count), watch.lap()) for _ in range(WARM_PASSES)]
            seconds, lap = min(passes, key=lambda one: one[0])
            bench.add(warm_case, place.name, number, seconds, count, "files", **lap, **watch.totals())
        place.check_bytes(path)


def inorder(bench):
    corpus = bench.corpus(bench.size(100_000, 2_000), 4096)
    places = bench.places(corpus, EVERYBODY)
    direct = reference_places(corpus, lambda shard, _: reference.measure("inorder", shard, corpus.records))
    for listing in LISTINGS:
        # A place that takes minutes has one turn a round; readers that need no names take part in the case without a listing.
        able = [place for place in places if listing == PLAIN_LISTING or not place.max_files]
        able += direct if listing == NO_LISTING else []
        for number, place in bench.turns(cold(listing), able):
            if isinstance(place, Direct):
                common.drop_caches()
                add_direct(bench, cold(listing), place, number, corpus.records)
                add_direct(bench, "warm", place, number, corpus.records, WARM_PASSES)
            else:
                turn(bench, place, number, cold(listing), "warm" if listing == PLAIN_LISTING else None, listing)


def add_direct(bench, case, place, number, count, passes=1):
    seconds = min(place.run(number)[0] for _ in range(passes))
    bench.add(case, place.name, number, seconds, count, "files")


def reference_places(corpus, run):
    """Readers of both files by the reference; run (shard, round) gives (seconds, bytes)."""
    return [Direct(name, lambda number, shard=corpus.shard(group): run(shard, number))
            for name, group in ((peers.REFERENCE64, 64), (peers.REFERENCE1, 1))]


def randomly(bench):
    corpus = bench.corpus(bench.size(100_000, 2_000), 4096)
    count = bench.size(10_000, 500)
    places = bench.places(corpus, [key for key in EVERYBODY if key != "null-push"])
    places += reference_places(corpus, lambda shard, number: reference.measure("random", shard, count, number))
    for number, place in bench.turns("cold", places):
        common.drop_caches()
        if isinstance(place, Direct):
            add_direct(bench, "cold", place, number, count)
            continue
        wanted = min(count, place.max_files // 10) if place.max_files else count
        with place.opened() as path:
            watch = bench.watch(place, path)
            seconds = read(bench, place, path, wanted, seed=number)
            bench.add("cold", place.name, number, seconds, wanted, "files", **watch.lap())


def overhead(bench):
    corpus = bench.corpus(bench.size(100_000, 2_000), 4096)
    count = bench.size(10_000, 500)
    places = bench.places(corpus, [peers.ours(1, "uncompressed"), peers.ours(1), "null"])
    seconds = {}
    for number, place in bench.turns(SOURCE_CACHED, [*places, decoding.Bare(corpus.shard(1, "uncompressed"))]):
        common.drop_caches()
        if isinstance(place, decoding.Bare):
            common.warm(place.shard)
            seconds[number, place.name] = decoding.run_decoder("raw_decode", place.shard, count * corpus.size, count)
            bench.add(SOURCE_CACHED, place.name, number, seconds[number, place.name], count, "files")
            continue
        if place.source:
            common.warm(place.source)
        with place.opened() as path:
            watch = bench.watch(place, path)
            seconds[number, place.name] = read(bench, place, path, count, seed=number)
            bench.add(SOURCE_CACHED, place.name, number, seconds[number, place.name], count, "files", **watch.lap())
    for number in range(bench.args.rounds):
        both = seconds[number, decoding.BARE_PROGRAM] + seconds[number, peers.NULL]
        bench.add(SOURCE_CACHED, decoding.BOUND, number, both, count, "files")


def sizes(bench):
    for label, (size, records) in SIZES.items():
        corpus = bench.corpus(bench.size(records, min(records // 50 + 4, 1000)), size)
        groups = ["arecfs64", "arecfs1"] if size < 1 << 20 else ["arecfs1"]
        places = bench.places(corpus, [*groups, "ext4", "squashfuse", "null", "null-push"])
        for number, place in bench.turns(label, places):
            turn(bench, place, number, f"{label}, cold", f"{label}, warm")


def codecs(bench):
    corpus = bench.corpus(bench.size(50_000, 2_000), 4096)
    keys = [peers.ours(group, codec) for codec in CODECS for group in (64, 1)] + [peers.ours(1024)]
    for number, place in bench.turns("all", bench.places(corpus, [*keys, "null-push"])):
        turn(bench, place, number, "cold", "warm")


# ---- several readers --------------------------------------------------------------------------


def read_together(bench, place, path, n_readers, total, seed=None):
    """The seconds until the last of the readers, each on its part of @total files, has ended. The files are in order, or
    in the random one of @seed."""
    starts = [total * i // n_readers for i in range(n_readers + 1)]
    begin = time.perf_counter()
    running = []
    try:
        for start, end in zip(starts, starts[1:]):
            argv = reader_argv(bench, place, path, end - start, start, seed)
            running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
        outs = [process.communicate()[0] for process in running]
        seconds = time.perf_counter() - begin
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.wait()
    check_readers(place, running, outs, total)
    return seconds


def readers(bench):
    corpus = bench.corpus(bench.size(100_000, 2_000), 4096)
    places = bench.places(corpus, ["arecfs64", "arecfs1", "squashfuse", "null-push"])
    # Each round has all numbers of readers, because they are compared with each other.
    for number, place in bench.turns("cold", places):
        for n_readers in (1, 2, 4):
            common.drop_caches()
            with place.opened() as path:
                watch = bench.watch(place, path)
                list_plainly(bench, place, path)
                watch.lap()
                seconds = read_together(bench, place, path, n_readers, corpus.records)
                bench.add(case_of_readers(n_readers), place.name, number, seconds, corpus.records, "files", **watch.lap())


def case_of_readers(n):
    return f"cold, {n} reader{'s' if n > 1 else ''}"


def crowd(bench):
    corpus = bench.corpus(bench.size(100_000, 2_000), 4096)
    count = bench.size(40_000, 800)
    for number, place in bench.turns(SOURCE_CACHED, bench.places(corpus, ["arecfs1", "arecfs64", "squashfuse", "null"])):
        for n_readers in CROWDS:
            common.drop_caches()
            if place.source:
                common.warm(place.source)
            with place.opened() as path:
                watch = bench.watch(place, path)
                seconds = read_together(bench, place, path, n_readers, count, seed=number)
                bench.add(case_of_crowd(n_readers), place.name, number, seconds, count, "files", **watch.lap())


def case_of_crowd(n):
    return f"{SOURCE_CACHED}, {n} reader{'s' if n > 1 else ''}"


def loader(bench):
    corpus = bench.corpus(bench.size(100_000, 2_000), 4096)
    count, processes = bench.size(20_000, 500), 4

    def run(shard, number):
        return loader_process.measure("reference", shard, corpus.records, count, processes, number)

    places = bench.places(corpus, ["arecfs64", "arecfs1", "ext4", "squashfuse", "squashfs", "null"])
    for number, place in bench.turns("cold", [*places, *reference_places(corpus, run)]):
        common.drop_caches()
        if isinstance(place, Direct):
            add_direct(bench, "cold", place, number, count)
            continue
        with place.opened() as path:
            watch = bench.watch(place, path)
            seconds, size = loader_process.measure("files", path, corpus.records, count, processes, number,
                                                   bench.args.limit)
            if size != count * corpus.size:
                raise common.BenchError(f"{place.name}: the loader got {size} bytes")
            bench.add("cold", place.name, number, seconds, count, "files", **watch.lap())
