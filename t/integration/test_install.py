"""The files that `make install` installs, and the init script."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from harness.box import needs_root
from harness.postern import BUILD, ROOT, USER

SETTINGS = """
[milter]
socket = unix:{run}/postern.sock
[lists]
directory = {lists}
[store]
path =
[limits]
state =
[auth]
socket = none
saslauthd =
suspensions =
[control]
socket = {run}/control
"""


def make(target, folder, *variables):
    """With -o all, because these tests concern the installation, not the build."""
    done = subprocess.run(
        ["make", "-s", "-o", "all", f"BUILD={BUILD.relative_to(ROOT)}", target, f"DESTDIR={folder}", *variables],
        cwd=ROOT, capture_output=True, text=True, check=True)
    assert "ignored" not in done.stderr  # an error that make ignores
    return done


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def value_of(text, name):
    """The value of NAME= in a unit or a script."""
    found = [line.partition("=")[2] for line in text.splitlines() if line.startswith(name + "=")]
    assert len(found) == 1, f"{name} in:\n{text}"
    return found[0]


@pytest.mark.parametrize("variables", [[], ["prefix=/usr"], ["prefix=/opt/postern", "sysconfdir=/opt/postern/etc"]])
def test_the_unit_and_the_init_script_refer_to_installed_files(tmp_path, variables):
    variables = [*variables, "systemdsystemunitdir=/lib/systemd/system"]
    make("install", tmp_path, *variables)
    unit = (tmp_path / "lib/systemd/system/postern.service").read_text()
    script, = [path for path in tmp_path.rglob("examples/postern.init")]
    for command in (value_of(unit, "ExecStart"), value_of(unit, "ExecReload"),
                    value_of(script.read_text(), "DAEMON"), value_of(script.read_text(), "CTL")):
        assert os.access(tmp_path / command.split()[0].lstrip("/"), os.X_OK), command
    assert (tmp_path / value_of(script.read_text(), "CONFIG").lstrip("/")).exists()
    assert not [name for name in files(tmp_path) if name.endswith(".in")]
    for path in (script, tmp_path / "lib/systemd/system/postern.service"):
        assert "@bindir@" not in path.read_text() and "@sbindir@" not in path.read_text()
    make("uninstall", tmp_path, *variables)
    left = files(tmp_path)
    assert left and all("/postern/lists/" in name or name.endswith("etc/postern/postern.conf") for name in left)


def test_uninstalling_missing_files_is_no_error(tmp_path):
    make("uninstall", tmp_path)


@pytest.fixture
def init(box):
    """A function that runs the init script of an installation in a private directory."""
    needs_root()
    top = box.folder
    make("install", "", f"prefix={top}/usr", f"sysconfdir={top}/etc", f"localstatedir={top}/var",
         f"runstatedir={top}/run", "systemdsystemunitdir=")
    for name in ("run", "var/lib"):
        (top / name).mkdir(parents=True)
    run = top / "run/postern"
    (top / "etc/postern/postern.conf").write_text(SETTINGS.format(run=run, lists=top / "etc/postern/lists"))
    (top / "etc/default").mkdir()
    (top / "etc/default/postern").write_text(f"USER={USER or 'root'}\n")
    account = USER or "root"
    group = subprocess.run(["id", "-gn", account], capture_output=True, text=True, check=True).stdout.strip()
    script = top / "init"
    # The package's account has a group of the same name; the account of the tests may have another.
    text = (top / "usr/share/doc/postern/examples/postern.init").read_text()
    script.write_text(text.replace('-g "$USER"', f"-g {group}"))

    def call(verb, user=None):
        return subprocess.run(["sh", script, verb], capture_output=True, text=True, check=False, timeout=60, user=user)

    call.top = top
    call.pid_file = run / "postern.pid"
    yield call
    if call.pid_file.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(call.pid_file.read_text()), signal.SIGKILL)


def test_the_init_script_starts_and_stops_it(init):
    assert init("status").returncode == 3
    assert init("reload").returncode == 7
    assert init("stop").returncode == 0
    for _ in range(2):  # starting a running daemon is no error
        done = init("start")
        assert done.returncode == 0, done
    assert init("status").returncode == 0
    assert init("status", user="nobody").returncode == 0
    assert init("reload").returncode == 0
    first = init.pid_file.read_text()
    assert init("restart").returncode == 0
    assert init.pid_file.read_text() != first
    assert init("stop").returncode == 0
    assert init("status").returncode == 3
    assert init("nonsense").returncode == 2


def test_each_verb_of_the_init_script_can_be_repeated(init):
    verbs = [("status", 3), ("reload", 7), ("stop", 0), ("start", 0), ("status", 0), ("reload", 0), ("restart", 0),
             ("force-reload", 0), ("status", 0), ("stop", 0), ("status", 3), ("restart", 0), ("nonsense", 2), ("", 2)]
    for verb, code in verbs:
        for _ in range(2):
            done = init(verb)
            assert done.returncode == code, (verb, done)


def is_ours(pid):
    """Whether a process runs the installed daemon: it has not ended, and no other program has its number."""
    try:
        return "postern" in os.readlink(f"/proc/{pid}/exe")
    except FileNotFoundError:
        return False


def test_the_init_script_is_not_misled_by_an_old_pid_file(init):
    """The number may belong to nobody, or to another program, which lives on."""
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    with subprocess.Popen(["sleep", "600"]) as other:
        try:
            for pid in (gone.pid, other.pid):
                init.pid_file.parent.mkdir(exist_ok=True)
                init.pid_file.write_text(f"{pid}\n")
                assert (init("status").returncode, init("reload").returncode) == (1, 7)
                assert init("stop").returncode == 0
                init.pid_file.write_text(f"{pid}\n")
                done = init("start")
                assert done.returncode == 0 and is_ours(int(init.pid_file.read_text())), done
                assert init("stop").returncode == 0
            assert other.poll() is None
        finally:
            other.kill()


def test_the_init_script_kills_a_process_that_does_not_end(init):
    assert init("start").returncode == 0
    pid = int(init.pid_file.read_text())
    os.kill(pid, signal.SIGSTOP)
    done = init("stop")
    assert done.returncode == 0 and not is_ours(pid), done
    assert init("status").returncode == 3
    assert init("start").returncode == 0  # despite the sockets that it has left


def test_the_unit_confines_the_daemon(tmp_path):
    make("install", tmp_path, "systemdsystemunitdir=/lib/systemd/system")
    unit = tmp_path / "lib/systemd/system/postern.service"
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--threshold=13", unit], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and "Overall exposure level" in done.stdout, done
    text = unit.read_text()
    assert not re.search("^MemoryDenyWriteExecute=", text, re.M)  # it would switch PCRE2's machine code off
    assert value_of(text, "Type") == "notify" and value_of(text, "Restart") == "on-failure"
    assert int(value_of(text, "WatchdogSec")) >= 30
    assert value_of(text, "RestartPreventExitStatus").split() == [str(os.EX_USAGE), str(os.EX_CONFIG)]


def only_for_root(init):
    path = init.top / "etc/postern/lists/access.domains"
    path.write_text("a.example\n")
    path.chmod(0o600)
    return path


def lost_folder(init):
    path = init.top / "etc/postern/lists"
    path.rename(path.with_name("away"))
    return path


def lost_store(init):
    conf = init.top / "etc/postern/postern.conf"
    conf.write_text(conf.read_text().replace("path =\n", "path = stor.json\n"))
    return init.top / "etc/postern/stor.json"


def bad_suspensions(init):
    conf = init.top / "etc/postern/postern.conf"
    path = init.top / "run/postern/suspended"
    path.write_text("bob \n")
    conf.write_text(conf.read_text().replace("suspensions =\n", f"suspensions = {path}\n"))
    return path


def down_database(init):
    conf = init.top / "etc/postern/postern.conf"
    conf.write_text(conf.read_text() + "[database]\nconninfo = host=127.0.0.1 port=1\n")
    return "[database]: not reached"


@pytest.mark.parametrize("spoil", [only_for_root, lost_folder, lost_store, bad_suspensions, down_database])
def test_a_restart_never_replaces_a_policy_by_none(init, spoil):
    """The init script finds, as the daemon's user, what would leave a new daemon without a policy."""
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    assert init("start").returncode == 0
    pid = init.pid_file.read_text()
    where = spoil(init)
    done = init("restart")
    assert done.returncode == 78 and str(where) in done.stderr and "was not restarted" in done.stderr, done
    assert init.pid_file.read_text() == pid
    assert init("status").returncode == 0
    shown = subprocess.run([init.top / "usr/bin/posternctl", "-c", init.top / "etc/postern/postern.conf", "status", "--json"],
                           capture_output=True, text=True, check=False, timeout=60)
    assert json.loads(shown.stdout)["cache"]["policy"]["serial"] >= 1


def test_the_init_script_reports_that_nothing_is_installed(init):
    shutil.rmtree(init.top / "usr/sbin")
    done = init("start")
    assert done.returncode == 5 and "not installed" in done.stderr
    assert init("restart").returncode == 5
    assert init("status").returncode == 4
    assert init("stop").returncode == 0
