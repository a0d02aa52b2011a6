"""postern -n reads the tables of a database of which there is no copy, as a daemon that starts does."""

import pytest

FILES = ("schema.sql", "feed.sql", "role.sql", "sample.sql")


@pytest.fixture(name="db", scope="module")
def fixture_db(shared_box):
    return shared_box.postgres(files=FILES)


def check(box, db, **database):
    daemon = box.postern(start=False, config={"profile": {"default_domain": "example.com"},
                                              "database": {"conninfo": db.conninfo(user="postern"), **database}})
    return daemon.check_config()


def test_good_tables_raise_no_alarm(box, db):
    status, output = check(box, db)
    assert status == 0 and "no error, 0 problems" in output, output


@pytest.mark.parametrize("key, value, text", [
    ("users_query", "SELECT id, username, password, \"profileId\" FROM users", 'users_query: column "froms" is missing'),
    ("users_query", "SELEC * FROM users", "users_query"),
    ("profiles_query", "SELECT * FROM profile", "profiles_query"),
    ("schema", "harakaa", "profiles_query"),
])
def test_tables_that_cannot_be_read_are_found_beforehand(box, db, key, value, text):
    status, output = check(box, db, **{key: value})
    assert status == 66, output
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert text in line and "a daemon that starts has no policy" in line, line


def test_a_role_without_rights_is_found_beforehand(box, db):
    db.query("CREATE ROLE bare LOGIN")
    status, output = check(box, db, conninfo=db.conninfo(user="bare"))
    assert status == 66 and "a daemon that starts has no policy" in output, output


def test_bad_rows_are_found_beforehand(box, db):
    db.query("CREATE VIEW haraka.bad AS SELECT id, username, password, 'nobody' AS froms, \"profileId\" FROM haraka.users "
             "WHERE username = 'alice'; GRANT SELECT ON haraka.bad TO postern")
    status, output = check(box, db, users_query="SELECT * FROM bad")
    assert status == 0 and "users id 2 (alice): froms[1]" in output, output
