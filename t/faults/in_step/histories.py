"""
The kinds of action of which histories consist, each with its weight. An action ends with everything as it was, except
for rows and lists, and states at its quiet points what `status` has to report.
"""

import io
import os
import shutil
import signal
import subprocess
import time

from harness.wait import wait_until

from .history import doubt
from .truth import LISTED, LOGINS

ACTIONS = {}  # name -> (weight, function)

# Kinds that Postern is known to fail, with the reason. `make check` leaves them out; --all runs them.
AWAITING = {}
# The same for what is judged all the time: (kind of failure, set-up): the reason. --strict judges these, too.
AWAITING_CHECKS = {}
NEED_ROOT = {"disk_full"}  # changes the owner of a directory


def action(weight=3):
    def register(function):
        ACTIONS[function.__name__] = (weight, function)
        return function
    return register


def rows(setup):
    """The set-ups that read the tables that actions change."""
    return setup.database == "mail"


def feed(setup):
    """The set-ups that use our feed on the tables that actions change, for problems that concern it."""
    return setup.has_feed and rows(setup)


# ---- rows ------------------------------------------------------------------------------------------


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


# ---- whole tables -----------------------------------------------------------------------------------


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
        daemon = _some_daemon(h)
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
    """A table without rows is refused, until it has rows again."""
    one = h.session()
    one.run("CREATE TABLE haraka.kept AS SELECT * FROM users")
    one.run(h.rng.choice(["TRUNCATE users", "DELETE FROM users"]))
    one.commit()
    h.quiet(problem="would become empty", on=rows, followed=False)
    h.sql("INSERT INTO users SELECT * FROM kept", "DROP TABLE kept", h.any_change())


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
        # The others read everything every two seconds; these every 15 minutes, and say how old their rows are.
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


# ---- rights and the feed -------------------------------------------------------------------------------


@action(2)
def rights_revoked(h):
    table = h.rng.choice(["users", "profiles"])
    h.sql(f"REVOKE SELECT ON {table} FROM postern", h.sure_change() if table == "users" else h.profile_change())
    h.quiet(problem="denied|refused|failed", on=rows, followed=False)
    h.sql(f"GRANT SELECT ON {table} TO postern")


@action(2)
def feed_forbidden(h):
    """The feed's functions are closed to the role for a while."""
    name = h.rng.choice(["feed_since(text)", "feed_position()"])
    h.sql(f"REVOKE EXECUTE ON FUNCTION {name} FROM postern", h.sure_change())
    h.quiet(problem="change feed", on=feed, followed=False)
    h.sql(f"GRANT EXECUTE ON FUNCTION {name} TO postern", h.user_change())
    h.quiet()
    h.sql(h.sure_change())


@action(2)
def feed_dropped(h):
    h.sql("DROP FUNCTION feed_since(text)", h.sure_change())
    h.busy(1.2)
    h.sql(h.user_change())
    h.change(h.site.reinstall, "feed.sql again")
    h.quiet()
    h.sql(h.sure_change())


@action(2)
def feed_reinstalled(h):
    h.sql(h.any_change())
    h.change(h.site.reinstall, "feed.sql again")
    h.sql(h.any_change())


@action(2)
def feed_pruned(h):
    early = h.session()
    early.run(h.user_change(LOGINS[3]))
    h.sql(h.user_change(LOGINS[4]),
          h.rng.choice(["SELECT feed_prune('0 s')", "DELETE FROM changes", "SELECT feed_prune('0 s', 1)"]))
    early.commit()
    h.sql(h.rng.choice(["SELECT feed_prune('0 s')", "TRUNCATE changes"]), h.any_change())


# ---- servers ------------------------------------------------------------------------------------------


@action(2)
def primary_crashes(h):
    h.sql(h.any_change())
    h.note("the primary is killed")
    h.site.primary.stop("immediate")
    h.watch(h.rng.choice([0, 1.0]))
    h.site.primary.start()
    h.look()
    h.sql(h.any_change())


@action(1)
def primary_restarts(h):
    h.note("the primary is restarted")
    h.site.primary.stop("fast")
    h.watch(h.rng.choice([0, 1.0]))
    h.site.primary.start()
    h.look()
    h.sql(h.any_change())


