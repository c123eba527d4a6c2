"""arec stats of folders that look like a mount; tests/mount/test_latency.py has real mounts."""

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

import counted  # noqa: E402
from program import AREC, TIMEOUT, arec, succeeds  # noqa: E402

BOUNDS = ["0.000001", "0.001", "1", "+Inf"]


def metrics(uptime=100.5, reads=(0, 90, 10, 0), maximum=0.5, **numbers):
    """The metrics of a mount; @reads counts the READs of up to 1 us, 1 ms, 1 s and above."""
    lines = ["# HELP arecfs_build_info The version.", 'arecfs_build_info{version="7.8.9"} 1',
             f"arecfs_uptime_seconds {uptime}", f'arecfs_requests_total{{kind="read"}} {sum(reads)}',
             'arecfs_requests_total{kind="lookup"} 1']
    for kind, counts, longest in (("read", reads, maximum), ("lookup", (0, 0, 0, 0), 0)):
        for i, bound in enumerate(BOUNDS):
            lines.append(f'arecfs_request_duration_seconds_bucket{{kind="{kind}",le="{bound}"}} {sum(counts[:i + 1])}')
        lines.append(f'arecfs_request_duration_max_seconds{{kind="{kind}"}} {longest}')
    lines += [f"{counted.sample(name)} {numbers.get(name, 0)}" for name in counted.ALL]
    return "\n".join(lines) + "\n"


@pytest.fixture
def fake(tmp_path):
    """A function that makes, or changes, a folder whose metrics are @text."""
    def make(text):
        folder = tmp_path / "mnt" / ".arecfs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "new").write_text(text)
        (folder / "new").rename(folder / "metrics")
        return tmp_path / "mnt"
    return make


def test_table(fake):
    mount = fake(metrics(uptime=90061.5, cache_hits=30, cache_misses=9, cache_joins=1, cache_used=3 << 20,
                         cache_budget=1 << 30, cache_entries=5, cache_evictions=6, cache_alive=4 << 20,
                         index_used=5 << 20, index_offloaded_bytes=6 << 20, index_reads=7, chunks_decoded=180123,
                         decoded_bytes=2048, chunks_failed=2, size_lists_read=4, damages_known=18, damage_hits=19,
                         chunks_ahead=11, chunks_ahead_used=9, chunks_ahead_wasted=1, chunks_ahead_refused=20,
                         pushes_kept=12, pushed_bytes=4096,
                         pushes_refused=13, pushes_dropped=14, source_bytes=1 << 20, source_reads=15, files_open=16,
                         read_bytes=512, errors=17))
    assert succeeds("stats", mount).decode() == f"""\
{mount}: arecfs 7.8.9, up 1 d 1:01:01; rates, shares and times since the mount

requests            count        /s       p50       p90       p99       max
read                  100       0.0    556 us      1 ms    450 ms    500 ms
lookup                  1       0.0         -         -         -         -

cache        hit rate 75.0 % (30 hits, 9 misses, 1 joins); 3.0 MiB of 1.0 GiB used by 5 entries, 6 evicted; \
4.0 MiB with loads and what is still held
indexes      5.0 MiB in memory; 6.0 MiB in the temporary file, read 7 times
decodes      180123 chunks (2.0/s), 2.0 KiB (0 B/s); 2 failed, 4 size lists
damages      18 known, 19 requests refused
readahead    11 chunks, 9 used, 1 wasted (10.0 %); 20 refused
pushes       12 records (0.0/s), 4.0 KiB (0 B/s); 13 refused, 14 dropped
bytes in     1.0 MiB (11 B/s) in 15 reads of sources, 16 open
bytes out    512 B (0 B/s) to readers, besides what is pushed
errors       17; 0 requests under way
"""


def test_verbose_shows_the_histogram(fake):
    out = succeeds("stats", "-v", fake(metrics(reads=(1, 40, 0, 20)))).decode()
    assert out.endswith(f"""
read
  <=     1 us            1 #
  <=     1 ms           40 {"#" * 40}
  >       1 s           20 {"#" * 20}
""")


