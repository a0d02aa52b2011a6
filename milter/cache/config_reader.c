/*
 * Reads the configuration and the public suffix list in the thread "config". The job owns the
 * reading until it has ended. Shown by t/unit/test_cache.c.
 */
#include "milter/cache/config_reader.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/problems.h"
#include "lib/conf/file_wait.h"
#include "lib/store/psl_file.h"

void config_reading_free(struct config_reading *reading)
{
	if (reading->files != NULL)
		reading->hooks.files_free(reading->files);
	config_unref(&reading->config);
	config_unref(&reading->in_force);
	orgdomain_unref(&reading->psl);
	free(reading->path);
	free(reading);
}

static void free_reading(void *context)
{
	config_reading_free(context);
}

/* Load postern.conf; err counts the errors after the first. */
static void read_config(struct config_reading *reading)
{
	struct problems *errors = problems_new();
	const struct cache_hooks *hooks = &reading->hooks;

	if (errors == NULL)
		(void)errmsg_set(&reading->err, "out of memory");
	else if (config_load_all(reading->path, NULL, &reading->config, errors, &reading->err) != 0)
		problems_summarize(errors, &reading->err);
	problems_free(&errors);
	if (reading->config != NULL && hooks->config_read != NULL &&
		hooks->config_read(reading->config, &reading->files, &reading->err) != 0)
		config_unref(&reading->config);
}

static void run_reading(void *context)
{
	struct config_reading *reading = context;
	const char *psl;

	if (reading->path != NULL)
		read_config(reading);
	psl = (reading->config != NULL ? reading->config : reading->in_force)
		      ->lists.public_suffix_list;
	file_wait_begin(psl_file_path(psl));
	if (psl_file_open(psl, &reading->psl, &reading->psl_err) < 0)
		reading->psl = NULL;
	file_wait_end();
}

struct job *config_reader_start(const char *path, const struct config *in_force,
	const struct cache_hooks *hooks, int wake_fd)
{
	static const struct job_work work = { "config", run_reading, free_reading, NULL };
	struct config_reading *reading = calloc(1, sizeof(*reading));

	if (reading == NULL)
		return NULL;
	reading->in_force = config_ref(in_force);
	reading->hooks = *hooks;
	if (path != NULL && (reading->path = strdup(path)) == NULL) {
		config_reading_free(reading);
		return NULL;
	}
	return job_start(&work, reading, wake_fd);
}
