#ifndef POSTERN_STATUS_PRINT_H
#define POSTERN_STATUS_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Print an answer to the control socket's command "status" for people: first the problems
 * and the notes, with what to do about each, then every section, line by line. The sections are not
 * known by name: a key's last word gives the unit of its value (milter/shared/status.h). Values
 * that are null, and counts of zero among named counts, are left out.
 */
void status_print(FILE *out, json_t *answer, bool colour);

#endif
