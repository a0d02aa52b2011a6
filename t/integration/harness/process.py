"""One child process with its log, which is searched for reports of sanitizers."""

import os
import pwd
import re
import signal
import subprocess
from pathlib import Path

from .wait import wait_until

SANITIZER_REPORT = re.compile(
    rb"ThreadSanitizer|AddressSanitizer|LeakSanitizer|MemorySanitizer|runtime error:"
)


def sanitizer_report(text):
    """A sanitizer's report in this log (bytes), from its first line on, or None."""
    found = SANITIZER_REPORT.search(text)
    if not found:
        return None
    start = text.rfind(b"\n", 0, found.start()) + 1
    return text[start:start + 8000].decode(errors="replace")


class Process:
    """
    A program in the foreground, with its output in one log file, in its own process group. user is the account
    to run as, with its groups; only root can choose one.
    """

    def __init__(self, name, argv, log, env=None, user=None, cwd=None):
        self.name = name
        self.argv = [str(arg) for arg in argv]
        self.log = Path(log)
        self.env = env
        self.user = user
        self.cwd = cwd
        self.pass_fds = ()  # descriptors that it inherits
        self.child = None

    def start(self, ready=None, deadline=None):
        """Start it. With ready, wait until ready() is true, and fail at once if the program ends before."""
        assert not self.running, f"{self.name} runs already"
        account = {}
        if self.user and os.geteuid() == 0:
            entry = pwd.getpwnam(self.user)
            groups = os.getgrouplist(self.user, entry.pw_gid)
            account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.cwd,
                env=dict(os.environ, **(self.env or {})), start_new_session=True,
                pass_fds=self.pass_fds, **account)
        if ready:
            self.wait_ready(ready, **({"deadline": deadline} if deadline else {}))
        return self

    def wait_ready(self, ready, **options):
        def ready_or_ended():
            if not self.running:  # not AssertionError, after which wait_until() would try again
                raise RuntimeError(f"{self.name} ended with status {self.child.returncode} "
                                   f"before it was ready:\n{self.tail(30)}")
            return ready()

        wait_until(ready_or_ended, f"{self.name} is ready", **options)

    @property
    def pid(self):
        return self.child.pid

    @property
    def running(self):
        return self.child is not None and self.child.poll() is None

    def send_signal(self, number):
        self.child.send_signal(number)

    def stop(self, number=signal.SIGTERM, deadline=60):
        """
        End it with that signal. Returns the exit status, or the negated number of the signal that ended it. Does
        nothing to a process that has ended. Raises AssertionError if the process had to be killed.
        """
        if self.child is None:
            return None
        if self.running:
            self.child.send_signal(number)
            try:
                self.child.wait(deadline)
            except subprocess.TimeoutExpired:
                self._kill_group()
                raise AssertionError(
                    f"{self.name} did not end within {deadline} s of signal {number}") from None
            self._kill_group()  # an MTA leaves the processes of its sessions
        return self.child.returncode

    def kill(self):
        """End it with SIGKILL, like a crash."""
        if self.running:
            self.child.kill()
            self.child.wait()
        return self.child.returncode

    def _kill_group(self):
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=60):
        return "\n".join(self.text().splitlines()[-lines:])

    def report(self):
        """The report of a sanitizer so far, or None."""
        return sanitizer_report(self.log.read_bytes()) if self.log.exists() else None
