#ifndef POSTERN_STRMAP_H
#define POSTERN_STRMAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * A compact table from byte strings to 32-bit numbers: one array of slots and
 * one blob of keys, whatever the number of entries (at most 2^31 entries and 4 GiB of keys).
 * Filled by one thread; read by any number once filled.
 */
struct strmap;

struct strmap *strmap_new(void); /* NULL when out of memory */
void strmap_free(struct strmap **map);

/*
 * Add key -> value unless the key is there already (the first one stays).
 * Returns 1 when added, 0 when it was there, -1 when out of memory or bounds.
 */
int strmap_add(struct strmap *map, const char *key, size_t len, uint32_t value);

/* Whether key is there; then *value_r is set (value_r may be NULL). */
int strmap_find(const struct strmap *map, const char *key, size_t len, uint32_t *value_r);

size_t strmap_count(const struct strmap *map);
size_t strmap_bytes(const struct strmap *map); /* memory in use */

/* Give back the memory that growing left over. Failure to do so is harmless. */
void strmap_shrink(struct strmap *map);

#endif
