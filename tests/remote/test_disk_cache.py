"""The disk cache: what it saves, and that it is never the cause of a wrong byte or an error."""

import errno
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from random import Random

import pytest

import golden
from fault_server import FaultServer
from mounts import AREC, mount_fails, mounted, wait_until
from nginx import nginx
from program import arec, succeeds
from undisturbed import undisturbed

TEXT = golden.get("text.groupsize1-uncompressed.array_record")
OTHER = golden.get("text.default.array_record")
SECTOR, TABLE, SECTORS = 4096, 4096, 12288  # of a segment: bytes, where its table and its sectors begin
SECONDS = 30


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("AREC_REQUEST_DEADLINE", "20")
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def expected():
    return succeeds("cat", TEXT.path)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


def cat(server, folder, *options):
    return arec("cat", f"--cache-dir={folder}", *options, server.url)


def check(server, folder, expected):
    result = cat(server, folder)
    assert (result.code, result.err) == (0, ""), result
    assert result.out == expected


def segments(folder):
    return [path for path in (folder / "arecfs-1").glob("*/*") if path.parent.name != "names"]


def read_all(mount):
    return [(mount.path / name).read_bytes() for name in sorted(os.listdir(mount.path))]


# ---- what it saves ------------------------------------------------------------------------------


@undisturbed
def test_a_second_run_is_one_request():
    with nginx(golden.DIRECTORY) as server, tempfile.TemporaryDirectory() as folder:
        url = server.url(TEXT.name)
        for command in ("cat", "verify", "info", "ls"):
            local = arec(command, TEXT.path)
            for i in range(2):
                server.clear_log()
                result = arec(command, f"--cache-dir={folder}/{command}", url)
                assert result.out.replace(url.encode(), os.fsencode(TEXT.path)) == local.out, result
                assert result.code == local.code
                if i == 1:
                    assert [(line.status, line.sent, line.range) for line in server.log()] == [(304, 0, "bytes=-131072")]


@undisturbed
def test_a_second_mount_is_one_request(folder):
    records = []
    with FaultServer(TEXT.path.read_bytes()) as server:
        for i in range(2):
            before = len(server.log)
            with mounted(server.url, f"--cache-dir={folder}") as mount:
                records.append(read_all(mount))
                stats = mount.stats()["remote"]
                assert os.getxattr(mount.path, "user.arec.etag").decode() == server.etag
                assert os.stat(mount.path).st_mtime == 784111777
            cache = stats["disk_cache"]
            assert cache["bad_sectors"] == cache["evicted_bytes"] == 0 and cache["size"] > 0
            if i == 0:
                assert cache["misses"] > 0 and cache["written_bytes"] > 0
                assert cache["written_bytes"] <= len(server.data)
            else:
                assert [(r.status, r.sent, r.headers["if-none-match"]) for r in server.log[before:]] == [(304, 0, server.etag)]
                assert cache["hits"] > 0 and cache["misses"] == cache["written_bytes"] == 0
                assert stats["bytes_received"] == 0
    for i, record in enumerate(records[0]):
        TEXT.check(i, record)
    assert records[1] == records[0]


@undisturbed
def test_no_byte_is_fetched_twice(folder, expected):
    with FaultServer(TEXT.path.read_bytes()) as server:
        check(server, folder, expected)
        spans = sorted(tuple(map(int, text.split("-"))) for text in server.ranges[1:])
        assert all(a[1] < b[0] for a, b in zip(spans, spans[1:])), spans


@undisturbed
def test_a_time_of_modification_is_enough(folder, expected):
    with FaultServer(TEXT.path.read_bytes(), "dated") as server:
        check(server, folder, expected)
        before = len(server.log)
        check(server, folder, expected)
        assert [(r.status, r.headers["if-modified-since"]) for r in server.log[before:]] == [(304, "Sun, 06 Nov 1994 08:49:37 GMT")]


# ---- whether it still is the same object --------------------------------------------------------


@pytest.mark.parametrize("fault", ["other-304", "weak-304"])
def test_a_304_that_proves_nothing(fault, folder, expected):
    """Then the object is opened as if nothing were known, and what the disk has of this very version counts."""
    with FaultServer(TEXT.path.read_bytes(), fault) as server:
        check(server, folder, expected)
        before = len(server.log)
        check(server, folder, expected)
        assert [r.status for r in server.log[before:before + 2]] == [304, 206]
        assert "if-none-match" not in server.log[before + 1].headers


