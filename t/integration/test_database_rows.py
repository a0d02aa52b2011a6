"""Single rows that change are read alone, and the set that they make is the one that all rows make."""

import random
import re
import subprocess

import pytest

from harness.postern import BUILD
from harness.tables import database, follow, may, status, wait_may, wait_may_not
from harness.wait import wait_until

ROWS_DUMP = BUILD / "t" / "integration" / "rows_dump"
SHAPES = 200
IDS = 24

TABLES = """
CREATE SCHEMA shapes;
SET search_path = shapes;
CREATE TABLE profiles (id {id} PRIMARY KEY, name text, open text, limits text, maxsize text, host text, rcpt text,
    rcpt_re text, other int UNIQUE, class int);
CREATE TABLE users (id {id} PRIMARY KEY, username text, password text, froms text, "profileId" text, enabled text,
    other int UNIQUE, class int);
CREATE TABLE aliases (id {id} PRIMARY KEY, class int);
CREATE VIEW all_users AS SELECT * FROM users;
CREATE VIEW all_profiles AS SELECT * FROM profiles;
CREATE FUNCTION plain(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
"""
NAMES = ["bob", "BOB", "alice", "carol", "token:x", "", "dave\x01", "eve@example.com"]
FROMS = ["", "a@example.com", "a@example.com,@example.org", "not an address", "@bücher.example", None]


def user_values(rng):
    return {"username": f"user{rng.randrange(18)}" if rng.random() < 0.7 else rng.choice(NAMES),
            "password": rng.choice(["$6$a$b", "!", "", "bad hash", None]), "froms": rng.choice(FROMS),
            '"profileId"': rng.choice(["1", "2", "9", None]), "enabled": rng.choice(["t", "f", "maybe", None])}


def profile_values(rng):
    return {"name": rng.choice(["sales", "staff", "support", "", None]), "open": rng.choice(["t", "f", "maybe", None]),
            "limits": rng.choice(["1/1h", "x/1h", "", None]), "maxsize": rng.choice(["0", "1000", "-1", None]),
            "host": rng.choice(["a.example", ".b.example,no host!", "", None]),
            "rcpt": rng.choice(["bob@c.example", "no address at all", "@d.example", None]),
            "rcpt_re": rng.choice(["x\\d@d\\.example$", "a,b),c$", "^(ab{1,200}c){1,20}$", "(", None])}


