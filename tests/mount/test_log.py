"""Text that leaves the server: it is escaped, names absolute paths and is kept in .arecfs/log; and a log that is not
read stops nothing."""

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "lib"),
                str(Path(__file__).resolve().parent.parent / "cli")]

import forge  # noqa: E402
import golden  # noqa: E402
from damaged import Sound  # noqa: E402
from mounts import ARECFS, arec, mount_fails, mounted, mountinfo, run_arecfs, wait_until  # noqa: E402

TEXT = golden.get("text.groupsize100-brotli6.array_record")
HOSTILE = "x\n2030-01-01T00:00:00+0000 arecfs: forged\x1b[31m"
SHOWN = HOSTILE.replace("\n", r"\x0A").replace("\x1b", r"\x1B")


def source_of(path):
    return os.getxattr(path, "user.arec.source").decode()


# ---- escaping ----------------------------------------------------------------------------------


def test_control_bytes_of_a_name_in_a_message(tmp_path):
    (tmp_path / "mnt").mkdir()
    path = tmp_path / f"{HOSTILE}.array_record"
    path.write_bytes(b"")
    mount_fails(path, code=5, at=tmp_path / "mnt", contains=[f"{SHOWN}.array_record: at 0: an empty file"])
    mount_fails(TEXT.path, f"--kind={HOSTILE}", code=2, at=tmp_path / "mnt", contains=[SHOWN])


@pytest.mark.parametrize("foreground", [False, True], ids=["background", "foreground"])
def test_control_bytes_of_a_name_in_the_log(foreground, tmp_path):
    """In a log file, on stderr and in .arecfs/log: one line about the source, and no line of its making."""
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / f"{HOSTILE}.array_record").write_bytes(b"")
    with mounted(folder, foreground=foreground, log=not foreground) as mount:
        with pytest.raises(OSError):
            os.listdir(mount / f"{HOSTILE}.array_record")
        kept = (mount / ".arecfs" / "log").read_text()
        assert wait_until(lambda: SHOWN in (mount.stderr() if foreground else mount.log()), 10)
        for text in (kept, mount.stderr() if foreground else mount.log()):
            assert not re.search(r"^2030", text, re.MULTILINE) and "\x1b" not in text, text
            assert len([line for line in text.splitlines() if SHOWN in line]) == 1, text


# ---- where the log is --------------------------------------------------------------------------


def test_the_last_lines_are_in_the_mount(tmp_path):
    path = tmp_path / "x.array_record"
    path.write_bytes(Sound(TEXT.path).data(1).content)
    with mounted(path) as mount:
        with pytest.raises(OSError):
            (mount / "150").read_bytes()
        kept = (mount / ".arecfs" / "log").read_text()
        assert kept.count(f"{path}: at ") == 1, kept
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} arecfs: "
        assert all(re.match(stamp, line) for line in kept.splitlines()), kept
        assert wait_until(lambda: mount.log() == kept, 10), (mount.log(), kept)


@contextlib.contextmanager
def syslog(is_there, tmp_path):
    """A /dev/log that takes datagrams, or one that takes nothing, in this namespace only."""
    empty = tmp_path / "empty"
    empty.touch()
    made = not os.path.lexists("/dev/log")
    if made:
        Path("/dev/log").touch()
    bound = tmp_path / "log.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(bound))
        source = bound if is_there else empty
        subprocess.run(["mount", "--bind", source, os.path.realpath("/dev/log")], check=True)
        try:
            yield listener
        finally:
            subprocess.run(["umount", os.path.realpath("/dev/log")], check=True)
            if made:
                os.unlink("/dev/log")


@pytest.mark.parametrize("is_there", [False, True], ids=["without", "with"])
def test_a_mount_says_where_no_syslog_is(is_there, tmp_path):
    with syslog(is_there, tmp_path) as listener:
        with mounted(TEXT.path, log=False) as mount:
            reported = mount.stderr()
            if is_there:
                assert reported == "" and b"mounted" in listener.recv(4096)
            else:
                assert reported == (f"arecfs: {mount.path}: there is no syslog here: the last lines of the log are in its "
                                    ".arecfs/log, all of them with --log-file or -f\n")
            assert f"{mount.path}: mounted\n" in (mount / ".arecfs" / "log").read_text()


def test_a_full_syslog_stops_nothing(tmp_path):
    """The socket is not read: syslog () itself waits for ever."""
    with syslog(True, tmp_path) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        with mounted(TEXT.path, "--log-level=debug", log=False) as mount:
            for name in range(2000):
                assert not (mount / f"absent-{name}").exists()
            assert (mount / "42").read_bytes() == golden_record(42)


