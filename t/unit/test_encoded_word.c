/*
 * Shows which encoded-words may decode to a text that is shown as an address, what they decode to,
 * and where an encoded-word ends.
 */
#include "lib/match/encoded_word.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *text;
	bool want;
} cases[] = {
	{ "", false },
	{ "Team", false },
	{ "=", false },
	{ "=?utf-8?q?B=C3=BCro?=", false },
	{ "=?UTF-8?Q?B=C3=BCro?=", false },
	{ "=?utf-8*de?q?B=C3=BCro?=", false },
	{ "=?iso-8859-1?q?B=FCro?= x =?utf-8?B?QsO8cm8=?=", false },
	{ "=?utf-8?b?QsO8cm8=?=", false },
	{ "=?iso-2022-jp?b?GyRCJUYlOSVIGyhC?=", false },
	{ "=?utf-8?q?"
	  "?=",
		false },
	{ "=?utf-8?b?"
	  "?=",
		false },
	{ "=?utf-8?q?=4?=", false },
	{ "=?utf-8?q?a=40b?=", true },
	{ "=?utf-8?q?a@b?=", true },
	{ "=?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=", true },
	{ "=?utf-8?b?QA?=", true },
	{ "=?utf-8?b?YUA=?=", true },
	{ "=?utf-8?b?YWJA?=", true },
	{ "=?utf-8?b?Y W\tJ-A?=", true },
	{ "=?utf-8?q?x?= =?utf-8?q?=40?=", true },
	{ "=?utf-7?q?+AEA-?=", true },
	{ "=?utf-16be?b?AGEAQA==?=", true },
	{ "=?cp037?q?=7C?=", true },
	{ "=?utf-8?x?abc?=", true },
	{ "=?utf-8?q?a=EF=BC=A0b?=", true },
	{ "=?utf-8?q?a=EF=BC=8Eb?=", false },
	{ "=?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?=", true },
	{ "=?utf-8?q?=3D?= =?utf-8?q?=3Futf-8=3F?=", true },
	{ "=?utf-8?q?=3D?=", false },
	{ "=?utf-8?q?1+1=3D2=3F?=", false },
	{ "=?utf-8?q?x =?utf-8?q?y?=", true },
	{ "=?utf-8?q?abc", true },
	{ "=?utf-8?q?", true },
	{ "=?utf-8?q", true },
	{ "=?utf-8?", true },
	{ "=?utf-8", true },
	{ "=?", true },
};

START_TEST(finds_an_at)
	{
		size_t len = strlen(cases[_i].text);
		char *copy = malloc(len + 1); /* without a NUL: ASan sees reads past the end */

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, cases[_i].text, len);
		ck_assert_msg(encoded_words_signs(copy, len).at == cases[_i].want, "%s",
			cases[_i].text);
		free(copy);
	}
END_TEST

