"""posternctl doctor finds settings of Postfix that leave Postern without effect, and what it prints mends each."""

import re
import shutil

import pytest

from harness.doctor import examine, good_set_up, paste
from harness.ports import free_port
from harness.postern import USER

SUBMISSION = "submission inet n - y - - smtpd\n  -o milter_macro_daemon_name=submission\n"


@pytest.fixture
def made(box):
    """A good set-up whose Postfix is not asked anything: only its settings are examined."""
    return good_set_up(box, start=False)


@pytest.fixture
def running(box):
    daemon, mta = good_set_up(box, start=False)
    daemon.start()
    return daemon, mta


def settings(daemon, mta, *args):
    return examine(daemon, "sockets", "postfix", "macros", *args, mta=mta)


def mend(daemon, mta, finding, reload=False):
    """Paste what changes the settings; `postfix reload` needs a Postfix that runs."""
    finding = dict(finding, commands=[command for command in finding["commands"]
                                      if reload or not re.match(r"postfix .*reload$", command["shell"])])
    paste(finding, daemon)
    report = settings(daemon, mta)
    assert report.is_clean(), report


def with_master(mta, text):
    mta.master = text
    mta.configure()


@pytest.mark.parametrize("option", ["smtpd_milters=", "smtpd_milters=inet:127.0.0.1:{other}",
                                    "{{ smtpd_milters = {{ inet:127.0.0.1:{other}, default_action = accept }} }}"])
def test_a_service_that_is_switched_off_is_found(box, running, option):
    daemon, mta = running
    other = box.postern(inet=True)  # another milter, which is no reason to leave Postern out
    with_master(mta, SUBMISSION + f"  -o {option.format(other=other.port)}\n")
    finding = settings(daemon, mta).the("smtpd (submission/inet) does not ask Postern", "no-effect")
    mend(daemon, mta, finding)
    if "{{" in option:
        assert "default_action=accept}" in (mta.folder / "etc/master.cf").read_text()


def test_the_cure_is_in_force_after_a_paste(box):
    """Once with all commands, in a Postfix that runs."""
    daemon, mta = good_set_up(box, parameters={"inet_interfaces": "all"})
    with_master(mta, f"{free_port()} inet n - y - - smtpd\n  -o smtpd_milters=\n")
    mend(daemon, mta, settings(daemon, mta).the("does not ask Postern", "no-effect"), reload=True)


def test_a_postfix_that_asks_no_milter_is_found(running):
    daemon, mta = running
    mta.configure(smtpd_milters="")
    finding = settings(daemon, mta).the("does not ask Postern", "mail")
    assert finding["commands"][0]["shell"].endswith("'smtpd_milters = unix:postern/postern.sock'")
    mend(daemon, mta, finding)


@pytest.mark.parametrize("where", ["main.cf", "master.cf"])
def test_no_milters_is_found(running, where):
    daemon, mta = running
    if where == "main.cf":
        mta.configure(receive_override_options="no_address_mappings, no_milters")
    else:
        with_master(mta, SUBMISSION + "  -o receive_override_options=no_milters\n")
    finding = settings(daemon, mta).the("no_milters", "mail" if where == "main.cf" else "no-effect")
    mend(daemon, mta, finding)
    if where == "main.cf":
        assert "receive_override_options = no_address_mappings\n" in (mta.folder / "etc/main.cf").read_text()


@pytest.mark.parametrize("milters", ["unix:postern/postern.sock", "inet:127.0.0.1:9, unix:postern/postern.sock"])
def test_postern_among_the_milters_of_local_mail_is_found(running, milters):
    daemon, mta = running
    mta.configure(non_smtpd_milters=milters)
    mend(daemon, mta, settings(daemon, mta).the("non_smtpd_milters contains Postern", "no-effect"))
    wanted = "inet:127.0.0.1:9" if "inet" in milters else ""
    assert f"non_smtpd_milters = {wanted}" in (mta.folder / "etc/main.cf").read_text()


@pytest.mark.parametrize("fault", ["smtpd_milters", "receive_override_options"])
def test_a_second_instance_without_postern_is_found(box, running, fault):
    daemon, mta = running
    second = box.postfix(start=False, chroot=False, parameters={
        "multi_instance_enable": "yes", "multi_instance_name": "postfix-out", "inet_interfaces": "all",
        "smtpd_milters": f"unix:{daemon.socket}" if fault != "smtpd_milters" else "",
        "receive_override_options": "no_milters" if fault != "smtpd_milters" else ""})
    mta.configure(multi_instance_directories=second.folder / "etc")
    finding = settings(daemon, mta).the(f"{second.folder}/etc: ", "mail")
    mend(daemon, mta, finding)
    second.configure(multi_instance_enable="no", smtpd_milters="")
    assert settings(daemon, mta).is_clean()


