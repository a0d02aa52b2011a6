/*
 * Shows the names of checks and stages, the room that a verdict needs, and which checks look at a
 * stage of which sessions.
 */
#include "lib/rules/check_table.h"

#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
	for (int i = 0; i < CHECK_COUNT; i++)
		m.services[0].mode[i] = MODE_NO;
}

static void teardown(void)
{
	made_end(&m);
}

START_TEST(checks_and_stages_have_names)
	{
		static const char *const checks[CHECK_COUNT] = { "any", "conn", "helo", "mail",
			"rcpt", "data", "sender", "recipient", "size", "limits", "header_from",
			"rates" };
		static const char *const stages[STAGE_COUNT] = { "connect", "helo", "mail", "rcpt",
			"header", "body" };
		static const char *const own_checks[STAGE_COUNT] = { "conn", "helo", "mail", "rcpt",
			"header_from", "size" };

		for (int i = 0; i < CHECK_COUNT; i++)
			ck_assert_str_eq(check_name((enum check)i), checks[i]);
		for (int i = 0; i < STAGE_COUNT; i++) {
			ck_assert_str_eq(stage_name((enum stage)i), stages[i]);
			ck_assert_str_eq(check_name(stage_check((enum stage)i)), own_checks[i]);
		}
	}
END_TEST

START_TEST(a_verdict_has_room_for_the_stage_with_the_most_findings)
	{
		ck_assert_int_eq(STAGE_FINDINGS(CONNECT), 6);
		ck_assert_int_eq(STAGE_FINDINGS(RCPT), 8);
		ck_assert_int_eq(VERDICT_FINDINGS, 9);
	}
END_TEST

#define AT(stage) (1U << STAGE_##stage)

/* The stages of each check, and whether it applies only to users. */
static const struct {
	enum check check;
	unsigned stages;
	bool users_only;
} rows[] = {
	{ CHECK_ANY, AT(CONNECT) | AT(HELO) | AT(MAIL) | AT(RCPT), false },
	{ CHECK_CONN, AT(CONNECT), false },
	{ CHECK_HELO, AT(HELO), false },
	{ CHECK_MAIL, AT(MAIL), false },
	{ CHECK_RCPT, AT(RCPT), false },
	{ CHECK_DATA, AT(HEADER), false },
	{ CHECK_SENDER, AT(MAIL), true },
	{ CHECK_RECIPIENT, AT(RCPT), true },
	{ CHECK_SIZE, AT(MAIL) | AT(BODY), true },
	{ CHECK_LIMITS, AT(RCPT), true },
	{ CHECK_HEADER_FROM, AT(HEADER), true },
	{ CHECK_RATES, AT(CONNECT) | AT(RCPT), false },
};
START_TEST(a_check_looks_at_its_stages)
	{
		struct service *service = &m.services[0];

		m.settings->rates = rates_new();
		m.parts.settings = m.settings;
		for (int stage = 0; stage < STAGE_COUNT; stage++) {
			bool looks = (rows[_i].stages & (1U << stage)) != 0;

			service->mode[rows[_i].check] = MODE_NO;
			ck_assert(!checks_look(&m.parts, service, (enum stage)stage, true));
			service->mode[rows[_i].check] = MODE_WARN;
			ck_assert(checks_look(&m.parts, service, (enum stage)stage, true) == looks);
			ck_assert(!checks_refuse(&m.parts, service, (enum stage)stage, true));
			service->mode[rows[_i].check] = MODE_YES;
			ck_assert(checks_look(&m.parts, service, (enum stage)stage, true) == looks);
			ck_assert(
				checks_refuse(&m.parts, service, (enum stage)stage, true) == looks);
			looks = looks && !rows[_i].users_only;
			ck_assert(
				checks_look(&m.parts, service, (enum stage)stage, false) == looks);
			m.parts.lists_only = true; /* the policy has no users */
			ck_assert(checks_look(&m.parts, service, (enum stage)stage, true) == looks);
			ck_assert(
				checks_refuse(&m.parts, service, (enum stage)stage, true) == looks);
			m.parts.lists_only = false;
		}
	}
END_TEST

START_TEST(a_check_without_rules_does_not_look)
	{
		static const struct made_profile small = { .id = "1", .name = "p", .maxsize = "9" };
		struct service *service = &m.services[0];

		service->mode[CHECK_RATES] = service->mode[CHECK_SIZE] = MODE_YES;
		m.parts.settings = m.settings;
		ck_assert(!checks_look(&m.parts, service, STAGE_CONNECT, true));
		ck_assert(checks_look(&m.parts, service, STAGE_BODY,
			true)); /* profiles are not known yet */
		made_build(&m);
		ck_assert(!checks_look(policy_parts(m.policy), service, STAGE_BODY, true));
		made_end(&m);
		made_begin(&m);
		ck_assert_int_eq(made_profile(&m, &small), 1);
		made_build(&m);
		ck_assert(checks_look(policy_parts(m.policy), &m.services[0], STAGE_BODY, true));
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("check_table");
	TCase *tcase = tcase_create("check_table");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, checks_and_stages_have_names);
	tcase_add_test(tcase, a_verdict_has_room_for_the_stage_with_the_most_findings);
	tcase_add_loop_test(tcase, a_check_looks_at_its_stages, 0, ROWS(rows));
	tcase_add_test(tcase, a_check_without_rules_does_not_look);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
