"""The rooms of the tree: which may include which, what a room holds, that headers compile alone.

Each check is a function from the root of a tree to a list of complaints. The list must be empty for this tree, and
must not be empty for a small made-up tree with one fault: a check that cannot fail checks nothing.
"""

import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# For each product its rooms, by rank: a file of PRODUCT/ROOM may include headers of its own room and of rooms of a lower
# rank. Rooms of the same rank may not include each other. main.c of a program may include all of its rooms.
ROOMS = {
    "engine": [["base"], ["source"], ["remote"], ["naming"], ["codec"], ["riegeli"], ["arrayrecord"], ["cache"],
               ["dataset"], ["view"], ["writer"], ["inspect"]],
    "fs": [["base"], ["mount"], ["start"], ["tree"], ["count"], ["serve"], ["read"], ["ops"], ["kernel"]],
    "tools": [["frame"], ["look", "stats", "pack", "bench"], ["doctor"]],
}
RANKS = {product: {room: rank for rank, rooms in enumerate(ranks) for room in rooms}
         for product, ranks in ROOMS.items()}
# The programs see the engine only through <arec/...>.
PROGRAMS = ["fs", "tools"]
PUBLIC = "engine/include/arec"
# Rooms whose files may implement a public header instead of one of their own.
FACES = ["engine/naming", "engine/dataset", "engine/view", "engine/writer", "engine/inspect"]
# Sources reached through a table that another header of their room declares.
TABLE_ENTRIES = ["engine/codec/*.c", "tools/*/cmd_*.c"]
# The one file of each program that text leaves through.
DOORS = {"fs": "log.c", "tools": "command.c"}
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
    """Relative paths of the C files of the products."""
    return [path for path in git_files(root) if path.parts[0] in ROOMS and path.suffix in suffixes]


def includes(root, path):
    """(quote, target) of each #include; the quote is None where the target is computed."""
    for match in INCLUDE.finditer((root / path).read_text()):
        target = TARGET.match(match[1].strip())
        yield (target[1], target[2]) if target else (None, match[1].strip())


# ---- include direction ------------------------------------------------------------------------


def rank_of(path):
    """The rank of the room of a relative path: -1 for a public header, the highest for main.c of a program, None for
    a file in no room."""
    product, ranks = path.parts[0], RANKS[path.parts[0]]
    if path.parent.as_posix() == PUBLIC:
        return -1
    if product in PROGRAMS and path.parts[1:] == ("main.c",):
        return len(ROOMS[product])
    return ranks.get(path.parts[1]) if len(path.parts) == 3 else None


def judge_include(root, path, quote, target):
    """What is wrong with one #include, or None."""
    if quote is None:
        return "computed includes hide what a file depends on"
    product, head = path.parts[0], target.split("/")[0]
    if head == "arec":
        if quote != "<":
            return "public headers are included as <arec/...>"
        return None if (root / PUBLIC / target[len("arec/"):]).is_file() else "no such public header"
    if quote == "<":
        known = any(head in ranks for ranks in RANKS.values()) and "/" in target
        return 'headers of rooms are included as "ROOM/FILE.h"' if known else None
    rank, room = rank_of(path), path.parts[1]
    if rank == -1:
        return "public headers include only <...>"
    if len(target.split("/")) != 2:
        return 'headers of rooms are included as "ROOM/FILE.h"'
    if head not in RANKS[product]:
        return f"{product} has no room {head}: of others only <arec/...>"
    if rank is None or (RANKS[product][head] >= rank and head != room):
        order = " < ".join(", ".join(rooms) for rooms in ROOMS[product])
        return f"{room} may not include {head}: the order is {order}"
    return None if (root / product / target).is_file() else "no such header"


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
    return [f"{path}: not in a room" for path in sources(root) if rank_of(path) is None]


