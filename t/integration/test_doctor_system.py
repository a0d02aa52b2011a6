"""posternctl doctor finds full disks, wrong clocks, and old public suffix lists and copies."""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.box import needs_root
from harness.doctor import examine, good_set_up
from harness.postern import USER
from harness.wait import wait_until

DAY = 86400
PR_SET_MDWE, PR_GET_MDWE = 65, 66  # <linux/prctl.h>


@pytest.fixture(scope="module", name="good")
def fixture_good(shared_box):
    return good_set_up(shared_box)[0]


def test_a_good_system_raises_no_alarm(good):
    assert examine(good, "system").is_clean()


@pytest.mark.parametrize("options, what", [("size=1m", "bytes"), ("size=200m,nr_inodes=20", "inodes")])
def test_a_disk_that_is_nearly_full_is_found(good, tmp_path, options, what):
    needs_root()
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", small], check=True)
    try:
        good.configure({"limits": {"state": small / "limits.state"}})
        finding = examine(good, "system").the(f"{small}: the file system has few {what} left", "soon")
        assert finding["commands"][0]["shell"] == f"df -h {small}"
    finally:
        good.configure({"limits": {"state": "run/limits.state"}})
        subprocess.run(["umount", small], check=True)


def test_a_time_in_the_future_is_found(good):
    later = time.time() + 3600
    os.utime(good.store_path, (later, later))
    assert "the last change of" in examine(good, "system").the("clock: ", "soon")["problem"]
    os.utime(good.store_path)
    assert examine(good, "system").is_clean()


def test_a_daemon_that_started_in_the_future_is_found(good):
    """The clock was set back since: faketime shows doctor another time than the daemon."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    report = examine(good, "system", command=["env", f"LD_PRELOAD={library}", "FAKETIME=-1d"])
    assert any("the start of the daemon" in finding["problem"] for finding in report.findings), report


@pytest.mark.parametrize("days, is_found", [(300, False), (500, True), (4000, True)])
def test_an_old_public_suffix_list_is_found(good, days, is_found):
    own = good.folder / "suffixes.dat"
    shutil.copy("/usr/share/publicsuffix/public_suffix_list.dat", own)
    then = time.time() - days * DAY
    os.utime(own, (then, then))
    good.configure({"lists": {"public_suffix_list": own}})
    report = examine(good, "system")
    if is_found:
        report.the(f"the public suffix list {own} is {days} days old", "advice")
    good.configure({"lists": {"public_suffix_list": None}})
    assert is_found or report.is_clean(), report


def test_regexes_without_machine_code_are_found(box):
    """As under MemoryDenyWriteExecute=yes."""
    if ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0:
        pytest.skip("this kernel cannot deny machine code to a process")
    daemon, _ = good_set_up(box, start=False)
    daemon.process.argv[:0] = [sys.executable, "-c", "import ctypes, os, sys\n"
                               f"assert ctypes.CDLL(None).prctl({PR_SET_MDWE}, 1, 0, 0, 0) == 0\n"
                               "os.execv(sys.argv[1], sys.argv[1:])"]
    daemon.start()
    assert "MemoryDenyWriteExecute" in examine(daemon, "daemon").the("regexes are interpreted", "advice")["problem"]


def test_a_processor_without_the_instructions_of_hyperscan_is_found(good, tmp_path):
    source = tmp_path / "old.c"
    source.write_text("int hs_valid_platform(void);\nint hs_valid_platform(void)\n{\n\treturn -14;\n}\n")
    library = tmp_path / "old.so"
    subprocess.run([shutil.which("cc") or "gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    report = examine(good, "system", command=["env", f"LD_PRELOAD={library}"])
    report.the("long lists of regexes are slow", "advice")


@pytest.mark.parametrize("starts", [True, False])
def test_an_old_copy_of_an_unreachable_database_is_found(box, starts):
    daemon, _ = good_set_up(box, start=False, store="", config={
        "database": {"host": "127.0.0.1", "port": "9", "user": "x"}, "store": {"path": "run/store.json"}})
    server = box.postgres(files=("schema.sql", "feed.sql"))
    daemon.configure({"database": {"host": None, "port": None, "user": None, "conninfo": server.conninfo()}})
    daemon.create()
    daemon.store_path.unlink(missing_ok=True)
    daemon.start(ready=daemon.store_path.exists)
    assert examine(daemon, "system").is_clean()
    daemon.stop()
    server.stop()
    then = time.time() - 30 * DAY
    os.utime(daemon.store_path, (then, then))
    if starts:
        since = len(daemon.process.text())
        daemon.start(ready=lambda: "ready version" in daemon.process.text()[since:])
        wait_until(lambda: daemon.ctl("status")["cache"]["policy"], "the copy is in force")
    finding = examine(daemon, "system").the("the copy of the database, is 30 days old", "soon")
    assert ("The daemon uses it" in finding["effect"]) == starts
    assert not USER or daemon.store_path.stat().st_uid != 0
