"""A proxy that cuts, goes silent and delays, and that can be given another server, like an address that moves."""

import time

from harness.proxy import Proxy


class FaultyProxy(Proxy):
    """
    In addition to Proxy: slow(seconds) delays whatever is forwarded, and move(port) sends new connections to another
    server and cuts those that exist.
    """

    def __init__(self, target_port):
        self._pause = 0
        super().__init__(target_port)

    def slow(self, seconds):
        self._pause = seconds

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
        super()._forward(one)
