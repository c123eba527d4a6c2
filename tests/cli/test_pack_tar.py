"""arec pack of tar archives and of WebDataset samples: archives of Python's tarfile and of tar, in each compression, hostile
ones, and each way to fail.
"""

import bz2
import gzip
import io
import itertools
import json
import lzma
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from program import AREC, arec, records_of, succeeds  # noqa: E402

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
PROBE = arec("pack", "-o", "absent/out", "--from=tar", "absent")
HAS_TAR = PROBE.code != 6
SANITIZED = bool(os.environ.get("AREC_SANITIZE"))
needs_tar = pytest.mark.skipif(not HAS_TAR, reason="this build is without libarchive")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tests run in a folder of their own, so that messages name plain files."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fails(code, err, *args):
    result = arec("pack", "-qo", "absent", *args)
    assert (result.code, result.err, result.out) == (code, f"arec: {err}\n", b""), result
    assert not os.path.exists("absent")


def packs(records, *args, **options):
    """Packs quietly, and compares the records."""
    succeeds("pack", "-qfo", "out", *args, **options)
    assert records_of("out") == records


def notes_of(*args):
    """What is said beside the last line."""
    result = arec("pack", "-fo", "out", *args)
    assert result.code == 0, result
    return result.err.splitlines()[:-1]


