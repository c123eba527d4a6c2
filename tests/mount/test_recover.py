"""Damaged, cut and growing files under a mount, with and without --recover: which records there
are, which of them give EIO, and what the log says."""

import errno
import os
import re
import shutil
import subprocess

import pytest

import golden
from damaged import Sample, Sound
from mounts import arec, mount_fails, mounted
from program import can_read


TEXT = golden.get("text.groupsize100-brotli6.array_record")
UNEVEN = golden.get("text.uncompressed.riegeli")
FILES = [g for g in map(golden.get, [
    "text.groupsize100-brotli6.array_record",
    "mixed_empty.groupsize17-snappy.array_record",
    "big.groupsize1-uncompressed.array_record",
    "blocks.groupsize4-uncompressed-padtoblockboundarytrue.array_record",
    "examples.groupsize64-transposetrue-zstd3.metadata.array_record",
    "text.uncompressed.riegeli",
    "text.snappy-chunksize4K-padding64K.riegeli",
    "examples.transpose-zstd3-chunksize16K.riegeli"]) if can_read(g)]
LISTED = [g for g in FILES if g.kind == "array_record"]
PLAIN = [g for g in FILES if g.kind == "riegeli"]
SAMPLE = Sample(FILES)


def by_name(g):
    return g.name


@pytest.fixture
def at(tmp_path):
    path = tmp_path / "mnt"
    path.mkdir()
    return path


def outcome(path):
    """The bytes of the file, or the error number."""
    try:
        return path.read_bytes()
    except OSError as error:
        return error.errno


def is_alone(g, number):
    """Whether the record is the only one of its chunk."""
    sound = Sound(g.path)
    return any(sound.records(i) == range(number, number + 1) for i in range(len(sound.chunks)))


def check_records(mount, g, case):
    """Checks that numbered records are there and that those of a lost chunk give EIO, each time of two."""
    numbered = [i for i in range(g.n_records) if i not in case.scanned]
    names = golden.record_names(len(numbered))
    assert sorted(os.listdir(mount.path)) == names, str(case)
    for _ in range(2):
        for name, number in zip(names, numbered):
            path = mount.path / name
            if number in case.lost and g.sizes[number] == 0 and is_alone(g, number):
                # The index holds the size of a record that is alone in its chunk, and a file
                # of no bytes is never read: its empty content is right.
                assert outcome(path) in (b"", errno.EIO), f"{case}: record {number}"
            elif number in case.lost:
                assert outcome(path) == errno.EIO, f"{case}: record {number}"
            else:
                assert path.stat().st_size == g.sizes[number], f"{case}: record {number}"
                g.check(number, path.read_bytes())


def check_log(mount, path, g, case):
    """Checks that the log has one line for each chunk that gives EIO, one for what a scan left out, and
    no other line about damage."""
    words = re.compile(r"mismatch|damaged|hash|ends within|signature", re.I)
    left_out = mount.log_lines(path.name, "no sound chunk")
    reported = [line for line in mount.log_lines(path.name)
                if words.search(line) and line not in left_out and "a scan found" not in line]
    def concerns(line, begin):
        return re.search(rf"\bat {begin}\b", line)
    unread = [begin for begin, _, first, n in case.damages
              if n == 1 and first < g.n_records and g.sizes[first] == 0]
    reported = [line for line in reported if not any(concerns(line, begin) for begin in unread)]
    chunks = [begin for begin, _, first, n in case.damages
              if n and first not in case.scanned and begin not in unread]
    for begin in chunks:
        lines = [line for line in reported if concerns(line, begin)]
        assert len(lines) == 1, f"{case}: {begin}: {mount.log()}"
    assert len(reported) == len(chunks), f"{case}: {mount.log()}"
    assert len(left_out) <= 1 and (left_out or not case.scanned), f"{case}: {mount.log()}"


# ---- ArrayRecord ------------------------------------------------------------------------------


