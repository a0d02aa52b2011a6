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
CREATE TABLE profiles (id int PRIMARY KEY, name text, open bool, host text, rcpt text, rcpt_re text);
CREATE TABLE users (id {id} PRIMARY KEY, username text, password text, froms text, "profileId" text, enabled text,
    other int UNIQUE, class int);
CREATE TABLE aliases (id {id} PRIMARY KEY, class int);
CREATE VIEW people AS SELECT * FROM users;
CREATE FUNCTION plain(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
"""
COLUMNS = ['username', 'password', 'froms', '"profileId"', 'enabled']
NAMES = ["bob", "BOB", "alice", "carol", "token:x", "", "dave\x01", "eve@example.com"]
FROMS = ["", "a@example.com", "a@example.com,@example.org", "not an address", "@bücher.example", None]


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
    """Random changes of the rows, in transactions of a few statements."""

    def __init__(self, connection, rng, make_id):
        self.cursor = connection.cursor()
        self.rng = rng
        self.make_id = make_id

    def values(self):
        rng = self.rng
        return (f"user{rng.randrange(18)}" if rng.random() < 0.7 else rng.choice(NAMES),
                rng.choice(["$6$a$b", "!", "", "bad hash", None]), rng.choice(FROMS),
                rng.choice(["1", "2", "9", None]), rng.choice(["t", "f", "maybe", None]), rng.randrange(4))

    def change(self):
        """Change a few rows. Returns their ids, as the feed reports them."""
        ids = set()
        for _ in range(self.rng.randrange(1, 5)):
            one, other = (self.make_id(self.rng.randrange(IDS)) for _ in range(2))
            kind = self.rng.choice(["insert", "insert", "update", "update", "delete", "move"])
            ids.add(one)
            if kind == "delete":
                self.cursor.execute("DELETE FROM shapes.users WHERE id = %s", (one,))
            elif kind == "update":
                self.cursor.execute('UPDATE shapes.users SET (username, password, froms, "profileId", enabled, class) '
                                    "= (%s, %s, %s, %s, %s, %s) WHERE id = %s", (*self.values(), one))
            elif kind == "insert":
                self.cursor.execute('INSERT INTO shapes.users (id, username, password, froms, "profileId", enabled, '
                                    "class) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                                    (one, *self.values()))
            else:
                ids.add(other)
                self.cursor.execute("UPDATE shapes.users SET id = %s WHERE id = %s AND NOT EXISTS "
                                    "(SELECT FROM shapes.users WHERE id = %s)", (other, one, other))
        return sorted(map(str, ids))


def row_shape(rng):
    """A query of which each row is one of the table."""
    words = {"username": ["username", "lower(username) AS username", "shapes.plain(username) AS username"],
             "froms": ["froms", "coalesce(froms, 'x@example.com') AS froms", "froms || ',y@example.com' AS froms",
                       "string_to_array(froms, ',') AS froms"],
             "enabled": ["enabled", "(class > 1) AS enabled"],
             "password": ["password", "NULL AS password"]}
    columns = ["id" if rng.random() < 0.8 else 'id AS "ID"']
    columns += [rng.choice(words.get(column, [column])) for column in COLUMNS]
    rng.shuffle(columns)
    query = f"SELECT {', '.join(columns) if rng.random() < 0.7 else '*'} FROM users"
    conditions = rng.sample(["class < 3", "username <> 'bob'", "froms IS NOT NULL", "coalesce(enabled, 't') <> 'f'",
                             "username LIKE 'user%'", "id IS NOT NULL", "class = ANY ('{0,1,2}')",
                             "username = lower(username)"], rng.randrange(3))
    if conditions:
        query += " WHERE " + " AND ".join(conditions)
    if rng.random() < 0.3:
        query += f" ORDER BY {rng.choice(['id', 'username', 'class DESC, id'])}"
    if rng.random() < 0.2:
        query = f"SELECT * FROM ({query}) AS inner_rows"
    return query + rng.choice(["", "", ";", " -- a comment", " "])


def other_shape(rng):
    """A query whose rows depend on others, or come from elsewhere."""
    rows = 'SELECT id, username, password, froms, "profileId", enabled FROM users'
    return rng.choice([
        rows + f" LIMIT {rng.randrange(1, 9)}",
        rows + " ORDER BY id OFFSET 2",
        rows.replace("SELECT", "SELECT DISTINCT"),
        rows.replace("SELECT", "SELECT DISTINCT ON (class)"),
        f"{rows} UNION {rows} WHERE class = 1",
        f"{rows} EXCEPT {rows} WHERE class = 1",
        f"{rows} UNION ALL SELECT id, 'x', NULL, NULL, NULL, NULL FROM aliases",
        rows + " WHERE class = (SELECT max(class) FROM users)",
        rows + " WHERE EXISTS (SELECT FROM aliases AS a WHERE a.class = users.class)",
        rows + " WHERE class IN (SELECT class FROM users WHERE enabled = 't')",
        rows + " FOR UPDATE",
        rows.replace("users", "people"),
        rows.replace("SELECT id", "SELECT other AS id"),
        rows.replace("SELECT id", "SELECT id::text || 'x' AS id"),
        rows.replace("SELECT id", "SELECT row_number() OVER (ORDER BY username) AS id"),
        rows.replace("password", "(SELECT min(class)::text FROM aliases) AS password"),
        rows.replace("froms", "string_agg(froms, ',') OVER (PARTITION BY class) AS froms"),
        rows.replace("froms", "unnest(string_to_array(froms, ',')) AS froms"),
        'SELECT min(id) AS id, username, \'\' AS password, string_agg(froms, \',\') AS froms, \'1\' AS "profileId" '
        "FROM users GROUP BY username",
        "SELECT u.* FROM users AS u JOIN aliases AS a USING (class)",
        "SELECT u.* FROM users AS u LEFT JOIN users AS v ON v.class = u.class + 1",
        "SELECT * FROM users TABLESAMPLE SYSTEM (50) REPEATABLE (1)",
        f"WITH r AS MATERIALIZED ({rows}) SELECT * FROM r",
        "SELECT a.id, 'x' || a.class AS username, '' AS password, '' AS froms, '1' AS \"profileId\" FROM aliases AS a",
        "SELECT * FROM (VALUES (1, 'a', 'b', 'c', '1')) AS v (id, username, password, froms, \"profileId\")",
    ])


@pytest.mark.parametrize("id_type", ["int", "text"])
def test_rows_read_singly_are_those_of_a_whole_load(shared_box, id_type):
    """For random queries: what is proved to be read by row gives the same set and problems."""
    rng = random.Random(id_type)
    db = database(shared_box, files=())
    db.query(TABLES.format(id=id_type))
    db.query("INSERT INTO shapes.aliases VALUES ('1', 1), ('2', 2)")
    make_id = (lambda number: number) if id_type == "int" else (lambda number: f"k'{number}\"ü,{{")
    with db.connect() as connection:
        connection.autocommit = True
        table = Table(connection, rng, make_id)
        dump = Dump(db)
        by_row = 0
        for _ in range(SHAPES // 2):
            is_by_row = rng.random() < 0.7
            query = row_shape(rng) if is_by_row else other_shape(rng)
            for _ in range(4):
                table.change()
            answer = dump.ask(f"query {query}")
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