def member(name, data=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def archive(*members, format=tarfile.PAX_FORMAT):
    """A tar archive of what member () gives."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def header(name, size=0, kind=b"0", **fields):
    """A block whose checksum is right, of a GNU archive, whatever @size says: a number, or the 12 bytes."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.GNU_FORMAT))
    block[156:157] = kind
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    for at, data in fields.get("put", {}).items():
        block[at:at + len(data)] = data
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def binary(number):
    """A number in the 12 bytes of a field, as GNU tar writes what octal digits cannot hold."""
    return b"\x80" + number.to_bytes(11, "big")


def padded(data):
    return data + bytes(-len(data) % 512)


def pax(*fields):
    """A pax header, for the member that comes next."""
    text = b""
    for field in fields:
        rest = len(field) + 2
        length = next(length for length in range(rest, rest + 9) if len(b"%d" % length) + rest == length)
        text += b"%d %s\n" % (length, field)
    return header("pax", len(text), b"x") + padded(text)


END = bytes(1024)

MEMBERS = [("a/b.txt", b"first"), ("a/" + "n" * 120, b""), ("a/b.txt", b"of the same name"), ("big", bytes(range(256)) * 5000)]


# ---- members ----------------------------------------------------------------------------------


def test_without_libarchive():
    if HAS_TAR:
        pytest.skip("this build has libarchive")
    for kind in ("tar", "webdataset"):
        fails(6, f"--from={kind}: not in this build", "--from", kind, "x")


@needs_tar
@pytest.mark.parametrize("form", FORMATS)
def test_regular_members_are_records(form):
    Path("x.tar").write_bytes(archive(*(member(*one) for one in MEMBERS if form != "ustar" or len(one[0]) < 100),
                                      format=FORMATS[form]))
    packs([data for name, data in MEMBERS if form != "ustar" or len(name) < 100], "x.tar")


COMPRESSIONS = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
    "zst": lambda data: subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout,
    "lz4": lambda data: subprocess.run(["lz4", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout,
}


def compressed(ending, data):
    program = {"zst": "zstd", "lz4": "lz4"}.get(ending)
    if program and not shutil.which(program):
        pytest.skip(f"there is no {program}")
    return COMPRESSIONS[ending](data)


@needs_tar
@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_compressed(ending):
    data = archive(*(member(*one) for one in MEMBERS))
    stored = compressed(ending, data)
    for name in (f"x.tar.{ending}", "no.ending"):
        Path(name).write_bytes(stored)
        packs([data for _, data in MEMBERS], "--from=tar", name)
    packs([data for _, data in MEMBERS], f"x.tar.{ending}")
    packs([data for _, data in MEMBERS], "--from=tar", "-", input=stored, stdin=None)
    # A part of it is never taken for all.
    for size in (len(stored) // 2, len(stored) - 1):
        Path("cut").write_bytes(stored[:size])
        result = arec("pack", "-qo", "cut.out", "--from=tar", "cut")
        assert result.code == 5 and re.match(r"arec: cut: at \d+: (\w+ data: |.*cut off)", result.err), result
        assert not os.path.exists("cut.out")


@needs_tar
def test_checksum_of_a_compressed_archive_is_compared():
    """The archive ends before the checksum comes."""
    for compress, at in ((gzip.compress, -6), (bz2.compress, -2)):
        stored = bytearray(compress(archive(member("a", random.Random(1).randbytes(2_000_000)))))
        stored[at] ^= 0x10
        Path("x.tar").write_bytes(stored)
        result = arec("pack", "-qo", "out", "x.tar")
        assert result.code == 5 and re.match(r"arec: x\.tar: at \d+: \w+ data: .*, (in|after) member a\n", result.err), result


@needs_tar
def test_archives_of_tar():
    for path, data in (("d/a", b"one"), ("d/sub/b", b"two"), ("d/\u00fc", b"three"), ("d/" + "l" * 180, b"four")):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(path).write_bytes(data)
    with open("d/sparse", "wb") as sparse:
        for at in (0, 300_000, 700_000):
            sparse.seek(at)
            sparse.write(b"x" * 1000)
        sparse.truncate(1_000_000)
    os.symlink("a", "d/l1")
    os.symlink("b", "d/l2")
    os.mkfifo("d/f")
    for form in ("gnu", "pax", "oldgnu"):
        subprocess.run(["tar", "-cSf", "x.tar", f"--format={form}", "--sort=name", "d"], check=True)
        with tarfile.open("x.tar") as tar:
            expected = [tar.extractfile(info).read() for info in tar if info.isreg()]
        assert sorted(map(len, expected)) == [3, 3, 4, 5, 1_000_000]
        assert notes_of("x.tar") == [
            "arec: --from=tar is taken, as the names of the inputs end so",
            "arec: x.tar: d/ and 1 more: directories, skipped",
            "arec: x.tar: d/l1 and 1 more: symbolic links, skipped",
            "arec: x.tar: d/f: a FIFO, skipped"]
        assert records_of("out") == expected
    subprocess.run(["tar", "-cf", "x.tar", "--format=v7", "d/a", "d/sub"], check=True)
    packs([b"one", b"two"], "x.tar")


@needs_tar
def test_one_note_for_each_kind():
    Path("x").write_bytes(archive(
        member("d/", type=tarfile.DIRTYPE), member("a", b"a"), member("h", type=tarfile.LNKTYPE, linkname="a"),
        member("c", type=tarfile.CHRTYPE), member("b", type=tarfile.BLKTYPE), member("f", type=tarfile.FIFOTYPE),
        member("d/2", type=tarfile.DIRTYPE), member("old/", b"", type=tarfile.AREGTYPE), member("s\n", type=tarfile.SYMTYPE)))
    assert notes_of("--from=tar", "x") == [
        "arec: x: d/ and 2 more: directories, skipped", "arec: x: s\\x0A: a symbolic link, skipped",
        "arec: x: h: a hard link, skipped", "arec: x: c and 1 more: devices, skipped", "arec: x: f: a FIFO, skipped"]
    assert records_of("out") == [b"a"]
    result = arec("pack", "-fqo", "out", "--json", "--from=tar", "x", "x")
    assert result.code == 0 and b'"skipped":16,' in result.out.replace(b" ", b""), result


@needs_tar
def test_headers_of_what_no_record_has():
    """Owners, times, attributes, names that no character set knows: nothing of it stops the work."""
    fields = {"SCHILY.xattr.user.x": "\u00fc", "SCHILY.acl.access": "user::rw-,user:\u00fc:rwx,nonsense", "comment": "c",
              "mtime": "-1.5", "LIBARCHIVE.xattr.user.y": "=", "SCHILY.fflags": "none", "RHT.security.selinux": "x:y",
              "uname": "\u00fc\u20ac", "unknown.key": "v"}
    Path("x").write_bytes(archive(*(member("\u00fc%d" % i, b"%d" % i, pax_headers={key: value})
                                    for i, (key, value) in enumerate(fields.items()))))
    packs([b"%d" % i for i in range(len(fields))], "--from=tar", "x")
    for form in (tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=form, encoding="latin-1") as tar:
            info, data = member("\u00fc/\u00ff", b"data", uname="\u00fc", mtime=1 << 31, uid=1 << 20)
            tar.addfile(info, io.BytesIO(data))
        Path("x").write_bytes(file.getvalue())
        packs([b"data"], "--from=tar", "--write-names=names", "x")
        assert Path("names").read_bytes() == b"\xfc/\xff\0"
        os.unlink("names")


@needs_tar
def test_excludes():
    Path("x").write_bytes(archive(*(member(name, name.encode()) for name in ("./a.txt", "./b/c.txt", "b/d.md", "bb/e.md"))))
    packs([b"b/d.md", b"bb/e.md"], "--from=tar", "--exclude=*.txt", "x")
    packs([b"./a.txt", b"bb/e.md"], "--from=tar", "--exclude=b", "x")
    packs([b"./a.txt", b"b/d.md", b"bb/e.md"], "--from=tar", "--exclude=b/c.txt", "x")


@needs_tar
def test_names():
    """The name of a member, the key of a sample."""
    names = ["d/0.jpg", "d/0.cls", "./e/1.jpg", "f", "d/" + "n" * 120 + ".x", "g/\u00fc.x"]
    Path("x.tar").write_bytes(archive(*(member(name, name.encode()) for name in names)))
    for kind, expected in (("tar", names), ("webdataset", ["d/0", "./e/1", "f", "d/" + "n" * 120, "g/\u00fc"])):
        succeeds("pack", "-qfo", "out", "--store-names", "--write-names", "names", "--from", kind, "x.tar")
        assert Path("names").read_bytes() == "".join(f"{name}\0" for name in expected).encode()
        assert [json.loads(line)["name"] for line in succeeds("ls", "--json", "out").splitlines()] == expected
    succeeds("pack", "-qfo", "out", "--store-names", "x.tar")
    succeeds("unpack", "-q", "out", "tree")
    assert all(Path("tree", name).read_bytes() == name.encode() for name in names)
    succeeds("pack", "-qfo", "plain", "x.tar")
    assert "name" not in json.loads(succeeds("ls", "--json", "plain").splitlines()[0])
    fails(2, "--store-names: has no meaning with --from=array_record", "--from=array_record", "--store-names", "plain")


@needs_tar
def test_several_archives_and_each():
    Path("x.tar").write_bytes(archive(member("a", b"1"), member("b", b"2")))
    Path("y.tgz").write_bytes(gzip.compress(archive(member("a", b"3"))))
    Path("z.tar.bz2").write_bytes(bz2.compress(archive()))
    packs([b"1", b"2", b"3", b"1", b"2"], "x.tar", "y.tgz", "z.tar.bz2", "x.tar")
    succeeds("pack", "-q", "--each", "-o", "d", "x.tar", "y.tgz", "z.tar.bz2")
    assert {name: records_of(f"d/{name}") for name in os.listdir("d")} == {
        "x.array_record": [b"1", b"2"], "y.array_record": [b"3"], "z.array_record": []}


@needs_tar
def test_nothing_is_a_file_of_0_records():
    for data in (b"", archive(), bytes(512)):
        Path("x").write_bytes(data)
        packs([], "--from=tar", "x")
        packs([], "--from=webdataset", "x")
    packs([], "--from=tar", "-", input=b"", stdin=None)


@needs_tar
def test_what_follows_the_end():
    data = archive(member("a", b"a"))
    Path("x").write_bytes(data + bytes(300_000))
    assert notes_of("--from=tar", "x") == []
    Path("x").write_bytes(data * 2)
    assert notes_of("--from=tar", "x") == ["arec: x: what follows the end of the archive, skipped"]
    assert records_of("out") == [b"a"]
    # Who writes into a pipe is not stopped.
    process = subprocess.Popen([AREC, "pack", "-qfo", "out", "--from=tar", "-"], stdin=subprocess.PIPE)
    process.stdin.write(data + bytes(3_000_000))
    process.stdin.close()
    assert process.wait(60) == 0


@needs_tar
def test_same_bytes_again():
    Path("x").write_bytes(archive(*(member(*one) for one in MEMBERS)))
    files = set()
    for kind, threads in itertools.product(("tar", "webdataset"), ("1", "4", "1")):
        succeeds("pack", "-qfo", "out", "--from", kind, "--threads", threads, "x")
        files.add((kind, Path("out").read_bytes()))
    assert len(files) == 2


@needs_tar
@pytest.mark.parametrize("kind", ["tar", "webdataset"])
@pytest.mark.parametrize("store", [bytes, gzip.compress], ids=["plain", "gz"])
def test_one_byte_at_a_time(kind, store):
    data = archive(member("a.x", b"one"), member("a.y" + "n" * 200, b"two"), member("b.x", b"three"))
    Path("x").write_bytes(data)
    succeeds("pack", "-qo", "whole", "--from", kind, "x")
    process = subprocess.Popen([AREC, "pack", "-qo", "out", "--from", kind, "-"], stdin=subprocess.PIPE, bufsize=0)
    for byte in store(data):
        os.write(process.stdin.fileno(), bytes([byte]))
    process.stdin.close()
    assert process.wait(60) == 0
    assert Path("out").read_bytes() == Path("whole").read_bytes()


# ---- damage -----------------------------------------------------------------------------------


@needs_tar
def test_what_is_no_archive():
    for data in (b"x", b"text\n" * 1000, b"PK\3\4" + bytes(2000), random.Random(1).randbytes(5000)):
        Path("x.tar").write_bytes(data)
        fails(4, "x.tar: is no tar archive", "x.tar")
        Path("x.tar").write_bytes(gzip.compress(data))
        fails(4, "x.tar: is no tar archive", "x.tar")
    fails(3, "none: No such file or directory", "--from=tar", "none")
    fails(2, "-L: has no meaning with --from=tar", "--from=tar", "-L", "x.tar")
    fails(2, "--recover: has no meaning with --from=webdataset", "--from=webdataset", "--recover", "x.tar")


@needs_tar
@pytest.mark.parametrize("form", FORMATS)
def test_cut_off_anywhere(form):
    """Only what lacks nothing but zeros of the end is an archive."""
    data = archive(member("m0", b"0" * 600), member("m1" if form == "ustar" else "1" * 150, b"1" * 512),
                   member("m2", b"2"), format=FORMATS[form])
    end = len(data.rstrip(b"\0")) // 512 * 512 + 512
    for size in [1, 511, *range(512, end + 512, 256), *range(513, end + 513, 512)]:
        Path("x.tar").write_bytes(data[:size])
        result = arec("pack", "-qo", "out", "x.tar")
        if size < 512:
            assert (result.code, result.err) == (4, "arec: x.tar: is no tar archive\n"), result
        elif size < end + 512:
            assert result.code == 5, (size, result)
            match = re.fullmatch(r"arec: x\.tar: at (\d+): ((after )?member \w+: )?the archive is cut off"
                                 r"(: its end has no mark)?\n", result.err)
            assert match and int(match[1]) <= size, (size, result)
        else:
            assert result.code == 0, result
            os.unlink("out")
        assert not os.path.exists("out")


@needs_tar
def test_messages_of_damage():
    data = bytearray(archive(member("a", b"a"), member("b", b"b"), format=tarfile.GNU_FORMAT))
    Path("x.tar").write_bytes(data[:1024 + 512 + 1])
    fails(5, "x.tar: at 1024: member b: the archive is cut off", "x.tar")
    Path("x.tar.gz").write_bytes(gzip.compress(data[:1024 + 512]))
    fails(5, "x.tar.gz: at 1024 of the decompressed bytes: member b: the archive is cut off", "x.tar.gz")
    Path("x.tar").write_bytes(data[:1024])
    fails(5, "x.tar: at 1024: after member a: the archive is cut off: its end has no mark", "x.tar")
    data[1024 + 5] ^= 1
    Path("x.tar").write_bytes(data)
    fails(5, "x.tar: at 1024: after member a: Damaged tar archive", "x.tar")
    # What ends a pax header that is not as it should be is not guessed.
    damaged = bytearray(archive(member("n" * 150, b"a")))
    damaged[damaged.index(b" path=") - 1] ^= 1
    Path("x.tar").write_bytes(header("a", 1) + padded(b"a") + damaged)
    result = arec("pack", "-qo", "out", "x.tar")
    assert result.code == 5 and "pax extended attribute" in result.err, result


# ---- hostile archives -------------------------------------------------------------------------


def grows_to(args, data=None, limit=64):
    """Runs pack, and returns its result and the most memory that it took, in MiB."""
    script = ("import resource, subprocess, sys\n"
              "done = subprocess.run(sys.argv[1:])\n"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n"
              "sys.exit(done.returncode)")
    done = subprocess.run([sys.executable, "-c", script, AREC, "pack", "-qfo", "out", "--limit-memory=1M", "--threads=1", *args],
                          input=data, capture_output=True, timeout=120)
    memory = int(done.stdout or b"0")
    assert SANITIZED or memory < limit, memory
    return done.returncode, done.stderr.decode()


@needs_tar
@pytest.mark.parametrize("kind", ["tar", "webdataset"])
def test_sizes_that_are_claims(kind):
    sizes = {"octal": b"77777777777\0", "62": binary(1 << 62), "63": binary((1 << 63) - 1), "64": binary((1 << 64) - 1),
             "95": b"\x80" + b"\xff" * 11}
    for name, size in sizes.items():
        Path("x").write_bytes(header("a", size) + b"some bytes" * 1000)
        code, err = grows_to(["--from", kind, "x"])
        if name == "octal" and code == 5:  # a record may be as large
            assert err == "arec: x: at 0: member a: the archive is cut off\n"
            continue
        if name in ("octal", "62"):
            assert code == 1 and re.fullmatch(r"arec: x: at 0: member a: \d+ bytes, a record may have \d+\n", err), (name, err)
        else:
            assert (code, err) == (5, "arec: x: at 0: Tar entry size overflow\n"), name
    # Below zero, and the same of members that are none.
    Path("x").write_bytes(header("a", b"\xff" * 12) + END)
    assert grows_to(["--from", kind, "x"])[0] == 5
    Path("x").write_bytes(header("a", sizes["62"], b"D") + bytes(5000))
    assert grows_to(["--from", kind, "x"])[0] == 5
    assert not os.path.exists("out")


@needs_tar
def test_sparse_file_that_is_all_holes():
    fields = [b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.realsize=9000000000000000000"]
    Path("x").write_bytes(pax(*fields) + header("a", 512) + padded(b"0\n") + END)
    code, err = grows_to(["--from=tar", "x"])
    assert code == 1 and re.search(r"9000000000000000000 bytes, a record may have", err), err


@needs_tar
def test_map_of_holes_is_bounded():
    """A map of millions of holes would become lists in memory."""
    entries = 30_000_000
    text = b"%d\n" % entries + b"0\n0\n" * entries
    fields = [b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.realsize=10"]
    data = pax(*fields) + header("a", len(text)) + padded(text) + END
    code, err = grows_to(["--from=tar", "-"], gzip.compress(data, 1), limit=128)
    assert code == 5 and err == ("arec: standard input: at 0 of the decompressed bytes: the headers of a member take more than "
                                 "2097152 bytes\n"), err


@needs_tar
def test_long_names():
    name = b"n" * 1_000_000
    data = header("././@LongLink", len(name), b"L") + padded(name) + header("a", 1) + padded(b"1")
    Path("x").write_bytes(data + END)
    packs([b"1"], "--from=tar", "x")
    succeeds("pack", "-qfo", "out", "--from=webdataset", "x")
    (record,) = records_of("out")
    with tarfile.open(fileobj=io.BytesIO(record)) as tar:
        assert [info.name.encode() for info in tar] == [name]
    # Messages show a part of it.
    Path("x").write_bytes(data + header("a", 5))
    result = arec("pack", "-qo", "out2", "--from=tar", "x")
    assert result.code == 5 and len(result.err) < 400, result
    name = b"n" * 1_100_000
    Path("x").write_bytes(header("././@LongLink", len(name), b"L") + padded(name) + header("a", 1) + padded(b"1") + END)
    assert grows_to(["--from=tar", "x"])[0] == 5


@needs_tar
def test_thousands_of_headers():
    """Long names of long names, and global headers, without a member; then as many directories."""
    for kind, text in ((b"L", b"name\0"), (b"g", b"14 comment=xy\n"), (b"x", b"14 comment=xy\n")):
        Path("x").write_bytes((header("h", len(text), kind) + padded(text)) * 5000 + header("a", 1) + padded(b"1") + END)
        assert grows_to(["--from=tar", "x"])[0] == 5, kind
    Path("x").write_bytes(header("d/", 0, b"5") * 20_000 + header("a", 1) + padded(b"1") + END)
    assert grows_to(["--from=tar", "x"]) == (0, "")
    assert records_of("out") == [b"1"]


@needs_tar
def test_bombs():
    """Half a gigabyte of zeros: after the end of the archive, as a member that is no record, as a record that is too large."""
    zeros = 512 << 20

    def bomb(front):
        compressor = zlib.compressobj(1, wbits=31)
        data = [compressor.compress(front)]
        data += [compressor.compress(bytes(1 << 20)) for _ in range(zeros >> 20)]
        return b"".join(data) + compressor.flush()

    assert grows_to(["--from=tar", "-"], bomb(header("a", 1) + padded(b"1"))) == (0, "")
    assert grows_to(["--from=tar", "-"], bomb(header("d", zeros, b"D"))) == (5, (
        f"arec: standard input: at {zeros + 512} of the decompressed bytes: after member d: the archive is cut off: its end has "
        "no mark\n"))
    code, err = grows_to(["--from=tar", "-"], bomb(header("a", binary(1 << 40))))
    assert code == 1 and " 1099511627776 bytes, a record may have " in err, err


@needs_tar
def test_dictionary_that_is_a_claim():
    """An xz stream says how much of what it gave it wants kept."""
    compressor = lzma.LZMACompressor(preset=0)
    stored = compressor.compress(header("a", 1) + padded(b"1"))
    stored += b"".join(compressor.compress(bytes(1 << 20)) for _ in range(300)) + compressor.flush()
    end = 12 + (stored[12] + 1) * 4
    block = bytearray(stored[12:end])
    for bits, expected in ((0x10, 0), (33, 1), (40, 1)):
        block[block.index(b"\x21\x01") + 2] = bits
        block[-4:] = zlib.crc32(block[:-4]).to_bytes(4, "little")
        code, err = grows_to(["--from=tar", "-"], stored[:12] + block + stored[end:])
        assert code == expected, err
        assert not code or re.fullmatch(r"arec: standard input: at \d+: xz data: decompressing takes \d+ bytes of memory, "
                                        r"it may take 134217728\n", err), err


@needs_tar
def test_memory_is_bounded_by_the_member():
    process = subprocess.Popen([AREC, "pack", "-qo", "out", "--from=tar", "--codec=uncompressed", "--limit-memory=1M",
                                "--threads=1", "-"], stdin=subprocess.PIPE)
    one = header("a", 1000) + padded(b"x" * 1000)
    for _ in range(200):
        process.stdin.write(one * 600)
    process.stdin.flush()
    status = Path(f"/proc/{process.pid}/status").read_text()
    process.stdin.write(END)
    process.stdin.close()
    assert process.wait(60) == 0
    if not SANITIZED:
        assert int(re.search(r"VmHWM:\s+(\d+)", status)[1]) < 48 * 1024


@needs_tar
def test_100000_members():
    n = 100_000
    Path("x.tar").write_bytes(b"".join(header(f"{i:06}.txt", 6) + padded(b"%06d" % i) for i in range(n)) + END)
    for kind in ("tar", "webdataset"):
        succeeds("pack", "-qfo", "out", "--group-size=1000", "--from", kind, "x.tar")
        assert succeeds("ls", "out").count(b"\n") == n
        last = succeeds("cat", "out", str(n - 1))
        assert b"%06d" % (n - 1) in last
    succeeds("pack", "-qfo", "out", "--group-size=1000", "x.tar")
    assert succeeds("cat", "out") == b"".join(b"%06d" % i for i in range(n))


# ---- samples ----------------------------------------------------------------------------------


def samples_of(path):
    samples = []
    for record in records_of(path):
        with tarfile.open(fileobj=io.BytesIO(record)) as tar:
            samples.append([(info.name, tar.extractfile(info).read()) for info in tar])
            assert all((info.mode, info.uid, info.gid, info.mtime, info.uname) == (0o644, 0, 0, 0, "") for info in tar)
    return samples


SAMPLES = [
    [("d/0.jpg", b"j"), ("d/0.cls", b"1"), ("d/0.seg.png", b"" )],
    [("d/1.jpg", b"x" * 5000)],
    [("e.x/1.jpg", b"other folder")],
    [("plain", b"no dot")],
    [("e/.hidden", b"starts with a dot"), ("e/.other", b"")],
    [("e/" + "k" * 150 + ".txt", b"long"), ("e/" + "k" * 150 + ".json", b"{}")],
]


@needs_tar
def test_samples():
    Path("x.tar").write_bytes(archive(*(member(name, data, mtime=i, uid=7) for sample in SAMPLES
                                        for i, (name, data) in enumerate(sample))))
    assert notes_of("--from=webdataset", "x.tar") == []
    assert samples_of("out") == SAMPLES
    # Nothing but names and bytes counts.
    first = Path("out").read_bytes()
    Path("y.tar.gz").write_bytes(gzip.compress(archive(
        *(member(name, data, mode=0o600, uname="u") for sample in SAMPLES for name, data in sample),
        format=tarfile.GNU_FORMAT)))
    succeeds("pack", "-qfo", "out", "--from=webdataset", "y.tar.gz")
    assert Path("out").read_bytes() == first
    # A sample does not go on in the next archive.
    succeeds("pack", "-qfo", "out", "--from=webdataset", "x.tar", "y.tar.gz")
    assert samples_of("out") == SAMPLES * 2


@needs_tar
def test_a_sample_alone_is_an_archive_of_tar():
    Path("x.tar").write_bytes(archive(*(member(*one) for one in SAMPLES[0])))
    succeeds("pack", "-qo", "out", "--from=webdataset", "x.tar")
    Path("sample.tar").write_bytes(succeeds("cat", "out", "0"))
    listed = subprocess.run(["tar", "-tf", "sample.tar"], check=True, capture_output=True)
    assert listed.stdout.decode().split() == [name for name, _ in SAMPLES[0]] and not listed.stderr


@needs_tar
def test_directories_and_excludes_do_not_part_a_sample():
    Path("x").write_bytes(archive(member("0.a", b"a"), member("d/", type=tarfile.DIRTYPE), member("0.skip", b"s"),
                                  member("0.b", b"b"), member("1.skip", b"")))
    succeeds("pack", "-qo", "out", "--from=webdataset", "--exclude=*.skip", "x")
    assert samples_of("out") == [[("0.a", b"a"), ("0.b", b"b")]]


@needs_tar
def test_same_key_again():
    names = ["a.x", "b.x", "a.y", "a.z", "b.y", "c.x"]
    Path("x").write_bytes(archive(*(member(name) for name in names)))
    assert notes_of("--from=webdataset", "x") == [
        "arec: x: a and 1 more: a key that was there before, not beside it: another sample"]
    assert [[name for name, _ in sample] for sample in samples_of("out")] == [["a.x"], ["b.x"], ["a.y", "a.z"], ["b.y"], ["c.x"]]
    Path("x").write_bytes(archive(*(member(name) for name in names[:3])))
    assert notes_of("--from=webdataset", "x", "x") == [
        "arec: x: a: a key that was there before, not beside it: another sample"] * 2


@needs_tar
def test_sample_that_is_cut_off():
    data = archive(member("0.a", b"a"), member("0.b", b"b" * 600))
    Path("x.tar").write_bytes(data[:2048 + 100])
    fails(5, "x.tar: at 1024: member 0.b: the archive is cut off", "--from=webdataset", "x.tar")
