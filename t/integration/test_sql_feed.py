"""sql/feed.sql: every change is found, whatever the order of commits, and old ones are pruned."""

import random
import subprocess

import psycopg2
import psycopg2.errors
import pytest

from harness.feed_reader import EVERYTHING, Database, FeedReader, churn
from harness.tables import database


@pytest.fixture(scope="module")
def server(shared_box):
    return database(shared_box)


@pytest.fixture
def db(server):
    return Database(server)


@pytest.fixture
def reader(db):
    made = FeedReader(db)
    assert made.poll() == {EVERYTHING} and made.reason == "no position"
    yield made
    made.close()


def users(*ids):
    return {("users", str(one)) for one in ids}


# ---- what is recorded ------------------------------------------------------------------------------


def test_without_a_change_the_feed_returns_nothing(db, reader):
    assert reader.poll() == set()
    db.query("UPDATE haraka.users SET froms = froms WHERE false; DELETE FROM haraka.users WHERE false;"
             " INSERT INTO haraka.users (username) SELECT 'x' WHERE false")
    assert reader.poll() == set()


def test_a_look_determines_the_position_once(db, reader):
    db.query("INSERT INTO haraka.users (id, username) VALUES (90, 'a'), (91, 'b')")
    with db.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET track_functions = 'all'; SELECT tbl, row_id, reached FROM haraka.feed_look(%s)",
                       (reader.position,))
        rows = cursor.fetchall()
        assert {row[:2] for row in rows} == users(90, 91) and len({row[2] for row in rows}) == 1
        cursor.execute("SELECT calls FROM pg_stat_xact_user_functions WHERE funcname = 'feed_marks'")
        assert cursor.fetchall() == [(1,)]
        cursor.execute("SELECT * FROM haraka.feed_look(%s)", (rows[0][2],))
        ((*change, _),) = cursor.fetchall()
        assert change == [None, None, None]
    assert reader.poll() == users(90, 91)


@pytest.mark.parametrize("sql, named", [
    ("INSERT INTO haraka.users (id, username) VALUES (90, 'a'), (91, 'b')", users(90, 91)),
    ("UPDATE haraka.users SET froms = 'x@y' WHERE id <= 2", users(1, 2)),
    ("UPDATE haraka.users SET froms = 'x@y' WHERE id = 1; UPDATE haraka.users SET froms = '' WHERE id = 1",
     users(1)),
    ("UPDATE haraka.users SET id = id + 100 WHERE id = 3", users(3, 103)),
    ("UPDATE haraka.users SET id = id + 1000", users(1, 2, 3, 4, 1001, 1002, 1003, 1004)),
    ("DELETE FROM haraka.users WHERE id IN (1, 4)", users(1, 4)),
    ("DELETE FROM haraka.users WHERE id = 1; INSERT INTO haraka.users (id, username) VALUES (1, 'new')",
     users(1)),
    ("TRUNCATE haraka.users", {("users", None)}),
    ("TRUNCATE haraka.profiles CASCADE", {("users", None), ("profiles", None)}),
    ("TRUNCATE haraka.users; INSERT INTO haraka.users (username) VALUES ('after')", {("users", None)}),
    ("INSERT INTO haraka.profiles (id, name) VALUES (2, 'open') ON CONFLICT (id) DO UPDATE SET maxsize = 5",
     {("profiles", "2")}),
    ("INSERT INTO haraka.profiles (id, name) VALUES (2, 'open') ON CONFLICT DO NOTHING", set()),
    ("WITH gone AS (DELETE FROM haraka.users WHERE id = 1 RETURNING 1)"
     " UPDATE haraka.profiles SET maxsize = 1 WHERE id = 4", users(1) | {("profiles", "4")}),
    ("UPDATE haraka.profiles SET id = 20 WHERE id = 2",  # and its users, by the reference
     {("profiles", "2"), ("profiles", "20")} | users(3)),
    ("MERGE INTO haraka.users USING (VALUES (1), (70)) AS v (n) ON id = n"
     " WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id, username) VALUES (n, 'merged')",
     users(1, 70)),
    ("BEGIN; SAVEPOINT s; UPDATE haraka.users SET froms = '' WHERE id = 1; ROLLBACK TO s;"
     " SAVEPOINT s; UPDATE haraka.users SET froms = '' WHERE id = 2; RELEASE s; COMMIT", users(2)),
    ("BEGIN; DELETE FROM haraka.users; ROLLBACK", set()),
    ("SET session_replication_role = replica; DELETE FROM haraka.users WHERE id = 1", users(1)),
])
def test_each_kind_of_statement_returns_its_rows(db, reader, sql, named):
    if "MERGE" in sql and db.value("SHOW server_version_num") < "150000":
        pytest.skip("MERGE needs PostgreSQL 15")
    # The ids by name, because the order of the samples does not matter.
    db.query("UPDATE haraka.users SET id = -id; UPDATE haraka.users SET id = p FROM unnest("
             "ARRAY['dave', 'alice', 'bob@example.org', 'carol']) WITH ORDINALITY AS n (u, p)"
             " WHERE username = u")
    reader.poll()
    db.query(sql)
    assert reader.poll() == named
    assert reader.poll() == set()