static const struct {
	const char *text;
	bool want;
} strange[] = {
	{ "a.b", false },
	{ "=?utf-8?q?Dr=2E?=", false },
	{ "=?utf-8?q?Dr._Me?=", false },
	{ "=?utf-8?q?Dr=2E=20Me_M.?=", false },
	{ "=?utf-8?q?=3.b?=", true },
	{ "=?utf-8?q?a=2eb?=", true },
	{ "=?utf-8?q?a.b?=", true },
	{ "=?utf-8?q?a..?=", true },
	{ "=?utf-8?q?.?= =?utf-8?q?b?=", false },
	{ "=?utf-8?b?YS4gYg==?=", false },
	{ "=?utf-8?b?YS5i?=", true },
	{ "=?utf-7?q?a?=", true },
	{ "=?utf-8?q?a", true },

	/* ! and % */
	{ "=?utf-8?q?bank=21ceo?=", true },
	{ "=?utf-8?q?ceo%bank?=", true },
	{ "=?utf-8?q?x_ceo=25bank_y?=", true },
	{ "=?utf-8?b?YmFuayFjZW8=?=", true },
	{ "=?koi8-r?q?ceo!!?=", true },
	{ "=?utf-8?q?ceo!?=", false },
	{ "=?utf-8?q?!ceo?=", false },
	{ "=?utf-8?q?100%_ceo!,_x_%?=", false },
	{ "=?utf-8?q?(ceo!)_!(x)?=", false },

	/* characters that are like an @ or a dot */
	{ "=?utf-8?q?a=EF=BC=A0b?=", true },
	{ "=?utf-8?q?a=ef=b9=ab?=", true },
	{ "=?utf-8?b?YeOAgmI=?=", true },
	{ "=?utf-8?q?=EF=BC=8E?=", true },
	{ "=?utf-8?q?=EF=BD=A1?=", true },
	{ "=?iso-8859-1?q?a=EF=BC=A0b?=", true },
	{ "=?utf-8?q?=EF=BC=A1=E3=80=81?=", false },
	{ "=?euc-jp?q?a=A1=F7b?=", true },
	{ "=?euc-jp?q?=B0=A1=A5=A2?=", false }, /* its A1 A5 is not one character */
	{ "=?euc-kr?q?a=A3=C0b?=", true },
	{ "=?shift_jis?q?a=81=97b?=", true },
	{ "=?shift_jis?b?g2WDWINn?=", false },
	{ "=?GB2312?q?=A3=C0?=", true },
	{ "=?gbk?q?=A9=88?=", true },
	{ "=?big5?q?a=A2=49b?=", true },

	/* ISO-2022-JP */
	{ "=?iso-2022-jp?b?GyRCJUYlOSVIGyhC?=", false },
	{ "=?iso-2022-jp?b?GyRCJSghJiU1GyhC?=", false },
	{ "=?iso-2022-jp?q?=1B$B!w=1B(B?=", true },
	{ "=?iso-2022-jp?q?=1B$B!#=1B(B?=", true },
	{ "=?iso-2022-jp?q?=1B$(D!w=1B(B?=", true },
	{ "=?iso-2022-jp?q?=1B$B%F=1B(Bbank!ceo?=", true },
	{ "=?iso-2022-jp?q?=1B$@%F=1B(Jbank%ceo?=", true },
	{ "=?iso-2022-jp?q?=1B(Ibank!ceo?=", true },
	{ "=?iso-2022-jp?q?=1B$)Cbank!ceo?=", true },
	{ "=?iso-2022-jp?q?=0Ebank!ceo?=", true },
	{ "=?iso-8859-1?q?=1B$Bbank!ceo?=", true },
	{ "=?iso-2022-jp?q?=1B$B%F?= =?iso-2022-jp?q?bank!ceo?=", true },
};

START_TEST(finds_what_is_shown_as_an_address)
	{
		const char *text = strange[_i].text;

		ck_assert_msg(encoded_words_signs(text, strlen(text)).strange == strange[_i].want,
			"%s", text);
	}
END_TEST

static const struct {
	const char *text;
	bool want;
} edges[] = {
	{ "=?utf-8?q?a.b!c%d?=", false },
	{ "=?utf-8?q?a.?=", true },
	{ "=?utf-8?q?=21?=", true },
	{ "=?utf-8?b?JWE=?=", true },
	{ "=?utf-8?q?a._?=", false },
	{ "=?utf-8?q?a?= =?utf-8?q?b%?=", true },
	{ "=?iso-2022-jp?b?GyRCJUYlOSVIGyhC?=", false },
	{ "=?utf-8?q?a", true },
};

START_TEST(finds_what_may_continue_an_address)
	{
		const char *text = edges[_i].text;

		ck_assert_msg(encoded_words_signs(text, strlen(text)).edge == edges[_i].want, "%s",
			text);
	}
END_TEST

static const struct {
	const char *text;
	bool want;
} open[] = {
	{ "=?utf-8?q?Me_=28x=29?=", false },
	{ "=?utf-8?q?=22Me=22_=28=28=29x=29?=", false },
	{ "=?utf-8?q?Me_=28x?=", true },
	{ "=?utf-8?b?KA==?=", true },
	{ "=?utf-8?q?Me_=3A-=29?=", true },
	{ "=?utf-8?q?=29=28?=", true },
	{ "=?utf-8?q?5=22?=", true },
	{ "=?utf-8?q?MINE=5Cme?=", true },
	{ "=?utf-8?q?=28?= =?utf-8?q?=29?=", true },
	{ "=?utf-7?q?a?=", true },
	{ "=?gbk?q?=B0=A1?=", false },
	{ "=?gbk?q?=B0=A1=81=40?=", false },
	{ "=?gbk?q?=B0=81?=", true },
	{ "=?ks_c_5601-1987?q?=8E=A2?=", true },
	{ "=?shift_jis?q?=F0=9F?=", true },
	{ "=?shift_jis?q?=83=65?=", false },
	{ "=?shift_jis?q?=93=FA?=", false },
	{ "=?shift_jis?q?=93=FD?=", true },
	{ "=?gb2312?q?=AA=E9?=", true },
	{ "=?gb2312?q?=F8=E9=B0=A1?=", true },
	{ "=?euc-kr?q?=C9=E9?=", true },
	{ "=?euc-kr?q?=CA=E9?=", false },
	{ "=?big5?q?=28x=FD=CA=29?=", true },
	{ "=?big5?q?=28x=A4=CA=29?=", false },
	{ "=?euc-jp?q?=28x=F5=A1=29?=", true },
	{ "=?euc-jp?q?=28x=F4=A1=29?=", false },
	{ "=?iso-2022-jp?q?=28=1B$Bu!=1B=28B=29?=", false },
	{ "=?gb2312?q?=28=B0=A1=29?=", false },
	{ "=?gb2312?q?=28=AA=A1=29?=", true },
	{ "=?gb2312?q?=AA=A1a?=", false },
	{ "(", false },
};

