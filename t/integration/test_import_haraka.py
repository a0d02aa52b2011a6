"""
`posternctl import-haraka` makes a configuration that passes `postern -n` and decides as Haraka does, from directories
as Haraka's documentation shows them and from odd ones, and reports every line.
"""

import configparser
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness.postern import POSTERN, POSTERNCTL, ROOT, USER

sys.path.insert(0, str(ROOT / "t/cases"))
import cases  # noqa: E402  (beside the recorded decisions)

SECRET = "0123456789abcdef0123456789abcdef"


class Imported:
    """A directory of Haraka with these files, and what became of it."""

    def __init__(self, folder, files, args=()):
        self.haraka = folder / "haraka"
        self.out = folder / "out"
        self.haraka.mkdir()
        for name, content in files.items():
            path = self.haraka / name
            if content is None:
                path.mkdir()
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.done = subprocess.run([POSTERNCTL, "import-haraka", self.haraka, "-o", self.out, "--json", *args],
                                   capture_output=True, text=True, check=False, timeout=120)
        self.lines = json.loads(self.done.stdout)["lines"] if self.done.returncode in (0, 1) else []

    @property
    def conf(self):
        return self.out / "postern.conf"

    def setting(self, section, key):
        """The value in the new postern.conf; None if it is not there."""
        values = configparser.RawConfigParser(delimiters="=", comment_prefixes=";", strict=True)
        values.optionxform = str
        values.read_string(self.conf.read_text())
        return values.get(section, key, fallback=None)

    def list(self, name):
        return [line for line in (self.out / "lists" / name).read_text().splitlines() if line and line[0] not in "#;"]

    def reported(self, result, file, line=None):
        """The texts of the report's lines about a file."""
        return [entry["text"] for entry in self.lines
                if entry["result"] == result and entry["file"] == file and line in (None, entry["line"])]

    def check(self):
        """Run `postern -n` with the paths of a test. Returns (exit status, output)."""
        for folder in (self.out, self.out / "run"):
            folder.mkdir(exist_ok=True)
        if USER:
            shutil.chown(self.out / "run", USER)
            for name in ("password", "secret"):
                if (self.out / name).exists():
                    shutil.chown(self.out / name, USER)
        text = self.conf.read_text()
        for section, line in (("limits", "state = run/limits.state"), ("auth", "suspensions = run/suspended"),
                              ("auth", "socket = unix:run/auth"), ("auth", "saslauthd = unix:run/mux"),
                              ("milter", "socket = unix:run/postern.sock"), ("milter", f"user = {USER}"),
                              ("control", "socket = run/control")):
            header = f"[{section}]\n"
            text = text.replace(header, header + line + "\n") if header in text else text + header + line + "\n"
        (self.out / "test.conf").write_text(text)
        done = subprocess.run([POSTERN, "-n", "-c", self.out / "test.conf"], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="imported")
def fixture_imported(tmp_path):
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o011)
    return lambda files, *args: Imported(tmp_path, files, args)


# ---- the recorded decisions -----------------------------------------------------------------


def ini(sections):
    return "".join(f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in keys.items()) + "\n"
                   for section, keys in sections.items())


def haraka_files(rule_set):
    """The directory of Haraka whose decisions the rule set contains, from its configuration of Postern."""
    folder = cases.FOLDER / rule_set
    conf = configparser.RawConfigParser(delimiters="=")
    conf.read_string("\n".join(line for line in (folder / "postern.conf").read_text().splitlines()
                               if not line.startswith("#")))
    if rule_set.startswith("p-"):
        return {"plugins": "pg-profile\ndata.headers\n",
                "pg-profile.json": json.dumps({"host": "h", "default_domain": conf["profile"]["default_domain"]})}
    truth = {"yes": "true", "no": "false"}
    files = {path.name: path.read_bytes() for path in (folder / "lists").iterdir()}
    files["plugins"] = "# plugins\naccess\n"
    if rule_set != "a-defaults":  # which has no access.ini
        files["access.ini"] = ini({
            "check": {key: truth[conf["check"][key]] for key in ("any", "conn", "helo", "mail", "rcpt", "data")},
            "rcpt": {"accept": truth[conf["rcpt"]["accept"]]},
            "deny_msg": dict(conf["deny_msg"])})
    return files


