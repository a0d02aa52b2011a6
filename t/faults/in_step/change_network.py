"""Kinds of action: the network and PgBouncer."""

import signal

from .kinds import action


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


@action(2)
def cut_within_load(h):
    """Connections are reset after some octets of an answer."""
    doors = [door for daemon in h.daemons.values() for door in daemon.doors.values()]
    for _ in range(h.rng.randint(1, 3)):
        octets = int(10 ** h.rng.uniform(1, 4))
        h.note(f"each connection is cut after {octets} octets, and all daemons are asked to reload")
        for door in doors:
            door.cut_after(octets)
        h.sql(h.any_change())
        for daemon in h.daemons.values():
            daemon.postern.reload()
        h.watch(h.rng.choice([0.1, 0.6]))
    for door in doors:
        door.cut_after(None)
    h.sql(h.any_change())


@action(1)
def pooler_restarts(h):
    h.note("PgBouncer is restarted")
    if h.rng.random() < 0.5:
        h.site.pooler.stop()
    else:
        h.site.pooler.kill()
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 0.5]))
    h.site.start_pooler()
    h.sql(h.any_change())


@action(1)
def pooler_paused(h):
    h.sql(h.any_change())
    h.note("PgBouncer is stopped by SIGSTOP")
    h.site.pooler.send_signal(signal.SIGSTOP)
    try:
        h.sql(h.any_change())
        h.watch(h.rng.choice([0.3, 1.5]))
    finally:
        h.site.pooler.send_signal(signal.SIGCONT)
    h.sql(h.any_change())


@action(1)
def pooler_cut_off(h):
    """PgBouncer keeps its clients and loses the server."""
    h.note("PgBouncer's connections to the server are reset")
    h.site.pooler_door.refuse()
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 0.8]))
    h.site.pooler_door.resume()
    h.sql(h.any_change())
