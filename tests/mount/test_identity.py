"""Whether a source is still the same: files written in place whose size and time of modification were put back
must be recognised, and operations that change no byte of a file must fail no reader."""

import errno
import mmap
import os
import random
import threading

import pytest

import container
import golden
import oracle
from mounts import SLOW, mounted, outcome

N = 200
NAMES = golden.record_names(N)
OLD = 1_500_000_000_000_000_000
BARE = ("--no-push", "--readahead-buffer-size=0", "--cache-size=1K")


class Source:
    """A file of N chunks, and the content of another one with the same layout and other records."""

    def __init__(self, directory):
        self.records, self.others = ([letter * 5000 + b"%06d" % i for i in range(N)]
                                     for letter in (b"A", b"B"))
        self.path = self._write(directory / "s.array_record", self.records)
        os.utime(self.path, ns=(OLD, OLD))
        self.content = self.path.read_bytes()
        self.other = self._write(directory / "fresh", self.others).read_bytes()
        assert len(self.other) == len(self.content)
        self.chunks = container.Container(self.path).user_chunks

    @staticmethod
    def _write(path, records):
        return oracle.write(path, records, "group_size:1,uncompressed")

    def overwrite(self, first=0, end=N):
        """Writes chunks [first, end) of the other file in their places, and puts the times back."""
        begin, limit = self.chunks[first].begin, self.chunks[end - 1].end
        before = os.stat(self.path)
        with open(self.path, "r+b") as file:
            file.seek(begin)
            file.write(self.other[begin:limit])
        os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = os.stat(self.path)
        assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.fixture
def source(tmp_path):
    return Source(tmp_path)


def read(mount, source, numbers):
    for i in numbers:
        assert outcome(mount.path / NAMES[i]) == source.records[i], i


def check_stale(mount, source, numbers):
    """Checks that no record has bytes of the other file, and that @numbers, which were not read before, all fail."""
    for i in range(N):
        found = outcome(mount.path / NAMES[i])
        right = (errno.ESTALE,) if i in numbers else (errno.ESTALE, source.records[i])
        assert found in right, (i, found if isinstance(found, int) else found[:10])
    assert len(mount.log_lines(source.path.name)) == 1, mount.log()
    assert mount.server_is_running()


# ---- written in place ----------------------------------------------------------------------------


def nothing_else(path):
    pass


def mode(path):
    path.chmod(0o440)


def link(path):
    os.link(path, path.with_name("link"))


def rename(path):
    path.rename(path.with_name("renamed"))


@pytest.mark.parametrize("besides", [nothing_else, mode, link, rename], ids=lambda f: f.__name__)
@pytest.mark.parametrize("index", ["in_memory", "offloaded"])
def test_source_written_in_place(source, index, besides):
    """Also where another operation has moved the time of change and would explain it."""
    with mounted(source.path, *BARE, f"--index-storage-option={index}") as mount:
        read(mount, source, range(10))
        source.overwrite()
        besides(source.path)
        check_stale(mount, source, range(10, N))


def test_one_chunk_of_many_overwritten(source):
    with mounted(source.path, *BARE) as mount:
        read(mount, source, range(N))
        source.overwrite(123, 124)
        found = [outcome(mount.path / NAMES[i]) for i in range(N)]
        assert found.count(errno.ESTALE) >= N - 2, found  # except what a cache of 1 KiB holds
        check_stale(mount, source, range(123, 124))


def test_source_written_in_place_under_readahead(source):
    """Bytes that were decoded ahead may still be given."""
    with mounted(source.path) as mount:
        read(mount, source, range(20))
        source.overwrite()
        check_stale(mount, source, ())
        assert outcome(mount.path / NAMES[N - 1]) in (errno.ESTALE, source.records[N - 1])


# ---- written through a mapping -------------------------------------------------------------------


