#!/usr/bin/env python3
"""Writes first inputs for every target to FOLDER/NAME/*: from tests/golden, and made by hand.

tests/fuzz/corpus came from these by fuzzing and merging; a new target starts with a function here.
"""

import gzip
import io
import json
import pathlib
import re
import struct
import sys
import tarfile
import zlib

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
ESCAPE = b"\xf5\x5f"
MOST = 1 << 20
# Larger golden files are for other tests.
MAX_GOLDEN = 131072
MAX_VECTOR = 2000
REPAIR_ALL = b"\x0f"
REPAIR_NONE = b"\x00"


def number(n):
    """@n as fuzz_take_number () takes it."""
    if n < 1 << 6:
        return bytes([n])
    if n < 1 << 14:
        return struct.pack(">H", 0x4000 | n)
    if n < 1 << 30:
        return struct.pack(">I", 0x80000000 | n)
    return b"\xc0" + struct.pack(">Q", n)


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def packed(data):
    """@data as fuzz_file_unpack () takes it."""
    data = data.replace(ESCAPE, ESCAPE + b"\0\0")
    return re.sub(rb"\0{8,65535}", lambda run: ESCAPE + struct.pack("<H", len(run[0])), data)


def golden_files():
    """(name, bytes) of the golden files that are small enough for an input once packed."""
    for path in sorted(GOLDEN.iterdir()):
        if path.suffix in (".array_record", ".riegeli") and path.stat().st_size <= MAX_GOLDEN:
            data = path.read_bytes()
            if len(packed(data)) <= 12000:
                yield path.name, data


# ---- simple bodies ----------------------------------------------------------------------------


def chunk_bytes(data, begin, n):
    """@n bytes of the chunk at @begin, block headers left out."""
    out, at = b"", begin
    while len(out) < n and at < len(data):
        at += 24 if at % 65536 == 0 else 0
        piece = min(n - len(out), 65536 - at % 65536)
        out += data[at:at + piece]
        at += piece
    return out


def golden_bodies():
    """(name, records, decoded size, body) of the first chunk with records of each file."""
    for path in sorted(GOLDEN.iterdir()):
        if path.suffix not in (".array_record", ".riegeli"):
            continue
        data = path.read_bytes()
        at = 64
        while at + 40 < len(data):
            header = chunk_bytes(data, at, 40)
            size, _, kind, decoded = struct.unpack("<8xQQQQ", header)
            if kind & 0xff != ord("m"):
                break
            at += 40 + size  # metadata ends within the first block
        body = chunk_bytes(data, at, 40 + size)[40:]
        if kind & 0xff == ord("r") and size <= 6000 and decoded <= MOST:
            yield path.name, kind >> 8, decoded, body


# ---- transposed bodies ------------------------------------------------------------------------


def golden_vectors():
    """(name, records, decoded size, is metadata, body) of the small vectors, valid and invalid."""
    vectors = GOLDEN / "vectors"
    manifest = json.loads((vectors / "manifest.json").read_text())
    for entry in manifest["chunks"] + manifest["invalid"]:
        body = (vectors / entry["file"]).read_bytes()
        n = entry["decode_num_records"] if "decode_num_records" in entry else entry["num_records"]
        if len(body) <= MAX_VECTOR and entry["decoded_data_size"] <= MOST:
            yield entry["file"], n, entry["decoded_data_size"], entry.get("chunk_type") == "m", body


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def varint(self):
        out = shift = 0
        while True:
            byte = self.take(1)[0]
            out |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return out


def part(data):
    """@data as a length and bytes."""
    return number(len(data)) + data


def parts_of(body):
    """The parts of an uncompressed valid body as fuzz_transposed.c takes them."""
    front = Cursor(body[1:])
    plain = Cursor(front.take(front.varint()))
    n_buckets, n_buffers = plain.varint(), plain.varint()
    buckets = [front.take(plain.varint()) for _ in range(n_buckets)]
    return (number(n_buckets) + number(n_buffers) + b"".join(map(part, buckets)) + part(plain.data[plain.at:])
            + part(front.data[front.at:]))


