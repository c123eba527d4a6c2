"""The README of the sample dataset is true: the script makes the same records, and they show the digits."""

import hashlib
import importlib.util
import io
import pathlib
import re
import subprocess
import sys

import pytest
from array_record.python.array_record_module import ArrayRecordReader
from PIL import Image
from sklearn.datasets import load_digits

SAMPLE = pathlib.Path(__file__).resolve().parent.parent / "sample"
FILE = SAMPLE / "digits.array_record"
SIDE = 64


def load_script():
    spec = importlib.util.spec_from_file_location("make_digits", SAMPLE / "make_digits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_all(path):
    reader = ArrayRecordReader(str(path))
    try:
        records = reader.read_all()
        assert len(records) == reader.num_records()
        return records, reader.writer_options_string()
    finally:
        reader.close()


@pytest.fixture(scope="module")
def digits():
    return load_digits()


def test_script_makes_the_records_of_the_file():
    records, _ = read_all(FILE)
    made = load_script().records()
    assert len(records) == len(made) == 1797
    different = [i for i, (stored, new) in enumerate(zip(records, made)) if stored != new]
    assert different == []


def test_script_writes_a_file_with_these_records(tmp_path):
    out = tmp_path / "digits.array_record"
    subprocess.run([sys.executable, str(SAMPLE / "make_digits.py"), str(out)], check=True, timeout=120)
    assert read_all(out) == read_all(FILE)


def test_images_show_the_dataset(digits):
    """By a PNG reader that is not ours; Pillow also checks the sums in the image."""
    records, _ = read_all(FILE)
    for i, record in enumerate(records):
        with Image.open(io.BytesIO(record)) as image:
            image.load()
            assert (image.format, image.mode, image.size) == ("PNG", "L", (SIDE, SIDE)), f"record {i}"
            assert image.text == {"Title": f"handwritten digit {digits.target[i]}"}, f"record {i}"
            grey = image.tobytes()
        for y, inks in enumerate(digits.images[i].astype(int).tolist()):
            line = b"".join(bytes([ink * 255 // 16]) * (SIDE // 8) for ink in inks)
            square = grey[y * SIDE * SIDE // 8 : (y + 1) * SIDE * SIDE // 8]
            assert square == line * (SIDE // 8), f"record {i}, row {y} of the 8x8 square"


def test_readme_is_true(digits):
    text = (SAMPLE / "README.md").read_text()
    data = FILE.read_bytes()
    assert len(data) < 400 * 1024
    assert re.findall(r"\b[0-9a-f]{64}\b", text) == [hashlib.sha256(data).hexdigest()]
    assert f"{len(data) // 1024} KiB" in text
    records, _ = read_all(FILE)
    assert {f"{len(record):,}" for record in records} == {"4,265"} and "4,265 bytes" in text
    sevens = sum(b"digit 7" in record for record in records)
    assert sevens == (digits.target == 7).sum() and f"all {sevens} sevens" in text
    assert f"record 42 a {digits.target[42]}" in text
