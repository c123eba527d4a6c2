"""What `arec pack` makes of files, lines, JSON, TFRecord files, archives and files of the reference, read by the reference; without compression the very bytes that the
reference writes of the same records.

AREC_TEST_SEED replays a run; AREC_PACK_CASES is the number of files.
"""

import gzip
import io
import json
import os
import random
import tarfile
import zlib

import pytest

module = pytest.importorskip("array_record.python.array_record_module")

import example
import oracle
import tfrecord
from container import Container
from program import succeeds
from random_files import random_options, random_records

SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
CASES = int(os.environ.get("AREC_PACK_CASES") or 20)
SIZES = [2_000, 20_000]  # bytes of all records: checksums are made bit by bit


def as_tfrecord(rng, folder, records):
    store = rng.choice([bytes, gzip.compress, zlib.compress])
    (folder / "in.tfrecord").write_bytes(store(tfrecord.file_of(records)))
    return ["--from=tfrecord", folder / "in.tfrecord"], records


def as_lines(rng, folder, records):
    store = rng.choice([bytes, gzip.compress])
    records = [record.replace(b"\n", b" ") for record in records]
    (folder / "in.txt").write_bytes(store(b"".join(record + b"\n" for record in records)))
    return ["--from=lines", folder / "in.txt"], records


def as_jsonl(rng, folder, records):
    store = rng.choice([bytes, gzip.compress])
    records = [json.dumps({"text": record.decode("latin-1")}, ensure_ascii=rng.random() < 0.5).encode() for record in records]
    (folder / "in.jsonl").write_bytes(store(b"\n".join(records)))
    return ["--from=jsonl", folder / "in.jsonl"], records


def as_files(rng, folder, records):
    """A tree with names at random; packed in the order of `LC_ALL=C sort`, with `/` as the lowest byte."""
    files = {}
    for i, record in enumerate(records):
        path = "/".join(f"{rng.choice('aAzZ09.-_')}{rng.randrange(3)}" for _ in range(rng.randrange(3)))
        path = f"{path}/r{i}" if path else f"r{i}"  # no folder has such a name
        target = folder / "in" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(record)
        files[path] = record
    (folder / "in").mkdir(exist_ok=True)
    order = sorted(files, key=lambda path: path.encode().replace(b"/", b"\0"))
    return [folder / "in"], [files[path] for path in order]


def check_names(path, tree, records):
    """Unpacking by the names makes @tree again, and the file has a chunk that the reference steps over."""
    assert any(chunk.kind == "n" for chunk in Container(path).chunks) == bool(records)
    succeeds("unpack", "-q", path, path.parent / "out")
    assert {p.relative_to(tree): p.read_bytes() for p in tree.rglob("*") if p.is_file()} == \
        {p.relative_to(path.parent / "out"): p.read_bytes() for p in (path.parent / "out").rglob("*") if p.is_file()}


def read_in_every_way(path, records):
    """What the reference reads by numbers, in order, with readahead, and with its index offloaded."""
    for options in ["", "readahead_buffer_size:1M,max_parallelism:4", "index_storage_option:offloaded,footer_prefetch_bytes:0"]:
        reader = module.ArrayRecordReader(str(path), options)
        n = len(records)
        assert reader.num_records() == n
        assert (reader.read_all() if records else []) == records, options
        for i in {0, n // 2, n - 1} if n else ():
            assert reader.read([i]) == [records[i]], options
        reader.close()


def archive_of(rng, path, members):
    """A tar archive in a form and a compression at random."""
    form = rng.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    with tarfile.open(path, mode=rng.choice(["w", "w:gz", "w:bz2", "w:xz"]), format=form) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), rng.randrange(1 << 31)
            tar.addfile(info, io.BytesIO(data))


def as_tar(rng, folder, records):
    archive_of(rng, folder / "in.tar", [(f"{rng.choice('abc')}/{i}.bin", record) for i, record in enumerate(records)])
    return [folder / "in.tar"], records


def as_array_record(rng, folder, records):
    oracle.write(folder / "in.array_record", records, random_options(rng, None))
    return ["--from=array_record", folder / "in.array_record"], records


def test_samples_that_the_reference_reads_are_archives(tmp_path):
    print(f"AREC_TEST_SEED={SEED}")
    for i in range(5):
        rng = random.Random(f"{SEED} samples {i}")
        samples = [[(f"{k:04}.{end}", rng.randbytes(rng.randrange(2000))) for end in ("jpg", "cls", "x.json")[:rng.randint(1, 3)]]
                   for k in range(rng.randrange(1, 40))]
        archive_of(rng, tmp_path / "in.tar", [member for sample in samples for member in sample])
        succeeds("pack", "-qfo", tmp_path / "out", "--from=webdataset", "--options", random_options(rng, None),
                 tmp_path / "in.tar")
        reader = module.ArrayRecordReader(str(tmp_path / "out"))
        got = []
        for record in reader.read_all():
            with tarfile.open(fileobj=io.BytesIO(record)) as tar:
                got.append([(info.name, tar.extractfile(info).read()) for info in tar])
        reader.close()
        assert got == samples


