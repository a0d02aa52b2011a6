"""The code that reads and follows the tables of PostgreSQL names none of them, except in their descriptors."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DESCRIPTORS = ("milter/pg/row_tables.c", "milter/pg/row_tables.h")
NAMED = re.compile(r"\bFEED_(?!TABLES\b|CHANGES_INIT\b|FUNCTIONS\b|TABLES_READ\b)[A-Z]+\b|\b(?:users|profiles)(?:_\w+)?\b")
COMMENTS = re.compile(r"/\*.*?\*/", re.S)


def names_in(text):
    return NAMED.findall(COMMENTS.sub("", text))


def readers():
    files = [*(ROOT / "milter/pg").glob("*.[ch]"), *(ROOT / "milter/cache").glob("database*.[ch]")]
    return sorted(file for file in files if str(file.relative_to(ROOT)) not in DESCRIPTORS)


def test_the_reader_names_no_table():
    assert len(readers()) > 20
    assert {file.name: names_in(file.read_text(encoding="utf-8")) for file in readers()
            if names_in(file.read_text(encoding="utf-8"))} == {}


@pytest.mark.parametrize("text", ["load(FEED_USERS);", "profiles_unref(&set);", 'sql = "SELECT * FROM users";'])
def test_a_name_is_found(text):
    assert names_in(text)


def test_comments_may_name_tables():
    assert names_in('/* such as users */ enum feed_table table = FEED_TABLES;') == []