def test_json(fake):
    mount = fake(metrics(uptime=50, cache_hits=3, cache_misses=1, pushes_kept=100, pushes_dropped=7, errors=2))
    out = succeeds("stats", "--json", mount)
    assert out.count(b"\n") == 1 and out.endswith(b"\n")
    reported = json.loads(out)
    assert reported["mount"] == str(mount) and reported["version"] == "7.8.9"
    assert reported["uptime"] == reported["period"] == 50
    assert reported["requests"]["read"] == {"count": 100, "rate": 2, "p50": pytest.approx(556e-6, rel=1e-3),
                                            "p90": 0.001, "p99": pytest.approx(0.4501), "max": 0.5}
    assert reported["requests"]["lookup"] == {"count": 1, "rate": 0.02, "p50": None, "p90": None, "p99": None,
                                              "max": None}
    assert reported["cache"]["hit_rate"] == 0.75
    assert reported["readahead"]["waste_rate"] is None
    assert reported["pushes"] == {"records": 100, "rate": 2, "bytes": 0, "refused": 0, "dropped": 7}
    assert reported["errors"] == 2 and reported["under_way"] == 0


def test_every_number_is_shown(fake):
    """JSON and the long table show every number of <arec/stats.h>, and the manual explains it."""
    numbers = {name: 1000003 * (i + 1) for i, name in enumerate(counted.ALL)}
    mount = fake(metrics(uptime=100, **numbers))
    reported = json.loads(succeeds("stats", "--json", mount))
    assert reported["engine"] == {name: numbers[name] for name in counted.ENGINE}
    assert {name: reported.get(name) for name in counted.MOUNT} == {name: numbers[name] for name in counted.MOUNT}
    rows = [line.split() for line in succeeds("stats", "-v", mount).decode().split("numbers ")[1].splitlines()[1:]]
    assert rows[:len(numbers)] == [
        [name, str(number), f"{number / 100:.1f}" if counted.ALL[name] == "counter" else "-"]
        for name, number in numbers.items()]
    manual = (Path(__file__).resolve().parents[2] / "fs" / "arecfs.1").read_text().split(".SH FILES")[1]
    assert [name for name in counted.ALL if not re.search(rf"^{name} ", manual, re.MULTILINE)] == []


def remote_metrics(uptime, **numbers):
    """The metrics of a mount of a URL. A family's counter is FAMILY_VALUE."""
    lines = []
    for name, kind in counted.REMOTE.items():
        lines.append(f"arecfs_remote_{name}{'_total' if kind == 'counter' else ''} {numbers.pop(name, 0)}")
    for name, kind in counted.DISK_CACHE.items():
        lines.append(f"arecfs_remote_disk_cache_{name}{'_total' if kind == 'counter' else ''} {numbers.pop(f'disk_{name}', 0)}")
    labels = {"requests": "kind", "retries": "why", "errors": "code"}
    for family, values in counted.FAMILIES.items():
        for value in values:
            lines.append(f'arecfs_remote_{family}_total{{{labels[family]}="{value}"}} {numbers.pop(f"{family}_{value}", 0)}')
    for name in counted.TIMES:
        lines.append(f"arecfs_remote_{name}_seconds_sum {numbers.pop(name, 0)}")
    assert not numbers
    return metrics(uptime=uptime) + "\n".join(lines) + "\n"


def test_servers_have_a_line(fake):
    out = succeeds("stats", fake(metrics(uptime=100))).decode()
    assert "\nservers" not in out
    out = succeeds("stats", fake(remote_metrics(100, requests_open=10, requests_range=40, bytes_received=150_000_000,
                                                bytes_wanted=100_000_000, wait=2.5))).decode()
    assert "\nservers      50 requests (0.5/s), 1.5 MB/s; readers waited 2.5 s; 1.50 bytes received for each one wanted\n" in out
    out = succeeds("stats", fake(remote_metrics(100))).decode()
    assert "\nservers      0 requests (0.0/s), 0.0 MB/s; readers waited 0 ns; - bytes received for each one wanted\n" in out


