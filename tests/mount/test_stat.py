"""Names, attributes and listings, against what the manifest and the sources say."""

import os
import random
import stat
import subprocess

import pytest

import caches
import golden
import oracle
import syscalls
from mounts import SLOW, mounted
from sanitized import sample

TEXT = golden.get("text.groupsize64-snappy.array_record")
TINY = golden.get("tiny.groupsize256-uncompressed.array_record")


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True,
                          timeout=120 * SLOW, env=dict(os.environ, LC_ALL="C"), **options).stdout


def blocks(size):
    return (size + 511) // 512


# ---- attributes --------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sample(golden.SIMPLE + golden.TRANSPOSED, 2), ids=lambda g: g.name)
def test_attributes_of_every_record(file):
    source = os.stat(file.path)
    with mounted(file.path) as mount:
        names = file.names()
        assert sorted(os.listdir(mount.path)) == names
        seen = set()
        for number, name in enumerate(names):
            info = os.stat(mount.path / name)
            assert stat.S_ISREG(info.st_mode)
            assert info.st_size == file.sizes[number], name
            assert info.st_blocks == blocks(info.st_size), name
            assert info.st_nlink == 1
            assert stat.S_IMODE(info.st_mode) == stat.S_IMODE(source.st_mode) & 0o444
            assert (info.st_uid, info.st_gid) == (source.st_uid, source.st_gid)
            assert info.st_mtime_ns == source.st_mtime_ns
            assert info.st_ctime_ns == source.st_ctime_ns
            seen.add(info.st_ino)
        assert len(seen) == len(names) and 0 not in seen
        # In the other order, from fresh look-ups, nothing differs.
        for number in reversed(range(0, len(names), 7)):
            with syscalls.opened(mount.path / names[number]) as fd:
                assert os.fstat(fd).st_size == file.sizes[number]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o444, 0o755, 0o400, 0o6777])
def test_mode_owner_and_times_are_those_of_the_source(tmp_path, mode):
    source = oracle.write(tmp_path / "s.array_record", oracle.text_records(5), "group_size:2")
    os.chown(source, 1234, 4321)
    os.chmod(source, mode)
    os.utime(source, ns=(1_500_000_000_987_654_321, 1_600_000_000_123_456_789))
    read = mode & 0o444
    with mounted(source) as mount:
        for name in ("0", "4"):
            info = os.stat(mount.path / name)
            assert (info.st_uid, info.st_gid) == (1234, 4321)
            assert stat.S_IMODE(info.st_mode) == read
            assert info.st_mtime_ns == 1_600_000_000_123_456_789
        root = os.stat(mount.path)
        assert stat.S_ISDIR(root.st_mode)
        assert (root.st_uid, root.st_gid) == (1234, 4321)
        assert stat.S_IMODE(root.st_mode) == read | read >> 2
        assert root.st_mtime_ns == 1_600_000_000_123_456_789


def test_each_source_keeps_its_own_attributes(tmp_path):
    for i, (uid, mode) in enumerate([(11, 0o600), (22, 0o644)]):
        source = oracle.write(tmp_path / f"{i}.array_record", oracle.text_records(3))
        os.chown(source, uid, uid + 1)
        os.chmod(source, mode)
        os.utime(source, (1000 + i, 2000 + i))
    sources = [tmp_path / f"{i}.array_record" for i in range(2)]
    for options in ((), ("--merge",)):
        with mounted(sources, *options) as mount:
            names = ["0.array_record/0", "1.array_record/0"] if not options else ["0", "3"]
            for i, (uid, mode) in enumerate([(11, 0o600), (22, 0o644)]):
                info = os.stat(mount.path / names[i])
                assert (info.st_uid, info.st_gid, info.st_mtime) == (uid, uid + 1, 2000 + i)
                assert stat.S_IMODE(info.st_mode) == mode & 0o444
            if not options:
                assert stat.S_IMODE(os.stat(mount.path / "0.array_record").st_mode) == 0o500
                assert os.stat(mount.path / "1.array_record").st_uid == 22


@pytest.mark.parametrize("options", [("-o", "uid=1000,gid=1001,umask=027"),
                                     ("-o", "uid=1000", "-o", "gid=1001,umask=0027")])
def test_uid_gid_and_umask(tmp_path, options):
    source = oracle.write(tmp_path / "s.array_record", oracle.text_records(3))
    os.chmod(source, 0o644)
    with mounted(source, *options) as mount:
        for name, mode in (("0", 0o440), ("", 0o550)):
            info = os.stat(mount.path / name)
            assert (info.st_uid, info.st_gid) == (1000, 1001)
            assert stat.S_IMODE(info.st_mode) == mode


