"""Postfix and Sendmail ask Postern: the replies at each stage, and the log lines."""

import pytest

from harness.postfix import Postfix
from harness.smtp import seen
from harness.wait import wait_until

pytestmark = pytest.mark.quick

LISTS = {
    "connect.rdns_access.blacklist": "192.0.2.7\nbad.client.example\n",
    "connect.rdns_access.whitelist": "192.0.2.8\n",
    "helo.checks.regexps": "evil.*\n",
    "mail_from.access.blacklist": "spam@bad.example\n.worse.example\n",
    "mail_from.access.whitelist": "good@worse.example\n",
    "rcpt_to.access.blacklist": "nobody@here.example\n100%@here.example\n",
    "access.domains": "listed.example\n",
}

STORE = {
    "profiles": [
        {"id": 1, "name": "sales", "open": False, "host": "partner.example", "rcpt": "one@else.example",
         "rcpt_re": "^.*@re[0-9]\\.example$", "maxsize": 5000, "limits": ""},
        {"id": 2, "name": "boss", "open": True, "host": "", "rcpt": "", "rcpt_re": "", "maxsize": 0,
         "limits": ""},
    ],
    "users": [
        {"id": 1, "username": "bob", "password": "", "froms": "bob@own.example, .bobs.example",
         "profileId": 1},
        {"id": 2, "username": "eve", "password": "", "froms": "", "profileId": 2},
        {"id": 3, "username": 'x" verdict=accept', "password": "", "froms": "x@own.example", "profileId": 2},
    ],
}

CHECKS = {"helo": "yes", "data": "yes"}


def config(**sections):
    return {"check": CHECKS, "profile": {"default_domain": "own.example"}, **sections}


@pytest.fixture(params=["postfix", "postfix-inet", "sendmail"])
def front(box, request):
    """An MTA with Postern and its defaults, on either kind of socket."""
    kind, _, socket = request.param.partition("-")
    return box.front(kind, inet=socket == "inet", config=config(), lists=LISTS, store=STORE)


# ---- a refusal at each stage ---------------------------------------------------------------------


def test_a_listed_client_gets_the_reason_at_mail(front):
    daemon, mta = front
    with mta.client(addr="192.0.2.7", name="") as smtp:
        assert seen(smtp.mail("<a@ok.example>")) == (
            550, "5.7.1", "unknown [192.0.2.7] You are not allowed to connect")
        # The session continues, and every message is judged anew.
        assert seen(smtp.mail("<b@ok.example>"))[0] == 550
    record = daemon.wait_record(verdict="reject", sender="a@ok.example")
    assert record["stage"] == "connect"
    assert record["rule"] == "connect.rdns_access.blacklist:1"
    assert record["client"] == "192.0.2.7"
    assert record["code"] == "550"
    assert "rdns" not in record
    assert record["session"] == daemon.wait_record(sender="b@ok.example")["session"]


def test_a_listed_name_is_refused_and_an_allowed_address_wins(front):
    daemon, mta = front
    with mta.client(name="bad.client.example") as smtp:
        assert seen(smtp.mail("<a@ok.example>")) == (
            550, "5.7.1", "bad.client.example [192.0.2.1] You are not allowed to connect")
    with mta.client(addr="192.0.2.8", name="bad.client.example") as smtp:
        assert smtp.mail("<a@ok.example>").code == 250


def test_a_listed_helo_is_refused_at_mail(front):
    daemon, mta = front
    with mta.client(helo="evil.helo.example") as smtp:
        assert seen(smtp.mail("<a@ok.example>")) == (
            550, "5.7.1", "evil.helo.example That HELO is not allowed to connect")
    record = daemon.wait_record(verdict="reject")
    assert (record["stage"], record["rule"]) == ("helo", "helo.checks.regexps:1")


def test_a_listed_sender_is_refused_and_allow_beats_deny(front):
    daemon, mta = front
    with mta.client() as smtp:
        assert seen(smtp.mail("<spam@bad.example>")) == (
            550, "5.7.1", "spam@bad.example That sender cannot send mail here")
        assert smtp.mail("<x@sub.worse.example>").code == 550
        assert smtp.mail("<good@worse.example>").code == 250
        assert smtp.rset().code == 250
        assert smtp.mail("<>").code == 250
    record = daemon.wait_record(sender="spam@bad.example")
    assert (record["stage"], record["rule"]) == ("mail", "mail_from.access.blacklist:1")


