"""The daemon reports to systemd: READY, RELOADING and STOPPING, and the beat of the watchdog while its threads work."""

import contextlib
import ctypes
import os
import re
import socket
from pathlib import Path

import pytest

from harness.box import needs_root
from harness.milter_client import strings
from harness.wait import wait_until

pytestmark = pytest.mark.threads

BEAT = b"WATCHDOG=1"
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
FORGED, MESSAGES = 100, 20  # of one message at most; enough for the buffer of a socket
WALL = 0x40000000  # waitpid(2): also a thread


class Systemd:
    """The socket on which systemd is notified."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o666)
        self.socket.settimeout(20)

    def next(self, wanted=None):
        """The next message, or the next one that begins with some text; TimeoutError if none comes."""
        while True:
            message = self.socket.recv(1000)
            if wanted is None or message.startswith(wanted):
                return message

    def is_silent(self, seconds):
        """Whether no message comes for some time, after those that have come until now."""
        self.socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while self.socket.recv(1000):
                pass
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1000)
            return False
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(20)


@pytest.fixture(name="under_systemd")
def fixture_under_systemd(box):
    """A function that starts a daemon as systemd does. It has a watchdog with some interval in seconds (0: none)."""
    systemds = []

    def start(interval, config=None, **environment):
        daemon = box.postern(start=False, config=config, lists={"mail_from.access.blacklist": "spam@bad.example\n"})
        systemd = Systemd(daemon.run / "notify")
        systemds.append(systemd)
        daemon.process.env = {"NOTIFY_SOCKET": str(daemon.run / "notify"), **environment}
        if interval:
            daemon.process.env["WATCHDOG_USEC"] = str(interval * 1000000)
        daemon.start()
        return daemon, systemd

    yield start
    for systemd in systemds:
        systemd.socket.close()


@contextlib.contextmanager
def frozen(pid, name):
    """One thread of a process does not run, wherever it is."""
    libc = ctypes.CDLL(None, use_errno=True)
    thread = next(int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()
                  if (task / "comm").read_text() == name + "\n")

    def ptrace(request):
        assert libc.ptrace(request, thread, None, None) == 0, os.strerror(ctypes.get_errno())

    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    ptrace(PTRACE_SEIZE)
    ptrace(PTRACE_INTERRUPT)
    os.waitpid(thread, WALL)
    yield
    ptrace(PTRACE_DETACH)


def fill(milter):
    """
    Send messages with forged fields, each of which has to be removed, until a callback waits for an MTA that reads none
    of its answers. The number of the answers that will come.
    """
    milter.connect("mail.ok.example", "192.0.2.1")
    milter.helo("mail.ok.example")
    message = [(b"M", strings("<a@ok.example>")), (b"R", strings("<b@ok.example>")), (b"T", b""),
               *[(b"L", strings("X-Postern-Results", "forged"))] * FORGED, (b"N", b""), (b"B", b"Hello\r\n"), (b"E", b"")]
    return milter.pipeline(*message * MESSAGES)


def empty(milter, count):
    """Read all answers."""
    assert [len(answer.actions) for answer in milter.answers(count) if answer.actions] == [FORGED + 1] * MESSAGES


def test_a_reload_is_reported_with_its_end(under_systemd):
    daemon, systemd = under_systemd(0)
    assert systemd.next().startswith(b"READY=1\n")
    daemon.ctl("reload")
    assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", systemd.next())
    assert systemd.next() == b"READY=1\nSTATUS=deciding"
    daemon.conf.write_text(daemon.conf.read_text() + "[nonsense]\n")
    daemon.reload()
    assert systemd.next().startswith(b"RELOADING=1\n")
    assert systemd.next() == b"READY=1\nSTATUS=the last reload failed; see posternctl status"
    daemon.stop()
    assert systemd.next() == b"STOPPING=1"


def test_it_beats_where_systemd_asks_for_it(under_systemd):
    daemon, systemd = under_systemd(2)
    for _ in range(3):
        systemd.next(BEAT)
    daemon.stop()
    systemd.next(b"STOPPING=1")


@pytest.mark.parametrize("environment", [{}, {"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}])
def test_it_does_not_beat_otherwise(under_systemd, environment):
    _, systemd = under_systemd(0, **environment)
    assert systemd.next().startswith(b"READY=1\n")
    assert systemd.is_silent(2)


def test_the_beat_stops_while_the_cache_thread_hangs(under_systemd):
    needs_root()
    daemon, systemd = under_systemd(4)
    systemd.next(BEAT)
    with frozen(daemon.process.pid, "cache"):
        daemon.wait_log('watchdog beat=stopped reason="the cache thread hangs"')
        assert systemd.is_silent(2)
        with daemon.milter() as milter:  # the sessions go on
            milter.connect("mail.ok.example", "192.0.2.1")
            assert milter.mail("<spam@bad.example>").verdict == "reject"
    daemon.wait_log("watchdog beat=resumed")
    systemd.next(BEAT)


def test_the_beat_stops_while_the_server_thread_hangs(under_systemd):
    needs_root()
    daemon, systemd = under_systemd(4)
    systemd.next(BEAT)
    with frozen(daemon.process.pid, "server"):
        assert systemd.is_silent(3)
    systemd.next(BEAT)


def test_the_beat_stops_while_the_sessions_hang(under_systemd):
    daemon, systemd = under_systemd(4, config={"milter": {"results_header": "X-Postern-Results"}})
    systemd.next(BEAT)
    with daemon.milter() as milter:
        count = fill(milter)
        daemon.wait_log('watchdog beat=stopped reason="the sessions hang"')
        assert systemd.is_silent(2)
        empty(milter, count)
    daemon.wait_log("watchdog beat=resumed")
    systemd.next(BEAT)


def test_a_busy_daemon_beats(under_systemd):
    """One session that waits is no hang as long as others come to their end."""
    daemon, systemd = under_systemd(4, config={"milter": {"results_header": "X-Postern-Results"}})
    with daemon.milter() as waiting:
        count = fill(waiting)
        beats = []

        def beats_again():
            with daemon.milter() as milter:
                milter.connect("mail.ok.example", "192.0.2.1")
                assert milter.mail("<spam@bad.example>").verdict == "reject"
            systemd.socket.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                beats.append(systemd.next(BEAT))
            return len(beats) > 6  # more than an interval

        wait_until(beats_again, "it beats on", 120)
        empty(waiting, count)
