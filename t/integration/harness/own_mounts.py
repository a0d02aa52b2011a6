#!/usr/bin/env python3
"""
Run a command in a mount namespace whose mounts nobody else sees, also within a chroot.

Usage: own_mounts.py COMMAND [ARGUMENT...]

unshare(1) makes the mounts private by way of /, which in a chroot need not be a mount point, so that it fails there.
Without this step a mount could appear outside, too. This program therefore enters the namespace at its real root,
makes all mounts private, and returns to where it was.
"""

import ctypes
import os
import sys

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000

libc = ctypes.CDLL(None, use_errno=True)


def must(what, status):
    if status != 0:
        sys.exit(f"own_mounts: {what}: {os.strerror(ctypes.get_errno())}")


def main(argv):
    must("unshare", libc.unshare(CLONE_NEWNS))
    root, folder = os.open("/", os.O_RDONLY), os.open(".", os.O_RDONLY)
    namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    must("setns", libc.setns(namespace, CLONE_NEWNS))  # the root and the working directory are now the namespace's
    must("mount", libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    os.fchdir(root)
    os.chroot(".")
    os.fchdir(folder)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main(sys.argv[1:])
