"""The auth sockets without an MTA: logins by both protocols, keys, bounds, hostile peers and inherited sockets."""

import contextlib
import itertools
import json
import os
import pwd
import resource
import select
import shutil
import signal
import socket
import subprocess
import time

import pytest

from harness.logins import Dovecot, b64, base64url, bearer, plain, saslauthd, token, xoauth2
from harness.postern import POSTERN, POSTERNCTL, USER
from harness.wait import wait_until

pytestmark = pytest.mark.threads

SECRET = "a shared secret of more than thirty-two bytes"


def hash_of(password, method="sha512"):
    done = subprocess.run([POSTERNCTL, "hash", "-m", method], input=password, text=True,
                          capture_output=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def store():
    hashed = hash_of("pa55word")
    return {"profiles": [{"id": 1, "name": "all", "open": True},
                         {"id": 2, "name": "token", "host": ["example.com"]}],
            "users": [{"id": 1, "username": "bob", "password": hashed, "profileId": 1},
                      {"id": 2, "username": "off", "password": hashed, "profileId": 1,
                       "enabled": False},
                      {"id": 3, "username": "blowfish", "password": hash_of("pa55word", "bcrypt"),
                       "profileId": 1}]}


@pytest.fixture
def daemon(box, store):
    made = box.postern(store=store, config={
        "profile": {"default_domain": "example.com"}, "jwt": {"secret": SECRET}}, start=False)
    made.auth = made.run / "auth"
    made.mux = made.run / "mux"
    made.start(ready=lambda: made.listens() and made.auth.exists())
    return made


def test_greets_with_its_mechanisms(daemon):
    with Dovecot(daemon.auth) as conn:
        assert conn.greeting[0][:2] == ["VERSION", "1"]
        names = [line[1] for line in conn.greeting if line[0] == "MECH"]
        assert names == ["PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"]
        kinds = [line[0] for line in conn.greeting]
        assert kinds.index("MECH") < kinds.index("SPID") < kinds.index("CUID") < kinds.index("COOKIE")


def test_each_mechanism_right_and_wrong(daemon):
    good, bad = token(SECRET), token("another secret of more than 32 bytes, too")
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob", "pa55word") == ("OK", "bob")
        assert conn.plain("BOB@example.com", "pa55word") == ("OK", "bob")
        assert conn.plain("bob", "wrong") == ("FAIL", "Invalid credentials")
        assert conn.plain("eve", "pa55word") == ("FAIL", "Invalid credentials")
        assert conn.auth("PLAIN", None, plain("bob", "pa55word")) == ("OK", "bob")
        assert conn.auth("LOGIN", None, b64("bob"), b64("pa55word")) == ("OK", "bob")
        assert conn.auth("LOGIN", b64("bob"), b64("pa55word")) == ("OK", "bob")
        assert conn.auth("LOGIN", None, b64("bob"), b64("wrong"))[0] == "FAIL"
        assert conn.auth("OAUTHBEARER", bearer("carol@example.com", good)) == (
            "OK", "token:carol@example.com")
        assert conn.auth("XOAUTH2", xoauth2("carol@example.com", good)) == (
            "OK", "token:carol@example.com")
        assert conn.plain("token", good) == ("OK", "token:carol@example.com")
        assert conn.auth("OAUTHBEARER", bearer("", bad))[0] == "CONT"
        conn.cont(b64("\x01"))
        assert conn.read(conn.line())[0] == "FAIL"
        assert conn.auth("XOAUTH2", xoauth2("carol@example.com", bad), "")[0] == "FAIL"
        assert conn.auth("XOAUTH2", xoauth2("bob", good), "")[0] == "FAIL"
        assert conn.auth("CRAM-MD5") == ("FAIL", "Unsupported mechanism")


def test_saslauthd_right_and_wrong(daemon):
    good = token(SECRET)
    assert saslauthd(daemon.mux, "bob", "pa55word") == "OK"
    assert saslauthd(daemon.mux, "bob", "pa55word", realm="example.com") == "OK"
    mark = daemon.mark()
    assert saslauthd(daemon.mux, "bob", "pa55word", fifth="192.0.2.97;54321") == "OK"  # libsasl 2.2
    daemon.wait_record(mark, stage="auth", protocol="saslauthd", client="192.0.2.97")
    assert saslauthd(daemon.mux, "bob", "wrong").startswith("NO")
    assert saslauthd(daemon.mux, "bob", "pa55word", realm="example.org").startswith("NO")
    assert saslauthd(daemon.mux, "token:carol", good, realm="example.com") == "OK"
    assert saslauthd(daemon.mux, "token:dave", good, realm="example.com").startswith("NO")
    mark = daemon.mark()
    assert saslauthd(daemon.mux, "token", good).startswith("NO")
    record = daemon.wait_record(mark, stage="auth", protocol="saslauthd", login="token")
    assert "must be TOKEN:MAIL" in record["rule"]


def test_a_login_is_one_line_and_nothing_secret_is_in_it(daemon):
    expired = token(SECRET, exp=-1000)
    mark = daemon.mark()
    with Dovecot(daemon.auth) as conn:
        conn.plain("bob", "pa55word")
        conn.plain("bob", "Pa$$w0rd")
        conn.plain("bob", "pa55word", client="2001:db8::7")
        conn.auth("XOAUTH2", xoauth2("carol@example.com", expired), "")
    accepted = daemon.wait_record(mark, stage="auth", verdict="accept")
    assert (accepted["login"], accepted["client"], accepted["mechanism"]) == (
        "bob", "192.0.2.7", "PLAIN")
    refused = daemon.wait_record(mark, stage="auth", verdict="reject", mechanism="PLAIN")
    assert (refused["rule"], refused["cause"]) == ("wrong password", "credentials")
    remembered = daemon.wait_record(mark, stage="auth", client="2001:db8::7")
    assert remembered["remembered"] == "yes"
    late = daemon.wait_record(mark, stage="auth", mechanism="XOAUTH2")
    assert late["rule"].startswith("the token expired 10")
    text = daemon.log()
    for secret in ("pa55word", "Pa$$w0rd", expired, expired.split(".")[2], "$6$", b64("pa55word")):
        assert secret not in text, secret


def test_a_truncated_token_is_reported_as_truncated(daemon):
    cut = token(SECRET, name="x" * 200)[:127]
    mark = daemon.mark()
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("token", cut)[0] == "FAIL"
    assert "is cut off" in daemon.wait_record(mark, stage="auth")["rule"]


def test_plain_text_needs_tls_except_from_loopback(daemon):
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob", "pa55word", secured=False) == ("FAIL", "TLS is required")
        assert conn.auth("XOAUTH2", xoauth2("", token(SECRET)), secured=False)[0] == "FAIL"
        for client in ("127.0.0.1", "127.1.2.3", "::1"):
            assert conn.plain("bob", "pa55word", secured=False, client=client) == ("OK", "bob")
        daemon.configure({"auth": {"require_tls": "no"}})
        daemon.reload()
        wait_until(lambda: conn.plain("bob", "pa55word", secured=False)[0] == "OK",
                   "require_tls = no is in force")


def test_a_right_password_of_a_disabled_user_has_the_effects_of_a_wrong_one(daemon):
    with Dovecot(daemon.auth) as conn:
        for _ in range(3):
            assert conn.plain("off", "pa55word")[0] == "FAIL"
        assert daemon.ctl("status")["auth"]["penalized_logins"] == 1
    daemon.wait_record(stage="auth", cause="policy", rule="enabled = false", **{"delay-ms": "500"})


def test_tokens_that_have_expired_or_lack_a_key_slow_nobody(daemon):
    """RFC 7628: clients use a token until it is refused, and then fetch another one, many of them in one network."""
    with Dovecot(daemon.auth) as conn:
        for i in range(6):
            answer = conn.auth("XOAUTH2", xoauth2(f"user{i}@example.com", token(SECRET, f"user{i}@example.com", -1000)), "")
            assert answer[0] == "FAIL"
            # its issuer has a new key, which keys_file lacks yet
            answer = conn.auth("XOAUTH2", xoauth2(f"user{i}@example.com", token(SECRET, header={"alg": "ES256"})), "")
            assert answer[0] == "FAIL"
            # its user's mail program knows him by another name
            assert conn.auth("XOAUTH2", xoauth2(f"user{i}", token(SECRET, f"user{i}@example.com")), "")[0] == "FAIL"
        mark = daemon.mark()
        assert conn.auth("XOAUTH2", xoauth2("carol@example.com", token(SECRET)))[0] == "OK"
    assert "delay-ms" not in daemon.wait_record(mark, stage="auth", verdict="accept")
    records = daemon.records(stage="auth", verdict="reject")
    assert len(records) == 18 and {record["cause"] for record in records} == {"policy"}
    auth = daemon.ctl("status")["auth"]
    assert (auth["penalized_networks"], auth["penalized_logins"]) == (0, 0)


def test_a_new_token_is_delayed_no_more_than_the_one_before(daemon):
    """Somebody else in the office guesses, while programs get a new token every hour."""
    client = {"client": "192.0.2.9"}
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("token", token(SECRET), **client)[0] == "OK"
        for i in range(5):
            conn.plain(f"eve{i}", "wrong", **client)
        for mail, exp, is_delayed in (("Carol@example.com", 600, False), ("dave@example.com", 600, True)):
            mark = daemon.mark()
            assert conn.auth("XOAUTH2", xoauth2(mail, token(SECRET, mail, exp)), **client)[0] == "OK"
            assert ("delay-ms" in daemon.wait_record(mark, stage="auth", verdict="accept")) == is_delayed


def test_attempts_after_failures_are_delayed(daemon):
    def delay(login, password, client="192.0.2.8"):
        """In milliseconds, as the log has it, once the answer has taken that long."""
        since, begun = daemon.mark(), time.monotonic()
        conn.plain(login, password, client=client)
        waited = time.monotonic() - begun
        record = daemon.wait_record(since, stage="auth", client=client)
        ms = int(record.get("delay-ms", 0))
        assert waited > ms / 1000 - 0.1
        return ms

    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob", "pa55word", client="192.0.2.7") == ("OK", "bob")
        assert [delay("bob", "wrong") for _ in range(4)] == [0, 0, 500, 1000]
        status = daemon.ctl("status")["auth"]
        assert status["penalized_logins"] == 1 and status["penalized_networks"] == 1
        assert delay("bob", "pa55word") == 2000  # a right password is delayed, too
        assert delay("bob", "pa55word", client="192.0.2.7") == 0  # but not where it has succeeded before
        assert delay("bob", "pa55word") == 0  # which is now here as well
        assert daemon.ctl("status")["auth"]["penalized_logins"] == 1
        assert daemon.ctl("auth", "reset")["forgiven"] == 2
        assert daemon.ctl("status")["auth"]["penalized_networks"] == 0


def test_a_delayed_answer_delays_no_other(daemon):
    with Dovecot(daemon.auth) as slow, Dovecot(daemon.auth) as quick:
        for _ in range(5):
            slow.plain("eve", "wrong", client="192.0.2.66")
        daemon.wait_record(login="eve", **{"delay-ms": "2000"})  # the fifth
        since = daemon.mark()
        slow.begin("PLAIN", plain("eve", "wrong"), client="192.0.2.66")
        assert quick.plain("bob", "pa55word") == ("OK", "bob")
        daemon.wait_record(since, stage="auth", verdict="accept")
        assert not daemon.records(since, stage="auth", verdict="reject")  # it is still delayed
        slow.begin("PLAIN", plain("bob", "pa55word"), client="192.0.2.66")  # on the same connection
        assert slow.line()[:2] == ["OK", str(slow.id)]


def test_without_a_policy_it_greets_and_closes(box):
    daemon = box.postern(store="{ this is no store", start=False)
    daemon.start(ready=lambda: (daemon.run / "auth").exists())
    mark = daemon.mark()
    with Dovecot(daemon.run / "auth") as conn:
        assert any(line[0] == "MECH" for line in conn.greeting)
        assert conn.plain("bob", "pa55word") is None
    assert saslauthd(daemon.run / "mux", "bob", "pa55word") == ""
    daemon.wait_record(mark, stage="auth", verdict="tempfail", rule="no policy yet")
    assert daemon.ctl("suspend", "bob")["known"]  # nothing is reported about users that are not loaded yet


def test_a_changed_password_counts_within_a_second(daemon, store):
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob", "pa55word") == ("OK", "bob")
        store = {**store, "users": [{**store["users"][0], "password": hash_of("new")}]}
        started = time.monotonic()
        daemon.write_store(store)
        wait_until(lambda: conn.plain("bob", "new")[0] == "OK", "the new password works")
        assert conn.plain("bob", "pa55word")[0] == "FAIL"
        print(f"in force after {time.monotonic() - started:.3f} s")


def test_a_changed_password_ends_the_trust_of_networks(daemon, store):
    def delay(password, client):
        since = daemon.mark()
        conn.plain("bob", password, client=client)
        return int(daemon.wait_record(since, stage="auth", client=client).get("delay-ms", 0))

    thief, owner = "192.0.2.66", "198.51.100.7"
    with Dovecot(daemon.auth) as conn:
        for client in (thief, owner):
            assert conn.plain("bob", "pa55word", client=client) == ("OK", "bob")
        daemon.ctl("reload")  # keeps the trust
        for i in range(3):
            conn.plain("bob", "wrong", client=f"203.0.113.{i}")
        assert [delay("pa55word", client) for client in (thief, owner)] == [0, 0]
        daemon.write_store({**store, "users": [{**store["users"][0], "password": hash_of("new")}]})
        wait_until(lambda: delay("new", owner) > 0, "the new password is in force")
        assert delay("pa55word", thief) > 0
        assert delay("new", owner) == 0  # after one success with the new password
        assert delay("pa55word", thief) > 0


def test_suspended_by_posternctl_over_restarts(daemon):
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob", "pa55word") == ("OK", "bob")
        assert daemon.ctl("suspend", "BOB@example.com")["login"] == "bob"
        assert conn.plain("bob", "pa55word")[0] == "FAIL"
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        assert milter.mail("<bob@example.com>", auth_authen="bob").verdict == "reject"
    daemon.kill()
    daemon.start(ready=lambda: daemon.listens() and daemon.auth.exists())
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob", "pa55word")[0] == "FAIL"
        assert daemon.ctl("suspended")["logins"] == ["bob"]
        assert daemon.ctl("resume", "bob")["changed"]
        assert conn.plain("bob", "pa55word") == ("OK", "bob")
    assert (daemon.run / "suspended").read_text().startswith("#")


def test_any_login_can_be_suspended_and_resumed(daemon):
    def run(*arguments):
        done = subprocess.run([POSTERNCTL, "-c", daemon.conf, *arguments], capture_output=True, check=False)
        assert done.returncode == 0, done
        return done.stdout.decode()

    def logins():
        return run("suspended").splitlines()

    for login, shown in ((b"caf\xe9", r"caf\xe9"), (b"corp\\xe9", r"corp\xe9"), (b"a\\\xe9\x7f", r"a\\xe9\x7f"),
                         ("b\u00adc".encode(), r"b\u00adc"), (b"--json", "--json"), (b"-h", "-h")):
        assert shown in run("suspend", "--", login) and logins() == [shown]
        assert "is no longer suspended" in run("resume", "--", login) and logins() == []
        run("suspend", "--", login)
        assert "is no longer suspended" in run("resume", "--", shown) and logins() == []  # as it is shown
    run("suspend", b"caf\xe9")
    run("suspend", r"caf\xe9")  # another one: a backslash may be a part of a login
    assert logins() == [r"caf\xe9"] * 2
    run("resume", r"caf\xe9")
    assert (daemon.run / "suspended").read_bytes().splitlines()[1:] == [b"caf\xe9"]
    run("resume", r"caf\xe9")
    assert logins() == []
    assert "was not suspended" in run("resume", r"caf\xe9")
    run("suspend", "xA")
    assert "'xA' is no longer suspended" in run("resume", r"x\x41") and logins() == []  # an escape that is not needed


def test_a_suspension_outlives_another_spelling_of_the_row(daemon, store):
    daemon.wait_log("ready version")  # before that, no row shows the spelling of a login
    daemon.ctl("suspend", "bob@example.com")
    assert daemon.ctl("suspended")["logins"] == ["bob"]
    renamed = {**store, "users": [{**store["users"][0], "username": "bob@example.com"}]}
    daemon.write_store(renamed)
    wait_until(lambda: daemon.ctl("status")["cache"]["users"] == 1, "the row is renamed")
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob@example.com", "pa55word")[0] == "FAIL"
        with daemon.milter() as milter:
            milter.connect("mail.example.net", "192.0.2.7")
            assert milter.mail("<bob@example.com>", auth_authen="bob@example.com").verdict == "reject"
        assert daemon.ctl("resume", "bob@example.com")["changed"]
        assert daemon.ctl("suspended")["logins"] == []
        assert conn.plain("bob@example.com", "pa55word")[0] == "OK"


def test_a_login_with_a_token_is_suspended_by_itself(daemon):
    good = token(SECRET)
    with Dovecot(daemon.auth) as conn:
        assert daemon.ctl("suspend", "bob")["token_login"] == "token"
        assert conn.plain("token", good) == ("OK", "token:carol@example.com")
        assert daemon.ctl("suspend", "token:carol@example.com")["token_login"] is None
        assert conn.plain("token", good)[0] == "FAIL"
        assert daemon.ctl("resume", "bob")["token_login"] is None
        assert daemon.ctl("resume", "token:carol@example.com")["changed"]


def test_a_suspension_that_cannot_be_saved_is_in_force_and_saved_later(daemon):
    def run(command, *args):
        return subprocess.run([POSTERNCTL, "-c", daemon.conf, command, *args], capture_output=True, text=True,
                              check=False)

    saved = daemon.run / "suspended"
    in_the_way = daemon.run / "suspended.new"
    in_the_way.mkdir()
    done = run("suspend", "bob")
    assert (done.returncode, done.stdout) == (0, "bob is suspended\nA login with a token is not stopped by that. "
                                              "To stop it, too: posternctl suspend token:MAIL\n"), done
    assert "a restart will forget this" in done.stderr and str(in_the_way) in done.stderr, done
    assert run("suspend", "bob").stderr == done.stderr  # as long as it is not saved
    assert daemon.ctl("suspended")["logins"] == ["bob"]
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob", "pa55word")[0] == "FAIL"
    record = daemon.records(suspended="bob")[0]
    assert record["outlives-restart"] == "no" and str(in_the_way) in record["error"]
    status = run("status")
    assert status.returncode == 1 and "a restart will forget which logins are suspended" in status.stdout
    in_the_way.rmdir()
    wait_until(lambda: saved.exists() and "bob" in saved.read_text(), "it is saved later")
    daemon.wait_log("suspensions written=yes")
    assert "a restart will forget" not in run("status").stdout
    assert run("suspend", "bob").stderr == ""

    in_the_way.mkdir()
    done = run("resume", "bob")
    assert done.returncode == 0 and "a restart will forget this" in done.stderr, done
    with Dovecot(daemon.auth) as conn:
        assert conn.plain("bob", "pa55word") == ("OK", "bob")
    in_the_way.rmdir()
    wait_until(lambda: "bob" not in saved.read_text(), "it is saved later")


def test_a_session_that_is_open_stops_sending(daemon):
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        assert milter.mail("<bob@example.com>", auth_authen="bob").verdict == "continue"
        assert milter.rcpt("<x@example.net>").verdict == "continue"
        daemon.ctl("suspend", "bob")
        assert milter.rcpt("<y@example.net>").verdict == "reject"
    daemon.wait_record(stage="rcpt", rule="user bob: suspended")


def test_a_token_made_for_others(daemon):
    """With a shared secret alone, its audience is ignored with one warning; with keys_file or an audience, it counts."""
    def answer(**claims):
        with Dovecot(daemon.auth) as conn:
            return conn.plain("token", token(SECRET, **claims))[0]

    warning = "tokens have an audience (aud) that is not checked"
    assert answer() == "OK" and warning not in daemon.log()
    assert answer(aud="other") == "OK"
    daemon.wait_log(warning)
    assert answer(aud=["another"]) == "OK"
    assert daemon.log().count(warning) == 1
    assert any(warning in one["note"] for one in daemon.ctl("status")["notes"])
    daemon.ctl("auth", "reset")

    daemon.configure({"jwt": {"audience": "mail"}})
    daemon.ctl("reload")
    assert not any(warning in one["note"] for one in daemon.ctl("status")["notes"])
    assert (answer(aud="mail"), answer(aud="other")) == ("OK", "FAIL")
    daemon.wait_record(rule="the token's audience (aud) is another one")
    daemon.ctl("auth", "reset")

    keys = daemon.folder / "keys.json"
    keys.write_text('{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}')
    daemon.configure({"jwt": {"audience": None, "keys_file": keys.name}})
    daemon.ctl("reload")
    assert answer() == "OK"
    assert answer(aud="other") == "FAIL"
    daemon.wait_record(rule="the token is made for an audience (aud), and [jwt] audience does not set ours")
    daemon.ctl("auth", "reset")
    assert answer(exp=int(time.time()) * 1000) == "FAIL"
    daemon.wait_record(rule="the token's exp is no time in seconds (RFC 7519); it seems to be in milliseconds")


def test_keys_are_read_again_like_a_list(daemon):
    keys = daemon.folder / "keys.json"
    other = "another secret of more than thirty-two bytes!"

    def write(secret):
        keys.write_text('{"keys":[{"kty":"oct","k":"%s"}]}' % base64url(secret.encode()))
        keys.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(keys, "nobody")

    write(SECRET)
    daemon.configure({"jwt": {"secret": None, "keys_file": "keys.json"}})
    daemon.ctl("reload")
    with Dovecot(daemon.auth) as conn:
        wait_until(lambda: conn.plain("token", token(SECRET))[0] == "OK", "the keys are in force")
        write(other)
        wait_until(lambda: conn.plain("token", token(other))[0] == "OK", "the new keys are in force")
        mark = daemon.mark()
        keys.write_text("{ half a fi")
        daemon.wait_log("keys=old", mark)
        assert conn.plain("token", token(other))[0] == "OK"


def test_keys_that_are_removed_stop_working(daemon):
    keys = daemon.folder / "keys.json"
    secret = base64url(SECRET.encode())
    full = '{"keys":[{"kty":"oct","k":"%s"}]}' % secret

    def write(text):
        new = daemon.folder / "keys.new"
        new.write_text(text)
        new.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(new, "nobody")
        new.rename(keys)

    write(full)
    daemon.configure({"jwt": {"secret": None, "keys_file": "keys.json"}})
    daemon.ctl("reload")

    def works():
        with Dovecot(daemon.auth) as conn:
            answer = conn.plain("token", token(SECRET))
            daemon.ctl("auth", "reset")  # else the next attempt is delayed
            return answer is not None and answer[0] == "OK"

    for empty in ('{"keys":[]}', '{"keys":[{"kty":"oct","use":"enc","k":"%s"}]}' % secret):
        wait_until(works, "the key is in force")
        write(empty)
        start = time.monotonic()
        wait_until(lambda: not works(), "the key has ended")
        assert time.monotonic() - start < 4  # not the 5 s of a file that is gone
        assert "the file has no usable key" in daemon.ctl("status", parse=False)
        write(full)
    wait_until(works, "the key is in force")
    keys.unlink()
    start = time.monotonic()
    wait_until(lambda: not works(), "the key has ended")
    assert time.monotonic() - start > 3
    assert daemon.ctl("status")["auth"]["keys"] == 0


def test_unreadable_keys_of_another_source_leave_none_in_force(daemon):
    def answer_to_token():
        with Dovecot(daemon.auth) as conn:
            return conn.plain("token", token(SECRET))

    assert answer_to_token()[0] == "OK"
    daemon.configure({"jwt": {"secret": None, "keys_file": "nokeys.json"}})
    status, said = daemon.check_config()
    assert (status, said.count("[jwt] keys_file: ")) == (66, 1), said
    mark = daemon.mark()
    answer = daemon.ctl("reload", check=False)
    assert not answer["ok"]
    assert answer["error"].startswith("[jwt] keys_file: ") and "nokeys.json" in answer["error"]
    assert answer_to_token() is None  # the connection is closed, because nothing can be decided
    assert "the keys for tokens cannot be read" in daemon.wait_record(mark, login="token")["line"]
    auth = daemon.ctl("status")["auth"]
    assert (auth["keys"], auth["keys_error"]) == (0, answer["error"])
    assert "nokeys.json" in daemon.ctl("status", parse=False)
    daemon.configure({"jwt": {"secret": SECRET, "keys_file": None}})
    assert daemon.ctl("reload")["ok"]
    assert answer_to_token()[0] == "OK"
    auth = daemon.ctl("status")["auth"]
    assert (auth["keys"], auth["keys_error"]) == (1, None)


def test_keys_of_the_same_source_stay_while_it_cannot_be_read(daemon):
    keys = daemon.folder / "keys.json"
    daemon.configure({"jwt": {"keys_file": "keys.json"}})
    keys.write_text('{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA",'
                    '"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}')
    assert daemon.ctl("reload")["ok"]
    with Dovecot(daemon.auth) as conn:
        wait_until(lambda: conn.plain("token", token(SECRET))[0] == "OK", "the keys are in force")
        keys.write_text("{ half a fi")
        answer = daemon.ctl("reload", check=False)
        assert not answer["ok"] and "[jwt] keys_file: " in answer["error"], answer
        daemon.wait_log("keys=old")
        assert conn.plain("token", token(SECRET))[0] == "OK"
    auth = daemon.ctl("status")["auth"]
    assert (auth["keys"], auth["keys_error"]) == (2, answer["error"])


def test_hostile_peers(daemon):
    for text in (b"\0\0\0\0\n", b"AUTH\n", b"AUTH\t1\n", b"AUTH\tx\tPLAIN\n", b"VERSION\t2\t0\n",
                 b"AUTH\t1\tPL\0AIN\n", b"x" * 40000, b"CONT\t\n", b"AUTH\t1\tLOGIN\tsecured\n" * 2):
        conn = Dovecot(daemon.auth)
        conn.send(text)
        while conn.line() is not None:
            pass
        conn.close()
    with Dovecot(daemon.auth) as conn:
        assert conn.auth("PLAIN", "=", client="192.0.2.50")[0] == "FAIL"
        assert conn.auth("PLAIN", "AAA", client="192.0.2.51")[0] == "FAIL"
        assert conn.auth("PLAIN", b64(b"\0\0\0\0"), client="192.0.2.52")[0] == "FAIL"
        assert conn.auth("PLAIN", b64("\0" + "x" * 600 + "\0y"), client="192.0.2.53")[0] == "FAIL"
        assert conn.auth("PLAIN", b64("\0x\0" + "y" * 12000), client="192.0.2.54")[0] == "FAIL"
        conn.send("CONT\t77\tAAAA\n")
        assert conn.line()[:2] == ["FAIL", "77"]
        conn.send("CANCEL\t78\nFUTURE\t1\n\n")
        conn.begin("LOGIN")
        assert conn.line()[0] == "CONT"
        conn.send(f"CANCEL\t{conn.id}\n")
        conn.begin("PLAIN", plain("bob", "pa55word"))
        conn.cancel()
        assert conn.plain("bob", "pa55word") == ("OK", "bob")
        for _ in range(500):  # exchanges never finished, as Postfix leaves them
            conn.begin("LOGIN")
        for _ in range(500):
            assert conn.line()[0] == "CONT"
        assert conn.plain("bob", "pa55word") == ("OK", "bob")
    for text in (b"\xff\xff", b"\0\3b\0b", b"\0\1a\0\1b\0\1c\x0f\xff"):
        with socket.socket(socket.AF_UNIX) as conn:
            conn.connect(str(daemon.mux))
            conn.sendall(text)
            assert conn.recv(10) == b""
    assert daemon.process.running


def test_many_idle_connections_leave_room_for_others(daemon):
    daemon.configure({"auth": {"max_connections": "200"}})
    daemon.ctl("reload")
    served = Dovecot(daemon.auth)
    assert served.plain("bob", "pa55word") == ("OK", "bob")
    idle = []
    try:
        for _ in range(900):
            conn = socket.socket(socket.AF_UNIX)
            conn.settimeout(20)
            conn.connect(str(daemon.auth))
            idle.append(conn)
        with Dovecot(daemon.auth) as conn:
            assert conn.plain("bob", "pa55word") == ("OK", "bob")
        assert served.plain("bob", "pa55word") == ("OK", "bob")  # it was not closed
        assert daemon.ctl("status")["auth"]["connections"] <= 200
    finally:
        for conn in idle:
            conn.close()
        served.close()


def test_10000_connections_at_once(daemon):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 11000:
        pytest.skip("needs 11,000 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = []
    try:
        for i in range(10000):
            conn = socket.socket(socket.AF_UNIX)
            conn.settimeout(None)  # else connecting fails when the queue is full
            conn.connect(str(daemon.auth if i % 3 else daemon.mux))
            if i % 2:
                try:
                    conn.sendall(b"AUTH\t1\tPLAIN\tresp=half a li")
                except OSError:
                    pass  # it has made room for others already
            idle.append(conn)
        with Dovecot(daemon.auth) as conn:
            assert conn.plain("bob", "pa55word") == ("OK", "bob")
        assert saslauthd(daemon.mux, "bob", "pa55word") == "OK"
        assert daemon.ctl("status")["auth"]["connections"] <= 4096
    finally:
        for conn in idle:
            conn.close()
    wait_until(lambda: daemon.ctl("status")["auth"]["connections"] == 0, "all are gone")


def test_passwords_checked_by_explain_are_slowed_and_logged(daemon):
    """A user of the control socket guesses no faster than an MTA's client."""
    def explain(login, password):
        session = {"auth": {"user": login, "password": password}, "mail": "<bob@example.com>"}
        answer = daemon.ctl("explain", "--running", "--jsonl", stdin=json.dumps(session), parse=False)
        return next(step for step in json.loads(answer)["steps"] if step["step"] == "auth")

    since, begun = daemon.mark(), time.monotonic()
    for number in range(4):
        assert explain("bob@example.com" if number % 2 else "bob", f"wrong {number}")["rule"] == "wrong password"
    assert time.monotonic() - begun > 0.5 + 1  # the third attempt is the first that waits
    records = daemon.records(since, stage="auth", verdict="reject", cause="credentials", protocol="control",
                             mechanism="explain")
    assert len(records) == 4 and not any("client" in record for record in records), records
    assert {record["uid"] for record in records} == {str(os.geteuid())}
    assert daemon.ctl("status")["auth"]["logins"]["control"] == {"other": {"credentials": 4}}
    with Dovecot(daemon.auth) as conn:  # the same failures delay a guess that comes from the MTA
        begun = time.monotonic()
        assert conn.plain("bob", "wrong")[0] == "FAIL"
        assert time.monotonic() - begun > 1.9
    assert daemon.ctl("auth", "reset", "bob")["forgiven"] == 1
    daemon.ctl("auth", "reset")
    assert daemon.ctl("auth", "reset", "0.0.0.0", check=False, parse=False) == ""  # an error: it is not theirs
    begun = time.monotonic()
    assert explain("bob", "pa55word")["verdict"] == "accept"
    assert time.monotonic() - begun > 0.4  # the guesses of these people are not forgiven
    assert daemon.wait_record(since, **{"auth-reset": "bob", "uid": str(os.geteuid())})["forgiven"] == "1"
    daemon.wait_record(since, **{"auth-reset": "*"})
    daemon.wait_record(since, stage="auth", verdict="accept", protocol="control", login="bob")


def connect_as(daemon, user):
    """Connect to the control socket as a user, given by name or number. Only root can become that user."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    os.seteuid(user if isinstance(user, int) else pwd.getpwnam(user).pw_uid if user else os.geteuid())
    try:
        client.connect(str(daemon.run / "control"))
    finally:
        os.seteuid(os.getuid())
    return client


EXPLAIN = json.dumps({"command": "explain",
                      "session": {"auth": {"user": "bob", "password": "wrong"}}}).encode() + b"\n"


def occupy(clients, most):
    """Explain a session on each, and again, until those beyond the bound are refused."""
    def all_are_busy():
        for client in select.select(clients, [], [], 0.1)[0]:
            if b"too many requests are waiting" in client.recv(65536):
                clients.remove(client)
            else:
                client.sendall(EXPLAIN)
        return len(clients) <= most

    for client in clients:
        client.sendall(EXPLAIN)
    wait_until(all_are_busy, "as many connections wait as may")


def test_others_are_answered_while_many_sessions_are_explained(daemon):
    """Each wrong password of one login waits for the others; they leave places to other requests and users."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect_as(daemon, USER)) for _ in range(64)]
        occupy(clients, 28)
        assert daemon.ctl("status")["auth"]["served"]
        if USER:
            assert daemon.ctl("reload")["ok"]  # of root


@pytest.mark.skipif(not USER, reason="needs root")
def test_root_has_places_whatever_the_number_of_other_users(daemon):
    """A member of the socket's group may have thousands of users, by his user namespaces."""
    (daemon.run / "control").chmod(0o666)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect_as(daemon, 100000 + number)) for number in range(60)]
        occupy(clients, 48)
        assert daemon.ctl("reload")["ok"]
        assert daemon.ctl("limits")["ok"]


