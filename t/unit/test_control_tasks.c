/*
 * Shows that the users of the control socket take turns at the workers, however many tasks one of
 * them has, and that tasks which no worker has at the end are forgotten.
 */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

#include "milter/control/control_private.h"
#include "t/unit/unit.h"

#define TASKS 40

static struct control_tasks tasks;
static struct named {
	struct control_task task;
	char user;
	bool is_forgotten;
} all[TASKS];
static sem_t has_begun, may_end, has_ended;
static size_t added, seen_begun, ended;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char begun[TASKS + 1]; /* the users of the tasks that a worker has begun */

static void setup(void)
{
	struct errmsg err;

	ck_assert_int_eq(control_tasks_start(&tasks, &err), 0);
	ck_assert_int_eq(sem_init(&has_begun, 0, 0), 0);
	ck_assert_int_eq(sem_init(&may_end, 0, 0), 0);
	ck_assert_int_eq(sem_init(&has_ended, 0, 0), 0);
	memset(begun, 0, sizeof(begun));
	added = seen_begun = ended = 0;
}

static void teardown(void)
{
	control_tasks_stop(&tasks);
	ck_assert_ptr_null(tasks.workers);
	control_tasks_stop(&tasks);
	(void)sem_destroy(&has_begun);
	(void)sem_destroy(&may_end);
	(void)sem_destroy(&has_ended);
}

static void run(void *argument)
{
	const struct named *named = argument;

	(void)pthread_mutex_lock(&lock);
	begun[strlen(begun)] = named->user;
	(void)pthread_mutex_unlock(&lock);
	(void)sem_post(&has_begun);
	(void)sem_wait(&may_end);
	(void)sem_post(&has_ended);
}

static void forget(void *argument)
{
	((struct named *)argument)->is_forgotten = true;
}

/* Wait until all workers that can have a task have begun it, so that the order is certain. */
static void await_workers(void)
{
	const size_t most = ended + CONTROL_WORKERS;

	for (; seen_begun < (added < most ? added : most); seen_begun++)
		ck_assert_int_eq(sem_wait(&has_begun), 0);
}

/* Add a task for each letter, which is its user. */
static void add_tasks(const char *users)
{
	for (size_t i = 0; users[i] != '\0'; i++) {
		all[i] = (struct named){ { .run = run, .forget = forget, .argument = &all[i] },
			users[i], false };
		ck_assert_int_eq(control_tasks_add(&tasks, (uid_t)users[i], &all[i].task), 0);
		added++;
		await_workers();
	}
}

/* Let the workers end one task after the other. */
static void end_tasks(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(sem_post(&may_end), 0);
		ck_assert_int_eq(sem_wait(&has_ended), 0);
		ended++;
		control_tasks_ended(&tasks);
		await_workers();
	}
}

/* Return the place of the user's first task among those that were begun. */
static size_t place_of(char user)
{
	size_t place;

	(void)pthread_mutex_lock(&lock);
	place = strcspn(begun, (const char[]){ user, '\0' });
	(void)pthread_mutex_unlock(&lock);
	return place;
}

static const struct {
	const char *users;
	char user;
	size_t place_max;
} orders[] = {
	{ "aaaaaaaaaaaaaaaaaaaab", 'b', 3 }, /* two tasks are begun at once, and one has its turn */
	{ "aaaaaaaaaabbbbbbbbbbc", 'c', 4 },
	{ "b", 'b', 0 },
	{ "abc", 'c', 2 },
};
START_TEST(users_take_turns)
	{
		add_tasks(orders[_i].users);
		end_tasks(strlen(orders[_i].users));
		ck_assert_uint_le(place_of(orders[_i].user), orders[_i].place_max);
		ck_assert_uint_eq(strlen(begun), strlen(orders[_i].users));
	}
END_TEST

START_TEST(tasks_without_a_worker_are_forgotten_at_the_end)
	{
		size_t forgotten = 0;

		add_tasks("aaaabbbb");
		for (int i = 0; i < CONTROL_WORKERS; i++)
			ck_assert_int_eq(sem_post(&may_end), 0);
		control_tasks_stop(&tasks);
		for (size_t i = 0; i < 8; i++)
			forgotten += all[i].is_forgotten;
		ck_assert_uint_eq(strlen(begun), CONTROL_WORKERS);
		ck_assert_uint_eq(forgotten, 8 - CONTROL_WORKERS);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("control_tasks");
	TCase *tcase = tcase_create("control_tasks");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, users_take_turns, 0, (int)(sizeof(orders) / sizeof(orders[0])));
	tcase_add_test(tcase, tasks_without_a_worker_are_forgotten_at_the_end);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
