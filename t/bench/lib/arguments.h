#ifndef POSTERN_BENCH_ARGUMENTS_H
#define POSTERN_BENCH_ARGUMENTS_H

#include <stddef.h>

/* What the command lines of the benchmarks' programs have in common. */

/* Print the program's name and what is wrong, and exit with 2. */
_Noreturn void arguments_fail(const char *what, const char *why);

/* Read the number of an option: from min to max, or seconds of up to a day. Other texts end the
 * program with arguments_fail(). */
size_t arguments_count(const char *option, const char *text, size_t min, size_t max);
double arguments_seconds(const char *option, const char *text);

#endif
