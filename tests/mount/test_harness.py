"""What the mount tests rest on: mounts that nobody else gets a copy of, and counts that notice dropped caches."""

import os
import subprocess
from pathlib import Path

import pytest

import caches
import golden
from mounts import mounted

FILE = golden.get("tiny.groupsize7-zstd1.array_record")


def test_nobody_else_sees_a_mount():
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


@pytest.mark.parametrize("meanwhile", [lambda: None, caches.drop_inodes], ids=["nothing", "we"])
def test_a_failure_of_our_own_is_one(meanwhile):
    calls = []
    before = caches.dropped_by_others()
    with pytest.raises(AssertionError):
        caches.count_undisturbed(lambda: fails_once(calls, meanwhile))
    # Somebody else may have dropped them just now.
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
