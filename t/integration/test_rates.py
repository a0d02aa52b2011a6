"""Limits for all clients: the sections [limit NAME], by the milter protocol and through Postfix and Sendmail."""

import pytest

from harness.smtp import seen as seen_by_client
from harness.wait import wait_until

pytestmark = pytest.mark.quick

STORE = {
    "profiles": [{"id": 1, "name": "all", "open": True, "host": "", "rcpt": "", "rcpt_re": "",
                  "maxsize": 0, "limits": ""}],
    "users": [{"id": 1, "username": "bob", "password": "", "froms": "*", "profileId": 1}],
}


def daemon_with(box, sections, **config):
    """sections: {"rate_conn": {"default": "5"}}."""
    limits = {f"limit {name}": keys for name, keys in sections.items()}
    return box.postern(config={"limit": {"exempt": "127.0.0.0/8"}, **limits, **config}, store=STORE)


def connected(daemon, address="192.0.2.7", name=None):
    milter = daemon.milter()
    answer = milter.connect(name or f"[{address}]", address)
    assert answer.verdict == "none", answer  # reported at MAIL
    milter.helo("client.example")
    return milter


def seen(answer):
    return answer.code, answer.enhanced, answer.text.split(" reached")[0]


def test_connections_are_limited_and_refused_at_mail(box):
    daemon = daemon_with(box, {"rate_conn": {"default": "3/1m", "192.0.2.9": "0"}})
    for number in range(5):
        with connected(daemon) as milter:
            answer = milter.mail("<a@x.example>")
            if number < 3:
                assert answer
            else:
                assert seen(answer) == (450, "4.7.1", "Connection rate limit 3/1m")
                assert not milter.mail("<a@x.example>")  # each of its messages
        with connected(daemon, "192.0.2.9") as milter:
            assert milter.mail("<a@x.example>")
    record = daemon.wait_record(verdict="tempfail")
    assert (record["check"], record["rule"], record["stage"]) == ("rates", "[limit rate_conn] default", "connect")
    assert (record["used"], record["window"]) == ("3/3", "1m")
    with connected(daemon, "192.0.2.8") as milter:
        assert milter.mail("<a@x.example>")


@pytest.mark.threads
def test_without_delay_reject_a_connection_is_refused_at_once(box):
    daemon = daemon_with(box, {"rate_conn": {"default": "1/1m"}}, milter={"delay_reject": "no"})
    with daemon.milter() as milter:
        assert milter.connect("[192.0.2.7]", "192.0.2.7")
    with daemon.milter() as milter:
        assert milter.connect("[192.0.2.7]", "192.0.2.7").verdict == "tempfail"


@pytest.mark.threads
def test_connections_at_once_are_limited_and_end(box):
    daemon = daemon_with(box, {"concurrency": {"max": "2"}})
    opened = []
    for _ in range(3):
        opened.append(connected(daemon))
        answer = opened[-1].mail("<a@x.example>")  # before the next one, because connecting is not answered
        assert bool(answer) == (len(opened) < 3)
    assert (answer.code, answer.enhanced, answer.text) == (
        450, "4.7.1", "Too many connections at once: at most 2")
    with connected(daemon, "192.0.2.8") as other:
        assert other.mail("<a@x.example>")
    for milter in opened:
        milter.close()

    def again():
        with connected(daemon) as milter:
            return bool(milter.mail("<a@x.example>"))

    wait_until(again, "the others have gone")


def test_an_ipv6_network_is_one_client(box):
    daemon = daemon_with(box, {"rate_conn": {"default": "2/1m"}})
    answers = []
    for address in ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:3::4", "2001:db8:1:3::1"):
        with connected(daemon, address) as milter:
            answers.append(bool(milter.mail("<a@x.example>")))
    assert answers == [True, True, False, True]


