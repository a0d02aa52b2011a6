/*
 * A key of the local ledger: the memory of its entry, the counters of its windows, its reservations
 * and attempts. Every function is called with the shard's lock held, on any thread.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/rules/ledger_private.h"

/* ---- memory ------------------------------------------------------------------------ */

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

/* The same for the extra of an entry and the counters of its attempts, with the runs that are
 * reserved for them; later runs count in add_bytes(). */
static void add_extra_bytes(struct ledger_shard *shard, const struct ledger_entry *entry,
	size_t change)
{
	shard->bytes += change;
	if (entry_is_network_overflow(entry))
		shard->overflow_bytes += change;
	else
		shard->extra_bytes += change;
}

static size_t size_of(const struct ledger_entry *entry)
{
	return entry_size(entry->size, entry->key_len, entry->has_origin);
}

/* The memory that a counter of an entry counts as from its beginning, because its first runs need
 * no permission: strangers choose how many of their keys there are. */
static size_t reserved_bytes(const struct ledger_entry *entry)
{
	return entry->has_origin ? COUNTER_RUNS_LEAST * sizeof(struct counter_run) : 0;
}

static size_t counted_size(const struct ledger_entry *entry)
{
	return size_of(entry) + entry->size * reserved_bytes(entry);
}

void entry_count_size(struct ledger_shard *shard, const struct ledger_entry *entry, bool exists)
{
	add_bytes(shard, entry, exists ? counted_size(entry) : 0 - counted_size(entry));
}

/* The memory of a counter's runs beyond what was reserved for them. */
static size_t bytes_of_runs(const struct ledger_entry *entry, const struct counter *counter)
{
	const size_t bytes = counter_bytes(counter), reserved = reserved_bytes(entry);

	return bytes > reserved ? bytes - reserved : 0;
}

/* The memory that the attempts of a window count as, without runs beyond that. */
static size_t attempts_size(const struct ledger_entry *entry)
{
	return sizeof(struct counter) + reserved_bytes(entry);
}

/* The place of the origin in an entry that has one. */
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

struct ledger_entry *entry_make(uint64_t hash, const char *key, size_t len,
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

/* Move the entry to memory with room for more counters. Returns 0, or -1 when out of memory. */
static int move_entry(struct ledger_shard *shard, struct ledger_entry **entry, size_t counters)
{
	struct ledger_entry *old = *entry, *moved;
	const struct ledger_origin origin = entry_origin(old);

	moved = entry_make(old->hash, entry_key(old), old->key_len, &origin, counters);
	if (moved == NULL)
		return -1;
	moved->next = old->next;
	moved->extra = old->extra;
	moved->seq = old->seq;
	moved->count = old->count;
	memcpy(moved->counters, old->counters, old->count * sizeof(struct counter));
	if (moved->extra != NULL)
		moved->extra->entry = moved;
	*shard_place_of(shard, old) = moved;
	add_bytes(shard, moved, counted_size(moved) - counted_size(old));
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
	add_extra_bytes(shard, entry, sizeof(*entry->extra));
	return entry->extra;
}

void entry_free_extra(struct ledger_shard *shard, struct ledger_entry *entry)
{
	struct ledger_extra *extra = entry->extra;

	if (extra == NULL || extra->open > 0 || extra->holds > 0 || extra->attempts != NULL)
		return;
	entry->extra = NULL;
	shard->extra_count--;
	add_extra_bytes(shard, entry, 0 - sizeof(*extra));
	free(extra);
}

static void free_runs(struct ledger_shard *shard, const struct ledger_entry *entry,
	struct counter *counters, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++) {
		add_bytes(shard, entry, 0 - bytes_of_runs(entry, &counters[i]));
		counter_free(&counters[i]);
	}
}

static void free_attempts(struct ledger_shard *shard, struct ledger_extra *extra)
{
	free_runs(shard, extra->entry, extra->attempts, extra->attempt_count);
	add_extra_bytes(shard, extra->entry,
		0 - extra->attempt_count * attempts_size(extra->entry));
	free(extra->attempts);
	extra->attempts = NULL;
	extra->attempt_count = 0;
}

void entry_empty(struct ledger_shard *shard, struct ledger_entry *entry)
{
	free_runs(shard, entry, entry->counters, entry->count);
	if (entry->extra == NULL)
		return;
	free_attempts(shard, entry->extra);
	entry->extra->open = entry->extra->unsaved = 0;
}

static bool prune_counters(struct ledger_shard *shard, const struct ledger_entry *entry,
	struct counter *counters, uint8_t count, uint64_t now)
{
	bool counts = false;
	size_t before;

	for (uint8_t i = 0; i < count; i++) {
		before = bytes_of_runs(entry, &counters[i]);
		counts |= counter_prune(&counters[i], now);
		add_bytes(shard, entry, bytes_of_runs(entry, &counters[i]) - before);
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

/*
 * Return whether an entry may take more memory than is reserved for it. The last third of the bytes
 * is for new keys, of which each network has its share: otherwise the counters of one network could
 * fill it, and those of others would be removed.
 */
static bool may_grow(const struct ledger_shard *shard, const struct ledger_entry *entry)
{
	if (entry->has_origin)
		return shard->max_bytes == 0 ||
			shard_bytes(shard) < shard->max_bytes - shard->max_bytes / 3;
	return shard->max_bytes == 0 || !entry_is_network_overflow(entry) ||
		shard->overflow_bytes < shard->max_bytes / LEDGER_OVERFLOW_PART;
}

/* Make room for one more charge in a counter. Returns 0, or -1 when out of memory. */
static int make_room(struct ledger_shard *shard, const struct ledger_entry *entry,
	struct counter *counter, uint64_t now)
{
	const size_t before = bytes_of_runs(entry, counter);
	int ret;

	ret = counter_make_room(counter, now, may_grow(shard, entry));
	add_bytes(shard, entry, bytes_of_runs(entry, counter) - before);
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
	add_bytes(shard, *entry, bytes_of_runs(*entry, counter));
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
	add_extra_bytes(shard, entry, attempts_size(entry));
	add_bytes(shard, entry, bytes_of_runs(entry, counter));
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
		add_extra_bytes(shard, entry, 0 - attempts_size(entry));
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
