"""The completions have every command, option and word that the programs have; real shells complete with them.

A command line is typed into each shell that is installed, and what it offers is compared.
"""

import importlib.machinery
import importlib.util
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tools/completions"
sys.path.insert(0, str(ROOT / "tests/lib"))

import helps  # noqa: E402

TIMEOUT = 60
if os.environ.get("AREC_SANITIZE"):
    pytest.skip("nothing of ours runs here that could be sanitized", allow_module_level=True)

loader = importlib.machinery.SourceFileLoader("make", str(FOLDER / "make"))
make = importlib.util.module_from_spec(importlib.util.spec_from_loader("make", loader))
loader.exec_module(make)

FROM = ["files", "lines", "jsonl", "tfrecord", "tar", "webdataset", "array_record", "riegeli"]
WRITER_PROFILES = ["random", "balanced", "archive", "throughput", "low-latency", "low-memory", "constrained", "high-memory",
                   "cloud"]
READER_PROFILES = ["sequential", "random", "batch", "mixed", "low-memory", "constrained", "high-memory", "cloud", "linux"]
# What is typed, and what may come then. An option that takes a value has no = here.
LINES = {
    "arec pa": ["pack"],
    "arec help con": ["convert"],
    "arec pack --from ": FROM,
    "arec pack --from=t": ["tfrecord", "tar"],
    "arec pack -f --fro": ["--from"],
    "arec convert --profile ": WRITER_PROFILES,
    "arec pack --profile=b": ["balanced"],
    "arec convert --codec=z": ["zstd"],
    "arec pack --codec ": ["uncompressed", "brotli", "zstd", "snappy"],
    "arec cat --frame ": ["tfrecord"],
    "arec unpack --names=": ["stored", "padded", "plain"],
    "arec info --kind ": ["array_record", "riegeli"],
    "arec bench codecs --levels ": ["all"],
    "arec bench acc": ["access"],
    "arec mount --log-level ": ["error", "warning", "message", "info", "debug"],
    "arec mount --profile=s": ["sequential"],
    "arecfs --profile ": READER_PROFILES,
    "arecfs --index-storage-option=": ["in_memory", "offloaded"],
    "arecfs --names=pl": ["plain"],
    "arecfs x --log-level=w": ["warning"],
    "arec info --index-dir su": ["subfolder"],
    "arec info --index-dir=su": ["subfolder"],
    "arec stats su": ["subfolder"],
}
# A list after -o, of which the shells replace different parts.
MOUNT_LINES = {"arecfs -o allow": ["allow_other"], "arecfs -o allow_other,prof": ["profile"], "arec mount -o me": ["merge"]}


def paths():
    """What `--` may follow: every command line that has options."""
    found = {"arecfs": helps.options_of("arecfs"), "arec mount": helps.options_of("arecfs")}
    for command in helps.commands():
        if command != "mount":
            for kind in helps.kinds_of(command) or [""]:
                words = ["arec", command, kind] if kind else ["arec", command]
                found[" ".join(words)] = helps.options_of(*words)
    return found


@pytest.fixture(scope="module")
def lines():
    """{what is typed: what is offered}, all of LINES and all options of all commands."""
    wanted = {**LINES, **MOUNT_LINES, "arec ": [*helps.commands(), "help"],
              "arec help ": list(helps.commands())}
    for command in helps.commands():
        if helps.kinds_of(command):
            wanted[f"arec {command} "] = list(helps.kinds_of(command))
    for path, options in paths().items():
        wanted[f"{path} --"] = [f"--{option.long}" for option in options]
    return wanted


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where the shells are: a folder and files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "subfolder").mkdir()
    (tmp_path / "summary.txt").touch()
    (tmp_path / "train.array_record").touch()
    return tmp_path


def test_files_are_as_they_are_made():
    """If this fails, run tools/completions/make."""
    made = make.made()
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == {*made, "make"}
    for name, text in made.items():
        assert (FOLDER / name).read_text() == text, f"{name} is not up to date: run tools/completions/make"


def test_words_of_mount_options_are_those_of_the_page():
    page = (ROOT / "fs/arecfs.1").read_text().replace("\\-", "-")
    entry = re.search(r"^\.BR -o [^\n]*\n(.*?)^\.TP", page, re.M | re.S)[1].split("mount.fuse3")[0]
    described = re.findall(r"^\.BI? ([a-z_]+=?)", entry, re.M)
    assert sorted(set(described) - {"default_permissions"}) == sorted(make.MOUNT_WORDS)


@pytest.mark.parametrize("option", make.CHOICES + list(make.WORDS) + make.FILES + make.FOLDERS + make.REPEATED)
def test_tables_name_options_that_exist(option):
    assert option in {f"--{known.long}" for options in paths().values() for known in options}


def offered(replies):
    """Words without what the shells append: a value's =, a folder's /, a list before the last comma."""
    # zsh looks for files more than once.
    return sorted({re.split(r",(?=[a-z])", word)[-1].rstrip("=/") for word in replies})


