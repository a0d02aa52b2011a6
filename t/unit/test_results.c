/*
 * Shows the items of the results header, their order
 * and bounds, and how the field is folded.
 */
#include "lib/rules/results.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

static void add_finding(struct verdict *verdict, enum check check, enum outcome outcome,
	const char *rule)
{
	struct finding *finding = &verdict->findings[verdict->count++];

	*finding = (struct finding){ .check = check, .outcome = outcome };
	(void)snprintf(finding->rule, sizeof(finding->rule), "%s", rule);
}

static const struct {
	enum stage stage;
	enum check check;
	enum outcome outcome;
	const char *rule, *want;
} items[] = {
	{ STAGE_CONNECT, CHECK_CONN, OUTCOME_UNLISTED, "", "connect=unlisted" },
	{ STAGE_CONNECT, CHECK_ANY, OUTCOME_FAIL, "access.domains:1",
		"connect.any=fail(access.domains:1)" },
	{ STAGE_HELO, CHECK_HELO, OUTCOME_WARN, "helo.checks.regexps:9",
		"helo=warn(helo.checks.regexps:9)" },
	{ STAGE_MAIL, CHECK_MAIL, OUTCOME_PASS, "mail_from.access.whitelist:3",
		"mail=pass(mail_from.access.whitelist:3)" },
	{ STAGE_MAIL, CHECK_SENDER, OUTCOME_PASS, "user bob: froms[1]",
		"mail.sender=pass(user bob: froms[1])" },
	{ STAGE_MAIL, CHECK_SIZE, OUTCOME_UNLISTED, "", "mail.size=unlisted" },
	{ STAGE_RCPT, CHECK_RCPT, OUTCOME_ERROR, "x:1", "rcpt=error(x:1)" },
	{ STAGE_RCPT, CHECK_RECIPIENT, OUTCOME_PASS, "profile s: open",
		"rcpt.recipient=pass(profile s: open)" },
	{ STAGE_HEADER, CHECK_HEADER_FROM, OUTCOME_FAIL, "", "header=fail" },
	{ STAGE_HEADER, CHECK_DATA, OUTCOME_FAIL, "", "header.data=fail" },
	{ STAGE_BODY, CHECK_SIZE, OUTCOME_FAIL, "", "body=fail" },
	/* A rule may contain the name of a profile, and so any character. */
	{ STAGE_RCPT, CHECK_RECIPIENT, OUTCOME_PASS, "profile a(b)c\\d: open",
		"rcpt.recipient=pass(profile a\\(b\\)c\\\\d: open)" },
	{ STAGE_RCPT, CHECK_RECIPIENT, OUTCOME_PASS, "a; b=pass\r\nX: y\x01\xff",
		"rcpt.recipient=pass(a? b=pass??X: y?"
		"?)" },
};
START_TEST(an_item_gives_the_finding)
	{
		struct strbuf results = STRBUF_INIT;
		struct verdict verdict;

		verdict_init(&verdict);
		add_finding(&verdict, items[_i].check, items[_i].outcome, items[_i].rule);
		results_add(&results, items[_i].stage, &verdict);
		ck_assert_str_eq(results.text, items[_i].want);
		strbuf_free(&results);
	}
END_TEST

START_TEST(items_stand_in_their_order_each_once)
	{
		struct strbuf results = STRBUF_INIT;
		struct verdict verdict;

		verdict_init(&verdict);
		results_add(&results, STAGE_CONNECT, &verdict); /* without findings */
		ck_assert_uint_eq(results.len, 0);
		add_finding(&verdict, CHECK_RCPT, OUTCOME_PASS, "r:1");
		add_finding(&verdict, CHECK_ANY, OUTCOME_UNLISTED, "");
		results_add(&results, STAGE_RCPT, &verdict);
		results_add(&results, STAGE_RCPT,
			&verdict); /* a second recipient with the same finding */
		verdict.findings[0].rule[2] = '2';
		results_add(&results, STAGE_RCPT, &verdict);
		verdict_init(&verdict);
		add_finding(&verdict, CHECK_RCPT, OUTCOME_PASS,
			"r:12"); /* a prefix of another item */
		results_add(&results, STAGE_RCPT, &verdict);
		ck_assert_str_eq(results.text,
			"rcpt=pass(r:1); rcpt.any=unlisted; rcpt=pass(r:2); rcpt=pass(r:12)");
		strbuf_free(&results);
	}
