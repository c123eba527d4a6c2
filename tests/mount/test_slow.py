"""Files that open slowly: they delay themselves alone, whoever waits for them can be killed, and the server ends
all the same.

A file without an index is scanned from block to block when it is first looked into. Here the device takes its time
over each of them, so an opening would take minutes.
"""

import contextlib
import os
import signal
import stat
import statistics
import subprocess
import sys
import time

import pytest

import golden
import oracle
from failing_device import FailingDevice
from mounts import SLOW, mounted, wait_until

PLAIN = golden.get("text.uncompressed.riegeli")
RECORDS = [b"%d" % i * 100 for i in range(100)]
N_BLOCKS = 1000  # of 64 KiB, behind the records of a slow file
SLOWNESS = 200  # milliseconds a read
N_SLOW = 40


@pytest.fixture
def device(tmp_path):
    return FailingDevice(tmp_path)


@pytest.fixture
def tree(tmp_path):
    """A directory of 40 slow files, which are one under many names, and two good ones."""
    directory = tmp_path / "d"
    directory.mkdir()
    noise = bytes(range(1, 256)) * 258
    first = directory / "s0.riegeli"
    with open(first, "wb") as file:
        file.write(PLAIN.path.read_bytes())
        for _ in range(N_BLOCKS):
            file.write(noise[:65536])
    for i in range(1, N_SLOW):
        os.link(first, directory / f"s{i}.riegeli")
    for name in ("good", "open"):
        oracle.write(directory / f"{name}.array_record", RECORDS)
    return directory


@contextlib.contextmanager
def slow_tree(tree, device, *options, call="slow", **more):
    with device.fails(tree / "s0.riegeli", call, SLOWNESS):
        with mounted(tree, *options, environment=device.environment, **more) as mount:
            yield mount


@contextlib.contextmanager
def processes():
    """A function that starts one; all are killed at the end."""
    started = []

    def start(*command):
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.communicate(timeout=30 * SLOW)


def in_flight(mount):
    """Requests that the server has and that wait for their answer."""
    stats = mount.stats()
    received = sum(stats["requests"].values())
    answered = sum(latency["count"] for latency in stats["latency"].values())
    return received - answered - 1  # the look-up of the statistics


def look_into_all(mount, start):
    """Has a process look into each slow file; all of them wait when this returns."""
    found = [start("ls", mount / f"s{i}.riegeli") for i in range(N_SLOW)]
    assert wait_until(lambda: in_flight(mount) == N_SLOW, 20), in_flight(mount)
    return found


def ended(process, seconds=5):
    return wait_until(lambda: process.poll() is not None, seconds)


def read_anew(path):
    """The first bytes of @path, asked of the server."""
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(file.fileno(), 1, 0)


def test_others_are_served(tree, device):
    with slow_tree(tree, device) as mount, processes() as start:
        read_anew(mount / "open.array_record" / "0")
        waiting = look_into_all(mount, start)
        began = time.monotonic()
        assert (mount / "good.array_record" / "7").read_bytes() == RECORDS[7]  # not open yet
        cold = time.monotonic() - began
        times = []
        for _ in range(31):
            began = time.monotonic()
            assert read_anew(mount / "open.array_record" / "0") == RECORDS[0][:1]
            times.append(time.monotonic() - began)
        assert all(process.poll() is None for process in waiting)
        # The bar is 100 and 10 ms, on a machine that does nothing else.
        assert cold < 5 * SLOW, cold
        assert statistics.median(times) < 0.1 * SLOW, times


def test_slow_ones_make_room(tree, device):
    """A few that have just begun may open at the same time; all the slow ones are under way nevertheless."""
    with slow_tree(tree, device) as mount, processes() as start:
        look_into_all(mount, start)
        assert wait_until(lambda: threads_of(mount.pid) >= N_SLOW, 20)


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def test_readers_are_killed(tree, device):
    with slow_tree(tree, device) as mount, processes() as start:
        waiting = look_into_all(mount, start)
        for process in waiting:
            process.kill()
        assert all(ended(process) for process in waiting)
        assert wait_until(lambda: in_flight(mount) == 0, 5)
        # What nobody waits for is not opened: the device is left alone.
        assert wait_until(lambda: is_left_alone(device), 20)
        assert mount.log_lines("s0.riegeli") == []


def is_left_alone(device):
    before = device.hits("slow")
    time.sleep(5 * SLOWNESS / 1000)
    return device.hits("slow") == before


def test_killed_while_files_open_quickly(tree, device):
    """An opening that was cancelled is begun anew by the next look-up."""
    with mounted(tree, environment=device.environment) as mount, processes() as start:
        with device.fails(tree / "s0.riegeli", "slow", SLOWNESS):
            process = start("ls", mount / "s0.riegeli")
            assert wait_until(lambda: in_flight(mount) == 1, 5)
            process.kill()
            assert ended(process)
        assert sorted(os.listdir(mount / "s0.riegeli")) == PLAIN.names()


