"""What `arec convert` makes of the reference's files, read by the reference; without compression the very bytes that the
reference writes of the same records with the same options, be chunks copied or encoded anew.

AREC_TEST_SEED replays a run; AREC_CONVERT_CASES is the number of files.
"""

import os
import random

import pytest

module = pytest.importorskip("array_record.python.array_record_module")

import oracle
from container import Container
from program import succeeds
from random_files import random_options, random_records

SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
CASES = int(os.environ.get("AREC_CONVERT_CASES") or 40)
SIZES = [2_000, 20_000, 200_000]  # bytes of all records


def read(path, n):
    reader = module.ArrayRecordReader(str(path))
    try:
        return reader.read_all() if n else []
    finally:
        reader.close()


def chunks_of(path):
    container = Container(path)
    return [(chunk.begin, container.data(chunk)) for chunk in container.user_chunks]


def spans_of(rng, n):
    """Half-open ranges of n records, in any order."""
    spans = [sorted(rng.randrange(n + 1) for _ in range(2)) for _ in range(rng.randrange(1, 4))]
    return rng.choice([None, None, spans])


def select(rng, records):
    """(options, records that are wanted)"""
    spans = spans_of(rng, len(records))
    if spans is None:
        return [], records
    text = ",".join(f"{first}:{end}" for first, end in spans)
    return [f"--records={text}"], [record for first, end in spans for record in records[first:end]]


def test_the_reference_reads_what_is_converted(tmp_path):
    print(f"AREC_TEST_SEED={SEED}")
    for i in range(CASES):
        rng = random.Random(f"{SEED} {i}")
        folder = tmp_path / str(i)
        folder.mkdir()
        files, records = [], []
        for k in range(rng.choice([1, 1, 2, 3])):
            part = random_records(rng, SIZES)
            records += part
            files.append(oracle.write(folder / f"in{k}", part, random_options(rng, rng.choice([None, "uncompressed"]))))
        codec = rng.choice([None, "uncompressed"])
        options = random_options(rng, codec)
        args, wanted = select(rng, records)
        how = rng.choice([[], ["--no-copy"], ["--threads=1"], ["--limit-memory=10K"]])
        what = f"case {i}: {len(files)} files, {len(wanted)} of {len(records)} records, {options!r} {args} {how}"
        print(what)
        succeeds("convert", "-qo", folder / "ours", "--options", options, *args, *how, *files)
        theirs = oracle.write(folder / "theirs", wanted, options)
        assert oracle.describe(folder / "ours") == oracle.describe(theirs), what
        assert read(folder / "ours", len(wanted)) == wanted, what
        if codec:
            assert (folder / "ours").read_bytes() == theirs.read_bytes(), what


def test_a_copy_has_the_bytes_of_the_reference(tmp_path):
    """Without options all chunks are copied, whatever their codec."""
    print(f"AREC_TEST_SEED={SEED}")
    for i in range(CASES // 4):
        rng = random.Random(f"{SEED} copy {i}")
        folder = tmp_path / str(i)
        folder.mkdir()
        records = random_records(rng, SIZES)
        options = random_options(rng, rng.choice([None, "uncompressed"]))
        theirs = oracle.write(folder / "theirs", records, options)
        succeeds("convert", "-qo", folder / "ours", theirs)
        what = f"case {i}: {len(records)} records, {options!r}"
        assert oracle.describe(folder / "ours") == oracle.describe(theirs), what
        assert chunks_of(folder / "ours") == chunks_of(theirs), what


def test_a_shuffle_is_read(tmp_path):
    records = oracle.text_records(1000)
    theirs = oracle.write(tmp_path / "in", records, "group_size:13")
    for options in ("group_size:7", "group_size:1,snappy"):
        succeeds("convert", "-qfo", tmp_path / "out", "--shuffle=11", "--options", options, theirs)
        found = read(tmp_path / "out", 1000)
        assert sorted(found) == sorted(records) and found != records
