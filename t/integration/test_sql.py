"""sql/: each file can be run twice, the constraints hold, and the daemon's role can only read."""

import psycopg2
import psycopg2.errors
import pytest

from harness.postgres import SQL

FILES = ("schema.sql", "feed.sql", "role.sql", "sample.sql")


@pytest.fixture(scope="module")
def db(shared_box):
    server = shared_box.postgres()
    for file in FILES:
        server.apply(file)
    return server


def refused(db, sql, error, **keys):
    with pytest.raises(error) as caught:
        db.query(sql, **keys)
    return str(caught.value)


def contents(db):
    """Everything in the schema that a second run might change or duplicate."""
    return db.query("""
        SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'haraka'::regnamespace
        UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text || pg_get_triggerdef(oid)
            FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes
            WHERE schemaname = 'haraka'
        UNION ALL SELECT 'grant', c.oid::regclass::text, '', array_to_string(c.relacl, ' ')
            FROM pg_class AS c WHERE relnamespace = 'haraka'::regnamespace
        UNION ALL SELECT 'function', proname, array_to_string(proacl, ' '), prosrc
            FROM pg_proc WHERE pronamespace = 'haraka'::regnamespace
        UNION ALL SELECT 'row', 'users', '', u::text FROM haraka.users AS u
        UNION ALL SELECT 'row', 'profiles', '', p::text FROM haraka.profiles AS p
        UNION ALL SELECT 'role', rolname, '', rolconfig::text FROM pg_roles
        ORDER BY 1, 2, 3, 4""")


def test_each_file_can_be_run_twice(db):
    before = contents(db)
    for file in FILES:
        assert db.apply(file) == "", f"{file} has something to say"
    assert contents(db) == before


def test_another_schema_channel_and_role(db):
    for file in FILES:
        db.apply(file, schema='Odd "name', channel="it's", role="O'Hara's reader")
    assert db.value('SELECT "Odd ""name".feed_ready()', user="'O\\'Hara\\'s reader'")
    listener = db.connect()
    listener.cursor().execute('LISTEN "it\'s"')
    db.query('UPDATE "Odd ""name".users SET froms = NULL')
    listener.cursor().execute("SELECT 1")
    assert [note.payload for note in listener.notifies] == ["postern"]
    listener.close()


def test_files_stop_when_their_tables_are_missing(box):
    db = box.postgres()
    for file in ("feed.sql", "role.sql", "sample.sql"):
        with pytest.raises(AssertionError, match="does not exist"):
            db.apply(file)
    assert db.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'haraka'") == 0
    assert db.value("SELECT count(*) FROM pg_roles WHERE rolname = 'postern'") == 0


@pytest.mark.parametrize("username", ["", " bob", "bob ", "a\nb", "token:x", "Token:bob@example.com",
                                      "ALICE"])
def test_user_names_that_are_refused(db, username):
    sql = "INSERT INTO haraka.users (username) VALUES (%s)"
    with pytest.raises(psycopg2.IntegrityError):
        db.query(sql, (username,))


@pytest.mark.parametrize("username", ["token", "mytoken:x", "bob@example.net", "bücher", "BÜCHER", "a b"])
def test_user_names_that_are_accepted(db, username):
    db.query("INSERT INTO haraka.users (username) VALUES (%s)", (username,))
    db.query("DELETE FROM haraka.users WHERE username = %s", (username,))


@pytest.mark.parametrize("limits", [None, "", "  ", "1", "1/5m", "1/5m,500/1d", " 1/5s , 2/1h ", "10/90",
                                    "1/1d,2,3/4s"])
def test_limits_that_are_accepted(db, limits):
    db.query("INSERT INTO haraka.profiles (name, limits) VALUES ('limited', %s)", (limits,))
    db.query("DELETE FROM haraka.profiles WHERE name = 'limited'")


@pytest.mark.parametrize("limits", [",", "1,", ",1", "1/", "/1m", "0/1m", "1/0m", "1/5 m", "1/5w", "1/5M",
                                    "-1/1m", "1.5/1m", "x", "1/1m 2/1m", "1/1m,,2/1m", "1/1m\n",
                                    "9999999999/1m"])
def test_limits_that_are_refused(db, limits):
    with pytest.raises(psycopg2.errors.CheckViolation):
        db.query("INSERT INTO haraka.profiles (name, limits) VALUES ('limited', %s)", (limits,))