def machine_of(body):
    """The machine of an uncompressed valid body as fuzz_machine_new () takes it."""
    front = Cursor(body[1:])
    plain = Cursor(front.take(front.varint()))
    n_buckets, n_buffers = plain.varint(), plain.varint()
    values = b"".join(front.take(plain.varint()) for _ in range(n_buckets))
    sizes = [plain.varint() for _ in range(n_buffers)]
    n = plain.varint()
    tags = [plain.varint() for _ in range(n)]
    bases = [plain.varint() for _ in range(n)]
    subtypes = [plain.take(1)[0] if tag >= 8 and tag & 7 == 0 else None for tag in tags]
    out = number(n - 1) + number(n_buffers)
    for tag, base, subtype in zip(tags, bases, subtypes):
        wire = tag & 7
        out += bytes([(tag if tag < 8 else 4 + wire) + (0x80 - 0x80 % 11 + 11 if base >= n else 0)])
        out += number(tag >> 3) if tag >= 8 else b""
        out += b"" if subtype is None else bytes([subtype])
        if tag == 1 or tag >= 8 and (wire in (1, 2, 5) or subtype is not None and subtype < 10):
            out += bytes([plain.varint()])
        out += number(base % n)
    out += number(plain.varint())
    values = Cursor(values)
    out += b"".join(part(values.take(size)) for size in sizes)
    return out + part(front.data[front.at:])


# ---- forged files -----------------------------------------------------------------------------


def records(codec, n, size, step, pattern=0):
    return b"\x01" + bytes([codec]) + number(n - 1) + number(size) + number(step) + bytes([pattern])


def mislisted(codec, n, size, told_size, told_n):
    return b"\x09" + records(codec, n, size, 0)[1:] + number(told_size) + number(told_n)


def chunk(kind, data, n, decoded):
    return b"\x02" + kind + number(len(data)) + data + number(n) + number(decoded)


def parts(codec, sizes, values, n, decoded):
    return (b"\x03" + bytes([codec]) + number(len(sizes)) + sizes + number(len(values)) + values
            + number(n) + number(decoded))


def entry(offset, size, n):
    return b"\x04" + number(offset) + number(size) + number(n)


def raw_entry(data):
    return b"\x05" + bytes([len(data)]) + data


def run(n, offset, offset_step, size, size_step, n_records):
    return b"\x06" + b"".join(map(number, (n, offset, offset_step, size, size_step, n_records)))


PAD = b"\x07"
END = b"\x00"


def footer(which, *values):
    return b"\x08" + bytes([which]) + b"".join(values)


FORGED = {
    "empty": b"",
    "one": records(0, 1, 5, 0),
    "codecs": b"".join(records(codec, 5, 10, 3) for codec in range(4)),
    "groups": records(2, 30, 0, 7) * 3 + records(2, 4, 0, 1),
    "blocks": records(0, 60, 2900, 1) * 2 + PAD + records(0, 3, 1, 0),
    "empties": records(0, 20, 0, 0) + records(2, 20, 0, 0),
    "parts": parts(2, b"\x01\x02\x03", b"abcdef", 3, 6),
    "lies": chunk(b"r", b"\x00\x01\x02ab", 1, 2) + entry(70, 1, 1),
    "unknown": chunk(b"t", b"abc", 1, 2) + chunk(b"x", b"", 1, 0),
    "run": run(200, 70, 65, 10, 0, 8),
    "uneven": run(70, 100, 100, 1, 1, 3) + run(70, 9000, 41, 9, 0, 5),
    "far": entry(1 << 40, 1, 1),
    "many": entry(100, 1, 1 << 60) + entry(200, 1, 1 << 60),
    "wraps": entry(100, 1, 1 << 63) + entry(200, 1, 1 << 63),
    "raw": raw_entry(b"\x18\x01\x10\x02\x08\x40") + raw_entry(b""),
    "options": footer(6, b"\x0d", b"group_size:1,"),
    "version": footer(0, number(2)),
    "count": records(0, 2, 3, 0) + footer(3, number(1)),
    "less": records(0, 2, 3, 0) + footer(3, number((1 << 64) - 1)),
    "footer": footer(4, number(65536)) + records(0, 2, 3, 0),
    "mislisted-size": mislisted(0, 1, 5, 6, 1) + records(0, 2, 3, 1),
    "mislisted-count": mislisted(2, 4, 5, 20, 5),
    "packed": footer(5, b"\x02") + records(0, 2, 3, 0),
}


# ---- targets ----------------------------------------------------------------------------------


def container():
    for name, data in golden_files():
        for repairs in (REPAIR_ALL, REPAIR_NONE):
            for begin in (0, 64, len(data) - 65536):
                if begin > 0 or begin == 0 and name.startswith("tiny"):
                    yield (f"{name}.{begin}.{repairs[0]}", repairs + number(begin) + number(0) + number(MOST)
                           + number(3) + number(100) + b"\x20" + number(9999) + bytes(6) + packed(data))


