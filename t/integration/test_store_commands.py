"""`posternctl user`, `profile` and `init` change the JSON store by hand, and print SQL where a database is set."""

import json
import os
import pty
import signal
import stat
import struct
import subprocess
import threading

import pytest

from harness.box import needs_root
from harness.postern import POSTERNCTL, USER
from harness.wait import wait_until

STORE = """\
{"format": "postern-store-1",
 "note": "kept",
 "profiles": [
  {"id": 1, "name": "staff", "open": true, "limits": "100/1h", "extra": [1, 2.50]},
  {"id": 5, "name": "guests", "open": false, "host": "a.example"}
 ],
 "users": [
  {"username": "bob", "id": 3,   "password": "*", "froms": ["bob@a.example", "b@a.example"], "profileId": 1},
  {"id": 2, "username": "Eve", "password": "", "froms": "", "profileId": 1, "enabled": false}
 ]}
"""


class Box:
    """A configuration and a store."""

    def __init__(self, folder, store=STORE, conf=""):
        self.conf = folder / "postern.conf"
        self.store = folder / "store.json"
        self.conf.write_text("[store]\npath = store.json\n" + conf)
        if store is not None:
            self.store.write_bytes(store if isinstance(store, bytes) else store.encode())
            self.store.chmod(0o640)

    def run(self, *args, stdin=None):
        return subprocess.run([POSTERNCTL, "-c", self.conf, *args], capture_output=True, text=True, check=False, input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None, timeout=60)

    def done(self, *args, stdin=None):
        result = self.run(*args, stdin=stdin)
        assert result.returncode == 0, result
        return result.stdout

    def refused(self, *args, stdin=None, status=1):
        """The message, while the file stays as it was."""
        before = self.store.read_bytes() if self.store.exists() else None
        result = self.run(*args, stdin=stdin)
        assert result.returncode == status, result
        assert (self.store.read_bytes() if self.store.exists() else None) == before
        assert sorted(path.name for path in self.store.parent.glob("store.json*")) == ["store.json"][:before is not None]
        return result.stderr

    def rows(self, table):
        return json.loads(self.store.read_bytes().removeprefix(b"\xef\xbb\xbf"))[table]


@pytest.fixture(name="box_of")
def fixture_box_of(tmp_path):
    return lambda *args, **options: Box(tmp_path, *args, **options)


# ---- showing --------------------------------------------------------------------------------


def test_rows_are_listed_and_shown_without_passwords(box_of):
    box = box_of()
    assert box.done("user", "list") == ("bob froms=bob@a.example,b@a.example profileId=1\n"
                                        "Eve froms= profileId=1 enabled=no\n")
    assert box.done("profile", "list").splitlines()[1] == "guests open=no host=a.example"
    assert "password: ********\n" in box.done("user", "show", "BOB")
    assert "password: \n" in box.done("user", "show", "eve")
    rows = json.loads(box.done("user", "list", "--json"))
    assert [row["username"] for row in rows] == ["bob", "Eve"] and rows[0]["password"] == "********"
    assert json.loads(box.done("profile", "show", "staff", "--json"))["extra"] == [1, 2.5]
    assert "there is no user \"zed\"" in box.refused("user", "show", "zed")


# ---- changing -------------------------------------------------------------------------------


def test_a_change_leaves_everything_else_as_it_is(box_of):
    box = box_of()
    box.done("user", "set", "bob", "enabled=no", "profile=guests")
    assert box.store.read_text() == STORE.replace('"b@a.example"], "profileId": 1}',
                                                  '"b@a.example"], "profileId": 5, "enabled": false}')
    box.done("user", "set", "Bob", "enabled=yes", "profileId=1", "froms=x@a.example, y@a.example")
    assert box.rows("users")[0]["froms"] == ["x@a.example", "y@a.example"]  # a list stays a list
    box.done("user", "set", "eve", "froms=x@a.example,y@a.example", "username=eva")
    assert box.rows("users")[1]["froms"] == "x@a.example,y@a.example" and box.rows("users")[1]["username"] == "eva"
    box.done("profile", "set", "staff", "maxsize=1000", "rcpt_re=^a\\.b{2,4}$", "desc=ä \"q\" \\")
    staff = box.rows("profiles")[0]
    assert (staff["maxsize"], staff["rcpt_re"], staff["desc"]) == (1000, "^a\\.b{2,4}$", "ä \"q\" \\")
    assert '"extra": [1, 2.50]' in box.store.read_text() and '"note": "kept"' in box.store.read_text()


