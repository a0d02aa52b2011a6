#!/usr/bin/env bash
# Install the Debian packages that a set of targets needs; do nothing where they are all there.
# Says first what is missing and what for. Runs apt-get as root, else through sudo when that asks no password,
# else prints the command and exits with 1. Starts no service, asks nothing, removes no package.
# Usage: t/deps.sh [-n] build|demo|check    (-n: only say what is missing; exits with 1 when something is)
set -u

dry_run=no
if [ "${1-}" = -n ]; then
	dry_run=yes
	shift
fi
set_name=${1:-build}

# Where libhs comes from depends on the processor.
case $(dpkg --print-architecture 2>/dev/null) in
amd64 | i386) hs=libhyperscan-dev ;;
*) hs=libvectorscan-dev ;;
esac

# Each line: a package, and what for.
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
publicsuffix        the list of them
libidn2-dev         international domain names
libcrypt-dev        password hashes
libevent-dev        the daemon's own sockets
"
demo_packages="
postfix             the mail server of the demonstration
python3             plays its clients
"
check_packages="
check               unit tests
python3-pytest      integration tests
python3-pytest-xdist  several of them at a time
python3-psycopg2    integration tests with PostgreSQL
postgresql          integration tests with PostgreSQL
postfix-pgsql       benchmarks against Postfix's own lookups
dovecot-core        benchmarks against its auth daemon
sasl2-bin           integration tests of logins
libsasl2-modules    integration tests of logins
openssl             certificates for the tests
valgrind            memory errors and leaks
clang               the second compiler, the fuzzers
libclang-rt-14-dev  the fuzzers' runtime
clang-tidy          make lint
clang-format        make format
cppcheck            make lint
mandoc              checks the man pages
m4                  Sendmail's configuration
"

case $set_name in
build) wanted=$build_packages ;;
demo) wanted=$build_packages$demo_packages ;;
check) wanted=$build_packages$demo_packages$check_packages ;;
*)
	echo "usage: t/deps.sh [-n] build|demo|check" >&2
	exit 2
	;;
esac
names=$(awk 'NF { print $1 }' <<<"$wanted")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "This is no Debian: t/deps.sh installs nothing. What $set_name needs, by Debian's names:" $names >&2
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
command="apt-get install --no-install-recommends" # the rest of it: see below
command+=" $(echo $missing)"
if [ "$dry_run" = yes ]; then
	exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		echo "This needs root, and sudo without a password is not to be had. As root, type:" >&2
		echo "  $command" >&2
		exit 1
	fi
	as_root=(sudo -n)
fi

policy=/usr/sbin/policy-rc.d
own_policy=no
restore() {
	[ "$own_policy" = no ] || "${as_root[@]}" rm -f "$policy"
}
trap restore EXIT
trap 'exit 1' HUP INT TERM

apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C.UTF-8 \
		apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}

# Nothing that is installed here is to be started, or configured beyond its own defaults: the tests run their
# own servers in folders of their own.
if ! [ -e "$policy" ]; then
	own_policy=yes
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" sh -c "cat >$policy && chmod 755 $policy" || exit 1
fi
if grep -qx postfix <<<"$missing"; then
	echo 'postfix postfix/main_mailer_type select No configuration' |
		"${as_root[@]}" debconf-set-selections || exit 1
fi

# apt-get knows what to fetch only from lists; it is asked to renew them when it can't do it all with what it has.
# --no-remove: another mail server that is in use here is not thrown out for a test.
echo "Installing:" $missing
# shellcheck disable=SC2086 # one word a package
if ! apt install --simulate $missing >/dev/null 2>&1; then
	apt update || exit 1
fi
# shellcheck disable=SC2086
if ! apt install --no-install-recommends --no-remove $missing; then
	# A list that is out of date names files that are gone: once more with new ones.
	apt update && apt install --no-install-recommends --no-remove $missing || {
		echo "apt-get could not install what is missing. By hand, as root:" >&2
		echo "  $command" >&2
		exit 1
	}
fi
