"""The results as tables, JSON and plots. A figure is the median over the rounds, a ratio the median of the ratios
within each round."""

import pathlib
import subprocess

import common
import workloads

BEGIN, END = "<!-- report: begin -->", "<!-- report: end -->"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def ordered(values):
    return list(dict.fromkeys(values))


class Result:
    def __init__(self, bench):
        self.rows, self.notes, self.args = bench.rows, bench.notes, bench.args
        self.machine = common.machine()
        version = subprocess.run([common.arecfs_binary(), "--version"], capture_output=True, text=True)
        self.version = version.stdout.splitlines()[0] if version.stdout else "arecfs"

    # ---- figures ----

    def workloads(self):
        return ordered(row["workload"] for row in self.rows)

    def cases(self, workload):
        return ordered(row["case"] for row in self.rows if row["workload"] == workload)

    def places(self, workload, case):
        return ordered(row["place"] for row in self.rows if (row["workload"], row["case"]) == (workload, case))

    def rounds(self, workload, case, place):
        """{round: row}"""
        return {row["round"]: row for row in self.rows
                if (row["workload"], row["case"], row["place"]) == (workload, case, place)}

    def median(self, workload, case, place, value):
        """The median of value (row) over the rounds that have it, or None."""
        found = [value(row) for row in self.rounds(workload, case, place).values()]
        found = [v for v in found if v is not None]
        return common.median(found) if found else None

    def ratio(self, workload, case, place, base, base_case=None):
        """How many times as fast as @base the place is, or None."""
        ours = self.rounds(workload, case, place)
        theirs = self.rounds(workload, base_case or case, base)
        both = [ours[n]["rate"] / theirs[n]["rate"] for n in ours if n in theirs]
        return common.median(both) if both else None

    def more_than(self, workload, case, place, base):
        """Seconds that one unit takes longer than at @base, the median over the rounds; or None."""
        ours, theirs = (self.rounds(workload, case, name) for name in (place, base))
        both = [1 / ours[n]["rate"] - 1 / theirs[n]["rate"] for n in ours if n in theirs]
        return common.median(both) if both else None

    def cpu_ratio(self, workload, case, place, base):
        """How many times the CPU seconds of @base the server of the place takes, the median over the rounds; or None."""
        ours, theirs = (self.rounds(workload, case, name) for name in (place, base))
        both = [ours[n]["server_seconds"] / theirs[n]["server_seconds"] for n in ours
                if n in theirs and theirs[n].get("server_seconds")]
        return common.median(both) if both else None

    # ---- texts ----

    def columns(self, workload, case):
        """[(title, value (place) as text)] of the columns that this case has."""
        rows = [row for row in self.rows if (row["workload"], row["case"]) == (workload, case)]

        def column(title, key, value, show=number):
            def cell(place):
                median = self.median(workload, case, place, lambda row: value(row) if row.get(key) is not None else None)
                return "" if median is None else show(median)
            return [(title, cell)] if any(row.get(key) is not None for row in rows) else []

        def spread(place):
            rates = [row["rate"] for row in self.rounds(workload, case, place).values()]
            return f"{number(min(rates))} to {number(max(rates))}"

        def base_column(base):
            def cell(place):
                ratio = self.ratio(workload, case, place, base) if place != base else None
                return "" if ratio is None else f"{ratio:.2f}"
            return (f"to {base}", cell)

        present = self.places(workload, case)
        result = column(rows[0]["unit"], "rate", lambda row: row["rate"])
        result += [("from, to", spread)] if self.args.rounds > 1 else []
        result += [base_column(base) for base in workloads.ALL[workload].bases if base in present]
        result += column("listing, s", "list_seconds", lambda row: row["list_seconds"], lambda v: f"{v:.3f}")
        if rows[0]["unit"] == "MB/s":
            result += column("READs", "requests", lambda row: row["requests"].get("READ", 0), lambda v: f"{v:,.0f}")
        else:
            result += column("READs per 1000 files", "requests", lambda row: 1000 * reads_per_file(row))
        result += column("LOOKUPs", "requests", lambda row: row["requests"].get("LOOKUP", 0), lambda v: f"{v:,.0f}")
        result += column("chunks decoded, of", "decodes", decodes, lambda v: f"{v:,.0f}")
        if result[-1][0] == "chunks decoded, of":
            title, decoded = result[-1]
            of = column("", "chunks", lambda row: row["chunks"], lambda v: f"{v:,.0f}")[0][1]
            result[-1] = (title, lambda place: f"{decoded(place)} of {of(place)}" if decoded(place) else "")
        result += column("server's CPU, us a file", "server_seconds", server_microseconds)
        result += column("kernel slab, MiB", "slab", lambda row: row["slab"] / common.MIB)
        result += column("peak, MiB", "peak", lambda row: row["peak"] / common.MIB)
        result += column("allowed, MiB", "allowed", lambda row: row["allowed"] / common.MIB)
        return result

    def request_lines(self, workload, case):
        """A line with the requests of each place that counts them."""
        for place in self.places(workload, case):
            rows = self.rounds(workload, case, place).values()
            for key, what in (("list_requests", "requests of the listing"), ("requests", "requests")):
                counts = [row[key] for row in rows if key in row]
                # FORGETs are left out: the kernel sends them at any time, also for what was read before.
                names = sorted({name for count in counts for name in count} - {"FORGET"})
                texts = [f"{name} {common.median([count.get(name, 0) for count in counts]):,.0f}" for name in names]
                if texts:
                    yield f"{place}, {what}: {', '.join(texts)}"

    def text(self, verdicts):
        about = self.machine
        lines = [f"{self.version}; Linux {about['kernel']}, {about['cpus']} CPUs ({about['cpu']}), "
                 f"{about['memory'] / 2**30:.0f} GiB; medians of {self.args.rounds} rounds"
                 + (", **tiny inputs (--quick): the figures mean nothing**" if self.args.quick else "")]
        lines += ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        for workload in self.workloads():
            lines += ["", f"### {workload}: {workloads.ALL[workload].about}"]
            for case in self.cases(workload):
                columns = self.columns(workload, case)
                rows = [[place, *(cell(place) for _, cell in columns)] for place in self.places(workload, case)]
                lines += ["", common.table([case, *(title for title, _ in columns)], rows)]
                requests = list(self.request_lines(workload, case))
                lines += ["", *(f"- {line}" for line in requests)] if requests else []
        lines += ["", "### targets", "", common.table(["", "measured", "verdict"], verdicts)]
        return "\n".join(lines)

    def data(self, verdicts):
        medians = [{"workload": workload, "case": case, "place": place, "unit": next(iter(
                        self.rounds(workload, case, place).values()))["unit"],
                    "rate": self.median(workload, case, place, lambda row: row["rate"]),
                    "ratios": {base: self.ratio(workload, case, place, base) for base in workloads.ALL[workload].bases
                               if base != place and base in self.places(workload, case)}}
                   for workload in self.workloads() for case in self.cases(workload)
                   for place in self.places(workload, case)]
        return {"version": self.version, "machine": self.machine, "rounds": self.args.rounds, "quick": self.args.quick,
                "notes": self.notes, "medians": medians,
                "targets": [dict(zip(("target", "measured", "verdict"), verdict)) for verdict in verdicts],
                "rows": self.rows}


