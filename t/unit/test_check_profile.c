/*
 * Shows what users and profiles allow: senders,
 * recipients, sizes, unknown users and tokens.
 */
#include <stdio.h>
#include <string.h>

#include "lib/rules/check.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void add_profiles(void)
{
	static const struct made_profile rows[] = {
		{ .id = "1", .name = "open", .open = "t", .maxsize = "1000" },
		{ .id = "2",
			.name = "some",
			.open = "f",
			.host = "in.example,corp.example",
			.rcpt = "x@out.example,partner@out.example",
			.rcpt_re = "^list-.*@lists\\.example$,@re\\.example" },
		{ .id = "3", .name = "none" },
		{ .id = "4", .name = "bad", .maxsize = "much" },
		{ .id = "5", .name = "token", .host = "in.example" },
		{ .id = "6", .name = "slow", .rcpt_re = "(a+)+(b|c)@x\\.example$" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		(void)made_profile(&m, &rows[i]);
}

static void add_users(void)
{
	static const struct made_user rows[] = {
		{ .id = "1", .name = "bob", .profile_id = "1" },
		{ .id = "2", .name = "Alice@Own.example", .profile_id = "2" },
		{ .id = "3",
			.name = "carol",
			.profile_id = "3",
			.froms =
				"carol@a.example,@b.example,.c.example,\"c d\"@e.example,x..y@f.example,"
				"\"x..y\"@g.example" },
		{ .id = "4", .name = "dave", .profile_id = "4" },
		{ .id = "5", .name = "eve", .froms = "*" },
		{ .id = "6", .name = "frank", .profile_id = "1", .enabled = "f" },
		{ .id = "7", .name = "grace", .profile_id = "99", .froms = "bad entry" },
		{ .id = "8", .name = "slow", .profile_id = "6" },
		{ .id = "9", .name = "Odd Name", .profile_id = "3" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(made_user(&m, &rows[i]), 1);
}

static void setup(void)
{
	made_begin(&m);
	m.settings->default_domain = "example.com";
	m.services[0].mode[CHECK_MAIL] = MODE_NO;
	m.services[0].mode[CHECK_RCPT] = MODE_NO;
	m.services[0].mode[CHECK_ANY] = MODE_NO;
	add_profiles();
	add_users();
}

static void teardown(void)
{
	made_end(&m);
}

#define NOT_YOURS " 550 5.7.1 You are not authorized to send from this address"
#define NO_TO(user, rcpt) " 550 5.7.1 User " user " not allowed to send to rcpt " rcpt

/* Whether a user may use a sender. */
static const struct {
	const char *login, *mail, *want;
} senders[] = {
	{ NULL, "<a@b.example>", "accept" },
	/* Without froms: the name, or name@default_domain. */
	{ "bob", "<bob@example.com>",
		"accept: sender=pass(user bob: own address); size=unlisted(profile open: maxsize)" },
	{ "BOB", "<Bob@Example.Com>",
		"accept: sender=pass(user bob: own address); size=unlisted(profile open: maxsize)" },
	{ "bob@example.com", "<bob@example.com>",
		"accept: sender=pass(user bob: own address); size=unlisted(profile open: maxsize)" },
	{ "bob", "<bob+x@example.com>",
		"accept: sender=pass(user bob: own address); size=unlisted(profile open: maxsize)" },
	{ "bob", "<bob@example.org>", "reject: sender=fail(user bob: own address)" NOT_YOURS },
	{ "bob", "<bob@sub.example.com>", "reject: sender=fail(user bob: own address)" NOT_YOURS },
	{ "bob", "<bob>", "reject: sender=fail(user bob: own address)" NOT_YOURS },
	{ "bob", "<bobby@example.com>", "reject: sender=fail(user bob: own address)" NOT_YOURS },
	{ "bob", "<b+ob@example.com>", "reject: sender=fail(user bob: own address)" NOT_YOURS },
	{ "bob", "<+bob@example.com>", "reject: sender=fail(user bob: own address)" NOT_YOURS },
	{ "alice@own.example", "<Alice@Own.example>",
		"accept: sender=pass(user Alice@Own.example: own address)" },
	{ "alice@own.example", "<alice@own.example@example.com>",
		"reject: sender=fail(user Alice@Own.example: own address)" NOT_YOURS },
	/* froms */
	{ "carol", "<carol@a.example>", "accept: sender=pass(user carol: froms[1])" },
	{ "carol", "<Carol+tag@A.example>", "accept: sender=pass(user carol: froms[1])" },
	{ "carol", "<carol+a+b@a.example>", "accept: sender=pass(user carol: froms[1])" },
	{ "carol", "<carol+@a.example>", "accept: sender=pass(user carol: froms[1])" },
	{ "carol", "<\"carol+x\"@a.example>", "accept: sender=pass(user carol: froms[1])" },
	{ "carol", "<carol@example.com>", "reject: sender=fail(user carol: froms)" NOT_YOURS },
	{ "carol", "<any@b.example>", "accept: sender=pass(user carol: froms[2])" },
	{ "carol", "<any@x.b.example>", "reject: sender=fail(user carol: froms)" NOT_YOURS },
	{ "carol", "<any@c.example>", "accept: sender=pass(user carol: froms[3])" },
	{ "carol", "<any@x.y.c.example>", "accept: sender=pass(user carol: froms[3])" },
	{ "carol", "<any@xc.example>", "reject: sender=fail(user carol: froms)" NOT_YOURS },
	{ "carol", "<\"C D\"@e.example>", "accept: sender=pass(user carol: froms[4])" },
	{ "carol", "<x..y@f.example>", "accept: sender=pass(user carol: froms[5])" },
	{ "carol", "<\"X..y\"@f.example>", "accept: sender=pass(user carol: froms[5])" },
	{ "carol", "<x..y+z@f.example>", "accept: sender=pass(user carol: froms[5])" },
	{ "carol", "<\"x..y+z\"@f.example>", "accept: sender=pass(user carol: froms[5])" },
	{ "carol", "<\"x..y+..z\"@f.example>", "accept: sender=pass(user carol: froms[5])" },
	{ "carol", "<\"carol+x y\"@a.example>", "accept: sender=pass(user carol: froms[1])" },
	{ "carol", "<x..y@g.example>", "accept: sender=pass(user carol: froms[6])" },
	{ "carol", "<x..y+z@g.example>", "accept: sender=pass(user carol: froms[6])" },
	{ "carol", "<\"x..z\"@f.example>", "reject: sender=fail(user carol: froms)" NOT_YOURS },
	{ "carol", "<\"+x..y\"@f.example>", "reject: sender=fail(user carol: froms)" NOT_YOURS },
	{ "carol", "<b.example>", "reject: sender=fail(user carol: froms)" NOT_YOURS },
	{ "eve", "<who@ever.example>", "accept: sender=pass(user eve: froms[1])" },
	{ "grace", "<grace@example.com>", "reject: sender=fail(user grace: froms)" NOT_YOURS },
	{ "Odd Name", "<\"odd name\"@example.com>",
		"reject: sender=fail(user Odd Name: own address)" NOT_YOURS },
	/* The null sender is allowed by default. */
	{ "carol", "<>", "accept: sender=pass([profile] allow_null_sender)" },
	/* A disabled user, and an unknown one. */
	{ "frank", "<frank@example.com>",
		"reject: sender=fail(user frank: enabled = false) 550 5.7.1 User frank is not allowed to send mail" },
	{ "frank", "<>",
		"reject: sender=fail(user frank: enabled = false) 550 5.7.1 User frank is not allowed to send mail" },
	{ "nobody", "<nobody@example.com>",
		"reject: sender=fail(user nobody: unknown_user = reject)" NOT_YOURS },
	{ "nobody", "<>", "reject: sender=fail(user nobody: unknown_user = reject)" NOT_YOURS },
	/* The login of a token may send only as its address. */
	{ "token:t@own.example", "<T@Own.example>",
		"accept: sender=pass(user token:t@own.example: own address)" },
	{ "Token:t@own.example", "<t+x@own.example>",
		"accept: sender=pass(user Token:t@own.example: own address)" },
	{ "token:t@own.example", "<u@own.example>",
		"reject: sender=fail(user token:t@own.example: own address)" NOT_YOURS },
	{ "token:bob", "<bob@example.com>", "accept: sender=pass(user token:bob: own address)" },
	{ "token:", "<@example.com>",
		"reject: sender=fail(address syntax) 553 5.1.7 Bad sender address syntax" },
};
START_TEST(a_sender_is_the_users)
	{
		struct asked asked = { STAGE_MAIL, .login = senders[_i].login,
			.mail = senders[_i].mail };

		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), senders[_i].want);
	}
END_TEST

START_TEST(the_null_sender_may_be_refused)
	{
		static const char *const logins[] = { "carol", "eve" };
		struct asked asked = { STAGE_MAIL, .login = logins[_i], .mail = "<>" };

		m.settings->allow_null_sender = false;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: sender=fail([profile] allow_null_sender)" NOT_YOURS);
		asked.login = NULL;
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
	}
END_TEST

/* Postfix sends mail from mailer-daemon@$myorigin as from <>. */
START_TEST(a_sender_that_becomes_the_null_sender_may_be_refused)
	{
		static const char *const mails[5] = { "<mailer-daemon@ever.example>",
			"<MAILER-DAEMON>", "<\"mailer-daemon\"@localhost>", "<\"\"@ever.example>",
			"<mailer-daemon%ever.example@x.example>" };
		struct asked asked = { STAGE_MAIL, .login = "eve", .mail = mails[_i % 5] };

		m.settings->allow_null_sender = _i > 4;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			_i > 4 ? "accept: sender=pass(user eve: froms[1])" :
				 "reject: sender=fail([profile] allow_null_sender)" NOT_YOURS);
	}
END_TEST

/* recipient_delimiter is a set of characters. */
static const struct {
	const char *delimiters, *mail;
	bool want;
} delimiters[] = {
	{ "+", "<bob+x@example.com>", true },
	{ "+", "<bob-x@example.com>", false },
	{ "-+", "<bob-x@example.com>", true },
	{ "-+", "<bob+x-y@example.com>", true },
	{ "", "<bob+x@example.com>", false },
	{ "-", "<bob+x@example.com>", false },
};
START_TEST(a_delimiter_separates_the_extension)
	{
		struct asked asked = { STAGE_MAIL, .login = "bob", .mail = delimiters[_i].mail };

		m.settings->recipient_delimiter = delimiters[_i].delimiters;
		made_build(&m);
		ck_assert_ptr_eq(strstr(made_decide(&m, &asked),
					 delimiters[_i].want ? "accept" : "reject"),
			m.text);
	}
END_TEST

/* A login that looks like a pattern of froms is nevertheless a name. */
static const char *const patterns[] = { "*", "@example.org", ".example.org", "token:@example.org",
	"token:*", "token:" };
START_TEST(a_login_is_no_pattern)
	{
		struct asked asked = { STAGE_MAIL, .login = patterns[_i % 6],
			.mail = _i % 6 == 5 ? "<x@example.com>" : "<x@example.org>" };

		m.settings->unknown_user = UNKNOWN_PROFILE;
		m.settings->default_domain = _i < 6 ? "" : "example.com";
		made_build(&m);
		ck_assert_ptr_eq(strstr(made_decide(&m, &asked), "reject: sender=fail"), m.text);
	}
END_TEST

START_TEST(without_default_domain_a_name_is_no_address)
	{
		struct asked asked = { STAGE_MAIL, .login = "bob", .mail = "<bob@example.com>" };

		m.settings->default_domain = "";
		made_build(&m);
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "reject: sender=fail"));
		asked.login = "alice@own.example";
		asked.mail = "<alice@own.example>";
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "accept: sender=pass"));
	}
