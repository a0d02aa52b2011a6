"""`posternctl config` prints the settings in force, those that differ from the defaults, and no secret."""

import json
import re
import subprocess

import pytest

from harness.postern import POSTERN, POSTERNCTL

SECRET = "s3cr3t-0123456789abcdef0123456789abcdef"
GOOD = f"""\
[check submission]
conn = off
[milter]
socket = unix:run/socket
timeout = 7210
on_error = accept ; a comment
[check]
conn = warn
exempt = 127.0.0.0/8 ::1
[deny_msg]
conn = go away # really
[database]
conninfo = host=db user=u password='{SECRET}' dbname=d
[profile]
default_domain = Example.COM
[limit rate_conn]
192.0.2.0/24 = 5/1m
default = 9/1h ; a comment
[jwt]
secret = {SECRET}
"""
DIFFERENT = """\
[milter]
socket = unix:{folder}/run/socket
on_error = accept

[check]
conn = warn

[check submission]
conn = no

[deny_msg]
conn = go away # really

[database]
conninfo = host=db user=u password=******** dbname=d

[profile]
default_domain = example.com

[limit rate_conn]
192.0.2.0/24 = 5/1m
default = 9/1h

[jwt]
secret = ********
"""


def write(folder, text):
    conf = folder / "postern.conf"
    conf.write_bytes(text.encode() if isinstance(text, str) else text)
    conf.chmod(0o600)
    return conf


def config(conf, *args):
    return subprocess.run([POSTERNCTL, "-c", conf, "config", *args], capture_output=True, text=True, check=False)


def printed(conf, *args):
    done = config(conf, *args)
    assert done.returncode == 0, done
    return done.stdout


def test_n_prints_what_differs_from_the_defaults(tmp_path):
    conf = write(tmp_path, GOOD)
    assert printed(conf, "-n") == DIFFERENT.format(folder=tmp_path)
    assert printed(write(tmp_path, ""), "-n") == ""


def test_everything_is_printed_with_its_defaults(tmp_path):
    lines = printed(write(tmp_path, GOOD)).splitlines()
    for line in ("timeout = 7210s", "socket_mode = 0660", "[check submission]", "[limit rate_conn]",
                 "local_domains = example.com", "login = token", "port =", "max_file = 256M"):
        assert line in lines, line
    assert all(line == line.rstrip() for line in lines)


def test_the_output_is_a_configuration_with_the_same_settings(tmp_path):
    without_secrets = "\n".join(line for line in GOOD.splitlines() if SECRET not in line)
    first = printed(write(tmp_path, without_secrets))
    conf = write(tmp_path, first)
    assert printed(conf) == first
    assert subprocess.run([POSTERN, "-n", "-c", conf], capture_output=True, check=False).returncode != 78


def test_a_key_names_a_section_or_a_setting(tmp_path):
    conf = write(tmp_path, GOOD)
    assert printed(conf, "milter.timeout") == "milter.timeout = 7210s\n"
    assert printed(conf, "-h", "milter.timeout", "control.socket") == "7210s\n/run/postern/control\n"
    assert printed(conf, "log") == "[log]\nfacility = mail\nlevel = info\n"
    assert printed(conf, "check submission.conn", "limit rate_conn.192.0.2.0/24") == (
        "check submission.conn = no\nlimit rate_conn.192.0.2.0/24 = 5/1m\n")
    assert printed(conf, "-n", "milter.timeout") == ""
    assert printed(conf, "-n", "milter.on_error") == "milter.on_error = accept\n"


def test_json_holds_the_same(tmp_path):
    conf = write(tmp_path, GOOD)
    answer = json.loads(printed(conf, "-n", "--json"))
    text = "".join(f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) + "\n"
                   for section, keys in answer.items())
    assert text == DIFFERENT.format(folder=tmp_path) + "\n"
    assert json.loads(printed(conf, "--json", "log.level", "rcpt")) == {"log": {"level": "info"},
                                                                        "rcpt": {"accept": "no"}}


@pytest.mark.parametrize("lines", [
    f"[database]\npassword = {SECRET}\nuser = u\n",
    f"[database]\nconninfo = postgresql://u:{SECRET}@h/d\n",
    f"[database]\nconninfo = postgresql://h/d?user=u&password={SECRET}\n",
    f"[database]\nconninfo = host=h PASSWORD = '{SECRET}'\n",
    "[database]\nuser = u\npassword_file = secret\n",
    f"[jwt]\nsecret = {SECRET}\n",
    "[jwt]\nsecret_file = secret\n",
])
@pytest.mark.parametrize("args", [[], ["-n"], ["--json"], ["-h"], ["-h", "database.password", "jwt.secret"]])
def test_no_secret_is_printed(tmp_path, lines, args):
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "secret").chmod(0o600)
    conf = write(tmp_path, lines + ("[database]\n" if "[database]" not in lines else ""))
    assert SECRET[:6] not in printed(conf, *args)


def test_a_section_without_keys_that_has_a_meaning_is_printed(tmp_path):
    assert printed(write(tmp_path, "[database]\n"), "-n") == "[database]\n"
    assert "[database]" not in printed(write(tmp_path, ""))
    done = config(write(tmp_path, ""), "database.host")
    assert done.returncode == 64 and "contains no such section" in done.stderr


@pytest.mark.parametrize("key, what", [
    ("milter.sockt", "unknown key sockt in [milter]; did you mean socket?"),
    ("mliter.socket", "did you mean [milter]?"),
    ("socket", "write SECTION.KEY: milter.socket auth.socket control.socket"),
    ("check smtps.any", "postern.conf contains no such section or key"),
    ("limit rate_conn.default", "postern.conf contains no such section or key"),
    ("database.max", "postern.conf contains no such section or key"),
    ("", "unknown section []"),
    (".", "unknown section []"),
    ("milter.", "unknown key "),
])
def test_an_unknown_key_is_an_error(tmp_path, key, what):
    done = config(write(tmp_path, ""), key)
    assert done.returncode == 64 and what in done.stderr and done.stdout == "", done


def test_every_error_is_reported_with_its_line(tmp_path):
    conf = write(tmp_path, "[milter]\nsocket = nothing\n[check]\nany = maybe\n[jwt]\nsecret = short\n")
    done = config(conf, "milter.socket")
    assert done.returncode == 78 and done.stdout == ""
    assert re.findall(rf"^posternctl: {re.escape(str(conf))}:(\d+): ", done.stderr, re.M) == ["2", "4", "6"], done
    assert "short" not in done.stderr.replace("shared", "")
    done = config(tmp_path / "missing.conf")
    assert done.returncode == 78 and "missing.conf" in done.stderr


def test_warnings_do_not_disturb_the_output(tmp_path):
    done = config(write(tmp_path, "[database]\nmax = 20\n"), "-h", "milter.user")
    assert done.stdout == "postern\n" and "[database] max" in done.stderr and done.returncode == 0


@pytest.mark.parametrize("args", [["-x"], ["--nothing"]])
def test_wrong_usage_is_refused(tmp_path, args):
    done = config(write(tmp_path, ""), *args)
    assert done.returncode == 64 and "usage: posternctl" in done.stderr
