/*
 * Shows at which addresses recipients and senders are counted: at those to which the MTA may
 * deliver, so that no spelling of a mailbox has a count of its own.
 */
#include <string.h>

#include "lib/match/orgdomain.h"
#include "t/unit/lib/made_limits.h"
#include "t/unit/unit.h"

static struct made_limits t;

static void setup(void)
{
	made_limits_begin(&t);
}

static void teardown(void)
{
	made_limits_end(&t);
}

/* Each recipient counts at every address to which an MTA may deliver it. */
static const struct {
	const char *first, *second, *resolved;
	bool is_same;
} delivered[] = {
	{ "<box@corp.example>", "<box@corp.example>", NULL, true },
	{ "<box@corp.example>", "<other@corp.example>", NULL, false },
	{ "<box@corp.example>", "<box%corp.example@x.example>", NULL, true },
	/* An MTA that does not route finds the extension. */
	{ "<box@corp.example>", "<box+%r1.example@corp.example>", NULL, true },
	{ "<box+x%r1.example@corp.example>", "<box+x%r2.example@corp.example>", NULL, true },
	{ "<box+r1!x@corp.example>", "<box+r2!x@corp.example>", NULL, true },
	{ "<\"box+x@r1.example\"@corp.example>", "<\"box+x@r2.example\"@corp.example>", NULL,
		true },
	{ "<box@corp.example>", "<localhost!corp.example!box+%r1.example@x.example>", NULL, true },
	{ "<box@corp.example>", "<box+%r1.example%corp.example@localhost>", NULL, true },
	{ "<box%r1.example@corp.example>", "<box%r2.example@corp.example>", NULL, false },
	{ "<box@corp.example>", "<box%r1.example@corp.example>", NULL, false },
	/* Both orders of % and !. */
	{ "<a@corp.example>", "<r1.example!a%corp.example@x.example>", NULL, true },
	{ "<a@r1.example>", "<r1.example!a%corp.example@x.example>", NULL, true },
	/* Postfix folds the case of a domain. */
	{ "<box@busse.example>", "<box@bu\u00dfe.example>", NULL, true },
	{ "<box@xn--bue-6ka.example>", "<box@bu\u00dfe.example>", NULL, true },
	{ "<box@xn--bue-6ka.example>", "<box@busse.example>", NULL, false },
	{ "<box@corp.example>", "<box@corp.example.uucp>", NULL, true },
	/* Sendmail resolves it. */
	{ "<box@corp.example>", "<box@r1.example>", "box", true },
	{ "<box@corp.example>", "<box+x@r1.example>", "box+x", true },
	{ "<box@corp.example>", "<\"bo\\x\"@r1.example>", "bo\\x", true },
	{ "<box@corp.example>", "<box+x!@r1.example>", "box+x!", true },
	{ "<box@corp.example>", "<info@r1.example>", "box", false },
};
START_TEST(a_recipient_counts_at_each_address_to_which_it_may_be_delivered)
	{
		struct mail_address resolved;

		t.made.settings->local_domains = "corp.example\0";
		t.made.settings->list_delimiter = "+";
		made_limits_rate(&t, RATE_RCPT, "default", "1/5m");
		made_limits_have(&t, NULL);
		ck_assert_ptr_nonnull(
			strstr(made_limits_rcpt(&t, delivered[_i].first), "accept; rates=pass("));
		if (delivered[_i].resolved != NULL) {
			ck_assert(address_parse_internal(delivered[_i].resolved, &resolved));
			t.facts.resolved = &resolved;
		}
		ck_assert_msg((strstr(made_limits_rcpt(&t, delivered[_i].second),
				       "fail([limit rate_rcpt] default)") != NULL) ==
				delivered[_i].is_same,
			"%s", t.text);
	}
END_TEST

START_TEST(a_sender_counts_at_each_address_from_which_it_may_be_sent)
	{
		t.made.settings->list_delimiter = "+";
		made_limits_rate(&t, RATE_RCPT_SENDER, "default", "1/5m");
		made_limits_have(&t, NULL);
		made_limits_sender(&t, "<bob+x%r1.example@corp.example>");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<a@x.example>"), "accept"));
		made_limits_sender(&t, "<bob+x%r2.example@corp.example>");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<a@x.example>"),
			"fail([limit rate_rcpt_sender] default)"));
	}
END_TEST

