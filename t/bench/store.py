#!/usr/bin/env python3
"""
Measure how long a JSON store takes to load: in the layout that Postern writes, and in others compared with it.

Usage: t/bench/store.py [USERS] [PAIRS] [NAME]

NAME is a part of the layouts' names.
"""

import os
import sys

from benchlib import BUILD

PROGRAM = BUILD / "t" / "bench" / "bench_store"

if __name__ == "__main__":
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing: run 'make helper-programs'")
    os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])
