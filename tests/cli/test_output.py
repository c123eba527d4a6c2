"""What -o OUT is: all or nothing under its name, or written straight; with which mode; and how it ends. Shown by
`arec repair`, whose copy of a sound file has the same bytes every time."""

import contextlib
import errno
import json
import os
import pty
import resource
import select
import signal
import stat
import subprocess
import termios
import threading
import time

import pytest

import golden
from failing_device import FailingDevice
from program import AREC, TIMEOUT, Result, arec, succeeds

TEXT = golden.get("text.groupsize100-brotli6.array_record")
SINGLE = golden.get("blocks.groupsize1-uncompressed.array_record")  # some writes
PADDED = golden.get("text.snappy-chunksize4K-padding64K.riegeli")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The bytes that `arec repair` makes of SINGLE."""
    out = tmp_path_factory.mktemp("copy") / "out"
    succeeds("repair", "-q", "-o", out, SINGLE.path)
    return out.read_bytes()


def repair(out, *options, source=SINGLE.path, **how):
    return arec("repair", "-q", *options, "-o", out, source, **how)


def check_failed(result, out, reason, code=1):
    assert (result.code, result.out) == (code, b""), result
    assert result.err.startswith(f"arec: {out}: ") and result.err.count("\n") == 1, result
    assert reason in result.err, result


# ---- names ------------------------------------------------------------------------------------


def test_an_existing_output_is_kept(copy, tmp_path):
    out = tmp_path / "out.array_record"
    out.write_bytes(b"mine")
    result = repair(out)
    assert (result.code, result.err) == (1, f"arec: {out}: exists; -f replaces it\n"), result
    assert out.read_bytes() == b"mine"
    assert repair(out, "-f").code == 0
    assert out.read_bytes() == copy and os.listdir(tmp_path) == [out.name]


def test_an_existing_output_is_told_before_input_is_read(tmp_path):
    """A file of no known format would be code 4."""
    out, text = tmp_path / "out", tmp_path / "text"
    out.write_bytes(b"mine")
    text.write_bytes(b"text\n" * 30_000)
    assert repair(out, source=text).err == f"arec: {out}: exists; -f replaces it\n"


def test_links(copy, tmp_path):
    """The link stays; what it leads to is made, kept or replaced."""
    target, link, second = tmp_path / "target", tmp_path / "link", tmp_path / "second"
    link.symlink_to("second")
    second.symlink_to(target)
    assert repair(link).code == 0
    assert target.read_bytes() == copy and not target.is_symlink()
    target.write_bytes(b"mine")
    check_failed(repair(link), link, "exists; -f replaces it")
    assert repair(link, "-f").code == 0
    assert target.read_bytes() == copy
    assert os.readlink(link) == "second" and os.readlink(second) == str(target)
    assert sorted(os.listdir(tmp_path)) == ["link", "second", "target"]


def test_links_to_nowhere(tmp_path):
    link, loop = tmp_path / "link", tmp_path / "loop"
    link.symlink_to("absent/target")
    check_failed(repair(link), link, "cannot open its directory: No such file or directory")
    loop.symlink_to("loop")
    check_failed(repair(loop, "-f"), loop, "Too many levels of symbolic links")
    assert sorted(os.listdir(tmp_path)) == ["link", "loop"]


@pytest.mark.skipif(os.geteuid() != 0, reason="not root")
def test_a_link_of_a_stranger_is_followed_as_the_kernel_does(tmp_path):
    """In a directory that anybody may write into, it could lead root to any file."""
    if open("/proc/sys/fs/protected_symlinks").read().strip() != "1":
        pytest.skip("the kernel follows all links")
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o1777)
    target, link = tmp_path / "target", folder / "link"
    target.write_bytes(b"mine")
    link.symlink_to(target)
    os.chown(link, 1, 1, follow_symlinks=False)
    check_failed(repair(link, "-f"), link, "Permission denied")
    assert target.read_bytes() == b"mine"


def test_no_such_directory(tmp_path):
    out = tmp_path / "absent" / "out"
    check_failed(repair(out), out, "No such file or directory")
    check_failed(repair(tmp_path, "-f"), tmp_path, "Is a directory")


def test_a_hard_link_of_the_output_keeps_the_old(copy, tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    out.write_bytes(b"mine")
    os.link(out, other)
    assert repair(out, "-f").code == 0
    assert (out.read_bytes(), other.read_bytes()) == (copy, b"mine")


def test_a_file_named_dash(copy, tmp_path):
    assert repair("./-", cwd=tmp_path).code == 0
    assert (tmp_path / "-").read_bytes() == copy


# ---- mode and owner ---------------------------------------------------------------------------


def attributes(path):
    info = os.stat(path)
    return stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid


@pytest.mark.parametrize("mode, mask, expected", [(0o640, 0o022, 0o640), (0o644, 0o077, 0o600), (0o400, 0, 0o400),
                                                  (0o777, 0o022, 0o644)])
def test_a_copy_is_not_more_readable_than_its_source(mode, mask, expected, tmp_path):
    source, out = tmp_path / "source.array_record", tmp_path / "out"
    source.write_bytes(SINGLE.path.read_bytes())
    source.chmod(mode)
    assert repair(out, source=source, umask=mask).code == 0
    assert attributes(out)[0] == expected


def test_a_list_of_the_source_narrows_the_copy(tmp_path):
    """The group's bits of a file with an access control list are its mask, which a named user may need."""
    source, out = tmp_path / "source.array_record", tmp_path / "out"
    source.write_bytes(SINGLE.path.read_bytes())
    source.chmod(0o600)
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, 1), (4, 0, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    value = b"\2\0\0\0" + b"".join(tag.to_bytes(2, "little") + bits.to_bytes(2, "little") +
                                   who.to_bytes(4, "little") for tag, bits, who in entries)
    try:
        os.setxattr(source, "system.posix_acl_access", value)
    except OSError as error:
        pytest.skip(f"no access control lists: {error}")
    assert attributes(source)[0] == 0o640
    assert repair(out, source=source).code == 0
    assert attributes(out)[0] == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("source_mode, mode, expected", [(0o644, 0o600, 0o600), (0o644, 0o644, 0o644),
                                                         (0o640, 0o644, 0o640)])
def test_a_replaced_file_keeps_mode_and_owner(source_mode, mode, expected, copy, tmp_path):
    source, out = tmp_path / "source.array_record", tmp_path / "out"
    source.write_bytes(SINGLE.path.read_bytes())
    source.chmod(source_mode)
    out.write_bytes(b"mine")
    out.chmod(mode)
    os.chown(out, 1, 2)
    assert repair(out, "-f", source=source).code == 0
    assert out.read_bytes() == copy
    assert attributes(out) == (expected, 1, 2)


# ---- straight ---------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["-", "/dev/stdout", "/dev/fd/1"])
def test_standard_output(out, copy, tmp_path):
    """Into a pipe, and into a file at its position."""
    assert repair(out, cwd=tmp_path).out == copy
    with open(tmp_path / "file", "w+b") as file:
        os.write(file.fileno(), b"before")
        result = repair(out, stdout=file)
        assert (result.code, result.err) == (0, ""), result
        file.seek(0)
        assert file.read() == b"before" + copy
    assert os.listdir(tmp_path) == ["file"]


def test_messages_are_not_in_the_output(copy):
    result = arec("repair", "-o", "-", SINGLE.path)
    assert result.out == copy
    assert result.err == (f"arec: standard output: {SINGLE.n_records} records in {SINGLE.n_records} sound chunks "
                          "kept, 0 records lost\n"), result
    result = arec("repair", "--json", "-o", "-", SINGLE.path)
    told = json.loads(result.err)
    assert result.out == copy and (told["out"], told["file_size"]) == ("-", len(copy))


def test_the_input_is_not_appended_to(tmp_path):
    source = tmp_path / "source.array_record"
    source.write_bytes(SINGLE.path.read_bytes())
    with open(source, "ab") as file:
        result = repair("-", source=source, stdout=file)
    assert result.code == 2 and "the same file" in result.err, result
    assert source.read_bytes() == SINGLE.path.read_bytes()


def run_at_terminal(*options):
    """(exit code, stderr, what the terminal got)."""
    leader, terminal = pty.openpty()
    settings = termios.tcgetattr(terminal)
    settings[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    got = bytearray()
    try:
        with subprocess.Popen([AREC, "repair", "-q", *options, "-o", "-", TEXT.path], stdin=subprocess.DEVNULL,
                              stdout=terminal, stderr=subprocess.PIPE) as process:
            while process.poll() is None or select.select([leader], [], [], 0.2)[0]:
                if select.select([leader], [], [], 0.05)[0]:
                    got += os.read(leader, 1 << 16)
            return process.returncode, process.stderr.read().decode(), bytes(got)
    finally:
        os.close(leader)
        os.close(terminal)


def test_a_terminal_is_refused():
    assert run_at_terminal() == (2, "arec: standard output: is a terminal; -f writes to it\n", b"")
    assert run_at_terminal("-f") == (0, "", repair("-", source=TEXT.path).out)


def test_a_fifo(copy, tmp_path):
    """Nothing of that name exists that would have to be replaced, and it stays."""
    fifo, got = tmp_path / "fifo", []
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    reader.start()
    assert repair(fifo).code == 0
    reader.join(TIMEOUT)
    assert got == [copy] and os.listdir(tmp_path) == ["fifo"] and stat.S_ISFIFO(os.stat(fifo).st_mode)


def test_a_fifo_whose_input_is_no_good(tmp_path):
    """The reader is not left waiting."""
    fifo, text, got = tmp_path / "fifo", tmp_path / "text", []
    os.mkfifo(fifo)
    text.write_bytes(b"text\n" * 30_000)
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()), daemon=True)
    reader.start()
    assert repair(fifo, source=text).code == 4
    reader.join(TIMEOUT)
    assert got == [b""]


