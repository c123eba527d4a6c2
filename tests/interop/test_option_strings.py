"""Reader option strings: `arec info --reader-options` accepts and rejects the same as the reference, with
the reference's messages.

A seeded sample of random strings; AREC_TEST_SEED repeats a run. The parser itself takes thousands of
strings in its unit tests: here each costs a process.
"""

import os
import random
import re
import subprocess
from pathlib import Path

import pytest

ArrayRecordReader = pytest.importorskip(
    "array_record.python.array_record_module").ArrayRecordReader

AREC = os.environ.get("AREC_BIN", "arec")
FILE = Path(__file__).parents[1] / "golden" / "tiny.groupsize7-zstd1.array_record"
SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
N_RANDOM = 240

# The reference's Python package rejects an offloaded index unless its prefetch is switched off.
# arec does not: the option has no effect here.
OFFLOADED_RULE = (
    "footer_prefetch_bytes > 0 is only supported with index_storage_option:in_memory."
)

KEYS = ["max_parallelism", "readahead_buffer_size", "footer_prefetch_bytes"]
NUMBERS = """0 1 7 -1 -0 +5 +-5 007 .5 5. . 0.5 0.4 -0.4 1e 1e3 1E3 1e-3 1e400 1e-400 0x 0x10 0x1p4
    0x.8 0x1e inf INF -inf infinity nan 1_0 2147483647 2147483648 4294967296 1073741823 1073741824
    1073741825 1073741824.4 1073741824.5 9223372036854775808 18446744073709551616 99999999999999999999
    0.49999999999999994""".split()
WORDS = ["auto", "Auto", " auto", "auto ", "", "true", "in_memory", "(empty)", "a:b", ":", "\u00e9"]
SUFFIXES = ["", "", "", *"BkKMGTPE", "m", "b", "BB", " M", "x"]
SPACES = ["", "", "", "", " ", "\t", "\v", "\f", "\u00a0"]
UNKNOWN = ["foo", "default", "Max_parallelism", " max_parallelism:1", "max_parallelism =1",
           "readahead_buffer_size=0", ":", ":3", "zstd:3"]
# Values at the ends of the ranges, which a small sample may miss.
EDGES = ["", ",", "max_parallelism:0", "max_parallelism:-1", "max_parallelism:2147483647",
         "max_parallelism:2147483648", "readahead_buffer_size:1G", "readahead_buffer_size:1073741825",
         "readahead_buffer_size:1073741824.4", "readahead_buffer_size:1073741824.5",
         "readahead_buffer_size:-0", "footer_prefetch_bytes:1G", "footer_prefetch_bytes:1.0001G",
         "index_storage_option", "max_parallelism", "readahead_buffer_size", "footer_prefetch_bytes",
         "max_parallelism:1,max_parallelism:1", "max_parallelism:x,foo", "foo,max_parallelism:x"]


def random_value(rng):
    if rng.random() < 0.15:
        return rng.choice(WORDS)
    number = rng.choice(NUMBERS) if rng.random() < 0.6 else repr(rng.random() * 2 ** rng.randrange(34))
    if rng.random() < 0.3:
        number = str(rng.randrange(1 << 31))
    return rng.choice(SPACES) + number + rng.choice(SUFFIXES) + rng.choice(SPACES)


def random_option(rng):
    kind = rng.random()
    if kind < 0.07:
        return rng.choice(UNKNOWN)
    if kind < 0.2:
        return "index_storage_option" + rng.choice(["", ":", ":in_memory", ":offloaded", ":memory"])
    if kind < 0.25:
        return rng.choice(KEYS)
    return rng.choice(KEYS) + ":" + random_value(rng)


def random_string(rng):
    options = [random_option(rng) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))]
    if rng.random() < 0.2:
        options.insert(rng.randrange(len(options) + 1), "")
    return ",".join(options)


def reference_message(text):
    """The reference's message about TEXT; None if it accepts TEXT."""
    try:
        ArrayRecordReader(str(FILE), text).close()
    except ValueError as error:
        return str(error)
    return None


def run_info(text):
    return subprocess.run(
        [AREC, "info", "--reader-options", text, str(FILE)], capture_output=True, timeout=60
    )


def shown(message):
    """How arec prints a message: control characters as \\xNN, so that a line stays a line."""
    return "".join(c if ord(c) >= 0x20 and ord(c) != 0x7f else f"\\x{ord(c):02X}" for c in message)


def complaint(text, expected):
    """What is wrong with arec's answer to TEXT, or None. EXPECTED is the message, None for success."""
    result = run_info(text)
    stderr = result.stderr.decode()
    if expected is None:
        if result.returncode == 0 and stderr == "":
            return None
    else:
        if (result.returncode == 2 and result.stdout == b"" and stderr.startswith("arec: ")
                and (shown(expected) + "; try ") in stderr):
            return None
    return f"{text!r}: exit {result.returncode}, stderr {stderr!r}, expected {expected!r}"


@pytest.mark.parametrize("text", EDGES)
def test_edges_as_the_reference(text):
    assert complaint(text, reference_message(text)) is None


def test_random_strings_as_the_reference():
    print(f"AREC_TEST_SEED={SEED}")
    rng = random.Random(SEED)
    complaints = []
    n_taken = 0
    for _ in range(N_RANDOM):
        text = random_string(rng)
        expected = reference_message(text)
        if expected == OFFLOADED_RULE:
            expected = None
        n_taken += expected is None
        complaints.append(complaint(text, expected))
    assert [c for c in complaints if c] == [], f"AREC_TEST_SEED={SEED}"
    assert 10 <= n_taken <= N_RANDOM - 10, "the sample tests one side only"


@pytest.mark.parametrize("text", [
    "readahead_buffer_size:16MB",
    "readahead_buffer_size:512KB",
    "readahead_buffer_size:0.5GB,max_parallelism:auto",
    "readahead_buffer_size:64MiB,footer_prefetch_bytes:1MB",
])
def test_forms_of_the_guide(text):
    """The reference's guide prints these, and its parser rejects them."""
    message = reference_message(text)
    assert message and re.search("invalid value: [0-9.]+[KMGT]i?B,", message)
    assert complaint(text, None) is None


@pytest.mark.parametrize("value", ["2GB", "16mB", "16MBB", "16PB", "MB"])
def test_forms_that_the_guide_does_not_have(value):
    text = f"readahead_buffer_size:{value}"
    assert complaint(text, reference_message(text)) is None


def test_offloaded_as_the_guide_prints_it():
    assert reference_message("index_storage_option:offloaded") == OFFLOADED_RULE
    assert complaint("index_storage_option:offloaded", None) is None
