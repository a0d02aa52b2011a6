#ifndef POSTERN_COPY_TEXT_H
#define POSTERN_COPY_TEXT_H

#include <stddef.h>

#include "lib/rules/rows.h"

/* Parses PostgreSQL's text formats in place. Thread-safe; allocates nothing. */

/*
 * Split a line of COPY ... TO STDOUT (PostgreSQL's manual, COPY, "Text Format"), without its line
 * end: tabs separate columns, \N is NULL, a backslash begins an escape. The line is overwritten;
 * cells_r[count] point into it. Returns 0, or -1 when the line does not have exactly count columns.
 */
int copy_text_line(char *line, size_t len, struct cell *cells_r, size_t count);

/*
 * Parse the text of an array ("{a,\"b c\",NULL}"; manual, "Array Input and Output Syntax") and
 * overwrite it: *cell_r becomes a CELL_LIST of its items. NULL items are left out, and nested
 * arrays are flattened. Returns 0, or -1 when the text is not an array.
 */
int copy_text_array(char *text, size_t len, struct cell *cell_r);

#endif
