/*
 * Shows which recipients and senders are refused because the MTA resolves them to a listed address,
 * and that others pass.
 */
#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
	m.settings->local_domains = "corp.example\0second.example\0";
	m.settings->list_delimiter = "+-";
	made_list(&m, LIST_RCPT_ALLOW, "boss@corp.example\n@open.example");
	made_list(&m, LIST_RCPT_DENY,
		"all@corp.example\n\"a b\"@corp.example\n.closed.example\nuser+tag@corp.example\n"
		"x+y@corp.example");
	made_list(&m, LIST_RCPT_DENY_RE, "trap[0-9]@corp\\.example");
	made_list(&m, LIST_MAIL_ALLOW,
		"friend@alias.example\nboth@alias.example\nboth@corp.example");
	made_list(&m, LIST_MAIL_DENY, "@corp.example\nads@shop.example");
	made_list(&m, LIST_DOMAINS, "listed.example\nsolo@corp.example");
}

static void teardown(void)
{
	made_end(&m);
}

/* Check that the rule refuses an address, or that it is accepted if rule is NULL. */
static void assert_decided_by(const char *rule, const struct asked *asked)
{
	const char *got;

	made_build(&m);
	got = made_decide(&m, asked);
	ck_assert_msg(made_is_decided_by(got, rule), "%s: %s",
		asked->stage == STAGE_MAIL ? asked->mail : asked->rcpt, got);
}

#define ALL "rcpt=fail(rcpt_to.access.blacklist:1)"
#define LISTED "any=fail(access.domains:1)"
#define SOLO "any=fail(access.domains:2)"
/* The MTA resolves the recipient to another domain, or to a local part without one. */
static const struct {
	const char *domains, *address, *resolved, *rule;
} resolved[] = {
	/* Sendmail asks DNS, where everybody may enter an alias of its domain. */
	{ "corp.example\0", "all@alias.example", "all", ALL },
	{ "corp.example\0", "ALL+x@alias.example", "all+x", ALL },
	{ "corp.example\0", "all%alias.example@corp.example", "all", ALL },
	{ "corp.example\0", "\"all\"@alias.example", "all", ALL },
	{ "corp.example\0", "\"a b\"@alias.example", "a b",
		"rcpt=fail(rcpt_to.access.blacklist:2)" },
	{ "corp.example\0", "trap1@alias.example", "trap1",
		"rcpt=fail(rcpt_to.access.blacklist_regex:1)" },
	{ "corp.example\0", "solo@alias.example", "solo", SOLO },
	{ "corp.example\0", "a@alias.example", "a@www.listed.example", LISTED },
	{ "corp.example\0", "all@open.example", "all@corp.example", ALL },
	/* Postfix completes a name with a domain that is not known here. */
	{ "second.example\0", "all@other", "all@other.closed.example",
		"rcpt=fail(rcpt_to.access.blacklist:3)" },
	{ "", "a@other", "a@other.closed.example", "rcpt=fail(rcpt_to.access.blacklist:3)" },
	/* An alias of the administrator leads to another local part. */
	{ "corp.example\0", "info@virtual.example", "all", NULL },
	{ "corp.example\0", "info@virtual.example", "all@corp.example", NULL },
	/* At a known domain, the address is looked up as it is written. */
	{ "corp.example\0second.example\0", "all@second.example", "all", NULL },
	{ "corp.example\0", "all@corp.example", "all", ALL },
	{ "corp.example\0", "bob@corp.example", "bob", NULL },
	{ "corp.example\0", "bob@alias.example", "bob", NULL },
	{ "corp.example\0", "a@remote.example", "a@remote.example", NULL },
	{ "corp.example\0", "a@remote.example", "", NULL },
	{ "corp.example\0", "a@remote.example", "<@(", NULL },
	{ "", "bob@corp.example", "bob", NULL },
	{ "", "all@alias.example", "all", NULL }, /* at which domain is not known */
	/* Sendmail's virtusertable maps a whole domain without the extensions (%1@corp.example). */
	{ "corp.example\0", "all+x@alias.example", "all", ALL },
	{ "corp.example\0", "ALL-x+y@alias.example", "all", ALL },
	{ "corp.example\0", "\"all+x y\"@alias.example", "all", ALL },
	{ "corp.example\0", "all+x%alias.example@corp.example", "all", ALL },
	{ "corp.example\0", "a+x@alias.example", "a@www.listed.example", LISTED },
	{ "corp.example\0", "user+tag@alias.example", "user", NULL },
	{ "corp.example\0", "+all@alias.example", "all", NULL },
	{ "corp.example\0", "owner-all@alias.example", "owner", NULL },
	/* Or it adds one (%1+tag@corp.example). */
	{ "corp.example\0", "all@alias.example", "all+tag", ALL },
	{ "corp.example\0", "all+x@alias.example", "all+tag@corp.example", ALL },
	{ "corp.example\0", "al@alias.example", "all", NULL },
	/* Sendmail leaves backslashes and routing characters in a local part of its own. */
	{ "corp.example\0", "\"al\\l\"@alias.example", "al\\l", ALL },
	{ "corp.example\0", "\"\\all\"@alias.example", "\\all", ALL },
	{ "corp.example\0", "\"\\a\\ll+x\"@alias.example", "\\a\\ll", ALL },
	{ "corp.example\0", "\"\\all%alias.example\"@corp.example", "\\all", ALL },
	{ "corp.example\0", "all+x!@alias.example", "all+x!", ALL },
	{ "corp.example\0", "\"all+x!\"@alias.example", "all+x!", ALL },
	{ "corp.example\0", "\"all+x\\%\"@alias.example", "all+x\\%", ALL },
	{ "corp.example\0", "\"a\\ b\"@alias.example", "a\\ b",
		"rcpt=fail(rcpt_to.access.blacklist:2)" },
	{ "corp.example\0", "\"trap\\1\"@alias.example", "trap\\1",
		"rcpt=fail(rcpt_to.access.blacklist_regex:1)" },
	{ "corp.example\0", "\"bo\\b\"@alias.example", "bo\\b", NULL },
	{ "corp.example\0", "bob+x!@alias.example", "bob+x!", NULL },
	/* What is allowed as it is written stays so, if it is denied nowhere. */
	{ "corp.example\0", "bob@open.example", "bob", NULL },
	{ "corp.example\0", "any@open.example", "any@x.example", NULL },
};
START_TEST(the_address_to_which_the_mta_resolves_a_recipient_is_looked_up)
	{
		const struct asked asked = { STAGE_RCPT, .rcpt = resolved[_i].address,
			.resolved = resolved[_i].resolved };

		m.settings->local_domains = resolved[_i].domains;
		assert_decided_by(resolved[_i].rule, &asked);
	}
