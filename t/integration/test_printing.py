"""Text from outside cannot control a terminal, with any command, on a terminal and through a pipe."""

import json
import os
import pty
import subprocess
import threading
import unicodedata

import pytest

from harness.postern import POSTERN, POSTERNCTL
from harness.wait import wait_until

EVIL = "\x1b]0;t\x07\x7f\u009b31m\u0085\u202e\u2066\u200b\u00ad\ufeff\u2028\U000e0041z"
CLEAN = "\u009b31m\u0085\u202e\u2066\u200b\ufeff\u2028\U000e0041z"  # what a file accepts
RAW = b"\x9b31m\xff\xc2"
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
ALL_UNSEEN = "".join(c for c in map(chr, [*range(1, 0xd800), *range(0xf800, 0x20000), *range(0xe0000, 0xe1000)])
                     if c != " " and unicodedata.category(c) in UNSEEN | {"Zs"})


def run_pty(argv):
    """Run a command on a terminal of its own. Returns (exit status, all that it printed)."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"})
    os.close(theirs)
    printed = b""
    while True:
        try:
            octets = os.read(ours, 1 << 16)
        except OSError:  # EIO: the child has closed it
            break
        if not octets:
            break
        printed += octets
    os.close(ours)
    return child.wait(), printed.replace(b"\r\n", b"\n")


def run_pipe(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def check(printed, *shown):
    """Everything printed is visible, and contains these texts."""
    text = printed.decode("utf-8")  # strictly
    unseen = [hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in UNSEEN]
    assert not unseen, (unseen, text)
    for part in shown:
        assert part in text, text
    return text


RUNS = pytest.mark.parametrize("run", [run_pipe, run_pty])


@pytest.fixture(name="daemon", scope="module")
def fixture_daemon(shared_box):
    """A daemon whose lists, rows, keys, paths and errors contain such text."""
    daemon = shared_box.postern(
        config={"database": {"conninfo": f"host=/nowhere/{CLEAN} user=x dbname=y"},
                "limit rate_rcpt_sender": {"default": "9/1h"}, "profile": {"default_domain": "own.example"}},
        lists={"mail_from.access.blacklist_regex": f"({CLEAN}\n.*denied.*\n", "access.domains": "b.example\n"},
        store={"profiles": [{"id": 1, "name": "p" + CLEAN, "open": False, "limits": "9/1d", "host": "x.example"}],
               "users": [{"id": 1, "username": "bob" + CLEAN, "froms": "*", "profileId": 1},
                         {"id": 2, "username": "\x1b[31mcy", "profileId": 1},
                         {"id": 3, "username": "d", "profileId": "9" + EVIL}]},
        start=False)
    daemon.start(ready=daemon.listens)
    wait_until(lambda: daemon.ctl("status")["cache"]["policy"]["serial"] > 0, "the copy is in force")
    with daemon.milter() as milter:
        milter.connect("x.example", "192.0.2.1")
        milter.helo("h")
        assert milter.mail("<s" + CLEAN + "@y.example>")
        assert milter.rcpt("<r@z.example>")
        milter.quit()
    with daemon.milter() as milter:
        milter.connect("x.example", "192.0.2.1")
        milter.helo("h")
        assert milter.mail("<s@y.example>", auth_authen="bob" + CLEAN)
        assert milter.rcpt("<r@x.example>")
        milter.quit()
    daemon.ctl("suspend", "eve" + EVIL)
    return daemon


COMMANDS = [
    (["limits"], r"\u009b31m"),
    (["limits", "top", "9"], r"\u202e"),
    (["limits", "bob" + CLEAN], r"login:bob\u009b31m"),
    (["limits", "bo" + EVIL], r"\x1b]0;t\x07\x7f"),
    (["status"], r"\u009b31m"),
    (["reload"], r"\u009b31m"),
    (["suspended"], r"eve\x1b]0;t"),
    (["suspend", "eve" + EVIL], r"eve\x1b]0;t"),
    (["resume", "nobody" + EVIL], r"nobody\x1b]0;t"),
    (["auth", "reset", "x" + EVIL], ""),
    (["log-level", "loud" + EVIL], ""),
    (["config"], r"/nowhere/\u009b31m"),
    (["config", "x" + EVIL], r"x\x1b]0;t"),
    (["config", "milter." + EVIL], r"\x1b]0;t"),
    (["import-haraka", "/nowhere/" + EVIL], r"/nowhere/\x1b]0;t"),
    (["user", "list"], r"bob\u009b31m"),
    (["user", "show", "bob" + CLEAN], r"bob\u009b31m"),
    (["profile", "list"], r"p\u009b31m"),
    (["profile", "del", "x" + EVIL], r"x\x1b]0;t"),
    (["user", "set", "bob", "x" + EVIL + "=1"], r"x\x1b]0;t"),
    (["init", "x" + EVIL], r"x\x1b]0;t"),
    (["hash", "-m", "m" + EVIL], r"'m\x1b]0;t"),
    (["explain", "--user", "bob" + CLEAN, "--mail", "a@b.c", "--rcpt", "r@no.example"], r"profile p\u009b31m"),
    (["explain", "--running", "--user", "bob" + CLEAN, "--mail", "a@b.c", "--rcpt", "r@no.example"],
     r"profile p\u009b31m"),
    (["explain", "--ip", EVIL], r"\x1b]0;t"),
    (["explain", "--x" + EVIL], r"'--x\x1b]0;t"),
    (["explain", "--size", EVIL, "--mail", "x"], r"\x1b]0;t"),
    (["status", EVIL], r"\x1b]0;t"),
    ([EVIL], r"\x1b]0;t"),
    (["help", EVIL], r"\x1b]0;t"),
    ([ALL_UNSEEN], r"\u3000"),
    (["-s", "/nowhere/" + EVIL, "status"], r"/nowhere/\x1b]0;t"),
    (["-c", "/nowhere/" + EVIL, "explain"], r"/nowhere/\x1b]0;t"),
]


@RUNS
@pytest.mark.parametrize("args, shown", COMMANDS)
def test_no_command_prints_what_cannot_be_seen(daemon, run, args, shown):
    check(run([POSTERNCTL, "-c", daemon.conf, *args])[1], shown)


@RUNS
@pytest.mark.parametrize("args", [["limits"], ["status"], ["reload"], ["suspended"], ["config"],
                                  ["explain", "--user", "bob" + CLEAN, "--mail", "a@b.c", "--rcpt", "r@no.example"]])
def test_json_escapes_what_cannot_be_seen(daemon, run, args):
    _, printed = run([POSTERNCTL, "-c", daemon.conf, "--json", *args])
    text = check(printed)
    begin = text.index("{")
    answer, end = json.JSONDecoder().raw_decode(text, begin)  # the remarks on stderr come before or after it
    assert text[begin:end].isascii()
    assert any(control in json.dumps(answer, ensure_ascii=False) for control in ("\u009b", "\\u001b"))


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("on_terminal", [False, True])
def test_tail_prints_nothing_that_cannot_be_seen(daemon, options, on_terminal):
    ours, theirs = pty.openpty() if on_terminal else os.pipe()
    follower = subprocess.Popen([POSTERNCTL, "-c", daemon.conf, "--colour=never", "tail", *options], stdout=theirs)
    os.close(theirs)
    senders = [f"<{EVIL}denied@b.example>", b"<" + RAW + b"denied@b.example>", "<\ndenied@b.example>"]
    try:
        wait_until(lambda: daemon.ctl("status")["log"]["followers"] == 1, "it follows")
        for sender in senders:
            with daemon.milter() as milter:
                milter.connect("x", "192.0.2.1")
                milter.helo("x")
                assert milter.mail(sender, i=EVIL).verdict == "reject"
        printed = b""
        while printed.count(b"\n") < len(senders):
            printed += os.read(ours, 1 << 16)
    finally:
        follower.terminate()
        follower.wait()
        os.close(ours)
    text = check(printed.replace(b"\r\n", b"\n"))
    assert text.count("\n") == len(senders)
    if options:
        assert text.isascii() and [json.loads(line)["verdict"] for line in text.splitlines()] == ["reject"] * 3
    wait_until(lambda: daemon.ctl("status")["log"]["followers"] == 0, "nobody follows")


@RUNS
def test_checking_the_files_prints_nothing_that_cannot_be_seen(daemon, run, tmp_path):
    check(run([POSTERN, "-n", "-c", daemon.conf])[1], r"\u009b31m", "problem")
    check(run([POSTERN, "-n", "-c", "/nowhere/" + EVIL])[1], r"/nowhere/\x1b]0;t")
    check(run([POSTERN, "--" + EVIL])[1], r"'--\x1b]0;t")
    check(run([POSTERN, "-c", "/nowhere/" + EVIL])[1], r"/nowhere/\x1b]0;t")
    conf = tmp_path / "postern.conf"
    conf.write_text(f"[milter]\nsocket{CLEAN} = x\n")
    check(run([POSTERN, "-n", "-c", conf])[1], r"socket\u009b31m")


def test_the_log_on_a_terminal_contains_nothing_that_cannot_be_seen(box):
    daemon = box.postern(lists={"access.domains": "b.example\n", "helo.checks.regexps": f"({CLEAN}\n"}, start=False)
    ours, theirs = pty.openpty()
    child = subprocess.Popen([POSTERN, "-f", "-c", daemon.conf], stdout=theirs, stderr=theirs)
    os.close(theirs)
    printed = []

    def read():
        while True:
            try:
                octets = os.read(ours, 1 << 16)
            except OSError:
                return
            printed.append(octets)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        wait_until(lambda: b"ready version" in b"".join(printed), "it is ready")
        with daemon.milter() as milter:
            milter.connect("x", "192.0.2.1")
            milter.helo(EVIL)
            assert milter.mail(b"<" + RAW + b"denied@b.example>", i=EVIL).verdict == "reject"
        wait_until(lambda: b"verdict=reject" in b"".join(printed), "it logs the refusal")
    finally:
        child.terminate()
        child.wait()
        reader.join()
        os.close(ours)
    check(b"".join(printed).replace(b"\r\n", b"\n"), "helo.checks.regexps", r"\x9b31m")
