"""
A real Exim beside the installed MTA. Debian's packages conflict with Postfix, so they are not installed but unpacked
into the build directory, and Exim runs with all paths inside the test's directory.
"""

import os
from pathlib import Path

from .packages import OWN_MOUNTS, fetch, library_path
from .ports import free_port, is_listening
from .process import Process

PACKAGES = ["exim4-daemon-heavy"]
LIBRARIES = ["libidn12", "libmariadb3", "libspf2-2", "libnsl2", "libldap-2.5-0", "libdb5.3", "libsasl2-2",
             "libpcre2-8-0", "libperl5.36", "libpq5", "libgnutls-dane0", "libunbound8", "libevent-2.1-7", "libtirpc3"]
BINARY = "usr/sbin/exim4"
ACCOUNT = "Debian-exim"  # which its packages would create

CONFIGURATION = """
primary_hostname = mx.postern.example
spool_directory = @FOLDER@/spool
log_file_path = @FOLDER@/log/%slog
pid_file_path = @FOLDER@/pid
daemon_smtp_ports = @PORT@
local_interfaces = 127.0.0.1
hosts_treat_as_local =
host_lookup =
rfc1413_hosts =
queue_only
tls_advertise_hosts = *
tls_certificate = @FOLDER@/cert.pem
tls_privatekey = @FOLDER@/key.pem
acl_smtp_rcpt = accept authenticated = *
begin routers
begin transports
@AUTHENTICATORS@
"""


def unpack(cache):
    """Download and unpack Exim below cache, once. Returns the directory that takes the place of /."""
    return fetch(cache, PACKAGES, BINARY, LIBRARIES)


class Exim:
    """
    Accepts mail from every client that has logged in, and keeps it in its queue. authenticators is the part of its
    configuration from "begin authenticators" on. .folder must contain cert.pem and key.pem before start().
    """

    def __init__(self, folder, root, authenticators):
        self.folder = Path(folder)
        self.root = root
        self.port = free_port()
        self.authenticators = authenticators
        self.process = None

    def create(self):
        folder = self.folder
        folder.mkdir(exist_ok=True)
        text = CONFIGURATION.replace("@FOLDER@", str(folder)).replace("@PORT@", str(self.port))
        (folder / "exim.conf").write_text(text.replace("@AUTHENTICATORS@", self.authenticators))
        # Exim looks its account up at its start, so it gets its own /etc/passwd in a mount namespace.
        for name, line in (("passwd", f"{ACCOUNT}:x:65533:65533::{folder}:/bin/false\n"),
                           ("group", f"{ACCOUNT}:x:65533:\n")):
            (folder / name).write_text(Path("/etc", name).read_text(encoding="utf-8") + line)
        for name in ("spool", "log"):
            (folder / name).mkdir()
            os.chown(folder / name, 65533, 65533)
        script = (f"mount --bind {folder}/passwd /etc/passwd && mount --bind {folder}/group /etc/group && "
                  f"exec {self.root}/{BINARY} -C {folder}/exim.conf -bdf")
        self.process = Process("exim", [*OWN_MOUNTS, "sh", "-c", script], folder / "exim.log",
                               env={"LD_LIBRARY_PATH": library_path(self.root)})

    def start(self):
        self.process.start(ready=lambda: is_listening(self.port))
        return self
