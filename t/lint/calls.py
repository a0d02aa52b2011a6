#!/usr/bin/env python3
"""Report circles of calls between sources: no files may need each other.

A file needs another when its object uses a symbol that the other's object defines, whether a function or a
variable. Thus this script sees the same as the linker: a call through a table of pointers does not count, but
taking the address of another file's function does.

Usage: t/lint/calls.py BUILD
BUILD contains the objects of lib/, milter/ and ctl/. Prints one line for each circle, with the symbols that cause
it. Exits with 1 if a circle was found, and with 2 if BUILD contains no objects.
"""

import pathlib
import subprocess
import sys

TOPS = ("lib", "milter", "ctl")


def objects(build):
    """The objects under build whose sources still exist: a build also contains objects of renamed files."""
    for top in TOPS:
        for path in sorted((build / top).rglob("*.o")):
            if pathlib.Path(source_of(build, path)).is_file():
                yield path


def source_of(build, path):
    return path.relative_to(build).with_suffix(".c").as_posix()


def symbols(build):
    """The source that defines each symbol, and the symbols that each source uses."""
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
    """For each source: the sources that it needs, and the symbols that it uses of each."""
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
    """The groups of sources in which each needs all others, directly or through others."""
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
        print(f"{args[0]} contains no objects: run make first", file=sys.stderr)
        return 2
    needs = needs_of(defined, used)
    lines = [describe(group, needs) for group in circles(needs)]
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
