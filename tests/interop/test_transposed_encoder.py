"""Transposed chunks without compression are those of the reference, byte for byte.

A seeded sample of random records, messages of many shapes and bytes that are none; AREC_TEST_SEED repeats it.
"""

import os
import random
import struct
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("array_record.python.array_record_module")
import container
import oracle
from native import varint

AREC = os.environ.get("AREC_BIN", "arec")
ENCODER = Path(AREC).resolve().parent / "interop.transpose_records"
SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
N_CASES = 200

VARINT, FIXED64, BYTES, GROUP, GROUP_END, FIXED32 = range(6)


def field(number, kind, value):
    return varint(number << 3 | kind) + value


def string(number, value):
    return field(number, BYTES, varint(len(value)) + value)


# ---- messages without a plan --------------------------------------------------------------------


def wild_field(rng, depth, n_numbers):
    number = rng.randint(1, n_numbers) if rng.random() < 0.97 else rng.choice([15, 16, 2047, 2048, (1 << 29) - 1])
    kind = rng.choice([VARINT, VARINT, VARINT, FIXED64, BYTES, BYTES, BYTES, GROUP, FIXED32])
    if kind == VARINT:
        return field(number, kind, varint(rng.randrange(1 << rng.randint(1, 64))))
    if kind == FIXED64:
        return field(number, kind, rng.randbytes(8))
    if kind == FIXED32:
        return field(number, kind, rng.randbytes(4))
    if kind == GROUP:
        return field(number, kind, wild_message(rng, depth - 1, n_numbers)) + varint(number << 3 | GROUP_END)
    if depth > 0 and rng.random() < 0.5:
        return string(number, wild_message(rng, depth - 1, n_numbers))
    return string(number, rng.choice([rng.randbytes(rng.randrange(12)), b"word" * rng.randrange(5)]))


def wild_message(rng, depth, n_numbers):
    return b"".join(wild_field(rng, depth, n_numbers) for _ in range(rng.randrange(8 if depth > 0 else 2)))


def wild(rng, n):
    n_numbers = rng.choice([2, 5, 30])
    return [wild_message(rng, rng.randrange(5), n_numbers) for _ in range(n)]


# ---- messages of one type -----------------------------------------------------------------------


def new_type(rng, depth=3):
    """Fields as (number, kind, how often it is there, type within)."""
    numbers = sorted(rng.sample(range(1, 40), rng.randint(1, 9)))
    return [(number, rng.choice([VARINT, VARINT, FIXED64, FIXED32, BYTES]), rng.choice([1, 1, 0.9, 0.5, 0.1, 3]),
             new_type(rng, depth - 1) if depth > 0 and rng.random() < 0.4 else None) for number in numbers]


def message(rng, fields):
    out = b""
    for number, kind, often, inner in fields:
        for _ in range(rng.randint(0, 2 * often) if often > 1 else rng.random() < often):
            if inner is not None:
                out += string(number, message(rng, inner))
            elif kind == VARINT:
                out += field(number, kind, varint(rng.choice([0, 1, 2, 3, 4, 100, 300, rng.randrange(1 << 40)])))
            elif kind == BYTES:
                out += string(number, b"value %d" % rng.randrange(100000))
            else:
                out += field(number, kind, rng.randbytes(8 if kind == FIXED64 else 4))
    return out


def typed(rng, n):
    fields = new_type(rng)
    return [message(rng, fields) for _ in range(n)]


def sparse(rng, n):
    """More fields than a transition reaches: trees of states."""
    most = rng.choice([70, 200, 5000])
    return [b"".join(field(number, VARINT, varint(rng.randrange(200)))
                     for number in sorted(rng.sample(range(1, most), rng.randint(1, 30)))) for _ in range(n)]


def shuffled(rng, n):
    records = []
    for _ in range(n):
        numbers = rng.sample(range(1, 90), 25)
        records.append(b"".join(field(number, VARINT, b"\5") if number % 3 else string(number, b"x") for number in numbers))
    return records


def examples(rng, n):
    """As tf.train.Example: a map of features."""
    names = [b"feature_%d" % i for i in range(rng.randint(1, 15))]
    records = []
    for _ in range(n):
        features = b""
        for i, name in enumerate(names):
            values = [b"".join(varint(rng.randrange(1 << 20)) for _ in range(rng.randrange(6))),
                      rng.randbytes(4 * rng.randrange(6)), b"text %d" % rng.randrange(1000)][i % 3]
            features += string(1, string(1, name) + string(2, string([3, 2, 1][i % 3], string(1, values))))
        records.append(string(1, features))
    return records


# ---- other records ------------------------------------------------------------------------------


def opaque(rng, n):
    return [rng.choice([rng.randbytes(rng.randrange(40)), b"a line of text %d" % rng.randrange(1000), b""]) for _ in range(n)]


def nested(rng, n):
    records = []
    for _ in range(n):
        record = field(1, VARINT, b"\7")
        for _ in range(rng.choice([3, 98, 99, 100, 101, 120])):
            inner = record + rng.choice([b"", b"", field(3, FIXED32, b"abcd")])
            record = string(1, inner) if rng.random() < 0.8 else field(2, GROUP, inner) + varint(2 << 3 | GROUP_END)
        records.append(record)
    return records


def spoiled(rng, n):
    """Messages in which a byte may be wrong, or missing at the end."""
    records = []
    for record in rng.choice([typed, wild, examples])(rng, n):
        if record and rng.random() < 0.3:
            at = rng.randrange(len(record))
            record = record[:at] + rng.choice([b"", bytes([record[at] ^ 1 << rng.randrange(8)]) + record[at + 1:]])
        records.append(record)
    return records


def mixed(rng, n):
    records = [record for make in (typed, opaque, wild) for record in make(rng, n // 3 + 1)]
    rng.shuffle(records)
    return records[:n]


SHAPES = [wild, typed, typed, sparse, shuffled, examples, opaque, nested, spoiled, mixed]


# ---- the comparison -----------------------------------------------------------------------------


def random_case(rng):
    shape = rng.choice(SHAPES)
    most = 6 if shape is nested else rng.choice([1, 1, 5, 40, 300])
    return shape.__name__, shape(rng, rng.randint(1, most))


def body_of_reference(path, records):
    """The body of the one chunk that the reference makes of @records."""
    oracle.write(path, records, f"group_size:{len(records)},transpose,uncompressed")
    file = container.Container(path)
    chunk, = file.user_chunks
    assert (chunk.kind, chunk.n_records) == ("t", len(records))
    return file.data(chunk)


def bodies_of_encoder(groups):
    request = b"".join(struct.pack("<I", len(group)) + b"".join(struct.pack("<I", len(r)) + r for r in group)
                       for group in groups)
    answer = subprocess.run([ENCODER], input=request, stdout=subprocess.PIPE, check=True, timeout=300).stdout
    bodies, at = [], 0
    while at < len(answer):
        size, = struct.unpack_from("<I", answer, at)
        bodies.append(answer[at + 4:at + 4 + size])
        at += 4 + size
    return bodies


def test_bodies_as_the_reference(tmp_path):
    rng = random.Random(SEED)
    cases = [random_case(rng) for _ in range(N_CASES)]
    made = bodies_of_encoder([records for _, records in cases])
    assert len(made) == N_CASES
    differing = []
    for i, (shape, records) in enumerate(cases):
        if made[i] != body_of_reference(tmp_path / "case.array_record", records):
            differing.append(f"case {i}: {len(records)} records, {shape}")
    assert differing == [], f"AREC_TEST_SEED={SEED}"
