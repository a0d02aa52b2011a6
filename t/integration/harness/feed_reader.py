"""The change feed as a reader sees it: the queries of sql/feed.sql, in Python."""

EVERYTHING = (None, None)


class FeedReader:
    """
    Holds a copy of both tables as one snapshot saw them, and a position in the feed. Connects as the
    daemon's role; keys go to Postgres.connect().
    """

    def __init__(self, db, user="postern", **keys):
        self.db, self.keys = db, dict(keys, user=user)
        self.position = ""
        self.reason = None  # of the last full load
        self.tables = {}
        self.connect()

    def connect(self, db=None):
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
        """What feed_since() says, as a set of (table, row id); the position stays as it is."""
        rows = self._ask("SELECT tbl, row_id, reason FROM haraka.feed_since(%s)", (self.position,))
        self.connection.rollback()
        self.reason = next((reason for _, _, reason in rows if reason), None)
        named = [(tbl, row_id) for tbl, row_id, _ in rows]
        assert len(named) == len(set(named)), "named twice"
        return set(named)

    def poll(self):
        """Look, fetch what was named, and move on; what was named."""
        rows = self._ask("SELECT tbl, row_id, reason FROM haraka.feed_since(%s)", (self.position,))
        named = {(tbl, row_id) for tbl, row_id, _ in rows}
        self.reason = next((reason for _, _, reason in rows if reason), None)
        for tbl, row_id in named:
            for one in [tbl] if tbl else ["users", "profiles"]:
                self._fetch(one, row_id)
        ((self.position,),) = self._ask("SELECT haraka.feed_position()")
        self.connection.commit()
        return named

    def _fetch(self, tbl, row_id):
        if row_id is None:
            self.tables[tbl] = dict(self._ask(f"SELECT id::text, t::text FROM haraka.{tbl} AS t"))
            return
        self.tables[tbl].pop(row_id, None)
        self.tables[tbl].update(self._ask(
            f"SELECT id::text, t::text FROM haraka.{tbl} AS t WHERE id = %s", (row_id,)))

    def right(self):
        """Whether the copy is what the tables hold now."""
        return self.tables == {
            tbl: dict(self.db.query(f"SELECT id::text, t::text FROM haraka.{tbl} AS t"))
            for tbl in ("users", "profiles")}
