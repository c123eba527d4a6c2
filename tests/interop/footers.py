"""Files of several chunks whose postscript and footer are changed field by field, and the rules of a sound footer.

A message is a list of fields (number, wire type, value). The value is an int for varints, bytes for strings, 4 or 8
bytes for fixed numbers, a list of fields for groups. A message that is not made of fields is bytes.
"""

from dataclasses import dataclass, field, replace

import bodies
from container import BLOCK, Builder, is_boundary
from mutations import EDGES, any_varint, mutate, mutate_bytes, number
from native import take_varint, varint

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)
MAGIC = 0x71930E704FDAE05E
MAX_DEPTH = 100  # messages and groups within the outermost message


# ---- messages ---------------------------------------------------------------------------------


def encode(message):
    if isinstance(message, bytes):
        return message
    out = bytearray()
    for number_, kind, value in message:
        out += varint(number_ << 3 | kind)
        if kind == VARINT:
            out += varint(value)
        elif kind == BYTES:
            value = encode(value)
            out += varint(len(value)) + value
        elif kind == GROUP:
            out += encode(value) + varint(number_ << 3 | END_GROUP)
        else:
            out += value
    return bytes(out)


def _take_wide(data, at, most):
    """A varint as protobuf reads it: at most @most bytes, bits above the 64th dropped."""
    value = 0
    for i in range(min(most, len(data) - at)):
        value |= (data[at + i] & 127) << 7 * i
        if data[at + i] < 128:
            return value & (1 << 64) - 1, at + i + 1
    return None, at


def decode(data, depth=0, at=0, group=None):
    """The fields of a message at top level, groups without their content; None if it is malformed. For a
    group: the position after it."""
    fields = []
    while at < len(data):
        tag, at = _take_wide(data, at, 5)
        if tag is None or tag & 0xFFFFFFFF < 8:
            return None
        number_, kind = (tag & 0xFFFFFFFF) >> 3, tag & 7
        value = None
        if kind == VARINT:
            value, at = _take_wide(data, at, 10)
            if value is None:
                return None
        elif kind == BYTES:
            length, at = _take_wide(data, at, 5)
            if length is None or length >= 1 << 31 or length > len(data) - at:
                return None
            value, at = data[at:at + length], at + length
        elif kind in (FIXED32, FIXED64):
            at += 4 if kind == FIXED32 else 8
            if at > len(data):
                return None
        elif kind == GROUP:
            if depth == MAX_DEPTH:
                return None
            at = decode(data, depth + 1, at, number_)
            if at is None:
                return None
        elif kind == END_GROUP and group == number_:
            return at
        else:
            return None
        fields.append((number_, kind, value))
    return fields if group is None else None


def last(fields, number_, kind=VARINT):
    """The last value, which counts; None if absent. The same number with another wire type is another field."""
    return next((value for n, k, value in reversed(fields) if (n, k) == (number_, kind)), None)


# ---- a file and its footer --------------------------------------------------------------------


@dataclass(frozen=True)
class File:
    """Chunks, and the messages of postscript and footer. The file is sound until something is replaced."""
    chunks: tuple           # of bodies; the sound ones have their records
    metadata: object = None  # messages; None stands for the true message
    entries: tuple = None
    postscript: object = None
    codec: int = bodies.NONE
    transposed: bool = False
    footer_body: bodies.Body = None  # instead of one made of the messages


@dataclass(frozen=True)
class Built:
    content: bytes
    positions: dict      # of a chunk: its body
    footer_at: int
    footer_body: bodies.Body
    footer: tuple        # records of the footer, None when it cannot be decoded
    postscript: bytes
    bodies: tuple = field(default=())


def true_entry(position, body):
    return [(1, VARINT, position), (2, VARINT, body.decoded_size), (3, VARINT, body.n_records)]


def true_metadata(chunks, n_entries):
    inner = [(1, VARINT, 1), (2, VARINT, n_entries), (3, VARINT, sum(c.n_records for c in chunks)),
             (4, BYTES, b"group_size:%d" % (chunks[0].n_records if chunks else 1))]
    return [(1, BYTES, inner)]


def place_chunks(chunks):
    builder = Builder()
    return builder, [builder.chunk(c.kind, c.data, c.n_records, c.decoded_size) for c in chunks]


