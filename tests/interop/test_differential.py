"""libarec and the reference take the same damaged files and read the same records from them.

A seeded sample; AREC_TEST_SEED repeats it, and `differential.py --bodies N --seed S` runs more.
"""

import os
import random
from dataclasses import replace

import pytest

pytest.importorskip("array_record.python.array_record_module")
import bodies
import differential
import footers
import mutations
from native import varint, zstd_compress

AREC = os.environ.get("AREC_BIN", "arec")
SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
N_CASES = {"simple": 450, "transposed": 700, "footer": 350}

READER = differential.reader_program(AREC)


@pytest.fixture(scope="module")
def seeds():
    return differential.load_seeds()


@pytest.fixture(scope="module")
def sides():
    with differential.Sides(READER) as sides:
        yield sides


@pytest.fixture
def read(sides, tmp_path):
    """A function from a built file to the answers of both sides."""
    def function(built):
        path = tmp_path / "case.array_record"
        path.write_bytes(built.content)
        return sides.read(path)
    return function


# ---- the sample -------------------------------------------------------------------------------


@pytest.mark.parametrize("family", list(N_CASES))
def test_damaged_files_as_the_reference(family, seeds, tmp_path):
    result = differential.run(READER, seeds, SEED, N_CASES[family], tmp_path, family)
    print(f"AREC_TEST_SEED={SEED}\n{result.table()}")
    assert result.disagreements == [], f"AREC_TEST_SEED={SEED}\n" + "\n\n".join(result.disagreements)
    for both in ("accepted by both", "rejected by both"):
        assert result.n(both) >= N_CASES[family] // 40, f"the sample tests one side only\n{result.table()}"


def test_sound_bodies(seeds, read):
    """Of the bodies to start from, both sides accept the sound ones, with the records of their manifests."""
    n_sound = 0
    for body in seeds:
        ours, theirs = read(footers.single(body))
        if theirs.startswith("ok"):
            assert ours == theirs, body.name
            n_sound += 1
        else:
            assert ours.startswith("no"), body.name
            assert body.records is None, body.name
        if body.records is not None:
            assert ours == differential.answer_for(body.records), body.name
    assert n_sound > len(seeds) // 2


@pytest.mark.parametrize("codec", bodies.CODECS)
@pytest.mark.parametrize("make", [bodies.simple_body, bodies.opaque_body])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 70])
def test_bodies_made_here(make, codec, n, read):
    records = [b"record %d" % i * (i % 4) for i in range(n)]
    assert read(footers.single(make(records, codec))) == (differential.answer_for(records),) * 2


# ---- the model of footers ---------------------------------------------------------------------


def three_chunks():
    return footers.messages(footers.File(tuple(bodies.simple_body([b"ab", b"c"]) for _ in range(3))))


def with_entry(file, i, **values):
    """@file with other numbers in entry @i: offset, size, records."""
    places = {"offset": 0, "size": 1, "records": 2}
    entry = list(file.entries[i])
    for name, value in values.items():
        entry[places[name]] = (places[name] + 1, footers.VARINT, value)
    return replace(file, entries=(*file.entries[:i], entry, *file.entries[i + 1:]))


def with_counts(file, chunks, records):
    return replace(file, metadata=[(1, footers.BYTES, [(1, 0, 1), (2, 0, chunks), (3, 0, records)])])


BROKEN = {
    footers.WRONG_COUNT: lambda file: with_counts(file, 2, 4),
    "chunk offsets do not ascend": lambda file: replace(
        file, entries=(file.entries[1], file.entries[0], file.entries[2])),
    "a chunk where none can begin": lambda file: with_entry(file, 2, offset=65537),
    "an entry without records": lambda file: with_counts(with_entry(file, 1, records=0), 3, 4),
    "num_records is not the sum of the entries": lambda file: with_counts(file, 3, 5),
    "an entry that differs from its chunk": lambda file: with_entry(file, 1, size=4),
}


@pytest.mark.parametrize("rule", list(footers.STRICTER))
def test_rules_of_ours(rule, read):
    built = footers.build(BROKEN[rule](three_chunks()))
    assert rule in footers.broken_rules(built)
    assert read(built)[0].startswith("no CORRUPT")


def test_a_sound_footer_breaks_no_rule(read):
    built = footers.build(three_chunks())
    assert footers.broken_rules(built) == [] and footers.uneven_records(built) is None
    assert read(built) == (differential.answer_for([b"ab", b"c"] * 3),) * 2


def test_uneven_groups(read):
    records = [[b"a"], [b"b", b"c"], [b"d"]]
    built = footers.build(footers.File(tuple(bodies.simple_body(group) for group in records)))
    assert footers.uneven_records(built) == [b"a", b"b", b"c", b"d"]
    assert read(built)[0] == differential.answer_for([b"a", b"b", b"c", b"d"])


@pytest.mark.parametrize("depth", [99, 100, 101])
@pytest.mark.parametrize("where", ["metadata", "inner", "entry"])
def test_nested_groups(where, depth, read):
    """Both sides bound how deep groups nest; a message within a message counts as a group."""
    message = []
    for _ in range(depth):
        message = [(7, footers.GROUP, message)]
    file = three_chunks()
    if where == "metadata":
        file = replace(file, metadata=[*file.metadata, *message])
    elif where == "inner":
        file = replace(file, metadata=[(1, footers.BYTES, [*file.metadata[0][2], *message])])
    else:
        file = replace(file, entries=(file.entries[0] + message, *file.entries[1:]))
    built = footers.build(file)
    ours, theirs = read(built)
    assert ours[:2] == theirs[:2]
    assert (ours[:2] == "ok") == (depth <= (99 if where == "inner" else 100))


