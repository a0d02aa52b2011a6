"""The control socket and posternctl: requests, followers, hostile clients."""

import concurrent.futures
import contextlib
import fcntl
import hashlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import termios
import threading
import time

import pytest

from harness.postern import POSTERNCTL, ROOT
from harness.wait import DEADLINE, wait_until

pytestmark = pytest.mark.quick

DENY = {"mail_from.access.blacklist": "spam@bad.example\n"}


class Control:
    """A bare connection to the control socket."""

    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(daemon.run / "control"))
        self.lines = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def read(self):
        return json.loads(self.lines.readline())

    def ask(self, **request):
        self.send(json.dumps(request).encode() + b"\n")
        return self.read()


def refuse_one(daemon, sender="<spam@bad.example>", helo="mail.ok.example"):
    with daemon.milter() as milter:
        milter.connect("mail.ok.example", "192.0.2.1")
        milter.helo(helo)
        assert milter.mail(sender).verdict == "reject"
        milter.quit()


def ctl(daemon, *args, **options):
    return subprocess.run([POSTERNCTL, "-c", daemon.conf, *args], capture_output=True, text=True,
                          check=False, timeout=60, **options)


# ---- status and reload --------------------------------------------------------------------------


@pytest.mark.threads
def test_status_describes_the_policy_in_force(box):
    daemon = box.postern(lists={**DENY, "access.domains": "a.example\nb.example\n"}, store={
        "profiles": [{"id": 1, "name": "p", "open": True, "host": "", "rcpt": "", "rcpt_re": ""}],
        "users": [{"id": 1, "username": "bob", "password": "", "froms": "", "profileId": 1}]})
    status = daemon.ctl("status")
    assert status["daemon"]["pid"] == daemon.process.pid
    cache = status["cache"]
    assert (cache["users"], cache["profiles"], cache["problem_count"]) == (1, 1, 0)
    assert status["lists"]["entries"]["access.domains"] == 2
    assert status["lists"]["entries"]["mail_from.access.blacklist"] == 1
    assert cache["policy"]["source"] == "store"
    assert status["database"]["state"] == "off"
    with daemon.milter() as milter:
        milter.connect("x.example", "192.0.2.1")
        milter.helo("x")
        assert milter.mail("<a@c.example>").verdict == "continue"
        assert daemon.ctl("status")["sessions"]["sessions_open"] == 1


def test_reload_prints_the_problems(box):
    daemon = box.postern(lists=DENY)
    before = daemon.ctl("status")["cache"]["policy"]["serial"]
    daemon.write_list("mail_from.access.blacklist_regex", "good\n(\n*x\n")
    answer = daemon.ctl("reload")
    assert answer["ok"] and answer["serial"] > before
    assert answer["problem_count"] == 2
    assert answer["problems"][0].startswith("mail_from.access.blacklist_regex:2: ")
    assert daemon.ctl("status")["cache"]["problems"] == answer["problems"]
    said = ctl(daemon, "reload").stdout
    assert "problem: mail_from.access.blacklist_regex:3" in said and "2 problems" in said
    assert "left out" not in said.replace("; left out", "")
    assert "mail_from.access.blacklist_regex:3" in ctl(daemon, "status").stdout
    assert daemon.check_config()[1].startswith(f"{daemon.conf}: no error, 2 problems")


def test_reload_prints_what_status_reports(box):
    daemon = box.postern(lists=DENY)
    daemon.configure({"milter": {"timeout": "100s"}, "control": {"socket_mode": "0660"}})
    answer = daemon.ctl("reload")
    changed = [text for text in answer["problems"] if "only a restart puts the change in force" in text]
    assert answer["ok"] and len(changed) == 2 and all("Restart postern." in text for text in changed), answer
    assert answer["problem_count"] == len(answer["problems"])
    said = ctl(daemon, "reload").stdout
    assert "problem: [milter] timeout was changed" in said and "problem: [control] socket_mode was changed" in said


