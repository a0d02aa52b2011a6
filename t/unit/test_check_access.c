/*
 * Shows what the lists decide at connect, helo, mail and rcpt, whom they apply to, and the
 * replies.
 */
#include <stdio.h>
#include <string.h>

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
	m.services[0].mode[CHECK_HELO] = MODE_YES;
	made_list(&m, LIST_CONN_ALLOW, "192.0.2.1\nmail.good.example\n.anybad.example");
	made_list(&m, LIST_CONN_ALLOW_RE, "192\\.0\\.2\\.2\n.*\\.trusted\\.example");
	made_list(&m, LIST_CONN_DENY, "192.0.2.0/24\n.bad.example\n2001:db8::/32");
	made_list(&m, LIST_CONN_DENY_RE, "198\\.51\\.100\\..*\n.*dyn.*");
	made_list(&m, LIST_HELO_DENY_RE, ".*\\.dyn\\.example\nlocalhost\n\\[.*\\]");
	made_list(&m, LIST_MAIL_ALLOW, "friend@spam.example\nx@anybad.example");
	made_list(&m, LIST_MAIL_ALLOW_RE, "ok.*@spam\\.example");
	made_list(&m, LIST_MAIL_DENY, "@spam.example\nfriend@spam.example");
	made_list(&m, LIST_MAIL_DENY_RE, ".*@.*casino.*");
	made_list(&m, LIST_RCPT_ALLOW, "boss@corp.example\nx@anybad.example");
	made_list(&m, LIST_RCPT_ALLOW_RE, "staff-.*@corp\\.example");
	made_list(&m, LIST_RCPT_DENY, "@corp.example\npostmaster");
	made_list(&m, LIST_RCPT_DENY_RE, "trap.*@.*");
	made_list(&m, LIST_DOMAINS,
		"anybad.example\n!good.anybad.example\n!vip@anybad.example\nsolo@solo.example");
}

static void teardown(void)
{
	made_end(&m);
}

#define CONN_TEXT " You are not allowed to connect"
#define HELO_TEXT " That HELO is not allowed to connect"
#define MAIL_TEXT " That sender cannot send mail here"
#define RCPT_TEXT " That recipient is not allowed"
#define ANY_REPLY " 550 5.7.1 You are not welcome here."

