#ifndef POSTERN_PRINT_H
#define POSTERN_PRINT_H

#include <stdio.h>

/*
 * The only way in which posternctl and the daemon print what a person reads (t/lint/printing.py).
 * All text is made visible (lib/base/visible.h), whether the stream is a terminal or not: names,
 * addresses, rules, paths and error messages come from clients, administrators of other systems and
 * servers. Thread-safe as far as the stream is; errors remain in the stream.
 */

/* Print text without an end of line. Even a newline becomes an escape. */
void print_text(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* End the line. */
void print_end(FILE *out);

/* Print one line. */
void print_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print text of the program itself, such as a usage, in which a newline ends a line. */
void print_lines(FILE *out, const char *text);

#endif
