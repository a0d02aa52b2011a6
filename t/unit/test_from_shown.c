/*
 * Shows what names of From fields show once they are decoded, and which of them may show an @
 * although some programs look for authors in names.
 */
#include "lib/match/from_shown.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	bool safe; /* at the address me@mine.m */
} names[] = {
	{ "ceo@bank.e", true },
	{ "'ceo@bank.e' via List", true },
	{ "ceo@bank.e (x)", true },
	{ "Doe, Jane (ceo@bank.e)", true },
	{ "Doe, ceo@bank.e, x", false },
	{ "x: ceo@bank.e", false },
	{ "x; ceo@bank.e", false },
	{ "x [ceo@bank.e]", false },
	{ "\"ceo\"@bank.e", false },
	{ "ceo\\@bank.e", false },
	{ "ceo@bank.e (", false },
	{ ") ceo@bank.e (", false },
	{ "Me <ceo@bank.e>", true },
	{ "ceo@bank.e>", true },
	{ "<ceo@bank.e", false },
	{ "<ceo@bank.e> x", false },
	{ "<<ceo@bank.e>>", false },
	{ "a, <ceo@bank.e>", false },
	{ "(a) <ceo@bank.e>", false },

	/* the own address */
	{ "me@mine.m", true },
	{ "'me@mine.m'", true },
	{ "<me@mine.m>", true },
	{ "Doe, Jane, x; <ME@mine.m>", true },
	{ "Doe, Jane, x <you@mine.m>", false },
	{ "Doe, Jane, x<me@mine.m>", false },
	{ "Doe, bank.e, x <me@mine.m>", false },
	{ "Doe, bank!ceo, x <me@mine.m>", false },
	{ "Doe, ceo@bank.e, x <me@mine.m>", false },
	{ "Doe, (x), y <me@mine.m>", false },
	{ "Doe: x <me@mine.m>", false },
	{ ">", true },
	{ "<", false },
};

START_TEST(tells_safe_names)
	{
		const char *text = names[_i].text;
		struct mail_address address;
		struct from_shown shown;

		ck_assert_int_eq(address_parse("me@mine.m", 9, &address), 0);
		from_shown_clear(&shown);
		from_shown_add(&shown, text, strlen(text));
		ck_assert(from_shown_has_at(&shown));
		ck_assert_msg(from_shown_is_safe(&shown, &address) == names[_i].safe, "%s", text);
	}
END_TEST

static const struct {
	const char *text, *want; /* NULL: not decoded alike */
} texts[] = {
	{ "", "" },
	{ "a \\\"b\\\" c", "a \"b\" c" },
	{ "a\r\n b", "a   b" },
	{ "=?utf-8?q?=C3=B6?= x", "\xc3\xb6 x" },
	{ "x =?utf-8?b?eQ==?=, z", "x y, z" },
	{ "x=?utf-8?q?a?=", NULL },
	{ "=?utf-8?q?a?=x", NULL },
	{ "=?utf-8?q?a", NULL },
	{ "=?utf-8?q?a@b?=", NULL },
	{ "=?utf-8?q?a =?utf-8?q?b?=", NULL },
	{ "=?gb2312?q?a?= x", "a x" },
	{ "=?gb2312?q?a=B0=A1?= x", "a\xff\xff x" },
	{ "=?gb2312?q?a=B0?= x", NULL },
};

START_TEST(decodes_texts)
	{
		const char *text = texts[_i].text, *want = texts[_i].want;
		struct from_shown shown;

		from_shown_clear(&shown);
		ck_assert_msg(from_shown_text(&shown, text, strlen(text)) == (want != NULL), "%s",
			text);
		if (want == NULL)
			return;
		ck_assert_uint_eq(shown.len, strlen(want));
		ck_assert_mem_eq(shown.text, want, shown.len);
	}
END_TEST

START_TEST(notes_what_is_encoded)
	{
		static const char at[] = "=?utf-8?q?a=40b?=", dot[] = "=?utf-8?q?bank=2Ee?=",
				  half[] = "=?utf-8?q?=28?=", unknown[] = "=?x?q?a?=";
		struct from_shown s;

		from_shown_clear(&s);
		ck_assert_ptr_nonnull(from_shown_encoded(&s, at, at + strlen(at)));
		ck_assert(from_shown_has_at(&s));
		from_shown_clear(&s);
		ck_assert_ptr_nonnull(from_shown_encoded(&s, dot, dot + strlen(dot)));
		ck_assert(from_shown_is_telling(&s) && !from_shown_has_at(&s));
		from_shown_clear(&s);
		ck_assert_ptr_nonnull(from_shown_encoded(&s, half, half + strlen(half)));
		ck_assert(s.open && !from_shown_is_telling(&s));
		ck_assert_ptr_null(from_shown_encoded(&s, unknown, unknown + strlen(unknown)));
	}
END_TEST

START_TEST(bounds_the_text)
	{
		char long_text[FROM_MAILBOX_LONGEST + 1];
		struct from_shown s;

		memset(long_text, 'a', sizeof(long_text));
		from_shown_clear(&s);
		from_shown_add(&s, long_text, FROM_MAILBOX_LONGEST);
		ck_assert(!s.is_cut);
		from_shown_add(&s, "a", 1);
		ck_assert(s.is_cut && s.len == FROM_MAILBOX_LONGEST);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_shown");
	TCase *tcase = tcase_create("from_shown");

	tcase_add_loop_test(tcase, tells_safe_names, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_loop_test(tcase, decodes_texts, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, notes_what_is_encoded);
	tcase_add_test(tcase, bounds_the_text);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
