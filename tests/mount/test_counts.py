"""What a mount costs, in requests, decodes and source bytes: counts are the same on any machine.

Counts come from .arecfs/stats.json. A snapshot itself costs some requests; two in a row show how
many, and these are subtracted.
"""

import os
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import caches
import container
import golden
import oracle
from mounts import SLOW, mounted, wait_until

pytestmark = pytest.mark.counts

N = 10_000
GROUP = 50


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """(path, records): 10,000 records in groups of 50."""
    records = oracle.text_records(N, maximum=400)
    path = tmp_path_factory.mktemp("grouped") / "g.array_record"
    return oracle.write(path, records, f"group_size:{GROUP},zstd:1"), records


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """(path, records): 5,000 records in groups of 1."""
    records = oracle.text_records(5000, maximum=400)
    path = tmp_path_factory.mktemp("single") / "s.array_record"
    return oracle.write(path, records, "group_size:1,zstd:1"), records


class Costs:
    """Counts the work between two calls of spent ()."""

    def __init__(self, mount):
        self._mount = mount
        mount.stats()  # makes the requests that only a first access makes
        first, second = mount.stats(), mount.stats()
        self._overhead = Counter(second["requests"])
        self._overhead.subtract(first["requests"])
        self._last = second

    def spent(self):
        """Requests by kind and engine counters since the last call."""
        now = self._mount.stats()
        requests = Counter(now["requests"])
        requests.subtract(self._last["requests"])
        requests.subtract(self._overhead)
        engine = {k: now["engine"][k] - self._last["engine"][k] for k in now["engine"]}
        self._last = now
        return requests, engine


def shell(script, mount):
    subprocess.run(["sh", "-ec", script], cwd=mount.path, check=True, stdout=subprocess.DEVNULL,
                   timeout=120 * SLOW, env=dict(os.environ, LC_ALL="C"))


def read_all(mount, records, numbers=None):
    names = golden.record_names(len(records))
    for number in numbers if numbers is not None else range(len(records)):
        # With a buffer, open () would ask whether it is a terminal.
        with open(mount.path / names[number], "rb", buffering=0) as record:
            assert record.readall() == records[number]


def test_counters_count(grouped):
    """The counters that the other tests rely on move when they must."""
    path, records = grouped
    with mounted(path, "--no-push", "--readahead-buffer-size=0") as mount:
        costs = Costs(mount)
        read_all(mount, records, range(100))
        requests, engine = costs.spent()
        assert requests["lookup"] == 100
        assert requests["read"] == 100
        assert engine["chunks_decoded"] == 2
        assert engine["source_bytes"] > 0 and engine["source_reads"] > 0
        assert engine["decoded_bytes"] == sum(map(len, records[:100]))
        os.listdir(mount.path)
        requests, _ = costs.spent()
        assert requests["readdir"] + requests["readdirplus"] > 0
        for _ in range(5):
            with pytest.raises(OSError):
                os.getxattr(mount.path / "0000", "user.nope")
        requests, _ = costs.spent()
        assert requests["getxattr"] == 5


# ---- metadata ----------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["grouped", "single"])
def test_mounting_reads_postscript_and_footer_only(request, which):
    path, _ = request.getfixturevalue(which)
    whole = container.Container(path)
    with mounted(path) as mount:
        engine = mount.stats()["engine"]
        assert 0 < engine["source_bytes"] <= len(whole.content) - whole.footer.begin
        assert engine["chunks_decoded"] == 0
        assert engine["index_used"] <= 8 * len(whole.user_chunks) + 65536
        # The first stat reads no more, and a listing of names reads no values.
        os.stat(mount.path)
        assert mount.stats()["engine"]["source_bytes"] == engine["source_bytes"]
        shell("ls -U", mount)
        listed = mount.stats()["engine"]
        assert listed["chunks_decoded"] == 0
        bound = sum(whole.size_list_bytes(chunk) for chunk in whole.user_chunks)
        assert listed["source_bytes"] <= engine["source_bytes"] + bound


