"""
Guessers and their victims, over both auth sockets and through Postfix: the number of checked guesses, the logins that wait,
and that no wrong password is reported without a check.
"""

import base64
import subprocess
import threading
import time

import pytest

from harness.logins import Dovecot, plain, saslauthd
from harness.postern import POSTERNCTL
from harness.smtp import Smtp
from harness.wait import wait_until

CLIENTS = 300


def hash_of(password, method="sha512"):
    return subprocess.run([POSTERNCTL, "hash", "-m", method], input=password, text=True,
                          capture_output=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def store():
    hashed = hash_of("pa55word")
    return {"profiles": [{"id": 1, "name": "all", "open": True}],
            "users": [{"id": i, "username": name, "password": hashed, "profileId": 1}
                      for i, name in enumerate(("bob", "alice", "carol"), 1)]}


@pytest.fixture(scope="module")
def shared(shared_box, store):
    daemon = shared_box.postern(store=store, config={"profile": {"default_domain": "example.com"}})
    wait_until((daemon.run / "auth").exists, "the socket exists")
    return daemon


@pytest.fixture
def daemon(shared):
    shared.ctl("auth", "reset")
    return shared


class Attempts:
    """Attempts that are begun at once, each on a connection of its own."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.connections = []

    def begin(self, login, password, client):
        conn = Dovecot(self.daemon.run / "auth")
        self.connections.append(conn)
        conn.begin("PLAIN", plain(login, password), client=client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for conn in self.connections:
            conn.close()

    def answers(self):
        """The answers, in the order of the attempts: "OK", "FAIL", or None where the connection was closed."""
        lines = [conn.line() for conn in self.connections]
        return [line and line[0] for line in lines]


def log_in(daemon, login, client, password="pa55word"):
    with Dovecot(daemon.run / "auth") as conn:
        return conn.plain(login, password, client=client)


def slow_down(daemon, client, login="eve"):
    """Fail often enough for a delay."""
    with Dovecot(daemon.run / "auth") as conn:
        for i in range(5):
            conn.plain(f"{login}{i}", "wrong", client=client)


def test_all_spellings_of_a_login_count_together(daemon):
    with Dovecot(daemon.run / "auth") as conn:
        for login, client in (("bob", "192.0.2.1"), ("BOB@Example.com", "192.0.2.2"),
                              ("eve", "192.0.2.3"), ("Eve@example.com", "192.0.2.4")):
            assert conn.plain(login, "wrong", client=client)[0] == "FAIL"
    assert daemon.ctl("status")["auth"]["penalized_logins"] == 2
    mark = daemon.mark()
    log_in(daemon, "bob@example.com", "192.0.2.5", "wrong")
    assert daemon.wait_record(mark, stage="auth")["delay-ms"] == "500"
    assert daemon.ctl("auth", "reset", "Bob@EXAMPLE.com")["forgiven"] == 1
    assert daemon.ctl("auth", "reset", "eve")["forgiven"] == 1
    assert daemon.ctl("status")["auth"]["penalized_logins"] == 0
    for whose, hint in (("bub", "check its spelling"), ("192.0.2.99", "check the address")):
        done = subprocess.run([POSTERNCTL, "-c", daemon.conf, "auth", "reset", whose], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 1 and f"no failures of {whose} are counted" in done.stderr, done
        assert hint in done.stderr and not done.stdout


def test_failures_of_any_login_can_be_forgiven(daemon):
    """Logins that look like addresses, networks or options, or that nobody can type."""
    def reset(login):
        return subprocess.run([POSTERNCTL, "-c", daemon.conf, "auth", "reset", "--", login], capture_output=True,
                              check=False)

    logins = ((b"10.0.0.1", b"10.0.0.1"), (b"::1", b"::1"), (b"10.0.0.0/24", b"10.0.0.0/24"), (b"-", b"-"),
              (b"--json", b"--json"), (b"caf\xe9", b"caf\xe9"), (b"caf\xe8", rb"caf\xe8"),
              (b"a\\\xe9", rb"a\\xe9"), (b"a\\xe7", rb"a\xe7"), (b"xA", rb"x\x41"),
              ("b\u200bc".encode(), rb"b\u200bc"))
    for number, (login, given) in enumerate(logins):
        with Dovecot(daemon.run / "auth") as conn:
            response = base64.b64encode(b"\0" + login + b"\0wrong").decode()
            conn.begin("PLAIN", response, client=f"198.51.100.{number}")
            assert conn.file.readline().startswith(b"FAIL\t")
        assert daemon.ctl("status")["auth"]["penalized_logins"] == 1
        done = reset(given)
        assert done.returncode == 0 and b"1 entry with failures removed" in done.stdout, (login, done)
        assert daemon.ctl("status")["auth"]["penalized_logins"] == 0
        assert reset(given).returncode == 1
    assert b"give one address of the network" in reset(b"10.0.0.0/24").stderr


def test_a_right_password_comes_no_sooner_than_a_wrong_one(daemon):
    assert log_in(daemon, "alice", "192.0.2.10") == ("OK", "alice")  # it is in the auth cache now
    for i in range(3):
        log_in(daemon, "alice", f"198.51.100.{i}", "wrong")
    mark = daemon.mark()
    started = time.monotonic()
    assert log_in(daemon, "alice", "203.0.113.1") == ("OK", "alice")
    assert time.monotonic() - started > 0.9
    record = daemon.wait_record(mark, stage="auth", verdict="accept")
    assert record["delay-ms"] == "1000" and "remembered" not in record
    assert log_in(daemon, "alice", "192.0.2.10") == ("OK", "alice")  # where it has succeeded before
    assert "delay-ms" not in daemon.wait_record(mark, stage="auth", client="192.0.2.10")


def test_parallel_guesses_at_one_login_are_bounded(daemon):
    before = daemon.ctl("status")["auth"]
    with Attempts(daemon) as guesses:
        for i in range(100):
            guesses.begin("bob", "wrong", "192.0.2.66")
        answers = guesses.answers()
    assert "OK" not in answers
    checked = answers.count("FAIL")
    assert 2 <= checked <= 8, checked  # two places, in 3.5 s of waiting; the others have to come again
    assert answers.count(None) == 100 - checked
    after = daemon.ctl("status")["auth"]
    assert after["refused"] - before["refused"] == checked
    assert after["turned_away"] - before["turned_away"] == 100 - checked
    assert daemon.records(stage="auth", verdict="tempfail", rule="too many logins at once")
    assert log_in(daemon, "carol", "192.0.2.7") == ("OK", "carol")


def test_many_networks_do_not_lock_the_owner_out(daemon):
    assert log_in(daemon, "bob", "192.0.2.7") == ("OK", "bob")
    with Attempts(daemon) as guesses:
        for i in range(CLIENTS):
            guesses.begin("bob", "wrong", f"10.{i}.0.1")
        mark = daemon.mark()
        assert log_in(daemon, "bob", "192.0.2.7") == ("OK", "bob")
        assert "delay-ms" not in daemon.wait_record(mark, stage="auth", client="192.0.2.7")
        wait_until(lambda: daemon.ctl("status")["auth"]["penalized_logins"] == 1, "some guesses are checked")
        assert log_in(daemon, "bob", "192.0.9.9") == ("OK", "bob")  # his provider's, with another address
        assert "OK" not in guesses.answers()


def test_over_a_bound_the_other_answers_of_a_connection_come_first(daemon):
    slow_down(daemon, "192.0.2.70")
    with Dovecot(daemon.run / "auth") as conn:
        for _ in range(10):
            conn.begin("PLAIN", plain("bob", "wrong"), client="192.0.2.70")
        answers = []
        while (line := conn.line()) is not None:
            answers.append(line[0])
    assert answers == ["FAIL", "FAIL"]  # two places; the third closes the connection, which Postfix takes for 454


def test_an_own_login_does_not_help_a_guesser(daemon):
    with Dovecot(daemon.run / "auth") as conn:
        for i in range(5):
            assert conn.plain("carol", "pa55word", client="192.0.2.67")[0] == "OK"
            conn.plain(f"user{i}", "wrong", client="192.0.2.67")
        mark = daemon.mark()
        conn.plain("user9", "wrong", client="192.0.2.67")
    assert daemon.wait_record(mark, stage="auth")["delay-ms"] == "1000"


def test_another_row_of_the_same_login_does_not_help_a_guesser(daemon, store):
    """The rows carol and carol@DEFAULT_DOMAIN may be two people's."""
    twin = {"id": 9, "username": "carol@example.com", "password": hash_of("another"), "profileId": 1}
    daemon.write_store({**store, "users": [*store["users"], twin]})
    wait_until(lambda: log_in(daemon, "carol@example.com", "192.0.2.80", "another") == ("OK", "carol@example.com"),
               "the row is in force")
    daemon.ctl("auth", "reset")
    for i in range(1, 4):
        assert log_in(daemon, "carol@example.com", f"192.0.2.{80 + i}", "another")[0] == "OK"
        assert log_in(daemon, "carol", f"192.0.2.{80 + i}", "another")[0] == "FAIL"
    assert daemon.ctl("status")["auth"]["penalized_logins"] == 1
    mark = daemon.mark()
    assert log_in(daemon, "carol", "192.0.2.80", "another")[0] == "FAIL"
    assert daemon.wait_record(mark, stage="auth")["delay-ms"] == "1000"
    mark = daemon.mark()
    assert log_in(daemon, "carol@example.com", "192.0.2.80", "another")[0] == "OK"
    assert "delay-ms" not in daemon.wait_record(mark, stage="auth")
    daemon.write_store(store)


def test_a_device_with_another_spelling_at_home_does_not_slow_its_owner(daemon, store):
    """Only the login with its domain finds the row; the other one always fails, but is the same person's."""
    dora = {"id": 9, "username": "dora@example.com", "password": hash_of("pa55word"), "profileId": 1}
    daemon.write_store({**store, "users": [*store["users"], dora]})
    wait_until(lambda: log_in(daemon, "dora@example.com", "192.0.2.90") == ("OK", "dora@example.com"),
               "the row is in force")
    daemon.ctl("auth", "reset")
    for _ in range(4):
        assert log_in(daemon, "dora", "192.0.2.90")[0] == "FAIL"
    assert daemon.ctl("status")["auth"]["penalized_logins"] == 0
    mark = daemon.mark()
    assert log_in(daemon, "dora@example.com", "198.51.100.90")[0] == "OK"
    assert "delay-ms" not in daemon.wait_record(mark, stage="auth")
    daemon.write_store(store)


def test_guesses_all_over_a_48_count_together(daemon):
    with Attempts(daemon) as guesses:
        for i in range(36):
            guesses.begin(f"user{i}", "wrong", f"2001:db8:7:{i:x}::1")
        assert guesses.answers() == ["FAIL"] * 36
    for client, is_delayed in (("2001:db8:7:ffff::1", True), ("2001:db8:8::1", False)):
        mark = daemon.mark()
        log_in(daemon, "eve", client, "wrong")
        assert ("delay-ms" in daemon.wait_record(mark, stage="auth", client=client)) == is_delayed


def test_a_slowed_address_with_300_clients_does_not_take_the_workers(daemon):
    slow_down(daemon, "192.0.2.68")
    with Attempts(daemon) as crowd:
        started = time.monotonic()
        for i in range(CLIENTS):
            crowd.begin(f"user{i}", "wrong", "192.0.2.68")
        mark = daemon.mark()
        for i in range(5):  # each from a network that is new
            assert log_in(daemon, "alice", f"203.0.113.{i + 10}") == ("OK", "alice")
        # Four places, each for a second at least: on a slow machine, the last ones come after that second.
        most = 4 * (1 + int(time.monotonic() - started))
        before = [record["verdict"] for record in daemon.records(mark, client="192.0.2.68")]
        assert before.count("reject") <= most, before
        answers = crowd.answers()
    checked = answers.count("FAIL")
    assert 4 <= checked <= most and answers.count(None) == CLIENTS - checked, (checked, most)


def test_a_new_address_with_300_clients_lets_others_in_between(daemon):
    daemon.ctl("reload")
    with Attempts(daemon) as crowd:
        for i in range(CLIENTS):
            crowd.begin(f"user{i}", "wrong", "192.0.2.69")
        crowd.begin("carol", "wrong", "203.0.113.77")  # hashed, not remembered
        carol = crowd.connections.pop()
        mark = len(daemon.process.text())
        assert carol.line()[0] == "FAIL"
        carol.close()
        before = daemon.records(mark, client="192.0.2.69", verdict="reject")
        assert len(before) <= 40, len(before)  # those under way and finished when it came
        assert "OK" not in crowd.answers()[:40]


def test_guesses_over_saslauthd_hold_up_their_login_alone(daemon):
    mux, answers = daemon.run / "mux", []

    def guess():
        answers.append(saslauthd(mux, "bob", "wrong", timeout=120))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert saslauthd(mux, "alice", "pa55word") == "OK"
    assert saslauthd(mux, "carol", "wrong").startswith("NO")
    assert len(answers) < len(threads), answers  # bob has three places, and the others are delayed
    daemon.ctl("auth", "reset", "bob")  # the later ones need not wait for long
    for thread in threads:
        thread.join()
    assert all(answer.startswith("NO") for answer in answers)  # checked, and none was turned away
    daemon.ctl("auth", "reset")
    assert saslauthd(mux, "bob", "pa55word") == "OK"


# ---- through Postfix -----------------------------------------------------------------------------

GUESSING_S = 8
HANG_UP_S = 0.4
CONNECTIONS = 25


def guess_and_hang_up(mta, end, codes):
    """Guess again and again; hang up if there is no answer within 0.4 s."""
    while time.monotonic() < end:
        try:
            with Smtp(mta.port, source="127.0.0.66") as smtp:
                smtp.ehlo()
                smtp.send(f"AUTH PLAIN {plain('bob', 'wrong')}\r\n")
                smtp.socket.settimeout(HANG_UP_S)
                codes.append(smtp.read().code)
        except (TimeoutError, OSError, EOFError):
            codes.append(None)


def auth_code(mta, login, password, source):
    with Smtp(mta.port, source=source) as smtp:
        smtp.ehlo()
        return smtp.auth("PLAIN", plain(login, password)).code


@pytest.mark.threads
def test_through_postfix_hanging_up_gains_no_guess(box, store):
    daemon = box.postern(store=store)
    mta = box.postfix(milter=daemon.postfix_milter, parameters={
        "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": daemon.run / "auth", "smtpd_sasl_security_options": "noanonymous",
        "mynetworks": "127.0.0.0/8"})
    assert auth_code(mta, "alice", "pa55word", "127.0.0.66") == 235  # the guesser's own login
    codes, started = [], time.monotonic()
    threads = [threading.Thread(target=guess_and_hang_up, args=(mta, started + GUESSING_S, codes))
               for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    wait_until(lambda: 454 in codes, "some are to come again")
    assert auth_code(mta, "bob", "pa55word", "127.0.0.1") == 235  # delayed, but not locked out
    assert auth_code(mta, "carol", "pa55word", "127.0.0.2") == 235
    mark = daemon.mark()
    assert auth_code(mta, "bob", "pa55word", "127.0.0.1") == 235
    assert "delay-ms" not in daemon.wait_record(mark, stage="auth", login="bob", client="127.0.0.1")
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    assert set(codes) <= {None, 454, 535}, set(codes)
    checked = daemon.ctl("status")["auth"]["refused"]
    print(f"{checked} of {len(codes)} guesses were checked in {seconds:.1f} s")
    # Two places: two guesses without a delay, some with less than the longest, then two in 4.5 s.
    assert 2 <= checked <= 8 + 2 * seconds / 4.5, checked
    assert codes.count(535) <= checked
