"""
A real Sendmail beside the installed MTA. Debian's packages conflict with Postfix, so they are not installed but
unpacked into the build directory, and Sendmail runs with all paths inside the test's directory.
"""

import os
import re
import subprocess
from pathlib import Path

from .certificates import make_certificate
from .logins import hash_of, plain
from .network import Network, is_elsewhere
from .packages import OWN_MOUNTS, fetch, library_path, run
from .ports import free_port, is_listening
from .postern import ROOT
from .process import Process
from .smtp import Smtp

PACKAGES = ["sendmail-bin", "sendmail-base", "sendmail-cf"]
LIBRARIES = ["libwrap0", "liblockfile1", "libnsl2", "libtirpc3", "libldap-2.5-0", "libdb5.3", "libsasl2-2"]

BINARY = "usr/libexec/sendmail/sendmail"

SASL_FOLDER = "/usr/lib/sasl2"  # where libsasl searches for Sendmail.conf; sasl2-bin creates it

EXAMPLE = ROOT / "etc/postern.m4"
PAGE = ROOT / "docs/sendmail.md"
AUTH_BLOCK, SASL_BLOCK = "dnl sendmail.mc", "# /usr/lib/sasl2/Sendmail.conf"  # their first lines there
PORTS = {"smtp": 25, "submission": 587}
NETWORKS = ("192.0.2.0/24", "198.51.100.0/24")  # of clients; their IPv6 addresses are added one by one
PASSWORD = "pa55word"
FIELD = re.compile(r"^H\?[^?]*\?(.*(?:\n[ \t].*)*)", re.M)  # a header field in a control file of the queue

MC = r"""divert(-1)
divert(0)dnl
VERSIONID(`postern tests')
OSTYPE(`linux')
define(`confDOMAIN_NAME', `mx.postern.example')dnl
define(`confPID_FILE', `@FOLDER@/pid')dnl
define(`confSERVICE_SWITCH_FILE', `@FOLDER@/service.switch')dnl
define(`confHOSTS_FILE', `@FOLDER@/hosts')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe')dnl
define(`confCW_FILE', `-o @FOLDER@/none')dnl
define(`confCT_FILE', `-o @FOLDER@/none')dnl
define(`confCR_FILE', `-o @FOLDER@/none')dnl
define(`confDEAD_LETTER_DROP', `@FOLDER@/dead.letter')dnl
define(`confDELIVERY_MODE', `queueonly')dnl
define(`confTO_IDENT', `0')dnl
define(`confMIN_FREE_BLOCKS', `0')dnl
define(`confREFUSE_LA', `10000')dnl
define(`confQUEUE_LA', `10000')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
define(`confMILTER_LOG_LEVEL', `14')dnl
define(`confLOG_LEVEL', `14')dnl
define(`QUEUE_DIR', `@FOLDER@/queue')dnl
define(`STATUS_FILE', `@FOLDER@/status')dnl
define(`ALIAS_FILE', `')dnl
define(`HELP_FILE', `@FOLDER@/none')dnl
undefine(`LOCAL_RELAY')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
@EXTRA@
MAILER(`local')dnl
MAILER(`smtp')dnl
"""


def unpack(cache):
    """Download and unpack Sendmail below cache, once. Returns the directory that takes the place of /."""
    return fetch(cache, PACKAGES, BINARY, LIBRARIES)


