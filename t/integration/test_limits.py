"""Rate limits of profiles: through Postfix and Sendmail, across kill -9, and by the milter protocol alone."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import test_auth_mta as logins
from harness.ports import free_port
from harness.postern import USER
from harness.smtp import seen
from harness.wait import wait_until

pytestmark = pytest.mark.quick

REACHED = re.compile(r"Rate limit (\S+) reached, next in (\S+)$")


def store(limits, maxsize=0):
    return {
        "profiles": [{"id": 1, "name": "sales", "open": True, "host": "", "rcpt": "", "rcpt_re": "",
                      "maxsize": maxsize, "limits": limits}],
        "users": [{"id": 1, "username": "bob", "password": "", "froms": "bob@own.example", "profileId": 1},
                  {"id": 2, "username": "eve", "password": "", "froms": "*", "profileId": 1}],
    }


def daemon_with(box, held_to, start=True, **config):
    return box.postern(config=config, store=store(held_to), start=start)


def front(box, mta_kind, held_to, maxsize=0, **options):
    return box.front(mta_kind, store=store(held_to, maxsize), **options)


def client(mta, login="bob"):
    return mta.client(login=login)


def send(smtp, *rcpts, sender="bob@own.example", fields=""):
    """Send one message. Returns the replies to its recipients, and the last reply."""
    assert smtp.mail(f"<{sender}>")
    replies = [smtp.rcpt(f"<{rcpt}>") for rcpt in rcpts]
    if not any(replies):
        smtp.command("RSET")
        return replies
    assert smtp.command("DATA").code == 354
    return [*replies, smtp.command(f"From: {sender}\r\n{fields}\r\nHello\r\n.")]


# A ruleset of Sendmail that refuses a recipient.
NOBODY = "LOCAL_RULESETS\nSLocal_check_rcpt\nR$* nobody $*\t$#error $@ 5.1.1 $: \"550 No such user\"\n"


def codes(replies):
    return [reply.code for reply in replies]


# ---- a real MTA ------------------------------------------------------------------------------


def test_the_next_recipient_is_refused_also_after_kill_9(box, mta_kind):
    daemon, mta = front(box, mta_kind, "1/5m,500/1d")
    with client(mta) as smtp:
        assert codes(send(smtp, "a@x.example")) == [250, 250]
        assert smtp.mail("<bob@own.example>")
        reply = smtp.rcpt("<b@x.example>")
        assert (reply.code, reply.enhanced) == (450, "4.7.1")
        found = REACHED.match(seen(reply)[2])
        assert found and found.group(1) == "1/5m", reply
        assert re.match(r"^(5m|4m\d+s)$", found.group(2)), reply
    record = daemon.wait_record(verdict="tempfail", stage="rcpt")
    assert record["check"] == "limits"
    assert record["rule"] == "profile sales: limits"
    assert (record["used"], record["window"]) == ("1/1", "5m")
    assert record["text"].startswith("Rate limit 1/5m reached, next in ")
    assert daemon.wait_record(verdict="accept", stage="message")["used"] == "1/1"

    daemon.kill()
    daemon.start()
    with client(mta) as smtp:
        assert smtp.mail("<bob@own.example>")
        assert seen(smtp.rcpt("<b@x.example>"))[2].startswith("Rate limit 1/5m reached")
        # Another login has its own counts.
    with client(mta, login="eve") as smtp:
        assert codes(send(smtp, "a@x.example", sender="eve@own.example")) == [250, 250]

    daemon.restart()
    with client(mta, login="BOB") as smtp:
        assert smtp.mail("<bob@own.example>")
        assert smtp.rcpt("<b@x.example>").code == 450


def test_recipients_that_the_mta_refuses_itself_are_not_charged(box, mta_kind):
    _, mta = front(box, mta_kind, "2/1d", parameters={"smtpd_recipient_restrictions": "check_recipient_access "
                   "inline:{nobody@x.example=REJECT}, permit_mynetworks, reject"}, extra=NOBODY)
    with client(mta) as smtp:
        assert smtp.mail("<bob@own.example>")
        for _ in range(5):
            assert smtp.rcpt("<nobody@x.example>").code in (550, 554)
        assert smtp.rcpt("<a@x.example>").code == 250
        assert smtp.rcpt("<b@x.example>").code == 250
        assert seen(smtp.rcpt("<c@x.example>"))[2].startswith("Rate limit 2/1d reached")


def test_recipients_count_also_if_postfix_hides_the_content(box):
    filtered = free_port()
    daemon = daemon_with(box, "2/1h")
    mta = box.postfix(milter=daemon.postfix_milter, parameters={"smtpd_proxy_filter": f"127.0.0.1:{filtered}"},
                      master=f"127.0.0.1:{filtered} inet n - n - - smtpd -o smtpd_proxy_filter= -o smtpd_milters=\n")
    for number in (1, 2):
        with client(mta) as smtp:
            assert smtp.mail("<bob@own.example>") and smtp.rcpt("<a@x.example>")
            assert smtp.command("DATA").code == 354
            assert use(daemon) == (number, 1, 0)  # until the end, which the client may put off for longer than the window
            assert smtp.command("From: bob@own.example\r\n\r\nHello\r\n.").code == 250
        wait_until(lambda number=number: use(daemon) == (number, 0, 0), "it is counted, also if the session ends at once")
    with client(mta) as smtp:
        assert codes(send(smtp, "a@x.example")) == [450]
    daemon.wait_log("content=hidden")
    status = daemon.ctl("status")
    assert status["sessions"]["hidden_messages"] == 2
    assert any("smtpd_proxy_filter" in one["remedy"] for one in status["problems"]), status["problems"]


@pytest.mark.parametrize("protocol", ["2", "3"])
def test_recipients_count_although_postfix_does_not_report_data(box, protocol):
    """With smtpd_proxy_filter, Postfix does not report the content either: the message looks as if it had been reset."""
    filtered = free_port()
    daemon = daemon_with(box, "2/1h")
    mta = box.postfix(milter=daemon.postfix_milter,
                      parameters={"smtpd_proxy_filter": f"127.0.0.1:{filtered}", "milter_protocol": protocol},
                      master=f"127.0.0.1:{filtered} inet n - n - - smtpd -o smtpd_proxy_filter= -o smtpd_milters=\n")
    for number in (1, 2):
        with client(mta) as smtp:
            assert codes(send(smtp, "a@x.example")) == [250, 250]
        wait_until(lambda number=number: use(daemon) == (number, 0, 0), "it is counted")
    with client(mta) as smtp:
        assert codes(send(smtp, "a@x.example")) == [450]
    daemon.wait_log("content=unknown")
    status = daemon.ctl("status")
    assert status["sessions"]["unreported_messages"] == 2
    assert any("milter_protocol" in one["remedy"] for one in status["problems"]), status["problems"]


def use(daemon, login="bob"):
    """The numbers of a login's only limit: used, of these open, and attempts."""
    window = daemon.ctl("limits", login)["keys"][0]["windows"][0]
    return window["used"], window["open"], window["attempts"]


