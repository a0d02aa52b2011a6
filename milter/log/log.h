#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "milter/log/log_level.h"

/*
 * The daemon's log. Lines go through a bounded ring to the log thread, so that a slow syslog does
 * not delay mail. A line that does not fit is dropped and counted; the count is logged as soon as
 * there is room again. Of equal lines, ten are written in a minute, and the number of the others is
 * logged when the minute is over (milter/log/repeats.h). Any thread may call any function except
 * log_start() and log_stop(), and the other functions never wait for the output.
 *
 * No caller passes a secret: no password, token, hash or connection string.
 */
#define LOG_LINE_MAX 8000 /* bytes of a line; log_event() ends a longer one with "..." */

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

/*
 * Log a line of up to LOG_LINE_MAX bytes; the rest is cut off. Bytes that are not printable ASCII
 * become '?', so that it always is one line.
 */
void log_line(enum log_level level, const char *line, size_t len);

/*
 * Log a line about what a person does, whatever the level is. People may change the level, and must
 * not be able to hide their actions in this way.
 */
void log_action(enum log_level level, const char *line, size_t len);

/* Log a line about the daemon itself: "policy serial=7 source=database users=1000000". */
void log_event(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Return whether the output takes the lines, for each of which it may need patience_ms; if not, err
 * is set. syslog(3) does not report that, and a log daemon that hangs holds up the log thread.
 */
bool log_is_taken(int64_t patience_ms, struct errmsg *err);

/* The number of lines that were dropped, suppressed, and written since the start. */
uint64_t log_dropped(void);
uint64_t log_suppressed(void);
uint64_t log_written(void);

#endif
