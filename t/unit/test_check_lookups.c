/*
 * Shows at which domains an address is looked up whose domain is not the one in the list: senders
 * that no MTA rewrites only as they are written, recipients also at domains that Postfix takes for
 * theirs, and that an address with too many lookups is refused.
 */
#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
	m.settings->local_domains = "corp.example\0second.example\0";
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
	ck_assert_msg(strncmp(got, rule == NULL ? "accept" : "reject", 6) == 0 &&
			(rule == NULL || strstr(got, rule) != NULL),
		"%s: %s", asked->stage == STAGE_MAIL ? asked->mail : asked->rcpt, got);
}

#define OWN "mail=fail(mail_from.access.blacklist:1)"
static const struct {
	const char *address, *rule;
} senders[] = {
	/* No MTA rewrites a sender at a domain of others. */
	{ "news!letter@x.example", NULL },
	{ "a%b@gw.example", NULL },
	{ "solo%b@gw.example", NULL },
	{ "100%off@shop.example", NULL },
	{ "50%off!@shop.example", NULL },
	{ "\"100% sure\"@shop.example", NULL },
	{ "a@b@x.example", NULL },
	{ "a%b%c@x.example", NULL },
	{ "a%5@x.example", NULL },
	{ "good%b@friend.example", NULL },
	/* The domain may be one of the MTA's nevertheless. */
	{ "a%corp.example@x.example", OWN },
	{ "corp.example!a@x.example", OWN },
	{ "\"a@corp.example\"@x.example", OWN },
	{ "a%localhost@x.example", OWN },
	{ "a%b%localhost@x.example", OWN },
	{ "a%[192.0.2.1]@x.example", "address syntax" },
	{ "localhost.corp.example!a@x.example", OWN },
	{ "a%mx@x.example", OWN }, /* the name of the MTA */
	{ "solo%localhost@x.example", OWN },
	/* These are rewritten. */
	{ "a", OWN },
	{ "a@localhost", OWN },
	{ "a@b", OWN },
	{ "a@[192.0.2.1]", OWN },
	{ "a%b@localhost", OWN },
	{ "a%b@c", OWN },
	{ "b!a@second.example", OWN },
	{ "a%b@second.example", OWN },
	{ "a%b@mx.second.example", OWN },
	{ "\"a@b\"@[192.0.2.1]", OWN },
};
START_TEST(a_sender_at_a_domain_of_others_is_read_as_no_local_one)
	{
		const struct asked asked = { STAGE_MAIL, .mail = senders[_i].address,
			.mta = "mx.second.example" };

		made_list(&m, LIST_MAIL_ALLOW, "@friend.example");
		made_list(&m, LIST_MAIL_DENY, "@corp.example");
		made_list(&m, LIST_DOMAINS, "solo@corp.example");
		assert_decided_by(senders[_i].rule, &asked);
	}
END_TEST

/* A recipient is, because its domain may be one of those for which the MTA accepts mail. */
START_TEST(a_recipient_at_a_domain_of_others_is_read_as_a_local_one)
	{
		const struct asked asked = { STAGE_RCPT, .rcpt = "a%b@x.example" };

		made_list(&m, LIST_RCPT_DENY, "@corp.example");
		assert_decided_by("rcpt=fail(rcpt_to.access.blacklist:1)", &asked);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_lookups");
	TCase *tcase = tcase_create("check_lookups");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_sender_at_a_domain_of_others_is_read_as_no_local_one, 0,
		ROWS(senders));
	tcase_add_test(tcase, a_recipient_at_a_domain_of_others_is_read_as_a_local_one);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
