"""The targets, and whether the figures meet them."""

import decoding
import images
import peers
import report
import small_files
from peers import ARECFS1, ARECFS64, EXT4, NULL, NULL_READDIR, SQUASHFUSE

COLD = small_files.cold(small_files.PLAIN_LISTING)
ONE, TWO = small_files.case_of_readers(1), small_files.case_of_readers(2)
UNCOMPRESSED1 = peers.ours_name(1, "uncompressed")
GROUPS = {ARECFS64: "groups of 64", ARECFS1: "groups of 1"}


def at_least(wanted):
    return lambda value: value >= wanted, f"at least {wanted:g}"


def at_most(wanted):
    return lambda value: value <= wanted, f"at most {wanted:g}"


def exactly(wanted):
    return lambda value: value == wanted, f"exactly {wanted:g}"


class Judge:
    """Collects the rows of the table."""

    def __init__(self, result, quick):
        self.result, self.quick, self.rows = result, quick, []

    def state(self, text, value, bound):
        holds, wording = bound
        verdict = "not measured" if value is None else "pass" if holds(value) else "FAIL"
        measured = "" if value is None else f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
        self.rows.append([f"{text}: {wording}", measured, verdict + (" (tiny inputs)" if self.quick and measured else "")])

    def speed(self, text, ratio, bound):
        """Judges a speed. @ratio: the arguments of Result.ratio ()."""
        self.state(text, self.result.ratio(*ratio), bound)

    def worst(self, text, workload, case, place, value, bound):
        """Judges the worst of the rounds."""
        found = [value(row) for row in self.result.rounds(workload, case, place).values()]
        found = [v for v in found if v is not None]
        self.state(text, max(found) if found else None, bound)


def requests(name):
    return lambda row: row["requests"].get(name, 0) if "requests" in row else None


def since_mount(name):
    return lambda row: row["since_mount"].get(name, 0) if "since_mount" in row else None


def judge_order(judge):
    for place, squashfuse, ext4 in ((ARECFS64, 5, 3), (ARECFS1, 3, None)):
        label = f"cold in order after a plain listing, {GROUPS[place]}"
        judge.speed(f"{label}, to squashfuse_ll", ("inorder", COLD, place, SQUASHFUSE), at_least(squashfuse))
        if ext4:
            judge.speed(f"{label}, to ext4", ("inorder", COLD, place, EXT4), at_least(ext4))
        judge.worst(f"{label}, READs a record", "inorder", COLD, place, report.reads_per_file, at_most(0.05))
        judge.worst(f"{label}, decodes of a chunk", "inorder", COLD, place,
                    lambda row: report.decodes(row) / row["chunks"] if "chunks" in row else None, exactly(1))
    for place, label in GROUPS.items():
        judge.speed(f"warm, {label}, to the null filesystem", ("inorder", "warm", place, NULL), at_least(0.95))
        for name, most in (("OPEN", 1), ("FLUSH", 1), ("RELEASE", 0)):
            judge.worst(f"warm, {label}, {name}s since the mount", "inorder", "warm", place, since_mount(name),
                        at_most(most))


def judge_readers(judge):
    for place, label in GROUPS.items():
        judge.speed(f"2 readers on disjoint halves, cold, {label}, to squashfuse_ll with 2",
                    ("readers", TWO, place, SQUASHFUSE), at_least(2))
        judge.speed(f"2 readers on disjoint halves, cold, {label}, to 1 reader",
                    ("readers", TWO, place, place, ONE), at_least(0.9))


def judge_random(judge):
    for place, label in GROUPS.items():
        judge.speed(f"cold random, {label}, to squashfuse_ll", ("random", "cold", place, SQUASHFUSE), at_least(1.5))
    judge.speed("cold random, groups of 1, to the reference's read ([i])",
                ("random", "cold", ARECFS1, peers.REFERENCE1), at_least(1))


def judge_overhead(judge):
    seconds = judge.result.more_than("overhead", small_files.SOURCE_CACHED, UNCOMPRESSED1, decoding.BOUND)
    judge.state("cold random, uncompressed, groups of 1, source in the page cache: microseconds a file beyond the bare "
                "program and the null filesystem", seconds and 1e6 * seconds, at_most(10))


def judge_images(judge):
    in_order, one, four = (order.case(images.COLD) for order in images.ORDERS[:3])
    for place, label, targets in (
            (images.UNCOMPRESSED1, "uncompressed", [(four, EXT4, 0.8), (four, SQUASHFUSE, 2.5), (one, images.BOUND, 0.9),
                                                    (in_order, EXT4, 1.5), (in_order, SQUASHFUSE, 2)]),
            (images.ZSTD1, "zstd", [(four, EXT4, 0.75)])):
        for case, base, least in targets:
            judge.speed(f"images, {case}, {label}, to {base}", ("images", case, place, base), at_least(least))
    cached = images.ORDERS[2].case(small_files.SOURCE_CACHED)
    judge.state(f"images, {cached}, uncompressed: the server's CPU to that of the bare program",
                judge.result.cpu_ratio("images", cached, images.UNCOMPRESSED1, images.BARE), at_most(1.35))


def judge_large(judge):
    for codec in ("uncompressed", "zstd"):
        ours = peers.ours_name(1, codec)
        judge.speed(f"dd of a large record, {codec}, first pass, to the bare program, then the null filesystem",
                    ("large", f"{codec}, first pass", ours, decoding.BOUND), at_least(0.8))
        judge.speed(f"dd of a large record, {codec}, second pass, to the null filesystem",
                    ("large", f"{codec}, second pass", ours, NULL), at_least(0.9))


def judge_library(judge):
    cases = [decoding.case_of_file(codec, group) for codec in decoding.CODECS for group in (1, 64)]
    for ours, base, bound in ((decoding.LIBRARY, decoding.BARE, 0.9), (decoding.LIBRARY_ALL, decoding.BARE_ALL, 0.9),
                              (decoding.LIBRARY_ALL, decoding.REFERENCE_ALL, 1)):
        ratios = {case: judge.result.ratio("decode", case, ours, base) for case in cases}
        measured = {case: ratio for case, ratio in ratios.items() if ratio is not None}
        least = min(measured, key=measured.get, default="")
        judge.state(f"decode, {ours}, to {base}" + (f", least for {least}" if least else ""), measured.get(least),
                    at_least(bound))


def judge_listing(judge):
    judge.speed("ls -U, to the null filesystem with names only", ("listing", "ls -U", ARECFS64, NULL_READDIR),
                at_least(0.5))
    judge.speed("ls -lU, to the null filesystem", ("listing", "ls -lU", ARECFS64, NULL), at_least(0.5))
    judge.worst("ls -lU, LOOKUPs", "listing", "ls -lU", ARECFS64, requests("LOOKUP"), exactly(0))


def judge_memory(judge):
    for pattern in decoding.PATTERNS:
        judge.worst(f"8 readers {pattern}, peak memory of what is allowed", "memory", decoding.case_of_memory(pattern),
                    ARECFS64, lambda row: row["peak"] / row["allowed"], at_most(1))


# The judge of each workload.
JUDGES = {"inorder": judge_order, "readers": judge_readers, "random": judge_random, "overhead": judge_overhead,
          "images": judge_images, "large": judge_large, "decode": judge_library, "listing": judge_listing, "memory": judge_memory}


def judge(result, quick=False):
    """[(target, measured, verdict)]"""
    collected = Judge(result, quick)
    for each in JUDGES.values():
        each(collected)
    return collected.rows
