"""A reload applies every key of [database], also those that do not need another connection."""

import re
import shutil

import pytest

from harness.ports import free_port
from harness.postern import ROOT, USER
from harness.tables import QUICK, database, follow, may, problem_of, status, wait_may_not, wait_state
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
SUSPEND = "UPDATE haraka.users SET enabled = false WHERE username = 'alice'"


@pytest.fixture(name="db", scope="module")
def fixture_db(shared_box):
    """A server on which the role "locked" needs the password "right"."""
    db = database(shared_box)
    db.query("CREATE ROLE locked LOGIN PASSWORD 'right' IN ROLE postern")
    access = db.folder / "pg_hba.conf"
    access.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + access.read_text(encoding="ascii"))
    db.query("SELECT pg_reload_conf()")
    return db


@pytest.fixture(name="tables")
def fixture_tables(db):
    """The sample's rows, whatever a test did before."""
    db.query("TRUNCATE haraka.users, haraka.profiles, haraka.changes RESTART IDENTITY")
    db.apply("sample.sql")
    return db


def secret_file(box, text):
    """A file with that password, which only the daemon may read."""
    path = box.folder / f"password-{text}"
    path.write_text(text + "\n")
    path.chmod(0o600)
    if USER:
        shutil.chown(path, USER)
    return path


# Each key with a value by which nothing can be loaded, one by which all can be, and the other keys it needs.
# A value is a function of (box, db) or a text.
SPLIT = {"conninfo": None, "host": "127.0.0.1", "port": lambda box, db: db.port, "database": "mail",
         "user": "postern"}
LOCKED = {**SPLIT, "user": "locked"}
SOURCES = [
    ("conninfo", lambda box, db: f"host=127.0.0.1 port={free_port()}",
     lambda box, db: db.conninfo(user="postern"), {}),
    ("host", "127.0.0.2", "127.0.0.1", SPLIT),
    ("port", lambda box, db: free_port(), lambda box, db: db.port, SPLIT),
    ("database", "nowhere", "mail", SPLIT),
    ("user", "stranger", "postern", SPLIT),
    ("password", "wrong", "right", LOCKED),
    ("password_file", lambda box, db: secret_file(box, "wrong"), lambda box, db: secret_file(box, "right"), LOCKED),
    ("schema", "public", "haraka", {}),
    ("profiles_query", "SELECT * FROM nobody", "SELECT * FROM profiles", {}),
    ("users_query", "SELECT * FROM nobody", "SELECT * FROM users", {}),
]


@pytest.mark.parametrize("key, bad, good, others", SOURCES, ids=[source[0] for source in SOURCES])
def test_another_source_is_loaded(box, tables, key, bad, good, others):
    def values(keys):
        return {name: value(box, tables) if callable(value) else value for name, value in keys.items()}

    conninfo = tables.conninfo(user="postern")
    daemon = box.postern(config={"database": {**QUICK, **values({"conninfo": conninfo, **others, key: bad})}})
    assert not daemon.ctl("reload", check=False)["ok"]
    assert not may(daemon, *ALICE)
    daemon.configure({"database": values({key: good})})
    assert daemon.ctl("reload")["ok"]
    assert may(daemon, *ALICE)


def reload_with(daemon, check=True, **keys):
    daemon.configure({"database": keys})
    return daemon.ctl("reload", check=check)


def test_another_channel_is_listened_to(box, tables):
    daemon = follow(box, tables, channel="elsewhere", poll_interval="1h")
    reload_with(daemon, channel="haraka")
    wait_state(daemon, "listening")
    tables.query(SUSPEND)
    wait_may_not(daemon, *ALICE, what="a change is found by a notification on the new channel")


def test_a_shorter_poll_interval_finds_changes(box, tables):
    daemon = follow(box, tables, channel="elsewhere", poll_interval="1h")
    reload_with(daemon, poll_interval="1s")
    tables.query(SUSPEND)
    wait_may_not(daemon, *ALICE, what="a change is found by the new poll_interval")


