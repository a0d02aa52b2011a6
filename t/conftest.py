"""
What all of Postern's Python tests share: the plain last line that t/run-all adds up, and the names of what
failed for t/run-pytest, which lets a few that may have met a busy machine try again, alone.
"""

import os


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    count = {key: len(reports) for key, reports in reporter.stats.items()}
    passed = count.get("passed", 0) + count.get("xfailed", 0)
    failed = count.get("failed", 0) + count.get("error", 0) + count.get("xpassed", 0)
    if count.get("skipped"):
        print(f"{count['skipped']} skipped")
    print(f"{passed} passed, {failed} failed")
    if os.environ.get("POSTERN_FAILED"):
        with open(os.environ["POSTERN_FAILED"], "w", encoding="utf-8") as file:
            for report in reporter.stats.get("failed", []) + reporter.stats.get("error", []):
                file.write(report.nodeid + "\n")
            file.write(f"{passed} {failed}\n")
