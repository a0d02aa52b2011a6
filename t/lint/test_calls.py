"""t/lint/calls.py finds files that need each other."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("POSTERN_BUILD", "build")
SCRIPT = ROOT / "t/lint/calls.py"

# Each file of a small tree, and what the script reports about it.
ONE_WAY = {
    "lib/base/low.c": "int low(void); int low(void) { return 1; }",
    "lib/base/high.c": "int low(void); int high(void); int high(void) { return low(); }",
}
CIRCLE_OF_TWO = {
    **ONE_WAY,
    "lib/base/low.c": "int high(void); int low(void); int low(void) { return high(); }",
}
CIRCLE_OF_THREE = {
    "milter/one.c": "int two(void); int one(void); int one(void) { return two(); }",
    "milter/two.c": "int three(void); int two(void); int two(void) { return three(); }",
    "ctl/three.c": "int one(void); int three(void); int three(void) { return one(); }",
}
BY_A_TABLE = {
    "milter/table.c": "extern int (*const table[])(void); int own(void);"
                      "int own(void) { return table[0](); }",
    "milter/row.c": "int own(void); int row(void); int row(void) { return own(); }"
                    "extern int (*const table[])(void); int (*const table[])(void) = { row };",
}


def run(build, cwd):
    return subprocess.run([sys.executable, SCRIPT, build], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(name="judge")
def fixture_judge(tmp_path):
    """Compiles a tree of these files and returns what the script reports."""
    def compile_and_judge(files):
        for path, text in files.items():
            for place, content in ((tmp_path / path, text), (tmp_path / "build" / path, None)):
                place.parent.mkdir(parents=True, exist_ok=True)
                if content is not None:
                    place.write_text(content)
            object_path = (tmp_path / "build" / path).with_suffix(".o")
            subprocess.run(["cc", "-c", "-o", object_path, tmp_path / path], check=True)
        return run("build", tmp_path)
    return compile_and_judge


def test_this_tree_has_no_circle():
    result = run(BUILD, ROOT)
    assert result.stdout == ""
    assert result.returncode == 0


def test_calls_one_way_pass(judge):
    result = judge(ONE_WAY)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("files", [CIRCLE_OF_TWO, CIRCLE_OF_THREE, BY_A_TABLE], ids=["two", "three", "by a table"])
def test_a_circle_is_found(judge, files):
    result = judge(files)
    assert result.returncode == 1
    assert len(result.stdout.splitlines()) == 1
    assert all(path in result.stdout for path in files)


def test_the_object_of_a_source_that_is_gone_is_passed_over(judge, tmp_path):
    assert judge(CIRCLE_OF_TWO).returncode == 1
    (tmp_path / "lib/base/high.c").unlink()
    assert run("build", tmp_path).returncode == 0


def test_an_empty_build_is_an_error(tmp_path):
    result = run("build", tmp_path)
    assert result.returncode == 2
    assert "run make first" in result.stderr
