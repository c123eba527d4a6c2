"""Shared by all Python tests: reasons of skips are printed; a file of which all tests were skipped ends with
exit code 77, which ctest counts as skipped instead of passed; and tests marked `counts` count again if
the kernel's caches have lost something meanwhile."""

import os
import shutil

import pytest

import caches

# GLib's own pools hand memory from thread to thread where ThreadSanitizer cannot see it.
os.environ.setdefault("G_SLICE", "always-malloc")
# ThreadSanitizer has a process of several threads sleep before it ends, so that their last steps may race with it: a
# second by itself, for each of a thousand mounts. Threads that work need a moment for that, threads that wait do nothing.
os.environ["TSAN_OPTIONS"] = ":".join(["atexit_sleep_ms=20", *filter(None, [os.environ.get("TSAN_OPTIONS")])])

SKIPPED = 77


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or exitstatus not in (pytest.ExitCode.OK,
                                              pytest.ExitCode.NO_TESTS_COLLECTED):
        return
    stats = reporter.stats
    if stats.get("skipped") and not any(stats.get(k) for k in ("passed", "failed", "error")):
        session.exitstatus = SKIPPED


def _empty(directory):
    for entry in directory.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if pyfuncitem.get_closest_marker("counts") is None:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    def clean_up():
        if "tmp_path" in arguments:
            _empty(arguments["tmp_path"])

    caches.count_undisturbed(lambda: pyfuncitem.obj(**arguments), clean_up)
    return True