def test_a_listed_recipient_is_refused_and_the_others_stay(front):
    daemon, mta = front
    with mta.client() as smtp:
        assert smtp.mail("<a@ok.example>").code == 250
        assert seen(smtp.rcpt("<nobody@here.example>")) == (
            550, "5.7.1", "nobody@here.example That recipient is not allowed")
        assert smtp.rcpt("<somebody@here.example>").code == 250
        assert smtp.rcpt("<nobody@here.example>").code == 550
        assert smtp.data().code == 250
    record = daemon.wait_record(stage="message")
    assert (record["verdict"], record["recipients"], record["refused"]) == ("accept", "1", "2")
    assert record["sender"] == "a@ok.example"
    # Postfix assigns the queue id with the first accepted recipient, Sendmail with MAIL.
    refused = daemon.records(stage="rcpt")
    assert refused[0].get("queue") == (None if isinstance(mta, Postfix) else record["queue"])
    assert refused[1]["queue"] == record["queue"]
    assert len(daemon.records(verdict="accept")) == 1


def test_percent_signs_of_a_reply_arrive_as_they_are(front):
    daemon, mta = front
    with mta.client() as smtp:
        smtp.mail("<a@ok.example>")
        assert seen(smtp.rcpt("<100%@here.example>"))[2] == (
            "100%@here.example That recipient is not allowed")


def test_access_domains_refuse_at_each_stage(front):
    daemon, mta = front
    with mta.client(name="mail.listed.example") as smtp:
        assert seen(smtp.mail("<a@ok.example>")) == (550, "5.7.1", "You are not welcome here.")
    with mta.client(helo="x.listed.example") as smtp:
        assert seen(smtp.mail("<a@ok.example>")) == (550, "5.7.1", "You are not welcome here.")
    with mta.client() as smtp:
        assert seen(smtp.mail("<a@listed.example>")) == (550, "5.7.1", "You are not welcome here.")
        assert smtp.mail("<a@ok.example>").code == 250
        assert seen(smtp.rcpt("<a@x.listed.example>"))[2] == "You are not welcome here."
        assert smtp.rcpt("<b@here.example>").code == 250
        assert seen(smtp.data("From: a@mx.listed.example\r\n\r\nx\r\n")) == (
            550, "5.7.1", "Email from that domain is not accepted here.")


# ---- profiles: logins by XCLIENT -----------------------------------------------------------------


def test_a_logged_in_sender_must_be_the_users(front):
    daemon, mta = front
    with mta.client(login="bob") as smtp:
        assert seen(smtp.mail("<someone@else.example>")) == (
            550, "5.7.1", "You are not authorized to send from this address")
        assert smtp.mail("<BOB@own.example>").code == 250
        smtp.rset()
        assert smtp.mail("<x@y.bobs.example>").code == 250
        smtp.rset()
        assert smtp.mail("<>").code == 250
    with mta.client(login="eve") as smtp:
        assert smtp.mail("<eve@own.example>").code == 250
    record = daemon.wait_record(verdict="reject")
    assert (record["login"], record["check"]) == ("bob", "sender")


def test_a_logged_in_recipient_must_be_the_profiles(front):
    daemon, mta = front
    with mta.client(login="bob") as smtp:
        smtp.mail("<bob@own.example>")
        assert seen(smtp.rcpt("<other@else.example>")) == (
            550, "5.7.1", "User bob not allowed to send to rcpt <other@else.example>")
        for allowed in ("<any@partner.example>", "<one@else.example>", "<x@re7.example>"):
            assert smtp.rcpt(allowed).code == 250, allowed
        assert smtp.data("From: bob@own.example\r\n\r\nx\r\n").code == 250
    # Only MAIL's macros contain the login, but it is known at every stage.
    assert daemon.wait_record(stage="rcpt")["login"] == "bob"
    assert daemon.wait_record(stage="message")["login"] == "bob"
    with mta.client(login="eve") as smtp:
        smtp.mail("<eve@own.example>")
        assert smtp.rcpt("<anybody@anywhere.example>").code == 250


