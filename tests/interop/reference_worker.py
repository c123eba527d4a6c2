"""Reads whole files with the reference implementation, which hostile files can crash or hang.

The process takes paths from standard input, one at a time, and answers each with one line:

    ok COUNT SHA256     every record was read; hashed as tests/interop/read_files.c does
    no MESSAGE          the file, or a record of it, was refused
    crashed REASON      the reference ended the process, or could not allocate what the file asked for
    hung                it gave no answer in time

A child that inherits standard input and the imported module does the work. When it dies, the next one is forked from
this process, in which the reference has no threads. Nothing is read ahead, so no path is lost.
"""

import hashlib
import os
import resource
import signal
import struct
import sys

from array_record.python.array_record_module import ArrayRecordReader

TIMEOUT = 20  # seconds for one file
MEMORY = 5 << 30  # bytes of address space: it allocates what a footer's offsets say, and 64 threads reserve much
MAX_RECORDS = 1 << 20  # no file of the test has more; what a footer claims may be anything


def read_file(path):
    try:
        return read_records(path)
    except (MemoryError, ValueError) as error:  # std::bad_alloc and std::length_error, which C++ does not expect
        return f"crashed {type(error).__name__}"


def read_records(path):
    reader = ArrayRecordReader(path, "readahead_buffer_size:0,max_parallelism:0")
    n = reader.num_records()
    if not reader.ok():
        return refusal(reader)
    digest = hashlib.sha256()
    for i in range(min(n, MAX_RECORDS)):
        try:
            record = reader.read()
        except IndexError:
            return f"no the records end after {i} of {n}"
        except RuntimeError as error:
            return refusal_for(str(error))
        digest.update(struct.pack("<Q", len(record)) + record)
    if n > MAX_RECORDS:
        return f"no {n} records are more than any file has"
    return f"ok {n} {digest.hexdigest()}"


def refusal(reader):
    """Why a reader could not be opened, which its first read says."""
    try:
        reader.read()
        return "no (failed without a message)"
    except (RuntimeError, IndexError) as error:
        return refusal_for(str(error))


def refusal_for(message):
    return "crashed MemoryError" if "not enough memory" in message else f"no {message}"


def take_line():
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return None
        line += byte
    return os.fsdecode(bytes(line[:-1]))


def answer(line):
    os.write(1, " ".join(line.split()).encode(errors="backslashreplace")[:2000] + b"\n")


def serve():
    """Answers until the input ends, or a crash or the alarm ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (path := take_line()) is not None:
        signal.alarm(TIMEOUT)  # the default action ends the process wherever it is
        line = read_file(path)
        signal.alarm(0)
        answer(line)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        child = os.fork()
        if child == 0:
            serve()
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            answer("hung")
        elif os.WIFSIGNALED(status):
            answer(f"crashed {signal.Signals(os.WTERMSIG(status)).name}")
        elif os.WEXITSTATUS(status) != 0:
            sys.exit(f"the worker ended with {os.WEXITSTATUS(status)}")
        else:
            return


if __name__ == "__main__":
    main()
