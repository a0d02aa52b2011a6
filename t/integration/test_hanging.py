"""A file system that does not answer is named in the status, and holds up nothing that does not need it."""

import shutil

import pytest

from harness.hanging import let_hang
from harness.logins import Dovecot, base64url, hash_of, token
from harness.postern import USER
from harness.wait import wait_until

pytestmark = pytest.mark.threads

SECRET = "a shared secret of more than 32 bytes"


def problem_of(daemon, section, text):
    shown = daemon.ctl("status", check=False)
    return next((one for one in shown["problems"] if one["section"] == section and text in one["problem"]), None)


def test_the_keys_for_tokens(box):
    daemon = box.postern(start=False, config={"jwt": {"keys_file": "keys.json"}},
                         store={"profiles": [{"id": 1, "name": "token", "open": True}], "users": []})
    keys = daemon.folder / "keys.json"
    keys.write_text('{"keys":[{"kty":"oct","k":"%s"}]}' % base64url(SECRET.encode()))
    keys.chmod(0o600)
    if USER:
        shutil.chown(keys, USER)
    flag = let_hang(box, daemon, keys)
    daemon.start()
    with Dovecot(daemon.run / "auth") as conn:
        assert conn.plain("token", token(SECRET))[0] == "OK"
        flag.touch()
        wait_until(lambda: problem_of(daemon, "auth", "keys.json: its file system does not answer"), "it is reported", 30)
        assert conn.plain("token", token(SECRET))[0] == "OK"
    flag.unlink()
    wait_until(lambda: not problem_of(daemon, "auth", "keys.json"), "the keys are read again")
    flag.touch()
    keys.write_text('{"keys":[]}')
    assert daemon.stop() == 0


def test_the_copy_of_the_database(box):
    db = box.postgres(files=("schema.sql", "feed.sql", "role.sql", "sample.sql"))
    daemon = box.postern(start=False, config={"database": {"conninfo": db.conninfo(user="postern"), "poll_interval": "1s"},
                                              "store": {"path": "run/copy/store.json"}})
    (daemon.run / "copy").mkdir()
    if USER:
        shutil.chown(daemon.run / "copy", USER)
    flag = let_hang(box, daemon, daemon.run / "copy")
    daemon.start()
    wait_until((daemon.run / "copy/store.json").exists, "the copy is written")
    flag.touch()
    db.query("UPDATE haraka.users SET enabled = NOT enabled")
    wait_until(lambda: problem_of(daemon, "store", "copy/store.json: a write has not ended"), "it is reported", 40)
    daemon.wait_log("store disk=hangs")
    flag.unlink()
    wait_until(lambda: not problem_of(daemon, "store", "not written"), "the copy is written again", 40)


STORE = {"profiles": [{"id": 1, "name": "all", "open": True, "limits": "100/1d"}],
         "users": [{"id": 1, "username": name, "password": hash_of("geheim"), "froms": f"{name}@own.example", "profileId": 1}
                   for name in ("ann", "bob", "carol")]}


def send(daemon, login):
    """Send a message. Returns the answer to its recipient."""
    with daemon.milter() as milter:
        assert milter.connect("client.example", "192.0.2.7")
        assert milter.helo("client.example")
        assert milter.mail(f"<{login}@own.example>", auth_authen=login)
        answer = milter.rcpt("<someone@x.example>")
        if answer:
            assert milter.message([("From", f"{login}@own.example")])
        return answer


def used(daemon, login):
    return daemon.ctl("limits", login)["keys"][0]["windows"][0]["used"]


def test_the_files_of_the_counts(box):
    """Nobody hangs with the disk. Once it answers, the files have all counts."""
    daemon = box.postern(start=False, store=STORE)
    flag = let_hang(box, daemon, daemon.run / "limits.state")
    daemon.start()
    flag.touch()
    try:
        assert send(daemon, "ann").code == 451
        wait_until(lambda: problem_of(daemon, "ledger", "limits.state"), "it is reported", 40)
        for login in ("ann", "bob", "carol"):
            answer = send(daemon, login)
            assert (answer.verdict, answer.code) == ("tempfail", 451), answer
        with Dovecot(daemon.run / "auth") as conn:
            assert conn.plain("carol", "geheim")[0] == "OK"
        assert daemon.ctl("status")["ledger"]["outlives_restart"] is False
        assert "limits.state" in daemon.ctl("status", parse=False)
        assert used(daemon, "bob") == 0
        assert daemon.ctl("limits", check=False)["ok"]
    finally:
        flag.unlink()
    wait_until(lambda: not problem_of(daemon, "ledger", "limits.state"), "it is saved again", 40)
    assert send(daemon, "bob")
    daemon.kill()
    daemon.start()
    assert used(daemon, "bob") == 1


def test_the_counts_with_on_error_accept_and_the_end(box):
    daemon = box.postern(start=False, store=STORE, config={"milter": {"on_error": "accept"}})
    flag = let_hang(box, daemon, daemon.run / "limits.state")
    daemon.start()
    flag.touch()
    assert send(daemon, "ann")
    wait_until(lambda: problem_of(daemon, "ledger", "limits.state"), "it is reported", 40)
    assert send(daemon, "bob")
    daemon.wait_log("limits disk=hangs")
    assert daemon.stop() == 0
    assert "limits forced-to-disk=no" in daemon.log()


def test_the_file_of_the_suspended_logins(box):
    daemon = box.postern(start=False, store=STORE)
    flag = let_hang(box, daemon, daemon.run / "suspended")
    daemon.start()
    flag.touch()
    wait_until(lambda: problem_of(daemon, "auth", "suspended"), "it is reported", 40)
    assert "suspended" in daemon.ctl("suspend", "bob")["unsaved"]
    with Dovecot(daemon.run / "auth") as conn:
        assert conn.plain("bob", "geheim")[0] == "FAIL"
        assert conn.plain("carol", "geheim")[0] == "OK"
    flag.unlink()
    wait_until(lambda: not problem_of(daemon, "auth", "suspended"), "it is saved", 40)
    daemon.kill()
    daemon.start()
    assert daemon.ctl("suspended")["logins"] == ["bob"]
    flag.touch()
    daemon.ctl("suspend", "carol")
    assert daemon.stop() == 0
    assert "suspensions written=no" in daemon.log()