def test_another_object_of_the_same_name(folder, expected):
    with FaultServer(TEXT.path.read_bytes()) as server:
        check(server, folder, expected)
        server.data, server.etag = OTHER.path.read_bytes(), '"new"'
        check(server, folder, succeeds("cat", OTHER.path))
        before = len(server.log)
        check(server, folder, succeeds("cat", OTHER.path))
        assert [r.status for r in server.log[before:]] == [304]


def test_the_same_size_and_another_etag(folder, expected):
    """No byte of the older version is taken."""
    with FaultServer(TEXT.path.read_bytes()) as server:
        check(server, folder, expected)
        server.etag = '"new"'
        before = len(server.log)
        check(server, folder, expected)
        assert sum(r.sent for r in server.log[before:]) >= len(expected)


def test_an_object_without_a_validator_is_not_kept(folder, expected):
    with FaultServer(TEXT.path.read_bytes(), "bare") as server:
        for _ in range(2):
            result = cat(server, folder)
            assert (result.code, result.out) == (0, expected), result
            assert result.err.count("neither an ETag nor a time") == 1
        assert segments(folder) == [] and os.listdir(folder / "arecfs-1" / "names") == []


@pytest.mark.parametrize("fault", ["whole", "no-suffix", "no-suffix-whole", "weak"])
def test_servers_of_other_kinds(fault, folder, expected):
    with FaultServer(TEXT.path.read_bytes(), fault) as server:
        for _ in range(3):
            check(server, folder, expected)


def test_a_change_while_it_is_mounted(folder):
    with FaultServer(TEXT.path.read_bytes(), "changes:2") as server, mounted(server.url, f"--cache-dir={folder}") as mount:
        with pytest.raises(OSError) as caught:
            (mount.path / sorted(os.listdir(mount.path))[0]).read_bytes()
        assert caught.value.errno == errno.ESTALE


def test_a_server_that_is_gone(folder, expected):
    """The cache is no way to read without the server."""
    with FaultServer(TEXT.path.read_bytes()) as server:
        check(server, folder, expected)
    result = cat(server, folder)
    assert result.code == 3 and "cannot connect" in result.err, result


# ---- whatever happens to its files --------------------------------------------------------------


def test_two_programs_at_once(folder, expected):
    with FaultServer(TEXT.path.read_bytes()) as server:
        both = [subprocess.Popen([AREC, "cat", f"--cache-dir={folder}", server.url], stdout=subprocess.PIPE) for _ in range(2)]
        assert [process.communicate(timeout=60)[0] for process in both] == [expected, expected]
        before = len(server.log)
        check(server, folder, expected)
        assert [r.status for r in server.log[before:]] == [304]


def test_a_program_that_is_killed(folder, tmp_path):
    """While it waits for a part of the file, and while it writes."""
    random = Random(7)
    lines = b"".join(b"%x\n" % random.getrandbits(400_000) for _ in range(100))
    path = tmp_path / "large"
    succeeds("pack", "-q", "--from=lines", "--group-size=1", "-o", path, "-", input=lines, stdin=None)
    expected = succeeds("cat", path)
    for n in (2, 4, 0):
        with FaultServer(path.read_bytes(), f"silent-later:{n}" if n else "") as server:
            process = subprocess.Popen([AREC, "cat", f"--cache-dir={folder}/{n}", server.url], stdout=subprocess.DEVNULL)
            assert wait_until(lambda: len(server.log) >= max(n, 3), SECONDS), server.log
            process.send_signal(signal.SIGKILL)
            process.wait()
            server.fault = ""
            for _ in range(2):
                check(server, folder / str(n), expected)


@undisturbed
def test_flipped_sectors(folder, expected):
    shutil.rmtree(folder, ignore_errors=True)
    with FaultServer(TEXT.path.read_bytes()) as server:
        check(server, folder, expected)
        n = 0
        for path in segments(folder):
            content = bytearray(path.read_bytes())
            for at in range(SECTORS, len(content), 3 * SECTOR):
                content[at] ^= 0x40
                n += 1
            path.write_bytes(content)
        before = len(server.log)
        check(server, folder, expected)
        assert n > 0 and sum(r.sent for r in server.log[before:]) >= SECTOR
        before = len(server.log)
        check(server, folder, expected)
        assert [r.status for r in server.log[before:]] == [304]  # they were mended


def test_a_damaged_name(folder, expected):
    with FaultServer(TEXT.path.read_bytes()) as server:
        check(server, folder, expected)
        name, = (folder / "arecfs-1" / "names").iterdir()
        for damage in (b"", b"x" * 100, name.read_bytes()[:-1]):
            name.write_bytes(damage)
            before = len(server.log)
            check(server, folder, expected)
            assert [r.status for r in server.log[before:]][:1] == [206]


