"""posternctl doctor finds settings with which nobody, or everybody who listens, gets through a login with Postfix."""

import re
import shutil
import subprocess

import pytest

from harness.doctor import STORE, examine, good_set_up, paste
from harness.postern import POSTERNCTL
from harness.smtp import Smtp

LOGINS = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "postern/auth",
          "smtpd_sasl_security_options": "noanonymous, noplaintext", "smtpd_sasl_tls_security_options": "noanonymous",
          "smtpd_tls_auth_only": "yes", "smtpd_tls_security_level": "may"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx.postern.example",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
    (folder / "all.pem").write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return folder / "all.pem"


@pytest.fixture(scope="module")
def running(shared_box, certificate):
    """A daemon, and a Postfix that does not run: only its settings are examined."""
    daemon, mta = good_set_up(shared_box, start=False, parameters={**LOGINS, "smtpd_tls_chain_files": certificate})
    daemon.start()
    return daemon, mta


@pytest.fixture
def made(running):
    daemon, mta = running
    good = dict(mta.parameters)
    mta.configure()
    yield daemon, mta
    mta.parameters = good
    mta.master = ""


def logins(daemon, mta):
    return examine(daemon, "sasl", mta=mta)


def mend(daemon, mta, finding):
    paste(dict(finding, commands=[command for command in finding["commands"]
                                  if not re.match(r"postfix .*reload$", command["shell"])]), daemon)
    report = logins(daemon, mta)
    assert report.is_clean(), report


def test_good_settings_raise_no_alarm(made):
    assert logins(*made).is_clean()


@pytest.mark.parametrize("change, text, harm", [
    ({"smtpd_sasl_type": "cyrus"}, "smtpd_sasl_type is cyrus", "mail"),
    ({"smtpd_sasl_path": "smtpd"}, "looks for the socket of logins at smtpd", "mail"),
    ({"smtpd_sasl_path": "postern/login"}, "looks for the socket of logins at postern/login", "mail"),
    ({"smtpd_sasl_path": "postern/postern.sock"}, "looks for the socket of logins at postern/postern.sock", "mail"),
    ({"smtpd_sasl_tls_security_options": "noanonymous, noplaintext"}, "offers no mechanism over TLS", "mail"),
    ({"smtpd_sasl_tls_security_options": "$smtpd_sasl_security_options"}, "offers no mechanism over TLS", "mail"),
    ({"smtpd_sasl_mechanism_filter": "external"}, "smtpd_sasl_mechanism_filter lets none", "mail"),
    ({"smtpd_sasl_mechanism_filter": "!plain, !login, !oauthbearer, !xoauth2, static:rest"},
     "smtpd_sasl_mechanism_filter lets none", "mail"),
    ({"smtpd_tls_auth_only": "no", "smtpd_sasl_security_options": "noanonymous"}, "offers AUTH without TLS", "security"),
    ({"smtpd_tls_security_level": ""}, "smtpd_tls_security_level is not set", "mail"),
    ({"smtpd_tls_security_level": "none"}, "smtpd_tls_security_level is not set", "mail"),
])
def test_a_wrong_setting_is_found(made, change, text, harm):
    daemon, mta = made
    mta.configure(**change)
    mend(daemon, mta, logins(daemon, mta).the(text, harm))


def test_the_path_from_outside_of_the_chroot_is_found(made):
    daemon, mta = made
    mta.configure(smtpd_sasl_path=mta.folder / "queue/postern/auth")
    mend(daemon, mta, logins(daemon, mta).the("in its chroot", "mail"))


def test_a_missing_certificate_is_found(made):
    daemon, mta = made
    mta.configure(smtpd_tls_chain_files="")
    finding = logins(daemon, mta).the("it has no certificate", "mail")
    assert not finding["commands"] and "smtpd_tls_chain_files" in finding["cure"]