END_TEST

/* Sendmail replaces the domain of a sender in the same way, also in the mail that it sends. */
#define OWN "mail=fail(mail_from.access.blacklist:1)"
static const struct {
	const char *domains, *address, *resolved, *rule;
} senders[] = {
	{ "corp.example\0", "ceo@alias.example", "ceo", OWN },
	{ "corp.example\0", "CEO+x@alias.example", "ceo", OWN },
	{ "corp.example\0", "ceo@alias.example", "ceo@corp.example", OWN },
	{ "", "ceo@alias.example", "ceo@corp.example", OWN },
	{ "corp.example\0", "friend@alias.example", "friend", OWN },
	{ "corp.example\0", "both@alias.example", "both@corp.example", NULL },
	{ "corp.example\0", "ads@alias.example", "ads@shop.example",
		"mail=fail(mail_from.access.blacklist:2)" },
	{ "x.example\0", "solo@alias.example", "solo@corp.example", OWN },
	{ "corp.example\0", "a@alias.example", "a@www.listed.example", LISTED },
	{ "corp.example\0", "\"ce\\o\"@alias.example", "ce\\o", OWN },
	/* Sendmail goes on behind a domain of its own, and sends c%eo@corp.example. */
	{ "corp.example\0", "c%eo@alias.example", "c@eo", OWN },
	{ "corp.example\0", "\"c%eo\"@alias.example", "c@eo", OWN },
	{ "corp.example\0", "\"c@eo\"@alias.example", "c@eo", OWN },
	{ "corp.example\0", "eo!c@alias.example", "eo!c@mx.corp.example", OWN },
	{ "corp.example\0", "c+x%eo.org@alias.example", "c+x@eo.org", OWN },
	{ "corp.example\0", "c%eo.org@alias.example", "c@www.other.example", OWN },
	{ "corp.example\0second.example\0", "c%eo.org@second.example", "c@eo.org", NULL },
	{ "corp.example\0", "c%eo.org@x.example", "c%eo.org@x.example", NULL },
	{ "", "c%eo.org@alias.example", "c@eo.org", NULL },
	{ "corp.example\0", "+ceo+x@alias.example", "+ceo", OWN },
	{ "corp.example\0second.example\0", "ceo@second.example", "ceo", NULL },
	{ "corp.example\0", "info@virtual.example", "ceo", NULL },
	{ "corp.example\0", "ceo@x.example", "ceo@x.example", NULL },
	{ "corp.example\0", "ceo@x.example", "", NULL },
	{ "", "ceo@alias.example", "ceo", NULL },
};
START_TEST(the_address_to_which_the_mta_resolves_a_sender_is_looked_up)
	{
		const struct asked asked = { STAGE_MAIL, .mta = "mx.corp.example",
			.mail = senders[_i].address, .resolved = senders[_i].resolved };

		m.settings->local_domains = senders[_i].domains;
		assert_decided_by(senders[_i].rule, &asked);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_resolved");
	TCase *tcase = tcase_create("check_resolved");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, the_address_to_which_the_mta_resolves_a_recipient_is_looked_up,
		0, ROWS(resolved));
	tcase_add_loop_test(tcase, the_address_to_which_the_mta_resolves_a_sender_is_looked_up, 0,
		ROWS(senders));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
