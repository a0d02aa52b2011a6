"""The From parsers compared with Python's two, which must not read another address in a field that the grammar accepts.

Ours run in from_dump.
"""

import email.header
import email.headerregistry
import email.policy
import email.utils
import inspect
import os
import pathlib
import random
import re
import subprocess
import warnings

DUMP = pathlib.Path(os.environ.get("POSTERN_BUILD", "build")) / "t/integration/from_dump"
WORDS = ["Foo", "Jörg", "O'Brien", "x", "=?utf-8?q?B=C3=B6b?=", "3", "a.b", "-"]
QUOTED = ["Foo, Inc", "a (b", "say \\\"hi\\\"", "b\\\\c", "b: c;"]
HIDING = ['"a@evil.example"', '"x <a@evil.example>"', "=?utf-8?q?a=40evil.example=3E?="]
LOCALS = ["a", "a.b", "o'brien", "x+y", "a=b", "jörg", '"a b"', '"x.y"']
DOMAINS = ["mine.example", "b.example", "sub.b.example", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]"]
SPACES = ["", " ", "\t", "\r\n ", " (c)", "(x (b) \\) c)", "\r\n\t(c) "]
MANGLES = list("<>@,;:()[]\\\". \t\0\r\n=ax") + ["\r\n ", "\n\t", "a@evil.example", "<<", ">>", '""', "()"]


def ours(values):
    """Return [(whether the grammar accepts it, [address, ...])] for the values."""
    blobs = [value.encode("utf-8", "surrogateescape") for value in values]
    run = subprocess.run([DUMP], input=b"".join(b"%d\n%s" % (len(b), b) for b in blobs),
                         stdout=subprocess.PIPE, check=True)
    fields = [line.split() for line in run.stdout.decode().splitlines()]
    assert len(fields) == len(values)
    return [(f[-1] == "accepted", [bytes.fromhex(h).decode("utf-8", "surrogateescape") for h in f[:-1]]) for f in fields]


def unfolded(value):
    """The value without folds: email.headerregistry needs it so, and email.utils does for an address that is folded."""
    return re.sub(r"\r?\n(?=[ \t])", "", value)


def by_utils(value):
    """email.utils, the lenient reader: addr-specs."""
    lenient = {"strict": False} if "strict" in inspect.signature(email.utils.getaddresses).parameters else {}
    return [address for _, address in email.utils.getaddresses([unfolded(value)], **lenient)
            if address.find("@") > 0]


