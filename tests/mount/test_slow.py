"""Files that open slowly delay only their own readers, a process that waits for them can be killed, and the server ends
all the same.

A file without an index is scanned from block to block when it is first looked into. Here the device is slow
for each block, so an opening would take minutes.
"""

import contextlib
import os
import shutil
import signal
import stat
import statistics
import subprocess
import sys
import time

import pytest

import container
import golden
import oracle
from failing_device import FailingDevice
from mounts import SLOW, mounted, wait_until

PLAIN = golden.get("text.uncompressed.riegeli")
RECORDS = [b"%d" % i * 100 for i in range(100)]
N_BLOCKS = 1000  # of 64 KiB, after the records of a slow file
SLOWNESS = 200  # milliseconds a read
N_SLOW = 40


@pytest.fixture
def device(tmp_path):
    return FailingDevice(tmp_path)


@pytest.fixture
def tree(tmp_path):
    """A directory of 40 slow files, which are one file under many names, and two good ones."""
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
    """A function that starts a process; all are killed at the end."""
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
    """Number of requests that the server has received and not answered."""
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


def read_from_server(path):
    """The first bytes of @path, from the server and not from the page cache."""
    with open(path, "rb", buffering=0) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(file.fileno(), 1, 0)


def test_others_are_served(tree, device):
    with slow_tree(tree, device) as mount, processes() as start:
        read_from_server(mount / "open.array_record" / "0")
        waiting = look_into_all(mount, start)
        began = time.monotonic()
        assert (mount / "good.array_record" / "7").read_bytes() == RECORDS[7]  # not open yet
        cold = time.monotonic() - began
        times = []
        for _ in range(31):
            began = time.monotonic()
            assert read_from_server(mount / "open.array_record" / "0") == RECORDS[0][:1]
            times.append(time.monotonic() - began)
        assert all(process.poll() is None for process in waiting)
        # On an idle machine, 100 and 10 ms are enough.
        assert cold < 5 * SLOW, cold
        assert statistics.median(times) < 0.1 * SLOW, times


def test_slow_openings_make_room(tree, device):
    """Only some openings that have just begun run at the same time; all slow ones come to run nevertheless."""
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
        # A file that no reader waits for is not opened: the device is left alone.
        assert wait_until(lambda: is_left_alone(device), 20)
        assert mount.log_lines("s0.riegeli") == []


def is_left_alone(device):
    before = device.hits("slow")
    time.sleep(5 * SLOWNESS / 1000)
    return device.hits("slow") == before


def test_killed_while_files_open_quickly(tree, device):
    """The next look-up starts an opening that was cancelled again."""
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
        # On an idle machine, 2 s are enough.
        assert time.monotonic() - began < 4 * SLOW
        for process in waiting:
            assert ended(process)
            assert process.returncode != 0


def test_dead_device(tree, device):
    """Openings that cannot be cancelled, because their device does not answer."""
    with slow_tree(tree, device, call="pause", foreground=True) as mount, processes() as start:
        waiting = look_into_all(mount, start)
        assert read_from_server(mount / "good.array_record" / "0")
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
        # Attributes of the file's directory, which need no opening, and of its records.
        os.stat(mount / "s0.riegeli")
        os.stat(mount / "s0.riegeli" / ".")
        os.stat(mount / "s0.riegeli" / "..")
        code = "import os, sys; os.getxattr(sys.argv[1], 'user.arec.records')"
        process = start(sys.executable, "-c", code, mount / "s0.riegeli")
        assert wait_until(lambda: in_flight(mount) == 1, 5)
        assert read_from_server(mount / "good.array_record" / "0")
        process.kill()
        assert ended(process)


def test_dead_device_of_an_open_file(tree, device):
    """READs that cannot be answered, of more records than there are threads, do not block the server."""
    good = tree / "good.array_record"
    with mounted(tree, environment=device.environment, foreground=True) as mount, \
            processes() as start:
        shown = mount / "good.array_record"
        os.listdir(shown)
        with device.fails(good, "pause"):
            readers = [start("cat", shown / f"{i * 7 % 100:02d}") for i in range(20)]
            assert wait_until(lambda: device.hits("pause") > 0, 5)
            # A thread is left for their OPEN and FLUSH, and for all that needs no device.
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


# ---- READs of large chunks ---------------------------------------------------------------------