def test_a_declared_size_past_the_profiles_is_refused(front):
    daemon, mta = front
    with mta.client(login="bob") as smtp:
        assert seen(smtp.mail("<bob@own.example>", "SIZE=5001")) == (
            552, "5.3.4", "Message too big: the limit is 5000 bytes")
        assert smtp.mail("<bob@own.example>", "SIZE=5000").code == 250


def test_a_user_who_was_removed_after_the_login_is_refused(front):
    daemon, mta = front
    with mta.client(login="eve") as smtp:
        assert smtp.mail("<eve@own.example>").code == 250
        smtp.rset()
        daemon.write_store({**STORE, "users": STORE["users"][:1]})
        wait_until(lambda: daemon.ctl("status")["cache"]["users"] == 1, "eve is removed")
        assert smtp.mail("<eve@own.example>").code == 550


@pytest.mark.parametrize("header", [
    "From: eve@own.example\r\n",
    "From: bob@own.example\r\nFrom: bob@own.example\r\n",
    "Subject: none\r\n",
    "From: bob@own.example, eve@own.example\r\n",
    "From: \"bob@own.example\" <eve@own.example>\r\n",
    "From:\r\n eve@own.example\r\n",
    "FROM : eve@own.example\r\n",
])
def test_from_must_be_the_users(front, header):
    daemon, mta = front
    with mta.client(login="bob") as smtp:
        smtp.mail("<bob@own.example>")
        smtp.rcpt("<x@partner.example>")
        assert seen(smtp.data(header + "\r\nbody\r\n")) == (
            550, "5.7.1", "Envelope and body FROM mismatch")
    record = daemon.wait_record(verdict="reject")
    assert (record["stage"], record["check"]) == ("header", "header_from")
    assert record["queue"]
    assert not daemon.records(stage="message")


def test_from_of_the_user_passes_folded_and_commented(front):
    daemon, mta = front
    with mta.client(login="bob") as smtp:
        smtp.mail("<bob@own.example>")
        smtp.rcpt("<x@partner.example>")
        assert smtp.data("From: Bob (me)\r\n <bob@own.example>\r\n\r\nbody\r\n").code == 250


def test_a_login_cancels_the_findings_of_connect_and_helo(front):
    daemon, mta = front
    with mta.client(addr="192.0.2.7", helo="evil.example", login="eve") as smtp:
        assert smtp.mail("<eve@own.example>").code == 250


@pytest.mark.threads
def test_each_message_of_a_session_is_judged(front):
    daemon, mta = front
    with mta.client(login="bob") as smtp:
        for sender, code in (("bob", 250), ("eve", 550), ("bob", 250)):
            assert smtp.mail(f"<{sender}@own.example>").code == code
            if code == 250:
                smtp.rcpt("<x@partner.example>")
                assert smtp.data("From: bob@own.example\r\n\r\nbody\r\n").code == 250
    wait_until(lambda: len(daemon.records(stage="message")) == 2, "both are logged")
    queues = {record["queue"] for record in daemon.records(stage="message")}
    assert len(queues) == 2
    assert len({record["session"] for record in daemon.records(stage="message")}) == 1


def test_bytes_that_are_no_text_forge_no_log_line(front):
    daemon, mta = front
    with mta.client(helo="x\x01\x1b[31m") as smtp:
        smtp.mail('<"a verdict=accept\\" queue=1"@worse.example>')
    with mta.client(login=STORE["users"][2]["username"]) as smtp:
        smtp.mail("<spam@bad.example>")
    wait_until(lambda: len(daemon.records(verdict="reject")) == 2, "both are logged")
    assert not daemon.records(stage="message")
    assert all(" " <= char <= "~" or char == "\n" for char in daemon.log())


# ---- settings --------------------------------------------------------------------------------------