def test_copy_returns_its_rows(db, reader):
    connection = db.connect()
    with open("/dev/null", encoding="ascii") as empty:
        connection.cursor().copy_expert("COPY haraka.users (username) FROM STDIN", empty)
    assert reader.poll() == set()
    connection.cursor().execute("COPY haraka.users (id, username) FROM PROGRAM 'echo 77,copied' CSV")
    assert reader.poll() == users(77)
    connection.close()


@pytest.mark.parametrize("rows, whole", [(10000, False), (10001, True)])
def test_a_large_statement_is_the_whole_table(db, reader, rows, whole):
    db.query("INSERT INTO haraka.users (id, username) SELECT n, 'user' || n"
             " FROM generate_series(1001, 1000 + %s) AS n", (rows,))
    assert db.value("SELECT count(*) FROM haraka.changes WHERE row_id IS NULL") == whole
    named = reader.poll()
    assert named == {("users", None)} if whole else len(named) == rows
    db.query("UPDATE haraka.users SET id = id + 100000 WHERE id > 1000")
    assert reader.poll() == {("users", None)}  # 20,000 ids by now
    db.query("DELETE FROM haraka.users WHERE id > 1000")
    assert len(reader.poll()) == (1 if whole else rows)


def test_many_small_statements_become_the_whole_table(db, reader):
    db.query("DO $$BEGIN FOR i IN 1..10001 LOOP"
             " INSERT INTO haraka.users (username) VALUES ('u' || i); END LOOP; END$$;"
             " UPDATE haraka.profiles SET maxsize = 7 WHERE id = 1")
    assert reader.poll() == {("users", None), ("profiles", "1")}


def test_a_role_that_can_only_write_users_is_recorded(db, reader):
    db.query("DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN;"
             " GRANT USAGE ON SCHEMA haraka TO clerk;"
             " GRANT SELECT, INSERT, UPDATE, DELETE ON haraka.users TO clerk")
    # The feed must not mistake a table of the clerk's for its own.
    db.query("SET search_path = pg_temp; CREATE TEMP TABLE changes (txid xid8, tbl text, row_id text);"
             " UPDATE haraka.users SET froms = '' WHERE username = 'alice'", user="clerk")
    assert len(reader.poll()) == 1
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        db.query("INSERT INTO haraka.changes (tbl) VALUES ('users')", user="clerk")
    db.query("DROP OWNED BY clerk; DROP ROLE clerk")


def test_a_statement_notifies_once_whatever_its_size(db):
    listener = db.connect()
    listener.cursor().execute("LISTEN haraka")

    def heard():
        listener.cursor().execute("SELECT 1")
        payloads = [note.payload for note in listener.notifies]
        listener.notifies.clear()
        return payloads

    db.query("INSERT INTO haraka.users (username) SELECT 'user' || n FROM generate_series(1, 5000) AS n")
    assert heard() == ["postern"]
    db.query("BEGIN; UPDATE haraka.users SET froms = 'a@b'; DELETE FROM haraka.users;"
             " UPDATE haraka.profiles SET maxsize = 1; COMMIT")
    assert heard() == ["postern"]
    db.query("UPDATE haraka.users SET froms = '' WHERE false")
    assert heard() == []
    listener.close()


