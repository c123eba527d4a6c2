"""The kernel's caches: dropping them, and noticing that somebody else has.

Whoever may write /proc/sys/vm/drop_caches drops the caches of the whole machine, and with them what a mount
is not asked for again. So a test that counts requests is right only while nobody does.
"""


_DROPS = ("drop_pagecache", "drop_slab")
_ours = 0  # drops by this process


def _dropped():
    """How often the caches of this machine have been dropped since it started; 0 where the kernel does not tell."""
    with open("/proc/vmstat") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith(_DROPS))


def drop_inodes():
    """Asks the kernel to drop unused directory entries and inodes; whether it may be asked."""
    global _ours
    before = _dropped()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as control:
            control.write("2\n")
    except OSError:
        return False
    _ours += min(_dropped() - before, 1)
    return True


def dropped_by_others():
    """A number that changes whenever somebody else drops the caches."""
    return _dropped() - _ours


def count_undisturbed(attempt, again=lambda: None, most=4):
    """Runs @attempt (), and once more whenever it failed while somebody else dropped the caches.

    @again  called before each further run
    @most   runs in all; the last one fails as it fails
    """
    for left in reversed(range(most)):
        before = dropped_by_others()
        try:
            return attempt()
        except AssertionError as error:
            if left == 0 or dropped_by_others() == before:
                raise
            print(f"counted again, as the caches were dropped meanwhile: {error}")
        again()