START_TEST(a_recipient_with_too_many_addresses_to_count_is_refused)
	{
		t.made.settings->list_delimiter = "+";
		made_limits_rate(&t, RATE_RCPT, "default", "1/5m");
		made_limits_have(&t, NULL);
		ck_assert_ptr_nonnull(
			strstr(made_limits_rcpt(&t,
				       "<box+%a.example%b.example%c.example@d.example>"),
				"accept"));
		ck_assert_str_eq(
			made_limits_rcpt(&t,
				"<box+%a.example%b.example%c.example%d.example@e.example>"),
			"reject 553 5.1.3 Bad recipient address syntax; "
			"rates=fail(more than 4 readings of the address to count)");
	}
END_TEST

START_TEST(a_sender_with_too_many_addresses_to_count_is_refused)
	{
		t.made.settings->list_delimiter = "+";
		made_limits_rate(&t, RATE_RCPT_SENDER, "default", "1/5m");
		made_limits_have(&t, NULL);
		made_limits_sender(&t, "<box+%a.example%b.example%c.example%d.example@e.example>");
		ck_assert_str_eq(made_limits_rcpt(&t, "<a@x.example>"),
			"reject 553 5.1.7 Bad sender address syntax; "
			"rates=fail(more than 4 readings of the address to count)");
	}
END_TEST

/* Senders that Postfix may send as the null sender count as it, too. */
static const struct {
	const char *sender;
	bool is_null;
} null_senders[] = {
	{ "<>", true },
	{ "<\"\">", true },
	{ "<mailer-daemon>", true },
	{ "<MAILER-DAEMON@corp.example>", true },
	{ "<\"mailer-daemon\"@localhost>", true },
	{ "<\"\\\\mailer-daemon\">", true },
	{ "<\"\"@corp.example>", true },
	{ "<mailer-daemon%corp.example@localhost>", true },
	{ "<mailer-daemon+x@corp.example>", false },
	{ "<a@corp.example>", false },
	{ "<bob>", false },
	{ "<mailer-daemons@corp.example>", false },
};
START_TEST(a_sender_that_may_become_the_null_sender_counts_as_it)
	{
		const char *sender = null_senders[_i].sender;

		made_limits_rate(&t, RATE_RCPT_NULL, "default", "1/5m");
		made_limits_have(&t, NULL);
		made_limits_sender(&t, "<>");
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<z@example.net>"), "accept"));
		made_limits_sender(&t, sender);
		ck_assert_msg((strstr(made_limits_rcpt(&t, "<z@example.net>"),
				       "fail([limit rate_rcpt_null] default") != NULL) ==
				null_senders[_i].is_null,
			"%s", sender);
	}
END_TEST

