#ifndef POSTERN_USERS_PRIVATE_H
#define POSTERN_USERS_PRIVATE_H

#include "lib/rules/shard_map.h"
#include "lib/rules/user_ids.h"
#include "lib/rules/user_shard.h"
#include "lib/rules/users.h"

/* Shared by users.c, which reads a set, users_builder.c, which makes it, and users_references.c. */
struct users {
	unsigned refs;
	size_t count, bytes;
	size_t twins; /* records that are not in force */
	size_t bare;  /* see users_count_bare() */
	uint64_t idn_units;
	struct shard_map by_name; /* struct user_shard */

	/* The index by id, of a set that can be changed row by row. */
	bool has_ids;
	struct shard_map by_id; /* struct id_shard */
	size_t problems_len;	/* of all rows' problems */
	struct row_problem_sums problems;
};

/*
 * The high bits of a name's hash select its shard, the low bits its slot in the shard. With a
 * million users, a shard has about 240.
 */
static inline uint32_t users_place(uint32_t hash)
{
	return hash >> (32 - USER_SHARD_BITS);
}

/* The shard at a place; NULL: an empty one. */
static inline const struct user_shard *users_shard(const struct users *users, uint32_t place)
{
	return (const struct user_shard *)shard_map_at(&users->by_name, place);
}

/*
 * Report each user of a shard whose profile does not exist. Returns how many there are. problems
 * may be NULL.
 */
size_t users_check_shard(const struct user_shard *shard, const struct profiles *profiles,
	struct problems *problems);

#endif
