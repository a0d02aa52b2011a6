#ifndef POSTERN_USERS_BUILDER_PRIVATE_H
#define POSTERN_USERS_BUILDER_PRIVATE_H

#include "lib/base/strmap.h"
#include "lib/rules/user_ids.h"
#include "lib/rules/users_private.h"

/*
 * Shared by users_builder.c, which receives the rows, users_by_name.c, which makes the shards of
 * users, and users_by_id.c, which makes the index by id.
 */

/*
 * Rows are first sorted into a few groups of shards, and later each group into its shards: writing
 * to thousands of places in turn would cost more than all other work on a row.
 */
#define GROUPS SHARD_MAP_NODES
#define SHARDS_A_GROUP SHARD_NODE_SIZE

/* Records in the order in which their rows were added. */
struct groups {
	struct strbuf of[GROUPS];
	struct groups *next; /* of later rows; NULL: none */
};

struct users_builder {
	struct user_reading reading;
	struct groups *first, *last; /* one at least */

	/* Of a set with an index by id. */
	bool indexes_ids;
	struct problems *reported; /* of its rows; NULL before the first one */
	struct strbuf added;	   /* a row_place for each record */
	struct strbuf problems;	   /* struct row_problems */

	/* Of a change. */
	struct users *base;	      /* NULL: there is none */
	struct strmap *removed;	      /* ids of the base's rows that are left out */
	uint64_t touched[GROUPS];     /* a bit for each shard of a group that may have such a row */
	uint64_t touched_ids[GROUPS]; /* the same for the shards of ids */
	struct strbuf gone;	      /* a row_place for each record that was removed */
};

static inline void users_set_bit(uint64_t bits[GROUPS], uint32_t place)
{
	bits[place / SHARDS_A_GROUP] |= UINT64_C(1) << (place % SHARDS_A_GROUP);
}

static inline bool users_has_bit(const uint64_t bits[GROUPS], uint32_t place)
{
	return bits[place / SHARDS_A_GROUP] >> (place % SHARDS_A_GROUP) & 1;
}

/*
 * Make the shards of the builder's rows in a set that shares the others with the base, and free the
 * rows. Shards equal to those of previous (may be NULL) are shared. With an index by id, nothing is
 * reported; profiles and problems may be NULL. Returns 0, or -1 when out of memory.
 */
int users_make_shards(struct users_builder *b, struct users *users, const struct users *previous,
	const struct profiles *profiles, struct problems *problems);

/* Then make the index by id. Returns 0, or -1 when out of memory. */
int users_make_index(struct users_builder *b, struct users *users);

#endif
