"""The man pages say what --help says, and the other way round."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

import helps  # noqa: E402
from program import arec  # noqa: E402

MAN = ROOT / "tools/man"
PAGES = [*sorted(MAN.glob("*.[1-9]")), ROOT / "fs/arecfs.1", *sorted((ROOT / "engine").glob("*.3"))]
COMMANDS = helps.commands()

# Options that --help leaves out and that no page needs to have, and why. No page and no completion has them.
HIDDEN = {
    "--jobs": "another name of --threads, for those who know it from parallel(1)",
    "--json": "of commands whose output is no table: an error that says what to use",
}


def page_of(command):
    return MAN / f"arec-{command}.1"


def plain(line):
    """The text of a line of a page, without its macro."""
    line = re.sub(r"\\f[A-Z]", "", line).replace("\\-", "-").replace("\\e", "\\").replace("\\&", "")
    macro = re.match(r"\.(?:B|I|R|BR|RB|BI|IB|IR|RI) ", line)
    if not macro:
        return line
    words = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', line[macro.end():])]
    return (" " if len(macro[0]) == 3 else "").join(words)


def tags(text):
    """The lines of @text that begin an entry of a list."""
    return [plain(line) for line in re.findall(r"^\.T[PQ]\n(.*)$", text, re.M)]


def options_in(text):
    """The names of options in the tags of @text."""
    return {name for tag in tags(text) if tag.startswith("-") for name in re.findall(r"(?<![\w=-])--?[A-Za-z0-9][\w-]*", tag)}


def names(options):
    return {name for option in options for name in option.names}


# ---- pages of commands ------------------------------------------------------------------------


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "mount"])
def test_page_has_the_options_of_the_help(command):
    text = page_of(command).read_text()
    assert options_in(text) == names(helps.options_of_command(command))


def test_page_of_arecfs_has_the_options_of_the_help():
    assert options_in((ROOT / "fs/arecfs.1").read_text().split(".SH DIRECTORIES")[0]) == names(helps.options_of("arecfs"))


def test_hidden_options_are_those_of_the_list():
    """In some command they are hidden; the list says why."""
    source = "".join(path.read_text() for path in sorted(ROOT.glob("tools/*/*.c")))
    hidden = {f"--{name}" for name, flags in re.findall(r'\{"([\w-]+)", [^,]+,([^"}]*)', source)
              if "G_OPTION_FLAG_HIDDEN" in flags}
    assert hidden == set(HIDDEN)


def test_page_of_arec_lists_the_commands():
    text = (MAN / "arec.1").read_text()
    listed = re.search(r"^\.SH COMMANDS\n(.*?)^\.SH", text, re.M | re.S)[1]
    assert tags(listed) == list(COMMANDS)
    also = set(re.findall(r"^\.BR arec\\-(\w+) \(1\)", text.split(".SH SEE ALSO")[1], re.M))
    assert also == set(COMMANDS)
    assert set(MAN.glob("arec-*.1")) == set(map(page_of, COMMANDS))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_sections_come_in_order(path):
    """Examples come first in pages of commands; every page of a program has its exit codes."""
    text = path.read_text()
    sections = re.findall(r"^\.SH (.*)$", text, re.M)
    assert sections[:2] == ["NAME", "SYNOPSIS"] and sections[-1] == "SEE ALSO" and len(set(sections)) == len(sections)
    name, section = path.stem, path.suffix[1:]
    assert text.replace("\\-", "-").startswith(f".TH {name.upper()} {section} "), text[:80]
    if section == "1":
        assert "EXIT STATUS" in sections
    if path.parent == MAN and section == "1":
        assert sections[2] == "EXAMPLES"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_that_are_named_exist(path):
    ours = {page.stem: page.suffix[1:] for page in PAGES}
    named = re.findall(r"^\.BR (arec[\w\\-]*) \"?\((\d)\)", path.read_text(), re.M)
    for name, section in named:
        assert ours.get(name.replace("\\-", "-")) == section, name


@pytest.mark.parametrize("path", [path for path in PAGES if path.suffix == ".1"], ids=lambda path: path.name)
def test_examples_have_options_that_exist(path):
    for block in re.findall(r"^\.EX\n(.*?)^\.EE", path.read_text(), re.M | re.S):
        for line in map(plain, block.splitlines()):
            for part in re.split(r"[|;]", line):
                words = shlex.split(part)
                if words[:1] == ["arec"] and words[1] != "mount":
                    known = names(helps.options_of_command(words[1]))
                    given = {word.split("=")[0] for word in words[2:] if re.match(r"--?[A-Za-z]", word)}
                    assert given <= known, line


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_are_well_formed(path):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


# ---- option strings ---------------------------------------------------------------------------

OPTIONS_PAGE = (MAN / "arec_options.7").read_text()
# Keys in one entry of the page.
CODECS = ["uncompressed", "brotli", "zstd", "snappy"]


def message(side, text):
    args = {"WRITER": ["pack", "--options", text, "-o", "absent", "x"], "READER": ["info", "--reader-options", text, "x"]}
    result = arec(*args[side])
    assert result.code == 2, result
    return result.err.split("; try 'arec")[0]


def entries(side):
    """{key: text} of a section of the page."""
    section = re.search(rf"^\.SH {side}\n(.*?)^\.SH", OPTIONS_PAGE, re.M | re.S)[1]
    found = {}
    for tag, body in re.findall(r"^\.TP\n(.*)\n((?:(?!\.TP\n).*\n)*)", section, re.M):
        text = "\n".join(map(plain, body.splitlines()))
        for key in re.findall(r"(?:^|, )([a-z_]+)", plain(tag)):
            found[key] = text
    return found


@pytest.mark.parametrize("side", ["WRITER", "READER"])
def test_every_key_is_described_with_its_range(side):
    keys = re.search(r"valid options: (.*)", message(side, "nosuch:1"))[1].split(", ")
    described = entries(side)
    assert sorted(described) == sorted(keys)
    for key in keys:
        if key in ("default", "uncompressed"):
            continue
        text = described[key]
        valid = re.search(r"valid values: (.*)", message(side, f"{key}:?"))[1]
        for low, high in re.findall(r"\[(-?\d+)\.\.(\d+)\]", valid):
            ends_it = high == str(2**64 - 1)
            wanted = f"from {low}" if ends_it else f"up to {high}" if "integers expressed" in valid else f"{low} to {high}"
            assert wanted in text, f"{key}: {wanted}"
        for word in re.findall(r"\b(auto|offloaded|in_memory)\b", valid):
            assert word in text or word in OPTIONS_PAGE, f"{key}: {word}"
