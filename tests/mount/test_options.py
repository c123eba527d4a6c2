"""Options as written in fstab, systemd units, containers and other launchers; mount points; permissions of records."""

import ctypes
import errno
import os
import shutil
import signal
import stat
import subprocess

import pytest

import golden
import oracle
import users
from mounts import ARECFS, SLOW, mount_fails, mounted, mountinfo, run_arecfs, wait_until
from test_counts import Costs, shell

TEXT = golden.get("text.groupsize100-brotli6.array_record")
MS_NOSUID, MS_NODEV, MNT_DETACH = 2, 4, 2

_libc = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """A file of 2,000 records in groups of 50."""
    return oracle.write(tmp_path_factory.mktemp("grouped") / "g.array_record",
                        oracle.text_records(2000, maximum=400), "group_size:50,zstd:1")


# ---- fstab -------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", [
    "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "lazytime", "nolazytime",
    "max_read=4096", "max_read=131072", "defaults", "auto", "noauto", "user", "user=alice", "nofail", "_netdev",
    "x-systemd.automount", "X-mount.mkdir", "nonempty", "cache_size=64M", "readahead_buffer_size=0"])
def test_option_that_mounts(option):
    with mounted(TEXT.path, "-o", option) as mount:
        TEXT.check(42, (mount.path / "042").read_bytes())
        assert mount.stderr() == "" and "ro" in mount.info()["options"]


def test_max_read_bounds_each_request(tmp_path):
    source = oracle.write(tmp_path / "s.array_record", [bytes(range(256)) * 256], "group_size:1,uncompressed")
    with mounted(source, "-o", "max_read=8192", "--no-push") as mount:
        assert (mount.path / "0").read_bytes() == bytes(range(256)) * 256
        assert mount.stats()["requests"]["read"] >= 8


@pytest.mark.parametrize("options", [["-o", "rw"], ["-o", "rw,noatime"], ["-o", "ro", "-o", "rw"]], ids=" ".join)
def test_rw_is_read_only_with_one_note(options):
    with mounted(TEXT.path, *options, "--no-push") as mount:
        assert "ro" in mount.info()["options"] and "ro" in mount.info()["super"]
        with pytest.raises(OSError) as caught:
            os.mkdir(mount.path / "d")
        assert caught.value.errno == errno.EROFS
        assert len(mount.log_lines("is mounted read-only")) == 1, mount.log()
    with mounted(TEXT.path, "-o", "rw,ro") as mount:
        assert mount.log_lines("is mounted read-only") == []


def test_by_mount_8_as_fstab_has_it(tmp_path):
    """mount (8) gives its helper `rw` unless `ro` was written."""
    if shutil.which("mount.fuse3") is None:
        pytest.skip("mount.fuse3 is not installed")
    for name in ("bin", "mnt"):
        (tmp_path / name).mkdir()
    shutil.copy(ARECFS, tmp_path / "bin" / "arecfs")
    subprocess.run(["mount", "--bind", tmp_path / "bin", "/usr/local/sbin"], check=True, timeout=30)
    try:
        subprocess.run(["mount", "-t", "fuse.arecfs", "-o", "defaults,nofail,x-systemd.automount,relatime",
                        TEXT.path, tmp_path / "mnt"], check=True, timeout=60 * SLOW, stderr=subprocess.DEVNULL)
        TEXT.check(7, (tmp_path / "mnt" / "007").read_bytes())
        result = subprocess.run(["mount", "-o", "remount,ro", tmp_path / "mnt"], timeout=60 * SLOW,
                                capture_output=True, text=True)
        assert result.returncode == 0 and "stay as they are" in result.stderr, result
        TEXT.check(8, (tmp_path / "mnt" / "008").read_bytes())
        subprocess.run(["umount", tmp_path / "mnt"], check=True, timeout=30)
    finally:
        subprocess.run(["umount", "-l", tmp_path / "mnt"], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["umount", "-l", "/usr/local/sbin"], check=True, timeout=30)  # its last server may still end


def test_remount_without_a_mount(tmp_path):
    code, _, err = run_arecfs(TEXT.path, tmp_path, "-o", "remount,ro", cwd="/")
    assert code == 7 and "nothing is mounted" in err


