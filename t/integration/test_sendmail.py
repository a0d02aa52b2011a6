"""
What Sendmail does differently from Postfix. The tests that both MTAs pass have the fixture mta_kind, or one of a name of
their own with the same parameters. What Sendmail cannot carry:

  test                                why
  test_auth: Dovecot's protocol       Sendmail asks saslauthd: PLAIN and LOGIN, no OAUTHBEARER and XOAUTH2
  test_auth_guessing: by address      saslauthd's protocol has no address before Cyrus SASL 2.2
  test_auth_mta: 454 without policy   Sendmail answers 535 if saslauthd does not answer
  test_auth_mta: a chrooted smtpd     Sendmail has none
  test_fail2ban: Postfix's log        its lines
  test_from: a lone CR                Sendmail answers 421 by itself
  test_hostile_headers: NUL           Sendmail removes it, from the message as from what a milter sees
  test_mta: postern on an inet socket tested below
  test_readings, test_from            the forms that Postfix resolves and completes; Sendmail's are below
  test_size: 100 MB                   what the daemon keeps of a message does not depend on the MTA
  test_readme: the first hour         t/package has the same with Debian's Sendmail

The socket is an inet one here, because Sendmail accepts no unix socket below a directory that everybody may write to,
such as /tmp. DocumentedSendmail has it in /run/postern.
"""

import contextlib
import re

import pytest

from harness.packages import library_path, run
from harness.postern import ROOT
from harness.sendmail import AUTH_BLOCK, EXAMPLE, PAGE, block
from harness.smtp import Smtp

MESSAGE = "From: {}\r\nSubject: test\r\n\r\nHello\r\n"

LISTS = {
    "connect.rdns_access.blacklist": "127.0.0.66\nbad.example.net\n",
    "helo.checks.regexps": "friend\n",
    "mail_from.access.blacklist": "spam@example.org\nboss@example.com\n",
    "mail_from.access.whitelist": "good@spam.example\n",
    "mail_from.access.blacklist_regex": ".*@spam\\.example\n",
    "rcpt_to.access.blacklist": "former@example.com\n",
    "access.domains": "unwelcome.example\n",
}


def test_the_documentation_has_the_lines_that_are_tested():
    """DocumentedSendmail uses postern.m4 and the lines for logins of docs/sendmail.md."""
    (line,) = re.findall("^INPUT_MAIL_FILTER.*\n", EXAMPLE.read_text(encoding="utf-8"), re.M)
    assert block(PAGE, "INPUT_MAIL_FILTER") == line
    assert line in (ROOT / "milter/postern.8").read_text(encoding="utf-8")
    assert "define(`confAUTH_OPTIONS', `A p y')" in block(PAGE, AUTH_BLOCK)


def test_the_documented_lines_bound_the_connections_of_a_client(box):
    mta = box.sendmail(start=False, extra=block(PAGE, "dnl bounds of clients")
                       + "define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,MapInUnsafeDirPath')dnl\n")
    conf, access = mta.folder / "sendmail.cf", mta.folder / "access"
    conf.write_text(conf.read_text().replace(" /etc/mail/access", f" {access}"))
    numbers = block(PAGE, "ClientRate:")
    assert " 30\n" in numbers and " 10\n" in numbers
    access.write_text(numbers.replace(" 30\n", " 5\n").replace(" 10\n", " 2\n"))
    run("sh", "-c", f"LD_LIBRARY_PATH={library_path(mta.root)} {mta.root}/usr/libexec/sendmail/makemap -C {conf} hash {access} < {access}")
    mta.start()
    with contextlib.ExitStack() as held:
        def greeting(source):
            return str(held.enter_context(Smtp(mta.port, source=source)).greeting)

        said = [greeting("127.0.0.2") for _ in range(6)]
        assert all(text.startswith("220 ") for text in said[:2]), said
        assert said[2:5] == ["421 4.3.2 Too many open connections."] * 3, said
        assert said[5] == "421 4.3.2 Connection rate limit exceeded.", said
        assert all(greeting("127.0.0.1").startswith("220 ") for _ in range(3))


@pytest.fixture(scope="module")
def servers(shared_box):
    daemon = shared_box.postern(config={"check": {"helo": "yes", "data": "yes"}, "profile": {"default_domain": "example.com"}},
                                lists=LISTS, inet=True)
    mta = shared_box.sendmail(milter=daemon.sendmail_milter)
    return daemon, mta


