"""
What all Python tests share: a line that counts them, tests that must share a process with others, and the counts for
t/run-pytest.
"""

import collections
import os
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from progress import Progress  # noqa: E402


def group_of(item):
    marker = item.get_closest_marker("xdist_group")
    return marker.args[0] if marker else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """
    Tests that share a fixture of their module run in one process, one after the other, where there are several. The
    largest of these groups begin first, so that no process is left with one of them when the others have ended.
    """
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs.values()  # pylint: disable=protected-access
        if any(found[-1].scope == "module" for found in fixtures):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
    if hasattr(config, "workerinput"):
        sizes = collections.Counter(map(group_of, items))
        sizes[None] = 0
        items.sort(key=lambda item: -sizes[group_of(item)])


class Counter:
    """Prints how many tests have run, in place of a letter for each."""

    def __init__(self, config):
        self.progress = None
        self.config = config

    def begin(self, total):
        name = Path(self.config.args[0]).name if self.config.args else "tests"
        self.progress = Progress(name, total)

    def pytest_collection_finish(self, session):
        if session.testscollected:
            self.begin(session.testscollected)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node, ids):
        del node
        if self.progress is None:
            self.begin(len(ids))

    def pytest_runtest_logreport(self, report):
        if self.progress and report.when == "teardown":
            self.progress.count()
        if self.progress and report.failed:
            self.progress.failed += 1
            self.progress.note(f"FAILED {report.nodeid} ({report.when})")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self):
        if self.progress:
            self.progress.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report):
    """No letter for each test, because Counter prints their number."""
    if hasattr(report, "wasxfail"):
        return None
    if report.passed:
        return ("passed" if report.when == "call" else ""), "", ""
    if report.skipped:
        return "skipped", "", "SKIPPED"
    return ("failed" if report.when == "call" else "error"), "", "FAILED"


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # it is not one of xdist's processes
        config.pluginmanager.register(Counter(config), "counter")


def name_of(nodeid):
    """The name without the group that xdist appends, "@GROUP". Parameters, which end with "]", may contain "@", too."""
    return nodeid if nodeid.endswith("]") else nodeid.rpartition("@")[0] or nodeid


# A fault that a sanitizer has found is no missed deadline: without its name, nothing runs once more.
SANITIZER_REPORT = re.compile("(Thread|Address|Leak)Sanitizer|runtime error:")


def pytest_unconfigure(config):
    """The counts that t/run-pytest prints, or the same line where pytest was started by hand."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput"):
        return
    count = {key: len(reports) for key, reports in reporter.stats.items()}
    passed = count.get("passed", 0) + count.get("xfailed", 0)
    failed = count.get("failed", 0) + count.get("error", 0) + count.get("xpassed", 0)
    skipped = count.get("skipped", 0)
    if os.environ.get("POSTERN_COUNTS"):
        with open(os.environ["POSTERN_COUNTS"], "w", encoding="utf-8") as file:
            for report in reporter.stats.get("failed", []) + reporter.stats.get("error", []):
                if SANITIZER_REPORT.search(report.longreprtext):
                    continue
                file.write(f"{name_of(report.nodeid)}\n")
            file.write(f"{passed} {failed} {skipped}\n")
        return
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
