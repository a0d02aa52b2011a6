"""The harness itself: the servers that other tests use work without the daemon."""

import socket

import pytest

from harness.postgres import Postgres
from harness.sendmail import headers_of
from harness.smtp import Smtp, session
from harness.wait import wait_until


def test_postgres_starts_stops_hard_and_starts_again(box):
    db = box.postgres()
    db.query("CREATE TABLE t AS SELECT 7 AS n")
    db.stop("immediate")
    assert not db.answers()
    db.start()
    assert db.value("SELECT n FROM t") == 7


def test_standby_follows_lags_and_is_promoted(box):
    db = box.postgres()
    db.query("CREATE TABLE t (n int)")
    standby = box.standby(db)
    standby.wait_caught_up(db)
    standby.pause_replay()
    db.query("INSERT INTO t VALUES (1)")
    assert standby.value("SELECT count(*) FROM t") == 0
    standby.resume_replay()
    standby.wait_caught_up(db)
    assert standby.value("SELECT count(*) FROM t") == 1
    db.stop("immediate")
    standby.promote()
    standby.query("INSERT INTO t VALUES (2)")
    assert standby.value("SELECT count(*) FROM t") == 2


def test_postfix_accepts_mail_and_hands_it_to_the_sink(box):
    sink = box.sink()
    mta = box.postfix(sink=sink)
    steps = session(mta.port, "<a@example.net>", ["<b@example.com>", "<c@example.org>"],
                    message="Subject: hi\r\n\r\n.dot\r\n")
    assert [(step, reply.code) for step, reply in steps] == [
        ("connect", 220), ("helo", 250), ("mail", 250), ("rcpt", 250), ("rcpt", 250), ("data", 250)]
    wait_until(lambda: len(sink.messages) >= 1, "the sink has the message")
    sender, _, text = sink.messages[0]
    assert sender.startswith("<a@example.net>") and b"\r\n\r\n.dot\r\n" in text


def test_postfix_accepts_another_client_by_xclient(box):
    mta = box.postfix()
    with Smtp(mta.port) as smtp:
        assert "XCLIENT" in smtp.ehlo().text
        assert smtp.xclient(addr="192.0.2.7", name="mail.example.net", login="bob").code == 220
        smtp.ehlo("me.example.net")
        assert smtp.mail().code == 250
        assert smtp.rcpt().code == 250
        assert smtp.quit().code == 221
    mta.wait_log("client=mail.example.net[192.0.2.7], sasl_method=XCLIENT, sasl_username=bob")


def test_postfix_reports_clients_without_a_name_and_of_ipv6(box):
    mta = box.postfix()
    for address, shown in (("192.0.2.7", "unknown[192.0.2.7]"),
                           ("2001:db8::7", "unknown[2001:db8::7]")):
        session(mta.port, "<a@example.net>", ["<b@example.com>"], client=(address, ""))
        mta.wait_log("client=" + shown)


def test_postfix_serves_several_services(box):
    mta = box.postfix(services=("smtp", "submission"))
    assert mta.ports["smtp"] != mta.ports["submission"]
    for port in mta.ports.values():
        with Smtp(port) as smtp:
            assert smtp.ehlo().code == 250


def test_postfix_reloads_its_configuration(box):
    mta = box.postfix()

    def refused():
        steps = session(mta.port, "<a@example.net>", ["<b@example.com>"])
        return steps[-1][1].code == 554

    assert not refused()
    mta.reload(smtpd_recipient_restrictions="reject")
    wait_until(refused, "Postfix has taken the new parameter")


def test_sendmail_accepts_mail_from_a_client_with_a_name(box):
    mta = box.sendmail(hosts={"127.0.0.9": "mail.example.net"})
    with Smtp(mta.port, source="127.0.0.9") as smtp:
        assert "Hello mail.example.net [127.0.0.9]" in smtp.ehlo().text
        assert smtp.mail("<a@example.net>", "SIZE=100").code == 250
        assert smtp.rcpt("<b@example.com>").code == 250
        assert smtp.data("From: a@example.net\r\nX-Test: one\r\n\tfolded\r\n\r\nHi\r\n").code == 250
    ((control, body),) = mta.queued().values()
    assert ("X-Test", "one folded") in headers_of(control)
    assert body == "Hi\n"


def test_proxy_forwards_stalls_and_refuses(box):
    sink = box.sink()
    proxy = box.proxy(sink.port)
    stalled = Smtp(proxy.port, timeout=1)
    assert stalled.helo().code == 250

    proxy.stall()
    with pytest.raises(socket.timeout):
        stalled.helo()
    with pytest.raises(socket.timeout):
        Smtp(proxy.port, timeout=1)

    proxy.resume()
    with Smtp(proxy.port) as fresh:
        assert fresh.helo().code == 250
    stalled.socket.settimeout(1)
    with pytest.raises(OSError):  # it stays silent for ever
        stalled.socket.recv(1)
    stalled.close()

    live = Smtp(proxy.port)
    proxy.refuse()
    with pytest.raises(OSError):
        live.helo()
    with pytest.raises(ConnectionRefusedError):
        Smtp(proxy.port)
    proxy.resume()
    with Smtp(proxy.port) as fresh:
        assert fresh.helo().code == 250


def test_proxy_carries_postgres(box):
    db = box.postgres()
    proxy = box.proxy(db.port)
    assert db.value("SELECT 1", port=proxy.port) == 1
    connection = db.connect(port=proxy.port)
    proxy.refuse()
    assert not _answers(connection)


def _answers(connection):
    try:
        connection.cursor().execute("SELECT 1")
    except Exception:
        return False
    return True


def test_a_sanitizer_report_in_a_log_is_found(box):
    child = box.process("talker", ["sh", "-c", "echo; echo WARNING: ThreadSanitizer: data race"])
    child.child.wait()
    assert "data race" in child.report()
    child.log.write_text("")  # or this test would fail at its end


def test_a_server_that_ends_early_is_reported_with_its_log(box):
    with pytest.raises(RuntimeError, match="no such option"):
        box.process("broken", ["sh", "-c", "echo no such option; exit 3"], ready=lambda: False)


def test_clusters_differ(box):
    one, other = box.postgres(), box.postgres(unique=True)
    assert isinstance(one, Postgres)
    identify = "SELECT system_identifier FROM pg_control_system()"
    assert one.value(identify) != other.value(identify)
