/*
 * Shows where Postern's profiles decide differently from the plugin for Haraka: one test for each
 * name in section 3 of t/cases/FORMAT.md. test_quirks.c covers access lists.
 */
#include <jansson.h>
#include <string.h>

#include "lib/auth/password.h"
#include "lib/decide/explain.h"
#include "t/unit/lib/default_settings.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
	m.services[0].mode[CHECK_MAIL] = MODE_NO;
	m.services[0].mode[CHECK_RCPT] = MODE_NO;
	m.services[0].mode[CHECK_ANY] = MODE_NO;
	m.settings->default_domain = "example.com";
	m.settings->header_from = HEADER_FROM_ALIGNED;
	m.settings->allow_null_sender = false;
}

static void teardown(void)
{
	made_end(&m);
}

/* Make a user bob with a profile of these columns. */
static void make_user_with_profile(const char *froms, const char *host, const char *rcpt,
	const char *rcpt_re)
{
	const struct made_profile profile = { .id = "1",
		.name = "p",
		.host = host,
		.rcpt = rcpt,
		.rcpt_re = rcpt_re };
	const struct made_user user = { .id = "1",
		.name = "bob",
		.froms = froms,
		.profile_id = "1" };

	ck_assert_int_eq(made_profile(&m, &profile), 1);
	ck_assert_int_eq(made_user(&m, &user), 1);
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

static void mails(const char *login, const char *mail, const char *want)
{
	expect((struct asked){ STAGE_MAIL, .login = login, .mail = mail }, want);
}

static void sends_to(const char *rcpt, const char *want)
{
	expect((struct asked){ STAGE_RCPT, .login = "bob", .rcpt = rcpt }, want);
}

static void writes(const char *login, const char *mail, const char *from, const char *want)
{
	expect((struct asked){ STAGE_HEADER, .login = login, .mail = mail, .from = from }, want);
}

/* Keywords of JavaScript find no user, and may be names of users. */
START_TEST(proto_user)
	{
		static const struct made_user row = { .id = "1",
			.name = "__proto__",
			.froms = "*" };

		ck_assert_int_eq(made_user(&m, &row), 1);
		mails("constructor", "<a@b.example>",
			"reject: sender=fail(user constructor: unknown_user");
		mails("toString", "<a@b.example>",
			"reject: sender=fail(user toString: unknown_user");
		mails("__proto__", "<a@b.example>",
			"accept: sender=pass(user __proto__: froms[1])");
	}
END_TEST

START_TEST(list_trim)
	{
		make_user_with_profile(" a@one.example , b@one.example",
			" one.example,\ttwo.example ", " c@three.example , d@three.example ",
			" ^e@.*$ , ^f@.*$ ");
		mails("bob", "<b@one.example>", "accept: sender=pass(user bob: froms[2])");
		sends_to("<x@two.example>", "accept: recipient=pass(profile p: host[2])");
		sends_to("<d@three.example>", "accept: recipient=pass(profile p: rcpt[2])");
		sends_to("<f@four.example>", "accept: recipient=pass(profile p: rcpt_re[2])");
	}
END_TEST

/* An empty item matches nothing. */
START_TEST(list_empty)
	{
		make_user_with_profile(",a@one.example,,", ",", ",,", "^e@.*$,,,");
		mails("bob", "<a@one.example>", "accept: sender=pass");
		mails("bob", "<b@one.example>", "reject: sender=fail");
		sends_to("<x@two.example>",
			"reject: recipient=fail(profile p: no host, rcpt or rcpt_re matches)");
		sends_to("<>", "reject: recipient=fail");
		sends_to("<e@two.example>", "accept: recipient=pass(profile p: rcpt_re[1])");
	}
END_TEST

START_TEST(from_case)
	{
		make_user_with_profile("Bob@One.Example", NULL, NULL, NULL);
		mails("bob", "<bob@one.example>", "accept: sender=pass");
		mails("bob", "<BOB@ONE.EXAMPLE>", "accept: sender=pass");
		mails("BOB", "<bob@one.example>", "accept: sender=pass");
		writes("bob", "<bob@one.example>", "BOB@ONE.example", "accept: header_from=pass");
	}
END_TEST

START_TEST(rcpt_case)
	{
		make_user_with_profile(NULL, "One.Example", "Bob@Two.Example", NULL);
		sends_to("<x@one.example>", "accept: recipient=pass(profile p: host[1])");
		sends_to("<x@ONE.EXAMPLE>", "accept: recipient=pass(profile p: host[1])");
		sends_to("<bOB@two.eXAMPLE>", "accept: recipient=pass(profile p: rcpt[1])");
	}
END_TEST

START_TEST(re_case)
	{
		make_user_with_profile(NULL, NULL, NULL, "^A[B-C]@one\\.example$");
		sends_to("<ab@ONE.example>", "accept: recipient=pass(profile p: rcpt_re[1])");
	}
END_TEST

/* Commas within (), [] and {} do not separate; list columns are not split at all (test_profile.c).
 */
START_TEST(re_comma)
	{
		make_user_with_profile(NULL, NULL, NULL,
			"^a{2,4}@one\\.example$,^[b,]+@.*$,^(c,|d)@.*$");
		sends_to("<aaa@one.example>", "accept: recipient=pass(profile p: rcpt_re[1])");
		sends_to("<a@one.example>", "reject: recipient=fail");
		sends_to("<bb@one.example>", "accept: recipient=pass(profile p: rcpt_re[2])");
		sends_to("<d@one.example>", "accept: recipient=pass(profile p: rcpt_re[3])");
		ck_assert_uint_eq(problems_count(m.problems), 0);
	}
END_TEST

/* As before: rcpt_re is unanchored; a pattern without $ is noted once. */
START_TEST(re_anchor)
	{
		make_user_with_profile(NULL, NULL, NULL, "@one\\.example");
		sends_to("<a@one.example>", "accept: recipient=pass");
		ck_assert_uint_eq(problems_level_count(m.problems, PROBLEM_NOTE), 1);
		ck_assert_str_eq(problems_level_text(m.problems, PROBLEM_NOTE, 0),
			"profiles id 1 (p): rcpt_re[1] \"@one\\.example\" has no $, so it also matches inside "
			"longer addresses");
		sends_to("<a@one.example.evil.example>", "accept: recipient=pass");
	}
END_TEST

START_TEST(re_anchor_the_other_way)
	{
		m.settings->rcpt_re_anchored = true;
		make_user_with_profile(NULL, NULL, NULL, ".*@one\\.example");
		sends_to("<a@one.example>", "accept: recipient=pass");
		ck_assert_uint_eq(problems_level_count(m.problems, PROBLEM_NOTE), 0);
		sends_to("<a@one.example.evil.example>", "reject: recipient=fail");
	}
END_TEST

/* A user name that is an address is the address. */
START_TEST(default_from)
	{
		static const struct made_user row = { .id = "2", .name = "u@d.example" };

		make_user_with_profile(NULL, NULL, NULL, NULL);
		ck_assert_int_eq(made_user(&m, &row), 1);
		mails("bob", "<bob@example.com>", "accept: sender=pass");
		mails("u@d.example", "<u@d.example>", "accept: sender=pass");
		mails("u@d.example", "<u@d.example@example.com>", "reject: sender=fail");
	}
END_TEST

START_TEST(no_profile)
	{
		static const struct made_user row = { .id = "1", .name = "bob" };

		ck_assert_int_eq(made_user(&m, &row), 1);
		sends_to("<a@b.example>",
			"reject: recipient=fail(user bob: no profile (unknown_user))");
		m.settings->unknown_user = UNKNOWN_ACCEPT;
		sends_to("<a@b.example>", "accept: recipient=pass");
	}
END_TEST

START_TEST(null_sender)
	{
		struct settings *defaults = default_settings();

		ck_assert(defaults->allow_null_sender);
		settings_unref(&defaults);
		make_user_with_profile(NULL, NULL, NULL, NULL);
		mails("bob", "<>", "reject: sender=fail");
		m.settings->allow_null_sender = true;
		mails("bob", "<>", "accept: sender=pass");
	}
END_TEST

#define SALTED "$6$saltsalt$"
#define DIGEST \
	"cPbDmdp7sUA1v8Yjfppi8VeFqwELnkKCqsv5H2wx/S4LZwLhIhlK7tCX/4JqgCT3onV3./FXCDD2Y6iXkj4Lp/"

/* Every method of crypt(3), on the whole text: test_password.c shows more. */
static const struct {
	const char *name, *hash, *password;
	enum password_result want;
} passwords[] = {
	{ "plain", SALTED DIGEST, "swordfish", PASSWORD_RIGHT },
	{ "pw-scheme", "{SHA512-CRYPT}" SALTED DIGEST, "swordfish", PASSWORD_RIGHT },
	{ "pw-scheme", "$5$saltsalt$daAhTF6GHYZ.SNpCbCUBgMUeouPxKWlT5eTP3TzH249", "swordfish",
		PASSWORD_RIGHT },
	{ "pw-rounds",
		"$6$rounds=1000$saltsalt$Pz.NeZwrOKpKm9zoXt43nzEgLTvewod6d8MyxWKF2ERHu/"
		"fxVS6EQA70HfP1/65MTN1.vs19WOwQe7rIz9GM5/",
		"swordfish", PASSWORD_RIGHT },
	{ "pw-utf8",
		"$6$saltsalt$TQjRhpJdqmLx0U8it3EsUajwkmOMMvw5vhUFc7mohzFFoj/QHrfYUHU1oSkwyCEoTUCDOiAOW1"
		"35nel3bqtKe.",
		"p\xc3\xa4ssw\xc3\xb6rd", PASSWORD_RIGHT },
	{ "pw-trailing", SALTED DIGEST "$more", "swordfish", PASSWORD_WRONG },
	{ "pw-trailing", SALTED DIGEST " ", "swordfish", PASSWORD_WRONG },
};
START_TEST(pw_)
	{
		ck_assert_msg(password_check(passwords[_i].hash, passwords[_i].password) ==
				passwords[_i].want,
			"%s", passwords[_i].name);
	}
END_TEST

/* From is compared for logged-in users, except with the null sender. */
START_TEST(dp_scope)
	{
		m.settings->allow_null_sender = true;
		make_user_with_profile("*", NULL, NULL, NULL);
		writes(NULL, "<a@one.example>", "b@two.example", "accept");
		writes("bob", "<>", "b@two.example", "accept");
		writes("bob", "<a@one.example>", "b@two.example", "reject: header_from=fail");
		writes("bob", "<a@one.example>", NULL, "reject: header_from=fail");
	}
END_TEST

/* Only the refused recipient is lost; the header is judged if one remains. */
START_TEST(rcpt_disconnect)
	{
		static const char text[] =
			"{\"id\":1,\"ip\":\"192.0.2.7\",\"helo\":\"h\",\"login\":\"bob\",\"mail\":\"<bob@example."
			"com>\",\"rcpts\":[\"<a@no.example>\",\"<a@one.example>\",\"<b@no.example>\"],"
			"\"from\":\"bob@example.com\"}";
		static const char *const want[] = { "accept", "accept", "accept", "reject",
			"accept", "reject", "accept" };
		json_t *session = json_loads(text, 0, NULL), *answer, *steps;
		const struct explain_ledger none = { .ledger = NULL };
		struct login_rules rules = { .policy = NULL };
		struct errmsg err = { "" };
		size_t i;

		make_user_with_profile(NULL, "one.example", NULL, NULL);
		made_build(&m);
		rules.policy = m.policy;
		ck_assert_msg(explain_session(&rules, &none, NULL, m.scratch, session, &answer,
				      &err) == 0,
			"%s", err.text);
		steps = json_object_get(answer, "steps");
		ck_assert_uint_eq(json_array_size(steps), 7);
		for (i = 0; i < 7; i++)
			ck_assert_str_eq(json_string_value(json_object_get(json_array_get(steps, i),
						 "verdict")),
				want[i]);
		json_decref(answer);
		json_decref(session);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("quirks_profile");
	TCase *tcase = tcase_create("quirks_profile");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, proto_user);
	tcase_add_test(tcase, list_trim);
	tcase_add_test(tcase, list_empty);
	tcase_add_test(tcase, from_case);
	tcase_add_test(tcase, rcpt_case);
	tcase_add_test(tcase, re_case);
	tcase_add_test(tcase, re_comma);
	tcase_add_test(tcase, re_anchor);
	tcase_add_test(tcase, re_anchor_the_other_way);
	tcase_add_test(tcase, default_from);
	tcase_add_test(tcase, no_profile);
	tcase_add_test(tcase, null_sender);
	tcase_add_loop_test(tcase, pw_, 0, ROWS(passwords));
	tcase_add_test(tcase, dp_scope);
	tcase_add_test(tcase, rcpt_disconnect);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