def test_every_number_of_servers_is_shown(fake):
    families = [f"{family}_{value}" for family, values in counted.FAMILIES.items() for value in values]
    disk = [f"disk_{name}" for name in counted.DISK_CACHE]
    numbers = {name: 1003 * (i + 1) for i, name in enumerate([*counted.REMOTE, *families, *disk])}
    mount = fake(remote_metrics(100, **numbers, wait=4))
    remote = json.loads(succeeds("stats", "--json", mount))["remote"]
    for name in counted.REMOTE:
        assert remote[name] == numbers[name]
    for family, values in counted.FAMILIES.items():
        assert remote[family] == {value: numbers[f"{family}_{value}"] for value in values}
    assert remote["disk_cache"] == {name: numbers[f"disk_{name}"] for name in counted.DISK_CACHE}
    assert remote["waited"] == 4
    assert remote["received_rate"] == numbers["bytes_received"] / 100
    assert remote["amplification"] == pytest.approx(numbers["bytes_received"] / numbers["bytes_wanted"])
    shown = dict(line.split()[:2] for line in succeeds("stats", "-v", mount).decode().splitlines()
                 if line.startswith("remote."))
    expected = {f"remote.{name}": str(numbers[name]) for name in counted.REMOTE}
    expected |= {f"remote.disk_cache.{name}": str(numbers[f"disk_{name}"]) for name in counted.DISK_CACHE}
    expected |= {f"remote.{family}.{value}": str(numbers[f"{family}_{value}"])
                 for family, values in counted.FAMILIES.items() for value in values}
    assert shown == expected
    manual = (Path(__file__).resolve().parents[2] / "fs" / "arecfs.1").read_text().split(".SH FILES")[1]
    assert [name for name in [*counted.REMOTE, *counted.FAMILIES, "disk_cache"] if not re.search(rf"^{name} ", manual, re.M)] == []


