"""arec repair: what is sound is in the copy, byte for byte, and what was lost is told."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time

import pytest

import golden
from container import Container
from damaged import Sound, flipped
from program import AREC, TIMEOUT, arec, can_read, succeeds

READABLE = [g for g in golden.ALL if can_read(g)]
LISTED = [g for g in READABLE if g.kind == "array_record"]
PLAIN = [g for g in READABLE if g.kind == "riegeli"]
TEXT = golden.get("text.groupsize100-brotli6.array_record")
SINGLE = golden.get("text.groupsize1-uncompressed.array_record")
UNEVEN = golden.get("text.uncompressed.riegeli")


def by_name(g):
    return g.name


def check_copy(g, path, numbers):
    """@path is a sound ArrayRecord file of these records of @g."""
    data, at = succeeds("cat", "--kind=array_record", path), 0
    for number in numbers:
        g.check(number, data[at:at + g.sizes[number]])
        at += g.sizes[number]
    assert at == len(data)
    (told,) = json.loads(succeeds("verify", "--json", path))
    assert told["ok"] and told["records"] == len(numbers)
    lines = succeeds("ls", path).decode().splitlines()
    assert lines == [f"{i} {g.sizes[number]}" for i, number in enumerate(numbers)]


def check_told(result, path, out, case):
    """One line for each damage that lost something a copy would have, and one for the sum."""
    *damages, last = result.err.splitlines()
    expected = [d for d in case.damages if not case.kept]
    assert len(damages) == len(expected), result
    for line, (offset, length, _, _) in zip(damages, expected):
        assert line.startswith(f"arec: {path}: at {offset}: {length} bytes damaged: "), result
    lost = sum(d[3] or 0 for d in expected)
    more = " and an unknown number more" if case.unknown else ""
    assert re.fullmatch(rf"arec: {re.escape(str(out))}: \d+ records in \d+ sound chunks kept, "
                        rf"{lost} records{more} lost", last), result


def is_even(sound, numbers):
    """Whether chunks of these records all hold as many as the first, but for the last."""
    groups = [c.n_records for i, c in enumerate(sound.chunks) if sound.first[i] in numbers]
    return all(n == groups[0] for n in groups[:-1]) and (not groups or groups[-1] <= groups[0])


# ---- every damage -----------------------------------------------------------------------------


@pytest.mark.parametrize("g", READABLE, ids=by_name)
def test_each_damage_is_repaired(g, tmp_path):
    sound = Sound(g.path)
    path, out = tmp_path / g.name, tmp_path / "out.array_record"
    for case in sound.cases():
        if case.name == "signature" and sound.size == 64:
            continue  # nothing is left that tells what the file was
        path.write_bytes(case.content)
        lost = case.lost - case.kept
        numbers = [i for i in range(g.n_records) if i not in lost]
        if not is_even(sound, numbers):
            check_asks_for_reencoding(path, out)
            result = arec("repair", "--reencode", "-o", out, path)
        else:
            result = arec("repair", "-o", out, path)
        assert result.out == b""
        assert result.code == (5 if lost or case.unknown else 0), f"{case}{result}"
        check_told(result, path, out, case)
        check_copy(g, out, numbers)
        assert path.read_bytes() == case.content
        out.unlink()
    assert sorted(os.listdir(tmp_path)) == [g.name]


def check_asks_for_reencoding(path, out):
    result = arec("repair", "-o", out, path)
    # No fault of the command line: the file is what it is.
    assert result.code == 1 and "--reencode" in result.err.splitlines()[-1], result
    assert not out.exists()


@pytest.mark.parametrize("g", LISTED, ids=by_name)
def test_a_sound_file_is_copied(g, tmp_path):
    """Chunks are copied as they are stored, metadata and options included."""
    out = tmp_path / "out.array_record"
    result = arec("repair", "-o", out, g.path)
    assert (result.code, result.out) == (0, b""), result
    before, after = Container(g.path), Container(out)
    assert [c.kind for c in after.chunks] == [c.kind for c in before.chunks]
    for a, b in zip(before.chunks, after.chunks):
        if a.kind in "rtm" and a not in (before.footer, before.postscript):
            assert (a.begin, before.data(a)) == (b.begin, after.data(b))
    check_copy(g, out, range(g.n_records))
    assert arec("info", "--json", out).out.replace(os.fsencode(out), b"") == arec(
        "info", "--json", g.path).out.replace(os.fsencode(g.path), b"")


@pytest.mark.parametrize("g", PLAIN, ids=by_name)
def test_a_plain_file_is_reencoded(g, tmp_path):
    out = tmp_path / "out.array_record"
    assert arec("repair", "--reencode", "-o", out, g.path).code == 0
    check_copy(g, out, range(g.n_records))
    chunks = [c.n_records for c in Container(out).user_chunks]
    first = next((c.n_records for c in Container(g.path).user_chunks), 1)
    assert all(n == first for n in chunks[:-1]) and all(n <= first for n in chunks)


def test_uneven_chunks_are_asked_about(tmp_path):
    out = tmp_path / "out.array_record"
    check_asks_for_reencoding(UNEVEN.path, out)
    assert os.listdir(tmp_path) == []


def test_the_first_chunk_lost_decides_nothing(tmp_path):
    """What is left is even, whatever the lost chunk held."""
    sound = Sound(UNEVEN.path)
    sizes = [c.n_records for c in sound.chunks]
    # A chunk of few records before one of more.
    i = next(i for i in range(len(sizes)) if sizes[i] < sizes[i + 1])
    path, out = tmp_path / "x.riegeli", tmp_path / "out.array_record"
    lost = [c.position(5) for c in sound.chunks[:i]]
    content = sound.content[:sound.chunks[i + 1].end]
    path.write_bytes(flipped(content, *lost))
    check_asks_for_reencoding(path, out)
    path.write_bytes(flipped(content, *lost, sound.chunks[i].position(5)))
    result = arec("repair", "-o", out, path)
    assert result.code == 5, result
    assert [c.n_records for c in Container(out).user_chunks] == [sizes[i + 1]]


def test_quiet(tmp_path):
    path, out = tmp_path / "x.array_record", tmp_path / "out.array_record"
    path.write_bytes(TEXT.path.read_bytes())
    result = arec("repair", "-q", "-o", out, path)
    assert (result.code, result.out, result.err) == (0, b"", "")


# ---- the output -------------------------------------------------------------------------------


def test_an_existing_output_is_kept(tmp_path):
    out = tmp_path / "out.array_record"
    out.write_bytes(b"mine")
    result = arec("repair", "-o", out, TEXT.path)
    assert result.code == 1, result
    assert re.fullmatch(r"arec: [^\n]*out\.array_record[^\n]*\n", result.err), result
    assert out.read_bytes() == b"mine"
    assert arec("repair", "-f", "-o", out, TEXT.path).code == 0
    check_copy(TEXT, out, range(TEXT.n_records))
    assert os.listdir(tmp_path) == [out.name]


def test_input_is_output(tmp_path):
    """The damaged original may be all that there is: it is not replaced by what was found in it."""
    sound = Sound(TEXT.path)
    path, link = tmp_path / "x.array_record", tmp_path / "link"
    case = sound.data(1)
    path.write_bytes(case.content)
    os.link(path, link)
    for out in (path, link):
        for force in ([], ["-f"]):
            result = arec("repair", *force, "-o", out, path)
            assert result.code == 2 and "the same file" in result.err, result
            assert path.read_bytes() == case.content and os.stat(path).st_nlink == 2
    assert sorted(os.listdir(tmp_path)) == ["link", path.name]


def test_json(tmp_path):
    sound = Sound(TEXT.path)
    path, out = tmp_path / "x.array_record", tmp_path / "out.array_record"
    case = sound.data(1)
    path.write_bytes(case.content)
    result = arec("repair", "--json", "-o", out, path)
    told = json.loads(result.out)
    assert (result.code, result.err) == (5, ""), result
    (damage,) = told.pop("damages")
    assert (damage["offset"], damage["length"], damage["first_record"], damage["records"]) == case.damages[0]
    assert told == {"path": str(path), "output": str(out), "written": True, "records": 600, "chunks": 6,
                    "records_lost": 100, "lost_unknown": False}
    result = arec("repair", "--json", "-o", out, path)
    assert result.code == 1 and json.loads(result.out)["written"] is False, result
    assert result.err.count("\n") == 1, result


def test_wrong_command_lines(tmp_path):
    out = tmp_path / "out.array_record"
    for args in (["repair"], ["repair", TEXT.path], ["repair", "-o", out],
                 ["repair", "-o", out, TEXT.path, TEXT.path]):
        result = arec(*args)
        assert result.code == 2 and result.err.count("\n") == 1, result
    assert arec("repair", "-o", out, tmp_path / "absent").code == 3
    (tmp_path / "text").write_bytes(b"text\n" * 30_000)
    assert arec("repair", "-o", out, tmp_path / "text").code == 4
    assert os.listdir(tmp_path) == ["text"]


def test_no_such_directory(tmp_path):
    result = arec("repair", "-o", tmp_path / "absent" / "out", TEXT.path)
    assert result.code in (1, 3) and result.err.count("\n") == 1, result


@contextlib.contextmanager
def small_disk(path, size):
    path.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs",
                                            path], capture_output=True).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def test_full_disk(tmp_path):
    with small_disk(tmp_path / "disk", 200_000) as disk:
        result = arec("repair", "-o", disk / "out.array_record", SINGLE.path)
        assert result.code == 1 and "No space left on device" in result.err, result
        assert result.err.count("\n") == 1
        assert os.listdir(disk) == []


def writes_into(pid, directory):
    """Whether process @pid has a file in @directory open, be it without a name."""
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{fd}").startswith(f"{directory}/"):
                return True
    return False


# Hides O_TMPFILE, as filesystems do that have none.
WITHOUT_TMPFILE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
int openat (int dir, const char *path, int flags, ...)
{
    int (*next) (int, const char *, int, ...) = dlsym (RTLD_NEXT, "openat");
    va_list args;
    int mode = 0;
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (flags & O_CREAT) {
        va_start (args, flags);
        mode = va_arg (args, int);
        va_end (args);
    }
    return next (dir, path, flags, mode);
}
int openat64 (int dir, const char *path, int flags, ...) __attribute__ ((alias ("openat")));
"""


