"""--timing: which phases each command has, that their sums are sound, and that nothing else changes.

Times are compared only with each other, as they are printed; never with what work should take.
"""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from program import AREC, arec, records_of, succeeds  # noqa: E402

import tfrecord  # noqa: E402

HEADER = f"{'thread':12}{'phase':17}{'seconds':>12}{'share':>9}"
ROW = re.compile(r"(caller|worker \d+)? *([a-z_]+) +(\d+\.\d{6}) +(\d+\.\d) %")
RECORDS = [b"record %d " % i * 20 for i in range(200)]
INPUT = tfrecord.file_of(RECORDS)
# What is printed is rounded.
SECONDS, SHARE = 1e-6, 0.1


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x.tfrecord").write_bytes(INPUT)
    return tmp_path


def make(out="in", *args):
    succeeds("pack", "-qo", out, "--from=tfrecord", "--group-size=10", *args, "x.tfrecord")


def check_sums(threads):
    """@threads: for each its phases, and what is said of all together. A phase that is listed was entered; the printed
    sum is that of the printed times, and no thread was longer there than the one that runs the command."""
    assert threads[0][0] == "caller" and [name for name, *_ in threads[1:]] == sorted(name for name, *_ in threads[1:])
    for _, phases, total in threads:
        assert abs(sum(phases.values()) - total) <= SECONDS * (len(phases) + 1), threads
        assert total <= threads[0][2] + SECONDS, threads


def table_of(err):
    """{thread: its phases} of the only table in @err, and the lines after it."""
    lines = err.splitlines()
    assert lines.count(HEADER) == 1 and lines[0] == HEADER, err
    threads, rest = [], lines[1:]
    while rest and (row := ROW.fullmatch(rest[0])):
        thread, phase, seconds, share = row[1], row[2], float(row[3]), float(row[4])
        if thread:
            threads.append([thread, {}, None])
            shares = 0
        if phase == "total":
            assert share == 100.0 and abs(shares - share) <= SHARE * (len(threads[-1][1]) + 1), err
            threads[-1][2] = seconds
        else:
            assert threads[-1][2] is None and phase not in threads[-1][1], err
            threads[-1][1][phase] = seconds
            shares += share
        rest = rest[1:]
    check_sums(threads)
    return {thread: phases for thread, phases, _ in threads}, rest


def counters_of(timing):
    """The same of the JSON object @timing."""
    assert list(timing) == ["threads"]
    threads = [[thread.pop("thread"), thread, thread.pop("seconds")] for thread in map(dict, timing["threads"])]
    check_sums(threads)
    return {thread: phases for thread, phases, _ in threads}


def keys(threads):
    return {thread: list(phases) for thread, phases in threads.items()}


def timed(*args, code=0, **options):
    """Runs a command with --timing; returns its table, the lines after it, and its output."""
    result = arec(*args, "--timing", **options)
    assert result.code == code, result
    table, rest = table_of(result.err)
    return table, rest, result.out


# ---- commands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("codec, phases", [
    ("uncompressed", set()), ("zstd", {"encoding_zstd"}), ("brotli:1", {"encoding_brotli"}),
    ("snappy", {"encoding_snappy"})])
@pytest.mark.parametrize("transpose", [[], ["--transpose"]], ids=["simple", "transposed"])
def test_pack(codec, phases, transpose):
    table, rest, out = timed("pack", "-o", "out", "--from=tfrecord", "--threads=1", "--group-size=10", f"--codec={codec}", *transpose, "x.tfrecord")
    assert set(table) == {"caller"}
    assert set(table["caller"]) == {"other", "reading", "parsing", "encoding", "hashing", "writing", "syncing"} | phases
    assert len(rest) == 1 and rest[0].startswith("arec: out: 200 records") and out == b""
    assert records_of("out") == RECORDS


@pytest.mark.parametrize("kind, data, phases", [
    ("lines", b"a\nb\n", {"reading"}),
    ("lines", gzip.compress(b"a\nb\n"), {"reading", "decoding"}),
    ("jsonl", b"1\n", {"reading"}),
    ("files", b"a", {"reading"})], ids=["lines", "gzip", "jsonl", "files"])
def test_inputs(kind, data, phases):
    Path("x").write_bytes(data)
    table, rest, _ = timed("pack", "-qo", "out", f"--from={kind}", "--no-sync", "x")
    assert rest == []
    assert phases <= set(table["caller"]) and "syncing" not in table["caller"]


