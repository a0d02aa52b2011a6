/*
 * Shards of the local ledger: a hash table of keys, and its bound. Every function is called with
 * the shard's lock held, on any thread.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/rules/ledger_private.h"

#define FIRST_BUCKETS 16
#define CACHE_LINE 64 /* bytes, of most processors */

uint64_t ledger_hash(const char *key, size_t len)
{
	return hash_bytes(key, len);
}

struct ledger_shard *ledger_shard_of(struct ledger *ledger, uint64_t hash)
{
	return &ledger->shards[(hash >> 32) % LEDGER_SHARDS];
}

/* Have the lines of an entry read while its first one is compared. */
static inline void fetch_entry(const struct ledger_entry *entry)
{
	__builtin_prefetch((const char *)entry + CACHE_LINE);
	__builtin_prefetch((const char *)entry + 2 * CACHE_LINE);
}

struct ledger_entry *shard_find(const struct ledger_shard *shard, uint64_t hash, const char *key,
	size_t len)
{
	struct ledger_entry *entry;

	if (shard->bucket_count == 0)
		return NULL;
	entry = shard->buckets[hash & (shard->bucket_count - 1)];
	for (; entry != NULL; entry = entry->next) {
		fetch_entry(entry);
		if (entry->hash == (uint32_t)hash && entry->key_len == len &&
			memcmp(entry_key(entry), key, len) == 0)
			break;
	}
	return entry;
}

static int resize_buckets(struct ledger_shard *shard, size_t count)
{
	struct ledger_entry **buckets = calloc(count, sizeof(struct ledger_entry *));
	struct ledger_entry *entry, *next;

	if (buckets == NULL)
		return -1;
	for (size_t i = 0; i < shard->bucket_count; i++) {
		for (entry = shard->buckets[i]; entry != NULL; entry = next) {
			next = entry->next;
			entry->next = buckets[entry->hash & (count - 1)];
			buckets[entry->hash & (count - 1)] = entry;
		}
	}
	free(shard->buckets);
	shard->bytes += (count - shard->bucket_count) * sizeof(struct ledger_entry *);
	shard->buckets = buckets;
	shard->bucket_count = count;
	return 0;
}

void shard_expect(struct ledger_shard *shard, size_t keys)
{
	size_t count = FIRST_BUCKETS;

	while (count < keys && count <= SIZE_MAX / 4)
		count *= 2;
	if (count > shard->bucket_count)
		(void)resize_buckets(shard, count);
}

void shard_shrink_table(struct ledger_shard *shard)
{
	size_t count = shard->bucket_count;

	while (count > FIRST_BUCKETS && shard->entry_count < count / 8)
		count /= 2;
	if (count < shard->bucket_count)
		(void)resize_buckets(shard, count);
}

/* ---- the bound ------------------------------------------------------------------- */

/* Return how many more keys the shard takes; SIZE_MAX: it has no bound. */
static size_t room_of(const struct ledger_shard *shard)
{
	const size_t keys = shard_keys(shard), bytes = shard_bytes(shard);
	size_t room = SIZE_MAX, fit;

	if (shard->max_entries > 0)
		room = keys < shard->max_entries ? shard->max_entries - keys : 0;
	if (shard->max_bytes == 0)
		return room;
	if (bytes >= shard->max_bytes)
		return 0;
	if (keys == 0)
		return room;
	fit = (shard->max_bytes - bytes) / (bytes / keys);
	return fit < room ? fit : room;
}

/*
 * Return how many keys a network may have in the ledger, from the room in one shard, which is not
 * 0. The share is as large a part of the room as the room is of the ledger: alone, a network fills
 * three eighths of the ledger. Ten networks that come one after the other, with keys that cannot be
 * removed, leave a tenth of it, and a hundred networks leave a hundredth. If the share were a fixed
 * multiple of the room, six networks would leave nothing.
 */
