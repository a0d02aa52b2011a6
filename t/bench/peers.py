#!/usr/bin/env python3
"""Compare Postfix with Postern with what an administrator would use instead, with the same lists and decisions, by turns.

The others are Postfix alone, Postfix's own maps (cdb and pcre, and two pgsql: lookups), rspamd (multimap and ratelimit,
nothing else) and postfwd. Each is shown to refuse and to accept samples of each list before it is timed. Every figure
is the median of the runs; a ratio is the median, the least and the greatest quotient of runs that followed each other.
The end of the output is the tables of docs/performance.md. This needs root and the packages of `t/deps.sh bench`.
"""

import argparse
import contextlib
import datetime
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import benchlib
import peer_proof
from harness.box import MEMORY, has_room_in_memory
from harness.postern import POSTERN
from harness.wait import wait_until
from peer_lists import Lists, write_sessions
from peer_setups import ALONE, SETUPS, START_DEADLINE, Setup, start
from peer_setups import POSTERN as POSTERN_NAME
from variants import Variants

SMTP_LOAD = benchlib.BUILD / "t" / "bench" / "smtp_load"
PACKAGES = ["postfix", "postfix-cdb", "postfix-pcre", "postgresql", "rspamd", "redis-server", "postfwd"]
FEW = 100  # messages, of which no 99th percentile is shown
ENOUGH = 8  # seconds of turns in a scene, after which a slow set-up has no more
LISTS, LOGINS, REFUSED = "passing.jsonl", "logins.jsonl", "refused.jsonl"