def test_owners_by_name():
    with mounted(TEXT.path, "-o", "uid=daemon,gid=daemon,umask=077,dmask=022") as mount:
        st = os.stat(mount.path / "000")
        assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (1, 1, 0o400)
        st = os.stat(mount.path)
        assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (1, 1, 0o555)
    with mounted(TEXT.path, "-o", "fmask=0137") as mount:
        assert stat.S_IMODE(os.stat(mount.path / "000").st_mode) == 0o440


def test_owner_of_no_such_name(tmp_path):
    mount_fails(TEXT.path, "-o", "uid=no-such-user", code=2, at=tmp_path, contains=["no-such-user"])


# ---- descriptors as sources --------------------------------------------------------------------


@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}", "/dev/fd/{}[5:9]", "/dev/stdin"])
def test_source_that_is_a_descriptor(tmp_path, form):
    """It is shown by its name: its number means nothing to other processes or to a server in the background."""
    at = tmp_path / "mnt"
    with open(TEXT.path, "rb") as file:
        source = form.format(file.fileno())
        done = subprocess.run([ARECFS, source, at], stdin=file, pass_fds=[file.fileno()], capture_output=True, text=True,
                              timeout=60 * SLOW)
    assert done.returncode == 0, done
    try:
        assert os.getxattr(at, "user.arec.source") == os.fsencode(TEXT.path)
        assert mountinfo(at)["source"].startswith(str(TEXT.path))
        first = 5 if "[" in form else 0
        TEXT.check(first, (at / "0").read_bytes())
    finally:
        subprocess.run([ARECFS, "-u", at], check=True, timeout=60 * SLOW)


# ---- the mount point ---------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["umount", "signal", "arecfs -u", "idle"])
def test_mount_point_is_made_and_removed(tmp_path, end):
    at = tmp_path / "made"
    options = ["--idle-unmount=1"] if end == "idle" else []
    with mounted(TEXT.path, *options, at=at) as mount:
        TEXT.check(1, (at / "001").read_bytes())
        if end == "umount":
            assert mount.umount().returncode == 0
        elif end == "signal":
            mount.kill(signal.SIGTERM)
        elif end == "arecfs -u":
            subprocess.run([ARECFS, "-u", at], check=True, timeout=60 * SLOW)
        assert mount.wait_gone() == 0
    assert os.listdir(tmp_path) == []


def test_mount_point_with_a_slash_at_its_end(tmp_path):
    with mounted(TEXT.path, at=f"{tmp_path}/made/"):
        pass
    assert os.listdir(tmp_path) == []


def test_mount_point_that_was_there_stays(tmp_path):
    (tmp_path / "mnt").mkdir()
    with mounted(TEXT.path, at=tmp_path / "mnt"):
        pass
    assert os.listdir(tmp_path) == ["mnt"]


def test_failed_start_makes_no_mount_point(tmp_path):
    mount_fails(tmp_path / "absent.array_record", code=3, at=tmp_path / "mnt")
    mount_fails(TEXT.path, "-o", "context=nonsense", code=2, at=tmp_path / "mnt")
    assert os.listdir(tmp_path) == []
    mount_fails(TEXT.path, code=7, at="/proc/mnt", contains=["cannot be made"])


def test_mount_point_in_use_stays(tmp_path):
    at = tmp_path / "made"
    with mounted(TEXT.path, at=at) as mount:
        subprocess.run(["umount", "-l", at], check=True, timeout=30)
        mount.wait_gone()
    with mounted(TEXT.path, at=at) as mount:
        fd = os.open(at / "000", os.O_RDONLY)  # keeps the server
        subprocess.run(["umount", "-l", at], check=True, timeout=30)
        (at / "mine").write_text("kept")
        os.close(fd)
        assert wait_until(lambda: not mount.server_is_running(), 15)
    assert (at / "mine").read_text() == "kept"


# ---- /dev/fd/N ---------------------------------------------------------------------------------


def fuse_mount(at, options=b""):
    """Opens /dev/fuse and mounts it, as a launcher does. Returns the descriptor."""
    fd = os.open("/dev/fuse", os.O_RDWR)
    data = f"fd={fd},rootmode=40000,user_id={users.NOBODY},group_id={users.NOBODY},allow_other".encode()
    if _libc.mount(b"arecfs", os.fsencode(at), b"fuse.arecfs", MS_NOSUID | MS_NODEV, data + options) != 0:
        number = ctypes.get_errno()
        os.close(fd)
        raise OSError(number, os.strerror(number))
    return fd