@action(1)
def backends_end(h):
    h.sql(h.any_change(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postern'",
          h.any_change())


@action(1)
def primary_paused(h):
    """The server is stopped for a moment, with its connections open."""
    h.sql(h.any_change())
    h.note("the primary is stopped by SIGSTOP")
    h.site.signal(h.site.primary, signal.SIGSTOP)
    try:
        h.watch(h.rng.choice([0.3, 2.0]))
    finally:
        h.site.signal(h.site.primary, signal.SIGCONT)
    h.sql(h.any_change())


@action(2)
def replay_paused(h):
    """The standby falls behind for a while."""
    standby = h.site.standby
    h.note("replay is paused")
    standby.pause_replay()
    h.standby_lags = True
    h.sql(h.any_change(), h.sure_change())
    h.busy(h.rng.choice([0, 1.2]))
    h.sql(h.any_change())
    h.note("replay is resumed")
    standby.resume_replay()
    h.standby_is_back()


@action(1)
def standby_restarts(h):
    h.note("the standby is restarted")
    h.standby_lags = True
    h.site.standby.stop(h.rng.choice(["fast", "immediate"]))
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 1.0]))
    h.site.standby.start()
    h.standby_is_back()


@action(2)
def open_writer(h):
    """A transaction stays open while others commit, which a standby sees as running."""
    one = h.session()
    one.run(h.user_change(LOGINS[0]))
    for login in LOGINS[1:4]:
        h.sql(h.user_change(login))
        h.watch(h.rng.choice([0, 0.8]))
    h.quiet()
    (one.commit if h.rng.random() < 0.6 else one.rollback)()


# ---- other primaries -----------------------------------------------------------------------------------

OLDER = "timeline|older|behind|set back|lags"


def _fail_over(h):
    """The standby is promoted, with or without the last changes. Returns the old primary, which is stopped."""
    site, loses = h.site, h.rng.random() < 0.5
    if loses:
        h.note("the standby stops streaming")
        h.standby_lags = True
        site.standby.query("ALTER SYSTEM SET primary_conninfo = ''")
        site.standby.query("SELECT pg_reload_conf()")
        wait_until(lambda: not site.primary.value("SELECT count(*) FROM pg_stat_replication WHERE application_name ="
                                                  " 'walreceiver'"), "nothing streams")
    h.sql(h.any_change(), h.sure_change())
    h.watch(h.rng.choice([0, 0.3]))
    h.note("the primary is killed, and the standby promoted" + (" without the last changes" if loses else ""))
    old, since = site.primary, time.time()
    old.stop("immediate")
    site.show_down(old)
    site.promote()
    h.standby_lags = True
    h.look(since)
    return old


def _new_standby(h):
    h.note("the old primary becomes a standby")
    h.site.rebuild_standby()
    h.standby_is_back()


@action(1)
def promoted(h):
    _fail_over(h)
    h.sql(h.any_change())
    h.quiet()
    _new_standby(h)
    h.sql(h.any_change())


@action(1)
def old_primary_returns(h):
    """The old primary starts again with its old rows, and connections are led to it."""
    old = _fail_over(h)
    h.sql(h.sure_change())
    h.quiet()
    h.note("the old primary starts, and connections to the primary are led to it")
    old.start()
    h.site.show_down(old, False)
    h.site.lead("primary", old)
    h.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postern'")
    h.quiet(problem=OLDER, on=lambda setup: setup.server == "primary", followed=False)
    h.watch(h.rng.choice([0, 1.5]))
    h.site.lead("primary", h.site.primary)
    h.quiet()
    _new_standby(h)


@action(1)
def restored(h):
    """The primary is restored to an earlier point: its rows are older than those in force."""
    site = h.site
    h.note("a copy of the primary is made")
    site.primary.stop("fast")
    copied = site.box.place("copy")
    subprocess.run(["cp", "-a", "--reflink=auto", site.primary.folder, copied], check=True)
    site.primary.start()
    h.look()
    h.sql(h.sure_change(), h.any_change())
    h.quiet()
    h.note("the copy is put back")
    since = time.time()
    h.standby_lags = True
    site.primary.stop("fast")
    shutil.rmtree(site.primary.folder)
    copied.rename(site.primary.folder)
    site.primary.start()
    h.look(since)
    # The other database has not changed since the copy, so that its daemon may report the server, or not.
    h.quiet(problem=OLDER, followed=False, only=[daemon.name for daemon in h.daemons.values()
                                                 if daemon.setup.server != "standby" and rows(daemon.setup)])
    for daemon in h.daemons.values():
        if daemon.setup.server != "standby":
            h.note(f"{daemon.name}: reload --accept-older")
            daemon.postern.ctl("reload", "--accept-older", check=rows(daemon.setup))
    h.quiet(only=[daemon.name for daemon in h.daemons.values() if daemon.setup.server != "standby"])
    h.note("the standby is built again, and its daemon accepts it, too")
    site.rebuild_standby()
    h.standby_is_back()
    for daemon in h.daemons.values():
        if daemon.setup.server == "standby":
            wait_until(lambda one=daemon: doubt(one.control.ask("status"), one.setup), "the standby is behind")
            daemon.postern.ctl("reload", "--accept-older")


