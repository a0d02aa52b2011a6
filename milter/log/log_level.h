#ifndef POSTERN_LOG_LEVEL_H
#define POSTERN_LOG_LEVEL_H

#include <stdbool.h>
#include <syslog.h>

enum log_level {
	LOG_LEVEL_ERROR = LOG_ERR,
	LOG_LEVEL_WARNING = LOG_WARNING,
	LOG_LEVEL_NOTICE = LOG_NOTICE,
	LOG_LEVEL_INFO = LOG_INFO,
	LOG_LEVEL_DEBUG = LOG_DEBUG,
};

/*
 * The names of [log] level: "error", "warning", "notice", "info", "debug". Parsing ignores case and
 * returns 0, or -1 when there is no such name.
 */
int log_level_parse(const char *name, enum log_level *level_r);
const char *log_level_name(enum log_level level);

/* The level below which nothing is logged; it may change at any time. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
bool log_wants(enum log_level level);

/* Return the number of a facility of syslog(3), "mail" or "local0"; -1 if there is none of that
 * name. */
int log_facility_parse(const char *name);

#endif
