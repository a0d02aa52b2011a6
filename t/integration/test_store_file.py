"""The JSON file as a copy of PostgreSQL's rows and as the store: it may be torn, emptied, foreign or edited."""

import json
import os
import pwd
import re
import shutil
import time
from pathlib import Path

import pytest

from harness.box import needs_mounts, needs_root
from harness.kept_store import read_kept
from harness.packages import OWN_MOUNTS
from harness.postern import USER
from harness.tables import (asking, database, follow, may, status, wait_may, wait_may_not, wait_source)
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
ROWS = {"profiles": [{"id": 1, "name": "internal", "open": False, "host": "example.com"}],
        "users": [{"id": 1, "username": "alice", "froms": "alice@example.com", "profileId": 1}]}


def with_user(name):
    return {**ROWS, "users": [*ROWS["users"], {"id": 2, "username": name, "froms": f"{name}@example.com",
                                               "profileId": 1}]}


# ---- a copy of PostgreSQL's rows --------------------------------------------------------------------


@pytest.fixture(name="written", scope="module")
def fixture_written(shared_box):
    """A stopped daemon whose file was written twice, PostgreSQL, which is down, and the bytes of both files."""
    db = database(shared_box)
    daemon = follow(shared_box, db)
    daemon.wait_log("store written")
    db.query("UPDATE haraka.users SET enabled = false WHERE username = 'carol'")
    wait_may_not(daemon, "carol", "carol@example.com")
    prev = daemon.store_path.with_name("store.json.prev")
    daemon.stop()
    assert prev.exists(), "the end did not write the file a second time"
    db.stop()
    return daemon, db, daemon.store_path.read_bytes(), prev.read_bytes()


@pytest.fixture(name="kept")
def fixture_kept(written):
    daemon, db, text, prev = written
    daemon.store_path.write_bytes(text)
    daemon.store_path.with_name("store.json.prev").write_bytes(prev)
    yield daemon, db
    daemon.stop()
    db.stop()


