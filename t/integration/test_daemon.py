"""The daemon as a process: its options, sockets, signals, start and end."""

import ctypes
import grp
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from harness.box import needs_mounts, needs_root
from harness.packages import OWN_MOUNTS
from harness.postern import POSTERN, USER
from harness.wait import wait_until

pytestmark = pytest.mark.quick

DENY = {"mail_from.access.blacklist": "spam@bad.example\n"}
PIDFD_GETFD = 438  # the number of the system call on every architecture


def refuses(daemon, sender="<spam@bad.example>"):
    with daemon.milter() as milter:
        milter.connect("mail.ok.example", "192.0.2.1")
        milter.helo("mail.ok.example")
        return milter.mail(sender).verdict == "reject"


def run(*argv, **options):
    return subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False,
                          timeout=60, **options)


# ---- options ------------------------------------------------------------------------------------


def test_version_and_help():
    for option in ("-V", "--version"):
        assert re.match(r"postern \d", run(POSTERN, option).stdout)
    for option in ("-h", "--help"):
        done = run(POSTERN, option)
        assert "usage: postern" in done.stdout and done.returncode == 0


@pytest.mark.parametrize("argv", [["-x"], ["--xyz"], ["-c"], ["argument"]])
def test_wrong_usage_is_64(argv):
    done = run(POSTERN, *argv)
    assert done.returncode == 64
    assert "usage: postern" in done.stderr


def test_a_good_configuration_is_reported_as_good(box):
    daemon = box.postern(start=False, lists=DENY)
    status, said = daemon.check_config()
    assert status == 0
    assert "no error, 0 problems" in said


def test_a_bad_list_line_is_reported_and_the_rest_is_good(box):
    daemon = box.postern(start=False, lists={"mail_from.access.blacklist_regex": "ok\n(\n"})
    status, said = daemon.check_config()
    assert status == 0
    assert "mail_from.access.blacklist_regex:2:" in said


@pytest.mark.parametrize("config, what", [
    ({"milter": {"socket_group": "no-such-group"}}, "[milter] socket_group: the group 'no-such-group' does not exist"),
    ({"auth": {"socket_group": "no-such-group"}}, "[auth] socket_group: the group 'no-such-group' does not exist"),
    ({"control": {"socket_group": "no-such-group"}}, "[control] socket_group: the group 'no-such-group' does not exist"),
    ({"auth": {"inet_socket": "inet:12345@0.0.0.0"}}, "[auth] inet_socket: "),
    ({"auth": {"saslauthd": "inet:12345@127.0.0.1"}}, "[auth] saslauthd: "),
])
def test_a_check_refuses_what_would_stop_the_start(box, config, what):
    daemon = box.postern(start=False, config=config)
    status, said = daemon.check_config()
    assert status == 78 and what in said, said


def test_missing_profiles_of_the_configuration_are_reported(box):
    daemon = box.postern(
        config={"profile": {"unknown_user": "nope"}, "jwt": {"secret": "s" * 32, "profile": "none"}},
        store={"profiles": [{"id": 1, "name": "all", "open": True}]})
    missed = ["[profile] unknown_user: there is no profile 'nope'",
              "[jwt] profile: there is no profile 'none'"]
    status, said = daemon.check_config()
    cache = daemon.ctl("status")["cache"]
    assert status == 0
    assert cache["problem_count"] == 2
    for what in missed:
        assert what in said and what in daemon.log()
        assert what in "".join(cache["problems"])
    daemon.write_store({"profiles": [{"id": 1, "name": "nope", "open": True},
                                     {"id": 2, "name": "none", "open": True}]})
    wait_until(lambda: daemon.ctl("status")["cache"]["problem_count"] == 0, "they are there now")
    daemon.wait_log("resolved: " + missed[0])


