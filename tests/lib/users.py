"""arecfs run by a user without privileges, with fusermount3, and by root with the few rights of a container."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from mounts import ARECFS, MARKER, SLOW, marked_processes, mountinfo, wait_until

NOBODY = 65534


class User:
    """The user `nobody`, with a folder of their own, which holds the program and files of the test."""

    def __init__(self, folder, marker):
        self.folder = folder
        self._marker = marker
        self.program = folder / "arecfs"
        shutil.copy(ARECFS, self.program)
        self.program.chmod(0o755)

    def run(self, *command):
        """Runs @command as the user: the completed process, with its output as text."""
        with open(self.folder.parent / "out", "w+") as out, open(self.folder.parent / "err", "w+") as err:
            result = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                    user=NOBODY, group=NOBODY, extra_groups=[], cwd=self.folder,
                                    timeout=60 * SLOW,
                                    env={"PATH": os.environ["PATH"], "LC_ALL": "C", MARKER: self._marker,
                                         "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "")})
            out.seek(0)
            err.seek(0)
            result.stdout, result.stderr = out.read(), err.read()
        return result

    def arecfs(self, *arguments):
        return self.run(self.program, *arguments)

    def servers(self):
        return marked_processes(self._marker)


@contextlib.contextmanager
def user():
    """A User who may open /dev/fuse. Afterwards no mount and no process of theirs is left."""
    if shutil.which("fusermount3") is None:
        pytest.skip("fusermount3 is not installed")
    top = Path(tempfile.mkdtemp(prefix="arecfs-user-"))
    top.chmod(0o755)
    folder = top / "home"
    folder.mkdir()
    device = top / "fuse"
    os.mknod(device, 0o20666, os.stat("/dev/fuse").st_rdev)
    device.chmod(0o666)
    os.chown(folder, NOBODY, NOBODY)
    marker = uuid.uuid4().hex
    subprocess.run(["mount", "--bind", device, "/dev/fuse"], check=True, timeout=30)
    try:
        yield User(folder, marker)
    finally:
        with open("/proc/self/mountinfo") as lines:
            points = [point for point in (line.split()[4] for line in lines) if point.startswith(f"{top}/")]
        for point in reversed(points):
            subprocess.run(["umount", "-l", point], check=False, timeout=30)
        subprocess.run(["umount", "/dev/fuse"], check=True, timeout=30)
        left = not wait_until(lambda: not marked_processes(marker), 10)
        for pid in marked_processes(marker):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(top, ignore_errors=True)
    assert not left, "processes of the user were left"
    assert mountinfo(folder / "mnt") is None
