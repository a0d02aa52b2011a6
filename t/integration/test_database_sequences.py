"""After any sequence of changes, the policy that followed them row by row is the one that a load makes of all rows.

A reload reads everything and says in the log whether the rows are those in force. Set POSTERN_SEQUENCES_SECONDS to go on
for that time with further seeds, which a failure shows.
"""

import os
import random
import time

import psycopg2
import pytest

from harness.tables import database, follow, status, wait_may

SECONDS = float(os.environ.get("POSTERN_SEQUENCES_SECONDS", "0"))
IDS = 12
SENTINEL = 1000
# Rows that the schema forbids are those that another schema may have.
LOOSEN = """
SET search_path = haraka;
ALTER TABLE users DROP CONSTRAINT users_profile, DROP CONSTRAINT users_username_given,
    DROP CONSTRAINT users_username_not_token;
DROP INDEX users_username_unique;
ALTER TABLE profiles DROP CONSTRAINT profiles_name_unique, DROP CONSTRAINT profiles_name_given,
    DROP CONSTRAINT profiles_limits_syntax, DROP CONSTRAINT profiles_maxsize_bytes;
"""
VALUES = {
    "users": {"username": ["bob", "BOB", "alice", "carol", "token:x", "dave", "", "eve@example.com"],
              "password": ["$6$a$b", "!", "", "bad hash", None],
              "froms": ["", "a@example.com", "a@example.com,@example.org", "not an address", "@bücher.example", None],
              '"profileId"': [1, 2, 3, 99, None], "enabled": [True, False]},
    "profiles": {"name": ["sales", "staff", "support"], "open": [True, False],
                 "limits": ["1/1h", "x/1h", ""], "maxsize": [0, 1000, -1],
                 "host": ["a.example", ".b.example,no host!", "", None],
                 "rcpt": ["bob@c.example", "no address at all", None],
                 "rcpt_re": ["a,b),c$", "^(ab{1,200}c){1,20}$", "(", None]},
}


class Sequence:
    """Random transactions, some of which stay open for a while."""

    def __init__(self, db, rng):
        self.db = db
        self.rng = rng
        self.open = []

    def _row(self, table):
        return {column: self.rng.choice(values) for column, values in VALUES[table].items()}

    def _change(self, cursor):
        table = self.rng.choice(["users", "users", "profiles"])
        one, other = (self.rng.randrange(IDS) for _ in range(2))
        row = self._row(table)
        columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
        kind = self.rng.choice(["insert", "insert", "update", "update", "delete", "move", "all", "truncate"])
        if kind == "insert":
            cursor.execute(f"INSERT INTO {table} (id, {columns}) VALUES (%s, {places}) ON CONFLICT DO NOTHING",
                           (one, *row.values()))
        elif kind == "update":
            cursor.execute(f"UPDATE {table} SET ({columns}) = ({places}) WHERE id = %s", (*row.values(), one))
        elif kind == "delete":
            cursor.execute(f"DELETE FROM {table} WHERE id = %s", (one,))
        elif kind == "move":
            cursor.execute(f"UPDATE {table} SET id = %s WHERE id = %s AND NOT EXISTS "
                           f"(SELECT FROM {table} WHERE id = %s)", (other, one, other))
        elif kind == "all":  # more rows than the feed records one by one
            column = self.rng.choice(list(row))
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id < %s", (row[column], IDS))
        elif self.rng.random() < 0.2:
            cursor.execute(f"TRUNCATE {table}")

    def _begin(self):
        connection = self.db.connect()
        connection.autocommit = False
        cursor = connection.cursor()
        cursor.execute("SET search_path = haraka; SET lock_timeout = '50ms'")
        connection.commit()
        return connection, cursor

    def _transaction(self):
        """One that waits for another's lock is rolled back."""
        connection, cursor = self._begin()
        try:
            for _ in range(self.rng.randrange(1, 5)):
                if self.rng.random() < 0.2:
                    cursor.execute("SAVEPOINT s")
                    self._change(cursor)
                    cursor.execute("ROLLBACK TO s")
                self._change(cursor)
        except (psycopg2.errors.LockNotAvailable, psycopg2.errors.DeadlockDetected, psycopg2.errors.UniqueViolation):
            connection.rollback()
        self.open.append(connection)

    def _end_one(self):
        connection = self.open.pop(self.rng.randrange(len(self.open)))
        (connection.commit if self.rng.random() < 0.9 else connection.rollback)()
        connection.close()

    def _swap(self):
        """Another table with the same rows, or with some of them, takes the place of the old one."""
        while self.open:
            self._end_one()
        table = self.rng.choice(["users", "profiles"])
        self.db.query(f"""SET search_path = haraka; DROP TABLE IF EXISTS old_{table};
            CREATE TABLE new_{table} (LIKE {table} INCLUDING ALL);
            INSERT INTO new_{table} SELECT * FROM {table} WHERE id % 5 <> {self.rng.randrange(8)};
            ALTER TABLE {table} RENAME TO old_{table}; ALTER TABLE new_{table} RENAME TO {table};
            GRANT SELECT ON {table} TO postern""")
        self.db.apply("feed.sql", max_rows=6)

    def step(self):
        kind = self.rng.random()
        if kind < 0.02:
            self._swap()
        elif kind < 0.1:  # a notification that no change causes, or another one
            self.db.query("NOTIFY haraka, 'postern'")
        elif kind < 0.55 and self.open:
            self._end_one()
        elif len(self.open) < 4:
            self._transaction()

    def end(self, number):
        """End all transactions; the last one changes what the sentinel may do."""
        while self.open:
            self._end_one()
        self.db.query(f"""SET search_path = haraka; BEGIN;
            INSERT INTO profiles (id, name, open) VALUES ({SENTINEL}, 'sentinel', true) ON CONFLICT DO NOTHING;
            INSERT INTO users (id, username, froms, "profileId") VALUES ({SENTINEL}, 'sentinel', 's{number}@example.com',
                {SENTINEL}) ON CONFLICT (id) DO UPDATE SET froms = excluded.froms;
            COMMIT""")


def problems(daemon):
    cache = status(daemon)["cache"]
    return sorted(cache["problems"]), sorted(cache["notes"])


def check(daemon, number):
    wait_may(daemon, "sentinel", f"s{number}@example.com")
    before = problems(daemon)
    since = daemon.mark()
    daemon.ctl("reload")
    loaded = [line for line in daemon.log(since).splitlines() if "database loaded" in line and "because=reload" in line]
    assert loaded and all("unchanged=yes" in line for line in loaded), loaded
    assert problems(daemon) == before


@pytest.mark.parametrize("hears", [True, False], ids=["notified", "polls"])
def test_rows_that_were_followed_are_those_of_a_load(box, hears):
    """Also where no notification arrives, or more than there are changes, and after a restart or kill -9."""
    db = database(box, files=("schema.sql",))
    db.query(LOOSEN)
    db.apply("feed.sql", max_rows=6)
    db.apply("role.sql")
    until, seed = time.monotonic() + SECONDS, 0
    daemon = follow(box, db, refuse_empty="no", **({} if hears else {"channel": "another"}))
    while seed == 0 or time.monotonic() < until:
        seed += 1
        rng = random.Random(f"{seed} {hears}")
        sequence = Sequence(db, rng)
        print(f"seed {seed} {hears}")
        for number in range(4):
            for _ in range(rng.randrange(10, 60)):
                sequence.step()
            if rng.random() < 0.3:
                (daemon.kill if rng.random() < 0.5 else daemon.stop)()
                daemon.start()
            sequence.end(f"{seed}-{number}")
            check(daemon, f"{seed}-{number}")
