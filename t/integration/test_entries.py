"""Rules that can never match are reported with their place and the right form by status, reload, -n and in the log."""

import pytest

from harness.wait import wait_until

pytestmark = pytest.mark.quick

LISTS = {
    "mail_from.access.blacklist": "a@bad.example\nevil.example\n*.evil.example REJECT\nnews*@bad.example\n",
    "connect.rdns_access.blacklist": "192.168.1.*\n192.0.2.7:25\n",
    "rcpt_to.access.blacklist_regex": "/@evil\\.example$/i REJECT\n",
    "access.domains": "http://x.example/\n",
    "helo.checks.regexps": "ylmf-pc\n",
}
STORE = {
    "profiles": [{"id": 1, "name": "sales", "host": "*.example.org", "rcpt": "@partner.example"}],
    "users": [{"id": 1, "username": "bob", "pasword": "x", "room": 7, "froms": "bob,*@example.net", "profileId": 1}],
}
PROBLEMS = [
    'connect.rdns_access.blacklist:1: "192.168.1.*" contains *, which is not a wildcard; write 192.168.1.0/24; left out',
    'connect.rdns_access.blacklist:2: "192.0.2.7:25" is neither an address nor a network; write 192.0.2.7; left out',
    'mail_from.access.blacklist:2: "evil.example" has no @, so that it is not a mail address; '
    'write @evil.example or .evil.example; left out',
    'mail_from.access.blacklist:3: "*.evil.example REJECT" contains white space, but an entry is a single word; '
    'write .evil.example; left out',
    'rcpt_to.access.blacklist_regex:1: "/@evil\\.example$/i REJECT" has slashes around the regex, and an action '
    'after it; write .*@evil\\.example; left out',
    'access.domains:1: "http://x.example/" contains ":", which is not part of any domain name; write x.example; left out',
    'profiles id 1 (sales): host[1]: "*.example.org" contains *, which is not a wildcard; write .example.org; left out',
    'profiles id 1 (sales): rcpt[1]: "@partner.example" is a domain, not an address; write partner.example in host; '
    'left out',
    'store.json: users: the column "pasword" is unknown and ignored; did you mean "password"?',
    'users id 1 (bob): froms[1]: "bob" has no domain; write bob@DOMAIN; left out',
    'users id 1 (bob): froms[2]: "*@example.net" has * before its @, which is not a wildcard; write @example.net; '
    'left out',
    'rcpt_to.access.witelist: the file is not read, because no list has this name; did you mean '
    'rcpt_to.access.whitelist?',
]
NOTES = [
    "helo.checks.regexps: not applied, because [check] helo is no",
    'mail_from.access.blacklist:4: "news*@bad.example" contains *, which is not a wildcard',
    'store.json: users: the column "room" is unknown and ignored',
]


def all_are_in(wanted, texts):
    return all(any(text.endswith(one) for text in texts) for one in wanted)


def test_entries_that_never_match_are_reported_everywhere(box):
    daemon = box.postern(lists=LISTS, store=STORE)
    (daemon.lists / "rcpt_to.access.witelist").write_text("a@good.example\n")
    wait_until(lambda: daemon.ctl("status")["cache"]["problem_count"] == len(PROBLEMS), "all problems are found")
    cache = daemon.ctl("status")["cache"]
    assert all_are_in(PROBLEMS, cache["problems"]) and all_are_in(NOTES, cache["notes"]), cache
    assert cache["note_count"] == len(NOTES)
    answer = daemon.ctl("reload")
    assert all_are_in(PROBLEMS, answer["problems"]) and all_are_in(NOTES, answer["notes"])
    printed = {"status": daemon.ctl("status", parse=False), "reload": daemon.ctl("reload", parse=False),
               "-n": daemon.check_config()[1], "log": daemon.log()}
    for where, text in printed.items():
        for one in PROBLEMS + NOTES:
            assert one in text, (where, one)
    assert "12 problems, " in printed["-n"]
    (daemon.lists / "rcpt_to.access.witelist").unlink()
    wait_until(lambda: daemon.ctl("status")["cache"]["problem_count"] == len(PROBLEMS) - 1, "the name is gone")
    with daemon.milter() as milter:  # what can match is in force
        milter.connect("mail.good.example", "192.0.2.1")
        milter.helo("mail.good.example")
        assert milter.mail("<a@bad.example>").verdict == "reject"


def test_thousands_of_bad_lines_are_counted_exactly(box):
    many = "".join(f"evil{number}.example\n" for number in range(8335))
    daemon = box.postern(lists={"mail_from.access.blacklist": many, "rcpt_to.access.blacklist": "evil.example\n"})
    cache = daemon.ctl("status")["cache"]
    assert cache["problem_count"] == 8336
    assert len(cache["problems"]) < 100
    assert "mail_from.access.blacklist: 8285 more lines have problems" in cache["problems"]
    assert any(text.startswith("rcpt_to.access.blacklist:1: ") for text in cache["problems"])
    said = daemon.check_config()[1]
    assert "8336 problems" in said and len(said.splitlines()) < 100
    assert len(daemon.log().splitlines()) < 200
