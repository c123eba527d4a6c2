"""What servers of buckets may answer: another region, credentials that have ended, redirects, faults of all sizes. The server
here says what each test wants; that signatures are right is tested on real servers (test_buckets.py)."""

import contextlib
import email.utils
import http.server
import json
import os
import re
import stat
import sys
import threading
import time
from dataclasses import dataclass

import pytest

import golden
from buckets import NO_PROXY, VARIABLES
from fault_server import span_of
from mounts import mount_fails, mounted
from program import arec
from undisturbed import undisturbed

TEXT = golden.get("text.groupsize1-uncompressed.array_record")
DATA = TEXT.path.read_bytes()
MIB = 1 << 20


def fault(code, message="", **elements):
    rest = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message>{rest}</Error>".encode()


@dataclass
class Request:
    number: int  # from 1 on
    headers: object

    @property
    def range(self):
        return self.headers["range"].removeprefix("bytes=")

    @property
    def region(self):
        """That is signed for."""
        return re.search(r"Credential=[^/]+/\d+/([^/]+)/s3/", self.headers["authorization"]).group(1)

    @property
    def token(self):
        return self.headers.get("x-amz-security-token")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        with server.lock:
            request = Request(len(server.requests) + 1, self.headers)
            server.requests.append(request)
        said = server.behave(request) if server.behave else None
        status, headers, body = said or server.give(request)
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), "Date": email.utils.formatdate(usegmt=True), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    """One object, whatever the path. @behave  gets a request and may return (status, headers, body)."""
    daemon_threads = True

    def __init__(self, behave=None, headers=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave, self.requests, self.lock = behave, [], threading.Lock()
        self.headers = headers or {"ETag": '"v"'}
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def give(self, request):
        first, end = span_of(request.headers["range"], len(DATA))
        return 206, {**self.headers, "Content-Range": f"bytes {first}-{end - 1}/{len(DATA)}"}, DATA[first:end]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *args):
        self.shutdown()
        super().__exit__(*args)


def environment(server, **changes):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLES)}
    return {**kept, **NO_PROXY, "HOME": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": server.url,
            "STORAGE_EMULATOR_HOST": server.url, "AWS_ACCESS_KEY_ID": "ID", "AWS_SECRET_ACCESS_KEY": "SECRETxyz", **changes}


def run(server, *args, **changes):
    return arec(*args, env=environment(server, **changes))


def refused(server, *contained, **changes):
    result = run(server, "info", "s3://b/k", **changes)
    assert result.code == 3 and result.err.startswith("arec: s3://b/k: HTTP "), result
    assert "SECRET" not in result.err, result
    for text in contained:
        assert text in result.err, result


# ---- regions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 307, 400])
@undisturbed
def test_a_region_is_learned_once(status):
    def behave(request):
        if request.region != "eu-north-1":
            return status, {"x-amz-bucket-region": "eu-north-1", "Location": "http://127.0.0.1:1/"}, fault("Elsewhere")
    with Server(behave) as server:
        result = run(server, "cat", "s3://b/x@3", "7", AWS_REGION="us-west-2")
        assert (result.code, result.err) == (0, ""), result
        TEXT.check(7, result.out)
        assert [request.region for request in server.requests].count("us-west-2") <= 3  # of requests at the same time
        assert server.requests[0].region == "us-west-2" and server.requests[-1].region == "eu-north-1"


@undisturbed
def test_a_region_in_the_body():
    def behave(request):
        if request.region == "us-east-1":
            return 400, {}, fault("AuthorizationHeaderMalformed", Region="cn-north-1")
    with Server(behave) as server:
        assert run(server, "cat", "s3://b/k", "7").code == 0
        assert [request.region for request in server.requests][:2] == ["us-east-1", "cn-north-1"]


@undisturbed
def test_a_bucket_that_goes_round():
    regions = iter(f"r-{i}" for i in range(100))
    with Server(lambda request: (301, {"x-amz-bucket-region": next(regions)}, fault("PermanentRedirect", "Go on."))) as server:
        refused(server, "HTTP 301, PermanentRedirect: Go on", "the bucket is in r-1")
        assert len(server.requests) == 2


def test_redirects_are_not_followed():
    with Server() as other:
        with Server(lambda request: (307, {"Location": other.url}, b"")) as server:
            refused(server, "HTTP 307, it redirects")
        assert other.requests == []


# ---- credentials -------------------------------------------------------------------------------


