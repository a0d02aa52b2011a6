#ifndef POSTERN_STORE_SCAN_H
#define POSTERN_STORE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/rules/rows.h"

/*
 * The short way through a row that store_write() wrote: one JSON object in a line, without white
 * space, backslashes, control characters, fractions and nesting, but for lists of texts, and with
 * keys that are columns' names, each once. Fills cells[count], which point into line; line is
 * written over. false: it is another kind of row (line is as it was), and a real JSON parser has to
 * say what it is.
 */
bool store_scan(char *line, size_t len, const struct column *columns, int count,
	struct cell *cells);

#endif