def test_without_delay_a_listed_client_is_refused_at_once(box, mta_kind):
    daemon, mta = box.front(mta_kind, config=config(milter={"delay_reject": "no"}), lists=LISTS)
    with mta.client(addr="192.0.2.7", name="") as smtp:
        # Both MTAs give a reason of their own, which Postfix delays until MAIL.
        reply = smtp.mail("<a@ok.example>")
        assert reply.code // 100 == 5, reply
        assert "You are not allowed" not in reply.text
    record = daemon.wait_record(verdict="reject", client="192.0.2.7")
    assert record["stage"] == "connect"
    assert "sender" not in record
    with mta.client(helo="evil.example") as smtp:
        # Postfix delays this one until MAIL, too, but with Postern's text.
        assert seen(smtp.mail("<a@ok.example>")) == (
            550, "5.7.1", "evil.example That HELO is not allowed to connect")
    assert "sender" not in daemon.wait_record(verdict="reject", helo="evil.example")
    with mta.client() as smtp:
        assert smtp.mail("<spam@bad.example>").code == 550
        assert smtp.mail("<a@ok.example>").code == 250


def test_warn_lets_through_and_logs_a_would_be_refusal(box, mta_kind):
    checks = {check: "warn" for check in ("any", "conn", "helo", "mail", "rcpt", "data", "sender",
                                          "recipient", "size", "header_from")}
    daemon, mta = box.front(mta_kind, config={"check": {**checks, "authenticated": "apply"}}, lists=LISTS,
                            store=STORE)
    with mta.client(addr="192.0.2.7", name="", helo="evil.x.example", login="bob") as smtp:
        assert smtp.mail("<spam@bad.example>", "SIZE=6000").code == 250
        assert smtp.rcpt("<nobody@here.example>").code == 250
        assert smtp.data("From: a@listed.example\r\n\r\nx\r\n").code == 250
    daemon.wait_record(stage="message", verdict="accept")
    found = {(record["stage"], record["check"], record["code"])
             for record in daemon.records(verdict="would-reject")}
    assert found == {
        ("connect", "conn", "550"), ("helo", "helo", "550"), ("mail", "mail", "550"),
        ("mail", "sender", "550"), ("mail", "size", "552"), ("rcpt", "rcpt", "550"),
        ("rcpt", "recipient", "550"), ("header", "data", "550"), ("header", "header_from", "550")}
    assert all(record["rule"] for record in daemon.records(verdict="would-reject"))


def test_authenticated_apply_affects_logged_in_sessions(box, mta_kind):
    daemon, mta = box.front(mta_kind, config={"check": {**CHECKS, "authenticated": "apply"}}, lists=LISTS,
                            store=STORE)
    with mta.client(addr="192.0.2.7", login="bob") as smtp:
        assert smtp.mail("<bob@own.example>").code == 550


def test_exempt_networks_skip_only_connect_and_helo(box, mta_kind):
    daemon, mta = box.front(mta_kind, config={"check": {**CHECKS, "exempt": "192.0.2.0/29 2001:db8::/32"}},
                            lists={**LISTS, "connect.rdns_access.blacklist": "192.0.2.7\n2001:db8::7\n"})
    for addr in ("192.0.2.7", "2001:db8::7"):
        with mta.client(addr=addr, helo="evil.example") as smtp:
            assert smtp.mail("<a@ok.example>").code == 250
            smtp.rset()
            assert smtp.mail("<spam@bad.example>").code == 550


def test_a_service_has_separate_settings(box, mta_kind):
    """Sendmail's port for submission, as etc/postern.m4 shows it, requires a login."""
    daemon, mta = box.front(mta_kind, services=("smtp", "submission"), lists=LISTS, store=STORE, config={
        "check": {**CHECKS, "authenticated": "apply", "sender": "no"}, "check submission": {"mail": "no", "any": "warn"}})
    for service, sender, code in (("smtp", "spam@bad.example", 550), ("smtp", "a@listed.example", 550),
                                  ("submission", "spam@bad.example", 250),
                                  ("submission", "a@listed.example", 250)):
        with mta.client(service=service, login="eve") as smtp:
            assert smtp.mail(f"<{sender}>").code == code, service
    assert daemon.wait_record(verdict="would-reject")["service"] == "submission"


def test_a_client_of_ipv6_is_compared_as_a_number(box, mta_kind):
    daemon, mta = box.front(mta_kind, config=config(),
                            lists={"connect.rdns_access.blacklist": "2001:DB8:0:0:0:0:0:7\n"})
    with mta.client(addr="2001:db8::7", name="") as smtp:
        assert seen(smtp.mail("<a@ok.example>"))[2] == (
            "unknown [2001:db8::7] You are not allowed to connect")
    assert daemon.wait_record(verdict="reject")["client"] == "2001:db8::7"


