"""The examples of engine/FORMAT.md are true.

Fenced blocks of the document say by their first word how they are checked:

    records NAME [OPTIONS]   records, a line of Python each; the reference writes the file NAME with OPTIONS
    hex file NAME            lines `OFFSET: BYTES | comment` of that file; `...` where bytes are left out
    hex chunk NAME KIND      the whole data of its first chunk with records
    hex body NAME KIND       data that both sides decode to the records NAME, wrapped into a file
    hex refused NAME KIND    data that both sides refuse
    values                   comparisons of hash, add, round_up, chunk_end, padding
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("array_record.python.array_record_module")
import bodies
import container
import differential
import footers
import native
import oracle

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "engine/FORMAT.md").read_text()
READER = differential.reader_program(os.environ.get("AREC_BIN", "arec"))
KINDS = ("records", "hex", "values")


@dataclass(frozen=True)
class Block:
    line: int      # in the document
    words: tuple   # after the fence
    lines: tuple

    def __str__(self):
        return f"{self.line}-{'-'.join(self.words[:3])}"


def fenced_blocks():
    found, inside = [], None
    for number, line in enumerate(TEXT.splitlines(), 1):
        if not line.startswith("```"):
            if inside is not None:
                inside[2].append(line)
        elif inside is None:
            inside = (number, tuple(line[3:].split()), [])
        else:
            found.append(Block(inside[0], inside[1], tuple(inside[2])))
            inside = None
    assert inside is None, "a fence is not closed"
    return found


def pieces(block):
    """(offset, bytes) of the pieces of a dump; consecutive lines are joined."""
    found, gap = [], True
    for line in block.lines:
        if line == "...":
            gap = True
            continue
        match = re.fullmatch(r"([0-9a-f]+):((?: +[0-9a-f]{2})+) *(\|.*)?", line)
        assert match, f"line {line!r} of {block}"
        offset, data = int(match[1], 16), bytes.fromhex(match[2])
        if gap:
            found.append((offset, data))
        else:
            before, bytes_before = found[-1]
            assert offset == before + len(bytes_before), f"offset of {line!r} of {block}"
            found[-1] = (before, bytes_before + data)
        gap = False
    return found


def whole(block):
    (offset, data), = pieces(block)
    assert offset == 0
    return data


def evaluate(expression):
    names = {"hash": native.highway_hash, "add": container.add_with_overhead, "chunk_end": container.chunk_end,
             "round_up": container.round_up_possible, "padding": padding, "bytes": bytes}
    return eval(expression, {"__builtins__": {}}, names)  # safe: the text is in our own tree


def padding(position):
    """Bytes of data of the padding that a Builder puts at @position; also 0 if it puts none."""
    builder = container.Builder()
    builder.chunk("p", bytes(position - 64 - container.CHUNK_HEADER), 0, 0)
    assert len(builder.content) == position
    builder.pad()
    size = len(builder.content) - position
    return size and size // container.BLOCK * -container.BLOCK_HEADER + size - container.CHUNK_HEADER


BLOCKS = fenced_blocks()
RECORDS = {block.words[1]: block for block in BLOCKS if block.words[0] == "records"}


def with_words(*words):
    return [block for block in BLOCKS if block.words[:len(words)] == words]


def records_of(name):
    found = []
    for line in RECORDS[name].lines:
        value = evaluate(line)
        found += value if isinstance(value, list) else [value]
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A function from a name to the file that the reference writes for it."""
    directory = tmp_path_factory.mktemp("written")

    def write(name):
        path = directory / f"{name}.array_record"
        if not path.exists():
            oracle.write(path, records_of(name), ",".join(RECORDS[name].words[2:]))
        return container.Container(path)
    return write


@pytest.fixture(scope="module")
def sides():
    with differential.Sides(READER) as sides:
        yield sides


