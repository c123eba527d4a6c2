"""Progress as a person at a terminal sees it: in a pseudo-terminal that takes all that arec writes.

How long work takes is not known in advance, so the work grows until it takes long enough to be shown.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

import pytest

import forge
import golden
from program import AREC, TIMEOUT

BIG = golden.get("big.groupsize1-uncompressed.array_record")
PLAIN = golden.get("text.snappy-chunksize4K-padding64K.riegeli")
WIDTH = 40
LONG = 2  # seconds after which a line has been shown: the first comes after one second


def run(args, program=(AREC,)):
    """Runs arec with input, output and errors on a terminal: (seconds, what the terminal got)."""
    leader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
    output, start = b"", time.monotonic()
    try:
        with subprocess.Popen([*program, *map(str, args)], stdin=subprocess.DEVNULL, stdout=terminal,
                              stderr=terminal) as process:
            while process.poll() is None or select.select([leader], [], [], 0.2)[0]:
                assert time.monotonic() - start < TIMEOUT, output[-1000:]
                if select.select([leader], [], [], 0.05)[0]:
                    output += os.read(leader, 1 << 16)
            seconds = time.monotonic() - start
            assert process.returncode == 0, output
    finally:
        os.close(leader)
        os.close(terminal)
    return seconds, output.decode()


def run_long(args_of):
    """The same for args_of (n), with n large enough."""
    n = 1
    while True:
        seconds, output = run(args_of(n))
        if seconds >= LONG:
            return n, output
        n = n * 2 if seconds > LONG / 4 else n * 4


def shown(output):
    """Lines of progress; each begins by erasing the one before."""
    return [part for part in re.split("\r\x1b\\[K", output)[1:]
            if re.match(r"[\d.]+ [KMGT]?i?B/", part.split("\r\n")[0])]


def check(output, total):
    lines = shown(output)
    assert lines, repr(output)
    for line in lines:
        line = line.split("\r\n")[0]
        assert len(line) < WIDTH, repr(line)
        assert re.match(r"[\d.]+ [KMG]?i?B/" + re.escape(total) + r" \d+% ", line), repr(line)
    # The line of progress is removed before anything else is written.
    for line in output.split("\r\n"):
        assert not re.search(r"\d% .*(arec:|: ok)", line.split("\r\x1b[K")[-1]), repr(line)


def test_counts_without_an_end(tmp_path):
    """Of a pipe nothing is known before its end: no total, no percents."""
    script = ("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo a; sleep 0.4; done | "
              f"{AREC} pack --from=lines -o {tmp_path / 'out'} -")
    _, shown_text = run([script], program=["sh", "-c"])
    lines = [part.split("\r\n")[0] for part in re.split("\r\x1b\\[K", shown_text)[1:]]
    assert re.fullmatch(r"\d+ records \d+ B/s", lines[0]), repr(shown_text)


def size_text(size):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024


def test_verify_shows_all_files_together():
    n, output = run_long(lambda n: ["verify", *[BIG.path] * 20 * n])
    check(output, size_text(20 * n * BIG.path.stat().st_size))
    assert output.count(": ok, ") == 20 * n


def test_repair(tmp_path):
    path = tmp_path / "x.riegeli"
    content = PLAIN.path.read_bytes()

    def args(n):
        path.write_bytes(content * 20 * n)
        return ["repair", "-f", "--reencode", "-o", tmp_path / "out", path]

    n, output = run_long(args)
    check(output, size_text(20 * n * len(content)))


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    path = tmp_path_factory.mktemp("scanned") / "x.riegeli"
    path.write_bytes(forge.riegeli_file([forge.riegeli_chunk([b"tiny record"])] * 100_000))
    return path


def test_scans_of_info(scanned):
    n, output = run_long(lambda n: ["info", "-s", *[scanned] * n])
    check(output, size_text(n * scanned.stat().st_size))


def test_quiet():
    n, _ = run_long(lambda n: ["verify", *[BIG.path] * 20 * n])
    assert run(["verify", "-q", *[BIG.path] * 20 * n])[1] == ""


@pytest.mark.parametrize("command", ["ls", "cat"])
def test_records_on_the_same_terminal_are_not_disturbed(command):
    """Records on the terminal show the progress themselves."""
    text = golden.get("text.groupsize100-brotli6.array_record")
    _, output = run_long(lambda n: [command, text.path, *[":"] * 10 * n])
    assert "\x1b" not in output
