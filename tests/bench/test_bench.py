"""The parts of the benchmarks on which figures rely: what the C programs do, how medians and verdicts are made."""

import os
import pathlib
import subprocess
from types import SimpleNamespace

import pytest

import bench_encode
import common
import corpora
import golden
import image_records
import images
import make_shard
import peers
import report
import small_files
import targets
from decoding import BARE, BOUND, LIBRARY
from mounts import SLOW

BIN = pathlib.Path(os.environ["AREC_BIN"]).parent
SIMPLE = [file for file in golden.SIMPLE if file.kind == "array_record"]


# ---- decoders -----------------------------------------------------------------------------------


def decode(program, path, threads, *more):
    return subprocess.run([BIN / program, "1", threads, path, *more], capture_output=True, text=True, timeout=60 * SLOW)


@pytest.mark.parametrize("file", SIMPLE, ids=lambda file: file.name)
@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("program", ["bench.decode_file", "bench.raw_decode"])
def test_decoders_read_every_record(program, threads, file):
    done = decode(program, file.path, threads)
    assert done.returncode == 0, done.stderr
    records, size, *_ = done.stdout.split()
    assert (int(records), int(size)) == (file.n_records, sum(file.sizes))


def test_bare_decoder_reads_chunks_at_random():
    file = golden.get("text.groupsize64-snappy.array_record")
    n_chunks = -(-file.n_records // 64)
    done = decode("bench.raw_decode", file.path, "1", str(n_chunks))
    assert done.returncode == 0, done.stderr
    records, size, *_ = done.stdout.split()
    assert (int(records), int(size)) == (file.n_records, sum(file.sizes))
    assert int(decode("bench.raw_decode", file.path, "1", "1").stdout.split()[0]) <= 64
    done = decode("bench.raw_decode", file.path, "1", str(n_chunks + 1))
    assert (done.returncode, done.stderr) == (1, "raw_decode: there are not so many chunks\n")


def test_bare_decoder_reads_each_chunk_once_in_any_order():
    file = golden.get("text.groupsize64-snappy.array_record")
    for order in (["-s"], ["-r", "5"], ["-d", "-o", "-r", "6"]):
        for threads in ("1", "3"):
            done = subprocess.run([BIN / "bench.raw_decode", *order, "2", threads, file.path], capture_output=True,
                                  text=True, timeout=60 * SLOW)
            assert done.returncode == 0, done.stderr
            records, size, *_ = done.stdout.split()
            assert (int(records), int(size)) == (file.n_records, sum(file.sizes))
    done = subprocess.run([BIN / "bench.raw_decode", "-s", "1", "1", file.path, "2"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("usage: ")


def test_bare_decoder_checks_hashes(tmp_path):
    data = bytearray(golden.get("text.groupsize64-snappy.array_record").path.read_bytes())
    data[200] ^= 1
    (tmp_path / "bad").write_bytes(data)
    done = decode("bench.raw_decode", tmp_path / "bad", "1")
    assert (done.returncode, done.stderr) == (1, "raw_decode: hash mismatch\n")


# ---- encoders -----------------------------------------------------------------------------------


def encode(program, group, codec, path, *more):
    return subprocess.run([BIN / program, "1", group, codec, path, *more], capture_output=True, text=True,
                          timeout=60 * SLOW)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "zstd:1", "zstd:22", "zstd:-5", "brotli:1", "brotli:9"])
@pytest.mark.parametrize("group", ["1", "64"])
def test_encoders_make_what_the_reference_makes(codec, group, tmp_path):
    file = golden.get("text.groupsize64-snappy.array_record")
    sizes = {}
    for program in ("bench.encode_file", "bench.raw_encode"):
        done = encode(program, group, codec, file.path)
        assert done.returncode == 0, done.stderr
        records, size, *_ = done.stdout.split()
        assert int(records) == file.n_records
        sizes[program] = int(size)
    n_chunks = -(-file.n_records // int(group))
    # The one counts headers of chunks and blocks, too, the other nothing but streams.
    assert 40 * n_chunks < sizes["bench.encode_file"] - sizes["bench.raw_encode"] < 60 * n_chunks + 2000
    if codec == "uncompressed":
        ours, theirs = sizes["bench.encode_file"], bench_encode.reference(group, codec, file.path, file.n_records)[0]
        assert ours == theirs


def test_encoders_stop_after_some_records():
    file = golden.get("text.groupsize64-snappy.array_record")
    for program in ("bench.encode_file", "bench.raw_encode"):
        assert encode(program, "64", "zstd:3", file.path, "5").stdout.split()[0] == "5"
        assert encode(program, "64", "lzma", file.path).stderr == f"{program[6:]}: no such codec\n"


# ---- the null filesystem ------------------------------------------------------------------------


@pytest.fixture
def null(tmp_path):
    def mount(*options):
        return common.Mount([BIN / "bench.null_fs", *options, tmp_path / "mnt"], tmp_path / "mnt", limit=60 * SLOW)
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.skip("mounting needs root and /dev/fuse")
    return mount


@pytest.mark.parametrize("options", [[], ["--readdir"], ["--push", "7"], ["--splice"]], ids=" ".join)
def test_null_filesystem_shows_all_records(null, options):
    with null("--records", "300", "--size", "5000", *options) as mount:
        names = sorted(os.listdir(mount.path))
        assert names == [f"{i:03d}" for i in range(300)]
        contents = {(mount.path / name).read_bytes() for name in names}
        assert len(contents) == 1 and len(contents.pop()) == 5000
        assert (mount.path / "007").stat().st_size == 5000
        for absent in ("7", "300", "x"):
            assert not (mount.path / absent).exists()


# ---- the reader ---------------------------------------------------------------------------------


@pytest.fixture
def numbered(tmp_path):
    for i in range(12):
        (tmp_path / f"{i:02d}").write_bytes(bytes(i))
    return tmp_path


@pytest.fixture(scope="session")
def reader(tmp_path_factory):
    return common.build_reader(tmp_path_factory.mktemp("reader"))


@pytest.mark.parametrize("options, files, size", [
    ([], 12, 66), (["-N", "12"], 12, 66), (["-N", "12", "-r", "5"], 12, 66), (["-n", "0"], 0, 0),
    (["-N", "12", "-s", "10", "-n", "3"], 3, 10 + 11 + 0)])
def test_reader_obeys_its_options(reader, numbered, options, files, size):
    out = subprocess.run([reader, *options, numbered], check=True, capture_output=True, text=True).stdout.split()
    assert (int(out[0]), int(out[1])) == (files, size)


def test_random_orders_depend_on_the_seed(reader, numbered):
    def sizes(seed):
        """The sizes of the first one, two and three files together, which show which they are."""
        return [subprocess.run([reader, "-N", "12", "-r", seed, "-n", str(n), numbered], check=True,
                               capture_output=True, text=True).stdout.split()[1] for n in (1, 2, 3)]
    assert sizes("1") == sizes("1")
    assert len({tuple(sizes(str(seed))) for seed in range(8)}) > 4


def test_large_text_records_have_their_size():
    records = make_shard.Records(2, make_shard.PIECE + 100)
    assert [len(record) for record in records] == [make_shard.PIECE + 100] * 2
    assert records[0] != records[1]
    assert make_shard.Records(2, 100)[1].startswith(make_shard.HEADER % 1)


def test_records_of_images_have_their_sizes():
    sizes = [image_records.size_of(i) for i in range(6000)]
    assert abs(sum(sizes) / len(sizes) - image_records.MEAN) < 500
    assert image_records.SMALLEST <= min(sizes) < max(sizes) <= image_records.LARGEST
    records = image_records.Noise(3)
    assert [len(record) for record in records] == sizes[:3]
    assert records[1] == image_records.Noise(2)[1]


def test_corpora_of_images_know_their_bytes(tmp_path):
    corpus = corpora.Images(tmp_path, 3, "noise")
    assert corpus.bytes_of(3) == sum(image_records.size_of(i) for i in range(3))
    assert [(corpus.files() / corpus.name(i)).read_bytes() == corpus[i] for i in range(3)] == [True] * 3
    with pytest.raises(common.BenchError):
        corpus.bytes_of(2)


# ---- the report ---------------------------------------------------------------------------------


def result(rows):
    args = SimpleNamespace(rounds=3, quick=False)
    return report.Result(SimpleNamespace(rows=rows, notes=["a note"], args=args))


def row(workload, case, place, number, rate, **more):
    return {"workload": workload, "case": case, "place": place, "round": number, "rate": rate, "amount": 100,
            "seconds": 100 / rate, "unit": "files/s", **more}


def pair(ours, theirs, case="cold", workload="random", names=(peers.ARECFS1, peers.SQUASHFUSE)):
    return [row(workload, case, name, number, rate) for name, rates in zip(names, (ours, theirs))
            for number, rate in enumerate(rates) if rate is not None]


def test_a_ratio_is_the_median_of_those_within_each_round():
    # The ratio of the medians would be 1.
    assert result(pair([10, 20, 30], [5, 20, 60])).ratio("random", "cold", peers.ARECFS1, peers.SQUASHFUSE) == 1
    assert result(pair([10, 20, 30], [5, 10, 60])).ratio("random", "cold", peers.ARECFS1, peers.SQUASHFUSE) == 2
    # Rounds that only one of the two places had do not count.
    assert result(pair([10, 20, 30], [5, None, None])).ratio("random", "cold", peers.ARECFS1, peers.SQUASHFUSE) == 2
    assert result(pair([10], [])).ratio("random", "cold", peers.ARECFS1, peers.SQUASHFUSE) is None


def verdicts(rows):
    return {target: verdict for target, _, verdict in targets.judge(result(rows))}


def test_verdicts():
    target = "cold random, groups of 1, to squashfuse_ll: at least 1.5"
    assert verdicts(pair([15], [10]))[target] == "pass"
    assert verdicts(pair([14], [10]))[target] == "FAIL"
    assert verdicts([])[target] == "not measured"


def test_counts_are_judged_by_the_worst_round():
    target = "ls -lU, LOOKUPs: exactly 0"
    rows = [row("listing", "ls -lU", peers.ARECFS64, number, 10, requests={"LOOKUP": 1} if number == 1 else {})
            for number in range(3)]
    assert verdicts(rows)[target] == "FAIL"
    assert verdicts(rows[:1])[target] == "pass"


def test_decode_is_judged_by_the_worst_file():
    names = (LIBRARY, BARE)
    rows = pair([10], [10], "zstd, groups of 1", "decode", names) + pair([8], [10], "snappy, groups of 64", "decode", names)
    found = [key for key, verdict in verdicts(rows).items() if verdict == "FAIL"]
    assert len(found) == 1 and "least for snappy, groups of 64" in found[0]


def test_overhead_is_judged_in_microseconds_of_a_round():
    names = (targets.UNCOMPRESSED1, BOUND)
    target = next(key for key in verdicts([]) if "microseconds" in key)
    for rate, verdict in ((1 / 109e-6, "pass"), (1 / 111e-6, "FAIL")):
        rows = pair([rate, rate, 1], [1 / 100e-6, 1 / 100e-6, None], small_files.SOURCE_CACHED, "overhead", names)
        assert verdicts(rows)[target] == verdict


def test_cpu_of_a_server_is_compared_within_a_round():
    names = (images.UNCOMPRESSED1, images.BARE)
    case = images.ORDERS[2].case(small_files.SOURCE_CACHED)
    target = next(key for key in verdicts([]) if "the server's CPU" in key)
    for seconds, verdict in ((1.3, "pass"), (1.4, "FAIL")):
        rows = [row("images", case, name, number, 10, server_seconds=used * (number + 1))
                for name, used in zip(names, (seconds, 1)) for number in range(3)]
        assert verdicts(rows)[target] == verdict
    assert "us a file" in result(rows).text([])


def test_report_has_every_figure():
    measured = result([row("random", "cold", peers.ARECFS1, 0, 1234, requests={"READ": 50}, decodes=7, chunks=9),
                       row("random", "cold", peers.SQUASHFUSE, 0, 617)])
    text = measured.text(targets.judge(measured))
    line = next(line for line in text.splitlines() if line.startswith(f"| {peers.ARECFS1}"))
    assert [cell.strip() for cell in line.split("|")[2:-1]] == ["1,234", "1,234 to 1,234", "2.00", "500", "0", "7 of 9"]
    assert f"- {peers.ARECFS1}, requests: READ 50" in text and "- a note" in text


def test_report_goes_between_its_marks(tmp_path):
    path = tmp_path / "report.md"
    report.write_text(path, "all of it")
    assert path.read_text() == "all of it\n"
    path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_text(path, "new")
    assert path.read_text() == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"


def test_plots_are_made_for_every_workload(tmp_path):
    pytest.importorskip("matplotlib")
    report.write_plots(result(pair([10, 20], [5, 6])), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["random.svg"]
    assert peers.SQUASHFUSE in (tmp_path / "random.svg").read_text()
