"""pg-profile's own tables are followed without the feed and without a change to the database; bad rows are left out."""

import time

import pytest

from harness.tables import (OURS, PG_PROFILE, database, follow, may, status, wait_may, wait_may_not,
                            wait_source, wait_state)
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")

CATALOG = """SELECT relname, relkind::text, relacl::text FROM pg_class
    WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace,
        'pg_toast'::regnamespace)
    UNION ALL SELECT proname, prosrc, NULL FROM pg_proc WHERE pronamespace = 'haraka'::regnamespace
    UNION ALL SELECT tgname, tgrelid::regclass::text, tgenabled::text FROM pg_trigger
    UNION ALL SELECT nspname, '', nspacl::text FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
    ORDER BY 1, 2, 3"""


@pytest.fixture(name="db", scope="module")
def fixture_db(shared_box):
    return database(shared_box, files=[PG_PROFILE])


@pytest.fixture(name="tables")
def fixture_tables(db):
    """The two profiles and users of that file, whatever an earlier test did."""
    db.query("DROP SCHEMA haraka CASCADE")
    db.apply(PG_PROFILE)
    return db


def follow_plainly(box, db, **options):
    return follow(box, db, user="postgres", **options)


def test_pg_profiles_own_notifications_bring_changes_into_force(box, tables):
    before = tables.query(CATALOG)
    daemon = follow_plainly(box, tables, poll_interval="1h")
    assert may(daemon, *ALICE)
    assert not may(daemon, "alice", "alice@example.com", "rcpt@elsewhere.example")
    assert daemon.log().count("database has no change feed") == 1
    assert not status(daemon)["database"]["feed"]
    wait_state(daemon, "listening")
    tables.query("UPDATE haraka.users SET froms = 'x@example.com' WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE, what="UPDATE of pg-profile's users is in force")
    tables.query("""INSERT INTO haraka.users (username, password, froms, "profileId")
        VALUES ('eve', 'x', 'eve@example.com', 1)""")
    wait_may(daemon, "eve", "eve@example.com", what="INSERT into pg-profile's users is in force")
    tables.query("DELETE FROM haraka.users WHERE username = 'eve'")
    wait_may_not(daemon, "eve", "eve@example.com", what="DELETE from pg-profile's users is in force")
    tables.query("UPDATE haraka.profiles SET open = true WHERE name = 'internal'")
    wait_may(daemon, "alice", "x@example.com", "rcpt@elsewhere.example",
             what="UPDATE of pg-profile's profiles is in force")
    assert tables.query(CATALOG) == before


def test_a_transaction_of_10000_rows_costs_few_loads(box, tables):
    daemon = follow_plainly(box, tables)
    since = daemon.mark()
    connection = tables.connect(autocommit=False)
    connection.cursor().execute("""INSERT INTO haraka.users (username, password, froms, "profileId")
        SELECT 'u' || i, '', format('u%s@example.com', i), 1 FROM generate_series(1, 10000) AS i""")
    connection.commit()
    connection.close()
    wait_may(daemon, "u10000", "u10000@example.com",
             what="10,000 rows with a row-level trigger are in force")
    time.sleep(1)
    assert daemon.log(since).count("database loaded") <= 3


def test_truncate_is_found_by_full_reload_interval_and_refused(box, tables):
    daemon = follow_plainly(box, tables, full_reload_interval="1s")
    tables.query("TRUNCATE haraka.users")  # pg-profile's triggers do not fire for it
    daemon.wait_log("users would become empty")
    assert may(daemon, *ALICE)
    daemon.configure({"database": {"refuse_empty": "no"}})
    daemon.ctl("reload")
    assert not may(daemon, *ALICE)


def test_a_reconnect_loads_the_changes_that_were_missed(box, tables):
    cut = box.proxy(tables.port)
    daemon = follow_plainly(box, tables, port=cut.port)
    cut.refuse()
    wait_state(daemon, "down")
    tables.query("UPDATE haraka.users SET froms = 'x@example.com' WHERE username = 'alice'")
    cut.resume()
    wait_may_not(daemon, *ALICE)


# ---- bad rows ------------------------------------------------------------------------------------

GOOD = """DELETE FROM haraka.users WHERE id > 2; DELETE FROM haraka.profiles WHERE id > 2;
    UPDATE haraka.users SET froms = 'alice@example.com' WHERE username = 'alice'"""
ROWS = [
    ("INSERT INTO haraka.profiles VALUES (3, 'regex', '', false, NULL, 0, 'good.example', NULL, 'ok$,(unclosed')",
     "profiles id 3 (regex): rcpt_re[2]"),
    ("INSERT INTO haraka.profiles VALUES (3, 'often', '', false, '5/1x', 0, NULL, NULL, NULL)",
     "profiles id 3 (often): limits"),
    ("INSERT INTO haraka.profiles VALUES (3, 'small', '', false, NULL, -1, NULL, NULL, NULL)",
     "profiles id 3 (small): maxsize"),
    ("""INSERT INTO haraka.users (id, username, password, "profileId") VALUES (3, 'lost', '', 99)""",
     "users id 3 (lost): there is no profile with id 99"),
    ("""INSERT INTO haraka.users (id, username, password, "profileId") VALUES (3, 'Alice', '', 1)""",
     "users id 1 (alice): this row is left out, because the row with id 3 has the same username"),
    ("""UPDATE haraka.users SET froms = 'alice@example.com,not an address' WHERE username = 'alice'""",
     'users id 1 (alice): froms[2]: "not an address"'),
    ("""INSERT INTO haraka.users (id, username, password) VALUES (3, '', '')""",
     "users id 3 (): a user needs a username"),
    ("""INSERT INTO haraka.users (id, username, password) VALUES (3, 'weak', 'plain text')""",
     "users id 3 (weak): password"),
]


@pytest.mark.parametrize("sql, said", ROWS, ids=[said.split(":")[0] + said[-9:] for _, said in ROWS])
def test_a_bad_row_is_logged_once_and_counted_and_the_others_load(box, tables, sql, said):
    daemon = follow_plainly(box, tables)
    assert status(daemon)["cache"]["problem_count"] == 0
    tables.query(sql)
    daemon.wait_log(said)
    assert status(daemon)["cache"]["problem_count"] == 1
    assert said in status(daemon)["cache"]["problems"][0]
    assert may(daemon, *ALICE) or "the same username" in said
    daemon.ctl("reload")
    daemon.ctl("reload")
    assert daemon.log().count(said) == 1, "it is logged again although nothing changed"
    since = daemon.mark()
    tables.query(GOOD)
    daemon.wait_log("resolved: ", since)
    assert said in [line for line in daemon.log(since).splitlines() if "resolved: " in line][0]
    wait_until(lambda: status(daemon)["cache"]["problem_count"] == 0, "no problem is left")
    assert may(daemon, *ALICE)


def test_unknown_columns_are_reported(box, tables):
    daemon = follow_plainly(box, tables)
    daemon.configure({"database": {
        "users_query": "SELECT *, enabled AS enabeld, 7 AS badge FROM (SELECT id, username, password, froms, "
                       '"profileId", true AS enabled FROM users) AS u',
        "profiles_query": "SELECT id, name, open, host, rcpt, rcpt_re, limits AS limit, maxsize AS old_maxsize, "
                          "1 AS \"updatedAt\" FROM profiles"}})
    answer = daemon.ctl("reload")
    cache = status(daemon)["cache"]
    assert cache["problems"] == ['profiles_query: the column "limit" is unknown and ignored; did you mean "limits"?',
                                 'profiles_query: the column "old_maxsize" is unknown and ignored; did you mean "maxsize"?']
    assert sorted(cache["notes"]) == [
        "[profile] default_domain is empty, so that 1 user without froms and without a domain in the username cannot send from any "
        "address with a domain; set default_domain, or give them froms",
        'profiles_query: there is no column "limits", so that no profile has rate limits',
        'profiles_query: there is no column "maxsize", so that no profile has a largest message',
        'users_query: the column "badge" is unknown and ignored',
        'users_query: the column "enabeld" is unknown and ignored']
    assert set(cache["problems"]) <= set(answer["problems"]) and set(cache["notes"]) <= set(answer["notes"])
    assert may(daemon, *ALICE)


def test_users_of_a_bad_profile_may_send_to_nobody_until_it_is_corrected(box, tables):
    daemon = follow_plainly(box, tables)
    assert may(daemon, *ALICE)
    tables.query("UPDATE haraka.profiles SET limits = 'often' WHERE name = 'internal'")
    wait_may_not(daemon, *ALICE)
    tables.query("UPDATE haraka.profiles SET limits = '5/1m' WHERE name = 'internal'")
    # Ask in a new session each time: one that began without a maxsize does not count the body.
    wait_until(lambda: may(daemon, *ALICE), "the corrected profile is in force")


def test_a_thousand_bad_rows_do_not_flood_the_log(box, tables):
    daemon = follow_plainly(box, tables)
    tables.query("""INSERT INTO haraka.users (username, password, "profileId")
        SELECT 'u' || i, '', 77 FROM generate_series(1, 5000) AS i""")
    wait_until(lambda: status(daemon)["cache"]["problem_count"] == 5000, "all problems are counted")
    assert daemon.log().count("there is no profile with id 77") <= 200
    assert "more; posternctl status" in daemon.log()
    wait_source(daemon, "database")
    assert may(daemon, *ALICE)


def test_one_byte_that_is_not_utf8_costs_only_its_row(box, db):
    """In a database without an encoding, the server refuses to send such a byte as UTF-8."""
    db.query("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
             dbname="postgres")
    for file in OURS:
        db.apply(file, dbname="bytes")
    db.query(r"UPDATE haraka.users SET froms = E'm\xfcller@example.com' WHERE username = 'bob@example.org'",
             dbname="bytes")
    db.query(r"UPDATE haraka.users SET froms = E'm\xc3\xbcller@example.com' WHERE username = 'carol'", dbname="bytes")
    daemon = follow(box, db, conninfo=db.conninfo(user="postern", dbname="bytes"))
    assert may(daemon, *ALICE)
    assert may(daemon, "carol", "m\u00fcller@example.com")
    assert not may(daemon, "bob@example.org", "bob@example.com")
    daemon.wait_log("(bob@example.org): froms is not UTF-8; the user is switched off")
    assert any("froms is not UTF-8" in text for text in status(daemon)["cache"]["problems"])
    db.query(r"UPDATE haraka.users SET froms = 'bob@example.com' WHERE username = 'bob@example.org'", dbname="bytes")
    wait_may(daemon, "bob@example.org", "bob@example.com", what="the corrected row is in force")
    daemon.stop()
    assert "m\u00fcller@example.com" in daemon.store_path.read_text(encoding="utf-8")


def test_a_notice_of_the_server_is_logged_once_and_escaped(box, tables):
    """libpq would print each on standard error as it is."""
    tables.query(r"""CREATE FUNCTION haraka.noisy(name text) RETURNS text VOLATILE LANGUAGE plpgsql AS $$
        BEGIN RAISE WARNING E'\x1b]0;of %\x07\nnext line', name; RETURN name; END$$""")
    query = 'SELECT id, haraka.noisy(username) AS username, password, froms, "profileId" FROM haraka.users'
    daemon = follow_plainly(box, tables, users_query=query)
    assert may(daemon, *ALICE)
    log = daemon.log()
    assert log.count("database notice") == 1 and r"WARNING:  \x1b]0;of " in log and "\x1b" not in log, log
    assert "\nnext line" not in log and "\n2" in log


def test_tables_are_followed_if_somebody_removes_the_prepared_statements(box, tables):
    tables.query("""CREATE FUNCTION haraka.forget() RETURNS boolean LANGUAGE plpgsql AS
        $$ BEGIN DEALLOCATE ALL; RETURN true; END $$""")
    daemon = follow_plainly(box, tables, poll_interval="1s",
                            users_query="SELECT u.* FROM users AS u, (SELECT haraka.forget() AS ok OFFSET 0) AS f WHERE ok")
    assert may(daemon, *ALICE)
    for froms, is_allowed in (("x@example.com", False), ("alice@example.com", True)):
        tables.query("UPDATE haraka.users SET froms = %s WHERE username = 'alice'", (froms,))
        (wait_may if is_allowed else wait_may_not)(daemon, *ALICE, what=f"UPDATE to {froms} is in force")
    assert daemon.log().count('prepared statement "postern_') == 1


def test_statements_of_others_under_the_same_names_are_not_used(box, tables):
    """As a pooler leaves them that does not reset connections, nor tells that it is one."""
    tables.query("""CREATE FUNCTION haraka.take_names() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            DEALLOCATE ALL;
            FOR i IN 0..2 LOOP
                EXECUTE format('PREPARE postern_%s AS SELECT 1', i);
            END LOOP;
            RETURN true;
        END $$""")
    query = "SELECT u.* FROM users AS u, (SELECT haraka.take_names() AS ok OFFSET 0) AS f WHERE ok"
    daemon = follow_plainly(box, tables, poll_interval="1s", users_query=query)
    assert may(daemon, *ALICE)
    tables.query("UPDATE haraka.users SET froms = 'x@example.com' WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE, what="an UPDATE is in force")
    since = daemon.mark()
    tables.query("ALTER TABLE haraka.users ADD COLUMN note text")
    daemon.wait_log("has other definitions", since)