def test_a_shorter_full_reload_interval_finds_what_the_feed_misses(box, tables):
    view = "CREATE OR REPLACE VIEW haraka.people AS SELECT * FROM haraka.users"
    tables.query(view + "; GRANT SELECT ON haraka.people TO postern")
    try:
        daemon = follow(box, tables, users_query="SELECT * FROM people", full_reload_interval="1h")
        reload_with(daemon, full_reload_interval="1s")
        tables.query(view + " WHERE username <> 'alice'")  # the feed records no change of a view
        wait_may_not(daemon, *ALICE, what="a change is found by the new full_reload_interval")
    finally:
        tables.query("DROP VIEW haraka.people")


def test_a_shorter_statement_timeout_is_set_on_the_open_connection(box, tables):
    daemon = follow(box, tables, users_query="SELECT * FROM users WHERE pg_sleep(0.5) IS NOT NULL",
                    statement_timeout="5m")
    since = daemon.mark()
    assert "statement timeout" in reload_with(daemon, check=False, statement_timeout="1s")["error"]
    assert "database connected" not in daemon.log(since)
    assert may(daemon, *ALICE)


def test_a_shorter_connect_timeout_finds_a_dead_connection(box, tables):
    cut = box.proxy(tables.port)
    daemon = follow(box, tables, port=cut.port, connect_timeout="10m")
    reload_with(daemon, connect_timeout="2s")
    cut.stall()
    daemon.wait_log("database lost: the server does not answer")


def test_a_shorter_reconnect_max_ends_a_long_pause(box, tables):
    cut = box.proxy(tables.port)
    daemon = follow(box, tables, port=cut.port, reconnect_max="1h")
    cut.refuse()
    wait_state(daemon, "down")
    for _ in range(8):  # each tries at once, and doubles the pause before the next attempt
        assert not daemon.ctl("reload", check=False)["ok"]
    assert not reload_with(daemon, check=False, reconnect_max="1s")["ok"]
    cut.resume()
    wait_state(daemon, "listening")


def test_refuse_empty_may_be_switched_off(box, tables):
    daemon = follow(box, tables)
    tables.query("TRUNCATE haraka.users")
    daemon.wait_log("users would become empty")
    assert may(daemon, *ALICE)
    assert reload_with(daemon, refuse_empty="no")["ok"]
    assert not may(daemon, *ALICE)


def test_each_key_that_a_reload_applies_has_a_test():
    table = (ROOT / "lib" / "conf" / "option_table.c").read_text(encoding="utf-8")
    entries = re.findall(r'\{ "database", "(\w+)",([^}]*)\}', table)
    applied = {key for key, rest in entries if "OPTION_RELOAD" in rest}
    own = {"channel", "poll_interval", "full_reload_interval", "statement_timeout", "connect_timeout",
           "reconnect_max", "refuse_empty"}
    assert applied == {source[0] for source in SOURCES} | own


def test_a_reload_confirms_only_the_lists_that_it_was_asked_for(box, tables):
    """While it waits for the tables, one list becomes a file without a byte, and another one disappears."""
    entries = [f"listed{number}@example.com" for number in range(30)]
    lists = {"mail_from.access.blacklist": entries, "rcpt_to.access.blacklist": entries}
    daemon = box.postern(lists={name: "\n".join(text) + "\n" for name, text in lists.items()}, config={
        "database": {**QUICK, "conninfo": tables.conninfo(user="postern")}, "log": {"level": "debug"}})
    wait_state(daemon, "listening")
    session = tables.connect(autocommit=False)
    session.cursor().execute("LOCK TABLE haraka.users IN ACCESS EXCLUSIVE MODE")
    since = daemon.mark()
    daemon.reload()
    for name in lists:
        daemon.wait_log(f"list {name} entries=30", since)
    (daemon.lists / "mail_from.access.blacklist").write_text("")
    (daemon.lists / "rcpt_to.access.blacklist").unlink()
    wait_until(lambda: problem_of(daemon, "lists", "has 0 entries instead of 30"), "the list without a byte is reported")
    daemon.wait_log("rcpt_to.access.blacklist: the file has disappeared", since)
    daemon.wait_log("reload not done: database: the tables are being locked", since)
    session.rollback()
    session.close()
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        milter.helo("mail.example.net")
        assert not milter.mail("<listed7@example.com>")
    assert daemon.ctl("reload")["ok"]  # which was asked for after that
    assert not status(daemon)["problems"]
