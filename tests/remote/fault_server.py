#!/usr/bin/env python3
"""A server for one object that does what servers should not, on purpose.

    fault_server.py [--port PORT] [--fault KIND[:N]] FILE      prints its URL and, for each request, a line

As a module, FaultServer is the same in a thread of the caller, with the requests in `log`. N is a count or a number of a
request, by KIND: see FAULTS.
"""

import argparse
import hashlib
import re
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from dataclasses import dataclass

LAST_MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Mon, 07 Nov 1994 08:49:37 GMT"
KIB = 1024
BLOCK = 64 * KIB
FAULTS = {}


def fault(handler):
    """Registers a fault by the name of its function. It gets an Answer that is right, changes it or answers itself;
    False: nothing more is to be sent."""
    FAULTS[handler.__name__.replace("_", "-")] = handler
    return handler


@dataclass
class Request:
    number: int       # from 1 on
    connection: int   # from 1 on
    path: str
    headers: dict     # names in lower case
    status: int = 0
    sent: int = 0     # bytes of the body

    @property
    def range(self):
        return self.headers.get("range", "")


class Answer:
    """What a good server would say."""

    def __init__(self, server, request, connection):
        self.server, self.request, self.connection = server, request, connection
        self.n = server.n
        self.status = 206
        self.headers = {}
        self.body = b""
        self.close = False
        etag = server.etag
        total = len(server.data)
        first, end = span_of(request.range, total)
        self.first, self.end, self.total = first, end, total
        self.headers["ETag"] = etag
        self.headers["Last-Modified"] = LAST_MODIFIED
        if request.headers.get("if-match", etag) != etag:
            self.fail(412)
        elif self.is_unchanged():
            self.not_modified()
        elif first is None:
            self.status, self.body = 200, server.data
        elif first >= end:
            self.fail(416)
            self.headers["Content-Range"] = f"bytes */{total}"
        else:
            self.body = server.data[first:end]
            self.headers["Content-Range"] = f"bytes {first}-{end - 1}/{total}"

    def is_unchanged(self):
        asked = self.request.headers
        if "if-none-match" in asked:
            return asked["if-none-match"] == self.server.etag
        return asked.get("if-modified-since") == LAST_MODIFIED

    def not_modified(self):
        self.status, self.body = 304, b""
        self.headers["Content-Length"] = None
        self.headers.pop("Content-Range", None)

    def is_conditional(self):
        return "if-none-match" in self.request.headers or "if-modified-since" in self.request.headers

    def fail(self, status, **headers):
        self.status, self.body = status, b"SECRETbody"
        self.headers.pop("Content-Range", None)
        self.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    def head(self):
        lines = [f"HTTP/1.1 {self.status} Because"]
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        if self.close:
            headers["Connection"] = "close"
        lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def send(self, data):
        self.connection.sendall(data)

    def send_all(self):
        self.send(self.head())
        self.send(self.body)
        self.request.sent += len(self.body)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close = True
        return False

    def wait(self):
        """Until the other side has had enough."""
        self.connection.settimeout(60)
        try:
            while self.connection.recv(KIB):
                pass
        except OSError:
            pass
        self.close = True
        return False