def test_without_a_channel_transactions_can_be_prepared(db, reader):
    sql = "BEGIN; UPDATE haraka.profiles SET maxsize = 9 WHERE id = 1; PREPARE TRANSACTION 'p'"
    with pytest.raises(psycopg2.errors.FeatureNotSupported):  # a transaction with NOTIFY cannot be prepared
        db.query(sql)
    db.apply("feed.sql", channel="")
    reader.poll()
    db.query(sql)
    assert reader.poll() == set()
    db.query("UPDATE haraka.profiles SET maxsize = 8 WHERE id = 2")
    assert reader.poll() == {("profiles", "2")}
    reader.connect()
    db.query("COMMIT PREPARED 'p'")
    assert reader.poll() == {("profiles", "1")}


# ---- the order of commits --------------------------------------------------------------------------


def test_a_transaction_that_began_early_and_commits_late_is_found(db, reader):
    late = db.connect(autocommit=False)
    late.cursor().execute("UPDATE haraka.users SET froms = 'late@b' WHERE username = 'alice'")
    for number in range(3):
        db.query("UPDATE haraka.users SET froms = %s WHERE username = 'carol'", (f"{number}@b",))
        assert len(reader.poll()) == 1  # carol each time, not yet alice
    late.commit()
    late.close()
    named = reader.poll()
    assert named == users(db.value("SELECT id FROM haraka.users WHERE username = 'alice'"))


@pytest.mark.parametrize("seed", range(4))
def test_no_change_is_missed_under_random_transactions(db, reader, seed):
    rng = random.Random(seed)
    writers = [db.connect(autocommit=False) for _ in range(6)]
    polls = named = 0
    for step in range(1500):
        churn(rng, writers)
        if rng.random() < 0.15:
            if rng.random() < 0.1:
                reader.connect()
            named += len(reader.poll())  # compares the copy with the tables
            assert reader.reason is None
            polls += 1
    for writer in writers:
        writer.close()
    print(f"{polls} polls named {named} rows")
    assert named > 100


# ---- pruning ---------------------------------------------------------------------------------------


def age(db, by):
    db.query(f"UPDATE haraka.changes SET at = at - interval '{by}'")


def test_old_rows_are_pruned_while_others_are_added(db, reader):
    db.query("UPDATE haraka.users SET froms = 'a@b'")
    age(db, "26 hours")
    db.query("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 1")
    assert db.value("SELECT count(*) FROM haraka.changes WHERE tbl = 'users'") > 0  # not by each statement
    age(db, "2 hours")
    db.query("UPDATE haraka.profiles SET maxsize = 2 WHERE id = 1")
    assert db.query("SELECT tbl, row_id FROM haraka.changes") == [("profiles", "1")] * 2
    assert db.value("SELECT prunes FROM haraka.feed_state") == 1
    assert reader.poll() == {EVERYTHING} and reader.reason == "pruned"


def test_pruning_does_not_affect_a_reader_that_is_up_to_date(db, reader):
    db.query("UPDATE haraka.users SET froms = 'a@b'")
    reader.poll()
    age(db, "2 days")
    assert db.value("SELECT haraka.feed_prune()") > 0
    assert db.value("SELECT haraka.feed_prune()") == 0
    db.query("UPDATE haraka.profiles SET maxsize = 2 WHERE id = 1")
    assert reader.poll() == {("profiles", "1")}


def test_a_transaction_left_open_for_days_costs_one_load_a_prune(db, reader):
    """It holds back the xmin of every database snapshot, so the feed cannot tell right after a prune, but later."""
    stuck = db.connect(autocommit=False)
    stuck.cursor().execute("UPDATE haraka.profiles SET maxsize = 3 WHERE id = 4")
    db.query("UPDATE haraka.users SET froms = 'a@b'")
    reader.poll()
    age(db, "2 days")
    assert db.value("SELECT haraka.feed_prune()") > 0
    assert reader.poll() == {EVERYTHING} and reader.reason == "pruned"
    assert reader.poll() == set()
    stuck.commit()
    stuck.close()
    assert reader.poll() == {("profiles", "4")}


