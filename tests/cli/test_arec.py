"""The program arec: info, ls, cat, mount, what they share, and each way to fail.

AREC_BIN names the program. A failed check prints the command line that repeats it.
"""

import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

import golden  # noqa: E402
from container import Container  # noqa: E402

import forge  # noqa: E402
import tfrecord  # noqa: E402
from program import AREC, TIMEOUT, arec, succeeds  # noqa: E402
from sanitized import sample  # noqa: E402

SANITIZED = bool(os.environ.get("AREC_SANITIZE"))
NOBODY = 65534

TEXT = golden.get("text.groupsize100-brotli6.array_record")
SINGLE = golden.get("text.groupsize1-uncompressed.array_record")
EMPTY = golden.get("empty.groupsize1.array_record")
BIG = golden.get("big.groupsize3-zstd3.array_record")
MIXED = golden.get("mixed_empty.groupsize17-snappy.array_record")
INFO_KEYS = ["path", "file_size", "kind", "records", "chunks", "group_size", "codec", "transposed",
             "decoded_size", "options", "metadata", "recovered", "gaps"]
LS_KEYS = ["record", "size", "chunk", "offset"]
READING_COMMANDS = ["info", "ls", "cat"]


def by_name(g):
    return g.name


# ---- running it -------------------------------------------------------------------------------


def fails(code, err, *args, out=b"", **options):
    """@err is the whole of stderr without the newline at its end, @out the whole of stdout."""
    result = arec(*args, **options)
    assert result.code == code, result
    assert result.out == out, result
    assert "\n" not in err
    assert result.err == err + "\n", f"expected {err!r}{result}"


def checked(g, numbers, data):
    """Asserts that @data is these records of @g, one after the other."""
    at = 0
    for number in numbers:
        g.check(number, data[at:at + g.sizes[number]])
        at += g.sizes[number]
    assert at == len(data), f"{g.name}: {len(data) - at} bytes too many"


def listed(g, *args):
    """The record numbers that ls gives for @args; each line's size is checked."""
    numbers = []
    for line in succeeds("ls", g.path, *args).decode().splitlines():
        number, size = map(int, line.split(" "))
        assert size == g.sizes[number], line
        numbers.append(number)
    return numbers


@pytest.fixture
def copy(tmp_path):
    """A function that copies a golden file, by default under its own name."""
    def make(g, name=None):
        return Path(shutil.copyfile(g.path, tmp_path / (name or g.name)))
    return make


# ---- cat --------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", sample(golden.SIMPLE + golden.TRANSPOSED), ids=by_name)
def test_cat_gives_every_record(g):
    checked(g, range(g.n_records), succeeds("cat", g.path))


@pytest.mark.parametrize("option, mark", [("-n", b"\n"), ("--newline", b"\n"), ("-0", b"\0"),
                                          ("--null", b"\0")])
@pytest.mark.parametrize("g", [TEXT, MIXED, EMPTY], ids=by_name)
def test_cat_marks_the_end_of_records(g, option, mark):
    data, at = succeeds("cat", option, g.path), 0
    for number, size in enumerate(g.sizes):
        g.check(number, data[at:at + size])
        assert data[at + size:at + size + 1] == mark
        at += size + 1
    assert at == len(data)


@pytest.mark.parametrize("form", [["--frame=tfrecord"], ["--frame", "tfrecord"]], ids=len)
@pytest.mark.parametrize("g", [MIXED, EMPTY], ids=by_name)
def test_cat_frames_as_tfrecord(g, form):
    data, records, at = succeeds("cat", g.path, *form), [], 0
    for number, size in enumerate(g.sizes):
        records.append(data[at + 12:at + 12 + size])
        g.check(number, records[-1])
        at += 16 + size
    assert data == tfrecord.file_of(records)


def test_cat_of_an_empty_record_is_an_empty_tfrecord():
    number = MIXED.sizes.index(0)
    data = succeeds("cat", "--frame=tfrecord", MIXED.path, str(number))
    assert data == bytes.fromhex("0000000000000000" "29039807" "d8ea82a2")


def test_cat_marks_in_the_order_asked():
    a, b = (succeeds("cat", TEXT.path, str(i)) for i in (650, 3))
    assert succeeds("cat", "-n", TEXT.path, "650", "3") == a + b"\n" + b + b"\n"


def test_cat_decodes_a_chunk_once_for_single_records():
    result = arec("cat", "-v", TEXT.path, "5", "3", "99", "3", "4")
    assert result.code == 0, result
    assert re.fullmatch(r"arec: 1 chunks decoded \(\d+ bytes\), .*\n", result.err), result


# ---- RANGE ------------------------------------------------------------------------------------

N = TEXT.n_records
RANGES = [
    (["7"], [7]),
    (["0"], [0]),
    ([f"{N - 1}"], [N - 1]),
    (["5:9"], range(5, 9)),
    ([":100"], range(100)),
    (["690:"], range(690, N)),
    ([":"], range(N)),
    (["-10:"], range(N - 10, N)),
    (["-1"], [N - 1]),
    (["-3"], [N - 3]),
    ([f"-{N}"], [0]),
    ([f"-{N}:2"], [0, 1]),
    (["-10:-8"], [N - 10, N - 9]),
    ([":-695"], range(5)),
    (["695:-1"], range(695, N - 1)),
    (["5:5"], []),
    ([f"{N}:"], []),
    (["0:0", "3"], [3]),
    (["99:101"], [99, 100]),                       # over the end of a chunk
    (["9", "2", "9"], [9, 2, 9]),                  # in the order asked for, repeated
    (["-2:", ":2", "300"], [N - 2, N - 1, 0, 1, 300]),
    (["5:9", "9:12", "12"], range(5, 13)),         # one starts where the other ends
    (["5:9", "7:11"], [5, 6, 7, 8, 7, 8, 9, 10]),  # overlapping ones are not merged
    (["007"], [7]),
]


@pytest.mark.parametrize("ranges, numbers", RANGES, ids=[" ".join(ranges) for ranges, _ in RANGES])
def test_ranges(ranges, numbers):
    numbers = list(numbers)
    checked(TEXT, numbers, succeeds("cat", TEXT.path, *ranges))
    assert listed(TEXT, *ranges) == numbers


ORDERS = [
    ["-n", "FILE", "-3:", "2"],
    ["FILE", "-3:", "-n", "2"],
    ["FILE", "-3:", "2", "-n"],
    ["-n", "--", "FILE", "-3:", "2"],
    ["FILE", "-n", "-3:", "--", "2"],
    ["--threads", "2", "FILE", "-3:", "2", "--newline"],
    ["FILE", "-3:", "--threads=2", "2", "-nq"],
    ["-q", "FILE", "--cache-size", "1M", "-3:", "-n", "2"],
]


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_options_stand_anywhere(order):
    records = [succeeds("cat", TEXT.path, str(i)) for i in (N - 3, N - 2, N - 1, 2)]
    args = [TEXT.path if arg == "FILE" else arg for arg in order]
    assert succeeds("cat", *args) == b"".join(record + b"\n" for record in records)