def test_a_failed_reload_tells_what_stays_in_force(box):
    daemon = box.postern(lists=DENY)
    (daemon.lists / "access.domains").mkdir()
    done = ctl(daemon, "reload")
    assert done.returncode == 1
    assert done.stderr.startswith(f"posternctl: the reload failed: {daemon.lists}/access.domains: ")
    assert "stay in force" in done.stderr
    (daemon.lists / "access.domains").rmdir()
    assert ctl(daemon, "reload").returncode == 0


@pytest.mark.threads
def test_many_reloads_at_once_are_all_answered(box):
    daemon = box.postern(lists=DENY)
    connections = [Control(daemon) for _ in range(20)]
    for connection in connections:
        connection.send(b'{"command": "reload"}\n')
    assert all(connection.read()["ok"] for connection in connections)
    for connection in connections:
        connection.lines.close()
        connection.socket.close()


def test_a_missing_daemon_is_reported(box):
    daemon = box.postern(start=False)
    done = ctl(daemon, "status")
    assert done.returncode == 69
    assert "is postern running?" in done.stderr


def test_a_daemon_that_hangs_is_reported(box):
    """By every command; they run at the same time, because each waits for 10 s."""
    commands = [["status"], ["reload"], ["limits"], ["tail"], ["log-level"], ["suspended"],
                ["explain", "--running", "--ip", "192.0.2.1"]]
    daemon = box.postern()
    daemon.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)  # all of its threads have stopped
    try:
        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
            results = list(pool.map(lambda args: ctl(daemon, *args), commands))
        waited = time.monotonic() - begun
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    for args, done in zip(commands, results, strict=True):
        assert done.returncode == 69, args
        assert "the daemon has not answered for 10 s" in done.stderr, args
    assert waited > 9
    assert ctl(daemon, "status").returncode == 0


def test_connections_take_turns(box):
    """Many requests that arrive at once on one connection do not delay another."""
    daemon = box.postern()
    with Control(daemon) as many, Control(daemon) as one:
        many.ask(command="suspended")
        one.ask(command="suspended")
        since = daemon.mark()
        daemon.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
        many.send(b"".join(b'{"command": "auth-reset", "whose": "many%d"}\n' % i for i in range(200)))
        one.send(b'{"command": "auth-reset", "whose": "one"}\n')
        daemon.process.send_signal(signal.SIGCONT)
        assert "error" in one.read()  # no failures are counted
        assert all("error" in many.read() for _ in range(200))
    daemon.wait_record(since, **{"auth-reset": "many199"})
    order = [record["auth-reset"] for record in daemon.records(since) if "auth-reset" in record]
    assert order.index("one") < 5, order