def decodes(row):
    """The decodes of the listing and the pass."""
    return row["decodes"] + row.get("list_decodes", 0)


def server_microseconds(row):
    """CPU time of the server, or of a program that does its work, for each file."""
    return 1e6 * row["server_seconds"] / row["amount"]


def reads_per_file(row):
    """READs a file, or None if the place does not count them."""
    return row["requests"].get("READ", 0) / row["amount"] if "requests" in row else None


def write_text(path, text):
    """Replaces the whole file, or if it has them, the lines between BEGIN and END."""
    if not path:
        return
    path = pathlib.Path(path)
    old = path.read_text() if path.exists() else ""
    if BEGIN in old and END in old:
        head, rest = old.split(BEGIN, 1)
        text = f"{head}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}"
    else:
        text += "\n"
    path.write_text(text)


def colour(place):
    if place.startswith(("arecfs", "libarec")):
        return "#1f77b4"
    return "#bbbbbb" if place.startswith(("null", "bare")) else "#e0a050"


def write_plots(result, folder):
    """Writes WORKLOAD.svg for each workload: each place has a bar as long as its median, and a line from the least to
    the most."""
    if not folder:
        return
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "arecfs"  # the same file for the same figures
    from matplotlib import pyplot

    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for workload in result.workloads():
        cases = result.cases(workload)
        heights = [len(result.places(workload, case)) + 1.5 for case in cases]
        figure, axes = pyplot.subplots(len(cases), figsize=(9, 0.28 * sum(heights) + 0.5), squeeze=False,
                                       height_ratios=heights, layout="constrained")
        for axis, case in zip(axes[:, 0], cases):
            places = result.places(workload, case)[::-1]
            rates = [[row["rate"] for row in result.rounds(workload, case, place).values()] for place in places]
            middles = [common.median(rate) for rate in rates]
            axis.barh(places, middles, color=[colour(place) for place in places],
                      xerr=[[m - min(r) for m, r in zip(middles, rates)], [max(r) - m for m, r in zip(middles, rates)]],
                      error_kw={"elinewidth": 0.8})
            unit = next(iter(result.rounds(workload, case, places[0]).values()))["unit"]
            axis.set_title(f"{case} ({unit})", loc="left", fontsize=9)
            axis.tick_params(labelsize=8)
            axis.spines[["top", "right"]].set_visible(False)
        figure.savefig(pathlib.Path(folder) / f"{workload}.svg", metadata={"Date": None})
        pyplot.close(figure)
