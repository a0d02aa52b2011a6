"""Runs the histories: python3 t/faults/in_step. See __init__.py."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "integration")]
os.environ.setdefault("POSTERN_BUILD", "build")

from in_step.main import main  # noqa: E402  pylint: disable=wrong-import-position

sys.exit(main(sys.argv[1:]))
