#!/usr/bin/env python3
"""Measure what a filter costs a real Postfix: messages per second from smtp-source, by turns.

One private Postfix has a port for each variant: no filter; a filter that does nothing and registers every callback; one
that does nothing and negotiates what Postern negotiated; Postern with a rule set of gen_rules.py; and no filter but two
pgsql: lookups, check_sender_access and check_recipient_access. Mail is discarded. This needs root, Postfix with
postfix-pgsql, and PostgreSQL's programs.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import benchlib
import gen_rules
from harness.postfix import DAEMONS
from harness.postgres import Postgres, bin_folder
from variants import Variants

NONE, LOOKUPS = "no filter", "two pgsql: lookups"

TABLES = """
CREATE TABLE senders (address text PRIMARY KEY, action text NOT NULL);
CREATE TABLE recipients (address text PRIMARY KEY, action text NOT NULL);
INSERT INTO senders SELECT 'word' || n || '@example-' || n || '.top', 'REJECT'
    FROM generate_series(1, %(entries)s) n;
INSERT INTO recipients SELECT 'word' || n || '@example.org', 'REJECT'
    FROM generate_series(1, %(entries)s) n;
ANALYZE;
"""


def milter_of(tested):
    return {"smtpd_milters": tested.socket}


def start_postgres(folder, entries):
    """Start a server with the lookups' tables. Returns it and the Postfix parameters that use them."""
    server = Postgres(folder / "pg", folder / "pg.log")
    server.create(benchlib.BUILD, shared_buffers="128MB")
    server.start()
    server.query(TABLES % {"entries": entries})
    for table in ("senders", "recipients"):
        (folder / f"{table}.cf").write_text(
            f"hosts = 127.0.0.1:{server.port}\nuser = postgres\npassword = none\ndbname = mail\n"
            f"query = SELECT action FROM {table} WHERE address = '%s'\n")
    return server, {
        "smtpd_sender_restrictions": f"check_sender_access pgsql:{folder}/senders.cf",
        "smtpd_recipient_restrictions":
            f"check_recipient_access pgsql:{folder}/recipients.cf, permit",
    }


def send(port, options):
    argv = ["smtp-source", "-s", options.parallel, "-m", options.messages, "-l", options.length,
            "-f", "person12345@example-sender1.org", "-t", "user0000001@example.net",
            "-M", "mail1.example-sender1.org", *(["-d"] if options.keep else []),
            f"127.0.0.1:{port}"]
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"smtp-source: {done.stderr}")


def measure(postfix, service, pids, options):
    """
    Do one run. Returns (messages per second, CPU ms per message of Postfix and the processes with these pids). The
    second figure includes the delivery, and is the more reliable one on a busy machine.
    """
    before = sum(map(benchlib.cpu_seconds, pids))
    begin = time.monotonic()
    send(postfix.ports[service], options)
    seconds = time.monotonic() - begin
    postfix.wait_drained()
    cpu = sum(map(benchlib.cpu_seconds, pids)) - before
    return options.messages / seconds, cpu * 1e3 / options.messages


def with_options(options, **changed):
    return argparse.Namespace(**{**vars(options), **changed})


def compare(postfix, variants, options):
    """variants is {name: (service, pids of the processes besides Postfix)}."""
    for service, _ in variants.values():  # starts the smtpd processes and fills their caches
        send(postfix.ports[service], with_options(options, messages=10 * options.parallel))
    postfix.wait_drained()
    runs = benchlib.alternate(list(variants), options.pairs, lambda name: measure(
        postfix, variants[name][0], [postfix.process.pid, *variants[name][1]], options))
    how = (f"{options.messages} messages of {options.length} bytes, {options.parallel} at a time, "
           f"{'connections kept' if options.keep else 'a new connection for each'}")
    for at, what in enumerate(("messages a second", "CPU ms a message")):
        values = {name: [run[at] for run in results] for name, results in runs.items()}
        others = [name for name in (NONE, benchlib.ALL, benchlib.SAME, LOOKUPS) if name in values]
        rows = [[name, benchlib.show(values[name])] +
                [benchlib.show_ratio(values[name], values[other]) for other in others]
                for name in values]
        benchlib.print_table(f"Postfix, {how}", ["", what, *(f"/ {other}" for other in others)], rows)


def missing():
    """The needed programs that are missing, or an empty string."""
    needs = {"root": os.geteuid() == 0, "Postfix": DAEMONS.exists(),
             "smtp-source": shutil.which("smtp-source"), "PostgreSQL": bin_folder(),
             "postfix-pgsql": Path("/usr/lib/postfix/postfix-pgsql.so").exists()}
    return ", ".join(what for what, is_there in needs.items() if not is_there)


def run(options, folder, stops):
    rules = gen_rules.generate_with(benchlib.WORK / "rules", options)
    filters = benchlib.start_filters(options, folder, rules)
    stops += [tested.stop for tested in filters.values()]
    postgres, lookups = start_postgres(folder, options.entries)
    stops.append(postgres.stop)
    parameters = {NONE: {}, **{name: milter_of(tested) for name, tested in filters.items()},
                  LOOKUPS: lookups}
    services = {name: f"variant{number}" for number, name in enumerate(parameters)}
    postfix = Variants(folder / "postfix",
                       {services[name]: keys for name, keys in parameters.items()})
    postfix.create()
    postfix.start()
    stops.append(postfix.stop)
    pids = {name: [tested.process.pid] for name, tested in filters.items()}
    pids[LOOKUPS] = [postgres.process.pid]
    variants = {name: (service, pids.get(name, [])) for name, service in services.items()}
    for keep in (False, True):
        compare(postfix, variants, with_options(options, keep=keep))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1000, help="of each run (1000)")
    parser.add_argument("--parallel", type=int, default=10, help="at a time (10)")
    parser.add_argument("--length", type=int, default=2000, help="bytes of a message (2000)")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each variant (5)")
    gen_rules.add_options(parser)
    options = parser.parse_args()
    if missing():
        benchlib.skip(missing())
    benchlib.raise_descriptors()
    stops = []
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as folder:
        Path(folder).chmod(0o755)
        try:
            run(options, Path(folder), stops)
        finally:
            for stop in reversed(stops):
                stop()


if __name__ == "__main__":
    main()
