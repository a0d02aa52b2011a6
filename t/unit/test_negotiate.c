/*
 * Shows which events and answers a connection needs from the MTA under a policy, and when a later
 * policy needs more.
 */
#include "milter/smtp/negotiate.h"
#include "t/unit/lib/default_settings.h"
#include "t/unit/unit.h"

static struct settings *settings;
static struct policy_parts parts; /* without profiles, no size counts */
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
		.profiles = profiles_builder_finish(&builder, NULL) };
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

START_TEST(delayed_connect_and_helo_are_never_answered)
	{
		ck_assert(needs().delay_reject);
		ck_assert(!needs().answer_connect);
		ck_assert(!needs().answer_helo);
		settings->delay_reject = false;
		ck_assert(needs().answer_connect);
		ck_assert(needs().answer_helo);
		set_all(&services[0], MODE_NO);
		ck_assert(!needs().answer_connect);
		ck_assert(!needs().answer_helo);
		services[0].mode[CHECK_HELO] = MODE_WARN;
		ck_assert(!needs().answer_connect);
		ck_assert(needs().answer_helo);
	}
END_TEST

START_TEST(recipients_are_answered_where_anything_looks_at_them)
	{
		static const enum check looking[] = { CHECK_RCPT, CHECK_ANY, CHECK_RECIPIENT,
			CHECK_LIMITS };

		set_all(&services[0], MODE_NO);
		ck_assert(!needs().answer_rcpt);
		for (size_t i = 0; i < sizeof(looking) / sizeof(looking[0]); i++) {
			set_all(&services[0], MODE_NO);
			services[0].mode[looking[i]] = MODE_WARN;
			ck_assert(needs().answer_rcpt);
		}
		parts.lists_only = true; /* without users, CHECK_LIMITS has no rules */
		ck_assert(!needs().answer_rcpt);
		services[0].mode[CHECK_RCPT] = MODE_WARN;
		ck_assert(needs().answer_rcpt);
	}
END_TEST

START_TEST(header_fields_are_wanted_by_data_from_and_results)
	{
		ck_assert(needs().headers); /* header_from = yes */
		parts.lists_only = true;
		ck_assert(!needs().headers);
		services[0].mode[CHECK_DATA] = MODE_YES;
		ck_assert(needs().headers);
		services[0].mode[CHECK_DATA] = MODE_NO;
		settings->results_header = "X-Results";
		ck_assert(needs().headers);
		ck_assert(needs().results);
	}
END_TEST

START_TEST(the_body_is_wanted_where_a_profile_has_or_may_have_a_size_limit)
	{
		set_all(&services[0], MODE_NO);
		services[0].mode[CHECK_SIZE] = MODE_WARN;
		ck_assert(!needs().body);
		profiles_unref(&parts.profiles); /* there is no policy yet */
		ck_assert(needs().body);
		ck_assert(needs().headers); /* they are part of the size */
		parts.lists_only = true;
		ck_assert(!needs().body);
		parts.lists_only = false;
		services[0].mode[CHECK_SIZE] = MODE_NO;
		ck_assert(!needs().body);
	}
END_TEST

START_TEST(a_need_of_any_service_counts)
	{
		set_all(&services[0], MODE_NO);
		set_all(&services[1], MODE_NO);
		settings->service_count = 2;
		ck_assert(!needs().answer_rcpt);
		services[1].mode[CHECK_RCPT] = MODE_YES;
		ck_assert(needs().answer_rcpt);
	}
END_TEST

START_TEST(data_is_answered_where_recipients_are_and_on_an_inet_socket)
	{
		struct needs inet;

		ck_assert(needs().answer_data);
		set_all(&services[0], MODE_NO);
		ck_assert(!needs().answer_data);
		needs_of(&parts, true, &inet);
		ck_assert(inet.answer_data);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("negotiate");
	TCase *tcase = tcase_create("negotiate");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, delayed_connect_and_helo_are_never_answered);
	tcase_add_test(tcase, recipients_are_answered_where_anything_looks_at_them);
	tcase_add_test(tcase, header_fields_are_wanted_by_data_from_and_results);
	tcase_add_test(tcase, the_body_is_wanted_where_a_profile_has_or_may_have_a_size_limit);
	tcase_add_test(tcase, a_need_of_any_service_counts);
	tcase_add_test(tcase, data_is_answered_where_recipients_are_and_on_an_inet_socket);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
