"""posternctl status: every section is shown, and what is wrong is reported with a remedy and exit status 1."""

import os
import re
import shutil
import subprocess

import pytest

import test_limits as limits
from harness.logins import Dovecot
from harness.postern import POSTERNCTL, USER
from harness.wait import wait_until

SECTIONS = ["daemon", "cache", "database", "store", "lists", "sessions", "auth", "ledger", "descriptors", "log"]
STORE = {"profiles": [{"id": 1, "name": "p", "open": True}],
         "users": [{"id": 1, "username": "bob", "password": "", "froms": "bob@a.example", "profileId": 1}]}


def ctl_status(daemon, *args):
    return subprocess.run([POSTERNCTL, "-c", daemon.conf, "status", *args], capture_output=True, text=True,
                          check=False, timeout=60)


def problems(daemon, section=None):
    """[problem: remedy] of one section, or of all."""
    return [f"{one['problem']}: {one['remedy']}" for one in daemon.ctl("status")["problems"]
            if section in (None, one["section"])]


def check_problem(daemon, section, *words):
    """One problem of the section holds all words; JSON and text exit with 1 and agree."""
    found = [text for text in problems(daemon, section) if all(word in text for word in words)]
    assert len(found) == 1, problems(daemon)
    shown = ctl_status(daemon)
    assert shown.returncode == 1 and ctl_status(daemon, "--json").returncode == 1
    assert f"  {section}: " in shown.stdout
    for word in words:
        assert word in shown.stdout


def wait_problem(daemon, section, word):
    wait_until(lambda: any(word in text for text in problems(daemon, section)), f"{section} reports {word}")


def test_a_healthy_daemon_shows_all_sections_and_exits_with_0(box):
    daemon = box.postern(lists={"access.domains": "a.example\nb.example\n"}, store=STORE)
    answer = daemon.ctl("status")
    assert list(answer) == ["ok", "problems", "notes", *SECTIONS]
    assert answer["problems"] == []
    shown = ctl_status(daemon)
    assert shown.returncode == 0 and ctl_status(daemon, "--json").returncode == 0
    assert shown.stdout.startswith("no problems\n")
    for section in SECTIONS:
        assert f"\n{section}\n" in shown.stdout
    assert "  entries  access.domains " in shown.stdout
    assert "helo.checks.regexps" not in shown.stdout  # it has no entries
    assert "\033" not in shown.stdout
    assert "\033[" in ctl_status(daemon, "--colour=always").stdout


def test_bad_lines_and_rows(box):
    daemon = box.postern(lists={"mail_from.access.blacklist_regex": "good\n(\n"}, store=STORE)
    check_problem(daemon, "cache", "the policy has 1 problem in its list files, rows and settings")
    daemon.write_list("mail_from.access.blacklist_regex", "good\n")
    wait_until(lambda: not problems(daemon), "nothing is wrong any more")
    assert ctl_status(daemon).returncode == 0


def test_what_each_list_takes(box):
    name = "rcpt_to.access.blacklist_regex"
    lists = {name: "".join(f".*spam{number}@.*\n" for number in range(20)) + "(?=a)b?\\sx\n", "access.domains": "a.example\n"}
    daemon = box.postern(lists=lists, store=STORE)

    def regexes():
        return daemon.ctl("status")["lists"]["regexes"]

    wait_until(lambda: regexes()[name]["prepared"], "the list is prepared")
    assert list(regexes()) == [name]
    figures = regexes()[name]
    assert figures.pop("bytes") > 1000 and figures.pop("prepare_ms") >= 0
    assert figures == {"patterns": 21, "interpreted": 0, "always_tried": 1, "prepared": True}
    sizes = daemon.ctl("status")["lists"]["bytes"]
    assert sorted(sizes) == ["access.domains", name] and all(size > 100 for size in sizes.values())
    shown = ctl_status(daemon).stdout
    assert re.search(rf"^  regexes  {re.escape(name)}  always tried +1$", shown, re.M)
    assert re.search(r"^  bytes +access\.domains +\d+$", shown, re.M)