def test_a_disk_that_is_full(tmp_path, expected):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192k,mode=0700", "tmpfs", small], check=True)
    try:
        with FaultServer(TEXT.path.read_bytes()) as server:
            for _ in range(2):
                result = cat(server, small / "cache", "--cache-dir-size=1G")
                assert (result.code, result.out) == (0, expected), result
                assert result.err.count("\n") == 1 and "nothing is written for a minute" in result.err, result
            with mounted(server.url, f"--cache-dir={small}/cache", "--cache-dir-size=1G") as mount:
                for i, record in enumerate(read_all(mount)):
                    TEXT.check(i, record)
                assert len(mount.log_lines("disk cache", "No space left")) == 1
    finally:
        subprocess.run(["umount", "-l", small], check=True)


# ---- where it may lie ---------------------------------------------------------------------------


def refused(server, folder, message, at):
    result = cat(server, folder)
    assert result.code == 2 and message in result.err and str(folder) in result.err, result
    mount_fails(server.url, f"--cache-dir={folder}", code=2, at=at, contains=[message, str(folder)])


def test_folders_that_are_refused(tmp_path):
    at = tmp_path / "at"
    at.mkdir()
    with FaultServer(TEXT.path.read_bytes()) as server:
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o777)
        refused(server, tmp_path / "open", "others may write there", at)
        (tmp_path / "group").mkdir()
        (tmp_path / "group").chmod(0o770)
        refused(server, tmp_path / "group", "others may write there", at)
        (tmp_path / "link").symlink_to(tmp_path)
        refused(server, tmp_path / "link", "a symbolic link", at)
        (tmp_path / "file").write_text("")
        refused(server, tmp_path / "file", "no directory", at)
        (tmp_path / "theirs").mkdir()
        os.chown(tmp_path / "theirs", 12345, 12345)
        refused(server, tmp_path / "theirs", "it belongs to user 12345", at)


def test_a_folder_inside_of_the_mount(tmp_path):
    at = tmp_path / "at"
    at.mkdir()
    (tmp_path / "link").symlink_to(at)
    for inside in (at, at / "cache", at / "a" / "b", tmp_path / "link" / "x"):
        mount_fails(TEXT.path, f"--cache-dir={inside}", code=2, at=at, contains=["the mount at", "would cover it"])
    assert os.listdir(at) == []
    with mounted(TEXT.path, f"--cache-dir={tmp_path}/at-cache", at=at):
        pass


def test_the_mount_may_hide_the_folder_by_its_parent(tmp_path):
    """The folder is opened before the mount."""
    (tmp_path / "at").mkdir()
    with mounted(TEXT.path, f"--cache-dir={tmp_path}/cache", at=tmp_path / "at"):
        assert sorted(os.listdir(tmp_path / "cache" / "arecfs-1")) == ["key", "lock", "names"]
    assert oct((tmp_path / "cache").stat().st_mode & 0o777) == "0o700"


def test_the_usual_folder(monkeypatch, expected):
    """Of another user than root, which has one for all."""
    home = Path(tempfile.mkdtemp(prefix="arec-test-"))
    try:
        os.chown(home, 12345, 12345)
        monkeypatch.setenv("XDG_CACHE_HOME", str(home))
        with FaultServer(TEXT.path.read_bytes()) as server:
            try:
                result = arec("cat", "--cache-dir=default", server.url, user=12345, group=12345, extra_groups=[])
            except PermissionError:
                pytest.skip("no other user may run the program")
            assert (result.code, result.out) == (0, expected), result
        assert (home / "arecfs" / "arecfs-1" / "key").exists()
    finally:
        shutil.rmtree(home)


# ---- secrets ------------------------------------------------------------------------------------


def test_secrets_and_names_stay_out(folder):
    with FaultServer(TEXT.path.read_bytes()) as server:
        succeeds("cat", f"--cache-dir={folder}", server.url + "?SECRETquery")
    found = 0
    for root, folders, files in os.walk(folder):
        for name in folders + files:
            assert "SECRET" not in name and "array_record" not in name
        for name in files:
            content = (Path(root) / name).read_bytes()
            assert (Path(root) / name).stat().st_mode & 0o777 == 0o600
            assert b"SECRET" not in content and b"127.0.0.1" not in content and b"x.array_record" not in content
            found += 1
    assert found >= 4