def messages(file):
    """@file with all its messages spelled out."""
    builder, positions = place_chunks(file.chunks)
    return replace(
        file, entries=file.entries or tuple(true_entry(*pair) for pair in zip(positions, file.chunks)),
        metadata=file.metadata or true_metadata(file.chunks, len(file.chunks)),
        postscript=file.postscript or [(1, VARINT, len(builder.content)), (2, VARINT, MAGIC)])


def build(file):
    file = messages(file)
    builder, positions = place_chunks(file.chunks)
    records = [encode(message) for message in (file.metadata, *file.entries)]
    make = bodies.opaque_body if file.transposed else bodies.simple_body
    body = file.footer_body or make(records, file.codec)
    footer_at = builder.chunk(body.kind, body.data, body.n_records, body.decoded_size)
    builder.pad()
    postscript = encode(file.postscript)
    last_chunk = bodies.simple_body([postscript] * 3)
    builder.chunk("r", last_chunk.data, 3, last_chunk.decoded_size)
    builder.pad()
    known = body.records or (bodies.simple_records(body) if body.kind == "r" else None)
    return Built(bytes(builder.content), dict(zip(positions, file.chunks)), footer_at, body,
                 known and tuple(known), postscript, (*file.chunks, body))


def single(body):
    """A file of one chunk."""
    return build(File((body,)))


# ---- rules of arecfs that the reference does not have -----------------------------------------


def _facts(built):
    """(metadata fields, fields of each entry or None), or None if there is no metadata, which both sides refuse."""
    if not built.footer:
        return None
    outer, entries = decode(built.footer[0]), [decode(record) for record in built.footer[1:]]
    if outer is None:
        return None
    parts = [decode(value, depth=1) for n, kind, value in outer if (n, kind) == (1, BYTES)]
    if not parts or None in parts:
        return None
    return sum(parts, []), entries


def _wrong_count(metadata, entries, _):
    """The reference ignores footer entries that num_chunks does not count."""
    return (last(metadata, 2) or 0) != len(entries)


def _wrong_order(_, entries, __):
    """The reference never compares the offsets; descending ones underflow there."""
    offsets = [last(entry, 1) for entry in entries]
    return None not in offsets and any(a >= b for a, b in zip([0, *offsets], offsets))


def _wrong_place(_, entries, built):
    """The reference does not check whether a chunk can begin there, nor that it lies before the footer."""
    offsets = [last(entry, 1) for entry in entries]
    return any(o is not None and (o >= built.footer_at or not is_boundary(o)) for o in offsets)


def _empty_chunk(_, entries, __):
    """The reference divides by the first chunk's number of records, and the wheel refuses only that one."""
    return any(not last(entry, 3) for entry in entries)


def _wrong_sum(metadata, entries, _):
    """The reference believes num_records, whatever the entries add up to."""
    return (last(metadata, 3) or 0) != sum(last(entry, 3) or 0 for entry in entries)


def _wrong_chunk(_, entries, built):
    """The reference does not compare an entry with the header of its chunk."""
    for entry in entries:
        body = built.positions.get(last(entry, 1))
        if body and ((last(entry, 3) or 0) != body.n_records or (last(entry, 2) or 0) != body.decoded_size):
            return True
    return False


WRONG_COUNT = "num_chunks is not the number of entries"

# Files that a reader should refuse and that the reference accepts, or may accept (FORMAT.md 8, "What to check").
STRICTER = {
    WRONG_COUNT: _wrong_count,
    "chunk offsets do not ascend": _wrong_order,
    "a chunk where none can begin": _wrong_place,
    "an entry without records": _empty_chunk,
    "num_records is not the sum of the entries": _wrong_sum,
    "an entry that differs from its chunk": _wrong_chunk,
}


def broken_rules(built):
    """Names of the rules of ours that the footer breaks. A footer that both sides refuse breaks none. Such is a footer
    with a malformed entry, unless the reference never reads that entry."""
    facts = _facts(built)
    if not facts:
        return []
    if _wrong_count(*facts, built):
        return [WRONG_COUNT]
    if None in facts[1]:
        return []
    return [name for name, is_broken in STRICTER.items() if is_broken(*facts, built)]


