"""Installing, upgrading, removing and purging the package in a new Debian, with a Postfix that is installed before or after it."""

import re

import pytest
from building import ROOT, unpacked

RULES = ROOT / "etc/logcheck/ignore.d.server/postern"

START = r"""
fail() { echo "not ok: $*" >&2; tail -50 /var/log/syslog >&2; exit 1; }
is() { [ "$1" = "$2" ] || fail "'$1' is not '$2'"; }
fails() { ! "$@" || fail "succeeds: $*"; }  # bash -e ignores the status of ! COMMAND
install_postfix() {
    printf '%s\n' 'postfix postfix/main_mailer_type select Internet Site' 'postfix postfix/mailname string mx.example.com' |
        debconf-set-selections
    apt-get -q -y --no-install-recommends install postfix
}
install_postern() { apt-get -q -y --no-install-recommends "$@" install /given/postern.deb; }
starts() { grep -c 'postern.*: ready version=' /var/log/syslog; }
user_of() { ps -o user= -p "$(cat /run/postern/postern.pid)"; }
# Everything that an installation may leave: all files but those of dpkg, apt, logs and caches; and all accounts.
snapshot() {
    find / -xdev \( -path /proc -o -path /dev -o -path /given -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt \
        -o -path /var/cache -o -path /var/log -o -path /var/backups \) -prune -o -print | sort
    cut -d: -f1 /etc/passwd /etc/group /etc/shadow /etc/gshadow
}
"""


def test_the_readme_leads_to_a_refusal_a_login_and_a_changed_row(in_debian):
    """
    What autopkgtest runs: everything that the README shows, as a person types it, here with the installation of the
    package, but without its build.
    """
    output = in_debian(START + """
mkdir -p /source/debian /source/t && cd /source
cp -r /given/tests debian/tests && cp -r /given/walk t/walk && cp /given/README.md .
cp /given/postern.deb /postern_1_all.deb
install_postfix
cp /etc/postfix/master.cf /root
for name in postfix config; do
    bash debian/tests/$name
done
is "$(user_of)" postern
cmp /etc/postfix/master.cf /root/master.cf
for name in postern.sock auth; do
    is "$(stat -c '%F %U:%G %a' /var/spool/postfix/postern/$name)" 'socket postern:postfix 660'
done
is "$(stat -c '%U:%G %a' /var/spool/postfix/postern)" 'postern:postfix 2750'
echo "== log"
cat /var/log/syslog
""")
    assert "\n== README.md end\n" in output
    check_logcheck(output.partition("== log\n")[2])


def test_a_refusal_and_a_login_through_sendmail(in_debian):
    output = in_debian(START + """
mkdir -p /source/debian /source/t /source/docs && cd /source
cp -r /given/tests debian/tests && cp -r /given/walk t/walk && cp /given/README.md . && cp /given/sendmail.md docs
apt-get -q -y --no-install-recommends install sendmail libsasl2-modules
install_postern
bash debian/tests/sendmail
""", ROOT / "docs/sendmail.md")
    assert output.count("\nok: ") == 6


# The README replaces the store by a database.
WORTH_READING = r"verdict=reject|there is no database and no store|was not written by Postern; it is kept as"


def check_logcheck(log):
    """The rules of logcheck let through what needs no attention, and nothing else."""
    rules = re.findall(r"^\^.*$", (RULES).read_text(), re.M)
    lines = [line for line in log.splitlines() if re.search(r"postern\[\d+\]: ", line)]
    lines = ["Nov 29 12:00:00 mx " + line[line.index("postern["):] for line in lines]
    assert len(lines) > 10
    for name, letters in (("digit", "0-9"), ("alnum", "0-9A-Za-z"), ("alpha", "A-Za-z"), ("space", r"\s")):
        rules = [rule.replace(f"[:{name}:]", letters) for rule in rules]
    reported = [line for line in lines if not any(re.search(rule, line) for rule in rules)]
    assert sum("verdict=reject" in line for line in reported) == sum("verdict=reject" in line for line in lines) > 2
    assert not [line for line in reported if not re.search(WORTH_READING, line)]


