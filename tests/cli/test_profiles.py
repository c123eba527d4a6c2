"""arec pack --profile: each profile is what the guide recommends, and options by name win over it."""

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from program import arec, succeeds  # noqa: E402

import guide  # noqa: E402

MAN_PAGE = Path(__file__).resolve().parent.parent.parent / "tools" / "man" / "arec_options.7"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("lines").write_bytes(b"".join(b"line %d\n" % i for i in range(1500)))


def packed(*options):
    """The options that a file was written with, and its bytes."""
    facts = json.loads(succeeds("pack", "-f", "--json", "--from=lines", *options, "-o", "out", "lines"))
    return facts["options"], Path("out").read_bytes()


def names():
    """The profiles that a message lists."""
    result = arec("pack", "--profile=nosuch", "-o", "absent", "lines")
    assert result.code == 2 and not Path("absent").exists(), result
    found = re.fullmatch(r"arec: --profile: invalid value: nosuch, expected one of (.*)\n", result.err)
    assert found, result
    return found[1].split(", ")


def test_profiles_are_those_of_the_guide():
    assert sorted(names()) == sorted(guide.WRITER)


@pytest.mark.parametrize("name", guide.WRITER)
def test_profile_is_as_in_the_guide(name):
    assert packed("--profile", name) == packed("--options", guide.WRITER[name])


@pytest.mark.parametrize("options, same", [
    (["--options=zstd:9"], "group_size:100,zstd:9"),
    (["--options=group_size:7"], "group_size:7,brotli:6"),
    (["--options=group_size:7,snappy,max_parallelism:2"], "group_size:7,snappy,max_parallelism:2"),
    (["--options=window_log:20"], "group_size:100,brotli:6,window_log:20"),
    (["--options="], "group_size:100,brotli:6"),
    (["--options=transpose"], "group_size:100,brotli:6,transpose"),
    (["--group-size=7"], "group_size:7,brotli:6"),
    (["--codec=zstd"], "group_size:100,zstd"),
    (["--codec=snappy", "--options=group_size:3"], "group_size:3,snappy"),
    (["--transpose"], "group_size:100,brotli:6,transpose"),
    (["--threads=3"], "group_size:100,brotli:6,max_parallelism:3"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_options_win(options, same):
    expected = packed("--options", same)
    assert packed("--profile=balanced", *options) == expected
    assert packed(*options, "--profile=balanced") == expected


@pytest.mark.parametrize("profile, options, message", [
    ("throughput", ["--options=window_log:20"], "Option window_log conflicts with option snappy"),
    ("balanced", ["--options=zstd:9", "--codec=snappy"], "Option snappy conflicts with option zstd"),
    ("balanced", ["--options=group_size:9", "--group-size=9"], "Option group_size is present more than once"),
    ("balanced", ["--options=brotli:12"],
     "Option brotli: invalid value: 12, valid values: (empty), integers in the range [0..11]"),
])
def test_conflicts(profile, options, message):
    result = arec("pack", f"--profile={profile}", *options, "--from=lines", "-o", "out", "lines")
    assert (result.code, result.err) == (2, f"arec: --options: {message}\n"), result
    assert not Path("out").exists()


def test_profiles_of_readers_alone_are_refused():
    for name in sorted(set(guide.READER) - set(guide.WRITER)):
        assert arec("pack", f"--profile={name}", "-o", "out", "lines").code == 2


def table(heading):
    """{profile: option string} of a part of the page's PROFILES."""
    part = MAN_PAGE.read_text().split(f".SS {heading}\n")[1].split("\n.S")[0]
    return {name.replace("\\-", "-"): text for name, text in re.findall(r"^\.TP\n\.B ([\w\\-]+)\n\.B (\S+)$", part, re.M)}


def test_man_page_of_writers():
    """Its table has each profile with what it stands for."""
    shown = {name: packed("--options", text) for name, text in table("Of pack and convert").items()}
    assert shown == {name: packed("--profile", name) for name in names()}


def test_man_page_of_readers():
    wanted = {name: dict(options) for name, options in guide.READER.items()}
    wanted["random"]["max_parallelism"] = "1"  # a mount needs a thread that loads
    shown = {name: dict(part.split(":") for part in text.replace("M,", "MB,").replace("K,", "KB,").split(","))
             for name, text in table("Of arecfs").items()}
    assert shown == wanted
