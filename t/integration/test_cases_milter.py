"""A sample of 200 recorded decisions is reproduced through the milter socket."""

import configparser
import sys
from pathlib import Path

import pytest

from harness.milter_client import play

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cases"))

import cases  # noqa: E402

pytestmark = pytest.mark.threads

SAMPLE = 200


def is_playable(rule_set, case):
    """A milter never sees a refused login, and "unknown" is an MTA's word for a client without a name."""
    steps = cases.expected(rule_set)[case["id"]]["steps"]
    return ((case.get("rdns") or "").lower() != "unknown" and
            all(verdict == "accept" for step, verdict, *_ in steps if step == "auth"))


def sample():
    """Every n-th case of all rule sets together, so that each set is represented."""
    every = [(rule_set, case) for rule_set in cases.RULE_SETS
             for case in cases.sessions(rule_set).values()
             if is_playable(rule_set, case) and case["id"] not in cases.disputed()]
    return [every[i * len(every) // SAMPLE] for i in range(SAMPLE)]


def settings_of(rule_set):
    """The rule set's own [check], [rcpt], [deny_msg], [profile] and delay_reject."""
    parser = configparser.RawConfigParser(inline_comment_prefixes=None, strict=True)
    parser.read(cases.FOLDER / rule_set / "postern.conf", encoding="utf-8")
    config = {section: dict(parser[section]) for section in ("check", "rcpt", "deny_msg", "profile")
              if section in parser}
    config["milter"] = {"delay_reject": parser["milter"]["delay_reject"]}
    return config


@pytest.fixture(scope="module")
def daemons(shared_box):
    """One daemon for each rule set, started when it is first needed."""
    running = {}

    def get(rule_set):
        if rule_set not in running:
            folder = cases.FOLDER / rule_set
            lists = {path.name: path.read_text(encoding="utf-8")
                     for path in (folder / "lists").glob("*")}
            running[rule_set] = shared_box.postern(
                config=settings_of(rule_set), lists=lists,
                store=(folder / "store.json").read_text(encoding="utf-8"))
        return running[rule_set]

    return get


def comparable(steps, verdict_only):
    """
    The steps without the parts that a milter cannot show: the auth step, which belongs to the MTA; the text of a
    refused connect, where no reply can be set; and every text that the case does not prescribe.
    """
    shown = []
    for step, verdict, *text in steps:
        if step == "auth":
            continue
        text = text[0] if text and text[0] and step != "connect" and not verdict_only else ""
        shown.append((step, verdict, text))
    return shown


# The cases of a rule set run in one process, with one daemon.
@pytest.mark.parametrize("rule_set, case", [
    pytest.param(*one, id=one[1]["id"], marks=pytest.mark.xdist_group(one[0])) for one in sample()])
def test_the_milter_decides_as_expected(daemons, rule_set, case):
    want = cases.expected(rule_set)[case["id"]]
    login = case["auth"]["user"] if case.get("auth") else None
    with daemons(rule_set).milter() as milter:
        steps = play(milter, case, login=login)
    verdict_only = want.get("compare") == "verdict"
    assert comparable(steps, verdict_only) == comparable(want["steps"], verdict_only)
