"""posternctl doctor reports what the daemon reports, and what the next start would meet; its exit codes and its forms."""

import os
import shutil
import subprocess

import pytest

from harness.box import needs_root
from harness.doctor import examine, good_set_up
from harness.postern import BUILD, POSTERNCTL, USER


@pytest.fixture(scope="module")
def good(shared_box):
    return good_set_up(shared_box)


def run(*args):
    return subprocess.run([POSTERNCTL, *args], capture_output=True, text=True, check=False)


def test_a_good_set_up_raises_no_alarm(good):
    daemon, mta = good
    report = examine(daemon, mta=mta)
    assert report.is_clean(), report
    done = run("-c", daemon.conf, "doctor", "--postfix-config", mta.folder / "etc")
    assert (done.returncode, done.stdout) == (0, "no problem was found\n"), done


def test_another_user_is_told_what_was_not_examined(good, tmp_path):
    needs_root()
    daemon, mta = good
    program = daemon.folder / "posternctl"  # the build directory may be closed to others
    shutil.copy(BUILD / "posternctl", program)
    done = subprocess.run(["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups", program, "-c", daemon.conf,
                           "doctor", "daemon"], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done
    assert "no problem was found; 2 matters could not be examined" in done.stdout
    assert "what the daemon reports" in done.stdout
    assert "Run doctor as root." in done.stdout


def test_a_daemon_that_does_not_run_is_found(box):
    daemon, mta = good_set_up(box, start=False)
    finding = examine(daemon, "daemon").the("the daemon does not answer", "mail")
    assert finding["commands"] == [{"shell": "service postern start"}]


def test_a_configuration_with_an_error_is_found(box):
    """Beside a running daemon it harms only the next start; without one, mail."""
    daemon, mta = good_set_up(box, start=False)
    daemon.configure({"milter": {"timout": "5s"}})
    report = examine(daemon, mta=mta)
    assert "postern.conf:" in report.the("timout", "mail")["problem"]
    assert {finding["subject"] for finding in report.findings} == {"daemon"}, report
    assert any("whether Postfix asks Postern" in matter["what"] for matter in report.unexamined), report
    daemon.configure({"milter": {"timout": None}})
    daemon.start()
    assert examine(daemon, "daemon").is_clean()
    daemon.configure({"limits": {"count": "sheep"}})
    for subject in ("macros", "database", "users", "limits", "system"):
        left_out = examine(daemon, subject, mta=mta)
        assert left_out.code == 2 and left_out.unexamined[0]["what"] == f"the subject {subject}", left_out
    examine(daemon, "daemon").the("sheep", "soon")


def test_a_configuration_that_is_no_file_is_not_the_daemon_s_fault(tmp_path):
    """Where the daemon could be asked is not known."""
    path = tmp_path / "postern.conf"
    os.mkfifo(path)
    done = run("-c", path, "doctor", "daemon")
    assert done.returncode == 1 and f"daemon: {path}: is not a regular file" in done.stdout, done
    assert "does not answer" not in done.stdout and "what the daemon reports" in done.stdout, done


def test_each_problem_of_the_policy_is_shown(box):
    daemon, _ = good_set_up(box, start=False)
    daemon.write_list("mail_from.access.blacklist", "*@spam.example\n")
    daemon.start()
    finding = examine(daemon, "daemon").the("mail_from.access.blacklist:1", "no-effect")
    assert "@spam.example" in finding["problem"]
    daemon.write_list("mail_from.access.blacklist", "@spam.example\n")
    daemon.ctl("reload")
    assert examine(daemon, "daemon").is_clean()


@pytest.mark.parametrize("what, text", [
    ("conf", "contains a secret, and its mode is 0644"), ("store", "can read the password hashes")])
def test_secrets_that_everybody_may_read_harm_security(box, what, text):
    daemon, _ = good_set_up(box, start=False, config={
        "jwt": {"secret": "a shared secret of more than thirty-two bytes", "profile": "staff"}})
    daemon.create()
    for path in (daemon.conf, daemon.store_path):
        path.chmod(0o640)
        if USER:
            shutil.chown(path, USER)
    for folder in (daemon.folder, daemon.run):
        folder.chmod(0o755)
    {"conf": daemon.conf, "store": daemon.store_path}[what].chmod(0o644)
    found = examine(daemon, "daemon").the(text, "security")  # by postern -n
    daemon.start()
    again = examine(daemon, "daemon").the(text, "security")  # by the daemon's status
    assert found["problem"].endswith(again["problem"])


def test_a_daemon_without_a_policy_harms_mail(box):
    daemon, _ = good_set_up(box, start=False, store="[]")
    daemon.start(ready=lambda: "ready version" in daemon.process.text())
    report = examine(daemon, "daemon")
    assert report.the("no policy is in force", "mail"), report


def test_a_file_that_the_daemon_cannot_read_is_found(box):
    daemon, _ = good_set_up(box)
    daemon.write_list("access.domains", "evil.example\n")
    (daemon.lists / "access.domains").chmod(0o600)
    daemon.ctl("reload", check=False)
    report = examine(daemon, "daemon")
    assert report.has("access.domains"), report
    (daemon.lists / "access.domains").chmod(0o644)
    daemon.ctl("reload")
    assert examine(daemon, "daemon").is_clean()


def test_wrong_arguments_are_refused():
    for args in (["x"], ["--no-such"], ["--postfix-config"]):
        assert run("doctor", *args).returncode == 64, args


@pytest.mark.parametrize("colour, has_any", [("always", True), ("never", False), ("auto", False)])
def test_colours_are_printed_on_request(good, colour, has_any):
    done = run("-c", good[0].conf, f"--colour={colour}", "doctor", "daemon")
    assert ("\x1b[" in done.stdout) == has_any
