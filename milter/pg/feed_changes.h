#ifndef POSTERN_FEED_CHANGES_H
#define POSTERN_FEED_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the change feed (sql/feed.sql, feed_since()) says was committed since a position: rows by
 * their ids, whole tables, or "everything", when it can't tell.
 */
enum feed_table { FEED_PROFILES, FEED_USERS, FEED_TABLES };

struct feed_row {
	enum feed_table table;
	char *id;
};

struct feed_changes {
	bool everything;	 /* read all; reason says why */
	bool whole[FEED_TABLES]; /* read that whole table */
	struct feed_row *rows;	 /* of the other tables */
	size_t count, size;
	char reason[64];
};

#define FEED_CHANGES_INIT                               \
	{                                               \
		false, { false, false }, NULL, 0, 0, "" \
	}

/*
 * Take a row of feed_since()'s result, NULL for SQL's NULL. A table that is not known means
 * everything. -1 when out of memory.
 */
int feed_changes_add(struct feed_changes *changes, const char *table, const char *row_id,
	const char *reason);

/* Whether anything of the table changed. */
bool feed_changes_touch(const struct feed_changes *changes, enum feed_table table);

void feed_changes_clear(struct feed_changes *changes);

#endif