def serve_descriptor(user, source, fd, *options):
    return subprocess.run([user.program, *options, source, f"/dev/fd/{fd}"], pass_fds=[fd], user=users.NOBODY,
                          group=users.NOBODY, extra_groups=[], capture_output=True, text=True, timeout=60 * SLOW,
                          env={"PATH": "/nowhere", "AREC_TEST_MOUNT": user._marker}, cwd="/")


def test_descriptor_that_another_process_has_mounted():
    """The server has no privilege, and the mount is not even read-only."""
    with users.user() as user:
        source, at = user.folder / "s.array_record", user.folder / "mnt"
        shutil.copy(TEXT.path, source)
        at.mkdir()
        fd = fuse_mount(at)
        try:
            refused = serve_descriptor(user, source, fd, "-o", "allow_other")
            assert refused.returncode == 2 and "default_permissions" in refused.stderr
            result = serve_descriptor(user, source, fd, "--no-push")
            assert result.returncode == 0
            # Only since 6.16 or so the kernel reports which mount a descriptor belongs to.
            assert result.stderr == "" or "without default_permissions" in result.stderr
            os.close(fd)
            assert sorted(os.listdir(at)) == TEXT.names()
            TEXT.check(42, (at / "042").read_bytes())
            for change in (lambda: os.mkdir(at / "d"), lambda: os.unlink(at / "042"), lambda: os.rmdir(at),
                           lambda: os.truncate(at / "042", 0), lambda: os.utime(at / "042"),
                           lambda: os.rename(at / "042", at / "x"), lambda: os.symlink("x", at / "x"),
                           lambda: os.link(at / "042", at / "x"), lambda: os.setxattr(at / "042", "user.x", b""),
                           lambda: os.removexattr(at / "042", "user.x"), lambda: os.chmod(at / "042", 0o600),
                           lambda: open(at / "new", "xb"), lambda: open(at / "042", "wb")):
                with pytest.raises(OSError) as caught:
                    change()
                assert caught.value.errno in (errno.EROFS, errno.EBUSY), caught.value
            with open(at / "042", "r+b", buffering=0) as record, pytest.raises(OSError) as caught:
                record.write(b"x")
            assert caught.value.errno == errno.EROFS
            TEXT.check(42, (at / "042").read_bytes())
        finally:
            _libc.umount2(os.fsencode(at), MNT_DETACH)
        assert wait_until(lambda: not user.servers(), 15), "the server outlives the mount"
        assert at.exists()


def test_signal_ends_the_server_of_a_descriptor():
    """The mount is another program's, and stays."""
    with users.user() as user:
        source, at = user.folder / "s.array_record", user.folder / "mnt"
        shutil.copy(TEXT.path, source)
        at.mkdir()
        fd = fuse_mount(at)
        try:
            assert serve_descriptor(user, source, fd, "--no-push").returncode == 0
            os.close(fd)
            os.kill(user.servers()[0], signal.SIGTERM)
            assert wait_until(lambda: not user.servers(), 15)
            assert mountinfo(at) is not None
            with pytest.raises(OSError) as caught:
                os.listdir(at)
            assert caught.value.errno == errno.ENOTCONN
        finally:
            _libc.umount2(os.fsencode(at), MNT_DETACH)


def test_descriptor_that_is_not_fuse(tmp_path):
    for fd in (os.open("/dev/null", os.O_RDWR), os.open(tmp_path, os.O_RDONLY)):
        result = subprocess.run([ARECFS, TEXT.path, f"/dev/fd/{fd}"], pass_fds=[fd], capture_output=True, text=True,
                                timeout=60 * SLOW)
        assert result.returncode == 7 and f"/dev/fd/{fd}: " in result.stderr, result
        os.close(fd)
    mount_fails(TEXT.path, code=7, at="/dev/fd/99", contains=["/dev/fd/99"])
    fd = os.open("/dev/fuse", os.O_RDWR)  # which is not mounted
    result = subprocess.run([ARECFS, TEXT.path, f"/dev/fd/{fd}"], pass_fds=[fd], capture_output=True, text=True,
                            timeout=60 * SLOW)
    assert result.returncode == 7 and "is not mounted" in result.stderr, result
    os.close(fd)


