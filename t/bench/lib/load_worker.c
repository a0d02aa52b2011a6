/*
 * A worker thread of milter_load: it owns an epoll, a timer and its connections, and serves their
 * events until the run is over.
 */
#include "t/bench/lib/load_worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "t/bench/lib/load_connection.h"

#define EVENTS 256
#define RETRY_NS 1000000 /* between two attempts to connect */

uint64_t load_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void append(struct connection_queue *queue, struct connection *conn)
{
	conn->next = NULL;
	if (queue->first == NULL)
		queue->first = conn;
	else
		queue->last->next = conn;
	queue->last = conn;
}

static struct connection *take_first(struct connection_queue *queue)
{
	struct connection *conn = queue->first;

	queue->first = conn->next;
	return conn;
}

void load_worker_retry(struct load_worker *worker, struct connection *conn)
{
	conn->due = load_clock() + RETRY_NS;
	append(&worker->retries, conn);
}

static void set_timer(struct load_worker *worker, uint64_t due)
{
	struct itimerspec when = { .it_value = { .tv_sec = (time_t)(due / 1000000000u),
					   .tv_nsec = (long)(due % 1000000000u) } };

	timerfd_settime(worker->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void load_worker_pause(struct load_worker *worker, struct connection *conn)
{
	conn->is_paused = true;
	conn->due = load_clock() + (uint64_t)(worker->options->pause * 1e9);
	if (worker->pauses.first == NULL)
		set_timer(worker, conn->due);
	append(&worker->pauses, conn);
}

static void end_pauses(struct load_worker *worker)
{
	while (worker->pauses.first != NULL && worker->pauses.first->due <= load_clock())
		connection_resume(take_first(&worker->pauses));
	if (worker->pauses.first != NULL)
		set_timer(worker, worker->pauses.first->due);
}

static void try_again(struct load_worker *worker)
{
	uint64_t now = load_clock();

	while (worker->retries.first != NULL && worker->retries.first->due <= now)
		connection_retry(take_first(&worker->retries));
}

/* Serve events until no connection is busy or the filter has not answered for too long. */
static void serve(struct load_worker *worker)
{
	struct epoll_event events[EVENTS];
	uint64_t patience = (uint64_t)(worker->options->patience * 1e9), ticks;

	worker->last_answer = load_clock();
	while (worker->busy > 0) {
		int count;

		try_again(worker);
		count = epoll_wait(worker->epoll, events, EVENTS,
			worker->retries.first != NULL ? 1 : 100);
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr != NULL)
				connection_event(events[i].data.ptr, events[i].events);
			else if (read(worker->timer, &ticks, sizeof(ticks)) > 0)
				end_pauses(worker);
		}
		if (load_clock() - worker->last_answer > patience) {
			worker->result.is_stuck = true;
			return;
		}
	}
}

static void make_load(struct load_worker *worker)
{
	const struct load_options *options = worker->options;
	size_t total = worker->idle + worker->connections;

	for (size_t i = 0; i < total; i++) {
		worker->list[i].worker = worker;
		worker->list[i].fd = -1;
		worker->list[i].is_idle = i < worker->idle;
		worker->list[i].messages_left = options->messages;
		worker->list[i].mta.message =
			(unsigned int)((worker->number + i * options->threads) << 16);
	}
	for (size_t i = 0; i < worker->idle; i++) {
		worker->busy++;
		connection_begin(&worker->list[i]);
		if (i % 64 == 63 || i + 1 == worker->idle)
			serve(worker); /* a few at a time, because the listener's queue is short */
	}
	pthread_barrier_wait(worker->barrier);
	if (worker->number == 0 && options->on_idle != NULL && !worker->result.is_stuck)
		options->on_idle();
	worker->last_done = load_clock();
	worker->count_from = worker->last_done + (uint64_t)(options->warmup * 1e9);
	if (options->seconds > 0)
		worker->deadline = worker->count_from + (uint64_t)(options->seconds * 1e9);
	worker->busy = worker->connections;
	for (size_t i = worker->idle; i < total && !worker->result.is_stuck; i++)
		connection_begin(&worker->list[i]);
	if (!worker->result.is_stuck)
		serve(worker);
	if (worker->last_done > worker->count_from)
		worker->result.seconds = (double)(worker->last_done - worker->count_from) / 1e9;
}

/* Create the epoll, which also watches the timer, and the connections. */
static int prepare(struct load_worker *worker)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	worker->list = calloc(worker->idle + worker->connections, sizeof(*worker->list));
	if (worker->epoll == -1 || worker->timer == -1 || worker->list == NULL ||
		epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->timer, &event) == -1)
		return errmsg_set(&worker->err, "epoll, timer or memory: %s", strerror(errno));
	return 0;
}

void *load_worker_run(void *arg)
{
	struct load_worker *worker = arg;
	size_t total = worker->idle + worker->connections;

	if ((worker->ret = prepare(worker)) == 0) {
		make_load(worker);
		for (size_t i = 0; i < total; i++)
			connection_destroy(&worker->list[i]);
	} else {
		pthread_barrier_wait(worker->barrier); /* where the other workers wait */
	}
	free(worker->list);
	if (worker->epoll != -1)
		close(worker->epoll);
	if (worker->timer != -1)
		close(worker->timer);
	return NULL;
}