def check_no_circles(root):
    """Calls go down: no sources include each other's headers, directly or through others."""
    graph = {}
    for path in sources(root, (".c",)):
        stem = path.with_suffix("")
        found = graph.setdefault(stem, set())
        for quote, target in includes(root, path):
            if quote == '"' and (root / path.parts[0] / target).is_file():
                other = (pathlib.PurePosixPath(path.parts[0]) / target).with_suffix("")
                if other != stem:
                    found.add(other)
    state, complaints = {}, []

    def visit(stem, way):
        state[stem] = "open"
        for other in sorted(graph.get(stem, ())):
            if state.get(other) == "open":
                circle = way[way.index(other):] if other in way else [stem]
                complaints.append(f"{other}: a circle: " + " -> ".join(map(str, [*circle, other])))
            elif other not in state:
                visit(other, [*way, other])
        state[stem] = "done"

    for stem in sorted(graph):
        if stem not in state:
            visit(stem, [stem])
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
    """The flags of the sources that include the header: for a public one, only those of pkg-config."""
    flags = ["-std=c17", "-Wall", "-Wextra", "-Werror", *packages, f"-I{root}/engine/include"]
    if path.parts[:2] == ("engine", "include"):
        return flags
    flags += ["-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", f"-DFUSE_USE_VERSION={fuse_version(root)}"]
    return flags + [f"-I{root}/{path.parts[0]}"]


def check_headers_alone(root):
    packages = package_flags()
    complaints = []
    for path in sources(root, (".h",)):
        # A file includes it twice, because #pragma once is a warning in a main file; that tries the guard, too.
        program = f'#include "{root / path}"\n' * 2
        run = subprocess.run(["gcc", "-fsyntax-only", *header_flags(root, path, packages), "-x", "c", "-"],
                             input=program, capture_output=True, text=True)
        if run.returncode != 0:
            complaints.append(f"{path}: does not compile alone:\n{run.stderr}")
    return complaints


# Headers whose functions are the rows of a table, each defined in a file of its own.
TABLES = ["engine/codec/compressors.h", "engine/codec/decompressors.h", "fs/ops/ops.h", "tools/look/look.h",
          "tools/stats/stats.h", "tools/pack/pack.h", "tools/bench/bench.h",
          "tools/doctor/doctor.h"]
