#ifndef POSTERN_FILES_CHECK_H
#define POSTERN_FILES_CHECK_H

#include "lib/conf/config.h"
#include "milter/process.h"

/* The results of reading all files that a daemon reads after it has become its user. */
struct files_report {
	struct problems *unreadable; /* a daemon that starts has no policy, or has lost something */
	struct problems *problems;   /* and notes: everything else */
};

/* Returns 0, or -1 when out of memory. */
int files_report_init(struct files_report *report);
void files_report_clear(struct files_report *report);

/*
 * Really open and read the files of a configuration, as the daemon does: the public suffix list,
 * the lists, the store, the keys for tokens, the suspended logins and the counts; and, if a
 * database is configured and has no copy, connect to it. Adds all faults to report. The process
 * must have one thread. Where access is denied, the texts contain `user` ("": the process's user).
 */
void files_check(const struct config *config, const char *user, struct files_report *report);

/*
 * The same in a child that becomes the user, for which it must have root's rights. by_root: root
 * reads postern.conf and the secrets before the change of user, so that the user needs them for
 * reloads only. Returns 0, or -1 with err set.
 */
int files_check_as(const struct config *config, const struct process_user *user, bool by_root,
	struct files_report *report, struct errmsg *err);

#endif
