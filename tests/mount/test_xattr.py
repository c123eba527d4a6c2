"""Extended attributes: answered, never listed."""

import errno
import os
import shutil
import subprocess

import pytest

import container
import golden
import oracle
import syscalls
from mounts import mounted
from sanitized import sample

FILE = golden.get("text.groupsize64-snappy.array_record")
CODECS = {"uncompressed": "none", "brotli": "brotli", "zstd": "zstd", "snappy": "snappy"}


def codec_of(options):
    words = [option.split(":")[0] for option in options.split(",")]
    return next((CODECS[w] for w in words if w in CODECS), "zstd")


def value(path, name):
    return os.getxattr(path, name).decode()


def fails(number, call, *arguments):
    with pytest.raises(OSError) as caught:
        call(*arguments)
    assert caught.value.errno == number, (arguments, caught.value)


@pytest.fixture(scope="module")
def mount():
    with mounted(FILE.path) as mounted_file:
        yield mounted_file


@pytest.mark.parametrize("file", sample(golden.SIMPLE + golden.TRANSPOSED, 3), ids=lambda g: g.name)
def test_values_of_directory_and_records(file):
    chunks = container.Container(file.path).user_chunks
    _, options = oracle.describe(file.path) if file.n_records else (0, None)
    with mounted(file.path) as mount:
        root = mount.path
        assert value(root, "user.arec.records") == str(file.n_records)
        assert value(root, "user.arec.chunks") == str(len(chunks))
        assert value(root, "user.arec.group_size") == str(chunks[0].n_records if chunks else 0)
        assert os.path.basename(value(root, "user.arec.source")) == file.name
        if options is not None:
            assert value(root, "user.arec.codec") == codec_of(file.options)
            assert value(root, "user.arec.options") == options
        ends = []
        for chunk in chunks:
            ends.append((ends[-1] if ends else 0) + chunk.n_records)
        names = file.names()
        for number in {0, 1, file.n_records // 2, file.n_records - 1} & set(range(file.n_records)):
            record = root / names[number]
            chunk = next(i for i, end in enumerate(ends) if number < end)
            assert value(record, "user.arec.record") == str(number)
            assert value(record, "user.arec.chunk") == str(chunk)
            assert os.path.basename(value(record, "user.arec.source")) == file.name


def test_attributes_decode_nothing(mount):
    before = mount.stats()["engine"]["chunks_decoded"]
    for name in FILE.names()[:200]:
        value(mount.path / name, "user.arec.chunk")
    value(mount.path, "user.arec.records")
    assert mount.stats()["engine"]["chunks_decoded"] == before


@pytest.mark.parametrize("merge", [False, True])
def test_values_of_several_files(tmp_path, merge):
    paths = []
    for name, n, options in (("a", 7, "group_size:3,snappy"), ("b", 4, "group_size:2,brotli:1")):
        path = oracle.write(tmp_path / f"{name}.array_record", oracle.text_records(n), options)
        paths.append(path)
    with mounted(paths, *(["--merge"] if merge else [])) as mount:
        for file, path in enumerate(paths):
            if merge:
                record = mount.path / f"{7 * file + 3:02d}"
                assert value(record, "user.arec.record") == "3", "its number in the source"
            else:
                directory = mount.path / path.name
                assert value(directory, "user.arec.records") == ("7", "4")[file]
                assert value(directory, "user.arec.codec") == ("snappy", "brotli")[file]
                assert value(directory, "user.arec.source").endswith(path.name)
                record = directory / "3"
                assert value(record, "user.arec.record") == "3"
            assert value(record, "user.arec.chunk") == "1"
            assert value(record, "user.arec.source").endswith(path.name)


def test_nothing_is_listed(mount):
    for path in (mount.path, mount.path / "007", mount.path / ".arecfs",
                 mount.path / ".arecfs" / "metrics"):
        assert os.listxattr(path) == []
        assert os.listxattr(path, follow_symlinks=False) == []
        assert syscalls.listxattr(path, 0) == 0
        assert syscalls.listxattr(path, 100) == b""
    with syscalls.opened(mount.path / "007") as fd:
        assert os.listxattr(fd) == []


@pytest.mark.parametrize("name", ["007", "", ".arecfs/stats.json"])
def test_unknown_attributes(mount, name):
    path = mount.path / name
    for attribute in ("user.nope", "user.arec.nope", "user.arec.", "user.arec", "user.a",
                      "user.arec.recordx", "user.arec.RECORD", "user." + "x" * 250):
        fails(errno.ENODATA, os.getxattr, path, attribute)
        fails(errno.ENODATA, syscalls.getxattr, path, attribute, 0)
    for attribute in ("security.selinux", "security.capability", "trusted.x", "security.arec",
                      "system.posix_acl_access", "system.posix_acl_default"):
        fails(errno.EOPNOTSUPP, os.getxattr, path, attribute)
    # The kernel itself refuses names outside the namespaces; arecfs must not answer them either.
    for attribute in ("nope", "users.arec.record"):
        fails(errno.EOPNOTSUPP, os.getxattr, path, attribute)


def test_attributes_belong_to_their_kind(mount):
    for attribute in ("records", "chunks", "group_size", "codec", "options"):
        fails(errno.ENODATA, os.getxattr, mount.path / "007", f"user.arec.{attribute}")
    for attribute in ("record", "chunk"):
        fails(errno.ENODATA, os.getxattr, mount.path, f"user.arec.{attribute}")
    # An answer of one namespace must not end the answers of another.
    assert value(mount.path / "008", "user.arec.record") == "8"


@pytest.mark.parametrize("name, attribute", [("007", "record"), ("007", "source"), ("", "options"),
                                             ("", "records")])
def test_size_protocol(mount, name, attribute):
    path, attribute = mount.path / name, f"user.arec.{attribute}"
    expected = os.getxattr(path, attribute)
    size, _ = syscalls.getxattr(path, attribute, 0)
    assert size == len(expected) > 0
    assert syscalls.getxattr(path, attribute, size) == (size, expected)
    assert syscalls.getxattr(path, attribute, size + 1) == (size, expected)
    assert syscalls.getxattr(path, attribute, 65536) == (size, expected)
    if size > 1:
        fails(errno.ERANGE, syscalls.getxattr, path, attribute, size - 1)
        fails(errno.ERANGE, syscalls.getxattr, path, attribute, 1)


def test_by_descriptor_and_plain_name(mount):
    with syscalls.opened(mount.path / "123") as fd:
        assert os.getxattr(fd, "user.arec.record") == b"123"
    assert os.getxattr(mount.path / "12", "user.arec.record") == b"12"
    assert os.getxattr(mount.path / "012", "user.arec.record", follow_symlinks=False) == b"12"


@pytest.mark.skipif(shutil.which("getfattr") is None, reason="getfattr is not installed")
def test_getfattr(mount):
    def run(*options):
        return subprocess.run(["getfattr", "--absolute-names", *options], capture_output=True,
                              text=True, timeout=30)
    result = run("-n", "user.arec.chunk", "--only-values", f"{mount.path}/100")
    assert (result.returncode, result.stdout) == (0, "1")
    result = run("-d", "-m", "-", f"{mount.path}/100")
    assert (result.returncode, result.stdout) == (0, "")
