"""Header fields that Postern, the MTA and the recipient's programs might read differently."""

import time

import pytest

from harness.sendmail import Sendmail
from harness.wait import wait_until

STORE = {
    "profiles": [{"id": 1, "name": "open", "open": True, "host": "", "rcpt": "", "rcpt_re": "",
                  "maxsize": 0, "limits": ""}],
    "users": [{"id": 1, "username": "bob", "password": "", "froms": "bob@own.example",
               "profileId": 1}],
}

OWN = "From: bob@own.example\r\n"

REFUSED = [
    "", "From : boss@other.example\r\n", "From\t: boss@other.example\r\n", "FROM:boss@other.example\r\n",
    "From:\r\n\tboss@other.example\r\n", "From:: boss@other.example\r\n",
    OWN + "From : boss@other.example\r\n", " From: boss@other.example\r\n" + OWN,
    "Subject: x\r\nno field\r\n" + OWN, "From: bob@own.example\r, boss@other.example\r\n",
    "From: bob@own.example\r\n\r <boss@other.example>\r\n", "From: \0 bob@own.example\r\n",
    "From: bob@own.example <boss@other.example>\r\n", "From: bob@own.example, boss@other.example\r\n",
]

# Postfix passes nothing after a NUL on: neither to Postern nor in the message. Sendmail removes the NUL
# from what both get.
CUT = ["From: bob@own.example\0, boss@other.example\r\n", OWN + "From\0: boss@other.example\r\n"]


@pytest.fixture
def mta(box, mta_kind):
    return box.front(mta_kind, config={"milter": {"results_header": "X-Results"}}, store=STORE, keep=True)[1]


def send(mta, header, login="bob"):
    with mta.client(login=login) as smtp:
        smtp.mail("<bob@own.example>")
        smtp.rcpt("<x@y.example>")
        return smtp.data(header + "\r\nx\r\n")


def test_no_form_of_a_from_field_hides_it(mta):
    for header in REFUSED:
        reply = send(mta, header)
        if isinstance(mta, Sendmail) and "\r" in header.replace("\r\n", ""):
            assert (reply.code, reply.words) == (421, "Bare carriage return (CR) not allowed"), reply
        elif isinstance(mta, Sendmail) and "\0" in header:
            assert reply.code == 250, reply
        else:
            assert (reply.code, reply.words) == (550, "Envelope and body FROM mismatch"), (header, reply)
    assert send(mta, OWN).code == 250


@pytest.mark.parametrize("inet", [False, True])
def test_a_message_without_fields_is_answered(box, inet):
    """On an inet socket, the MTA sends DATA; libmilter then ignores the end of a message without the event before."""
    daemon = box.postern(store=STORE, inet=inet)
    for login, verdict in (("bob", "reject"), (None, "continue")):
        with daemon.milter() as milter:
            milter.connect("ok.example", "192.0.2.1")
            milter.helo("ok.example")
            assert milter.mail("<bob@own.example>", **({"auth_authen": login} if login else {}))
            assert milter.rcpt("<x@y.example>")
            assert milter.message([]).verdict == verdict, login


def test_text_after_a_nul_is_in_no_header(mta):
    if isinstance(mta, Sendmail):
        for header in CUT:
            assert send(mta, header).words == "Envelope and body FROM mismatch"
        return
    for header in CUT:
        assert send(mta, header).code == 250
    wait_until(lambda: len(mta.arrived()) == len(CUT), "the messages came out")
    for message in mta.arrived():
        assert b"boss@other.example" not in message.split(b"\r\n\r\n")[0]


def test_forged_results_are_removed_however_they_are_written(mta):
    forged = "x-RESULTS : forged\r\nX-Results:\r\n forged\r\nX-Results\t:forged\r\n"
    assert send(mta, forged + OWN + forged).code == 250
    (message,) = wait_until(mta.arrived, "the message came out")
    assert b"forged" not in message


def test_thousands_of_forged_results_are_refused(mta):
    start = time.monotonic()
    reply = send(mta, "X-Results: x\r\n" * 10000 + OWN)
    # Sendmail itself limits the header to 32 KiB.
    assert (reply.code, reply.enhanced) == (552 if isinstance(mta, Sendmail) else 550, "5.6.0")
    print(f"refused after {time.monotonic() - start:.2f} s")
