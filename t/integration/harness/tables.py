"""The tables that Postern follows, and questions to the daemon about its decisions."""

import contextlib
import threading
import time
from pathlib import Path

from .wait import wait_until

OURS = ("schema.sql", "feed.sql", "role.sql", "sample.sql")
PG_PROFILE = Path(__file__).resolve().parents[1] / "pg_profile_schema.sql"

# Shorter times than the defaults. reconnect_max is the longest pause between attempts to connect.
QUICK = {"poll_interval": "1s", "connect_timeout": "2s", "reconnect_max": "1s"}


def database(box, files=OURS, **options):
    """A running server whose database contains the tables of sql/ (or of other files)."""
    return box.postgres(files=files, **options)


def follow(box, db, user="postern", port=None, config=None, ready=True, start=True, **options):
    """
    A daemon that follows db, whose rows are in force unless ready=False or start=False. options are added to
    [database], config contains other sections.
    """
    conninfo = db.conninfo(user=user, port=port or db.port)
    keys = {"conninfo": conninfo, **QUICK, **options}
    daemon = box.postern(start=start, config={"database": keys, "log": {"level": "debug"},
                                 "check": {"limits": "no"},  # the tests ask often
                                 **(config or {})})
    if ready and start:
        wait_source(daemon, "database")
    return daemon


def status(daemon):
    """All sections of the daemon's status."""
    return daemon.ctl("status")


def problem_of(daemon, section, text):
    """Whether status reports a problem of the section that contains the text."""
    return any(one["section"] == section and text in one["problem"] for one in status(daemon)["problems"])


def wait_source(daemon, source):
    wait_until(lambda: status(daemon)["cache"]["policy"]["source"] == source, f"the policy's source is {source}")


def wait_state(daemon, *states):
    wait_until(lambda: status(daemon)["database"]["state"] in states,
               f"the database is {' or '.join(states)}")


def ask(milter, login, sender, rcpt=None):
    """Ask whether a logged-in session may send as sender (to rcpt). Returns the answer of the last stage."""
    answer = milter.mail(f"<{sender}>", auth_authen=login, auth_type="PLAIN")
    if answer and rcpt:
        answer = milter.rcpt(f"<{rcpt}>")
    milter.abort()
    return answer


def may(daemon, login, sender, rcpt=None):
    """The same in a new session, as a bool."""
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        milter.helo("mail.example.net")
        return bool(ask(milter, login, sender, rcpt))


def wait_may(daemon, login, sender, rcpt=None, may_=True, what=None):
    """Wait until the answer is may_. All questions are asked in one session, which saves time."""
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        milter.helo("mail.example.net")
        wait_until(lambda: bool(ask(milter, login, sender, rcpt)) == may_,
                   what or f"{login} {'may' if may_ else 'may not'} send as {sender}")


def wait_may_not(daemon, login, sender, rcpt=None, what=None):
    wait_may(daemon, login, sender, rcpt, False, what)


@contextlib.contextmanager
def asking(daemon, *questions, threads=1):
    """
    Let sessions ask continuously while the block runs. questions are (login, sender, rcpt, expected answer). Yields
    a function that returns the number of answers. Fails at the end if an answer differed or a session broke.
    """
    stop = threading.Event()
    answers, wrong = [0], []

    def run():
        try:
            with daemon.milter() as milter:
                milter.connect("mail.example.net", "192.0.2.7")
                milter.helo("mail.example.net")
                while not stop.is_set():
                    for login, sender, rcpt, expected in questions:
                        answer = ask(milter, login, sender, rcpt)
                        answers[0] += 1
                        if bool(answer) != expected:
                            wrong.append((time.monotonic(), login, sender, rcpt, repr(answer)))
                            return
                    time.sleep(0.002)
        except (OSError, EOFError, AssertionError) as error:
            wrong.append(repr(error))

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield lambda: answers[0]
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert not wrong, wrong
    assert answers[0] > 0
