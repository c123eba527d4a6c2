"""A server with little memory or few descriptors. A request may fail because of that, the mount does not."""

import contextlib
import errno
import os
import re
import resource
import threading
from pathlib import Path

import pytest

import container
import golden
import native
from mounts import SANITIZE, mount_fails, mounted
from test_hostile import peak_memory

MIB = 1 << 20
BIG = golden.DIRECTORY / "big.groupsize3-zstd3.array_record"

unsanitized = pytest.mark.skipif(bool(SANITIZE), reason="sanitizers have an allocator of their own")


def address_space(pid):
    return int(re.search(r"VmSize:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def read(path):
    """The bytes of @path, or None if there was no memory for them."""
    try:
        return path.read_bytes()
    except OSError as e:
        assert e.errno in (errno.ENOMEM, errno.EIO), e
        return None


def read_all(paths, n_threads):
    """The content of each of @paths, read by several threads."""
    found = {}

    def run(first):
        for path in paths[first::n_threads]:
            found[path] = read(path)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# ---- memory -----------------------------------------------------------------------------------


@unsanitized
def test_no_memory_left(tmp_path):
    """From one moment on no memory can be had. Control files need some for each look-up while others are open;
    records need it for their chunks."""
    sources = [BIG] * 8
    with mounted(sources, "--merge", "--no-push") as mount:
        paths = [mount.path / name for name in sorted(os.listdir(mount.path))]
        expected = paths[0].read_bytes()
        resource.prlimit(mount.pid, resource.RLIMIT_AS, (address_space(mount.pid), resource.RLIM_INFINITY))
        kept = []
        for _ in range(300):
            try:
                fd = os.open(mount.path / ".arecfs" / "metrics", os.O_RDONLY)
                kept.append(fd)
                os.read(fd, 100)
            except OSError as e:
                assert e.errno in (errno.ENOMEM, errno.EIO, errno.ESTALE)
        squeezed = read_all(paths, 8)
        for fd in kept:
            os.close(fd)
        assert mount.server_is_running()
        resource.prlimit(mount.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert paths[0].read_bytes() == expected
        for path, was in squeezed.items():
            assert was in (None, path.read_bytes())


@unsanitized
@pytest.mark.parametrize("limit", [64, 100, 200])
def test_little_address_space(limit):
    with mounted([BIG] * 20, "--merge", prepare=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit * MIB, limit * MIB))) as mount:
        paths = [mount.path / name for name in sorted(os.listdir(mount.path))]
        found = read_all(paths, 4)
        assert mount.server_is_running()
        n = len(paths) // 20
        for i, path in enumerate(paths):
            assert found[path] in (None, found[paths[i % n]] or found[path])
        assert sum(text is not None for text in found.values()) > len(paths) // 2
        assert paths[-1].stat().st_size > 0


@unsanitized
@pytest.mark.parametrize("how,kib", [("-v", 24000), ("-d", 12000)])
def test_too_little_memory_at_the_start(tmp_path, how, kib):
    at = tmp_path / "mnt"
    at.mkdir()
    limited = ["sh", "-c", f'ulimit {how} {kib} && exec "$@"', "sh"]
    mount_fails(BIG, code=1, at=at, prefix=limited, contains=[f"(ulimit {how}) is {kib} KiB, at least", "KiB are needed"])


def test_millions_of_short_records(tmp_path):
    """Records of 0 bytes, or of 0 and 1: the sizes are exact, and cost some bits each."""
    n = 1 << 24
    for kind in (0, 1):
        sizes = bytes([0, kind]) * (n // 2)
        values = native.compress(ord("z"), bytes(n // 2 * kind))
        packed = native.compress(ord("z"), sizes)
        builder = container.Builder()
        builder.chunk("r", b"z" + native.varint(len(packed)) + packed + values, n, n // 2 * kind)
        path = tmp_path / f"{kind}.riegeli"
        path.write_bytes(builder.content)
        with mounted(path, "--cache-size=32M") as mount:
            for i in (0, 1, 12345, n - 1):
                name = mount.path / f"{i:08}"
                assert name.stat().st_size == kind * (i % 2)
                assert name.read_bytes() == bytes(kind * (i % 2))
            if not SANITIZE:
                assert peak_memory(mount.pid) <= (16 + 48 * kind) * MIB


# ---- control files ------------------------------------------------------------------------------


def test_owner_of_control_files():
    with mounted(BIG, "-o", "uid=1234,gid=4321,umask=027") as mount:
        for name, mode in ((".arecfs", 0o40550), (".arecfs/stats.json", 0o100440), (".arecfs/metrics", 0o100440)):
            info = os.stat(mount.path / name)
            assert (info.st_uid, info.st_gid, info.st_mode) == (1234, 4321, mode)


def test_stale_control_files():
    """Of thousands of open control files, the oldest can no longer be read and the newest can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    n = 2500
    if hard < n + 100:
        pytest.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, n + 100), hard))
    fds = []
    try:
        with mounted(BIG) as mount, contextlib.ExitStack() as opened:
            for _ in range(n):
                fds.append(os.open(mount.path / ".arecfs" / "stats.json", os.O_RDONLY | os.O_DIRECT))
                opened.callback(os.close, fds[-1])
                os.read(fds[-1], 10)
            assert os.pread(fds[-1], 4096, 0).startswith(b"{")
            with pytest.raises(OSError) as error:
                os.pread(fds[0], 4096, 0)
            assert error.value.errno == errno.ESTALE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- descriptors --------------------------------------------------------------------------------


def test_no_descriptor_left(tmp_path):
    """From one moment on a file can be opened only after another is closed, which the server does."""
    content = BIG.read_bytes()
    for i in range(40):
        (tmp_path / f"{i:02}.array_record").write_bytes(content)
    with mounted(tmp_path) as mount:
        directories = sorted(os.listdir(mount.path))
        expected = (mount.path / directories[0] / "0").read_bytes()
        n = max(map(int, os.listdir(f"/proc/{mount.pid}/fd"))) + 3
        resource.prlimit(mount.pid, resource.RLIMIT_NOFILE, (n, n))
        paths = [mount.path / name / "0" for name in directories]
        found = read_all(paths * 2, 8)
        assert list(found.values()) == [expected] * len(directories)
