"""What a user sees when mounting fails, and when a source is damaged or changes: exit codes,
messages, error numbers, log lines."""

import errno
import os
import re
import shutil
import socket
import subprocess

import pytest

import container
import golden
import oracle
from mounts import mount_fails, mounted, run_arecfs

TEXT = golden.get("text.groupsize100-brotli6.array_record")


@pytest.fixture
def at(tmp_path):
    path = tmp_path / "mnt"
    path.mkdir()
    return path


# ---- exit codes --------------------------------------------------------------------------------


@pytest.mark.parametrize("option, contains", [
    (["--no-such-option"], ["no-such-option"]),
    (["--cache-size=abc"], ["abc"]),
    (["--cache-size=12X"], ["12X"]),
    (["--cache-size=-1"], ["-1"]),
    (["--cache-size="], ["cache-size"]),
    (["--readahead-buffer-size=many"], ["many"]),
    (["--max-parallelism=lots"], ["lots"]),
    (["--max-parallelism=-1"], ["-1"]),
    (["--max-parallelism=1025"], ["max-parallelism", "1025", "largest allowed is 1024"]),
    (["--index-storage-option=paper"], ["paper"]),
    (["--reader-options=nosuch:1"], ["Unknown option nosuch, valid options: "]),
    (["--reader-options=max_parallelism:x"], ["Option max_parallelism: invalid value: x"]),
    (["--profile=fastest"], ["fastest", "sequential, random, batch, "]),
    (["-o", "profile=archive"], ["archive", "sequential, random, batch, "]),
    (["--names=roman"], ["roman"]),
    (["--suffix=a/b"], ["a/b"]),
    (["--kind=tar"], ["tar"]),
    (["--idle-unmount=soon"], ["soon"]),
    (["--idle-unmount=-5"], ["-5"]),
    (["--log-level=loud"], ["loud"]),
    (["-o", "no_such_option=1"], ["no_such_option"]),
    (["-o", "uid=abc"], ["uid"]),
    (["-o", "gid=-7"], ["gid"]),
    (["-o", "umask=999"], ["umask"]),
    (["-o", "cache-size=abc"], ["abc"]),
    (["-o", "names=roman"], ["roman"]),
    (["-o", "fsname="], ["fsname"]),
    (["-o", "fsname=" + 1025 * "x"], ["fsname"])], ids=lambda v: " ".join(v))
def test_wrong_option(at, option, contains):
    mount_fails(TEXT.path, *option, code=2, at=at, contains=contains)


def test_few_descriptors(at):
    """The start is refused because of the descriptors, or they are enough; no other error appears."""
    assert "file descriptors" in mount_fails(TEXT.path, code=1, at=at, prefix=["prlimit", "--nofile=12"],
                                             contains=["at least 24 are needed"])
    # The standard streams, the log file, and what is needed.
    with mounted(TEXT.path, at=at, nofile=4 + 24) as mount:
        TEXT.check(5, (mount.path / "005").read_bytes())


@pytest.mark.skipif(os.path.exists("/sys/fs/selinux/enforce"), reason="contexts are good here")
@pytest.mark.parametrize("option", ["context=x", "fscontext=x", "defcontext=x", "rootcontext=x"])
def test_option_that_the_kernel_refuses(at, option):
    mount_fails(TEXT.path, "-o", option, code=2, at=at, contains=["option", "refused by the kernel"])


def test_wrong_number_of_arguments(tmp_path, at):
    for arguments in ((), (at,), ("-f",)):
        code, out, err = run_arecfs(*arguments)
        assert code == 2 and out == ""
        assert re.fullmatch(r"arec(fs)?: [^\n]+\n", err), err


@pytest.mark.parametrize("text", ["9:5", "0:701", "-701:", "701:",
                                  "99999999999999999999:"])
def test_wrong_range(at, text):
    mount_fails(f"{TEXT.path}[{text}]", code=2, at=at)


