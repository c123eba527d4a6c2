"""arec pack: what it makes of files, lines and TFRecord files, what it reports, and each way to fail.

What is written is compared with the wheel's reading in tests/interop/test_pack.py; here with arec's own.
"""

import gzip
import json
import lzma
import os
import random
import re
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from native import zstd_compress  # noqa: E402
from program import AREC, arec, records_of, succeeds  # noqa: E402

import tfrecord  # noqa: E402

RECORDS = [b"first", b"", b"third " * 100]
OPTIONS = "group_size:1,transpose:false,pad_to_block_boundary:false,zstd:3,window_log:20"
JSON_KEYS = ["path", "records", "chunks", "group_size", "codec", "transposed", "decoded_size", "file_size", "options",
             "skipped", "damages", "seconds", "shards"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tests run in a folder of their own, so that messages name plain files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fails(code, err, *args, **options):
    result = arec("pack", *args, **options)
    assert (result.code, result.err, result.out) == (code, f"arec: {err}\n", b""), result


def packs(records, *args, err="", out="out", **options):
    """Packs quietly, and compares the records."""
    succeeds("pack", "-qfo", out, *args, err=err, **options)
    assert records_of(out) == records


def leftovers():
    return [name for name in os.listdir() if name.startswith(".arec-")]


# ---- what is packed ---------------------------------------------------------------------------


def test_lines():
    Path("x").write_bytes(b"a\n\nb\r\nc")
    packs([b"a", b"", b"b\r", b"c"], "--from=lines", "x")
    packs([b"a\n", b"\n", b"b\r\n", b"c"], "--from=lines", "--keep-newline", "x")
    packs([b"a\n\nb\r\nc"], "--from=lines", "-0", "x")
    packs([b"a", b"", b"b\r", b"c", b"a", b"", b"b\r", b"c"], "--from=lines", "x", "x")


@pytest.mark.parametrize("compress", [gzip.compress, zstd_compress, lzma.compress], ids=["gz", "zst", "xz"])
def test_compressed_lines(compress):
    lines = [b"line %d" % i for i in range(3000)]
    stored = compress(b"\n".join(lines))
    Path("x").write_bytes(stored)
    packs(lines, "--from=lines", "x")
    packs(lines, "--from=lines", "-", input=stored, stdin=None)
    Path("x").write_bytes(stored[:-9])
    result = arec("pack", "-o", "cut", "--from=lines", "x")
    assert result.code == 5 and re.match(r"arec: x: at \d+: (gzip|zstd|xz) data: ", result.err), result
    assert not os.path.exists("cut")


@pytest.mark.parametrize("store", [bytes, lambda data: gzip.compress(data, mtime=0), zlib.compress],
                         ids=["plain", "gzip", "zlib"])
def test_tfrecord(store):
    stored = store(tfrecord.file_of(RECORDS))
    Path("x.tfrecord").write_bytes(stored)
    packs(RECORDS, "x.tfrecord")
    packs(RECORDS, "--from", "tfrecord", "-", input=stored, stdin=None)
    packs(RECORDS * 2, "--from", "tfrecord", "-", "x.tfrecord", input=stored, stdin=None)


def test_frame_of_cat_is_packed_again():
    Path("x").write_bytes(b"\n".join(RECORDS))
    packs(RECORDS, "--from=lines", "x")
    Path("x.tfrecord").write_bytes(succeeds("cat", "--frame=tfrecord", "out"))
    assert Path("x.tfrecord").read_bytes() == tfrecord.file_of(RECORDS)
    packs(RECORDS, "x.tfrecord")


def test_files():
    for path in ("d/b", "d/a/z", "d/.h", "d/a.x"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_text(path)
    packs([b"d/.h", b"d/a/z", b"d/a.x", b"d/b"], "d")
    packs([b"d/b", b"d/a/z", b"d/b"], "d/b", "d/a", "d/b")
    packs([b"d/.h", b"d/b"], "d", "--exclude", "a*")
    packs([b"d/.h", b"d/a.x", b"d/b"], "d", "--exclude=a/z", "--exclude", "none")
    Path("list").write_text("d/b\n\nd/a\n")
    packs([b"d/.h", b"d/b", b"d/a/z"], "d/.h", "--files-from", "list")
    packs([b"d/b", b"d/a/z"], "--files-from0=-", input=b"d/b\0d/a\0", stdin=None)


def test_nothing_is_a_file_of_0_records():
    os.mkdir("d")
    Path("list").write_text("\n")
    for args in (["d"], ["--files-from", "list"], ["--from=lines", "-"], ["--from=tfrecord", "/dev/null"]):
        packs([], *args)


@pytest.mark.parametrize("options, codec, group", [
    ([], "zstd", 1), (["--options", "group_size:7,brotli:2"], "brotli", 7), (["--group-size=3"], "zstd", 3),
    (["--codec", "snappy", "--group-size", "2", "--options="], "snappy", 2),
    (["--codec=uncompressed", "--options", "group_size:16"], "none", 16),
    (["--transpose", "--group-size=50"], "zstd", 50)], ids=str)
def test_options(options, codec, group):
    Path("x").write_bytes(b"".join(b"%d\n" % i for i in range(100)))
    packs([b"%d" % i for i in range(100)], "--from=lines", "x", *options)
    info = json.loads(succeeds("info", "--json", "out"))[0]
    assert (info["codec"], info["group_size"], info["records"]) == (codec, group, 100)
    assert info["transposed"] == ("--transpose" in options)


def test_the_same_bytes_for_all_threads():
    Path("x").write_bytes(b"".join(b"record %d\n" % (i * i) for i in range(5000)))
    files = set()
    for threads in ("0", "1", "2", "8", "auto"):
        succeeds("pack", "-qfo", "out", "--from=lines", "--group-size=10", "--threads", threads, "x")
        files.add(Path("out").read_bytes())
    assert len(files) == 1


def test_each():
    for i in range(3):
        Path(f"x.tfrecord-0000{i}-of-00003").write_bytes(tfrecord.file_of([b"%d" % i] * i))
    inputs = sorted(map(str, Path().glob("x.*")))
    result = arec("pack", "--json", "--each", "-o", "d", *inputs)
    report = json.loads(result.out)
    names = [f"x.array_record-0000{i}-of-00003" for i in range(3)]
    assert result.code == 0 and sorted(os.listdir("d")) == names, result
    assert [records_of(f"d/{name}") for name in names] == [[], [b"1"], [b"2", b"2"]]
    assert [list(shard) for shard in report["shards"]] == [JSON_KEYS[:-1]] * 3
    assert [(shard["path"], shard["records"]) for shard in report["shards"]] == [(f"d/{name}", i) for i, name in enumerate(names)]
    assert (report["path"], report["records"], report["file_size"]) == ("d", 3, sum(shard["file_size"] for shard in report["shards"]))


def test_each_goes_wrong():
    for name in "abc":
        Path(f"{name}.tfrecord").write_bytes(tfrecord.file_of(RECORDS))
    Path("c.tfrecord").write_bytes(b"")
    fails(2, "-: with --each an input needs a name", "--each", "-o", "d", "--from=lines", "-")
    fails(2, "d/a.array_record: two inputs would become this file", "-q", "--each", "-o", "d", "a.tfrecord", "./a.tfrecord")
    assert not os.path.exists("d")
    succeeds("pack", "-q", "--each", "-o", "d", "b.tfrecord")
    fails(1, "d/b.array_record: exists; -f replaces it", "-q", "--each", "-o", "d", "a.tfrecord", "b.tfrecord")
    assert os.listdir("d") == ["b.array_record"]
    # Each is there as a whole or not at all, and a line reports how many are.
    Path("b.tfrecord").write_bytes(b"version https://git-lfs")
    result = arec("pack", "-qf", "--each", "-o", "d", "a.tfrecord", "b.tfrecord", "c.tfrecord")
    assert result.code == 5 and result.err.startswith("arec: d: 1 of 3 files are done\narec: b.tfrecord: at 0: "), result
    assert sorted(os.listdir("d")) == ["a.array_record", "b.array_record"]
    assert records_of("d/a.array_record") == records_of("d/b.array_record") == RECORDS
    # Inputs are listed before anything is written.
    fails(3, "absent: No such file or directory", "-q", "--each", "-o", "e", "--from=tfrecord", "a.tfrecord", "absent")
    fails(3, "d: is a directory", "-q", "--each", "-o", "e", "--from=tfrecord", "a.tfrecord", "d")
    assert not os.path.exists("e")


THREADS = [1, 2, 3, 8]


def test_each_by_threads():
    """What comes out does not depend on the number of threads."""
    rng = random.Random(1)
    for i in range(12):
        Path(f"{i:02}.jsonl").write_bytes(b"".join(b"%d\n" % rng.getrandbits(64) for _ in range(rng.randrange(2000))))
    inputs, made = sorted(map(str, Path().glob("*.jsonl"))), []
    for n in THREADS:
        result = arec("pack", "-q", "--json", "--each", "-o", f"d{n}", "--group-size=10", f"--threads={n}", *inputs)
        report = json.loads(result.out)
        assert result.code == 0 and report["records"] == sum(shard["records"] for shard in report["shards"]), result
        for part in (report, *report["shards"]):
            del part["seconds"], part["options"]
            part["path"] = os.path.basename(part["path"])
        made.append((report, {name: (Path(f"d{n}") / name).read_bytes() for name in os.listdir(f"d{n}")}))
        report["path"] = None
    assert all(one == made[0] for one in made) and len(made[0][1]) == 12
    assert records_of("d8/03.array_record") == Path("03.jsonl").read_bytes().splitlines()


def test_each_fails_by_threads():
    """The first failure in order of the inputs decides; files before it are there, files after it are not."""
    whole = tfrecord.file_of([bytes(1000)] * 2000)
    for i in range(9):
        Path(f"{i}.tfrecord").write_bytes(whole if i != 4 else whole[:-1])
    Path("6.tfrecord").write_bytes(b"no TFRecord file")
    for n in THREADS:
        result = arec("pack", "-q", "--each", "-o", f"d{n}", f"--threads={n}", *(f"{i}.tfrecord" for i in range(9)))
        assert result.code == 5 and result.err.startswith(f"arec: d{n}: 4 of 9 files are done\narec: 4.tfrecord: at "), result
        assert result.err.count("\n") == 2, result
        assert sorted(os.listdir(f"d{n}")) == [f"{i}.array_record" for i in range(4)]


def test_each_tells_in_order():
    for i in range(6):
        os.makedirs(f"{i}/sub")
        Path(f"{i}/a").write_bytes(b"%d" % i)
        os.symlink("a", f"{i}/link")
    args = ["pack", "--each", "-o", "d", "--from=files", "--store-names", "--write-names=names", *map(str, range(6))]
    for n in THREADS:
        result = arec(*args, "-f", f"--threads={n}")
        lines = result.err.splitlines(keepends=True)
        assert result.code == 0 and len(lines) == 7 and [f"arec: {i}/link" in line for i, line in enumerate(lines[:6])] == [True] * 6, result
        assert Path("names").read_bytes() == b"a\0" * 6
        assert [records_of(f"d/{i}.array_record") for i in range(6)] == [[b"%d" % i] for i in range(6)]


def test_damages_of_each_by_threads():
    for i in range(6):
        file = bytearray(tfrecord.file_of([b"x" * 100] * 50))
        for at in range(i):
            file[116 * at + 12] ^= 1
        Path(f"{i}.tfrecord").write_bytes(file)
    told = set()
    for n in THREADS:
        result = arec("pack", "-qf", "--each", "-o", "d", "--recover", f"--threads={n}", *(f"{i}.tfrecord" for i in range(6)))
        assert result.code == 5 and result.err.count("; skipped\n") == 15, result
        told.add(result.err)
    assert len(told) == 1


def test_damages_of_each():
    files = [bytearray(tfrecord.file_of(RECORDS)) for _ in range(3)]
    for i in (0, 2):
        files[i][12] ^= 1
    for i in range(3):
        Path(f"{i}.tfrecord").write_bytes(files[i])
    result = arec("pack", "--json", "-q", "--each", "-o", "d", "--recover", *(f"{i}.tfrecord" for i in range(3)))
    report = json.loads(result.out)
    assert result.code == 5
    assert [[damage["path"] for damage in part["damages"]] for part in (report, *report["shards"])] == [
        ["0.tfrecord", "2.tfrecord"], ["0.tfrecord"], [], ["2.tfrecord"]]


def test_standard_output():
    """Straight into a pipe; what is reported goes to standard error."""
    Path("x").write_bytes(b"".join(b"%d\n" % i for i in range(10000)))
    succeeds("pack", "-qo", "out", "--from=lines", "x")
    assert succeeds("pack", "-qo", "-", "--from=lines", "x") == Path("out").read_bytes()
    with open("x", "rb") as lines:
        result = arec("pack", "-o", "-", "--json", "--from=lines", "-", stdin=lines)
    assert result.code == 0 and result.out == Path("out").read_bytes()
    report = json.loads(result.err)
    assert (report["path"], report["records"], report["file_size"]) == ("-", 10000, len(result.out))
    result = arec("pack", "-o", "-", "--from=lines", "x")
    assert result.err.startswith("arec: standard output: 10000 records, "), result
    assert sorted(os.listdir()) == ["out", "x"]


def test_no_sync_makes_the_same_file():
    Path("x").write_bytes(b"a\nb\n")
    for args in ([], ["--no-sync"]):
        packs([b"a", b"b"], "--from=lines", "x", *args, out=f"out{len(args)}")
    assert Path("out0").read_bytes() == Path("out1").read_bytes()


# ---- what is reported -------------------------------------------------------------------------


def test_last_line():
    Path("x").write_bytes(b"a\nb\nc\n")
    result = arec("pack", "-o", "out", "--from=lines", "--group-size=2", "x")
    size = os.path.getsize("out")
    assert result.code == 0 and result.out == b""
    assert re.fullmatch(rf"arec: out: 3 records, 3 B in {size / 1024:.1f} KiB \(0\.00\), 2 chunks of 2, "
                        r"\d+\.\d s, \d+\.\d MB/s\n", result.err), result


def test_json():
    os.mkdir("d")
    Path("d/x").write_bytes(b"abc")
    os.symlink("x", "d/y")
    result = arec("pack", "--json", "-o", "out", "d")
    report = json.loads(result.out)
    assert list(report) == JSON_KEYS
    assert result.err == "arec: d/y: a symbolic link, skipped; -L follows it\n"
    assert report.pop("seconds") >= 0
    assert report == {"path": "out", "records": 1, "chunks": 1, "group_size": 1, "codec": "zstd", "transposed": False,
                    "decoded_size": 3, "file_size": os.path.getsize("out"), "options": OPTIONS, "skipped": 1, "damages": [],
                    "shards": []}


@pytest.mark.parametrize("args", [["-oout"], ["-qoout"], ["-fqoout"], ["-qf", "-o", "out"], ["-qfo", "out"]], ids=" ".join)
def test_a_value_beside_its_letter(args):
    Path("x").write_bytes(b"x\n")
    assert arec("pack", *args, "--from=lines", "x").code == 0
    assert records_of("out") == [b"x"]
    assert arec("pack", "-qo=", "--from=lines", "x").code == 0  # as getopt () has it
    assert records_of("=") == [b"x"]


def test_kind_by_name_is_told():
    Path("x.tfrecord").write_bytes(tfrecord.file_of(RECORDS))
    result = arec("pack", "-o", "out", "x.tfrecord")
    assert result.err.startswith("arec: --from=tfrecord is taken, as the names of the inputs end so\narec: out: 3 rec")
    packs([tfrecord.file_of(RECORDS)], "--from=files", "x.tfrecord")


# ---- failures ---------------------------------------------------------------------------------


USAGE = [
    ([], "pack: -o OUT is missing; try 'arec pack --help'"),
    (["x"], "pack: -o OUT is missing; try 'arec pack --help'"),
    (["-o", "out"], "pack: INPUT is missing; try 'arec pack --help'"),
    (["-o", "out", "--from=file", "x"], "--from: invalid value: file, expected files, lines, jsonl, tfrecord, tar, "
                                        "webdataset, array_record, riegeli"),
    (["-o", "out", "-"], "-: standard input is no file; --from says what a record of it is"),
    (["-o", "out", "--from=lines", "-", "-"], "-: standard input is read once"),
    (["-o", "out", "--from=lines", "-", "--files-from=-"], "-: standard input is read once"),
    (["-o", "out", "x", "-0"], "-0: has no meaning with --from=files"),
    (["-o", "out", "x", "--recover"], "--recover: has no meaning with --from=files"),
    (["-o", "out", "x", "--from=lines", "-L"], "-L: has no meaning with --from=lines"),
    (["-o", "out", "x", "--from=tfrecord", "--exclude", "y"], "--exclude: has no meaning with --from=tfrecord"),
    (["-o", "out", "x", "--group-size=0"], "--group-size: invalid value: 0, expected a number in [1..2147483647]"),
    (["-o", "out", "x", "--threads=-1"], "--threads: invalid value: -1, expected auto or a number in [0..1024]"),
    (["-o", "out", "x", "--codec=lzma"],
     "--codec: invalid value: lzma, expected uncompressed, brotli[:LEVEL], zstd[:LEVEL] or snappy"),
    (["-o", "out", "x", "--codec=zstd,transpose"],
     "--codec: invalid value: zstd,transpose, expected uncompressed, brotli[:LEVEL], zstd[:LEVEL] or snappy"),
    (["-o", "out", "x", "--options=group_size:2", "--group-size=2"],
     "--options: Option group_size is present more than once"),
    (["-o", "out", "x", "--options=brotli", "--codec=zstd"], "--options: Option zstd conflicts with option brotli"),
]


@pytest.mark.parametrize("args, err", USAGE, ids=[" ".join(args) for args, _ in USAGE])
def test_wrong_command_lines(args, err):
    Path("x").write_bytes(b"x\n")
    fails(2, err, *args)
    assert not os.path.exists("out")


def test_inputs_that_cannot_be_opened():
    os.mkdir("d")
    Path("x").write_bytes(b"x\n")
    os.mkfifo("d/fifo")
    for args, err in (
            (["x", "absent"], "absent: No such file or directory"),
            (["x", "d/fifo"], "d/fifo: is a FIFO, neither a file nor a directory"),
            (["--from=lines", "x", "d"], "d: is a directory"),
            (["--from=lines", "x", "absent"], "absent: No such file or directory"),
            (["--files-from", "absent", "x"], "absent: No such file or directory")):
        fails(3, err, "-o", "out", *args)
    assert sorted(os.listdir()) == ["d", "x"]


def test_existing_output():
    Path("x").write_bytes(b"x\n")
    Path("out").write_bytes(b"old")
    fails(1, "out: exists; -f replaces it", "-o", "out", "--from=lines", "x")
    fails(1, "out: exists; -f replaces it", "-qo", "out", ".")
    fails(1, "out: exists; -f replaces it", "-o", "out", "--from=lines", "absent")  # before any input is opened
    assert Path("out").read_bytes() == b"old"
    packs([b"x"], "--from=lines", "x")
    # The output below an input is none of it.
    packs([b"x\n"], ".", "--exclude=out2")
    result = arec("pack", "-fo", "out", ".")
    assert result.code == 0 and result.err.startswith("arec: ./out: is the output, skipped\n"), result
    assert not leftovers()


def test_the_file_behind_a_descriptor_is_no_input():
    Path("d").mkdir()
    Path("d/a").write_bytes(b"a\n")
    with open("d/out", "wb") as out:
        assert arec("pack", "-qo", "-", "d", stdout=out).code == 0
    assert records_of("d/out") == [b"a\n"]
    with open("d/a", "ab") as out:
        fails(2, "d/a: is the output", "-qo", "-", "--from=lines", "d/a", stdout=out)
        with open("d/a", "rb") as standard_input:
            fails(2, "standard input: is the output", "-qo", "-", "--from=lines", "-", stdin=standard_input, stdout=out)
    assert Path("d/a").read_bytes() == b"a\n"
    # A file of that name is not what the option means.
    Path("-").write_bytes(b"b\n")
    Path("out").write_bytes(succeeds("pack", "-qo", "-", "./-"))
    assert records_of("out") == [b"b\n"]


def test_a_file_above_the_limit_is_refused_before_it_is_read():
    Path("d").mkdir()
    Path("d/a").write_bytes(b"a")
    with open("d/big", "wb") as big:
        big.truncate(1 << 40)
    result = arec("pack", "-qo", "out", "d")
    assert result.code == 1 and re.match(r"arec: d/big: 1099511627776 bytes, a record may have \d+\n", result.err), result
    assert os.listdir() == ["d"]


def test_damaged_tfrecord():
    file = bytearray(tfrecord.file_of(RECORDS))
    file[12] ^= 1
    found, expected = (struct.unpack("<I", data)[0] for data in (file[17:21], tfrecord.masked(bytes(file[12:17]))))
    reason = f"data CRC is {found:08x}, should be {expected:08x}, of 5 bytes"
    Path("x.tfrecord").write_bytes(file)
    fails(5, f"x.tfrecord: at 0: {reason}", "-qo", "out", "x.tfrecord")
    assert not os.path.exists("out")
    result = arec("pack", "-qo", "out", "--recover", "x.tfrecord")
    assert (result.code, result.err) == (5, f"arec: x.tfrecord: at 0: {reason}; skipped\n"), result
    assert records_of("out") == RECORDS[1:]
    result = arec("pack", "-qfo", "out", "--recover", "--json", "x.tfrecord")
    report = json.loads(result.out)
    assert (result.code, report["damages"]) == (5, [{"path": "x.tfrecord", "offset": 0, "reason": reason}]), result
    file[21] ^= 1  # the length of the second
    Path("x.tfrecord").write_bytes(file)
    result = arec("pack", "-qfo", "out2", "--recover", "x.tfrecord")
    assert result.code == 5 and "\narec: x.tfrecord: at 21: length CRC is " in result.err, result
    assert not os.path.exists("out2")


def test_what_is_no_tfrecord():
    Path("x.tfrecord").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    result = arec("pack", "-qo", "out", "x.tfrecord")
    assert result.code == 5 and result.err.startswith("arec: x.tfrecord: at 0: length CRC is "), result
    assert os.listdir() == ["x.tfrecord"]


def test_offset_in_compressed_input():
    file = bytearray(tfrecord.file_of(RECORDS))
    file[21] ^= 1
    Path("x.tfrecord.gz").write_bytes(gzip.compress(file))
    result = arec("pack", "-qo", "out", "x.tfrecord.gz")
    assert result.code == 5
    assert result.err.startswith("arec: x.tfrecord.gz: at 21 of the decompressed bytes: length CRC is "), result


def feed(process, data):
    """Gives @data to the program, one byte at a time."""
    for byte in data:
        os.write(process.stdin.fileno(), bytes([byte]))
    process.stdin.close()


@pytest.mark.parametrize("kind, records, data", [
    ("lines", [b"a", b"", b"bc"], b"a\n\nbc"),
    ("lines", [b"a", b"bc"], gzip.compress(b"a\nbc\n")),
    ("tfrecord", RECORDS, tfrecord.file_of(RECORDS)),
    ("tfrecord", RECORDS, zlib.compress(tfrecord.file_of(RECORDS)))], ids=str)
def test_one_byte_at_a_time(kind, records, data):
    process = subprocess.Popen([AREC, "pack", "-qo", "out", "--from", kind, "-"], stdin=subprocess.PIPE, bufsize=0)
    feed(process, data)
    assert process.wait(60) == 0
    assert records_of("out") == records


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_interrupt_leaves_nothing(number):
    Path("out").write_bytes(b"old")
    process = subprocess.Popen([AREC, "pack", "-fo", "out", "--from=lines", "-"], stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0)
    # More than the pipe holds: when all is written, some of it has been read.
    os.write(process.stdin.fileno(), b"line\n" * 100_000)
    process.send_signal(number)
    assert process.wait(60) == 1
    assert process.stderr.read() == b"arec: interrupted\n"
    process.stdin.close()
    process.stderr.close()
    assert os.listdir() == ["out"] and Path("out").read_bytes() == b"old"


def test_memory_of_encoders_is_bounded():
    """Groups of this size take 34 MB each by this codec, beside their records: 8 at once are 270 MB."""
    process = subprocess.Popen([AREC, "pack", "-qo", "out", "--from=lines", "--codec=brotli:9", "--group-size=64",
                                "--limit-memory=64M", "--threads=8", "-"], stdin=subprocess.PIPE)
    rng = random.Random(1)
    words = [b"%x" % rng.getrandbits(rng.randrange(4, 32)) for _ in range(3000)]
    for _ in range(8):
        process.stdin.write(b"".join(b" ".join(rng.choices(words, k=700)) + b"\n" for _ in range(200)))
    process.stdin.flush()
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.stdin.close()
    assert process.wait(60) == 0
    if not os.environ.get("AREC_SANITIZE"):
        assert int(re.search(r"VmHWM:\s+(\d+)", status)[1]) < 128 * 1024


def peak_of_packing(limit):
    """KiB of memory that arec has used after a stream of 100 MB, in groups of 4 MB that eight threads may encode."""
    process = subprocess.Popen([AREC, "pack", "-qfo", "out", "--from=lines", "--codec=uncompressed", "--group-size=4000",
                                f"--limit-memory={limit}", "--threads=8", "-"], stdin=subprocess.PIPE)
    block = (b"x" * 999 + b"\n") * 1000
    for _ in range(100):
        process.stdin.write(block)
    process.stdin.flush()
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.stdin.close()
    assert process.wait(60) == 0
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1])


def test_memory_is_bounded_by_the_limit():
    """Groups wait for the caller, however fast they are encoded, unless the limit is reached."""
    limited, unlimited = peak_of_packing("1M"), peak_of_packing("1G")
    if not os.environ.get("AREC_SANITIZE"):
        assert limited < 40 * 1024 < 64 * 1024 < unlimited