def test_a_refused_configuration(box):
    daemon = box.postern(store=STORE)
    good = daemon.conf.read_text()
    daemon.conf.write_text(good + "[check]\nnonsense = yes\n")
    assert not daemon.ctl("reload", check=False)["ok"]
    check_problem(daemon, "cache", "the previous one stays in force", "posternctl reload")
    daemon.conf.write_text(good)
    daemon.ctl("reload")
    assert not problems(daemon)


def test_a_change_that_needs_a_restart_is_reported_until_it_is_undone(box):
    daemon = box.postern(store=STORE)
    daemon.configure({"milter": {"socket_mode": "0600"}})
    daemon.ctl("reload")
    daemon.ctl("reload")
    check_problem(daemon, "daemon", "[milter] socket_mode", "Restart postern.")
    daemon.configure({"milter": {"socket_mode": "0666"}})
    daemon.ctl("reload")
    assert not problems(daemon)


def test_no_policy_and_no_database(box):
    daemon = box.postern(config={"database": {"conninfo": "host=127.0.0.1 port=1 dbname=x connect_timeout=1"}})
    wait_problem(daemon, "database", "not reached")
    check_problem(daemon, "cache", "no policy is in force", "on_error")
    check_problem(daemon, "database", "the database is not reached", "[database]")


def test_a_store_that_cannot_be_read(box):
    daemon = box.postern(store=STORE)
    daemon.write_store("{ half a fi")
    wait_problem(daemon, "store", "cannot be read")
    check_problem(daemon, "store", "[store] path")
    daemon.write_store(STORE)
    wait_until(lambda: not problems(daemon), "nothing is wrong any more")


def test_a_list_that_cannot_be_read(box):
    daemon = box.postern(lists={"access.domains": "a.example\n"}, store=STORE)
    listed = daemon.lists / "access.domains"
    listed.unlink()
    listed.mkdir()
    wait_problem(daemon, "lists", "cannot be used")
    check_problem(daemon, "lists", "1 list file cannot be used", "access.domains")
    listed.rmdir()
    daemon.write_list("access.domains", "a.example\n")
    wait_until(lambda: not problems(daemon), "nothing is wrong any more")


def test_a_directory_of_lists_that_disappears(box):
    daemon = box.postern(lists={"access.domains": "a.example\n"}, store=STORE)
    moved = daemon.lists.rename(daemon.folder / "away")
    wait_problem(daemon, "lists", "does not exist")
    check_problem(daemon, "lists", "[lists] directory")
    moved.rename(daemon.lists)
    wait_until(lambda: not problems(daemon), "nothing is wrong any more")


def test_no_public_suffix_list(box):
    daemon = box.postern(store=STORE, config={"lists": {"public_suffix_list": "absent.dat"}})
    wait_problem(daemon, "cache", "public suffix list")
    check_problem(daemon, "cache", "absent.dat", "[lists] public_suffix_list")
    check_problem(daemon, "cache", "no policy is in force")


def test_a_ledger_without_its_file(box):
    daemon = box.postern(store=STORE, config={"limits": {"state": "nowhere/limits.state"}})
    check_problem(daemon, "ledger", "nowhere", "directory of [limits] state")
    assert not daemon.ctl("status")["ledger"]["outlives_restart"]


def test_a_ledger_that_can_be_read_but_not_written(box):
    """The counts stay in force, and saving them is tried again."""
    daemon = box.postern(store=limits.store("5/1d"))
    with limits.begin(daemon) as milter:
        assert limits.mail(milter) and all(milter.rcpt(f"<{number}@x.example>") for number in range(3))
        assert limits.sent(milter)
    daemon.stop()
    lock = daemon.run / "limits.state.lock"
    lock.unlink()
    lock.mkdir()
    daemon.start()
    check_problem(daemon, "ledger", "limits.state.lock: Is a directory", "[limits] state")
    assert not daemon.ctl("status")["ledger"]["outlives_restart"]
    assert limits.use(daemon) == (3, 0, 0)
    with limits.begin(daemon) as milter:
        assert limits.mail(milter) and milter.rcpt("<a@x.example>").code == 451
        lock.rmdir()
        wait_until(lambda: not problems(daemon), "nothing is wrong any more")
        assert milter.rcpt("<a@x.example>") and limits.sent(milter)
    daemon.kill()
    daemon.start()
    assert limits.use(daemon) == (4, 0, 0)


