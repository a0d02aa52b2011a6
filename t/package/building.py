"""Building the Debian package from the files of this tree, and variants of it."""

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.search(r"AC_INIT\(\[postern\], \[([\d.]+)\]\)", (ROOT / "configure.ac").read_text(encoding="utf-8"))[1]
JOBS = os.environ.get("JOBS", "2")


def run(*argv, **options):
    """Run a program, which must succeed. Its output."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    assert done.returncode == 0, f"{argv}: {done.stdout[-8000:]}"
    return done.stdout


def build(folder, *kinds, **environment):
    """Build the packages in a folder from the committed files as they are now. The folder of the results."""
    source = folder / f"postern-{VERSION}"
    source.mkdir(parents=True)
    names = run("git", "ls-files", "-z", "--cached", cwd=ROOT).split("\0")
    run("tar", "-cf", folder / "source.tar", "--no-recursion", *(name for name in names if name and (ROOT / name).exists()),
        cwd=ROOT)
    run("tar", "-xf", folder / "source.tar", cwd=source)
    (folder / "source.tar").unlink()
    (folder / "log").write_text(run("dpkg-buildpackage", "-us", "-uc", *kinds, cwd=source, env={
        "PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8",
        "DEB_BUILD_OPTIONS": f"nocheck parallel={JOBS}", **environment}))
    return folder


def package(folder):
    """The package in a folder, without its symbols for debugging."""
    (path,) = folder.glob("postern_*.deb")
    return path


@contextlib.contextmanager
def unpacked(path, target):
    """Change a package: gives the folder of its files, and packs them as target afterwards."""
    folder = target.with_suffix(".files")
    run("dpkg-deb", "-R", path, folder)
    yield folder
    with open(folder / "DEBIAN/md5sums", "w", encoding="utf-8") as sums:
        names = sorted(str(name.relative_to(folder)) for name in folder.rglob("*")
                       if name.is_file() and not name.is_symlink() and "DEBIAN" not in name.relative_to(folder).parts[:1])
        sums.write(run("md5sum", *names, cwd=folder))
    run("dpkg-deb", "--root-owner-group", "-Znone", "-b", folder, target)
    shutil.rmtree(folder)
