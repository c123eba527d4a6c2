"""Large chunks: how much of them is decoded for a part, how large the requests are, and that others are served
while one is loaded."""

import os
import threading
from pathlib import Path

import pytest

import container
import golden
import oracle
from failing_device import FailingDevice
from mounts import SLOW, mountinfo, mounted, wait_until

pytestmark = pytest.mark.counts

MIB = 1 << 20
LARGE = 48 * MIB
N, READERS = 40, 30


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """(path, records): one chunk with a record of 48 MiB, and one with a small record."""
    text = oracle.text_records(1, seed=3, minimum=MIB - 1, maximum=MIB - 1)[0]
    records = [b"".join(b"%07d\n" % i + text for i in range(LARGE // MIB)), b"small"]
    path = tmp_path_factory.mktemp("large") / "l.array_record"
    return oracle.write(path, records, "group_size:1,zstd:1"), records


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """(path, records): two chunks, each of 40 records and 20 MiB."""
    text = oracle.text_records(1, seed=5, minimum=MIB // 2, maximum=MIB // 2)[0]
    records = [b"%07d\n" % i + text for i in range(2 * N)]
    path = tmp_path_factory.mktemp("grouped") / "g.array_record"
    return oracle.write(path, records, f"group_size:{N},zstd:1"), records


def read(path, size, offset=0):
    """Bytes that the server gives, not the page cache, and without the kernel's readahead."""
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(file.fileno(), size, offset)


class ReadCounter:
    """READs since it was made, without those of its own queries."""

    def __init__(self, mount):
        self._mount = mount
        first, self._last = self._ask(), self._ask()
        self._own = self._last - first

    def _ask(self):
        return self._mount.stats()["requests"]["read"]

    def count(self):
        self._last += self._own
        return self._ask() - self._last


def test_start_of_a_record_does_not_decode_the_rest(large):
    path, records = large
    with mounted(path) as mount:
        assert read(mount.path / "0", MIB) == records[0][:MIB]
        # A thread that decodes ahead counts what it decoded when it is done.
        assert wait_until(lambda: mount.stats()["engine"]["decoded_bytes"] >= MIB, 10)
        engine = mount.stats()["engine"]
        # What was asked for, and what a thread decodes ahead, in steps; the read comes in several requests.
        assert MIB <= engine["decoded_bytes"] <= 8 * MIB
        assert engine["chunks_decoded"] == 1
        assert read(mount.path / "0", 100, len(records[0]) - 50) == records[0][-50:]
        assert (mount.path / "0").read_bytes() == records[0]
        assert mount.stats()["engine"]["chunks_decoded"] == 1
        assert wait_until(lambda: mount.stats()["engine"]["decoded_bytes"] == len(records[0]), 10)


def test_large_files_are_read_in_large_requests(large):
    path, records = large
    with mounted(path) as mount:
        ahead = Path(f"/sys/class/bdi/0:{mountinfo(mount.path)['minor']}/read_ahead_kb")
        if not os.access(ahead, os.W_OK):
            pytest.skip(f"{ahead} cannot be written")
        assert wait_until(lambda: ahead.read_text() == "1024\n", 10)
        counter = ReadCounter(mount)
        with open(mount.path / "0", "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            pieces = list(iter(lambda: file.read(MIB), b""))
        assert b"".join(pieces) == records[0]
        # Requests of 1 MiB, and smaller ones while the kernel's window grows.
        assert counter.count() <= LARGE // MIB + 16


def test_others_are_served_while_a_large_chunk_is_loaded(grouped, tmp_path):
    """More readers than the server has threads wait for one chunk; nothing else waits for them."""
    path, records = grouped
    names = golden.record_names(2 * N)
    device = FailingDevice(tmp_path)
    chunk = container.Container(path).user_chunks[0]
    begin = chunk.position(chunk.data_size // 2)
    got = {}

    def read_one(i):
        got[i] = read(mount.path / names[i], 100)

    with mounted(path, "--no-push", "--readahead-buffer-size=0", environment=device.environment) as mount:
        threads = [threading.Thread(target=read_one, args=(i,)) for i in range(READERS)]
        counter = ReadCounter(mount)
        with device.fails(path, "pause", begin=begin, end=chunk.end):
            for thread in threads:
                thread.start()
            assert wait_until(lambda: counter.count() >= READERS, 60)
            assert mount.stats()["engine"]["chunks_decoded"] == 0
            assert sorted(os.listdir(mount.path)) == names
            assert os.stat(mount.path / names[-1]).st_size == len(records[-1])
            assert read(mount.path / names[-1], 100) == records[-1][:100]
            assert not got
        for thread in threads:
            thread.join(60 * SLOW)
        assert got == {i: records[i][:100] for i in range(READERS)}
        assert mount.stats()["engine"]["chunks_decoded"] == 2


def test_a_push_does_not_wait_for_a_large_chunk(grouped, tmp_path):
    """A reader in order comes to a chunk that takes long to load; the push for another reader goes on."""
    path, records = grouped
    names = golden.record_names(2 * N)
    device = FailingDevice(tmp_path)
    chunk = container.Container(path).user_chunks[1]
    with mounted(path, environment=device.environment) as mount:
        assert os.listdir(mount.path)
        with device.fails(path, "pause", begin=chunk.position(chunk.data_size // 2), end=chunk.end):
            for i in range(N):
                assert read(mount.path / names[i], 100) == records[i][:100]
            waiting = threading.Thread(target=lambda: read(mount.path / names[N], 100))
            waiting.start()
            for i in range(0, N, 3):
                assert read(mount.path / names[i], 100) == records[i][:100]
            assert waiting.is_alive()
        waiting.join(60 * SLOW)
        assert not waiting.is_alive()
