"""How long requests of a real mount take, as reported by stats.json, metrics and `arec stats`."""

import json
import os
import re
import signal
import subprocess
import threading

import pytest

import counted
import golden
import oracle
from mounts import AREC, SLOW, arec, mounted, wait_until

pytestmark = pytest.mark.counts

N = 2000
KINDS = ["lookup", "forget", "getattr", "open", "read", "flush", "release", "opendir", "readdir", "readdirplus",
         "releasedir", "getxattr", "listxattr", "ioctl", "access", "change", "statfs"]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """(path, records): 2000 records in groups of 50."""
    records = oracle.text_records(N, maximum=400)
    path = tmp_path_factory.mktemp("latency") / "l.array_record"
    return oracle.write(path, records, "group_size:50,zstd:1"), records


def read_all(mount, records, numbers=None):
    names = golden.record_names(len(records))
    for number in numbers if numbers is not None else range(len(records)):
        assert (mount.path / names[number]).read_bytes() == records[number]


def grown(before, after, kind):
    """What the histogram of @kind counted between two snapshots; checks that its numbers agree."""
    for snapshot in (before, after):
        latency = snapshot["latency"][kind]
        assert sum(latency["buckets"]) == latency["count"]
        assert len(latency["buckets"]) == len(snapshot["latency_bounds_ns"]) + 1
        assert latency["max_ns"] <= latency["sum_ns"] <= latency["max_ns"] * max(latency["count"], 1)
    return after["latency"][kind]["count"] - before["latency"][kind]["count"]


def histogram(mount, kind):
    """{le: cumulative count} of @kind in metrics, with "sum" and "count"."""
    text = (mount.path / ".arecfs" / "metrics").read_text()
    found = dict(re.findall(rf'^arecfs_request_duration_seconds_bucket{{kind="{kind}",le="([^"]+)"}} (\d+)$', text,
                            re.MULTILINE))
    found = {le: int(count) for le, count in found.items()}
    for name in ("sum", "count"):
        found[name] = float(re.search(rf'^arecfs_request_duration_seconds_{name}{{kind="{kind}"}} (\S+)$', text,
                                      re.MULTILINE)[1])
    return found


def test_each_read_is_measured_once(records):
    path, content = records
    with mounted(path, "--no-push") as mount:
        before, older = mount.stats(), histogram(mount, "read")
        first = mount.stats()["requests"]["read"]
        read_all(mount, content, range(300))
        after, newer = mount.stats(), histogram(mount, "read")
        assert list(after["latency"]) == KINDS
        reads = after["requests"]["read"] - before["requests"]["read"]
        # Each snapshot was read, too.
        assert 300 <= reads <= 300 + (first - before["requests"]["read"]) * 3
        assert grown(before, after, "read") == reads
        assert grown(before, after, "lookup") >= 300
        assert newer["count"] - older["count"] >= 300
        assert newer["+Inf"] == newer["count"] and newer["sum"] > older["sum"]
        bounds = [le for le in newer if le not in ("sum", "count", "+Inf")]
        assert [float(le) for le in bounds] == [ns / 1e9 for ns in after["latency_bounds_ns"]]
        counts = [newer[le] for le in [*bounds, "+Inf"]]
        assert counts == sorted(counts)


def test_reads_that_the_push_thread_answers_are_measured(records):
    path, content = records
    with mounted(path) as mount:
        os.listdir(mount.path)
        before = mount.stats()
        read_all(mount, content)
        after = mount.stats()
        assert after["pushes_kept"] > N // 2, "nothing was pushed: this tests nothing"
        assert grown(before, after, "read") == after["requests"]["read"] - before["requests"]["read"]
        assert after["pushed_bytes"] + after["read_bytes"] >= sum(map(len, content))
        assert after["pushes_dropped"] == 0


def test_nothing_is_under_way_when_all_requests_are_answered(records):
    """Requests of every kind end as often as they begin, except the look-up that makes the snapshot."""
    path, content = records
    with mounted(path) as mount:
        def work(number):
            read_all(mount, content, range(number, N, 4))
            os.listdir(mount.path)
            os.statvfs(mount.path)
            for name in ("user.nope", "user.arec.records"):
                try:
                    os.getxattr(mount.path, name)
                except OSError:
                    pass
            os.listxattr(mount.path / "0000")
            with open(mount.path / "0000", "rb"):
                pass  # with a buffer, Python asks whether the file is a terminal
            assert not os.path.exists(mount.path / "absent")

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        # The kernel sends RELEASEDIR and FORGET without a caller that waits.
        def rests():
            snapshot = mount.stats()
            return all(snapshot["latency"][kind]["count"] == snapshot["requests"][kind] - (kind == "lookup")
                       for kind in KINDS)

        assert wait_until(rests, 10), mount.stats()
        assert mount.stats()["latency"]["statfs"]["count"] >= 4
        assert mount.stats()["errors"] == 0


