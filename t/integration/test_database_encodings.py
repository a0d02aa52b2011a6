"""In a database of any encoding, a byte that cannot become UTF-8 costs only its row, and the others are in force."""

import pytest

from harness.tables import OURS, follow, may, status, wait_may, wait_may_not
from harness.wait import wait_until

ALICE = ("alice", "alice@example.com", "rcpt@example.com")

# What the server stores in each encoding: a local part that becomes UTF-8, as this, and one that does not.
ENCODINGS = {
    "EUC_JP": (b"\xc6\xfc\xcb\xdc\xad\xa1", "\u65e5\u672c\u2460", b"\xa9\xa1"),
    "EUC_JIS_2004": (b"\xa4\xf7", "\u304b\u309a", b"\xa4\xfc"),  # one character becomes two
    "EUC_KR": (b"\xc7\xd1", "\ud55c", b"\xc9\xa1"),
    "EUC_CN": (b"\xd6\xd0", "\u4e2d", b"\xaa\xa1"),
    "EUC_TW": (b"\xc4\xe3\x8e\xa2\xa1\xa1", "\u4e2d\u4e42", b"\x8e\xa3\xa1\xa1"),
    "WIN1252": (b"\x80\xe4", "\u20ac\u00e4", b"\x81"),
    "WIN1253": (b"\xe1", "\u03b1", b"\xd2"),
    "LATIN3": (b"\xe4", "\u00e4", b"\xa5"),
    "ISO_8859_7": (b"\xe1", "\u03b1", b"\xff"),
    "MULE_INTERNAL": (None, "", b"\x81\xe4"),  # PostgreSQL cannot translate it to UTF-8 at all
}


@pytest.fixture(name="server", scope="module")
def fixture_server(shared_box):
    return shared_box.postgres()


def create(server, encoding, name=None):
    """A database of that encoding with the tables, the feed and the rows of sql/. Returns its name."""
    name = name or encoding.lower()
    server.query(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
                 dbname="postgres")
    for file in OURS:
        server.apply(file, dbname=name)
    return name


def do(server, name, sql):
    server.query("SET search_path = haraka; " + sql, dbname=name, client_encoding="SQL_ASCII")


def stored(raw):
    """SQL for these bytes in the database's encoding."""
    return f"convert_from('\\x{raw.hex()}'::bytea, getdatabaseencoding())"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_one_byte_that_the_server_cannot_translate_costs_only_its_row(box, server, encoding):
    good, text, bad = ENCODINGS[encoding]
    name = create(server, encoding)
    if good:
        do(server, name, f"UPDATE users SET froms = {stored(good)} || '@example.com' WHERE username = 'carol'")
    do(server, name, f"UPDATE users SET froms = 'bob@example.com,' || {stored(bad)} || '@example.com'"
       " WHERE username = 'bob@example.org'")
    daemon = follow(box, server, conninfo=server.conninfo(user="postern", dbname=name), full_reload_interval="1h")
    assert may(daemon, *ALICE)
    if good:
        assert may(daemon, "carol", f"{text}@example.com")
    assert not may(daemon, "bob@example.org", "bob@example.com")
    daemon.wait_log("(bob@example.org): froms is not UTF-8; the user is switched off")
    assert any("froms is not UTF-8" in text for text in status(daemon)["cache"]["problems"])
    wait_until(lambda: status(daemon)["database"]["feed"], "the feed is used")
    do(server, name, "UPDATE users SET enabled = false WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE, what="a change beside the bad row is in force")
    do(server, name, "UPDATE users SET froms = 'bob@example.com' WHERE username = 'bob@example.org'")
    wait_may(daemon, "bob@example.org", "bob@example.com", what="the corrected row is in force")
    wait_until(lambda: not status(daemon)["cache"]["problems"], "the problem is gone")
    daemon.stop()
    if good:
        assert f"{text}@example.com" in daemon.store_path.read_text(encoding="utf-8")


def test_queries_ids_and_arrays_are_translated_too(box, server):
    """A query with a literal reaches the server in its encoding; arrays are taken apart after the translation."""
    name = create(server, "EUC_JP", "ids")
    good, text, bad = ENCODINGS["EUC_JP"]
    do(server, name, f"""ALTER TABLE profiles ALTER rcpt TYPE text[] USING ARRAY[{stored(good)} || '@example.net', 'a,b'];
        ALTER TABLE users ALTER id DROP IDENTITY; ALTER TABLE users ALTER id TYPE text USING {stored(bad)} || id;
        ALTER TABLE users ADD COLUMN note text DEFAULT {stored(bad)};
        UPDATE users SET id = {stored(good)} WHERE username = 'alice';
        UPDATE users SET id = 'carol', username = {stored(bad)} WHERE username = 'carol';
        UPDATE users SET id = 'bob', username = {stored(good)}, froms = {stored(bad)} WHERE username = 'bob@example.org'""")
    daemon = follow(box, server, conninfo=server.conninfo(user="postern", dbname=name), full_reload_interval="1h",
                    users_query=f"SELECT * FROM users WHERE username <> '{text}'")
    wait_until(lambda: status(daemon)["database"]["feed"], "the feed is used")
    assert may(daemon, "alice", "alice@example.com", f"{text}@example.net")
    problems = status(daemon)["cache"]["problems"]
    assert any("the username is not UTF-8" in one for one in problems), problems
    assert not any(text in one for one in problems), "the query selects a row that it excludes"
    do(server, name, f"UPDATE users SET id = {stored(bad)}, froms = 'x@example.com' WHERE username = 'alice'")
    wait_may_not(daemon, *ALICE, what="a change of a row whose id cannot be translated is in force")
    assert status(daemon)["database"]["feed"]
