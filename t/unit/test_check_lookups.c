/*
 * Shows at which domains an address is looked up whose domain is not the one in the list: senders
 * that no MTA rewrites only as they are written, recipients also at domains that Postfix takes for
 * theirs, and that an address with too many lookups is refused.
 */
#include <stdio.h>
#include <string.h>

#include "lib/match/address_readings.h"
#include "lib/rules/check_private.h"
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
	ck_assert_msg(made_is_decided_by(got, rule), "%s: %s",
		asked->stage == STAGE_MAIL ? asked->mail : asked->rcpt, got);
}

static void assert_text(const char *got, const char *want)
{
	ck_assert_msg(strncmp(got, want, strlen(want)) == 0, "%s, not %s", got, want);
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

/* Repeat %x. */
static void write_nested(char *text, unsigned times)
{
	strcpy(text, "all");
	while (times-- > 0)
		strcat(text, "%x");
	strcat(text, "@corp.example");
}

START_TEST(an_address_with_too_many_readings_is_refused_even_if_nothing_is_listed)
	{
		char text[ADDRESS_MAX + 1];
		struct asked rcpt = { STAGE_RCPT, .rcpt = text },
			     mail = { STAGE_MAIL, .mail = text };

		m.settings->local_domains = "corp.example\0";
		made_build(&m);
		write_nested(text, ADDRESS_READINGS_MAX - 1);
		ck_assert_str_eq(made_decide(&m, &rcpt), "accept: rcpt=unlisted; any=unlisted");
		ck_assert_str_eq(made_decide(&m, &mail), "accept: mail=unlisted; any=unlisted");
		write_nested(text, ADDRESS_READINGS_MAX);
		ck_assert_str_eq(made_decide(&m, &rcpt),
			"reject: rcpt=fail(more than 16 readings of the address) 553 5.1.3 Bad recipient "
			"address syntax");
		ck_assert_str_eq(made_decide(&m, &mail),
			"reject: mail=fail(more than 16 readings of the address) 553 5.1.7 Bad sender "
			"address syntax");
		write_nested(text, 480);
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &rcpt), "553"));
	}
END_TEST

/* Set the largest number of local domains. */
static void set_most_domains(char domains[32 * sizeof("d00.example") + 1])
{
	char *end = domains;

	for (int i = 0; i < 32; i++)
		end += sprintf(end, "d%d.example", i) + 1;
	*end = '\0';
	m.settings->local_domains = domains;
}

#define MANY(what, code) what "=fail(more than 70 addresses to look up) 553 5.1." code
static const struct {
	const char *address;
	bool is_refused;
} bounded[] = {
	{ "bob", false },
	{ "bob@localhost", false },
	{ "bob@[192.0.2.1]", false },
	{ "bob@web1", false }, /* twice at each domain */
	{ "bob+x@web1", false },
	{ "bob@mx.d31.example", false },
	{ "x%bob@d0.example", false },
	{ "\"a b\"@web1", false },
	{ "bob%localhost@localhost", false },
	{ "bob%a%b@localhost", true },
	{ "bob%x0%x1%x2%x3%x4%x5%x6%x7%x8%x9%x10%x11%x12%x13%x14@localhost", true },
	{ "x!y!z!bob@d0.example", true },
};
START_TEST(an_address_with_too_many_lookups_is_refused_even_if_nothing_is_listed)
	{
		struct asked rcpt = { STAGE_RCPT, .rcpt = bounded[_i].address,
			.mta = "mx.d31.example" };
		struct asked mail = { STAGE_MAIL, .mail = bounded[_i].address,
			.mta = "mx.d31.example" };
		char domains[32 * sizeof("d00.example") + 1];

		set_most_domains(domains);
		made_build(&m);
		assert_text(made_decide(&m, &rcpt),
			bounded[_i].is_refused ? "reject: " MANY("rcpt", "3") : "accept");
		assert_text(made_decide(&m, &mail),
			bounded[_i].is_refused ? "reject: " MANY("mail", "7") : "accept");
	}
END_TEST

/* Postfix tells how it completes an address: at its own name, or at $myorigin. */
static const char *const completed[][2] = { { "bob@mx", "bob@mx.d31.example" },
	{ "bob", "bob@d0.example" }, { "J\u00d6RG", "J\u00d6RG@d0.example" } };
