/*
 * Shows the grammar of From fields: what ordinary programs write is accepted, and the reason of a
 * refusal tells what to write. test_from_authors, test_from_programs and test_from_forms have the
 * fields that mail programs read differently.
 */
#include "lib/match/from_grammar.h"

#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/lib/from_login.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* As written by mail programs, web mailers, mailing lists, cron, and scripts. */
static const char *const ordinary[] = {
	"me@mine.m",
	"<me@mine.m>",
	" me@mine.m ",
	"Me <me@mine.m>",
	"Jane van Doe <me@mine.m>",
	"Jean-Luc O'Neil & Co. <me@mine.m>",
	"J. R. Me <me@mine.m>",
	"J.R. Me <me@mine.m>",
	"Mine.m <me@mine.m>",
	"Mine.m Support <me@mine.m>",
	"\"Me\" <me@mine.m>",
	"\"Me\"<me@mine.m>",
	"\"Doe, Jane\" <me@mine.m>",
	"\"Doe, Jane (Sales)\" <me@mine.m>",
	"\"Doe, Jane [Mine.m]; x: y\" <me@mine.m>",
	"\"Mine.m, Inc.\" <me@mine.m>",
	"\"Mine.m\"<me@mine.m>",
	"\"J. R. \\\"Bob\\\" Doe\" <me@mine.m>",
	"\"MINE\\\\me\" <me@mine.m>",
	"\"\" <me@mine.m>",
	"J. R. \"Bob\" Doe <me@mine.m>",
	"\"me@mine.m\" <me@mine.m>",
	"\"'me@mine.m'\" <me@mine.m>",
	"me@mine.m <me@mine.m>",
	"\"Doe, Jane <me@mine.m>\" <me@mine.m>",
	"\"ceo@bank.e (via Docs)\" <me@mine.m>",
	"\"'ceo@bank.e' via List\" <me@mine.m>",
	"\"Doe, Jane (ceo@bank.e)\" <me@mine.m>",
	"\"(Cron Daemon)\" <me@mine.m>",
	"me@mine.m (Cron Daemon)",
	"me@mine.m (Jane Doe, Sales)",
	"Jane Doe (Sales) <me@mine.m>",
	"me@mine.m (=?utf-8?q?J=C3=B6rg?=)",
	"J\xc3\xb6rg Me <me@mine.m>",
	"\"J\xc3\xb6rg, Me\" <me@mine.m>",
	"J\xf6rg Me <me@mine.m>",
	"=?utf-8?Q?J=C3=B6rg_Me?= <me@mine.m>",
	"=?UTF-8?B?SsO2cmc=?= <me@mine.m>",
	"=?utf-8?q?Mine.m?= <me@mine.m>",
	"=?utf-8?q?ceo=40bank.e?= <me@mine.m>",
	"=?utf-8?Q?Doe=2C_J=C3=B6rg_=28Sales=29?= <me@mine.m>",
	"J. =?utf-8?q?J=C3=B6rg?= Me <me@mine.m>",
	"=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_Me?=\r\n =?utf-8?q?_x?= <me@mine.m>",
	"=?gb2312?B?sqnN3w==?= <me@mine.m>",
	"\"=?gb18030?B?sqnN3w==?=\" <me@mine.m>",
	"=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?= <me@mine.m>",
	"=?cp1252?Q?J=F6rg?= <me@mine.m>",
	"=?iso-2022-jp?B?GyRCOzNFREJATzobKEI=?=<me@mine.m>",
	"\"=?iso-2022-jp?B?GyRCOzNFREJATzobKEI=?=\"<me@mine.m>",
	"=?windows-31j?B?jlKTY5G+mFk=?=<me@mine.m>",
	"=?ks_c_5601-1987?B?sei/tcij?=<me@mine.m>",
	"=?ks_c_5601-1987?B?sei/tcij?= Kim <me@mine.m>",
	"\"=?ks_c_5601-1987?B?sei/tcij?=\"<me@mine.m>",
	"=?gb2312?B?sqnN3w==?=<me@mine.m>",
	"=?gb18030?B?lDnbMQ==?= <me@mine.m>",
	"\"=?big5?B?pEClQQ==?=\" <me@mine.m>",
	"\"=?utf-8?q?=27ceo=40bank.e=27_via_J=C3=B6rg?=\" <me@mine.m>",
	"=?utf-8?q?J=C3=B6rg=2C_S=2E_=28ceo=40bank.e=29?= <me@mine.m>",
	"\"=?utf-8?q?J=C3=B6rg?=\" <me@mine.m>",
	"\r\n \"Jane Doe\"\r\n\t<me@mine.m>\r\n",
	"Me\n <me@mine.m>",
	"me@mine.m, s@mine.m",
	"Me <me@mine.m>,\r\n \"Doe, S.\" <s@mine.m>",
	"Us: me@mine.m, Me <s@mine.m>;",
	"\"Us, all\": me@mine.m;",
	"Doe, Jane <me@mine.m>",
	"Jane Doe, Ph.D. <me@mine.m>",
	"[Mine] Me <me@mine.m>",
};