def span_of(text, total):
    """The range @text as [first, end); None, None: there is none."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
    if not match or match.group(1) == match.group(2) == "":
        return None, None
    if match.group(1) == "":
        return max(0, total - int(match.group(2))), total
    end = total if match.group(2) == "" else int(match.group(2)) + 1
    return int(match.group(1)), min(end, total)


# ---- answers that are no ranges ----------------------------------------------------------------


@fault
def whole(answer):
    """200 with everything, whatever was asked for."""
    answer.status, answer.body = 200, answer.server.data
    answer.headers.pop("Content-Range", None)


@fault
def whole_later(answer):
    """The same from request N on."""
    return whole(answer) if answer.request.number >= answer.n else None


@fault
def whole_unsized(answer):
    """The same without Content-Length."""
    whole(answer)
    answer.headers["Content-Length"] = None
    answer.close = True


@fault
def whole_huge(answer):
    """200 for an object of 100 MiB, which nobody wants to read."""
    whole(answer)
    answer.headers["Content-Length"] = str(100 << 20)
    answer.send(answer.head())
    return answer.wait()


@fault
def whole_short(answer):
    """The whole object, of which the first N answers end early."""
    whole(answer)
    if answer.request.number <= answer.n:
        answer.headers["Content-Length"] = str(len(answer.body))
        answer.body = answer.body[:len(answer.body) // 2]
        answer.close = True


@fault
def right_range_200(answer):
    """200 for a range, with the Content-Range of that range."""
    answer.status = 200


@fault
def no_suffix(answer):
    """400 for a suffix range."""
    if answer.request.range.startswith("bytes=-"):
        answer.fail(400)


@fault
def no_suffix_whole(answer):
    """200 with everything for a suffix range."""
    if answer.request.range.startswith("bytes=-"):
        whole(answer)


@fault
def no_content_range(answer):
    answer.headers.pop("Content-Range", None)


@fault
def other_content_range(answer):
    answer.headers["Content-Range"] = f"bytes {answer.first + 1}-{answer.end - 1}/{answer.total}"


@fault
def other_content_range_first(answer):
    """Only the first N."""
    if answer.request.number <= answer.n:
        other_content_range(answer)


@fault
def other_total(answer):
    """From request N on, with the same validator."""
    if answer.request.number >= answer.n:
        answer.headers["Content-Range"] = f"bytes {answer.first}-{answer.end - 1}/{answer.total + 1}"


@fault
def unknown_total(answer):
    """From request N on."""
    if answer.request.number >= answer.n:
        answer.headers["Content-Range"] = f"bytes {answer.first}-{answer.end - 1}/*"


@fault
def multipart(answer):
    answer.headers["Content-Type"] = "multipart/byteranges; boundary=x"


@fault
def gzip(answer):
    answer.headers["Content-Encoding"] = "gzip"


@fault
def empty(answer):
    """An object of no bytes: 416 for any range."""
    answer.fail(416)
    answer.headers["Content-Range"] = "bytes */0"


# ---- bodies ------------------------------------------------------------------------------------


@fault
def short(answer):
    """The first N bodies end in the middle."""
    if answer.request.number <= answer.n:
        answer.headers["Content-Length"] = str(len(answer.body))
        answer.body = answer.body[:max(1, len(answer.body) // 2)]
        answer.close = True


@fault
def short_length(answer):
    """The first N bodies, and their Content-Length, are half as long as their Content-Range says."""
    if answer.request.number <= answer.n:
        answer.body = answer.body[:max(1, len(answer.body) // 2)]


@fault
def long(answer):
    """More than was asked for."""
    answer.body += b"X" * BLOCK


@fault
def endless(answer):
    answer.headers["Content-Length"] = None
    answer.close = True
    answer.send_all()
    try:
        while True:
            answer.send(b"X" * BLOCK)
            answer.request.sent += BLOCK
    except OSError:
        return False


@fault
def chunked(answer):
    """In pieces, with a trailer."""
    answer.headers.update({"Content-Length": None, "Transfer-Encoding": "chunked"})
    answer.send(answer.head())
    for i in range(0, len(answer.body), 1000):
        piece = answer.body[i:i + 1000]
        answer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    answer.send(b"0\r\nETag: \"other\"\r\nContent-Range: bytes 5-6/7\r\n\r\n")
    answer.request.sent = len(answer.body)
    return False


@fault
def stall(answer):
    """The first N bodies stop in the middle."""
    if answer.request.number <= answer.n:
        answer.send(answer.head())
        answer.send(answer.body[:len(answer.body) // 2])
        answer.request.sent = len(answer.body) // 2
        return answer.wait()


@fault
def drip(answer):
    """Bodies come byte by byte."""
    answer.send(answer.head())
    try:
        for byte in answer.body:
            answer.send(bytes([byte]))
            time.sleep(0.05)
    except OSError:
        answer.close = True
    return False


# ---- heads -------------------------------------------------------------------------------------


@fault
def no_answer(answer):
    """To the first N requests."""
    if answer.request.number <= answer.n:
        return answer.wait()


@fault
def silent_later(answer):
    """From request N on."""
    if answer.request.number >= answer.n:
        return answer.wait()


@fault
def slow_head(answer):
    """Byte by byte."""
    try:
        for byte in answer.head():
            answer.send(bytes([byte]))
            time.sleep(0.05)
    except OSError:
        pass
    answer.close = True
    return False


@fault
def long_head(answer):
    """100 MB of headers."""
    answer.send(b"HTTP/1.1 206 Because\r\n")
    try:
        for _ in range(100_000):
            answer.send(b"X-Header: " + b"x" * 1000 + b"\r\n")
            answer.request.sent += 1012
    except OSError:
        pass
    answer.close = True
    return False


@fault
def long_line(answer):
    """A header of 100 MB."""
    answer.send(b"HTTP/1.1 206 Because\r\nX-Header: ")
    try:
        for _ in range(1000):
            answer.send(b"x" * 100_000)
            answer.request.sent += 100_000
    except OSError:
        pass
    answer.close = True
    return False


@fault
def garbage(answer):
    answer.send(b"\x00\xff\x00 no HTTP at all\r\n\r\n")
    answer.close = True
    return False


@fault
def interim(answer):
    """Two interim answers before each."""
    answer.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nETag: \"early\"\r\n\r\n")


@fault
def reset(answer):
    """Instead of the first N answers."""
    if answer.request.number <= answer.n:
        return answer.reset()


@fault
def reset_idle(answer):
    """After each answer: the connection says nothing of it."""
    answer.send_all()
    return answer.reset()


# ---- statuses ----------------------------------------------------------------------------------


def _status(number):
    def first(answer):
        if answer.request.number <= answer.n:
            answer.fail(number)
    first.__name__ = f"status_{number}"
    fault(first)

    def later(answer):
        if answer.request.number >= answer.n:
            answer.fail(number)
    later.__name__ = f"later_{number}"
    fault(later)


for _number in (301, 304, 400, 401, 403, 404, 408, 410, 412, 416, 425, 429, 500, 502, 503, 504):
    _status(_number)


@fault
def retry_after(answer):
    """503 with Retry-After: 1, N times."""
    if answer.request.number <= answer.n:
        answer.fail(503, Retry_After="1")


# ---- versions ----------------------------------------------------------------------------------


@fault
def changes(answer):
    """From request N on it is another object of the same size; If-Match is ignored."""
    if answer.request.number >= answer.n:
        answer.headers["ETag"] = '"other"'
        answer.body = b"Y" * len(answer.body)


@fault
def grows(answer):
    """The same of another size."""
    if answer.request.number >= answer.n:
        answer.headers.update({"ETag": '"other"', "Content-Range": f"bytes {answer.first}-{answer.end - 1}/{answer.total + 7}"})


@fault
def flapping(answer):
    """Two servers behind one name that differ in the ETag only."""
    if answer.request.number % 2 == 0:
        answer.headers["ETag"] = '"other"'


@fault
def weak(answer):
    """Another weak ETag each time, and If-Unmodified-Since is required from the second on."""
    answer.headers["ETag"] = f'W/"{answer.request.number}"'
    if answer.request.number > 1 and not answer.is_conditional() and answer.request.headers.get("if-unmodified-since") != LAST_MODIFIED:
        answer.fail(400)


@fault
def weak_changes(answer):
    answer.headers["ETag"] = 'W/"x"'
    if answer.request.number >= answer.n:
        answer.headers["Last-Modified"] = LATER


@fault
def bare(answer):
    """No validator at all."""
    del answer.headers["ETag"], answer.headers["Last-Modified"]


@fault
def bare_grows(answer):
    bare(answer)
    if answer.request.number >= answer.n:
        answer.headers["Content-Range"] = f"bytes {answer.first}-{answer.end - 1}/{answer.total + 7}"


@fault
def dated(answer):
    """A time of modification alone."""
    del answer.headers["ETag"]


@fault
def other_304(answer):
    """304 with another ETag to whoever asks whether the object is unchanged."""
    if answer.is_conditional():
        answer.not_modified()
        answer.headers["ETag"] = '"other"'


@fault
def weak_304(answer):
    """304 with the same ETag, but weak."""
    if answer.is_conditional():
        answer.not_modified()
        answer.headers["ETag"] = "W/" + answer.server.etag


@fault
def bad_etag(answer):
    """An ETag that must not be sent back."""
    answer.headers["ETag"] = '"a" , "b"'


# ---- redirects ---------------------------------------------------------------------------------


def _redirect(answer, to):
    answer.fail(302, Location=to)


@fault
def redirect(answer):
    """N times before each answer."""
    count = int(answer.request.path.partition("?")[2]) if answer.request.path.startswith("/object?") else 0
    if count < answer.n:
        _redirect(answer, f"/object?{count + 1}")


@fault
def redirect_expires(answer):
    """To a target that answers N requests, then 403."""
    if not answer.request.path.startswith("/target"):
        answer.server.target = answer.n
        _redirect(answer, "/target")
    elif answer.server.target == 0:
        answer.fail(403)
    else:
        answer.server.target -= 1


@fault
def redirect_to(answer):
    """To the URL that the server was given."""
    _redirect(answer, answer.server.location)


# ---- the server --------------------------------------------------------------------------------


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        server = self.server.owner
        connection = server.next_connection()
        stream = self.request.makefile("rb")
        try:
            while self._answer(server, stream, connection):
                pass
        except (OSError, ValueError):
            pass
        finally:
            server.end_connection()

    def _answer(self, server, stream, connection):
        line = stream.readline().decode()
        if not line:
            return False
        _, path, _ = line.split()
        headers = {}
        while (line := stream.readline().decode().rstrip("\r\n")):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        request = server.note(path, headers, connection)
        answer = Answer(server, request, self.request)
        go_on = FAULTS[server.fault](answer) if server.fault else None
        request.status = answer.status
        if go_on is not False:
            answer.send_all()
        return not answer.close


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address


class FaultServer:
    """Serves @data at `url` until stop ()."""

    def __init__(self, data, fault="", host="127.0.0.1", port=0, location=None, tls=None):
        self.data = data
        self.etag = '"%s"' % hashlib.sha256(data).hexdigest()[:16]
        self.fault, _, n = fault.partition(":")
        if self.fault and self.fault not in FAULTS:
            raise ValueError(f"no such fault: {self.fault}")
        self.n = int(n or 0)
        self.location = location
        self.target = 0
        self.log = []
        self._lock = threading.Lock()
        self._connections = 0
        self.n_open = 0  # connections
        self._server = _Server((host, port), _Handler)
        self._server.owner = self
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}/x.array_record"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def next_connection(self):
        with self._lock:
            self._connections += 1
            self.n_open += 1
            return self._connections

    def end_connection(self):
        with self._lock:
            self.n_open -= 1

    def note(self, path, headers, connection):
        with self._lock:
            request = Request(len(self.log) + 1, connection, path, headers)
            self.log.append(request)
            return request

    @property
    def ranges(self):
        return [request.range.removeprefix("bytes=") for request in self.log]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", default="", help=f"KIND[:N], one of {', '.join(FAULTS)}")
    parser.add_argument("--location", help="where redirect-to leads")
    parser.add_argument("file")
    options = parser.parse_args()
    with open(options.file, "rb") as file, FaultServer(file.read(), options.fault, port=options.port,
                                                       location=options.location) as server:
        print(server.url, flush=True)
        n = 0
        try:
            while True:
                time.sleep(0.2)
                for request in server.log[n:]:
                    print(request.number, request.connection, request.path, request.range, request.status, flush=True)
                    n += 1
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
