"""The bytes of records, by every way of reading them."""

import mmap
import os
import random
import subprocess
import threading

import pytest

import caches
import golden
import oracle
import syscalls
from mounts import SLOW, mounted
from sanitized import sample

TEXT = golden.get("text.groupsize50-zstd-5-windowlog12.array_record")


def run(*command, **options):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True,
                          timeout=120 * SLOW, env=dict(os.environ, LC_ALL="C"), **options).stdout


def shell(script, **options):
    return run("sh", "-ec", script, **options)


# ---- golden files ------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sample(golden.SIMPLE + golden.TRANSPOSED), ids=lambda g: g.name)
def test_every_record_is_byte_equal(file):
    with mounted(file.path) as mount:
        for number, name in enumerate(file.names()):
            file.check(number, (mount.path / name).read_bytes())
    with mounted(file.path) as mount:  # cold and backwards, without a listing
        names = file.names()
        for number in reversed(range(file.n_records)):
            file.check(number, (mount.path / names[number]).read_bytes())
        assert mount.stats()["engine"]["chunks_failed"] == 0


@pytest.mark.parametrize("file", sample(golden.SIMPLE + golden.TRANSPOSED, 1), ids=lambda g: g.name)
def test_partial_reads(file):
    rng = random.Random(file.name)
    names = file.names()
    numbers = range(file.n_records)
    if file.n_records > 60:
        numbers = rng.sample(numbers, 60)
    with mounted(file.path) as cold, mounted(file.path) as warm:
        for number in numbers:
            size = file.sizes[number]
            whole = (warm.path / names[number]).read_bytes()
            file.check(number, whole)
            ranges = [(size, 10), (size + 1, 1), (size + 70000, 5), (max(0, size - 3), 100),
                      (size // 3 | 1, 7), (4095, 2), (4096, 4097), (65535, 3), (131071, 70001),
                      (0, 1), (0, size + 4096), (1, max(0, size - 2))]
            ranges += [(rng.randrange(size + 1), rng.randrange(1, size + 2)) for _ in range(4)]
            rng.shuffle(ranges)
            with syscalls.opened(cold.path / names[number]) as fd:
                for offset, length in ranges:
                    assert os.pread(fd, length, offset) == whole[offset:offset + length], (
                        f"{names[number]} [{offset}, +{length})")
                assert os.read(fd, size + 1) == whole and os.read(fd, 1) == b""


# ---- ways of reading ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Records around page, block and MiB sizes: (path, records)."""
    sizes = [1, 511, 4095, 4096, 4097, 65535, 65536, 65537, 131071, 1 << 20, (1 << 20) + 1,
             5_000_003]
    records = [oracle.random_bytes(size, size) for size in sizes]
    path = tmp_path_factory.mktemp("large") / "large.array_record"
    return oracle.write(path, records, "group_size:5,zstd:1"), records


def each(mount, records):
    for name, record in zip(golden.record_names(len(records)), records):
        with syscalls.opened(mount.path / name) as fd:
            yield fd, record


def test_small_reads_in_order(large):
    path, records = large
    with mounted(path) as mount:
        for fd, record in each(mount, records):
            if len(record) > 1 << 20:
                continue
            got = bytearray()
            while piece := os.read(fd, 777):
                got += piece
            assert got == record


def test_direct_reads(large):
    path, records = large
    with mounted(path) as mount:
        for name, record in zip(golden.record_names(len(records)), records):
            with syscalls.opened(mount.path / name, os.O_RDONLY | os.O_DIRECT) as fd:
                length = (len(record) + 8191) // 4096 * 4096
                buffer = mmap.mmap(-1, length)
                got = bytearray()
                while n := os.preadv(fd, [buffer], len(got)):
                    got += buffer[:n]
                assert got == record
                last = len(record) // 4096 * 4096
                for offset in (0, 4096, 65536, last, last + 4096):
                    n = os.preadv(fd, [buffer], offset)
                    assert buffer[:n] == record[offset:offset + length]
                buffer.close()


@pytest.mark.parametrize("flags", [mmap.MAP_SHARED, mmap.MAP_PRIVATE])
def test_mmap(large, flags):
    path, records = large
    with mounted(path) as mount:
        for fd, record in each(mount, records):
            with mmap.mmap(fd, len(record), flags, mmap.PROT_READ) as memory:
                middle = len(record) // 2
                assert memory[middle:middle + 100] == record[middle:middle + 100]
                assert memory[:] == record


def test_sendfile_and_splice(large, tmp_path):
    path, records = large
    with mounted(path) as mount:
        for fd, record in each(mount, records):
            target = tmp_path / "out"
            for way in ("sendfile", "splice"):
                out = os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
                done = 0
                while done < len(record):
                    if way == "sendfile":
                        n = os.sendfile(out, fd, done, len(record) - done)
                    else:
                        ends = os.pipe()
                        n = os.splice(fd, ends[1], 65536, offset_src=done)
                        moved = 0
                        while moved < n:
                            moved += os.splice(ends[0], out, n - moved)
                        os.close(ends[0])
                        os.close(ends[1])
                    assert n > 0, way
                    done += n
                os.close(out)
                assert target.read_bytes() == record, way


def test_vectors_seeks_and_holes(large):
    path, records = large
    with mounted(path) as mount:
        for fd, record in each(mount, records):
            buffers = [bytearray(3), bytearray(4096), bytearray(70000)]
            n = os.preadv(fd, buffers, 1)
            assert b"".join(buffers)[:n] == record[1:1 + n] and n == min(len(record) - 1, 74099)
            assert os.lseek(fd, 0, os.SEEK_END) == len(record)
            assert os.lseek(fd, 0, os.SEEK_DATA) == 0
            assert os.lseek(fd, 0, os.SEEK_HOLE) == len(record)


def test_records_of_many_mebibytes(tmp_path):
    records = [oracle.random_bytes(20_000_001, 5), b"x", bytes(9_000_000)]
    source = oracle.write(tmp_path / "big.array_record", records, "group_size:2,zstd:1")
    with mounted(source) as mount:
        for fd, record in each(mount, records):
            middle = len(record) // 2
            assert os.pread(fd, 1000, middle) == record[middle:middle + 1000]
            got = bytearray()
            while piece := os.read(fd, 1 << 20):
                got += piece
            assert got == record


# ---- many readers ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["text.groupsize1000-zstd9.array_record",
                                  "text.groupsize1-uncompressed.array_record",
                                  "big.groupsize2-brotli5.array_record",
                                  "random.groupsize10-snappy-padtoblockboundarytrue.array_record"])