def inodes(path):
    found = {".": os.stat(path).st_ino}
    for directory, directories, files in os.walk(path):
        for name in directories + files:
            full = os.path.join(directory, name)
            found[os.path.relpath(full, path)] = os.stat(full).st_ino
    return found


@pytest.mark.parametrize("form", ["flat", "several", "directory", "merge"])
def test_inode_numbers_are_unique_and_stay_over_remounts(tmp_path, form):
    (tmp_path / "top" / "sub").mkdir(parents=True)
    paths = [tmp_path / "top" / name
             for name in ("a.array_record", "sub/b.array_record", "c.array_record")]
    for path in paths:
        oracle.write(path, oracle.text_records(40), "group_size:7")
    sources = {"flat": paths[:1], "several": paths, "directory": [tmp_path / "top"],
               "merge": paths}[form]
    options = ["--merge"] if form == "merge" else []
    found = []
    for i in range(3):
        with mounted(sources, *options) as mount:
            if i == 1:  # another order of access must not matter
                for name in ("39", "5", "0"):
                    for directory in found[0]:
                        path = mount.path / directory / name
                        assert not path.exists() or path.stat().st_ino > 0
            found.append(inodes(mount.path))
    assert found[0] == found[1] == found[2]
    assert len(set(found[0].values())) == len(found[0])


def test_inode_numbers_survive_dropped_caches():
    with mounted(TEXT.path) as mount:
        before = inodes(mount.path)
        if not caches.drop_inodes():
            pytest.skip("/proc/sys/vm/drop_caches may not be written")
        assert inodes(mount.path) == before


def test_statfs():
    with mounted(TINY.path) as mount:
        for path in (mount.path, mount.path / "0007", mount.path / ".arecfs"):
            info = os.statvfs(path)
            assert info.f_flag & os.ST_RDONLY
            assert info.f_bsize > 0 and info.f_frsize > 0
            assert info.f_bfree == info.f_bavail == 0
            assert info.f_namemax >= 255
        assert str(mount.path) in run("df", "-a", mount.path)
        assert str(mount.path) in run("df", "-ai", mount.path)


# ---- listings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [64, 280, 4096, 32768, 1 << 20])
def test_getdents_lists_each_name_once(size):
    with mounted(TINY.path) as mount:
        entries = syscalls.list_directory(mount.path, size)
        names = [e.name for e in entries if e.name not in (".", "..")]
        assert names == TINY.names()
        assert sorted(e.name for e in entries if e.name in (".", "..")) == [".", ".."]
        for entry in entries:
            kind = syscalls.DT_DIR if entry.name in (".", "..") else syscalls.DT_REG
            assert entry.kind == kind
        for entry in entries[2::100]:
            if entry.name in (".", ".."):
                continue
            assert entry.ino == os.stat(mount.path / entry.name).st_ino


@pytest.mark.parametrize("directory, count", [("", 2500), (".arecfs", 4)])
def test_listing_goes_on_from_every_offset(directory, count):
    with mounted(TINY.path) as mount:
        path = mount.path / directory
        entries = syscalls.list_directory(path)
        assert len(entries) == count + 2
        assert len({e.offset for e in entries}) == len(entries)
        order = list(range(len(entries)))
        random.Random(1).shuffle(order)
        with syscalls.opened(path) as fd:
            for i in order:
                os.lseek(fd, entries[i].offset, os.SEEK_SET)
                rest = syscalls.getdents(fd, 512)
                if i + 1 == len(entries):
                    assert rest == []
                else:
                    assert rest == entries[i + 1:i + 1 + len(rest)] and rest
            os.lseek(fd, 0, os.SEEK_SET)
            assert syscalls.getdents(fd, 512)[0] == entries[0]


def test_listing_of_directories_of_files_from_every_offset(tmp_path):
    for i in range(30):
        oracle.write(tmp_path / f"f{i:02d}.array_record", [b"x"])
    (tmp_path / "sub").mkdir()
    oracle.write(tmp_path / "sub" / "s.array_record", [b"x"])
    with mounted(tmp_path) as mount:
        entries = syscalls.list_directory(mount.path)
        names = [e.name for e in entries]
        assert sorted(names) == sorted([".", "..", "sub",
                                        *(f"f{i:02d}.array_record" for i in range(30))])
        assert all(e.kind == syscalls.DT_DIR for e in entries)
        assert all(e.ino == os.stat(mount.path / e.name).st_ino for e in entries if e.name != "..")
        with syscalls.opened(mount.path) as fd:
            for i in range(len(entries) - 1):
                os.lseek(fd, entries[i].offset, os.SEEK_SET)
                assert syscalls.getdents(fd, 512)[0].name == names[i + 1]


