"""Which files and directories a mount has, for every form of SOURCE."""

import json
import os
import re
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest

import golden
import oracle
from mounts import SLOW, arec, mount_fails, mounted, wait_until


def tagged(tag, n):
    """@n records that name their source."""
    return [f"{tag}:{i}".encode() for i in range(n)]


def tree(path):
    """{relative path: content} of all listed files below @path."""
    found = {}
    for directory, _, files in os.walk(path, onerror=_raise):
        for name in files:
            file = Path(directory) / name
            found[str(file.relative_to(path))] = file.read_bytes()
    return found


def _raise(error):
    raise error


def flat(records):
    return dict(zip(golden.record_names(len(records)), records))


def below(name, records):
    return {f"{name}/{key}": value for key, value in flat(records).items()}


def absent(path):
    with pytest.raises(FileNotFoundError):
        os.stat(path)


# ---- forms of sources --------------------------------------------------------------------------


def test_shards_that_arec_made(tmp_path):
    """By their common name, in a glob and in a directory."""
    records = tagged("r", 25)
    (tmp_path / "lines").write_bytes(b"\n".join(records))
    made = tmp_path / "made"
    made.mkdir()
    arec("pack", "-q", "--from=lines", "--shard-records=10", "-o", made / "t.array_record", tmp_path / "lines")
    shards = {}
    for i in range(3):
        shards |= below(f"t.array_record-0000{i}-of-00003", records[10 * i:10 * i + 10])
    for source in (f"{made}/t.array_record@3", f"{made}/t*", made):
        with mounted(source) as mount:
            assert tree(mount.path) == shards
    with mounted("--merge", f"{made}/t.array_record@3") as mount:
        assert tree(mount.path) == flat(records)


@pytest.mark.parametrize("n", [0, 1, 2, 10, 11, 100, 101, 1000, 1001])
def test_one_file_is_flat_and_padded_to_the_last_number(tmp_path, n):
    records = tagged("a", n)
    source = oracle.write(tmp_path / "one.array_record", records, "group_size:7")
    with mounted(source) as mount:
        assert tree(mount.path) == flat(records)
        assert sorted(os.listdir(mount.path)) == golden.record_names(n)


def test_several_files_are_directories(tmp_path):
    a = oracle.write(tmp_path / "a.array_record", tagged("a", 12), "group_size:5")
    b = oracle.write(tmp_path / "b.arrayrecord", tagged("b", 3))
    with mounted([b, a]) as mount:
        assert tree(mount.path) == {**below("a.array_record", tagged("a", 12)),
                                    **below("b.arrayrecord", tagged("b", 3))}


def test_a_name_is_free_when_the_path_is_literal(tmp_path):
    source = oracle.write(tmp_path / "anything.dat", tagged("x", 4))
    with mounted(source) as mount:
        assert tree(mount.path) == flat(tagged("x", 4))


@pytest.mark.parametrize("merge", [False, True])
def test_clash_of_names_is_an_error_unless_merged(tmp_path, merge):
    for directory in "pq":
        (tmp_path / directory).mkdir()
        oracle.write(tmp_path / directory / "same.array_record", tagged(directory, 2))
    sources = [tmp_path / d / "same.array_record" for d in "pq"]
    if merge:
        with mounted(sources, "--merge") as mount:
            assert tree(mount.path) == flat(tagged("p", 2) + tagged("q", 2))
    else:
        (tmp_path / "mnt").mkdir()
        mount_fails(sources, code=2, at=tmp_path / "mnt", contains=["same.array_record"])


@pytest.fixture
def forest(tmp_path):
    """A directory with files at several depths, and what its mount shows."""
    top = tmp_path / "top"
    (top / "x" / "y").mkdir(parents=True)
    (top / "z").mkdir()
    expected = {}
    for name, n in [("root.array_record", 3), ("x/one.arrayrecord", 11),
                    ("x/y/two.array_record-00000-of-00002", 2),
                    ("x/y/two.array_record-00001-of-00002", 1), ("z/empty.array_record", 0)]:
        oracle.write(top / name, tagged(name, n), "group_size:4")
        expected.update(below(name, tagged(name, n)))
    oracle.write(top / "x" / "other.bin", tagged("bin", 2))
    (top / "z" / "notes.txt").write_text("no record file")
    return top, expected


