"""A private Postfix with its own configuration, queue and data directories."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from .ports import free_port, is_listening
from .process import Process
from .smtp import Smtp
from .wait import wait_until

DAEMONS = Path("/usr/lib/postfix/sbin")

# The services that every message needs, not chrooted: name, type, private, unprivileged, chroot, wakeup, limit.
SERVICES = """
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
showq     unix  n       -       n       -       -       showq
postlog   unix-dgram n  -       n       -       1       postlogd
"""

# The directories that `postfix check` creates, which takes seconds.
QUEUE = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop",
         "private", "public", "saved", "trace"]


def age(folder):
    """Make the files of a configuration older: Postfix reads a file again until it is 2 s old."""
    for name in ("main.cf", "master.cf"):
        os.utime(Path(folder) / name, (time.time() - 60,) * 2)


class Postfix:
    """
    ports is {service name: port}, by default {"smtp": port}. The milter macro {daemon_name} of every service but
    "smtp" is the service's name. All mail is accepted and discarded, or sent to sink, a Sink. With chroot, smtpd runs
    in the queue directory, as in Debian. parameters are added to main.cf or replace those below; master is added to
    master.cf.
    """

    def __init__(self, folder, milter="", services=("smtp",), sink=None, parameters=None,
                 chroot=False, master=""):
        self.folder = Path(folder)
        self.chroot = "y" if chroot else "n"
        self.master = master
        self.ports = {name: free_port() for name in services}
        self.port = self.ports[services[0]]
        self.maillog = self.folder / "maillog"
        self.process = Process("postfix", [DAEMONS / "master", "-c", self.folder / "etc", "-s"],
                               self.folder / "master.out")
        transport = f"smtp:[127.0.0.1]:{sink.port}" if sink else "discard:"
        self.sink = sink
        self.parameters = {
            "compatibility_level": "3.6",
            "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data",
            "maillog_file": self.maillog,
            "maillog_file_prefixes": self.folder,
            "multi_instance_directories": "",
            "myhostname": "mx.postern.example",
            "mydestination": "",
            "mynetworks": "0.0.0.0/0 [::]/0",  # everybody may relay, because Postfix listens on loopback only
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "all",
            "alias_maps": "",
            "local_recipient_maps": "",
            "disable_dns_lookups": "yes",
            "smtpd_peername_lookup": "no",
            "smtp_host_lookup": "native",
            "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
            "default_transport": transport,
            "relay_transport": transport,
            "local_transport": transport,
            "message_size_limit": 0,
            "mailbox_size_limit": 0,
            "smtpd_client_connection_count_limit": 0,
            "smtpd_error_sleep_time": 0,
            "smtpd_soft_error_limit": 1000,
            "smtpd_hard_error_limit": 1000,
            "smtpd_timeout": "600s",
            "default_process_limit": 300,
            "in_flow_delay": 0,
            "smtpd_milters": milter,
            "milter_default_action": "tempfail",
            **(parameters or {}),
        }

    def create(self):
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "queue/pid").mkdir()
        shutil.chown(self.folder / "data", "postfix")
        for name in QUEUE:
            (self.folder / "queue" / name).mkdir(mode=0o700)
            shutil.chown(self.folder / "queue" / name, "postfix")
        self.configure()

    def configure(self, **parameters):
        """Write main.cf and master.cf with these parameters from now on."""
        self.parameters.update(parameters)
        etc = self.folder / "etc"
        (etc / "main.cf").write_text(
            "".join(f"{name} = {value}\n" for name, value in self.parameters.items()))
        lines = []
        for name, port in self.ports.items():
            lines.append(f"{port} inet n - {self.chroot} - - smtpd -o syslog_name=postfix/{name}\n")
            if name != "smtp":
                lines.append(f"  -o milter_macro_daemon_name={name}\n")
        (etc / "master.cf").write_text("".join(lines) + SERVICES + self.master)
        shutil.copy("/etc/postfix/dynamicmaps.cf", etc)
        age(etc)

    def start(self):
        self.process.start(ready=lambda: all(map(is_listening, self.ports.values())))
        return self

    def connect(self, service=None):
        """A session, of which only the greeting was read."""
        return Smtp(self.ports[service] if service else self.port)

    def client(self, addr="192.0.2.1", name="mail.ok.example", helo="mail.ok.example", login=None, service=None):
        """
        A session of a client with this address, rDNS name ("": none) and login, by XCLIENT, after EHLO, whatever its
        reply.
        """
        smtp = self.connect(service)
        smtp.ehlo()
        assert smtp.xclient(addr=addr, name=name, login=login).code // 10 != 50  # no error, perhaps a refusal
        smtp.ehlo(helo)
        return smtp

    def stop(self):
        self.process.stop()

    def reload(self, **parameters):
        """Reload with these parameters; open sessions keep the old ones."""
        self.configure(**parameters)
        self._postfix("reload")

    def arrived(self):
        """The messages that arrived at the sink, as bytes."""
        return [message for _, _, message in self.sink.messages]

    def log(self):
        return self.maillog.read_text(errors="replace") if self.maillog.exists() else ""

    def wait_log(self, text):
        """Wait until the mail log contains text; postlogd writes with a delay."""
        wait_until(lambda: text in self.log(), f"Postfix's log contains {text!r}")

    def _postfix(self, command):
        done = subprocess.run(["postfix", "-c", self.folder / "etc", command], check=False,
                              capture_output=True, text=True, env=dict(os.environ, LC_ALL="C"))
        assert done.returncode == 0, f"postfix {command}: {done.stderr}\n{self.log()}"
