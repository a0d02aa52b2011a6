"""Kinds of action: whole tables that are emptied, swapped, altered, partitioned or replicated."""

import time

from harness.wait import wait_until

from .kinds import action, feed, rows, some_daemon
from .truth import LOGINS


@action(4)
def truncate_refill(h):
    """TRUNCATE and new rows in one transaction, which takes a while."""
    one = h.session()
    one.run("CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM users")
    one.run("TRUNCATE users")
    loading = h.rng.choice([None, "reload", "start"])
    if loading == "reload":
        h.note("all daemons are asked to reload")
        for daemon in h.daemons.values():
            daemon.postern.reload()
    elif loading == "start":
        daemon = some_daemon(h)
        h.note(f"{daemon.name} starts without a store")
        daemon.postern.kill()
        daemon.postern.store_path.unlink(missing_ok=True)
        daemon.postern.store_path.with_name("store.json.prev").unlink(missing_ok=True)
        daemon.postern.start(ready=daemon.postern.listens)
    h.watch(h.rng.choice([0, 0.1, 0.6, 1.5]))
    one.run("INSERT INTO users SELECT * FROM kept")
    one.run(h.sure_change())
    one.commit()


@action(3)
def delayed_locks(h):
    """A lock that is held while a change is committed elsewhere: a load waits for it, and finds both."""
    one = h.session()
    one.run("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    h.note(profile := h.profile_change())
    since = time.time()
    h.query(profile)
    h.look(since, users=False)
    h.watch(h.rng.choice([0.2, 1.2]))
    one.run("TRUNCATE users CASCADE")
    one.run("INSERT INTO users (username, froms, \"profileId\") VALUES "
            + ", ".join(h.new_row(login) for login in h.rng.sample(LOGINS, 5)))
    one.commit()


@action(2)
def emptied(h):
    """A table without rows is refused, until it has rows again. A daemon that has not yet read any would take it."""
    h.quiet()
    h.is_empty = True
    one = h.session()
    one.run("CREATE TABLE haraka.kept AS SELECT * FROM users;"
            "CREATE TABLE haraka.kept_profiles AS SELECT * FROM profiles")
    one.run(h.rng.choice(["TRUNCATE users", "DELETE FROM users", "TRUNCATE profiles CASCADE"]))
    one.commit()
    h.quiet(problem="would become empty", on=rows, followed=False)
    h.sql("INSERT INTO profiles SELECT * FROM kept_profiles ON CONFLICT DO NOTHING",
          "INSERT INTO users SELECT * FROM kept", "DROP TABLE kept, kept_profiles", h.any_change())
    h.quiet()
    h.is_empty = False


@action(3)
def swapped(h):
    """Another table gets the name. It has no triggers until feed.sql is run again."""
    h.sql("CREATE TABLE users_new (LIKE users INCLUDING ALL); INSERT INTO users_new SELECT * FROM users;"
          "SELECT setval(pg_get_serial_sequence('users_new', 'id'), max(id)) FROM users",
          f"UPDATE users_new SET enabled = false WHERE username = '{h.rng.choice(LOGINS[:8])}'",
          "GRANT SELECT ON users_new TO postern",
          "BEGIN; ALTER TABLE users RENAME TO users_old; ALTER TABLE users_new RENAME TO users;"
          "ALTER TABLE users ADD CONSTRAINT users_profile2 FOREIGN KEY (\"profileId\") REFERENCES profiles (id)"
          " ON UPDATE CASCADE; COMMIT")
    h.quiet(problem="triggers of the change feed|change feed", on=feed, followed=False)
    h.sql(h.sure_change(), h.user_change())
    h.quiet(problem="triggers of the change feed|change feed", on=feed, followed=False)
    h.change(h.site.reinstall, "feed.sql for the new table")
    h.sql("DROP TABLE users_old; CREATE TRIGGER notify_pgprofile AFTER INSERT OR UPDATE OR DELETE ON haraka.users"
          " FOR EACH ROW EXECUTE FUNCTION haraka.notify_pgprofile()")
    h.quiet()
    h.sql(h.sure_change())


@action(2)
def swapped_back(h):
    """Two tables with triggers of the feed exchange their names."""
    h.sql("BEGIN; CREATE TABLE users_spare (LIKE users INCLUDING ALL); INSERT INTO users_spare SELECT * FROM users;"
          " SELECT setval(pg_get_serial_sequence('users_spare', 'id'), max(id)) FROM users;"
          " ALTER TABLE users RENAME TO users_first; ALTER TABLE users_spare RENAME TO users; COMMIT")
    h.change(h.site.reinstall, "feed.sql for the new table")
    h.quiet()
    h.sql(h.sure_change(), h.user_change())
    h.quiet()
    h.sql("BEGIN; ALTER TABLE users RENAME TO users_spare; ALTER TABLE users_first RENAME TO users; COMMIT")
    if h.rng.random() < 0.5:
        h.sql(h.user_change())
    h.quiet()
    h.sql(h.sure_change(), "DROP TABLE users_spare")


@action(2)
def column_added(h):
    """The column `enabled` as schema.sql adds it, but with another default: no row is written, every user changes."""
    default = h.rng.choice(["true", "false"])
    h.sql("ALTER TABLE users DROP COLUMN enabled")
    if h.rng.random() < 0.5:
        h.watch(1.2)
    h.sql(f"ALTER TABLE users ADD COLUMN enabled boolean NOT NULL DEFAULT {default}")
    h.quiet()
    h.sql("ALTER TABLE users ALTER COLUMN enabled SET DEFAULT true", h.sure_change())


@action(2)
def column_type(h):
    h.sql("ALTER TABLE users ALTER froms TYPE text[] USING string_to_array(froms, ',')")
    h.arrays = True
    h.sql(h.user_change())
    h.quiet()
    h.sql("ALTER TABLE users ALTER froms TYPE text USING array_to_string(froms[1:1], ',')")
    h.arrays = False


@action(2)
def column_renamed(h):
    """A column that is not found: without `enabled`, all users are enabled; without `froms`, nothing is loaded."""
    name = h.rng.choice(["enabled", "froms"])
    h.sql(f"UPDATE users SET enabled = false WHERE username = '{h.rng.choice(LOGINS[:8])}'",
          f"ALTER TABLE users RENAME COLUMN {name} TO renamed")
    if name == "froms":
        h.quiet(problem="froms", on=rows, followed=False)
    elif h.rng.random() < 0.5:
        h.quiet()
    h.sql(f"ALTER TABLE users RENAME COLUMN renamed TO {name}", h.sure_change())


@action(1)
def column_widened(h):
    """A type that needs the table to be written again, and one that does not; neither changes an answer."""
    h.sql("ALTER TABLE users ALTER id TYPE bigint", h.any_change(),
          "ALTER TABLE users ALTER username TYPE varchar(200)", h.any_change(),
          "ALTER TABLE users ALTER id TYPE integer, ALTER username TYPE text",
          # Otherwise PostgreSQL 15 would use the next ids twice if it crashed.
          "SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users", h.any_change())


@action(1)
def rewritten(h):
    h.sql(h.rng.choice(["VACUUM FULL users", "VACUUM FREEZE users", "ANALYZE users", "REINDEX TABLE users"]),
          h.any_change())


@action(2)
def partitions(h):
    """Writes into a partition, where the triggers of the parent do not fire."""
    h.sql("BEGIN; CREATE TABLE users_parts (LIKE users INCLUDING DEFAULTS) PARTITION BY HASH (id);"
          "CREATE TABLE users_p0 PARTITION OF users_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
          "CREATE TABLE users_p1 PARTITION OF users_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
          "INSERT INTO users_parts SELECT * FROM users;"
          "ALTER TABLE users RENAME TO users_plain; ALTER TABLE users_parts RENAME TO users; COMMIT")
    h.change(h.site.reinstall, "feed.sql for the partitioned table")
    h.quiet()
    for part in h.rng.sample(["users_p0", "users_p1"], 2):
        h.sql(f"UPDATE {part} SET enabled = NOT enabled")
        h.watch(h.rng.choice([0, 0.5]))
    h.quiet()
    one = h.session()
    one.run("CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM users_p0")
    one.run("TRUNCATE users_p0")
    h.watch(h.rng.choice([0.1, 1.2]))
    one.run("INSERT INTO users_p0 SELECT * FROM kept")
    one.run(h.sure_change())
    one.commit()
    h.quiet()
    if h.rng.random() < 0.5:
        h.sql("ALTER TABLE users DETACH PARTITION users_p1", "UPDATE users_p1 SET enabled = NOT enabled",
              h.sure_change())
        h.quiet()
        h.sql("ALTER TABLE users ATTACH PARTITION users_p1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
              "UPDATE users_p1 SET enabled = NOT enabled")
        h.quiet()
    h.sql("BEGIN; TRUNCATE users_p0; COMMIT")
    h.sql("BEGIN; ALTER TABLE users RENAME TO users_parts; ALTER TABLE users_plain RENAME TO users;"
          "DROP TABLE users_parts; COMMIT")


@action(2)
def row_security(h):
    login = h.rng.choice(LOGINS[:8])
    h.sql(f"CREATE POLICY chosen ON users FOR SELECT TO postern USING (username <> '{login}')",
          "ALTER TABLE users ENABLE ROW LEVEL SECURITY")
    h.quiet()
    h.sql(f"ALTER POLICY chosen ON users USING (username > '{h.rng.choice(LOGINS[:6])}')")
    h.quiet()
    h.sql("ALTER TABLE users DISABLE ROW LEVEL SECURITY", "DROP POLICY chosen ON users")


@action(1)
def subscribed(h):
    """Logical replication writes without firing statement triggers."""
    db = h.site.primary
    if "pub" not in {name for (name,) in db.query("SELECT datname FROM pg_database")}:
        db.query("CREATE DATABASE pub", dbname="postgres")
        db.query("CREATE SCHEMA haraka; CREATE TABLE haraka.users (id integer PRIMARY KEY, username text, froms text,"
                 ' "profileId" integer); CREATE PUBLICATION news FOR TABLE haraka.users', dbname="pub")
    db.query("SELECT pg_create_logical_replication_slot('news', 'pgoutput')", dbname="pub")
    h.sql("DELETE FROM users WHERE username IN ('u12', 'u13')")
    h.note("CREATE SUBSCRIPTION")
    db.query(f"CREATE SUBSCRIPTION news CONNECTION '{db.conninfo(dbname='pub')}' PUBLICATION news"
             " WITH (create_slot = false, slot_name = 'news', copy_data = false)")
    try:
        for login in ("u12", "u13"):
            h.watch(h.rng.choice([0, 1.2]))

            def arrive(name=login):
                db.query(f"INSERT INTO haraka.users VALUES (9000 + {name[1:]}, '{name}', 'v2.{name}@example.com', 1)",
                         dbname="pub")
                wait_until(lambda: db.value("SELECT count(*) FROM haraka.users WHERE username = %s", (name,)) == 1,
                           "the row is replicated")
            h.change(arrive, f"{login} arrives by the subscription")
        # The others read everything every second; these every 15 minutes, and say how old their rows are.
        h.quiet(problem="last known to be right", on=lambda setup: rows(setup) and setup.interval == "15m",
                followed=False)
    finally:
        h.note("DROP SUBSCRIPTION")
        db.query("ALTER SUBSCRIPTION news DISABLE")
        db.query("ALTER SUBSCRIPTION news SET (slot_name = NONE)")
        db.query("DROP SUBSCRIPTION news")
        db.query("DELETE FROM haraka.users", dbname="pub")
        wait_until(lambda: not db.value("SELECT active FROM pg_replication_slots WHERE slot_name = 'news'"),
                   "the slot is free")
        db.query("SELECT pg_drop_replication_slot('news')", dbname="pub")
