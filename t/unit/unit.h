#ifndef POSTERN_UNIT_H
#define POSTERN_UNIT_H

#include <check.h>
#include <stdlib.h>

/*
 * main() of a unit test program: runs the suite that make_suite returns and prints what failed.
 * Exits with 1 when anything did. CK_FORK=no (valgrind, a debugger), CK_RUN_CASE, CK_VERBOSITY work
 * as in Check's manual. One test may take a minute, not Check's four seconds: sanitizers and shared
 * machines are slow.
 */
#define UNIT_MAIN(make_suite)                 \
	int main(void)                        \
	{                                     \
		return unit_main(make_suite); \
	}

/*
 * Return how often a test repeats something: `count` times, or a tenth of it under memcheck, which
 * makes a program 30 times slower and finds no more errors by repetition.
 */
static inline unsigned unit_times(unsigned count)
{
	return getenv("UNIT_MEMCHECK") == NULL ? count : count / 10;
}

/* The same for a count whose tenth is too few for all paths, or more than they need. */
static inline unsigned unit_times_or(unsigned count, unsigned under_memcheck)
{
	return getenv("UNIT_MEMCHECK") == NULL ? count : under_memcheck;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNIT_SANITIZED 1
#endif
#endif

/* The same for what only many repetitions show, and neither a sanitizer nor memcheck does: the
 * plain program repeats it `count` times, the others less. */
static inline unsigned unit_times_plain(unsigned count, unsigned elsewhere)
{
#ifdef UNIT_SANITIZED
	return count < elsewhere ? count : elsewhere;
#else
	return unit_times_or(count, elsewhere);
#endif
}

static inline int unit_main(Suite *(*make_suite)(void))
{
	SRunner *runner;
	int failed;

	if (setenv("CK_DEFAULT_TIMEOUT", "60", 0) == -1)
		return 1;
	runner = srunner_create(make_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#endif