def test_the_option_0_is_not_a_range():
    record = succeeds("cat", TEXT.path, "3")
    assert succeeds("cat", TEXT.path, "-0", "3") == record + b"\0"
    assert succeeds("cat", TEXT.path, "3", "-0q") == record + b"\0"
    assert succeeds("cat", TEXT.path, "3", "-q0") == record + b"\0"
    checked(TEXT, [0, 1], succeeds("cat", TEXT.path, "-0:2"))  # here it is a range
    checked(TEXT, [N - 5], succeeds("cat", TEXT.path, "-05"))
    assert listed(TEXT, "-0:2") == [0, 1]
    assert listed(TEXT, "-0") == [0]       # ls has no such option


def test_the_value_of_an_option_is_not_a_range():
    fails(2, "arec: cat: --threads: invalid value: -3, expected auto or a number in [0..1024]; "
             "try 'arec cat --help'", "cat", "--threads", "-3", TEXT.path)


def test_after_two_dashes_all_are_operands(tmp_path, copy):
    copy(TEXT, "-l")
    checked(TEXT, [3], succeeds("cat", "--", "-l", "3", cwd=tmp_path))
    copy(TEXT, "-5")
    checked(TEXT, [3], succeeds("cat", "-5", "3", cwd=tmp_path))


OUT_OF_BOUNDS = [
    ("700", "record 700 is out of bounds: there are 700 records, numbered from 0"),
    ("-701", "record -701 is out of bounds: there are 700 records, numbered from 0"),
    ("-701:", "range -701: is out of bounds: there are 700 records, numbered from 0"),
    (":701", "range :701 is out of bounds: there are 700 records, numbered from 0"),
    ("5:701", "range 5:701 is out of bounds: there are 700 records, numbered from 0"),
    ("9:5", "range 9:5 ends before it begins: it is 9:5 of 700 records"),
    ("-1:5", "range -1:5 ends before it begins: it is 699:5 of 700 records"),
]


@pytest.mark.parametrize("command", ["ls", "cat"])
@pytest.mark.parametrize("text, message", OUT_OF_BOUNDS, ids=lambda x: x.split()[0])
def test_ranges_out_of_bounds(command, text, message):
    # The valid range before it prints nothing either.
    fails(2, f"arec: {TEXT.path}: {message}", command, TEXT.path, ":3", text)


@pytest.mark.parametrize("command", ["ls", "cat"])
@pytest.mark.parametrize("text", ["x", "", "5-9", "5:9:11", "1.5", "-5x", "+3", " 3", "0x10", "--5:", "5:-",
                                  "9223372036854775807", "99999999999999999999"])
def test_malformed_ranges(command, text):
    args = ["--", text] if text.startswith("--") else [text]
    # The error comes before the file is touched.
    fails(2, f"arec: '{text}' is not a range of records: 7, 5:9, :100 or -10: is expected, "
             "or the name of another file, and there is none",
          command, "/nonexistent", *args)


def test_empty_file_has_no_record():
    assert succeeds("cat", EMPTY.path) == b""
    assert succeeds("ls", EMPTY.path) == b""
    assert succeeds("ls", EMPTY.path, ":") == b""
    fails(2, f"arec: {EMPTY.path}: record 0 is out of bounds: there are 0 records, numbered from 0",
          "cat", EMPTY.path, "0")


def test_path_with_a_range():
    path = f"{TEXT.path}[5:9]"
    checked(TEXT, range(5, 9), succeeds("cat", path))
    checked(TEXT, [8, 5], succeeds("cat", path, "-1", "0"))
    lines = [f"{i} {TEXT.sizes[5 + i]}" for i in range(4)]
    assert succeeds("ls", path).decode().splitlines() == lines
    assert json.loads(succeeds("ls", "--json", path, "2")) == {
        "record": 2, "size": TEXT.sizes[7], "chunk": 0, "offset": Container(TEXT.path).user_chunks[0].begin}
    checked(TEXT, range(690, 700), succeeds("cat", f"{TEXT.path}[-10:]"))
    checked(TEXT, [100, 101], succeeds("cat", f"{TEXT.path}[100:102]"))
    info = succeeds("info", path).decode()
    assert "\nrecords:      700\nselected:     5:9\n" in info
    (reported,) = json.loads(succeeds("info", "--json", path))
    assert list(reported) == [*INFO_KEYS, "selected"] and reported["records"] == 700 and reported["selected"] == [5, 9]


def test_a_file_of_the_literal_name_wins(copy):
    path = copy(MIXED, "x.array_record[5:9]")
    copy(TEXT, "x.array_record")
    checked(MIXED, range(MIXED.n_records), succeeds("cat", path))


@pytest.mark.parametrize("command", READING_COMMANDS)
@pytest.mark.parametrize("text, message", [case for case in OUT_OF_BOUNDS if ":" in case[0]],
                         ids=[case[0] for case in OUT_OF_BOUNDS if ":" in case[0]])
def test_path_with_a_range_out_of_bounds(command, text, message):
    fails(2, f"arec: {TEXT.path}: {message}", command, f"{TEXT.path}[{text}]")


def test_a_pattern_is_one_sequence(copy, tmp_path):
    """A pattern of several files is read as one sequence; -l shows which file a record is in."""
    paths = [copy(TEXT, "x.array_record-00000-of-00002"), copy(SINGLE, "x.array_record-00001-of-00002")]
    for pattern in (f"{tmp_path}/x*", f"{tmp_path}/x.array_record@2"):
        checked(TEXT, [699, 0, 1], succeeds("cat", pattern, "699:702"))
        offsets = [Container(path).user_chunks[chunk].begin for path, chunk in zip(paths, (6, 0))]
        assert succeeds("ls", "-l", pattern, "699:701").decode().splitlines() == [
            f"699 {TEXT.sizes[699]} 6 {offsets[0]} {paths[0]}", f"700 {TEXT.sizes[0]} 0 {offsets[1]} {paths[1]}"]
        assert succeeds("info", pattern) == succeeds("info", *paths)
        reported = json.loads(succeeds("info", "--json", pattern, paths[0]))
        assert [one["path"] for one in reported] == [str(path) for path in (*paths, paths[0])]


def test_several_files_are_one_sequence(copy):
    """Files are given without a RANGE among them; a file's own range follows its name."""
    other = copy(SINGLE, "b.array_record")
    both = succeeds("cat", TEXT.path) + succeeds("cat", other)
    assert succeeds("cat", TEXT.path, other) == both
    checked(TEXT, [5, 6, 1, 2], succeeds("cat", f"{TEXT.path}[5:7]", f"{other}[1:3]"))
    lines = succeeds("ls", "--json", f"{TEXT.path}[5:7]", f"{other}[1:2]").decode().splitlines()
    reported = [json.loads(line) for line in lines]
    assert [list(one) for one in reported] == [[*LS_KEYS, "source"]] * 3
    assert [one["source"] for one in reported] == [str(TEXT.path), str(TEXT.path), str(other)]
    assert [one["record"] for one in reported] == [0, 1, 2]
    assert "source" not in succeeds("ls", "--json", TEXT.path, "0").decode()
    for command in ("ls", "cat"):
        fails(2, "arec: with several files a range is written after its file: FILE[a:b], not 5", command, TEXT.path,
              "5", other)


