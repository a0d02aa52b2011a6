"""The servers of a run: a primary, its streaming standby, PgBouncer, proxies, and one daemon for each set-up."""

import dataclasses
import json
import os
import shutil
import socket
from pathlib import Path

from harness import box as boxes
from harness.postgres import bin_folder
from harness.ports import free_port, is_listening
from harness.tables import QUICK

from .proxy import FaultyProxy
from .truth import Loader

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
    server: str = "primary"  # what it reads: primary, standby, or both (several hosts)
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
    def is_plain(self):
        """Whether it reads everything every two seconds."""
        return self.interval == "2s"


SETUPS = (
    SetUp("direct"),
    SetUp("standby", server="standby"),
    SetUp("session", pool="session"),
    SetUp("transaction", pool="transaction",
          standing="changes without a notification|refuses LISTEN|through a pooler"),
    SetUp("joined", queries=JOINED, interval="2s"),
    SetUp("trigger", schema="bare", queries=QUALIFIED, channel="pgprofile", interval="2s"),
    SetUp("silent", schema="bare", queries=QUALIFIED, channel="nobody", interval="2s"),
    SetUp("pair", server="both"),
    SetUp("bytes", database="ascii"),  # without an encoding, so that rows can contain any bytes
)

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
        self.doors = {}  # the proxies, by what they lead to; those of "both" stay with their servers
        if setup.pool:
            self.doors["pool"] = site.proxy(site.pooler_port)
        elif setup.server == "both":
            self.doors = {"first": site.proxy(site.primary.port), "second": site.proxy(site.standby.port)}
        else:
            self.doors[setup.server] = site.proxy(getattr(site, setup.server).port)
        ports = ",".join(str(door.port) for door in self.doors.values())
        keys = {"host": ",".join(["127.0.0.1"] * len(self.doors)), "port": ports, "user": "postern",
                "dbname": setup.pool or setup.database}
        if setup.server == "both":
            keys["target_session_attrs"] = "primary"
        self.postern = site.box.postern(start=False, config={
            "database": {**QUICK, "conninfo": " ".join(f"{key}={value}" for key, value in keys.items()),
                         "schema": setup.schema or None, "channel": setup.channel, "users_query": setup.queries[0],
                         "profiles_query": setup.queries[1], "full_reload_interval": setup.interval},
            "lists": {"directory": str(site.lists)},
            "profile": {"unknown_user": "reject"},
            "check": {"limits": "no", "exempt": ""},
            "log": {"level": "debug"},
        })
        self.postern.process.name = setup.name
        self.control = Control(self.postern.run / "control")

    def cut(self, how):
        """how: a method of FaultyProxy without arguments."""
        for door in self.doors.values():
            getattr(door, how)()


class Site:
    """All servers of a run, in one sandbox."""

    def __init__(self, names=None):
        self.box = boxes.Box()
        self.lists = self.box.folder / "lists"
        self.lists.mkdir()
        self.lists.chmod(0o755)
        boxes.need(shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"), "PgBouncer (pgbouncer)")
        self.primary = self.box.postgres(settings=SETTINGS)
        for file in ("schema.sql", "feed.sql", "role.sql"):
            self.primary.apply(file)
        self.primary.query(EXTRAS)
        self._make_ascii()
        self.standby = self.box.standby(self.primary, start=False)
        self.standby.configure(**SETTINGS)
        self.standby.start()
        self._make_pooler()
        self.daemons = [Daemon(self, setup) for setup in SETUPS if not names or setup.name in names]
        self.loaders = {}

    def _make_ascii(self):
        self.primary.query("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
        for file in ("schema.sql", "feed.sql", "role.sql"):
            self.primary.apply(file, dbname="ascii")
        self.primary.query(
            "INSERT INTO haraka.profiles (id, name, host) VALUES (1, 'one', 'p0.example');"
            'INSERT INTO haraka.users (username, froms, "profileId")'
            " SELECT format('u%s', to_char(n, 'FM00')), format('v0.u%s@example.com', to_char(n, 'FM00')), 1"
            " FROM generate_series(0, 9) AS n", dbname="ascii")

    def proxy(self, port):
        made = FaultyProxy(port)
        self.box._stops.append(("proxy", made.close))  # pylint: disable=protected-access
        return made

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
        for door in (door for daemon in self.daemons if daemon.setup.server == "both"
                     for door in daemon.doors.values() if door.target_port == server.port):
            (door.refuse if is_down else door.resume)()

    def promote(self):
        """The standby becomes the primary, wherever the old one is."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        self.lead("primary", self.primary)

    def rebuild_standby(self):
        """The standby, or a server that was a primary once, becomes a new copy of the primary."""
        old = self.standby
        if old.process.running:
            old.stop("immediate")
        shutil.rmtree(old.folder)
        self.primary._own(old.folder)  # pylint: disable=protected-access
        self.primary._run(  # pylint: disable=protected-access
            "pg_basebackup", "-D", old.folder, "-d", self.primary.conninfo(dbname="postgres"), "-R", "-X", "stream",
            "-c", "fast", "--no-sync")
        old.configure(**SETTINGS)
        old.start()
        self.show_down(old, False)
        self.lead("standby", old)

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
        for loader in self.loaders.values():
            loader.close()
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