# ---- arec stats --------------------------------------------------------------------------------


def test_table(records):
    path, content = records
    with mounted(path, "--no-push", "--readahead-buffer-size=0") as mount:
        read_all(mount, content, range(100))
        requests = mount.stats()["requests"]
        out, err = arec("stats", mount.path)
        assert err == "" and out.decode().startswith(f"{mount.path}: arecfs ")
        line = re.search(r"^read +(\d+) +[\d.]+((?: +(?:[\d.e+]+) (?:ns|us|ms|s)){4})$", out.decode(), re.MULTILINE)
        assert line and requests["read"] <= int(line[1]) <= requests["read"] + 4, out
        assert re.search(r"^decodes +2 chunks ", out.decode(), re.MULTILINE), out
        reported = json.loads(arec("stats", "--json", mount.path)[0])
        assert reported["decodes"]["chunks"] == 2
        assert reported["in"]["bytes"] == mount.stats()["engine"]["source_bytes"]
        assert reported["out"]["bytes"] == sum(map(len, content[:100]))
        assert 0 < reported["requests"]["read"]["p50"] <= reported["requests"]["read"]["p99"] \
            <= reported["requests"]["read"]["max"] < 90 * SLOW


def test_all_texts_hold_every_number(records):
    path, content = records
    with mounted(path, "--no-push", "--readahead-buffer-size=0") as mount:
        read_all(mount, content, range(100))
        stats = mount.stats()
        assert list(stats["engine"]) == list(counted.ENGINE)
        assert set(counted.MOUNT) <= set(stats)
        types = dict(re.findall(r"^# TYPE (\S+) (counter|gauge)$",
                                (mount.path / ".arecfs" / "metrics").read_text(), re.MULTILINE))
        for other in ("build_info", "uptime_seconds", "requests_total", "request_duration_max_seconds"):
            del types[f"arecfs_{other}"]
        assert types == {counted.sample(name): kind for name, kind in counted.ALL.items()}
        reported = json.loads(arec("stats", "--json", mount.path)[0])
        assert list(reported["engine"]) == list(counted.ENGINE)
        assert set(counted.MOUNT) <= set(reported)
        for name in ("chunks_decoded", "cache_budget", "index_used"):
            assert reported["engine"][name] == stats["engine"][name] > 0


def test_a_path_below_the_mount_point_means_the_mount(records):
    path, _ = records
    with mounted(path) as mount:
        for below in ("", "0000", ".arecfs"):
            reported, err = arec("stats", "--json", mount.path / below)
            assert json.loads(reported)["requests"]["lookup"]["count"] > 0
            assert err == ""


@pytest.fixture
def watch(request):
    """A function that starts `arec stats --interval=0.1 --json MNT`."""
    def start(mount):
        process = subprocess.Popen([AREC, "stats", "--interval=0.1", "--json", str(mount.path)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        request.addfinalizer(lambda: (process.kill(), process.communicate()))
        return process
    return start


def test_watch_until_unmounted(records, watch):
    path, content = records
    with mounted(path, "--no-push") as mount:
        process = watch(mount)
        assert json.loads(process.stdout.readline())["requests"]["read"]["count"] >= 0
        read_all(mount, content, range(100))
        reported = json.loads(process.stdout.readline())
        while reported["out"]["bytes"] < sum(map(len, content[:100])):
            reported = json.loads(process.stdout.readline())
        assert reported["period"] < reported["uptime"]
        # A probe of the mount may be under way.
        assert wait_until(lambda: mount.umount().returncode == 0, 10)
        _, err = process.communicate(timeout=30 * SLOW)
        assert (process.returncode, err) == (0, f"arec: {mount.path}: no longer mounted\n".encode())


def test_a_server_that_is_stopped(records):
    path, _ = records
    with mounted(path) as mount:
        mount.kill(signal.SIGSTOP)
        try:
            _, err = arec("stats", mount.path, code=1)
        finally:
            mount.kill(signal.SIGCONT)
        assert err == f"arec: {mount.path}: the mount does not answer\n"
        arec("stats", mount.path)
