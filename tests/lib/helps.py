"""The commands and options of both programs, as their --help has them."""

import functools
import os
import re
import subprocess
from dataclasses import dataclass

PROGRAMS = {"arec": os.environ["AREC_BIN"], "arecfs": os.environ["ARECFS_BIN"]}
# `  -o, --output=OUT   The file to write`, `  --shuffle[=SEED]   In an order at random`
OPTION = re.compile(r"  (?:-(\w), )?--([a-z0-9-]+)(?:(\[?)=(\S+))?  +(\S.*)")


@dataclass(frozen=True)
class Option:
    short: str      # a letter, or ""
    long: str
    value: str      # what the help calls it, or ""
    needs_it: bool  # whether the value must be there
    summary: str

    @property
    def names(self):
        return [f"-{self.short}"] * bool(self.short) + [f"--{self.long}"]


@functools.cache
def help_of(*words):
    """What `WORDS... --help` prints."""
    done = subprocess.run([PROGRAMS[words[0]], *words[1:], "--help"], capture_output=True, text=True, timeout=120,
                          check=True)
    return done.stdout


def options_of(*words):
    """Of `arec COMMAND`, `arec bench WHAT` or `arecfs`: its options in the order of the help."""
    lines = re.search(r"^Options:\n((?:  .*\n)+)", help_of(*words), re.M)[1].splitlines()
    options = []
    for line in lines:
        found = OPTION.fullmatch(line)
        assert found, f"{' '.join(words)}: no option: {line}"
        short, name, bracket, value, summary = found.groups()
        options.append(Option(short or "", name, (value or "").rstrip("]") if bracket else value or "",
                              bool(value) and not bracket, summary))
    return options


def rows_of(text, heading):
    """{name: summary} of the list below @heading."""
    rows = re.search(rf"^{heading}:\n((?:  .*\n)+)", text, re.M)
    return dict(re.findall(r"^  ([a-z]+) +(\S.*)$", rows[1], re.M)) if rows else {}


def commands():
    """{command: summary} of arec."""
    return rows_of(help_of("arec"), "Commands")


def kinds_of(command):
    """{word: summary} of a command that asks for one more word, such as bench; else {}."""
    return rows_of(help_of("arec", command), "WHAT")


def options_of_command(command):
    """Its options; of a command with kinds those of all of them, each once."""
    if not kinds_of(command):
        return options_of("arec", command)
    return list(dict.fromkeys(option for kind in kinds_of(command) for option in options_of("arec", command, kind)))
