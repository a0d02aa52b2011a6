/*
 * Memory of one lifetime, cut from large blocks. An arena owns its blocks. One thread fills it;
 * afterwards any thread may read it.
 */
#include "lib/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* the one being filled first */
	size_t block_size;
	size_t total;
};

struct arena *arena_new(size_t block_size)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena != NULL)
		arena->block_size = block_size;
	return arena;
}

void arena_free(struct arena **arena)
{
	struct block *block, *next;

	if (*arena == NULL)
		return;
	for (block = (*arena)->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(*arena);
	*arena = NULL;
}

static struct block *add_block(struct arena *arena, size_t size)
{
	size_t want = size > arena->block_size ? size : arena->block_size;
	struct block *block;

	if (want > SIZE_MAX - sizeof(*block))
		return NULL;
	if ((block = malloc(sizeof(*block) + want)) == NULL)
		return NULL;
	block->used = 0;
	block->size = want;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->total += sizeof(*block) + want;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *block = arena->blocks;
	void *piece;

	if (size > SIZE_MAX - align)
		return NULL;
	size = (size + align - 1) / align * align;
	if (block == NULL || block->size - block->used < size)
		block = add_block(arena, size);
	if (block == NULL)
		return NULL;
	piece = block->bytes + block->used;
	block->used += size;
	return piece;
}

char *arena_memdup(struct arena *arena, const char *text, size_t len)
{
	char *copy = len == SIZE_MAX ? NULL : arena_alloc(arena, len + 1);

	if (copy != NULL) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_memdup(arena, text, strlen(text));
}

size_t arena_bytes(const struct arena *arena)
{
	return arena->total;
}
