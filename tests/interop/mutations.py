"""Mutations of bodies: of stored bytes, of plain parts before they are compressed, and of fields of the format.

Every function takes a random.Random and returns something new; its arguments are never changed. A mutation that
does not apply returns None, and the caller takes another.
"""

from dataclasses import replace

import bodies
from native import compress, decompress, take_varint, varint

# Numbers at which formats break: ends of one, two, five and ten byte varints, of 31, 32 and 64 bits.
EDGES = [0, 1, 2, 3, 9, 10, 63, 64, 127, 128, 137, 138, 255, 16383, 16384, (1 << 31) - 1, 1 << 31,
         (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]


# ---- bytes and numbers ------------------------------------------------------------------------


def number(rng, value):
    """A number near @value, or one at which formats break."""
    return rng.choice([value + 1, max(value - 1, 0), value * 2, value ^ 1 << rng.randrange(8),
                       rng.randrange(256), rng.choice(EDGES)])


def overlong(rng, value):
    """@value in more bytes than it needs; sometimes in more than a varint may have."""
    out = bytearray(varint(value))
    out[-1] |= 128
    out += bytes([128] * rng.choice([0, 0, 1, 2, 3, 8])) + b"\0"
    return bytes(out)


def any_varint(rng, value):
    return overlong(rng, value) if rng.random() < 0.2 else varint(value)


def edit_varint(rng, data):
    """Treats bytes anywhere as a varint, and replaces it by another one."""
    at = rng.randrange(len(data))
    value, end = take_varint(data, at)
    if value is None:
        return None
    changed = value if rng.random() < 0.3 else number(rng, value)
    return data[:at] + any_varint(rng, changed) + data[end:]


def _flip(rng, data):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]


def _replace(rng, data):
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.choice([0, 1, 127, 128, 255, rng.randrange(256)])]) + data[at + 1:]


def _insert(rng, data):
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.choice([1, 1, 1, 2, 5])) + data[at:]


def _delete(rng, data):
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.choice([1, 1, 1, 2, 5]):]


def _repeat(rng, data):
    at = rng.randrange(len(data))
    return data[:at] + data[at:at + rng.choice([1, 2, 4, 16])] + data[at:]


def _truncate(rng, data):
    return data[:rng.randrange(len(data))]


def _append(rng, data):
    return data + rng.randbytes(rng.choice([1, 1, 4]))


def mutate_bytes(rng, data):
    """One to three edits. Most are near the start, where the numbers are."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        edit = rng.choice([_flip, _flip, _replace, _insert, _delete, _repeat, _truncate, _append,
                           edit_varint, edit_varint])
        if not data:
            edit = _append
        cut = len(data) if rng.random() < 0.5 else min(len(data), 40)
        if edit in (_truncate, _append):
            cut = len(data)
        front = edit(rng, data[:cut])
        data = data if front is None else front + data[cut:]
    return data


# ---- whole bodies -----------------------------------------------------------------------------


def stored_bytes(rng, body, _):
    return replace(body, data=mutate_bytes(rng, body.data))


def chunk_header(rng, body, _):
    """The header's numbers. Counts stay small, because a chunk has at least one byte for each record."""
    field = rng.choice(["n_records", "decoded_size", "decoded_size", "kind"])
    if field == "n_records":
        return replace(body, n_records=max(1, body.n_records + rng.choice([-2, -1, 1, 2, 1000])))
    if field == "decoded_size":
        changed = number(rng, body.decoded_size) if rng.random() < 0.3 else (
            body.decoded_size + rng.choice([-2, -1, 1, 2, 1000]))
        return replace(body, decoded_size=max(0, changed) % (1 << 64))
    return replace(body, kind=rng.choice(["r", "t"]) if rng.random() < 0.8 else rng.choice("spmx\0"))


def splice(rng, body, other):
    """The first part of one body and the rest of another one."""
    cut = rng.randrange(len(body.data) + 1)
    rest = rng.choice([cut, rng.randrange(len(other.data) + 1)])
    return replace(body, data=body.data[:cut] + other.data[rest:])


def recode(rng, body, _):
    """The same plain parts by another codec: the body must stay as sound as it was."""
    return bodies.recoded(body, rng.choice(bodies.CODECS))


