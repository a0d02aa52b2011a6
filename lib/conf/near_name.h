#ifndef POSTERN_NEAR_NAME_H
#define POSTERN_NEAR_NAME_H

#include <stdbool.h>

#define NEAR_NAME_MAX 64 /* bytes; longer names are near to nothing */

/*
 * For "did you mean": whether name is nearer to what was typed than *best, and near at all (about a
 * quarter of its letters). Then *best is how many letters to add, drop, change or swap with the
 * next, caseless. Begin with *best = NEAR_NAME_MAX.
 */
bool near_name_better(const char *typed, const char *name, unsigned *best);

#endif
