"""Trees with faults: mounts of other users, files and directories that cannot be opened or read, links in circles, sets
of shards with holes. An unreadable directory is left out, a file that cannot be opened is a directory, the rest is
mounted; --strict refuses to mount."""

import errno
import os
import shutil
import stat
import subprocess

import pytest

import mounts
from mounts import SLOW, arec, mount_fails, mounted
from open_tree import STRANGER, TINY, USER, open_tree, plant, put


@pytest.fixture
def top():
    with open_tree() as path:
        yield path


@pytest.fixture
def at(top):
    """A mount point for mounts that fail."""
    path = top.parent / "mnt"
    path.mkdir()
    return path


# ---- what cannot be read -----------------------------------------------------------------------


def test_unreadable_directory_is_left_out_for_root(top, at, monkeypatch):
    """Root without the capabilities to read everything cannot enter another user's directory."""
    (top / "lost+found").mkdir(mode=0o700)
    os.chown(top / "lost+found", STRANGER, STRANGER)
    wrapper = top.parent / "arecfs"
    wrapper.write_text(f'#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search {mounts.ARECFS} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(mounts, "ARECFS", str(wrapper))
    line = f"{top}/lost+found: Permission denied, left out"
    with mounted(top) as mount:
        assert os.listdir(mount.path) == ["a.array_record"]
        assert mount.stderr() == f"arecfs: {line}\n"
        assert len(mount.log_lines(line)) == 1
    mount_fails(top, "--strict", code=3, at=at, contains=["lost+found: Permission denied"])
    mount_fails(top / "lost+found", code=3, at=at, contains=["Permission denied"])


def test_unreadable_directory_is_left_out_for_a_user(top):
    """Any directory may be closed to a user who is not root."""
    (top / "lost+found").mkdir(0o700)
    put(top / "lost+found" / "b.array_record")
    done = subprocess.run([os.environ["AREC_BIN"], "verify", str(top)], capture_output=True,
                          text=True, user=USER, group=USER, extra_groups=[], cwd="/",
                          timeout=60 * SLOW)
    assert done.returncode == 3 and f"{top}/a.array_record: ok" in done.stdout
    assert done.stderr == f"arec: {top}/lost+found: Permission denied\n"


@pytest.fixture
def broken(top):
    """A directory with one file of each kind that cannot be opened."""
    (top / "gone.array_record").symlink_to("nowhere")
    (top / "loop.array_record").symlink_to("loop.array_record")
    (top / "zero.array_record").touch()
    (top / "text.array_record").write_bytes(b"text\n" * 5000)
    return top


BROKEN = ["gone.array_record", "loop.array_record", "text.array_record", "zero.array_record"]


def test_files_that_cannot_be_opened_have_attributes(broken):
    with mounted(broken) as mount:
        for command in (["ls", "-l"], ["find", "-maxdepth", "1", "-size", "-1"], ["stat"]):
            paths = [mount.path] if command[0] != "stat" else [mount.path / n for n in BROKEN]
            command = [command[0], *map(str, paths), *command[1:]] if command[0] == "find" else [
                *command, *map(str, paths)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stderr) == (0, "")
        assert sorted(os.listdir(mount.path)) == sorted([*BROKEN, "a.array_record"])
        for name in BROKEN:
            assert stat.S_ISDIR(os.stat(mount.path / name).st_mode)
            for _ in range(2):
                with pytest.raises(OSError) as caught:
                    os.listdir(mount.path / name)
                assert caught.value.errno == errno.EIO, name
            assert len(mount.log_lines(str(broken / name))) == 1, mount.log()
        TINY.check(5, (mount.path / "a.array_record" / "0005").read_bytes())


def test_files_deleted_since_the_mount_have_attributes(top):
    (top / "s" / "t").mkdir(parents=True)
    gone = [put(path).relative_to(top) for path in (top / "b.array_record", top / "s" / "c.array_record",
                                                    top / "s" / "t" / "d.array_record")]
    with mounted(top) as mount:
        (top / "b.array_record").unlink()
        shutil.rmtree(top / "s")
        assert sorted(os.listdir(mount.path)) == ["a.array_record", "b.array_record", "s"]
        for path in (mount.path / "s", mount.path / "s" / "t"):
            assert stat.S_ISDIR(os.stat(path).st_mode)
        for name in gone:
            assert stat.S_ISDIR(os.stat(mount.path / name).st_mode)
            for inside in (os.listdir, lambda path: os.stat(path / "0005")):
                with pytest.raises(OSError) as caught:
                    inside(mount.path / name)
                assert caught.value.errno == errno.EIO, name
            assert len(mount.log_lines(name.name)) == 1, mount.log()
        TINY.check(5, (mount.path / "a.array_record" / "0005").read_bytes())


@pytest.mark.parametrize("name, option", [*zip(BROKEN, [["--strict"], ["-o", "strict"]] * 2),
                                          ("theirs.array_record", ["--strict"])])
def test_strict_opens_everything(broken, at, name, option):
    plant(broken / "theirs.array_record", "/etc/passwd")
    for other in (*BROKEN, "theirs.array_record"):
        if other != name:
            (broken / other).unlink()
    mount_fails(broken, *option, code=3, at=at,
                contains=[broken / name, "another user" if name.startswith("theirs") else ""])
    (broken / name).unlink()
    with mounted(broken, *option) as mount:
        assert os.listdir(mount.path) == ["a.array_record"]


def test_links_upwards_have_an_end(top):
    (top / "sub").mkdir()
    (top / "sub" / "up").symlink_to("..")
    (top / "sub" / "self").symlink_to(".")
    (top / "sub" / "absolute").symlink_to(top)
    with mounted(top) as mount:
        assert os.listdir(mount.path) == ["a.array_record"]
        assert mount.log_lines("left out") == []


def test_mounts_of_others_and_dead_ones_are_left_out(top, at):
    """Another user's FUSE mount denies even root, a dead one fails at once."""
    for name in ("foreign", "dead"):
        (top / name).mkdir()
    os.chown(top / "foreign", STRANGER, STRANGER)
    fds = []
    try:
        for name, uid in (("foreign", STRANGER), ("dead", 0)):
            fd = os.open("/dev/fuse", os.O_RDWR)
            fds.append(fd)
            subprocess.run(["mount", "-i", "-t", "fuse", "-o",
                            f"fd={fd},rootmode=40000,user_id={uid},group_id={uid}", "test",
                            str(top / name)], check=True, pass_fds=[fd], timeout=30)
        os.close(fds.pop())
        with mounted(top) as mount:
            assert os.listdir(mount.path) == ["a.array_record"]
            for name in ("foreign", "dead"):
                assert len(mount.log_lines(str(top / name), "left out")) == 1, mount.log()
        mount_fails(top, "--strict", code=3, at=at)
        mount_fails(top / "dead", code=1, at=at, contains=["dead"])
    finally:
        for name in ("foreign", "dead"):
            subprocess.run(["umount", "-l", str(top / name)], check=False, capture_output=True)
        for fd in fds:
            os.close(fd)


# ---- sets of shards ----------------------------------------------------------------------------


@pytest.fixture
def holey(top):
    (top / "a.array_record").unlink()
    for i in (0, 1, 2, 4):
        put(top / f"t.array_record-{i:05d}-of-00005")
    return top


HOLE = "1 shard is missing: t.array_record-00003-of-00005"


@pytest.mark.parametrize("form", ["glob", "directory", "merge"])
def test_a_hole_in_a_set_is_reported(holey, at, form):
    options, source = {"glob": ([], f"{holey}/t*"), "directory": ([], holey), "merge": (["--merge"], f"{holey}/t*")}[form]
    missing = f"{holey}/t.array_record-?????-of-00005: {HOLE}"
    with mounted(source, *options) as mount:
        assert mount.stderr() == f"arecfs: {missing}\n"
        assert len(mount.log_lines(missing)) == 1
    mount_fails(source, "--strict", *options, code=3, at=at, contains=[missing])
    put(holey / "t.array_record-00003-of-00005")
    with mounted(source, "--strict", *options) as mount:
        assert mount.stderr() == ""
    put(holey / "t.array_record-00000-of-00006")
    with mounted(source, *options) as mount:
        assert "shards of several sets: 5 of 00005, 1 of 00006" in mount.stderr()


def test_one_shard_alone_is_not_reported(holey):
    with mounted(holey / "t.array_record-00001-of-00005", "--strict") as mount:
        assert "missing" not in mount.stderr() + mount.log()


def test_verify_reports_holes_and_totals(holey):
    put(holey / "t.array_record-00000-of-00006")
    _, err = arec("verify", *sorted(holey.iterdir()))
    assert HOLE in err and "shards of several sets: 4 of 00005, 1 of 00006" in err
