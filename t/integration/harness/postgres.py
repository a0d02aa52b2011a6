"""Private PostgreSQL servers, and their standbys."""

import fcntl
import glob
import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg2

from .ports import free_port
from .process import Process
from .wait import wait_until

SQL = Path(__file__).resolve().parents[3] / "sql"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_prepared_transactions": "5",
    "max_wal_senders": "5",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "autovacuum_naptime": "5min",
    "wal_retrieve_retry_interval": "200ms",
}
TEMPLATE_AGE_MAX = 1800  # seconds: tests move the rows of a template to 26 hours ago, and those of 27 are pruned
STOP = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}


def bin_folder():
    """The directory of the newest server's programs, or None if none is installed."""
    found = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    found.sort(key=lambda path: float(path.split("/")[4]))
    return Path(found[-1]).parent if found else None


def _template_of(build, files):
    """The template with these files, and the file that contains their digest, written last."""
    name = "-".join(["pg-template", bin_folder().parent.name, *(Path(file).stem for file in files)])
    return build / name, build / f"{name}.digest"


def _digest_of(files):
    return hashlib.sha256(b"".join(_path_of(file).read_bytes() for file in files)).hexdigest()


def _path_of(file):
    """A name without a directory is a file of sql/."""
    return SQL / file if "/" not in str(file) else Path(file)


