#ifndef POSTERN_USER_IDS_H
#define POSTERN_USER_IDS_H

#include <stdbool.h>

#include "lib/base/problems.h"
#include "lib/base/strbuf.h"
#include "lib/rules/shard_map.h"

/*
 * The rows of one shard by hash of their ids: for each row, the shard of users in which its record
 * is; and the problems of rows, so that those of a row disappear when the row is replaced.
 * Immutable once made. Part of users.c.
 */

/* A row: the hash of its id in the high 32 bits, of which the highest select the shard, and the
 * place of its record's shard in the low ones. */
typedef uint64_t row_place;

static inline row_place row_place_make(uint32_t id_hash, uint32_t place)
{
	return (row_place)id_hash << 32 | place;
}

static inline uint32_t row_place_shard(row_place row)
{
	return (uint32_t)(row >> (64 - SHARD_MAP_BITS));
}

/* The hash of an id; id need not end in NUL. */
uint32_t user_id_hash(const char *id, size_t len);

/* The problems of one row, in a buffer of several; followed by the id, and by the texts that were
 * kept: a byte that is the level, and the text, each with its NUL. */
struct row_problems {
	uint32_t size, id_hash;
	uint32_t counts[PROBLEM_LEVELS], texts[PROBLEM_LEVELS];
};

/* The problems of several rows, and those of them that have texts. */
struct row_problem_sums {
	size_t counts[PROBLEM_LEVELS], texts[PROBLEM_LEVELS];
};

/* Append the problems that were added to `problems` since it had the numbers `counts` of problems,
 * and `kept` of texts, of each level. */
void row_problems_add(struct strbuf *to, const char *id, size_t id_len,
	const struct problems *problems, const size_t counts[PROBLEM_LEVELS],
	const size_t kept[PROBLEM_LEVELS]);

static inline struct row_problems row_problems_head(const char *at)
{
	struct row_problems head;

	__builtin_memcpy(&head, at, sizeof(head));
	return head;
}

static inline const char *row_problems_id(const char *at)
{
	return at + sizeof(struct row_problems);
}

struct id_shard {
	struct shard_head head;
	uint32_t count;	       /* of rows */
	uint32_t problems_len; /* of the problems, which follow the rows */
	size_t bytes;	       /* of the whole block */
	uint32_t rows[];       /* 20 bits of the hash of the id, and 12 of the place */
};

/* The change of one shard: the rows that go and those that come. */
struct id_change {
	const row_place *gone, *added;
	size_t gone_count, added_count;

	/* The problems of the new rows, and whether a row of the old ones goes. */
	const char *problems;
	size_t problems_len;
	bool (*is_gone)(const void *context, const char *id);
	const void *context;
};

/* Make a shard from an old one, which may be NULL. Returns 0 with *shard_r set, which is NULL if it
 * would be empty, or -1 when out of memory. */
int id_shard_change(const struct id_shard *old, const struct id_change *change,
	struct id_shard **shard_r);

/* Set the bits of the places in which the row with an id of that hash may be. shard may be NULL. */
void id_shard_mark(const struct id_shard *shard, uint32_t id_hash,
	uint64_t places[SHARD_MAP_SIZE / 64]);

/* Return the problems of rows, *len_r bytes. shard may be NULL. */
const char *id_shard_problems(const struct id_shard *shard, size_t *len_r);

/* Add the problems of a shard, which may be NULL, to sums, or subtract them. */
void id_shard_sum(const struct id_shard *shard, struct row_problem_sums *sums, bool is_gone);

/* Report the problems of a row, of which `at` is the head. */
void row_problems_report(const char *at, struct problems *problems);

#endif