@pytest.mark.parametrize("config, where, what", [
    ({"milter": {"sockett": "unix:x"}}, "postern.conf:", "sockett"),
    ({"check": {"mail": "perhaps"}}, "postern.conf:", "perhaps"),
    ({"database": {"poll_interval": "-3s"}}, "postern.conf:", "poll_interval"),
    ({"nonsense": {"a": "b"}}, "postern.conf:", "nonsense"),
])
def test_a_bad_configuration_is_78_and_starts_nothing(box, config, where, what):
    daemon = box.postern(start=False, config=config)
    status, said = daemon.check_config()
    assert status == 78
    assert where in said and what in said
    done = run(POSTERN, "-f", "-c", daemon.conf)
    assert done.returncode == 78
    assert what in done.stderr
    assert not daemon.socket.exists()


def test_an_unknown_user_is_67(box):
    needs_root()
    daemon = box.postern(start=False)
    done = run(POSTERN, "-f", "-c", daemon.conf, "-u", "nobody-of-that-name")
    assert done.returncode == 67
    assert "nobody-of-that-name" in done.stderr


# ---- sockets ------------------------------------------------------------------------------------


def test_a_unix_socket_has_its_mode_and_group(box):
    needs_root()
    daemon = box.postern(config={
        "milter": {"socket_mode": "0620", "socket_group": "mail"},
        "control": {"socket_mode": "0660", "socket_group": "adm"}})
    daemon.wait_log("ready version")  # it listens a moment earlier
    for path, mode, group in ((daemon.socket, 0o620, "mail"), (daemon.run / "control", 0o660, "adm")):
        found = path.stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == mode
        assert grp.getgrgid(found.st_gid).gr_name == group
    assert refuses(daemon) is False


@pytest.mark.parametrize("setgid", [True, False])
@pytest.mark.parametrize("by_root", [True, False])
def test_without_a_socket_group_the_folder_decides(box, by_root, setgid):
    """A folder with the setgid bit gives its group to the sockets, whoever starts the daemon; otherwise it is the daemon's."""
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    user = pwd.getpwnam(USER)
    mail = grp.getgrnam("mail").gr_gid
    daemon = box.postern(start=False, config={"auth": {"socket": "unix:run/below/auth"}})
    os.chown(daemon.run, user.pw_uid, mail)
    daemon.run.chmod(0o2755 if setgid else 0o755)
    if not by_root:
        daemon.process.argv = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
                               *daemon.process.argv]
        daemon.process.log.touch(mode=0o666)
    daemon.start()
    for name in ("postern.sock", "control", "mux", "below", "below/auth"):
        found = (daemon.run / name).stat()
        assert (found.st_uid, found.st_gid) == (user.pw_uid, mail if setgid else user.pw_gid), name


def test_an_inet_socket_answers(box):
    daemon = box.postern(lists=DENY, inet=True)
    assert refuses(daemon)


def test_an_unknown_group_is_an_error(box):
    daemon = box.postern(start=False, config={"milter": {"socket_group": "no-such-group"}})
    done = run(POSTERN, "-f", "-c", daemon.conf)
    assert done.returncode == 78
    assert "[milter] socket_group: the group 'no-such-group' does not exist" in done.stderr


def test_stale_sockets_of_a_killed_daemon_are_taken_over(box):
    daemon = box.postern(lists=DENY)
    daemon.kill()
    assert daemon.socket.exists()
    daemon.start()
    wait_until(lambda: refuses(daemon), "it answers again")
    assert daemon.ctl("status")["ok"]


@pytest.mark.parametrize("inet", [False, True])
def test_a_second_daemon_refuses_the_first_ones_socket(box, inet):
    daemon = box.postern(lists=DENY, inet=inet)
    done = run(POSTERN, "-f", "-c", daemon.conf)
    assert done.returncode == 69
    assert "socket" in done.stderr
    assert refuses(daemon)


def test_a_file_that_is_no_socket_is_left_alone(box):
    daemon = box.postern(start=False)
    daemon.socket.write_text("precious")
    done = run(POSTERN, "-f", "-c", daemon.conf)
    assert done.returncode == 69
    assert daemon.socket.read_text() == "precious"


# ---- its log ------------------------------------------------------------------------------------


