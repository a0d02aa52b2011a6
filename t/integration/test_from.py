"""
The From field of a logged-in user, through Postfix and Sendmail: forms in which programs have read different addresses, with
the user's address (owned) and another one (foreign).
"""

import pytest

from harness.wait import wait_until

pytestmark = pytest.mark.quick

OWN, ALSO, FOREIGN = "bob@own.example", "b.smith@own.example", "boss@victim.example"

STORE = {
    "profiles": [{"id": 1, "name": "sales", "open": True, "host": "", "rcpt": "", "rcpt_re": "",
                  "maxsize": 0, "limits": ""}],
    "users": [{"id": 1, "username": "bob", "password": "", "froms": f"{OWN}, {ALSO}", "profileId": 1}],
}

# name: (header fields as sent, whether the message is accepted)
TABLE = {
    "plain, owned": (f"From: {OWN}", True),
    "plain, foreign": (f"From: {FOREIGN}", False),
    "with a name, owned": (f"From: Bob <{OWN}>", True),
    "with a name, foreign": (f"From: Bob <{FOREIGN}>", False),
    "no field": ("Subject: none", False),
    "empty field": ("From:", False),
    "two fields, both owned": (f"From: {OWN}\r\nFrom: {OWN}", False),
    "two fields, the second foreign": (f"From: {OWN}\r\nFrom: {FOREIGN}", False),
    "two fields, the first foreign": (f"From: {FOREIGN}\r\nFrom: {OWN}", False),
    "two fields, of another case": (f"From: {OWN}\r\nfROM: {FOREIGN}", False),
    "a foreign address in a quoted name": (f'From: "x <{FOREIGN}>" <{OWN}>', True),
    "a foreign address in a folded quoted name, which Python ends at the fold": (f'From: "{FOREIGN}\r\n x" <{OWN}>', False),
    "a folded quoted name": (f'From: "Bob of the\r\n Department, Inc." <{OWN}>', True),
    "the owned address in a quoted name": (f'From: "x <{OWN}>" <{FOREIGN}>', False),
    "a foreign address as the name": (f"From: {FOREIGN} <{OWN}>", False),
    "a foreign address as the name, without a space": (f"From: {FOREIGN}<{OWN}>", False),
    "a foreign domain as the name": (f"From: @victim.example <{OWN}>", False),
    "an element that decodes to a foreign one": (
        f"From: =?utf-8?B?PGJvc3NAdmljdGltLmV4YW1wbGU+?=,<{OWN}>", False),
    "a comment as an element": (f"From: ({FOREIGN}), {OWN}", False),
    "a second bracket": (f"From: <{OWN}>< .victim.example", False),
    "a comment behind the address": (f"From: {OWN} (Bob)", True),
    "a foreign address in a comment behind the address": (f"From: {OWN} ({FOREIGN})", False),
    "the owned address as the name": (f"From: {OWN} <{FOREIGN}>", False),
    "the owned address twice": (f"From: {OWN} <{OWN}>", True),
    "the owned address in a name that some take for a list": (f'From: "Roe, Bob <{OWN}>" <{OWN}>', True),
    "a foreign address in a name that some take for a list": (f'From: "Roe, Bob <{FOREIGN}>" <{OWN}>', False),
    "folded, owned": (f"From: Bob\r\n <{OWN}>", True),
    "folded, foreign": (f"From: Bob\r\n <{FOREIGN}>", False),
    "folded within the address, foreign": ("From: boss@\r\n victim.example", False),
    "folded into an owned one": (f"From:\r\n\t{OWN}", True),
    "a comment within the address": ("From: bob(comment)@own.example", False),
    "a comment within the domain": ("From: bob@own(comment).example", False),
    "white space within the domain": ("From: Bob <bob@own. example>", False),
    "white space beside the @": ("From: bob @ own.example", False),
    "a comment that hides a foreign one": (f"From: (<{FOREIGN}>) {OWN}", False),
    "a foreign address in a comment": (f"From: Bob ({FOREIGN}) <{OWN}>", False),
    "brackets within an encoded word": (f"From: =?utf-8?q?boss=40victim.example_ <{OWN}> ?=", False),
    "a foreign address in a name beside a stray bracket": (f'From: "{FOREIGN}" <{OWN}>>', False),
    "a foreign address in a name and white space in the brackets": (f'From: "{FOREIGN}" < {OWN} >', False),
    "white space in the brackets": (f"From: Bob < {OWN} >", False),
    "a field that c-client reads as From": (f">From: {FOREIGN}\r\nFrom: {OWN}", False),
    "a field behind a lone CR": (f"X-A: b\rFrom: {FOREIGN}\r\nFrom: {OWN}", False),
    "a foreign address in a name that Sendmail cuts off": (f'From: "{FOREIGN}{" " * 240}" <{OWN}>', False),
    "a backslash at which Postfix breaks the line": (
        f'From: "{"a" * 990}\\" {FOREIGN}, \\"" <{OWN}>', False),
    "a long encoded name": ("From: " + "=?utf-8?q?=C3=A4=C3=B6=C3=BC?=\r\n " * 10 + f"<{OWN}>", True),
    "a comma in an 8-bit name": (f"From: B\u00f6b, M. <{OWN}>", True),
    "a comma between encoded words": (f"From: =?utf-8?q?B=C3=B6b?=, =?utf-8?q?M?= <{OWN}>", True),
    "a foreign address in quotes behind a dot": (f'From: own.example "{FOREIGN}, x" <{OWN}>', False),
    "a quoted name behind a dot": (f'From: B. R. "Bob" Smith <{OWN}>', True),
    "a foreign address in brackets and a comma in quotes": (f'From: "x <{FOREIGN}>, y" <{OWN}>', False),
    "a foreign address and a comma in quotes behind a word": (f'From: Bob "{FOREIGN}, x" <{OWN}>', False),
    "a foreign address in quotes directly behind a word": (f'From: Bob"{FOREIGN}" <{OWN}>', False),
    "a foreign address before a line of white space": (f'From: "{FOREIGN}"\r\n \r\n <{OWN}>', False),
    "a group with a foreign domain as its name": (f"From: victim.example: {OWN};", False),
    "a comma between encoded words, one foreign": (
        f"From: =?utf-8?q?boss=40victim.example?=, =?utf-8?q?M?= <{OWN}>", False),
    "a quotation mark in a comment": (f'From: Bob (5" disk) <{OWN}>', False),
    "a quotation mark in two comments, between which Thunderbird finds no bracket": (f'From: a (") <(") {OWN}>', False),
    "a control character, which Thunderbird removes": (f"From: (\\\x01(x)a) {OWN}", False),
    "a foreign name before a semicolon, at which Evolution loses the address": (f'From: "{FOREIGN}" <{OWN}>;', False),
    "a comma in a comment, at which Horde finds an author": (f'From: "{FOREIGN}" x (a, b) <{OWN}>', False),
    "a separator in a comment, which KMail overlooks": (f"From: a (;){OWN} <{OWN}>", False),
    "an encoded word in another one": (f"From: =?utf-8?q?x =?utf-8?b?Ym9zc0B2aWN0aW0uZXhhbXBsZQ==?=, Bob <{OWN}>", False),
    "a comma in a comment": (f"From: B. R. Bob (Sales, Inc.) <{OWN}>", True),
    "a comment in square brackets": (f"From: [Bob (Sales)] <{OWN}>", False),
    "a comment that hides the owned one": (f"From: (<{OWN}>) {FOREIGN}", False),
    "a comment that isn't closed": (f"From: (x {OWN}", False),
    "a group, owned": (f"From: friends: {OWN};", True),
    "a group with a foreign one": (f"From: friends: {OWN}, {FOREIGN};", False),
    "an empty group": ("From: undisclosed:;", False),
    "an encoded word as the name": (f"From: =?utf-8?q?B=C3=B6b?= <{OWN}>", True),
    "an encoded word that decodes to a foreign one": (
        f"From: =?utf-8?q?boss=40victim=2Eexample?= <{OWN}>", True),
    "an encoded word alone that decodes to an address": ("From: =?utf-8?q?bob=40own=2Eexample?=", False),
    "an encoded word as the local part": ("From: =?utf-8?q?bob?=@own.example", False),
    "several, all owned": (f"From: {OWN}, {ALSO}", True),
    "several, one foreign": (f"From: {OWN}, {FOREIGN}", False),
    "several, the first foreign": (f"From: {FOREIGN}, {OWN}", False),
    "several, Sender owned": (f"From: {OWN}, {ALSO}\r\nSender: {OWN}", True),
    "several, Sender foreign": (f"From: {OWN}, {ALSO}\r\nSender: {FOREIGN}", False),
    "several, two Senders": (f"From: {OWN}, {ALSO}\r\nSender: {OWN}\r\nSender: {OWN}", False),
    "several, Sender with two": (f"From: {OWN}, {ALSO}\r\nSender: {OWN}, {ALSO}", False),
    "several, Sender empty": (f"From: {OWN}, {ALSO}\r\nSender:", False),
    "one, Sender foreign": (f"From: {OWN}\r\nSender: {FOREIGN}", True),
    "plus-addressed": ("From: bob+news@own.example", True),
    "two dots, behind which Evolution reads the address": ("From: bob+x..boss@own.example", False),
    "a foreign address in a name, and one that Cypht does not accept": (f'From: "{FOREIGN}" <bob+\u00e9@own.example>', False),
    "of another case": ("From: BOB@Own.Example", True),
    "a subdomain": ("From: bob@sub.own.example", False),
    "words behind the address": (f"From: {OWN} <>", False),
    "two pairs of brackets, owned": (f"From: <{OWN}> <{ALSO}>", False),
    "two pairs of brackets": (f"From: <{OWN}> <{FOREIGN}>", False),
    "two pairs of brackets, foreign first": (f"From: <{FOREIGN}> <{OWN}>", False),
    "brackets in brackets": (f"From: <<{FOREIGN}>", False),
    "a route": (f"From: <@own.example:{FOREIGN}>", False),
    "a quote that isn't closed": (f'From: "x {OWN}', False),
    "a quoted foreign address": (f'From: "{FOREIGN}"', False),
    "a quote with an @ beside the address": (f'From: "{FOREIGN}" {OWN}', False),
    "8-bit in the name": (f"From: B\u00f6b <{OWN}>", True),
    "8-bit in the name, and a body in another charset": (
        f"From: B\u00f6b <{OWN}>\r\nContent-Type: text/plain; charset=iso-8859-1", True),
    "8-bit in a field that Sylpheed reads as UTF-7": (
        f"From: \u00f6 +ADw-boss+AEA-victim+AC4-example+AD4ALAAi- <{OWN}>\r\nContent-Type: text/plain; charset=utf-7",
        False),
    "8-bit in the address": ("From: b\u00f6b@own.example", False),
    "white space before the colon, foreign": (f"From : {FOREIGN}", False),
    "only an empty address": ("From: <>", False),
    "a name alone": ("From: Bob", False),
}


