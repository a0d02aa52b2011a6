"""The daemon under test: writes its configuration, lists and store, starts it, asks it, and reads its log."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .ports import free_port, is_listening
from .milter_client import MilterClient
from .process import Process
from .wait import wait_until

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / os.environ.get("POSTERN_BUILD", "build")
POSTERN = BUILD / "postern"
POSTERNCTL = BUILD / "posternctl"

# The account that the daemon changes to, which needs root. With POSTERN_USER= (empty) it stays root.
USER = os.environ.get("POSTERN_USER", "nobody") if os.geteuid() == 0 else ""

FIELD = re.compile(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|\S*)')


def fields_of(line):
    """The key=value pairs of a log line, without the quotes around a value and the backslashes in it."""
    pairs = {}
    for key, value in FIELD.findall(line):
        if value.startswith('"') and value.endswith('"') and len(value) > 1:
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        pairs[key] = value
    return pairs


class Postern:
    """
    config: {section: {key: value}}, which override the defaults below (a key that is None is omitted).
    lists: {file name: text}. store: {"profiles": [...], "users": [...]} or text, for the JSON store.
    inet: listen on a port of 127.0.0.1 instead of a unix socket.
    """

    def __init__(self, folder, config=None, lists=None, store=None, inet=False, name="postern"):
        self.folder = Path(folder)
        self.run = self.folder / "run"
        self.lists = self.folder / "lists"
        self.conf = self.folder / "postern.conf"
        self.store_path = self.run / "store.json"
        self.socket = None if inet else self.run / "postern.sock"
        self.port = free_port() if inet else None
        self.config = {
            "milter": {"socket": f"inet:{self.port}@127.0.0.1" if inet else "unix:run/postern.sock",
                       "socket_mode": "0666", "user": USER},
            "lists": {"directory": "lists"},
            "check": {"exempt": ""},  # clients of the tests come from 127.0.0.1
            "store": {"path": "run/store.json"},
            "limits": {"state": "run/limits.state"},
            "auth": {"socket": "unix:run/auth", "saslauthd": "unix:run/mux",
                     "suspensions": "run/suspended", "socket_mode": "0666"},
            "control": {"socket": "run/control"},
        }
        if store is None and "database" not in (config or {}):
            self.config["store"]["path"] = ""  # a path at which there is nothing is a problem
        self.was_ready = False
        self._initial = (lists or {}, store)
        self.configure(config or {})
        self.process = Process(name, [POSTERN, "-f", "-c", self.conf], self.folder / "postern.log")

    # ---- files ---------------------------------------------------------------------------------

    def create(self):
        for folder in (self.folder, self.lists, self.run):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
        if USER:
            shutil.chown(self.run, USER)
        self._write_conf()
        lists, store = self._initial
        for name, text in lists.items():
            self.write_list(name, text)
        if store is not None:
            self.write_store(store)

    def configure(self, config):
        """Override the present values, and write the file if the daemon's directory exists."""
        for section, keys in config.items():
            self.config.setdefault(section, {}).update(keys)
        if self.folder.exists():
            self._write_conf()

    def _write_conf(self):
        text = ""
        for section, keys in self.config.items():
            text += f"[{section}]\n"
            text += "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)
        self.conf.write_text(text)

    def write_list(self, name, text, how="rename"):
        """
        Save a list as an editor does: "rename" writes a new file and renames it, "truncate" empties the file and
        writes it in two halves. text is a string or a list of entries.
        """
        text = text if isinstance(text, str) else "".join(entry + "\n" for entry in text)
        path = self.lists / name
        if how == "rename":
            beside = path.with_name("." + name + ".new")
            beside.write_text(text)
            beside.rename(path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.flush()
                file.write(text[:len(text) // 2])
                file.flush()
                file.write(text[len(text) // 2:])

    def write_store(self, store):
        """Write the store as if by hand: rows, or text. [store] path must be that of self.store_path."""
        if not isinstance(store, str):
            store = json.dumps({"format": "postern-store-1", "profiles": [], "users": [], **store})
        beside = self.store_path.with_name("store.json.new")
        beside.write_text(store)
        beside.chmod(0o600)
        if USER:
            shutil.chown(beside, USER)
        beside.rename(self.store_path)

    # ---- running -------------------------------------------------------------------------------

    def start(self, ready=None):
        """Start it and wait until it listens and logs that it is ready, or until ready() is true."""
        since = len(self.process.text())
        self.process.start(ready=ready or (
            lambda: self.listens() and "ready version" in self.process.text()[since:]))
        self.was_ready = True
        return self

    def listens(self):
        if self.port:
            return is_listening(self.port)
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as lines:
            return any(fields[-1] == str(self.socket) and fields[3] == "00010000"
                       for fields in map(str.split, lines))

    def stop(self):
        """End it with SIGTERM. Returns the exit status, which is 0 after a clean end."""
        return self.process.stop()

    def end(self):
        """Stop it. Raises AssertionError if it crashed or did not end cleanly."""
        status = self.stop()
        if self.was_ready and status not in (0, -signal.SIGKILL):
            raise AssertionError(f"{self.process.name} ended with status {status}")

    def kill(self):
        """SIGKILL."""
        return self.process.kill()

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        """Reload by SIGUSR1; ctl("reload") is `posternctl reload`."""
        self.process.send_signal(signal.SIGUSR1)

    # ---- talking to it -------------------------------------------------------------------------

    @property
    def postfix_milter(self):
        """Its socket in the form of main.cf."""
        return f"inet:127.0.0.1:{self.port}" if self.port else f"unix:{self.socket}"

    @property
    def sendmail_milter(self):
        """Its socket in the form of INPUT_MAIL_FILTER."""
        return f"inet:{self.port}@127.0.0.1" if self.port else f"unix:{self.socket}"

    def milter(self, **options):
        """Begin a session of the milter protocol; options as for MilterClient."""
        return MilterClient(path=self.socket, port=self.port, **options)

    def ctl(self, *args, stdin=None, check=True, parse=True):
        """
        posternctl COMMAND [ARGUMENT...] --json, parsed; parse=False: plain output as text. `status` may report
        problems, by exit status 1.
        """
        command, *rest = map(str, args)
        argv = [POSTERNCTL, "-c", self.conf, command, *(["--json"] if parse else []), *rest]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
        if check and done.returncode != 0 and not (command == "status" and done.returncode == 1 and done.stdout):
            raise AssertionError(f"posternctl {args} ended with {done.returncode}: "
                                 f"{done.stderr or done.stdout}")
        return json.loads(done.stdout) if parse else done.stdout

    def check_config(self):
        """Run postern -n. Returns (exit status, output)."""
        done = subprocess.run([POSTERN, "-n", "-c", self.conf], capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    # ---- its log -------------------------------------------------------------------------------

    def mark(self):
        """
        The present end of the log, for the parameter since. An answer comes before its line, which the log thread
        holds for some milliseconds; wait for that line first if nothing but it would do.
        """
        time.sleep(0.1)
        return len(self.process.text())

    def log(self, since=0):
        time.sleep(0.02)  # the log thread collects lines for some milliseconds
        return self.process.text()[since:]

    def records(self, since=0, **fields):
        """The log lines with these values, as dicts of their key=value pairs."""
        found = [dict(fields_of(line), line=line) for line in self.log(since).splitlines()]
        return [record for record in found
                if all(record.get(key) == str(value) for key, value in fields.items())]

    def wait_record(self, since=0, **fields):
        """Wait for such a record, and return the first one."""
        return wait_until(lambda: self.records(since, **fields), f"a log line with {fields}")[0]

    def wait_log(self, text, since=0):
        """Wait until the log contains text."""
        wait_until(lambda: text in self.log(since), f"the log contains {text!r}")