def test_errors_in_the_log_are_quoted(box):
    """Errors are quoted, whatever they contain: libpq's has double quotes, and a line for each host that it tried."""
    daemon = box.postern(config={"database": {"conninfo": "host=127.0.0.1,127.0.0.2 port=1,1"}})
    error = daemon.ctl("status")["database"]["error"]
    assert error.count('connection to server at "127.0.0.') == 2
    assert '?; connection to server at "127.0.0.2"' in error and "refused; Is the server running" in error
    assert daemon.wait_record(policy="none")["error"] == error


# ---- start and end ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.threads
def test_it_ends_cleanly_and_soon(box, number):
    daemon = box.postern(lists=DENY)
    with daemon.milter() as idle:
        idle.connect("mail.ok.example", "192.0.2.1")
        start = time.monotonic()
        assert daemon.process.stop(number) == 0
        took = time.monotonic() - start
        print(f"ended after {took:.3f} s")
    assert not daemon.socket.exists()
    assert not (daemon.run / "control").exists()
    assert "ended" in daemon.log()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def background(box):
    """A daemon that has gone into the background; its pid file is used to end it."""
    daemon = box.postern(start=False, lists=DENY)
    pid_file = daemon.run / "pid"
    started = []

    def start(*options, starter=()):
        done = run(*starter, POSTERN, "-c", daemon.conf, "-P", pid_file, *options)
        if pid_file.exists():
            started.append(int(pid_file.read_text()))
        return daemon, pid_file, done

    yield start
    for pid in started:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.threads
def test_in_the_background_the_parent_ends_once_it_answers(background):
    daemon, pid_file, done = background()
    assert (done.returncode, done.stderr) == (0, "")
    assert refuses(daemon)  # at once, without waiting
    pid = int(pid_file.read_text())
    lines = daemon.ctl("status")["log"]["lines"]
    os.kill(pid, signal.SIGHUP)  # ignored in the background, which is logged
    wait_until(lambda: daemon.ctl("status")["log"]["lines"] > lines, "the signal is logged")
    assert daemon.ctl("status")["daemon"]["pid"] == pid
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid), "it has ended")
    assert not pid_file.exists() and not daemon.socket.exists()


def test_a_log_that_nobody_takes_is_a_problem(background):
    """syslog(3) does not tell: in a container, for instance, there may be no log daemon."""
    needs_mounts()
    hide = 'test ! -e /dev/log || mount --bind /dev/null /dev/log; exec "$@"'
    daemon, _, done = background(starter=(*OWN_MOUNTS, "sh", "-c", hide, "sh"))
    assert done.returncode == 0, done
    found = [one for one in daemon.ctl("status")["problems"] if one["section"] == "log"]
    assert len(found) == 1 and "the lines of the log are lost: /dev/log: " in found[0]["problem"], found


