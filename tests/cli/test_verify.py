"""arec verify names every kind of damage of every golden file exactly."""

import errno
import json
import os
import re

import pytest

import golden
from damaged import Sample, Sound, flipped
from program import arec, can_read, succeeds

READABLE = [g for g in golden.ALL if can_read(g)]
SAMPLE = Sample(READABLE)
TEXT = golden.get("text.groupsize100-brotli6.array_record")
PLAIN = golden.get("text.uncompressed.riegeli")


def by_name(g):
    return g.name


def verified(path, *options):
    """(exit code, the object that --json prints)."""
    result = arec("verify", "--json", *options, path)
    (reported,) = json.loads(result.out)
    assert sorted(reported) == ["damages", "ok", "path", "records"], reported
    assert reported["path"] == str(path)
    for damage in reported["damages"]:
        restorable = ["restorable"] if damage.get("restorable") else []
        assert list(damage) == ["offset", "length", "reason", "first_record", "records", *restorable]
        assert damage["reason"] and str(path) not in damage["reason"]
    return result, reported


def damages_of(reported):
    return tuple((d["offset"], d["length"], d["first_record"], d["records"])
                 for d in reported["damages"])


# ---- sound files ------------------------------------------------------------------------------


@pytest.mark.parametrize("g", READABLE, ids=by_name)
def test_sound_file(g):
    result, reported = verified(g.path)
    assert (result.code, result.err) == (0, ""), result
    assert reported == {"path": str(g.path), "ok": True, "records": g.n_records, "damages": []}
    chunks = len(Sound(g.path).chunks)
    assert succeeds("verify", g.path).decode() == (
        f"{g.path}: ok, {g.n_records} records in {chunks} chunks are sound\n")


def test_every_golden_file_is_read_where_the_build_reads_transposed_chunks():
    if len(READABLE) < len(golden.ALL):
        assert arec("cat", golden.TRANSPOSED[0].path).code == 6
        pytest.skip("transposed chunks or metadata are not in this build")


def test_several_files():
    paths = [TEXT.path, PLAIN.path, TEXT.path]
    reported = json.loads(succeeds("verify", "--json", *paths))
    assert [one["path"] for one in reported] == [str(path) for path in paths]
    assert all(one["ok"] for one in reported)
    assert len(succeeds("verify", *paths).splitlines()) == 3


# ---- every damage -----------------------------------------------------------------------------


@pytest.mark.parametrize("g", READABLE, ids=by_name)
def test_each_damage_is_named(g, tmp_path):
    sound = Sound(g.path)
    path = tmp_path / g.name
    for case in SAMPLE.of(g, sound):
        if case.name == "signature" and sound.size == 64:
            continue  # nothing is left that shows what the file was
        path.write_bytes(case.content)
        result, reported = verified(path)
        assert (result.code, result.err) == (5, ""), f"{case}{result}"
        assert reported["ok"] is False
        assert damages_of(reported) == case.damages, f"{case}{result}"
        assert reported["records"] == g.n_records - len(case.lost), f"{case}{result}"
        # Chunks that every reader refuses, and that a repair keeps all the same.
        restorable = [d for d in reported["damages"] if "restorable" in d]
        assert {number for d in restorable
                for number in range(d["first_record"], d["first_record"] + d["records"])} == case.kept


@pytest.mark.parametrize("threads", ["1", "2", "7"])
def test_threads_change_nothing(threads, tmp_path):
    sound = Sound(golden.get("text.groupsize1-uncompressed.array_record").path)
    case = sound.several()
    path = tmp_path / "x.array_record"
    path.write_bytes(case.content)
    result, reported = verified(path, "--threads", threads)
    assert result.code == 5 and damages_of(reported) == case.damages, result


