"""Sources that fail or change while they are mounted: what each record gives, what is logged, and that
the server lives on."""

import contextlib
import errno
import os
import random
import shutil
import stat
import threading

import pytest

import container
import golden
import oracle
from failing_device import FailingDevice
from mounts import SLOW, mount_fails, mounted, outcome, wait_until

SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
N, GROUP = 100, 10
NAMES = golden.record_names(N)
OLD = 1_500_000_000_000_000_000  # every change gives another time

NO_CACHE = "--cache-size=1K"  # a chunk or a few may stay, whatever their size


@pytest.fixture
def device(tmp_path):
    return FailingDevice(tmp_path)


class Source:
    """A file of 100 records in 10 chunks, and how a mount shows it in each form."""

    def __init__(self, directory, name="s", seed=1):
        self.records = oracle.text_records(N, seed=seed, minimum=100, maximum=4000)
        self.path = oracle.write(directory / f"{name}.array_record", self.records,
                                 f"group_size:{GROUP},zstd:1")
        os.utime(self.path, ns=(OLD, OLD))
        self.container = container.Container(self.path)
        self.chunks = self.container.user_chunks

    def values_of(self, chunk):
        """[begin, end) in the file of a chunk's values: its header and size list can be read."""
        begin = self.container.position_after(chunk, self.container.sizes_end(chunk))
        return begin, chunk.position(chunk.data_size - 1) + 1

    def lines(self, mount):
        return mount.log_lines(self.path.name)


@pytest.fixture
def source(tmp_path):
    return Source(tmp_path)


def outcomes(directory):
    return [outcome(directory / name) for name in NAMES]


def expect(found, records, number, failing):
    """Checks that records of @failing give the errno @number, all others their bytes."""
    wrong = {i: found[i] for i in range(len(records))
             if found[i] != (number if i in failing else records[i])}
    assert not wrong, wrong


def numbers_of(chunk):
    return range(chunk * GROUP, (chunk + 1) * GROUP)


def check_alive(mount):
    assert mount.stats()["engine"]
    assert mount.server_is_running()
    assert sorted(os.listdir(mount.path)) and os.statvfs(mount.path).f_namemax


# ---- a device that fails and recovers ----------------------------------------------------------


@pytest.mark.parametrize("number", [errno.EIO, errno.ETIMEDOUT, errno.ENXIO])
@pytest.mark.parametrize("part", ["values", "chunk"])
def test_reads_that_fail_cost_their_chunk_until_the_device_recovers(source, device, number, part):
    chunk = source.chunks[4]
    begin, end = source.values_of(chunk) if part == "values" else (chunk.begin, chunk.end)
    with mounted(source.path, NO_CACHE, environment=device.environment) as mount:
        for round_ in range(2):
            with device.fails(source.path, "read", number, begin, end):
                for _ in range(3):
                    expect(outcomes(mount.path), source.records, errno.EIO, numbers_of(4))
                assert device.hits("read") > 0
                assert sorted(os.listdir(mount.path)) == NAMES
                check_alive(mount)
            expect(outcomes(mount.path), source.records, errno.EIO, ())
        lines = source.lines(mount)
        assert len(lines) == 1 and os.strerror(number) in lines[0], mount.log()


def test_open_descriptor_reads_again_when_the_device_recovers(source, device):
    chunk = source.chunks[4]
    with mounted(source.path, environment=device.environment) as mount:
        fd = os.open(mount.path / NAMES[42], os.O_RDONLY)
        try:
            with device.fails(source.path, "read", errno.EIO, *source.values_of(chunk)):
                for _ in range(3):
                    with pytest.raises(OSError) as caught:
                        os.pread(fd, 100, 0)
                    assert caught.value.errno == errno.EIO
            assert os.pread(fd, 1 << 20, 0) == source.records[42]
        finally:
            os.close(fd)


def test_sizes_that_cannot_be_read_are_right_when_the_device_recovers(source, device):
    chunk = source.chunks[7]
    with mounted(source.path, environment=device.environment) as mount:
        with device.fails(source.path, "read", errno.EIO, chunk.begin, chunk.end):
            assert sorted(os.listdir(mount.path)) == NAMES
            for i, name in enumerate(NAMES):
                if i in numbers_of(7):
                    with pytest.raises(OSError) as caught:
                        os.stat(mount.path / name)
                    assert caught.value.errno == errno.EIO
                else:
                    assert os.stat(mount.path / name).st_size == len(source.records[i])
            assert len(source.lines(mount)) == 1, mount.log()
        sizes = [os.stat(mount.path / name).st_size for name in NAMES]
        assert sizes == [len(record) for record in source.records]


