"""A directory that every user may enter, files and links that tests put into it, and which users may read what."""

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import golden
from mounts import SLOW

TINY = golden.get("tiny.groupsize7-zstd1.array_record")
GROUP, USER, STRANGER = 4701, 4702, 4703
ALLOW = ("-o", "allow_other")


@contextlib.contextmanager
def open_tree():
    """A directory with one good file, a.array_record, in a folder where a test may put other things."""
    folder = Path(tempfile.mkdtemp(prefix="arecfs-open-"))
    try:
        folder.chmod(0o755)
        (folder / "d").mkdir()
        put(folder / "d" / "a.array_record")
        yield folder / "d"
    finally:
        shutil.rmtree(folder)


def put(path, mode=0o644, uid=0, gid=0):
    """A copy of TINY."""
    shutil.copy(TINY.path, path)
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def plant(path, target, uid=STRANGER):
    """A symbolic link that belongs to @uid."""
    os.symlink(target, path)
    os.lchown(path, uid, uid)


def reads(path, uid=USER, gid=STRANGER):
    """Whether a process of @uid and @gid, in no other group, can read @path, a file or a directory."""
    command = ["ls", "-U"] if path.is_dir() else ["cat"]
    done = subprocess.run([*command, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, user=uid, group=gid,
                          extra_groups=[], timeout=30 * SLOW, cwd="/", env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
    assert done.returncode == 0 or any(why in done.stderr for why in (b"Permission denied", b"Input/output error")), done.stderr
    return done.returncode == 0


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)