# ---- the results header ----------------------------------------------------------------------------


def fields(message, name):
    """The unfolded values of a message's fields of that name."""
    head = message.split(b"\r\n\r\n")[0].replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ")
    pairs = [line.partition(b":") for line in head.split(b"\r\n")]
    return [value.strip().decode() for key, _, value in pairs
            if key.strip().lower() == name.lower().encode()]


def test_results_are_added_and_forged_ones_removed(box, mta_kind):
    daemon, mta = box.front(mta_kind, keep=True, config=config(milter={"results_header": "X-Postern-Results"}), lists=LISTS)
    with mta.client(addr="192.0.2.8") as smtp:
        smtp.mail("<good@worse.example>")
        smtp.rcpt("<hidden@here.example>")
        smtp.rcpt("<nobody@here.example>")
        assert smtp.data("X-Postern-Results: connect=pass\r\nFrom: a@ok.example\r\n"
                         "x-postern-results : two\r\n folded\r\nX-POSTERN-RESULTS: three\r\n"
                         "X-Postern-Results-Not: stays\r\n\r\nx\r\n").code == 250
    (message,) = wait_until(mta.arrived, "the message arrives")
    (results,) = fields(message, "X-Postern-Results")
    found = dict(item.split("=") for item in results.split("; "))
    assert found["connect"] == "pass(connect.rdns_access.whitelist:1)"
    assert found["mail"] == "pass(mail_from.access.whitelist:1)"
    assert found["rcpt"] == "unlisted"
    assert found["mail.any"] == "unlisted"
    assert "hidden" not in results and "fail" not in results
    assert fields(message, "X-Postern-Results-Not") == ["stays"]
    assert all(len(line) <= 78 for line in message.split(b"\r\n"))


def test_without_a_results_header_nothing_is_changed(box, mta_kind):
    daemon, mta = box.front(mta_kind, keep=True, config=config(), lists=LISTS)
    with mta.client() as smtp:
        smtp.mail("<a@ok.example>")
        smtp.rcpt("<b@here.example>")
        assert smtp.data("X-Postern-Results: mine\r\nFrom: a@ok.example\r\n\r\nx\r\n").code == 250
    (message,) = wait_until(mta.arrived, "the message arrives")
    assert fields(message, "X-Postern-Results") == ["mine"]


# ---- one policy from MAIL to the end, and changes between messages -------------------------------------


@pytest.mark.threads
def test_a_message_is_judged_by_the_policy_it_began_with(box, mta_kind):
    daemon, mta = box.front(mta_kind, config=config(), lists=LISTS, store=STORE)
    with mta.client(login="bob") as smtp:
        assert smtp.mail("<bob@own.example>").code == 250
        daemon.write_list("rcpt_to.access.blacklist", "x@partner.example\n")
        daemon.ctl("reload")
        assert smtp.rcpt("<x@partner.example>").code == 250  # by the old list
        assert smtp.data("From: bob@own.example\r\n\r\nx\r\n").code == 250
        assert smtp.mail("<bob@own.example>").code == 250
        assert smtp.rcpt("<x@partner.example>").code == 550
        daemon.write_list("rcpt_to.access.blacklist", "")
        daemon.ctl("reload")
        assert smtp.rcpt("<x@partner.example>").code == 550
        smtp.rset()
        smtp.mail("<bob@own.example>")
        assert smtp.rcpt("<x@partner.example>").code == 250
    policies = [record["policy"] for record in daemon.records(stage="rcpt")]
    assert len(set(policies)) == 1


@pytest.mark.threads
def test_settings_of_a_reload_reach_sessions_that_agreed_on_others(box, mta_kind):
    """A check that needs events which the session did not negotiate refuses the session for now and is never skipped."""
    daemon, mta = box.front(mta_kind, config={"check": {"any": "no", "rcpt": "no", "recipient": "no",
                                              "limits": "no", "header_from": "no", "data": "no"}},
                            lists=LISTS, store=STORE)
    with mta.client() as smtp:
        smtp.mail("<a@ok.example>")
        smtp.rcpt("<nobody@here.example>")
        assert smtp.data().code == 250
        daemon.configure({"check": {"any": "yes", "rcpt": "yes", "mail": "yes", "data": "yes"},
                          "milter": {"delay_reject": "no", "results_header": "X-Results"}})
        daemon.ctl("reload")
        assert smtp.mail("<a@ok.example>").code == 451
    with mta.client() as smtp:
        smtp.mail("<a@ok.example>")
        assert smtp.rcpt("<nobody@here.example>").code == 550
        smtp.rcpt("<b@here.example>")
        assert smtp.data("From: a@listed.example\r\n\r\nx\r\n").code == 550
    assert "claimed not to reply" not in daemon.log()


