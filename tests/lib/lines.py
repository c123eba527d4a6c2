"""Two network namespaces with a line between them that has delay, rate, queue and loss: tests/remote/line.c."""

import contextlib
import os
import re
import subprocess

LINE = os.environ.get("AREC_LINE")
NEAR, FAR = "10.77.0.1", "10.77.0.2"


class Line:
    """The two ends. Both go with the last of their processes."""

    def __init__(self, process, paths):
        self._process = process
        self._paths = paths

    def near(self, *command):
        """@command, to be run at the near end; a mount made there is seen outside."""
        return ["nsenter", f"--net={self._paths['near']}", *map(str, command)]

    def far(self, *command):
        return ["nsenter", f"--net={self._paths['far']}", *map(str, command)]

    def end(self):
        """Takes the line away. {way: {what: how many}}, for `packets`, `bytes`, `dropped`, `lost`; `out` goes to the
        far end."""
        output, _ = self._process.communicate(timeout=60)
        return {way: {name: int(number) for name, number in re.findall(r"(\w+) (\d+)", counts)}
                for way, counts in re.findall(r"^(out|back) (.*)$", output, re.M)}


def start(**options):
    """@options  those of line.c: delay_ms, rate_mbit, queue_ms, loss, seed."""
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    process = subprocess.Popen([LINE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    paths = {}
    for text in process.stdout:
        if text == "ready\n":
            return Line(process, paths)
        name, path = text.split()
        paths[name] = path
    process.wait()
    raise OSError("there is no line")


@contextlib.contextmanager
def line(**options):
    """A Line; skips the test where none can be made."""
    import pytest  # which the benchmarks, that use start (), do without

    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        pytest.skip("a line needs root and /dev/net/tun")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        pytest.skip("network namespaces cannot be made")
    made = start(**options)
    try:
        yield made
    finally:
        if made._process.poll() is None:
            made._process.kill()
            made._process.wait()
