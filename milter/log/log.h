#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "lib/base/errmsg.h"

/*
 * The daemon's log: lines go through a bounded ring to a thread of its own, so that a slow syslog
 * delays no mail. What finds no room is dropped, counted, and the count is said as soon as there is
 * room again. Any thread may call any function; none of them waits for the output.
 *
 * Nothing secret is ever handed to it: no password, token, hash or connection string.
 */
enum log_level {
	LOG_LEVEL_ERROR = LOG_ERR,
	LOG_LEVEL_WARNING = LOG_WARNING,
	LOG_LEVEL_NOTICE = LOG_NOTICE,
	LOG_LEVEL_INFO = LOG_INFO,
	LOG_LEVEL_DEBUG = LOG_DEBUG,
};

#define LOG_LINE_MAX 8000 /* bytes of a line; a longer one is cut, and ends in "..." */

/* By the names of [log] level: "error", "warning", "notice", "info", "debug". -1: no such name. */
int log_level_parse(const char *name, enum log_level *level_r);
const char *log_level_name(enum log_level level);

struct log_output {
	const char *facility; /* of syslog(3): "mail", "daemon", "local0" ... */
	const char *level;    /* as log_level_parse() takes it */
	bool to_stderr; /* lines go to standard error with time and level, instead of syslog */
};

#define LOG_LINES_MAX 8192 /* that wait before some are dropped */

/*
 * Start the thread. 0, or -1 with err set. To be called after the last fork; what is logged before
 * goes to standard error at once.
 */
int log_start(const struct log_output *output, struct errmsg *err);

/* Write out what the ring holds (for at most two seconds) and end the thread. */
void log_stop(void);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
bool log_wants(enum log_level level);

/*
 * A line as it is, LOG_LINE_MAX bytes at most. Whatever is in it, what comes out is one line of
 * printable ASCII: other bytes become '?'.
 */
void log_line(enum log_level level, const char *line, size_t len);

/* A line about the daemon itself: "policy serial=7 source=database users=1000000". */
void log_event(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines dropped since the start, and lines written. */
uint64_t log_dropped(void);
uint64_t log_written(void);

#endif
