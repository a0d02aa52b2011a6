"""Access to sockets: inet sockets are on loopback unless allow_remote is set, and sockets for strangers are reported."""

import socket
import subprocess

import pytest

from harness.ports import free_port
from harness.postern import POSTERN, POSTERNCTL


def status(daemon, *args):
    return subprocess.run([POSTERNCTL, "-c", daemon.conf, "status", *args], capture_output=True, text=True, check=False)


def notes(daemon):
    return [one["note"] for one in daemon.ctl("status")["notes"]]


def closed(**config):
    """Settings without a socket for strangers, changed by config."""
    sections = {"milter": {"socket_mode": "0600"}, "auth": {"socket_mode": "0600"}, "control": {"socket_mode": "0600"}}
    for section, keys in config.items():
        sections[section] = {**sections.get(section, {}), **keys}
    return sections


@pytest.mark.parametrize("host, kind", [("0.0.0.0", "inet"), ("::", "inet6"), ("::ffff:0.0.0.0", "inet6")])
def test_a_milter_socket_for_other_machines_needs_allow_remote(box, host, kind):
    port = free_port()
    daemon = box.postern(start=False, config=closed(milter={"socket": f"{kind}:{port}@{host}"}))
    code, text = daemon.check_config()
    assert code == 78 and f"{daemon.conf}:2: [milter] socket: {kind}:{port}@{host}: other machines may reach" in text
    assert "allow_remote = yes" in text
    done = subprocess.run([POSTERN, "-f", "-c", daemon.conf], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode not in (0, -6, -11) and "allow_remote = yes" in done.stderr, done
    daemon.configure({"milter": {"allow_remote": "yes"}})
    code, text = daemon.check_config()
    assert code == 0 and "note: " in text and "every machine that reaches the socket can act as the MTA" in text, text


def test_remote_machines_can_be_allowed(box):
    port = free_port()
    daemon = box.postern(start=False, config=closed(milter={"socket": f"inet:{port}@0.0.0.0", "allow_remote": "yes"}))
    daemon.port, daemon.socket = port, None
    daemon.start()
    with daemon.milter() as milter:
        milter.connect("mail.ok.example", "192.0.2.1")
    assert [note for note in notes(daemon) if "[milter] allow_remote: every machine" in note]
    # A reload with a socket that could not be opened is refused, so that a restart would fail in the same way.
    daemon.configure({"milter": {"allow_remote": "no"}})
    answer = daemon.ctl("reload", check=False)
    assert not answer["ok"] and "other machines may reach" in answer["error"]


@pytest.mark.parametrize("kind, host", [("inet", "localhost"), ("inet", "127.0.0.1"), ("inet6", "::1"),
                                        ("inet6", "[::1]")])
def test_loopback_is_pointed_out(box, kind, host):
    family, address = (socket.AF_INET6, "::1") if kind == "inet6" else (socket.AF_INET, "127.0.0.1")
    port = free_port()
    try:
        socket.create_server((address, 0), family=family).close()
    except OSError:
        pytest.skip(f"needs {address}")
    daemon = box.postern(start=False, config=closed(milter={"socket": f"{kind}:{port}@{host}"}))
    daemon.start(ready=lambda: "ready version" in daemon.log())
    socket.create_connection((address, port), timeout=20).close()
    assert len(notes(daemon)) == 1 and "every process of this machine can connect" in notes(daemon)[0]
    assert status(daemon).returncode == 0 and status(daemon, "--strict").returncode == 1
    code, text = daemon.check_config()
    assert code == 0 and "note: " in text and "every process of this machine can connect" in text, text
    assert daemon.log().count("every process of this machine can connect") == 1


@pytest.mark.parametrize("section, keys, key", [
    ("control", {"socket_mode": "0666"}, "socket_mode"),
    ("control", {"socket_mode": "0604"}, "socket_mode"),
    ("milter", {"socket_mode": "0666"}, "socket_mode"),
    ("auth", {"socket_mode": "0666"}, "socket_mode"),
    ("auth", {"inet_socket": "inet:PORT@127.0.0.1"}, "inet_socket"),
])
def test_other_sockets_for_strangers_are_pointed_out(box, section, keys, key):
    keys = {name: value.replace("PORT", str(free_port())) for name, value in keys.items()}
    daemon = box.postern(config=closed(**{section: keys}))
    assert len(notes(daemon)) == 1 and f"[{section}] {key}: " in notes(daemon)[0], notes(daemon)
    shown = status(daemon)
    assert shown.returncode == 0 and f"[{section}] {key}: " in shown.stdout
    assert status(daemon, "--strict").returncode == 1
    assert f"[{section}] {key}: " in daemon.check_config()[1]
    assert f"note: {daemon.conf}:" in daemon.log() and f"[{section}] {key}: " in daemon.log()


def test_sockets_for_the_mta_alone_are_not(box):
    daemon = box.postern(config=closed())
    assert notes(daemon) == []
    assert status(daemon, "--strict").returncode == 0


@pytest.mark.parametrize("name", ["postern.sock", "auth", "mux", "control"])
def test_rights_of_a_socket_that_are_changed_after_the_start_are_noted(box, name):
    """A restart undoes the change, and until then others may have become the MTA or the administrator."""
    daemon = box.postern(config=closed())
    path = daemon.run / name
    path.chmod(0o666)
    assert [f"{path}: the rights of this socket were changed" in note for note in notes(daemon)] == [True], notes(daemon)
    assert "every user of this machine can connect" in notes(daemon)[0]
    assert status(daemon, "--strict").returncode == 1
    path.chmod(0o640)
    assert "mode 0640" in notes(daemon)[0] and "every user" not in notes(daemon)[0], notes(daemon)
    path.chmod(0o600)
    assert notes(daemon) == []
