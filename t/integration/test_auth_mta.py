"""Real MTAs authenticate their clients with Postern, and the same daemon holds logged-in users to their profiles."""

import re
import subprocess
import threading
import time

import pytest

from harness.certificates import make_certificate
from harness.logins import Dovecot, b64, bearer, hash_of, plain, token, xoauth2
from harness.postern import ROOT
from harness.sendmail import DocumentedSendmail as Sendmail
from harness.smtp import Smtp
from harness.wait import wait_until

CAROL = "token:carol@example.com"
SECRET = "a shared secret of more than thirty-two bytes"
INVALID = b64("\0bob\0wrong")


STORE = {"profiles": [{"id": 1, "name": "sales", "host": ["partner.example"]},
                      {"id": 2, "name": "token", "host": ["token.example"]}],
         "users": [{"id": 1, "username": "bob", "password": None, "profileId": 1}]}


def store(password="pa55word"):
    users = [dict(user, password=hash_of(password)) for user in STORE["users"]]
    return {**STORE, "users": users}


def certificate(folder):
    make_certificate(folder)
    return {"smtpd_tls_cert_file": folder / "cert.pem", "smtpd_tls_key_file": folder / "key.pem",
            "smtpd_tls_security_level": "may", "smtpd_tls_auth_only": "yes"}


def postfix_of(box, daemon, **parameters):
    return box.postfix(milter=daemon.postfix_milter, parameters={
        **certificate(box.folder), "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": daemon.run / "auth",
        "smtpd_sasl_security_options": "noanonymous, noplaintext",
        "smtpd_sasl_tls_security_options": "noanonymous", "broken_sasl_auth_clients": "no",
        "local_header_rewrite_clients": "", **parameters})


def config(**sections):
    return {"profile": {"default_domain": "example.com"}, "jwt": {"secret": SECRET}, **sections}


def front_of(box, mta_kind, **options):
    if mta_kind == "sendmail":
        return box.front(mta_kind, **options)
    daemon = box.postern(**options)
    return daemon, postfix_of(box, daemon)


@pytest.fixture
def front(box, mta_kind):
    return front_of(box, mta_kind, config=config(), store=store())


def offered(mta):
    """Cyrus SASL has no mechanisms for tokens: with Sendmail, a token is the password of a login."""
    return "AUTH PLAIN LOGIN" + ("" if isinstance(mta, Sendmail) else " OAUTHBEARER XOAUTH2")


def secure(mta):
    smtp = mta.connect()
    assert "AUTH" not in smtp.ehlo().text
    assert smtp.starttls().code == 220
    hello = smtp.ehlo()
    assert offered(mta) in hello.lines
    return smtp


def held_to_profile(smtp, sender, domain):
    """Send MAIL and RCPT in a session that has logged in."""
    assert smtp.mail("<eve@evil.example>").code == 550
    assert smtp.mail(f"<{sender}>").code == 250
    assert smtp.rcpt("<x@elsewhere.example>").code == 550
    assert smtp.rcpt(f"<x@{domain}>").code == 250
    assert smtp.data(f"From: {sender}\r\nSubject: t\r\n\r\nHi\r\n").code == 250