def simple():
    for name, n, decoded, body in golden_bodies():
        yield name, b"\x00" + number(n) + number(decoded) + number(MOST) + body
    for form in range(1, 5):
        sizes = b"\x01\x00\x83\x00"
        yield (f"parts{form}", bytes([form]) + number(3) + number(4) + number(MOST) + number(len(sizes))
               + sizes + b"abcd")
        yield f"empties{form}", bytes([form]) + number(500) + number(0) + number(MOST) + number(500) + bytes(500)
    yield "bomb", b"\x02" + number(1) + number(1 << 40) + number(MOST) + number(6) + varint(1 << 40) + bytes(99)


def transposed():
    limits = number(MOST) + number(100) + b"\x00"
    for name, n, decoded, is_metadata, body in golden_vectors():
        numbers = limits + number(n) + number(decoded)
        kind = 4 if is_metadata else 0
        yield name, bytes([kind, 0]) + numbers + body
        if name.endswith(".none.bin"):
            for codec in range(4):
                yield f"{name}.parts{codec}", bytes([kind | 1, codec]) + numbers + parts_of(body)
                yield f"{name}.machine{codec}", bytes([kind | 34, codec]) + numbers + machine_of(body)
            yield f"{name}.unsized", bytes([kind | 9, 2]) + numbers + parts_of(body)
            yield f"{name}.lie", bytes([kind | 17, 3]) + numbers + number(1 << 40) + parts_of(body)


def transposed_encoder():
    sets = json.loads((GOLDEN / "vectors" / "manifest.json").read_text())["record_sets"]
    for i, (name, entry) in enumerate(sets.items()):
        records = [bytes.fromhex(record) for record in entry["records_hex"][:20]]
        if sum(map(len, records)) <= 3000:
            front = bytes([i % 4]) + number([1, 64, 1 << 40][i % 3]) + bytes([[0, 63, 1][i % 3], 1 + i % 5])
            repeat = number((1 << 20) + i % 50)
            yield name, front + b"".join(map(part, records)) + repeat + b"".join(map(part, records[:3]))


def footers():
    yield "postscript", b"\x00\x08\x9c\x02\x10\xde\xc0\xeb\xfe\x84\xce\xc3\xc9\x71"
    yield "metadata", b"\x01\x0a\x0b\x08\x01\x10\x05\x18\x06\x22\x03a:1"
    yield "metadata-pieces", b"\x01\x0a\x04\x08\x01\x10\x05\x7a\x01z\x0a\x04\x10\x07\x18\x09"
    yield "entry", b"\x02\x08\x40\x10\x01\x18\x01"
    yield "entry-slow", b"\x02\x18\x01\x10\x02\x08\x03\x2a\x01z\x15\1\2\3\4"
    yield "entry-group", b"\x02\x08\x01\x2b\x2b\x08\x01\x2c\x2c\x18\x01"
    yield "entry-wide", b"\x02\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x02\x18\x03"
    for name, steps in FORGED.items():
        for how in (0x01, 0x03, 0x0a):
            yield f"file-{name}.{how:02x}", b"\x03" + bytes([how]) + steps + END


def options():
    texts = {
        0: ["max_parallelism:4,readahead_buffer_size:16MB", "index_storage_option:offloaded", "max_parallelism:auto",
            "readahead_buffer_size:1.5K,footer_prefetch_bytes:0", "max_parallelism:-1", "what:1", ",,", "a:b:c"],
        1: ["first,word:a,int:5", "first:true,wide:-9223372036854775808", "bytes:1e3K,any:any text,later:12",
            "word:a,first", "int:-131072,bytes:auto", "bytes:0x1p3", "bytes:18446744073709551615", "bytes:inf", "int:-131073"],
        2: ["0", "16MB", "0.5M", "1.5GiB", "18446744073709551615", "16777216T", ".5K", "1k", "5.", "1 K"],
        3: [number(100) + text for text in (b"7", b"5:9", b":100", b"-10:", b":", b"9:5", b"-1", b"-101:",
                                            b"9223372036854775807", b"-9223372036854775807:-1")],
        4: [number(n) + bytes([suffix]) + text for n, suffix, text in (
            (100, 0, b"07"), (100, 1, b"7.png"), (100, 4, b"99"), (1 << 62, 2, b"4611686018427387903.0"),
            (1000, 3, b"0127"), (1000, 0, b"1000"))],
        5: ["group_size:64,zstd:5,window_log:12", "default:x,transpose,transpose_bucket_size:0.5MB,brotli:9,window_log:auto",
            "snappy:2,saturation_delay_ms:7,pad_to_block_boundary:true", "uncompressed,max_parallelism:auto", "zstd,brotli",
            "window_log:9,snappy:9", "transpose_bucket_size:inf,transpose:false", "brotli:12", "zstd:-131072"],
    }
    for mode, rows in texts.items():
        for i, text in enumerate(rows):
            yield f"{mode}.{i}", bytes([mode]) + (text.encode() if isinstance(text, str) else text)