def compare(lines, replies):
    for line, words in lines.items():
        got = [word.removeprefix(line.split()[-1].split("=")[0] + "=") if "=" in line else word for word in replies[line]]
        assert offered(got) == sorted(words), f"{line!r} offers {replies[line]}"


def needs(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")


# ---- bash -------------------------------------------------------------------------------------


def bash_words(line):
    """The words into which readline splits @line: also at = and :, which are words themselves."""
    return [part for word in line.split(" ") for part in (re.findall(r"[=:]+|[^=:]+", word) or [""])]


def ask_bash(lines, breaks=bash_words):
    script = [f"source '{FOLDER}/{name}.bash'" for name in helps.PROGRAMS]
    for line in lines:
        words = breaks(line)
        quoted = " ".join(f"'{word}'" for word in words)
        script += [f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMPREPLY=()", f"_{words[0]} 2>/dev/null",
                   "printf '%s\\n' \"${COMPREPLY[@]}\" --end--"]
    done = subprocess.run(["bash", "--norc"], input="\n".join(script) + "\n", capture_output=True, text=True, timeout=TIMEOUT,
                          check=True)
    assert done.stderr == "", done.stderr
    replies = [[word for word in part.split("\n") if word] for part in done.stdout.split("--end--\n")]
    return dict(zip(lines, replies))


def test_bash(lines, folder):
    compare(lines, ask_bash(lines))


def test_bash_that_splits_at_blanks_alone(lines, folder):
    """Some users take = and : out of COMP_WORDBREAKS."""
    compare(lines, ask_bash(lines, lambda line: line.split(" ")))


def test_bash_leaves_files_to_readline(folder):
    lines = ["arec info tr", "arec pack -o ", "arec pack --from=lines -", "arec cat x :1"]
    replies = ask_bash(lines)
    assert replies[lines[0]] == replies[lines[1]] == replies[lines[3]] == []
    assert "-o" in replies[lines[2]]


# ---- zsh --------------------------------------------------------------------------------------

# Notes the matches, a line each, and a mark after each command line.
ZSH = r"""
PROMPT= RPROMPT=
unsetopt autolist automenu
fpath=($FOLDER $fpath)
autoload -U compinit && compinit -u -D
zstyle ':completion:*' completer _complete
zstyle ':completion:*' verbose false
compadd () {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    typeset -a hits
    builtin compadd -A hits "$@"
    (( $#hits )) && print -rl -- $hits >>$ANSWERS
    builtin compadd "$@"
}
ask () { zle complete-word; print -r -- --end-- >>$ANSWERS }
zle -N ask
bindkey '^I' ask
precmd () { print -r -- --ready-- >>$ANSWERS }
"""


class Typist:
    """Types into a shell at a terminal of its own, and reads the file that the shell writes."""

    def __init__(self, argv, environment, answers):
        self.answers = answers
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, environment)
        threading.Thread(target=self.drain, daemon=True).start()

    def drain(self):
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass

    def type(self, text, mark):
        """Types @text, and waits until the file ends in @mark once more. Returns what is new in the file."""
        before = len(self.answers.read_text())
        os.write(self.terminal, text.encode())
        give_up = time.monotonic() + TIMEOUT
        while not (new := self.answers.read_text()[before:]).endswith(f"{mark}\n"):
            assert time.monotonic() < give_up, f"no answer to {text!r}"
            time.sleep(0.01)
        return new.split("\n")[:-2]

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def ask_zsh(lines, folder):
    answers, start = folder / ".answers", folder / ".start"
    answers.touch()
    start.write_text(ZSH)
    environment = {**os.environ, "FOLDER": str(FOLDER), "ANSWERS": str(answers), "TERM": "vt100"}
    zsh = Typist(["zsh", "-f", "-i", "-o", "nobeep"], environment, answers)
    try:
        zsh.type(f"source {start}\n", "--ready--")
        return {line: zsh.type(f"\x15{line}\t", "--end--") for line in lines}
    finally:
        zsh.close()


def test_zsh(lines, folder):
    needs("zsh")
    compare(lines, ask_zsh(lines, folder))


# ---- fish -------------------------------------------------------------------------------------


def test_fish(lines, folder):
    needs("fish")
    script = [f"source '{FOLDER}/{name}.fish'" for name in helps.PROGRAMS]
    for line in lines:
        script += [f"complete -C '{line}'", "echo --end--"]
    done = subprocess.run(["fish", "--no-config"], input="\n".join(script) + "\n", capture_output=True, text=True,
                          timeout=TIMEOUT, check=True, env={**os.environ, "HOME": str(folder)})
    assert done.stderr == "", done.stderr
    replies = [[word.split("\t")[0] for word in part.split("\n") if word] for part in done.stdout.split("--end--\n")]
    compare(lines, dict(zip(lines, replies)))
