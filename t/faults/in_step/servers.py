"""The servers of a run: a primary, two standbys, PgBouncer, proxies, and one daemon for each set-up."""

import dataclasses
import errno
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import psycopg2

from harness import box as boxes
from harness.postern import USER
from harness.postgres import bin_folder
from harness.ports import free_port, is_listening
from harness.tables import QUICK
from harness.wait import wait_until

from .proxy import FaultyProxy
from .truth import COUNTED, Loader, recipient

TABLES = ("SELECT * FROM users", "SELECT * FROM profiles")
QUALIFIED = ("SELECT u.* FROM haraka.users u", "SELECT p.* FROM haraka.profiles p")
# A query that reads a third relation, whose changes cause neither a record in the feed nor a notification.
JOINED = ('SELECT u.id, u.username, u.password, u.froms, u."profileId",'
          " coalesce(NOT c.closed, true) AS enabled FROM users u LEFT JOIN closed c USING (username)",
          "SELECT * FROM profiles")


@dataclasses.dataclass(frozen=True)
class SetUp:
    """One way to run Postern."""

    name: str
    server: str = "primary"  # what it reads: primary, standby, or hosts: all three servers, in an order of its own
    attributes: str = ""  # target_session_attrs
    pool: str = ""  # PgBouncer's mode
    schema: str = "haraka"
    queries: tuple = TABLES
    channel: str = "haraka"
    interval: str = "15m"  # full_reload_interval
    database: str = "mail"
    standing: str = ""  # a regex for problems that this set-up always has

    @property
    def has_feed(self):
        """Whether it can use our change feed at all."""
        return self.schema == "haraka"

    @property
    def reads_standbys(self):
        return self.server == "standby" or self.attributes == "prefer-standby"


SETUPS = (
    SetUp("direct"),
    SetUp("standby", server="standby"),
    SetUp("session", pool="session"),
    SetUp("transaction", pool="transaction",
          standing="changes without a notification|refuses LISTEN|through a pooler"),
    SetUp("joined", queries=JOINED, interval="1s"),
    SetUp("trigger", schema="bare", queries=QUALIFIED, channel="pgprofile", interval="1s"),
    SetUp("silent", schema="bare", queries=QUALIFIED, channel="nobody", interval="1s"),
    SetUp("hosts", server="hosts", attributes="primary"),
    SetUp("replicas", server="hosts", attributes="prefer-standby"),
    SetUp("bytes", database="ascii"),  # without an encoding, so that rows can contain any bytes
)

LOG_SIZE = 4000000  # octets
SETTINGS = {"wal_level": "logical", "max_wal_senders": "10", "max_replication_slots": "10", "wal_keep_size": "256MB",
            "max_connections": "60", "wal_retrieve_retry_interval": "200ms", "deadlock_timeout": "200ms"}
# What pg-profile's documentation describes: a notification for each row, and nothing for TRUNCATE.
PG_PROFILE_TRIGGERS = """
CREATE OR REPLACE FUNCTION haraka.notify_pgprofile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_notify('pgprofile', format('%s-%s', TG_TABLE_NAME, TG_OP));
	RETURN NULL;
END
$$;
CREATE TRIGGER notify_pgprofile AFTER INSERT OR UPDATE OR DELETE ON haraka.users
	FOR EACH ROW EXECUTE FUNCTION haraka.notify_pgprofile();
CREATE TRIGGER notify_pgprofile AFTER INSERT OR UPDATE OR DELETE ON haraka.profiles
	FOR EACH ROW EXECUTE FUNCTION haraka.notify_pgprofile();
"""
EXTRAS = """
CREATE SCHEMA bare;
GRANT USAGE ON SCHEMA bare TO postern;
CREATE TABLE haraka.closed (username text PRIMARY KEY, closed boolean NOT NULL);
GRANT SELECT ON haraka.closed TO postern;
""" + PG_PROFILE_TRIGGERS

POOLER = """
[databases]
session = host=127.0.0.1 port={port} dbname=mail pool_mode=session
transaction = host=127.0.0.1 port={port} dbname=mail pool_mode=transaction
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
server_login_retry = 1
server_check_delay = 0
ignore_startup_parameters = extra_float_digits
"""