def test_a_client_that_gives_up_is_not_locked(box, mta_kind):
    """Five recipients, of which three are accepted and two deferred: nothing is sent, and nothing stays counted."""
    daemon, mta = front(box, mta_kind, "3/1h", config={"limits": {"on_limit": "tempfail"}})
    five = [f"<{number}@x.example>" for number in range(5)]
    with client(mta) as smtp:
        for attempt in range(3):
            assert smtp.mail("<bob@own.example>")  # with the abort of the last message, which Postfix holds back
            assert use(daemon) == (0, 0, 3 * attempt)
            answers = [smtp.rcpt(rcpt) for rcpt in five]
            assert codes(answers) == [250, 250, 250, 450, 450]
            assert seen(answers[3])[2] == "Rate limit 3/1h reached, next in 1h"
            assert use(daemon) == (3, 3, 3 * attempt)
            assert smtp.command("RSET").code == 250
        assert codes(send(smtp, "a@x.example", "b@x.example")) == [250, 250, 250]
        assert use(daemon) == (2, 0, 9)
        assert codes(send(smtp, "c@x.example")) == [250, 250]
        assert smtp.mail("<bob@own.example>") and smtp.rcpt("<d@x.example>").code == 450


def quit_in_the_middle(smtp):
    assert smtp.command("QUIT").code == 221


