"""posternctl limits: shows and resets counts, and lists the entries nearest to their limits."""

import subprocess

import pytest

from harness.postern import POSTERNCTL
from harness.wait import wait_until
from test_limits import begin, daemon_with, sent, store


def use(daemon, count, login="bob"):
    with begin(daemon) as milter:
        sender = "<bob@own.example>" if login == "bob" else f"<{login}@own.example>"
        assert milter.mail(sender, auth_authen=login)
        for number in range(count):
            assert milter.rcpt(f"<{number}@x.example>")
        assert milter.message([("From", sender)])


def windows(daemon, *args):
    (key,) = daemon.ctl("limits", *args)["keys"]
    return key["key"], {window["limit"]: window for window in key["windows"]}


def refused(daemon, *args):
    """The message of posternctl limits, which must fail."""
    done = subprocess.run([POSTERNCTL, "-c", daemon.conf, "limits", *args], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not done.stdout, done
    return done.stderr


def test_counts_are_shown_and_reset(box):
    daemon = daemon_with(box, "3/5m,500/1d")
    wait_until(lambda: windows(daemon, "Bob")[1], "there is a policy")
    key, found = windows(daemon, "Bob")
    assert key == "login:bob" and found["500/1d"]["used"] == 0 and found["500/1d"]["left"] == 500
    use(daemon, 3)
    for name in ("bob", "login:bob"):
        key, found = windows(daemon, name)
        assert key == "login:bob"
        assert (found["3/5m"]["used"], found["3/5m"]["left"]) == (3, 0)
        assert 290 <= found["3/5m"]["wait"] <= 301 and found["3/5m"]["next"]
        assert (found["500/1d"]["used"], found["500/1d"]["left"], found["500/1d"]["wait"]) == (3, 497, 0)
    text = daemon.ctl("limits", "bob", parse=False)
    assert "login:bob" in text and "used 3, left 0, next in " in text
    assert daemon.ctl("limits", "bob", "reset")["reset"]
    assert "nothing is counted under login:bob" in refused(daemon, "bob", "reset")
    daemon.wait_log("limits-reset=login:bob")
    use(daemon, 3)
    daemon.ctl("limits", "bob", "reset")
    daemon.kill()
    daemon.start()
    assert windows(daemon, "bob")[1]["3/5m"]["used"] == 0


def test_entries_nearest_to_their_limits_are_listed_first(box):
    daemon = daemon_with(box, "10/1d", **{"limit rate_rcpt_host": {"default": "100/1d"}})
    use(daemon, 4, "bob")
    use(daemon, 7, "eve")
    answer = daemon.ctl("limits")
    assert [key["key"] for key in answer["keys"]] == ["login:eve", "login:bob", "rate_rcpt_host:192.0.2.1"]
    assert answer["count"] == 3 and answer["bytes"] > 0 and answer["unsaved"] == 0
    assert [key["key"] for key in daemon.ctl("limits", "top", 1)["keys"]] == ["login:eve"]
    key, found = windows(daemon, "rate_rcpt_host:192.0.2.1")
    assert found["100/1d"]["used"] == 11


def test_open_and_unsent_messages_are_shown(box):
    daemon = daemon_with(box, "4/1h", limits={"attempts": "1"})
    with begin(daemon) as milter, begin(daemon) as other:
        assert milter.mail("<bob@own.example>", auth_authen="bob")
        assert other.mail("<bob@own.example>", auth_authen="bob")
        assert milter.rcpt("<a@x.example>") and milter.rcpt("<b@x.example>")
        assert other.rcpt("<a@x.example>")
        text = daemon.ctl("limits", "bob", parse=False)
        assert "used 3, left 1, 3 of them reserved\n" in text
        milter.abort()
        assert sent(other)
        text = daemon.ctl("limits", "bob", parse=False)
        assert "used 1, left 3, 2 of 4 attempts\n" in text
        assert milter.mail("<bob@own.example>", auth_authen="bob")
        assert milter.rcpt("<a@x.example>") and milter.rcpt("<b@x.example>")
        assert milter.rcpt("<a@x.example>").code == 450
        milter.abort()
        wait_until(lambda: windows(daemon, "bob")[1]["4/1h"]["attempts"] == 4, "they are given back")
        text = daemon.ctl("limits", "bob", parse=False)
        assert "used 1, left 3, but no attempts left (4 of 4), next in 1h\n" in text
        assert milter.mail("<bob@own.example>", auth_authen="bob") and milter.rcpt("<a@x.example>").code == 450


def test_wrong_usage_is_refused(box):
    daemon = daemon_with(box, "10/1d")
    for args in (["bob", "forget"], ["top", "x"], ["top", "0"], ["a", "reset", "b"]):
        done = subprocess.run([POSTERNCTL, "-c", daemon.conf, "limits", *args], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 64 and "usage: " in done.stderr
    assert daemon.ctl("limits", parse=False) == "no limit has counted anything\n"


RATES = {
    "limit rate_conn": {"192.0.2": "5/1h", "mail.example.net": "6/1h", "2001:db8:1::/48": "7/1h"},
    "limit rate_rcpt_host": {"default": "100/1h"},
    "limit rate_rcpt_sender": {"own.example": "50/1h"},
    "limit rate_rcpt": {"default": "60/1h"},
    "profile": {"default_domain": "own.example"},
}

# A key as a person may write it, and the key that the checks charge.
SPELLINGS = [
    ("rate_conn:192.0.2.1", "rate_conn:192.0.2.0/24"),
    ("rate_conn:192.0.2.0/24", "rate_conn:192.0.2.0/24"),
    ("rate_conn:192.0.2", "rate_conn:192.0.2.0/24"),
    ("rate_conn:::ffff:192.0.2.9", "rate_conn:192.0.2.0/24"),
    ("rate_rcpt_host:192.0.2.1", "rate_rcpt_host:192.0.2.1"),
    ("rate_rcpt_sender/login:bob@own.example", "rate_rcpt_sender/login:own.example"),
    ("rate_rcpt_sender/login:<Anybody@OWN.example>", "rate_rcpt_sender/login:own.example"),
    ("rate_rcpt_sender/login:own.example", "rate_rcpt_sender/login:own.example"),
    ("rate_rcpt:0@X.example", "rate_rcpt:0@x.example"),
    ("bob", "login:bob"),
    ("BOB@own.EXAMPLE", "login:bob"),
    ("login:Bob", "login:bob"),
    ("login:bob@Own.example", "login:bob"),
]


def test_keys_are_found_as_the_checks_find_them(box):
    daemon = daemon_with(box, "10/1d", **RATES)
    use(daemon, 2)
    shown = {key["key"] for key in daemon.ctl("limits")["keys"]}
    for text, key in SPELLINGS:
        found, limits = windows(daemon, text)
        assert found == key and key in shown, text
        assert [window["used"] for window in limits.values()] in ([1], [2]), text
    assert [key["key"] for key in daemon.ctl("limits", "rate_rcpt_sender:bob@own.example")["keys"]] == [
        "rate_rcpt_sender:own.example", "rate_rcpt_sender/login:own.example"]
    for text, key in SPELLINGS:
        with_counts = subprocess.run([POSTERNCTL, "-c", daemon.conf, "limits", text, "reset"], check=False,
                                     capture_output=True, text=True)
        assert with_counts.returncode == (0 if key in shown else 1), with_counts
        shown.discard(key)
    assert "rate_rcpt:1@x.example" in shown and len(shown) == 1
    for text in ("rate_conn:198.51.100.1", "rate_conn:192.0.0.0/16", "rate_conn:x.example", "rate_rcpt_null:a@b.example",
                 "rate_rcpt_sender:a@b.example", "concurrency:192.0.2.1", "nobody", "login:", "rate_conn:", "bob ", "x" * 3000):
        assert "no limit with a window applies" in refused(daemon, text)
        assert "nothing was reset" in refused(daemon, text, "reset")
    for text, section in (("rate_con:192.0.2.1", "rate_conn"), ("rate_rcpts:a@b.example", "rate_rcpt")):
        for reset in ((), ("reset",)):
            assert f'no rate limit; did you mean "{section}"?' in refused(daemon, text, *reset)


@pytest.mark.parametrize("local, shown", [
    (b"a\xff\x9b", r"a\xff\x9b"), ("a\u202e\u009b".encode(), r"a\u202e\u009b"), (b'"a\\x41"', r"ax41")])
def test_a_key_is_found_as_it_is_shown(box, local, shown):
    daemon = daemon_with(box, "10/1d", **{"limit rate_rcpt_sender": {"default": "9/1h"}})
    with begin(daemon) as milter:
        assert milter.mail(b"<" + local + b"@b.example>")
        assert milter.rcpt("<x@x.example>")
        assert milter.message([("From", "a@b.example")])
    key = f"rate_rcpt_sender:{shown}@b.example"
    assert f"\n{key}\n" in daemon.ctl("limits", parse=False)
    assert windows(daemon, key)[1]["9/1h"]["used"] == 1
    assert daemon.ctl("limits", key, "reset")["reset"]
    assert "nothing was reset" in refused(daemon, key, "reset")


def test_an_address_without_a_domain_is_found_at_the_names_of_the_mtas(box):
    daemon = daemon_with(box, "10/1d", **{"limit rate_rcpt": {"default": "9/1h"}})
    assert "used 0" in daemon.ctl("limits", "rate_rcpt:bob", parse=False)
    for name in ("MX.own.example", "mx2.own.example"):
        with daemon.milter() as milter:
            milter.connect("home.example", "192.0.2.1", j=name)
            milter.helo("home.example")
            assert milter.mail("<a@b.example>")
            assert milter.rcpt("<bob+x@localhost>") and milter.rcpt("<bob>")
            assert sent(milter, "a@b.example")
    for text in ("rate_rcpt:bob", "rate_rcpt:Bob@localhost"):
        found = daemon.ctl("limits", text)["keys"]
        assert [(key["key"], key["windows"][0]["used"]) for key in found if key["in_force"]] == [
            ("rate_rcpt:bob@mx.own.example", 2), ("rate_rcpt:bob@mx2.own.example", 2)], text
    assert windows(daemon, "rate_rcpt:bob@mx.own.example")[1]["9/1h"]["used"] == 2
    assert daemon.ctl("limits", "rate_rcpt:bob", "reset")["reset"]
    assert "nothing was reset" in refused(daemon, "rate_rcpt:bob", "reset")


def test_explain_asks_the_daemon_as_its_mta_does(box):
    daemon = box.postern(config={"lists": {"local_domains": ""}, "limit": {"exempt": ""}, "limit rate_rcpt": {"default": "1/1h"}},
                         lists={"rcpt_to.access.blacklist": "all@own.example\n"})

    def explained(rcpt, *options):
        return daemon.ctl("explain", "--running", "--mail", "a@b.example", "--rcpt", rcpt, *options)["steps"][-1]["verdict"]

    def connect(name):
        milter = daemon.milter()
        milter.connect("home.example", "192.0.2.1", j=name)
        return milter

    with connect("MX.own.example") as milter:
        milter.helo("home.example")
        assert milter.mail("<a@b.example>")
        assert not milter.rcpt("<all@mx.own.example>")
        assert milter.rcpt("<bob>")
        assert sent(milter, "a@b.example")
    assert explained("all@mx.own.example") == "reject"
    assert explained("bob") == "tempfail"
    with connect("mx2.own.example"):  # of two MTAs, any may be meant
        assert explained("all@mx.own.example") == explained("bob") == "accept"
        assert explained("all@mx.own.example", "--mta", "mx.own.example") == "reject"
        assert explained("bob", "--mta", "mx.own.example") == "tempfail"


def test_the_limit_in_force_is_shown(box):
    daemon = daemon_with(box, "10/1d", **RATES)
    use(daemon, 2)
    daemon.configure({"limit rate_conn": {"192.0.2": "3/2h"}, "limit rate_rcpt_host": {"default": "0"}})
    daemon.write_store(store("20/1d,7/1h"))
    daemon.ctl("reload")
    assert set(windows(daemon, "bob")[1]) == {"20/1d", "7/1h"}
    found = windows(daemon, "rate_conn:192.0.2.1")[1]
    assert list(found) == ["3/2h"] and found["3/2h"]["used"] == 1
    (key,) = daemon.ctl("limits", "rate_rcpt_host:192.0.2.1")["keys"]
    assert key["in_force"] is False and [window["limit"] for window in key["windows"]] == ["100/1h"]
    assert "no limit applies to this key now" in daemon.ctl("limits", "rate_rcpt_host:192.0.2.1", parse=False)
    keys = {key["key"]: key for key in daemon.ctl("limits")["keys"]}
    assert [window["limit"] for window in keys["login:bob"]["windows"]] == ["20/1d", "7/1h"]
    assert [window["limit"] for window in keys["rate_conn:192.0.2.0/24"]["windows"]] == ["3/2h"]
    assert not keys["rate_rcpt_host:192.0.2.1"]["in_force"]
    # A network that was an entry keeps its counts under its name, and a client now counts alone.
    daemon.configure({"limit rate_conn": {"192.0.2": None, "default": "3/2h"}})
    daemon.ctl("reload")
    assert windows(daemon, "rate_conn:192.0.2.1")[0] == "rate_conn:192.0.2.1"
    assert daemon.ctl("limits", "rate_conn:192.0.2.0/24", "reset")["reset"]
    assert "nothing was reset" in refused(daemon, "rate_conn:192.0.2.0/24", "reset")
