"""The rooms of the tree: who may include whom, what a room holds, that headers stand alone.

Each check is a function from the root of a tree to a list of complaints. It is run on this tree, where the list must
be empty, and on a small made-up tree with one fault, where it must not: a check that cannot fail checks nothing.
"""

import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# A file of engine/ROOM may include headers of its own room and of the rooms to the left.
ROOMS = ["base", "source", "codec", "riegeli", "arrayrecord", "cache", "dataset"]
# The programs see the engine only through <arec/...>.
PROGRAMS = ["fs", "tools"]
PUBLIC = "engine/include/arec"
# Sources that are reached through a table which another header of their room declares.
TABLE_ENTRIES = ["engine/codec/*.c", "tools/cmd_*.c"]
# Words for work left undone, in two halves so that this file is free of them.
LEFT_UNDONE = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
# Data, and the one text that is not ours.
NOT_OURS = ["tests/golden/*", "LICENSE"]

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[ \t]*(.*)$", re.MULTILINE)
TARGET = re.compile(r'^([<"])([^>"]+)[>"]')


# ---- the tree ---------------------------------------------------------------------------------


def git_files(root):
    """Paths of the files that are, or would be, in the repository; relative to @root."""
    out = subprocess.run(
        ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        check=True, capture_output=True).stdout
    paths = sorted({pathlib.PurePosixPath(name.decode()) for name in out.split(b"\0") if name})
    return [path for path in paths if (root / path).is_file()]


def sources(root, suffixes=(".c", ".h")):
    """Relative paths of the C files of engine/, fs/ and tools/."""
    return [path for path in git_files(root)
            if path.parts[0] in ("engine", *PROGRAMS) and path.suffix in suffixes]


def includes(root, path):
    """(quote, target) of each #include; the quote is None where the target is computed."""
    for match in INCLUDE.finditer((root / path).read_text()):
        target = TARGET.match(match[1].strip())
        yield (target[1], target[2]) if target else (None, match[1].strip())


# ---- include direction ------------------------------------------------------------------------


def room_of(path):
    """The engine room of a relative path, or None."""
    if path.parts[0] == "engine" and len(path.parts) > 2 and path.parts[1] != "include":
        return path.parts[1]
    return None


def judge_include(root, path, quote, target):
    """What is wrong with one #include, or None."""
    if quote is None:
        return "computed includes hide what a file depends on"
    head = target.split("/")[0]
    if head == "arec":
        if quote != "<":
            return "public headers are included as <arec/...>"
        return None if (root / PUBLIC / target[len("arec/"):]).is_file() else "no such public header"
    if quote == "<" and head not in ROOMS:
        return None  # the system's or a library's
    room = room_of(path)
    if room is None:
        if head in ROOMS or "/" in target:
            return "only <arec/...> and headers of the same folder"
        if path.parts[0] == "engine":
            return "public headers include only <...>"
        return None if (root / path.parent / target).is_file() else "no such header in the folder"
    if quote == "<" or head not in ROOMS or len(target.split("/")) != 2:
        return 'headers of the engine are included as "ROOM/FILE.h"'
    if room not in ROOMS or ROOMS.index(head) > ROOMS.index(room):
        return f"{room} may not include {head}: the order is {' < '.join(ROOMS)}"
    return None if (root / "engine" / target).is_file() else "no such header"


def check_includes(root):
    complaints = []
    for path in sources(root):
        for quote, target in includes(root, path):
            wrong = judge_include(root, path, quote, target)
            if wrong:
                complaints.append(f"{path}: #include {target}: {wrong}")
    return complaints


def check_rooms_are_known(root):
    """No C file lies outside the rooms of the table."""
    complaints = []
    for path in sources(root):
        if path.parts[0] == "engine":
            fine = path.parent.as_posix() == PUBLIC or (len(path.parts) == 3 and path.parts[1] in ROOMS)
        else:
            fine = len(path.parts) == 2
        if not fine:
            complaints.append(f"{path}: not in a room")
    return complaints


# ---- headers ----------------------------------------------------------------------------------


