#!/usr/bin/env python3
"""Check that no files need each other: a circle of calls between sources is reported.

A file needs another when its object uses a symbol that the other's object defines, be it a function or an
object. So this sees what the linker sees: calls through a table of pointers are no edge, taking the address of
another file's function is one.

Usage: t/lint/calls.py BUILD
BUILD holds the objects of lib/, milter/ and ctl/. Prints one line for each circle, with the symbols that tie
it; exits with 1 when there is one, and with 2 when BUILD holds no objects.
"""

import pathlib
import subprocess
import sys

TOPS = ("lib", "milter", "ctl")


def objects(build):
    """The objects under build whose sources are still there: a build keeps those of files that were renamed."""
    for top in TOPS:
        for path in sorted((build / top).rglob("*.o")):
            if pathlib.Path(source_of(build, path)).is_file():
                yield path


def source_of(build, path):
    return path.relative_to(build).with_suffix(".c").as_posix()


def symbols(build):
    """Which source defines each symbol, and which symbols each source uses."""
    paths = list(objects(build))
    defined, used = {}, {}
    if not paths:
        return defined, used
    listing = subprocess.run(["nm", "-A", "-g", *paths], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        path, _, rest = line.partition(":")
        source, fields = source_of(build, pathlib.Path(path)), rest.split()
        if fields[-2] in ("U", "w"):
            used.setdefault(source, set()).add(fields[-1])
        else:
            defined[fields[-1]] = source
    return defined, used


def needs_of(defined, used):
    """For each source: the sources that it needs, and the symbols that it needs of each."""
    needs = {}
    for source, names in used.items():
        for name in names:
            target = defined.get(name)
            if target not in (None, source):
                needs.setdefault(source, {}).setdefault(target, set()).add(name)
    return needs


def reachable(needs, start):
    """All sources that can be reached from start."""
    seen, waiting = set(), [start]
    while waiting:
        for target in needs.get(waiting.pop(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def circles(needs):
    """The groups of sources of which each needs all others, by way of each other."""
    reach = {source: reachable(needs, source) for source in needs}
    grouped = set()
    for source in sorted(reach):
        if source in reach[source] and source not in grouped:
            group = [other for other in sorted(reach[source]) if source in reach.get(other, ())]
            grouped.update(group)
            yield group


def describe(group, needs):
    ties = []
    for source in group:
        for target, names in sorted(needs[source].items()):
            if target in group:
                ties.append(f"{source} uses {', '.join(sorted(names))} of {target}")
    return f"{group[0]}:1: {', '.join(group)} need each other: {'; '.join(ties)}"


def main(args):
    if len(args) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    defined, used = symbols(pathlib.Path(args[0]))
    if not defined:
        print(f"{args[0]} holds no objects: build first", file=sys.stderr)
        return 2
    needs = needs_of(defined, used)
    lines = [describe(group, needs) for group in circles(needs)]
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
