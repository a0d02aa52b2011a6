#ifndef POSTERN_STRMAP_H
#define POSTERN_STRMAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * A compact table from byte strings to 32-bit numbers: one array of slots and one block of keys,
 * for at most 2^31 entries and 4 GiB of keys. One thread fills it; afterwards any thread may read
 * it.
 */
struct strmap;

struct strmap *strmap_new(void);       /* NULL when out of memory */
void strmap_free(struct strmap **map); /* accepts NULL */

/*
 * Add an entry. If the map already contains the key, the first value stays. Returns 1 when the
 * entry was added, 0 when the key existed, -1 when memory ran out or the map is full.
 */
int strmap_add(struct strmap *map, const char *key, size_t len, uint32_t value);

/* Look the key up. Returns 1 with *value_r set (value_r may be NULL), or 0 when it is missing. */
int strmap_find(const struct strmap *map, const char *key, size_t len, uint32_t *value_r);

/* Return the key that was added after the key `at` (NULL: the first one), *len_r bytes without a
 * NUL; NULL at the end. at must be a pointer that this function returned. */
const char *strmap_next(const struct strmap *map, const char *at, size_t *len_r);

size_t strmap_count(const struct strmap *map);
size_t strmap_bytes(const struct strmap *map); /* memory in use */

/* Free the memory that growth left unused. A failure to do so has no effect. */
void strmap_shrink(struct strmap *map);

#endif
