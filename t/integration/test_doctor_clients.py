"""A gateway from whose address all clients seem to come: the daemon warns, and posternctl doctor finds an open relay."""

import pytest

from harness.doctor import examine, good_set_up, paste

HIDDEN = "it seems to be a gateway that hides the clients' addresses"


@pytest.fixture
def running(box):
    daemon, mta = good_set_up(box, start=False)
    daemon.start()
    return daemon, mta


def connect(daemon, address, times=70, names=20):
    for number in range(times):
        with daemon.milter() as milter:
            milter.connect("[" + address + "]", address)
            milter.helo(f"mx{number % names}.example")
            milter.mail("<>")
            milter.quit()


@pytest.mark.parametrize("gateway", ["172.17.0.1", "fd00:dead::1"])
def test_a_gateway_is_found(running, gateway):
    """In the log once, in the status, and by doctor, until the sessions have other addresses."""
    daemon, mta = running
    connect(daemon, gateway)
    finding = examine(daemon, mta=mta).the(HIDDEN, "mail")
    assert gateway in finding["problem"] and "PROXY protocol" in finding["cure"]
    daemon.wait_log(f"sessions gateway={gateway}")
    assert daemon.ctl("status")["sessions"]["gateway"] == {"address": gateway, "sessions": 70, "of": 70}
    connect(daemon, gateway, times=130)
    assert daemon.log().count("sessions gateway=") == 1
    connect(daemon, "192.0.2.7", times=40)
    assert daemon.ctl("status")["sessions"]["gateway"] is None
    assert examine(daemon, mta=mta).is_clean()


@pytest.mark.parametrize("networks, rest", [
    ("127.0.0.0/8 172.16.0.0/12 [::1]/128", "127.0.0.0/8 [::1]/128"),
    ("172.17.0.1, 127.0.0.0/8", "127.0.0.0/8"),
])
def test_a_gateway_that_may_relay_is_found(running, networks, rest):
    daemon, mta = running
    mta.configure(mynetworks=networks)
    assert examine(daemon, "clients", mta=mta).is_clean()
    connect(daemon, "172.17.0.1")
    finding = examine(daemon, "clients", mta=mta).the("mynetworks contains 172.17.0.1", "mail")
    assert "open relay" in finding["effect"]
    paste(dict(finding, commands=finding["commands"][:1]))
    assert examine(daemon, "clients", mta=mta).is_clean()
    assert f"mynetworks = {rest}\n" in (mta.folder / "etc/main.cf").read_text()


def test_other_clients_raise_no_alarm(running):
    daemon, mta = running
    connect(daemon, "10.0.0.5", names=3)  # one program that sends much
    assert examine(daemon, mta=mta).is_clean()
    connect(daemon, "198.51.100.7", times=250)
    assert examine(daemon, mta=mta).is_clean()


def test_an_exempt_gateway_raises_no_alarm(running):
    daemon, mta = running
    daemon.configure({"check": {"exempt": "127.0.0.0/8 10.8.0.1"}})
    daemon.ctl("reload")
    connect(daemon, "10.8.0.1")
    assert examine(daemon, mta=mta).is_clean()


@pytest.mark.parametrize("hosts, rest", [("0.0.0.0/0 [::]/0", ""), ("127.0.0.1, 10.0.0.0/7", "127.0.0.1"), ("[2000::]/3", ""),
                                         ("192.0.2.7 static:all", "192.0.2.7")])
def test_xclient_for_everybody_is_found(box, hosts, rest):
    """Whoever may use XCLIENT has any login that he names."""
    daemon, mta = good_set_up(box, start=False, parameters={"smtpd_authorized_xclient_hosts": hosts})
    daemon.start()
    finding = examine(daemon, "clients", mta=mta).the("smtpd_authorized_xclient_hosts lets everybody", "security")
    paste(dict(finding, commands=finding["commands"][:1]))
    assert examine(daemon, "clients", mta=mta).is_clean()
    assert f"smtpd_authorized_xclient_hosts = {rest}\n" in (mta.folder / "etc/main.cf").read_text()


def test_xclient_for_a_proxy_raises_no_alarm(box):
    daemon, mta = good_set_up(box, start=False, parameters={
        "smtpd_authorized_xclient_hosts": "127.0.0.0/8 10.1.2.0/24 [2001:db8::7] proxy.example hash:/etc/proxies"})
    daemon.start()
    assert examine(daemon, "clients", mta=mta).is_clean()