@pytest.fixture(params=["nameless", "named"])
def environment(request, tmp_path_factory):
    """Of arec where there is O_TMPFILE, and where there is none."""
    if request.param == "nameless":
        return dict(os.environ)
    if os.environ.get("AREC_SANITIZE"):
        pytest.skip("a sanitizer wants to be preloaded first")
    folder = tmp_path_factory.mktemp("preload")
    (folder / "open.c").write_text(WITHOUT_TMPFILE)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "open.so", folder / "open.c", "-ldl"], check=True)
    return dict(os.environ, LD_PRELOAD=str(folder / "open.so"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(number, environment, tmp_path):
    g = golden.get("text.snappy-chunksize4K-padding64K.riegeli")
    content = g.path.read_bytes()
    assert len(content) % 65536 == 0  # so it can follow itself
    big, directory = tmp_path / "big.riegeli", tmp_path / "out"
    big.write_bytes(content * 300)
    directory.mkdir()
    process = subprocess.Popen([AREC, "repair", "--reencode", "-o", directory / "out", big],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    deadline = time.monotonic() + TIMEOUT
    while not writes_into(process.pid, directory):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)
    assert [name[:6] for name in os.listdir(directory)] == [".arec-"] * ("LD_PRELOAD" in environment)
    process.send_signal(number)
    out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (1, b"", b"arec: interrupted\n")
    assert os.listdir(directory) == []
