"""A proxy that cuts, goes silent and delays, and that can be given another server, like an address that moves."""

import time

from harness.proxy import Proxy


class FaultyProxy(Proxy):
    """
    In addition to Proxy: slow(seconds) delays whatever is forwarded, cut_after(octets) resets each connection that has
    carried that many from now on, and move(port) sends new connections to another server and cuts those that exist.
    """

    def __init__(self, target_port):
        self._pause = 0
        self._room = None  # octets that a connection may carry
        self._carried = {}  # socket -> octets
        super().__init__(target_port)

    def slow(self, seconds):
        self._pause = seconds

    def cut_after(self, octets):
        """None: never."""
        with self._lock:
            self._room = octets
            self._carried = {}

    def move(self, port):
        self.target_port = port
        self.refuse()
        self.resume()

    def cut(self):
        """Reset the connections; new ones are accepted at once."""
        self.refuse()
        self.resume()

    def _forward(self, one):
        if self._pause:
            time.sleep(self._pause)
        if self._room is None:
            super()._forward(one)
            return
        room = self._room - self._carried.get(one, 0)
        carried = self._pass(one, self._peers[one], min(room, 65536)) if room > 0 else 0
        self._carried[one] = self._carried.get(one, 0) + carried
        if not carried:
            self._carried.pop(one, None)
            self._reset(one)

    @staticmethod
    def _pass(one, other, most):
        """Forward up to this number of octets. Returns how many, or 0 at the end of the connection."""
        try:
            octets = one.recv(most)
            other.sendall(octets)
        except OSError:
            return 0
        return len(octets)