def test_people_cannot_hide_what_they_do_by_the_log_level(daemon):
    since = daemon.mark()
    daemon.ctl("log-level", "error")
    daemon.ctl("explain", "--running", "--jsonl", parse=False,
               stdin='{"auth": {"user": "bob", "password": "wrong"}}')
    daemon.ctl("suspend", "bob")
    daemon.ctl("resume", "bob")
    daemon.ctl("auth", "reset", "bob")
    daemon.ctl("log-level", "info")
    daemon.ctl("reload")
    uid = str(os.geteuid())
    daemon.wait_record(since, **{"asked-by": "posternctl", "uid": uid})
    for fields in ({"log-level": "error"}, {"protocol": "control", "verdict": "reject"}, {"suspended": "bob"},
                   {"resumed": "bob"}, {"auth-reset": "bob"}, {"log-level": "info"}):
        assert daemon.records(since, uid=uid, **fields), fields


def test_requests_count_when_their_client_has_gone(daemon):
    """Closing a connection with an unread answer is an error for the daemon, not an end."""
    ask = b'{"command": "suspended"}\n'
    with contextlib.ExitStack() as stack:
        clients = [connect_as(daemon, USER) for _ in range(28)]
        others = [stack.enter_context(connect_as(daemon, USER)) for _ in range(20)]
        for client in clients:
            client.sendall(ask)
            select.select([client], [], [], 60)
        daemon.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, daemon.process.pid, os.WSTOPPED | os.WNOWAIT)
        for client in clients:
            client.sendall(EXPLAIN)
            client.close()
        for other in others:
            other.sendall(ask * 10 + EXPLAIN)  # one request in a turn of the loop
        daemon.process.send_signal(signal.SIGCONT)
        answers = [[json.loads(line) for line in itertools.islice(other.makefile(), 11)] for other in others]
    assert any("too many requests are waiting" in answer[-1].get("error", "") for answer in answers)


