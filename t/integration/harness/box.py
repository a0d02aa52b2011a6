"""The sandbox of one test or one module: a directory and the servers in it, which end with it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from . import exim, sendmail
from . import postgres as postgres_module
from .exim import Exim
from .packages import OWN_MOUNTS
from .postern import BUILD, POSTERN, Postern
from .postfix import DAEMONS, Postfix
from .postgres import Postgres
from .proxy import Proxy
from .process import Process, sanitizer_report
from .sendmail import DocumentedSendmail, Sendmail
from .smtp import Sink

open_boxes = []


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


def need(present, what):
    if not present:
        pytest.skip("needs " + what)


def can_mount():
    return os.geteuid() == 0 and subprocess.run([*OWN_MOUNTS, "true"], check=False).returncode == 0


def needs_mounts():
    needs_root()
    need(can_mount(), "the right to make a mount namespace")


MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes: some clusters for each test process


def has_room_in_memory():
    """Whether there is a file system in memory with much room, and much memory is free."""
    if not os.access(MEMORY, os.W_OK):
        return False
    room = os.statvfs(MEMORY)
    with open("/proc/meminfo", encoding="ascii") as lines:
        free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    return min(room.f_bavail * room.f_frsize, free // 2) >= ROOM


class Box:
    """
    Makes servers, each in its own directory below .folder, but PostgreSQL's clusters in memory. Each is running when it is returned, unless
    start=False. close() ends them, the last one first.
    """

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="postern-t-"))
        self.folder.chmod(0o755)
        self.processes = []
        self._stops = []  # (name, function), in the order of starting
        self._files = []  # logs besides those of processes
        self._names = {}
        self._memory = None  # the directory of clusters
        open_boxes.append(self)

    def place(self, name):
        """An unused directory name: postern, postern-2, ..."""
        self._names[name] = self._names.get(name, 0) + 1
        number = self._names[name]
        return self.folder / (name if number == 1 else f"{name}-{number}")

    def process(self, name, argv, ready=None, start=True, **options):
        """Any other program, whose output goes to a log; options as for Process."""
        child = Process(name, argv, self.place(name).with_suffix(".log"), **options)
        self._keep(name, child)
        if start:
            child.start(ready=ready)
        return child

    def cluster_place(self, name):
        """
        An unused directory name for a cluster: in memory if there is much room, because a file system needs ten times
        as long for its thousand files.
        """
        if self._memory is None and has_room_in_memory():
            self._memory = Path(tempfile.mkdtemp(prefix="postern-t-", dir=MEMORY))
            self._memory.chmod(0o755)
        place = self.place(name)
        return self._memory / place.name if self._memory else place

    def postgres(self, start=True, settings=None, unique=False, files=()):
        """
        A PostgreSQL server with a database "mail", to which these files of sql/ were applied. Servers have one system
        identifier, because they are copies of one template; unique=True makes one with another, without files.
        """
        need(postgres_module.bin_folder(), "a PostgreSQL server (postgresql)")
        place = self.cluster_place("pg")
        server = Postgres(place, self.folder / f"{place.name}.log", place.name)
        server.create(BUILD, unique, files, **(settings or {}))
        self._keep(place.name, server.process, lambda: server.stop("immediate"))
        return server.start() if start else server

    def standby(self, primary, start=True):
        place = self.cluster_place("pg-standby")
        server = primary.standby(place, self.folder / f"{place.name}.log", place.name)
        self._keep(place.name, server.process, lambda: server.stop("immediate"))
        return server.start() if start else server

    def postfix(self, start=True, **options):
        """options as for Postfix; milter=daemon.postfix_milter makes it ask Postern."""
        needs_root()
        need(DAEMONS.exists(), "Postfix")
        server = Postfix(self.place("postfix"), **options)
        server.create()
        self._keep("postfix", server.process)
        self._files.append(server.maillog)
        return server.start() if start else server

    def sendmail(self, start=True, **options):
        """options as for Sendmail; milter=daemon.sendmail_milter makes it ask Postern."""
        needs_mounts()
        need(shutil.which("m4"), "m4")
        server = Sendmail(self.place("sendmail"), sendmail.unpack(BUILD / "sendmail"), **options)
        server.create()
        self._keep("sendmail", server.process)
        self._files.append(server.folder / "smtp.log")
        return server.start() if start else server

    def documented_sendmail(self, daemon, start=True, **options):
        """Sendmail that asks this daemon, as the documentation configures it; options as for DocumentedSendmail."""
        needs_mounts()
        need(shutil.which("m4"), "m4")
        need(shutil.which("ip"), "ip (iproute2)")
        server = DocumentedSendmail(self.place("sendmail"), sendmail.unpack(BUILD / "sendmail"), daemon, **options)
        server.create()
        self._keep("sendmail", server.process)
        self._files.append(server.folder / "smtp.log")
        return server.start() if start else server

    def front(self, kind, services=("smtp",), parameters=None, inet=False, keep=False, extra="", **options):
        """
        A daemon with these options, and an MTA in front of it: (daemon, MTA). kind is "postfix", with these further
        parameters, or "sendmail", as the documentation configures it, with extra lines of m4. Both have .client().
        Users without a password get one, because Sendmail has no XCLIENT and its clients really log in. keep=True
        keeps the messages for .arrived().
        """
        if kind == "postfix":
            daemon = self.postern(inet=inet, **options)
            # Postfix adds a missing From to mail that it takes for local mail.
            return daemon, self.postfix(milter=daemon.postfix_milter, services=services, sink=self.sink() if keep else None,
                                        parameters={"local_header_rewrite_clients": "", **(parameters or {})})
        daemon = self.postern(**{**options, "config": sendmail.config(options.get("config")),
                                 "store": sendmail.with_passwords(options.get("store"))})
        return daemon, self.documented_sendmail(daemon, services=services, extra=extra)

    def exim(self, start=True, **options):
        """options as for Exim."""
        needs_mounts()
        server = Exim(self.place("exim"), exim.unpack(BUILD / "exim"), **options)
        server.create()
        self._keep("exim", server.process)
        return server.start() if start else server

    def postern(self, start=True, **options):
        """options as for Postern."""
        assert POSTERN.exists(), f"{POSTERN} is not built"
        place = self.place("postern")
        daemon = Postern(place, name=place.name, **options)
        daemon.create()
        self._keep(place.name, daemon.process, daemon.end)
        return daemon.start() if start else daemon

    def proxy(self, target_port):
        proxy = Proxy(target_port)
        self._stops.append(("proxy", proxy.close))
        return proxy

    def sink(self):
        sink = Sink()
        self._stops.append(("sink", sink.close))
        return sink

    def _keep(self, name, process, stop=None):
        self.processes.append(process)
        self._stops.append((name, stop or process.stop))

    def logs(self, lines=80):
        """Yield (name, last lines) of every log, for a failed test."""
        for process in self.processes:
            yield process.name, process.tail(lines)
        for path in self._files:
            if path.exists():
                text = path.read_text(errors="replace").splitlines()[-lines:]
                yield f"{path.parent.name}/{path.name}", "\n".join(text)

    def close(self):
        """
        End all servers. Then raises AssertionError if a server did not end cleanly or a log contains a
        sanitizer's report. POSTERN_KEEP=1 keeps the directory.
        """
        troubles = []
        for name, stop in reversed(self._stops):
            try:
                stop()
            except AssertionError as error:
                troubles.append(str(error))
            except Exception as error:  # the others have to end, too
                troubles.append(f"{name}: {error!r}")
        for process in self.processes:
            report = sanitizer_report(process.log.read_bytes()) if process.log.exists() else None
            if report:
                troubles.append(f"{process.name}: {report}")
        self.last_logs = list(self.logs())
        if not os.environ.get("POSTERN_KEEP"):
            for folder in filter(None, (self.folder, self._memory)):
                shutil.rmtree(folder, ignore_errors=True)
        open_boxes.remove(self)
        assert not troubles, "\n".join(troubles)
