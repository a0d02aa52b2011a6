#ifndef POSTERN_FEED_CHANGES_H
#define POSTERN_FEED_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "milter/pg/row_tables.h"

/*
 * The changes that the feed (feed_look() of sql/feed.sql) reports as committed since a position:
 * single rows by their ids, whole tables, or everything when the feed cannot tell.
 */
struct feed_row {
	enum feed_table table;
	char *id;
};

struct feed_changes {
	bool everything;	 /* read both tables, for `reason` */
	bool whole[FEED_TABLES]; /* read that table whole */
	struct feed_row *rows;	 /* of the tables that need not be read whole */
	size_t count, size;	 /* of rows: used, allocated */
	char reason[64];
};

#define FEED_CHANGES_INIT                        \
	{                                        \
		false, { false }, NULL, 0, 0, "" \
	}

/*
 * Add one row of feed_look()'s result; an argument is NULL for SQL's NULL. An unknown table makes
 * the changes `everything`. Returns 0, or -1 when out of memory.
 */
int feed_changes_add(struct feed_changes *changes, const char *table, const char *row_id,
	const char *reason);

/* Return whether anything in the table changed. */
bool feed_changes_touch(const struct feed_changes *changes, enum feed_table table);

/* Free the rows; the changes are empty afterwards. */
void feed_changes_clear(struct feed_changes *changes);

#endif