def test_one_of_many_is_killed(tree, device):
    """The others get what all waited for, by one opening."""
    with mounted(tree, environment=device.environment) as mount, processes() as start:
        with device.fails(tree / "s0.riegeli", "pause"):
            waiting = [start("ls", mount / "s0.riegeli") for _ in range(5)]
            assert wait_until(lambda: in_flight(mount) == len(waiting), 5)
            waiting[0].kill()
            assert ended(waiting[0])
            assert all(process.poll() is None for process in waiting[1:])
            assert device.hits("pause") == 1
        for process in waiting[1:]:
            out, err = process.communicate(timeout=60 * SLOW)
            assert out.split() == PLAIN.names(), err


CATCHES = """
import os, signal, sys
def stop(*_):
    print("caught", flush=True)
    raise KeyboardInterrupt
signal.signal(signal.SIGINT, stop)
print("ready", flush=True)
try:
    os.listdir(sys.argv[1])
except KeyboardInterrupt:
    print("ended", flush=True)
"""


def test_a_signal_that_is_caught(tree, device):
    with slow_tree(tree, device) as mount, processes() as start:
        process = start(sys.executable, "-c", CATCHES, mount / "s0.riegeli")
        assert process.stdout.readline() == "ready\n"
        assert wait_until(lambda: in_flight(mount) == 1, 5)
        time.sleep(0.1 * SLOW)  # it is slow by then
        process.send_signal(signal.SIGINT)
        assert ended(process)
        assert process.stdout.read() == "caught\nended\n"


def test_signal_ends_the_server(tree, device):
    with slow_tree(tree, device, foreground=True) as mount, processes() as start:
        waiting = look_into_all(mount, start)
        began = time.monotonic()
        mount.kill(signal.SIGTERM)
        assert mount.wait_gone() == 0
        # The bar is 2 s.
        assert time.monotonic() - began < 4 * SLOW
        for process in waiting:
            assert ended(process)
            assert process.returncode != 0


def test_dead_device(tree, device):
    """Openings that do not listen: their device does not answer."""
    with slow_tree(tree, device, call="pause", foreground=True) as mount, processes() as start:
        waiting = look_into_all(mount, start)
        assert read_anew(mount / "good.array_record" / "0")
        waiting[0].kill()
        assert ended(waiting[0])
        began = time.monotonic()
        mount.kill(signal.SIGTERM)
        assert mount.wait_gone() == 0
        assert time.monotonic() - began < 6 * SLOW
        assert all(ended(process) for process in waiting)


def test_looked_up_in_parallel(tree, device):
    """Two names in one directory: the kernel does not hold the second back."""
    with slow_tree(tree, device) as mount, processes() as start:
        for name in ("0", "1"):
            start("stat", mount / "s0.riegeli" / name)
        assert wait_until(lambda: in_flight(mount) == 2, 5), in_flight(mount)


def test_attributes_wait_too(tree, device):
    with slow_tree(tree, device) as mount, processes() as start:
        # Of the file's directory, whose attributes need no opening, and of its records.
        os.stat(mount / "s0.riegeli")
        os.stat(mount / "s0.riegeli" / ".")
        os.stat(mount / "s0.riegeli" / "..")
        code = "import os, sys; os.getxattr(sys.argv[1], 'user.arec.records')"
        process = start(sys.executable, "-c", code, mount / "s0.riegeli")
        assert wait_until(lambda: in_flight(mount) == 1, 5)
        assert read_anew(mount / "good.array_record" / "0")
        process.kill()
        assert ended(process)


def test_dead_device_of_an_open_file(tree, device):
    """READs that nobody can answer, of more records than there are threads, do not keep the server."""
    good = tree / "good.array_record"
    with mounted(tree, environment=device.environment, foreground=True) as mount, \
            processes() as start:
        shown = mount / "good.array_record"
        os.listdir(shown)
        with device.fails(good, "pause"):
            readers = [start("cat", shown / f"{i * 7 % 100:02d}") for i in range(20)]
            assert wait_until(lambda: device.hits("pause") > 0, 5)
            # Their OPEN and FLUSH, and all that needs no device, find a thread.
            assert stat.S_ISDIR(os.stat(mount / "s0.riegeli").st_mode)
            assert wait_until(lambda: in_flight(mount) >= len(readers), 10)
            for reader in readers[:10]:
                reader.kill()
            assert all(ended(reader) for reader in readers[:10])
            began = time.monotonic()
            mount.kill(signal.SIGTERM)
            assert mount.wait_gone() == 0
            assert time.monotonic() - began < 6 * SLOW
            assert all(ended(reader) for reader in readers)