static size_t share_of(const struct ledger_shard *shard, size_t room)
{
	/* The products have more than 32 bits. */
	const uint64_t keys = shard_keys(shard), square = (uint64_t)room * room,
		       share = LEDGER_SHARDS * square / (keys + room);

	/* While much room is left, no network can exceed its share; shards fill unevenly. */
	if (2 * keys * (keys + room) <= square)
		return SIZE_MAX;
	return share > 0 ? (size_t)share : 1;
}

bool shard_is_over(struct ledger_shard *shard)
{
	const size_t room = room_of(shard);
	size_t share = room;

	if (room > 0 && room < SIZE_MAX)
		share = share_of(shard, room);
	if ((share < SIZE_MAX) != (shard->share < SIZE_MAX))
		(void)__atomic_add_fetch(&shard->ledger->tight, share < SIZE_MAX ? 1 : -1U,
			__ATOMIC_RELAXED);
	__atomic_store_n(&shard->share, share, __ATOMIC_RELAXED);
	return room == 0;
}

struct ledger_entry *shard_add(struct ledger_shard *shard, uint64_t hash, const char *key,
	size_t len, const struct ledger_origin *origin, size_t counters)
{
	struct ledger_entry *entry, **bucket;

	/* If the table cannot grow, it only gets slower, but it needs its first buckets. */
	if (shard->entry_count >= shard->bucket_count &&
		resize_buckets(shard,
			shard->bucket_count == 0 ? FIRST_BUCKETS : shard->bucket_count * 2) != 0 &&
		shard->bucket_count == 0)
		return NULL;
	if ((entry = entry_make(hash, key, len, origin, counters)) == NULL)
		return NULL;
	if (entry->has_origin)
		ledger_count_network_key(shard->ledger, origin, 1);
	bucket = &shard->buckets[hash & (shard->bucket_count - 1)];
	entry->next = *bucket;
	*bucket = entry;
	shard->entry_count++;
	shard->overflow_count += ledger_is_network_overflow(key, len) ? 1 : 0;
	if (ledger_key_is_overflow(key, len))
		(void)__atomic_add_fetch(&shard->ledger->overflows, 1, __ATOMIC_RELAXED);
	entry_count_size(shard, entry, true);
	(void)shard_is_over(shard);
	return entry;
}

void shard_remove(struct ledger_shard *shard, struct ledger_entry *entry)
{
	*shard_place_of(shard, entry) = entry->next;
	entry_empty(shard, entry);
	entry_free_extra(shard, entry);
	entry_count_size(shard, entry, false);
	shard->entry_count--;
	shard->overflow_count -=
		ledger_is_network_overflow(entry_key(entry), entry->key_len) ? 1 : 0;
	if (ledger_key_is_overflow(entry_key(entry), entry->key_len))
		(void)__atomic_sub_fetch(&shard->ledger->overflows, 1, __ATOMIC_RELAXED);
	if (entry->has_origin) {
		const struct ledger_origin origin = entry_origin(entry);

		ledger_count_network_key(shard->ledger, &origin, -1);
	}
	(void)shard_is_over(shard);
	free(entry);
}

void shard_sweep(struct ledger_shard *shard, uint64_t now, size_t buckets)
{
	struct ledger_entry *entry, *next;

	if (shard->entry_count == 0)
		return;
	for (; buckets > 0; buckets--) {
		shard->swept = (shard->swept + 1) & (shard->bucket_count - 1);
		for (entry = shard->buckets[shard->swept]; entry != NULL; entry = next) {
			next = entry->next;
			if (!entry_prune(shard, entry, now))
				shard_remove(shard, entry);
		}
	}
}

void entry_forget(struct ledger_shard *shard, struct ledger_entry *entry)
{
	if (!entry_has_holds(entry)) {
		shard_remove(shard, entry);
		return;
	}
	entry_empty(shard, entry);
	entry->extra->generation++;
}