def test_rows_are_added_in_the_form_of_the_others_and_deleted(box_of):
    box = box_of()
    box.done("user", "add", "zed", "froms=zed@a.example", "profile=guests", "--stdin", stdin="pa55word\n")
    zed = box.rows("users")[2]
    assert list(zed) == ["id", "username", "password", "froms", "profileId"] and zed["id"] == 4 and zed["profileId"] == 5
    assert zed["password"].startswith("$y$")
    assert box.store.read_text().splitlines()[-2].startswith('  {"id": 4, "username": "zed", "password": "$y$')
    box.done("profile", "add", "new", "open=yes", "limits=5/1h")
    assert box.rows("profiles")[2] == {"id": 6, "name": "new", "open": True, "limits": "5/1h"}
    box.done("user", "del", "ZED")
    box.done("profile", "del", "new")
    assert box.store.read_text() == STORE


def test_a_password_is_changed_and_checked_by_the_daemons_rules(box_of):
    box = box_of()
    assert box.done("user", "passwd", "bob", "--stdin", stdin="new pa55word\nignored\n") == "user bob: has a new password\n"
    session = json.dumps({"ip": "192.0.2.1", "auth": {"user": "bob", "password": "new pa55word"}}) + "\n"
    answer = json.loads(box.done("explain", "--jsonl", stdin=session))
    assert [step for step in answer["steps"] if step["step"] == "auth"][0]["verdict"] == "accept"
    assert "new pa55word" not in box.store.read_text()