# ---- the judge --------------------------------------------------------------------------------

SOUND = footers.single(bodies.simple_body([b"abc"]))
TOOK = differential.answer_for([b"abc"])


@pytest.mark.parametrize("ours, theirs", [
    (TOOK, "no why"), ("no CORRUPT why", TOOK), (TOOK, differential.answer_for([b"abd"])), ("crashed -11", "no why"),
    ("hung", TOOK), ("sizes 0 2 3", TOOK), ("no IO why", "no why"), ("no CHANGED why", "no why")])
def test_disagreements_are_seen(ours, theirs):
    assert differential.judge(SOUND, ours, theirs).disagreement


@pytest.mark.parametrize("ours, theirs", [
    (TOOK, TOOK), ("no CORRUPT why", "no why"), ("no LIMIT why", TOOK), ("no CORRUPT why", "crashed SIGABRT"),
    ("no UNSUPPORTED why", "hung")])
def test_agreements_are_accepted(ours, theirs):
    assert not differential.judge(SOUND, ours, theirs).disagreement


def test_a_broken_rule_must_be_refused():
    built = footers.build(BROKEN[footers.WRONG_COUNT](three_chunks()))
    assert differential.judge(built, TOOK, TOOK).disagreement
    assert not differential.judge(built, "no CORRUPT why", TOOK).disagreement


# ---- corner cases of Zstd ---------------------------------------------------------------------

EMPTY_LAST_BLOCK = b"\1\0\0"
BIG = bytes(range(256)) * 16
CORNERS = {
    "a lone skippable frame": b"\x50\x2a\x4d\x18\0\0\0\0",
    "a window above 2 GiB": bodies.ZSTD_MAGIC + b"\0\xa9" + EMPTY_LAST_BLOCK,
    "a compressed block of length 0": bodies.ZSTD_MAGIC + b"\0\0\5\0\0",
    "a block larger than its window": bodies.ZSTD_MAGIC + b"\0\0" + bodies.zstd_blocks(zstd_compress(BIG)),
}


@pytest.mark.parametrize("corner", list(CORNERS))
def test_corners_are_recognised(corner):
    assert differential.zstd_corner(CORNERS[corner]) == corner
    values = bytes([bodies.ZSTD]) + varint(1) + b"\0" + varint(0) + CORNERS[corner]
    assert differential.corners(bodies.Body("r", 1, 0, values)) == [corner]


def test_streams_refused_by_a_newer_library():
    """Only a stream that the system's library accepts is the library's fault, and only with that message."""
    message = "no ZSTD_decompressStream() failed: Data corruption detected; at byte 2"
    sound = footers.single(bodies.simple_body([BIG], bodies.ZSTD))
    assert not differential.judge(sound, TOOK, message).disagreement
    assert differential.judge(sound, TOOK, "no Truncated Zstd-compressed stream").disagreement
    assert differential.judge(sound, "no CORRUPT why", TOOK).disagreement
    assert differential.judge(SOUND, TOOK, message).disagreement
    parts = replace(bodies.Simple(bodies.ZSTD, b"\0", b""), sizes=b"\1").data() + b"left over"
    assert differential.judge(footers.single(bodies.Body("r", 1, 1, parts)), TOOK, message).disagreement


def test_common_streams_are_not_corner_cases():
    for level in (-5, 1, 3, 19):
        for plain in (b"", b"a", BIG, bytes(100000)):
            assert differential.zstd_corner(zstd_compress(plain, level)) is None


# ---- mutations --------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", bodies.CODECS)
def test_bodies_survive_being_taken_apart(codec, seeds):
    """A body that is parsed and put together again has the same plain parts."""
    n = 0
    for body in seeds:
        parts = bodies.parse(body)
        if parts and body.records:
            again = bodies.parse(bodies.recoded(body, codec))
            assert replace(again, codec=parts.codec) == parts, body.name
            n += 1
    assert n > 100


def test_every_mutation_applies(seeds):
    wanted = {*mutations.ANY, *mutations.SIMPLE, *mutations.TRANSPOSED}
    rng = random.Random(SEED)
    for mutation in wanted:
        results = [mutation(rng, body, rng.choice(seeds)) for body in rng.sample(seeds, len(seeds)) if body.data]
        assert any(results), f"{mutation.__name__} AREC_TEST_SEED={SEED}"


def test_files_of_disagreements_stay(tmp_path, seeds):
    """A reader that accepts nothing disagrees, and the files that prove it are kept."""
    refuses = tmp_path / "refuses"
    refuses.write_text("#!/bin/sh\nwhile read -r line; do echo no CORRUPT always; done\n")
    refuses.chmod(0o755)
    result = differential.run(refuses, seeds, 1, 60, tmp_path / "kept", "simple")
    assert result.n("DISAGREEMENT: only the reference accepts") == len(result.disagreements) > 0
    kept = sorted((tmp_path / "kept").iterdir())
    assert len(kept) == len(result.disagreements)
    assert all(any(str(path) in text for text in result.disagreements) for path in kept)
