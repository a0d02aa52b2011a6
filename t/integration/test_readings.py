"""
Recipients that a real Postfix delivers to another address than the one written: Postern refuses each of them if that
address is denied, and others pass. t/unit/test_check_readings.c has more of both.
"""

import re

import pytest

from harness.smtp import Smtp
from harness.wait import wait_until

pytestmark = pytest.mark.quick

DOMAINS = {
    "myhostname": "mx.corp.example",
    "mydomain": "corp.example",
    "myorigin": "corp.example",
    "mydestination": "corp.example, $myhostname, localhost.$mydomain, localhost, business.example, sub.corp.example",
    "recipient_delimiter": "+",
}

# Postfix's defaults deliver all of them to the mailbox of all@corp.example.
ROUTED = [
    "<all%corp.example@corp.example>",
    "<all%corp.example@localhost>",
    "<corp.example!all@corp.example>",
    '<"all@corp.example"@corp.example>',
    '<"all%corp.example"@localhost>',
    '<"corp.example!all"@localhost>',
    "<all@corp.example@corp.example>",
    "<all%corp.example%localhost@corp.example>",
    "<localhost!corp.example!all@corp.example>",
    "<localhost!all%corp.example@corp.example>",
    "<all%CORP.example.@localhost>",
    "<!corp.example!all@localhost>",
    '<"all@ corp.example"@localhost>',
    '<"corp.example! all"@localhost>',
    '<"!corp.example!al l"@localhost>',
    '<"! corp.example ! a l l"@localhost>',
    "<@localhost:all%corp.example@localhost>",
    "<all>",
    "<ALL@Corp.Example.>",
]

# The same mailbox at another name of the machine, or with an extension.
SAME_MAILBOX = {
    "<all@localhost>": "all@localhost",
    "<all@localhost.corp.example>": "all@localhost.corp.example",
    "<all@[127.0.0.1]>": "all@[127.0.0.1]",
    '<"all%[127.0.0.1]"@corp.example>': "all@[127.0.0.1]",
    "<corp.example!all%localhost@corp.example>": "all@localhost",
    "<all@mx.corp.example>": "all@mx.corp.example",
    "<all%mx.corp.example@localhost>": "all@mx.corp.example",
    "<all+x@corp.example>": "all+x@corp.example",
    "<all+x%corp.example@localhost>": "all+x@corp.example",
    '<"all+x y"@corp.example>': '"all+x y"@corp.example',
}

# Postfix looks addresses up without case, also beyond ASCII.
ALIASES = {"virtual_alias_maps": "inline:{sales@corp.example=all@corp.example, sales@localhost=all@corp.example}"}
FOLDED = ["<\u017fales@corp.example>", "<SALE\u017f@localhost>"]
FOLDED_DOMAIN = ["<all@busine\u00df.example>", "<ALL@Bu\u017fine\u00df.Example>"]

# Postfix removes the quotes, and parses the rest.
UNQUOTED = {
    '<"all@\\"corp.example\\""@localhost>': "all@corp.example",
    '<"all@corp\\\\.example"@localhost>': "all@corp.example",
    '<"corp.example!al\\\\l"@localhost>': "all@corp.example",
    '<"@localhost:all@corp.example"@localhost>': "all@corp.example",
}

GOOD = [
    "<no%reply@example.com>", "<100%@example.com>", "<50%off!@example.com>", "<a!b@example.com>",
    "<a@b@example.com>", '<"a b"@example.com>', '<"a@b"@example.com>', "<al@corp.example>", "<bob>",
    "<bob@localhost>", "<bob@[127.0.0.1]>", "<bob+all@corp.example>", "<+all@corp.example>",
    "<all%example.com@corp.example>", "<postmaster>", '<"100% sure"@example.com>',
    "<j\u00f6rg@corp.example>", "<\u7528\u6237@example.com>",
]


