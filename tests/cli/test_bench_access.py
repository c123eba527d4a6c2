"""arec bench access: its rows, what they count, and failures. Times are never compared."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.dom.minidom
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from program import AREC, arec, succeeds  # noqa: E402

import golden  # noqa: E402

ACCESSES = ["sequential", "random", "batch"]
ROW_KEYS = ["access", "profile", "time_s", "time_mean_s", "time_spread", "outliers", "cpu_s", "cpu_percent", "rss_mb",
            "rss_delta_mb", "records", "bytes", "records_s", "mb_s", "mean_us", "p50_us", "p99_us", "max_us",
            "chunks_decoded", "bytes_read"]
DISTURBED = re.compile(r"arec: other processes took [\d.]+ of \d+ CPUs meanwhile: the times say little\n")
N_RECORDS, GROUP_SIZE = 3000, 50


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def file(folder):
    Path("lines").write_text("".join(f"line {i} of some length\n" for i in range(N_RECORDS)))
    succeeds("pack", "-q", "-o", "x.array_record", "--from=lines", f"--group-size={GROUP_SIZE}", "lines")
    os.unlink("lines")
    return "x.array_record"


def bench(*args, err=""):
    """Standard output as text; a word about other load is none of ours."""
    result = arec("bench", "access", *args)
    assert result.code == 0 and re.fullmatch(err, DISTURBED.sub("", result.err)), result
    return result.out.decode()


def measured(*args):
    return json.loads(bench("--json", *args))


def test_table(file):
    lines = bench(file).splitlines()
    assert lines[0].split() == ("access time s CPU % RSS MB d RSS records/s MB/s p50 us p99 us max us chunks "
                                "read MB").split()
    assert [line.split()[0] for line in lines[1:4]] == ACCESSES
    for line in lines[1:4]:
        assert all(re.fullmatch(r"[+-]?\d+(\.\d+)?", figure) for figure in line.split()[1:]), line
        assert len(line.split()) == 12, line
    assert re.fullmatch(r"spread of 3 rounds: time \d+ % at most, \d+ outliers", lines[4])
    assert all(line.startswith("advice: ") for line in lines[5:])
    assert "spread" not in bench(file, "--repeat=1")


def test_csv_has_the_numbers_of_json(file):
    rows = list(csv.reader(io.StringIO(bench(file, "--csv", "--count=50", "--repeat=2"))))
    assert rows[0] == ROW_KEYS and [row[0] for row in rows[1:]] == ACCESSES
    assert all(len(row) == len(ROW_KEYS) and row[ROW_KEYS.index("records")] == "50" for row in rows[1:])


def test_plot(file):
    """Bars of the speed of each row, and of three times of its calls; kept unless -f."""
    bench(file, "--count=50", "--repeat=1", "--plot=p.svg")
    document = xml.dom.minidom.parse("p.svg").documentElement
    assert document.tagName == "svg" and document.namespaceURI == "http://www.w3.org/2000/svg"
    bars = [group.getElementsByTagName("title")[0].firstChild.data for group in document.getElementsByTagName("g")]
    assert [bar.rsplit(":")[0] for bar in bars] == [
        *(f"{name}, MB/s" for name in ACCESSES),
        *(f"{name}, {part}" for name in ACCESSES for part in ("p50", "p99", "max"))]
    before = Path("p.svg").read_bytes()
    result = arec("bench", "access", file, "--plot=p.svg")
    assert (result.code, result.out, result.err) == (1, b"", "arec: p.svg: exists; -f replaces it\n")
    assert Path("p.svg").read_bytes() == before
    bench(file, "--count=51", "--repeat=1", "--plot=p.svg", "-f")
    assert Path("p.svg").read_bytes() != before


def test_json_and_counts(file):
    found = measured(file, "--count=200")
    assert list(found) == ["source", "cold", "batch", "seed", "rounds", "machine", "rows", "decode_mb_s", "group_1_us",
                           "advice"]
    assert list(found["machine"]) == ["cpus", "model", "kernel"] and found["rounds"] == 3
    assert found["source"] == file and found["cold"] is False and found["decode_mb_s"] > 0 and found["group_1_us"] > 0
    rows = {row["access"]: row for row in found["rows"]}
    assert list(rows) == ACCESSES
    for name, row in rows.items():
        assert list(row) == ROW_KEYS and row["profile"] == name and row["records"] == 200, row
        assert 0 < row["p50_us"] <= row["p99_us"] <= row["max_us"] and row["time_s"] > 0, row
        assert row["bytes_read"] > 0 and row["cpu_s"] > 0 and row["time_spread"] >= 0 and row["outliers"] >= 0, row
    # In order and in batches four chunks have the records; at random no more than there are.
    assert rows["batch"]["chunks_decoded"] == 4
    assert rows["sequential"]["chunks_decoded"] >= 4
    assert 4 < rows["random"]["chunks_decoded"] <= N_RECORDS // GROUP_SIZE


def test_count_is_cut_and_random_does_not_repeat(file):
    rows = measured(file, "--count=1000000", "--batch=7")["rows"]
    sizes = sum(len(f"line {i} of some length") for i in range(N_RECORDS))
    for row in rows:
        assert row["records"] == N_RECORDS
        assert row["bytes"] == sizes  # all records, each once
    assert measured(file, "--seed=5", "--batch=3")["seed"] == 5


def test_several_files_are_one_sequence(file):
    assert measured(f"{file}[:20]", f"{file}[-30:]")["rows"][0]["records"] == 50


def test_smaller_groups_are_not_advised_where_there_are_none(file):
    """However slow a random read was."""
    succeeds("pack", "-qf", "-o", file, "--from=lines", "-", input=b"x\n" * 100, stdin=None)
    assert "random" not in [advice["rule"] for advice in measured(file)["advice"]]


def test_cold(file):
    """Where nothing can be dropped a line says so; elsewhere there is none."""
    out = bench("--cold", "--json", file, err=r"(arec: [^\n]*x\.array_record: stays in memory: --cold has no effect "
                                              r"on it\n)?")
    assert json.loads(out)["cold"] is True


@pytest.mark.skipif(not os.path.isdir("/dev/shm") or os.statvfs("/dev/shm").f_bavail == 0, reason="no /dev/shm")
def test_cold_in_memory():
    path = f"/dev/shm/arec-test-{os.getpid()}.array_record"
    try:
        Path(path).write_bytes(golden.get("text.default.array_record").path.read_bytes())
        bench("--cold", path, err=re.escape(f"arec: {path}: stays in memory: --cold has no effect on it\n"))
    finally:
        os.unlink(path)


@pytest.mark.parametrize("code, args, words", [
    (2, [], "bench access: FILE is missing"),
    (2, ["--count=0", "x"], "--count: invalid value: 0"),
    (2, ["--batch=x", "x"], "--batch: invalid value: x"),
    (2, ["--repeat=0", "x"], "--repeat: invalid value: 0"),
    (2, ["--csv", "--json", "x"], "--csv and --json exclude each other"),
    (1, ["--plot=/dev/null", "x"], "/dev/null: is no file"),
    (2, ["--seed=-1", "x"], "--seed: invalid value: -1"),
    (3, ["absent"], "absent"),
    (2, [golden.get("empty.groupsize1.array_record").path], "there is no record to measure with"),
], ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None)
def test_failures(code, args, words):
    result = arec("bench", "access", *args)
    assert result.code == code and result.out == b"" and words in result.err, result
    assert re.fullmatch(r"arec: [^\n]+\n", result.err), result


def test_damaged_file(file):
    data = bytearray(Path(file).read_bytes())
    data[200] ^= 1
    Path(file).write_bytes(data)
    result = arec("bench", "access", file)
    assert result.code == 5 and file in result.err and result.err.count("\n") == 1, result


def children_of(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.skipif(not os.path.exists(f"/proc/self/task/{os.getpid()}/children"), reason="no list of children")
def test_interrupt_ends_the_process_that_reads(file):
    """Also where the signal goes to the parent alone: one line, and nothing goes on."""
    process = subprocess.Popen([AREC, "bench", "access", "--count=4000000000", *[file] * 2000],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 60
        while not (children := children_of(process.pid)):
            assert time.monotonic() < end and process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (1, b"", b"arec: interrupted\n")
    end = time.monotonic() + 60
    while is_running(children[0]):
        assert time.monotonic() < end, "the process that reads goes on"
        time.sleep(0.01)


def is_running(pid):
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
