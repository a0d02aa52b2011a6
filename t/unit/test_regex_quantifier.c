/*
 * Shows where quantifiers of regexes begin and end, which braces are ordinary text, and which
 * quantifiers let their item be left out.
 */
#include "lib/match/regex_quantifier.h"

#include <string.h>

#include "t/unit/unit.h"

/* The bytes of the braces at the beginning of a text; 0: they are ordinary text. */
static const struct {
	const char *text;
	size_t len;
} braces[] = {
	{ "{2}", 3 },
	{ "{2}?b", 3 },
	{ "{2,}", 4 },
	{ "{2,3}c", 5 },
	{ "{007,10}", 8 },
	{ "{3,2}", 5 }, /* in the wrong order, which is for others to refuse */
	{ "{}", 0 },
	{ "{,3}", 0 },
	{ "{a}", 0 },
	{ "{2a}", 0 },
	{ "{2,a}", 0 },
	{ "{2,3", 0 },
	{ "{2,", 0 },
	{ "{2", 0 },
	{ "{", 0 },
	{ "{ 2}", 0 },
	{ "{2,3,4}", 0 },
};
START_TEST(braces_with_numbers_end_behind_the_brace)
	{
		const char *text = braces[_i].text;
		const char *end = regex_quantifier_braces_end(text, text + strlen(text));

		if (braces[_i].len == 0)
			ck_assert_ptr_null(end);
		else
			ck_assert_ptr_eq(end, text + braces[_i].len);
	}
END_TEST

START_TEST(braces_end_within_the_text)
	{
		const char *text = "{23}";

		for (size_t len = 1; len < strlen(text); len++)
			ck_assert_ptr_null(regex_quantifier_braces_end(text, text + len));
	}
END_TEST

static const struct {
	const char *text;
	bool follows;
} starts[] = {
	{ "*", true },
	{ "+b", true },
	{ "?", true },
	{ "{2}", true },
	{ "{2,}", true },
	{ "", false },
	{ "b*", false },
	{ "{b}", false },
	{ "}", false },
	{ "|", false },
};
START_TEST(a_quantifier_is_found_where_it_begins)
	{
		const char *text = starts[_i].text;

		ck_assert_int_eq(regex_quantifier_follows(text, text + strlen(text)),
			starts[_i].follows);
	}
END_TEST

static const struct {
	const char *text;
	bool is_optional, is_nothing;
} items[] = {
	{ "*", true, false },
	{ "?", true, false },
	{ "+", false, false },
	{ "{0}", true, true },
	{ "{00}", true, true },
	{ "{0,0}", true, true },
	{ "{0,00}", true, true },
	{ "{0,1}", true, false },
	{ "{0,10}", true, false },
	{ "{0,01}", true, false },
	{ "{0,}", true, false },
	{ "{1}", false, false },
	{ "{01}", false, false },
	{ "{10}", false, false },
	{ "{1,2}", false, false },
	{ "{1,}", false, false },
};
START_TEST(an_item_may_or_must_be_left_out)
	{
		ck_assert_int_eq(regex_quantifier_is_optional(items[_i].text),
			items[_i].is_optional);
		ck_assert_int_eq(regex_quantifier_is_nothing(items[_i].text), items[_i].is_nothing);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_quantifier");
	TCase *tcase = tcase_create("regex_quantifier");

	tcase_add_loop_test(tcase, braces_with_numbers_end_behind_the_brace, 0, ROWS(braces));
	tcase_add_test(tcase, braces_end_within_the_text);
	tcase_add_loop_test(tcase, a_quantifier_is_found_where_it_begins, 0, ROWS(starts));
	tcase_add_loop_test(tcase, an_item_may_or_must_be_left_out, 0, ROWS(items));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