def test_a_transaction_older_than_the_kept_rows_is_found(db, reader):
    late = db.connect(autocommit=False)
    late.cursor().execute("UPDATE haraka.users SET froms = 'late@b' WHERE username = 'alice'")
    reader.poll()
    late.cursor().execute("SELECT 1")
    late.commit()
    age(db, "2 days")
    assert db.value("SELECT haraka.feed_prune()") > 0
    assert reader.poll() == {EVERYTHING}
    late.close()


def test_pruning_never_waits(db):
    db.query("UPDATE haraka.users SET froms = 'a@b'")
    age(db, "2 days")
    pruner = db.connect(autocommit=False)
    pruner.cursor().execute("SELECT haraka.feed_prune()")
    db.query("SET lock_timeout = '1s'; UPDATE haraka.users SET froms = 'c@d'")
    assert db.value("SELECT haraka.feed_prune()") == 0
    pruner.commit()
    pruner.close()


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_pruning_makes_no_transaction_fail(db, reader, level):
    db.query("UPDATE haraka.users SET froms = 'a@b'")
    age(db, "2 days")
    strict = db.connect(autocommit=False)
    strict.set_session(isolation_level=level)
    strict.cursor().execute("SELECT count(*) FROM haraka.users")
    db.query("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 1")  # prunes
    assert db.value("SELECT prunes FROM haraka.feed_state") == 1
    age(db, "2 days")
    strict.cursor().execute("UPDATE haraka.users SET froms = 'e@f'")
    strict.commit()
    strict.close()
    reader.poll()


def test_a_prune_removes_a_bounded_number_of_rows(db):
    db.query("INSERT INTO haraka.changes (tbl, row_id) SELECT 'users', n FROM generate_series(1, 25000) AS n")
    age(db, "2 days")
    db.query("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 1")
    assert 15000 < db.value("SELECT count(*) FROM haraka.changes") < 15100
    assert db.value("SELECT haraka.feed_prune('1 day', 5)") == 5


def test_rows_deleted_by_hand_are_noticed(db, reader):
    db.query("UPDATE haraka.users SET froms = 'a@b'")
    db.query("DELETE FROM haraka.changes")
    assert reader.poll() == {EVERYTHING} and reader.reason == "pruned"
    db.query("UPDATE haraka.users SET froms = 'c@d'")
    db.query("TRUNCATE haraka.changes")
    assert reader.poll() == {EVERYTHING} and reader.reason == "another database"


# ---- other databases, triggers ---------------------------------------------------------------------


@pytest.mark.parametrize("position", [
    None, "", "x", "feed-0 a b c d 1 2 3:4:", "feed-1 a b c d 1 2", "feed-1 a b c d x 2 3:4:",
    "feed-1 a b c d 1 2 3:4:;", "feed-1  b c d 1 2 3:4:", "feed-1 a b c d 1 2 3:4: ",
    "feed-1 a b c d 1 2 3:4:+", "feed-1 a b c d 1 2 3:4:+1/", "feed-1 a b c d 1 2 3:4:+1/2/3"])
def test_an_invalid_position_asks_for_everything(db, reader, position):
    reader.position = position
    assert reader.look() == {EVERYTHING} and reader.reason == "no position"


def test_a_position_of_another_database_is_not_accepted(server, db, reader):
    other = FeedReader(Database(server))
    other.position = reader.position
    assert other.poll() == {EVERYTHING} and other.reason == "another database"
    other.close()