def refused_from(smtp):
    assert smtp.command("DATA").code == 354
    assert smtp.command("From: boss@elsewhere.example\r\n\r\nPay me\r\n.").code == 550


def refused_size(smtp):
    assert smtp.command("DATA").code == 354
    assert smtp.command("From: bob@own.example\r\n\r\n" + ("x" * 70 + "\r\n") * 100 + ".").code == 552


def lost_before_the_end(smtp):
    assert smtp.command("DATA").code == 354
    smtp.send(b"From: bob@own.example\r\n\r\nHel")
    smtp.close()


@pytest.mark.parametrize("give_up", [quit_in_the_middle, refused_from, refused_size, lost_before_the_end,
                                     lambda smtp: smtp.close()])
def test_a_message_that_is_not_sent_is_given_back(box, mta_kind, give_up):
    daemon, mta = front(box, mta_kind, "2/1h", maxsize=2000)
    with client(mta) as smtp:
        assert smtp.mail("<bob@own.example>")
        assert codes([smtp.rcpt("<a@x.example>"), smtp.rcpt("<b@x.example>")]) == [250, 250]
        give_up(smtp)
        wait_until(lambda: use(daemon) == (0, 0, 2), "both are given back")


def test_each_recipient_counts_once_in_messages_and_sessions_side_by_side(box, mta_kind):
    _, mta = front(box, mta_kind, "20/1d")
    with client(mta) as one, client(mta) as other:
        assert codes(send(one, "a@x.example", "b@x.example")) == [250, 250, 250]
        assert codes(send(one, "c@x.example")) == [250, 250]
        assert one.mail("<bob@own.example>") and other.mail("<bob@own.example>")
        for number in range(8):
            assert one.rcpt(f"<{number}@x.example>").code == 250
            assert other.rcpt(f"<{number}@x.example>").code == 250
        assert one.rcpt("<last@x.example>").code == 250
        assert other.rcpt("<last@x.example>").code == 450


def results_of_a_message(box, mta_kind, **config):
    """Send a message to two recipients through the MTA. Returns its results field, as it arrives."""
    _, mta = front(box, mta_kind, "3/5m,100/1d", keep=True, config=config)
    with client(mta) as smtp:
        assert codes(send(smtp, "a@x.example", "b@x.example")) == [250, 250, 250]
    (message,) = wait_until(mta.arrived, "the message arrives")
    text = message.decode().replace("\r\n", "\n")
    field = re.search(r"^X-Postern-Results: ((?:.|\n[ \t])*)", text, re.M)
    assert field, message
    return field.group(1)


def test_the_results_field_shows_the_usage_of_the_limit(box, mta_kind):
    field = results_of_a_message(box, mta_kind, milter={"results_header": "X-Postern-Results", "results_names": "yes"})
    value = re.sub(r"\s+", " ", field)
    assert "rcpt.limits=pass(profile sales: limits) used=2/3 window=5m next=0s" in value
    assert value.count("rcpt.limits=") == 1
    assert not field.startswith(" ")


def test_the_results_field_tells_strangers_no_names(box, mta_kind):
    value = re.sub(r"\s+", " ", results_of_a_message(box, mta_kind, milter={"results_header": "X-Postern-Results"}))
    assert re.fullmatch(r"[a-z._]+=[a-z-]+(; [a-z._]+=[a-z-]+)*", value.strip()), value
    assert "mail.sender=pass" in value and "rcpt.limits=pass" in value and "header=pass" in value
    for name in ("bob", "sales", "profile", "froms", "100", "5m"):
        assert name not in value


