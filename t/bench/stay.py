#!/usr/bin/env python3
"""
Run a program that makes itself a daemon, and stay its parent: this process adopts it, and ends when it has ended. SIGTERM
ends the daemon and all its processes.

Usage: stay.py PROGRAM [ARGUMENT...]
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


def end_children(_number, _frame):
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        os.kill(int(pid), signal.SIGKILL)  # the processes below it become children, too


def main(argv):
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("stay.py: this process cannot adopt others")
    ending = False

    def end(number, frame):
        nonlocal ending
        ending = True
        end_children(number, frame)

    signal.signal(signal.SIGTERM, end)
    status = subprocess.run(argv, check=False).returncode
    if status != 0:
        return status
    try:
        while True:
            os.wait()
            if ending:
                end_children(None, None)
    except ChildProcessError:  # none is left
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
