#ifndef POSTERN_CHECK_H
#define POSTERN_CHECK_H

#include "milter/daemon.h"

/*
 * Do what `postern -n` asks for: print everything that is wrong with the configuration and the
 * files, and a summary. Returns the exit code: EX_OK, also if lines or rows have problems;
 * EX_CONFIG for errors of the configuration; EX_NOUSER; or EX_NOINPUT if a file cannot be read
 * that a daemon needs to start with a policy and with everything that was saved.
 */
int check_run(const struct daemon_options *options);

#endif
