"""All measurements in one go: corpora, peers, workloads, tables, targets, plots. `run` starts it."""

import argparse
import contextlib
import fcntl
import importlib.util
import os
import pathlib
import shutil
import sys
import time

import common
import corpora
import peers
import report
import targets
import workloads


class Watch:
    """What the server of a place has counted between two moments, without the cost of asking.

    The counters in stats.json are those of the moment when its name is looked up. So between two readings all requests
    of one reading are counted; two readings in a row show how many these are.
    """

    def __init__(self, place, path):
        self.path = path if place.has_stats else None
        if self.path:
            self.chunks = int(os.getxattr(path, "user.arec.chunks"))
            common.stats(path)  # sends the only OPEN and FLUSH
            first = common.stats(path)
            self.last = common.stats(path)
            self.cost = common.difference(common.request_counts(first), common.request_counts(self.last))

    def lap(self):
        """{} or the growth of the counters since the last one."""
        if not self.path:
            return {}
        before, self.last = self.last, common.stats(self.path)
        counts = common.difference(common.request_counts(before), common.request_counts(self.last))
        requests = {name: count - self.cost.get(name, 0) for name, count in counts.items()
                    if count > self.cost.get(name, 0)}
        engine = {key: self.last["engine"][key] - before["engine"][key]
                  for key in ("chunks_decoded", "chunks_ahead", "chunks_ahead_wasted") if key in before["engine"]}
        return {"requests": requests, "decodes": engine.pop("chunks_decoded"), "chunks": self.chunks, **engine}

    def totals(self):
        """{} or the requests since the mount, those of reading the counters among them."""
        return {"since_mount": common.request_counts(self.last)} if self.path else {}


class Bench:
    """The options, inputs and turns of every workload, and its results."""

    def __init__(self, args):
        self.args, self.quick = args, args.quick
        self.folder = pathlib.Path(args.dir).resolve()
        self.work = self.folder / "run"
        self.mountpoint = self.work / "mnt"
        self.mountpoint.mkdir(parents=True, exist_ok=True)
        self.reader = common.build_reader(self.work)
        self.cpus = len(os.sched_getaffinity(0))
        self.rows, self.notes, self.workload = [], [], None

    def size(self, full, quick):
        return quick if self.quick else full

    def corpus(self, records, size):
        return corpora.Corpus(self.folder, records, size)

    def images(self, records, kind):
        return corpora.Images(self.folder, records, kind)

    def places(self, corpus, keys):
        """The places @keys that exist. Each missing peer is noted with the reason."""
        found = []
        for key in keys:
            try:
                found.append(peers.place(self, corpus, key))
            except common.BenchError as reason:
                if key not in peers.OPTIONAL:
                    raise
                self.note(f"{key} left out: {reason}")
        return found

    def note(self, text):
        common.progress(text)
        if text not in self.notes:
            self.notes.append(text)

    def turns(self, case, places):
        """(round, place): in each round every place once, another one first each time."""
        for number in range(self.args.rounds):
            first = number % len(places)
            for place in places[first:] + places[:first]:
                begin = time.monotonic()
                yield number, place
                common.progress(f"{self.workload}, {case}, round {number + 1} of {self.args.rounds}, {place.name}: "
                                f"{time.monotonic() - begin:.1f} s")

    def watch(self, place, path):
        return Watch(place, path)

    def add(self, case, place, number, seconds, amount, unit, **more):
        """One figure: @amount of @unit in @seconds."""
        self.rows.append({"workload": self.workload, "case": case, "place": place, "round": number, "seconds": seconds,
                          "amount": amount, "rate": amount / max(seconds, 1e-9), "unit": f"{unit}/s", **more})


