"""Gives the same damaged files to libarec and to the reference, and compares which they accept and what they read.

    python tests/interop/differential.py --bodies 20000 --seed 7 [--arec BIN] [--vectors DIR] [--keep DIR]

Bodies of the golden files and of the vectors are mutated (mutations.py), wrapped into small files whose hashes are
right, and read by both sides; so are files with changed footers (footers.py). The answers must be the same except in
cases that `judge` names: limits of ours, rules of ours that the reference does not have, corner cases of Zstd
libraries, and crashes of the reference. Each is recognised in the file, never by the answers alone, and counted.
"""

import argparse
import hashlib
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import bodies  # noqa: E402
import footers  # noqa: E402
import golden  # noqa: E402
import mutations  # noqa: E402
from container import Container  # noqa: E402
from native import take_varint, zstd_decompress, zstd_streams  # noqa: E402

VECTORS = golden.DIRECTORY / "vectors"
PATIENCE = 60  # seconds; the reference's worker gives up earlier by itself
SEED_SIZE = 16384  # bytes of the largest body to start from


# ---- seeds ------------------------------------------------------------------------------------


def golden_bodies():
    """Some chunks of each golden file: the first, the last and the footer."""
    found = []
    for file in golden.ALL:
        if file.kind != "array_record":
            continue
        container = Container(file.path)
        chunks = {c.begin: c for c in [*container.user_chunks[:1], *container.user_chunks[-1:], container.footer]}
        for chunk in chunks.values():
            if chunk.data_size <= SEED_SIZE:
                found.append(bodies.Body(chunk.kind, chunk.n_records, chunk.decoded_size, container.data(chunk),
                                         f"{file.name}:{chunk.begin}"))
    return found


def vector_bodies(directory):
    """Sound transposed bodies with their records, and broken ones; all have a record, as chunks of ArrayRecord do."""
    manifest = json.loads((directory / "manifest.json").read_text())
    found = []
    for entry in manifest["chunks"]:
        records = manifest["record_sets"][entry["record_set"]]
        records = tuple(map(bytes.fromhex, records["records_hex"] if isinstance(records, dict) else records))
        if entry["decode_num_records"] > 0:
            found.append(bodies.Body("t", entry["decode_num_records"], entry["decoded_data_size"],
                                     (directory / entry["file"]).read_bytes(), entry["file"], records))
    for entry in manifest["invalid"]:
        found.append(bodies.Body("t", max(1, entry["num_records"]), entry["decoded_data_size"],
                                 (directory / entry["file"]).read_bytes(), entry["file"]))
    return found


def load_seeds(vectors=VECTORS):
    seeds = golden_bodies() + vector_bodies(vectors)
    seeds += [bodies.simple_body(records, codec, f"made{i}") for codec in bodies.CODECS
              for i, records in enumerate([[b""], [b"a"], [b"", b"abc", b"", b"de"], [bytes(300)] * 2])]
    return seeds


# ---- cases ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    family: str     # simple, transposed, footer
    what: str       # seed and mutations
    built: footers.Built


# Of 20 cases; the rest change footers.
N_SIMPLE, N_TRANSPOSED = 6, 9


def random_case(rng, seeds, family=None):
    """A random case. Small bodies are taken more often than large ones."""
    lot = rng.randrange(20)
    family = family or ("simple" if lot < N_SIMPLE else "transposed" if lot < N_SIMPLE + N_TRANSPOSED else "footer")
    if family == "footer":
        names, built = footers.random_case(rng)
        return Case(family, "+".join(names), built)
    mine = [seed for seed in seeds if seed.kind == ("r" if family == "simple" else "t")]
    body, other = (min(rng.sample(mine, 2), key=lambda b: len(b.data)) for _ in range(2))
    if rng.random() < 0.05:
        other = rng.choice(seeds)
    names, changed = mutations.mutate(rng, body, other)
    return Case(family, f"{body.name} {'+'.join(names)}", footers.single(changed))


# ---- the two sides ----------------------------------------------------------------------------


