#!/usr/bin/env python3
"""Reading over a line with delay: `arec`, a mount, and `curl` of the whole file, in one run.

    bench_remote.py [--dir DIR] [--delay-ms N] [--rate-mbit N] [--loss PER_MILLE] [--rounds N] [--only PART,...] [--json FILE]

nginx serves a file of 60,000 records of 4 KiB at the far end of tests/remote/line.c. For each part: seconds, requests
and bytes by the log of nginx, the least seconds of some rounds. Parts named `local` have the same reader over the file on
the disk, for what it takes by itself. Needs root.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import common
import far_nginx
import make_shard

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
os.environ.setdefault("AREC_LINE", str(common.BUILD / "bin" / "arec_line"))
import lines  # noqa: E402


N_RECORDS, N_RANDOM = 60_000, 200
NAME = f"text-{N_RECORDS}x4096-group_size64-zstd.array_record"
PORT = 8080

# Reads the named files of a mount, by so many threads of Python, each of which takes some time for a file of its own.
READ = """
import concurrent.futures, sys, time
paths = sys.stdin.read().split()
def read(path):
    with open(path, "rb") as file:
        return len(file.read())
begin = time.perf_counter()
with concurrent.futures.ThreadPoolExecutor(int(sys.argv[1])) as pool:
    total = sum(pool.map(read, paths))
print(time.perf_counter() - begin, total)
"""


class Site:
    """The line, the server at its far end, and what runs at its near one."""

    def __init__(self, line, server, folder, path):
        self.line, self.server, self.folder, self.path = line, server, folder, path
        self.url = f"{server.url}/{NAME}"
        self.arec, self.arecfs = common.binary("AREC_BIN", "bin/arec"), common.binary("ARECFS_BIN", "bin/arecfs")
        self.reader = common.build_reader(folder)

    def run(self, *command, **how):
        return subprocess.run(self.line.near(*command), check=True, stdout=subprocess.PIPE, text=True, timeout=600, **how)

    @contextlib.contextmanager
    def mounted(self, *options, source=None):
        mount = self.folder / "mnt"
        mount.mkdir(exist_ok=True)
        self.run(self.arecfs, source or self.url, mount, *options)
        try:
            yield mount
        finally:
            subprocess.run(["fusermount3", "-u", mount], check=True)

    def read(self, mount, records, threads):
        """Seconds."""
        text = "\n".join(f"{mount}/{record:05}" for record in records)
        return float(self.run(sys.executable, "-c", READ, threads, input=text).stdout.split()[0])


    def read_in_order(self, mount):
        """Seconds of the reader in C, whose names are known without a listing."""
        return float(self.run(self.reader, "-N", N_RECORDS, mount).stdout.split()[3])


def chosen():
    return random.Random(7).sample(range(N_RECORDS), N_RANDOM)


def curl(site):
    begin = time.perf_counter()
    site.run("curl", "-s", "-o", "/dev/null", site.url)
    return time.perf_counter() - begin


def first(site):
    begin = time.perf_counter()
    site.run(site.arec, "cat", site.url, "30000")
    return time.perf_counter() - begin


def all_in_order(site):
    begin = time.perf_counter()
    with open(os.devnull, "w") as null:
        subprocess.run(site.line.near(site.arec, "cat", site.url), check=True, stdout=null, timeout=600)
    return time.perf_counter() - begin


def mount_in_order(site, source=None):
    with site.mounted(source=source) as mount:
        site.server.requests()
        return site.read_in_order(mount)


def mount_in_order_listed(site):
    with site.mounted() as mount:
        site.server.requests()
        begin = time.perf_counter()
        site.run(site.reader, mount)
        return time.perf_counter() - begin


def mount_in_order_python(site, source=None):
    with site.mounted(source=source) as mount:
        site.server.requests()
        return site.read(mount, range(N_RECORDS), 1)


def random_records(site, threads, *options):
    with site.mounted(*options) as mount:
        site.server.requests()
        return site.read(mount, chosen(), threads)


PARTS = {
    "curl": curl,
    "first record": first,
    "arec cat": all_in_order,
    "mount in order": mount_in_order,
    "local in order": lambda site: mount_in_order(site, site.path),
    "listed in order": mount_in_order_listed,
    "mount by Python": mount_in_order_python,
    "local by Python": lambda site: mount_in_order_python(site, site.path),
    "random by 1": lambda site: random_records(site, 1),
    "random by 1 without prefetch": lambda site: random_records(site, 1, "--prefetch=0"),
    "random by 16": lambda site: random_records(site, 16),
}


def measure(site, name, rounds):
    best = None
    for _ in range(rounds):
        site.server.requests()
        seconds = PARTS[name](site)
        time.sleep(0.3)  # the log of what was cancelled
        requests = site.server.requests()
        row = {"seconds": seconds, "requests": len(requests), "bytes": sum(request["bytes"] for request in requests)}
        best = row if best is None or row["seconds"] < best["seconds"] else best
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", default=common.DEFAULT_DIR)
    parser.add_argument("--delay-ms", type=float, default=25, help="each way (default %(default)s)")
    parser.add_argument("--rate-mbit", type=float, default=200)
    parser.add_argument("--loss", type=float, default=0, help="of a thousand packets")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS), help="of: %(default)s")
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    path = pathlib.Path(arguments.dir) / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        make_shard.write_shard(str(path), make_shard.Records(N_RECORDS, 4096), "group_size:64,zstd")
    rows = {}
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        folder = pathlib.Path(folder)
        line = lines.start(delay_ms=arguments.delay_ms, rate_mbit=arguments.rate_mbit, loss=arguments.loss)
        try:
            with far_nginx.nginx(path.parent, folder, lines.FAR, PORT, line.far()) as server:
                site = Site(line, server, folder, path)
                for name in arguments.only.split(","):
                    rows[name] = measure(site, name, arguments.rounds)
                    row = rows[name]
                    print(f"{name:26} {row['seconds']:8.2f} s {row['requests']:6} requests {row['bytes'] / 1e6:8.2f} MB",
                          flush=True)
        finally:
            line.end()
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
