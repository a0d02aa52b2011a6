"""Changes committed in PostgreSQL come into force without a reload, and failed loads change nothing."""

import re
import subprocess
import time

import pytest

from harness.postern import BUILD
from harness.tables import (asking, ask, database, follow, may, problem_of, status, wait_may, wait_may_not,
                            wait_source, wait_state)
from harness.wait import took, wait_until

TABLE_DUMP = BUILD / "t" / "integration" / "table_dump"

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
EVE = """INSERT INTO haraka.users (username, froms, "profileId") VALUES ('eve', 'eve@example.com', 1)"""


@pytest.fixture(name="db", scope="module")
def fixture_db(shared_box):
    return database(shared_box)


@pytest.fixture(name="tables")
def fixture_tables(db):
    """The rows of sql/sample.sql, whatever an earlier test did."""
    db.query("""TRUNCATE haraka.users, haraka.profiles, haraka.changes RESTART IDENTITY""")
    db.apply("sample.sql")
    return db


def loads(daemon, since):
    """Which tables were loaded since that mark, and why: [("users", "notification"), ...]."""
    return re.findall(r"database loaded tables=(\S+) because=(\S+)", daemon.log(since))


# ---- changes ------------------------------------------------------------------------------------


@pytest.mark.threads
@pytest.mark.quick
def test_update_insert_and_delete_are_in_force_without_a_reload(box, tables):
    daemon = follow(box, tables)
    assert may(daemon, *ALICE)
    assert not may(daemon, "eve", "eve@example.com")

    tables.query("UPDATE haraka.users SET froms = 'sales@example.com' WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE, what="UPDATE of a user is in force")
    tables.query(EVE)
    wait_may(daemon, "eve", "eve@example.com", what="INSERT of a user is in force")
    tables.query("DELETE FROM haraka.users WHERE username = 'eve'")
    wait_may_not(daemon, "eve", "eve@example.com", what="DELETE of a user is in force")

    to_partner = ("alice", "sales@example.com", "rcpt@partner.example")
    assert not may(daemon, *to_partner)
    tables.query("UPDATE haraka.profiles SET host = host || ',partner.example' WHERE name = 'internal'")
    wait_may(daemon, *to_partner, what="UPDATE of a profile is in force")


def test_a_change_loads_only_the_table_that_changed(box, tables):
    daemon = follow(box, tables)
    since = daemon.mark()
    tables.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE)
    tables.query("UPDATE haraka.profiles SET maxsize = 7")
    wait_until(lambda: len(loads(daemon, since)) == 2, "both tables are loaded")
    assert loads(daemon, since) == [("users", "notification"), ("profiles", "notification")]


@pytest.mark.threads
@pytest.mark.quick
def test_a_transaction_of_10000_rows_comes_into_force_as_a_whole(box, tables):
    daemon = follow(box, tables)
    connection = tables.connect(autocommit=False)
    connection.cursor().execute("""INSERT INTO haraka.users (username, froms, "profileId")
        SELECT 'u' || i, format('u%s@example.com', i), 1 FROM generate_series(1, 10000) AS i""")
    time.sleep(0.3)
    assert not may(daemon, "u1", "u1@example.com"), "an uncommitted row is in force"
    connection.commit()
    begin = time.monotonic()
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        while not ask(milter, "u1", "u1@example.com"):
            assert time.monotonic() - begin < 20
        took.append((time.monotonic() - begin, "a transaction of 10,000 rows is in force"))
        print(f"[{took[-1][0]:7.3f} s] a transaction of 10,000 rows is in force")
        assert ask(milter, "u10000", "u10000@example.com"), "the first row is in force without the last"
    connection.close()
    assert status(daemon)["cache"]["users"] == 10004


@pytest.mark.quick
def test_a_rolled_back_change_is_never_in_force(box, tables):
    daemon = follow(box, tables)
    with asking(daemon, (*ALICE, True), ("eve", "eve@example.com", None, False)):
        connection = tables.connect(autocommit=False)
        cursor = connection.cursor()
        cursor.execute(EVE)
        cursor.execute("UPDATE haraka.users SET enabled = false")
        time.sleep(0.5)
        connection.rollback()
        connection.close()
        time.sleep(1.5)  # a poll


@pytest.mark.threads
def test_a_transaction_that_began_early_and_commits_late_is_found(box, tables):
    daemon = follow(box, tables)
    early = tables.connect(autocommit=False)
    early.cursor().execute(EVE)
    tables.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE)
    early.commit()
    early.close()
    wait_may(daemon, "eve", "eve@example.com", what="the late commit is in force")