@pytest.mark.parametrize("call", ["stat", "read"])
def test_whole_device_fails_and_recovers(source, device, call):
    with mounted(source.path, NO_CACHE, environment=device.environment) as mount:
        for name in NAMES:
            os.stat(mount.path / name)
        with device.fails(source.path, call, errno.EIO):
            for _ in range(2):
                assert outcomes(mount.path) == [errno.EIO] * N
            assert device.hits(call) > 0
            check_alive(mount)
        expect(outcomes(mount.path), source.records, errno.EIO, ())
        with device.fails(source.path, call, errno.EIO):  # where chunks may be cached already
            for found, record in zip(outcomes(mount.path), source.records):
                assert found in (record, errno.EIO)
        expect(outcomes(mount.path), source.records, errno.EIO, ())


def test_readers_that_wait_for_one_failing_load(source, device):
    """All of them get EIO, and none hangs; then all get the bytes."""
    def read_together(mount):
        found = [None] * 8
        start = threading.Barrier(8)

        def read(i):
            start.wait()
            found[i] = outcome(mount.path / NAMES[40 + i])

        threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    values = source.values_of(source.chunks[4])
    with mounted(source.path, environment=device.environment) as mount:
        for name in NAMES:
            os.stat(mount.path / name)
        for _ in range(5):
            with device.fails(source.path, "read", errno.EIO, *values):
                assert read_together(mount) == [errno.EIO] * 8
        assert read_together(mount) == source.records[40:48]
        assert len(source.lines(mount)) == 1, mount.log()


def test_failing_file_among_others(tmp_path, source, device):
    other = Source(tmp_path, "other", seed=2)
    for options in ((), ("--merge",)):
        with mounted([source.path, other.path], NO_CACHE, *options,
                     environment=device.environment) as mount:
            if options:
                paths = [mount.path / f"{i:03d}" for i in range(2 * N)]
            else:
                paths = [mount.path / s.path.name / name for s in (source, other) for name in NAMES]
            records = source.records + other.records
            with device.fails(other.path, "read", errno.EIO):
                expect([outcome(p) for p in paths], records, errno.EIO, range(N, 2 * N))
            expect([outcome(p) for p in paths], records, errno.EIO, ())
            assert source.lines(mount) == [] and other.lines(mount), mount.log()


@pytest.mark.parametrize("call", ["read", "stat", "open"])
def test_file_of_a_directory_that_fails_when_first_looked_into(tmp_path, device, call):
    top = tmp_path / "top"
    top.mkdir()
    source, other = Source(top), Source(top, "other", seed=2)
    with mounted(top, environment=device.environment) as mount:
        directory = mount.path / source.path.name
        with device.fails(source.path, call, errno.EIO):
            for _ in range(3):
                assert outcome(directory / NAMES[5]) == errno.EIO
                with pytest.raises(OSError) as caught:
                    os.listdir(directory)
                assert caught.value.errno == errno.EIO
            assert device.hits(call) > 0
            expect(outcomes(mount.path / other.path.name), other.records, errno.EIO, ())
            assert sorted(os.listdir(mount.path)) == ["other.array_record", "s.array_record"]
            assert len(source.lines(mount)) == 1, mount.log()
            check_alive(mount)
        expect(outcomes(directory), source.records, errno.EIO, ())
        assert sorted(os.listdir(directory)) == NAMES


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE])
def test_file_that_cannot_be_opened_again(tmp_path, source, device, number):
    """With few descriptors the server closes a file and opens it again later."""
    others = [tmp_path / f"{i:02d}.array_record" for i in range(60)]
    for path in others:
        shutil.copy2(source.path, path)
    with mounted([source.path, *others], NO_CACHE, nofile=64,
                 environment=device.environment) as mount:
        directory = mount.path / source.path.name
        assert outcome(directory / NAMES[0]) == source.records[0]
        for path in others:
            assert outcome(mount.path / path.name / NAMES[0]) == source.records[0]
        with device.fails(source.path, "open", number):
            assert outcome(directory / NAMES[50]) == errno.EIO
            assert device.hits("open") > 0
        expect(outcomes(directory), source.records, errno.EIO, ())