def uneven_records(built):
    """All records in order, if the chunks of a sound file differ in size in a way that the reference does not support
    (it finds a record's chunk by division); None for any other file."""
    facts, postscript = _facts(built), decode(built.postscript)
    if not facts or None in facts[1] or broken_rules(built) or last(facts[0], 1) != 1:
        return None
    if not postscript or (last(postscript, 1), last(postscript, 2)) != (built.footer_at, MAGIC):
        return None
    counts = [last(entry, 3) for entry in facts[1]]
    chunks = [built.positions.get(last(entry, 1)) for entry in facts[1]]
    if any(chunk is None or chunk.records is None for chunk in chunks):
        return None
    if all(n == counts[0] for n in counts[:-1]) and counts[-1:] <= counts[:1]:
        return None
    return [record for chunk in chunks for record in chunk.records]


# ---- changes ----------------------------------------------------------------------------------


def random_file(rng):
    """Some chunks with the same number of records, the last one perhaps with fewer; most are small."""
    group, n_chunks = rng.choice([1, 1, 2, 3, 7]), rng.choice([0, 1, 2, 3, 3, 5, 9])
    chunks = []
    for i in range(n_chunks):
        n = rng.randint(1, group) if i == n_chunks - 1 else group
        records = [rng.randbytes(rng.choice([0, 1, 3, 20, 20, 300])) for _ in range(n)]
        if rng.random() < 0.05:
            records[0] = rng.randbytes(BLOCK)  # chunks in further blocks
        make = bodies.opaque_body if rng.random() < 0.1 else bodies.simple_body
        chunks.append(make(records, rng.choice(bodies.CODECS)))
    return File(tuple(chunks), codec=rng.choice(bodies.CODECS), transposed=rng.random() < 0.1)


def _groups(rng, depth):
    message = rng.choice([[], [(2, VARINT, 5)]])
    for _ in range(depth):
        message = [(rng.randrange(1, 30), GROUP, message)]
    return message[0] if message else (9, VARINT, 0)


def _unknown_field(rng):
    number_ = rng.choice([5, 6, 15, 16, 100, (1 << 29) - 1])
    return rng.choice([
        (number_, VARINT, rng.choice(EDGES)), (number_, FIXED64, bytes(8)), (number_, FIXED32, bytes(4)),
        (number_, BYTES, rng.randbytes(rng.randrange(5))), (number_, FIXED64, bytes(5)), (number_, 6, b""),
        (number_, 7, b""), (number_, END_GROUP, b""), (0, VARINT, 1),
        _groups(rng, rng.choice([1, 1, 2, 3, 98, 99, 100, 101, 102]))])


def _change_field(rng, fields):
    fields = list(fields)
    how = rng.choice(["value", "value", "value", "remove", "repeat", "shuffle", "unknown", "unknown", "type", "split"])
    at = rng.randrange(len(fields)) if fields else None
    if at is None or how == "unknown":
        fields.insert(rng.randrange(len(fields) + 1), _unknown_field(rng))
        return fields
    number_, kind, value = fields[at]
    if how == "remove":
        del fields[at]
    elif how == "shuffle":
        rng.shuffle(fields)
    elif how == "type":  # a known number with another wire type is another field
        fields[at] = (number_, *rng.choice([(FIXED64, bytes(8)), (FIXED32, bytes(4)), (BYTES, b"\1"), (GROUP, []),
                                            (VARINT, 1)]))
    elif isinstance(value, list):
        if how == "split":  # pieces of a message merge
            cut = rng.randrange(len(value) + 1)
            fields[at:at + 1] = [(number_, kind, value[:cut]), (number_, kind, value[cut:])]
        else:
            fields[at] = (number_, kind, change_message(rng, value))
    elif how == "repeat":  # the last one counts
        fields.insert(rng.randrange(len(fields) + 1), (number_, kind, _value(rng, kind, value)))
    else:
        fields[at] = (number_, kind, _value(rng, kind, value))
    return fields


def _value(rng, kind, value):
    if kind == VARINT:
        return number(rng, value) % (1 << 64)
    return mutate_bytes(rng, value) if isinstance(value, bytes) else value


def _wide(rng, message):
    """The same message with numbers in more bytes than they need, where that is allowed."""
    out = bytearray()
    for number_, kind, value in message:
        out += any_varint(rng, number_ << 3 | kind)
        if kind == VARINT:
            out += any_varint(rng, value)
        elif kind == BYTES:
            out += any_varint(rng, len(encode(value))) + encode(value)
        else:
            out += encode([(number_, kind, value)])[len(varint(number_ << 3)):]
    return bytes(out)


