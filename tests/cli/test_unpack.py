"""arec unpack: every record is a file, byte for byte; whatever goes wrong leaves whole files only."""

import errno
import io
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

import forge
import golden
from container import Container
from damaged import Sound
from failing_device import FailingDevice
from program import AREC, TIMEOUT, arec, can_read, succeeds
from sanitized import sample

READABLE = [g for g in golden.ALL if can_read(g)]
TEXT = golden.get("text.groupsize100-brotli6.array_record")
SINGLE = golden.get("text.groupsize1-uncompressed.array_record")
BIG = golden.get("big.groupsize3-zstd3.array_record")
PLAIN = golden.get("text.uncompressed.riegeli")
EMPTY = golden.get("empty.groupsize1.array_record")
TIME = 1700000000
NOBODY = 65534
PNG, JPG = b"\x89PNG\r\n\x1a\n and more", b"\xff\xd8\xff and more"


def by_name(g):
    return g.name


def summary(where, count, size):
    """A pattern for the line that tells what was written."""
    return (rf"arec: {re.escape(str(where))}: {count} files, {re.escape(size)}, \d+\.\d s, "
            r"\d+\.\d MB/s\n")


def unpacks(*args, **options):
    """What -q leaves of stderr is nothing."""
    return succeeds("unpack", "-q", *args, **options)


def refused(code, err, *args, **options):
    result = arec("unpack", *args, **options)
    assert (result.code, result.err, result.out) == (code, f"arec: {err}\n", b""), result


def content(folder):
    """{name: bytes} of all that is in @folder, which must be regular files."""
    found = {}
    for entry in os.scandir(folder):
        assert entry.is_file(follow_symlinks=False), entry.path
        found[entry.name] = Path(entry.path).read_bytes()
    return found


def expected(g, numbers=None):
    """{name: bytes} of records of @g, from `arec cat` of all, which other tests compare with the manifest."""
    data, at, found = succeeds("cat", g.path), 0, {}
    for number, name in enumerate(g.names()):
        found[name] = data[at:at + g.sizes[number]]
        at += g.sizes[number]
    return found if numbers is None else {g.names()[i]: found[g.names()[i]] for i in numbers}


