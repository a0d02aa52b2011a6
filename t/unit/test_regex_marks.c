/*
 * Shows which subjects have the marks of a text, and that a list does not try the regexes whose
 * marks a subject lacks.
 */
#include "lib/match/regex_marks.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "lib/match/regex_compile.h"
#include "lib/match/regexlist.h"
#include "t/unit/unit.h"

/* PCRE2's function, which this program calls in its place, and counts. */
static unsigned tried;

int pcre2_match_8(const pcre2_code *code, PCRE2_SPTR subject, PCRE2_SIZE len, PCRE2_SIZE start,
	uint32_t options, pcre2_match_data *data, pcre2_match_context *context)
{
	int (*real)(const pcre2_code *, PCRE2_SPTR, PCRE2_SIZE, PCRE2_SIZE, uint32_t,
		pcre2_match_data *, pcre2_match_context *);

	*(void **)&real = dlsym(RTLD_NEXT, "pcre2_match_8");
	tried++;
	return real(code, subject, len, start, options, data, context);
}

static struct regex_marks marks_of(const char *text)
{
	struct regex_marks marks = { 0 };

	regex_marks_add(&marks, text, strlen(text));
	return marks;
}

static const struct {
	const char *subject, *text;
	bool want;
} rows[] = {
	{ "", "", true },
	{ "a", "", true },
	{ "", "a", false },
	{ "abc", "b", true },
	{ "abc", "bc", true },
	{ "abc", "cb", false },
	{ "abc", "d", false },
	{ "a.b", "ab", false },
	{ "mail7.example.org", "7.e", true },
	{ "mail7.example.org", "17", false },
	{ "0", "p", false }, /* each letter and each digit has a bit of its own */
	{ "9", "y", false },
	{ "@", "p", false },
	{ "-", ".", false },
	{ "\xc3\xa4x", "x", true },
};

START_TEST(a_subject_has_the_marks_of_its_texts)
	{
		const struct regex_marks subject = marks_of(rows[_i].subject);
		const struct regex_marks text = marks_of(rows[_i].text);

		ck_assert_msg(regex_marks_contain(subject, text) == rows[_i].want, "%s in %s",
			rows[_i].text, rows[_i].subject);
		ck_assert(regex_marks_contain(regex_marks_both(subject, text), text));
		ck_assert(regex_marks_contain(text, regex_marks_common(subject, text)));
	}
END_TEST

#define REGEXES 100

/* A hundred regexes without a text of three characters, and one that is always tried. They are
 * skipped before they are prepared, too. */
START_TEST(a_list_tries_only_regexes_whose_marks_the_subject_has)
	{
		static const char subject[] = "mail.wx7q.example";
		struct regexlist *list = regexlist_new(true);
		struct regex_scratch *scratch = regex_scratch_new(NULL);
		char text[32];
		uint32_t value = 0;

		for (unsigned i = 0; i < REGEXES; i++) {
			(void)snprintf(text, sizeof(text), ".*%c%c[0-9]+[a-z].*", 'u' + i % 5,
				'a' + i / 5);
			ck_assert_int_eq(regexlist_add(list, text, strlen(text), i, NULL),
				REGEX_ADDED);
		}
		ck_assert_int_eq(regexlist_add(list, "[^b]*", 5, REGEXES, NULL), REGEX_ADDED);
		ck_assert_int_eq(regexlist_finish(list, NULL, NULL), 0);
		for (int i = 0; i < 2; i++) {
			tried = 0;
			ck_assert_int_eq(regexlist_match(list, scratch, subject, strlen(subject),
						 &value),
				REGEX_YES);
			ck_assert_uint_eq(value, REGEXES);
			ck_assert_uint_le(tried, 5); /* .*xa, and others with the same bits */
			ck_assert_int_eq(regexlist_match(list, scratch, "wb7q", 4, &value),
				REGEX_YES);
			ck_assert_uint_eq(value, 5 + 2);
			while (regexlist_prepare(list))
				;
		}
		regexlist_unref(&list);
		regex_scratch_free(&scratch);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_marks");
	TCase *tests = tcase_create("regex_marks");

	tcase_add_loop_test(tests, a_subject_has_the_marks_of_its_texts, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tests, a_list_tries_only_regexes_whose_marks_the_subject_has);
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN_ALONE(make_suite)
