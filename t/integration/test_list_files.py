"""A saved list is in force within a second, and never appears empty or incomplete before."""

import os
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from harness.box import need, needs_root
from harness.hanging import let_hang
from harness.tables import status, wait_source
from harness.wait import wait_until

LIST = "mail_from.access.blacklist"
KEPT = "kept@bad.example"  # the last line of each version of the list


@pytest.fixture(name="daemon")
def fixture_daemon(box):
    daemon = box.postern(lists={LIST: f"first@bad.example\n{KEPT}\n"}, config={"log": {"level": "debug"}})
    wait_source(daemon, "lists")
    return daemon


def refuses(milter, sender):
    answer = milter.mail(f"<{sender}>")
    milter.abort()
    assert answer.verdict != "tempfail"
    return answer.verdict == "reject"


def wait_refused(daemon, sender, expected=True, what=None):
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        wait_until(lambda: refuses(milter, sender) == expected, what or f"{sender}: {expected}")


@contextmanager
def always_refused(daemon, *senders):
    """Asserts that every answer for these senders is a refusal while the block runs, and that there are many."""
    stop, passed, count = threading.Event(), [], [0]

    def run():
        with daemon.milter() as milter:
            milter.connect("mail.example.net", "192.0.2.7")
            while not stop.is_set() and not passed:
                passed.extend(sender for sender in senders if not refuses(milter, sender))
                count[0] += 1

    worker = threading.Thread(target=run)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()
    assert not passed, f"let through: {passed}"
    assert count[0] > 20
    print(f"asked {count[0]} times")


@pytest.mark.parametrize("how", ["rename", "truncate"])
@pytest.mark.threads
def test_saved_lists_come_into_force_and_never_appear_empty(daemon, how):
    with always_refused(daemon, KEPT):
        for number in range(20):
            daemon.write_list(LIST, [f"n{number}@bad.example"] + [f"x{i}@bad.example" for i in range(2000)]
                              + [KEPT], how=how)
            wait_refused(daemon, f"n{number}@bad.example", what=f"a save by {how} is in force")
            if number:
                wait_refused(daemon, f"n{number - 1}@bad.example", False)


def test_a_slow_writer_is_waited_for(daemon):
    with always_refused(daemon, KEPT):
        with open(daemon.lists / LIST, "w", encoding="utf-8") as file:
            time.sleep(0.7)
            file.write("slow@bad.example\n")
            file.flush()
            time.sleep(0.7)
            file.write(KEPT + "\n")
        wait_refused(daemon, "slow@bad.example", what="a slow save is in force once it is closed")


@pytest.mark.threads
def test_a_reload_in_the_middle_of_a_save_keeps_the_old_list(daemon):
    with always_refused(daemon, KEPT):
        with open(daemon.lists / LIST, "w", encoding="utf-8") as file:
            file.flush()
            daemon.reload()
            file.write("half@bad.example\n")
            file.flush()
            daemon.reload()
            time.sleep(0.5)
            daemon.reload()
            file.write(KEPT + "\n")
        wait_refused(daemon, "half@bad.example")


@pytest.mark.threads
def test_an_answered_reload_includes_earlier_saves(daemon):
    for number in range(10):
        daemon.write_list(LIST, [f"n{number}@bad.example", KEPT], how="truncate" if number % 2 else "rename")
        assert daemon.ctl("reload")["ok"]
        with daemon.milter() as milter:
            milter.connect("mail.example.net", "192.0.2.7")
            assert refuses(milter, f"n{number}@bad.example")


def test_a_list_built_up_by_appending_is_never_empty(daemon):
    with always_refused(daemon, KEPT):
        subprocess.run(["sh", "-c", ': > "$1"; sleep 0.2; echo "$2" >> "$1"; sleep 0.2; '
                        'echo appended@bad.example >> "$1"', "sh", daemon.lists / LIST, KEPT], check=True)
        wait_refused(daemon, "appended@bad.example", what="a list built up by appending is in force")