def test_keys_of_tokens_that_cannot_be_read(box):
    daemon = box.postern(store=STORE)
    daemon.configure({"jwt": {"keys_file": "absent.pem"}})
    daemon.ctl("reload", check=False)
    check_problem(daemon, "auth", "absent.pem", "[jwt]")


def test_a_key_that_is_left_out(box):
    daemon = box.postern(store=STORE)
    (daemon.folder / "keys.json").write_text(
        '{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},'
        '{"kty":"no"}]}')
    daemon.configure({"jwt": {"keys_file": "keys.json"}})
    daemon.ctl("reload", check=False)
    check_problem(daemon, "auth", "a key for tokens is not used", f"{daemon.folder}/keys.json: key 2: ")
    assert f"{daemon.folder}/keys.json: key 2: " in daemon.check_config()[1]


def test_a_file_of_keys_that_everybody_may_write(box):
    daemon = box.postern(store=STORE)
    keys = daemon.folder / "keys.json"
    keys.write_text('{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')
    keys.chmod(0o666)
    daemon.configure({"jwt": {"keys_file": "keys.json"}})
    daemon.ctl("reload")
    shown = ctl_status(daemon, "--strict")
    assert shown.returncode == 1 and "every user of this machine can add a key" in shown.stdout, shown
    assert "every user of this machine can add a key" in daemon.check_config()[1]
    daemon.wait_log("auth keys note=")
    keys.chmod(0o644)
    wait_until(lambda: "can add a key" not in ctl_status(daemon).stdout, "the note is gone")


def test_rules_that_everybody_may_write(box):
    daemon = box.postern(store=STORE, lists={"access.domains": "evil.example\n"})
    files = {daemon.store_path: "add a user", daemon.lists / "access.domains": "change the list",
             daemon.conf: "change all settings"}
    for path in files:
        path.chmod(path.stat().st_mode | 0o002)
    daemon.ctl("reload")
    shown, said = ctl_status(daemon, "--strict"), daemon.check_config()[1]
    assert shown.returncode == 1
    for path, what in files.items():
        for text in (shown.stdout, said):
            assert f"{path}: its mode is " in text and f"every user of this machine can {what}" in text, text
        path.chmod(path.stat().st_mode & ~0o002)
    daemon.ctl("reload")
    assert "every user of this machine can change" not in ctl_status(daemon).stdout
    assert "every user of this machine can add" not in ctl_status(daemon).stdout


def test_the_place_to_which_a_link_leads_is_noted(box):
    """A link does not hide that everybody may replace what it leads to, or that another user owns it."""
    daemon = box.postern(store=STORE, lists={"access.domains": "evil.example\n"})
    loose, paths = daemon.folder / "loose", (daemon.lists / "access.domains", daemon.conf, daemon.store_path)
    loose.mkdir()
    for path in paths:
        path.rename(loose / path.name)
        path.symlink_to(loose / path.name)
    loose.chmod(0o777)
    daemon.ctl("reload")
    for text in (ctl_status(daemon).stdout, daemon.check_config()[1]):
        assert all(f"{path}: the mode of the directory {loose} is 0777" in text for path in paths), text
    loose.chmod(0o755)
    daemon.ctl("reload")
    assert str(loose) not in ctl_status(daemon).stdout + daemon.check_config()[1]
    if os.geteuid() == 0:
        os.chown(loose, 12345, -1)
        daemon.ctl("reload")
        for text in (ctl_status(daemon).stdout, daemon.check_config()[1]):
            assert all(f"{path}: the directory {loose} belongs to user 12345" in text for path in paths), text


