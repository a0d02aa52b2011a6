#ifndef POSTERN_STORE_MACHINE_H
#define POSTERN_STORE_MACHINE_H

#include "lib/store/store_read.h"
#include "lib/store/store_replay.h"

/* Return whether store_write() made the text, or its beginning. */
bool store_is_machine(const char *text, size_t len);

/*
 * Pass the rows of such a text to their builders, and set revision, written and base of *store_r.
 * The rows of the journal (may be NULL) are in force. Used by store_read.c. Returns 0, or -1 with
 * err set.
 */
int store_machine_read(struct store_rows *rows, const char *text, size_t len,
	const struct journal_text *journal, struct store *store_r, struct errmsg *err);

/* Report that a journal does not belong to the store. */
void store_report_foreign_journal(const struct store_rows *rows,
	const struct journal_text *journal);

#endif