def missing():
    """What is missing here, as text for people, or an empty string."""
    if os.geteuid() != 0:
        return "This needs root, to start a private Postfix."
    if not SMTP_LOAD.exists() or not POSTERN.exists():
        return f"{SMTP_LOAD} and {POSTERN} are needed: run 'make all helper-programs'."
    done = subprocess.run([benchlib.ROOT / "t" / "deps.sh", "-n", "bench"], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"{done.stdout}{done.stderr}Install them with 'make deps-bench'. No service is started."
    return ""


class Scene:
    """One table: the sizes of the lists, and the sessions that are played."""

    def __init__(self, entries, regexes, sessions=LISTS):
        self.entries, self.regexes, self.sessions = entries, regexes, sessions

    def __str__(self):
        what = {LISTS: "", LOGINS: ", a limit of each login", REFUSED: ", every message is refused"}[self.sessions]
        return f"{self.entries:,} entries and {self.regexes:,} regexes a list{what}"


def scenes_of(options):
    """The scenes in groups that have the same lists: the entries grow with few regexes, then the regexes with few entries."""
    sizes = list(map(int, options.sizes.split(",")))
    groups = [[Scene(size, sizes[0])] for size in sizes] + [[Scene(sizes[0], size)] for size in sizes[1:]]
    groups[0].append(Scene(sizes[0], sizes[0], LOGINS))
    groups[len(sizes) - 1].append(Scene(sizes[-1], sizes[0], REFUSED))
    return groups


class Running:
    """The set-ups with their Postfix, for one group of scenes."""

    def __init__(self, folder, lists):
        self.folder, self.lists = folder, lists
        self.setups, self.postfix, self.used = {}, None, {}

    def start(self, names, with_limit):
        """
        Start everything, and show that it decides as it must, with_limit also by the limit of a login. Returns
        {name: seconds until its lists were in force}.
        """
        took = {}
        for name in names:
            begin = time.monotonic()
            self.setups[name] = Setup(name)
            start(self.setups[name], self.folder / name.split()[-1], self.lists)
            took[name] = time.monotonic() - begin
        services = {f"variant{number}": setup.parameters for number, setup in enumerate(self.setups.values())}
        self.postfix = Variants(self.folder / "postfix", services)
        self.postfix.create()
        self.postfix.start()
        for name, setup in self.setups.items():
            begin = time.monotonic()
            if setup.refuses:
                peer_proof.wait_lists(name, self.port(name), self.lists, START_DEADLINE)
            took[name] += time.monotonic() - begin
            peer_proof.prove_lists(name, self.port(name), self.lists, setup.refuses)
            if setup.counts_logins and with_limit:
                peer_proof.prove_limit(name, self.port(name))
            if setup.settled:
                wait_until(setup.settled, f"{name} is settled", deadline=START_DEADLINE)
        return took

    def stop(self):
        """Stop everything that was started."""
        for server in [self.postfix, *self.setups.values()]:
            if server:
                server.stop()

    def port(self, name):
        return self.postfix.ports[f"variant{list(self.setups).index(name)}"]

    def pids(self, name):
        """The processes of a set-up besides Postfix's."""
        for process in self.setups[name].processes:
            if not process.running:
                raise SystemExit(f"{name}: {process.name} has ended:\n{process.tail(20)}")
        return [process.pid for process in self.setups[name].processes]

    def memory_mb(self, name):
        """Of the smtpd processes of its service, which read maps themselves, and of its programs."""
        smtpds = []
        for pid in benchlib.family(self.postfix.process.pid):
            try:
                argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if argv[:3] == [b"smtpd", b"-n", str(self.port(name)).encode()]:
                smtpds.append(pid)
        return benchlib.memory_mb({*smtpds, *(pid for root in self.pids(name) for pid in benchlib.family(root))})

    def load(self, name, file, clients, options):
        """One run of smtp_load with sessions that this set-up has not seen. Returns its result."""
        first = self.used.get((name, file), 0)
        result = benchlib.run_program(SMTP_LOAD, "-p", self.port(name), "-c", clients, "-t", options.seconds, "--warmup",
                                      options.warmup, "--file", self.folder / file, "--first", first, "--body", options.length)
        self.used[name, file] = first + result["sent"]
        wanted = "refused" if file == REFUSED and self.setups[name].refuses else "accepted"
        if result[wanted] != result["sent"]:
            raise SystemExit(f"{name}: not every message was {wanted}: {result}")
        return result

    def measure(self, name, file, options):
        """One turn: a run with one client for the times, and one with several for the rate, CPU time and memory."""
        alone = self.load(name, file, 1, options)["messages"]
        self.postfix.wait_drained()
        pids = [self.postfix.process.pid, *self.pids(name)]
        before = sum(map(benchlib.cpu_seconds, pids))
        several = self.load(name, file, options.parallel, options)
        self.postfix.wait_drained()
        cpu = sum(map(benchlib.cpu_seconds, pids)) - before
        return {"messages a second": several["per_second"], "p50, ms": alone["p50_ms"], "p99, ms": alone["p99_ms"],
                "CPU, ms": cpu * 1e3 / several["sent"], "memory, MiB": self.memory_mb(name), "count": alone["count"]}


RATES, P50, P99, CPU, MEMORY_USED = "messages a second", "p50, ms", "p99, ms", "CPU, ms", "memory, MiB"


def column(runs, metric):
    """The values of a metric; {name: [value, ...]}."""
    return {name: [run[metric] for run in results] for name, results in runs.items()}


def print_scene(scene, runs, options):
    """One table with the ranges of the ratios."""
    rates, cpu = column(runs, RATES), column(runs, CPU)
    header = ["", "messages/s", f"/ {ALONE}", f"{POSTERN_NAME} / it", "p50, ms", "p99, ms", "CPU, ms", f"/ {ALONE}",
              f"it / {POSTERN_NAME}", "memory, MiB"]
    rows = [[name, benchlib.show(rates[name]), benchlib.show_ratio(rates[name], rates[ALONE]),
             benchlib.show_ratio(rates[POSTERN_NAME], rates[name]), benchlib.show(column(runs, P50)[name]),
             show_p99(runs[name]), benchlib.show(cpu[name]), benchlib.show_ratio(cpu[name], cpu[ALONE]),
             benchlib.show_ratio(cpu[name], cpu[POSTERN_NAME]), benchlib.show(column(runs, MEMORY_USED)[name])]
            for name in runs]
    benchlib.print_table(f"{scene}: {options.parallel} clients, one for p50 and p99", header, rows)


def take_turns(names, turns, measure):
    """As benchlib.alternate(), but a set-up that needs very long gets fewer turns."""
    results, spent = {name: [] for name in names}, dict.fromkeys(names, 0.0)
    for _ in range(turns):
        for name in names:
            if spent[name] < ENOUGH:
                begin = time.monotonic()
                results[name].append(measure(name))
                spent[name] += time.monotonic() - begin
    return results


def show_p99(results):
    return benchlib.show([run[P99] for run in results]) if min(run["count"] for run in results) >= FEW else "-"


def middle(over, under):
    """The median quotient of the pairs."""
    return benchlib.show_ratio(over, under).split()[0]


def print_markdown(results, starts, names, options):
    """The tables of docs/performance.md; results is {scene: runs}, starts is {scene: {name: seconds}}."""
    cells = {
        f"messages a second, {options.parallel} clients (divided by {ALONE})": lambda runs, name:
            f"{benchlib.show(column(runs, RATES)[name])} ({middle(column(runs, RATES)[name], column(runs, RATES)[ALONE])})",
        f"CPU time of a message in all processes, ms (divided by {POSTERN_NAME})": lambda runs, name:
            f"{benchlib.show(column(runs, CPU)[name])} ({middle(column(runs, CPU)[name], column(runs, CPU)[POSTERN_NAME])})",
        "time of a session, one client: p50 / p99, ms": lambda runs, name:
            f"{benchlib.show(column(runs, P50)[name])} / {show_p99(runs[name])}",
        "memory of smtpd and of the programs, MiB": lambda runs, name: benchlib.show(column(runs, MEMORY_USED)[name]),
    }
    for title, cell in cells.items():
        print(f"\n| {title} | {' | '.join(names)} |\n| --- |{' --- |' * len(names)}")
        for scene, runs in results.items():
            print(f"| {scene} | " + " | ".join(cell(runs, name) if name in runs else "" for name in names) + " |")
    names = [name for name in names if name != ALONE]
    print(f"\n| from the start until all lists are in force, s | {' | '.join(names)} |\n| --- |{' --- |' * len(names)}")
    for scene, took in starts.items():
        print(f"| {scene} | " + " | ".join(f"{took[name]:.1f}" for name in names) + " |")


def versions():
    """The packages and the date, as a sentence."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}, ", *PACKAGES], capture_output=True, text=True,
                          check=True)
    postern = subprocess.run([POSTERN, "-V"], capture_output=True, text=True, check=False).stdout.strip()
    return f"{datetime.date.today()}, {done.stdout}{postern}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


def run_group(scenes, names, folder, options):
    """
    Measure the scenes, which have the same lists. Returns {scene: {name: [result of a turn, ...]}}, and
    {name: seconds until its lists were in force}.
    """
    lists = Lists(scenes[0].entries, scenes[0].regexes)
    folder.mkdir()
    folder.chmod(0o755)
    write_sessions(folder, lists)
    running = Running(folder, lists)
    measured = {}
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # which contains what was waited for
            took = running.start(names, any(scene.sessions == LOGINS for scene in scenes))
        print(f"\n{scenes[0]}: {', '.join(names)} decide as the lists demand", flush=True)
        for scene in scenes:
            able = [name for name in names if scene.sessions != LOGINS or running.setups[name].counts_logins or name == ALONE]
            measured[scene] = take_turns(able, options.pairs,
                                         lambda name, file=scene.sessions: running.measure(name, file, options))
            print_scene(scene, measured[scene], options)
    finally:
        running.stop()
    return measured, took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10,1000,10000", help="of each list (10,1000,10000)")
    parser.add_argument("--pairs", type=int, default=3, help="turns of each set-up (3)")
    parser.add_argument("--seconds", type=float, default=0.8, help="of each run (0.8)")
    parser.add_argument("--warmup", type=float, default=0.2, help="before each run (0.2)")
    parser.add_argument("--parallel", type=int, default=8, help="clients at a time (8)")
    parser.add_argument("--length", type=int, default=2000, help="bytes of a message's body (2000)")
    parser.add_argument("--only", help="set-ups, separated by commas; Postfix alone and Postern always run")
    options = parser.parse_args()
    if missing():
        raise SystemExit(missing())
    benchlib.raise_descriptors()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("peers.py: ended by a signal"))  # so that all programs are ended
    names = [name for name in SETUPS if not options.only or name in {ALONE, POSTERN_NAME, *options.only.split(",")}]
    print(versions(), flush=True)
    results, starts = {}, {}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="postern-peers-", dir=MEMORY if has_room_in_memory() else None) as folder:
        Path(folder).chmod(0o755)
        for number, scenes in enumerate(scenes_of(options)):
            measured, starts[scenes[0]] = run_group(scenes, names, Path(folder) / f"group{number}", options)
            results.update(measured)
    print_markdown(results, starts, names, options)
    print(f"\n{versions()}; {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
