"""arec repair: the copy holds all that is sound, byte for byte, and what was lost is reported."""

import json
import os
import re

import pytest

import golden
from container import BLOCK, Container
from damaged import Sample, Sound, flipped
from program import arec, can_read, succeeds
from sanitized import sample

READABLE = [g for g in golden.ALL if can_read(g)]
SAMPLE = Sample(READABLE)
LISTED = [g for g in READABLE if g.kind == "array_record"]
PLAIN = [g for g in READABLE if g.kind == "riegeli"]
TEXT = golden.get("text.groupsize100-brotli6.array_record")
UNEVEN = golden.get("text.uncompressed.riegeli")


def by_name(g):
    return g.name


def check_copy(g, path, numbers):
    """Checks that @path is a sound ArrayRecord file of the records @numbers of @g."""
    data, at = succeeds("cat", "--kind=array_record", path), 0
    for number in numbers:
        g.check(number, data[at:at + g.sizes[number]])
        at += g.sizes[number]
    assert at == len(data)
    (reported,) = json.loads(succeeds("verify", "--json", path))
    assert reported["ok"] and reported["records"] == len(numbers)
    lines = succeeds("ls", path).decode().splitlines()
    assert lines == [f"{i} {g.sizes[number]}" for i, number in enumerate(numbers)]


def check_report(result, path, out, case):
    """Checks that there is one line for each damage, in the words of verify, and one for the total."""
    *damages, last = result.err.splitlines()
    assert damages == [f"arec: {line}" for line in arec("verify", path).out.decode().splitlines()[:-1]], result
    assert len(damages) == len(case.damages), result
    for line, (offset, length, _, _) in zip(damages, case.damages):
        assert line.startswith(f"arec: {path}: at {offset}: {length} bytes damaged: "), result
        assert line.endswith(" cannot be read, a repair keeps them") == bool(case.kept), result
    lost = sum(d[3] or 0 for d in case.damages if not case.kept)
    more = " and an unknown number more" if case.unknown else ""
    assert re.fullmatch(rf"arec: {re.escape(str(out))}: \d+ records in \d+ sound chunks kept, "
                        rf"{lost} records{more} lost", last), result


def is_even(sound, numbers):
    """Whether all chunks but the last hold as many of these records as the first."""
    groups = [c.n_records for i, c in enumerate(sound.chunks) if sound.first[i] in numbers]
    return all(n == groups[0] for n in groups[:-1]) and (not groups or groups[-1] <= groups[0])


# ---- every damage -----------------------------------------------------------------------------


@pytest.mark.parametrize("g", READABLE, ids=by_name)
def test_each_damage_is_repaired(g, tmp_path):
    sound = Sound(g.path)
    path, out = tmp_path / g.name, tmp_path / "out.array_record"
    for case in SAMPLE.of(g, sound):
        if case.name == "signature" and sound.size == 64:
            continue  # nothing is left that shows what the file was
        path.write_bytes(case.content)
        lost = case.lost - case.kept
        numbers = [i for i in range(g.n_records) if i not in lost]
        if not is_even(sound, numbers):
            check_asks_for_reencoding(path, out)
            result = arec("repair", "--reencode", "-o", out, path)
        else:
            result = arec("repair", "-o", out, path)
        assert result.out == b""
        assert result.code == (5 if lost or case.unknown else 0), f"{case}{result}"
        check_report(result, path, out, case)
        check_copy(g, out, numbers)
        assert path.read_bytes() == case.content
        out.unlink()
    assert set(os.listdir(tmp_path)) <= {g.name}


def check_asks_for_reencoding(path, out):
    result = arec("repair", "-o", out, path)
    # The fault is the file's, not the command line's.
    assert result.code == 1 and "--reencode" in result.err.splitlines()[-1], result
    assert not out.exists()


@pytest.mark.parametrize("g", sample(LISTED, 3), ids=by_name)
def test_a_sound_file_is_copied(g, tmp_path):
    """Chunks are copied as they are stored, metadata and options included."""
    out = tmp_path / "out.array_record"
    result = arec("repair", "-o", out, g.path)
    assert (result.code, result.out) == (0, b""), result
    before, after = Container(g.path), Container(out)
    assert [c.kind for c in after.chunks] == [c.kind for c in before.chunks]
    for a, b in zip(before.chunks, after.chunks):
        if a.kind in "rtm" and a not in (before.footer, before.postscript):
            assert (a.begin, before.data(a)) == (b.begin, after.data(b))
    check_copy(g, out, range(g.n_records))
    assert arec("info", "--json", out).out.replace(os.fsencode(out), b"") == arec(
        "info", "--json", g.path).out.replace(os.fsencode(g.path), b"")


@pytest.mark.parametrize("g", PLAIN, ids=by_name)
def test_a_plain_file_is_reencoded(g, tmp_path):
    out = tmp_path / "out.array_record"
    assert arec("repair", "--reencode", "-o", out, g.path).code == 0
    check_copy(g, out, range(g.n_records))
    chunks = [c.n_records for c in Container(out).user_chunks]
    first = next((c.n_records for c in Container(g.path).user_chunks), 1)
    assert all(n == first for n in chunks[:-1]) and all(n <= first for n in chunks)


@pytest.mark.parametrize("g", [TEXT, UNEVEN], ids=by_name)
def test_threads_do_not_change_what_is_reencoded(g, tmp_path):
    contents = []
    for n in (1, 2, 8):
        out = tmp_path / f"{n}.array_record"
        assert arec("repair", "--reencode", f"--threads={n}", "-o", out, g.path).code == 0
        contents.append(out.read_bytes())
    assert contents[0] == contents[1] == contents[2]