def shard():
    for name, data in golden_files():
        for repairs in (REPAIR_ALL, REPAIR_NONE):
            yield f"{name}.{repairs[0]}", repairs + bytes(range(8)) + packed(data)
    for name, steps in FORGED.items():
        yield f"forged-{name}", b"\x10" + bytes(range(8)) + steps + END
        for how in (0, 1, 5):
            yield f"forged-{name}.{how}", b"\xd0" + bytes([how]) + bytes(range(8)) + steps + END
    good, bad = records(0, 3, 9, 1), chunk(b"r", b"\x00\x01\xffab", 3, 6)
    yield "good-then-bad", b"\x10" + bytes([1, 4, 0, 2, 0, 0, 0, 0]) + good + bad + good + END
    yield "middle", b"\x10" + bytes([1, 6, 7, 11, 0, 0, 0, 0]) + records(2, 6, 9, 5) * 3 + END
    yield "spoiled-size", b"\x30" + number(64 + 40 + 2) + bytes(range(8)) + records(0, 3, 1, 1)


def scan():
    three = records(0, 3, 5, 1) * 3  # in one block
    for at in (64, 64 + 40 + 5 + 18, 64 + 2 * (40 + 5 + 18), 64 + 3 * (40 + 5 + 18)):
        for spoiled in (64 + 9, 64 + 40 + 5 + 18 + 9, 64 + 3 * (40 + 5 + 18) + 9, 65536 + 24 + 50):
            yield (f"misled-{at}.{spoiled}", b"\x30\x01" + number(64) + number(0) + number(spoiled)
                   + footer(4, number(at)) + three + END)
    for name, data in golden_files():
        if len(packed(data)) > 4000:
            continue  # each chunk costs
        for repairs in (REPAIR_ALL, REPAIR_NONE):
            for how in (0x01, 0x26):
                yield f"{name}.{repairs[0]}.{how:02x}", repairs + bytes([how]) + number(64) + number(0) + packed(data)
        yield f"{name}.cut", REPAIR_NONE + b"\x04" + number(0) + number(0) + packed(data[:len(data) * 3 // 4])
    for name, steps in FORGED.items():
        yield f"forged-{name}", b"\x10\x09" + number(0) + number(65536) + steps + END
        for spoiled in (3, 70, 110, 65540, 131080):
            yield (f"forged-{name}.{spoiled}", b"\x30\x05" + number(64) + number(65536) + number(spoiled)
                   + steps + END)


def tfrecord():
    def record(data, damage=None):
        return (b"\0" if damage is None else b"\1") + part(data) + (b"" if damage is None else number(damage) + b"\0")

    yield "sound", record(b"one") + record(b"") + record(bytes(3000))
    for name, at in (("length", 1), ("length-crc", 9), ("data", 13), ("data-crc", 16)):
        yield name, record(b"one") + record(b"two", at) + record(b"three")
    for name, length in (("above", (1 << 16) + 1), ("most", 1 << 16), ("top", 1 << 63), ("all", (1 << 64) - 1)):
        yield f"lie-{name}", record(b"one") + b"\xff" + number(length) + record(b"two")
    yield "header-cut", record(b"one") + b"\xfe" + bytes(5)
    file = struct.pack("<Q", 0) + b"\x29\x03\x98\x07" + b"\xd8\xea\x82\xa2"  # an empty record
    yield "plain", b"\xfe" + file * 3
    yield "gzip", b"\xfe" + gzip.compress(file * 3, mtime=0)
    yield "gzip-twice", b"\xfe" + gzip.compress(file, mtime=0) * 2
    yield "gzip-bomb", b"\xfe" + gzip.compress(file * 20000, mtime=0)
    yield "zlib", b"\xfe" + zlib.compress(file * 3)


def names():
    def packed_names(codec, *items):
        return bytes([len(items), codec]) + b"".join(item + b"\0" for item in items)

    for codec in range(4):
        yield f"codec-{codec}", packed_names(codec, b"a", b"", b"b/c", b"x" * 100)
    for name, items in {"duplicates": [b"a", b"a", b"a.1", b"b/a", b"b/a"], "folders": [b"a", b"a/b", b"a/b/c", b"a b"],
                        "numbers": [b"/", b"0", b"0_", b"3", b"0/1"], "unsafe": [b"..", b"/x", b"a//b", b"./..", b"x/"],
                        "dots": [b"./a", b"a", b"b/./c", b"."], "long": [b"a" * 255, b"a" * 255, b"a" * 256]}.items():
        yield name, packed_names(0, *items)
    body = b"\x04"
    yield "empty", b"\x02" + body
    yield "count", b"\x02" + body + b"\0a\0"
    yield "no-end", b"\x02" + body + b"\0a\0b"
    yield "unknown", b"\x02" + body + b"?\2ab"
    yield "huge", b"\x02" + body + b"z" + varint((1 << 64) - 1)
    yield "lie-zstd", b"\x03" + body + b"z\6\x28\xb5\x2f\xfd\x20\x03\x19\0\0\0\0\0"
    yield "lie-snappy", b"\x03" + body + b"s\2\3\x08\0\0\0"
    yield "lie-brotli", b"\x03" + body + b"b\6\x0b\x01\x80\0\0\0\x03"


def example_json():
    texts = [
        b'{}', b' { "a" : 1 , "b" : [ 1 , 2.5e3 , -0.1 ] } ', b'{"s":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00"}',
        b'{"n":null,"t":true,"f":[true,false],"e":[]}', b'{"o":{"x":[1,{"y":null}]},"l":[[1],["a"]],"m":[{},{"a":1}]}',
        b'{"i":[0,-1,9223372036854775807,-9223372036854775808]}', b'{"i":9223372036854775808}', b'{"f":[1,3.5e38]}',
        b'{"a":1,"\\u0061":2}', b'{"s":"\\ud800"}', b'{"l":[1,"a"]}', b'{"l":[null]}', b'[1,"a",{}]', b'"x"', b'null', b'01',
        b'{"a":NaN}', b'[1,]', b'{"a":1}}', b'{"a\t":1}', b'{"\xc3\xa9\xf0\x9f\x98\x80":"\xe2\x82\xac"}', b'{"a":"\xed\xa0\x80"}',
        b'{"a":"' + b"x" * 200 + b'"}', b"[" * 1025 + b"]" * 1025, b'{"a":' * 1024 + b"1" + b"}" * 1024]
    for i, text in enumerate(texts):
        yield f"{i}", number(1 << 20) + b"\0" + text
        yield f"{i}.small", number(len(text)) + b"\x07" + b'{"a":1}' + text


def url():
    marks = b"-?????" b"-of-"
    texts = (b"https://h.example:8443/dir/x.array_record", b"http://[2001:db8::1]:80/x", b"https://127.0.0.1/a%2Fb%00",
             b"https://h/a b/%zz\xc3\xb6", b"https://user:secret@h/x", b"https://user:se/cret@h/x", b"https://h/x#f",
             b"https://h/dir/", b"https://h/t-*[a].x", b"https://h/t@8", b"https://h/t" + marks + b"00008.x", b"https://h?q",
             b"https://h/x\r\ny: z", b"s3://bucket/dir/x.array_record", b"s3://bucket/dir/*.x", b"gs://b", b"gs://b/d/",
             b"s3://b/t@1024", b"s3://b/t" + marks + b"00008.x", b"s3://b/dir*/x@8", b"s3://b/a\\*b*", b"s3://b/x?versionId=1",
             b"s3://id:secret@b/k", b"s3://b:9000/k", b"s3a://b/k", b"az://c/b", b"hdfs://n/x", b"file:///x", b"x://", b"/path",
             b"s3://b/" + b"k" * 1025, b"https://" + b"h" * 254 + b"/x", b"s3://b/..", b"https://h/x@100000", b"")
    for i, text in enumerate(texts):
        for use in range(3):
            yield f"{i}-{use}", bytes([use]) + number(len(text)) + text + b"X-Signature=a/b@8"


def list_page():
    one = b"<Contents><Key>a%20+b</Key><Size>7</Size><ETag>&quot;e&quot;</ETag></Contents>"
    xml = (b"", one, b"<EncodingType>url</EncodingType>" + one, one * 3, b"<Contents><Key/><Size>1</Size></Contents>",
           b"<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>" + one,
           b"<Contents><Key><![CDATA[<]]></Key><Size>18446744073709551615</Size></Contents>", b"<a><b><c><d><e>&#65;")
    for i, text in enumerate(xml):
        yield f"s3-{i}", b"\0<?xml version='1.0'?><ListBucketResult>" + text + b"</ListBucketResult>"
    json = (b"{}", b'{"items":[{"name":"a\\u00e4","size":"7","etag":"CAE=","generation":"1"}],"nextPageToken":"t"}',
            b'{"items":[{"name":"","size":"x"}]}', b'{"items":{}}', b"[]", b'{"nextPageToken":""}')
    for i, text in enumerate(json):
        yield f"gcs-{i}", b"\1" + text
    for i, text in enumerate((b"<Error><Code>NoSuchKey</Code><Message>m</Message><Region>r</Region></Error>",
                              b"<Error><Code>x\x1b[", b"<html>")):
        yield f"fault-{i}", b"\2" + text


def credential_answer():
    keys = b'"AccessKeyId":"a","SecretAccessKey":"s/+","Token":"t=="'
    json = (b"{}", b'{"Code":"Success",' + keys + b',"Expiration":"2026-11-29T19:30:00Z"}', b"{" + keys + b"}",
            b"{" + keys + b',"Expiration":"x"}', b'{"Code":"Failed","Message":"m\\u0007"}', b'{"Token":["a"]}', b"[[[[[[[[[[")
    for i, text in enumerate(json):
        yield f"keys-{i}", b"\0" + text
    head, tail = b"<AssumeRoleResponse xmlns='x'><AssumeRoleResult><Credentials>", b"</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    xml = (b"", b"<AccessKeyId>a</AccessKeyId><SecretAccessKey>s&amp;</SecretAccessKey><SessionToken> t </SessionToken>"
           b"<Expiration>2026-11-29T19:30:00Z</Expiration>", b"<AccessKeyId><![CDATA[a]]></AccessKeyId>", b"<a><a><a><a><a><a>", b"&e;")
    for i, text in enumerate(xml):
        yield f"sts-{i}", b"\1" + head + text + tail
    for i, text in enumerate((b'{"access_token":"ya29.x","expires_in":3599}', b'{"access_token":"a b","expires_in":"1"}',
                              b'{"access_token":"a","expires_in":-99999999999999999999}', b'{"access_token":"","expires_in":1}')):
        yield f"token-{i}", b"\2" + text
    for i, text in enumerate((b'{"error":"invalid_grant","error_description":"d"}', b'{"code":"c","message":"SECRET\\/xyz"}',
                              b'{"error":"SECRET%2Fxyz"}', b"<Error><Code>c</Code><Message>SECRET/xyz</Message></Error>",
                              b"<ErrorResponse><Error><Code>c</Code></Error></ErrorResponse>", b"<html>")):
        yield f"fault-{i}", b"\3" + text


def aws_profiles():
    texts = (b"[default]\naws_access_key_id = AKIA\naws_secret_access_key = s/+\n", b"[a]\r\nregion=r\r\n",
             b"[profile a]\nrole_arn = arn:x\nsource_profile = b # c\n[profile b]\ncredential_process = sh -c ' ; '\n",
             b"[profile default]\nk=1\n[default]\nk=2\n", b"[profile \"a b\"]\nk = v\n  w\n\n\tx\n", b"[default]\ns3 =\n  k = v\nk:w\n",
             b"\xef\xbb\xbf# c\n;d\n[a]\nk =\n", b"[sso-session a]\nk = v\n", b"[a\nk", b"k = v", b"[a]\n= v", b"[a]\0", b"")
    for i, text in enumerate(texts):
        for file in range(2):
            for profile in (b"a", b"a b"):
                yield f"{i}-{file}-{len(profile)}", bytes([file]) + number(len(profile)) + profile + text


def tar_input():
    def member(name, data):
        return b"\0" + part(name) + part(data)

    def any_header(kind, size, data=b"", at=0, over=b""):
        return b"\1" + kind + number(size) + number(at) + bytes([len(over)]) + over + part(data)

    def archive(format, *names):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=format) as tar:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = len(name)
                tar.addfile(info, io.BytesIO(name.encode()))
        return file.getvalue()[:-8192]

    def pax(*fields):
        text = b""
        for field in fields:
            length = len(field) + 4
            text += b"%d %s\n" % (length, field)
            assert 10 <= length < 100
        return any_header(b"x", len(text), text)

    yield "sound", member(b"a.x", b"one") + member(b"a.y", b"") + member(b"d/" + b"n" * 150, bytes(600))
    for kind in b"0123456DKLMNSVXgx\0":
        yield f"type-{kind:02x}", member(b"a", b"1") + any_header(bytes([kind]), 10, b"name\0") + member(b"b", b"2")
    for name, size in (("above", (1 << 16) + 1), ("most", 1 << 16), ("62", 1 << 62), ("63", 1 << 63), ("all", (1 << 64) - 1)):
        yield f"size-{name}", member(b"a", b"1") + any_header(b"0", size, b"few")
    yield "long-name", any_header(b"L", 1 << 20, b"n" * 1000)
    yield "headers", any_header(b"L", 2, b"n") * 40
    yield "holes", (pax(b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.realsize=100")
                    + any_header(b"0", 515, b"1\n5\n3\n".ljust(512, b"\0") + b"abc") + b"\xff" + bytes(1024))
    yield "holes-of-old", any_header(b"S", 3, b"abc", 386, b"00000000005\00000000003\0") + b"\xff" + bytes(1024)
    yield "checksum", member(b"a", b"1") + b"\xff" + b"x" * 512
    for name, format in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        data = archive(format, "a.x", "a.y", "d/b." + "n" * 90, "a.z")
        yield name, b"\xff" + data
        yield f"{name}-gzip", b"\xff" + gzip.compress(data, mtime=0)
    yield "gzip-bomb", b"\xff" + gzip.compress(archive(tarfile.PAX_FORMAT, "a") + bytes(1 << 20), mtime=0)
    yield "no-archive", b"\xfftext" * 200


def mount():
    record = b"\x02"  # and a number
    requests = (
        b"\x00\x00\xf0" + b"\x00\x00\xf1" + b"\x00\x00\xf2" + b"\x00\x00\xf3"       # ., .., .arecfs, the file
        + b"\x00\x00\x011" + b"\x00\x00\x0200" + b"\x00\x03\x010"                   # names
        + b"\x01\x00\x00" + number(0) + number(4000) + b"\x00\x00"                      # list
        + b"\x01\x00\x00" + number(2) + number(500) + b"\x00\x00"
        + b"\x01\x00\x01" + number(2) + number(900) + b"\x01\x00"
        + b"\x01\x01\x01" + number(0) + number(60000) + b"\x02\x00"
        + b"\x01\x04\x00\x00" + number(0) + number(4000) + b"\x00\x00"
        + b"\x02" + record + number(0) + b"\x02\x01" + b"\x02\x05" + number(1 << 50)
        + b"\x03" + record + number(0) + number(0) + number(4096)
        + b"\x03" + record + number(1) + number(2) + number(3)
        + b"\x03" + record + number(2) + number(1 << 40) + number(1 << 20)
        + b"".join(b"\x04" + record + number(0) + bytes([2 | i << 2]) for i in range(8))
        + b"".join(b"\x04\x00" + bytes([2 | i << 2]) for i in range(8))
        + b"\x04\x01\xc1\x03abc" + b"\x04\x01\x03"
        + b"".join(b"\x05\x00" + bytes([i]) for i in range(8)))
    for name, steps in FORGED.items():
        for layout, how in ((0x00, 0), (0x11, 1), (0x02, 2), (0x23, 9), (0x8b, 3)):
            yield f"{name}.{layout:02x}", bytes([layout]) + number(100 | how << 21) + END.join([steps, requests])


TARGETS = {"container": container, "simple": simple, "transposed": transposed,
           "transposed_encoder": transposed_encoder, "footer": footers, "options": options, "shard": shard,
           "scan": scan, "tar_input": tar_input, "tfrecord": tfrecord, "names": names, "example_json": example_json,
           "url": url, "list_page": list_page, "aws_profiles": aws_profiles,
           "credential_answer": credential_answer, "mount": mount}


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    for target, seeds in TARGETS.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in seeds():
            (folder / name).write_bytes(data)


main()
