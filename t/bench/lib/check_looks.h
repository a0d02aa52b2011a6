#ifndef POSTERN_CHECK_LOOKS_H
#define POSTERN_CHECK_LOOKS_H

#include <stdbool.h>

/*
 * Print what single looks into big lists and among a million users cost, each for what is there and
 * for what is not: a table, or a line of JSON each.
 */
void check_looks(bool is_json, double seconds);

#endif
