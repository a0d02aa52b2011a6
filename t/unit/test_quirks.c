/*
 * Shows where Postern's access lists decide differently from the plugin for Haraka: one test for
 * each name in section 3 of t/cases/FORMAT.md. test_quirks_profile.c covers profiles.
 */
#include <string.h>

#include "t/unit/lib/default_settings.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
	m.services[0].mode[CHECK_HELO] = MODE_YES;
	m.services[0].mode[CHECK_DATA] = MODE_YES;
}

static void teardown(void)
{
	made_end(&m);
}

/* Assert that the decision begins with want. */
static void expect(const struct asked asked, const char *want)
{
	if (m.policy == NULL)
		made_build(&m);
	(void)made_decide(&m, &asked);
	ck_assert_msg(strncmp(m.text, want, strlen(want)) == 0, "got \"%s\", not \"%s\"", m.text,
		want);
}

static void connects(const char *ip, const char *rdns, const char *want)
{
	expect((struct asked){ STAGE_CONNECT, .ip = ip, .rdns = rdns }, want);
}

static void greets(const char *helo, const char *want)
{
	expect((struct asked){ STAGE_HELO, .ip = "203.0.113.1", .helo = helo }, want);
}

static void mails(const char *mail, const char *want)
{
	expect((struct asked){ STAGE_MAIL, .mail = mail }, want);
}

static void sends_to(const char *rcpt, const char *want)
{
	expect((struct asked){ STAGE_RCPT, .rcpt = rcpt }, want);
}

static void writes(const char *from, const char *want)
{
	expect((struct asked){ STAGE_HEADER, .mail = "<a@b.example>", .from = from }, want);
}

/* A client without a name has none: lists do not match a placeholder for it. */
START_TEST(null_rdns)
	{
		made_list(&m, LIST_CONN_DENY, "NXDOMAIN\nunknown\n192.0.2.7");
		made_list(&m, LIST_CONN_DENY_RE, "nxdomain\nunknown\n");
		connects("203.0.113.1", NULL, "accept");
		connects("192.0.2.7", NULL,
			"reject: conn=fail(connect.rdns_access.blacklist:3) 550 5.7.1 unknown [192.0.2.7] ");
	}
END_TEST

START_TEST(trailing_dot)
	{
		made_list(&m, LIST_CONN_DENY, "one.example\ntwo.example.");
		made_list(&m, LIST_MAIL_DENY, "a@one.example\nb@two.example.");
		made_list(&m, LIST_HELO_DENY_RE, ".*\\.dyn\\.example");
		made_list(&m, LIST_DOMAINS, "three.example.\n.four.example");
		connects("192.0.2.7", "one.example.", "reject: conn=fail");
		connects("192.0.2.7", "two.example", "reject: conn=fail");
		connects("192.0.2.7", "www.three.example", "reject: conn=unlisted; any=fail");
		connects("192.0.2.7", "www.four.example.", "reject: conn=unlisted; any=fail");
		greets("a.dyn.example.", "reject: helo=fail");
		mails("<a@one.example.>", "reject: mail=fail");
		mails("<b@two.example>", "reject: mail=fail");
		mails("<a@three.example.>", "reject: mail=unlisted; any=fail");
		connects("192.0.2.7", "one.example..", "accept"); /* one dot, not two */
	}
END_TEST

/* The public suffix list's default rule * gives every name an organizational domain. */
START_TEST(unknown_tld)
	{
		made_list(&m, LIST_DOMAINS, "spam.nosuchtld");
		mails("<a@www.spam.nosuchtld>", "reject: mail=unlisted; any=fail");
		mails("<a@ham.nosuchtld>", "accept");
	}
END_TEST

START_TEST(email_entry)
	{
		made_list(&m, LIST_DOMAINS, "user@mail.one.example\n@two.example");
		mails("<USER@mail.one.example>",
			"reject: mail=unlisted; any=fail(access.domains:1)");
		sends_to("<user@mail.one.example>",
			"reject: rcpt=unlisted; any=fail(access.domains:1)");
		writes("user@mail.one.example", "reject: data=fail(access.domains:1)");
		mails("<other@mail.one.example>", "accept");
		mails("<user@one.example>", "accept");
		connects("192.0.2.7", "mail.one.example", "accept");
		mails("<any@www.two.example>", "reject: mail=unlisted; any=fail(access.domains:2)");
	}
