"""Free TCP ports of 127.0.0.1 that no other test run on this machine gets at the same time."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below the range from which Linux takes the ports of outgoing connections.
RANGE = range(10000, 32000)
LOCKS = Path(tempfile.gettempdir(), "postern-test-ports")

_held = {}  # port -> its lock file, which stays open and locked until this process ends
_next = random.Random(os.getpid())


def _lock(port):
    """Whether this process now holds the port."""
    if port in _held:
        return False
    file = open(LOCKS / str(port), "ab")  # pylint: disable=consider-using-with
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _held[port] = file
    return True


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A port that nothing listens on, and that no test run gets again while this process lives."""
    if not LOCKS.exists():
        LOCKS.mkdir(exist_ok=True)
        LOCKS.chmod(0o1777)
    while True:
        port = _next.choice(RANGE)
        if _lock(port) and _is_free(port):
            return port


def is_listening(port, pid="self"):
    """
    Whether something listens on the port, in the network of that process; unlike a connection this leaves no trace in
    any log.
    """
    for table in (f"/proc/{pid}/net/tcp", f"/proc/{pid}/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                for fields in map(str.split, lines):
                    if fields[3] == "0A" and fields[1].endswith(f":{port:04X}"):
                        return True
        except FileNotFoundError:  # no IPv6
            pass
    return False
