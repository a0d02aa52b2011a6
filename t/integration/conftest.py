"""
Integration tests: real servers, each in its own directory and on its own ports, which end with the test.

    def test_a_listed_sender_is_refused(box):
        db = box.postgres()                                  # running, with a database "mail"
        for file in ("schema.sql", "feed.sql", "role.sql", "sample.sql"):
            db.apply(file)
        cut = box.proxy(db.port)                             # cut.stall(), cut.refuse(), cut.resume()
        daemon = box.postern(
            config={"database": {"conninfo": db.conninfo(user="postern", port=cut.port)},
                    "check": {"helo": "yes"}},
            lists={"mail_from.access.blacklist": "spam@example.org\n"})
        mta = box.postfix(milter=daemon.postfix_milter)      # both MTAs: daemon, mta = box.front(mta_kind, ...)
        with Smtp(mta.port) as smtp:                         # harness.smtp
            smtp.ehlo()
            smtp.xclient(addr="192.0.2.7", name="mail.example.net", login="alice")
            smtp.ehlo()
            reply = smtp.mail("<spam@example.org>", "SIZE=1000")
            assert (reply.code, reply.enhanced) == (550, "5.7.1"), reply
        assert daemon.records(verdict="reject")[0]["rule"] == "mail_from.access.blacklist:1"
        db.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
        wait_until(lambda: daemon.ctl("status")["cache"]["users"] == 4, "the change is in force")
        with daemon.milter() as milter:                      # the socket itself, without an MTA
            milter.connect("mail.example.net", "192.0.2.7")
            assert milter.mail("<a@b.example>", auth_authen="alice").verdict == "reject"

Each test has its own box; shared_box lives as long as the module (wrap it in a fixture of scope "module"). A test fails
if the log of one of its servers contains a sanitizer's report. A failure shows the logs of all servers. POSTERN_KEEP=1
keeps the directories. POSTERN_BUILD is the build directory of the daemon, POSTERN_USER the account that it runs as.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import box as boxes  # noqa: E402
from harness import wait  # noqa: E402


@pytest.fixture
def box():
    """Servers for this test."""
    made = boxes.Box()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_box():
    """Servers for all tests of a module."""
    made = boxes.Box()
    yield made
    made.close()


@pytest.fixture(params=["postfix", "sendmail"])
def mta_kind(request):
    """For tests that both MTAs have to pass: daemon, mta = box.front(mta_kind, ...)."""
    return request.param


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for made in boxes.open_boxes:
            for name, text in made.logs():
                report.sections.append((f"log of {name}", text))


def pytest_terminal_summary(terminalreporter):
    """Print the longest waits: figures without limits."""
    slowest = sorted(wait.took, reverse=True)[:15]
    if slowest:
        terminalreporter.section("longest waits (of %d)" % len(wait.took))
        for seconds, what in slowest:
            terminalreporter.write_line(f"{seconds:8.3f} s  {what}")