def test_real_logins_are_held_to_their_limits(box):
    """AUTH over TLS with 1/5m,500/1d, then kill -9, and the same login again."""
    made = store("1/5m,500/1d")
    made["users"][0]["password"] = logins.hash_of("pa55word")
    daemon = box.postern(config=logins.config(), store=made)
    mta = logins.postfix_of(box, daemon)

    def session():
        smtp = logins.secure(mta)
        assert smtp.command("AUTH PLAIN " + logins.b64("\0bob\0pa55word")).code == 235
        assert smtp.mail("<bob@own.example>").code == 250
        return smtp

    with session() as smtp:
        assert smtp.rcpt("<a@x.example>").code == 250
        assert seen(smtp.rcpt("<b@x.example>"))[2].startswith("Rate limit 1/5m reached, next in ")
        daemon.kill()  # before the connection ends, which would give the recipient back
    daemon.start()
    with session() as smtp:
        assert seen(smtp.rcpt("<b@x.example>"))[2].startswith("Rate limit 1/5m reached, next in ")


# ---- by the protocol alone -----------------------------------------------------------------------


def begin(daemon, login="bob"):
    milter = daemon.milter()
    milter.connect("home.example", "192.0.2.1")
    milter.helo("home.example")
    return milter


def mail(milter, login="bob"):
    return milter.mail("<bob@own.example>", auth_authen=login)


def sent(milter, sender="bob@own.example"):
    """Send the message, whose recipients were accepted."""
    answer = milter.message([("From", sender)])
    milter.abort()  # as Postfix does
    return answer


@pytest.mark.threads
def test_per_message_the_first_recipient_is_charged(box):
    daemon = daemon_with(box, "2/1d", limits={"count": "messages"})
    with begin(daemon) as milter:
        for message in range(3):
            assert mail(milter)
            for number in range(10):
                answer = milter.rcpt(f"<{number}@x.example>")
                assert bool(answer) == (message < 2), answer
            if message < 2:
                assert sent(milter)


@pytest.mark.parametrize("how, code, enhanced", [("tempfail", 450, "4.7.1"), ("reject", 550, "5.7.1")])
def test_on_limit_determines_the_answer(box, how, code, enhanced):
    daemon = daemon_with(box, "1/1d", limits={"on_limit": how})
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>")
        answer = milter.rcpt("<a@x.example>")
        assert (answer.code, answer.enhanced) == (code, enhanced)
        assert answer.text.startswith("Rate limit 1/1d reached, next in ")


def written_suspensions(daemon):
    path = daemon.run / "suspended"
    return path.read_text() if path.exists() else ""


@pytest.mark.threads
def test_a_login_over_its_limit_is_suspended_until_it_is_resumed(box):
    daemon = daemon_with(box, "2/1d", limits={"on_limit": "suspend"}, auth={"suspensions": "run/suspended"})
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>") and sent(milter)
        assert mail(milter) and milter.rcpt("<b@x.example>")
        answer = milter.rcpt("<c@x.example>")
        assert (answer.code, answer.enhanced) == (550, "5.7.1")
        assert answer.text.startswith("Rate limit 2/1d reached")
        daemon.wait_record(suspended="bob")
        answer = milter.rcpt("<d@x.example>")
        assert (answer.code, answer.text) == (550, "User bob is not allowed to send mail")
        answer = sent(milter)
        assert (answer.code, answer.text) == (550, "User bob is not allowed to send mail")
        assert mail(milter).code == 550
        assert milter.mail("<eve@own.example>", auth_authen="eve")
    record = daemon.records(suspended="bob")[0]
    assert (record["used"], record["rule"]) == ("2/2", "profile sales: limits")
    wait_until(lambda: daemon.ctl("suspended")["logins"] == ["bob"], "it is told")
    wait_until(lambda: "bob" in written_suspensions(daemon), "it is written down")
    daemon.kill()
    daemon.start()
    with begin(daemon) as milter:
        assert mail(milter).code == 550
        assert daemon.ctl("resume", "bob", parse=False) == "bob is no longer suspended\n"
        assert mail(milter) and milter.rcpt("<a@x.example>")


