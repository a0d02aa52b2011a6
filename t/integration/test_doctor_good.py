"""Six good set-ups, each examined as a whole: posternctl doctor raises no false alarm, and tells others than root what it left out."""

import shutil
import subprocess

import pytest

from harness.certificates import make_certificate
from harness.doctor import STORE, examine, good_set_up
from harness.logins import hash_of
from harness.postern import POSTERNCTL, ROOT
from harness.wait import wait_until

SUBJECTS = ["daemon", "sockets", "postfix", "sasl", "macros", "sendmail", "clients", "fail2ban", "database", "users",
            "limits", "system"]


def with_password():
    return {**STORE, "users": [{**STORE["users"][0], "password": hash_of("pa55word")}]}


def debian(box):
    """Debian's chrooted smtpd with the README's lines, for port 25 alone."""
    return good_set_up(box)


def submission(box):
    """Logins on the submission port, with a section of its own, as in docs/logins.md."""
    box.folder.mkdir(exist_ok=True)
    make_certificate(box.folder)
    chain = box.folder / "chain.pem"
    chain.write_text((box.folder / "key.pem").read_text() + (box.folder / "cert.pem").read_text())
    return good_set_up(box, config={"check submission": {"helo": "no"}}, store=with_password(), master="""
submission inet n - y - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o milter_macro_daemon_name=submission
""", parameters={"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "postern/auth", "smtpd_tls_auth_only": "yes",
                 "smtpd_sasl_security_options": "noanonymous, noplaintext",
                 "smtpd_sasl_tls_security_options": "noanonymous", "smtpd_tls_chain_files": chain}, start=False)


def without_chroot(box):
    """No chroot, and the socket by its absolute path."""
    daemon, mta = good_set_up(box, chroot=False, start=False)
    mta.configure(smtpd_milters=f"unix:{daemon.socket}")
    return daemon, mta


def with_filters(box):
    """A content filter with its own return, another milter, and a policy server's instance that receives nothing."""
    return good_set_up(box, start=False, master="127.0.0.1:10025 inet n - n - - smtpd\n  -o smtpd_milters=\n"
                                                "  -o content_filter=\n  -o mynetworks=127.0.0.0/8\n",
                       parameters={"content_filter": "smtp:[127.0.0.1]:10024",
                                   "smtpd_milters": "inet:127.0.0.1:9, unix:postern/postern.sock",
                                   "non_smtpd_milters": "inet:127.0.0.1:9"})


def two_instances(box):
    """A second instance, which only sends."""
    daemon, mta = good_set_up(box, start=False)
    second = box.postfix(start=False, services=("smtp",), parameters={
        "multi_instance_name": "postfix-out", "multi_instance_enable": "yes"})
    second.ports = {}
    second.configure()
    mta.configure(multi_instance_directories=second.folder / "etc")
    return daemon, mta


def database(box):
    """Users in PostgreSQL with the change feed, and a role that can only read."""
    db = box.postgres(files=("schema.sql", "feed.sql", "role.sql"))
    db.query("INSERT INTO haraka.profiles (name, open) VALUES ('staff', true)")
    db.query("INSERT INTO haraka.users (username, password, froms, \"profileId\") VALUES "
             "('bob', %s, 'bob@example.com', 1)", (hash_of("pa55word"),))
    return good_set_up(box, store={}, start=False, config={"database": {"conninfo": db.conninfo(user="postern")}})


@pytest.mark.parametrize("make", [debian, submission, without_chroot, with_filters, two_instances, database])
def test_a_good_set_up_raises_no_alarm(box, make):
    daemon, mta = make(box)
    if not daemon.was_ready:
        daemon.start()
    if make is database:
        daemon.wait_log("source=database")
        wait_until(lambda: daemon.ctl("status")["store"]["written_at"], "the copy of the database is written")
    report = examine(daemon, mta=mta)
    assert report.is_clean(), report


def test_another_user_is_told_what_was_left_out(box):
    daemon, mta = good_set_up(box)
    program = daemon.folder / "posternctl"  # the build directory may be closed to others
    shutil.copy(POSTERNCTL, program)
    report = examine(daemon, mta=mta, program=program,
                     command=["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"])
    assert report.code == 2, report
    left_out = " ".join(matter["what"] for matter in report.unexamined)
    assert "what the daemon reports" in left_out and "can connect to" in left_out, report
    assert all(matter["why"] for matter in report.unexamined)


def test_every_subject_is_documented():
    page = (ROOT / "ctl/posternctl.8").read_text(encoding="utf-8").partition("Ic doctor")[2]
    usage = subprocess.run([POSTERNCTL, "doctor", "--help"], capture_output=True, text=True, check=True).stdout
    for subject in SUBJECTS:
        assert f".It Ic {subject}\n" in page and subject in usage, subject
    assert subprocess.run([POSTERNCTL, "doctor", "nothing"], check=False, capture_output=True).returncode == 64
