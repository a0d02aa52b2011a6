"""postern -n finds what keeps the daemon from opening its sockets and its pid file: other programs, and slips in paths."""

import grp
import os
import pwd
import shutil
import socket
import subprocess
import sys

import pytest

from harness.box import needs_mounts, needs_root
from harness.packages import OWN_MOUNTS
from harness.ports import free_port
from harness.postern import POSTERN, USER

UNIX = {"milter": "socket", "auth": "saslauthd", "control": "socket"}


@pytest.fixture(scope="module")
def daemon(shared_box):
    daemon = shared_box.postern(start=False)
    daemon.create()
    return daemon


def check(daemon, before="", **config):
    """postern -n with these settings instead, perhaps after a command of the shell in a mount namespace."""
    original = {section: dict(keys) for section, keys in daemon.config.items()}
    daemon.configure(config)
    argv = [POSTERN, "-n", "-c", daemon.conf]
    if before:
        argv = [*OWN_MOUNTS, "sh", "-c", before + '; exec "$@"', "sh", *argv]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    daemon.config = original
    daemon.configure({})
    return done.returncode, done.stdout + done.stderr


def test_another_program_that_serves_a_unix_socket_is_found(daemon):
    for section, key in UNIX.items():
        path = daemon.folder / section
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            value = str(path) if section == "control" else f"unix:{path}"
            assert "another program" not in check(daemon, **{section: {key: value}})[1]  # nobody listens yet
            other.listen()
            code, said = check(daemon, **{section: {key: value}})
        assert code == 66 and f"[{section}] {key}: another program (" in said and f"process {os.getpid()})" in said, said
        path.unlink()


def test_another_program_that_serves_a_port_is_found(daemon):
    needs_root()  # others cannot see whose socket it is
    for section, key in {"milter": "socket", "auth": "inet_socket"}.items():
        with socket.create_server(("127.0.0.1", 0)) as other:
            value = f"inet:{other.getsockname()[1]}@127.0.0.1"
            code, said = check(daemon, **{section: {key: value}})
        assert code == 66 and f"[{section}] {key}: another program (" in said and f"process {os.getpid()})" in said, said
        assert check(daemon, **{section: {key: value}})[0] == 0


def test_an_address_that_the_machine_lacks_is_found(daemon):
    code, said = check(daemon, milter={"socket": "inet:8894@192.0.2.1", "allow_remote": "yes"})
    assert code == 66 and "[milter] socket: cannot be opened, so that the daemon does not start: Cannot assign" in said, said


def test_the_daemon_itself_is_no_other_program(box):
    daemon = box.postern(inet=True, config={"auth": {"inet_socket": f"inet:{free_port()}@127.0.0.1"}})
    code, said = check(daemon)
    assert code == 0 and "another program" not in said, said


def test_a_second_daemon_with_the_same_sockets_is_noted(box):
    """The second one would not start, unless somebody only tries a copy of the configuration."""
    daemon = box.postern(config={"milter": {"pid_file": "run/pid"}})
    copy = daemon.folder / "copy.conf"
    copy.write_text(daemon.conf.read_text())
    link = daemon.folder / "link.conf"
    link.symlink_to(daemon.conf)
    for conf, is_noted in ((copy, True), (link, False), (daemon.conf, False)):
        done = subprocess.run([POSTERN, "-n", "-c", conf], capture_output=True, text=True, check=False, timeout=60)
        said = f"a daemon with another configuration (process {daemon.process.pid}, {daemon.conf}) serves it"
        assert done.returncode == 0 and done.stderr.count(said) == (4 if is_noted else 0), done.stderr


@pytest.mark.parametrize("section", ["milter", "auth", "control"])
def test_a_group_that_an_unprivileged_daemon_lacks_is_found(daemon, section):
    """Without root's rights, the daemon can give its sockets only groups of its own user."""
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    daemon.configure({section: {"socket_group": "mail"}})
    for more, code in (("--clear-groups", 66), (f"--groups={grp.getgrnam('mail').gr_gid}", 0)):
        user = pwd.getpwnam(USER)
        argv = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", more, POSTERN, "-n", "-c", daemon.conf]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        said = f"[{section}] socket_group: user {user.pw_uid} cannot give a socket the group 'mail', so that the daemon does not start"
        assert (done.returncode, said in done.stderr) == (code, code == 66), done.stderr
    daemon.configure({section: {"socket_group": None}})


def test_a_socket_that_is_removed_or_replaced_is_a_problem(box):
    """The MTA no longer reaches the daemon there; another program may get its mail and passwords."""
    daemon = box.postern(config={"milter": {"socket_mode": "0660", "pid_file": "run/pid"}, "auth": {"socket_mode": "0660"}})
    assert daemon.ctl("status", parse=False).startswith("no problems")
    (daemon.run / "auth").unlink()
    daemon.socket.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(daemon.socket))
        other.listen()
        shown = daemon.ctl("status", parse=False, check=False)
        code, said = check(daemon)
    assert shown.startswith("2 problems") and f"{daemon.socket}: the file of this socket has been replaced" in shown, shown
    assert f"{daemon.run}/auth: the file of this socket is gone" in shown, shown
    assert code == 66 and "[milter] socket: another program (" in said, said
    (daemon.run / "pid").write_text("1\n")
    daemon.stop()
    assert daemon.socket.is_socket() and (daemon.run / "pid").exists(), "the daemon has removed what is not its own"
    assert not (daemon.run / "control").exists()


