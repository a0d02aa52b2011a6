#ifndef POSTERN_ROW_TABLES_H
#define POSTERN_ROW_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/conf/config.h"
#include "lib/rules/rows.h"

/*
 * The tables that are read from PostgreSQL. The code that reads tables, follows them and puts their
 * rows in force refers to them by these descriptors alone: a further table needs a row here, its
 * builder in lib/rules, its query in [database], and its triggers in sql/feed.sql.
 *
 * A table is read before those that refer to its rows.
 */
enum feed_table { FEED_PROFILES, FEED_USERS, FEED_TABLES };

/* What determines the rows' meaning, besides the rows. */
struct row_context {
	bool rcpt_re_anchored; /* [profile] rcpt_re_anchored */
};

struct row_table {
	const char *name;      /* in the feed, the log and problems: "users" */
	const char *query_key; /* of [database]: "users_query" */
	size_t query;	       /* its value: an offset in struct config_database */
	const struct column *columns;
	size_t column_count;
	size_t key; /* the column by which the feed reports rows */

	/*
	 * The builder reads and validates rows, and makes the immutable, reference-counted set of
	 * them, which shares with previous (of the same table; may be NULL) what is unchanged.
	 * begin: NULL when out of memory. add: -1 when out of memory. finish: frees the builder;
	 * NULL when out of memory. cancel: accepts NULL. report: adds the problems of all rows of a
	 * set, not of a builder, so that they are the same however the set was made.
	 */
	void *(*begin)(const struct row_context *context);
	int (*add)(void *builder, const struct cell *row);
	void *(*finish)(void *builder, const void *previous);
	void (*cancel)(void *builder);
	void (*report)(const void *set, struct problems *problems);

	/*
	 * A builder that changes some rows of a set: remove leaves out the rows with an id, and add
	 * adds those that exist. can_change: whether the set can be changed in this way and, of a
	 * changed set, whether it is the one that all rows would make.
	 */
	bool (*can_change)(const void *set);
	void *(*begin_change)(const struct row_context *context, void *set);
	int (*remove)(void *builder, const char *id); /* -1 when out of memory */

	/* The set. ref and unref accept NULL. */
	void *(*ref)(void *set);
	void (*unref)(void *set);
	size_t (*count)(const void *set);
	bool (*is_same)(const void *a, const void *b); /* whether they have the same rows */
};

extern const struct row_table row_tables[FEED_TABLES];

/* The query that reads the table. */
const char *row_table_query(enum feed_table table, const struct config_database *config);

#endif
