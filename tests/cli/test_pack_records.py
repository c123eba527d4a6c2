"""arec pack of files that are ArrayRecord or plain Riegeli/records already: what the names mean, damage, the wrong kind."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

import golden  # noqa: E402
from program import arec, can_read, succeeds  # noqa: E402
from sanitized import sample  # noqa: E402

ARRAY_RECORD = golden.get("text.groupsize64-snappy.array_record")
PLAIN = golden.get("text.snappy-chunksize4K-padding64K.riegeli")
UNCOMPRESSED = golden.get("text.uncompressed.riegeli")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tests run in a folder of their own, so that messages name plain files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fails(code, err, *args):
    result = arec("pack", "-qo", "out", *args)
    assert (result.code, result.err, result.out) == (code, f"arec: {err}\n", b""), result
    assert not os.path.exists("out")


def packs(data, n, *args):
    """Packs quietly; the records of the output joined are @data, and there are @n."""
    succeeds("pack", "-qfo", "out", *args)
    assert succeeds("cat", "out") == data
    assert json.loads(succeeds("info", "--json", "out"))[0]["records"] == n


@pytest.mark.parametrize("g", sample([g for g in golden.ALL if can_read(g)], 1), ids=lambda g: g.name)
def test_golden_files(g):
    packs(succeeds("cat", g.path), g.n_records, "--from", g.kind, g.path)


def test_names():
    """A glob, a set of shards, a directory, a range, in the order of the command line."""
    whole = {}
    os.mkdir("d")
    for i in range(3):
        name = f"d/x.array_record-0000{i}-of-00003"
        shutil.copy(ARRAY_RECORD.path, name)
        whole[i] = succeeds("cat", f"{name}[{i}:{i + 2}]")
    one = succeeds("cat", ARRAY_RECORD.path)
    n = ARRAY_RECORD.n_records
    for name in ("d", "d/x.array_record@3", "d/x.*"):
        packs(one * 3, 3 * n, "--from=array_record", name)
    packs(whole[2] + whole[0], 4, "--from=array_record", "d/x.array_record-00002-of-00003[2:4]",
          "d/x.array_record-00000-of-00003[0:2]")
    Path("list").write_text("d/x.array_record-00001-of-00003[1:3]\n")
    packs(whole[1], 2, "--from=array_record", "--files-from=list")
    packs(b"", 0, "--from=array_record", "--files-from=/dev/null")
    os.unlink("d/x.array_record-00001-of-00003")
    result = arec("pack", "-fo", "out", "--from=array_record", "d")
    assert result.code == 0 and result.err.count("\n") == 2 and "00001" in result.err.splitlines()[0], result


def test_each():
    shutil.copy(ARRAY_RECORD.path, "a.array_record")
    shutil.copy(ARRAY_RECORD.path, "b.array_record-00000-of-00001")
    shutil.copy(PLAIN.path, "c.riegeli")
    succeeds("pack", "-q", "--each", "-o", "d", "--from=array_record", "--group-size=10", "a.array_record",
             "b.array_record-00000-of-00001")
    succeeds("pack", "-q", "--each", "-o", "d", "--from=riegeli", "c.riegeli")
    assert sorted(os.listdir("d")) == ["a.array_record", "b.array_record-00000-of-00001", "c.array_record"]
    assert succeeds("cat", "d/a.array_record") == succeeds("cat", ARRAY_RECORD.path)
    assert succeeds("cat", "d/c.array_record") == succeeds("cat", PLAIN.path)


def test_the_wrong_kind():
    shutil.copy(ARRAY_RECORD.path, "a.array_record")
    shutil.copy(PLAIN.path, "p.riegeli")
    Path("text").write_bytes(b"text\n" * 1000)
    fails(4, "p.riegeli: is a file of --from=riegeli, not array_record", "--from=array_record", "a.array_record", "p.riegeli")
    fails(4, "a.array_record: is a file of --from=array_record, not riegeli", "--from=riegeli", "a.array_record")
    for kind in ("array_record", "riegeli"):
        result = arec("pack", "-qo", "out", "--from", kind, "text")
        assert result.code == 4 and result.err.startswith("arec: text: at 0: "), result
        fails(3, "absent: No such file or directory", "--from", kind, "absent")
        fails(2, "-: records of such files are not read from standard input", "--from", kind, "-")
        fails(2, f"--exclude: has no meaning with --from={kind}", "--from", kind, "--exclude=x", "text")
    fails(2, "a.array_record: range 5:1000000 is out of bounds: there are "
             f"{ARRAY_RECORD.n_records} records, numbered from 0", "--from=array_record", "a.array_record[5:1000000]")
    # A plain file is one, whatever its name says.
    os.rename("p.riegeli", "p.array_record")
    packs(succeeds("cat", PLAIN.path), PLAIN.n_records, "--from=riegeli", "p.array_record")


def test_output_among_the_inputs():
    shutil.copy(ARRAY_RECORD.path, "a.array_record")
    before = succeeds("cat", "a.array_record")
    # It is replaced when all is read.
    succeeds("pack", "-qfo", "a.array_record", "--from=array_record", "--group-size=3", "a.array_record")
    assert succeeds("cat", "a.array_record") == before
    with open("a.array_record", "ab") as out:
        result = arec("pack", "-qo", "-", "--from=array_record", "a.array_record", stdout=out)
    assert (result.code, result.err) == (2, "arec: a.array_record: is the output\n"), result


def test_damaged_chunk():
    data = bytearray(ARRAY_RECORD.path.read_bytes())
    data[len(data) // 4] ^= 0xff
    Path("x.array_record").write_bytes(data)
    result = arec("pack", "-qo", "out", "--from=array_record", "x.array_record")
    assert result.code == 5 and result.err.startswith("arec: x.array_record: at "), result
    assert os.listdir() == ["x.array_record"]
    result = arec("pack", "-qo", "out", "--recover", "--json", "--from=array_record", "x.array_record")
    report = json.loads(result.out)
    assert (result.code, report["records"]) == (5, ARRAY_RECORD.n_records - 64), result
    assert [damage["path"] for damage in report["damages"]] == ["x.array_record"]
    lost = next(i for i in range(0, ARRAY_RECORD.n_records, 64) if arec("cat", "x.array_record", str(i)).code)
    kept = succeeds("cat", ARRAY_RECORD.path, f"0:{lost}", f"{lost + 64}:{ARRAY_RECORD.n_records}")
    assert succeeds("cat", "out") == kept


def test_plain_file_that_is_cut_off():
    Path("x.riegeli").write_bytes(UNCOMPRESSED.path.read_bytes()[:100_000])
    result = arec("pack", "-qo", "out", "--from=riegeli", "x.riegeli")
    assert result.code == 5 and "hold no sound chunk, their records are missing" in result.err, result
    assert os.listdir() == ["x.riegeli"]
    result = arec("pack", "-qo", "out", "--recover", "--from=riegeli", "x.riegeli")
    assert result.code == 5 and result.err.endswith(" hold no sound chunk; skipped\n"), result
    kept = arec("cat", "--recover", "x.riegeli")
    assert 0 < len(kept.out) < 100_000 and succeeds("cat", "out") == kept.out


def test_array_record_without_an_end():
    Path("x.array_record").write_bytes(ARRAY_RECORD.path.read_bytes()[:100_000])
    result = arec("pack", "-qo", "out", "--from=array_record", "x.array_record")
    assert result.code == 5 and "the file is cut off" in result.err, result
    assert not os.path.exists("out")
    result = arec("pack", "-qo", "out", "--recover", "--from=array_record", "x.array_record")
    assert result.code == 5, result
    assert succeeds("cat", "out") == arec("cat", "--recover", "x.array_record").out
