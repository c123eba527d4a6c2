"""What the benchmark scripts share: inputs, mounts that are always taken down, the cold start, tables."""

import ctypes
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time

import make_shard

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build" / "release"
DEFAULT_DIR = "/var/tmp/arecbench"
MIB = 1 << 20

MNT_FORCE, MNT_DETACH = 1, 2
PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """A failure, as one line for the user."""


def binary(variable, path):
    """The program that the environment variable names, or the one of the release build."""
    found = os.environ.get(variable) or str(BUILD / path)
    if not os.access(found, os.X_OK):
        raise BenchError(f"{found}: no such program (build it with `cmake --preset release && cmake --build --preset "
                         f"release`, or set {variable})")
    return found


def arecfs_binary():
    return binary("ARECFS_BIN", "bin/arecfs")


def arec_binary():
    return binary("AREC_BIN", "bin/arec")


def run_main(main):
    """Runs a script: errors become one line, and SIGTERM acts like ^C, so that mounts are taken down."""
    def stop(signum, _frame):
        raise KeyboardInterrupt(signum)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)  # shells ignore SIGINT in what they start in the background
    try:
        main()
    except BenchError as error:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


# ---- inputs -----------------------------------------------------------------------------------


def shard_name(records, size, options, content):
    return f"{content}-{records}x{size}-{options.replace(':', '').replace(',', '-')}.array_record"


def shard(folder, records, size, options, content="text"):
    """The path of a generated shard, which is made if it does not exist."""
    path = pathlib.Path(folder) / shard_name(records, size, options, content)
    return made_shard(path, lambda: make_shard.Records(records, size, content), options)


def made_shard(path, make_records, options):
    """@path, which is made of the records of @make_records () if it does not exist."""
    if not path.exists():
        progress(f"writing {path.name}")
        make_shard.write_shard(str(path), make_records(), options)
    return path


def record_name(records, i):
    """The name of record @i in a mount of @records records."""
    return f"{i:0{len(str(records - 1))}d}"


def plain_files(folder, records, size, content="text"):
    """The records of shard () as files of a directory."""
    path = pathlib.Path(folder) / f"{content}-{records}x{size}.files"
    return made_files(path, lambda: make_shard.Records(records, size, content))


def made_files(path, make_records):
    """The directory @path, which is made of the records of @make_records () if it does not exist."""
    if not path.exists():
        progress(f"writing {path.name}")
        partial = path.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        records = make_records()
        for i, record in enumerate(records):
            (partial / record_name(len(records), i)).write_bytes(record)
        partial.rename(path)
    return path


def squashfs(folder, files):
    """An image of the directory @files, compressed by zstd."""
    path = files.with_suffix(".squashfs")
    if not path.exists():
        if not shutil.which("mksquashfs"):
            raise BenchError("mksquashfs is missing (Debian: squashfs-tools)")
        progress(f"writing {path.name}")
        partial = path.with_suffix(".partial-squashfs")
        partial.unlink(missing_ok=True)
        subprocess.run(["mksquashfs", str(files), str(partial), "-comp", "zstd", "-no-xattrs", "-all-root", "-quiet",
                        "-no-progress"], check=True, stdout=subprocess.DEVNULL)
        partial.rename(path)
    return path


