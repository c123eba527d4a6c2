"""tf.train.Example messages, decoded field by field: independent of what the program has, and of TensorFlow."""

import struct

VARINT, BYTES, FIXED32 = 0, 2, 5
KINDS = {1: "bytes", 2: "float", 3: "int64"}


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        at += 1
        shift += 7
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """(number, wire type, value) of each field of a message."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = varint(data, at)
        elif kind == FIXED32:
            value, at = data[at:at + 4], at + 4
        else:
            assert kind == BYTES, kind
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size
        yield tag >> 3, kind, value


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def values_of(kind, message):
    """The values of a list, packed or not."""
    for number, wire, value in fields(message):
        assert number == 1
        if kind == "bytes":
            assert wire == BYTES
            yield value
        elif kind == "float":
            assert wire in (BYTES, FIXED32) and len(value) % 4 == 0
            yield from struct.unpack(f"<{len(value) // 4}f", value)
        elif wire == VARINT:
            yield signed(value)
        else:
            at = 0
            while at < len(value):
                one, at = varint(value, at)
                yield signed(one)


def decode(record):
    """The features in the order of the message: {key: (kind, values)}; (None, []) where there is no list."""
    example = {}
    for number, wire, features in fields(record):
        assert (number, wire) == (1, BYTES)
        for number, wire, entry in fields(features):
            assert (number, wire) == (1, BYTES)
            parts = {number: value for number, _, value in fields(entry)}
            assert set(parts) == {1, 2}
            lists = [(KINDS[number], list(values_of(KINDS[number], value))) for number, _, value in fields(parts[2])]
            assert len(lists) <= 1
            key = parts[1].decode()
            assert key not in example
            example[key] = lists[0] if lists else (None, [])
    return example
