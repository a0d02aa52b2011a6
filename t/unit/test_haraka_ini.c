/*
 * Shows that the ini files of Haraka are read as haraka-config reads them: comments, sections,
 * continued lines, repeated keys, white space and odd bytes.
 */
#include "ctl/haraka_ini.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define TEXT(text) text, sizeof(text) - 1
#define IGNORED \
	"!Haraka ignores this line, because it is neither a comment, [SECTION] nor KEY = VALUE"

/* The entries as "line:section/key=value", each in a line; "~" before one that is replaced; "!" and
 * the reason behind one that is not read. */
static char *describe(const struct haraka_ini *ini)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_add_str(&text, "");
	for (size_t i = 0; i < ini->count; i++) {
		const struct haraka_entry *e = &ini->entries[i];

		strbuf_addf(&text, "%s%u:%s/%s", e->is_replaced ? "~" : "", e->line, e->section,
			e->key);
		if (e->problem != NULL)
			strbuf_addf(&text, "!%s", e->problem);
		else if (e->value != NULL)
			strbuf_addf(&text, "=%s", e->value);
		strbuf_add_str(&text, "\n");
	}
	return strbuf_take(&text);
}

static const struct {
	const char *text;
	size_t len;
	const char *want;
} rows[] = {
	{ TEXT(""), "" },
	{ TEXT("\n\r\n\r"), "" },
	{ TEXT("a=b"), "1:main/a=b\n" },
	{ TEXT("a = b c \n"), "1:main/a=b c\n" },
	{ TEXT("a=\nb =\nc\n"), "1:main/a=\n2:main/b=\n3:main/c\n" },
	{ TEXT("a=b=c"), "1:main/a=b=c\n" },
	{ TEXT("; c\n # c\n\t;c=1\na=1"), "4:main/a=1\n" },
	{ TEXT("a=1 ; not a comment # nor this"), "1:main/a=1 ; not a comment # nor this\n" },
	{ TEXT("a=1\r\n[s]\r\nb=2\r\n"), "1:main/a=1\n3:s/b=2\n" },
	{ TEXT("a=1\r[s]\rb=2"), "1:main/a=1\n3:s/b=2\n" },
	{ TEXT("\xef\xbb\xbf[s]\na=1"), "2:s/a=1\n" },
	{ TEXT("\xef\xbb\xbf"
	       "a=1"),
		"1:main/a=1\n" },
	{ TEXT("\xc2\xa0"
	       "a\xc2\xa0=\xe2\x80\x83"
	       "b\xe3\x80\x80"),
		"1:main/a=b\n" },
	{ TEXT("[ s ]\na=1\n[]\nb=2"), "2:s/a=1\n4:/b=2\n" },
	{ TEXT("[s] ; c\na=1"), "1:main/[s] ; c" IGNORED "\n2:main/a=1\n" },
	{ TEXT("[s\na=1"), "1:main/[s\n2:main/a=1\n" }, /* a key without a value */
	{ TEXT("[a]b]\nx=1"), "1:main/[a]b]\n2:main/x=1\n" },
	{ TEXT("[s]\na=1\n[t]\nb=2\n[s]\nc=3"), "2:s/a=1\n4:t/b=2\n6:s/c=3\n" },
	{ TEXT("a=1\na=2\nb=3\na=4"), "~1:main/a=1\n~2:main/a=2\n3:main/b=3\n4:main/a=4\n" },
	{ TEXT("a=1\n[s]\na=2"), "1:main/a=1\n3:s/a=2\n" },
	{ TEXT("fe80:0=1\n10.0=2\nu@d.e=3\na[]=4\nx/y-z+_=5"),
		"1:main/fe80:0=1\n2:main/10.0=2\n3:main/u@d.e=3\n4:main/a[]=4\n5:main/x/y-z+_=5\n" },
	{ TEXT("*@d=1\na b=2\n=3"),
		"1:main/*@d=1" IGNORED "\n2:main/a b=2" IGNORED "\n3:main/=3" IGNORED "\n" },
	{ TEXT("a=1\\\n  2\\ \t\n3\nb=4"), "3:main/a=1  23\n4:main/b=4\n" },
	{ TEXT("a=1\\\n; c\n\n[s]\n2"), "5:s/a=12\n" }, /* comments and sections come first */
	{ TEXT("a=1\\"), "" },
	{ TEXT("a=\x1b[m\nb=\x7f\nc=\xff\nd=1"),
		"1:main/a=\x1b[m!the line contains a control character\n"
		"2:main/b=\x7f!the line contains a control character\n"
		"3:main/c=\xff!the line is not UTF-8\n4:main/d=1\n" },
	{ TEXT("a=1\0b\nc=2"), "1:main/a=1!the line contains a control character\n2:main/c=2\n" },
	{ TEXT("a=1\xe2\x80\xa8"
	       "2\nb=3"),
		"1:main/a=1\xe2\x80\xa8"
		"2" IGNORED "\n2:main/b=3\n" },
	{ TEXT("a\t=\tb\tc"), "1:main/a=b\tc\n" },
	{ TEXT("a=\xc3\xa4"), "1:main/a=\xc3\xa4\n" },
};
START_TEST(reads_what_haraka_reads)
	{
		struct haraka_ini ini;
		char *got;

		ck_assert_int_eq(haraka_ini_parse(rows[_i].text, rows[_i].len, &ini), 0);
		got = describe(&ini);
		ck_assert_str_eq(got, rows[_i].want);
		free(got);
		haraka_ini_clear(&ini);
	}