def erofs(folder, files):
    """An image of the directory @files, not compressed."""
    path = files.with_suffix(".erofs")
    if not path.exists():
        if not shutil.which("mkfs.erofs"):
            raise BenchError("mkfs.erofs is missing (Debian: erofs-utils)")
        progress(f"writing {path.name}")
        partial = path.with_suffix(".partial-erofs")
        partial.unlink(missing_ok=True)
        subprocess.run(["mkfs.erofs", "--all-root", str(partial), str(files)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        partial.rename(path)
    return path


def file_system(path):
    """The type of the file system that holds @path."""
    return subprocess.run(["findmnt", "-n", "-o", "FSTYPE", "-T", str(path)], check=True, capture_output=True,
                          text=True).stdout.strip()


def build_reader(folder):
    """The compiled read_files."""
    out = pathlib.Path(folder) / "read_files"
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-std=c17", "-O2", "-o", str(out), str(HERE / "read_files.c")], check=True)
    return out


def drop_caches():
    """Empties the page cache and the caches of names and inodes."""
    os.sync()
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except PermissionError:
        raise BenchError("cold figures need root, to write /proc/sys/vm/drop_caches") from None


def warm(path):
    """Brings a file into the page cache."""
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(4 * MIB)
        while file.readinto(buffer):
            pass


# ---- mounts -----------------------------------------------------------------------------------


def is_mounted(path):
    """Whether something is mounted on @path, without asking the mount itself, which may hang."""
    wanted = str(path).replace("\\", r"\134").replace(" ", r"\040")
    with open("/proc/self/mountinfo") as table:
        return any(line.split()[4] == wanted for line in table)


def _umount(path, flags):
    """Calls umount2 (). Returns whether it succeeded."""
    return _libc.umount2(os.fsencode(path), flags) == 0


def unmount(path, seconds=10):
    """Unmounts @path, by force if it stays busy, which also aborts a hanging FUSE connection."""
    deadline = time.monotonic() + seconds
    while is_mounted(path):
        if _umount(path, 0):
            continue
        if time.monotonic() > deadline:
            progress(f"{path}: still busy, unmounting by force")
            abort(path)
            return
        time.sleep(0.02)


def abort(path):
    """Ends the FUSE connection of a mount: processes that wait in it get an error."""
    _umount(path, MNT_FORCE)
    _umount(path, MNT_DETACH)


class Watchdog:
    """A limit in seconds for the use of a mount, as a context.

    After that the mount is aborted, so that processes that wait in it get an error; leaving the context raises
    BenchError.
    """

    def __init__(self, limit, mountpoint, what):
        self.limit, self.path, self.what = limit, mountpoint, what
        self.hung = False
        self.timer = threading.Timer(limit, self._bite)
        self.timer.daemon = True

    def _bite(self):
        self.hung = True
        abort(self.path)

    def __enter__(self):
        self.timer.start()
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        if self.hung:
            raise BenchError(f"{self.what}: no end after {self.limit} s, mount aborted")


class Mount:
    """A FUSE server in the foreground, as a context: `with Mount (argv, mountpoint) as mount`.

    When it is left, the mount is gone and the server has ended. A mount that lasts longer than @limit seconds counts
    as hanging and is aborted.
    """

    def __init__(self, argv, mountpoint, limit=900):
        self.argv, self.path = [str(arg) for arg in argv], pathlib.Path(mountpoint)
        self.watchdog = Watchdog(limit, self.path, self.argv[0])

    def __enter__(self):
        self.path.mkdir(parents=True, exist_ok=True)
        if is_mounted(self.path):
            raise BenchError(f"{self.path}: something is mounted there already")
        self.server = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.watchdog.__enter__()
        try:
            self._wait_until_ready()
            os.stat(self.path)
        except BaseException:
            self._end()
            self.watchdog.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._end()
        self.watchdog.__exit__()

    def _wait_until_ready(self):
        deadline = time.monotonic() + 60
        while not is_mounted(self.path):
            if self.server.poll() is not None:
                raise BenchError(f"{' '.join(self.argv)}: exited with {self.server.returncode}")
            if time.monotonic() > deadline:
                raise BenchError(f"{' '.join(self.argv)}: no mount after 60 s")
            time.sleep(0.005)

    def _end(self):
        unmount(self.path)
        try:
            self.server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            progress(f"{self.argv[0]}: still there 30 s after the unmount, killed")
            self.server.kill()
            self.server.wait()

    @property
    def pid(self):
        return self.server.pid


def adopt_daemons():
    """Makes this process the parent of daemons that its children leave behind, so that it can wait for them."""
    if _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise BenchError(f"prctl: {os.strerror(ctypes.get_errno())}")


def reap_daemons(seconds=30):
    """Waits until every adopted daemon has ended; kills those that do not."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            if time.monotonic() > deadline:
                for child in pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                    progress(f"process {child}: still there {seconds} s after the unmount, killed")
                    os.kill(int(child), signal.SIGKILL)
                deadline = time.monotonic() + 5
            time.sleep(0.005)


def run_worker(argv, limit, what):
    """The JSON that a program prints. The program and its children have ended when this returns or fails."""
    worker = subprocess.Popen(list(map(str, argv)), stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, _ = worker.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{what}: no end after {limit} s") from None
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
    if worker.returncode != 0:
        raise BenchError(f"{what}: exited with {worker.returncode}")
    return json.loads(out)


# ---- counters of arecfs -----------------------------------------------------------------------


def stats(mountpoint):
    """stats.json of a mount."""
    return json.loads((pathlib.Path(mountpoint) / ".arecfs/stats.json").read_text())


def request_counts(snapshot):
    """{name: count} of the requests in a snapshot of stats.json, whether a request has a number or an object."""
    counts = {}
    for name, value in snapshot.get("requests", {}).items():
        count = value.get("count") if isinstance(value, dict) else value
        if isinstance(count, int):
            counts[name.upper()] = count
    return counts


def difference(before, after):
    """The counters that grew, with their growth."""
    return {name: after[name] - before.get(name, 0) for name in sorted(after) if after[name] != before.get(name, 0)}


def process_status(pid):
    """{'VmRSS': bytes, 'VmHWM': bytes} of a process."""
    found = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key in ("VmRSS", "VmHWM"):
            found[key] = int(value.split()[0]) * 1024
    return found


def cpu_seconds(pid):
    """User and system time of a process until now."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- output -----------------------------------------------------------------------------------


def progress(text):
    print(text, file=sys.stderr, flush=True)


def machine():
    """The facts about this machine on which figures depend."""
    def first(path, key):
        lines = pathlib.Path(path).read_text().splitlines()
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")

    memory = int(first("/proc/meminfo", "MemTotal").split()[0]) * 1024
    return {"kernel": platform.release(), "cpu": first("/proc/cpuinfo", "model name") or "unknown",
            "cpus": len(os.sched_getaffinity(0)), "memory": memory}


def print_machine():
    about = machine()
    print(f"Linux {about['kernel']}, {about['cpus']} CPUs ({about['cpu']}), {about['memory'] / 2**30:.0f} GiB")


def print_table(head, rows):
    """Prints a Markdown table."""
    print(table(head, rows))


def table(head, rows):
    """A Markdown table; the first column to the left, the others to the right."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    def line(cells):
        first, *others = (str(cell) for cell in cells)
        return "| " + " | ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(others, widths[1:]))]) + " |"
    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (w + 1) + ":" for w in widths[1:])]) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def median(values):
    return statistics.median(values)


def write_json(path, data):
    if path:
        pathlib.Path(path).write_text(json.dumps(data, indent=2) + "\n")
