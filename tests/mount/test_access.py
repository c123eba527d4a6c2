"""Who may read what through a mount: nobody more than at the source. And trees as they are: what cannot be read or
opened is left out or stands there as a directory, and the rest is mounted."""

import errno
import os
import shutil
import subprocess

import pytest

import mounts
import oracle
from mounts import mount_fails, mounted

NOBODY = 65534
DAEMON = 1
GROUP = 60
RECORDS = [b"%d" % i for i in range(5)]


def write(path, records=RECORDS):
    path.parent.mkdir(parents=True, exist_ok=True)
    return oracle.write(path, records, "group_size:2")


@pytest.fixture
def folder(tmp_path):
    """A directory that everybody may enter."""
    path = tmp_path
    while path != path.parent and path.stat().st_uid == os.geteuid() and path.name:
        path.chmod(path.stat().st_mode | 0o055)
        path = path.parent
        if str(path) == "/tmp":
            break
    return tmp_path


def may_read(path, uid, gid):
    """Whether a process of @uid and @gid, in no other group, can read @path."""
    done = subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "cat", str(path)],
                          capture_output=True, timeout=30)
    assert done.returncode == 0 or b"Permission denied" in done.stderr, done.stderr
    return done.returncode == 0


def at_of(folder):
    """A mount point for mounts that fail."""
    at = folder / "mnt"
    at.mkdir(exist_ok=True)
    return at


# ---- rights -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, acl", [
    (0o640, "u:daemon:r--,g::---,m::r--"),  # the group bits of the mode are the mask
    (0o644, "u:daemon:---"),                # one of all others is denied
    (0o644, f"g:{GROUP}:---"),
    (0o604, ""),
    (0o640, ""),
], ids=["mask", "user", "group", "mode", "plain"])
def test_nobody_reads_more_than_at_the_source(folder, mode, acl):
    source = write(folder / "s.array_record")
    os.chown(source, 0, GROUP)
    source.chmod(mode)
    if acl:
        done = subprocess.run(["setfacl", "-m", acl, str(source)], capture_output=True, text=True)
        if "not supported" in done.stderr:
            pytest.skip("the file system of the test has no ACLs")
        assert done.returncode == 0, done.stderr
    people = [(NOBODY, NOBODY), (NOBODY, GROUP), (DAEMON, NOBODY), (DAEMON, GROUP)]
    with mounted(source, "-o", "allow_other") as mount:
        for uid, gid in people:
            assert not may_read(mount / "1", uid, gid) or may_read(source, uid, gid), (uid, gid)
        if not acl:
            for uid, gid in people:
                assert may_read(mount / "1", uid, gid) == may_read(source, uid, gid), (uid, gid)
        assert (mount / "1").read_bytes() == RECORDS[1]


@pytest.mark.parametrize("merge", [[], ["--merge"]], ids=["tree", "merged"])
def test_directories_of_a_tree_are_as_closed_as_at_the_source(folder, merge):
    top = folder / "top"
    write(top / "open" / "a.array_record")
    write(top / "shut" / "b.array_record")
    (top / "shut").chmod(0o700)
    with mounted(top, *merge, "-o", "allow_other") as mount:
        if merge:
            assert may_read(mount / "0", NOBODY, NOBODY)
            assert not may_read(mount / "7", NOBODY, NOBODY)
        else:
            assert may_read(mount / "open/a.array_record/0", NOBODY, NOBODY)
            assert not may_read(mount / "shut/b.array_record/0", NOBODY, NOBODY)


def test_links_that_a_user_plants_are_not_followed_out(folder):
    """Somebody who may write to a directory that root mounts for all must not get at other files by that."""
    top, secret = folder / "top", folder / "secret"
    write(top / "a.array_record")
    write(secret / "s.array_record")
    secret.chmod(0o700)
    (top / "theirs.array_record").symlink_to("../secret/s.array_record")
    (top / "theirs").symlink_to("../secret")
    (top / "within.array_record").symlink_to("a.array_record")
    for name in ("theirs.array_record", "theirs", "within.array_record"):
        os.chown(top / name, NOBODY, NOBODY, follow_symlinks=False)
    (top / "ours.array_record").symlink_to("../secret/s.array_record")
    with mounted(top, "-o", "allow_other") as mount:
        assert sorted(os.listdir(mount.path)) == ["a.array_record", "ours.array_record", "within.array_record"]
        assert may_read(mount / "within.array_record/1", NOBODY, NOBODY)
        # A link of root's leads there, but the directory that it leads through is closed.
        assert (mount / "ours.array_record/1").read_bytes() == RECORDS[1]
        assert not may_read(mount / "ours.array_record/1", NOBODY, NOBODY)
        for name in ("theirs.array_record", "theirs"):
            assert len(mount.log_lines(f"{top}/{name}: a link of another user leads out")) == 1
            assert mount.stderr().count(f"{top}/{name}: a link of another user leads out") == 1


