"""After a failover the new primary is followed, and no server with an older state, whatever its WAL."""

import subprocess
import time

import pytest

from harness.kept_store import read_kept
from harness.postern import POSTERNCTL
from harness.tables import database, follow, may, problem_of, status, wait_may, wait_may_not, wait_source, wait_state
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
BOB = ("bob@example.org", "bob@example.org")
CAROL = ("carol", "carol@example.com")
SUSPEND = "UPDATE haraka.users SET enabled = false WHERE username = '{}'"
PRIMARY = "target_session_attrs=primary"


def suspend(server, login):
    server.query(SUSPEND.format(login))


def hosts_of(*servers, options=PRIMARY):
    ports = ",".join(str(server.port) for server in servers)
    names = ",".join(["127.0.0.1"] * len(servers))
    return f"host={names} port={ports} user=postern dbname=mail {options}"


def stop_streaming(standby):
    standby.query("ALTER SYSTEM SET primary_conninfo = ''")
    standby.query("SELECT pg_reload_conf()")
    wait_until(lambda: standby.value("SELECT count(*) FROM pg_stat_wal_receiver") == 0, "nothing streams")


def write_much(server):
    """Let the WAL grow, so that this server has more of it than any other."""
    server.query("CREATE TABLE IF NOT EXISTS filler (t text)")
    server.query("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 500)")


def kept_timeline(daemon):
    """The timeline in the JSON file or its journal."""
    return read_kept(daemon.store_path)["revision"].split()[-1]


def timeline(daemon):
    return status(daemon)["cache"]["policy"]["revision"].split()[-1]


def port_of(daemon):
    return int(status(daemon)["database"]["server"].rsplit(":", 1)[-1])


def status_fails(daemon):
    """Whether the exit status of posternctl status is that of a problem."""
    done = subprocess.run([POSTERNCTL, "-c", daemon.conf, "status"], capture_output=True, check=False)
    return done.returncode == 1


@pytest.fixture(name="pair")
def fixture_pair(box):
    """A primary and a standby that has caught up."""
    primary = database(box)
    standby = box.standby(primary)
    standby.wait_caught_up(primary)
    return primary, standby


def fail_over(old, new):
    """The old primary is killed with more WAL than the new one has, and the standby promoted."""
    stop_streaming(new)
    suspend(old, "carol")  # the lost tail
    write_much(old)
    old.stop("immediate")
    new.promote()


# ---- failovers -----------------------------------------------------------------------------------


def test_a_failover_that_lost_its_tail_is_followed(pair, box):
    old, new = pair
    daemon = follow(box, old, conninfo=hosts_of(old, new))
    assert timeline(daemon) == "1"
    stop_streaming(new)
    suspend(old, "carol")
    write_much(old)
    suspend(old, "alice")
    wait_may_not(daemon, *ALICE, what="the tail is in force")
    old.stop("immediate")
    new.promote()
    wait_may(daemon, *ALICE, what="the new primary is followed, although it has less WAL")
    assert may(daemon, *CAROL)
    wait_state(daemon, "listening")
    assert timeline(daemon) == "2"
    suspend(new, BOB[0])
    wait_may_not(daemon, *BOB)


def test_a_standby_of_the_new_primary_is_followed_before_a_restartpoint(pair, box):
    """Its control file still has the old timeline, and its WAL is less than that in force."""
    old, new = pair
    other = box.standby(old)
    other.wait_caught_up(old)
    daemon = follow(box, old, conninfo=hosts_of(old, other, options=""))
    stop_streaming(other)  # first: it can't follow the other one with more WAL than that one has
    stop_streaming(new)
    write_much(old)
    suspend(old, "alice")
    wait_may_not(daemon, *ALICE, what="the tail is in force")
    old.stop("immediate")
    new.promote()
    other.query(f"ALTER SYSTEM SET primary_conninfo = '{new.conninfo(dbname='postgres')}'")
    other.query("SELECT pg_reload_conf()")
    suspend(new, BOB[0])
    wait_may(daemon, *ALICE, what="the standby of the new primary is followed")
    wait_may_not(daemon, *BOB)
    assert port_of(daemon) == other.port
    assert other.value("SELECT timeline_id FROM pg_control_checkpoint()") == 1
    assert timeline(daemon) == "2"
    assert new.value("SELECT pg_current_wal_lsn() - '0/0'") < 64 << 20  # it is not the WAL that has grown
    assert status(daemon)["problems"] == []


