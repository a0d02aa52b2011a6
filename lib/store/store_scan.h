#ifndef POSTERN_STORE_SCAN_H
#define POSTERN_STORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/rules/rows.h"

/*
 * Read a row of the form that store_write() writes: a JSON object in one line, without white space,
 * backslashes, control characters and fractions; without nesting except for lists of texts; and
 * whose keys are names of columns in the order of the table. Returns true with cells[count]
 * pointing into line, which is overwritten. Returns false with line unchanged if the row has
 * another form, which a JSON parser must read.
 */
bool store_scan(char *line, size_t len, const struct column *columns, int count,
	struct cell *cells);

#endif