def package_flags():
    flags = subprocess.run(["pkg-config", "--cflags", "glib-2.0", "fuse3", "libbrotlidec", "libbrotlienc", "libzstd"],
                           check=True, capture_output=True, text=True).stdout
    return shlex.split(flags)


def fuse_version(root):
    """The FUSE_USE_VERSION of fs/CMakeLists.txt, without which FUSE's headers refuse to compile."""
    build = root / "fs/CMakeLists.txt"
    match = re.search(r"FUSE_USE_VERSION=(\d+)", build.read_text()) if build.is_file() else None
    return match[1] if match else "312"


def header_flags(root, path, packages):
    """As whoever includes the header compiles: for a public one, with nothing but what pkg-config says."""
    flags = ["-std=c17", "-Wall", "-Wextra", "-Werror", *packages, f"-I{root}/engine/include"]
    if path.parts[:2] == ("engine", "include"):
        return flags
    flags += ["-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", f"-DFUSE_USE_VERSION={fuse_version(root)}"]
    return flags + [f"-I{root}/engine" if path.parts[0] == "engine" else f"-I{root}/{path.parts[0]}"]


def check_headers_alone(root):
    packages = package_flags()
    complaints = []
    for path in sources(root, (".h",)):
        # From a file that includes it twice: #pragma once is a warning in a main file, and the guard is tried too.
        program = f'#include "{root / path}"\n' * 2
        run = subprocess.run(["gcc", "-fsyntax-only", *header_flags(root, path, packages), "-x", "c", "-"],
                             input=program, capture_output=True, text=True)
        if run.returncode != 0:
            complaints.append(f"{path}: does not compile alone:\n{run.stderr}")
    return complaints


def check_sources_have_headers(root):
    """x.c includes its x.h; x_y.c may belong to x.h, which it includes. The dataset room implements public headers."""
    complaints = []
    for path in sources(root, (".c",)):
        if path.parts[0] in PROGRAMS and path.name == "main.c":
            continue
        own = {target for quote, target in includes(root, path) if quote == '"'}
        prefix = f"{path.parts[1]}/" if path.parts[0] == "engine" else ""
        if any(path.match(pattern) for pattern in TABLE_ENTRIES) and any(
                target.startswith(prefix) and (prefix or "/" not in target) for target in own):
            continue
        words = path.stem.split("_")
        stems = ["_".join(words[:n]) for n in range(len(words), 0, -1)]
        found = [f"{prefix}{stem}.h" for stem in stems if (root / path.parent / f"{stem}.h").is_file()]
        public = path.parent.as_posix() == "engine/dataset" and any(
            quote == "<" and target.startswith("arec/") for quote, target in includes(root, path))
        if found and not own.intersection(found) and not (public and found[0] != f"{prefix}{path.stem}.h"):
            complaints.append(f"{path}: does not include its header {found[0]}")
        elif not found and not public:
            complaints.append(f"{path}: has no header")
    return complaints


# ---- texts ------------------------------------------------------------------------------------


def check_readmes(root):
    """Every room, and every folder of tests/ that does not mirror one, tells what it is."""
    rooms = ["engine", *(f"engine/{room}" for room in ROOMS), *PROGRAMS, "tests"]
    mirrored = {"engine", *PROGRAMS}
    rooms += sorted({f"tests/{path.parts[1]}" for path in git_files(root)
                     if path.parts[0] == "tests" and len(path.parts) > 2 and path.parts[1] not in mirrored})
    return [f"{room}: no README.md" for room in rooms
            if not (root / room / "README.md").is_file() or not (root / room / "README.md").read_text().strip()]


def check_nothing_left_undone(root):
    words = re.compile(r"\b(?:" + "|".join(LEFT_UNDONE) + r")\b")
    complaints = []
    for path in git_files(root):
        if any(path.match(pattern) for pattern in NOT_OURS):
            continue
        try:
            text = (root / path).read_text()
        except UnicodeDecodeError:
            continue  # binary
        for number, line in enumerate(text.splitlines(), 1):
            if words.search(line):
                complaints.append(f"{path}:{number}: {line.strip()}")
    return complaints


