#ifndef POSTERN_BENCH_ARGUMENTS_H
#define POSTERN_BENCH_ARGUMENTS_H

#include <stddef.h>

/* What the command lines of the benchmarks' programs have in common. */

/* Say what is wrong, after the program's name, and exit with 2. */
_Noreturn void arguments_fail(const char *what, const char *why);

/* Read the number of an option, or fail: within bounds that count as allowed, and at most a day. */
size_t arguments_count(const char *option, const char *text, size_t min, size_t max);
double arguments_seconds(const char *option, const char *text);

#endif
