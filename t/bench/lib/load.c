/*
 * Divides the load of milter_load among worker threads, runs them, and merges their results. Runs
 * in the main thread.
 */
#include "t/bench/lib/load.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "t/bench/lib/load_worker.h"

#define KNOCK_MS 5000

/* Raise the limit of open descriptors as far as allowed. Returns -1 if that is too few. */
static int raise_descriptors(const struct load_options *options, struct errmsg *err)
{
	struct rlimit limit;
	rlim_t wanted = options->idle + options->connections + 2 * options->threads + 16;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_max < wanted)
		return errmsg_set(err, "needs %zu descriptors, may have %zu", (size_t)wanted,
			(size_t)limit.rlim_max);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return 0;
}

/* Connect once, so that a wrong name fails at once and with its reason. */
static int knock(const struct endpoint *endpoint, struct errmsg *err)
{
	struct pollfd poll_fd = { .events = POLLOUT };
	int error = 0;
	socklen_t len = sizeof(error);

	switch (endpoint_connect(endpoint, &poll_fd.fd, err)) {
	case ENDPOINT_FAILED:
		return -1;
	case ENDPOINT_BUSY:
		return 0;
	default:
		break;
	}
	if (poll(&poll_fd, 1, KNOCK_MS) != 1)
		error = ETIMEDOUT;
	else
		getsockopt(poll_fd.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	close(poll_fd.fd);
	return error == 0 ? 0 : errmsg_set(err, "connect: %s", strerror(error));
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Divide `total` into equal parts; the first ones also get the remainder. */
static size_t share(size_t total, size_t parts, size_t number)
{
	return total / parts + (number < total % parts ? 1 : 0);
}

static void merge(struct load_result *into, const struct load_result *from)
{
	histogram_merge(&into->sessions, &from->sessions);
	histogram_merge(&into->messages, &from->messages);
	for (enum mta_stage stage = 0; stage < MTA_STAGES; stage++)
		histogram_merge(&into->callbacks[stage], &from->callbacks[stage]);
	for (enum mta_verdict verdict = 0; verdict < MTA_VERDICTS; verdict++)
		into->verdicts[verdict] += from->verdicts[verdict];
	into->rcpts_refused += from->rcpts_refused;
	into->changes += from->changes;
	into->connect_retries += from->connect_retries;
	into->is_stuck |= from->is_stuck;
	into->actions |= from->actions;
	into->protocol |= from->protocol;
	memcpy(into->macros_asked, from->macros_asked, MTA_MACROS_SIZE);
	if (from->seconds > into->seconds)
		into->seconds = from->seconds;
}

/* Give every worker its share and run them. Reports the first error. */
static int run_workers(struct load_worker *workers, const struct load_options *options,
	struct errmsg *err)
{
	pthread_barrier_t barrier;
	int ret = 0;

	if (pthread_barrier_init(&barrier, NULL, (unsigned int)options->threads) != 0)
		return errmsg_set(err, "cannot make a barrier");
	for (size_t i = 0; i < options->threads; i++) {
		workers[i].options = options;
		workers[i].barrier = &barrier;
		workers[i].number = workers[i].next_session = i;
		workers[i].connections = share(options->connections, options->threads, i);
		workers[i].idle = share(options->idle, options->threads, i);
	}
	for (size_t i = 1; i < options->threads; i++)
		if (pthread_create(&workers[i].thread, NULL, load_worker_run, &workers[i]) != 0)
			abort(); /* the others would wait at the barrier for ever */
	load_worker_run(&workers[0]);
	for (size_t i = 1; i < options->threads; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
	for (size_t i = 0; i < options->threads && ret == 0; i++)
		if ((ret = workers[i].ret) == -1)
			errmsg_set(err, "%s", workers[i].err.text);
	return ret;
}

int load_run(const struct load_options *options, struct load_result *result_r, struct errmsg *err)
{
	struct load_worker *workers;
	double cpu = cpu_seconds();
	int ret = -1;

	if (raise_descriptors(options, err) == -1 || knock(&options->endpoint, err) == -1)
		return -1;
	if ((workers = calloc(options->threads, sizeof(*workers))) == NULL)
		return errmsg_set(err, "out of memory");
	if (run_workers(workers, options, err) == 0) {
		*result_r = (struct load_result){ 0 };
		for (size_t i = 0; i < options->threads; i++)
			merge(result_r, &workers[i].result);
		result_r->cpu_seconds = cpu_seconds() - cpu;
		ret = 0;
	}
	free(workers);
	return ret;
}
