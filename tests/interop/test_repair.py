"""The reference reads the files that `arec repair` writes: every record that was kept, by its number."""

import os
import random

import pytest
from array_record.python.array_record_module import ArrayRecordReader

import golden
import oracle
import program
from damaged import Sound
from mounts import arec
from program import can_read


READABLE = [g for g in golden.ALL if can_read(g)]


def read_all(path):
    """The records as the reference reads them, in bulk and one by one, which must agree."""
    reader = ArrayRecordReader(str(path))
    try:
        records = reader.read_all()
        assert len(records) == reader.num_records()
        if records:
            assert reader.read(list(range(len(records)))) == records
        return records
    finally:
        reader.close()


def repair(path, out, *options):
    """Returns whether the file was repaired; a copy that the reference would misread is refused."""
    for code in (0, 5, 1):
        try:
            _, err = arec("repair", "-f", *options, "-o", out, path, code=code)
        except AssertionError:
            continue
        assert code != 1 or "--reencode" in err
        return code != 1
    raise AssertionError(f"arec repair {path} failed")


@pytest.mark.parametrize("g", READABLE, ids=lambda g: g.name)
def test_the_reference_reads_every_repaired_file(g, tmp_path):
    sound = Sound(g.path)
    path, out = tmp_path / g.name, tmp_path / "out.array_record"
    for case in sound.cases():
        if case.name == "signature" and sound.size == 64:
            continue  # nothing is left that shows what the file was
        path.write_bytes(case.content)
        numbers = [i for i in range(g.n_records) if i not in case.lost - case.kept]
        for options in ([], ["--reencode"]):
            if not repair(path, out, *options):
                continue
            if not numbers:
                assert oracle.describe(out)[0] == 0
                continue
            records = read_all(out)
            assert len(records) == len(numbers), str(case)
            for number, record in zip(numbers, records):
                g.check(number, record)


def test_options_are_kept(tmp_path):
    path = oracle.write(tmp_path / "x.array_record", oracle.text_records(100), "group_size:7,zstd:5")
    before = oracle.describe(path)
    sound = Sound(path)
    path.write_bytes(sound.postscript_header().content)
    assert repair(path, tmp_path / "out.array_record")
    assert oracle.describe(tmp_path / "out.array_record") == before


# ---- random damages ---------------------------------------------------------------------------

SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
N_RANDOM = int(os.environ.get("AREC_RANDOM_REPAIRS") or 40)
LAYOUTS = ["group_size:1,zstd:3", "group_size:7,snappy", "group_size:50,brotli:4", "group_size:1000,zstd:1",
           "group_size:16,uncompressed,pad_to_block_boundary:true", "group_size:20,transpose,zstd:3"]


def flip(rng, content):
    for _ in range(rng.choice([1, 2, 5, 20])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def zero(rng, content):
    begin = rng.randrange(len(content))
    end = min(begin + rng.choice([1, 64, 5000, 65536]), len(content))
    content[begin:end] = bytes(end - begin)


def cut_out(rng, content):
    begin = rng.randrange(len(content))
    del content[begin:begin + rng.choice([1, 24, 3000, 65536])]


def cut_off(rng, content):
    del content[rng.randrange(len(content)):]


def double(rng, content):
    begin = rng.randrange(len(content))
    end = begin + rng.choice([1, 500, 65536])
    content[end:end] = content[begin:end]


def put_garbage(rng, content):
    at = rng.randrange(len(content))
    content[at:at] = rng.randbytes(rng.choice([1, 100, 70000]))


def spoil_index(rng, content):
    """Somewhere in the last blocks, where footer and postscript are."""
    content[rng.randrange(max(len(content) - 140_000, 0), len(content))] ^= 255


def spoil_tail(rng, content):
    if rng.random() < 0.5:
        content += rng.randbytes(rng.randrange(1, 100_000))
    else:
        del content[-rng.randrange(1, 70_000):]


DAMAGES = [flip, zero, cut_out, cut_off, double, put_garbage, spoil_index, spoil_tail]


def is_in_order(records, originals):
    """Whether @records are some of @originals, no two of which are equal, in their order."""
    number_of = {record: i for i, record in enumerate(originals)}
    numbers = [number_of.get(record, -1) for record in records]
    return -1 not in numbers and numbers == sorted(set(numbers))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_random_damages(layout, tmp_path):
    """What is written is sound to the reference and to us, holds no record that never was, and code 0 is said only
    where none is lost. Doubled bytes may double a chunk."""
    rng = random.Random(f"{SEED} {layout}")
    print(f"AREC_TEST_SEED={SEED}")
    originals = oracle.text_records(400, seed=rng.randrange(1 << 32), maximum=3000)
    sound = oracle.write(tmp_path / "sound.array_record", originals, layout).read_bytes()
    path, out, n_read = tmp_path / "damaged.array_record", tmp_path / "out.array_record", 0
    share = range(LAYOUTS.index(layout), N_RANDOM, len(LAYOUTS))  # of the cases
    for case in share:
        content, damages = bytearray(sound), rng.choices(DAMAGES, k=rng.choice([1, 2]))
        for damage in damages:
            damage(rng, content)
        path.write_bytes(content)
        result = program.arec("repair", "-f", "--reencode", "-o", out, path)
        told = f"case {case}, {[damage.__name__ for damage in damages]}{result}"
        assert result.code in (0, 4, 5), told
        if not out.exists():
            continue
        records, n_read = read_all(out), n_read + 1
        if double in damages:
            assert set(records) <= set(originals), told
        else:
            assert is_in_order(records, originals), told
        assert result.code != 0 or set(records) == set(originals), told
        assert program.arec("verify", "-q", out).code == 0, told
        out.unlink()
    assert n_read > len(share) // 2
