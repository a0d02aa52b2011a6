/*
 * Runs the parts of a computation in parallel. The calling thread owns what the parts share, and
 * waits for all of them. t/unit/test_parallel.c covers it.
 */
#include "lib/base/parallel.h"

#include <sched.h>
#include <stdbool.h>

#include "lib/base/thread.h"

struct part {
	void (*run)(void *context, unsigned part);
	void *context;
	unsigned number;
	pthread_t thread;
	bool is_started;
};

static unsigned processors(void)
{
	cpu_set_t set;

	/* On a machine with more processors than the set has room for, this fails. */
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) :
							      PARALLEL_MAX;
}

unsigned parallel_parts(size_t size, size_t least)
{
	unsigned parts = processors();

	if (parts > PARALLEL_MAX)
		parts = PARALLEL_MAX;
	if (parts > size / least)
		parts = (unsigned)(size / least);
	return parts > 0 ? parts : 1;
}

static void *run_part(void *argument)
{
	const struct part *part = argument;

	part->run(part->context, part->number);
	return NULL;
}

void parallel_run(unsigned parts, void (*run)(void *context, unsigned part), void *context)
{
	struct part others[PARALLEL_MAX];
	unsigned i;

	for (i = 1; i < parts; i++) {
		others[i] = (struct part){ .run = run, .context = context, .number = i };
		others[i].is_started =
			thread_start(&others[i].thread, "part", run_part, &others[i]) == 0;
	}
	run(context, 0);
	for (i = 1; i < parts; i++) {
		if (others[i].is_started)
			(void)pthread_join(others[i].thread, NULL);
		else
			run(context, i);
	}
}
