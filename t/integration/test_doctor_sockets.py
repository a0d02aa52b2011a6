"""posternctl doctor finds sockets that smtpd cannot reach, and what it prints mends each of them."""

import shutil

import pytest

from harness.doctor import examine, good_set_up, paste
from harness.ports import free_port
from harness.postern import POSTERNCTL, USER
from harness.smtp import Smtp


def codes(mta):
    """The replies to a mail, which show whether Postern answers: 550 comes from its profile."""
    with Smtp(mta.port) as smtp:
        smtp.ehlo()
        smtp.xclient(addr="192.0.2.7", name="x.example", login="bob")
        smtp.ehlo()
        return smtp.mail("<eve@evil.example>").code


def mend(daemon, mta, finding):
    """Paste; doctor is content then, and Postern decides."""
    paste(finding, daemon)
    report = examine(daemon, mta=mta)
    assert report.is_clean(), report
    assert codes(mta) == 550


# ---- the chroot ----------------------------------------------------------------------------------

def test_a_path_from_outside_of_the_chroot_is_found(box):
    daemon, mta = good_set_up(box)
    mta.reload(smtpd_milters=f"unix:{daemon.socket}")
    assert codes(mta) == 451
    finding = examine(daemon, "sockets", mta=mta).the("in its chroot", "mail")
    assert f"Postern's socket is unix:{daemon.socket}" in finding["problem"]
    assert "deferred" in finding["effect"]
    mend(daemon, mta, finding)


def test_a_socket_outside_of_the_chroot_is_moved_into_it(box):
    """As where postern.conf sets a socket in /run, and Debian's smtpd is chrooted."""
    daemon, mta = good_set_up(box, start=False)
    shutil.rmtree(mta.folder / "queue/postern")
    daemon.configure({"milter": {"socket": "unix:run/postern.sock"}, "auth": {"socket": "unix:run/auth"}})
    mta.configure(smtpd_milters=f"unix:{daemon.run}/postern.sock")
    daemon.socket = daemon.run / "postern.sock"
    daemon.start()
    mta.start()
    finding = examine(daemon, "sockets", mta=mta).the("in its chroot", "mail")
    daemon.socket = mta.folder / "queue/postern/postern.sock"
    mend(daemon, mta, finding)
    assert (mta.folder / "queue/postern").stat().st_mode & 0o7777 == 0o2750


def test_a_service_of_its_own_is_examined_in_its_chroot(box):
    """Only the service whose fifth column is y misses the socket."""
    daemon, mta = good_set_up(box, chroot=False)
    mta.reload(smtpd_milters=f"unix:{daemon.socket}")
    assert examine(daemon, "sockets", mta=mta).is_clean()
    mta.master = "submission inet n - y - - smtpd\n"
    mta.configure()
    finding = examine(daemon, "sockets", mta=mta).the("smtpd (submission/inet)", "mail")
    paste(finding, daemon)
    report = examine(daemon, mta=mta)
    assert report.is_clean(), report


# ---- mode, group ---------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["0700", "2700"])
def test_a_directory_that_shuts_the_mta_out_is_found(box, mode):
    """As one that was made under the umask 077, even with the right group."""
    daemon, mta = good_set_up(box)
    (mta.folder / "queue/postern").chmod(int(mode, 8))
    finding = examine(daemon, "sockets", mta=mta).the("may not connect", "mail")
    assert f"postern has mode {mode}" in finding["problem"]
    mend(daemon, mta, finding)


def test_a_directory_of_another_group_is_found(box):
    daemon, mta = good_set_up(box, start=False)
    folder = mta.folder / "queue/postern"
    shutil.chown(folder, USER or "root", "daemon")
    folder.chmod(0o2750)
    daemon.start()
    mta.start()
    mend(daemon, mta, examine(daemon, "sockets", mta=mta).the("group daemon", "mail"))


def test_a_socket_without_a_group_for_the_mta_is_found(box):
    """Others may search the directory, but it gives the socket no group: the setgid bit is missing."""
    daemon, mta = good_set_up(box, start=False)
    (mta.folder / "queue/postern").chmod(0o0755)
    shutil.chown(mta.folder / "queue/postern", USER or "root", "daemon")
    daemon.start()
    mta.start()
    mend(daemon, mta, examine(daemon, "sockets", mta=mta).the("the socket has mode 0660", "mail"))


