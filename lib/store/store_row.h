#ifndef POSTERN_STORE_ROW_H
#define POSTERN_STORE_ROW_H

#include <jansson.h>

#include "lib/base/problems.h"
#include "lib/base/strbuf.h"
#include "lib/base/strmap.h"
#include "lib/rules/profile.h"
#include "lib/rules/user_record.h"
#include "lib/store/store_scan.h"

enum store_table { STORE_PROFILES, STORE_USERS, STORE_TABLES };

/* How jansson reads rows, and the text of a store. */
#define STORE_JSON (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

/* The rows of a JSON store that is being read, or of a part of one of its tables (store_parts.h).
 * Used by the readers of both forms. */
struct store_rows {
	const char *path;
	struct profiles_builder *profiles;
	struct users_builder *users;
	struct problems *problems;
	struct store_scan *scans[STORE_TABLES];
	struct strmap *unread; /* of a part: each unknown column, and the known ones beside it */
	struct strbuf scratch; /* the texts of one row */
	size_t number;	       /* of the row in its table, from 1; set by the reader of the table */
	struct strmap *replaced[STORE_TABLES]; /* keys of rows that a journal replaces or
						  removes; NULL: none */
	unsigned parts;			       /* in which the users are read */
};

/* "profiles", "users" */
const char *store_table_name(enum store_table table);

#define STORE_KEY_MAX USER_NAME_MAX

/*
 * Return what distinguishes a row from the others of its table, *len_r bytes: the id of a profile,
 * or the name of a user in lower case, which is written to folded. NULL if it has none.
 */
const char *store_row_key(enum store_table table, const struct cell *cells,
	char folded[STORE_KEY_MAX], size_t *len_r);

/* Pass one row, an object, to its builder. A bad row is added to problems. Returns 0, or -1 when
 * out of memory. */
int store_row_add(struct store_rows *rows, enum store_table table, const json_t *row);

/* The same for the row that rows->scans[table] has just read. */
int store_row_add_scanned(struct store_rows *rows, enum store_table table,
	const struct cell *cells);

/* Report an unknown column, len bytes, of a row with those columns (one bit for each). Returns 0,
 * or -1 when out of memory. */
int store_row_report_unread(const struct store_rows *rows, enum store_table table, unsigned columns,
	const char *key, size_t len);

/* Leave a row out for the reason why. Returns 0, or -1 when out of memory. */
int store_row_refuse(struct store_rows *rows, enum store_table table, const json_t *row,
	const char *why);

#endif
