"""tests/run-all goes on after a failure, sums up all parts, and then fails."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Notes its arguments; fails if the words of FAILING are among them.
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
case "$(basename "$0") $*" in *"$FAILING"*) exit 3 ;; esac
"""


def run_all(directory, failing):
    """(exit code, output, calls of cmake and ctest) where the calls with @failing fail."""
    (directory / "tests").mkdir()
    shutil.copy(ROOT / "tests/run-all", directory / "tests")
    (directory / "build/venv/bin").mkdir(parents=True)
    for name in ("cmake", "ctest"):
        (directory / name).write_text(FAKE)
        (directory / name).chmod(0o755)
    calls = directory / "calls"
    done = subprocess.run([directory / "tests/run-all", "--no-install", "release", "clang"], capture_output=True,
                          text=True, timeout=60,
                          env=dict(os.environ, PATH=f"{directory}:{os.environ['PATH']}", CALLS=str(calls), FAILING=failing))
    return done.returncode, done.stdout, calls.read_text().splitlines()


def summary(output):
    """{part: result} of the last lines."""
    return dict(re.findall(r"^(\w+: \w+) +(ok|FAILED \(\d+\)) +\d+ s$", output.split("=== summary\n")[1], re.M))


def test_all_pass(tmp_path):
    code, output, calls = run_all(tmp_path, "nothing fails")
    assert code == 0, output
    assert summary(output) == {f"{preset}: {part}": "ok" for preset in ("release", "clang") for part in ("build", "test")}
    assert len(calls) == 6


@pytest.mark.parametrize("failing, result", [
    ("ctest --preset release", {"release: build": "ok", "release: test": "FAILED (3)",
                                "clang: build": "ok", "clang: test": "ok"}),
    # What was not built is not tested.
    ("cmake --build --preset release", {"release: build": "FAILED (3)", "clang: build": "ok", "clang: test": "ok"}),
    ("cmake --preset clang", {"release: build": "ok", "release: test": "ok", "clang: build": "FAILED (3)"}),
], ids=["test", "build", "configuring"])
def test_goes_on_after_a_failure(tmp_path, failing, result):
    code, output, _ = run_all(tmp_path, failing)
    assert code == 1, output
    assert summary(output) == result
