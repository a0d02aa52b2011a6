#ifndef POSTERN_DAEMON_H
#define POSTERN_DAEMON_H

#include <stdbool.h>

#include "lib/conf/config.h"

struct daemon_options {
	const char *config_path; /* absolute */
	const char *user;	 /* USER[:GROUP]; NULL: as the configuration says */
	const char *pid_file;	 /* absolute; NULL: as the configuration says */
	bool foreground;
};

/*
 * Whether a daemon could start with it, as far as can be seen without opening sockets. 0, or -1
 * with err set, which names the key.
 */
int daemon_check(const struct config *config, struct errmsg *err);

/*
 * The daemon from its sockets to its end: returns when a signal has told it to end and everything
 * of its own is closed. What can't be started ends the process, with a message and an exit code of
 * sysexits.h. The daemon takes a reference of config. Once a process; libmilter's threads may still
 * run when it returns, so the process has to end by _exit().
 */
void daemon_run(const struct daemon_options *options, const struct config *config);

#endif