START_TEST(an_address_that_the_mta_completes_has_few_lookups)
	{
		const struct asked rcpt = { STAGE_RCPT, .rcpt = completed[_i][0],
			.mta = "mx.d31.example", .resolved = completed[_i][1] };
		char domains[32 * sizeof("d00.example") + 1];

		set_most_domains(domains);
		assert_decided_by(NULL, &rcpt);
	}
END_TEST

/* With few domains, the number of readings decides. */
START_TEST(few_domains_leave_room_for_many_readings)
	{
		const struct asked rcpt = { STAGE_RCPT,
			.rcpt = "bob%x0%x1%x2%x3%x4%x5%x6%x7%x8%x9%x10@localhost" };

		m.settings->local_domains = "corp.example\0";
		made_list(&m, LIST_RCPT_DENY, "bob@corp.example");
		assert_decided_by("rcpt=fail(rcpt_to.access.blacklist:1)", &rcpt);
	}
END_TEST

/* The domain of the MTA's host name is likely to be one of its own. */
static const struct {
	const char *address;
	bool is_denied;
} at_host_domain[] = {
	{ "all", true },
	{ "ALL@localhost", true },
	{ "all@mx", true },
	{ "all@[192.0.2.1]", true },
	{ "all@mx.corp.example", true },
	{ "all%corp.example@localhost", true },
	{ "bob", false },
	{ "all@x.example", false },
	{ "Postmaster", false }, /* RFC 5321, 4.5.1 */
	{ "postmaster@mx.corp.example", true },
};
START_TEST(without_local_domains_a_regex_is_applied_at_the_domain_of_the_host)
	{
		const struct asked rcpt = { STAGE_RCPT, .rcpt = at_host_domain[_i].address,
			.mta = "mx.corp.example" };

		m.settings->local_domains = "";
		made_list(&m, LIST_RCPT_DENY_RE, "(all|postmaster)@corp\\.example");
		assert_decided_by(at_host_domain[_i].is_denied ?
				"rcpt=fail(rcpt_to.access.blacklist_regex:1)" :
				NULL,
			&rcpt);
	}
END_TEST

/* With `warn`, the message passes, and the rest of the lookups is not made. */
START_TEST(a_warning_makes_no_further_lookups)
	{
		const struct asked rcpt = { STAGE_RCPT,
			.rcpt = "bob%x0%x1%x2%x3%x4%x5%x6%x7%x8%x9@localhost" };
		char domains[32 * sizeof("d00.example") + 1];

		set_most_domains(domains);
		m.services[0].mode[CHECK_RCPT] = m.services[0].mode[CHECK_ANY] = MODE_WARN;
		made_list(&m, LIST_RCPT_DENY, "bob@d31.example");
		made_build(&m);
		assert_text(made_decide(&m, &rcpt), "accept: rcpt=would-reject(more than 70");
		ck_assert_ptr_null(strstr(m.text, "blacklist"));
	}
END_TEST

