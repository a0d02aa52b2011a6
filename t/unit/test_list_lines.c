/*
 * Shows how the text of a list file is split
 * into entries with their lines.
 */
#include "lib/rules/list_lines.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

#define T(text) text, sizeof(text) - 1

/* Each entry as "LINE:entry|". */
static const struct {
	const char *text;
	size_t len;
	const char *want;
} cases[] = {
	{ T(""), "" },
	{ T("a"), "1:a|" },
	{ T("a\n"), "1:a|" },
	{ T("a\nb"), "1:a|2:b|" },
	{ T("a\r\nb\r\n"), "1:a|2:b|" },
	{ T("a\rb\r"), "1:a|2:b|" },
	{ T("a\n\rb"), "1:a|3:b|" }, /* LF, then CR: two ends */
	{ T("a\r\r\nb"), "1:a|3:b|" },
	{ T("\n\n a\n"), "3:a|" },
	{ T("\r\n\r\na"), "3:a|" },
	{ T(" a \n\tb\t\n\v\fc\v\f"), "1:a|2:b|3:c|" },
	{ T("   \n\t\nx"), "3:x|" },
	{ T("# a\n;b\n  # c\n\t;d\ne"), "5:e|" },
	{ T("a # why\nb\t; why\nc ;"), "1:a|2:b|3:c|" },
	{ T("a#b\na;b\na# b"), "1:a#b|2:a;b|3:a# b|" },
	{ T("a b c"), "1:a b c|" },
	{ T("a\v#b"), "1:a|" },
	{ T("\xef\xbb\xbf"
	    "a\nb"),
		"1:a|2:b|" },
	{ T("\xef\xbb\xbf# a"), "" },
	{ T("\xef\xbb\xbf"), "" },
	{ T("\xef\xbb"), "1:\xef\xbb|" }, /* an incomplete mark */
	{ T("a\n\xef\xbb\xbf"
	    "b"),
		"1:a|2:\xef\xbb\xbf"
		"b|" }, /* only one at the beginning is a mark */
	{ T("b\xc3\xbc"
	    "cher.example"),
		"1:b\xc3\xbc"
		"cher.example|" },
	{ T("\\d+ #x"), "1:\\d+|" },
	{ T("[#;]"), "1:[#;]|" },
};
START_TEST(gives_each_entry_with_its_line)
	{
		struct strbuf seen = STRBUF_INIT;
		struct list_lines lines;
		const char *entry;
		size_t len;

		strbuf_add_str(&seen, "");
		list_lines_init(&lines, cases[_i].text, cases[_i].len);
		while (list_lines_next(&lines, &entry, &len))
			strbuf_addf(&seen, "%u:%.*s|", lines.line, (int)len, entry);
		ck_assert_str_eq(seen.text, cases[_i].want);
		ck_assert(!list_lines_next(&lines, &entry, &len)); /* the end is final */
		strbuf_free(&seen);
	}
END_TEST

START_TEST(keeps_nul_bytes_in_an_entry)
	{
		struct list_lines lines;
		const char *entry;
		size_t len;

		list_lines_init(&lines, "a\0b\nc", 5);
		ck_assert(list_lines_next(&lines, &entry, &len));
		ck_assert_uint_eq(len, 3);
		ck_assert_mem_eq(entry, "a\0b", 3);
		ck_assert(list_lines_next(&lines, &entry, &len));
		ck_assert_uint_eq(lines.line, 2);
	}
END_TEST

START_TEST(reads_no_byte_behind_the_end)
	{
		static const char text[] = "a\r\nbcd # e";
		struct list_lines lines;
		const char *entry;
		char *copy;
		size_t len, cut;

		/* Each beginning of the text, in memory of exactly that size, for ASan. */
		for (cut = 1; cut < sizeof(text); cut++) {
			copy = malloc(cut);
			ck_assert_ptr_nonnull(copy);
			memcpy(copy, text, cut);
			list_lines_init(&lines, copy, cut);
			while (list_lines_next(&lines, &entry, &len))
				ck_assert(entry >= copy && entry + len <= copy + cut);
			free(copy);
		}
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("list_lines");
	TCase *tcase = tcase_create("list_lines");

	tcase_add_loop_test(tcase, gives_each_entry_with_its_line, 0, ROWS(cases));
	tcase_add_test(tcase, keeps_nul_bytes_in_an_entry);
	tcase_add_test(tcase, reads_no_byte_behind_the_end);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
