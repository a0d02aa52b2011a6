"""
The MTA's side of the milter protocol, version 6. One object is one SMTP connection of an MTA. Like Postfix, it does
what was negotiated: it does not send commands that the filter does not want, nor wait for replies that the filter
never gives.
"""

import ipaddress
import socket
import struct

# Protocol steps that a filter may ask for (SMFIP_*).
NOCONNECT, NOHELO, NOMAIL, NORCPT = 0x1, 0x2, 0x4, 0x8
NOBODY, NOHDRS, NOEOH, NR_HDR = 0x10, 0x20, 0x40, 0x80
NOUNKNOWN, NODATA, SKIP, RCPT_REJ = 0x100, 0x200, 0x400, 0x800
NR_CONN, NR_HELO, NR_MAIL, NR_RCPT = 0x1000, 0x2000, 0x4000, 0x8000
NR_DATA, NR_UNKN, NR_EOH, NR_BODY = 0x10000, 0x20000, 0x40000, 0x80000
HDR_LEADSPC = 0x100000
ALL_STEPS = 0x1FFFFF
ALL_ACTIONS = 0x1FF

VERDICTS = {b"c": "continue", b"a": "accept", b"r": "reject", b"t": "tempfail", b"d": "discard",
            b"s": "skip", b"y": "reply", b"f": "conn_fail", b"4": "shutdown"}
ACTIONS = {b"+": "add_rcpt", b"2": "add_rcpt_par", b"-": "del_rcpt", b"b": "replace_body",
           b"e": "change_from", b"h": "add_header", b"i": "insert_header", b"m": "change_header",
           b"q": "quarantine"}

# command letter: (the flag that omits the command, the flag that omits its reply)
COMMANDS = {b"C": (NOCONNECT, NR_CONN), b"H": (NOHELO, NR_HELO), b"M": (NOMAIL, NR_MAIL),
            b"R": (NORCPT, NR_RCPT), b"T": (NODATA, NR_DATA), b"L": (NOHDRS, NR_HDR),
            b"N": (NOEOH, NR_EOH), b"B": (NOBODY, NR_BODY), b"U": (NOUNKNOWN, NR_UNKN),
            b"E": (0, 0)}


class Answer:
    """
    The filter's answer. verdict is one of VERDICTS, or "none" if nothing was asked or no reply is given. For a
    reply with a code, code, enhanced and text are set, and the code determines whether verdict is "reject" or
    "tempfail". actions holds the preceding [(name, octets)].
    """

    def __init__(self, verdict, octets=b"", actions=()):
        self.verdict = verdict
        self.code, self.enhanced, self.text = 0, "", ""
        self.actions = list(actions)
        if verdict == "reply":
            line = octets.rstrip(b"\0").decode(errors="surrogateescape")
            self.code = int(line[:3])
            self.verdict = "reject" if line.startswith("5") else "tempfail"
            enhanced, _, text = line[4:].partition(" ")
            self.enhanced, self.text = enhanced, text.replace("%%", "%")

    def __bool__(self):
        """Whether the session continues."""
        return self.verdict in ("none", "continue", "accept", "skip")

    def __repr__(self):
        reply = f" {self.code} {self.enhanced} {self.text}" if self.code else ""
        return self.verdict + reply


def packet(command, octets=b""):
    return struct.pack("!I", len(octets) + 1) + command + octets


def strings(*words):
    """Arguments, each ended by NUL. Bytes are sent unchanged."""
    return b"".join(
        (word if isinstance(word, bytes) else word.encode(errors="surrogateescape")) + b"\0"
        for word in words)