def test_directory_keeps_its_tree(forest):
    top, expected = forest
    with mounted(top) as mount:
        assert tree(mount.path) == expected
        assert os.listdir(mount.path / "z" / "empty.array_record") == []
        absent(mount.path / "x" / "other.bin")
        absent(mount.path / "z" / "notes.txt")


def test_directory_beside_a_file(forest, tmp_path):
    top, expected = forest
    extra = oracle.write(tmp_path / "extra.array_record", tagged("extra", 2))
    with mounted([top, extra]) as mount:
        # Each of several sources is shown under its name, be it a file or a directory.
        beside = {f"{top.name}/{name}": content for name, content in expected.items()}
        assert tree(mount.path) == {**beside, **below("extra.array_record", tagged("extra", 2))}


def test_pattern_adds_files_of_a_directory(forest):
    top, expected = forest
    with mounted(top, "--pattern=*.bin") as mount:
        assert tree(mount.path) == {**expected, **below("x/other.bin", tagged("bin", 2))}


def test_directory_is_a_snapshot_of_names(forest):
    top, expected = forest
    with mounted(top) as mount:
        oracle.write(top / "later.array_record", tagged("later", 2))
        absent(mount.path / "later.array_record")
        assert tree(mount.path) == expected


def test_file_of_a_directory_that_fails_is_an_error_inside_it_only(forest):
    top, expected = forest
    (top / "x" / "bad.array_record").write_bytes(b"no record file at all" * 5000)
    with mounted(top) as mount:
        assert "bad.array_record" in os.listdir(mount.path / "x")
        for _ in range(3):
            with pytest.raises(OSError) as caught:
                os.listdir(mount.path / "x" / "bad.array_record")
            assert caught.value.errno == 5
        for name, content in expected.items():
            assert (mount.path / name).read_bytes() == content
        assert len(mount.log_lines("bad.array_record")) == 1, mount.log()


@pytest.mark.parametrize("count", [1, 3])
def test_glob_gives_directories_even_with_one_match(tmp_path, count):
    expected = {}
    for i in range(count):
        oracle.write(tmp_path / f"g-{i}.array_record", tagged(i, 4))
        expected.update(below(f"g-{i}.array_record", tagged(i, 4)))
    oracle.write(tmp_path / "other.array_record", tagged("other", 4))
    with mounted(f"{tmp_path}/g-*.array_record") as mount:
        assert tree(mount.path) == expected


@pytest.mark.parametrize("glob", ["s.array_record-?????-of-00003",
                                  "s.array_record-0000[0-2]-of-00003", "s.array_record@3"])
def test_sharded_names(tmp_path, glob):
    expected = {}
    for i in range(3):
        name = f"s.array_record-{i:05d}-of-00003"
        oracle.write(tmp_path / name, tagged(i, i + 1))
        expected.update(below(name, tagged(i, i + 1)))
    with mounted(f"{tmp_path}/{glob}") as mount:
        assert tree(mount.path) == expected
    with mounted(f"{tmp_path}/{glob}", "--merge") as mount:
        assert tree(mount.path) == flat(tagged(0, 1) + tagged(1, 2) + tagged(2, 3))


def test_one_shard_gives_a_directory(tmp_path):
    name = "s.array_record-00000-of-00001"
    oracle.write(tmp_path / name, tagged(0, 2))
    with mounted(f"{tmp_path}/s.array_record@1") as mount:
        assert tree(mount.path) == below(name, tagged(0, 2))


def test_file_with_a_literal_at_sign_wins(tmp_path):
    source = oracle.write(tmp_path / "s.array_record@2", tagged("literal", 3))
    for i in range(2):
        oracle.write(tmp_path / f"s.array_record-{i:05d}-of-00002", tagged(i, 1))
    with mounted(source) as mount:
        assert tree(mount.path) == flat(tagged("literal", 3))


