"""Offloaded indexes: the same tree, one file without a name, and what happens when it cannot be written."""

import contextlib
import errno
import os
import resource
import subprocess

import pytest

import golden
import oracle
from mounts import mount_fails, mounted
from sanitized import sample

pytestmark = pytest.mark.counts

OFFLOADED = "--index-storage-option=offloaded"
ROW = 24  # bytes of a chunk in the file


@pytest.fixture
def at(tmp_path):
    path = tmp_path / "mnt"
    path.mkdir()
    return path


@pytest.fixture
def index_dir(tmp_path):
    path = tmp_path / "index"
    path.mkdir()
    return path


def seen(mount):
    """All that a user sees of a mount, except times of access."""
    found = {}
    for folder, folders, files in os.walk(mount.path):
        for name in [".", *folders, *files]:
            path = os.path.join(folder, name)
            info = os.stat(path)
            content = None
            if name in files:
                with open(path, "rb") as file:
                    content = file.read()
            found[os.path.relpath(path, mount.path)] = (info.st_ino, info.st_mode, info.st_size,
                                                        info.st_mtime_ns, content)
    return found


@pytest.mark.parametrize("file", sample(golden.SIMPLE), ids=lambda g: g.name)
def test_a_file_is_the_same(file, index_dir):
    with mounted(file.path) as mount:
        expected = seen(mount)
        chunks = int(os.getxattr(mount.path, "user.arec.chunks"))
        engine = mount.stats()["engine"]
        assert engine["index_offloaded_bytes"] == 0 and engine["index_reads"] == 0
    with mounted(file.path, OFFLOADED, f"--index-dir={index_dir}") as mount:
        assert seen(mount) == expected
        engine = mount.stats()["engine"]
        assert engine["index_offloaded_bytes"] == ROW * chunks
        assert engine["index_used"] < 256
        assert os.listdir(index_dir) == []
        assert int(os.getxattr(mount.path, "user.arec.chunks")) == chunks
        if file.n_records:
            last = mount.path / file.names()[-1]
            assert int(os.getxattr(last, "user.arec.chunk")) == chunks - 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("shards")
    for i in range(40):
        oracle.write(path / f"{i:02d}.array_record", oracle.text_records(20 + i), f"group_size:{1 + i % 7}")
    return path


@pytest.mark.parametrize("options", [[], ["--merge"]], ids=["tree", "merged"])
def test_a_folder_is_the_same(folder, options):
    with mounted(folder, *options) as mount:
        expected = seen(mount)
    with mounted(folder, *options, OFFLOADED) as mount:
        assert seen(mount) == expected


def test_all_files_share_one_descriptor(folder, index_dir):
    with mounted(folder, "-o", f"index-storage-option=offloaded,index-dir={index_dir}") as mount:
        seen(mount)
        targets = [os.readlink(f"/proc/{mount.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{mount.pid}/fd")]
        inside = [target for target in targets if target.startswith(str(index_dir))]
        assert len(inside) == 1 and inside[0].endswith("(deleted)")
        assert os.listdir(index_dir) == []


def test_a_stat_is_one_read_and_a_read_another(tmp_path):
    records = oracle.text_records(3000, maximum=20)
    path = oracle.write(tmp_path / "s.array_record", records, "group_size:1")
    names = golden.record_names(3000)
    order = range(0, 3000, 10)
    with mounted(path, OFFLOADED, "--readahead-buffer-size=0") as mount:
        before = mount.stats()["engine"]["index_reads"]
        for i in order:
            os.stat(mount.path / names[i])
        assert mount.stats()["engine"]["index_reads"] == before + 300
        for i in order:
            assert (mount.path / names[i]).read_bytes() == records[i]
        assert mount.stats()["engine"]["index_reads"] == before + 600


def test_the_folder_may_be_covered_by_the_mount(folder, tmp_path):
    """The file is made before the mount, so it is not looked for inside it."""
    at = tmp_path / "covered"
    at.mkdir()
    with mounted(folder, OFFLOADED, f"--index-dir={at}", at=at) as mount:
        assert len(seen(mount)) > 800


