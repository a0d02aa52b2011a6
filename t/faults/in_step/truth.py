"""
What the tables and the list files contain, and the answer to every question that follows from it. This program shares
no code with Postern: it reads the tables by COPY in CSV, and the files line by line.
"""

import csv
import io
import re

import psycopg2
from harness.kept_store import read_kept

LOGINS = [f"u{number:02}" for number in range(14)]
VERSIONS = range(4)  # the sender addresses of a login: v0.u03@example.com ...
DOMAINS = [f"p{number}.example" for number in range(4)]  # those of the recipients
SIZE = 3000
COUNTED = "counted"  # the login whose messages the ledgers count. No question concerns it.
# What the lists may refuse. No row concerns these addresses, so that a difference in rows is always seen.
LISTED = {"senders": [f"s{number}@listed.example" for number in range(6)],
          "recipients": [f"r{number}@listed.example" for number in range(3)]}

QUESTIONS = [(kind, login, number)
             for login in LOGINS
             for kind, numbers in (("sender", VERSIONS), ("size", (SIZE,)), ("recipient", range(len(DOMAINS))))
             for number in numbers]
QUESTIONS += [(source, address, 0) for source, addresses in LISTED.items() for address in addresses]


def sender(login, version):
    return f"v{version}.{login}@example.com"


def recipient(number):
    return f"r@{DOMAINS[number]}"


class Unreadable(Exception):
    """The role cannot read the tables now, or the server does not answer."""


def _items(text):
    """The items of a list column: comma-separated text, or an array as COPY writes it."""
    text = text or ""
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].replace('"', "").replace("\\\\", "\\")
    return [item.strip() for item in text.split(",") if item.strip()]


def _bool(text, default):
    return default if text in (None, "") else text in ("t", "true", "yes", "on", "1")


def _is_broken(text):
    """Whether a text contains bytes that are not UTF-8."""
    return any("\udc80" <= letter <= "\udcff" for letter in text or "")


def _readable(row):
    """A user of whom only the name can be read is switched off."""
    if "username" in row and any(_is_broken(text) for text in row.values()):
        return {"id": row["id"], "username": row["username"], "froms": "", "profileId": "", "enabled": "f"}
    return row


class Rows:
    """The rows of both tables in one database snapshot."""

    def __init__(self, users, profiles):
        self.users = {row["username"].lower(): row for row in users if row["username"]}
        self.profiles = {row["id"]: row for row in profiles}
        self.raw_users = users
        self.key = (tuple(sorted(tuple(sorted(row.items())) for row in users)),
                    tuple(sorted(tuple(sorted(row.items())) for row in profiles)))

    def answers(self):
        """{question: answer} without the lists."""
        found = {}
        for login in LOGINS:
            user = self.users.get(login)
            stopped = None
            if user is None:
                stopped = "unknown"
            elif not _bool(user.get("enabled"), True):
                stopped = "stopped"
            found.update(self._of_user(login, user, stopped))
        return found

    def _of_user(self, login, user, stopped):
        owned = {item.lower() for item in _items(user.get("froms"))} if user else set()
        profile = self.profiles.get(user.get("profileId")) if user else None
        maxsize = int((profile or {}).get("maxsize") or 0)
        for version in VERSIONS:
            yield (("sender", login, version),
                   stopped or ("ok" if sender(login, version) in owned else "unknown"))
        yield ("size", login, SIZE), stopped or ("big" if 0 < maxsize < SIZE else "ok")
        for number in range(len(DOMAINS)):
            yield (("recipient", login, number),
                   stopped or ("ok" if profile and self._allows(profile, number) else "no"))

    @staticmethod
    def _allows(profile, number):
        return (_bool(profile.get("open"), False) or DOMAINS[number] in _items(profile.get("host"))
                or recipient(number) in _items(profile.get("rcpt"))
                or any(re.search(regex, recipient(number)) for regex in _items(profile.get("rcpt_re"))))


class Loader:
    """Reads the tables as a set-up's queries do, on a connection of its own."""

    def __init__(self, conninfo, schema, users_query, profiles_query):
        self.conninfo, self.schema = conninfo, schema
        self.queries = (users_query, profiles_query)
        self.connection = None

    def load(self, base=None):
        """base: rows whose users are still right."""
        for attempt in (1, 2):  # the connection may have been lost meanwhile
            try:
                return self._load(base)
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                self.close()
                if attempt == 2:
                    raise Unreadable(str(error)) from error
            except psycopg2.Error as error:
                self.connection.rollback()
                raise Unreadable(str(error)) from error
        return None

    def _load(self, base):
        if self.connection is None:
            self.connection = psycopg2.connect(self.conninfo, connect_timeout=5)
            self.connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        cursor = self.connection.cursor()
        cursor.execute(f"SET LOCAL search_path = {self.schema}; SET LOCAL lock_timeout = '20s'")
        users = base.raw_users if base else self._rows(cursor, self.queries[0])
        profiles = self._rows(cursor, self.queries[1])
        self.connection.commit()
        return Rows(users, profiles)

    @staticmethod
    def _rows(cursor, query):
        octets = io.BytesIO()
        cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH (FORMAT csv, HEADER)", octets)
        text = octets.getvalue().decode(errors="surrogateescape")
        return [_readable(row) for row in csv.DictReader(io.StringIO(text, newline="")) if not _is_broken(row["id"])]

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def _as_copied(value):
    """A value of the JSON store as COPY would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "t" if value else "f"
    return ",".join(value) if isinstance(value, list) else str(value)


def read_store(path):
    """The rows of the JSON store and its journal."""
    store = read_kept(path)
    return Rows(*([{key: _as_copied(value) for key, value in row.items()} for row in store[table]]
                  for table in ("users", "profiles")))


def read_list(path):
    """The entries of a list file; none if it does not exist."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return frozenset()
    entries = (re.sub(r"(^|\s)[#;].*", "", line).strip().lower() for line in lines)
    return frozenset(entry for entry in entries if entry)


def answers(rows, senders, recipients):
    """{question: answer} by rows and by the deny lists of senders and recipients."""
    found = rows.answers()
    for source, entries in (("senders", senders), ("recipients", recipients)):
        found.update({(source, address, 0): "listed" if address in entries else "ok" for address in LISTED[source]})
    return found
