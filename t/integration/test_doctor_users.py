"""posternctl doctor finds users who cannot log in, profiles without use or recipients, and addresses of several users."""

import json

import pytest

from harness.doctor import STORE, examine, good_set_up, paste
from harness.wait import wait_until

GOOD_HASH = STORE["users"][0]["password"]


@pytest.fixture(scope="module", name="good")
def fixture_good(shared_box):
    return good_set_up(shared_box)[0]


def user(number, name, password=GOOD_HASH, **columns):
    return {"id": number, "username": name, "froms": f"{name}@example.com", "profileId": 1, "password": password, **columns}


def store_of(daemon, users=(), profiles=()):
    """Write a store with bob and staff, which are good, and others."""
    daemon.write_store({"profiles": [*STORE["profiles"], *profiles], "users": [*STORE["users"], *users]})


def test_good_users_raise_no_alarm(good):
    """Locks, users who are off, tokens' profiles and shared domains are as they are meant."""
    store_of(good, [user(2, "locked", "*"), user(3, "off", "", enabled=False), user(4, "a", froms="@example.com"),
                    user(5, "b", froms="@example.com,b@example.com,.example.org"), user(6, "c", froms=".example.org")])
    assert examine(good, "users", "limits").is_clean()


@pytest.mark.parametrize("password, scheme", [
    ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{SSHA}"),
    ("$1$saltsalt$2vnaRpHa6Jxjz5n83ok8Z0", "$1$"),
    ("letmein", "no known scheme"),
    ("$letmein$ab", "no known scheme"),
])
def test_hashes_that_cannot_be_checked_are_counted_by_scheme(good, password, scheme):
    store_of(good, [user(2, "eve", password), user(3, "zoe", password), user(4, "joe", "$2y$05$")])
    report = examine(good, "users")
    finding = report.the(f"2 users, {'eve' if 'users, eve' in str(report) else 'zoe'} among them, have a password that "
                         f"cannot be checked: {scheme}", "no-effect")
    assert "letmein" not in json.dumps(report.findings)
    assert len(finding["commands"]) == 2 and "user passwd" in finding["commands"][0]["shell"]
    report.the("the user joe has a password that cannot be checked: $2y$")


def test_a_store_without_any_usable_password_harms_all(good):
    good.write_store({"profiles": STORE["profiles"], "users": [user(1, "bob", "{PLAIN}x")]})
    examine(good, "users").the("{PLAIN}", "mail")


def test_a_user_without_a_password_beside_others_is_found(good):
    store_of(good, [user(2, "eve", "")])
    finding = examine(good, "users").the("the user eve has no password", "advice")
    assert [command["shell"].split()[-3:] for command in finding["commands"]] == [["user", "passwd", "eve"]]


def test_a_profile_that_nobody_has_is_found(good):
    store_of(good, profiles=[{"id": 2, "name": "left over", "open": True}])
    report = examine(good, "users")
    assert report.code == 0
    report.the("no user has the profile left over", "advice")
    assert examine(good, "users", "--strict").code == 1


@pytest.mark.parametrize("columns, what", [
    ({"open": False}, "it is not open"),
    ({"open": False, "host": " , ", "rcpt": ""}, "it is not open"),
    ({"open": True, "limits": "0/1d"}, "its limits contain 0"),
])
def test_a_profile_that_allows_nobody_is_found_and_mended(good, columns, what):
    store_of(good, [user(2, "eve", profileId=2)], [{"id": 2, "name": "it's new", **columns}])
    paste(examine(good, "users").the(what, "no-effect"))
    assert examine(good, "users").is_clean()


def test_an_address_of_two_users_is_found(good):
    store_of(good, [user(2, "eve", froms="Eve@example.com,BOB@example.com")])
    finding = examine(good, "users").the("the address bob@example.com belongs to the users", "advice")
    assert "bob" in finding["problem"] and "eve" in finding["problem"]
    assert "shared mailbox" in finding["cure"]


@pytest.mark.parametrize("name", ["alice", "ALICE@example.com"])
def test_an_address_that_follows_from_a_login_is_compared(good, name):
    store_of(good, [user(2, name, froms=""), user(3, "eve", froms="Alice@example.com")])
    finding = examine(good, "users").the("the address alice@example.com belongs to the users", "advice")
    assert name in finding["problem"] and "eve" in finding["problem"]


def test_only_some_of_many_rows_are_listed(good):
    store_of(good, [user(number, f"u{number}", froms="bob@example.com") for number in range(2, 40)],
             [{"id": number, "name": f"p{number}", "open": True} for number in range(2, 40)])
    report = examine(good, "users")
    assert len([finding for finding in report.findings if "no user has the profile" in finding["problem"]]) == 5
    report.the("and 33 more profiles without users")


def test_rows_of_a_database_are_examined_in_its_copy(box):
    server = box.postgres(files=("schema.sql", "feed.sql"))
    server.query("INSERT INTO haraka.profiles (name, open) VALUES ('new', false)")
    server.query("INSERT INTO haraka.users (username, password, froms, \"profileId\") VALUES "
                 f"('bob', '{GOOD_HASH}', 'bob@example.com', 1)")
    daemon, _ = good_set_up(box, store="", start=False, config={
        "database": {"conninfo": server.conninfo()}, "store": {"path": "run/store.json"}})
    daemon.create()
    daemon.store_path.unlink(missing_ok=True)
    report = examine(daemon, "users")
    assert report.unexamined and report.unexamined[0]["subject"] == "users", report
    daemon.start(ready=daemon.store_path.exists)
    finding = examine(daemon, "users").the("the profile new allows no recipient")
    server.query("\n".join(command["sql"] for command in finding["commands"]))
    wait_until(lambda: examine(daemon, "users").is_clean(), "the copy has the change")
