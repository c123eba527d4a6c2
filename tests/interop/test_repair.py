"""What `arec repair` writes is read by the reference: every record that was kept, by its number."""

import pytest
from array_record.python.array_record_module import ArrayRecordReader

import golden
import oracle
from damaged import Sound
from mounts import arec


def reads(g):
    """Whether this build reads the golden file @g."""
    try:
        arec("cat", g.path)
    except AssertionError:
        return False
    return True


READABLE = [g for g in golden.ALL if reads(g)]


def read_all(path):
    """The records as the reference reads them, in bulk and one by one, which must agree."""
    reader = ArrayRecordReader(str(path))
    try:
        records = reader.read_all()
        assert len(records) == reader.num_records()
        if records:
            assert reader.read(list(range(len(records)))) == records
        return records
    finally:
        reader.close()


def repair(path, out, *options):
    """Whether it did; a copy that the reference would misread is refused."""
    for code in (0, 5, 1):
        try:
            _, err = arec("repair", "-f", *options, "-o", out, path, code=code)
        except AssertionError:
            continue
        assert code != 1 or "--reencode" in err
        return code != 1
    raise AssertionError(f"arec repair {path} failed")


@pytest.mark.parametrize("g", READABLE, ids=lambda g: g.name)
def test_the_reference_reads_every_repaired_file(g, tmp_path):
    sound = Sound(g.path)
    path, out = tmp_path / g.name, tmp_path / "out.array_record"
    for case in sound.cases():
        if case.name == "signature" and sound.size == 64:
            continue  # nothing is left that tells what the file was
        path.write_bytes(case.content)
        numbers = [i for i in range(g.n_records) if i not in case.lost - case.kept]
        for options in ([], ["--reencode"]):
            if not repair(path, out, *options):
                continue
            if not numbers:
                assert oracle.describe(out)[0] == 0
                continue
            records = read_all(out)
            assert len(records) == len(numbers), str(case)
            for number, record in zip(numbers, records):
                g.check(number, record)


def test_options_are_kept(tmp_path):
    path = oracle.write(tmp_path / "x.array_record", oracle.text_records(100), "group_size:7,zstd:5")
    before = oracle.describe(path)
    sound = Sound(path)
    path.write_bytes(sound.postscript_header().content)
    assert repair(path, tmp_path / "out.array_record")
    assert oracle.describe(tmp_path / "out.array_record") == before
