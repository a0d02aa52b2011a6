"""postern -n knows how systemd runs the daemon: with which groups, and where the unit lets it write."""

import grp
import os
import pwd
import shutil
import subprocess

import pytest

from harness.box import needs_root
from harness.postern import POSTERN, USER

STORE = {"profiles": [{"id": 1, "name": "p", "open": True}],
         "users": [{"id": 1, "username": "bob", "password": "", "froms": "bob@a.example", "profileId": 1}]}
UNIT = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "disabled", "SupplementaryGroups": "",
        "PrivateUsers": "no", "ProtectSystem": "no", "ReadWritePaths": "", "RuntimeDirectory": "", "StateDirectory": "",
        "Sockets": ""}
CONFINED = {"PrivateUsers": "yes", "ProtectSystem": "strict", "RuntimeDirectory": "postern", "StateDirectory": "postern"}


@pytest.fixture
def daemon(box):
    needs_root()
    if not USER:
        pytest.skip("POSTERN_USER is empty")
    return box.postern(start=False, lists={"access.domains": "a.example\n"}, store=STORE)


def check(daemon, *options, listen=(), **unit):
    """postern -n where systemctl(1) describes such a unit: its exit status and what it prints."""
    group = grp.getgrgid(pwd.getpwnam(USER).pw_gid).gr_name
    folder = daemon.folder / "bin"
    folder.mkdir(exist_ok=True)
    shown = {**UNIT, "User": USER, "Group": group, **unit}
    (folder / "service").write_text("".join(f"{key}={value}\n" for key, value in shown.items()))
    (folder / "socket").write_text("".join(f"Listen={path} (Stream)\n" for path in listen))
    (folder / "systemctl").write_text(f"""#!/bin/sh
case "$*" in *postern.service*) cat {folder}/service ;; *postern.socket*) cat {folder}/socket ;; esac
""")
    (folder / "systemctl").chmod(0o755)
    done = subprocess.run([POSTERN, "-n", "-c", daemon.conf, *options], capture_output=True, text=True, check=False,
                          timeout=60, env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
    return done.returncode, done.stdout + done.stderr


def test_the_groups_of_the_unit_count(daemon):
    """systemd's SupplementaryGroups= may let the daemon read what its user cannot, and it never runs as root."""
    path = daemon.lists / "access.domains"
    shutil.chown(path, "root", "mail")
    path.chmod(0o640)
    unreadable = f"{path}: user {USER} cannot read it"
    assert check(daemon, SupplementaryGroups="adm mail")[0] == 0
    assert check(daemon, ActiveState="inactive", UnitFileState="enabled", SupplementaryGroups="mail")[0] == 0
    for code, said in (check(daemon), check(daemon, SupplementaryGroups="adm"),
                       check(daemon, ActiveState="inactive", SupplementaryGroups="mail"),
                       check(daemon, "-u", USER, SupplementaryGroups="mail")):
        assert code == 66 and said.count(unreadable) == 1, said
    assert check(daemon, SupplementaryGroups="no-such-group") == (
        67, "postern: postern.service: the group 'no-such-group' does not exist\n")
    path.chmod(0o644)
    daemon.conf.chmod(0o600)
    code, said = check(daemon)
    assert code == 66 and f"{daemon.conf}: user {USER} cannot read it, so that the daemon does not start" in said
    code, said = check(daemon, ActiveState="inactive")
    assert code == 0 and f"{daemon.conf}: user {USER} cannot read it, so that reloads will fail" in said


@pytest.mark.parametrize("section", ["milter", "auth", "control"])
def test_a_socket_gets_no_group_that_the_unit_hides(daemon, section):
    """With PrivateUsers=yes, or without the group, the daemon cannot give a socket its socket_group, and does not start."""
    daemon.configure({section: {"socket_group": "mail"}})
    wrong = (f"[{section}] socket_group: postern.service does not let the daemon give a socket the group 'mail', so that it does "
             "not start; run `systemctl edit postern`, and add below [Service]: SupplementaryGroups=mail and PrivateUsers=no\n")
    for unit in ({}, {"PrivateUsers": "yes"}, {"PrivateUsers": "yes", "SupplementaryGroups": "mail"}):
        code, said = check(daemon, **unit)
        assert code == 66 and f"error: {daemon.conf}:" in said and wrong in said, said
    assert check(daemon, SupplementaryGroups="mail")[0] == 0
    assert check(daemon, PrivateUsers="yes", ActiveState="inactive")[0] == 0
    daemon.configure({section: {"socket_group": grp.getgrgid(pwd.getpwnam(USER).pw_gid).gr_name}})
    assert check(daemon, PrivateUsers="yes")[0] == 0


def test_paths_to_which_the_unit_does_not_let_the_daemon_write(daemon):
    daemon.configure({"auth": {"inet_socket": "unix:run/other"}})
    code, said = check(daemon, **CONFINED)
    so = f"postern.service does not let the daemon write to {daemon.run}, so that it "
    add = f"; run `systemctl edit postern`, and add below [Service]: ReadWritePaths={daemon.run}\n"
    for key in ("[milter] socket", "[control] socket", "[auth] inet_socket", "[auth] saslauthd"):
        assert f"{key}: {so}does not start{add}" in said, said
    for key in ("[limits] state", "[auth] suspensions"):
        assert f"{key}: {so}cannot write this file{add}" in said, said
    assert code == 66 and "[store]" not in said
    link = daemon.folder / "link"
    link.symlink_to(daemon.run)
    for paths in (daemon.run, f"/nowhere +{daemon.folder} /", f"-{link}"):
        code, said = check(daemon, **CONFINED, ReadWritePaths=paths)
        assert (code, "ReadWritePaths" in said) == (0, False), said
    assert check(daemon, **CONFINED, ReadWritePaths=f"{daemon.run}ning")[0] == 66
    assert check(daemon, **{**CONFINED, "ProtectSystem": "full"})[0] == 0


def test_sockets_that_systemd_holds_are_not_created(daemon):
    folder = daemon.folder / "root"
    folder.mkdir(mode=0o755)
    paths = [folder / "auth", folder / "mux"]
    daemon.configure({"auth": {"socket": f"unix:{paths[0]}", "saslauthd": f"unix:{paths[1]}", "socket_group": "mail"}})
    unit = {**CONFINED, "ReadWritePaths": daemon.run}
    code, said = check(daemon, **unit)
    assert code == 66 and said.count("[auth] socket: ") == 2 and said.count("[auth] saslauthd: ") == 2, said
    assert check(daemon, **unit, Sockets="postern.socket", listen=paths)[0] == 0
    code, said = check(daemon, **unit, Sockets="postern.socket", listen=paths[:1])
    assert code == 66 and "[auth] socket: " not in said and said.count("[auth] saslauthd: ") == 2, said


@pytest.mark.parametrize("section, key, path, unit", [
    ("lists", "directory", "/home/nobody-s/lists", {"ProtectHome": "yes"}),
    ("jwt", "keys_file", "/root/keys", {"ProtectHome": "tmpfs"}),
    ("store", "path", "/tmp/nobody-s/store.json", {"PrivateTmp": "yes"}),
])
def test_files_that_the_unit_hides_are_found(daemon, section, key, path, unit):
    """The unit's user could read them, but the daemon sees other directories there."""
    daemon.configure({section: {key: path}})
    hidden = f"[{section}] {key}: postern.service hides {path} from the daemon; move it, for instance to /etc/postern, or run"
    code, said = check(daemon, **unit)
    assert code == 66 and hidden in said and f"below [Service]: {next(iter(unit))}=no" in said, said
    assert hidden not in check(daemon, **dict.fromkeys(unit, "no"))[1]