@pytest.mark.parametrize("cache", ["64M", "256K"])
def test_eight_readers_at_once(name, cache):
    file = golden.get(name)
    wrong = []
    start = threading.Barrier(8)

    def read(mount, seed):
        order = list(range(file.n_records))
        if seed > 1:
            random.Random(seed).shuffle(order)
        try:
            start.wait()
            for number in order:
                file.check(number, (mount.path / file.names()[number]).read_bytes())
        except Exception as error:  # shown below, in the thread of the test
            wrong.append(error)

    with mounted(file.path, f"--cache-size={cache}") as mount:
        threads = [threading.Thread(target=read, args=(mount, seed)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong


def test_eight_processes_at_once(large):
    path, records = large
    expected = b"".join(records)
    with mounted(path) as mount:
        readers = [subprocess.Popen(["sh", "-c", "cat *"], cwd=mount.path, stdout=subprocess.PIPE)
                   for _ in range(8)]
        outputs = [None] * 8

        def collect(i):
            outputs[i] = readers[i].communicate(timeout=80 * SLOW)[0]

        threads = [threading.Thread(target=collect, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(reader.returncode == 0 for reader in readers)
        assert all(output == expected for output in outputs)


# ---- tools -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Text records as a source and as files beside it: (source, directory, records)."""
    base = tmp_path_factory.mktemp("words")
    records = oracle.text_records(400, seed=3, maximum=9000)
    records[7], records[399] = b"", b""
    source = oracle.write(base / "w.array_record", records, "group_size:32,brotli:2")
    os.utime(source, ns=(1_600_000_000_000_000_000, 1_600_000_000_123_456_789))
    directory = base / "files"
    directory.mkdir()
    for name, record in zip(golden.record_names(400), records):
        (directory / name).write_bytes(record)
    return source, directory, records


def same_files(copy, records, times=False):
    assert sorted(os.listdir(copy)) == golden.record_names(len(records))
    for name, record in zip(golden.record_names(len(records)), records):
        assert (copy / name).read_bytes() == record, name
        info = os.stat(copy / name)
        assert info.st_mode & 0o222 == 0 or not times
        assert not times or info.st_mtime_ns == 1_600_000_000_123_456_789, name
        assert os.listxattr(copy / name) == []


def test_cat_cmp_and_diff(words):
    source, directory, records = words
    with mounted(source) as mount:
        assert shell("cat *", cwd=mount.path) == b"".join(records)
        assert shell("cat < 008; tail -c 5 009; head -c 3 010; wc -c < 011", cwd=mount.path) == (
            records[8] + records[9][-5:] + records[10][:3] + f"{len(records[11])}\n".encode())
        run("find", ".", "-type", "f", "-exec", "cmp", "{}", f"{directory}/{{}}", ";",
            cwd=mount.path)
        assert run("diff", "-r", mount.path, directory) == b""
        (directory / "extra").write_bytes(b"1")
        with pytest.raises(subprocess.CalledProcessError):
            run("diff", "-r", mount.path, directory)
        (directory / "extra").unlink()


def test_grep_r(words):
    source, directory, _ = words
    with mounted(source) as mount:
        for pattern in ("record 12", "chunk group", "engine", "."):
            expected = shell(f"grep -rc '{pattern}' . | sort", cwd=directory)
            assert shell(f"grep -rc '{pattern}' . | sort", cwd=mount.path) == expected
            expected = shell(f"grep -rl '{pattern}' . | sort || true", cwd=directory)
            found = shell(f"grep -rl '{pattern}' . | sort || true", cwd=mount.path)
            assert found == expected and b".arecfs" not in found


def test_rsync(words, tmp_path):
    source, _, records = words
    with mounted(source) as mount:
        run("rsync", "-a", f"{mount.path}/", f"{tmp_path}/copy/")
        same_files(tmp_path / "copy", records, times=True)
        assert run("rsync", "-ain", f"{mount.path}/", f"{tmp_path}/copy/") == b""
        assert run("rsync", "-cin", "-a", f"{mount.path}/", f"{tmp_path}/copy/") == b""


@pytest.mark.parametrize("options", ["", "S"])
def test_tar(words, tmp_path, options):
    source, _, records = words
    with mounted(source) as mount:
        (tmp_path / "copy").mkdir()
        shell(f"tar -c{options}f - . | tar -xf - -C {tmp_path}/copy", cwd=mount.path)
        same_files(tmp_path / "copy", records)


@pytest.mark.parametrize("options", ["-r --sparse=auto", "-r --sparse=always", "-a",
                                     "-r --reflink=auto"])
def test_cp(words, tmp_path, options):
    source, _, records = words
    with mounted(source) as mount:
        shell(f"cp {options} {mount.path} {tmp_path}/copy")
        same_files(tmp_path / "copy", records, times=options == "-a")


def test_tools_on_records_with_holes(tmp_path):
    """st_blocks and SEEK_HOLE must not make sparse-aware tools skip data."""
    records = [bytes(1 << 20), oracle.random_bytes(5000, 1) + bytes(300_000), b"a", bytes(4096)]
    source = oracle.write(tmp_path / "h.array_record", records, "group_size:2")
    with mounted(source) as mount:
        shell(f"mkdir t && tar -cSf - -C {mount.path} . | tar -xf - -C t", cwd=tmp_path)
        same_files(tmp_path / "t", records)
        shell(f"cp -r --sparse=auto {mount.path} c", cwd=tmp_path)
        same_files(tmp_path / "c", records)
        shell(f"rsync -aS {mount.path}/ r/", cwd=tmp_path)
        same_files(tmp_path / "r", records)


def test_caches_dropped_between_reads():
    with mounted(TEXT.path) as mount:
        for round_ in range(3):
            for number in range(round_, TEXT.n_records, 5):
                TEXT.check(number, (mount.path / TEXT.names()[number]).read_bytes())
            if not caches.drop_inodes():
                pytest.skip("/proc/sys/vm/drop_caches may not be written")
