"""A TCP proxy on 127.0.0.1 that can lose a connection silently, like a network."""

import selectors
import socket
import struct
import threading

from .ports import free_port


class Proxy:
    """
    Forwards connections from .port to target_port, both on 127.0.0.1.

    stall():  connections, open or new, are neither forwarded nor closed.
    refuse(): open connections are reset, new ones refused.
    resume(): new connections are forwarded again. Stalled ones stay silent, like a connection whose
              firewall entry has expired; with thaw=True they continue.
    """

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = free_port()
        self.accepted = 0
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._peers = {}  # socket -> its other half, of live pairs
        self._stalled = False
        self._frozen = set()  # sockets that are neither read nor closed
        self._wake_r, self._wake_w = socket.socketpair()
        self._selector.register(self._wake_r, selectors.EVENT_READ)
        self._listener = None
        self._closing = False
        self._listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stall(self):
        with self._lock:
            self._stalled = True
            for one in list(self._peers):
                self._selector.unregister(one)
                self._frozen.add(one)

    def refuse(self):
        with self._lock:
            if self._listener:
                self._selector.unregister(self._listener)
                self._listener.close()
                self._listener = None
            for one in list(self._peers):
                self._reset(one)

    def resume(self, thaw=False):
        with self._lock:
            self._stalled = False
            if thaw:
                for one in self._frozen & set(self._peers):
                    self._selector.register(one, selectors.EVENT_READ)
                self._frozen.clear()
            if not self._listener:
                self._listen()

    def close(self):
        self.refuse()
        with self._lock:
            self._closing = True
        self._wake_w.send(b"x")
        self._thread.join()
        self._selector.close()
        self._wake_r.close()
        self._wake_w.close()

    def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ)
        self._wake_w.send(b"x")

    def _run(self):
        while True:
            ready = self._selector.select()
            with self._lock:
                if self._closing:
                    return
                for key, _ in ready:
                    self._handle(key.fileobj)

    def _handle(self, one):
        if one is self._wake_r:
            one.recv(64)
        elif one is self._listener:
            self._accept()
        elif one in self._peers and one not in self._frozen:
            self._forward(one)

    def _accept(self):
        client, _ = self._listener.accept()
        self.accepted += 1
        server = socket.socket()
        try:
            if not self._stalled:
                server.connect(("127.0.0.1", self.target_port))
        except OSError:
            client.close()
            server.close()
            return
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[one] = other
            if self._stalled:
                self._frozen.add(one)
            else:
                self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, one):
        other = self._peers[one]
        try:
            octets = one.recv(65536)
            other.sendall(octets)
        except OSError:
            octets = b""
        if not octets:
            self._drop(one)

    def _drop(self, one):
        other = self._peers.pop(one, None)
        self._peers.pop(other, None)
        for half in (one, other):
            if half is None:
                continue
            if half not in self._frozen:
                self._selector.unregister(half)
            self._frozen.discard(half)
            half.close()

    def _reset(self, one):
        if one in self._peers:
            for half in (one, self._peers[one]):
                half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._drop(one)
