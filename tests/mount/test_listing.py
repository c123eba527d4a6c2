"""Listings: what they cost, and what the kernel knows afterwards. `ls` is cheap, `ls -l` needs no
look-ups, in directories of any size and where a size costs a decode.
"""

import mmap
import os
import subprocess
import sys

import pytest

import golden
import oracle
from mounts import SLOW, mounted
from test_counts import Costs

pytestmark = pytest.mark.counts

HUGE = 150_000  # more than a directory that is listed in full may have
TRANSPOSED = golden.get("examples.groupsize64-transposetrue-zstd3.array_record")


@pytest.fixture(scope="module")
def huge(tmp_path_factory):
    path = tmp_path_factory.mktemp("huge") / "h.array_record"
    return oracle.write(path, (b"%d" % i for i in range(HUGE)), "group_size:1000,uncompressed")


def ls(mount, *options):
    out = subprocess.run(["ls", "-U", *options], cwd=mount.path, check=True, capture_output=True,
                         text=True, timeout=120 * SLOW, env=dict(os.environ, LC_ALL="C")).stdout
    return [line for line in out.splitlines() if not line.startswith("total ")]


def stat_all(mount, numbers, width):
    for number in numbers:
        os.stat(mount.path / f"{number:0{width}}")


# ---- sizes that cost reading the file -----------------------------------------------------------


@pytest.fixture(scope="module")
def costly(tmp_path_factory):
    """(path, sizes) of a transposed file of 150 MB, which a listing cannot read whole."""
    records = [oracle.random_bytes(50_000 + i % 7, i) for i in range(3000)]
    path = tmp_path_factory.mktemp("costly") / "d.array_record"
    return oracle.write(path, records, "group_size:10,transpose:true,uncompressed"), list(map(len, records))


def test_names_do_not_cost_reading_a_large_transposed_file(costly):
    path, sizes = costly
    with mounted(path) as mount:
        for _ in range(3):
            costs = Costs(mount)
            assert ls(mount) == golden.record_names(len(sizes))
            _, engine = costs.spent()
            assert engine["source_bytes"] <= 0.3 * os.path.getsize(path)
            assert engine["chunks_decoded"] == 0
        costs = Costs(mount)
        lines = ls(mount, "-l")
        requests, engine = costs.spent()
        assert [int(line.split()[4]) for line in lines] == sizes
        assert requests["lookup"] <= 0.2 * len(sizes)
        for number in (0, 1500, 2999):
            with open(mount.path / f"{number:04}", "rb") as file, \
                    mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
                assert mapped[:] == oracle.random_bytes(sizes[number], number)


# ---- huge directories --------------------------------------------------------------------------


def test_a_huge_directory_gives_names_only(huge):
    with mounted(huge) as mount:
        assert ls(mount) == [f"{i:06}" for i in range(HUGE)]
        costs = Costs(mount)
        stat_all(mount, range(HUGE // 2, HUGE // 2 + 1000), 6)
        requests, _ = costs.spent()
        assert requests["lookup"] >= 950, "the kernel has no nodes of files that were not looked at"


@pytest.mark.parametrize("before", [False, True], ids=["at-once", "after-ls"])
def test_attributes_of_a_huge_directory_need_no_lookups(huge, before):
    with mounted(huge) as mount:
        if before:
            ls(mount)
        costs = Costs(mount)
        lines = ls(mount, "-l")
        requests, engine = costs.spent()
        assert len(lines) == HUGE
        for number in (0, 7, 99, 12345, HUGE - 1):
            assert lines[number].split()[4] == str(len(str(number)))
        # After a plain listing the kernel knows the first batch; the others come once a reader stats the probe.
        assert requests["lookup"] <= 0.01 * HUGE
        if not before:
            assert requests["lookup"] == 0
        assert requests["getattr"] <= requests["readdirplus"] + 1
        assert engine["chunks_decoded"] == 0


def test_a_listing_of_names_after_one_of_attributes(huge):
    """A reader that stops asking for attributes gets names only again."""
    with mounted(huge) as mount:
        with os.scandir(mount.path) as entries:
            for i, entry in enumerate(entries):
                if i < HUGE // 10:
                    entry.stat(follow_symlinks=False)
        costs = Costs(mount)
        stat_all(mount, range(HUGE - 1000, HUGE), 6)
        requests, _ = costs.spent()
        assert requests["lookup"] >= 950


def test_two_listings_of_a_huge_directory_at_a_time(huge):
    with mounted(huge) as mount:
        with os.scandir(mount.path) as one, os.scandir(mount.path) as two:
            names = [(a.name, b.name) for a, b in zip(one, two)]
        assert names == [(f"{i:06}",) * 2 for i in range(HUGE)]


# ---- sizes that cost a decode ------------------------------------------------------------------


@pytest.mark.parametrize("before", [False, True], ids=["at-once", "after-ls"])
def test_sizes_that_cost_a_decode_are_right_without_lookups(before):
    with mounted(TRANSPOSED.path) as mount:
        if before:
            ls(mount)
        costs = Costs(mount)
        lines = ls(mount, "-l")
        requests, engine = costs.spent()
        assert [int(line.split()[4]) for line in lines] == list(TRANSPOSED.sizes)
        assert requests["lookup"] == 0
        assert engine["chunks_decoded"] == 0
        assert [int(line.split()[4]) for line in ls(mount, "-l")] == list(TRANSPOSED.sizes)
        _, engine = costs.spent()
        assert engine["size_lists_read"] == 0


# Maps files by mmap (2) itself, because Python's mmap asks for the size. Each line of the input is a path and a size.
MAPPER = """
import ctypes, hashlib, os, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
for line in sys.stdin:
    path, size = line.split()
    at = libc.mmap(None, int(size), 1, 1, os.open(path, os.O_RDONLY), 0)
    assert at not in (None, 2**64 - 1)
    print(hashlib.sha256(ctypes.string_at(at, int(size))).hexdigest())
"""


def test_a_listed_record_can_be_mapped_without_a_stat():
    """A process that does not ask for the size must not be killed by SIGBUS."""
    with mounted(TRANSPOSED.path) as mount:
        ls(mount)
        wanted = [(n, size) for n, size in zip(TRANSPOSED.names(), TRANSPOSED.sizes) if size > 0]
        done = subprocess.run([sys.executable, "-c", MAPPER], cwd=mount.path, capture_output=True, text=True,
                              input="".join(f"{n} {size}\n" for n, size in wanted), timeout=60 * SLOW)
        assert done.returncode == 0, done
        digests = [d for d, size in zip(TRANSPOSED.sha256, TRANSPOSED.sizes) if size > 0]
        assert done.stdout.split() == digests


def test_a_listing_does_not_cut_a_mapped_record(tmp_path):
    """Not even when the size is no longer in the server's cache."""
    records = oracle.text_records(2000, minimum=5000, maximum=9000)
    path = oracle.write(tmp_path / "t.array_record", records,
                        "group_size:100,transpose:true,zstd:1")
    with mounted(path, "--cache-size=1M") as mount:
        for listed in range(2):
            with open(mount.path / "0005", "rb") as f, \
                    mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as mapped:
                assert mapped[:] == records[5]
                for number in range(200, 2000, 50):  # takes the place of chunk 0 in the cache
                    (mount.path / f"{number:04}").read_bytes()
                assert len(ls(mount)) == 2000
                assert mapped[:] == records[5]
                assert os.fstat(f.fileno()).st_size == len(records[5])