@pytest.fixture
def purse(tmp_path):
    """A credential_process that gives another session token each time, as AWS_CONFIG_FILE; and the count of its runs."""
    count, script, config = tmp_path / "count", tmp_path / "purse", tmp_path / "config"
    script.write_text(f"#!{sys.executable}\nimport json, pathlib\np = pathlib.Path({str(count)!r})\n"
                      "n = len(p.read_bytes()) + 1 if p.exists() else 1\np.write_bytes(b'x' * n)\n"
                      "print(json.dumps({'Version': 1, 'AccessKeyId': 'ID', 'SecretAccessKey': 'SECRETxyz',"
                      " 'SessionToken': f'SECRETtoken-{n}', 'Expiration': '2099-01-01T00:00:00Z'}))\n")
    script.chmod(stat.S_IRWXU)
    config.write_text(f"[default]\ncredential_process = {script}\n")
    return {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": ""}, lambda: len(count.read_bytes())


@pytest.mark.parametrize("status, code", [(400, "ExpiredToken"), (401, "Whatever")])
def test_credentials_are_renewed_in_the_middle(purse, status, code):
    """Readers of a mount notice nothing."""
    variables, n_runs = purse
    good = {"token": "SECRETtoken-1"}

    def behave(request):
        if request.token != good["token"]:
            return status, {}, fault(code, "SECRETtoken-1 is over")
    with Server(behave) as server:
        with mounted("s3://b/k", environment=environment(server, **variables)) as mount:
            names = sorted(os.listdir(mount.path))
            TEXT.check(0, (mount.path / names[0]).read_bytes())
            time.sleep(6)  # a refusal soon after a renewal is not believed
            good["token"] = "SECRETtoken-2"
            for i in range(TEXT.n_records):
                TEXT.check(i, (mount.path / names[i]).read_bytes())
            assert "SECRET" not in mount.log()
        assert n_runs() == 2


def test_keys_that_have_ended():
    with Server(lambda request: (400, {}, fault("ExpiredToken", "Over."))) as server:
        refused(server, "HTTP 400, ExpiredToken: Over; the credentials have ended", AWS_SESSION_TOKEN="SECRETtoken")
        assert len(server.requests) <= 2


def test_a_denial_is_the_last_word():
    with Server(lambda request: (403, {}, fault("AccessDenied", "No."))) as server:
        refused(server, "HTTP 403, AccessDenied: No; S3 says so of absent objects, too")
        assert len(server.requests) == 1


def test_a_profile_of_aws_is_another_option(purse, tmp_path):
    variables, _ = purse
    with open(variables["AWS_CONFIG_FILE"], "a") as config:
        config.write("[profile of-aws]\nregion = eu-north-1\n")
    err = mount_fails("s3://b/k", "--profile=of-aws", code=2, at=tmp_path, environment=variables, contains=[
        "option profile: 'of-aws' is not one of ", "; a profile of AWS's files is meant by --aws-profile"])
    assert "--aws-profile" not in err.replace("by --aws-profile", "")
    with Server() as server:
        result = run(server, "info", "-s", "--aws-profile=of-aws", "s3://b/k", **{**variables, "AWS_ACCESS_KEY_ID": "ID"})
        assert result.code == 3, result  # it has a region, and no keys
    mount_fails("s3://b/k", "--profile=nobody", code=2, at=tmp_path, environment=variables,
                contains=["option profile: 'nobody' is not one of "])


# ---- what faults say ---------------------------------------------------------------------------


def test_a_clock_that_is_off():
    an_hour_ago = email.utils.formatdate(time.time() - 3600, usegmt=True)
    with Server(lambda request: (403, {"Date": an_hour_ago}, fault("RequestTimeTooSkewed", "Skewed."))) as server:
        refused(server, "RequestTimeTooSkewed: Skewed", "the clock of this machine is 60 minutes ahead of that of the server")


def test_long_and_odd_faults():
    bodies = [fault("Odd", "\x1b[31m\n" + "x" * MIB, StringToSign="SECRETsign"), b"<Error>" * MIB, b"\0" * (100 * MIB), b"",
              b"<Error><Code>" + b"C" * MIB, fault("")]
    for body in bodies:
        with Server(lambda request: (403, {}, body)) as server:
            result = run(server, "info", "s3://b/k")
            assert result.code == 3 and len(result.err) < 600 and result.err.count("\n") == 1, result
            assert result.err.rstrip("\n").isprintable() and "SECRET" not in result.err, result


@undisturbed
def test_a_server_that_wants_less():
    def behave(request):
        if request.number <= 2:
            return 503, {}, fault("SlowDown", "Less.")
    with Server(behave) as server:
        result = run(server, "cat", "s3://b/k", "7")
        assert (result.code, result.err) == (0, ""), result


# ---- GCS ---------------------------------------------------------------------------------------


def test_generations_tell_versions_apart():
    with Server(headers={"x-goog-generation": "5", "ETag": '"v"'}) as server:
        with mounted("gs://b/k", "--prefetch=0", environment=environment(server)) as mount:
            names = sorted(os.listdir(mount.path))
            TEXT.check(0, (mount.path / names[0]).read_bytes())
            server.headers["x-goog-generation"] = "6"
            with pytest.raises(OSError, match="Stale"):
                for name in names:
                    (mount.path / name).read_bytes()
    first, *later = server.requests
    assert "x-goog-if-generation-match" not in first.headers
    assert later and all(request.headers["x-goog-if-generation-match"] == "5" for request in later)


def test_a_suffix_is_asked_for_in_vain_once():
    def behave(request):
        if request.range.startswith("-"):
            return 400, {}, fault("InvalidArgument", "No suffixes.")
    with Server(behave) as server:
        result = run(server, "cat", "s3://b/x@4", "7")
        assert (result.code, result.err) == (0, ""), result
        asked = [request.range for request in server.requests]
        assert asked.count("-131072") == 1 and asked.count("0-0") == 4, asked


def test_a_metadata_address_is_no_endpoint():
    result = arec("info", "--endpoint-url=http://169.254.169.254", "--anonymous", "s3://b/k", env={**os.environ, **NO_PROXY})
    assert result.code == 3 and "link-local" in result.err, result
