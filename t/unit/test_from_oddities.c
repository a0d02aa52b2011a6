/*
 * Shows which kinds of oddities an address field has, and that what mail programs write has none.
 * t/unit/test_from_authors.c shows the fields that are refused because of them.
 */
#include "lib/match/from_oddities.h"

#include <stdlib.h>
#include <string.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const char *const usual[] = {
	"me@mine.m",
	"<me@mine.m>",
	"Me <me@mine.m>",
	"Me<me@mine.m>",
	"\"Me\"<me@mine.m>",
	"J. R. Me <me@mine.m>",
	"\"Me, J. (Sales) [x]; y: z\" <me@mine.m>",
	"\"Joe \\\"Me\\\" Doe\" <me@mine.m>",
	"Me (Sales) <me@mine.m>",
	"me@mine.m (Me)",
	"Me\r\n <me@mine.m>",
	"Me <me@mine.m>,\r\n\tYou <you@mine.m>, it@mine.m",
	"=?utf-8?q?J=C3=B6rg?= Me <me@mine.m>",
	"=?utf-8?b?TcO8bGxlcg==?= <me@mine.m>",
	"=?iso-8859-1?Q?Me=2C_J?= =?iso-8859-1?Q?=F6rg?=\r\n <me@mine.m>",
	"\"=?utf-8?q?J=C3=B6rg?=\" <me@mine.m>",
	"J\xc3\xb6rg <me@mine.m>",
	"me@[192.0.2.1]",
	"me@[IPv6:2001:db8::1] (Me), Me <me@[IPv6:2001:db8::1]>",
};

START_TEST(usual_fields_have_none)
	{
		const unsigned odd = from_oddities(usual[_i], strlen(usual[_i]));

		ck_assert_msg(odd == 0, "%s: %u", usual[_i], odd);
	}
END_TEST

/* One for each kind, in several forms. */
static const char *const odd_once[] = {
	"\"ceo@bank.e\" <me@mine.m>",
	"Me (ceo@bank.e) <me@mine.m>",
	"=?utf-8?q?ceo=40bank.e?= <me@mine.m>",
	"\"=?utf-8?q?ceo=40bank.e?=\" <me@mine.m>",
	"ceo\xef\xbc\xa0 Me <me@mine.m>",
	"bank!ceo <me@mine.m>",
	"Me (a, b) <me@mine.m>",
	"Me (5\" disk) <me@mine.m>",
	"Me (a (b) c) <me@mine.m>",
	"Me (:-\\)) <me@mine.m>",
	"Me <(me) me@mine.m>",
	"Me < me@mine.m >",
	"MINE\\me <me@mine.m>",
	"\"MINE\\\\me\" <me@mine.m>",
	"\"5\\\" disk\" <me@mine.m>",
	"Us: me@mine.m, Me <me@mine.m>;",
	"Re: Us: Me <me@mine.m>",
	"Us:;, me@mine.m",
	",, me@mine.m,",
	"me@mine.m;",
	"Me <<me@mine.m>>",
	"Me <me@mine.m",
	"Me <me@mine.m>>",
	"Me <me@mine.m> home",
	"me@mine.m <me@mine.m>",
	"Mine, Inc <me@mine.m>",
	"Me\"x\" <me@mine.m>",
	"Me(x) <me@mine.m>",
	"a=?utf-8?q?b?= <me@mine.m>",
	"Me [x] <me@mine.m>",
	"\"me\"@mine.m",
	"Me <\"me\"@mine.m>",
	"=?utf-8?q?Me <me@mine.m>",
	"=?utf-8?q?=28?= <me@mine.m>",
	"\"=?utf-8?q?Me\" <me@mine.m>",
	"\"Me\x01\" <me@mine.m>",
	"\"a\x95[\" <me@mine.m>",
};

START_TEST(each_kind_counts_once)
	{
		const unsigned odd = from_oddities(odd_once[_i], strlen(odd_once[_i]));

		ck_assert_msg(odd == 1, "%s: %u", odd_once[_i], odd);
	}
END_TEST

/* In each of these, some mail program showed another author. */
static const char *const odd_twice[] = {
	"\"ceo@bank.e\" <me@mine.m>;",
	"bank!ceo (a[b) <me@mine.m>",
	"bos (a[b) <s@mine.m> (c]d)",
	"bos (\") <(\") s@mine.m>",
	"=?utf-8?q?x =?utf-8?b?Y2VvQGJhbmsuZQ==?=, Me <me@mine.m>",
	"bos (;)s@mine.m <s@mine.m>",
	"bos.=?utf-8?q?a?=xbos<s@mine.m",
	"bos=?utf-8?q?=28?= <(x)s@mine.m>",
	"\"(ceo@bank.e)\" x (,) <me@mine.m>",
	"J..(x, y)bos<s@mine.m>",
	"(\x95\\)bos) s@mine.m",
	"<second@attack.com>< .evil.example",
};

START_TEST(misread_fields_have_several)
	{
		ck_assert_msg(from_oddities(odd_twice[_i], strlen(odd_twice[_i])) > 1, "%s",
			odd_twice[_i]);
	}
END_TEST

/* What does not end is read to the end of the field, whatever that is. */
START_TEST(reads_any_beginning)
	{
		for (int i = 0; i < COUNT(odd_twice); i++)
			for (size_t len = 0; len <= strlen(odd_twice[i]); len++) {
				char *copy = malloc(len > 0 ? len : 1); /* as long, for ASan */

				ck_assert_ptr_nonnull(copy);
				memcpy(copy, odd_twice[i], len);
				ck_assert_uint_le(from_oddities(copy, len), 16);
				free(copy);
			}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_oddities");
	TCase *tcase = tcase_create("from_oddities");

	tcase_add_loop_test(tcase, usual_fields_have_none, 0, COUNT(usual));
	tcase_add_loop_test(tcase, each_kind_counts_once, 0, COUNT(odd_once));
	tcase_add_loop_test(tcase, misread_fields_have_several, 0, COUNT(odd_twice));
	tcase_add_test(tcase, reads_any_beginning);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
