#ifndef POSTERN_CHECK_LOOKS_H
#define POSTERN_CHECK_LOOKS_H

#include <stdbool.h>

/*
 * Print the time of single lookups in lists with this number of entries (at least 5000) and among
 * as many users, each for an entry that exists and for one that does not: as a table, or as one
 * line of JSON each.
 */
void check_looks(bool is_json, double seconds, int entries);

#endif