def test_a_socket_of_logins_outside_of_the_chroot_is_moved_to_the_other(box, certificate):
    """The milter's socket is there already, so that no service is cut off."""
    daemon, mta = good_set_up(box, start=False, config={"auth": {"socket": "unix:run/auth"}},
                              parameters={**LOGINS, "smtpd_tls_chain_files": certificate})
    daemon.start()
    mend(daemon, mta, logins(daemon, mta).the("looks for the socket of logins at postern/auth in its chroot", "mail"))
    assert examine(daemon, "sockets", mta=mta).is_clean()


@pytest.mark.parametrize("parameter", ["smtpd_tls_chain_files", "smtpd_tls_cert_file"])
def test_a_certificate_that_does_not_exist_is_found(made, parameter):
    daemon, mta = made
    mta.configure(smtpd_tls_cert_file="/nowhere/old.pem")
    assert logins(daemon, mta).is_clean()  # smtpd_tls_chain_files takes its place
    mta.configure(**{"smtpd_tls_chain_files": "", "smtpd_tls_cert_file": "", parameter: "/nowhere/cert.pem"})
    finding = logins(daemon, mta).the(f"the file /nowhere/cert.pem ({parameter}) does not exist", "mail")
    assert not finding["commands"] and parameter in finding["cure"]


def test_logins_without_tls_that_are_meant_are_only_a_matter_of_security(box):
    daemon, mta = good_set_up(box, start=False, config={"auth": {"require_tls": "no"}}, parameters={
        **LOGINS, "smtpd_tls_auth_only": "no", "smtpd_tls_security_level": "", "smtpd_sasl_security_options": "noanonymous"})
    daemon.start()
    report = logins(daemon, mta)
    report.the("offers AUTH without TLS", "security")
    assert len(report.findings) == 1, report
    mta.configure(smtpd_tls_auth_only="yes")
    assert "does not offer AUTH" in logins(daemon, mta).the("offers logins, but no TLS", "mail")["effect"]


def test_logins_that_no_service_offers_are_found(made):
    daemon, mta = made
    mta.configure(smtpd_sasl_auth_enable="no")
    mend(daemon, mta, logins(daemon, mta).the("no service has smtpd_sasl_auth_enable = yes", "no-effect"))


def test_logins_are_not_taken_from_a_server_that_is_down(made):
    """Postern could check none of them."""
    daemon, mta = made
    mta.configure(smtpd_sasl_path="private/auth")
    try:
        daemon.write_store({**STORE, "users": [{**STORE["users"][0], "password": ""}]})
        finding = logins(daemon, mta).the("looks for the socket of logins at private/auth", "mail")
        assert not finding["commands"] and finding["cure"].startswith("Start the server")
    finally:
        daemon.write_store(STORE)


@pytest.mark.parametrize("users", [[], [{**STORE["users"][0], "password": ""}], [{**STORE["users"][0], "password": "*"}]])
def test_a_store_without_any_password_is_found(made, users):
    daemon, mta = made
    try:
        daemon.write_store({**STORE, "users": users})
        finding = logins(daemon, mta).the("no user has a password", "mail")
        assert [command["shell"] for command in finding["commands"]] == ["posternctl user passwd bob"] * len(users)
        mta.configure(smtpd_sasl_auth_enable="no")  # Postern then checks no logins
        assert not logins(daemon, mta).has("has a password")
    finally:
        daemon.write_store(STORE)


def test_logins_without_any_store_are_found(box):
    daemon, mta = good_set_up(box, start=False, config={"store": {"path": ""}}, parameters=LOGINS)
    daemon.start()
    finding = logins(daemon, mta).the("there are no users", "mail")
    assert "posternctl init" in finding["cure"]


@pytest.mark.parametrize("option, text", [
    ("smtpd_sasl_path=private/auth", "looks for the socket of logins at private/auth"),
    ("smtpd_sasl_path=inet:127.0.0.1:9", "looks for the socket of logins at inet:127.0.0.1:9; Postern's is"),
    ("smtpd_tls_security_level=none", "offers logins, but no TLS"),
    ("smtpd_sasl_tls_security_options=noplaintext", "offers no mechanism over TLS"),
])
def test_an_option_of_one_service_is_found(made, option, text):
    daemon, mta = made
    mta.master = f"submission inet n - y - - smtpd\n  -o {option}\n"
    mta.configure()
    finding = logins(daemon, mta).the(text, "mail")
    assert "(submission/inet)" in finding["problem"]
    mend(daemon, mta, finding)