END_TEST

START_TEST(items_without_room_are_replaced_by_more)
	{
		struct strbuf results = STRBUF_INIT;
		struct verdict verdict;
		char rule[40];
		int i;

		for (i = 0; i < 1000; i++) {
			verdict_init(&verdict);
			(void)snprintf(rule, sizeof(rule), "rcpt_to.access.whitelist:%d", i);
			add_finding(&verdict, CHECK_RCPT, OUTCOME_PASS, rule);
			results_add(&results, STAGE_RCPT, &verdict);
		}
		ck_assert_uint_le(results.len, RESULTS_MAX);
		ck_assert_uint_gt(results.len, RESULTS_MAX - 100);
		ck_assert_str_eq(results.text + results.len - 10, "; more=yes");
		ck_assert_ptr_eq(strstr(results.text, "more=yes"), results.text + results.len - 8);
		strbuf_free(&results);
	}
END_TEST

static const struct {
	const char *text, *want;
} hidden[] = {
	{ "", "" },
	{ "connect=unlisted", "connect=unlisted" },
	{ "mail.sender=pass(user bob: froms[1]); rcpt.limits=pass(profile s: limits) used=1/3 window=5m "
	  "next=0s; header=pass(user bob: froms[1])",
		"mail.sender=pass; rcpt.limits=pass; header=pass" },
	{ "rcpt=pass(r:1); rcpt.any=unlisted; rcpt=pass(r:2); rcpt=fail(x\\(y\\) z); more=yes",
		"rcpt=pass; rcpt.any=unlisted; rcpt=fail; more=yes" },
};
START_TEST(rules_and_usages_can_be_hidden)
	{
		struct strbuf results = STRBUF_INIT;

		strbuf_add_str(&results, hidden[_i].text);
		results_hide_rules(&results);
		ck_assert_str_eq(results.text == NULL ? "" : results.text, hidden[_i].want);
		strbuf_free(&results);
		results.failed = true;
		results_hide_rules(&results);
		ck_assert(results.failed);
		strbuf_free(&results);
	}
END_TEST

static const struct {
	const char *text;
	size_t name_len;
	const char *want;
} folds[] = {
	{ "", 17, "none" },
	{ "connect=unlisted", 17, "connect=unlisted" },
	{ "connect=unlisted; helo=unlisted", 17, "connect=unlisted; helo=unlisted" },
	{ "connect=unlisted; connect.any=unlisted; helo=unlisted; mail=unlisted", 17,
		"connect=unlisted; connect.any=unlisted; helo=unlisted;\n\tmail=unlisted" },
	{ "connect=unlisted; mail=pass(a rule so long that no line could ever hold it all, "
	  "not even by itself); rcpt=unlisted",
		17,
		"connect=unlisted;\n\tmail=pass(a rule so long that no line could ever hold it all, "
		"not even by itself);\n\trcpt=unlisted" },
};
START_TEST(the_field_is_folded_between_items)
	{
		struct strbuf results = STRBUF_INIT;
		char *folded;

		strbuf_add_str(&results, folds[_i].text);
		folded = results_fold(&results, folds[_i].name_len);
		ck_assert_str_eq(folded, folds[_i].want);
		free(folded);
		strbuf_free(&results);
	}
END_TEST

START_TEST(out_of_memory_gives_no_field)
	{
		struct strbuf results = STRBUF_INIT;

		results.failed = true;
		ck_assert_ptr_null(results_fold(&results, 10));
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("results");
	TCase *tcase = tcase_create("results");

	tcase_add_loop_test(tcase, an_item_gives_the_finding, 0, ROWS(items));
	tcase_add_test(tcase, items_stand_in_their_order_each_once);
	tcase_add_test(tcase, items_without_room_are_replaced_by_more);
	tcase_add_loop_test(tcase, rules_and_usages_can_be_hidden, 0,
		sizeof(hidden) / sizeof(hidden[0]));
	tcase_add_loop_test(tcase, the_field_is_folded_between_items, 0, ROWS(folds));
	tcase_add_test(tcase, out_of_memory_gives_no_field);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
