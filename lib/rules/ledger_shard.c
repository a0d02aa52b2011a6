/*
 * Shards of the local ledger: a hash table of keys, and the counters of each key. Every function is
 * called with the shard's lock held, on any thread.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/rules/ledger_private.h"

#define FIRST_BUCKETS 16
#define SHARE 4
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

/* ---- entries ----------------------------------------------------------------------- */

static size_t entry_size(size_t counters, size_t key_len, bool has_origin)
{
	return sizeof(struct ledger_entry) + counters * sizeof(struct counter) + key_len + 1 +
		(has_origin ? sizeof(struct ledger_origin) : 0);
}

/* Count memory that an entry takes or, as a negative number, frees. */
static void add_bytes(struct ledger_shard *shard, const struct ledger_entry *entry, size_t change)
{
	if (change == 0)
		return;
	shard->bytes += change;
	if (entry_is_network_overflow(entry))
		shard->overflow_bytes += change;
}

static size_t size_of(const struct ledger_entry *entry)
{
	return entry_size(entry->size, entry->key_len, entry->has_origin);
}

/* The place of an entry that has one to the origin. */
static char *origin_of(const struct ledger_entry *entry)
{
	return (char *)entry + size_of(entry) - sizeof(struct ledger_origin);
}

struct ledger_origin entry_origin(const struct ledger_entry *entry)
{
	struct ledger_origin origin = { .family = 0 };

	if (entry->has_origin)
		memcpy(&origin, origin_of(entry), sizeof(origin));
	return origin;
}

static struct ledger_entry *make_entry(uint64_t hash, const char *key, size_t len,
	const struct ledger_origin *origin, size_t counters)
{
	const bool has_origin = origin->family != 0;
	struct ledger_entry *entry = malloc(entry_size(counters, len, has_origin));
	char *tail;

	if (entry == NULL)
		return NULL;
	*entry = (struct ledger_entry){ .hash = (uint32_t)hash,
		.key_len = (uint16_t)len,
		.size = (uint8_t)counters & 0x7f,
		.has_origin = has_origin };
	tail = (char *)(entry->counters + counters);
	memcpy(tail, key, len);
	tail[len] = '\0';
	if (has_origin)
		memcpy(tail + len + 1, origin, sizeof(*origin));
	return entry;
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
	if ((entry = make_entry(hash, key, len, origin, counters)) == NULL)
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
	add_bytes(shard, entry, size_of(entry));
	(void)shard_is_over(shard);
	return entry;
}

/* Return the pointer that refers to the entry. */
static struct ledger_entry **place_of(const struct ledger_shard *shard,
	const struct ledger_entry *entry)
{
	struct ledger_entry **at = &shard->buckets[entry->hash & (shard->bucket_count - 1)];

	while (*at != entry)
		at = &(*at)->next;
	return at;
}

/* Move the entry to memory with room for more counters. Returns 0, or -1 when out of memory. */
static int move_entry(struct ledger_shard *shard, struct ledger_entry **entry, size_t counters)
{
	struct ledger_entry *old = *entry, *moved;
	const struct ledger_origin origin = entry_origin(old);

	moved = make_entry(old->hash, entry_key(old), old->key_len, &origin, counters);
	if (moved == NULL)
		return -1;
	moved->next = old->next;
	moved->extra = old->extra;
	moved->seq = old->seq;
	moved->count = old->count;
	memcpy(moved->counters, old->counters, old->count * sizeof(struct counter));
	if (moved->extra != NULL)
		moved->extra->entry = moved;
	*place_of(shard, old) = moved;
	add_bytes(shard, moved, size_of(moved) - size_of(old));
	free(old);
	*entry = moved;
	return 0;
}

/* ---- extras -------------------------------------------------------------------------- */

struct ledger_extra *entry_extra(struct ledger_shard *shard, struct ledger_entry *entry)
{
	if (entry->extra != NULL || (entry->extra = malloc(sizeof(*entry->extra))) == NULL)
		return entry->extra;
	*entry->extra = (struct ledger_extra){ .entry = entry };
	shard->extra_count++;
	add_bytes(shard, entry, sizeof(*entry->extra));
	return entry->extra;
}