def talk(mta, source="127.0.0.1", helo="client.example.net", mail="<a@example.net>",
         rcpt="<b@example.com>", header_from="A <a@example.net>"):
    """Play a session. Returns its last reply, and the step that it answered."""
    with Smtp(mta.port, source=source) as smtp:
        for step, line in (("helo", "HELO " + helo), ("mail", "MAIL FROM:" + mail),
                           ("rcpt", "RCPT TO:" + rcpt)):
            reply = smtp.command(line)
            if not reply:
                return step, reply
        return "data", smtp.data(MESSAGE.format(header_from))


# The session, the stage that refuses it (connect and helo wait for MAIL), the text, the rule.
REFUSALS = [
    ({"source": "127.0.0.66"}, "mail", "[127.0.0.66] You are not allowed to connect",
     "connect.rdns_access.blacklist:1"),
    ({"helo": "friend"}, "mail", "friend That HELO is not allowed to connect", "helo.checks.regexps:1"),
    ({"mail": "<spam@example.org>"}, "mail", "spam@example.org That sender cannot send mail here",
     "mail_from.access.blacklist:1"),
    ({"mail": "<other@spam.example>"}, "mail", "other@spam.example That sender cannot send mail here",
     "mail_from.access.blacklist_regex:1"),
    ({"rcpt": "<former@example.com>"}, "rcpt", "former@example.com That recipient is not allowed",
     "rcpt_to.access.blacklist:1"),
    *(({"rcpt": form}, "rcpt", "That recipient is not allowed", "rcpt_to.access.blacklist:1") for form in (
        "<former%example.com@example.com>", "<example.com!former@example.com>",
        '<"former@example.com"@example.com>', "<former+x@example.com>", "<former@[example.com]>",
        "<former@mx.postern.example>", "<former@localhost>", "<former>")),
    # With masquerading, Sendmail sends mail of all of them as from boss@example.com.
    *(({"mail": form}, "mail", "That sender cannot send mail here", "mail_from.access.blacklist:2") for form in (
        "<boss>", "<boss@localhost>", "<boss@[127.0.0.1]>", "<boss@mx.postern.example>",
        "<boss%example.com@mx.postern.example>", "<@localhost:boss@example.com>")),
    ({"rcpt": '<"<former>"@example.com>'}, "rcpt", "Bad recipient address syntax", "address syntax"),
    ({"rcpt": "<x@mail.unwelcome.example>"}, "rcpt", "You are not welcome here.", "access.domains:1"),
    ({"header_from": "X <x@www.unwelcome.example>"}, "data",
     "Email from that domain is not accepted here.", "access.domains:1"),
]


@pytest.mark.parametrize("asked, where, words, rule", REFUSALS, ids=[row[3] + "-" + row[1] for row in REFUSALS])
def test_refused_with_the_same_code_and_words_as_through_postfix(servers, asked, where, words, rule):
    daemon, mta = servers
    mark = daemon.mark()
    step, reply = talk(mta, **asked)
    assert step == where, reply
    assert (reply.code, reply.enhanced) == ((553, "5.1.3") if rule == "address syntax" else (550, "5.7.1")), reply
    assert reply.words.endswith(words), reply
    assert daemon.wait_record(mark, verdict="reject")["rule"] == rule


def test_an_allowed_sender_of_a_refused_domain_gets_through(servers):
    _, mta = servers
    step, reply = talk(mta, mail="<good@spam.example>", header_from="G <good@spam.example>")
    assert (step, reply.code) == ("data", 250), reply


def test_a_message_that_is_let_through_is_logged_with_its_queue_id(servers):
    daemon, mta = servers
    mark = daemon.mark()
    step, reply = talk(mta)
    assert (step, reply.code) == ("data", 250), reply
    record = daemon.wait_record(mark, verdict="accept")
    assert record.get("queue") and record["queue"] in reply.text, (record, reply)


