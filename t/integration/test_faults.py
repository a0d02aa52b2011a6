"""Every fault is visible: the line in postern -n, the line in status, and both exit statuses, for each kind of fault."""

import os
import shutil
import stat
import subprocess

import pytest

from harness.box import needs_root
from harness.postern import POSTERN, POSTERNCTL, USER
from harness.wait import wait_until

STORE = {"profiles": [{"id": 1, "name": "p", "open": True}],
         "users": [{"id": 1, "username": "bob", "password": "", "froms": "bob@a.example", "profileId": 1}]}
LISTS = {"access.domains": "a.example\n", "mail_from.access.blacklist": "spam@bad.example\n"}
NO_POLICY = "so that a daemon that starts has no policy"


def needs_user():
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")


def check(daemon, *options, **variables):
    """postern -n: its exit status and what it prints."""
    done = subprocess.run([POSTERN, "-n", "-c", daemon.conf, *options], capture_output=True, text=True, check=False,
                          timeout=60, env={**os.environ, **variables})
    return done.returncode, done.stdout + done.stderr


def status(daemon, *options):
    done = subprocess.run([POSTERNCTL, "-c", daemon.conf, "status", *options], capture_output=True, text=True, check=False,
                          timeout=60)
    return done.returncode, done.stdout


@pytest.fixture
def daemon(box):
    return box.postern(start=False, lists=LISTS, store=STORE)


# ---- the configuration -------------------------------------------------------------------------

LONG = "x" * 107

# section, key and value, and what postern -n and a reload report after "FILE:LINE: ".
CONFIG_ERRORS = [
    ("milter", "socket", f"unix:/{LONG}", f"[milter] socket: the path /{LONG} has 108 bytes; that of a socket has at most 107"),
    ("auth", "socket", f"unix:/{LONG}", f"[auth] socket: the path /{LONG} has 108 bytes"),
    ("auth", "saslauthd", f"unix:/{LONG}", f"[auth] saslauthd: the path /{LONG} has 108 bytes"),
    ("auth", "saslauthd", "inet:4444@127.0.0.1", "[auth] saslauthd: it must be a unix socket"),
    ("auth", "inet_socket", "inet:4444@192.0.2.1", "[auth] inet_socket: socket inet:4444@192.0.2.1: logins are served on loopback"),
    ("auth", "inet_socket", "inet:99999@", '"inet:99999@" is not unix:PATH or inet:PORT@HOST; the port must be from 1 to 65535'),
    ("milter", "socket_group", "no-such", "[milter] socket_group: the group 'no-such' does not exist"),
    ("auth", "socket_group", "no-such", "[auth] socket_group: the group 'no-such' does not exist"),
    ("control", "socket_group", "no-such", "[control] socket_group: the group 'no-such' does not exist"),
    ("database", "conninfo", "dbnam=mail", '[database] conninfo: invalid connection option "dbnam"'),
    ("database", "conninfo", "dbname='mail", "[database] conninfo: unterminated quoted string"),
    ("database", "conninfo", "postgresql://h/mail?sslmod=1", '[database] conninfo: invalid URI query parameter: "sslmod"'),
    ("database", "conninfo", "dbnam=mail password=hunter2", "[database] conninfo: libpq cannot read the connection string"),
    ("database", "conninfo", "postgresql://u:hunter2@h/mail?sslmod=1", "[database] conninfo: libpq cannot read the connection"),
]


@pytest.fixture(scope="module")
def running(shared_box):
    """A daemon that the tests of the configuration share: they change nothing that is in force."""
    return shared_box.postern(lists=LISTS, store=STORE)