@pytest.mark.threads
def test_a_burst_of_commits_costs_few_loads(box, tables):
    daemon = follow(box, tables, poll_interval="1h")  # changes are found by notifications only
    since = daemon.mark()
    connection = tables.connect()
    cursor = connection.cursor()
    for number in range(500):
        cursor.execute("UPDATE haraka.users SET froms = %s WHERE username = 'alice'",
                       (f"a{number}@example.com",))
    connection.close()
    wait_may(daemon, "alice", "a499@example.com", what="the last of 500 commits is in force")
    print(f"500 commits, {len(loads(daemon, since))} loads")
    assert len(loads(daemon, since)) <= 500


def test_a_pruned_feed_leads_to_a_full_load(box, tables):
    cut = box.proxy(tables.port)
    daemon = follow(box, tables, port=cut.port)
    cut.refuse()
    wait_state(daemon, "down")
    since = daemon.mark()
    tables.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    tables.query("UPDATE haraka.changes SET at = at - interval '2 days'")
    assert tables.value("SELECT haraka.feed_prune()") > 0
    cut.resume()
    wait_may_not(daemon, *ALICE)
    assert ("profiles,users", "feed") in loads(daemon, since)


@pytest.mark.threads
@pytest.mark.quick
def test_a_reconnect_costs_only_what_changed(box, tables):
    cut = box.proxy(tables.port)
    daemon = follow(box, tables, port=cut.port)
    cut.refuse()
    wait_state(daemon, "down")
    since = daemon.mark()
    cut.resume()
    wait_state(daemon, "listening")
    assert loads(daemon, since) == []
    cut.refuse()
    wait_state(daemon, "down")
    tables.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    cut.resume()
    wait_may_not(daemon, *ALICE)
    assert loads(daemon, since) == [("users", "reconnect")]


# ---- loads that are refused ---------------------------------------------------------------------


