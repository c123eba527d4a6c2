"""A device whose calls fail when a test says so: rules for failing_device.c, which is preloaded.

    device = FailingDevice(tmp_path)
    with mounted(path, environment=device.environment) as mount:
        with device.fails(path, "read", errno.EIO, begin, end):
            ...
        ...                      # it has recovered
"""

import contextlib
import os
from pathlib import Path

# ctest names it; by hand, it is where the same build put it.
LIBRARY = (os.environ.get("AREC_FAILING_DEVICE_LIBRARY") or
           str(Path(os.environ["ARECFS_BIN"]).resolve().parents[1] /
               "tests/libarec_failing_device.so"))
assert os.path.exists(LIBRARY), f"{LIBRARY} is not built"  # a preload that is missing only warns
EVERYWHERE = 1 << 62


class FailingDevice:
    def __init__(self, directory):
        self._control = directory / "failing-device"
        self._rules = []
        self.environment = {"LD_PRELOAD": LIBRARY, "AREC_FAILING_DEVICE": str(self._control)}

    def hits(self, call):
        """How often rules for @call were followed until now."""
        noted = self._control.with_name(f"{self._control.name}.{call}")
        return noted.stat().st_size if noted.exists() else 0

    @contextlib.contextmanager
    def fails(self, path, call, number=1, begin=0, end=EVERYWHERE):
        """A rule of failing_device.c for the file @path, for the time of the block."""
        info = os.stat(path)
        rule = (f"{call} {os.major(info.st_dev)} {os.minor(info.st_dev)} {info.st_ino} {number} "
                f"{begin} {end}\n")
        self._rules.append(rule)
        self._write()
        try:
            yield
        finally:
            self._rules.remove(rule)
            self._write()

    def _write(self):
        """In one step, so that nobody reads half of it."""
        if not self._rules:
            self._control.unlink()
            return
        fresh = self._control.with_suffix(".fresh")
        fresh.write_text("".join(self._rules))
        os.replace(fresh, self._control)
