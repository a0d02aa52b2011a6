/*
 * Reads the JSON store in the thread "store-read". The job owns the reading until it has ended.
 * Shown by t/unit/test_cache.c.
 */
#include "milter/cache/store_reader.h"

#include <stdlib.h>
#include <string.h>

/* The reading's own references, which only the source's reader must not change. */
static struct users *previous_users(const struct store_reading *reading)
{
	return (struct users *)reading->source.previous;
}

static struct profiles *previous_profiles(const struct store_reading *reading)
{
	return (struct profiles *)reading->source.previous_profiles;
}

void store_reading_free(struct store_reading *reading)
{
	struct users *users = previous_users(reading);
	struct profiles *profiles = previous_profiles(reading);

	users_unref(&users);
	profiles_unref(&profiles);
	problems_free(&reading->source.problems);
	store_clear(&reading->store);
	free(reading->path);
	free(reading);
}

static void free_reading(void *context)
{
	store_reading_free(context);
}

static void read_store(void *context)
{
	struct store_reading *reading = context;

	(void)file_stamp(reading->path, &reading->stamp, NULL);
	reading->result = (reading->with_prev ? store_read_with_prev : store_read)(reading->path,
		&reading->source, &reading->store, &reading->err);
}

struct job *store_reader_start(const struct store_reading *how, int wake_fd)
{
	static const struct job_work work = { "store-read", read_store, free_reading, NULL };
	struct store_reading *reading = calloc(1, sizeof(*reading));

	if (reading == NULL)
		return NULL;
	*reading = *how;
	reading->path = strdup(how->path);
	reading->source.problems = problems_new();
	(void)users_ref(previous_users(how));
	(void)profiles_ref(previous_profiles(how));
	if (reading->path == NULL || reading->source.problems == NULL) {
		store_reading_free(reading);
		return NULL;
	}
	return job_start(&work, reading, wake_fd);
}
