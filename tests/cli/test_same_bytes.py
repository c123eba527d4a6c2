"""What is written has the same bytes for 1, 2 and 8 threads and in two runs: of every kind of input, and for every option
that a file depends on."""

import io
import json
import os
import random
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from program import arec, succeeds  # noqa: E402

import golden  # noqa: E402

RUNS = [("a", "1"), ("b", "1"), ("c", "2"), ("d", "8"), ("e", "8")]
N = 400  # records of 1000 bytes: more than all threads are given at once
GROUPS = ["group_size:1", "group_size:7,snappy", "group_size:64,zstd:1,transpose"]


def words(rng, size):
    return " ".join(f"{rng.getrandbits(rng.randrange(4, 24)):x}" for _ in range(size // 5)).encode()[:size]


RECORDS = [words(random.Random(i), 1000) for i in range(N)]


def files():
    for i, record in enumerate(RECORDS):
        path = Path(f"files/{i % 7}/{i:03}.bin")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record)
    return ["files"]


def lines():
    Path("lines").write_bytes(b"".join(record + b"\n" for record in RECORDS))
    return ["--from=lines", "lines"]


def jsonl():
    Path("x.jsonl").write_text("".join(json.dumps({"id": i, "text": record.decode()}) + "\n" for i, record in enumerate(RECORDS)))
    return ["x.jsonl"]


def examples():
    return ["--example", *jsonl()]


def array_record():
    succeeds("pack", "-qo", "x.array_record", "--group-size=10", *lines())
    return ["--from=array_record", "x.array_record"]


def tfrecord():
    Path("x.tfrecord").write_bytes(succeeds("cat", "--frame=tfrecord", array_record()[1]))
    return ["x.tfrecord"]


def tar():
    with tarfile.open("x.tar", "w") as archive:
        for i, record in enumerate(RECORDS):
            info = tarfile.TarInfo(f"{i // 2:03}.{'ab'[i % 2]}")
            info.size = len(record)
            archive.addfile(info, io.BytesIO(record))
    return ["x.tar"]


def webdataset():
    return ["--from=webdataset", *tar()]


def riegeli():
    return ["--from=riegeli", golden.get("text.uncompressed.riegeli").path]


KINDS = [files, lines, jsonl, examples, array_record, tfrecord, tar, webdataset, riegeli]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def check_same(command, *args):
    """Every run of arec COMMAND makes the same files, of the same names."""
    made = []
    for name, threads in RUNS:
        os.mkdir(name)
        result = arec(command, "-q", "--no-sync", "-o", f"{name}/out", f"--threads={threads}", *args)
        if result.code == 6:
            pytest.skip(f"not in this build: {result.err}")
        assert result.code == 0, result
        made.append(written(name))
        shutil.rmtree(name)
    assert made[0] and any(made[0].values())
    for (name, threads), files_of_run in zip(RUNS, made):
        assert files_of_run == made[0], f"run {name}, {threads} threads: {command} {args}"


@pytest.mark.parametrize("options", GROUPS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_kinds(kind, options):
    check_same("pack", f"--options={options}", *kind())


@pytest.mark.parametrize("kind", [files, tar, webdataset], ids=lambda kind: kind.__name__)
def test_names(kind):
    check_same("pack", "--store-names", "--group-size=5", *kind())


@pytest.mark.parametrize("options", [
    "", "uncompressed", "group_size:100,uncompressed", "snappy", "group_size:64,snappy", "zstd:-5", "zstd:9", "zstd:22",
    "group_size:64,zstd:12", "zstd,window_log:12", "brotli:0", "brotli:1", "group_size:64,brotli:5", "brotli:9",
    "group_size:50,brotli:6,window_log:14", "group_size:3,pad_to_block_boundary:true", "group_size:1000000,zstd",
    "group_size:64,transpose,uncompressed", "group_size:20,transpose,transpose_bucket_size:100,brotli:5", "transpose,snappy"])
def test_options(options):
    check_same("pack", f"--options={options}", *lines())


@pytest.mark.parametrize("args", [
    ["--shards=3"], ["--shards=3", "--round-robin"], ["--shard-records=70"], ["--shard-size=40K"], ["--limit-memory=1"],
    ["--limit-memory=100K"]], ids=" ".join)
@pytest.mark.parametrize("group", ["1", "8"])
def test_files_and_memory(args, group):
    check_same("pack", *args, f"--group-size={group}", *tfrecord())


def test_profile():
    check_same("pack", "--profile=cloud", *tfrecord())


@pytest.mark.parametrize("args", [
    [], ["--no-copy"], ["--group-size=1"], ["--codec=brotli:4"], ["--codec=uncompressed", "--group-size=64"], ["--transpose"],
    ["--records=3:300,-20:"], ["--shuffle=7"], ["--shuffle=7", "--limit-memory=30K"],
    ["--shuffle=7", "--codec=snappy", "--group-size=33"], ["--shards=4"], ["--shard-size=40K", "--group-size=2"]], ids=" ".join)
def test_convert(args):
    check_same("convert", *args, array_record()[1])


@pytest.mark.parametrize("args", [["--reencode"], []], ids=" ".join)
def test_repair(args):
    path = array_record()[1]
    Path(path).write_bytes(Path(path).read_bytes()[:-65536])
    made = set()
    for name, threads in RUNS:
        result = arec("repair", "-q", "--no-sync", "-o", name, *args, *([f"--threads={threads}"] if args else []), path)
        assert result.code in (0, 5), result
        made.add(Path(name).read_bytes())
    assert len(made) == 1