class MilterClient:
    """
    path is a unix socket, port one of 127.0.0.1. steps are the flags that this MTA offers (SMFIP_*). After the
    construction, .steps and .actions hold the result of the negotiation, and .wanted_macros the macros that the
    filter wants, {stage: [names]}.
    """

    def __init__(self, path=None, port=None, steps=ALL_STEPS, actions=ALL_ACTIONS, timeout=60):
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(path))
        else:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._input = self.socket.makefile("rb")
        self.wanted_macros = {}
        self.round_trips = 0
        self._negotiate(steps, actions)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _negotiate(self, steps, actions):
        self._send(b"O", struct.pack("!III", 6, actions, steps))
        command, octets = self._receive()
        assert command == b"O", f"negotiation was answered {command!r} {octets!r}"
        self.version, self.actions, self.steps = struct.unpack("!III", octets[:12])
        assert not self.steps & ~steps, f"not offered: {self.steps & ~steps:#x}"
        assert not self.actions & ~actions, f"not offered: {self.actions & ~actions:#x}"
        rest = octets[12:]
        while len(rest) >= 4:
            (stage,) = struct.unpack("!I", rest[:4])
            names, _, rest = rest[4:].partition(b"\0")
            self.wanted_macros[stage] = names.decode().split()

    # ---- the events of a session ---------------------------------------------------------------

    def connect(self, name, address, port=12345, **macros):
        """name: the rDNS name, or "[192.0.2.7]" without one. address None: unknown."""
        if address is None:
            where = b"U"
        elif address.startswith("/"):
            where = b"L" + struct.pack("!H", 0) + strings(address)
        else:
            family = b"6" if ipaddress.ip_address(address).version == 6 else b"4"
            text = ("IPv6:" if family == b"6" else "") + address
            where = family + struct.pack("!H", port) + strings(text)
        return self._command(b"C", strings(name) + where, macros)

    def helo(self, name, **macros):
        return self._command(b"H", strings(name), macros)

    def mail(self, sender, *parameters, **macros):
        """sender in angle brackets; macros: auth_authen="bob", i="QUEUEID"."""
        return self._command(b"M", strings(sender, *parameters), macros)

    def rcpt(self, recipient, *parameters, **macros):
        return self._command(b"R", strings(recipient, *parameters), macros)

    def data(self, **macros):
        return self._command(b"T", b"", macros)

    def header(self, name, value):
        """value is the text after the colon; a leading space is removed unless the filter asked for it."""
        if not self.steps & HDR_LEADSPC and value[:1] in (" ", b" "):
            value = value[1:]
        return self._command(b"L", strings(name, value), {})

    def eoh(self):
        return self._command(b"N", b"", {})

    def body(self, octets):
        return self._command(b"B", octets, {})

    def eom(self, **macros):
        """End of the message. The answer's actions are the filter's changes of it."""
        return self._command(b"E", b"", macros)

    def unknown(self, line):
        return self._command(b"U", strings(line), {})

    def abort(self):
        """End the message (Postfix sends this after each one)."""
        self._send(b"A")

    def quit(self):
        """End the connection with QUIT."""
        self._send(b"Q")
        self.close()

    def close(self):
        """Close the connection without QUIT."""
        self._input.close()
        self.socket.close()

    def message(self, headers=(), body=b"Hello\r\n"):
        """
        Send DATA to the end of the message, as far as the filter permits: headers as (name, value), the body in
        chunks of 64 KiB. Returns the first answer that ends the message, or the answer to its end.
        """
        for answer in (self.data(i="4QUEUE"), *(self.header(*field) for field in headers), self.eoh()):
            if not answer or answer.verdict == "accept":
                return answer
        for start in range(0, len(body), 65535):
            answer = self.body(body[start:start + 65535])
            if answer.verdict == "skip":
                break
            if not answer or answer.verdict == "accept":
                return answer
        return self.eom()

    # ---- packets -------------------------------------------------------------------------------

    def macros(self, command, values):
        """Send {"auth_authen": "bob", "i": "QUEUEID"}; names longer than a letter get braces."""
        words = []
        for name, value in values.items():
            words += [name if len(name) == 1 else "{" + name + "}", value]
        self._send(b"D", command + strings(*words))

    def _command(self, command, octets, macros):
        unwanted, unanswered = COMMANDS[command]
        if self.steps & unwanted:
            return Answer("none")
        if macros:
            self.macros(command, macros)
        self._send(command, octets)
        if self.steps & unanswered:
            return Answer("none")
        self.round_trips += 1
        return self._answer()

    def pipeline(self, *commands):
        """Send (command, octets) one after the other without reading an answer. Returns how many answers will come."""
        sent = [(command, octets) for command, octets in commands if not self.steps & COMMANDS[command][0]]
        self.socket.sendall(b"".join(packet(command, octets) for command, octets in sent))
        return sum(1 for command, _ in sent if not self.steps & COMMANDS[command][1])

    def answers(self, count):
        """Read the answers to commands that were pipelined."""
        return [self._answer() for _ in range(count)]

    def _answer(self):
        actions = []
        while True:
            letter, octets = self._receive()
            if letter in VERDICTS:
                return Answer(VERDICTS[letter], octets, actions)
            if letter in ACTIONS:
                actions.append((ACTIONS[letter], octets))
            else:
                assert letter == b"p", f"unknown answer {letter!r} {octets!r}"  # progress

    def _send(self, command, octets=b""):
        self.socket.sendall(packet(command, octets))

    def _receive(self):
        head = self._input.read(4)
        if len(head) < 4:
            raise EOFError("the filter hung up")
        (length,) = struct.unpack("!I", head)
        octets = self._input.read(length)
        if len(octets) < length:
            raise EOFError("the filter hung up within a packet")
        return octets[:1], octets[1:]


def play(milter, session, login=None):
    """
    Play one session of t/cases (or of explain --jsonl) through the milter. Returns [(step, verdict, text)], with
    "accept" for each verdict that lets the session continue, as in expected.jsonl. The MTA has checked the login.
    """
    steps = []

    def note(step, answer):
        steps.append((step, "accept" if answer else answer.verdict, answer.text))
        return bool(answer)

    macros = {"auth_authen": login, "auth_type": "PLAIN"} if login else {}
    name = session.get("rdns") or f"[{session['ip']}]"
    if not note("connect", milter.connect(name, session["ip"])):
        return steps
    if not note("helo", milter.helo(session["helo"])):
        return steps
    if not note("mail", milter.mail(session["mail"], **macros)):
        return steps
    if any([note("rcpt", milter.rcpt(one)) for one in session["rcpts"]]):
        fields = session.get("headers") or []
        if session.get("from") is not None:
            fields = [("From", " " + session["from"]), *fields]
        note("header", milter.message(fields))
    return steps
