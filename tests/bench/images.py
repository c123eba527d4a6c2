"""Records of the sizes of images, which do not compress: in order, and at random by several processes, as training jobs
read them."""

import common
import decoding
import loader
import peers
import reference
from small_files import SOURCE_CACHED, list_plainly, read_together

RECORDS, JPEGS = 6_000, 2_000
PROCESSES = [1, 4, 8]
UNCOMPRESSED1, ZSTD1, ZSTD16 = peers.ours_name(1, "uncompressed"), peers.ours_name(1), peers.ours_name(16)
BARE, BARE_ZSTD = decoding.BARE_PROGRAM, f"{decoding.BARE_PROGRAM}, zstd"
REFERENCE, BOUND = "reference, uncompressed", decoding.BOUND
OURS = [peers.ours(1, "uncompressed"), peers.ours(1), peers.ours(16)]
COLD = "cold"


class Order:
    """In order after a listing, or each of @n_readers processes on its own part of a random order."""

    def __init__(self, n_readers, is_random):
        self.n_readers, self.is_random = n_readers, is_random

    def __str__(self):
        if not self.is_random:
            return "in order after a listing"
        return f"random, {self.n_readers} process{'es' if self.n_readers > 1 else ''}"

    def case(self, state):
        return f"{state}, {self}"


IN_ORDER = Order(1, False)
ORDERS = [IN_ORDER, *(Order(n, True) for n in PROCESSES)]


class Bare:
    """raw_decode: the same chunks in the same order on as many threads; each record is copied once."""

    def __init__(self, corpus, name, codec):
        self.name, self.corpus, self.source = name, corpus, corpus.shard(1, codec)

    def measure(self, bench, order, number, is_cold):
        flags = ["-o", *(["-d"] if is_cold else []), *(["-r", number] if order.is_random else ["-s"])]
        seconds, cpu = decoding.measure_decoder("raw_decode", self.source, self.corpus.bytes, flags=flags,
                                                threads=order.n_readers)
        return seconds, {"server_seconds": cpu}


class Reference:
    """The reference's reader, in as many processes."""

    name = REFERENCE

    def __init__(self, corpus):
        self.corpus, self.source = corpus, corpus.shard(1, "uncompressed")

    def measure(self, bench, order, number, is_cold):
        corpus = self.corpus
        if order.is_random:
            seconds, size = loader.measure("reference", self.source, corpus.records, corpus.records, order.n_readers,
                                           number, bench.args.limit)
        else:
            seconds, size = reference.measure("inorder", self.source, corpus.records)
        if size != corpus.bytes:
            raise common.BenchError(f"{self.name}: {size} bytes instead of {corpus.bytes}")
        return seconds, {}


class Files:
    """A place that serves files."""

    def __init__(self, place):
        self.place, self.name, self.source = place, place.name, place.source

    def measure(self, bench, order, number, is_cold):
        place = self.place
        with place.opened() as path:
            watch = bench.watch(place, path)
            if not order.is_random:
                list_plainly(bench, place, path)
                watch.lap()
            before = common.cpu_seconds(place.pid) if place.pid else 0
            seconds = read_together(bench, place, path, order.n_readers, place.corpus.records,
                                    seed=number if order.is_random else None)
            more = {"server_seconds": common.cpu_seconds(place.pid) - before} if place.pid else {}
            more.update(watch.lap())
            if order is IN_ORDER:
                place.check_bytes(path)
        return seconds, more


def measure(bench, places, corpus, order, state, is_cold):
    """One table. A place whose source is a directory has no source that could be in the page cache."""
    case = order.case(state)
    able = [place for place in places if is_cold or not (place.source and place.source.is_dir())]
    seconds = {}
    for number, place in bench.turns(case, able):
        common.drop_caches()
        if not is_cold and place.source:
            common.warm(place.source)
        seconds[number, place.name], more = place.measure(bench, order, number, is_cold)
        bench.add(case, place.name, number, seconds[number, place.name], corpus.records, "files", **more)
    for number in range(bench.args.rounds):
        both = seconds[number, BARE] + seconds[number, peers.NULL]
        bench.add(case, BOUND, number, both, corpus.records, "files")


def places_of(bench, corpus, keys):
    served = [Files(place) for place in bench.places(corpus, keys)]
    return [*served, Reference(corpus), Bare(corpus, BARE, "uncompressed"), Bare(corpus, BARE_ZSTD, "zstd")]


def images(bench):
    corpus = bench.images(bench.size(RECORDS, 200), "noise")
    places = places_of(bench, corpus, [*OURS, "ext4", "squashfuse", "squashfs", "erofs", "null"])
    for state in (COLD, SOURCE_CACHED):
        for order in ORDERS:
            measure(bench, places, corpus, order, state, state == COLD)
    try:
        jpegs = bench.images(bench.size(JPEGS, 50), "jpeg")
        places = places_of(bench, jpegs, [*OURS[:2], "ext4", "squashfuse", "squashfs", "erofs", "null"])
    except common.BenchError as reason:
        bench.note(f"JPEG files left out: {reason}")
        return
    for order in (IN_ORDER, ORDERS[2]):
        measure(bench, places, jpegs, order, f"JPEG files, {COLD}", True)