def test_as_text(tmp_path):
    sound = Sound(TEXT.path)
    path = tmp_path / "x.array_record"
    path.write_bytes(sound.data(2).content)
    ((offset, length, _, _),) = sound.data(2).damages
    result = arec("verify", path)
    assert (result.code, result.err) == (5, ""), result
    one, two = result.out.decode().splitlines()
    assert re.fullmatch(rf"{re.escape(str(path))}: at {offset}: {length} bytes damaged: [^;]+; "
                        r"records 200:300 lost", one), one
    assert two == f"{path}: damaged, 600 records in 6 chunks are sound"

    path.write_bytes(sound.without_footer().content)
    assert "an unknown number of records from 700 on lost\n" in arec("verify", path).out.decode()
    # Without an index, records after a gap move up.
    gap = Sound(PLAIN.path).header(0)
    path.write_bytes(gap.content)
    assert ("an unknown number of records from 0 on lost, those after it are numbered from 0\n"
            in arec("verify", "--kind=riegeli", path).out.decode())
    path.write_bytes(sound.footer_data().content)
    assert "; no records lost\n" in arec("verify", path).out.decode()


def test_each_flip_within_small_chunks_is_named(tmp_path):
    """Whichever byte is flipped, exactly one damage covers it, and the records around it are sound."""
    g = golden.get("mixed_empty.groupsize17-snappy.array_record")
    sound = Sound(g.path)
    chunk = sound.chunks[3]
    path = tmp_path / g.name
    for position in range(chunk.begin, chunk.begin + 60):
        path.write_bytes(flipped(sound.content, position))
        result, reported = verified(path)
        assert result.code == 5, result
        assert damages_of(reported) == ((chunk.begin, chunk.end - chunk.begin, 51, 17),), position


def test_an_index_that_cannot_be_used_is_a_damage(tmp_path):
    """Two files, one after the other: each chunk is sound, but the footer lists other chunks."""
    path = tmp_path / "two.array_record"
    other = golden.get("text.groupsize64-snappy.array_record")
    path.write_bytes(TEXT.path.read_bytes() + other.path.read_bytes())
    first = TEXT.path.stat().st_size
    result, reported = verified(path)
    assert result.code == 5 and not reported["ok"], result
    footer, postscript = reported["damages"]  # of the first file
    assert footer["offset"] < postscript["offset"] == first - 65536
    for damage in (footer, postscript):
        assert (damage["reason"], damage["records"]) == ("a footer or postscript that belongs elsewhere", None)
    assert reported["records"] == TEXT.n_records + other.n_records
    assert arec("info", path).code == 5


def knows_holes(path):
    """Whether the filesystem reports that @path, of 1 TiB, consists of holes almost entirely."""
    with open(path, "rb") as file:
        try:
            return os.lseek(file.fileno(), 1 << 30, os.SEEK_DATA) > 1 << 31
        except OSError as error:
            return error.errno == errno.ENXIO


@pytest.mark.parametrize("g", [TEXT, PLAIN], ids=by_name)
@pytest.mark.parametrize("command", [["verify"], ["repair", "--reencode", "-o", "{out}"], ["info", "--recover"],
                                     ["cat", "--recover"]], ids=lambda command: command[0])
def test_a_terabyte_of_holes(g, command, tmp_path):
    """A sound file that was extended to 1 TiB: the extension is skipped, not read."""
    path, out = tmp_path / g.name, tmp_path / "out.array_record"
    content = g.path.read_bytes()
    path.write_bytes(content)
    os.truncate(path, 1 << 40)
    if not knows_holes(path):
        pytest.skip("this filesystem does not report holes")
    result = arec(*(word.format(out=out) for word in command), "-v", path)
    assert result.code == 5 if command[0] == "verify" else result.code in (0, 5), result
    reads, size = map(int, re.search(r"(\d+) reads of (\d+) bytes", result.err).groups())
    assert reads < 200, result.err
    assert size < 6 * len(content), result.err
    if command[0] == "verify":
        _, reported = verified(path)
        assert reported["records"] == g.n_records
        (damage,) = reported["damages"]
        # The damage begins where the file ended, or ends within the block in which the file ended.
        assert damage["offset"] <= len(content)
        assert damage["offset"] + damage["length"] == 1 << 40
    if command[0] == "repair":
        assert verified(out)[1] == {"path": str(out), "ok": True, "records": g.n_records, "damages": []}