class Postgres:
    """
    A cluster in its own directory, on a port of 127.0.0.1 that restarts do not change, with the superuser
    "postgres" and without passwords. box.postgres() creates, starts and ends one with a database "mail".
    """

    def __init__(self, folder, log, name="postgres"):
        self.folder = Path(folder)
        self.port = free_port()
        self.account = "postgres" if os.geteuid() == 0 else None
        self.process = Process(
            name, [bin_folder() / "postgres", "-D", self.folder], log, user=self.account)

    # ---- running -----------------------------------------------------------------------------

    def create(self, build, unique=False, files=(), **settings):
        """
        The cluster with a database "mail" to which these files of sql/ were applied: a copy of a template below build,
        or, if unique, a cluster with a system identifier of its own, without files. settings are added to
        postgresql.conf.
        """
        if unique:
            assert not files
            self._initdb()
        else:
            self._copy_template(Path(build), files)
        self.configure(**settings)

    def _initdb(self):
        self._own(self.folder)
        self._run("initdb", "-D", self.folder, "-A", "trust", "-U", "postgres", "--no-sync",
                  "-E", "UTF8", "--locale=C.UTF-8", "--wal-segsize=1")
        self._run("postgres", "--single", "-D", self.folder, "-F", "postgres", text="CREATE DATABASE mail\n")

    def _copy_template(self, build, files):
        """The first test process that needs a template makes it. None is replaced while another process copies it."""
        build.mkdir(exist_ok=True)
        with open(build / "pg-template.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            while not (template := self._fresh_template(build, files)):
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not self._fresh_template(build, files):
                    self._make_template(build, files)
                fcntl.flock(lock, fcntl.LOCK_SH)
            self._copy(template)

    def _fresh_template(self, build, files):
        """The template with these files, or None if it has to be made."""
        template, stamp = _template_of(build, files)
        if not template.exists() or not stamp.exists() or stamp.read_text(encoding="ascii") != _digest_of(files):
            return None
        return template if not files or time.time() - stamp.stat().st_mtime < TEMPLATE_AGE_MAX else None

    def _make_template(self, build, files):
        if files:
            if not self._fresh_template(build, ()):
                self._make_template(build, ())
            self._copy(_template_of(build, ())[0])
            self.configure()
            self.start()
            for file in files:
                self.apply(file)
            self.stop("fast")
        else:
            self._initdb()
        template, stamp = _template_of(build, files)
        stamp.unlink(missing_ok=True)
        self._copy(self.folder, template)
        stamp.write_text(_digest_of(files), encoding="ascii")
        shutil.rmtree(self.folder)

    def _copy(self, source, target=None):
        if target:
            shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", source, target or self.folder], check=True)

    def configure(self, **settings):
        """Write the settings, which apply from the next start."""
        lines = {**SETTINGS, "port": self.port, "unix_socket_directories": self.folder, **settings}
        with open(self.folder / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.writelines(f"{key} = '{value}'\n" for key, value in lines.items())

    def start(self):
        self.process.start(ready=self.answers)
        return self

    def stop(self, mode="fast"):
        """mode is smart, fast or immediate. immediate is a crash: no checkpoint, unwritten WAL is lost."""
        self.process.stop(STOP[mode])

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def answers(self):
        try:
            self.connect(dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def standby(self, folder, log, name="standby"):
        """Create a streaming standby of this server; box.standby() also starts it."""
        twin = Postgres(folder, log, name)
        self.back_up_to(twin.folder)
        twin.configure()
        return twin

    def back_up_to(self, folder):
        """Make the folder, with a copy from which a standby can start."""
        self._own(folder)
        self._run("pg_basebackup", "-D", folder, "-d", self.conninfo(dbname="postgres"),
                  "-R", "-X", "stream", "-c", "fast", "--no-sync")
        for lock in folder.glob(".s.PGSQL.*"):
            lock.unlink()  # it contains the process id of another server, which any process may have by now

    def copy_to(self, folder):
        """Copy the files of this server, which is stopped."""
        self._copy(self.folder, folder)

    def copy_from(self, folder):
        """Replace the files of this server, which is stopped, by a copy made earlier."""
        self._copy(folder, self.folder)

    # ---- asking ------------------------------------------------------------------------------

    def conninfo(self, user="postgres", dbname="mail", **more):
        """A connection string with host, port, user and dbname; more overrides them (port=proxy.port)."""
        keys = {"host": "127.0.0.1", "port": self.port, "user": user, "dbname": dbname, **more}
        return " ".join(f"{key}={value}" for key, value in keys.items())

    def connect(self, autocommit=True, **keys):
        """Open a psycopg2 connection; keys as for conninfo()."""
        connection = psycopg2.connect(self.conninfo(connect_timeout=10, **keys))
        connection.autocommit = autocommit
        return connection

    def query(self, sql, params=None, **keys):
        """Run a statement on a new connection. Returns the rows as tuples, or None without a result."""
        connection = self.connect(**keys)
        try:
            cursor = connection.cursor()
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def value(self, sql, params=None, **keys):
        """The only value of the only row."""
        ((value,),) = self.query(sql, params, **keys)
        return value

    def psql(self, *args, user="postgres", dbname="mail", check=True):
        """Run psql -v ON_ERROR_STOP=1 with these arguments. Returns its output."""
        done = subprocess.run(
            [bin_folder() / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(user, dbname),
             *map(str, args)],
            capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"psql {args} ended with {done.returncode}: {done.stderr}")
        return done.stdout + done.stderr

    def apply(self, file, dbname="mail", **variables):
        """Run a file with psql; a name without a directory is a file of sql/: apply("feed.sql", channel="other")."""
        if file == "sample.sql":
            variables = {"public_passwords": "yes", **variables}
        options = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        return self.psql(*options, "-f", _path_of(file), dbname=dbname)

    # ---- standby -----------------------------------------------------------------------------

    def pause_replay(self):
        """Stop the replay, so that this standby falls behind."""
        self.query("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.value("SELECT pg_get_wal_replay_pause_state()") == "paused",
                   "replay is paused")

    def resume_replay(self):
        self.query("SELECT pg_wal_replay_resume()")

    def wait_caught_up(self, primary):
        """Wait until this standby has replayed everything that the primary has written so far."""
        there = primary.value("SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: self.value("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (there,)),
                   f"{self.process.name} has caught up")

    def promote(self):
        self.query("SELECT pg_promote()")
        wait_until(lambda: not self.value("SELECT pg_is_in_recovery()"), "the standby is promoted")

    # ---- helpers -----------------------------------------------------------------------------

    def _own(self, folder):
        folder.mkdir(mode=0o700)
        if self.account:
            shutil.chown(folder, self.account)

    def _run(self, program, *args, text=None):
        done = subprocess.run(
            [bin_folder() / program, *args], input=text, capture_output=True, text=True, check=False,
            user=self.account, cwd="/", env=dict(os.environ, LC_ALL="C.UTF-8"))
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
