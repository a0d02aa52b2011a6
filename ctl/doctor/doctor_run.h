#ifndef POSTERN_DOCTOR_RUN_H
#define POSTERN_DOCTOR_RUN_H

#include <sys/types.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/* Programs and parts of doctor that run in a child process. One thread. */

#define DOCTOR_RUN_MISSING 127 /* there is no such program */

/*
 * Run a program (argv ends with NULL), found in PATH or in the directories sbin, with LC_ALL=C and
 * no input. Adds its output to out, and what it prints to standard error to errors; both may be
 * NULL. Returns its exit code, DOCTOR_RUN_MISSING, or -1 with err set: it was killed, could not be
 * started, or did not end in time.
 */
int doctor_run(const char *const argv[], struct strbuf *out, struct strbuf *errors,
	struct errmsg *err);

/* Set how long a child may take before it and what it has started are killed: 30,000 ms at first.
 */
void doctor_run_limit(unsigned ms);

/* The identity of a child. */
struct doctor_identity {
	const char *root;   /* NULL: no chroot(2) */
	const char *folder; /* the working directory, within root; NULL: "/" */
	uid_t uid;
	gid_t gid;
	const char *name; /* of the user, for its supplementary groups; NULL: none */
};

/*
 * Call a function in a child with that identity, which needs root's rights. Returns what it returns
 * (0 to 249), or -1 with err set.
 */
int doctor_run_as(const struct doctor_identity *identity, int (*function)(void *), void *context,
	struct errmsg *err);

#endif