def test_profiles_constraints(db):
    for sql in ("INSERT INTO haraka.profiles (name) VALUES ('')",
                "INSERT INTO haraka.profiles (name) VALUES (NULL)",
                "INSERT INTO haraka.profiles (name) VALUES ('open')",
                "INSERT INTO haraka.profiles (name, maxsize) VALUES ('x', -1)",
                "INSERT INTO haraka.profiles (name, maxsize) VALUES ('x', NULL)",
                "INSERT INTO haraka.users (username, \"profileId\") VALUES ('x', 987654)",
                "DELETE FROM haraka.profiles WHERE name = 'open'"):
        refused(db, sql, psycopg2.IntegrityError)
    db.query("INSERT INTO haraka.profiles (name, maxsize) VALUES ('huge', 100000000000)")
    db.query("DELETE FROM haraka.profiles WHERE name = 'huge'")


def test_enabled_is_true_by_default(db):
    assert db.query("SELECT username, enabled FROM haraka.users WHERE username IN ('alice', 'dave')"
                    " ORDER BY 1") == [("alice", True), ("dave", False)]


def test_list_columns_may_become_arrays_as_documented(box):
    db = box.postgres()
    for file in FILES:
        db.apply(file)
    lines = (SQL / "schema.sql").read_text().splitlines()
    statements = [line[3:].split(";")[0] for line in lines if line.startswith("--\tALTER TABLE")]
    assert len(statements) == 4
    for statement in statements:
        db.query("SET search_path = haraka; " + statement)
    assert db.value("SELECT froms FROM haraka.users WHERE username = 'alice'") == [
        "alice@example.com", "sales@example.com"]
    for file in FILES:
        if file != "sample.sql":
            db.apply(file)


# ---- the role --------------------------------------------------------------------------------------


def test_the_role_reads_what_it_needs(db):
    for table in ("users", "profiles", "changes", "feed_state", "feed_crash_mark"):
        db.query(f"SELECT count(*) FROM haraka.{table}", user="postern")
    assert db.value("SELECT haraka.feed_ready()", user="postern")
    position = db.value("SELECT haraka.feed_position()", user="postern")
    assert db.query("SELECT * FROM haraka.feed_since(%s)", (position,), user="postern") == []
    ((*change, _),) = db.query("SELECT * FROM haraka.feed_look(%s)", (position,), user="postern")
    assert change == [None, None, None]
    assert db.value("SHOW default_transaction_read_only", user="postern") == "on"
    assert db.value("SHOW statement_timeout", user="postern") == "5min"


WRITES = ["INSERT INTO haraka.users (username) VALUES ('x')", "UPDATE haraka.users SET enabled = true",
          "DELETE FROM haraka.profiles", "TRUNCATE haraka.users", "DELETE FROM haraka.changes",
          "INSERT INTO haraka.changes (tbl) VALUES ('users')", "UPDATE haraka.feed_state SET prunes = 0",
          "INSERT INTO haraka.feed_crash_mark DEFAULT VALUES",
          "SELECT * FROM haraka.users FOR UPDATE", "CREATE TABLE haraka.t (n int)", "CREATE SCHEMA s",
          "ALTER TABLE haraka.users DISABLE TRIGGER ALL", "CREATE ROLE r", "CREATE DATABASE d"]


@pytest.mark.parametrize("sql", WRITES)
def test_the_role_cannot_write(db, sql):
    refused(db, sql, psycopg2.errors.ReadOnlySqlTransaction, user="postern")
    refused(db, sql, psycopg2.errors.InsufficientPrivilege, user="postern",
            options="'-c default_transaction_read_only=off'")


@pytest.mark.parametrize("sql", [
    "SELECT * FROM pg_authid", "SELECT * FROM secrets", "SELECT haraka.feed_prune()",
    "SELECT pg_read_file('/etc/passwd')", "COPY haraka.users TO PROGRAM 'cat'",
    "SELECT pg_ls_dir('/')", "SET ROLE postgres", "SELECT nextval('haraka.users_id_seq')"])
def test_the_role_cannot_read_other_tables(db, sql):
    db.query("CREATE TABLE IF NOT EXISTS secrets (n int)")
    refused(db, sql, psycopg2.errors.InsufficientPrivilege, user="postern",
            options="'-c default_transaction_read_only=off'")


def test_no_other_role_sees_the_feed(db):
    db.query("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN")
    for sql in ("SELECT * FROM haraka.changes", "SELECT haraka.feed_position()",
                "SELECT haraka.feed_prune()", "SELECT password FROM haraka.users"):
        refused(db, sql, psycopg2.errors.InsufficientPrivilege, user="stranger")
    db.query("DROP ROLE stranger")


