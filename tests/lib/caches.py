"""The kernel's caches: dropping them, and noticing that they have been dropped.

A process that writes /proc/sys/vm/drop_caches drops the caches of the whole machine, and then the kernel asks every
mount again for what it had cached. It also does so for pages that it has taken out because they were idle. So a test
that counts requests is right only while neither happens.
"""

import functools

import page_cache

_DROPS = ("drop_pagecache", "drop_slab")
_ours = 0  # drops by this process


def _dropped():
    """How often the caches of this machine have been dropped since it started; 0 if the kernel does not count that."""
    with open("/proc/vmstat") as lines:
        return sum(int(line.split()[1]) for line in lines if line.startswith(_DROPS))


def drop_inodes():
    """Makes the kernel drop unused directory entries and inodes; returns whether this process may do that."""
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
    """A number that changes whenever another process drops the caches."""
    return _dropped() - _ours


@functools.cache
def _witness():
    return page_cache.Witness()


def count_undisturbed(attempt, again=lambda: None, most=4, witness=None):
    """Runs @attempt (), and again each time that it failed while pages left the caches by no doing of ours.

    @again    called before each further run
    @most     runs in all; the last one fails as it fails
    @witness  a page_cache.Witness, or what behaves like one; None: one that all calls share
    """
    witness = witness or _witness()
    for left in reversed(range(most)):
        before = dropped_by_others()
        witness.fill()
        try:
            return attempt()
        except AssertionError as error:
            disturbance = ("another process dropped the caches" if dropped_by_others() != before else
                           "the kernel took idle pages" if witness.lost() > 0 else None)
            if left == 0 or disturbance is None:
                raise
            print(f"counted again, as {disturbance} meanwhile: {error}")
        again()