def block_swap(rng, body, other):
    """Replaces a whole stored block of one body by a block of another."""
    mine, theirs = bodies.blocks(body), bodies.blocks(other)
    if not mine or not theirs:
        return None
    old = rng.choice(mine)
    at = body.data.find(old)
    return replace(body, data=body.data[:at] + rng.choice(theirs) + body.data[at + len(old):])


def size_prefix(rng, body, _):
    """Changes the decompressed size before a stream, which may be any number."""
    found = bodies.blocks(body)
    if body.codec not in bodies.CODECS[1:] or not found:
        return None
    block = rng.choice(found)
    value, used = take_varint(block, 0)
    if value is None:
        return None
    at = body.data.find(block)
    changed = any_varint(rng, number(rng, value) % (1 << 64))
    if len(changed) != used and rng.random() < 0.7:  # keep the lengths around it right where possible
        changed = varint((value + 1) & 127 if used == 1 else value ^ 1)
    return replace(body, data=body.data[:at] + changed + block[used:] + body.data[at + len(block):])


def stream_bytes(rng, body, _):
    """Changes bytes of one stream and keeps its length, so that the next one is still found."""
    found = [block for block in bodies.blocks(body) if len(block) > 1]
    if not found:
        return None
    block = rng.choice(found)
    at = body.data.find(block)
    changed = bytearray(block)
    for _ in range(rng.choice([1, 1, 2, 4])):
        where = rng.randrange(min(len(changed), 24) if rng.random() < 0.6 else len(changed))
        changed[where] = rng.choice([changed[where] ^ 1 << rng.randrange(8), rng.randrange(256)])
    return replace(body, data=body.data[:at] + bytes(changed) + body.data[at + len(block):])


def zstd_frame(rng, body, _):
    """The same blocks in a frame of another window, or with additional frames and blocks."""
    found = bodies.blocks(body) if body.codec == bodies.ZSTD else []
    block = rng.choice(found) if found else b""
    _, used = take_varint(block, 0)
    frame = bodies.zstd_blocks(block[used:])
    if not frame:
        return None
    skippable = b"\x50\x2a\x4d\x18" + bytes([3, 0, 0, 0]) + b"abc"
    how = rng.choice(["window", "window", "window", "before", "after", "instead", "empty"])
    if how == "window":
        plain = decompress(bodies.ZSTD, block)
        window = rng.choice([0, 1, 7, 8, 80, 0x50, 168, 169, 176, rng.randrange(256)])
        stream = bodies.ZSTD_MAGIC + bytes([0, window]) + frame if plain is not None else skippable
    elif how == "empty":  # blocks of length 0: raw, repeated, compressed, reserved
        stream = bodies.ZSTD_MAGIC + bytes([0, 80, rng.choice([0, 2, 4, 6]), 0, 0]) + frame
    else:
        stream = {"before": skippable + block[used:], "after": block[used:] + skippable, "instead": skippable}[how]
    return _with_block(body, found.index(block), block[:used] + stream)


def _with_block(body, i, block):
    """@body with stored block number @i replaced, and the lengths around it set right."""
    found = list(bodies.blocks(body))
    found[i] = block
    if body.kind == "r":
        sizes, values = found
        return replace(body, data=bytes([body.codec]) + varint(len(sizes)) + sizes + values)
    header, *rest = found
    if 0 < i < len(found) - 1:  # a bucket, whose length is in the header
        parts = bodies.parse_transposed(body.data)
        if not parts:
            return None
        header = compress(body.codec, parts.header([len(bucket) for bucket in rest[:-1]]))
    return replace(body, data=bytes([body.codec]) + varint(len(header)) + header + b"".join(rest))


# ---- plain parts: simple chunks ---------------------------------------------------------------


def simple_plain(rng, body, other):
    parts = bodies.parse_simple(body.data) if body.kind == "r" else None
    if not parts:
        return None
    part = rng.choice(["sizes", "sizes", "values", "both", "swap", "record"])
    if part in ("sizes", "values"):
        parts = replace(parts, **{part: mutate_bytes(rng, getattr(parts, part))})
    elif part == "both":  # one size and the values agree again
        parts = replace(parts, sizes=parts.sizes + varint(3), values=parts.values + b"abc")
        body = replace(body, n_records=body.n_records + 1, decoded_size=body.decoded_size + 3)
    elif part == "record":  # sizes change, their sum does not
        sizes = mutate_bytes(rng, parts.sizes)
        parts = replace(parts, sizes=sizes)
        body = replace(body, n_records=max(1, sum(b < 128 for b in sizes)))
    else:
        donor = bodies.parse_simple(other.data) if other.kind == "r" else None
        if not donor:
            return None
        parts = replace(parts, sizes=donor.sizes)
    codec = rng.choice(bodies.CODECS) if rng.random() < 0.3 else parts.codec
    return replace(body, data=replace(parts, codec=codec).data())