class Side:
    """A process that answers each path with a line. It is started again if it dies or does not answer."""

    def __init__(self, name, command):
        self.name, self.command, self.process = name, command, None

    def ask(self, path):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, start_new_session=True)
        self.process.stdin.write(os.fsencode(path) + b"\n")
        self.process.stdin.flush()

    def answer(self):
        line, out = bytearray(), self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            if not select.select([out], [], [], PATIENCE)[0]:
                self.stop()
                return "hung"
            more = os.read(out, 65536)
            if not more:
                status = self.process.wait()
                self.stop()
                return f"crashed {status}"
            line += more
        return line.decode(errors="replace").rstrip("\n")

    def stop(self):
        """Ends the process and its children, which are one process group."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None


class Sides:
    def __init__(self, reader):
        self.ours = Side("arec", [str(reader)])
        self.theirs = Side("reference", [sys.executable, str(HERE / "reference_worker.py")])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ours.stop()
        self.theirs.stop()

    def read(self, path):
        """The answers of both sides, which work at the same time."""
        self.ours.ask(path)
        self.theirs.ask(path)
        return self.ours.answer(), self.theirs.answer()


def answer_for(records):
    """The answer of a side that reads these records."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(struct.pack("<Q", len(record)) + record)
    return f"ok {len(records)} {digest.hexdigest()}"


# ---- corner cases of Zstd ---------------------------------------------------------------------


def _walk_blocks(blocks):
    """(type, length) of each Zstd block: 0 raw, 1 repeated byte, 2 compressed, 3 reserved."""
    at = 0
    while at + 3 <= len(blocks):
        header = int.from_bytes(blocks[at:at + 3], "little")
        kind, size = header >> 1 & 3, header >> 3
        yield kind, size
        at += 3 + (1 if kind == 1 else size)
        if header & 1:
            return


def zstd_corner(stream):
    """The corner case of a Zstd stream in which libraries and their modes differ (FORMAT.md 5), or None."""
    if len(stream) >= 8 and 0x184D2A50 <= int.from_bytes(stream[:4], "little") <= 0x184D2A5F:
        return "a lone skippable frame"
    header = bodies.zstd_header(stream)
    if header is None:
        return None
    if header.window > 1 << 31:
        return "a window above 2 GiB"
    blocks = list(_walk_blocks(bodies.zstd_blocks(stream)))
    if (2, 0) in blocks:
        return "a compressed block of length 0"
    # RFC 8878, 3.1.1.2.4: no block may be larger than the window. With fewer blocks than windows in the content one is.
    # The one-shot decoder of libzstd 1.5.4 accepted it until a security update of Debian's. Decoding the blocks with a
    # header of a large window gives their content.
    roomy = stream[:4] + bytes([stream[4] & 4, 11 << 3]) + stream[header.blocks_at:]
    plain = zstd_decompress(roomy, 1 << 20)
    if plain is not None and len(blocks) * header.window < len(plain):
        return "a block larger than its window"
    return None


def zstd_streams_of(body):
    """The Zstd streams that can be found in a body."""
    return [block[take_varint(block, 0)[1]:] for block in bodies.blocks(body)] if body.codec == bodies.ZSTD else []


def corners(body):
    """The corner cases of all streams of a body."""
    return [corner for corner in map(zstd_corner, zstd_streams_of(body)) if corner]


def is_for_newer_zstd(built, theirs):
    """Whether the reference's libzstd refuses a stream that the system's accepts when streaming like the reference.
    Newer versions require that a block's sequences end with their bits; 1.5.4 reads zeros after them."""
    streams = [stream for body in built.bodies for stream in zstd_streams_of(body)]
    return (theirs.startswith("no ZSTD_decompressStream() failed: Data corruption detected") and streams and
            all(map(zstd_streams, streams)))


# ---- judging ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    name: str
    disagreement: bool = False


def _bad(why):
    return Verdict(why, disagreement=True)


