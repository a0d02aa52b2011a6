"""What all of Postern's Python tests share: the plain last line that t/run-all adds up."""


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
