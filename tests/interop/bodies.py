"""Chunk bodies taken apart into their plain parts, and put together again, unchanged or with lies.

Written from the format's description and independent of the code under test. Bytes that are not a body of
the kind give None: hostile bytes are the normal case here.
"""

from dataclasses import dataclass, field, replace

from native import compress, decompress, take_varint, varint

NONE, BROTLI, ZSTD, SNAPPY = 0, ord("b"), ord("z"), ord("s")
CODECS = (NONE, BROTLI, ZSTD, SNAPPY)
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Body:
    """A chunk without its position: the numbers of its header, and its data."""
    kind: str          # r or t
    n_records: int
    decoded_size: int
    data: bytes
    name: str = ""     # where it comes from
    records: tuple = None  # the records that it must decode to, if known

    @property
    def codec(self):
        return self.data[0] if self.data else None


# ---- simple chunks ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Simple:
    codec: int
    sizes: bytes   # plain
    values: bytes  # plain

    def data(self, level=None):
        sizes = compress(self.codec, self.sizes, level)
        return bytes([self.codec]) + varint(len(sizes)) + sizes + compress(self.codec, self.values, level)


def simple_blocks(data):
    """The two blocks of a simple body as stored: (sizes, values); None if there are none."""
    length, at = take_varint(data, 1)
    if length is None or length > len(data) - at:
        return None
    return data[at:at + length], data[at + length:]


def parse_simple(data):
    blocks = simple_blocks(data)
    plain = blocks and [decompress(data[0], block) for block in blocks]
    return Simple(data[0], *plain) if plain and None not in plain else None


def simple_body(records, codec=NONE, name="made"):
    data = Simple(codec, b"".join(varint(len(r)) for r in records), b"".join(records)).data()
    return Body("r", len(records), sum(map(len, records)), data, name, tuple(records))


def simple_records(body):
    """The records of a simple body by the rules of the format; None if it breaks them."""
    parts = parse_simple(body.data)
    if not parts or len(parts.values) != body.decoded_size:
        return None
    records, at, value_at = [], 0, 0
    for _ in range(body.n_records):
        size, at = take_varint(parts.sizes, at)
        if size is None:
            return None
        records.append(parts.values[value_at:value_at + size])
        value_at += size
    complete = at == len(parts.sizes) and value_at == len(parts.values)
    return records if complete else None


# ---- transposed chunks ------------------------------------------------------------------------


@dataclass(frozen=True)
class Transposed:
    """The plain parts. `bucket_lengths` is derived when the body is put together, and so is `counts` unless given."""
    codec: int
    buckets: list
    buffer_lengths: list
    tags: list
    nexts: list
    subtypes: bytes
    buffer_indices: list
    first: int
    transitions: bytes
    lies: dict = field(default_factory=dict)  # n_buckets, n_buffers, n_states: instead of the true count

    def header(self, bucket_sizes):
        def count(name, values):
            return varint(self.lies.get(name, len(values)))
        return (count("n_buckets", self.buckets) + count("n_buffers", self.buffer_lengths) +
                b"".join(map(varint, [*bucket_sizes, *self.buffer_lengths])) +
                count("n_states", self.tags) + b"".join(map(varint, [*self.tags, *self.nexts])) +
                self.subtypes + b"".join(map(varint, self.buffer_indices)) + varint(self.first))

    def data(self, level=None):
        buckets = [compress(self.codec, bucket, level) for bucket in self.buckets]
        header = compress(self.codec, self.header([len(b) for b in buckets]), level)
        return (bytes([self.codec]) + varint(len(header)) + header + b"".join(buckets) +
                compress(self.codec, self.transitions, level))


class _Broken(Exception):
    pass


class _Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def varint(self, most=5):
        value, self.at = take_varint(self.data, self.at, most)
        if value is None:
            raise _Broken
        return value

    def varints(self, n, most=5):
        if n > len(self.data) - self.at:
            raise _Broken
        return [self.varint(most) for _ in range(n)]

    def take(self, n):
        if n > len(self.data) - self.at:
            raise _Broken
        self.at += n
        return self.data[self.at - n:self.at]


def has_subtype(tag):
    return tag >= 8 and tag & 7 == 0


