/*
 * Shows that each borrower gets a scratch of its own with a full budget, that returned ones are
 * used again, and that surplus ones are freed.
 */
#include "milter/shared/scratch_pool.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "t/unit/unit.h"

static struct scratch_pool *pool;
static struct regexlist *quick, *slow;

static struct regexlist *list_of(const char *regex)
{
	struct regexlist *list = regexlist_new(true);

	ck_assert_int_eq(regexlist_add(list, regex, strlen(regex), 1, NULL), 0);
	ck_assert_int_eq(regexlist_finish(list, NULL, NULL), 0);
	return list;
}

static void setup(void)
{
	pool = scratch_pool_new();
	ck_assert_ptr_nonnull(pool);
	quick = list_of(".*[xy]");
	slow = list_of(".*.*.*.*[xy]");
}

static void teardown(void)
{
	scratch_pool_free(&pool);
	ck_assert_ptr_null(pool);
	scratch_pool_free(&pool);
	regexlist_unref(&quick);
	regexlist_unref(&slow);
}

/* Match once, in so few steps that the clock is not looked at: this fails only if the budget is
 * spent, also under memcheck. */
static enum regex_result match(struct regex_scratch *scratch)
{
	uint32_t value;

	return regexlist_match(quick, scratch, "qqqq", 4, &value);
}

/* Use some of the budget: a thousand steps, or what one regex may use. */
static void use_time(struct regex_scratch *scratch)
{
	uint32_t value;

	(void)regexlist_match(slow, scratch, "qqqqqqqqqqqq", 12, &value);
}

START_TEST(lends_a_used_scratch_with_a_full_budget)
	{
		struct regex_scratch *scratch = scratch_pool_get(pool), *again;
		time_t deadline = time(NULL) + 20;

		while (match(scratch) == REGEX_NO) {
			use_time(scratch);
			ck_assert_int_lt(time(NULL), deadline);
		}
		ck_assert_int_eq(match(scratch), REGEX_FAILED);
		scratch_pool_put(pool, scratch);
		again = scratch_pool_get(pool);
		ck_assert_ptr_eq(again, scratch); /* making one is expensive */
		ck_assert_int_eq(match(again), REGEX_NO);
		scratch_pool_put(pool, again);
	}
END_TEST

START_TEST(null_may_be_returned)
	{
		struct regex_scratch *scratch;

		scratch_pool_put(pool, NULL);
		scratch = scratch_pool_get(pool);
		ck_assert_ptr_nonnull(scratch);
		scratch_pool_put(pool, scratch);
	}
END_TEST

/* More than the pool keeps: ASan and valgrind report the surplus if it is not freed. */
START_TEST(many_borrowers_have_one_each)
	{
		struct regex_scratch *held[200];

		for (int round = 0; round < 2; round++) {
			for (int i = 0; i < 200; i++) {
				held[i] = scratch_pool_get(pool);
				if (i % 20 == 0)
					ck_assert_int_eq(match(held[i]), REGEX_NO);
				for (int j = 0; j < i; j++)
					ck_assert_ptr_ne(held[j], held[i]);
			}
			for (int i = 0; i < 200; i++)
				scratch_pool_put(pool, held[i]);
		}
	}
END_TEST

#define THREADS 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const struct regex_scratch *in_use[THREADS]; /* guarded by lock */

/* Record the scratch of a thread. Returns how many other threads have the same one. */
static unsigned note_use(size_t self, const struct regex_scratch *scratch)
{
	unsigned shared = 0;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < THREADS && scratch != NULL; i++)
		shared += in_use[i] == scratch;
	in_use[self] = scratch;
	(void)pthread_mutex_unlock(&lock);
	return shared;
}

struct user {
	size_t number;
	unsigned shared, failed;
};

static void *use_many(void *argument)
{
	struct user *user = argument;
	struct regex_scratch *scratch;

	for (unsigned i = 0; i < unit_times(500); i++) {
		scratch = scratch_pool_get(pool);
		user->shared += note_use(user->number, scratch);
		user->failed += match(scratch) != REGEX_NO;
		(void)note_use(user->number, NULL);
		scratch_pool_put(pool, scratch);
	}
	return NULL;
}

START_TEST(no_two_threads_have_the_same_scratch)
	{
		struct user users[THREADS];
		pthread_t threads[THREADS];

		for (size_t i = 0; i < THREADS; i++) {
			users[i] = (struct user){ .number = i };
			ck_assert_int_eq(pthread_create(&threads[i], NULL, use_many, &users[i]), 0);
		}
		for (size_t i = 0; i < THREADS; i++)
			(void)pthread_join(threads[i], NULL);
		for (size_t i = 0; i < THREADS; i++) {
			ck_assert_uint_eq(users[i].shared, 0);
			ck_assert_uint_eq(users[i].failed, 0);
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scratch_pool");
	TCase *tcase = tcase_create("scratch_pool");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lends_a_used_scratch_with_a_full_budget);
	tcase_add_test(tcase, null_may_be_returned);
	tcase_add_test(tcase, many_borrowers_have_one_each);
	tcase_add_test(tcase, no_two_threads_have_the_same_scratch);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
