#ifndef POSTERN_NEAR_NAME_H
#define POSTERN_NEAR_NAME_H

#include <stdbool.h>

#define NEAR_NAME_MAX 64 /* bytes; a longer name is not compared */

/*
 * For "did you mean": return whether name differs from the typed text in fewer than *best letters,
 * and in at most about a quarter of its letters. If so, *best becomes the number of letters to add,
 * drop, change or swap with the next one; case is ignored. Begin with *best = NEAR_NAME_MAX.
 */
bool near_name_better(const char *typed, const char *name, unsigned *best);

#endif
