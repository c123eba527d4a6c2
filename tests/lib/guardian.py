"""The process that ends mounts when nothing else can.

One is started for each test process. It is a process of its own because a page fault on a dead mount
holds Python's lock, so no thread of the test process could act. It reads one JSON object a line:

    {"op": "arm", "id", "mountpoint", "marker", "seconds"}   watch this mount from now on
    {"op": "minor", "id", "minor"}                           its number in fusectl is known
    {"op": "disarm", "id"}                                   it is gone; answers {"id", "fired"}

When the seconds are over it aborts the connection, so every call that hangs in the mount returns.
At the end of its input, which also comes when the test process is killed, it aborts and detaches the
mounts that are still armed, and ends the servers: processes with the marker in their environment.
"""

import ctypes
import json
import os
import select
import signal
import sys
import tempfile
import time

MNT_FORCE = 1
MNT_DETACH = 2
CONNECTIONS = "/sys/fs/fuse/connections"

libc = ctypes.CDLL(None, use_errno=True)


def fusectl_directory():
    """Where fusectl is mounted, and whether we mounted it."""
    with open("/proc/self/mountinfo") as mountinfo:
        if any(line.split()[4] == CONNECTIONS for line in mountinfo):
            return CONNECTIONS, False
    path = tempfile.mkdtemp(prefix="arecfs-fusectl-")
    if libc.mount(b"fusectl", path.encode(), b"fusectl", 0, None) == 0:
        return path, True
    os.rmdir(path)
    return None, False


def processes_with(marker):
    wanted = marker.encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as environ:
                if wanted in environ.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            pass
    return found


def abort(fusectl, entry):
    minor = entry.get("minor")
    if fusectl is not None and minor is not None:
        try:
            with open(f"{fusectl}/{minor}/abort", "w") as control:
                control.write("1")
            return
        except OSError:
            pass
    libc.umount2(os.fsencode(entry["mountpoint"]), MNT_FORCE)


def finish(fusectl, entry):
    abort(fusectl, entry)
    while libc.umount2(os.fsencode(entry["mountpoint"]), MNT_DETACH) == 0:
        pass
    for pid in processes_with(entry["marker"]):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def main():
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    os.chdir("/")
    fusectl, ours = fusectl_directory()
    armed = {}
    pending = b""
    while True:
        deadlines = [e["deadline"] for e in armed.values() if not e["fired"]]
        timeout = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        readable, _, _ = select.select([0], [], [], timeout)
        if not readable:
            now = time.monotonic()
            for entry in armed.values():
                if not entry["fired"] and entry["deadline"] <= now:
                    entry["fired"] = True
                    abort(fusectl, entry)
            continue
        data = os.read(0, 65536)
        if not data:
            break
        pending += data
        *lines, pending = pending.split(b"\n")
        for line in lines:
            message = json.loads(line)
            key = message["id"]
            if message["op"] == "arm":
                armed[key] = message
                message["deadline"] = time.monotonic() + message["seconds"]
                message["fired"] = False
            elif message["op"] == "minor":
                armed[key]["minor"] = message["minor"]
            else:
                entry = armed.pop(key)
                os.write(1, json.dumps({"id": key, "fired": entry["fired"]}).encode() + b"\n")
    for entry in armed.values():
        finish(fusectl, entry)
    if ours:
        libc.umount2(fusectl.encode(), MNT_DETACH)
        os.rmdir(fusectl)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main())
