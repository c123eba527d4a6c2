"""The places that are measured: arecfs, other filesystems, and the null filesystem, which is the ceiling.

A place is the records of a corpus in some filesystem. `with place.opened () as path` mounts it and gives the
directory; when the block is left, the mount is gone.
"""

import contextlib
import importlib.util
import pathlib
import shutil
import subprocess
import sys

import common

GROUP = 64  # of the null filesystem with pushing


class Place:
    """The records as files in a directory of ext4, or of whichever file system holds --dir."""

    max_files = None  # more would take too long
    has_stats = False     # whether it has .arecfs/stats.json
    is_ours = False
    pid = None            # of the server, while the place is opened

    def __init__(self, name, corpus, source):
        self.name, self.corpus, self.source = name, corpus, source

    @contextlib.contextmanager
    def opened(self):
        yield pathlib.Path(self.source)

    def bytes_of(self, count):
        """What @count files of it have together."""
        return self.corpus.bytes_of(count)

    def check_bytes(self, path):
        """Checks that the first, the middle and the last record are right."""
        corpus = self.corpus
        for i in {0, corpus.records // 2, corpus.records - 1}:
            if (path / corpus.name(i)).read_bytes() != corpus[i]:
                raise common.BenchError(f"{self.name}: record {i} has wrong bytes")


class Server(Place):
    """A FUSE server. @argv does not have the mount point."""

    def __init__(self, name, corpus, source, argv, bench):
        super().__init__(name, corpus, source)
        self.argv, self.mountpoint, self.limit = argv, bench.mountpoint, bench.args.limit

    @contextlib.contextmanager
    def opened(self):
        with common.Mount([*self.argv, self.mountpoint], self.mountpoint, self.limit) as mount:
            self.pid = mount.pid
            try:
                yield mount.path
            finally:
                self.pid = None


class Arecfs(Server):
    has_stats = is_ours = True

    def __init__(self, bench, corpus, name, shard, options=()):
        argv = [common.arecfs_binary(), "-f", "--log-level=warning", *bench.args.arecfs_option, *options, shard]
        super().__init__(name, corpus, shard, argv, bench)


class Null(Server):
    """The null filesystem, whose records hold other bytes than the corpus."""

    def __init__(self, bench, corpus, name, *options):
        argv = [common.binary("BENCH_NULL_FS", "bin/bench.null_fs"), "--records", corpus.records, "--size", corpus.size,
                *options]
        super().__init__(name, corpus, None, argv, bench)

    def bytes_of(self, count):
        return count * self.corpus.size

    def check_bytes(self, path):
        pass


class Ratarmount(Server):
    """The index is made before the measurement, because that of an ArrayRecord file is part of the file."""

    max_files = 10_000

    def __init__(self, bench, corpus):
        if not importlib.util.find_spec("ratarmount"):
            raise common.BenchError("Python package ratarmount is not installed")
        archive = corpus.tar_zst()
        index = archive.with_suffix(".index.sqlite")
        argv = [sys.executable, "-m", "ratarmount", "-f", "--index-file", index, archive]
        super().__init__("ratarmount", corpus, archive, argv, bench)
        if not index.exists():
            common.progress(f"writing {index.name}")
            with self.opened():
                pass


class Image(Place):
    """An image that the kernel mounts by loop."""

    def __init__(self, bench, corpus, name, kind, image):
        super().__init__(name, corpus, image)
        self.kind, self.mountpoint = kind, bench.mountpoint
        with self.opened():
            pass  # fails now if it cannot be mounted

    @contextlib.contextmanager
    def opened(self):
        self.mountpoint.mkdir(parents=True, exist_ok=True)
        try:
            done = subprocess.run(["mount", "-t", self.kind, "-o", "loop,ro", self.source, self.mountpoint],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise common.BenchError(f"mount: {' '.join(done.stderr.split())}")
            yield self.mountpoint
        finally:
            common.unmount(self.mountpoint)


def squashfuse(bench, corpus):
    if not shutil.which("squashfuse_ll"):
        raise common.BenchError("squashfuse_ll is not installed (Debian: squashfuse)")
    image = corpus.squashfs()
    return Server("squashfuse_ll", corpus, image, ["squashfuse_ll", "-f", image], bench)


def ext4(bench, corpus):
    files = corpus.files()
    return Place(common.file_system(files), corpus, files)


def ours(group, codec="zstd"):
    def make(bench, corpus):
        return Arecfs(bench, corpus, ours_name(group, codec), corpus.shard(group, codec))
    return make


def ours_name(group, codec="zstd"):
    return f"arecfs, {codec}, groups of {group}"


MAKERS = {
    "arecfs64": ours(64),
    "arecfs1": ours(1),
    "ext4": ext4,
    "squashfuse": squashfuse,
    "squashfs": lambda bench, corpus: Image(bench, corpus, "kernel squashfs", "squashfs", corpus.squashfs()),
    "erofs": lambda bench, corpus: Image(bench, corpus, EROFS, "erofs", corpus.erofs()),
    "ratarmount": Ratarmount,
    "null": lambda bench, corpus: Null(bench, corpus, "null"),
    "null-push": lambda bench, corpus: Null(bench, corpus, "null, pushing", "--push", GROUP),
    "null-readdir": lambda bench, corpus: Null(bench, corpus, "null, names only", "--readdir"),
    "null-splice": lambda bench, corpus: Null(bench, corpus, "null, splicing", "--splice"),
}
# Places that are left out if they are missing or cannot be mounted.
OPTIONAL = {"squashfuse", "squashfs", "erofs", "ratarmount"}
# Names of places, for ratios and targets.
ARECFS64, ARECFS1 = ours_name(64), ours_name(1)
EXT4, SQUASHFUSE, EROFS = "ext4", "squashfuse_ll", "erofs"
NULL, NULL_PUSH, NULL_READDIR = "null", "null, pushing", "null, names only"
REFERENCE64, REFERENCE1 = "reference, groups of 64", "reference, groups of 1"


def place(bench, corpus, key):
    """The place @key, a key of MAKERS or a maker."""
    return MAKERS.get(key, key)(bench, corpus)
