"""Every call that would change something fails with EROFS, also for root."""

import errno
import fcntl
import os
import socket
import stat

import pytest

import golden
import oracle
from mounts import mounted

FILE = golden.get("text.groupsize100-brotli6.array_record")
RECORD = "042"


@pytest.fixture(scope="module")
def mount():
    with mounted(FILE.path) as mounted_file:
        yield mounted_file


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    top = tmp_path_factory.mktemp("top")
    (top / "sub").mkdir()
    oracle.write(top / "sub" / "a.array_record", [b"one", b"two"])
    with mounted(top) as mounted_tree:
        yield mounted_tree


def refused(call, *arguments, **options):
    with pytest.raises(OSError) as caught:
        call(*arguments, **options)
    assert caught.value.errno == errno.EROFS, (call, arguments, caught.value)


def test_the_mount_is_ro(mount):
    info = mount.info()
    assert "ro" in info["options"] and "rw" not in info["options"]
    assert "ro" in info["super"] and "rw" not in info["super"]
    assert info["type"].startswith("fuse")
    assert {"nosuid", "nodev"} <= set(info["options"])
    assert os.statvfs(mount.path).f_flag & os.ST_RDONLY


@pytest.mark.parametrize("name", [RECORD, "42", ".arecfs/stats.json", ".arecfs/metrics"])
@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND,
                                   os.O_RDONLY | os.O_TRUNC, os.O_WRONLY | os.O_TRUNC,
                                   os.O_WRONLY | os.O_CREAT, os.O_RDWR | os.O_DIRECT])
def test_open_for_writing(mount, name, flags):
    refused(os.open, mount.path / name, flags, 0o644)


@pytest.mark.parametrize("name", ["new", "700", "0700", "9999999", "x.txt", ".arecfs/new"])
def test_create(mount, name):
    path = mount.path / name
    refused(os.open, path, os.O_WRONLY | os.O_CREAT, 0o644)
    refused(os.open, path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    refused(os.mkdir, path)
    refused(os.mknod, path, stat.S_IFREG | 0o644)
    refused(os.mknod, path, stat.S_IFIFO | 0o644)
    refused(os.mknod, path, stat.S_IFCHR | 0o644, os.makedev(1, 3))
    refused(os.symlink, "target", path)
    refused(os.link, mount.path / RECORD, path)
    refused(os.rename, mount.path / RECORD, path)
    server = socket.socket(socket.AF_UNIX)
    refused(server.bind, str(path))
    server.close()


def test_temporary_file(mount):
    refused(os.open, mount.path, os.O_TMPFILE | os.O_RDWR, 0o600)


@pytest.mark.parametrize("name", [RECORD, "42", ".arecfs/stats.json"])
def test_change_of_a_file(mount, name):
    path = mount.path / name
    refused(os.unlink, path)
    refused(os.rename, path, mount.path / "043")
    refused(os.rename, mount.path / "043", path)
    refused(os.truncate, path, 0)
    refused(os.truncate, path, 1 << 20)
    refused(os.chmod, path, 0o777)
    refused(os.chown, path, 1, 1)
    refused(os.chown, path, -1, 2, follow_symlinks=False)
    refused(os.utime, path)
    refused(os.utime, path, (1, 2))
    refused(os.utime, path, (1, 2), follow_symlinks=False)
    refused(os.setxattr, path, "user.new", b"x")
    refused(os.setxattr, path, "user.arec.record", b"0")
    refused(os.setxattr, path, "trusted.new", b"x")
    refused(os.removexattr, path, "user.new")
    refused(os.removexattr, path, "user.arec.record")
    assert not os.access(path, os.W_OK) and os.access(path, os.R_OK)


def test_change_through_a_descriptor(mount):
    fd = os.open(mount.path / RECORD, os.O_RDONLY)
    try:
        refused(os.fchmod, fd, 0o777)
        refused(os.fchown, fd, 1, 1)
        refused(os.utime, fd, (1, 2))
        refused(os.setxattr, fd, "user.new", b"x")
        refused(os.removexattr, fd, "user.new")
        # A descriptor that cannot be opened for writing is refused before the file system is asked.
        for call, number in ((lambda: os.write(fd, b"x"), errno.EBADF),
                             (lambda: os.pwrite(fd, b"x", 0), errno.EBADF),
                             (lambda: os.ftruncate(fd, 0), errno.EINVAL),
                             (lambda: os.posix_fallocate(fd, 0, 10), errno.EBADF)):
            with pytest.raises(OSError) as caught:
                call()
            assert caught.value.errno == number
        with pytest.raises(OSError):
            fcntl.ioctl(fd, 0x40086602, bytes(8))  # FS_IOC_SETFLAGS
        FILE.check(int(RECORD), os.pread(fd, 1 << 20, 0))
    finally:
        os.close(fd)


@pytest.mark.parametrize("name", ["", "sub", "sub/a.array_record", ".arecfs"])
def test_change_of_a_directory(tree, name):
    path = tree.path / name
    refused(os.chmod, path, 0o777)
    refused(os.chown, path, 1, 1)
    refused(os.utime, path, (1, 2))
    refused(os.setxattr, path, "user.new", b"x")
    refused(os.removexattr, path, "user.arec.records")
    assert not os.access(path, os.W_OK) and os.access(path, os.R_OK | os.X_OK)
    for call in (os.mkdir, lambda p: os.mknod(p, stat.S_IFREG | 0o644)):
        refused(call, path / "new")
    if name:
        refused(os.rmdir, path)
        refused(os.rename, path, tree.path / "moved")


def test_nothing_was_changed(mount, tree):
    """Must be the last test of the file: after all attempts both trees are as they were."""
    assert sorted(os.listdir(mount.path)) == FILE.names()
    for number, name in enumerate(FILE.names()):
        FILE.check(number, (mount.path / name).read_bytes())
    assert os.stat(mount.path / RECORD).st_mtime_ns == os.stat(FILE.path).st_mtime_ns
    assert (tree.path / "sub" / "a.array_record" / "1").read_bytes() == b"two"
    assert os.listdir(tree.path) == ["sub"]
    assert mount.server_is_running() and tree.server_is_running()
