"""Which of many alike cases a test runs. The release build runs all of them; with a sanitizer, where a program takes
several times as long to start, every fourth is enough, as they lead through the same code."""

import os

SANITIZED = bool(os.environ.get("AREC_SANITIZE"))
EVERY = 4 if SANITIZED else 1


def sample(cases, first=0):
    """The list @cases; with a sanitizer every fourth, from the one numbered @first on."""
    return cases[first % EVERY::EVERY]