START_TEST(accepts_what_programs_write)
	{
		ck_assert_msg(login_may_use(ordinary[_i], strlen(ordinary[_i])), "%s",
			ordinary[_i]);
	}
END_TEST

/* Nobody is known to show another author, but no ordinary program writes them, either. */
static const char *const unusual[] = {
	"\"Dr. Me\" (a [b) <s@mine.m>",
	"s@mine.m (5\" disk)",
	"Me (5\" disk, 3\" disk) <s@mine.m>",
	"J. \"Joe\" Me (a [b] c) <s@mine.m>",
	"(a\tb) s@mine.m",
	"\"Me\tx\"\r\n (a\r\n\tb) <s@mine.m>",
	"\"\x1b$B%F%9%H\x1b(B\" <s@mine.m>",
	"\"\x1b$B%F%9%H\x1b(J Me\" <s@mine.m>",
	"(\xc3\xb6 \\) x) s@mine.m",
	"Me <s@mine.m>;",
	"\"Me, Inc\" <s@mine.m>;",
	"Me <s @mine.m>",
	"J. (Me, Inc) Smith <s@mine.m>",
	"J. R. Me (Mine, Inc.)<s@mine.m>",
	"=?utf-8?q?J=C3=B6rg <s@mine.m>",
	"\"ceo@bank.e\" x (a) <s@mine.m>",
	"s@mine.m(Me)",
	"s@mine.m (x ceo@bank.e)",
	"\"<ceo@bank.e>\"<me@mine.m>",
	"Me (ceo@bank.e) <me@mine.m>",
	"me@mine.m (ceo@bank.e)",
	"(ceo@bank.e)<me@mine.m>",
	"=?utf-8?q?ceo=40bank=2Ee?= (c) <me@mine.m>",
	"Us:;, me@mine.m",
	"me@mine.m, \"ceo@bank.e\" <me@mine.m>",
	",, me@mine.m,",
	"me@mine.m;",
	"Me <me@mine.m>>",
	"Me <me@mine.m (me)>",
	"Me <(me) me@mine.m>",
	"Mine, Inc (Me) <me@mine.m>",
	".NET Team <me@mine.m>",
	"MINE\\me <me@mine.m>",
	"Re: Us: Me <me@mine.m>",
	"me@mine.m (Me (at home))",
	"me@mine.m (Me :-\\))",
	"me@mine.m (\"Me\" [x])",
	"me@mine.m (=?utf-8?q?J=C3=B6rg?= =?utf-8?q?[M?=)",
	"Me [x] (home) <me@mine.m>",
	"me@mine.m (Me (home))",
	"me @ mine.m",
	"<me@\r\n mine.m >",
	"Me \"ceo@bank.e\" <me@mine.m>",
	"\"\\\"ceo@bank.e\\\"\" <me@mine.m>",
	"\"ceo@bank.e\" <me@mine.m>,",
	"\"ceo@bank.e\" (x) <me@mine.m>",
	"\"ceo@bank.e\" x \"y\" <me@mine.m>",
	"=?utf-8?q?ceo=40bank.e?= Inc <me@mine.m> (x)",
	"J. Me (ceo@bank.e) <me@mine.m>",
	"\"ceo@bank.e\" Inc. <me@mine.m>",
	"\"Me \\\"Joe\\\" X\" (x) <me@mine.m>",
	"J\xc3\xb6rg (ceo@bank.e) <me@mine.m>",
	"\"ceo@bank.e\" x\xc3\xb6 <me@mine.m>",
	"=?utf-8?q?ceo=40bank.e?= J. M. <me@mine.m>",
	"J\xf6rg, M. <me@mine.m>",
	"=?iso-8859-1?q?M=FCller=2C_Dr=2E_M=2E?=, Inc. <me@mine.m>",
	"=?utf-8?q?M=C3=BCller, J=C3=B6rg?= <me@mine.m>",
	"Me (5\" disk) <me@mine.m>",
	"Me (5\" disk, 3\" disk) <me@mine.m>",
	"me@mine.m (5\" disk)",
	"Me (a [b) <me@mine.m>",
	"me@mine.m (a =? b)",
	"Me (<3) <me@mine.m>",
	"[Me (home)] <me@mine.m>",
	"Me [x (y)] <me@mine.m>",
	"=?utf-8?q?Me (home)?= <me@mine.m>",
	"=?utf-8?q?\"Me\"?= <me@mine.m>",
	"=?utf-8?q?J=C3=B6rg <me@mine.m>",
	"=? <me@mine.m>",
	"\"Me <ceo@bank.e>\" <me@mine.m>, \"Me, Inc\" <me@mine.m>",
	"J. R. =?utf-8?q?J=C3=B6rg?= (x) \"Me, Inc.\" <me@mine.m>",
	"\"ceo@bank.e\" \"Me, Inc\" <me@mine.m>",
	"\"Me\"\"x\" <me@mine.m>",
	"me@mine.m (Me) (x)",
	"Me\r\n \r\n <me@mine.m>",
	"=?utf-8?q?Sales=2E?=: me@mine.m, 100% <me@mine.m>;",
	"\"\": me@mine.m;",
	"=?utf-8?q?Me=21?=, Inc <me@mine.m>",
	"Jane \"<me@mine.m>\" <me@mine.m>",
	"\"Doe\" \"Jane <me@mine.m>\" <me@mine.m>",
	"\"ce o, me@mine.m <x\" <me@mine.m>",
	"Me <me@mine.m> (me@mine.m)",
	"Me <me@mine.m>> (x)",
	"\"Me\"\t<\"me\"@mine.m>",
	"(Me) <me@mine.m>>",
	"(5\\\" disk) Me <me@mine.m>",
	"(x, bank.e) <me@mine.m>",
	"(x (y), z) <me@mine.m>",
	"\"Me\" x (a, b) <s@mine.m>",
	"Me \"5\\\" disk\" <me@mine.m>",
	"Me < me@mine.m >",
	"=?gb2312?B?sqnN3w==?= (x) <me@mine.m>, Me <me@mine.m>;",
};