def test_a_daemon_that_does_not_even_accept_is_reported(tmp_path):
    """A full queue makes connect() wait."""
    path = str(tmp_path / "control")
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
        listener.bind(path)
        listener.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                client = stack.enter_context(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                client.connect(path)
        done = subprocess.run([POSTERNCTL, "-s", path, "status"], capture_output=True, text=True, check=False,
                              timeout=60)
    assert done.returncode == 69
    assert "the daemon has not answered for 10 s" in done.stderr


@pytest.mark.threads
def test_a_broken_configuration_still_leads_to_the_socket(box):
    daemon = box.postern(lists=DENY)
    daemon.conf.write_text("[nonsense]\nx = y\n[control]\nsocket = run/control ; here\n")
    done = ctl(daemon, "status", "--json")
    assert done.returncode == 1
    assert "nonsense" in done.stderr
    answer = json.loads(done.stdout)
    assert answer["daemon"]["pid"] == daemon.process.pid
    assert [one["problem"] for one in answer["problems"]] == [
        f"{daemon.conf} has been changed since it was read, and the changes are not in force"]


def test_a_changed_public_suffix_list_is_reported_until_a_reload(box):
    suffixes = box.folder / "suffixes"
    suffixes.write_text("com\norg\n")
    daemon = box.postern(lists=DENY, config={"lists": {"public_suffix_list": suffixes}})
    changed = f"{suffixes} has been changed since it was read, and the changes are not in force"

    def problems():
        return [one["problem"] for one in daemon.ctl("status")["problems"]]

    assert changed not in problems()
    suffixes.write_text("com\norg\nco.uk\n")
    assert changed in problems()
    daemon.ctl("reload")
    assert changed not in problems()
    suffixes.touch()  # the same text
    assert changed not in problems()


@pytest.mark.parametrize("args", [["nothing"], ["status", "more"], ["-c"], ["log-level", "a", "b"],
                                  ["hash", "-m", "rot13"], ["hash", "-r", "many"], ["--colour=pink"]])
def test_wrong_usage_is_64(args):
    done = subprocess.run([POSTERNCTL, *args], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 64, done.stderr
    assert done.stderr


@pytest.mark.parametrize("args, what", [
    (["--jsno", "status"], "--jsno: there is no such option"),
    (["help", "statsu"], "statsu: there is no such command; did you mean status?"),
    (["status", "more"], "more: the command status has no arguments"),
    (["hash", "-z"], "posternctl hash: invalid option"),
    (["explain", "--to", "a@b.example"], "posternctl explain: unrecognized option '--to'"),
    (["explain", "a@b.example"], "explain has options only"),
    (["explain", "--password"], "--password needs --user"),
    (["explain", "--jsonl", "--user", "bob"], "--jsonl reads sessions from standard input"),
])
def test_wrong_usage_is_explained(args, what):
    done = subprocess.run([POSTERNCTL, *args], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 64 and what in done.stderr, done
    assert len(done.stderr.splitlines()) <= 2, done


def test_every_command_shows_its_usage():
    help_text = subprocess.run([POSTERNCTL], capture_output=True, text=True, check=True).stdout
    for name in re.findall(r"^  ([a-z-]+) ", help_text.split("Commands:")[1], re.M):
        shown = [subprocess.run([POSTERNCTL, *args], capture_output=True, text=True, check=True).stdout
                 for args in (["help", name], [name, "--help"], [name, "-h"])]
        assert shown[0] == shown[1] == shown[2]
        assert re.match(rf"usage: posternctl .*\b{name}\b", shown[0])
        assert not re.search(r" $", shown[0], re.M)


# The words in the usage of each command: every argument, option and value.
MENTIONED = {
    "explain": ["--ip", "--rdns", "--helo", "--service", "--user", "--password", "--mail", "--mail-resolved", "--size",
                "--rcpt", "--resolved", "--from",
                "--sender", "--running", "--jsonl", "Exit status: 0"],
    "status": ["--strict", "Exit status: 0"],
    "reload": ["Exit status: 0"],
    "tail": ["--json"],
    "limits": ["top", "NUMBER", "LOGIN", "KEY", "reset", "rate_conn:192.0.2.7", "Exit status: 0"],
    "log-level": ["error", "warning", "notice", "info", "debug"],
    "suspend": ["token:MAIL"],
    "resume": ["limits LOGIN reset"],
    "auth": ["LOGIN", "ADDRESS"],
    "config": ["KEY", "-n", "-h", "Exit status: 0"],
    "import-haraka": ["DIR", "-o DIR", "Exit status: 0"],
    "user": ["list", "show", "add", "set", "del", "passwd", "username", "froms", "enabled", "--stdin", "Exit status: 0"],
    "profile": ["list", "show", "add", "set", "del", "limits", "maxsize", "rcpt_re", "Exit status: 0"],
    "init": ["DOMAIN", "Exit status: 0"],
    "hash": ["-m METHOD", "-r ROUNDS", "yescrypt", "sha512", "sha256", "bcrypt"],
}


@pytest.mark.parametrize("name", MENTIONED)
def test_the_usage_describes_the_arguments(name):
    shown = subprocess.run([POSTERNCTL, "help", name], capture_output=True, text=True, check=True).stdout
    described = shown.partition("\n")[2]
    for text in MENTIONED[name]:
        assert text in described, shown
    assert all(len(line) <= 100 for line in shown.splitlines())


@pytest.mark.parametrize("typed, meant", [("stat", "status"), ("limit", "limits"), ("tial", "tail"), ("xyz", None)])
def test_a_misspelt_command_gets_a_suggestion(typed, meant):
    said = subprocess.run([POSTERNCTL, typed], capture_output=True, text=True, check=False).stderr
    assert "there is no such command" in said
    assert ("did you mean" in said) == (meant is not None)
    if meant:
        assert f"did you mean {meant}?" in said


def test_the_man_page_describes_every_command():
    help_text = subprocess.run([POSTERNCTL, "help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z-]+) ", help_text.split("Commands:")[1], re.M)
    page = (ROOT / "ctl/posternctl.8").read_text()
    assert len(names) > 10
    for name in names:
        assert re.search(rf"^(\.It )?\.?Ic {name}\b", page, re.M) or f".It Ic {name}" in page, name


def test_help_and_version_are_options_too():
    for option, command in (("--help", "help"), ("-h", "help"), ("--version", "version"), ("-V", "version")):
        by_option, by_command = (subprocess.run([POSTERNCTL, name], capture_output=True, text=True, check=True).stdout
                                 for name in (option, command))
        assert by_option == by_command != ""


@pytest.mark.threads
def test_the_log_level_can_be_changed(box):
    daemon = box.postern(lists=DENY)
    assert daemon.ctl("log-level")["level"] == "info"
    assert daemon.ctl("log-level", "warning")["level"] == "warning"
    refuse_one(daemon)
    assert ctl(daemon, "log-level", "loud").returncode == 1
    daemon.ctl("log-level", "info")
    refuse_one(daemon)
    daemon.wait_record(verdict="reject")
    assert len(daemon.records(verdict="reject")) == 1


# ---- tail ---------------------------------------------------------------------------------------


@pytest.mark.threads
def test_tail_shows_decisions_as_they_are_made(box):
    daemon = box.postern(lists=DENY)
    followers = [subprocess.Popen([POSTERNCTL, "-c", daemon.conf, "tail", *options],
                                  stdout=subprocess.PIPE, text=True)
                 for options in (["--json"], [])]
    try:
        wait_until(lambda: daemon.ctl("status")["log"]["followers"] == 2, "both follow")
        refuse_one(daemon)
        event = json.loads(followers[0].stdout.readline())
        assert (event["verdict"], event["stage"], event["rule"], event["code"]) == (
            "reject", "mail", "mail_from.access.blacklist:1", 550)
        assert event["client"] == "192.0.2.1"
        assert abs(event["time"] - time.time()) < 60
        assert re.fullmatch(r"\d\d:\d\d:\d\d reject mail 192.0.2.1 from=spam@bad.example "
                            r"rule=mail_from.access.blacklist:1 550 .*\n",
                            followers[1].stdout.readline())
    finally:
        for follower in followers:
            follower.terminate()
            follower.wait()
            follower.stdout.close()
    wait_until(lambda: daemon.ctl("status")["log"]["followers"] == 0, "nobody follows")


def test_tail_makes_control_characters_visible(box):
    daemon = box.postern(lists={"access.domains": "b.example\n"})
    follower = subprocess.Popen([POSTERNCTL, "-c", daemon.conf, "tail"], stdout=subprocess.PIPE)
    try:
        wait_until(lambda: daemon.ctl("status")["log"]["followers"] == 1, "it follows")
        for sender in ("<\x1b]0;x\x07@b.example>", b"<\xff\x9b31m@b.example>", "<\u009b31m@b.example>"):
            with daemon.milter() as milter:
                milter.connect("x", "192.0.2.1")
                milter.helo("x")
                assert milter.mail(sender).verdict == "reject"
            line = follower.stdout.readline()
            assert b"reject" in line
            assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xff", line), line
    finally:
        follower.terminate()
        follower.wait()
        follower.stdout.close()


@pytest.mark.threads
def test_a_follower_that_does_not_read_loses_lines_and_delays_nobody(box):
    daemon = box.postern(lists=DENY)
    with Control(daemon) as slow:
        assert slow.ask(command="tail")["ok"]
        start = time.monotonic()
        with daemon.milter() as milter:
            milter.connect("mail.ok.example", "192.0.2.1")
            milter.helo("h" * 400)
            for _ in range(4000):
                assert milter.mail("<spam@bad.example>").verdict == "reject"
        print(f"4000 refusals took {time.monotonic() - start:.3f} s")
        text = b""
        slow.socket.settimeout(0.5)
        while b'"dropped"' not in text:
            try:
                text += slow.socket.recv(1 << 20)
            except TimeoutError:  # it has read everything: the next line reports the loss
                refuse_one(daemon)
        events = [json.loads(line) for line in text.splitlines() if line.endswith(b"}")]
        lost = sum(event.get("dropped", 0) for event in events)
        seen = sum("verdict" in event for event in events)
        print(f"{seen} seen, {lost} lost")
        assert seen > 0 and lost > 0
    assert daemon.ctl("status")["ok"]


# ---- explain ------------------------------------------------------------------------------------


@pytest.mark.parametrize("args, what", [
    (["--rcpt", "a@b.example"], "--rcpt needs --mail"),
    (["--size", "1000"], "--size needs --mail"),
    (["--from", "a@b.example"], "--from or --sender needs --mail"),
    (["--sender", "a@b.example"], "--from or --sender needs --mail"),
    (["--mail", "a@b.example", "--from", "a@b.example"], "--from or --sender needs --rcpt"),
])
def test_explain_refuses_facts_without_those_that_precede_them(shared_daemon, args, what):
    done = ctl(shared_daemon, "explain", "--helo", "mail.b.example", *args)
    assert done.returncode == 64 and what in done.stderr, done


@pytest.mark.parametrize("args", [
    ["explain", "--mail", b"a\xff@b.example"], ["explain", "--ip", "192.0.2.1", "--helo", b"\xe9"],
    ["explain", "--user", b"\xc3"], ["explain", "--mail", "a@b.example", "--rcpt", b"\xed\xa0\x80@b.example"],
    ["explain", "--running", "--mail", b"a\xff@b.example"], ["limits", b"a\xff"], ["log-level", b"\xff"]])
def test_an_argument_that_is_not_utf8_is_refused(shared_daemon, args):
    """Without the value, the answer would be about another session."""
    done = ctl(shared_daemon, *args)
    assert done.returncode == 65 and "is not UTF-8" in done.stderr and not done.stdout, done


def test_explain_prints_no_white_space_at_the_end_of_a_line(shared_daemon):
    said = ctl(shared_daemon, "explain", "--ip", "192.0.2.1", "--mail", "a@b.example").stdout
    assert re.search("^mail    accept$", said, re.M)
    assert re.search("^    mail        unlisted$", said, re.M)


def test_explain_takes_no_word_of_an_mta_for_the_name_of_a_client(box):
    """Postfix's log shows a client without a name as unknown[192.0.2.7]; the daemon then sees no name."""
    daemon = box.postern(lists={"connect.rdns_access.blacklist": "unknown\nmail.example.net\n"})
    for where in ([], ["--running"]):
        for name, verdict in (("Unknown", "accept"), ("[192.0.2.7]", "accept"), ("mail.example.net", "reject")):
            steps = daemon.ctl("explain", *where, "--ip", "192.0.2.7", "--rdns", name)["steps"]
            assert (steps[0]["step"], steps[0]["verdict"]) == ("connect", verdict), name


def test_explain_judges_a_header_only_when_it_was_given(box):
    daemon = box.postern(store={
        "profiles": [{"id": 1, "name": "all", "open": True}],
        "users": [{"id": 1, "username": "alice", "froms": "alice@example.com", "profileId": 1}]})
    asked = ["--user", "alice", "--mail", "alice@example.com", "--rcpt", "x@y.example"]
    for where in ([], ["--running"]):
        steps = daemon.ctl("explain", *where, *asked)["steps"]
        assert [step["step"] for step in steps] == ["connect", "helo", "mail", "rcpt"]
        assert "header  not judged, no --from" in daemon.ctl("explain", *where, *asked, parse=False)
        steps = daemon.ctl("explain", *where, *asked, "--from", "boss@victim.example")["steps"]
        assert (steps[-1]["step"], steps[-1]["verdict"]) == ("header", "reject")
        # In a recorded session there was none.
        session = {"login": "alice", "mail": "<alice@example.com>", "rcpts": ["<x@y.example>"], "from": None}
        answer = daemon.ctl("explain", *where, "--jsonl", stdin=json.dumps(session), parse=False)
        assert json.loads(answer)["steps"][-1]["verdict"] == "reject"
    asked[3] = "boss@victim.example"  # is refused, so that no header comes
    assert "header" not in daemon.ctl("explain", *asked, parse=False)


DATABASE = {"database": {"conninfo": "host=/nowhere dbname=x"}}
ASKED = ["--ip", "192.0.2.1", "--user", "alice", "--mail", "alice@example.com", "--rcpt", "x@y.example"]


def copy_of_database(written):
    """A store as the daemon writes it, with the user alice."""
    text = (f'{{"format":"postern-store-1","revision":"1","written":"{written}",\n'
            '"profiles":[\n{"id":1,"name":"all","open":true}\n],\n'
            '"users":[\n{"id":1,"username":"alice","froms":"alice@example.com","profileId":1}\n],\n')
    return text + f'"checksum":"sha256:{hashlib.sha256(text.encode()).hexdigest()}"}}\n'


@pytest.mark.parametrize("config, why", [
    (DATABASE, "no copy of them in"),
    ({**DATABASE, "store": {"path": ""}}, "[store] path is empty"),
    ({"auth": {"suspensions": "lists"}}, "the suspended logins cannot be read"),
    ({"store": {"path": "absent.json"}}, "absent.json does not exist"),
])
def test_explain_from_files_admits_what_it_cannot_know(box, config, why):
    daemon = box.postern(config=config, lists=DENY, start=False,
                         store={"users": []} if "auth" in config else None)
    for args in (ASKED, ["--json", *ASKED], ["--user", "alice"], ["--user", "token:alice@example.com"]):
        done = ctl(daemon, "explain", *args)
        assert done.returncode == 66 and why in done.stderr and "--running" in done.stderr, done
        assert done.stdout == ""
    done = ctl(daemon, "explain", "--user", "alice", "--password", input="pass")
    assert done.returncode == 66 and why in done.stderr, done
    # Without a login, the lists decide.
    done = ctl(daemon, "explain", "--ip", "192.0.2.1", "--mail", "spam@bad.example")
    assert done.returncode == 0 and "reject" in done.stdout, done
    done = ctl(daemon, "explain", "--jsonl", input='{"login": null}\n{"login": "alice"}\n{"auth": {"user": "alice", '
               '"password": "x"}}\n{"mail": "<a@b.example>"}\n')
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [why in answer.get("error", "") for answer in answers] == [False, True, True, False]
    assert done.returncode == 66 and done.stderr.count(why) == 2


@pytest.mark.parametrize("written, age", [
    (None, "of unknown age"), ("2001-02-03T04:05:06Z", r"\d{4} d \d+ h old"), ("now", r"\d+ s old")])
def test_explain_reports_the_age_of_the_copy(box, written, age):
    users = {"profiles": [{"id": 1, "name": "all", "open": True}],
             "users": [{"id": 1, "username": "alice", "froms": "alice@example.com", "profileId": 1}]}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    store = users if written is None else copy_of_database(now if written == "now" else written)
    daemon = box.postern(config=DATABASE, store=store, start=False)
    done = ctl(daemon, "explain", *ASKED)
    assert done.returncode == 0, done
    assert re.match(f"users   copy of the database in {re.escape(str(daemon.store_path))}, {age}\nconnect ", done.stdout)
    for args in (["--json", *ASKED], ["--jsonl"]):
        answer = json.loads(ctl(daemon, "explain", *args, input='{"login": "alice"}').stdout)
        assert answer["users"]["source"] == "copy" and answer["users"]["path"] == str(daemon.store_path)
        assert (answer["users"]["age_seconds"] is None) == (written is None)
    daemon.store_path.rename(str(daemon.store_path) + ".prev")
    assert re.match(f"users   copy of the database .*, {age}\n", ctl(daemon, "explain", *ASKED).stdout)


def test_explain_from_a_store_without_a_database_mentions_no_copy(box):
    daemon = box.postern(store={"users": [{"id": 1, "username": "alice"}]}, start=False)
    done = ctl(daemon, "explain", *ASKED)
    assert done.returncode == 0 and done.stdout.startswith("connect ")
    assert "users" not in json.loads(ctl(daemon, "explain", "--json", *ASKED).stdout)


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_explain_keeps_a_refusal_whose_rule_is_cut(box, before):
    profile = before + "\u20ac" * 60 + "\U0001f600" * 20
    daemon = box.postern(start=False, store={
        "profiles": [{"id": 1, "name": profile, "open": False, "host": "other.example"}],
        "users": [{"id": 1, "username": "alice", "froms": "alice@example.com", "profileId": 1}]})
    done = ctl(daemon, "explain", *ASKED)
    assert done.returncode == 0 and "rcpt    reject   550 5.7.1 User alice not allowed" in done.stdout, done
    assert re.search(f"recipient +fail +profile {before}\u20ac+: no host", done.stdout)


@pytest.mark.threads
def test_the_running_daemon_explains(box):
    daemon = box.postern(lists=DENY)
    with Control(daemon) as control:
        session = {"id": "x", "ip": "192.0.2.1", "mail": "<spam@bad.example>"}
        answer = control.ask(command="explain", session=session)
        assert answer["ok"], answer
        (step,) = [step for step in answer["answer"]["steps"] if step["step"] == "mail"]
        assert (step["verdict"], step["rule"]) == ("reject", "mail_from.access.blacklist:1")
        for wrong in (None, [], "x", {"ip": 7}):
            answer = control.ask(command="explain", session=wrong)
            assert not answer["ok"] and answer["error"]
        # Any number of them, one answer each, in order.
        for number in range(200):
            control.send(json.dumps({"command": "explain", "session": {
                **session, "id": str(number)}}).encode() + b"\n")
        for number in range(200):
            assert control.read()["answer"]["id"] == str(number)


# ---- hostile clients ---------------------------------------------------------------------------


@pytest.mark.parametrize("request_line", [
    b"", b"{", b"[]", b"7", b'"x"', b"{}", b'{"command": 7}', b'{"command": "no"}', b"\x00\xff\xfe",
    b'{"command": "status", "command": "status"}', b'{"command": "st\\u0000atus"}',
    b'{"command": "log-level", "level": 7}', b'{"command": "log-level", "level": "loud"}',
    b'{"command": "explain"}', b"[" * 5000,
])
@pytest.mark.threads
def test_a_bad_request_is_refused_and_the_next_one_answered(shared_daemon, request_line):
    with Control(shared_daemon) as control:
        control.send(request_line + b"\n")
        answer = control.read()
        assert answer["ok"] is False and answer["error"]
        assert control.ask(command="status")["ok"]


@pytest.fixture(scope="module")
def shared_daemon(shared_box):
    return shared_box.postern(lists=DENY)


@pytest.mark.threads
def test_a_request_without_an_end_is_refused(shared_daemon):
    with Control(shared_daemon) as control:
        try:
            control.send(b"x" * (3 << 20))
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            assert control.read() == {"ok": False, "error": "the request is too long"}
            assert control.lines.readline() == b""
        except ConnectionResetError:
            pass
    assert shared_daemon.ctl("status")["ok"]


@pytest.mark.threads
def test_a_client_that_never_reads_delays_nobody(shared_daemon):
    with Control(shared_daemon) as control:
        control.socket.settimeout(1)
        try:
            while True:
                control.send(b'{"command": "status"}\n' * 1000)
        except TimeoutError:
            pass
        assert shared_daemon.ctl("status")["ok"]


@pytest.mark.threads
def test_clients_that_never_read_leave_room_for_others(shared_daemon):
    looks = []

    def are_full():
        """Whether all have got as many bytes as there is room for."""
        looks.append([fcntl.ioctl(client.socket, termios.FIONREAD, b"0000") for client in clients])
        return bytes(4) not in looks[-1] and looks[-5:].count(looks[-1]) == 5

    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Control(shared_daemon)) for _ in range(64)]
        for client in clients:
            client.send(b'{"command": "status"}\n' * 300)
        wait_until(are_full, "the daemon waits until they read", 90)  # under TSan, it answers slowly
        assert shared_daemon.ctl("status")["ok"]


def test_a_client_that_closes_its_side_is_still_answered(shared_daemon):
    with Control(shared_daemon) as control:
        control.send(b'{"command": "status"}\n{"command": "reload"}\n{"command": "status"}\n{"comm')
        control.socket.shutdown(socket.SHUT_WR)
        assert all(control.read()["ok"] for _ in range(3))
        assert control.lines.readline() == b""


@pytest.mark.threads
def test_a_client_that_hangs_up_before_the_answer_harms_nobody(shared_daemon):
    for command in ("reload", "explain", "tail", "status"):
        for _ in range(20):
            with Control(shared_daemon) as control:
                try:
                    control.send(json.dumps({"command": command, "session": {"mail": "<a@b>"}}).encode()
                                 + b"\n")
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the daemon is slow and refuses some connections
    wait_until(lambda: ctl(shared_daemon, "status").returncode == 0, "others are served")


@pytest.mark.threads
def test_too_many_connections_are_closed(shared_daemon):
    connections = []
    closed = 0
    try:
        for _ in range(100):
            connections.append(Control(shared_daemon))
        for connection in connections:
            try:
                connection.send(b'{"command": "log-level"}\n')
                closed += connection.lines.readline() == b""
            except (BrokenPipeError, ConnectionResetError):
                closed += 1
    finally:
        for connection in connections:
            connection.__exit__()
    assert 30 <= closed <= 40
    wait_until(lambda: ctl(shared_daemon, "status").returncode == 0, "others are served again")


# ---- hash ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, begins", [
    ("yescrypt", "$y$"), ("sha512", "$6$"), ("sha256", "$5$"), ("bcrypt", "$2b$12$")])
