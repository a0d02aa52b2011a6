/*
 * Shows where the comments of an address field end, and which of them mail programs read
 * differently, or show as an address.
 */
#include "lib/match/from_comments.h"

#include <string.h>

#include "lib/base/text.h"
#include "t/unit/unit.h"

static const struct {
	const char *text;
	const char *want; /* o: odd, s: sloppy, h: hides, t: strange; then open */
} rows[] = {
	{ "", "" },
	{ "Me", "" },
	{ "a b. c!", "" },
	{ "Me, Inc", "s" },
	{ "a; b", "s" },
	{ "(x)", "s" },
	{ "a < b", "s" },
	{ "a@b", "h" },
	{ "a\uff20"
	  "b",
		"ht" },
	{ "a@b, c", "osh" },
	{ "a.b", "t" },
	{ "a!b", "t" },
	{ "(x), a.b", "ost" },
	{ "(x) <", "os" },
	{ "\"a\" [b]", "" },
	{ "\"(\"", "os" },
	{ "a \"", "s\"" },
	{ "a [", "s[" },
	{ "a =? b", "s=" },
	{ "a [ (b)", "os" },
	{ "=?x?q?(?=", "os" },
	{ "\\\" (b)", "os" },
	{ "\\\"", "" },
	{ "a\tb\r\n c", "" },
	{ "a\x01", "o" },
	{ "\x1b$B", "o" },
	{ "\x95\\)", "os" },
	{ "\x95\\x", "" },
	{ "x\\)", "s" },
};

START_TEST(reveals)
	{
		const char *text = rows[_i].text;
		const struct from_comment c = from_comment_read(text, text + strlen(text));
		const char open[] = { c.open, '\0' };
		char seen[16];

		(void)text_format(seen, sizeof(seen), "%s%s%s%s%s", c.odd ? "o" : "",
			c.sloppy ? "s" : "", c.hides ? "h" : "", c.strange ? "t" : "", open);
		ck_assert_msg(strcmp(seen, rows[_i].want) == 0, "(%s): %s, want %s", text, seen,
			rows[_i].want);
	}
END_TEST

static const struct {
	const char *text;
	size_t len; /* of the comment, 0 if it is not closed */
} ends[] = {
	{ "()x", 2 },
	{ "(a(b)c)", 7 },
	{ "(a\\)b) c", 6 },
	{ "(a(b)", 0 },
	{ "(a\\)", 0 },
	{ "(\\", 0 },
};

START_TEST(ends_at_its_parenthesis)
	{
		const char *text = ends[_i].text;
		const char *end = from_comment_end(text, text + strlen(text));

		ck_assert_uint_eq(end != NULL ? (size_t)(end - text) : 0, ends[_i].len);
	}
END_TEST

START_TEST(tells_an_address)
	{
		static const char *const telling[] = { "(a@b)", " (x <)", "(bank.e)", "(bank!ceo) ",
			"(=?utf-8?q?a=40b?=)", "(=?utf-8?q?bank=2Ee?=)" };
		static const char *const silent[] = { "(Me)", " (at home, Inc) (x)",
			"(=?utf-8?q?J=C3=B6rg?=)" };
		size_t i;

		for (i = 0; i < sizeof(telling) / sizeof(telling[0]); i++)
			ck_assert_msg(from_comments_tell(telling[i],
					      telling[i] + strlen(telling[i])),
				"%s", telling[i]);
		for (i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
			ck_assert_msg(!from_comments_tell(silent[i], silent[i] + strlen(silent[i])),
				"%s", silent[i]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_comments");
	TCase *tcase = tcase_create("from_comments");

	tcase_add_loop_test(tcase, reveals, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tcase, ends_at_its_parenthesis, 0, sizeof(ends) / sizeof(ends[0]));
	tcase_add_test(tcase, tells_an_address);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