@pytest.mark.parametrize("g", LISTED, ids=by_name)
def test_a_lost_index_is_refused_and_recovered(g, tmp_path, at):
    sound = Sound(g.path)
    path = tmp_path / g.name
    for case in SAMPLE.of(g, sound):
        path.write_bytes(case.content)
        if case.needs_recover:
            mount_fails(path, code=5, at=at, contains=[path, "--recover"])
        else:
            with mounted(path) as mount:
                check_records(mount, g, case)
                check_log(mount, path, g, case)
                assert not mount.log_lines("a scan found"), mount.log()
        if len(case.scanned) == g.n_records:
            mount_fails(path, "--recover", code=5, at=at, contains=[path])
            continue
        with mounted(path, "--recover") as mount:
            check_records(mount, g, case)
            check_log(mount, path, g, case)
            assert len(mount.log_lines("a scan found")) == case.needs_recover, mount.log()


def test_a_sound_file_is_not_scanned(tmp_path):
    with mounted(TEXT.path, "--recover") as mount:
        TEXT.check(5, (mount.path / "005").read_bytes())
        assert not mount.log_lines("scan"), mount.log()
        assert mount.stats()["engine"]["source_bytes"] < TEXT.path.stat().st_size / 2


def test_as_a_mount_option(tmp_path):
    sound = Sound(TEXT.path)
    path = tmp_path / TEXT.name
    path.write_bytes(sound.footer_data().content)
    with mounted(path, "-o", "recover") as mount:
        TEXT.check(650, (mount.path / "650").read_bytes())


def test_in_a_directory(tmp_path):
    """A damaged file affects no other file; with --recover it can be read itself."""
    source = tmp_path / "data"
    source.mkdir()
    shutil.copy(TEXT.path, source / "good.array_record")
    (source / "bad.array_record").write_bytes(Sound(TEXT.path).footer_data().content)
    with mounted(source) as mount:
        TEXT.check(5, (mount.path / "good.array_record" / "005").read_bytes())
        for _ in range(3):
            with pytest.raises(OSError) as caught:
                os.listdir(mount.path / "bad.array_record")
            assert caught.value.errno == errno.EIO
        lines = mount.log_lines("bad.array_record")
        assert len(lines) == 1 and "--recover" in lines[0], mount.log()
    with mounted(source, "--recover") as mount:
        TEXT.check(5, (mount.path / "good.array_record" / "005").read_bytes())
        TEXT.check(5, (mount.path / "bad.array_record" / "005").read_bytes())
        assert len(mount.log_lines("bad.array_record", "a scan found")) == 1, mount.log()
        assert not mount.log_lines("good.array_record", "scan"), mount.log()


def test_numbers_stay_where_the_footer_is_found(tmp_path):
    """Inode numbers and names are those of the sound file."""
    path = tmp_path / TEXT.name
    path.write_bytes(TEXT.path.read_bytes())
    with mounted(path) as mount:
        before = {name: (mount.path / name).stat().st_ino for name in ("005", "350", "699")}
    path.write_bytes(Sound(TEXT.path).header_and_postscript(1).content)
    with mounted(path, "--recover") as mount:
        assert {name: (mount.path / name).stat().st_ino for name in before} == before
        TEXT.check(350, (mount.path / "350").read_bytes())


# ---- growing files ----------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["in_a_chunk", "behind_a_chunk"])
def test_a_growing_file_is_named_as_such(where, tmp_path, at):
    sound = Sound(TEXT.path)
    case = sound.cut(3) if where == "in_a_chunk" else sound.without_footer()
    path = tmp_path / TEXT.name
    path.write_bytes(case.content)
    with open(path, "ab"):
        err = mount_fails(path, code=5, at=at, contains=[path, "still being written"])
        assert "damaged or cut" not in err
    err = mount_fails(path, code=5, at=at, contains=[path, "--recover"])
    assert "being written" not in err


