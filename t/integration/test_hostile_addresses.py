"""
Addresses in which Postfix and Sendmail, by RFC 5322, find another address than the one around the last @: none of them passes a
list, froms or a profile that it should not pass.
"""

import re

import pytest

LISTS = {
    "mail_from.access.blacklist": "@spam.example\nevil@other.example\n",
    "rcpt_to.access.blacklist": "victim@here.example\nfirst.last@here.example\n.bad.example\n",
    "access.domains": "listed.example\n",
}

STORE = {
    "profiles": [{"id": 1, "name": "sales", "open": False, "host": "partner.example", "rcpt": "",
                  "rcpt_re": "", "maxsize": 0, "limits": ""}],
    "users": [{"id": 1, "username": "bob", "password": "", "profileId": 1,
               "froms": "bob@own.example, @bobs.example, .dot.example"}],
}

SENDERS = [
    "<a@spam.example(x)>", "<a@spam.example (x)>", "<a @ spam.example>", "<(x)a@spam.example>",
    "<a@spam.example(>", "<a@spam.exam\\ple>", '<a@"spam.example">', "<a@spam . example>",
    "<ev\\il@other.example>", '<"ev".il@other.example>', "<evil(x)@other.example>",
    "<evil@other.example,>", "<evil@other.example;>", "<@foo:@bar:evil@other.example>",
    "<a@listed.example(>", "<a@listed.example@>", "<<a@spam.example>>", "<a@spam.example(@ok.example>",
    "<a@spam.example>(@ok.example", "<spam.example!a>", "<a%spam.example>", "<evil\t@other.example>",
    "<@" + 1000 * "x" + ":evil@other.example>",
]

RECIPIENTS = [
    "<victim@here.example(x)>", "<victim@here.example(>", "<vic\\tim@here.example>",
    "<victim(a)@here.example>", "<victim @here.example>", "<victim@here.example(@ok.example>",
    "<victim@here.example@>", "<victim%here.example>", "<here.example!victim>", "<x@bad.example(>",
    '<"victim@here.example">', "<@" + 1000 * "x" + ":victim@here.example>",
    '<"first(x)last"@here.example>',  # Sendmail: first.last
]

OF_OTHERS = [
    "<boss@other.example(@bobs.example>", "<boss@other.example(@x.dot.example>",
    '<"boss"@other.example@bobs.example>', "<boss@other.example\\@bobs.example>",
    "<boss@other.example>(@bobs.example", "(<boss@other.example>)@bobs.example",
    "<@x boss@other.example(y:bob@own.example>", "<@" + 1000 * "x" + ":boss@other.example>",
]

TO_OTHERS = [
    "<victim@evil.example(@partner.example>", "<victim(@partner.example>",
    "<victim\\@partner.example>", "<victim:evil.example@partner.example>", "<@(:x@partner.example>",
]


@pytest.fixture(scope="module", params=["postfix", "sendmail"])
def mta(shared_box, request):
    # Nor because an internal failure accepts mail.
    return shared_box.front(request.param, config={"milter": {"on_error": "accept"}}, lists=LISTS, store=STORE)[1]


SENDMAILS = re.compile(r"\.\.\. (Unbalanced|Invalid route address|prescan: token too long|User address required|User unknown)")


def is_bad_syntax(reply):
    """553 is Postern's reply; 501 and 555 are Postfix's, and Sendmail has many."""
    return (reply.code in (501, 555) or (reply.code == 553 and "address syntax" in reply.words)
            or (reply.code in (550, 553) and SENDMAILS.search(reply.text)))


@pytest.mark.parametrize("sender", SENDERS)
def test_no_spelling_of_a_listed_sender_is_let_through(mta, sender):
    with mta.client() as smtp:
        assert is_bad_syntax(smtp.mail(sender))


@pytest.mark.parametrize("recipient", RECIPIENTS)
def test_no_spelling_of_a_listed_recipient_is_let_through(mta, recipient):
    with mta.client() as smtp:
        assert smtp.mail("<a@ok.example>").code == 250
        assert is_bad_syntax(smtp.rcpt(recipient))


@pytest.mark.parametrize("sender", OF_OTHERS)
def test_no_user_sends_as_another_by_spelling(mta, sender):
    with mta.client(login="bob") as smtp:
        reply = smtp.mail(sender)
        assert is_bad_syntax(reply) or (reply.code, reply.enhanced) == (550, "5.7.1"), reply


@pytest.mark.parametrize("recipient", TO_OTHERS)
def test_no_user_sends_to_others_by_spelling(mta, recipient):
    with mta.client(login="bob") as smtp:
        assert smtp.mail("<bob@own.example>").code == 250
        assert is_bad_syntax(smtp.rcpt(recipient))