void entry_free_extra(struct ledger_shard *shard, struct ledger_entry *entry)
{
	struct ledger_extra *extra = entry->extra;

	if (extra == NULL || extra->open > 0 || extra->holds > 0 || extra->attempts != NULL)
		return;
	entry->extra = NULL;
	shard->extra_count--;
	add_bytes(shard, entry, 0 - sizeof(*extra));
	free(extra);
}

/* ---- the bound ------------------------------------------------------------------- */

/* Return how many more keys the shard takes; SIZE_MAX: it has no bound. */
static size_t room_of(const struct ledger_shard *shard)
{
	size_t room = SIZE_MAX, fit;

	if (shard->max_entries > 0)
		room = shard->entry_count < shard->max_entries ?
			shard->max_entries - shard->entry_count :
			0;
	if (shard->max_bytes == 0)
		return room;
	if (shard->bytes >= shard->max_bytes)
		return 0;
	if (shard->entry_count == 0)
		return room;
	fit = (shard->max_bytes - shard->bytes) / (shard->bytes / shard->entry_count) + 1;
	return fit < room ? fit : room;
}

/*
 * A network may have SHARE times as many keys as there is room for. Therefore one network fills at
 * most 4/5 of the ledger, and ten networks 40/41 of it: others find room, and make more by removing
 * keys of networks that have more than they.
 */
bool shard_is_over(struct ledger_shard *shard)
{
	const size_t room = room_of(shard);
	size_t share = room;

	/* While much room is left, no network can exceed its share. */
	if (room > 0)
		share = room >= shard->entry_count / 2 ? SIZE_MAX : LEDGER_SHARDS * SHARE * room;
	if ((share < SIZE_MAX) != (shard->share < SIZE_MAX))
		(void)__atomic_add_fetch(&shard->ledger->tight, share < SIZE_MAX ? 1 : -1U,
			__ATOMIC_RELAXED);
	__atomic_store_n(&shard->share, share, __ATOMIC_RELAXED);
	return room == 0;
}

static void free_runs(struct ledger_shard *shard, const struct ledger_entry *entry,
	struct counter *counters, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++) {
		add_bytes(shard, entry, 0 - counter_bytes(&counters[i]));
		counter_free(&counters[i]);
	}
}

static void free_attempts(struct ledger_shard *shard, struct ledger_extra *extra)
{
	free_runs(shard, extra->entry, extra->attempts, extra->attempt_count);
	add_bytes(shard, extra->entry, 0 - extra->attempt_count * sizeof(struct counter));
	free(extra->attempts);
	extra->attempts = NULL;
	extra->attempt_count = 0;
}

/* Free everything that counts. */
static void empty_entry(struct ledger_shard *shard, struct ledger_entry *entry)
{
	free_runs(shard, entry, entry->counters, entry->count);
	if (entry->extra == NULL)
		return;
	free_attempts(shard, entry->extra);
	entry->extra->open = entry->extra->unsaved = 0;
}

