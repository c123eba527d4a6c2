"""Readahead and pushing into the page cache: which requests readers in order make, what it costs other readers,
and that it never hangs or gives wrong bytes.

Counts come from .arecfs/stats.json. Those of requests hold where the kernel knows the names, as
after a listing; pushing is refused where it does not.
"""

import contextlib
import itertools
import os
import random
import resource
import signal
import threading
import time
from pathlib import Path

import pytest

import caches
import container
import golden
import oracle
import page_cache
from failing_device import FailingDevice
from mounts import SANITIZE, SLOW, mounted, wait_until

pytestmark = pytest.mark.counts

N = 8_000
SERVING_THREADS = 12  # at most, with the default parallelism
GROUP = 50
MIB = 1 << 20
NAMES = golden.record_names(N)


@pytest.fixture(scope="module", params=["grouped", "single"])
def file(request, tmp_path_factory):
    """(path, records, chunks): in groups of 50, and of 1."""
    group = {"grouped": GROUP, "single": 1}[request.param]
    records = oracle.text_records(N, maximum=900)
    path = tmp_path_factory.mktemp(request.param) / "r.array_record"
    oracle.write(path, records, f"group_size:{group},zstd:1")
    return path, records, len(container.Container(path).user_chunks)


@contextlib.contextmanager
def listed(path, *options, environment=None):
    with mounted(path, *options, environment=environment) as mount:
        assert len(os.listdir(mount.path)) == N
        yield mount


def read(mount, records, numbers):
    for number in numbers:
        assert (mount.path / NAMES[number]).read_bytes() == records[number], number


def in_threads(*works):
    """Runs all of @works at the same time; raises what one of them raised."""
    failures = []

    def run(work):
        try:
            work()
        except BaseException as e:  # pylint: disable=broad-except
            failures.append(e)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60 * SLOW)
        assert not thread.is_alive(), "a reader hangs"
    if failures:
        raise failures[0]


def few(n):
    """How many of @n records may cost a READ. A sanitized server is slower than its readers; even then each READ waits
    until 8 successors are stored."""
    return n / 8 if SANITIZE else n / 20


# ---- in order ----------------------------------------------------------------------------------


def test_most_records_in_order_cost_no_read(file):
    path, records, chunks = file
    with listed(path) as mount:
        read(mount, records, range(N))
        stats = mount.stats()
    assert stats["requests"]["read"] <= few(N)
    assert stats["requests"]["lookup"] <= 4, "only those of .arecfs"
    assert stats["engine"]["chunks_decoded"] == chunks
    assert stats["pushes_kept"] >= N - 2 * few(N)
    assert stats["pushes_refused"] == 0
    assert stats["engine"]["chunks_ahead_wasted"] == 0


def test_a_record_is_pushed_once(file):
    """Pages that the kernel takes out would be read, and their successors pushed, again."""
    path, records, _ = file
    with listed(path) as mount, page_cache.Held() as held:
        for number in range(N):
            read(mount, records, [number])
            held.add(mount.path / NAMES[number])
        kept = mount.stats()["pushes_kept"]
        read(mount, records, range(N))
        assert kept <= N
        assert mount.stats()["pushes_kept"] == kept


def test_without_pushing_every_record_is_read(file):
    path, records, chunks = file
    with listed(path, "--no-push") as mount:
        read(mount, records, range(N))
        stats = mount.stats()
    assert N <= stats["requests"]["read"] <= N + 4
    assert stats["pushes_kept"] == stats["pushes_refused"] == 0
    assert stats["engine"]["chunks_decoded"] == chunks
    assert stats["engine"]["chunks_ahead"] > 0.8 * chunks, "readahead works all the same"


def test_without_readahead_nothing_is_decoded_before_it_is_wanted(file):
    path, records, chunks = file
    with listed(path, "--readahead-buffer-size=0", "--no-push") as mount:
        read(mount, records, range(N))
        stats = mount.stats()
    assert stats["engine"]["chunks_ahead"] == 0
    assert stats["engine"]["chunks_decoded"] == chunks


def test_pushing_stops_for_names_that_the_kernel_does_not_know(file):
    path, records, chunks = file
    with mounted(path) as mount:
        read(mount, records, range(N))
        stats = mount.stats()
    assert stats["requests"]["read"] <= N
    assert stats["pushes_refused"] <= N / 20
    assert stats["engine"]["chunks_decoded"] == chunks


