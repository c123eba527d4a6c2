"""The C files of the tree are formatted as .clang-format says. Without clang-format 14 this fails and does not skip."""

import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Other versions lay out some statements differently from the same .clang-format.
VERSION = "14"
COLUMNS = 96


def formatter():
    """The path of clang-format 14."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path:
            text = subprocess.run([path, "--version"], check=True, capture_output=True, text=True).stdout
            if re.search(rf"version {VERSION}\.", text):
                return path
    raise AssertionError(f"clang-format {VERSION} is missing")


def c_files(root):
    """The *.c and *.h that are, or would be, in the repository."""
    out = subprocess.run(
        ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z", "--cached", "--others",
         "--exclude-standard", "--", "*.c", "*.h"],
        check=True, capture_output=True).stdout
    return sorted({root / name.decode() for name in out.split(b"\0") if name and (root / name.decode()).is_file()})


def badly_formatted(files):
    """What clang-format would change in @files; empty if nothing."""
    run = subprocess.run([formatter(), "--dry-run", "-Werror", "--style=file", *map(str, files)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        assert run.stderr, "clang-format failed without a message"
    return run.stderr


def long_lines(root, files):
    """Lines of @files beyond the limit. The formatter does not reflow comments, so it finds none there."""
    return [f"{path.relative_to(root)}:{number}: {len(line)} columns"
            for path in files for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > COLUMNS]


def make_tree(root, files):
    shutil.copy(ROOT / ".clang-format", root)
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    subprocess.run(["git", "init", "-q", str(root)], check=True)


def test_tree():
    files = c_files(ROOT)
    assert files
    complaints = badly_formatted(files)
    assert not complaints, f"\n{complaints}"


def test_lines_of_tree():
    complaints = long_lines(ROOT, c_files(ROOT))
    assert not complaints, "\n" + "\n".join(complaints)


GOOD = "#pragma once\n\nint arec_thing (int x);\n"
BAD = "#pragma once\n\nint arec_thing(int x);\n"


def test_good_files_pass(tmp_path):
    make_tree(tmp_path, {"engine/base/thing.h": GOOD})
    assert badly_formatted(c_files(tmp_path)) == ""


def test_bad_file_is_found(tmp_path):
    make_tree(tmp_path, {"engine/base/thing.h": GOOD, "tests/bench/thing.c": BAD})
    assert "thing.c:3" in badly_formatted(c_files(tmp_path))


def test_long_comment_is_found(tmp_path):
    make_tree(tmp_path, {"engine/base/thing.h": f"/* {'x' * 90} */\n", "fs/thing.c": f"/* {'x' * 91} */\n"})
    assert long_lines(tmp_path, c_files(tmp_path)) == ["fs/thing.c:1: 97 columns"]


def test_tracked_and_new_files_count_and_ignored_do_not(tmp_path):
    make_tree(tmp_path, {"a.c": BAD, "b.h": BAD, "build/c.c": BAD, "d.py": BAD, "gone.c": BAD,
                         ".gitignore": "/build/\n"})
    subprocess.run(["git", "-C", str(tmp_path), "add", "a.c", "gone.c"], check=True)
    (tmp_path / "gone.c").unlink()
    assert c_files(tmp_path) == [tmp_path / "a.c", tmp_path / "b.h"]


def test_missing_formatter_fails(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    try:
        formatter()
    except AssertionError as error:
        assert "is missing" in str(error)
    else:
        raise AssertionError("a missing clang-format was not noticed")
