"""Prefixes and globs of buckets on real servers: what a mount shows, and how many requests that takes."""

import os
from pathlib import Path

import pytest

import buckets
import golden
from mounts import mount_fails, mounted
from program import arec
from undisturbed import undisturbed

TEXT = golden.get("text.groupsize1-uncompressed.array_record")
ONE = golden.get("text.groupsize100-brotli6.array_record")
SERVERS = [buckets.moto, buckets.rclone, buckets.nanio, buckets.emulator]
SHARDS = [f"d/x.array_record-{i:05}-of-00002" for i in range(2)]
OBJECTS = {
    "top.array_record": ONE,
    "d/a.array_record": ONE,
    "d/e/notes.txt": ONE,
    "d/e/train-0.array_record": TEXT,
    "d/e/train-1.array_record": ONE,
    "d/f/train-2.array_record": ONE,
    **{key: ONE for key in SHARDS},
}
# Servers that can keep and sign it.
ODD_SERVERS = ["moto", "rclone"]
ODD = {"d/g h+i%20/j&k~'é.array_record": TEXT}  # each byte is encoded once, and decoded once
# A key that is also a directory, and such as no directory can have; servers that keep files cannot keep these.
HOSTILE = {"h/a.array_record": ONE, "h/a.array_record/b.array_record": TEXT, "h//c.array_record": ONE, "h/z/": None}


class Object:
    """A file under a key."""

    def __init__(self, key, g):
        self.name, self.path = key, g.path if g else Path(os.devnull)

    def __fspath__(self):
        return str(self.path)

    def read_bytes(self):
        return self.path.read_bytes()


def objects_of(server):
    chosen = {**OBJECTS, **(ODD if server.__name__ in ODD_SERVERS else {}), **(HOSTILE if server is buckets.moto else {})}
    return [Object(key, g) for key, g in chosen.items()]


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: server.__name__)
def store(request):
    with buckets.store(request.param, objects_of(request.param)) as started:
        yield started


def is_listing(request):
    return "prefix=" in request.target


def listings(store):
    return [request for request in store.relay.requests if is_listing(request)]


def below(path):
    """The directories of files below @path, which are not entered."""
    found = []
    for entry in os.scandir(path):
        if "array_record" in entry.name:
            assert entry.is_dir()
            found.append(entry.path)
        elif entry.name != ".arecfs":
            found += below(entry.path)
    return sorted(found)


def keys_below(prefix, store):
    chosen = {**OBJECTS, **(ODD if store.name in ODD_SERVERS else {})}
    return sorted(key.removeprefix(prefix) for key in chosen if key.startswith(prefix) and not key.endswith(".txt"))


def opening_of(g):
    """The range that opens a file of known size: its last 128 KiB, without the padding behind the postscript."""
    size = g.path.stat().st_size
    assert size % 65536 == 0
    return f"{max(0, size - 131072)}-{size - 65536 + 152 - 1}"


@undisturbed
def test_a_prefix_is_a_tree(store):
    """One listing, whatever is looked at afterwards; a file is opened by its known size."""
    store.relay.requests.clear()
    with mounted(store.url("d/"), environment=store.environment(), lifetime=300) as mount:
        found = below(mount.path)
        assert [os.path.relpath(path, mount.path) for path in found] == keys_below("d/", store)
        before = [os.stat(path) for path in found]
        assert len(listings(store)) == len(store.relay.requests) == 1, store.relay.requests
        assert all(st.st_mode & 0o7777 == 0o555 for st in before)
        path = mount.path / "e" / "train-0.array_record"
        names = sorted(os.listdir(path))
        assert len(names) == TEXT.n_records
        for i in (0, TEXT.n_records - 1):
            TEXT.check(i, (path / names[i]).read_bytes())
        assert [os.stat(path) for path in found] == before or store.name == "emulator"  # which says no time in an answer
        requests = store.relay.requests[1:]
        assert all(request.target.split("?")[0].endswith("/d/e/train-0.array_record") for request in requests)
        assert requests[0].range == opening_of(TEXT)
        assert not any(request.range.startswith("-") or request.range == "0-0" for request in requests)
        assert os.getxattr(path, "user.arec.source").decode() == store.url("d/e/train-0.array_record")


