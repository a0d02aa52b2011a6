#!/usr/bin/env python3
"""Measure what waits while many regexes are compiled.

All profiles have five regexes each, and a list has many. Printed, as medians: the time from a start until a policy is in
force; the time until a user whose row is disabled is refused, while every regex has just changed; and the time from
SIGTERM to the end, while the list is being compiled.
"""

import argparse
import statistics
import time

import benchlib  # finds the harness; pylint: disable=unused-import
from harness import box as boxes
from harness.tables import follow, may, wait_source

LIST = "rcpt_to.access.blacklist_regex"
ALICE = ("alice", "alice@example.com", "rcpt@example.com")
FILL = r"""
INSERT INTO haraka.profiles (name, open, rcpt_re)
SELECT 'p' || n, false, (SELECT string_agg(format('^[a-z]{2,8}-%%s-%%s@x%%s[0-9]+\.example\.(com|org)$', n, k, k), ',')
    FROM generate_series(1, 5) AS k) FROM generate_series(1, %s) AS n"""


def entries(count, first):
    return "".join(f"^{first}[a-z]+{i}-(x|y)[0-9]{{1,4}}@d{i}\\.(example|test)$\n" for i in range(count))


def timed(what):
    begin = time.monotonic()
    what()
    return time.monotonic() - begin


def wait_refused(daemon):
    while may(daemon, *ALICE):
        time.sleep(0.01)


def run_once(box, db, options):
    """The three times."""
    db.query("UPDATE haraka.users SET enabled = true WHERE username = 'alice'")
    daemon = follow(box, db, start=False, config={"log": {"level": "info"}})
    (daemon.lists / LIST).write_text(entries(options.entries, "a"))

    def start():
        daemon.start()
        wait_source(daemon, "database")

    started = timed(start)
    (daemon.lists / LIST).write_text(entries(options.entries, "b"))
    db.query("UPDATE haraka.profiles SET rcpt_re = replace(rcpt_re, '-', '--') WHERE rcpt_re IS NOT NULL")
    db.query("UPDATE haraka.users SET enabled = false WHERE username = 'alice'")
    refused = timed(lambda: wait_refused(daemon))
    (daemon.lists / LIST).write_text(entries(options.entries, "c"))
    time.sleep(0.3)  # it is being compiled
    return started, refused, timed(daemon.stop)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", type=int, default=2000, help="with five regexes each (2000)")
    parser.add_argument("--entries", type=int, default=10000, help="regexes of the list (10000)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    box = boxes.Box()
    try:
        db = box.postgres()
        for file in ("schema.sql", "feed.sql", "role.sql", "sample.sql"):
            db.apply(file)
        db.query(FILL, (options.profiles,))
        rounds = [run_once(box, db, options) for _ in range(options.rounds)]
    finally:
        box.close()
    print(f"{options.profiles:,} profiles with 5 regexes each, a list of {options.entries:,}, {options.rounds} rounds")
    for what, times in zip(("start until a policy", "disabled until refused", "SIGTERM until the end"), zip(*rounds)):
        print(f"{what + ':':24} p50 {statistics.median(times):.2f} s, at most {max(times):.2f} s")


if __name__ == "__main__":
    main()
