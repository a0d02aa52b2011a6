"""posternctl doctor: a good set-up with a real Postfix, the report about it, and pasting what it prints."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import threading

from .postern import POSTERNCTL, USER
from .postfix import age

STORE = {"profiles": [{"id": 1, "name": "staff", "open": True}],
         "users": [{"id": 1, "username": "bob", "froms": "bob@example.com", "profileId": 1,
                    "password": "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"}]}


def good_set_up(box, chroot=True, config=None, parameters=None, start=True, store=None, **options):
    """
    (daemon, mta): a set-up of which doctor should report nothing. As in Debian, smtpd is in a chroot, and the sockets
    are in a directory of its queue. config and parameters are added to postern.conf and main.cf; options as for
    Postfix. If it is not started, it listens on all interfaces.
    """
    mta = box.postfix(start=False, chroot=chroot, parameters={
        "smtpd_milters": "unix:postern/postern.sock", "mynetworks": "127.0.0.0/8",
        **({} if start else {"inet_interfaces": "all"}), **(parameters or {})}, **options)
    queue = mta.folder / "queue"
    folder = queue / "postern"
    folder.mkdir()
    shutil.chown(folder, USER or None, "postfix")
    folder.chmod(0o2750)
    daemon = box.postern(start=False, store=STORE if store is None else store, config={
        "milter": {"socket": f"unix:{folder}/postern.sock", "socket_mode": "0660", "user": USER},
        "auth": {"socket": f"unix:{folder}/auth", "saslauthd": "", "suspensions": "run/suspended",
                 "socket_mode": "0660"},
        "profile": {"default_domain": "example.com"}})
    daemon.configure(config or {})
    daemon.socket = folder / "postern.sock"
    if start:
        daemon.start()
        mta.start()
    return daemon, mta


class Report:
    """What doctor found: .findings, .unexamined (lists of dicts) and the exit code."""

    def __init__(self, done):
        assert not done.stderr or "warning" in done.stderr, done.stderr
        self.code = done.returncode
        answer = json.loads(done.stdout)
        self.findings = answer["findings"]
        self.unexamined = answer["unexamined"]

    def __repr__(self):
        return json.dumps({"code": self.code, "findings": self.findings, "unexamined": self.unexamined}, indent=2)

    def is_clean(self):
        """Whether everything was examined and nothing was found, not even advice."""
        return (self.code, self.findings, self.unexamined) == (0, [], [])

    def has(self, text):
        return any(text in finding["problem"] for finding in self.findings)

    def the(self, text, harm=None):
        """The only finding whose problem contains text."""
        found = [finding for finding in self.findings if text in finding["problem"]]
        assert len(found) == 1, (text, self)
        assert harm is None or found[0]["harm"] == harm, found
        assert self.code == 1 or found[0]["harm"] == "advice", self
        return found[0]


@contextlib.contextmanager
def altered_status(daemon, alter):
    """
    A configuration with another control socket, at which the daemon's answers to `status` arrive after alter() has
    changed them.
    """
    path = daemon.run / "altered"
    conf = daemon.conf.with_name("altered.conf")
    conf.write_text(daemon.conf.read_text().replace("socket = run/control\n", f"socket = {path}\n"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as conn, socket.socket(socket.AF_UNIX) as real:
                        request = conn.makefile().readline()
                        real.connect(str(daemon.run / "control"))
                        real.sendall(request.encode())
                        status = json.loads(real.makefile().readline())
                        alter(status)
                        conn.sendall(json.dumps(status).encode() + b"\n")

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield conf
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            path.unlink()


def examine(daemon, *args, mta=None, command=(), program=POSTERNCTL, conf=None):
    """
    Run doctor on a set-up; args are its options and subjects, command a program that runs it (setpriv ...), program a
    copy of posternctl, conf the configuration if it is another than the daemon's.
    """
    where = [] if mta is None else ["--postfix-config", mta.folder / "etc"]
    return Report(subprocess.run(
        [*command, program, "-c", conf or daemon.conf, "doctor", "--json", *where, *args],
        capture_output=True, text=True, check=False))


def paste(finding, daemon=None, **environment):
    """
    Run the shell commands of a finding as an administrator does who pastes them. `service postern` concerns the
    daemon of the test.
    """
    lines = [command["shell"] for command in finding["commands"] if "shell" in command]
    assert lines, finding
    for line in lines:
        assert line.isascii() and line.isprintable(), line
        if line == "service postern restart":
            daemon.restart()
            continue
        if line == "service fail2ban restart":
            continue
        done = subprocess.run(["sh", "-e"], input=line + "\n", capture_output=True, text=True, check=False, timeout=60,
                              env=dict(os.environ, LC_ALL="C", PATH=f"{POSTERNCTL.parent}:{os.environ['PATH']}", **environment))
        assert done.returncode == 0, (line, done)
        for folder in re.findall(r"postconf -c (\S+)", line):
            age(folder)