@pytest.mark.parametrize("step", [2, 3, 7])
def test_steps_are_followed(file, step):
    path, records, chunks = file
    numbers = range(0, N, step)
    with listed(path) as mount:
        read(mount, records, numbers)
        stats = mount.stats()
    assert stats["requests"]["read"] <= len(numbers) / 8
    needed = len({n * chunks // N for n in numbers})
    assert needed <= stats["engine"]["chunks_decoded"] <= needed + 4


# ---- several at a time -------------------------------------------------------------------------


def test_four_streams_in_turn(file):
    path, records, chunks = file
    quarter = N // 4
    with listed(path) as mount:
        read(mount, records, (q * quarter + i for i in range(quarter) for q in range(4)))
        stats = mount.stats()
    assert stats["requests"]["read"] <= 2 * few(N)
    assert stats["engine"]["chunks_decoded"] == chunks


def test_readers_of_disjoint_parts(file):
    path, records, chunks = file
    with listed(path) as mount:
        in_threads(*(lambda q=q: read(mount, records, range(q * N // 4, (q + 1) * N // 4))
                     for q in range(4)))
        stats = mount.stats()
    assert stats["requests"]["read"] <= 2 * few(N)
    assert stats["engine"]["chunks_decoded"] == chunks


def test_readers_of_the_same_records(file):
    """Four readers want each record at the same time, and wait for the same pages."""
    path, records, chunks = file
    with listed(path) as mount:
        in_threads(*[lambda: read(mount, records, range(N))] * 4)
        stats = mount.stats()
    assert stats["requests"]["read"] <= 2 * few(N)
    assert stats["engine"]["chunks_decoded"] == chunks


def test_a_slightly_shuffled_order(file):
    path, records, chunks = file
    rng = random.Random(1)
    numbers = sorted(range(N), key=lambda n: n + rng.uniform(0, 3))
    with listed(path) as mount:
        read(mount, records, numbers)
        stats = mount.stats()
    assert stats["engine"]["chunks_decoded"] == chunks
    assert stats["requests"]["read"] <= N / 5


# ---- at random ---------------------------------------------------------------------------------


def test_readers_at_random_waste_little(file):
    path, records, _ = file
    with listed(path, "--cache-size=1M") as mount:
        numbers = [random.Random(2).randrange(N) for _ in range(1500)]
        read(mount, records, numbers)
        engine = mount.stats()["engine"]
    wasted = engine["chunks_ahead"] - engine["chunks_ahead_used"]
    assert wasted <= 0.05 * engine["chunks_decoded"]


def test_a_reader_that_turns_elsewhere_wastes_little(file):
    """A reader takes four records in order and then turns elsewhere: at most two chunks are decoded ahead in vain."""
    path, records, _ = file
    rng = random.Random(3)
    with listed(path) as mount:
        starts = rng.sample(range(0, N - 200, 200), 20)
        for start in starts:
            read(mount, records, range(start, start + 2))
        engine = mount.stats()["engine"]
        assert engine["chunks_ahead"] - engine["chunks_ahead_used"] <= 2 * len(starts)


# ---- what else happens -------------------------------------------------------------------------


def test_a_damaged_chunk_in_the_way(tmp_path):
    records = oracle.text_records(N, maximum=300)
    path = oracle.write(tmp_path / "d.array_record", records, f"group_size:{GROUP},zstd:1")
    chunk = container.Container(path).user_chunks[40]
    with open(path, "r+b") as f:
        f.seek(chunk.position(chunk.data_size - 3))
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))
    bad = range(40 * GROUP, 41 * GROUP)
    with listed(path) as mount:
        for number in range(N):
            if number in bad:
                with pytest.raises(OSError):
                    (mount.path / NAMES[number]).read_bytes()
            else:
                assert (mount.path / NAMES[number]).read_bytes() == records[number]
        assert mount.stats()["requests"]["read"] <= few(N) + GROUP + 20
        assert len(mount.log_lines(path.name)) == 1, mount.log()


def in_order(path, records):
    """The counters of a mount after a listing and all of @records in order."""
    with mounted(path) as mount:
        for name, record in zip(sorted(os.listdir(mount.path)), records, strict=True):
            assert (mount.path / name).read_bytes() == record, name
        return mount.stats()


def test_large_records_among_small_ones(tmp_path):
    """Large records are not pushed, and the small ones after them are."""
    text = oracle.text_records(1, minimum=MIB // 16, maximum=MIB // 16)[0] * 16
    records = [b"%07d\n" % i + text[:2000 if i % 25 else None] for i in range(1500)]
    stats = in_order(oracle.write(tmp_path / "m.array_record", records, "group_size:1,zstd:1"), records)
    small = sum(len(record) < MIB for record in records)
    assert small - 3 * few(small) <= stats["pushes_kept"] <= small
    assert stats["engine"]["chunks_decoded"] == len(records)


def test_chunks_that_take_long_to_decode(tmp_path):
    """A push does not decode them, but once they are decoded ahead it stores their records like others."""
    text = oracle.text_records(1, minimum=MIB // 16, maximum=MIB // 16)[0] * 8
    records = [b"%07d\n" % i + text for i in range(240)]  # 20 MiB each
    stats = in_order(oracle.write(tmp_path / "l.array_record", records, "group_size:40,zstd:1"), records)
    assert stats["pushes_kept"] >= len(records) - 3 * few(len(records))
    assert stats["engine"]["chunks_ahead"] >= 1
    assert stats["engine"]["chunks_decoded"] == 6


def test_a_source_that_changed_is_not_pushed(tmp_path):
    records = oracle.text_records(N, maximum=300)
    path = oracle.write(tmp_path / "c.array_record", records, f"group_size:{GROUP},zstd:1")
    with listed(path) as mount:
        read(mount, records, range(0, N, N // 100))  # all chunks are in the server's cache
        os.utime(path, ns=(1, 1))
        outcomes = []
        for number in range(N):
            try:
                outcomes.append((mount.path / NAMES[number]).read_bytes() == records[number])
            except OSError:
                outcomes.append(None)
        stats = mount.stats()
    assert False not in outcomes
    assert stats["pushes_kept"] == 0
    assert outcomes.count(None) > 0.9 * N, "the first push found the change"


@contextlib.contextmanager
def readers_in_order(mount, records, starts):
    """A reader from each of @starts. It drops what it has read from the page cache, continues at the first record
    after the last, and ends at an error or with the context. Checks that none hangs."""
    stop = threading.Event()

    def work(start):
        with contextlib.suppress(OSError):
            for i in itertools.count(start):
                if stop.is_set():
                    return
                with open(mount.path / NAMES[i % N], "rb", buffering=0) as record:
                    assert record.readall() == records[i % N]
                    os.posix_fadvise(record.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    threads = [threading.Thread(target=work, args=(start,), daemon=True) for start in starts]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join(timeout=20 * SLOW)
        assert not thread.is_alive(), "a reader hangs"


@pytest.mark.parametrize("end", ["umount", "signal"])
def test_the_mount_ends_in_the_middle_of_a_push(file, end):
    path, records, _ = file
    for seed in range(5):
        with listed(path) as mount:
            with readers_in_order(mount, records, [q * N // 3 for q in range(3)]):
                assert wait_until(lambda: mount.stats()["pushes_kept"] > 50 * (seed + 1), 20)
                if end == "umount":
                    mount.umount("-l")  # it ends when no process uses it
                else:
                    mount.kill(signal.SIGTERM)
            assert mount.wait_gone() == 0


def states(pid):
    """States of the threads of @pid: D for one that waits for a page, T for one that is stopped."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it ended
            found.append((task / "stat").read_text().rpartition(")")[2].split()[0])
    return found


def allow_no_more_threads(pid):
    """Leaves the server no address space for stacks, so that it cannot start threads when all are stuck. Some is left
    for ThreadSanitizer, which needs it for a thread that has just started."""
    with open(f"/proc/{pid}/status") as status:
        size = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmSize"))
    limit = size + (400 << 10)
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))


def make_the_push_wait(mount, records, ask_for):
    """Makes a reader hold a page while no thread is free to take its READ, and a push arrive at that page. Returns
    whether the push waits: a thread that ended shortly before leaves its stack to another, which may take that READ."""
    busy = [GROUP * (100 + i * i) % N for i in range(SERVING_THREADS)]
    read(mount, records, [0])
    for number in busy[1:]:
        ask_for(number)
    assert wait_until(lambda: mount.stats()["requests"]["read"] >= len(busy), 20)
    allow_no_more_threads(mount.pid)
    mount.kill(signal.SIGSTOP)
    assert wait_until(lambda: set(states(mount.pid)) == {"T"}, 5)
    # The first starts a push, the second keeps the last thread busy, the third holds the page that the push meets.
    for number in (1, busy[0], GROUP - 5):
        ask_for(number)
        time.sleep(0.2)
    mount.kill(signal.SIGCONT)
    return wait_until(lambda: "D" in states(mount.pid), 1)


# A sanitizer handles crashes itself.
ENDS = [signal.SIGKILL] if SANITIZE else [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT]


def kill_while_a_push_waits(path, records, number, device):
    """Returns whether a push waited for a page when the server was killed by signal @number."""
    chunks = container.Container(path).user_chunks
    threads = []
    with listed(path, environment=device.environment) as mount:
        def ask_for(number):
            def ask():
                # Not open(): it asks first whether this is a terminal, and the order counts.
                record = os.open(mount.path / NAMES[number], os.O_RDONLY)
                with contextlib.suppress(OSError):
                    os.read(record, 4096)
                os.close(record)

            threads.append(threading.Thread(target=ask, daemon=True))
            threads[-1].start()

        with device.fails(path, "pause", begin=chunks[1].begin):
            waits = make_the_push_wait(mount, records, ask_for)
            if not waits:
                number = signal.SIGKILL  # without address space it cannot end by itself
            resource.prlimit(mount.pid, resource.RLIMIT_CORE, (0, 0))
            mount.expected_status = -number
            mount.kill(number)
            assert wait_until(lambda: not mount.server_is_running(), 15), "it cannot be killed"
        for thread in threads:
            thread.join(timeout=20 * SLOW)
            assert not thread.is_alive(), "a reader hangs"
    return waits


@pytest.mark.parametrize("number", ENDS, ids=lambda number: number.name)
@pytest.mark.parametrize("file", ["grouped"], indirect=True)
def test_killed_while_a_push_waits_for_a_page(file, number, tmp_path):
    """A thread that waits for a page cannot be killed. So neither the process ends nor its descriptor of
    the connection is closed, unless it is aborted."""
    path, records, _ = file
    device = FailingDevice(tmp_path)
    assert any(kill_while_a_push_waits(path, records, number, device) for _ in range(5)), (
        "no push waits: this tests nothing")


def watcher_of(mount):
    children = Path(f"/proc/{mount.pid}/task/{mount.pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


@pytest.mark.parametrize("file", ["grouped"], indirect=True)
def test_without_its_watcher_nothing_is_pushed(file):
    path, records, _ = file
    with listed(path) as mount:
        watcher = watcher_of(mount)
        assert Path(f"/proc/{watcher}/comm").read_text() == "arec-watcher\n"
        # Of the server's descriptors it has only the socket.
        assert {os.readlink(f"/proc/{watcher}/fd/{fd}").partition(":")[0] for fd in
                os.listdir(f"/proc/{watcher}/fd")} <= {"/dev/null", "socket", "anon_inode", "/abort",
                                                       f"/{mount.info()['minor']}/abort",
                                                       f"/sys/fs/fuse/connections/{mount.info()['minor']}/abort"}
        os.kill(watcher, signal.SIGUSR1)  # from us: no process has died
        read(mount, records, range(1000))
        kept = mount.stats()["pushes_kept"]
        assert kept > 900
        os.kill(watcher, signal.SIGKILL)
        assert wait_until(lambda: states(watcher) in ([], ["Z"]), 10)
        read(mount, records, range(1000, 3000))
        assert mount.stats()["pushes_kept"] <= kept + GROUP
        assert len(mount.log_lines("arec-watcher is gone")) == 1, mount.log()


def test_caches_that_are_dropped_all_the_time(file):
    path, records, _ = file
    if not caches.drop_inodes():
        pytest.skip("/proc/sys/vm/drop_caches may not be written")
    stop = threading.Event()

    def drop():
        while not stop.is_set():
            caches.drop_inodes()
            time.sleep(0.002)

    def work(mount, seed):
        try:
            rng = random.Random(seed)
            for _ in range(3):
                start = rng.randrange(N - 1000)
                read(mount, records, range(start, start + 1000))
        finally:
            stop.set()

    with listed(path, "--cache-size=1M") as mount:
        in_threads(drop, lambda: work(mount, 1))
        assert mount.stats()["errors"] == 0


def test_readers_that_hold_pages_while_others_push(file):
    """Several readers read parts, back and forth, of records that are being pushed."""
    path, records, _ = file

    def work(mount, seed):
        rng = random.Random(seed)
        at = rng.randrange(N)
        for _ in range(1500):
            number = at % N
            with open(mount.path / NAMES[number], "rb", buffering=0) as f:
                assert f.read(10) == records[number][:10]
                f.seek(max(len(records[number]) - 5, 0))
                assert f.read() == records[number][-5:]
            at += rng.choice([1, 1, 1, 1, 1, 2, -1, 17, -40, rng.randrange(N)])

    with listed(path) as mount:
        in_threads(*(lambda s=s: work(mount, s) for s in range(6)))