END_TEST

/* Whether a user may send to a recipient. */
static const struct {
	const char *login, *rcpt, *want;
} recipients[] = {
	{ NULL, "<a@b.example>", "accept" },
	{ "bob", "<a@b.example>", "accept: recipient=pass(profile open: open)" },
	{ "bob", "<a%b@c.example>", "accept: recipient=pass(profile open: open)" },
	{ "alice@own.example", "<a@In.Example>", "accept: recipient=pass(profile some: host[1])" },
	{ "alice@own.example", "<a@corp.example.>",
		"accept: recipient=pass(profile some: host[2])" },
	{ "alice@own.example", "<Partner@Out.example>",
		"accept: recipient=pass(profile some: rcpt[2])" },
	{ "alice@own.example", "<List-1@lists.example>",
		"accept: recipient=pass(profile some: rcpt_re[1])" },
	{ "alice@own.example", "<a@RE.example>",
		"accept: recipient=pass(profile some: rcpt_re[2])" },
	{ "alice@own.example", "<a@re.example.evil.example>",
		"accept: recipient=pass(profile some: rcpt_re[2])" },
	{ "alice@own.example", "<A@Out.example>",
		"reject: recipient=fail(profile some: no host, rcpt or rcpt_re matches)" NO_TO(
			"Alice@Own.example", "<A@Out.example>") },
	{ "alice@own.example", "<a@sub.in.example>",
		"reject: recipient=fail(profile some: no host, rcpt or rcpt_re matches)" NO_TO(
			"Alice@Own.example", "<a@sub.in.example>") },
	{ "alice@own.example", "<Postmaster>",
		"reject: recipient=fail(profile some: no host, rcpt or rcpt_re matches)" NO_TO(
			"Alice@Own.example", "postmaster") },
	{ "alice@own.example", "<evil%out.example@in.example>",
		"reject: recipient=fail(profile some: routed_recipients = refuse)" NO_TO(
			"Alice@Own.example", "<evil%out.example@in.example>") },
	{ "alice@own.example", "<out!evil@in.example>",
		"reject: recipient=fail(profile some: routed_recipients = refuse)" NO_TO(
			"Alice@Own.example", "<out!evil@in.example>") },
	{ "alice@own.example", "<evil@out.example@in.example>",
		"reject: recipient=fail(profile some: routed_recipients = refuse)" NO_TO(
			"Alice@Own.example", "<evil@out.example@in.example>") },
	{ "alice@own.example", "<\"evil@out.example\"@in.example>",
		"reject: recipient=fail(profile some: routed_recipients = refuse)" NO_TO(
			"Alice@Own.example", "<\"evil@out.example\"@in.example>") },
	{ "alice@own.example", "<@in.example:evil@in.example>",
		"reject: recipient=fail(profile some: routed_recipients = refuse)" NO_TO(
			"Alice@Own.example", "<evil@in.example>") },
	{ "carol", "<a@in.example>",
		"reject: recipient=fail(profile none: no host, rcpt or rcpt_re matches)" NO_TO(
			"carol", "<a@in.example>") },
	{ "dave", "<a@in.example>",
		"reject: recipient=fail(user dave: the row of profile 4 was left out)" NO_TO("dave",
			"<a@in.example>") },
	{ "eve", "<a@in.example>",
		"reject: recipient=fail(user eve: no profile (unknown_user))" NO_TO("eve",
			"<a@in.example>") },
	{ "grace", "<a@in.example>",
		"reject: recipient=fail(user grace: no profile (unknown_user))" NO_TO("grace",
			"<a@in.example>") },
	{ "nobody", "<a@in.example>",
		"reject: recipient=fail(user nobody: no profile (unknown_user))" NO_TO("nobody",
			"<a@in.example>") },
	{ "token:t@own.example", "<a@in.example>",
		"accept: recipient=pass(profile token: host[1])" },
	{ "token:t@own.example", "<a@out.example>",
		"reject: recipient=fail(profile token: no host, rcpt or rcpt_re matches)" NO_TO(
			"token:t@own.example", "<a@out.example>") },
	/* A failed match of rcpt_re does not allow. */
	{ "slow", "<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.example>",
		"reject: recipient=fail(profile slow: rcpt_re[1] ran past its limits)" NO_TO("slow",
			"<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@x.example>") },
};
START_TEST(a_recipient_is_the_profiles)
	{
		struct asked asked = { STAGE_RCPT, .login = recipients[_i].login,
			.rcpt = recipients[_i].rcpt };

		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), recipients[_i].want);
	}