def type_passwords(box, at_prompt=lambda: None, interrupts=False):
    """Change bob's password on a terminal. Returns (exit status, all that was shown)."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([POSTERNCTL, "-c", box.conf, "user", "passwd", "bob"], stdin=theirs, stdout=theirs,
                             stderr=theirs, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    os.close(theirs)
    seen = b""
    for prompt in (b"Password: ", b"Once more: "):
        while prompt not in seen:
            seen += os.read(ours, 1000)
        at_prompt()
        if interrupts:  # as the terminal does at ^C
            child.send_signal(signal.SIGINT)
            break
        os.write(ours, b"sesame7\n")
    while True:
        try:
            octets = os.read(ours, 1000)
        except OSError:  # EIO: the child has closed it
            break
        if not octets:
            break
        seen += octets
    os.close(ours)
    return child.wait(60), seen


def test_a_terminal_is_asked_twice_without_echo(box_of):
    box = box_of()
    status, seen = type_passwords(box)
    assert status == 0 and b"sesame7" not in seen, seen
    assert box.rows("users")[0]["password"].startswith("$y$")


def test_an_interrupt_at_the_prompt_acts_at_once(box_of):
    box = box_of()
    status, seen = type_passwords(box, interrupts=True)
    assert status == -signal.SIGINT and seen.endswith(b"\r\n"), (status, seen)
    assert box.store.read_text() == STORE


@pytest.mark.parametrize("args, what, status", [
    (["user", "add", "BOB", "--stdin"], "there is already a user \"BOB\"", 1),
    (["user", "set", "bob", "username=eve"], "there is already a user \"eve\"", 1),
    (["user", "add", "zed"], "--stdin", 1),
    (["user", "set", "zed", "enabled=no"], "there is no user \"zed\"", 1),
    (["user", "set", "bob", "profile=nobody"], "there is no profile \"nobody\"", 1),
    (["user", "set", "bob", "profileId=99"], "99", 1),
    (["user", "set", "bob", "froms=not an address"], "not an address", 1),
    (["profile", "del", "staff"], "1", 1),  # users have it
    (["profile", "set", "staff", "limits=5/1fortnight"], "limits", 1),
    (["profile", "set", "staff", "rcpt_re=("], "rcpt_re", 1),
    (["user", "set", "bob", "password=x"], "'posternctl user passwd'", 64),
    (["user", "add", "zed", "password=x", "--stdin"], "'posternctl user passwd'", 64),
    (["user", "set", "bob", "id=7"], "does not change", 64),
    (["user", "set", "bob", "username="], "is empty", 64),
    (["user", "set", "bob", "enabled=maybe"], "neither yes nor no", 64),
    (["user", "set", "bob", "profileId=x"], "not a number", 64),
    (["profile", "set", "staff", "maxsize=007"], "not a number", 64),
    (["user", "set", "bob", "nothing=1"], "there is no column \"nothing\"; the columns are username froms", 64),
    (["profile", "set", "staff", "profile=x"], "there is no column", 64),
    (["user", "set", "bob", "enabled=no", "Enabled=yes"], "twice", 64),
    (["user", "set", "bob", "froms=a\x1b[m@b.example"], "cannot be seen", 64),
    (["user", "set", "bob", b"froms=\xff@b.example"], "cannot be seen", 64),
    (["user", "add", "z\u202ed", "--stdin"], "cannot be seen", 64),
    (["user", "set", "bob", "enabled"], "write COLUMN=VALUE", 64),
    (["user", "set", "bob"], "usage:", 64), (["user"], "usage:", 64), (["user", "rename", "bob"], "usage:", 64),
    (["profile", "passwd", "staff"], "usage:", 64), (["user", "show"], "usage:", 64), (["user", "list", "bob"], "usage:", 64),
    (["user", "del", "bob", "eve"], "usage:", 64), (["user", "set", "bob", "enabled=no", "--stdin"], "usage:", 64),
    (["user", "passwd", "-x"], "usage:", 64),
])
def test_a_wrong_change_is_refused(box_of, args, what, status):
    assert what in box_of().refused(*args, status=status, stdin="pa55word\n" if "--stdin" in args else None)


@pytest.mark.parametrize("store, what", [
    (None, "'posternctl init' makes one"), ("", "store.json"), ("[]", "store.json"), ('{"format": "x"}', "store.json"),
    (STORE.replace('"Eve"', '"BOB"'), "several rows are named"), (STORE[:-10], "store.json"),
    ('{"format": "postern-store-1", "users": [], "users": [], "profiles": []}', "store.json"),
])
def test_a_store_that_cannot_be_changed_stays_as_it_is(box_of, store, what):
    assert what in box_of(store).refused("user", "set", "bob", "enabled=no")


def test_a_key_with_escapes_is_left_alone(box_of):
    box = box_of(STORE.replace('"users"', '"us\\u0065rs"'))
    for args in (["user", "set", "bob", "enabled=no"], ["user", "del", "bob"], ["user", "add", "zed", "--stdin"]):
        assert "as plain text" in box.refused(*args, stdin="pa55word\n" if "--stdin" in args else None)
    box.done("profile", "set", "staff", "open=no")


@pytest.mark.parametrize("before", ['"Users": [{"id": 1, "username": "bob"}, {"id": 2, "username": "Eve"}],',
                                    '"PROFILES": [{"id": 1, "name": "staff"}],'])
def test_a_key_in_other_letters_is_not_the_table(box_of, before):
    """The daemon ignores "Users"; a change of it would be reported, but would not be in force."""
    box = box_of(STORE.replace('"note"', f'{before} "note"'))
    box.done("user", "passwd", "bob", "--stdin", stdin="pa55word\n")
    box.done("user", "set", "bob", "froms=new@a.example")
    box.done("user", "add", "zed", "profile=guests", "--stdin", stdin="pa55word\n")
    box.done("user", "del", "eve")
    box.done("profile", "set", "staff", "open=no")
    assert [user["username"] for user in box.rows("users")] == ["bob", "zed"]
    assert box.rows("users")[0]["password"].startswith("$") and box.rows("users")[0]["froms"] == ["new@a.example"]
    assert box.rows("profiles")[0]["open"] is False and before in box.store.read_text()


@pytest.mark.parametrize("row", ['"Froms": "other@a.example", "username"', '"PASSWORD": "x", "username"', '"Enabled": true, "ENABLED": true, "username"'])
def test_a_row_with_a_column_twice_is_edited_by_hand(box_of, row):
    """The daemon switches the user off, whatever the values are."""
    box = box_of(STORE.replace('"username"', row, 1))
    assert "twice" in box.refused("user", "set", "bob", "froms=new@a.example")
    assert "twice" in box.refused("user", "passwd", "bob", "--stdin", stdin="pa55word\n")
    box.done("user", "set", "eve", "froms=new@a.example")
    box.done("user", "del", "bob")


def test_the_daemons_copy_of_a_database_is_shown_but_not_changed(box):
    server = box.postgres(files=("schema.sql", "feed.sql"))
    server.query("INSERT INTO haraka.profiles (name, open) VALUES ('staff', true)")
    daemon = box.postern(config={"database": {"conninfo": server.conninfo()}}, store="", start=False)
    daemon.store_path.unlink()
    daemon.start()
    wait_until(daemon.store_path.exists, "the copy is written")
    listed = subprocess.run([POSTERNCTL, "-c", daemon.conf, "profile", "list"], capture_output=True, text=True, check=True)
    assert listed.stdout.startswith("staff open=")
    own = daemon.folder / "own.conf"
    own.write_text(f"[store]\npath = {daemon.store_path}\n")
    before = daemon.store_path.read_bytes()
    done = subprocess.run([POSTERNCTL, "-c", own, "profile", "set", "staff", "open=no"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and "a copy of a database" in done.stderr, done
    assert daemon.store_path.read_bytes() == before


@pytest.mark.parametrize("used", [7, "7"])
def test_a_new_profile_is_not_that_of_a_user_whose_profile_is_gone(box_of, used):
    box = box_of(json.dumps({"format": "postern-store-1", "profiles": [{"id": 1, "name": "p", "open": True}],
                             "users": [{"id": 1, "username": "bob", "profileId": used}]}))
    box.done("profile", "add", "boss", "open=yes")
    assert [row["id"] for row in box.rows("profiles")] == [1, 8]


def test_the_highest_id_leaves_none_for_a_new_row(box_of):
    box = box_of(json.dumps({"format": "postern-store-1", "profiles": [{"id": 2**63 - 1, "name": "p", "open": True}], "users": []}))
    assert "leaves no number for a new row" in box.refused("profile", "add", "q")


def test_old_problems_do_not_prevent_a_change(box_of):
    box = box_of(STORE.replace('"limits": "100/1h"', '"limits": "many"'))
    box.done("user", "set", "bob", "enabled=no")
    assert "limits" in box.refused("profile", "set", "guests", "limits=some")


def test_many_old_problems_do_not_prevent_a_change(box_of):
    """More than the daemon reports one by one, so that another of them is reported when one is mended."""
    rows = [{"id": i, "username": f"u{i}", "froms": f"a b{i}", "profileId": 1} for i in range(1, 1100)]
    rows.append({"id": 2000, "username": "bob", "froms": "b@a.example", "profileId": 1})
    box = box_of(json.dumps({"format": "postern-store-1", "profiles": [{"id": 1, "name": "staff"}], "users": rows}))
    assert "contains white space" in box.refused("user", "set", "bob", "froms=c d")
    box.done("user", "set", "bob", "enabled=no")
    box.done("user", "set", "u3", "froms=c@a.example")
    box.done("user", "del", "u4")
    assert "contains white space" in box.refused("user", "set", "bob", "froms=c d")


def test_a_problem_that_the_row_still_has_is_shown(box_of):
    box = box_of(STORE.replace('"limits": "100/1h"', '"limits": "many"'))
    result = box.run("profile", "set", "staff", "desc=x")
    assert (result.returncode, result.stdout) == (0, "profile staff: changed\n")
    assert "the row still has a problem: " in result.stderr and "profiles id 1 (staff)" in result.stderr, result
    assert "limits" in json.loads(box.done("--json", "profile", "set", "staff", "desc=y"))["problem"]
    assert box.run("profile", "set", "staff", "limits=100/1h").stderr == ""
    assert json.loads(box.done("--json", "user", "set", "bob", "enabled=no")) == {"ok": True}


def test_a_byte_order_mark_stays(box_of):
    box = box_of(b"\xef\xbb\xbf" + STORE.encode())
    box.done("user", "set", "bob", "enabled=no")
    assert box.store.read_bytes().startswith(b"\xef\xbb\xbf{") and box.rows("users")[0]["enabled"] is False


def test_root_changes_nothing_where_a_link_of_another_user_leads(box_of):
    """The daemon's user, who owns the directory, could have root change the store of another daemon."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    box = box_of()
    box.store.rename(box.store.with_name("real.json"))
    box.store.symlink_to("real.json")
    os.lchown(box.store, 65534, -1)
    real = box.store.with_name("real.json")
    said = box.refused("user", "set", "bob", "enabled=no")
    assert f"{box.store}: is a symbolic link that belongs to user 65534; change {real} itself" in said
    box.done("user", "list")
    os.lchown(box.store, 0, -1)
    box.done("user", "set", "bob", "enabled=no")


