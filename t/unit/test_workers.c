/*
 * Shows that workers run each piece of work once, refuse work when the queue is full, and finish
 * all of it before they end.
 */
#include "milter/loop/workers.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "t/unit/unit.h"

static struct workers *start_workers(size_t count, size_t queue_max)
{
	struct workers *workers = NULL;
	struct errmsg err = { "" };

	ck_assert_msg(workers_start(count, queue_max, &workers, &err) == 0, "%s", err.text);
	return workers;
}

/* Add the work, however full the queue is. */
static void add_work(struct workers *workers, void (*run)(void *), void *argument)
{
	const struct work work = { run, argument };

	while (workers_add(workers, &work) < 0)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void count_one(void *argument)
{
	atomic_fetch_add((atomic_uint *)argument, 1);
}

static const struct {
	size_t count, queue_max;
} sizes[] = { { 1, 1 }, { 1, 100 }, { 4, 1 }, { 4, 7 }, { 16, 2000 } };
START_TEST(the_end_waits_for_all_added_work)
	{
		struct workers *workers = start_workers(sizes[_i].count, sizes[_i].queue_max);
		atomic_uint ran = 0;

		for (unsigned i = 0; i < 1000; i++)
			add_work(workers, count_one, &ran);
		workers_stop(&workers);
		ck_assert_ptr_null(workers);
		ck_assert_uint_eq(atomic_load(&ran), 1000);
		workers_stop(&workers);
	}
END_TEST

START_TEST(without_work_they_end_at_once)
	{
		struct workers *workers = start_workers(4, 1);

		workers_stop(&workers);
		ck_assert_ptr_null(workers);
	}
END_TEST

/* Pieces of work that wait until they may end. */
struct gate {
	sem_t begun, open;
	atomic_uint ran;
};

static void gate_init(struct gate *gate)
{
	(void)sem_init(&gate->begun, 0, 0);
	(void)sem_init(&gate->open, 0, 0);
	atomic_store(&gate->ran, 0);
}

static void gate_destroy(struct gate *gate)
{
	(void)sem_destroy(&gate->begun);
	(void)sem_destroy(&gate->open);
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		;
}

static void pass(void *argument)
{
	struct gate *gate = argument;

	(void)sem_post(&gate->begun);
	wait_for(&gate->open);
	atomic_fetch_add(&gate->ran, 1);
}

START_TEST(a_full_queue_refuses_until_there_is_room)
	{
		struct workers *workers = start_workers(2, 3);
		struct work work;
		struct gate gate;

		gate_init(&gate);
		work = (struct work){ pass, &gate };
		for (int i = 0; i < 2; i++) {
			ck_assert_int_eq(workers_add(workers, &work), 0);
			wait_for(&gate.begun); /* no longer in the queue */
		}
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(workers_add(workers, &work), 0);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(workers_add(workers, &work), -1);
		(void)sem_post(&gate.open);
		wait_for(&gate.begun);
		ck_assert_int_eq(workers_add(workers, &work), 0);
		ck_assert_int_eq(workers_add(workers, &work), -1);
		for (int i = 0; i < 5; i++)
			(void)sem_post(&gate.open);
		workers_stop(&workers);
		ck_assert_uint_eq(atomic_load(&gate.ran), 6);
		gate_destroy(&gate);
	}
END_TEST

START_TEST(as_many_jobs_run_at_once_as_threads_exist)
	{
		struct workers *workers = start_workers(8, 8);
		struct work work;
		struct gate gate;

		gate_init(&gate);
		work = (struct work){ pass, &gate };
		for (int i = 0; i < 8; i++)
			ck_assert_int_eq(workers_add(workers, &work), 0);
		for (int i = 0; i < 8; i++)
			wait_for(&gate.begun);
		ck_assert_uint_eq(atomic_load(&gate.ran), 0);
		for (int i = 0; i < 8; i++)
			(void)sem_post(&gate.open);
		workers_stop(&workers);
		ck_assert_uint_eq(atomic_load(&gate.ran), 8);
		gate_destroy(&gate);
	}
END_TEST

struct piece {
	unsigned number;
	unsigned *next, *out_of_order;
};

static void look_at_order(void *argument)
{
	struct piece *piece = argument;

	*piece->out_of_order += piece->number != (*piece->next)++;
}

START_TEST(one_thread_works_in_the_order_of_adding)
	{
		struct workers *workers = start_workers(1, 3);
		static struct piece pieces[500];
		unsigned next = 0, out_of_order = 0;

		for (unsigned i = 0; i < 500; i++) {
			pieces[i] = (struct piece){ i, &next, &out_of_order };
			add_work(workers, look_at_order, &pieces[i]);
		}
		workers_stop(&workers);
		ck_assert_uint_eq(next, 500);
		ck_assert_uint_eq(out_of_order, 0);
	}
END_TEST

#define ADDERS 8
#define PIECES_EACH 2000

struct adder {
	struct workers *workers;
	atomic_uint *ran;
	unsigned taken;
};

static void *add_many(void *argument)
{
	struct adder *adder = argument;
	const struct work work = { count_one, adder->ran };

	for (unsigned i = 0; i < PIECES_EACH; i++)
		adder->taken += workers_add(adder->workers, &work) == 0;
	return NULL;
}

START_TEST(work_of_any_thread_runs_once_or_is_refused)
	{
		struct workers *workers = start_workers(3, 16);
		struct adder adders[ADDERS];
		pthread_t threads[ADDERS];
		atomic_uint ran = 0;
		unsigned taken = 0;

		for (int i = 0; i < ADDERS; i++) {
			adders[i] = (struct adder){ workers, &ran, 0 };
			ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, &adders[i]),
				0);
		}
		for (int i = 0; i < ADDERS; i++) {
			(void)pthread_join(threads[i], NULL);
			taken += adders[i].taken;
		}
		workers_stop(&workers);
		ck_assert_uint_gt(taken, 0);
		ck_assert_uint_eq(atomic_load(&ran), taken);
	}
