/*
 * Shows decision records as log lines and as JSON: the same keys, unknown values left out, long
 * ones cut.
 */
#include <string.h>

#include "milter/log/decision_record.h"
#include "milter/log/quote.h"
#include "t/unit/unit.h"

static struct decision_record refusal(const struct reply *reply)
{
	return (struct decision_record){
		.session = "S-1",
		.queue = "4QID",
		.service = "submission",
		.rdns = "mail.x.example",
		.helo = "mail x",
		.login = "bob",
		.sender = "a@b.example",
		.recipient = "c@d.example",
		.stage = "rcpt",
		.verdict = "reject",
		.check = "rcpt",
		.rule = "rcpt_to.access.blacklist:3",
		.reply = reply,
		.policy = 7,
	};
}

START_TEST(a_refusal_is_one_line_with_its_rule)
	{
		const struct reply reply = { 550, "5.7.1", "No 100% thanks" };
		struct decision_record record = refusal(&reply);
		struct strbuf line = STRBUF_INIT;

		ck_assert_int_eq(cidr_parse("192.0.2.7", &record.client, NULL), 0);
		decision_record_line(&record, &line);
		ck_assert_str_eq(line.text,
			"session=S-1 queue=4QID stage=rcpt verdict=reject check=rcpt "
			"rule=rcpt_to.access.blacklist:3 service=submission client=192.0.2.7 "
			"rdns=mail.x.example helo=\"mail x\" login=bob sender=a@b.example "
			"recipient=c@d.example policy=7 code=550 enhanced=5.7.1 "
			"text=\"No 100% thanks\"");
		strbuf_free(&line);
	}
END_TEST

START_TEST(unknown_values_are_left_out)
	{
		const struct decision_record record = {
			.session = "S-1",
			.queue = "",
			.helo = "",
			.sender = "",
			.rule = "",
			.stage = "message",
			.verdict = "accept",
			.is_message = true,
			.recipients = 2,
		};
		struct strbuf line = STRBUF_INIT;

		decision_record_line(&record, &line);
		ck_assert_str_eq(line.text,
			"session=S-1 stage=message verdict=accept client=local "
			"sender=<> recipients=2 refused=0 policy=0");
		strbuf_free(&line);
	}
END_TEST

START_TEST(an_address_that_anybody_may_have_claimed_is_no_client)
	{
		struct decision_record record = { .session = "auth",
			.stage = "auth",
			.verdict = "reject",
			.is_client_claimed = true };
		json_t *object;

		ck_assert_int_eq(cidr_parse("192.0.2.7", &record.client, NULL), 0);
		object = decision_record_json(&record, 1700000000.25);
		ck_assert_str_eq(json_string_value(json_object_get(object, "client_claimed")),
			"192.0.2.7");
		ck_assert_ptr_null(json_object_get(object, "client"));
		json_decref(object);
	}
END_TEST

START_TEST(json_has_the_same_keys_and_valid_text)
	{
		const struct reply reply = { 550, "5.7.1", "No" };
		struct decision_record record = refusal(&reply);
		json_t *object;

		record.helo = "\xff\xfe\"\x01";
		object = decision_record_json(&record, 1700000000.25);
		ck_assert_ptr_nonnull(object);
		ck_assert_str_eq(json_string_value(json_object_get(object, "helo")),
			"\\xff\\xfe\"\\x01");
		ck_assert_str_eq(json_string_value(json_object_get(object, "rule")),
			"rcpt_to.access.blacklist:3");
		ck_assert_int_eq(json_integer_value(json_object_get(object, "code")), 550);
		ck_assert_int_eq(json_integer_value(json_object_get(object, "policy")), 7);
		ck_assert(json_real_value(json_object_get(object, "time")) == 1700000000.25);
		ck_assert_ptr_null(json_object_get(object, "recipients"));
		json_decref(object);
	}
END_TEST

/* Thousands of events may wait for a follower. */
START_TEST(json_cuts_a_long_value)
	{
		char from[4 * QUOTE_MAX];
		const struct decision_record record = { .session = "1-1", .from = from };
		json_t *object;
		const char *cut;

		memset(from, 'x', sizeof(from));
		memcpy(from + QUOTE_MAX - 1, "\xc3\xa9", 2); /* across the limit */
		from[sizeof(from) - 1] = '\0';
		object = decision_record_json(&record, 0);
		cut = json_string_value(json_object_get(object, "from"));
		ck_assert_uint_eq(strlen(cut), QUOTE_MAX - 1 + 3);
		ck_assert_str_eq(cut + QUOTE_MAX - 2, "x...");
		json_decref(object);
		from[QUOTE_MAX - 1] = '\0';
		object = decision_record_json(&record, 0);
		ck_assert_str_eq(json_string_value(json_object_get(object, "from")), from);
		json_decref(object);
	}
END_TEST

START_TEST(no_value_makes_a_line_too_long_for_the_log)
	{
		char huge[70000];
		struct decision_record record = refusal(NULL);
		struct strbuf line = STRBUF_INIT;

		memset(huge, '\x01', sizeof(huge) - 1);
		huge[sizeof(huge) - 1] = '\0';
		record.helo = huge;
		decision_record_line(&record, &line);
		ck_assert_uint_lt(line.len, 3000);
		ck_assert_ptr_nonnull(strstr(line.text, "...\" login=bob"));
		strbuf_free(&line);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("decision_record");
	TCase *tcase = tcase_create("decision_record");

	tcase_add_test(tcase, a_refusal_is_one_line_with_its_rule);
	tcase_add_test(tcase, unknown_values_are_left_out);
	tcase_add_test(tcase, an_address_that_anybody_may_have_claimed_is_no_client);
	tcase_add_test(tcase, json_has_the_same_keys_and_valid_text);
	tcase_add_test(tcase, json_cuts_a_long_value);
	tcase_add_test(tcase, no_value_makes_a_line_too_long_for_the_log);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