def ways_to_connect(box, old, new):
    """(conninfo, environment): both orders of the hosts, and every way to give a list of hosts."""
    ports = f"{old.port},{new.port}"
    services = box.folder / "services"
    services.write_text(f"[mail]\nhost=127.0.0.1,127.0.0.1\nport={ports}\ndbname=mail\nuser=postern\n")
    return [
        (hosts_of(old, new), {}),
        (hosts_of(new, old), {}),
        (f"postgresql://postern@127.0.0.1:{old.port},127.0.0.1:{new.port}/mail?{PRIMARY}", {}),
        (f"service=mail {PRIMARY}", {"PGSERVICEFILE": services}),
        (f"dbname=mail user=postern {PRIMARY}", {"PGHOST": "127.0.0.1,127.0.0.1", "PGPORT": ports}),
        (f"host=a.example,b.example hostaddr=127.0.0.1,127.0.0.1 port={ports} dbname=mail user=postern", {}),
        (f"hostaddr=127.0.0.1,127.0.0.1 port={ports} dbname=mail user=postern", {}),
    ]


def start_each(box, db, ways):
    """A daemon for each way to connect."""
    daemons = []
    for conninfo, environment in ways:
        daemon = follow(box, db, conninfo=conninfo, start=False)
        daemon.process.env = {**(daemon.process.env or {}), **environment}
        daemon.start()
        daemons.append(daemon)
    for daemon in daemons:
        wait_source(daemon, "database")
    return daemons


def test_an_old_primary_that_returns_is_not_followed(pair, box):
    """The next host is tried in whatever order and form the hosts are given."""
    old, new = pair
    daemons = start_each(box, old, ways_to_connect(box, old, new))
    fail_over(old, new)
    suspend(new, "alice")
    for daemon in daemons:
        wait_may_not(daemon, *ALICE, what="the new primary is followed")
    old.start()
    assert old.value("SELECT pg_current_wal_lsn() - '0/0'") > new.value("SELECT pg_current_wal_lsn() - '0/0'")
    marks = [daemon.mark() for daemon in daemons]
    new.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postern'")
    for number, (daemon, mark) in enumerate(zip(daemons, marks)):
        daemon.wait_log("database lost", mark)
        daemon.wait_log("database connected", mark)
        wait_state(daemon, "listening")
        assert not may(daemon, *ALICE)
        assert port_of(daemon) == new.port
        assert status(daemon)["problems"] == []
        passed_over = [line for line in daemon.log(mark).splitlines() if "behind a failover" in line]
        assert len(passed_over) == (0 if number == 1 else 1), "once, and not if the new primary comes first"
    suspend(new, BOB[0])
    for daemon in daemons:
        wait_may_not(daemon, *BOB, what="the new primary is followed")


def test_an_old_primary_alone_is_waited_at_until_the_new_one_is_back(pair, box):
    old, new = pair
    daemon = follow(box, old, conninfo=hosts_of(old, new))
    fail_over(old, new)
    suspend(new, "alice")
    wait_may_not(daemon, *ALICE, what="the new primary is followed")
    wait_until(lambda: kept_timeline(daemon) == "2", "the file has the new timeline")
    new.stop("fast")
    old.start()
    wait_state(daemon, "behind")
    assert problem_of(daemon, "database", "its timeline is 1, and the rows in force are from timeline 2")
    problem = [one for one in status(daemon)["problems"] if one["section"] == "database"][0]
    assert "reload --accept-older" in problem["remedy"]
    assert status_fails(daemon)
    answer = daemon.ctl("reload", check=False)
    assert not answer["ok"] and "timeline" in answer["error"]
    daemon.kill()
    daemon.start()
    wait_state(daemon, "behind")
    since = status(daemon)["database"]["since_at"]
    suspend(old, BOB[0])
    wait_until(lambda: time.time() > since + 3, "there were polls")
    assert not may(daemon, *ALICE) and may(daemon, *BOB)
    assert daemon.log().count("the rows in force stay") == 2, "once in each run"
    new.start()
    wait_state(daemon, "listening")
    wait_source(daemon, "database")
    assert port_of(daemon) == new.port
    assert status(daemon)["problems"] == []
    assert not may(daemon, *ALICE) and may(daemon, *BOB)


