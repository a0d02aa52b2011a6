"""Shows that a set-up decides as its lists and its limit demand, before it is timed."""

from harness.smtp import Smtp
from harness.wait import wait_until
from peer_lists import LIMIT, LOGIN_DOMAIN, LOGINS, RECIPIENT, login

MESSAGE = "From: <{}>\r\nTo: undisclosed-recipients:;\r\nSubject: proof\r\n\r\nHello\r\n"


class NotProved(Exception):
    """A set-up decides otherwise than it must."""


def outcome(port, sender, recipient, name=None):
    """Send a message, perhaps as a login. Returns the code of the last reply, which is 250 or that of the refusal."""
    with Smtp(port) as smtp:
        smtp.ehlo()
        if name:
            smtp.xclient(login=name)
            smtp.ehlo()
        for reply in (lambda: smtp.mail(sender), lambda: smtp.rcpt(recipient),
                      lambda: smtp.data(MESSAGE.format(sender.strip("<>")))):
            last = reply()
            if not last:
                break
        smtp.quit()
        return last.code


def prove_lists(name, port, lists, refuses=True):
    """
    Check the samples of every list, or, if not refuses, that the set-up accepts all of them. Raises NotProved, which
    says what is wrong. Returns the number of sessions.
    """
    count = 0
    for samples in lists.samples():
        for wanted, pairs in ((554 if refuses else 250, samples.refused), (250, samples.accepted)):
            for sender, recipient in pairs:
                code = outcome(port, sender, recipient)
                count += 1
                if code // 100 != wanted // 100:
                    raise NotProved(f"{name} answers {code} to a message from {sender} to {recipient}, which its list "
                                    f"{samples.name} {'refuses' if wanted != 250 else 'does not contain'}")
    return count


def prove_limit(name, port, number=LOGINS + 1):
    """Check that a login may send as many messages as the limit allows, that the next one is deferred, and that another
    login, the one before it, may still send."""
    codes = [outcome(port, f"<proof{at}@{LOGIN_DOMAIN}>", RECIPIENT, login(number)) for at in range(LIMIT + 1)]
    codes.append(outcome(port, f"<proof@{LOGIN_DOMAIN}>", RECIPIENT, login(number - 1)))
    if codes[:LIMIT] != [250] * LIMIT or codes[LIMIT] // 100 != 4 or codes[-1] != 250:
        raise NotProved(f"{name} answers {codes} to {LIMIT + 1} messages of a login that may send {LIMIT}, and one of "
                        f"another login")


def wait_lists(name, port, lists, deadline):
    """Wait until the last entry of each list is in force; programs may still be reading them."""
    for samples in lists.samples():
        sender, recipient = samples.refused[-1]
        wait_until(lambda pair=(sender, recipient): outcome(port, *pair) // 100 == 5,
                   f"{name} refuses by its list {samples.name}", deadline=deadline)
