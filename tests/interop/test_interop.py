"""Random files of the reference implementation, read by arec and through a mount.

The seed is printed; AREC_TEST_SEED replays a run.
"""

import json
import os
import random
import struct

import pytest

import golden
import oracle
from mounts import SANITIZE, arec, mount_fails, mounted
from random_files import random_options, random_records

SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
FILES = 12 if SANITIZE else 48


# ---- comparisons -------------------------------------------------------------------------------


def _crc_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


CRC_TABLE = _crc_table()


def masked_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def tfrecords(data):
    """The records of a TFRecord stream; checks the checksums of lengths and of short records."""
    records, at = [], 0
    while at < len(data):
        length, crc = struct.unpack_from("<QI", data, at)
        assert crc == masked_crc32c(data[at:at + 8])
        record = data[at + 12:at + 12 + length]
        assert len(record) == length, "the stream ends within a record"
        crc, = struct.unpack_from("<I", data, at + 12 + length)
        if length <= 2048 and at < 500_000:
            assert crc == masked_crc32c(record)
        records.append(record)
        at += 16 + length
    return records


def codec_of(options):
    for option in options.split(","):
        name = option.split(":")[0]
        if name in ("brotli", "zstd", "snappy"):
            return name
        if name == "uncompressed":
            return "none"
    raise AssertionError(options)


def group_size_of(options):
    return int(dict(o.split(":") for o in options.split(",") if ":" in o)["group_size"])


