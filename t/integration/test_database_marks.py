"""Changes that no trigger sees are found: other tables, columns, policies, partitions, subscriptions, views, the clock."""

import re
import threading

import pytest

from harness.feed_reader import Database
from harness.tables import database, follow, may, problem_of, status, wait_may, wait_may_not
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
SUSPEND = "UPDATE haraka.users SET enabled = false WHERE username = 'alice'"


@pytest.fixture(name="server", scope="module")
def fixture_server(shared_box):
    return database(shared_box, settings={"wal_level": "logical"})


@pytest.fixture(name="db")
def fixture_db(server):
    """A database of this test's own, with the tables, the feed and the rows of sql/."""
    return Database(server)


def do(db, sql):
    db.query("SET search_path = haraka; " + sql)


def untold(daemon):
    """Why the feed cannot tell of each change, or ""."""
    return status(daemon)["database"]["untold"] or ""


def wait_untold(daemon, text):
    wait_until(lambda: text in untold(daemon) and status(daemon)["database"]["followed_every_seconds"],
               f"status reports that changes are not followed at once: {text}")


def wait_told(daemon):
    wait_until(lambda: status(daemon)["database"]["feed"] and untold(daemon) == ""
               and status(daemon)["database"]["followed_every_seconds"] is None, "the feed tells of every change")


def confirmed(daemon):
    return status(daemon)["cache"]["policy"]["confirmed_at"]


def wait_age(daemon, seconds):
    """Wait until the rows in force were last known to be right that long ago."""
    wait_until(lambda: status(daemon)["cache"]["policy"]["age_seconds"] >= seconds, f"the age is {seconds} s")


SWAP = """BEGIN; CREATE TABLE users_new (LIKE users INCLUDING ALL); GRANT SELECT ON users_new TO postern;
    INSERT INTO users_new SELECT * FROM users WHERE username <> 'alice';
    ALTER TABLE users RENAME TO users_old; ALTER TABLE users_new RENAME TO users; COMMIT"""
PARTITIONED = """ALTER TABLE users RENAME TO users_1; ALTER TABLE users_1 ALTER id DROP IDENTITY;
    CREATE TABLE users (LIKE users_1) PARTITION BY RANGE (id); GRANT SELECT ON users TO postern;
    ALTER TABLE users ATTACH PARTITION users_1 FOR VALUES FROM (0) TO (1000);"""
PEOPLE = "CREATE OR REPLACE VIEW people AS SELECT * FROM users WHERE %s; GRANT SELECT ON people TO postern;"