END_TEST

START_TEST(routed_recipients_may_be_allowed)
	{
		struct asked asked = { STAGE_RCPT, .login = "alice@own.example",
			.rcpt = "<evil%out.example@in.example>" };

		m.settings->routed_recipients = ROUTED_ALLOW;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"accept: recipient=pass(profile some: host[1])");
	}
END_TEST

/* unknown_user, for a login without a row, and for a user without a profile. */
static const struct {
	enum unknown_user unknown;
	const char *profile, *login, *mail, *want_mail, *want_rcpt;
} unknown[] = {
	{ UNKNOWN_ACCEPT, "", "nobody", "<x@y.example>", "accept", "accept" },
	{ UNKNOWN_ACCEPT, "", "eve", "<x@y.example>", "accept: sender=pass(user eve: froms[1])",
		"accept: recipient=pass" },
	{ UNKNOWN_ACCEPT, "", "dave", "<dave@example.com>",
		"accept: sender=pass(user dave: own address)",
		"reject: recipient=fail(user dave: the row of profile 4 was left out)" },
	{ UNKNOWN_PROFILE, "some", "nobody", "<nobody@example.com>",
		"accept: sender=pass(user nobody: own address)",
		"accept: recipient=pass(profile some: host[1])" },
	{ UNKNOWN_PROFILE, "some", "nobody", "<bob@example.com>",
		"reject: sender=fail(user nobody: own address)",
		"accept: recipient=pass(profile some: host[1])" },
	{ UNKNOWN_PROFILE, "some", "eve", "<x@y.example>",
		"accept: sender=pass(user eve: froms[1])",
		"accept: recipient=pass(profile some: host[1])" },
	{ UNKNOWN_PROFILE, "none", "eve", "<x@y.example>",
		"accept: sender=pass(user eve: froms[1])",
		"reject: recipient=fail(profile none: no host, rcpt or rcpt_re matches)" },
	{ UNKNOWN_PROFILE, "gone", "eve", "<x@y.example>",
		"accept: sender=pass(user eve: froms[1])",
		"reject: recipient=fail(user eve: no profile (unknown_user))" },
	{ UNKNOWN_PROFILE, "gone", "nobody", "<nobody@example.com>",
		"accept: sender=pass(user nobody: own address)",
		"reject: recipient=fail(user nobody: no profile (unknown_user))" },
	{ UNKNOWN_REJECT, "", "nobody", "<nobody@example.com>",
		"reject: sender=fail(user nobody: unknown_user = reject)",
		"reject: recipient=fail(user nobody: no profile (unknown_user))" },
};
START_TEST(unknown_user_decides_where_a_login_without_a_row_may_send)
	{
		struct asked asked = { STAGE_MAIL, .login = unknown[_i].login,
			.mail = unknown[_i].mail, .rcpt = "<a@in.example>" };

		m.settings->unknown_user = unknown[_i].unknown;
		m.settings->unknown_profile = unknown[_i].profile;
		made_build(&m);
		ck_assert_ptr_eq(strstr(made_decide(&m, &asked), unknown[_i].want_mail), m.text);
		asked.stage = STAGE_RCPT;
		ck_assert_ptr_eq(strstr(made_decide(&m, &asked), unknown[_i].want_rcpt), m.text);
	}
