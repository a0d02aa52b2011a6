#ifndef POSTERN_DOCTOR_PRINT_H
#define POSTERN_DOCTOR_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Print a report (doctor_report_json()) for a person, in the order of harm. */
void doctor_print(FILE *out, const json_t *report, bool colour);

#endif
