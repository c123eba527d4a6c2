"""Sources written by the reference implementation, ways to mount them, and for each mount the model file of
what it must show (model.h has its form)."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from array_record.python.array_record_module import ArrayRecordReader

import container
import golden
import oracle

# ---- sources -----------------------------------------------------------------------------------


@dataclass
class Source:
    path: Path
    records: list
    chunks: list                 # container.Chunk
    damaged: set = field(default_factory=set)  # numbers of chunks

    def chunk_of(self, number):
        for index, chunk in enumerate(self.chunks):
            if number < chunk.n_records:
                return index
            number -= chunk.n_records
        raise AssertionError("the chunks hold fewer records than were written")


def look_at(path, records):
    chunks = container.Container(path).user_chunks
    assert sum(chunk.n_records for chunk in chunks) == len(records)
    return Source(path, records, chunks)


def random_record(rng, size):
    if rng.randrange(3) == 0:
        return rng.randbytes(size)
    piece = rng.randbytes(rng.randrange(1, 40)) + b" the quick brown fox \n"
    return (piece * (size // len(piece) + 1))[:size]


def small_sizes(rng):
    """Sizes, of which only the first half has zeros, so that some chunks have no empty record."""
    return [rng.choice([0 if i < 750 else 2, 1, 511, 512, 513, 1500, rng.randrange(1, 3000)])
            for i in range(1500)]


def wide_sizes(rng):
    near = [4096, 8192, 65536 - 24, 65536, 131072, 300_000]
    return [max(1, rng.choice(near) + rng.randrange(-3, 4)) for _ in range(60)]


def large_sizes(rng):
    return [rng.randrange(900_000, 3 << 20) for _ in range(6)]


def single_sizes(rng):
    return [rng.choice([0, 5, rng.randrange(1, 9000)]) for _ in range(300)]


KINDS = {
    "small": (small_sizes, "group_size:37,zstd:3"),
    "wide": (wide_sizes, "group_size:4,brotli:2"),
    "large": (large_sizes, "group_size:2,snappy"),
    "single": (single_sizes, "group_size:1,uncompressed"),
    "empty": (lambda rng: [], "group_size:1"),
}


def write_sources(directory, rng):
    """{kind: Source}, each with another owner, mode and time."""
    sources = {}
    for i, (kind, (sizes, options)) in enumerate(KINDS.items()):
        records = [random_record(rng, size) for size in sizes(rng)]
        path = oracle.write(directory / f"{kind}.array_record", records, options)
        os.chown(path, 100 + i, 200 + i)
        os.chmod(path, 0o644 if i % 2 else 0o604)
        os.utime(path, ns=(1, 1_600_000_000_000_000_000 + i * 1_000_000_001))
        sources[kind] = look_at(path, records)
    return sources


def copy(source, to):
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source.path, to)
    return Source(to, source.records, source.chunks)


def damage(source, rng, share=4):
    """Flips a bit in the values of every @share-th chunk or so, at least of one. Chunks with an empty record are left
    as they are: their sizes are verified, too, so more than a read would fail."""
    whole, first, candidates = container.Container(source.path), 0, []
    for index, chunk in enumerate(source.chunks):
        held = source.records[first:first + chunk.n_records]
        first += chunk.n_records
        if all(held) and chunk.data_size > whole.sizes_end(chunk):
            candidates.append(index)
    chosen = [index for index in candidates if rng.randrange(share) == 0] or [rng.choice(candidates)]
    for index in chosen:
        chunk = source.chunks[index]
        values = chunk.data_size - whole.sizes_end(chunk)
        whole.flip(chunk.position(chunk.data_size - 1 - rng.randrange(min(values, 100))))
    source.damaged.update(chosen)
    return source


def golden_source(file, directory):
    """A golden file and its records as the reference reads them, checked by the manifest. The reference does
    not read plain Riegeli/records files: their records are taken from another file."""
    path = Path(shutil.copy2(file.path, directory))
    readable = next(g for g in golden.SIMPLE + golden.TRANSPOSED if g.sha256 == file.sha256)
    records = []
    if file.n_records:
        reader = ArrayRecordReader(str(readable.path), "readahead_buffer_size:0,max_parallelism:0")
        records = reader.read_all()
        reader.close()
    assert len(records) == file.n_records
    for number, record in enumerate(records):
        file.check(number, record)
    return look_at(path, records)


# ---- models ------------------------------------------------------------------------------------


class Model:
    """The lines that describe what a mount must show."""

    def __init__(self):
        self.lines, self.bytes, self._sources = [], bytearray(), {}

    def _source(self, source):
        """The number of @source, which gets a line if it is new."""
        if source.path not in self._sources:
            self._sources[source.path] = len(self._sources)
            info = os.stat(source.path)
            self.lines.append(["source", source.path.name, info.st_mode & 0o7777, info.st_uid,
                               info.st_gid, info.st_mtime_ns])
        return self._sources[source.path]

    def directory(self, path, source=None):
        """Starts the directory @path, which may be that of the file @source."""
        number, attributes = "-", []
        if source is not None:
            number = self._source(source)
            attributes = [f"user.arec.records={len(source.records)}",
                          f"user.arec.chunks={len(source.chunks)}"]
        self.lines.append(["directory", path, number, *attributes])

    def records(self, parts, plain=False, suffix=""):
        """The records of the last directory. @parts: (source, record numbers) one after another."""
        n = sum(len(numbers) for _, numbers in parts)
        names = golden.record_names(n)
        at = 0
        for source, numbers in parts:
            for number in numbers:
                short = f"{at}{suffix}"
                name = short if plain else names[at] + suffix
                self._record(name, "-" if name == short else short, source, number)
                at += 1

    def _record(self, name, alias, source, number):
        record, chunk = source.records[number], source.chunk_of(number)
        self.lines.append(["record", name, alias, len(self.bytes), len(record),
                           int(chunk in source.damaged), self._source(source), number, chunk])
        self.bytes += record

    def file(self, path, source, **names):
        """A directory with all records of @source."""
        self.directory(path, source)
        self.records([(source, range(len(source.records)))], **names)

    def write(self, directory):
        """Paths of the model file and of the file of bytes."""
        # Other lines refer to sources by number, so the lines of all sources come first.
        lines = sorted(self.lines, key=lambda line: line[0] != "source")
        paths = directory / "model", directory / "bytes"
        paths[0].write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
        paths[1].write_bytes(self.bytes)
        return paths


# ---- layouts -----------------------------------------------------------------------------------


@dataclass
class Layout:
    arguments: list  # sources as typed
    options: list
    model: Model
    sources: list    # Source


def flat(sources, directory, rng, *options, kind="small", **names):
    model = Model()
    model.file(".", sources[kind], **names)
    return Layout([sources[kind].path], list(options), model, [sources[kind]])


def plain(*given):
    return flat(*given, "--names=plain", plain=True)


def suffix(*given):
    return flat(*given, "--suffix=.bin", suffix=".bin")


def part(sources, directory, rng):
    source, model = sources["small"], Model()
    model.directory(".")
    model.records([(source, range(100, 777))])
    return Layout([f"{source.path}[100:777]"], [], model, [source])


def several(sources, directory, rng, *options, kinds=("wide", "single", "large", "empty")):
    model = Model()
    model.directory(".")
    chosen = [sources[kind] for kind in kinds]
    for source in chosen:
        model.file(source.path.name, source)
    return Layout([source.path for source in chosen], list(options), model, chosen)


def eviction(*given):
    return several(*given, "--cache-size=1M", kinds=("small", "wide", "large"))


def one_load_at_a_time(*given):
    return several(*given, "--max-parallelism=1", "--cache-size=4M")


def merge(sources, directory, rng):
    chosen = [sources[kind] for kind in ("single", "wide", "empty", "small")]
    model = Model()
    model.directory(".")
    model.records([(source, range(len(source.records))) for source in chosen])
    return Layout([source.path for source in chosen], ["--merge"], model, chosen)


def tree(sources, directory, rng):
    top, model, chosen = directory / "top", Model(), []
    model.directory(".")
    for path in ("x", "x/y"):
        model.directory(path)
    for path, kind in (("first.array_record", "wide"), ("x/second.arrayrecord", "small"),
                       ("x/y/third.array_record-00000-of-00002", "single"),
                       ("x/y/third.array_record-00001-of-00002", "empty")):
        chosen.append(copy(sources[kind], top / path))
        model.file(path, chosen[-1])
    return Layout([top], [], model, chosen)


def golden_files(sources, directory, rng):
    top, model, chosen = directory / "golden", Model(), []
    top.mkdir()
    model.directory(".")
    for file in golden.ALL:
        chosen.append(golden_source(file, top))
        model.file(file.name, chosen[-1])
    return Layout([top], [], model, chosen)


def damaged(sources, directory, rng):
    top, model, chosen = directory / "damaged", Model(), []
    model.directory(".")
    for kind in ("small", "wide", "single", "large"):
        share = 2 if kind == "large" else 4
        chosen.append(damage(copy(sources[kind], top / f"{kind}.array_record"), rng, share))
        model.file(chosen[-1].path.name, chosen[-1])
    return Layout([top], ["--cache-size=4M"], model, chosen)


ALL = {make.__name__: make for make in (flat, plain, suffix, part, several, eviction,
                                        one_load_at_a_time, merge, tree, golden_files, damaged)}
