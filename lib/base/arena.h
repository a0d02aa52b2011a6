#ifndef POSTERN_ARENA_H
#define POSTERN_ARENA_H

#include <stddef.h>

/*
 * Memory for things of one lifetime: handed out piece by piece, freed at once.
 * Not thread-safe while it is filled; free to be read by any thread afterwards.
 */
struct arena;

/* A new, empty arena whose blocks hold block_size bytes at least. NULL when out of memory. */
struct arena *arena_new(size_t block_size);

/* Free everything in it. Takes NULL; sets the pointer to NULL. */
void arena_free(struct arena **arena);

/* size bytes, aligned for any type, not cleared. NULL when out of memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* Copies of len bytes plus a NUL. NULL when out of memory. */
char *arena_memdup(struct arena *arena, const char *text, size_t len);
char *arena_strdup(struct arena *arena, const char *text);

/* Bytes taken from the system. */
size_t arena_bytes(const struct arena *arena);

#endif