@pytest.mark.parametrize("command", ["ls -l", "find . -type f -size +100c", "du -a"])
def test_sizes_cost_headers_and_size_lists(grouped, command):
    path, _ = grouped
    whole = container.Container(path)
    bound = sum(whole.size_list_bytes(chunk) for chunk in whole.user_chunks)
    with mounted(path) as mount:
        costs = Costs(mount)
        shell(command, mount)
        _, engine = costs.spent()
        assert engine["chunks_decoded"] == 0 and engine["decoded_bytes"] == 0
        assert engine["source_bytes"] <= bound
        assert engine["size_lists_read"] == len(whole.user_chunks)
        shell(command, mount)
        _, engine = costs.spent()
        assert engine["source_bytes"] == 0, "size lists are read once"


@pytest.mark.parametrize("file", [g for g in golden.SIMPLE
                                  if g.group_size > 1 and g.sizes and min(g.sizes) > 0],
                         ids=lambda g: g.name)
def test_sizes_of_golden_files(file):
    whole = container.Container(file.path)
    with mounted(file.path) as mount:
        costs = Costs(mount)
        shell("ls -l", mount)
        _, engine = costs.spent()
        assert engine["decoded_bytes"] == 0
        assert engine["source_bytes"] <= sum(map(whole.size_list_bytes, whole.user_chunks))


def test_sizes_of_single_records_come_from_the_footer(single):
    path, _ = single
    with mounted(path) as mount:
        costs = Costs(mount)
        shell("ls -l", mount)
        _, engine = costs.spent()
        assert engine["source_bytes"] == 0 and engine["chunks_decoded"] == 0


@pytest.mark.parametrize("before", ["true", "ls -U"])
def test_ls_l_asks_for_no_attributes_by_name(grouped, before):
    path, _ = grouped
    with mounted(path) as mount:
        shell(before, mount)
        costs = Costs(mount)
        shell("ls -lU", mount)
        requests, _ = costs.spent()
        assert requests["getxattr"] <= 4 and requests["listxattr"] <= 4
        assert requests["open"] <= 1 and requests["read"] == 0


@pytest.mark.parametrize("before", ["true", "ls -U"])
def test_ls_l_needs_no_lookups(grouped, before):
    path, _ = grouped
    with mounted(path) as mount:
        shell(before, mount)
        costs = Costs(mount)
        shell("ls -lU", mount)
        requests, _ = costs.spent()
        assert requests["lookup"] == 0
        assert requests["getattr"] <= N // 10


def test_absent_names_are_asked_for_once(grouped):
    path, _ = grouped
    absent = ["abc", "10000", "99999", "00001", "0x1", "7.txt", "000", "-1"]
    with mounted(path) as mount:
        costs = Costs(mount)
        for _ in range(5):
            for name in absent:
                assert not os.path.exists(mount.path / name)
        requests, engine = costs.spent()
        assert requests["lookup"] <= len(absent)
        assert engine["source_bytes"] == 0
        for _ in range(5):
            for name in absent:
                assert not os.path.exists(mount.path / name)
        requests, _ = costs.spent()
        assert requests["lookup"] == 0


def test_stat_again_costs_nothing(grouped):
    path, records = grouped
    with mounted(path) as mount:
        names = golden.record_names(N)[::10]
        for name in names:
            os.stat(mount.path / name)
        costs = Costs(mount)
        for name in names:
            assert os.stat(mount.path / name).st_size == len(records[int(name)])
        requests, engine = costs.spent()
        assert requests["lookup"] == 0 and requests["getattr"] == 0
        assert engine["source_bytes"] == 0


