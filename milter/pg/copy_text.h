#ifndef POSTERN_COPY_TEXT_H
#define POSTERN_COPY_TEXT_H

#include <stddef.h>

#include "lib/rules/rows.h"

/* Rows as PostgreSQL writes them, taken apart where they stand. Thread-safe; allocate nothing. */

/*
 * A line of COPY ... TO STDOUT's text format (PostgreSQL's manual, COPY, "Text Format"), without
 * its line end: columns separated by tabs, \N for NULL, escapes with a backslash. line is written
 * over; cells_r[count] point into it. 0, or -1 when it has not exactly count columns.
 */
int copy_text_line(char *line, size_t len, struct cell *cells_r, size_t count);

/*
 * The text of an array ("{a,\"b c\",NULL}"; manual, "Array Input and Output Syntax"), written over:
 * cell_r becomes a CELL_LIST of its items, without those that are NULL; nested arrays
 * count as one. 0, or -1 when it is none.
 */
int copy_text_array(char *text, size_t len, struct cell *cell_r);

#endif
