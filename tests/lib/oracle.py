"""Files written on the fly by the reference implementation, and the records to write."""

import random
import struct
import zlib

from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter


def write(path, records, options="group_size:1"):
    """Writes @records (bytes) to the ArrayRecord file @path and returns it."""
    writer = ArrayRecordWriter(str(path), options)
    for record in records:
        writer.write(record)
    writer.close()
    return path


def describe(path):
    """(number of records, the writer's option string) as the reference reads them."""
    reader = ArrayRecordReader(str(path), "readahead_buffer_size:0,max_parallelism:0")
    try:
        return reader.num_records(), reader.writer_options_string()
    finally:
        reader.close()


def text_records(n, seed=1, minimum=1, maximum=1500):
    """@n records of printable lines; no two are equal, none is empty."""
    rng = random.Random(seed)
    words = ["array", "record", "chunk", "group", "shard", "footer", "block", "hash", "index"]
    records = []
    for i in range(n):
        head = f"record {i}\n"
        size = max(rng.randint(minimum, maximum), len(head))
        parts, length = [head], len(head)
        while length < size:
            parts.append(rng.choice(words) + rng.choice(" \n"))
            length += len(parts[-1])
        records.append("".join(parts)[:size].encode())
    return records


def random_bytes(n, seed):
    return random.Random(seed).randbytes(n)


def png(shade):
    """A valid grey image of 4 by 4 pixels."""
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([shade]) * 4 for _ in range(4))
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)) +
            part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))


def jpeg():
    """The first bytes of a JFIF image, which hold its magic bytes."""
    return bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(64) + b"\xff\xd9"
