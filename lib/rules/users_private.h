#ifndef POSTERN_USERS_PRIVATE_H
#define POSTERN_USERS_PRIVATE_H

#include "lib/rules/users.h"

/* Of users.c and users_builder.c alone. */

/*
 * A hash of a name gives its shard by the high bits and its slot in there by
 * the low ones. With a million users a shard holds some 240.
 */
#define SHARD_BITS 12
#define SHARDS (1U << SHARD_BITS)

struct shard {
	unsigned refs;
	uint32_t count;
	uint32_t mask;	  /* slots - 1; slots are a power of two, at most 3/4 full */
	size_t bytes;	  /* of the whole block */
	uint32_t slots[]; /* offset of a record in what follows, plus 1; 0 is free */
};

struct users {
	unsigned refs;
	size_t count, bytes;
	struct shard *shards[SHARDS]; /* NULL: an empty one */
};

static inline size_t users_shard_of(uint32_t hash)
{
	return hash >> (32 - SHARD_BITS);
}

static inline const char *users_shard_records(const struct shard *shard)
{
	return (const char *)(shard->slots + shard->mask + 1);
}

/* The slot of a folded name, or the free one where it belongs. */
uint32_t *users_shard_find(struct shard *shard, uint32_t hash, const char *folded, size_t len);

/* Name each of its users whose profile isn't there. */
void users_shard_check_profiles(const struct shard *shard, const struct profiles *profiles,
	struct problems *problems);

#endif
