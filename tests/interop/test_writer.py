"""Files of libarec, of random records with random options, read by the reference: every record, by every way to read, and
the option string; without compression the very bytes that the reference writes.

AREC_TEST_SEED replays a run; AREC_WRITER_CASES is the number of files of each test.
"""

import os
import random
import struct
import subprocess
from pathlib import Path

import pytest

module = pytest.importorskip("array_record.python.array_record_module")

import oracle
from container import Container
from native import varint
from random_files import random_options, random_records

# Built beside arec; see write_file.c.
PROGRAM = Path(os.environ.get("AREC_BIN", "arec")).resolve().parent / "interop.write_file"
SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
CASES = int(os.environ.get("AREC_WRITER_CASES") or 200)
SIZES = [2_000, 20_000, 300_000]  # bytes of all records of a file


def write(path, records, options):
    framed = b"".join(struct.pack("<Q", len(record)) + record for record in records)
    done = subprocess.run([PROGRAM, path, options], input=framed, capture_output=True, timeout=120)
    assert done.returncode == 0, f"write_file {options!r}: {done.stderr.decode()}"
    return path


def with_threads(rng, options):
    return ",".join(filter(None, [options, f"max_parallelism:{rng.choice([1, 2, 8])}"]))


def read_in_order(reader, n):
    return [reader.read() for _ in range(n)]


def check_read_by_the_reference(rng, path, records):
    """All records, by all ways that the reference has, from the index in memory and offloaded."""
    wanted = [rng.randrange(len(records)) for _ in range(20)] if records else []
    for how in ("", "readahead_buffer_size:1M,max_parallelism:4",
                "index_storage_option:offloaded,footer_prefetch_bytes:0"):
        reader = module.ArrayRecordReader(str(path), how)
        try:
            assert reader.num_records() == len(records)
            if records:
                assert reader.read_all() == records
                assert reader.read(wanted) == [records[i] for i in wanted]
            assert read_in_order(reader, len(records)) == records
        finally:
            reader.close()


def cases(codec=None):
    """(what repeats it, random source, records, options); case i depends on seed and i alone."""
    for i in range(CASES):
        rng = random.Random(f"{SEED} {i} {codec}")
        records = random_records(rng, SIZES)
        options = with_threads(rng, random_options(rng, codec))
        yield f"AREC_TEST_SEED={SEED}, case {i}, {len(records)} records, {options!r}", rng, records, options


def test_the_reference_reads_what_we_write(tmp_path):
    print(f"AREC_TEST_SEED={SEED}")
    for what, rng, records, options in cases():
        print(what)
        path = write(tmp_path / "ours.array_record", records, options)
        theirs = oracle.write(tmp_path / "theirs.array_record", records, options)
        assert oracle.describe(path) == oracle.describe(theirs), what
        check_read_by_the_reference(rng, path, records)


def test_uncompressed_files_are_those_of_the_reference(tmp_path):
    print(f"AREC_TEST_SEED={SEED}")
    for what, _, records, options in cases("uncompressed"):
        ours = write(tmp_path / "ours.array_record", records, options).read_bytes()
        assert ours == oracle.write(tmp_path / "theirs.array_record", records, options).read_bytes(), what


@pytest.mark.parametrize("codec", ["uncompressed", "brotli:5", "zstd", "snappy"])
def test_the_same_bytes_for_all_threads(codec, tmp_path):
    """Also with groups that are gathered into batches, and with more groups than may be in work."""
    records = oracle.text_records(3000, seed=7)
    for group_size in (1, 64):
        one, two, eight = (write(tmp_path / str(n), records, f"group_size:{group_size},{codec},max_parallelism:{n}")
                           .read_bytes() for n in (1, 2, 8))
        assert one == two == eight
        assert oracle.describe(tmp_path / "8")[1].endswith(",max_parallelism:1")


def numbers(rng):
    """A message of an identifier, floats of two decimals and small integers."""
    floats = struct.pack("<32f", *(round(rng.gauss(0, 1), 2) for _ in range(32)))
    integers = b"".join(varint(rng.randrange(32_000)) for _ in range(20))
    fields = enumerate((b"%016x" % rng.getrandbits(64), floats, integers), 1)
    return b"".join(varint(number << 3 | 2) + varint(len(data)) + data for number, data in fields)


def size_of_chunks(path):
    return sum(chunk.data_size for chunk in Container(path).chunks if chunk.kind == "t")


@pytest.mark.parametrize("level", [1, 3, 5, 9, 15])
@pytest.mark.parametrize("group_size", [1, 64, 1000])
def test_transposed_files_are_as_small(group_size, level, tmp_path):
    """What zstd makes of buckets, which are small, depends on whether it knows their size before."""
    rng = random.Random(1)
    records = [numbers(rng) for _ in range(1000)]
    options = f"group_size:{group_size},transpose,zstd:{level}"
    ours = size_of_chunks(write(tmp_path / "ours", records, options))
    theirs = size_of_chunks(oracle.write(tmp_path / "theirs", records, options))
    assert 0 < ours <= 1.01 * theirs, f"{ours} bytes, {theirs} by the reference"