END_TEST

/* SIZE= and maxsize, which is 1000 for bob. */
static const struct {
	const char *login;
	uint64_t size;
	const char *want;
} sizes[] = {
	{ NULL, 5000, "accept" },
	{ "bob", 0, "size=unlisted(profile open: maxsize)" },
	{ "bob", 1000,
		"accept: sender=pass(user bob: own address); size=pass(profile open: maxsize)" },
	{ "bob", 1001,
		"reject: sender=pass(user bob: own address); size=fail(profile open: maxsize) "
		"552 5.3.4 Message too big: the limit is 1000 bytes" },
	{ "bob", UINT64_MAX, "reject: " },
	{ "carol", 5000, "accept: sender=pass([profile] allow_null_sender)" },
	{ "eve", 5000, "accept: sender=pass([profile] allow_null_sender)" },
};
START_TEST(size_is_at_most_maxsize)
	{
		struct asked asked = { STAGE_MAIL, .login = sizes[_i].login,
			.size = sizes[_i].size };

		asked.mail =
			asked.login != NULL && asked.login[0] == 'b' ? "<bob@example.com>" : "<>";
		made_build(&m);
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), sizes[_i].want));
	}
END_TEST

/* Expect this verdict and this outcome of the size check; OUTCOME_UNLISTED for no finding. */
static void ck_body(const struct facts *facts, uint64_t octets, enum verdict_kind kind,
	enum outcome outcome)
{
	const struct check_env env = { .policy = m.policy, .scratch = m.scratch };
	struct verdict verdict;