def test_recipients_are_limited_by_client_sender_and_recipient(box):
    daemon = daemon_with(box, {"rate_rcpt_host": {"example.net": "4/5m"},
                               "rate_rcpt_sender": {"news@x.example": "2/5m"},
                               "rate_rcpt": {"default": "3/5m"},
                               "rate_rcpt_null": {"default": "1/5m"}})
    with connected(daemon, name="mx.example.net") as milter:
        assert milter.mail("<news@x.example>")
        assert milter.rcpt("<a@y.example>") and milter.rcpt("<b@y.example>")
        assert seen(milter.rcpt("<c@y.example>")) == (450, "4.7.1", "Rate limit 2/5m")
        assert milter.message()
        assert milter.mail("<>")
        assert milter.rcpt("<a@y.example>")
        assert seen(milter.rcpt("<a@y.example>")) == (450, "4.7.1", "Rate limit 1/5m")
        assert milter.message()
        assert milter.mail("<other@x.example>")
        assert milter.rcpt("<a@y.example>")
        assert seen(milter.rcpt("<d@y.example>")) == (450, "4.7.1", "Rate limit 4/5m")
        assert milter.message()
    with connected(daemon, "198.51.100.7") as milter:
        assert milter.mail("<other@x.example>")
        assert seen(milter.rcpt("<a@y.example>")) == (450, "4.7.1", "Rate limit 3/5m")
        assert milter.rcpt("<e@y.example>")
    daemon.wait_record(rule="[limit rate_rcpt_host] example.net")


def test_the_recipients_of_a_connection_are_limited(box):
    daemon = daemon_with(box, {"recipients": {"max": "3", "max_relaying": "5"}})
    for login, most in (("", 3), ("bob", 5)):
        with connected(daemon) as milter:
            for _ in range(2):  # across its messages
                assert milter.mail("<a@x.example>", auth_authen=login)
                answers = [milter.rcpt(f"<{i}@y.example>") for i in range(4)]
                milter.abort()
            answer = answers[-1]
            assert (answer.code, answer.enhanced) == (452, "4.5.3")
            assert answer.text == f"Too many recipients: at most {most} in a connection"


def test_exempt_clients_are_not_limited(box):
    daemon = daemon_with(box, {"rate_conn": {"default": "1/1h"}, "rate_rcpt": {"default": "1/1h"}},
                         limit={"exempt": "192.0.2.0/24", "exempt_logins": "bob",
                                "exempt_senders": "@lists.example"})
    for _ in range(3):
        with connected(daemon) as milter:
            assert milter.mail("<a@x.example>") and milter.rcpt("<b@y.example>")
        with connected(daemon, "198.51.100.7") as milter:
            assert milter.mail("<a@x.example>", auth_authen="bob") and milter.rcpt("<b@y.example>")
            milter.abort()
            assert milter.mail("<n@lists.example>") and milter.rcpt("<b@y.example>")


def test_warn_lets_pass_and_logs_it(box):
    daemon = daemon_with(box, {"rate_conn": {"default": "1/1h"}}, check={"rates": "warn"})
    for _ in range(2):
        with connected(daemon) as milter:
            assert milter.mail("<a@x.example>")
    record = daemon.wait_record(verdict="would-reject")
    assert record["rule"] == "[limit rate_conn] default"


@pytest.mark.threads
def test_a_reload_brings_other_limits(box):
    daemon = daemon_with(box, {"rate_rcpt": {"default": "100/1h"}})
    daemon.configure({"limit rate_rcpt": {"default": "1/1h"}})
    daemon.ctl("reload")
    with connected(daemon) as milter:
        assert milter.mail("<a@x.example>") and milter.rcpt("<b@y.example>")
        assert not milter.rcpt("<b@y.example>")


@pytest.mark.parametrize("section, keys, why", [
    ("limit rate_con", {"default": "5"}, "unknown section [limit rate_con]; the sections are [limit rate_conn]"),
    ("limit rate_conn", {"default": "5/x"}, '"5/x" is not a limit'),
    ("limit concurrency", {"max": "5/1m"}, '"5/1m" is not a number'),
])
def test_a_fault_in_the_file_is_reported(box, section, keys, why):
    daemon = box.postern(start=False, config={section: keys}, store=STORE)
    daemon.create()
    status, said = daemon.check_config()
    assert status == 78 and why in said