def test_input_that_is_array_record():
    make()
    table, rest, _ = timed("pack", "-qo", "out", "--from=array_record", "in")
    assert {"reading", "decoding", "decoding_zstd", "encoding_zstd"} <= {phase for phases in table.values() for phase in phases}
    assert records_of("out") == RECORDS


def test_threads():
    """Batches of 64 KiB go to a second thread, or the caller takes them while it waits."""
    table, _, _ = timed("pack", "-qo", "out", "--from=tfrecord", "--threads=3", "x.tfrecord")
    assert {"caller", "worker 1", "worker 2"} == set(table)
    assert "waiting_encoding" in table["caller"] and "waiting_work" in table["worker 1"]
    assert "encoding_zstd" in {phase for phases in table.values() for phase in phases}


def test_convert():
    make()
    table, rest, _ = timed("convert", "-qo", "out", "--threads=1", "--codec=snappy", "in")
    assert rest == [] and set(table) == {"caller"}
    assert {"reading", "decoding", "decoding_zstd", "encoding", "encoding_snappy", "hashing", "writing", "syncing"} <= set(table["caller"])
    assert records_of("out") == RECORDS


def test_convert_that_copies():
    make()
    table, _, _ = timed("convert", "-qo", "out", "in")
    assert {"reading", "hashing", "writing"} <= set(table["caller"])
    assert Path("out").read_bytes() == Path("in").read_bytes()


def test_cat():
    make()
    for args in (["in"], ["in", "3:150"], ["in", "199"], ["--threads=0", "in"]):
        table, rest, out = timed("cat", *args)
        assert rest == [] and out == succeeds("cat", *args)
        phases = {phase for phases in table.values() for phase in phases}
        assert "writing" in table["caller"] and {"reading", "hashing", "decoding", "decoding_zstd"} <= phases


def test_verify():
    make()
    table, rest, out = timed("verify", "in", "in", code=0)
    assert rest == [] and out == succeeds("verify", "in", "in")
    assert "reading" in table["caller"]
    assert {"decoding", "decoding_zstd", "hashing"} <= {phase for phases in table.values() for phase in phases}


def test_damage_that_verify_reports():
    make()
    data = bytearray(Path("in").read_bytes())
    data[1000] ^= 1
    Path("in").write_bytes(data)
    _, rest, out = timed("verify", "in", code=5)
    assert rest == [] and out == arec("verify", "in").out


# ---- outputs ----------------------------------------------------------------------------------


def test_standard_output():
    make("out", "--threads=1")
    table, rest, out = timed("pack", "-o", "-", "--from=tfrecord", "--group-size=10", "x.tfrecord")
    assert out == Path("out").read_bytes()
    assert "writing" in table["caller"] and "syncing" not in table["caller"]
    assert len(rest) == 1 and rest[0].startswith("arec: standard output: 200 records")


@pytest.mark.parametrize("args, n", [
    (["pack", "--each", "-o", "out", "x.tfrecord", "y.tfrecord"], 2),
    (["pack", "--shards=3", "-o", "out", "x.tfrecord"], 3),
    (["pack", "--shard-records=100", "-o", "out", "x.tfrecord"], 2),
    (["convert", "--each", "--codec=zstd:1", "-o", "out", "in", "in2"], 2),
    (["convert", "--in-place", "--codec=zstd:1", "in", "in2"], 2),
    (["convert", "--shards=2", "--codec=zstd:1", "-o", "out", "in"], 2)], ids=lambda arg: " ".join(arg[:2]) if isinstance(arg, list) else "")
def test_several_files(args, n):
    Path("y.tfrecord").write_bytes(tfrecord.file_of(RECORDS[:20]))
    make()
    make("in2")
    table, _, _ = timed(*args, "-q")
    # Any thread may make a file.
    assert {"encoding_zstd", "hashing", "writing", "syncing"} <= {phase for phases in table.values() for phase in phases}
    assert len(list(Path().glob("out*/*")) + list(Path().glob("out-*"))) == (0 if "--in-place" in args else n)


# ---- JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [
    ["pack", "--from=tfrecord", "--threads=1", "-o", "out", "x.tfrecord"],
    ["pack", "--from=tfrecord", "--each", "-o", "out", "x.tfrecord"],
    ["pack", "--from=tfrecord", "--shards=2", "-o", "out", "x.tfrecord"],
    ["convert", "--codec=snappy", "-o", "out", "in"],
    ["convert", "--codec=snappy", "--in-place", "in"]], ids=lambda args: " ".join(args[:3]))