def recipients(mta, addresses):
    """Send a message to each recipient from a stranger. Returns {recipient: reply, or queue id if accepted}."""
    found = {}
    with Smtp(mta.port) as smtp:
        smtp.ehlo()
        smtp.xclient(addr="192.0.2.9", name="stranger.example")
        smtp.ehlo()
        for address in addresses:
            assert smtp.mail("<a@ok.example>").code == 250
            reply = smtp.rcpt(address)
            if reply.code == 250:
                reply = re.search(r"queued as (\w+)", smtp.data("Subject: x\r\n\r\nx\r\n").text).group(1)
            else:
                smtp.rset()
            found[address] = reply
    return found


def test_postfix_delivers_these_forms_to_another_address(box):
    """If this fails with a later Postfix, the readings may need a change."""
    mta = box.postfix(parameters={**DOMAINS, **ALIASES, "mynetworks": "",
                                  "smtpd_relay_restrictions": "reject_unauth_destination"})
    want = {**{address: "all@corp.example" for address in ROUTED + FOLDED}, **SAME_MAILBOX, **UNQUOTED}
    want.update((address, "all@busine\u00df.example") for address in FOLDED_DOMAIN)
    queued = recipients(mta, want)
    for address, queue in queued.items():
        assert isinstance(queue, str), f"{address}: {queue}"
        wait_until(lambda: re.search(queue + ": to=<", mta.log()), f"Postfix delivers to {address}")
        got = re.search(queue + r": to=<(.*?)>, ", mta.log()).group(1)
        assert got.lower().replace("\u017f", "s") == want[address], address


@pytest.fixture(scope="module")
def front(shared_box):
    daemon = shared_box.postern(
        config={"profile": {"default_domain": "corp.example"}},
        lists={"rcpt_to.access.blacklist": "all@corp.example\nsales@corp.example\nall@business.example\n",
               "mail_from.access.blacklist": "spam@bad.example\n", "access.domains": "listed.example\n"})
    return daemon, shared_box.postfix(milter=daemon.postfix_milter, parameters=DOMAINS)


def test_postern_refuses_each_form_of_a_denied_recipient(front):
    daemon, mta = front
    mark = daemon.mark()
    for address, reply in recipients(mta, [*ROUTED, *SAME_MAILBOX, *FOLDED, *FOLDED_DOMAIN]).items():
        assert not isinstance(reply, str), f"{address} is accepted"
        if address == '<"all%[127.0.0.1]"@corp.example>':
            assert reply.code == 553, (address, reply)
        else:
            assert (reply.code, reply.enhanced) == (550, "5.7.1"), (address, reply)
    assert daemon.wait_record(mark, verdict="reject")["rule"] == "rcpt_to.access.blacklist:1"
    for address, reply in recipients(mta, UNQUOTED).items():
        assert not isinstance(reply, str) and "address syntax" in reply.words, (address, reply)


def test_access_domains_see_each_form_of_a_recipient(front):
    _, mta = front
    for address, reply in recipients(mta, ["<a%x.listed.example@corp.example>",
                                           "<listed.example!a@corp.example>"]).items():
        assert not isinstance(reply, str) and reply.words == "You are not welcome here.", (address, reply)


def test_senders_are_read_in_the_same_way(front):
    _, mta = front
    with Smtp(mta.port) as smtp:
        smtp.ehlo()
        smtp.xclient(addr="192.0.2.9", name="stranger.example")
        smtp.ehlo()
        for sender in ("<spam%bad.example@x.example>", "<spam+1@bad.example>", '<"spam@bad.example"@x.example>'):
            assert smtp.mail(sender).words.endswith("That sender cannot send mail here"), sender
        for sender in ("<spam%ok.example@x.example>", "<no%reply@example.com>", "<>"):
            assert smtp.mail(sender).code == 250, sender
            smtp.rset()


def test_recipients_that_no_list_denies_pass(front):
    _, mta = front
    for address, reply in recipients(mta, GOOD).items():
        assert isinstance(reply, str), f"{address}: {reply}"


