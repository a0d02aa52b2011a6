/*
 * Shows that a From field in which a mail program shows another author than the user is refused,
 * and that similar fields of ordinary mail pass. The programs were run with these fields.
 */
#include "lib/match/from_header.h"

#include <string.h>
#include <time.h>

#include "lib/base/strbuf.h"
#include "lib/match/from_names.h"
#include "t/unit/unit.h"

/* The login owns s@mine.m: a program that appends it to "bos" shows boss@mine.m. */
static const struct {
	const char *value;
	bool legitimate;
} authors[] = {
	/* A quote or bracket that is open at the end of a comment hides what follows from
	 * Thunderbird, as far as the next one, and from Evolution and Sylpheed. */
	{ "bos (\") <(\") s@mine.m>", false },
	{ "bos (a\") x <(b\")s@mine.m>", false },
	{ "bos (a[b) <(c]d) s@mine.m>", false },
	{ "bos (a[b) <s@mine.m> (c]d)", false },
	{ "Us:(\"x)bos \"y\" <s@mine.m>", false },
	{ "bank!ceo (x\"y) <s@mine.m>", false },
	{ "bank.e (x\"y) <s@mine.m>", false },
	{ "\"bank.e\" (a[b) <s@mine.m>", false },
	{ "ceo\uff20"
	  "bank.e (x\"y) <s@mine.m>",
		false },
	{ "=?utf-8?q?ceo=EF=BC=A0bank.e?= (x[y) <s@mine.m>", false },
	{ "(ceo\uff20"
	  "bank.e) (x\"y) <s@mine.m>",
		false },
	{ "\"=\x01?utf-8?q?ceo=40bank.e?=\"(a[b)<s@mine.m>", false },
	{ "J. Me, Inc. (5\" disk) <s@mine.m>", false },
	{ "\"Dr. Me\" (a [b) <s@mine.m>", true },
	{ "s@mine.m (5\" disk)", true },
	{ "Me (5\" disk, 3\" disk) <s@mine.m>", true },
	{ "J. \"Joe\" Me (a [b] c) <s@mine.m>", true },

	/* It removes control characters first, so that a backslash escapes what follows them. */
	{ "(\\\x01(x)bos) s@mine.m", false },
	{ "(\\\x7f(x)bos)s@mine.m", false },
	{ "(x\x0b) s@mine.m", false },
	{ "\"Me\x01\" <s@mine.m>", false },
	{ "(a\tb) s@mine.m", true },
	{ "\"Me\tx\"\r\n (a\r\n\tb) <s@mine.m>", true },

	/* It decodes a field that is not UTF-8 by the charset of the message: a backslash may be
	 * the second byte of a character, and ISO-2022-JP hides what is between its escapes. */
	{ "(\x95\\)bos) s@mine.m", false },
	{ "(a\xa5\\)bos)s@mine.m", false },
	{ "(\x95\\(bos) x) s@mine.m", false },
	{ "\"ceo@bank.e\\\"\xa5\\\"\" <s@mine.m>", false },
	{ "bos (\x1b$B) <(\x1b(B\xff)) s@mine.m>", false },
	{ "\"\x1b$B%F\" <s@mine.m>", false },
	{ "\"\x1b$B%F%9%H\x1b(B\" <s@mine.m>", true },
	{ "\"\x1b$B%F%9%H\x1b(J Me\" <s@mine.m>", true },
	{ "(\xc3\xb6 \\) x) s@mine.m", true },
	{ "\"\\\"Andr\xc3\xa9\\\" Me\" <s@mine.m>", true },

	/* Evolution loses the address before a semicolon, if no group precedes it. */
	{ "\"ceo@bank.e\" <s@mine.m>;", false },
	{ "=?utf-8?q?ceo=40bank.e?= <s@mine.m> ;", false },
	{ "Me (ceo@bank.e) <s@mine.m>;", false },
	{ "s@mine.m, \"ceo@bank.e\" <s@mine.m>; ", false },
	{ "ceo\uff20"
	  "bank.e <s@mine.m>;",
		false },
	{ "Me <s@mine.m>;", true },
	{ "\"Me, Inc\" <s@mine.m>;", true },

	/* ... and before white space within the brackets. */
	{ "ceo\uff20"
	  "bank.e <s @mine.m>",
		false },
	{ "ceo\uff20"
	  "bank.e \"(\" < s@mine.m>",
		false },
	{ "Me <s @mine.m>", true },

	/* It joins the end of a name to the address if a dot is in the name, and a comma in a
	 * comment or in quotes, or if it cannot read the name otherwise. */
	{ "J..(x, y)bos<s@mine.m>", false },
	{ "J.-(,)xbos<s@mine.m>", false },
	{ "\"a\".\"x, y\"xbos<s@mine.m>", false },
	{ "J.: (x, y)bos<s@mine.m>", false },
	{ "bos.=?utf-8?q?a?=xbos<s@mine.m", false },
	{ "J.: \"q\"<s@mine.m", false },
	{ "J. \"\\\"q\"xbos<s@mine.m> (c)", false },
	{ "J. (Me, Inc) Smith <s@mine.m>", true },
	{ "J. R. Me (Mine, Inc.) <s@mine.m>", true },
	{ "J. R. Me (Mine, Inc.)<s@mine.m>", true },
	{ "J. R. Me<s@mine.m>, \"Me, Inc\" <s@mine.m>", true },
	{ "J. R. \"Joe, Jr.\" Smith <s@mine.m>", true },
	{ "J. R.<s@mine.m>", true },
	{ "\"J. R., Inc\"<s@mine.m>", true },

	/* Python, KMail, Roundcube, Cyrus IMAP and c-client see no separator in comments, quotes
	 * and encoded-words, so that the author's address begins before them. */
	{ "bos(,)s@mine.m <s@mine.m>", false },
	{ "bos (;)s@mine.m <s@mine.m>", false },
	{ "bos.(:) s@mine.m <s@mine.m>", false },
	{ "\"bos,\"s@mine.m <s@mine.m>", false },
	{ "\"bos:\" s@mine.m <s@mine.m>", false },
	{ "=?utf-8?q?bos=2C?=s@mine.m <s@mine.m>", false },
	{ "=?utf-8?q?=28?=s@mine.m <s@mine.m>", false },
	{ "\"Doe, Jane <s@mine.m>\" <s@mine.m>", true },
	{ "\"Doe, 'Jane' <s@mine.m>\" (x, y) <s@mine.m>", false },

	/* Python, Perl, c-client and libmime decode an encoded-word within one without an end. */
	{ "=?utf-8?q?x =?utf-8?b?Y2VvQGJhbmsuZQ==?=, Me <s@mine.m>", false },
	{ "=?utf-8?q?=?utf-8?b?Y2VvQGJhbmsuZQ==?=: s@mine.m;", false },
	{ "=?utf-8?b?x =?utf-8?b?Y2VvQGJhbmsuZQ==?= <s@mine.m>>", false },
	{ "=?utf-8?q?x?= =?utf-8?q?J=C3=B6rg?=, Me <s@mine.m>", true },
	{ "=?utf-8?q?J=C3=B6rg <s@mine.m>", true },

	/* Horde takes a comma in a comment behind a word for the end of an author. */
	{ "\"ceo@bank.e\" x (,) <s@mine.m>", false },
	{ "\"ceo@bank.e\" x (a, b) <s@mine.m>", false },
	{ "s@mine.m, x \"ceo@bank.e\" (a; b) <s@mine.m>", false },
	{ "\"ceo@bank.e\" x (a) <s@mine.m>", true },
	/* ... and white space in a comment directly behind an address. */
	{ "s@mine.m(x ceo@bank.e)", false },
	{ "s@mine.m( ceo@bank.e)", false },
	{ "s@mine.m(Me)", true },
	{ "s@mine.m (x ceo@bank.e)", true },
	{ "\"Me\" x (a, b) <s@mine.m>", true },

	/* SnappyMail decodes before it looks for comments. */
	{ "bos=?utf-8?q?=28?= <(x)s@mine.m>", false },
	{ "U=?utf-8?q?=28?=s: (x)s@mine.m;", false },
	{ "bos=?utf-8?b?KA==?=<()s@mine.m>", false },
	{ "s @mine.m (=?utf-8?q?=29?=ceo@bank.e)", false },
	{ "=?utf-8?q?Me_=28Inc=29?= <s@mine.m> (x)", true },
	{ "=?utf-8?q?Me_=28Inc?= =?utf-8?q?x=29?= <s@mine.m>", true },
	{ "=?utf-8?q?Me_=3A-=29?= <s@mine.m>", true },

	/* A precaution: characters for which nothing is shown. */
	{ "s@mine.m\u3164", false },
	{ "s\u00ad@mine.m", false },
	{ "\u2800s@mine.m", false },
	{ "s\ufe0f@mine.m", false },
	{ "s\U000e0020@mine.m", false },
};