static const struct {
	struct asked asked;
	const char *want;
} cases[] = {
	/* connect: the address, then the name; allow, then deny. */
	{ { STAGE_CONNECT, .ip = "203.0.113.1", .rdns = "mx.example" },
		"accept: conn=unlisted; any=unlisted" },
	{ { STAGE_CONNECT, .ip = "203.0.113.1" }, "accept: conn=unlisted; any=unlisted" },
	{ { STAGE_CONNECT, .ip = "192.0.2.1", .rdns = "mx.bad.example" },
		"accept: conn=pass(connect.rdns_access.whitelist:1); any=unlisted" },
	{ { STAGE_CONNECT, .ip = "192.0.2.9", .rdns = "Mail.Good.Example." },
		"accept: conn=pass(connect.rdns_access.whitelist:2); any=unlisted" },
	{ { STAGE_CONNECT, .ip = "192.0.2.2", .rdns = "dyn.example" },
		"accept: conn=pass(connect.rdns_access.whitelist_regex:1); any=unlisted" },
	{ { STAGE_CONNECT, .ip = "192.0.2.9", .rdns = "A.Trusted.example" },
		"accept: conn=pass(connect.rdns_access.whitelist_regex:2); any=unlisted" },
	{ { STAGE_CONNECT, .ip = "192.0.2.9", .rdns = "Mx.Example" },
		"reject: conn=fail(connect.rdns_access.blacklist:1) 550 5.7.1 Mx.Example [192.0.2.9]" CONN_TEXT },
	{ { STAGE_CONNECT, .ip = "192.0.2.9" },
		"reject: conn=fail(connect.rdns_access.blacklist:1) 550 5.7.1 unknown [192.0.2.9]" CONN_TEXT },
	{ { STAGE_CONNECT, .ip = "2001:DB8:0::9" },
		"reject: conn=fail(connect.rdns_access.blacklist:3) 550 5.7.1 unknown [2001:db8::9]" CONN_TEXT },
	{ { STAGE_CONNECT, .ip = "::ffff:192.0.2.9" },
		"reject: conn=fail(connect.rdns_access.blacklist:1) 550 5.7.1 unknown [192.0.2.9]" CONN_TEXT },
	{ { STAGE_CONNECT, .ip = "203.0.113.1", .rdns = "a.b.bad.example" },
		"reject: conn=fail(connect.rdns_access.blacklist:2) 550 5.7.1 a.b.bad.example "
		"[203.0.113.1]" CONN_TEXT },
	{ { STAGE_CONNECT, .ip = "198.51.100.7", .rdns = "a.bad.example" },
		"reject: conn=fail(connect.rdns_access.blacklist_regex:1) 550 5.7.1 a.bad.example "
		"[198.51.100.7]" CONN_TEXT },
	{ { STAGE_CONNECT, .ip = "203.0.113.1", .rdns = "host-DYN-1.isp.example" },
		"reject: conn=fail(connect.rdns_access.blacklist_regex:2) 550 5.7.1 "
		"host-DYN-1.isp.example [203.0.113.1]" CONN_TEXT },
	{ { STAGE_CONNECT, .rdns = "localhost" }, "accept: conn=unlisted; any=unlisted" },
	{ { STAGE_CONNECT, .ip = "203.0.113.1",
		  .rdns = "b\xc3\xbc"
			  "cher.bad.example" },
		"reject: conn=fail(connect.rdns_access.blacklist:2) 550 5.7.1 b\\xc3\\xbc"
		"cher.bad.example [203.0.113.1]" CONN_TEXT },
	/* An allow entry ends only its own check. */
	{ { STAGE_CONNECT, .ip = "192.0.2.1", .rdns = "mx.anybad.example" },
		"reject: conn=pass(connect.rdns_access.whitelist:1); any=fail(access.domains:1)" ANY_REPLY },
	{ { STAGE_CONNECT, .ip = "203.0.113.1", .rdns = "mx.anybad.example" },
		"reject: conn=pass(connect.rdns_access.whitelist:3); any=fail(access.domains:1)" ANY_REPLY },
	{ { STAGE_CONNECT, .ip = "203.0.113.1", .rdns = "good.anybad.example" },
		"accept: conn=pass(connect.rdns_access.whitelist:3); any=pass(access.domains:2)" },
	/* helo */
	{ { STAGE_HELO, .ip = "203.0.113.1", .helo = "mx.example" },
		"accept: helo=unlisted; any=unlisted" },
	{ { STAGE_HELO, .ip = "203.0.113.1", .helo = "A.Dyn.Example." },
		"reject: helo=fail(helo.checks.regexps:1) 550 5.7.1 A.Dyn.Example." HELO_TEXT },
	{ { STAGE_HELO, .ip = "203.0.113.1", .helo = "LOCALHOST" },
		"reject: helo=fail(helo.checks.regexps:2) 550 5.7.1 LOCALHOST" HELO_TEXT },
	{ { STAGE_HELO, .ip = "203.0.113.1", .helo = "[192.0.2.1]" },
		"reject: helo=fail(helo.checks.regexps:3) 550 5.7.1 [192.0.2.1]" HELO_TEXT },
	{ { STAGE_HELO, .ip = "203.0.113.1", .helo = "www.anybad.example" },
		"reject: helo=unlisted; any=fail(access.domains:1)" ANY_REPLY },
	{ { STAGE_HELO, .ip = "203.0.113.1", .helo = "GOOD.anybad.example." },
		"accept: helo=unlisted; any=pass(access.domains:2)" },
	{ { STAGE_HELO, .ip = "203.0.113.1", .helo = "192.0.2.1" },
		"accept: helo=unlisted; any=unlisted" },
	{ { STAGE_HELO, .ip = "203.0.113.1" }, "accept" }, /* there was no HELO */
	/* mail */
	{ { STAGE_MAIL, .mail = "<a@b.example>" }, "accept: mail=unlisted; any=unlisted" },
	{ { STAGE_MAIL, .mail = "<Friend@Spam.example>" },
		"accept: mail=pass(mail_from.access.whitelist:1); any=unlisted" },
	{ { STAGE_MAIL, .mail = "<okay@spam.example>" },
		"accept: mail=pass(mail_from.access.whitelist_regex:1); any=unlisted" },
	{ { STAGE_MAIL, .mail = "<Foe@Spam.Example>" },
		"reject: mail=fail(mail_from.access.blacklist:1) 550 5.7.1 Foe@Spam.Example" MAIL_TEXT },
	{ { STAGE_MAIL, .mail = "<@x.example:foe@spam.example>" },
		"reject: mail=fail(mail_from.access.blacklist:1) 550 5.7.1 foe@spam.example" MAIL_TEXT },
	{ { STAGE_MAIL, .mail = "<a@x.casino.example>" },
		"reject: mail=fail(mail_from.access.blacklist_regex:1) 550 5.7.1 "
		"a@x.casino.example" MAIL_TEXT },
	{ { STAGE_MAIL, .mail = "<x@anybad.example>" },
		"reject: mail=pass(mail_from.access.whitelist:2); any=fail(access.domains:1)" ANY_REPLY },
	{ { STAGE_MAIL, .mail = "<vip@anybad.example>" },
		"accept: mail=unlisted; any=pass(access.domains:3)" },
	{ { STAGE_MAIL, .mail = "<solo@solo.example>" },
		"reject: mail=unlisted; any=fail(access.domains:4)" ANY_REPLY },
	{ { STAGE_MAIL, .mail = "<duo@solo.example>" }, "accept: mail=unlisted; any=unlisted" },
	{ { STAGE_MAIL, .mail = "<>" }, "accept: mail=unlisted; any=unlisted" },
	{ { STAGE_MAIL, .mail = "<postmaster>" },
		"reject: mail=fail(mail_from.access.blacklist:1, and [lists] local_domains is "
		"empty) 550 5.7.1 postmaster" MAIL_TEXT },
	/* rcpt */
	{ { STAGE_RCPT, .rcpt = "<a@b.example>" }, "accept: rcpt=unlisted; any=unlisted" },
	{ { STAGE_RCPT, .rcpt = "<Boss@corp.example>" },
		"accept: rcpt=pass(rcpt_to.access.whitelist:1); any=unlisted" },
	{ { STAGE_RCPT, .rcpt = "<staff-1@corp.example>" },
		"accept: rcpt=pass(rcpt_to.access.whitelist_regex:1); any=unlisted" },
	{ { STAGE_RCPT, .rcpt = "<Clerk@corp.example>" },
		"reject: rcpt=fail(rcpt_to.access.blacklist:1) 550 5.7.1 Clerk@corp.example" RCPT_TEXT },
	{ { STAGE_RCPT, .rcpt = "<Postmaster>" },
		"reject: rcpt=fail(rcpt_to.access.blacklist:2) 550 5.7.1 postmaster" RCPT_TEXT },
	{ { STAGE_RCPT, .rcpt = "<trap1@b.example>" },
		"reject: rcpt=fail(rcpt_to.access.blacklist_regex:1) 550 5.7.1 trap1@b.example" RCPT_TEXT },
	{ { STAGE_RCPT, .rcpt = "<x@anybad.example>" },
		"reject: rcpt=pass(rcpt_to.access.whitelist:2); any=fail(access.domains:1)" ANY_REPLY },
};
START_TEST(lists_decide)
	{
		made_build(&m);
		ck_assert_uint_eq(problems_count(m.problems), 0);
		ck_assert_str_eq(made_decide(&m, &cases[_i].asked), cases[_i].want);
	}