# Sendmail completes words before a comma to addresses of its own host, unless they are quoted.
COMPLETED_BY_SENDMAIL = ["a comma in an 8-bit name", "a comma between encoded words"]
# Sendmail refuses these by itself.
REFUSED_BY_SENDMAIL = {"a field behind a lone CR": (421, "4.5.0")}


@pytest.fixture(scope="module", params=[("postfix", "yes"), ("postfix", "warn"), ("sendmail", "yes")], ids="-".join)
def front(shared_box, request):
    kind, mode = request.param
    daemon, mta = shared_box.front(kind, config={"check": {"header_from": mode}}, store=STORE, parameters={
        "always_add_missing_headers": "no", "cleanup_replace_stray_cr_lf": "no"})
    return kind, mode, daemon, mta


def send(mta, fields, client="192.0.2.1"):
    with mta.client(addr=client, login="bob") as smtp:
        assert smtp.mail(f"<{OWN}>")
        assert smtp.rcpt("<a@x.example>")
        assert smtp.command("DATA").code == 354
        return smtp.command(f"{fields}\r\nSubject: x\r\n\r\nHello\r\n.")


@pytest.mark.parametrize("name", TABLE)
def test_from_is_the_users(front, name):
    kind, mode, daemon, mta = front
    fields, lets_through = TABLE[name]
    mark = daemon.mark()
    reply = send(mta, fields)
    if kind == "sendmail":
        if name in REFUSED_BY_SENDMAIL:
            assert (reply.code, reply.enhanced) == REFUSED_BY_SENDMAIL[name], reply
            return
        lets_through = lets_through and name not in COMPLETED_BY_SENDMAIL
    if lets_through or mode == "warn":
        assert reply.code == 250, reply
        daemon.wait_record(since=mark, verdict="accept", stage="message")
    else:
        assert (reply.code, reply.enhanced, reply.words) == (
            550, "5.7.1", "Envelope and body FROM mismatch"), reply
    wait_until(lambda: bool(daemon.records(since=mark, check="header_from")) == (not lets_through),
               "the log has it")
    for record in daemon.records(since=mark, check="header_from"):
        assert record["verdict"] == ("would-reject" if mode == "warn" else "reject")
        assert record["rule"].startswith("header_from: ")