N_LARGE = 6
READS = """
import os, sys
file = os.open(sys.argv[1], os.O_RDONLY)
os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
assert len(os.pread(file, 1, 0)) == 1
"""


def add_large(directory):
    """A file of chunks that take long to load."""
    records = [bytes([i]) * (17 << 20) for i in range(N_LARGE)]
    return oracle.write(directory / "large.array_record", records, "group_size:1,zstd:1")


def read_large(mount, start):
    """Has a process read each record; all of them wait when this returns."""
    before = in_flight(mount)
    found = [start(sys.executable, "-c", READS, mount / "large.array_record" / str(i)) for i in range(N_LARGE)]
    assert wait_until(lambda: in_flight(mount) >= before + N_LARGE, 20), in_flight(mount)
    return found


def test_reads_that_wait_at_the_end_are_not_loaded(tree, device):
    """One READ of a large chunk runs, on a device that does not answer, and the others wait for it. They must not be
    loaded at the end, not even while openings use up all the time that the end has."""
    large = add_large(tree)
    with slow_tree(tree, device, "--max-parallelism=2", call="pause", foreground=True) as mount, processes() as start:
        os.listdir(mount / "large.array_record")
        openers = look_into_all(mount, start)
        with device.fails(large, "pause"):
            readers = read_large(mount, start)
            mount.kill(signal.SIGTERM)
            assert all(ended(process) for process in openers)  # the waiting READs are refused first
        assert all(ended(process) for process in readers)
        # One runs; more are started after some seconds only.
        assert sum(process.returncode == 0 for process in readers) < len(readers) / 2
        assert mount.wait_gone() == 0


def test_long_reads_of_a_dead_source_delay_no_others(tree, device):
    """More READs of large chunks than may run at a time wait for a device that does not answer; a large record of
    another file is read all the same."""
    large = add_large(tree)
    shutil.copy(large, tree / "other.array_record")
    with slow_tree(tree, device, "--max-parallelism=2", call="pause", foreground=True) as mount, processes() as start:
        names = os.listdir(mount / "large.array_record")
        os.listdir(mount / "other.array_record")
        with device.fails(large, "pause"):
            read_large(mount, start)
            other = start(sys.executable, "-c", READS, mount / "other.array_record" / names[0])
            assert ended(other, 30), "it waits for READs of the dead device"
            assert other.returncode == 0


def test_dead_devices_of_openings_and_reads(tree, device):
    large = add_large(tree)
    with slow_tree(tree, device, call="pause", foreground=True) as mount, processes() as start:
        os.listdir(mount / "large.array_record")
        with device.fails(large, "pause"):
            waiting = look_into_all(mount, start) + read_large(mount, start)
            began = time.monotonic()
            mount.kill(signal.SIGTERM)
            assert mount.wait_gone() == 0
            # On an idle machine, 2 s are enough.
            assert time.monotonic() - began < 6 * SLOW
            assert all(ended(process) for process in waiting)


MAPS = """
import mmap, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: None)
with open(sys.argv[1], "rb") as file:
    record = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
record.madvise(mmap.MADV_RANDOM)
record[0]
"""


def test_killed_after_a_signal_was_caught(tmp_path, device):
    """The kernel reports only the first signal of a request. A process that reads a mapping without readahead waits for
    the READ itself."""
    large = add_large(tmp_path)
    with mounted(large, environment=device.environment) as mount, processes() as start:
        os.listdir(mount.path)
        with device.fails(large, "pause"):
            reader = start(sys.executable, "-c", MAPS, mount / "0")
            assert wait_until(lambda: device.hits("pause") > 0, 10)
            reader.send_signal(signal.SIGUSR1)
            time.sleep(0.2 * SLOW)  # the kernel has reported it by then
            assert reader.poll() is None
            reader.kill()
            assert ended(reader)


# ---- threads that wait for a source when the mount ends ----------------------------------------


def unmount(mount):
    assert mount.umount().returncode == 0


def terminate(mount):
    mount.kill(signal.SIGTERM)


