"""Each recorded decision is reproduced by `posternctl explain --jsonl` (see FORMAT.md)."""

import functools
import json
import os
import subprocess
from pathlib import Path

import cases
import pytest

ROOT = Path(__file__).resolve().parents[2]
POSTERNCTL = ROOT / os.environ.get("POSTERN_BUILD", "build") / "posternctl"
UNPREPARED = 100  # the lines that explain answers before it prepares the regexes
SESSION_KEYS = {"id", "ip", "rdns", "helo", "auth", "mail", "rcpts", "from"}


def ask(rule_set, sessions):
    """Run posternctl over lines of sessions."""
    command = [POSTERNCTL, "explain", "-c", cases.FOLDER / rule_set / "postern.conf", "--jsonl"]
    return subprocess.run(command, input=sessions, capture_output=True, timeout=600, check=False)


@functools.lru_cache(maxsize=None)
def explain(rule_set):
    """(answers by id in their order, what went wrong or None) of one run over a rule set's sessions."""
    try:
        run = ask(rule_set, (cases.FOLDER / rule_set / "sessions.jsonl").read_bytes())
    except (OSError, subprocess.TimeoutExpired) as error:
        return {}, str(error)
    wrong = None
    if run.returncode != 0:
        wrong = f"exit status {run.returncode}: {run.stderr.decode(errors='replace').strip()}"
    return {answer["id"]: answer for answer in map(json.loads, run.stdout.splitlines())}, wrong


@pytest.mark.parametrize("rule_set", cases.RULE_SETS)
def test_explain_answers_each_session_in_order(rule_set):
    answers, wrong = explain(rule_set)
    assert wrong is None
    assert list(answers) == list(cases.sessions(rule_set)) == list(cases.expected(rule_set))


@pytest.mark.parametrize("rule_set", cases.RULE_SETS)
def test_prepared_regexes_change_no_answer(rule_set):
    lines = (cases.FOLDER / rule_set / "sessions.jsonl").read_bytes().splitlines(keepends=True)
    prepared = ask(rule_set, b"".join(lines[-UNPREPARED:] + lines)).stdout.splitlines()[UNPREPARED:]
    unprepared = []
    for i in range(0, len(lines), UNPREPARED):
        unprepared += ask(rule_set, b"".join(lines[i:i + UNPREPARED])).stdout.splitlines()
    assert len(prepared) == len(lines)
    assert prepared == unprepared


CASES = [pytest.param(rule_set, name, id=name)
         for rule_set in cases.RULE_SETS for name in cases.expected(rule_set) if name not in cases.disputed()]
DISPUTED = [pytest.param(rule_set, name, id=name)
            for rule_set in cases.RULE_SETS for name in cases.expected(rule_set) if name in cases.disputed()]


@pytest.mark.parametrize("rule_set, name", CASES)
def test_a_case_is_decided_as_expected(rule_set, name):
    answers, wrong = explain(rule_set)
    difference = cases.difference(cases.expected(rule_set)[name], answers.get(name))
    if difference is not None:
        if wrong is not None and name not in answers:
            difference = wrong
        session = json.dumps(cases.sessions(rule_set)[name], ensure_ascii=True)
        pytest.fail(f"{rule_set} {name}: {difference}\n{session}", pytrace=False)


@pytest.mark.parametrize("rule_set, name", DISPUTED)
def test_a_disputed_case_is_decided_otherwise(rule_set, name):
    assert cases.difference(cases.expected(rule_set)[name], explain(rule_set)[0].get(name)) is not None


def test_refusals_come_with_code_and_rule():
    for rule_set in cases.RULE_SETS:
        for name, answer in explain(rule_set)[0].items():
            for step in answer["steps"]:
                if step["verdict"] == "accept":
                    assert "code" not in step, name
                    continue
                assert step["code"] in (535, 550), name
                assert step["enhanced"] in ("5.7.1", "5.7.8"), name
                assert step["rule"], name


def test_every_rule_set_is_here():
    assert len(cases.RULE_SETS) == 9
    assert sum(len(cases.expected(rule_set)) for rule_set in cases.RULE_SETS) == 5688
    for rule_set in cases.RULE_SETS:
        for session in cases.sessions(rule_set).values():
            assert set(session) <= SESSION_KEYS, session


DIFFERENCES = [
    ([["mail", "accept"]], [("mail", "accept", None)], None, None),
    ([["mail", "reject", "a"]], [("mail", "reject", "a")], None, None),
    ([["mail", "reject", "a"]], [("mail", "reject", "b")], None, "step 1"),
    ([["mail", "reject", "a"]], [("mail", "reject", "b")], "verdict", None),
    ([["mail", "reject", "a"]], [("mail", "tempfail", "a")], "verdict", "tempfail"),
    ([["mail", "reject", "a"]], [("rcpt", "reject", "a")], "verdict", "rcpt"),
    ([["mail", "accept"], ["rcpt", "accept"]], [("mail", "accept", None)], None, "the end"),
    ([["mail", "accept"]], [("mail", "accept", None), ("rcpt", "accept", None)], None, "the end"),
    ([], None, None, "no answer"),
]


@pytest.mark.parametrize("want, got, compare, words", DIFFERENCES)
def test_a_difference_is_seen(want, got, compare, words):
    answer = got and {"steps": [dict(zip(("step", "verdict", "text"), step)) for step in got]}
    difference = cases.difference({"steps": want, "compare": compare}, answer)
    assert (difference is None) if words is None else (words in difference)


def test_disputed_cases_are_known_ids():
    known = {name for rule_set in cases.RULE_SETS for name in cases.expected(rule_set)}
    assert set(cases.disputed()) <= known
    assert cases.disputed("# Disputed\n\n- `as00001`: why not\n- ps00001: other\n\nThere are none.\n") == {
        "as00001": "why not", "ps00001": "other"}
