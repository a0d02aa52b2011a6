#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "lib/base/errmsg.h"

/*
 * The daemon's log. Lines go through a bounded ring to the log thread, so that a slow syslog does
 * not delay mail. A line that does not fit is dropped and counted; the count is logged as soon as
 * there is room again. Of equal lines, ten are written in a minute, and the number of the others is
 * logged when the minute is over (milter/log/repeats.h). Any thread may call any function except
 * log_start() and log_stop(), and the other functions never wait for the output.
 *
 * No caller passes a secret: no password, token, hash or connection string.
 */
enum log_level {
	LOG_LEVEL_ERROR = LOG_ERR,
	LOG_LEVEL_WARNING = LOG_WARNING,
	LOG_LEVEL_NOTICE = LOG_NOTICE,
	LOG_LEVEL_INFO = LOG_INFO,
	LOG_LEVEL_DEBUG = LOG_DEBUG,
};

#define LOG_LINE_MAX 8000 /* bytes of a line; log_event() ends a longer one with "..." */

/*
 * The names of [log] level: "error", "warning", "notice", "info", "debug". Parsing ignores case and
 * returns 0, or -1 when there is no such name.
 */
int log_level_parse(const char *name, enum log_level *level_r);
const char *log_level_name(enum log_level level);

struct log_output {
	const char *facility; /* of syslog(3): "mail", "daemon", "local0" ... */
	const char *level;    /* a name that log_level_parse() accepts */
	bool to_stderr; /* write lines with time and level to standard error instead of syslog */
};

#define LOG_LINES_MAX 8192 /* waiting lines; the ring may be full earlier */

/*
 * Start the log thread, in which all signals are blocked. The main thread calls this after the last
 * fork; earlier lines go to standard error at once. Returns 0, or -1 with err set, also while a
 * thread that log_stop() abandoned still hangs.
 */
int log_start(const struct log_output *output, struct errmsg *err);

/*
 * Write the lines of the ring, for at most two seconds, and end the log thread. Later lines go to
 * standard error at once. For the thread that called log_start().
 */
void log_stop(void);

/* The level below which nothing is logged; it may change at any time. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
bool log_wants(enum log_level level);

/*
 * Log a line of up to LOG_LINE_MAX bytes; the rest is cut off. Bytes that are not printable ASCII
 * become '?', so that it always is one line.
 */
void log_line(enum log_level level, const char *line, size_t len);

/* Log a line about the daemon itself: "policy serial=7 source=database users=1000000". */
void log_event(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The number of lines that were dropped, suppressed, and written since the start. */
uint64_t log_dropped(void);
uint64_t log_suppressed(void);
uint64_t log_written(void);

#endif
