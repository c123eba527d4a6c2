"""Plain Riegeli/records files: scanned when they are opened, then read like any other."""

import json
import os
import re
import resource
import shutil
import subprocess

import pytest

import golden
from container import Container, add_with_overhead
from damaged import Sound, flipped
from program import AREC, TIMEOUT, arec, can_read, succeeds

import forge

SANITIZED = bool(os.environ.get("AREC_SANITIZE"))
READABLE = [g for g in golden.RIEGELI if can_read(g)]
UNEVEN = golden.get("text.uncompressed.riegeli")
CODECS = {"uncompressed": "none", "brotli": "brotli", "zstd": "zstd", "snappy": "snappy"}
COMMENT = "plain records file"


def by_name(g):
    return g.name


def codec_of(g):
    words = re.split("[:,]", g.options)
    return next((CODECS[word] for word in words if word in CODECS), "none")


def info_of(path, *options):
    (reported,) = json.loads(succeeds("info", "--json", *options, path))
    return reported


# ---- sound files ------------------------------------------------------------------------------


@pytest.mark.parametrize("g", READABLE, ids=by_name)
def test_info(g):
    chunks = Container(g.path).user_chunks
    reported = info_of(g.path)
    expected = {
        "path": str(g.path), "file_size": g.path.stat().st_size, "kind": "riegeli",
        "records": g.n_records, "chunks": len(chunks),
        "group_size": chunks[0].n_records if chunks else 0, "codec": codec_of(g),
        "transposed": "transpose" in g.options, "decoded_size": sum(g.sizes)}
    assert {key: reported[key] for key in expected} == expected
    assert not reported["recovered"] and reported["gaps"] == 0
    text = succeeds("info", g.path).decode()
    assert f"\nkind:         riegeli\nrecords:      {g.n_records}\n" in text


@pytest.mark.parametrize("g", golden.RIEGELI, ids=by_name)
def test_metadata(g):
    has_chunk = any(chunk.kind == "m" for chunk in Container(g.path).chunks)
    if not can_read(g):
        assert arec("info", g.path).code == 6 or g.transposed
        pytest.skip("metadata or transposed chunks are not in this build")
    metadata = info_of(g.path)["metadata"]
    assert (metadata is not None) == has_chunk
    if has_chunk:
        assert metadata["file_comment"] == COMMENT
        assert f"\ncomment:      {COMMENT}\n" in succeeds("info", g.path).decode()


@pytest.mark.parametrize("g", READABLE, ids=by_name)
def test_records(g):
    data, at = succeeds("cat", g.path), 0
    for number, size in enumerate(g.sizes):
        g.check(number, data[at:at + size])
        at += size
    assert at == len(data)
    lines = succeeds("ls", g.path).decode().splitlines()
    assert lines == [f"{i} {size}" for i, size in enumerate(g.sizes)]
    places = [(i, chunk.begin) for i, chunk in enumerate(Container(g.path).user_chunks)
              for _ in range(chunk.n_records)]
    reported = [json.loads(line) for line in succeeds("ls", "--json", g.path).splitlines()]
    assert reported == [{"record": i, "size": g.sizes[i], "chunk": chunk, "offset": offset}
                        for i, (chunk, offset) in enumerate(places)]