def test_one_record_in_brackets(copy):
    path = copy(TEXT)
    for command in READING_COMMANDS:
        fails(2, f"arec: {path}[5]: no file matches; a range of records is [a:b], such as [5:9]", command,
              f"{path}[5]")


# ---- ls ---------------------------------------------------------------------------------------


def chunks_by_record(g):
    """For each record the number and the offset of its chunk, by walking over the file."""
    return [(number, chunk.begin) for number, chunk in enumerate(Container(g.path).user_chunks)
            for _ in range(chunk.n_records)]


@pytest.mark.parametrize("g", sample(golden.SIMPLE + golden.TRANSPOSED, 1), ids=by_name)
def test_ls(g):
    lines = [f"{i} {size}" for i, size in enumerate(g.sizes)]
    assert succeeds("ls", g.path).decode().splitlines() == lines


@pytest.mark.parametrize("option", ["-l", "--long"])
@pytest.mark.parametrize("g", sample(golden.SIMPLE + golden.TRANSPOSED, 2), ids=by_name)
def test_ls_long(g, option):
    lines = [f"{i} {size} {chunk} {offset} {g.path}"
             for i, (size, (chunk, offset)) in enumerate(zip(g.sizes, chunks_by_record(g)))]
    assert succeeds("ls", option, g.path).decode().splitlines() == lines


@pytest.mark.parametrize("g", sample(golden.SIMPLE + golden.TRANSPOSED, 3), ids=by_name)
def test_ls_json(g):
    reported = [json.loads(line) for line in succeeds("ls", "--json", g.path).splitlines()]
    assert all(list(one) == LS_KEYS for one in reported)
    assert reported == [{"record": i, "size": size, "chunk": chunk, "offset": offset}
                        for i, (size, (chunk, offset)) in enumerate(zip(g.sizes, chunks_by_record(g)))]


@pytest.mark.parametrize("name, size_lists", [
    ("random.groupsize10-snappy-padtoblockboundarytrue.array_record", 12),  # one for each chunk
    ("examples.groupsize1-zstd3.array_record", 0),                          # all is in the index
])
def test_ls_decodes_no_values(name, size_lists):
    g = golden.get(name)
    assert 0 not in g.sizes  # such a size would need the chunk's hash
    result = arec("ls", "-v", g.path)
    assert result.code == 0, result
    assert re.fullmatch(rf"arec: 0 chunks decoded \(0 bytes\), {size_lists} size lists read, "
                        r"\d+ reads of \d+ bytes\n", result.err), result


# ---- info -------------------------------------------------------------------------------------


def written_options(g):
    """A pattern of the option string that the reference puts into a file written with g.options."""
    given = dict((option.split(":", 1) + [""])[:2] for option in g.options.split(","))
    transpose = given.get("transpose") == "true"
    parts = [f"group_size:{given.get('group_size', '1')}", f"transpose:{str(transpose).lower()}",
             f"pad_to_block_boundary:{given.get('pad_to_block_boundary', 'false')}"]
    if transpose:
        bucket = given.get("transpose_bucket_size", "256")
        parts.append(f"transpose_bucket_size:{int(bucket.rstrip('K')) * (1024 if 'K' in bucket else 1)}")
    codec = next((c for c in ("uncompressed", "brotli", "zstd", "snappy") if c in given), "zstd")
    parts.append(codec if codec in ("uncompressed", "snappy") else f"{codec}:{given.get(codec) or 3}")
    window = given.get("window_log", "20" if codec == "zstd" else None)
    if window:
        parts.append(f"window_log:{window}")
    return re.compile(",".join(map(re.escape, parts)) + r",max_parallelism:\d+")


def expected_codec(g):
    if g.n_records == 0:
        return "none"
    for codec in ("brotli", "snappy", "uncompressed"):
        if codec in g.options:
            return "none" if codec == "uncompressed" else codec
    return "zstd"


def expected_info(g):
    """The output of info --json, without the options."""
    container = Container(g.path)
    return {"path": str(g.path), "file_size": g.path.stat().st_size, "kind": "array_record",
            "records": g.n_records, "chunks": len(container.user_chunks),
            "group_size": min(g.group_size, g.n_records), "codec": expected_codec(g),
            "transposed": g.transposed, "decoded_size": sum(g.sizes)}


