#ifndef POSTERN_LEDGER_PRIVATE_H
#define POSTERN_LEDGER_PRIVATE_H

#include <pthread.h>

#include "lib/rules/ledger.h"
#include "lib/rules/ledger_counter.h"

/* For ledger*.c alone. */

/* One key: a counter for each window. */
struct ledger_entry {
	struct ledger_entry *next;
	struct counter *counters;
	uint64_t seq; /* of the last record that is in it */
	uint32_t hash;
	uint16_t key_len;
	uint8_t count;
	char key[]; /* and a NUL */
};

struct ledger_shard {
	_Alignas(64) pthread_mutex_t lock;
	struct ledger_entry **buckets;
	size_t bucket_count; /* a power of two, or 0 */
	size_t entry_count;
	size_t bytes;
	size_t swept; /* the bucket that is swept next */
};

struct ledger {
	struct ledger_shard shards[LEDGER_SHARDS];
	ledger_save_fn *save;
	void *context;
	uint64_t last_seq; /* atomic */
	uint64_t unsaved;  /* atomic */
	uint64_t swept;	   /* atomic: shards that ledger_sweep() has been through */
};

uint64_t ledger_hash(const char *key, size_t len);
struct ledger_shard *ledger_shard_of(struct ledger *ledger, uint64_t hash);

/* With the shard's lock held. */
struct ledger_entry *shard_find(const struct ledger_shard *shard, uint64_t hash, const char *key,
	size_t len);
/* A new entry without counters, in its place; NULL when out of memory. */
struct ledger_entry *shard_add(struct ledger_shard *shard, uint64_t hash, const char *key,
	size_t len);
void shard_remove(struct ledger_shard *shard, struct ledger_entry *entry);
/* Look at a few buckets and let go of what is idle there. */
void shard_sweep(struct ledger_shard *shard, uint64_t now, size_t buckets);

/*
 * The counter of a window; a new one begins with what the longest other one holds. One that
 * nobody asked for as long as it is goes to make room. NULL when out of memory.
 */
struct counter *entry_counter(struct ledger_shard *shard, struct ledger_entry *entry,
	uint32_t seconds, uint64_t now);

/* Give a counter to the entry: it is the entry's then. 0, or -1 when out of memory. */
int entry_take_counter(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct counter *counter);

/* The counter that knows best about a window: its own, or else the longest. NULL: there is none. */
const struct counter *entry_best(const struct ledger_entry *entry, uint32_t seconds);

/* Whether anything of it counts. */
bool entry_prune(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now);

/* Room for one more charge in every counter. 0, or -1. */
int entry_reserve(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now);
void entry_add(struct ledger_entry *entry, uint64_t now, uint32_t amount);

#endif
