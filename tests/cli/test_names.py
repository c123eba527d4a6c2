"""Names that files keep of their records: from `arec pack` through ls and repair to `arec unpack`, and hostile ones."""

import io
import json
import os
import re
import sys
import tarfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

import forge  # noqa: E402
from container import Container  # noqa: E402
from damaged import flipped  # noqa: E402
from program import arec, succeeds  # noqa: E402

TREE = {"a.txt": b"one", "sub/b.bin": b"", "sub/deep/c": b"three " * 50, "sub/deep/\xff\n": b"four", ".hidden/x": b"5"}
# In the order in which they are packed.
ORDER = [".hidden/x", "a.txt", "sub/b.bin", "sub/deep/c", "sub/deep/\udcff\n"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_tree(root="in"):
    for name, data in TREE.items():
        path = Path(root, os.fsdecode(name.encode("latin-1")))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def files_below(root):
    """{path: bytes} of all files below @root."""
    found = {}
    for at, folders, names in os.walk(root):
        for name in folders + names:
            path = Path(at, name)
            assert not path.is_symlink()
            if path.is_file():
                found[os.fspath(path.relative_to(root))] = path.read_bytes()
    return found


def content():
    return {os.fsdecode(name.encode("latin-1")): data for name, data in TREE.items()}


def names_of(path):
    """The names as `ls --json` shows them; None where it shows none."""
    return [json.loads(line).get("name") for line in succeeds("ls", "--json", path).decode().splitlines()]


def hostile(names, body=None, records=None):
    """The file x.array_record of a record for each of @names, which holds its number."""
    data = [b"%d" % i for i in range(len(names))] if records is None else records
    Path("x.array_record").write_bytes(
        forge.array_record(data, None, names=forge.names_body(names) if body is None else body))
    return data


# ---- there and back ---------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["group_size:1", "group_size:2,uncompressed", "group_size:100,brotli",
                                     "snappy,pad_to_block_boundary:true"])
def test_a_tree_there_and_back(options):
    make_tree()
    succeeds("pack", "-qo", "x", "--options", options, "--store-names", "in")
    assert names_of("x") == [os.fsencode(name).decode(errors="replace") for name in ORDER]
    succeeds("unpack", "-q", "x", "out")
    assert files_below("out") == content()
    succeeds("unpack", "-q", "--names=stored", "x", "again", "1:3")
    assert sorted(files_below("again")) == ORDER[1:3]
    with tarfile.open(fileobj=io.BytesIO(succeeds("unpack", "-q", "--tar", "x")), encoding="utf-8",
                      errors="surrogateescape") as tar:
        assert {m.name: tar.extractfile(m).read() for m in tar} == content()
    succeeds("unpack", "-q", "--names=padded", "x", "numbers")
    assert sorted(files_below("numbers")) == ["0", "1", "2", "3", "4"]
    (verified,) = json.loads(succeeds("verify", "--json", "x"))
    assert verified["ok"] and verified["records"] == 5


def test_names_are_not_stored_by_default():
    make_tree()
    succeeds("pack", "-qo", "x", "in")
    assert names_of("x") == [None] * 5
    assert len(succeeds("ls", "-l", "x").splitlines()[0].split(b" ")) == 5
    succeeds("unpack", "-q", "x", "out")
    assert sorted(files_below("out")) == ["0", "1", "2", "3", "4"]


def test_ls():
    hostile([b"a b", b"\x1b[31m\n"])
    assert succeeds("ls", "-l", "x.array_record") == \
        b"0 1 0 64 x.array_record a b\n" + rb"1 1 1 108 x.array_record \x1B[31m\x0A" + b"\n"
    assert succeeds("ls", "x.array_record") == b"0 1\n1 1\n"
    assert names_of("x.array_record") == ["a b", "\x1b[31m\n"]
    assert names_of("x.array_record[1:]") == ["\x1b[31m\n"]


@pytest.mark.parametrize("args,names", [
    (["in"], ["a", "b/c"]), (["in/"], ["a", "b/c"]), (["in/b", "in"], ["c", "a", "b/c"]), (["."], ["in/a", "in/b/c"]),
    (["in/a"], ["in/a"]), (["./in/a", "../{here}/in/b/c"], ["in/a", "{here}/in/b/c"]), (["{abs}/in/a"], ["{rel}/in/a"]),
    (["{abs}/in"], ["a", "b/c"]), (["empty", "in/b"], ["c"]), (["in/b", "empty", "in/a"], ["c", "in/a"]),
], ids=str)
def test_names_of_inputs(args, names):
    Path("in/b").mkdir(parents=True)
    Path("empty").mkdir()
    Path("in/a").write_bytes(b"1")
    Path("in/b/c").write_bytes(b"2")
    here = Path.cwd()
    words = {"here": here.name, "abs": str(here), "rel": str(here)[1:]}
    expected = [name.format(**words) for name in names]
    succeeds("pack", "-qo", "../x", "--store-names", "--write-names=../names", *[arg.format(**words) for arg in args])
    try:
        # `./in/a` keeps its part `.`, which unpack leaves out.
        assert [os.path.normpath(name) for name in names_of("../x")] == expected
        stored = Path("../names").read_bytes()
        assert stored == b"".join(name.encode() + b"\0" for name in names_of("../x"))
    finally:
        os.unlink("../x")
        os.unlink("../names")


