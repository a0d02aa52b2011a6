#ifndef POSTERN_UNIT_H
#define POSTERN_UNIT_H

#include <check.h>
#include <stdlib.h>

/* A file of unit tests: __FILE__, and the function that makes its suite. */
struct unit_file {
	const char *path;
	Suite *(*make_suite)(void);
	struct unit_file *next;
};

/* Add a file to those of this program, before main(). t/unit/unit_main.c has main(). */
void unit_add(struct unit_file *file);

/*
 * Add this file to the program t/unit/tests, which has all files, and to t/unit/test_NAME, which
 * has it alone: both run its suite, print what failed and exit with 1 if anything did. CK_FORK=no
 * (valgrind, a debugger), CK_RUN_CASE, CK_VERBOSITY work as in Check's manual. One test may take a
 * minute, not Check's four seconds: sanitizers and shared machines are slow.
 */
#define UNIT_MAIN(make_suite)                                                       \
	__attribute__((constructor)) static void unit_add_this_file(void)           \
	{                                                                           \
		static struct unit_file this_file = { __FILE__, make_suite, NULL }; \
                                                                                    \
		unit_add(&this_file);                                               \
	}

/* The same for a file that defines functions of libraries or of ours in their place: it is not in
 * t/unit/tests. */
#define UNIT_MAIN_ALONE(make_suite) UNIT_MAIN(make_suite)

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

#endif