def test_the_reference_reads_what_is_packed(tmp_path):
    print(f"AREC_TEST_SEED={SEED}")
    for i in range(CASES):
        rng = random.Random(f"{SEED} {i}")
        folder = tmp_path / str(i)
        folder.mkdir()
        make = rng.choice([as_tfrecord, as_lines, as_jsonl, as_files, as_tar, as_array_record])
        args, records = make(rng, folder, random_records(rng, SIZES))
        codec = rng.choice([None, "uncompressed"])
        options = random_options(rng, codec)
        stores_names = make is as_files and rng.random() < 0.5
        if stores_names:
            args = ["--store-names", *args]
        what = f"case {i}: {make.__name__}, {len(records)} records, {options!r}, names: {stores_names}"
        print(what)
        succeeds("pack", "-qo", folder / "ours", "--options", options, *args)
        theirs = oracle.write(folder / "theirs", records, options)
        assert oracle.describe(folder / "ours") == oracle.describe(theirs), what
        read_in_every_way(folder / "ours", records)
        if stores_names:
            check_names(folder / "ours", folder / "in", records)
        elif codec:
            assert (folder / "ours").read_bytes() == theirs.read_bytes(), what


@pytest.mark.parametrize("options", ["", "group_size:100,transpose", "group_size:7,uncompressed"])
def test_examples(options, tmp_path):
    rows = [{"id": i, "score": i / 8, "text": f"té {i}", "tags": ["a", "b"] * (i % 3), "none": None, "nested": {"x": [i]}}
            for i in range(500)]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    succeeds("pack", "-qo", tmp_path / "ours", "--options", options, "--example", tmp_path / "in.jsonl")
    reader = module.ArrayRecordReader(str(tmp_path / "ours"))
    records = reader.read_all()
    reader.close()
    assert [example.decode(record) for record in records] == [
        {"id": ("int64", [i]), "score": ("float", [i / 8]), "text": ("bytes", [f"té {i}".encode()]),
         "tags": ("bytes", [b"a", b"b"] * (i % 3)) if i % 3 else (None, []), "none": ("bytes", []),
         "nested": ("bytes", [b'{"x": [%d]}' % i])} for i in range(500)]


def in_shards(rng, n):
    """Options, and the numbers of the records that each shard then has; None where sizes decide."""
    count = rng.randint(1, 9)
    if rng.random() < 0.25:
        return [f"--shards={count}", "--round-robin"], [range(k, n, count) for k in range(count)]
    if rng.random() < 0.33:
        count = max(count, n // 50)
        return [f"--shard-records={count}"], [range(at, min(at + count, n)) for at in range(0, n, count)] or [range(0)]
    if rng.random() < 0.5:
        return [f"--shard-size={rng.randint(1, 40)}K"], None
    return [f"--shards={count}"], [[i for i in range(n) if i * count // n == k] for k in range(count)]


def test_the_reference_reads_shards(tmp_path):
    """Each is the file that it writes of the same records."""
    print(f"AREC_TEST_SEED={SEED}")
    for i in range(CASES):
        rng = random.Random(f"{SEED} shards {i}")
        folder = tmp_path / str(i)
        folder.mkdir()
        args, records = as_tfrecord(rng, folder, random_records(rng, SIZES))
        (folder / "in.tfrecord").write_bytes(tfrecord.file_of(records))
        codec = rng.choice([None, "uncompressed"])
        options = random_options(rng, codec)
        sharding, parts = in_shards(rng, len(records))
        what = f"case {i}: {len(records)} records, {options!r}, {sharding}"
        print(what)
        succeeds("pack", "-qo", folder / "ours", "--options", options, *sharding, *args)
        shards = sorted(folder.glob("ours-*"))
        assert [shard.name for shard in shards] == [f"ours-{k:05}-of-{len(shards):05}" for k in range(len(shards))], what
        if parts is None:
            ends = [0]
            for shard in shards:
                ends.append(ends[-1] + module.ArrayRecordReader(str(shard), "").num_records())
            parts = [range(begin, end) for begin, end in zip(ends, ends[1:])]
        assert len(shards) == len(parts) and sum(len(part) for part in parts) == len(records), what
        for shard, part in zip(shards, parts):
            expected = [records[number] for number in part]
            read_in_every_way(shard, expected)
            theirs = oracle.write(folder / "theirs", expected, options)
            assert oracle.describe(shard) == oracle.describe(theirs), what
            assert not codec or shard.read_bytes() == theirs.read_bytes(), what


@pytest.mark.parametrize("options", ["uncompressed", "group_size:64,uncompressed,pad_to_block_boundary:true",
                                     "group_size:100,brotli"])
def test_names_over_many_blocks(options, tmp_path):
    records = [b"record %d" % i for i in range(1500)]
    (tmp_path / "in").mkdir()
    for i, record in enumerate(records):
        (tmp_path / "in" / f"{i:05}{'x' * 240}").write_bytes(record)
    succeeds("pack", "-qo", tmp_path / "ours", "--options", options, "--store-names", tmp_path / "in")
    read_in_every_way(tmp_path / "ours", records)
    check_names(tmp_path / "ours", tmp_path / "in", records)