@pytest.mark.parametrize("call", ["short", "interrupt"])
def test_reads_that_are_cut_short_or_interrupted_go_on(source, device, call):
    with device.fails(source.path, call, errno.EINTR):
        with mounted(source.path, NO_CACHE, environment=device.environment) as mount:
            expect(outcomes(mount.path), source.records, errno.EIO, ())
            assert source.lines(mount) == [], mount.log()
    assert device.hits(call) > 0


@pytest.mark.parametrize("call", ["read", "stat"])
def test_device_that_fails_at_the_mount(tmp_path, source, device, call):
    (tmp_path / "mnt").mkdir()
    with device.fails(source.path, call, errno.EIO):
        mount_fails(source.path, code=1, at=tmp_path / "mnt",
                    contains=[source.path, os.strerror(errno.EIO)],
                    environment=device.environment)


def test_random_failures_under_random_reads(source, device):
    """Each read gives the right bytes or EIO, whatever fails meanwhile."""
    print(f"AREC_TEST_SEED={SEED}")
    rng, stop, wrong = random.Random(SEED), threading.Event(), []
    met = {"right": 0, "failed": 0}

    def read(seed):
        pick = random.Random(seed)
        while not stop.is_set():
            i = pick.randrange(N)
            found = outcome(mount.path / NAMES[i])
            if found == source.records[i]:
                met["right"] += 1
            elif found == errno.EIO:
                met["failed"] += 1
            else:
                wrong.append((i, found))

    with mounted(source.path, NO_CACHE, environment=device.environment) as mount:
        threads = [threading.Thread(target=read, args=(SEED + i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(40):
                chunk = rng.choice(source.chunks)  # only the data of chunks is certain to be read
                begin = chunk.position(rng.randrange(chunk.data_size))
                end = begin + rng.choice([1, 1000, 30_000])
                before = device.hits("read")
                with device.fails(source.path, "read", errno.EIO, begin, end):
                    assert wait_until(lambda: device.hits("read") > before, 20)
        finally:
            stop.set()
            for thread in threads:
                thread.join(timeout=30 * SLOW)
        assert not wrong and all(met.values()), (SEED, met, wrong[:3])
        expect(outcomes(mount.path), source.records, errno.EIO, ())
        check_alive(mount)
        lines = source.lines(mount)
        assert len(lines) == len(set(lines)), mount.log()


# ---- a source that changes ---------------------------------------------------------------------


def rewrite(path, content):
    with open(path, "r+b") as file:
        file.write(content)


def other_content(source):
    """Another valid file of the same length: the records of each chunk are there in reverse order."""
    path = source.path.with_name("fresh")
    records = source.records[::-1]
    oracle.write(path, records, f"group_size:{GROUP},uncompressed")
    return path, records


def truncated_to_half(source):
    os.truncate(source.path, os.path.getsize(source.path) // 2)


def truncated_by_a_byte(source):
    os.truncate(source.path, os.path.getsize(source.path) - 1)


def emptied(source):
    os.truncate(source.path, 0)


def grown(source):
    with open(source.path, "ab") as file:
        file.write(bytes(1000))


def overwritten(source):
    size = os.path.getsize(source.path)
    rewrite(source.path, other_content(source)[0].read_bytes()[:size].ljust(size, b"\0"))


def zeroed(source):
    rewrite(source.path, bytes(os.path.getsize(source.path)))


def touched(source):
    os.utime(source.path, ns=(OLD, OLD + 1))


def replaced(source):
    os.replace(other_content(source)[0], source.path)


def replaced_by_the_same(source):
    shutil.copy2(source.path, source.path.with_name("fresh"))
    os.replace(source.path.with_name("fresh"), source.path)


def removed(source):
    source.path.unlink()


IN_PLACE = [truncated_to_half, truncated_by_a_byte, emptied, grown, overwritten, zeroed, touched]
CHANGES = [*IN_PLACE, replaced, replaced_by_the_same, removed]


def by_name(function):
    return function.__name__


@pytest.mark.parametrize("change", CHANGES, ids=by_name)
@pytest.mark.parametrize("form", ["flat", "directory", "merge"])
def test_changed_source(tmp_path, source, form, change):
    """From the next chunk that is read, every read is ESTALE; what was cached still shows the old file."""
    other = Source(tmp_path, "other", seed=2)
    sources = {"flat": [source.path], "directory": [source.path, other.path],
               "merge": [source.path, other.path]}[form]
    # Without readahead, because later chunks could be in the cache before the change, too.
    with mounted(sources, "--readahead-buffer-size=0", *(["--merge"] if form == "merge" else [])) as mount:
        below = mount.path / source.path.name if form == "directory" else mount.path
        names = [f"0{name}" for name in NAMES] if form == "merge" else NAMES
        for i in numbers_of(0):
            assert outcome(below / names[i]) == source.records[i]
        before = source.lines(mount)
        change(source)
        for _ in range(2):
            found = [outcome(below / name) for name in names]
            for i in range(N):
                right = (source.records[i], errno.ESTALE) if i in numbers_of(0) else (errno.ESTALE,)
                assert found[i] in right, (i, found[i])
        added = source.lines(mount)[len(before):]
        assert len(added) == 1, mount.log()
        listed = sorted(os.listdir(below))
        assert listed == (golden.record_names(2 * N) if form == "merge" else NAMES)
        if form != "flat":
            for i in (0, 55, 99):
                path = (mount.path / other.path.name / NAMES[i] if form == "directory"
                        else mount.path / f"{N + i}")
                assert outcome(path) == other.records[i]
            assert other.lines(mount) == []
        check_alive(mount)


@pytest.mark.parametrize("change", CHANGES, ids=by_name)
def test_changed_source_under_readahead(source, change):
    """Bytes that were decoded ahead may still be given; no others are."""
    with mounted(source.path) as mount:
        for i in range(2 * GROUP):
            assert outcome(mount.path / NAMES[i]) == source.records[i]
        change(source)
        for i in range(N):
            assert outcome(mount.path / NAMES[i]) in (source.records[i], errno.ESTALE), i
        check_alive(mount)


@pytest.mark.parametrize("change", IN_PLACE, ids=by_name)
def test_changed_source_is_stale_until_it_is_mounted_again(source, change):
    """Even when everything is put back as it was."""
    content = source.path.read_bytes()
    with mounted(source.path) as mount:
        change(source)
        assert outcome(mount.path / NAMES[95]) == errno.ESTALE
        source.path.write_bytes(content)
        os.utime(source.path, ns=(OLD, OLD))
        assert outcomes(mount.path) == [errno.ESTALE] * N
        assert len(source.lines(mount)) == 1, mount.log()
    with mounted(source.path) as mount:
        expect(outcomes(mount.path), source.records, errno.EIO, ())


def test_replaced_source_is_new_when_mounted_again(source):
    with mounted(source.path) as mount:
        assert outcome(mount.path / NAMES[3]) == source.records[3]
        path, records = other_content(source)
        os.replace(path, source.path)
        assert outcome(mount.path / NAMES[95]) == errno.ESTALE
    with mounted(source.path) as mount:
        expect(outcomes(mount.path), records, errno.EIO, ())


def test_source_that_goes_on_growing_is_logged_once(source):
    with mounted(source.path) as mount:
        for i in range(0, N, GROUP):
            grown(source)
            assert outcome(mount.path / NAMES[i]) == errno.ESTALE
        assert len(source.lines(mount)) == 1, mount.log()


def test_evicted_chunk_of_a_changed_source_is_stale(source):
    with mounted(source.path, NO_CACHE) as mount:
        expect(outcomes(mount.path), source.records, errno.EIO, ())
        touched(source)
        assert outcomes(mount.path) == [errno.ESTALE] * N


def test_open_descriptor_of_a_changed_source(source):
    with mounted(source.path, NO_CACHE) as mount:
        with open(mount.path / NAMES[42], "rb", buffering=0) as file:
            overwritten(source)
            for _ in range(2):
                with pytest.raises(OSError) as caught:
                    os.pread(file.fileno(), 100, 0)
                assert caught.value.errno == errno.ESTALE


@pytest.mark.parametrize("harmless", [
    lambda path: os.chmod(path, 0o600), lambda path: os.link(path, f"{path}.link"),
    lambda path: os.utime(path, ns=(OLD + 5, OLD)), lambda path: path.read_bytes()],
    ids=["chmod", "link", "atime", "read"])
def test_a_change_of_no_byte_does_not_count(source, harmless):
    with mounted(source.path, NO_CACHE) as mount:
        assert outcome(mount.path / NAMES[0]) == source.records[0]
        harmless(source.path)
        expect(outcomes(mount.path), source.records, errno.EIO, ())
        assert source.lines(mount) == [], mount.log()


@pytest.mark.parametrize("change", [replaced, removed, emptied, grown], ids=by_name)
def test_file_of_a_directory_that_changes_before_it_is_looked_into(tmp_path, change):
    """The names are a snapshot, the files are what they are when first looked into."""
    top = tmp_path / "top"
    top.mkdir()
    source = Source(top)
    with mounted(top) as mount:
        directory = mount.path / source.path.name
        change(source)
        assert os.listdir(mount.path) == [source.path.name]
        if change is replaced:
            expect(outcomes(directory), source.records[::-1], errno.EIO, ())
        else:
            # Its directory is there all the same, and can be looked at.
            assert stat.S_ISDIR(os.stat(directory).st_mode)
            assert outcomes(directory) == [errno.EIO] * N
            assert len(source.lines(mount)) == 1, mount.log()
        check_alive(mount)


# ---- a source that changes within a read -------------------------------------------------------


class Reader:
    """A thread with one outcome."""

    def __init__(self, path):
        self._thread = threading.Thread(target=self._run, args=(path,))
        self._thread.start()

    def _run(self, path):
        self.found = outcome(path)

    def join(self):
        self._thread.join(timeout=30 * SLOW)
        assert not self._thread.is_alive(), "the read hangs"
        return self.found


@pytest.fixture
def twins(tmp_path):
    """Two files of equal layout: each chunk of one is also valid in its place in the other."""
    found = []
    for letter in b"ab":
        records = [bytes([letter]) * 5000 for _ in range(N)]
        path = oracle.write(tmp_path / f"{chr(letter)}.array_record", records,
                            f"group_size:{GROUP},uncompressed")
        os.utime(path, ns=(OLD, OLD))
        found.append((path, records))
    (one, _), (two, _) = found
    assert os.path.getsize(one) == os.path.getsize(two)
    return found


@pytest.mark.parametrize("part", ["begin", "middle", "end"])
@pytest.mark.parametrize("cut", [False, True])
def test_source_overwritten_within_a_read(twins, device, part, cut):
    """The reader gets neither new bytes nor a mix, even where all hashes are right."""
    (path, records), (other, _) = twins
    chunk = container.Container(path).user_chunks[4]
    at = {"begin": 1, "middle": chunk.data_size // 2, "end": chunk.data_size - 1}[part]
    position = chunk.position(at)
    with contextlib.ExitStack() as rules:
        mount = rules.enter_context(mounted(path, environment=device.environment))
        os.stat(mount.path / NAMES[42])
        if cut:  # what lies before that has been read already
            rules.enter_context(device.fails(path, "short", begin=chunk.begin, end=position))
        with device.fails(path, "pause", begin=position, end=position + 1):
            reader = Reader(mount.path / NAMES[42])
            assert wait_until(lambda: device.hits("pause") > 0, 20)
            rewrite(path, other.read_bytes())
        assert reader.join() == errno.ESTALE
        assert outcome(mount.path / NAMES[42]) == errno.ESTALE
        assert len(mount.log_lines(path.name)) == 1, mount.log()
        check_alive(mount)


def test_source_overwritten_again_and_again_under_readers(twins):
    (path, records), (other, _) = twins
    contents = [other.read_bytes(), path.read_bytes()]
    stop, wrong = threading.Event(), []

    def read(seed):
        pick = random.Random(seed)
        while not stop.is_set():
            found = outcome(mount.path / NAMES[pick.randrange(N)])
            # A read of which a part succeeded before the failure returns that part.
            if found != errno.ESTALE and (isinstance(found, int) or found.strip(b"a")):
                wrong.append(found)

    with mounted(path, NO_CACHE) as mount:
        threads = [threading.Thread(target=read, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for i in range(200):
            rewrite(path, contents[i % 2])
        stop.set()
        for thread in threads:
            thread.join(timeout=30 * SLOW)
        assert not wrong, wrong[:3]
        assert outcomes(mount.path) == [errno.ESTALE] * N
        assert len(mount.log_lines(path.name)) == 1, mount.log()
