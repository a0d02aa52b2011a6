"""Behind PgBouncer, Postern listens where notifications arrive, polls where they do not, and never waits for long."""

import shutil
import socket
import threading

import pytest

from harness.box import need
from harness.doctor import examine
from harness.ports import free_port, is_listening
from harness.tables import database, follow, problem_of, status, wait_may, wait_may_not, wait_state
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")
LOST = "notifications of the database do not arrive through a pooler"

# Each server connection is tested before it is reused. PgBouncer 1.18 takes a notification that arrives meanwhile for
# the end of the test, and from then on gives clients no answers, or those of other requests.
POOLER = """
[databases]
session = host=127.0.0.1 port={port} dbname=mail pool_mode=session
transaction = host=127.0.0.1 port={port} dbname=mail pool_mode=transaction
single = host=127.0.0.1 port={port} dbname=mail pool_mode=transaction pool_size=1
alone = host=127.0.0.1 port={port} dbname=mail pool_mode=session pool_size=1
mail = host=127.0.0.1 port={port} dbname=mail pool_mode=transaction
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
server_login_retry = 1
server_check_delay = 0
server_idle_timeout = 2
"""


@pytest.fixture(name="db", scope="module")
def fixture_db(shared_box):
    return database(shared_box)


@pytest.fixture(name="pooler", scope="module")
def fixture_pooler(shared_box, db):
    """PgBouncer's port."""
    path = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    need(path, "PgBouncer (pgbouncer)")
    folder = shared_box.place("pgbouncer")
    folder.mkdir()
    folder.chmod(0o755)
    port = free_port()
    (folder / "users").write_text('"postern" ""\n')
    (folder / "pgbouncer.ini").write_text(POOLER.format(port=db.port, listen=port, folder=folder))
    shared_box.process("pgbouncer", [path, folder / "pgbouncer.ini"], user=db.account, start=False).start(
        ready=lambda: is_listening(port))
    return port


def follow_pooled(box, db, pooler, pool, **options):
    return follow(box, db, conninfo=db.conninfo(user="postern", port=pooler, dbname=pool), **options)


class LateNotifications:
    """
    A TCP proxy on 127.0.0.1 for a slow server: what the server sends after LISTEN on the channel of the daemon's test
    arrives late, when the daemon has given the notification up and sends UNLISTEN.
    """

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.given_up = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            free = threading.Event()
            free.set()
            threading.Thread(target=self._send, args=(client, server, free), daemon=True).start()
            threading.Thread(target=self._receive, args=(server, client, free), daemon=True).start()

    def _send(self, client, server, free):
        while octets := client.recv(65536):
            if b"UNLISTEN postern_probe" in octets:
                self.given_up.set()
                free.set()
            server.sendall(octets)
        server.shutdown(socket.SHUT_WR)

    def _receive(self, server, client, free):
        while octets := server.recv(65536):
            free.wait()
            client.sendall(octets)
            if octets.startswith(b"C\0\0\0\x0bLISTEN\0") and not self.given_up.is_set():
                free.clear()
        client.close()


def enable(db, enabled):
    db.query("UPDATE haraka.users SET enabled = %s WHERE username = 'alice'", (enabled,))


def test_notifications_arrive_in_session_mode(box, db, pooler):
    daemon = follow_pooled(box, db, pooler, "session", poll_interval="1h")
    wait_state(daemon, "listening")
    enable(db, False)
    wait_may_not(daemon, *ALICE, what="a change is in force by its notification")
    enable(db, True)
    wait_may(daemon, *ALICE, what="the next one, too")
    assert not problem_of(daemon, "database", "pooler")


def test_notifications_are_not_awaited_in_transaction_mode(box, db, pooler):
    """With many notifications, the server connections that listen are of no use to the pooler."""
    daemon = follow_pooled(box, db, pooler, "transaction")
    stop = threading.Event()

    def notify():
        with db.connect() as connection:
            while not stop.wait(0.002):
                connection.cursor().execute("NOTIFY haraka")

    threads = [threading.Thread(target=notify) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        since = daemon.mark()
        read = status(daemon)["cache"]["policy"]["confirmed_at"]
        for enabled in (False, True, False, True, False, True):
            enable(db, enabled)
            wait_may(daemon, *ALICE, may_=enabled, what="a change is in force by a poll")
            wait_until(lambda: status(daemon)["cache"]["policy"]["confirmed_at"] > read, "a poll confirms the rows")
            read = status(daemon)["cache"]["policy"]["confirmed_at"]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert status(daemon)["database"]["state"] == "polling"
    assert problem_of(daemon, "database", LOST)
    assert "session mode" in examine(daemon, "database").the(LOST, "no-effect")["cure"]
    assert daemon.log().count("do not arrive through the pooler") == 1
    assert "database lost" not in daemon.log()[since:]
    assert db.value("SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'LISTEN haraka%%'") == 0


def test_a_pool_whose_connections_are_taken_is_waited_for(box, db, pooler):
    """The wait for a server connection is bounded, so that a change is in force soon after one is free."""
    daemon = follow_pooled(box, db, pooler, "single")
    wait_until(lambda: problem_of(daemon, "database", LOST), "the pool's mode is known")
    holder = db.connect(autocommit=False, port=pooler, user="postern", dbname="single")
    holder.cursor().execute("SELECT 1")
    enable(db, False)
    lost = "database lost: the server does not answer"
    wait_until(lambda: daemon.log().count(lost) >= 2, "each connection that is lost is logged")
    assert status(daemon)["database"]["state"] == "down"
    holder.close()
    wait_may_not(daemon, *ALICE, what="the change is in force")
    enable(db, True)
    wait_may(daemon, *ALICE, what="the next one, too")


def test_a_late_notification_is_one_that_arrives(box, db, pooler):
    late = LateNotifications(pooler)
    try:
        daemon = follow_pooled(box, db, late.port, "session", poll_interval="1h")
        wait_until(late.given_up.is_set, "the daemon has waited for the notification")
        wait_state(daemon, "listening")
        assert "do not arrive" not in daemon.log()
        enable(db, False)
        wait_may_not(daemon, *ALICE, what="a change is in force by its notification")
        daemon.stop()
    finally:
        enable(db, True)
        late.close()


def test_the_first_policy_does_not_wait_for_the_test_of_the_pooler(box, db, pooler):
    """A pool of one connection has none for the test, which waits for connect_timeout."""
    daemon = follow_pooled(box, db, pooler, "alone", connect_timeout="10m")
    wait_may(daemon, *ALICE, what="the rows are in force")
    assert daemon.stop() == 0


def test_another_host_without_a_pooler_is_listened_to(box, db, pooler):
    """What a pooler loses says nothing about the next host of the connection string."""
    proxy = box.proxy(pooler)
    daemon = follow(box, db, conninfo=f"host=127.0.0.1,127.0.0.1 port={proxy.port},{db.port} user=postern dbname=mail")
    wait_until(lambda: problem_of(daemon, "database", LOST), "the pool's mode is known")
    proxy.refuse()
    wait_state(daemon, "listening")
    assert not problem_of(daemon, "database", "pooler")