# ---- the network -----------------------------------------------------------------------------------------


@action(2)
def cut_off(h):
    """Connections are reset while the rows change."""
    some = h.rng.sample(list(h.daemons), h.rng.randint(1, len(h.daemons)))
    h.note("cut: " + " ".join(some))
    for name in some:
        h.daemons[name].cut("refuse")
    h.sql(h.any_change(), h.any_change())
    h.busy(h.rng.choice([0, 0.5, 1.5]))
    h.note("connections are accepted again")
    for name in some:
        h.daemons[name].cut("resume")
    h.sql(h.any_change())


@action(2)
def gone_silent(h):
    """Connections stay open and carry nothing; afterwards they continue or are lost."""
    thaw = h.rng.random() < 0.5
    some = h.rng.sample(list(h.daemons), h.rng.randint(1, len(h.daemons)))
    h.note("silent: " + " ".join(some))
    for name in some:
        h.daemons[name].cut("stall")
    h.sql(h.any_change(), h.any_change())
    h.busy(h.rng.choice([0.2, 2.5]))
    h.note("the network carries again" + (", also what was held" if thaw else ""))
    for name in some:
        for door in h.daemons[name].doors.values():
            if thaw:
                door.resume(thaw=True)
            else:
                door.move(door.target_port)


@action(1)
def slow_network(h):
    for door in (door for daemon in h.daemons.values() for door in daemon.doors.values()):
        door.slow(0.02)
    h.sql(*(h.any_change() for _ in range(3)))
    h.busy(0.5)
    for door in (door for daemon in h.daemons.values() for door in daemon.doors.values()):
        door.slow(0)


@action(1)
def pooler_restarts(h):
    h.note("PgBouncer is restarted")
    h.site.pooler.stop()
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 0.5]))
    h.site.start_pooler()
    h.sql(h.any_change())


# ---- the daemon ------------------------------------------------------------------------------------------


def _some_daemon(h):
    return h.daemons[h.rng.choice([name for name, daemon in h.daemons.items() if rows(daemon.setup)])]


@action(2)
def daemon_killed(h):
    daemon = _some_daemon(h)
    h.sql(h.any_change())
    h.note(f"kill -9 {daemon.name}")
    daemon.postern.kill()
    h.older.add(daemon.name)
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 0.5]))
    daemon.postern.start()


@action(2)
def daemon_restarts(h):
    daemon = _some_daemon(h)
    h.sql(h.any_change())
    h.note(f"SIGTERM {daemon.name}")
    h.older.add(daemon.name)
    daemon.postern.stop()
    h.sql(h.any_change())
    daemon.postern.start()


@action(2)
def starts_without_database(h):
    """A daemon that is stopped with the latest rows in force begins with them, and says where they come from."""
    daemon = _some_daemon(h)
    h.sql(h.sure_change())
    h.quiet(only=[daemon.name])
    h.note(f"SIGTERM {daemon.name}, and a start without the database")
    daemon.postern.stop()
    daemon.cut("refuse")
    daemon.postern.start()
    h.quiet(problem="store file|not reached", only=[daemon.name])
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 0.5]))
    daemon.cut("resume")


@action(2)
def reloaded(h):
    h.sql(h.any_change())
    for daemon in h.daemons.values():
        h.note(f"reload {daemon.name}")
        if h.rng.random() < 0.5:
            daemon.postern.reload()
        else:
            answer = daemon.postern.ctl("reload", check=False)
            h.note(f"it answers {answer}")
        if h.rng.random() < 0.3:
            h.sql(h.any_change())


