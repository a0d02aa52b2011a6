#!/usr/bin/env python3
"""
Measure rate limits: bytes per login, nanoseconds per charge without and with the files, several threads.

Usage: t/bench/ledger.py [LOGINS]
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("POSTERN_BUILD", "build") / "t/bench/bench_ledger"


def main():
    if not PROGRAM.exists():
        sys.exit(f"{PROGRAM}: does not exist; build it with: make helper-programs")
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.call([PROGRAM, *(sys.argv[1:2] or ["200000"]), folder])


if __name__ == "__main__":
    sys.exit(main())
