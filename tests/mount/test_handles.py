"""File handles, as NFS servers and open_by_handle_at () use them, name a record for ever."""

import errno
import hashlib
import os

import pytest

import caches
import golden
import oracle
import syscalls
from mounts import mounted

FILE = golden.get("tiny.groupsize7-zstd1.array_record")
SOME = (0, 1, 42, 1234, 2499)


@pytest.fixture(scope="module", autouse=True)
def permitted(tmp_path_factory):
    """Skips where the two calls are not allowed or not known, with the reason."""
    path = tmp_path_factory.mktemp("probe") / "file"
    path.write_bytes(b"1")
    try:
        handle = syscalls.name_to_handle(path)
        fd = os.open(path.parent, os.O_RDONLY)
        try:
            os.close(syscalls.open_handle(fd, handle))
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP):
            pytest.skip(f"open_by_handle_at: {error.strerror}")
        raise


def read_handle(root, handle):
    with syscalls.opened(root) as mount_fd:
        fd = syscalls.open_handle(mount_fd, handle)
        try:
            return os.pread(fd, 1 << 20, 0), os.fstat(fd).st_ino
        finally:
            os.close(fd)


def names_of(numbers):
    return {number: FILE.names()[number] for number in numbers}


def test_handle_opens_the_record():
    with mounted(FILE.path) as mount:
        for number, name in names_of(SOME).items():
            handle = syscalls.name_to_handle(mount.path / name)
            data, ino = read_handle(mount.path, handle)
            FILE.check(number, data)
            assert ino == os.stat(mount.path / name).st_ino


def test_handles_are_different_and_always_the_same():
    with mounted(FILE.path) as mount:
        handles = [syscalls.name_to_handle(mount.path / name) for name in FILE.names()]
        assert len(set(handles)) == len(handles)
        assert handles == [syscalls.name_to_handle(mount.path / n) for n in FILE.names()]
        assert syscalls.name_to_handle(mount.path / "7") == handles[7]


def test_handle_is_good_after_the_inode_was_forgotten():
    with mounted(FILE.path) as mount:
        handles = {n: syscalls.name_to_handle(mount.path / name)
                   for n, name in names_of(range(0, 2500, 50)).items()}
        for _ in range(3):
            if not caches.drop_inodes():
                pytest.skip("/proc/sys/vm/drop_caches may not be written")
            for number, handle in reversed(handles.items()):
                FILE.check(number, read_handle(mount.path, handle)[0])


def test_handle_is_good_after_a_remount():
    with mounted(FILE.path) as mount:
        handles = {n: syscalls.name_to_handle(mount.path / name)
                   for n, name in names_of(SOME).items()}
        numbers = {n: os.stat(mount.path / name).st_ino for n, name in names_of(SOME).items()}
    with mounted(FILE.path) as mount:
        for number, handle in handles.items():  # before any look-up of a name
            data, ino = read_handle(mount.path, handle)
            FILE.check(number, data)
            assert ino == numbers[number]


