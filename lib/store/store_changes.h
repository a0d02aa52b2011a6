#ifndef POSTERN_STORE_CHANGES_H
#define POSTERN_STORE_CHANGES_H

#include "lib/store/store_read.h"

/*
 * Append the lines of a journal (see store_journal.h) that make the rows of one store those of
 * another; none of the sets may be NULL. Returns 0, or -1 if there would be more than max bytes of
 * them in all, or if memory runs out; lines then has to be emptied.
 */
int store_changes_add(struct strbuf *lines, const struct store *from, const struct store *to,
	size_t max);

/* Append the line that puts the lines before it in force, with the revision and the time of store.
 */
void store_changes_end(struct strbuf *lines, const struct store *store);

#endif