static bool owns(void *context, const struct mail_address *address)
{
	bool *own = context;

	*own = *own && strcmp(address->canon, "s@mine.m") == 0;
	return true;
}

START_TEST(knows_the_author)
	{
		const char *value = authors[_i].value;
		const size_t len = strlen(value);
		bool own = true;
		enum from_result result = from_header_parse(value, len, owns, &own);

		if (result == FROM_NAMES && !from_names_parse(value, len, owns, &own))
			result = FROM_UNPARSABLE;
		own = own && result != FROM_UNPARSABLE && result != FROM_NONE;
		ck_assert_msg(own == authors[_i].legitimate, "%s: result %d", value, (int)result);
	}
END_TEST

/* A comment that is searched again at each of its escapes would need minutes. */
START_TEST(reads_a_long_comment_once)
	{
		struct strbuf value = STRBUF_INIT;
		struct timespec from, to;
		size_t i, times = unit_times(1 << 17);
		bool own = true;
		double seconds;

		strbuf_add(&value, "s@mine.m (", 10);
		for (i = 0; i < times; i++)
			strbuf_add(&value, "\\\"", 2);
		strbuf_add_char(&value, ')');
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		(void)from_header_parse(value.text, value.len, owns, &own);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		seconds = (double)(to.tv_sec - from.tv_sec);
		ck_assert_msg(seconds < 20, "%zu bytes took %.0f s", value.len, seconds);
		strbuf_free(&value);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_authors");
	TCase *tcase = tcase_create("from_authors");

	tcase_add_loop_test(tcase, knows_the_author, 0, sizeof(authors) / sizeof(authors[0]));
	tcase_add_test(tcase, reads_a_long_comment_once);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