@pytest.mark.parametrize("mechanism, responses, login", [
    ("PLAIN", lambda: [plain("bob", "pa55word")], "bob"),
    ("LOGIN", lambda: [b64("bob"), b64("pa55word")], "bob"),
    ("PLAIN", lambda: [plain(CAROL, token(SECRET))], CAROL),
    ("OAUTHBEARER", lambda: [bearer("carol@example.com", token(SECRET))], CAROL),
    ("XOAUTH2", lambda: [xoauth2("carol@example.com", token(SECRET))], CAROL),
], ids=["PLAIN", "LOGIN", "PLAIN-token", "OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("initial", [True, False])
def test_a_login_is_held_to_its_profile(front, mechanism, responses, login, initial):
    daemon, mta = front
    with secure(mta) as smtp:
        reply = smtp.auth(mechanism, *responses(), initial=initial)
        if mechanism not in offered(mta):
            assert reply.code == 504, reply
            return
        assert reply.code == 235, reply
        if login == "bob":
            held_to_profile(smtp, "bob@example.com", "partner.example")
        else:
            held_to_profile(smtp, "carol@example.com", "token.example")
    daemon.wait_record(stage="message", login=login)


def test_wrong_credentials_are_refused(front):
    daemon, mta = front
    bad = token("another secret of more than thirty-two bytes")
    with secure(mta) as smtp:
        for mechanism, *responses in (("PLAIN", INVALID), ("LOGIN", b64("eve"), b64("x")), ("PLAIN", plain(CAROL, bad)),
                                      ("OAUTHBEARER", bearer("", bad), b64("\x01")),
                                      ("XOAUTH2", xoauth2("", bad), "")):
            if mechanism in offered(mta):
                reply = smtp.auth(mechanism, *responses)
                # libsasl does not tell Sendmail why.
                assert (reply.code, reply.enhanced) == (535, "5.7.0" if isinstance(mta, Sendmail) else "5.7.8"), reply
        assert smtp.auth("PLAIN", plain("bob", "pa55word")).code == 235
    if isinstance(mta, Sendmail):
        assert daemon.records(stage="auth", verdict="reject", cause="credentials", protocol="saslauthd")
    else:
        # fail2ban's filters match this text.
        mta.wait_log("[127.0.0.1]: SASL PLAIN authentication failed: Invalid credentials")
        assert daemon.records(stage="auth", verdict="reject", cause="credentials", client="127.0.0.1")


def test_a_chrooted_smtpd_finds_the_socket_below_its_queue(box):
    """Debian's master.cf runs smtpd in a chroot."""
    place = box.folder / "postfix"
    mta = box.postfix(start=False, chroot=True, parameters={
        **certificate(box.folder), "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": "postern/auth", "smtpd_milters": "unix:postern/postern.sock"})
    (place / "queue" / "postern").mkdir(mode=0o755)
    daemon = box.postern(store=store(), config=config(
        milter={"socket": f"unix:{place}/queue/postern/postern.sock"},
        auth={"socket": f"unix:{place}/queue/postern/auth"}), start=False)
    daemon.start(ready=lambda: (place / "queue/postern/postern.sock").exists())
    mta.start()
    with Smtp(mta.port) as smtp:
        smtp.ehlo()
        assert smtp.starttls().code == 220
        smtp.ehlo()
        assert smtp.auth("PLAIN", plain("bob", "pa55word")).code == 235
        held_to_profile(smtp, "bob@example.com", "partner.example")


@pytest.mark.threads
def test_many_sessions_at_once(front):
    _, mta = front
    number = 40 if isinstance(mta, Sendmail) else 200  # each is a process of 20 MB
    codes, lock = [], threading.Lock()

    def one():
        with secure(mta) as smtp:
            code = smtp.auth("PLAIN", plain("bob", "pa55word")).code
            gate.wait(120)
            with lock:
                codes.append((code, smtp.mail("<bob@example.com>").code,
                              smtp.rcpt("<x@partner.example>").code))

    gate = threading.Barrier(number)
    threads = [threading.Thread(target=one) for _ in range(number)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{number} sessions in {time.monotonic() - started:.1f} s")
    assert codes == [(235, 250, 250)] * number


def test_postfix_without_a_policy_replies_with_a_temporary_failure(box):
    daemon = box.postern(config=config(), store="{ this is no store")
    mta = postfix_of(box, daemon)
    with secure(mta) as smtp:
        reply = smtp.auth("PLAIN", plain("bob", "pa55word"))
        assert (reply.code, reply.enhanced) == (454, "4.7.0"), reply


@pytest.mark.parametrize("how", ["restart", "kill"])
@pytest.mark.threads
def test_logins_continue_after_the_daemon_restarts(front, how):
    daemon, mta = front
    with secure(mta) as held, secure(mta) as other:
        assert held.auth("PLAIN", plain("bob", "pa55word")).code == 235
        if how == "restart":
            daemon.restart()
        else:
            daemon.kill()
            daemon.start()
        assert other.auth("PLAIN", plain("bob", "pa55word")).code == 235
    with secure(mta) as smtp:
        assert smtp.auth("PLAIN", plain("bob", "pa55word")).code == 235


@pytest.mark.threads
def test_with_postgresql_down_logins_go_on_and_changes_count_at_once(box, mta_kind):
    db = box.postgres()
    for file in ("schema.sql", "feed.sql", "role.sql"):
        db.apply(file)
    db.query("INSERT INTO haraka.profiles (name, open) VALUES ('all', true)")
    db.query("INSERT INTO haraka.users (username, password, \"profileId\") VALUES ('bob', %s, 1)",
             (hash_of("pa55word"),))
    daemon, mta = front_of(box, mta_kind, config={**config(), "database": {
        "conninfo": db.conninfo(user="postgres"), "reconnect_max": "1s"}})
    with secure(mta) as smtp:
        assert smtp.auth("PLAIN", plain("bob", "pa55word")).code == 235
    with Dovecot(daemon.run / "auth") as conn:
        assert conn.plain("bob", "pa55word") == ("OK", "bob")  # from the auth cache
        new = hash_of("new")
        db.query("UPDATE haraka.users SET password = %s", (new,))
        started = time.monotonic()
        wait_until(lambda: conn.plain("bob", "new", client="192.0.2.99")[0] == "OK",
                   "the new password works")
        print(f"the old password failed after {time.monotonic() - started:.3f} s")
        assert conn.plain("bob", "pa55word")[0] == "FAIL"
    db.stop("immediate")
    with secure(mta) as smtp:
        assert smtp.auth("PLAIN", plain("bob", "new")).code == 235
    daemon.restart()
    with secure(mta) as smtp:
        assert smtp.auth("PLAIN", plain("bob", "new")).code == 235


# ---- Exim ----------------------------------------------------------------------------------------

def exim_of(box, daemon):
    """Exim with the authenticators of docs/logins.md."""
    (authenticators,) = re.findall(r"^```exim\n(.*?)^```$", (ROOT / "docs/logins.md").read_text(encoding="utf-8"), re.M | re.S)
    assert authenticators.count("/run/postern/auth") == 2
    mta = box.exim(start=False, authenticators=authenticators.replace("/run/postern", str(daemon.run)))
    make_certificate(mta.folder)
    for name in ("key.pem", "cert.pem"):
        (mta.folder / name).chmod(0o644)
    return mta.start()


def test_exim_logs_in_as_documented(box):
    daemon = box.postern(config=config(auth={"socket_mode": "0666"}), store=store())
    mta = exim_of(box, daemon)
    for mechanism, good, bad in (("PLAIN", [plain("bob", "pa55word")], [INVALID]),
                                 ("LOGIN", [b64("bob"), b64("pa55word")], [b64("bob"), b64("wrong")])):
        with Smtp(mta.port) as smtp:
            assert "AUTH" not in smtp.ehlo().text
            assert smtp.starttls().code == 220
            assert "AUTH PLAIN LOGIN" in smtp.ehlo().lines
            assert smtp.auth(mechanism, *bad).code == 535
            reply = smtp.auth(mechanism, *good)
            assert reply.code == 235, reply
            assert smtp.mail("<bob@example.com>").code == 250
            assert smtp.rcpt("<x@partner.example>").code == 250
        daemon.wait_record(stage="auth", mechanism=mechanism, verdict="accept", login="bob", client="127.0.0.1")


def test_exim_without_a_policy_replies_with_a_temporary_failure(box):
    daemon = box.postern(config=config(auth={"socket_mode": "0666"}), store="{ this is no store")
    mta = exim_of(box, daemon)
    with Smtp(mta.port) as smtp:
        smtp.ehlo()
        assert smtp.starttls().code == 220
        smtp.ehlo()
        reply = smtp.auth("PLAIN", plain("bob", "pa55word"))
        assert reply.code == 435, reply


# ---- Sendmail ------------------------------------------------------------------------------------

def ask_saslauthd(path, password):
    return subprocess.run(["/usr/sbin/testsaslauthd", "-f", path, "-u", "bob", "-p", password],
                          capture_output=True, text=True, check=False)


def test_sendmail_without_a_policy_gets_no_answer_and_replies_535(box):
    """A missing answer is the protocol's temporary failure; libsasl reports it, but Sendmail always replies 535."""
    daemon, mta = box.front("sendmail", config=config(), store="{ this is no store")
    with secure(mta) as smtp:
        reply = smtp.auth("PLAIN", plain("bob", "pa55word"))
        assert (reply.code, reply.text) == (535, "5.7.0 authentication failed"), reply
    daemon.wait_record(stage="auth", verdict="tempfail", protocol="saslauthd")
    assert not daemon.records(stage="auth", verdict="reject")
    asked = ask_saslauthd(daemon.run / "saslauthd/mux", "pa55word")
    assert asked.returncode == 255 and "NO" not in asked.stdout, asked
    assert "size read failed" in asked.stderr, asked  # there was no answer


def test_testsaslauthd_agrees(box):
    daemon = box.postern(config=config(), store=store())
    assert ask_saslauthd(daemon.run / "mux", "pa55word").stdout == '0: OK "Success."\n'
    assert "NO" in ask_saslauthd(daemon.run / "mux", "wrong").stdout