def test_explain_checks_no_password_where_logins_are_not_served(box, store):
    daemon = box.postern(store=store, config={"auth": {"socket": "none", "saslauthd": ""}})
    session = {"auth": {"user": "bob", "password": "pa55word"}, "mail": "<bob@example.com>"}
    answer = daemon.ctl("explain", "--running", "--jsonl", stdin=json.dumps(session), parse=False)
    step = next(step for step in json.loads(answer)["steps"] if step["step"] == "auth")
    assert (step["verdict"], step["rule"]) == ("tempfail", "the daemon does not serve logins")


def test_explain_applies_tokens_and_suspensions(daemon):
    def auth_step(user, password, *where):
        session = {"auth": {"user": user, "password": password}, "mail": "<carol@example.com>"}
        answer = daemon.ctl("explain", "--jsonl", *where, stdin=json.dumps(session), parse=False)
        return next(step for step in json.loads(answer)["steps"] if step["step"] == "auth")

    for where in ([], ["--running"]):
        assert auth_step("token", token(SECRET), *where)["verdict"] == "accept"
        assert auth_step("token", token(SECRET, exp=-100), *where)["verdict"] == "reject"
        assert auth_step("bob", "pa55word", *where)["verdict"] == "accept"
    daemon.ctl("suspend", "bob")
    for where in ([], ["--running"]):
        assert auth_step("bob", "pa55word", *where)["rule"] == "suspended"
        answer = daemon.ctl("explain", *where, "--user", "bob", "--mail", "bob@example.com")
        mail = next(step for step in answer["steps"] if step["step"] == "mail")
        assert (mail["verdict"], mail["rule"]) == ("reject", "user bob: suspended")
    # A file that cannot be read is reported, not taken for an empty one.
    (daemon.run / "suspended").write_text("two words \n\x01\n")
    said = subprocess.run([POSTERNCTL, "-c", daemon.conf, "explain", "--user", "bob"],
                          capture_output=True, text=True, check=False)
    assert said.returncode == 66 and "the suspended logins cannot be read" in said.stderr, said
    assert "--running" in said.stderr and not said.stdout, said