def test_postfix_that_is_installed_later(in_debian):
    in_debian(START + """
install_postern
is "$(starts)" 1
test -S /run/postern/postern.sock -a -S /run/postern/auth
test ! -e /var/spool/postfix
install_postfix
is "$(starts)" 2
is "$(stat -c '%U:%G %a' /var/spool/postfix/postern)" 'postern:postfix 2750'
is "$(stat -c '%F %U:%G %a' /var/spool/postfix/postern/postern.sock)" 'socket postern:postfix 660'
test ! -e /run/postern/postern.sock
posternctl status --json | grep -q '"milter_socket": "unix:/var/spool/postfix/postern/postern.sock"'

# Another installation of Postfix restarts nothing.
apt-get -q -y --reinstall install postfix
is "$(starts)" 2

# A Postfix that is purged takes the folder with it, and a new one brings it back.
apt-get -q -y purge postfix
apt-get -q -y autoremove --purge
install_postfix
is "$(stat -c '%U:%G %a' /var/spool/postfix/postern)" 'postern:postfix 2750'
test -S /var/spool/postfix/postern/postern.sock
""")


@pytest.fixture(name="next_version", scope="module")
def fixture_next_version(deb, tmp_path_factory):
    """The package once more, with a higher version and a setting that has changed."""
    path = tmp_path_factory.mktemp("next") / "next.deb"
    with unpacked(deb, path) as files:
        control = files / "DEBIAN/control"
        control.write_text(re.sub(r"^(Version: .*)$", r"\1+1", control.read_text(), flags=re.M))
        conf = files / "etc/postern/postern.conf"
        conf.write_text(conf.read_text() + "# a line of the next version\n")
    return path


UPGRADES = START + """
install_postfix
install_postern
hash=$(posternctl hash <<< secret)
printf '{"format": "postern-store-1", "profiles": [], "users": [{"id": 1, "username": "bob", "password": "%s"}]}' "$hash" \\
    > /var/lib/postern/store.json
posternctl suspend eve
sum() { cat /var/lib/postern/store.json /var/lib/postern/suspended /etc/postern/lists/* | sha256sum; }
"""


def test_an_upgrade_keeps_what_the_administrator_has_changed(in_debian, next_version):
    in_debian(UPGRADES + """
echo ads@spam.example >> /etc/postern/lists/mail_from.access.blacklist
sed -i 's/^#default_domain =.*/default_domain = example.com/' /etc/postern/postern.conf
before=$(sum) conf=$(sha256sum < /etc/postern/postern.conf)

# From itself.
dpkg -i /given/postern.deb
is "$(sum)" "$before"
is "$(sha256sum < /etc/postern/postern.conf)" "$conf"
is "$(starts)" 2

# To a version with another postern.conf.
apt-get -q -y install -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold /given/next.deb
is "$(sum)" "$before"
is "$(sha256sum < /etc/postern/postern.conf)" "$conf"
grep -q 'of the next version' /etc/postern/postern.conf.dpkg-dist
is "$(starts)" 3
posternctl status
posternctl suspended | grep -q eve
""", next_version)


def test_an_upgrade_replaces_what_nobody_has_changed(in_debian, next_version):
    in_debian(UPGRADES + """
before=$(sum)
dpkg -i /given/next.deb
grep -q 'of the next version' /etc/postern/postern.conf
is "$(sum)" "$before"
is "$(starts)" 2
""", next_version)


def test_what_a_removal_keeps_and_a_purge_leaves(in_debian):
    in_debian(UPGRADES + """
apt-get -q -y purge postern
snapshot > /tmp/before
install_postern
sed -i 's/^#default_domain =.*/default_domain = example.com/' /etc/postern/postern.conf
echo secret > /etc/postern/password
posternctl suspend eve

for i in 1 2; do
    service postern stop
    fails pgrep -x postern
    service postern start
    pgrep -x postern
done
test -S /var/spool/postfix/postern/postern.sock
apt-get -q -y remove postern
fails pgrep -x postern
test ! -e /usr/sbin/postern -a ! -e /var/spool/postfix/postern/postern.sock
grep -q '^default_domain' /etc/postern/postern.conf
test -e /var/lib/postern/suspended -a -e /etc/postern/password

install_postern
posternctl suspended | grep -q eve
apt-get -q -y purge postern
fails pgrep -x postern
snapshot > /tmp/after
diff /tmp/before /tmp/after || fail 'the purge left something'
test ! -e /etc/postern -a ! -e /var/lib/postern -a ! -e /var/spool/postfix/postern
is "$(dpkg-query -W -f '${db:Status-Status}' postern 2> /dev/null)" ''
postfix check
""")