def test_hash_from_standard_input(method, begins):
    done = subprocess.run([POSTERNCTL, "hash", "-m", method], input="secret\nmore\n", text=True,
                          capture_output=True, check=True)
    assert done.stdout.startswith(begins)
    again = subprocess.run([POSTERNCTL, "hash", "-m", method, "--json"], input="secret", text=True,
                           capture_output=True, check=True)
    assert json.loads(again.stdout)["hash"].startswith(begins)
    assert json.loads(again.stdout)["hash"] != done.stdout.strip()  # salted


def test_hash_asks_a_terminal_twice_without_echo():
    ours, theirs = pty.openpty()
    child = subprocess.Popen([POSTERNCTL, "hash", "-m", "sha512"], stdin=theirs, stderr=theirs,
                             stdout=subprocess.PIPE)
    os.close(theirs)
    shown = b""
    for prompt in (b"Password: ", b"Once more: "):
        while prompt not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, b"secret\n")
    assert child.stdout.read().startswith(b"$6$")
    child.stdout.close()
    assert child.wait() == 0
    os.close(ours)
    assert b"secret" not in shown


@pytest.mark.threads
def test_the_daemon_ends_cleanly_amid_requests(box):
    daemon = box.postern(store={"users": [{"id": i, "username": f"u{i}"} for i in range(3000)]})
    over = threading.Event()
    answered = threading.Semaphore(0)

    def ask():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(daemon.run / "control"))
            asking.settimeout(1)
            while not over.is_set():
                asking.sendall(b'{"command":"status"}\n' * 20)
                got = 0
                while got < 20 and not over.is_set():
                    octets = asking.recv(1 << 16)
                    if not octets:
                        return
                    got += octets.count(b"\n")
                answered.release()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        assert answered.acquire(timeout=DEADLINE)
    assert daemon.stop() == 0
    over.set()
    for thread in threads:
        thread.join()
