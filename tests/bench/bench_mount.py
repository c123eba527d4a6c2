#!/usr/bin/env python3
"""Small files through mounts: files per second, cold and warm, beside squashfuse_ll and plain files.

The same records are in four places: an ArrayRecord file in groups of 64 and one in groups of 1, both zstd, mounted by
arecfs; a squashfs image (zstd) mounted by squashfuse_ll; a directory of plain files. In every round each place has its
turn, a different one first each time. A turn drops the caches, mounts, lists, then opens, reads and closes every file
in order (cold), and lists and reads once more (warm). The table has medians over the rounds.
"""

import argparse
import pathlib
import shutil
import subprocess

import common
import make_shard

SQUASHFUSE, PLAIN = "squashfuse_ll", "plain files"
ARECFS = {"arecfs, groups of 64": "group_size:64,zstd", "arecfs, groups of 1": "group_size:1,zstd"}
NAMES = {"arecfs64": "arecfs, groups of 64", "arecfs1": "arecfs, groups of 1", "squashfuse": SQUASHFUSE, "plain": PLAIN}
PASSES = ["cold", "warm"]


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = pathlib.Path(args.dir).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.reader = common.build_reader(self.folder)
        self.records = make_shard.Records(args.records, args.size)
        self.places = {name: self.prepare(name) for name in (NAMES[key] for key in args.only)}

    def prepare(self, name):
        """(the server's arguments without the mount point, or None; the file or directory that it serves)"""
        args = self.args
        if name in ARECFS:
            program = common.arecfs_binary()
            source = common.shard(self.folder, args.records, args.size, ARECFS[name])
            return [program, "-f", *args.arecfs_option, source], source
        files = common.plain_files(self.folder, args.records, args.size)
        if name == PLAIN:
            return None, files
        if not shutil.which(SQUASHFUSE):
            raise common.BenchError("squashfuse_ll is missing (Debian: squashfuse)")
        image = common.squashfs(self.folder, files)
        return [SQUASHFUSE, "-f", image], image

    def read_pass(self, path):
        run = subprocess.run([self.reader, path], capture_output=True, text=True)
        if run.returncode != 0:
            raise common.BenchError(f"{path}: {run.stderr.strip()}")
        files, size, list_seconds, read_seconds = run.stdout.split()
        if (int(files), int(size)) != (self.args.records, self.args.records * self.args.size):
            raise common.BenchError(f"{path}: {files} files with {size} bytes are not the records")
        return {"list_seconds": float(list_seconds), "files_per_second": self.args.records / float(read_seconds)}

    def check_bytes(self, path):
        for i in (0, self.args.records // 2, self.args.records - 1):
            if (path / common.record_name(self.args.records, i)).read_bytes() != self.records[i]:
                raise common.BenchError(f"{path}: record {i} has wrong bytes")

    def passes(self, path, with_requests):
        """One cold and one warm pass, with the requests of each if the server counts them."""
        counts = common.request_counts(common.stats(path)) if with_requests else {}
        result = {}
        for name in PASSES:
            result[name] = self.read_pass(path)
            if with_requests:
                now = common.request_counts(common.stats(path))
                result[name]["requests"] = common.difference(counts, now)
                counts = now
        self.check_bytes(path)
        return result

    def turn(self, name):
        argv, source = self.places[name]
        common.drop_caches()
        if argv is None:
            return self.passes(source, False)
        with common.Mount([*argv, self.folder / "mnt"], self.folder / "mnt", self.args.limit) as mount:
            return self.passes(mount.path, name in ARECFS)

    def run(self):
        rounds = []
        names = list(self.places)
        for number in range(self.args.rounds):
            first = number % len(names)
            result = {}
            for name in names[first:] + names[:first]:
                result[name] = self.turn(name)
                common.progress(f"round {number + 1} of {self.args.rounds}, {name}: " + ", ".join(
                    f"{key} {result[name][key]['files_per_second']:,.0f} files/s" for key in PASSES))
            rounds.append(result)
        return rounds


def summary(rounds, names):
    """{place: {pass: medians}}; a ratio is the median of the ratios within a round."""
    result = {}
    for name in names:
        result[name] = {}
        for key in PASSES:
            taken = [r[name][key] for r in rounds]
            cell = {field: common.median([t[field] for t in taken]) for field in ("files_per_second", "list_seconds")}
            for other in (SQUASHFUSE, PLAIN):
                if other in names:
                    cell[f"to_{other.replace(' ', '_')}"] = common.median(
                        [r[name][key]["files_per_second"] / r[other][key]["files_per_second"] for r in rounds])
            if "requests" in taken[0]:
                seen = sorted({request for t in taken for request in t["requests"]})
                cell["requests"] = {request: common.median([t["requests"].get(request, 0) for t in taken])
                                    for request in seen}
            result[name][key] = cell
    return result


def print_summary(medians, records, source_sizes):
    def ratio(cell, other):
        value = cell.get(f"to_{other.replace(' ', '_')}")
        return f"{value:.2f}" if value is not None else ""

    head = ["", "pass", "files/s", "to squashfuse_ll", "to plain files", "list s", "READs per 1000 files", "stored MiB"]
    rows = []
    for name, passes in medians.items():
        for key, cell in passes.items():
            reads = f"{cell['requests'].get('READ', 0) * 1000 / records:.1f}" if "requests" in cell else ""
            rows.append([name, key, f"{cell['files_per_second']:,.0f}", ratio(cell, SQUASHFUSE), ratio(cell, PLAIN),
                         f"{cell['list_seconds']:.3f}", reads, f"{source_sizes[name] / common.MIB:,.0f}"])
    common.print_table(head, rows)
    for name, passes in medians.items():
        for key, cell in passes.items():
            if "requests" in cell:
                requests = ", ".join(f"{request} {count:,.0f}" for request, count in cell["requests"].items())
                print(f"{name}, {key}, requests: {requests or 'none'}")


def stored_size(path):
    if path.is_dir():
        return sum(entry.stat().st_blocks * 512 for entry in path.iterdir())
    return path.stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR,
                        help="folder for inputs, which are kept for the next run, and mounts (default %(default)s)")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--size", type=int, default=4096, help="bytes of a record (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(NAMES),
                        help=f"places to measure, of {','.join(NAMES)} (default: all)")
    parser.add_argument("--arecfs-option", action="append", default=[], metavar="OPTION",
                        help="an option for arecfs, as --arecfs-option=--no-push; may be repeated")
    parser.add_argument("--limit", type=int, default=900, help="seconds after which a mount counts as hanging")
    parser.add_argument("--json", metavar="FILE", help="writes everything measured")
    args = parser.parse_args()
    unknown = [key for key in args.only if key not in NAMES]
    if unknown or args.rounds < 1 or args.records < 1:
        parser.error(f"no such place: {unknown[0]}" if unknown else "--rounds and --records are at least 1")

    bench = Bench(args)
    rounds = bench.run()
    medians = summary(rounds, list(bench.places))
    common.print_machine()
    print(f"{args.records:,} records of {args.size} bytes of text, medians of {args.rounds} rounds; "
          f"files on {common.file_system(bench.folder)}")
    print_summary(medians, args.records, {name: stored_size(source) for name, (_, source) in bench.places.items()})
    common.write_json(args.json, {"machine": common.machine(), "records": args.records, "size": args.size,
                                  "medians": medians, "rounds": rounds})


if __name__ == "__main__":
    common.run_main(main)
