#ifndef POSTERN_ERRMSG_H
#define POSTERN_ERRMSG_H

#include <stdarg.h>

/*
 * An error message for a person: what is wrong, in which file, line, key or row, and what to do. A
 * plain value that the caller owns.
 */
struct errmsg {
	char text[512]; /* NUL-terminated; a longer text is cut */
};

/* Replace the text of err, which may be NULL. Returns -1, so that a function can end with `return
 * errmsg_set(...)`. */
int errmsg_set(struct errmsg *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Insert text such as "file.conf: " before the text of err, which may be NULL. Returns -1. */
int errmsg_prefix(struct errmsg *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
