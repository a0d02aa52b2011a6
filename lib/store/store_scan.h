#ifndef POSTERN_STORE_SCAN_H
#define POSTERN_STORE_SCAN_H

#include <stdbool.h>

#include "lib/rules/rows.h"
#include "lib/store/json_scan.h"

/*
 * Reads the rows of one table of a JSON store, in any layout and with any order of keys. It learns
 * the keys in the order in which they occur, so that rows with the same keys are read quickly. One
 * thread at a time.
 */
struct store_scan;

#define STORE_COLUMNS_MAX 16 /* columns of a table */

/* Begin with the names of the columns. NULL when out of memory. */
struct store_scan *store_scan_new(const struct column *columns, int count);
void store_scan_free(struct store_scan **scan); /* accepts NULL */

/*
 * Read the object at which s is, and move behind it. cells[count] then point into the text or into
 * scan, until the next call. Returns false, without moving, if a JSON parser has to read the value:
 * it is no object, or is malformed, or a column contains something other than text without NUL,
 * an integer, true, false, null or a list of such texts, or occurs twice. The keys of other columns
 * are accepted with any value.
 */
bool store_scan_row(struct store_scan *scan, struct json_scan *s, struct cell *cells);

/* Of the row that was read last: the columns that it has, one bit for each; and the next key that
 * is no column and that was not returned before for any row, or NULL. */
unsigned store_scan_columns(const struct store_scan *scan);
const char *store_scan_new_key(struct store_scan *scan);

#endif