@pytest.mark.parametrize("mechanisms", ["OAUTHBEARER XOAUTH2", "XOAUTH2"])
def test_mechanisms_for_tokens_that_nothing_can_check_are_found(box, mechanisms):
    daemon, mta = good_set_up(box, start=False, config={"auth": {"mechanisms": mechanisms}})
    daemon.start()
    finding = logins(daemon, mta).the("mechanisms for tokens only", "mail")
    mend(daemon, mta, finding)
    daemon.configure({"auth": {"mechanisms": mechanisms}, "jwt": {"secret": "a shared secret of more than thirty-two bytes"}})
    daemon.ctl("reload")
    assert logins(daemon, mta).is_clean()


@pytest.mark.parametrize("master", [
    # TLS from the first byte; and a service that demands TLS.
    "smtps inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=yes\n  -o smtpd_tls_security_level=none\n",
    "submission inet n - y - - smtpd\n  -o smtpd_tls_security_level=encrypt\n  -o smtpd_tls_auth_only=no\n",
    "submission inet n - y - - smtpd\n  -o smtpd_sasl_mechanism_filter=plain\n",
    "relay inet n - y - - smtpd\n  -o smtpd_sasl_auth_enable=no\n  -o smtpd_sasl_path=nothing\n",
])
def test_services_with_other_good_settings_raise_no_alarm(made, master):
    daemon, mta = made
    mta.master = master
    mta.configure()
    report = logins(daemon, mta)
    assert report.is_clean(), report


def test_a_server_other_than_postern_raises_no_alarm(box, certificate):
    """Dovecot may check the passwords, and Postern the rest."""
    other = box.postern(store={"users": []})
    daemon, mta = good_set_up(box, start=False, chroot=False, parameters={
        **LOGINS, "smtpd_tls_chain_files": certificate, "smtpd_sasl_path": other.run / "auth"})
    daemon.start()
    report = logins(daemon, mta)
    assert report.is_clean(), report
    others = daemon.folder / "posternctl"  # the build directory may be closed to others
    shutil.copy(POSTERNCTL, others)
    report = examine(daemon, "sasl", mta=mta, program=others,
                     command=["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"])
    assert report.code == 2 and any("which server checks the logins" in matter["what"] for matter in report.unexamined), report
    mta.configure(smtpd_sasl_type="cyrus", smtpd_sasl_path="smtpd")
    assert logins(daemon, mta).is_clean()


def test_a_socket_of_logins_that_shuts_the_mta_out_is_found(box, certificate):
    """In a Postfix that runs: the paste makes logins possible."""
    daemon, mta = good_set_up(box, config={"auth": {"socket_mode": "0600"}},
                              parameters={**LOGINS, "smtpd_tls_chain_files": certificate})
    finding = logins(daemon, mta).the("auth: the socket has mode 0600", "mail")
    paste(finding, daemon)
    assert examine(daemon, mta=mta).is_clean()
    with Smtp(mta.port) as smtp:
        smtp.ehlo()
        assert smtp.starttls().code == 220
        assert "AUTH PLAIN" in smtp.ehlo().text


def test_without_a_daemon_and_a_configuration_no_setting_is_blamed(box, certificate):
    """Neither says where Postern's socket is; its fault is reported as that of the daemon."""
    daemon, mta = good_set_up(box, start=False, parameters={**LOGINS, "smtpd_tls_chain_files": certificate})
    daemon.conf.write_text(daemon.conf.read_text() + "[auth]\n")
    report = examine(daemon, "sasl", "daemon", mta=mta)
    assert {finding["subject"] for finding in report.findings} == {"daemon"}, report
    assert "whether Postfix's clients can log in" in [part["what"] for part in report.unexamined]
