/*
 * Starts the threads of libmilter that the system refuses at first. Owns the queue of these
 * threads; one of libmilter's threads serves it. It does not log, because the log starts a thread.
 * t/integration/test_threads.py covers it.
 */
#include "milter/smtp/patient_threads.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "milter/loop/clock.h"

#define RETRY_NS 100000000L

struct refused {
	struct refused *next;
	void *(*start)(void *argument);
	void *argument;
};

/* The lock guards all members. It is never held while a thread is being started. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t added;
	struct refused *first, **last;
	struct patient_threads count;
	bool is_served;
} queue = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.added = PTHREAD_COND_INITIALIZER,
	.last = &queue.first,
};

typedef int create_function(pthread_t *thread_r, const pthread_attr_t *attr,
	void *(*start)(void *argument), void *argument);

/* The function of clang's sanitizers, which this program's pthread_create() hides. */
create_function sanitizer_create __asm__("__interceptor_pthread_create") __attribute__((weak));

static create_function *real_create(void)
{
	static create_function *_Atomic real;
	create_function *found = real;

	if (found == NULL) {
		if (sanitizer_create != NULL)
			found = sanitizer_create;
		else
			*(void **)&found = dlsym(RTLD_NEXT, "pthread_create");
		real = found;
	}
	return found;
}

/* Return whether the address is in the program itself, not in a library. */
static bool is_ours(void *address)
{
	Dl_info there, here;

	return dladdr(address, &there) == 0 || dladdr((void *)&queue, &here) == 0 ||
		there.dli_fbase == here.dli_fbase;
}

/* Returns 0, or -1 if the queue is not served yet or memory has run out. */
static int add_refused(void *(*start)(void *argument), void *argument, int error)
{
	struct refused *refused = malloc(sizeof(*refused));
	bool is_added;

	if (refused == NULL)
		return -1;
	*refused = (struct refused){ .start = start, .argument = argument };
	(void)pthread_mutex_lock(&queue.lock);
	is_added = queue.is_served;
	if (is_added) {
		*queue.last = refused;
		queue.last = &refused->next;
		queue.count.refused++;
		queue.count.waiting++;
		queue.count.last = clock_ms();
		queue.count.error = error;
		(void)pthread_cond_signal(&queue.added);
	}
	(void)pthread_mutex_unlock(&queue.lock);
	if (!is_added)
		free(refused);
	return is_added ? 0 : -1; /* cppcheck-suppress memleak ; the queue owns it */
}

/* Replaces pthread_create(). libmilter's threads detach themselves, and it does not use their
 * numbers. */
int patient_create(pthread_t *thread_r, const pthread_attr_t *attr, void *(*start)(void *argument),
	void *argument) __asm__("pthread_create");

int patient_create(pthread_t *thread_r, const pthread_attr_t *attr, void *(*start)(void *argument),
	void *argument)
{
	int error = real_create()(thread_r, attr, start, argument);

	if (error == EAGAIN && attr == NULL && !is_ours(__builtin_return_address(0)) &&
		add_refused(start, argument, error) == 0) {
		*thread_r = pthread_self();
		return 0;
	}
	return error;
}

/* Start the first thread of the queue, which is not empty. Returns whether it was started. */
static bool start_first(void)
{
	struct refused *first = queue.first;
	pthread_t thread;
	bool is_started;

	(void)pthread_mutex_unlock(&queue.lock);
	is_started = real_create()(&thread, NULL, first->start, first->argument) == 0;
	(void)pthread_mutex_lock(&queue.lock);
	if (!is_started)
		return false;
	queue.first = first->next;
	if (queue.first == NULL)
		queue.last = &queue.first;
	queue.count.waiting--;
	free(first);
	return true;
}

void patient_threads_serve(void (*report)(const struct patient_threads *threads))
{
	const struct timespec pause = { .tv_nsec = RETRY_NS };
	struct patient_threads count;

	(void)pthread_mutex_lock(&queue.lock);
	queue.is_served = true;
	for (;;) {
		bool is_started;

		while (queue.first == NULL)
			(void)pthread_cond_wait(&queue.added, &queue.lock);
		is_started = start_first();
		count = queue.count;
		(void)pthread_mutex_unlock(&queue.lock);
		report(&count);
		if (!is_started)
			(void)nanosleep(&pause, NULL);
		(void)pthread_mutex_lock(&queue.lock);
	}
}

struct patient_threads patient_threads_count(void)
{
	struct patient_threads count;

	(void)pthread_mutex_lock(&queue.lock);
	count = queue.count;
	(void)pthread_mutex_unlock(&queue.lock);
	return count;
}
