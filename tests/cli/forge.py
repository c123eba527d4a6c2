"""Files that the reference would not write: ArrayRecord files with any bytes as the writer's option string, plain
Riegeli/records files of any chunks.

Chunks are simple and uncompressed. In ArrayRecord files everything but the postscript lies within the first block.
"""

import itertools
import struct

from container import add_with_overhead

BLOCK = 65536
MAGIC = 0x71930E704FDAE05E
MASK = (1 << 64) - 1
KEY = struct.unpack("<4Q", b"Riegeli/records\nRiegeli/records\n")
INIT_0 = (0xDBE6D5D5FE4CCE2F, 0xA4093822299F31D0, 0x13198A2E03707344, 0x243F6A8885A308D3)
INIT_1 = (0x3BD39E10CB0EF593, 0xC0ACF169B5F18A8C, 0xBE5466CF34E90C6C, 0x452821E638D01377)


# ---- HighwayHash64 ----------------------------------------------------------------------------


def _swap32(x):
    return (x >> 32 | x << 32) & MASK


def _zip(a, b):
    a, b = a.to_bytes(8, "little"), b.to_bytes(8, "little")
    even = bytes((a[3], b[4], a[2], a[5], b[6], a[1], b[7], a[0]))
    odd = bytes((b[3], a[4], b[2], b[5], b[1], a[6], b[0], a[7]))
    return int.from_bytes(even, "little"), int.from_bytes(odd, "little")


class _State:
    def __init__(self):
        self.mul0, self.mul1 = list(INIT_0), list(INIT_1)
        self.v0 = [i ^ k for i, k in zip(INIT_0, KEY)]
        self.v1 = [i ^ _swap32(k) for i, k in zip(INIT_1, KEY)]

    def update(self, words):
        v0, v1, mul0, mul1 = self.v0, self.v1, self.mul0, self.mul1
        for i in range(4):
            v1[i] = (v1[i] + mul0[i] + words[i]) & MASK
            mul0[i] ^= (v1[i] & 0xFFFFFFFF) * (v0[i] >> 32)
            v0[i] = (v0[i] + mul1[i]) & MASK
            mul1[i] ^= (v0[i] & 0xFFFFFFFF) * (v1[i] >> 32)
        for target, source in ((v0, v1), (v1, v0)):
            for i in (0, 2):
                even, odd = _zip(source[i], source[i + 1])
                target[i] = (target[i] + even) & MASK
                target[i + 1] = (target[i + 1] + odd) & MASK

    def tail(self, tail):
        r = len(tail)
        self.v0 = [((v + (r << 32)) & MASK) + r & MASK for v in self.v0]
        self.v1 = [self._rotate(v >> 32, r) << 32 | self._rotate(v & 0xFFFFFFFF, r) for v in self.v1]
        packet = bytearray(32)
        q = r & ~3
        packet[:q] = tail[:q]
        if r & 16:
            packet[28:] = tail[r - 4:]
        elif r & 3:
            m = r & 3
            packet[16], packet[17], packet[18] = tail[q], tail[q + (m >> 1)], tail[q + m - 1]
        self.update(struct.unpack("<4Q", packet))

    @staticmethod
    def _rotate(half, bits):
        return (half << bits | half >> (32 - bits)) & 0xFFFFFFFF


def highway_hash(data):
    state = _State()
    whole = len(data) - len(data) % 32
    for at in range(0, whole, 32):
        state.update(struct.unpack_from("<4Q", data, at))
    if whole < len(data):
        state.tail(data[whole:])
    for _ in range(4):
        state.update([_swap32(state.v0[i]) for i in (2, 3, 0, 1)])
    return (state.v0[0] + state.v1[0] + state.mul0[0] + state.mul1[0]) & MASK


# ---- the file ---------------------------------------------------------------------------------


def _varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def _hashed(body):
    return struct.pack("<Q", highway_hash(body)) + body


def _block_header(previous, following):
    return _hashed(struct.pack("<QQ", previous, following))


def _chunk(kind, data, n_records, decoded_size):
    return _hashed(struct.pack("<QQQQ", len(data), highway_hash(data), ord(kind) | n_records << 8,
                               decoded_size)) + data


def _simple_chunk(records):
    sizes = b"".join(_varint(len(record)) for record in records)
    data = b"\0" + _varint(len(sizes)) + sizes + b"".join(records)
    return _chunk("r", data, len(records), sum(map(len, records)))


def names_body(names):
    """The data of a chunk of names, uncompressed."""
    return b"\0" + b"".join(name + b"\0" for name in names)


def array_record(records, options, group_size=1, footer_claimed=None, names=None):
    """The bytes of a file of @records (all small), in groups of @group_size, or of as many as a list says. @options are
    bytes, or None for none. The postscript says that the footer is chunk @footer_claimed if that is given, else the
    truth. @names is the data of a chunk of names, or None for none."""
    begins = []
    out = bytearray(_block_header(0, 64) + _chunk("s", b"", 0, 0))
    footers = []
    sizes = group_size if isinstance(group_size, list) else [group_size] * -(-len(records) // group_size)
    for first, size in zip(itertools.accumulate([0, *sizes]), sizes):
        group = records[first:first + size]
        begins.append(len(out))
        footers.append(b"\x08" + _varint(len(out)) + b"\x10" + _varint(sum(map(len, group))) +
                       b"\x18" + _varint(len(group)))
        out += _simple_chunk(group)
    metadata = b"\x08\x01\x10" + _varint(len(footers)) + b"\x18" + _varint(len(records))
    if options is not None:
        metadata += b"\x22" + _varint(len(options)) + options
    if names is not None:
        out += _chunk("n", names, 0, 0)
    footer_offset = len(out) if footer_claimed is None else begins[footer_claimed]
    out += _simple_chunk([b"\x0a" + _varint(len(metadata)) + metadata, *footers])
    padding = BLOCK - len(out) - 40
    assert padding >= 0, "the records do not fit in one block"
    out += _chunk("p", bytes(padding), 0, 0)
    postscript = _simple_chunk([b"\x08" + _varint(footer_offset) + b"\x10" + _varint(MAGIC)] * 3)
    out += _block_header(0, len(postscript) + 24) + postscript
    out += _chunk("p", bytes(2 * BLOCK - len(out) - 40), 0, 0)
    assert len(out) == 2 * BLOCK
    return bytes(out)


# ---- plain Riegeli/records files --------------------------------------------------------------


def riegeli_signature():
    return _block_header(0, 64) + _chunk("s", b"", 0, 0)


def riegeli_chunk(records):
    """A chunk of uncompressed records, which needs no slack because it has more bytes than records."""
    return _simple_chunk(records)


def hollow_chunk_header(size):
    """The header of a chunk of one record with @size bytes of data, whose hash is wrong."""
    return _hashed(struct.pack("<QQQQ", size, 0, ord("r") | 1 << 8, size - 3))


def in_blocks(begin, end, data):
    """@data, the first bytes of the chunk [begin, end), with the block headers that fall into them."""
    out = bytearray()
    while data:
        position = begin + len(out)
        if position % BLOCK == 0:
            out += _block_header(position - begin, end - position)
            position += 24
        step = BLOCK - position % BLOCK
        out += data[:step]
        data = data[step:]
    return bytes(out)


def riegeli_file(chunks):
    """The bytes of a file of @chunks."""
    out = bytearray(riegeli_signature())
    for chunk in chunks:
        out += in_blocks(len(out), add_with_overhead(len(out), len(chunk)), chunk)
    return bytes(out)