REPLIES = {
    # One after the other, and at once: sections, the number of connections that are accepted, code and text for others.
    "rate_conn": ({"default": "2/1m"}, 2, (450, "4.7.1", "Connection rate limit 2/1m")),
    "concurrency": ({"max": "2"}, 2, (450, "4.7.1", "Too many connections at once: at most 2")),
    # Recipients.
    "rate_rcpt_host": ({"example.net": "2/5m"}, 2, (450, "4.7.1", "Rate limit 2/5m")),
    "rate_rcpt_sender": ({"a@x.example": "2/5m"}, 2, (450, "4.7.1", "Rate limit 2/5m")),
    "rate_rcpt": ({"b@y.example": "2/5m"}, 2, (450, "4.7.1", "Rate limit 2/5m")),
    "recipients": ({"max": "2"}, 2, (452, "4.5.3", "Too many recipients: at most 2 in a connection")),
}


@pytest.mark.parametrize("name", REPLIES)
def test_the_mta_passes_the_reply_to_its_client(box, mta_kind, name):
    keys, accepted, refusal = REPLIES[name]
    daemon, mta = box.front(mta_kind, store=STORE, config={"limit": {"exempt": "127.0.0.0/8"}, f"limit {name}": keys})
    replies, sessions = [], []
    for _ in range(accepted + 1):
        if not sessions or name in ("rate_conn", "concurrency"):
            sessions.append(mta.client(name="mx.example.net"))
            replies.append(sessions[-1].mail("<a@x.example>"))
        if len(sessions) == 1:
            reply = sessions[0].rcpt("<b@y.example>")
            if name not in ("rate_conn", "concurrency"):
                replies.append(reply)
    for smtp in sessions:
        smtp.close()
    assert [bool(reply) for reply in replies][-accepted - 1:] == [True] * accepted + [False], replies
    code, enhanced, words = seen_by_client(replies[-1])
    assert (code, enhanced, words.split(" reached")[0]) == refusal
    daemon.wait_record(check="rates", verdict="tempfail")


def test_the_null_sender_and_exempt_clients_through_the_mta(box, mta_kind):
    _, mta = box.front(mta_kind, store=STORE, config={
        "limit": {"exempt": "198.51.100.0/24", "exempt_logins": "bob", "exempt_senders": "@lists.example"},
        "limit rate_rcpt_null": {"default": "1/1h"}, "limit rate_rcpt": {"default": "1/1h"}})
    # Each message is given up, which gives its recipients back.
    for client, sender, most in (({}, "<>", 1), ({}, "<a@x.example>", 1), ({}, "<n@lists.example>", 3),
                                 ({"addr": "198.51.100.7"}, "<a@x.example>", 3), ({"login": "bob"}, "<a@x.example>", 3)):
        with mta.client(**client) as smtp:
            assert smtp.mail(sender)
            assert [bool(smtp.rcpt("<b@y.example>")) for _ in range(3)].count(True) == most, (client, sender)


@pytest.mark.threads
def test_connections_of_all_that_share_a_key_are_counted_together(box):
    daemon = box.postern(config={"limit concurrency": {"192.0.2": "2", "2001:db8::1": "1", "example.net": "1"}})
    held = []

    def comes(ip, name=None):
        milter = daemon.milter()
        held.append(milter)
        milter.connect(name or f"[{ip}]", ip)
        milter.helo("x")
        return bool(milter.mail("<a@b.example>"))

    try:
        assert [comes(f"192.0.2.{i}") for i in (1, 2, 3)] == [True, True, False]
        # Neighbours in its /64 without a key, and the one that has a key.
        assert [comes(f"2001:db8::{i}") for i in ("a", "b", "1", "1")] == [True, True, True, False]
        assert [comes("198.51.100.1", "a.example.net"), comes("198.51.100.2", "b.example.net")] == [True, False]
        for milter in held[:3]:
            milter.close()
        wait_until(lambda: comes("192.0.2.9"), "there is room again")
    finally:
        for milter in held:
            milter.close()


