"""Directories read by tools."""

import pathlib
import shutil
import subprocess
import tempfile
import time

import common

# {}: the directory; [..]: exit codes that are fine.
TOOLS = {
    "ls -U": ["ls", "-U", "{}"],
    "ls -lU": ["ls", "-lU", "{}"],
    "find": ["find", "{}", "-type", "f", "-size", "+0"],
    # tar and grep read nothing if their output is /dev/null.
    "tar c": ["sh", "-c", 'tar -C "$1" -cf - . | cat >/dev/null', "sh", "{}"],
    "grep -r": ["sh", "-c", 'grep -rF "no such text" "$1" | cat; true', "sh", "{}"],
    "rsync": ["rsync", "-a", "{}/", "{scratch}/"],
}


def run_tool(place, argv, path, scratch=None):
    """Runs a tool; returns its seconds."""
    argv = [arg.replace("{scratch}", str(scratch)).replace("{}", str(path)) for arg in argv]
    begin = time.perf_counter()
    done = subprocess.run(argv, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise common.BenchError(f"{place.name}: {argv[0]} exited with {done.returncode}")
    return seconds


def tools(bench):
    corpus = bench.corpus(bench.size(20_000, 1_000), 4096)
    places = bench.places(corpus, ["arecfs64", "arecfs1", "ext4", "squashfuse", "squashfs", "ratarmount", "null",
                                   "null-push"])
    memory = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    for tool, argv in TOOLS.items():
        if not shutil.which(argv[0]):
            bench.note(f"{tool} left out: not installed")
            continue
        for number, place in bench.turns(tool, places):
            # Copies go to memory if it is large enough, because writing is not measured.
            with tempfile.TemporaryDirectory(prefix="arecbench-", dir=memory) as scratch:
                common.drop_caches()
                with place.opened() as path:
                    watch = bench.watch(place, path)
                    seconds = run_tool(place, argv, path, scratch)
                    bench.add(tool, place.name, number, seconds, corpus.records, "files", **watch.lap())


def slab():
    """Bytes of the kernel's own objects: inodes, names and others."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Slab:"):
            return int(line.split()[1]) * 1024
    raise common.BenchError("/proc/meminfo: no Slab")


def listing(bench):
    corpus = bench.corpus(bench.size(1_000_000, 20_000), 4096)
    places = bench.places(corpus, ["arecfs64", "null", "null-readdir"])
    for tool in ("ls -U", "ls -lU"):
        for number, place in bench.turns(tool, places):
            common.drop_caches()
            with place.opened() as path:
                watch = bench.watch(place, path)
                before = slab()
                seconds = run_tool(place, TOOLS[tool], path)
                bench.add(tool, place.name, number, seconds, corpus.records, "names", slab=slab() - before,
                          **watch.lap())
