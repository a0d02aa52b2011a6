"""Every fault is visible: the line in postern -n, the line in status, and both exit statuses, for each kind of fault."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.box import needs_mounts, needs_root
from harness.packages import OWN_MOUNTS
from harness.postern import POSTERN, POSTERNCTL, USER
from harness.wait import wait_until

STORE = {"profiles": [{"id": 1, "name": "p", "open": True}],
         "users": [{"id": 1, "username": "bob", "password": "", "froms": "bob@a.example", "profileId": 1}]}
LISTS = {"access.domains": "a.example\n", "mail_from.access.blacklist": "spam@bad.example\n"}
TIGHT = {"milter": {"socket_mode": "0660"}, "auth": {"socket_mode": "0660"}, "lists": {"local_domains": "own.example"}}
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
    assert f"{daemon.conf}: 3 errors, 1 problem" in said
    daemon.configure({"check": {"mail": "maybe", "rcpt": "perhaps"}, "chekk": {"a": "b"}})
    code, said = check(daemon)
    assert code == 78
    for text in ('"maybe"', '"perhaps"', "[chekk]"):
        assert said.count(text) == 1, said
    assert f"{daemon.conf}: 3 errors\n" in said
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
    assert line.startswith("error: ") and WHYS[how] in line and "a daemon should not start now" in said
    if how == "only for root":
        assert f"{path}: user {USER} cannot read it" in line


@pytest.mark.parametrize("section, key, value", [
    ("milter", "socket", "unix:absent/postern.sock"), ("milter", "pid_file", "absent/pid"),
    ("control", "socket", "absent/control"), ("auth", "socket", "unix:absent/below/auth"),
    ("auth", "saslauthd", "unix:absent/below/mux"), ("auth", "inet_socket", "unix:absent/below/auth"),
    ("auth", "saslauthd", "unix:run/below/mux"),  # this one is created
])
def test_the_folder_of_a_socket(daemon, section, key, value):
    daemon.configure({section: {key: value}})
    line = daemon.conf.read_text().splitlines().index(f"{key} = {value}") + 1
    code, said = check(daemon)
    absent = f"{daemon.conf}:{line}: [{section}] {key}: cannot be created in {daemon.folder}/absent, so that the daemon does not start"
    assert (code, absent in said) == ((66, True) if "absent" in value else (0, False)), said


@pytest.mark.parametrize("section, key, value", [
    ("milter", "socket", "unix:taken"), ("control", "socket", "taken"), ("auth", "socket", "unix:taken"),
    ("auth", "saslauthd", "unix:taken"), ("milter", "pid_file", "taken"),
])
def test_a_path_at_which_there_is_something_else(daemon, section, key, value):
    """A daemon would not start, so that a restart must not stop the one that runs."""
    daemon.configure({section: {key: value}})
    taken = daemon.folder / "taken"
    taken.mkdir()
    line = daemon.conf.read_text().splitlines().index(f"{key} = {value}") + 1
    code, said = check(daemon)
    assert code == 66 and f"{daemon.conf}:{line}: [{section}] {key}: {taken} " in said, said
    assert "remove it, or set another path" in said
    taken.rmdir()
    assert check(daemon)[0] == 0
    taken.write_text("")
    assert check(daemon)[0] == (0 if key == "pid_file" else 66)
    taken.unlink()
    taken.symlink_to("elsewhere")  # the daemon replaces its old process id without following a link
    assert check(daemon)[0] == (0 if key == "pid_file" else 66)
    taken.unlink()
    os.mkfifo(taken)
    assert check(daemon)[0] == 66


def test_the_process_id_of_the_command_line(daemon):
    """-P has precedence over pid_file, also where the daemon could not write to that."""
    daemon.configure({"milter": {"pid_file": "absent/pid"}})
    path = daemon.folder / "pid"
    assert check(daemon)[0] == 66
    assert check(daemon, "-P", path)[0] == 0
    path.mkdir()
    code, said = check(daemon, "-P", path)
    assert code == 66 and f"error: -P: {path} is not a file with a process id, so that the daemon does not start" in said, said
    code, said = check(daemon, "-P", daemon.folder / "gone" / "pid")
    assert code == 66 and f"error: -P: cannot be created in {daemon.folder}/gone, so that the daemon does not" in said, said


def test_a_folder_that_is_a_file(daemon):
    needs_user()
    (daemon.folder / "file").write_text("")
    daemon.configure({"control": {"socket": "file/control"}})
    code, said = check(daemon)
    assert code == 66 and f"[control] socket: cannot be created in {daemon.folder}/file, so that" in said, said


def test_two_settings_with_one_path(daemon):
    daemon.configure({"control": {"socket": "run/auth"}})
    code, said = check(daemon)
    assert code == 66 and "[auth] socket: [control] socket has the same path, so that the daemon cannot use both" in said, said


@pytest.mark.parametrize("plant, code", [
    ("true", 0), ("ln -s {0} /run/postern/saslauthd", 66), ("ln -s gone /run/postern/saslauthd", 66),
    ("touch /run/postern/saslauthd", 66), ("install -d -o {1} /run/postern/saslauthd", 0),
])
def test_what_is_in_the_place_of_the_default_folder(daemon, plant, code):
    needs_user()
    needs_mounts()
    daemon.configure({"auth": {"saslauthd": None}})
    secret = daemon.folder / "secret"
    secret.mkdir(mode=0o700)
    script = (f"mount -t tmpfs none /run && install -d -o {USER} /run/postern && {plant.format(secret, USER)} && "
              f"exec {POSTERN} -n -c {daemon.conf}")
    done = subprocess.run([*OWN_MOUNTS, "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("cannot be created in /run/postern/saslauthd, so that" in done.stdout + done.stderr) == (code != 0)


@pytest.mark.parametrize("how", ["only for root", "folder", "dangling", "gone"])
def test_the_public_suffix_list(daemon, how):
    needs_user()
    path = daemon.folder / "suffixes"
    shutil.copy("/usr/share/publicsuffix/public_suffix_list.dat", path)
    daemon.configure({"lists": {"public_suffix_list": "suffixes"}})
    assert check(daemon)[0] == 0
    HOWS.get(how, Path.unlink)(path)
    code, said = check(daemon)
    assert code == 66 and f"{path}: " in said, said


def test_the_folder_of_lists(daemon):
    needs_user()
    os.chown(daemon.lists, 0, 0)
    daemon.lists.chmod(0o700)
    code, said = check(daemon)
    assert code == 66 and f"{daemon.lists}: user {USER} cannot read it, {NO_POLICY}: Permission denied" in said
    moved = daemon.lists.rename(daemon.folder / "away")
    code, said = check(daemon)
    assert code == 66 and f"{daemon.lists}: the directory does not exist, so that all lists are empty" in said
    moved.rename(daemon.lists)
    daemon.lists.chmod(0o755)
    assert check(daemon)[0] == 0


@pytest.mark.parametrize("mode, is_open", [(0o711, False), (0o733, True)])
def test_a_folder_of_lists_that_cannot_be_listed(daemon, mode, is_open):
    """The lists can be read, but a mistyped name of one is not found."""
    needs_user()
    os.chown(daemon.lists, 0, 0)
    daemon.lists.chmod(mode)
    code, said = check(daemon)
    assert code == 0 and f"{daemon.lists}: the directory cannot be listed" in said and ", 1 problem" in said
    assert ("add a list" in said) == is_open
    daemon.start()
    assert status(daemon)[0] == 1
    daemon.lists.chmod(0o755)
    wait_until(lambda: status(daemon)[0] == 0, "the directory is listed again")


# ---- while it runs -----------------------------------------------------------------------------


def hide(path):
    """Make a file, or a folder, one that only root can use."""
    os.chown(path, 0, 0)
    path.chmod(0o700 if path.is_dir() else 0o600)


def away(path):
    path.rename(path.with_name("away"))


# the change, its path, and the text in the section lists
LIST_FAULTS = {
    "a file that only root may read": (hide, "access.domains", "access.domains: Permission denied"),
    "a folder in its place": (folder, "access.domains", "access.domains: is a directory"),
    "a fifo in its place": (fifo, "access.domains", "access.domains: is not a regular file"),
    "a link to nothing in its place": (dangling, "access.domains", "access.domains: is a symbolic link to a file that does not"),
    "a folder that only root may search": (hide, ".", "list files cannot be used"),
    "a folder that is gone": (away, ".", "/lists: the directory of the lists does not exist"),
}


@pytest.mark.parametrize("case", LIST_FAULTS)
def test_a_list_that_becomes_unreadable_is_reported_without_a_reload(box, case):
    needs_user()
    do, name, text = LIST_FAULTS[case]
    daemon = box.postern(lists=LISTS, store=STORE)
    assert status(daemon)[0] == 0
    do(daemon.lists / name)
    wait_until(lambda: status(daemon)[0] == 1, "status exits with 1")
    shown = status(daemon)[1]
    assert text in shown and "\n  lists: " in shown, shown
    failed = daemon.ctl("reload", check=False)
    assert not failed["ok"] and (text in failed["error"] or name == "."), failed
    assert daemon.ctl("status")["lists"]["entries"]["access.domains"] == 1  # what was read stays in force


def below_a_closed_folder(lists):
    closed = lists.rename(lists.with_name("closed"))
    lists.mkdir()
    hide(lists)
    closed.rename(lists / "lists")
    return lists / "lists"


def replaced_by(make):
    def replace(lists):
        away(lists)
        make(lists)
        return lists
    return replace


UNREACHABLE = {
    "below a folder that only root may search": below_a_closed_folder,
    "a file in its place": replaced_by(Path.touch),
    "a link to nothing in its place": replaced_by(dangling),
    "a loop of links in its place": replaced_by(lambda path: path.symlink_to(path)),
}


@pytest.mark.parametrize("case", UNREACHABLE)
def test_a_daemon_that_cannot_reach_its_lists_has_no_policy(box, case):
    """Empty lists in their place would let everybody pass whom they refuse."""
    needs_user()
    daemon = box.postern(lists=LISTS, start=False)
    daemon.create()
    path = UNREACHABLE[case](daemon.lists)
    daemon.configure({"lists": {"directory": path}})
    code, said = check(daemon)
    assert code == 66 and f"{path}: " in said and NO_POLICY in said
    daemon.start(ready=lambda: "policy=none" in daemon.log())
    shown = status(daemon)[1]
    assert "no policy is in force" in shown and f"{path}" in shown and "does not exist; lists" not in shown, shown


def test_a_list_that_disappears_is_a_problem_until_a_reload_confirms_it(box):
    daemon = box.postern(lists=LISTS, store=STORE)
    (daemon.lists / "access.domains").unlink()
    wait_until(lambda: status(daemon)[0] == 1, "status exits with 1")
    text = "access.domains: the file has disappeared, so that the list is empty"
    assert text in status(daemon)[1]
    daemon.wait_log(text)
    answer = daemon.ctl("reload")
    assert answer["ok"] and answer["problem_count"] == 0
    assert status(daemon)[0] == 0
    daemon.write_list("access.domains", "a.example\n")
    daemon.ctl("reload")
    away(daemon.lists / "access.domains")
    wait_until(lambda: status(daemon)[0] == 1, "it is reported again")
    (daemon.lists / "away").rename(daemon.lists / "access.domains")
    wait_until(lambda: status(daemon)[0] == 0, "the file is back")


@pytest.mark.parametrize("how", [*HOWS, "nonsense", "gone"])
def test_a_store_that_becomes_unreadable_is_reported_without_a_reload(box, how):
    needs_user()
    daemon = box.postern(lists=LISTS, store=STORE)
    {**HOWS, "nonsense": nonsense, "gone": Path.unlink}[how](daemon.store_path)
    text = f"\n  store: the store file cannot be read or written: {daemon.store_path}: "
    wait_until(lambda: text in "\n" + status(daemon)[1], "status reports it")
    code, shown = status(daemon)
    assert code == 1, shown
    assert WHYS.get(how, "") in shown and daemon.ctl("status")["cache"]["users"] == 1
    assert str(daemon.store_path) in daemon.ctl("reload", check=False)["error"]
    assert daemon.ctl("status")["cache"]["users"] == 1


# ---- the store ---------------------------------------------------------------------------------


def test_a_mistyped_store_is_a_problem(box):
    daemon = box.postern(lists=LISTS, config={"store": {"path": "run/stor.json"}})
    text = f"[store] path: {daemon.run}/stor.json does not exist, so that no rules of users are in force"
    line = daemon.conf.read_text().splitlines().index("path = run/stor.json") + 1
    code, said = check(daemon)
    assert code == 66 and f"{daemon.conf}:{line}: {text}" in said
    code, shown = status(daemon)
    assert code == 1 and f"{daemon.conf}:{line}: {text}" in shown
    assert text in daemon.log()
    assert text in daemon.ctl("reload")["problems"][0]


def test_no_store_at_the_default_path_is_a_note(box):
    daemon = box.postern(lists=LISTS, config={"store": {"path": None}, **TIGHT})
    assert not Path("/var/lib/postern/store.json").exists()
    text = "there is no database and no store (/var/lib/postern/store.json)"
    code, said = check(daemon)
    assert code == 0 and f"note: {text}" in said and "no error, 0 problems, 1 note" in said
    code, shown = status(daemon)
    assert code == 0 and text in shown and "\n1 note\n" in shown
    assert status(daemon, "--strict")[0] == 1 and status(daemon, "--strict", "--json")[0] == 1
    assert text in daemon.ctl("reload")["notes"][0]


# ---- postern.conf and its files -----------------------------------------------------------------------


def test_a_change_of_the_configuration_without_a_reload_is_a_problem(box):
    daemon = box.postern(lists=LISTS, store=STORE, config=TIGHT)
    os.utime(daemon.conf)  # the text is the same
    assert status(daemon)[0] == 0
    daemon.conf.write_text(daemon.conf.read_text() + "# a comment\n")
    code, said = status(daemon)
    assert code == 1 and f"{daemon.conf} has been changed since it was read" in said
    daemon.ctl("reload")
    assert status(daemon)[0] == 0


def test_a_secret_that_was_replaced_without_a_reload_is_a_problem(box):
    """Otherwise the old one stays in force, and nobody knows."""
    daemon = box.postern(start=False, lists=LISTS, store=STORE, config={**TIGHT, "jwt": {"secret_file": "secret", "profile": "p"}})
    secret = daemon.folder / "secret"
    secret.write_text("a shared secret of more than 32 bytes\n")
    secret.chmod(0o600)
    if USER:
        shutil.chown(secret, USER)
    daemon.start()
    os.utime(secret)
    assert status(daemon)[0] == 0
    secret.write_text("another shared secret, after the first was stolen\n")
    code, said = status(daemon)
    assert code == 1 and f"{secret} has been changed since it was read, and the changes are not in force" in said
    daemon.ctl("reload")
    assert status(daemon)[0] == 0


def test_files_that_the_next_start_of_its_own_user_lacks_are_problems(box):
    """As where systemd starts the daemon."""
    needs_user()
    daemon = box.postern(start=False, lists=LISTS, store=STORE, config={**TIGHT, "jwt": {"secret_file": "secret"}})
    secret = daemon.folder / "secret"
    secret.write_text("a shared secret of more than 32 bytes\n")
    secret.chmod(0o600)
    shutil.chown(secret, USER)
    daemon.process.user = USER
    daemon.start()
    hide(daemon.conf)
    secret.unlink()
    code, said = status(daemon)
    assert code == 1 and f"{daemon.conf}: the daemon cannot read it, so that reloads and the next start will fail" in said
    assert f"{secret}: does not exist, so that reloads and the next start will fail" in said


# ---- sockets and suspensions ----------------------------------------------------------------------


def test_tight_sockets_cause_no_note(box):
    daemon = box.postern(lists=LISTS, store=STORE, config=TIGHT)
    assert status(daemon, "--strict")[0] == 0
    assert check(daemon)[1].endswith("no error, 0 problems\n")


def test_rules_that_need_local_domains_are_noted(box):
    daemon = box.postern(lists=LISTS, store=STORE, config={**TIGHT, "lists": {}})
    text = "access.domains:1: not applied to senders and recipients without a domain"
    code, said = check(daemon)
    assert code == 0 and f"note: {text}" in said and "no error, 0 problems, 1 note" in said
    assert status(daemon)[0] == 0 and text in status(daemon)[1] and status(daemon, "--strict")[0] == 1
    assert text in daemon.ctl("reload")["notes"][0]


def test_a_bad_line_of_the_suspended_logins(daemon):
    bad_login(daemon.run / "suspended")
    code, said = check(daemon)
    assert code == 66 and f"{daemon.run}/suspended:3: a line cannot begin or end with a space" in said
    started = subprocess.run([POSTERN, "-f", "-c", daemon.conf], capture_output=True, text=True, check=False, timeout=60)
    assert started.returncode == 65 and f"{daemon.run}/suspended:3: " in started.stderr


# ---- posternctl suspend ------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["bob ", " bob", "\tbob", "bob\n", "Bob "])
def test_white_space_around_a_login_is_refused(running, login):
    """No such user exists, so that bob could still send."""
    done = subprocess.run([POSTERNCTL, "-c", running.conf, "suspend", login], capture_output=True, text=True, check=False,
                          timeout=60)
    assert done.returncode == 1 and "there is no user '" in done.stderr and f"suspend '{login.strip()}'" in done.stderr
    assert running.ctl("suspended")["logins"] == []


def test_suspended_logins_that_somebody_breaks_while_the_daemon_runs(running):
    assert running.ctl("suspend", "bob")["ok"]
    bad_login(running.run / "suspended")
    wait_until(lambda: status(running)[0] == 1, "the problem is shown")
    assert f"a restart will fail, because the file of suspended logins was damaged: {running.run}/suspended:3: " in status(running)[1]
    running.wait_log("suspensions readable=no")
    assert running.ctl("resume", "bob")["ok"]
    assert status(running)[0] == 0


def test_a_text_that_cannot_be_a_login_is_not_suspended(running):
    for login, why in (("", "a \"login\" is needed"), ("x" * 3000, "longer than any login can be")):
        done = subprocess.run([POSTERNCTL, "-s", running.run / "control", "suspend", login], text=True,
                              capture_output=True, timeout=60)
        assert done.returncode != 0 and why in done.stderr, done


def test_an_unknown_login_is_suspended_with_its_name_in_quotes(running):
    """The login may be that of a token, or of a later row."""
    for login in ("eve ", "token:eve@a.example"):
        said = running.ctl("suspend", login, parse=False)
        assert said == f"'{login}' is suspended (the tables contain no user of that name)\n"
        assert running.ctl("resume", login)["ok"]
    assert running.ctl("suspend", "bob", parse=False) == "bob is suspended\n"
    assert running.ctl("resume", "bob")["ok"]


# ---- counts that are not kept ------------------------------------------------------------------


def lost_rights(daemon):
    os.chown(daemon.run, 0, 0)
    return f"{USER} cannot create files in {daemon.run}", "charges cannot be saved in the files of the ledger: "


def absent_folder(daemon):
    daemon.configure({"limits": {"state": "nowhere/limits.state"}})
    return f"cannot create files in {daemon.folder}/nowhere", "charges cannot be saved in the files of the ledger: "


def state_of_root(daemon):
    only_for_root(make(daemon, "limits"))
    return f"{daemon.run}/limits.state: user {USER} cannot read it", f"are left out: {daemon.run}/limits.state: Permission"


def journal_of_root(daemon):
    (daemon.run / "limits.state.7").write_text("")
    only_for_root(daemon.run / "limits.state.7")
    return f"{daemon.run}/limits.state.7: user {USER} cannot read it", f"are left out: {daemon.run}/limits.state.7: Perm"


def lock_of_root(daemon):
    (daemon.run / "limits.state.lock").write_text("")
    only_for_root(daemon.run / "limits.state.lock")
    return f"{daemon.run}/limits.state.lock: user {USER} cannot read it", "charges cannot be saved in the files of the ledger: "


def long_name(daemon):
    daemon.configure({"limits": {"state": "run/" + 251 * "a"}})
    return "[limits] state: the name of the file is too long", "charges cannot be saved in the files of the ledger: "


@pytest.mark.parametrize("spoil", [lost_rights, absent_folder, state_of_root, journal_of_root, lock_of_root, long_name])
def test_counts_that_a_daemon_cannot_keep(daemon, spoil):
    needs_user()
    daemon.configure({"milter": {"socket": "unix:sock/postern.sock"}, "auth": {"socket": "none", "saslauthd": "", "suspensions": ""},
                      "control": {"socket": "sock/control"}})
    daemon.socket = daemon.folder / "sock/postern.sock"
    daemon.socket.parent.mkdir()
    beforehand, running = spoil(daemon)
    code, said = check(daemon)
    assert code == 66 and beforehand in said and "so that the counts of rate limits do not outlive a restart" in said, said
    daemon.start()
    code, shown = status(daemon)
    assert code == 1 and "\n  ledger: " in shown and running in shown, shown
    assert any(running in text for text in daemon.ctl("reload")["problems"])


def test_counts_that_are_damaged(daemon):
    (daemon.run / "limits.state").write_text("no counts")
    code, said = check(daemon)
    assert code == 0 and f"may lose counts of rate limits: {daemon.run}/limits.state: the file is torn, damaged" in said, said
    assert (daemon.run / "limits.state").read_text() == "no counts"


def test_counts_that_another_daemon_keeps(box):
    """Our own daemon has the lock, too, while it runs."""
    first = box.postern(lists=LISTS, store=STORE)
    assert check(first)[0] == 0
    second = box.postern(start=False, lists=LISTS, store=STORE, config={"limits": {"state": str(first.run / "limits.state")}})
    shutil.copy("/bin/true", first.run / "postern")
    with subprocess.Popen([first.run / "postern"]) as ended:  # a process that nobody has waited for runs no more
        wait_until(lambda: Path(f"/proc/{ended.pid}/cmdline").read_bytes() == b"", "it has ended")
        code, said = check(second)
    assert code == 66 and f"{first.run}/limits.state.lock: another daemon uses it" in said
    second.start()
    code, shown = status(second)
    assert code == 1 and "\n  ledger: " in f"\n{shown}" and "another postern uses" in shown, shown


def test_the_lock_of_our_own_daemon_is_no_problem_where_the_file_names_another_control_socket(daemon):
    """A restart ends that daemon."""
    daemon.start()
    daemon.configure({"control": {"socket": str(daemon.run / "other")}})
    assert "limits.state.lock" not in check(daemon)[1]
