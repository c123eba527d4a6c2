"""Servers that do what they should not: right bytes, or an error within the deadline. Never others, never a hang."""

import os
import subprocess
import time
from pathlib import Path

import pytest

import golden
from fault_server import FAULTS, KIB, FaultServer
from mounts import AREC, ARECFS, wait_until
from program import arec, succeeds
from undisturbed import undisturbed

# Seconds in which the requests of a run must end, and in which the whole run must, on a busy machine.
DEADLINE = 2
HANG = 60

TEXT = golden.get("text.groupsize1-uncompressed.array_record")  # larger than the end that comes with the opening


@pytest.fixture(autouse=True)
def deadline(monkeypatch):
    monkeypatch.setenv("AREC_REQUEST_DEADLINE", str(DEADLINE))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def expected():
    return succeeds("cat", TEXT.path)


def run(server, *args, command="cat"):
    before = time.monotonic()
    result = arec(command, server.url + "?SECRETquery", *args, timeout=HANG)
    assert "SECRET" not in result.err, result
    assert time.monotonic() - before < HANG
    return result


# ---- what is as good as no fault ----------------------------------------------------------------

GOOD = [
    "", "whole", "whole-short:2", "right-range-200", "no-suffix", "no-suffix-whole", "chunked", "interim", "weak", "bare",
    "bad-etag", "short:1", "short:3", "short-length:2", "long", "endless", "stall:1", "no-answer:1", "reset:2", "reset-idle",
    "dated", "other-304", "weak-304", "other-content-range-first:2", "unknown-total:2", "redirect:1", "redirect:5", "redirect-expires:2",
    "status-500:2", "status-502:2", "status-503:2", "status-504:1", "status-429:1", "status-408:1", "status-425:1",
    "retry-after:1",
]


@pytest.mark.parametrize("fault", GOOD)
def test_right_bytes(fault, expected, monkeypatch):
    monkeypatch.setenv("AREC_REQUEST_DEADLINE", "20")
    with FaultServer(TEXT.path.read_bytes(), fault) as server:
        result = run(server)
        warning = f"arec: {server.url}: the server gives neither an ETag nor a time: if the object changes, only another size shows it\n"
        assert (result.code, result.err) == (0, warning if fault == "bare" else ""), (fault, result, server.log)
        assert result.out == expected, fault


# ---- what is an error ---------------------------------------------------------------------------

# Fault, exit code, and what the message says. The first request opens the object.
BAD = [
    ("whole-unsized", 3, "neither ranges nor the size"),
    ("whole-huge", 3, "gives no ranges"),
    ("no-content-range", 3, "not the range asked for"),
    ("other-content-range", 3, "not the range asked for"),
    ("multipart", 3, "not the range asked for"),
    ("gzip", 6, "Content-Encoding"),
    ("whole-later:2", 1, "gives no ranges"),
    ("empty", 5, "an empty file"),
    ("unknown-total:1", 3, "not the range asked for"),
    ("other-total:2", 1, "not the range asked for"),
    ("drip", 3, "stalls"),
    ("slow-head", 3, "no answer"),
    ("long-head", 3, "longer than 64 KiB"),
    ("long-line", 3, ""),
    ("garbage", 3, "no answer"),
    ("no-answer:999", 3, "no answer"),
    ("silent-later:2", 1, "no answer"),
    ("stall:999", 3, "stalls"),
    ("reset:999", 3, "no answer"),
    ("status-503:999", 3, "HTTP 503"),
    ("status-429:999", 3, "HTTP 429"),
    ("status-301:1", 3, "HTTP 301"),
    ("status-304:1", 3, "HTTP 304"),
    ("status-401:1", 3, "HTTP 401"),
    ("status-403:1", 3, "HTTP 403"),
    ("status-404:1", 3, "HTTP 404"),
    ("status-410:1", 3, "HTTP 410"),
    ("status-412:1", 3, "HTTP 412"),
    ("retry-after:999", 3, "HTTP 503"),
    ("later-404:2", 1, "changed since it was opened"),
    ("later-410:2", 1, "changed since it was opened"),
    ("later-412:2", 1, "changed since it was opened"),
    ("later-416:2", 1, "changed since it was opened"),
    ("later-403:2", 1, "HTTP 403"),
    ("later-400:2", 1, "HTTP 400"),
    ("later-500:2", 1, "HTTP 500"),
    ("changes:2", 1, "changed since it was opened"),
    ("grows:2", 1, "changed since it was opened"),
    ("flapping", 1, "its servers differ"),
    ("weak-changes:2", 1, "changed since it was opened"),
    ("bare-grows:2", 1, "changed since it was opened"),
    ("redirect:6", 3, "more than 5 times"),
]


@pytest.mark.parametrize("fault, code, message", BAD)
def test_errors(fault, code, message, expected):
    with FaultServer(TEXT.path.read_bytes(), fault) as server:
        result = run(server)
        assert result.code == code, (fault, result, server.log)
        assert message in result.err and result.err.count("\n") == 1 + fault.startswith("bare"), result
        assert expected.startswith(result.out), fault