def test_an_address_at_an_alias_of_the_domain_is_refused_and_counted(box):
    """
    Sendmail replaces a domain by its canonical name, so that an alias in anybody's DNS reaches a denied recipient, and
    turns into a denied sender. Its virtusertable drops extensions.
    """
    daemon = box.postern(config={"profile": {"default_domain": "example.com"}, "limit": {"exempt": ""},
                                 "limit rate_rcpt": {"default": "2/1h"}},
                         lists={"rcpt_to.access.blacklist": "former@example.com\nnobody@example.com\n",
                                "mail_from.access.blacklist": "@example.com\nads@shop.example\n"}, inet=True)
    mta = box.sendmail(milter=daemon.sendmail_milter,
                       extra="undefine(`_NO_CANONIFY_')dnl\nLOCAL_DOMAIN(`example.com')dnl\n"
                             "FEATURE(`virtusertable', `text -k0 -v1 /etc/hosts')dnl\nVIRTUSER_DOMAIN(`virtual.example')dnl\n",
                       hosts={"@virtual.example": "%1@example.com",  # Sendmail trusts no table in /tmp
                              "127.0.0.77": "example.com a.alias.example b.alias.example",
                              "127.0.0.78": "shop.example c.alias.example"})
    for sender in ("<ceo@a.alias.example>", "<ceo+x@a.alias.example>", "<ads@c.alias.example>",
                   '<"ce\\o"@a.alias.example>', "<c%eo@a.alias.example>", "<eo!c@a.alias.example>",
                   '<"c%eo.org"@a.alias.example>'):
        step, reply = talk(mta, mail=sender)
        assert step == "mail" and reply.words.endswith("That sender cannot send mail here"), (sender, reply)
    for form in ("<former@virtual.example>", "<former+x@virtual.example>", "<former@a.alias.example>", "<former%a.alias.example@localhost>", "<a.alias.example!former@example.com>",
                 "<former@example.com.UUCP>", "<example.com.UUCP!former@localhost>", '<"nobod\\y"@a.alias.example>',
                 '<"nobod\\y"@virtual.example>', "<former+x!@a.alias.example>"):
        step, reply = talk(mta, rcpt=form)
        assert step == "rcpt" and reply.words.endswith("That recipient is not allowed"), (form, reply)
    # root exists everywhere, as nobody does above.
    for form, where in (("<root@a.alias.example>", "data"), ("<root@b.alias.example>", "data"), ("<root@example.com>", "rcpt")):
        step, reply = talk(mta, rcpt=form)
        assert step == where, (form, reply)
    assert (reply.code, reply.enhanced) == (450, "4.7.1"), reply


def test_from_as_sendmail_delivers_it(box):
    """Sendmail completes words before a comma, and takes a long name for an address of its own."""
    store = {"profiles": [{"id": 1, "name": "sales", "open": True}],
             "users": [{"id": 1, "username": "bob", "froms": "bob@own.example", "profileId": 1}]}
    daemon = box.postern(inet=True, store=store)
    mta = box.sendmail(milter=daemon.sendmail_milter, extra="LOCAL_CONFIG\nD{auth_authen}bob\n")
    accepted = {
        "Bob <bob@own.example>": True,
        '"Own, Inc" <bob@own.example>': True,
        "ceo, Bob <bob@own.example>": False,
        "Own Inc., Sales <bob@own.example>": False,
        f'"ceo@bank.example{" " * 250}" <bob@own.example>': False,
    }
    for value, want in accepted.items():
        assert talk(mta, mail="<bob@own.example>", header_from=value)[1].code == (250 if want else 550), value


ALIGNED = [
    # MAIL FROM, From, whether header_from = envelope and = aligned accept it
    ("<bob@own.example>", "Bob <BOB@own.example>", True, True),
    ("<bob@own.example>", "news@mail.own.example", False, True),
    ("<bob@mail.own.example>", "Bob <bob@own.example>", False, True),
    ("<bob@own.example>", "boss@victim.example", False, False),
    ("<bob@own.example>", "bob@own.example, boss@victim.example", False, False),
    ("<bob@own.example>", "boss@victim.example <bob@own.example>", False, False),
    ("<bob@own.example>", "ceo, Bob <bob@own.example>", False, False),
    ("<bob>", "bob@own.example", False, False),
    ("<>", "boss@victim.example", True, True),
]


@pytest.mark.parametrize("mode", ["envelope", "aligned"])
def test_from_is_compared_with_the_envelope(box, mode):
    store = {"profiles": [{"id": 1, "name": "sales", "open": True}],
             "users": [{"id": 1, "username": "bob", "froms": "*", "profileId": 1}]}
    daemon = box.postern(inet=True, store=store, config={"profile": {"header_from": mode}})
    mta = box.sendmail(milter=daemon.sendmail_milter, extra="LOCAL_CONFIG\nD{auth_authen}bob\n")
    for mail, value, *accepted in ALIGNED:
        want = 250 if accepted[mode == "aligned"] else 550
        assert talk(mta, mail=mail, header_from=value)[1].code == want, (mail, value)