def test_devices(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("/dev/full")
    for out in ("/dev/full", link):
        check_failed(repair(out), out, "at 0: write: No space left on device")
    assert repair("/dev/null").code == 0
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode) and link.is_symlink()


def big_input(folder):
    """A plain file that takes long enough."""
    content, path = PADDED.path.read_bytes(), folder / "big.riegeli"
    assert len(content) % 65536 == 0  # so it can follow itself
    path.write_bytes(content * 300)
    return path


@pytest.mark.parametrize("kind", ["pipe", "fifo"])
def test_a_reader_that_goes_away(kind, tmp_path):
    """As `| head -c 1000`: silently, whatever the parent has done about SIGPIPE (Python ignores it)."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen([AREC, "repair", "--reencode", "-o", fifo if kind == "fifo" else "-", big_input(tmp_path)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          restore_signals=False) as process:
        with (open(fifo, "rb", buffering=0) if kind == "fifo" else process.stdout) as reader:
            assert reader.read(1000)
        assert process.wait(TIMEOUT) == -signal.SIGPIPE
        assert process.stderr.read() == b""


# ---- failures of the system -------------------------------------------------------------------


@pytest.fixture
def device(tmp_path):
    return FailingDevice(tmp_path)


# What fails, how, which one of its kind. Of a file that is new, and of one that is replaced.
NEW = [("write", errno.ENOSPC, 1), ("write", errno.EIO, 2), ("write", errno.EDQUOT, 4), ("write", errno.EFBIG, 3),
       ("write", errno.ENOMEM, 2), ("write", 0, 1), ("fsync", errno.EIO, 1), ("fsync", errno.ENOSPC, 1),
       ("close", errno.EIO, 1), ("close", errno.EDQUOT, 1), ("link", errno.EIO, 1), ("sync-folder", errno.EIO, 1)]
REPLACED = NEW + [("rename", errno.EIO, 1)]
# The same where there are no files without a name.
HIDDEN_NEW = [("create", errno.EROFS, 1), ("write", errno.ENOSPC, 2), ("fsync", errno.EIO, 1), ("close", errno.EIO, 1),
              ("rename", errno.EIO, 1), ("sync-folder", errno.EIO, 1)]
HIDDEN_REPLACED = HIDDEN_NEW


def name_of(case):
    call, number, nth = case
    return f"{call}-{errno.errorcode.get(number, 'nothing')}-{nth}"


def check_failing(case, device, folder, old):
    """The output of a run in which a call fails: none, or the old one."""
    call, number, nth = case
    folder.mkdir()
    out = folder / "out"
    if old is not None:
        out.write_bytes(old)
    with device.output_fails(call, number, nth):
        result = repair(out, "-f", env={**os.environ, **device.environment})
    check_failed(result, out, os.strerror(number) if number else "no byte was taken")
    assert device.hits(call) >= 1, result
    assert os.listdir(folder) == ([] if old is None else ["out"])
    assert old is None or out.read_bytes() == old


@pytest.mark.parametrize("case", NEW, ids=name_of)
def test_failing_call(case, device, tmp_path):
    check_failing(case, device, tmp_path / "folder", None)


@pytest.mark.parametrize("case", REPLACED, ids=name_of)
def test_failing_call_of_a_replacement(case, device, tmp_path):
    check_failing(case, device, tmp_path / "folder", b"mine")


@pytest.mark.parametrize("case", HIDDEN_NEW, ids=name_of)
def test_failing_call_with_a_hidden_name(case, device, tmp_path):
    with device.output_fails("tmpfile", errno.EOPNOTSUPP):
        check_failing(case, device, tmp_path / "folder", None)


@pytest.mark.parametrize("case", HIDDEN_REPLACED, ids=name_of)
def test_failing_call_of_a_replacement_with_a_hidden_name(case, device, tmp_path):
    with device.output_fails("tmpfile", errno.EOPNOTSUPP):
        check_failing(case, device, tmp_path / "folder", b"mine")


def test_short_writes(device, tmp_path):
    out = tmp_path / "out"
    with device.output_fails("trickle", errno.EIO):
        assert repair(out, source=TEXT.path, env={**os.environ, **device.environment}).code == 0
    assert device.hits("trickle") > 1000 and out.read_bytes() == repair("-", source=TEXT.path).out


def test_no_sync(copy, device, tmp_path):
    """What cannot fail was not called."""
    for old in (None, b"mine"):
        out = tmp_path / f"out{old}"
        if old:
            out.write_bytes(old)
        with device.output_fails("fsync", errno.EIO), device.output_fails("sync-folder", errno.EIO):
            assert repair(out, "-f", "--no-sync", env={**os.environ, **device.environment}).code == 0
        assert out.read_bytes() == copy


def test_file_size_limit(tmp_path):
    out = tmp_path / "out"
    result = subprocess.run(["sh", "-c", 'ulimit -f 100; exec "$0" "$@"', AREC, "repair", "-o", out, SINGLE.path],
                            capture_output=True, timeout=TIMEOUT)
    check_failed(Result(result.args, result.returncode, result.stdout, result.stderr.decode()), out, "File too large")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(bool(os.environ.get("AREC_SANITIZE")), reason="a sanitizer reserves memory of its own")
def test_no_memory(tmp_path):
    """Wherever it ends: under limits of memory from one that does not let it start to one with which it works, in small
    steps shortly before that, where it is its own memory that lacks."""
    def run(limit):
        result = repair(tmp_path / "out", "--reencode", "--threads=0", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_AS, (limit, limit)))
        if result.code == 0:
            (tmp_path / "out").unlink()
        assert os.listdir(tmp_path) == [], result
        return result

    enough = next(limit for limit in range(8 << 20, 256 << 20, 2 << 20) if run(limit).code == 0)
    results = [run(limit) for limit in range(enough - (4 << 20), enough, 64 << 10)]
    assert any(result.code == 1 and "no memory" in result.err for result in results)


@contextlib.contextmanager
def small_disk(path, size):
    path.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path],
                                           capture_output=True).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def test_full_disk(tmp_path):
    with small_disk(tmp_path / "disk", 200_000) as disk:
        check_failed(repair(disk / "out"), disk / "out", "No space left on device")
        assert os.listdir(disk) == []


# ---- signals ----------------------------------------------------------------------------------


def writes_into(pid, directory):
    """Whether process @pid has a file in @directory open, be it without a name."""
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(f"{directory}/"):
                return True
    return False


@contextlib.contextmanager
def writing(folder, environment, **how):
    """arec at work, with a file open in @folder, which is made."""
    folder.mkdir()
    with subprocess.Popen([AREC, "repair", "--reencode", "-f", "-o", folder / "out", big_input(folder.parent)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, **environment}, **how) as process:
        deadline = time.monotonic() + TIMEOUT
        while not writes_into(process.pid, folder):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.002)
        yield process


@pytest.mark.parametrize("is_hidden", [False, True], ids=["nameless", "named"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(number, is_hidden, device, tmp_path):
    folder = tmp_path / "folder"
    with contextlib.ExitStack() as stack:
        if is_hidden:
            stack.enter_context(device.output_fails("tmpfile", errno.EOPNOTSUPP))
        process = stack.enter_context(writing(folder, device.environment))
        assert [name[:6] for name in os.listdir(folder)] == [".arec-"] * is_hidden
        process.send_signal(number)
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (1, b"", b"arec: interrupted\n")
    assert os.listdir(folder) == []


def test_killed(tmp_path):
    folder = tmp_path / "folder"
    with writing(folder, {}) as process:
        process.kill()
        process.communicate(timeout=TIMEOUT)
    assert os.listdir(folder) == []


def test_messages_that_nobody_reads(device, tmp_path):
    """A broken pipe of stderr ends the program, with the hidden file."""
    folder, source = tmp_path / "folder", tmp_path / "source.array_record"
    folder.mkdir()
    content = bytearray(SINGLE.path.read_bytes())
    content[len(content) // 2] ^= 1
    source.write_bytes(content)
    for is_hidden in (False, True):
        with contextlib.ExitStack() as stack:
            if is_hidden:
                stack.enter_context(device.output_fails("tmpfile", errno.EOPNOTSUPP))
            reader, writer = os.pipe()
            os.close(reader)
            result = subprocess.run([AREC, "repair", "-o", folder / "out", source], stdin=subprocess.DEVNULL,
                                    stderr=writer, env={**os.environ, **device.environment}, timeout=TIMEOUT)
            os.close(writer)
        assert result.returncode == -signal.SIGPIPE
        assert os.listdir(folder) == []
