"""A signal at each moment of a command that writes: either it came before the output was complete, and there is none, or
after, and nothing speaks of a signal. Of several outputs each is whole or not there, and the message counts them."""

import contextlib
import errno
import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

import golden  # noqa: E402
import tfrecord  # noqa: E402
from failing_device import FailingDevice  # noqa: E402
from program import arec, succeeds  # noqa: E402

RECORDS = [b"%d" % i * 40 for i in range(30)]
SOURCE = golden.get("blocks.groupsize1-uncompressed.array_record").path
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
CALLS = ["write", "fsync", "close", "link", "rename", "unlink", "sync-folder"]

# Command lines whose outputs are all below `out`, and how many there are.
SETS = {
    "pack": (["pack", "--from=tfrecord", "-o", "out/x", "x.tfrecord"], 1),
    "pack --no-sync": (["pack", "--from=tfrecord", "--no-sync", "-o", "out/x", "x.tfrecord"], 1),
    "pack --write-names": (["pack", "-o", "out/x", "--write-names=names", "d"], 1),
    "pack --shards": (["pack", "--from=tfrecord", "-o", "out/x", "--shards=3", "x.tfrecord"], 3),
    "pack --shard-records": (["pack", "--from=tfrecord", "-o", "out/x", "--shard-records=11", "x.tfrecord"], 3),
    "convert": (["convert", "-o", "out/x", "--group-size=4", "x.array_record"], 1),
    "convert --shards": (["convert", "-o", "out/x", "--shards=3", "x.array_record"], 3),
    "repair": (["repair", "-o", "out/x", SOURCE], 1),
    "repair --reencode": (["repair", "--reencode", "-o", "out/x", SOURCE], 1),
}

