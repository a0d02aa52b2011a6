"""Runs the histories: python3 t/faults/in_step. See __init__.py."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "integration")]
os.environ.setdefault("POSTERN_BUILD", "build")

from harness.box import can_mount  # noqa: E402  pylint: disable=wrong-import-position
from harness.packages import OWN_MOUNTS  # noqa: E402  pylint: disable=wrong-import-position
from in_step.main import main  # noqa: E402  pylint: disable=wrong-import-position

if "POSTERN_OWN_MOUNTS" not in os.environ and can_mount():
    os.environ["POSTERN_OWN_MOUNTS"] = "yes"  # disks that can be full, which nobody else sees
    os.execv(sys.executable, [*OWN_MOUNTS, sys.executable, *sys.argv])
sys.exit(main(sys.argv[1:]))