START_TEST(finds_what_has_no_other_half)
	{
		const char *text = open[_i].text;

		ck_assert_msg(encoded_words_signs(text, strlen(text)).open == open[_i].want, "%s",
			text);
	}
END_TEST

static void add_byte(void *context, char byte)
{
	char *text = context;

	text[strlen(text)] = byte;
}

static const struct {
	const char *text, *want; /* NULL: not decoded */
} decodings[] = {
	{ "=?utf-8?q?Doe=2C_J_=3Ca=40b>?= x", "Doe, J <a@b>" },
	{ "=?UTF-8?B?RG9lIDxtZUBtaW5lLm0+?=", "Doe <me@mine.m>" },
	{ "=?iso-8859-1?Q?J=F6rg?=", "J\xf6rg" },
	{ "=?utf-8?q?x?=", "x" },
	{ "=?iso-2022-jp?q?a=1B$B%F=1B(B?=", "a\xff\xff" },
	{ "=?gbk?q?a=B0=A1?=", "a\xff\xff" },
	{ "=?gb18030?q?a=810=8A2a?=",
		"a\xff"
		"0\xff"
		"2a" },
	{ "=?big5?q?a=A4=40?=", "a\xff@" },
	{ "=?shift_jis?q?a=B1=95=5C?=", "a\xff\xff\\" },
	{ "=?euc-jp?q?a=8F=B0=A1=8E=B1?=", "a\xff\xff\xff\xff\xff" },
	{ "=?ks_c_5601-1987?b?sei/tcij?=", "\xff\xff\xff\xff\xff\xff" },
	{ "=?eucgb2312_cn?b?zfU=?=", "\xff\xff" },

	/* What is behind these words may be read as a part of them. */
	{ "=?gbk?q?bos=E9?=", NULL },
	{ "=?gbk?q?bos=FF=C3?=", NULL },
	{ "=?gb18030?q?=810=81?=", NULL },
	{ "=?gb18030?q?=810=E9=A1?=", NULL },
	{ "=?gb18030?q?=810a?=", NULL },
	{ "=?big5?q?=A4=7F?=", NULL },
	{ "=?euc-jp?q?bos=8F?=", NULL },
	{ "=?euc-jp?q?bos=8F=B0?=", NULL },
	{ "=?euc-jp?q?=81=8F?=", NULL },
	{ "=?euc-jp?q?=B0a?=", NULL },
	{ "=?shift_jis?q?=A1=F7?=", NULL },
	{ "=?iso-2022-jp?q?a=1B$B?=", NULL },
	{ "=?iso-2022-jp?q?=1B$B%=1B(B?=", NULL },
	{ "=?iso-2022-jp?q?=1B(I1?=", NULL },
	{ "=?iso-2022-jp?q?a=1B?=", NULL },

	/* Some decoders show other escape sequences than those of RFC 1468, or what is behind them,
	 * as ASCII, and all those of a charset that they do not know. */
	{ "=?iso-2022-jp?q?a=1B$@%F=1B(Ja=1B$B%F=1B(B?=",
		"a\xff\xff"
		"a\xff\xff" },
	{ "=?iso-2022-jp?q?a=1B(I1=1B(B?=", NULL },
	{ "=?iso-2022-jp?q?a=1B(Aa=1B(B?=", NULL },
	{ "=?iso-2022-jp?q?a=1B$(D%F=1B(B?=", NULL },
	{ "=?iso-2022-jp?q?a=1B$A%F=1B(B?=", NULL },
	{ "=?iso-2022-jp?q?a=1B.Aa=1B(B?=", NULL },
	{ "=?iso-2022-jp?q?a=1B=1B(B?=", NULL },
	{ "=?iso-2022-jp?q?a=B1=B1?=", NULL },
	{ "=?iso-2022-jp?q?a=1B$B=0F%F%=1B(B?=", NULL },
	{ "=?iso-2022-jp-1?q?a=1B$B%F=1B(B?=", NULL },
	{ "=?iso-2022-jp-ms?q?a?=", NULL },

	/* Decoders skip what they do not know, or end there. */
	{ "=?utf-8?b?YWI=?=", "ab" },
	{ "=?utf-8?b?YW\xc3\xa9I=?=", NULL },
	{ "=?utf-8?b?YQ==?=", "a" },
	{ "=?utf-8?b?YQ?=", NULL },
	{ "=?utf-8?b?YWI?=", NULL },
	{ "=?utf-8?b?YWI==?=", NULL },
	{ "=?utf-8?b?YQ=?=", NULL },
	{ "=?utf-8?b?Y===?=", NULL },
	{ "=?utf-8?b?YWJjY?=", NULL },
	{ "=?utf-8?b?YQ==YQ==?=", NULL },
	{ "=?utf-8?q?a=0D?=", NULL },
	{ "=?utf-8?b?YQo=?=", NULL },
	{ "=?utf-8?b?YW-I?=", NULL },
	{ "=?utf-8?q?\xc3\xa9?=", NULL },

	/* unknown, or one that writes other characters with letters of ASCII */
	{ "=?utf-7?q?a?=", NULL },
	{ "=?iso-2022-kr?q?a?=", NULL },
	{ "=?hz-gb-2312?q?a?=", NULL },
	{ "=?cp037?q?a?=", NULL },
	{ "=?base64?q?a?=", NULL },
	{ "=?utf-8?x?a?=", NULL },
	{ "=?utf-8?q?a", NULL },
};

