/*
 * Shows what is found in plans that PostgreSQL 15 printed: the relations of views, joins, CTEs,
 * subqueries, partitions and inheritance, and the functions, operators and clocks of expressions.
 */
#include "milter/pg/plan_reads.h"

#include <stdio.h>
#include <string.h>

#include "t/unit/unit.h"

#define SCAN(name)                                                                               \
	"\"Node Type\": \"Seq Scan\", \"Relation Name\": \"" name "\", \"Schema\": \"haraka\", " \
	"\"Alias\": \"now()\""
#define SELF(more) "[{\"Plan\": {" SCAN("users") more "}}]"
#define FILTER(text) SELF(", \"Filter\": \"" text "\"")
#define PLANS(...) ", \"Plans\": [" __VA_ARGS__ "]"

/* Names are joined by a space. The query is the table's own unless it is given. */
static const struct {
	const char *name, *query, *plan;
	const char *relations, *functions, *changing;
} plans[] = {
	{ "a table", NULL,
		SELF(", \"Output\": [\"id\", \"\\\"profileId\\\"\"], \"Parallel Aware\": false"),
		"\"haraka\".\"users\"", "", "" },
	{ "a view with current_date and a subquery in its list", "SELECT * FROM people",
		SELF(", \"Output\": [\"u.id\", \"lower(u.username)\", \"$1\"], \"Filter\": "
		     "\"((u.froms IS NULL) OR (CURRENT_DATE > '2020-01-01'::date))\"" PLANS(
			     "{\"Node Type\": \"Result\", \"Subplan Name\": \"InitPlan 2 (returns $1)\"" PLANS(
				     "{\"Node Type\": \"Limit\"" PLANS(
					     "{" SCAN("profiles") "}") "}") "}")),
		"\"haraka\".\"profiles\" \"haraka\".\"users\"", "\"lower\"", "CURRENT_DATE" },
	{ "a join with a CTE and partitions",
		"WITH x AS MATERIALIZED (SELECT * FROM profiles) SELECT * FROM users JOIN x ON true",
		"[{\"Plan\": {\"Node Type\": \"Hash Join\", \"Hash Cond\": \"(u.\\\"profileId\\\" = x.id)\"" PLANS(
			"{" SCAN(
				"profiles") ", \"Subplan Name\": \"CTE x\"}, "
					    "{\"Node Type\": \"Append\"" PLANS("{" SCAN("part1") "}, {" SCAN(
						    "part2") "}") "}, "
								  "{\"Node Type\": \"CTE Scan\", \"CTE Name\": \"x\"}") "}}]",
		"\"haraka\".\"part1\" \"haraka\".\"part2\" \"haraka\".\"profiles\"", "", "" },
	{ "inheritance", NULL,
		"[{\"Plan\": {\"Node Type\": \"Append\"" PLANS(
			"{" SCAN("users") "}, {" SCAN("users_old") "}") "}}]",
		"\"haraka\".\"users\" \"haraka\".\"users_old\"", "", "" },
	{ "a SubPlan", NULL,
		FILTER("(hashed SubPlan 1)\"" PLANS("{" SCAN("banned") "}") ", \"X\": \""),
		"\"haraka\".\"banned\" \"haraka\".\"users\"", "", "" },
	{ "a materialized view, an odd name", NULL, "[{\"Plan\": {" SCAN("m \\\"x\\\"") "}}]",
		"\"haraka\".\"m \"\"x\"\"\"", "", "" },
	{ "no relation at all", NULL,
		"[{\"Plan\": {\"Node Type\": \"Result\", \"Output\": [\"1\"]}}]", "", "", "" },
	{ "a foreign table", NULL,
		"[{\"Plan\": {\"Node Type\": \"Foreign Scan\", \"Relation Name\": \"far\", \"Schema\": "
		"\"s\", \"Remote SQL\": \"SELECT now()\"}}]",
		"\"s\".\"far\"", "", "" },
	{ "a join of foreign tables", NULL,
		"[{\"Plan\": {\"Node Type\": \"Foreign Scan\", \"Relations\": "
		"\"(s.far a) INNER JOIN (s.far2 b)\"}}]",
		"", "", "a Foreign Scan of (s.far a) INNER JOIN (s.far2 b)" },
	{ "a custom scan", NULL, "[{\"Plan\": {\"Node Type\": \"Custom Scan\"}}]", "", "",
		"a Custom Scan of unknown relations" },
	{ "a set-returning function", "SELECT * FROM f()",
		"[{\"Plan\": {\"Node Type\": \"Function Scan\", \"Function Name\": \"f\", \"Schema\": "
		"\"haraka\", \"Function Call\": \"f('now'::text)\"}}]",
		"", "\"f\"", "the literal 'now'" },
	{ "a sample", NULL,
		"[{\"Plan\": {\"Node Type\": \"Sample Scan\", \"Relation Name\": \"users\", \"Schema\": "
		"\"haraka\", \"Sampling Method\": \"bernoulli\", \"Sampling Parameters\": "
		"[\"'10'::real\"]}}]",
		"\"haraka\".\"users\"", "", "TABLESAMPLE" },
	{ "functions with schemas and quotes", NULL,
		FILTER("(haraka.f(users.id) AND \\\"G x\\\"(a.b.c) AND \\\"S\\\".\\\"f\\\"(1))"),
		"\"haraka\".\"users\"", "\"G x\" \"S\".\"f\" \"haraka\".\"f\"", "" },
	{ "a function within another", NULL, FILTER("(a(b(c)) > d('e(f)'::text, \\\"g(\\\"))"),
		"\"haraka\".\"users\"", "\"a\" \"b\" \"d\"", "" },
	{ "keywords are no functions", NULL,
		FILTER("((a = ANY ('{b}'::text[])) AND (NOT (x)) AND CASE WHEN (y) THEN COALESCE(a, "
		       "GREATEST(b, c)) ELSE ROW(NULLIF(a, b)) END AND (id IN (1)))"),
		"\"haraka\".\"users\"", "", "" },
	{ "types are no functions", NULL,
		FILTER("(((a)::character varying(10))::text > (b)::numeric(10,2) AND "
		       "(c)::timestamp(0) without time zone AND (d)::haraka.t[] AND f(1) = "
		       "'1'::bit varying(3))"),
		"\"haraka\".\"users\"", "\"f\"", "" },
	{ "syntax that calls a function", NULL,
		FILTER("(EXTRACT(year FROM t) > SUBSTRING(x FROM 2))"), "\"haraka\".\"users\"",
		"\"extract\" \"substring\"", "" },
	{ "aggregates", NULL,
		SELF(", \"Output\": [\"string_agg(username, ','::text ORDER BY id) FILTER (WHERE (id > "
		     "2))\", \"count(*) OVER (?)\"]"),
		"\"haraka\".\"users\"", "\"count\" \"string_agg\"", "" },
	{ "columns that look like clocks", NULL,
		FILTER("((\\\"current_date\\\" = u.current_date) AND (u.\\\"localtime\\\" > 'the "
		       "snow'::text))"),
		"\"haraka\".\"users\"", "", "" },
	{ "clocks", NULL, FILTER("(a > LOCALTIMESTAMP AND b < CURRENT_TIMESTAMP(2))"),
		"\"haraka\".\"users\"", "\"current_timestamp\"", "LOCALTIMESTAMP" },
	{ "a literal of the query that its plan no longer contains",
		"SELECT * FROM users WHERE t > 'Today 10:00'", FILTER("(t > '2026-11-29'::date)"),
		"\"haraka\".\"users\"", "", "the literal 'Today 10:00'" },
	{ "a comment of the query", "SELECT * FROM users -- 'today' f()\n/* 'now' */", SELF(""),
		"\"haraka\".\"users\"", "", "" },
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of a set in order, joined by a space. */
static const char *joined(json_t *set)
{
	static char text[1000];
	const char *keys[20], *key;
	size_t count = 0, len = 0, i;
	json_t *value;

	json_object_foreach (set, key, value)
		keys[count++] = key;
	qsort(keys, count, sizeof(*keys), compare);
	text[0] = '\0';
	for (i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "",
			keys[i]);
	return text;
}

START_TEST(what_a_plan_reads_is_found)
	{
		const char *query =
			plans[_i].query != NULL ? plans[_i].query : "SELECT * FROM users";
		struct plan_reads reads;
		struct errmsg err;

		ck_assert_msg(plan_reads_parse(query, plans[_i].plan, &reads, &err) == 0, "%s: %s",
			plans[_i].name, err.text);
		ck_assert_str_eq(joined(reads.relations), plans[_i].relations);
		ck_assert_str_eq(joined(reads.functions), plans[_i].functions);
		ck_assert_str_eq(joined(reads.changing), plans[_i].changing);
		plan_reads_clear(&reads);
	}
END_TEST

START_TEST(a_name_keeps_its_schema)
	{
		struct plan_reads reads;
		struct errmsg err;
		json_t *pair;

		ck_assert_int_eq(plan_reads_parse("", FILTER("(s.f(1) AND g(2))"), &reads, &err),
			0);
		pair = json_object_get(reads.functions, "\"s\".\"f\"");
		ck_assert_str_eq(json_string_value(json_array_get(pair, 0)), "s");
		ck_assert_str_eq(json_string_value(json_array_get(pair, 1)), "f");
		pair = json_object_get(reads.functions, "\"g\"");
		ck_assert(json_is_null(json_array_get(pair, 0)));
		plan_reads_clear(&reads);
	}
END_TEST

START_TEST(the_words_of_the_query_and_the_operators_are_collected)
	{
		struct plan_reads reads;
		struct errmsg err;

		ck_assert_int_eq(plan_reads_parse("SELECT \"Id\" FROM Haraka.people p -- x",
					 FILTER("(a || b ~~* 'c - d')"), &reads, &err),
			0);
		ck_assert_str_eq(joined(reads.words), "Id from haraka p people select");
		ck_assert_str_eq(joined(reads.operators), "|| ~~*");
		plan_reads_clear(&reads);
		plan_reads_clear(&reads);
	}
END_TEST

static const struct {
	const char *plan, *why;
} bad[] = {
	{ "", "no JSON" },
	{ "Seq Scan on users", "no JSON" },
	{ "{}", "no plan" },
	{ "[]", "no plan" },
	{ "[{\"Plan\": {}}]", "no plan" },
	{ "[{\"Plan\": []}]", "no plan" },
	{ "[{\"Plan\": {\"Node Type\": 1}}]", "not understood" },
	{ "[{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"users\"}}]",
		"not understood" },
};

START_TEST(other_text_is_no_plan)
	{
		struct plan_reads reads;
		struct errmsg err;

		ck_assert_int_eq(plan_reads_parse("SELECT 1", bad[_i].plan, &reads, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, bad[_i].why));
		ck_assert_ptr_null(reads.relations);
		plan_reads_clear(&reads);
	}
END_TEST

START_TEST(a_deep_plan_is_read)
	{
		static char plan[60000];
		struct plan_reads reads;
		struct errmsg err;
		size_t len = 0;
		int i;

		len += (size_t)sprintf(plan + len, "[{\"Plan\": ");
		for (i = 0; i < 600; i++)
			len += (size_t)sprintf(plan + len,
				"{\"Node Type\": \"Sort\", \"Plans\": [");
		len += (size_t)sprintf(plan + len, "{" SCAN("users") "}");
		for (i = 0; i < 600; i++)
			len += (size_t)sprintf(plan + len, "]}");
		(void)sprintf(plan + len, "}]");
		ck_assert_int_eq(plan_reads_parse("SELECT 1", plan, &reads, &err), 0);
		ck_assert_str_eq(joined(reads.relations), "\"haraka\".\"users\"");
		plan_reads_clear(&reads);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("plan_reads");
	TCase *tcase = tcase_create("plan_reads");

	tcase_add_loop_test(tcase, what_a_plan_reads_is_found, 0, sizeof(plans) / sizeof(*plans));
	tcase_add_test(tcase, a_name_keeps_its_schema);
	tcase_add_test(tcase, the_words_of_the_query_and_the_operators_are_collected);
	tcase_add_loop_test(tcase, other_text_is_no_plan, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_test(tcase, a_deep_plan_is_read);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
