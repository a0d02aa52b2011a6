#ifndef POSTERN_QUOTE_H
#define POSTERN_QUOTE_H

#include "lib/base/strbuf.h"
#include "milter/log/log.h"

/*
 * key=value pairs for a log line. A value that is empty or holds anything but letters, digits and a
 * few marks is put in double quotes, with \" and \\ for these two and \xNN for bytes that are not
 * printable ASCII: whatever a client says, it can neither begin a line nor another key. A value of
 * more than QUOTE_MAX bytes is cut and ends in "...".
 */
#define QUOTE_MAX 512

/* Add " key=value" (no space before the first). value NULL: nothing is added. */
void quote_add(struct strbuf *line, const char *key, const char *value);
void quote_add_number(struct strbuf *line, const char *key, unsigned long long value);

/* log_event(), cut to 255 bytes, with " key=value" behind it: for errors, which hold what others
 * say. */
void quote_log(enum log_level level, const char *key, const char *value, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
