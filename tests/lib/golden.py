"""The files of tests/golden and their records."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parent.parent / "golden"
_MANIFEST = json.loads((DIRECTORY / "manifest.json").read_text())


@dataclass(frozen=True)
class Golden:
    path: Path
    kind: str        # array_record or riegeli
    options: str     # the writer's option string as given
    sizes: tuple     # of the records, bytes
    sha256: tuple    # of the records, hex
    comment: str     # of the metadata chunk; None without one

    @property
    def name(self):
        return self.path.name

    @property
    def transposed(self):
        return "transpose:true" in self.options or "transpose," in self.options

    @property
    def n_records(self):
        return len(self.sizes)

    @property
    def group_size(self):
        for option in self.options.split(","):
            if option.startswith("group_size:"):
                return int(option.removeprefix("group_size:"))
        return 1

    def names(self):
        return record_names(self.n_records)

    def check(self, number, data):
        assert len(data) == self.sizes[number], f"{self.name} record {number}: wrong length"
        assert hashlib.sha256(data).hexdigest() == self.sha256[number], (
            f"{self.name} record {number}: wrong bytes")


def record_names(n):
    """Names of a sequence of @n records: decimal, padded to the width of the last number."""
    width = len(str(n - 1)) if n else 0
    return [f"{i:0{width}d}" for i in range(n)]


def _load():
    found = []
    for file in _MANIFEST["files"]:
        records = _MANIFEST["record_sets"][file["record_set"]]
        assert len(records["sizes"]) == len(records["sha256"]) == records["num_records"]
        found.append(Golden(DIRECTORY / file["file"], file["kind"], file["options"],
                            tuple(records["sizes"]), tuple(records["sha256"]), file.get("file_comment")))
    return found


ALL = _load()
SIMPLE = [g for g in ALL if g.kind == "array_record" and not g.transposed]
TRANSPOSED = [g for g in ALL if g.kind == "array_record" and g.transposed]
RIEGELI = [g for g in ALL if g.kind == "riegeli"]
assert len(ALL) == 40 and len(SIMPLE) == 26 and len(TRANSPOSED) == 6 and len(RIEGELI) == 8


def get(name):
    return next(g for g in ALL if g.name == name)
