"""--files-from of the commands that take several FILEs: what a line is, what stands beside it, where an error is."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from program import arec, succeeds  # noqa: E402

COMMANDS = ["info", "ls", "cat", "verify", "doctor", "convert"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tests run in a folder of their own; a and b are files of which each has its own records, and so have shards of c."""
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    for name in ("a", "b", "c-00000-of-00002", "c-00001-of-00002", "d/e.array_record"):
        Path("x").write_text("".join(f"{name} {i}\n" for i in range(5)))
        succeeds("pack", "-qo", name, "--from=lines", "x")
    return tmp_path


def listed(*lines, end="\n"):
    Path("list").write_bytes(b"".join(os.fsencode(line) + end.encode() for line in lines))
    return "--files-from=list"


def fails(code, err, *args, **options):
    result = arec(*args, **options)
    assert (result.code, result.err, result.out) == (code, f"arec: {err}\n", b""), result


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command(command):
    def run(*files, **options):
        if command == "convert":
            succeeds("convert", "-qfo", "out", *files, **options)
            return Path("out").read_bytes()
        if command == "doctor":  # its figures are times
            return [file.get("path") for file in json.loads(succeeds("doctor", "--json", *files, **options))]
        return succeeds(command, *files, **options)

    typed = run("a", "b", "c@2", "a[1:3]")
    Path("list").write_text("a\nb\nc@2\na[1:3]\n")
    assert run("--files-from=list") == typed
    assert run("--files-from", "list") == typed
    Path("list").write_text("\r\n\nc@2\r\na[1:3]")
    assert run("a", "--files-from=list", "b") == typed
    Path("list").write_text("a\nb\nc@2\na[1:3]\n")
    with open("list") as stdin:
        assert run("--files-from=-", stdin=stdin) == typed


@pytest.mark.parametrize("command", ["info", "verify", "convert"])
def test_a_literal_file_and_a_directory(command):
    """A line means what the same text means on the command line."""
    shutil.copy("a", "x?[1:2]")
    out = ["-qfo", "out"] if command == "convert" else []
    succeeds(command, *out, listed("x?[1:2]"))
    if command == "info":
        fails(3, "list:1: d: is a directory, expected a file", command, listed("d"))
    else:
        succeeds(command, *out, listed("d"))


@pytest.mark.parametrize("command", ["ls", "cat"])
def test_ranges_are_those_of_the_sequence(command):
    assert succeeds(command, listed("a", "b"), "3:6") == succeeds(command, "[ab]", "3:6")
    assert succeeds(command, "0", "-1:", listed("a", "b")) == succeeds(command, "[ab]", "0", "-1:")
    assert succeeds("cat", "-n", listed("a", "b"), "4:6") == b"a 4\nb 0\n"
    assert succeeds("cat", "-n", listed("b[1:2]"), "a[:1]") == b"a 0\nb 1\n"
    fails(2, arec(command, "a", "9").err[len("arec: "):-1], command, listed("a"), "9")


def test_a_range_beside_files():
    fails(2, "with several files a range is written after its file: FILE[a:b], not 3:6", "cat", "a", "3:6", listed("b"))
    fails(2, "'nothing' is not a range of records: 7, 5:9, :100 or -10: is expected, or the name of another file, and there is none",
          "cat", "nothing", listed("b"))


def test_errors_name_the_line():
    for command in ("ls", "cat"):
        fails(3, "list:3: absent: No such file or directory", command, listed("a", "", "absent", "b"))
        fails(3, "standard input:1: absent: No such file or directory", command, "--files-from=-", input=b"absent", stdin=None)
    fails(3, "list:2: d: is a directory, expected a file", "cat", listed("a", "d"))
    fails(3, "list:1: no*: no file matches", "convert", "-o", "out", listed("no*"))
    fails(3, "./absent: No such file or directory", "cat", "./absent", listed("a"))
    result = arec("info", "-s", listed("a", "absent", "b", "a[5"))
    assert result.code == 3 and result.out.count(b"\n") == 3, result
    assert result.err == "arec: list:2: absent: No such file or directory\narec: list:4: a[5: no file matches\n", result
    result = arec("verify", listed("absent", "a"))
    assert (result.code, result.err) == (3, "arec: list:1: absent: No such file or directory\n"), result
    assert b"a: ok" in result.out
    result = arec("doctor", listed("absent"))
    assert (result.code, result.err) == (3, "arec: list:1: absent: No such file or directory\n"), result


def test_errors_of_the_list():
    for command in COMMANDS:
        out = ["-o", "out"] if command == "convert" else []
        fails(3, "absent: No such file or directory", command, *out, "--files-from=absent", "a")
        fails(3, "d: Is a directory", command, *out, "--files-from=d")
        fails(3, "list: holds no names", command, *out, listed("", ""))
        fails(2, "list:2: a name with a NUL byte", command, *out, listed("a", "b\0"))
        fails(2, "list:1: a name of more than 65536 bytes", command, *out, listed("x" * 70000))
    assert not os.path.exists("out")


def test_queries_are_not_shown():
    """Of what is wrong with a URL in a list, or typed, no message shows the query."""
    for text, shown in [("https://h/a*?SECRET", "https://h/a*: "), ("https://h/x?SECRET#f", "https://h/x: "), ("ftp://h/x?SECRET", ": "),
                        ("https://u:SECRET@h/x", ": "), ("http://127.0.0.1:1/x?SECRET", "http://127.0.0.1:1/x: ")]:
        result = arec("ls", listed("a", text), env={**os.environ, "AREC_REQUEST_DEADLINE": "0.2", "http_proxy": "", "all_proxy": ""})
        assert result.code in (2, 3, 6) and shown in result.err and "SECRET" not in result.err, result
        if result.code == 2:
            assert result.err.startswith("arec: list:2: "), result


@pytest.mark.parametrize("command", ["repair", "unpack", "stats"])
def test_commands_of_one_file_have_no_list(command):
    assert arec(command, "--files-from=list", "a").code == 2