@pytest.mark.parametrize("g", [g for g in READABLE if g.n_records > 10], ids=by_name)
def test_single_records(g):
    for number in (0, 7, g.n_records // 2, g.n_records - 1):
        g.check(number, succeeds("cat", g.path, str(number)))
    g.check(g.n_records - 2, succeeds("cat", f"{g.path}[-5:]", "3"))


# ---- kinds ------------------------------------------------------------------------------------


def test_kind(tmp_path):
    path = shutil.copyfile(UNEVEN.path, tmp_path / "x.array_record")
    for command in ("info", "ls", "cat"):
        result = arec(command, path)
        assert (result.code, result.out) == (5, b"[" if "--json" in command else b""), result
        assert re.fullmatch(r"arec: [^\n]*x\.array_record: at \d+: [^\n]*\n", result.err), result
    assert info_of(path, "--kind=riegeli")["records"] == 700
    assert succeeds("cat", "--kind=riegeli", path) == succeeds("cat", UNEVEN.path)
    assert arec("cat", "--kind=array_record", UNEVEN.path).code == 5
    assert arec("cat", "--kind=tar", UNEVEN.path).code == 2


def test_an_array_record_file_as_riegeli():
    """Footer and postscript are then records like others."""
    g = golden.get("text.groupsize100-brotli6.array_record")
    sound = Sound(g.path)
    reported = info_of(g.path, "--kind=riegeli")
    n = 700 + sound.footer.n_records + sound.postscript.n_records
    assert (reported["kind"], reported["records"], reported["chunks"]) == ("riegeli", n, 9)
    data = succeeds("cat", "--kind=riegeli", g.path)
    assert data.startswith(succeeds("cat", g.path)) and len(data) > sum(g.sizes)


def test_any_name_will_do(tmp_path):
    for name in ("x.bin", "x", "x.riegeli"):
        path = shutil.copyfile(UNEVEN.path, tmp_path / name)
        assert info_of(path)["kind"] == "riegeli"


def test_files_that_are_not_riegeli(tmp_path):
    path = tmp_path / "x.riegeli"
    for content in (b"", b"x", bytes(64), bytes(200_000), b"text" * 20_000,
                    UNEVEN.path.read_bytes()[:63]):
        path.write_bytes(content)
        result = arec("cat", path)
        assert (result.code, result.out) == (4, b""), result
        assert result.err.count("\n") == 1
    path.write_bytes(forge.riegeli_signature())
    assert succeeds("cat", path) == b""


# ---- damaged and cut ones ---------------------------------------------------------------------


def records_of(g):
    whole, at, records = succeeds("cat", g.path), 0, []
    for size in g.sizes:
        records.append(whole[at:at + size])
        at += size
    return records


@pytest.mark.parametrize("g", [g for g in READABLE if g.n_records], ids=by_name)
def test_damaged(g, tmp_path):
    """cat ends with code 5, and stops at a damaged chunk and where a gap may have held records."""
    sound, records = Sound(g.path), records_of(g)
    path = tmp_path / g.name
    for case in sound.cases():
        path.write_bytes(case.content)
        result = arec("cat", path)
        if case.name == "signature":
            assert (result.code, result.out) == (4, b""), f"{case}{result}"
            continue
        if case.name == "padding":  # bytes that no reader uses
            assert result.code == 0, f"{case}{result}"
        else:
            assert result.code == 5 and result.err.count("\n") == 1, f"{case}{result}"
        gaps = [first for _, _, first, n in case.damages if n is None]
        stop = min([*case.lost, *gaps], default=g.n_records)
        assert result.out == b"".join(records[:stop]), f"{case}{result}"


def test_recover_skips_gaps(tmp_path):
    sound = Sound(UNEVEN.path)
    path = tmp_path / UNEVEN.name
    records = records_of(UNEVEN)
    for case in (sound.header(20), sound.cut(50), sound.signature()):
        path.write_bytes(case.content)
        kept = [record for i, record in enumerate(records) if i not in case.lost]
        result = arec("cat", "--recover", path)
        assert result.code == 0 and result.out == b"".join(kept), f"{case}{result}"
        reported = info_of(path, "--recover")
        assert (reported["records"], reported["recovered"]) == (len(kept), True)


def test_records_before_and_after_a_damaged_chunk(tmp_path):
    sound = Sound(UNEVEN.path)
    path = tmp_path / UNEVEN.name
    path.write_bytes(flipped(sound.content, sound.chunks[20].position(30)))
    for number in (sound.first[20] - 1, sound.first[21], 699):
        UNEVEN.check(number, succeeds("cat", path, str(number)))
    for number in (sound.first[20], sound.first[21] - 1):
        result = arec("cat", path, str(number))
        assert (result.code, result.out) == (5, b"")
        assert f": at {sound.chunks[20].begin}: " in result.err


# ---- large ones -------------------------------------------------------------------------------

STATS = re.compile(r"arec: .*?(\d+) reads of (\d+) bytes", re.S)


def source_reads(result):
    """(reads, bytes) as -v prints them."""
    numbers = STATS.search(result.err)
    assert numbers, result
    return int(numbers[1]), int(numbers[2])


def limited(size):
    """Runs the program with an address space of @size bytes at most."""
    if SANITIZED:
        return None
    return lambda: resource.setrlimit(resource.RLIMIT_DATA, (size, size))


@pytest.fixture(scope="module")
def tiny_chunks(tmp_path_factory):
    """200,000 chunks of one record each."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.riegeli"
    path.write_bytes(forge.riegeli_file([forge.riegeli_chunk([b"tiny record"])] * 200_000))
    return path


def test_200000_tiny_chunks_are_read_once(tiny_chunks):
    result = arec("info", "-v", tiny_chunks, preexec_fn=limited(160 << 20))
    assert result.code == 0, result
    assert b"\nrecords:      200000\nchunks:       200000\n" in result.out
    size = tiny_chunks.stat().st_size
    reads, read = source_reads(result)
    assert read <= 1.1 * size and reads <= 4 * size / forge.BLOCK + 100, result
    memory = re.search(rb"\nindex_memory: (\d+)", result.out)
    assert int(memory[1]) <= 8 * 200_000, result
    assert succeeds("cat", tiny_chunks, "199999") == b"tiny record"
    assert succeeds("cat", tiny_chunks, "123456") == b"tiny record"


def test_200000_tiny_chunks_verify(tiny_chunks):
    result = arec("verify", tiny_chunks, preexec_fn=limited(160 << 20))
    assert result.code == 0, result
    assert result.out.endswith(b": ok, 200000 records in 200000 chunks are sound\n")


def test_data_is_skipped(tmp_path):
    """A scan of 2,000 chunks of 1 MB reads their headers. The file is mostly a hole."""
    path = tmp_path / "large.riegeli"
    n, size = 2000, 1_000_000
    write_holes(path, n, size)
    result = arec("info", "-v", path, preexec_fn=limited(160 << 20))
    assert result.code == 0, result
    assert b"\nrecords:      2000\nchunks:       2000\n" in result.out
    reads, read = source_reads(result)
    assert read <= path.stat().st_size / 100 and reads <= 3 * n + 500, result


def write_holes(path, n, size):
    """@n chunks whose @size bytes of data are holes, in which block headers are missing, too."""
    header = forge.hollow_chunk_header(size)
    begin = 64
    with open(path, "wb") as file:
        file.write(forge.riegeli_signature())
        for _ in range(n):
            end = add_with_overhead(begin, len(header) + size)
            file.seek(begin)
            file.write(forge.in_blocks(begin, end, header))
            begin = end
        file.truncate(begin)


def test_growing_file(tmp_path):
    path = tmp_path / "x.array_record"
    path.write_bytes(UNEVEN.path.read_bytes())
    with open(path, "ab"):
        result = arec("cat", path)
        assert result.code == 5 and "still being written" in result.err, result
    assert "still being written" not in arec("cat", path).err


def test_progress_is_for_terminals(tiny_chunks):
    done = subprocess.run([AREC, "info", tiny_chunks], capture_output=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr) == (0, b"")
