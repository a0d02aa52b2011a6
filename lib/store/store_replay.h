#ifndef POSTERN_STORE_REPLAY_H
#define POSTERN_STORE_REPLAY_H

#include <stdbool.h>

#include "lib/store/store_journal.h"

/*
 * Puts the rows of a journal in the place of a store's rows while these are read.
 * store_replay_next() is thread-safe; the others, one thread at a time.
 */

/* The journal's file as it was read. */
struct journal_text {
	const char *path; /* for messages */
	char *text;	  /* NULL: there is none */
	size_t len;
	bool is_in_use; /* a daemon writes it: its end, or its store, may just be changing */
};

/*
 * Find the rows of the journal that are in force, and have rows leave out the store's rows that
 * they replace or remove. Returns 0, or -1 when out of memory; store_replay_end() frees what rows
 * has in both cases.
 */
int store_replay_begin(struct store_rows *rows, struct journal *journal, const char *path);

/* Return the next row of the table that is in force, after `row` (NULL: the first one), or NULL. */
const struct journal_row *store_replay_next(const struct journal *journal, enum store_table table,
	const struct journal_row *row);

void store_replay_end(struct store_rows *rows);

#endif
