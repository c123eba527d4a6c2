"""A server that says nothing any more, beneath a mount: it delays its own readers, and nobody else."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

import golden
import oracle
from fault_server import FaultServer
from mounts import SLOW, mounted, wait_until

TEXT = golden.get("text.groupsize1-uncompressed.array_record")
LOCAL = golden.get("text.default.array_record")
PLAIN = {"http_proxy": "", "https_proxy": "", "all_proxy": "", "no_proxy": ""}
N_READERS = 24
# Far below the minute in which a range must have come, far above what anything else takes.
SOON = 15 * SLOW


def check_others(mount):
    """Records of another source, listings, and what the server counts."""
    local = mount.path / LOCAL.name
    names = sorted(os.listdir(local))
    for i in (0, LOCAL.n_records - 1):
        LOCAL.check(i, (local / names[i]).read_bytes())
    assert [os.stat(local / name).st_size for name in names] == list(LOCAL.sizes)
    assert mount.stats()["requests"]["read"] >= 0
    assert len(os.listdir(mount.path / "x.array_record")) == TEXT.n_records


def test_other_sources_go_on():
    with FaultServer(TEXT.path.read_bytes(), "silent-later:2") as server:
        with mounted([LOCAL.path, server.url], environment=PLAIN) as mount:
            remote = mount.path / "x.array_record"
            names = sorted(os.listdir(remote))
            readers = [subprocess.Popen(["cat", remote / names[i % 8]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                       for i in range(N_READERS)]
            try:
                assert wait_until(lambda: len(server.log) >= 3, SOON), server.log
                before = time.monotonic()
                check_others(mount)
                assert all(reader.poll() is None for reader in readers)
                for reader in readers[:8]:
                    reader.send_signal(signal.SIGKILL)
                for reader in readers[:8]:
                    reader.wait(SOON)
                mount.kill(signal.SIGTERM)
                for reader in readers[8:]:
                    assert reader.wait(SOON) != 0
                mount.wait_gone(SOON)
                assert time.monotonic() - before < 2 * SOON
            finally:
                for reader in readers:
                    reader.kill()
                    reader.communicate()


def test_killed_server_of_fuse_leaves_no_reader():
    """The watcher aborts the connection."""
    with FaultServer(TEXT.path.read_bytes(), "silent-later:2") as server:
        with mounted(server.url, environment=PLAIN) as mount:
            name = sorted(os.listdir(mount.path))[0]
            reader = subprocess.Popen(["cat", mount.path / name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                assert wait_until(lambda: len(server.log) >= 2, SOON), server.log
                mount.expected_status = -signal.SIGKILL
                mount.kill(signal.SIGKILL)
                assert reader.wait(SOON) != 0
            finally:
                reader.kill()
                reader.communicate()


# ---- many readers ------------------------------------------------------------------------------

N_MANY = 64
MAX_OF_FILE = 32  # ARECFS_LANE_MAX_OF_FILE
RECORDS = [oracle.random_bytes(10_000, seed) for seed in range(300)]

# Reads the named files, each in a thread of its own.
READ_ALL = """
import sys, threading
def read(path):
    with open(path, "rb") as file:
        file.read()
threads = [threading.Thread(target=read, args=[path]) for path in sys.argv[1:]]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.fixture(params=[1, 2], scope="module")
def shard(request, tmp_path_factory):
    """With groups of 1 look-ups need no server, and READs wait; with groups of 2 look-ups do."""
    path = tmp_path_factory.mktemp("dead") / "x.array_record"
    oracle.write(path, RECORDS, f"group_size:{request.param},uncompressed")
    return path.read_bytes(), request.param


def in_flight(mount):
    """Requests that the mount has received and not answered, but for this question."""
    stats = mount.stats()
    answered = sum(latency["count"] for latency in stats["latency"].values())
    return sum(stats["requests"].values()) - answered - 1


def threads(mount):
    """How many there are of the lane, and others."""
    names = [open(f"/proc/{mount.pid}/task/{task}/comm").read().strip() for task in os.listdir(f"/proc/{mount.pid}/task")]
    return names.count("arecfs-lane"), len(names) - names.count("arecfs-lane")


@contextlib.contextmanager
def hung(mount, directory):
    """A process of 64 threads that wait for a server, each for another chunk."""
    paths = [directory / f"{i:03}" for i in range(2, 2 + 2 * N_MANY, 2)]
    process = subprocess.Popen([sys.executable, "-c", READ_ALL, *paths], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: in_flight(mount) == N_MANY, SOON), in_flight(mount)
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def many_sources(data):
    """A mount of a local file, a server that falls silent after the first record was read, and one that does not."""
    with FaultServer(data, f"silent-later:{sys.maxsize}") as dead, FaultServer(data) as live:
        urls = [dead.url.replace("/x.", "/dead."), live.url.replace("/x.", "/live.")]
        with mounted([LOCAL.path, *urls], environment=PLAIN) as mount:
            assert (mount / "dead.array_record" / "000").read_bytes() == RECORDS[0]
            dead.n = 0
            yield mount, dead


def read_again(path):
    """From the server of the mount, not from the kernel's page cache."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return file.read()


def test_many_readers(shard):
    with many_sources(shard[0]) as (mount, dead):
        with hung(mount, mount / "dead.array_record") as process:
            begun = time.monotonic()
            assert os.listdir(mount.path / LOCAL.name)
            assert mount.stats()["requests"]["read"] > 0
            # On an idle machine, 100 ms are enough.
            assert time.monotonic() - begun < 5 * SLOW
            for i, name in enumerate(sorted(os.listdir(mount / LOCAL.name))):
                LOCAL.check(i, (mount / LOCAL.name / name).read_bytes())
            assert (mount / "live.array_record" / "150").read_bytes() == RECORDS[150]
            assert read_again(mount / "dead.array_record" / "000") == RECORDS[0]
            assert time.monotonic() - begun < SOON
            of_lane, others = threads(mount)
            assert of_lane <= MAX_OF_FILE + 2, of_lane
            assert others < N_MANY, others  # no thread that serves waits
            process.kill()
            process.wait(SOON)
            # Nobody wants what look-ups have asked for any more. The kernel does not interrupt a READ of its page cache.
            assert shard[1] == 1 or wait_until(lambda: in_flight(mount) == 0 and dead.n_open <= 1, SOON), dead.n_open
        assert (mount / "live.array_record" / "100").read_bytes() == RECORDS[100]


def test_unmount_under_many_readers(shard):
    with many_sources(shard[0]) as (mount, _), hung(mount, mount / "dead.array_record") as process:
        begun = time.monotonic()
        assert mount.umount("-l").returncode == 0
        # On an idle machine, 2 s are enough.
        assert time.monotonic() - begun < 5 * SLOW
        process.kill()
        process.wait(SOON)
        mount.wait_gone(SOON)


def test_end_under_many_readers(shard):
    with many_sources(shard[0]) as (mount, _), hung(mount, mount / "dead.array_record") as process:
        mount.kill(signal.SIGTERM)
        process.wait(SOON)
        mount.wait_gone(SOON)


def test_server_of_fuse_is_killed_under_many_readers(shard):
    with many_sources(shard[0]) as (mount, _), hung(mount, mount / "dead.array_record") as process:
        mount.expected_status = -signal.SIGKILL
        mount.kill(signal.SIGKILL)
        process.wait(SOON)
