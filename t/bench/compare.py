#!/usr/bin/env python3
"""Compare Postern with filters that do nothing, through the milter socket, without an MTA.

Three filters answer the same sessions by turns: one that does nothing and registers every callback, one that does
nothing and negotiates exactly what Postern negotiated (the cost of libmilter itself), and Postern with a rule set of
gen_rules.py. Every figure is the median of the runs; a ratio is the median, the least and the greatest quotient of runs
that followed each other. If Postern is not built, the two others are compared.
"""

import argparse

import benchlib
import gen_rules

def add_options(parser):
    parser.add_argument("--seconds", type=float, default=0.6, help="of each run (0.6)")
    parser.add_argument("--warmup", type=float, default=0.2, help="before each run (0.2)")
    parser.add_argument("--pairs", type=int, default=7, help="runs of each filter (7)")
    parser.add_argument("--connections", default="1,16,256")
    parser.add_argument("--idle", default="0,1000,9000", help="idle sessions at the same time")
    parser.add_argument("--pause", type=float, default=2,
                        help="ms between the commands of a session, with idle sessions (2)")
    parser.add_argument("--file", help="sessions instead of the rule set's")
    gen_rules.add_options(parser)


def measure(tested, load, kind):
    """Do one run. Returns {metric: value}; kind is sessions or messages, which are counted."""
    before = tested.cpu_seconds()
    result = benchlib.run_load(tested.socket, *load)
    cpu = tested.cpu_seconds() - before
    verdicts = result["verdicts"]
    if not result["ok"] or verdicts["accepted"] != sum(verdicts.values()) or result["rcpts_refused"]:
        print(f"  {tested.name}: not every message passed: {verdicts}, "
              f"{result['rcpts_refused']} recipients refused")
    counted = result[kind]
    waited = sum(part["count"] * part["mean_us"] for part in result["callbacks"].values())
    return {
        f"{kind} a second": counted["per_second"],
        f"{kind[:-1]}, p50 us": counted["p50_us"],
        f"{kind[:-1]}, p99 us": counted["p99_us"],
        "waiting for replies, us": waited / max(counted["count"], 1),
        # includes the warm-up, so that the figure only serves comparisons
        "filter's CPU, us": cpu * 1e6 / max(counted["count"], 1),
    }


def compare(title, filters, options, load, kind, metrics):
    """Run one load on all filters by turns and print its table."""
    names = list(filters)
    last = names[-1]
    results = benchlib.alternate(names, options.pairs,
                                 lambda name: measure(filters[name], load, kind))
    rows = []
    for metric in metrics:
        values = {name: [run[metric] for run in results[name]] for name in names}
        rows.append([metric] + [benchlib.show(values[name]) for name in names] +
                    [benchlib.show_ratio(values[last], values[name]) for name in names[:-1]])
    benchlib.print_table(title, ["", *names] + [f"{last} / {name}" for name in names[:-1]], rows)


def compare_all(options, filters, sessions):
    run = ["-t", options.seconds, "--warmup", options.warmup, *sessions]
    for kind, mode, what in (("sessions", ["--sessions"], "a new connection for each message"),
                             ("messages", [], "connections kept")):
        for connections in options.connections.split(","):
            metrics = [f"{kind} a second", f"{kind[:-1]}, p50 us", f"{kind[:-1]}, p99 us",
                       "filter's CPU, us"]
            compare(f"{connections} at a time, {what}", filters, options,
                    [*run, "-c", connections, *mode], kind, metrics)
    paused = [*run, "--sessions", "--pause", options.pause]
    for idle in map(int, options.idle.split(",")):
        with benchlib.idle_connections(filters.values(), idle):
            compare(f"4 at a time, {options.pause:g} ms between commands, {idle} idle beside",
                    filters, options, [*paused, "-c", 4], "sessions",
                    ["waiting for replies, us", "filter's CPU, us"])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    options = parser.parse_args()
    descriptors = benchlib.raise_descriptors()
    options.idle = ",".join(idle for idle in options.idle.split(",")
                            if int(idle) + 600 < descriptors)
    rules = gen_rules.generate_with(benchlib.WORK / "rules", options)
    sessions = ["--file", options.file or rules / "sessions.jsonl"]
    filters = {}
    try:
        filters = benchlib.start_filters(options, benchlib.WORK / "compare", rules)
        compare_all(options, filters, sessions)
    finally:
        for started in reversed(filters.values()):
            started.stop()


if __name__ == "__main__":
    main()
