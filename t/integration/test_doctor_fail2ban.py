"""posternctl doctor asks Fail2Ban itself whether its filter matches the line that this daemon logs."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from harness.doctor import examine, good_set_up, paste
from harness.logins import Dovecot
from harness.packages import fetch
from harness.postern import BUILD, ROOT

OURS = ROOT / "etc/fail2ban/filter.d/postern.conf"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A directory with fail2ban-regex and fail2ban-client, for PATH, and the configuration that belongs to them."""
    root = fetch(BUILD / "fail2ban", ["fail2ban"])
    folder = tmp_path_factory.mktemp("bin")
    for name in ("fail2ban-regex", "fail2ban-client"):
        (folder / name).write_text(f"#!/bin/sh\ncd {root}\nPYTHONPATH={root}/usr/lib/python3/dist-packages "
                                   f"exec /usr/bin/python3 {root}/usr/bin/{name} \"$@\"\n")
        (folder / name).chmod(0o755)
    return folder, root / "etc/fail2ban"


@pytest.fixture
def config(programs, tmp_path, monkeypatch):
    """A configuration of Fail2Ban with our filter and jail."""
    monkeypatch.setenv("PATH", f"{programs[0]}:{os.environ['PATH']}")
    folder = tmp_path / "fail2ban"
    shutil.copytree(programs[1], folder)
    shutil.copy(OURS, folder / "filter.d")
    shutil.copy(ROOT / "etc/fail2ban/jail.d/postern.conf", folder / "jail.d")
    return folder


@pytest.fixture(scope="module")
def good(shared_box):
    daemon, mta = good_set_up(shared_box, start=False)
    return daemon.start()


def look(daemon, config):
    return examine(daemon, "fail2ban", "--fail2ban-config", config)


def test_the_filter_of_this_version_raises_no_alarm(good, config):
    assert look(good, config).is_clean()


def test_the_filter_alone_raises_no_alarm(good, config, programs, monkeypatch):
    """The package installs it also where there is no Fail2Ban."""
    monkeypatch.setenv("PATH", os.environ["PATH"].removeprefix(f"{programs[0]}:"))
    if shutil.which("fail2ban-regex") is None:
        assert look(good, config).is_clean()


@pytest.mark.parametrize("old, new", [
    ("cause=credentials client=<ADDR> ", "client=<ADDR> cause=credentials "),  # another version's order of keys
    ("ignoreregex =", "ignoreregex = protocol=dovecot"),
    ("_daemon = postern", "_daemon = postfix/smtpd"),
])
def test_a_filter_that_does_not_match_is_found(good, config, old, new):
    path = config / "filter.d/postern.conf"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    finding = look(good, config).the("does not match the line", "security")
    assert "Install the filter of this version" in finding["cure"]
    shutil.copy(OURS, path)  # what the cure says
    assert look(good, config).is_clean()


def test_a_jail_without_its_filter_is_found(good, config):
    (config / "filter.d/postern.conf").unlink()
    assert look(good, config).is_clean()  # the jail is not enabled
    (config / "jail.local").write_text(f"[sshd]\nenabled = false\n[postern]\nenabled = true\nbackend = polling\n"
                                       f"logpath = {config}/jail.conf\n")
    look(good, config).the("cannot use its jail", "security")
    shutil.copy(OURS, config / "filter.d")
    assert look(good, config).is_clean()


def test_a_log_level_without_logins_is_found(good, config):
    (config / "jail.local").write_text(f"[sshd]\nenabled = false\n[postern]\nenabled = false\nbackend = polling\n"
                                       f"logpath = {config}/jail.conf\n")
    good.ctl("log-level", "notice")
    try:
        assert look(good, config).is_clean()  # the jail is not enabled
        text = (config / "jail.local").read_text()
        (config / "jail.local").write_text(text.replace("[postern]\nenabled = false", "[postern]\nenabled = true"))
        finding = look(good, config).the("the log level is notice", "security")
        assert finding["commands"] == [{"shell": "posternctl log-level info"}]
    finally:
        good.ctl("log-level", "info")
    assert look(good, config).is_clean()


def test_a_jail_without_its_log_is_found_and_mended(good, config):
    """Without /var/log/mail.log, Fail2Ban does not start once the jail is enabled as docs/logins.md says."""
    page = (ROOT / "docs/logins.md").read_text(encoding="utf-8")
    enable = re.search(r"^printf .*jail.d/postern.local$", page, re.M)[0].replace("/etc/fail2ban", str(config))
    (config / "jail.d/others.local").write_text(f"[DEFAULT]\nsyslog_mail = {config}/mail.log\n[sshd]\nenabled = false\n")
    subprocess.run(enable, shell=True, check=True)
    finding = look(good, config).the("log file does not exist", "security")
    if finding["commands"]:
        paste(finding)
    else:  # there is no journal here: the cure names the setting
        assert "Set logpath" in finding["cure"]
        (config / "mail.log").touch()
    assert look(good, config).is_clean()


def test_the_example_is_what_the_daemon_logs(good):
    """The line that is matched comes from the code that logs."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(good.run / "control"))
        control.sendall(b'{"command": "auth-example"}\n')
        asked = json.loads(control.makefile().readline())["line"]
    with Dovecot(good.config["auth"]["socket"].removeprefix("unix:")) as conn:
        conn.plain("example", "wrong", client="192.0.2.1")
    record = good.wait_record(stage="auth", verdict="reject")
    line = record["line"][record["line"].index("stage=auth"):]
    assert asked.split(" policy=")[0] == line.split(" rule=")[0]


def test_a_machine_without_fail2ban_raises_no_alarm(good, tmp_path):
    assert look(good, tmp_path / "none").is_clean()