@pytest.mark.parametrize("text, first, end", [
    ("5:9", 5, 9), (":100", 0, 100), ("-10:", 110, 120),
    (":", 0, 120), ("10:10", 10, 10), ("100:-5", 100, 115), ("119:", 119, 120)])
def test_slice(tmp_path, text, first, end):
    records = tagged("s", 120)
    source = oracle.write(tmp_path / "s.array_record", records, "group_size:16")
    with mounted(f"{source}[{text}]") as mount:
        assert tree(mount.path) == flat(records[first:end])


def test_slice_of_globs_and_shards(tmp_path):
    for i in range(2):
        oracle.write(tmp_path / f"s.array_record-{i:05d}-of-00002", tagged(i, 9), "group_size:2")
    expected = {}
    for i in range(2):
        expected.update(below(f"s.array_record-{i:05d}-of-00002", tagged(i, 9)[2:5]))
    for source in ("s.array_record-*[2:5]", "s.array_record@2[2:5]", "s.*-0000[01]-of-00002[2:5]"):
        with mounted(f"{tmp_path}/{source}") as mount:
            assert tree(mount.path) == expected, source


def test_file_with_a_literal_slice_in_its_name_wins(tmp_path):
    oracle.write(tmp_path / "x.array_record", tagged("plain", 20))
    source = oracle.write(tmp_path / "x.array_record[0:5]", tagged("literal", 7))
    with mounted(source) as mount:
        assert tree(mount.path) == flat(tagged("literal", 7))
    with mounted(f"{source}[1:3]") as mount:
        assert tree(mount.path) == flat(tagged("literal", 7)[1:3])


def test_merge_keeps_the_order_given(tmp_path):
    a = oracle.write(tmp_path / "a.array_record", tagged("a", 6), "group_size:4")
    b = oracle.write(tmp_path / "b.array_record", tagged("b", 7), "group_size:2")
    with mounted([b, a], "--merge") as mount:
        assert tree(mount.path) == flat(tagged("b", 7) + tagged("a", 6))
    with mounted([f"{b}[2:4]", f"{a}[:3]", f"{b}[:1]"], "--merge") as mount:
        assert tree(mount.path) == flat(tagged("b", 7)[2:4] + tagged("a", 6)[:3] +
                                        tagged("b", 7)[:1])
    with mounted(f"{tmp_path}/*.array_record", "--merge") as mount:
        assert tree(mount.path) == flat(tagged("a", 6) + tagged("b", 7))
    with mounted(a, "--merge") as mount:
        assert tree(mount.path) == flat(tagged("a", 6))


def test_merge_of_a_directory_and_of_empty_files(forest, tmp_path):
    top, _ = forest
    merged = []
    for name, n in [("root.array_record", 3), ("x/one.arrayrecord", 11),
                    ("x/y/two.array_record-00000-of-00002", 2),
                    ("x/y/two.array_record-00001-of-00002", 1)]:
        merged += tagged(name, n)
    with mounted(top, "--merge") as mount:
        assert sorted(tree(mount.path)) == golden.record_names(len(merged))
        assert sorted(tree(mount.path).values()) == sorted(merged)
    empty = oracle.write(tmp_path / "empty.array_record", [])
    a = oracle.write(tmp_path / "a.array_record", tagged("a", 2))
    with mounted([empty, a, empty], "--merge") as mount:
        assert tree(mount.path) == flat(tagged("a", 2))


# ---- names of records --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hundred(tmp_path_factory):
    """A file of 120 records: names have three digits."""
    return oracle.write(tmp_path_factory.mktemp("hundred") / "h.array_record", tagged("h", 120),
                        "group_size:16")


def test_plain_number_is_found_and_not_listed(hundred):
    with mounted(hundred) as mount:
        for number in (0, 7, 42, 99):
            plain, padded = mount.path / str(number), mount.path / f"{number:03d}"
            assert plain.read_bytes() == f"h:{number}".encode()
            assert os.stat(plain).st_ino == os.stat(padded).st_ino
        assert sorted(os.listdir(mount.path)) == golden.record_names(120)