def test_unusable_folder(tmp_path, at):
    file = golden.get("text.default.array_record").path
    absent = tmp_path / "absent"
    mount_fails(file, OFFLOADED, f"--index-dir={absent}", code=3, at=at, contains=[absent])
    # It is not needed when indexes fit into memory.
    with mounted(file, f"--index-dir={absent}"):
        pass


@pytest.mark.parametrize("options", [[], ["--merge"]], ids=["tree", "merged"])
def test_indexes_take_half_of_the_cache(tmp_path, options):
    """Indexes beyond that are offloaded, unless the option asks for memory."""
    n_shards, n = 8, 1000
    for i in range(n_shards):
        oracle.write(tmp_path / f"{i}.array_record", oracle.text_records(n, seed=i, maximum=20), "group_size:1")
    with mounted(tmp_path / "0.array_record") as mount:
        one = mount.stats()["engine"]["index_used"]
    cache = f"--cache-size={4 * one}"
    with mounted(tmp_path, cache, "--index-storage-option=in_memory", *options) as mount:
        expected = seen(mount)
        engine = mount.stats()["engine"]
        assert engine["index_used"] > 6 * one and engine["index_offloaded_bytes"] == 0
    with mounted(tmp_path, cache, *options) as mount:
        assert seen(mount) == expected
        engine = mount.stats()["engine"]
        assert engine["index_offloaded_bytes"] == 5 * n * 24
        assert 2 * one <= engine["index_used"] < 4 * one
    if not options:  # its files are opened when they are looked into
        with mounted(tmp_path, cache, *options) as mount:
            resource.prlimit(mount.pid, resource.RLIMIT_FSIZE, (4096, 4096))
            assert seen(mount) == expected, "an index that cannot be written goes to memory"
            engine = mount.stats()["engine"]
            assert engine["index_offloaded_bytes"] == 0 and engine["index_used"] > 6 * one
    # A folder that keeps files in memory, or no folder at all, saves no memory.
    for index_dir in ("/dev/shm", tmp_path / "absent"):
        with mounted(tmp_path, cache, f"--index-dir={index_dir}", *options) as mount:
            assert seen(mount) == expected
            assert mount.stats()["engine"]["index_offloaded_bytes"] == 0


@contextlib.contextmanager
def full_folder(path):
    """A file system of one page."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", path], check=True)
    try:
        yield path
        assert os.listdir(path) == []
    finally:
        subprocess.run(["umount", path], check=True)


def test_size_limit_of_files(index_dir, at):
    """Reaching it is an error, and does not end the server by a signal."""
    file = golden.get("text.default.array_record").path
    mount_fails(file, OFFLOADED, f"--index-dir={index_dir}", code=1, at=at,
                contains=[file, index_dir, "File too large"],
                prefix=["sh", "-c", 'ulimit -f 8; exec "$@"', "sh"])


def test_full_folder(index_dir, at):
    """A named file that does not fit ends the start with one line; one found in a directory gives EIO and one log line.
    Small indexes still fit."""
    file = golden.get("text.default.array_record").path
    with full_folder(index_dir):
        mount_fails(file, OFFLOADED, f"--index-dir={index_dir}", code=1, at=at,
                    contains=[file, index_dir, "No space left on device"])
        with mounted(golden.DIRECTORY, OFFLOADED, f"--index-dir={index_dir}") as mount:
            for _ in range(2):
                with pytest.raises(OSError) as caught:
                    os.listdir(mount.path / file.name)
                assert caught.value.errno == errno.EIO
            assert len(mount.log_lines(file.name, str(index_dir))) == 1
            small = golden.get("text.groupsize64-snappy.array_record")
            small.check(69, (mount.path / small.name / "069").read_bytes())


def test_a_listing_reads_the_index_in_batches(tmp_path, index_dir):
    """64 chunks are fetched by one read, whatever the kernel asks for at once."""
    path = oracle.write(tmp_path / "x.array_record", [b"%d" % i for i in range(10000)])
    with mounted(path, OFFLOADED, f"--index-dir={index_dir}") as mount:
        before = mount.stats()["engine"]["index_reads"]
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(mount.path)}
        assert sizes == {f"{i:04d}": len(str(i)) for i in range(10000)}
        after = mount.stats()
        assert after["requests"]["lookup"] < 100  # the listing had the sizes
        assert after["engine"]["index_reads"] - before <= 10000 // 64 + 10