# ---- when Postern is away ---------------------------------------------------------------------------------


def test_mail_waits_while_postern_is_away(front):
    daemon, mta = front
    daemon.stop()
    with mta.connect() as smtp:
        replies = [smtp.greeting, smtp.helo(), smtp.mail()]
    assert any(400 <= reply.code < 500 for reply in replies) and not replies[-1], replies
    daemon.start()
    with mta.client() as smtp:
        assert smtp.mail("<spam@bad.example>").code == 550
        assert smtp.mail("<a@ok.example>").code == 250


# ---- when nothing can be decided --------------------------------------------------------------------------

NO_POLICY = {"database": {"conninfo": "host=127.0.0.1 port=1 dbname=none user=none"}}


@pytest.mark.parametrize("on_error, code", [("tempfail", 451), ("accept", 250)])
def test_without_a_policy_on_error_answers(box, mta_kind, on_error, code):
    daemon, mta = box.front(mta_kind, config={**NO_POLICY, "milter": {"on_error": on_error}}, lists=LISTS)
    with mta.client() as smtp:
        reply = smtp.mail("<a@ok.example>")
        assert reply.code == code
        if code == 451:
            assert reply.enhanced == "4.3.0"
            record = daemon.wait_record(verdict="tempfail")
            assert (record["rule"], record["policy"]) == ("no policy yet", "0")
        else:
            assert smtp.rcpt("<nobody@here.example>").code == 250
            assert smtp.data().code == 250
            assert daemon.wait_record(verdict="accept-on-error")["rule"] == "no policy yet"
            daemon.wait_record(stage="message", verdict="accept")


def test_without_a_policy_forged_results_are_still_removed(box):
    daemon = box.postern(config={**NO_POLICY, "milter": {"on_error": "accept", "results_header": "X-Postern-Results"}},
                         lists=LISTS)
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        milter.helo("mail.example.net")
        assert milter.mail("<a@b.example>") and milter.rcpt("<x@example.net>")
        answer = milter.message([("From", " a@b.example"),
                                 ("X-Postern-Results", " connect=pass; mail=pass(forged)")])
        assert answer.verdict == "continue", answer
        assert "forged" not in str(answer.actions) and "no policy yet" in str(answer.actions), answer.actions


def test_an_address_past_every_bound_is_refused_and_the_session_continues(box):
    daemon = box.postern(config=config(), lists=LISTS)
    with daemon.milter() as milter:
        milter.connect("mail.ok.example", "192.0.2.1")
        milter.helo("mail.ok.example")
        answer = milter.mail("<" + "a" * 2000 + "@ok.example>")
        assert (answer.code, answer.enhanced) == (553, "5.1.7")
        assert milter.mail("<a@ok.example>").verdict == "continue"
        answer = milter.rcpt("<" + "a" * 2000 + "@ok.example>")
        assert (answer.code, answer.enhanced) == (553, "5.1.3")
        assert milter.rcpt("<b@ok.example>").verdict == "continue"
        # With more From fields than can be kept, a part of them decides nothing.
        answer = milter.message([("From", "x" * 60000)] * 20)
        assert (answer.code, answer.enhanced) == (550, "5.6.0")
        milter.quit()


def test_postern_gets_trimmed_macros(box):
    """Postfix sends the macros that a milter asks for, whatever its own lists contain; doctor relies on it."""
    daemon = box.postern(config=config(), lists=LISTS, store=STORE)
    mta = box.postfix(milter=daemon.postfix_milter, parameters={
        "milter_mail_macros": "i", "milter_connect_macros": "j", "milter_protocol": "2"})
    with mta.client(login="bob") as smtp:
        assert smtp.mail("<eve@else.example>").code == 550
    assert daemon.wait_record(verdict="reject")["login"] == "bob"