def change_message(rng, message):
    if isinstance(message, bytes):
        return mutate_bytes(rng, message)
    kind = rng.random()
    if kind < 0.1:
        return mutate_bytes(rng, encode(message))
    if kind < 0.2:
        return _wide(rng, message)
    return _change_field(rng, message)


def _metadata(rng, file):
    return replace(file, metadata=change_message(rng, file.metadata))


def _entry(rng, file):
    if not file.entries:
        return None
    at = rng.randrange(len(file.entries))
    return replace(file, entries=(*file.entries[:at], change_message(rng, file.entries[at]), *file.entries[at + 1:]))


def _postscript(rng, file):
    return replace(file, postscript=change_message(rng, file.postscript))


def _list_of_entries(rng, file):
    """Entries are added, removed or moved; sometimes the count follows."""
    entries = list(file.entries)
    how = rng.choice(["remove", "repeat", "swap", "made up"])
    if not entries or how == "made up":
        entries.append([(1, VARINT, rng.choice([64, 65, 65536, 65537, *EDGES])), (2, VARINT, 1), (3, VARINT, 1)])
    elif how == "remove":
        del entries[rng.randrange(len(entries))]
    elif how == "repeat":
        entries.insert(rng.randrange(len(entries) + 1), rng.choice(entries))
    else:
        at = rng.randrange(len(entries))
        entries[0], entries[at] = entries[at], entries[0]
    metadata = file.metadata
    if rng.random() < 0.7:
        metadata = _recount(metadata, entries)
    return replace(file, entries=tuple(entries), metadata=metadata)


def _recount(metadata, entries):
    """@metadata with the true counts of those @entries that are made of fields."""
    sums = {2: len(entries),
            3: sum(last(entry, 3) or 0 for entry in entries if not isinstance(entry, bytes)) % (1 << 64)}
    if isinstance(metadata, bytes):
        return metadata
    return [(n, kind, value if isinstance(value, bytes) or kind != BYTES or n != 1 else
             [(m, k, sums.get(m, v) if k == VARINT else v) for m, k, v in value])
            for n, kind, value in metadata]


def _uneven(rng, file):
    """Chunks with different numbers of records, and a footer that is true."""
    if len(file.chunks) < 2:
        return None
    chunks = list(file.chunks)
    at = rng.randrange(len(chunks))
    chunks[at] = bodies.simple_body([*(chunks[at].records or ()), b"one more"], rng.choice(bodies.CODECS))
    return messages(File(tuple(chunks), codec=file.codec, transposed=file.transposed))


def _count_in_chunk(rng, file):
    """A chunk whose header has other numbers than its entry."""
    if not file.chunks:
        return None
    at = rng.randrange(len(file.chunks))
    chunk = file.chunks[at]
    chunk = (replace(chunk, decoded_size=chunk.decoded_size + 1, records=None) if rng.random() < 0.3 else
             bodies.simple_body([*(chunk.records or ()), b""]) if rng.random() < 0.5 else
             replace(chunk, n_records=chunk.n_records + 1, records=None))
    chunks = (*file.chunks[:at], chunk, *file.chunks[at + 1:])
    moved = messages(File(chunks))
    keep = [[(n, k, v if n == 1 else last(old, n) or 0) for n, k, v in new]
            if not isinstance(old, bytes) else old for new, old in zip(moved.entries, file.entries)]
    return replace(file, chunks=chunks, entries=tuple(keep), postscript=moved.postscript)


def _footer_chunk(rng, file):
    """Mutates the chunk of the footer like any other body, but only to simple ones, so that its records are known."""
    if file.transposed:
        return None
    body = build(file).footer_body
    names, changed = mutate(rng, body, body)
    return replace(file, footer_body=changed)


CHANGES = [_metadata, _metadata, _entry, _entry, _entry, _postscript, _list_of_entries, _list_of_entries, _uneven,
           _count_in_chunk, _footer_chunk]


def random_case(rng):
    """(names of the changes, a built file)"""
    file = messages(random_file(rng))
    done = []
    while not done or rng.random() < 0.15:
        change = rng.choice(CHANGES)
        changed = change(rng, file)
        if changed is not None:
            file = changed
            done.append(change.__name__.lstrip("_"))
        if file.footer_body:
            break
    return done, build(file)