def test_two_thousand_names_are_one_inode_each(grouped):
    """A record that the kernel has forgotten costs a look-up when it is found again, and nothing else."""
    path, _ = grouped
    with mounted(path) as mount:
        names = golden.record_names(N)[:2000]
        numbers = [os.stat(mount.path / name).st_ino for name in names]
        if not caches.drop_inodes():
            pytest.skip("/proc/sys/vm/drop_caches may not be written")
        costs = Costs(mount)
        assert [os.stat(mount.path / name).st_ino for name in names] == numbers
        requests, engine = costs.spent()
        assert requests["lookup"] <= 2000
        assert engine["source_bytes"] == 0


# ---- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--no-push"]], ids=["push", "no-push"])
@pytest.mark.parametrize("which", ["grouped", "single"])
@pytest.mark.parametrize("listed", [True, False])
def test_in_order_each_chunk_is_decoded_once(request, which, options, listed):
    path, records = request.getfixturevalue(which)
    chunks = len(container.Container(path).user_chunks)
    with mounted(path, "--cache-size=64M", *options) as mount:
        if listed:
            os.listdir(mount.path)
        costs = Costs(mount)
        read_all(mount, records)
        requests, engine = costs.spent()
        assert engine["chunks_decoded"] == chunks
        assert engine["decoded_bytes"] == sum(map(len, records))
        assert engine["chunks_failed"] == 0
        assert requests["read"] <= len(records)
        assert requests["open"] <= 1 and requests["flush"] <= 1 and requests["release"] == 0


