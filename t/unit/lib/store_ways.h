#ifndef POSTERN_STORE_WAYS_H
#define POSTERN_STORE_WAYS_H

#include <stddef.h>

#include "lib/store/store_read.h"

/* Return NULL if two stores have the same users and profiles, otherwise what differs. */
const char *stores_differ(const struct store *a, const struct store *b);

/*
 * Read a store in one thread and in several, and, if Postern did not write it, with jansson in
 * place of the scanner of rows. Return NULL if all give the same rows, problems and notes, or the
 * same reason why the store is refused, which is jansson's if it is no JSON. Otherwise return what
 * differs.
 */
const char *store_ways_differ(const char *text, size_t len);

#endif