def test_handles_of_directories_and_of_records_below(tmp_path):
    for name in ("a.array_record", "d/b.array_record"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        oracle.write(tmp_path / name, [name.encode(), b"second"])
    paths = ["d", "a.array_record", "d/b.array_record", "d/b.array_record/0", "a.array_record/1"]
    handles = {}
    for round_ in range(2):
        with mounted(tmp_path) as mount:
            for path in paths:
                handle = syscalls.name_to_handle(mount.path / path)
                assert handles.setdefault(path, handle) == handle
            if not caches.drop_inodes():
                pytest.skip("/proc/sys/vm/drop_caches may not be written")
            for path, handle in handles.items():
                with syscalls.opened(mount.path) as root:
                    fd = syscalls.open_handle(root, handle)
                try:
                    check_opened(fd, mount, path)
                finally:
                    os.close(fd)


def check_opened(fd, mount, path):
    """Checks that @fd, opened by handle, is what @path names, and that look-ups from there work."""
    assert os.fstat(fd).st_ino == os.stat(mount.path / path).st_ino
    if path == "d/b.array_record":
        assert sorted(os.listdir(fd)) == ["0", "1"]
        with open(os.open("0", os.O_RDONLY, dir_fd=fd), "rb") as below:
            assert below.read() == b"d/b.array_record"
        above = os.open("..", os.O_RDONLY, dir_fd=fd)
        try:
            assert os.listdir(above) == ["b.array_record"]
        finally:
            os.close(above)


def test_handle_of_other_content_is_stale(tmp_path):
    source = oracle.write(tmp_path / "s.array_record", [b"old one", b"old two"])
    with mounted(source) as mount:
        handle = syscalls.name_to_handle(mount.path / "1")
    oracle.write(tmp_path / "new", [b"new one", b"new two", b"new three"])
    os.replace(tmp_path / "new", source)
    with mounted(source) as mount:
        for touch in (False, True):
            if touch:
                assert (mount.path / "1").read_bytes() == b"new two"
            with pytest.raises(OSError) as caught:
                read_handle(mount.path, handle)
            assert caught.value.errno == errno.ESTALE


def is_stale(mount, handle):
    try:
        read_handle(mount.path, handle)
    except OSError as error:
        assert error.errno == errno.ESTALE, error
        return True
    return False


def test_handle_names_a_record_and_not_its_number():
    """The same file with other numbers for its records."""
    with mounted(f"{FILE.path}[0:5]") as mount:
        handle = syscalls.name_to_handle(mount.path / "3")
    with mounted(f"{FILE.path}[100:105]") as mount:
        assert is_stale(mount, handle)
        FILE.check(103, (mount.path / "3").read_bytes())  # the kernel knows the node now
        assert is_stale(mount, handle)
    with mounted(FILE.path) as mount:
        assert is_stale(mount, handle)
    with mounted(f"{FILE.path}[0:5]") as mount:
        FILE.check(3, read_handle(mount.path, handle)[0])


def test_handle_of_a_merged_record_is_stale_in_another_order(tmp_path):
    sources = [oracle.write(tmp_path / name, [b"a", b"b"]) for name in ("x.array_record", "y.array_record")]
    with mounted(sources, "--merge") as mount:
        handle = syscalls.name_to_handle(mount.path / "1")
    with mounted(sources[::-1], "--merge") as mount:
        assert is_stale(mount, handle)
    with mounted(sources, "--merge") as mount:
        assert read_handle(mount.path, handle)[0] == b"b"


def test_handle_of_a_file_mounted_as_another_kind_is_stale(tmp_path):
    """As plain Riegeli, footer and postscript are records too."""
    source = oracle.write(tmp_path / "s.array_record", [b"a", b"b"], "group_size:2")
    with mounted(source) as mount:
        handle = syscalls.name_to_handle(mount.path / "1")
    with mounted(source, "--kind=riegeli") as mount:
        assert is_stale(mount, handle)


def test_handle_of_a_recovered_record_is_stale_elsewhere(tmp_path):
    """A scan numbers the records that it finds, and cannot know whether the footer numbers them in the same way."""
    source = oracle.write(tmp_path / "s.array_record", [b"a", b"b", b"c"])
    sound = source.read_bytes()
    with mounted(source, "--recover") as mount:  # sound: the numbers are the footer's
        handle = syscalls.name_to_handle(mount.path / "1")
    with mounted(source) as mount:
        assert read_handle(mount.path, handle)[0] == b"b"
    times = os.stat(source)
    cut = bytearray(sound)
    cut[-65536:] = bytes(65536)
    source.write_bytes(cut)
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    with mounted(source, "--recover") as mount:
        assert is_stale(mount, handle)
        assert (mount.path / "1").read_bytes() == b"b"
        assert is_stale(mount, handle)


def test_handle_is_good_after_changes_of_no_byte(tmp_path):
    source = oracle.write(tmp_path / "s.array_record", [b"a", b"b", b"c"])
    with mounted(source) as mount:
        handle = syscalls.name_to_handle(mount.path / "1")
        source.chmod(0o440)
        os.link(source, tmp_path / "link")
        assert read_handle(mount.path, handle)[0] == b"b"
    with mounted(source) as mount:
        assert read_handle(mount.path, handle)[0] == b"b"


def test_forged_handles_are_stale():
    with mounted(FILE.path) as mount:
        kind, data = syscalls.name_to_handle(mount.path / "0007")
        for at in range(len(data)):
            for bit in (1, 0x80):
                forged = bytearray(data)
                forged[at] ^= bit
                try:
                    content, _ = read_handle(mount.path, (kind, bytes(forged)))
                except OSError as error:
                    assert error.errno in (errno.ESTALE, errno.ENOENT, errno.EISDIR), error
                else:  # another record of the same file has a handle one bit away
                    assert hashlib.sha256(content).hexdigest() in FILE.sha256
        FILE.check(7, (mount.path / "0007").read_bytes())
        assert mount.server_is_running()
