"""Only our own mount is unmounted: when idle, by signals, at the end, by `arecfs -u`; and a server ends with the
command that started it."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import golden
import users
from failing_device import FailingDevice
from mounts import ARECFS, SLOW, _environment, marked_processes, mountinfo, mounted, wait_until

TEXT = golden.get("text.groupsize100-brotli6.array_record")


@contextlib.contextmanager
def tmpfs(path):
    """Another program's tmpfs on @path, which must not be unmounted during the block."""
    path = Path(path)
    subprocess.run(["mount", "-t", "tmpfs", "other", path], check=True, timeout=30)
    try:
        (path / "data").write_text("precious")
        yield
        assert (path / "data").read_text() == "precious"
    finally:
        subprocess.run(["umount", path], check=True, timeout=30)


def unmount(*paths):
    """`arecfs -u`: (exit code, stdout, stderr)."""
    result = subprocess.run([ARECFS, "-u", *paths], capture_output=True, text=True, timeout=60 * SLOW, cwd="/")
    return result.returncode, result.stdout, result.stderr


def logged(mount, *words, times=1):
    return wait_until(lambda: len(mount.log_lines(*words)) >= times, 60)


def mounts_on(path):
    with open("/proc/self/mountinfo") as lines:
        return sum(line.split()[4] == str(path) for line in lines)


# ---- when idle ---------------------------------------------------------------------------------


def test_idle_mount_waits_beneath_another(tmp_path):
    with mounted(TEXT.path, "--idle-unmount=1") as mount:
        with tmpfs(mount.path):
            assert logged(mount, "something else is mounted over it"), mount.log()
            time.sleep(3)  # three more checks
            assert mounts_on(mount.path) == 2
        assert mount.wait_gone() == 0
        assert len(mount.log_lines("something else is mounted over it")) == 1, mount.log()


def test_detached_idle_mount_spares_a_later_mount(tmp_path):
    with mounted(TEXT.path, "--idle-unmount=1") as mount:
        fd = os.open(mount.path / "0", os.O_RDONLY)
        assert mount.umount("-l").returncode == 0
        with tmpfs(mount.path):
            assert logged(mount, "not mounted any more"), mount.log()
            time.sleep(2)
            TEXT.check(0, os.pread(fd, 1 << 20, 0))
            os.close(fd)
            assert wait_until(lambda: not mount.server_is_running(), 60)
        assert mount.exit_status == 0


def test_idle_mount_whose_place_was_renamed(tmp_path):
    (tmp_path / "a" / "mnt").mkdir(parents=True)
    with mounted(TEXT.path, "--idle-unmount=1", at=tmp_path / "a" / "mnt") as mount:
        (tmp_path / "a").rename(tmp_path / "b")
        (tmp_path / "a" / "mnt").mkdir(parents=True)
        with tmpfs(tmp_path / "a" / "mnt"):
            assert wait_until(lambda: mounts_on(tmp_path / "b" / "mnt") == 0, 60)
            assert wait_until(lambda: not mount.server_is_running(), 60)


# ---- by a signal -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_spares_a_mount_over_ours(number):
    with mounted(TEXT.path) as mount:
        with tmpfs(mount.path):
            mount.kill(number)
            assert wait_until(lambda: not mount.server_is_running(), 60)
            assert mounts_on(mount.path) == 2
            assert len(mount.log_lines(f"'arecfs -u {mount.path}' takes it away")) == 1, mount.log()
        assert mount.exit_status == 0
        with pytest.raises(OSError):  # ours is dead
            os.listdir(mount.path)
        assert unmount(mount.path)[0] == 0
        assert mounts_on(mount.path) == 0


def test_kernel_that_does_not_report_the_number_of_a_mount(tmp_path):
    """Before 5.8 statx () does not report it. Our mount is recognised all the same."""
    environment = {**FailingDevice(tmp_path).environment, "AREC_WITHOUT_MOUNT_IDS": "1"}
    with mounted(TEXT.path, environment=environment) as mount:
        assert mount.log_lines("another mount") == []
        mount.kill(signal.SIGTERM)
        assert mount.wait_gone() == 0


def test_signal_spares_a_mount_over_a_directory_above(tmp_path):
    at = tmp_path / "a" / "mnt"
    at.mkdir(parents=True)
    with mounted(TEXT.path, at=at) as mount:
        with tmpfs(tmp_path / "a"):
            at.mkdir()
            with tmpfs(at):
                mount.kill(signal.SIGTERM)
                assert wait_until(lambda: not mount.server_is_running(), 60)
        assert unmount(at)[0] == 0


def test_signal_spares_a_mount_beneath_ours(tmp_path):
    at = tmp_path / "mnt"
    at.mkdir()
    with tmpfs(at):
        server = subprocess.Popen([ARECFS, "-f", "--no-push", TEXT.path, at], stderr=subprocess.DEVNULL)
        try:
            assert wait_until(lambda: mounts_on(at) == 2, 30)
            fd = os.open(at / "0", os.O_RDONLY)
            subprocess.run(["umount", "-l", at], check=True, timeout=30)
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=30 * SLOW) == 0
            os.close(fd)
            assert mounts_on(at) == 1
        finally:
            server.kill()
            server.wait()