def test_it_serves_when_its_starter_has_closed_the_standard_descriptors(background):
    """Neither a socket nor a file gets their numbers, which the daemon replaces when it is ready."""
    daemon, pid_file, done = background(starter=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"))
    assert done.returncode == 0
    assert refuses(daemon)
    targets = {os.readlink(f"/proc/{pid_file.read_text().strip()}/fd/{number}") for number in range(3)}
    assert targets == {"/dev/null"}
    assert daemon.ctl("status")["daemon"]["pid"] == int(pid_file.read_text())


def test_in_the_background_the_parent_reports_a_failed_start(background, box):
    other = box.postern(lists=DENY)
    daemon, pid_file, done = background()
    assert done.returncode == 0
    again = run(POSTERN, "-c", daemon.conf)
    assert again.returncode == 69
    assert "another daemon uses it" in again.stderr
    assert refuses(daemon) and refuses(other)


def test_systemd_is_notified(box):
    daemon = box.postern(start=False, lists=DENY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        path = daemon.run / "notify"
        notified.bind(str(path))
        path.chmod(0o666)
        notified.settimeout(20)
        daemon.process.env = {"NOTIFY_SOCKET": str(path)}
        daemon.start()
        assert notified.recv(1000).startswith(b"READY=1\n")
        daemon.stop()
        assert notified.recv(1000) == b"STOPPING=1"


def descriptor_of(pid, path):
    """A copy of the listening descriptor that a process has for the path."""
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as lines:
        inode = next(fields[6] for fields in map(str.split, lines)
                     if fields[-1] == str(path) and fields[3] == "00010000")
    found = next(int(link.name) for link in Path(f"/proc/{pid}/fd").iterdir()
                 if os.readlink(link) == f"socket:[{inode}]")
    pidfd = os.pidfd_open(pid)
    copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, found, 0)
    os.close(pidfd)
    assert copy >= 0, os.strerror(ctypes.get_errno())
    return copy


def test_when_libmilter_gives_up_it_ends_with_a_failure(box):
    """Its socket is shut down from outside, after which nothing can be accepted."""
    needs_root()
    path = box.folder / "notify"
    daemon = box.postern(start=False, lists=DENY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(path))
        path.chmod(0o666)
        notified.settimeout(20)
        daemon.process.env = {"NOTIFY_SOCKET": str(path)}
        daemon.start()
        assert notified.recv(1000).startswith(b"READY=1\n")
        with socket.socket(fileno=descriptor_of(daemon.process.pid, daemon.socket)) as listening:
            listening.shutdown(socket.SHUT_RDWR)
        assert daemon.process.child.wait(60) == os.EX_UNAVAILABLE
        assert notified.recv(1000) == b"STATUS=failed: libmilter accepts no more connections; see its last log lines"
        assert notified.recv(1000) == b"STOPPING=1"
    daemon.wait_log('ending error="libmilter accepts no more connections; see its last log lines" status=69')
    daemon.was_ready = False  # a status other than 0 is right here


def test_in_the_foreground_the_log_goes_to_standard_error_unless_that_is_the_journal(box):
    """Under systemd it logs to syslog only, so that the journal gets levels, and each line once."""
    for in_journal in (False, True):
        daemon = box.postern(start=False, lists=DENY)
        daemon.process.log.touch()
        found = daemon.process.log.stat()
        daemon.process.env = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + (not in_journal)}"}
        daemon.start(ready=daemon.listens)
        wait_until(lambda: refuses(daemon), "it decides")
        assert daemon.stop() == 0
        assert ("ready version=" in daemon.log()) is not in_journal


def test_root_rights_are_given_up(box):
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    daemon = box.postern(config={"milter": {"user": USER}})
    daemon.wait_log("ready ")  # its sockets exist before
    status = dict(line.split(":", 1) for line in
                  open(f"/proc/{daemon.process.pid}/status", encoding="ascii"))
    assert "0" not in status["Uid"].split() + status["Gid"].split()
    assert "running as root" not in daemon.log()


def test_inherited_descriptors_are_closed_and_privileges_cannot_be_gained(box):
    """Those of whoever starts it: a file of root's is not left open to the daemon's user."""
    daemon = box.postern(start=False)
    secret = box.folder / "of-root"
    secret.write_text("only root reads this\n")
    with open(secret, encoding="ascii") as first, open(secret, encoding="ascii") as second:
        os.dup2(second.fileno(), 200)
        daemon.process.pass_fds = (first.fileno(), 200)
        try:
            daemon.start()
        finally:
            os.close(200)
    targets = [os.readlink(entry.path) for entry in os.scandir(f"/proc/{daemon.process.pid}/fd") if entry.is_symlink()]
    assert len(targets) > 5
    assert str(secret) not in targets
    status = dict(line.split(":", 1) for line in open(f"/proc/{daemon.process.pid}/status", encoding="ascii"))
    assert status["NoNewPrivs"].strip() == "1"


