"""What a test leaves out with a sanitizer, with which programs take many times as long: the build without one has run
every case and compared every result, and the same few paths of the code lead through all of them."""

import os

SANITIZED = bool(os.environ.get("AREC_SANITIZE"))
EVERY = 4 if SANITIZED else 1


def sample(cases, first=0):
    """The list @cases; with a sanitizer every fourth, from the one numbered @first on."""
    return cases[first % EVERY::EVERY]