def test_exempt_clients_use_up_no_shared_connections(box):
    daemon = box.postern(config={"limit": {"exempt": "192.0.2.5"}, "limit concurrency": {"192.0.2": "2"}})
    held = [daemon.milter() for _ in range(5)]
    try:
        for milter in held[:3]:
            milter.connect("[192.0.2.5]", "192.0.2.5")
            assert milter.mail("<a@b.example>")
        for milter, free in ((held[3], True), (held[4], True)):
            milter.connect("[192.0.2.6]", "192.0.2.6")
            assert bool(milter.mail("<a@b.example>")) == free
    finally:
        for milter in held:
            milter.close()


def test_connections_counted_under_a_key_are_not_limited_by_another(box):
    daemon = box.postern(config={"limit concurrency": {"192.0.2": "9", "default": "2"}})
    held = [daemon.milter() for _ in range(4)]
    try:
        for number, milter in enumerate(held):
            milter.connect(f"[192.0.2.{number}]", f"192.0.2.{number}")
            assert milter.mail("<a@b.example>")
            milter.abort()
        daemon.configure({"limit concurrency": {"192.0.2": None}})
        daemon.ctl("reload")
        for milter in held:
            assert milter.mail("<a@b.example>")
    finally:
        for milter in held:
            milter.close()


@pytest.mark.threads
def test_made_up_addresses_are_held_to_one_limit_for_their_network(box):
    """Memory and files are bounded; others and logins keep their own counts, also over a restart."""
    daemon = daemon_with(box, {"rate_rcpt": {"default": "4/1h"}}, limits={"max_keys": "1000"})
    number = 0

    def flood(messages):
        nonlocal number
        accepted = 0
        with connected(daemon) as milter:
            for _ in range(messages):
                assert milter.mail("<a@x.example>")
                here = 0
                for _ in range(100):
                    number += 1
                    here += bool(milter.rcpt(f"<made{number}@y.example>"))
                assert milter.message() if here else milter.abort() is None
                accepted += here
        return accepted

    flood(40)
    assert flood(10) == 0
    ledger = daemon.ctl("status")["ledger"]
    assert ledger["full"] and ledger["keys"] < 1000
    overflow = daemon.ctl("limits", "rate_rcpt:overflow 192.0.2.0/24")["keys"][0]
    assert overflow["windows"][0]["used"] >= 4 and overflow["in_force"] is True
    # The log, explain and a look at a key tell with whom it is counted.
    together = "together with others of 192.0.2.0/24"
    assert together in daemon.wait_record(stage="rcpt", verdict="tempfail")["rule"]
    explained = daemon.ctl("explain", "--running", "--ip", "192.0.2.1", "--mail", "<a@x.example>", "--rcpt",
                           "<new@y.example>", parse=False, check=False)
    assert together in explained, explained
    (key,) = daemon.ctl("limits", "rate_rcpt:new@y.example")["keys"]
    assert key["shared"] == "its client"
    assert "not counted by itself, since the ledger is full" in daemon.ctl("limits", "rate_rcpt:new@y.example", parse=False)
    assert overflow["shared"] is None
    daemon.stop()
    daemon.start()
    flood(40)  # the ledger is spread anew
    assert flood(10) == 0
    assert daemon.ctl("status")["ledger"]["keys"] < 1300
    with connected(daemon, "198.51.100.7") as milter:
        assert milter.mail("<a@x.example>")
        for _ in range(4):
            assert milter.rcpt("<b@z.example>")
        assert seen(milter.rcpt("<b@z.example>")) == (450, "4.7.1", "Rate limit 4/1h")
    status = daemon.ctl("status", parse=False)
    assert "the counts of rate limits are full" in status
    assert len(daemon.ctl("limits", "top", "1000")["keys"]) == daemon.ctl("status")["ledger"]["keys"] > 300
    assert daemon.ctl("limits", overflow["key"], "reset", parse=False) == "the count was reset\n"
