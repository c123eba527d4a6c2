"""Objects of buckets on real servers equal the local files; what servers refuse is said; no secret shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import buckets
import golden
from mounts import mount_fails, mounted
from program import arec
from undisturbed import undisturbed

README = Path(__file__).resolve().parents[2] / "README.md"
FILES = [golden.get(name) for name in (
    "text.groupsize1-uncompressed.array_record",
    "text.groupsize64-snappy.array_record",
    "text.snappy-chunksize4K-padding64K.riegeli",
    "examples.groupsize64-transposetrue-zstd3.array_record",
    "examples.transpose-brotli6.riegeli",
    "empty.groupsize1.array_record",
)]
TEXT = FILES[0]
SERVERS = [buckets.moto, buckets.rclone, buckets.nanio, buckets.emulator]
SHARDS = ["train.array_record-00000-of-00002", "train.array_record-00001-of-00002"]
ODD = "a b+c%20~'é.array_record"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The golden files, two of them as shards, and one under a name that needs all of encoding."""
    directory = tmp_path_factory.mktemp("files")
    for name, g in [*((g.name, g) for g in FILES), *zip(SHARDS, FILES[:2]), (ODD, TEXT), ("train.array_record", FILES[1])]:
        os.symlink(g.path, directory / name)
    return sorted(directory.iterdir())


@pytest.fixture(scope="module", params=SERVERS, ids=lambda server: server.__name__)
def store(request, files):
    takes_odd = request.param in (buckets.moto, buckets.rclone)  # boto3 cannot write it to nanio either
    with buckets.store(request.param, [path for path in files if path.name != ODD or takes_odd]) as started:
        yield started


@pytest.fixture(scope="module")
def only_s3(store):
    if store.scheme != "s3":
        pytest.skip("GCS has no secret keys")
    return store


def same(store, path, key, command):
    url = store.url(key)
    local, remote = arec(command, path), store.run(command, url)
    assert remote.code == local.code, remote
    assert remote.out.replace(url.encode(), os.fsencode(path)) == local.out, remote
    assert remote.err.replace(url, str(path)) == local.err, remote


@pytest.mark.parametrize("g", FILES, ids=lambda g: g.name)
def test_golden_files(g, store):
    for command in ("cat", "verify") if g is not TEXT else ("cat",):  # whose many chunks are verified one by one
        same(store, g.path, g.name, command)


def test_a_key_is_taken_as_it_is(store):
    if store.name not in ("moto", "rclone"):
        pytest.skip("the server takes no such key")
    result = store.run("cat", store.url(ODD), "7")
    assert (result.code, result.err) == (0, ""), result
    TEXT.check(7, result.out)


# Before the first record: size and version, end of the file, its chunk. Whether a server takes ranges of an end is
# remembered, so only the first of several objects asks in vain.
OPENINGS = {"moto": ["-131072"], "rclone": ["-131072"], "nanio": ["-131072", "0-0"], "emulator": ["-131072", "0-0"]}
NEXT = {"moto": ["-131072"], "rclone": ["-131072"], "nanio": ["0-0"], "emulator": ["0-0"]}


@undisturbed
def test_requests_of_an_opening(store):
    """Of two objects of more than 128 KiB, one after the other."""
    store.relay.requests.clear()
    result = store.run("ls", store.url("train.array_record@2"), "0")
    assert result.code == 0, result
    opening = [r for r in store.relay.ranges if r in ("-131072", "0-0")]
    assert opening == OPENINGS[store.name] + NEXT[store.name]
    by_name = {}
    for request in store.relay.requests:
        by_name.setdefault(request.target, []).append(request.range)
    assert all(len(set(ranges)) == len(ranges) for ranges in by_name.values()), by_name  # nothing twice


def test_absent_objects_and_buckets(store):
    result = store.run("info", store.url("none"))
    assert result.code == 3 and "HTTP 404, there is no such object" in result.err, result
    url = store.url("none").replace(f"//{buckets.BUCKET}/", "//absent-bucket/")
    result = store.run("info", url)
    assert result.code == 3 and result.err.startswith(f"arec: {url}: HTTP 404, there is no such "), result
    if store.name != "emulator":
        assert "no such bucket" in result.err, result


def test_a_wrong_secret_is_refused(only_s3):
    result = only_s3.run("info", only_s3.url(TEXT.name), AWS_SECRET_ACCESS_KEY="SECRETwrong")
    assert result.code == 3 and "HTTP 403, " in result.err and "SECRET" not in result.err, result
    if only_s3.name != "nanio":
        assert "SignatureDoesNotMatch" in result.err and "the secret key is probably another one's" in result.err, result


def test_an_unknown_key_is_refused(only_s3):
    result = only_s3.run("info", only_s3.url(TEXT.name), AWS_ACCESS_KEY_ID="NOBODY")
    assert result.code == 3 and "HTTP 403, " in result.err, result