def test_a_role_with_more_rights_is_refused_and_not_changed(db):
    db.query("DROP ROLE IF EXISTS strong; CREATE ROLE strong LOGIN CREATEROLE")
    with pytest.raises(AssertionError, match="strong has rights beyond reading"):
        db.apply("role.sql", role="strong")
    assert not db.value("SELECT has_table_privilege('strong', 'haraka.users', 'SELECT')")
    db.query("DROP ROLE strong")


@pytest.fixture
def role_of_its_own(db):
    """A database and a role that the other tests do not use, dropped with all that they own."""
    db.query("DROP ROLE IF EXISTS boss; DROP ROLE IF EXISTS reader; CREATE ROLE boss NOLOGIN; CREATE ROLE reader LOGIN")
    yield "reader"
    for role in ("reader", "boss"):
        db.query(f"REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}")
        db.query(f"REASSIGN OWNED BY {role} TO postgres", dbname="postgres")
        db.query(f"DROP ROLE {role}")


@pytest.mark.parametrize("sql, why", [
    ("ALTER TABLE haraka.users OWNER TO reader", "owns table haraka.users"),
    ("CREATE TABLE public.mine (n int); ALTER TABLE public.mine OWNER TO reader", "owns table mine"),
    ("CREATE SCHEMA theirs AUTHORIZATION reader", "owns schema theirs"),
    ("ALTER FUNCTION haraka.feed_ready() OWNER TO reader", "owns function haraka.feed_ready()"),
    ("ALTER DATABASE mail OWNER TO reader", "owns database mail"),
    ("ALTER TABLE haraka.users OWNER TO boss; GRANT boss TO reader", "is a member of boss, which owns table haraka.users"),
    ("GRANT UPDATE ON haraka.users TO boss; GRANT boss TO reader", "is a member of boss, which has rights beyond reading"),
    ("GRANT UPDATE (password) ON haraka.users TO boss; GRANT boss TO reader",
     "is a member of boss, which has rights beyond reading"),
    ("GRANT CREATE ON SCHEMA haraka TO boss; GRANT boss TO reader", "is a member of boss, which has rights beyond reading"),
    ("ALTER ROLE boss CREATEDB; GRANT boss TO reader", "is a member of boss, which has rights beyond reading"),
    ("GRANT pg_write_all_data TO reader", "is a member of pg_write_all_data, which has rights beyond reading"),
    ("GRANT pg_write_all_data TO boss; GRANT boss TO reader", "is a member of pg_write_all_data, which"),
    ("GRANT pg_execute_server_program TO reader", "is a member of pg_execute_server_program, which"),
    ("GRANT pg_write_server_files TO reader", "is a member of pg_write_server_files, which"),
    ("GRANT pg_read_server_files TO reader", "is a member of pg_read_server_files, which"),
    ("GRANT pg_signal_backend TO reader", "is a member of pg_signal_backend, which"),
])
def test_a_role_that_could_write_is_refused_and_not_changed(db, role_of_its_own, sql, why):
    db.query(sql)
    before = contents(db)
    with pytest.raises(AssertionError) as caught:
        db.apply("role.sql", role=role_of_its_own)
    assert f"role reader {why}" in str(caught.value)
    assert contents(db) == before


@pytest.mark.parametrize("sql", [
    "GRANT pg_read_all_data TO reader", "GRANT pg_monitor TO reader",
    "GRANT SELECT ON haraka.users TO boss; GRANT boss TO reader", "GRANT ALL ON haraka.users TO reader"])
def test_a_role_that_only_reads_is_taken(db, role_of_its_own, sql):
    db.query(sql)
    assert db.apply("role.sql", role=role_of_its_own) == ""
    assert db.value("SELECT count(*) FROM haraka.users", user="reader") > 0
    refused(db, "UPDATE haraka.users SET froms = ''", psycopg2.errors.InsufficientPrivilege, user="reader",
            options="'-c default_transaction_read_only=off'")


def test_an_existing_role_keeps_its_password(db):
    db.query("ALTER ROLE postern PASSWORD 'kept'")
    stored = db.value("SELECT rolpassword FROM pg_authid WHERE rolname = 'postern'")
    db.apply("role.sql")
    assert db.value("SELECT rolpassword FROM pg_authid WHERE rolname = 'postern'") == stored