# ---- kinds, recovered and forced --------------------------------------------------------------


def test_kind_decides_the_meaning_of_the_end(tmp_path):
    sound = Sound(TEXT.path)
    bookkeeping = sound.footer.n_records + sound.postscript.n_records
    _, reported = verified(TEXT.path, "--kind=riegeli")
    assert reported["ok"] and reported["records"] == 700 + bookkeeping
    result, reported = verified(PLAIN.path, "--kind=array_record")
    assert result.code == 5
    assert damages_of(reported) == ((PLAIN.path.stat().st_size, 0, 700, None),)


def test_name_decides_without_a_postscript(tmp_path):
    """The same bytes are a damaged ArrayRecord file under such a name, and a sound plain file under another."""
    content = Sound(TEXT.path).without_footer().content
    (tmp_path / "x.array_record").write_bytes(content)
    (tmp_path / "x.riegeli").write_bytes(content)
    assert verified(tmp_path / "x.array_record")[0].code == 5
    assert verified(tmp_path / "x.riegeli")[0].code == 0


# ---- failures ---------------------------------------------------------------------------------


def test_files_that_cannot_be_verified(tmp_path):
    (tmp_path / "text").write_bytes(b"text\n" * 30_000)
    (tmp_path / "empty").write_bytes(b"")
    for path, code in [(tmp_path / "absent", 3), (tmp_path / "text", 4), (tmp_path / "empty", 4)]:
        result = arec("verify", path)
        assert (result.code, result.out) == (code, b""), result
        assert re.fullmatch(r"arec: [^\n]*" + path.name + r"[^\n]*\n", result.err), result
    assert arec("verify").code == 2
    assert arec("verify", "--no-such-option", TEXT.path).code == 2


def test_other_files_are_verified_all_the_same(tmp_path):
    (tmp_path / "text").write_bytes(b"text\n" * 30_000)
    result = arec("verify", "--json", tmp_path / "text", TEXT.path)
    assert result.code == 4, result
    reported = json.loads(result.out)
    assert reported[-1]["ok"] is True and reported[-1]["path"] == str(TEXT.path)
    assert [one["ok"] for one in reported[:-1]] == [False] * (len(reported) - 1)


def test_every_byte_lost(tmp_path):
    path = tmp_path / "x.array_record"
    for content in (b"", bytes(65536), bytes(200_000), b"text" * 40_000):
        path.write_bytes(content)
        result, reported = verified(path)
        assert result.code == 5, result
        assert reported["records"] == 0
        assert damages_of(reported) == ((0, len(content), 0, None),), result


def test_damage_outranks_an_absent_file(tmp_path):
    damaged = tmp_path / "x.array_record"
    damaged.write_bytes(Sound(TEXT.path).data(1).content)
    for files in ([tmp_path / "absent", damaged, TEXT.path], [damaged, tmp_path / "absent"]):
        assert arec("verify", *files).code == 5
    assert arec("verify", TEXT.path, tmp_path / "absent").code == 3


def test_quiet_prints_failures_only(tmp_path):
    damaged = tmp_path / "x.array_record"
    damaged.write_bytes(Sound(TEXT.path).data(1).content)
    result = arec("verify", "-q", TEXT.path, damaged, TEXT.path)
    assert result.code == 5 and result.err == "", result
    first, second = result.out.decode().splitlines()
    assert first.startswith(f"{damaged}: at ") and second.startswith(f"{damaged}: damaged, "), result
    assert arec("verify", "-q", TEXT.path).out == b""


def test_a_slice_is_reported_as_such():
    result = arec("verify", f"{TEXT.path}[5:9]")
    assert result.code == 0 and result.out.endswith(b"are sound (of the whole file, not only of 5:9)\n"), result
    (reported,) = json.loads(arec("verify", "--json", f"{TEXT.path}[5:9]").out)
    assert reported["selected"] == [5, 9] and reported["records"] == 700
    # In the words of info, ls and cat.
    result = arec("verify", f"{TEXT.path}[5:701]")
    assert result.code == 2 and "out of bounds" in result.err, result