	check_body(&env, facts, octets, &verdict);
	ck_assert_int_eq(verdict.kind, kind);
	ck_assert_uint_eq(verdict.count, outcome != OUTCOME_UNLISTED);
	if (outcome == OUTCOME_UNLISTED)
		return;
	ck_assert_int_eq(verdict.findings[0].check, CHECK_SIZE);
	ck_assert_int_eq(verdict.findings[0].outcome, outcome);
	ck_assert_str_eq(verdict.findings[0].rule, "profile open: maxsize");
	ck_assert_int_eq(verdict.findings[0].reply.code, 552);
	ck_assert_str_eq(verdict.findings[0].reply.text,
		"Message too big: the limit is 1000 bytes");
}

START_TEST(a_message_may_have_maxsize_octets)
	{
		struct facts facts = { .login = "bob" };

		m.services[1].name = "relaxed";
		m.services[1].mode[CHECK_SIZE] = MODE_WARN;
		m.services[2].name = "off";
		m.services[2].mode[CHECK_SIZE] = MODE_NO;
		m.settings->service_count = 3;
		made_build(&m);
		ck_assert_uint_eq(check_maxsize(m.policy, &facts), 1000);
		ck_body(&facts, 1000, VERDICT_CONTINUE, OUTCOME_UNLISTED);
		ck_body(&facts, 1001, VERDICT_REJECT, OUTCOME_FAIL);
		facts.service = "relaxed";
		ck_assert_uint_eq(check_maxsize(m.policy, &facts), 1000);
		ck_body(&facts, 1001, VERDICT_CONTINUE, OUTCOME_WARN);
		facts.service = "off";
		ck_assert_uint_eq(check_maxsize(m.policy, &facts), 0);
		facts.service = NULL;
		facts.login = NULL;
		ck_assert_uint_eq(check_maxsize(m.policy, &facts), 0);
		ck_body(&facts, 1U << 30, VERDICT_CONTINUE, OUTCOME_UNLISTED);
	}