def block(path, first):
    """The code block of a document that begins with this text."""
    (found,) = re.findall(rf"^```\w*\n({re.escape(first)}.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)
    return found


class Sendmail:
    """
    milter is the socket in libmilter's form, unix:/path or inet:port@host. hosts is {address: name} of 127.0.0.0/8,
    the rDNS names of clients with these addresses (Smtp(port, source=address)). Accepted mail stays in the queue,
    where queued() reads it. extra are further lines of m4, sasl is the text of libsasl's Sendmail.conf.
    """

    def __init__(self, folder, root, milter=None, hosts=None, extra="", sasl=None):
        self.folder = Path(folder)
        self.root = root
        self.port = free_port()
        self.milter = milter
        self.hosts = {"127.0.0.1": "localhost", **(hosts or {})}
        self.extra = extra
        self.sasl = sasl
        self.process = None

    def m4(self):
        """The lines of m4 that differ between tests."""
        lines = f"DAEMON_OPTIONS(`Family=inet, Name=MTA, Port={self.port}, Addr=127.0.0.1')dnl\n"
        if self.milter:
            lines += f"INPUT_MAIL_FILTER(`postern', `S={self.milter}, F=T, T=C:10s;S:30s;R:30s;E:60s')dnl\n"
        return lines + self.extra

    def mounts(self):
        """
        Commands for the mount namespace. libc resolves the names of clients, so Sendmail gets its own /etc/hosts, and
        libsasl searches for its file in one directory only.
        """
        commands = [f"mount --bind {self.folder}/{name} /etc/{name}" for name in ("hosts", "nsswitch.conf")]
        if self.sasl is not None:
            (self.folder / "sasl").mkdir()
            (self.folder / "sasl" / "Sendmail.conf").write_text(self.sasl)
            commands.append(f"mount --bind {self.folder}/sasl {SASL_FOLDER}")
        return commands

    def create(self):
        folder = self.folder
        folder.mkdir(exist_ok=True)
        (folder / "queue").mkdir(mode=0o700)
        (folder / "service.switch").write_text("hosts files\naliases files\npasswd files\n")
        (folder / "nsswitch.conf").write_text("hosts: files\npasswd: files\ngroup: files\n")
        (folder / "hosts").write_text(
            "".join(f"{address} {name}\n" for address, name in self.hosts.items())
            + "127.0.0.1 mx.postern.example\n")
        tree = f"{self.root}/usr/share/sendmail/cf/"
        text = MC.replace("@FOLDER@", str(folder)).replace("@EXTRA@", self.m4())
        (folder / "sendmail.mc").write_text(text)
        (folder / "sendmail.cf").write_text(
            run("m4", f"-D_CF_DIR_={tree}", tree + "m4/cf.m4", folder / "sendmail.mc", cwd=tree))
        script = " && ".join([*self.mounts(),
                              f"exec {self.root}/{BINARY} -C {folder}/sendmail.cf -bD -X {folder}/smtp.log"])
        self.process = Process("sendmail", self.command(script),
                               folder / "sendmail.log", env={"LD_LIBRARY_PATH": library_path(self.root)})

    def command(self, script):
        return [*OWN_MOUNTS, "sh", "-c", script]

    def start(self):
        self.process.start(ready=self.listens)
        return self

    def listens(self):
        return is_listening(self.port)

    def stop(self):
        """SIGTERM makes it end its children; the processes that they leave are in its group."""
        self.process.stop()

    def parsed(self, addresses):
        """How Sendmail resolves recipients: {address: (mailer, user)}; ("error", "") for one that it refuses."""
        lines = "".join(f"/parse {address}\n" for address in addresses)
        done = subprocess.run(["nsenter", "-m", "-n", "-t", str(self.process.pid), self.root / BINARY, "-C",
                               self.folder / "sendmail.cf", "-bt"], input=lines.encode(), capture_output=True, check=True,
                              env={**os.environ, "LD_LIBRARY_PATH": library_path(self.root)})
        parts = done.stdout.decode(errors="replace").split("\n> ")[1:]
        found = {}
        for address, part in zip(addresses, parts):
            result = re.search(r"^mailer (\S+?),(?: host .*?,)? user (.*)$", part, re.M)
            found[address] = result.groups() if result else ("error", "")
        return found

    def queued(self):
        """The messages in the queue as {queue id: (control lines, body)}."""
        found = {}
        for path in (self.folder / "queue").glob("qf*"):
            body = path.with_name("df" + path.name[2:])
            found[path.name[2:]] = (path.read_text(errors="replace"),
                                    body.read_text(errors="replace") if body.exists() else "")
        return found

    def arrived(self):
        """The messages in the queue, as bytes."""
        return ["".join(field + "\n" for field in [*FIELD.findall(control), "", body]).replace("\n", "\r\n").encode()
                for control, body in self.queued().values()]

    def log(self):
        """The lines of all SMTP sessions (sendmail -X)."""
        path = self.folder / "smtp.log"
        return path.read_text(errors="replace") if path.exists() else ""


class DocumentedSendmail(Sendmail):
    """
    Sendmail with etc/postern.m4 and the lines of docs/sendmail.md for logins as they are, in a network of its own in which clients
    have any address. Its ports are {"smtp": 25, "submission": 587}, with "submission" as in etc/postern.m4 if
    services has it.
    """

    def __init__(self, folder, root, daemon, services=("smtp",), extra=""):
        super().__init__(folder, root, extra=extra, sasl=block(PAGE, SASL_BLOCK))
        self.daemon = daemon
        self.ports = {name: PORTS[name] for name in services}
        self.port = self.ports[services[0]]
        self.network = None

    def m4(self):
        make_certificate(self.folder)
        # With the default of Listen=10, Linux forgets clients that connect at once, who then wait for a greeting.
        lines = [*(f"DAEMON_OPTIONS(`Family={family}, Name=MTA, Port=25, Addr={address}, Listen=300')dnl"
                   for family, address in (("inet", "127.0.0.1"), ("inet6", "::1"))),
                 "define(`confCACERT', `/run/cert.pem')dnl",
                 "define(`confCACERT_PATH', `/run')dnl",
                 "define(`confSERVER_CERT', `/run/cert.pem')dnl",
                 "define(`confSERVER_KEY', `/run/key.pem')dnl",
                 f"include(`{EXAMPLE}')dnl",
                 block(PAGE, AUTH_BLOCK)]
        if "submission" in self.ports:
            lines.append(re.search(r"^dnl (DAEMON_OPTIONS\(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.M)[1])
        return "\n".join([*lines, self.extra])

    def mounts(self):
        # Sendmail trusts no key and no socket below a directory that everybody may write to, such as /tmp.
        return [*super().mounts(), "mount -t tmpfs -o mode=755 tmpfs /run", f"cp {self.folder}/*.pem /run",
                "mkdir /run/postern", f"mount --bind {self.daemon.run} /run/postern", "ip link set lo up", *(f"ip route add local {network} dev lo" for network in NETWORKS)]

    def command(self, script):
        return [*OWN_MOUNTS, "unshare", "-n", "sh", "-c", script]

    def start(self):
        super().start()
        self.network = Network(self.process.pid)
        return self

    def listens(self):
        pid = self.process.pid
        return is_elsewhere(pid) and all(is_listening(port, pid) for port in self.ports.values())

    def connect(self, addr="192.0.2.1", service=None):
        """A session, of which only the greeting was read."""
        if ":" in addr:
            with self.network:
                run("ip", "address", "replace", addr, "dev", "lo", "nodad")  # else it is tentative for a moment
        return Smtp(self.ports[service] if service else self.port, host="::1" if ":" in addr else "127.0.0.1", source=addr,
                    network=self.network)

    def client(self, addr="192.0.2.1", name="mail.ok.example", helo="mail.ok.example", login=None, service=None):
        """
        A session of a client with this address and rDNS name ("": none), after EHLO, whatever its reply, and after a
        login with PASSWORD.
        """
        hosts = {**self.hosts, **({addr: name} if name else {})}
        (self.folder / "hosts").write_text("".join(f"{address} {name}\n" for address, name in hosts.items()))
        smtp = self.connect(addr, service)
        smtp.ehlo(helo)
        if login:
            assert smtp.starttls().code == 220
            assert smtp.ehlo(helo)
            reply = smtp.auth("PLAIN", plain(login, PASSWORD))
            assert reply.code == 235, reply
        return smtp


def config(sections):
    """The configuration of a daemon for DocumentedSendmail."""
    sections = sections or {}
    return {**sections, "auth": {**sections.get("auth", {}), "saslauthd": "unix:run/saslauthd/mux"}}


def with_passwords(store):
    """The store with a password for each user, unless it is text."""
    if not isinstance(store, dict):
        return store
    return {**store, "users": [{**user, "password": user.get("password") or hash_of(PASSWORD)} for user in store["users"]]}


def headers_of(control):
    """The message's header fields in a queue control file, as [(name, value)]."""
    fields = []
    for field in FIELD.findall(control):
        fields.append(re.match(r"([^:]+): ?(.*)", re.sub(r"\n[ \t]+", " ", field)).groups())
    return fields
