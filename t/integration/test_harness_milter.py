"""The harness's milter client, tested with a small filter that records the packets."""

import socket
import struct
import threading

from harness import milter_client as mc
from harness.milter_client import MilterClient, packet, strings
from harness.postern import fields_of


class Filter(threading.Thread):
    """Serve one connection: answer each command from a table and keep the packets."""

    def __init__(self, steps, answers):
        super().__init__(daemon=True)
        self.steps, self.answers, self.packets = steps, answers, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        peer, _ = self.listener.accept()
        lines = peer.makefile("rb")
        while head := lines.read(4):
            octets = lines.read(struct.unpack("!I", head)[0])
            self.packets.append(octets)
            if octets[:1] == b"O":
                macros = struct.pack("!I", 2) + strings("i {auth_authen}")
                peer.sendall(packet(b"O", struct.pack("!III", 6, 1, self.steps) + macros))
            for answer in self.answers.get(octets[:1], ()):
                peer.sendall(packet(answer[:1], answer[1:]))
        peer.close()
        self.listener.close()

    def ended(self):
        self.join(20)
        return self.packets


def test_packets_are_a_length_a_letter_and_nul_ended_strings():
    assert packet(b"H", strings("me")) == b"\0\0\0\4Hme\0"
    assert packet(b"N") == b"\0\0\0\1N"


def test_a_session_is_sent_as_an_mta_would_and_answers_are_read():
    peer = Filter(0, {
        b"C": [b"c"], b"H": [b"c"], b"M": [b"c"],
        b"R": [b"y550 5.7.1 50%% off\0"], b"T": [b"c"], b"L": [b"c"], b"N": [b"c"], b"B": [b"s"],
        b"E": [b"p", b"hX-Postern-Results\0 pass\0", b"c"]})
    with MilterClient(port=peer.port) as milter:
        assert milter.wanted_macros == {2: ["i", "{auth_authen}"]}
        assert milter.connect("mail.example.net", "192.0.2.7", 99, j="mx.example").verdict == "continue"
        assert milter.helo("me").verdict == "continue"
        assert milter.mail("<a@b>", "SIZE=1", auth_authen="bob").verdict == "continue"
        refused = milter.rcpt("<c@d>")
        assert (refused.verdict, refused.code, refused.enhanced, refused.text) == (
            "reject", 550, "5.7.1", "50% off")
        ended = milter.message([("From", " a@b")], b"x" * 100000)
        assert ended.verdict == "continue"
        assert ended.actions == [("add_header", b"X-Postern-Results\0 pass\0")]
        milter.abort()
        milter.quit()
    assert [octets for octets in peer.ended() if octets[:1] != b"B"] == [
        b"O" + struct.pack("!III", 6, mc.ALL_ACTIONS, mc.ALL_STEPS),
        b"DCj\0mx.example\0", b"Cmail.example.net\0004\0\x63192.0.2.7\0", b"Hme\0",
        b"DM{auth_authen}\0bob\0", b"M<a@b>\0SIZE=1\0", b"R<c@d>\0", b"DTi\0004QUEUE\0", b"T", b"LFrom\0a@b\0", b"N",
        b"E", b"A", b"Q"]
    assert sum(octets[:1] == b"B" for octets in peer.packets) == 1  # skipped after the first chunk


def test_what_was_negotiated_away_is_neither_sent_nor_awaited():
    peer = Filter(mc.NOHELO | mc.NR_CONN | mc.NOBODY | mc.NODATA | mc.NR_HDR | mc.NR_EOH, {
        b"M": [b"c"], b"R": [b"t"], b"E": [b"a"]})
    with MilterClient(port=peer.port) as milter:
        assert milter.connect("[2001:db8::7]", "2001:db8::7").verdict == "none"
        assert milter.helo("me").verdict == "none"
        assert milter.mail("<>").verdict == "continue"
        assert milter.rcpt("<c@d>").verdict == "tempfail"
        assert milter.message([("Subject", "x")]).verdict == "accept"
        assert milter.round_trips == 3
    letters = b"".join(octets[:1] for octets in peer.ended())
    assert letters == b"OCMRLNE"
    assert b"C[2001:db8::7]\0006\x30\x39IPv6:2001:db8::7\0" in peer.packets


def test_a_case_is_played_to_its_last_step():
    peer = Filter(mc.NODATA | mc.NOBODY | mc.NOEOH, {
        b"C": [b"c"], b"H": [b"c"], b"M": [b"c"], b"L": [b"y550 5.7.1 no\0"]})
    peer.answers[b"R"] = [b"c"]
    case = {"ip": "192.0.2.7", "rdns": None, "helo": "me", "mail": "<a@b>", "rcpts": ["<c@d>"],
            "from": "x <a@b>"}
    with MilterClient(port=peer.port) as milter:
        assert mc.play(milter, case, login="bob") == [
            ("connect", "accept", ""), ("helo", "accept", ""), ("mail", "accept", ""),
            ("rcpt", "accept", ""), ("header", "reject", "no")]
    assert b"LFrom\0x <a@b>\0" in peer.ended()
    assert b"DM{auth_authen}\0bob\0{auth_type}\0PLAIN\0" in peer.packets


def test_log_lines_are_read_as_key_and_value():
    assert fields_of('x session=1a login="a b" rule="p \\"q\\"" text="" used=28/1024 mail=<a@b>') == {
        "session": "1a", "login": "a b", "rule": 'p "q"', "text": "", "used": "28/1024",
        "mail": "<a@b>"}
