"""Pages of the page cache that a test holds there, or watches leave.

A kernel may take idle pages out of the page cache without any want of memory (DAMON's pageout does, and /proc/vmstat
does not count it), and a memory cgroup takes those of its own at its limit. What left a mount's files is read again.
"""

import ctypes
import mmap
import os
import tempfile

_libc = ctypes.CDLL(None, use_errno=True)
_MAP_FAILED = ctypes.c_void_p(-1).value
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def _check(is_right):
    if not is_right:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class _Mapping:
    """All of a file, which may be open for reading only. It is mapped until this is closed."""

    def __init__(self, fd):
        self.size = os.fstat(fd).st_size
        self.address = _libc.mmap(None, self.size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
        _check(self.address != _MAP_FAILED)

    def lock(self):
        _check(_libc.mlock(ctypes.c_void_p(self.address), ctypes.c_size_t(self.size)) == 0)

    def resident(self):
        """How many of its pages are in the page cache."""
        pages = (ctypes.c_ubyte * -(-self.size // mmap.PAGESIZE))()
        _check(_libc.mincore(ctypes.c_void_p(self.address), ctypes.c_size_t(self.size), pages) == 0)
        return sum(page & 1 for page in pages)

    def close(self):
        _libc.munmap(ctypes.c_void_p(self.address), ctypes.c_size_t(self.size))


class Held:
    """Files whose pages stay in the page cache until the end of a with statement."""

    def __init__(self):
        self._mappings = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for mapping in self._mappings:
            mapping.close()

    def add(self, path):
        """Reads the file @path, unless it is empty, and holds it."""
        with open(path, "rb") as f:
            if os.fstat(f.fileno()).st_size > 0:
                self._mappings.append(_Mapping(f.fileno()))
                self._mappings[-1].lock()

    def resident(self):
        """How many pages of them are in the page cache."""
        return sum(mapping.resident() for mapping in self._mappings)


class Witness:
    """A file in the page cache that nobody reads: its pages leave when idle ones have to.

    Where $TMPDIR is a tmpfs they never do.
    """

    PAGES = 4096

    def __init__(self):
        self._file = tempfile.TemporaryFile()
        self._file.write(bytes(self.PAGES * mmap.PAGESIZE))
        self._file.flush()
        os.fsync(self._file.fileno())  # a page that must be written first does not leave
        self._mapping = _Mapping(self._file.fileno())

    def fill(self):
        """Brings back what has left."""
        self._file.seek(0)
        while self._file.read(1 << 20):
            pass

    def lost(self):
        """How many pages have left since then."""
        return self.PAGES - self._mapping.resident()
