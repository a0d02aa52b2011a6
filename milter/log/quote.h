#ifndef POSTERN_QUOTE_H
#define POSTERN_QUOTE_H

#include "lib/base/strbuf.h"
#include "milter/log/log.h"

/*
 * key=value pairs for a log line. A value that is empty or contains anything but letters, digits
 * and a few marks is written in double quotes, with \" and \\ for these two characters and \xNN for
 * bytes that are not printable ASCII. Therefore no text from a client can begin a line or another
 * key. A value of more than QUOTE_MAX bytes is cut and ends in "...".
 */
#define QUOTE_MAX 512

/* Append " key=value", without the space at the beginning of the line. A NULL value adds nothing.
 */
void quote_add(struct strbuf *line, const char *key, const char *value);
void quote_add_number(struct strbuf *line, const char *key, unsigned long long value);

/*
 * Log an event of up to 255 bytes, followed by " key=value". It is meant for errors, which may
 * quote text from outside.
 */
void quote_log(enum log_level level, const char *key, const char *value, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
