"""The numbers of <arec/stats.h>, all of which every text about them must hold."""

import re
from pathlib import Path

HEADER = Path(__file__).resolve().parent.parent.parent / "engine/include/arec/stats.h"
ROW = re.compile(r"X \((\w+), (COUNTER|GAUGE),")


def _read(name):
    """{number: "counter" or "gauge"} of one list."""
    text = HEADER.read_text()
    begin = text.index(f"#define {name}(X)")
    listed = text[begin:text.index("\n\n", begin)]
    rows = {number: kind.lower() for number, kind in ROW.findall(listed)}
    assert rows and len(rows) == listed.count("X (")
    return rows


ENGINE = _read("AREC_ENGINE_NUMBERS")
MOUNT = _read("AREC_MOUNT_NUMBERS")
REMOTE = _read("AREC_REMOTE_NUMBERS")
DISK_CACHE = _read("AREC_DISK_CACHE_NUMBERS")


def _read_families():
    """{family: [value]} of the counters of servers that have a label."""
    text = HEADER.read_text()
    listed = text[text.index("#define AREC_REMOTE_FAMILIES(F)"):]
    families = {}
    for family, values in re.findall(r"F \((\w+), \w+, (\w+),", listed):
        rows = listed[listed.index(f"#define {values}(X, family, label)"):].split("\n\n")[0]
        families[family] = re.findall(r"X \(family, label, (\w+)\)", rows)
        assert families[family]
    return families


FAMILIES = _read_families()
TIMES = ["first_byte", "request", "wait"]
ALL = {**MOUNT, **ENGINE}
assert len(ALL) == len(MOUNT) + len(ENGINE)


def sample(number):
    """The name of @number in metrics."""
    return f"arecfs_{number}" + ("_total" if ALL[number] == "counter" else "")
