"""
A Debian that debootstrap makes, and a script in a copy of it whose changes vanish: in mount, network and process
namespaces of its own, with a /dev and a system log of its own.
"""

import fcntl
import hashlib
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

from building import ROOT, run

sys.path.insert(0, str(ROOT / "t/integration"))

from harness.packages import OWN_MOUNTS, update_lists  # noqa: E402
from harness.postern import BUILD  # noqa: E402

CACHE = BUILD / "package"  # what is made once

NEEDED = ["python3", "procps", "openssl", "postgresql", "swaks", "libnet-ssleay-perl"]
LATER = [["postfix"], ["sendmail", "libsasl2-modules"], ["systemd-sysv"]]  # downloaded, and installed by the scripts that need them

# Arguments: an empty folder, the root, a folder of files for /given.
INSIDE = """
set -eu
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o lowerdir="$2",upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount -t tmpfs -o mode=755 tmpfs root/dev
for name in null zero full random urandom tty; do
    touch root/dev/$name
    mount --bind /dev/$name root/dev/$name
done
mkdir root/dev/shm root/dev/pts
mount -t tmpfs -o mode=1777 tmpfs root/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts root/dev/pts
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mkdir root/run/lock root/given
mount --bind "$3" root/given
# Without an init system and without this file, nothing is started.
printf '#!/bin/sh\\nexit 0\\n' > root/usr/sbin/policy-rc.d
chmod 755 root/usr/sbin/policy-rc.d
ip link set lo up
hostname mx.example.com
printf '127.0.0.1 localhost\\n127.0.1.1 mx.example.com mx\\n' > root/etc/hosts
echo mx.example.com > root/etc/hostname
"""

# The end of it for a script without an init system.
RUN = """
cd /
exec chroot "$1"/root /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root \\
    DEBIAN_FRONTEND=noninteractive bash -c '
        python3 /given/syslog.py &
        until test -S /dev/log; do sleep 0.05; done
        exec bash -eu /given/script'
"""

# The end of it with systemd as the init system, which runs the script, writes its status, and ends.
BOOT = """
mount -t sysfs -o ro sysfs root/sys
mount -t cgroup2 cgroup2 root/sys/fs/cgroup
printf '#!/bin/sh\\nexit 101\\n' > root/usr/sbin/policy-rc.d
chroot root /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \\
    bash -eu /given/before >> root/given/output 2>&1 || { cat root/given/output; exit 1; }
rm root/usr/sbin/policy-rc.d
: > root/etc/machine-id
cat > root/etc/systemd/system/given.service <<'END'
[Unit]
SuccessAction=exit-force
FailureAction=exit-force
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash -c 'bash -eu /given/script; echo $? > /given/status'
StandardOutput=append:/given/output
StandardError=inherit
Environment=LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive
END
printf '%s\\n' '[Unit]' 'Requires=basic.target given.service' > root/etc/systemd/system/given.target
mkdir root/before
cd root
pivot_root . before
umount -l /before
exec /usr/bin/env -i container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=given.target
"""

# Run a program in a control group of its own. Arguments: an empty folder, the program and its arguments.
CONTROL_GROUP = """
set -eu
mount -t cgroup2 cgroup2 "$1"
mkdir "$1/postern-$$"
echo $$ > "$1/postern-$$/cgroup.procs"
setpriv --pdeathsig KILL "${@:2}" || :
echo $$ > "$1/cgroup.procs"
find "$1/postern-$$" -depth -type d -exec rmdir {} +
"""

SYSLOG = """
import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    with open("/var/log/syslog", "ab", buffering=0) as file:
        while True:
            file.write(log.recv(65536).rstrip(b"\\0\\n") + b"\\n")
"""


def suite():
    """The code name of this Debian."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["VERSION_CODENAME"]


def mirror():
    """The first archive of this suite that apt-get uses."""
    for attempt in range(2):
        for line in run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)").splitlines():
            uri, _, release = line.partition(" ")
            if release == suite():
                return uri
        if attempt == 0:  # apt-get knows only archives whose lists it has
            update_lists()
    raise AssertionError(f"apt-get has no archive of {suite()}")


def _make(folder, depends):
    # Its mounts end with it, whatever ends it. In the root there is no TMPDIR of this system.
    run(*OWN_MOUNTS, "env", "-u", "TMPDIR", "debootstrap", "--variant=minbase", "--include=ca-certificates", suite(), folder, mirror())
    (folder / "etc/apt/sources.list").write_text(f"deb {mirror()} {suite()} main\n")
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    (folder / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (folder / "usr/sbin/policy-rc.d").chmod(0o755)

    def apt(*argv):
        run("chroot", folder, "/usr/bin/env", "-u", "TMPDIR", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "apt-get", "-q", "-y", "--no-install-recommends", *argv)

    apt("update")
    apt("install", *NEEDED)
    apt("satisfy", depends)
    apt("clean")
    for names in LATER:
        apt("install", "--download-only", *names)
    (folder / "usr/sbin/policy-rc.d").unlink()


def made(package):
    """The root with everything that a package depends on; it is made once."""
    depends = run("dpkg-deb", "-f", package, "Pre-Depends", "Depends")
    depends = ", ".join(line.partition(": ")[2] for line in depends.splitlines())
    recipe = repr((suite(), depends, NEEDED, LATER, inspect.getsource(_make)))
    root = CACHE / hashlib.sha256(recipe.encode()).hexdigest()[:16]
    new = CACHE / "new"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            shutil.rmtree(new, ignore_errors=True)
            try:
                _make(new, depends)
                new.rename(root)
            finally:
                shutil.rmtree(new, ignore_errors=True)
    return root


def _given(folder, files, **scripts):
    """The folder for /given, with these files and scripts, and an empty one for the mounts."""
    given = folder / "given"
    mounts = folder / "mounts"
    mounts.mkdir(parents=True)
    given.mkdir()
    for path in files:
        (shutil.copytree if path.is_dir() else shutil.copy)(path, given / path.name)
    for name, text in scripts.items():
        (given / name).write_text(text)
    return given, mounts


def _run(*argv):
    done = subprocess.run([*OWN_MOUNTS, *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          text=True, check=False, timeout=600)
    return done.stdout, done.returncode


def run_in(root, folder, script, files):
    """Run a script of bash as root in a copy of the root, with the files in /given. Return its output and its status."""
    given, mounts = _given(folder, files, **{"script": script, "syslog.py": SYSLOG})
    return _run("unshare", "-n", "-p", "-u", "-f", "--kill-child", "bash", "-c", INSIDE + RUN, "inside", mounts, root, given)


def boot_in(root, folder, before, script, files):
    """The same with systemd as the first process. The script `before` runs first; then systemd starts, and runs `script`."""
    given, mounts = _given(folder, files, before=before, script=script)
    (folder / "cgroup").mkdir()
    said, _ = _run("bash", "-c", CONTROL_GROUP, "cgroup", folder / "cgroup",
                   "unshare", "-m", "-C", "-i", "-n", "-p", "-u", "-f", "--kill-child",
                   "bash", "-c", INSIDE + BOOT, "inside", mounts, root, given)
    output, status = given / "output", given / "status"
    said += output.read_text(errors="replace") if output.exists() else ""
    return said, int(status.read_text()) if status.exists() else "systemd did not run the script"
