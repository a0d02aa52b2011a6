#ifndef POSTERN_ARENA_H
#define POSTERN_ARENA_H

#include <stddef.h>

/*
 * Memory for objects of one lifetime: allocated piece by piece, freed together. One thread fills an
 * arena; afterwards any thread may read what it contains.
 */
struct arena;

/* A new, empty arena whose blocks have at least block_size bytes. NULL when out of memory. */
struct arena *arena_new(size_t block_size);

/* Free everything in the arena. Accepts NULL; sets the pointer to NULL. */
void arena_free(struct arena **arena);

/* Allocate size bytes, aligned for any type, not cleared. NULL when out of memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* Copy len bytes, or a string, and add a NUL. NULL when out of memory. */
char *arena_memdup(struct arena *arena, const char *text, size_t len);
char *arena_strdup(struct arena *arena, const char *text);

/* The bytes that the arena has allocated from the system. */
size_t arena_bytes(const struct arena *arena);

#endif