def overlong_sizes(rng, body, _):
    """Sizes in longer varints than needed: legal."""
    parts = bodies.parse_simple(body.data) if body.kind == "r" else None
    if not parts:
        return None
    sizes, at = bytearray(), 0
    while at < len(parts.sizes):
        value, at = take_varint(parts.sizes, at)
        if value is None:
            return None
        sizes += any_varint(rng, value)
    return replace(body, data=replace(parts, sizes=bytes(sizes)).data())


# ---- plain parts: transposed chunks -----------------------------------------------------------


def _edit_list(rng, values, most):
    """Changes, adds or removes one element, or exchanges two."""
    values = list(values)
    how = rng.choice(["change", "change", "change", "step", "step", "add", "remove", "swap"])
    if not values:
        return [rng.randrange(4)]
    at, to = rng.randrange(len(values)), rng.randrange(len(values))
    if how == "change":
        values[at] = number(rng, values[at])
    elif how == "step":
        values[at] = max(0, values[at] + rng.choice([-1, 1]))
    elif how == "add":
        values.insert(at, values[to])
    elif how == "remove":
        del values[at]
    else:
        values[at], values[to] = values[to], values[at]
    return [value % most for value in values]


def _edit_tags(rng, tags, _):
    tags = list(tags)
    at = rng.randrange(len(tags)) if tags else None
    if at is None or rng.random() < 0.3:
        return _edit_list(rng, tags, 1 << 32)
    tags[at] = rng.choice([*range(9), tags[at] ^ rng.randrange(8), tags[at] + 8, tags[at] & ~7 | 6, 1 << 31 | 5,
                           (1 << 32) - rng.randrange(1, 9)]) % (1 << 32)
    return tags


def _edit_nexts(rng, nexts, n_states):
    nexts = list(nexts)
    if not nexts or rng.random() < 0.2:
        return _edit_list(rng, nexts, 1 << 32)
    at = rng.randrange(len(nexts))
    bound = max(2 * n_states, 1)  # an earlier edit may say that there are none
    nexts[at] = rng.choice([rng.randrange(bound), (nexts[at] + n_states) % bound, bound,
                            max(nexts[at] - 1, 0), nexts[at] + 1])
    return nexts


def _edit_subtypes(rng, subtypes, _):
    return bytes(value % 256 for value in _edit_list(rng, subtypes, 256))


def _edit_transitions(rng, transitions):
    if not transitions or rng.random() < 0.3:
        return mutate_bytes(rng, transitions)
    transitions = bytearray(transitions)
    at = rng.randrange(len(transitions))
    transitions[at] = rng.choice([transitions[at] ^ 1, transitions[at] ^ 2, transitions[at] ^ 4,
                                  (transitions[at] + 4) % 256, rng.randrange(256)])
    return bytes(transitions)