def test_owner_mode_and_link_stay(box_of, tmp_path):
    box = box_of()
    real = tmp_path / "real.json"
    box.store.rename(real)
    box.store.symlink_to("real.json")
    if os.geteuid() == 0:
        os.chown(real, 12345, 12346)
    before = real.stat()
    box.done("user", "set", "bob", "enabled=no")
    after = real.stat()
    assert box.store.is_symlink() and box.rows("users")[0]["enabled"] is False
    assert (stat.S_IMODE(after.st_mode), after.st_uid, after.st_gid) == (0o640, before.st_uid, before.st_gid)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["postern.conf", "real.json", "store.json"]


def access_list(*entries):
    """The form of acl(5) in an extended attribute: the tag, the permissions and the id of each entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_an_access_control_list_stays(box_of):
    """Without it, the mode alone would give the group what the list's mask gives to others."""
    box = box_of()
    none = 0xffffffff
    rules = access_list((0x01, 6, none), (0x02, 4, 65534), (0x04, 0, none), (0x10, 4, none), (0x20, 0, none))
    try:
        os.setxattr(box.store, "system.posix_acl_access", rules)
    except OSError as error:
        pytest.skip(f"this file system has no access control lists: {error}")
    box.done("user", "set", "bob", "enabled=no")
    assert box.rows("users")[0]["enabled"] is False
    assert os.getxattr(box.store, "system.posix_acl_access") == rules
    os.removexattr(box.store, "system.posix_acl_access")
    box.store.chmod(0o600)
    box.done("user", "set", "bob", "enabled=yes")
    assert stat.S_IMODE(box.store.stat().st_mode) == 0o600 and not os.listxattr(box.store)