MALFORMED = ["120", "999", "0120", "0007", "07", "00", "+7", "-1", "-0", " 7", "7 ", "7.", "7.0",
             "7.png", "007.png", "0x7", "1e2", "abc", "00x", "x00", "007\n", "٠٠٧", "7\u0301",
             "[0:5]", "00000000000000000007", "18446744073709551615", "18446744073709551616",
             "18446744073709551623", "1" * 255, "0" * 255, "*", "...", "arecfs", ".arecfs2"]


@pytest.mark.parametrize("options", [(), ("--names=plain",)])
def test_absent_and_malformed_names(hundred, options):
    with mounted(hundred, *options) as mount:
        for name in MALFORMED:
            for _ in range(2):
                absent(mount.path / name)
        with pytest.raises(OSError):
            os.stat(mount.path / ("7" * 300))
        with pytest.raises(NotADirectoryError):
            os.stat(mount.path / "7" / "x")


def test_names_plain(hundred):
    with mounted(hundred, "--names=plain") as mount:
        assert sorted(os.listdir(mount.path), key=int) == [str(i) for i in range(120)]
        for number in (0, 9, 10, 119):
            assert (mount.path / str(number)).read_bytes() == f"h:{number}".encode()


def test_suffix(hundred):
    with mounted(hundred, "--suffix=.txt") as mount:
        names = [f"{name}.txt" for name in golden.record_names(120)]
        assert sorted(os.listdir(mount.path)) == names
        for number, name in enumerate(names):
            assert (mount.path / name).read_bytes() == f"h:{number}".encode()
        for name in ("007", "7", "119", "007.TXT", "007.tx", "007.txt.txt", "007txt", ".txt"):
            absent(mount.path / name)


def test_suffix_with_names_plain(hundred):
    with mounted(hundred, "--suffix=.txt", "--names=plain") as mount:
        assert sorted(os.listdir(mount.path)) == sorted(f"{i}.txt" for i in range(120))
        assert (mount.path / "7.txt").read_bytes() == b"h:7"


@pytest.mark.parametrize("records, suffixes", [
    ([oracle.png(9), oracle.png(200)], [".png"]),
    ([oracle.jpeg(), oracle.png(1)], [".jpg", ".jpeg"]),
    ([b"GIF89a" + bytes(40)], [".gif"])])
def test_suffix_auto(tmp_path, records, suffixes):
    source = oracle.write(tmp_path / "i.array_record", records, "group_size:2")
    with mounted(source, "--suffix=auto") as mount:
        names = sorted(os.listdir(mount.path))
        assert [Path(n).stem for n in names] == golden.record_names(len(records))
        assert {Path(n).suffix for n in names} <= set(suffixes)
        assert [(mount.path / n).read_bytes() for n in names] == records


def test_suffix_auto_is_of_each_file(tmp_path):
    oracle.write(tmp_path / "p.array_record", [oracle.png(3)])
    oracle.write(tmp_path / "j.array_record", [oracle.jpeg()])
    with mounted(tmp_path, "--suffix=auto") as mount:
        assert os.listdir(mount.path / "p.array_record") == ["0.png"]
        assert os.listdir(mount.path / "j.array_record")[0] in ("0.jpg", "0.jpeg")


# ---- many files, odd paths ---------------------------------------------------------------------


@pytest.mark.parametrize("form", ["directory", "sharded", "merged"])
def test_many_shards_with_few_descriptors(tmp_path, form):
    first = oracle.write(tmp_path / "m.array_record-00000-of-00300", tagged("m", 3))
    for i in range(1, 300):
        shutil.copy(first, tmp_path / f"m.array_record-{i:05d}-of-00300")
    source = tmp_path if form == "directory" else f"{tmp_path}/m.array_record@300"
    options = ["--merge"] if form == "merged" else []
    with mounted(source, *options, nofile=64) as mount:
        for _ in range(2):
            for i in range(300):
                name = (f"{i * 3 + 1:03d}" if form == "merged"
                        else f"m.array_record-{i:05d}-of-00300/1")
                assert (mount.path / name).read_bytes() == b"m:1"
        assert len(os.listdir(mount.path)) == (900 if form == "merged" else 300)
        assert mount.stats()["engine"]["files_open"] < 64


