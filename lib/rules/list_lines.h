#ifndef POSTERN_LIST_LINES_H
#define POSTERN_LIST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The grammar of all list files, which is Haraka's: lines end in LF, CRLF or CR; an entry is
 * trimmed; # and ; begin a comment at the start of a line or after white space; blank lines are
 * ignored. A byte order mark at the beginning is skipped.
 */
struct list_lines {
	const char *at, *end;
	uint32_t line; /* of the last entry, from 1 */
};

void list_lines_init(struct list_lines *lines, const char *text, size_t len);

/* Return the next entry, which points into the text; false at the end. */
bool list_lines_next(struct list_lines *lines, const char **entry_r, size_t *len_r);

#endif
