"""What the mount tests rely on: mounts of which no other namespace gets a copy, counts that notice what leaves the
kernel's caches."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

import caches
import golden
import page_cache
from mounts import mounted

FILE = golden.get("tiny.groupsize7-zstd1.array_record")


def test_a_mount_is_private():
    assert os.readlink("/proc/self/ns/mnt") != os.readlink(f"/proc/{os.getppid()}/ns/mnt")
    with mounted(FILE.path) as mount:
        assert str(mount.path) in Path("/proc/self/mountinfo").read_text()
        assert str(mount.path) not in Path(f"/proc/{os.getppid()}/mountinfo").read_text()


def drop_caches_as_another_process():
    subprocess.run(["sh", "-c", "echo 2 >/proc/sys/vm/drop_caches"], check=True)


def fails_once(calls, meanwhile):
    calls.append(None)
    meanwhile()
    assert len(calls) > 1


def test_counts_again_when_caches_were_dropped():
    calls, cleaned = [], []
    caches.count_undisturbed(lambda: fails_once(calls, drop_caches_as_another_process), lambda: cleaned.append(None))
    assert (len(calls), len(cleaned)) == (2, 1)


class WitnessOf:
    """A page_cache.Witness that has lost as many pages as a test says."""

    def __init__(self, lost):
        self.lost = lambda: lost

    def fill(self):
        pass


def test_counts_again_when_the_kernel_took_idle_pages():
    calls = []
    caches.count_undisturbed(lambda: fails_once(calls, lambda: None), witness=WitnessOf(1))
    assert len(calls) == 2


def test_a_witness_sees_pages_leave():
    if subprocess.check_output(["stat", "-fc%T", tempfile.gettempdir()], text=True) == "tmpfs\n":
        pytest.skip("pages of a tmpfs do not leave")
    witness = page_cache.Witness()
    witness.fill()
    os.posix_fadvise(witness._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert witness.lost() > witness.PAGES / 2
    witness.fill()
    assert witness.lost() < witness.PAGES / 2


def test_held_pages_stay(tmp_path):
    path = tmp_path / "f"
    with page_cache.Held() as held, open(path, "wb") as f:
        f.write(bytes(8 * 4096))
        f.flush()
        os.fsync(f.fileno())
        held.add(path)
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        assert held.resident() == 8


@pytest.mark.parametrize("meanwhile", [lambda: None, caches.drop_inodes], ids=["nothing", "we"])
def test_a_failure_without_a_disturbance_stays_one(meanwhile):
    calls = []
    before = caches.dropped_by_others()
    with pytest.raises(AssertionError):
        caches.count_undisturbed(lambda: fails_once(calls, meanwhile), witness=WitnessOf(0))
    # Another process may have dropped the caches just now.
    assert len(calls) == 1 or caches.dropped_by_others() != before


def test_does_not_count_for_ever():
    calls = []

    def always_fails():
        calls.append(None)
        drop_caches_as_another_process()
        raise AssertionError

    with pytest.raises(AssertionError):
        caches.count_undisturbed(always_fails, most=3)
    assert len(calls) == 3


@pytest.mark.counts
def test_marked_tests_count_again(tmp_path):
    """The hook in conftest.py: the second run finds its folder empty."""
    assert not list(tmp_path.iterdir())
    _runs.append(None)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").touch()
    if len(_runs) == 1:
        drop_caches_as_another_process()
    assert len(_runs) == 2


_runs = []