def test_a_restored_dump_is_another_database(server, db, reader, box):
    db.query("UPDATE haraka.users SET froms = 'a@b'")
    dump = subprocess.run(["pg_dump", "-d", server.conninfo(dbname=db.name)], check=True,
                          capture_output=True).stdout
    other = box.postgres(unique=True)
    other.psql("-c", "CREATE ROLE postern LOGIN")
    subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", other.conninfo()], input=dump,
                   check=True, capture_output=True)
    moved = FeedReader(other)
    moved.position = reader.position
    assert moved.poll() == {EVERYTHING} and moved.reason == "another database"
    # The transaction ids in the dump lie in this cluster's future.
    other.query("INSERT INTO haraka.changes (txid, tbl, row_id) VALUES ('999999', 'users', '1')")
    assert moved.poll() == set()
    other.query("UPDATE haraka.changes SET at = at - interval '2 days'; SELECT haraka.feed_prune()")
    assert other.value("SELECT count(*) FROM haraka.changes") == 0
    assert moved.poll() == set()
    other.query("UPDATE haraka.profiles SET maxsize = 5 WHERE id = 2")
    assert moved.poll() == {("profiles", "2")}
    moved.close()


def test_triggers_that_were_off_for_a_while_are_noticed(db, reader):
    db.query("ALTER TABLE haraka.users DISABLE TRIGGER ALL")
    assert not db.value("SELECT haraka.feed_ready()", user="postern")
    db.query("UPDATE haraka.users SET froms = 'unseen@b'")
    db.query("ALTER TABLE haraka.users ENABLE TRIGGER ALL")
    assert db.value("SELECT haraka.feed_ready()", user="postern")
    assert reader.poll() == {EVERYTHING} and reader.reason == "triggers changed"
    assert reader.poll() == set()


def test_a_table_that_was_replaced_has_no_triggers(db, reader):
    db.query("ALTER TABLE haraka.users RENAME TO old_users;"
             " CREATE TABLE haraka.users (LIKE haraka.old_users INCLUDING ALL);"
             " GRANT SELECT ON haraka.users TO postern")
    assert not db.value("SELECT haraka.feed_ready()", user="postern")
    db.apply("feed.sql")
    assert db.value("SELECT haraka.feed_ready()", user="postern")
    assert reader.poll() == {EVERYTHING}


@pytest.mark.parametrize("layout", [
    """ALTER TABLE haraka.users RENAME TO p1; ALTER TABLE haraka.p1 ALTER id DROP IDENTITY;
    CREATE TABLE haraka.users (LIKE haraka.p1) PARTITION BY RANGE (id);
    ALTER TABLE haraka.users ATTACH PARTITION haraka.p1 FOR VALUES FROM (0) TO (1000);
    CREATE TABLE haraka.middle PARTITION OF haraka.users FOR VALUES FROM (1000) TO (2000) PARTITION BY RANGE (id);
    CREATE TABLE haraka."P 2" PARTITION OF haraka.middle FOR VALUES FROM (1000) TO (2000)""",
    """CREATE TABLE haraka.middle (LIKE haraka.users) INHERITS (haraka.users);
    CREATE TABLE haraka."P 2" (LIKE haraka.users) INHERITS (haraka.middle)"""], ids=["partitions", "children"])
def test_statements_on_partitions_and_children_are_recorded(db, reader, layout):
    db.query(layout)
    db.apply("feed.sql")
    db.query("GRANT SELECT ON ALL TABLES IN SCHEMA haraka TO postern")
    db.apply("role.sql")
    reader.poll()
    db.query('INSERT INTO haraka."P 2" (id, username, enabled) VALUES (1001, \'x\', true)')
    assert reader.poll() == users(1001)
    db.query("UPDATE haraka.middle SET froms = 'a@b'")
    assert reader.poll() == users(1001)
    db.query("UPDATE haraka.users SET froms = 'c@d' WHERE id = 1001")
    assert reader.poll() == users(1001)
    db.query('TRUNCATE haraka."P 2"')
    assert reader.poll() == {("users", None)}


def test_running_feed_sql_again_is_noticed_and_keeps_the_recorded_changes(db, reader):
    db.query("UPDATE haraka.users SET froms = 'a@b'")
    before = db.query("SELECT * FROM haraka.changes ORDER BY id")
    db.apply("feed.sql")
    assert db.query("SELECT * FROM haraka.changes ORDER BY id") == before
    assert reader.poll() == {EVERYTHING} and reader.reason == "triggers changed"
