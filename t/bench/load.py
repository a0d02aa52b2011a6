#!/usr/bin/env python3
"""Compare the loading of a million users with `COPY users TO STDOUT`, and measure what follows.

Each load, by a reload and by a start, is compared with a COPY of the same table to /dev/null by psql just before it.
Also measured: the memory per user, the writing and reading of the JSON file, the time from the commit of one changed row
until a session is judged by it, a burst of such commits and how long sessions wait for an answer meanwhile, and the
memory that a change of all rows takes.
"""

import argparse
import re
import statistics
import subprocess
import time
from pathlib import Path

import benchlib
from harness import box as boxes
from harness.wait import wait_until

PARTS = ["load", "store", "change", "burst", "latency", "bulk"]
FILL = """
INSERT INTO haraka.users (username, password, froms, "profileId")
SELECT format('user%%s@example.com', i),
    '$6$' || left(md5(i::text), 16) || '$' || left(md5('a' || i) || md5('b' || i) || md5('c' || i), 86),
    format('user%%s@example.com,alias%%s@example.org', i, i), 1 + i %% 4
FROM generate_series(1, %s) AS i"""
CHANGE_ALL = "UPDATE haraka.users SET froms = split_part(froms, ',', 2) || ',' || split_part(froms, ',', 1)"
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
    """Run COPY, a reload, and a start until the policy is in force, by turns, while nothing is written."""
    daemon = start(box, db, store={"path": ""})

    def run(name):
        if name == "COPY users":
            return {"s": timed(lambda: copy_out(db))}
        if name == "load":
            return {"s": timed(lambda: daemon.ctl("reload"))}
        begin = time.monotonic()
        another = start(box, db, store={"path": ""})
        took = time.monotonic() - begin
        another.stop()
        return {"s": took}

    runs = benchlib.alternate(["COPY users", "load", "start"], options.pairs, run)
    copies, loads, starts = ([run["s"] for run in runs[name]] for name in ("COPY users", "load", "start"))
    rows = [["seconds", benchlib.show(copies), benchlib.show(loads), benchlib.show_ratio(loads, copies), benchlib.show(starts),
             benchlib.show_ratio(starts, copies)]]
    benchlib.print_table(f"{options.users} users", ["", "COPY users", "load", "load / COPY", "start", "start / COPY"], rows)
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


def resident_mb(daemon, key="VmRSS"):
    text = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="ascii")
    return int(re.search(rf"^{key}:\s+(\d+)", text, re.M).group(1)) / 1024


def bench_bulk(box, db, options):
    """Change all rows in one statement; measure the peak of the daemon's memory, and what remains of it."""
    daemon = start(box, db, store={"path": ""})
    before = resident_mb(daemon)
    for _ in range(options.pairs):
        serial = status(daemon)["policy"]["serial"]
        Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5", encoding="ascii")  # resets VmHWM
        took = timed(lambda: db.query(CHANGE_ALL))
        begin = time.monotonic()
        wait_until(lambda before=serial: status(daemon)["policy"]["serial"] > before, "all rows are in force",
                   benchlib.START_DEADLINE)
        in_force = time.monotonic() - begin
        print(f"UPDATE of {options.users:,} rows in {took:.1f} s, in force {in_force:.1f} s later: "
              f"memory at its peak x {resident_mb(daemon, 'VmHWM') / before:.2f}, afterwards x "
              f"{resident_mb(daemon) / before:.2f} of {before:.0f} MiB")
    daemon.stop()


def latencies(daemon, goes_on):
    """The sorted times of MAIL in ms, asked while goes_on()."""
    took = []
    with daemon.milter() as milter:
        milter.connect("mail.example.net", "192.0.2.7")
        while goes_on():
            begin = time.perf_counter()
            milter.mail("<alice@example.com>", auth_authen="alice")
            took.append((time.perf_counter() - begin) * 1000)
            milter.abort()
    return sorted(took)


def bench_latency(box, db, options):
    """
    Compare MAIL's p99 while nothing changes, during a burst of commits of one row each, and during the same burst in a
    table that nobody follows, which costs the machine the same.
    """
    daemon = start(box, db)
    daemon.wait_log("store written")
    db.query("CREATE TABLE haraka.unused AS SELECT * FROM haraka.users; "
             "ALTER TABLE haraka.unused ADD PRIMARY KEY (id)")
    scripts = {}
    for table in ("users", "unused"):
        scripts[table] = box.folder / f"burst-{table}.sql"
        scripts[table].write_text("".join(f"UPDATE haraka.{table} SET froms = 'x{number}@example.com' "
                                          f"WHERE id = {100 + number};\n" for number in range(options.burst)))

    def run(name):
        if name == "quiet":
            until = time.monotonic() + 3
            took = latencies(daemon, lambda: time.monotonic() < until)
        else:
            with subprocess.Popen(["psql", "-Xq", "-d", db.conninfo(), "-f", str(scripts[name])]) as burst:
                took = latencies(daemon, lambda: burst.poll() is None)
        return {"p50": statistics.median(took), "p99": took[int(len(took) * 0.99)]}

    runs = benchlib.alternate(["quiet", "unused", "users"], options.pairs, run)
    for key in ("p50", "p99"):
        quiet, unused, users = ([one[key] for one in runs[name]] for name in ("quiet", "unused", "users"))
        benchlib.print_table(f"MAIL, {key} in ms, with {options.burst:,} commits",
                             ["", "quiet", "another table", "users", "users / quiet", "users / another table"],
                             [[key, benchlib.show(quiet), benchlib.show(unused), benchlib.show(users),
                               benchlib.show_ratio(users, quiet), benchlib.show_ratio(users, unused)]])
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
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; may be repeated")
    options = parser.parse_args()
    only = options.only or PARTS
    box = boxes.Box()
    try:
        if "change" in only:
            small = make_database(box, 1000)
            bench_change(box, small, options.commits, "1,000 users")
            small.stop()
        db = make_database(box, options.users)
        if "load" in only:
            bench_load(box, db, options)
        if "store" in only:
            bench_store(box, db, options)
        if "change" in only:
            bench_change(box, db, options.commits, f"{options.users:,} users")
        if "burst" in only:
            bench_burst(box, db, options.burst)
        if "latency" in only:
            bench_latency(box, db, options)
        if "bulk" in only:
            bench_bulk(box, db, options)
    finally:
        box.close()


if __name__ == "__main__":
    main()