def test_a_writer_in_another_process(tmp_path, at):
    path = tmp_path / TEXT.name
    path.write_bytes(Sound(TEXT.path).without_footer().content)
    with subprocess.Popen(["sh", "-c", 'exec 3>>"$0"; echo; read -r line', path],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        mount_fails(path, code=5, at=at, contains=["still being written"])
        with mounted(path, "--recover") as mount:
            TEXT.check(650, (mount.path / "650").read_bytes())
        writer.stdin.write(b"\n")
        writer.stdin.close()
        writer.wait()


def test_a_file_that_grew_under_the_mount(tmp_path):
    sound = Sound(TEXT.path)
    path = tmp_path / TEXT.name
    path.write_bytes(sound.cut(3).content)
    with mounted(path, "--recover") as mount:
        TEXT.check(5, (mount.path / "005").read_bytes())
        path.write_bytes(sound.content)
        with pytest.raises(OSError) as caught:
            (mount.path / "205").read_bytes()
        assert caught.value.errno == errno.ESTALE
    with mounted(path) as mount:
        TEXT.check(650, (mount.path / "650").read_bytes())


# ---- plain Riegeli/records files --------------------------------------------------------------


@pytest.mark.parametrize("g", [g for g in golden.RIEGELI if can_read(g)], ids=by_name)
def test_a_plain_file_mounts(g):
    with mounted(g.path) as mount:
        assert sorted(os.listdir(mount.path)) == g.names()
        for number, name in enumerate(g.names()):
            assert (mount.path / name).stat().st_size == g.sizes[number]
            g.check(number, (mount.path / name).read_bytes())
        assert not mount.log_lines(g.name, "scan") and not mount.log_lines("no sound chunk")


@pytest.mark.parametrize("g", PLAIN, ids=by_name)
@pytest.mark.parametrize("options", [[], ["--recover"]], ids=["plain", "recover"])
def test_a_damaged_plain_file(g, options, tmp_path, at):
    sound = Sound(g.path)
    path = tmp_path / g.name
    for case in SAMPLE.of(g, sound):
        path.write_bytes(case.content)
        if case.name == "signature" and not options:
            mount_fails(path, code=4, at=at, contains=[path])
            continue
        if len(case.scanned) == g.n_records and options:
            mount_fails(path, *options, code=5, at=at, contains=[path])
            continue
        with mounted(path, *options) as mount:
            check_records(mount, g, case)
            check_log(mount, path, g, case)


def test_a_directory_of_all_kinds(tmp_path):
    source = tmp_path / "data"
    (source / "below").mkdir(parents=True)
    shutil.copy(UNEVEN.path, source / "a.riegeli")
    shutil.copy(UNEVEN.path, source / "below" / "b.riegeli")
    shutil.copy(TEXT.path, source / "c.array_record")
    with mounted(source) as mount:
        assert sorted(os.listdir(mount.path)) == ["a.riegeli", "below", "c.array_record"]
        for name in ("a.riegeli", "below/b.riegeli", "c.array_record"):
            for number in (0, 350, 699):
                TEXT.check(number, (mount.path / name / f"{number:03d}").read_bytes())


def test_kinds_merge(tmp_path):
    with mounted([UNEVEN.path, TEXT.path], "--merge") as mount:
        assert len(os.listdir(mount.path)) == 1400
        for number in (0, 699, 700, 1399):
            UNEVEN.check(number % 700, (mount.path / f"{number:04d}").read_bytes())


def test_kind_decides(tmp_path, at):
    path = tmp_path / "x.array_record"
    shutil.copy(UNEVEN.path, path)
    mount_fails(path, code=5, at=at, contains=[path, "--recover"])
    with mounted(path, "--kind=riegeli") as mount:
        UNEVEN.check(699, (mount.path / "699").read_bytes())
    mount_fails(UNEVEN.path, "--kind=array_record", code=5, at=at, contains=["--recover"])
    sound = Sound(TEXT.path)
    with mounted(TEXT.path, "--kind=riegeli") as mount:
        n = 700 + sound.footer.n_records + sound.postscript.n_records
        assert sorted(os.listdir(mount.path)) == golden.record_names(n)
        TEXT.check(699, (mount.path / "699").read_bytes())
    (tmp_path / "text.bin").write_bytes(b"text\n" * 30_000)
    mount_fails(tmp_path / "text.bin", "--kind=riegeli", code=4, at=at, contains=["text.bin"])


def test_content_outweighs_the_name(tmp_path, at):
    """A footer-shaped chunk makes a damaged ArrayRecord file, whatever the name."""
    sound = Sound(TEXT.path)
    path = tmp_path / "x.bin"
    path.write_bytes(sound.without_postscript().content)
    mount_fails(path, code=5, at=at, contains=[path, "--recover"])
    with mounted(path, "--recover") as mount:
        assert sorted(os.listdir(mount.path)) == TEXT.names()
    path.write_bytes(sound.without_footer().content)  # it cannot be distinguished from a plain file
    with mounted(path) as mount:
        assert sorted(os.listdir(mount.path)) == TEXT.names()