END_TEST

/* A check that is off does nothing; one that warns reports its refusal, and the stage continues. */
static const struct {
	enum check check;
	enum check_mode mode;
	struct asked asked;
	const char *want;
} modes[] = {
	{ CHECK_CONN, MODE_NO, { STAGE_CONNECT, .ip = "192.0.2.9" }, "accept: any=unlisted" },
	{ CHECK_CONN, MODE_WARN, { STAGE_CONNECT, .ip = "192.0.2.9" },
		"accept: conn=would-reject(connect.rdns_access.blacklist:1) 550 5.7.1 unknown "
		"[192.0.2.9]" CONN_TEXT "; any=unlisted" },
	{ CHECK_CONN, MODE_WARN,
		{ STAGE_CONNECT, .ip = "198.51.100.1", .rdns = "x.anybad.example" },
		"reject: conn=pass(connect.rdns_access.whitelist:3); any=fail(access.domains:1)" ANY_REPLY },
	{ CHECK_ANY, MODE_NO, { STAGE_CONNECT, .ip = "203.0.113.1", .rdns = "x.anybad.example" },
		"accept: conn=pass(connect.rdns_access.whitelist:3)" },
	{ CHECK_ANY, MODE_WARN, { STAGE_CONNECT, .ip = "203.0.113.1", .rdns = "x.anybad.example" },
		"accept: conn=pass(connect.rdns_access.whitelist:3); "
		"any=would-reject(access.domains:1)" ANY_REPLY },
	{ CHECK_ANY, MODE_NO, { STAGE_HELO, .helo = "x.anybad.example" }, "accept: helo=unlisted" },
	{ CHECK_ANY, MODE_NO, { STAGE_MAIL, .mail = "<a@anybad.example>" },
		"accept: mail=unlisted" },
	{ CHECK_ANY, MODE_NO, { STAGE_RCPT, .rcpt = "<a@anybad.example>" },
		"accept: rcpt=unlisted" },
	{ CHECK_ANY, MODE_WARN, { STAGE_MAIL, .mail = "<a@anybad.example>" },
		"accept: mail=unlisted; any=would-reject(access.domains:1)" ANY_REPLY },
	{ CHECK_HELO, MODE_NO, { STAGE_HELO, .helo = "localhost" }, "accept: any=unlisted" },
	{ CHECK_HELO, MODE_WARN, { STAGE_HELO, .helo = "localhost" },
		"accept: helo=would-reject(helo.checks.regexps:2) 550 5.7.1 localhost" HELO_TEXT
		"; any=unlisted" },
	{ CHECK_MAIL, MODE_NO, { STAGE_MAIL, .mail = "<foe@spam.example>" },
		"accept: any=unlisted" },
	{ CHECK_MAIL, MODE_WARN, { STAGE_MAIL, .mail = "<foe@spam.example>" },
		"accept: mail=would-reject(mail_from.access.blacklist:1) 550 5.7.1 "
		"foe@spam.example" MAIL_TEXT "; any=unlisted" },
	{ CHECK_RCPT, MODE_NO, { STAGE_RCPT, .rcpt = "<x@corp.example>" }, "accept: any=unlisted" },
	{ CHECK_RCPT, MODE_WARN, { STAGE_RCPT, .rcpt = "<x@corp.example>" },
		"accept: rcpt=would-reject(rcpt_to.access.blacklist:1) 550 5.7.1 "
		"x@corp.example" RCPT_TEXT "; any=unlisted" },
};
START_TEST(a_check_is_yes_no_or_warn)
	{
		m.services[0].mode[modes[_i].check] = modes[_i].mode;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &modes[_i].asked), modes[_i].want);
	}