def test_every_fault_is_tested():
    assert {fault.partition(":")[0] for fault in GOOD + [row[0] for row in BAD]} | {
        "redirect-to"} | {f"{kind}-{n}" for n in (301, 304, 400, 401, 403, 404, 408, 410, 412, 416, 425, 429, 500, 502, 503, 504)
                          for kind in ("status", "later")} == {"", *FAULTS}


# ---- secrets ------------------------------------------------------------------------------------

@pytest.mark.parametrize("program", ["arec", "arecfs"])
def test_query_leaves_the_command_line(program, tmp_path):
    """Before a byte goes to the server nobody else sees the query any more."""
    with FaultServer(TEXT.path.read_bytes(), "slow-head") as server:
        url = server.url + "?SECRETquery"
        command = [AREC, "cat", url] if program == "arec" else [ARECFS, "-f", url, tmp_path]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            assert wait_until(lambda: server.log, HANG)
            line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert b"SECRET" not in line and b"?***" in line, line
        finally:
            process.kill()
            _, err = process.communicate()
        assert b"SECRET" not in err


# ---- how much is read of what comes -------------------------------------------------------------

@pytest.mark.parametrize("fault", ["endless", "long-head", "long-line", "whole-huge", "long"])
def test_surplus_is_not_read(fault):
    """What a server sends beyond what is wanted fills the buffers of both sides and no more."""
    with FaultServer(TEXT.path.read_bytes(), fault) as server:
        run(server, "0")
        assert all(request.sent < 16 << 20 for request in server.log), server.log


def test_two_versions_never_mix(expected):
    """Whatever comes before the change is of the first version, and nothing after it is of the second."""
    for n in range(2, 6):
        with FaultServer(TEXT.path.read_bytes(), f"changes:{n}") as server:
            result = run(server)
            assert expected.startswith(result.out) and b"YYYY" not in result.out


# ---- redirects that are refused -----------------------------------------------------------------

@pytest.mark.parametrize("location, message", [
    ("http://169.254.169.254/latest/meta-data/", "metadata"),
    ("http://[fd00:ec2::254]/latest/meta-data/", "metadata"),
    ("http://2852039166/latest/", "metadata"),
    ("file:///etc/passwd", "not https"),
    ("ftp://127.0.0.1/x", "not https"),
    ("http://user:SECRET@127.0.0.1:9/x", "redirects to"),
])
def test_redirects_that_are_not_followed(location, message):
    with FaultServer(TEXT.path.read_bytes(), "redirect-to", location=location) as server:
        result = run(server)
        assert result.code == 3 and message in result.err, result
        assert len(server.log) == 1


@pytest.mark.parametrize("url", ["http://169.254.169.254/x", "http://[fe80::1]/x", "http://[::ffff:169.254.169.254]/x"])
def test_metadata_addresses_are_refused(url):
    result = arec("info", url, timeout=HANG)
    assert result.code == 3 and "metadata" in result.err, result


# ---- what is asked for --------------------------------------------------------------------------

@undisturbed
def test_opening_is_one_request():
    with FaultServer(TEXT.path.read_bytes()) as server:
        last = TEXT.n_records - 1
        result = run(server, str(last))
        TEXT.check(last, result.out)
        assert server.ranges == ["-131072"]  # the last record came with the end of the file
        assert server.log[0].headers["accept-encoding"] == "identity"
        assert server.log[0].headers["user-agent"].startswith("arecfs/")
        assert server.log[0].path == "/x.array_record?SECRETquery"


@undisturbed
def test_each_range_is_asked_for_once(expected):
    with FaultServer(TEXT.path.read_bytes()) as server:
        assert run(server).out == expected
        spans = sorted(tuple(map(int, text.split("-"))) for text in server.ranges[1:])
        begin = len(server.data) - 128 * KIB
        assert server.ranges[0] == "-131072"
        assert all(a[1] < b[0] for a, b in zip(spans, spans[1:])), spans
        assert all(last < begin for _, last in spans), spans
        assert all(request.headers.get("if-match") == server.etag for request in server.log[1:])
        assert len({request.connection for request in server.log}) <= 32


@undisturbed
def test_rest_of_a_short_body_only(expected):
    with FaultServer(TEXT.path.read_bytes(), "short:1") as server:
        assert run(server, str(TEXT.n_records - 1)).code == 0
        size = len(server.data)
        assert server.ranges == ["-131072", f"{size - 64 * KIB}-{size - 1}"]
        assert server.log[1].headers["if-match"] == server.etag


def test_unknown_host_and_refused_port():
    for url in ("http://no.such.host.invalid/x", "http://127.0.0.1:1/x"):
        result = arec("info", url, timeout=HANG)
        assert result.code == 3 and "cannot connect" in result.err, result


def test_interrupt_ends_a_wait():
    """A wait for a server that does not answer ends with the signal."""
    import signal
    import subprocess
    with FaultServer(b"x", "no-answer:999") as server:
        process = subprocess.Popen([os.environ["AREC_BIN"], "cat", server.url], stderr=subprocess.PIPE,
                                   env={**os.environ, "AREC_REQUEST_DEADLINE": "300"})
        while not server.log:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=HANG)
        assert process.returncode in (1, -signal.SIGINT, 130), process.returncode
