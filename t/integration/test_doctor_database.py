"""posternctl doctor finds what prevents the daemon from following PostgreSQL, and prints what mends it."""

import os
import socket
import subprocess
import time

import pytest

from harness.doctor import STORE, altered_status, examine, paste
from harness.postern import ROOT
from harness.tables import database, follow, wait_source, wait_state
from harness.wait import wait_until


@pytest.fixture(name="db", scope="module")
def fixture_db(shared_box):
    return database(shared_box)


def paste_to(db, finding, **more):
    """Paste as somebody whose psql reaches the server as the owner of the tables, and another database if none is named."""
    for command in finding["commands"]:
        command["shell"] = command["shell"].replace("/usr/local/share/postern/sql", str(ROOT / "sql"))
    paste(finding, PGHOST="127.0.0.1", PGPORT=str(db.port), PGUSER="postgres", PGDATABASE="postgres", **more)


def wait_clean(daemon):
    wait_until(lambda: examine(daemon, "database").is_clean(), "doctor is content")


# What is wrong, the harm, and whether a pasted command mends it. %s is the schema.
FAULTS = {
    "SELECT revoked": ("REVOKE SELECT ON users FROM postern", "permission denied", "soon"),
    "USAGE revoked": ("REVOKE USAGE ON SCHEMA haraka FROM postern", "does not exist in the schema", "soon"),
    "the feed forbidden": ("REVOKE ALL ON FUNCTION feed_look FROM postern, PUBLIC",
                           "may not use the change feed", "no-effect"),
    "a function of the feed dropped": ("DROP FUNCTION feed_look(text)", "change feed of the database cannot be used",
                                       "no-effect"),
    "triggers disabled": ("ALTER TABLE users DISABLE TRIGGER ALL", "triggers of the change feed are missing", "no-effect"),
    "a trigger dropped": ("DROP TRIGGER postern_feed_delete ON users", "triggers of the change feed are missing",
                          "no-effect"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_in_the_database_are_found_and_mended(box, db, name):
    sql, what, harm = FAULTS[name]
    daemon = follow(box, db)
    wait_clean(daemon)
    try:
        db.query(f"SET search_path = haraka; {sql}; ALTER TABLE profiles ALTER open SET DEFAULT false")
        db.query("UPDATE haraka.users SET enabled = enabled")
        wait_until(lambda: examine(daemon, "database").has(what), "doctor finds the fault")
        paste_to(db, examine(daemon, "database").the(what, harm))
        wait_clean(daemon)
    finally:
        for file in ("feed.sql", "role.sql"):
            db.apply(file)


def test_a_missing_feed_is_found_and_made(box):
    db = database(box, files=("schema.sql", "role.sql", "sample.sql"))
    daemon = follow(box, db)
    finding = examine(daemon, "database").the("the database has no change feed", "advice")
    paste_to(db, finding)
    wait_clean(daemon)


def test_a_feed_is_not_missed_before_the_daemon_is_connected(box):
    """A server that accepts a connection and does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        daemon = box.postern(store=STORE, config={"database": {"host": "127.0.0.1", "port": port, "connect_timeout": "10m"}})
        report = examine(daemon, "database")
    assert (report.findings, [part["what"] for part in report.unexamined]) == ([], ["the change feed"])


@pytest.mark.parametrize("user, what", [("nobody", 'role "nobody" does not exist'), ("nologin", "is not permitted to log in")])
def test_a_role_that_cannot_log_in_is_found(box, db, user, what):
    db.query("DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'nologin') THEN CREATE ROLE nologin; END IF; END$$")
    daemon = follow(box, db, user=user, ready=False)
    wait_until(lambda: examine(daemon, "database").has(what), "the fault is found")
    finding = examine(daemon, "database").the(what, "mail")
    assert finding["effect"] == "No rules are in force."
    if user == "nobody":
        paste_to(db, finding)
        wait_source(daemon, "database")
        wait_clean(daemon)
        db.query("DROP OWNED BY nobody; DROP ROLE nobody")


def test_a_server_that_is_down_is_found(box):
    db = database(box)
    daemon = follow(box, db)
    db.stop()
    wait_until(lambda: examine(daemon, "database").has("Connection refused"), "the outage is found")
    finding = examine(daemon, "database").the("the database is not reached", "soon")
    assert "Start PostgreSQL" in finding["cure"] and finding["commands"] == [{"shell": "pg_lsclusters"}]
    db.start()
    wait_clean(daemon)


def test_a_standby_that_has_lost_its_primary_is_found(box):
    """Its rows are as old as the last commit. The daemon's clock is an hour ahead, as if an hour had passed."""
    primary = database(box)
    standby = box.standby(primary)
    standby.wait_caught_up(primary)
    primary.stop()
    daemon = follow(box, standby, start=False)
    daemon.process.env = {"LD_PRELOAD": "libfaketime.so.1", "FAKETIME": "+1h",
                          "LD_LIBRARY_PATH": os.path.dirname(faketime())}
    daemon.start()
    wait_source(daemon, "database")
    finding = examine(daemon, "database").the("the rules in force are those of", "soon")
    assert "pg_is_wal_replay_paused" in finding["cure"]


def faketime():
    done = subprocess.run(["sh", "-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], capture_output=True, text=True, check=True)
    return done.stdout.split()[0]


def test_rows_that_were_not_confirmed_for_long_are_found(box, db):
    """Without the feed, only a full reload finds all changes: every 15 minutes."""
    daemon = follow(box, db)
    for feed, age, is_found in ((True, 500, False), (True, 700, True), (False, 900, False), (False, 1600, True)):
        def older(status):
            status["cache"]["policy"]["age_seconds"] = age
            status["database"].update(feed=feed, followed_every_seconds=None if feed else 900)
        with altered_status(daemon, older) as conf:
            report = examine(daemon, "database", conf=conf)
        assert report.has(f"the rules in force are those of {age // 60} minutes ago") == is_found, report
        assert report.has("has no change feed") != feed


def test_without_a_daemon_the_database_is_not_examined(box, db):
    daemon = follow(box, db, start=False)
    report = examine(daemon, "database")
    assert [one["what"] for one in report.unexamined] == ["the database"]
    assert report.has("the daemon does not answer")