@pytest.mark.parametrize("rule_set", cases.RULE_SETS)
def test_an_imported_directory_decides_as_recorded(imported, rule_set):
    result = imported(haraka_files(rule_set))
    assert result.done.returncode in (0, 1), result.done
    folder = cases.FOLDER / rule_set
    if rule_set.startswith("p-"):  # the rows of the database
        assert "[store]" not in result.conf.read_text()
        with open(result.conf, "a", encoding="utf-8") as conf:
            conf.write(f"[store]\npath = {folder / 'store.json'}\n")
    with open(folder / "sessions.jsonl", "rb") as sessions:
        done = subprocess.run([POSTERNCTL, "explain", "-c", result.conf, "--jsonl"], stdin=sessions,
                              capture_output=True, timeout=600, check=False)
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    others = {name: cases.difference(want, answers.get(name)) for name, want in cases.expected(rule_set).items()
              if name not in cases.disputed()}
    others = {name: why for name, why in others.items() if why}
    assert not others, (len(others), list(others.items())[:10], done.stderr)


# ---- the directories of Haraka's documentation ----------------------------------------------

ACCESS_README = """\
[check]
any=true
conn=false
helo=false
mail=false
rcpt=false

[rcpt]
accept=false

[deny_msg]
conn=You are not allowed to connect
helo=That HELO is not allowed to connect
mail=That sender cannot send mail here
rcpt=That recipient is not allowed
"""
LIMIT_PACKAGED = """\
; limits

tarpit_delay=3

[redis]
database=4

[concurrency]
; enabled=false
max=3

[concurrency_history]
; enabled=false
plugin=karma
good=10

[recipients]
; enabled=false
; max=20

[unrecognized_commands]
; enabled=false
max=10

[rate_conn]
; enabled=false
127=0
default=5

[rate_rcpt_sender]
; enabled=false
127=0
default=50/5m

[outbound]
; enabled=false
"""
PROFILE = {
    "user": "pguser", "database": "haraka", "password": "pw d", "host": "127.0.0.1", "port": 5432, "schema": "haraka",
    "max": 20, "idleTimeoutMillis": 30000, "default_domain": "example.com", "jwt_secret": SECRET,
    "use_file_cache": True, "file_cache'path": "/path/to/store.json",
    "profiles_query": "SELECT * FROM profiles", "users_query": "SELECT * FROM users"}
PROFILE_JSON = json.dumps(PROFILE, indent=2)


def test_the_access_ini_of_the_readme_is_taken(imported):
    result = imported({"plugins": "access\n", "access.ini": ACCESS_README,
                       "access.domains": "# aol\naol.com\n!friend@aol.com\n"})
    assert result.done.returncode == 0, result.lines
    assert {key: result.setting("check", key) for key in ("any", "conn", "helo", "mail", "rcpt", "data")} == {
        "any": "yes", "conn": "no", "helo": "no", "mail": "no", "rcpt": "no", "data": "no"}
    assert result.setting("deny_msg", "mail") == "That sender cannot send mail here"
    assert result.list("access.domains") == ["aol.com", "!friend@aol.com"]
    assert result.reported("taken", "access.ini", 2) == ["[check] any = yes"]
    assert result.reported("taken", "access.domains") == ["2 entries"]
    status, said = result.check()
    assert status == 0 and "no error, 0 problems" in said, said


def test_the_trio_before_access_is_taken(imported):
    result = imported({
        "plugins": "connect.rdns_access\nmail_from.access\nrcpt_to.access\n",
        "connect.rdns_access.ini": "[general]\ndeny_msg=No entry\n",
        "mail_from.access.ini": "[general]\ndeny_msg = No sender\n",
        "rcpt_to.access.ini": "[general]\ndeny_msg=\n",
        "connect.rdns_access.blacklist": "192.0.2.7\nspam.example.net\n",
        "mail_from.access.blacklist_regex": ".*@spam\\.example\n",
        "rcpt_to.access.whitelist": "a@b.example\n"})
    assert result.done.returncode == 0, result.lines
    assert {key: result.setting("check", key) for key in ("any", "conn", "helo", "mail", "rcpt")} == {
        "any": "no", "conn": "yes", "helo": "no", "mail": "yes", "rcpt": "yes"}
    assert result.setting("deny_msg", "conn") == "No entry" and result.setting("deny_msg", "mail") == "No sender"
    assert result.setting("deny_msg", "rcpt") is None
    assert result.check()[0] == 0


