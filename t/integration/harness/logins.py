"""The clients of the auth sockets: Dovecot's protocol as Postfix speaks it, saslauthd's protocol, and tokens."""

import base64
import functools
import hashlib
import hmac
import json
import socket
import struct
import subprocess
import time

from .postern import POSTERNCTL


def b64(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@functools.lru_cache
def hash_of(password):
    return subprocess.run([POSTERNCTL, "hash", "-m", "sha512"], input=password, text=True,
                          capture_output=True, check=True).stdout.strip()


def plain(login, password, authzid=""):
    """Return the response of PLAIN."""
    return b64(f"{authzid}\0{login}\0{password}")


def bearer(login, token):
    """Return the response of OAUTHBEARER."""
    return b64(f"n,a={login},\x01auth=Bearer {token}\x01\x01")


def xoauth2(login, token):
    return b64(f"user={login}\x01auth=Bearer {token}\x01\x01")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret, mail="carol@example.com", exp=300, header=None, **claims):
    """Return a token signed with HS256 that expires exp seconds from now."""
    head = base64url(json.dumps({"alg": "HS256", **(header or {})}).encode())
    body = base64url(json.dumps({"mail": mail, "exp": int(time.time()) + exp, **claims}).encode())
    mac = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64url(mac)}"


class Dovecot:
    """One connection to the auth socket; greeting holds the greeting's lines as lists of fields."""

    def __init__(self, where, timeout=30, greet=True):
        kind = socket.AF_UNIX if not isinstance(where, int) else socket.AF_INET
        self.socket = socket.socket(kind, socket.SOCK_STREAM)
        # A non-blocking connect to a unix socket fails while its backlog is full, so this one blocks, for a time.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(timeout) or 1, 0))
        self.socket.connect(str(where) if kind == socket.AF_UNIX else ("127.0.0.1", where))
        self.socket.settimeout(timeout)
        self.file = self.socket.makefile("rb")
        self.id = 0
        self.cancelled = set()
        self.greeting = []
        if greet:
            self.send("VERSION\t1\t0\nCPID\t4711\n")
            while not self.greeting or self.greeting[-1] != ["DONE"]:
                line = self.line()
                assert line is not None, f"closed while greeting: {self.greeting}"
                self.greeting.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self):
        """Return the next line's fields, or None when the daemon has closed the connection."""
        try:
            line = self.file.readline()
        except ConnectionResetError:
            return None
        return line.decode().rstrip("\n").split("\t") if line.endswith(b"\n") else None

    def begin(self, mechanism, response=None, client="192.0.2.7", secured=True):
        self.id += 1
        self.send(f"AUTH\t{self.id}\t{mechanism}\tservice=smtp\tnologin\tlip=192.0.2.1\trip={client}"
                  + ("\tsecured" if secured else "")
                  + ("" if response is None else f"\tresp={response}") + "\n")

    def cont(self, response):
        self.send(f"CONT\t{self.id}\t{response}\n")

    def auth(self, mechanism, *responses, **options):
        """
        Play an exchange; the first response is sent with AUTH unless it is None. Return the last answer:
        ("OK", user), ("FAIL", reason), ("CONT", text), or None when the daemon has closed the connection.
        """
        first, *rest = responses or (None,)
        self.begin(mechanism, first, **options)
        answer = self.line()
        for response in rest:
            if answer is None or answer[0] != "CONT":
                break
            self.cont(response)
            answer = self.line()
        return self.read(answer)

    def cancel(self):
        """Cancel the last request; its answer may be under way already."""
        self.cancelled.add(str(self.id))
        self.send(f"CANCEL\t{self.id}\n")

    def read(self, answer):
        while answer is not None and answer[1] in self.cancelled:
            answer = self.line()
        if answer is None:
            return None
        assert answer[1] == str(self.id), answer
        if answer[0] == "CONT":
            return "CONT", base64.b64decode(answer[2]).decode()
        values = dict(field.split("=", 1) for field in answer[2:])
        return answer[0], values["user"] if answer[0] == "OK" else values.get("reason", "")

    def plain(self, login, password, **options):
        return self.auth("PLAIN", plain(login, password), **options)


def saslauthd(path, login, password, service="smtp", realm="", fifth=None, timeout=30):
    """Send one request and return the text of the answer, or "" when there was none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as conn:
        conn.settimeout(timeout)
        conn.connect(str(path))
        parts = [login, password, service, realm] + ([fifth] if fifth is not None else [])
        conn.sendall(b"".join(struct.pack(">H", len(part.encode())) + part.encode()
                              for part in parts))
        answer = b""
        while chunk := conn.recv(4096):
            answer += chunk
    if not answer:
        return ""
    (length,) = struct.unpack(">H", answer[:2])
    assert len(answer) == length + 2, answer
    return answer[2:].decode()
