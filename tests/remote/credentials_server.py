"""Stand-ins for those who give credentials: the metadata of EC2 (version 2) and of Google, a container service, STS,
and a token_uri. One server on loopback, or on addresses of a namespace, with the requests in `log`.

    credentials_server.py ADDRESS:PORT...      prints `ready`, then a line for each request; ends with its input
"""

import http.server
import json
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass

IMDS_TOKEN = "SECRETimds"
CONTAINER_TOKEN = "SECRETcontainer"
KEYS = {"AccessKeyId": "ASIAX", "SecretAccessKey": "SECRETkey/+=", "Token": "SECRETsession=="}
GOOGLE_TOKEN = "SECRETya29.x-_~+/="
ROLE = "role with spaces"

STS = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>
<AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>SECRETkey/+=</SecretAccessKey><SessionToken>SECRETsession==</SessionToken>
<Expiration>{ends}</Expiration></Credentials></{action}Result></{action}Response>"""


def later(seconds=3600):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


@dataclass
class Request:
    method: str
    path: str
    headers: dict   # names in lower case
    body: str
    status: int = 0

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body, strict_parsing=True))

    def __str__(self):
        return f"{self.method} {self.path} {self.status}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "x"

    def log_message(self, *_):
        pass

    def do(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        status, headers, answer = self.server.answer(request)
        request.status = status
        self.server.log.append(request)
        if self.server.out:
            print(request, file=self.server.out, flush=True)
        data = answer if isinstance(answer, bytes) else (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_HEAD = do_CONNECT = do


class Server(http.server.ThreadingHTTPServer):
    """@fault  a function of a Request that answers instead: (status, headers, body), or None."""
    daemon_threads = True

    def __init__(self, address=("127.0.0.1", 0), fault=lambda request: None, out=None):
        super().__init__(address, Handler)
        self.fault, self.out, self.log = fault, out, []
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def host(self):
        return "%s:%d" % self.server_address

    @property
    def url(self):
        return f"http://{self.host}"

    @property
    def paths(self):
        return [str(request) for request in self.log]

    def handle_error(self, *_):
        pass

    def answer(self, request):
        return self.fault(request) or self.sound(request)

    def sound(self, request):
        path, headers = request.path, request.headers
        if path == "/latest/api/token":
            if request.method != "PUT" or not headers.get("x-aws-ec2-metadata-token-ttl-seconds"):
                return 400, {}, ""
            return 200, {}, IMDS_TOKEN
        if path.startswith("/latest/meta-data/"):
            if headers.get("x-aws-ec2-metadata-token") != IMDS_TOKEN:
                return 401, {}, ""
            name = path.removeprefix("/latest/meta-data/iam/security-credentials/")
            if name == "":
                return 200, {}, ROLE
            if urllib.parse.unquote(name) == ROLE:
                return 200, {}, {"Code": "Success", **KEYS, "Expiration": later()}
        if path.startswith("/container"):
            if headers.get("authorization") != CONTAINER_TOKEN:
                return 401, {}, {"code": "Unauthorized", "message": "wrong token"}
            return 200, {}, {**KEYS, "Expiration": later()}
        if path.startswith("/computeMetadata/"):
            if headers.get("metadata-flavor") != "Google":
                return 403, {}, ""
            return 200, {"Metadata-Flavor": "Google"}, {"access_token": GOOGLE_TOKEN, "expires_in": 3599, "token_type": "Bearer"}
        if request.method == "POST" and path == "/token":
            return 200, {}, {"access_token": GOOGLE_TOKEN, "expires_in": 3599}
        if request.method == "POST" and path == "/":
            return 200, {}, STS.format(action=request.form["Action"], ends=later())
        return 404, {}, ""


def main():
    for address in sys.argv[1:]:
        host, port = address.rsplit(":", 1)
        Server((host, int(port)), out=sys.stdout)
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