@pytest.mark.parametrize("setting, client", [("myorigin", "127.0.0.1"), ("remote_header_rewrite_domain", "192.0.2.1")])
def test_postfix_completes_a_name_before_a_comma(shared_box, setting, client):
    """It does so for clients on its own host, with the setting also for others, and shows milters the completed field."""
    daemon = shared_box.postern(store=STORE)
    mta = shared_box.postfix(milter=daemon.postfix_milter, parameters={setting: "mx.example"})
    mark = daemon.mark()
    assert send(mta, f"From: Boss, Bob <{OWN}>", client).code == 550
    assert daemon.wait_record(since=mark, check="header_from")["rule"].startswith("header_from: boss@")
    assert send(mta, f'From: "Boss, Bob" <{OWN}>', client).code == 250


@pytest.mark.parametrize("mode", ["owned", "envelope", "aligned"])
def test_the_null_sender_owns_nothing(shared_box, mode):
    """It can't be compared with From, but From still belongs to somebody."""
    daemon = shared_box.postern(config={"profile": {"header_from": mode}}, store=STORE)
    for value, owned in ((OWN, True), (FOREIGN, False), (f"{OWN}, {FOREIGN}", False), (f"Bob <{ALSO}>", True)):
        with daemon.milter() as milter:
            milter.connect("home.example", "192.0.2.1")
            milter.helo("home.example")
            assert milter.mail("<>", auth_authen="bob")
            assert milter.rcpt("<a@x.example>")
            answer = milter.message([("From", " " + value)])
            refused = not owned and mode == "owned"
            assert (answer.code == 550) == refused, (value, answer)