def test_a_suspension_by_a_limit_that_cannot_be_saved_is_in_force_and_saved_later(box):
    daemon = daemon_with(box, "1/1d", limits={"on_limit": "suspend"}, auth={"suspensions": "run/suspended"})
    in_the_way = daemon.run / "suspended.new"
    in_the_way.mkdir()
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>")
        assert milter.rcpt("<b@x.example>").code == 550
        daemon.wait_record(suspended="bob")
        daemon.wait_log("suspensions written=no")
        milter.abort()
        assert mail(milter).code == 550
    assert daemon.ctl("suspended")["logins"] == ["bob"]
    assert any("a restart will forget which logins are suspended" in one["problem"]
               for one in daemon.ctl("status")["problems"])
    in_the_way.rmdir()
    wait_until(lambda: daemon.ctl("status")["problems"] == [], "it is saved later")
    assert "bob" in (daemon.run / "suspended").read_text()
    assert daemon.log().count("suspensions written=no") == 1


@pytest.mark.parametrize("how, rule", [(["suspend", "bob"], "user bob: suspended"),
                                       (["user", "set", "bob", "enabled=false"], "user bob: enabled = false")])
def test_a_user_who_is_locked_out_does_not_end_an_open_message(box, mta_kind, how, rule):
    daemon, mta = front(box, mta_kind, "3/1d")
    with client(mta) as smtp:
        assert smtp.mail("<bob@own.example>") and smtp.rcpt("<a@x.example>")
        assert smtp.command("DATA").code == 354
        serial = daemon.ctl("status")["cache"]["policy"]["serial"]
        daemon.ctl(*how, parse=False)
        wait_until(lambda: how[0] == "suspend" or daemon.ctl("status")["cache"]["policy"]["serial"] > serial, "the row is in force")
        answer = smtp.command("From: bob@own.example\r\n\r\nHello\r\n.")
        assert (answer.code, seen(answer)[2]) == (550, "User bob is not allowed to send mail")
    record = daemon.wait_record(verdict="reject")
    assert (record["stage"], record["rule"]) == ("header", rule)
    wait_until(lambda: use(daemon) == (0, 0, 1), "the recipient is given back")


def test_the_end_of_a_suspension_tells_what_would_begin_the_next(box):
    daemon = daemon_with(box, "2/1d", limits={"on_limit": "suspend", "attempts": "1"})

    def resumed():
        return daemon.ctl("resume", "bob", parse=False).splitlines()

    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>") and milter.rcpt("<b@x.example>")
        milter.abort()
        assert mail(milter) and milter.rcpt("<c@x.example>").code == 550
        wait_until(lambda: daemon.ctl("suspended")["logins"] == ["bob"], "it is told")
        assert resumed() == ["bob is no longer suspended", "No attempts of the limit 2/1d are left. To clear them:",
                             "  posternctl limits login:bob reset"]
        daemon.ctl("limits", "login:bob", "reset")
        milter.abort()
        assert mail(milter) and milter.rcpt("<a@x.example>") and milter.rcpt("<b@x.example>") and sent(milter)
    daemon.ctl("suspend", "bob")
    assert resumed() == ["bob is no longer suspended", "The limit 2/1d is still full. To clear it:",
                         "  posternctl limits login:bob reset"]
    daemon.ctl("limits", "login:bob", "reset")
    assert resumed() == ["bob was not suspended"]


@pytest.mark.threads
@pytest.mark.parametrize("login", ["#bob", " bob", "b\\x23", "#\x1b[2j"])
def test_every_login_can_be_suspended(box, login):
    daemon = daemon_with(box, "1/1d", limits={"on_limit": "suspend"}, auth={"suspensions": "run/suspended"},
                         profile={"unknown_user": "sales"}, check={"sender": "no"})
    with begin(daemon) as milter:
        assert milter.mail("<ann@own.example>", auth_authen=login) and milter.rcpt("<a@x.example>")
        assert milter.rcpt("<b@x.example>").code == 550
        milter.abort()
        assert milter.mail("<ann@own.example>", auth_authen=login).code == 550
    wait_until(lambda: daemon.ctl("suspended")["logins"] == [login], "it is told")
    wait_until(lambda: written_suspensions(daemon).count("\n") == 2, "it is written down")
    daemon.stop()
    daemon.start()
    assert daemon.ctl("suspended")["logins"] == [login]
    with begin(daemon) as milter:
        assert milter.mail("<ann@own.example>", auth_authen=login).code == 550
    assert daemon.ctl("resume", login)["changed"]