# ---- by arecfs -u ------------------------------------------------------------------------------


def test_unmount_refuses_other_mounts(tmp_path):
    (tmp_path / "file").write_text("")
    for path, word in ((tmp_path, "nothing is mounted"), (tmp_path / "absent", "No such file"),
                       (tmp_path / "file", "nothing is mounted"), ("/proc", "of type proc")):
        code, out, err = unmount(path)
        assert code == 7 and out == "" and word in err and err.count("\n") == 1, err
    with tmpfs(tmp_path):
        code, _, err = unmount(tmp_path)
        assert code == 7 and "of type tmpfs" in err
    with mounted(TEXT.path) as mount:
        code, _, err = unmount(mount.path / "000")
        assert code == 7 and mount.server_is_running()
        with tmpfs(mount.path):
            assert unmount(mount.path)[0] == 7
        assert mount.is_mounted()


def test_unmount_of_several(tmp_path):
    with mounted(TEXT.path) as one, mounted(TEXT.path) as two:
        (tmp_path / "link").symlink_to(two.path)
        code, _, err = unmount(one.path, tmp_path, tmp_path / "link")
        assert code == 7 and err.count("\n") == 1 and str(tmp_path) in err
        assert one.wait_gone() == 0 and two.wait_gone() == 0


def test_unmount_of_a_mount_in_use():
    with mounted(TEXT.path) as mount:
        with open(mount.path / "0", "rb"):
            code, _, err = unmount(mount.path)
            assert code == 1 and "busy" in err and err.count("\n") == 1, err
            assert mount.is_mounted()


def kill_and_unmount(at):
    with mounted(TEXT.path, "--no-push", at=at) as mount:
        mount.expected_status = -signal.SIGKILL
        mount.kill(signal.SIGKILL)
        assert wait_until(lambda: not mount.server_is_running(), 60)
        assert unmount(at) == (0, "", "")


def test_mount_point_that_a_killed_server_has_made_is_removed(tmp_path):
    try:
        os.setxattr(tmp_path, "user.arecfs.test", b"1")
    except OSError:
        pytest.skip("this filesystem has no user attributes: the directory stays")
    kill_and_unmount(tmp_path / "made")
    assert os.listdir(tmp_path) == []
    (tmp_path / "there").mkdir()
    kill_and_unmount(tmp_path / "there")
    # A copy of a directory that a server made belongs to no server.
    os.setxattr(tmp_path / "there", "user.arecfs.made", b"%d" % (tmp_path.stat().st_ino))
    kill_and_unmount(tmp_path / "there")
    assert os.listdir(tmp_path) == ["there"]


def test_dead_mount_is_named_and_unmounted():
    with mounted(TEXT.path, "--no-push") as mount:
        mount.expected_status = -signal.SIGKILL
        mount.kill(signal.SIGKILL)
        assert wait_until(lambda: not mount.server_is_running(), 60)
        result = subprocess.run([ARECFS, TEXT.path, mount.path], capture_output=True, text=True, timeout=60)
        assert result.returncode == 7 and f"'arecfs -u {mount.path}' takes it away" in result.stderr
        assert unmount(mount.path)[0] == 0
        assert not mount.is_mounted()


# ---- a start that is interrupted -----------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_interrupted_start_leaves_nothing(tmp_path, number):
    """The command ends while its child waits for a slow source."""
    at = tmp_path / "mnt"  # does not exist
    source = Path(shutil.copy(TEXT.path, tmp_path / "s.array_record"))
    device = FailingDevice(tmp_path)
    marker = f"interrupted-{os.getpid()}-{number}"
    env = _environment(marker, tmp_path, device.environment)
    with device.fails(source, "pause"):
        process = subprocess.Popen([ARECFS, source, at], env=env, stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, start_new_session=True)
        try:
            assert wait_until(lambda: device.hits("pause") > 0, 30), "nothing is read"
            process.send_signal(number)
            assert process.wait(timeout=30 * SLOW) == -number
            assert process.stderr.read() == b""  # ends, as no process holds it
            assert wait_until(lambda: not marked_processes(marker), 60), "a process is left"
        finally:
            process.kill()
            for pid in marked_processes(marker):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    assert mountinfo(at) is None and not at.exists()


# ---- the watcher -------------------------------------------------------------------------------


def children(pid):
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_watcher_has_a_name_of_its_own():
    with mounted(TEXT.path) as mount:
        for child in children(mount.pid):
            assert Path(f"/proc/{child}/comm").read_text() == "arec-watcher\n"
            assert Path(f"/proc/{child}/cmdline").read_bytes().rstrip(b"\0") == b"arec-watcher"
        assert mount.path.name.encode() in Path(f"/proc/{mount.pid}/cmdline").read_bytes()


