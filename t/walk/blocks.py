"""The code blocks of a document (Markdown, or the examples of a man page), and what becomes of each."""

import re
from dataclasses import dataclass
from pathlib import Path

# What a block is, by the word after its fence. A lint allows no other.
KINDS = {
    "sh": "commands, which are run",
    "sql": "commands for psql -d mail, which are run",
    "ini": "settings, which are put into postern.conf, which must then be right",
    "text": "the output of the commands before, which is compared; ... stands for anything",
    "exim": "settings of Exim, which t/integration/test_auth_mta.py tests",
    "m4": "lines of sendmail.mc, which t/integration/harness/sendmail.py uses",
    "conf": "libsasl's settings for Sendmail, which t/integration/harness/sendmail.py uses",
    "": "a picture, or the configuration of another program: nothing to type",
}

RUN = ("sh", "sql", "ini")

# Blocks, by their first line, that are not run, and why. A lint shows that each of them exists.
NOT_RUN = {
    "apt-get install --no-install-recommends build-essential && apt-get build-dep ./":
        "the tests of t/package have built the package with the same command",
    "make deps && make && make install": "the tests are run with what was built so, and t/integration/test_install.py installs it",
    "make demo": "t/demo.py has tests of its own, and make check is what runs this test",
    "systemctl edit postern": "needs a running systemd, and opens an editor",
    "systemctl enable --now postern": "needs a running systemd",
}

# What happened before a block, by its first line.
PREPARED = {
    "posternctl auth reset alice": "! swaks --server localhost:587 --tls --auth PLAIN --auth-user alice --auth-password wrong "
                                   "--from alice@example.com --to root@localhost > /dev/null\n",
    "posternctl limits bob reset": "posternctl reload\n"
                                   "swaks --server localhost --tls --auth PLAIN --auth-user bob --auth-password 'pa55 word' "
                                   "--from bob@example.com --to root@localhost > /dev/null\nposternctl suspend bob\n",
}

# Settings, by a line of them, that are parsed, but are not put in force: they name servers that do not exist here.
NOT_IN_FORCE = {
    "conninfo = host=db1,db2 dbname=mail user=postern target_session_attrs=primary",
}

# Commands that run until they are interrupted, with the key ^C after a second.
ENDLESS = re.compile(r"^posternctl tail\b", re.M)


@dataclass
class Block:
    """One code block. number: that of its first line in the file."""

    file: str
    number: int
    kind: str
    text: str
    heading: str

    @property
    def place(self):
        return f"{self.file}:{self.number}"

    @property
    def first_line(self):
        return self.text.partition("\n")[0]


def blocks_of(path):
    """The blocks of a file in their order."""
    path = Path(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    return list((_man_blocks if path.suffix in (".5", ".7", ".8") else _markdown_blocks)(path.name, lines))


def _markdown_blocks(name, lines):
    heading, start, indent, kind = "", None, "", ""
    for number, line in enumerate(lines, 1):
        if start is None:
            if match := re.match(r"#+ (.*)", line):
                heading = match[1]
            elif match := re.match(r"( *)```(.*)", line):
                start, indent, kind = number, match[1], match[2]
        elif line.strip() == "```":
            body = [text.removeprefix(indent) for text in lines[start:number - 1]]
            yield Block(name, start + 1, kind, "".join(text + "\n" for text in body), heading)
            start = None


def _man_blocks(name, lines):
    """The displays of the section EXAMPLES."""
    inside, start = False, None
    for number, line in enumerate(lines, 1):
        if line.startswith(".Sh "):
            inside = line == ".Sh EXAMPLES"
        elif inside and line.startswith(".Bd "):
            start = number
        elif inside and line == ".Ed":
            text = "\n".join(lines[start:number - 1]) + "\n"
            for escape, character in ((r"\(aq", "'"), (r"\(dq", '"'), (r"\(ga", "`"), (r"\-", "-"), (r"\&", ""), (r"\e", "\\")):
                text = text.replace(escape, character)
            yield Block(name, start + 1, "ini" if text.startswith("[") else "sh", text, "EXAMPLES")