def test_json(args):
    make()
    result = arec(*args, "-v", "--json", "--timing")
    table, rest = table_of("\n".join(result.err.splitlines()[result.err.splitlines().index(HEADER):]))
    report = json.loads(result.out)
    assert list(report)[-1] == "timing" and keys(counters_of(report["timing"])) == keys(table)
    assert all("timing" not in shard for shard in report["shards"])


def test_json_of_verify():
    """Each file has its own counters, which are in the table together, with the writing of the report."""
    make()
    make("in2")
    result = arec("verify", "-v", "--json", "--timing", "in", "in2")
    table, rest = table_of("\n".join(line for line in result.err.splitlines() if not line.startswith("arec: ")))
    files = [counters_of(report["timing"]) for report in json.loads(result.out)]
    assert len(files) == 2 and rest == []
    for thread, phases in table.items():
        for phase in phases.keys() - {"other", "writing"}:
            parts = [file.get(thread, {}).get(phase, 0) for file in files]
            assert sum(parts) <= phases[phase] + SECONDS * 3, (thread, phase)
    assert all({"reading", "decoding_zstd"} <= {phase for phases in file.values() for phase in phases} for file in files)


def test_json_of_a_file_that_cannot_be_opened():
    Path("none").write_bytes(b"x" * 100)
    result = arec("verify", "-v", "--json", "none")
    (report,) = json.loads(result.out)
    assert (result.code, report["ok"], report["records"]) != (0, True, None) and "caller" in counters_of(report["timing"])


def test_json_to_standard_error():
    """The table first, then the report: standard output is the file."""
    result = arec("pack", "--from=tfrecord", "-v", "--json", "--timing", "--threads=1", "-o", "-", "x.tfrecord")
    at = result.err.index("{")
    table, rest = table_of(result.err[:at])
    assert rest == [] and keys(counters_of(json.loads(result.err[at:])["timing"])) == keys(table)


@pytest.mark.parametrize("args", [["--json"], ["-v"], ["-v", "--json"], ["--json", "--timing"]], ids=" ".join)
def test_only_what_is_asked(args):
    make()
    for command in (["pack", "--from=tfrecord", "-fo", "out", "x.tfrecord"], ["convert", "-fo", "out", "in"], ["verify", "in"]):
        result = arec(*command, *args)
        assert result.code == 0
        assert (HEADER in result.err) == ("--timing" in args)
        assert (b'"timing"' in result.out) == (args == ["-v", "--json"])


# ---- failures ---------------------------------------------------------------------------------


def test_failure_has_no_table():
    make()
    data = bytearray(INPUT)
    data[500] ^= 1
    Path("bad").write_bytes(data)
    damaged = bytearray(Path("in").read_bytes())
    damaged[1000] ^= 1
    Path("damaged").write_bytes(damaged)
    for args, code in ((["pack", "-o", "out", "--from=tfrecord", "bad"], 5), (["pack", "-o", "in", "--from=tfrecord", "x.tfrecord"], 1),
                       (["convert", "--codec=snappy", "-o", "out", "damaged"], 5), (["cat", "damaged"], 5), (["cat", "none"], 3)):
        result, plain = arec(*args, "--timing"), arec(*args)
        assert (result.code, result.err, result.out) == (code, plain.err, plain.out), result
        assert result.err.count("\n") == 1
    with open("/dev/full", "wb") as full:
        result = arec("cat", "--timing", "in", stdout=full)
    assert result.code == 1 and result.err.startswith("arec: standard output: ") and HEADER not in result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_interrupt_has_no_table(number):
    process = subprocess.Popen([AREC, "pack", "--timing", "-o", "out", "--from=lines", "-"], stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0)
    # More than the pipe holds: when all is written, some of it has been read.
    os.write(process.stdin.fileno(), b"line\n" * 100_000)
    process.send_signal(number)
    assert process.wait(60) == 1
    assert process.stderr.read() == b"arec: interrupted\n"
    process.stdin.close()
    process.stderr.close()
    assert not os.path.exists("out")


@pytest.mark.parametrize("command", ["info", "ls", "repair", "unpack", "stats"])
def test_commands_without_it(command):
    result = arec(command, "--timing", "x")
    assert (result.code, result.out) == (2, b"") and "--timing" in result.err, result
