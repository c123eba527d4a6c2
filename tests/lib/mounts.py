"""Mounts for tests that leave nothing behind.

    with mounted(source, "--names=plain") as mount:
        assert (mount.path / "7").read_bytes() == ...

starts arecfs as a user would, hands over the mount point, and afterwards unmounts and checks that
the server ended with exit code 0 and without a report of a sanitizer. Each mount has a lifetime,
after which its connection is aborted (guardian.py), so a hanging call fails its test instead of
hanging it. A failure prints the command that reproduces it, and the log.

All mounts are in a mount namespace of the test's own. A namespace that another program makes meanwhile (a service
with private mounts, a container) would otherwise get a copy, which would keep the server alive after the unmount.
"""

import contextlib
import ctypes
import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PR_SET_CHILD_SUBREAPER = 36
TSAN_SUPPRESSIONS = Path(__file__).with_name("tsan.supp")
SANITIZE = os.environ.get("AREC_SANITIZE", "")
SLOW = 5 if SANITIZE else 1  # factor on every waiting time
MARKER = "AREC_TEST_MOUNT"

_libc = ctypes.CDLL(None, use_errno=True)


def _program(variable):
    path = os.environ.get(variable)
    if not path or not os.access(path, os.X_OK):
        pytest.exit(f"{variable} must name the program to test, and is {path!r}", returncode=2)
    return path


