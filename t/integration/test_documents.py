"""
Every command of the README, of docs/ and of the man pages' examples: run in its order, on copies of this system whose
changes vanish, with Postfix and PostgreSQL as Debian installs them. t/package does the same with the README in a new
Debian.
"""

import itertools
import shlex
import subprocess
import sys

import pytest

from harness.box import needs_root
from harness.packages import OWN_MOUNTS
from harness.postern import BUILD, ROOT

sys.path.insert(0, str(ROOT / "t/walk"))

import documents  # noqa: E402

FURTHER = (*documents.PAGES, *documents.MANUAL)
WALK = ROOT / "t/walk/walk"
SKIP = "--skip '^apt-get install'"  # t/deps.sh and FIRST do that; there is no network

# Arguments: a folder, the folders of the lower layers, a script and its arguments.
SYSTEM = f"""
set -eu
mkdir -p "$1"/upper "$1"/work "$1"/root
mount -t overlay overlay -o lowerdir="$2",upperdir="$1"/upper,workdir="$1"/work "$1"/root
root=$1/root
mount -t proc proc $root/proc
mount -t tmpfs -o mode=755 tmpfs $root/dev
for node in null zero full random urandom tty; do
    : > $root/dev/$node && mount --bind /dev/$node $root/dev/$node
done
mkdir $root/dev/pts $root/dev/shm && mount -t tmpfs -o mode=1777 tmpfs $root/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts $root/dev/pts
ln -s pts/ptmx $root/dev/ptmx && ln -s /proc/self/fd $root/dev/fd
for number in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/${{number%:*}} $root/dev/${{number#*:}}; done
mount -t tmpfs -o mode=755 tmpfs $root/run
mount -t tmpfs -o mode=1777 tmpfs $root/tmp
mkdir -p $root{ROOT} $root/steps
mount --bind {ROOT} $root{ROOT}
cp "$3" $root/steps/script
ip link set lo up
cd /
exec chroot $root /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root bash -eu /steps/script "${{@:4}}"
"""

# It takes the lines that are sent to /dev/log, and drops them.
LOG_DAEMON = shlex.join(["/usr/bin/python3", "-c", """
import os, socket
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
os.chmod("/dev/log", 0o666)
while True:
    log.recv(65536)
"""])

FUNCTIONS = f"""
# Argument: whether PostgreSQL is needed. The log daemon ends with the namespace of processes.
start() {{
    {LOG_DAEMON} &
    while ! test -S /dev/log; do sleep 0.1; done
    mkdir -p /run/postgresql /run/lock && chown postgres: /run/postgresql
    test "$1" = no || pg_lsclusters -h | while read -r version cluster _; do pg_ctlcluster $version $cluster start; done
    service postfix start > /dev/null
    service postern start
}}
stop() {{
    service postern stop
    postfix stop 2> /dev/null || :
    pg_lsclusters -h | while read -r version cluster _; do pg_ctlcluster $version $cluster stop -m fast; done
}}
walk() {{
    cd {ROOT}
    {WALK} {SKIP} "$@"
}}
"""

