"""Runs the program arec; a failed check prints the command line that repeats it."""

import os
import shlex
import subprocess
from dataclasses import dataclass

AREC = os.environ["AREC_BIN"]
TIMEOUT = 120


@dataclass(frozen=True)
class Result:
    command: list
    code: int
    out: bytes
    err: str

    def __str__(self):
        return (f"\nto repeat: {shlex.join(map(os.fsdecode, self.command))}\n"
                f"exit code {self.code}\nstderr: {self.err!r}\nstdout: {self.out[:500]!r}")


def arec(*args, program=AREC, **options):
    """Runs arec with @args; @options are those of subprocess.run."""
    command = [program, *map(os.fsencode, args)]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "timeout": TIMEOUT, **options}
    done = subprocess.run(command, **options)
    return Result(command, done.returncode, done.stdout or b"", (done.stderr or b"").decode())


def succeeds(*args, err="", **options):
    result = arec(*args, **options)
    assert (result.code, result.err) == (0, err), result
    return result.out


def records_of(path):
    """The records of the file @path."""
    sizes = [int(line.split()[1]) for line in succeeds("ls", path).decode().splitlines()]
    data, at, records = succeeds("cat", path), 0, []
    for size in sizes:
        records.append(data[at:at + size])
        at += size
    assert at == len(data)
    return records


def can_read(g):
    """Whether this build reads the golden file @g: transposed chunks and metadata may be missing."""
    return arec("info", g.path).code == 0 and arec("cat", g.path).code == 0