def test_all_requests_of_one_connection_are_answered(daemon):
    with Dovecot(daemon.auth) as conn:
        count = 300
        conn.send("".join(f"AUTH\t{i}\tPLAIN\tservice=smtp\trip=192.0.2.7\tsecured\t"
                          f"resp={plain('bob', 'pa55word')}\n" for i in range(1, count + 1)))
        answers = {tuple(conn.line()) for _ in range(count)}
        assert answers == {("OK", str(i), "user=bob") for i in range(1, count + 1)}


def test_inet_binds_to_loopback_only(box, store):
    from harness.ports import free_port
    port = free_port()
    daemon = box.postern(store=store, config={"auth": {"inet_socket": f"inet:{port}@127.0.0.1"}})
    with Dovecot(port) as conn:
        assert conn.plain("bob", "pa55word") == ("OK", "bob")
    daemon.stop()
    daemon.configure({"auth": {"inet_socket": f"inet:{port}@0.0.0.0"}})
    done = subprocess.run([POSTERN, "-f", "-c", daemon.conf], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 69 and "on loopback only" in done.stderr


def test_sockets_are_handed_over(box, store):
    """As systemd hands over sockets: a restart of the daemon leaves no gap."""
    daemon = box.postern(store=store, start=False)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(daemon.run / "auth"))
    os.chmod(daemon.run / "auth", 0o666)
    listener.listen(64)
    launcher = ["/usr/bin/python3", "-c",
                "import os, sys; fd = int(sys.argv[1]); os.dup2(fd, 3); os.set_inheritable(3, True)\n"
                "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='auth')\n"
                "os.execv(sys.argv[2], sys.argv[2:])", str(listener.fileno())]
    child = daemon.process
    child.argv = launcher + child.argv
    child.pass_fds = (listener.fileno(),)
    try:
        daemon.start()
        with Dovecot(daemon.run / "auth") as conn:
            assert conn.plain("bob", "pa55word") == ("OK", "bob")
        daemon.stop()
        assert (daemon.run / "auth").exists()
        waiting = Dovecot(daemon.run / "auth", greet=False)  # no daemon runs, but the socket exists
        waiting.send("VERSION\t1\t0\nCPID\t1\n")
        daemon.start()
        assert waiting.line()[0] == "VERSION"
        waiting.close()
    finally:
        listener.close()


def test_nothing_secret_is_in_the_environment_or_a_core(daemon):
    pid = daemon.process.pid
    assert SECRET.encode() not in open(f"/proc/{pid}/environ", "rb").read()
    limits = open(f"/proc/{pid}/limits", encoding="ascii").read()
    assert "Max core file size        0" in limits
    with Dovecot(daemon.auth) as conn:
        conn.plain("bob", "pa55word")
    os.kill(pid, signal.SIGABRT)
    daemon.process.child.wait(30)
    assert not list(daemon.folder.rglob("core*"))
    daemon.start(ready=lambda: daemon.listens() and daemon.auth.exists())