def by_headerregistry(value):
    """The addr-specs that email.headerregistry, the grammar of RFC 5322, finds; None if it fails with a bug."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = email.policy.default.header_factory("From", unfolded(value))
            return [a.addr_spec for a in header.addresses if a.username and a.domain]
    except (AttributeError, IndexError, TypeError, ValueError, email.errors.HeaderParseError):
        return None


def plain(address):
    """The address in lower case, and without quotes that the local part does not need."""
    local, _, domain = address.rpartition("@")
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|[^".]+', local)
    text = ".".join(re.sub(r"\\(.)", r"\1", p[1:-1]) if p[0] == '"' else p for p in parts)
    return (text + "@" + re.sub(r"\s", "", domain)).lower()


def space(rng):
    return rng.choice(SPACES)


def usual_mailbox(rng):
    """A mailbox as mail programs write it."""
    address = rng.choice(LOCALS[:6]) + "@" + rng.choice(DOMAINS)
    words = [rng.choice(WORDS) for _ in range(rng.randrange(1, 4))] if rng.random() < 0.5 else [
        '"%s"' % rng.choice(QUOTED[:3])]
    if rng.random() < 0.2:
        return f"{address} ({rng.choice(WORDS[:4])})", [address]
    return f"{rng.choice([' ', chr(13) + chr(10) + ' ']).join(words)} <{address}>", [address]


def mailbox(rng):
    address = rng.choice(LOCALS) + "@" + rng.choice(DOMAINS)
    if rng.random() < 0.3:
        return space(rng) + address + space(rng), [address]
    words = [rng.choice([rng.choice(WORDS), '"%s"' % rng.choice(QUOTED)]) for _ in range(rng.randrange(4))]
    name = "".join(word + rng.choice([" ", "\r\n ", " (c) "]) for word in words)
    return f"{name}<{space(rng)}{address}{space(rng)}>{space(rng)}", [address]


def hiding(rng):
    """A mailbox with an address in its name. Anything unusual beside it makes old readers find that address."""
    address = rng.choice(LOCALS) + "@" + rng.choice(DOMAINS)
    words = [rng.choice(HIDING)]
    if "<" not in words[0] and rng.random() < 0.5:  # Sendmail may put the words in quotes, and escape the < wrongly
        words.append(rng.choice(["Foo", "Jörg", '"Foo, Inc"']))
    return f"{rng.choice([' ', chr(13) + chr(10) + ' ']).join(words)} <{address}>{rng.choice(['', ' ', ' (c)'])}", [address]


def field(rng, one=None):
    """Make a well-formed value and its addresses."""
    pieces, addresses = [], []
    one = one or (hiding if rng.random() < 0.3 else mailbox)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if one is mailbox and rng.random() < 0.15:
            members = [one(rng) for _ in range(rng.randrange(3))]
            pieces.append(f"Team{space(rng)}: " + ",".join(m[0] for m in members) + ";")
        else:
            members = [one(rng)]
            pieces.append(members[0][0])
        addresses += [a for m in members for a in m[1]]
    return ",".join(pieces), addresses


def mangled(rng):
    value = field(rng, usual_mailbox if rng.random() < 0.7 else None)[0].replace("=40", "=41")  # one of Python's parsers decodes first
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(value) + 1)
        value = value[:at] + rng.choice(MANGLES + [""]) + value[at + rng.randrange(3):]
    return value


def authors_by_utils(value):
    """
    What email.utils shows as authors, except words that nobody takes for an address. It gets the field with its folds, as a
    message has it, because it ends a comment or quoted string at a CR.
    """
    lenient = {"strict": False} if "strict" in inspect.signature(email.utils.getaddresses).parameters else {}
    return [address for _, address in email.utils.getaddresses([re.sub(r"\r?\n", "\r\n", value)], **lenient)
            if re.search(r"[@<>!%]|\.(?! |$)", address)]


def domains(addresses):
    return {plain(a).rpartition("@")[2].rstrip(".") for a in addresses}


def test_well_formed_fields_read_as_written():
    rng = random.Random(1)
    fields = [field(rng) for _ in range(20000)]
    accepted = 0
    for (value, addresses), (accepts, found) in zip(fields, ours([f[0] for f in fields])):
        read, written = [plain(a) for a in found], [plain(a) for a in addresses]
        assert read == written if accepts else set(read) >= set(written), repr(value)
        accepted += accepts
    print(f"{accepted} of {len(fields)} strange fields are accepted")
    assert accepted > len(fields) / 20


def test_usual_fields_are_accepted():
    rng = random.Random(4)
    fields = [usual_mailbox(rng) for _ in range(20000)]
    for (value, addresses), (accepts, found) in zip(fields, ours([f[0] for f in fields])):
        assert accepts, repr(value)
        assert [plain(a) for a in found] == [plain(a) for a in addresses], repr(value)


def test_well_formed_fields_read_alike():
    rng = random.Random(2)
    values = [field(rng)[0] for _ in range(4000)]
    agreed = 0
    for value, (_, found) in zip(values, ours(values)):
        for theirs in (by_utils(value), by_headerregistry(value)):
            agreed += theirs is not None and {plain(a) for a in theirs} <= {plain(a) for a in found}
    print(f"{agreed} of {2 * len(values)} readings agree")
    assert agreed > 1.9 * len(values)


def test_mangled_fields_hide_no_author():
    rng = random.Random(3)
    values = [mangled(rng) for _ in range(40000)]
    accepted = 0
    for value, (accepts, found) in zip(values, ours(values)):
        if not accepts:
            continue
        accepted += 1
        for theirs in (authors_by_utils(value), by_headerregistry(value)):
            assert theirs is None or domains(theirs) <= domains(found), (value, found, theirs)
    print(f"{accepted} of {len(values)} fields are accepted")
    assert accepted > len(values) / 100