def test_the_file_of_names():
    make_tree()
    succeeds("pack", "-qo", "x", "--write-names", "names", "in")
    assert names_of("x") == [None] * 5  # only there
    assert Path("names").read_bytes() == b"".join(os.fsencode(name) + b"\0" for name in ORDER)
    before = Path("x").read_bytes()
    result = arec("pack", "-fqo", "x", "--write-names", "in", "in")
    assert (result.code, result.err) == (1, "arec: in: is no file; names are not written to it\n"), result
    result = arec("pack", "-qo", "y", "--write-names", "names", "in")
    assert (result.code, result.err) == (1, "arec: names: exists; -f replaces it\n"), result
    assert Path("x").read_bytes() == before and not Path("y").exists()
    for out, options, same in [("y", "-qo", "./y"), ("x", "-fqo", "in/../x")]:
        result = arec("pack", options, out, "--write-names", same, "in")
        assert result.code == 2 and result.err.endswith(": --write-names: is the output itself\n"), result
    assert Path("x").read_bytes() == before and not Path("y").exists()
    os.symlink(".", "here")
    for options in ["-qo", "-fqo"]:  # without an old y, and with one
        result = arec("pack", options, "y", "--write-names", "here/y", "in")  # seen when it is there
        assert (result.code, result.err) == (
            1, "arec: here/y: came to be while records were written; names are not written\n"), result
        assert Path("y").read_bytes() == before
    succeeds("pack", "-fqo", "y", "--write-names", "names", "in")
    result = arec("pack", "-fqo", "y", "--write-names=-", "in")
    assert result.code == 2 and not Path("-").exists()


def test_records_without_names():
    Path("lines").write_bytes(b"a\nb\n")
    for option in ["--store-names", "--write-names=names"]:
        result = arec("pack", "-qo", "x", "--from=lines", option, "lines")
        word = option.split("=")[0]
        assert (result.code, result.err) == (2, f"arec: {word}: has no meaning with --from=lines\n"), result
    assert os.listdir() == ["lines"]


# ---- names that cannot be used ----------------------------------------------------------------


@pytest.mark.parametrize("name,fault", [
    (b"/etc/x", "is absolute"), (b"../x", "has a part `..`"), (b"a/../../x", "has a part `..`"),
    (b"a//x", "has an empty part"), (b"x/", "has an empty part"), (b"a" * 256, "is too long"),
    (b"a/" * 2047 + b"xyz", "is too long"), (b".", "is that of a folder"),
    (b"good/x", "is the folder of another record"),
], ids=lambda value: value[:20].decode() if isinstance(value, bytes) else None)
@pytest.mark.parametrize("tar", [False, True])
def test_hostile_names(name, fault, tar):
    Path("inner").mkdir()
    hostile([b"good/x/y", name, b"z"])
    result = arec("unpack", "--tar", "x.array_record") if tar else arec("unpack", "x.array_record", "inner/out")
    if tar:
        with tarfile.open(fileobj=io.BytesIO(result.out)) as archive:
            found = {m.name: archive.extractfile(m).read() for m in archive}
    else:
        found = files_below("inner/out")
    assert found == {"good/x/y": b"0", "1": b"1", "z": b"2"}
    note, summary = result.err.splitlines()
    assert result.code == 5, result
    assert note == f"arec: the name of record 1 cannot be used, the number is: `{name.decode()}` {fault}"
    assert "3 files" in summary
    assert sorted(os.listdir()) == ["inner", "x.array_record"]
    assert os.listdir("inner") == ([] if tar else ["out"])


def test_one_note_for_all():
    hostile([b"/a", b"b", b"..", b"b/c", b""])
    result = arec("unpack", "-q", "x.array_record", "out")
    assert (result.code, result.err) == (
        5, "arec: the name of record 0 and of 2 more cannot be used, the number is: `/a` is absolute\n"), result
    assert files_below("out") == {"0": b"0", "1": b"1", "2": b"2", "b/c": b"3", "4": b"4"}


def test_duplicates():
    hostile([b"a", b"a", b"b/a", b"b/a", b"a"])
    succeeds("unpack", "-q", "x.array_record", "out")
    assert files_below("out") == {"a": b"0", "a.1": b"1", "b/a": b"2", "b/a.3": b"3", "a.4": b"4"}