def test_without_credentials(only_s3):
    result = arec("info", only_s3.url(TEXT.name), env=only_s3.environment(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=""))
    assert result.code == 3 and "AWS_ACCESS_KEY_ID" in result.err, result  # where was looked
    only_s3.relay.requests.clear()
    result = only_s3.run("info", "--anonymous", only_s3.url(TEXT.name))
    assert result.code == 3 and "HTTP 40" in result.err, result
    assert all("authorization" not in request.headers for request in only_s3.relay.requests)


def test_an_endpoint_as_an_option(store):
    options = ["--endpoint-url", store.endpoint, "--region=us-east-1", "--addressing=path"]
    if store.scheme == "gs":
        options.append("--anonymous")
    result = store.run("cat", *options, store.url(TEXT.name), "3", AWS_ENDPOINT_URL_S3=None,
                       CLOUD_STORAGE_EMULATOR_ENDPOINT=None)
    assert (result.code, result.err) == (0, ""), result
    TEXT.check(3, result.out)


def test_who_pays_is_said(store):
    store.relay.requests.clear()
    assert store.run("info", "-s", "--requester-pays", "--billing-project=p-1", store.url(TEXT.name)).code == 0
    name, value = ("x-amz-request-payer", "requester") if store.scheme == "s3" else ("x-goog-user-project", "p-1")
    other = "x-goog-user-project" if store.scheme == "s3" else "x-amz-request-payer"
    for request in store.relay.requests:
        assert request.headers.get(name) == value and other not in request.headers
    if store.scheme == "s3":
        assert all(name in request.headers["authorization"] for request in store.relay.requests)


def test_an_archived_object(store):
    if store.name != "moto":
        pytest.skip("moto alone archives")
    result = store.run("info", store.url("archived"))
    assert result.code == 3 and "archived" in result.err and "GLACIER" in result.err, result


def test_a_mount_of_shards(store):
    """All records, and no secret in what shows of it."""
    secret = store.keys.get("AWS_SECRET_ACCESS_KEY")
    url = store.url("train.array_record@2")
    with mounted(url, environment=store.environment(), lifetime=300) as mount:
        assert sorted(os.listdir(mount.path)) == SHARDS
        for shard, g in zip(SHARDS, FILES):
            names = sorted(os.listdir(mount.path / shard))
            assert len(names) == g.n_records
            for i in (0, g.n_records // 2, g.n_records - 1):
                g.check(i, (mount.path / shard / names[i]).read_bytes())
            assert os.getxattr(mount.path / shard, "user.arec.source").decode() == store.url(shard)
        if secret:
            seen = [mount.log(), (mount.path / ".arecfs" / "stats.json").read_text(), Path("/proc/self/mounts").read_text(),
                    Path(f"/proc/{mount.pid}/cmdline").read_text()]
            seen += [os.getxattr(mount.path, name).decode(errors="replace") for name in os.listxattr(mount.path)]
            assert not any(secret in text for text in seen)


def test_a_mount_that_is_refused(only_s3, tmp_path):
    err = mount_fails(only_s3.url(TEXT.name), code=3, at=tmp_path, environment=only_s3.environment(AWS_SECRET_ACCESS_KEY="SECRETwrong"),
                      contains=[f"arecfs: {only_s3.url(TEXT.name)}: HTTP 403"])
    assert "SECRET" not in err


def test_the_commands_of_the_readme(store):
    """Those with the scheme of the store; of two shards instead of 1024."""
    block = re.search(r"^## Data in a bucket\n\n```\n(.*?)^```$", README.read_text(), re.M | re.S)[1].replace("@1024", "@2")
    commands = [line.split() for line in block.splitlines() if f" {store.scheme}://" in line]
    assert {"s3": 2, "gs": 1}[store.scheme] == len(commands)
    for program, *args in commands:
        if program == "arecfs":
            with mounted(args[0], environment=store.environment()) as mount:
                assert sorted(os.listdir(mount.path)) == SHARDS
        else:
            result = store.run(*args)
            assert (program, result.code, result.err) == ("arec", 0, ""), result
            if args[0] == "cat":
                FILES[1].check(7, result.out)


REFERENCE = """
import sys
from array_record.python import array_record_module as m
reader = m.ArrayRecordReader(sys.argv[1])
data = reader.read_all()
sys.stdout.buffer.write(b"".join(data))
"""


def test_the_reference_reads_the_same(store):
    if store.scheme != "gs":
        pytest.skip("the reference reads no s3://")
    url = store.url(FILES[1].name)
    theirs = subprocess.run([sys.executable, "-c", REFERENCE, url], env=store.environment(), timeout=120,
                            stdin=subprocess.DEVNULL, capture_output=True)
    assert theirs.returncode == 0, theirs.stderr.decode()
    assert store.run("cat", url).out == theirs.stdout != b""
