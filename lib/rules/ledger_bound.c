/*
 * The bound of the local ledger: which keys a full ledger removes, and the overflow keys that count
 * for them. Owns nothing; any thread may call it, without locks.
 */
#include <arpa/inet.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/ledger_private.h"

#define OVERFLOW "overflow"
#define NETWORK_SIZE (INET6_ADDRSTRLEN + 8)
#define EVICT_LOOK 64	   /* keys among which one to remove is chosen */
#define EVICT_BUCKETS 1024 /* buckets that are searched for them at most */
#define SHRINK_MAX 100	   /* keys that ledger_shrink() removes in one call */

_Static_assert(sizeof(struct ledger_origin) == 7, "the files contain it as it is");

void ledger_set_bounds(struct ledger *ledger, size_t keys, size_t bytes)
{
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		struct ledger_shard *shard = &ledger->shards[i];

		(void)pthread_mutex_lock(&shard->lock);
		shard->max_entries = keys == 0 ? 0 : keys / LEDGER_SHARDS + 1;
		shard->max_bytes = bytes == 0 ? 0 : bytes / LEDGER_SHARDS + 1;
		(void)shard_is_over(shard);
		(void)pthread_mutex_unlock(&shard->lock);
	}
}

/* ---- overflow keys --------------------------------------------------------------- */

/* Write " 192.0.2.0/24". */
static void format_network(const struct ledger_origin *origin, char text_r[NETWORK_SIZE])
{
	uint8_t address[16] = { 0 };
	char text[INET6_ADDRSTRLEN] = "";

	memcpy(address, origin->net, origin->family == 4 ? 3 : sizeof(origin->net));
	if (origin->family != 4 && origin->family != 6)
		(void)text_format(text_r, NETWORK_SIZE, " unknown");
	else if (inet_ntop(origin->family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text)) !=
		NULL)
		(void)text_format(text_r, NETWORK_SIZE, " %s%s", text,
			origin->family == 4 ? "/24" : "/48");
}

/*
 * Write the overflow key of a key's table and an origin; NULL: of all networks. It contains a
 * space, because addresses, which may be "overflow", contain one only in quotes.
 */
static void make_overflow_key(const char *key, size_t key_len, const struct ledger_origin *origin,
	char key_r[OVERFLOW_KEY_SIZE])
{
	const char *colon = memchr(key, ':', key_len);
	int table = colon == NULL || colon - key > 30 ? 0 : (int)(colon - key + 1);
	char network[NETWORK_SIZE] = " all";

	if (origin != NULL)
		format_network(origin, network);
	(void)text_format(key_r, OVERFLOW_KEY_SIZE, "%.*s" OVERFLOW "%s", table, key, network);
}

/* Lock the shard of a key, and find its entry. */
static struct ledger_entry *lock_key(struct ledger *ledger, const char *key, size_t len,
	struct ledger_shard **shard_r)
{
	const uint64_t hash = ledger_hash(key, len);

	*shard_r = ledger_shard_of(ledger, hash);
	(void)pthread_mutex_lock(&(*shard_r)->lock);
	return shard_find(*shard_r, hash, key, len);
}

static void unlock(struct ledger_shard *shard)
{
	(void)pthread_mutex_unlock(&shard->lock);
}

static bool has_key(struct ledger *ledger, const char *key, size_t len)
{
	struct ledger_shard *shard;
	const bool exists = lock_key(ledger, key, len, &shard) != NULL;

	unlock(shard);
	return exists;
}

/* Return whether the shard exceeds its bound by an eighth. */
static bool is_far_over(const struct ledger_shard *shard)
{
	return (shard->max_entries > 0 &&
		       shard->entry_count > shard->max_entries + shard->max_entries / 8) ||
		(shard->max_bytes > 0 && shard->bytes > shard->max_bytes + shard->max_bytes / 8);
}

/* The state of an overflow key: it counts something, it can be made, or neither. */
enum overflow { OVERFLOW_COUNTS, OVERFLOW_FITS, OVERFLOW_TOO_MANY };

static enum overflow look_at_overflow(struct ledger *ledger, const char *key, uint64_t now)
{
	struct ledger_shard *shard;
	struct ledger_entry *entry = lock_key(ledger, key, strlen(key), &shard);
	enum overflow found;

	if (entry != NULL && entry_prune(shard, entry, now))
		found = OVERFLOW_COUNTS;
	else if (is_far_over(shard))
		found = OVERFLOW_TOO_MANY;
	else
		found = OVERFLOW_FITS;
	unlock(shard);
	return found;
}

/* ---- removing a key ---------------------------------------------------------------- */

/* The counts that a removed key leaves to its overflow key. */
struct leftover {
	char key[OVERFLOW_KEY_SIZE];
	uint32_t amount;
	size_t limit_count;
	struct limit limits[LEDGER_WINDOWS_MAX];
};

