#!/usr/bin/env python3
"""Measure a decision by itself: check_* without a socket. The options are bench_check's: --help."""

import os
import sys

from benchlib import BUILD

PROGRAM = BUILD / "t" / "bench" / "bench_check"

if __name__ == "__main__":
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM} is missing: run 'make helper-programs'")
    os.execv(PROGRAM, [str(PROGRAM), *sys.argv[1:]])
