"""Mounts of URLs."""

import errno
import os

import pytest

import golden
from fault_server import FaultServer
from mounts import mount_fails, mounted
from nginx import nginx
from undisturbed import undisturbed

TEXT = golden.get("text.groupsize1-uncompressed.array_record")
PLAIN = {"http_proxy": "", "https_proxy": "", "all_proxy": "", "no_proxy": ""}
QUICK = {**PLAIN, "AREC_REQUEST_DEADLINE": "2"}


def threads_of(pid):
    return [open(f"/proc/{pid}/task/{task}/comm").read().strip() for task in os.listdir(f"/proc/{pid}/task")]


def has_libcurl(pid):
    with open(f"/proc/{pid}/maps") as maps:
        return any("libcurl" in line for line in maps)


@undisturbed
def test_records_and_attributes():
    with FaultServer(TEXT.path.read_bytes()) as server:
        with mounted(server.url + "?SECRETquery", environment=PLAIN) as mount:
            assert server.ranges == ["-131072"]  # the mount and its first stat
            names = sorted(os.listdir(mount.path))
            assert len(names) == TEXT.n_records
            for i in (0, 7, TEXT.n_records - 1):
                TEXT.check(i, (mount.path / names[i]).read_bytes())
            st = os.stat(mount.path / names[0])
            assert (st.st_mtime, st.st_mode & 0o777, st.st_uid, st.st_size) == (784111777, 0o444, os.getuid(), TEXT.sizes[0])
            assert os.stat(mount.path).st_mtime == 784111777
            assert os.getxattr(mount.path, "user.arec.source").decode() == server.url
            assert os.getxattr(mount.path, "user.arec.etag").decode() == server.etag
            with open("/proc/self/mounts") as mounts:
                lines = [line.split() for line in mounts if line.split()[1] == str(mount.path)]
            assert [line[0] for line in lines] == [server.url]
            assert "SECRET" not in mount.log()


def test_all_records_by_tls(monkeypatch):
    g = golden.get("text.default.array_record")
    with nginx(golden.DIRECTORY) as server:
        with mounted(server.url(g.name, "https"), environment={**PLAIN, "CURL_CA_BUNDLE": str(server.ca)}) as mount:
            for i, name in enumerate(sorted(os.listdir(mount.path))):
                g.check(i, (mount.path / name).read_bytes())


def test_a_local_mount_loads_and_starts_nothing():
    with mounted(TEXT.path) as mount:
        names = sorted(os.listdir(mount.path))
        (mount.path / names[0]).read_bytes()
        assert not has_libcurl(mount.pid)
        assert "arec-http" not in threads_of(mount.pid)
    with FaultServer(TEXT.path.read_bytes()) as server, mounted(server.url, environment=PLAIN) as mount:
        (mount.path / names[0]).read_bytes()
        assert has_libcurl(mount.pid)
        assert threads_of(mount.pid).count("arec-http") == 1


@pytest.mark.parametrize("fault, error", [
    ("changes:2", "ESTALE"), ("later-404:2", "ESTALE"), ("later-500:2", "EIO"), ("later-403:2", "EIO"),
    ("bare-grows:2", "ESTALE"), ("whole-later:2", "EIO")])
def test_errors_of_reads(fault, error):
    with FaultServer(TEXT.path.read_bytes(), fault) as server, mounted(server.url, environment=QUICK) as mount:
        with pytest.raises(OSError) as caught:
            (mount.path / sorted(os.listdir(mount.path))[0]).read_bytes()
        assert caught.value.errno == getattr(errno, error)


def test_etags_of_directories():
    """A local file has none, a merged root has those of all."""
    with FaultServer(TEXT.path.read_bytes()) as server:
        with mounted([server.url, TEXT.path], environment=PLAIN) as mount:
            with pytest.raises(OSError) as caught:
                os.getxattr(mount.path / TEXT.name, "user.arec.etag")
            assert caught.value.errno == errno.ENODATA
        with mounted([server.url, TEXT.path], "--merge", environment=PLAIN) as mount:
            assert os.getxattr(mount.path, "user.arec.etag").decode() == f"{server.etag}\n"
    with mounted([TEXT.path, TEXT.path], "--merge") as mount, pytest.raises(OSError) as caught:
        os.getxattr(mount.path, "user.arec.etag")
    assert caught.value.errno == errno.ENODATA


def test_one_warning_of_an_object_without_a_validator():
    with FaultServer(TEXT.path.read_bytes(), "bare") as server, mounted(server.url, environment=PLAIN) as mount:
        (mount.path / sorted(os.listdir(mount.path))[0]).read_bytes()
        assert len(mount.log_lines(server.url, "neither an ETag nor a time")) == 1


def test_failures_of_mounts(tmp_path):
    with FaultServer(TEXT.path.read_bytes(), "status-404:9") as server:
        mount_fails(server.url + "?SECRETquery", code=3, at=tmp_path, contains=[f"arecfs: {server.url}: HTTP 404"])


def test_a_reader_of_a_dead_server_gets_eio():
    """And the mount can be unmounted afterwards."""
    with FaultServer(TEXT.path.read_bytes()) as server:
        with mounted(server.url, environment=QUICK) as mount:
            path = mount.path / sorted(os.listdir(mount.path))[0]
            server.n, server.fault = 999, "no-answer"
            with pytest.raises(OSError) as caught:
                path.read_bytes()
            assert caught.value.errno == errno.EIO
