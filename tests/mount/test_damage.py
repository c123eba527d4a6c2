"""Damage is cheap: a damaged chunk is read once, logged once with the records that are lost by it,
and listed in .arecfs/damages.json as `arec verify --json` reports it.

Counts come from .arecfs/stats.json.
"""

import errno
import json
import os
import struct
import subprocess
from unittest.mock import ANY

import pytest

import container
import golden
import oracle
from damaged import Sound
from mounts import AREC, mounted

GROUP = 2000
SIZE = 4096


def eio(path):
    with pytest.raises(OSError) as caught:
        path.read_bytes()
    assert caught.value.errno == errno.EIO


def damages(mount):
    return json.loads((mount.path / ".arecfs" / "damages.json").read_bytes())


def verified(*paths):
    result = subprocess.run([AREC, "verify", "--json", *map(str, paths)], capture_output=True, timeout=120)
    assert result.returncode in (0, 5), result
    return json.loads(result.stdout)


def with_losses(files):
    """The files among @files, reports of `arec verify --json`, with the damages that cost records only."""
    return {file["path"]: [d for d in file["damages"] if d["records"]] for file in files}


@pytest.fixture(scope="module")
def two_groups(tmp_path_factory):
    """(path, chunks, records): 2 groups of 2,000 records of 4 KiB, the first of them damaged."""
    path = tmp_path_factory.mktemp("groups") / "d.array_record"
    data = oracle.random_bytes(SIZE, 3)
    records = [struct.pack("<Q", i) + data[8:] for i in range(2 * GROUP)]
    oracle.write(path, records, f"group_size:{GROUP},uncompressed")
    whole = container.Container(path)
    chunks = whole.user_chunks
    whole.flip(chunks[0].position(chunks[0].data_size // 2))
    return path, chunks, records


# ---- what it costs -----------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--no-push"], ["--readahead-buffer-size=0"]], ids=["default", "no-push", "no-ahead"])
@pytest.mark.parametrize("order", ["forward", "backward"])
def test_a_damaged_chunk_is_read_once(two_groups, options, order):
    path, chunks, records = two_groups
    numbers = range(GROUP) if order == "forward" else reversed(range(GROUP))
    length = chunks[0].end - chunks[0].begin
    with mounted(path, *options) as mount:
        names = sorted(os.listdir(mount.path))
        before = mount.stats()["engine"]
        for number in numbers:
            eio(mount.path / names[number])
        after = mount.stats()["engine"]
        # The chunk, its size list, and what follows it, if that is read ahead.
        assert after["source_bytes"] - before["source_bytes"] < 2 * length + 100_000
        assert after["chunks_failed"] == 1
        assert after["damages_known"] == 1
        assert after["damage_hits"] >= GROUP - 1
        assert (mount.path / names[-1]).read_bytes() == records[-1]
        (line,) = mount.log_lines("mismatch")
        assert line.endswith(f" {path}: at {chunks[0].begin}: data hash mismatch in a chunk of {length} bytes; "
                             f"records 0:2000 lost")


@pytest.mark.parametrize("options", [[], ["--no-push"]], ids=["push", "no-push"])
def test_a_chunk_that_is_repaired_in_place_is_read_again(tmp_path, options):
    """Only bytes change; size and time are as before. The sound chunks are the same, so the file counts as unchanged.
    The repaired chunk is no longer listed; another one that is still damaged is."""
    path = tmp_path / "m.array_record"
    records = [b"%04d" % i * 100 for i in range(300)]
    oracle.write(path, records, "group_size:100,uncompressed")
    whole = container.Container(path)
    first, _, last = whole.user_chunks
    flips = [chunk.position(chunk.data_size // 2) for chunk in (first, last)]
    for position in flips:
        whole.flip(position)
    times = os.stat(path)
    with mounted(path, *options) as mount:
        eio(mount / "000")
        eio(mount / "299")
        assert (mount / "100").read_bytes() == records[100]
        assert [d["first_record"] for d in damages(mount)[0]["damages"]] == [0, 200]
        for position, left in zip(flips, ([200], [])):
            whole.flip(position)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            number = position > flips[0] and 250
            assert (mount / f"{number:03}").read_bytes() == records[number]
            (reported,) = damages(mount)
            assert [d["first_record"] for d in reported["damages"]] == left
            assert reported["ok"] == (not left) and reported["records"] == 300 - 100 * len(left)
            for other in left:
                eio(mount / f"{other:03}")


def test_sizes_of_a_damaged_chunk_are_read_once(tmp_path):
    """A transposed chunk has no list of sizes: each look-up would read all of it."""
    file = next(g for g in golden.TRANSPOSED if g.group_size > 30)
    path = tmp_path / "t.array_record"
    path.write_bytes(file.path.read_bytes())
    whole = container.Container(path)
    chunk = whole.user_chunks[0]
    whole.flip(chunk.position(chunk.data_size // 2))
    with mounted(path) as mount:
        before = mount.stats()["engine"]
        for name in file.names()[:chunk.n_records]:
            with pytest.raises(OSError) as caught:
                os.stat(mount.path / name)
            assert caught.value.errno == errno.EIO
        after = mount.stats()["engine"]
        assert after["chunks_failed"] == 1
        assert after["source_bytes"] - before["source_bytes"] <= 2 * (chunk.end - chunk.begin)
        assert len(mount.log_lines("mismatch")) == 1, mount.log()
        assert len(damages(mount)[0]["damages"]) == 1


def test_readahead_does_not_try_again(tmp_path):
    """Neither does pushing. Readers go over a damaged chunk, in order, again and again."""
    records = oracle.text_records(3000, maximum=600)
    path = oracle.write(tmp_path / "d.array_record", records, "group_size:50,zstd:1")
    whole = container.Container(path)
    bad = [7, 8, 30]
    for i in bad:
        whole.flip(whole.user_chunks[i].position(whole.user_chunks[i].data_size - 3))
    with mounted(path) as mount:
        names = sorted(os.listdir(mount.path))
        for _ in range(3):
            for number, name in enumerate(names):
                if number // 50 in bad:
                    eio(mount.path / name)
                else:
                    assert (mount.path / name).read_bytes() == records[number]
        engine = mount.stats()["engine"]
        # Readahead may meet the damage a moment after the reader.
        assert len(bad) <= engine["chunks_failed"] <= 4 * len(bad)
        assert engine["damages_known"] == len(bad)
        assert len(mount.log_lines(path.name, " lost")) == len(bad), mount.log()


# ---- what is reported --------------------------------------------------------------------------


def test_lines_number_records_as_the_mount_does(tmp_path):
    for name in ("a", "b"):
        path = oracle.write(tmp_path / f"{name}.array_record", oracle.text_records(30), "group_size:10")
        whole = container.Container(path)
        for chunk in (whole.user_chunks[1], whole.user_chunks[2]):
            whole.flip(chunk.position(chunk.data_size - 1))
    a, b = (tmp_path / f"{name}.array_record" for name in "ab")
    with mounted([f"{a}[15:25]", b], "--suffix=.txt", "--names=plain") as mount:
        for name in sorted(os.listdir(mount.path / a.name)):
            eio(mount.path / a.name / name)
        eio(mount.path / b.name / "17.txt")
        reported = [line.split("; ")[-1] for line in mount.log_lines(" lost")]
        assert reported == [f"records {words} lost" for words in (
            "0:5 in a.array_record", "5:10 in a.array_record", "10:20 in b.array_record")]
        # Numbers are those of the file, even if only a part of it is shown.
        assert with_losses(damages(mount))[str(a)] == with_losses(verified(a))[str(a)]
    with mounted([f"{a}[19:20]", b], "--merge") as mount:
        eio(mount.path / "00")
        eio(mount.path / "12")
        reported = [line.split("; ")[-1] for line in mount.log_lines(" lost")]
        assert reported == ["records 0:1 lost", "records 11:21 lost"]
        assert [len(file["damages"]) for file in damages(mount)] == [1, 1]


FILES = [golden.get(name) for name in ("text.groupsize100-brotli6.array_record",
                                       "text.groupsize64-snappy.array_record",
                                       "text.groupsize1-uncompressed.array_record")]


@pytest.mark.parametrize("file", FILES, ids=lambda g: g.name)
def test_damages_are_those_that_verify_finds(file, tmp_path):
    cases = [case for case in Sound(file.path).cases() if not case.needs_recover and case.lost]
    assert cases
    for case in cases:
        (tmp_path / f"{case.name}.array_record").write_bytes(case.content)
    (tmp_path / "sound.array_record").write_bytes(file.path.read_bytes())
    expected = verified(*sorted(tmp_path.iterdir()))
    with mounted(tmp_path) as mount:
        assert damages(mount) == []  # none is open
        for path in sorted(tmp_path.iterdir()):
            for name in sorted(os.listdir(mount.path / path.name)):
                try:
                    (mount.path / path.name / name).read_bytes()
                except OSError as error:
                    assert error.errno == errno.EIO
        found = damages(mount)
        assert [f["path"] for f in found] == [f["path"] for f in expected]
        # The walk of verify meets a damaged block header before the chunk is read, and words it differently. Only verify
        # checks whether a repair would keep the chunk.
        for damage in (d for file in expected for d in file["damages"]):
            damage.pop("restorable", None)
        assert with_losses(found) == {
            path: [{**d, "reason": ANY} if d["reason"].startswith("at ") else d for d in reported]
            for path, reported in with_losses(expected).items()}
        for one, other in zip(found, expected, strict=True):
            assert one["records"] == other["records"], one
            assert one["ok"] == (not one["damages"]), one


def test_many_damages(tmp_path):
    """Log lines are limited in rate, and those left out are counted; damages.json lists all damages."""
    n = 400
    path = oracle.write(tmp_path / "d.array_record", oracle.text_records(n), "group_size:1")
    whole = container.Container(path)
    for chunk in whole.user_chunks:
        whole.flip(chunk.position(chunk.data_size - 1))
    with mounted(path) as mount:
        for name in sorted(os.listdir(mount.path)):
            eio(mount.path / name)
        assert len(mount.log_lines("mismatch")) == 100
        assert len(mount.log_lines("further ones are counted", ".arecfs/damages.json")) == 1
        (file,) = damages(mount)
        assert file["records"] == 0 and len(file["damages"]) == n
        assert file["damages"] == verified(path)[0]["damages"]
        assert mount.stats()["engine"]["damages_known"] == n
        mount.umount()
        mount.wait_gone()
        assert len(mount.log_lines(f"{n - 100} more damages not logged; see .arecfs/damages.json")) == 1


def test_gaps_of_a_scan_are_listed(tmp_path):
    """A source mounted by a scan is not reported as sound if the scan met gaps."""
    file = golden.get("text.uncompressed.riegeli")
    sound = Sound(file.path)
    case = sound.header(0)
    path = tmp_path / "d.riegeli"
    path.write_bytes(case.content)
    with mounted(path) as mount:
        (reported,) = damages(mount)
        ((_, length, _, _),) = case.damages
        assert reported == {"path": str(path), "damages": [], "ok": False, "records": file.n_records - len(case.lost),
                            "gaps": 1, "gap_bytes": length}


def test_json_writes_invalid_utf8_in_one_way(tmp_path):
    """Both programs and all files of .arecfs write a name with bytes of every kind in the same way."""
    name = b"n\xff\xed\xa0\x80\xc0\x80\xe2\x82 \xc2\x85\x01\x7f\"\\\xc3\xa9.array_record"
    shown = "n\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd \x85\x01\x7f\"\\\xe9.array_record"
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as file:
        file.write(Sound(FILES[0].path).data(0).content)

    def output_of(*arguments):
        result = subprocess.run([AREC, *arguments], capture_output=True, timeout=120)
        assert result.returncode in (0, 5), result
        return json.loads(result.stdout.decode("utf-8").splitlines()[0] if arguments[0] == "ls" else result.stdout)

    out = os.fsencode(tmp_path) + b"/\xfe\n"
    with mounted(os.fsdecode(path)) as mount:
        eio(mount / "000")
        texts = [damages(mount)[0]["path"],
                 output_of("verify", "--json", path)[0]["path"],
                 output_of("info", "--json", path)[0]["path"],
                 output_of("ls", "--json", path + b"[-2:]", path)["source"],
                 output_of("repair", "--json", "-o", out, path)["path"]]
    assert texts == [f"{tmp_path}/{shown}"] * len(texts)
    assert output_of("repair", "--json", "-f", "-o", out, path)["out"] == f"{tmp_path}/\ufffd\n"


# ---- holes -------------------------------------------------------------------------------------


def test_a_terabyte_of_holes(tmp_path):
    """A file that was extended to 1 TiB is scanned at once, where the filesystem reports holes."""
    file = golden.get("text.groupsize100-brotli6.array_record")
    path = tmp_path / "s.array_record"
    path.write_bytes(file.path.read_bytes())
    size = path.stat().st_size
    os.truncate(path, 1 << 40)
    with open(path, "rb") as opened:
        if os.lseek(opened.fileno(), size + (1 << 20), os.SEEK_CUR) and not knows_holes(opened, size):
            pytest.skip("this filesystem does not report holes")
    with mounted(path, "--recover") as mount:
        names = sorted(os.listdir(mount.path))
        assert len(names) == file.n_records
        file.check(7, (mount.path / names[7]).read_bytes())
        engine = mount.stats()["engine"]
        assert engine["source_bytes"] < 3 * size
        assert engine["source_reads"] < 100


def knows_holes(opened, size):
    try:
        return os.lseek(opened.fileno(), size + (1 << 20), os.SEEK_DATA) > size + (1 << 30)
    except OSError as error:
        return error.errno == errno.ENXIO