END_TEST

START_TEST(data_whitelist)
	{
		made_list(&m, LIST_DOMAINS,
			"bad.example\n!vip@bad.example\n!good.bad.example\nfree.example\n!free.example");
		writes("a@bad.example", "reject: data=fail");
		writes("vip@bad.example", "accept: data=pass(access.domains:2)");
		writes("a@good.bad.example", "accept: data=pass(access.domains:3)");
		writes("a@www.good.bad.example", "reject: data=fail");
		writes("a@www.free.example", "accept: data=pass(access.domains:5)");
	}
END_TEST

/* [check] data, which is off by default. */
START_TEST(data_flag)
	{
		struct settings *defaults = default_settings();

		ck_assert_int_eq(defaults->services[0].mode[CHECK_DATA], MODE_NO);
		m.services[0].mode[CHECK_DATA] = defaults->services[0].mode[CHECK_DATA];
		settings_unref(&defaults);
		made_list(&m, LIST_DOMAINS, "bad.example");
		writes("a@bad.example", "accept");
	}
END_TEST

/* A field with an odd display name is still readable. */
START_TEST(from_parse)
	{
		made_list(&m, LIST_DOMAINS, "bad.example");
		writes("A. B & [C] <a@bad.example>", "reject: data=fail");
		writes("a@b.example <a@bad.example>", "reject: data=fail");
		writes("\"a@bad.example\" <a@b.example>", "accept");
		writes("(a@bad.example) <a@b.example>", "accept");
		writes("\"unclosed <a@bad.example>", "reject: data=fail");
		writes("", "accept");
		writes(NULL, "accept");
	}
END_TEST

START_TEST(from_multi)
	{
		made_list(&m, LIST_DOMAINS, "bad.example");
		writes("a@b.example, c@bad.example", "reject: data=fail");
		writes("team: a@b.example, c@bad.example;", "reject: data=fail");
	}
END_TEST

/* Encoded-words are plain words. */
START_TEST(from_decoded)
	{
		made_list(&m, LIST_DOMAINS, "bad.example");
		writes("=?utf-8?q?a=40bad=2Eexample?= <a@b.example>", "accept");
		writes("=?utf-8?q?A=2C?= <a@bad.example>", "reject: data=fail");
	}
END_TEST

/* Keywords of JavaScript are ordinary names. */
START_TEST(proto_keys)
	{
		made_list(&m, LIST_CONN_ALLOW, "a.example");
		made_list(&m, LIST_DOMAINS, "!a.example");
		made_list(&m, LIST_MAIL_DENY, "b@a.example");
		connects("192.0.2.7", "constructor", "accept: conn=unlisted; any=unlisted");
		connects("192.0.2.7", "__proto__", "accept: conn=unlisted; any=unlisted");
		mails("<constructor>", "accept: mail=unlisted; any=unlisted");
		mails("<toString@__proto__>", "accept: mail=unlisted; any=unlisted");
	}
END_TEST

/* Each entry is separate: its groups are numbered from 1, and its | does not reach others. */
START_TEST(regex_group)
	{
		made_list(&m, LIST_MAIL_DENY_RE, "(x)y@.*\n(a|b)\\1@.*\nc@d\\.example|e");
		mails("<aa@d.example>", "reject: mail=fail(mail_from.access.blacklist_regex:2)");
		mails("<ab@d.example>", "accept");
		mails("<ax@d.example>", "accept");
		mails("<e@d.example>", "accept");
		mails("<e>", "reject: mail=fail(mail_from.access.blacklist_regex:3)");
	}
END_TEST

/* JavaScript's dialect; an entry that cannot be compiled is reported with file and line, and the
 * others are in force. */
