"""The sizes that arec bench reports of the guide's records are those of files that the reference writes."""

import json
import os
import subprocess

import pytest

from array_record.python import array_record_module

AREC = os.environ["AREC_BIN"]
CODECS = ["uncompressed", "snappy", "brotli:1", "brotli:6", "brotli:11", "zstd:1", "zstd:3", "zstd:22"]
RECORDS = 10000


@pytest.fixture(scope="module")
def rows():
    """What bench says, of fewer records in the rows that take seconds each."""
    def run(codecs, n):
        out = subprocess.run([AREC, "bench", "codecs", "-q", "--json", "--repeat=1", "--limit=600",
                              f"--options={' '.join(codecs)}", f"--records={n}"],
                             check=True, capture_output=True, timeout=500).stdout
        return {row["options"]: row for row in json.loads(out)["rows"]}

    slow = {"brotli:11", "zstd:22"}
    return {**run([codec for codec in CODECS if codec not in slow], RECORDS),
            **run(sorted(slow), RECORDS // 10)}


@pytest.mark.parametrize("group_size", [1, 100])
@pytest.mark.parametrize("codec", CODECS)
def test_size_is_that_of_the_reference(rows, codec, group_size, tmp_path):
    options = f"group_size:{group_size},{codec}"
    path = str(tmp_path / "x.array_record")
    writer = array_record_module.ArrayRecordWriter(path, options)
    for i in range(RECORDS // 10 if codec in ("brotli:11", "zstd:22") else RECORDS):
        writer.write((f"Test record {i}: " + "x" * 100).encode())
    writer.close()
    assert rows[options]["estimated"] is False
    assert rows[options]["file_size"] == pytest.approx(os.path.getsize(path), rel=0.15)
