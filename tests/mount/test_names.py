"""user.arec.name: the name that a file keeps of a record, asked for through the mount."""

import errno
import os
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "lib"),
                str(Path(__file__).resolve().parent.parent / "cli")]

import forge  # noqa: E402
from mounts import mounted, wait_until  # noqa: E402

RECORDS = [b"one", b"two", b"three"]


def write(path, names):
    path.write_bytes(forge.array_record(RECORDS, None, names=names))
    return path


def name_of(path):
    return os.getxattr(path, "user.arec.name")


def has_no_name(path):
    with pytest.raises(OSError) as failure:
        name_of(path)
    return failure.value.errno == errno.ENODATA


def test_names(tmp_path):
    source = write(tmp_path / "x.array_record", forge.names_body([b"a/b.png", b"", b"\xff\n" * 50]))
    with mounted(source) as mount:
        before = mount.stats()["engine"]["source_reads"]
        assert name_of(mount / "0") == b"a/b.png"
        assert mount.stats()["engine"]["source_reads"] > before  # not read by the mount
        reads = mount.stats()["engine"]["source_reads"]
        assert has_no_name(mount / "1")
        assert name_of(mount / "2") == b"\xff\n" * 50
        assert mount.stats()["engine"]["source_reads"] == reads  # read once
        assert os.listxattr(mount / "0") == []
        assert has_no_name(mount.path)
        assert (mount / "2").read_bytes() == b"three"


def test_names_of_a_slice(tmp_path):
    source = write(tmp_path / "x.array_record", forge.names_body([b"a", b"b", b"c"]))
    with mounted(f"{source}[1:]") as mount:
        assert [name_of(mount / n) for n in ("0", "1")] == [b"b", b"c"]


def test_a_file_without_names(tmp_path):
    with mounted(write(tmp_path / "x.array_record", None)) as mount:
        assert has_no_name(mount / "0")
        reads = mount.stats()["engine"]["source_reads"]
        assert has_no_name(mount / "1")
        assert mount.stats()["engine"]["source_reads"] == reads


def test_names_that_cannot_be_used(tmp_path):
    """There are none, one line in the log says why, and the records can be read."""
    with mounted(write(tmp_path / "x.array_record", forge.names_body([b"a"]))) as mount:
        assert all(has_no_name(mount / str(i)) for i in range(3))
        assert [(mount / str(i)).read_bytes() for i in range(3)] == RECORDS

        def lines():
            return [line for line in (mount / ".arecfs" / "log").read_text().splitlines() if "names" in line]
        assert wait_until(lines, 10)
        (line,) = lines()
        assert line.endswith("x.array_record: at 204: 1 names for 3 records")
