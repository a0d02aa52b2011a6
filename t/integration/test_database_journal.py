"""The JSON file's journal: changes are kept at once, survive kill -9, and are seen by all who read the file."""

import random
import subprocess
import time

import pytest

from harness.kept_store import read_kept
from harness.postern import POSTERNCTL
from harness.tables import database, follow, may, status, wait_may, wait_may_not, wait_source
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
SUSPEND = "UPDATE haraka.users SET enabled = false WHERE username = 'alice'"


def journal_of(daemon):
    return daemon.store_path.with_name("store.json.journal")


def followed(box, **options):
    """A database and its daemon, whose file has been written."""
    db = database(box)
    daemon = follow(box, db, **options)
    daemon.wait_log("store written")
    return db, daemon


def is_off(daemon, user):
    """Whether the user is disabled in the file with its journal."""
    return [row.get("enabled") for row in read_kept(daemon.store_path)["users"] if row["username"] == user] == [False]


def froms_of(daemon, user):
    return [row.get("froms") for row in read_kept(daemon.store_path)["users"] if row["username"] == user]


def test_a_changed_row_is_one_line_and_the_file_stays_as_it_is(box):
    db, daemon = followed(box)
    before = daemon.store_path.read_bytes()
    db.query("UPDATE haraka.users SET froms = 'new@example.com' WHERE username = 'alice'")
    wait_until(lambda: froms_of(daemon, "alice") == [["new@example.com"]], "the journal has the change")
    db.query("DELETE FROM haraka.users WHERE username = 'carol'")
    wait_until(lambda: froms_of(daemon, "carol") == [], "the journal has the removal")
    db.query("UPDATE haraka.profiles SET \"desc\" = 'other' WHERE id = 1")
    wait_until(lambda: "other" in str(read_kept(daemon.store_path)["profiles"]), "the journal has the profile")
    assert daemon.store_path.read_bytes() == before
    lines = journal_of(daemon).read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in lines if not line[9:].startswith("state")] == [
        "postern-journal-1", "users", "-users", "profiles"]
    assert journal_of(daemon).stat().st_mode & 0o777 == 0o600
    assert status(daemon)["store"]["journal_bytes"] == journal_of(daemon).stat().st_size
    daemon.stop()
    assert not journal_of(daemon).exists() and daemon.store_path.read_bytes() != before


def test_all_who_read_the_file_see_the_changes_in_its_journal(box):
    db, daemon = followed(box)
    db.query(SUSPEND)
    wait_until(lambda: is_off(daemon, "alice"), "the journal has the change")
    daemon.kill()
    db.stop()
    asked = daemon.ctl("explain", "--user", "alice", "--mail", "alice@example.com", check=False, parse=False)
    assert "550" in asked, asked
    shown = subprocess.run([POSTERNCTL, "-c", daemon.conf, "user", "show", "alice"], capture_output=True, text=True,
                           check=True).stdout
    assert "enabled: no" in shown, shown
    code, said = daemon.check_config()
    assert code == 0, said
    daemon.start()
    wait_source(daemon, "cache")
    assert not may(daemon, *ALICE)


@pytest.mark.threads
def test_a_change_in_force_for_a_moment_survives_kill_9(box):
    """At random points: the rows after a start without the database are those of a moment before the kill."""
    rng = random.Random(3)
    db, daemon = followed(box)
    connection = db.connect()
    cursor = connection.cursor()
    number = kept = 0
    for _ in range(5):
        end = time.monotonic() + rng.uniform(0.2, 1.2)
        while time.monotonic() < end:
            number += 1
            cursor.execute("UPDATE haraka.users SET froms = %s WHERE username = 'alice'", (f"a{number}@example.com",))
        wait_may(daemon, "alice", f"a{number}@example.com")
        wait_until(lambda: froms_of(daemon, "alice") == [[f"a{number}@example.com"]], "the journal has the last change")
        kept = number
        cursor.execute("UPDATE haraka.users SET froms = %s WHERE username = 'alice'", (f"b{number}@example.com",))
        time.sleep(rng.uniform(0, 0.2))
        daemon.kill()
        db.stop("immediate")
        connection.close()
        daemon.start()
        wait_source(daemon, "cache")
        assert may(daemon, "alice", f"a{kept}@example.com") or may(daemon, "alice", f"b{kept}@example.com")
        db.start()
        wait_source(daemon, "database")
        connection = db.connect()
        cursor = connection.cursor()
        wait_may(daemon, "alice", f"b{kept}@example.com")


