"""A file system that does not answer is named in the status, and holds up nothing that does not need it."""

import shutil

import pytest

from harness.hanging import let_hang
from harness.logins import Dovecot, base64url, token
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
    wait_until(lambda: problem_of(daemon, "store", "the store file is not written: a write has not ended"), "it is reported", 40)
    flag.unlink()
    wait_until(lambda: not problem_of(daemon, "store", "not written"), "the copy is written again", 40)