@pytest.mark.parametrize("section, key", [("database", "password"), ("jwt", "secret")])
@pytest.mark.parametrize("in_a_file", [True, False])
def test_a_secret_of_another_user_is_refused(box, section, key, in_a_file):
    """It is whose file it is that decides what the secret is; only root and the daemon's user may."""
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    value = "a secret of more than thirty-two bytes"
    daemon = box.postern(start=False, config={section: {f"{key}_file": "hidden"} if in_a_file else {key: value}},
                         store={})  # a copy, so that -n does not need the database
    path = daemon.folder / "hidden" if in_a_file else daemon.conf
    path.write_text(value + "\n") if in_a_file else None
    path.chmod(0o600)
    shutil.chown(path, "mail")
    status, said = daemon.check_config()
    assert status == 78 and f"{path}: belongs to user " in said, said
    done = run(POSTERN, "-f", "-c", daemon.conf)
    assert done.returncode == 78 and f"{path}: belongs to user " in done.stderr
    for user in ("root", USER):
        shutil.chown(path, user)
        assert daemon.check_config()[0] == 0
    daemon.configure({"milter": {"user": "daemon"}})
    path.chmod(0o600)
    done = run(POSTERN, "-n", "-c", daemon.conf, "-u", USER)  # the option goes before the configuration
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("conninfo", ["host=/none password=secret", "postgresql://bob:secret@db/mail"])
def test_a_password_in_conninfo_is_a_secret(box, conninfo):
    needs_root()
    daemon = box.postern(start=False, config={"database": {"conninfo": conninfo}}, store={})
    daemon.conf.chmod(0o644)
    status, said = daemon.check_config()
    assert status == 0 and "contains a secret, and its mode is 0644, so that every user of this machine can read it" in said
    shutil.chown(daemon.conf, "mail")
    done = run(POSTERN, "-f", "-c", daemon.conf)
    assert done.returncode == 78 and f"{daemon.conf}: belongs to user " in done.stderr


def test_the_folder_of_the_auth_socket_does_not_depend_on_the_umask(box):
    """The MTA, which is another user, must reach the socket in it."""
    daemon = box.postern(start=False, config={"auth": {"socket": "unix:run/sub/auth"}})
    previous = os.umask(0o077)
    try:
        daemon.start()
    finally:
        os.umask(previous)
    assert stat.S_IMODE((daemon.run / "sub").stat().st_mode) == 0o755


@pytest.mark.parametrize("section, key, value", [
    ("milter", "socket", "unix:run/sub/file"), ("auth", "socket", "unix:run/sub/file"),
    ("auth", "saslauthd", "unix:run/sub/file"), ("control", "socket", "run/sub/file"), ("milter", "pid_file", "run/sub/file"),
])
def test_root_follows_no_link_of_the_daemons_user(box, section, key, value):
    """Whoever controls the user could otherwise have root make and remove files in any directory."""
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty, so that the daemon stays root")
    daemon = box.postern(start=False, config={section: {key: value}})
    elsewhere = daemon.folder / "elsewhere"
    elsewhere.mkdir()
    if key == "pid_file":
        (elsewhere / "file").touch()
    else:
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(elsewhere / "file"))
        (elsewhere / "file").chmod(0o777)
    (daemon.run / "sub").symlink_to(elsewhere)
    status, said = daemon.check_config()
    assert status == 66 and "so that the daemon does not start: Permission denied" in said, said
    done = run(POSTERN, "-f", "-c", daemon.conf)
    assert done.returncode != 0 and "Permission denied" in done.stderr, done
    assert os.listdir(elsewhere) == ["file"] and (elsewhere / "file").stat().st_uid == 0
    (daemon.run / "sub").unlink()
    (daemon.run / "sub").mkdir()
    shutil.chown(daemon.run / "sub", USER)
    daemon.start(ready=lambda: "ready version" in daemon.log())
    assert (daemon.run / "sub" / "file").stat().st_uid == pwd.getpwnam(USER).pw_uid


def test_a_group_without_a_user_is_refused(box):
    """Otherwise the daemon would remain root."""
    daemon = box.postern(start=False)
    for option in ("-f", "-n"):
        done = run(POSTERN, option, "-c", daemon.conf, "-u", ":mail")
        assert done.returncode == 67 and "':mail'" in done.stderr, done