static bool is_half(uint64_t used, uint32_t limit)
{
	return 2 * used > limit;
}

/* Return whether a key may be removed. Sets how near it is to its limits, in 1/1024. */
static bool can_evict(const struct ledger_entry *entry, uint64_t now, uint64_t *nearness_r)
{
	uint64_t nearness = 0, used, part;

	if (!entry->has_origin || entry_open(entry) > 0 || entry_has_holds(entry))
		return false;
	for (uint8_t i = 0; i < entry->count; i++) {
		const struct counter *counter = &entry->counters[i];

		used = counter_used(counter, counter->seconds, now);
		if (is_half(used, counter->limit))
			return false;
		part = counter->limit == 0 ? 0 : used * 1024 / counter->limit;
		nearness = part > nearness ? part : nearness;
	}
	for (uint8_t i = 0; entry->extra != NULL && i < entry->extra->attempt_count; i++) {
		const struct counter *counter = &entry->extra->attempts[i];

		if (is_half(counter_used(counter, counter->seconds, now), counter->limit))
			return false;
	}
	*nearness_r = nearness;
	return true;
}

/* The key to be removed, among those that were looked at. */
struct choice {
	struct ledger_entry *entry;
	size_t keys;   /* of its network: one of the network with the most is removed */
	uint64_t rank; /* of the same number of keys, the lowest one is removed */
	size_t looked;
	bool has_room; /* an idle key was freed */
};

/* Look for a key to remove in a bucket, among those of networks with more keys than others. */
static void look_at_bucket(struct ledger_shard *shard, size_t bucket, uint64_t now, size_t others,
	struct choice *choice)
{
	struct ledger_entry *entry, *next;
	uint64_t rank;
	size_t keys;

	for (entry = shard->buckets[bucket]; entry != NULL; entry = next) {
		next = entry->next;
		choice->looked++;
		if (!entry_prune(shard, entry, now)) {
			shard_remove(shard, entry);
			choice->has_room = true;
		} else if (can_evict(entry, now, &rank)) {
			const struct ledger_origin origin = entry_origin(entry);

			keys = ledger_network_keys(shard->ledger, &origin);
			if (keys > others &&
				(choice->entry == NULL || keys > choice->keys ||
					(keys == choice->keys && rank < choice->rank))) {
				choice->entry = entry;
				choice->keys = keys;
				choice->rank = rank;
			}
		}
	}
}

static void save_forgotten(struct ledger *ledger, struct ledger_entry *entry, uint64_t now)
{
	const struct ledger_record record = {
		.seq = __atomic_add_fetch(&ledger->last_seq, 1, __ATOMIC_RELAXED),
		.now = now,
		.change = LEDGER_FORGOTTEN,
		.key = entry_key(entry),
		.key_len = entry->key_len,
	};

	/* If this cannot be saved, the key only counts again at the next start. */
	if (ledger->save != NULL)
		(void)ledger->save(ledger->context, &record, 1);
}

/* Remove a key, which is counted in its overflow key from now on. */
static void evict_entry(struct ledger *ledger, struct ledger_shard *shard,
	struct ledger_entry *entry, uint64_t now, struct leftover *left_r)
{
	const struct ledger_origin origin = entry_origin(entry);
	uint64_t used, most = 0;

	make_overflow_key(entry_key(entry), entry->key_len, &origin, left_r->key);
	left_r->limit_count = entry->count;
	for (uint8_t i = 0; i < entry->count; i++) {
		const struct counter *counter = &entry->counters[i];

		used = counter_used(counter, counter->seconds, now);
		most = used > most ? used : most;
		left_r->limits[i] = (struct limit){ counter->limit, counter->seconds };
	}
	left_r->amount = most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
	save_forgotten(ledger, entry, now);
	shard_remove(shard, entry);
	(void)__atomic_add_fetch(&ledger->evicted, 1, __ATOMIC_RELAXED);
}

/* Return the overflow key to which a removed key's counts move; common_r is room for its name. */
static const char *overflow_of(struct ledger *ledger, uint64_t now, const struct leftover *left,
	char common_r[OVERFLOW_KEY_SIZE])
{
	if (look_at_overflow(ledger, left->key, now) != OVERFLOW_TOO_MANY)
		return left->key;
	make_overflow_key(left->key, strlen(left->key), NULL, common_r);
	return common_r;
}

/* Add the counts that a removed key left. Without memory, they are lost. */
static void add_leftover(struct ledger *ledger, uint64_t now, const struct leftover *left)
{
	char common[OVERFLOW_KEY_SIZE];
	const char *key = overflow_of(ledger, now, left, common);
	const struct ledger_request request = {
		.key = key,
		.key_len = strlen(key),
		.limits = left->limits,
		.limit_count = left->limit_count < LIMITS_MAX ? left->limit_count : LIMITS_MAX,
		.amount = left->amount,
	};
	struct ledger_call c;
	bool is_saved;

	ledger_call_init(&c, ledger, now, &request, 1);
	if (ledger_call_begin(&c) != 0)
		return;
	if (ledger_call_change(&c, LEDGER_CHARGED, false, &is_saved) == 0)
		entry_add(c.entry[0], now, left->amount);
	ledger_call_end(&c);
}

