#!/usr/bin/python3
"""
`make demo`: real SMTP sessions through a private Postfix that asks Postern, without a database.

It prints the commands of each session, Postfix's answer, and the rule that decided. All files are in BUILD/demo, or, if
Postfix's account cannot reach that directory (a clone below /root), in a directory of /tmp. At the end everything is
stopped and removed; --keep keeps the files.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "integration"))

from harness import postern as postern_module  # noqa: E402
from harness.postern import BUILD, Postern  # noqa: E402
from harness.postfix import Postfix  # noqa: E402
from harness.smtp import Smtp  # noqa: E402

LISTS = {
    "connect.rdns_access.blacklist": "# clients: addresses, networks, names\n192.0.2.0/24\n",
    "helo.checks.regexps": "# HELO names, as regexes\nfriend\n.*\\.dyn\\.example\\.net\n",
    "mail_from.access.blacklist": "# senders\nspam@example.org\n",
    "rcpt_to.access.blacklist": "# recipients\nformer-colleague@example.com\n",
    "access.domains": "# unwelcome wherever they appear\nbad-shop.example\n",
}
STORE = {
    "profiles": [
        {"id": 1, "name": "staff", "open": False, "host": "example.com,example.org", "rcpt": None,
         "rcpt_re": None, "maxsize": 10000000, "limits": None},
    ],
    "users": [
        {"id": 1, "username": "alice", "password": None, "froms": "alice@example.com,sales@example.com",
         "profileId": 1},
    ],
}
CONFIG = {
    "milter": {"socket_mode": "0666"},
    "check": {"helo": "yes", "data": "yes"},
    "profile": {"default_domain": "example.com"},
}

COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOURS else text


def reachable(folder):
    """Whether every account may enter the directory, as a daemon that gives up root must."""
    return all(part.stat().st_mode & 0o001 for part in [folder, *folder.parents])


class Demo:
    """One Postfix, one Postern, and the number of unexpected answers."""

    def __init__(self, folder):
        self.folder = folder
        self.wrong = 0
        # In Postfix's queue directory, where a chrooted smtpd finds it, as on a Debian machine.
        socket = folder / "postfix/queue/postern/postern.sock"
        CONFIG["milter"]["socket"] = f"unix:{socket}"
        self.postern = Postern(folder / "postern", CONFIG, LISTS, STORE)
        self.postern.socket = socket
        self.postfix = Postfix(folder / "postfix", milter="unix:postern/postern.sock")

    def start(self):
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        self.postfix.folder.mkdir()
        self.postfix.create()
        run = self.postern.socket.parent
        run.mkdir()
        if postern_module.USER:
            shutil.chown(run, postern_module.USER)
        self.postern.create()
        self.postern.start()
        self.postfix.start()

    def stop(self):
        self.postfix.stop()
        self.postern.stop()

    def show(self, step, expected, since):
        """Print Postfix's answer and the rule from Postern's log."""
        code, text = step
        good = code // 100 == expected // 100
        self.wrong += not good
        print("     Postfix: ", paint(32 if code < 400 else 31, f"{code} {text}"))
        for line in self.postern.log(since).splitlines():
            if " rule=" in line or " verdict=accept" in line:
                print("     Postern: ", line.strip())
        if not good:
            print(paint(31, f"     expected: {expected}"))

    def session(self, title, expected, client="198.51.100.7", name="mail.example.net",
                helo="mail.example.net", mail="<friend@example.net>", rcpts=("<bob@example.com>",),
                login=None, header_from="Friend <friend@example.net>"):
        print(paint(1, title))
        mark = self.postern.mark()
        asked, step = [], None
        with Smtp(self.postfix.port) as smtp:
            smtp.ehlo("demo")
            about = {"addr": client, "name": name}
            if login:
                about["login"] = login
            asked.append(f"client {name} [{client}]" + (f", logged in as {login}" if login else ""))
            smtp.xclient(**about)
            commands = [f"HELO {helo}", f"MAIL FROM:{mail}", *(f"RCPT TO:{rcpt}" for rcpt in rcpts)]
            for command in commands:
                asked.append(command)
                reply = smtp.command(command)
                step = (reply.code, reply.text.replace("\n", " "))
                if reply.code >= 400:
                    break
            else:
                asked.append(f"DATA, From: {header_from}")
                smtp.command("DATA")
                reply = smtp.command(f"From: {header_from}\r\nSubject: demo\r\n\r\nHello.\r\n.")
                step = (reply.code, reply.text.replace("\n", " "))
        print("     asked:   ", " | ".join(asked))
        deadline = time.monotonic() + 10
        while not self.postern.records(mark) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.show(step, expected, mark)
        print()

    def run(self):
        self.session("1. A client on a deny list", 550, client="192.0.2.7", name="dialup.example.net")
        self.session("2. A HELO name that a regex refuses", 550, helo="host7.dyn.example.net")
        self.session("3. A sender on a deny list", 550, mail="<spam@example.org>")
        self.session("4. A recipient on a deny list", 550, rcpts=["<former-colleague@example.com>"])
        self.session("5. A domain that is unwelcome, in the From field", 550,
                     header_from="Offers <news@mail.bad-shop.example>")
        self.session("6. Alice is logged in and sends as somebody else", 550, login="alice",
                     mail="<boss@example.com>")
        self.session("7. Alice's profile reaches example.com and example.org only", 550, login="alice",
                     mail="<alice@example.com>", rcpts=["<x@example.net>"])
        self.session("8. Alice writes to a colleague", 250, login="alice", mail="<sales@example.com>",
                     header_from="Alice <alice@example.com>")
        print(paint(1, "9. A rule changes while Postern runs: newcomer@example.net joins the deny list"))
        self.session("   before", 250, mail="<newcomer@example.net>",
                     header_from="N <newcomer@example.net>")
        start = time.monotonic()
        self.postern.write_list("mail_from.access.blacklist", "spam@example.org\nnewcomer@example.net\n")
        answer = None
        while answer != "reject" and time.monotonic() < start + 20:
            time.sleep(0.02)
            answer = self.explain("newcomer@example.net")
        print(f"   in force after {time.monotonic() - start:.2f} s\n")
        self.session("   after", 550, mail="<newcomer@example.net>")
        print(paint(1, "And without sending anything: posternctl explain --running --mail newcomer@example.net"))
        print(self.postern.ctl("explain", "--running", "--ip", "198.51.100.7", "--mail",
                               "newcomer@example.net", parse=False))

    def explain(self, mail):
        answer = self.postern.ctl("explain", "--running", "--ip", "198.51.100.7", "--mail", mail)
        return answer["steps"][-1]["verdict"]


def main():
    if os.geteuid() != 0:
        print("make demo: a private Postfix needs root; run: sudo make demo", file=sys.stderr)
        return 1
    folder = (BUILD / "demo").resolve()
    if not reachable(BUILD.resolve()):
        folder = Path(tempfile.mkdtemp(prefix="postern-demo-"))
        print(f"The accounts of Postfix and Postern cannot enter {BUILD.resolve()}, so {folder} is used.\n")
    shutil.rmtree(folder, ignore_errors=True)
    demo = Demo(folder)
    try:
        demo.start()
        demo.run()
    finally:
        demo.stop()
        if "--keep" not in sys.argv:
            shutil.rmtree(folder, ignore_errors=True)
    print("All answers were as expected." if demo.wrong == 0 else f"{demo.wrong} answers were not as expected.")
    return 1 if demo.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