@pytest.mark.parametrize("size, group", [(6 << 20, 1), (17 << 20, 1), (100_000, 64)], ids=["6M", "17M", "64x100K"])
def test_in_order_large_chunks_are_decoded_ahead(tmp_path, size, group):
    text = oracle.text_records(1, minimum=50_000, maximum=50_000)[0]
    records = [(b"%07d\n" % i + text * (size // len(text) + 1))[:size] for i in range(10 * group)]
    path = oracle.write(tmp_path / "l.array_record", records, f"group_size:{group},zstd:1")
    with mounted(path, "--cache-size=1G") as mount:
        os.listdir(mount.path)
        costs = Costs(mount)
        read_all(mount, records)
        _, engine = costs.spent()
        assert engine["chunks_decoded"] == 10
        assert engine["decoded_bytes"] == sum(map(len, records))
        assert engine["chunks_ahead"] >= 5, engine
        assert engine["chunks_ahead_wasted"] == 0


def test_in_order_with_a_small_cache(tmp_path):
    """A cache of a few chunks is enough to decode each once in order."""
    records = oracle.text_records(4000, maximum=2000)
    path = oracle.write(tmp_path / "r.array_record", records, "group_size:100,zstd:1")
    with mounted(path, "--cache-size=1M") as mount:
        costs = Costs(mount)
        read_all(mount, records)
        _, engine = costs.spent()
        assert engine["chunks_decoded"] == 40


def test_a_chunk_larger_than_the_cache_is_decoded_once(tmp_path):
    records = [oracle.random_bytes(40_000, i) for i in range(400)]
    path = oracle.write(tmp_path / "r.array_record", records, "group_size:400,zstd:1")
    with mounted(path, "--cache-size=1M", "--no-push") as mount:
        costs = Costs(mount)
        read_all(mount, records)
        _, engine = costs.spent()
        assert engine["chunks_decoded"] == 1


def test_a_chunk_wanted_by_many_is_decoded_once(tmp_path):
    records = [oracle.random_bytes(30_000, i) for i in range(200)]
    path = oracle.write(tmp_path / "r.array_record", records, "group_size:200,brotli:1")
    with mounted(path, "--no-push") as mount:
        costs = Costs(mount)
        start = threading.Barrier(8)

        def read(reader):
            start.wait()
            read_all(mount, records, range(reader, 200, 8))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read, range(8)))
        _, engine = costs.spent()
        assert engine["chunks_decoded"] == 1


def pages_that_the_kernel_may_drop(n):
    """Where kdamond runs, the kernel drops idle pages even without memory pressure: allow 5 % then."""
    names = (comm.read_text() for comm in Path("/proc").glob("[0-9]*/comm"))
    return n // 20 if any(name.startswith("kdamond") for name in names) else 0


@pytest.mark.parametrize("options", [[], ["--no-push"]], ids=["push", "no-push"])
@pytest.mark.parametrize("which", ["grouped", "single"])
def test_a_warm_pass_asks_for_nothing(request, which, options):
    path, records = request.getfixturevalue(which)
    with mounted(path, *options) as mount:
        read_all(mount, records)
        costs = Costs(mount)
        for _ in range(2):
            read_all(mount, records)
            requests, engine = costs.spent()
            assert requests["read"] <= pages_that_the_kernel_may_drop(len(records))
            del requests["read"]
            assert not any(requests[kind] for kind in requests if kind != "forget"), requests
            assert engine["source_bytes"] == 0 and engine["chunks_decoded"] == 0


def test_open_and_flush_are_asked_for_once_in_the_life_of_a_mount(grouped):
    path, records = grouped
    with mounted(path) as mount:
        read_all(mount, records, range(0, N, 3))
        shell("cat 00* > /dev/null; ls -l > /dev/null; grep -r nothing . || true", mount)
        requests = mount.stats()["requests"]
        assert requests.get("open", 0) <= 1
        assert requests.get("flush", 0) <= 1
        assert requests.get("release", 0) == 0


def test_reads_at_random_decode_no_more_than_they_need(grouped):
    path, records = grouped
    with mounted(path, "--cache-size=64M") as mount:
        costs = Costs(mount)
        numbers = [(i * 7919) % N for i in range(40)]
        read_all(mount, records, numbers)
        _, engine = costs.spent()
        needed = len({number // GROUP for number in numbers})
        assert needed <= engine["chunks_decoded"] <= needed + 2


def test_copying_costs_no_attributes_by_name(grouped, tmp_path):
    path, _ = grouped
    with mounted(path) as mount:
        costs = Costs(mount)
        shell(f"cp -a . {tmp_path}/copy", mount)
        requests, engine = costs.spent()
        # cp asks for the ACL of each file that it copies, and for no other attribute, since none is listed.
        assert requests["getxattr"] <= N + 8
        assert engine["chunks_decoded"] == N // GROUP


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """(path, records): 30 records of 40 to 98 KB in groups of 1."""
    records = [os.urandom(40_000 + 2000 * i) for i in range(30)]
    path = tmp_path_factory.mktemp("images") / "i.array_record"
    return oracle.write(path, records, "group_size:1,uncompressed"), records


def read_directly(path):
    """The bytes of a file, past the page cache."""
    file = os.open(path, os.O_RDONLY | os.O_DIRECT)
    try:
        return os.read(file, 1 << 20)
    finally:
        os.close(file)


def test_what_the_kernel_keeps_is_not_kept_twice(images):
    path, records = images
    with mounted(path) as mount:
        costs = Costs(mount)
        for number in (3, 17, 8):
            read_all(mount, records, [number])
        # A READ is answered before its chunk is let go.
        wait_until(lambda: mount.stats()["engine"]["cache_entries"] == 0, 10)
        _, engine = costs.spent()
        assert (engine["chunks_decoded"], engine["cache_entries"], engine["cache_evictions"]) == (3, 0, 3)
        # The kernel keeps nothing of these, so we do.
        for decodes in (1, 0):
            assert read_directly(mount.path / "22") == records[22]
            _, engine = costs.spent()
            assert (engine["chunks_decoded"], engine["cache_entries"]) == (decodes, decodes)
        # What is asked for again all the same stays from then on.
        for decodes in (1, 0):
            assert read_directly(mount.path / "17") == records[17]
            _, engine = costs.spent()
            assert (engine["chunks_decoded"], engine["cache_entries"]) == (decodes, decodes)
        read_all(mount, records, [17, 3])
        requests, engine = costs.spent()
        assert requests["read"] == engine["chunks_decoded"] == 0
