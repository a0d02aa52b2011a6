"""The completion script for bash that `posternctl completion` makes from the table of commands."""

import re
import subprocess

import pytest

from harness.postern import POSTERNCTL


def ctl(*args):
    return subprocess.run([POSTERNCTL, *args], capture_output=True, text=True, check=True).stdout


SCRIPT = """
set -eu
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_posternctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(name="complete", scope="module")
def fixture_complete(tmp_path_factory):
    """What bash offers for the last one of some words."""
    path = tmp_path_factory.mktemp("completion") / "posternctl"
    path.write_text(ctl("completion"))

    def complete(*words):
        done = subprocess.run(["bash", "-c", SCRIPT, "complete", path, "posternctl", *words],
                              capture_output=True, text=True, check=True)
        return done.stdout.split()

    return complete


def commands():
    return re.findall(r"^  (\S+) ", ctl("help").partition("Commands:")[2], re.M)


def test_every_command_is_offered(complete):
    assert set(commands()) <= set(complete("")) and len(commands()) >= 13
    assert complete("susp") == ["suspend", "suspended"]
    assert complete("-c", "/etc/passwd", "expl") == ["explain"]
    assert complete("--json", "stat") == ["status"]
    assert set(commands()) == set(complete("help", ""))


@pytest.mark.parametrize("name", commands())
def test_every_option_of_a_command_is_offered(complete, name):
    shown = ctl("help", name)
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", shown))
    assert options <= set(complete(name, ""))
    for option in options:
        assert option in complete(name, option)


@pytest.mark.parametrize("words, offered", [
    (("explain", "--rd"), ["--rdns"]), (("limits", ""), ["reset", "top"]), (("limits", "bob", "re"), ["reset"]),
    (("auth", ""), ["reset"]), (("hash", "-"), ["-m", "-r"]), (("suspended", ""), []), (("reload", "--a"), ["--accept-older"]),
    (("--col",), ["--colour=auto", "--colour=always", "--colour=never"]), (("nonsense", ""), []),
])
def test_words_that_may_follow(complete, words, offered):
    assert sorted(complete(*words)) == sorted(offered)


def test_the_name_of_a_file_is_offered_after_its_option(complete, tmp_path):
    (tmp_path / "postern.conf").touch()
    for option in ("-c", "--config", "-s", "--socket"):
        assert complete(option, f"{tmp_path}/post") == [f"{tmp_path}/postern.conf"]