def test_warn_lets_pass_and_logs_it(box):
    daemon = daemon_with(box, "1/1d", check={"limits": "warn"})
    with begin(daemon) as milter:
        assert mail(milter)
        for _ in range(3):
            assert milter.rcpt("<a@x.example>")
    wait_until(lambda: len(daemon.records(verdict="would-reject", used="1/1")) == 2, "both are logged")


@pytest.mark.threads
def test_forty_sessions_at_once_get_exactly_the_limit(box):
    daemon = daemon_with(box, "500/1d")
    accepted = []

    def session():
        with begin(daemon) as milter:
            assert mail(milter)
            accepted.append(sum(bool(milter.rcpt(f"<{i}@x.example>")) for i in range(20)))
            assert sent(milter)

    threads = [threading.Thread(target=session) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(accepted) == 500


@pytest.mark.threads
def test_kills_in_the_middle_lose_nothing_that_was_answered(box):
    daemon = daemon_with(box, "300/1d")
    answered = 0
    for _ in range(4):
        with begin(daemon) as milter:
            assert mail(milter)
            for number in range(60):
                assert milter.rcpt(f"<{number}@x.example>")
                answered += 1
            daemon.kill()
        daemon.start()
    with begin(daemon) as milter:
        assert mail(milter)
        more = 0
        while milter.rcpt("<a@x.example>"):
            more += 1
    assert answered + more == 300


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_messages_that_are_open_when_the_daemon_ends_are_counted(box, end):
    daemon = daemon_with(box, "3/1d")
    with begin(daemon) as milter, begin(daemon) as other:
        assert mail(milter) and milter.rcpt("<a@x.example>") and milter.rcpt("<b@x.example>")
        assert mail(other) and other.rcpt("<c@x.example>")
        other.abort()
        wait_until(lambda: use(daemon) == (2, 2, 1), "one is given back")
        getattr(daemon, end)()
    daemon.start()
    assert use(daemon) == (2, 0, 1)


def test_a_torn_state_is_reported_and_the_rest_counts(box):
    daemon = daemon_with(box, "10/1d")
    with begin(daemon) as milter:
        assert mail(milter)
        for number in range(10):
            assert milter.rcpt(f"<{number}@x.example>")
        daemon.kill()
    journal = max(daemon.run.glob("limits.state.[0-9]*"), key=lambda path: int(path.suffix[1:]))
    journal.write_bytes(journal.read_bytes()[:-5])
    mark = daemon.mark()
    daemon.start()
    daemon.wait_log("ended while they were written; the rest is used", since=mark)
    with begin(daemon) as milter:
        assert mail(milter)
        assert milter.rcpt("<a@x.example>")
        assert not milter.rcpt("<a@x.example>")


def test_without_a_place_for_the_state_it_counts_and_complains(box):
    daemon = daemon_with(box, "1/1d", limits={"state": "none/limits.state"})
    assert daemon.records(written="no")
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>") and not milter.rcpt("<b@x.example>")
        assert sent(milter)
    (daemon.folder / "none").mkdir()
    if USER:
        shutil.chown(daemon.folder / "none", USER)
    wait_until((daemon.folder / "none/limits.state").exists, "the counts are saved")
    assert daemon.ctl("status")["problems"] == []
    daemon.kill()
    daemon.start()
    with begin(daemon) as milter:
        assert mail(milter) and not milter.rcpt("<b@x.example>")


def test_counts_that_the_user_cannot_read_are_used_after_the_next_start(box):
    """The directory is closed to the daemon; then only the files in it."""
    user = USER or ("nobody" if os.geteuid() == 0 else "")  # root can read every file
    daemon = daemon_with(box, "3/1d", limits={"state": "run/counts/limits.state"}, start=False)
    daemon.configure({"milter": {"user": user}})
    daemon.create()
    counts = daemon.run / "counts"
    counts.mkdir()
    if user:
        for path in (daemon.run, daemon.store_path, counts):
            shutil.chown(path, user)
    daemon.start()
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>") and sent(milter)
    daemon.restart()  # writes a checkpoint, soon or at the next start
    daemon.restart()
    wait_until((counts / "limits.state").exists, "there is a checkpoint")
    daemon.stop()
    for closed in (counts, counts / "limits.state"):
        closed.chmod(0)
        daemon.start()
        problems = daemon.ctl("status", check=False)["problems"]
        assert any("Permission denied" in problem["problem"] for problem in problems)
        daemon.kill()
        counts.chmod(0o700)
        for file in counts.iterdir():  # the checkpoint may be limits.state.prev by now
            file.chmod(0o600)
        assert not list(counts.glob("*.bad"))
    daemon.start()
    assert use(daemon)[0] == 1
    assert daemon.ctl("status")["problems"] == []


@pytest.mark.skipif(not USER, reason="root can read every file")
def test_files_that_the_user_can_no_longer_read_are_written_again(box):
    daemon = daemon_with(box, "9/1d")
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>") and sent(milter)
    daemon.restart()
    daemon.restart()  # writes a checkpoint of the journals of earlier runs
    wait_until((daemon.run / "limits.state").exists, "there is a checkpoint")
    daemon.ctl("suspend", "eve")
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<b@x.example>") and sent(milter)
    mark = daemon.mark()
    for path in [*daemon.run.glob("limits.state*"), daemon.run / "suspended"]:
        shutil.chown(path, "root")
        path.chmod(0o600)
    daemon.wait_log("limits files=lost", since=mark)
    daemon.wait_log("suspensions file=lost", since=mark)
    wait_until(lambda: all((daemon.run / name).owner() == USER for name in ("limits.state", "suspended")),
               "they are written again")
    for name in ("limits.state", "suspended"):
        assert (daemon.run / f"{name}.bad").owner() == "root"
        wait_until(lambda name=name: any(f"{daemon.run}/{name}.bad" in note["note"] for note in daemon.ctl("status")["notes"]),
                   "the copy is noted")
    daemon.kill()
    daemon.start()
    assert use(daemon)[0] == 2
    assert daemon.ctl("suspended")["logins"] == ["eve"]
    assert daemon.ctl("status")["problems"] == []


@pytest.mark.skipif(not USER, reason="root can write everywhere")
def test_a_state_directory_that_can_no_longer_be_written_is_a_problem(box):
    daemon = daemon_with(box, "9/1d")

    def problems():
        return [one["problem"] for one in daemon.ctl("status")["problems"]]

    daemon.run.chmod(0o500)
    wait_until(lambda: len(problems()) == 2, "the counts' and the suspensions' problem")
    assert any("cannot write a checkpoint" in problem for problem in problems())
    assert any("a restart will forget which logins are suspended" in problem for problem in problems())
    daemon.run.chmod(0o755)
    wait_until(lambda: problems() == [], "both are written")


def test_explain_of_the_running_daemon_looks_and_never_charges(box):
    daemon = daemon_with(box, "2/1d")
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>") and sent(milter)
    for _ in range(5):
        answer = daemon.ctl("explain", "--running", "--ip", "192.0.2.1", "--user", "bob", "--mail",
                            "bob@own.example", "--rcpt", "a@x.example", "--from", "bob@own.example")
        step = [step for step in answer["steps"] if step["step"] == "rcpt"][0]
        limits = [check for check in step["checks"] if check["check"] == "limits"][0]
        assert (limits["outcome"], limits["used"], limits["next"]) == ("pass", "1/2", "0s")
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>") and not milter.rcpt("<b@x.example>")


@pytest.mark.threads
def test_changed_limits_apply_at_once(box):
    daemon = daemon_with(box, "100/1d")
    with begin(daemon) as milter:
        assert mail(milter)
        for number in range(5):
            assert milter.rcpt(f"<{number}@x.example>")
        milter.abort()
        daemon.write_store(store("3/1h"))
        wait_until(lambda: (mail(milter), not milter.rcpt("<a@x.example>"), milter.abort())[1],
                   "the lower limit is in force")


@pytest.mark.threads
def test_both_spellings_of_an_unknown_login_are_one_user(box):
    rows = store("2/1d")
    daemon = box.postern(config={"profile": {"unknown_user": "sales", "default_domain": "own.example"}}, store=rows)
    with begin(daemon) as milter:
        for login, free in (("ann", True), ("ann@own.example", True), ("ANN@Own.Example", False), ("ann", False)):
            assert milter.mail("<ann@own.example>", auth_authen=login)
            assert bool(milter.rcpt("<a@x.example>")) == free, login
            assert not free or sent(milter, "ann@own.example")
    assert [key["key"] for key in daemon.ctl("limits")["keys"]] == ["login:ann"]
    assert daemon.ctl("limits", "ann@own.example")["keys"][0]["windows"][0]["used"] == 2
    daemon.ctl("suspend", "ann@own.example")
    with begin(daemon) as milter:
        for login in ("ann", "ann@own.example"):
            assert not milter.mail("<ann@own.example>", auth_authen=login)
            step = [step for step in daemon.ctl("explain", "--running", "--user", login, "--mail", "ann@own.example")
                    ["steps"] if step["step"] == "mail"][0]
            assert step["rule"] == "user ann: suspended"


@pytest.mark.parametrize("unknown_user", ["accept", "sales"])
@pytest.mark.threads
def test_a_suspension_of_an_unknown_login_applies_to_both_spellings_and_can_be_ended(box, unknown_user):
    daemon = box.postern(config={"profile": {"unknown_user": unknown_user, "default_domain": "own.example"}},
                         store=store(""))

    def may(login):
        with begin(daemon) as milter:
            return bool(milter.mail("<ann@own.example>", auth_authen=login))

    for spelling in ("ann", "ann@own.example"):
        assert may("ann") and may("ann@own.example")
        daemon.ctl("suspend", spelling)
        assert not may("ann") and not may("ann@own.example")
        assert daemon.ctl("resume", spelling)["changed"]
    # As if it had been suspended before unknown_user was set.
    (daemon.run / "suspended").write_text("ann@own.example\n")
    daemon.restart()
    assert not may("ann") and not may("ann@own.example")
    assert daemon.ctl("resume", "ann@own.example")["changed"] and may("ann")


def test_a_login_with_two_domains_is_no_other_user(box):
    daemon = box.postern(config={"profile": {"unknown_user": "sales", "default_domain": "own.example"}},
                         store=store(""))
    with begin(daemon) as milter:
        for login, sender in (("bob@own.example@own.example", "bob@own.example"),
                              ("ceo@other.example@own.example", "ceo@other.example")):
            assert not milter.mail(f"<{sender}>", auth_authen=login), login
            milter.abort()


SLOW_DISK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	if (access(FLAG, F_OK) == 0)
		sleep(3);
	return real(fd);
}
"""


@pytest.mark.threads
def test_a_suspension_while_the_daemon_ends_is_written_down(box):
    """The end waits for a slow disk while sessions go on."""
    flag, library = box.folder / "slow", box.folder / "slow.so"
    subprocess.run(["cc", "-shared", "-fPIC", f'-DFLAG="{flag}"', "-x", "c", "-", "-o", library, "-ldl"],
                   input=SLOW_DISK, text=True, check=True)
    daemon = daemon_with(box, "1/1d", start=False, limits={"on_limit": "suspend"})
    daemon.process.env = {**(daemon.process.env or {}), "LD_PRELOAD": str(library)}
    daemon.start()
    with begin(daemon) as milter:
        assert mail(milter) and milter.rcpt("<a@x.example>")
        flag.touch()
        with begin(daemon, "eve") as other:  # so that there is a charge to write
            assert other.mail("<eve@own.example>", auth_authen="eve") and other.rcpt("<a@x.example>")
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not (daemon.run / "control").exists(), "it is ending")
        time.sleep(0.5)
        assert not milter.rcpt("<b@x.example>")
        assert daemon.process.running, "it ended too early to tell"
        assert "bob" in (daemon.run / "suspended").read_text()
    assert daemon.stop() == 0