def answers(block, sides, tmp_path):
    records = records_of(block.words[2])
    body = bodies.Body(block.words[3], len(records), sum(map(len, records)), whole(block))
    path = tmp_path / "case.array_record"
    path.write_bytes(footers.single(body).content)
    return sides.read(path)


@pytest.mark.parametrize("block", with_words("hex", "file"), ids=str)
def test_dumps(block, written):
    content = written(block.words[2]).content
    for offset, data in pieces(block):
        assert content[offset:offset + len(data)].hex(" ") == data.hex(" "), hex(offset)


@pytest.mark.parametrize("block", with_words("hex", "chunk"), ids=str)
def test_chunks(block, written):
    file = written(block.words[2])
    assert file.user_chunks[0].kind == block.words[3]
    assert file.data(file.user_chunks[0]).hex(" ") == whole(block).hex(" ")


@pytest.mark.parametrize("block", with_words("hex", "chunk") + with_words("hex", "body"), ids=str)
def test_bodies_decode(block, sides, tmp_path):
    expected = differential.answer_for(records_of(block.words[2]))
    assert answers(block, sides, tmp_path) == (expected, expected)


@pytest.mark.parametrize("block", with_words("hex", "refused"), ids=str)
def test_bodies_are_refused(block, sides, tmp_path):
    ours, theirs = answers(block, sides, tmp_path)
    assert ours.startswith("no") and theirs.startswith("no")


@pytest.mark.parametrize("name", list(RECORDS))
def test_files_decode(name, written, sides):
    expected = differential.answer_for(records_of(name))
    assert sides.read(written(name).path) == (expected, expected)


@pytest.mark.parametrize("line", [line for block in with_words("values") for line in block.lines])
def test_values(line):
    assert evaluate(line) is True


def test_the_walk():
    """The table of the walk through `orders`, derived from the states."""
    block, = with_words("hex", "chunk", "orders")
    rows = re.findall(r"^\| (\d) \| (.*?) \| (\d+) \| .* \|$", TEXT[TEXT.index("And the walk:"):], re.MULTILINE)
    parts = bodies.parse_transposed(whole(block))
    state, repeat, moves = parts.first, 0, list(parts.transitions)
    walked, n = [], len(parts.tags)
    while True:
        walked.append(state)
        base = parts.nexts[state]
        if base >= n:
            state = base - n
        elif repeat:
            state, repeat = base, repeat - 1
        elif moves:
            move = moves.pop(0)
            state, repeat = base + move // 4, move % 4
        else:
            break
    assert [int(row[0]) for row in rows] == walked
    records = b"".join(records_of("orders"))
    end = len(records)
    for _, text, w in rows:
        emitted = next((bytes.fromhex(found) for found in re.findall(r"`([0-9a-f]{2}(?: [0-9a-f]{2})*)`", text)), b"")
        end -= len(emitted)
        assert end == int(w)
        assert records[end:end + len(emitted)] == emitted
    assert end == 0


def test_every_block_is_checked():
    """Every block has a known first word and names records that the document has."""
    for block in BLOCKS:
        assert block.words and block.words[0] in KINDS, block
        if block.words[0] == "hex":
            assert block.words[1] in ("file", "chunk", "body", "refused") and block.words[2] in RECORDS, block
    assert len(BLOCKS) >= 25 and len(with_words("hex", "refused")) >= 8


def test_pointers():
    """Files to which the document points exist."""
    names = re.findall(r"`((?:base|source|codec|riegeli|arrayrecord|cache|dataset)/\w+\.[ch])`", TEXT)
    assert len(names) > 10
    assert [name for name in names if not (ROOT / "engine" / name).is_file()] == []
    assert all((ROOT / name).is_file() for name in re.findall(r"`(tests/[\w/.]+)`", TEXT))
    titles = re.findall(r"^## (\d+) (.*)$", TEXT, re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, 15))
    anchors = ["-".join([number, *re.sub(r"[^\w ]", "", title).lower().split()]) for number, title in titles]
    assert re.findall(r"\]\(#([^)]+)\)", TEXT) == anchors