def test_watcher_that_could_do_nothing_is_not_started(tmp_path):
    """The user may mount arecfs, but has no fusectl and no right to mount it."""
    with users.user() as user:
        source, at = user.folder / "s.array_record", user.folder / "mnt"
        shutil.copy(TEXT.path, source)
        subprocess.run(["sh", "-c", "while umount /sys/fs/fuse/connections 2>/dev/null; do :; done"], check=True)
        assert user.arecfs(source, at, "--log-level=warning").returncode == 0
        servers = user.servers()
        assert len(servers) == 1 and children(servers[0]) == []
        assert user.run("fusermount3", "-u", at).returncode == 0


# ---- users -------------------------------------------------------------------------------------


def test_user_mounts_and_unmounts():
    with users.user() as user:
        source, at = user.folder / "s.array_record", user.folder / "mnt"
        shutil.copy(TEXT.path, source)
        assert user.arecfs(source, at).returncode == 0  # and makes the mount point
        assert mountinfo(at)["type"] == "fuse.arecfs"
        busy = subprocess.Popen(["sh", "-c", 'cd "$0" && echo && exec sleep 60', at], user=users.NOBODY, group=users.NOBODY,
                                stdout=subprocess.PIPE)
        busy.stdout.readline()
        refused = user.arecfs("-u", at)
        assert refused.returncode == 1 and "busy" in refused.stderr and refused.stderr.count("\n") == 1
        busy.kill()
        busy.communicate()
        assert user.arecfs("-u", at).returncode == 0
        assert wait_until(lambda: not at.exists(), 60), "the mount point is left"
        assert user.arecfs("-u", at).returncode == 7


def test_signal_of_a_user_ends_the_server():
    with users.user() as user:
        source, at = user.folder / "s.array_record", user.folder / "mnt"
        shutil.copy(TEXT.path, source)
        assert user.arecfs(source, at, "--no-push").returncode == 0
        os.kill(user.servers()[0], signal.SIGTERM)
        assert wait_until(lambda: mountinfo(at) is None and not user.servers() and not at.exists(), 60)


def test_idle_mount_of_a_user_ends():
    with users.user() as user:
        source, at = user.folder / "s.array_record", user.folder / "mnt"
        shutil.copy(TEXT.path, source)
        assert user.arecfs("--idle-unmount=1", source, at).returncode == 0
        assert user.run("cat", at / "000").returncode == 0
        assert wait_until(lambda: mountinfo(at) is None and not user.servers(), 60)


READER = """
import sys, time
end = time.monotonic() + 6
path = sys.argv[1]
whole = open(path, "rb").read()
while time.monotonic() < end:
    assert open(path, "rb").read() == whole
    time.sleep(0.1)
"""


@pytest.mark.parametrize("tree", [False, True])
def test_idle_mount_of_a_user_keeps_a_reader_of_the_page_cache(tree):
    with users.user() as user:
        folder, at = user.folder / "d", user.folder / "mnt"
        (folder / "sub").mkdir(parents=True)
        source = Path(shutil.copy(TEXT.path, folder / "sub" / "s.array_record"))
        assert user.arecfs("--idle-unmount=1", folder if tree else source, at).returncode == 0
        record = at / "sub" / "s.array_record" / "007" if tree else at / "007"
        result = user.run("python3", "-c", READER, record)
        assert result.returncode == 0, result.stderr
        assert wait_until(lambda: mountinfo(at) is None and not user.servers(), 60)


@pytest.mark.parametrize("how", ["open", "cwd"])
def test_idle_mount_of_a_user_keeps_open_files(how):
    script = {"open": "f = open(sys.argv[1] + '/007', 'rb'); time.sleep(5); assert len(f.read()) > 0",
              "cwd": "os.chdir(sys.argv[1]); time.sleep(5); assert len(open('7', 'rb').read()) > 0"}[how]
    with users.user() as user:
        source, at = user.folder / "s.array_record", user.folder / "mnt"
        shutil.copy(TEXT.path, source)
        assert user.arecfs("--idle-unmount=1", source, at).returncode == 0
        result = user.run("python3", "-c", f"import os, sys, time; {script}", at)
        assert result.returncode == 0, result.stderr
        assert wait_until(lambda: mountinfo(at) is None and not user.servers(), 60)


def test_idle_mount_of_a_user_spares_a_mount_over_it():
    with users.user() as user:
        source, at = user.folder / "s.array_record", user.folder / "mnt"
        shutil.copy(TEXT.path, source)
        log = user.folder / "log"
        assert user.arecfs("--idle-unmount=1", f"--log-file={log}", source, at).returncode == 0
        with tmpfs(at):
            assert wait_until(lambda: "something else is mounted over it" in log.read_text(), 60)
            time.sleep(2)
            assert mounts_on(at) == 2
        assert wait_until(lambda: mountinfo(at) is None and not user.servers(), 60)
