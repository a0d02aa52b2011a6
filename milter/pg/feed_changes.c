/*
 * Collects the changes that the feed reports, row by row of its result. The caller owns the
 * collection; nothing here is shared between threads.
 */
#include "milter/pg/feed_changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

static void mark_everything(struct feed_changes *changes, const char *reason)
{
	changes->everything = true;
	(void)text_format(changes->reason, sizeof(changes->reason), "%s", reason);
}

/* Return the table of that name, or FEED_TABLES. NULL is no name. */
static enum feed_table find_table(const char *name)
{
	int table;

	for (table = 0; table < FEED_TABLES; table++)
		if (name != NULL && strcmp(name, row_tables[table].name) == 0)
			break;
	return (enum feed_table)table;
}

int feed_changes_add(struct feed_changes *changes, const char *table, const char *row_id,
	const char *reason)
{
	size_t size = changes->size == 0 ? 16 : changes->size * 2;
	struct feed_row *grown;
	const enum feed_table which = find_table(table);
	char *id;

	if (which == FEED_TABLES) {
		mark_everything(changes,
			table != NULL	       ? "an unknown table changed" :
				reason != NULL ? reason :
						 "it gives no reason");
		return 0;
	}
	if (row_id == NULL) {
		changes->whole[which] = true;
		return 0;
	}
	if (changes->count == changes->size) {
		grown = realloc(changes->rows, size * sizeof(*grown));
		if (grown == NULL)
			return -1;
		changes->rows = grown;
		changes->size = size;
	}
	if ((id = strdup(row_id)) == NULL)
		return -1;
	changes->rows[changes->count++] = (struct feed_row){ which, id };
	return 0; /* cppcheck-suppress memleak ; the array owns id */
}

bool feed_changes_touch(const struct feed_changes *changes, enum feed_table table)
{
	size_t i;

	if (changes->everything || changes->whole[table])
		return true;
	for (i = 0; i < changes->count; i++)
		if (changes->rows[i].table == table)
			return true;
	return false;
}

void feed_changes_clear(struct feed_changes *changes)
{
	size_t i;

	for (i = 0; i < changes->count; i++)
		free(changes->rows[i].id);
	free(changes->rows);
	*changes = (struct feed_changes)FEED_CHANGES_INIT;
}
