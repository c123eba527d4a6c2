"""Tests that count requests: on a machine so busy that a server seems to stall, a request is made again."""

import functools

ATTEMPTS = 3


def undisturbed(test):
    """Only a count that is wrong every time is a failure."""
    @functools.wraps(test)
    def run(*args, **kwargs):
        for _ in range(ATTEMPTS - 1):
            try:
                return test(*args, **kwargs)
            except AssertionError:
                pass
        return test(*args, **kwargs)
    return run
