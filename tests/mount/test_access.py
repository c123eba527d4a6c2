"""Access through a mount: no user can read more than at the source, whatever access control lists, closed
directories and planted links there are."""

import errno
import os
import stat
import subprocess

import pytest

from mounts import mounted
from open_tree import ALLOW, GROUP, STRANGER, USER, mode, open_tree, plant, put, reads

# How a file is closed to some users: its group, its mode, its access control list; and the mode of its records.
CLOSED = {
    "mask": (GROUP, 0o640, f"u:{USER}:r--,g::---,m::r--", 0o400),  # the group bits of the mode are the mask
    "user": (GROUP, 0o644, f"u:{USER}:---", 0o400),                # one user is denied, all others are not
    "group": (0, 0o644, f"g:{GROUP}:---", 0o440),                  # its own group may read, whatever others may
    "mode": (GROUP, 0o604, "", 0o404),
    "plain": (GROUP, 0o640, "", 0o440),
}
PEOPLE = [(uid, gid) for uid in (USER, STRANGER) for gid in (GROUP, STRANGER)]


@pytest.fixture
def top():
    with open_tree() as path:
        yield path


def close(path, how):
    group, bits, acl, _ = CLOSED[how]
    os.chown(path, 0, group)
    path.chmod(bits)
    set_acl(path, acl)
    return path


def set_acl(path, acl):
    if acl:
        subprocess.run(["setfacl", "-m", acl, str(path)], check=True, timeout=30)


# ---- rights ------------------------------------------------------------------------------------


def check_rights(directory, source):
    """Checks that the records in @directory and the directory itself are closed to every user to whom @source is
    closed. Without an access control list they are open to exactly the users of @source."""
    _, _, acl, bits = CLOSED[source.name.split(".")[0]]
    record = directory / "0005"
    of_source = {who: reads(source, *who) for who in PEOPLE}
    assert not all(of_source.values())
    assert mode(directory) == bits | bits >> 2
    for who in PEOPLE:
        assert not reads(directory, *who) or of_source[who], who
    assert mode(record) == bits, "after it was opened"
    for who in PEOPLE:
        assert not reads(record, *who) or of_source[who], who
        assert acl or reads(record, *who) == of_source[who], who
    assert record.read_bytes()


@pytest.mark.parametrize("how", list(CLOSED))
def test_no_user_reads_more_than_at_the_source(top, how):
    source = close(put(top / f"{how}.array_record"), how)
    with mounted(source, *ALLOW) as mount:
        check_rights(mount.path, source)


def test_no_user_reads_more_in_a_tree(top):
    sources = [close(put(top / f"{how}.array_record"), how) for how in CLOSED]
    with mounted(top, *ALLOW) as mount:
        for source in sources:
            check_rights(mount / source.name, source)


def test_the_acl_of_a_directory_counts(top):
    (top / "sub").mkdir()
    put(top / "sub" / "b.array_record")
    set_acl(top / "sub", f"u:{USER}:---")
    assert not reads(top / "sub" / "b.array_record")
    with mounted(top, *ALLOW) as mount:
        assert mode(mount.path / "sub") == 0o500
        assert not reads(mount.path / "sub" / "b.array_record" / "0000")
        assert reads(mount.path / "a.array_record" / "0000")


@pytest.mark.parametrize("bits", [0o700, 0o711, 0o744, 0o755])
def test_directories_deny_what_the_source_denies(top, bits):
    """A user may be allowed to list a directory but not to enter it."""
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


def test_closed_directory_of_a_merged_tree(top):
    (top / "shut").mkdir(0o700)
    put(top / "shut" / "b.array_record")
    with mounted(top, "--merge", *ALLOW) as mount:
        assert reads(mount / "0000")
        assert not reads(mount / "2500")


# ---- links -------------------------------------------------------------------------------------


def test_planted_links_lead_only_below(top):
    """A user who may write to a directory that root mounts for all users must not reach other files that way."""
    secret = top.parent / "secret"
    secret.mkdir(0o700)
    put(secret / "s.array_record")
    theirs = {"theirs.array_record": "../secret/s.array_record", "theirs": "../secret", "theirs-absolute": secret}
    for name, target in theirs.items():
        plant(top / name, target)
    plant(top / "within.array_record", "a.array_record")
    (top / "ours.array_record").symlink_to("../secret/s.array_record")
    with mounted(top, *ALLOW) as mount:
        assert sorted(os.listdir(mount.path)) == ["a.array_record", "ours.array_record", "within.array_record"]
        assert reads(mount / "within.array_record/0001", STRANGER)
        # Root's link leads there, but through a directory that is closed.
        assert (mount / "ours.array_record/0001").read_bytes()
        assert not reads(mount / "ours.array_record/0001", STRANGER)
        for name in theirs:
            line = f"{top}/{name}: a link of another user leads out"
            assert len(mount.log_lines(line, ", left out")) == 1, mount.log()
            assert mount.stderr().count(line) == 1


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
        assert caught.value.errno == errno.EIO
        assert len(mount.log_lines("b.array_record", "a link of another user leads out")) == 1
        assert stat.S_ISDIR(os.stat(mount.path / "b.array_record").st_mode)
        with pytest.raises(OSError) as caught:
            (mount.path / "a.array_record" / "2400").read_bytes()
        assert caught.value.errno == errno.ESTALE


def test_link_into_a_private_directory(top):
    """Every user may enter the link's directory, but not the one that it leads to."""
    (top / "private").mkdir(0o700)
    put(top / "private" / "p.array_record")
    plant(top / "p.array_record", "private/p.array_record")
    assert not reads(top / "p.array_record")
    with mounted(top, *ALLOW) as mount:
        assert mode(mount.path / "p.array_record") == 0o500
        assert not reads(mount.path / "p.array_record" / "0000")
        assert mode(mount.path / "p.array_record" / "0000") == 0o400
