"""What `cmake --install` puts down is enough to build with: headers, pkg-config file, both libraries."""

import os
import pathlib
import subprocess

import pytest

import golden

BUILD = pathlib.Path(os.environ["AREC_BIN"]).parent.parent
PROGRAM = r"""
#include <arec/arec.h>
#include <stdio.h>

int
main (int argc, char **argv)
{
    g_autoptr (ArecEngine) engine = arec_engine_new (&(ArecEngineOptions){0});
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecReader) reader = arec_reader_open (engine, argv[argc - 1], NULL, &error);

    printf ("%llu\n", reader ? (unsigned long long)arec_reader_n_records (reader) : 0ULL);
    return 0;
}
"""


def run(*argv, **options):
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    path = tmp_path_factory.mktemp("install")
    run("cmake", "--install", BUILD, "--prefix", path)
    return path


@pytest.mark.skipif(bool(os.environ.get("AREC_SANITIZE")), reason="what is sanitized needs a program that is, too")
@pytest.mark.parametrize("kind", ["shared", "static"])
def test_a_program_builds_and_reads(prefix, tmp_path, kind):
    file = golden.get("text.groupsize64-snappy.array_record")
    pkgconfig = next(prefix.rglob("libarec.pc")).parent
    environ = {**os.environ, "PKG_CONFIG_PATH": str(pkgconfig), "LD_LIBRARY_PATH": str(pkgconfig.parent)}
    flags = run("pkg-config", "--cflags", "libarec", env=environ).split()
    libs = run("pkg-config", "--libs", *(["--static"] if kind == "static" else []), "libarec", env=environ).split()
    if kind == "static":
        libs[libs.index("-larec")] = "-l:libarec.a"
    (tmp_path / "program.c").write_text(PROGRAM)
    run("cc", *flags, tmp_path / "program.c", "-o", tmp_path / "program", *libs)
    assert run(tmp_path / "program", file.path, env=environ) == f"{file.n_records}\n"


def test_the_static_library_holds_plain_code(prefix):
    """Code for link time optimisation can be linked by the very compiler that made it, and by no other."""
    sections = run("objdump", "-h", next(prefix.rglob("libarec.a")))
    assert ".text" in sections and ".gnu.lto" not in sections and ".gnu.debuglto" not in sections