ODD = ["a,b", "with space", "ü☃", "back\\slash", "quo'te\"s", "tab\there", "line\nbreak",
       "-dash", "eq=ual", "o,ro,rw", "per%cent", os.fsdecode(b"latin-\xe9\xff")]


@pytest.mark.parametrize("name", ODD)
def test_odd_paths(tmp_path, name):
    for directory in ("source", "at"):
        (tmp_path / directory / name).mkdir(parents=True)
    file = tmp_path / "source" / name / f"{name}.array_record"
    local = oracle.write(tmp_path / "plain", tagged("odd", 3))
    shutil.copy(local, file)
    at = tmp_path / "at" / name
    with mounted(file, at=at) as mount:
        assert tree(mount.path) == flat(tagged("odd", 3))
        assert "ro" in mount.info()["options"]
    with mounted(tmp_path / "source", at=at) as mount:
        assert tree(mount.path) == below(f"{name}/{name}.array_record", tagged("odd", 3))


def test_names_that_begin_with_a_dash_or_are_relative(tmp_path):
    oracle.write(tmp_path / "-f.array_record", tagged("dash", 2))
    (tmp_path / "mnt").mkdir()
    (tmp_path / "sub").mkdir()
    oracle.write(tmp_path / "sub" / "r.array_record", tagged("r", 2))
    with mounted(["--", "-f.array_record"], at="mnt", cwd=tmp_path) as mount:
        assert tree(mount.path) == flat(tagged("dash", 2))
    # Files of a directory are opened after the server has left the working directory.
    with mounted("sub", at="mnt", cwd=tmp_path) as mount:
        assert tree(mount.path) == below("r.array_record", tagged("r", 2))


def test_mount_point_inside_the_source_directory(forest):
    top, expected = forest
    (top / "x" / "mnt").mkdir()
    with mounted(top, at=top / "x" / "mnt") as mount:
        shown = tree(mount.path)
        assert shown == expected
        assert tree(mount.path) == shown
    (top / "x" / "mnt").rmdir()


def test_mount_point_over_the_source_directory(forest):
    top, expected = forest
    with mounted(top, at=top) as mount:
        assert tree(mount.path) == expected
    with mounted(top / "root.array_record", at=top) as mount:
        assert tree(mount.path) == flat(tagged("root.array_record", 3))
    with mounted("*.array_record", at=".", cwd=top) as mount:
        assert tree(mount.path) == below("root.array_record", tagged("root.array_record", 3))


def test_mount_point_that_is_not_empty(tmp_path, hundred):
    (tmp_path / "covered").write_text("there before")
    with mounted(hundred, at=tmp_path) as mount:
        absent(mount.path / "covered")
        assert len(os.listdir(mount.path)) == 120
    assert (tmp_path / "covered").read_text() == "there before"


def test_two_mounts_of_one_file(hundred):
    with mounted(hundred) as one, mounted(hundred) as two:
        assert tree(one.path) == tree(two.path) == flat(tagged("h", 120))


def test_arec_mount_is_arecfs(tmp_path, hundred):
    (tmp_path / "mnt").mkdir()
    marker = tmp_path / "mnt" / "000"
    try:
        arec("mount", hundred, tmp_path / "mnt")
        assert marker.read_bytes() == b"h:0"
    finally:
        if os.path.ismount(tmp_path / "mnt"):
            assert os.system(f"umount {tmp_path}/mnt") == 0
    assert not os.path.ismount(tmp_path / "mnt")


# ---- .arecfs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("several", [False, True])
def test_control_files_exist_and_are_not_listed(hundred, forest, several):
    source = forest[0] if several else hundred
    with mounted(source) as mount:
        assert ".arecfs" not in os.listdir(mount.path)
        assert sorted(os.listdir(mount.path / ".arecfs")) == ["damages.json", "log", "metrics", "stats.json"]
        for name in ("damages.json", "log", "metrics", "stats.json"):
            mode = os.stat(mount.path / ".arecfs" / name).st_mode
            assert stat.S_ISREG(mode) and mode & 0o400 and not mode & 0o333
        absent(mount.path / ".arecfs" / "other")
        absent(mount.path / ".arecfs" / "0")