def require_fuse():
    """Skips the module where nothing can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mount tests need root", allow_module_level=True)
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        pytest.skip(f"/dev/fuse: {error.strerror}", allow_module_level=True)


def enter_private_namespace():
    """From now on only this process and its children see their mounts, which vanish with the last of them."""
    if _libc.unshare(CLONE_NEWNS) != 0 or _libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        number = ctypes.get_errno()
        pytest.skip(f"no mount namespace of our own: {os.strerror(number)}", allow_module_level=True)


require_fuse()
enter_private_namespace()
AREC = _program("AREC_BIN")
ARECFS = _program("ARECFS_BIN")


# ---- the guardian ------------------------------------------------------------------------------


class _Guardian:
    def __init__(self):
        script = Path(__file__).with_name("guardian.py")
        # Its parent exits before we adopt orphans, so it is no child of ours, and a process that
        # ends us and our children does not end it.
        process = subprocess.Popen([sys.executable, "-I", "-S", str(script)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.wait()
        self._in, self._out = process.stdin, process.stdout
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def send(self, **message):
        self._in.write(json.dumps(message).encode() + b"\n")
        self._in.flush()

    def disarm(self, key):
        self.send(op="disarm", id=key)
        return json.loads(self._out.readline())["fired"]


_guardian = _Guardian()


# ---- what the system says ----------------------------------------------------------------------


def mountinfo(mountpoint):
    """The last mount on @mountpoint as a dict, or None."""
    found = None
    with open("/proc/self/mountinfo", "rb") as lines:
        for line in lines:
            fields = line.rstrip(b"\n").split(b" ")
            path = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), fields[4])
            if path != os.fsencode(mountpoint):
                continue
            dash = fields.index(b"-")
            found = {
                "minor": int(fields[2].split(b":")[1]),
                "options": fields[5].decode().split(","),
                "type": fields[dash + 1].decode(),
                "source": os.fsdecode(fields[dash + 2]),
                "super": os.fsdecode(fields[dash + 3]).split(","),
            }
    return found


def marked_processes(marker):
    """Living processes that were started with @marker in their environment."""
    wanted = f"{MARKER}={marker}".encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            environ = Path(f"/proc/{name}/environ").read_bytes()
        except OSError:
            continue
        if wanted in environ.split(b"\0"):
            found.append(int(name))
    return found


def _servers(processes):
    """Those of @processes that none of the others has started, so no watcher, which its server starts."""
    def parent(pid):
        return int(re.search(r"^PPid:\s*(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[1])

    return [pid for pid in processes if parent(pid) not in processes]


def wait_until(condition, seconds, interval=0.02):
    """Whether @condition () became true within @seconds (longer with a sanitizer)."""
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(interval)
    return True


def _environment(marker, directory, additions=None):
    env = dict(os.environ, **{MARKER: marker}, **(additions or {}))
    env["LC_ALL"] = "C.UTF-8"
    # GLib's own pools hand memory from thread to thread where ThreadSanitizer cannot see it.
    env["G_SLICE"] = "always-malloc"
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
        options = [env[name]] if env.get(name) else []
        options.append(f"log_path={directory}/sanitizer")
        if name == "UBSAN_OPTIONS":
            options.append("print_stacktrace=1")
        if name == "TSAN_OPTIONS":
            options.append(f"suppressions={TSAN_SUPPRESSIONS}")
        env[name] = ":".join(options)
    return env


def _sanitizer_reports(directory):
    return "".join(p.read_text(errors="replace") for p in sorted(directory.glob("sanitizer*")))


def _preparation(nofile, prepare):
    """What the child does before it becomes arecfs."""
    def run():
        if nofile is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))
        if prepare is not None:
            prepare()

    return run if nofile is not None or prepare is not None else None


# ---- one mount ---------------------------------------------------------------------------------


class Mount:
    """A running arecfs. @path is the mount point, @pid the server, @log_path its log."""

    def __init__(self, path, command, cwd, log_path, private):
        self.path = path
        self.command = command
        self.cwd = cwd
        self.log_path = log_path
        self.pid = None
        self.exit_status = None  # of the server, once it is gone
        self.expected_status = 0
        self._private = private
        self._process = None

    def __truediv__(self, name):
        return self.path / name

    def log(self):
        """The log file, once it has every line that was logged before this call."""
        text = lambda: self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        with contextlib.suppress(OSError):
            reported = (self.path / ".arecfs" / "log").read_text(errors="replace").splitlines()
            wait_until(lambda: not reported or not self.log_path.exists() or reported[-1] in text(), 5)
        return text()

    def log_lines(self, *words):
        """Lines of the log that contain each of @words."""
        return [line for line in self.log().splitlines() if all(w in line for w in words)]

    def stderr(self):
        return (self._private / "stderr").read_text(errors="replace")

    def stats(self):
        return json.loads((self.path / ".arecfs" / "stats.json").read_bytes())

    def info(self):
        return mountinfo(self.path)

    def is_mounted(self):
        return self.info() is not None

    def server_is_running(self):
        """False once the server has ended; collects its exit status."""
        if self.exit_status is not None:
            return False
        if self._process is not None:
            code = self._process.poll()
        else:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if pid == self.pid else None
        self.exit_status = code
        return code is None

    def kill(self, number):
        os.kill(self.pid, number)

    def wait_gone(self, seconds=15):
        """Waits until nothing is mounted and the server has ended; returns its exit status."""
        assert wait_until(lambda: not self.is_mounted(), seconds), "it is still mounted"
        assert wait_until(lambda: not self.server_is_running(), seconds), "the server still runs"
        return self.exit_status

    def umount(self, *options):
        return subprocess.run(["umount", *options, str(self.path)], capture_output=True,
                              text=True, timeout=30 * SLOW)


def _end(mount, key):
    """Ends @mount whatever state it is in; returns what was wrong."""
    wrong = []
    for _ in range(3):  # mounts may lie on each other
        if not mount.is_mounted():
            break
        for _ in range(40):
            result = mount.umount()
            if result.returncode == 0 or not mount.is_mounted():
                break
            time.sleep(0.05)
        if mount.is_mounted() and result.returncode != 0:
            wrong.append(f"umount: {result.stderr.strip()}")
            mount.umount("-l")
    if mount.pid is not None and not wait_until(lambda: not mount.server_is_running(), 15):
        wrong.append(f"the server {mount.pid} still ran after the unmount and was killed")
        os.kill(mount.pid, signal.SIGKILL)
        wait_until(lambda: not mount.server_is_running(), 15)
    elif mount.exit_status not in (None, mount.expected_status):
        wrong.append(f"the server ended with {mount.exit_status}")
    wait_until(lambda: not marked_processes(key), 1)  # a watcher ends a moment after its server
    for pid in marked_processes(key):
        wrong.append(f"process {pid} of this mount was left and killed")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if _guardian.disarm(key):
        wrong.append("the mount outlived its time and was aborted: a call hung, or the test is slow")
    return wrong


def _start(mount, key, env, foreground, stdout, stderr, preparation):
    mount._process = subprocess.Popen(mount.command, cwd=mount.cwd, env=env,
                                      stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                      start_new_session=True, preexec_fn=preparation)
    if foreground:
        mount.pid = mount._process.pid
        ended = lambda: mount._process.poll() is not None
        assert wait_until(lambda: mount.is_mounted() or ended(), 30), "nothing got mounted"
        assert not ended(), f"arecfs ended with {mount._process.returncode}: {mount.stderr()}"
        return
    try:
        code = mount._process.wait(timeout=60 * SLOW)
    except subprocess.TimeoutExpired:
        mount.pid = mount._process.pid
        raise AssertionError("arecfs did not go to the background") from None
    mount._process = None
    assert code == 0, f"arecfs ended with {code}: {mount.stderr()}"
    servers = _servers(marked_processes(key))
    if len(servers) == 1:
        mount.pid = servers[0]
    assert len(servers) == 1, f"one server expected, found processes {servers}"


@contextlib.contextmanager
def mounted(sources, *options, at=None, cwd=None, foreground=False, lifetime=90, nofile=None,
            log=True, environment=None, prepare=None):
    """Mounts @sources (one path or several, str or Path) with @options.

    @at          mount point; default: a new directory whose parents every user may enter
    @cwd         working directory of arecfs
    @foreground  adds -f
    @lifetime    seconds until the connection is aborted
    @nofile      limit of open files
    @environment variables for arecfs besides ours
    @prepare     called in the process that becomes arecfs
    """
    if isinstance(sources, (str, Path)):
        sources = [sources]
    private = Path(tempfile.mkdtemp(prefix="arecfs-test-"))
    private.chmod(0o755)
    if at is None:
        at = private / "mnt"
        at.mkdir()
    at = Path(at)
    key = uuid.uuid4().hex
    log_path = private / "log"
    command = [ARECFS, *map(str, options)]
    if log:
        command.append(f"--log-file={log_path}")
    if foreground and "-d" not in options:
        command.append("-f")
    command += [*map(str, sources), str(at)]
    absolute = Path(os.path.realpath(Path(cwd or os.getcwd()) / at))
    mount = Mount(absolute, command, cwd, log_path, private)
    _guardian.send(op="arm", id=key, mountpoint=str(absolute), marker=f"{MARKER}={key}",
                   seconds=lifetime * SLOW)
    failed = True
    try:
        with open(private / "stdout", "wb") as stdout, open(private / "stderr", "wb") as stderr:
            _start(mount, key, _environment(key, private, environment),
                   foreground or "-d" in options, stdout, stderr, _preparation(nofile, prepare))
        info = mount.info()
        assert info is not None, "arecfs reported success, and nothing is mounted"
        _guardian.send(op="minor", id=key, minor=info["minor"])
        os.stat(mount.path)  # the first access hangs or fails here, not in the test
        yield mount
        failed = False
    finally:
        wrong = _end(mount, key)
        reports = _sanitizer_reports(private)
        if reports:
            wrong.append("a sanitizer reported:\n" + reports)
        if failed or wrong:
            where = f"cd {shlex.quote(str(cwd))} && " if cwd else ""
            print(f"reproduce: {where}{shlex.join(map(repr_safe, command))}")
            print(f"stderr of arecfs:\n{mount.stderr()}")
            print(f"log of arecfs:\n{mount.log()[-20000:]}")
            for line in wrong:
                print(f"afterwards: {line}")
        shutil.rmtree(private, ignore_errors=True)
        if wrong and not failed:
            raise AssertionError("; ".join(wrong))


def outcome(path):
    """At most 1 MiB of the file @path, from the server and not from the page cache; or the errno."""
    try:
        with open(path, "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return os.pread(file.fileno(), 1 << 20, 0)
    except OSError as error:
        return error.errno


def repr_safe(text):
    return text.encode("utf-8", "backslashreplace").decode()


# ---- arecfs that fails, and arec ---------------------------------------------------------------


def run_arecfs(*arguments, cwd=None, prefix=(), seconds=60, environment=None):
    """Runs arecfs, which is expected to fail before it mounts: (exit code, stdout, stderr)."""
    private = Path(tempfile.mkdtemp(prefix="arecfs-test-"))
    key = uuid.uuid4().hex
    command = [*prefix, ARECFS, *map(str, arguments)]
    mountpoint = ""
    if arguments:
        mountpoint = os.path.realpath(Path(cwd or os.getcwd()) / str(arguments[-1]))
    try:
        with open(private / "stdout", "wb") as stdout, open(private / "stderr", "wb") as stderr:
            process = subprocess.Popen(command, cwd=cwd,
                                       env=_environment(key, private, environment),
                                       stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                       start_new_session=True)
            try:
                code = process.wait(timeout=seconds * SLOW)
            except subprocess.TimeoutExpired:
                code = None
        # The daemon's child reports the code before it ends itself.
        wait_until(lambda: not marked_processes(key), 5)
        left = marked_processes(key)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if code is None:
            process.wait()
        was_mounted = bool(mountpoint) and mountinfo(mountpoint) is not None
        if was_mounted:
            subprocess.run(["umount", "-l", mountpoint], check=False)
        shown = shlex.join(map(repr_safe, command))
        text = (private / "stderr").read_text(errors="replace")
        assert code is not None, f"{shown}: did not end within {seconds} s"
        assert not left, f"{shown}: ended with {code} and left processes {left}: {text}"
        assert not was_mounted, f"{shown}: ended with {code} and left a mount: {text}"
        reports = _sanitizer_reports(private)
        assert not reports, f"{shown}: a sanitizer reported:\n{reports}"
        return code, (private / "stdout").read_text(errors="replace"), text
    finally:
        shutil.rmtree(private, ignore_errors=True)


def mount_fails(sources, *options, code, at, contains=(), cwd=None, prefix=(), environment=None):
    """Checks that mounting ends with @code and one line on stderr that has each of @contains."""
    if isinstance(sources, (str, Path)):
        sources = [sources]
    got, out, err = run_arecfs(*options, *sources, at, cwd=cwd, prefix=prefix,
                               environment=environment)
    shown = f"arecfs {shlex.join(map(str, [*options, *sources, at]))}: {err}"
    assert got == code, f"exit code {got}, expected {code}: {shown}"
    assert re.fullmatch(r"arec(fs)?: [^\n]+\n", err), f"not one line of the program: {shown}"
    for text in contains:
        assert str(text) in err, f"{text!r} is missing: {shown}"
    assert out == "", f"stdout: {out}"
    return err


def arec(*arguments, code=0, stdin=None):
    """Runs arec and checks its exit code: (stdout as bytes, stderr as text)."""
    result = subprocess.run([AREC, *map(str, arguments)], input=stdin or b"", capture_output=True,
                            timeout=120 * SLOW)
    err = result.stderr.decode(errors="replace")
    assert result.returncode == code, (
        f"arec {shlex.join(map(str, arguments))}: exit code {result.returncode}, "
        f"expected {code}: {err}")
    return result.stdout, err