def test_a_torn_end_is_cut_and_the_journal_continues(box):
    db, daemon = followed(box)
    db.query(SUSPEND)
    wait_until(journal_of(daemon).exists, "there is a journal")
    wait_until(lambda: is_off(daemon, "alice"), "it has the change")
    daemon.kill()
    with open(journal_of(daemon), "ab") as journal:
        journal.write(b'0123abcd users {"id":1,"username":"al')
    daemon.start()
    daemon.wait_log("store.json.journal: the last 37 bytes were not written completely")
    wait_source(daemon, "database")
    db.query("UPDATE haraka.users SET froms = 'late@example.com' WHERE username = 'carol'")
    wait_until(lambda: froms_of(daemon, "carol") == [["late@example.com"]], "the journal continues")
    daemon.kill()
    db.stop()
    daemon.start()
    wait_source(daemon, "cache")
    assert not may(daemon, *ALICE) and may(daemon, "carol", "late@example.com")


def test_a_journal_that_could_not_be_read_once_is_not_used_later(box):
    """The database has the rows of the file again, so that nothing else causes the file to be written."""
    db, daemon = followed(box)
    before = daemon.store_path.read_bytes()
    db.query("UPDATE haraka.users SET froms = 'old@example.com' WHERE username = 'alice'")
    wait_until(lambda: froms_of(daemon, "alice") == [["old@example.com"]], "the journal has the change")
    daemon.kill()
    db.query("UPDATE haraka.users SET froms = 'alice@example.com' WHERE username = 'alice'")
    journal = journal_of(daemon)
    aside = journal.with_name("aside")
    journal.rename(aside)
    journal.mkdir()
    daemon.start()
    wait_source(daemon, "database")
    wait_until(lambda: not journal.is_dir() or daemon.store_path.read_bytes() != before, "the rows are kept anew")
    daemon.kill()
    if journal.is_dir():
        journal.rmdir()
        aside.rename(journal)
    db.stop()
    daemon.start()
    wait_source(daemon, "cache")
    assert may(daemon, *ALICE) and not may(daemon, "alice", "old@example.com")


def test_a_file_that_was_put_back_is_used_without_the_journal_of_another_one(box):
    db, daemon = followed(box)
    older = daemon.store_path.read_bytes()
    db.query("UPDATE haraka.users SET froms = 'second@example.com' WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE)
    daemon.restart()  # the file is written anew
    wait_source(daemon, "database")
    db.query(SUSPEND.replace("alice", "carol"))
    wait_until(lambda: is_off(daemon, "carol"), "the journal has the change")
    daemon.kill()
    db.stop()
    daemon.store_path.write_bytes(older)
    daemon.start()
    wait_source(daemon, "cache")
    assert may(daemon, *ALICE) and may(daemon, "carol", "carol@example.com")
    daemon.wait_log("store.json.journal: is the journal of another file")


def test_a_file_that_is_edited_while_the_daemon_runs_is_kept_aside(box):
    db, daemon = followed(box)
    daemon.store_path.write_text('{"format": "postern-store-1", "users": []}', encoding="utf-8")
    db.query(SUSPEND)
    wait_until(lambda: list(daemon.run.glob("store.json.saved-*")), "the edited file is kept")
    wait_until(lambda: is_off(daemon, "alice"), "the file has the change")


def test_a_file_that_is_removed_while_the_daemon_runs_is_written_again(box):
    """Otherwise a restart while the database is down has no policy, and nothing tells."""
    db, daemon = followed(box)
    daemon.store_path.unlink()
    wait_until(daemon.store_path.exists, "the file is written again")
    assert "store file=lost" in daemon.log()
    daemon.kill()
    db.stop()
    daemon.start()
    wait_source(daemon, "cache")
    assert may(daemon, *ALICE)


def test_a_store_without_a_database_gets_the_changes_and_has_no_journal(box):
    """[database] is removed: the file is the store from then on, with all rows."""
    db, daemon = followed(box)
    db.query(SUSPEND)
    wait_until(lambda: is_off(daemon, "alice"), "the journal has the change")
    for key in daemon.config["database"]:
        daemon.config["database"][key] = None
    del daemon.config["database"]
    daemon.configure({})
    daemon.ctl("reload")
    wait_until(lambda: not journal_of(daemon).exists(), "the file has the changes of the journal")
    wait_source(daemon, "store")
    assert not may(daemon, *ALICE)


def test_a_link_in_place_of_the_journal_is_not_followed(box):
    db, daemon = followed(box)
    daemon.stop()
    precious = daemon.folder / "precious"
    precious.write_text("precious", encoding="utf-8")
    journal_of(daemon).symlink_to(precious)
    db.stop()
    daemon.start()
    assert any("store.json.journal: is a symbolic link" in text for text in status(daemon)["cache"]["problems"])
    db.start()
    wait_source(daemon, "database")
    db.query(SUSPEND)
    wait_until(lambda: is_off(daemon, "alice"), "the journal has the change")
    assert precious.read_text(encoding="utf-8") == "precious" and not journal_of(daemon).is_symlink()