def test_a_socket_mode_for_the_owner_alone_is_found(box):
    daemon, mta = good_set_up(box, config={"milter": {"socket_mode": "0600"}})
    assert codes(mta) == 451
    mend(daemon, mta, examine(daemon, "sockets", mta=mta).the("the socket has mode 0600", "mail"))


def test_a_directory_above_that_nobody_may_search_is_found(box):
    daemon, mta = good_set_up(box, chroot=False)
    mta.reload(smtpd_milters=f"unix:{daemon.socket}")
    mta.folder.chmod(0o700)
    try:
        finding = examine(daemon, "sockets", mta=mta).the("may not connect", "mail")
        assert f"{mta.folder} has mode 0700" in finding["problem"]
        paste(finding, daemon)
        assert examine(daemon, mta=mta).is_clean()
    finally:
        mta.folder.chmod(0o755)


# ---- moved, or down ------------------------------------------------------------------------------

def test_a_milter_that_moved_to_a_port_is_found(box):
    daemon, mta = good_set_up(box, start=False)
    port = free_port()
    daemon.configure({"milter": {"socket": f"inet:{port}@127.0.0.1"}})
    daemon.port = port
    daemon.start()
    mta.start()
    report = examine(daemon, "sockets", mta=mta)
    paste(report.the(f"Postern's socket is inet:{port}@127.0.0.1", "mail"), daemon)
    assert examine(daemon, "sockets", mta=mta).is_clean()
    assert codes(mta) == 550
    mta.reload(smtpd_milters=f"inet:127.0.0.1:{free_port()}")
    paste(examine(daemon, "sockets", mta=mta).the(f"Postern's socket is inet:{port}@127.0.0.1", "mail"), daemon)
    assert codes(mta) == 550


def test_a_socket_that_was_removed_is_found(box):
    daemon, mta = good_set_up(box)
    daemon.socket.unlink()
    finding = examine(daemon, "sockets", mta=mta).the("the daemon runs, but smtpd", "mail")
    mend(daemon, mta, finding)


def test_a_daemon_that_is_down_is_one_finding(box):
    daemon, mta = good_set_up(box)
    daemon.stop()
    report = examine(daemon, mta=mta)
    assert [finding["subject"] for finding in report.findings] == ["daemon"], report
    daemon.start()
    assert examine(daemon, mta=mta).is_clean()


@pytest.mark.parametrize("other", ["unix:postern/auth", "unix:postern/control", "unix:postern/mux", "inet:127.0.0.1:{port}"])
def test_another_socket_of_postern_in_place_of_the_milters_is_found(box, other):
    """Something answers there, but no milter."""
    port = free_port()
    daemon, mta = good_set_up(box, start=False)
    folder = mta.folder / "queue/postern"
    daemon.configure({"auth": {"inet_socket": f"inet:{port}@127.0.0.1", "saslauthd": f"unix:{folder}/mux"},
                      "control": {"socket": f"{folder}/control", "socket_mode": "0660"}})
    daemon.start()
    mta.start()
    mta.reload(smtpd_milters=other.format(port=port))
    paste(examine(daemon, "sockets", mta=mta).the("looks for its milter at", "mail"), daemon)
    assert examine(daemon, "sockets", mta=mta).is_clean()
    assert codes(mta) == 550


@pytest.mark.parametrize("milters", ["unix:postern/postern.sock unix:postern/postern.sock",
                                     "inet:127.0.0.1:9, unix:postern/postern.sock, unix:/postern/postern.sock"])
def test_postern_twice_among_the_milters_is_found(box, milters):
    """Each recipient would be charged twice."""
    daemon, mta = good_set_up(box, start=False, parameters={"smtpd_milters": milters})
    daemon.start()
    finding = examine(daemon, "sockets", mta=mta).the("contains Postern's socket 2 times", "no-effect")
    paste(dict(finding, commands=finding["commands"][:1]), daemon)
    assert examine(daemon, "sockets", mta=mta).is_clean()
    assert "inet:127.0.0.1:9" not in milters or "inet:127.0.0.1:9" in (mta.folder / "etc/main.cf").read_text()


@pytest.mark.parametrize("action, harm", [("accept", "security"), ("reject", "soon")])
def test_a_default_action_that_lets_mail_in_or_loses_it_is_found(box, action, harm):
    daemon, mta = good_set_up(box, parameters={"milter_default_action": action})
    mend(daemon, mta, examine(daemon, "sockets", mta=mta).the(f"is {action}", harm))