def test_a_store_that_is_a_mount_itself_stays_and_is_explained(box_of, tmp_path):
    needs_root()
    box = box_of()
    source = tmp_path / "mounted.json"
    source.write_text(STORE)
    subprocess.run(["mount", "--bind", source, box.store], check=True)
    try:
        assert "mount its directory instead" in box.refused("user", "set", "bob", "enabled=no")
    finally:
        subprocess.run(["umount", box.store], check=True)


def test_a_change_by_hand_meanwhile_is_kept(box_of):
    """The command asks for the password after it has read the file."""
    box = box_of()
    by_hand = STORE.replace("kept", "by hand")
    status, said = type_passwords(box, lambda: box.store.write_text(by_hand))
    assert status == 1 and b"somebody else has changed the file" in said, said
    assert box.store.read_text() == by_hand
    assert [path.name for path in box.store.parent.glob("store.json*")] == ["store.json"]


def test_changes_at_once_are_all_made_or_refused(box_of):
    box = box_of()
    results = []

    def add(number):
        results.append((number, box.run("profile", "add", f"p{number}").returncode))
    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = {f"p{number}" for number, status in results if status == 0}
    assert {row["name"] for row in box.rows("profiles")} == {"staff", "guests"} | made and made
    assert [path.name for path in box.store.parent.glob("store.json*")] == ["store.json"]


def test_the_daemon_follows_a_change(box):
    daemon = box.postern(store={"profiles": [{"id": 1, "name": "p", "open": True}],
                                "users": [{"id": 1, "username": "bob", "password": "", "froms": "", "profileId": 1}]})
    subprocess.run([POSTERNCTL, "-c", daemon.conf, "user", "add", "zed", "profile=p", "--stdin"], input="pa55word\n",
                   text=True, check=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: daemon.ctl("status")["cache"]["users"] == 2, "the new user is in force")
    if USER:
        assert daemon.store_path.stat().st_uid != 0
    subprocess.run([POSTERNCTL, "-c", daemon.conf, "user", "del", "zed"], check=True, stdout=subprocess.DEVNULL)
    wait_until(lambda: daemon.ctl("status")["cache"]["users"] == 1, "the user is gone")


# ---- databases ------------------------------------------------------------------------------

DATABASE = "[database]\nuser = x\n"