def test_the_sockets_are_not_taken_from_another_instance(box, running):
    """Both are chrooted, and one socket cannot be in both queue directories."""
    daemon, mta = running
    second = box.postfix(start=False, chroot=True, services=("smtp", "submission"), parameters={
        "multi_instance_enable": "yes", "multi_instance_name": "postfix-b", "inet_interfaces": "all"})
    mta.configure(multi_instance_directories=second.folder / "etc")
    finding = settings(daemon, mta).the("postfix-2/etc: smtpd", "mail")
    assert "inet socket" in finding["cure"]
    before = daemon.conf.read_text()
    mend(daemon, mta, finding)
    assert daemon.conf.read_text() == before


@pytest.mark.parametrize("theirs, ours, effect", [
    ("+", "", "all+x@example.com to all@example.com"), ("+-", "+", "all-x@example.com to all@example.com")])
def test_a_recipient_delimiter_that_the_lists_do_not_know_is_found(running, theirs, ours, effect):
    daemon, mta = running
    mta.configure(recipient_delimiter=theirs)
    daemon.configure({"lists": {"recipient_delimiter": ours}})
    finding = settings(daemon, mta).the("recipient_delimiter", "no-effect")
    assert effect in finding["effect"] and f'write "recipient_delimiter = {theirs}"' in finding["cure"]
    mend(daemon, mta, finding)


def test_domains_of_postfix_that_the_lists_do_not_know_are_found(running):
    daemon, mta = running
    mta.configure(mydestination="$myhostname, localhost.$mydomain, localhost, Example.COM, other.example, b\u00fccher.example",
                  myorigin="third.example")
    finding = settings(daemon, mta).the("local_domains lacks: other.example b\u00fccher.example third.example", "no-effect")
    assert 'write "local_domains = example.com other.example b\u00fccher.example third.example"' in finding["cure"]
    mend(daemon, mta, finding)


def test_a_table_of_domains_of_postfix_is_shown(running):
    daemon, mta = running
    mta.configure(mydestination="example.com, hash:/etc/none")
    report = settings(daemon, mta)
    assert report.code == 0
    report.the("mydestination has domains in hash:/etc/none", "advice")


def test_a_table_of_milters_is_shown(running):
    daemon, mta = running
    mta.configure(smtpd_milter_maps="cidr:{{192.0.2.0/24 DISABLE}}")
    report = settings(daemon, mta)
    assert report.code == 0
    report.the("smtpd_milter_maps (cidr:{{192.0.2.0/24 DISABLE}}) takes precedence", "advice")


@pytest.mark.parametrize("table, harm", [("cidr:/etc/milters", "advice"), ("static:DISABLE", "no-effect")])
def test_a_table_of_milters_of_one_service_is_shown(running, table, harm):
    daemon, mta = running
    with_master(mta, SUBMISSION + f"  -o smtpd_milter_maps={table}\n")
    settings(daemon, mta).the(f"smtpd_milter_maps ({table}) takes precedence over smtpd_milters (submission/inet)", harm)


def test_a_postfix_that_cannot_be_read_is_found(running):
    daemon, mta = running
    with open(mta.folder / "etc/main.cf", "a", encoding="utf-8") as file:
        file.write("= nonsense\n")
    finding = settings(daemon, mta).the("Postfix's settings cannot be read", "mail")
    assert "main.cf" in finding["problem"]


# ---- good ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("master", [
    SUBMISSION,
    # A content filter returns mail to a service of its own, which asks no milter.
    "127.0.0.1:10025 inet n - n - - smtpd\n  -o smtpd_milters=\n  -o content_filter=\n",
    "127.0.0.1:10025 inet n - n - - smtpd\n  -o receive_override_options=no_milters\n",
    "smtpd pass - - y - - smtpd\n",
])
def test_ordinary_services_raise_no_alarm(running, master):
    daemon, mta = running
    with_master(mta, master)
    report = settings(daemon, mta)
    assert report.is_clean(), report