START_TEST(regex_dialect)
	{
		made_list(&m, LIST_MAIL_DENY_RE,
			"a\\u0040b\\.example\n[]x@.*\n*@c\\.example\n[\\w-.]+@d\\.example");
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"mail_from.access.blacklist_regex:3: \"*@c\\.example\" is a wildcard, not a regex; "
			"write .*@c\\.example; left out");
		mails("<a@b.example>", "reject: mail=fail(mail_from.access.blacklist_regex:1)");
		mails("<]x@b.example>", "accept");
		mails("<a-b.c@d.example>", "reject: mail=fail(mail_from.access.blacklist_regex:4)");
	}
END_TEST

START_TEST(inline_comment)
	{
		made_list(&m, LIST_MAIL_DENY,
			"x@one.example # why\ny@one.example\t; why\nz#1@one.example");
		made_list(&m, LIST_MAIL_DENY_RE, ".*@two\\.example # why");
		made_list(&m, LIST_DOMAINS, "three.example ; why");
		mails("<x@one.example>", "reject: mail=fail(mail_from.access.blacklist:1)");
		mails("<y@one.example>", "reject: mail=fail(mail_from.access.blacklist:2)");
		mails("<z#1@one.example>", "reject: mail=fail(mail_from.access.blacklist:3)");
		mails("<x@two.example>", "reject: mail=fail(mail_from.access.blacklist_regex:1)");
		mails("<x@three.example>", "reject: mail=unlisted; any=fail");
	}
END_TEST

START_TEST(bang_space)
	{
		made_list(&m, LIST_DOMAINS, "bad.example\n! good.bad.example\n!\tvip@bad.example");
		connects("192.0.2.7", "good.bad.example",
			"accept: conn=unlisted; any=pass(access.domains:2)");
		mails("<vip@bad.example>", "accept: mail=unlisted; any=pass(access.domains:3)");
	}
END_TEST

/* Addresses are compared as numbers, in whatever form they are written. */
START_TEST(ip_form)
	{
		made_list(&m, LIST_CONN_DENY,
			"2001:DB8:0:0:0:0:0:7\n::ffff:192.0.2.7\nIPv6:2001:db8::8");
		connects("2001:db8::7", NULL, "reject: conn=fail(connect.rdns_access.blacklist:1)");
		connects("192.0.2.7", NULL, "reject: conn=fail(connect.rdns_access.blacklist:2)");
		connects("2001:0db8::0008", NULL,
			"reject: conn=fail(connect.rdns_access.blacklist:3)");
	}
END_TEST

/* Regexes and replies see them in the form of RFC 5952. */
START_TEST(ip_text)
	{
		made_list(&m, LIST_CONN_DENY_RE, "2001:db8::[0-9a-f]+\n192\\.0\\.2\\.\\d+");
		connects("2001:DB8:0:0::AB", NULL,
			"reject: conn=fail(connect.rdns_access.blacklist_regex:1) 550 5.7.1 unknown "
			"[2001:db8::ab] ");
		connects("::ffff:192.0.2.7", NULL,
			"reject: conn=fail(connect.rdns_access.blacklist_regex:2) 550 5.7.1 unknown "
			"[192.0.2.7] ");
	}
END_TEST

START_TEST(cidr_entry)
	{
		made_list(&m, LIST_CONN_DENY, "192.0.2.0/24\n2001:db8::/32");
		connects("192.0.2.200", NULL, "reject: conn=fail(connect.rdns_access.blacklist:1)");
		connects("2001:db8:1::1", NULL,
			"reject: conn=fail(connect.rdns_access.blacklist:2)");
		connects("192.0.3.1", NULL, "accept");
	}
END_TEST

#define UMLAUT "b\xc3\xbc" /* followed by "cher" in a text of its own */