def human(size):
    """@size as in ` (384.0 KiB)`, or nothing below 1 KiB."""
    if size < 1024:
        return ""
    unit = min((size.bit_length() - 1) // 10, 6)
    shown = size / 1024**unit
    return f" ({shown:.1f} {'KMGTPE'[unit - 1]}iB)"


@pytest.mark.parametrize("g", sample(golden.SIMPLE + golden.TRANSPOSED, 4), ids=by_name)
def test_info_json(g):
    (reported,) = json.loads(succeeds("info", "--json", g.path))
    assert list(reported) == INFO_KEYS
    assert written_options(g).fullmatch(reported.pop("options"))
    assert (reported.pop("metadata") or {}).get("file_comment") == g.comment
    assert reported == expected_info(g) | {"recovered": False, "gaps": 0}


@pytest.mark.parametrize("g", sample(golden.SIMPLE + golden.TRANSPOSED, 5), ids=by_name)
def test_info_text(g):
    want = expected_info(g)
    lines = succeeds("info", g.path).decode().splitlines()
    if g.comment is not None:
        assert lines.pop() == f"comment:      {g.comment}"
    options = lines.pop()
    assert options.startswith("options:      ") and written_options(g).fullmatch(options[14:])
    assert lines == [
        f"path:         {g.path}",
        f"file_size:    {want['file_size']}{human(want['file_size'])}",
        "kind:         array_record",
        f"records:      {want['records']}",
        f"chunks:       {want['chunks']}",
        f"group_size:   {want['group_size']}",
        f"codec:        {want['codec']}",
        f"transposed:   {'yes' if want['transposed'] else 'no'}",
        f"decoded_size: {want['decoded_size']}{human(want['decoded_size'])}",
        f"ratio:        {want['decoded_size'] / want['file_size']:.2f} (decoded / stored)",
    ]


def test_info_verbose_shows_the_index():
    result = arec("info", "-v", TEXT.path)
    assert result.code == 0, result
    memory, file = result.out.splitlines()[-2:]
    assert re.fullmatch(rb"index_memory: \d+( \(.*\))?", memory), result
    assert file == b"index_file:   0", result
    assert re.fullmatch(r"arec: 0 chunks decoded .*\n", result.err), result


def test_info_verbose_shows_the_offloaded_index():
    chunks = json.loads(succeeds("info", "--json", TEXT.path))[0]["chunks"]
    result = arec("info", "-v", "--reader-options=index_storage_option:offloaded", TEXT.path)
    assert f"index_file:   {24 * chunks}".encode() == result.out.splitlines()[-1][:len(str(24 * chunks)) + 14], result


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_index_dir_that_cannot_be_used(command, tmp_path):
    absent = tmp_path / "absent"
    fails(3, f"arec: {TEXT.path}: {absent}: cannot make the file for offloaded indexes: No such file or directory",
          command, "--reader-options=index_storage_option:offloaded", f"--index-dir={absent}", TEXT.path)


@pytest.mark.parametrize("g", golden.SIMPLE, ids=lambda g: g.name)
def test_an_offloaded_index_gives_the_same(g):
    offloaded = "--reader-options=index_storage_option:offloaded"
    for command in (["ls", "-l"], ["ls", "--json"], ["cat", "-n"], ["info"]):
        assert succeeds(*command, offloaded, g.path) == succeeds(*command, g.path)


def test_info_of_a_file_with_damaged_chunks(tmp_path):
    """With --recover, sound chunks give the codec; if none is sound, the damage is reported."""
    data = bytearray(TEXT.path.read_bytes())
    damaged = tmp_path / "damaged"
    chunks = Container(TEXT.path).user_chunks
    for chunk in chunks:
        data[chunk.begin + 30] ^= 1  # in the chunk's header
        damaged.write_bytes(data)
        if chunk is not chunks[-1]:
            (reported,) = json.loads(succeeds("info", "--recover", "--json", damaged))
            assert reported["codec"] == "brotli"
    result = arec("info", "--recover", damaged)
    assert result.code == 5 and f"at {chunks[-1].begin}: " in result.err, result


def test_info_of_several_files():
    both = succeeds("info", TEXT.path, BIG.path)
    total = (TEXT.path.stat().st_size + BIG.path.stat().st_size, TEXT.n_records + BIG.n_records)
    assert both.startswith(succeeds("info", TEXT.path) + b"\n" + succeeds("info", BIG.path) + b"\ntotal:        2 files\n")
    assert re.search(rb"\ntotal: .*\nfile_size:    %d \(.*\)\nrecords:      %d\n" % total, both), both
    lines = succeeds("info", "-s", TEXT.path, BIG.path).decode().splitlines()
    assert [line.split(" records in ")[0] for line in lines] == [str(TEXT.n_records), str(BIG.n_records), str(total[1])]
    assert lines[0].endswith(f": {TEXT.path}") and lines[2].endswith(": total of 2 files")
    reported = json.loads(succeeds("info", "--json", TEXT.path, BIG.path, TEXT.path))
    assert [one["path"] for one in reported] == [str(TEXT.path), str(BIG.path), str(TEXT.path)]


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_info_goes_on_after_a_bad_file(form, tmp_path):
    junk = tmp_path / "junk"
    junk.write_bytes(b"x" * 200)
    absent = tmp_path / "absent"
    result = arec("info", *form, junk, TEXT.path, absent, BIG.path)
    assert result.code == 4, result  # of the first that failed
    assert result.out == succeeds("info", *form, TEXT.path, BIG.path), result  # the total, too
    first, second = result.err.splitlines()
    assert first.startswith(f"arec: {junk}: ") and second.startswith(f"arec: {absent}: "), result
    result = arec("info", *form, absent, junk)
    assert result.code == 3 and result.out == (b"[]\n" if form else b""), result
    assert len(result.err.splitlines()) == 2, result


# ---- hostile bytes ----------------------------------------------------------------------------

HOSTILE = [
    # name, the option string in the file, in JSON, in text
    ("quotes", b'a"b\\c', 'a"b\\c', 'a"b\\c'),
    ("controls", b"two\nlines\t\x01\x7f", "two\nlines\t\x01\x7f", "two\\x0Alines\\x09\\x01\\x7F"),
    ("terminal", b"\x1b[31m\xc2\x9b", "\x1b[31m\x9b", "\\x1B[31m\\xC2\\x9B"),
    ("invalid", b"\xff\xc3(\xe2\x82", "\ufffd\ufffd(\ufffd\ufffd", "\\xFF\\xC3(\\xE2\\x82"),
    ("utf8", "grüße 😀".encode(), "grüße 😀", "grüße 😀"),
    ("empty", b"", "", ""),
    ("absent", None, None, "not recorded"),
]


@pytest.mark.parametrize("options, as_json, as_text", [case[1:] for case in HOSTILE],
                         ids=[case[0] for case in HOSTILE])
def test_hostile_writer_options(options, as_json, as_text, tmp_path):
    path = tmp_path / "x.array_record"
    path.write_bytes(forge.array_record([b"a", b"bc"], options, group_size=2))
    raw = succeeds("info", "--json", path)
    (reported,) = json.loads(raw.decode("utf-8"))
    assert reported["options"] == as_json
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", raw)
    assert succeeds("info", path).decode().splitlines()[-1] == f"options:      {as_text}"
    assert succeeds("cat", "-n", path) == b"a\nbc\n"


NAMES = [
    ("not_utf8", b"bad\xff\xfe.array_record", "bad\ufffd\ufffd.array_record",
     "bad\\xFF\\xFE.array_record"),
    ("newline", b"two\nlines.array_record", "two\nlines.array_record", "two\\x0Alines.array_record"),
    ("space_comma", b"a b, c.array_record", "a b, c.array_record", "a b, c.array_record"),
    ("utf8", "grüße.array_record".encode(), "grüße.array_record", "grüße.array_record"),
]


@pytest.mark.parametrize("name, as_json, as_text", [case[1:] for case in NAMES],
                         ids=[case[0] for case in NAMES])
def test_unusual_file_names(name, as_json, as_text, tmp_path):
    path = os.fsencode(tmp_path) + b"/" + name
    shutil.copyfile(os.fsencode(MIXED.path), path)
    checked(MIXED, range(MIXED.n_records), succeeds("cat", path))
    checked(MIXED, range(3, 5), succeeds("cat", path + b"[3:5]"))
    (reported,) = json.loads(succeeds("info", "--json", path).decode("utf-8"))
    assert reported["path"] == f"{tmp_path}/{as_json}"
    assert succeeds("info", path).decode().splitlines()[0] == f"path:         {tmp_path}/{as_text}"
    (line,) = succeeds("ls", "-l", path, "0").decode().splitlines()
    assert line.split(" ", 4)[4] == f"{tmp_path}/{as_text}"
    fails(2, f"arec: {tmp_path}/{as_text}: record 300 is out of bounds: there are 300 records, "
             "numbered from 0", "cat", path, "300")
    os.unlink(path)
    fails(3, f"arec: {tmp_path}/{as_text}: No such file or directory", "cat", path)


# ---- the command line -------------------------------------------------------------------------


def test_version():
    reported = {succeeds(*command, option) for command in ([], *([c] for c in READING_COMMANDS))
                for option in ("-V", "--version")}
    assert len(reported) == 1
    version = rb"\d+\.\d+\.\d+"
    assert re.fullmatch(rb"arec %s\nzstd %s\nbrotli %s\nsnappy %s \(built with\)\nGLib %s\n(libcurl [^\n]+\n)?(libcrypto [^\n]+\n)?"
                        % ((version,) * 5), reported.pop())


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["help"]], ids=" ".join)
def test_help(args):
    text = succeeds(*args).decode()
    assert text.startswith("Usage:\n  arec COMMAND [OPTION]...\n")
    assert re.findall(r"^  ([a-z]+) ", text, re.MULTILINE) == ["arec", "info", "ls", "cat", "verify", "repair", "mount", "stats", "pack",
                                                               "unpack", "convert", "bench", "doctor"]
    assert text.isascii()


