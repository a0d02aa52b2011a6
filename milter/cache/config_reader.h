#ifndef POSTERN_CONFIG_READER_H
#define POSTERN_CONFIG_READER_H

#include "lib/base/errmsg.h"
#include "lib/conf/config.h"
#include "lib/match/orgdomain.h"
#include "milter/cache/cache.h"
#include "milter/loop/job.h"

/*
 * One reading of postern.conf, of the files that it names and of the public suffix list, in a
 * thread of its own, because their file system may not answer. While it runs, it belongs to that
 * thread.
 */
struct config_reading {
	/* What to read. */
	char *path;		       /* of postern.conf; NULL: do not read it */
	const struct config *in_force; /* names the public suffix list if no other is read */
	struct cache_hooks hooks;

	/* What was read; the user sets to NULL what it takes. */
	const struct config *config; /* NULL: not to be read, or err tells why it is refused */
	struct errmsg err;
	void *files;	       /* of the hook */
	struct orgdomain *psl; /* NULL: psl_err tells why */
	struct errmsg psl_err;
};

/* Start a reading. path NULL: read only the public suffix list. Takes a reference to in_force.
 * Returns what job_start() does; the job's context is the reading. */
struct job *config_reader_start(const char *path, const struct config *in_force,
	const struct cache_hooks *hooks, int wake_fd);

void config_reading_free(struct config_reading *reading);

#endif
