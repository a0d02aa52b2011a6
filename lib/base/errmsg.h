#ifndef POSTERN_ERRMSG_H
#define POSTERN_ERRMSG_H

#include <stdarg.h>

/*
 * What went wrong, in words for a person: which file, line, key or row, and
 * what would be right. Owned by the caller; a plain value.
 */
struct errmsg {
	char text[512]; /* NUL-terminated, cut (never overrun) when longer */
};

/* Replace err's text. err may be NULL: then nothing is said. Returns -1, so that `return
 * errmsg_set(...)` fails. */
int errmsg_set(struct errmsg *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put text in front of what err already says ("file.conf: " + "..."). err may be NULL. Returns -1.
 */
int errmsg_prefix(struct errmsg *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