END_TEST

/* An address that MTAs may read as another one is refused by the strictest check that is on. */
#define BAD_SENDER "(address syntax) 553 5.1.7 Bad sender address syntax"
#define BAD_RECIPIENT "(address syntax) 553 5.1.3 Bad recipient address syntax"
static const struct {
	enum check_mode own, any, of_users;
	const char *login;
	struct asked asked;
	const char *want;
} odd[] = {
	{ MODE_YES, MODE_YES, MODE_YES, NULL, { STAGE_MAIL, .mail = "<a@b.example(x)>" },
		"reject: mail=fail" BAD_SENDER },
	{ MODE_YES, MODE_YES, MODE_YES, NULL, { STAGE_RCPT, .rcpt = "<a@b.example(x)>" },
		"reject: rcpt=fail" BAD_RECIPIENT },
	{ MODE_WARN, MODE_YES, MODE_YES, NULL, { STAGE_MAIL, .mail = "<a @b.example>" },
		"reject: any=fail" BAD_SENDER },
	{ MODE_NO, MODE_WARN, MODE_YES, NULL, { STAGE_MAIL, .mail = "<a @b.example>" },
		"accept: any=would-reject" BAD_SENDER "; any=unlisted" },
	{ MODE_NO, MODE_WARN, MODE_YES, "bob", { STAGE_MAIL, .mail = "<a @b.example>" },
		"reject: sender=fail" BAD_SENDER },
	{ MODE_NO, MODE_WARN, MODE_YES, "bob", { STAGE_RCPT, .rcpt = "<a%b.example>" },
		"reject: recipient=fail" BAD_RECIPIENT },
	{ MODE_NO, MODE_NO, MODE_WARN, "bob", { STAGE_RCPT, .rcpt = "<a%b.example>" },
		"accept: recipient=would-reject" BAD_RECIPIENT
		"; recipient=would-reject(user bob: no profile (unknown_user)) 550 5.7.1 User bob not "
		"allowed to send to rcpt a%b.example" },
	{ MODE_NO, MODE_NO, MODE_YES, NULL, { STAGE_MAIL, .mail = "<a @b.example>" }, "accept" },
	{ MODE_YES, MODE_YES, MODE_YES, NULL, { STAGE_MAIL, .mail = "<>" },
		"accept: mail=unlisted; any=unlisted" },
};
START_TEST(an_odd_address_is_refused)
	{
		struct asked asked = odd[_i].asked;

		m.services[0].mode[CHECK_MAIL] = m.services[0].mode[CHECK_RCPT] = odd[_i].own;
		m.services[0].mode[CHECK_ANY] = odd[_i].any;
		m.services[0].mode[CHECK_SENDER] = odd[_i].of_users;
		m.services[0].mode[CHECK_RECIPIENT] = odd[_i].of_users;
		m.settings->on_error = ON_ERROR_ACCEPT; /* does not apply: nothing failed */
		asked.login = odd[_i].login;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), odd[_i].want);
	}
