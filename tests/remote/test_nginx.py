"""Every golden file over HTTP and HTTPS equals the local one; TLS is verified; requests and bytes are counted."""

import os
import re

import pytest

import golden
from nginx import nginx
from program import arec, succeeds
from undisturbed import undisturbed

KIB = 1024


@pytest.fixture(scope="module")
def server():
    with nginx(golden.DIRECTORY) as started:
        yield started


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch, server):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CURL_CA_BUNDLE", str(server.ca))


def same(path, url, command):
    local, remote = arec(command, path), arec(command, url)
    assert remote.code == local.code, remote
    assert remote.out.replace(url.encode(), os.fsencode(path)) == local.out, remote
    assert remote.err.replace(url, str(path)) == local.err, remote


@pytest.mark.parametrize("g", golden.ALL, ids=lambda g: g.name)
def test_golden_files(g, server):
    for command in ("info", "cat", "ls", "verify"):
        same(g.path, server.url(g.name), command)
    same(g.path, server.url(g.name, "https"), "cat")


@undisturbed
def test_opening_is_one_request(server):
    g = golden.get("text.groupsize1-uncompressed.array_record")
    for scheme in ("http", "https"):
        server.clear_log()
        g.check(g.n_records - 1, succeeds("cat", server.url(g.name, scheme), str(g.n_records - 1)))
        log = server.log()
        assert [line.range for line in log] == ["bytes=-131072"]
        assert sum(line.sent for line in log) == 128 * KIB


@undisturbed
def test_all_of_a_file_is_its_bytes_once(server):
    g = golden.get("text.groupsize1-uncompressed.array_record")
    server.clear_log()
    succeeds("cat", server.url(g.name))
    log = server.log()
    assert all(line.status == 206 for line in log)
    assert sum(line.sent for line in log) <= g.path.stat().st_size
    assert len({line.connection for line in log}) <= 32  # kept alive


def test_a_range_of_a_url(server):
    g = golden.get("text.default.array_record")
    assert succeeds("cat", server.url(g.name) + "[3:5]") == succeeds("cat", f"{g.path}[3:5]")


def test_absent_objects(server):
    for scheme in ("http", "https"):
        url = server.url("none.array_record", scheme)
        result = arec("info", url)
        assert (result.code, result.err) == (3, f"arec: {url}: HTTP 404, there is no such object\n"), result


def test_certificates_are_verified(server, monkeypatch):
    g = golden.ALL[0]
    monkeypatch.delenv("CURL_CA_BUNDLE")
    result = arec("info", server.url(g.name, "https"))
    assert result.code == 3 and "cannot connect" in result.err and "certificate" in result.err, result
    server.clear_log()
    monkeypatch.setenv("CURL_CA_BUNDLE", str(server.ca))
    result = arec("info", server.url(g.name, "https").replace("127.0.0.1", "localhost"))
    assert result.code == 3 and "cannot connect" in result.err, result  # another name
    assert server.log() == []


def test_old_tls_is_refused(server):
    result = arec("info", server.url(golden.ALL[0].name, "old"))
    assert result.code == 3 and "cannot connect" in result.err, result


def test_redirects_up_are_followed_and_down_are_not(server):
    g = golden.get("text.default.array_record")
    assert succeeds("cat", server.url(g.name, "up")) == succeeds("cat", g.path)
    server.clear_log()
    result = arec("cat", server.url(g.name, "down"))
    assert result.code == 3 and "redirects to what is not https" in result.err, result
    assert [line.status for line in server.log()] == [302]


def test_repair_reads_a_url(server, tmp_path):
    g = golden.get("text.default.array_record")
    succeeds("repair", "-q", "-o", tmp_path / "out", server.url(g.name))
    assert succeeds("cat", tmp_path / "out") == succeeds("cat", g.path)


def test_libraries_are_listed():
    for program in (os.environ["AREC_BIN"], os.environ["ARECFS_BIN"]):
        assert re.search(r"^libcurl \d+\.\d+\.\d+ \(built with\)$", arec("--version", program=program).out.decode(), re.M)