# Command lines of several outputs below `out`, each of which gets its name by itself.
SEVERAL = {
    "pack --each": (["pack", "--from=tfrecord", "--each", "-o", "out", "a.tfrecord", "b.tfrecord", "c.tfrecord"], "out: ", "done"),
    "convert --each": (["convert", "--each", "-o", "out", "a.array_record", "b.array_record", "c.array_record"], "out: ", "done"),
    "unpack": (["unpack", "-f", "x.array_record", "out", ":3"], "out: ", "there"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """In memory where that can be: every run syncs, and a disk takes its time for that."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path) as path:
        monkeypatch.chdir(path)
        fill()
        yield
        monkeypatch.undo()


def fill():
    os.mkdir("d")
    Path("d/file").write_bytes(b"file")
    for name in "abcx":
        Path(f"{name}.tfrecord").write_bytes(tfrecord.file_of([name.encode(), *RECORDS]))
        succeeds("pack", "-qo", f"{name}.array_record", "--group-size=3", f"{name}.tfrecord")


@contextlib.contextmanager
def preloaded(folder, is_named):
    """The device, where there is O_TMPFILE, or where there is none."""
    device = FailingDevice(folder)
    with device.output_fails("tmpfile", errno.EOPNOTSUPP) if is_named else contextlib.nullcontext():
        yield device


@pytest.fixture
def device(tmp_path):
    with preloaded(tmp_path, False) as device:
        yield device


@pytest.fixture
def named_device(tmp_path):
    with preloaded(tmp_path, True) as device:
        yield device


def content(path):
    return {name: (Path(path) / name).read_bytes() for name in os.listdir(path)}


def begin(old):
    """An empty `out`, or one with the files @old, whose bytes are others."""
    os.makedirs("out", exist_ok=True)
    for name in os.listdir("out"):
        os.unlink(f"out/{name}")
    for name in old:
        Path(f"out/{name}").write_bytes(b"old")
    with contextlib.suppress(FileNotFoundError):
        os.unlink("names")


def moments(device, args, old, calls=CALLS):
    """Runs arec again and again, each time with a signal after another call. Yields the results."""
    n_runs = 0
    for call in calls:
        for nth in range(1, 100):
            begin(old)
            hits = device.hits(call)
            with device.output_signals(call, NUMBERS[n_runs % 3], nth):
                result = arec(*args, env={**os.environ, **device.environment})
            if device.hits(call) == hits:
                assert result.code == 0, result
                break
            n_runs += 1
            yield result


def check_all_or_none(device, args, n_files, old):
    begin(old)
    succeeds(args[0], "-q", *args[1:], *(["-f"] if old else []))
    new = content("out")
    assert len(new) == n_files
    n_none = n_all = 0
    for result in moments(device, [*args, *(["-f"] if old else [])], old):
        if result.code == 0:
            assert content("out") == new and "interrupted" not in result.err and result.err.startswith("arec: out/x: "), result
            assert os.path.exists("names") == ("--write-names=names" in args)
            n_all += 1
        else:
            assert (result.code, result.err) == (1, "arec: interrupted\n"), result
            assert content("out") == dict.fromkeys(old, b"old") and not os.path.exists("names"), result
            n_none += 1
    return n_none, n_all


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("is_replaced", [False, True], ids=["new", "replaced"])
def test_all_or_none(name, is_replaced, device):
    args, n_files = SETS[name]
    begin([])
    succeeds(args[0], "-q", *args[1:])
    n_none, n_all = check_all_or_none(device, args, n_files, sorted(os.listdir("out")) if is_replaced else [])
    assert n_none >= n_files and n_all >= n_files


@pytest.mark.parametrize("name", ["pack", "pack --shards"])
def test_hidden_names(name, named_device):
    args, n_files = SETS[name]
    n_none, n_all = check_all_or_none(named_device, args, n_files, [])
    assert n_none >= n_files and n_all >= n_files


@pytest.mark.parametrize("name", ["pack", "pack --shards"])
def test_where_names_cannot_be_exchanged(name, device):
    """The old file is lost with the first rename, so what has begun then is ended."""
    args, n_files = SETS[name]
    begin([])
    succeeds(args[0], "-q", *args[1:])
    old = sorted(os.listdir("out"))
    with contextlib.ExitStack() as stack:
        for i in range(n_files):
            stack.enter_context(device.output_fails("rename", errno.EINVAL, 2 * i + 1))
        n_none, n_all = check_all_or_none(device, args, n_files, old)
    assert n_none >= n_files and n_all >= n_files


@pytest.mark.parametrize("name", SEVERAL)
def test_several(name, device):
    check_several(name, device)


def test_several_hidden_names(named_device):
    check_several("unpack", named_device)


def check_several(name, device):
    args, front, state = SEVERAL[name]
    begin([])
    succeeds(args[0], "-q", *args[1:])
    new = content("out")
    names, seen = sorted(new), set()
    for result in moments(device, args, []):
        there = content("out")
        n = len(there)
        assert there == {name: new[name] for name in names[:n]}, result
        lines = result.err.splitlines()
        if result.code == 0:
            assert n == 3 and "interrupted" not in result.err, result
        else:
            assert (result.code, lines[-2:]) == (1, [f"arec: {front}{n} of 3 files are {state}", "arec: interrupted"]), result
        seen.add((n, result.code))
    assert seen == {(0, 1), (1, 1), (2, 1), (3, 0)}


def test_in_place(device):
    args = ["convert", "--in-place", "--codec=snappy", "out/a", "out/b", "out/c"]
    old = {name: Path(f"{name}.array_record").read_bytes() for name in "abc"}
    new, seen = {}, set()
    for name in "abc":
        succeeds("convert", "-qo", "new", "-f", "--codec=snappy", f"{name}.array_record")
        new[name] = Path("new").read_bytes()
    for call in CALLS:
        for nth in range(1, 100):
            begin([])
            for name, data in old.items():
                Path(f"out/{name}").write_bytes(data)
            hits = device.hits(call)
            with device.output_signals(call, NUMBERS[nth % 3], nth):
                result = arec(*args, env={**os.environ, **device.environment})
            if device.hits(call) == hits:
                break
            there = content("out")
            n = sum(there[name] == new[name] for name in "abc")
            assert there == {name: (new if i < n else old)[name] for i, name in enumerate("abc")}, result
            if result.code == 0:
                assert n == 3 and "interrupted" not in result.err, result
            else:
                assert result.err.endswith(f"arec: {n} of 3 files are done\narec: interrupted\n"), result
            seen.add((n, result.code))
    assert seen == {(0, 1), (1, 1), (2, 1), (3, 0)}


@pytest.mark.parametrize("args", [["pack", "--from=tfrecord", "-qo", "-", "x.tfrecord"], ["convert", "-qo", "-", "x.array_record"],
                                  ["repair", "-qo", "-", SOURCE], ["unpack", "-q", "--tar", "x.array_record"]],
                         ids=lambda args: args[0])
def test_standard_output(args, tmp_path):
    """A signal after the last write has come too late."""
    whole, seen = succeeds(*args), []
    for result in moments(FailingDevice(tmp_path), args, [], calls=["pipe"]):
        assert (result.code, result.err) == ((0, "") if result.out == whole else (1, "arec: interrupted\n")), result
        assert whole.startswith(result.out)
        seen.append(result.code)
    assert seen == [1] * (len(seen) - 1) + [0] and len(seen) > 1