# What is done before the daemon starts, and while it runs; other keys. Then alice may not send any more.
DEFINITIONS = {
    "tables swapped": ("", SWAP, {}),
    "ADD COLUMN with a default": ("ALTER TABLE users DROP COLUMN enabled",
                                  "ALTER TABLE users ADD COLUMN enabled boolean DEFAULT false", {}),
    "ALTER COLUMN TYPE": ("", "ALTER TABLE users ALTER froms TYPE text[] USING ARRAY['x@example.com']", {}),
    "RENAME COLUMN": ("ALTER TABLE users ADD COLUMN nobody text DEFAULT 'x@example.com'",
                      "ALTER TABLE users RENAME froms TO was; ALTER TABLE users RENAME nobody TO froms", {}),
    "ENABLE ROW LEVEL SECURITY": ("CREATE POLICY p ON users USING (username <> 'alice')",
                                  "ALTER TABLE users ENABLE ROW LEVEL SECURITY", {}),
    "ALTER POLICY": ("CREATE POLICY p ON users USING (true); ALTER TABLE users ENABLE ROW LEVEL SECURITY",
                     "ALTER POLICY p ON users USING (username <> 'alice')", {}),
    "DETACH PARTITION": (PARTITIONED + """CREATE TABLE users_2 PARTITION OF users FOR VALUES FROM (1000) TO (2000);
        UPDATE users SET id = id + 1000 WHERE username = 'alice'""", "ALTER TABLE users DETACH PARTITION users_2", {}),
    "INHERIT": ("""CREATE TABLE more (LIKE users INCLUDING ALL); INSERT INTO more SELECT * FROM users WHERE username = 'alice';
        DELETE FROM users WHERE username = 'alice'; ALTER TABLE more INHERIT users""",
                "ALTER TABLE more NO INHERIT users", {}),
    "a table of an earlier schema": (
        """CREATE SCHEMA postern; GRANT USAGE ON SCHEMA postern TO postern;
        ALTER DATABASE %s SET search_path = "$user", haraka""",
        """CREATE TABLE postern.users AS SELECT * FROM users WHERE username <> 'alice';
        GRANT SELECT ON postern.users TO postern""", {"schema": ""}),
    "CREATE OR REPLACE VIEW": (PEOPLE % "true", PEOPLE % "username <> 'alice'",
                               {"users_query": "SELECT * FROM people"}),
    "a view of a view": (PEOPLE % "true" + "CREATE VIEW staff AS SELECT * FROM people; GRANT SELECT ON staff TO postern",
                         PEOPLE % "username <> 'alice'", {"users_query": "SELECT * FROM haraka.staff AS s"}),
    "CREATE OR REPLACE FUNCTION": (
        "CREATE FUNCTION good(text) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'",
        "CREATE OR REPLACE FUNCTION good(text) RETURNS bool LANGUAGE sql IMMUTABLE AS $$SELECT $1 <> 'alice'$$",
        {"users_query": "SELECT * FROM users WHERE good(username)"}),
    "MATERIALIZED VIEW refreshed": (
        """CREATE MATERIALIZED VIEW mat AS SELECT * FROM users WHERE pg_backend_pid() > 0; GRANT SELECT ON mat TO postern;
        DELETE FROM users WHERE username = 'alice'""", "REFRESH MATERIALIZED VIEW mat",
        {"users_query": "SELECT * FROM mat"}),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_another_definition_is_found_by_a_poll(box, db, name):
    before, change, keys = DEFINITIONS[name]
    do(db, before.replace("%s", db.name))
    daemon = follow(box, db, full_reload_interval="1h", **keys)
    assert may(daemon, *ALICE)
    do(db, change)
    wait_may_not(daemon, *ALICE, what=f"{name} is in force")


@pytest.mark.threads
def test_a_swapped_table_is_followed_by_full_reload_interval_until_it_has_triggers(box, db):
    daemon = follow(box, db, full_reload_interval="1h")
    wait_told(daemon)
    do(db, SWAP)
    wait_may_not(daemon, *ALICE, what="the other table is in force")
    wait_untold(daemon, "triggers of the change feed are missing or disabled")
    daemon.configure({"database": {"full_reload_interval": "3s"}})
    daemon.ctl("reload")
    do(db, "UPDATE users SET enabled = false WHERE username = 'carol'")
    wait_may_not(daemon, "carol", "carol@example.com", what="an UPDATE of the other table is in force")
    db.apply("feed.sql")
    db.apply("role.sql")
    wait_told(daemon)


@pytest.mark.threads
def test_tables_swapped_while_explain_waits_for_them_are_followed(box, db):
    """EXPLAIN then plans with the new tables in a transaction whose database snapshot shows the old ones."""
    do(db, SWAP)
    db.apply("feed.sql")  # both tables have triggers now
    daemon = follow(box, db, full_reload_interval="1h")
    wait_told(daemon)
    assert not may(daemon, *ALICE)
    swapping = db.connect(autocommit=False)
    cursor = swapping.cursor()
    for attempt in range(4):
        cursor.execute("ALTER TABLE haraka.users RENAME TO users_x; ALTER TABLE haraka.users_old RENAME TO users;"
                       " ALTER TABLE haraka.users_x RENAME TO users_old")
        reload = threading.Thread(target=daemon.ctl, args=("reload",), kwargs={"check": False})
        reload.start()
        wait_until(lambda: db.value("SELECT count(*) FROM pg_locks WHERE NOT granted") >= 1, "EXPLAIN waits")
        swapping.commit()
        reload.join()
        is_old = attempt % 2 == 0
        wait_may(daemon, *ALICE, may_=is_old, what="the other table is in force")
        if is_old:
            wait_told(daemon)
            for enabled in (False, True):
                db.query("UPDATE haraka.users SET enabled = %s WHERE username = 'alice'", (enabled,))
                wait_may(daemon, *ALICE, may_=enabled, what="a change of the other table is in force")
    swapping.close()


@pytest.mark.threads
def test_an_update_straight_into_a_partition_is_found(box, db):
    do(db, PARTITIONED)
    db.apply("feed.sql")
    db.apply("role.sql")
    daemon = follow(box, db, full_reload_interval="1h", poll_interval="1h")
    wait_told(daemon)
    do(db, "UPDATE users_1 SET enabled = false WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE, what="an UPDATE of a partition is in force")
    do(db, "UPDATE users SET enabled = true")
    wait_may(daemon, *ALICE, what="an UPDATE of the partitioned table is in force")
    do(db, "CREATE TABLE users_2 PARTITION OF users FOR VALUES FROM (1000) TO (2000); NOTIFY haraka")
    wait_untold(daemon, "users_2, which has not all triggers of the change feed")
    db.apply("feed.sql")
    do(db, "NOTIFY haraka")
    wait_told(daemon)
    do(db, "INSERT INTO users_2 SELECT 1000, 'eve', password, 'eve@example.com', \"profileId\", true FROM users LIMIT 1")
    wait_may(daemon, "eve", "eve@example.com", what="an INSERT into a new partition is in force")


@pytest.mark.threads
def test_a_subscription_created_while_the_daemon_runs_is_noticed(box, server, db):
    other = Database(server)
    other.query("CREATE PUBLICATION p FOR TABLE haraka.users")
    server.query("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (db.name,), dbname=other.name)
    do(db, "DELETE FROM users")
    daemon = follow(box, db, full_reload_interval="2s", refuse_empty="no")
    wait_told(daemon)
    try:
        db.query(f"CREATE SUBSCRIPTION {db.name} CONNECTION '{other.conninfo()}' PUBLICATION p"
                 " WITH (create_slot = false, copy_data = false)")
        wait_untold(daemon, "users, to which a subscription writes")
        other.query("INSERT INTO haraka.users (id, username, froms, \"profileId\")"
                    " VALUES (77, 'eve', 'eve@example.com', 1)")
        wait_may(daemon, "eve", "eve@example.com", what="a row that a subscription wrote is in force")
    finally:
        db.query(f"DROP SUBSCRIPTION IF EXISTS {db.name}")
    wait_told(daemon)


# Queries that change without a trigger: what is done before, the query, and the reason that status gives.
QUERIES = [
    ("CREATE TABLE domains (d text); GRANT SELECT ON domains TO postern",
     "SELECT u.* FROM users u WHERE NOT EXISTS (SELECT FROM domains WHERE d = u.username)",
     "domains, which has not all triggers of the change feed"),
    ("", "SELECT * FROM users WHERE current_date > '2020-01-01'", "CURRENT_DATE"),
    ("", "SELECT * FROM users WHERE now() > '2020-01-01'", "now(), which is not immutable"),
    ("", "SELECT * FROM users WHERE '2020-01-01'::date < 'today'", "the literal 'today'"),
    ("CREATE VIEW v AS SELECT * FROM users WHERE random() >= 0; GRANT SELECT ON v TO postern", "SELECT * FROM v",
     "random(), which is not immutable"),
    ("CREATE FUNCTION f() RETURNS SETOF users LANGUAGE sql STABLE AS 'SELECT * FROM users'", "SELECT * FROM f()",
     "f(), which is not immutable"),
    ("CREATE MATERIALIZED VIEW m AS SELECT * FROM users; GRANT SELECT ON m TO postern", "SELECT * FROM m",
     "m, a materialized view"),
    ("CREATE TABLE more (LIKE users INCLUDING ALL); ALTER TABLE more INHERIT users", "SELECT * FROM users",
     "more, which has not all triggers"),
    ("""CREATE TABLE tenants (t text); INSERT INTO tenants VALUES ('alice'); GRANT SELECT ON tenants TO postern;
     CREATE POLICY p ON users USING (username IN (SELECT t FROM tenants)); ALTER TABLE users ENABLE ROW LEVEL SECURITY""",
     "SELECT * FROM users", "tenants, which has not all triggers"),
    ("ALTER TABLE users ENABLE TRIGGER ALL", "SELECT * FROM users", "users, whose triggers do not fire for each session"),
    ("ALTER TABLE users DISABLE TRIGGER postern_feed_delete", "SELECT * FROM users",
     "triggers of the change feed are missing or disabled"),
]


@pytest.mark.parametrize("before, query, reason", QUERIES, ids=[reason for _, _, reason in QUERIES])
def test_a_query_that_changes_without_a_trigger_is_followed_by_full_reload_interval(box, db, before, query, reason):
    do(db, before)
    daemon = follow(box, db, users_query=query, full_reload_interval="1h")
    assert may(daemon, *ALICE)
    assert reason in untold(daemon)
    assert status(daemon)["database"]["followed_every_seconds"] == 3600


def test_the_age_of_such_a_query_is_that_of_the_last_full_read(box, db):
    daemon = follow(box, db, users_query="SELECT * FROM users WHERE now() > '2020-01-01'", full_reload_interval="1h")
    read = confirmed(daemon)
    wait_age(daemon, 3)  # polls
    assert confirmed(daemon) == read
    do(db, "UPDATE users SET enabled = false WHERE username = 'carol'")
    wait_may_not(daemon, "carol", "carol@example.com", what="a change of which the feed tells is in force")
    wait_until(lambda: confirmed(daemon) > read, "everything was read again")
    read = confirmed(daemon)
    daemon.configure({"database": {"users_query": None}})
    daemon.ctl("reload")
    wait_told(daemon)
    wait_until(lambda: confirmed(daemon) > read + 1, "polls confirm the rows")


def test_full_reload_interval_is_kept_although_the_feed_tells_of_every_change(box, db):
    daemon = follow(box, db, full_reload_interval="1s")
    wait_told(daemon)
    wait_until(lambda: daemon.log().count("because=full_reload_interval") >= 2, "everything was read again twice")
    assert "because=full_reload_interval took=" in daemon.log() and "unchanged=yes" in daemon.log()


def test_a_table_that_both_queries_read_reloads_both(box, db):
    query = ("SELECT u.id, u.username, u.password, CASE WHEN p.maxsize = 7 THEN '' ELSE u.froms END AS froms,"
             ' u."profileId" FROM users u JOIN profiles p ON p.id = u."profileId"')
    daemon = follow(box, db, users_query=query, full_reload_interval="1h")
    wait_told(daemon)
    assert may(daemon, *ALICE)
    do(db, "UPDATE profiles SET maxsize = 7")
    wait_may_not(daemon, *ALICE, what="users that depend on profiles are in force")


# ---- a feed that stops working for a while ------------------------------------------------------------------

AGAIN = "feed.sql"  # and role.sql
REFUSALS = {
    "rights to a function": ("REVOKE EXECUTE ON FUNCTION feed_look FROM postern",
                             "GRANT EXECUTE ON FUNCTION feed_look TO postern", "may not use the change feed"),
    "rights to a table": ("REVOKE SELECT ON changes FROM postern", "GRANT SELECT ON changes TO postern",
                          "may not use the change feed"),
    "a function dropped": ("DROP FUNCTION feed_look(text)", AGAIN, "the change feed of the database cannot be used"),
    "all functions dropped": ("DROP FUNCTION feed_look(text), feed_since(text), feed_position(), feed_marks(), feed_ready()",
                              AGAIN,
                              "the change feed of the database cannot be used"),
    "a function that fails": (
        """CREATE OR REPLACE FUNCTION feed_look(since text, OUT tbl text, OUT row_id text, OUT reason text,
        OUT reached text) RETURNS SETOF record LANGUAGE plpgsql AS $$BEGIN RAISE 'broken'; END$$""", AGAIN, "the change feed of the database cannot be used"),
    "triggers disabled": ("ALTER TABLE users DISABLE TRIGGER ALL", AGAIN, "triggers of the change feed are missing"),
    "rows hidden": ("ALTER TABLE changes ENABLE ROW LEVEL SECURITY", AGAIN,
                    "the change feed of the database cannot be used"),
    "the state hidden": ("ALTER TABLE feed_state ENABLE ROW LEVEL SECURITY",
                         "ALTER TABLE feed_state DISABLE ROW LEVEL SECURITY",
                         "the change feed of the database cannot be used"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_feed_that_was_refused_is_used_as_soon_as_it_works_again(box, db, name):
    broken, mended, problem = REFUSALS[name]
    daemon = follow(box, db, full_reload_interval="1h")
    wait_told(daemon)
    do(db, broken)
    wait_until(lambda: problem_of(daemon, "database", problem), "status reports the feed")
    assert not status(daemon)["database"]["feed"]
    read = confirmed(daemon)
    wait_age(daemon, 2)  # polls
    assert confirmed(daemon) == read
    if mended == AGAIN:
        db.apply("feed.sql")
        db.apply("role.sql")
    else:
        do(db, mended)
    wait_told(daemon)
    assert not problem_of(daemon, "database", "change feed")
    # What mended the feed also changed definitions: the look that finds them would load the next change as well.
    daemon.configure({"database": {"poll_interval": "1h"}})
    daemon.ctl("reload")
    since = daemon.mark()
    do(db, SUSPEND)
    wait_may_not(daemon, *ALICE, what="a change is in force, by its notification alone")
    daemon.wait_log("database loaded tables=users because=notification", since)
    remedies = re.findall(r".*run [^ ]*/(?:feed|role)\.sql.*", daemon.log())
    assert remedies and len(remedies) == len({line[24:] for line in remedies}), "it is not logged once"


# feed_position() and feed_since() as they were before feed_look().
EARLIER_FEED = """
DROP FUNCTION feed_look(text);
CREATE OR REPLACE FUNCTION feed_position() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, haraka, pg_temp AS $$SELECT pg_current_snapshot()::text$$;
CREATE OR REPLACE FUNCTION feed_since(since text, OUT tbl text, OUT row_id text, OUT reason text)
RETURNS SETOF record LANGUAGE sql STABLE SET search_path = pg_catalog, haraka, pg_temp AS $$
    SELECT NULL, NULL, 'no position' WHERE since IS NULL OR since !~ '^[0-9:,]+$'
    UNION ALL
    SELECT tbl, row_id, NULL FROM changes WHERE CASE WHEN since ~ '^[0-9:,]+$' THEN
        txid >= pg_snapshot_xmin(since::pg_snapshot) AND NOT pg_visible_in_snapshot(txid, since::pg_snapshot) END$$"""


def test_a_feed_of_an_earlier_version_tells_single_rows_too(box, db):
    do(db, EARLIER_FEED)
    daemon = follow(box, db, full_reload_interval="1h")
    wait_told(daemon)
    since = daemon.mark()
    do(db, SUSPEND)
    wait_may_not(daemon, *ALICE)
    daemon.wait_log("database loaded tables=users because=notification rows=1", since)
    assert not problem_of(daemon, "database", "")
    db.apply("feed.sql")
    db.apply("role.sql")
    wait_told(daemon)
    do(db, "UPDATE users SET enabled = true WHERE username = 'alice'")
    wait_may(daemon, *ALICE)


@pytest.mark.threads
def test_a_feed_that_was_removed_is_a_problem_until_a_reload(box, db):
    daemon = follow(box, db, full_reload_interval="1h")
    wait_told(daemon)
    do(db, """DROP FUNCTION feed_record(), feed_forget() CASCADE; DROP TABLE changes, feed_state, feed_crash_mark;
        DROP FUNCTION feed_look(text), feed_since(text), feed_position(), feed_marks(), feed_ready(),
        feed_prune(interval, int)""")
    wait_untold(daemon, "it has been removed")
    assert problem_of(daemon, "database", "the change feed of the database cannot be used")
    daemon.ctl("reload")
    assert not problem_of(daemon, "database", "change feed")
    wait_untold(daemon, "the database has no change feed")
    assert daemon.log().count("database has no change feed") == 1