def golden_record(number):
    with mounted(TEXT.path) as mount:
        return (mount / str(number)).read_bytes()


# ---- a log that is not read --------------------------------------------------------------------

MANY = 9000  # requests, each with a line: more than the pipe and the queue hold


def ask(mount):
    for name in range(MANY):
        assert not os.path.exists(mount / f"absent-{name}")
    assert (mount / "42").stat().st_size == TEXT.sizes[42]
    assert len((mount / "42").read_bytes()) == TEXT.sizes[42]


def check_lines(text):
    """Checks that lines are whole and that missing ones are counted."""
    missing = [int(n) for n in re.findall(r"^arecfs: (\d+) lines of the log are missing here", text, re.MULTILINE)]
    assert missing and all(missing), text[-2000:]
    assert all("arecfs: " in line for line in text.splitlines()), text[-2000:]
    assert len(text.splitlines()) - len(missing) + sum(missing) > MANY


def test_a_fifo_without_a_reader_stops_nothing(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    taken = []
    with mounted(TEXT.path, "-d", f"--log-file={fifo}", log=False) as mount:
        ask(mount)
        with open(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reader:
            assert wait_until(lambda: taken.append(reader.read(1 << 16) or b"") or b"missing here" in b"".join(taken), 20)
            wait_until(lambda: taken.append(reader.read(1 << 16) or b"") or not taken[-1], 5)
    check_lines(b"".join(taken).decode())


def test_a_pipe_that_is_not_read_stops_nothing(tmp_path):
    """stderr belongs to other processes, too, so its flags stay as they are."""
    at = tmp_path / "mnt"
    at.mkdir()
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(into, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(into, b"." * 4096)  # full before the start
    os.set_blocking(into, True)
    server = subprocess.Popen([ARECFS, "-d", TEXT.path, at], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=into)
    try:
        assert wait_until(lambda: mountinfo(at) is not None, 30), "the start waits for its log"
        watchdog = threading.Timer(120, lambda: subprocess.run(["umount", "-f", at], check=False))
        watchdog.start()
        ask(at)
        watchdog.cancel()
        assert os.get_blocking(into)
        subprocess.run(["umount", at], check=True, timeout=60)
        assert server.wait(timeout=60) == 0, "the end waits for its log"
    finally:
        subprocess.run(["umount", "-l", at], check=False, capture_output=True)
        os.close(out)
        os.close(into)
        if server.poll() is None:
            server.kill()
            server.wait()


# ---- paths -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.array_record", "sub/b.array_record"):
        shutil.copy(TEXT.path, folder / name)
    return folder


@pytest.mark.parametrize("typed, reported", [
    ("a.array_record", "a.array_record"),
    ("./sub//../a.array_record", "sub/../a.array_record"),
    ("a.array_record[0:5]", "a.array_record[0:5]"),
    (".", ""),
])
def test_sources_appear_as_absolute_paths(typed, reported, folder):
    with mounted(typed, cwd=folder) as mount:
        assert mount.info()["source"] == str(folder / reported)
        top = mount.path if typed != "." else mount / "a.array_record"
        assert source_of(top) == source_of(top / "3") == str(folder / (reported.split("[")[0] or "a.array_record"))


def test_a_damage_is_logged_with_its_absolute_path(folder):
    (folder / "a.array_record").write_bytes(Sound(TEXT.path).data(1).content)
    with mounted("a.array_record", cwd=folder) as mount:
        with pytest.raises(OSError):
            (mount / "150").read_bytes()
        assert f": {folder}/a.array_record: at " in (mount / ".arecfs" / "log").read_text()


def test_a_merged_root_names_all_sources(folder):
    (folder / "sub" / "b.array_record").rename(folder / "sub" / "b\n.array_record")
    with mounted(["a.array_record", "sub"], "--merge", cwd=folder) as mount:
        assert source_of(mount.path) == f"{folder}/a.array_record\n{folder}/sub/b\\x0A.array_record"
        assert source_of(mount / "1399") == f"{folder}/sub/b\n.array_record"


# ---- words -------------------------------------------------------------------------------------


def test_buckets(tmp_path):
    for url in ("gs://bucket/x.array_record", "s3://b/x"):
        mount_fails(url, "--anonymous", "-oendpoint-url=http://127.0.0.1:1", code=3, at=tmp_path,
                    contains=[f"arecfs: {url}: cannot connect: "])


def test_files_of_other_formats_are_named(tmp_path):
    path = tmp_path / "x.array_record"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    for options in ([], ["--recover"]):
        err = mount_fails(path, *options, code=5, at=tmp_path, contains=["at 0: a Git LFS pointer"])
        assert "repair" not in err
    with mounted(tmp_path, at=None) as mount:
        with pytest.raises(OSError):
            os.listdir(mount / "x.array_record")
        assert "a Git LFS pointer" in (mount / ".arecfs" / "log").read_text()


def test_an_unknown_option_suggests_the_nearest(tmp_path):
    for typed, meant in (("--cache-szie=3", "--cache-size"), ("--logfile=x", "--log-file"), ("--verson", "--version")):
        mount_fails(TEXT.path, typed, code=2, at=tmp_path,
                    contains=[f"unknown option {typed}; try 'arecfs --help', or is {meant} meant?"])
    err = mount_fails(TEXT.path, "--foo", code=2, at=tmp_path, contains=["unknown option --foo; try 'arecfs --help'\n"])
    assert "meant" not in err


def test_a_suffix_without_a_dot_gets_one():
    with mounted(TEXT.path, "--suffix=txt") as mount:
        assert sorted(os.listdir(mount.path))[0] == "000.txt"
        assert (mount / "7.txt").stat().st_size == TEXT.sizes[7]


def test_gaps_are_reported_in_plain_english(tmp_path):
    sound = Sound(TEXT.path)
    path = tmp_path / "x.array_record"
    path.write_bytes(sound.content[:sound.chunks[2].begin] + bytes(300))
    with mounted(path, "--recover") as mount:
        assert re.search(r": [^;\n]*; 300 bytes hold no sound chunk\n", mount.log()), mount.log()


def test_stats_of_anything_in_a_mount(folder, tmp_path):
    with mounted(folder) as mount:
        for path in (mount.path, mount / "sub", mount / "sub" / "b.array_record" / "42"):
            out, _ = arec("stats", "--json", path)
            assert b'"chunks_decoded"' in out or b"requests" in out
        _, err = arec("stats", tmp_path, code=3)
        assert err == f"arec: {tmp_path}: not a mount point of arecfs\n"


def test_versions():
    reported = {run_arecfs(option)[:2] for option in ("-V", "--version")}
    assert len(reported) == 1
    code, out = reported.pop()
    names = [line.split()[0] for line in out.splitlines()]
    assert code == 0 and names[:6] == ["arecfs", "libfuse", "zstd", "brotli", "snappy", "GLib"]
    assert names[6:] in ([], ["libcurl"], ["libcurl", "libcrypto"])  # which a build may lack
    assert run_arecfs("-h")[1] == run_arecfs("--help")[1] != ""


# ---- progress ----------------------------------------------------------------------------------


def scan_on_a_terminal(sources, at, width):
    """Mounts sources that must be scanned. Returns the seconds that it took and what the terminal got."""
    leader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    output, start = b"", time.monotonic()
    try:
        process = subprocess.Popen([ARECFS, "--merge", "--log-file=/dev/null", *sources, at], stdin=subprocess.DEVNULL,
                                   stdout=terminal, stderr=terminal)
        while process.poll() is None:
            assert time.monotonic() - start < 120, output
            if select.select([leader], [], [], 0.05)[0]:
                output += os.read(leader, 1 << 16)
        seconds = time.monotonic() - start
        while select.select([leader], [], [], 0.2)[0]:
            output += os.read(leader, 1 << 16)
        assert process.returncode == 0, output
    finally:
        subprocess.run(["umount", at], check=False, capture_output=True)
        os.close(leader)
        os.close(terminal)
    return seconds, output.decode()


def test_scans_are_shown_on_a_terminal(tmp_path):
    """One progress over all files, no longer than a line; gone when the mount is there."""
    path, at, n, seconds = tmp_path / "x.riegeli", tmp_path / "mnt", 1, 0
    at.mkdir()
    path.write_bytes(forge.riegeli_file([forge.riegeli_chunk([b"tiny record"])] * 100_000))
    while seconds < 3:
        n *= 2 if seconds > 0.5 else 4
        seconds, output = scan_on_a_terminal([path] * n, at, 45)
    lines = [line for line in output.split("\r\x1b[K") if line]
    assert lines and output.endswith("\r\x1b[K"), repr(output)
    size = n * path.stat().st_size / (1 << 20)
    total = f"{size:.1f} MiB" if size < 1024 else f"{size / 1024:.1f} GiB"
    shares = [int(re.search(r"(\d+)% ", line)[1]) for line in lines]
    assert shares == sorted(shares) and shares[-1] > 10, shares
    for line in lines:
        assert len(line) < 45 and re.match(rf"arecfs: scanning: [\d.]+ [KMG]iB/{total} \d+% ", line), repr(line)