def test_two_listings_at_once_do_not_mix():
    with mounted(TINY.path) as mount:
        fds = [os.open(mount.path, os.O_RDONLY | os.O_DIRECTORY) for _ in range(3)]
        names = [[] for _ in fds]
        sizes = (512, 4096, 1000)
        busy = True
        while busy:
            busy = False
            for i, fd in enumerate(fds):
                batch = syscalls.getdents(fd, sizes[i])
                names[i] += [e.name for e in batch if e.name not in (".", "..")]
                busy = busy or bool(batch)
        for fd in fds:
            os.close(fd)
        assert names[0] == names[1] == names[2] == TINY.names()


def test_empty_directories_list_nothing():
    with mounted(golden.get("empty.groupsize1.array_record").path) as mount:
        assert sorted(e.name for e in syscalls.list_directory(mount.path)) == [".", ".."]
        with pytest.raises(FileNotFoundError):
            os.stat(mount.path / "0")


# ---- tools that look at attributes -------------------------------------------------------------


def test_ls_l():
    with mounted(TEXT.path) as mount:
        for _ in range(2):
            lines = run("ls", "-ln", "--time-style=+%s", mount.path).splitlines()[1:]
            source = os.stat(TEXT.path)
            for number, line in enumerate(lines):
                mode, links, uid, gid, size, when, name = line.split()
                assert mode[0] == "-" and mode[2] == mode[5] == mode[8] == "-"
                assert (links, int(uid), int(gid)) == ("1", source.st_uid, source.st_gid)
                assert (int(size), name) == (TEXT.sizes[number], TEXT.names()[number])
                assert int(when) == int(source.st_mtime)
            assert len(lines) == TEXT.n_records
            run("ls", "-U", mount.path)  # what follows a plain listing must not differ


def test_find_size():
    with mounted(TEXT.path) as mount:
        for bound in (0, 1, 100, 500, 832):
            for sign, holds in (("-", lambda s: s < bound), ("+", lambda s: s > bound),
                                ("", lambda s: s == bound)):
                out = run("find", mount.path, "-type", "f", "-size", f"{sign}{bound}c",
                          "-printf", "%f\n").split()
                assert sorted(out) == [n for n, s in zip(TEXT.names(), TEXT.sizes) if holds(s)]
        empty = run("find", mount.path, "-type", "f", "-empty", "-printf", "%f\n").split()
        assert sorted(empty) == [n for n, s in zip(TEXT.names(), TEXT.sizes) if s == 0]
        assert len(empty) > 3
        out = run("find", mount.path, "-type", "f", "-printf", "%f %s %b %n\n").splitlines()
        assert sorted(out) == [f"{n} {s} {blocks(s)} 1" for n, s in zip(TEXT.names(), TEXT.sizes)]


def test_find_walks_trees(tmp_path):
    for path in ("a.array_record", "d/b.array_record", "d/e/c.array_record"):
        (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
        oracle.write(tmp_path / path, [b"1", b"22"])
    with mounted(tmp_path) as mount:
        files = run("find", ".", "-type", "f", cwd=mount.path).split()
        assert sorted(files) == sorted(f"./{p}/{i}" for p in
                                       ("a.array_record", "d/b.array_record", "d/e/c.array_record")
                                       for i in range(2))
        directories = run("find", ".", "-type", "d", cwd=mount.path).split()
        assert sorted(directories) == [".", "./a.array_record", "./d", "./d/b.array_record",
                                       "./d/e", "./d/e/c.array_record"]


def test_du():
    with mounted(TEXT.path) as mount:
        def du(*options):
            found = {}
            for line in run("du", "-a", *options, ".", cwd=mount.path).splitlines():
                size, name = line.split("\t")
                found[name.removeprefix("./")] = int(size)
            return found
        used, apparent = du("-B1"), du("-b")
        for name, size in zip(TEXT.names(), TEXT.sizes):
            assert used[name] == blocks(size) * 512
            assert apparent[name] == size
        own = os.stat(mount.path)
        assert used["."] == sum(blocks(s) * 512 for s in TEXT.sizes) + own.st_blocks * 512
        assert apparent["."] == sum(TEXT.sizes) + own.st_size