#define SHARP "corp.example\0xn--strae-oqa.example\0"
/* Recipients of one mailbox share one count, however they are written. */
static const struct {
	const char *local_domains, *first, *second;
	bool same;
} counted[] = {
	{ "", "<bob+x@corp.example>", "<bob+y@corp.example>", true },
	{ "", "<bob@corp.example>", "<Bob+y@corp.example>", true },
	{ "", "<bob@corp.example>", "<bob-y@corp.example>", false },
	{ "", "<bob@corp.example>", "<bob%corp.example@localhost>", true },
	{ "", "<bob@corp.example>", "<corp.example!bob+x@b.example>", true },
	{ "", "<bob@corp.example>", "<\"bob@corp.example\"@b.example>", true },
	{ "", "<bob@corp.example>", "<b.example!bob%corp.example@c.example>", true },
	{ "", "<x..y@corp.example>", "<\"x..y\"@corp.example>", true },
	{ "", "<j\u00f6rg@corp.example>", "<J\u00d6RG+x@corp.example>", true },
	{ "", "<sales@corp.example>", "<\u017fales@corp.example>", true },
	/* Without the extension, there is something to undo. */
	{ "", "<\"\\\"bob\\\"+x\"@corp.example>", "<\"\\\"bob\\\"+y\"@corp.example>", true },
	{ "", "<bob@x.example+%!y@corp.example>", "<bob@x.example+%!z@corp.example>", true },
	{ "", "<bob>", "<bob@localhost>", true },
	{ "", "<bob@[192.0.2.1]>", "<bob+x@[192.0.2.2]>", true },
	{ "", "<bob>", "<bob@corp.example>", false },
	{ "", "<bob>", "<al@localhost>", false },
	{ "corp.example\0b.example\0", "<bob@corp.example>", "<bob>", true },
	{ "corp.example\0b.example\0", "<bob@corp.example>", "<bob+x%mx@b.example>", true },
	{ "corp.example\0b.example\0", "<bob@corp.example>", "<bob@b.example>", true },
	{ "corp.example\0b.example\0c.example\0", "<bob@c.example>", "<Bob+x@b.example>", true },
	{ "corp.example\0b.example\0", "<bob@b.example>", "<bob@localhost>", true },
	{ "corp.example\0b.example\0", "<x..y@corp.example>", "<\"x..y\"@b.example>", true },
	{ "corp.example\0b.example\0", "<bob@b.example>", "<al@corp.example>", false },
	{ "corp.example\0b.example\0", "<bob@corp.example>", "<bob@c.example>", false },
	{ "corp.example\0b.example\0", "<bob@b.example>", "<bob@x.b.example>", false },
	/* The MTA's own name. */
	{ "corp.example\0", "<bob@corp.example>", "<bob@mx.x.example>", true },
	{ "corp.example\0b.example\0", "<bob@b.example>", "<bob+x%mx.x.example@b.example>", true },
	{ "", "<bob>", "<bob@mx.x.example>", true },
	/* Postfix takes both for the same domain. */
	{ SHARP, "<bob@stra\u00dfe.example>", "<bob@strasse.example>", true },
	{ SHARP, "<bob@strasse.example>", "<bob+x@xn--strae-oqa.example>", true },
	{ SHARP, "<bob@corp.example>", "<Bob@STRASSE.example>", true },
	{ SHARP, "<bob@strasse.example>", "<bob%strasse.example@localhost>", true },
	{ SHARP, "<bob@strasse.example>", "<bob>", true },
	{ SHARP, "<bob@corp.example>", "<al@strasse.example>", false },
	{ SHARP, "<bob@corp.example>", "<bob@gasse.example>", false },
	{ "corp.example\0", "<bob@xn--strae-oqa.example>", "<bob@strasse.example>", false },
	{ "", "<bob@corp.example>", "<bob@mx.x.example>", false },
	{ "", "<bob@corp.example>", "<bob%b.example@corp.example>", false },
};
START_TEST(a_mailbox_has_one_count)
	{
		const char *second = counted[_i].same ? "tempfail 450" : "accept";

		t.made.settings->local_domains = counted[_i].local_domains;
		made_limits_rate(&t, RATE_RCPT, "default", "1/1h");
		made_limits_have(&t, NULL);
		t.facts.login = NULL;
		t.facts.mta_name = "mx.x.example";
		ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, counted[_i].first), "accept"));
		ck_assert_msg(strstr(made_limits_rcpt(&t, counted[_i].second), second) != NULL,
			"%s", t.text);
	}
END_TEST

/* MTAs may deliver such a recipient to bob, so that each form would have a count of its own. */
static const enum check_mode milder[] = { MODE_NO, MODE_WARN };
START_TEST(a_recipient_that_is_only_counted_must_be_clear)
	{
		static const char *const odd[] = { "<bob(x)@corp.example>",
			"<\"bob@corp.example\\\"\"@b.example>",
			"<bob%a%b%c%d%e%f%g%h%i%j%k%l%m%n%o%p%q@corp.example>" };

		t.made.services[0].mode[CHECK_RCPT] = milder[_i];
		t.made.services[0].mode[CHECK_ANY] = milder[_i];
		made_limits_rate(&t, RATE_RCPT, "default", "1/1h");
		made_limits_have(&t, NULL);
		t.facts.login = NULL;
		for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
			ck_assert_msg(strstr(made_limits_rcpt(&t, odd[i]),
					      "reject 553 5.1.3 Bad recipient address syntax") !=
					NULL,
				"%s: %s", odd[i], t.text);
		ck_assert_ptr_nonnull(
			strstr(made_limits_rcpt(&t, "<no%reply@b.example>"), "accept"));
	}
END_TEST

/* The same of senders; the last limit does not count them. */
static const struct {
	enum rate rate;
	const char *sender;
	bool is_refused;
} odd_senders[] = {
	{ RATE_RCPT_SENDER, "<bob(x)@b.example>", true },
	{ RATE_RCPT_SENDER, "<bob@b.example(x)>", true },
	{ RATE_RCPT_SENDER, "<bob%a%b%c%d%e%f%g%h%i%j%k%l%m%n%o%p%q@b.example>", true },
	{ RATE_RCPT_NULL, "<()>", true },
	{ RATE_RCPT_SENDER, "<>", false },
	{ RATE_RCPT_NULL, "<>", false },
	{ RATE_RCPT_SENDER, "<no%reply@b.example>", false },
	{ RATE_RCPT, "<bob(x)@b.example>", false },
};
START_TEST(a_sender_that_is_only_counted_must_be_clear)
	{
		const struct asked asked = { STAGE_MAIL, .mail = odd_senders[_i].sender };
		const char *got;

		for (size_t i = 0; i < 2; i++) {
			t.made.services[0].mode[CHECK_MAIL] = milder[i];
			t.made.services[0].mode[CHECK_ANY] = milder[i];
			if (i == 0) {
				made_limits_rate(&t, odd_senders[_i].rate, "default", "1/1h");
				made_limits_have(&t, NULL);
			}
			got = made_decide(&t.made, &asked);
			ck_assert_msg(strncmp(got, odd_senders[_i].is_refused ? "reject" : "accept",
					      6) == 0,
				"%s: %s", asked.mail, got);
		}
	}