def _needs_buffer(tag, subtypes):
    if has_subtype(tag):
        return next(subtypes) < 10
    return tag == 1 or (tag >= 8 and tag & 7 in (1, 2, 5))


def _stored_blocks(data):
    """(header block, bucket blocks, transitions block, plain header) as far as the lengths go."""
    body = _Cursor(data)
    body.take(1)
    header = body.take(body.varint(10))
    plain = decompress(data[0], header)
    if plain is None:
        return header, [], b"", None
    cursor = _Cursor(plain)
    n_buckets, _ = cursor.varints(2)
    buckets = [body.take(length) for length in cursor.varints(n_buckets, 10)]
    return header, buckets, data[body.at:], plain


def transposed_blocks(data):
    """All stored blocks that can be found, in order."""
    try:
        header, buckets, transitions, _ = _stored_blocks(data)
        return [header, *buckets, transitions]
    except _Broken:
        return None


def _parse(data):
    _, stored, transitions, plain_header = _stored_blocks(data)
    plain = [decompress(data[0], block) for block in [*stored, transitions]]
    if plain_header is None or None in plain:
        raise _Broken
    header = _Cursor(plain_header)
    n_buckets, n_buffers = header.varints(2)
    header.varints(n_buckets, 10)
    buffer_lengths = header.varints(n_buffers, 10)
    n_states = header.varint()
    tags, nexts = header.varints(n_states), header.varints(n_states)
    subtypes = header.take(sum(map(has_subtype, tags)))
    left = iter(subtypes)
    indices = header.varints(sum(_needs_buffer(tag, left) for tag in tags))
    return Transposed(data[0], plain[:-1], buffer_lengths, tags, nexts, subtypes, indices,
                      header.varint(), plain[-1])


def parse_transposed(data):
    try:
        return _parse(data)
    except _Broken:
        return None


def opaque_body(records, codec=NONE, name="made"):
    """A transposed body that keeps every record, at least one, as opaque bytes: one state, which follows
    itself; values and lengths in one bucket, last record first."""
    values = b"".join(reversed(records))
    lengths = b"".join(varint(len(r)) for r in reversed(records))
    moves, transitions = len(records) - 1, bytearray()
    while moves:
        repeat = min(moves - 1, 3)  # a byte is one move and up to three more
        transitions.append(repeat)
        moves -= 1 + repeat
    data = Transposed(codec, [values + lengths], [len(values), len(lengths)], [1], [0], b"", [0], 0,
                      bytes(transitions)).data()
    return Body("t", len(records), sum(map(len, records)), data, name, tuple(records))


# ---- both -------------------------------------------------------------------------------------


def parse(body):
    if not body.data or body.data[0] not in CODECS:
        return None
    return parse_simple(body.data) if body.kind == "r" else parse_transposed(body.data)


def blocks(body):
    """The blocks of @body as stored, as far as they can be found."""
    found = simple_blocks(body.data) if body.kind == "r" else transposed_blocks(body.data)
    return [] if found is None else list(found)


def recoded(body, codec):
    """@body compressed by another codec; None if it cannot be taken apart."""
    parts = parse(body)
    return parts and replace(body, data=replace(parts, codec=codec).data())


@dataclass(frozen=True)
class ZstdHeader:
    window: int    # bytes
    blocks_at: int  # where the blocks start


def zstd_header(stream):
    """The frame header of a Zstd stream; None if there is none."""
    if stream[:4] != ZSTD_MAGIC or len(stream) < 6:
        return None
    descriptor, at = stream[4], 5
    single = descriptor >> 5 & 1
    if not single:
        exponent, mantissa = stream[at] >> 3, stream[at] & 7
        window, at = (1 << 10 + exponent) // 8 * (8 + mantissa), at + 1
    at += [0, 1, 2, 4][descriptor & 3]
    content_bytes = [single, 2, 4, 8][descriptor >> 6]
    if single:
        window = int.from_bytes(stream[at:at + content_bytes], "little") + (256 if content_bytes == 2 else 0)
    return ZstdHeader(window, at + content_bytes)


def zstd_blocks(stream):
    """The bytes after the frame header; empty if there is none."""
    header = zstd_header(stream)
    return stream[header.blocks_at:] if header else b""