class Watch:
    """A running `arec stats ARGS`, which is ended in any case."""

    def __init__(self, *args):
        self.process = subprocess.Popen([AREC, "stats", *map(str, args)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def object(self):
        """The next line of output, as JSON."""
        return json.loads(self.process.stdout.readline())

    def end(self):
        """(exit code, stderr) once it has ended by itself."""
        _, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, err.decode()


def test_watch_shows_what_grew_and_ends_on_an_interrupt(fake):
    mount = fake(metrics(uptime=100, pushes_kept=1000))
    with Watch("--interval=0.05", "--json", mount) as watch:
        first = watch.object()
        assert first["period"] == 100 and first["pushes"]["rate"] == 10
        fake(metrics(uptime=102, reads=(0, 90, 30, 0), pushes_kept=1006))
        reported = watch.object()
        while reported["period"] == 100:  # no time has passed
            reported = watch.object()
        assert reported["period"] == 2 and reported["uptime"] == 102
        assert reported["pushes"] == {"records": 1006, "rate": 3, "bytes": 0, "refused": 0, "dropped": 0}
        read = reported["requests"]["read"]
        assert read["count"] == 120 and read["rate"] == 10 and 0.001 < read["p50"] <= read["max"] == 0.5
        watch.process.send_signal(signal.SIGINT)
        assert watch.end() == (0, "")


def test_watch_starts_over_with_another_mount(fake):
    mount = fake(metrics(uptime=100))
    with Watch("--interval=0.05", "--json", mount) as watch:
        watch.object()
        fake(metrics(uptime=3, reads=(0, 6, 0, 0)))
        reported = watch.object()
        while reported["uptime"] == 100:
            reported = watch.object()
        assert reported["period"] == 3 and reported["requests"]["read"]["rate"] == 2


def test_watch_appends_tables_in_a_pipe(fake):
    with Watch("--watch", "--interval", "0.05", fake(metrics())) as watch:
        text = b""
        while text.count(b"rates, shares and times") < 2:
            text += watch.process.stdout.readline()
        assert b"\033" not in text and b"\n\n" + os.fsencode(str(fake(metrics()))) + b": arecfs" in text


def test_watch_redraws_on_a_terminal(fake):
    mount = fake(metrics())
    ours, theirs = os.openpty()
    process = subprocess.Popen([AREC, "stats", "--interval=0.05", mount], stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = b""
    while text.count(b"arecfs 7.8.9") < 2:
        text += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=TIMEOUT) == 0
    os.close(ours)
    assert text.startswith(b"\033[H\033[J" + os.fsencode(mount)) and text.count(b"\033[H\033[J") >= 2


def test_watch_ends_with_one_line_when_the_mount_goes(fake):
    mount = fake(metrics())
    with Watch("--interval=0.05", "--json", mount) as watch:
        watch.object()
        (mount / ".arecfs" / "metrics").unlink()
        assert watch.end() == (0, f"arec: {mount}: no longer mounted\n")


def test_an_ignored_interrupt_stays_ignored(fake):
    mount = fake(metrics())
    process = subprocess.Popen(["sh", "-c", 'trap "" INT; exec "$@"', "sh", AREC, "stats", "--interval=0.05",
                                "--json", mount], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    for _ in range(3):
        assert process.stdout.readline()
    process.kill()
    process.communicate()


# ---- not a mount --------------------------------------------------------------------------------


def fails(code, err, *args):
    result = arec("stats", *args)
    assert (result.code, result.out, result.err) == (code, b"", err + "\n"), result


def test_not_a_mount(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file"):
        for args in ([], ["--watch"], ["--json"]):
            fails(3, f"arec: {path}: not a mount point of arecfs", *args, path)
    fails(3, f"arec: {tmp_path}/absent: No such file or directory", tmp_path / "absent")
    fails(3, f"arec: {tmp_path}/file/x: Not a directory", tmp_path / "file" / "x")


LINES = metrics().splitlines()


@pytest.mark.parametrize("text, code, message", [
    ("hello\n", 4, "line 1: 'hello', which is no metric of arecfs"),
    (metrics()[:-1], 4, f"line {len(LINES)}: '{LINES[-1]}', which is no metric of arecfs"),
    (metrics().replace("arecfs_pushes_kept_total 0\n", ""), 6,
     "arecfs_pushes_kept_total is missing: arecfs is of another version than arec"),
    ("x" * (5 << 20), None, "its metrics do not end"),
], ids=["other", "cut", "version", "endless"])
def test_other_texts(fake, text, code, message):
    mount = fake(text)
    if code is None:
        fails(1, f"arec: {mount}: {message}", mount)
    else:
        fails(code, f"arec: {mount}/.arecfs/metrics: {message}", mount)


def test_a_mount_that_hangs_does_not_block(tmp_path):
    """Opening a FIFO waits as a hanging mount does."""
    (tmp_path / ".arecfs").mkdir()
    os.mkfifo(tmp_path / ".arecfs" / "metrics")
    begun = time.monotonic()
    fails(1, f"arec: {tmp_path}: the mount does not answer", tmp_path)
    assert 4.5 < time.monotonic() - begun < 60
    with Watch("--watch", tmp_path) as watch:
        time.sleep(0.3)
        watch.process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        assert watch.end()[0] in (0, 1)  # 1: before it was ready for the interrupt
        assert time.monotonic() - begun < 4


@pytest.mark.parametrize("args, message", [
    ([], "MNT is missing"),
    (["a", "b"], "one MNT is expected"),
    (["--watch=1", "a"], "--watch takes no value"),
    (["--threads=2", "a"], "unknown option --threads=2"),
    (["--interval", "0", "a"], "--interval: invalid value: 0, expected seconds in [0.01..86400]"),
    (["--interval=-1", "a"], "--interval: invalid value: -1, expected seconds in [0.01..86400]"),
    (["--interval=1s", "a"], "--interval: invalid value: 1s, expected seconds in [0.01..86400]"),
    (["--interval=nan", "a"], "--interval: invalid value: nan, expected seconds in [0.01..86400]"),
], ids=lambda x: " ".join(x) if isinstance(x, list) else None)
def test_wrong_command_lines(args, message):
    fails(2, f"arec: stats: {message}; try 'arec stats --help'", *args)