@pytest.mark.parametrize("goes", [False, True], ids=["stays", "goes"])
def test_source_written_through_an_older_mapping(source, goes):
    """The pages are dirty already when the mount is made, so stores into the mapping move no time."""
    with open(source.path, "r+b") as file, mmap.mmap(file.fileno(), 0) as mapping:
        for at in range(0, len(mapping), mmap.PAGESIZE):
            mapping[at:at + 1] = source.content[at:at + 1]
        with mounted(source.path, *BARE) as mount:
            read(mount, source, range(10))
            before = os.stat(source.path)
            mapping[:] = source.other
            after = os.stat(source.path)
            if (before.st_mtime_ns, before.st_ctime_ns) != (after.st_mtime_ns, after.st_ctime_ns):
                print("the pages were written back meanwhile, so the times show the change")
            if goes:
                mapping.close()
                file.close()
            check_stale(mount, source, range(10, N))


def test_source_that_is_open_for_writing_only(source):
    """A writer that has it open and writes nothing costs some reads, and fails none."""
    with open(source.path, "r+b"):
        with mounted(source.path, *BARE) as mount:
            read(mount, source, range(N))
            read(mount, source, range(N))
            assert mount.log_lines(source.path.name) == []


# ---- what changes no byte ------------------------------------------------------------------------


def same_mode(path):
    path.chmod(path.stat().st_mode & 0o7777)


def owner(path):
    os.chown(path, 1234, 1234)


def attribute(path):
    try:
        os.setxattr(path, "user.some", b"thing")
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        pytest.skip("no extended attributes here")


def access_time(path):
    os.utime(path, ns=(OLD + 1, path.stat().st_mtime_ns))


def link_and_unlink(path):
    link(path)
    path.with_name("link").unlink()


def other_name(path):
    """Removes the name but keeps a link elsewhere: an open file can still be read."""
    link(path)
    path.unlink()


def rename_and_back(path):
    rename(path)
    path.with_name("renamed").rename(path)


HARMLESS = [mode, same_mode, owner, attribute, access_time, link, link_and_unlink, other_name, rename,
            rename_and_back]


@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda f: f.__name__)
def test_changes_of_no_byte(source, harmless):
    with mounted(source.path, *BARE) as mount:
        read(mount, source, range(50))
        moved = os.stat(source.path).st_ctime_ns
        inode = os.open(source.path, os.O_PATH)
        try:
            harmless(source.path)
            assert os.stat(f"/proc/self/fd/{inode}").st_ctime_ns != moved
        finally:
            os.close(inode)
        before = mount.stats()["engine"]
        read(mount, source, range(50, 60))
        after = mount.stats()["engine"]
        # The headers of the chunks that were read, and the footer's, once.
        reads = after["source_reads"] - before["source_reads"]
        loads = after["chunks_decoded"] - before["chunks_decoded"]
        assert loads >= 10 and 50 <= reads - loads <= 50 + 10 + 1, (reads, loads)
        read(mount, source, range(N))
        assert mount.log_lines(source.path.name) == []


def test_changes_of_no_byte_under_readers(source):
    """The time of change keeps moving; every read is right."""
    stop, wrong = threading.Event(), []
    counts = [0] * 4

    def run(number):
        pick = random.Random(number)
        while not stop.is_set():
            i = pick.randrange(N)
            found = outcome(mount.path / NAMES[i])
            if found != source.records[i]:
                wrong.append((i, found if isinstance(found, int) else found[:10]))
                return
            counts[number] += 1

    with mounted(source.path, *BARE) as mount:
        threads = [threading.Thread(target=run, args=(i,)) for i in range(len(counts))]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                for harmless in (same_mode, access_time, link_and_unlink, rename_and_back):
                    harmless(source.path)
        finally:
            stop.set()
            for thread in threads:
                thread.join(timeout=30 * SLOW)
        assert not wrong, wrong
        read(mount, source, range(N))
        assert mount.log_lines(source.path.name) == []
