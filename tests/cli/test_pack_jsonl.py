"""arec pack --from jsonl: lines of JSON as they stand, or as tf.train.Examples, and each way to fail."""

import gzip
import json
import lzma
import os
import random
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from native import zstd_compress  # noqa: E402
from program import AREC, arec, records_of, succeeds  # noqa: E402

import example  # noqa: E402

SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tests run in a folder of their own, so that messages name plain files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def packs(*args, err="", **options):
    succeeds("pack", "-qfo", "out", *args, err=err, **options)
    return records_of("out")


def packs_examples(*args, **options):
    return [example.decode(record) for record in packs("--example", *args, **options)]


def fails(code, err, *args, **options):
    """Fails with that line, and neither makes a file nor touches one."""
    result = arec("pack", "-qo", "absent", *args, **options)
    assert (result.code, result.err, result.out) == (code, f"arec: {err}\n", b""), result
    assert not os.path.exists("absent") and not [name for name in os.listdir() if name.startswith(".arec-")]


# ---- what is packed ---------------------------------------------------------------------------


def test_lines_stay_as_they_stand():
    Path("x.jsonl").write_bytes(b'{"a": 1.50}\n\n \t\r\n  [1, 2]\t\r\n"\xc3\xa9\\u00e9"\n{"a":1,"a":2}')
    expected = [b'{"a": 1.50}', b"  [1, 2]\t\r", b'"\xc3\xa9\\u00e9"', b'{"a":1,"a":2}']
    assert packs("x.jsonl") == expected
    assert packs("x.jsonl", "x.jsonl") == expected * 2
    assert packs("--from=jsonl", "-", input=Path("x.jsonl").read_bytes(), stdin=None) == expected
    # The blank lines are skipped by design, and not counted.
    assert json.loads(succeeds("pack", "-qfo", "out", "--json", "x.jsonl"))["skipped"] == 0


def test_nothing_is_a_file_of_0_records():
    for data in (b"", b"\n", b" \r\n\n\t"):
        for args in ([], ["--example"]):
            assert packs("--from=jsonl", *args, "-", input=data, stdin=None) == []


COMPRESSIONS = {"gz": gzip.compress, "xz": lzma.compress, "zst": zstd_compress}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_compressed(name):
    lines = [b'{"i": %d}' % i for i in range(3000)]
    Path(f"x.jsonl.{name}").write_bytes(COMPRESSIONS[name](b"\n".join(lines)))
    assert packs("--from=jsonl", f"x.jsonl.{name}") == lines
    got = packs_examples("--from=jsonl", f"x.jsonl.{name}")
    assert got == [{"i": ("int64", [i])} for i in range(3000)]
    bad = b"\n".join(lines[:100] + [b'{"i": 01}'])
    Path(f"x.jsonl.{name}").write_bytes(COMPRESSIONS[name](bad))
    fails(5, f"x.jsonl.{name}: at {len(bad) - 2} of the decompressed bytes: line 101: no JSON: "
             'found 1 where "," or "}" should be', "--from=jsonl", f"x.jsonl.{name}")
    # The end of the file is cut off, within a line that is whole so far.
    Path(f"x.jsonl.{name}").write_bytes(COMPRESSIONS[name](b"\n".join(lines))[:-9])
    result = arec("pack", "-qo", "absent", "--from=jsonl", f"x.jsonl.{name}")
    assert result.code == 5 and re.match(rf"arec: x\.jsonl\.{name}: at \d+: (gzip|xz|zstd) data: ", result.err), result
    assert not os.path.exists("absent")


@pytest.mark.parametrize("name", ["x.jsonl", "x.ndjson", "x.jsonl.gz", "x.ndjson.gz", "x.jsonl.zst", "x.ndjson.zst"])
def test_kind_by_name_is_told(name):
    Path(name).write_bytes(COMPRESSIONS.get(name.split(".")[-1], bytes)(b'{"a": 1}\n'))
    result = arec("pack", "-fo", "out", name)
    assert result.err.startswith("arec: --from=jsonl is taken, as the names of the inputs end so\narec: out: 1 rec"), result
    assert packs_examples(name) == [{"a": ("int64", [1])}]


