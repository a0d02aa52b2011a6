"""Only one daemon keeps the rows of its database in a store; another one with the same store says so and decides mail."""

import subprocess

import pytest

from harness.kept_store import read_kept
from harness.tables import database, follow, may, problem_of, status, wait_may, wait_may_not, wait_source
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
LOCK = "store.json.lock"


def second_of(box, db, first):
    """Another daemon with the store of the first one."""
    return follow(box, db, config={"store": {"path": str(first.store_path)}})


def froms_of(daemon, user):
    return [row.get("froms") for row in read_kept(daemon.store_path)["users"] if row["username"] == user]


def set_froms(db, user, froms):
    db.query(f"UPDATE haraka.users SET froms = '{froms}' WHERE username = '{user}'")


@pytest.mark.threads
def test_a_second_daemon_decides_by_the_database_and_leaves_the_store_to_the_first(box):
    db = database(box)
    first = follow(box, db)
    first.wait_log("store written")
    second = second_of(box, db, first)
    wait_until(lambda: problem_of(second, "store", f"{LOCK}: another postern keeps its rows in this store"),
               "the second one reports the lock")
    assert not problem_of(first, "store", "")
    for number in range(3):
        set_froms(db, "alice", f"a{number}@example.com")
        wait_may(second, "alice", f"a{number}@example.com")
        wait_until(lambda: froms_of(first, "alice") == [[f"a{number}@example.com"]], "the first one keeps the change")
    assert "store left" not in first.log() and "written anew" not in first.log()
    assert second.log().count("another postern keeps its rows") == 1
    code, said = first.check_config()  # beside the running daemon
    assert code == 0 and "lock" not in said, said
    first.kill()
    wait_until(lambda: not problem_of(second, "store", ""), "the second one has the lock")
    set_froms(db, "alice", "last@example.com")
    wait_until(lambda: froms_of(first, "alice") == [["last@example.com"]], "the second one keeps the change")


def test_a_check_of_the_configuration_finds_the_lock_of_another_daemon(box):
    db = database(box)
    first = follow(box, db)
    first.wait_log("store written")
    other = follow(box, db, start=False, config={"store": {"path": str(first.store_path)}})
    code, said = other.check_config()
    assert f"{LOCK}: another daemon uses it" in said and "set a different [store] path for each" in said, said
    assert code == 0, said  # it would decide
    first.stop()
    code, said = other.check_config()
    assert code == 0 and "lock" not in said, said


def test_a_lock_that_was_removed_is_taken_anew(box):
    """Otherwise a second daemon would get a lock of its own."""
    db = database(box)
    first = follow(box, db)
    first.wait_log("store written")
    (first.run / LOCK).unlink()
    set_froms(db, "alice", "new@example.com")
    wait_until(lambda: froms_of(first, "alice") == [["new@example.com"]], "the change is kept")
    second = second_of(box, db, first)
    wait_until(lambda: problem_of(second, "store", "another postern"), "the second one reports the lock")


def test_a_restart_beside_a_daemon_that_has_not_ended_yet_gets_the_lock_when_it_has(box):
    db = database(box)
    first = follow(box, db)
    first.wait_log("store written")
    second = second_of(box, db, first)
    first.stop()
    wait_until(lambda: not problem_of(second, "store", ""), "the second one has the lock")
    set_froms(db, "alice", "new@example.com")
    wait_until(lambda: froms_of(first, "alice") == [["new@example.com"]], "the change is kept")
    assert may(second, "carol", "carol@example.com")


# ---- what is lost is a problem -------------------------------------------------------------------------


def test_changes_in_a_journal_that_is_not_used_are_a_problem_until_the_database_is_reached(box):
    db = database(box)
    daemon = follow(box, db)
    daemon.wait_log("store written")
    older = daemon.store_path.read_bytes()
    set_froms(db, "alice", "second@example.com")
    wait_may_not(daemon, *ALICE)
    daemon.restart()  # the file is written anew
    wait_source(daemon, "database")
    set_froms(db, "alice", "third@example.com")
    wait_until(lambda: froms_of(daemon, "alice") == [["third@example.com"]], "the journal has the change")
    daemon.kill()
    db.stop()
    daemon.store_path.write_bytes(older)
    text = "store.json.journal: is the journal of another file"
    code, said = daemon.check_config()
    assert text in said and "error:" not in said and code == 0, said
    daemon.start()
    wait_source(daemon, "cache")
    assert any(text in problem for problem in status(daemon)["cache"]["problems"])
    db.start()
    wait_source(daemon, "database")
    assert not any(text in problem for problem in status(daemon)["cache"]["problems"])
    wait_until(lambda: froms_of(daemon, "alice") == [["third@example.com"]], "the rows are kept again")


def test_a_copy_of_a_running_daemons_directory_loads(box):
    db = database(box)
    daemon = follow(box, db)
    daemon.wait_log("store written")
    set_froms(db, "alice", "new@example.com")
    wait_until(lambda: froms_of(daemon, "alice") == [["new@example.com"]], "the journal has the change")
    copy = follow(box, db, start=False)
    subprocess.run(["cp", "-a", *daemon.run.glob("store.json*"), copy.run], check=True)
    copy.start()
    wait_source(copy, "database")
    wait_until(lambda: froms_of(copy, "alice") == [["new@example.com"]], "it keeps the rows")
    assert not problem_of(copy, "store", "")
