"""Runs random histories, one after the other, and reports the first failure with all that is needed to repeat it."""

import argparse
import collections
import os
import random
import shutil
import signal
import sys
import time
import traceback

import psycopg2

from harness import wait

from . import (change_daemons, change_feed, change_lists, change_network,  # noqa: F401  they register their kinds
               change_rows, change_servers, change_tables, kinds)
from .compare import Judge, Prober
from .history import Failure, History
from .servers import SETUPS, Site, needed
from .truth import QUESTIONS


def parse(argv):
    parser = argparse.ArgumentParser(prog="t/faults/in_step", description=__doc__)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**9)))
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("IN_STEP_SECONDS") or 60))
    parser.add_argument("--histories", type=int, help="run this number, however long it takes")
    parser.add_argument("--history", type=int, help="run only the history with this number")
    parser.add_argument("--all", action="store_true", help="also the kinds that Postern is known to fail")
    parser.add_argument("--strict", action="store_true", help="also the checks that Postern is known to fail")
    parser.add_argument("--only", help="only these kinds of action, separated by commas")
    parser.add_argument("--failures", type=int, default=1, help="end after this number of failures")
    parser.add_argument("--deadline", type=float, default=60, help="seconds until a quiet point counts as missed")
    parser.add_argument("--setups", help="only these set-ups, separated by commas")
    parser.add_argument("--folder", help="keep the logs of failures in this directory")
    return parser.parse_args(argv)


class Run:
    """The site of the moment, and the counts."""

    def __init__(self, options):
        self.options = options
        self.site = self.prober = self.judge = None
        self.counts = collections.Counter()
        self.passed = self.failed = self.again = self.records = self.rounds = self.quiet_points = 0

    def kinds(self):
        if self.options.only:
            return set(self.options.only.split(","))
        chosen = set(kinds.ACTIONS) - (set() if self.options.all else set(kinds.AWAITING))
        return chosen if "POSTERN_OWN_MOUNTS" in os.environ else chosen - kinds.NEED_MOUNTS

    def awaited(self, kind, name):
        return not self.options.strict and (kind, name) in kinds.AWAITING_CHECKS

    def open_site(self):
        names = self.options.setups.split(",") if self.options.setups else None
        self.site = Site()
        self.site.start(names)
        self.judge = Judge()
        beginning = self.history(0)
        beginning.prober = None
        beginning.look()
        beginning.reset()
        for daemon in self.site.daemons:
            daemon.postern.start()
        self.prober = Prober(self.site.daemons)

    def close_prober(self):
        self.prober.close()
        self.records += self.prober.count
        self.rounds += sum(asker.rounds for asker in self.prober.askers)
        self.prober = None

    def close_site(self, keep=None):
        if self.prober:
            self.close_prober()
        if self.site:
            if keep:
                os.environ["POSTERN_KEEP"] = "1"
            try:
                self.site.close()
            finally:
                if keep:
                    del os.environ["POSTERN_KEEP"]
        self.site = None

    def history(self, number):
        return History(self.site, self.prober, self.judge, f"{self.options.seed}:{number}", self.awaited,
                       self.options.deadline)

    def run(self, number):
        """One history. Returns whether it passed."""
        if self.site is None:
            self.open_site()
        self.site.forget_logs()
        history = self.history(number)
        names = kinds.sample(history.rng, self.kinds(), history.rng.randint(1, 3))
        try:
            history.reset()
            history.quiet()
            for name in names:
                history.note(f"---- {name}")
                kinds.ACTIONS[name][1](history)
            history.quiet()
        except Failure as failure:
            self.report(number, names, history, str(failure), failure)
            return False
        except Exception:  # pylint: disable=broad-except
            self.report(number, names, history, traceback.format_exc(), None)
            return False
        finally:
            self.quiet_points += history.quiet_points
        self.counts.update(names)
        return True

    def once_more(self, number):
        """
        As for the integration tests: a history that fails for want of time on a busy machine passes alone, with new
        servers. --strict and --history accept no second try.
        """
        if self.options.strict or self.options.history is not None:
            return False
        print(f"Once more, alone: history {number}", flush=True)
        passed = self.run(number)
        if passed:
            self.again += 1
            print("It passed when it ran alone", flush=True)
        return passed

    def end(self):
        """The end of a run without a failure. Returns whether all daemons ended as they should."""
        if self.site is None:
            return True
        history = self.history("end")
        try:
            self.close_prober()
            history.check_stores()
            self.close_site()  # raises an AssertionError if a server did not end cleanly
        except (Failure, AssertionError) as failure:
            self.report("end", [], history, str(failure), failure if isinstance(failure, Failure) else None)
            return False
        return True

    def report(self, number, names, history, text, failure):
        folder = self.site.box.folder
        lines = [f"FAILED: history {number} of seed {self.options.seed}: {' '.join(names)}", text, "",
                 "The history:", *history.lines, f"{time.time() - history.began:8.3f}  failed", "",
                 f"Repeat it: t/faults/in_step --seed {self.options.seed} --history {number}"
                 + (f" --only {self.options.only}" if self.options.only else "")
                 + (" --all" if self.options.all else ""),
                 f"Logs: {folder}"]
        if failure is not None and failure.name in history.daemons:
            status = history.daemons[failure.name].postern.ctl("status", check=False, parse=False)
            (folder / "status").write_text(status, encoding="utf-8")
        try:
            lines.append("Connections, by pg_stat_activity:")
            lines += [f"  {row[0]}" for row in self.site.primary.query(
                "SELECT concat_ws(' ', pid, datname, usename, state, wait_event_type, wait_event, now() - query_start,"
                " left(query, 100)) FROM pg_stat_activity WHERE usename IS NOT NULL")]
        except psycopg2.Error as error:
            lines.append(str(error))
        print("\n".join(lines), flush=True)
        (folder / "report").write_text("\n".join(lines), encoding="utf-8")
        try:
            self.close_site(keep=True)
        except AssertionError as error:
            print(error, flush=True)
        self.judge = None
        if self.options.folder:
            os.makedirs(self.options.folder, exist_ok=True)
            shutil.move(folder, os.path.join(self.options.folder, f"{self.options.seed}-{number}-{folder.name[-8:]}"))