COMMON = ["-q, --quiet", "-v, --verbose", "-h, --help", "-V, --version"]
READING = ["--threads=N", "--cache-size=SIZE", "--reader-options=STRING", "--kind=KIND", "--recover", "--index-dir=DIR",
           "--request-deadline=SECONDS", "--max-requests=N", "--prefetch=SIZE", "--endpoint-url=URL", "--region=NAME",
           "--addressing=auto|virtual|path", "--aws-profile=NAME", "--anonymous", "--requester-pays", "--billing-project=NAME",
           "--cache-dir=DIR", "--cache-dir-size=SIZE"]
LIST = "--files-from=FILE"
OPTIONS = {
    "info": ("FILE...", [*READING, LIST, "-s, --short", "--json"]),
    "ls": ("FILE [RANGE]...", [*READING, LIST, "-l, --long", "--json"]),
    "cat": ("FILE [RANGE]...", [*READING, LIST, "-n, --newline", "-0, --null", "--frame=FORM", "--timing"]),
    "verify": ("FILE...", [*READING, LIST, "--json", "--timing"]),
    "repair": ("-o OUT FILE", [*READING, "-o, --output=OUT", "-f, --force", "--no-sync", "--reencode", "--json"]),
    "unpack": ("FILE DIR [RANGE]... | --tar FILE [RANGE]...",
               [*READING, "-f, --force", "--tar", "--webdataset", "--names=FORM", "--suffix=EXT"]),
    "convert": ("-o OUT FILE... | --in-place FILE...",
                [*READING, LIST, "-o, --output=OUT", "-f, --force", "--no-sync", "--in-place", "--each", "--records=RANGE[,RANGE]...",
                 "--shards=N", "--shard-size=SIZE",
                 "--shard-records=N", "--round-robin", "--shard-suffix", "--shuffle[=SEED]", "--profile=NAME", "--options=STRING", "--group-size=N", "--codec=NAME[:LEVEL]", "--transpose", "--no-copy",
                 "--limit-memory=SIZE", "--json", "--timing"]),
    "doctor": ("FILE...", [*READING, LIST, "--access=ACCESS", "--deep", "--json"]),
    "stats": ("MNT", ["-w, --watch", "--interval=SECONDS", "--json"]),
}


@pytest.mark.parametrize("args", [["COMMAND", "--help"], ["COMMAND", "-h"], ["help", "COMMAND"],
                                  ["COMMAND", "FILE", "--help"]], ids=" ".join)
@pytest.mark.parametrize("command", OPTIONS)
def test_help_of_a_command(command, args):
    text = succeeds(*[command if arg == "COMMAND" else arg for arg in args]).decode()
    operands, own = OPTIONS[command]
    assert text.startswith(f"Usage:\n  arec {command} [OPTION]... {operands}\n"), text
    reported = re.findall(r"^  ((?:-\w, )?--[a-z-]+(?:\[?=\S+)?)  ", text, re.MULTILINE)
    assert sorted(reported) == sorted(COMMON + own), text
    assert text.isascii()


WRONG = [
    ([], "COMMAND is missing; try 'arec --help'"),
    (["frobnicate"], "frobnicate: unknown command; try 'arec --help'"),
    (["help", "frobnicate"], "frobnicate: unknown command; try 'arec --help'"),
    (["LS", "x"], "LS: unknown command; try 'arec --help'"),
    ([""], ": unknown command; try 'arec --help'"),
    (["-q"], "-q: unknown option; try 'arec --help'"),
    (["--json", "info"], "--json: unknown option; try 'arec --help'"),
    (["info"], "info: FILE is missing; try 'arec info --help'"),
    (["ls"], "ls: FILE is missing; try 'arec ls --help'"),
    (["cat"], "cat: FILE is missing; try 'arec cat --help'"),
    (["cat", "-n", "--"], "cat: FILE is missing; try 'arec cat --help'"),
    (["info", "-l", "x"], "info: unknown option -l; try 'arec info --help'"),
    (["info", "x", "-5"], "info: unknown option -5; try 'arec info --help'"),
    (["ls", "--nonsense", "x"], "ls: unknown option --nonsense; try 'arec ls --help'"),
    (["ls", "x", "-lz"], "ls: unknown option -lz; try 'arec ls --help'"),
    (["ls", "--json=1", "x"], "ls: --json takes no value; try 'arec ls --help'"),
    (["ls", "x", "-0q"], "'-0q' is not a range of records: 7, 5:9, :100 or -10: is expected, "
                            "or the name of another file, and there is none"),
    (["cat", "x", "--threads"], "cat: missing argument for --threads; try 'arec cat --help'"),
    (["cat", "--json", "x"],
     "cat: --json: records are bytes, see 'arec ls --json'; try 'arec cat --help'"),
    (["cat", "-n", "-0", "x"], "cat: -n, -0 and --frame exclude each other; try 'arec cat --help'"),
    (["cat", "-n0", "x"], "cat: -n, -0 and --frame exclude each other; try 'arec cat --help'"),
    (["cat", "-0", "--frame=tfrecord", "x"],
     "cat: -n, -0 and --frame exclude each other; try 'arec cat --help'"),
    (["cat", "--frame=tar", "x"],
     "cat: --frame: invalid value: tar, expected tfrecord; try 'arec cat --help'"),
    (["cat", "--frame=", "x"], "cat: --frame: invalid value: , expected tfrecord; try 'arec cat --help'"),
]


@pytest.mark.parametrize("args, message", WRONG, ids=[" ".join(args) for args, _ in WRONG])
def test_wrong_command_lines(args, message):
    fails(2, f"arec: {message}", *args)


BAD_VALUES = [
    *[("--threads", value, f"invalid value: {value}, expected auto or a number in [0..1024]")
      for value in ("-1", "x", "", "1025", "1.5", "+2", " 2", "99999999999999999999")],
    *[("--cache-size", value, f"'{value}' is not a size: a number of bytes is expected, optionally with "
                              "K, M, G, T, KB, MB, GB, TB, KiB, MiB, GiB or TiB")
      for value in ("", "x", "-1", "1Q", "1 M", "1MIB")],
    ("--cache-size", "16777216T", "the size '16777216T' is too large: it must be below 2^64 bytes"),
    ("--reader-options", "x:1", "Unknown option x, valid options: max_parallelism, "
                                "readahead_buffer_size, index_storage_option, footer_prefetch_bytes"),
    ("--reader-options", "max_parallelism:-1",
     "Option max_parallelism: invalid value: -1, valid values: auto, integers in the range [0..2147483647]"),
    ("--reader-options", "max_parallelism:1,max_parallelism:1",
     "Option max_parallelism is present more than once"),
    ("--reader-options", "index_storage_option:disk",
     "Option index_storage_option: invalid value: disk, valid values: (empty), in_memory, offloaded"),
]


@pytest.mark.parametrize("command", READING_COMMANDS)
@pytest.mark.parametrize("option, value, message", BAD_VALUES, ids=lambda x: x[:20])
def test_bad_option_values(command, option, value, message):
    text = f"arec: {command}: {option}: {message}; try 'arec {command} --help'"
    fails(2, text, command, f"{option}={value}", TEXT.path)
    fails(2, text, command, TEXT.path, option, value)


