/*
 * Shows that batches are written in their order, each by one thread, that a failed one is reported
 * to those who added to it, and that nobody but the writer waits for a write that hangs.
 */
#include "milter/ledger/journal_queue.h"

#include <pthread.h>
#include <string.h>

#include "t/unit/unit.h"

static struct journal_queue queue;
static struct strbuf written;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool fails, hangs;
static unsigned writing;
static pthread_t writer; /* of the last batch */

static int write_batch(void *context, const struct strbuf *batch)
{
	ck_assert_ptr_null(context);
	ck_assert_uint_eq(writing++, 0);
	writer = pthread_self();
	(void)pthread_cond_broadcast(&changed);
	while (hangs)
		(void)pthread_cond_wait(&changed, &queue.lock); /* releases the lock */
	writing--;
	if (fails)
		return -1;
	strbuf_add(&written, batch->text, batch->len);
	return 0;
}

static void setup(void)
{
	journal_queue_init(&queue, write_batch, NULL);
	(void)pthread_mutex_lock(&queue.lock);
	fails = hangs = false;
}

static void teardown(void)
{
	(void)pthread_mutex_unlock(&queue.lock);
	journal_queue_stop(&queue);
	journal_queue_clear(&queue);
	strbuf_free(&written);
}

static void add(const char *text)
{
	strbuf_add_str(journal_queue_add(&queue), text);
}

static void start(void)
{
	(void)pthread_mutex_unlock(&queue.lock);
	ck_assert_int_eq(journal_queue_start(&queue), 0);
	(void)pthread_mutex_lock(&queue.lock);
}

/* Wait with the lock, which is released meanwhile, until a write has begun. */
static void await_write(void)
{
	while (writing == 0)
		(void)pthread_cond_wait(&changed, &queue.lock);
}

static void end_hang(void)
{
	hangs = false;
	(void)pthread_cond_broadcast(&changed);
}

/* _i: by the caller, or by the queue's thread */
START_TEST(what_is_added_is_written_in_order)
	{
		if (_i == 1)
			start();
		add("a");
		ck_assert(journal_queue_has_more(&queue));
		add("b");
		ck_assert_int_eq(journal_queue_settle(&queue, _i == 0), 0);
		ck_assert(!journal_queue_has_more(&queue));
		ck_assert_str_eq(written.text, "ab");
		ck_assert_int_eq(journal_queue_settle(&queue, _i == 0), 0); /* nothing is left */
		add("c");
		ck_assert_int_eq(journal_queue_settle(&queue, _i == 0), 0);
		ck_assert_str_eq(written.text, "abc");
	}
END_TEST

START_TEST(a_write_that_succeeds_proves_the_disk_for_a_moment)
	{
		ck_assert(!journal_queue_is_proven(&queue));
		do {
			add("a");
			ck_assert_int_eq(journal_queue_settle(&queue, true), 0);
		} while (!journal_queue_is_proven(&queue));
		while (journal_queue_is_proven(&queue))
			;
	}
END_TEST

START_TEST(a_failure_is_reported_to_those_who_added)
	{
		fails = true;
		add("a");
		ck_assert_int_eq(journal_queue_settle(&queue, true), -1);
		journal_queue_skip();
		ck_assert_int_eq(journal_queue_settle(&queue, true), 0);
		fails = false;
		add("b");
		ck_assert_int_eq(journal_queue_settle(&queue, true), 0);
		ck_assert_str_eq(written.text, "b");
	}
END_TEST

static void *add_and_write(void *text)
{
	int *ret = malloc(sizeof(*ret));

	(void)pthread_mutex_lock(&queue.lock);
	add(text);
	*ret = journal_queue_settle(&queue, true);
	(void)pthread_mutex_unlock(&queue.lock);
	return ret;
}

static int result_of(pthread_t thread)
{
	void *result;
	int ret;

	(void)pthread_mutex_unlock(&queue.lock);
	(void)pthread_join(thread, &result);
	(void)pthread_mutex_lock(&queue.lock);
	ret = *(int *)result;
	free(result);
	return ret;
}

/* Those who come while it lasts return; what they added is written afterwards. */
START_TEST(only_the_writer_waits_for_a_write_that_hangs)
	{
		pthread_t thread;

		hangs = true;
		ck_assert_int_eq(pthread_create(&thread, NULL, add_and_write, "a"), 0);
		await_write();
		for (int i = 0; i < 40; i++) { /* within the time of a test: only the first waits */
			add("b");
			ck_assert_int_eq(journal_queue_settle(&queue, true), -1);
		}
		ck_assert_int_ge(journal_queue_late(&queue), JOURNAL_PATIENCE_MS);
		end_hang();
		ck_assert_int_eq(result_of(thread), 0);
		ck_assert_int_eq(journal_queue_late(&queue), 0);
		ck_assert_str_eq(written.text, "a");
		add("c");
		ck_assert_int_eq(journal_queue_settle(&queue, true), 0);
		ck_assert_uint_eq(written.len, 42);
	}
END_TEST

START_TEST(nobody_hangs_if_the_thread_writes)
	{
		start();
		hangs = true;
		add("a");
		ck_assert_int_eq(journal_queue_settle(&queue, false), -1);
		await_write();
		end_hang();
		journal_queue_rest(&queue);
		ck_assert_str_eq(written.text, "a");
	}
END_TEST

START_TEST(who_has_waited_for_a_write_that_fails_does_not_write)
	{
		pthread_t thread;

		start();
		hangs = true;
		ck_assert_int_eq(pthread_create(&thread, NULL, add_and_write, "a"), 0);
		await_write();
		add("b");
		fails = true;
		end_hang();
		ck_assert_int_eq(journal_queue_settle(&queue, true), -1);
		ck_assert_int_eq(result_of(thread), -1);
		journal_queue_rest(&queue);
		ck_assert(!pthread_equal(writer, pthread_self()));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("journal_queue");
	TCase *tcase = tcase_create("journal_queue");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, what_is_added_is_written_in_order, 0, 2);
	tcase_add_test(tcase, a_write_that_succeeds_proves_the_disk_for_a_moment);
	tcase_add_test(tcase, a_failure_is_reported_to_those_who_added);
	tcase_add_test(tcase, only_the_writer_waits_for_a_write_that_hangs);
	tcase_add_test(tcase, nobody_hangs_if_the_thread_writes);
	tcase_add_test(tcase, who_has_waited_for_a_write_that_fails_does_not_write);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