def test_a_timeline_without_a_change_of_rows_is_remembered(pair, box):
    """No row changed during the failover, so that nothing was loaded afterwards."""
    old, new = pair
    daemon = follow(box, new)  # its connection survives the promotion
    write_much(old)
    old.stop("immediate")
    new.promote()
    wait_until(lambda: timeline(daemon) == "2", "the new timeline is in force")
    wait_until(lambda: kept_timeline(daemon) == "2", "the file has the new timeline")


def test_an_address_that_leads_to_the_old_primary_is_looked_up_again(pair, box):
    """One host, like a virtual address: while it leads to the old primary, Postern connects again and again."""
    old, new = pair
    address = box.proxy(old.port)
    daemon = follow(box, old, port=address.port)
    fail_over(old, new)
    address.target_port = new.port
    suspend(new, "alice")
    wait_may_not(daemon, *ALICE, what="the new primary is followed")
    address.target_port = old.port
    old.start()
    new.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postern'")
    wait_state(daemon, "behind")
    address.target_port = new.port  # the connection to the old primary stays open
    suspend(new, BOB[0])
    wait_may_not(daemon, *BOB, what="the address leads to the new primary again")
    assert not may(daemon, *ALICE)


# ---- restored servers --------------------------------------------------------------------------------


def test_a_primary_that_was_set_back_is_followed_once_a_reload_accepts_it(box):
    db = database(box)
    db.stop("fast")
    copy = box.cluster_place("copy")
    db.copy_to(copy)
    db.start()
    daemon = follow(box, db)
    suspend(db, "alice")
    wait_may_not(daemon, *ALICE)
    write_much(db)
    suspend(db, "carol")
    wait_may_not(daemon, *CAROL)
    db.stop("fast")
    wait_state(daemon, "down")
    db.copy_from(copy)
    db.start()
    wait_state(daemon, "behind")
    assert problem_of(daemon, "database", "the server was set back")
    assert status_fails(daemon)
    answer = daemon.ctl("reload", check=False)
    assert not answer["ok"] and "set back" in answer["error"]
    assert not may(daemon, *ALICE)
    daemon.ctl("reload", "--accept-older")
    assert may(daemon, *ALICE) and may(daemon, *CAROL)
    wait_state(daemon, "listening")
    assert status(daemon)["problems"] == []
    suspend(db, BOB[0])
    wait_may_not(daemon, *BOB, what="the restored server is followed")
    daemon.stop()
    daemon.start()  # the file has what was accepted
    wait_state(daemon, "listening")
    wait_source(daemon, "database")
    assert may(daemon, *ALICE)


def test_a_crash_does_not_set_a_primary_back(box):
    """WAL that the daemon has seen but that was not flushed is lost; the rows are not."""
    db = database(box)
    daemon = follow(box, db)
    suspend(db, "carol")
    wait_may_not(daemon, *CAROL)
    open_writer = db.connect(autocommit=False)
    open_writer.cursor().execute("CREATE TABLE open_writer AS SELECT repeat('x', 100) FROM generate_series(1, 20000)")
    before = status(daemon)["cache"]["policy"]["confirmed_at"]
    wait_until(lambda: status(daemon)["cache"]["policy"]["confirmed_at"] > before + 1, "there were polls")
    db.stop("immediate")
    open_writer.close()
    db.start()
    wait_state(daemon, "listening")
    suspend(db, "alice")
    wait_may_not(daemon, *ALICE)
    assert "set back" not in daemon.log()


# ---- what a role may learn ------------------------------------------------------------------------------


def test_feed_timeline_tells_a_role_nothing_but_the_timeline(pair):
    primary, standby = pair
    assert standby.value("SELECT haraka.feed_timeline()", user="postern") == 1
    assert standby.value("SELECT received_tli FROM pg_stat_wal_receiver", user="postern") is None
    assert primary.value("SELECT haraka.feed_timeline()", user="postern") is None
    settings = primary.value("SELECT array_to_string(proconfig, ' ') FROM pg_proc WHERE proname = 'feed_timeline'")
    assert settings == "search_path=pg_catalog, pg_temp"
    assert not primary.value("SELECT has_function_privilege('pg_read_all_data', 'haraka.feed_timeline()', 'EXECUTE')")