@pytest.mark.parametrize("args", [
    ["--threads=1"], ["--threads", "auto"], ["--threads=1024"], ["--threads=0"], ["--cache-size=auto"], ["--cache-size=1"],
    ["--cache-size=0.5M"], ["--cache-size=64MiB"], ["--cache-size", "1g"], ["--reader-options="],
    ["--reader-options=readahead_buffer_size:16MB,max_parallelism:auto"],
    ["--reader-options", "max_parallelism:0,index_storage_option:in_memory"],
    ["--reader-options=index_storage_option:offloaded"],
    ["--reader-options=index_storage_option:offloaded", "--index-dir=/var/tmp"],
    ["--request-deadline=0.5", "--max-requests=1", "--prefetch=0"], ["--cache-dir=/absent/x", "--cache-dir-size=1G"],
    ["--request-deadline", "auto", "--max-requests=auto", "--prefetch=auto"],
    ["--endpoint-url=http://h:9", "--region", "eu-north-1", "--addressing=path", "--aws-profile", "x", "--anonymous",
     "--requester-pays", "--billing-project=p"], ["-q"], ["--quiet"], ["-qv"],
], ids=" ".join)
def test_good_option_values(args):
    checked(TEXT, range(N), succeeds("cat", *args, TEXT.path))
    assert listed(TEXT, *args) == list(range(N))
    assert succeeds("info", *args, TEXT.path, err="").startswith(b"path: ")


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_verbose_shows_the_work(option):
    result = arec("cat", option, TEXT.path)
    assert result.code == 0, result
    pattern = (rf"arec: 7 chunks decoded \({sum(TEXT.sizes)} bytes\), \d+ size lists read, \d+ reads of "
               r"\d+ bytes\n")
    assert re.fullmatch(pattern, result.err), result
    checked(TEXT, range(N), result.out)