START_TEST(decodes)
	{
		char text[40] = "";
		const char *value = decodings[_i].text, *want = decodings[_i].want;
		const char *end = encoded_word_decode(value, value + strlen(value), add_byte, text);

		if (want != NULL)
			ck_assert_str_eq(text, want);
		ck_assert(end == (want != NULL ? strstr(value, "?=") + 2 : NULL));
	}
END_TEST

static const struct {
	const char *text;
	size_t want; /* 0: no encoded-word */
} words[] = {
	{ "=?utf-8?q?a?=", 13 },
	{ "=?utf-8?B?YUA=?= b", 16 },
	{ "=?a (b?Q?\" <c@d> ?=?=", 19 },
	{ "=?\?b?\?=", 7 },
	{ "=?", 0 },
	{ "=?=", 0 },
	{ "=?utf-8?", 0 },
	{ "=?utf-8?q", 0 },
	{ "=?utf-8?q?", 0 },
	{ "=?utf-8?q?a?", 0 },
	{ "=?utf-8?q?a?b?=", 0 },
	{ "=?utf-8?x?a?=", 0 },
	{ "=?utf-8?qb?a?=", 0 },
	{ "=?utf-8?=", 0 },
};

START_TEST(finds_the_end)
	{
		size_t len = strlen(words[_i].text);
		char *copy = malloc(len); /* without a NUL: ASan sees reads past the end */
		const char *end;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, words[_i].text, len);
		end = encoded_word_end(copy, copy + len);
		ck_assert_uint_eq(end != NULL ? (size_t)(end - copy) : 0, words[_i].want);
		free(copy);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("encoded_word");
	TCase *tcase = tcase_create("encoded_word");

	tcase_add_loop_test(tcase, finds_an_at, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, finds_what_is_shown_as_an_address, 0,
		sizeof(strange) / sizeof(strange[0]));
	tcase_add_loop_test(tcase, finds_what_may_continue_an_address, 0,
		sizeof(edges) / sizeof(edges[0]));
	tcase_add_loop_test(tcase, finds_what_has_no_other_half, 0, sizeof(open) / sizeof(open[0]));
	tcase_add_loop_test(tcase, decodes, 0, sizeof(decodings) / sizeof(decodings[0]));
	tcase_add_loop_test(tcase, finds_the_end, 0, sizeof(words) / sizeof(words[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