START_TEST(idn_form)
	{
		made_list(&m, LIST_CONN_DENY, UMLAUT "cher.example");
		made_list(&m, LIST_MAIL_DENY, "a@xn--bcher-kva.example");
		made_list(&m, LIST_DOMAINS, "www." UMLAUT "cher.de");
		connects("192.0.2.7", "xn--bcher-kva.example", "reject: conn=fail");
		mails("<a@B\xc3\x9c"
		      "CHER.example>",
			"reject: mail=fail");
		mails("<a@xn--bcher-kva.de>", "reject: mail=unlisted; any=fail");
		sends_to("<a@" UMLAUT "cher.de>", "reject: rcpt=unlisted; any=fail");
	}
END_TEST

START_TEST(quoted_local)
	{
		made_list(&m, LIST_MAIL_DENY,
			"x@one.example\n\"y\"@one.example\n\"a b\"@one.example");
		mails("<\"x\"@one.example>", "reject: mail=fail(mail_from.access.blacklist:1)");
		mails("<y@one.example>", "reject: mail=fail(mail_from.access.blacklist:2)");
		mails("<\"\\A\\ b\"@one.example>",
			"reject: mail=fail(mail_from.access.blacklist:3)");
		mails("<\"a c\"@one.example>", "accept");
	}
END_TEST

/* Only ASCII letters of the local part are folded; the folded address is a reading. */
START_TEST(unicode_fold)
	{
		made_list(&m, LIST_MAIL_DENY, "J\xc3\xb6rg@one.example");
		mails("<j\xc3\xb6RG@one.example>", "reject: mail=fail");
		mails("<J\xc3\x96RG@one.example>", "reject: mail=fail");
		mails("<JORG@one.example>", "accept");
	}
END_TEST

START_TEST(reply_8bit)
	{
		made_list(&m, LIST_MAIL_DENY, "@one.example");
		mails("<j\xc3\xb6rg@one.example>",
			"reject: mail=fail(mail_from.access.blacklist:1) 550 5.7.1 j\\xc3\\xb6rg@one.example "
			"That sender");
	}
END_TEST

/* Only strict refuses an unlisted recipient. */
static const struct {
	enum rcpt_accept accept;
	const char *listed, *unlisted;
} accepts[] = {
	{ ACCEPT_NO, "reject: rcpt=pass(rcpt_to.access.whitelist:1); any=fail",
		"accept: rcpt=unlisted; any=unlisted" },
	{ ACCEPT_YES, "accept: rcpt=pass(rcpt_to.access.whitelist:1)",
		"accept: rcpt=unlisted; any=unlisted" },
	{ ACCEPT_STRICT, "accept: rcpt=pass(rcpt_to.access.whitelist:1)",
		"reject: rcpt=fail([rcpt] accept = strict: on no allow list) 550 5.1.1 b@good.example" },
};
START_TEST(accept_)
	{
		m.settings->rcpt_accept = accepts[_i].accept;
		made_list(&m, LIST_RCPT_ALLOW, "a@bad.example");
		made_list(&m, LIST_DOMAINS, "bad.example");
		sends_to("<a@bad.example>", accepts[_i].listed);
		sends_to("<b@good.example>", accepts[_i].unlisted);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("quirks");
	TCase *tcase = tcase_create("quirks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, null_rdns);
	tcase_add_test(tcase, trailing_dot);
	tcase_add_test(tcase, unknown_tld);
	tcase_add_test(tcase, email_entry);
	tcase_add_test(tcase, data_whitelist);
	tcase_add_test(tcase, data_flag);
	tcase_add_test(tcase, from_parse);
	tcase_add_test(tcase, from_multi);
	tcase_add_test(tcase, from_decoded);
	tcase_add_test(tcase, proto_keys);
	tcase_add_test(tcase, regex_group);
	tcase_add_test(tcase, regex_dialect);
	tcase_add_test(tcase, inline_comment);
	tcase_add_test(tcase, bang_space);
	tcase_add_test(tcase, ip_form);
	tcase_add_test(tcase, ip_text);
	tcase_add_test(tcase, cidr_entry);
	tcase_add_test(tcase, idn_form);
	tcase_add_test(tcase, quoted_local);
	tcase_add_test(tcase, unicode_fold);
	tcase_add_test(tcase, reply_8bit);
	tcase_add_loop_test(tcase, accept_, 0, ROWS(accepts));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
