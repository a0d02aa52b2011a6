#ifndef POSTERN_REGEX_SUBJECT_H
#define POSTERN_REGEX_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"

/* A subject as regexes are matched against it: UTF-8, each character folded (regex_case.h). */
struct regex_subject {
	const char *text; /* the given one if it is folded already, or in the buffer */
	size_t len;
	bool has_lines; /* contains a line terminator of JavaScript */
};

/*
 * Fold a subject, into the buffer if that changes it. Each byte that is not part of UTF-8
 * becomes U+FFFD, and characters past U+FFFF stay as they are. Returns 0, or -1 when out of memory.
 * Thread-safe.
 */
int regex_subject_fold(const char *text, size_t len, struct strbuf *buffer,
	struct regex_subject *subject_r);

#endif