def transposed_fields(rng, body, other):
    """Changes one or two fields of the header, or the transitions; the rest is derived from them."""
    parts = bodies.parse_transposed(body.data) if body.kind == "t" else None
    if not parts:
        return None
    for _ in range(rng.choice([1, 1, 2])):
        n_states = len(parts.tags)
        name = rng.choice(["tags", "nexts", "nexts", "subtypes", "buffer_indices", "buffer_lengths", "buckets",
                           "first", "transitions", "transitions", "lies", "state", "donor"])
        if name == "tags":
            changes = {"tags": _edit_tags(rng, parts.tags, n_states)}
        elif name == "nexts":
            changes = {"nexts": _edit_nexts(rng, parts.nexts, n_states)}
        elif name == "subtypes":
            changes = {"subtypes": _edit_subtypes(rng, parts.subtypes, n_states)}
        elif name == "buffer_indices":
            changes = {"buffer_indices": _edit_list(rng, parts.buffer_indices, 1 << 32)}
        elif name == "buffer_lengths":
            changes = {"buffer_lengths": _edit_list(rng, parts.buffer_lengths, 1 << 64)}
        elif name == "buckets":
            changes = {"buckets": _edit_buckets(rng, parts.buckets)}
        elif name == "first":
            changes = {"first": rng.choice([rng.randrange(n_states + 2), number(rng, parts.first)]) % (1 << 32)}
        elif name == "transitions":
            changes = {"transitions": _edit_transitions(rng, parts.transitions)}
        elif name == "lies":
            count = rng.choice(["n_buckets", "n_buffers", "n_states"])
            true = {"n_buckets": len(parts.buckets), "n_buffers": len(parts.buffer_lengths), "n_states": n_states}
            changes = {"lies": {count: number(rng, true[count]) % (1 << 32)}}
        elif name == "state":
            changes = _add_state(rng, parts)
        else:
            donor = bodies.parse_transposed(other.data) if other.kind == "t" else None
            if not donor:
                continue
            field = rng.choice(["transitions", "nexts", "buckets", "subtypes"])
            changes = {field: getattr(donor, field)}
        parts = replace(parts, **changes)
    codec = rng.choice(bodies.CODECS) if rng.random() < 0.3 else parts.codec
    return replace(body, data=replace(parts, codec=codec).data())


def _edit_buckets(rng, buckets):
    """Changes bytes of a bucket, or the border between two buckets."""
    buckets = list(buckets)
    at = rng.randrange(len(buckets)) if buckets else 0
    how = rng.choice(["bytes", "bytes", "same length", "empty", "merge", "split"])
    if not buckets or how == "empty":
        buckets.insert(rng.randrange(len(buckets) + 1), b"")
    elif how == "bytes":
        buckets[at] = mutate_bytes(rng, buckets[at])
    elif how == "same length" and buckets[at]:
        buckets[at] = (_replace if rng.random() < 0.5 else _flip)(rng, buckets[at])
    elif how == "merge" and at + 1 < len(buckets):
        buckets[at:at + 2] = [buckets[at] + buckets[at + 1]]
    else:
        cut = rng.randrange(len(buckets[at]) + 1)
        buckets[at:at + 1] = [buckets[at][:cut], buckets[at][cut:]]
    return buckets


def _add_state(rng, parts):
    """Adds a last state, to which no other state leads, or one by chance. Implicit moves keep their base."""
    n = len(parts.tags)
    nexts = [word + 1 if word >= n else word for word in parts.nexts]
    return {"tags": [*parts.tags, rng.choice([0, 2, 3, 11, 12, 14])], "nexts": [*nexts, rng.randrange(2 * n + 2)]}


def block_bytes(rng, body, _):
    """Changes plain bytes of the header or the transitions and compresses them again."""
    found = bodies.transposed_blocks(body.data) if body.kind == "t" else None
    if not found:
        return None
    header, *middle, transitions = found
    which = rng.choice(["header", "header", "transitions"])
    plain = decompress(body.codec, header if which == "header" else transitions)
    if plain is None:
        return None
    changed = compress(body.codec, mutate_bytes(rng, plain))
    header, transitions = (changed, transitions) if which == "header" else (header, changed)
    return replace(body, data=bytes([body.codec]) + varint(len(header)) + header + b"".join(middle) + transitions)


# ---- choosing ---------------------------------------------------------------------------------

ANY = [stored_bytes, chunk_header, splice, recode, block_swap, size_prefix, stream_bytes, zstd_frame]
SIMPLE = [simple_plain, simple_plain, simple_plain, overlong_sizes]
TRANSPOSED = [transposed_fields, transposed_fields, transposed_fields, transposed_fields, block_bytes]


def mutate(rng, body, other):
    """(names of the mutations, the new body). @other is a body to borrow from."""
    done = []
    wanted = rng.choice([1, 1, 1, 2])
    while len(done) < wanted:
        own = SIMPLE if body.kind == "r" else TRANSPOSED
        mutation = rng.choice(own if rng.random() < 0.5 else ANY)
        changed = mutation(rng, body, other) if body.data else None
        if not body.data:
            break
        if changed is not None:
            body = changed
            done.append(mutation.__name__)
    return done, replace(body, records=None)
