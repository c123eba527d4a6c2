"""The memory of `arec pack` and `arec convert` stays within what bench_pack_memory.py allows.

AREC_PACK_MEMORY_SCALE multiplies its sizes: 1 is a million files and streams of 10 GB, and takes 6 GB on tmpfs.
"""

import os

import pytest

import bench_pack_memory
import common

SCALE = float(os.environ.get("AREC_PACK_MEMORY_SCALE") or 0.002)
# What takes long at any size is measured when all is.
PARTS = [part for part in bench_pack_memory.CASES if SCALE >= 0.1 or part not in ("groups", "encoders")]


@pytest.mark.skipif(bool(os.environ.get("AREC_SANITIZE")), reason="a sanitizer has memory of its own")
@pytest.mark.parametrize("part", PARTS)
def test_peaks_are_within_what_is_allowed(part, tmp_path):
    results = bench_pack_memory.measure(SCALE, tmp_path, {part})
    above = [f"{what}: {r['peak'] / common.MIB:.0f} of {r['allowed'] / common.MIB:.0f} MiB"
             for what, r in results if not bench_pack_memory.is_within(r)]
    assert results and not above
