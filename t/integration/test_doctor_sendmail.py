"""posternctl doctor finds a Sendmail that does not ask Postern, or lets mail in while Postern is down."""

import pytest

from harness.box import needs_root
from harness.doctor import examine, good_set_up
from harness.packages import OWN_MOUNTS

@pytest.fixture(scope="module")
def daemon(shared_box):
    daemon, _ = good_set_up(shared_box, start=False)
    return daemon.start()


@pytest.fixture(scope="module")
def good(shared_box, daemon):
    """sendmail.cf as m4 makes it from INPUT_MAIL_FILTER."""
    mta = shared_box.sendmail(start=False, milter=daemon.sendmail_milter)
    return (mta.folder / "sendmail.cf").read_text()


@pytest.fixture
def look(daemon, good, tmp_path):
    def look(*changes):
        text = good
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / "sendmail.cf"
        path.write_text(text)
        return examine(daemon, "sendmail", "--sendmail-config", path)
    return look


def test_a_good_sendmail_raises_no_alarm(look):
    assert look().is_clean()


@pytest.mark.parametrize("old, new, text, harm", [
    ("S=unix:", "S=unix:/run/postern/old", "but Postern's is unix:", "mail"),
    ("Xpostern, S=unix:", "Xpostern, S=inet:8890@127.0.0.1, X=", "but Postern's is unix:", "mail"),
    ("Xpostern, S=unix:", "#", "has no filter for Postern", "mail"),
    ("O InputMailFilters=postern", "#", "InputMailFilters does not contain", "mail"),
    (", F=T", "", "has no flag F=T", "security"),
    ("F=T", "F=R", "has the flag F=R", "soon"),
])
def test_a_fault_of_the_filter_is_found(look, old, new, text, harm):
    finding = look((old, new)).the(text, harm)
    assert "sendmail.mc" in finding["cure"]


@pytest.mark.parametrize("all_of_them, own, other, text, harm", [
    ("", "postern", None, None, None),
    ("", "opendkim;postern", None, None, None),
    ("postern", "opendkim", None, "InputMailFilters does not contain", "mail"),
    ("", "postern", "opendkim", "the daemon MSA has InputMailFilters without the filter postern", "no-effect"),
    ("postern", None, "opendkim", "the daemon MSA has InputMailFilters without the filter postern", "no-effect"),
])
def test_filters_of_single_daemons_are_examined(look, all_of_them, own, other, text, harm):
    options = "O DaemonPortOptions=" + (f"InputMailFilters={own}, " if own else "")
    if other:
        options = f"O DaemonPortOptions=Name=MSA, Port=587, M=Ea, InputMailFilters={other}\n" + options
    report = look(("O InputMailFilters=postern", f"O InputMailFilters = {all_of_them}"), ("O DaemonPortOptions=", options))
    if text:
        assert "sendmail.mc" in report.the(text, harm)["cure"]
    else:
        assert report.is_clean(), report


def test_a_socket_where_nothing_answers_is_found(daemon, look):
    away = daemon.socket.with_name("away")
    daemon.socket.rename(away)
    try:
        finding = look().the("Sendmail cannot connect to its socket", "mail")
        assert finding["commands"] == [{"shell": "service postern restart"}]
    finally:
        away.rename(daemon.socket)


def test_a_main_cf_that_a_removed_postfix_has_left_hides_nothing(daemon, good, tmp_path):
    needs_root()
    (tmp_path / "sendmail.cf").write_text(good.replace("O InputMailFilters=postern", "O InputMailFilters="))
    steps = (f"cd {tmp_path} && mkdir u w && mount -t overlay o -o lowerdir=/etc,upperdir=u,workdir=w /etc && "
             "mkdir -p /etc/mail && cp sendmail.cf /etc/mail && echo > /etc/postfix/main.cf && mount -t tmpfs t /usr/sbin && "
             'exec "$@"')
    report = examine(daemon, "postfix", "sendmail", command=[*OWN_MOUNTS, "sh", "-ec", steps, "sh"])
    report.the("/etc/mail/sendmail.cf: InputMailFilters does not contain", "mail")


@pytest.mark.parametrize("name, found", [("MTA", False), ("submission", True)])
def test_sections_need_a_daemon_of_their_name(box, good, tmp_path, name, found):
    daemon, _ = good_set_up(box, start=False, config={f"check {name}": {"helo": "no"}})
    daemon.start()
    (tmp_path / "sendmail.cf").write_text(good)
    report = examine(daemon, "sendmail", "--sendmail-config", tmp_path / "sendmail.cf")
    assert report.has(f"[check {name}]; they have: MTA") == found, report
