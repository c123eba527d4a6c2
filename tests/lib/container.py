"""Where the chunks of an intact file lie, found by walking chunk headers without decoding anything; and
files put together chunk by chunk, with any numbers in the headers of their chunks.

The arithmetic is that of Riegeli/records: blocks of 64 KiB, each with a header of 24 bytes that
chunks flow around.
"""

import struct
from dataclasses import dataclass

from native import highway_hash

BLOCK = 65536
BLOCK_HEADER = 24
USABLE = BLOCK - BLOCK_HEADER
CHUNK_HEADER = 40


def add_with_overhead(begin, length):
    return begin + length + BLOCK_HEADER * ((length + (begin + USABLE - 1) % BLOCK) // USABLE)


def round_up_possible(position):
    remaining = (BLOCK - position % BLOCK) % BLOCK
    return position + max(0, remaining - (USABLE - 1))


def is_boundary(position):
    """Whether a chunk may begin at @position."""
    return not 1 <= position % BLOCK <= BLOCK_HEADER


def chunk_end(begin, data_size, n_records):
    return max(add_with_overhead(begin, CHUNK_HEADER + data_size),
               round_up_possible(begin + n_records))


def _varint(data):
    value = shift = used = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        used += 1
        if byte < 128:
            return value, used
    raise AssertionError("a varint without an end")


@dataclass(frozen=True)
class Chunk:
    begin: int
    end: int
    kind: str
    data_size: int
    n_records: int
    decoded_size: int

    def position(self, k):
        """Where byte @k of the chunk's data lies in the file."""
        position = add_with_overhead(self.begin, CHUNK_HEADER + k)
        return position + BLOCK_HEADER if position % BLOCK == 0 else position


class Container:
    def __init__(self, path):
        self.path = path
        self.content = path.read_bytes()
        self.chunks = []
        position = 0
        while position < len(self.content):
            chunk = self._chunk(position)
            self.chunks.append(chunk)
            position = chunk.end
        assert position == len(self.content)
        records = [c for c in self.chunks if c.kind in "rt" and c.n_records]
        # The last two are the footer and the postscript of an ArrayRecord file.
        self.user_chunks, self.footer, self.postscript = records, None, None
        if path.suffix != ".riegeli":
            self.user_chunks, self.footer, self.postscript = records[:-2], records[-2], records[-1]

    def bytes_at(self, begin, length):
        """@length bytes of a chunk from file position @begin, block headers left out."""
        out = bytearray()
        position = begin
        while len(out) < length:
            if position % BLOCK == 0:
                position += BLOCK_HEADER
            step = min(length - len(out), BLOCK - position % BLOCK)
            assert position + step <= len(self.content), "the file ends within a chunk"
            out += self.content[position:position + step]
            position += step
        return bytes(out)

    def _chunk(self, begin):
        header = self.bytes_at(begin, CHUNK_HEADER)
        data_size, number = (int.from_bytes(header[at:at + 8], "little") for at in (8, 24))
        n_records = number >> 8
        end = chunk_end(begin, data_size, n_records)
        return Chunk(begin, end, chr(number & 255), data_size, n_records,
                     int.from_bytes(header[32:40], "little"))

    def data(self, chunk):
        return self.bytes_at(chunk.begin, CHUNK_HEADER + chunk.data_size)[CHUNK_HEADER:]

    def sizes_end(self, chunk):
        """How many bytes at the start of a simple chunk's data go up to the end of its size list."""
        assert chunk.kind == "r"
        data = self.data(chunk)
        length, used = _varint(data[1:11])
        return 1 + used + length

    def size_list_bytes(self, chunk):
        """Bytes of the file from the chunk's start to the end of its size list."""
        return self.position_after(chunk, self.sizes_end(chunk)) - chunk.begin

    def position_after(self, chunk, k):
        """The file position after the first @k bytes of the chunk's data."""
        return chunk.position(k - 1) + 1

    def flip(self, position):
        """Inverts one bit of the file on disk, at @position."""
        with open(self.path, "r+b") as file:
            file.seek(position)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ 16]))


def _hashed(body):
    return struct.pack("<Q", highway_hash(body)) + body


class Builder:
    """A file in memory. Hashes always match, as a hostile writer would make them."""

    def __init__(self):
        self.content = bytearray()
        self.chunk("s", b"", 0, 0)

    def chunk(self, kind, data, n_records, decoded_size):
        """Appends a chunk and returns its position."""
        begin = len(self.content)
        assert is_boundary(begin)
        end = chunk_end(begin, len(data), n_records)
        header = _hashed(struct.pack("<QQQQ", len(data), highway_hash(data), ord(kind) | n_records << 8,
                                     decoded_size))
        self._flow(header + data, begin, end)
        return begin

    def pad(self):
        """Appends padding up to the next block."""
        missing = -len(self.content) % BLOCK
        if missing == 0:
            return
        if missing < CHUNK_HEADER:
            missing += USABLE
        self.chunk("p", bytes(missing - CHUNK_HEADER), 0, 0)
        assert len(self.content) % BLOCK == 0

    def _flow(self, stream, begin, end):
        """Writes @stream around block headers, then zeros up to @end."""
        done = 0
        while len(self.content) < end:
            here = len(self.content)
            if here % BLOCK == 0:
                self.content += _hashed(struct.pack("<QQ", here - begin, end - here))
            step = min(BLOCK - len(self.content) % BLOCK, end - len(self.content))
            piece = stream[done:done + step]
            self.content += piece + bytes(step - len(piece))
            done += step
        assert done >= len(stream)
