"""A load waits for those who have a table locked, and never finds a table empty that TRUNCATE has filled again."""

import threading
import time

import pytest

from harness.tables import asking, database, follow, may, problem_of, status, wait_may, wait_may_not, wait_source
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
REFILL = "CREATE TEMP TABLE kept AS SELECT * FROM haraka.users; TRUNCATE {0}; INSERT INTO haraka.users SELECT * FROM kept"


@pytest.fixture(name="db")
def fixture_db(box):
    return database(box)


def refill(db, table="haraka.users"):
    """A transaction that has emptied the table and filled it again, and is still open."""
    connection = db.connect(autocommit=False)
    connection.cursor().execute(REFILL.format(table))
    return connection


def test_a_first_load_waits_for_a_table_that_is_being_filled_again(box, db):
    with refill(db) as connection:
        daemon = follow(box, db, ready=False)
        daemon.wait_log("database tables are being locked by other transactions")
        assert status(daemon)["cache"]["policy"]["source"] == "none"
        assert status(daemon)["database"]["locked_at"]
        connection.commit()
    wait_source(daemon, "database")
    assert may(daemon, *ALICE)
    daemon.wait_log("database tables can be read again")
    assert not status(daemon)["database"]["locked_at"]
    assert "would become empty" not in daemon.log()


def test_a_table_that_is_filled_again_never_appears_empty(box, db):
    daemon = follow(box, db)
    with asking(daemon, (*ALICE, True)):
        for _ in range(5):
            with refill(db) as connection:
                db.query("UPDATE haraka.profiles SET open = open")  # a change that is looked for meanwhile
                time.sleep(0.2)
                connection.commit()
        db.query("UPDATE haraka.users SET froms = 'alice@example.com,last@example.com' WHERE username = 'alice'")
        wait_may(daemon, "alice", "last@example.com", "rcpt@example.com")
    assert "would become empty" not in daemon.log()
    assert "load failed" not in daemon.log()


def test_a_partition_that_is_filled_again_never_appears_empty(box, db):
    db.query("""ALTER TABLE haraka.users RENAME TO users_old;
        CREATE TABLE haraka.users (LIKE haraka.users_old INCLUDING DEFAULTS) PARTITION BY LIST (username);
        CREATE TABLE haraka.users_alice PARTITION OF haraka.users FOR VALUES IN ('alice');
        CREATE TABLE haraka.users_rest PARTITION OF haraka.users DEFAULT;
        INSERT INTO haraka.users SELECT * FROM haraka.users_old;
        GRANT SELECT ON haraka.users TO postern""")
    db.apply("feed.sql")
    daemon = follow(box, db)
    with asking(daemon, (*ALICE, True)):
        connection = db.connect(autocommit=False)
        connection.cursor().execute("""CREATE TEMP TABLE kept AS SELECT * FROM haraka.users_alice;
            TRUNCATE haraka.users_alice; INSERT INTO haraka.users_alice SELECT * FROM kept""")
        assert not daemon.ctl("reload", check=False)["ok"]
        connection.commit()
        connection.close()
        wait_until(lambda: daemon.ctl("reload", check=False)["ok"], "a reload succeeds")
    assert "would become empty" not in daemon.log()


def test_a_table_that_a_function_reads_is_read_again_if_it_was_filled_meanwhile(box, db):
    """No lock can be taken beforehand, because nobody knows what a function reads."""
    db.query("""CREATE FUNCTION haraka.slowly() RETURNS SETOF haraka.users LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(0.7); RETURN QUERY EXECUTE 'SELECT * FROM haraka.users'; END $$;
        GRANT EXECUTE ON FUNCTION haraka.slowly() TO postern""")
    daemon = follow(box, db, users_query="SELECT * FROM haraka.slowly()", full_reload_interval="1s")
    stop = threading.Event()

    def refill_again_and_again():
        while not stop.wait(0.4):
            with refill(db) as connection:
                connection.commit()

    thread = threading.Thread(target=refill_again_and_again)
    with asking(daemon, (*ALICE, True)):
        thread.start()
        time.sleep(4)
        stop.set()
        thread.join()
        db.query("UPDATE haraka.users SET enabled = false WHERE username = 'carol'")
        wait_may_not(daemon, "carol", "carol@example.com")
    assert "would become empty" not in daemon.log()


def test_a_reload_tells_who_is_in_the_way_and_goes_on_by_itself(box, db):
    daemon = follow(box, db)
    with db.connect(autocommit=False) as connection:
        connection.cursor().execute("ALTER TABLE haraka.users ADD COLUMN note text")
        answer = daemon.ctl("reload", check=False)
        assert not answer["ok"] and "locked by other transactions" in answer["error"]
        assert may(daemon, *ALICE)
        assert not problem_of(daemon, "database", "have locked")  # not at once
        connection.cursor().execute("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
        connection.commit()
    wait_may_not(daemon, *ALICE, what="the change is in force as soon as the lock is gone")
    assert daemon.log().count("database tables are being locked") == 1


def test_a_view_whose_tables_may_not_be_locked_is_read_without_locks(box, db):
    db.query("""CREATE ROLE owner; GRANT USAGE ON SCHEMA haraka TO owner; GRANT SELECT ON haraka.users TO owner;
        CREATE VIEW haraka.senders AS SELECT * FROM haraka.users; ALTER VIEW haraka.senders OWNER TO owner;
        GRANT SELECT ON haraka.senders TO postern; REVOKE SELECT ON haraka.users FROM postern""")
    daemon = follow(box, db, users_query="SELECT * FROM haraka.senders")
    assert may(daemon, *ALICE)
    db.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE)