EXAMPLES = [
    ("{}", {}),
    ('{"s": "h\\u00e9\\n", "e": ""}', {"s": ("bytes", ["hé\n".encode()]), "e": ("bytes", [b""])}),
    ('{"i": -7, "max": 9223372036854775807, "min": -9223372036854775808}',
     {"i": ("int64", [-7]), "max": ("int64", [2**63 - 1]), "min": ("int64", [-2**63])}),
    ('{"f": 1.0, "g": 25e-1}', {"f": ("float", [1.0]), "g": ("float", [2.5])}),
    ('{"t": true, "f": [false, true]}', {"t": ("int64", [1]), "f": ("int64", [0, 1])}),
    ('{"n": null, "l": []}', {"n": ("bytes", []), "l": (None, [])}),
    ('{"i": [1, 2, 3], "f": [1, 2.5], "s": ["a", "b"]}',
     {"i": ("int64", [1, 2, 3]), "f": ("float", [1.0, 2.5]), "s": ("bytes", [b"a", b"b"])}),
    ('{"o": {"x": [1.50, null]}, "l": [[1], ["a", 2]], "m": [{}, {"a": 1}]}',
     {"o": ("bytes", [b'{"x": [1.50, null]}']), "l": ("bytes", [b"[1]", b'["a", 2]']), "m": ("bytes", [b"{}", b'{"a": 1}'])}),
    ('{"z": 1, "a": 2, "": 3}', {"z": ("int64", [1]), "a": ("int64", [2]), "": ("int64", [3])}),
]


def test_examples():
    Path("x.jsonl").write_text("\n".join(text for text, _ in EXAMPLES))
    got = packs_examples("x.jsonl")
    assert got == [expected for _, expected in EXAMPLES]
    assert [list(features) for features in got] == [list(expected) for _, expected in EXAMPLES]  # the order
    assert packs_examples("--transpose", "--group-size=4", "x.jsonl") == got


