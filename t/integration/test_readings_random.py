"""
Random recipients, composed of what MTAs rewrite, go through real MTAs. None that Postern accepts may be delivered to the
mailbox that a list denies. POSTERN_READINGS_SECONDS=600 tests for ten minutes, POSTERN_READINGS_SEED=7 repeats a run.
"""

import os
import random
import re
import time

from harness.wait import wait_until

SECONDS = int(os.environ.get("POSTERN_READINGS_SECONDS", "2"))
SEED = os.environ.get("POSTERN_READINGS_SEED")
BATCH = 100  # recipients of a message

PARAMETERS = {
    "myhostname": "mx.corp.example",
    "mydomain": "corp.example",
    "myorigin": "corp.example",
    "mydestination": "corp.example, $myhostname, localhost.$mydomain, localhost",
    "smtpd_soft_error_limit": 1000000,
    "smtpd_hard_error_limit": 1000000,
    "smtpd_junk_command_limit": 1000000,
    "strict_rfc821_envelopes": "no",
}
MAILBOX = re.compile(r'"?all"?(?:[+-][^@]*)?@(?:(?:mx\.|localhost\.)?corp\.example|localhost|\[(?:127\.0\.0\.1|ipv6:::1)\])\.?')

LOCALS = ["all", "all", "ALL", "All", "a\\ll", "al\\l", "all+x", "all+", "all-x", '"all"', "all(x)", "(x)all", "all.", ".all", "bob",
          '"all" ', "al l", '"a"ll', "all\\", "\u017fall", "aLL"]
DOMAINS = ["corp.example", "corp.example", "CORP.Example", "corp.example.", "localhost", "LOCALHOST.", "mx.corp.example",
           "localhost.corp.example", "[127.0.0.1]", "[IPv6:::1]", "[ipv6:::1]", "127.0.0.1", "x.example", "corp", "mx", "",
           "corp.example(x)", "(x)corp.example", '"corp.example"', "corp . example", "corp\uff0eexample", "c\\orp.example",
           "#2130706433", "corp..example", ".corp.example"]
ROUTES = ["@localhost:", "@a.example,@b.example:", "@corp.example:", "@:", ":"]
STRAY = list('@%!:;,<>()[]"\\. \t=+-/\'') + ["()", '""', "\\\"", "@@", "..", "!!", "%%", "@localhost", "%localhost", "localhost!"]


def nest(chance, depth):
    """A local part, with routes around it."""
    local = chance.choice(LOCALS)
    for _ in range(depth):
        domain = chance.choice(DOMAINS)
        local = chance.choice([f"{local}%{domain}", f"{domain}!{local}", f"{local}@{domain}", f'"{local}@{domain}"',
                               f'"{local}%{domain}"', f'"{domain}!{local}"'])
    return local


def recipient(chance):
    """The text between the brackets of RCPT TO."""
    address = nest(chance, chance.choice([0, 0, 1, 1, 1, 2, 3]))
    if chance.random() < 0.9:
        address += "@" + chance.choice(DOMAINS)
    if chance.random() < 0.1:
        address = chance.choice(ROUTES) + address
    while chance.random() < 0.3:
        at = chance.randrange(len(address) + 1)
        address = address[:at] + chance.choice(STRAY) + address[at + (chance.random() < 0.3):]
    return address


def send(smtp, recipients):
    """One message to all of them. Returns {recipient: reply}."""
    assert smtp.mail("<a@ok.example>").code == 250
    smtp.send("".join(f"RCPT TO:<{address}>\r\n" for address in recipients))
    replies = {address: smtp.read() for address in recipients}
    if any(replies.values()):
        assert smtp.data("Subject: x\r\n\r\nx\r\n").code == 250
    else:
        smtp.rset()
    return replies


def send_random(smtp, reached):
    """
    Send messages to random recipients for SECONDS. reached(accepted) returns those that reach the denied mailbox, which
    must be none. Postern must refuse and accept enough recipients for the test to show something.
    """
    seed = int(SEED) if SEED else random.randrange(1 << 32)
    chance, until = random.Random(seed), time.monotonic() + SECONDS
    refused = accepted = 0
    while accepted == 0 or time.monotonic() < until:
        replies = send(smtp, {recipient(chance): None for _ in range(BATCH)})
        passed = [address for address, reply in replies.items() if reply]
        wrong = reached(passed)
        assert not wrong, f"seed {seed}: {wrong}"
        refused += sum(reply.enhanced == "5.7.1" for reply in replies.values())
        accepted += len(passed)
    print(f"seed {seed}: {accepted} accepted, {refused} refused")
    assert refused > BATCH / 10 and accepted > BATCH / 10, (refused, accepted)


def test_no_accepted_recipient_reaches_a_denied_mailbox_of_postfix(box):
    daemon = box.postern(config={"profile": {"default_domain": "corp.example", "recipient_delimiter": "+-"}},
                         lists={"rcpt_to.access.blacklist": "all@corp.example\n"})
    mta = box.postfix(milter=daemon.postfix_milter, parameters={**PARAMETERS, "recipient_delimiter": "+-"})
    seen = 0

    def reached(accepted):
        nonlocal seen
        if not accepted:
            return []
        wait_until(lambda: ": removed\n" in mta.log()[seen:], "Postfix delivers the message")
        log = mta.log()
        delivered, seen = re.findall(r": to=<(.*?)>, (?:orig_to=<(.*?)>, )?relay", log[seen:]), len(log)
        assert delivered
        return [(to, written) for to, written in delivered if MAILBOX.fullmatch(to.lower())]

    with mta.client() as smtp:
        send_random(smtp, reached)


def test_no_accepted_recipient_reaches_a_denied_mailbox_of_sendmail(box):
    _, mta = box.front("sendmail", extra="LOCAL_DOMAIN(`corp.example')dnl\n",
                       config={"profile": {"default_domain": "corp.example"},
                               "lists": {"local_domains": "corp.example, mx.postern.example"}},
                       lists={"rcpt_to.access.blacklist": "all@corp.example\n"})

    def reached(accepted):
        return [address for address, (mailer, user) in mta.parsed(accepted).items()
                if mailer == "local" and re.fullmatch(r"all(\+.*)?", user.lower())]

    with mta.client() as smtp:
        send_random(smtp, reached)