@pytest.mark.parametrize("parameters", [
    {"master_service_disable": "inet"},
    {"master_service_disable": "!submission/inet, inet"},
    {"inet_interfaces": "loopback-only"},
    {"inet_interfaces": "127.0.0.1, [::1]"},
])
def test_instances_that_no_other_machine_reaches_raise_no_alarm(box, running, parameters):
    """The null client and the output instance of Postfix's MULTI_INSTANCE_README."""
    daemon, mta = running
    second = box.postfix(start=False, parameters={
        "multi_instance_enable": "yes", "multi_instance_name": "postfix-out", "inet_interfaces": "all", **parameters})
    mta.configure(multi_instance_directories=second.folder / "etc")
    report = settings(daemon, mta)
    assert report.is_clean(), report
    second.configure(non_smtpd_milters=f"unix:{daemon.socket}")
    settings(daemon, mta).the("postfix-2/etc: non_smtpd_milters contains Postern", "no-effect")
    second.configure(non_smtpd_milters="")
    # Nothing is left out if Postern is asked nowhere, or if another service stays on.
    if "inet_interfaces" in parameters:
        mta.configure(smtpd_milters="")
        assert len(settings(daemon, mta).findings) == 2
    else:
        with_master(second, "submission inet n - n - - smtpd\n")
        assert settings(daemon, mta).has("submission/inet") == ("!" in parameters["master_service_disable"])


def test_a_service_of_another_postern_raises_no_alarm(box, running):
    """It has Postern's name, but something answers there."""
    daemon, mta = running
    folder = mta.folder / "queue/postern-b"
    folder.mkdir()
    shutil.chown(folder, USER or None, "postfix")
    folder.chmod(0o2750)
    other = box.postern(start=False, config={"milter": {"socket": f"unix:{folder}/postern.sock", "socket_mode": "0660"}})
    other.socket = folder / "postern.sock"
    with_master(mta, SUBMISSION + "  -o smtpd_milters=unix:postern-b/postern.sock\n")
    settings(daemon, mta).the("looks for its milter at unix:postern-b/postern.sock", "mail")
    other.start()
    report = settings(daemon, mta)
    assert report.is_clean(), report


# ---- hostile names ---------------------------------------------------------------------------------

def test_names_are_quoted_for_the_shell(box, running):
    daemon, mta = running
    mta.configure(smtpd_milters="unix:postern/$$(touch x);'`id`.sock")
    finding = settings(daemon, mta).the("looks for its milter", "mail")
    mend(daemon, mta, finding)


# ---- {daemon_name} and other macros -----------------------------------------------------------------

def test_a_misspelt_section_is_found(running):
    daemon, mta = running
    with_master(mta, SUBMISSION)
    daemon.configure({"check submision": {"helo": "no"}})
    daemon.ctl("reload")
    finding = settings(daemon, mta).the("[check submision]", "no-effect")
    assert "they have: mx.postern.example, submission" in finding["problem"]
    mend(daemon, mta, finding)
    assert "[check submission]" in daemon.conf.read_text()


def test_a_service_without_its_name_is_found(running):
    daemon, mta = running
    with_master(mta, "submission inet n - y - - smtpd\n")
    daemon.configure({"check submission": {"helo": "no"}})
    daemon.ctl("reload")
    mend(daemon, mta, settings(daemon, mta).the("[check submission]", "no-effect"))
    assert "milter_macro_daemon_name=submission" in (mta.folder / "etc/master.cf").read_text()


def test_a_section_for_no_service_is_found(running):
    daemon, mta = running
    daemon.configure({"check backup": {"helo": "no"}})
    daemon.ctl("reload")
    finding = settings(daemon, mta).the("[check backup]", "no-effect")
    assert not finding["commands"] and "milter_macro_daemon_name" in finding["cure"]


@pytest.mark.parametrize("defaults", ["auth_authen=boss", "{daemon_name}=x, {auth_authen}=boss"])
@pytest.mark.parametrize("where", ["main.cf", "master.cf"])
def test_a_login_that_every_session_has_is_found(running, defaults, where):
    daemon, mta = running
    if where == "main.cf":
        mta.configure(milter_macro_defaults=defaults)
    else:
        with_master(mta, SUBMISSION + f"  -o {{ milter_macro_defaults={defaults} }}\n")
    mend(daemon, mta, settings(daemon, mta).the("milter_macro_defaults gives each session a login", "security"))


@pytest.mark.parametrize("parameter, macros, lost", [
    ("milter_mail_macros", "i {mail_addr}", "{auth_authen}"),
    ("milter_connect_macros", "j v _", "{daemon_name}"),
])
def test_trimmed_macros_are_found(running, parameter, macros, lost):
    """As advice: Postern asks Postfix for its macros, and gets them (test_postern_gets_trimmed_macros)."""
    daemon, mta = running
    mta.configure(**{parameter: macros})
    mend(daemon, mta, settings(daemon, mta).the(f"{parameter} lacks {lost}", "advice"))