START_TEST(refuses_what_is_unusual)
	{
		ck_assert_msg(!login_may_use(unusual[_i], strlen(unusual[_i])), "%s", unusual[_i]);
	}
END_TEST

/* What is refused, where it begins, and how to write it. */
static const struct {
	const char *value, *at, *advice;
} reasons[] = {
	{ "", "", "an address" },
	{ "Me", "", "an address" },
	{ "Me <>", "", "local@domain" },
	{ "Me <me @mine.m>", "me @", "local@domain" },
	{ "Me <me@mine.m (x)>", "<me@mine.m (x)", "local@domain" },
	{ "Me <\"a,b\"@mine.m>", "\"a,b\"@", "local@domain" },
	{ "Me\\x <me@mine.m>", "Me\\x", "the name in quotes" },
	{ "Me \"x <me@mine.m>", "\"x <", "the name in quotes" },
	{ "ceo@bank.e <me@mine.m>", "ceo@", "an @ or < belongs in a quoted name" },
	{ "Me \"ceo@bank.e\" <me@mine.m>", "Me \"", "an @ or < belongs in a quoted name" },
	{ "=?utf-8?q?x <me@mine.m>", "=?utf", "RFC 2047" },
	{ "Me (a \"b) <me@mine.m>", "(a", "the comment as plain words" },
	{ "me@mine.m (bank.e)", "(bank", "the comment as plain words" },
	{ "<me@mine.m>> x", "> x", "behind an address" },
	{ "me@mine.m; x", "; x", "behind an address" },
	{ "me@mine.m,, x", ", x", "each part of the list" },
	{ "\"x\", me@mine.m", ", me", "each part of the list" },
	{ "bank.e (x) <me@mine.m>", "bank.e (", "\"Name\" <address>, with nothing else" },
	{ "[x] Me, Inc <me@mine.m>", "[x] Me, Inc", "\"Name\" <address>, with nothing else" },
	{ "Me \x01<me@mine.m>", "Me", "control characters" },
};

static bool accept(void *context, const struct mail_address *address)
{
	(void)context;
	(void)address;
	return true;
}

