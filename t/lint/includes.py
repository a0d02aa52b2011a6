#!/usr/bin/env python3
"""Check includes: rooms depend on each other in one direction, and only its one or two owners include a library.

Usage: t/lint/includes.py [ROOT]
Prints one line, file:line: reason, for each include that breaks a rule; exits with 1 if one does.
"""

import fnmatch
import pathlib
import re
import sys

import command

# Each room, and the rooms below it that it may include. A room may include itself; t/ may include all.
RULES = ["lib/base", "lib/match", "lib/rules", "lib/auth", "lib/decide"]
LIB = RULES + ["lib/conf", "lib/store"]
COMMON = LIB + ["milter/base", "milter/loop", "milter/log", "milter/shared"]
ROOMS = {
    "lib/base": [],
    "lib/match": ["lib/base"],
    "lib/rules": ["lib/base", "lib/match"],
    "lib/auth": ["lib/base", "lib/match"],
    "lib/decide": ["lib/base", "lib/match", "lib/rules", "lib/auth"],
    "lib/conf": RULES,
    "lib/store": RULES + ["lib/conf"],
    "milter/base": LIB,
    "milter/log": LIB + ["milter/base"],
    "milter/loop": LIB + ["milter/base", "milter/log"],
    "milter/shared": LIB + ["milter/base", "milter/loop", "milter/log"],
    "milter/smtp": COMMON,
    "milter/ledger": COMMON,
    "milter/pg": COMMON,
    "milter/auth": COMMON,
    "milter/cache": COMMON + ["milter/pg"],
    "milter/control": COMMON + ["milter/smtp", "milter/ledger", "milter/auth", "milter/cache"],
    "milter": COMMON + ["milter/smtp", "milter/ledger", "milter/pg", "milter/auth", "milter/cache", "milter/control"],
    "ctl": LIB,
    "ctl/doctor": LIB + ["ctl"],
}
ROOMS["t"] = list(ROOMS)

# Each library: patterns of its headers, and the only files that may include them. Tests may include any,
# because they play the other side.
LIBRARIES = {
    "libpq": (
        ["libpq-fe.h", "libpq/*", "postgresql/*", "postgres_ext.h", "pg_config*.h"],
        ["milter/pg/*"],
    ),
    "libmilter": (
        ["libmilter/*", "mfapi.h", "mfdef.h"],
        ["milter/smtp/callbacks*", "milter/smtp/reply.[ch]"],
    ),
    "libevent": (
        ["event.h", "event2/*", "evutil.h", "evhttp.h", "evdns.h"],
        ["milter/loop/server*", "milter/control/*", "milter/auth/*"],
    ),
    "jansson": (["jansson.h", "jansson_config.h"], ["lib/store/*", "lib/decide/explain.[ch]", "milter/*", "ctl/*", "lib/auth/jwt*"]),
    "libpsl": (["libpsl.h"], ["lib/match/orgdomain.c"]),
    "PCRE2": (["pcre2.h", "pcre2posix.h"], ["lib/match/regexlist.c", "lib/match/regex_*.[ch]"]),
    "hyperscan": (["hs.h", "hs/*", "hs_*.h"], ["lib/match/regex_prefilter.c"]),
    "libidn2": (["idn2.h", "idna.h", "stringprep.h"], ["lib/match/domain.c"]),
    "libcrypt": (["crypt.h"], ["lib/auth/password.c"]),
    "OpenSSL": (["openssl/*"], ["lib/auth/*", "lib/store/store_*"]),
    "check": (["check.h"], []),
    "syslog": (["syslog.h", "sys/syslog.h"], ["milter/log/log_level.h"]),
}

# lib/ opens no sockets and starts no threads, and only two of its rooms read files. (arpa/inet.h and netinet/in.h
# define addresses, not sockets; pthread.h is for locks, and for lib/conf/stack, which lends a program a thread.)
READ_FILES = ("lib/conf", "lib/store")
NOT_IN_LIB = ["fcntl.h", "poll.h", "dirent.h", "sys/un.h", "sys/epoll.h", "sys/inotify.h",
              "sys/select.h", "sys/stat.h", "sys/mman.h", "netdb.h", "threads.h"]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>|(\S+))')
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def room_of(path):
    """The room that contains a path of the repository, or None."""
    for room in sorted(ROOMS, key=len, reverse=True):
        if path.startswith(room + "/"):
            return room
    return None


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def check_own(root, path, included):
    """The reason why a quoted include is wrong, or None."""
    if included == "config.h":
        return None
    room, target = room_of(path), room_of(included)
    if target is None or ".." in included.split("/"):
        return f'"{included}" is not written from the root of the tree'
    if not (root / included).is_file():
        return f'"{included}" does not exist'
    if target != room and target not in ROOMS[room]:
        return f"{room} may not include {target} ({included})"
    if target != room and room != "t" and included.endswith("_private.h"):
        return f"{included} is private to {target}"
    return None


def check_system(path, included):
    """The reason why an include in angle brackets is wrong, or None."""
    if room_of(path) == "t":
        return None
    for library, (headers, owners) in LIBRARIES.items():
        if matches(included, headers) and not matches(path, owners):
            where = " and ".join(owners) or "t/"
            return f"{library} ({included}) belongs to {where}"
    if path.startswith("lib/") and room_of(path) not in READ_FILES and included in NOT_IN_LIB:
        return f"lib/ has no sockets, files or threads ({included})"
    if room_of(included):
        return f"<{included}> is a header of this project: write it in quotes"
    return None


def check_file(root, path):
    text = (root / path).read_text(encoding="utf-8")
    text = COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"), text)
    for number, line in enumerate(text.split("\n"), 1):
        include = INCLUDE.match(line)
        if not include:
            continue
        own, system, computed = include.groups()
        if computed:
            reason = f"a computed include ({computed}) cannot be checked"
        elif own:
            reason = check_own(root, path, own)
        else:
            reason = check_system(path, system)
        if reason:
            yield f"{path}:{number}: {reason}"


def sources(root):
    """Every C file of the tree's rooms, as paths from the root."""
    for top in sorted({room.split("/")[0] for room in ROOMS}):
        for path in sorted((root / top).rglob("*.[ch]")):
            yield path.relative_to(root).as_posix()


def check_tree(root):
    """One line for each include under root that breaks a rule."""
    lines = []
    for path in sources(root):
        if room_of(path) is None:
            lines.append(f"{path}:1: belongs to no room of t/lint/includes.py: add its directory to ROOMS")
        else:
            lines += check_file(root, path)
    return lines


if __name__ == "__main__":
    sys.exit(command.run(check_tree, sys.argv[1:]))
