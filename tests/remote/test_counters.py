"""What a mount counts of servers equals what the servers have seen."""

import errno
import os
import re

import pytest

import counted
import golden
from fault_server import KIB, FaultServer
from mounts import mounted, wait_until
from nginx import nginx
from program import arec
from undisturbed import undisturbed

TEXT = golden.get("text.groupsize1-uncompressed.array_record")
PLAIN = {"http_proxy": "", "https_proxy": "", "all_proxy": "", "no_proxy": "", "AREC_REQUEST_DEADLINE": "10"}
SECONDS = 20


def read_all(mount):
    for name in sorted(os.listdir(mount.path)):
        (mount.path / name).read_bytes()


def settled(mount):
    """The counters once nothing is under way any more."""
    found = []

    def is_still():
        found.append(mount.stats())
        return len(found) > 1 and found[-1]["remote"]["in_flight"] == 0 and found[-2]["remote"] == found[-1]["remote"]

    assert wait_until(is_still, SECONDS, interval=0.1)
    return found[-1]["remote"]


def n_requests(remote):
    return sum(remote["requests"].values())


def test_a_local_mount_has_none():
    with mounted(TEXT.path) as mount:
        assert "remote" not in mount.stats()
        assert "remote" not in (mount.path / ".arecfs" / "metrics").read_text()


@undisturbed
def test_they_are_those_of_the_server():
    with FaultServer(TEXT.path.read_bytes()) as server, mounted(server.url, environment=PLAIN) as mount:
        opened = settled(mount)
        assert opened["requests"] == {"open": 1, "range": 0, "list": 0, "token": 0}
        assert opened["bytes_received"] == 128 * KIB
        read_all(mount)
        remote = settled(mount)
        assert n_requests(remote) == len(server.log)
        assert remote["requests"]["open"] == 1 and remote["requests"]["range"] > 0
        assert wait_until(lambda: sum(request.sent for request in server.log) == remote["bytes_received"], SECONDS)
        assert remote["connections_opened"] == len({request.connection for request in server.log})
        assert remote["bytes_wanted"] == mount.stats()["engine"]["source_bytes"]
        assert remote["bytes_wasted"] <= remote["bytes_received"]
        assert sum(remote["retries"].values()) == sum(remote["errors"].values()) == 0
        assert remote["throttled"] == remote["changed"] == 0
        assert 0 < remote["request_us"]["count"] <= remote["first_byte_us"]["count"] == n_requests(remote)
        assert remote["wait_us"]["count"] > 0 and sum(remote["wait_us"]["buckets"]) == remote["wait_us"]["count"]
        assert len(remote["bounds_us"]) == len(remote["wait_us"]["buckets"]) - 1
        assert remote["window_bytes"] >= 1 << 20 and remote["rate_bytes_per_s"] > 0 and remote["delay_us"] > 0
        assert set(counted.REMOTE) <= set(remote) and set(counted.FAMILIES) <= set(remote)


@undisturbed
def test_they_are_those_of_nginx():
    with nginx(golden.DIRECTORY) as server:
        server.clear_log()
        with mounted(server.url(TEXT.name), environment=PLAIN) as mount:
            read_all(mount)
            remote = settled(mount)
            metrics = (mount.path / ".arecfs" / "metrics").read_text()
            line = arec("stats", mount.path).out.decode()
        log = server.log()
        assert n_requests(remote) == len(log)
        assert remote["bytes_received"] == sum(entry.sent for entry in log)
        assert remote["connections_opened"] == len({entry.connection for entry in log})
        assert f'arecfs_remote_requests_total{{kind="range"}} {remote["requests"]["range"]}\n' in metrics
        assert f'arecfs_remote_bytes_received_total {remote["bytes_received"]}\n' in metrics
        assert re.search(rf"^servers +{len(log)} requests ", line, re.M), line


@pytest.mark.parametrize("fault, family, value", [
    ("short:2", "retries", "reset"), ("reset:1", "retries", "reset"), ("status-503:2", "retries", "status"),
    ("other-content-range-first:1", "retries", "answer"), ("no-answer:1", "retries", "stall")])
def test_tries_that_fail(fault, family, value):
    """Each is told by its cause, and its request succeeds in the end."""
    with FaultServer(TEXT.path.read_bytes(), fault) as server, mounted(server.url, environment=PLAIN) as mount:
        remote = settled(mount)
        assert remote[family][value] > 0
        assert remote["throttled"] == (2 if "503" in fault else 0)
        assert sum(remote["errors"].values()) == 0
        assert n_requests(remote) >= 1 + remote[family][value]


def test_objects_that_change():
    with FaultServer(TEXT.path.read_bytes(), "changes:2") as server, mounted(server.url, environment=PLAIN) as mount:
        names = sorted(os.listdir(mount.path))
        for _ in range(2):
            with pytest.raises(OSError) as caught:
                (mount.path / names[0]).read_bytes()
            assert caught.value.errno == errno.ESTALE
        remote = settled(mount)
        assert remote["changed"] == 1 and remote["errors"]["changed"] >= 1


def test_requests_that_are_refused():
    with FaultServer(TEXT.path.read_bytes(), "later-403:2") as server, mounted(server.url, environment=PLAIN) as mount:
        with pytest.raises(OSError):
            (mount.path / sorted(os.listdir(mount.path))[0]).read_bytes()
        assert settled(mount)["errors"]["refused"] >= 1