END_TEST

START_TEST(finds_the_value_that_counts)
	{
		static const char text[] = "a=1\n[s]\na=2\na=3\nb\n*\n";
		struct haraka_ini ini;

		ck_assert_int_eq(haraka_ini_parse(text, strlen(text), &ini), 0);
		ck_assert_str_eq(haraka_ini_find(&ini, "main", "a")->value, "1");
		ck_assert_str_eq(haraka_ini_find(&ini, "s", "a")->value, "3");
		ck_assert_ptr_null(haraka_ini_find(&ini, "s", "b")->value);
		ck_assert_ptr_null(haraka_ini_find(&ini, "s", "*"));
		ck_assert_ptr_null(haraka_ini_find(&ini, "t", "a"));
		haraka_ini_clear(&ini);
		ck_assert_ptr_null(haraka_ini_find(&ini, "s", "a"));
	}
END_TEST

START_TEST(knows_the_words_for_true)
	{
		static const char *const yes[] = { "true", "TRUE", "yes", "ok", "enabled", "On",
			"1" };
		static const char *const no[] = { NULL, "", "false", "no", "off", "0", "2", "t",
			"true ; x", "yes." };

		for (int i = 0; i < COUNT(yes); i++)
			ck_assert_msg(haraka_ini_is_true(yes[i]), "%s", yes[i]);
		for (int i = 0; i < COUNT(no); i++)
			ck_assert_msg(!haraka_ini_is_true(no[i]), "%s", no[i]);
	}
END_TEST

START_TEST(many_keys_cost_little)
	{
		const unsigned count = unit_times(50000);
		struct strbuf text = STRBUF_INIT;
		struct haraka_ini ini;

		for (unsigned i = 0; i < count; i++)
			strbuf_addf(&text, "k%u=%u\n", i % (count / 2), i);
		ck_assert_int_eq(haraka_ini_parse(text.text, text.len, &ini), 0);
		ck_assert_uint_eq(ini.count, count);
		ck_assert(ini.entries[0].is_replaced && !ini.entries[count - 1].is_replaced);
		haraka_ini_clear(&ini);
		strbuf_free(&text);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("haraka_ini");
	TCase *tcase = tcase_create("haraka_ini");

	tcase_add_loop_test(tcase, reads_what_haraka_reads, 0, COUNT(rows));
	tcase_add_test(tcase, finds_the_value_that_counts);
	tcase_add_test(tcase, knows_the_words_for_true);
	tcase_add_test(tcase, many_keys_cost_little);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
