"""The include rules hold in this tree, and t/lint/includes.py sees each way of breaking them."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "t/lint/includes.py"

# A file, a line planted in it, and a word of the complaint.
VIOLATIONS = [
    ("lib/base/errmsg.c", '#include "lib/match/planted.h"', "lib/base may not include lib/match"),
    ("lib/base/planted.h", '#include "lib/rules/planted.h"', "lib/base may not include lib/rules"),
    ("lib/match/planted.c", '#include "lib/rules/planted.h"', "lib/match may not include lib/rules"),
    ("lib/match/planted.c", '#include "lib/auth/planted.h"', "lib/match may not include lib/auth"),
    ("lib/rules/planted.c", '#include "lib/auth/planted.h"', "lib/rules may not include lib/auth"),
    ("lib/rules/planted.c", '#include "lib/conf/planted.h"', "lib/rules may not include lib/conf"),
    ("lib/auth/planted.c", '#include "lib/rules/planted.h"', "lib/auth may not include lib/rules"),
    ("lib/conf/planted.c", '#include "lib/store/planted.h"', "lib/conf may not include lib/store"),
    ("lib/decide/planted.c", '#include "lib/conf/planted.h"', "lib/decide may not include lib/conf"),
    ("lib/store/planted.c", '#include "milter/planted.h"', "lib/store may not include milter"),
    ("milter/loop/planted.c", '#include "milter/shared/planted.h"', "milter/loop may not include milter/shared"),
    ("milter/base/planted.c", '#include "milter/log/planted.h"', "milter/base may not include milter/log"),
    ("milter/log/planted.c", '#include "milter/shared/planted.h"', "milter/log may not include milter/shared"),
    ("milter/shared/planted.c", '#include "milter/smtp/planted.h"', "milter/shared may not include milter/smtp"),
    ("milter/smtp/planted.c", '#include "milter/auth/planted.h"', "milter/smtp may not include milter/auth"),
    ("milter/pg/planted.c", '#include "milter/cache/planted.h"', "milter/pg may not include milter/cache"),
    ("milter/cache/planted.c", '#include "milter/control/planted.h"', "milter/cache may not include milter/control"),
    ("milter/control/planted.c", '#include "milter/planted.h"', "milter/control may not include milter"),
    ("milter/control/planted.c", '#include "milter/auth/planted_private.h"', "is private to milter/auth"),
    ("lib/decide/planted.c", '#include "lib/match/planted_private.h"', "is private to lib/match"),
    ("milter/planted.c", '#include "ctl/planted.h"', "milter may not include ctl"),
    ("ctl/planted.c", '#include "milter/planted.h"', "ctl may not include milter"),
    ("milter/planted.c", '#include "t/unit/planted.h"', "milter may not include t"),
    ("lib/base/planted.c", '#include "planted.h"', "not written from the root"),
    ("lib/base/planted.c", '#include "lib/base/../match/planted.h"', "not written from the root"),
    ("lib/base/planted.c", '#include "lib/base/absent.h"', "does not exist"),
    ("lib/base/planted.c", "#include <lib/match/planted.h>", "write it in quotes"),
    ("lib/base/planted.c", "# include HEADER", "computed"),
    ("lib/planted.c", "", "belongs to no room"),
    ("milter/smtp/session.c", "#include <libpq-fe.h>", "libpq"),
    ("ctl/planted.c", "  #  include <libpq-fe.h>", "libpq"),
    ("milter/pg/planted.c", "#include <libmilter/mfapi.h>", "libmilter"),
    ("lib/store/planted.c", "#include <libmilter/mfapi.h>", "libmilter"),
    ("milter/smtp/session.c", "#include <event2/event.h>", "libevent"),
    ("lib/rules/planted.c", "#include <jansson.h>", "jansson"),
    ("lib/auth/password.c", "#include <jansson.h>", "jansson"),
    ("lib/match/domain.c", "#include <libpsl.h>", "libpsl"),
    ("lib/match/orgdomain.c", "#include <idn2.h>", "libidn2"),
    ("lib/rules/planted.c", "#include <pcre2.h>", "PCRE2"),
    ("lib/match/regexlist.c", "#include <hs/hs.h>", "hyperscan"),
    ("lib/rules/planted.c", "#include <crypt.h>", "libcrypt"),
    ("lib/base/planted.c", "#include <openssl/evp.h>", "OpenSSL"),
    ("lib/store/planted.c", "#include <openssl/evp.h>", "OpenSSL"),
    ("lib/rules/planted.c", "#include <syslog.h>", "syslog"),
    ("lib/base/planted.c", "#include <check.h>", "check"),
    ("lib/rules/planted.c", "#include <fcntl.h>", "no sockets, files or threads"),
]

ALLOWED = [
    ("lib/rules/planted.c", '#include "lib/match/planted.h"'),
    ("lib/store/planted.c", '#include "lib/auth/planted.h"'),
    ("ctl/planted.c", '#include "lib/store/planted.h"'),
    ("milter/planted.c", '#include "config.h"'),
    ("t/unit/planted.c", '#include "milter/planted.h"'),
    ("t/unit/planted.c", '#include "milter/auth/planted_private.h"'),
    ("milter/auth/planted.c", '#include "milter/auth/planted_private.h"'),
    ("t/bench/planted.c", "#include <libmilter/mfapi.h>"),
    ("milter/pg/planted.c", "#include <libpq-fe.h>"),
    ("milter/smtp/callbacks_planted.c", "#include <libmilter/mfapi.h>"),
    ("milter/loop/server_planted.c", "#include <event2/event.h>"),
    ("lib/store/store_planted.c", "#include <openssl/evp.h>"),
    ("lib/auth/jwt_planted.c", "#include <jansson.h>"),
    ("lib/base/planted.c", '/*\n#include "lib/rules/planted.h"\n*/'),
]

PLANTED_HEADERS = ["lib/match", "lib/rules", "lib/auth", "lib/conf", "lib/store", "milter", "milter/base", "milter/log", "milter/shared",
                   "milter/smtp", "milter/auth", "milter/cache", "milter/control", "ctl", "t/unit"]


@pytest.fixture(name="tree")
def fixture_tree(tmp_path):
    """A tree whose rooms contain only empty headers."""
    for room in PLANTED_HEADERS:
        (tmp_path / room).mkdir(parents=True, exist_ok=True)
        for name in ("planted.h", "planted_private.h"):
            (tmp_path / room / name).write_text("")
    return tmp_path


def run(root):
    return subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True, check=False)


def plant(tree, path, line):
    """Write a file of one line; returns what the script reports."""
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"{line}\n")
    result = run(tree)
    found = result.stdout.splitlines()
    assert result.returncode == (1 if found else 0), result.stderr
    return found


def test_this_tree_keeps_the_rules():
    result = run(ROOT)
    assert result.stdout == ""
    assert result.returncode == 0


@pytest.mark.parametrize("path, line, complaint", VIOLATIONS)
def test_a_planted_violation_is_found(tree, path, line, complaint):
    found = plant(tree, path, line)
    assert len(found) == 1
    assert found[0].startswith(f"{path}:")
    assert complaint in found[0]


@pytest.mark.parametrize("path, line", ALLOWED)
def test_what_is_allowed_passes(tree, path, line):
    assert not plant(tree, path, line)