END_TEST

/* yes, no, warn */
static const struct {
	enum check check;
	enum check_mode mode;
	struct asked asked;
	const char *want;
} modes[] = {
	{ CHECK_SENDER, MODE_NO, { STAGE_MAIL, .login = "carol", .mail = "<x@y.example>" },
		"accept" },
	{ CHECK_SENDER, MODE_WARN, { STAGE_MAIL, .login = "carol", .mail = "<x@y.example>" },
		"accept: sender=would-reject(user carol: froms)" NOT_YOURS },
	{ CHECK_SENDER, MODE_NO, { STAGE_MAIL, .login = "frank", .mail = "<x@y.example>" },
		"reject: sender=fail(user frank: enabled = false) 550 5.7.1 User frank is not allowed to send mail" },
	{ CHECK_SENDER, MODE_WARN, { STAGE_MAIL, .login = "frank", .mail = "<x@y.example>" },
		"reject: sender=fail(user frank: enabled = false) 550 5.7.1 User frank is not allowed to send mail" },
	{ CHECK_SENDER, MODE_NO, { STAGE_MAIL, .login = "nobody", .mail = "<x@y.example>" },
		"accept" },
	{ CHECK_RECIPIENT, MODE_NO, { STAGE_RCPT, .login = "carol", .rcpt = "<x@y.example>" },
		"accept" },
	{ CHECK_RECIPIENT, MODE_WARN, { STAGE_RCPT, .login = "carol", .rcpt = "<x@y.example>" },
		"accept: recipient=would-reject(profile none: no host, rcpt or rcpt_re matches)" NO_TO(
			"carol", "<x@y.example>") },
	{ CHECK_SIZE, MODE_NO, { STAGE_MAIL, .login = "bob", .mail = "<>", .size = 5000 },
		"accept: sender=pass([profile] allow_null_sender)" },
	{ CHECK_SIZE, MODE_WARN, { STAGE_MAIL, .login = "bob", .mail = "<>", .size = 5000 },
		"accept: sender=pass([profile] allow_null_sender); size=would-reject(profile open: maxsize) "
		"552 5.3.4 Message too big: the limit is 1000 bytes" },
};
START_TEST(a_check_is_yes_no_or_warn)
	{
		m.services[0].mode[modes[_i].check] = modes[_i].mode;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &modes[_i].asked), modes[_i].want);
	}