@contextlib.contextmanager
def alone(folder):
    """Locks the folder against a second run, and unmounts what a killed run left mounted."""
    work = folder / "run"
    work.mkdir(parents=True, exist_ok=True)
    with open(work / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise common.BenchError(f"{folder}: another run is going on there") from None
        common.unmount(work / "mnt")
        yield


def check_needs():
    """Raises one message that names all that is missing."""
    missing = []
    modules = [module for module in ("array_record", "matplotlib") if not importlib.util.find_spec(module)]
    if modules:
        missing.append(f"Python packages {', '.join(modules)}: python3 -m venv build/venv && build/venv/bin/pip install "
                       "-r tests/requirements.txt -r tests/bench/requirements.txt")
    compiler = os.environ.get("CC", "cc")
    if not shutil.which(compiler):
        missing.append(f"a C compiler: {compiler}")
    for variable, path in (("ARECFS_BIN", "bin/arecfs"), ("BENCH_NULL_FS", "bin/bench.null_fs"),
                           ("BENCH_DECODE_FILE", "bin/bench.decode_file"), ("BENCH_RAW_DECODE", "bin/bench.raw_decode")):
        try:
            common.binary(variable, path)
        except common.BenchError as error:
            missing.append(str(error))
    if os.geteuid() != 0:
        missing.append("root, to mount and to drop the kernel's caches")
    if missing:
        raise common.BenchError("needed:\n  " + "\n  ".join(missing))


def parse():
    chosen = ", ".join(workloads.ALL)
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__.splitlines()[0],
                                     epilog="Workloads: " + "; ".join(f"{name}: {load.about}"
                                                                      for name, load in workloads.ALL.items()))
    parser.add_argument("--quick", action="store_true",
                        help="tiny inputs and one round: shows that the suite works, not how fast anything is")
    parser.add_argument("--only", metavar="WORKLOAD,...", type=lambda text: text.split(","), default=list(workloads.ALL))
    parser.add_argument("--rounds", type=int, help="default 5, 1 with --quick")
    parser.add_argument("--json", metavar="FILE", help="writes everything measured")
    parser.add_argument("--plots", metavar="DIR", help="writes an SVG for each workload")
    parser.add_argument("--report", metavar="FILE",
                        help="writes the report as Markdown; in a file that has them, between the lines "
                             f"{report.BEGIN} and {report.END}")
    parser.add_argument("--dir", default=common.DEFAULT_DIR,
                        help="folder for inputs, which are kept for the next run, and mounts (default %(default)s)")
    parser.add_argument("--arecfs-option", action="append", default=[], metavar="OPTION",
                        help="an option for arecfs, as --arecfs-option=--no-push; may be repeated")
    parser.add_argument("--limit", type=int, default=900, help="seconds after which a mount counts as hanging")
    args = parser.parse_args()
    args.rounds = args.rounds if args.rounds is not None else 1 if args.quick else 5
    unknown = [name for name in args.only if name not in workloads.ALL]
    if unknown or args.rounds < 1:
        parser.error(f"no such workload: {unknown[0]}; there are {chosen}" if unknown else "--rounds is at least 1")
    return args


def measure(bench):
    """Runs the workloads. If one fails, the others still run. Returns whether all succeeded."""
    well = True
    for name in bench.args.only:
        bench.workload = name
        try:
            workloads.ALL[name].run(bench)
        except (common.BenchError, OSError) as error:
            bench.note(f"{name} failed: {error}")
            well = False
    return well


def main():
    args = parse()
    check_needs()
    load = os.getloadavg()[0]
    with alone(pathlib.Path(args.dir).resolve()):
        bench = Bench(args)
        if load > 0.3 * bench.cpus:
            bench.note(f"the machine was busy: load {load:.1f} on {bench.cpus} CPUs at the start, so only ratios and "
                       "counts mean something")
        well, stopped = False, None
        try:
            well = measure(bench)
        except KeyboardInterrupt as stop:
            bench.note("stopped before the end")
            stopped = stop
    result = report.Result(bench)
    text = result.text(targets.judge(result, quick=args.quick))
    print(text)
    common.write_json(args.json, result.data(targets.judge(result, quick=args.quick)))
    report.write_plots(result, args.plots)
    report.write_text(args.report, text)
    if stopped:
        raise stopped
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    common.run_main(main)