END_TEST

START_TEST(a_sender_with_extensions_has_one_count)
	{
		static const char *const addresses[] = { "<bob@example.com>", "<bob+1@example.com>",
			"<\"bob+2@example.com\"@x.example>" };

		made_limits_rate(&t, RATE_RCPT_SENDER, "default", "2/1h");
		made_limits_have(&t, NULL);
		for (size_t i = 0; i < 3; i++) {
			made_limits_sender(&t, addresses[i]);
			ck_assert_ptr_nonnull(strstr(made_limits_rcpt(&t, "<x@example.org>"),
				i < 2 ? "accept" : "tempfail 450"));
		}
	}
END_TEST

/* The key of a limit, and what is reported because it never applies. */
static const struct {
	const char *key, *local_domains, *want;
} rate_keys[] = {
	{ "bob@localhost", "corp.example\0mx.corp.example\0",
		"bob@localhost: never applies, because this address is counted as "
		"bob@corp.example; write that" },
	{ "bob@[127.0.0.1]", "corp.example\0", "bob@[127.0.0.1]: never" },
	{ "bob+x@mx", "corp.example\0", "bob+x@mx: never" },
	{ "bob@localhost", "", "as bob at the MTA's host name" },
	{ "localhost", "corp.example\0",
		"localhost: never applies, because addresses at this domain are counted at "
		"corp.example" },
	{ "localhost", "", "counted at the MTA's host name" },
	{ "bob%corp.example@localhost", "corp.example\0", "as bob@corp.example" },
	{ "no%reply@example.com", "corp.example\0", "as no@corp.example" },
	{ "strasse.example", "corp.example\0xn--strae-oqa.example\0",
		"counted at xn--strae-oqa.example" },
	{ "bob@localhost", "localhost\0", NULL },
	{ "localhost", "localhost\0corp.example\0", NULL },
	{ "mx", "corp.example\0", NULL }, /* a top-level domain */
	{ "default", "corp.example\0", NULL },
	{ "bob@corp.example", "corp.example\0", NULL },
	{ "bob@mx.corp.example", "corp.example\0mx.corp.example\0", NULL },
	{ "bob@mx.corp.example", "", NULL },
	{ "bob+x@corp.example", "corp.example\0", NULL },
	{ "bob+x%y@virtual.example", "corp.example\0", NULL },
	{ "\u017fales@corp.example", "corp.example\0", NULL },
	{ "\"a b\"@example.com", "corp.example\0", NULL },
	{ "corp.example", "", NULL },
	{ "mx.corp.example", "corp.example\0mx.corp.example\0", NULL },
	{ "max", "corp.example\0",
		"[limit rate_rcpt] max: applies only to a top-level domain of this name; for all "
		"others, write default" },
	{ "All", "", "[limit rate_rcpt] all: applies only to a top-level domain of this name" },
	{ "com", "corp.example\0", NULL },
};
/* Words that probably mean "default", or some clients. */
static const struct {
	enum rate rate;
	const char *key, *limit;
	bool is_reported;
} words[] = {
	{ RATE_CONN, "max", "5/1m", true },
	{ RATE_CONN, "any", "5/1m", true },
	{ RATE_RCPT_HOST, "others", "5/1m", true },
	{ RATE_RCPT_NULL, "all", "5/1m", true },
	{ RATE_CONCURRENCY, "all", "5", true },
	{ RATE_CONCURRENCY, "max", "5", false },
	{ RATE_RECIPIENTS, "max", "5", false },
	{ RATE_CONN, "default", "5/1m", false },
	{ RATE_CONN, "max.example", "5/1m", false },
	{ RATE_CONN, "de", "5/1m", false },
	{ RATE_CONN, "unknown", "5/1m", true }, /* clients without a name, in Postfix */
	{ RATE_CONCURRENCY, "Local", "5", true },
	{ RATE_RCPT, "unknown", "5/1m", false },
};
START_TEST(a_word_that_looks_like_default_is_reported)
	{
		struct problems *problems = problems_new();

		t.made.settings->local_domains = "corp.example\0";
		made_limits_rate(&t, words[_i].rate, words[_i].key, words[_i].limit);
		check_rate_keys(t.made.settings, NULL, problems);
		ck_assert_uint_eq(problems_count(problems), words[_i].is_reported);
		problems_free(&problems);
	}