def test_only_the_loaded_ones_of_the_trio_check(imported):
    result = imported({"plugins": "mail_from.access\n", "rcpt_to.access.blacklist": "a@b.example\n",
                       "mail_from.access.blacklist": "a@b.example\n"})
    assert result.setting("check", "mail") == "yes" and result.setting("check", "rcpt") == "no"
    assert "1 entry without an effect, as in Haraka: [check] rcpt = no" in result.reported(
        "other", "rcpt_to.access.blacklist")


def test_with_access_ini_the_old_names_mean_access(imported):
    result = imported({"plugins": "rcpt_to.access\n", "access.ini": "[check]\nhelo=true\n"})
    assert result.setting("check", "any") == "yes" and result.setting("check", "helo") == "yes"


def test_the_lists_of_older_plugins_are_added(imported):
    result = imported({
        "plugins": "mail_from.blocklist\nrcpt_to.blocklist\nrdns.regexp\nhelo.checks\n",
        "mail_from.access.blacklist": "a@b.example", "mail_from.blocklist": "c@d.example\n",
        "rcpt_to.blocklist": "e@f.example\n", "rdns.deny_regexps": "dynamic\n",
        "rdns.allow_regexps": ".*generaldynamics\\.com$\n", "helo.checks.regexps": "evil.*\n"})
    assert result.done.returncode == 0, result.lines
    assert result.list("mail_from.access.blacklist") == ["a@b.example", "c@d.example"]
    assert result.list("rcpt_to.access.blacklist") == ["e@f.example"]
    assert result.list("connect.rdns_access.blacklist_regex") == [".*(?:dynamic).*"]
    assert result.list("connect.rdns_access.whitelist_regex") == [".*(?:.*generaldynamics\\.com$).*"]
    assert all(result.setting("check", key) == "yes" for key in ("conn", "helo", "mail", "rcpt"))
    for name, want in (("a.dynamic.example", "reject"), ("x.generaldynamics.com", "accept"), ("ok.example", "accept")):
        done = subprocess.run([POSTERNCTL, "-c", result.conf, "--json", "explain", "--ip", "192.0.2.1", "--rdns", name],
                              capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["steps"][0]["verdict"] == want, name


@pytest.mark.parametrize("ini_text, helo", [
    ("", "yes"), ("[check]\nmatch_re=false\n", "no"), ("[reject]\nmatch_re=false\n", "no"),
    ("[check]\nmatch_re=true\n[reject]\nmatch_re=true\n", "yes")])
def test_helo_checks_matches_its_regexes(imported, ini_text, helo):
    result = imported({"plugins": "helo.checks\n", "helo.checks.ini": ini_text, "helo.checks.regexps": "evil.*\n"})
    assert result.setting("check", "helo") == helo


def test_what_pg_profile_json_contains_is_taken(imported):
    result = imported({"plugins": "pg-profile\ndata.headers\n", "pg-profile.json": PROFILE_JSON})
    assert result.done.returncode == 0, result.lines
    assert {key: result.setting("database", key) for key in ("user", "database", "host", "port", "schema")} == {
        "user": "pguser", "database": "haraka", "host": "127.0.0.1", "port": "5432", "schema": "haraka"}
    assert result.setting("database", "users_query") == "SELECT * FROM users"
    assert result.setting("profile", "default_domain") == "example.com"
    assert result.setting("profile", "header_from") == "aligned"
    assert result.setting("store", "path") is None
    assert (result.out / "password").read_text() == "pw d" and (result.out / "secret").read_text() == SECRET
    for name in ("password", "secret"):
        assert stat.S_IMODE((result.out / name).stat().st_mode) == 0o600
    printed = result.done.stdout + result.conf.read_text()
    assert "pw d" not in printed and SECRET not in printed
    assert result.reported("taken", "pg-profile.json", 4) == ["[database] password_file = password"]


@pytest.mark.parametrize("text, refused, settings", [
    (PROFILE_JSON.replace(SECRET, "secret4jwt"), "jwt_secret: it has 10 bytes", {("jwt", "secret_file"): None}),
    (PROFILE_JSON.replace("5432", "99999"), "[database] port: ", {("database", "port"): None}),
    (PROFILE_JSON.replace("5432", '"5433"'), None, {("database", "port"): "5433"}),
    (PROFILE_JSON.replace("SELECT * FROM users", "SELECT *\\n FROM users;\\n"), None,
     {("database", "users_query"): "SELECT *  FROM users"}),
    (PROFILE_JSON.replace("SELECT * FROM users", "SELECT * -- x\\n FROM users"), "users_query: ", {}),
    (PROFILE_JSON.replace("SELECT * FROM users", "SELECT ' #' FROM users"), "begins a comment", {}),
    (PROFILE_JSON.replace('"haraka"', "null", 1), None, {("database", "database"): None}),
    (PROFILE_JSON.replace('"127.0.0.1"', "[1]"), "host: it is neither text nor", {("database", "host"): "localhost"}),
    (PROFILE_JSON.replace("true", "false"), None, {("store", "path"): ""}),
    (PROFILE_JSON.replace("pw d", "a\\nb"), "password: it has more than one line", {("database", "password_file"): None}),
    (PROFILE_JSON.replace("haraka", "\\u001b[m", 1), "control character", {}),
    (PROFILE_JSON[:-3], "it is not JSON here", {("store", "path"): ""}),
    ("[1, 2]", "it is not an object", {}),
    ("", "it is not JSON here", {}),
    (b"\xff\xfe{\x00}\x00", "it is not JSON here", {}),
    ("{}", None, {("database", "host"): "localhost"}),
])
def test_an_odd_pg_profile_json_is_taken_as_far_as_possible(imported, text, refused, settings):
    result = imported({"plugins": "pg-profile\n", "pg-profile.json": text})
    texts = result.reported("not taken", "pg-profile.json")
    assert (any(refused in said for said in texts) and result.done.returncode == 1) if refused else texts == [], texts
    for (section, key), value in settings.items():
        assert result.setting(section, key) == value
    assert subprocess.run([POSTERNCTL, "-c", result.conf, "config"], capture_output=True, check=False).returncode == 0


def test_a_byte_order_mark_before_json_is_reported(imported):
    result = imported({"plugins": "pg-profile\n", "pg-profile.json": b"\xef\xbb\xbf" + PROFILE_JSON.encode()})
    assert result.setting("database", "user") == "pguser"
    assert "byte order mark" in result.reported("changed", "pg-profile.json", 1)[0]


def test_from_is_compared_only_if_haraka_does(imported):
    result = imported({"plugins": "pg-profile\n", "pg-profile.json": "{}"})
    assert result.setting("check", "header_from") == "no" and result.setting("profile", "header_from") is None


def test_without_a_database_a_missing_json_is_reported(imported):
    result = imported({"plugins": "access\npg-profile\n"})
    assert result.done.returncode == 1
    assert "does not exist" in result.reported("not taken", "pg-profile.json")[0]
    assert result.check()[0] == 0


def test_the_database_of_pg_profile_is_used(imported, box):
    server = box.postgres()
    server.apply(ROOT / "t/integration/pg_profile_schema.sql")
    result = imported({"plugins": "pg-profile\n", "pg-profile.json": json.dumps(
        {**PROFILE, "user": "postgres", "database": "mail", "port": server.port})})
    assert result.done.returncode == 0, result.lines
    status, said = result.check()
    assert status == 0 and "not reached" not in said, said


# ---- limit.ini ------------------------------------------------------------------------------


def test_sections_without_enabled_are_off(imported):
    result = imported({"plugins": "limit\n", "limit.ini": LIMIT_PACKAGED})
    assert result.done.returncode == 0, result.lines
    assert "[limit " not in result.conf.read_text()
    assert any("enabled = true is missing" in text for text in result.reported("other", "limit.ini"))
    assert result.check()[0] == 0


def test_enabled_sections_are_taken_with_the_defaults_of_the_plugin(imported):
    result = imported({"plugins": "limit\n", "limit.ini": (
        "[concurrency]\nenabled=true\n[rate_conn]\nenabled=ok\n192.168.1=0\ndefault=9/1M\n[rate_rcpt]\nenabled=1\n"
        "[recipients]\nenabled=true\nmax=20\nmax_relaying=100\n[rate_rcpt_null]\nenabled=no\ndefault=1\n")})
    assert result.done.returncode == 0, result.lines
    assert result.setting("limit concurrency", "max") == "3"
    assert result.setting("limit rate_conn", "192.168.1") == "0"
    assert result.setting("limit rate_conn", "127") == "0"
    assert result.setting("limit rate_conn", "default") == "9/1m"
    assert result.setting("limit rate_rcpt", "default") == "50/5m"
    assert result.setting("limit recipients", "max_relaying") == "100"
    assert result.setting("limit rate_rcpt_null", "default") is None
    assert result.setting("limit", "exempt") == "" and result.setting("limit", "ipv6_prefix") == "128"
    assert result.check()[0] == 0


@pytest.mark.parametrize("line, want, result", [
    ("default=5", "5/60s", "taken"), ("default=5/300", "5/300s", "taken"), ("default=5/2H", "5/2h", "taken"),
    ("default=5/2x", "5/2s", "taken"), ("a.example=0", "0", "taken"), ("a.example=0/5m", "0", "taken"),
    ("a.example=many", "0", "changed"), ("a.example=-1", "0", "changed"), ("a.example=1.5", "0", "changed"),
    ("a.example=5/5min", "0", "changed"), ("a.example", "0", "changed"), ("a.example=5 ; x", "0", "changed"),
    ("a.example=5/1000d", None, "not taken"), ("10=5/5m", "5/5m", "taken"), ("2001:db8=5", "5/60s", "taken"),
    ("mail.a.example=7", "7/60s", "changed"), ("a.example=99999999999999", "0", "changed"),
    ("constructor=1", "1/60s", "taken"), ("a[]=1", None, "not taken"),
])
def test_values_mean_what_they_mean_to_the_plugin(imported, line, want, result):
    key = line.partition("=")[0]
    new = imported({"plugins": "limit\n", "limit.ini": f"[rate_conn]\nenabled=true\n{line}\n"})
    assert new.setting("limit rate_conn", key) == want
    assert new.reported(result, "limit.ini", 3), new.lines
    assert new.check()[0] == 0


@pytest.mark.parametrize("value, result", [("false", "changed"), ("no", "changed"), ("0", "other"), ("", "other")])
def test_concurrency_that_is_switched_off_stays_off(imported, value, result):
    new = imported({"plugins": "limit\n", "limit.ini": f"[concurrency]\nenabled={value}\nmax=7\n"})
    assert new.setting("limit concurrency", "max") is None
    assert len(new.reported(result, "limit.ini", 2)) == 1


def test_rate_limit_ini_needs_no_enabled(imported):
    result = imported({"plugins": "rate_limit\n", "rate_limit.ini": (
        "[concurrency]\n127 = 0\nhotmail.com = 20\ndefault = 5\n[rate_rcpt_host]\ndefault = 50/5m\n")})
    assert result.setting("limit concurrency", "hotmail.com") == "20"
    assert result.setting("limit rate_rcpt_host", "default") == "50/5m"
    assert result.setting("limit rate_conn", "default") is None
    assert result.check()[0] == 0


def test_a_newer_limit_ini_replaces_rate_limit_ini(imported):
    result = imported({"plugins": "rate_limit\n", "rate_limit.ini": "[rate_conn]\ndefault=1\n",
                       "limit.ini": "[rate_conn]\nenabled=true\ndefault=2\n"})
    assert result.setting("limit rate_conn", "default") == "2/60s"


def test_keys_that_mean_the_same_are_taken_once(imported):
    result = imported({"plugins": "limit\n", "limit.ini": (
        "[rate_conn]\nenabled=true\nExample.com=5\nexample.com=6\ndefault=1\n")})
    assert result.setting("limit rate_conn", "Example.com") == "5/60s"
    assert result.setting("limit rate_conn", "example.com") is None
    assert "occurs twice" in result.reported("not taken", "limit.ini", 4)[0]
    assert result.check()[0] == 0


# ---- odd files and odd bytes ----------------------------------------------------------------


@pytest.mark.parametrize("text", [
    b"\xef\xbb\xbf[check]\r\nany=false\r\nhelo=true\r\n", b"[check]\rany=false\rhelo=true\r",
    b"[ check ]\n# any=true\n ; any=true\n any = false \nhelo =\\\n true\n",
    b"[check]\nany=true\nhelo=ON\n[x]\na=b\n[check]\nany=off\n",
])
def test_an_odd_access_ini_is_read_as_haraka_reads_it(imported, text):
    result = imported({"plugins": "access\n", "access.ini": text})
    assert result.setting("check", "any") == "no" and result.setting("check", "helo") == "yes"
    assert result.setting("check", "conn") == "yes"


def test_a_comment_behind_a_value_is_a_part_of_it(imported):
    result = imported({"plugins": "access\n", "access.ini": "[check]\nany=true ; really\n"})
    assert result.setting("check", "any") == "no"
    assert "comment" in result.reported("changed", "access.ini", 2)[0]


@pytest.mark.parametrize("text, want", [("conn=", None), ("conn=0", None), ("conn=007", "7"), ("conn=1.50", "1.5"),
                                        ("conn=550 5.7.1", "550 5.7.1"), ("conn=a # b ; c", "a # b ; c"),
                                        ("conn=-0", None), ("conn=1.0", "1"), ("conn", None)])
def test_texts_of_refusals_are_those_of_javascript(imported, text, want):
    assert imported({"access.ini": f"[deny_msg]\n{text}\n"}).setting("deny_msg", "conn") == want


@pytest.mark.parametrize("value", ["\x1b[31m", "a\x00b", "x" * 401, b"\xff"])
def test_a_text_that_cannot_be_sent_is_refused(imported, value):
    value = value if isinstance(value, bytes) else value.encode()
    result = imported({"access.ini": b"[deny_msg]\nconn=" + value + b"\n"})
    assert result.setting("deny_msg", "conn") is None
    assert result.reported("not taken", "access.ini", 2) or result.reported("other", "access.ini", 2), result.lines
    assert result.check()[0] == 0


@pytest.mark.parametrize("line, result, kept", [
    (b"a@b.example", "taken", True), (b"A@B.example # why", "changed", True), (b"@b.example", "changed", True),
    (b".b.example", "changed", True), (b"\x1b[m@b.example", "not taken", False), (b"a\xff@b.example", "not taken", False),
    (b"*@b.example", "not taken", False), (b"b.example", "not taken", False), (b"a b@c.example", "not taken", False),
])
def test_each_entry_is_taken_or_reported(imported, line, result, kept):
    new = imported({"access.ini": "", "mail_from.access.blacklist": b"\xef\xbb\xbf; c\r\n\r\n" + line + b"\r\n"})
    name = "mail_from.access.blacklist"
    assert len(new.list(name)) == kept
    assert new.reported(result, name, None if result == "taken" else 3), new.lines
    assert new.done.returncode == (result == "not taken")
    status, said = new.check()
    assert status == 0 and "no error, 0 problems" in said, said


def test_a_network_among_clients_is_reported(imported):
    result = imported({"access.ini": "", "connect.rdns_access.blacklist": "192.0.2.0/24\n2001:db8::1\n"})
    assert "network" in result.reported("changed", "connect.rdns_access.blacklist", 1)[0]


def test_a_bad_regex_becomes_a_comment(imported):
    result = imported({"access.ini": "", "rcpt_to.access.blacklist_regex": "(\n.*@a\\.example\n(?i)x\n"})
    assert result.list("rcpt_to.access.blacklist_regex") == [".*@a\\.example"]
    assert [entry["line"] for entry in result.lines if entry["result"] == "not taken"] == [1, 3]
    assert result.check()[0] == 0


@pytest.mark.parametrize("content", ["a@b.example\n".encode("utf-16"), "a@b.example\n".encode("utf-16-le"), None])
def test_a_list_that_cannot_be_read_is_reported(imported, content):
    result = imported({"access.ini": "", "mail_from.access.blacklist": content, "mail_from.access.whitelist": "a@b.c\n"})
    assert result.done.returncode == 1
    assert len(result.reported("not taken", "mail_from.access.blacklist")) == 1
    assert result.list("mail_from.access.whitelist") == ["a@b.c"]
    assert not (result.out / "lists/mail_from.access.blacklist").exists()


@pytest.mark.parametrize("name", ["access.ini", "limit.ini", "pg-profile.json", "plugins", "mail_from.access.ini"])
@pytest.mark.parametrize("kind", ["directory", "link", "fifo", "unreadable", "long"])
def test_a_file_that_cannot_be_read_is_reported(tmp_path, name, kind):
    haraka, out = tmp_path / "haraka", tmp_path / "out"
    haraka.mkdir()
    (haraka / "plugins").write_text("access\nlimit\npg-profile\n")
    path = haraka / name
    path.unlink(missing_ok=True)
    if kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("nowhere")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "long":
        path.write_text("# x\n" * 300000)
    else:
        path.write_text("{}")
        path.chmod(0)
        if os.geteuid() == 0:
            path.unlink()
            path.symlink_to("/proc/self/mem")  # which even root cannot read from its start
    (haraka / "access.domains").write_text("a.example\n")
    done = subprocess.run([POSTERNCTL, "import-haraka", haraka, "-o", out], capture_output=True, text=True, check=False,
                          timeout=60)
    assert done.returncode == 1, done
    assert f"{name}: not taken: it cannot be read: " in done.stdout
    assert (out / "lists/access.domains").read_text() == "a.example\n"


def test_nothing_that_controls_a_terminal_is_printed(tmp_path):
    haraka = tmp_path / "haraka"
    haraka.mkdir()
    evil = b"\x1b]0;t\x07\xc2\x9b\xe2\x80\xae\xff"
    for name in ("plugins", "access.ini", "limit.ini", "smtp.ini", "host_list", "access.domains",
                 "mail_from.access.blacklist_regex", "pg-profile.json"):
        (haraka / name).write_bytes(b"access\nlimit\npg-profile\nx" + evil + b"=1\n[" + evil + b"]\n" + evil + b"\n")
    (haraka / os.fsdecode(b"file" + evil)).write_bytes(b"")
    for args in ([], ["--json"]):
        done = subprocess.run([POSTERNCTL, "import-haraka", haraka, *args], capture_output=True, check=False)
        assert done.returncode == 1
        assert not [c for c in done.stdout.decode() if ord(c) < 32 and c != "\n" or c in "\x9b\u202e\x7f"]
    assert b"nothing is written" in subprocess.run([POSTERNCTL, "import-haraka", haraka], capture_output=True,
                                                   check=False).stdout


# ---- plugins, smtp.ini and the rest ---------------------------------------------------------


def test_other_plugins_and_files_are_reported(imported):
    result = imported({
        "plugins": "# a comment\n; another\n  access  \nharaka-plugin-limit\nspf\nqueue/smtp_forward\nmine\n",
        "smtp.ini": "; listen\nlisten=[::0]:25\nnodes=cpus\n[headers]\nx=1\n", "tls.ini": "", "databytes": "1000\n",
        "smtp.yaml": "", ".hidden": ""})
    assert result.reported("taken", "plugins") == ["access", "limit"]
    assert result.reported("other", "plugins", 5) == ["spf: pypolicyd-spf"]
    assert result.reported("other", "plugins", 6) == ["queue/smtp_forward: the MTA delivers"]
    assert "master.cf" in result.reported("other", "smtp.ini", 2)[0]
    assert "message_size_limit" in result.reported("other", "databytes")[0]
    assert len(result.reported("other", "tls.ini")) == 1 and not result.reported("other", ".hidden")
    assert "not read" in result.reported("not taken", "smtp.yaml")[0]


def test_local_domains_come_from_host_list(imported):
    result = imported({"plugins": "access\n", "host_list": "# ours\nExample.com\nexample.net\na b\n" +
                       "".join(f"d{number}.example\n" for number in range(40))})
    domains = result.setting("lists", "local_domains").split()
    assert domains[:2] == ["Example.com", "example.net"] and len(domains) == 32
    assert result.check()[0] == 0


def test_nothing_of_a_host_list_or_directory_is_left_out_silently(imported):
    result = imported({"plugins": "access\n", "host_list": "a.example\n" + "x" * 300 + "\n",
                       **{f"own{number}.ini": "" for number in range(1010)}})
    assert "too long" in result.reported("not taken", "host_list", 2)[0]
    assert result.reported("other", ".") == ["10 more files are not Postern's"]


def test_without_a_list_of_plugins_the_files_tell(imported):
    result = imported({"rcpt_to.access.blacklist": "a@b.example\n", "limit.ini": "[rate_rcpt]\nenabled=true\n"})
    assert result.setting("check", "rcpt") == "yes"
    assert result.setting("limit rate_rcpt", "default") == "50/5m"
    assert len(result.reported("taken", "plugins")) == 2


def test_a_plugin_that_is_not_loaded_has_no_effect(imported):
    result = imported({"plugins": "spf\n", "access.ini": ACCESS_README, "limit.ini": "[rate_conn]\nenabled=true\n",
                       "access.domains": "a.example\n"})
    assert result.setting("check", "any") == "no" and "[limit" not in result.conf.read_text()
    assert "does not load access" in result.reported("other", "access.ini")[0]
    assert result.check()[0] == 0


def test_the_directory_of_haraka_itself_will_do(tmp_path):
    (tmp_path / "haraka/config").mkdir(parents=True)
    (tmp_path / "haraka/plugins").mkdir()
    (tmp_path / "haraka/config/access.ini").write_text("[check]\nhelo=true\n")
    done = subprocess.run([POSTERNCTL, "import-haraka", tmp_path / "haraka"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "[check] helo = yes" in done.stdout


# ---- writing --------------------------------------------------------------------------------


def run(*args):
    return subprocess.run([POSTERNCTL, "import-haraka", *args], capture_output=True, text=True, check=False)


@pytest.fixture(name="haraka")
def fixture_haraka(tmp_path):
    folder = tmp_path / "haraka"
    folder.mkdir()
    (folder / "access.ini").write_text("[check]\nhelo=true\n")
    return folder


def test_without_o_nothing_is_written(haraka, tmp_path):
    done = run(haraka)
    assert done.returncode == 0 and "nothing is written" in done.stdout
    assert list(tmp_path.iterdir()) == [haraka]


def test_an_empty_directory_is_filled_and_a_full_one_left_alone(haraka, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert run(haraka, "-o", f"{out}//").returncode == 0
    before = (out / "postern.conf").read_text()
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    (haraka / "access.ini").write_text("")
    done = run(haraka, "-o", out)
    assert done.returncode == 73 and "not empty" in done.stderr
    assert (out / "postern.conf").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["haraka", "out"]  # nothing is left behind


@pytest.mark.parametrize("out", ["missing/out", "file", "haraka"])
def test_a_place_that_cannot_be_written_is_reported(haraka, tmp_path, out):
    (tmp_path / "file").write_text("mine")
    done = run(haraka, "-o", tmp_path / out)
    assert done.returncode == 73 and str(tmp_path / out) in done.stderr
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "haraka"]
    assert [path.name for path in haraka.iterdir()] == ["access.ini"]


@pytest.mark.parametrize("args, status", [([], 64), (["a", "b"], 64), (["-o", "x"], 64), (["-x"], 64), (["a", "-o", ""], 64),
                                          (["/nonexistent"], 66), (["/etc/passwd"], 66)])
def test_wrong_usage_is_refused(args, status):
    done = run(*args)
    assert done.returncode == status and done.stderr and done.stdout == ""


def test_a_directory_without_anything_of_haraka_is_refused(tmp_path):
    done = run(tmp_path, "-o", tmp_path / "out")
    assert done.returncode == 66 and "contains no plugins" in done.stderr
    assert not (tmp_path / "out").exists()
