"""Memory cgroups for tests: `with memory_group(mib) as group` makes a group below our own (v1, or v2 if it has the
controller), and removes it afterwards. If no group can be made, the test is skipped with the reason."""

import contextlib
import re
import time
from pathlib import Path

import pytest


def _mount_of(kind, option=None):
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        kind_here, _, options = after.split(" ", 2)
        if kind_here == kind and (option is None or option in options.split(",")):
            return before.split(" ")[3], Path(before.split(" ")[4])
    return None


def _own_folder(kind, option):
    """The folder of the group that we are in."""
    mount = _mount_of(kind, option)
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if mount and (option in controllers.split(",") if option else controllers == ""):
            root, at = mount
            below = group[len(root):] if root != "/" and group.startswith(root) else group
            folder = at / below.lstrip("/")
            return folder if folder.is_dir() else at
    return None


class Group:
    def __init__(self, folder, limit_file):
        self.folder = folder
        self.limit_file = folder / limit_file

    def enter(self):
        """Moves the calling process in."""
        (self.folder / "cgroup.procs").write_text("0")

    def kills(self):
        """How many processes of the group the kernel has killed because memory ran out."""
        events = self.folder / ("memory.events" if self.limit_file.name == "memory.max" else "memory.oom_control")
        found = re.search(r"^oom_kill (\d+)", events.read_text(), re.M)
        return int(found[1]) if found else 0

    def remove(self):
        for _ in range(100):
            try:
                self.folder.rmdir()
                return
            except OSError:
                time.sleep(0.05)  # its last process is ending
        self.folder.rmdir()


def _make(name):
    """A group without a limit, or the reason why there is none."""
    reason = "no memory cgroups are mounted"
    for kind, option, limit_file in (("cgroup", "memory", "memory.limit_in_bytes"),
                                     ("cgroup2", None, "memory.max")):
        own = _own_folder(kind, option)
        # In v2 a group that has processes cannot have a group with a limit below it: try one beside it.
        for folder in [own, own.parent] if own else []:
            group = Group(folder / name, limit_file)
            try:
                group.folder.mkdir()
            except OSError as error:
                reason = f"{group.folder}: {error.strerror}"
                continue
            if group.limit_file.exists():
                return group, None
            reason = f"{folder}: groups below it have no memory controller"
            group.remove()
    return None, reason


@contextlib.contextmanager
def memory_group(mib, name):
    group, reason = _make(f"arec-{name}")
    if group is None:
        pytest.skip(reason)
    try:
        group.limit_file.write_text(str(mib << 20))
        yield group
    finally:
        group.remove()
