"""What `cmake --install` installs: man pages, and what is needed to build with: headers, pkg-config file, both libraries."""

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
    g_autoptr (ArecReader) reader = arec_reader_open (engine, argv[1], NULL, &error);
    g_autoptr (ArecWriter) writer = arec_writer_new (argv[argc - 1], NULL, &error);
    unsigned long long n = reader ? arec_reader_n_records (reader) : 0;

    printf ("%llu\n", n);
    for (unsigned long long i = 0; writer && i < n; i++) {
        g_auto (ArecView) view = {0};

        if (!arec_reader_read (reader, i, &view, &error) ||
            !arec_writer_write (writer, view.data, view.size, &error)) {
            return 1;
        }
    }
    return writer && arec_writer_finish (writer, &error) ? 0 : 1;
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


@pytest.mark.skipif(bool(os.environ.get("AREC_SANITIZE")), reason="a sanitized library needs a sanitized program")
@pytest.mark.parametrize("kind", ["shared", "static"])
def test_a_program_builds_reads_and_writes(prefix, tmp_path, kind):
    file = golden.get("text.groupsize64-snappy.array_record")
    pkgconfig = next(prefix.rglob("libarec.pc")).parent
    environ = {**os.environ, "PKG_CONFIG_PATH": str(pkgconfig), "LD_LIBRARY_PATH": str(pkgconfig.parent)}
    flags = run("pkg-config", "--cflags", "libarec", env=environ).split()
    libs = run("pkg-config", "--libs", *(["--static"] if kind == "static" else []), "libarec", env=environ).split()
    if kind == "static":
        libs[libs.index("-larec")] = "-l:libarec.a"
    (tmp_path / "program.c").write_text(PROGRAM)
    run("cc", *flags, tmp_path / "program.c", "-o", tmp_path / "program", *libs)
    out = tmp_path / "out.array_record"
    assert run(tmp_path / "program", file.path, out, env=environ) == f"{file.n_records}\n"
    assert run(os.environ["AREC_BIN"], "cat", out) == run(os.environ["AREC_BIN"], "cat", file.path)


def test_pages_are_installed(prefix):
    source = pathlib.Path(__file__).resolve().parents[2]
    pages = [*source.glob("tools/man/*.[1-9]"), *source.glob("fs/*.1"), *source.glob("engine/*.3")]
    installed = {path.relative_to(prefix / "share/man").as_posix() for path in prefix.glob("share/man/*/*")}
    assert installed == {f"man{path.suffix[1:]}/{path.name}" for path in pages}


def test_completions_are_installed(prefix):
    installed = {path.relative_to(prefix / "share").as_posix() for path in prefix.glob("share/*/*/*") if "man" not in path.parts}
    zsh = "vendor-completions" if (prefix / "share/zsh/vendor-completions").is_dir() else "site-functions"
    assert installed == {path for name in ("arec", "arecfs") for path in
                         (f"bash-completion/completions/{name}", f"zsh/{zsh}/_{name}", f"fish/vendor_completions.d/{name}.fish")}


def test_the_static_library_holds_plain_code(prefix):
    """Code for link time optimisation can be linked only by the compiler that made it."""
    sections = run("objdump", "-h", next(prefix.rglob("libarec.a")))
    assert ".text" in sections and ".gnu.lto" not in sections and ".gnu.debuglto" not in sections