END_TEST

/* The sessions to which connect and helo apply. */
static const struct {
	const char *login;
	bool apply;
	const char *ip;
	bool bound;
} bindings[] = {
	{ NULL, false, "192.0.2.9", true },
	{ NULL, true, "192.0.2.9", true },
	{ "bob", false, "192.0.2.9", false },
	{ "bob", true, "192.0.2.9", true },
	{ NULL, false, "127.0.0.1", false },
	{ NULL, true, "::1", false },
	{ "bob", true, "127.9.9.9", false },
	{ NULL, false, NULL, true },
	{ NULL, false, "::ffff:127.0.0.1", false },
};
START_TEST(connect_and_helo_apply_to_sessions_neither_logged_in_nor_exempt)
	{
		struct asked asked = { STAGE_CONNECT, .ip = bindings[_i].ip,
			.rdns = "a.bad.example", .helo = "localhost", .login = bindings[_i].login };
		const char *want = bindings[_i].bound ? "reject" : "accept";

		m.services[0].authenticated_apply = bindings[_i].apply;
		made_list(&m, LIST_CONN_DENY, ".bad.example\n127.0.0.0/8\n::1");
		made_build(&m);
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), want));
		if (!bindings[_i].bound)
			ck_assert_str_eq(m.text, "accept"); /* without any finding */
		asked.stage = STAGE_HELO;
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), want));
	}
END_TEST

START_TEST(exempt_and_logged_in_clients_are_bound_by_the_other_stages)
	{
		struct asked asked = { STAGE_MAIL, .ip = "127.0.0.1", .login = "bob",
			.mail = "<foe@spam.example>", .rcpt = "<x@corp.example>" };

		m.parts.lists_only = true;
		made_build(&m);
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "reject: mail=fail"));
		asked.stage = STAGE_RCPT;
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "reject: rcpt=fail"));
	}
END_TEST