def judge(built, ours, theirs):
    """The verdict on the answers of both sides to one file."""
    if ours.split()[0] not in ("ok", "no"):
        return _bad("arec " + ours.split()[0])
    if ours.startswith("no") and ours.split()[1] not in ("CORRUPT", "UNSUPPORTED", "LIMIT"):
        return _bad("arec's error is not about the file")
    rules = footers.broken_rules(built)
    if rules:
        return _bad(f"arec takes {rules[0]}") if ours.startswith("ok") else Verdict(
            f"stricter: {rules[0]}" if theirs.startswith("ok") else f"rejected by both: {rules[0]}"
            if theirs.startswith("no") else f"reference {theirs.split()[0]}: {rules[0]}")
    if ours.startswith("no LIMIT"):
        return Verdict(f"limit of ours, reference says {theirs.split()[0]}")
    uneven = footers.uneven_records(built)
    if uneven is not None:
        return Verdict("uneven groups, read right by arec") if ours == answer_for(uneven) else _bad(
            "uneven groups read wrong")
    if theirs.split()[0] not in ("ok", "no"):
        return Verdict(f"reference {theirs.split()[0]}, arec says {ours.split()[0]}")
    if ours == theirs:
        return Verdict("accepted by both, same records")
    if ours.startswith("no") and theirs.startswith("no"):
        return Verdict("rejected by both")
    corner = [corner for body in built.bodies for corner in corners(body)]
    if corner:
        return Verdict(f"Zstd: {corner[0]}")
    if ours.startswith("ok") and is_for_newer_zstd(built, theirs):
        return Verdict("Zstd: refused by the newer library of the reference")
    if ours.startswith("ok") and theirs.startswith("ok"):
        return _bad("different records")
    return _bad("only arec accepts" if ours.startswith("ok") else "only the reference accepts")


# ---- a run ------------------------------------------------------------------------------------


@dataclass
class Result:
    seed: int
    counts: Counter        # of (family, verdict)
    disagreements: list    # of texts, each with a command to repeat it

    def n(self, text):
        """Cases whose verdict contains @text."""
        return sum(count for (_, name), count in self.counts.items() if text in name)

    def table(self):
        families = ["simple", "transposed", "footer"]
        lines = [f"seed {self.seed}" + "".join(f"{family:>12}" for family in families) + "       total"]
        width = max([len(name) for _, name in self.counts] + [len(lines[0]) - 48])
        lines[0] = lines[0].replace(f"seed {self.seed}", f"seed {self.seed}".ljust(width), 1)
        for name in sorted({name for _, name in self.counts}):
            row = [self.counts[family, name] for family in families]
            lines.append(name.ljust(width) + "".join(f"{n:12}" for n in [*row, sum(row)]))
        return "\n".join(lines)


def run(reader, seeds, seed, n_cases, keep, family=None):
    """Runs @n_cases cases. Case i depends on @seed and i only, so one can be repeated alone. Files on which the sides
    disagree stay in @keep."""
    result = Result(seed, Counter(), [])
    with Sides(reader) as sides, tempfile.TemporaryDirectory(prefix="arec-differential-") as directory:
        path = Path(directory) / "case.array_record"
        for i in range(n_cases):
            case = random_case(random.Random(f"{seed} {i}"), seeds, family)
            path.write_bytes(case.built.content)
            ours, theirs = sides.read(path)
            verdict = judge(case.built, ours, theirs)
            name = ("DISAGREEMENT: " if verdict.disagreement else "") + verdict.name
            result.counts[case.family, name] += 1
            if verdict.disagreement:
                kept = Path(keep) / f"{seed}-{i}.array_record"
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(case.built.content)
                result.disagreements.append(
                    f"{verdict.name}: case {i} of seed {seed}: {case.family}: {case.what}\n  arec: {ours}\n"
                    f"  reference: {theirs}\n  file: {kept}")
    return result


def reader_program(arec):
    """The program of tests/interop/read_files.c, built beside arec."""
    return Path(arec).resolve().parent / "interop.read_files"


def main():
    parser = argparse.ArgumentParser(description="mutated files, read by libarec and by the reference")
    parser.add_argument("--bodies", type=int, default=1500, metavar="N", help="how many files")
    parser.add_argument("--seed", type=int, default=None, help="default: a random one, which is printed")
    parser.add_argument("--family", choices=["simple", "transposed", "footer"])
    parser.add_argument("--arec", default=os.environ.get("AREC_BIN", "build/release/bin/arec"))
    parser.add_argument("--vectors", type=Path, default=VECTORS, metavar="DIR")
    parser.add_argument("--keep", default="build/differential", metavar="DIR", help="for files of disagreements")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    result = run(reader_program(options.arec), load_seeds(options.vectors), seed, options.bodies, options.keep,
                 options.family)
    print(result.table())
    for text in result.disagreements:
        print("\n" + text)
    return 1 if result.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
