#!/usr/bin/env python3
"""Compare a decision of all stages by Postern's check_* and by haraka-plugin-access, with the same lists and sessions.

Both run in one thread, without a socket and without parsing SMTP. The sessions have no login and one recipient, and pass
every list, so that all lists are searched. The plugin's results are discarded, which is cheaper than in Haraka. npm
installs the plugin in the build directory.
"""

import argparse
import json
import shutil
import subprocess

import benchlib
import gen_rules

PLUGIN = "haraka-plugin-access@1.4.0"
PROGRAM = benchlib.BUILD / "t" / "bench" / "bench_check"
SCRIPT = benchlib.ROOT / "t" / "bench" / "haraka_access.js"
CONFIG = {**gen_rules.CONFIG, "check": {**gen_rules.CONFIG["check"], "helo": "no", "data": "yes"}}


def fetch(folder):
    """Install the plugin once. Returns the directory."""
    if not (folder / "node_modules").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}\n')
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", PLUGIN], cwd=folder,
                       check=True)
    return folder


def make_rules(options):
    rules = gen_rules.generate_with(benchlib.WORK / "rules-haraka", options)
    gen_rules.write_config(rules / "postern.conf", CONFIG)
    shutil.copytree(rules / "lists", rules / "config", dirs_exist_ok=True)
    (rules / "config" / "access.ini").write_text("[check]\nany=true\nconn=true\nmail=true\nrcpt=true\n")
    return rules


def run_postern(rules, options):
    done = subprocess.run([PROGRAM, "--json", "--rules", rules / "postern.conf", "--sessions",
                           rules / "sessions.jsonl", "--seconds", str(options.seconds / 5)], check=True,
                          stdout=subprocess.PIPE, text=True)
    return {row["stage"]: row["ns"] for row in map(json.loads, done.stdout.splitlines())}["all"]


def run_plugin(folder, rules, options):
    done = subprocess.run(["node", SCRIPT, rules, rules / "sessions.jsonl", str(options.seconds)], cwd=folder,
                          check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)["ns"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2, help="of each run (2)")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each (5)")
    parser.add_argument("--installed", action="store_true", help="install nothing, and measure the plugin only if it is installed")
    gen_rules.add_options(parser)
    parser.set_defaults(users=1000)
    options = parser.parse_args()
    if not PROGRAM.exists():
        raise SystemExit(f"{PROGRAM} is missing: run 'make helper-programs'")
    if options.installed and not (benchlib.WORK / "haraka" / "node_modules").exists():
        print(f"The plugin is not installed. Postern alone: {run_postern(make_rules(options), options) / 1000:.1f} us")
        return
    if not shutil.which("npm") or not shutil.which("node"):
        print("Not measured: the plugin needs node and npm (packages nodejs and npm).")
        return
    folder, rules = fetch(benchlib.WORK / "haraka"), make_rules(options)
    runs = {"plugin": lambda: run_plugin(folder, rules, options), "Postern": lambda: run_postern(rules, options)}
    results = benchlib.alternate(list(runs), options.pairs, lambda name: runs[name]())
    rows = [["a decision of all stages, us"] + [benchlib.show([ns / 1000 for ns in results[name]]) for name in runs] +
            [benchlib.show_ratio(results["plugin"], results["Postern"])]]
    benchlib.print_table(f"{options.entries:,} entries and {options.regexes} regexes a list, "
                         f"{options.domains:,} domains", ["", *runs, "plugin / Postern"], rows)


if __name__ == "__main__":
    main()
