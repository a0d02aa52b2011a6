/*
 * Lets workers do the work of commands that takes too long for the server thread; the users take
 * turns, after root and the daemon's user. Owns the workers and the queue. Runs on the server
 * thread.
 */
#include <stdint.h>
#include <unistd.h>

#include "milter/control/control_private.h"

enum rank { RANK_OWNER, RANK_MEMBER, RANKS };

bool control_is_owner(uid_t user)
{
	return user == 0 || user == geteuid();
}

int control_tasks_start(struct control_tasks *tasks, struct errmsg *err)
{
	static const uint8_t turns[] = { 1U << RANK_OWNER | 1U << RANK_MEMBER };

	*tasks = (struct control_tasks){ .waiting = fair_queue_new(RANKS, turns, sizeof(turns)) };
	if (tasks->waiting == NULL)
		return errmsg_set(err, "out of memory for the work of the control socket");
	return workers_start(CONTROL_WORKERS, CONTROL_WORKERS, &tasks->workers, err);
}

static struct control_task *next_task(struct control_tasks *tasks)
{
	return (struct control_task *)(void *)fair_queue_next(tasks->waiting, ~0U);
}

/* Give work to the idle workers. */
static void employ_workers(struct control_tasks *tasks)
{
	const struct control_task *task;

	while (tasks->working < CONTROL_WORKERS && (task = next_task(tasks)) != NULL) {
		const struct work work = { .run = task->run, .argument = task->argument };

		if (workers_add(tasks->workers, &work) == 0)
			tasks->working++;
		else /* the workers are ending */
			task->forget(task->argument);
	}
}

int control_tasks_add(struct control_tasks *tasks, uid_t user, struct control_task *task)
{
	const enum rank rank = control_is_owner(user) ? RANK_OWNER : RANK_MEMBER;

	if (fair_queue_add(tasks->waiting, &task->item, rank, user) != 0)
		return -1;
	employ_workers(tasks);
	return 0;
}

void control_tasks_ended(struct control_tasks *tasks)
{
	tasks->working--;
	employ_workers(tasks);
}

void control_tasks_stop(struct control_tasks *tasks)
{
	const struct control_task *task;

	workers_stop(&tasks->workers);
	while (tasks->waiting != NULL && (task = next_task(tasks)) != NULL)
		task->forget(task->argument);
	fair_queue_free(&tasks->waiting);
}
