/*
 * The counts of verdicts: every stage, check and outcome of the tables is counted under its name,
 * and only once.
 */
#include "milter/shared/verdict_counts.h"

#include "t/unit/unit.h"

static json_int_t finding_at(json_t *json, enum stage stage, enum check check, enum outcome outcome)
{
	json_t *checks = json_object_get(json, stage_name(stage));

	return json_integer_value(
		json_object_get(json_object_get(checks, check_name(check)), outcome_name(outcome)));
}

static json_int_t kind_at(json_t *json, enum stage stage, enum verdict_kind kind)
{
	return json_integer_value(
		json_object_get(json_object_get(json, stage_name(stage)), verdict_name(kind)));
}

START_TEST(a_verdict_counts_once_and_so_does_each_finding)
	{
		struct verdict_counts counts;
		struct verdict verdict;
		json_t *json;

		ck_assert_int_eq(verdict_counts_init(&counts), 0);
		verdict_init(&verdict);
		verdict.kind = VERDICT_REJECT;
		verdict.count = 2;
		verdict.findings[0].check = CHECK_MAIL;
		verdict.findings[0].outcome = OUTCOME_PASS;
		verdict.findings[1].check = CHECK_SENDER;
		verdict.findings[1].outcome = OUTCOME_FAIL;
		verdict_counts_add(&counts, STAGE_MAIL, &verdict);
		verdict_counts_add(&counts, STAGE_MAIL, &verdict);
		verdict_init(&verdict);
		verdict_counts_add(&counts, STAGE_RCPT, &verdict);
		json = counters_json(counts.findings);
		ck_assert_int_eq(finding_at(json, STAGE_MAIL, CHECK_MAIL, OUTCOME_PASS), 2);
		ck_assert_int_eq(finding_at(json, STAGE_MAIL, CHECK_SENDER, OUTCOME_FAIL), 2);
		ck_assert_uint_eq(json_object_size(json), 1);
		json_decref(json);
		json = counters_json(counts.stages);
		ck_assert_int_eq(kind_at(json, STAGE_MAIL, VERDICT_REJECT), 2);
		ck_assert_int_eq(kind_at(json, STAGE_RCPT, VERDICT_CONTINUE), 1);
		json_decref(json);
		verdict_counts_clear(&counts);
	}
END_TEST

START_TEST(every_combination_of_the_tables_is_counted)
	{
		struct verdict_counts counts;
		struct verdict verdict;
		json_t *json;

		ck_assert_int_eq(verdict_counts_init(&counts), 0);
		verdict_init(&verdict);
		verdict.count = 1;
		for (int stage = 0; stage < STAGE_COUNT; stage++) {
			for (int check = 0; check < CHECK_COUNT; check++) {
				for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
					verdict.findings[0].check = (enum check)check;
					verdict.findings[0].outcome = (enum outcome)outcome;
					verdict_counts_add(&counts, (enum stage)stage, &verdict);
				}
			}
		}
		json = counters_json(counts.findings);
		for (int stage = 0; stage < STAGE_COUNT; stage++) {
			for (int check = 0; check < CHECK_COUNT; check++) {
				for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
					ck_assert_int_eq(finding_at(json, (enum stage)stage,
								 (enum check)check,
								 (enum outcome)outcome),
						1);
			}
		}
		json_decref(json);
		verdict_counts_clear(&counts);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("verdict_counts");
	TCase *tcase = tcase_create("verdict_counts");

	tcase_add_test(tcase, a_verdict_counts_once_and_so_does_each_finding);
	tcase_add_test(tcase, every_combination_of_the_tables_is_counted);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