def test_the_home_of_root_is_not_used(box):
    """libpq searches there for keys, passwords and, as shown here, services."""
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    home = box.folder / "home-of-root"
    home.mkdir()
    (home / ".pg_service.conf").write_text("[kept]\nhost=127.0.0.1\nport=1\n")
    daemon = box.postern(start=False, config={"database": {"conninfo": "service=kept"}})
    daemon.process.env = {"HOME": str(home), "USER": "root", "LOGNAME": "root"}
    daemon.start()
    assert "port 1 failed" not in daemon.log()
    assert "kept" in daemon.ctl("status")["database"]["error"]


def test_a_file_that_only_root_may_read_causes_a_warning(box):
    """Root can read it at the start, but every reload would fail."""
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    daemon = box.postern(start=False, config={
        "database": {"host": "127.0.0.1", "port": "1", "password_file": "db-password"},
        "jwt": {"secret_file": "token-secret"}}, store={})
    secrets = [daemon.folder / "db-password", daemon.folder / "token-secret"]
    for secret in secrets:
        secret.write_text("a secret of more than thirty-two bytes\n")
        secret.chmod(0o600)
    daemon.conf.chmod(0o600)
    warnings = [f"{path}: user {USER} cannot read it" for path in (daemon.conf, *secrets)]
    status, said = daemon.check_config()
    assert status == 0
    daemon.start()
    for warning in warnings:
        assert warning in said and warning in daemon.log()
    assert "Permission denied" in daemon.ctl("reload", check=False)["error"]
    daemon.stop()
    for path in (daemon.conf, *secrets):
        shutil.chown(path, USER)
    assert "cannot read it" not in daemon.check_config()[1]
    mark = daemon.mark()
    daemon.start()
    assert "cannot read it" not in daemon.log(mark)


def test_a_check_by_root_refuses_lists_that_only_root_may_read(box):
    """The daemon that starts with one has no policy."""
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    daemon = box.postern(start=False, lists={"access.domains": "a.example\n",
                                             "mail_from.access.blacklist": "spam@bad.example\n"})
    lists = daemon.folder / "lists"
    paths = [lists / "mail_from.access.blacklist", lists / "access.domains"]
    for path in paths:
        path.chmod(0o600)
    status, said = daemon.check_config()
    assert status == 66 and "a daemon should not start now, 2 problems" in said
    for path in paths:
        assert f"{path}: user {USER} cannot read it" in said
        shutil.chown(path, USER)
    assert "no error, 0 problems" in daemon.check_config()[1]
    lists.chmod(0o700)
    status, said = daemon.check_config()
    assert status == 66 and "1 problem," in said and f"{lists}: user {USER} cannot read it" in said


def test_a_check_reports_an_unknown_user_too(box):
    needs_root()
    daemon = box.postern(start=False, config={"milter": {"user": "nobody-of-that-name"}})
    status, said = daemon.check_config()
    assert status == 67 and "nobody-of-that-name" in said


def test_running_as_root_causes_a_warning(box):
    needs_root()
    daemon = box.postern(config={"milter": {"user": ""}})
    daemon.wait_log("running as root")


# ---- reloading ----------------------------------------------------------------------------------


def test_sigusr1_reads_everything_again(box):
    daemon = box.postern(lists=DENY)
    assert refuses(daemon)
    daemon.configure({"check": {"mail": "no"}, "log": {"level": "debug"}})
    daemon.reload()
    wait_until(lambda: not refuses(daemon), "the new settings are in force")
    assert daemon.ctl("log-level")["level"] == "debug"
    daemon.configure({"check": {"mail": "yes"}})
    daemon.write_list("mail_from.access.blacklist", "other@bad.example\n")
    daemon.reload()
    wait_until(lambda: refuses(daemon, "<other@bad.example>"), "the new list is in force")
    assert not refuses(daemon)


