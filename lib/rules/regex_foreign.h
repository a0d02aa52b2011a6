#ifndef POSTERN_REGEX_FOREIGN_H
#define POSTERN_REGEX_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/*
 * Return whether a line has the form of another program's table: /REGEX/i ACTION, if, endif,
 * pcre:REGEX, *.WILDCARD. If so, reason becomes the rest of a sentence that begins with the regex,
 * and the probable meaning is appended to right, or nothing if it has none. anchored: the regex
 * must match the whole subject. Part of regex_check.c. Thread-safe.
 */
bool regex_is_foreign(const char *text, size_t len, bool anchored, struct errmsg *reason,
	struct strbuf *right);

#endif
