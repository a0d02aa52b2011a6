"""A reader of the change feed in Python, by the functions of sql/feed.sql."""

import itertools

import psycopg2

EVERYTHING = (None, None)

_numbers = itertools.count(1)


class FeedReader:
    """
    Holds a copy of both tables as of one database snapshot, and a position in the feed. Connects with the
    daemon's role; keys are passed to Postgres.connect().
    """

    def __init__(self, db, user="postern", **keys):
        self.db, self.keys = db, dict(keys, user=user)
        self.position = ""
        self.reason = None  # of the last full load
        self.tables = {}
        self.connection = None
        self.connect()

    def connect(self, db=None):
        """Begin a new session, with another server if one is given; the position stays."""
        if self.connection:
            self.connection.close()
        self.db = db or self.db
        self.connection = self.db.connect(autocommit=False, **self.keys)
        self.connection.set_session(isolation_level="REPEATABLE READ", readonly=True)

    def close(self):
        self.connection.close()

    def _ask(self, sql, params=None):
        cursor = self.connection.cursor()
        cursor.execute(sql, params)
        return cursor.fetchall()

    def look(self):
        """The result of feed_since() as a set of (table, row id). The position stays."""
        rows = self._ask("SELECT tbl, row_id, reason FROM haraka.feed_since(%s)", (self.position,))
        self.connection.rollback()
        self.reason = next((reason for _, _, reason in rows if reason), None)
        named = [(tbl, row_id) for tbl, row_id, _ in rows]
        assert len(named) == len(set(named)), "named twice"
        return set(named)

    def poll(self):
        """
        Ask for changes, fetch the changed rows and advance the position. Returns the changes. Asserts that
        the copy then equals the tables in the same database snapshot.
        """
        rows = self._ask("SELECT tbl, row_id, reason, reached FROM haraka.feed_look(%s)", (self.position,))
        ((self.position,),) = {row[3:] for row in rows}
        self.reason = next((row[2] for row in rows if row[2]), None)
        named = {row[:2] for row in rows if row[0] or row[2]}
        for table in ("users", "profiles"):
            self._fetch(table, [row_id for tbl, row_id in named if tbl in (table, None)])
        for tbl in ("users", "profiles"):
            there = dict(self._ask(f"SELECT id::text, t::text FROM haraka.{tbl} AS t"))
            assert self.tables[tbl] == there, f"{tbl}: a change was missed; {self.position}"
        self.connection.commit()
        return named

    def _fetch(self, tbl, row_ids):
        """Fetch these rows; None among them means the whole table."""
        if None in row_ids:
            self.tables[tbl] = dict(self._ask(f"SELECT id::text, t::text FROM haraka.{tbl} AS t"))
        elif row_ids:
            for row_id in row_ids:
                self.tables[tbl].pop(row_id, None)
            self.tables[tbl].update(self._ask(
                f"SELECT id::text, t::text FROM haraka.{tbl} AS t WHERE id = ANY(%s::bigint[])", (row_ids,)))


class Database:
    """A new database on a server, a copy of "mail" with the tables of sql/, with the methods of Postgres."""

    def __init__(self, server):
        self.server, self.name = server, f"t{next(_numbers)}"
        server.query(f"CREATE DATABASE {self.name} TEMPLATE mail", dbname="postgres")
        server.query(f"GRANT CONNECT ON DATABASE {self.name} TO postern", dbname="postgres")

    def query(self, sql, params=None, **keys):
        return self.server.query(sql, params, dbname=self.name, **keys)

    def value(self, sql, params=None, **keys):
        return self.server.value(sql, params, dbname=self.name, **keys)

    def connect(self, autocommit=True, **keys):
        return self.server.connect(autocommit, dbname=self.name, **keys)

    def conninfo(self, **keys):
        return self.server.conninfo(**{"dbname": self.name, **keys})

    @property
    def port(self):
        return self.server.port

    def apply(self, file, **variables):
        return self.server.apply(file, dbname=self.name, **variables)


def churn(rng, writers):
    """Do one random step of one random writer: a change, a savepoint, a commit or a rollback."""
    writer = rng.choice(writers)
    cursor = writer.cursor()
    action = rng.random()
    try:
        cursor.execute("SET LOCAL lock_timeout = '1ms'")
        if action < 0.2:
            writer.commit()
        elif action < 0.27:
            writer.rollback()
        elif action < 0.4:
            cursor.execute("SAVEPOINT s")
        elif action < 0.45:
            cursor.execute("SAVEPOINT s; DELETE FROM haraka.users WHERE id = %s; ROLLBACK TO s",
                           (rng.randrange(60),))
        elif action < 0.6:
            cursor.execute("DELETE FROM haraka.users WHERE id = %s", (rng.randrange(60),))
        elif action < 0.65:
            cursor.execute("UPDATE haraka.profiles SET maxsize = %s", (rng.randrange(10**6),))
        elif action < 0.95:
            cursor.execute("INSERT INTO haraka.users (id, username) VALUES (%s, %s)"
                           " ON CONFLICT (id) DO UPDATE SET froms = %s",
                           (rng.randrange(60), f"u{rng.random()}", f"f{rng.random()}"))
        else:
            cursor.execute("UPDATE haraka.users SET id = id + 1 WHERE id = %s", (rng.randrange(60),))
    except psycopg2.Error:
        writer.rollback()