PROTOTYPE = re.compile(r"^(?!typedef|static|extern|#)[A-Za-z_][\w \*]*?\b(\w+) \([^;{]*\)(?: \w+(?: \([^;]*\))?)?;",
                       re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def check_declared_where_defined(root):
    """What x.h of a room declares, x.c or an x_y.c defines: no header declares a function of a higher file."""
    defined = {}
    for path in sources(root, (".c",)):
        for match in re.finditer(r"^(\w+) \(", (root / path).read_text(), re.MULTILINE):
            defined.setdefault((path.parts[0], match[1]), []).append(path)
    complaints = []
    for path in sources(root, (".h",)):
        if path.parent.as_posix() == PUBLIC or any(path.match(table) for table in TABLES):
            continue
        for match in PROTOTYPE.finditer(COMMENT.sub("", (root / path).read_text())):
            found = defined.get((path.parts[0], match[1]), [])
            if not any(other.parent == path.parent and f"{other.stem}_".startswith(f"{path.stem}_") for other in found):
                complaints.append(f"{path}: declares {match[1]}, which is defined in {', '.join(map(str, found)) or 'none'}")
    return complaints


def check_sources_have_headers(root):
    """x.c includes its x.h; x_y.c may belong to x.h, which it includes. Rooms of FACES implement public headers."""
    complaints = []
    for path in sources(root, (".c",)):
        if len(path.parts) == 2 and path.name == "main.c":
            continue
        own = {target for quote, target in includes(root, path) if quote == '"'}
        prefix = f"{path.parts[1]}/"
        if any(path.match(pattern) for pattern in TABLE_ENTRIES) and any(target.startswith(prefix) for target in own):
            continue
        words = path.stem.split("_")
        stems = ["_".join(words[:n]) for n in range(len(words), 0, -1)]
        found = [f"{prefix}{stem}.h" for stem in stems if (root / path.parent / f"{stem}.h").is_file()]
        public = [target for quote, target in includes(root, path) if quote == "<" and target.startswith("arec/")]
        if path.parent.as_posix() in FACES and public and f"{prefix}{path.stem}.h" not in found:
            continue
        if found and not own.intersection(found):
            complaints.append(f"{path}: does not include its header {found[0]}")
        elif not found:
            complaints.append(f"{path}: has no header")
    return complaints


# ---- names ------------------------------------------------------------------------------------

LIBRARY_NAME = re.compile(r"\b(?:arec_\w+|Arec(?!fs)\w+|AREC_\w+)\b")
# Defined on the compiler's command line.
BUILD_NAMES = {"AREC_VERSION"}


def check_names_of_programs(root):
    """A name that looks like the library's is the library's: a program's own names are Arecfs... or Tool..."""
    public = set(BUILD_NAMES)
    for path in sources(root, (".h",)):
        if path.parent.as_posix() == PUBLIC:
            public.update(LIBRARY_NAME.findall((root / path).read_text()))
    return [f"{path}:{number}: {name}: not a name of <arec/...>"
            for path in sources(root) if path.parts[0] in PROGRAMS
            for number, line in enumerate((root / path).read_text().splitlines(), 1)
            for name in LIBRARY_NAME.findall(line) if name not in public]


# ---- texts ------------------------------------------------------------------------------------


def check_readmes(root):
    """Every room, and every folder of tests/ that does not mirror one, has a README."""
    rooms = [*ROOMS, *(f"{product}/{room}" for product in ROOMS for room in RANKS[product]), "tests"]
    mirrored = set(ROOMS)
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


# Documents that the tree does not hold.
ABSENT = re.compile(r"(?<![\w/])spec/|\b(?:container|transpose)\.md\b")


def check_citations(root):
    """A rule of the format is cited by its section of engine/FORMAT.md."""
    return [f"{path}:{number}: {line.strip()}"
            for path in git_files(root) if path.suffix in (".c", ".h", ".md")
            for number, line in enumerate((root / path).read_text().splitlines(), 1) if ABSENT.search(line)]


def check_one_door(root):
    """Text leaves a program through one file, which escapes it."""
    direct = re.compile(r"\bv?f(?:printf|puts|putc|write|flush)\s*\([^;]*\bstderr\b|\b(?:perror|g_printerr|v?syslog)\s*\(")
    return [f"{path}: writes past {door}" for path in sources(root, (".c",))
            for program, door in DOORS.items()
            if path.parts[0] == program and path.name != door and direct.search((root / path).read_text())]


# ---- this tree --------------------------------------------------------------------------------

CHECKS = [check_includes, check_rooms_are_known, check_no_circles, check_declared_where_defined, check_headers_alone,
          check_sources_have_headers, check_names_of_programs, check_readmes, check_nothing_left_undone, check_citations,
          check_one_door]


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
    **{f"{product}/{room}/README.md": "A room.\n" for product in ROOMS for room in RANKS[product]},
    **{f"{room}/README.md": "A room.\n" for room in (*ROOMS, "tests", "tests/lint")},
    "tests/lint/test_x.py": "pass\n",
    "tests/golden/data.bin": "\0\xff",
    "tests/golden/README.md": f"{LEFT_UNDONE[0]} in a file of somebody else\n",
    "engine/include/arec/thing.h": "#pragma once\n#include <stdint.h>\nuint64_t arec_thing (void);\n",
    "engine/base/low.h": "#pragma once\n#include <stddef.h>\nsize_t arec_low (void);\n",
    "engine/base/low.c": '#include "base/low.h"\n#include <string.h>\n\nsize_t\narec_low (void)\n{\n    return 1;\n}\n',
    "fs/base/log.c": '#include "base/log.h"\n\nvoid\narecfs_log (void)\n{\n}\n',
    "engine/codec/codec.h": "#pragma once\nextern const int arec_codec_x;\n",
    "engine/codec/x.c": '#include "codec/codec.h"\n',
    "engine/cache/chunk_cache.h": '#pragma once\n#include "base/low.h"\nint arec_chunk_cache (void);\n',
    "engine/cache/chunk_cache.c": '#include "cache/chunk_cache.h"\n#include "base/low.h"\n#include <arec/thing.h>\n#include "codec/codec.h"\n\nint\narec_chunk_cache (void)\n{\n    return 1;\n}\n',
    "engine/dataset/thing_more.c": "#include <arec/thing.h>\n",
    "fs/main.c": '#include <arec/thing.h>\n#include "ops/ops.h"\n#include "kernel/loop.h"\n',
    "fs/base/log.h": "#pragma once\nvoid arecfs_log (void);\n",
    "fs/kernel/loop.h": '#pragma once\n#include "base/log.h"\n',
    "fs/ops/ops.h": "#pragma once\n#include <fuse_lowlevel.h>\n",
    "fs/ops/ops_read.c": '#include "ops/ops.h"\n#include "base/log.h"\n',
    "tools/frame/command.h": "#pragma once\ntypedef struct ToolCommand ToolCommand;\n",
    "tools/look/look.h": '#pragma once\n#include "frame/command.h"\nint cmd_info (int argc, char **argv);\n',
    "tools/look/cmd_info.c": '#include "look/look.h"\n',
    "tools/stats/stats.h": "#pragma once\nint cmd_stats (int argc, char **argv);\n",
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
    (check_includes, "engine/include/arec/thing.h", '#include "base/low.h"\n', "only <...>"),
    (check_includes, "engine/include/arec/thing.h", '#include "thing2.h"\n', "only <...>"),
    (check_includes, "fs/base/log.h", '#include "kernel/loop.h"\n', "may not include"),
    (check_includes, "fs/ops/ops_read.c", '#include "ops/ops.h"\n#include "kernel/loop.h"\n', "may not include"),
    (check_includes, "fs/ops/ops.h", '#include "codec/codec.h"\n', "only <arec/...>"),
    (check_includes, "fs/ops/ops.h", "#include <base/low.h>\n", "ROOM/FILE.h"),
    (check_includes, "fs/ops/ops.h", '#include "../tools/commands.h"\n', "ROOM/FILE.h"),
    (check_includes, "fs/main.c", '#include "loop.h"\n', "ROOM/FILE.h"),
    (check_includes, "tools/frame/command.h", '#pragma once\n#include "look/look.h"\n', "may not include"),
    (check_includes, "tools/look/cmd_info.c", '#include "stats/stats.h"\n', "may not include"),
    (check_includes, "tools/look/cmd_info.c", '#include "ops/ops.h"\n', "only <arec/...>"),
    (check_rooms_are_known, "engine/new/a.h", "#pragma once\n", "not in a room"),
    (check_rooms_are_known, "engine/loose.c", "\n", "not in a room"),
    (check_rooms_are_known, "engine/main.c", "\n", "not in a room"),
    (check_rooms_are_known, "fs/loose.c", "\n", "not in a room"),
    (check_rooms_are_known, "fs/ops/deep/a.c", "\n", "not in a room"),
    (check_rooms_are_known, "tools/other.c", "\n", "not in a room"),
    (check_no_circles, "engine/base/low.c", '#include "cache/chunk_cache.h"\n', "a circle"),
    (check_declared_where_defined, "fs/base/log.h", "#pragma once\nvoid arecfs_log (void);\nint arecfs_loop (int a,\n    int b);\n",
     "declares arecfs_loop"),
    (check_headers_alone, "engine/base/low.h", "#pragma once\nsize_t arec_low (void);\n", "size_t"),
    (check_headers_alone, "engine/base/low.h", "enum { ONE };\n", "redeclaration"),
    (check_headers_alone, "engine/include/arec/thing.h", "#pragma once\nint arec_thing (uint64_t x);\n", "uint64_t"),
    (check_headers_alone, "engine/include/arec/thing.h", '#pragma once\n#include "base/low.h"\n', "base/low.h"),
    (check_headers_alone, "fs/ops/ops.h", "#pragma once\nstatic inline int f (int x) { return 1; }\n", "unused parameter"),
    (check_headers_alone, "tools/look/look.h", '#pragma once\n#include "base/low.h"\n', "base/low.h"),
    (check_sources_have_headers, "engine/base/low.h", None, "has no header"),
    (check_sources_have_headers, "engine/base/low.c", "#include <string.h>\n", "does not include its header"),
    (check_sources_have_headers, "engine/codec/x.c", "#include <string.h>\n", "has no header"),
    (check_sources_have_headers, "engine/codec/x.c", '#include "base/low.h"\n', "has no header"),
    (check_sources_have_headers, "engine/dataset/other.c", "#include <stdio.h>\n", "has no header"),
    (check_sources_have_headers, "engine/cache/other.c", "#include <arec/thing.h>\n", "has no header"),
    (check_sources_have_headers, "engine/dataset/main.c", "\n", "has no header"),
    (check_sources_have_headers, "fs/ops/extra.c", '#include "ops/ops.h"\n', "has no header"),
    (check_sources_have_headers, "tools/look/cmd_info.c", "#include <arec/thing.h>\n", "has no header"),
    (check_names_of_programs, "tools/frame/command.h", "#pragma once\ntypedef struct ArecCommand X;\n", "ArecCommand"),
    (check_names_of_programs, "tools/look/look.h", "#pragma once\nint arec_cmd_info (void);\n", "arec_cmd_info"),
    (check_names_of_programs, "fs/base/log.h", "#pragma once\n#define AREC_LOG 1\n", "AREC_LOG"),
    (check_readmes, "engine/riegeli/README.md", None, "engine/riegeli"),
    (check_readmes, "fs/read/README.md", None, "fs/read"),
    (check_readmes, "tools/README.md", "\n", "tools: no README.md"),
    (check_readmes, "tests/lint/README.md", None, "tests/lint"),
    (check_nothing_left_undone, "fs/ops/ops_read.c", f"/* {LEFT_UNDONE[0]}: write */\n", "fs/ops/ops_read.c:1"),
    (check_nothing_left_undone, "tests/lint/test_x.py", f"pass\n# {LEFT_UNDONE[1]}\n", "test_x.py:2"),
    (check_one_door, "fs/ops/ops_read.c", 'void f (void) { fprintf (stderr, "x%d", 1); }\n', "writes past log.c"),
    (check_one_door, "fs/ops/ops_read.c", 'void f (void) { fputs ("x",\n stderr); }\n', "writes past log.c"),
    (check_one_door, "fs/main.c", 'void f (void) { syslog (1, "x"); }\n', "writes past log.c"),
    (check_one_door, "tools/look/cmd_info.c", 'void f (void) { perror ("x"); }\n', "writes past command.c"),
    (check_nothing_left_undone, "README", f"{LEFT_UNDONE[2]}\n", "README:1"),
    (check_citations, "engine/base/low.h", "/* see " "spec/" "container 4 */\n", "low.h:1"),
    (check_citations, "fs/ops/ops.h", "\n/* transpose" ".md 2.1 */\n", "ops.h:2"),
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
    make_tree(tmp_path, {**SOUND, ".gitignore": "/fs/base/extra.c\n", "fs/base/extra.c": '#include "kernel/loop.h"\n'})
    assert check_includes(tmp_path) == []
