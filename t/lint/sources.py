#!/usr/bin/env python3
"""Check each source's opening comment, and that a test covers the source.

A C source begins with a comment of at least two lines that explains its purpose, what it owns and on which thread
it runs; that of a test explains what the test shows. A source of the rooms in TESTED has a unit test of the same
name, or its opening comment gives the test that covers it: t/unit/test_NAME.c or t/integration/test_NAME.py.

Usage: t/lint/sources.py [ROOT]
Prints one line, file:line: reason, for each source that breaks a rule; exits with 1 if one does.
"""

import pathlib
import re
import sys

import command

TOPS = ("lib", "milter", "ctl", "t")
TESTED = ("milter/auth", "milter/cache", "milter/control", "milter/ledger", "milter/pg", "milter/smtp", "ctl", "lib")

OPENING = re.compile(r"\A/\*(.*?)\*/", re.S)
LINES_MIN = 2
WORDS_MIN = 8
TEST = re.compile(r"\bt/(?:unit/test_\w+\.c|integration/test_\w+\.py)\b")


def opening_of(text):
    """The text of each line of the opening comment; empty if the source has none."""
    opening = OPENING.match(text)
    lines = [line.strip(" \t*") for line in opening.group(1).split("\n")] if opening else []
    return [line for line in lines if line]


def check_opening(opening):
    if not opening:
        return "does not begin with a comment that explains its purpose"
    if len(opening) < LINES_MIN or len(" ".join(opening).split()) < WORDS_MIN:
        return f"its opening comment is too short: it needs {LINES_MIN} lines and {WORDS_MIN} words"
    return None


def check_tested(root, path, opening):
    if not any(path.startswith(room + "/") for room in TESTED):
        return None
    if (root / f"t/unit/test_{pathlib.Path(path).stem}.c").is_file():
        return None
    named = TEST.findall(" ".join(opening))
    if not named:
        return "has no t/unit/test_NAME.c, and its opening comment does not give the test that covers it"
    for test in named:
        if not (root / test).is_file():
            return f"its opening comment gives {test}, which does not exist"
    return None


def check_tree(root):
    """One line for each source under root that breaks a rule."""
    lines = []
    for top in TOPS:
        for source in sorted((root / top).rglob("*.c")):
            path = source.relative_to(root).as_posix()
            opening = opening_of(source.read_text(encoding="utf-8"))
            for reason in (check_opening(opening), check_tested(root, path, opening)):
                if reason:
                    lines.append(f"{path}:1: {reason}")
    return lines


if __name__ == "__main__":
    sys.exit(command.run(check_tree, sys.argv[1:]))