TORN = {
    "torn": lambda text: text[:len(text) // 2],
    "emptied": lambda text: b"",
    "zeroed": lambda text: bytes(len(text)),
    "altered": lambda text: text.replace(b"alice@example.com", b"mallory@x.example"),
    "foreign": lambda text: b'{"name": "package", "version": "1.0"}\n',
    "no JSON": lambda text: b"[check]\nany = yes\n",
    "newer": lambda text: text.replace(b"postern-store-1", b"postern-store-2"),
    "without its last line": lambda text: text[:text.rindex(b'"checksum"')],
}


@pytest.mark.parametrize("how", TORN)
def test_a_damaged_file_is_refused_and_the_previous_one_used(kept, how):
    daemon, _ = kept
    text = daemon.store_path.read_bytes()
    daemon.store_path.write_bytes(TORN[how](text))
    since = daemon.mark()
    daemon.start()
    wait_source(daemon, "cache")
    assert may(daemon, *ALICE)
    daemon.wait_log("store.json.prev is used instead", since)
    print([line for line in daemon.log(since).splitlines() if "store.json" in line][0])


def size_of(path):
    """0 between the two renames with which the daemon replaces the file."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def test_with_both_files_damaged_nothing_is_decided_until_the_database_answers(kept):
    daemon, db = kept
    for path in (daemon.store_path, daemon.store_path.with_name("store.json.prev")):
        path.write_bytes(b"{")
    since = daemon.mark()
    daemon.start()
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        assert milter.mail("<alice@example.com>", auth_authen="alice").verdict == "tempfail"
    daemon.wait_log("store.json", since)
    assert status(daemon)["cache"]["policy"]["source"] == "none"
    db.start()
    wait_may(daemon, *ALICE)
    wait_until(lambda: size_of(daemon.store_path) > 100, "the file is written again")


def test_only_the_owner_can_read_the_file_and_each_row_has_a_line(kept):
    daemon, _ = kept
    lines = daemon.store_path.read_text(encoding="utf-8").splitlines()
    assert daemon.store_path.stat().st_mode & 0o777 == 0o600
    assert json.loads("\n".join(lines))["format"] == "postern-store-1"
    assert len([line for line in lines if '"username":"alice"' in line]) == 1
    assert re.search(r'"checksum": ?"sha256:', lines[-1])
    assert not daemon.store_path.with_name("store.json.new").exists()


@pytest.mark.threads
def test_constant_change_is_in_the_journal_at_once_and_in_the_file_at_the_end(box):
    db = database(box)
    daemon = follow(box, db)
    daemon.wait_log("store written")
    connection = db.connect()
    cursor = connection.cursor()
    begin = time.monotonic()
    while time.monotonic() - begin < 4:
        cursor.execute("UPDATE haraka.users SET froms = %s WHERE username = 'alice'",
                       (f"a{time.monotonic()}@example.com",))
        time.sleep(0.02)
    cursor.execute("UPDATE haraka.users SET froms = 'last@example.com' WHERE username = 'alice'")
    connection.close()
    wait_until(lambda: "last@example.com" in str(read_kept(daemon.store_path)), "the last change is in the journal")
    assert "last@example.com" not in daemon.store_path.read_text(encoding="utf-8")
    assert daemon.log().count("store written") == 1
    daemon.stop()
    assert "last@example.com" in daemon.store_path.read_text(encoding="utf-8")
    assert not daemon.store_path.with_name("store.json.journal").exists()


def test_a_full_disk_causes_a_warning_and_is_written_to_as_soon_as_there_is_room(box):
    needs_mounts()
    db = database(box)
    daemon = follow(box, db, start=False, config={"store": {"path": "run/disk/store.json"}})
    disk = daemon.run / "disk"
    disk.mkdir()
    daemon.process.argv = [*OWN_MOUNTS, "sh", "-c",
                           f"mount -t tmpfs -o size=256k,uid={pwd.getpwnam(USER).pw_uid} tmpfs {disk} && exec \"$@\"",
                           "sh", *daemon.process.argv]
    daemon.start()
    inside = Path(f"/proc/{daemon.process.pid}/root{disk}")
    wait_until((inside / "store.json").exists, "the store is written")
    old = (inside / "store.json").read_bytes()
    with pytest.raises(OSError, match="No space left"), open(inside / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(1024))
    db.query("UPDATE haraka.users SET froms = 'x@example.com' WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE)
    daemon.wait_log("store not written")
    assert (inside / "store.json").read_bytes() == old
    assert "No space left" in status(daemon)["store"]["error"]
    (inside / "filler").unlink()
    daemon.wait_log("store written again")  # the deadline is earlier than the next attempt without more room
    assert "x@example.com" in str(read_kept(inside / "store.json"))


def unwritten(box):
    """A database and its daemon, which could not write to its file that alice is disabled."""
    needs_root()
    db = database(box)
    daemon = follow(box, db)
    daemon.wait_log("store written")
    os.chown(daemon.run, 0, 0)
    db.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE)
    daemon.wait_log("store not written")
    return db, daemon


def test_what_could_not_be_written_is_written_at_the_end(box):
    db, daemon = unwritten(box)
    shutil.chown(daemon.run, USER)
    daemon.stop()
    db.stop()
    daemon.start()
    assert not may(daemon, *ALICE)


def test_a_store_that_stays_unwritten_is_reported_at_the_end(box):
    _, daemon = unwritten(box)
    assert status(daemon)["store"]["error"]
    daemon.stop()
    assert daemon.log().count("store.json.journal: Permission denied") == 1
    daemon.wait_log("store not written before the end: a start without the database would use older rules: "
                    f"{daemon.store_path}.new: Permission denied")


# ---- the store itself -----------------------------------------------------------------------------


@pytest.mark.threads
def test_a_good_edit_comes_into_force_and_a_broken_one_does_not(box):
    daemon = box.postern(store=ROWS)
    assert may(daemon, *ALICE)
    assert status(daemon)["cache"]["policy"]["source"] == "store"
    daemon.write_store(with_user("eve"))
    wait_may(daemon, "eve", "eve@example.com", what="an edit of the store is in force")
    with asking(daemon, (*ALICE, True), ("eve", "eve@example.com", None, True)):
        daemon.write_store('{"format": "postern-store-1", "users": [{"id": 1,')
        daemon.wait_log("the policy in force stays")
        assert status(daemon)["store"]["error"]
        time.sleep(1)
    assert daemon.log().count("the policy in force stays") == 1
    daemon.write_store(ROWS)
    wait_may_not(daemon, "eve", "eve@example.com", what="the corrected store is in force")
    assert status(daemon)["store"]["error"] is None


def test_an_editor_that_truncates_and_writes_is_waited_for(box):
    daemon = box.postern(store=ROWS)
    wait_source(daemon, "store")
    text = json.dumps({"format": "postern-store-1", **with_user("eve")})
    with asking(daemon, (*ALICE, True)):
        with open(daemon.store_path, "w", encoding="utf-8") as file:
            time.sleep(0.5)
            file.write(text[:len(text) // 2])
            file.flush()
            time.sleep(0.5)
            file.write(text[len(text) // 2:])
        wait_may(daemon, "eve", "eve@example.com", what="the rewritten store is in force")
    assert "the policy in force stays" not in daemon.log(), "the half-written file was read"


@pytest.mark.threads
def test_a_store_that_appears_holds_users_to_their_profiles(box):
    daemon = box.postern(config={"store": {"path": "run/store.json"}})
    missing = f"[store] path: {daemon.store_path} does not exist"
    assert missing in status(daemon)["cache"]["problems"][0]
    assert status(daemon)["cache"]["policy"]["source"] == "lists"
    assert may(daemon, "alice", "anybody@example.org")
    daemon.write_store(ROWS)
    wait_may_not(daemon, "alice", "anybody@example.org", what="a store that appeared is in force")
    assert may(daemon, *ALICE)
    assert status(daemon)["cache"]["policy"]["source"] == "store"
    assert status(daemon)["cache"]["problem_count"] == 0
    assert f"resolved: {daemon.conf}" in daemon.log()


def test_a_store_that_is_removed_leaves_its_rows_in_force_until_it_is_turned_off(box):
    """Neither a mistyped path nor a lost file frees all users of their rules."""
    daemon = box.postern(store=ROWS)
    assert not may(daemon, "alice", "anybody@example.org")
    daemon.store_path.unlink()
    daemon.wait_log("store.json: the file does not exist, and the rows in force stay")
    assert not may(daemon, "alice", "anybody@example.org")
    for path in ("run/store.json", "run/stor.json"):
        daemon.configure({"store": {"path": path}})
        answer = daemon.ctl("reload", check=False)
        assert not answer["ok"] and f"{daemon.folder}/{path}: the file does not exist" in answer["error"]
        assert not may(daemon, "alice", "anybody@example.org")
    daemon.configure({"store": {"path": ""}})
    daemon.ctl("reload")
    assert may(daemon, "alice", "anybody@example.org")
    assert status(daemon)["cache"]["policy"]["source"] == "lists"


def test_a_bad_row_is_logged_and_the_others_load(box):
    daemon = box.postern(store={**ROWS, "users": [*ROWS["users"], {"id": 2, "froms": "x@example.com"}]})
    assert may(daemon, *ALICE)
    assert status(daemon)["cache"]["problem_count"] == 1
    assert "users id 2" in status(daemon)["cache"]["problems"][0]
    daemon.write_store(ROWS)
    daemon.wait_log("resolved: users id 2")
    assert status(daemon)["cache"]["problem_count"] == 0


def test_a_store_broken_at_the_start_decides_nothing_until_it_is_corrected(box):
    daemon = box.postern(store="{")
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        assert milter.mail("<a@example.com>").verdict == "tempfail"
    daemon.write_store(ROWS)
    wait_may(daemon, *ALICE, what="the corrected store is in force")


# ---- store and database ------------------------------------------------------------------------


@pytest.mark.threads
def test_a_reload_goes_from_the_store_to_a_database_and_back(box):
    db = database(box)
    daemon = box.postern(store=with_user("eve"))
    assert may(daemon, "eve", "eve@example.com")
    daemon.configure({"database": {"conninfo": db.conninfo(user="postern")},
                      "store": {"path": "run/kept.json"}})
    daemon.ctl("reload")
    assert status(daemon)["cache"]["policy"]["source"] == "database"
    assert not may(daemon, "eve", "eve@example.com")
    assert may(daemon, *ALICE)
    del daemon.config["database"]
    daemon.configure({"store": {"path": "run/store.json"}})
    daemon.ctl("reload")
    assert status(daemon)["cache"]["policy"]["source"] == "store"
    assert status(daemon)["database"]["state"] == "off"
    assert may(daemon, "eve", "eve@example.com")


def test_rcpt_re_anchored_takes_effect_while_the_database_is_down(box):
    db = database(box)
    db.query("UPDATE haraka.profiles SET rcpt_re = 'x@y', host = NULL, rcpt = NULL WHERE name = 'internal'")
    daemon = follow(box, db)
    to = ("alice", "alice@example.com", "ax@y.example")
    assert may(daemon, *to)
    db.stop()
    daemon.configure({"profile": {"rcpt_re_anchored": "yes"}})
    assert not daemon.ctl("reload", check=False)["ok"]
    assert not may(daemon, *to)