def test_rights_granted_by_mistake_are_revoked(db):
    db.query("GRANT ALL ON haraka.users TO postern")
    db.apply("role.sql")
    assert db.value("""SELECT string_agg(privilege_type, ' ') FROM information_schema.role_table_grants
                       WHERE grantee = 'postern' AND table_name = 'users'""") == "SELECT"


# ---- the samples -----------------------------------------------------------------------------------


def test_sample_passwords_are_those_in_the_comment(db):
    crypt = pytest.importorskip("crypt")
    hashes = dict(db.query("SELECT username, password FROM haraka.users"))
    for login, password in (("alice", "alice-secret"), ("bob@example.org", "bob-secret"),
                            ("carol", "carol-secret"), ("dave", "dave-secret")):
        assert crypt.crypt(password, hashes[login]) == hashes[login]


@pytest.mark.parametrize("answer", [None, "", "no", "YES"])
def test_samples_are_not_loaded_unless_asked_for(box, answer):
    db = box.postgres()
    db.apply("schema.sql")
    options = [] if answer is None else ["-v", f"public_passwords={answer}"]
    with pytest.raises(AssertionError, match="the passwords of the sample users are public"):
        db.psql(*options, "-f", SQL / "sample.sql")
    assert db.value("SELECT count(*) FROM haraka.users") == db.value("SELECT count(*) FROM haraka.profiles") == 0


def test_samples_do_not_change_rows_of_the_same_name(db):
    db.query("UPDATE haraka.users SET froms = 'mine@example.com' WHERE username = 'carol'")
    db.apply("sample.sql")
    assert db.value("SELECT froms FROM haraka.users WHERE username = 'carol'") == "mine@example.com"


# ---- pg-profile's own tables -----------------------------------------------------------------------


@pytest.fixture
def pg_profile(box, request):
    server = box.postgres()
    server.apply(request.path.parent / "pg_profile_schema.sql")
    return server


def columns(db):
    return db.query("""SELECT table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'haraka'
        AND table_name IN ('users', 'profiles') ORDER BY 1, ordinal_position""")


def test_role_alone_on_pg_profile_tables(pg_profile):
    before = columns(pg_profile)
    pg_profile.apply("role.sql")
    assert pg_profile.value("SELECT count(*) FROM haraka.users", user="postern") == 2
    assert pg_profile.value("SELECT to_regprocedure('haraka.feed_since(text)')", user="postern") is None
    assert columns(pg_profile) == before


def test_the_feed_does_not_change_pg_profile_tables(pg_profile):
    before = columns(pg_profile)
    for file in ("feed.sql", "role.sql"):
        pg_profile.apply(file)
    assert columns(pg_profile) == before
    assert pg_profile.value("SELECT haraka.feed_ready()", user="postern")
    listener = pg_profile.connect()
    listener.cursor().execute("LISTEN haraka")
    pg_profile.query("UPDATE haraka.users SET froms = froms")
    listener.cursor().execute("SELECT 1")
    assert sorted(note.payload for note in listener.notifies) == ["postern", "users-UPDATE"]
    assert pg_profile.query("SELECT tbl, row_id FROM haraka.changes ORDER BY 2") == [
        ("users", "1"), ("users", "2")]


def test_schema_on_pg_profile_tables_adds_what_is_missing(pg_profile):
    rows = "SELECT id, username, froms, \"profileId\" FROM haraka.users ORDER BY 1"
    before = pg_profile.query(rows)
    for file in FILES * 2:
        pg_profile.apply(file)
    assert pg_profile.query(rows)[:2] == before
    assert pg_profile.value("SELECT bool_and(enabled) FROM haraka.users WHERE id <= 2")
    refused(pg_profile, "INSERT INTO haraka.users (username, password) VALUES ('ALICE', '')",
            psycopg2.errors.UniqueViolation)


def test_schema_on_pg_profile_tables_with_a_bad_row_changes_nothing(pg_profile):
    pg_profile.query("INSERT INTO haraka.profiles (name, limits) VALUES ('bad', 'many')")
    before = columns(pg_profile)
    with pytest.raises(AssertionError, match="profiles_limits_syntax"):
        pg_profile.apply("schema.sql")
    assert columns(pg_profile) == before
    assert pg_profile.value("SELECT count(*) FROM pg_constraint WHERE contype IN ('p', 'f', 'u')"
                            " AND connamespace = 'haraka'::regnamespace") == 0
