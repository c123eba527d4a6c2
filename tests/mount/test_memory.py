"""The server's memory while many readers read large chunks at random: within its bound, and within a cgroup.

AREC_MEMORY_SECONDS is how long each cgroup is tested, by default 10.
"""

import errno
import json
import os
import random
import re
import threading
import time

import pytest

import container
import native
from memory_groups import memory_group
from mounts import SANITIZE, mounted

MIB = 1 << 20
BLOCK = 4096
SIZES = [4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB, 60 * MIB]
READERS = 16
PIECE = 64 << 10
SECONDS = int(os.environ.get("AREC_MEMORY_SECONDS", "10"))

pytestmark = pytest.mark.skipif(bool(SANITIZE), reason="a sanitizer takes memory of its own")


class Dataset:
    """A file of chunks of one record, whose bytes follow from its number: blocks that begin with the numbers of record
    and block. Every third record cannot be compressed."""

    def __init__(self, path, sizes):
        self.path = path
        self.sizes = sizes
        self._noise = random.Random(7).randbytes(max(sizes))
        self._text = self._noise[:BLOCK] * (max(sizes) // BLOCK)
        self.stored = []
        builder = container.Builder()
        for number, size in enumerate(sizes):
            listed = native.compress(ord("z"), native.varint(size))
            values = native.compress(ord("z"), self.bytes_of(number, 0, size), 1)
            data = b"z" + native.varint(len(listed)) + listed + values
            builder.chunk("r", data, 1, size)
            self.stored.append(len(data))
        path.write_bytes(builder.content)
        with open(path, "rb") as file:  # what the server reads is to count as its own
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def bytes_of(self, number, offset, size):
        size = min(size, self.sizes[number] - offset)
        first, end = offset // BLOCK, -(-(offset + size) // BLOCK)
        filler = self._noise if number % 3 == 2 else self._text
        made = bytearray(filler[first * BLOCK:end * BLOCK])
        for block in range(first, end):
            made[(block - first) * BLOCK:(block - first) * BLOCK + 16] = b"%07d %07d\n" % (number, block)
        return bytes(made[offset - first * BLOCK:offset - first * BLOCK + size])

    def need(self, number):
        """Bytes that reading the chunk takes at least."""
        return self.sizes[number] + self.stored[number]


def read(path, offset, size):
    """Bytes that the server gives, not the kernel's page cache."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(fd, size, offset)
    finally:
        os.close(fd)


class Readers:
    """READERS threads that read pieces anywhere for @seconds. Every second thread reads whole records, too."""

    def __init__(self, mount, data, seconds):
        self.mount, self.data = mount, data
        self.names = [mount.path / name for name in sorted(os.listdir(mount.path))]
        self.good = [0] * len(self.names)
        self.failed = {}  # number: set of errno
        self.wrong = []
        self.last = [0.0] * READERS  # when each last got an answer
        self.lock = threading.Lock()
        self.end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._run, args=(i,)) for i in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _piece(self, number, offset, size):
        try:
            got = read(self.names[number], offset, size)
        except OSError as error:
            with self.lock:
                self.failed.setdefault(number, set()).add(error.errno)
            time.sleep(0.01)
            return False
        if got != self.data.bytes_of(number, offset, size):
            self.wrong.append((number, offset, len(got)))
        with self.lock:
            self.good[number] += 1
        return True

    def _run(self, which):
        rand = random.Random(which)
        while time.monotonic() < self.end and not self.wrong:
            number = rand.randrange(len(self.names))
            size = self.data.sizes[number]
            if which % 2 == 0:
                self._piece(number, rand.randrange(size), PIECE)
            else:
                offset = 0
                while offset < size and time.monotonic() < self.end and self._piece(number, offset, MIB):
                    offset += MIB
            self.last[which] = time.monotonic()


def memory_of(pid, field):
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(field))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """30 chunks of all sizes, ten of which take their size when they are stored, too."""
    return Dataset(tmp_path_factory.mktemp("memory") / "mixed.riegeli",
                   [SIZES[(i // 3) % len(SIZES)] for i in range(6 * len(SIZES))])


def check_cgroup(group, limit, data):
    started = []

    def enter():
        group.enter()
        started.append(True)

    with mounted(data.path, foreground=True, lifetime=SECONDS + 90, prepare=enter) as mount:
        readers = Readers(mount, data, SECONDS)
        assert group.kills() == 0, "the kernel killed a process"
        assert mount.server_is_running()
        assert not readers.wrong, f"wrong bytes: {readers.wrong}"
        assert all(readers.last), "a reader got no answer at all"
        for number, size in enumerate(data.sizes):
            place = f"record {number} of {size} bytes, {data.stored[number]} stored, " \
                    f"{readers.good[number]} good reads, errors {readers.failed.get(number)}"
            # Within 10 seconds readers may miss a few records, because every chunk has to be loaded again.
            if data.need(number) <= limit // 4:
                assert number not in readers.failed, place
            if data.need(number) > limit:
                assert not readers.good[number], place
            assert readers.failed.get(number, set()) <= {errno.EIO, errno.ENOMEM}, place
            # A record gives either errors or bytes, never both.
            assert not (readers.good[number] and errno.EIO in readers.failed.get(number, ())), place
        reasons = mount.log_lines("reading the chunk needs")
        refused = [number for number, found in readers.failed.items() if errno.EIO in found]
        assert len(reasons) >= len(refused), mount.log()
        assert sum(readers.good) > 10 * SECONDS, readers.good
        for line in reasons:
            assert re.search(r"needs \d+ bytes of memory, this process may use \d+", line), line
        peak = memory_of(mount.pid, "VmHWM")
        print(f"{limit >> 20} MiB: {sum(readers.good)} reads, peak {peak >> 20} MiB, refused {sorted(refused)}")
        assert peak < limit
        # Too little memory is not a damage of the file.
        assert json.loads((mount.path / ".arecfs" / "damages.json").read_bytes()) == [
            {"path": str(data.path), "damages": [], "ok": True, "records": len(data.sizes)}]


@pytest.mark.parametrize("mib", [64, 128, 256])
def test_cgroup(mixed, mib):
    with memory_group(mib, f"memory-{os.getpid()}-{mib}") as group:
        check_cgroup(group, mib << 20, mixed)


@pytest.mark.parametrize("loads", [1, 4])
def test_bound(tmp_path, loads):
    """The bound is the budget, 64 MiB, and for each load that may run at the same time the stored and decoded size of
    the largest chunk. Tasks that wait for a thread, and READs that are answered, hold nothing beyond it."""
    budget = 32 * MIB
    data = Dataset(tmp_path / "bound.riegeli", [8 * MIB] * 60)
    with mounted(data.path, f"--cache-size={budget}", f"--max-parallelism={loads}", foreground=True) as mount:
        readers = Readers(mount, data, 5)
        peak = memory_of(mount.pid, "VmHWM")
        assert not readers.wrong and not readers.failed
        assert sum(readers.good) > 50
        assert peak <= budget + 64 * MIB + loads * max(map(data.need, range(60))), f"{peak >> 20} MiB"