START_TEST(tells_what_to_write)
	{
		const char *value = reasons[_i].value, *at = reasons[_i].at;
		struct from_field field = from_grammar_parse(value, strlen(value), accept, NULL);

		ck_assert_msg(field.refusal != NULL &&
				strstr(field.refusal, reasons[_i].advice) != NULL,
			"%s: %s", value, field.refusal);
		ck_assert_msg(strncmp(field.at, at, strlen(at)) == 0, "%s: at %s", value, field.at);
	}
END_TEST

START_TEST(tells_commas_in_names)
	{
		static const struct {
			const char *value;
			bool want;
		} rows[] = { { "Me, Inc <a@b.c>", true }, { "\"Me, Inc\" <a@b.c>", false },
			{ "Me <a@b.c>, x@y.z", false }, { "Me (a, b) <a@b.c>", false },
			{ "a@b.c, =?utf-8?q?M?=, x <x@y.z>", true } };

		for (int i = 0; i < COUNT(rows); i++) {
			const char *value = rows[i].value;

			ck_assert_msg(from_grammar_parse(value, strlen(value), accept, NULL)
						.has_comma == rows[i].want,
				"%s", value);
		}
	}
END_TEST

static bool count_to(void *context, const struct mail_address *address)
{
	size_t *left = context;

	(void)address;
	return --*left > 0;
}

START_TEST(stops_when_each_returns_false)
	{
		const char value[] = "a@b.c, d@e.f, g@h.i, \"unclosed";
		size_t left = 2;
		const struct from_field field =
			from_grammar_parse(value, sizeof(value) - 1, count_to, &left);

		ck_assert_ptr_null(field.refusal);
		ck_assert_uint_eq(field.count, 2);
		ck_assert_uint_eq(left, 0);
	}
END_TEST

/*
 * Fields of a begin, a text that is repeated, and an end. Those of the length longest are accepted,
 * and those with one more of the text are not: an MTA may change what they mean.
 */
static const struct {
	const char *begin, *text, *end;
	size_t longest;
} lengths[] = {
	{ "\"", "a", "\" <me@mine.m>", 240 + 14 },
	{ "\"ceo@bank.e", " ", "\" <me@mine.m>", 238 },
	{ "", "a", " <me@mine.m>", 240 + 12 },
	{ "=?utf-8?q?", "a", "?= <me@mine.m>", 240 + 12 },
	{ "", "=?utf-8?q?aaaaaaaaaaaaaaaaa?=\r\n ", "<me@mine.m>", 971 },
	{ "", "aaaaaaaaa ", "<me@mine.m>", 891 }, /* a line of 900 */
	{ "me@mine.m", ", me@mine.m", "", 900 },
	{ "me@mine.m", ",\r\n me@mine.m", "", 65009 },
	{ "", "aaaaaaaaa ", "<me@x.mine.m>", 233 },
	{ "me@x.mine.m (", "a", ")", 240 },
	{ "", "a ", "(x) <me@mine.m>", 240 },
};

static bool is_accepted(size_t row, size_t times)
{
	struct strbuf value = STRBUF_INIT;
	struct from_field field;
	size_t i;

	strbuf_add(&value, lengths[row].begin, strlen(lengths[row].begin));
	for (i = 0; i < times; i++)
		strbuf_add(&value, lengths[row].text, strlen(lengths[row].text));
	strbuf_add(&value, lengths[row].end, strlen(lengths[row].end));
	field = from_grammar_parse(value.text, value.len, accept, NULL);
	strbuf_free(&value);
	return field.refusal == NULL;
}

START_TEST(bounds_what_an_mta_cuts)
	{
		const size_t fixed = strlen(lengths[_i].begin) + strlen(lengths[_i].end);
		const size_t times = (lengths[_i].longest - fixed) / strlen(lengths[_i].text);

		ck_assert_msg(is_accepted((size_t)_i, times), "%s%s", lengths[_i].begin,
			lengths[_i].text);
		if (lengths[_i].longest < 10000)
			ck_assert_msg(!is_accepted((size_t)_i, times + 1), "%s%s",
				lengths[_i].begin, lengths[_i].text);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_grammar");
	TCase *tcase = tcase_create("from_grammar");

	tcase_add_loop_test(tcase, accepts_what_programs_write, 0, COUNT(ordinary));
	tcase_add_loop_test(tcase, refuses_what_is_unusual, 0, COUNT(unusual));
	tcase_add_loop_test(tcase, tells_what_to_write, 0, COUNT(reasons));
	tcase_add_test(tcase, tells_commas_in_names);
	tcase_add_test(tcase, stops_when_each_returns_false);
	tcase_add_loop_test(tcase, bounds_what_an_mta_cuts, 0, COUNT(lengths));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
