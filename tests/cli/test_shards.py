"""arec pack --shards and the like: which records are in which file, names, reports, and all files or none."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from failing_device import FailingDevice  # noqa: E402
from program import AREC, arec, succeeds  # noqa: E402

import tfrecord  # noqa: E402

LINES = [b"%d" % i for i in range(100)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tests run in a folder of their own, so that messages name plain files."""
    monkeypatch.chdir(tmp_path)
    Path("x").write_bytes(b"".join(line + b"\n" for line in LINES))
    Path("x.tfrecord").write_bytes(tfrecord.file_of(LINES))
    return tmp_path


def records_of(path):
    return succeeds("cat", "-n", path).splitlines()


def outputs():
    return sorted(name for name in os.listdir() if name.startswith(("out", ".arec-")))


def shards(*args, err=""):
    """Packs, and returns the records of each file by its name."""
    for name in outputs():
        os.unlink(name)
    succeeds("pack", "-qo", "out.array_record", *args, err=err)
    return {name: records_of(name) for name in outputs()}


def fails(code, err, *args, **options):
    result = arec("pack", "-qo", "out", *args, **options)
    assert (result.code, result.err, result.out) == (code, f"arec: {err}\n", b""), result


def test_even():
    for n in (1, 3, 7, 100, 130):
        made = shards("x.tfrecord", "--from=tfrecord", f"--shards={n}", "--group-size=3")
        assert list(made) == [f"out.array_record-{i:05}-of-{n:05}" for i in range(n)]
        assert list(made.values()) == [[line for i, line in enumerate(LINES) if i * n // 100 == k] for k in range(n)]
    assert b"\n".join(LINES) + b"\n" == succeeds("cat", "-n", "out.array_record@130")


def test_even_of_files():
    os.mkdir("d")
    for i in range(10):
        Path(f"d/{i}").write_bytes(b"%d" % i)
    made = shards("d", "--shards=3")
    assert list(made.values()) == [[b"0", b"1", b"2", b"3"], [b"4", b"5", b"6"], [b"7", b"8", b"9"]]
    with open("x.tfrecord", "rb") as stdin:
        succeeds("pack", "-qo", "out2", "--from=tfrecord", "-", "--shards=4", stdin=stdin)
    assert records_of("out2@4") == LINES


def test_round_robin():
    made = shards("--from=lines", "x", "--shards=7", "--round-robin", "--group-size=4")
    assert list(made.values()) == [LINES[k::7] for k in range(7)]


def test_by_records():
    made = shards("--from=lines", "x", "--shard-records=30", "--group-size=7", "--shard-suffix")
    assert {name: len(records) for name, records in made.items()} == {
        f"out-0000{i}-of-00004.array_record": n for i, n in enumerate([30, 30, 30, 10])}
    assert [line for records in made.values() for line in records] == LINES
    assert len(shards("--from=lines", "x", "--shard-records=100")) == 1
    assert list(shards("--from=lines", "/dev/null", "--shard-records=5").values()) == [[]]


def test_by_size_at_the_end_of_a_group():
    found = shards("--from=lines", "x", "--shard-size=512", "--group-size=3", "--codec=uncompressed")
    assert len(found) > 2 and [line for records in found.values() for line in records] == LINES
    assert all(len(records) % 3 == 0 for records in list(found.values())[:-1])


@pytest.mark.parametrize("rule", [["--shards=7"], ["--shards=7", "--round-robin"], ["--shard-size=700"], ["--shard-records=9"]],
                         ids=" ".join)
def test_same_bytes(rule):
    """In two runs, and for every number of threads, also with names."""
    os.mkdir("d")
    for line in LINES:
        Path(f"d/{line.decode():0>3}").write_bytes(line * 20)
    made = []
    for threads in ("1", "1", "2", "8"):
        found = shards("--store-names", "d", *rule, "--group-size=3", "--threads", threads)
        made.append({name: Path(name).read_bytes() for name in found})
    assert len(made[0]) > 2 and all(other == made[0] for other in made)


@pytest.mark.parametrize("rule", [["--shards=3"], ["--shards=3", "--round-robin"], ["--shard-size=700"], ["--shard-records=4"],
                                  ["--shards=12"]], ids=" ".join)
def test_each_shard_keeps_the_names_of_its_records(rule):
    os.mkdir("d")
    for i in range(10):
        Path(f"d/file-{i}").write_bytes(b"file-%d" % i)
    made = shards("--store-names", "--write-names=names", "d", *rule)
    for name, records in made.items():
        listed = [json.loads(line) for line in succeeds("ls", "--json", name).splitlines()]
        assert [record.get("name") for record in listed] == [record.decode() for record in records]
    assert sorted(record for records in made.values() for record in records) == sorted(os.listdir(b"d"))
    assert Path("names").read_bytes() == b"".join(b"file-%d\0" % i for i in range(10))
    before = {name: Path(name).read_bytes() for name in made}
    for name in made:
        result = arec("pack", "-fqo", "out.array_record", f"--write-names=d/../{name}", "d", *rule)
        assert result.code == 2 and result.err == f"arec: d/../{name}: --write-names: is the output itself\n", result
    assert {name: Path(name).read_bytes() for name in outputs()} == before


def test_reports():
    result = arec("pack", "--json", "-o", "out", "--from=tfrecord", "x.tfrecord", "--shards=3")
    report = json.loads(result.out)
    assert result.code == 0 and report["path"] == "out" and report["records"] == 100
    assert [(shard["path"], shard["records"]) for shard in report["shards"]] == [
        ("out-00000-of-00003", 34), ("out-00001-of-00003", 33), ("out-00002-of-00003", 33)]
    assert report["file_size"] == sum(os.path.getsize(shard["path"]) for shard in report["shards"])
    assert [list(shard) for shard in report["shards"]] == [list(report)[:-1]] * 3
    result = arec("pack", "-fvo", "out", "--from=lines", "x", "--shard-records=50")
    assert re.fullmatch(r"arec: shards of an earlier set are still there: out-00000-of-00003, out-00001-of-00003, "
                        r"out-00002-of-00003\narec: out-00000-of-00002: 50 records, .*\narec: out-00001-of-00002: 50 .*\n"
                        r"arec: out: 100 records, .*, 100 chunks of 1, 2 shards, .*\n", result.err), result


def test_existing_shards():
    """They are refused before anything is read: the length of the first record is damaged."""
    Path("out-00001-of-00003").write_bytes(b"old")
    Path("bad.tfrecord").write_bytes(bytes(100))
    fails(1, "out-00001-of-00003: exists; -f replaces it", "bad.tfrecord", "--shards=3")
    fails(1, "out-00001-of-00003: exists; -f replaces it", "--from=tfrecord", "bad.tfrecord", "--shard-size=3")
    fails(1, "out-00001-of-00003: exists; -f replaces it", "--from=lines", "x", "--shard-records=50")
    assert outputs() == ["out-00001-of-00003"] and Path("out-00001-of-00003").read_bytes() == b"old"
    os.chmod("out-00001-of-00003", 0o600)
    succeeds("pack", "-qfo", "out", "x.tfrecord", "--shards=3")
    assert records_of("out@3") == LINES and os.stat("out-00001-of-00003").st_mode & 0o777 == 0o600
    # Shards below an input are none of it.
    result = arec("pack", "-fo", "out", ".", "--shards=3")
    assert result.code == 0 and len(records_of("out@3")) >= 2 and "and 2 more: are the output, skipped" in result.err


@pytest.mark.parametrize("args, err", [
    (["--from=lines", "x", "--shards=2"], "--shards: how many records come is not known before the end; --shard-size, "
                                          "--shard-records and --round-robin do without"),
    (["x", "--shards=0"], "--shards: invalid value: 0, expected a number in [1..999999999]"),
    (["x", "--shard-size=x"], "--shard-size: "),
    (["x", "--shards=2", "--shard-size=1M"], "--shard-size: excludes --shards"),
    (["x", "--shard-records=2", "--shard-size=1M"], "--shard-records: excludes --shard-size"),
    (["x", "--round-robin"], "--round-robin: has no meaning without --shards"),
    (["x", "--shard-suffix"], "--shard-suffix: has no meaning without --shards, --shard-size or --shard-records"),
    (["x", "--each", "--shards=2"], "--shards: has no meaning with --each"),
], ids=str)
def test_wrong_command_lines(args, err):
    result = arec("pack", "-qo", "out", *args)
    assert result.code == 2 and result.err.startswith(f"arec: {err}"), result
    assert outputs() == []


def test_standard_output_has_no_shards():
    result = arec("pack", "-qo", "-", "x", "--shards=1")
    assert result.code == 2 and result.out == b"" and result.err.startswith("arec: -: is no name "), result


def test_damaged_length_is_found_before_anything_is_written():
    file = bytearray(Path("x.tfrecord").read_bytes())
    file[17] ^= 1
    Path("x.tfrecord").write_bytes(file)
    result = arec("pack", "-qo", "out", "x.tfrecord", "--shards=2")
    assert result.code == 5 and result.err.startswith("arec: x.tfrecord: at 17: length CRC is "), result
    assert outputs() == []


def damaged(*numbers):
    """x.tfrecord with another byte in each of the records @numbers."""
    file = bytearray(Path("x.tfrecord").read_bytes())
    at = 0
    for i, line in enumerate(LINES):
        if i in numbers:
            file[at + 12] ^= 1
        at += 16 + len(line)
    Path("x.tfrecord").write_bytes(file)


def recovered(*args, err):
    for name in outputs():
        os.unlink(name)
    result = arec("pack", "-qo", "out", "--recover", *args)
    assert result.code == 5 and re.fullmatch(err, result.err), result
    return [records_of(name) for name in outputs()]


def test_recover_leaves_the_last_shards_smaller():
    """Records are counted by their headers, so those that are skipped are missing at the end."""
    damaged(0, 1, 2, 50, 99)
    kept = [line for i, line in enumerate(LINES) if i not in (0, 1, 2, 50, 99)]
    err = r"(arec: x.tfrecord: at \d+: data CRC is .*; skipped\n){5}"
    for n, sizes in [(3, [34, 33, 28]), (50, [2] * 47 + [1, 0, 0]), (1, [95])]:
        made = recovered("x.tfrecord", f"--shards={n}", err=err)
        assert [record for records in made for record in records] == kept
        assert [len(records) for records in made] == sizes
    assert [len(records) for records in recovered("x.tfrecord", "--shards=3", "--round-robin", err=err)] == [32, 32, 31]


def test_recover_of_a_file_that_is_cut_off():
    """What is cut off was not counted."""
    whole = Path("x.tfrecord").read_bytes()
    for cut in (1, 15, 17):
        Path("x.tfrecord").write_bytes(whole[:-cut])
        made = recovered("x.tfrecord", "--shards=4", err=r"arec: x.tfrecord: at \d+: the file ends after .*; skipped\n")
        assert [len(records) for records in made] == [25, 25, 25, 24]
    Path("x.tfrecord").write_bytes(whole[:-1] + bytes(1) + whole)
    result = arec("pack", "-fqo", "out", "--recover", "x.tfrecord", "--shards=4")
    assert result.code == 5 and "data CRC" in result.err, result


ALL_OR_NONE = [(call, nth) for call in ("fsync", "link", "write") for nth in (1, 2, 3)] + [("sync-folder", 1)]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("call, nth", ALL_OR_NONE)
@pytest.mark.parametrize("old", [False, True])
def test_all_or_none(call, nth, number, old, tmp_path):
    """A full disk and others: the shards that were there stay as they were."""
    device = FailingDevice(tmp_path)
    for name in ("out-00000-of-00003", "out-00001-of-00003") if old else ():
        Path(name).write_bytes(b"old")
    before = outputs()
    with device.output_fails(call, number, nth):
        result = arec("pack", "-fqo", "out", "x.tfrecord", "--shards=3", env={**os.environ, **device.environment})
    assert device.hits(call) > 0
    assert result.code == 1 and os.strerror(number) in result.err and result.err.count("\n") == 1, result
    assert outputs() == before and all(Path(name).read_bytes() == b"old" for name in before)


def shards_in_work(process):
    """Files of this folder that the process has open."""
    folder = f"/proc/{process.pid}/fd"
    return sum(os.readlink(f"{folder}/{fd}").startswith(f"{os.getcwd()}/") for fd in os.listdir(folder))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name)
def test_a_signal_leaves_no_shard(number):
    """It comes when some shards are complete."""
    process = subprocess.Popen([AREC, "pack", "-o", "out", "--from=lines", "--shard-records=1000", "--threads=1", "-"],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    os.write(process.stdin.fileno(), b"line\n" * 20_000)
    deadline = time.monotonic() + 60
    while shards_in_work(process) < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait(60) == (-signal.SIGKILL if number == signal.SIGKILL else 1)
    assert process.stderr.read() == (b"" if number == signal.SIGKILL else b"arec: interrupted\n")
    process.stdin.close()
    process.stderr.close()
    assert outputs() == []


def test_more_shards_than_descriptors():
    """Those that are complete wait for their names without one."""
    succeeds("pack", "-qo", "out", "--from=tfrecord", "x.tfrecord", "--shards=90", preexec_fn=lambda: __import__(
        "resource").setrlimit(__import__("resource").RLIMIT_NOFILE, (40, 40)))
    assert records_of("out@90") == LINES and len(outputs()) == 90
