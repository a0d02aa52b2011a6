#!/usr/bin/env python3
"""Compare the loading of a million users with `COPY users TO STDOUT`, and measure what follows.

Each load is paired with a COPY of the same table to /dev/null by psql, and ratios are of such pairs. Also measured: the
memory per user, the writing and reading of the JSON file, and the time from the commit of one changed row until a
session is judged by it.
"""

import argparse
import re
import statistics
import subprocess
import time

import benchlib
from harness import box as boxes
from harness.wait import wait_until

FILL = """
INSERT INTO haraka.users (username, password, froms, "profileId")
SELECT format('user%%s@example.com', i),
    '$6$' || left(md5(i::text), 16) || '$' || left(md5('a' || i) || md5('b' || i) || md5('c' || i), 86),
    format('user%%s@example.com,alias%%s@example.org', i, i), 1 + i %% 4
FROM generate_series(1, %s) AS i"""
TEXT = """SELECT sum(length(id::text) + length(username) + coalesce(length(password), 0)
    + coalesce(length(froms), 0) + coalesce(length("profileId"::text), 0)) FROM haraka.users"""


def timed(what):
    begin = time.monotonic()
    what()
    return time.monotonic() - begin


def make_database(box, users):
    db = box.postgres(settings={"max_wal_size": "4GB"})
    for file in ("schema.sql", "sample.sql"):
        db.apply(file)
    db.query(FILL, (users,))
    for file in ("feed.sql", "role.sql"):
        db.apply(file)
    db.query("VACUUM ANALYZE haraka.users")
    db.query("CHECKPOINT")
    return db


def copy_out(db):
    subprocess.run(["psql", "-Xq", "-d", db.conninfo(), "-c", "COPY haraka.users TO STDOUT"],
                   stdout=subprocess.DEVNULL, check=True)


def status(daemon):
    return daemon.ctl("status")["cache"]


def wait_loaded(daemon, source="database"):
    wait_until(lambda: status(daemon)["policy"]["source"] == source, f"loaded from {source}",
               benchlib.START_DEADLINE)


def start(box, db, **config):
    daemon = box.postern(config={
        "database": {"conninfo": db.conninfo(user="postern"), "reconnect_max": "1s"},
        "log": {"level": "debug"}, "check": {"limits": "no"}, **config})
    wait_loaded(daemon)
    return daemon


def bench_load(box, db, options):
    """Run COPY and a reload by turns, while nothing is written."""
    daemon = start(box, db, store={"path": ""})
    runs = benchlib.alternate(["COPY users", "load"], options.pairs, lambda name: {
        "s": timed(lambda: copy_out(db) if name == "COPY users" else daemon.ctl("reload"))})
    copies, loads = ([run["s"] for run in runs[name]] for name in ("COPY users", "load"))
    rows = [["seconds", benchlib.show(copies), benchlib.show(loads),
             benchlib.show_ratio(loads, copies)]]
    benchlib.print_table(f"{options.users} users", ["", "COPY users", "load", "load / COPY"], rows)
    now = status(daemon)
    above = (now["users_bytes"] - int(db.value(TEXT))) / now["users"]
    print(f"bytes a user above its text: {above:.1f}")
    daemon.stop()


def bench_store(box, db, options):
    """Measure the JSON file: the daemon writes it, and reads it at its start while PostgreSQL is down."""
    daemon = start(box, db)
    daemon.wait_log("store written")
    took = float(re.search(r"store written .*took=(\d+)ms", daemon.log()).group(1)) / 1000
    daemon.stop()
    db.stop()
    reads = []
    for _ in range(options.pairs):
        begin = time.monotonic()
        daemon.start()
        wait_loaded(daemon, "cache")
        reads.append(time.monotonic() - begin)
        daemon.stop()
    db.start()
    size = daemon.store_path.stat().st_size
    print(f"JSON file of {size / 1e6:.0f} MB: written in {took:.2f} s, "
          f"in force {statistics.median(reads):.2f} s after a start with it alone")


def bench_change(box, db, count, what):
    """Commit changes, and ask after each until the answer changes."""
    daemon = start(box, db)
    daemon.wait_log("store written")
    connection = db.connect()
    cursor = connection.cursor()
    took = []
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        for number in range(count):
            enabled = number % 2 == 1
            cursor.execute("UPDATE haraka.users SET enabled = %s WHERE username = 'alice'", (enabled,))
            begin = time.monotonic()
            while bool(milter.mail("<alice@example.com>", auth_authen="alice")) != enabled:
                milter.abort()
                if time.monotonic() - begin > 60:
                    raise SystemExit("the change is not in force within a minute")
            took.append((time.monotonic() - begin) * 1000)
            milter.abort()
    connection.close()
    daemon.stop()
    took.sort()
    print(f"one changed row in force, {what}: p50 {statistics.median(took):.1f} ms, "
          f"p99 {took[int(len(took) * 0.99)]:.1f} ms, {count} commits")


def bench_burst(box, db, commits):
    """Commit changes of many rows, each by itself, and measure when the last one is in force."""
    daemon = start(box, db)
    daemon.wait_log("store written")
    before = memory_mb(daemon.process.pid)
    connection = db.connect()
    cursor = connection.cursor()
    cpu = benchlib.cpu_seconds(daemon.process.pid)
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        made = timed(lambda: [cursor.execute("UPDATE haraka.users SET froms = 'x@example.com' WHERE id = %s",
                                             (100 + number,)) for number in range(commits)])
        cursor.execute("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
        begin = time.monotonic()
        while milter.mail("<alice@example.com>", auth_authen="alice"):
            milter.abort()
        took = time.monotonic() - begin
    print(f"{commits:,} commits of one row each, made in {made:.1f} s: all in force {took:.3f} s after the last, "
          f"{benchlib.cpu_seconds(daemon.process.pid) - cpu:.2f} s of CPU, "
          f"memory x {memory_mb(daemon.process.pid) / before:.2f}")
    connection.close()
    daemon.stop()


def memory_mb(pid):
    return benchlib.Filter("", "", argparse.Namespace(pid=pid)).memory_mb()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000000)
    parser.add_argument("--pairs", type=int, default=5, help="loads, each paired with a COPY (5)")
    parser.add_argument("--commits", type=int, default=300, help="changes of one row (300)")
    parser.add_argument("--burst", type=int, default=10000, help="commits in a burst (10000)")
    options = parser.parse_args()
    box = boxes.Box()
    try:
        small = make_database(box, 1000)
        bench_change(box, small, options.commits, "1,000 users")
        small.stop()
        db = make_database(box, options.users)
        bench_load(box, db, options)
        bench_store(box, db, options)
        bench_change(box, db, options.commits, f"{options.users:,} users")
        bench_burst(box, db, options.burst)
    finally:
        box.close()


if __name__ == "__main__":
    main()
