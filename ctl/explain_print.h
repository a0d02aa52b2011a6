#ifndef POSTERN_EXPLAIN_PRINT_H
#define POSTERN_EXPLAIN_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Print an answer of lib/decide/explain.h for people: one line for each stage, followed by one line
 * for each check with the rule that it found. with_header: the session contained a header; if not,
 * a line reports that the header stage was not judged. If the answer has an object "users" with
 * "path" and "age_seconds", a line before the stages describes that copy.
 */
void explain_print(FILE *out, json_t *answer, bool with_header, bool colour);

#endif
