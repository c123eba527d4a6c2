"""The life of the server: start, signals, unmounting under load and when idle, users, logs, -o
forms."""

import contextlib
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import golden
import oracle
from mounts import ARECFS, SLOW, mounted, wait_until

TEXT = golden.get("text.groupsize100-brotli6.array_record")
NOBODY = 65534


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A file of 3,000 records in groups of 50, which every user may read."""
    path = oracle.write(tmp_path_factory.mktemp("source") / "s.array_record",
                        oracle.text_records(3000), "group_size:50,zstd:1")
    path.chmod(0o644)
    return path


@contextlib.contextmanager
def readers(mount, count=8):
    """@count threads that read records until the end of the block; yields the errors that they met."""
    names = golden.record_names(3000)
    stop, met = threading.Event(), {"reads": 0, "errors": []}

    def read(seed):
        number = seed * 311
        while not stop.is_set():
            number = (number * 7 + 13) % 3000
            try:
                data = (mount.path / names[number]).read_bytes()
                met["reads"] += 1
                if not data.startswith(f"record {number}\n".encode()):
                    met["errors"].append(f"wrong bytes in {number}")
            except OSError as error:
                met["errors"].append(error)
                stop.wait(0.01)

    threads = [threading.Thread(target=read, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    try:
        assert wait_until(lambda: met["reads"] > 200, 30), "the readers are stuck"
        yield met
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=30 * SLOW)
        alive = [thread for thread in threads if thread.is_alive()]
    assert not alive, f"{len(alive)} readers hang"
    assert not [e for e in met["errors"] if isinstance(e, str)]


# ---- starting ----------------------------------------------------------------------------------


def test_parent_ends_when_the_tree_can_be_read():
    for _ in range(10):
        with mounted(TEXT.path) as mount:
            TEXT.check(699, (mount.path / "699").read_bytes())


def test_daemon_keeps_nothing_of_its_parent(tmp_path):
    with mounted(TEXT.path, cwd=tmp_path) as mount:
        assert os.readlink(f"/proc/{mount.pid}/cwd") == "/"
        for fd in range(3):
            assert os.readlink(f"/proc/{mount.pid}/fd/{fd}") == "/dev/null"
        assert os.getsid(mount.pid) != os.getsid(0)


def test_daemon_keeps_no_pipe_open(tmp_path):
    """`arecfs ... | cat` ends, because the daemon keeps no pipe of its parent."""
    (tmp_path / "mnt").mkdir()
    try:
        result = subprocess.run([ARECFS, str(TEXT.path), str(tmp_path / "mnt")],
                                capture_output=True, text=True, timeout=30 * SLOW)
        assert (result.returncode, result.stdout) == (0, "")
        assert result.stderr == "" or "there is no syslog here" in result.stderr
        TEXT.check(1, (tmp_path / "mnt" / "001").read_bytes())
    finally:
        subprocess.run(["umount", str(tmp_path / "mnt")], check=True, timeout=30)


def test_success_prints_nothing():
    with mounted(TEXT.path) as mount:
        assert mount.stderr() == ""
        assert (mount.log_path.parent / "stdout").read_bytes() == b""


def test_foreground():
    with mounted(TEXT.path, foreground=True) as mount:
        TEXT.check(1, (mount.path / "001").read_bytes())
        assert mount.server_is_running()
        assert mount.umount().returncode == 0
        assert mount.wait_gone() == 0


def test_nothing_is_written_beside_the_source(tmp_path):
    shutil.copy(TEXT.path, tmp_path)
    with mounted(tmp_path) as mount:
        for name in TEXT.names():
            (mount.path / TEXT.name / name).read_bytes()
    assert os.listdir(tmp_path) == [TEXT.name]


# ---- ending ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("foreground", [False, True])
def test_signal_unmounts(number, foreground):
    with mounted(TEXT.path, foreground=foreground) as mount:
        TEXT.check(1, (mount.path / "001").read_bytes())
        mount.kill(number)
        assert mount.wait_gone() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_at_once_after_the_start(number):
    for _ in range(5):
        with mounted(TEXT.path) as mount:
            mount.kill(number)
            assert mount.wait_gone() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_under_load(source, number):
    with mounted(source, "--cache-size=1M") as mount, readers(mount) as met:
        assert met["errors"] == []
        mount.kill(number)
        assert mount.wait_gone() == 0


@pytest.mark.parametrize("command", [["umount"], ["umount", "-l"], ["fusermount3", "-u"],
                                     ["fusermount3", "-u", "-z"]], ids=" ".join)
def test_unmount_under_load(source, command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    with mounted(source, "--cache-size=1M") as mount, readers(mount) as met:
        assert met["errors"] == []
        for _ in range(100):
            result = subprocess.run([*command, str(mount.path)], capture_output=True, text=True,
                                    timeout=30 * SLOW)
            if result.returncode == 0:
                break
            # Without -l or -f an unmount is refused while a process reads; that must not disturb the reader.
            assert command in (["umount"], ["fusermount3", "-u"]), result.stderr
            assert mount.server_is_running() and met["errors"] == []
        else:
            assert mount.umount("-l").returncode == 0
        assert mount.wait_gone() == 0


def test_refused_unmount_changes_nothing(source):
    with mounted(source) as mount:
        with open(mount.path / "0000", "rb") as held:
            assert mount.umount().returncode != 0
            assert held.read().startswith(b"record 0\n")
        assert (mount.path / "2999").read_bytes().startswith(b"record 2999\n")
        assert mount.server_is_running()


def test_lazy_unmount_serves_open_files_to_the_end(source):
    with mounted(source) as mount:
        fd = os.open(mount.path / "2900", os.O_RDONLY)
        assert mount.umount("-l").returncode == 0
        assert not mount.is_mounted()
        assert os.pread(fd, 12, 0) == b"record 2900\n"
        assert mount.server_is_running()
        os.close(fd)
        assert mount.wait_gone() == 0


# ---- idle --------------------------------------------------------------------------------------


def idle_ends(mount, seconds):
    assert wait_until(lambda: not mount.is_mounted(), seconds), "it did not unmount itself"
    assert mount.wait_gone() == 0


@pytest.mark.parametrize("options", [["--idle-unmount=1"], ["--idle-unmount", "1"],
                                     ["-o", "idle-unmount=1"]], ids=" ".join)
def test_idle_mount_ends(source, options):
    with mounted(source, *options) as mount:
        (mount.path / "0000").read_bytes()
        idle_ends(mount, 12)


def test_idle_mount_lives_for_its_time(source):
    with mounted(source, "--idle-unmount=4") as mount:
        time.sleep(2.5)
        assert mount.is_mounted() and mount.server_is_running()
        (mount.path / "0000").read_bytes()
        time.sleep(2.5)
        assert mount.is_mounted() and mount.server_is_running(), "use did not prolong its time"
        idle_ends(mount, 20)


def test_idle_mount_keeps_open_files(source):
    with mounted(source, "--idle-unmount=1") as mount:
        with open(mount.path / "1000", "rb") as held:
            time.sleep(5)
            assert mount.is_mounted()
            assert held.read().startswith(b"record 1000\n")
            time.sleep(3)
            held.seek(0)
            assert held.read(7) == b"record "
        idle_ends(mount, 12)


def test_idle_mount_keeps_an_open_directory(source):
    with mounted(source, "--idle-unmount=1") as mount:
        fd = os.open(mount.path, os.O_RDONLY | os.O_DIRECTORY)
        time.sleep(4)
        assert mount.is_mounted() and len(os.listdir(fd)) == 3000
        os.close(fd)
        idle_ends(mount, 12)


def test_idle_mount_keeps_a_working_directory(source):
    with mounted(source, "--idle-unmount=1") as mount:
        child = subprocess.Popen([sys.executable, "-c", "input(); print(len(open('7').read()))"],
                                 cwd=mount.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        time.sleep(5)
        assert mount.is_mounted()
        out, _ = child.communicate(b"\n", timeout=30 * SLOW)
        assert child.returncode == 0 and int(out) > 0
        idle_ends(mount, 12)


def test_idle_mount_keeps_a_reader_of_the_page_cache(source):
    with mounted(source, "--idle-unmount=1") as mount:
        names = ["0100", "0101", "0102"]
        content = [(mount.path / name).read_bytes() for name in names]
        end = time.monotonic() + 6
        while time.monotonic() < end:
            for name, expected in zip(names, content):
                assert (mount.path / name).read_bytes() == expected
            time.sleep(0.1)
        assert mount.server_is_running()
        idle_ends(mount, 12)


def test_idle_mount_keeps_a_mapped_file(source):
    with mounted(source, "--idle-unmount=1") as mount:
        with open(mount.path / "2000", "rb") as file:
            memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        time.sleep(4)
        assert mount.is_mounted()
        assert memory[:12] == b"record 2000\n"
        memory.close()
        idle_ends(mount, 12)


# ---- users -------------------------------------------------------------------------------------


def as_other_user(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, user=NOBODY,
                          group=NOBODY, extra_groups=[], timeout=30 * SLOW, cwd="/",
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C"})


def test_another_user_is_kept_out(source):
    with mounted(source) as mount:
        result = as_other_user("cat", mount.path / "0000")
        assert result.returncode != 0 and b"Permission denied" in result.stderr
        assert as_other_user("ls", mount.path).returncode != 0
        info = mount.info()
        assert "allow_other" not in info["super"] and "default_permissions" not in info["super"]


@pytest.mark.parametrize("options", [("-o", "allow_other"), ("-o", "ro,allow_other"),
                                     ("-o", "allow_other,default_permissions")])
def test_allow_other_keeps_permissions(tmp_path, source, options):
    private = tmp_path / "private.array_record"
    shutil.copy(source, private)
    private.chmod(0o600)
    with mounted(source, *options) as mount:
        result = as_other_user("cat", mount.path / "0000")
        assert (result.returncode, result.stderr) == (0, b"")
        assert result.stdout == (mount.path / "0000").read_bytes()
        assert as_other_user("ls", "-l", mount.path).stdout.count(b"\n") == 3001
        assert {"allow_other", "default_permissions"} <= set(mount.info()["super"])
        assert as_other_user("touch", mount.path / "0000").returncode != 0
    with mounted([source, private], *options) as mount:
        record = mount.path / "private.array_record" / "0000"
        result = as_other_user("cat", record)
        assert result.returncode != 0 and b"Permission denied" in result.stderr
        assert record.read_bytes().startswith(b"record 0\n")
    with mounted(private, *options, "-o", f"uid={NOBODY}") as mount:
        assert as_other_user("cat", mount.path / "0000").returncode == 0
    with mounted(source, *options, "-o", "umask=077") as mount:
        result = as_other_user("cat", mount.path / "0000")
        assert result.returncode != 0 and b"Permission denied" in result.stderr


# ---- logs --------------------------------------------------------------------------------------


def test_log_file_records_mount_and_unmount():
    with mounted(TEXT.path, "--log-level=info") as mount:
        assert mount.log_lines(str(mount.path)), mount.log()
        before = mount.log()
        assert mount.umount().returncode == 0
        mount.wait_gone()
        assert mount.log().startswith(before) and len(mount.log()) > len(before)
        for line in mount.log().splitlines():
            assert line.isprintable() and len(line) < 1000


def test_log_file_is_appended_to(tmp_path):
    log = tmp_path / "log"
    log.write_text("there before\n")
    with mounted(TEXT.path, f"--log-file={log}", "--log-level=info", log=False):
        pass
    assert log.read_text().startswith("there before\n")
    assert len(log.read_text().splitlines()) > 1


def test_relative_log_file(tmp_path):
    with mounted(TEXT.path, "--log-file=relative.log", log=False, cwd=tmp_path):
        pass
    assert (tmp_path / "relative.log").exists()


def test_debug_logs_requests_in_readable_lines():
    with mounted(TEXT.path, "-d") as mount:
        assert mount.pid == mount._process.pid, "-d implies -f"
        os.listdir(mount.path)
        TEXT.check(42, (mount.path / "042").read_bytes())
        with pytest.raises(FileNotFoundError):
            os.stat(mount.path / "absent-name")
        with pytest.raises(OSError):
            os.getxattr(mount.path / "042", "user.nope")
        assert mount.umount().returncode == 0
        mount.wait_gone()
        text = mount.stderr() + mount.log()
    for word in ("lookup", "readdir", "read", "getxattr", "absent-name", "user.nope", "042"):
        assert re.search(word, text, re.IGNORECASE), word
    for line in text.splitlines():
        assert line.isprintable() and len(line) < 1000, line


def test_no_debug_lines_without_debug():
    with mounted(TEXT.path, foreground=True) as mount:
        os.listdir(mount.path)
        (mount.path / "042").read_bytes()
        assert "lookup" not in (mount.stderr() + mount.log()).lower()


# ---- options -----------------------------------------------------------------------------------


def test_options_of_fstab(source):
    with mounted(source, "-o", "ro,allow_other,cache-size=64M,names=plain") as mount:
        assert sorted(os.listdir(mount.path), key=int) == [str(i) for i in range(3000)]
        assert mount.stats()["engine"]["cache_budget"] == 64 << 20
        assert "allow_other" in mount.info()["super"]


def test_options_after_the_mount_point_as_mount_passes_them(source):
    """mount(8) calls a helper as `arecfs SOURCE MOUNTPOINT -o OPTIONS`."""
    private = Path(source).parent / "mnt-after"
    private.mkdir()
    try:
        subprocess.run([ARECFS, source, private, "-o", "ro,nosuid,nodev,noatime,suffix=.txt"],
                       check=True, timeout=30 * SLOW)
        assert (private / "0007.txt").read_bytes().startswith(b"record 7\n")
    finally:
        subprocess.run(["umount", private], check=True, timeout=30)
        private.rmdir()


@pytest.mark.skipif(shutil.which("mount.fuse3") is None, reason="mount.fuse3 is not installed")
def test_mount_8(source, tmp_path):
    (tmp_path / "mnt").mkdir()
    # The helper takes the program's path before the source, so nothing has to be installed.
    subprocess.run(["mount", "-t", "fuse", "-o", "ro,names=plain,nofail,_netdev",
                    f"{ARECFS}#{source}", tmp_path / "mnt"], check=True, timeout=30 * SLOW)
    try:
        assert (tmp_path / "mnt" / "2999").read_bytes().startswith(b"record 2999\n")
        assert "2999" in os.listdir(tmp_path / "mnt") and "0" in os.listdir(tmp_path / "mnt")
    finally:
        subprocess.run(["umount", tmp_path / "mnt"], check=True, timeout=30)


@pytest.mark.parametrize("text, size", [("33554432", 32 << 20), ("40M", 40 << 20),
                                        ("40MB", 40 << 20), ("40MiB", 40 << 20), ("40m", 40 << 20),
                                        ("1G", 1 << 30), ("49152K", 48 << 20), ("1GiB", 1 << 30)])
@pytest.mark.parametrize("form", ["=", " ", "-o"])
def test_cache_size(text, size, form):
    options = {"=": [f"--cache-size={text}"], " ": ["--cache-size", text],
               "-o": ["-o", f"cache-size={text}"]}[form]
    with mounted(TEXT.path, *options) as mount:
        assert mount.stats()["engine"]["cache_budget"] == size


@pytest.mark.parametrize("options", [
    ["--readahead-buffer-size=16MB"], ["--readahead-buffer-size=0"], ["--max-parallelism=auto"],
    ["--max-parallelism=0"], ["--max-parallelism=3"], ["--index-storage-option=in_memory"],
    ["--reader-options=readahead_buffer_size:16MB,max_parallelism:auto"],
    ["--reader-options=readahead_buffer_size:0,max_parallelism:0"], ["--reader-options="],
    ["--no-push"], ["--kind=array_record"], ["--cache-size=auto"], ["--log-level=debug"],
    ["-o", "fsname=mine"], ["-o", "max-parallelism=2,no-push"], ["--pattern=*.x"],
    ["-o", "noatime,nosuid,nodev,noexec"], ["-o", "ro,dev,suid"], ["--merge"]], ids=" ".join)
def test_options_that_change_no_byte(options):
    with mounted(TEXT.path, *options) as mount:
        assert sorted(os.listdir(mount.path)) == TEXT.names()
        for number in (0, 99, 100, 350, 699):
            TEXT.check(number, (mount.path / TEXT.names()[number]).read_bytes())


def test_fsname(tmp_path):
    with mounted(TEXT.path, "-o", "fsname=my-records") as mount:
        assert mount.info()["source"] == "my-records"
    with mounted(TEXT.path) as mount:
        assert mount.info()["source"]
        assert mount.info()["type"] == "fuse.arecfs"
