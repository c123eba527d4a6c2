"""The commands of the README's section "Making files" do what it says: all of them are run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import example  # noqa: E402
from program import AREC, records_of  # noqa: E402

SECTION = re.search(r"^## Making files\n(.*?)^## ", (ROOT / "README.md").read_text(), re.M | re.S)[1]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.M | re.S)
# They read what a reader of the README brings along.
RECIPES = [block for block in BLOCKS if "python3 -c" in block]
SAMPLE = ROOT / "tests/sample/digits.array_record"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def bash(text, **environment):
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(bool(os.environ.get("AREC_SANITIZE")), reason="the commands are tested one by one")
def test_every_command_runs(tmp_path):
    script = "".join(block for block in BLOCKS if block not in RECIPES)
    assert script.count("build/release/bin") == 1
    script = script.replace("$PWD/build/release/bin", f"'{Path(AREC).parent}'")
    bash(f"cd '{ROOT}'\n{script}", TMPDIR=str(tmp_path))
    (made,) = tmp_path.iterdir()
    sample = records_of(SAMPLE)
    same = ["images", "train", "out/train", "fast", "all"]
    for name in same:
        assert records_of(made / f"{name}.array_record") == sample, name
    assert records_of(made / "part.array_record") == sample[:1000] + sample[-10:]
    assert sorted(records_of(made / "tar.array_record")) == sorted(sample)  # tar takes the order of the folder
    mixed = records_of(made / "mixed.array_record")
    assert mixed != sample and sorted(mixed) == sorted(sample)
    assert sorted(path.name for path in made.glob("parts.*")) == [f"parts.array_record-{i:05}-of-00008" for i in range(8)]
    for name in ["wds", "log", "json", "examples"]:
        assert len(records_of(made / f"{name}.array_record")) == len(sample), name
    assert set(example.decode(records_of(made / "examples.array_record")[7])) == {"record", "size", "chunk", "offset"}


def recipe(word):
    """The recipe that has @word, with AREC for `arec`."""
    blocks = [block for block in RECIPES if word in block]
    assert len(blocks) == 1, f"{len(blocks)} blocks with {word}"
    assert blocks[0].count("arec pack") == blocks[0].count("python3 -c") == 1
    return blocks[0].replace("arec pack", f"'{AREC}' pack").replace("python3", f"'{sys.executable}'")


def test_recipe_of_parquet():
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"id": i, "text": f"té\n{i}", "score": i / 4, "tags": ["a"] * (i % 3), "data": bytes([i, 255]), "none": None}
            for i in range(100)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), "train.parquet", row_group_size=7)
    bash(recipe("pyarrow"))
    got = [example.decode(record) for record in records_of("train.array_record")]
    assert got[5] == {"id": ("int64", [5]), "text": ("bytes", ["té\n5".encode()]), "score": ("float", [1.25]),
                      "tags": ("bytes", [b"a", b"a"]), "data": ("bytes", [b"Bf8="]), "none": ("bytes", [])}
    assert [features["id"] for features in got] == [("int64", [i]) for i in range(100)]


def test_recipe_of_hugging_face(monkeypatch):
    """A module of that name stands in for the library, which would load from the network."""
    Path("datasets.py").write_text("""
def load_dataset(name, split, streaming):
    assert (split, streaming) == ("train", True) and name
    yield from ({"text": f"text {i}", "label": i % 2} for i in range(50))
""")
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    bash(recipe("load_dataset"))
    assert [example.decode(record) for record in records_of("train.array_record")] == [
        {"text": ("bytes", [b"text %d" % i]), "label": ("int64", [i % 2])} for i in range(50)]
