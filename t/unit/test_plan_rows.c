/*
 * Shows which plans of PostgreSQL give each row of a query's result from one row of one table, and
 * the reasons that are given for all others.
 */
#include "milter/pg/plan_rows.h"

#include <string.h>

#include "t/unit/unit.h"

#define NODE(type, rest) "{\"Node Type\": \"" type "\"" rest "}"
#define SCAN(type, rest) NODE(type, ", \"Schema\": \"haraka\", \"Relation Name\": \"users\"" rest)
#define OVER(type, child) NODE(type, ", \"Plans\": [" child "]")
#define BY_ID "(users.id = ANY ('{}'::integer[]))"

static const struct {
	const char *plan;
	const char *why; /* NULL: its rows are those of one table */
	bool finds_id;
} plans[] = {
	{ SCAN("Seq Scan", ""), NULL, false },
	{ SCAN("Seq Scan", ", \"Filter\": \"users.enabled\""), NULL, false },
	{ SCAN("Index Scan", ", \"Index Cond\": \"" BY_ID "\""), NULL, true },
	{ SCAN("Index Scan", ", \"Index Cond\": \"((users.id)::text = ANY ('{}'::text[]))\""), NULL,
		true },
	{ SCAN("Index Scan", ", \"Index Cond\": \"(users.uid = ANY ('{}'::integer[]))\""), NULL,
		false },
	{ SCAN("Index Scan", ", \"Filter\": \"" BY_ID "\""), NULL, false },
	{ SCAN("Bitmap Heap Scan",
		  ", \"Plans\": [" NODE("Bitmap Index Scan",
			  ", \"Index Cond\": \"" BY_ID "\"") "]"),
		NULL, true },
	{ OVER("Sort", SCAN("Seq Scan", "")), NULL, false },
	{ OVER("Gather Merge", OVER("Sort", SCAN("Seq Scan", ""))), NULL, false },
	{ OVER("Subquery Scan", SCAN("Seq Scan", "")), NULL, false },
	{ OVER("Limit", SCAN("Seq Scan", "")), "its plan has a node \"Limit\"", false },
	{ OVER("Unique", OVER("Sort", SCAN("Seq Scan", ""))), "a node \"Unique\"", false },
	{ OVER("Aggregate", SCAN("Seq Scan", "")), "a node \"Aggregate\"", false },
	{ OVER("WindowAgg", SCAN("Seq Scan", "")), "a node \"WindowAgg\"", false },
	{ OVER("SetOp", SCAN("Seq Scan", "")), "a node \"SetOp\"", false },
	{ OVER("ProjectSet", SCAN("Seq Scan", "")), "a node \"ProjectSet\"", false },
	{ OVER("Append", SCAN("Seq Scan", "") ", " SCAN("Seq Scan", "")), "a node \"Append\"",
		false },
	{ OVER("Something New", SCAN("Seq Scan", "")), "a node \"Something New\"", false },
	{ SCAN("Sample Scan", ""), "a node \"Sample Scan\"", false },
	{ SCAN("Seq Scan", ", \"Plans\": [" SCAN("Seq Scan", "") "]"),
		"it reads more than one relation", false },
	{ SCAN("Seq Scan",
		  ", \"Plans\": [" NODE("Seq Scan", ", \"Parent Relationship\": \"SubPlan\"") "]"),
		"its plan has a subquery of its own", false },
	{ SCAN("Seq Scan",
		  ", \"Plans\": [" NODE("Seq Scan", ", \"Parent Relationship\": \"InitPlan\"") "]"),
		"its plan has a subquery of its own", false },
	{ NODE("Result", ""), "a node \"Result\"", false },
	{ NODE("Sort", ""), "it reads no relation", false },
	{ "{}", "a node \"\"", false },
};
START_TEST(judges_plans)
	{
		struct plan_rows rows = { .finds_id = false };
		struct errmsg err = { "" };
		char text[1024] = "[{\"Plan\": ";
		int ret;

		strcat(text, plans[_i].plan);
		strcat(text, "}]");
		ret = plan_rows_parse(text, &rows, &err);
		if (plans[_i].why == NULL) {
			ck_assert_msg(ret == 0, "%s", err.text);
			ck_assert_str_eq(rows.schema, "haraka");
			ck_assert_str_eq(rows.relation, "users");
		} else {
			ck_assert_int_eq(ret, -1);
			ck_assert_msg(strstr(err.text, plans[_i].why) != NULL, "%s", err.text);
		}
		ck_assert_int_eq(rows.finds_id, plans[_i].finds_id);
	}
END_TEST

static const char *const none[] = { "", "no JSON", "[]", "[{}]", "[{\"Plan\": 1}]", "{}" };
START_TEST(refuses_what_is_no_plan)
	{
		struct plan_rows rows;
		struct errmsg err;

		ck_assert_int_eq(plan_rows_parse(none[_i], &rows, &err), -1);
		ck_assert_str_eq(err.text, "EXPLAIN printed no plan");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("plan_rows");
	TCase *tcase = tcase_create("plan_rows");

	tcase_add_loop_test(tcase, judges_plans, 0, (int)(sizeof(plans) / sizeof(*plans)));
	tcase_add_loop_test(tcase, refuses_what_is_no_plan, 0, (int)(sizeof(none) / sizeof(*none)));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
