"""nginx over a folder, in front of the tests: its log counts requests and bytes."""

import contextlib
import shutil
import signal
import subprocess
import time
from pathlib import Path

CONFIGURATION = """
worker_processes 1;
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format counted '$request_method|$status|$http_range|$body_bytes_sent|$connection|$request_uri';
  access_log {folder}/access.log counted;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  sendfile on; tcp_nodelay on; keepalive_timeout 60; keepalive_requests 100000;
  server {{ listen {address}:{port}; root {root}; }}
}}
"""


class Nginx:
    def __init__(self, folder, address, port):
        self._log = folder / "access.log"
        self._read = 0
        self.url = f"http://{address}:{port}"

    def requests(self):
        """[{method, status, range, bytes, connection, uri}, ...] since the last call."""
        text = self._log.read_text()[self._read:] if self._log.exists() else ""
        text = text[:text.rfind("\n") + 1]
        self._read += len(text)
        names = ("method", "status", "range", "bytes", "connection", "uri")
        found = [dict(zip(names, line.split("|", 5))) for line in text.splitlines()]
        for row in found:
            row["status"], row["bytes"] = int(row["status"]), int(row["bytes"])
        return found


@contextlib.contextmanager
def nginx(root, folder, address="127.0.0.1", port=8080, prefix=()):
    """An Nginx over @root, with its own files in @folder. @prefix  what starts it, as in `Line.far ()`."""
    folder = Path(folder)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, root=root, address=address, port=port))
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    process = subprocess.Popen([*prefix, program, "-c", str(configuration), "-p", str(folder)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        while not (folder / "pid").exists():
            if process.poll() is not None or time.monotonic() > end:
                raise OSError(f"nginx does not start: {process.stderr.read()}")
            time.sleep(0.02)
        yield Nginx(folder, address, port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
