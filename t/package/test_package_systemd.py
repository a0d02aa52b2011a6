"""The package under systemd as the first process: the unit starts, reloads, survives a hang and a crash, and stops."""

import debian_root

BEFORE = r"""
printf '%s\n' 'postfix postfix/main_mailer_type select Internet Site' 'postfix postfix/mailname string mx.example.com' |
    debconf-set-selections
apt-get -q -y --no-install-recommends install systemd-sysv postfix
"""

FUNCTIONS = r"""
trap '[ $? = 0 ] || journalctl --no-pager -n 100' EXIT
fail() { echo "not ok: $*"; exit 1; }
is() { [ "$1" = "$2" ] || fail "'$1' is not '$2'"; }
fails() { ! "$@" || fail "succeeds: $*"; }  # bash -e ignores the status of ! COMMAND
property() { systemctl show --value -p "$1" postern; }
# Wait for at most a minute until a command succeeds.
until_ok() {
    local i
    for ((i = 0; i < 300; i++)); do
        ! "$@" > /dev/null 2>&1 || return 0
        sleep 0.2
    done
    fail "never: $*"
}
is_other() { [ "$(property MainPID)" != "$1" ] && [ "$(property ActiveState)" = active ]; }
step() { echo "== $*"; pid=$(property MainPID); }
"""

UNIT = FUNCTIONS + r"""
folder=/var/spool/postfix/postern

step install
apt-get -q -y --no-install-recommends install /given/postern.deb
is "$(property UnitFileState) $(property ActiveState) $(property NRestarts)" 'enabled active 0'
is "$(stat -c '%F %U:%G %a' $folder/postern.sock)" 'socket postern:postfix 660'
is "$(ps -o user= -p "$(property MainPID)")" postern
posternctl status
postern -n
systemd-analyze security --offline=yes --threshold=13 /lib/systemd/system/postern.service | tail -1

step a refusal
systemctl start postfix
postconf -e 'smtpd_milters = unix:postern/postern.sock' 'milter_default_action = tempfail'
postfix reload
echo ads@spam.example >> /etc/postern/lists/mail_from.access.blacklist
refuses() { swaks --server localhost --from ads@spam.example --to root@localhost --quit-after MAIL | grep -F ' 550 5.7.1 '; }
until_ok refuses

step reload
systemctl reload postern
is "$(property MainPID)" "$pid"
echo '[nonsense]' >> /etc/postern/postern.conf
fails systemctl reload postern
is "$(property MainPID) $(property ActiveState)" "$pid active"
sed -i '$d' /etc/postern/postern.conf
systemctl reload postern

step restart
systemctl restart postern
is_other "$pid"
until_ok refuses

step a setting that the unit forbids
cp /etc/postern/postern.conf /root
sed -i 's/^\[auth\]/&\nsocket_group = mail/; s/^\[milter\]/&\nsocket = unix:\/srv\/sock/' /etc/postern/postern.conf
fails postern -n > /root/said 2>&1
cat /root/said
grep -q '^error: .*\[auth\] socket_group: .*SupplementaryGroups=mail and PrivateUsers=no$' /root/said
grep -q '^error: .*\[milter\] socket: .*ReadWritePaths=/srv$' /root/said
mkdir /etc/systemd/system/postern.service.d
printf '%s\n' '[Service]' SupplementaryGroups=mail PrivateUsers=no ReadWritePaths=/srv > /etc/systemd/system/postern.service.d/own.conf
chown postern /srv
systemctl daemon-reload
postern -n
systemctl restart postern
is "$(stat -c %G $folder/auth) $(stat -c %F /srv/sock)" 'mail socket'
cp /root/postern.conf /etc/postern/postern.conf

step a hang
printf '%s\n' '[Service]' WatchdogSec=6 > /etc/systemd/system/postern.service.d/own.conf
systemctl daemon-reload
systemctl restart postern
pid=$(property MainPID)
kill -STOP "$pid"
until_ok is_other "$pid"
journalctl --no-pager -u postern | grep -q 'Watchdog timeout'
until_ok refuses

step a crash
rm -r /etc/systemd/system/postern.service.d
systemctl daemon-reload
systemctl restart postern
pid=$(property MainPID)
kill -KILL "$pid"
until_ok is_other "$pid"
until_ok refuses

step sockets that systemd holds
commands=$(sed -n 's/^#   //p' /usr/share/doc/postern/examples/postern.socket)
cd /usr/share/doc/postern/examples
eval "$commands"
is "$(property ActiveState)" active
inode=$(stat -c %i $folder/auth)
systemctl restart postern
is "$(stat -c %i $folder/auth)" "$inode"
postern -n
systemctl disable --now postern.socket
rm /etc/systemd/system/postern.socket
systemctl daemon-reload

step stop
systemctl restart postern
systemctl stop postern
is "$(property ActiveState) $(property Result)" 'inactive success'
test ! -e $folder/postern.sock -a ! -e $folder/auth -a ! -e /run/postern
systemctl start postern

step upgrade
pid=$(property MainPID)
apt-get -q -y --reinstall install /given/postern.deb
is_other "$pid"
is "$(property NRestarts)" 0

step an upgrade to a version that would not start
echo '[nonsense]' >> /etc/postern/postern.conf
apt-get -q -y --reinstall install /given/postern.deb > /root/said 2>&1
cat /root/said
grep -q 'postern was not restarted, because a new daemon should not start now' /root/said
is "$(property MainPID) $(property ActiveState)" "$pid active"
sed -i '$d' /etc/postern/postern.conf

step purge
apt-get -q -y purge postern
fails systemctl cat postern
fails pgrep -x postern
test ! -e /etc/postern -a ! -e /var/lib/postern -a ! -e $folder -a ! -e /run/postern
echo '== end'
"""


def test_the_unit_under_systemd(debian, deb, tmp_path):
    link = tmp_path / "postern.deb"
    link.symlink_to(deb)
    output, status = debian_root.boot_in(debian, tmp_path, BEFORE, UNIT, [link])
    assert (status, output.endswith("== end\n")) == (0, True), output[-12000:]