def test_a_bad_configuration_leaves_the_old_one_in_force(box):
    daemon = box.postern(lists=DENY)
    daemon.configure({"check": {"mail": "perhaps"}})
    mark = daemon.mark()
    daemon.reload()
    daemon.wait_log("perhaps", mark)
    assert refuses(daemon)
    answer = daemon.ctl("reload", check=False)
    assert not answer["ok"] and "perhaps" in answer["error"]
    assert refuses(daemon)
    daemon.configure({"check": {"mail": "no"}})
    assert daemon.ctl("reload")["ok"]
    assert not refuses(daemon)


def test_a_change_that_needs_a_restart_is_logged(box):
    daemon = box.postern(lists=DENY)
    daemon.configure({"milter": {"socket_mode": "0600"}})
    daemon.ctl("reload")
    daemon.wait_log("[milter] socket_mode changes only with a restart")


@pytest.mark.threads
def test_signals_in_a_burst_stop_nothing(box):
    daemon = box.postern(lists=DENY)
    for _ in range(300):
        daemon.reload()
    os.kill(daemon.process.pid, signal.SIGUSR2)
    daemon.wait_log("asked-by=SIGUSR1")
    assert refuses(daemon)
    assert daemon.stop() == 0


@pytest.mark.parametrize("sign", ["socket", "ready"])
@pytest.mark.threads
def test_it_ends_cleanly_however_early_the_signal_arrives(box, sign):
    for _ in range(15):
        daemon = box.postern(start=False, lists=DENY)
        daemon.start(ready=daemon.socket.exists if sign == "socket" else
                     lambda: "ready" in daemon.log())
        assert daemon.stop() == 0
        assert "ended" in daemon.log()
        assert not daemon.socket.exists()


@pytest.mark.threads
def test_only_the_main_thread_receives_signals(box):
    """libmilter's thread would stop libmilter while its other threads still use its locks."""
    libc = ctypes.CDLL(None, use_errno=True)
    daemon = box.postern(lists=DENY)
    pid = daemon.process.pid
    threads = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir() if path.name != str(pid)]
    assert len(threads) >= 4, "libmilter's, the cache's, the server's and the log's at least"
    for thread in threads:
        assert libc.tgkill(pid, thread, signal.SIGTERM) == 0
    with daemon.milter() as milter:
        assert milter.connect("mail.ok.example", "192.0.2.1")
    assert "ending" not in daemon.log()
    assert daemon.stop() == 0


@pytest.mark.threads
def test_a_configuration_that_is_a_symbolic_link_reads_the_same_files_when_reloaded(box):
    """Relative paths start from the directory of the given name, not of the link's target."""
    daemon = box.postern(start=False, lists={"mail_from.access.blacklist": "spam@example.org\n"}, store={
        "profiles": [{"id": 1, "name": "held", "host": "ok.example"}],
        "users": [{"id": 1, "username": "alice", "froms": "alice@example.com", "profileId": 1}]})
    elsewhere = daemon.folder / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    daemon.conf.rename(elsewhere / "postern.conf")
    daemon.conf.symlink_to(elsewhere / "postern.conf")
    daemon.start()
    for _ in range(2):
        with daemon.milter() as milter:
            milter.connect("mail.example.net", "192.0.2.7")
            assert milter.mail("<boss@victim.example>", auth_authen="alice").verdict == "reject"
            milter.abort()
            assert milter.mail("<spam@example.org>").verdict == "reject"
        daemon.reload()


def test_a_relative_pid_file_is_written_where_the_daemon_was_started(box):
    daemon = box.postern(start=False)
    place = box.folder / "here"
    place.mkdir()
    subprocess.run([POSTERN, "-c", daemon.conf, "-P", "postern.pid"], cwd=place, check=True)
    pid = int((place / "postern.pid").read_text())
    assert os.path.exists(f"/proc/{pid}")
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "it has ended")


def test_a_limit_of_file_size_does_not_kill_it(box):
    daemon = box.postern(start=False)
    daemon.create()
    with subprocess.Popen(["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", POSTERN, "-f", "-c", daemon.conf],
                          stderr=subprocess.PIPE, text=True) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if "ready version" in line:
                process.terminate()
        assert process.wait() == 0, said
    assert any("outlive-restart=no" in line or "written=no" in line or "File too large" in line for line in said), said
