"""Too few file descriptors: listeners wait without a busy loop or a flood of log lines, status is answered, and all recovers."""

import contextlib
import os
import re
import socket
import time

import pytest

from harness.logins import Dovecot, saslauthd
from harness.wait import wait_until

LIMIT = 128
STORE = {"profiles": [{"id": 1, "name": "p", "open": True}],
         "users": [{"id": 1, "username": "bob", "password": "", "froms": "bob@a.example", "profileId": 1}]}
SOCKETS = {"control": "control", "auth": "auth", "saslauthd": "mux", "milter": "postern.sock"}


@pytest.fixture
def daemon(box):
    daemon = box.postern(start=False, store=STORE, lists={"mail_from.access.blacklist": "spam@bad.example\n"})
    daemon.process.argv[:0] = ["prlimit", f"--nofile=64:{LIMIT}"]
    return daemon.start()


@contextlib.contextmanager
def idle_connections(path, count):
    """As many connections as fit into the socket's queue."""
    with contextlib.ExitStack() as stack:
        made = []
        for _ in range(count):
            conn = stack.enter_context(socket.socket(socket.AF_UNIX))
            conn.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                conn.connect(str(path))
                made.append(conn)
        yield made


def cpu_seconds(daemon):
    fields = open(f"/proc/{daemon.process.pid}/stat", encoding="ascii").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_near(note):
    return note["section"] == "descriptors" and note["note"].startswith("the limit of open files is almost reached")


def problems(daemon):
    return [one["problem"] for one in daemon.ctl("status")["problems"]]


def is_refused(daemon, sender):
    with daemon.milter() as milter:
        milter.connect("mail.ok.example", "192.0.2.1")
        milter.helo("mail.ok.example")
        return milter.mail(sender).verdict == "reject"


def check_everything_works(daemon):
    assert is_refused(daemon, "<spam@bad.example>")
    with Dovecot(daemon.run / "auth") as conn:
        assert conn.plain("bob", "wrong")[0] == "FAIL"
    assert saslauthd(daemon.run / "mux", "bob", "wrong").startswith("NO")
    assert daemon.ctl("status")["descriptors"]["limit"] == LIMIT


def test_the_limit_is_raised_to_the_hard_limit(daemon):
    shown = daemon.ctl("status")
    assert shown["problems"] == []
    assert any(note["note"] == f"[auth] max_connections is 4096, but the limit of open files permits {LIMIT // 2}"
               for note in shown["notes"])
    assert shown["descriptors"] == {"limit": LIMIT, "reserve": LIMIT // 4, "delays": 0,
                                    "open_at_least": shown["descriptors"]["open_at_least"]}


@pytest.mark.parametrize("name", SOCKETS)
def test_idle_connections_on_one_socket(daemon, name):
    """More of them than there are descriptors; the other sockets and files go on."""
    since = daemon.mark()
    with idle_connections(daemon.run / SOCKETS[name], 3 * LIMIT):
        begun, cpu = time.monotonic(), cpu_seconds(daemon)
        daemon.ctl("status")
        if name != "milter":
            check_everything_works(daemon)
        else:
            wait_until(lambda: daemon.ctl("status")["descriptors"]["delays"] > 1, "the milter's listener waits")
            assert any("connections have to wait" in problem for problem in problems(daemon))
        daemon.write_list("mail_from.access.blacklist", "spam@bad.example\nother@bad.example\n")
        wait_until(lambda: daemon.ctl("status")["lists"]["entries"]["mail_from.access.blacklist"] == 2,
                   "the list is read")
        assert daemon.ctl("reload")["ok"]
        daemon.ctl("suspend", "bob")
        daemon.ctl("resume", "bob")
        assert cpu_seconds(daemon) - cpu < 0.5 * (time.monotonic() - begun) + 1
    lines = daemon.log(since).splitlines()
    assert len([line for line in lines if "accept=delayed" in line]) <= 1, lines
    assert len(lines) < 30, lines
    wait_until(lambda: is_refused(daemon, "<other@bad.example>"), "everything recovers")
    check_everything_works(daemon)


@pytest.mark.threads
def test_idle_connections_on_all_sockets_at_once(daemon):
    since = daemon.mark()
    with contextlib.ExitStack() as stack:
        for name in ("milter", "auth", "saslauthd", "control"):
            stack.enter_context(idle_connections(daemon.run / SOCKETS[name], LIMIT))
        wait_until(lambda: daemon.ctl("status")["descriptors"]["delays"] > 2, "listeners wait")
        assert any("connections have to wait" in problem for problem in problems(daemon))
        begun, cpu = time.monotonic(), cpu_seconds(daemon)
        for _ in range(20):
            daemon.ctl("status")
        wait_until(lambda: time.monotonic() > begun + 2, "two seconds pass")
        assert cpu_seconds(daemon) - cpu < 0.5 * (time.monotonic() - begun) + 1
    delayed = re.findall(r"accept=delayed socket=(\w+) times=1 error=\"Too many open files\"", daemon.log(since))
    assert len(delayed) == len(set(delayed)) >= 1, daemon.log(since)
    assert len(daemon.log(since).splitlines()) < 30
    wait_until(lambda: is_refused(daemon, "<spam@bad.example>"), "everything recovers")
    check_everything_works(daemon)


def test_status_is_answered_when_not_even_the_reserve_is_free(daemon):
    """Idle sessions leave only the reserve, and followers of decisions use that up."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(idle_connections(daemon.run / SOCKETS["milter"], LIMIT))
        wait_until(lambda: daemon.ctl("status")["descriptors"]["delays"] > 0, "the milter's listener waits")
        for _ in range(LIMIT // 4 + 8):
            follower = stack.enter_context(socket.socket(socket.AF_UNIX))
            follower.connect(str(daemon.run / SOCKETS["control"]))
            follower.send(b'{"command": "tail"}\n')
        for _ in range(3):
            assert 4 < daemon.ctl("status")["log"]["followers"] < 12
    wait_until(lambda: daemon.ctl("status")["log"]["followers"] == 0, "they are gone")
    check_everything_works(daemon)


def test_status_warns_before_the_limit_is_reached(daemon):
    usable = LIMIT - LIMIT // 4
    with contextlib.ExitStack() as stack:
        for _ in range(usable - usable // 10 - daemon.ctl("status")["descriptors"]["open_at_least"]):
            milter = stack.enter_context(daemon.milter())
            milter.connect("mail.ok.example", "192.0.2.1")
        shown = daemon.ctl("status")
        assert shown["descriptors"]["delays"] == 0
        assert shown["problems"] == []
        assert any(is_near(note) for note in shown["notes"]), shown["notes"]
    wait_until(lambda: not any(is_near(note) for note in daemon.ctl("status")["notes"]), "nothing is wrong any more")
