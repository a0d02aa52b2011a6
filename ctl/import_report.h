#ifndef POSTERN_IMPORT_REPORT_H
#define POSTERN_IMPORT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What became of a line of the old configuration. */
enum import_result {
	IMPORT_TAKEN,	/* Postern decides as Haraka did */
	IMPORT_CHANGED, /* taken, but it has another effect, which the text describes */
	IMPORT_REFUSED, /* not taken, so that something is not enforced; the text has the reason */
	IMPORT_OTHER,	/* not the task of Postern, or without an effect */
	IMPORT_RESULTS
};

/* The report of an import, line by line. Initialize it with zeros. One thread at a time. */
struct import_report {
	json_t *lines;
	size_t counts[IMPORT_RESULTS];
	bool failed; /* memory ran out */
};

/* Add a line. file is the name in the old directory; line is 0 for the whole file. */
void import_report_add(struct import_report *report, enum import_result result, const char *file,
	unsigned line, const char *format, ...) __attribute__((format(printf, 5, 6)));

void import_report_clear(struct import_report *report);

/* Print the report in lines "FILE:LINE: RESULT: text", with colours for those that need attention.
 */
void import_report_print(const struct import_report *report, bool colour);

#endif