def test_every_record_of_a_tree(store):
    sources = {**OBJECTS, **ODD}
    with mounted(store.url("d/"), "--names=plain", environment=store.environment(), lifetime=300) as mount:
        for path in below(mount.path):
            g = sources["d/" + os.path.relpath(path, mount.path)]
            for i in (0, g.n_records // 2, g.n_records - 1):
                g.check(i, Path(path, str(i)).read_bytes())


def test_several_sources(store):
    with mounted([store.url("d/e/"), ONE.path, store.url("top.array_record")], environment=store.environment(), lifetime=300) as mount:
        assert sorted(os.listdir(mount.path)) == sorted(["e", ONE.path.name, "top.array_record"])
        assert sorted(os.listdir(mount.path / "e")) == ["train-0.array_record", "train-1.array_record"]


def test_merged(store):
    sources = [store.url("d/f/"), store.url("d/e/*-1.*")]
    with mounted(sources, "--merge", "--names=plain", environment=store.environment(), lifetime=300) as mount:
        ONE.check(1, (mount.path / "1").read_bytes())
        ONE.check(0, (mount.path / str(ONE.n_records)).read_bytes())
        assert sum(name.isdigit() for name in os.listdir(mount.path)) == 2 * ONE.n_records


def test_patterns(store):
    """Files of other names count where a pattern says so."""
    with mounted(store.url("d/e/"), "--pattern=*.txt", environment=store.environment(), lifetime=300) as mount:
        assert "notes.txt" in os.listdir(mount.path)


@undisturbed
def test_globs(store):
    for glob, names in [("d/e/train-*.array_record", ["train-0", "train-1"]), ("d/?/train-[12]*", ["train-1", "train-2"]),
                        ("d*/a.array_record", ["a"]), ("d/x.array_record-*", ["x", "x"])]:
        store.relay.requests.clear()
        result = store.run("info", "-s", store.url(glob))
        assert (result.code, result.err) == (0, ""), result
        lines = [line for line in result.out.decode().splitlines() if "total of" not in line]
        assert [line.split("/")[-1].split(".")[0] for line in lines] == names, result
        assert len(listings(store)) == 1
    assert store.run("cat", store.url("d/e/train-*.array_record") + "[1:2]").out == (
        store.run("cat", store.url("d/e/train-0.array_record") + "[1:2]").out +
        store.run("cat", store.url("d/e/train-1.array_record") + "[1:2]").out)


def test_shards_need_no_listing(store):
    store.relay.requests.clear()
    result = store.run("info", "-s", store.url("d/x.array_record@2"))
    assert result.code == 0 and result.out.count(b"x.array_record-") == 2, result
    assert listings(store) == []


def test_commands_that_take_directories(store):
    result = store.run("verify", store.url("d/f/"))
    assert (result.code, result.err) == (0, ""), result
    assert result.out.decode().startswith(f"{store.url('d/f/train-2.array_record')}: ok, ")
    store.relay.requests.clear()
    for command in ("cat", "ls", "info", "doctor"):
        result = store.run(command, store.url("d/e/"))
        assert (result.code, result.err) == (3, f"arec: {store.url('d/e/')}: is a directory, expected a file\n"), result
    assert store.relay.requests == []


def test_a_list_of_names(store, tmp_path):
    (tmp_path / "list").write_text(f"{store.url('top.array_record')}\n{store.url('d/f/*.array_record')}\n{store.url('none*')}\n")
    result = store.run("info", "-s", f"--files-from={tmp_path}/list")
    assert result.code == 3 and result.out.count(b" records in ") == 3, result
    assert result.err == f"arec: {tmp_path}/list:3: {store.url('none*')}: no object matches\n", result


def test_failures(store, tmp_path):
    for url, message in [(store.url("none/"), f"no ArrayRecord files below {store.url('none/')}"),
                         (store.url("d/none*"), f"{store.url('d/none*')}: no object matches")]:
        err = mount_fails(url, code=3, at=tmp_path, environment=store.environment())
        assert err == f"arecfs: {message}\n"
    absent = store.url("d/").replace(f"//{buckets.BUCKET}/", "//absent-bucket/")
    if store.name != "emulator":  # which lists any bucket
        mount_fails(absent, code=3, at=tmp_path, environment=store.environment(), contains=[f"arecfs: {absent}: HTTP 404"])
    mount_fails(store.url("d/[0:2]"), code=2, at=tmp_path, environment=store.environment(),
                contains=["a range of records needs a file, but this is a directory"])


def test_a_wrong_secret(store, tmp_path):
    if store.scheme != "s3":
        pytest.skip("GCS has no secret keys")
    err = mount_fails(store.url("d/"), code=3, at=tmp_path, environment=store.environment(AWS_SECRET_ACCESS_KEY="SECRETwrong"),
                      contains=[f"arecfs: {store.url('d/')}: HTTP 403"])
    assert "SECRET" not in err


def test_keys_that_no_directory_can_have(store, tmp_path):
    if store.name != "moto":
        pytest.skip("moto alone has such keys")
    url = store.url("h/")
    lines = ["1 keys that no directory can have, such as h//c.array_record, left out",
             "1 objects whose keys are also those of directories, such as h/a.array_record, left out"]
    with mounted(url, environment=store.environment(), lifetime=300) as mount:
        assert [os.path.relpath(path, mount.path) for path in Path(mount.path).glob("*/*") if ".arecfs" not in str(path)] == \
            ["a.array_record/b.array_record"]
        for line in lines:
            assert len(mount.log_lines(f"{url}: {line}")) == 1
    mount_fails(url, "--strict", code=3, at=tmp_path, environment=store.environment(), contains=[url, "(option strict)"])


@undisturbed
def test_pages():
    """A server gives at most 1000 keys a page."""
    keys = [Object(f"p/{i % 7}/{i:05}.array_record", TEXT) for i in range(1100)]
    with buckets.store(buckets.rclone, keys) as store:
        with mounted(store.url("p/"), environment=store.environment(), lifetime=300) as mount:
            assert [os.path.relpath(path, mount.path) for path in below(mount.path)] == sorted(key.name[2:] for key in keys)
            assert len(listings(store)) == len(store.relay.requests) == 2
            TEXT.check(1, next(Path(below(mount.path)[1000]).glob("*1")).read_bytes())