@pytest.mark.parametrize("section, key, value, text", CONFIG_ERRORS)
def test_an_error_of_the_configuration(running, section, key, value, text):
    good = {name: dict(keys) for name, keys in running.config.items()}
    running.configure({section: {key: value}})
    line = running.conf.read_text().splitlines().index(f"{key} = {value}") + 1
    try:
        code, said = check(running)
        assert code == 78 and f"postern: {running.conf}:{line}: " in said and text in said, said
        mark = running.mark()
        done = subprocess.run([POSTERNCTL, "-c", running.conf, "-s", running.run / "control", "reload"], capture_output=True,
                              text=True, check=False, timeout=60)
        assert done.returncode == 1
        printed = done.stdout + done.stderr
        assert printed.count(text) == 1 and f"{running.conf}:{line}: " in printed, printed
        assert running.log(mark).count(text) == 1
        shown = subprocess.run([POSTERNCTL, "-s", running.run / "control", "status"], capture_output=True, text=True,
                               check=False, timeout=60)
        assert shown.returncode == 1 and text in shown.stdout
        for output in (said, printed, shown.stdout, running.log(mark)):
            assert "hunter2" not in output
    finally:
        running.config = good
        running.configure({})
        assert running.ctl("reload")["ok"]


def test_all_errors_are_reported_at_once(daemon):
    daemon.configure({"milter": {"socket_group": "no-such"}, "control": {"socket_group": "none-such"},
                      "database": {"conninfo": "dbnam=mail"}})
    os.mkfifo(daemon.lists / "rcpt_to.access.whitelist")
    code, said = check(daemon)
    assert code == 78
    for text in ("'no-such' does not exist", "'none-such' does not exist", '"dbnam"', "rcpt_to.access.whitelist: is not"):
        assert said.count(text) == 1, said
    daemon.configure({"check": {"mail": "maybe", "rcpt": "perhaps"}, "chekk": {"a": "b"}})
    code, said = check(daemon)
    assert code == 78
    for text in ('"maybe"', '"perhaps"', "[chekk]"):
        assert said.count(text) == 1, said
    started = subprocess.run([POSTERN, "-f", "-c", daemon.conf], capture_output=True, text=True, check=False, timeout=60)
    assert started.returncode == 78 and "maybe" in started.stderr and "perhaps" in started.stderr


# ---- files -------------------------------------------------------------------------------------


def only_for_root(path):
    os.chown(path, 0, 0)
    path.chmod(0o600)


def folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def fifo(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def dangling(path):
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere")


def nonsense(path):
    path.write_text("{ half")


def bad_login(path):
    path.write_text("# a comment\nbob\n two\n")


HOWS = {"only for root": only_for_root, "folder": folder, "fifo": fifo, "dangling": dangling}
WHYS = {"only for root": "Permission denied", "folder": "is a directory", "fifo": "is not a regular file",
        "dangling": "is a symbolic link to a file that does not exist"}


def make(daemon, name):
    """The path of a file that the daemon reads, which exists."""
    paths = {"list": daemon.lists / "access.domains", "store": daemon.store_path, "keys": daemon.folder / "keys.pem",
             "suspended": daemon.run / "suspended", "limits": daemon.run / "limits.state"}
    if name == "keys":
        daemon.configure({"jwt": {"keys_file": paths[name]}})
    if not paths[name].exists():
        paths[name].write_text("")
    return paths[name]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("name", ["list", "store", "keys", "suspended", "limits"])
def test_a_file_that_cannot_be_read_is_found_beforehand(daemon, name, how):
    """As root, -n reads in a child that is the daemon's user, so that it finds what that user cannot read."""
    needs_user()
    path = make(daemon, name)
    HOWS[how](path)
    code, said = check(daemon)
    assert code == 66, said
    line, = [line for line in said.splitlines() if f"{path}: " in line]
    assert WHYS[how] in line and "a daemon should not start now" in said
    if how == "only for root":
        assert f"{path}: user {USER} cannot read it" in line


def test_the_folder_of_lists(daemon):
    needs_user()
    os.chown(daemon.lists, 0, 0)
    daemon.lists.chmod(0o700)
    code, said = check(daemon)
    assert code == 66 and f"{daemon.lists}: user {USER} cannot read it, {NO_POLICY}: Permission denied" in said
    moved = daemon.lists.rename(daemon.folder / "away")
    code, said = check(daemon)
    assert code == 66 and f"{daemon.lists}: the directory does not exist, {NO_POLICY}" in said
    moved.rename(daemon.lists)
    daemon.lists.chmod(0o755)
    assert check(daemon)[0] == 0