END_TEST

/* Keys that are one label; an address may be meant. */
static const struct {
	enum rate rate;
	const char *key, *local_domains, *want; /* want: NULL if it is not noted */
} labels[] = {
	{ RATE_RCPT, "bob", "corp.example\0",
		"[limit rate_rcpt] bob: applies to all addresses whose domain ends in this label; "
		"for the address of a user, write bob@corp.example" },
	{ RATE_RCPT_SENDER, "bob", "", "write bob@DOMAIN" },
	{ RATE_RCPT_NULL, "Bob", "corp.example\0", "[limit rate_rcpt_null] bob:" },
	{ RATE_RCPT, "com", "corp.example\0", NULL },
	{ RATE_RCPT, "mx", "corp.example\0", NULL }, /* a country */
	{ RATE_RCPT, "mail", "corp.example\0mail\0", NULL },
	{ RATE_RCPT, "bob@corp.example", "corp.example\0", NULL },
	{ RATE_RCPT, "corp.example", "corp.example\0", NULL },
	{ RATE_RCPT, "default", "corp.example\0", NULL },
	{ RATE_CONN, "bob", "corp.example\0", NULL }, /* a host */
};
START_TEST(a_label_that_may_be_meant_as_a_user_is_noted)
	{
		struct problems *problems = problems_new();
		struct orgdomain *psl;

		ck_assert_int_eq(orgdomain_default(&psl, NULL), 0);
		t.made.settings->local_domains = labels[_i].local_domains;
		made_limits_rate(&t, labels[_i].rate, labels[_i].key, "5/1m");
		check_rate_keys(t.made.settings, psl, problems);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			labels[_i].want != NULL);
		if (labels[_i].want != NULL)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				labels[_i].want));
		problems_free(&problems);
		orgdomain_unref(&psl);
	}
END_TEST

START_TEST(a_key_that_never_applies_is_reported)
	{
		struct problems *problems = problems_new();

		t.made.settings->list_delimiter = "+";
		t.made.settings->local_domains = rate_keys[_i].local_domains;
		made_limits_rate(&t, RATE_RCPT, "x@example.com", "1/1h");
		made_limits_rate(&t, RATE_RCPT, rate_keys[_i].key, "0");
		check_rate_keys(t.made.settings, NULL, problems);
		ck_assert_uint_eq(problems_count(problems), rate_keys[_i].want != NULL);
		if (rate_keys[_i].want != NULL)
			ck_assert_ptr_nonnull(
				strstr(problems_text(problems, 0), rate_keys[_i].want));
		problems_free(&problems);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_counts");
	TCase *tcase = tcase_create("check_counts");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_recipient_counts_at_each_address_to_which_it_may_be_delivered,
		0, ROWS(delivered));
	tcase_add_test(tcase, a_sender_counts_at_each_address_from_which_it_may_be_sent);
	tcase_add_test(tcase, a_recipient_with_too_many_addresses_to_count_is_refused);
	tcase_add_test(tcase, a_sender_with_too_many_addresses_to_count_is_refused);
	tcase_add_loop_test(tcase, a_sender_that_may_become_the_null_sender_counts_as_it, 0,
		ROWS(null_senders));
	tcase_add_loop_test(tcase, a_word_that_looks_like_default_is_reported, 0, ROWS(words));
	tcase_add_loop_test(tcase, a_mailbox_has_one_count, 0, ROWS(counted));
	tcase_add_loop_test(tcase, a_recipient_that_is_only_counted_must_be_clear, 0, ROWS(milder));
	tcase_add_loop_test(tcase, a_sender_that_is_only_counted_must_be_clear, 0,
		ROWS(odd_senders));
	tcase_add_test(tcase, a_sender_with_extensions_has_one_count);
	tcase_add_loop_test(tcase, a_key_that_never_applies_is_reported, 0, ROWS(rate_keys));
	tcase_add_loop_test(tcase, a_label_that_may_be_meant_as_a_user_is_noted, 0,
		(int)(sizeof(labels) / sizeof(labels[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