def test_help_and_version():
    for option in ("--help", "--version"):
        code, out, err = run_arecfs(option)
        assert code == 0 and err == "" and "arecfs" in out
    _, out, _ = run_arecfs("--help")
    for option in ("--cache-size", "--readahead-buffer-size", "--max-parallelism",
                   "--index-storage-option", "--reader-options", "--profile", "--merge", "--names",
                   "--suffix", "--pattern", "--recover", "--kind", "--no-push", "--index-dir",
                   "--request-deadline", "--max-requests", "--prefetch", "--idle-unmount", "--log-level", "--log-file", "--help", "--version"):
        assert option in out


def test_source_that_cannot_be_opened(tmp_path, at):
    absent = tmp_path / "absent.array_record"
    mount_fails(absent, code=3, at=at, contains=[absent])
    mount_fails([TEXT.path, absent], code=3, at=at, contains=[absent])
    mount_fails(f"{absent}[0:5]", code=3, at=at, contains=["absent.array_record"])
    mount_fails(f"{tmp_path}/none-*.array_record", code=3, at=at, contains=["none-*"])
    mount_fails(TEXT.path / "below", code=3, at=at)
    shutil.copy(TEXT.path, tmp_path / "s.array_record-00000-of-00002")
    mount_fails(f"{tmp_path}/s.array_record@2", code=3, at=at,
                contains=["s.array_record-00001-of-00002"])
    (tmp_path / "dangling.array_record").symlink_to("nowhere")
    mount_fails(tmp_path / "dangling.array_record", code=3, at=at)


def test_source_that_is_not_a_file_does_not_hang(tmp_path, at):
    os.mkfifo(tmp_path / "fifo.array_record")
    mount_fails(tmp_path / "fifo.array_record", code=3, at=at, contains=["fifo.array_record"])
    mount_fails("/dev/null", code=3, at=at, contains=["/dev/null"])
    mount_fails("/dev/zero", code=3, at=at, contains=["/dev/zero"])
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    mount_fails(tmp_path / "socket", code=3, at=at)
    server.close()


def test_symbolic_link_to_a_source(tmp_path):
    (tmp_path / "link").symlink_to(TEXT.path)
    with mounted(tmp_path / "link") as mount:
        TEXT.check(5, (mount.path / "005").read_bytes())


@pytest.mark.parametrize("content", [b"", b"x", b"text\n" * 50_000, bytes(131072), bytes(65535)],
                         ids=["empty", "one_byte", "text", "zeros", "short_zeros"])
def test_source_of_unknown_format(tmp_path, at, content):
    (tmp_path / "data.bin").write_bytes(content)
    mount_fails(tmp_path / "data.bin", code=4, at=at, contains=["data.bin"])


def cut(data):
    return data[:100_000]


def cut_tail(data):
    return data[:-65536]


def damaged_postscript(data):
    return data[:-65536 + 100] + b"?" + data[-65536 + 101:]


def appended(data):
    return data + b"trailing"


@pytest.mark.parametrize("damage", [cut, cut_tail, damaged_postscript, appended,
                                    lambda data: b"text" * 40_000],
                         ids=["cut", "no_postscript", "bad_postscript", "trailing_bytes", "text"])
def test_damaged_source(tmp_path, at, damage):
    path = tmp_path / "d.array_record"
    path.write_bytes(damage(TEXT.path.read_bytes()))
    mount_fails(path, code=5, at=at, contains=[path, "--recover"])


