"""arecfs --profile: a mount has the settings that the guide recommends, and options by name win over them."""

import os
import re
from pathlib import Path

import pytest

import guide
import oracle
from mounts import mounted, run_arecfs

MIB = 1 << 20
UNITS = {"": 1, "KB": 1 << 10, "MB": MIB}
MAN_PAGE = Path(__file__).resolve().parent.parent.parent / "fs" / "arecfs.1"

# What the guide does not say, or says of readers that are no mount: a mount needs a thread that loads.
OURS = {"random": {"max_parallelism": "1"}, "low-memory": {"cache_size": "32MB"}}


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """A file of 2,000 records in groups of 20."""
    return oracle.write(tmp_path_factory.mktemp("grouped") / "g.array_record",
                        oracle.text_records(2000, maximum=400), "group_size:20,zstd:1")


def number(text):
    """`16MB` as `16777216`; words stay."""
    found = re.fullmatch(r"(\d+)([KM]B|)", text)
    return str(int(found[1]) * UNITS[found[2]]) if found else text


def recommended(name):
    """What the log should say."""
    options = {"readahead_buffer_size": "auto", "max_parallelism": "auto", "cache_size": "auto",
               **guide.READER[name], **OURS.get(name, {})}
    return ",".join(f"{key.replace('_', '-')}={number(value)}" for key, value in options.items())


def settings(mount):
    """The line of the log."""
    lines = mount.log_lines(": profile ")
    assert len(lines) == 1, mount.log()
    return lines[0].split(": profile ")[1]


def test_profiles_are_those_of_the_guide(tmp_path):
    code, _, err = run_arecfs("--profile=nosuch", "x", tmp_path)
    found = re.fullmatch(r"arecfs: option profile: 'nosuch' is not one of (.*)\n", err)
    assert code == 2 and found, err
    assert sorted(found[1].split(", ")) == sorted(guide.READER)


@pytest.mark.parametrize("name", guide.READER)
def test_mount_has_the_settings(grouped, name, tmp_path):
    with mounted(grouped, f"--profile={name}", f"--index-dir={tmp_path}", "--no-push") as mount:
        assert settings(mount) == f"{name}: {recommended(name)}"
        names = sorted(os.listdir(mount.path))
        for record in names:
            (mount.path / record).read_bytes()
        engine = mount.stats()["engine"]
    storage = guide.READER[name].get("index_storage_option", "in_memory")
    assert (engine["index_offloaded_bytes"] > 0) == (storage == "offloaded"), engine
    assert (engine["cache_budget"] == 32 * MIB) == (name == "low-memory"), engine
    # Read in order: without readahead no chunk is decoded before it is asked for.
    assert (engine["chunks_ahead"] > 0) == (name != "random"), engine


@pytest.mark.parametrize("options", [
    ["--profile=low-memory", "--cache-size=64M", "--index-storage-option=in_memory"],
    ["--cache-size=64M", "--index-storage-option=in_memory", "--profile=low-memory"],
    ["-o", "cache_size=64M,index_storage_option=in_memory,profile=low-memory"],
    ["--reader-options=index_storage_option:in_memory", "-oprofile=low-memory", "-o", "cache-size=64M"],
], ids=" ".join)
def test_options_win(grouped, options):
    with mounted(grouped, *options) as mount:
        engine = mount.stats()["engine"]
        assert settings(mount).startswith("low-memory: readahead-buffer-size=1048576,max-parallelism=1,")
    assert engine["cache_budget"] == 64 * MIB and engine["index_offloaded_bytes"] == 0


def test_without_a_profile_nothing_is_logged(grouped):
    with mounted(grouped) as mount:
        assert mount.log_lines(": mounted") and not mount.log_lines("profile")


def test_man_page(grouped):
    """Its table has each profile with what it stands for."""
    rows = dict(re.findall(r"^\.B ([\w\\-]+)\n\.B (\\-o \S+)$", MAN_PAGE.read_text(), re.M))
    shown = {name.replace("\\-", "-"): text.replace("\\-", "-") for name, text in rows.items()}
    assert sorted(shown) == sorted(guide.READER)
    for name, text in shown.items():
        wanted = dict(part.split("=") for part in recommended(name).split(","))
        given = dict(part.split("=") for part in text.removeprefix("-o ").split(","))
        given = {key: number(value.replace("M", "MB").replace("K", "KB")) for key, value in given.items()}
        assert given == {key: value for key, value in wanted.items() if value != "auto"}, name