class Control:
    """The daemon's control socket, without a process for each question."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = self.input = None

    def ask(self, command, **arguments):
        try:
            if self.socket is None:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.settimeout(30)
                self.socket.connect(self.path)
                self.input = self.socket.makefile("rb")
            self.socket.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            line = self.input.readline()
        except OSError:
            self.close()
            raise
        if not line:
            self.close()
            raise EOFError("the daemon closed the control socket")
        return json.loads(line)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = self.input = None


class Daemon:
    """One set-up with its daemon and the proxies in front of what it connects to."""

    def __init__(self, site, setup):
        self.site, self.setup, self.name = site, setup, setup.name
        self.doors = {}  # the proxies, by what they lead to; those of hosts stay with their servers
        if setup.pool:
            self.doors["pool"] = site.proxy(site.pooler_port)
        elif setup.server == "hosts":
            hosts = [site.primary, site.standby, site.second]
            if setup.reads_standbys:
                hosts.reverse()
            self.doors = {server.process.name: site.proxy(server.port) for server in hosts}
        else:
            self.doors[setup.server] = site.proxy(getattr(site, setup.server).port)
        ports = ",".join(str(door.port) for door in self.doors.values())
        keys = {"host": ",".join(["127.0.0.1"] * len(self.doors)), "port": ports, "user": "postern",
                "dbname": setup.pool or setup.database}
        if setup.attributes:
            keys["target_session_attrs"] = setup.attributes
        self.sent, self.attempted = 0, 0  # messages of the login COUNTED
        site.at_end("disk", self._end_disk)
        self.postern = site.box.postern(start=False, config={
            "database": {**QUICK, "conninfo": " ".join(f"{key}={value}" for key, value in keys.items()),
                         "schema": setup.schema or None, "channel": setup.channel, "users_query": setup.queries[0],
                         "profiles_query": setup.queries[1], "full_reload_interval": setup.interval},
            "lists": {"directory": str(site.lists)},
            "profile": {"unknown_user": "reject"},
            "check": {"exempt": ""},
            "store": {"path": "run/disk/store.json"},
            "limits": {"state": "run/disk/limits.state"},
            "log": {"level": "debug"},
        })
        self.postern.process.name = setup.name
        self.control = Control(self.postern.run / "control")
        self.disk = self.postern.run / "disk"
        self.postern.store_path = self.disk / "store.json"
        self._make_disk()

    def _make_disk(self):
        """The small file system of its store and its ledger, or a directory where nothing can be mounted."""
        self.disk.mkdir()
        if self.site.has_mounts:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", self.disk], check=True)
        if USER:
            shutil.chown(self.disk, USER)

    def _end_disk(self):
        if self.site.has_mounts:
            if os.environ.get("POSTERN_KEEP"):
                shutil.copytree(self.disk, self.postern.run / "disk.kept")
            subprocess.run(["umount", self.disk], check=True)

    def fill_disk(self):
        """Write to the disk until there is no room for one more byte."""
        with open(self.disk / "filler", "ab", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        filler.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free_disk(self):
        (self.disk / "filler").unlink()

    def send(self, count):
        """Send messages of the login COUNTED. Returns how many were accepted, which its ledger counts from then on."""
        accepted = 0
        with self.postern.milter(timeout=30) as milter:
            milter.connect("mail.example.net", "192.0.2.7")
            milter.helo("mail.example.net")
            for _ in range(count):
                self.attempted += 1
                accepted += bool(milter.mail("<>", auth_authen=COUNTED, auth_type="PLAIN")
                                 and milter.rcpt(f"<{recipient(0)}>") and milter.message([("From", " a@example.com")]))
                milter.abort()
        self.sent += accepted
        return accepted

    def counted(self):
        """What the ledger has counted of these messages."""
        return self.postern.ctl("limits", COUNTED)["keys"][0]["windows"][0]["used"]

    def cut(self, how):
        """how: a method of FaultyProxy without arguments."""
        for door in self.doors.values():
            getattr(door, how)()


class Site:
    """All servers of a run, in one sandbox."""

    def __init__(self):
        self.box = boxes.Box()
        self.daemons, self.loaders, self.connections = [], {}, {}
        self.has_mounts = "POSTERN_OWN_MOUNTS" in os.environ
        self.lists = self.box.folder / "lists"
        self.lists.mkdir()
        self.lists.chmod(0o755)

    def start(self, names=None):
        """names: only these set-ups."""
        self.primary = self.box.postgres(settings=SETTINGS)
        for file in ("schema.sql", "feed.sql", "role.sql"):
            self.primary.apply(file)
        self.primary.query(EXTRAS)
        self._make_ascii()
        self.upstream = self.proxy(self.primary.port)  # what the second standby streams through
        self.standby = self.box.standby(self.primary, start=False)
        self.second = self.box.standby(self.primary, start=False)
        for server in (self.standby, self.second):
            self._begin_standby(server)
        self._make_pooler()
        self.daemons = [Daemon(self, setup) for setup in SETUPS if not names or setup.name in names]

    def _make_ascii(self):
        self.primary.query("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        for file in ("schema.sql", "feed.sql", "role.sql"):
            self.primary.apply(file, dbname="ascii")
        self.primary.query(
            "INSERT INTO haraka.profiles (id, name, host) VALUES (1, 'one', 'p0.example');"
            'INSERT INTO haraka.users (username, froms, "profileId")'
            " SELECT format('u%s', to_char(n, 'FM00')), format('v0.u%s@example.com', to_char(n, 'FM00')), 1"
            " FROM generate_series(0, 9) AS n", dbname="ascii")

    def query(self, server, sql, params=None, options=""):
        """As Postgres.query(), on a connection that is kept."""
        connection = self.connections.get((server, options))
        try:
            if connection is not None:
                connection.cursor().execute("SELECT 1")
        except psycopg2.Error:
            connection.close()
            connection = None
        if connection is None:
            connection = self.connections[server, options] = server.connect(options=f"'{options}'")
        cursor = connection.cursor()
        try:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else None
        except psycopg2.Error:
            connection.close()  # with the transaction that it may have begun
            raise

    def wait_caught_up(self, standby):
        """As Postgres.wait_caught_up()."""
        ((there,),) = self.query(self.primary, "SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: self.query(standby, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (there,)) == [(True,)],
                   f"{standby.process.name} has caught up")

    def at_end(self, name, do):
        self.box._stops.append((name, do))  # pylint: disable=protected-access

    def proxy(self, port):
        made = FaultyProxy(port)
        self.at_end("proxy", made.close)
        return made

    @property
    def standbys(self):
        return [self.standby, self.second]

    def _begin_standby(self, server):
        """Start a new copy of the primary."""
        server.configure(**SETTINGS)
        if server is self.second:
            upstream = self.primary.conninfo(dbname="postgres", port=self.upstream.port)
            with open(server.folder / "postgresql.auto.conf", "a", encoding="ascii") as conf:
                conf.write(f"primary_conninfo = '{upstream}'\n")
        self.start_server(server)

    def start_server(self, server):
        server.start()
        self.show_down(server, False)

    def stop_server(self, server, mode):
        """As Postgres.stop(). Connections to its port are refused, as on a machine whose server is down."""
        server.stop(mode)
        self.show_down(server)

    def _make_pooler(self):
        folder = self.box.place("pgbouncer")
        folder.mkdir()
        folder.chmod(0o755)
        self.pooler_door = self.proxy(self.primary.port)
        self.pooler_port = free_port()
        (folder / "users").write_text('"postern" ""\n')
        (folder / "pgbouncer.ini").write_text(
            POOLER.format(port=self.pooler_door.port, listen=self.pooler_port, folder=folder))
        path = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
        self.pooler = self.box.process("pgbouncer", [path, folder / "pgbouncer.ini"], user=self.primary.account,
                                       start=False)
        self.start_pooler()

    def start_pooler(self):
        self.pooler.start(ready=lambda: is_listening(self.pooler_port))

    def reinstall(self, **variables):
        """feed.sql and role.sql again, as the documentation asks for."""
        for attempt in range(5, -1, -1):  # a reader's transaction and its locks may end in a deadlock
            try:
                self.primary.apply("feed.sql", **variables)
                break
            except AssertionError as error:
                if "deadlock detected" not in str(error) or not attempt:
                    raise
        self.primary.apply("role.sql")

    def loader(self, setup):
        """What reads the tables as this set-up does, but from the server itself."""
        server = self.primary
        key = (server.port, setup.database, setup.schema, setup.queries)
        if key not in self.loaders:
            conninfo = server.conninfo(user="postern", dbname=setup.database)
            self.loaders[key] = Loader(conninfo, setup.schema, *setup.queries)
        return self.loaders[key]

    def lead(self, role, server):
        """Lead the connections to the primary or to the standby to this server, like an address that moves."""
        found = [daemon.doors[role] for daemon in self.daemons if role in daemon.doors]
        for door in found + ([self.pooler_door] if role == "primary" else []):
            door.move(server.port)

    def show_down(self, server, is_down=True):
        """The doors that stay with a server refuse connections while it is down, as its own port does."""
        for door in (door for daemon in self.daemons if daemon.setup.server == "hosts"
                     for door in daemon.doors.values() if door.target_port == server.port):
            (door.refuse if is_down else door.resume)()

    def read_by(self, setup):
        """The standbys that a set-up reads now."""
        if not setup.reads_standbys:
            return []
        (ports,) = [{door.target_port for door in daemon.doors.values()} for daemon in self.daemons
                    if daemon.setup is setup]
        return [server for server in self.standbys if server.port in ports]

    def promote(self):
        """The standby becomes the primary, wherever the old one is. The second standby does not yet stream from it."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        self.lead("primary", self.primary)

    def rebuild(self, old):
        """A standby, or a server that was a primary once, becomes a new copy of the primary."""
        if old.process.running:
            self.stop_server(old, "immediate")
        shutil.rmtree(old.folder)
        self.primary.back_up_to(old.folder)
        self._begin_standby(old)
        if old is self.standby:
            self.lead("standby", old)

    def forget_logs(self):
        """Empty the daemons' long logs, which each start of one reads."""
        for daemon in self.daemons:
            process = daemon.postern.process
            if process.log.stat().st_size > LOG_SIZE:
                assert not process.report(), process.report()
                os.truncate(process.log, 0)

    @staticmethod
    def signal(server, number):
        """A signal to a PostgreSQL server with all its processes, each of which has a session of its own."""
        main = server.process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="ascii").split()
        for pid in [main, *map(int, children)]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def close(self):
        for kept in [*self.loaders.values(), *self.connections.values()]:
            kept.close()
        for daemon in self.daemons:
            daemon.control.close()
        self.box.close()


def needed():
    """What is missing on this machine, or None."""
    if bin_folder() is None:
        return "a PostgreSQL server (postgresql)"
    if not shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"):
        return "PgBouncer (pgbouncer)"
    return None