@pytest.mark.parametrize("args, want", [
    (["user", "set", "bo'b", "enabled=no", "profile=st'aff"],
     "UPDATE \"haraka\".users SET enabled = false, \"profileId\" = (SELECT id FROM \"haraka\".profiles "
     "WHERE name = 'st''aff') WHERE username = 'bo''b' AND EXISTS (SELECT FROM \"haraka\".profiles WHERE name = 'st''aff');\n"),
    (["user", "del", "bob"], "DELETE FROM \"haraka\".users WHERE username = 'bob';\n"),
    (["profile", "add", "p", "open=yes", "maxsize=7", "desc=a\\b"],
     "INSERT INTO \"haraka\".profiles (name, open, maxsize, \"desc\") SELECT 'p', true, 7, E'a\\\\b';\n"),
    (["user", "set", "bob", "profileId="], "UPDATE \"haraka\".users SET \"profileId\" = NULL WHERE username = 'bob';\n"),
])
def test_with_a_database_the_sql_is_printed(box_of, args, want):
    box = box_of(None, conf=DATABASE)
    result = box.run(*args)
    assert (result.returncode, result.stdout) == (0, want)
    assert "database" in result.stderr
    assert json.loads(box.done("--json", *args))["sql"] + "\n" == want


def test_postgresql_accepts_the_sql(box, box_of):
    server = box.postgres()
    for file in ("schema.sql", "feed.sql"):
        server.apply(file)
    ours = box_of(None, conf=DATABASE)
    for args in (["profile", "add", "st'aff", "open=no", "rcpt_re=^a\\.b'{2,4}$"],
                 ["user", "add", "bob", "profile=st'aff", "froms=bob@a.example", "--stdin"],
                 ["user", "set", "bob", "enabled=no"], ["user", "passwd", "bob", "--stdin"],
                 ["profile", "set", "st'aff", "maxsize=5", "desc=x"]):
        server.query(ours.done(*args, stdin="pa55word\n" if "--stdin" in args else None))
    server.query(ours.done("profile", "add", "é\\'", "desc=ö\\n"))
    assert [tuple(row) for row in server.query('SELECT name, "desc" FROM haraka.profiles WHERE id = 2')] == [("é\\'", "ö\\n")]
    for args in (["user", "set", "bob", "enabled=yes", "profile=none"], ["user", "add", "eve", "profile=none", "--stdin"]):
        server.query(ours.done(*args, stdin="pa55word\n" if "--stdin" in args else None))
    rows = server.query("SELECT username, left(password, 3), froms, enabled, name, maxsize, rcpt_re FROM haraka.users "
                        "JOIN haraka.profiles p ON p.id = \"profileId\"")
    assert [tuple(map(str, row)) for row in rows] == [
        ("bob", "$y$", "bob@a.example", "False", "st'aff", "5", "^a\\.b'{2,4}$")]
    server.query(ours.done("user", "del", "bob"))
    assert server.query("SELECT count(*) FROM haraka.users")[0][0] == 0


# ---- init -----------------------------------------------------------------------------------


def test_init_makes_a_store_and_a_configuration(tmp_path):
    conf = tmp_path / "postern.conf"
    (tmp_path / "old.conf").write_text("[store]\npath = store.json\n")
    done = subprocess.run([POSTERNCTL, "-c", tmp_path / "old.conf", "init", "example.com"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done
    assert "Set default_domain = example.com" in done.stdout
    assert f"posternctl -c {tmp_path}/old.conf user add bob" in done.stdout and f"postern -n -c {tmp_path}/old.conf" in done.stdout
    assert stat.S_IMODE((tmp_path / "store.json").stat().st_mode) == 0o600
    assert (tmp_path / "old.conf").read_text() == "[store]\npath = store.json\n"
    added = subprocess.run([POSTERNCTL, "-c", tmp_path / "old.conf", "user", "add", "bob", "profile=staff", "--stdin"],
                           input="pa55word\n", text=True, capture_output=True, check=False)
    assert added.returncode == 0, added
    again = subprocess.run([POSTERNCTL, "-c", tmp_path / "old.conf", "init", "example.com"], capture_output=True, text=True,
                           check=False)
    assert again.returncode == 1 and "exists" in again.stderr
    assert json.loads((tmp_path / "store.json").read_text())["users"][0]["username"] == "bob"
    for domain in ("not a domain", "EXAMPLE.com", "-x", ""):
        wrong = subprocess.run([POSTERNCTL, "-c", conf, "init", domain], capture_output=True, text=True, check=False)
        assert wrong.returncode in (1, 64) and not conf.exists(), wrong


def test_a_database_without_a_copy_is_no_matter_for_init(box_of):
    assert "no copy of the database yet" in box_of(None, conf=DATABASE).refused("user", "list")


def test_init_leaves_a_database_alone(box_of):
    box = box_of(None, conf=DATABASE)
    assert "[database] is set" in box.refused("init", "example.com")