# ---- sources that fail ------------------------------------------------------------------------


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_absent_file(command, tmp_path):
    path = tmp_path / "absent.array_record"
    fails(3, f"arec: {path}: No such file or directory", command, path)
    fails(3, f"arec: {path}: No such file or directory", command, f"{path}[5:9]")
    fails(3, f"arec: {TEXT.path}/x: Not a directory", command, TEXT.path / "x")


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_not_a_file(command, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    fails(3, f"arec: {tmp_path}: is a directory, expected a file", command, tmp_path)
    for path in (fifo, "/dev/null"):
        fails(3, f"arec: {path}: not a regular file", command, path)


@pytest.fixture
def other_user():
    """(options for arec () to run as another user, a directory which that user can enter)."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        program = shutil.copy(AREC, directory)
        yield {"program": program, "user": NOBODY, "group": NOBODY, "extra_groups": []}, Path(directory)


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_no_permission(command, other_user):
    options, directory = other_user
    path = Path(shutil.copy(TEXT.path, directory))
    path.chmod(0o600)
    fails(3, f"arec: {path}: cannot open: Permission denied", command, path, **options)
    path.chmod(0o644)
    assert arec(command, path, **options).code == 0


@pytest.mark.parametrize("command", READING_COMMANDS)
@pytest.mark.parametrize("content", [b"x", b"hello " * 100],
                         ids=["one_byte", "text"])
def test_unknown_format(command, content, tmp_path):
    path = tmp_path / "something"
    path.write_bytes(content)
    fails(4, f"arec: {path}: at 0: neither an ArrayRecord postscript at the end nor a Riegeli/records signature "
             "at the start", command, path)


@pytest.mark.parametrize("command", READING_COMMANDS)
@pytest.mark.parametrize("keep, offset, reason", [
    (64, 64, "no postscript at the end: the file is cut off"),
    (65536, 65536, "no postscript at the end: the file is cut off"),
    (131072, 131072, "no postscript at the end: the file is cut off"),
    (196607, 196607, "no postscript at the end: the file is cut off"),
])
def test_truncated_file(command, keep, offset, reason, copy):
    path = copy(TEXT)
    assert path.stat().st_size == 196608
    os.truncate(path, keep)
    fails(5, f"arec: {path}: at {offset}: {reason}; 'arecfs --recover' mounts what a "
             "scan of the damaged file finds, 'arec repair' makes a sound copy", command, path)


FOREIGN = [
    ("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n" % 0,
     "a Git LFS pointer (the file that it stands for is not downloaded)"),
    ("html", b"\n <!DOCTYPE HTML>\n<html>Sign in</html>" + b" " * 70_000, "an HTML page"),
    ("gzip", b"\x1f\x8b\x08" + bytes(range(256)) * 300, "a gzip file"),
    ("zip", b"PK\x03\x04" + bytes(range(256)), "a zip file"),
    ("tfrecord", struct.pack("<Q", 5) + bytes.fromhex("eab2043e") + b"12345" + b"sum.", "a TFRecord file"),
    ("empty", b"", "an empty file"),
    ("zeros", bytes(3000), "a file of zeros"),
    ("large_zeros", bytes(200_000), "a file of zeros, at least at both ends"),
]


@pytest.mark.parametrize("content, what", [case[1:] for case in FOREIGN], ids=[case[0] for case in FOREIGN])
def test_files_of_other_formats_are_named(content, what, tmp_path):
    """Every command names them, whether or not the name counts as ArrayRecord, and makes no records of them."""
    out = tmp_path / "out.array_record"
    for name, code in (("x.array_record", 5), ("x", 4)):
        path = tmp_path / name
        path.write_bytes(content)
        message = f"{path}: at 0: {what}, not an ArrayRecord file"
        for command in READING_COMMANDS:
            fails(code, f"arec: {message}", command, path)
        if code == 5:
            fails(5, f"arec: {message}", "info", "--recover", path)
        result = arec("verify", path)
        assert result.code == code and result.out.decode() + result.err == (
            f"{message}\n" if code == 5 else f"arec: {message}\n"), result
        result = arec("repair", "-o", out, path)
        assert result.code == code and result.err.splitlines()[0] == f"arec: {message}", result
        assert "arec repair" not in result.err and "records from" not in result.err, result
        path.unlink()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", [*READING_COMMANDS, "verify", "repair"])
@pytest.mark.parametrize("url", ["gs://bucket/x.array_record", "s3://b/x"])
def test_buckets(command, url, tmp_path):
    """At a server that is not there."""
    options = ["-o", tmp_path / "out"] if command == "repair" else []
    result = arec(command, *options, "--endpoint-url=http://127.0.0.1:1", "--anonymous", url)
    assert result.code == 3 and result.err.startswith(f"arec: {url}: cannot connect: "), result
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("command", [*READING_COMMANDS, "verify", "repair"])
def test_a_growing_file_is_named_by_every_command(command, copy, tmp_path):
    path = copy(TEXT)
    os.truncate(path, 100_000)
    options = ["-o", tmp_path / "out"] if command == "repair" else []
    with open(path, "ab"):
        result = arec(command, *options, path)
    assert (result.code, result.err) == (
        5, f"arec: {path}: at 100000: no postscript at the end: the file is cut off; "
           "the file is still being written, its index comes at the end\n"), result
    assert os.listdir(tmp_path) == [path.name]


def test_no_threads_and_no_cache():
    for args in (["cat"], ["cat", "--threads=0"], ["cat", "--cache-size=0"], ["cat", "--threads=0", "--cache-size=0"]):
        checked(TEXT, range(N), succeeds(*args, TEXT.path))
    # An index that does not fit into half of the cache goes to a file if there is a disk for it.
    reported = {size: arec("info", "-v", f"--cache-size={size}", TEXT.path).out for size in ("0", "1")}
    assert reported["0"] == reported["1"]


@pytest.mark.parametrize("form", [[], ["-n"]], ids=["plain", "newline"])
def test_cat_stops_at_damage(form, copy):
    path = copy(TEXT)
    container = Container(path)
    chunk = container.user_chunks[3]
    container.flip(chunk.position(chunk.data_size - 5))
    before = succeeds("cat", *form, TEXT.path, ":300")
    message = (f"arec: {path}: at {chunk.begin}: data hash mismatch in a chunk of "
               f"{chunk.end - chunk.begin} bytes")
    fails(5, message, "cat", *form, path, out=before)
    # All other chunks are fine.
    checked(TEXT, range(300), succeeds("cat", path, ":300"))
    checked(TEXT, range(400, N), succeeds("cat", path, "400:"))
    fails(5, message, "cat", path, "650", "350", "20", out=succeeds("cat", TEXT.path, "650"))


@pytest.mark.parametrize("place, reason", [
    (lambda chunk: chunk.begin + 20, "chunk header hash mismatch"),
    (lambda chunk: chunk.position(10), "data hash mismatch in a chunk of {length} bytes"),  # of the size list
], ids=["header", "size_list"])
def test_ls_stops_at_damage(place, reason, copy):
    path = copy(TEXT)
    container = Container(path)
    chunk = container.user_chunks[3]
    container.flip(place(chunk))
    before = succeeds("ls", TEXT.path, ":300")
    what = reason.format(begin=chunk.begin, length=chunk.end - chunk.begin)
    fails(5, f"arec: {path}: at {chunk.begin}: {what}", "ls", path, out=before)
    assert succeeds("ls", path, "400:") == succeeds("ls", TEXT.path, "400:")


def test_info_of_a_damaged_chunk(copy):
    path = copy(TEXT)
    container = Container(path)
    begin = container.user_chunks[3].begin
    container.flip(begin + 20)
    fails(5, f"arec: {path}: at {begin}: chunk header hash mismatch", "info", path)


@pytest.mark.parametrize("command", READING_COMMANDS)
def test_damaged_footer(command, copy):
    path = copy(TEXT)
    container = Container(path)
    footer = container.footer
    container.flip(footer.position(3))
    fails(5, f"arec: {path}: at {footer.begin}: data hash mismatch in a chunk of {footer.end - footer.begin} bytes; "
             "'arecfs --recover' mounts what a scan of the damaged file finds, 'arec repair' makes a sound copy", command, path)


@pytest.mark.parametrize("g", [g for g in golden.TRANSPOSED if g.group_size > 1], ids=by_name)
def test_damaged_transposed_chunk(g, copy):
    """It gives neither records nor sizes: both need the whole chunk, which is verified."""
    path = copy(g)
    container = Container(path)
    chunk = container.user_chunks[-1]
    container.flip(chunk.position(chunk.data_size // 2))
    message = f"arec: {path}: at {chunk.begin}: data hash mismatch in a chunk of"
    for command in ("cat", "ls"):
        result = arec(command, path)
        assert result.code == 5 and result.err.startswith(message), result


# ---- standard output --------------------------------------------------------------------------

WRITING = [["cat", TEXT.path], ["cat", "-n", MIXED.path], ["cat", BIG.path], ["ls", TEXT.path],
           ["ls", "-l", TEXT.path], ["ls", "--json", TEXT.path], ["info", TEXT.path],
           ["info", "--json", TEXT.path], ["--help"], ["--version"], ["cat", "--help"], ["ls", "--version"]]


def short(args):
    return " ".join(getattr(arg, "name", arg) for arg in args)


@pytest.mark.parametrize("args", WRITING, ids=short)
def test_full_disk(args):
    with open("/dev/full", "wb", buffering=0) as full:
        fails(1, "arec: standard output: No space left on device", *args, stdout=full)


@pytest.mark.parametrize("args", [["cat", BIG.path, ":", ":"], ["ls", TEXT.path, *[":"] * 100]], ids=short)
def test_full_disk_ends_the_work(args):
    assert len(succeeds(*args)) > 1 << 19
    with open("/dev/full", "wb", buffering=0) as full:
        # If the work went on to its end, -v would print what it cost.
        fails(1, "arec: standard output: No space left on device", *args, "-v", stdout=full)


def test_empty_output_never_fails():
    with open("/dev/full", "wb", buffering=0) as full:
        succeeds("cat", EMPTY.path, stdout=full)


@pytest.mark.parametrize("args", WRITING, ids=short)
def test_closed_output(args):
    # The file must not get descriptor 1 and be written to.
    command = shlex.join([AREC, *map(str, args)])
    result = subprocess.run(["sh", "-c", f"{command} >&-"], capture_output=True, timeout=TIMEOUT)
    assert (result.returncode, result.stderr) == (1, b"arec: standard output: Bad file descriptor\n"), command


def test_closed_input_and_errors():
    command = shlex.join([AREC, "cat", str(TEXT.path)])
    result = subprocess.run(["sh", "-c", f"{command} <&- 2>&-"], capture_output=True, timeout=TIMEOUT)
    assert result.returncode == 0, command
    checked(TEXT, range(N), result.stdout)


def test_closed_descriptors_are_not_taken_by_files():
    def close():
        os.close(0)
        os.close(2)

    with start_blocked(MUCH, preexec_fn=close) as process:
        links = {fd: os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in (0, 2)}
        process.kill()
    assert links == {0: "/dev/null", 2: "/dev/null"}


def read_one_byte(args, **options):
    """(exit status, stderr) of arec when its reader goes away after a byte."""
    with subprocess.Popen([AREC, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options) as process:
        assert len(process.stdout.read1(1)) == 1
        process.stdout.close()
        err = process.stderr.read()
        return process.wait(TIMEOUT), err


@pytest.mark.parametrize("ignored", [False, True], ids=["default", "ignored"])
@pytest.mark.parametrize("args", [["cat", BIG.path, *[":"] * 20], ["ls", TEXT.path, *[":"] * 200],
                                  ["info", *[TEXT.path] * 2000]],
                         ids=["cat", "ls", "info"])
def test_broken_pipe_is_silent(args, ignored):
    def ignore():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    options = {"restore_signals": False, "preexec_fn": ignore} if ignored else {}
    assert read_one_byte(args, **options) == (-signal.SIGPIPE, b""), short(args[:3])


def start_blocked(args, **options):
    """An arec process that waits for room in the pipe of its output."""
    process = subprocess.Popen([AREC, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               **{"stderr": subprocess.PIPE, **options})
    deadline = time.monotonic() + TIMEOUT
    while Path(f"/proc/{process.pid}/wchan").read_text() not in ("pipe_write", "anon_pipe_write"):
        assert time.monotonic() < deadline and process.poll() is None, f"{short(args[:3])} does not write"
        time.sleep(0.01)
    return process


MUCH = ["cat", BIG.path, *[":"] * 40]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupt(number):
    with start_blocked(MUCH) as process:
        process.send_signal(number)
        assert process.wait(TIMEOUT) == 1
        assert process.stderr.read() == b"arec: interrupted\n"


def test_ignored_interrupt_stays_ignored():
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    with start_blocked(MUCH, preexec_fn=ignore) as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        out = process.stdout.read()
        assert process.wait(TIMEOUT) == 0
    assert len(out) == 40 * sum(BIG.sizes)


def test_output_is_written_in_large_pieces():
    with start_blocked(["cat", TEXT.path, *[":"] * 400], pipesize=1 << 20) as process:
        text = Path(f"/proc/{process.pid}/io").read_text()
        process.kill()
    counts = dict(line.split(": ") for line in text.splitlines())
    assert int(counts["syscw"]) >= 2 and int(counts["wchar"]) / int(counts["syscw"]) >= 65536, text


def test_output_is_not_kept_in_memory():
    if SANITIZED:
        pytest.skip("the memory of a sanitizer is not the program's")
    total = 40 * sum(BIG.sizes)
    with start_blocked(MUCH) as process:
        read = 0
        while read < total * 9 // 10:
            read += len(os.read(process.stdout.fileno(), 1 << 16))
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.kill()
    # Not ru_maxrss, which includes this interpreter before exec.
    peak = int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024
    assert peak < total / 2, f"{peak} bytes"


# ---- progress ---------------------------------------------------------------------------------


def run_slowly(args, err, seconds):
    """Runs arec with stderr @err and reads its output over about @seconds. Returns the number of bytes."""
    expected = len(succeeds(*args))
    with subprocess.Popen([AREC, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=err) as process:
        total = 0
        while piece := os.read(process.stdout.fileno(), 1 << 16):
            total += len(piece)
            time.sleep(seconds * len(piece) / expected)
        assert process.wait(TIMEOUT) == 0
        assert total == expected


def on_terminal(args, seconds):
    """What arec writes to a terminal as stderr."""
    leader, terminal = pty.openpty()
    try:
        run_slowly(args, terminal, seconds)
        os.set_blocking(leader, False)
        output = b""
        while select.select([leader], [], [], 0.2)[0]:
            output += os.read(leader, 1 << 16)
        return output.decode()
    finally:
        os.close(leader)
        os.close(terminal)


SLOW = {
    "cat": (["cat", BIG.path, *[":"] * 5], r"\d+/35 records \d+% \d+\.\d [KMG]iB/s ETA \d+:\d\d"),
    "ls": (["ls", TEXT.path, *[":"] * 300], r"\d+/210000 records \d+% \d+ records/s ETA \d+:\d\d"),
}


@pytest.mark.parametrize("command", SLOW)
def test_progress_on_a_terminal(command):
    args, pattern = SLOW[command]
    output = on_terminal(args, 2.5)
    assert output.endswith("\r\x1b[K"), repr(output)
    lines = [line for line in output.split("\r\x1b[K") if line]
    assert lines and all(re.fullmatch(pattern, line) for line in lines), repr(output)


@pytest.mark.parametrize("args, seconds", [(SLOW["cat"][0], 0), (["-q", *SLOW["cat"][0]], 2.5)],
                         ids=["short", "quiet"])
def test_no_progress(args, seconds):
    if args[0] == "-q":
        args = [args[1], "-q", *args[2:]]
    assert on_terminal(args, seconds) == ""


def test_no_progress_without_a_terminal(tmp_path):
    with open(tmp_path / "err", "w+b") as err:
        run_slowly(SLOW["cat"][0], err, 2.5)
        err.seek(0)
        assert err.read() == b""


def test_interrupt_removes_the_progress_line():
    leader, terminal = pty.openpty()
    try:
        with subprocess.Popen([AREC, *map(str, MUCH)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=terminal) as process:
            output, deadline = b"", time.monotonic() + TIMEOUT
            while b"records" not in output:
                assert time.monotonic() < deadline and process.poll() is None, output
                os.read(process.stdout.fileno(), 1 << 16)
                time.sleep(0.02)
                if select.select([leader], [], [], 0)[0]:
                    output += os.read(leader, 1 << 16)
            process.send_signal(signal.SIGINT)
            assert process.wait(TIMEOUT) == 1
            while select.select([leader], [], [], 0.2)[0]:
                output += os.read(leader, 1 << 16)
            assert output.endswith(b"\r\x1b[Karec: interrupted\r\n"), output
    finally:
        os.close(leader)
        os.close(terminal)


# ---- mount ------------------------------------------------------------------------------------

PRINTING = "#!/bin/sh\nprintf '%s|' \"$0\" \"$@\"\nexit 42\n"


def script(path, text=PRINTING, mode=0o755):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def installed(tmp_path):
    """arec in a directory of its own, without arecfs."""
    (tmp_path / "bin").mkdir()
    return Path(shutil.copy(AREC, tmp_path / "bin"))


ARGUMENTS = ["-f", "--help", "-o", "ro,uid=5", "a b", "--", "-10:", ""]


def passed(path, args):
    return "".join(f"{arg}|" for arg in [path, *args]).encode()


def test_mount_is_the_arecfs_beside_it(installed, tmp_path):
    sibling = script(installed.parent / "arecfs")
    script(tmp_path / "path" / "arecfs", "#!/bin/sh\nexit 9\n")
    environment = {**os.environ, "PATH": f"{tmp_path}/path:{os.environ['PATH']}"}
    result = arec("mount", *ARGUMENTS, program=str(installed), env=environment)
    assert (result.code, result.out, result.err) == (42, passed(sibling, ARGUMENTS), ""), result
    link = tmp_path / "link"
    link.symlink_to(installed)
    result = arec("mount", "x", program=str(link), env=environment)
    assert (result.code, result.out) == (42, passed(sibling, ["x"])), result
    result = arec("help", "mount", program=str(installed), env=environment)
    assert (result.code, result.out) == (42, passed(sibling, ["--help"])), result


def test_mount_is_the_arecfs_of_the_path(installed, tmp_path):
    other = script(tmp_path / "path" / "arecfs")
    environment = {**os.environ, "PATH": f"/nonexistent:{tmp_path}/path:{os.environ['PATH']}"}
    result = arec("mount", *ARGUMENTS, program=str(installed), env=environment)
    assert (result.code, result.out, result.err) == (42, passed(other, ARGUMENTS), ""), result


def test_mount_without_arecfs(installed):
    fails(6, "arec: mount: arecfs is not installed: neither beside arec nor in PATH", "mount", "x", "y",
          program=str(installed), env={"PATH": "/nonexistent"})


def test_mount_with_an_arecfs_that_does_not_run(installed):
    script(installed.parent / "arecfs", "not a program", 0o644)
    fails(1, "arec: mount: arecfs: Permission denied", "mount", "x", "y", program=str(installed))