void shard_remove(struct ledger_shard *shard, struct ledger_entry *entry)
{
	*place_of(shard, entry) = entry->next;
	empty_entry(shard, entry);
	entry_free_extra(shard, entry);
	add_bytes(shard, entry, 0 - size_of(entry));
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

static bool prune_counters(struct ledger_shard *shard, const struct ledger_entry *entry,
	struct counter *counters, uint8_t count, uint64_t now)
{
	bool counts = false;
	size_t before;

	for (uint8_t i = 0; i < count; i++) {
		before = counter_bytes(&counters[i]);
		counts |= counter_prune(&counters[i], now);
		add_bytes(shard, entry, counter_bytes(&counters[i]) - before);
	}
	return counts;
}

bool entry_prune(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now)
{
	const bool counts = prune_counters(shard, entry, entry->counters, entry->count, now);
	struct ledger_extra *extra = entry->extra;

	if (extra == NULL)
		return counts;
	if (!prune_counters(shard, entry, extra->attempts, extra->attempt_count, now))
		free_attempts(shard, extra);
	entry_free_extra(shard, entry);
	return counts || entry->extra != NULL;
}

void entry_forget(struct ledger_shard *shard, struct ledger_entry *entry)
{
	if (!entry_has_holds(entry)) {
		shard_remove(shard, entry);
		return;
	}
	empty_entry(shard, entry);
	entry->extra->generation++;
}

/* Return whether an entry may take more memory. Strangers choose how many of theirs do. */
static bool may_grow(const struct ledger_shard *shard, const struct ledger_entry *entry)
{
	if (shard->max_bytes == 0 || shard->bytes < shard->max_bytes)
		return true;
	if (entry_is_network_overflow(entry))
		return shard->overflow_bytes < shard->max_bytes / LEDGER_OVERFLOW_PART;
	return !entry->has_origin;
}

/* Make room for one more charge in a counter. Returns 0, or -1 when out of memory. */
static int make_room(struct ledger_shard *shard, const struct ledger_entry *entry,
	struct counter *counter, uint64_t now)
{
	const size_t before = counter_bytes(counter);
	int ret = 0;

	if (may_grow(shard, entry))
		ret = counter_make_room(counter, now);
	else
		counter_join(counter, now);
	add_bytes(shard, entry, counter_bytes(counter) - before);
	return ret;
}

int entry_make_room(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now)
{
	int ret = 0;

	for (uint8_t i = 0; i < entry->count; i++)
		ret |= make_room(shard, entry, &entry->counters[i], now);
	return ret;
}

void entry_add(struct ledger_entry *entry, uint64_t now, uint32_t amount)
{
	for (uint8_t i = 0; i < entry->count; i++)
		counter_add(&entry->counters[i], now, amount);
}

/* Charge a counter. Without memory for a further run, the amount joins that of the oldest run, so
 * that it counts too long rather than too short. */
static void force_add(struct ledger_shard *shard, const struct ledger_entry *entry,
	struct counter *counter, uint64_t now, uint32_t amount)
{
	const uint32_t oldest =
		make_room(shard, entry, counter, now) == 0 ? 0 : counter_drop_oldest(counter);

	counter_add(counter, now, amount > UINT32_MAX - oldest ? UINT32_MAX : amount + oldest);
}

void entry_force_add(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now,
	uint32_t amount)
{
	for (uint8_t i = 0; i < entry->count; i++)
		force_add(shard, entry, &entry->counters[i], now, amount);
}

static void remove_counter(struct ledger_shard *shard, struct ledger_entry *entry, uint8_t i)
{
	free_runs(shard, entry, &entry->counters[i], 1);
	entry->counters[i] = entry->counters[--entry->count];
}

/* Make room for a counter: remove those that no request has named for the length of their window,
 * or the one that was named longest ago. */
static void remove_unused(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now)
{
	uint32_t seconds = (uint32_t)(now / 1000000); /* may wrap: only differences count */
	uint8_t oldest = 0;

	for (uint8_t i = entry->count; i-- > 0;) {
		const struct counter *counter = &entry->counters[i];

		if ((int64_t)(int32_t)(seconds - counter->named) > (int64_t)counter->seconds + 1)
			remove_counter(shard, entry, i);
	}
	if (entry->count < LEDGER_WINDOWS_MAX)
		return;
	for (uint8_t i = 1; i < entry->count; i++) {
		if (seconds - entry->counters[i].named > seconds - entry->counters[oldest].named)
			oldest = i;
	}
	remove_counter(shard, entry, oldest);
}

int entry_add_counter(struct ledger_shard *shard, struct ledger_entry **entry,
	const struct counter *counter)
{
	if ((*entry)->count == (*entry)->size && move_entry(shard, entry, (*entry)->size + 1U) != 0)
		return -1;
	(*entry)->counters[(*entry)->count++] = *counter;
	add_bytes(shard, *entry, counter_bytes(counter));
	return 0;
}

/* Make the counter of a window with the runs of another one, which may be NULL. Returns 0, or -1
 * when out of memory. */
static int make_counter(struct counter *counter_r, uint32_t seconds, const struct counter *from,
	uint64_t now)
{
	counter_init(counter_r, seconds);
	counter_r->named = (uint32_t)(now / 1000000);
	if (from == NULL || counter_seed(counter_r, from, now, UINT64_MAX) == 0)
		return 0;
	counter_free(counter_r);
	return -1;
}

/* Make the counter of a window that the entry does not have. */
static struct counter *add_window(struct ledger_shard *shard, struct ledger_entry **entry,
	const struct counter *best, uint32_t seconds, uint64_t now)
{
	struct counter made;

	if (make_counter(&made, seconds, best, now) != 0)
		return NULL;
	remove_unused(shard, *entry, now);
	if (entry_add_counter(shard, entry, &made) != 0) {
		counter_free(&made);
		return NULL;
	}
	return &(*entry)->counters[(*entry)->count - 1];
}

/* Return the counter of a window, NULL if the entry has none. */
static struct counter *find_window(struct ledger_entry *entry, uint32_t seconds)
{
	for (uint8_t i = 0; i < entry->count; i++) {
		if (entry->counters[i].seconds == seconds)
			return &entry->counters[i];
	}
	return NULL;
}

bool entry_name_windows(struct ledger_entry *entry, const struct limit *limits, size_t count,
	uint64_t now)
{
	const uint32_t named = (uint32_t)(now / 1000000);
	struct counter *counter;
	bool are_complete = true;

	for (size_t i = 0; i < count; i++) {
		if ((counter = find_window(entry, limits[i].seconds)) == NULL) {
			are_complete = false;
			continue;
		}
		counter->named = named;
		counter->limit = limits[i].count;
	}
	return are_complete;
}

struct counter *entry_counter(struct ledger_shard *shard, struct ledger_entry **entry,
	uint32_t seconds, uint64_t now)
{
	struct ledger_entry *e = *entry;
	const struct counter *best = entry_best(e, seconds);

	if (best != NULL && best->seconds == seconds)
		return &e->counters[best - e->counters];
	if (e->count == e->size || (best != NULL && best->len > 0))
		return add_window(shard, entry, best, seconds, now);
	counter_init(&e->counters[e->count], seconds);
	return &e->counters[e->count++];
}

/* ---- attempts ---------------------------------------------------------------------- */

const struct counter *entry_best_attempts(const struct ledger_entry *entry, uint32_t seconds)
{
	return entry->extra == NULL ?
		NULL :
		counter_best(entry->extra->attempts, entry->extra->attempt_count, seconds);
}

int entry_add_attempts_counter(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct counter *counter)
{
	struct ledger_extra *extra = entry_extra(shard, entry);
	struct counter *grown;

	if (extra == NULL)
		return -1;
	grown = realloc(extra->attempts, (extra->attempt_count + 1U) * sizeof(*grown));
	if (grown == NULL)
		return -1;
	extra->attempts = grown;
	grown[extra->attempt_count++] = *counter;
	add_bytes(shard, entry, sizeof(*grown) + counter_bytes(counter));
	return 0;
}

/* Remove the attempts of windows that the entry no longer has. */
static void remove_unused_attempts(struct ledger_shard *shard, struct ledger_entry *entry)
{
	struct ledger_extra *extra = entry->extra;

	for (uint8_t i = extra->attempt_count; i-- > 0;) {
		struct counter *counter = &extra->attempts[i];
		const struct counter *own = entry_best(entry, counter->seconds);

		if (own != NULL && own->seconds == counter->seconds)
			continue;
		free_runs(shard, entry, counter, 1);
		*counter = extra->attempts[--extra->attempt_count];
		add_bytes(shard, entry, 0 - sizeof(*counter));
	}
}

/* Return the attempts of a window, NULL when out of memory. */
static struct counter *attempts_counter(struct ledger_shard *shard, struct ledger_entry *entry,
	uint32_t seconds, uint64_t now)
{
	const struct counter *best = entry_best_attempts(entry, seconds);
	struct counter made;

	if (best != NULL && best->seconds == seconds)
		return &entry->extra->attempts[best - entry->extra->attempts];
	if (make_counter(&made, seconds, best, now) != 0)
		return NULL;
	if (entry_add_attempts_counter(shard, entry, &made) != 0) {
		counter_free(&made);
		return NULL;
	}
	return &entry->extra->attempts[entry->extra->attempt_count - 1];
}

void entry_add_attempts(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t now,
	uint32_t amount, uint32_t attempts)
{
	struct ledger_extra *extra = entry_extra(shard, entry);
	struct counter *counter;
	uint64_t max;

	if (extra == NULL)
		return;
	for (uint8_t i = 0; i < entry->count; i++) {
		counter = attempts_counter(shard, entry, entry->counters[i].seconds, now);
		if (counter == NULL)
			continue;
		max = (uint64_t)entry->counters[i].limit * attempts;
		counter->limit = max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
	}
	/* Only now, because a new counter starts with the runs of another one. */
	remove_unused_attempts(shard, entry);
	for (uint8_t i = 0; i < extra->attempt_count; i++)
		force_add(shard, entry, &extra->attempts[i], now, amount);
}
