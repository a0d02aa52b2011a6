"""
A connection to the milter outlives a reload, but the MTA keeps omitting the events that were not negotiated. A check that
the new settings need is never skipped silently because its events are missing.
"""

import pytest

pytestmark = pytest.mark.threads

OFF = {"any": "no", "conn": "no", "helo": "no", "mail": "no", "rcpt": "no", "data": "no", "sender": "no",
       "recipient": "no", "size": "no", "limits": "no", "header_from": "no"}

STORE = {
    "profiles": [{"id": 1, "name": "sales", "open": False, "host": "partner.example", "rcpt": "",
                  "rcpt_re": "", "maxsize": 0, "limits": ""}],
    "users": [{"id": 1, "username": "bob", "password": "", "froms": "bob@own.example", "profileId": 1}],
}

LISTS = {
    "connect.rdns_access.blacklist": "192.0.2.7\n",
    "helo.checks.regexps": "evil.*\n",
    "rcpt_to.access.blacklist": "nobody@here.example\n",
    "access.domains": "listed.example\n",
}


def begun(box, milter=None, helo="h.example", address="192.0.2.1"):
    """A session that began while every check was off."""
    daemon = box.postern(config={"milter": milter or {}, "check": OFF}, lists=LISTS, store=STORE)
    session = daemon.milter()
    assert session.connect("client.example", address)
    assert session.helo(helo)
    assert session.mail("<a@ok.example>")
    session.abort()
    return daemon, session


def switch(daemon, milter=None, **checks):
    daemon.configure({"check": checks, "milter": milter or {}})
    assert daemon.ctl("reload")["ok"]


@pytest.mark.parametrize("checks, login", [
    ({"rcpt": "yes"}, None), ({"any": "yes"}, None), ({"recipient": "yes"}, "bob"),
    ({"data": "yes"}, None), ({"header_from": "yes"}, "bob")])
def test_mail_is_deferred_when_an_event_was_not_negotiated(box, checks, login):
    daemon, session = begun(box, milter={"on_error": "accept"})
    switch(daemon, **checks)
    macros = {"auth_authen": login} if login else {}
    answer = session.mail("<bob@own.example>", **macros)
    assert (answer.verdict, answer.code, answer.enhanced) == ("tempfail", 451, "4.3.0")
    assert "config" in daemon.wait_record(verdict="tempfail")["rule"]
    with daemon.milter() as later:
        assert later.connect("client.example", "192.0.2.1")
        assert later.mail("<bob@own.example>", **macros)


@pytest.mark.parametrize("checks, login", [
    ({"recipient": "yes"}, None), ({"header_from": "yes"}, None), ({"rcpt": "warn"}, None),
    ({"data": "warn"}, None), ({"mail": "yes"}, None), ({"sender": "yes"}, "bob")])
def test_mail_continues_when_the_event_is_unneeded_or_only_warns(box, checks, login):
    daemon, session = begun(box)
    switch(daemon, **checks)
    assert session.mail("<bob@own.example>", **({"auth_authen": login} if login else {}))


@pytest.mark.parametrize("delay", ["yes", "no"])
def test_connect_and_helo_are_judged_at_mail_if_they_were_not_before(box, delay):
    daemon, session = begun(box, milter={"delay_reject": delay}, address="192.0.2.7")
    switch(daemon, conn="yes")
    answer = session.mail("<a@ok.example>")
    assert (answer.code, answer.text) == (
        550, "client.example [192.0.2.7] You are not allowed to connect")
    daemon, session = begun(box, milter={"delay_reject": delay}, helo="evil.example")
    switch(daemon, helo="yes")
    assert session.mail("<a@ok.example>").code == 550


def test_no_forged_results_pass_when_results_begin(box):
    daemon, session = begun(box)
    switch(daemon, milter={"results_header": "X-Postern-Results"})
    assert session.mail("<a@ok.example>").code == 451


def test_an_mta_that_allows_no_added_field_is_not_delayed(box):
    daemon = box.postern(config={"milter": {"results_header": "X-Postern-Results"}})
    with daemon.milter(actions=0) as session:
        assert session.connect("client.example", "192.0.2.1")
        assert session.mail("<a@ok.example>")


def test_delay_reject_stays_as_at_the_beginning(box):
    daemon = box.postern(lists=LISTS)
    session = daemon.milter()
    assert session.connect("client.example", "192.0.2.7")
    switch(daemon, milter={"delay_reject": "no"})
    assert session.mail("<a@ok.example>").code == 550
