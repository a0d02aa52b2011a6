/*
 * Reads a list file in the thread "list". The job owns the struct reading until it has ended, and
 * frees it if the cache thread does not want it any more: then a long list is not read to its end,
 * or else the readers of a directory that is replaced again and again would pile up.
 */
#include "milter/cache/list_reader.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "milter/log/log.h"

struct reading {
	char *directory;
	enum list_id id;
	struct list *previous[LIST_COUNT]; /* a reference to the earlier list, if any */
	struct orgdomain *psl;
	atomic_bool is_unwanted;
	struct list_source source; /* borrows the above, and result.problems */
	struct list_reading result;
};

static void free_reading(void *context)
{
	struct reading *reading = context;

	list_unref(&reading->result.list);
	problems_free(&reading->result.problems);
	list_unref(&reading->previous[reading->id]);
	orgdomain_unref(&reading->psl);
	free(reading->directory);
	free(reading);
}

static void read_list(void *context)
{
	struct reading *reading = context;
	struct list_reading *result = &reading->result;

	if (list_file_read(&reading->source, reading->id, &result->list, &result->stamp,
		    &result->err) < 0)
		result->list = NULL;
}

static void abandon_reading(void *context)
{
	struct reading *reading = context;

	atomic_store(&reading->is_unwanted, true);
}

static struct reading *new_reading(const struct list_source *source, enum list_id id)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	if (reading == NULL)
		return NULL;
	reading->id = id;
	if (source->previous != NULL && source->previous[id] != NULL)
		reading->previous[id] = list_ref(source->previous[id]);
	reading->psl = orgdomain_ref(source->psl);
	reading->directory = strdup(source->directory);
	reading->result.problems = problems_new();
	reading->source = (struct list_source){
		.directory = reading->directory,
		.max_file = source->max_file,
		.user = source->user,
		.previous = reading->previous,
		.psl = reading->psl,
		.problems = reading->result.problems,
		.whole_lines = source->whole_lines,
		.is_unwanted = &reading->is_unwanted,
	};
	if (reading->directory == NULL || reading->result.problems == NULL) {
		free_reading(reading);
		return NULL;
	}
	return reading;
}

struct job *list_reader_start(const struct list_source *source, enum list_id id, int wake_fd)
{
	static const struct job_work work = { "list", read_list, free_reading, abandon_reading };
	struct reading *reading = new_reading(source, id);
	struct job *job = reading == NULL ? NULL : job_start(&work, reading, wake_fd);

	if (job != NULL && job_refused(job) != 0)
		log_event(LOG_LEVEL_WARNING,
			"%s: the system refuses a thread for reading the list, so that other "
			"changes wait until it has been read: %s",
			list_name(id), strerror(job_refused(job)));
	return job;
}

void list_reader_finish(struct job **job, struct list_reading *reading_r)
{
	struct reading *reading = job_finish(job);

	*reading_r = reading->result;
	reading->result.list = NULL;
	reading->result.problems = NULL;
	free_reading(reading);
}
