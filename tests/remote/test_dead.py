"""A server that says nothing any more, beneath a mount: it delays its own readers, and nobody else."""

import os
import signal
import subprocess
import time

import golden
from fault_server import FaultServer
from mounts import SLOW, mounted, wait_until

TEXT = golden.get("text.groupsize1-uncompressed.array_record")
LOCAL = golden.get("text.default.array_record")
PLAIN = {"http_proxy": "", "https_proxy": "", "all_proxy": "", "no_proxy": ""}
N_READERS = 24
# Far below the minute in which a range must have come, far above what anything else takes.
SOON = 15 * SLOW


def check_others(mount):
    """Records of another source, listings, and what the server counts."""
    local = mount.path / LOCAL.name
    names = sorted(os.listdir(local))
    for i in (0, LOCAL.n_records - 1):
        LOCAL.check(i, (local / names[i]).read_bytes())
    assert [os.stat(local / name).st_size for name in names] == list(LOCAL.sizes)
    assert mount.stats()["requests"]["read"] >= 0
    assert len(os.listdir(mount.path / "x.array_record")) == TEXT.n_records


def test_other_sources_go_on():
    with FaultServer(TEXT.path.read_bytes(), "silent-later:2") as server:
        with mounted([LOCAL.path, server.url], environment=PLAIN) as mount:
            remote = mount.path / "x.array_record"
            names = sorted(os.listdir(remote))
            readers = [subprocess.Popen(["cat", remote / names[i % 8]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                       for i in range(N_READERS)]
            try:
                assert wait_until(lambda: len(server.log) >= 3, SOON), server.log
                before = time.monotonic()
                check_others(mount)
                assert all(reader.poll() is None for reader in readers)
                for reader in readers[:8]:
                    reader.send_signal(signal.SIGKILL)
                for reader in readers[:8]:
                    reader.wait(SOON)
                mount.kill(signal.SIGTERM)
                for reader in readers[8:]:
                    assert reader.wait(SOON) != 0
                mount.wait_gone(SOON)
                assert time.monotonic() - before < 2 * SOON
            finally:
                for reader in readers:
                    reader.kill()
                    reader.communicate()


def test_killed_server_of_fuse_leaves_no_reader():
    """The watcher aborts the connection."""
    with FaultServer(TEXT.path.read_bytes(), "silent-later:2") as server:
        with mounted(server.url, environment=PLAIN) as mount:
            name = sorted(os.listdir(mount.path))[0]
            reader = subprocess.Popen(["cat", mount.path / name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                assert wait_until(lambda: len(server.log) >= 2, SOON), server.log
                mount.expected_status = -signal.SIGKILL
                mount.kill(signal.SIGKILL)
                assert reader.wait(SOON) != 0
            finally:
                reader.kill()
                reader.communicate()
