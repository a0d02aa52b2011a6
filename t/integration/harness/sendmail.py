"""
A real Sendmail beside the installed MTA. Debian's packages conflict with Postfix, so they are not installed but
unpacked into the build directory, and Sendmail runs with all paths inside the test's directory.
"""

import re
from pathlib import Path

from .packages import OWN_MOUNTS, fetch, library_path, run
from .ports import free_port, is_listening
from .process import Process

PACKAGES = ["sendmail-bin", "sendmail-base", "sendmail-cf"]
LIBRARIES = ["libwrap0", "liblockfile1", "libnsl2", "libtirpc3", "libldap-2.5-0", "libdb5.3", "libsasl2-2"]

BINARY = "usr/libexec/sendmail/sendmail"

SASL_FOLDER = "/usr/lib/sasl2"  # where libsasl searches for Sendmail.conf; sasl2-bin creates it

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
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port=@PORT@, Addr=127.0.0.1')dnl
@FILTER@
@EXTRA@
MAILER(`local')dnl
MAILER(`smtp')dnl
"""


def unpack(cache):
    """Download and unpack Sendmail below cache, once. Returns the directory that takes the place of /."""
    return fetch(cache, PACKAGES, BINARY, LIBRARIES)


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
        filter_lines = ""
        if self.milter:
            filter_lines = (f"INPUT_MAIL_FILTER(`postern', `S={self.milter}, F=T, "
                            "T=C:10s;S:30s;R:30s;E:60s')dnl")
        text = MC.replace("@FOLDER@", str(folder)).replace("@PORT@", str(self.port))
        text = text.replace("@FILTER@", filter_lines).replace("@EXTRA@", self.extra)
        (folder / "sendmail.mc").write_text(text)
        (folder / "sendmail.cf").write_text(
            run("m4", f"-D_CF_DIR_={tree}", tree + "m4/cf.m4", folder / "sendmail.mc", cwd=tree))
        # libc resolves the names of clients, so Sendmail gets its own /etc/hosts in a mount namespace.
        mounts = ""
        if self.sasl is not None:
            (folder / "sasl").mkdir()
            (folder / "sasl" / "Sendmail.conf").write_text(self.sasl)
            mounts = f"mount --bind {folder}/sasl {SASL_FOLDER} && "
        script = (mounts + f"mount --bind {folder}/hosts /etc/hosts && "
                  f"mount --bind {folder}/nsswitch.conf /etc/nsswitch.conf && "
                  f"exec {self.root}/{BINARY} -C {folder}/sendmail.cf -bD -X {folder}/smtp.log")
        self.process = Process("sendmail", [*OWN_MOUNTS, "sh", "-c", script],
                               folder / "sendmail.log", env={"LD_LIBRARY_PATH": library_path(self.root)})

    def start(self):
        self.process.start(ready=lambda: is_listening(self.port))
        return self

    def stop(self):
        """SIGTERM makes it end its children; the processes that they leave are in its group."""
        self.process.stop()

    def queued(self):
        """The messages in the queue as {queue id: (control lines, body)}."""
        found = {}
        for path in (self.folder / "queue").glob("qf*"):
            body = path.with_name("df" + path.name[2:])
            found[path.name[2:]] = (path.read_text(errors="replace"),
                                    body.read_text(errors="replace") if body.exists() else "")
        return found

    def log(self):
        """The lines of all SMTP sessions (sendmail -X)."""
        path = self.folder / "smtp.log"
        return path.read_text(errors="replace") if path.exists() else ""


def headers_of(control):
    """The message's header fields in a queue control file, as [(name, value)]."""
    fields = []
    for line in re.sub(r"\n[ \t]+", " ", control).splitlines():
        found = re.match(r"H\?[^?]*\?([^:]+): ?(.*)", line)
        if found:
            fields.append(found.groups())
    return fields
