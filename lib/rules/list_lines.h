#ifndef POSTERN_LIST_LINES_H
#define POSTERN_LIST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The grammar that all list files share (Haraka's): lines end in LF, CRLF or CR; an entry is
 * trimmed; # and ; begin a comment at the start of a line or after white space; blank lines don't
 * count. A byte order mark in front is skipped.
 */
struct list_lines {
	const char *at, *end;
	uint32_t line; /* of the entry that list_lines_next() gave, from 1 */
};

void list_lines_init(struct list_lines *lines, const char *text, size_t len);

/* The next entry, borrowed from the text; false at the end. */
bool list_lines_next(struct list_lines *lines, const char **entry_r, size_t *len_r);

#endif