def test_stats_are_json_and_live(hundred):
    with mounted(hundred) as mount:
        first = mount.stats()
        assert isinstance(first["requests"], dict) and isinstance(first["engine"], dict)
        assert first["engine"]["chunks_decoded"] == 0
        tree(mount.path)
        second = mount.stats()
        assert second["engine"]["chunks_decoded"] == 8
        assert second["engine"]["source_bytes"] > first["engine"]["source_bytes"]
        assert sum(second["requests"].values()) > sum(first["requests"].values())
        for name in ("cache_budget", "cache_used", "index_used", "cache_entries", "cache_hits",
                     "cache_misses", "cache_joins", "cache_evictions", "chunks_decoded",
                     "chunks_failed", "size_lists_read", "decoded_bytes", "source_reads",
                     "source_bytes", "files_open"):
            assert isinstance(second["engine"][name], int), name


def test_control_file_is_a_snapshot_of_exact_size(hundred):
    with mounted(hundred) as mount:
        for name in ("stats.json", "metrics"):
            for _ in range(20):
                with open(mount.path / ".arecfs" / name, "rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    content = file.read()
                    assert len(content) == size and b"\0" not in content
                    file.seek(0)
                    assert file.read() == content
        held = open(mount.path / ".arecfs" / "stats.json", "rb")
        before = json.loads(held.read())
        tree(mount.path)
        held.seek(0)
        assert json.loads(held.read()) == before, "an open snapshot changed"
        assert mount.stats() != before
        held.close()


def test_control_files_can_be_copied(hundred, tmp_path):
    """cp compares the file that it has opened with the one that it had looked up before."""
    with mounted(hundred) as mount:
        for name in ("stats.json", "metrics"):
            path = mount.path / ".arecfs" / name
            for _ in range(3):
                found = os.stat(path)
                assert os.stat(path).st_ino == found.st_ino
                subprocess.run(["cp", path, tmp_path / name], check=True, timeout=60)
        assert json.loads((tmp_path / "stats.json").read_bytes())["engine"]["chunks_decoded"] == 0
        tree(mount.path)
        subprocess.run(["cp", mount.path / ".arecfs" / "stats.json", tmp_path], check=True, timeout=60)
        assert json.loads((tmp_path / "stats.json").read_bytes())["engine"]["chunks_decoded"] == 8


def test_stats_by_many_readers(hundred):
    wrong = []

    def read(mount):
        try:
            for _ in range(50 // SLOW):
                mount.stats()
        except Exception as error:  # shown below, in the thread of the test
            wrong.append(error)

    with mounted(hundred) as mount:
        threads = [threading.Thread(target=read, args=(mount,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\.)*"'
SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{{{LABEL}(?:,{LABEL})*,?\}})? ([^ \n]+)")


def metrics(mount):
    """{sample with labels: value}; checks that the text is Prometheus' exposition format."""
    text = (mount.path / ".arecfs" / "metrics").read_text()
    assert text.endswith("\n")
    types, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram", "summary", "untyped")
            assert name not in types
            types[name] = kind
        elif not line.startswith("#") and line:
            match = SAMPLE.fullmatch(line)
            assert match, f"not a sample: {line!r}"
            name = match[1]
            family = name if name in types else re.sub(r"_(bucket|sum|count|total)$", "", name)
            assert family in types, f"no TYPE before {line!r}"
            key = name + (match[2] or "")
            assert key not in samples, f"twice: {key}"
            samples[key] = float(match[3])
    return samples


def test_metrics_are_prometheus_text_and_live(hundred):
    with mounted(hundred) as mount:
        first = metrics(mount)
        assert first
        tree(mount.path)
        second = metrics(mount)
        assert set(first) <= set(second)
        grown = [key for key in first if second[key] > first[key]]
        assert any("decoded" in key for key in grown), grown
        assert any("request" in key for key in grown), grown


def test_umount_ends_the_server(hundred):
    with mounted(hundred) as mount:
        assert mount.umount().returncode == 0
        assert wait_until(lambda: not mount.server_is_running(), 15)
        assert mount.exit_status == 0