@pytest.mark.parametrize("mode", [0o1777, 0o777])
def test_directories_in_which_everybody_may_create_files(box, mode):
    daemon = box.postern(store=STORE, lists={"access.domains": "evil.example\n"},
                         config={"auth": {"inet_socket": "unix:run/other"}})
    folders = (daemon.folder, daemon.run, daemon.lists)
    for folder in folders:
        folder.chmod(mode)
    daemon.ctl("reload")
    can = f"is {mode:04o}, so that every user of this machine can"
    sockets = {"milter] socket": daemon.run, "auth] socket": daemon.run, "auth] inet_socket": daemon.run,
               "auth] saslauthd": daemon.run, "control] socket": daemon.run}
    notes = [f"the mode of the directory {folder} {can} put another" for folder in sockets.values()]
    notes.append(f"{daemon.lists}: its mode {can} add a list")
    loose = [f"{path}: the mode of the directory {path.parent} {can} put another {path.name} in its place"
             for path in (daemon.conf, daemon.store_path, daemon.lists)]
    for text in (ctl_status(daemon).stdout, daemon.check_config()[1]):
        assert all(note in text for note in notes), text
        assert [note in text for note in loose] == [mode == 0o777] * 3, text
    for folder in folders:
        folder.chmod(0o755)
    daemon.ctl("reload")
    shown = ctl_status(daemon).stdout
    assert not any(note in shown for note in notes + loose), shown


def test_rights_are_looked_at_when_somebody_asks(box):
    """They may change at any time, also without a reload."""
    daemon = box.postern(store=STORE)
    (daemon.run / "suspended").touch()
    for path, mode, text in ((daemon.conf, 0o666, "can change all settings"), (daemon.folder, 0o777, "can put another"),
                             (daemon.run, 0o777, "answer for the daemon"), (daemon.run / "suspended", 0o666, "can suspend logins")):
        before = path.stat().st_mode
        assert text not in ctl_status(daemon).stdout
        path.chmod(mode)
        assert text in ctl_status(daemon).stdout
        path.chmod(before)
        assert text not in ctl_status(daemon).stdout


def test_a_secret_that_becomes_unreadable(box):
    """The next reload fails, and so does the next start by systemd."""
    daemon = box.postern(start=False, store=STORE, config={"jwt": {"secret_file": "run/secret"}})
    daemon.create()
    secret = daemon.run / "secret"
    secret.write_text("x" * 64)
    secret.chmod(0o600)
    if USER:
        shutil.chown(secret, USER)
    daemon.start()
    assert problems(daemon, "daemon") == []
    secret.rename(daemon.run / "saved")
    secret.mkdir()
    check_problem(daemon, "daemon", f"{secret}:", "reloads will fail")
    secret.rmdir()
    (daemon.run / "saved").rename(secret)
    assert problems(daemon, "daemon") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as root")
def test_a_daemon_that_runs_as_root(box):
    daemon = box.postern(store=STORE, config={"milter": {"user": ""}})
    check_problem(daemon, "daemon", "runs as root", "[milter] user")
    for user in ("", "root"):
        daemon.configure({"milter": {"user": user}})
        assert "keeps running as root; set another user in [milter] user" in daemon.check_config()[1]
    daemon.configure({"milter": {"user": USER or "nobody"}})
    assert "as root" not in daemon.check_config()[1]


def test_text_from_outside_cannot_control_the_terminal(box):
    daemon = box.postern(lists={"mail_from.access.blacklist_regex": "(\x1b]0;x\x07\n"}, store=STORE)
    wait_problem(daemon, "cache", "problem")
    shown = ctl_status(daemon).stdout
    assert "\x1b" not in shown and "\x07" not in shown


def test_verdicts_and_logins_are_counted(box):
    daemon = box.postern(lists={"mail_from.access.blacklist": "spam@bad.example\n"}, store=STORE)
    for sender in ("<spam@bad.example>", "<spam@bad.example>", "<x@good.example>"):
        with daemon.milter() as milter:
            milter.connect("mail.ok.example", "192.0.2.1")
            milter.helo("mail.ok.example")
            milter.mail(sender)
            milter.quit()
    with Dovecot(daemon.run / "auth") as conn:
        assert conn.plain("bob", "wrong")[0] == "FAIL"
    answer = daemon.ctl("status")
    verdicts, findings = answer["sessions"]["verdicts"], answer["sessions"]["findings"]
    assert verdicts["mail"] == {"accept": 1, "reject": 2}
    assert findings["mail"]["mail"]["fail"] == 2
    assert answer["auth"]["logins"] == {"dovecot": {"PLAIN": {"credentials": 1}}}
    assert answer["auth"]["refused"] == 1
    shown = ctl_status(daemon).stdout
    assert re.search(r"^  verdicts  mail  reject +2$", shown, re.M), shown
