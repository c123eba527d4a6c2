"""arecfs --files-from: sources of a list beside those that were typed."""

import os
from pathlib import Path

import golden
from mounts import mount_fails, mounted

TEXT = golden.get("text.groupsize1-uncompressed.array_record")
ONE = golden.get("text.groupsize100-brotli6.array_record")


def written(tmp_path, text):
    path = tmp_path / "list"
    path.write_bytes(os.fsencode(text))
    return path


def test_sources_of_a_list(tmp_path):
    path = written(tmp_path, f"{TEXT.path}\n\n{ONE.path}[2:4]\r\n")
    for option in (f"--files-from={path}", f"-ofiles-from={path},nodev"):
        with mounted([], option, "--names=plain") as mount:
            assert sorted(os.listdir(mount.path)) == sorted([TEXT.path.name, ONE.path.name])
            TEXT.check(3, (mount.path / TEXT.path.name / "3").read_bytes())
            ONE.check(2, (mount.path / ONE.path.name / "0").read_bytes())
            assert mount.info()["source"] == "arecfs"


def test_one_source_is_flat(tmp_path):
    with mounted([], f"--files-from={written(tmp_path, str(TEXT.path))}", "--profile=random") as mount:
        assert len(os.listdir(mount.path)) == TEXT.n_records
        assert mount.info()["source"] == str(TEXT.path)


def test_after_those_that_were_typed(tmp_path):
    """Merged, the order shows."""
    path = written(tmp_path, f"{ONE.path}\n")
    with mounted([TEXT.path], f"--files-from={path}", "--merge", "--names=plain") as mount:
        TEXT.check(0, (mount.path / "0").read_bytes())
        ONE.check(0, (mount.path / str(TEXT.n_records)).read_bytes())


def test_relative_names(tmp_path):
    os.symlink(TEXT.path, tmp_path / "x.array_record")
    written(tmp_path, "x.array_record\n")
    with mounted([], "--files-from=list", cwd=tmp_path) as mount:
        assert len(os.listdir(mount.path)) == TEXT.n_records


def test_errors(tmp_path):
    at = tmp_path / "mnt"
    at.mkdir()
    path = written(tmp_path, f"{TEXT.path}\nabsent\n")
    mount_fails(f"--files-from={path}", code=3, at=at, contains=[f"arecfs: {path}:2: absent: No such file or directory"])
    path = written(tmp_path, f"{TEXT.path}\n\nhttps://h/*?SECRETquery\n")
    mount_fails(f"--files-from={path}", code=2, at=at, contains=[f"arecfs: {path}:3: https://h/*: "])
    mount_fails(f"--files-from={tmp_path}/absent", code=3, at=at, contains=["absent: No such file or directory"])
    mount_fails(f"--files-from={written(tmp_path, '')}", code=3, at=at, contains=["list: holds no names"])
    mount_fails(f"--files-from={written(tmp_path, 'a' + chr(0))}", code=2, at=at, contains=["list:1: a name with a NUL byte"])


def test_standard_input(tmp_path):
    """It is read before the process goes to the background; /dev/null has no names."""
    at = tmp_path / "mnt"
    at.mkdir()
    mount_fails("--files-from=-", code=3, at=at, contains=["standard input: holds no names"])
    with open(written(tmp_path, f"{TEXT.path}\n")) as stdin:
        with mounted([], "--files-from=-", prepare=lambda: os.dup2(stdin.fileno(), 0)) as mount:
            assert len(os.listdir(mount.path)) == TEXT.n_records


def test_a_secret_is_nowhere(tmp_path):
    """Nothing that others may read of the process, the mount or the log has the query."""
    path = written(tmp_path, f"{TEXT.path}\nhttp://127.0.0.1:1/x.array_record?SECRETquery\n")
    at = tmp_path / "mnt"
    at.mkdir()
    mount_fails(f"--files-from={path}", "--request-deadline=0.2", code=3, at=at,
                contains=["arecfs: http://127.0.0.1:1/x.array_record: "])
    assert "SECRET" not in Path("/proc/self/mounts").read_text()
