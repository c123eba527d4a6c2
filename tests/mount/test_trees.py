"""Trees as they are: mounts of others, links, directories that deny; what lists and links allow to a second user."""

import errno
import os
import shutil
import stat
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

import golden
from mounts import SLOW, arec, mount_fails, mounted

TINY = golden.get("tiny.groupsize7-zstd1.array_record")
GROUP, USER, STRANGER = 4701, 4702, 4703
ALLOW = ("-o", "allow_other")


@pytest.fixture
def top():
    """A directory with one good file, to which every user can go."""
    path = Path(tempfile.mkdtemp(prefix="arecfs-access-"))
    path.chmod(0o755)
    (path / "d").mkdir()
    put(path / "d" / "a.array_record")
    yield path / "d"
    shutil.rmtree(path)


def put(path, mode=0o644, uid=0, gid=0):
    shutil.copy(TINY.path, path)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def plant(path, target, uid=STRANGER):
    os.symlink(target, path)
    os.lchown(path, uid, uid)


def set_acl(path, *entries):
    """@entries: (tag, rwx, id)."""
    value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, rights, number & 0xffffffff)
                                            for tag, rights, number in entries)
    os.setxattr(path, "system.posix_acl_access", value)


def reads(path, uid=USER, gid=STRANGER, groups=()):
    """Whether that user may read @path, a file or a directory."""
    command = ["ls", "-U"] if path.is_dir() else ["cat"]
    return subprocess.run([*command, str(path)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, user=uid, group=gid, extra_groups=groups,
                          timeout=30 * SLOW, cwd="/").returncode == 0


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


# ---- access control lists ----------------------------------------------------------------------

USER_OBJ, NAMED, GROUP_OBJ, MASK, OTHER = 1, 2, 4, 16, 32


@pytest.mark.parametrize("in_directory", [False, True])
def test_who_the_list_denies_does_not_read(top, in_directory):
    """The group's bits of the mode are the mask; a named user may have less than others."""
    file = top / "a.array_record"
    os.chown(file, 0, GROUP)
    for entries, ids in [
            ([(USER_OBJ, 6, -1), (NAMED, 4, USER), (GROUP_OBJ, 0, -1), (MASK, 4, -1),
              (OTHER, 0, -1)], (STRANGER, GROUP)),
            ([(USER_OBJ, 6, -1), (NAMED, 0, USER), (GROUP_OBJ, 4, -1), (MASK, 4, -1),
              (OTHER, 4, -1)], (USER, STRANGER))]:
        set_acl(file, *entries)
        assert not reads(file, *ids)
        with mounted(top if in_directory else file, *ALLOW) as mount:
            directory = mount.path / "a.array_record" if in_directory else mount.path
            assert mode(directory) == 0o500
            assert not reads(directory, *ids)
            assert mode(directory / "0005") == 0o400, "after it was opened"
            assert not reads(directory / "0005", *ids)


def test_the_list_of_a_directory_counts(top):
    (top / "sub").mkdir()
    put(top / "sub" / "b.array_record")
    set_acl(top / "sub", (USER_OBJ, 7, -1), (NAMED, 0, USER), (GROUP_OBJ, 5, -1), (MASK, 5, -1),
            (OTHER, 5, -1))
    assert not reads(top / "sub" / "b.array_record")
    with mounted(top, *ALLOW) as mount:
        assert mode(mount.path / "sub") == 0o500
        assert not reads(mount.path / "sub" / "b.array_record" / "0000")
        assert reads(mount.path / "a.array_record" / "0000")


@pytest.mark.parametrize("bits", [0o700, 0o711, 0o744, 0o755])
def test_directories_deny_what_the_source_denies(top, bits):
    """Who may list one need not be who may enter it."""
    (top / "sub").mkdir()
    put(top / "sub" / "b.array_record")
    (top / "sub").chmod(bits)
    with mounted(top, *ALLOW) as mount:
        assert mode(mount.path / "sub") == bits & 0o555
        record = mount.path / "sub" / "b.array_record" / "0000"
        assert reads(record) == reads(top / "sub" / "b.array_record") == bool(bits & 1)
    top.chmod(bits)
    with mounted(top, *ALLOW) as mount:
        assert reads(mount.path / "a.array_record" / "0000") == bool(bits & 1)


# ---- links -------------------------------------------------------------------------------------


def test_planted_links_lead_only_below(top):
    secret = top.parent / "secret"
    secret.mkdir(0o700)
    put(secret / "s.array_record")
    plant(top / "up.array_record", "../secret/s.array_record")
    plant(top / "updir", secret)
    plant(top / "near.array_record", "a.array_record")
    with mounted(top, *ALLOW) as mount:
        assert sorted(os.listdir(mount.path)) == ["a.array_record", "near.array_record"]
        assert reads(mount.path / "near.array_record" / "0000", STRANGER)
        for name in ("up.array_record", "updir"):
            assert len(mount.log_lines(f"{top / name}: ", ", left out")) == 1, mount.log()
    mount_point = top.parent / "mnt"
    mount_point.mkdir()
    mount_fails(top, "--strict", code=3, at=mount_point, contains=["another user"])


def test_link_put_in_the_place_of_a_file(top):
    """After the scan, before the file is opened; and before it is opened again."""
    secret = put(top.parent / "s.array_record", 0o600)
    put(top / "b.array_record")
    with mounted(top, *ALLOW) as mount:
        (mount.path / "a.array_record" / "0000").read_bytes()
        for name in ("a.array_record", "b.array_record"):
            (top / name).unlink()
            plant(top / name, secret)
        assert not reads(mount.path / "b.array_record")
        with pytest.raises(OSError) as caught:
            os.listdir(mount.path / "b.array_record")
        assert caught.value.errno in (errno.EIO, errno.ESTALE)
        assert stat.S_ISDIR(os.stat(mount.path / "b.array_record").st_mode)
        with pytest.raises(OSError) as caught:
            (mount.path / "a.array_record" / "2400").read_bytes()
        assert caught.value.errno == errno.ESTALE


def test_link_into_a_private_directory(top):
    """The link is where everybody may be, what it leads to is not."""
    (top / "private").mkdir(0o700)
    put(top / "private" / "p.array_record")
    plant(top / "p.array_record", "private/p.array_record")
    assert not reads(top / "p.array_record")
    with mounted(top, *ALLOW) as mount:
        assert mode(mount.path / "p.array_record") == 0o500
        assert not reads(mount.path / "p.array_record" / "0000")
        assert mode(mount.path / "p.array_record" / "0000") == 0o400


# ---- what cannot be read -----------------------------------------------------------------------


@pytest.fixture
def broken(top):
    """One of each that cannot be opened."""
    (top / "gone.array_record").symlink_to("nowhere")
    (top / "loop.array_record").symlink_to("loop.array_record")
    (top / "zero.array_record").touch()
    (top / "text.array_record").write_bytes(b"text\n" * 5000)
    return top


BROKEN = ["gone.array_record", "loop.array_record", "text.array_record", "zero.array_record"]


def test_what_cannot_be_opened_can_be_looked_at(broken):
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
            assert len(mount.log_lines(name)) == 1, mount.log()
        TINY.check(5, (mount.path / "a.array_record" / "0005").read_bytes())


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("option", [["--strict"], ["-o", "strict"]], ids=" ".join)
def test_strict_opens_everything(broken, name, option):
    for other in BROKEN:
        if other != name:
            (broken / other).unlink()
    at = broken.parent / "mnt"
    at.mkdir()
    mount_fails(broken, *option, code=3, at=at, contains=[name])
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


def test_mounts_of_others_and_dead_ones_are_left_out(top):
    """Another user's FUSE mount denies even root, a dead one fails at once."""
    for name in ("foreign", "dead"):
        (top / name).mkdir()
    os.chown(top / "foreign", STRANGER, STRANGER)
    at = top.parent / "mnt"
    at.mkdir()
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


def test_unreadable_directory_is_left_out_for_a_user(top):
    """As somebody who is not root, for whom a directory can be unreadable."""
    (top / "lost+found").mkdir(0o700)
    put(top / "lost+found" / "b.array_record")
    done = subprocess.run([os.environ["AREC_BIN"], "verify", str(top)], capture_output=True,
                          text=True, user=USER, group=USER, extra_groups=[], cwd="/",
                          timeout=60 * SLOW)
    assert done.returncode == 3 and f"{top}/a.array_record: ok" in done.stdout
    assert done.stderr == f"arec: {top}/lost+found: Permission denied\n"


# ---- sets of shards ----------------------------------------------------------------------------


@pytest.fixture
def holey(top):
    (top / "a.array_record").unlink()
    for i in (0, 1, 2, 4):
        put(top / f"t.array_record-{i:05d}-of-00005")
    return top


HOLE = "1 shard is missing: t.array_record-00003-of-00005"


def test_one_shard_alone_is_what_was_wanted(holey):
    with mounted(holey / "t.array_record-00001-of-00005", "--strict") as mount:
        assert "missing" not in mount.stderr() + mount.log()


def test_verify_tells_holes_and_totals(holey):
    put(holey / "t.array_record-00000-of-00006")
    _, err = arec("verify", *sorted(holey.iterdir()))
    assert HOLE in err and "shards of several sets: 4 of 00005, 1 of 00006" in err
