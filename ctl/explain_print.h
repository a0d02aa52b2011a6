#ifndef POSTERN_EXPLAIN_PRINT_H
#define POSTERN_EXPLAIN_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Print an answer of lib/decide/explain.h for people: a line a stage, and under it a line for each
 * check with the rule that it found. with_header: a header was asked about; otherwise it is said,
 * where one would come, that it wasn't.
 */
void explain_print(FILE *out, json_t *answer, bool with_header, bool colour);

#endif
