#!/usr/bin/env python3
"""Makes digits.array_record: the 1,797 handwritten digits of UCI as PNG images, one a record.

    python make_digits.py [OUT]        needs scikit-learn and array-record

The images have 8-bit grey and 64x64 pixels: the dataset's 8x8 squares with every pixel drawn as a square of
8x8, ink white. The title in each image names the digit, so that `grep -l 'digit 7'` finds all sevens. The
pixels are stored, not deflated: the bytes then do not depend on the version of a deflate library, and the
ArrayRecord file compresses them.
"""

import os
import struct
import sys
import zlib

SCALE = 8
OPTIONS = "group_size:64,zstd:19"
DEFAULT_OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits.array_record")


def _chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(rows, title):
    """A PNG of 8-bit grey from equally long @rows of bytes; at most 65,535 bytes of pixels and filter marks."""
    scanlines = b"".join(b"\0" + row for row in rows)
    stored = struct.pack("<BHH", 1, len(scanlines), len(scanlines) ^ 0xFFFF) + scanlines
    return b"".join((
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)),
        _chunk(b"tEXt", b"Title\0" + title.encode("latin-1")),
        _chunk(b"IDAT", b"\x78\x01" + stored + struct.pack(">I", zlib.adler32(scanlines))),
        _chunk(b"IEND", b""),
    ))


def digit_png(pixels, digit):
    """@pixels: 8 rows of 8 numbers in [0, 16], the amount of ink."""
    rows = [bytes(int(ink) * 255 // 16 for ink in row for _ in range(SCALE)) for row in pixels for _ in range(SCALE)]
    return png(rows, f"handwritten digit {int(digit)}")


def records():
    """The records, in the order of the dataset."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return [digit_png(pixels, digit) for pixels, digit in zip(digits.images, digits.target)]


def main():
    from array_record.python.array_record_module import ArrayRecordWriter

    out = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_OUT
    writer = ArrayRecordWriter(out, OPTIONS)
    for record in records():
        writer.write(record)
    writer.close()


if __name__ == "__main__":
    main()