@pytest.mark.threads
def test_a_list_removed_and_put_back_is_never_empty(daemon):
    path = daemon.lists / LIST
    with always_refused(daemon, KEPT):
        path.rename(path.with_name("backup~"))  # as vi does
        time.sleep(0.2)
        path.write_text(f"back@bad.example\n{KEPT}\n")
        wait_refused(daemon, "back@bad.example")


def test_a_list_removed_for_good_is_empty(daemon):
    (daemon.lists / LIST).unlink()
    wait_refused(daemon, KEPT, False, what="a removed list is empty")
    daemon.write_list(LIST, [KEPT])
    wait_refused(daemon, KEPT, what="a list that was created again is in force")


def test_an_emptied_list_is_empty(daemon):
    (daemon.lists / LIST).write_text("")
    wait_refused(daemon, KEPT, False, what="an emptied list is in force")


# ---- a list that is written into place -------------------------------------------------------------

LONG = [f"x{i}@bad.example" for i in range(30)] + [KEPT]


@pytest.fixture(name="long")
def fixture_long(daemon):
    daemon.write_list(LIST, LONG)
    wait_refused(daemon, LONG[0], what="a list of more than 20 entries is in force")
    return daemon


def unused(daemon):
    return [one["problem"] for one in status(daemon)["problems"] if "cannot be used" in one["problem"]]


def test_a_list_whose_writer_is_slow_waits_for_its_end(long):
    with always_refused(long, KEPT):
        with open(long.lists / LIST, "w", encoding="utf-8") as file:  # curl, whose first byte has yet to come
            long.wait_log("has 0 entries instead of 31, which is taken for a file that is being written")
            assert "has 0 entries instead of 31" in unused(long)[0]
            file.write("".join(entry + "\n" for entry in LONG[1:5]))
            file.flush()
            long.wait_log("has 4 entries instead of 31")
            file.write("new@bad.example\n" + "".join(entry + "\n" for entry in LONG[5:]))
        wait_refused(long, "new@bad.example", what="the list is in force once it is closed")
    assert not unused(long)
    wait_refused(long, LONG[0], False)


def test_a_list_without_a_byte_waits_for_a_reload(long):
    (long.lists / LIST).write_text("")
    long.wait_log("has 0 entries instead of 31")
    assert unused(long)
    wait_refused(long, KEPT)
    assert long.ctl("reload")["ok"]
    wait_refused(long, KEPT, False, what="a reload confirms an empty list")
    long.wait_log(f'list {LIST} entries=0 before=31 reason="a reload confirms the file"')
    assert not unused(long)


def test_a_list_of_comments_alone_is_used_and_reported(long):
    (long.lists / LIST).write_text("# nothing at present\n")
    wait_refused(long, KEPT, False, what="a list without entries is in force")
    long.wait_log(f'list {LIST} entries=0 before=31 reason="the file is complete"')


def test_a_list_that_is_replaced_by_a_short_one_is_used_at_once(long):
    long.write_list(LIST, [KEPT])
    wait_refused(long, LONG[0], False, what="a short list that was renamed into place is in force")
    assert "instead of" not in long.log()


def test_with_refuse_empty_off_an_empty_list_is_used(long):
    long.configure({"lists": {"refuse_empty": "no"}})
    assert long.ctl("reload")["ok"]
    (long.lists / LIST).write_text("")
    wait_refused(long, KEPT, False, what="an emptied list is in force")


def test_lines_appended_to_a_list_that_stays_open_are_in_force_without_a_half_one(long):
    with open(long.lists / LIST, "a", encoding="utf-8") as file:
        file.write("first@bad.example\nsecond@bad.exam")
        file.flush()
        wait_refused(long, "first@bad.example", what="an appended line is in force")
        wait_refused(long, "second@bad.exam", False)
        file.write("ple\n")
        file.flush()
        wait_refused(long, "second@bad.example", what="the next line is in force")
        file.write("third@bad.example")  # without an end of line
    wait_refused(long, "third@bad.example", what="the last line is in force once the file is closed")