def test_reencoded_files_name_their_options(tmp_path):
    out = tmp_path / "out.array_record"
    assert arec("repair", "--reencode", "-o", out, TEXT.path).code == 0
    (info,) = json.loads(succeeds("info", "--json", out))
    assert info["options"] == ("group_size:100,transpose:false,pad_to_block_boundary:false,brotli:6,max_parallelism:1")


def test_uneven_chunks_need_reencoding(tmp_path):
    out = tmp_path / "out.array_record"
    check_asks_for_reencoding(UNEVEN.path, out)
    assert os.listdir(tmp_path) == []


def test_a_lost_first_chunk_does_not_decide(tmp_path):
    """The chunks that are left are even, however many records the lost one held."""
    sound = Sound(UNEVEN.path)
    sizes = [c.n_records for c in sound.chunks]
    # A chunk of few records before one of more.
    i = next(i for i in range(len(sizes)) if sizes[i] < sizes[i + 1])
    path, out = tmp_path / "x.riegeli", tmp_path / "out.array_record"
    lost = [c.position(5) for c in sound.chunks[:i]]
    content = sound.content[:sound.chunks[i + 1].end]
    path.write_bytes(flipped(content, *lost))
    check_asks_for_reencoding(path, out)
    path.write_bytes(flipped(content, *lost, sound.chunks[i].position(5)))
    result = arec("repair", "-o", out, path)
    assert result.code == 5, result
    assert [c.n_records for c in Container(out).user_chunks] == [sizes[i + 1]]


def test_blocks_that_have_gone(tmp_path):
    """Chunks and headers around them are sound; only the postscript tells, which was farther behind."""
    g = golden.get("random.groupsize10-snappy-padtoblockboundarytrue.array_record")
    sound = Sound(g.path)
    begin, end = sound.chunks[1].begin, sound.chunks[2].begin
    assert begin % BLOCK == end % BLOCK == 0
    path, out = tmp_path / g.name, tmp_path / "out.array_record"
    path.write_bytes(sound.content[:begin] + sound.content[end:])
    result = arec("repair", "-o", out, path)
    assert result.code == 5, result
    assert result.err.endswith(" 0 records and an unknown number more lost\n"), result
    check_copy(g, out, [i for i in range(g.n_records) if i not in sound.records(1)])


def test_quiet(tmp_path):
    path, out = tmp_path / "x.array_record", tmp_path / "out.array_record"
    path.write_bytes(TEXT.path.read_bytes())
    result = arec("repair", "-q", "-o", out, path)
    assert (result.code, result.out, result.err) == (0, b"", "")


# ---- the command line -------------------------------------------------------------------------


def test_a_range_is_refused(tmp_path):
    out = tmp_path / "out.array_record"
    for text in ("[5:9]", "[:7]", "[7]"):
        result = arec("repair", "-o", out, f"{TEXT.path}{text}")
        assert (result.code, result.err) == (
            2, f"arec: repair: {TEXT.path}{text}: a file is repaired as a whole, without a range; "
               "try 'arec repair --help'\n")
    path = tmp_path / "x.array_record[5:9]"
    path.write_bytes(TEXT.path.read_bytes())
    assert arec("repair", "-o", out, path).code == 0
    assert sorted(os.listdir(tmp_path)) == [out.name, path.name]


def test_input_is_output(tmp_path):
    """The damaged original may be the only copy: it is not replaced by what was found in it."""
    sound = Sound(TEXT.path)
    path, link = tmp_path / "x.array_record", tmp_path / "link"
    case = sound.data(1)
    path.write_bytes(case.content)
    os.link(path, link)
    for out in (path, link):
        for force in ([], ["-f"]):
            result = arec("repair", *force, "-o", out, path)
            assert result.code == 2 and "the same file" in result.err, result
            assert path.read_bytes() == case.content and os.stat(path).st_nlink == 2
    assert sorted(os.listdir(tmp_path)) == ["link", path.name]


def test_json(tmp_path):
    sound = Sound(TEXT.path)
    path, out = tmp_path / "x.array_record", tmp_path / "out.array_record"
    case = sound.data(1)
    path.write_bytes(case.content)
    result = arec("repair", "--json", "-o", out, path)
    reported = json.loads(result.out)
    assert (result.code, result.err) == (5, ""), result
    (damage,) = reported.pop("damages")
    assert (damage["offset"], damage["length"], damage["first_record"], damage["records"]) == case.damages[0]
    assert 0 <= reported.pop("seconds") < 600
    assert reported == {"path": str(path), "out": str(out), "written": True, "records": 600, "chunks": 6,
                        "lost": 100, "lost_unknown": False, "file_size": out.stat().st_size}
    result = arec("repair", "--json", "-o", out, path)
    assert result.code == 1 and json.loads(result.out)["written"] is False, result
    assert result.err.count("\n") == 1, result


def test_wrong_command_lines(tmp_path):
    out = tmp_path / "out.array_record"
    for args in (["repair"], ["repair", TEXT.path], ["repair", "-o", out],
                 ["repair", "-o", out, TEXT.path, TEXT.path]):
        result = arec(*args)
        assert result.code == 2 and result.err.count("\n") == 1, result
    assert arec("repair", "-o", out, tmp_path / "absent").code == 3
    (tmp_path / "text").write_bytes(b"text\n" * 30_000)
    assert arec("repair", "-o", out, tmp_path / "text").code == 4
    assert os.listdir(tmp_path) == ["text"]
