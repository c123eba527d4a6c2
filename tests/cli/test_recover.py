"""verify, repair, ls and cat of one damaged file: the same record numbers, the same records lost."""

import json
from itertools import combinations

import pytest

import forge
from damaged import Sound, flipped
from program import arec, succeeds
from sanitized import sample

RECORDS = [b"some record", b"another", b"3rd", b"the fourth one", b"five", b"a sixth", b"no. 7", b"last of all"]
GROUP = 2


def sound_by_cat(path):
    """{number: bytes} of all records that can be read, and how many numbers there are."""
    found = {}
    for number in range(3 * len(RECORDS)):
        result = arec("cat", "--recover", path, str(number))
        assert result.code in (0, 2, 5) and (result.code == 0 or not result.out), result
        if result.code == 2 or "finds no records" in result.err:
            return found, number  # out of bounds, or there are no records at all
        if result.code == 0:
            found[number] = result.out
    raise AssertionError(f"more records than there ever were: {result}")


def sound_by_verify(path, n_records):
    """The numbers that no damage covers, and how many records verify counts."""
    (reported,) = json.loads(arec("verify", "--json", path).out)
    lost = set()
    for damage in reported["damages"]:
        lost.update(range(damage["first_record"], damage["first_record"] + (damage["records"] or 0)))
    assert all(number < n_records for number in lost), reported
    return sorted(set(range(n_records)) - lost), reported["records"]


def check(path, out):
    records, n_records = sound_by_cat(path)
    assert sound_by_verify(path, n_records) == (list(records), len(records))
    if records:
        listed = succeeds("ls", "--recover", path, *map(str, records)).decode()
        assert listed == "".join(f"{number} {len(record)}\n" for number, record in records.items())
    result = arec("repair", "--reencode", "-o", out, path)
    assert result.code in (0, 5), result
    assert succeeds("cat", "-0", out) == b"".join(record + b"\0" for record in records.values())
    out.unlink()
    return records


def places(sound):
    """A byte of the header and one of the data of each chunk, of the footer and of the postscript."""
    for chunk in (*sound.chunks, sound.footer, sound.postscript):
        yield sound.chunk_header_byte(chunk)
        yield chunk.position(chunk.data_size - 1)


@pytest.mark.parametrize("claimed", [None, 1, 3], ids=["true", "second", "last"])
def test_commands_agree(claimed, tmp_path):
    """A file within one block has any two damages, and its postscript may say that a chunk is the footer."""
    path, out = tmp_path / "x.array_record", tmp_path / "out.array_record"
    content = forge.array_record(RECORDS, None, GROUP, footer_claimed=claimed)
    path.write_bytes(forge.array_record(RECORDS, None, GROUP))
    seen = set()
    for two in sample(list(combinations(places(Sound(path)), 2)), claimed or 0):
        path.write_bytes(flipped(content, *two))
        seen.add(tuple(check(path, out).values()))
    assert len(seen) > 5 and max(map(len, seen)) > 4