END_TEST

START_TEST(with_lists_only_no_profile_applies)
	{
		struct asked asked = { STAGE_MAIL, .login = "nobody", .mail = "<x@y.example>",
			.rcpt = "<x@y.example>" };

		m.parts.lists_only = true;
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
		asked.stage = STAGE_RCPT;
		ck_assert_str_eq(made_decide(&m, &asked), "accept");
	}
END_TEST

START_TEST(without_a_profile_for_tokens_they_may_send_to_nobody)
	{
		struct asked asked = { STAGE_RCPT, .login = "token:a@b.example",
			.rcpt = "<x@in.example>" };

		m.settings->token_profile = "gone";
		made_build(&m);
		ck_assert_str_eq(made_decide(&m, &asked),
			"reject: recipient=fail(user token:a@b.example: no profile (unknown_user))" NO_TO(
				"token:a@b.example", "<x@in.example>"));
	}
END_TEST

START_TEST(without_tokens_their_login_is_a_name_like_others)
	{
		struct asked asked = { STAGE_MAIL, .login = "token:a@b.example",
			.mail = "<a@b.example>" };

		m.settings->token_login = "";
		made_build(&m);
		ck_assert_ptr_nonnull(strstr(made_decide(&m, &asked), "unknown_user = reject"));
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_profile");
	TCase *tcase = tcase_create("check_profile");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_sender_is_the_users, 0, ROWS(senders));
	tcase_add_loop_test(tcase, the_null_sender_may_be_refused, 0, 2);
	tcase_add_loop_test(tcase, a_sender_that_becomes_the_null_sender_may_be_refused, 0, 10);
	tcase_add_loop_test(tcase, a_delimiter_separates_the_extension, 0, ROWS(delimiters));
	tcase_add_loop_test(tcase, a_login_is_no_pattern, 0, 12);
	tcase_add_test(tcase, without_default_domain_a_name_is_no_address);
	tcase_add_loop_test(tcase, a_recipient_is_the_profiles, 0, ROWS(recipients));
	tcase_add_test(tcase, routed_recipients_may_be_allowed);
	tcase_add_loop_test(tcase, unknown_user_decides_where_a_login_without_a_row_may_send, 0,
		ROWS(unknown));
	tcase_add_loop_test(tcase, size_is_at_most_maxsize, 0, ROWS(sizes));
	tcase_add_test(tcase, a_message_may_have_maxsize_octets);
	tcase_add_loop_test(tcase, a_check_is_yes_no_or_warn, 0, ROWS(modes));
	tcase_add_test(tcase, with_lists_only_no_profile_applies);
	tcase_add_test(tcase, without_a_profile_for_tokens_they_may_send_to_nobody);
	tcase_add_test(tcase, without_tokens_their_login_is_a_name_like_others);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
