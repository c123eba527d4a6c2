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
assert os.path.exists(LIBRARY), f"{LIBRARY} is not built"  # the loader only warns about a missing preload
EVERYWHERE = 1 << 62


class FailingDevice:
    def __init__(self, directory):
        self._control = directory / "failing-device"
        self._rules = []
        self.environment = {"LD_PRELOAD": LIBRARY, "AREC_FAILING_DEVICE": str(self._control)}

    def hits(self, call):
        """How often rules for @call have been applied until now."""
        noted = self._control.with_name(f"{self._control.name}.{call}")
        return noted.stat().st_size if noted.exists() else 0

    @contextlib.contextmanager
    def fails(self, path, call, number=1, begin=0, end=EVERYWHERE):
        """A rule of failing_device.c for the file @path, which holds during the block."""
        info = os.stat(path)
        with self._rule(f"{call} {os.major(info.st_dev)} {os.minor(info.st_dev)} {info.st_ino} {number} "
                        f"{begin} {end}\n"):
            yield

    def output_fails(self, call, number, nth=0):
        """The rule for the @nth call on what the program writes, for the time of the block; 0: for each."""
        return self._rule(f"{call} output {number} {nth}\n")

    def output_signals(self, call, number, nth=0):
        """The same for a signal that comes when the call has been made."""
        return self._rule(f"{call} signal {number} {nth}\n")

    @contextlib.contextmanager
    def _rule(self, rule):
        self._rules.append(rule)
        self._write()
        try:
            yield
        finally:
            self._rules.remove(rule)
            self._write()

    def _write(self):
        """Replaces the file in one step, so that the library never reads half of it."""
        if not self._rules:
            self._control.unlink()
            return
        fresh = self._control.with_suffix(".fresh")
        fresh.write_text("".join(self._rules))
        os.replace(fresh, self._control)
