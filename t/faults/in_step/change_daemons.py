"""Kinds of action: the daemon is killed, paused, stopped, reloaded, and its disk is full."""

import signal

from harness.wait import wait_until

from .kinds import action, some_daemon


def _check_counts(h, daemon):
    """The ledger has counted each message that was accepted."""
    counted = daemon.counted()
    h.note(f"{daemon.name} has accepted {daemon.sent} messages and counted {counted}")
    h.require(daemon.sent <= counted <= daemon.attempted, "wrong counts", daemon.name,
              f"{counted} messages are counted, but {daemon.sent} of {daemon.attempted} were accepted")


def _send(h, daemon, at_least=1):
    h.sql(h.counted())
    h.quiet(only=[daemon.name])
    accepted = daemon.send(h.rng.randint(1, 3))
    h.note(f"{daemon.name} accepts {accepted} messages")
    h.require(accepted >= at_least, "not counted", daemon.name, "no message is accepted")


@action(2)
def daemon_killed(h):
    daemon = some_daemon(h)
    _send(h, daemon)
    h.sql(h.any_change())
    h.note(f"kill -9 {daemon.name}")
    daemon.postern.kill()
    h.older.add(daemon.name)
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 0.5]))
    daemon.postern.start()
    _check_counts(h, daemon)


@action(2)
def daemon_restarts(h):
    daemon = some_daemon(h)
    h.sql(h.any_change())
    h.note(f"SIGTERM {daemon.name}")
    h.older.add(daemon.name)
    daemon.postern.stop()
    h.sql(h.any_change())
    daemon.postern.start()


@action(1)
def daemon_paused(h):
    """A virtual machine that is suspended while the rows and lists change."""
    daemon = some_daemon(h)
    h.note(f"{daemon.name} is stopped by SIGSTOP")
    daemon.postern.process.send_signal(signal.SIGSTOP)
    try:
        h.sql(h.any_change(), h.sure_change())
        source = h.some_source()
        h.write_list(source, h.some_entries(source))
        h.watch(h.rng.choice([0.2, 1.5]))
    finally:
        daemon.postern.process.send_signal(signal.SIGCONT)
    h.sql(h.any_change())


def _begins_with_store(h, daemon):
    """A daemon that is stopped with the latest rows in force begins with them, and says where they come from."""
    h.note(f"SIGTERM {daemon.name}, and a start without the database")
    daemon.postern.stop()
    daemon.cut("refuse")
    daemon.postern.start()
    h.quiet(problem="store file|not reached", only=[daemon.name])
    h.sql(h.any_change())
    h.busy(h.rng.choice([0, 0.5]))
    daemon.cut("resume")


@action(2)
def starts_without_database(h):
    daemon = some_daemon(h)
    h.sql(h.sure_change())
    h.quiet(only=[daemon.name])
    _begins_with_store(h, daemon)


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


def _complains(daemon, section):
    return [one["problem"] for one in daemon.control.ask("status")["problems"] if one["section"] == section]


def _ledger_complains(daemon):
    return _complains(daemon, "ledger")


def _store_complains(daemon):
    return _complains(daemon, "store")


@action(2)
def disk_full(h):
    """Neither store nor ledger can be written for a while; then they contain the latest rows and all messages."""
    daemon = some_daemon(h)
    _send(h, daemon)
    h.note(f"the disk of {daemon.name} is full")
    daemon.fill_disk()
    try:
        h.tolerated = "store file"
        for _ in range(40):  # the last block of the store's journal may have room
            h.sql(h.sure_change(), h.row_change())
            h.quiet(only=[daemon.name])
            if _store_complains(daemon):
                break
        h.tolerated = ""
        h.quiet(problem="store file.*No space left", only=[daemon.name])
        h.sql(h.sure_change())
        refused = 0
        for _ in range(20):  # the last block of the journal may have room
            if not refused:
                refused = 20 - daemon.send(20)
        h.note(f"{daemon.name} refuses {refused} messages")
        h.require(refused, "not refused", daemon.name, "400 messages are accepted that its ledger cannot save")
        wait_until(lambda: _ledger_complains(daemon), "the ledger cannot be written")
    finally:
        h.note("room again")
        daemon.free_disk()
    h.sql(h.sure_change())
    h.tolerated = "store file"
    if h.rng.random() < 0.5:
        h.quiet(only=[daemon.name])  # that the store is written is left to the end of the daemon
    else:
        h.quiet()
        h.tolerated = ""
        h.quiet(only=[daemon.name])
        wait_until(lambda: not _ledger_complains(daemon), "the ledger is written")
        _send(h, daemon)
        if h.rng.random() < 0.5:
            h.note(f"kill -9 {daemon.name}")
            daemon.postern.kill()
            h.older.add(daemon.name)
            daemon.postern.start()
            _check_counts(h, daemon)
            h.quiet(only=[daemon.name])
    h.tolerated = ""
    _begins_with_store(h, daemon)
    _check_counts(h, daemon)
