/*
 * Shows that a From field in which a mail program shows another author than the user is refused,
 * and that similar fields of ordinary mail pass. The programs were run with these fields. A program
 * that appends the address s@mine.m to "bos" shows boss@mine.m.
 */
#include "lib/match/from_grammar.h"

#include <string.h>

#include "t/unit/lib/from_login.h"
#include "t/unit/unit.h"

static const struct author_row authors[] = {
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

	/* It removes control characters first, so that a backslash escapes what follows them. */
	{ "(\\\x01(x)bos) s@mine.m", false },
	{ "(\\\x7f(x)bos)s@mine.m", false },
	{ "(x\x0b) s@mine.m", false },
	{ "\"Me\x01\" <s@mine.m>", false },

	/* It decodes a field that is not UTF-8 by the charset of the message: a backslash may be
	 * the second byte of a character, and ISO-2022-JP hides what is between its escapes. */
	{ "(\x95\\)bos) s@mine.m", false },
	{ "(a\xa5\\)bos)s@mine.m", false },
	{ "(\x95\\(bos) x) s@mine.m", false },
	{ "\"ceo@bank.e\\\"\xa5\\\"\" <s@mine.m>", false },
	{ "bos (\x1b$B) <(\x1b(B\xff)) s@mine.m>", false },
	{ "\"\x1b$B%F\" <s@mine.m>", false },
	{ "\"\\\"Andr\xc3\xa9\\\" Me\" <s@mine.m>", true },

	/* Evolution loses the address before a semicolon, if no group precedes it. */
	{ "\"ceo@bank.e\" <s@mine.m>;", false },
	{ "=?utf-8?q?ceo=40bank.e?= <s@mine.m> ;", false },
	{ "Me (ceo@bank.e) <s@mine.m>;", false },
	{ "s@mine.m, \"ceo@bank.e\" <s@mine.m>; ", false },
	{ "ceo\uff20"
	  "bank.e <s@mine.m>;",
		false },

	/* ... and before white space within the brackets. */
	{ "ceo\uff20"
	  "bank.e <s @mine.m>",
		false },
	{ "ceo\uff20"
	  "bank.e \"(\" < s@mine.m>",
		false },

	/* It joins the end of a name to the address if a dot is in the name, and a comma in a
	 * comment or in quotes, or if it cannot read the name otherwise. */
	{ "J..(x, y)bos<s@mine.m>", false },
	{ "J.-(,)xbos<s@mine.m>", false },
	{ "\"a\".\"x, y\"xbos<s@mine.m>", false },
	{ "J.: (x, y)bos<s@mine.m>", false },
	{ "bos.=?utf-8?q?a?=xbos<s@mine.m", false },
	{ "J.: \"q\"<s@mine.m", false },
	{ "J. \"\\\"q\"xbos<s@mine.m> (c)", false },
	{ "J. R. Me (Mine, Inc.) <s@mine.m>", true },
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

	/* Horde takes a comma in a comment behind a word for the end of an author. */
	{ "\"ceo@bank.e\" x (,) <s@mine.m>", false },
	{ "\"ceo@bank.e\" x (a, b) <s@mine.m>", false },
	{ "s@mine.m, x \"ceo@bank.e\" (a; b) <s@mine.m>", false },
	/* ... and white space in a comment directly behind an address. */
	{ "s@mine.m(x ceo@bank.e)", false },
	{ "s@mine.m( ceo@bank.e)", false },

	/* SnappyMail decodes before it looks for comments. */
	{ "bos=?utf-8?q?=28?= <(x)s@mine.m>", false },
	{ "U=?utf-8?q?=28?=s: (x)s@mine.m;", false },
	{ "bos=?utf-8?b?KA==?=<()s@mine.m>", false },
	{ "s @mine.m (=?utf-8?q?=29?=ceo@bank.e)", false },
	{ "=?utf-8?q?Me_=28Inc=29?= <s@mine.m> (x)", true },
	{ "=?utf-8?q?Me_=28Inc?= =?utf-8?q?x=29?= <s@mine.m>", true },
	{ "=?utf-8?q?Me_=3A-=29?= <s@mine.m>", true },

	/* ... and converts the whole field by the charset of a word. The bracket then becomes a
	 * part of a character that is not complete, or the address of one whose escape sequence has
	 * no end. */
	{ "=?gbk?Q?bo=E9?=<s@mine.m>", false },
	{ "=?gbk?Q?bo=E9?=:s@mine.m", false },
	{ "=?euc-jp?q?bo=8F?= <s@mine.m>", false },
	{ "=?shift_jis?q?bo=A1=F7?=<s@mine.m>", false },
	{ "=?shift_jis?q?bo=F0=9F?=<s@mine.m>", false },
	{ "=?ks_c_5601-1987?q?bo=8E=A2?=<s@mine.m>", false },
	{ "=?iso-2022-jp?q?ceo=40bank.e_=1B$B?= <s@mine.m>", false },
	{ "=?gbk?q?bo=B0=A1?=<s@mine.m>", true },

	/* ... or of one that begins behind a byte for which it shows nothing. */
	{ "=?gb2312?q?bo=AA=E9?=<s@mine.m>", false },
	{ "=?euc-kr?q?bo=C9=E9?=<s@mine.m>", false },
	{ "\"=?gb2312?q?ceo=40bank.e=AA=E9?=\" <s@mine.m>", false },
	{ "=?gb2312?q?ceo=40bank.e_=28x=81=B0=29?= <s@mine.m>", false },
	{ "=?euc-kr?q?ceo=40bank.e_=28x=FE=B0=29?= <s@mine.m>", false },
	{ "=?shift_jis?q?ceo=40bank.e_=28x=F0=9F=29?= <s@mine.m>", false },
	{ "=?big5?q?ceo=40bank.e_=28x=FD=CA=29?= <s@mine.m>", false },
	{ "=?big5?q?ceo=40bank.e_=28x=C8=A7=29?= <s@mine.m>", false },
	{ "=?gb2312?q?ceo=40bank.e_=28x=B0=A1=29?= <s@mine.m>", true },
	{ "=?shift_jis?q?ceo=40bank.e_=28x=93=FA=29?= <s@mine.m>", true },

	/* ... so that letters outside of ASCII beside the word change, and what is behind them. */
	{ "=?gb2312?q?=C4=E3?= bos\u4021<s@mine.m>", false },
	{ "bos\u4021 =?gb2312?q?=C4=E3?= <s@mine.m>", false },
	{ "s@mine.m (\u4021 =?gb2312?q?=C4=E3?=)", false },
	{ "=?iso-2022-jp?q?x?= J\u00f6rg <s@mine.m>", false },
	{ "=?utf-8?q?J=C3=B6rg?= M\u00fcller <s@mine.m>", true },

	/* ... as Cypht and Sylpheed decode: in these charsets, too, a quotation mark or parenthesis
	 * hides the address, and brackets contain another one. */
	{ "=?gb2312?q?=3Cceo=40bank.e=3E_=22?= <s@mine.m>", false },
	{ "=?gb2312?q?ceo=40bank.e_=28?= <s@mine.m>", false },
	{ "=?gb2312?q?ceo=81=40bank.e_=22?= <s@mine.m>", false },
	{ "\"=?gb2312?q?=22ceo=40bank.e_=3Cceo=40bank.e=3E=28?=\" <s@mine.m>", false },
	{ "=?iso-2022-jp?q?=3Cceo=40bank.e=3E_=22?= <s@mine.m>", false },
	{ "=?utf-7?q?+ADw-ceo+AEA-bank.e+AD4_+ACI-?= <s@mine.m>", false },
	{ "=?base64?q?PGNlb0BiYW5rLmU+ICI=?= <s@mine.m>", false },
	{ "=?x?q?=3Cceo=40bank.e=3E_=22?= <s@mine.m>", false },
	{ "=?gb2312?q?ceo=40bank.e_=B0=A1?= <s@mine.m>", true },

	{ "=?utf-8?B?Y2VvQGJhbmsuZSAo\xc3\xa9"
	  "eCljZW8=?= <s@mine.m>",
		false }, /* SnappyMail decodes as far as the 8-bit letter */

	/* Cypht ends an author at a comma that was encoded. */
	{ "=?utf-8?q?ceo=40bank.e=2C_Inc?= <s@mine.m>", false },
	{ "=?utf-8?q?Inc=2C_ceo=40bank.e?= <s@mine.m>", true },

	/* Cypht and SnappyMail show the parenthesis of an escape sequence that they do not know. */
	{ "=?iso-2022-jp?q?ceo=40bank.e_=1B=24=28Cxy=1B=28B?= <s@mine.m>", false },
	{ "=?iso-2022-jp-1?q?ceo=40bank.e_=1B=24Bxy=1B=28B?= <s@mine.m>", false },
	{ "=?iso-2022-jp-3?q?=1B=24=28D=3Cceo=40bank.e=3E=1B=28B?= <s@mine.m>", false },

	/* Sylpheed leaves out the end of Base64 without padding: here, a parenthesis. */
	{ "=?utf-8?B?Y2VvQGJhbmsuZXhhbXBsZSAoeCk?= <s@mine.m>", false },
	{ "=?utf-8?B?Y2VvQGJhbmsuZXhhbXBsZSAoeCk=?= <s@mine.m>", true },

	/* Python decodes an encoded-word within one, if it has to guess where the name ends. */
	{ "=?utf-8?q?=3D=3Futf-8=3Fq=3Fceo=3D40bank=3D2Ee=3F=3D?= x <<s@mine.m>>", false },
	{ "=?utf-8?q?=3D?= =?utf-8?q?=3Futf-8=3Fq=3Fceo=3D40bank?= =?utf-8?q?=3F=3D?= <<s@mine.m>>",
		false },
	{ "=?utf-8?B?PT9VVEYtOD9RP0rDtnJnPz0=?= <s@mine.m>", true },

	/* ... and it ends a quoted string at a carriage return, if that was decoded first. */
	{ "\"=?utf-8?q?ceo=40bank.e=0D?=\" <s@mine.m>", false },

	/* Evolution decodes a word before a comma that only resembles an encoded-word. */
	{ "=x?q?=63=65=6f=40=62=2e=65,y?= <s@mine.m>", false },
	{ "=x?b?Y2VvQGIuZWU,y <s@mine.m>", false },
	{ "x?=y, Me <s@mine.m>", false },
	{ "What?, a=b <s@mine.m>", true },

	/* A precaution: characters for which nothing is shown. */
	{ "s@mine.m\u3164", false },
	{ "s\u00ad@mine.m", false },
	{ "\u2800s@mine.m", false },
	{ "s\ufe0f@mine.m", false },
	{ "s\U000e0020@mine.m", false },
};

START_TEST(knows_the_author)
	{
		check_author(&authors[_i]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_authors");
	TCase *tcase = tcase_create("from_authors");

	tcase_add_loop_test(tcase, knows_the_author, 0, sizeof(authors) / sizeof(authors[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
