"""Kinds of action: transactions and statements that change rows."""

import io

from .kinds import action
from .truth import LOGINS


@action(6)
def single_changes(h):
    for _ in range(h.rng.randint(1, 5)):
        h.sql(h.any_change())
        if h.rng.random() < 0.5:
            h.busy(h.rng.random() / 5)


@action(4)
def transaction(h):
    one = h.session()
    for _ in range(h.rng.randint(1, 6)):
        one.run(h.any_change())
    (one.commit if h.rng.random() < 0.8 else one.rollback)()


@action(5)
def out_of_order(h):
    """Transactions that begin early commit late."""
    logins = h.rng.sample(LOGINS, 4)
    sessions = []
    for login in logins:
        session = h.session()
        session.run(h.user_change(login))
        sessions.append(session)
    h.rng.shuffle(sessions)
    for session in sessions:
        if h.rng.random() < 0.3:
            h.watch(h.rng.random() * 1.5)
        (session.commit if h.rng.random() < 0.8 else session.rollback)()


@action(3)
def savepoints(h):
    one = h.session()
    for number in range(h.rng.randint(1, 4)):
        one.run(f"SAVEPOINT s{number}")
        one.run(h.any_change())
        if h.rng.random() < 0.5:
            one.run(f"ROLLBACK TO s{number}")
        one.run(h.any_change())
    one.commit()


@action(2)
def prepared(h):
    """PREPARE TRANSACTION needs a feed without NOTIFY, so that only polls find the change."""
    h.change(lambda: h.site.reinstall(channel=""), "feed.sql without a channel")
    h.tolerated = "without a notification"
    one = h.session()
    one.run("SET LOCAL session_replication_role = replica")  # without pg-profile's trigger, which notifies
    one.run(h.user_change(LOGINS[0]))
    one.run("PREPARE TRANSACTION 'one'")
    one.connection.close()
    h.sql(h.user_change(LOGINS[1]))
    if h.rng.random() < 0.4:
        h.note("the primary is killed, and the prepared transaction stays")
        h.site.stop_server(h.site.primary, "immediate")
        h.site.start_server(h.site.primary)
        h.look()
    h.watch(h.rng.random() * 1.5)
    h.sql(h.user_change(LOGINS[2]))
    h.sql(("COMMIT" if h.rng.random() < 0.8 else "ROLLBACK") + " PREPARED 'one'")
    h.quiet()
    h.change(h.site.reinstall, "feed.sql with its channel")
    h.quiet()
    h.tolerated = ""
    h.sql(h.sure_change())


@action(2)
def copy(h):
    one = h.session()
    names = h.rng.sample(LOGINS, 3)
    one.run("DELETE FROM users WHERE username IN (" + ", ".join(f"'{name}'" for name in names) + ")")
    h.note("COPY users FROM STDIN")
    rows = "".join(f"{login}\tv1.{login}@example.com\t2\n" for login in names)
    one.connection.cursor().copy_expert(
        'COPY haraka.users (username, froms, "profileId") FROM STDIN', io.StringIO(rows))
    one.commit()


@action(2)
def merge(h):
    names = h.rng.sample(LOGINS, 3)
    rows = ", ".join(h.new_row(name) for name in names)
    h.sql(f'MERGE INTO users USING (VALUES {rows}) AS new (name, froms, profile) ON username = new.name'
          ' WHEN MATCHED AND random() < 0.3 THEN DELETE'
          ' WHEN MATCHED THEN UPDATE SET froms = new.froms'
          ' WHEN NOT MATCHED THEN INSERT (username, froms, "profileId") VALUES (new.name, new.froms, new.profile)')


@action(2)
def on_conflict(h):
    names = h.rng.sample(LOGINS, 3)
    rows = ", ".join(h.new_row(name) for name in names)
    h.sql(f'INSERT INTO users (username, froms, "profileId") VALUES {rows}'
          ' ON CONFLICT (lower(username COLLATE "C")) DO UPDATE SET froms = excluded.froms')


@action(2)
def changed_keys(h):
    """Rows that get other ids, and users that move to a profile with another id."""
    h.sql(f"UPDATE users SET id = id + 1000 WHERE username = '{h.rng.choice(LOGINS)}'",
          "UPDATE profiles SET id = 1004 - id WHERE id = 1", "UPDATE profiles SET id = 1 WHERE id = 1003")


@action(2)
def replica_role(h):
    """Ordinary triggers do not fire; ours do."""
    one = h.session()
    one.run("SET session_replication_role = replica")
    one.run(h.any_change())
    one.run(h.sure_change())
    one.commit()


@action(2)
def disabled_triggers(h):
    h.sql("ALTER TABLE users DISABLE TRIGGER ALL", h.sure_change(), h.user_change())
    h.watch(h.rng.random())
    h.sql(h.user_change(), "ALTER TABLE users ENABLE TRIGGER ALL",
          *(f"ALTER TABLE users ENABLE ALWAYS TRIGGER postern_feed_{event}"
            for event in ("insert", "update", "delete", "truncate")))


@action(2)
def many_rows(h):
    """A statement that the feed records as a change of the whole table, among others."""
    h.change(lambda: h.site.reinstall(max_rows=3), "feed.sql with max_rows=3")
    h.sql("UPDATE users SET enabled = true", h.any_change(), 'UPDATE users SET "profileId" = 2 WHERE id % 2 = 0')
    h.quiet()
    h.change(h.site.reinstall, "feed.sql")


@action(2)
def joined_table(h):
    """A relation that only a query of one set-up reads."""
    for _ in range(h.rng.randint(1, 3)):
        login = h.rng.choice(LOGINS[:10])
        h.sql(f"INSERT INTO closed VALUES ('{login}', {h.rng.choice(['true', 'false'])})"
              " ON CONFLICT (username) DO UPDATE SET closed = excluded.closed")
        h.busy(h.rng.random())


@action(1)
def bad_bytes(h):
    """A row whose bytes are not UTF-8, in a database without an encoding: its user is off, and all others follow."""
    def change(statement):
        h.change(lambda: h.site.primary.query(statement, dbname="ascii"), f"in the database ascii: {statement}")
    login, other = h.rng.sample(LOGINS[:10], 2)
    change(f"UPDATE haraka.users SET froms = E'v0.{login}@example.com,\\351' WHERE username = '{login}'")
    change(f"UPDATE haraka.users SET enabled = NOT enabled WHERE username = '{other}'")
    h.quiet(problem="row|problem", on=lambda setup: setup.database == "ascii")
    change(f"UPDATE haraka.users SET enabled = NOT enabled WHERE username = '{other}'")
    h.quiet(problem="row|problem", on=lambda setup: setup.database == "ascii")
    change(f"UPDATE haraka.users SET froms = 'v1.{login}@example.com' WHERE username = '{login}'")