@pytest.mark.skipif(not USER, reason="needs root, and another user for the daemon")
def test_a_socket_behind_a_directory_that_only_root_may_pass_is_a_problem(box):
    """The user of the MTA does not reach it, and nor does the daemon's own."""
    daemon = box.postern(start=False, config={"milter": {"socket": "unix:mta/sock", "socket_mode": "0660"}, "auth": {"socket_mode": "0660"}})
    folder = daemon.folder / "mta"
    folder.mkdir()
    shutil.chown(folder, USER)
    daemon.socket = folder / "sock"
    daemon.start()
    assert daemon.ctl("status", parse=False).startswith("no problems")
    os.chown(folder, 0, 0)
    folder.chmod(0o700)
    shown = daemon.ctl("status", parse=False, check=False)
    assert shown.startswith("1 problem") and f"{daemon.socket}: the daemon cannot look at this socket any more" in shown, shown
    shutil.chown(folder, USER)
    assert daemon.ctl("status", parse=False).startswith("no problems")


def test_a_place_where_the_daemon_could_not_listen_is_found(daemon):
    """Something that is no server of streams is in the way."""
    path = daemon.folder / "control"
    for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as other:
            other.bind(str(path))
            if kind == socket.SOCK_SEQPACKET:
                other.listen()
            code, said = check(daemon, control={"socket": str(path)})
        assert code == 66 and "[control] socket: another program uses it" in said, said
        path.unlink()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        code, said = check(daemon, milter={"socket": f"inet:{other.getsockname()[1]}@127.0.0.1"})
    assert code == 66 and "[milter] socket: another program uses it" in said, said


def test_the_name_of_a_process_does_not_make_it_a_daemon(daemon):
    needs_root()
    port = free_port()
    program = (f"import ctypes, socket; s = socket.create_server(('127.0.0.1', {port})); "
               "ctypes.CDLL(None).prctl(15, b'postern', 0, 0, 0); print(flush=True); input()")
    with subprocess.Popen(["setpriv", "--reuid=12345", "--clear-groups", sys.executable, "-c", program],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        code, said = check(daemon, milter={"socket": f"inet:{port}@127.0.0.1"})
        other.stdin.close()
    assert code == 66 and f"another program (postern, process {other.pid}) serves it" in said, said


PORT = 8894
SAME = [
    ({"milter": {"socket": f"inet:{PORT}@0.0.0.0", "allow_remote": "yes"}, "auth": {"inet_socket": f"inet:{PORT}@127.0.0.1"}},
     "[auth] inet_socket: [milter] socket has the same address"),
    ({"milter": {"socket": f"inet:{PORT}@127.0.0.1"}, "auth": {"inet_socket": f"inet:{PORT}@localhost"}},
     "[auth] inet_socket: [milter] socket has the same address"),
    ({"milter": {"socket": "unix:run/x"}, "auth": {"socket": "unix:run/../run/x"}}, "[auth] socket: [milter] socket has the same path"),
    ({"milter": {"socket": "unix:run/x"}, "control": {"socket": "run//x"}}, "[control] socket: [milter] socket has the same path"),
    ({"control": {"socket": "link/x"}, "auth": {"saslauthd": "unix:run/x"}}, "[auth] saslauthd: [control] socket has the same path"),
    ({"limits": {"state": "run/x"}, "auth": {"suspensions": "run/x"}}, "[auth] suspensions: [limits] state has the same path"),
    ({"limits": {"state": "run/x"}, "milter": {"pid_file": "run/./x"}}, "[limits] state: [milter] pid_file has the same path"),
    ({"limits": {"state": "run/x"}, "store": {"path": "run/x"}}, "[store] path: [limits] state has the same path"),
    ({"control": {"socket": "run/x"}, "auth": {"suspensions": "run/x"}}, "[auth] suspensions: [control] socket has the same path"),
]


@pytest.mark.parametrize("config, text", SAME)
def test_two_settings_with_one_place_are_found(daemon, config, text):
    link = daemon.folder / "link"
    if not link.is_symlink():
        link.symlink_to("run")
    code, said = check(daemon, **config)
    assert code == 66 and text in said, said


def test_a_file_that_is_no_pid_file_is_not_replaced(daemon):
    """A slip in [milter] pid_file must not cost a file: root's start replaces what is there."""
    path = daemon.run / "precious"
    for text, code in (("[milter]\n", 66), ("1" * 32, 66), ("", 0), ("4711\n", 0)):
        path.write_text(text)
        assert check(daemon, milter={"pid_file": path})[0] == code, text
    path.write_text("[milter]\n")
    done = subprocess.run([POSTERN, "-f", "-c", daemon.conf, "-P", path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 73 and f"pid file {path}: is not a file with a process id" in done.stderr, done
    assert path.read_text() == "[milter]\n"


@pytest.mark.parametrize("section, key", [("milter", "socket"), ("milter", "pid_file"), ("control", "socket")])
def test_a_file_system_that_cannot_be_written_is_found(daemon, section, key):
    needs_mounts()
    folder = daemon.folder / "full"
    folder.mkdir(exist_ok=True)
    value = f"unix:{folder}/x" if (section, key) == ("milter", "socket") else f"{folder}/x"
    code, said = check(daemon, before=f"mount -t tmpfs -o ro none {folder}", **{section: {key: value}})
    assert code == 66 and f"{key}: cannot be created in {folder}, so that the daemon does not start: Read-only" in said, said


def test_suspensions_that_everybody_may_change_are_pointed_out(daemon):
    path = daemon.run / "suspended"
    path.touch()
    for mode, is_noted in ((0o666, True), (0o644, False)):
        path.chmod(mode)
        code, said = check(daemon)
        noted = f"{path}: its mode is 0666, so that every user of this machine can suspend logins or end their suspension"
        assert code == 0 and (noted in said) == is_noted, said
    path.unlink()
