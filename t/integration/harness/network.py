"""The network namespace of a process: sockets that are made in it belong to it, whoever uses them later."""

import ctypes
import os
import threading

CLONE_NEWNET = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def _enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def is_elsewhere(pid):
    """Whether that process is in another network than this one."""
    return os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")


class Network:
    """A context manager: the calling thread is in the network of the process as long as the block runs."""

    def __init__(self, pid):
        self.pid = pid
        self.own = threading.local()

    def __enter__(self):
        self.own.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        target = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            _enter(target)
        finally:
            os.close(target)

    def __exit__(self, *_):
        _enter(self.own.descriptor)
        os.close(self.own.descriptor)