def test_truncate_is_refused_and_logged_once(box, tables):
    daemon = follow(box, tables)
    tables.query("TRUNCATE haraka.users")
    daemon.wait_log("users would become empty")
    with asking(daemon, (*ALICE, True)):
        time.sleep(2.5)  # two polls
    assert daemon.log().count("would become empty") == 1
    assert "users would become empty" in status(daemon)["database"]["load_error"]
    assert problem_of(daemon, "database", "users would become empty")
    assert status(daemon)["cache"]["users"] == 4
    tables.apply("sample.sql")
    wait_until(lambda: status(daemon)["database"]["load_error"] is None, "the load succeeds again")
    tables.query("DELETE FROM haraka.users WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE)


def test_truncate_is_accepted_with_refuse_empty_off(box, tables):
    daemon = follow(box, tables, refuse_empty="no")
    tables.query("TRUNCATE haraka.users")
    wait_may_not(daemon, *ALICE, what="TRUNCATE is in force")
    assert status(daemon)["cache"]["users"] == 0
    assert status(daemon)["cache"]["profiles"] == 4


@pytest.mark.threads
def test_truncate_and_refill_in_one_transaction_is_an_ordinary_load(box, tables):
    daemon = follow(box, tables)
    with asking(daemon, (*ALICE, True)):
        connection = tables.connect(autocommit=False)
        cursor = connection.cursor()
        cursor.execute("CREATE TEMP TABLE kept AS SELECT * FROM haraka.users")
        cursor.execute("TRUNCATE haraka.users")
        cursor.execute("INSERT INTO haraka.users SELECT * FROM kept")
        cursor.execute(EVE.replace("(username,", "(id, username,").replace("VALUES (", "VALUES (99, "))
        connection.commit()
        connection.close()
        wait_may(daemon, "eve", "eve@example.com")


@pytest.mark.quick
def test_the_error_gives_the_column_that_a_query_lacks(box, tables):
    daemon = follow(box, tables, ready=False,
                    users_query='SELECT id, username, password, "profileId" FROM users')
    daemon.wait_log('users_query: column "froms" is missing')
    assert 'column "froms" is missing' in status(daemon)["database"]["load_error"]
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        assert milter.mail("<alice@example.com>", auth_authen="alice").verdict == "tempfail"
    daemon.configure({"database": {"users_query": None}})
    daemon.ctl("reload")
    assert may(daemon, *ALICE)
    daemon.configure({"database": {"users_query": "SELECT * FROM nobody"}})
    assert 'users_query: relation "nobody" does not exist in the schema haraka of [database] schema' in daemon.ctl(
        "reload", check=False)["error"]
    daemon.configure({"database": {"schema": "absent", "users_query": None}})
    assert 'does not exist in the schema absent of [database] schema' in daemon.ctl("reload", check=False)["error"]
    daemon.configure({"database": {"schema": None}})
    assert may(daemon, *ALICE)


@pytest.mark.threads
def test_a_query_that_takes_too_long_is_cancelled(box, tables):
    daemon = follow(box, tables)
    daemon.configure({"database": {"statement_timeout": "1s", "users_query":
                                   "SELECT * FROM users WHERE pg_sleep(100) IS NOT NULL"}})
    begin = time.monotonic()
    assert "statement timeout" in daemon.ctl("reload", check=False)["error"]
    print(f"[{time.monotonic() - begin:7.3f} s] a query that takes too long is cancelled")
    assert may(daemon, *ALICE)


# ---- other shapes of tables ---------------------------------------------------------------------


@pytest.mark.quick
def test_a_view_can_replace_the_tables(box, tables):
    view = """CREATE OR REPLACE VIEW haraka.people AS SELECT id AS uid, upper(username) AS login,
        %s AS senders FROM haraka.users"""
    tables.query(view % "froms")
    tables.query("GRANT SELECT ON haraka.people TO postern")
    try:
        daemon = follow(
            box, tables, full_reload_interval="1s", users_query="SELECT uid AS id, login AS username, "
            'NULL AS password, senders AS froms, 1 AS "profileId" FROM people ORDER BY 1;')
        assert may(daemon, *ALICE)
        assert may(daemon, "bob@example.org", "bob@example.org", "rcpt@example.com")
        assert not may(daemon, "bob@example.org", "bob@example.org", "rcpt@elsewhere.example")
        # The feed does not cover the tables of such a query; full_reload_interval does.
        tables.query(view % "'other@example.com'")
        wait_may_not(daemon, *ALICE, what="a view's new definition is in force")
    finally:
        tables.query("DROP VIEW haraka.people")


def test_array_columns_may_contain_commas(box, tables):
    tables.query("""ALTER TABLE haraka.profiles ALTER rcpt_re TYPE text[] USING ARRAY[rcpt_re];
        ALTER TABLE haraka.users ALTER froms TYPE text[] USING string_to_array(froms, ',')""")
    try:
        tables.query("""UPDATE haraka.profiles SET host = NULL, rcpt = NULL,
            rcpt_re = ARRAY['^a,b@x\\.example$', NULL, '^c{1,2}@x\\.example$'] WHERE name = 'internal'""")
        daemon = follow(box, tables)
        assert may(daemon, "alice", "sales@example.com", "cc@x.example")
        assert not may(daemon, "alice", "sales@example.com", "ccc@x.example")
        assert not may(daemon, "alice", "sales@example.com", "b@x.example")
        tables.query("UPDATE haraka.users SET froms = array_append(froms, 'new@example.com')")
        wait_may(daemon, "alice", "new@example.com")
    finally:
        tables.query("""ALTER TABLE haraka.profiles ALTER rcpt_re TYPE text USING NULL;
            ALTER TABLE haraka.users ALTER froms TYPE text USING array_to_string(froms, ',')""")


@pytest.mark.parametrize("how", ["copy", "select"])
def test_rows_are_read_exactly(tables, how):
    """By COPY, and row by row, as behind a proxy that does not support COPY."""
    done = subprocess.run(
        [TABLE_DUMP, how, tables.conninfo(), "haraka", """
            SELECT 1 AS id, E'tab\\there\\\\ \\n' AS name, NULL AS "desc", true AS open, ''::text AS limits,
            5 AS maxsize, ARRAY['a,b', NULL, '', '"q"', 'NULL', E'back\\\\slash', '{x}'] AS host,
            '\\N' AS rcpt, '{}'::varchar[] AS rcpt_re, 'not needed' AS more
            UNION ALL SELECT 2, 'ä', 'd', false, NULL, 0, NULL, 'r', NULL, NULL -- the end"""],
        capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        r"id=[1] name=[tab\x09here\\ \x0a] desc=NULL open=[t] limits=[] maxsize=[5] "
        r'host={[a,b][]["q"][NULL][back\\slash][{x}]} rcpt=[\\N] rcpt_re={}',
        "id=[2] name=[ä] desc=[d] open=[f] limits=NULL maxsize=[0] host=NULL rcpt=[r] rcpt_re=NULL"]


def test_nothing_is_read_by_a_statement_that_is_no_query(tables):
    done = subprocess.run([TABLE_DUMP, "copy", tables.conninfo(), "haraka", "EXPLAIN SELECT 1"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'column "id" is missing' in done.stderr


# ---- rights -------------------------------------------------------------------------------------


def test_a_role_without_rights_to_the_feed_relies_on_notifications(box, tables):
    tables.query("""DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN; GRANT USAGE ON SCHEMA haraka TO poor;
        GRANT SELECT ON haraka.users, haraka.profiles TO poor""")
    daemon = follow(box, tables, user="poor")
    command = "/postern/sql/role.sql again with -v role='poor'"
    assert daemon.log().count(command) == 1 and "run /" in daemon.log()
    assert "/postern/sql/role.sql with -v role='poor' again" in str(status(daemon))
    assert not status(daemon)["database"]["feed"]
    tables.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE)


def test_a_table_without_read_rights_leaves_the_old_rows_in_force(box, tables):
    daemon = follow(box, tables)
    tables.query("REVOKE SELECT ON haraka.users FROM postern")
    try:
        tables.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
        daemon.wait_log("permission denied for table users")
        assert may(daemon, *ALICE)
    finally:
        tables.query("GRANT SELECT ON haraka.users TO postern")
    wait_may_not(daemon, *ALICE, what="the change is found once the table may be read")


def test_changes_without_notifications_are_found_and_a_pooler_is_suspected(box, tables):
    daemon = follow(box, tables, channel="another")
    wait_state(daemon, "listening")
    for enabled in (False, True, False, True):
        tables.query("UPDATE haraka.users SET enabled = %s WHERE username = 'alice'", (enabled,))
        wait_may(daemon, *ALICE, may_=enabled)
    assert daemon.log().count("PgBouncer") == 1
    wait_state(daemon, "polling")
    assert problem_of(daemon, "database", "changes without a notification")


@pytest.mark.threads
def test_the_feed_can_be_switched_off_and_on(box, tables):
    daemon = follow(box, tables, full_reload_interval="1s")
    assert status(daemon)["database"]["feed"]
    tables.query("ALTER TABLE haraka.users DISABLE TRIGGER ALL")
    tables.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE, what="a change without triggers is found")
    wait_until(lambda: not status(daemon)["database"]["feed"], "the feed is not trusted")
    assert problem_of(daemon, "database", "triggers of the change feed are missing or disabled")
    tables.query("UPDATE haraka.users SET enabled = true WHERE username = 'alice'")
    wait_may(daemon, *ALICE, what="a second one is found by full_reload_interval")
    tables.apply("feed.sql")
    tables.apply("role.sql")
    wait_until(lambda: status(daemon)["database"]["feed"], "the feed is used again")
    tables.query("ALTER TABLE haraka.users ENABLE TRIGGER ALL")


@pytest.mark.threads
def test_a_dropped_feed_is_replaced_by_full_loads(box, tables):
    daemon = follow(box, tables)
    tables.query("DROP FUNCTION haraka.feed_look(text)")
    try:
        tables.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
        wait_may_not(daemon, *ALICE)
        assert daemon.log().count("change feed cannot be used") == 1
        wait_until(lambda: not status(daemon)["database"]["feed"], "there is no feed")
        assert problem_of(daemon, "database", "change feed of the database cannot be used")
    finally:
        tables.apply("feed.sql")
        tables.apply("role.sql")


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.threads
def test_a_reload_during_a_load_of_users_frees_nothing_that_the_load_uses(box, kept):
    """kept: the rows in force are the JSON file's, which a reload reads again; else PostgreSQL's, whose profiles a
    change of rcpt_re_anchored compiles again."""
    db = database(box)
    daemon = follow(box, db)
    wait_until(daemon.store_path.exists, "the store is written")
    db.query("""CREATE FUNCTION haraka.slow(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
        'BEGIN PERFORM pg_sleep(0.2); RETURN true; END'""")
    daemon.configure({"database": {"users_query": "SELECT * FROM users WHERE slow(id) OFFSET 0"}})
    if kept:
        daemon.restart()
        assert status(daemon)["cache"]["policy"]["source"] == "cache"
    else:
        daemon.ctl("reload")
        daemon.configure({"profile": {"rcpt_re_anchored": "yes"}})
        time.sleep(3)  # the pause after so long a load
        db.query("UPDATE haraka.users SET enabled = false WHERE username = 'carol'")
    time.sleep(0.5)
    since = daemon.mark()
    assert daemon.ctl("reload")["ok"]
    assert loads(daemon, since)[0][0] == ("profiles,users" if kept else "users"), "no load was in progress"
    wait_source(daemon, "database")
    wait_may(daemon, *ALICE)
    if not kept:
        wait_may_not(daemon, "carol", "carol@example.com")
