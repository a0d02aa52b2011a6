"""Fail2Ban finds failed logins, and nothing else, with its own filters in Postfix's log and with ours in Postern's."""

import os
import shutil
import subprocess

import pytest

from harness.logins import Dovecot, saslauthd
from harness.postern import BUILD, ROOT
from harness.packages import fetch
from harness.ports import free_port

# Lines as syslog writes them.
OURS = "Nov 22 03:40:00 mx postern[4711]: stage=auth verdict={} client={} protocol=dovecot mechanism=PLAIN login={}"
POSTFIX = ("Nov 22 03:40:00 mx postfix/smtpd[4712]: warning: unknown[192.0.2.7]: SASL {} authentication "
           "failed: Invalid credentials")


@pytest.fixture(scope="module")
def fail2ban():
    root = fetch(BUILD / "fail2ban", ["fail2ban"])

    def matched(line, filter_path):
        done = subprocess.run(
            ["/usr/bin/python3", root / "usr/bin/fail2ban-regex", "-c", root / "etc/fail2ban",
             "--print-all-matched", line, filter_path],
            capture_output=True, text=True, check=False, cwd=root,
            env=dict(os.environ, PYTHONPATH=str(root / "usr/lib/python3/dist-packages")))
        assert "Failregex" in done.stdout, done.stdout + done.stderr
        return "1 matched" in done.stdout

    return root, matched


@pytest.fixture(scope="module")
def our_filter(fail2ban):
    root, _ = fail2ban
    target = root / "etc/fail2ban/filter.d/postern.conf"
    target.write_text((ROOT / "etc/fail2ban/filter.d/postern.conf").read_text())
    return target


@pytest.mark.parametrize("line, want", [
    (OURS.format("reject cause=credentials", "192.0.2.7", "bob"), True),
    (OURS.format("reject cause=credentials", "2001:db8::7", "bob"), True),
    (OURS.format("reject cause=policy", "192.0.2.7", "bob"), False),
    (OURS.format("reject cause=credentials", "unknown", "bob"), False),
    (OURS.format("reject cause=credentials", "localhost", "bob"), False),
    (OURS.format("reject cause=credentials", "victim.example", "bob"), False),
    (OURS.format("reject cause=credentials", "192.0.2.7", "bob").replace("client=", "client_claimed="), False),
    (OURS.format("reject cause=credentials", "192.0.2.7", "bob").replace("client=192.0.2.7 ", ""), False),
    (OURS.format("reject cause=credentials", "192.0.2.7", '"client=192.0.2.9 "').replace("client=192.0.2.7 ", ""), False),
    (OURS.format("accept", "192.0.2.7", "bob"), False),
    (OURS.format("tempfail", "192.0.2.7", "bob"), False),
    (OURS.format("accept", "192.0.2.7", '"stage=auth verdict=reject cause=credentials client=192.0.2.9 "'),
     False),
])
def test_our_filter_matches_wrong_credentials_only(fail2ban, our_filter, line, want):
    assert fail2ban[1](line, our_filter) == want


def test_our_filter_matches_what_the_daemon_logs(box, fail2ban, our_filter):
    daemon = box.postern(store={"users": [{"id": 1, "username": "bob", "password": ""}]})
    with Dovecot(daemon.run / "auth") as conn:
        conn.plain("bob", "wrong")
    record = daemon.wait_record(stage="auth", verdict="reject")
    line = record["line"][record["line"].index("stage=auth"):]
    assert fail2ban[1]("Nov 22 03:40:00 mx postern[4711]: " + line, our_filter)


def test_an_address_that_any_local_process_may_claim_is_not_matched(box, fail2ban, our_filter):
    port = free_port()
    daemon = box.postern(store={"users": [{"id": 1, "username": "bob", "password": ""}]},
                         config={"auth": {"inet_socket": f"inet:{port}@127.0.0.1"}})
    with Dovecot(port) as conn:
        for _ in range(3):
            conn.plain("bob", "wrong")
    records = [daemon.wait_record(stage="auth", verdict="reject", **{"delay-ms": "500"})]
    records += daemon.records(stage="auth", verdict="reject")
    for record in records:
        assert record["client_claimed"] == "192.0.2.7" and "client" not in record
        line = record["line"][record["line"].index("stage=auth"):]
        assert not fail2ban[1]("Nov 22 03:40:00 mx postern[4711]: " + line, our_filter)


def test_saslauthd_gives_no_address(box, fail2ban, our_filter):
    daemon = box.postern(store={"users": [{"id": 1, "username": "bob", "password": ""}]},
                         config={"auth": {"saslauthd": "unix:run/mux"}})
    assert saslauthd(daemon.run / "mux", "bob", "wrong").startswith("NO")
    record = daemon.wait_record(stage="auth", verdict="reject")
    assert "client" not in record and "client_claimed" not in record
    line = record["line"][record["line"].index("stage=auth"):]
    assert not fail2ban[1]("Nov 22 03:40:00 mx postern[4711]: " + line, our_filter)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_postfix_lines_match_the_filter_of_fail2ban(fail2ban, mechanism):
    root, matched = fail2ban
    assert matched(POSTFIX.format(mechanism), f"{root}/etc/fail2ban/filter.d/postfix.conf[mode=auth]")


def test_the_jail_bans_where_it_is_enabled(fail2ban, our_filter, tmp_path):
    """Fail2Ban accepts the jail's file, which the package installs, but uses the jail only where it is enabled."""
    root, _ = fail2ban
    config = tmp_path / "fail2ban"
    shutil.copytree(root / "etc/fail2ban", config)
    shutil.copy(ROOT / "etc/fail2ban/jail.d/postern.conf", config / "jail.d")
    (tmp_path / "mail.log").touch()
    log = f"logpath = {tmp_path}/mail.log\n"
    commands = {}
    for enabled in ("", "enabled = true\n"):
        (config / "jail.local").write_text(f"[sshd]\nenabled = false\n[postern]\nbackend = polling\n{log}{enabled}")
        done = subprocess.run(["/usr/bin/python3", root / "usr/bin/fail2ban-client", "-c", config, "-d"], capture_output=True,
                              text=True, check=False, env=dict(os.environ, PYTHONPATH=str(root / "usr/lib/python3/dist-packages")))
        assert done.returncode == 0, done
        commands[enabled] = done.stdout
    assert "'postern'" not in commands[""]
    assert "['add', 'postern', 'polling']" in commands["enabled = true\n"]
    assert "cause=credentials client=" in commands["enabled = true\n"]