def rounded(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def random_text(rng):
    return "".join(chr(rng.choice([rng.randrange(0x20, 0x7f), rng.randrange(0xd800), rng.randrange(0xe000, 0x110000)]))
                   for _ in range(rng.choice([0, 1, 3, 200])))


def random_feature(rng):
    """(what JSON is made of, the feature that it must become)."""
    n = rng.choice([0, 1, 2, 50])
    values, feature = rng.choice([
        lambda: ([text := random_text(rng) for _ in range(n)], lambda v: ("bytes", [text.encode() for text in v])),
        lambda: ([rng.randrange(-2**63, 2**63) >> rng.randrange(64) for _ in range(n)], lambda v: ("int64", v)),
        lambda: ([rng.gauss(0, 10.0 ** rng.randrange(-40, 37)) for _ in range(n)],
                 lambda v: ("float", [rounded(value) for value in v])),
        lambda: ([rng.random() < 0.5 for _ in range(n)], lambda v: ("int64", [int(value) for value in v])),
    ])()
    if n == 0:
        return [], (None, [])
    return (values[0] if n == 1 and rng.random() < 0.7 else values), feature(values)


def test_random_examples():
    print(f"AREC_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    lines, expected = [], []
    for _ in range(300):
        features = {random_text(rng): random_feature(rng) for _ in range(rng.randrange(6))}
        lines.append(json.dumps({key: value for key, (value, _) in features.items()}, ensure_ascii=rng.random() < 0.5,
                                indent=None, separators=rng.choice([None, (",", ":"), (" , ", " : ")])))
        expected.append({key: feature for key, (_, feature) in features.items()})
    Path("x.jsonl").write_text("\n".join(lines))
    assert packs_examples("x.jsonl") == expected


def test_the_same_bytes_for_all_threads():
    Path("x.jsonl").write_text("".join(json.dumps({"i": i, "f": [i / 7], "s": "x" * (i % 50)}) + "\n" for i in range(3000)))
    files = set()
    for threads in ("0", "1", "2", "8"):
        succeeds("pack", "-qfo", "out", "--example", "--group-size=10", "--threads", threads, "x.jsonl")
        files.add(Path("out").read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize("args, data", [
    ([], b'{"a": "\xc3\xa9"}\r\n\n[1]\n'), ([], gzip.compress(b'{"a": 1}\n[2]')), ([], b'{"a":'),
    (["--example"], b'{"a": [1, 2.5]}\n \n{"b": null}'), (["--example"], lzma.compress(b'{"a": "x"}\n'))], ids=str)
def test_one_byte_at_a_time(args, data):
    """As from a file."""
    Path("x").write_bytes(data)
    whole = arec("pack", "-qo", "whole", "--from=jsonl", *args, "x")
    process = subprocess.Popen([AREC, "pack", "-qo", "out", "--from=jsonl", *args, "-"], stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0)
    for byte in data:
        os.write(process.stdin.fileno(), bytes([byte]))
    err = process.communicate(timeout=60)[1].decode()
    assert (process.returncode, err) == (whole.code, whole.err.replace(" x:", " standard input:"))
    assert os.path.exists("out") == os.path.exists("whole") == (whole.code == 0)
    assert whole.code or Path("out").read_bytes() == Path("whole").read_bytes()


# ---- failures ---------------------------------------------------------------------------------

GOOD = '{"first": "is good"}\n\n'
AT = len(GOOD)
NO_JSON = [
    ("{", 1, "it ends where a key (a string) should be"),
    ("[1,]", 3, "found ] where a value should be"),
    ("NaN", 0, "found N where a value should be"),
    ('{"a": Infinity}', 6, "found I where a value should be"),
    ("01", 1, "found 1 where the end should be"),
    ("'a'", 0, "found ' where a value should be"),
    ('{"a": 1} {"b": 2}', 9, "found { where the end should be"),
    ('"a\tb"', 2, "found the byte 0x09 where the end of a string, or a character of it should be"),
    ('"\\x41"', 1, "found \\ where an escape such as \\n or \\u00e9 should be"),
    ("// comment", 0, "found / where a value should be"),
    ("\ufeff{}", 0, "found the byte 0xef where a value should be"),
    ("\u00a0", 0, "found the byte 0xc2 where a value should be"),
]


@pytest.mark.parametrize("line, at, reason", NO_JSON, ids=[repr(line) for line, _, _ in NO_JSON])
@pytest.mark.parametrize("args", [[], ["--example"]], ids=["as-it-stands", "example"])
def test_what_is_no_json(args, line, at, reason):
    # After a good line the input is damaged; else it is no such input at all.
    Path("x.jsonl").write_text(f"{GOOD}{line}\n{GOOD}")
    fails(5, f"x.jsonl: at {AT + at}: line 3: no JSON: {reason}", *args, "x.jsonl")
    Path("y.jsonl").write_text(f"\n{line}\n{GOOD}")
    fails(4, f"y.jsonl: at {1 + at}: line 2: no JSON: {reason}", *args, "y.jsonl")
    Path("x.jsonl").write_text(GOOD)
    fails(4, f"y.jsonl: at {1 + at}: line 2: no JSON: {reason}", *args, "x.jsonl", "y.jsonl")


def test_invalid_utf8():
    Path("x.jsonl").write_bytes(GOOD.encode() + b'"\xff"')
    fails(5, f"x.jsonl: at {AT + 1}: line 3: no JSON: found the byte 0xff where valid UTF-8 should be", "x.jsonl")
    Path("x.jsonl").write_bytes(GOOD.encode() + b'{"a\0": 1}')
    fails(5, f"x.jsonl: at {AT + 3}: line 3: no JSON: found the byte 0x00 where the end of a string, or a character of it "
             "should be", "x.jsonl")


NO_EXAMPLE = [
    ("[1]", 0, "an array, but a tf.train.Example is made of an object"),
    ('"a"', 0, "a string, but a tf.train.Example is made of an object"),
    ('{"a": 1, "b": 2, "a": 3}', 17, 'key "a" stands twice'),
    ('{"\\u0061": 1, "a": 3}', 14, 'key "a" stands twice'),
    ('{"id": 9223372036854775808}', 7, 'key "id": 9223372036854775808 does not fit 64 bits'),
    ('{"x": [1.5, -1e39]}', 12, 'key "x": -1e39 does not fit a float'),
    ('{"l": [1, "a"]}', 10, 'key "l": a string in an array that begins with a number'),
    ('{"l": [true, 1]}', 13, 'key "l": a number in an array that begins with a boolean'),
    ('{"l": [[1], {}]}', 12, 'key "l": an object in an array that begins with an array'),
    ('{"l": [1, null]}', 10, 'key "l": null in an array'),
    ('{"s": "\\ud83d"}', 6, 'key "s": half a surrogate pair, for which there is no UTF-8'),
]


@pytest.mark.parametrize("line, at, reason", NO_EXAMPLE, ids=[line for line, _, _ in NO_EXAMPLE])
def test_what_is_no_example(line, at, reason):
    Path("x.jsonl").write_text(f"{GOOD}{line}\n{GOOD}")
    fails(5, f"x.jsonl: at {AT + at}: line 3: {reason}", "--example", "x.jsonl")
    Path("x.jsonl").write_text(line)
    fails(5, f"x.jsonl: at {at}: line 1: {reason}", "--example", "x.jsonl")
    assert packs("x.jsonl") == [line.encode()]


def test_control_bytes_of_a_key_are_escaped():
    Path("x.jsonl").write_bytes(b'{"\x7f\xc2\x9b": [1, "a"]}')
    fails(5, 'x.jsonl: at 12: line 1: key "\\x7F\\xC2\\x9B": a string in an array that begins with a number', "--example",
          "x.jsonl")


def test_an_old_output_stays():
    Path("x.jsonl").write_text('{"a": 1}\n{"a"')
    Path("old").write_bytes(b"old")
    assert arec("pack", "-qfo", "old", "x.jsonl").code == 5
    assert Path("old").read_bytes() == b"old"


def test_depth():
    for depth in (1024, 1025, 1_000_000):
        Path("x.jsonl").write_text("[" * depth + "]" * depth)
        if depth <= 1024:
            assert packs("x.jsonl") == [b"[" * depth + b"]" * depth]
        else:
            fails(1, "x.jsonl: at 1024: line 1: JSON that nests deeper than 1024", "x.jsonl")
            fails(1, "x.jsonl: at 1024: line 1: JSON that nests deeper than 1024", "--example", "x.jsonl")


def test_a_line_without_end_is_held_within_the_memory():
    """32 MiB is what --limit-memory lets it hold; one byte more is an error, though the line might have been a value."""
    process = subprocess.Popen([AREC, "pack", "-qo", "out", "--from=jsonl", "--limit-memory=32M", "--threads=1", "-"],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    for _ in range(32):
        process.stdin.write(b"[" * (1 << 20))
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.stdin.write(b"[")
    assert process.stderr.read().decode() == (
        "arec: standard input: at 0: a line of more than 33554432 bytes, the most that fits --limit-memory\n")
    process.stdin.close()
    process.stderr.close()
    assert process.wait(60) == 1 and os.listdir() == []
    if not os.environ.get("AREC_SANITIZE"):
        assert int(re.search(r"VmHWM:\s+(\d+)", status)[1]) < 48 * 1024


@pytest.mark.parametrize("args, err", [
    (["--from=lines", "--example", "x"], "--example: has no meaning with --from=lines"),
    (["--example", "x"], "--example: has no meaning with --from=files"),
    (["--from=jsonl", "-0", "x"], "-0: has no meaning with --from=jsonl"),
    (["--from=jsonl", "--keep-newline", "x"], "--keep-newline: has no meaning with --from=jsonl"),
    (["--from=jsonl", "--recover", "x"], "--recover: has no meaning with --from=jsonl")], ids=lambda value: str(value))
def test_wrong_command_lines(args, err):
    Path("x").write_bytes(b"1\n")
    fails(2, err, *args)
