"""Debian packages that conflict with installed ones: unpacked into the build directory, and run from there."""

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

# Runs a program whose mounts nobody else may see.
OWN_MOUNTS = [sys.executable, str(Path(__file__).with_name("own_mounts.py"))]


def run(*argv, cwd=None):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def fetch(cache, packages, program=None, libraries=()):
    """
    Download and unpack packages below cache, once. Returns the directory that takes the place of /. If program, a
    path below that directory, lacks a library, the packages in libraries are fetched, too.
    """
    cache = Path(cache)
    root = cache / "root"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "done").exists():
            shutil.rmtree(root, ignore_errors=True)
            _download(cache, root, packages)
            if program and "not found" in run("ldd", root / program):
                _download(cache, root, libraries)
            (cache / "done").touch()
    return root


def library_path(root):
    """LD_LIBRARY_PATH for a fetched program."""
    return ":".join(f"{root}/{folder}" for folder in
                    ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib"))


def update_lists():
    """Let apt-get fetch its lists of packages, of which a new machine has none."""
    run("apt-get", "-q", "update")


def _download(cache, root, packages):
    try:
        run("apt-get", "-q", "download", *packages, cwd=cache)
    except AssertionError:  # the lists are missing, or older than the archive
        update_lists()
        run("apt-get", "-q", "download", *packages, cwd=cache)
    for name in packages:
        (archive,) = cache.glob(f"{name}_*.deb")
        run("dpkg", "-x", archive, root)
        archive.unlink()