def numbers(options):
    """The numbers of the histories to run."""
    if options.history is not None:
        yield options.history
        return
    end = time.monotonic() + options.seconds
    number = 0
    while (number < options.histories) if options.histories else (time.monotonic() < end):
        number += 1
        yield number


def main(argv):
    options = parse(argv)
    missing = needed()
    if missing:
        print(f"needs {missing}\n1 skipped\n0 passed, 0 failed")
        return 0
    print(f"seed {options.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends the servers, too
    wait.print = lambda *_: None  # it prints how long each wait took
    began, run = time.monotonic(), Run(options)
    try:
        for number in numbers(options):
            if run.run(number) or run.once_more(number):
                run.passed += 1
            else:
                run.failed += 1
                if run.failed >= options.failures:
                    break
            print(f"{number} histories, {run.failed} failed, {time.monotonic() - began:.0f} s", flush=True)
        if not run.end():
            run.failed += 1
    except SystemExit:
        print("ended by a signal")
    finally:
        run.close_site()
    actions = sorted(run.counts.items())
    print(f"{sum(run.counts.values())} actions: " + ", ".join(f"{name} {count}" for name, count in actions))
    print(f"{run.records} times one of {len(SETUPS)} daemons was asked for its status, {run.rounds} times for its answers"
          f" to {len(QUESTIONS)} questions; {run.quiet_points} quiet points")
    if run.again:
        print(f"{run.again} failed at first and passed when they ran alone")
    print(f"{run.passed} passed, {run.failed} failed")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