def test_refuse_all_refuses_routed_recipients_of_strangers(box):
    daemon = box.postern(config={"profile": {"routed_recipients": "refuse_all"}})
    mta = box.postfix(milter=daemon.postfix_milter, parameters=DOMAINS)
    found = recipients(mta, ["<no%reply@example.com>", "<a@b@example.com>", "<bob@example.com>"])
    for address in ("<no%reply@example.com>", "<a@b@example.com>"):
        assert (found[address].code, found[address].enhanced) == (550, "5.7.1"), found[address]
    assert isinstance(found["<bob@example.com>"], str)
    assert daemon.wait_record(verdict="reject")["rule"] == "[profile] routed_recipients = refuse_all"


def test_a_name_that_postfix_completes_by_an_unknown_domain_is_refused(box):
    daemon = box.postern(config={"lists": {"local_domains": "other.example"}},
                         lists={"rcpt_to.access.blacklist": "all@sub.corp.example\n"})
    mta = box.postfix(milter=daemon.postfix_milter, parameters={**DOMAINS, "append_dot_mydomain": "yes"})
    found = recipients(mta, ["<all@sub>", "<all%sub@localhost>", "<bob@sub>"])
    for address in ("<all@sub>", "<all%sub@localhost>"):
        assert not isinstance(found[address], str) and found[address].enhanced == "5.7.1", found[address]
    assert isinstance(found["<bob@sub>"], str), found["<bob@sub>"]


def test_an_extension_with_a_route_does_not_hide_the_mailbox_from_rates(box):
    """For a domain that is not its own, Postfix routes nothing: all of bob+... is the mailbox bob with an extension."""
    daemon = box.postern(config={"lists": {"recipient_delimiter": "+"}, "limit": {"exempt": ""},
                                 "limit rate_rcpt": {"default": "2/1h"}})
    mta = box.postfix(milter=daemon.postfix_milter, parameters=DOMAINS)
    replies = list(recipients(mta, ["<bob+x%r1.example@virtual.example>", "<bob+r2.example!x@virtual.example>",
                                    '<"bob+x@r3.example"@virtual.example>', "<bob@virtual.example>"]).values())
    assert [isinstance(reply, str) for reply in replies] == [True, True, False, False], replies
    assert all(reply.code == 450 for reply in replies[2:]), replies


def test_an_mta_with_fewer_delimiters_hides_no_mailbox(box):
    """Postfix delivers jean-luc+x to jean-luc, and bob+x-request to bob, because it has no - among its delimiters."""
    daemon = box.postern(config={"lists": {"recipient_delimiter": "+-"}, "limit": {"exempt": ""},
                                 "limit rate_rcpt": {"default": "2/1h"}},
                         lists={"rcpt_to.access.blacklist": "jean-luc@corp.example\nall@corp.example\n"})
    mta = box.postfix(milter=daemon.postfix_milter, parameters={
        **DOMAINS, "local_recipient_maps": "inline:{{jean-luc=x}, {all=x}, {bob=x}}"})
    found = recipients(mta, ["<jean-luc+x@corp.example>", "<all+x-request@corp.example>"])
    assert all(not isinstance(reply, str) and reply.enhanced == "5.7.1" for reply in found.values()), found
    replies = list(recipients(mta, [f"<bob+{i}-request@corp.example>" for i in range(3)]).values())
    assert [isinstance(reply, str) for reply in replies] == [True, True, False], replies
    assert replies[2].code == 450, replies


def test_rates_count_all_forms_of_a_recipient_together(box):
    daemon = box.postern(config={"profile": {"default_domain": "corp.example"},
                                 "limit": {"exempt": ""},
                                 "limit rate_rcpt": {"default": "3/1h"}})
    mta = box.postfix(milter=daemon.postfix_milter, parameters=DOMAINS)
    replies = list(recipients(mta, ["<bob@corp.example>", "<bob+x@corp.example>", "<bob%corp.example@localhost>",
                                    "<bob>", "<bob+y@localhost>", "<bob@mx.corp.example>"]).values())
    assert all(isinstance(reply, str) for reply in replies[:3]), replies
    assert all(reply.code == 450 for reply in replies[3:]), replies
