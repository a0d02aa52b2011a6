#ifndef POSTERN_FILES_CHECK_H
#define POSTERN_FILES_CHECK_H

#include "lib/conf/config.h"
#include "milter/process.h"
#include "milter/unit.h"

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
 * database is configured and has no copy, its tables. Look at the places of the sockets and of
 * the process id; pid_file: that of -P, NULL: that of the configuration. Adds all faults to report.
 * The process must have one thread.
 */
void files_check(const struct config *config, const char *pid_file, struct files_report *report);

/*
 * The same for a daemon that root starts and that becomes the user, so that the user needs
 * postern.conf and the secrets for reloads only: a child, which must have root's rights, becomes
 * the user and opens the files. Where access is denied, the texts contain the user's name. Returns
 * 0, or -1 with err set.
 */
int files_check_as(const struct config *config, const struct process_user *user,
	const char *pid_file, struct files_report *report, struct errmsg *err);

/* The same for the daemon of systemd's unit, which has the unit's user and restrictions from its
 * start on. */
int files_check_unit(const struct config *config, const struct unit *unit,
	struct files_report *report, struct errmsg *err);

#endif
