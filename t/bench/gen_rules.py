#!/usr/bin/env python3
"""Make a rule set of any size: lists, JSON store, configuration, and sessions for it.

The same options give the same files. They contain nothing real: domains begin with "example-", addresses belong to
networks for documentation and benchmarks. sessions.jsonl holds sessions that pass every check, half of them logged in;
mixed.jsonl holds the same with one in five refused, at each stage by turns.
"""

import argparse
import json
import random
import string
from pathlib import Path

LOCAL_DOMAIN = "example.net"
TLDS = ["com", "org", "net", "de", "nl", "fr", "info", "biz", "top", "xyz", "co.uk", "org.uk",
        "com.au", "com.br", "co.jp", "ac.nz", "in", "us"]

# All checks are on as far as the comparison can use them, also for clients from 127.0.0.1.
CONFIG = {
    "check": {"any": "yes", "conn": "yes", "helo": "yes", "mail": "yes", "rcpt": "yes", "data": "no",
              "exempt": ""},
    "profile": {"default_domain": LOCAL_DOMAIN, "recipient_delimiter": "+",
                "unknown_user": "reject", "header_from": "owned"},
}
FILES = {  # of a rule set, relative to its directory
    "milter": {"socket": "unix:postern.sock"},
    "control": {"socket": "control.sock"},
    "store": {"path": "store.json"},
    "lists": {"directory": "lists"},
}
HASH_LETTERS = string.ascii_letters + string.digits + "./"


