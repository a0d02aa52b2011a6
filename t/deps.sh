#!/usr/bin/env bash
# Install the Debian packages that a set of targets needs; do nothing if all of them are installed.
# Prints first which packages are missing and why they are needed. Runs apt-get as root, or with sudo if sudo asks for
# no password; otherwise prints the command and exits with 1. Starts no service, asks nothing, removes no package.
# Usage: t/deps.sh [-n] build|demo|check|bench|package    (-n: only print the missing packages, and exit with 1 if there are any)
set -u

dry_run=no
if [ "${1-}" = -n ]; then
	dry_run=yes
	shift
fi
set_name=${1:-build}

# The processor determines which package contains libhs.
case $(dpkg --print-architecture 2>/dev/null) in
amd64 | i386) hs=libhyperscan-dev ;;
*) hs=libvectorscan-dev ;;
esac

# Each line: a package, and why it is needed.
build_packages="
gcc                 the compiler
libc6-dev           the C library's headers
make                the build
autoconf            makes configure
pkg-config          finds the libraries
libmilter-dev       talks to Postfix and Sendmail
libpq-dev           talks to PostgreSQL
libssl-dev          checksums and tokens (OpenSSL)
libjansson-dev      JSON
libpcre2-dev        regular expressions
$hs    long lists of regular expressions
libpsl-dev          public suffixes
publicsuffix        the list of public suffixes
libidn2-dev         international domain names
libcrypt-dev        password hashes
libevent-dev        the daemon's sockets
"
demo_packages="
postfix             the mail server of the demonstration
python3             the clients of the demonstration
"
check_packages="
check               unit tests
python3-pytest      integration tests
python3-pytest-xdist  integration tests in parallel
python3-psycopg2    integration tests with PostgreSQL
postgresql          integration tests with PostgreSQL
pgbouncer           random histories of databases
postfix-pgsql       benchmarks against Postfix's own lookups
dovecot-core        benchmarks against its auth daemon
sasl2-bin           integration tests of logins
libsasl2-modules    integration tests of logins
openssl             certificates for the tests
faketime            clocks that are wrong
valgrind            memory errors
clang               the second compiler, the fuzzers
libclang-rt-14-dev  the fuzzers' runtime
lld                 links the programs of clang, faster
clang-tidy          make lint
clang-format        make format
cppcheck            make lint
mandoc              checks of the man pages
m4                  Sendmail's configuration
iproute2            Sendmail's network
swaks               the documents' sessions
libnet-ssleay-perl  their TLS
jq                  the documents' commands that read JSON
adduser             the package's user
systemd             the score of the unit
"
bench_packages="
postfix-cdb         benchmarks against Postfix's own maps
postfix-pcre        benchmarks against Postfix's own maps
rspamd              benchmarks against it
redis-server        the counts of rspamd's rate limits
postfwd             benchmarks against it
"
package_packages="
dpkg-dev            builds the Debian package
debhelper           builds the Debian package
dh-apparmor         builds the Debian package
lintian             checks it
debootstrap         a Debian in which it is installed
apparmor            compiles its profile
python3-pytest      runs its tests
python3-yaml        reads what CrowdSec found
iproute2            their network
check               unit tests, a dependency of the build
"
# A Node that did not come from a package does as well.
if dpkg-query -W nodejs >/dev/null 2>&1 || ! command -v node >/dev/null; then
	check_packages+="nodejs              compares regular expressions with JavaScript
"
fi

case $set_name in
build) wanted=$build_packages ;;
demo) wanted=$build_packages$demo_packages ;;
check) wanted=$build_packages$demo_packages$check_packages ;;
bench) wanted=$build_packages$demo_packages$check_packages$bench_packages ;;
package) wanted=$build_packages$package_packages ;;
*)
	echo "usage: t/deps.sh [-n] build|demo|check|bench|package" >&2
	exit 2
	;;
esac
names=$(awk 'NF { print $1 }' <<<"$wanted")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "This is not Debian, so t/deps.sh installs nothing. 'make $set_name' needs these packages (Debian's names):" $names >&2
	exit 0
fi

# shellcheck disable=SC2086 # one word a package
installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' $names 2>/dev/null | awk '$1 == "ii" || $1 == "hi" { print $2 }')
missing=$(grep -vxF -f <(printf '%s\n' none-at-all $installed) <<<"$names")
if [ -z "$missing" ]; then
	exit 0
fi

echo "Missing for 'make $set_name':"
grep -wF -f <(printf '%s\n' $missing) <<<"$wanted" | sed 's/^/  /'
command="apt-get install --no-install-recommends"
command+=" $(echo $missing)"
if [ "$dry_run" = yes ]; then
	exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		echo "Installing needs root, and sudo asks for a password. As root, run:" >&2
		echo "  $command" >&2
		exit 1
	fi
	as_root=(sudo -n)
fi

# One at a time, because of the file below.
exec 9</usr/sbin && flock 9
policy=/usr/sbin/policy-rc.d
own_policy=no
restore() {
	[ "$own_policy" = no ] || "${as_root[@]}" rm -f "$policy"
}
trap restore EXIT
trap 'exit 1' HUP INT TERM

apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C.UTF-8 \
		apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@"
}

# Installed services must not start: the tests run private servers in directories of their own.
if ! [ -e "$policy" ]; then
	own_policy=yes
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" sh -c "cat >$policy && chmod 755 $policy" || exit 1
fi
if grep -qx postfix <<<"$missing"; then
	echo 'postfix postfix/main_mailer_type select No configuration' |
		"${as_root[@]}" debconf-set-selections || exit 1
fi

# apt-get update runs only if the present lists of packages do not suffice.
# --no-remove: a test must not replace the mail server of this machine.
echo "Installing:" $missing
# shellcheck disable=SC2086 # one word a package
if ! apt install --simulate $missing >/dev/null 2>&1; then
	apt update || exit 1
fi
# shellcheck disable=SC2086
if ! apt install --no-install-recommends --no-remove $missing; then
	# An outdated list names files that no longer exist: try again with new lists.
	apt update && apt install --no-install-recommends --no-remove $missing || {
		echo "apt-get could not install the missing packages. As root, run:" >&2
		echo "  $command" >&2
		exit 1
	}
fi
