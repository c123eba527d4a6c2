"""arec bench codecs: its rows, forms, plot and failures. Figures are never compared, but with each other."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.dom.minidom
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from program import AREC, arec  # noqa: E402

import golden  # noqa: E402

ROW_KEYS = ["options", "group_size", "write_s", "write_cpu_s", "write_mb_s", "read_s", "read_mb_s", "random_us",
            "rss_mb", "file_size", "ratio", "write_mean_s", "write_spread", "read_mean_s", "read_spread", "outliers",
            "estimated"]
GUIDE = ["uncompressed", "snappy", "brotli:1", "brotli:6", "brotli:11", "zstd:1", "zstd:3", "zstd:22"]
ROWS = [f"group_size:{group},{codec}" for group in (1, 100) for codec in GUIDE] + ["group_size:1000,brotli:9"]
DISTURBED = re.compile(r"arec: other processes took [\d.]+ of \d+ CPUs meanwhile: the times say little\n")
SMALL = ["--records=30", "--repeat=1"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The file that is written is in this folder, too, and must leave nothing there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def bench(*args):
    """Standard output as text; a word about other load is none of ours."""
    result = arec("bench", "codecs", *args)
    assert result.code == 0 and DISTURBED.sub("", result.err) == "", result
    return result.out.decode()


def bench_json(*args):
    return json.loads(bench("--json", *args))


def fails(code, *args):
    result = arec("bench", *args)
    assert result.code == code and result.out == b"", result
    assert re.fullmatch(r"arec: [^\n]+\n", result.err), result
    return result.err


def test_table():
    lines = bench(*SMALL).splitlines()
    assert lines[0].split() == ("codec group write s MB/s CPU s read s MB/s random us size MB ratio").split()
    rows = [line.split() for line in lines[1:1 + len(ROWS)]]
    assert [f"group_size:{row[1]},{row[0]}" for row in rows] == ROWS
    for row in rows:
        assert len(row) == 10 and all(re.fullmatch(r"\d+(\.\d+)?", figure) for figure in row[1:]), row
    assert all(line.startswith("advice: ") for line in lines[1 + len(ROWS):])


def test_spread_is_shown_of_several_rounds():
    shown = re.compile(r"^spread of 2 rounds: write \d+ %, read \d+ % at most, \d+ outliers$", re.M)
    assert shown.search(bench("--records=30", "--repeat=2", "--options=zstd"))
    assert "spread" not in bench(*SMALL, "--options=zstd")


def test_json():
    found = bench_json(*SMALL)
    assert list(found) == ["data", "machine", "rows", "advice"]
    assert found["data"] == {"source": "the guide's records", "records": 30,
                             "bytes": sum(len(f"Test record {i}: ") + 100 for i in range(30))}
    assert list(found["machine"]) == ["cpus", "model", "kernel"] and found["machine"]["cpus"] >= 1
    assert [row["options"] for row in found["rows"]] == ROWS
    for row in found["rows"]:
        assert list(row) == ROW_KEYS and row["estimated"] is False, row
        assert all(row[key] >= 0 for key in ROW_KEYS[1:-1]), row
        assert row["write_s"] > 0 and row["read_s"] > 0 and row["random_us"] > 0 and row["file_size"] > 0, row
        # The figures fit each other, as far as they are rounded.
        size = found["data"]["bytes"]
        assert row["ratio"] == pytest.approx(size / row["file_size"], abs=1e-4)
        assert row["write_mb_s"] == pytest.approx(size / 1e6 / row["write_s"], rel=0.1)
    for advice in found["advice"]:
        assert list(advice) == ["rule", "text", "options"]
        assert advice["options"] in ROWS and advice["rule"] in ("random", "speed", "incompressible", "profile")


def test_csv_has_the_members_of_json():
    rows = list(csv.reader(io.StringIO(bench(*SMALL, "--csv"))))
    assert rows[0] == ROW_KEYS and [row[0] for row in rows[1:]] == ROWS
    assert all(len(row) == len(ROW_KEYS) and row[-1] == "false" for row in rows[1:])


def test_default_is_the_guide():
    """Of its 10,000 records; the slow codecs are left to the test against the reference."""
    data = bench_json("--options=uncompressed", "--group-size=1", "--repeat=1")["data"]
    assert data["records"] == 10000 and data["bytes"] == 10000 * 115 + sum(len(str(i)) for i in range(10000)) - 10000


def test_the_same_but_for_figures():
    def shape(text):
        return re.sub(r"[\d.]+", "0", text.split("advice")[0]).replace(" ", "")

    args = [*SMALL, "--options=zstd:22 snappy brotli", "--group-size=3,1,20"]
    assert shape(bench(*args)) == shape(bench(*args))


def test_sizes_are_those_that_pack_makes():
    Path("lines").write_text("".join(f"Test record {i}: " + "x" * 100 + "\n" for i in range(3000)))
    rows = bench_json("--records=3000", "--repeat=1", "--options=uncompressed zstd:3 brotli:1 zstd:3,transpose",
                      "--group-size=1,64")["rows"]
    assert len(rows) == 8
    for row in rows:
        assert arec("pack", "-qf", "--from=lines", "--options", row["options"], "-o", "out", "lines").code == 0
        assert row["file_size"] == os.path.getsize("out"), row


def test_file():
    file = golden.get("text.groupsize100-brotli6.array_record")
    found = bench_json(file.path, "--repeat=1", "--options=zstd:1")
    sizes = [int(line.split()[1]) for line in arec("ls", file.path).out.splitlines()]
    assert found["data"] == {"source": str(file.path), "records": len(sizes), "bytes": sum(sizes)}
    # Seven of them, evenly spread.
    found = bench_json(file.path, "--records=7", "--repeat=1", "--options=zstd:1")
    assert found["data"]["bytes"] == sum(sizes[i * len(sizes) // 7] for i in range(7))
    # Several, and a range: one sequence.
    found = bench_json(f"{file.path}[:5]", f"{file.path}[-5:]", "--repeat=1", "--options=zstd:1")
    assert found["data"]["records"] == 10 and found["data"]["bytes"] == sum(sizes[:5] + sizes[-5:])


def test_slow_row_is_estimated():
    args = ["--records=3000", "--repeat=1", "--options=brotli:11 uncompressed", "--group-size=8", "--limit=0.01"]
    slow, fast = bench_json(*args)["rows"]
    assert slow["estimated"] is True
    assert fast["file_size"] > slow["file_size"] >= 131072 or fast["estimated"]
    first = bench(*args).splitlines()[1].split()
    assert first[0] == "brotli:11" and re.fullmatch(r"~\d+\.\d+", first[2]), first


def test_threads():
    one, three = (bench_json("--records=500", "--repeat=1", "--options=zstd:3", "--group-size=10",
                             f"--threads={n}")["rows"][0] for n in (1, 3))
    assert one["file_size"] == three["file_size"]


def test_plot():
    bench(*SMALL, "--plot=p.svg")
    document = xml.dom.minidom.parse("p.svg").documentElement
    assert document.tagName == "svg" and document.namespaceURI == "http://www.w3.org/2000/svg"
    assert document.getAttribute("viewBox").startswith("0 0 ")
    marks = [group.getElementsByTagName("title")[0].firstChild.data for group in document.getElementsByTagName("g")]
    assert len(marks) == 2 * len(ROWS)
    for codec in GUIDE:
        assert sum(mark.startswith(f"{codec}, group_size:100: ") for mark in marks) == 2
    # It is kept, unless -f.
    before = Path("p.svg").read_bytes()
    assert fails(1, "codecs", *SMALL, "--plot=p.svg") == "arec: p.svg: exists; -f replaces it\n"
    assert Path("p.svg").read_bytes() == before
    os.symlink("p.svg", "link.svg")
    bench("--records=3", "--repeat=1", "--options=zstd", "--plot=link.svg", "-f")
    assert Path("link.svg").is_symlink() and Path("p.svg").read_bytes() != before


def test_plot_of_a_hostile_name():
    name = b"<&\xff\x1b[31m]]>.array_record"
    Path(os.fsdecode(name)).write_bytes(golden.get("text.default.array_record").path.read_bytes())
    bench(name, *SMALL, "--options=zstd", "--plot=p.svg")
    text = xml.dom.minidom.parse("p.svg").documentElement.getElementsByTagName("text")[0].firstChild.data
    assert text.startswith("<&\\xFF\\x1B[31m]]>.array_record: 30 records"), text


@pytest.mark.parametrize("code, args, words", [
    (2, [], "one of codecs, access, mount is missing"),
    (2, ["nosuch"], "nosuch: is none of codecs, access, mount"),
    (2, ["mount"], "bench mount: FILE is missing"),
    (3, ["mount", "absent.array_record"], "absent.array_record"),
    (2, ["codecs", "--options=zstd:99"], "--options: Option zstd: invalid value: 99"),
    (2, ["codecs", "--group-size=0"], "--group-size: invalid value: 0"),
    (2, ["codecs", "--levels=few"], "--levels: invalid value: few, expected all"),
    (2, ["codecs", "--records=0"], "--records: invalid value: 0"),
    (2, ["codecs", "--repeat=x"], "--repeat: invalid value: x"),
    (2, ["codecs", "--threads=-1"], "--threads: invalid value: -1"),
    (2, ["codecs", "--limit=0"], "--limit: invalid value: 0"),
    (2, ["codecs", "--csv", "--json"], "--csv and --json exclude each other"),
    (3, ["codecs", "absent.array_record"], "absent.array_record"),
    (3, ["codecs", "--dir=absent"], "absent: cannot make a file there"),
    (1, ["codecs", "--plot=/dev/null"], "/dev/null: is no file"),
    (1, ["codecs", "--plot=/dev/null", "-f"], "/dev/null: is no file"),
    (2, ["codecs", golden.get("empty.groupsize1.array_record").path], "there is no record to measure with"),
], ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None)
def test_failures(code, args, words):
    assert words in fails(code, *args)
    assert os.listdir() == []


def test_damaged_file():
    data = bytearray(golden.get("text.groupsize64-snappy.array_record").path.read_bytes())
    data[len(data) // 3] ^= 1
    Path("x.array_record").write_bytes(data)
    assert "x.array_record" in fails(5, "codecs", "x.array_record")


def test_plot_that_cannot_be_written():
    result = arec("bench", "codecs", *SMALL, "--options=zstd", "--plot=absent/p.svg")
    assert result.code == 1 and "absent" in result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_nothing(number):
    """The file that it writes has no name at any time."""
    process = subprocess.Popen([AREC, "bench", "codecs", "--options=brotli:11", "--plot=p.svg"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 60
        while not any("(deleted)" in os.readlink(f"/proc/{process.pid}/fd/{fd}")
                      for fd in list_descriptors(process.pid)):
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.01)
        assert os.listdir() == []
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (1, b"", b"arec: interrupted\n")
    assert os.listdir() == []


def list_descriptors(pid):
    """Of a process that opens and closes them: those that are still there."""
    return [fd for fd in os.listdir(f"/proc/{pid}/fd") if os.path.lexists(f"/proc/{pid}/fd/{fd}")]


def test_full_disk_is_reported(monkeypatch):
    with open("/dev/full", "wb") as full:
        result = arec("bench", "codecs", *SMALL, "--options=zstd", stdout=full)
    assert result.code == 1 and "standard output: No space left on device" in result.err


def test_help_names_what_there_is():
    assert b"codecs" in arec("bench", "--help").out
    shown = arec("bench", "codecs", "--help").out.decode()
    assert shown.startswith("Usage:\n  arec bench codecs [OPTION]... [FILE...]\n")
    for option in ("--options", "--levels", "--records", "--group-size", "--threads", "--repeat", "--limit", "--dir",
                   "--csv", "--plot", "--json"):
        assert option in shown
