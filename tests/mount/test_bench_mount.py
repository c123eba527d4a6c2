"""arec bench mount: what it counts, and that no mount, folder or process is left whatever happens. Times are never
compared."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
import xml.dom.minidom
from pathlib import Path

import pytest

import golden
import users
from mounts import AREC, MARKER, SLOW, _environment, _sanitizer_reports, marked_processes, wait_until

ACCESSES = ["sequential", "random", "batch"]
ROW_KEYS = ["access", "profile", "time_s", "time_mean_s", "time_spread", "outliers", "cpu_s", "cpu_percent", "rss_mb",
            "rss_delta_mb", "records", "bytes", "records_s", "mb_s", "mean_us", "p50_us", "p99_us", "max_us",
            "chunks_decoded", "bytes_read", "requests", "requests_record", "mount_s", "again_s"]
DISTURBED = re.compile(r"arec: other processes took [\d.]+ of \d+ CPUs meanwhile: the times say little\n")
KEPT = re.compile(r"arec: [^\n]*: stays in memory: --cold has no effect on it\n")
N_RECORDS, GROUP_SIZE = 600, 50
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Bench:
    """`arec bench mount` in a folder of its own, with a mark by which all its processes are found."""

    def __init__(self, folder):
        self.folder = folder
        self.temp = folder / "temp"
        self.reports = folder / "reports"
        self.temp.mkdir()
        self.reports.mkdir()
        self.key = uuid.uuid4().hex
        self.environment = _environment(self.key, self.reports, {"TMPDIR": str(self.temp)})

    def start(self, *args, program=AREC, prefix=()):
        def heed_signals():  # which nohup, or a shell in the background, ignores
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)

        return subprocess.Popen([*prefix, program, "bench", "mount", *map(str, args)], cwd=self.folder,
                                env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, preexec_fn=heed_signals)

    def run(self, *args, **how):
        """(exit code, stdout, stderr without a word about other load)"""
        process = self.start(*args, **how)
        try:
            out, err = process.communicate(timeout=200 * SLOW)
        finally:
            process.kill()
            process.wait()
        return process.returncode, out.decode(), DISTURBED.sub("", err.decode())

    def succeeds(self, *args):
        code, out, err = self.run(*args)
        err = KEPT.sub("", err)
        assert (code, err) == (0, ""), (code, out, err)
        return out

    def mounts(self, temp=None):
        """Those that are made in @temp now."""
        return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()
                if f"{temp or self.temp}/arec-bench-" in line]

    def children(self, pid, name):
        """Children of @pid that are called @name."""
        found = []
        for child in marked_processes(self.key):
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{child}/status").read_text()
                if f"\nPPid:\t{pid}\n" in status and status.startswith(f"Name:\t{name}\n"):
                    found.append(child)
        return found

    def check_nothing_left(self, has_folder=False):
        """@has_folder  the folder of a mount that was not made yet may be there."""
        assert wait_until(lambda: not self.mounts(), 60), f"left: {self.mounts()}"
        assert wait_until(lambda: not marked_processes(self.key), 60), "processes are left"
        assert has_folder or os.listdir(self.temp) == []
        assert not _sanitizer_reports(self.reports), _sanitizer_reports(self.reports)

    def clean_up(self):
        for pid in marked_processes(self.key):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for path in self.mounts():
            subprocess.run(["umount", "-l", path], check=False)


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.clean_up()


def make_file(bench):
    lines = "".join(f"line {i} of some length\n" for i in range(N_RECORDS))
    path = bench.folder / "x.array_record"
    subprocess.run([AREC, "pack", "-q", "-o", path, "--from=lines", f"--group-size={GROUP_SIZE}", "-"],
                   input=lines.encode(), check=True, timeout=60 * SLOW)
    return path


@pytest.fixture
def file(bench):
    return make_file(bench)


# ---- what it reports ---------------------------------------------------------------------------


def test_table(bench, file):
    lines = bench.succeeds(file, "--count=50").splitlines()
    assert lines[0].split() == ("access time s CPU % RSS MB d RSS records/s MB/s p50 us p99 us max us chunks "
                                "read MB req/rec").split()
    assert [line.split()[0] for line in lines[1:4]] == ACCESSES
    for line in lines[1:4]:
        assert all(re.fullmatch(r"[+-]?\d+(\.\d+)?", figure) for figure in line.split()[1:]), line
        assert len(line.split()) == 13, line
    assert re.fullmatch(r"spread of 3 rounds: time \d+ % at most, \d+ outliers", lines[4])
    assert all(line.startswith("advice: ") for line in lines[5:])
    bench.check_nothing_left()


@pytest.mark.counts
def test_json_and_counts(tmp_path):
    bench = Bench(tmp_path)
    path = make_file(bench)
    found = json.loads(bench.succeeds("--json", path, "--count=200", "--repeat=1"))
    assert list(found) == ["source", "cold", "batch", "seed", "rounds", "machine", "rows", "decode_mb_s", "group_1_us",
                           "advice"]
    assert found["source"] == str(path) and found["cold"] is False and found["rounds"] == 1
    rows = {row["access"]: row for row in found["rows"]}
    assert list(rows) == ACCESSES
    for name, row in rows.items():
        assert list(row) == ROW_KEYS and row["profile"] == name and row["records"] == 200, row
        assert 0 < row["p50_us"] <= row["p99_us"] <= row["max_us"] and row["mount_s"] > 0 and row["again_s"] > 0, row
        assert row["bytes_read"] > 0 and row["rss_mb"] > 0 and row["cpu_s"] > 0, row
        assert row["requests_record"] == pytest.approx(row["requests"] / 200, abs=1e-4)
        assert row["time_spread"] == 0 and row["outliers"] == 0
    # In order and in batches four chunks have the records; at random no more than there are.
    assert rows["sequential"]["chunks_decoded"] >= 4 and rows["batch"]["chunks_decoded"] >= 4
    assert 4 < rows["random"]["chunks_decoded"] <= N_RECORDS // GROUP_SIZE
    # A record at random is looked up and read; what is listed before needs at most a READ.
    assert 1.95 <= rows["random"]["requests_record"] < 3
    assert rows["sequential"]["requests_record"] < 2 and rows["batch"]["requests_record"] < 2
    bench.check_nothing_left()


def test_all_records_each_once(bench, file):
    sizes = sum(len(f"line {i} of some length") for i in range(N_RECORDS))
    out = bench.succeeds(file, "--count=1000000", "--batch=7", "--repeat=1", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["access"] for row in rows] == ACCESSES and list(rows[0]) == ROW_KEYS
    for row in rows:
        assert (int(row["records"]), int(row["bytes"])) == (N_RECORDS, sizes), row
    bench.check_nothing_left()


def test_plot(bench, file):
    bench.succeeds(file, "--count=20", "--repeat=1", "--plot=p.svg")
    document = xml.dom.minidom.parse(str(bench.folder / "p.svg")).documentElement
    assert "through a mount" in document.getElementsByTagName("text")[0].firstChild.data
    assert len(document.getElementsByTagName("g")) == 4 * len(ACCESSES)


def test_several_files_are_one_sequence(bench, file):
    shutil.copy(file, bench.folder / "-y.array_record")
    found = json.loads(bench.succeeds("--json", "--cold", f"{file}[:20]", f"{file}[-30:]", "--repeat=2", "--count=60",
                                      "--", "-y.array_record"))
    sizes = [len(f"line {i} of some length") for i in [*range(20), *range(N_RECORDS - 30, N_RECORDS), *range(10)]]
    rows = {row["access"]: row for row in found["rows"]}
    assert found["cold"] is True and found["rounds"] == 2 and [row["records"] for row in rows.values()] == [60] * 3
    assert rows["sequential"]["bytes"] == rows["batch"]["bytes"] == sum(sizes)
    bench.check_nothing_left()


# ---- failures ----------------------------------------------------------------------------------


def check_failure(bench, outcome, code, words):
    got, out, err = outcome
    assert got == code and out == "" and words in err, outcome
    assert re.fullmatch(r"arec: [^\n]+\n", err), err
    bench.check_nothing_left()


@pytest.mark.parametrize("code, args, words", [
    (2, [], "bench mount: FILE is missing"),
    (2, ["--count=0", "x"], "--count: invalid value: 0"),
    (2, ["--csv", "--json", "x"], "--csv and --json exclude each other"),
    (3, ["absent"], "absent"),
    (2, [golden.get("empty.groupsize1.array_record").path], "there is no record to measure with"),
], ids=["no file", "count", "forms", "absent", "empty"])
def test_failures(bench, code, args, words):
    check_failure(bench, bench.run(*args), code, words)


def test_damaged_record(bench, file):
    data = bytearray(file.read_bytes())
    data[200] ^= 1
    file.write_bytes(data)
    check_failure(bench, bench.run(file), 5, f"{file}: at 64: data hash mismatch")


def test_without_fuse(bench, file):
    script = 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec "$@"'
    check_failure(bench, bench.run(file, prefix=["unshare", "-m", "sh", "-c", script, "sh"]), 8,
                  "/dev/fuse: FUSE is unavailable")


def test_without_the_right_to_mount(bench, file):
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    prefix = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    check_failure(bench, bench.run(file, prefix=prefix), 8, "FUSE is unavailable")


def test_without_arecfs(bench, file):
    program = shutil.copy(AREC, bench.folder / "arec")
    bench.environment["PATH"] = "/nowhere"
    check_failure(bench, bench.run(file, program=program), 8,
                  "arecfs is not installed: neither beside arec nor in PATH")


def test_user_without_privileges(bench, file):
    """fusermount3 mounts, and unmounts."""
    with users.user() as user:
        shutil.copy(AREC, user.folder / "arec")
        source = shutil.copy(file, user.folder / "s.array_record")
        temp = user.folder / "temp"
        temp.mkdir()
        os.chown(temp, users.NOBODY, users.NOBODY)
        result = user.run("env", f"TMPDIR={temp}", user.folder / "arec", "bench", "mount", "--json", "--repeat=1",
                          "--count=50", source)
        assert (result.returncode, DISTURBED.sub("", result.stderr)) == (0, ""), result
        assert [row["records"] for row in json.loads(result.stdout)["rows"]] == [50] * 3
        assert bench.mounts(temp) == [] and os.listdir(temp) == []
        assert wait_until(lambda: not user.servers(), 60), "processes are left"


# ---- interrupted -------------------------------------------------------------------------------


def wait_for(bench, process, moment):
    """Waits until the work of @process has come to @moment."""
    seen = set()

    def has_come():
        assert process.poll() is None
        mounts = bench.mounts()
        seen.update(mounts)
        return {"start": lambda: True,
                "server": lambda: bench.children(process.pid, "arecfs"),
                "mount": lambda: mounts,
                "reader": lambda: mounts and bench.children(process.pid, "arec"),
                "next mount": lambda: len(seen) > 1}[moment]()

    assert wait_until(has_come, 100, interval=0.005), f"{moment} does not come"


MOMENTS = ["start", "server", "mount", "reader", "next mount"]


@pytest.mark.parametrize("number, moment", [
    *((signal.SIGINT, moment) for moment in MOMENTS), (signal.SIGTERM, "reader"), (signal.SIGHUP, "reader"),
], ids=lambda value: getattr(value, "name", value))
def test_signal(bench, file, number, moment):
    process = bench.start(file, "--repeat=1000")
    try:
        wait_for(bench, process, moment)
        process.send_signal(number)
        out, err = process.communicate(timeout=100 * SLOW)
    finally:
        process.kill()
        process.wait()
    if moment == "start" and process.returncode == -number:
        assert (out, err) == (b"", b"")  # it came before arec could take it
    else:
        assert (process.returncode, out, err) == (1, b"", b"arec: interrupted\n")
    bench.check_nothing_left()


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(bench, file, moment):
    """Nothing of arec is left to end its server: the server sees its death."""
    process = bench.start(file, "--repeat=1000")
    wait_for(bench, process, moment)
    process.kill()
    process.communicate(timeout=60)
    bench.check_nothing_left(has_folder=True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_server_ends(bench, file, number):
    process = bench.start(file, "--repeat=1000")
    end = time.monotonic() + 100 * SLOW
    try:
        while process.poll() is None:  # a server that is about to end anyway is no failure
            assert time.monotonic() < end
            for server in bench.mounts() and bench.children(process.pid, "arecfs"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server, number)
            time.sleep(0.01)
        out, err = process.communicate(timeout=60 * SLOW)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1 and out == b"" and re.fullmatch(rb"arec: [^\n]+\n", err), (process.returncode, err)
    bench.check_nothing_left()


def test_hung_server(bench, file):
    """It answers no reader, and cannot end by itself."""
    process = bench.start(file, "--repeat=1000")
    try:
        wait_for(bench, process, "reader")
        for server in bench.children(process.pid, "arecfs"):
            os.kill(server, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100 * SLOW)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (1, b"", b"arec: interrupted\n")
    bench.check_nothing_left()
