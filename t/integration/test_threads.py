"""A system that refuses threads: sessions wait, status reports it, and all recovers."""

import concurrent.futures
import pwd
import resource
import subprocess

import pytest

from harness.postern import USER
from harness.wait import wait_until

pytestmark = [pytest.mark.threads, pytest.mark.skipif(not USER, reason="root may start threads beyond RLIMIT_NPROC")]

DENY = {"mail_from.access.blacklist": "spam@bad.example\n"}
SESSIONS = 40
HARD = resource.getrlimit(resource.RLIMIT_NPROC)[1]
HARD = "unlimited" if HARD == resource.RLIM_INFINITY else HARD


def limit_threads(daemon, soft):
    """soft: None restores the limit. The daemon's user may do so, unlike a root without CAP_SYS_RESOURCE."""
    subprocess.run(["prlimit", f"--pid={daemon.process.pid}", f"--nproc={HARD if soft is None else soft}:"],
                   user=USER, group=pwd.getpwnam(USER).pw_gid, extra_groups=[], check=True)


def refuse_one(daemon, number):
    with daemon.milter() as milter:
        milter.connect("mail.ok.example", f"192.0.2.{number}")
        milter.helo("mail.ok.example")
        verdict = milter.mail("<spam@bad.example>").verdict
        milter.quit()
        return verdict


def test_sessions_wait_for_threads(box):
    daemon = box.postern(lists=DENY)
    assert daemon.ctl("status")["sessions"]["threads_refused"] == 0
    since = daemon.mark()
    limit_threads(daemon, 1)
    with concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool:
        answers = [pool.submit(refuse_one, daemon, number) for number in range(SESSIONS)]
        wait_until(lambda: daemon.ctl("status")["sessions"]["threads_waiting"], "a session waits for a thread")
        shown = daemon.ctl("status", check=False)
        assert any(one["section"] == "sessions" and "the system refuses more threads" in one["problem"] and
                   "TasksMax=" in one["remedy"] for one in shown["problems"]), shown["problems"]
        limit_threads(daemon, None)
        assert [answer.result() for answer in answers] == ["reject"] * SESSIONS
    sessions = daemon.ctl("status", check=False)["sessions"]
    assert sessions["threads_waiting"] == 0 and sessions["threads_refused"] > 0
    wait_until(lambda: daemon.ctl("status", check=False)["sessions"]["sessions_open"] == 0, "all sessions have ended")
    assert len([line for line in daemon.log(since).splitlines() if "threads=delayed" in line]) == 1


def has_problem(daemon, section, text):
    return any(one["section"] == section and text in one["problem"]
               for one in daemon.ctl("status", check=False)["problems"])


def test_helpers_start_once_the_system_permits_it(box):
    """The threads that connect to the database and that prepare regexes."""
    daemon = box.postern(config={"database": {"conninfo": "host=127.0.0.1 port=1 dbname=x connect_timeout=1"}},
                         lists={"rcpt_to.access.blacklist_regex": "bad@.*\n"})
    limit_threads(daemon, 1)
    wait_until(lambda: has_problem(daemon, "database",
                                   "cannot start a thread to connect in: Resource temporarily unavailable"),
               "the reason is reported")
    daemon.write_store({"profiles": [], "users": []})
    daemon.ctl("reload", check=False)
    wait_until(lambda: has_problem(daemon, "cache", "the system refuses the thread that prepares regexes"),
               "the missing thread is reported")
    assert daemon.ctl("status", check=False)["cache"]["unprepared_regex_lists"] == 1
    limit_threads(daemon, None)
    wait_until(lambda: not has_problem(daemon, "cache", "thread that prepares regexes"), "the thread has started")
    wait_until(lambda: daemon.ctl("status", check=False)["cache"]["unprepared_regex_lists"] == 0, "it has worked")
    assert len([line for line in daemon.log().splitlines() if "refuses the thread that prepares" in line]) == 1


def test_lists_are_read_without_a_thread_of_their_own(box):
    daemon = box.postern()
    limit_threads(daemon, 1)
    daemon.write_list("mail_from.access.blacklist", "spam@bad.example\n")
    wait_until(lambda: daemon.ctl("status", check=False)["lists"]["entries"]["mail_from.access.blacklist"] == 1,
               "the list is in force")
    assert "mail_from.access.blacklist: the system refuses a thread for reading the list" in daemon.log()
    assert has_problem(daemon, "lists", "the system refuses the threads that look at the files")
    limit_threads(daemon, None)
    wait_until(lambda: not has_problem(daemon, "lists", "refuses the threads"), "the threads are permitted again")