def test_descriptor_is_not_unmounted_when_idle():
    fd = os.open("/dev/fuse", os.O_RDWR)
    result = subprocess.run([ARECFS, "--idle-unmount=1", TEXT.path, f"/dev/fd/{fd}"], pass_fds=[fd],
                            capture_output=True, text=True, timeout=60 * SLOW)
    os.close(fd)
    assert result.returncode == 2 and "idle-unmount" in result.stderr, result


# ---- rights that are missing ---------------------------------------------------------------------


def test_root_without_the_right_to_mount(tmp_path):
    """In a container with /dev/fuse and nothing else, the message has fusermount3's reason, and the exit code is 8."""
    if shutil.which("setpriv") is None or shutil.which("fusermount3") is None:
        pytest.skip("setpriv or fusermount3 is not installed")
    prefix = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    mount_fails(TEXT.path, code=8, at=tmp_path, prefix=prefix,
                contains=["Operation not permitted", "CAP_SYS_ADMIN"])


def test_reasons_of_fusermount3_are_in_our_line():
    with users.user() as user:
        source = user.folder / "s.array_record"
        shutil.copy(TEXT.path, source)
        for arguments, code, word in (([source, "/usr"], 7, "no write access"),
                                      (["-o", "allow_other", source, "mnt"], 2, "user_allow_other"),
                                      ([source, "/usr/mnt"], 7, "cannot be made")):
            result = user.arecfs("--no-push", *arguments)
            assert result.returncode == code and word in result.stderr, result
            assert result.stderr.count("\n") == 1 and result.stderr.startswith("arecfs: "), result
        assert not (user.folder / "mnt").exists()


def test_own_user_namespace():
    """Rootless: the user is root in a namespace of their own and may mount there."""
    with users.user() as user:
        shutil.copy(TEXT.path, user.folder / "s.array_record")
        if user.run("unshare", "-rm", "true").returncode != 0:
            pytest.skip("users may make no namespaces")
        result = user.run("unshare", "-rm", "sh", "-c",
                          f"{user.program} --no-push s.array_record mnt && cat mnt/007 && {user.program} -u mnt")
        assert result.returncode == 0, result
        TEXT.check(7, result.stdout.encode())


# ---- permissions and sizes -----------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["-o", "allow_other"]], ids=["alone", "allow_other"])
def test_no_record_is_executable(tmp_path, options):
    source = shutil.copy(TEXT.path, tmp_path / "s.array_record")
    os.chmod(source, 0o755)
    with mounted(source, *options) as mount:
        for name in ("000", "0", ".arecfs/stats.json"):
            assert os.access(mount.path / name, os.F_OK) and os.access(mount.path / name, os.R_OK)
            assert not os.access(mount.path / name, os.X_OK)
            assert not os.access(mount.path / name, os.R_OK | os.X_OK)
            assert not os.access(mount.path / name, os.W_OK)
        for name in ("", ".arecfs"):
            assert os.access(mount.path / name, os.R_OK | os.X_OK) and not os.access(mount.path / name, os.W_OK)
        found = subprocess.run(["find", mount.path, "-type", "f", "-executable"], capture_output=True, timeout=60)
        assert found.stdout == b""


@pytest.mark.parametrize("command", ["ls -l", "find . -type f -size +100c", "grep -rl nothing . || true", "cat * > /dev/null"])
def test_access_costs_nothing_unless_asked_for(grouped, command):
    with mounted(grouped) as mount:
        costs = Costs(mount)
        shell(command, mount)
        requests, _ = costs.spent()
        assert requests["access"] <= 4, requests  # for directories that a process changes into


def test_access_is_one_request(grouped):
    with mounted(grouped) as mount:
        os.listdir(mount.path)
        costs = Costs(mount)
        for number in range(100):
            os.access(mount.path / f"{number:04d}", os.R_OK)
        requests, engine = costs.spent()
        assert requests["access"] == 100 and engine["source_reads"] == 0


def test_size_of_a_slice(grouped):
    sizes = [len(record) for record in oracle.text_records(2000, maximum=400)]
    for begin, end in ((0, 2000), (100, 1000), (0, 50), (1990, 2000)):
        with mounted(f"{grouped}[{begin}:{end}]") as mount:
            st = os.statvfs(mount.path)
            shown, true = st.f_blocks * st.f_frsize, sum(sizes[begin:end])
            if begin % 50 == 0 and end % 50 == 0:
                assert true <= shown < true + st.f_frsize
            else:
                assert true / 3 < shown < 3 * true
            assert end - begin <= st.f_files <= end - begin + 2
