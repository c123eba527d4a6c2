#!/usr/bin/env python3
"""Writes ArrayRecord files for benchmarks with the reference implementation.

    make_shard.py OUT --records 1000000 --size 4096 --options group_size:64,zstd

Record i is a pure function of (content, seed, size, i), so the records can be had without the file:
`Records (...)[i]` gives the same bytes again. The file is written in one pass, a record at a time.
"""

import argparse
import functools
import hashlib
import itertools
import os
import random
import sys

POOL_SIZE = 16 << 20
PIECE = 1 << 20  # longer text records are made of such pieces
VOCABULARY = 8192
HEADER = b"record %012d\n"
GOLDEN = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio


@functools.lru_cache(maxsize=1)
def _text_pool(seed):
    """POOL_SIZE bytes of words with the frequencies of a natural language: zstd makes about a third of it."""
    rng = random.Random(seed)
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    letter_weights = list(itertools.accumulate(1 / (k + 2) for k in range(len(letters))))
    words = [
        "".join(rng.choices(letters, cum_weights=letter_weights, k=2 + int(rng.expovariate(0.25)) % 11))
        for _ in range(VOCABULARY)
    ]
    word_weights = list(itertools.accumulate(1 / (k + 3) for k in range(VOCABULARY)))
    parts, length, line = [], 0, 0
    while length < POOL_SIZE:
        for word in rng.choices(words, cum_weights=word_weights, k=65536):
            line += len(word) + 1
            if line > 72:
                parts.append(word + "\n")
                line = 0
            else:
                parts.append(word + " ")
            length += len(word) + 1
    return "".join(parts).encode()[:POOL_SIZE]


class Records:
    """The sequence of records that a generated file holds."""

    def __init__(self, count, size, content="text", seed=1):
        self.count, self.size, self.seed = count, size, seed
        self._make = {"text": self._text, "random": self._random}[content]
        self._pool = _text_pool(seed) if content == "text" else None

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        if not 0 <= i < self.count:
            raise IndexError(i)
        return self._make(i)

    def _text(self, i):
        if self.size <= PIECE:
            return self._piece(i, self.size)
        n_pieces = -(-self.size // PIECE)
        return b"".join(self._piece(i * n_pieces + k, min(PIECE, self.size - k * PIECE)) for k in range(n_pieces))

    def _piece(self, i, size):
        # Fibonacci hashing: a slice of up to 4 KiB overlaps none of the 1,500 slices before it. zstd does not look back
        # further by default, so the text compresses as text and not as repetition.
        head = (HEADER % i)[:size]
        start = (i * GOLDEN % 2**64) * (POOL_SIZE - size) >> 64
        return head + self._pool[start : start + size - len(head)]

    def _random(self, i):
        return hashlib.shake_128(b"%d/%d" % (self.seed, i)).digest(self.size)


def write_shard(path, records, options):
    """Writes @records to @path, which appears only when it is complete."""
    from array_record.python.array_record_module import ArrayRecordWriter

    partial = f"{path}.partial"
    try:
        writer = ArrayRecordWriter(partial, options)
        for record in records:
            writer.write(record)
        writer.close()
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=4096, help="bytes of each record (default %(default)s)")
    parser.add_argument("--options", default="group_size:64,zstd",
                        help="writer options of the reference (default %(default)s)")
    parser.add_argument("--content", choices=["text", "random"], default="text")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    write_shard(args.out, Records(args.records, args.size, args.content, args.seed), args.options)
    print(f"{args.out}: {args.records} records of {args.size} bytes, {os.path.getsize(args.out)} bytes",
          file=sys.stderr)


if __name__ == "__main__":
    main()