@pytest.mark.parametrize("end", [unmount, terminate])
def test_threads_that_decode_ahead_are_abandoned(tmp_path, device, end):
    """No process waits for it, so the mount can be unmounted."""
    records = [bytes([i]) * 65536 for i in range(100)]
    path = oracle.write(tmp_path / "f.array_record", records, "group_size:1,uncompressed")
    with mounted(path, "--no-push", environment=device.environment, foreground=True) as mount:
        names = sorted(os.listdir(mount.path))
        with device.fails(path, "pause", begin=1 << 20, end=4 << 20):
            for i in range(12):
                assert (mount / names[i]).read_bytes() == records[i]
            assert wait_until(lambda: device.hits("pause") > 0, 10)
            end(mount)
            assert mount.wait_gone() == 0


def look_at_sizes(mount):
    return ["ls", "-l", mount.path]


def compare_headers(mount):
    """Moves the time of change, so that the next read compares what was read before."""
    os.chmod(mount.source, 0o640)
    return ["cat", mount / "60"]


@pytest.mark.parametrize("ask", [look_at_sizes, compare_headers])
def test_threads_that_wait_for_the_source_are_abandoned(tmp_path, device, ask):
    path = oracle.write(tmp_path / "f.array_record", RECORDS, "group_size:10")
    with mounted(path, environment=device.environment, foreground=True) as mount, processes() as start:
        mount.source = path
        assert (mount / "0").read_bytes() == RECORDS[0]
        with device.fails(path, "pause"):
            process = start(*ask(mount))
            assert wait_until(lambda: device.hits("pause") > 0, 10)
            terminate(mount)
            assert mount.wait_gone() == 0
            assert ended(process)


# ---- a source that does not answer while its records are pushed --------------------------------

N_DEAD = 3
FIRST_DEAD = 1500
MANY = [b"%05d " % i * 40 for i in range(3000)]

IN_ORDER = """
import os, sys
for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name), "rb", buffering=0) as record:
        record.read()
"""

# A page fault asks for the page itself and no page after it: a process that is killed meanwhile stays until the answer.
FAULT = """
import mmap, os, sys
record = mmap.mmap(os.open(sys.argv[1], os.O_RDONLY), 0, prot=mmap.PROT_READ)
record.madvise(mmap.MADV_RANDOM)
record[0]
"""


