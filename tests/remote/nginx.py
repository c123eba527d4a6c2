"""nginx on loopback, plain and by TLS with a certificate of its own, for one directory of files."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

CONF = """
worker_processes 1; daemon off; pid {dir}/pid; error_log {dir}/errors; user root;
events {{ worker_connections 256; }}
http {{
    log_format ranges '$connection $request_method $status $body_bytes_sent "$http_range" $uri';
    access_log {dir}/log ranges;
    client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir};
    root {root};
    server {{ listen 127.0.0.1:{http}; }}
    server {{ listen 127.0.0.1:{https} ssl; ssl_certificate {dir}/cert; ssl_certificate_key {dir}/key; ssl_protocols TLSv1.2 TLSv1.3; }}
    server {{ listen 127.0.0.1:{old} ssl; ssl_certificate {dir}/cert; ssl_certificate_key {dir}/key; ssl_protocols TLSv1.1; }}
    server {{ listen 127.0.0.1:{down} ssl; ssl_certificate {dir}/cert; ssl_certificate_key {dir}/key;
              return 302 http://127.0.0.1:{http}$request_uri; }}
    server {{ listen 127.0.0.1:{up}; return 301 https://127.0.0.1:{https}$request_uri; }}
}}
"""
PORTS = ("http", "https", "old", "down", "up")


@dataclass(frozen=True)
class Line:
    connection: int
    status: int
    sent: int     # bytes of the body
    range: str


class Nginx:
    def __init__(self, directory, ports):
        self.directory, self.ports = directory, ports
        self.ca = directory / "cert"

    def url(self, name, server="http"):
        scheme = "http" if server in ("http", "up") else "https"
        return f"{scheme}://127.0.0.1:{self.ports[server]}/{name}"

    def clear_log(self):
        os.truncate(self.directory / "log", 0)

    def log(self):
        time.sleep(0.1)  # nginx writes a line after the answer
        lines = []
        for line in (self.directory / "log").read_text().splitlines():
            connection, _, status, sent, rest = line.split(" ", 4)
            lines.append(Line(int(connection), int(status), int(sent), rest.split('"')[1]))
        return lines


def _free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _wait_for(port, process):
    for _ in range(600):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        assert process.poll() is None, "nginx has ended"
        time.sleep(0.1)
    raise AssertionError("nginx does not answer")


@contextlib.contextmanager
def nginx(root):
    """Serves the files of @root."""
    if not os.access(NGINX, os.X_OK) or not shutil.which("openssl"):
        pytest.skip("nginx or openssl is not installed")
    directory = Path(tempfile.mkdtemp(prefix="arec-nginx-"))
    ports = dict(zip(PORTS, _free_ports(len(PORTS))))
    process = None
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", directory / "key", "-out", directory / "cert", "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        (directory / "conf").write_text(CONF.format(dir=directory, root=root, **ports))
        process = subprocess.Popen([NGINX, "-c", directory / "conf", "-p", directory, "-e", directory / "errors"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for(ports["up"], process)
        yield Nginx(directory, ports)
    finally:
        if process:
            process.terminate()
            process.wait()
        shutil.rmtree(directory)
