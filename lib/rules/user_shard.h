#ifndef POSTERN_USER_SHARD_H
#define POSTERN_USER_SHARD_H

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "lib/base/problems.h"
#include "lib/rules/shard_map.h"
#include "lib/rules/user_record.h"

/*
 * The users of one shard, by their names: their records, and slots to find them. Immutable once
 * made. Part of users.c.
 */
struct user_shard {
	struct shard_head head;
	uint32_t count;	    /* of users */
	uint32_t twins;	    /* records that are not in force, because of another one's name */
	uint32_t idn_units; /* of all records, see struct user_head */
	uint32_t bare;	    /* users whom users_count_bare() counts */
	uint32_t colons;    /* users with a colon in their name */
	uint32_t mask;	    /* slots - 1; slots are a power of two, at most 3/4 full */
	size_t bytes;	    /* of the whole block */
	uint32_t slots[];   /* offset of a record after the slots, plus 1; 0 is free */
};

static inline const char *user_shard_records(const struct user_shard *shard)
{
	return (const char *)(shard->slots + shard->mask + 1);
}

/* The size of all records. */
static inline size_t user_shard_len(const struct user_shard *shard)
{
	return shard->bytes - (size_t)(user_shard_records(shard) - (const char *)shard);
}

/* Return the index of the slot of a folded name, or of the free slot where it belongs. */
static inline uint32_t user_shard_slot(const struct user_shard *shard, uint32_t hash,
	const char *folded, size_t len)
{
	const char *record, *records = user_shard_records(shard);
	struct user_head head;
	uint32_t i;

	for (i = hash & shard->mask; shard->slots[i] != 0; i = (i + 1) & shard->mask) {
		record = records + (shard->slots[i] - 1);
		memcpy(&head, record, sizeof(head));
		if (head.hash == hash && head.name_len == len &&
			strncasecmp(record + sizeof(head) + head.id_len + 1, folded, len) == 0)
			break;
	}
	return i;
}

/* Make a shard of these records, with one reference. NULL when out of memory. */
struct user_shard *user_shard_new(const char *records, size_t len);

/* Return whether both contain the same records, in any order. */
bool user_shard_equal(const struct user_shard *a, const struct user_shard *b);

/* Report each record that is not in force, because another row has its name. */
void user_shard_report_twins(const struct user_shard *shard, struct problems *problems);

#endif
