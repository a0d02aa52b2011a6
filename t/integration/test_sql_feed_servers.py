"""sql/feed.sql: every change is found over restarts, crashes and failovers, and on a standby."""

import random

import pytest

from harness.feed_reader import EVERYTHING, FeedReader, churn
from harness.tables import database
from harness.wait import wait_until

# Query 1 of a reader: is the server a standby, and how far does its WAL reach?
WAL = """SELECT pg_is_in_recovery(),
    (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
          ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint,
    (SELECT system_identifier FROM pg_control_system())"""


@pytest.fixture
def own(box):
    """A server that this test may crash."""
    return database(box)


def test_a_reconnect_costs_only_a_poll(own):
    reader = FeedReader(own)
    reader.poll()
    own.query("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 1")
    reader.connect()
    assert reader.poll() == {("profiles", "1")}
    reader.close()
    own.restart("fast")  # also after a clean stop
    own.query("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 2")
    reader.connect()
    assert reader.poll() == {("profiles", "2")}
    reader.close()


def test_after_a_crash_everything_is_read_once(own):
    reader = FeedReader(own)
    reader.poll()
    own.restart("immediate")
    reader.connect()
    assert reader.poll() == {EVERYTHING} and reader.reason == "server restarted"
    own.query("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 1")
    assert reader.poll() == {("profiles", "1")}
    reader.connect()
    assert reader.poll() == set()
    reader.close()


def test_reused_transaction_ids_are_noticed(box):
    own = database(box, settings={"wal_writer_delay": "10s"})
    reader = FeedReader(own)
    writer = own.connect()
    cursor = writer.cursor()
    cursor.execute("SET synchronous_commit = off")  # so that no WAL on disk records the ids
    for _ in range(20):
        cursor.execute("UPDATE haraka.profiles SET maxsize = maxsize + 1 WHERE id = 2")
    reader.poll()
    seen = own.value("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    own.stop("immediate")
    writer.close()
    own.start()
    given = own.value("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 1"
                      " RETURNING pg_current_xact_id()::text::bigint")
    print(f"the reader saw ids below {seen}, {given} was given out after the crash")
    reader.connect()
    assert reader.poll() == {EVERYTHING}  # and the copy is right
    reader.close()


def test_a_server_restored_from_an_older_copy_is_noticed(own, box):
    own.stop("fast")
    copy = box.cluster_place("copy")
    own.copy_to(copy)
    own.start()
    reader = FeedReader(own)
    own.query("UPDATE haraka.profiles SET maxsize = 1")
    reader.poll()
    reader.close()
    own.stop("fast")
    own.copy_from(copy)
    own.start()
    reader.connect()
    assert reader.poll() == {EVERYTHING} and reader.reason == "set back"
    reader.close()


def test_a_reader_of_a_standby_sees_each_change_once_beside_an_open_transaction(own, box):
    """A standby does not list the late transaction as running, so that its reader must remember what it applied."""
    standby = box.standby(own)
    standby.wait_caught_up(own)
    reader = FeedReader(standby)
    assert reader.poll() == {EVERYTHING}
    late = own.connect(autocommit=False)
    late.cursor().execute("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 1")
    for number in (2, 3):
        own.query("UPDATE haraka.profiles SET maxsize = 2 WHERE id = %s", (number,))
        standby.wait_caught_up(own)
        assert reader.poll() == {("profiles", str(number))}
        assert reader.poll() == set()
    own.query("UPDATE haraka.users SET froms = '' WHERE username = 'alice'")
    late.commit()
    late.close()
    standby.wait_caught_up(own)
    assert ("profiles", "1") in reader.poll()
    assert reader.poll() == set()
    reader.connect()
    assert reader.poll() == set()  # a reconnect to the same standby
    reader.close()


@pytest.mark.parametrize("seed", range(2))
def test_no_change_is_missed_on_a_standby_under_random_transactions(own, box, seed):
    standby = box.standby(own)
    reader = FeedReader(standby)
    reader.poll()
    rng = random.Random(seed)
    writers = [own.connect(autocommit=False) for _ in range(6)]
    for _ in range(600):
        churn(rng, writers)
        if rng.random() < 0.1:
            standby.wait_caught_up(own)
        if rng.random() < 0.2:
            reader.poll()  # compares the copy with the tables
            assert reader.reason is None
    for writer in writers:
        writer.close()
    reader.close()


def test_a_failover_is_noticed_and_a_session_survives_a_promotion(own, box):
    standby = box.standby(own)
    standby.wait_caught_up(own)
    away, staying = FeedReader(own), FeedReader(standby)
    away.poll()
    staying.poll()
    standby.pause_replay()
    own.query("UPDATE haraka.profiles SET maxsize = 1 WHERE id = 1")
    away.poll()
    wal = own.query(WAL)[0]
    assert not wal[0]
    behind = standby.query(WAL)[0]
    assert behind[0] and behind[2] == wal[2] and behind[1] + 40 < wal[1]  # a reader waits
    standby.resume_replay()
    wait_until(lambda: standby.query(WAL)[0][1] + 40 >= wal[1], "the standby has caught up")
    away.connect(standby)
    assert away.poll() == {EVERYTHING} and away.reason == "server restarted"
    own.stop("immediate")
    standby.promote()
    standby.query("UPDATE haraka.profiles SET maxsize = 2 WHERE id = 2")
    assert staying.poll() == {("profiles", "1"), ("profiles", "2")}
    assert away.poll() == {("profiles", "2")}
    away.connect()
    assert away.poll() == set()
    away.close()
    staying.close()


def test_an_idle_standby_does_not_stay_behind(own, box):
    """If a record ends at the end of a WAL page, the insert position is already past the next page's header."""
    standby = box.standby(own)
    for _ in range(3):
        own.query("SELECT pg_switch_wal()")
        wal = own.query(WAL)[0]
        wait_until(lambda: standby.query(WAL)[0][1] + 40 >= wal[1], "the standby is not behind")
        own.query("CREATE TABLE IF NOT EXISTS t (n int); INSERT INTO t VALUES (1)")
