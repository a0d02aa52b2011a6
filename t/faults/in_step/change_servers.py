"""Kinds of action: PostgreSQL's servers crash, stop, lag, are promoted, restored and return."""

import os
import re
import shutil
import signal
import time

import psycopg2

from harness.wait import wait_until

from .history import doubt
from .kinds import action, rows
from .truth import LOGINS


def restart_primary(h, mode, note):
    h.note(note)
    h.site.stop_server(h.site.primary, mode)
    h.watch(h.rng.choice([0, 1.0]))
    h.site.start_server(h.site.primary)
    h.look()
    h.sql(h.any_change())


@action(2)
def primary_crashes(h):
    h.sql(h.any_change())
    restart_primary(h, "immediate", "the primary is killed")


@action(1)
def primary_restarts(h):
    restart_primary(h, "fast", "the primary is restarted")


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
def process_killed(h):
    """kill -9 of one of its processes, after which the server ends all others and recovers by itself."""
    victim = h.rng.choice(["checkpointer", "postern"])
    h.sql(h.any_change())
    h.note(f"kill -9 of a process of the primary: {victim}")
    other = h.site.primary.connect()

    def is_lost():
        try:
            other.cursor().execute("SELECT 1")
            return False
        except psycopg2.Error:
            return True

    found = h.site.primary.query("SELECT pid FROM pg_stat_activity WHERE %s IN (backend_type, usename)", (victim,))
    os.kill(found[0][0], signal.SIGKILL)
    wait_until(is_lost, "the primary ends all connections")
    wait_until(h.site.primary.answers, "the primary has recovered")
    h.look()
    h.sql(h.any_change())


@action(2)
def replay_paused(h):
    """A standby falls behind for a while."""
    standby = h.rng.choice(h.site.standbys)
    h.note(f"replay is paused on {standby.process.name}")
    standby.pause_replay()
    h.lagging.add(standby)
    h.sql(h.any_change(), h.sure_change())
    h.busy(h.rng.choice([0, 1.2]))
    h.sql(h.any_change())
    h.note("replay is resumed")
    standby.resume_replay()
    h.standby_is_back(standby)


@action(2)
def standby_restarts(h):
    standby = h.rng.choice(h.site.standbys)
    h.note(f"{standby.process.name} is restarted")
    h.lagging.add(standby)
    h.site.stop_server(standby, h.rng.choice(["fast", "immediate"]))
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 1.0]))
    h.site.start_server(standby)
    h.standby_is_back(standby)


@action(1)
def cascaded(h):
    """The second standby streams from the first one, and both lag."""
    site = h.site
    h.note("the second standby streams from the first one, which stops replaying for a while")
    site.upstream.move(site.standby.port)
    h.standby_is_back(site.second)
    h.sql(h.any_change())
    site.standby.pause_replay()
    h.lagging.add(site.standby)
    h.sql(h.sure_change())
    h.busy(h.rng.choice([0, 1.0]))
    site.standby.resume_replay()
    h.standby_is_back(site.standby)
    h.quiet()
    if h.rng.random() < 0.5:
        h.note("the second standby streams from the primary again")
        site.upstream.move(site.primary.port)
    h.sql(h.any_change())


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


OLDER = "timeline|older|behind|set back|lags"


def _fail_over(h):
    """
    The standby is promoted, with or without the last changes. The second standby then follows the new primary; it has
    to be built again if it has seen changes that the new primary lacks. Returns the old primary, which is stopped.
    """
    site, loses = h.site, h.rng.random() < 0.5
    cascades = site.upstream.target_port == site.standby.port
    is_ahead = loses and not cascades and h.rng.random() < 0.5
    if not is_ahead:
        h.lagging.add(site.second)
    if not is_ahead and not cascades:
        h.note("the second standby stops streaming")
        site.upstream.refuse()
        site.wait_caught_up(site.standby)
    if loses:
        h.note("the standby stops streaming")
        h.lagging.add(site.standby)
        site.standby.query("ALTER SYSTEM SET primary_conninfo = ''")
        site.standby.query("SELECT pg_reload_conf()")
        wait_until(lambda: site.primary.value("SELECT count(*) FROM pg_stat_replication WHERE application_name ="
                                              " 'walreceiver'") == int(is_ahead), "nothing else streams")
    h.sql(h.any_change(), h.sure_change())
    if is_ahead:
        site.wait_caught_up(site.second)
        h.lagging.add(site.second)
    h.watch(h.rng.choice([0, 0.3]))
    h.note("the primary is killed, and the standby promoted" + (" without the last changes" if loses else ""))
    old, since = site.primary, time.time()
    site.stop_server(old, "immediate")
    site.promote()
    h.lagging.add(old)
    h.look(since)
    h.watch(h.rng.choice([0, 1.2]))
    h.note("the second standby follows" + (", which it cannot, so that it is built again" if is_ahead else ""))
    if not cascades:
        site.upstream.move(site.primary.port)
    if is_ahead:
        h.watch(0.3)
        site.rebuild(site.second)
    h.standby_is_back(site.second)
    return old


def _new_standby(h):
    h.note("the old primary becomes a standby")
    h.site.rebuild(h.site.standby)
    h.standby_is_back(h.site.standby)


@action(2)
def promoted(h):
    _fail_over(h)
    h.sql(h.any_change())
    h.quiet()
    _new_standby(h)
    h.sql(h.any_change())


@action(2)
def old_primary_returns(h):
    """The old primary starts again with its old rows, and connections are led to it."""
    old = _fail_over(h)
    h.sql(h.sure_change())
    h.quiet()
    h.note("the old primary starts, and connections to the primary are led to it")
    h.site.start_server(old)
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
    site.stop_server(site.primary, "fast")
    copied = site.box.cluster_place("copy")
    site.primary.copy_to(copied)
    site.start_server(site.primary)
    h.look()
    h.sql(h.sure_change(), h.any_change())
    h.quiet()
    h.note("the copy is put back")
    since = time.time()
    h.lagging.update(site.standbys)
    site.stop_server(site.primary, "fast")
    site.primary.copy_from(copied)
    shutil.rmtree(copied)
    site.start_server(site.primary)
    h.look(since)
    # The other database has not changed since the copy, so that its daemon may report the server, or not.
    of_primary = [daemon for daemon in h.daemons.values() if not daemon.setup.reads_standbys]
    h.quiet(problem=OLDER, followed=False, only=[daemon.name for daemon in of_primary if rows(daemon.setup)])
    _accept_older(h, of_primary)
    h.quiet(only=[daemon.name for daemon in of_primary])
    h.note("the standbys are built again, and their daemons accept the older rows, too")
    site.upstream.move(site.primary.port)
    for server in site.standbys:
        site.rebuild(server)
    for server in site.standbys:
        h.standby_is_back(server)
    since = time.time()
    _accept_older(h, [daemon for daemon in h.daemons.values() if daemon.setup.reads_standbys
                      and wait_until(lambda one=daemon: _judges(one, since), f"{daemon.name} follows") == "older"])


def _judges(daemon, since):
    """What it finds on its server: "older", "current", or "" for nothing so far. Backups have added WAL to it."""
    status = daemon.control.ask("status")
    if re.search(OLDER, doubt(status, daemon.setup)):
        return "older"
    return "current" if (status["cache"]["policy"]["confirmed_at"] or 0) > since else ""


def _accept_older(h, daemons):
    for daemon in daemons:
        h.note(f"{daemon.name}: reload --accept-older")
        daemon.postern.ctl("reload", "--accept-older", check=rows(daemon.setup))
