/*
 * Shows that answered logins are counted by protocol, mechanism and result, and that every
 * mechanism is counted under its name.
 */
#include "milter/auth/auth_counts.h"

#include "lib/auth/sasl.h"
#include "t/unit/unit.h"

static json_int_t count_at(const struct counters *counts, const char *protocol,
	const char *mechanism, const char *result)
{
	json_t *json = counters_json(counts);
	json_t *mechanisms = json_object_get(json, protocol);
	json_int_t count =
		json_integer_value(json_object_get(json_object_get(mechanisms, mechanism), result));

	json_decref(json);
	return count;
}

static const struct {
	struct login_answer answer;
	const char *result;
} results[] = {
	{ { .result = LOGIN_ACCEPTED }, "accepted" },
	{ { .result = LOGIN_ACCEPTED, .is_cached = true }, "accepted-cached" },
	{ { .result = LOGIN_REFUSED, .cause = CAUSE_CREDENTIALS }, "credentials" },
	{ { .result = LOGIN_REFUSED, .cause = CAUSE_POLICY }, "policy" },
	{ { .result = LOGIN_UNDECIDED }, "undecided" },
};

START_TEST(each_answer_is_counted_by_its_result) /* one run a row */
	{
		struct counters *counts = auth_counts_new();

		auth_counts_add(counts, AUTH_PROTOCOL_DOVECOT, "plain", &results[_i].answer);
		ck_assert_int_eq(count_at(counts, "dovecot", "PLAIN", results[_i].result), 1);
		for (int result = 0; result < AUTH_RESULTS; result++)
			ck_assert_uint_eq(auth_counts_of(counts, (enum auth_result)result),
				result == _i);
		counters_free(&counts);
	}
END_TEST

START_TEST(every_mechanism_is_counted_by_its_name)
	{
		struct counters *counts = auth_counts_new();

		for (int m = 0; m < SASL_MECHANISMS; m++)
			auth_counts_add(counts, AUTH_PROTOCOL_DOVECOT,
				sasl_name((enum sasl_mechanism)m), &results[0].answer);
		for (int m = 0; m < SASL_MECHANISMS; m++)
			ck_assert_int_eq(count_at(counts, "dovecot",
						 sasl_name((enum sasl_mechanism)m), "accepted"),
				1);
		ck_assert_int_eq(count_at(counts, "dovecot", "other", "accepted"), 0);
		counters_free(&counts);
	}
END_TEST

START_TEST(an_unknown_mechanism_counts_as_other)
	{
		struct counters *counts = auth_counts_new();

		auth_counts_add(counts, AUTH_PROTOCOL_SASLAUTHD, "smtp", &results[2].answer);
		auth_counts_add(counts, AUTH_PROTOCOL_SASLAUTHD, "", &results[2].answer);
		ck_assert_int_eq(count_at(counts, "saslauthd", "other", "credentials"), 2);
		counters_free(&counts);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_counts");
	TCase *tcase = tcase_create("auth_counts");

	tcase_add_loop_test(tcase, each_answer_is_counted_by_its_result, 0,
		sizeof(results) / sizeof(results[0]));
	tcase_add_test(tcase, every_mechanism_is_counted_by_its_name);
	tcase_add_test(tcase, an_unknown_mechanism_counts_as_other);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