def test_a_filter_that_hides_the_content_is_found(box):
    daemon, mta = good_set_up(box, start=False, parameters={"smtpd_proxy_filter": "127.0.0.1:10024"})
    finding = examine(daemon, "sockets", mta=mta).the("smtpd_proxy_filter is 127.0.0.1:10024", "security")
    assert not finding["commands"] and "content_filter" in finding["cure"]


@pytest.mark.parametrize("protocol", ["2", "3"])
def test_a_protocol_that_does_not_report_data_is_found(box, protocol):
    daemon, mta = good_set_up(box, parameters={"milter_protocol": protocol})
    mend(daemon, mta, examine(daemon, "sockets", mta=mta).the(f"milter_protocol is {protocol}", "no-effect"))


def test_a_default_action_of_the_milter_alone_is_found(box):
    daemon, mta = good_set_up(box, start=False, parameters={
        "smtpd_milters": "{ unix:postern/postern.sock, default_action = accept }"})
    finding = examine(daemon, "sockets", mta=mta).the("is accept", "security")
    assert not finding["commands"] and "smtpd_milters" in finding["cure"]


@pytest.mark.parametrize("processes, logins, is_found", [(500, False, True), (120, False, False), (120, True, True)])
def test_more_processes_of_smtpd_than_descriptors_are_found(box, processes, logins, is_found):
    daemon, mta = good_set_up(box, start=False, parameters={"default_process_limit": processes, **({
        "smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "postern/auth"} if logins else {})})
    daemon.process.argv[:0] = ["prlimit", "--nofile=256:256"]
    daemon.start()
    report = examine(daemon, "sockets", mta=mta)
    if is_found:
        finding = report.the("whose limit of open files is 256", "soon")
        assert f"may have {processes * (2 if logins else 1)} connections" in finding["problem"]
    else:
        assert report.is_clean(), report


# ---- good ----------------------------------------------------------------------------------------

def test_other_milters_beside_postern_raise_no_alarm(box):
    daemon, mta = good_set_up(box, parameters={
        "smtpd_milters": "unix:postern/postern.sock, { inet:127.0.0.1:1, default_action=accept }"})
    report = examine(daemon, mta=mta)
    assert report.is_clean(), report


def test_a_socket_that_smtpd_reaches_without_a_chroot_raises_no_alarm(box):
    daemon, mta = good_set_up(box, chroot=False)
    mta.reload(smtpd_milters=f"unix:{daemon.socket}")
    report = examine(daemon, mta=mta)
    assert report.is_clean(), report


def test_a_queue_directory_behind_a_link_raises_no_alarm(box):
    """The daemon names its socket by one path, and Postfix by another."""
    daemon, mta = good_set_up(box, start=False)
    (mta.folder / "spool").symlink_to(mta.folder / "queue")
    daemon.start()
    mta.configure(queue_directory=mta.folder / "spool")
    assert examine(daemon, "sockets", mta=mta).is_clean()
    mta.configure(smtpd_milters="unix:postern/old.sock")
    finding = examine(daemon, "sockets", mta=mta).the("looks for its milter", "mail")
    assert any("smtpd_milters = unix:postern/postern.sock" in command["shell"] for command in finding["commands"])


def test_another_milter_that_is_down_is_not_replaced(box):
    daemon, mta = good_set_up(box, start=False, parameters={
        "smtpd_milters": "unix:opendkim/opendkim.sock, inet:127.0.0.1:9"})
    daemon.start()
    finding = examine(daemon, "postfix", mta=mta).the("does not ask Postern", "mail")
    paste(dict(finding, commands=finding["commands"][:1]))
    assert "= unix:postern/postern.sock, unix:opendkim/opendkim.sock, inet:127.0.0.1:9\n" in (
        mta.folder / "etc/main.cf").read_text()


def test_a_user_who_may_not_try_is_told_so(box):
    daemon, mta = good_set_up(box)
    copy = daemon.folder / "posternctl"
    shutil.copy(POSTERNCTL, copy)
    for name in ("etc", "queue", "data"):
        (mta.folder / name).chmod(0o755)
    report = examine(daemon, "sockets", "postfix", mta=mta, program=copy,
                     command=["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"])
    assert report.code == 2, report
    assert any("can connect to" in matter["what"] for matter in report.unexamined), report