class Dump:
    """A running rows_dump."""

    def __init__(self, db):
        self.process = subprocess.Popen([str(ROWS_DUMP), db.conninfo(), "shapes"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        assert "\n" not in line
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer == "differ\n":
            answer += "".join(iter(self.process.stdout.readline, "--- end\n"))
        return answer.rstrip("\n")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0


class Table:
    """Random changes of the rows of a table, in transactions of a few statements."""

    def __init__(self, connection, rng, name, make_id):
        self.cursor = connection.cursor()
        self.rng = rng
        self.name = f"shapes.{name}"
        self.make_values = user_values if name == "users" else profile_values
        self.make_id = make_id

    def _write(self, statement, *values):
        self.cursor.execute(statement.replace("TABLE", self.name), values)

    def _change_one(self):
        """Returns the ids that it may have changed."""
        one, other = (self.make_id(self.rng.randrange(IDS)) for _ in range(2))
        row = self.make_values(self.rng) | {"class": self.rng.randrange(4)}
        columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
        kind = self.rng.choice(["insert", "insert", "update", "update", "delete", "move"])
        if kind == "delete":
            self._write("DELETE FROM TABLE WHERE id = %s", one)
        elif kind == "update":
            self._write(f"UPDATE TABLE SET ({columns}) = ({places}) WHERE id = %s", *row.values(), one)
        elif kind == "insert":
            self._write(f"INSERT INTO TABLE (id, {columns}) VALUES (%s, {places}) ON CONFLICT DO NOTHING",
                        one, *row.values())
        else:
            self._write("UPDATE TABLE SET id = %s WHERE id = %s AND NOT EXISTS (SELECT FROM TABLE WHERE id = %s)",
                        other, one, other)
            return {one, other}
        return {one}

    def change(self):
        """Change a few rows. Returns their ids, as the feed reports them."""
        ids = set().union(*(self._change_one() for _ in range(self.rng.randrange(1, 5))))
        return sorted(map(str, ids))


# Of each table: expressions that a query may have for a column.
COLUMNS = {
    "users": {"username": ["username", "lower(username) AS username", "shapes.plain(username) AS username"],
              "password": ["password", "NULL AS password"],
              "froms": ["froms", "coalesce(froms, 'x@example.com') AS froms", "froms || ',y@example.com' AS froms",
                        "string_to_array(froms, ',') AS froms"],
              '"profileId"': ['"profileId"'],
              "enabled": ["enabled", "(class > 1) AS enabled"]},
    "profiles": {"name": ["name", "lower(name) AS name", "shapes.plain(name) AS name"],
                 "open": ["open", "(class > 1) AS open"],
                 "limits": ["limits", "NULL AS limits"],
                 "maxsize": ["maxsize", "class * 1000 AS maxsize"],
                 "host": ["host", "coalesce(host, '.b.example') AS host"],
                 "rcpt": ["rcpt", "rcpt || ',x@a.example' AS rcpt"],
                 "rcpt_re": ["rcpt_re", "string_to_array(rcpt_re, ',') AS rcpt_re"]},
}
CONDITIONS = {
    "users": ["username <> 'bob'", "froms IS NOT NULL", "coalesce(enabled, 't') <> 'f'", "username LIKE 'user%'",
              "username = lower(username)"],
    "profiles": ["name <> 'sales'", "host IS NOT NULL", "coalesce(open, 't') <> 'f'", "name LIKE 's%'",
                 "name = lower(name)"],
}


def row_shape(rng, table):
    """A query of which each row is one of the table."""
    columns = ["id" if rng.random() < 0.8 else 'id AS "ID"']
    columns += [rng.choice(words) for words in COLUMNS[table].values()]
    rng.shuffle(columns)
    query = f"SELECT {', '.join(columns) if rng.random() < 0.7 else '*'} FROM {table}"
    conditions = rng.sample(["class < 3", "id IS NOT NULL", "class = ANY ('{0,1,2}')", *CONDITIONS[table]],
                            rng.randrange(3))
    if conditions:
        query += " WHERE " + " AND ".join(conditions)
    if rng.random() < 0.3:
        query += f" ORDER BY {rng.choice(['id', next(iter(COLUMNS[table])), 'class DESC, id'])}"
    if rng.random() < 0.2:
        query = f"SELECT * FROM ({query}) AS inner_rows"
    return query + rng.choice(["", "", ";", " -- a comment", " "])


def other_shape(rng, table):
    """A query whose rows depend on others, or come from elsewhere."""
    names = list(COLUMNS[table])
    rows = f"SELECT id, {', '.join(names)} FROM {table}"
    first, last = names[0], names[-1]
    nulls = ", ".join(["NULL"] * (len(names) - 1))
    return rng.choice([
        rows + f" LIMIT {rng.randrange(1, 9)}",
        rows + " ORDER BY id OFFSET 2",
        rows.replace("SELECT", "SELECT DISTINCT"),
        rows.replace("SELECT", "SELECT DISTINCT ON (class)"),
        f"{rows} UNION {rows} WHERE class = 1",
        f"{rows} EXCEPT {rows} WHERE class = 1",
        f"{rows} UNION ALL SELECT id, 'x', {nulls} FROM aliases",
        rows + f" WHERE class = (SELECT max(class) FROM {table})",
        rows + f" WHERE EXISTS (SELECT FROM aliases AS a WHERE a.class = {table}.class)",
        rows + f" WHERE class IN (SELECT class FROM {table} WHERE {first} = 't')",
        rows + " FOR UPDATE",
        rows.replace(f"FROM {table}", f"FROM all_{table}"),
        rows.replace("SELECT id", "SELECT other AS id"),
        rows.replace("SELECT id", "SELECT id::text || 'x' AS id"),
        rows.replace("SELECT id", f"SELECT row_number() OVER (ORDER BY {first}) AS id"),
        rows.replace(last, f"(SELECT min(class)::text FROM aliases) AS {last}"),
        rows.replace(last, f"string_agg({last}, ',') OVER (PARTITION BY class) AS {last}"),
        rows.replace(last, f"unnest(string_to_array({last}, ',')) AS {last}"),
        "SELECT min(id) AS id, " + ", ".join(f"min({name}) AS {name}" for name in names) + f" FROM {table} GROUP BY class",
        f"SELECT u.* FROM {table} AS u JOIN aliases AS a USING (class)",
        f"SELECT u.* FROM {table} AS u LEFT JOIN {table} AS v ON v.class = u.class + 1",
        f"SELECT * FROM {table} TABLESAMPLE SYSTEM (50) REPEATABLE (1)",
        f"WITH r AS MATERIALIZED ({rows}) SELECT * FROM r",
        f"SELECT a.id, 'x' || a.class AS {first}, " + ", ".join(f"'' AS {name}" for name in names[1:])
        + " FROM aliases AS a",
        f"SELECT * FROM (VALUES (1{', NULL' * len(names)})) AS v (id, {', '.join(names)})",
    ])


@pytest.mark.parametrize("name", ["users", "profiles"])
@pytest.mark.parametrize("id_type", ["int", "text"])
def test_rows_read_singly_are_those_of_a_whole_load(shared_box, id_type, name):
    """For random queries: what is proved to be read by row gives the same set and problems."""
    rng = random.Random(id_type + name)
    db = database(shared_box, files=())
    db.query(TABLES.format(id=id_type))
    db.query("INSERT INTO shapes.aliases VALUES ('1', 1), ('2', 2)")
    make_id = (lambda number: number) if id_type == "int" else (lambda number: f"k'{number}\"ü,{{")
    with db.connect() as connection:
        connection.autocommit = True
        table = Table(connection, rng, name, make_id)
        dump = Dump(db)
        by_row = 0
        for _ in range(SHAPES // 2):
            is_by_row = rng.random() < 0.7
            query = row_shape(rng, name) if is_by_row else other_shape(rng, name)
            for _ in range(4):
                table.change()
            answer = dump.ask(f"query {name} {query}")
            if not is_by_row:
                assert answer.startswith(("whole: ", "error: ")), f"{query}: {answer}"
                continue
            assert answer == "by row", f"{query}: {answer}"
            by_row += 1
            for _ in range(3):
                ids = table.change()
                answer = dump.ask("rows " + " ".join(ids))
                assert answer.startswith("same"), f"{query}: {ids}: {answer}"
        dump.close()
    assert by_row > SHAPES // 4


# ---- the daemon ---------------------------------------------------------------------------------


def loads(daemon, since):
    """The loads since that mark: [("users", "1"), ...]; "" for a whole table."""
    return re.findall(r"database loaded tables=(\S+) because=\S+(?: rows=(\d+))? took", daemon.log(since))


def has_problem(daemon, text):
    """Whether status shows a problem of the policy that contains the text."""
    return any(text in one for one in status(daemon)["cache"]["problems"])


def test_a_row_that_changes_is_read_alone_and_its_problems_come_and_go(box):
    db = database(box)
    daemon = follow(box, db)
    assert status(daemon)["database"]["read_whole"] is None
    since = daemon.mark()
    db.query("UPDATE haraka.users SET froms = 'sales@example.com' WHERE username = 'alice'")
    wait_may_not(daemon, "alice", "alice@example.com")
    assert loads(daemon, since) == [("users", "1")]
    db.query("UPDATE haraka.users SET froms = 'no address' WHERE username = 'alice'")
    daemon.wait_log("(alice): froms[1]", since)
    db.query("UPDATE haraka.users SET froms = 'alice@example.com' WHERE username = 'alice'")
    wait_may(daemon, "alice", "alice@example.com")
    assert re.search(r"resolved: .*\(alice\): froms\[1\]", daemon.log(since))
    assert ("users", "") not in loads(daemon, since)
    daemon.ctl("reload")
    assert may(daemon, "alice", "alice@example.com")


def test_a_profile_that_changes_is_read_alone_and_its_users_are_not(box):
    db = database(box)
    db.query("""ALTER TABLE haraka.users DROP CONSTRAINT users_profile;
                ALTER TABLE haraka.profiles DROP CONSTRAINT profiles_limits_syntax;
                INSERT INTO haraka.profiles (id, name, open) VALUES (77, 'new', true);
                UPDATE haraka.users SET "profileId" = 77 WHERE username = 'alice'""")
    daemon = follow(box, db)
    missing = "(alice): there is no profile with id 77"
    since = daemon.mark()
    db.query("UPDATE haraka.profiles SET open = false, host = 'a.example' WHERE id = 77")
    wait_may_not(daemon, "alice", "alice@example.com", "x@b.example")
    assert may(daemon, "alice", "alice@example.com", "x@a.example")
    db.query("UPDATE haraka.profiles SET limits = 'bad' WHERE id = 77")
    daemon.wait_log(missing + " (its row was left out)", since)
    daemon.wait_log("profiles id 77 (new): limits: ", since)
    db.query("UPDATE haraka.profiles SET limits = '' WHERE id = 77")
    wait_may(daemon, "alice", "alice@example.com", "x@a.example")
    assert "resolved: profiles id 77 (new): limits: " in daemon.log(since)
    db.query("DELETE FROM haraka.profiles WHERE id = 77")
    wait_until(lambda: has_problem(daemon, missing), "the user has no profile")
    assert set(loads(daemon, since)) == {("profiles", "1")}


def test_of_two_profiles_with_one_name_the_same_is_in_force_after_each_load(box):
    """The order of the rows in the table, which an UPDATE changes, does not matter."""
    db = database(box)
    db.query("""ALTER TABLE haraka.profiles DROP CONSTRAINT profiles_name_unique;
                DELETE FROM haraka.users; DELETE FROM haraka.profiles;
                INSERT INTO haraka.profiles (id, name, open) VALUES (10, 'unknown', false), (9, 'other', true)""")
    daemon = follow(box, db, config={"profile": {"unknown_user": "unknown", "header_from": "envelope"}})
    wait_may_not(daemon, "stranger@example.com", "stranger@example.com", "x@a.example")
    db.query("UPDATE haraka.profiles SET name = 'unknown' WHERE id = 9")
    wait_may(daemon, "stranger@example.com", "stranger@example.com", "x@a.example")
    twin = "profiles id 10 (unknown): another profile has that name; this one is found only by its id"
    assert has_problem(daemon, twin)
    daemon.ctl("reload")
    assert may(daemon, "stranger@example.com", "stranger@example.com", "x@a.example")
    assert has_problem(daemon, twin)


def test_a_view_is_read_whole_and_status_says_why(box):
    db = database(box)
    db.query("""CREATE VIEW haraka.people AS SELECT * FROM haraka.users;
                GRANT SELECT ON haraka.people TO postern""")
    daemon = follow(box, db, users_query="SELECT * FROM people")
    why = "users_query: its id is not the column id of the table users"
    assert status(daemon)["database"]["read_whole"] == why
    since = daemon.mark()
    db.query("UPDATE haraka.users SET froms = 'sales@example.com' WHERE username = 'alice'")
    wait_may_not(daemon, "alice", "alice@example.com")
    assert ("users", "") in loads(daemon, since)
    assert daemon.log().count(why) == 1


def test_an_id_of_another_type_makes_the_whole_table_be_read(box):
    """The triggers stay at a table that gives up its name, and report its rows as those of users."""
    db = database(box)
    db.query("""SET search_path = haraka;
                CREATE TABLE users_text (LIKE users); ALTER TABLE users_text ALTER id TYPE text;
                ALTER TABLE users RENAME TO users_int; ALTER TABLE users_text RENAME TO users;
                INSERT INTO users SELECT * FROM users_int""")
    db.apply("feed.sql")
    db.query("""SET search_path = haraka;
                ALTER TABLE users RENAME TO users_text; ALTER TABLE users_int RENAME TO users""")
    db.apply("feed.sql")
    daemon = follow(box, db)
    since = daemon.mark()
    db.query("""UPDATE haraka.users_text SET id = 'x' WHERE username = 'alice';
                UPDATE haraka.users SET froms = 'sales@example.com' WHERE username = 'alice'""")
    wait_may_not(daemon, "alice", "alice@example.com")
    assert loads(daemon, since) == [("users", "")]
    assert status(daemon)["database"]["loads_failed"] == 0


def test_an_empty_id_is_not_that_of_rows_without_one(box):
    db = database(box)
    db.query("""SET search_path = haraka;
                CREATE TABLE users_text (LIKE users); ALTER TABLE users_text ALTER id TYPE text;
                ALTER TABLE users_text ALTER id DROP NOT NULL; CREATE UNIQUE INDEX ON users_text (id);
                INSERT INTO users_text SELECT * FROM users;
                UPDATE users_text SET id = '' WHERE username = 'alice';
                UPDATE users_text SET id = NULL WHERE username = 'carol';
                DROP TABLE users; ALTER TABLE users_text RENAME TO users; GRANT SELECT ON users TO postern""")
    db.apply("feed.sql")
    daemon = follow(box, db)
    assert status(daemon)["database"]["read_whole"] is None
    db.query("UPDATE haraka.users SET froms = 'sales@example.com' WHERE id = ''")
    wait_may_not(daemon, "alice", "alice@example.com")
    assert may(daemon, "carol", "carol@example.com")


def test_an_index_that_goes_or_comes_changes_how_rows_are_read(box):
    db = database(box)
    daemon = follow(box, db)
    db.query("ALTER TABLE haraka.users DROP CONSTRAINT users_pkey")
    wait_until(lambda: status(daemon)["database"]["read_whole"]
               == "users_query: the column id of users has no unique index", "the table is read whole")
    db.query("CREATE UNIQUE INDEX ON haraka.users (id)")
    wait_until(lambda: status(daemon)["database"]["read_whole"] is None, "single rows are read")
