"""Writer option strings: libarec takes and refuses what the reference does, tells the reference's message, and keeps the
string that the reference would keep.

A seeded sample of random strings; AREC_TEST_SEED repeats a run.
"""

import os
import random
import re
import subprocess
from pathlib import Path

import pytest

module = pytest.importorskip("array_record.python.array_record_module")

# Built beside arec; see writer_options.c.
PROGRAM = Path(os.environ.get("AREC_BIN", "arec")).resolve().parent / "interop.writer_options"
SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
N_RANDOM = 3000

CODECS = ["uncompressed", "brotli", "zstd", "snappy"]
INTS = ["group_size", "max_parallelism", "saturation_delay_ms"]
FLAGS = ["transpose", "pad_to_block_boundary"]
BUCKET = "transpose_bucket_size"
KEYS = [*CODECS, *INTS, *FLAGS, BUCKET, "window_log", "default"]
SMALL = [str(n) for n in (-131073, -131072, -5, -1, 0, 1, 2, 3, 5, 6, 9, 10, 11, 12, 20, 22, 23, 30, 31, 32)]
NUMBERS = """+5 +-5 007 .5 5. . 0.5 0.4 -0.4 1e 1e3 1E3 1e-3 1e400 1e-400 0x 0x10 0x1p4 0x.8 0x1e inf -inf nan 1_0
    2147483647 2147483648 4294967296 9223372036854775808 18446744073709549568 18446744073709551616
    99999999999999999999 0.49999999999999994""".split()
WORDS = ["auto", "Auto", " auto", "auto ", "", "true", "false", "True", "(empty)", "a:b", ":", "xyz", "\u00e9"]
# Two letters would be a form of the guide, which only libarec takes.
SUFFIXES = ["", "", "", *"BkKMGTPE", "m", "b", "BB", " M", "x"]
SPACES = ["", "", "", "", " ", "\t", "\v", "\f", "\u00a0"]
UNKNOWN = ["foo", "Default", "level:3", " zstd:1", "zstd =1", "group_size=1", ":", ":3", "brotli_encoder:auto",
           "readahead_buffer_size:0"]
EDGES = ["", ",", ",,default,,", "default:xyz", "zstd,default", "default,default", "zstd,zstd", "zstd:1,zstd:x",
         "brotli,zstd", "zstd:99,snappy:99", "snappy,zstd,brotli", "window_log:0,snappy:9,uncompressed:9",
         "window_log:15,snappy", "snappy,window_log:15", "uncompressed,window_log:auto", "window_log,uncompressed",
         "window_log:0,snappy:0", "snappy:9,window_log:15", "zstd:99,group_size:0", "brotli,zstd,foo",
         "window_log:9,zstd:99", "zstd:99,window_log:9", "window_log:31,brotli", "window_log:31,zstd", "window_log",
         "window_log:auto", "brotli,window_log:auto", "uncompressed:0", "uncompressed:", "transpose:false",
         "transpose,transpose_bucket_size:inf", "transpose:,transpose_bucket_size:auto", "pad_to_block_boundary",
         "pad_to_block_boundary:", "pad_to_block_boundary:1", "transpose_bucket_size", "transpose_bucket_size:0.4",
         "zstd:-131072", "zstd:0", "brotli:0", "snappy:2", "max_parallelism:0", "saturation_delay_ms:auto"]


def random_number(rng):
    kind = rng.random()
    if kind < 0.5:
        return rng.choice(SMALL)
    if kind < 0.8:
        return rng.choice(NUMBERS)
    return str(rng.randrange(1 << 31)) if kind < 0.9 else repr(rng.random() * 2 ** rng.randrange(70))


def random_value(rng):
    if rng.random() < 0.2:
        return rng.choice(WORDS)
    return rng.choice(SPACES) + random_number(rng) + rng.choice(SUFFIXES) + rng.choice(SPACES)


def likely_value(rng, key):
    """One that is often right, so that what follows it is looked at."""
    if key in FLAGS:
        return rng.choice(["", ":", ":true", ":false"])
    if key == BUCKET:
        return ":" + rng.choice(["auto", "1", "0.5M", "1e3k", "7", "300B", "2G", "inf"])
    if key == "window_log":
        return ":" + rng.choice(["auto", "10", "20", "25", "30", "31"])
    if key in INTS:
        return ":" + rng.choice(["1", "7", "64", "+3", " 5 "])
    return rng.choice(["", "", ":", ":1", ":2", ":5"]) if key != "uncompressed" else ""


def random_option(rng):
    kind = rng.random()
    if kind < 0.03:
        return rng.choice(UNKNOWN)
    key = rng.choice(CODECS + ["window_log"] if kind < 0.4 else KEYS)
    if kind > 0.35 or key == "default":
        return key + likely_value(rng, key)
    return key + ":" + random_value(rng)


def random_string(rng):
    options = [random_option(rng) for _ in range(rng.choice([1, 1, 2, 2, 3, 4]))]
    if rng.random() < 0.1:
        options.insert(0, "default")
    if rng.random() < 0.2:
        options.insert(rng.randrange(len(options) + 1), "")
    return ",".join(options)


def reference_answer(text, path):
    """`ok STRING` or `no MESSAGE`, as writer_options.c answers."""
    try:
        module.ArrayRecordWriter(str(path), text).close()
    except ValueError as error:
        return f"no {error}"
    reader = module.ArrayRecordReader(str(path))
    try:
        return f"ok {reader.writer_options_string()}"
    finally:
        reader.close()


def our_answers(texts):
    """The answer to each of TEXTS."""
    done = subprocess.run([PROGRAM], input=b"".join(text.encode() + b"\0" for text in texts), capture_output=True,
                          timeout=60, check=True)
    answers = done.stdout.decode().split("\0")
    assert answers.pop() == "" and len(answers) == len(texts)
    return answers


def differences(texts, path):
    return [f"{text!r}:\n  arec:      {ours}\n  reference: {theirs}" for text, ours in zip(texts, our_answers(texts))
            if (theirs := reference_answer(text, path)) != ours]


def test_edges_as_the_reference(tmp_path):
    assert differences(EDGES, tmp_path / "x.array_record") == []


def test_random_strings_as_the_reference(tmp_path):
    print(f"AREC_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    texts = [random_string(rng) for _ in range(N_RANDOM)]
    found = differences(texts, tmp_path / "x.array_record")
    assert found == [], f"AREC_TEST_SEED={SEED}\n" + "\n".join(found[:10])
    n_taken = sum(answer.startswith("ok ") for answer in our_answers(texts))
    assert N_RANDOM / 5 <= n_taken <= N_RANDOM * 4 / 5, "the sample tests one side only"


@pytest.mark.parametrize("value, size", [("16MB", 16 << 20), ("512KB", 512 << 10), ("0.5GB", 512 << 20),
                                         ("64MiB", 64 << 20)])
def test_forms_of_the_guide(value, size, tmp_path):
    """The reference's guide prints these, and its parser rejects them."""
    text = f"transpose,transpose_bucket_size:{value}"
    assert re.search("invalid value: [0-9.]+[KMGT]i?B,", reference_answer(text, tmp_path / "x.array_record"))
    assert f",transpose_bucket_size:{size}," in our_answers([text])[0]


@pytest.mark.parametrize("value", ["16mB", "16MBB", "16PB", "MB"])
def test_what_no_form_of_the_guide_is(value, tmp_path):
    assert differences([f"transpose_bucket_size:{value}"], tmp_path / "x.array_record") == []
