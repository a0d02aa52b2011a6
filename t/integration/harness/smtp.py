"""A small SMTP client that sends exactly the given bytes, and a server that keeps mail."""

import base64
import contextlib
import re
import socket
import socketserver
import ssl
import threading

from .ports import free_port


class Reply:
    """
    One SMTP reply. code: 550; text: "5.7.1 No" (lines joined with LF); enhanced: "5.7.1" or "";
    words: the text without the enhanced code; lines: the lines as a list.
    """

    def __init__(self, code, lines):
        self.code = code
        self.lines = lines
        self.text = "\n".join(lines)
        found = re.match(r"([245]\.\d{1,3}\.\d{1,3}) ", self.text)
        self.enhanced = found.group(1) if found else ""
        self.words = self.text[found.end():] if found else self.text

    def __bool__(self):
        return 200 <= self.code < 400

    def __repr__(self):
        return f"{self.code} {self.text}"

    __str__ = __repr__


class Smtp:
    """
    One SMTP session; greeting holds the first reply. source is the client's local address. With network, a context
    manager, the connection is made there. Arguments are sent verbatim: mail("<a@b>", "SIZE=10") sends
    MAIL FROM:<a@b> SIZE=10.
    """

    def __init__(self, port, host="127.0.0.1", source=None, timeout=60, network=None):
        with network or contextlib.nullcontext():
            self.socket = socket.create_connection(
                (host, port), timeout, (source, 0) if source else None)
        self._input = self.socket.makefile("rb")
        self.greeting = self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the connection without QUIT."""
        self._input.close()
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets if isinstance(octets, bytes) else octets.encode())

    def read(self):
        """Return the next reply. Raises EOFError if the server closed the connection."""
        lines = []
        while True:
            line = self._input.readline()
            if not line.endswith(b"\n"):
                raise EOFError(f"the server closed the connection after {lines} {line!r}")
            text = line.decode(errors="surrogateescape").rstrip("\r\n")
            lines.append(text[4:])
            if text[3:4] != "-":
                return Reply(int(text[:3]), lines)

    def command(self, line):
        """Send one line and return the reply."""
        self.send(line + b"\r\n" if isinstance(line, bytes) else line + "\r\n")
        return self.read()

    def helo(self, name="client.example.net"):
        return self.command("HELO " + name)

    def ehlo(self, name="client.example.net"):
        return self.command("EHLO " + name)

    def mail(self, sender="<sender@example.net>", *parameters):
        return self.command(" ".join(["MAIL FROM:" + sender, *parameters]))

    def rcpt(self, recipient="<rcpt@example.com>", *parameters):
        return self.command(" ".join(["RCPT TO:" + recipient, *parameters]))

    def data(self, message="From: <sender@example.net>\r\nSubject: test\r\n\r\nHello\r\n"):
        """Send DATA and the message, which has CRLF line ends; leading dots are doubled here. Returns the last reply."""
        reply = self.command("DATA")
        if reply.code != 354:
            return reply
        octets = message if isinstance(message, bytes) else message.encode()
        octets = re.sub(rb"(?m)^\.", b"..", octets)
        self.send(octets + (b"" if octets.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.read()

    def rset(self):
        return self.command("RSET")

    def quit(self):
        reply = self.command("QUIT")
        self.close()
        return reply

    def xclient(self, addr=None, name=None, helo=None, login=None, proto=None):
        """
        Become another client (Postfix's XCLIENT, after EHLO). With name "" the client has no rDNS name. Returns the
        new greeting; HELO has to be sent again.
        """
        def xtext(value):
            return re.sub(r"[^!-*,-<>-~]", lambda char: "".join(
                f"+{octet:02X}" for octet in char.group().encode()), value)

        if addr and ":" in addr and not addr.lower().startswith("ipv6:"):
            addr = "IPV6:" + addr
        wanted = {"ADDR": addr, "NAME": name, "HELO": helo, "LOGIN": login, "PROTO": proto}
        return self.command("XCLIENT " + " ".join(
            f"{key}={xtext(value) or '[UNAVAILABLE]'}"
            for key, value in wanted.items() if value is not None))

    def starttls(self):
        """Send STARTTLS without checking the certificate; EHLO has to be sent again."""
        reply = self.command("STARTTLS")
        if reply.code == 220:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self._input.close()
            self.socket = context.wrap_socket(self.socket)
            self._input = self.socket.makefile("rb")
        return reply

    def auth(self, mechanism, *responses, initial=True):
        """Send AUTH with these responses in base64, the first one in the command if initial."""
        responses = list(responses)
        line = "AUTH " + mechanism
        if initial and responses:
            line += " " + (responses.pop(0) or "=")
        reply = self.command(line)
        while reply.code == 334 and responses:
            reply = self.command(responses.pop(0))
        return reply

    def auth_plain(self, login, password):
        response = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
        return self.command("AUTH PLAIN " + response)


def seen(reply):
    """The code, the enhanced code and the words of a reply, without the address that Sendmail puts before them."""
    return reply.code, reply.enhanced, re.sub(r"^<.*?>\.\.\. ", "", reply.words)


def session(port, sender, recipients, message=None, client=None, login=None, helo=None,
            mail_parameters=()):
    """
    Play a whole session up to its first refusal. Returns a list of (step, Reply): connect, helo, mail, one rcpt for
    each recipient, data. client is (address, rDNS name or ""), login the XCLIENT login. A refused recipient does not
    end the session; data follows if a recipient is left and message is given.
    """
    steps = []

    def note(step, reply):
        steps.append((step, reply))
        return bool(reply)

    with Smtp(port) as smtp:
        if not note("connect", smtp.greeting):
            return steps
        if client or login:
            smtp.ehlo()
            addr, name = client or ("192.0.2.1", "")
            steps.clear()
            if not note("connect", smtp.xclient(addr=addr, name=name, login=login)):
                return steps
        if not note("helo", smtp.ehlo(helo or "client.example.net")):
            return steps
        if not note("mail", smtp.mail(sender, *mail_parameters)):
            return steps
        accepted = [note("rcpt", smtp.rcpt(one)) for one in recipients]
        if any(accepted) and message is not None:
            note("data", smtp.data(message))
    return steps


class Sink:
    """
    An SMTP server on 127.0.0.1:port that accepts everything. messages holds (sender, recipients, message as bytes)
    in the order of arrival.
    """

    def __init__(self):
        self.messages = []
        sink = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self):
                sink._serve(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.port = free_port()
        self._server = Server(("127.0.0.1", self.port), Session)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, lines, out):
        sender, recipients = "", []
        out.write(b"220 sink.example ESMTP\r\n")
        for line in lines:
            verb = line[:4].upper()
            answer = b"250 2.0.0 Ok\r\n"
            if verb == b"EHLO":
                answer = b"250-sink.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
            elif verb == b"MAIL":
                sender, recipients = line[10:].strip().decode(), []
            elif verb == b"RCPT":
                recipients.append(line[8:].strip().decode())
            elif verb == b"DATA":
                out.write(b"354 Go on\r\n")
                text = b"".join(part[1:] if part.startswith(b".") else part
                                for part in iter(lines.readline, b".\r\n"))
                self.messages.append((sender, recipients, text))
            elif verb == b"QUIT":
                answer = b"221 2.0.0 Bye\r\n"
            out.write(answer)
            if verb == b"QUIT":
                return
