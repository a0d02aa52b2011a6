/*
 * Shows which Content-Type fields name only charsets that write ASCII as ASCII, so that no program
 * finds other addresses in a field that it decodes by them.
 */
#include "lib/match/content_type.h"

#include "t/unit/unit.h"

static const struct {
	const char *value;
	bool want;
} cases[] = {
	{ "", true },
	{ "text/plain", true },
	{ "multipart/mixed; boundary=\"x\"", true },
	{ "text/plain; charset=utf-8", true },
	{ "text/plain; charset=\"UTF-8\"; format=flowed", true },
	{ "text/plain;\r\n\tCharset = us-ascii", true },
	{ "text/html; charset='iso-8859-15'", true },
	{ "text/plain; charset=windows-1251 (Cyrillic)", true },
	{ "text/plain; charset=koi8-r", true },
	{ "text/plain; charset=GB2312", true },
	{ "text/plain; charset=big5", true },
	{ "text/plain; charset=\"ks_c_5601-1987\"", true },
	{ "text/plain; charset=shift_jis", true },
	{ "text/plain; charset=ISO-2022-JP", true },
	{ "text/plain; charset=", true },
	{ "text/plain; charset=\"\"", true },
	{ "text/plain; charset=utf-7", false },
	{ "text/plain; charset=unicode-1-1-utf-7", false },
	{ "text/plain; CHARSET=\"UTF-16LE\"", false },
	{ "text/plain; charset=IBM037", false },
	{ "text/plain; charset=hz-gb-2312", false },
	{ "text/plain; charset=iso-2022-kr", false },
	{ "text/plain; charset=\"ut\\f-7\"", false },
	{ "text/plain; charset=(x)utf-7", false },
	{ "text/plain; charset(x)=utf-7", false },
	{ "text/plain; charset*=us-ascii'en'utf-7", false },
	{ "text/plain; charset*0=ut; charset*1=f-7", false },
	{ "text/plain; charset=utf-8; charset=utf-7", false },
	{ "text/plain; name=charset=utf-8;\n charset\n = utf-7", false },
};

START_TEST(a_charset_is_known_to_write_ascii_as_ascii)
	{
		ck_assert_msg(content_type_keeps_ascii(cases[_i].value) == cases[_i].want, "%s",
			cases[_i].value);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("content_type");
	TCase *tcase = tcase_create("content_type");

	tcase_add_loop_test(tcase, a_charset_is_known_to_write_ascii_as_ascii, 0,
		sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
