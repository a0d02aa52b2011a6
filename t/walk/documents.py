"""The documents of this tree: for whom each is written."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"

# For those who work on Postern: these hold no commands for an administrator.
DEVELOPERS = {"architecture.md", "design.md", "in-step.md", "performance.md", "protocols.md", "style.md"}

# For administrators. All of their commands are run.
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in DEVELOPERS)
MANUAL = sorted(path for top in ("milter", "ctl", "lib") for path in (ROOT / top).rglob("*.[1-8]"))

# The README's section that begins with another store than the pages: they continue from the sections before it.
DATABASE = "PostgreSQL"
AFTER_DATABASE = {"postgresql.md"}