/* Remove a key of the shard, of a network that has more keys than this number. Returns false if
 * there is none. */
static bool evict_one(struct ledger *ledger, struct ledger_shard *shard, uint64_t now,
	size_t others)
{
	struct choice choice = { .entry = NULL };
	struct leftover left = { .amount = 0 };

	(void)pthread_mutex_lock(&shard->lock);
	for (size_t i = 0; i < EVICT_BUCKETS && i < shard->bucket_count &&
		choice.looked < EVICT_LOOK && !choice.has_room;
		i++) {
		shard->evicted = (shard->evicted + 1) & (shard->bucket_count - 1);
		look_at_bucket(shard, shard->evicted, now, others, &choice);
	}
	if (!choice.has_room && choice.entry != NULL)
		evict_entry(ledger, shard, choice.entry, now, &left);
	unlock(shard);
	if (left.amount > 0)
		add_leftover(ledger, now, &left);
	return choice.has_room || choice.entry != NULL;
}

void ledger_shrink(struct ledger *ledger, struct ledger_shard *shard, uint64_t now)
{
	for (int i = 0; i < SHRINK_MAX; i++) {
		bool is_over;

		(void)pthread_mutex_lock(&shard->lock);
		is_over = (shard->max_entries > 0 && shard->entry_count > shard->max_entries) ||
			(shard->max_bytes > 0 && shard->bytes > shard->max_bytes);
		unlock(shard);
		if (!is_over || !evict_one(ledger, shard, now, 0))
			return;
	}
}

/* ---- before a call ------------------------------------------------------------------- */

/* Return whether a new key of this origin needs no room made for it. */
static bool has_room(const struct ledger_shard *shard, const struct ledger_origin *origin)
{
	const size_t share = __atomic_load_n(&shard->share, __ATOMIC_RELAXED);

	return share == SIZE_MAX ||
		(share > 0 &&
			(origin->family == 0 ||
				ledger_network_keys(shard->ledger, origin) < share));
}

/* Return whether a new key has to count in an overflow key, whose name is then set. */
static bool overflows(struct ledger *ledger, struct ledger_shard *shard, uint64_t now,
	const struct ledger_request *request, bool evicts, char key_r[OVERFLOW_KEY_SIZE])
{
	enum overflow found;

	make_overflow_key(request->key, request->key_len, &request->origin, key_r);
	found = look_at_overflow(ledger, key_r, now);
	if (found == OVERFLOW_COUNTS)
		return true;
	if (!evicts ||
		evict_one(ledger, shard, now, ledger_network_keys(shard->ledger, &request->origin)))
		return false;
	if (found == OVERFLOW_TOO_MANY)
		make_overflow_key(request->key, request->key_len, NULL, key_r);
	return true;
}

const struct ledger_request *ledger_bound(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, bool evicts,
	struct ledger_bounded *bounded)
{
	bool is_changed = false;

	if (count > LEDGER_REQUESTS_MAX)
		return requests; /* ledger_call_begin() refuses them */
	for (size_t i = 0; i < count; i++) {
		const struct ledger_request *r = &requests[i];
		struct ledger_shard *shard =
			ledger_shard_of(ledger, ledger_hash(r->key, r->key_len));

		if (has_room(shard, &r->origin) || r->key_len > LEDGER_KEY_MAX ||
			has_key(ledger, r->key, r->key_len))
			continue;
		if (r->origin.family == 0) {
			if (evicts)
				(void)evict_one(ledger, shard, now, 0);
			continue;
		}
		if (!overflows(ledger, shard, now, r, evicts, bounded->keys[i]))
			continue;
		if (!is_changed)
			memcpy(bounded->requests, requests, count * sizeof(*requests));
		is_changed = true;
		bounded->requests[i].key = bounded->keys[i];
		bounded->requests[i].key_len = strlen(bounded->keys[i]);
		bounded->requests[i].origin = (struct ledger_origin){ .family = 0 };
	}
	return is_changed ? bounded->requests : requests;
}

int ledger_bound_begin(struct ledger_call *call, const struct ledger_request *requests,
	struct ledger_bounded *bounded)
{
	for (size_t i = 0; i < call->count; i++) {
		if (requests[i].limit_count == 0)
			return -1;
	}
	if (ledger_is_tight(call->ledger))
		call->requests =
			ledger_bound(call->ledger, call->now, requests, call->count, true, bounded);
	return ledger_call_begin(call);
}