@pytest.mark.threads
def test_a_directory_that_vanishes_leaves_the_lists_in_force(daemon):
    away = daemon.lists.with_name("lists.away")
    with always_refused(daemon, KEPT):
        daemon.lists.rename(away)
        daemon.wait_log("the files read there stay in force")
        time.sleep(1)
    assert daemon.log().count("the files read there stay in force") == 1
    (away / LIST).write_text(f"later@bad.example\n{KEPT}\n")
    with always_refused(daemon, KEPT):
        away.rename(daemon.lists)
        wait_refused(daemon, "later@bad.example", what="the lists of a folder that is back are in force")
    assert "is back" in daemon.log()


def test_a_directory_removed_with_its_files_leaves_the_lists_in_force(daemon):
    with always_refused(daemon, KEPT):
        shutil.rmtree(daemon.lists)
        daemon.wait_log("the files read there stay in force")
        daemon.lists.mkdir()
        daemon.write_list(LIST, ["anew@bad.example", KEPT])
        wait_refused(daemon, "anew@bad.example")


def test_a_directory_missing_at_the_start_is_reported_and_waited_for(box):
    daemon = box.postern(config={"lists": {"directory": "later"}})
    wait_source(daemon, "lists")
    assert "the directory does not exist" in status(daemon)["cache"]["problems"][0]
    folder = daemon.folder / "later"
    folder.mkdir()
    (folder / LIST).write_text(KEPT + "\n")
    wait_refused(daemon, KEPT, what="a folder that appeared is in force")
    wait_until(lambda: status(daemon)["cache"]["problem_count"] == 0, "no problem is left")


def test_a_bad_line_is_logged_once_and_the_others_are_in_force(daemon):
    name = "mail_from.access.blacklist_regex"
    daemon.write_list(name, ["good@bad\\.example", "(unclosed"])
    daemon.wait_log(f"{name}:2: ")
    wait_refused(daemon, "good@bad.example")
    assert status(daemon)["cache"]["problem_count"] == 1
    daemon.write_list(name, ["better@bad\\.example", "(unclosed"])
    wait_refused(daemon, "better@bad.example")
    daemon.ctl("reload")
    assert daemon.log().count(f"warning: {name}:2: ") == 1
    daemon.write_list(name, ["best@bad\\.example"])
    daemon.wait_log(f"resolved: {name}:2: ")
    assert status(daemon)["cache"]["problem_count"] == 0


def test_a_list_that_cannot_be_read_leaves_the_old_one_in_force(daemon):
    daemon.configure({"lists": {"max_file": "1k"}})
    daemon.ctl("reload")
    with always_refused(daemon, KEPT):
        daemon.write_list(LIST, "#" * 2000)
        daemon.wait_log("the list read before stays in force")
        answer = daemon.ctl("reload", check=False)
        assert not answer["ok"] and LIST in answer["error"]
    daemon.write_list(LIST, ["short@bad.example"])
    wait_refused(daemon, "short@bad.example")
    daemon.wait_log("can be used again")


@pytest.mark.threads
def test_a_reload_changes_the_directory(daemon):
    other = daemon.folder / "other"
    other.mkdir()
    (other / LIST).write_text("other@bad.example\n")
    daemon.configure({"lists": {"directory": "other"}})
    daemon.ctl("reload")
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        assert refuses(milter, "other@bad.example")
        assert not refuses(milter, KEPT)
    (other / LIST).write_text("new@bad.example\n")
    wait_refused(daemon, "new@bad.example", what="a save in the new folder is in force")


