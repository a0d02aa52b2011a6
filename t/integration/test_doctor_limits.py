"""posternctl doctor finds limits that count something else than was probably meant."""

import pytest

from harness.doctor import STORE, examine, good_set_up, paste


@pytest.fixture(scope="module", name="good")
def fixture_good(shared_box):
    return good_set_up(shared_box)[0]


@pytest.fixture(autouse=True)
def fixture_restore(good):
    yield
    good.config.pop("limit recipients", None)
    good.configure({"limits": {"count": None}})


def store_with(daemon, limits):
    daemon.write_store({"profiles": [{**STORE["profiles"][0], "limits": limits}], "users": STORE["users"]})


@pytest.mark.parametrize("limits", ["3/1h", "100/1h,9/1m"])
def test_a_limit_that_a_usual_message_exceeds_is_found(good, limits):
    store_with(good, limits)
    finding = examine(good, "limits").the("counts recipients, not messages", "advice")
    assert "count = messages" in finding["cure"]
    good.configure({"limits": {"count": "messages"}, "limit recipients": {"max_relaying": "100"}})
    assert examine(good, "limits").is_clean()


def test_limits_of_usual_size_raise_no_alarm(good):
    store_with(good, "100/1h,500/1d")
    assert examine(good, "limits").is_clean()


@pytest.mark.parametrize("recipients", [None, {"max_relaying": "0"}])
def test_messages_with_unbounded_recipients_are_found(good, recipients):
    good.configure({"limits": {"count": "messages"}, **({"limit recipients": recipients} if recipients else {})})
    finding = examine(good, "limits").the("nothing bounds the recipients of a message", "advice")
    paste(finding)
    assert examine(good, "limits").is_clean()


def say_mail(daemon, **macros):
    with daemon.milter() as milter:
        milter.connect("webmail.example.com", "127.0.0.1")
        milter.mail("<bob@example.com>", **macros)


@pytest.mark.parametrize("exempt", [None, "192.0.2.0/24 127.0.0.1"])
def test_a_webmail_that_no_limit_binds_is_found(box, exempt):
    daemon = box.postern(store=STORE, config={"limit": {"exempt": exempt}, "limit rate_rcpt_sender": {"default": "100/1h"}})
    say_mail(daemon)
    assert examine(daemon, "limits").is_clean(), "nobody has logged in"
    say_mail(daemon, auth_authen="bob", auth_type="PLAIN")
    finding = examine(daemon, "limits").the("users log in from these addresses", "no-effect")
    assert "rate_rcpt_sender" in finding["effect"]
    daemon.configure({"limit": {"exempt": "192.0.2.0/24"}})
    daemon.ctl("reload")
    say_mail(daemon, auth_authen="bob", auth_type="PLAIN")
    assert examine(daemon, "limits").is_clean()
