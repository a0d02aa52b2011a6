/*
 * Shows which texts are limits and which are errors, and how limits and waiting times are
 * formatted.
 */
#include "lib/rules/limits.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

static const struct {
	const char *text, *want; /* the limits as limit_format() writes them; NULL for an error that
				    contains why */
	const char *why;
} cases[] = {
	{ "", "", "" },
	{ "  ", "", "" },
	{ ",, ,", "", "" },
	{ "1", "1/1m", "" },
	{ "0", "0/1m", "" },
	{ "1/5m", "1/5m", "" },
	{ "1/5m,500/1d", "1/5m 500/1d", "" },
	{ " 1/5m , 500/1d ,", "1/5m 500/1d", "" },
	{ "10/90", "10/90s", "" },
	{ "10/90s", "10/90s", "" },
	{ "10/60", "10/1m", "" },
	{ "10/2h", "10/2h", "" },
	{ "10/120m", "10/2h", "" },
	{ "10/24h", "10/1d", "" },
	{ "10/7D", "10/7d", "" },
	{ "10/366d", "10/366d", "" },
	{ "1000000000/1s", "1000000000/1s", "" },
	{ "1,2,3,4,5,6,7,8", "1/1m 2/1m 3/1m 4/1m 5/1m 6/1m 7/1m 8/1m", "" },
	{ "1,2,3,4,5,6,7,8,9", NULL, "more than 8 limits" },
	{ "1000000001", NULL, "\"1000000001\" is not a limit" },
	{ "99999999999999999999999999", NULL, "is not a limit" },
	{ "10/367d", NULL,
		"\"10/367d\" is not a limit; write N/T, as in 500/1d (units s, m, h, d)" },
	{ "10/31622401", NULL, "is not a limit" },
	{ "10/99999999999999999999", NULL, "is not a limit" },
	{ "10/0", NULL, "is not a limit" },
	{ "10/0m", NULL, "is not a limit" },
	{ "10/", NULL, "is not a limit" },
	{ "10/m", NULL, "is not a limit" },
	{ "/5m", NULL, "is not a limit" },
	{ "-1", NULL, "is not a limit" },
	{ "+1", NULL, "is not a limit" },
	{ "1.5", NULL, "is not a limit" },
	{ "10/5 m", NULL, "is not a limit" },
	{ "10 /5m", NULL, "is not a limit" },
	{ "10/5w", NULL, "is not a limit" },
	{ "10/5mm", NULL, "is not a limit" },
	{ "10/1/1", NULL, "is not a limit" },
	{ "ten", NULL, "\"ten\" is not a limit" },
	{ "1/5m,x", NULL, "\"x\" is not a limit" },
};
START_TEST(parses)
	{
		struct limits limits = { .len = 77 };
		struct errmsg err = { "" };
		struct strbuf seen = STRBUF_INIT;
		const char *text = cases[_i].text;
		char one[32];
		size_t i;
		int ret = limits_parse(text, strlen(text), &limits, &err);

		ck_assert_int_eq(ret, cases[_i].want != NULL ? 0 : -1);
		ck_assert_ptr_nonnull(strstr(err.text, cases[_i].why));
		if (ret < 0) {
			ck_assert_uint_eq(limits.len, 77); /* unchanged */
			return;
		}
		strbuf_add_str(&seen, "");
		for (i = 0; i < limits.len; i++) {
			limit_format(&limits.limit[i], one);
			strbuf_addf(&seen, "%s%s", i ? " " : "", one);
		}
		ck_assert_str_eq(seen.text, cases[_i].want);
		strbuf_free(&seen);
	}
END_TEST

START_TEST(the_error_text_is_optional)
	{
		struct limits limits;

		ck_assert_int_eq(limits_parse("x", 1, &limits, NULL), -1);
	}
END_TEST

START_TEST(reads_only_len_bytes)
	{
		struct limits limits;

		ck_assert_int_eq(limits_parse("12345", 2, &limits, NULL), 0);
		ck_assert_uint_eq(limits.limit[0].count, 12);
		ck_assert_int_eq(limits_parse("1/5mx", 4, &limits, NULL), 0);
		ck_assert_uint_eq(limits.limit[0].seconds, 300);
	}
END_TEST

static const struct {
	uint64_t seconds;
	const char *want;
} waits[] = {
	{ 0, "0s" },
	{ 1, "1s" },
	{ 59, "59s" },
	{ 60, "1m" },
	{ 61, "1m1s" },
	{ 300, "5m" },
	{ 3599, "59m59s" },
	{ 3600, "1h" },
	{ 3601, "1h1m" },
	{ 11520, "3h12m" },
	{ 11521, "3h13m" },
	{ 86399, "1d" },
	{ 86400, "1d" },
	{ 86401, "1d1h" },
	{ 31622400, "366d" },
	{ UINT64_MAX, "never" },
};
START_TEST(waiting_times_are_never_too_short)
	{
		char text[32];

		wait_format(waits[_i].seconds, text);
		ck_assert_str_eq(text, waits[_i].want);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *tcase = tcase_create("limits");

	tcase_add_loop_test(tcase, parses, 0, ROWS(cases));
	tcase_add_test(tcase, the_error_text_is_optional);
	tcase_add_test(tcase, reads_only_len_bytes);
	tcase_add_loop_test(tcase, waiting_times_are_never_too_short, 0, ROWS(waits));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