class Words:
    """Typical names of such lists, made from a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def word(self, low=6, high=7):
        # At least six letters, one of them rare, so that no regex `.*word.*` matches a session by chance.
        letters = self.random.choices(string.ascii_lowercase, k=self.random.randint(low, high) - 1)
        return "".join(letters) + self.random.choice("qxzvkj")

    def domain(self):
        return f"example-{self.word()}.{self.random.choice(TLDS)}"

    def host(self):
        return f"{self.word(4, 4)}.{self.domain()}"

    def address(self):
        return f"{self.word()}.{self.word(4, 5)}@{self.domain()}"

    def ip(self):
        """An address or name of which no session comes."""
        if self.random.random() < 0.5:
            return f"198.18.{self.random.randrange(256)}.{self.random.randrange(256)}"
        groups = (self.random.randrange(65536) for _ in range(3))
        return "2001:db8:" + ":".join(f"{group:x}" for group in groups) + "::1"


def escaped(name):
    return name.replace(".", r"\.")


def client_regex(words):
    domain = escaped(words.domain())
    return words.random.choice([
        rf"\d+-\d+-\d+-\d+\.{domain}",
        rf"(?:pool|cust|ip)-[0-9a-f]{{4,8}}\.{domain}",
        rf".*\.dyn\.{domain}",
        rf".*{words.word()}.*\.(com|net|org)",
        rf"2001:db8:{words.random.randrange(65536):x}:{words.random.randrange(65536):x}:.*"])


def sender_regex(words):
    domain = escaped(words.domain())
    return words.random.choice([
        rf".*@(.*\.)?{domain}",
        rf".*@(.*\.)?{domain}",
        rf"{words.word()}[-+._]?\d*@.*",
        rf"(news|promo|offers?)-[a-z0-9]{{4,12}}@{domain}",
        rf".*@.*{words.word()}.*\.(?:com|net|org|info)"])


def recipient_regex(words):
    return words.random.choice([
        rf".*-{words.word()}@example\.com",
        rf"{words.word()}\..*@example\.(com|net|org)",
        rf"{words.word()}\d{{1,3}}@example\.net"])


def helo_regex(words):
    return words.random.choice([
        rf"{words.word()}-pc",
        rf"{words.word()}\d{{1,3}}(\.local)?",
        rf".*\.{escaped(words.domain())}"])


def client_entry(words):
    return words.ip() if words.random.random() < 0.3 else words.host()


# Each list: the functions that make its entries and those of its regexes.
LISTS = {
    "connect.rdns_access": (client_entry, client_regex),
    "mail_from.access": (Words.address, sender_regex),
    "rcpt_to.access": (lambda words: f"{words.word()}.{words.word(4, 5)}@example.org",
                       recipient_regex),
}


def write_lines(path, lines):
    with open(path, "w", encoding="ascii") as file:
        file.write("# made by gen_rules.py\n")
        file.writelines(f"{line}\n" for line in lines)


def distinct(make, words, count):
    found = dict.fromkeys(make(words) for _ in range(count))
    while len(found) < count:
        before = len(found)
        found.update(dict.fromkeys(make(words) for _ in range(count - before)))
        if len(found) == before:  # there are no more
            break
    return found


def write_lists(folder, entries=10000, regexes=300, domains=20000, seed=1):
    """Write all list files. Returns samples that they refuse: {stage: value}."""
    folder.mkdir(parents=True, exist_ok=True)
    words = Words(seed)
    samples = {}
    for name, (entry, regex) in LISTS.items():
        for colour in ("whitelist", "blacklist"):
            made = distinct(entry, words, entries)
            write_lines(folder / f"{name}.{colour}", made)
            write_lines(folder / f"{name}.{colour}_regex", distinct(regex, words, regexes))
            if colour == "blacklist":
                samples[name] = [text for text in made if not text[0].isdigit()][:1000]
    write_lines(folder / "helo.checks.regexps", distinct(helo_regex, words, regexes))
    listed = distinct(Words.domain, words, domains)
    write_lines(folder / "access.domains", listed)
    samples["access.domains"] = list(listed)[:1000]
    return samples


def make_profiles(count, seed=2):
    """Profiles, each of one kind: open, or with hosts, addresses, regexes, or all of these."""
    words = Words(seed)
    profiles = []
    for number in range(1, count + 1):
        hosts = [words.domain() for _ in range(words.random.randint(1, 16))]
        rcpts = [words.address() for _ in range(words.random.randint(1, 20))]
        regexes = [rf"^.*@{escaped(words.domain())}$" for _ in range(words.random.randint(1, 4))]
        kind = number % 8
        profiles.append({
            "id": number, "name": f"profile {number}", "desc": None, "open": kind == 0,
            "limits": None, "maxsize": 26214400 if kind == 3 else None,
            "host": ",".join(hosts) if kind in (1, 2, 3, 7) else None,
            "rcpt": ",".join(rcpts) if kind in (4, 5, 7) else None,
            "rcpt_re": ",".join(regexes) if kind in (6, 7) else None})
    return profiles


def user_name(number):
    return f"user{number:07d}"


def user_froms(number):
    """Every third user has other addresses besides the login."""
    if number % 3:
        return None
    own = f"{user_name(number)}@{LOCAL_DOMAIN}"
    return f"{own},first.last{number}@mail.{LOCAL_DOMAIN},@team{number}.{LOCAL_DOMAIN}"


def write_store(path, users=1000000, profiles=200, seed=2):
    """Write the JSON store. Returns its profiles."""
    made = make_profiles(profiles, seed)
    # The hashes are parts of one long text, because a million times 86 random letters take too long.
    letters = "".join(random.Random(seed).choices(HASH_LETTERS, k=1 << 20))
    with open(path, "w", encoding="ascii") as file:
        file.write('{"format": "postern-store-1",\n"profiles": [\n')
        file.write(",\n".join(map(json.dumps, made)))
        file.write('\n],\n"users": [\n')
        for number in range(users):
            at = number * 7919 % (len(letters) - 128)
            file.write('%s{"id":%d,"username":"%s","password":"$6$%s$%s","froms":%s,"profileId":%d}' % (
                ",\n" if number else "", number + 1, user_name(number), letters[at:at + 16],
                letters[at + 16:at + 102], json.dumps(user_froms(number)),
                number % profiles + 1))
        file.write("\n]}\n")
    return made


def allowed_recipient(profile, words):
    """An address to which the profile may send."""
    rng = words.random
    if profile["open"]:
        return f"anybody{rng.randrange(10000)}@example-reader{rng.randrange(1000)}.org"
    if profile["host"]:
        return f"person{rng.randrange(10000)}@{rng.choice(profile['host'].split(','))}"
    if profile["rcpt"]:
        return rng.choice(profile["rcpt"].split(","))
    regex = rng.choice(profile["rcpt_re"].split(","))
    return f"person{rng.randrange(10000)}" + regex[3:-1].replace("\\", "")


def make_session(number, users, profiles, words):
    """A session that passes all checks."""
    rng = words.random
    host = f"mail{number % 9}.example-sender{number}.{rng.choice(TLDS)}"
    ip = f"198.51.100.{rng.randrange(256)}" if number % 5 else f"2001:db8:ffff:{number:x}::9"
    session = {"id": f"s{number:06d}", "ip": ip, "rdns": host, "helo": host}
    if number % 2:
        user = rng.randrange(users)
        profile = profiles[user % len(profiles)]
        address = f"{user_name(user)}@{LOCAL_DOMAIN}"
        session["login"] = user_name(user)
        session["rcpts"] = [f"<{allowed_recipient(profile, words)}>"
                            for _ in range(rng.choice([1, 1, 1, 2, 5]))]
    else:
        address = f"person{rng.randrange(100000)}@example-sender{number}.org"
        session["rcpts"] = [f"<{user_name(rng.randrange(users))}@{LOCAL_DOMAIN}>"
                            for _ in range(rng.choice([1, 1, 1, 2, 5]))]
    session["mail"] = f"<{address}>"
    session["from"] = f"Some Body <{address}>"
    return session


def pick(samples, number):
    return samples[number % len(samples)]


def refuse(session, number, samples):
    """Change the session so that one stage refuses it: connect, mail, rcpt or any, by turns."""
    place = (number // 5) % 4
    if place == 0:
        session["rdns"] = pick(samples["connect.rdns_access"], number)
    elif place == 1:
        session["mail"] = f"<{pick(samples['mail_from.access'], number)}>"
    elif place == 2:
        session["rcpts"] = [f"<{pick(samples['rcpt_to.access'], number)}>"]
    else:
        session["helo"] = f"mx.{pick(samples['access.domains'], number)}"
    session.pop("login", None)  # a logged-in client may come from anywhere


def write_sessions(folder, samples, users, profiles, count=20000, seed=3):
    words = Words(seed)
    with open(folder / "sessions.jsonl", "w", encoding="ascii") as passing, \
         open(folder / "mixed.jsonl", "w", encoding="ascii") as mixed:
        for number in range(count):
            session = make_session(number, users, profiles, words)
            passing.write(json.dumps(session) + "\n")
            if number % 5 == 0:
                refuse(session, number, samples)
            mixed.write(json.dumps(session) + "\n")


def write_config(path, config=None):
    sections = {**FILES, **(config or CONFIG)}
    path.write_text("".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for section, keys in sections.items()))


def generate(folder, users, profiles, entries, regexes, domains, sessions):
    """
    Write everything to the directory and return it. Files that the same version of this script made with the same
    sizes are kept.
    """
    folder = Path(folder)
    mark = folder / "made-with"
    made_with = repr((users, profiles, entries, regexes, domains, sessions)) + "\n" + \
        Path(__file__).read_text()
    if mark.exists() and mark.read_text() == made_with:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    samples = write_lists(folder / "lists", entries, regexes, domains)
    made = write_store(folder / "store.json", users, profiles)
    write_sessions(folder, samples, users, made, sessions)
    write_config(folder / "postern.conf")
    mark.write_text(made_with)
    return folder


def add_options(parser):
    parser.add_argument("--users", type=int, default=1000000)
    parser.add_argument("--profiles", type=int, default=200)
    parser.add_argument("--entries", type=int, default=10000, help="of each list")
    parser.add_argument("--regexes", type=int, default=300, help="of each list of regexes")
    parser.add_argument("--domains", type=int, default=20000, help="of access.domains")
    parser.add_argument("--sessions", type=int, default=20000)


def generate_with(folder, options):
    return generate(folder, options.users, options.profiles, options.entries, options.regexes,
                    options.domains, options.sessions)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    add_options(parser)
    options = parser.parse_args()
    generate_with(options.folder, options)


if __name__ == "__main__":
    main()