/* [rcpt] accept */
static const struct {
	enum rcpt_accept accept;
	const char *login, *rcpt, *want;
} accepts[] = {
	{ ACCEPT_YES, NULL, "<boss@corp.example>",
		"accept: rcpt=pass(rcpt_to.access.whitelist:1)" },
	{ ACCEPT_YES, NULL, "<x@anybad.example>", "accept: rcpt=pass(rcpt_to.access.whitelist:2)" },
	{ ACCEPT_YES, NULL, "<y@anybad.example>",
		"reject: rcpt=unlisted; any=fail(access.domains:1)" ANY_REPLY },
	{ ACCEPT_YES, NULL, "<a@b.example>", "accept: rcpt=unlisted; any=unlisted" },
	{ ACCEPT_STRICT, NULL, "<boss@corp.example>",
		"accept: rcpt=pass(rcpt_to.access.whitelist:1)" },
	{ ACCEPT_STRICT, NULL, "<A@b.example>",
		"reject: rcpt=fail([rcpt] accept = strict: on no allow list) 550 5.1.1 A@b.example No "
		"such recipient here" },
	{ ACCEPT_STRICT, NULL, "<x@corp.example>",
		"reject: rcpt=fail(rcpt_to.access.blacklist:1) 550 5.7.1 x@corp.example" RCPT_TEXT },
	{ ACCEPT_STRICT, "bob", "<a@b.example>", "accept: rcpt=unlisted; any=unlisted" },
	{ ACCEPT_STRICT, NULL, "<postmaster@b.example>", "accept: rcpt=unlisted; any=unlisted" },
	{ ACCEPT_STRICT, NULL, "<PostMaster@b.example>", "accept: rcpt=unlisted; any=unlisted" },
	{ ACCEPT_STRICT, NULL, "<postmaster2@b.example>",
		"reject: rcpt=fail([rcpt] accept = strict: on no allow list) 550 5.1.1 "
		"postmaster2@b.example No such recipient here" },
};
START_TEST(recipients_on_an_allow_list_are_accepted)
	{
		struct asked asked = { STAGE_RCPT, .login = accepts[_i].login,
			.rcpt = accepts[_i].rcpt };

		m.settings->rcpt_accept = accepts[_i].accept;
		m.parts.lists_only = true;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), accepts[_i].want);
	}
END_TEST

START_TEST(postmaster_alone_is_never_an_unknown_recipient)
	{
		struct asked asked = { STAGE_RCPT, .rcpt = "<PostMaster>" };

		m.settings->rcpt_accept = ACCEPT_STRICT;
		made_list(&m, LIST_RCPT_DENY, "");
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), "accept: rcpt=unlisted; any=unlisted");
	}
END_TEST

START_TEST(strict_may_warn)
	{
		struct asked asked = { STAGE_RCPT, .rcpt = "<a@b.example>" };

		m.settings->rcpt_accept = ACCEPT_STRICT;
		m.services[0].mode[CHECK_RCPT] = MODE_WARN;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"accept: rcpt=would-reject([rcpt] accept = strict: on no allow list) 550 5.1.1 "
			"a@b.example No such recipient here; any=unlisted");
	}
END_TEST

START_TEST(texts_are_the_administrators)
	{
		struct asked asked = { STAGE_CONNECT, .ip = "192.0.2.9", .helo = "localhost",
			.mail = "<foe@spam.example>", .rcpt = "<x@corp.example>" };

		m.settings->deny_conn = "conn 100%s";
		m.settings->deny_helo = "helo";
		m.settings->deny_mail = "mail";
		m.settings->deny_rcpt = "";
		made_build(&m);
		ck_assert_ptr_nonnull(
			strstr(made_decide(&m, &asked), "unknown [192.0.2.9] conn 100%s"));
		asked.stage = STAGE_HELO;
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), " localhost helo"));
		asked.stage = STAGE_MAIL;
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), " foe@spam.example mail"));
		asked.stage = STAGE_RCPT;
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), " x@corp.example "));
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_access");
	TCase *tcase = tcase_create("check_access");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, lists_decide, 0, ROWS(cases));
	tcase_add_loop_test(tcase, a_check_is_yes_no_or_warn, 0, ROWS(modes));
	tcase_add_loop_test(tcase, an_odd_address_is_refused, 0, ROWS(odd));
	tcase_add_loop_test(tcase, connect_and_helo_apply_to_sessions_neither_logged_in_nor_exempt,
		0, ROWS(bindings));
	tcase_add_test(tcase, exempt_and_logged_in_clients_are_bound_by_the_other_stages);
	tcase_add_loop_test(tcase, recipients_on_an_allow_list_are_accepted, 0, ROWS(accepts));
	tcase_add_test(tcase, postmaster_alone_is_never_an_unknown_recipient);
	tcase_add_test(tcase, strict_may_warn);
	tcase_add_test(tcase, texts_are_the_administrators);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