# What the packages of Postern, Postfix and PostgreSQL do.
FIRST = FUNCTIONS + f"""
rm -rf /etc/postern /var/lib/postern /var/spool/postfix/postern
! getent passwd postern > /dev/null || userdel postern
make -C {ROOT} -s -o all BUILD={BUILD.relative_to(ROOT)} prefix=/usr install > /dev/null
install -m 755 /usr/share/doc/postern/examples/postern.init /etc/init.d/postern
mkdir -p /usr/local/share/doc && ln -sfn /usr/share/doc/postern /usr/local/share/doc/postern
mkdir -p /var/lib/postern
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
sed -i 's/^smtp  *inet  *n  *-  *[-yn]/smtp inet n - y/' /etc/postfix/master.cf
printf '%s\\n' 'compatibility_level = 3.6' 'myhostname = mx.example.com' 'inet_interfaces = 127.0.0.1' \\
    'default_transport = discard:' 'local_transport = discard:' 'mydestination = mx.example.com, localhost' \\
    'smtpd_tls_chain_files = /etc/postfix/pem' 'smtpd_tls_security_level = may' 'maillog_file = /var/log/postfix.log' \\
    'alias_maps = hash:/etc/aliases' > /etc/postfix/main.cf
: > /etc/aliases && postalias /etc/aliases
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=mx.example.com -keyout /root/key -out /root/cert 2> /dev/null
cat /root/key /root/cert > /etc/postfix/pem
for version in $(ls /usr/lib/postgresql); do
    pg_lsclusters -h | grep -q "^$version" || pg_createcluster $version main > /dev/null
done
mkdir -p /etc/cron.hourly
getent group Debian-exim > /dev/null || groupadd --system Debian-exim
mkdir -p /etc/haraka
printf '%s\\n' access limit > /etc/haraka/plugins
printf '[check]\\nhelo=true\\n' > /etc/haraka/access.ini
echo .spam.example > /etc/haraka/mail_from.access.blacklist
printf '[rate_conn]\\nenabled=true\\ndefault=5/1m\\n' > /etc/haraka/limit.ini
sh {ROOT}/debian/postern.postinst configure
start yes
runuser -u postgres -- createdb haraka
runuser -u postgres -- psql -q -d haraka < {ROOT}/t/integration/pg_profile_schema.sql
walk --until {documents.DATABASE} {documents.README}
stop
"""

# Arguments: what walk takes. The man pages' examples make a store; and the configuration of a Haraka, which they take over.
LATER = FUNCTIONS + """
case $1 in *.[1-8]) rm /var/lib/postern/store.json ;; esac
if grep -q postgres "$1"; then start yes; else start no; fi
walk "$@"
"""

DATABASE = FUNCTIONS + f"""
start yes
walk --from {documents.DATABASE} {documents.README}
walk "$@"
"""

# Arguments: a folder, the folder of the scripts, and triples: the name of a walk, its script and its document.
ALL = """
set -eu
mount -t tmpfs -o mode=755 tmpfs "$1"
export top=$1 steps=$2
cd "$1"
system() {
    unshare -m -n -p -f --kill-child bash "$steps"/system "$top"/"$1" "$2" "$steps"/"$3" "${@:4}" > "$steps"/log.$1 2>&1 &&
        echo '== all' >> "$steps"/log.$1 || :
}
export -f system
system first / first
printf '%s\\n' "${@:3}" | xargs -n 3 -P 4 bash -c 'system "$1" "$top"/first/upper:/ "$2" "$3"' walk
"""


def walk_of(path):
    """The name of a document's walk."""
    return "first" if path == documents.README else str(path.relative_to(ROOT)).replace("/", "-")


@pytest.fixture(name="walks", scope="module")
def fixture_walks(tmp_path_factory):
    """The output of each walk, by the name of its document."""
    needs_root()
    for program in ("postfix", "pg_lsclusters", "runuser", "openssl", "ip", "unshare", "swaks", "jq"):
        if subprocess.run(["which", program], capture_output=True, check=False).returncode != 0:
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("walk")
    if subprocess.run([*OWN_MOUNTS, "sh", "-c", f"mount -t tmpfs t {folder} && cd {folder} && mkdir u w m && mount -t "
                       "overlay o -o lowerdir=/,upperdir=u,workdir=w m"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine cannot mount an overlay")
    steps = tmp_path_factory.mktemp("steps")
    for name, text in (("all", ALL), ("system", SYSTEM), ("first", FIRST), ("later", LATER), ("database", DATABASE)):
        (steps / name).write_text(text)
    triples = [(walk_of(path), "database" if path.name in documents.AFTER_DATABASE else "later", path) for path in FURTHER]
    subprocess.run([*OWN_MOUNTS, "bash", steps / "all", folder, steps, *itertools.chain(*triples)], check=True, timeout=900)
    return {path.name[4:]: path.read_text() for path in steps.glob("log.*")}


@pytest.mark.xdist_group("documents")
@pytest.mark.parametrize("name", map(walk_of, (documents.README, *FURTHER)))
def test_the_commands_work(walks, name):
    assert walks[name].endswith("== all\n"), walks[name][-8000:]
