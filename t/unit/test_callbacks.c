/*
 * Shows what the callbacks agree on with an MTA that offers given actions and steps.
 * t/integration/test_daemon.py covers the callbacks themselves.
 */
#include <libmilter/mfapi.h>

#include "milter/smtp/callbacks_private.h"
#include "t/unit/unit.h"

/* The needs under the default settings and a policy without size limits. */
static const struct needs defaults = {
	.delay_reject = true,
	.answer_rcpt = true,
	.headers = true,
};

static const unsigned long all_actions = SMFI_CURR_ACTS, all_steps = SMFI_CURR_PROT;

START_TEST(events_that_are_not_needed_are_declined)
	{
		unsigned long actions, steps;
		struct needs wanted = defaults;

		callbacks_agree(&wanted, all_actions, all_steps, &actions, &steps);
		ck_assert_uint_eq(steps,
			SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_DATA |
				SMFIP_NOBODY | SMFIP_NR_EOH | SMFIP_NOUNKNOWN | SMFIP_NR_UNKN);
		ck_assert_uint_eq(actions, SMFIF_SETSYMLIST);
		wanted = (struct needs){ .delay_reject = false };
		callbacks_agree(&wanted, all_actions, all_steps, &actions, &steps);
		ck_assert_uint_eq(steps,
			SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_RCPT | SMFIP_NR_HDR |
				SMFIP_NOHDRS | SMFIP_NR_DATA | SMFIP_NOBODY | SMFIP_NOEOH |
				SMFIP_NOUNKNOWN | SMFIP_NR_UNKN);
	}
END_TEST

START_TEST(only_events_that_the_mta_offers_are_requested)
	{
		unsigned long actions, steps;
		struct needs wanted;

		for (unsigned bit = 0; bit < 21; bit++) {
			const unsigned long offered = all_steps & ~(1UL << bit);

			wanted = defaults;
			wanted.results = true;
			callbacks_agree(&wanted, all_actions, offered, &actions, &steps);
			ck_assert_uint_eq(steps & ~offered, 0);
			ck_assert(wanted.results);
		}
		wanted.results = true;
		callbacks_agree(&wanted, SMFIF_ADDHDRS, 0, &actions, &steps);
		ck_assert_uint_eq(actions, 0);
		ck_assert_uint_eq(steps, 0);
		ck_assert(!wanted.results); /* forged fields could not be removed */
	}
END_TEST

START_TEST(a_session_knows_whether_the_mta_reports_data)
	{
		unsigned long actions, steps;
		struct needs wanted = defaults;

		callbacks_agree(&wanted, all_actions, all_steps, &actions, &steps);
		ck_assert(!wanted.lacks_data);
		callbacks_agree(&wanted, all_actions, 0x1ff, &actions, &steps); /* version 3 */
		ck_assert(wanted.lacks_data);
	}
END_TEST

START_TEST(with_the_body_the_end_of_the_header_is_not_answered)
	{
		unsigned long actions, steps;
		struct needs wanted = defaults;

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

	tcase_add_test(tcase, events_that_are_not_needed_are_declined);
	tcase_add_test(tcase, only_events_that_the_mta_offers_are_requested);
	tcase_add_test(tcase, a_session_knows_whether_the_mta_reports_data);
	tcase_add_test(tcase, with_the_body_the_end_of_the_header_is_not_answered);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
