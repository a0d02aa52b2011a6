/*
 * Shows that names and comments of a From field that a mail program shows as an author are refused,
 * and that ordinary names pass. The programs were run with these fields.
 */
#include "lib/match/from_grammar.h"

#include <string.h>

#include "t/unit/lib/from_login.h"
#include "t/unit/unit.h"

static const struct author_row authors[] = {
	/* Some look for addresses in comments and quotes. */
	{ "(ceo@bank.e) me@mine.m", false },
	{ "me@mine.m (Me (ceo@bank.e))", false },
	{ "me@mine.m (<ceo@bank.e>)", false },
	{ "Me (<ceo@bank.e>) <me@mine.m>", false },
	{ "me@mine.m (x, ceo@bank.e)", false },
	{ "me@mine.m (x; ceo@bank.e)", false },
	{ "me@mine.m (x: ceo@bank.e)", false },
	{ "me@mine.m (\"ceo@bank.e\")", false },
	{ "Me \"<ceo@bank.e>\" <me@mine.m>", false },
	{ "\"M\" \"<ceo@bank.e>\" <me@mine.m>", false },
	{ "(x) \"<ceo@bank.e>\" <me@mine.m>", false },
	{ "me@mine.m, \"<ceo@bank.e>\" (x) \"y\" <me@mine.m>", false },
	{ "(=?utf-8?q?=29_ceo=40bank.e,_ ) <me@mine.m> ?=", false },
	{ "\"=?utf-8?q?=22_ceo=40bank.e,_ \" <me@mine.m> ?=", false },
	{ "<@x.y: me@mine.m>", false },
	{ "<@bank.\\e:me@mine.m>", false },
	{ "\"\\\"<ceo@bank.e>\\\"\" <me@mine.m>", false },
	{ "\"x\\\\\" \"ceo@bank.e\" <me@mine.m>", false },
	{ "\"x\\\\\\\"ceo@bank.e\" <me@mine.m>", false },

	/* ... when something else in the field is malformed. */
	{ "\"ceo@bank.e\" \x01<me@mine.m>", false },
	{ "\"ceo@bank.e\" [x] <me@mine.m>", false },
	{ "\"ceo@bank.e\" <me@mine.m>>", false },
	{ "\"ceo@bank.e\" <me@mine.m", false },
	{ "\"ceo@bank.e\" <me@mine.m> me", false },
	{ "\"ceo@bank.e\" <<me@mine.m>>", false },
	{ "\"ceo@bank.e\" <@x.y:me@mine.m>", false },
	{ "Us: \"ceo@bank.e\" <me@mine.m>;", false },
	{ "M, =?utf-8?q?ceo=40bank.e?= <me@mine.m>", false },
	{ "Me (ceo@bank.e) <me@mine.m", false },
	{ "(ceo@bank.e) \x01<me@mine.m>", false },
	{ "Me \"x\\\\\" (ceo@bank.e) <me@mine.m>", false },
	{ "Me \"x\\\"\" (ceo@bank.e) <me@mine.m>", false },
	{ "Me (ceo@bank.e) <<me@mine.m>>", false },
	{ "\"ceo@bank.e\" < me@mine.m >", false },
	{ "\"ceo@bank.e\" <me@mine.m\r\n >", false },
	{ "\"ceo@bank.e\" <me @mine.m>", false },
	{ "\"ceo@bank.e\" <me@mine.m (x)>", false },
	{ "\"ceo@bank.e\" \"\" <me@mine.m>", false },
	{ "\"ceo@bank.e\" (x) \"y\" <me@mine.m>", false },
	{ "(x) \"ceo@bank.e\" <me@mine.m>", false },
	{ "(<), \"ceo@bank.e\" <me@mine.m>", false },
	{ "\"ceo@bank.e\" <me@mine.m>; Me <me@mine.m>", false },
	{ "\"\\\"ceo@bank.e\" <me@mine.m>", false },
	{ "\"x\\\"\" \"ceo@bank.e\" <me@mine.m>", false },
	{ "Me [ =?utf-8?q?ceo=40bank.e?= <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?=. <me@mine.m>", false },
	{ "\"ceo@bank.e\" . \"x\" <me@mine.m>", false },
	{ "\"ceo@bank.e\" ((x) y) <me@mine.m>", false },
	{ ", \"ceo@bank.e\" <me@mine.m>", false },
	{ "me@mine.m,, \"ceo@bank.e\" <me@mine.m>", false },
	{ "MINE\\me (ceo@bank.e) <me@mine.m>", false },
	{ "[Me (ceo@bank.e)] <me@mine.m>", false },
	{ "[\"ceo@bank.e\"] <me@mine.m>", false },
	{ "Me (5\" ceo@bank.e) <me@mine.m>", false },
	{ "Me (5\") \"ceo@bank.e\" (\") <me@mine.m>", false },
	{ "=?utf-8?q?\"ceo@bank.e\"?= <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e (x)?= <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e, x?= <me@mine.m>", false },
	{ "=?utf-8?q?bank=2Ee?=, x <me@mine.m>", false },
	{ "=?utf-8?q?a?=, =?utf-8?q?ceo=40bank.e?= <me@mine.m>", false },
	{ "=?utf-16be?b?AGMAZQBv?=, x <me@mine.m>", false },
	{ "bank\xe3\x80\x82"
	  "e, x <me@mine.m>",
		false },

	{ "Me (ceo@bank.e) < me@mine.m >", false },
	{ "Me (ceo@bank.e) <me@mine.m>>", false },
	{ "<me@mine.m>> (ceo@bank.e)", false },
	{ "M, Me (ceo@bank.e) <me@mine.m>", false },
	{ "Me (ceo@bank.e) M <me@mine.m> (x)", false },

	/* Sendmail puts a name in quotes, and its backslashes and quotes behind more backslashes.
	 */
	{ "Me (ceo@bank.e) <me@mine.m> M", false },
	{ "J. \"x\\\" ceo@bank.e\\\"\" <me@mine.m>", false },
	{ "\"x\\\" ceo@bank.e\\\"\" J. <me@mine.m>", false },
	{ "\"x\\\" ceo@bank.e\\\"\" (x) <me@mine.m>", false },
	{ "\"x\\\"y\\\"\" (ceo@bank.e) <me@mine.m>", false },
	{ "\"<ceo@bank.e>\" J. <me@mine.m>", false },
	{ "=?utf-8?q?M?= \"<ceo.bank.e\" <me@mine.m>", false },

	/* PHP's mailparse knows no escaped quotes. Thunderbird decodes a field of another charset
	 * than UTF-8 first, and a backslash may then be part of a character. */
	{ "\"x\\\" ceo@bank.e, \\\"\" <me@mine.m>", false },
	{ "\"x\\\" ceo@bank.e; \\\"\" <me@mine.m>", false },
	{ "\"\\\"Me\\\": ceo@bank.e\" <me@mine.m>", false },
	{ "bank!ceo\"\\\"\" <me@mine.m>", false },
	{ "\"\\\"ceo@bank.(\\)\\\"\" <me@mine.m>", false },
	{ "\"Me \\\"Joe\\\" (home)\" <me@mine.m>", true },
	{ "bank.e, me@mine.m \"\\\"\" <me@mine.m>", false },
	{ "\"\\\"bank.e\" <me@mine.m>", false },
	{ "\"\x95\\\" ceo@bank.e, x\x95\\\" y\" <me@mine.m>", false },

	/* Evolution looks for addresses in a quoted string behind an unquoted dot. */
	{ "a.b \"ceo@bank.e, x\" <me@mine.m>", false },
	{ "bank.e\"ceo@bank.e,\" <me@mine.m>", false },
	{ "a.b c \"x, ceo@bank.e\" <me@mine.m>", false },
	{ "J. R. x \"ceo@bank.e;\" <me@mine.m>", false },

	/* SnappyMail drops bytes that are not UTF-8, beside some encoded-words. */
	{ "Me =?utf-8?q?=3A?= <s\xf6@mine.m>", false },
	{ "Me =?utf-8?q?=3A?= <s@mine\xf6.m>", false },
	{ "s\xf6@mine.m", false },

	/* It ends the quotes at the <, and finds other ones behind a quoted string.
	 * mailparse (Rust) sees quotes only at the beginning of a name, and VMime only behind a
	 * space. */
	{ "\"x <ceo@bank.e>, y\" <me@mine.m>", false },
	{ "\"x <ceo@bank.e>; y\" <me@mine.m>", false },
	{ "\"ceo@bank.e, <x\" <me@mine.m>", false },
	{ "me@mine.m, \"x <ceo@bank.e>, y\" <me@mine.m>", false },
	{ "\"Me\"\"x ceo@bank.e y\" <me@mine.m>", false },
	{ "x\"ceo@bank.e\" <me@mine.m>", false },
	{ "=?utf-8?q?M?=\"ceo@bank.e\" <me@mine.m>", false },
	{ "Me \"ceo@bank.e, x\" <me@mine.m>", false },
	{ "\"Me\" \"x; ceo@bank.e\" <me@mine.m>", false },
	{ "\"Me\" \"ceo@bank.e\" <me@mine.m>", false },
	{ "Me \"ceo@bank.e\" \"x, y\" <me@mine.m>", false },
	{ "\"Me\" x \"ceo@bank.e\" <me@mine.m>", false },
	{ "= \"ceo@bank.e\" <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?=x \"ceo@bank.e\" <me@mine.m>", false },
	{ "\"Me\"=?utf-8?q?=22a=22?= (x ceo@bank.e y) <me@mine.m>", false },
	{ "\"Me\"\"x, y\" (x ceo@bank.e y) <me@mine.m>", false },

	/* libetpan takes the name of a group for an author, K-9 Mail the words before a comma. */
	{ "ceo.bank.e: me@mine.m;", false },
	{ "x bank.e: me@mine.m", false },
	{ "bank!ceo: me@mine.m;", false },
	{ "x ceo%bank: me@mine.m;", false },
	{ "ceo\uff20"
	  "bank: me@mine.m;",
		false },
	{ "=?utf-8?q?bank=2Ee?=: me@mine.m;", false },
	{ "bank!ceo, Me <me@mine.m>", false },
	{ "ceo%bank, Me <me@mine.m>", false },
	{ "<me@mine.m> bank!ceo", false },
	{ "Yahoo!Mail, Inc <me@mine.m>", false },
	{ "\"bank.e\": me@mine.m;", false },
	{ "\"ceo at bank.e\": me@mine.m;", false },
	{ "\"bank!ceo\": me@mine.m;", false },
	{ "\"x ceo%bank\" y: me@mine.m;", false },
	{ "\"ceo\uff20"
	  "bank\": me@mine.m;",
		false },
	{ "\"bank\uff0e"
	  "e\": me@mine.m;",
		false },
	{ "Us \"bank.e\": me@mine.m;", false },
	{ "\"=?utf-8?q?bank=2Ee?=\": me@mine.m;", false },
	{ "\"=?utf-8?q?B=C3=BCro?=\": me@mine.m;", true },
	{ "=?utf-8?q?bank=21ceo?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?ceo%bank?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?x_ceo=25bank_y?=, Me <me@mine.m>", false },
	{ "=?utf-8?b?YmFuayFjZW8=?=: me@mine.m;", false },
	{ "<me@mine.m> =?us-ascii?q?bank=21ceo?=", false },
	{ "=?utf-8?q?ceo=EF=BC=A0bank?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?ceo=EF=B9=ABbank?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?bank=E3=80=82e?=, Me <me@mine.m>", false },
	{ "=?utf-8?b?Y2Vv77ygYmFuaw==?=: me@mine.m;", false },
	{ "=?euc-jp?q?ceo=A1=F7bank?=, Me <me@mine.m>", false },
	{ "=?shift_jis?q?ceo=81=97bank?=, Me <me@mine.m>", false },
	{ "=?gb2312?q?ceo=A3=C0bank?=, Me <me@mine.m>", false },
	{ "=?iso-2022-jp?q?ceo=1B$B!w=1B(Bbank?=, Me <me@mine.m>", false },
	{ "=?iso-2022-jp?q?=1B$B%F=1B(Bbank!ceo?=, Me <me@mine.m>", false },

	/* Horde sees no quotes behind a word or comment. */
	{ "bank.e \"Me, Inc\" <me@mine.m>", false },
	{ "bank!ceo \"Me; Inc\" <me@mine.m>", false },
	{ "\"ceo@bank.e\" x \"Me, Inc\" <me@mine.m>", false },
	{ "\"bank.e\" =?utf-8?q?x?= \"Me, Inc\" <me@mine.m>", false },
	{ "=?utf-8?q?ceo=40bank.e?= \"Me, Inc\" <me@mine.m>", false },
	{ "(bank.e) \"Me, Inc\" <me@mine.m>", false },
	{ "=?gbk?q?bank=2Ee?= \"Me, Inc\" <me@mine.m>", false },

	/* Roundcube, JavaMail, Mail::Address and mailparse show a route, libetpan nothing else. */
	{ "<@bank.e:me@mine.m>", false },
	{ "Me <@[192.0.2.1]:me@mine.m>", false },

	/* libetpan and JavaMail show the name if the brackets are not closed. */
	{ "\"bank.e\"\r\n x <me@mine.m", false },
	{ "bank!ceo <me@mine.m", false },
	{ "Dr. M. Me <me@mine.m", true },

	/* Python appends a word to one that ends with a dot. */
	{ "=?utf-8?q?bank=2E?= e <<me@mine.m>>", false },
	{ "=?utf-8?q?bank.?= =?utf-8?q?e?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?bank?= =?utf-8?q?=2Ee?=, Me <me@mine.m>", false },
	{ "=?utf-8?q?bank=21?=ceo, Me <me@mine.m>", false },
	{ "bank=?utf-8?q?=25ceo?=, Me <me@mine.m>", false },

	/* libetpan ends a quoted local part at a fold. */
	{ "\"ceo\r\n x\"@mine.m", false },
	{ "Me <\"ceo\r\n x\"@mine.m>", false },

	/* rspamd expects one comment, and some end the header at a line of white space. */
	{ "<me@mine.m> (x) (ceo@bank.e)", false },
	{ "\"ceo@bank.e\"\r\n \r\n <me@mine.m>", false },
	{ "\"ceo@bank.e\n\t\n x\" <me@mine.m>", false },

	/* A precaution: U+FF20 and U+FE6B look like an @, and NFKC makes them one. */
	{ "ceo\uff20"
	  "bank.e@mine.m",
		false },
	{ "Me <\"ceo\ufe6b"
	  "bank.e\"@mine.m>",
		false },

	/* mblaze sees no quotes around an encoded-word that it cannot decode. */
	{ "\"<ceo@bank.e> =?\" <me@mine.m>", false },
	{ "\"a:ceo@bank.e;=?\" <me@mine.m>", false },
	{ "\"=?ceo@bank.e,\" <me@mine.m>", false },
	{ "\"ceo <ceo@bank.e>=?utf-8?=\" <me@mine.m>", false },
	{ "\"=?x?q?M?= <ceo@bank.e>\" <me@mine.m>", false },
	{ "\"=?x?q?ceo@bank.e,?=\" <me@mine.m>", false },

	/* mailparse makes an element of the list of a comment behind the brackets. */
	{ "<me@mine.m> (ceo@bank.e)", false },
	{ "Me <me@mine.m> (ceo@bank.e)", false },
	{ "Me <me@mine.m>\r\n (by way of ceo@bank.e)", false },
	{ "me@mine.m, Me <me@mine.m> (ceo@bank.e)", false },
	{ "Me <me@mine.m> (bank!ceo)", false },
	{ "Me <me@mine.m> (x =?utf-8?q?ceo=40bank.e?=)", false },
	{ "Me <me@mine.m> (at home) (bank.e)", false },
	{ "Me <me@mine.m> (at home, Inc.)", true },
	{ "Me <me@mine.m>> (bank.e)", false },
	{ "Me <me@mine.m>> > (bank!ceo)", false },
	{ "Me <me@mine.m> (=?utf-8?q?J=C3=B6rg?=)", true },

	/* Python and Email::Address::XS find no address if a dot is where none belongs. */
	{ "\"ceo@bank.e\" <me@mine.m.>", false },
	{ "=?utf-8?q?ceo=40bank.e?= <me@mine.m.>", false },
	{ "bank!ceo <me@mine.m.>", false },
	{ "\"Me\" <me@mine.m.>", true },
	{ "me@mine.m.", true },

	/* Cypht splits a name at spaces only, and knows no quotes in an address. */
	{ "\"ceo@bank.e\"\t<me@mine.m>", false },
	{ "\"ceo@bank.e\" \"x\"\t<me@mine.m>", false },
	{ "\"ceo@bank.e\" <\"me\"@mine.m>", false },
	/* Python's email ends quotes at a CR, and shows the text before or behind it. */
	{ "\"ceo@bank.e\r\n x\" <me@mine.m>", false },
	{ "\"ceo@bank.e\r\n \" <me@mine.m>", false },
	{ "\"x\r\n ceo@bank.e\" <me@mine.m>", false },
	{ "\"x\r\n <ceo@bank.e>\" <me@mine.m>", false },
	{ "\"x,\r\n\tceo@bank.e\" <me@mine.m>", false },
	{ "\"x\n ceo@bank.e\" <me@mine.m>", false },
	{ "\"=?utf-8?q?ceo=40bank.e?=\r\n x\" <me@mine.m>", false },
	{ "\"Me\r\n x\" <me@mine.m>, \"ceo@bank.e\" <me@mine.m>", false },
	{ "\"bank.e\r\n x\" <me@mine.m>", false },
	{ "\"Me\r\n x\" <me@mine.m>, \"bank.e\" <me@mine.m>", false },
	{ "\"Me\r\n x\": bank.e, me@mine.m", false },
	{ "\"Me of the Department\r\n of Long Names, Inc.\" <me@mine.m>", true },
	{ "\"Me of the Department\n\tof Long Names\"\n <me@mine.m>", true },
	{ "\"Me (of the\r\n Department)\" <me@mine.m>, \"Me\r\n x\" <me@mine.m>", true },
	{ "\"Me, \\\"the Boss\\\" of the\r\n Department\" <me@mine.m>", true },
	{ "\"M\xfcller of the\r\n Department\" <me@mine.m>", true },
	{ "\"M\xfcller \\\"x\\\" of the\r\n Department\" <me@mine.m>", false },
	{ "\"Me, \\\"ceo@bank.e\\\" of the\r\n Department\" <me@mine.m>", false },
	{ "\"M\xfcller of\r\n bank.e\" <me@mine.m>", false },
	{ "\"Me\r\n x\" <\"me\"@mine.m>", false },
	{ "\"Me\r\n x\" <me@mine.m> x", false },
	{ "\"ceo@bank.e\"\r\n <me@mine.m>", true },
	{ "\"ceo@bank.e\"\r\n\t<me@mine.m>", true },

	/* Emacs's ietf-drums ends the name at # and `. */
	{ "\"ceo@bank.e\" ` <me@mine.m>", false },
	{ "\"ceo@bank.e\" #1 <me@mine.m>", false },
	{ "Me #1 <me@mine.m>", true },
	{ "Me `M` <me@mine.m>", true },

	/* emailjs, postal-mime, Emacs and older versions of mailparser show a comment within the
	 * brackets, and Python shows one before doubled brackets. */
	{ "<(ceo\uff20"
	  "bank.e) me@mine.m>",
		false },
	{ "Me <<(bank!ceo) me@mine.m>", false },
	{ "Me <me@mine.m (bank.e)>", false },
	{ "(bank.e) <<me@mine.m>>", false },

	/* nodemailer and postal-mime see a quote behind a backslash in a comment, and end the
	 * comment at its first parenthesis. */
	{ "(\\\"bank.e (x) \\\") \"x\" <me@mine.m>", false },
	{ "(<ceo(x)bank.e>,)<me@mine.m>", false },
	{ "(x (y), bank.e) <me@mine.m>", false },

	/* To Horde, a name ends before a word that begins with a letter of another alphabet. */
	{ "\"ceo@bank.e\" \xc3\xb6x <me@mine.m>", false },
	{ "\"ceo@bank.e\" \xe3\x81\x82 <me@mine.m>", false },

	/* ... because they differ about the end of a comment, a bracket or an encoded-word. */
	{ "((c) <ceo@bank.e>) me@mine.m", false },
	{ "me@mine.m (Me (c) ceo@bank.e)", false },
	{ "(c\\) <ceo@bank.e>) me@mine.m", false },
	{ "((c) <ceo) <me@mine.m>", false },
	{ "(\") me@mine.m ((\") ceo@bank.e)", false },
	{ "((c) \") me@mine.m (\" <ceo@bank.e>)", false },
	{ "(\"(\") me@mine.m", false },
	{ "([) me@mine.m ((]) ceo@bank.e)", false },
	{ "(=?utf-8?q?) <me@mine.m> ((?=) ceo@bank.e)", false },
	{ "(=?utf-8?q?(?=) ) <me@mine.m>", false },
	{ "(=?xxx) \") ceo@bank.e (\" <me@mine.m> (=?x?q?\?=)", false },
	{ "=?u?= \") ceo@bank.e (\" <me@mine.m> (=?x?q?\?=)", false },
	{ "Me [ <me@mine.m> (] <ceo@bank.e>)", false },
	{ "[ (ceo@bank.e) <me@mine.m>", false },
};

START_TEST(knows_the_author)
	{
		check_author(&authors[_i]);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("from_programs");
	TCase *tcase = tcase_create("from_programs");

	tcase_add_loop_test(tcase, knows_the_author, 0, sizeof(authors) / sizeof(authors[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
