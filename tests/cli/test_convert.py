"""arec convert: which records it writes, with which options and in which order, what it copies, and each way to fail.

What it makes is compared with the wheel's reading and writing in tests/interop/test_convert.py; here with arec's own.
"""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

import golden
from container import Container
from program import AREC, TIMEOUT, arec, records_of, succeeds
from sanitized import sample

# A and B differ in everything but the codec; C is as A is.
A = [b"a%d" % i * (i % 7) for i in range(100)]
B = [b"b%d" % i for i in range(30)]
OPTIONS = "group_size:10,transpose:false,pad_to_block_boundary:false,zstd:2,window_log:20"
JSON_KEYS = ["path", "records", "chunks", "group_size", "codec", "transposed", "decoded_size", "file_size", "options",
             "skipped", "damages", "seconds", "shards"]


def make(path, records, options):
    os.makedirs("lines", exist_ok=True)
    Path("lines/x").write_bytes(b"".join(record + b"\n" for record in records))
    succeeds("pack", "-qfo", path, "--from=lines", "--options", options, "lines/x")
    os.remove("lines/x")
    os.rmdir("lines")
    return Path(path)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tests run in a folder of their own, so that messages name plain files."""
    monkeypatch.chdir(tmp_path)
    make("a", A, "group_size:10,zstd:2")
    make("b", B, "group_size:7,brotli:3")
    return tmp_path


def fails(code, err, *args, **options):
    result = arec("convert", *args, **options)
    assert (result.code, result.err, result.out) == (code, f"arec: {err}\n", b""), result


def converts(records, *args, out="out", err="", **options):
    """Converts quietly, and compares the records."""
    succeeds("convert", "-qfo", out, *args, err=err, **options)
    succeeds("verify", out)
    assert records_of(out) == records


def details(*args):
    """The lines that -v adds, but for those of all commands."""
    result = arec("convert", "-v", *args)
    assert result.code == 0, result
    return [line.removeprefix("arec: ") for line in result.err.splitlines()[:-1]]


def copied(*args):
    """(chunks copied, chunks) as -v tells them."""
    (match,) = filter(None, (re.fullmatch(r"out: (\d+) of (\d+) chunks copied as they are", line)
                             for line in details("-fo", "out", *args)))
    return int(match[1]), int(match[2])


def info(path):
    return json.loads(succeeds("info", "--json", path))[0]


# ---- which records ----------------------------------------------------------------------------


def test_files_are_one_sequence():
    converts(A, "a")
    converts(A + B + A, "a", "b", "a")
    converts(A[3:7] + B[28:], "a[3:7]", "b[-2:]")
    os.mkdir("d")
    for i in (0, 1, 2):
        make(f"d/s.array_record-0000{i}-of-00003", B[10 * i:10 * i + 10], "group_size:5")
    converts(B, "d/s.array_record@3")
    converts(B, "d/s.array_record-*")
    converts(B, "d")
    converts(B[1:3] + B[11:13] + B[21:23], "d/s.array_record@3[1:3]")
    os.remove("d/s.array_record-00001-of-00003")
    result = arec("convert", "-fo", "out", "d")
    assert result.code == 0 and "00001" in result.err.splitlines()[0], result
    assert records_of("out") == B[:10] + B[20:]


@pytest.mark.parametrize("text, numbers", [
    ("7", [7]), ("3:5", [3, 4]), (":2,-1", [0, 1, 129]), ("5:7,0,6", [5, 6, 0, 6]), ("98:103", range(98, 103)), ("4:4", [])], ids=str)
def test_records(text, numbers):
    for args in ([], ["--no-copy"]):
        converts([(A + B)[i] for i in numbers], "a", "b", f"--records={text}", *args)


def test_a_plain_file_is_converted():
    g = golden.get("text.snappy-chunksize4K-padding64K.riegeli")
    succeeds("convert", "-qo", "out", g.path)
    assert succeeds("cat", "out") == succeeds("cat", g.path)
    assert (info("out")["kind"], info("out")["codec"], info("out")["group_size"]) == ("array_record", "snappy", 11)


# ---- the order --------------------------------------------------------------------------------


def test_shuffle():
    """The same seed gives the same order, whatever the options and the memory."""
    make("c", [b"%d" % i for i in range(8)], "group_size:3")
    converts([b"%d" % i for i in (2, 6, 4, 3, 5, 7, 0, 1)], "c", "--shuffle=1")
    make("c", [b"%d" % i for i in range(1000)], "group_size:7")
    make("d", [b"%d" % i for i in range(1000)], "group_size:1")
    converts([b"%d" % i for i in range(1000)], "c")
    succeeds("convert", "-qfo", "out", "--shuffle=5", "c")
    order = records_of("out")
    assert sorted(order, key=int) == [b"%d" % i for i in range(1000)] and order[:50] != sorted(order, key=int)[:50]
    for args in (["--threads=1"], ["--limit-memory=1"], ["--limit-memory=20K"], ["--options=group_size:1"], ["--no-copy"],
                 ["--reader-options=index_storage_option:offloaded"]):
        converts(order, "--shuffle=5", "c", *args)
        converts(order, "d", "--shuffle=5", *args)
    succeeds("convert", "-qfo", "out", "--shuffle=6", "c")
    assert records_of("out") != order


def test_shuffle_of_some():
    succeeds("convert", "-qfo", "out", "--shuffle=3", "a", "b", "--records=90:110,5,:3")
    assert sorted(records_of("out")) == sorted((A + B)[90:110] + [A[5]] + A[:3])
    converts([], "a", "--shuffle", "--records=0:0")


def test_a_seed_at_random_is_told():
    first = details("-fo", "out", "--shuffle", "a")[0]
    assert re.fullmatch(r"--shuffle=\d+", first)
    converts(records_of("out"), "a", first, out="again")
    assert details("-fo", "out", "--shuffle", "a")[0] != first


def highest_memory(process):
    """The most KiB that @process has had in memory by the time it ends; reads its standard output."""
    highest = 0
    while process.stdout.read(1 << 20):
        status = Path(f"/proc/{process.pid}/status").read_text()
        highest = int((re.search(r"VmHWM:\s+(\d+)", status) or [0, highest])[1])
    return highest


def test_memory_of_a_shuffle_is_bounded():
    """A file of 120 MB, in chunks of 1 MB."""
    block = bytes(range(256)) * 4
    make("big", [(b"%d " % i + block).replace(b"\n", b"")[:1000] for i in range(120_000)], "group_size:1000,snappy")
    with subprocess.Popen([AREC, "convert", "-qo", "-", "--shuffle=1", "--limit-memory=16M", "--threads=1",
                           "--codec=uncompressed", "big"], stdout=subprocess.PIPE) as process:
        highest = highest_memory(process)
    assert process.returncode == 0
    if not os.environ.get("AREC_SANITIZE"):
        assert 0 < highest < (16 + 32) * 1024


# ---- the options ------------------------------------------------------------------------------


@pytest.mark.parametrize("args, options", [
    ([], OPTIONS),
    (["--group-size=3"], OPTIONS.replace("group_size:10", "group_size:3")),
    (["--codec=snappy"], OPTIONS.replace("zstd:2,window_log:20", "snappy")),
    (["--codec=brotli:1", "--group-size=2"], "group_size:2,transpose:false,pad_to_block_boundary:false,brotli:1"),
    (["--transpose"], OPTIONS.replace("transpose:false,pad_to_block_boundary:false",
                                      "transpose:true,pad_to_block_boundary:false,transpose_bucket_size:256")),
    (["--profile=archive"], "group_size:1000,transpose:false,pad_to_block_boundary:false,brotli:9"),
    (["--profile=balanced", "--options=zstd:9"],
     "group_size:100,transpose:false,pad_to_block_boundary:false,zstd:9,window_log:20"),
    (["--options="], "group_size:1,transpose:false,pad_to_block_boundary:false,zstd:3,window_log:20"),
    (["--options=group_size:4"], "group_size:4,transpose:false,pad_to_block_boundary:false,zstd:3,window_log:20"),
    (["--options=snappy", "--group-size=5"], "group_size:5,transpose:false,pad_to_block_boundary:false,snappy")], ids=str)
def test_options(args, options):
    """Those of the first file, but for what is given; an option string gives everything."""
    converts(A + B, "a", "b", *args)
    assert info("out")["options"] == options + ",max_parallelism:1"
    told = [line for line in details("-fo", "out", "a", "b", *args) if "options are taken" in line]
    assert told == ([] if any("--options" in arg or "--profile" in arg for arg in args) else [f"a: the options are taken from it: {options}"])


def test_padding_is_an_option_of_the_first_file():
    make("p", A, "group_size:50,pad_to_block_boundary:true")
    converts(A, "p")
    assert Path("out").read_bytes() == Path("p").read_bytes()


def test_the_same_bytes_for_all_threads():
    make("c", [b"record %d" % (i * i) for i in range(5000)], "group_size:100")
    files = set()
    for threads in ("0", "1", "2", "8", "auto"):
        succeeds("convert", "-qfo", "out", "--group-size=10", "--threads", threads, "c")
        files.add(Path("out").read_bytes())
    assert len(files) == 1


# ---- copying ----------------------------------------------------------------------------------


def test_what_is_copied():
    make("c", A[:25], "group_size:10,zstd:2")
    assert copied("a") == (10, 10)
    assert Path("out").read_bytes() == Path("a").read_bytes()
    assert copied("a", "--no-copy") == (0, 10)
    assert copied("a", "--options", OPTIONS) == (10, 10)
    assert copied("a", "--codec=zstd:3") == (0, 10)
    assert copied("a", "--group-size=5") == (0, 20)
    assert copied("a", "b") == (10, 13)
    assert copied("b", "a") == (4, 19)
    assert copied("a", "c") == (13, 13)
    assert copied("c", "a") == (2, 13)  # nothing behind the short chunk begins where a group does
    assert copied("a", "--records=20:50") == (3, 3)
    assert copied("a", "--records=25:50") == (0, 3)
    assert copied("a", "--records=20:55") == (3, 4)
    assert copied("a", "--records=50:60,0:20") == (3, 3)
    assert copied("a", "--shuffle") == (0, 10)
    assert copied("a", "a[95:]", "--options", OPTIONS) == (10, 11)
    make("c", A, "group_size:1")
    assert copied("c", "--shuffle") == (100, 100)


def test_a_copy_is_what_encoding_makes():
    for options in ("group_size:7", "group_size:1,snappy", "group_size:50,uncompressed,pad_to_block_boundary:true",
                    "group_size:10,transpose,brotli:2"):
        make("c", A, options)
        succeeds("convert", "-qfo", "out", "c")
        succeeds("convert", "-qfo", "out2", "--no-copy", "c")
        assert Path("out").read_bytes() == Path("out2").read_bytes() == Path("c").read_bytes()


@pytest.mark.parametrize("name", ["text.groupsize100-brotli6.metadata.array_record",
                                  "examples.groupsize64-transposetrue-zstd3.metadata.array_record"])
def test_metadata_is_kept(name):
    g = golden.get(name)
    for args in ([], ["--no-copy"], ["--codec=uncompressed"], ["--shuffle=1"]):
        succeeds("convert", "-qfo", "out", *args, g.path)
        assert info("out")["metadata"] == info(g.path)["metadata"]


def golden_files():
    """All but those that take an encoder a long time."""
    return [g for g in golden.ALL if g.kind == "array_record" and "brotli11" not in g.name and "windowlog31" not in g.name]


@pytest.mark.parametrize("g", sample(golden_files(), 2), ids=lambda g: g.name)
def test_a_file_of_the_reference_is_copied(g):
    succeeds("convert", "-qfo", "out", g.path)
    before, after = Container(g.path), Container(Path("out"))
    assert [before.data(c) for c in before.user_chunks] == [after.data(c) for c in after.user_chunks]
    succeeds("convert", "-qfo", "out", "--codec=uncompressed", "--group-size=3", g.path)
    assert succeeds("cat", "out") == succeeds("cat", g.path)


# ---- shards ------------------------------------------------------------------------------------


def shards(n, stem="out"):
    return [f"{stem}-{i:05}-of-{n:05}" for i in range(n)]


def test_shards():
    """Options of pack; the number of records is known."""
    succeeds("convert", "-qo", "out", "--shards=5", "a")
    assert [records_of(path) for path in shards(5)] == [A[i:i + 20] for i in range(0, 100, 20)]
    succeeds("convert", "-qfo", "out", "--shard-records=40", "a")
    assert [records_of(path) for path in shards(3)] == [A[:40], A[40:80], A[80:]]
    succeeds("convert", "-qo", "rr", "--shards=4", "--round-robin", "a", "--records=:90")
    assert [records_of(path) for path in shards(4, "rr")] == [A[i:90:4] for i in range(4)]
    succeeds("convert", "-qo", "s", "--shard-size=1", "a")
    assert [records_of(path) for path in shards(10, "s")] == [A[i:i + 10] for i in range(0, 100, 10)]
    succeeds("convert", "-qo", "all", *shards(3))
    assert records_of("all") == A
    succeeds("convert", "-qo", "x.array_record", "--shards=2", "--shard-suffix", "--shuffle=5", "a")
    both = records_of("x-00000-of-00002.array_record") + records_of("x-00001-of-00002.array_record")
    converts(both, "a", "--shuffle=5")


def test_shards_are_copied():
    def copies(*args):
        (line,) = [line for line in details("-fo", "out", *args, "a") if "copied" in line]
        return line
    assert copies("--shards=5") == "out: 10 of 10 chunks copied as they are"
    assert copies("--shards=4") == "out: 4 of 12 chunks copied as they are"
    assert copies("--shard-size=1") == "out: 10 of 10 chunks copied as they are"
    assert copies("--shards=2", "--round-robin") == "out: 0 of 10 chunks copied as they are"
    for path in shards(4):
        assert [c.n_records for c in Container(Path(path)).user_chunks] == [10, 10, 5]


def test_shards_are_replaced_all_or_none():
    succeeds("convert", "-qo", "out", "--shards=2", "a")
    fails(1, "out-00000-of-00002: exists; -f replaces it", "-qo", "out", "--shards=2", "a")
    before = [Path(path).read_bytes() for path in shards(2)]
    succeeds("convert", "-qfo", "out", "--codec=snappy", "--shards=2", "out@2")
    assert [records_of(path) for path in shards(2)] == [A[:50], A[50:]] and info(shards(2)[0])["codec"] == "snappy"
    succeeds("convert", "-qfo", "out", "--shards=2", "a")
    assert [Path(path).read_bytes() for path in shards(2)] == before
    damage(shards(2)[1], 1)
    before = [Path(path).read_bytes() for path in shards(2)]
    result = arec("convert", "-qfo", "out", "--codec=snappy", "--recover", "--shards=2", "out@2")
    assert result.code == 5 and "is an input of which something is lost" in result.err, result
    assert [Path(path).read_bytes() for path in shards(2)] == before and sorted(os.listdir()) == ["a", "b", *shards(2)]


def test_shards_of_a_damaged_file():
    """What is missing leaves the last ones smaller."""
    damage("a", 4)
    result = arec("convert", "-qo", "out", "--recover", "--shards=2", "a")
    assert result.code == 5, result
    assert [records_of(path) for path in shards(2)] == [A[:40] + A[50:60], A[60:]]


def test_what_is_reported_of_shards():
    report = json.loads(succeeds("convert", "--json", "-o", "out", "--shards=3", "b"))
    assert (report["path"], report["records"]) == ("out", 30)
    assert [(shard["path"], shard["records"]) for shard in report["shards"]] == [(path, 10) for path in shards(3)]
    result = arec("convert", "-fo", "out", "--shards=2", "b")
    note, line = result.err.splitlines()
    assert note == "arec: shards of an earlier set are still there: " + ", ".join(shards(3)), result
    assert line.startswith("arec: out: 30 records, ") and ", 2 shards, " in line, result


# ---- names -------------------------------------------------------------------------------------


def pack_named(path, names, options="group_size:4"):
    """A file of records that are their own names, as it keeps them."""
    for name in names:
        os.makedirs(os.path.dirname(f"tree/{name}"), exist_ok=True)
        Path(f"tree/{name}").write_bytes(name.encode())
    succeeds("pack", "-qfo", path, "--store-names", "--options", options, "tree")
    shutil.rmtree("tree")


def named(path):
    """(name, record) of each record."""
    names = [json.loads(line).get("name", "") for line in succeeds("ls", "--json", path).splitlines()]
    return list(zip(names, records_of(path)))


NAMES = [f"x/{i:02}" for i in range(30)]


@pytest.mark.parametrize("args", [[], ["--no-copy"], ["--group-size=7"], ["--shuffle=3"], ["--group-size=1", "--shuffle=4"],
                                  ["--records=10:30,0:5"], ["--threads=1", "--codec=snappy"]], ids=str)
def test_names_are_carried_along(args):
    pack_named("n", NAMES)
    succeeds("convert", "-qo", "out", *args, "n")
    found = named("out")
    assert [name.encode() for name, _ in found] == [record for _, record in found]
    assert sorted(name for name, _ in found) == (NAMES if "--records=10:30,0:5" not in args else NAMES[:5] + NAMES[10:])


def test_names_of_some_files():
    """Records of files without names have none."""
    pack_named("n", NAMES)
    succeeds("convert", "-qo", "out", "b", "n[3:9]", "b[:1]", "n[12:]")
    assert named("out") == [("", record) for record in B] + [(name, name.encode()) for name in NAMES[3:9]] + [
        ("", B[0])] + [(name, name.encode()) for name in NAMES[12:]]
    before = Path("b").read_bytes()
    converts(B, "b")
    assert Path("out").read_bytes() == before  # no name, no chunk of names


def test_a_copy_keeps_its_names():
    pack_named("n", NAMES, "group_size:8")
    assert copied("n") == (4, 4)
    assert Path("out").read_bytes() == Path("n").read_bytes()


@pytest.mark.parametrize("args", [["--shards=4"], ["--shards=4", "--round-robin"], ["--shard-records=7"], ["--shard-size=1"],
                                  ["--shards=40"]], ids=str)
@pytest.mark.parametrize("copy", [[], ["--no-copy"]], ids=["copied", "encoded"])
def test_names_in_shards(args, copy):
    pack_named("n", NAMES, "group_size:3")
    succeeds("convert", "-qo", "out", *args, *copy, "b", "n")
    paths = sorted(path for path in os.listdir() if path.startswith("out-"))
    found = sorted(pair for path in paths for pair in named(path))
    assert found == sorted([("", record) for record in B] + [(name, name.encode()) for name in NAMES])


def test_names_that_cannot_be_used():
    pack_named("n", NAMES)
    container = Container(Path("n"))
    (chunk,) = [c for c in container.chunks if c.kind == "n"]
    container.flip(chunk.position(3))
    result = arec("convert", "-o", "out", "n")
    assert result.code == 0 and result.err.splitlines()[0].endswith("; the names are ignored"), result
    assert named("out") == [("", name.encode()) for name in NAMES]
    before = Path("n").read_bytes()
    result = arec("convert", "-q", "--in-place", "n")
    assert (result.code, result.err) == (5, "arec: n: is an input of which something is lost, so it is not replaced\n"), result
    assert Path("n").read_bytes() == before


# ---- damage -----------------------------------------------------------------------------------


def damage(path, chunk):
    """Flips a bit in the data of chunk @chunk. Returns where the chunk begins."""
    container = Container(Path(path))
    container.flip(container.user_chunks[chunk].position(8))
    return container.user_chunks[chunk].begin


@pytest.mark.parametrize("args", [[], ["--no-copy"], ["--group-size=3"], ["--shuffle=9"], ["--shuffle=9", "--limit-memory=1"]], ids=str)
def test_damage(args):
    offset = damage("a", 4)
    result = arec("convert", "-qo", "out", "b", "a", *args)
    assert result.code == 5 and result.err.startswith(f"arec: a: at {offset}: ") and result.err.count("\n") == 1, result
    assert sorted(os.listdir()) == ["a", "b"]
    result = arec("convert", "-qo", "out", "--recover", "b", "a", *args)
    assert result.code == 5 and result.err.count("\n") == 1, result
    assert re.match(rf"arec: a: at {offset}: \d+ bytes damaged: .*; records 40:50 lost\n", result.err), result
    assert sorted(records_of("out")) == sorted(B + A[:40] + A[50:])
    result = arec("convert", "-qfo", "out", "--recover", "--json", "b", "a", *args)
    (told,) = json.loads(result.out)["damages"]
    assert result.code == 5 and list(told) == ["path", "offset", "reason"], result
    assert (told["path"], told["offset"], result.err) == ("a", offset, ""), result



def test_a_damaged_chunk_that_is_not_wanted():
    damage("a", 4)
    converts(A[:40] + A[50:], "a", "--records=:40,50:")


def test_a_file_without_its_index():
    content = Path("a").read_bytes()
    Path("a").write_bytes(content[:-65536])
    assert arec("convert", "-qo", "out", "a").code == 5
    result = arec("convert", "-qo", "out", "--recover", "a")
    assert records_of("out") == A, result


def test_a_gap():
    """Where a scan finds nothing, records are missing whose number is not known."""
    g = golden.get("text.uncompressed.riegeli")
    content = bytearray(g.path.read_bytes())
    chunk = Container(g.path).user_chunks[5]
    content[chunk.begin + 9] ^= 1
    Path("gap").write_bytes(content)
    result = arec("convert", "-qo", "out", "gap")
    assert result.code == 5 and result.err.startswith(f"arec: gap: at {chunk.begin}: "), result
    assert not os.path.exists("out")
    result = arec("convert", "-qo", "out", "--recover", "gap")
    assert result.code == 5 and result.err.startswith(f"arec: gap: at {chunk.begin}: ") and result.err.count("\n") == 1, result
    assert succeeds("cat", "out") == arec("cat", "--recover", "gap").out


def test_damage_of_an_input_that_would_be_replaced():
    """What could not be read would be lost with it."""
    damage("a", 0)
    before = Path("a").read_bytes()
    for args in (["-fo", "a", "a"], ["--in-place", "a"], ["-fo", "a", "b", "a"]):
        result = arec("convert", "-q", "--recover", *args)
        assert result.code == 5, result
        assert result.err.endswith("\narec: a: is an input of which something is lost, so it is not replaced\n"), result
        assert Path("a").read_bytes() == before and sorted(os.listdir()) == ["a", "b"]


# ---- the output -------------------------------------------------------------------------------


def test_an_input_is_replaced():
    converts(A, "a", "--codec=snappy", out="a")
    assert info("a")["codec"] == "snappy"
    converts(A + A, "a", "a", out="a")
    converts(A[:3], "a", "--records=:3", out="a")
    assert sorted(os.listdir()) == ["a", "b"]


def test_existing_output():
    Path("out").write_bytes(b"mine")
    fails(1, "out: exists; -f replaces it", "-o", "out", "absent")
    fails(1, "a: exists; -f replaces it", "-o", "a", "a")
    assert Path("out").read_bytes() == b"mine"


def test_an_input_that_the_output_is_appended_to():
    before = Path("a").read_bytes()
    with open("a", "ab") as out:
        result = arec("convert", "-qo", "-", "b", "a", stdout=out)
    assert (result.code, result.err) == (2, "arec: a: is the output\n"), result
    assert Path("a").read_bytes() == before


def test_standard_output():
    succeeds("convert", "-qo", "out", "--group-size=3", "a")
    result = arec("convert", "-o", "-", "--group-size=3", "--json", "a")
    assert (result.code, result.out) == (0, Path("out").read_bytes()), result
    assert json.loads(result.err)["path"] == "-"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444], ids=oct)
def test_mode(mode):
    """A copy is no more readable than what it is made of."""
    old = os.umask(0o022)
    try:
        os.chmod("a", mode)
        converts(A, "a")
        assert stat.S_IMODE(os.stat("out").st_mode) == mode & 0o644
        os.chmod("out", 0o664)
        converts(B + A, "b", "a")
        assert stat.S_IMODE(os.stat("out").st_mode) == mode & 0o664
    finally:
        os.umask(old)


def test_full_disk(folder):
    disk = folder / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", disk],
                                           capture_output=True).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted")
    try:
        result = arec("convert", "-qo", disk / "out", "a")
        assert result.code == 1 and result.err.startswith(f"arec: {disk}/out: "), result
        assert "No space left on device" in result.err and os.listdir(disk) == [], result
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_file_that_grows_too_large():
    result = arec("convert", "-qo", "out", "a", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert result.code == 1 and result.err.startswith("arec: out: ") and "File too large" in result.err, result
    assert sorted(os.listdir()) == ["a", "b"]


@contextlib.contextmanager
def at_work(*args):
    """arec, which converts what takes long, when it has begun its output."""
    make("big", [b"%d" % (i * i) * 20 for i in range(40_000)], "group_size:500,uncompressed")
    with subprocess.Popen([AREC, "convert", "--codec=brotli:11", *args], stderr=subprocess.PIPE) as process:
        wait_for_output(process)
        yield process


def wait_for_output(process):
    deadline = time.monotonic() + TIMEOUT
    while not any(is_output(process.pid, fd) for fd in os.listdir(f"/proc/{process.pid}/fd")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.002)


def is_output(pid, fd):
    with contextlib.suppress(OSError):
        name = os.readlink(f"/proc/{pid}/fd/{fd}")
        return name.startswith((f"{os.getcwd()}/#", f"{os.getcwd()}/.arec-"))
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_interrupt_leaves_nothing(number):
    Path("out").write_bytes(b"old")
    with at_work("-fo", "out", "big") as process:
        process.send_signal(number)
        assert process.wait(TIMEOUT) == 1
        assert process.stderr.read() == b"arec: interrupted\n"
    assert sorted(os.listdir()) == ["a", "b", "big", "out"] and Path("out").read_bytes() == b"old"


# ---- in place ---------------------------------------------------------------------------------


def test_in_place():
    os.chmod("a", 0o640)
    os.utime("a", ns=(10**18 + 1, 10**18 + 2))
    if os.geteuid() == 0:
        os.chown("a", 12, 34)
    before = os.stat("a")
    result = arec("convert", "--in-place", "--codec=snappy", "--group-size=5", "a", "b")
    assert result.code == 0, result
    assert [line.split(": ")[1] for line in result.err.splitlines()] == ["a", "b"], result
    after = os.stat("a")
    for field in ("st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_atime_ns"):
        assert getattr(before, field) == getattr(after, field), field
    assert [records_of(path) for path in "ab"] == [A, B]
    assert [(info(path)["codec"], info(path)["group_size"]) for path in "ab"] == [("snappy", 5)] * 2
    assert sorted(os.listdir()) == ["a", "b"]


def test_in_place_takes_options_of_each_file():
    succeeds("convert", "-q", "--in-place", "--group-size=20", "a", "b")
    assert [(info(path)["codec"], info(path)["group_size"]) for path in "ab"] == [("zstd", 20), ("brotli", 20)]


def test_in_place_of_a_folder_and_of_links():
    os.mkdir("d")
    for name in ("x", "y"):
        make(f"d/{name}.array_record", B, "group_size:4")
    os.symlink("d/x.array_record", "link")
    make("./-", A, "group_size:4")
    succeeds("convert", "-q", "--in-place", "--codec=snappy", "d", "link", "./-", "--", "-")
    assert os.readlink("link") == "d/x.array_record" and sorted(os.listdir("d")) == ["x.array_record", "y.array_record"]
    assert {info(path)["codec"] for path in ("d/x.array_record", "d/y.array_record", "./-")} == {"snappy"}
    assert records_of("./-") == A


def test_in_place_shuffle():
    succeeds("convert", "-q", "--in-place", "--shuffle=4", "a", "b")
    assert [sorted(records_of(path)) for path in "ab"] == [sorted(A), sorted(B)] and records_of("a") != A


def test_in_place_that_fails():
    make("c", B, "group_size:4")
    damage("b", 1)
    before = Path("b").read_bytes(), Path("c").read_bytes()
    result = arec("convert", "-q", "--in-place", "--codec=snappy", "a", "b", "c")
    assert result.code == 5 and result.err.startswith("arec: 1 of 3 files are done\narec: b: at "), result
    assert info("a")["codec"] == "snappy" and (Path("b").read_bytes(), Path("c").read_bytes()) == before
    fails(3, "absent: No such file or directory", "-q", "--in-place", "--codec=brotli", "a", "absent")
    assert info("a")["codec"] == "snappy" and sorted(os.listdir()) == ["a", "b", "c"]


def test_in_place_interrupted():
    make("out", A, "group_size:2")
    with at_work("--in-place", "a", "big", "out") as process:
        assert process.stderr.readline().startswith(b"arec: a: 100 records")
        wait_for_output(process)
        before = Path("big").read_bytes()
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 1
        assert process.stderr.read() == b"arec: 1 of 3 files are done\narec: interrupted\n"
    assert Path("big").read_bytes() == before and sorted(os.listdir()) == ["a", "b", "big", "out"]
    assert [info(path)["codec"] for path in ("a", "out")] == ["brotli", "zstd"]


# ---- each -------------------------------------------------------------------------------------


def test_each():
    for i in (0, 1):
        make(f"s.array_record-0000{i}-of-00002", B[15 * i:15 * i + 15], "group_size:5")
    result = arec("convert", "--each", "-o", "d", "--codec=snappy", "a[2:25]", "s.array_record@2",
                  golden.get("text.uncompressed.riegeli").path)
    names = ["a.array_record", "s.array_record-00000-of-00002", "s.array_record-00001-of-00002", "text.uncompressed.array_record"]
    assert result.code == 0 and sorted(os.listdir("d")) == names, result
    assert [line.split(": ")[1] for line in result.err.splitlines()] == [f"d/{name}" for name in names], result
    assert [records_of(f"d/{name}") for name in names[:3]] == [A[2:25], B[:15], B[15:]]
    assert [(info(f"d/{name}")["codec"], info(f"d/{name}")["group_size"]) for name in names[:2]] == [("snappy", 10), ("snappy", 5)]
    report = json.loads(succeeds("convert", "--json", "-f", "--each", "-o", "d", "a"))
    assert (report["path"], [shard["path"] for shard in report["shards"]]) == ("d", ["d/a.array_record"])


def test_each_goes_wrong():
    os.mkdir("d")
    make("d/a.array_record", B, "group_size:5")
    fails(1, "d/a.array_record: exists; -f replaces it", "--each", "-o", "d", "a")
    fails(2, "e/a.array_record: two inputs would become this file", "--each", "-o", "e", "a", "d/a.array_record")
    fails(1, "a: cannot make the folder: File exists", "--each", "-o", "a", "b")
    assert sorted(os.listdir()) == ["a", "b", "d"]
    damage("b", 1)
    result = arec("convert", "-q", "--each", "-o", "e", "a", "b")
    assert result.code == 5 and result.err.startswith("arec: e: 1 of 2 files are done\narec: b: at "), result
    assert os.listdir("e") == ["a.array_record"]


def test_each_by_threads():
    """What comes out does not depend on the number of threads."""
    for i in range(8):
        make(f"{i}.array_record", (A + B)[i:30 * i], f"group_size:{i + 1}")
    files, made = [f"{i}.array_record" for i in range(8)], []
    for n in (1, 2, 3, 8):
        result = arec("convert", "-v", "--each", "-o", "d", "-f", "--codec=snappy", f"--threads={n}", *files)
        lines = [re.sub(r", [0-9.]+ s, .*|,max_parallelism:\d+", "", line) for line in result.err.splitlines()]
        assert result.code == 0 and sorted(os.listdir("d")) == files, result
        made.append((lines[:-1], {name: (Path("d") / name).read_bytes() for name in files}))
    assert all(one == made[0] for one in made)
    assert [records_of(f"d/{i}.array_record") for i in range(8)] == [(A + B)[i:30 * i] for i in range(8)]


def test_each_fails_by_threads():
    for i in range(7):
        make(f"{i}.array_record", A, "group_size:5")
    damage("3.array_record", 1)
    damage("5.array_record", 0)
    for n in (1, 2, 8):
        result = arec("convert", "-q", "--each", "-o", f"d{n}", "--codec=snappy", f"--threads={n}", *(f"{i}.array_record" for i in range(7)))
        assert result.code == 5 and result.err.startswith(f"arec: d{n}: 3 of 7 files are done\narec: 3.array_record: at "), result
        assert result.err.count("\n") == 2 and sorted(os.listdir(f"d{n}")) == [f"{i}.array_record" for i in range(3)], result
    told = set()
    for n in (1, 2, 8):
        result = arec("convert", "-qf", "--recover", "--each", "-o", "d", "--codec=snappy", f"--threads={n}", *(f"{i}.array_record" for i in range(7)))
        assert result.code == 5 and result.err.count("\n") == 2, result
        told.add(result.err)
    assert len(told) == 1 and len(os.listdir("d")) == 7


# ---- what is reported -------------------------------------------------------------------------


def test_last_line():
    result = arec("convert", "-o", "out", "a", "b")
    size = sum(map(len, A + B))
    assert result.code == 0 and result.out == b"" and re.fullmatch(
        rf"arec: out: 130 records, {size} B in 128\.0 KiB \(0\.01\), 13 chunks of 10, \d+\.\d s, \d+\.\d MB/s\n", result.err), result
    assert succeeds("convert", "-qfo", "out", "a") == b""


def test_json():
    report = json.loads(succeeds("convert", "--json", "-o", "out", "a"))
    assert list(report) == JSON_KEYS and report.pop("seconds") >= 0
    assert report == {"path": "out", "records": 100, "chunks": 10, "group_size": 10, "codec": "zstd", "transposed": False,
                      "decoded_size": sum(map(len, A)), "file_size": os.path.getsize("out"), "options": OPTIONS, "skipped": 0,
                      "damages": [], "shards": []}


def test_json_in_place():
    report = json.loads(succeeds("convert", "--json", "--in-place", "a", "b"))
    assert (report["path"], report["records"]) == (None, 130)
    assert [(shard["path"], shard["records"]) for shard in report["shards"]] == [("a", 100), ("b", 30)]
    report = json.loads(succeeds("convert", "--json", "--in-place", "a"))
    assert (report["path"], report["records"], report["shards"]) == ("a", 100, [])


USAGE = [
    (["a"], "convert: -o OUT is missing; try 'arec convert --help'"),
    (["-o", "out"], "convert: FILE is missing; try 'arec convert --help'"),
    (["-o", "out", "--in-place", "a"],
     "convert: --in-place: each FILE is its own output, there is no other; try 'arec convert --help'"),
    (["--in-place", "--shards=2", "a"],
     "convert: --shards: has no meaning with --in-place; try 'arec convert --help'"),
    (["--each", "-o", "out", "--shard-size=2", "a"],
     "convert: --shard-size: has no meaning with --each; try 'arec convert --help'"),
    (["-o", "out", "--round-robin", "a"], "--round-robin: has no meaning without --shards"),
    (["--in-place", "--each", "a"],
     "convert: --in-place: each FILE is its own output, there is no other; try 'arec convert --help'"),
    (["--each", "-o", "out", "--records=1", "a"],
     "convert: --records: has no meaning with --each; FILE[a:b] selects; try 'arec convert --help'"),
    (["--each", "-o", "-", "a"], "convert: -o -: with --each OUT is a folder; try 'arec convert --help'"),
    (["--in-place", "--records=1", "a"],
     "convert: --in-place: the records that --records does not name would be lost; try 'arec convert --help'"),
    (["--in-place", "a[1:]"], "a: --in-place: the records outside of the range would be lost"),
    (["-o", "out", "a", "--records=x"], "--records: 'x' is not a range of records: 7, 5:9, :100 or -10: is expected"),
    (["-o", "out", "a", "--records="], "--records: RANGE is missing"),
    (["-o", "out", "a", "--records=1,"], "--records: '' is not a range of records: 7, 5:9, :100 or -10: is expected"),
    (["-o", "out", "a", "--records=100"], "--records: record 100 is out of bounds: there are 100 records, numbered from 0"),
    (["-o", "out", "a[5:200]", "--records=1"], "a: range 5:200 is out of bounds: there are 100 records, numbered from 0"),
    (["-o", "out", "a", "--shuffle=x"],
     "--shuffle: invalid value: x, expected a number in [0..18446744073709551615]"),
    (["-o", "out", "a", "--options=group_size:2", "--group-size=2"],
     "--options: Option group_size is present more than once"),
    (["-o", "out", "a", "--options=zstd:99"], "--options: Option zstd: invalid value: 99, valid values: (empty), integers in the range [-131072..22]"),
]


@pytest.mark.parametrize("args, err", USAGE, ids=[" ".join(args) for args, _ in USAGE])
def test_wrong_command_lines(args, err):
    result = arec("convert", *args)
    assert (result.code, result.err) == (2, f"arec: {err}\n"), result
    assert sorted(os.listdir()) == ["a", "b"]


def test_inputs_that_cannot_be_read():
    Path("text").write_bytes(b"text\n" * 30_000)
    fails(3, "absent: No such file or directory", "-o", "out", "a", "absent")
    fails(4, "text: at 0: neither an ArrayRecord postscript at the end nor a Riegeli/records signature at the start",
          "-o", "out", "a", "text")
    os.mkdir("d")
    fails(3, "no ArrayRecord files below d", "-o", "out", "d")
    assert sorted(os.listdir()) == ["a", "b", "d", "text"]
