#ifndef POSTERN_DAEMON_H
#define POSTERN_DAEMON_H

#include <stdbool.h>

#include "lib/conf/config.h"

struct daemon_options {
	const char *config_path; /* absolute */
	const char *user;	 /* USER[:GROUP]; NULL: that of the configuration */
	const char *pid_file;	 /* absolute; NULL: that of the configuration */
	bool foreground;
};

/*
 * Run the daemon. Returns when a signal has ended it and everything that it owns is closed. A
 * failure to start ends the process with a message and an exit code of sysexits.h. The daemon takes
 * a reference of config. Call this once per process; libmilter's threads may still run when it
 * returns, so that the process must end with _exit().
 */
void daemon_run(const struct daemon_options *options, const struct config *config);

#endif