@action(2)
def disk_full(h):
    """The store cannot be written for a while; a daemon that ends after that begins with the latest rows."""
    daemon = _some_daemon(h)
    h.note(f"{daemon.name}: no file can be created beside the store")
    folder = daemon.postern.run
    os.chown(folder, 0, 0)
    try:
        h.sql(h.sure_change())
        h.quiet(problem="store file", only=[daemon.name])
        h.sql(h.sure_change())
        h.watch(0.5)
    finally:
        h.note("room again")
        os.chown(folder, *_owner(daemon))
    h.sql(h.sure_change())
    h.tolerated = "store file"
    h.quiet()
    h.tolerated = ""
    h.note(f"SIGTERM {daemon.name}, and a start without the database")
    daemon.postern.stop()
    daemon.cut("refuse")
    daemon.postern.start()
    h.quiet(problem="store file|not reached", only=[daemon.name])
    daemon.cut("resume")


def _owner(daemon):
    made = (daemon.postern.run / "store.json").stat()
    return made.st_uid, made.st_gid


# ---- the list files ------------------------------------------------------------------------------------------


def _source(h):
    return h.rng.choice(["senders", "recipients"])


@action(3)
def list_renamed(h):
    source = _source(h)
    for _ in range(h.rng.randint(1, 3)):
        h.write_list(source, h.some_entries(source))


@action(2)
def list_truncated(h):
    """An editor or a shell that empties the file and writes it."""
    source = _source(h)
    text = h.some_entries(source)

    def write(path):
        with open(path, "w", encoding="utf-8") as file:
            half = len(text) // 2
            for part in (text[:half], text[half:]):
                h.busy(h.rng.choice([0, 0.05, 0.4]))
                file.write(part)
                file.flush()
    h.change_list(source, write, f"{source}: truncated and written in two parts")


@action(2)
def list_with_backup(h):
    """vim: the old file becomes a backup, and a new file is written in its place."""
    source = _source(h)
    text = h.some_entries(source)

    def write(path):
        backup = path.with_name(path.name + "~")
        path.rename(backup)
        h.busy(h.rng.choice([0, 0.1]))
        path.write_text(text, encoding="utf-8")
        backup.unlink()
    h.change_list(source, write, f"{source}: written beside a backup")


@action(1)
def list_linked(h):
    """A symbolic link that is turned to another file, as configuration managers do."""
    source = _source(h)
    path = h.path(source)
    target = path.with_name(f".{path.name}.{len(h.lines)}")
    target.write_text(h.some_entries(source), encoding="utf-8")

    def turn(path):
        link = path.with_name("." + path.name + ".link")
        link.symlink_to(target.name)
        link.rename(path)
    h.change_list(source, turn, f"{source}: a link to another file")
    h.quiet()
    h.write_list(source, h.some_entries(source))
    target.unlink()


@action(1)
def list_touched(h):
    source = _source(h)
    h.change_list(source, lambda path: path.touch(), f"{source}: touched")


@action(1)
def list_removed(h):
    source = _source(h)
    h.change_list(source, lambda path: path.unlink(), f"{source}: removed")
    h.quiet(problem="problem")
    h.write_list(source, h.some_entries(source))


@action(2)
def list_generated(h):
    """A program that opens the file for writing, and writes only after a while."""
    source = _source(h)
    text = h.some_entries(source)

    def write(path):
        with open(path, "w", encoding="utf-8") as file:
            h.busy(h.rng.choice([1.0, 3.0, 11.5]))
            file.write(text)
    h.change_list(source, write, f"{source}: generated into place")


@action(1)
def list_emptied(h):
    """A long list that becomes a file without a byte is held back until it has text or a reload confirms it."""
    source = _source(h)
    h.quiet()
    h.change_list(source, lambda path: path.write_text(""), f"{source}: emptied")
    h.quiet(problem="list", followed=False)
    if h.rng.random() < 0.5:
        for daemon in h.daemons.values():
            daemon.postern.ctl("reload", check=False)
        h.note("reload of all daemons")
        h.quiet()
    h.write_list(source, h.some_entries(source))


@action(2)
def list_appended(h):
    """A program that keeps a list open and appends to it."""
    source = _source(h)
    with open(h.path(source), "a", encoding="utf-8") as file:
        for entry in h.rng.sample(LISTED[source], 3):
            def append(_path, text=entry):
                file.write(text + "\n")
                file.flush()
            h.change_list(source, append, f"{source}: {entry} is appended, and the file stays open")
            if h.rng.random() < 0.6:
                h.quiet()


def sample(rng, kinds, count):
    """`count` names of actions, by weight."""
    names = sorted(kinds)
    return rng.choices(names, [ACTIONS[name][0] for name in names], k=count)