@contextlib.contextmanager
def dead_pushes(directory, device, **more):
    """A mount of N_DEAD files that do not answer from record FIRST_DEAD on, each with a reader in order that is stuck,
    and of a good file. Yields the mount, a function that starts a process, the readers and the names of records."""
    dead = [directory / f"dead{i}.array_record" for i in range(N_DEAD)]
    for path in [*dead, directory / "good.array_record"]:
        oracle.write(path, MANY, "group_size:50,uncompressed")
    with mounted(directory, environment=device.environment, foreground=True, **more) as mount, \
            processes() as start, contextlib.ExitStack() as rules:
        for path in [*dead, directory / "good.array_record"]:
            names = sorted(os.listdir(mount / path.name))
        for path in dead:
            begin = container.Container(path).user_chunks[FIRST_DEAD // 50].begin
            rules.enter_context(device.fails(path, "pause", begin=begin))
        readers = [start(sys.executable, "-c", IN_ORDER, mount / path.name) for path in dead]
        assert wait_until(lambda: device.hits("pause") >= N_DEAD and in_flight(mount) >= N_DEAD, 30)
        yield mount, start, readers, names


def is_stuck(mount):
    """Whether nothing more is pushed."""
    before = mount.stats()["pushes_kept"]
    time.sleep(0.3 * SLOW)
    return mount.stats()["pushes_kept"] == before


def test_a_stuck_push_delays_no_other_file(tmp_path, device):
    directory = tmp_path / "d"
    directory.mkdir()
    with dead_pushes(directory, device) as (mount, start, readers, names):
        assert wait_until(lambda: is_stuck(mount), 20)
        kept = mount.stats()["pushes_kept"]
        process = start(sys.executable, "-c", IN_ORDER, mount / "good.array_record")
        assert ended(process, 30), "it waits for other files"
        assert process.returncode == 0
        assert mount.stats()["pushes_kept"] - kept > 0.8 * len(MANY), "others are pushed all the same"
        # So is what the cache has of a dead file.
        assert read_from_server(mount / "dead0.array_record" / names[50]) == MANY[50][:1]
        assert all(reader.poll() is None for reader in readers)
        began = time.monotonic()
        mount.kill(signal.SIGTERM)
        assert mount.wait_gone() == 0
        assert time.monotonic() - began < 6 * SLOW
        assert all(ended(reader) for reader in readers)


def test_readers_that_wait_for_a_stuck_push_can_be_killed(tmp_path, device):
    directory = tmp_path / "d"
    directory.mkdir()
    with dead_pushes(directory, device) as (mount, start, readers, names):
        assert wait_until(lambda: is_stuck(mount), 20)
        before = in_flight(mount)
        # Shortly after the record at which the push of each dead file is stuck.
        waiting = [start(sys.executable, "-c", FAULT, mount / f"dead{i}.array_record" / names[j])
                   for i in range(N_DEAD) for j in (FIRST_DEAD + 15, FIRST_DEAD + 20)]
        assert wait_until(lambda: in_flight(mount) == before + len(waiting), 20)
        for process in waiting:
            process.kill()
        assert all(ended(process) for process in waiting)
        assert wait_until(lambda: in_flight(mount) == before, 5)
        for reader in readers:
            reader.kill()
        assert all(ended(reader) for reader in readers)


# ---- requests that are answered by the thread that receives them -------------------------------

ASKS = """
import mmap, os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: None)
how, mount = sys.argv[1:]
record = os.path.join(mount, "60")
if how == "list":
    os.listdir(mount)
elif how == "look-up":
    os.stat(record)
elif how == "attribute":
    os.getxattr(mount, "user.arec.codec")
elif how == "fault":
    memory = mmap.mmap(os.open(record, os.O_RDONLY), 0, prot=mmap.PROT_READ)
    memory.madvise(mmap.MADV_RANDOM)
    memory[0]
"""
WAYS = ["list", "look-up", "attribute", "fault"]


@contextlib.contextmanager
def dead_source(tmp_path, device, how):
    """A mount whose source does not answer within the block, and a process that asks it for something."""
    path = oracle.write(tmp_path / "f.array_record", RECORDS, "group_size:10")
    with mounted(path, environment=device.environment) as mount, processes() as start:
        if how == "fault":
            os.listdir(mount.path)  # the kernel knows the rest
        with device.fails(path, "pause"):
            process = start(sys.executable, "-c", ASKS, how, mount.path)
            assert wait_until(lambda: device.hits("pause") > 0, 10)
            yield mount, process
        process.wait(timeout=60 * SLOW)
        # All that is under way ends, without a second reply.
        names = sorted(os.listdir(mount.path))
        assert [(mount / name).read_bytes() for name in names] == RECORDS
        if how != "attribute":
            assert device.hits("pause") == 1, "the loaded chunk was not kept"
        assert wait_until(lambda: in_flight(mount) == 0, 5), in_flight(mount)
        assert mount.stats()["errors"] == 0


@pytest.mark.parametrize("catches", [False, True])
@pytest.mark.parametrize("how", WAYS)
def test_processes_that_wait_for_a_thread_can_be_killed(tmp_path, device, how, catches):
    with dead_source(tmp_path, device, how) as (mount, process):
        if catches:
            process.send_signal(signal.SIGUSR1)
            time.sleep(0.2 * SLOW)  # the kernel has reported it
            assert process.poll() is None
        assert in_flight(mount) == 1
        process.kill()
        assert ended(process)
        assert wait_until(lambda: in_flight(mount) == 0, 5)


@pytest.mark.parametrize("how", WAYS)
def test_a_caught_signal_ends_nothing(tmp_path, device, how):
    with dead_source(tmp_path, device, how) as (mount, process):
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.2 * SLOW)
        assert process.poll() is None
        assert in_flight(mount) == 1
    assert process.returncode == 0


NAMES = [f"{i:02d}" for i in range(len(RECORDS))]


def test_killed_processes_use_up_no_threads(tmp_path, device):
    """More processes are killed than there may be threads, and each leaves a thread that is stuck."""
    path = oracle.write(tmp_path / "f.array_record", RECORDS, "group_size:10")
    with mounted(path, environment=device.environment, foreground=True) as mount, processes() as start:
        with device.fails(path, "pause"):
            for _ in range(6):
                stuck = [start("stat", mount / name) for name in NAMES[:20]]
                assert wait_until(lambda: in_flight(mount) == len(stuck), 20), in_flight(mount)
                for process in stuck:
                    process.kill()
                assert all(ended(process) for process in stuck)
                assert wait_until(lambda: in_flight(mount) == 0, 5)
            assert threads_of(mount.pid) > 120
        assert (mount / "60").read_bytes() == RECORDS[60]
