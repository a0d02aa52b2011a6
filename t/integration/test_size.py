"""The size of messages, announced and counted exactly, through Postfix and Sendmail, and by the protocol."""

import re

import pytest

from harness import milter_client as protocol
from harness.smtp import seen
from harness.wait import wait_until
from test_limits import store

pytestmark = pytest.mark.quick

MAX = 5000


def options():
    made = store("", maxsize=MAX)
    made["profiles"].append(dict(made["profiles"][0], id=2, name="boss", maxsize=0))
    made["users"][1]["profileId"] = 2
    return {"config": {"profile": {"default_domain": "own.example"}}, "store": made}


@pytest.fixture
def daemon(box):
    return box.postern(**options())


@pytest.fixture
def front(box, mta_kind):
    return box.front(mta_kind, **options())


def client(mta, login="bob"):
    return mta.client(login=login)


def message(size, sender="bob@own.example", gap=" "):
    """A message of so many octets, including the header and CRLF line ends."""
    text = f"From:{gap}{sender}\r\nSubject: a folded\r\n\tone\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n" \
        f"Message-Id: <1@own.example>\r\nTo: a@x.example\r\n\r\n"
    left = size - len(text)
    text += ("x" * 70 + "\r\n") * (left // 72)
    rest = size - len(text)
    if rest == 1:
        text = text[:-2] + "y\r\n"
    elif rest > 1:
        text += "z" * (rest - 2) + "\r\n"
    assert len(text) == size
    return text


def send(smtp, text, *parameters, sender="bob@own.example"):
    reply = smtp.mail(f"<{sender}>", *parameters)
    if not reply:
        return reply
    assert smtp.rcpt("<a@x.example>").code == 250
    assert smtp.command("DATA").code == 354
    return smtp.command(text + ".")


TOO_BIG = (552, "5.3.4", f"Message too big: the limit is {MAX} bytes")


# ---- a real MTA ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, "true", 100])
@pytest.mark.parametrize("gap", [" ", "", "   "])
def test_to_the_octet_whatever_was_announced(front, size, gap):
    daemon, mta = front
    with client(mta) as smtp:
        for octets in (MAX - 1, MAX, MAX + 1, MAX + 100000):
            announced = [] if size is None else [f"SIZE={octets if size == 'true' else size}"]
            reply = send(smtp, message(octets, gap=gap), *announced)
            if octets <= MAX:
                assert reply.code == 250, (octets, reply)
            else:
                assert seen(reply) == TOO_BIG, (octets, reply)
    stage = "mail" if size == "true" else "body"
    record = daemon.wait_record(verdict="reject", check="size")
    assert (record["stage"], record["rule"]) == (stage, "profile sales: maxsize")


def test_each_message_of_a_session_is_counted_by_itself(front):
    _, mta = front
    with client(mta) as smtp:
        for octets in (MAX, MAX + 1, 200, MAX + 1, MAX, MAX):
            assert send(smtp, message(octets)).code == (250 if octets <= MAX else 552)


def test_a_header_alone_can_be_too_big(front):
    _, mta = front
    with client(mta) as smtp:
        fields = "".join(f"X-Field-{i}: {'x' * 60}\r\n" for i in range(90))
        assert seen(send(smtp, f"From: bob@own.example\r\n{fields}\r\n")) == TOO_BIG


def test_a_user_without_a_limit_sends_any_size(front):
    _, mta = front
    with client(mta, login="eve") as smtp:
        assert send(smtp, message(300000, sender="eve@own.example"), sender="eve@own.example").code == 250
    with client(mta, login=None) as smtp:
        assert send(smtp, message(300000)).code == 250


def memory(daemon):
    """The daemon's peak memory in KiB."""
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read()).group(1))


@pytest.mark.threads
def test_a_message_of_100_mb_takes_no_memory(box):
    daemon, mta = box.front("postfix", store=store("", maxsize=200_000_000))
    with client(mta) as smtp:
        assert send(smtp, message(2000)).code == 250
        before = memory(daemon)
        assert smtp.mail("<bob@own.example>")
        assert smtp.rcpt("<a@x.example>").code == 250
        assert smtp.command("DATA").code == 354
        smtp.send("From: bob@own.example\r\n\r\n")
        chunk = ("x" * 998 + "\r\n") * 1000
        for _ in range(100):
            smtp.send(chunk)
        assert smtp.command(".").code == 250
        assert memory(daemon) - before < 4096


# ---- by the protocol -----------------------------------------------------------------------------


def begin(daemon, login="bob", **options):
    milter = daemon.milter(**options)
    milter.connect("home.example", "192.0.2.1")
    milter.helo("home.example")
    assert milter.mail("<bob@own.example>", auth_authen=login)
    assert milter.rcpt("<a@x.example>")
    assert milter.header("From", " bob@own.example")
    assert milter.eoh()  # not answered if the MTA offers that
    return milter


def test_it_is_refused_at_the_first_chunk_past_the_limit(daemon):
    with begin(daemon) as milter:
        assert milter.body(b"x" * 4000).verdict == "continue"
        assert milter.body(b"x" * 900).verdict == "continue"
        answer = milter.body(b"x" * 900)
        assert (answer.code, answer.enhanced, answer.text) == TOO_BIG


def test_a_user_without_a_limit_costs_one_chunk(daemon):
    for login in ("eve", ""):
        with begin(daemon, login=login) as milter:
            assert milter.body(b"x" * 60000).verdict == "skip"
            assert milter.eom()


def test_an_mta_that_cannot_skip_sends_everything(daemon):
    with begin(daemon, login="eve", steps=protocol.ALL_STEPS & ~protocol.SKIP) as milter:
        for _ in range(5):
            assert milter.body(b"x" * 60000).verdict == "continue"
        assert milter.eom()
    with begin(daemon, steps=0x7F) as milter:  # version 2 of the protocol
        assert milter.body(b"x" * 4000)
        assert milter.body(b"x" * 2000).code == 552


def test_no_body_is_requested_if_no_profile_has_a_limit(box):
    daemon = box.postern(store=store(""))
    with daemon.milter() as milter:
        assert milter.steps & protocol.NOBODY
        # Without the header's end, libmilter would not answer a message without fields.
        assert not milter.steps & (protocol.NOEOH | protocol.HDR_LEADSPC)
        milter.connect("home.example", "192.0.2.1")
        milter.helo("home.example")
        assert milter.mail("<bob@own.example>", auth_authen="bob")
        milter.abort()
        # With one, the connection keeps what was negotiated, so the client has to connect again.
        daemon.write_store(store("", maxsize=MAX))
        wait_until(lambda: (milter.mail("<bob@own.example>", auth_authen="bob").verdict == "tempfail",
                            milter.abort())[0], "the limit is in force")
    with begin(daemon) as milter:
        assert not milter.steps & protocol.NOBODY
        assert milter.body(b"x" * 6000).code == 552


def test_warn_logs_once_and_skips_the_rest(box):
    daemon = box.postern(config={"check": {"size": "warn"}}, store=store("", maxsize=MAX))
    with begin(daemon) as milter:
        assert milter.body(b"x" * 4000).verdict == "continue"
        assert milter.body(b"x" * 4000).verdict == "skip"
        assert milter.eom()
    daemon.wait_record(verdict="accept", stage="message")
    records = daemon.records(verdict="would-reject")
    assert len(records) == 1 and records[0]["stage"] == "body" and records[0]["code"] == "552"