def test_a_link_that_is_planted_after_the_mount_is_not_followed(folder):
    top, secret = folder / "top", folder / "secret"
    write(top / "a.array_record")
    write(top / "b.array_record")
    write(secret / "s.array_record")
    with mounted(top, "-o", "allow_other") as mount:
        (top / "b.array_record").unlink()
        (top / "b.array_record").symlink_to("../secret/s.array_record")
        os.chown(top / "b.array_record", NOBODY, NOBODY, follow_symlinks=False)
        with pytest.raises(OSError) as failure:
            os.listdir(mount / "b.array_record")
        assert failure.value.errno == errno.EIO
        assert len(mount.log_lines("b.array_record", "a link of another user leads out")) == 1


# ---- what cannot be read ----------------------------------------------------------------------


def test_what_cannot_be_read_is_left_out(folder, monkeypatch):
    """By root without the right to read everything, whom another user's directory is closed to."""
    top = folder / "top"
    write(top / "a.array_record")
    (top / "lost+found").mkdir(mode=0o700)
    os.chown(top / "lost+found", NOBODY, NOBODY)
    wrapper = folder / "arecfs"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search {mounts.ARECFS} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(mounts, "ARECFS", str(wrapper))
    line = f"{top}/lost+found: Permission denied, left out"
    with mounted(top) as mount:
        assert os.listdir(mount.path) == ["a.array_record"]
        assert mount.stderr() == f"arecfs: {line}\n"
        assert len(mount.log_lines(line)) == 1
    mount_fails(top, "--strict", code=3, at=at_of(folder), contains=["lost+found: Permission denied"])
    mount_fails(top / "lost+found", code=3, at=at_of(folder), contains=["Permission denied"])


def test_what_cannot_be_opened_is_a_directory(folder):
    top = folder / "top"
    write(top / "a.array_record")
    (top / "gone.array_record").symlink_to("nowhere")
    (top / "loop.array_record").symlink_to("loop.array_record")
    (top / "empty.array_record").touch()
    with mounted(top) as mount:
        names = ["a.array_record", "empty.array_record", "gone.array_record", "loop.array_record"]
        done = subprocess.run(["ls", "-l", str(mount.path)], capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stderr) == (0, "")
        assert sorted(os.listdir(mount.path)) == names
        for name in names[1:]:
            assert (mount / name).is_dir()
            for _ in range(2):
                with pytest.raises(OSError) as failure:
                    os.listdir(mount / name)
                assert failure.value.errno == errno.EIO
            assert len(mount.log_lines(str(top / name))) == 1
        assert len(os.listdir(mount / "a.array_record")) == len(RECORDS)


def test_strict(folder):
    top, at = folder / "top", folder / "mnt"
    at.mkdir()
    write(top / "a.array_record")
    with mounted(top, "--strict"):
        pass
    (top / "gone.array_record").symlink_to("nowhere")
    mount_fails(top, "--strict", code=3, at=at, contains=[top / "gone.array_record"])
    mount_fails(top, "-o", "strict", code=3, at=at, contains=[top / "gone.array_record"])
    (top / "gone.array_record").unlink()
    (top / "theirs.array_record").symlink_to("/etc/passwd")
    os.chown(top / "theirs.array_record", NOBODY, NOBODY, follow_symlinks=False)
    mount_fails(top, "--strict", code=3, at=at, contains=[top / "theirs.array_record", "another user"])


# ---- sets of shards ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["glob", "directory", "merge"])
def test_a_hole_in_a_set_is_told(folder, form):
    top, at = folder / "top", folder / "mnt"
    at.mkdir()
    whole = write(folder / "w.array_record")
    top.mkdir()
    for i in (0, 1, 2, 4):
        shutil.copy(whole, top / f"t.array_record-0000{i}-of-00005")
    sources = {"glob": [f"{top}/t*"], "directory": [top], "merge": ["--merge", f"{top}/t*"]}[form]
    missing = f"{top}/t.array_record-?????-of-00005: 1 shard is missing: t.array_record-00003-of-00005"
    with mounted(sources[-1:], *sources[:-1]) as mount:
        assert mount.stderr() == f"arecfs: {missing}\n"
        assert len(mount.log_lines(missing)) == 1
    mount_fails(sources[-1:], "--strict", *sources[:-1], code=3, at=at, contains=[missing])
    shutil.copy(whole, top / "t.array_record-00003-of-00005")
    with mounted(sources[-1:], "--strict", *sources[:-1]) as mount:
        assert mount.stderr() == ""
    shutil.copy(whole, top / "t.array_record-00000-of-00006")
    with mounted(sources[-1:], *sources[:-1]) as mount:
        assert "shards of several sets: 5 of 00005, 1 of 00006" in mount.stderr()
