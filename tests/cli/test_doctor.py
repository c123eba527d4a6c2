"""arec doctor: each finding, on a file that has the trouble, and that the command it advises mends it.

The commands are run as they stand in JSON. What is compared are counts, sizes and findings, never times: a grade that
depends on times is asked for only where the times differ by a hundred times.
"""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from program import AREC, TIMEOUT, arec, succeeds  # noqa: E402

import forge  # noqa: E402
import golden  # noqa: E402
from damaged import flipped  # noqa: E402

KEYS = ["path", "layout", "measured", "findings"]
FINDING_KEYS = ["topic", "grade", "value", "unit", "text", "advice", "effect"]
EMPTY = golden.get("empty.groupsize1.array_record")
UNEVEN_RIEGELI = golden.get("text.uncompressed.riegeli")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def text_records(n, size, seed=0):
    """Words, of which each record has its own order."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(500)]
    return [" ".join(chance.choices(words, k=size // 6))[:size].encode() for _ in range(n)]


def noise(n, size):
    chance = random.Random(1)
    return [chance.randbytes(size).replace(b"\n", b"\0") for _ in range(n)]


def make(records, options, path="x.array_record"):
    succeeds("pack", "-qfo", path, "--from=lines", "--options", options, "-",
             input=b"".join(record + b"\n" for record in records), stdin=None)
    return path


def all_of(*args, code=0, err=""):
    result = arec("doctor", "--json", *args)
    assert (result.code, result.err) == (code, err), result
    found = json.loads(result.out)
    for one in found:
        assert list(one) == KEYS and all(list(finding) == FINDING_KEYS for finding in one["findings"]), one
    return found


def doctor(*args, **expected):
    """topic -> finding, of the one file."""
    (found,) = all_of(*args, **expected)
    topics = [finding["topic"] for finding in found["findings"]]
    assert len(set(topics)) == len(topics), topics
    return {finding["topic"]: finding for finding in found["findings"]}


def run(finding, code=0):
    """Runs what @finding advises, which makes the file OUT."""
    program, *args = finding["advice"]
    assert program == "arec"
    result = arec(*args)
    assert result.code == code, result
    return "OUT"


def info(path):
    return json.loads(succeeds("info", "--json", path))[0]


def decoded(path, record):
    """Bytes that reading one record decodes."""
    result = arec("cat", "-v", path, str(record))
    return int(re.search(r"chunks decoded \((\d+) bytes\)", result.err)[1])


# ---- each finding, and what mends it ----------------------------------------------------------


def test_random_access():
    path = make(text_records(1000, 1000), "group_size:500,zstd:3")
    found = doctor(path)["random"]
    assert found["grade"] in ("fair", "slow") and found["value"] > 2 and found["unit"] == "x"
    assert found["text"].startswith("a record of ") and found["effect"].endswith(" % larger")
    assert found["advice"] == ["arec", "convert", "-o", "OUT", "--profile", "random", path]
    out = run(found)
    assert decoded(out, 7) * 100 < decoded(path, 7)
    assert doctor(out)["random"]["grade"] == "good"


def test_reading_in_order():
    """5 bytes a chunk: a chunk costs a hundred times its record."""
    path = make([b"%05d" % i for i in range(5000)], "group_size:1,uncompressed")
    for _ in range(10):  # in which not every one is disturbed
        found = doctor(path)["sequential"]
        if found["grade"] != "good":
            break
    assert found["grade"] in ("fair", "slow") and found["value"] < 0.5
    assert found["advice"] == ["arec", "convert", "-o", "OUT", "--group-size", "1000", path]
    out = run(found)
    assert info(out)["chunks"] == 5 and info(path)["chunks"] == 5000
    assert info(out)["codec"] == "none"
    assert doctor(out)["sequential"]["grade"] == "good"


def test_chunk_size():
    path = make([b"x" * 100_000] * 100, "group_size:100,snappy")
    found = doctor(path)["batch"]
    assert (found["grade"], found["value"], found["unit"]) == ("fair", 10_000_000, "bytes")
    out = run(found)
    assert 1 < info(out)["group_size"] <= 41
    after = doctor(out)["batch"]
    assert after["grade"] == "good" and after["value"] <= 4 << 20


def test_index_memory():
    path = make([b"%d" % i for i in range(5000)], "group_size:1,uncompressed")
    args = [path, "--cache-size=64K"]
    found = doctor(*args)["index_memory"]
    assert found["grade"] in ("fair", "poor") and found["value"] > 0.05
    assert found["advice"] == ["arecfs", "--index-storage-option", "offloaded", path, "MNT"]
    _, option, value, *_ = found["advice"]
    # arecfs takes the key as an option; here it is one of --reader-options.
    key = option.removeprefix("--").replace("-", "_")
    after = doctor(*args, f"--reader-options={key}:{value}")["index_memory"]
    assert after["grade"] == "good" and after["value"] * 10 < found["value"]
    assert "it is offloaded" in after["text"]


def test_compression():
    path = make(text_records(1000, 300), "group_size:1,uncompressed")
    found = doctor(path)["compression"]
    assert found["grade"] in ("fair", "poor") and 0.1 < found["value"] < 1 and found["effect"].endswith(" % smaller")
    assert re.match(r"uncompressed \d\.\d\d; same records: group_size:1000 \d\.\d\d, zstd:3 \d\.\d\d, brotli:9 ",
                    found["text"])
    out = run(found)
    assert os.path.getsize(out) < os.path.getsize(path)
    after = doctor(out)["compression"]
    assert after["grade"] == "good" and after["advice"] is None


def test_larger_groups_are_no_advice_for_random_access():
    path = make(text_records(1000, 300), "group_size:1,uncompressed")
    found = doctor("--access=random", path)["compression"]
    assert "--group-size" not in found["advice"] and "group_size" not in found["text"]


def test_codec_that_saves_nothing():
    path = make(noise(50, 10_000), "group_size:10,zstd:3")
    found = doctor(path)["codec"]
    assert found["grade"] == "fair" and 0.9 < found["value"] < 1.05
    assert found["advice"] == ["arec", "convert", "-o", "OUT", "--codec", "uncompressed", path]
    out = run(found)
    assert (info(out)["codec"], info(out)["group_size"]) == ("none", 10)
    assert "codec" not in doctor(out)


def test_transposing():
    """Messages whose fields are alike among themselves, and not like each other."""
    chance = random.Random(2)
    os.mkdir("messages")
    for i in range(1000):
        message = (b"\x08" + bytes([128 | i & 127, i >> 7 or 1]) + b"\x12\x08" + b"class %02d" % (i % 17) +
                   b"\x1d" + chance.randbytes(2) + b"\x80\x3f" + b"\x25" + chance.randbytes(2) + b"\0\0")
        Path(f"messages/{i:04}").write_bytes(message)
    succeeds("pack", "-qo", "x.array_record", "--group-size=200", "messages")
    found = doctor("x.array_record")["transpose"]
    assert found["grade"] in ("fair", "poor") and found["value"] > 0.05
    assert found["advice"] == ["arec", "convert", "-o", "OUT", "--transpose", "x.array_record"]
    out = run(found)
    assert info(out)["transposed"] and info(out)["group_size"] == 200
    assert os.path.getsize(out) <= os.path.getsize("x.array_record")
    assert "transpose" not in doctor(out)
    # In smaller groups, and of other records, it is not tried.
    succeeds("convert", "-qo", "small", "--group-size=63", "x.array_record")
    assert "transpose" not in doctor("small")
    assert "transpose" not in doctor(make(text_records(200, 100), "group_size:100"))


def test_large_records():
    path = make([b"x" * (2 << 20)] * 4, "group_size:4,snappy")
    found = doctor(path)["record_size"]
    assert (found["grade"], found["value"]) == ("fair", 2 << 20)
    out = run(found)
    assert info(out)["group_size"] == 1 and decoded(out, 1) == 2 << 20 < decoded(path, 1)
    assert "record_size" not in doctor(out)


def test_uneven_groups():
    Path("x").write_bytes(forge.array_record([b"%d" % i for i in range(9)], b"group_size:4", [4, 1, 4]))
    found = doctor("x")["uneven_groups"]
    assert (found["grade"], found["value"]) == ("poor", 1)
    assert found["advice"] == ["arec", "repair", "--reencode", "-o", "OUT", "x"]
    out = run(found)
    assert info(out)["records"] == 9 and info(out)["chunks"] == 3
    assert "uneven_groups" not in doctor(out)
    # A last chunk may have fewer.
    Path("y").write_bytes(forge.array_record([b"%d" % i for i in range(9)], b"group_size:4", [4, 4, 1]))
    assert "uneven_groups" not in doctor("y")


def test_padding():
    path = make(text_records(20, 1000), "group_size:1,pad_to_block_boundary:true,zstd:5")
    found = doctor(path)["padding"]
    assert found["grade"] == "poor" and 0.9 < found["value"] < 1 and "--options" in found["advice"]
    out = run(found)
    assert os.path.getsize(out) * 5 < os.path.getsize(path)
    assert "zstd:5" in info(out)["options"]
    assert "padding" not in doctor(out)


def test_no_index():
    found = doctor(UNEVEN_RIEGELI.path)["kind"]
    assert found["grade"] == "fair" and found["advice"][:4] == ["arec", "convert", "-o", "OUT"]
    out = run(found)
    assert info(out)["kind"] == "array_record"
    assert "kind" not in doctor(out)


def test_group_size():
    path = make(text_records(20, 10), "group_size:10,uncompressed")
    found = doctor(path)["group_size"]
    assert (found["grade"], found["value"], found["unit"]) == ("note", 10, "records") and "Grain" in found["text"]
    out = run(found)
    assert (info(out)["group_size"], info(out)["codec"]) == (1, "none")
    assert "group_size" not in doctor(out)


def test_no_options():
    Path("x").write_bytes(forge.array_record([b"a", b"b"], None))
    found = doctor("x")["options"]
    assert found["grade"] == "note"
    out = run(found)
    assert "group_size:1" in info(out)["options"]
    assert "options" not in doctor(out)


def test_damage():
    path = make(noise(20, 1000), "group_size:5,uncompressed")
    chunk = json.loads(succeeds("ls", "--json", path, "7"))["offset"]
    Path(path).write_bytes(flipped(Path(path).read_bytes(), chunk + 2000))
    result = arec("doctor", "--json", path)
    assert result.code == 5 and result.err.startswith(f"arec: {path}: at {chunk}: "), result
    assert result.err.count("\n") == 1
    (found,) = json.loads(result.out)
    first = found["findings"][0]
    assert (first["topic"], first["grade"], first["value"]) == ("damage", "poor", 1)
    assert first["advice"] == ["arec", "repair", "-o", "OUT", path]
    out = run(first, code=5)
    assert info(out)["records"] == 15
    assert "damage" not in doctor(out)


def test_damage_of_the_first_bytes_of_a_chunk():
    """They show the codec; the other chunks do, too."""
    path = make(noise(20, 1000), "group_size:5,uncompressed")
    chunk = json.loads(succeeds("ls", "--json", path, "7"))["offset"]
    Path(path).write_bytes(flipped(Path(path).read_bytes(), chunk + 3))
    result = arec("doctor", "--json", path)
    assert result.code == 5 and f"at {chunk}: " in result.err, result
    assert json.loads(result.out)[0]["layout"]["codec"] == "none"
    # Where each is damaged nothing is left to judge.
    content = Path(path).read_bytes()
    for record in (0, 10, 15):
        content = flipped(content, json.loads(succeeds("ls", "--json", path, str(record)))["offset"] + 3)
    Path(path).write_bytes(content)
    result = arec("doctor", "--json", path)
    assert result.code == 5 and result.out == b"[]\n", result


def test_deep_finds_every_damage():
    path = make([b"%05d" % i for i in range(3000)], "group_size:1,uncompressed")
    record = 80  # neither in the first place, nor in the next
    chunk = json.loads(succeeds("ls", "--json", path, str(record)))["offset"]
    content = bytearray(Path(path).read_bytes())
    at = content.index(b"%05d" % record, chunk)
    content[at] ^= 1
    Path(path).write_bytes(content)
    result = arec("doctor", "--deep", path)
    assert result.code == 5 and f"at {chunk}: " in result.err, result


def test_mount_profile():
    path = make(text_records(100, 100), "group_size:1")
    for access in ("sequential", "random", "batch", "low-memory"):
        found = doctor(f"--access={access}", path)["suits"]
        assert found["advice"] == ["arecfs", "--profile", access, path, "MNT"] and found["grade"] == "good"
    assert doctor(path)["suits"]["advice"][2] in ("mixed", "random", "sequential")
    path = make(text_records(1000, 1000), "group_size:500,zstd:3")
    assert doctor(path)["suits"]["advice"][2] == "sequential"


# ---- sets of shards ---------------------------------------------------------------------------


def test_uneven_shards():
    for i, n in enumerate((10, 2000)):
        make(noise(n, 100), "group_size:10,uncompressed", f"x-0000{i}-of-00002")
    for operands in (["x-*"], ["x@2"], ["x-00000-of-00002", "x-00001-of-00002"]):
        *files, found = all_of(*operands)
        assert [one["path"] for one in files] == ["x-00000-of-00002", "x-00001-of-00002"]
        assert found["path"] == "x-?????-of-00002" and found["layout"] is None
        (finding,) = found["findings"]
        assert finding["topic"] == "uneven_shards" and finding["value"] > 2
    run(finding)
    assert [one["layout"]["records"] for one in all_of("OUT-*")] == [1005, 1005]


def test_missing_shards():
    for i in (0, 2):
        make(noise(10, 100), "group_size:10,uncompressed", f"x-0000{i}-of-00003")
    *_, found = all_of("x-*")
    (finding,) = found["findings"]
    assert (finding["topic"], finding["grade"], finding["value"]) == ("missing_shards", "poor", 1)
    assert "x-00001-of-00003" in finding["text"]
    program, *args = finding["advice"]
    assert arec(*args).code == 0
    assert len(all_of("OUT-*")) == 3
    assert "1 shard is missing" in succeeds("doctor", "x-*").decode()
    # One that is named alone is no set.
    assert len(all_of("x-00002-of-00003")) == 1


# ---- forms ------------------------------------------------------------------------------------


def test_text():
    path = make(text_records(1000, 1000), "group_size:500,zstd:3")
    lines = succeeds("doctor", path).decode().splitlines()
    assert re.fullmatch(r"x\.array_record: 1000 records in 2 chunks of 500, zstd:3, \S+ KiB in \S+ KiB \(\d\.\d\d\)",
                        lines[0])
    findings = [line for line in lines[1:] if not line.startswith("  advice  ")]
    for line in findings:
        assert re.match(r"  [a-z ]{17} (good|note|fair|slow|poor)     ?[^ ]", line), line
    # The worst first.
    weights = [{"good": 0, "note": 1, "fair": 2, "slow": 3, "poor": 3}[line[20:28].strip()] for line in findings]
    assert weights == sorted(weights, reverse=True)
    assert all(line.startswith("  advice  ") for line in lines[1 + len(findings):])
    assert re.fullmatch(r"  advice  random access: arec convert -o OUT --profile random x\.array_record    "
                        r"\((\d+ % (larger|smaller)|as large)\)", lines[1 + len(findings)])
    assert lines[-1] == "  advice  mount: arecfs --profile sequential x.array_record MNT"
    # Several files: a block each.
    assert succeeds("doctor", path, path).decode().count("\n\n") == 1


def test_access_leaves_out_what_does_not_matter():
    path = make(text_records(1000, 1000), "group_size:500,zstd:3")
    topics = {access: set(doctor(f"--access={access}", path))
              for access in ("sequential", "random", "batch", "low-memory")}
    assert "random" in topics["random"] and not topics["random"] & {"sequential", "batch"}
    assert "sequential" in topics["sequential"] and not topics["sequential"] & {"random", "group_size", "index_memory"}
    assert "batch" in topics["batch"] and "random" not in topics["batch"]
    assert {"batch", "index_memory"} <= topics["low-memory"] and "random" not in topics["low-memory"]


def test_json():
    path = make(text_records(1000, 1000), "group_size:500,zstd:3")
    found, again = all_of(path, f"{path}[:10]")
    assert found["layout"] == info(path) and again["layout"]["selected"] == [0, 10]
    assert list(found["measured"]) == ["chunks", "chunk_size", "pread_us", "random_us", "group_1_us", "mb_s"]
    assert found["measured"]["chunks"] == 2 and all(found["measured"].values())
    assert all(finding["advice"][-1] == f"{path}[:10]" for finding in again["findings"]
               if finding["advice"] and finding["advice"][0] == "arec")
    assert all_of(path, "absent", code=3, err="arec: absent: No such file or directory\n")[0]["path"] == path


@pytest.mark.parametrize("name", ["it's two words", "-dash", "new\nline", "$(reboot)", "x[0:1]", b"\xff.x", "a*b"],
                         ids=repr)
def test_names(name):
    """What is shown can be pasted into bash, and shows no control character."""
    name = os.fsencode(name)
    make(text_records(20, 10), "group_size:10,uncompressed", os.path.join(os.getcwdb(), name))
    result = arec("doctor", b"./" + name)
    assert result.code == 0 and all(32 <= byte < 127 or byte == 10 for byte in result.out), result
    (line,) = (line for line in result.out.decode().splitlines() if line.startswith("  advice  group size: "))
    script = line.removeprefix("  advice  group size: ")
    environ = {**os.environ, "PATH": f"{os.path.dirname(AREC)}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", script], check=True, env=environ, timeout=TIMEOUT, stderr=subprocess.DEVNULL)
    assert info("OUT")["records"] == 20


def test_a_name_with_a_dash_needs_no_dot():
    make(text_records(20, 10), "group_size:10,uncompressed", "./-x")
    assert doctor("--", "-x")["group_size"]["advice"][-1] == "./-x"


# ---- files of all kinds, and failures ---------------------------------------------------------


# One of each kind.
GOLDEN = ["big.groupsize3-zstd3", "blocks.groupsize4-uncompressed-padtoblockboundarytrue", "empties.groupsize37-uncompressed",
          "examples.groupsize64-transposetrue-zstd3.metadata", "mixed_empty.groupsize17-snappy",
          "random.groupsize16-zstd3-windowlog31", "text.groupsize700-brotli11-windowlog24", "tiny.groupsize2500-brotli6"]


@pytest.mark.parametrize("g", [golden.get(f"{name}.array_record") for name in GOLDEN], ids=lambda g: g.name)
def test_golden_files(g):
    (found,) = all_of(g.path)
    assert found["layout"] == info(g.path)


def test_no_records():
    (found,) = all_of(EMPTY.path)
    assert found["layout"]["records"] == 0 and found["measured"]["chunks"] == 0
    assert "0 records in 0 chunks" in succeeds("doctor", EMPTY.path).decode()


def test_recovered():
    path = make(noise(20, 1000), "group_size:5,uncompressed")
    os.truncate(path, os.path.getsize(path) - 65536)
    result = arec("doctor", path)
    assert result.code == 5 and result.out == b"", result
    found = doctor("--recover", path)
    assert found["damage"]["grade"] == "poor"
    assert run(found["damage"]) == "OUT" and "damage" not in doctor("OUT")


@pytest.mark.parametrize("code, args, words", [
    (2, [], "doctor: FILE is missing"),
    (2, ["--access=sideways", "x"], "--access: invalid value: sideways, expected sequential, random, batch or "),
    (3, ["absent"], "absent: No such file or directory"),
    (3, ["."], ".: is a directory"),
    (3, ["-"], "-: "),
    (4, ["zeros"], "zeros: at 0: "),
    (5, ["zeros.array_record"], "zeros.array_record: at 0: "),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_failures(code, args, words):
    for name in ("zeros", "zeros.array_record"):
        Path(name).write_bytes(bytes(200_000))
    result = arec("doctor", *args)
    assert result.code == code and words in result.err and result.out == b"", result


def test_it_leaves_nothing():
    path = make(text_records(100, 100), "group_size:10")
    before = sorted(os.listdir("."))
    content = Path(path).read_bytes()
    os.chmod(path, 0o400)
    succeeds("doctor", "--deep", path)
    assert sorted(os.listdir(".")) == before and Path(path).read_bytes() == content
