"""The version is in configure.ac alone; Debian's changelog, which needs it too, agrees."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_debian_changelog_has_the_version_of_configure():
    version = re.search(r"AC_INIT\(\[postern\], \[([^]]+)\]\)", (ROOT / "configure.ac").read_text(encoding="utf-8"))[1]
    newest = (ROOT / "debian/changelog").read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"postern \((\S+)\) \S+; urgency=\S+", newest)[1] == version


def test_the_changelog_begins_with_what_comes_next():
    version = re.search(r"AC_INIT\(\[postern\], \[([^]]+)\]\)", (ROOT / "configure.ac").read_text(encoding="utf-8"))[1]
    newest = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[1]
    assert newest == "Unreleased" or newest.split()[0] == version


def test_no_document_gives_the_version():
    """It would be wrong after the next release."""
    version = re.compile(r"[Pp]ostern[ _-]v?\d+\.\d+")
    pages = (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/*.[1-8]"), *ROOT.glob("*/*/*.[1-8]"))
    assert not [path.name for path in pages if "autom4te.cache" not in path.parts  # output.1
                and version.search(path.read_text(encoding="utf-8"))]


def test_no_other_file_sets_the_version():
    """A changelog's headings, and the versions of other programs, are no settings."""
    setting = re.compile(r"""(PACKAGE_)?VERSION\s*[:?]?=?\s*["']?\d+\.\d+""")
    found = [path.relative_to(ROOT).as_posix() for path in
             (*ROOT.glob("*"), *(ROOT / "etc").rglob("*"), *(ROOT / "debian").rglob("*"),
              *(path for top in ("lib", "milter", "ctl", "load", "sql") for path in (ROOT / top).rglob("*")))
             if path.is_file() and path.name not in ("configure", "configure~", "config.h", "config.mk", "config.log", "config.status")
             and setting.search(path.read_text(encoding="utf-8", errors="replace"))]
    assert not found
