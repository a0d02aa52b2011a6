/*
 * Reads a list file in the thread "list", which the cache thread starts. The later of the two to
 * finish with the struct list_reader frees it.
 */
#include "milter/cache/list_reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "milter/base/thread.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

struct list_reader {
	pthread_mutex_t lock;
	pthread_cond_t ended;

	/* Set before the thread starts. */
	char *directory;
	enum list_id id;
	struct list *previous[LIST_COUNT]; /* a reference to the earlier list, if any */
	struct orgdomain *psl;
	struct list_source source; /* borrows the above, and reading.problems */
	int wake_fd;
	int64_t begun;

	struct list_reading reading; /* the thread's, then that of the caller */

	bool has_ended, is_abandoned; /* guarded by the lock */
};

static void destroy_reader(struct list_reader *reader)
{
	list_unref(&reader->reading.list);
	problems_free(&reader->reading.problems);
	list_unref(&reader->previous[reader->id]);
	orgdomain_unref(&reader->psl);
	free(reader->directory);
	(void)pthread_cond_destroy(&reader->ended);
	(void)pthread_mutex_destroy(&reader->lock);
	free(reader);
}

static void read_list(struct list_reader *reader)
{
	struct list_reading *reading = &reader->reading;

	if (list_file_read(&reader->source, reader->id, &reading->list, &reading->stamp,
		    &reading->err) < 0)
		reading->list = NULL;
}

static void *run_reader(void *context)
{
	struct list_reader *reader = context;
	const uint64_t one = 1;
	bool is_abandoned;

	(void)pthread_setname_np(pthread_self(), "list");
	read_list(reader);
	(void)pthread_mutex_lock(&reader->lock);
	reader->has_ended = true;
	is_abandoned = reader->is_abandoned;
	if (!is_abandoned)
		(void)!write(reader->wake_fd, &one, sizeof(one)); /* or the caller is awake */
	(void)pthread_cond_broadcast(&reader->ended);
	(void)pthread_mutex_unlock(&reader->lock);
	if (is_abandoned)
		destroy_reader(reader);
	return NULL;
}

static struct list_reader *reader_new(const struct list_source *source, enum list_id id,
	int wake_fd)
{
	struct list_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		return NULL;
	(void)pthread_mutex_init(&reader->lock, NULL);
	thread_init_cond(&reader->ended);
	reader->id = id;
	if (source->previous != NULL && source->previous[id] != NULL)
		reader->previous[id] = list_ref(source->previous[id]);
	reader->psl = orgdomain_ref(source->psl);
	reader->directory = strdup(source->directory);
	reader->reading.problems = problems_new();
	reader->source = (struct list_source){
		.directory = reader->directory,
		.max_file = source->max_file,
		.previous = reader->previous,
		.psl = reader->psl,
		.problems = reader->reading.problems,
		.whole_lines = source->whole_lines,
	};
	reader->wake_fd = wake_fd;
	reader->begun = clock_ms();
	if (reader->directory == NULL || reader->reading.problems == NULL) {
		destroy_reader(reader);
		return NULL;
	}
	return reader;
}

struct list_reader *list_reader_start(const struct list_source *source, enum list_id id,
	int wake_fd)
{
	struct list_reader *reader = reader_new(source, id, wake_fd);
	int error;

	if (reader == NULL || (error = thread_start(NULL, "list", run_reader, reader)) == 0)
		return reader;
	log_event(LOG_LEVEL_WARNING,
		"%s: the system refuses a thread for reading the list, so that other changes wait "
		"until it has been read: %s",
		list_name(id), strerror(error));
	read_list(reader);
	reader->has_ended = true;
	return reader;
}

int64_t list_reader_begun(const struct list_reader *reader)
{
	return reader->begun;
}

bool list_reader_wait(struct list_reader *reader, int64_t until)
{
	const struct timespec time = {
		.tv_sec = until / 1000,
		.tv_nsec = until % 1000 * 1000000,
	};
	int error = 0;
	bool has_ended;

	(void)pthread_mutex_lock(&reader->lock);
	while (!reader->has_ended && error == 0)
		error = pthread_cond_timedwait(&reader->ended, &reader->lock, &time);
	has_ended = reader->has_ended;
	(void)pthread_mutex_unlock(&reader->lock);
	return has_ended;
}

void list_reader_finish(struct list_reader **reader, struct list_reading *reading_r)
{
	struct list_reader *r = *reader;

	*reader = NULL;
	*reading_r = r->reading;
	r->reading.list = NULL;
	r->reading.problems = NULL;
	destroy_reader(r);
}

void list_reader_abandon(struct list_reader **reader)
{
	struct list_reader *r = *reader;
	bool has_ended;

	*reader = NULL;
	if (r == NULL)
		return;
	(void)pthread_mutex_lock(&r->lock);
	has_ended = r->has_ended;
	r->is_abandoned = true;
	(void)pthread_mutex_unlock(&r->lock);
	if (has_ended)
		destroy_reader(r);
}
