"""The version is in configure.ac alone; Debian's changelog, which needs it too, agrees."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_debian_changelog_has_the_version_of_configure():
    version = re.search(r"AC_INIT\(\[postern\], \[([^]]+)\]\)", (ROOT / "configure.ac").read_text(encoding="utf-8"))[1]
    newest = (ROOT / "debian/changelog").read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"postern \((\S+)\) \S+; urgency=\S+", newest)[1] == version


def test_no_other_file_sets_the_version():
    """A changelog's headings, and the versions of other programs, are no settings."""
    setting = re.compile(r"""(PACKAGE_)?VERSION\s*[:?]?=?\s*["']?\d+\.\d+""")
    found = [path.relative_to(ROOT).as_posix() for path in
             (*ROOT.glob("*"), *(ROOT / "etc").rglob("*"), *(ROOT / "debian").rglob("*"),
              *(path for top in ("lib", "milter", "ctl", "load", "sql") for path in (ROOT / top).rglob("*")))
             if path.is_file() and path.name not in ("configure", "configure~", "config.h", "config.mk", "config.log", "config.status")
             and setting.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert not found