/* Postfix folds the case of its own domains and of a recipient's. */
#define NAMED(line) "rcpt=fail(rcpt_to.access.blacklist:" line ")"
static const struct {
	const char *address, *rule;
} folded[] = {
	{ "all@stra\u00dfe.example", NAMED("1") }, { "all@strasse.example", NAMED("1") },
	{ "ALL+x@Strasse.Example.", NAMED("1") }, { "all@STRA\u1e9eE.example", NAMED("1") },
	{ "all%strasse.example@localhost", NAMED("1") }, { "\"all\"@strasse.example", NAMED("1") },
	{ "all@\u03c3\u03b1\u03c2.example", NAMED("2") },
	{ "ALL@\u03a3\u0391\u03a3.EXAMPLE", NAMED("2") },
	{ "all@\u03c3\u03b1\u03c3.example", NAMED("2") },
	{ "all@xn--mxa9ab.example", NAMED("2") }, /* the same as an A-label */
	{ "two@ss\u00df.example", NAMED("3") }, { "two@ssss.example", NAMED("3") },
	{ "trap1@strasse.example", "rcpt=fail(rcpt_to.access.blacklist_regex:1)" },
	{ "solo@strasse.example", "any=fail(access.domains:1)" }, { "bob@strasse.example", NULL },
	{ "boss@strasse.example", NULL },			   /* allowed as it is written */
	{ "other@strasse.example", "any=fail(access.domains:2)" }, /* allowed at the other only */
	{ "all@strase.example", NULL }, { "all@sub.strasse.example", NULL },
	{ "all@gasse.example", NULL }, /* ga\u00dfe.example is none of the MTA's */
};
START_TEST(a_recipient_at_the_folded_form_of_an_own_domain_is_looked_up_there)
	{
		const struct asked asked = { STAGE_RCPT, .rcpt = folded[_i].address };
		char domains[4 * DOMAIN_SIZE];
		static const char *const names[] = { "corp.example", "stra\u00dfe.example",
			"\u03c3\u03b1\u03c2.example", "\u00df\u00df.example" };
		size_t end = 0;

		for (int i = 0; i < 4; i++)
			end += (size_t)domain_canon(names[i], strlen(names[i]), domains + end) + 1;
		domains[end] = '\0';
		m.settings->local_domains = domains;
		m.settings->list_delimiter = "+";
		made_list(&m, LIST_RCPT_ALLOW, "boss@strasse.example\nother@stra\u00dfe.example");
		made_list(&m, LIST_RCPT_DENY,
			"all@stra\u00dfe.example\nall@\u03c3\u03b1\u03c2.example\n"
			"two@\u00df\u00df.example\nall@ga\u00dfe.example");
		made_list(&m, LIST_RCPT_DENY_RE, "trap[0-9]@xn--strae-oqa\\.example");
		made_list(&m, LIST_DOMAINS, "solo@stra\u00dfe.example\nother@strasse.example");
		assert_decided_by(folded[_i].rule, &asked);
	}
END_TEST

/* A sender is not: Postfix does not rewrite it. */
START_TEST(a_sender_at_the_folded_form_of_an_own_domain_is_another_one)
	{
		const struct asked asked = { STAGE_MAIL, .mail = "all@strasse.example" };

		m.settings->local_domains = "xn--strae-oqa.example\0";
		made_list(&m, LIST_MAIL_DENY, "@stra\u00dfe.example");
		assert_decided_by(NULL, &asked);
	}
END_TEST

START_TEST(what_nothing_allows_is_unlisted_however_its_readings_are_marked)
	{
		const struct facts facts = { .service = NULL };
		struct address_readings readings;
		struct mail_address address;
		struct finding finding = { .rule = "" };
		struct verdict verdict;
		struct check_env env;
		struct check_run run;
		uint32_t line = 77;

		made_build(&m);
		env = (struct check_env){ .policy = m.policy, .scratch = m.scratch };
		run = check_run_begin(&env, &facts, &verdict);
		ck_assert_int_eq(address_parse("<bob@x.example>", 15, &address), 0);
		ck_assert(address_readings_find(&address, &readings));
		readings.certain = 0; /* the MTA may deliver none of them */
		ck_assert_int_eq(lookup_any_domain(&run, &readings, true, &line), ANY_UNLISTED);
		ck_assert_uint_eq(line, 77);
		ck_assert_int_eq(lookup_all_readings(&run, LIST_RCPT_ALLOW, LIST_RCPT_DENY,
					 &readings, &finding),
			LIST_NO);
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
	tcase_add_test(tcase,
		an_address_with_too_many_readings_is_refused_even_if_nothing_is_listed);
	tcase_add_loop_test(tcase,
		an_address_with_too_many_lookups_is_refused_even_if_nothing_is_listed, 0,
		ROWS(bounded));
	tcase_add_loop_test(tcase,
		without_local_domains_a_regex_is_applied_at_the_domain_of_the_host, 0,
		ROWS(at_host_domain));
	tcase_add_loop_test(tcase, an_address_that_the_mta_completes_has_few_lookups, 0,
		ROWS(completed));
	tcase_add_test(tcase, few_domains_leave_room_for_many_readings);
	tcase_add_test(tcase, a_warning_makes_no_further_lookups);
	tcase_add_loop_test(tcase,
		a_recipient_at_the_folded_form_of_an_own_domain_is_looked_up_there, 0,
		ROWS(folded));
	tcase_add_test(tcase, a_sender_at_the_folded_form_of_an_own_domain_is_another_one);
	tcase_add_test(tcase, what_nothing_allows_is_unlisted_however_its_readings_are_marked);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
