"""posternctl limits: shows and resets counts, and lists the entries nearest to their limits."""

import subprocess

from harness.postern import POSTERNCTL
from harness.wait import wait_until
from test_limits import begin, daemon_with


def use(daemon, count, login="bob"):
    with begin(daemon) as milter:
        sender = "<bob@own.example>" if login == "bob" else f"<{login}@own.example>"
        assert milter.mail(sender, auth_authen=login)
        for number in range(count):
            assert milter.rcpt(f"<{number}@x.example>")


def windows(daemon, *args):
    (key,) = daemon.ctl("limits", *args)["keys"]
    return key["key"], {window["limit"]: window for window in key["windows"]}


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
    assert not daemon.ctl("limits", "bob", "reset")["reset"]
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


def test_wrong_usage_is_refused(box):
    daemon = daemon_with(box, "10/1d")
    for args in (["bob", "forget"], ["top", "x"], ["top", "0"], ["a", "reset", "b"]):
        done = subprocess.run([POSTERNCTL, "-c", daemon.conf, "limits", *args], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 64 and "usage: " in done.stderr
    assert windows(daemon, "nobody")[1] == {}
    assert "nothing used" in daemon.ctl("limits", "nobody", parse=False)
    assert daemon.ctl("limits", parse=False) == "no limit has counted anything\n"
