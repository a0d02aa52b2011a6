"""
Reads the recorded decisions beside this file (FORMAT.md describes them) and compares answers with the expected
ones. Every test that plays them uses this module.
"""

import functools
import json
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
RULE_SETS = sorted(path.parent.name for path in FOLDER.glob("*/sessions.jsonl"))
DISPUTED = re.compile(r"^- `?(\w+)`?: (.+)$", re.M)


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


@functools.lru_cache(maxsize=None)
def sessions(rule_set):
    """The sessions of a rule set, by id, in their order."""
    return {case["id"]: case for case in read_lines(FOLDER / rule_set / "sessions.jsonl")}


@functools.lru_cache(maxsize=None)
def expected(rule_set):
    """The expected answers, by id, in the same order."""
    return {case["id"]: case for case in read_lines(FOLDER / rule_set / "expected.jsonl")}


def disputed(text=None):
    """{id: why} of the cases that are not to be judged."""
    if text is None:
        text = (FOLDER / "disputed.md").read_text(encoding="utf-8")
    return dict(DISPUTED.findall(text))


def step_text(step, verdict_only):
    """One expected step, ["mail", "reject", "text"], in words."""
    return " ".join(step[:2] if verdict_only else step)


def answer_text(step, verdict_only):
    """One step of an answer, an object, in the same words."""
    words = [step["step"], step["verdict"]]
    if step["verdict"] != "accept" and not verdict_only:
        words.append(step.get("text", ""))
    return " ".join(words)


def difference(want, answer):
    """
    Return None if an answer ({"id", "steps": [...]}) is the expected one, else a line that describes the first
    difference.
    """
    verdict_only = want.get("compare") == "verdict"
    if answer is None:
        return "no answer"
    wanted = [step_text(step, verdict_only) for step in want["steps"]]
    got = [answer_text(step, verdict_only) for step in answer["steps"]]
    for number in range(max(len(wanted), len(got))):
        one = wanted[number] if number < len(wanted) else "the end of the session"
        other = got[number] if number < len(got) else "the end of the session"
        if one != other:
            rule = answer["steps"][number].get("rule", "") if number < len(got) else ""
            return f"step {number + 1}: wanted {one!r}, got {other!r}" + (f" ({rule})" if rule else "")
    return None