def members(archive):
    """[(name, bytes)] of a tar archive, each of whose members must look alike."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            assert member.isreg() and member.mode == 0o644
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            found.append((member.name, tar.extractfile(member).read()))
    assert archive.endswith(bytes(1024))
    return found


@pytest.fixture
def copy(tmp_path):
    """A function that copies a golden file and gives it a time of its own."""
    def make(g):
        path = Path(shutil.copyfile(g.path, tmp_path / g.name))
        os.utime(path, (TIME, TIME))
        return path
    return make


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


# ---- what is written --------------------------------------------------------------------------


@pytest.mark.parametrize("g", sample(READABLE), ids=by_name)
def test_every_record_is_a_file(g, out, tmp_path, copy):
    unpacks(g.path, out)
    files = content(out)
    assert sorted(files) == sorted(g.names())
    for number, name in enumerate(g.names()):
        g.check(number, files[name])
    # The archive, as `tar` extracts it.
    extracted = tmp_path / "extracted"
    extracted.mkdir()
    archive = unpacks("--tar", copy(g))
    done = subprocess.run(["tar", "-xf", "-", "-C", extracted], input=archive, capture_output=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert content(extracted) == files
    assert {os.stat(extracted / name).st_mtime for name in files} <= {TIME}
    assert [name for name, _ in members(archive)] == g.names()


def test_what_is_told(out):
    size = f"{sum(TEXT.sizes) / 1024:.1f} KiB"
    result = arec("unpack", TEXT.path, out)
    assert (result.code, result.out) == (0, b"") and re.fullmatch(summary(out, 700, size), result.err), result
    result = arec("unpack", "--tar", TEXT.path)
    assert result.code == 0 and re.fullmatch(summary("standard output", 700, size), result.err), result
    result = arec("unpack", "-v", "--tar", TEXT.path)
    assert result.err.splitlines()[1].startswith(f"arec: 7 chunks decoded ({sum(TEXT.sizes)} bytes), "), result


def test_a_file_without_records(out):
    unpacks(EMPTY.path, out)
    assert content(out) == {}
    assert unpacks("--tar", EMPTY.path) == bytes(1024)


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0, 0o666)], ids=oct)
def test_modes(mask, mode, out):
    unpacks(TEXT.path, out, "0", umask=mask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o777 & ~mask
    assert stat.S_IMODE((out / "000").stat().st_mode) == mode


def test_tar_is_the_same_every_time(copy):
    path = copy(TEXT)
    archives = {unpacks("--tar", f"--threads={n}", path) for n in (0, 1, 2, 8) for _ in range(2)}
    archives.add(unpacks("--tar", "--jobs=3", path))
    assert len(archives) == 1
    os.utime(path, (TIME + 1, TIME + 1))
    assert unpacks("--tar", path) not in archives


# ---- which records, which names ---------------------------------------------------------------


@pytest.mark.parametrize("ranges, numbers", [
    (["7"], [7]), (["5:9"], range(5, 9)), (["-2:"], [698, 699]), ([":2", "-1"], [0, 1, 699]),
    (["9", "3", "9", "8:11"], [3, 8, 9, 10]), (["650:", ":"], range(700)), (["5:5"], []),
], ids=str)
def test_ranges(ranges, numbers, out):
    unpacks(TEXT.path, out, *ranges)
    assert content(out) == expected(TEXT, numbers)
    assert members(unpacks("--tar", TEXT.path, *ranges)) == list(expected(TEXT, numbers).items())


def test_a_range_of_the_file_numbers_anew(out):
    unpacks(f"{TEXT.path}[90:110]", out)
    records = list(expected(TEXT, range(90, 110)).values())
    assert content(out) == {f"{i:02d}": record for i, record in enumerate(records)}


def test_shards_are_one_sequence(tmp_path, out):
    for i in range(2):
        path = shutil.copyfile(TEXT.path, tmp_path / f"x.array_record-{i:05d}-of-00002")
        os.utime(path, (TIME + i, TIME + i))
    unpacks(tmp_path / "x.array_record@2", out)
    records = list(expected(TEXT).values()) * 2
    assert content(out) == {f"{i:04d}": record for i, record in enumerate(records)}
    with tarfile.open(fileobj=io.BytesIO(unpacks("--tar", tmp_path / "x.array_record@2"))) as tar:
        assert [member.mtime for member in tar] == [TIME] * 700 + [TIME + 1] * 700


@pytest.fixture
def pictures(tmp_path):
    path = tmp_path / "pictures.array_record"
    path.write_bytes(forge.array_record([PNG, JPG, b"text", b"", *[PNG] * 8], b"group_size:1"))
    return path


@pytest.mark.parametrize("options, names", [
    ([], ["00", "01", "02", "03"]), (["--names=padded"], ["00", "01", "02", "03"]),
    (["--names=plain"], ["0", "1", "2", "3"]), (["--suffix=.x"], ["00.x", "01.x", "02.x", "03.x"]),
    (["--suffix=x", "--names=plain"], ["0.x", "1.x", "2.x", "3.x"]),
    (["--suffix=auto"], ["00.png", "01.png", "02.png", "03.png"]),
    (["--webdataset"], ["00.png", "01.jpg", "02.bin", "03.bin"]),
    (["--webdataset", "--suffix=cls"], ["00.cls", "01.cls", "02.cls", "03.cls"]),
    (["--webdataset", "--suffix=auto"], ["00.png", "01.png", "02.png", "03.png"]),
], ids=str)
def test_names(options, names, pictures, out):
    assert members(unpacks("--tar", *options, pictures, ":4")) == list(zip(names, [PNG, JPG, b"text", b""]))
    if "--webdataset" not in options:
        unpacks(*options, pictures, out, ":4")
        assert content(out) == dict(zip(names, [PNG, JPG, b"text", b""]))


# ---- wrong command lines ----------------------------------------------------------------------

F = str(TEXT.path)


@pytest.mark.parametrize("args, message", [
    ([], "FILE is missing"), ([F], "DIR is missing"),
    ([F, "5:9"], "DIR is missing; a folder of the name 5:9 is ./5:9"),
    ([F, "-10:"], "DIR is missing; a folder of the name -10: is ./-10:"),
    ([F, "-"], "-: only --tar writes to standard output; a folder of that name is ./-"),
    ([F, "x", F], f"after FILE and DIR only RANGEs are expected, not {F}"),
    (["--tar", F, F], f"after FILE only RANGEs are expected, not {F}"),
    (["--webdataset", F, "x"], "--webdataset needs --tar"),
    (["--names=x", F, "x"], "--names: invalid value: x, expected padded, plain or stored"),
    (["--suffix=a/b", F, "x"], "--suffix: 'a/b' is not a part of a file name of at most 32 bytes"),
    (["--suffix=1", F, "x"], "--suffix: '1' begins with a digit, which would change the numbers"),
    (["--jobs=x", F, "x"], "--threads: invalid value: x, expected auto or a number in [0..1024]"),
    (["--json", F, "x"], "--json: records are bytes, see 'arec ls --json'"),
], ids=lambda x: " ".join(map(os.path.basename, x)) if isinstance(x, list) else "message")
def test_wrong_command_lines(args, message, tmp_path):
    refused(2, f"unpack: {message}; try 'arec unpack --help'", *args, cwd=tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_file_without_stored_names(out):
    refused(4, f"{TEXT.path}: --names=stored: the file keeps no names of records", "--names=stored", TEXT.path, out)
    assert not out.exists()


def test_a_range_out_of_bounds_makes_nothing(out):
    refused(2, f"{TEXT.path}: record 700 is out of bounds: there are 700 records, numbered from 0", TEXT.path, out,
            "700")
    assert not out.exists()


def test_an_absent_file_makes_nothing(out, tmp_path):
    refused(3, f"{tmp_path}/none: No such file or directory", tmp_path / "none", out)
    assert not out.exists()


def test_tar_to_a_terminal_is_refused():
    leader, terminal = pty.openpty()
    try:
        result = arec("unpack", "--tar", EMPTY.path, stdout=terminal)
        assert (result.code, result.err) == (2, "arec: unpack: --tar: standard output is a terminal; -f writes to "
                                                "it; try 'arec unpack --help'\n"), result
        assert arec("unpack", "--tar", "-f", EMPTY.path, stdout=terminal).code == 0
        assert os.read(leader, 4096).startswith(bytes(100))
    finally:
        os.close(leader)
        os.close(terminal)


# ---- damage -----------------------------------------------------------------------------------


def test_what_can_be_read_is_written(copy, out):
    path = copy(TEXT)
    container = Container(path)
    for i in (1, 3):
        container.flip(container.user_chunks[i].position(container.user_chunks[i].data_size - 5))
    told = [arec("cat", path, str(record)).err for record in (100, 300)]
    assert all(": data hash mismatch in a chunk of " in line for line in told)
    whole = [*range(100), *range(200, 300), *range(400, 700)]
    size = f"{sum(TEXT.sizes[i] for i in whole) / 1024:.1f} KiB"
    for quiet in ([], ["-q"]):
        result = arec("unpack", *quiet, "-f", path, out)
        assert result.code == 5 and result.err.startswith("".join(told)), result
        assert re.fullmatch(summary(out, "500 of 700", size), result.err[len("".join(told)):]), result
        assert content(out) == expected(TEXT, whole)
    result = arec("unpack", "--tar", path)
    assert result.code == 5 and result.err.startswith("".join(told)), result
    assert members(result.out) == list(expected(TEXT, whole).items())


def test_records_after_a_gap_have_no_numbers(tmp_path, out):
    path = tmp_path / PLAIN.name
    path.write_bytes(Sound(PLAIN.path).header(3).content)
    cat = arec("cat", path)
    assert cat.code == 5 and cat.err.endswith(", their records are missing\n"), cat
    result = arec("unpack", "-q", path, out)
    assert result.code == 5 and result.err.startswith(cat.err), result
    files = content(out)
    assert files and b"".join(files[name] for name in sorted(files)) == cat.out
    recovered = arec("cat", "--recover", path)
    unpacks("-f", "--recover", path, out)
    files = content(out)
    assert b"".join(files[name] for name in sorted(files)) == recovered.out
    assert len(recovered.out) > len(cat.out)


# ---- the folder -------------------------------------------------------------------------------


def test_a_folder_must_be_empty(out):
    out.mkdir()
    unpacks(TEXT.path, out, "0")
    refused(1, f"{out}: is not empty; -f writes into it", TEXT.path, out)
    assert os.listdir(out) == ["000"]


def test_force_replaces_files_and_keeps_others(out, tmp_path):
    out.mkdir()
    (out / "000").write_text("old")
    (out / "000").chmod(0o400)
    (out / "other").write_text("other")
    os.link(out / "000", tmp_path / "linked")
    unpacks("-f", TEXT.path, out, ":3")
    assert content(out) == {**expected(TEXT, range(3)), "other": b"other"}
    assert (tmp_path / "linked").read_text() == "old"


def test_a_link_in_the_folder_is_not_followed(out, tmp_path):
    out.mkdir()
    target, absent = tmp_path / "target", tmp_path / "absent"
    target.write_text("old")
    (out / "000").symlink_to(target)
    (out / "001").symlink_to(absent)
    refused(1, f"{out}: is not empty; -f writes into it", TEXT.path, out)
    unpacks("-f", TEXT.path, out, ":2")
    assert content(out) == expected(TEXT, range(2))
    assert target.read_text() == "old" and not absent.exists()


def test_a_folder_of_the_name_of_a_record(out):
    (out / "001").mkdir(parents=True)
    refused(1, f"{out}/001: Is a directory; 1 of 3 files are there", "-f", TEXT.path, out, ":3")
    assert os.listdir(out / "001") == [] and sorted(os.listdir(out)) == ["000", "001"]


def test_a_link_to_a_folder_is_the_folder(out, tmp_path):
    out.mkdir()
    (tmp_path / "link").symlink_to(out)
    unpacks(TEXT.path, tmp_path / "link", "0")
    assert os.listdir(out) == ["000"]


@pytest.mark.parametrize("make, reason", [
    (lambda out: out.write_text("x"), "Not a directory"),
    (lambda out: out.symlink_to("nowhere"), "No such file or directory"),
    (lambda out: os.mkfifo(out), "Not a directory"),
], ids=["file", "dangling", "fifo"])
@pytest.mark.parametrize("force", [[], ["-f"]], ids=["", "force"])
def test_what_is_no_folder(make, reason, force, out):
    make(out)
    refused(1, f"{out}: {reason}", *force, TEXT.path, out)
    assert not (out.parent / "nowhere").exists()


def test_only_the_last_part_is_made(tmp_path):
    refused(1, f"{tmp_path}/a/b: No such file or directory", TEXT.path, tmp_path / "a/b")
    assert not (tmp_path / "a").exists()


def test_a_folder_without_permission():
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        program, path = shutil.copy(AREC, directory), shutil.copy(TEXT.path, directory)
        os.chmod(path, 0o644)
        user = {"program": program, "user": NOBODY, "group": NOBODY, "extra_groups": []}
        refused(1, f"{directory}/out: Permission denied", path, f"{directory}/out", **user)
        os.mkdir(f"{directory}/out")
        refused(1, f"{directory}/out/000: Permission denied; 0 of 700 files are there", path, f"{directory}/out", **user)
        assert os.listdir(f"{directory}/out") == []


def test_names_are_text_for_a_terminal(tmp_path):
    (tmp_path / "a\nb").write_text("x")
    refused(1, f"{tmp_path}/a\\x0Ab: Not a directory", TEXT.path, tmp_path / "a\nb")


# ---- calls that fail, and the end at any moment -----------------------------------------------

# Does what AREC_FAULT says, `CALL N WHAT`, when CALL is made for the Nth time for a file in the folder. WHAT is the
# errno to fail with, or for a write: zero, short (each), interrupted (every other one), or a signal after half of it;
# for a link or rename: a signal after it. With AREC_NAMED no file is without a name.
FAULTS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int copies[1024];
static char what[32];

static int due (const char *call, int each)
{
    static int n;
    char name[32] = "";
    int at = 0;

    if (!getenv ("AREC_FAULT") || sscanf (getenv ("AREC_FAULT"), "%31s %d %31s", name, &at, what) != 3 ||
        strcmp (name, call) != 0)
        return 0;
    return ++n == at || each;
}

static int fails (const char *call)
{
    if (!due (call, 0))
        return 0;
    errno = atoi (what);
    return errno != 0;
}

static int signal_of (const char *text)
{
    return strcmp (text, "KILL") == 0 ? SIGKILL : strcmp (text, "TERM") == 0 ? SIGTERM
           : strcmp (text, "INT") == 0 ? SIGINT : 0;
}

#define NEXT(name) __typeof__ (&name) next = dlsym (RTLD_NEXT, #name)

int openat64 (int dir, const char *path, int flags, ...)
{
    NEXT (openat64);
    va_list args;
    int mode = 0;

    if (!(flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE)
        return next (dir, path, flags);
    va_start (args, flags);
    mode = va_arg (args, int);
    va_end (args);
    if ((flags & O_TMPFILE) == O_TMPFILE && getenv ("AREC_NAMED")) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return fails ("open") ? -1 : next (dir, path, flags, mode);
}

ssize_t write (int fd, const void *data, size_t size)
{
    NEXT (write);
    static int calls;
    ssize_t n;

    if (fd <= 2)
        return next (fd, data, size);
    if (getenv ("AREC_FAULT") && strstr (getenv ("AREC_FAULT"), "short"))
        return next (fd, data, size > 1 ? (size + 1) / 2 : size);
    if (getenv ("AREC_FAULT") && strstr (getenv ("AREC_FAULT"), "interrupted") && calls++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    if (!due ("write", 0))
        return next (fd, data, size);
    if (strcmp (what, "zero") == 0)
        return 0;
    if (signal_of (what)) {
        n = next (fd, data, size / 2);
        kill (getpid (), signal_of (what));
        return n;
    }
    errno = atoi (what);
    return -1;
}

int fcntl64 (int fd, int command, ...)
{
    NEXT (fcntl64);
    va_list args;
    long value;
    int copy;

    va_start (args, command);
    value = va_arg (args, long);
    va_end (args);
    if (command != F_DUPFD_CLOEXEC)
        return next (fd, command, value);
    if (fails ("dup"))
        return -1;
    copy = next (fd, command, value);
    copies[copy] = 1;
    return copy;
}

int close (int fd)
{
    NEXT (close);
    int is_copy = fd >= 0 && fd < 1024 && copies[fd];

    if (is_copy) {
        copies[fd] = 0;
        if (fails ("close")) {
            int number = errno;

            next (fd);
            errno = number;
            return -1;
        }
    }
    return next (fd);
}

int linkat (int from, const char *path, int dir, const char *name, int flags)
{
    NEXT (linkat);
    int result;

    if (!due ("name", 0))
        return next (from, path, dir, name, flags);
    if (!signal_of (what)) {
        errno = atoi (what);
        return -1;
    }
    result = next (from, path, dir, name, flags);
    kill (getpid (), signal_of (what));
    return result;
}

int renameat2 (int from, const char *path, int dir, const char *name, unsigned flags)
{
    NEXT (renameat2);
    int result;

    if (getenv ("AREC_NO_NOREPLACE")) {
        errno = EINVAL;
        return -1;
    }
    if (!due ("name", 0))
        return next (from, path, dir, name, flags);
    if (!signal_of (what)) {
        errno = atoi (what);
        return -1;
    }
    result = next (from, path, dir, name, flags);
    kill (getpid (), signal_of (what));
    return result;
}

int renameat (int from, const char *path, int dir, const char *name)
{
    NEXT (renameat);

    return fails ("replace") ? -1 : next (from, path, dir, name);
}

int mkdir (const char *path, mode_t mode)
{
    NEXT (mkdir);

    return fails ("mkdir") ? -1 : next (path, mode);
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    if os.environ.get("AREC_SANITIZE"):
        pytest.skip("a sanitizer wants to be preloaded first")
    folder = tmp_path_factory.mktemp("preload")
    (folder / "faults.c").write_text(FAULTS)
    subprocess.run(["cc", "-shared", "-fPIC", "-D_FILE_OFFSET_BITS=64", "-o", folder / "faults.so",
                    folder / "faults.c", "-ldl"], check=True)
    return folder / "faults.so"


@pytest.fixture(params=["nameless", "named"])
def faults(request, library):
    """A function from a fault to the environment of arec, where there is O_TMPFILE and where there is none."""
    def environment(fault, **more):
        named = {"AREC_NAMED": "1"} if request.param == "named" else {}
        return {"env": dict(os.environ, LD_PRELOAD=str(library), AREC_FAULT=fault, **named, **more)}
    environment.named = request.param == "named"
    return environment


CALLS = [("open", errno.ENOSPC), ("open", errno.EMFILE), ("write", errno.ENOSPC), ("write", errno.EIO),
         ("write", errno.EFBIG), ("dup", errno.EMFILE), ("close", errno.EDQUOT), ("name", errno.ENOSPC),
         ("name", errno.EPERM)]


@pytest.mark.parametrize("at", [1, 4, 10])
@pytest.mark.parametrize("call, number", CALLS, ids=lambda x: str(x))
def test_each_call_fails_in_turn(call, number, at, faults, out):
    if call == "open" and not faults.named:
        pytest.skip("a file that cannot be opened without a name gets one")
    refused(1, f"{out}/{at - 1:03d}: {os.strerror(number)}; {at - 1} of 10 files are there", TEXT.path, out, ":10",
            **faults(f"{call} {at} {number}"))
    assert content(out) == expected(TEXT, range(at - 1))


def test_a_write_of_nothing_is_an_error(faults, out):
    refused(1, f"{out}/002: {os.strerror(errno.EIO)}; 2 of 10 files are there", TEXT.path, out, ":10",
            **faults("write 3 zero"))
    assert content(out) == expected(TEXT, range(2))


@pytest.mark.parametrize("fault", ["write 0 short", "write 0 interrupted"])
def test_writes_are_gone_on_with(fault, faults, out):
    unpacks(TEXT.path, out, ":10", **faults(fault))
    assert content(out) == expected(TEXT, range(10))


def test_a_source_that_fails(library, copy, out, tmp_path):
    path, device = copy(SINGLE), FailingDevice(tmp_path)
    chunk = Container(path).user_chunks[650]
    with device.fails(path, "read", errno.EIO, chunk.begin, chunk.end):
        result = arec("unpack", path, out, env={**os.environ, **device.environment})
    files = content(out)
    assert result.code == 1 and files == expected(SINGLE, range(len(files))), result
    assert re.fullmatch(rf"arec: {re.escape(str(path))}: .*: {os.strerror(errno.EIO)}; "
                        rf"{len(files)} of 700 files are there\n", result.err), result
    assert device.hits("read") > 0


def test_a_nameless_file_that_cannot_be_had_gets_a_hidden_name(library, out):
    unpacks(TEXT.path, out, ":10", env=dict(os.environ, LD_PRELOAD=str(library), AREC_FAULT=f"open 3 {errno.ENOENT}"))
    assert content(out) == expected(TEXT, range(10))


def test_without_renames_that_do_not_replace(library, out):
    environment = dict(os.environ, LD_PRELOAD=str(library), AREC_NAMED="1", AREC_NO_NOREPLACE="1")
    unpacks(TEXT.path, out, ":10", env=environment)
    assert content(out) == expected(TEXT, range(10))


def test_a_failure_keeps_the_file_that_was_there(faults, out):
    out.mkdir()
    (out / "003").write_text("old")
    replaced = "replace 4" if faults.named else "replace 1"
    refused(1, f"{out}/003: {os.strerror(errno.ENOSPC)}; 3 of 10 files are there", "-f", TEXT.path, out, ":10",
            **faults(f"{replaced} {errno.ENOSPC}"))
    assert content(out) == {**expected(TEXT, range(3)), "003": b"old"}


def test_a_folder_that_cannot_be_made(library, out):
    environment = dict(os.environ, LD_PRELOAD=str(library), AREC_FAULT=f"mkdir 1 {errno.ENOSPC}")
    refused(1, f"{out}: {os.strerror(errno.ENOSPC)}", TEXT.path, out, env=environment)


@pytest.mark.parametrize("call, at", [("write", 1), ("write", 5), ("name", 5)])
@pytest.mark.parametrize("signal_name", ["TERM", "INT"])
def test_interrupted(signal_name, call, at, faults, out):
    there = at if call == "name" else at - 1
    refused(1, f"{out}: {there} of 10 files are there\narec: interrupted", TEXT.path, out, ":10",
            **faults(f"{call} {at} {signal_name}"))
    assert content(out) == expected(TEXT, range(there))


@pytest.mark.parametrize("call, at", [("write", 1), ("write", 5), ("name", 5)])
def test_killed(call, at, faults, out):
    assert arec("unpack", TEXT.path, out, ":10", **faults(f"{call} {at} KILL")).code == -signal.SIGKILL
    files = content(out)
    hidden = [name for name in files if name.startswith(".arec-")]
    assert len(hidden) == (faults.named and call == "write")
    for name in hidden:
        del files[name]
    assert files == expected(TEXT, range(at if call == "name" else at - 1))


def test_killed_at_any_moment(tmp_path):
    """Without faults: however far it came, what is there is whole."""
    for i in range(8):
        os.link(SINGLE.path, tmp_path / f"x.array_record-{i:05d}-of-00008")
    path, out, partly = tmp_path / "x.array_record@8", tmp_path / "out", 0
    names, records = golden.record_names(8 * 700), list(expected(SINGLE).values()) * 8
    for i in range(20):
        number = [signal.SIGKILL, signal.SIGTERM][i % 2]
        with subprocess.Popen([AREC, "unpack", "-q", path, out], stderr=subprocess.PIPE) as process:
            while process.poll() is None and not (out.exists() and len(os.listdir(out)) >= 50 * i):
                pass
            process.send_signal(number)
            err, code = process.stderr.read().decode(), process.wait(TIMEOUT)
        files = content(out)
        assert files == dict(zip(names[:len(files)], records))
        shutil.rmtree(out)
        if code != 0:
            partly += 1
            assert code == (1 if number == signal.SIGTERM else -number)
            assert err == ("" if number == signal.SIGKILL else
                           f"arec: {out}: {len(files)} of 5600 files are there\narec: interrupted\n")
    assert partly > 0


# ---- standard output --------------------------------------------------------------------------


@pytest.mark.parametrize("ignored", [False, True], ids=["default", "ignored"])
def test_a_reader_that_goes_away(ignored):
    def ignore():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    options = {"restore_signals": False, "preexec_fn": ignore} if ignored else {}
    with subprocess.Popen([AREC, "unpack", "--tar", BIG.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **options) as process:
        assert len(process.stdout.read1(100)) == 100
        process.stdout.close()
        assert (process.stderr.read(), process.wait(TIMEOUT)) == (b"", -signal.SIGPIPE)


def test_a_full_disk():
    with open("/dev/full", "wb", buffering=0) as full:
        refused(1, "standard output: No space left on device", "--tar", TEXT.path, stdout=full)


def test_an_archive_in_a_pipe_that_is_not_read_to_its_end_is_interrupted():
    with subprocess.Popen([AREC, "unpack", "--tar", BIG.path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.read1(1)
        process.send_signal(signal.SIGTERM)
        assert (process.stderr.read(), process.wait(TIMEOUT)) == (b"arec: interrupted\n", 1)