OF_THE_DOMAIN = {
    "boss@own.example": True, "boss@sub.own.example": True, '"b o ss"@own.example': True,
    '"boss@victim.example"@own.example': False, 'Bob <"boss@victim.example"@own.example>': False,
    '"boss"."b"@own.example': False, "boss@victim.example\u00a0.own.example": False,
}


def test_addresses_of_a_whole_domain(shared_box):
    """Old programs show the quoted part, or what precedes a space that is not ASCII."""
    daemon = shared_box.postern(store=dict(STORE, users=[dict(STORE["users"][0], froms="@own.example, .own.example")]))
    for value, owned in OF_THE_DOMAIN.items():
        with daemon.milter() as milter:
            milter.connect("home.example", "192.0.2.1")
            milter.helo("home.example")
            assert milter.mail("<boss@own.example>", auth_authen="bob")
            assert milter.rcpt("<a@x.example>")
            answer = milter.message([("From", " " + value)])
            assert (answer.code != 550) == owned, (value, answer)


@pytest.mark.parametrize("kind", ["postfix", "sendmail"])
def test_sendmail_expands_no_macro_in_an_address(shared_box, kind):
    """Of these, it makes a message from Full-Name, from its own host and from the recipient."""
    daemon, mta = shared_box.front(kind, store=dict(STORE, users=[dict(STORE["users"][0], froms="@own.example")]))
    for value, changed in (('"bob\u0101x"@own.example', True), ("bob\u0101j@own.example", True),
                           ("Bob <bob\u0101u@own.example>", True), ("b\u00f6b@own.example", False),
                           ("B\u0101x <bob@own.example>", False), ("bob@own.example (\u0101x)", False)):
        mark = daemon.mark()
        reply = send(mta, f"Full-Name: <{FOREIGN}> \r\nFrom: {value}")
        assert reply.code == (550 if changed and kind == "sendmail" else 250), (value, reply)
        if reply.code == 550:
            assert daemon.wait_record(since=mark, check="header_from")["rule"].startswith("header_from: Sendmail changes ")


def test_a_macro_of_sendmail_evades_no_deny_list(shared_box):
    """When Sendmail sends the message, it would put the denied address of Full-Name into From."""
    daemon, mta = shared_box.front("sendmail", config={"check": {"data": "yes", "header_from": "no"}},
                                   lists={"access.domains": "victim.example\n"}, store=STORE)
    for value, refused in ((FOREIGN, True), ('"bob\u0101x"@own.example', True), ("Bob <bob\u0101x@own.example>", True),
                           ("bob\u0101x", True), ("b\u00f6b@own.example", False), ("B\u0101x <bob@own.example>", False)):
        reply = send(mta, f"Full-Name: <{FOREIGN}> \r\nFrom: {value}")
        assert reply.code == (550 if refused else 250), (value, reply)


def test_control_characters_in_the_field(shared_box):
    """Bytes that an MTA might change are sent to the socket itself."""
    daemon = shared_box.postern(store=STORE)
    for value in (f"{OWN}\r{FOREIGN}", f"{OWN}\n{FOREIGN}", f"{OWN}\x01 {FOREIGN}", f"{OWN}\r\nFrom: {FOREIGN}"):
        with daemon.milter() as milter:
            milter.connect("home.example", "192.0.2.1")
            milter.helo("home.example")
            assert milter.mail(f"<{OWN}>", auth_authen="bob")
            assert milter.rcpt("<a@x.example>")
            answer = milter.message([("From", " " + value)])
            assert (answer.code, answer.text) == (550, "Envelope and body FROM mismatch"), value
