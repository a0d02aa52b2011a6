/*
 * Each signal that the daemon receives has its meaning. SIGHUP ends it only in the foreground,
 * where a terminal may hang up.
 */
#include "milter/signals.h"

#include <signal.h>

#include "t/unit/unit.h"

static const struct {
	int signal;
	bool foreground;
	enum signals_word word;
} rows[] = {
	{ SIGUSR1, false, SIGNALS_RELOAD },
	{ SIGUSR1, true, SIGNALS_RELOAD },
	{ SIGTERM, false, SIGNALS_END },
	{ SIGINT, false, SIGNALS_END },
	{ SIGTERM, true, SIGNALS_END },
	{ SIGINT, true, SIGNALS_END },
	{ SIGHUP, false, SIGNALS_IGNORED },
	{ SIGHUP, true, SIGNALS_END },
	{ SIGUSR2, false, SIGNALS_LOOK },
};
START_TEST(a_signal_has_its_meaning)
	{
		int number = 0;

		signals_take(rows[_i].foreground, SIGUSR2);
		ck_assert_int_eq(raise(rows[_i].signal), 0);
		ck_assert_int_eq(signals_wait(&number), rows[_i].word);
		ck_assert_int_eq(number, rows[_i].word == SIGNALS_END ? rows[_i].signal : 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("signals");
	TCase *tcase = tcase_create("signals");

	tcase_add_loop_test(tcase, a_signal_has_its_meaning, 0, sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
