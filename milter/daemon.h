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
 * Run the daemon. Returns the exit status when everything that it owns is closed: EX_OK after a
 * signal, EX_UNAVAILABLE when libmilter accepts no more connections. A failure to start ends the
 * process with a message and an exit code of sysexits.h. The daemon takes a reference of config.
 * Call this once per process; libmilter's threads may still run when it returns, so that the
 * process must end with _exit().
 */
int daemon_run(const struct daemon_options *options, const struct config *config);

#endif