# ---- this tree --------------------------------------------------------------------------------

CHECKS = [check_includes, check_rooms_are_known, check_headers_alone, check_sources_have_headers, check_readmes,
          check_nothing_left_undone]


def name(check):
    return check.__name__.removeprefix("check_")


@pytest.mark.parametrize("check", CHECKS, ids=name)
def test_tree(check):
    for tool in ("git", "gcc", "pkg-config"):
        assert shutil.which(tool), f"{tool} is missing"
    assert len(sources(ROOT)) > 0
    complaints = check(ROOT)
    assert complaints == [], "\n" + "\n".join(complaints)


# ---- the checks themselves --------------------------------------------------------------------

SOUND = {
    **{f"engine/{room}/README.md": "A room.\n" for room in ROOMS},
    **{f"{room}/README.md": "A room.\n" for room in ("engine", "fs", "tools", "tests", "tests/lint")},
    "tests/lint/test_x.py": "pass\n",
    "tests/golden/data.bin": "\0\xff",
    "tests/golden/README.md": f"{LEFT_UNDONE[0]} in a file of somebody else\n",
    "engine/include/arec/thing.h": "#pragma once\n#include <stdint.h>\nuint64_t arec_thing (void);\n",
    "engine/base/low.h": "#pragma once\n#include <stddef.h>\nsize_t arec_low (void);\n",
    "engine/base/low.c": '#include "base/low.h"\n#include <string.h>\n',
    "engine/codec/codec.h": "#pragma once\nextern const int arec_codec_x;\n",
    "engine/codec/x.c": '#include "codec/codec.h"\n',
    "engine/cache/chunk_cache.h": '#pragma once\n#include "base/low.h"\nint arec_chunk_cache (void);\n',
    "engine/cache/chunk_cache.c": '#include "cache/chunk_cache.h"\n#include <arec/thing.h>\n#include "codec/codec.h"\n',
    "engine/dataset/thing_more.c": "#include <arec/thing.h>\n",
    "fs/main.c": '#include <arec/thing.h>\n#include "ops.h"\n',
    "fs/ops.h": "#pragma once\n#include <fuse_lowlevel.h>\n",
    "fs/ops_read.c": '#include "ops.h"\n',
    "tools/commands.h": "#pragma once\nint cmd_info (int argc, char **argv);\n",
    "tools/cmd_info.c": '#include "commands.h"\n',
}