def test_a_directory_that_only_root_may_read_has_its_own_remedy(daemon):
    """No sysctl helps where inotify is refused by the directory's mode."""
    needs_root()
    other = daemon.folder / "other"
    other.mkdir(mode=0o700)
    daemon.configure({"lists": {"directory": "other"}})
    daemon.ctl("reload", check=False)
    wait_until(lambda: problem_of(daemon, f"files in {other}"), "status has it")
    problem = problem_of(daemon, f"files in {other}")
    assert "Permission denied" in problem["problem"] and "sysctl" not in problem["remedy"], problem
    other.chmod(0o755)
    wait_until(lambda: not problem_of(daemon, f"files in {other}"), "the watch is in force")


WITHOUT_INOTIFY = ["unshare", "--user", "--map-root-user", "sh", "-c",
                   'echo 0 >/proc/sys/user/max_inotify_instances && exec unshare --user --map-user=1000 "$@"', "sh"]


def test_without_inotify_a_list_that_is_being_written_waits_until_it_rests(box):
    """As on a file system that reports nothing: equal stamps at two looks, two seconds apart, mean a complete file."""
    able = subprocess.run([*WITHOUT_INOTIFY, "true"], capture_output=True, check=False).returncode == 0
    need(able, "user namespaces")
    daemon = box.postern(start=False, lists={LIST: "".join(entry + "\n" for entry in LONG)},
                         config={"milter": {"user": "root"}, "log": {"level": "debug"}})
    os.chown(daemon.run, os.geteuid(), os.getegid())  # the only user in the namespaces
    daemon.process.argv = [*WITHOUT_INOTIFY, *daemon.process.argv]
    daemon.start()
    daemon.wait_log("inotify is not available")
    wait_until(lambda: problem_of(daemon, "inotify does not report changes of files, so"), "status has it")
    assert "max_user_instances" in problem_of(daemon, "inotify does not report")["remedy"]
    with open(daemon.lists / LIST, "w", encoding="utf-8") as file:
        with always_refused(daemon, KEPT):
            daemon.wait_log("has 0 entries instead of 31")
            assert unused(daemon)
        file.write("".join(entry + "\n" for entry in LONG[1:5]))
        file.flush()
        daemon.wait_log("has 4 entries instead of 31")  # they are used if the writer now pauses for two seconds
        file.write("new@bad.example\n" + "".join(entry + "\n" for entry in LONG[5:]))
    wait_refused(daemon, "new@bad.example", what="the complete list is in force")
    assert not unused(daemon)
    daemon.write_list(LIST, [KEPT])
    wait_refused(daemon, LONG[5], False, what="a short list that has come to rest is in force")


def problem_of(daemon, text):
    shown = daemon.ctl("status", check=False)
    return next((one for one in shown["problems"] if text in one["problem"]), None)


@pytest.mark.threads
def test_a_file_system_that_hangs_is_reported_and_delays_nothing_else(box):
    """Calls that look at the lists wait, as on a network file system whose server is gone."""
    daemon = box.postern(start=False, lists={LIST: f"{KEPT}\n"}, store={"profiles": [], "users": []})
    flag = let_hang(box, daemon, daemon.lists)
    daemon.start()
    wait_source(daemon, "store")
    flag.touch()
    daemon.write_list(LIST, [KEPT, "late@bad.example"])
    wait_until(lambda: problem_of(daemon, "/lists has not answered for"), "it is reported")
    daemon.write_store({"profiles": [], "users": [{"id": 1, "username": "bob", "froms": "bob@example.com"}]})
    wait_until(lambda: daemon.ctl("status", check=False)["cache"]["users"] == 1, "users are followed")
    answer = daemon.ctl("reload", check=False)
    assert not answer["ok"] and "its file system has not answered for" in answer["error"], answer
    flag.unlink()
    wait_refused(daemon, "late@bad.example", what="the lists are in force once the file system answers")
    wait_until(lambda: not problem_of(daemon, "has not answered"), "the problem is gone")
    flag.touch()
    wait_until(lambda: problem_of(daemon, "has not answered"), "it hangs again")
    assert daemon.stop() == 0
