/*
 * What the callbacks agree on with an MTA that offers given actions and steps. The callbacks
 * themselves are covered by t/integration/test_daemon.py.
 */
#include <libmilter/mfapi.h>
#include <string.h>

#include "milter/smtp/callbacks_private.h"
#include "t/unit/lib/default_settings.h"
#include "t/unit/unit.h"

static struct settings *settings;
static struct policy_parts parts; /* profiles: none, so that no size counts */
static struct service services[2];

static void setup(void)
{
	struct profiles_builder *builder;

	settings = default_settings();
	ck_assert_ptr_nonnull(settings);
	services[0] = services[1] = settings->services[0];
	services[1].name = "other";
	settings->services = services;
	settings->service_count = 1;
	builder = profiles_builder_new(false);
	ck_assert_ptr_nonnull(builder);
	parts = (struct policy_parts){ .settings = settings,
		.profiles = profiles_builder_finish(&builder) };
	ck_assert_ptr_nonnull(parts.profiles);
}

static void teardown(void)
{
	profiles_unref(&parts.profiles);
	settings_unref(&settings);
}

static void set_all(struct service *service, enum check_mode mode)
{
	for (int i = 0; i < CHECK_COUNT; i++)
		service->mode[i] = mode;
}

static struct needs needs(void)
{
	struct needs found;

	needs_of(&parts, false, &found);
	return found;
}

static const unsigned long all_actions = SMFI_CURR_ACTS, all_steps = SMFI_CURR_PROT;

START_TEST(what_is_not_needed_is_said_to_the_mta)
	{
		unsigned long actions, steps;
		struct needs wanted = needs();

		callbacks_agree(&wanted, all_actions, all_steps, &actions, &steps);
		ck_assert_uint_eq(steps,
			SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NODATA | SMFIP_NOBODY |
				SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NR_UNKN);
		ck_assert_uint_eq(actions, SMFIF_SETSYMLIST);
		parts.lists_only = true;
		settings->delay_reject = false;
		set_all(&services[0], MODE_NO);
		wanted = needs();
		callbacks_agree(&wanted, all_actions, all_steps, &actions, &steps);
		ck_assert_uint_eq(steps,
			SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_RCPT | SMFIP_NR_HDR |
				SMFIP_NOHDRS | SMFIP_NODATA | SMFIP_NOBODY | SMFIP_NOEOH |
				SMFIP_NOUNKNOWN | SMFIP_NR_UNKN);
	}
END_TEST

START_TEST(nothing_is_asked_that_is_not_offered)
	{
		unsigned long actions, steps;
		struct needs wanted;

		settings->results_header = "X-Results";
		for (unsigned bit = 0; bit < 21; bit++) {
			const unsigned long offered = all_steps & ~(1UL << bit);

			wanted = needs();
			callbacks_agree(&wanted, all_actions, offered, &actions, &steps);
			ck_assert_uint_eq(steps & ~offered, 0);
			ck_assert(wanted.results);
		}
		wanted = needs();
		callbacks_agree(&wanted, SMFIF_ADDHDRS, 0, &actions, &steps);
		ck_assert_uint_eq(actions, 0);
		ck_assert_uint_eq(steps, 0);
		ck_assert(!wanted.results); /* forged ones could not be removed */
	}
END_TEST

START_TEST(the_body_brings_the_end_of_the_header_unanswered_and_leading_spaces)
	{
		unsigned long actions, steps;
		struct needs wanted = needs();

		wanted.body = true;
		callbacks_agree(&wanted, all_actions, all_steps, &actions, &steps);
		ck_assert_uint_eq(steps & SMFIP_NOBODY, 0);
		ck_assert_uint_eq(steps & SMFIP_NOEOH, 0);
		ck_assert_uint_ne(steps & SMFIP_NR_EOH, 0);
		ck_assert(!wanted.answer_eoh);
		ck_assert_uint_ne(steps & SMFIP_SKIP, 0);
		ck_assert_uint_ne(steps & SMFIP_HDR_LEADSPC, 0);
		ck_assert(wanted.skip && wanted.leading_space);
		callbacks_agree(&wanted, all_actions, SMFIP_NOEOH, &actions, &steps);
		ck_assert(!wanted.skip && !wanted.leading_space && wanted.answer_eoh);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("callbacks");
	TCase *tcase = tcase_create("callbacks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_not_needed_is_said_to_the_mta);
	tcase_add_test(tcase, nothing_is_asked_that_is_not_offered);
	tcase_add_test(tcase, the_body_brings_the_end_of_the_header_unanswered_and_leading_spaces);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