def test_damaged_footer(tmp_path, at):
    path = tmp_path / "d.array_record"
    shutil.copy(golden.get("text.groupsize1-uncompressed.array_record").path, path)
    footer = container.Container(path).footer
    container.Container(path).flip(footer.position(footer.data_size // 2))
    mount_fails(path, code=5, at=at, contains=[path, str(footer.begin)])


def test_file_under_another_name_is_judged_by_its_content(tmp_path, at):
    whole = tmp_path / "renamed.bin"
    shutil.copy(TEXT.path, whole)
    with mounted(whole) as mount:
        TEXT.check(9, (mount.path / "009").read_bytes())
    with mounted(whole, "--kind=riegeli") as mount:
        # Footer and postscript are then records like others.
        assert len(os.listdir(mount.path)) > TEXT.n_records


def test_unusable_mount_point(tmp_path):
    (tmp_path / "file").write_text("")
    mount_fails(TEXT.path, code=7, at=tmp_path / "absent" / "below", contains=["absent/below"])
    mount_fails(TEXT.path, code=7, at=tmp_path / "file", contains=[tmp_path / "file"])
    (tmp_path / "dangling").symlink_to("nowhere")
    mount_fails(TEXT.path, code=7, at=tmp_path / "dangling", contains=["dangling"])


def test_mount_point_through_a_symbolic_link(tmp_path, at):
    (tmp_path / "link").symlink_to(at)
    with mounted(TEXT.path, at=tmp_path / "link") as mount:
        assert mount.path == at
        TEXT.check(5, (at / "005").read_bytes())


def test_fuse_is_unavailable(tmp_path, at):
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"unshare -m: {probe.stderr.strip()}")
    covered = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec \"$@\""
    mount_fails(TEXT.path, code=8, at=at, prefix=["unshare", "-m", "sh", "-c", covered, "sh"])


def test_sources_are_looked_at_before_the_mount_point_is_covered(tmp_path, at):
    """A failure leaves the mount point as it was."""
    (at / "mine").write_text("kept")
    mount_fails(tmp_path / "absent.array_record", code=3, at=at)
    assert (at / "mine").read_text() == "kept"


# ---- damage under the mount --------------------------------------------------------------------


@pytest.mark.parametrize("options", ["group_size:10,zstd:3", "group_size:10,brotli:5",
                                     "group_size:10,snappy", "group_size:10,uncompressed",
                                     "group_size:1,zstd:3"])
@pytest.mark.parametrize("order", ["forward", "backward"])
def test_damaged_chunk_costs_its_records_only(tmp_path, options, order):
    records = oracle.text_records(100, maximum=4000)
    path = oracle.write(tmp_path / "d.array_record", records, options)
    whole = container.Container(path)
    chunks = whole.user_chunks
    bad = len(chunks) // 2
    per_chunk = chunks[0].n_records
    lost = range(bad * per_chunk, (bad + 1) * per_chunk)
    whole.flip(chunks[bad].position(chunks[bad].data_size - 3))
    numbers = list(range(100)) if order == "forward" else list(reversed(range(100)))
    with mounted(path) as mount:
        assert sorted(os.listdir(mount.path)) == golden.record_names(100)
        for _ in range(2):
            for number in numbers:
                file = mount.path / f"{number:02d}"
                if number in lost:
                    with pytest.raises(OSError) as caught:
                        file.read_bytes()
                    assert caught.value.errno == errno.EIO
                else:
                    assert file.read_bytes() == records[number]
        lines = mount.log_lines("d.array_record", str(chunks[bad].begin))
        assert len(lines) == 1, mount.log()
        # All other lines about the file are those that a sound file causes, too.
        words = re.compile(r"mismatch|damaged|corrupt|hash", re.IGNORECASE)
        assert [line for line in mount.log().splitlines() if words.search(line)] == lines
        assert mount.server_is_running()


def test_damage_at_many_places_never_gives_wrong_bytes(tmp_path):
    records = oracle.text_records(60, maximum=3000)
    pristine = oracle.write(tmp_path / "p", records, "group_size:6,zstd:1").read_bytes()
    path = tmp_path / "d.array_record"
    for seed in range(12):
        path.write_bytes(pristine)
        whole = container.Container(path)
        end = whole.footer.begin
        position = 64 + (end - 64) * seed // 12 + seed
        whole.flip(position)
        touched = [i for i, c in enumerate(whole.user_chunks) if c.begin <= position < c.end]
        with mounted(path) as mount:
            for number, record in enumerate(records):
                try:
                    data = (mount.path / f"{number:02d}").read_bytes()
                except OSError as error:
                    assert error.errno == errno.EIO
                    assert number // 6 in touched, (position, number)
                else:
                    assert data == record, (position, number)
                    assert number // 6 not in touched or position % 65536 < 24


@pytest.mark.parametrize("file", [g for g in golden.TRANSPOSED if g.group_size > 1], ids=lambda g: g.name)
def test_damaged_transposed_chunk(file, tmp_path):
    """Its records give EIO, and so do their sizes, which only the whole chunk holds; all others are right."""
    path = tmp_path / "t.array_record"
    shutil.copyfile(file.path, path)
    whole = container.Container(path)
    chunk = whole.user_chunks[-1]
    whole.flip(chunk.position(30))
    damaged = range(file.n_records - chunk.n_records, file.n_records)
    with mounted(path) as mount:
        assert sorted(os.listdir(mount.path)) == file.names()
        for number, name in enumerate(file.names()):
            if number in damaged:
                with pytest.raises(OSError) as caught:
                    (mount.path / name).read_bytes()
                assert caught.value.errno == errno.EIO
            else:
                file.check(number, (mount.path / name).read_bytes())
        assert len(mount.log_lines("data hash mismatch")) == 1, mount.log()


# ---- sources that change -----------------------------------------------------------------------


def outcome(path):
    try:
        return path.read_bytes()
    except OSError as error:
        return error.errno


@pytest.fixture
def changing(tmp_path):
    records = oracle.text_records(100, maximum=4000)
    return oracle.write(tmp_path / "c.array_record", records, "group_size:10,zstd:1"), records


def test_source_rewritten_in_place(changing):
    path, records = changing
    with mounted(path) as mount:
        assert outcome(mount.path / "00") == records[0]
        content = path.read_bytes()
        with open(path, "r+b") as file:  # same size, other bytes, valid again
            other = oracle.write(path.with_name("o"), oracle.text_records(100, 2, 500, 501),
                                 "group_size:10,zstd:1").read_bytes()
            file.write(other.ljust(len(content), b"\0")[:len(content)])
        os.utime(path, (5, 5))
        assert outcome(mount.path / "95") == errno.ESTALE
        path.write_bytes(content)  # the old bytes with a new time are a change, too
        assert outcome(mount.path / "85") == errno.ESTALE
        assert mount.log_lines("c.array_record"), mount.log()
        assert mount.server_is_running()
    with mounted(path) as mount:
        assert outcome(mount.path / "95") == records[95]


def test_source_truncated(changing):
    path, records = changing
    with mounted(path) as mount:
        assert outcome(mount.path / "00") == records[0]
        os.truncate(path, 1000)
        assert outcome(mount.path / "95") in (errno.ESTALE, errno.EIO)
        os.truncate(path, 0)
        assert outcome(mount.path / "50") in (errno.ESTALE, errno.EIO)
        assert mount.log_lines("c.array_record"), mount.log()
        assert mount.server_is_running()


@pytest.mark.parametrize("form", ["flat", "directory"])
def test_source_replaced(changing, form):
    """Old bytes (the open file is still there) or ESTALE, never the new ones."""
    path, records = changing
    fresh = oracle.write(path.with_name("fresh"), oracle.text_records(100, seed=9), "group_size:10")
    with mounted(path if form == "flat" else path.parent) as mount:
        prefix = mount.path if form == "flat" else mount.path / path.name
        assert outcome(prefix / "00") == records[0]
        os.replace(fresh, path)
        for number in (0, 5, 50, 99):
            assert outcome(prefix / f"{number:02d}") in (records[number], errno.ESTALE)
        assert mount.server_is_running()


def test_source_removed(changing):
    path, records = changing
    with mounted(path) as mount:
        path.unlink()
        for number in (0, 50, 99):
            assert outcome(mount.path / f"{number:02d}") in (records[number], errno.ESTALE)
        assert mount.server_is_running()