FAULTS = [
    # check, file, its text (None: removed), a part of the complaint
    (check_includes, "engine/base/low.c", '#include "base/low.h"\n#include "cache/chunk_cache.h"\n', "may not include"),
    (check_includes, "engine/cache/chunk_cache.h", '#pragma once\n  #  include "dataset/a.h"\n', "may not include"),
    (check_includes, "engine/cache/chunk_cache.c", '#include "chunk_cache.h"\n', "ROOM/FILE.h"),
    (check_includes, "engine/cache/chunk_cache.c", '#include "../base/low.h"\n', "ROOM/FILE.h"),
    (check_includes, "engine/cache/chunk_cache.c", "#include <base/low.h>\n", "ROOM/FILE.h"),
    (check_includes, "engine/cache/chunk_cache.c", '#include "base/none.h"\n', "no such header"),
    (check_includes, "engine/cache/chunk_cache.c", "#include <arec/none.h>\n", "no such public header"),
    (check_includes, "engine/cache/chunk_cache.c", '#include "arec/thing.h"\n', "<arec/...>"),
    (check_includes, "engine/cache/chunk_cache.c", "#include HEADER\n", "computed"),
    (check_includes, "engine/new/a.c", '#include "base/low.h"\n', "new may not include"),
    (check_includes, "engine/include/arec/thing.h", '#include "base/low.h"\n', "only <arec/...>"),
    (check_includes, "engine/include/arec/thing.h", '#include "thing2.h"\n', "only <...>"),
    (check_includes, "fs/ops.h", '#include "base/low.h"\n', "only <arec/...>"),
    (check_includes, "fs/ops.h", "#include <base/low.h>\n", "only <arec/...>"),
    (check_includes, "fs/ops.h", '#include "../tools/commands.h"\n', "only <arec/...>"),
    (check_includes, "tools/cmd_info.c", '#include "ops.h"\n', "no such header in the folder"),
    (check_rooms_are_known, "engine/new/a.h", "#pragma once\n", "not in a room"),
    (check_rooms_are_known, "engine/loose.c", "\n", "not in a room"),
    (check_rooms_are_known, "fs/deep/a.c", "\n", "not in a room"),
    (check_headers_alone, "engine/base/low.h", "#pragma once\nsize_t arec_low (void);\n", "size_t"),
    (check_headers_alone, "engine/base/low.h", "enum { ONE };\n", "redeclaration"),
    (check_headers_alone, "engine/include/arec/thing.h", "#pragma once\nint arec_thing (uint64_t x);\n", "uint64_t"),
    (check_headers_alone, "engine/include/arec/thing.h", '#pragma once\n#include "base/low.h"\n', "base/low.h"),
    (check_headers_alone, "fs/ops.h", "#pragma once\nstatic inline int f (int x) { return 1; }\n", "unused parameter"),
    (check_headers_alone, "tools/commands.h", '#pragma once\n#include "base/low.h"\n', "base/low.h"),
    (check_sources_have_headers, "engine/base/low.h", None, "has no header"),
    (check_sources_have_headers, "engine/base/low.c", "#include <string.h>\n", "does not include its header"),
    (check_sources_have_headers, "engine/codec/x.c", "#include <string.h>\n", "has no header"),
    (check_sources_have_headers, "engine/codec/x.c", '#include "base/low.h"\n', "has no header"),
    (check_sources_have_headers, "engine/dataset/other.c", "#include <stdio.h>\n", "has no header"),
    (check_sources_have_headers, "engine/cache/other.c", "#include <arec/thing.h>\n", "has no header"),
    (check_sources_have_headers, "engine/dataset/main.c", "\n", "has no header"),
    (check_sources_have_headers, "fs/extra.c", '#include "ops.h"\n', "has no header"),
    (check_sources_have_headers, "tools/cmd_info.c", "#include <arec/thing.h>\n", "has no header"),
    (check_readmes, "engine/riegeli/README.md", None, "engine/riegeli"),
    (check_readmes, "tools/README.md", "\n", "tools: no README.md"),
    (check_readmes, "tests/lint/README.md", None, "tests/lint"),
    (check_nothing_left_undone, "fs/ops_read.c", f"/* {LEFT_UNDONE[0]}: write */\n", "fs/ops_read.c:1"),
    (check_nothing_left_undone, "tests/lint/test_x.py", f"pass\n# {LEFT_UNDONE[1]}\n", "test_x.py:2"),
    (check_nothing_left_undone, "README", f"{LEFT_UNDONE[2]}\n", "README:1"),
]


def make_tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="latin-1")
    subprocess.run(["git", "init", "-q", str(root)], check=True)


@pytest.mark.parametrize("check", CHECKS, ids=name)
def test_checks_accept_a_sound_tree(check, tmp_path):
    make_tree(tmp_path, SOUND)
    assert check(tmp_path) == []


@pytest.mark.parametrize("check, path, text, expected", FAULTS,
                         ids=[f"{name(check)}-{i}" for i, (check, *_) in enumerate(FAULTS)])
def test_checks_find_faults(check, path, text, expected, tmp_path):
    make_tree(tmp_path, {**SOUND, **({path: text} if text is not None else {})})
    if text is None:
        (tmp_path / path).unlink()
    complaints = check(tmp_path)
    assert any(expected in complaint for complaint in complaints), complaints


def test_ignored_files_are_left_out(tmp_path):
    make_tree(tmp_path, {**SOUND, ".gitignore": "/fs/extra.c\n", "fs/extra.c": '#include "base/low.h"\n'})
    assert check_includes(tmp_path) == []
