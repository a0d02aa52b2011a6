"""The lists that all set-ups of peers.py have, samples of what they refuse, and the sessions of its clients."""

import json
from dataclasses import dataclass

from gen_rules import Words, distinct, escaped

SENDER, RECIPIENT = "<person1@example-sender1.org>", "<user0000001@example.net>"  # listed nowhere
LOGIN_DOMAIN = "example.net"
LIMIT = 20  # messages of one login an hour
LOGINS = 5000  # of the runs, so many that none reaches the limit; two more serve the proof
SESSIONS = 20000  # of a file; a multiple of LOGINS
SAMPLES = 3  # of each list; slow programs need a second for a message


def sender_regex(words):
    """A regex that matches whole addresses of senders, and such an address."""
    domain, word = words.domain(), words.word()
    return words.random.choice([
        (rf".*@(.*\.)?{escaped(domain)}", f"anybody@mail.{domain}"),
        (rf".*@(.*\.)?{escaped(domain)}", f"anybody@{domain}"),
        (rf"{word}[-+._]?\d*@.*", f"{word}-17@example-shop.org"),
        (rf"(news|promo|offers?)-[a-z0-9]{{4,12}}@{escaped(domain)}", f"offer-ab12@{domain}"),
        (rf".*@.*{word}.*\.(?:com|net|org|info)", f"anybody@the{word}s.info")])


def recipient_regex(words):
    word = words.word()
    return words.random.choice([
        (rf".*-{word}@example\.com", f"list-{word}@example.com"),
        (rf"{word}\..*@example\.(com|net|org)", f"{word}.smith@example.org"),
        (rf"{word}\d{{1,3}}@example\.net", f"{word}42@example.net")])


def searched(regex):
    """
    The same regex for programs that look for a match anywhere in an address, as their administrators would write it.
    It must have no alternatives outside of groups.
    """
    head = "" if regex.startswith(".*") else "^"
    tail = "" if regex.endswith(".*") else "$"
    return head + regex.removeprefix(".*").removesuffix(".*") + tail


def spread(items, count=SAMPLES):
    """The first, the last and some items between."""
    items = list(items)
    steps = max(min(count, len(items)) - 1, 1)
    return [items[at * (len(items) - 1) // steps] for at in range(min(count, len(items)))]


def neighbour(address, of_domain=False):
    """An address like a listed one, with another local part or, if asked, another domain, too."""
    local, _, domain = address.partition("@")
    return f"{local[::-1]}@{'x' + domain[::-1] if of_domain else domain}"


def strangers(addresses):
    return [neighbour(address, of_domain=True) for address in addresses]


@dataclass
class Samples:
    """What one list refuses, and what it does not: (sender, recipient) in angle brackets."""
    name: str
    refused: list
    accepted: list


class Lists:
    """
    senders, domains and recipients are exact; the regexes match whole addresses, in JavaScript's dialect. The examples
    are {regex: an address that it matches}.
    """

    def __init__(self, entries, regexes, seed=1):
        words = Words(seed)
        self.senders = list(distinct(Words.address, words, entries))
        self.domains = list(distinct(Words.domain, words, entries))
        self.recipients = list(distinct(lambda w: f"{w.word()}.{w.word(4, 5)}@example.org", words, entries))
        self.sender_examples = dict(list(distinct(sender_regex, words, regexes)))
        self.recipient_examples = dict(list(distinct(recipient_regex, words, regexes)))
        self.sender_regexes = list(self.sender_examples)
        self.recipient_regexes = list(self.recipient_examples)

    def samples(self):
        """Yield Samples of every list. A domain refuses no domain below it."""
        senders, recipients = spread(self.senders), spread(self.recipients)
        domains = spread(self.domains)
        yield Samples("senders", *_as_senders([*senders, senders[-1].upper()], map(neighbour, senders)))
        yield Samples("domains", *_as_senders([f"anybody@{domain}" for domain in domains] + [f"ANY@{domains[-1].upper()}"],
                                              [f"anybody@mail.{domain}" for domain in domains]))
        yield Samples("recipients", *_as_recipients([*recipients, recipients[-1].upper()], map(neighbour, recipients)))
        matched = [self.sender_examples[regex] for regex in spread(self.sender_regexes)]
        yield Samples("sender_regexes", *_as_senders([*matched, matched[-1].upper()], strangers(matched)))
        matched = [self.recipient_examples[regex] for regex in spread(self.recipient_regexes)]
        yield Samples("recipient_regexes", *_as_recipients([*matched, matched[-1].upper()], strangers(matched)))


def _as_senders(refused, accepted):
    return [[(f"<{sender}>", RECIPIENT) for sender in senders] for senders in (refused, accepted)]


def _as_recipients(refused, accepted):
    return [[(SENDER, f"<{recipient}>") for recipient in recipients] for recipients in (refused, accepted)]


def login(number):
    return f"user{number:07d}"


def write_sessions(folder, lists):
    """
    Write the files of sessions: passing.jsonl without a login, logins.jsonl with one, both with a sender of its own for
    each session, so that no program answers from a cache of requests; and refused.jsonl with listed senders.
    """
    kinds = {"passing.jsonl": lambda n: {"mail": f"<person{n}@example-sender{n}.org>"},
             "logins.jsonl": lambda n: {"mail": f"<message{n}@{LOGIN_DOMAIN}>", "login": login(n % LOGINS)},
             "refused.jsonl": lambda n: {"mail": f"<{lists.senders[n * 7919 % len(lists.senders)]}>"}}
    for name, kind in kinds.items():
        with open(folder / name, "w", encoding="ascii") as file:
            for number in range(SESSIONS):
                session = {"ip": "127.0.0.1", "helo": "client.example.net",
                           "rcpts": [f"<person{number}@example-reader{number % 1000}.org>"], **kind(number)}
                session["from"] = f"Some Body {session['mail']}"
                file.write(json.dumps(session) + "\n")
