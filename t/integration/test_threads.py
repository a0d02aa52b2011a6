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