def test_links_in_the_folder_are_not_followed():
    hostile([b"a/b/x"])
    Path("out/a").mkdir(parents=True)
    Path("outside").mkdir()
    Path("out/a/b").symlink_to(Path("outside").resolve())
    result = arec("unpack", "-qf", "x.array_record", "out")
    assert result.code == 1 and re.fullmatch(
        r"arec: out/a/b: cannot make the folder: .*; 0 of 1 files are there\n", result.err), result
    assert os.listdir("outside") == []
    # A link with the name of the file is replaced, not followed.
    os.unlink("out/a/b")
    Path("out/a/b").mkdir()
    Path("out/a/b/x").symlink_to(Path("outside/x").resolve())
    succeeds("unpack", "-qf", "x.array_record", "out")
    assert files_below("out") == {"a/b/x": b"0"} and os.listdir("outside") == []


def test_a_file_where_a_folder_is_wanted():
    hostile([b"a/x"])
    Path("out").mkdir()
    Path("out/a").write_bytes(b"mine")
    result = arec("unpack", "-qf", "x.array_record", "out")
    assert (result.code, result.err) == (
        1, "arec: out/a: cannot make the folder: Not a directory; 0 of 1 files are there\n"), result
    assert files_below("out") == {"a": b"mine"}


BAD_BODIES = {
    "too-few": (b"\0a\0", "1 names for 2 records"),
    "too-many": (b"\0a\0b\0c\0", "3 names for 2 records"),
    "no-end": (b"\0a\0b", "the last name has no end"),
    "empty": (b"", "the chunk of names has no data"),
    "compression": (b"?\2xx", "names of unknown compression 0x3f"),
    "huge": (b"z\xff\xff\xff\xff\x7f" + bytes(20), "34359738367 bytes of names, the limit is 1073741824"),
    "lie": (b"z\4\x28\xb5\x2f\xfd\x20\x03\x19\0\0abc", "the names are not as large as they say"),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_names_that_are_none(case):
    """They are ignored with one line, and the records stand."""
    body, reason = BAD_BODIES[case]
    hostile([], body=body, records=[b"one", b"two"])
    at = 64 + 2 * (40 + 3 + 3)  # after two chunks of three bytes each
    note = f"arec: x.array_record: at {at}: {reason}; the names are ignored\n"
    assert len(succeeds("ls", "-l", "x.array_record", err=note).splitlines()) == 2
    assert succeeds("cat", "x.array_record") == b"onetwo"
    result = arec("unpack", "x.array_record", "out")
    assert result.code == 5 and result.err.startswith(note), result
    assert files_below("out") == {"0": b"one", "1": b"two"}
    result = arec("unpack", "-q", "--names=stored", "x.array_record", "stored")
    assert result.code == 4 and not Path("stored").exists(), result
    succeeds("unpack", "-q", "--names=padded", "x.array_record", "padded")


# ---- repair -----------------------------------------------------------------------------------


def pack_many():
    """x, of 100 named records in groups of 10; the names."""
    Path("in").mkdir()
    for i in range(100):
        Path(f"in/{i:02}.txt").write_bytes(b"record %d " % i * 20)
    succeeds("pack", "-qo", "x", "--options", "group_size:10,uncompressed", "--store-names", "in")
    return [f"{i:02}.txt" for i in range(100)]


@pytest.mark.parametrize("options", [[], ["--reencode"]], ids=["copy", "reencode"])
def test_a_repaired_file_keeps_the_names_of_its_records(options):
    names = pack_many()
    chunk = Container(Path("x")).user_chunks[3]
    Path("x").write_bytes(flipped(Path("x").read_bytes(), chunk.position(50)))
    result = arec("repair", "-qo", "y", *options, "x")
    assert result.code == 5, result
    kept = names[:30] + names[40:]
    assert names_of("y") == kept
    succeeds("unpack", "-q", "y", "out")
    assert files_below("out") == {name: Path("in", name).read_bytes() for name in kept}


@pytest.mark.parametrize("options", [[], ["--reencode"]], ids=["copy", "reencode"])
def test_repair_without_names_that_can_be_used(options):
    hostile([], body=b"\0a\0", records=[b"one", b"two"])
    result = arec("repair", "-o", "y", *options, "x.array_record")
    note, summary = result.err.splitlines()
    assert result.code == 0 and note.endswith(": 1 names for 2 records; the copy has no names of records"), result
    assert names_of("y") == [None, None]


def test_repair_of_a_lost_footer():
    names = pack_many()
    Path("x").write_bytes(Path("x").read_bytes()[:Container(Path("x")).footer.begin])
    assert arec("repair", "-qo", "y", "x").code in (0, 5)
    assert names_of("y") == names
