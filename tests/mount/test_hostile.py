"""Hostile files: each wrong chunk gives EIO for its own record, and the server's memory stays within
the cache, 64 MiB and what the largest sound chunk takes.

The hashes of these files are right, as those of a hostile writer would be.
"""

import errno
import json
import os
import re
from pathlib import Path

import pytest

import container
import golden
import native
from mounts import SANITIZE, mounted

MIB = 1 << 20
CACHE = 8 * MIB
GOOD = b"a sound record"
VECTORS = golden.DIRECTORY / "vectors"
INVALID = json.loads((VECTORS / "manifest.json").read_text())["invalid"]


def simple(codec, sizes, values):
    """The body of a simple chunk of compressed @sizes and @values, blocks as they are stored."""
    return codec + native.varint(len(sizes)) + sizes + values


def plain(record):
    return simple(b"\0", native.varint(len(record)), record)


def bomb(codec, declared):
    """A body of 256 MiB of zeros that declares only @declared bytes."""
    level = {"z": 19, "b": 9, "s": None}[codec]
    block = native.compress(ord(codec), bytes(256 * MIB), level)
    _, used = native.take_varint(block, 0)
    return simple(codec.encode(), native.compress(ord(codec), native.varint(declared)), native.varint(declared) + block[used:])


def peak_memory(pid):
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def start_of(path):
    """As much as one read gives, whatever size the record claims to have."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, MIB)
    finally:
        os.close(fd)


def check(tmp_path, chunks, *options):
    """Mounts a plain file of @chunks, each a (kind, body, records, decoded size), with a sound chunk after each."""
    builder = container.Builder()
    for kind, body, n_records, decoded_size in chunks:
        builder.chunk(kind, body, n_records, decoded_size)
        builder.chunk("r", plain(GOOD), 1, len(GOOD))
    path = tmp_path / "hostile.riegeli"
    path.write_bytes(builder.content)
    with mounted(path, f"--cache-size={CACHE}", *options) as mount:
        names = sorted(os.listdir(mount.path))
        good = 0
        for name in names:
            try:
                good += start_of(mount.path / name) == GOOD
            except OSError as e:
                assert e.errno == errno.EIO
        assert good >= len(chunks), f"{good} sound records of {len(chunks)}"
        assert len(names) - good >= sum(n > 0 for _, _, n, _ in chunks)
        if not SANITIZE:
            assert peak_memory(mount.pid) <= CACHE + 64 * MIB


def test_invalid_transposed_chunks(tmp_path):
    assert len(INVALID) == 58
    check(tmp_path, [("t", (VECTORS / v["file"]).read_bytes(), min(v["num_records"], 1000), v["decoded_data_size"])
                     for v in INVALID if v["num_records"] > 0 and v["decoded_data_size"] < MIB])


@pytest.mark.parametrize("codec", ["z", "b", "s"])
def test_values_that_decompress_to_more_than_declared(tmp_path, codec):
    check(tmp_path, [("r", bomb(codec, declared), 1, declared) for declared in (1000, MIB)])


@pytest.mark.parametrize("codec", ["\0", "z", "b", "s"])
def test_sizes_beyond_all_bounds(tmp_path, codec):
    """The header declares them, and next to nothing follows."""
    sizes = [1 << 63, (1 << 64) - 1, 1 << 40, 1 << 33]
    check(tmp_path, [("r", simple(codec.encode(), native.compress(ord(codec), native.varint(size)),
                                  native.compress(ord(codec), b"x")), 1, size) for size in sizes])


def test_more_records_than_a_file_can_have(tmp_path):
    """A chunk of records without bytes must not claim more records than its file has bytes."""
    check(tmp_path, [("r", simple(b"z", native.compress(ord("z"), bytes(100)), native.compress(ord("z"), b"")), 50, 0),
                     ("t", b"z" + bytes(30), 60, 1 << 50)])