END_TEST

struct chain {
	struct workers *workers;
	unsigned left;
	sem_t done;
};

static void add_next(void *argument)
{
	struct chain *chain = argument;
	const struct work next = { add_next, chain };

	if (--chain->left == 0 || workers_add(chain->workers, &next) < 0)
		(void)sem_post(&chain->done);
}

START_TEST(work_may_add_work)
	{
		struct chain chain = { .workers = start_workers(2, 1), .left = 1000 };

		(void)sem_init(&chain.done, 0, 0);
		add_work(chain.workers, add_next, &chain);
		wait_for(&chain.done);
		workers_stop(&chain.workers);
		ck_assert_uint_eq(chain.left, 0);
		(void)sem_destroy(&chain.done);
	}
END_TEST

static void note_mask(void *argument)
{
	(void)pthread_sigmask(SIG_SETMASK, NULL, argument);
}

static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE, SIGCHLD, SIGALRM };
START_TEST(workers_receive_no_signals)
	{
		struct workers *workers;
		sigset_t before, mask, after;

		(void)sigemptyset(&mask);
		(void)pthread_sigmask(SIG_SETMASK, NULL, &before);
		workers = start_workers(1, 1);
		(void)pthread_sigmask(SIG_SETMASK, NULL, &after);
		add_work(workers, note_mask, &mask);
		workers_stop(&workers);
		for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
			ck_assert_int_eq(sigismember(&mask, signals[i]), 1);
			ck_assert_int_eq(sigismember(&after, signals[i]),
				sigismember(&before, signals[i]));
		}
	}
END_TEST

START_TEST(threads_that_cannot_start_are_an_error)
	{
		struct workers *untouched = (struct workers *)&signals, *workers = untouched;
		struct errmsg err = { "" };
		pthread_attr_t before, huge;

		ck_assert_int_eq(pthread_getattr_default_np(&before), 0);
		ck_assert_int_eq(pthread_attr_init(&huge), 0);
		ck_assert_int_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 47), 0);
		ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
		ck_assert_int_eq(workers_start(2, 2, &workers, &err), -1);
		ck_assert_int_eq(workers_start(2, 2, &workers, NULL), -1);
		ck_assert_int_eq(pthread_setattr_default_np(&before), 0);
		ck_assert_ptr_nonnull(strstr(err.text, "cannot start worker threads: "));
		ck_assert_ptr_eq(workers, untouched);
		(void)pthread_attr_destroy(&huge);
		(void)pthread_attr_destroy(&before);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("workers");
	TCase *tcase = tcase_create("workers");

	tcase_add_loop_test(tcase, the_end_waits_for_all_added_work, 0,
		(int)(sizeof(sizes) / sizeof(sizes[0])));
	tcase_add_test(tcase, without_work_they_end_at_once);
	tcase_add_test(tcase, a_full_queue_refuses_until_there_is_room);
	tcase_add_test(tcase, as_many_jobs_run_at_once_as_threads_exist);
	tcase_add_test(tcase, one_thread_works_in_the_order_of_adding);
	tcase_add_test(tcase, work_of_any_thread_runs_once_or_is_refused);
	tcase_add_test(tcase, work_may_add_work);
	tcase_add_test(tcase, workers_receive_no_signals);
	tcase_add_test(tcase, threads_that_cannot_start_are_an_error);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
