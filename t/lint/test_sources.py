"""t/lint/sources.py finds sources without an opening comment that explains them, or without a test."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "t/lint/sources.py"

GOOD = "/*\n * Splits a line into words, which the caller owns.\n * Runs on any thread.\n */\nint planted;\n"
COVERED = "/*\n * Splits a line into words: {test}\n * covers it. Runs on any thread.\n */\nint planted;\n"

# A file, its text, and a word of the complaint.
VIOLATIONS = [
    ("lib/base/planted.c", "int planted;\n", "does not begin"),
    ("milter/planted.c", "#include <stdio.h>\n\n" + GOOD, "does not begin"),
    ("t/unit/planted.c", "// Splits a line into words,\n// which the caller owns.\nint planted;\n", "does not begin"),
    ("t/bench/planted.c", "/* Splits a line into words, which the caller owns; any thread. */\n", "is too short"),
    ("ctl/planted.c", "/*\n * Splits.\n * Any thread.\n */\n", "is too short"),
    ("milter/auth/planted.c", GOOD, "does not give the test"),
    ("lib/base/planted.c", GOOD, "does not give the test"),
    ("ctl/planted.c", COVERED.format(test="t/integration/test_absent.py"), "does not exist"),
    ("milter/pg/planted.c", COVERED.format(test="t/unit/test_absent.c"), "does not exist"),
]

ALLOWED = [
    ("milter/auth/covered.c", GOOD),  # by t/unit/test_covered.c
    ("milter/auth/planted.c", COVERED.format(test="t/integration/test_all.py")),
    ("lib/base/planted.c", COVERED.format(test="t/unit/test_covered.c")),
    ("milter/planted.c", GOOD),
    ("t/unit/planted.c", GOOD),
]


def run(root):
    return subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, check=False)


@pytest.fixture(name="tree")
def fixture_tree(tmp_path):
    """A tree with two tests that an opening comment may give."""
    for path in ("t/unit/test_covered.c", "t/integration/test_all.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(GOOD)
    return tmp_path


def plant(tree, path, text):
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)
    return run(tree)


def test_this_tree_keeps_the_rules():
    result = run(ROOT)
    assert result.stdout == ""
    assert result.returncode == 0


@pytest.mark.parametrize("path, text, complaint", VIOLATIONS)
def test_a_planted_violation_is_found(tree, path, text, complaint):
    result = plant(tree, path, text)
    assert result.returncode == 1
    assert any(line.startswith(f"{path}:1: ") and complaint in line for line in result.stdout.splitlines())


@pytest.mark.parametrize("path, text", ALLOWED)
def test_what_is_allowed_passes(tree, path, text):
    result = plant(tree, path, text)
    assert (result.returncode, result.stdout) == (0, "")
