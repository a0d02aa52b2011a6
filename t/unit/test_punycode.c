/*
 * Shows which labels are encoded, as Python
 * encodes them, and which are refused.
 */
#include "lib/match/punycode.h"

#include <string.h>

#include "lib/match/domain.h"
#include "t/unit/unit.h"

/* Labels as Python's punycode codec encodes them. */
static const struct {
	const char *label, *want;
} cases[] = {
	{ "💩", "xn--ls8h" }, { "ü", "xn--tda" }, { "bücher", "xn--bcher-kva" },
	{ "BüCHER", "xn--bcher-kva" }, { "他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye" },
	{ "почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l" },
	{ "TạisaohọkhôngthểchỉnóitiếngViệt", "xn--tisaohkhngthchnitingvit-kjcr8268qyxafd2f1b9g" },
	{ "3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b" },
	{ "安室奈美恵-with-super-monkeys", "xn---with-super-monkeys-pc58ag80a8qai00g7n9n" },
	{ "☃-⌘", "xn----dqo34k" }, { "a_💩-B", "xn--a_-b-wv63c" },
	{ "\xf4\x8f\xbf\xbf", "xn--dn32g" }, { "\xf4\x8f\xbf\xbf\xc3\xa9", "xn--9ca96883t" },
	{ "i❤", "xn--i-7iq" }, { "i❤\xef\xb8\x8f", "xn--i-7iq" }, /* with a variation selector */

	{ "", NULL }, { "abc", NULL }, { "\xc2\xad", NULL }, /* only a soft hyphen */
	{ "ü b", NULL }, { "ü@b", NULL }, { "ü.b", NULL }, { "ü\x01", NULL },
	{ "a\xef\xbc\xa0ü", NULL },		    /* U+FF20, a wide @ */
	{ "a\xe3\x80\x82ü", NULL },		    /* U+3002, a dot */
	{ "\xc3", NULL }, { "\xed\xa0\x80", NULL }, /* a surrogate */
};
START_TEST(encodes)
	{
		char out[DOMAIN_SIZE] = "as before";
		int len =
			punycode_label(cases[_i].label, strlen(cases[_i].label), out, sizeof(out));

		if (cases[_i].want == NULL) {
			ck_assert_int_eq(len, -1);
			return;
		}
		ck_assert_str_eq(out, cases[_i].want);
		ck_assert_int_eq(len, (int)strlen(out));
	}
END_TEST

START_TEST(writes_no_more_than_there_is_room_for)
	{
		char out[16];
		size_t size;

		for (size = 0; size < sizeof(out); size++) {
			memset(out, 'x', sizeof(out));
			ck_assert_int_eq(punycode_label("💩", 4, out, size), size > 8 ? 8 : -1);
			ck_assert_int_eq(out[size > 8 ? 9 : size], 'x');
		}
	}
END_TEST

START_TEST(bounds_a_label)
	{
		char label[DOMAIN_SIZE + 2], out[2 * DOMAIN_SIZE];
		size_t i;

		for (i = 0; i + 2 <= sizeof(label); i += 2)
			memcpy(label + i, "\xc3\xa9", 2);
		ck_assert_int_gt(punycode_label(label, DOMAIN_SIZE - 2, out, sizeof(out)), 0);
		ck_assert_int_eq(punycode_label(label, DOMAIN_SIZE, out, sizeof(out)), -1);
		/* The largest difference, as often as it fits. */
		for (i = 0; i + 4 <= DOMAIN_SIZE - 1; i += 4)
			memcpy(label + i, i % 8 == 0 ? "\xf4\x8f\xbf\xbf" : "\xc2\x80\xc2\x80", 4);
		ck_assert_int_gt(punycode_label(label, i, out, sizeof(out)), 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("punycode");
	TCase *tcase = tcase_create("punycode");

	tcase_add_loop_test(tcase, encodes, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, writes_no_more_than_there_is_room_for);
	tcase_add_test(tcase, bounds_a_label);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
