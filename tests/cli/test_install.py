"""What `cmake --install` installs: man pages, and what is needed to build with: headers, pkg-config file, both libraries."""

import os
import pathlib
import re
import subprocess

import pytest

import golden

BUILD = pathlib.Path(os.environ["AREC_BIN"]).parent.parent
SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = SOURCE / "tests/examples"


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
def test_examples_build_and_run(prefix, tmp_path, kind):
    pkgconfig = next(prefix.rglob("libarec.pc")).parent
    environ = {**os.environ, "PKG_CONFIG_PATH": str(pkgconfig), "LD_LIBRARY_PATH": str(pkgconfig.parent)}
    flags = run("pkg-config", "--cflags", "libarec", env=environ).split()
    libs = run("pkg-config", "--libs", *(["--static"] if kind == "static" else []), "libarec", env=environ).split()
    if kind == "static":
        libs[libs.index("-larec")] = "-l:libarec.a"
    for name in ("read_records", "write_records"):
        run("cc", "-Wall", "-Wextra", "-Werror", *flags, EXAMPLES / f"{name}.c", "-o", tmp_path / name, *libs)
    file = golden.get("text.groupsize64-snappy.array_record")
    sizes = run(os.environ["AREC_BIN"], "ls", file.path).splitlines()
    assert len(sizes) == file.n_records
    printed = run(tmp_path / "read_records", file.path, env=environ).splitlines()
    assert printed == [*sizes, sizes[2], sizes[0], sizes[1]]
    out = tmp_path / "out.array_record"
    for words in (["one"], ["first", "", "third"]):
        run(tmp_path / "write_records", out, "group_size:2,snappy", *words, env=environ)
    assert run(os.environ["AREC_BIN"], "cat", "-n", out) == "first\n\nthird\n"
    assert "group_size:2,transpose:false,pad_to_block_boundary:false,snappy" in run(os.environ["AREC_BIN"], "info", out)
    refused = subprocess.run([tmp_path / "write_records", out, "group_size:0"], capture_output=True, text=True, env=environ)
    assert refused.returncode == 2 and refused.stderr.startswith("Option group_size: invalid value: 0"), refused
    assert run(os.environ["AREC_BIN"], "cat", out) == "firstthird"


def test_examples_of_the_page_are_the_sources():
    page = (SOURCE / "engine/libarec.3").read_text()
    blocks = re.findall(r"^\.EX\n(.*?)^\.EE", page, re.M | re.S)
    plain = {r"\-": "-", r"\e": "\\", r"\(aq": "'", r"\(ga": "`", r"\(ha": "^", r"\(ti": "~", r"\&": ""}
    shown = [re.sub(r"\\\(..|\\.", lambda found: plain[found[0]], block) for block in blocks]
    assert shown == [(EXAMPLES / f"{name}.c").read_text() for name in ("read_records", "write_records")]


@pytest.mark.skipif(bool(os.environ.get("AREC_SANITIZE")), reason="a sanitizer adds symbols")
def test_the_shared_library_exports_what_the_headers_declare(prefix):
    headers = "".join(path.read_text() for path in (SOURCE / "engine/include/arec").glob("*.h"))
    declared = set(re.findall(r"\bAREC_PUBLIC\s[^;(]*?\b(arec_\w+) ?[(;]", headers))
    lines = run("objdump", "-T", next(prefix.rglob("libarec.so"))).splitlines()
    exported = {line.split()[-1]: line.split()[-2] for line in lines if " .text\t" in line}
    assert set(exported) == declared
    assert set(exported.values()) == {"LIBAREC_0"}


def test_pages_are_installed(prefix):
    pages = [*SOURCE.glob("tools/man/*.[1-9]"), *SOURCE.glob("fs/*.1"), *SOURCE.glob("engine/*.3")]
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
