"""The parts that benchmarks share: filters in their own processes, the load client, pairs of runs, and tables."""

import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "t" / "integration"))

import gen_rules  # noqa: E402
from harness.postern import BUILD, POSTERN, USER, Postern  # noqa: E402
from harness.process import Process  # noqa: E402

MILTER_LOAD = BUILD / "t" / "bench" / "milter_load"
NULL_FILTER = BUILD / "t" / "bench" / "null_filter"
WORK = BUILD / "bench"
START_DEADLINE = 300  # seconds in which a filter has to accept the first message
SKIPPED = 77  # exit status of a benchmark that cannot run here


def raise_descriptors():
    """Allow thousands of connections in this process and its children."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def skip(what):
    """End the benchmark, which needs what is missing here."""
    print(f"{Path(sys.argv[0]).name}: skipped, needs {what}", flush=True)
    sys.exit(SKIPPED)


def run_program(*argv):
    """Run a load program that prints a line of JSON. Returns this as a dict; raises SystemExit if there is none."""
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False)
    if not done.stdout:
        raise SystemExit(f"{' '.join(map(str, argv))}: {done.stderr}")
    result = json.loads(done.stdout)
    result["ok"] = done.returncode == 0
    return result


def run_load(socket, *options):
    """Run milter_load. Returns its result as a dict."""
    return run_program(MILTER_LOAD, "-s", socket, "--json", *options)


def stat_of(pid):
    """The fields of /proc/PID/stat after the name: [1] is the parent, [11:15] are its times."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(pid):
    """The fields of stat_of() of a process and of all its descendants, by process id."""
    fields = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            fields[int(path.name)] = stat_of(path.name)
        except (FileNotFoundError, ProcessLookupError):  # it has just ended
            continue
    found = {pid: fields[pid]} if pid in fields else {}
    added = set(found)
    while added:
        added = {child for child, of_child in fields.items() if int(of_child[1]) in added} - set(found)
        found.update((child, fields[child]) for child in added)
    return found


def cpu_seconds(pid):
    """The CPU time of a process with all its threads, of its descendants, and of those that have ended."""
    ticks = sum(sum(map(int, fields[11:15])) for fields in family(pid).values())
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pids):
    """The memory of processes in MiB, with memory that several of them share counted once."""
    kib = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kib += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return kib / 1024


@contextlib.contextmanager
def idle_connections(filters, count):
    """Keep count silent connections to each of the filters open while the block runs."""
    with contextlib.ExitStack() as stack:
        for tested in filters if count else ():
            argv = [MILTER_LOAD, "-s", tested.socket, "--idle", count, "--hold"]
            holder = stack.enter_context(subprocess.Popen(
                [str(arg) for arg in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            stack.callback(holder.stdin.close)
            if holder.stdout.readline() != b"idle connections are open\n":
                raise SystemExit(f"{tested.name}: {count} idle connections could not be opened")
        yield


class Filter:
    """A running filter: .socket in milter_load's form, .process of the tests' harness."""

    def __init__(self, name, socket, process):
        self.name = name
        self.socket = socket
        self.process = process

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def memory_mb(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0

    def accepts(self):
        """Whether it accepts a message; it may still be loading."""
        argv = [str(arg) for arg in (MILTER_LOAD, "-s", self.socket, "-n", 1, "--patience", 5,
                                     "--json", *self.first_session)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode == 0 and json.loads(done.stdout)["verdicts"]["accepted"] == 1

    first_session = ()

    def start(self, first_session=()):
        """Start it and wait until it accepts a message. Returns the seconds that it took."""
        self.first_session = first_session
        begin = time.monotonic()
        self.process.start(ready=self.accepts, deadline=START_DEADLINE)
        return time.monotonic() - begin

    def stop(self):
        self.process.stop()


def null_filter(name, folder, *options):
    """A null_filter with these options on its own unix socket."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = f"unix:{folder / name}.sock"
    process = Process(name, [NULL_FILTER, "-p", socket, *options], folder / f"{name}.log")
    return Filter(name, socket, process)


def postern_filter(folder, rules, config):
    """Postern on a unix socket with a rule set of gen_rules.py, or None if it is not built."""
    if not POSTERN.exists():
        return None
    merged = {section: dict(keys) for section, keys in config.items()}
    merged.setdefault("lists", {})["directory"] = rules / "lists"
    merged.setdefault("store", {})["path"] = rules / "store.json"
    daemon = Postern(folder, merged)
    daemon.create()
    if USER:
        shutil.chown(rules / "store.json", USER)
    (rules / "store.json").chmod(0o600)
    # Writing the log is measured, but a file with a line for each message would have gigabytes.
    daemon.process.argv = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh", *daemon.process.argv]
    return Filter("Postern", f"unix:{daemon.socket}", daemon.process)


ALL, SAME, POSTERN_NAME = "null, all callbacks", "null, the same", "Postern"


def start_filters(options, folder, rules):
    """
    Start the filters and return {name: filter}: one that does nothing in every callback, one that does nothing and
    negotiates exactly what Postern negotiated, and finally Postern. If Postern is not built, the second one
    negotiates the flags that save replies.
    """
    for program in (MILTER_LOAD, NULL_FILTER):
        if not program.exists():
            raise SystemExit(f"{program} is not built: run make helper-programs")
    sessions = ["--file", rules / "sessions.jsonl"]
    filters = {ALL: null_filter("null-all", folder)}
    filters[ALL].start()
    postern = postern_filter(folder / "postern", rules, gen_rules.CONFIG)
    if postern is None:
        print(f"{POSTERN} is not built, so only filters that do nothing are compared")
        filters[SAME] = null_filter("null-same", folder, "--negotiate")
    else:
        seconds = postern.start(sessions)
        print(f"Postern: {options.users:,} users, {options.entries:,} entries and "
              f"{options.regexes} regexes a list, {options.domains:,} domains; its first message "
              f"passed {seconds:.1f} s after its start, with {postern.memory_mb():.0f} MB in memory")
        asked = run_load(postern.socket, "-n", 1, *sessions)
        filters[SAME] = null_filter("null-same", folder, "--actions", hex(asked["actions"]),
                                    "--protocol", hex(asked["protocol"]), "--macros", asked["macros"])
        filters[POSTERN_NAME] = postern
    filters[SAME].start()
    return filters


def alternate(names, pairs, run):
    """Run every name once, then all of them again, so that the results of a pair are close in time. Returns
    {name: [result, ...]}."""
    results = {name: [] for name in names}
    for _ in range(pairs):
        for name in names:
            results[name].append(run(name))
    return results


def ratios(over, under):
    """The sorted quotients of the pairs."""
    return sorted(a / b for a, b in zip(over, under) if b)


def show_ratio(over, under):
    """'1.04 (1.01-1.09)': the median, the least and the greatest quotient of the pairs."""
    found = ratios(over, under)
    if not found:
        return "-"
    return f"{statistics.median(found):.2f} ({found[0]:.2f}-{found[-1]:.2f})"


def show(values):
    """The median with a sensible number of digits."""
    value = statistics.median(values)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def print_table(title, header, rows):
    """Print a table with its first column aligned left, the others right."""
    cells = [list(map(str, row)) for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    print(f"\n{title}")
    for row in cells:
        print("  ".join([row[0].ljust(widths[0])] +
                        [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]))
    sys.stdout.flush()
