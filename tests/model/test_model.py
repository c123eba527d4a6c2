"""Random operations of several threads on a mount, compared with a model of it, for many layouts.

AREC_MODEL_SECONDS (20) is the time for all layouts together. The seed is printed; AREC_TEST_SEED
replays a run.
"""

import json
import os
import random
import re
import shlex
import subprocess
from pathlib import Path

import pytest

import layouts
from mounts import ARECFS, SANITIZE, SLOW, mounted

SEED = int(os.environ.get("AREC_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
SECONDS = float(os.environ.get("AREC_MODEL_SECONDS") or 20) / len(layouts.ALL)
# ctest names it; by hand, it is beside the program of the same build.
HAMMER = os.environ.get("AREC_HAMMER") or str(Path(ARECFS).resolve().with_name("arec_hammer"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    print(f"AREC_TEST_SEED={SEED}")
    return layouts.write_sources(tmp_path_factory.mktemp("sources"), random.Random(SEED))


def run_hammer(model, mount, *options, seconds):
    command = [HAMMER, f"--seed={SEED}", *options, *map(str, model), str(mount.path)]
    print(shlex.join(command))
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60 * SLOW)


def hammer(layout, directory, seconds):
    """Hammers a mount of @layout; returns the counts of operations and the mount's last statistics."""
    lifetime = seconds + 30
    with mounted(layout.arguments, *layout.options, lifetime=lifetime) as mount:
        result = run_hammer(layout.model.write(directory), mount, f"--seconds={seconds}",
                            seconds=lifetime * SLOW)
        print(result.stdout, result.stderr)
        assert result.returncode == 0, f"AREC_TEST_SEED={SEED}: {result.stderr}"
        assert mount.server_is_running()
        check_log(layout, mount)
        return json.loads(result.stdout), mount.stats()


def check_log(layout, mount):
    """Checks that the log has one line for each damaged chunk that was met, and no other."""
    words = re.compile(r"mismatch|damaged|corrupt|hash|changed|error", re.IGNORECASE)
    reported = [line for line in mount.log().splitlines() if words.search(line)]
    places = [f"{source.path}: at {source.chunks[i].begin}:" for source in layout.sources
              for i in source.damaged]
    counts = [sum(place in line for line in reported) for place in places]
    assert max(counts, default=0) <= 1, mount.log()
    assert sum(counts) == len(reported), mount.log()
    assert bool(reported) == bool(places), mount.log()


@pytest.mark.parametrize("name", layouts.ALL)
def test_layout(sources, tmp_path, name):
    layout = layouts.ALL[name](sources, tmp_path, random.Random(f"{SEED} {name}"))
    counts, stats = hammer(layout, tmp_path, SECONDS)
    print(f"{name}: {sum(counts.values())} operations, {stats['engine']['chunks_decoded']} decodes")
    rare = {"list", "control", "drop_caches"}
    assert all(n > 0 for kind, n in counts.items() if kind not in rare), counts
    assert stats["engine"]["chunks_decoded"] > 0
    if name == "eviction" and not SANITIZE:
        assert stats["engine"]["chunks_decoded"] > sum(len(s.chunks) for s in layout.sources)


# ---- the hammer itself -------------------------------------------------------------------------


def record_line(model, name):
    return next(line for line in model.lines if line[:2] == ["record", name])


def wrong_byte(model):
    model.bytes[record_line(model, "07")[3]] ^= 1


def wrong_size(model):
    record_line(model, "07")[4] -= 1


def name_too_few(model):
    model.lines.remove(record_line(model, "07"))


def name_too_many(model):
    model.lines.append([*record_line(model, "07")])
    model.lines[-1][1:3] = ["extra", "-"]


def alias_too_few(model):
    record_line(model, "07")[2] = "-"


def damage_too_much(model):
    record_line(model, "07")[5] = 1


def wrong_record_number(model):
    record_line(model, "07")[7] = 8


def wrong_chunk(model):
    record_line(model, "07")[8] = 1


def wrong_time(model):
    model.lines[0][5] += 1


def wrong_mode(model):
    model.lines[0][2] ^= 0o040


def wrong_directory_value(model):
    line = next(line for line in model.lines if line[0] == "directory")
    line[3] += "0"


@pytest.fixture(scope="module")
def plain_file(tmp_path_factory):
    directory = tmp_path_factory.mktemp("plain")
    records = [random.Random(i).randbytes(50 + i) for i in range(40)]
    path = layouts.oracle.write(directory / "p.array_record", records, "group_size:20")
    with mounted(path, lifetime=300) as mount:
        yield layouts.look_at(path, records), mount


@pytest.mark.parametrize("lie", [
    wrong_byte, wrong_size, name_too_few, name_too_many, alias_too_few, damage_too_much,
    wrong_record_number, wrong_chunk, wrong_time, wrong_mode, wrong_directory_value],
    ids=lambda f: f.__name__)
def test_hammer_finds_a_model_that_is_wrong(plain_file, tmp_path, lie):
    source, mount = plain_file
    model = layouts.Model()
    model.file(".", source)
    lie(model)
    paths = model.write(tmp_path)
    first, second = (run_hammer(paths, mount, "--threads=1", "--operations=2000000", seconds=60)
                     for _ in range(2))
    assert first.returncode == 1, first
    assert re.search(rf"seed {SEED}, thread 0, operation \d+ \(\w+\): .*: found .*, expected",
                     first.stderr), first.stderr
    assert first.stderr == second.stderr, "the same seed does the same"
    replay = re.search(r"^replay: arec_hammer (.*)$", first.stderr, re.MULTILINE)[1]
    third = subprocess.run([HAMMER, *shlex.split(replay)], capture_output=True, text=True,
                           timeout=60 * SLOW)
    assert third.stderr == first.stderr


def test_hammer_accepts_the_right_model(plain_file, tmp_path):
    source, mount = plain_file
    model = layouts.Model()
    model.file(".", source)
    result = run_hammer(model.write(tmp_path), mount, "--operations=3000", seconds=60)
    assert result.returncode == 0, result.stderr
    assert sum(json.loads(result.stdout).values()) == 4 * 3000
