#ifndef POSTERN_BENCH_REPORT_H
#define POSTERN_BENCH_REPORT_H

#include "t/bench/lib/load.h"

/* Print a result to standard output, as a table for people or as one line of JSON. */
void report_table(const struct load_options *options, const struct load_result *result);
void report_json(const struct load_options *options, const struct load_result *result);

#endif