def check_by_arec(path, records):
    """Compares all that arec prints about @path with @records and with the reference."""
    out, _ = arec("cat", "--frame=tfrecord", path)
    assert tfrecords(out) == records
    out, _ = arec("ls", path)
    assert out.decode() == "".join(f"{i} {len(r)}\n" for i, r in enumerate(records))
    out, _ = arec("cat", path)
    assert out == b"".join(records)
    info, = json.loads(arec("info", "--json", path)[0])
    assert info["path"] == str(path)
    assert info["kind"] == "array_record"
    assert info["records"] == len(records)
    assert info["file_size"] == os.path.getsize(path)
    assert info["decoded_size"] == sum(map(len, records))
    if records:
        n, options = oracle.describe(path)
        assert info["records"] == n and info["options"] == options
        assert info["codec"] == codec_of(options)
        assert info["transposed"] is ("transpose:true" in options)
        group = min(group_size_of(options), n)
        assert info["group_size"] == group and info["chunks"] == -(-n // group)
    else:
        assert info["group_size"] == info["chunks"] == 0


def check_ranges(rng, path, records):
    n = len(records)
    ranges = []
    for _ in range(4 if n else 0):
        first = rng.randrange(n)
        end = rng.randrange(first, n) + 1
        ranges += [(f"{first}:{end}", records[first:end]), (f"{first}", [records[first]]),
                   (f"-{n - first}:", records[first:]), (f":{end}", records[:end])]
    rng.shuffle(ranges)
    out, _ = arec("cat", "--frame=tfrecord", path, "--", *(text for text, _ in ranges))
    expected = [record for _, part in ranges for record in part]
    assert tfrecords(out) == (expected if ranges else records)


def check_mount(directory, files):
    """@files: {name: records}, all in @directory."""
    with mounted(directory, lifetime=240) as mount:
        assert sorted(os.listdir(mount.path)) == sorted(files)
        for name, records in files.items():
            names = golden.record_names(len(records))
            assert sorted(os.listdir(mount.path / name)) == names, name
            order = list(range(len(records)))
            random.Random(name).shuffle(order)
            for number in order[:400]:
                path = mount.path / name / names[number]
                assert path.stat().st_size == len(records[number]), path
                assert path.read_bytes() == records[number], path
            for number in range(min(len(records), 400)):
                assert (mount.path / name / names[number]).read_bytes() == records[number]


def test_random_files(tmp_path):
    print(f"replay with AREC_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    files = {}
    for i in range(FILES):
        options, records = random_options(rng), random_records(rng)
        path = tmp_path / f"r{i:03d}.array_record"
        print(f"{path.name}: {len(records)} records, {sum(map(len, records))} bytes, {options!r}")
        oracle.write(path, records, options)
        check_by_arec(path, records)
        check_ranges(rng, path, records)
        files[path.name] = records
    check_mount(tmp_path, files)


# ---- special cases -----------------------------------------------------------------------------


def check(path, records):
    check_by_arec(path, records)
    check_mount(path.parent, {path.name: records})


def test_two_hundred_thousand_empty_records(tmp_path):
    """The chunk has fewer bytes than records, so slack follows it."""
    records = [b""] * 200_000
    path = oracle.write(tmp_path / "slack.array_record", records, "group_size:200000,zstd:3")
    assert os.path.getsize(path) > 200_000
    check(path, records)
    with mounted(path) as mount:
        assert len(os.listdir(mount.path)) == 200_000
        for name in ("000000", "199999", "100000", "77"):
            assert os.stat(mount.path / name).st_size == 0
            assert (mount.path / name).read_bytes() == b""
        assert not os.path.exists(mount.path / "200000")


@pytest.mark.parametrize("options", ["group_size:10,zstd:3", "group_size:1000,snappy",
                                     "group_size:3,brotli:1", "group_size:70000,uncompressed"])
def test_slack_after_many_tiny_records(tmp_path, options):
    records = [b"" if i % 3 else b"x" for i in range(3500)]
    check(oracle.write(tmp_path / "slack.array_record", records, options), records)


@pytest.mark.parametrize("window_log", [24, 25, 26, 28, 30])
@pytest.mark.parametrize("level", [0, 5, 9])
def test_large_brotli_windows(tmp_path, window_log, level):
    records = [oracle.random_bytes(300_000, 1) * 2, b"", oracle.random_bytes(70_000, 2), b"end"]
    path = oracle.write(tmp_path / "window.array_record", records,
                        f"group_size:3,brotli:{level},window_log:{window_log}")
    check(path, records)


@pytest.mark.parametrize("window_log", [10, 27, 31])
def test_zstd_windows(tmp_path, window_log):
    records = [oracle.random_bytes(1000, 1), b"", oracle.text_records(1, 5)[0]]
    path = oracle.write(tmp_path / "window.array_record", records,
                        f"group_size:2,zstd:1,window_log:{window_log}")
    check(path, records)


@pytest.mark.parametrize("size, end", [(65386, 65495), (65387, 65496), (65388, 65497),
                                       (65426, 65535), (65427, 65536), (65428, 65561),
                                       (65429, 65562)])
@pytest.mark.parametrize("padding", [False, True])
def test_chunk_ends_around_a_block_boundary(tmp_path, size, end, padding):
    records = [oracle.random_bytes(size, size), b"next", b"", oracle.random_bytes(70_000, 3)]
    options = "group_size:1,uncompressed" + (",pad_to_block_boundary:true" if padding else "")
    path = oracle.write(tmp_path / "edge.array_record", records, options)
    check(path, records)
    if not padding:
        rows = [json.loads(line) for line in arec("ls", "--json", path)[0].splitlines()]
        assert [row["offset"] for row in rows[:2]] == [64, end]
        assert [row["chunk"] for row in rows] == [0, 1, 2, 3]
        assert [row["size"] for row in rows] == [len(record) for record in records]


@pytest.mark.parametrize("n", [0, 1, 2, 63, 64, 65, 128])
def test_last_group(tmp_path, n):
    records = oracle.text_records(n)
    check(oracle.write(tmp_path / "n.array_record", records, "group_size:64"), records)


def varint(value):
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def message(rng, depth):
    """A random protobuf message, canonically encoded, of all wire types."""
    out = b""
    for _ in range(rng.randrange(8)):
        field = rng.choice([1, 2, 3, 15, 16, 2047, 2048, 2**29 - 1]) * 8
        kind = rng.randrange(6 if depth else 4)
        if kind == 0:
            out += varint(field) + varint(rng.choice([0, 3, 4, 127, 128, rng.randrange(2**64)]))
        elif kind == 1:
            out += varint(field + 1) + rng.randbytes(8)
        elif kind == 2:
            out += varint(field + 5) + rng.randbytes(4)
        elif kind == 3:
            text = rng.randbytes(rng.choice([0, 1, 15, 16, 17, 31, 32, 33, 127, 128, 1000]))
            out += varint(field + 2) + varint(len(text)) + text
        elif kind == 4:
            inner = message(rng, depth - 1)
            out += varint(field + 2) + varint(len(inner)) + inner
        else:
            out += varint(field + 3) + message(rng, depth - 1) + varint(field + 4)
    return out


@pytest.mark.parametrize("options", [
    "transpose", "group_size:10,transpose:true,brotli:2", "group_size:100,transpose:true,uncompressed",
    "group_size:64,transpose:true,snappy", "group_size:300,transpose:true,zstd,transpose_bucket_size:1",
    "group_size:300,transpose:true,zstd:-5,transpose_bucket_size:100K",
    "group_size:1000,transpose:true,brotli,window_log:26"])
def test_transposed_files(tmp_path, options):
    """Messages and texts, in one file."""
    rng = random.Random(options)
    records = [record for text in oracle.text_records(200) for record in (message(rng, 4), text)]
    path = oracle.write(tmp_path / "t.array_record", records, options)
    check(path, records)
    info, = json.loads(arec("info", "--json", path)[0])
    assert info["transposed"] is True and info["records"] == len(records)
    assert info["options"] == oracle.describe(path)[1]
    assert info["decoded_size"] == sum(map(len, records))


def test_files_that_the_reference_refuses(tmp_path):
    """A file that the reference refuses to open is refused by a mount, too."""
    (tmp_path / "mnt").mkdir()
    for size in (0, 1000, 65535, 65536, 131072):
        path = tmp_path / "bad.array_record"
        path.write_bytes(bytes(size))
        with pytest.raises((ValueError, RuntimeError)):
            oracle.describe(path)
        mount_fails(path, code=5, at=tmp_path / "mnt")
        arec("info", path, code=5)
