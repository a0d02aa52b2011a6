/*
 * Makes room in a full ledger: chooses keys to remove, and moves their counts to overflow keys.
 * Owns nothing; any thread may call it, without locks. t/unit/test_ledger_bound.c covers it.
 */
#include <string.h>

#include "lib/rules/ledger_evict.h"

#define EVICT_LOOK 64	   /* keys among which one to remove is chosen */
#define EVICT_BUCKETS 1024 /* buckets that are searched for them at most */
#define SHRINK_MAX 100	   /* keys that ledger_shrink() removes in one call */
#define MERGE_LOOK 8	   /* overflow keys among which one to merge is chosen */
#define OVERFLOW_LEAST 2   /* overflow keys that each shard takes, whatever its bound */

struct ledger_entry *ledger_lock_key(struct ledger *ledger, const char *key, size_t len,
	struct ledger_shard **shard_r)
{
	const uint64_t hash = ledger_hash(key, len);

	*shard_r = ledger_shard_of(ledger, hash);
	(void)pthread_mutex_lock(&(*shard_r)->lock);
	return shard_find(*shard_r, hash, key, len);
}

void ledger_unlock(struct ledger_shard *shard)
{
	(void)pthread_mutex_unlock(&shard->lock);
}

struct ledger_shard *ledger_key_shard(struct ledger *ledger, const char *key)
{
	return ledger_shard_of(ledger, ledger_hash(key, strlen(key)));
}

/* Return whether that many overflow keys are too many for the shard, however many others it has. */
static bool are_too_many(const struct ledger_shard *shard, size_t overflow_keys)
{
	if (overflow_keys <= OVERFLOW_LEAST)
		return false;
	return (shard->max_entries > 0 &&
		       overflow_keys > shard->max_entries / LEDGER_OVERFLOW_PART) ||
		(shard->max_bytes > 0 &&
			shard->overflow_bytes > shard->max_bytes / LEDGER_OVERFLOW_PART);
}

enum overflow ledger_look_at_overflow(struct ledger *ledger, const char *key, uint64_t now)
{
	struct ledger_shard *shard;
	struct ledger_entry *entry = ledger_lock_key(ledger, key, strlen(key), &shard);
	enum overflow found;

	if (entry != NULL && entry_prune(shard, entry, now))
		found = OVERFLOW_COUNTS;
	else if (are_too_many(shard, shard->overflow_count + (entry == NULL ? 1 : 0)))
		found = OVERFLOW_TOO_MANY;
	else
		found = OVERFLOW_FITS;
	ledger_unlock(shard);
	return found;
}

/* The counts that a removed key leaves to its overflow key. */
struct leftover {
	size_t removed_len;
	char removed[LEDGER_KEY_MAX]; /* the key that is to be removed */
	char key[OVERFLOW_KEY_SIZE];
	uint32_t amount, given_back;
	uint32_t attempts; /* that its requests allowed for each charge */
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

/* Return whether an overflow key may be removed, into that of all networks. Sets how near it is to
 * its limits, in 1/1024. */
static bool can_merge(const struct ledger_entry *entry, uint64_t now, uint64_t *nearness_r)
{
	uint64_t nearness = 0, part;

	if (entry_open(entry) > 0 || entry_has_holds(entry))
		return false;
	for (uint8_t i = 0; i < entry->count; i++) {
		const struct counter *counter = &entry->counters[i];

		if (counter->limit == 0)
			continue;
		part = counter_used(counter, counter->seconds, now) * 1024 / counter->limit;
		nearness = part > nearness ? part : nearness;
	}
	*nearness_r = nearness;
	return true;
}

/* Return whether a key or an overflow key, whichever this is, may be removed. */
static bool can_remove(const struct ledger_entry *entry, uint64_t now, uint64_t *nearness_r)
{
	return entry_is_network_overflow(entry) ? can_merge(entry, now, nearness_r) :
						  can_evict(entry, now, nearness_r);
}

/* Which keys may make room: of networks with more keys than these, or overflow keys. */
struct wanted {
	size_t more_than;
	bool are_overflows;
};

/* The key to be removed, among those that were looked at. */
struct choice {
	struct ledger_entry *entry;
	size_t keys;   /* of its network: one of the network with the most is removed */
	uint64_t rank; /* of the same number of keys, the lowest one is removed */
	size_t looked;
	bool has_room; /* an idle key was freed */
};

/* Return how many keys the network of a wanted entry has, for the choice; 0: it is not wanted. */
static size_t weight_of(const struct ledger *ledger, const struct ledger_entry *entry,
	const struct wanted *wanted)
{
	const struct ledger_origin origin = entry_origin(entry);
	size_t keys;

	if (wanted->are_overflows)
		return 1;
	keys = ledger_network_keys(ledger, &origin);
	return keys > wanted->more_than ? keys : 0;
}

/* Look for a key to remove in a bucket. */
static void look_at_bucket(struct ledger_shard *shard, size_t bucket, uint64_t now,
	const struct wanted *wanted, struct choice *choice)
{
	struct ledger_entry *entry, *next;
	uint64_t rank;
	size_t keys;

	for (entry = shard->buckets[bucket]; entry != NULL; entry = next) {
		next = entry->next;
		if (entry_is_network_overflow(entry) != wanted->are_overflows)
			continue;
		choice->looked++;
		if (!entry_prune(shard, entry, now)) {
			shard_remove(shard, entry);
			choice->has_room = true;
		} else if (can_remove(entry, now, &rank)) {
			keys = weight_of(shard->ledger, entry, wanted);
			if (keys > 0 &&
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

static uint32_t highest(uint32_t a, uint64_t b)
{
	if (b > UINT32_MAX)
		return UINT32_MAX;
	return a > b ? a : (uint32_t)b;
}

static void leave_attempts(const struct ledger_entry *entry, uint64_t now, struct leftover *left)
{
	for (uint8_t i = 0; i < entry->count; i++) {
		const struct counter *counter = &entry->counters[i];
		const struct counter *attempts = entry_best_attempts(entry, counter->seconds);

		if (attempts == NULL || counter->limit == 0)
			continue;
		left->given_back =
			highest(left->given_back, counter_used(attempts, counter->seconds, now));
		left->attempts = highest(left->attempts, attempts->limit / counter->limit);
	}
}

static void fill_leftover(const struct ledger *ledger, const struct ledger_entry *entry,
	uint64_t now, struct leftover *left_r)
{
	const struct ledger_origin origin = entry_origin(entry);

	const enum overflow_scope scope =
		entry->has_origin ? ledger_overflow_scope(ledger, &origin) : OVERFLOW_ALL;

	left_r->removed_len = entry->key_len;
	memcpy(left_r->removed, entry_key(entry), entry->key_len);
	ledger_overflow_key(entry_key(entry), entry->key_len, &origin, scope, left_r->key);
	left_r->amount = left_r->given_back = left_r->attempts = 0;
	left_r->limit_count = entry->count;
	for (uint8_t i = 0; i < entry->count; i++) {
		const struct counter *counter = &entry->counters[i];

		left_r->amount =
			highest(left_r->amount, counter_used(counter, counter->seconds, now));
		left_r->limits[i] = (struct limit){ counter->limit, counter->seconds };
	}
	leave_attempts(entry, now, left_r);
}

static int add_charges(struct ledger_call *call, const struct leftover *left)
{
	bool is_saved;

	if (ledger_call_change(call, LEDGER_CHARGED, false, &is_saved) != 0)
		return -1;
	if (left->amount > 0)
		entry_add(call->entry[0], call->now, left->amount);
	return 0;
}

static int add_attempts(struct ledger_call *call, const struct leftover *left)
{
	bool is_saved;

	if (ledger_call_change(call, LEDGER_GIVEN_BACK, false, &is_saved) != 0)
		return -1;
	entry_add_attempts(call->shard[0], call->entry[0], call->now, left->given_back,
		left->attempts);
	return 0;
}

/* Add the counts of a key that is to be removed to an overflow key. Returns 0, or -1 when out of
 * memory. */
static int add_leftover(struct ledger *ledger, uint64_t now, const struct leftover *left,
	const char *key)
{
	struct ledger_request request = {
		.key = key,
		.key_len = strlen(key),
		.limits = left->limits,
		.limit_count = left->limit_count < LIMITS_MAX ? left->limit_count : LIMITS_MAX,
		.amount = left->amount,
		.attempts = left->attempts,
	};
	struct ledger_call c;
	int ret = 0;

	ledger_call_init(&c, ledger, now, &request, 1);
	ledger_call_set_inherits(&c, 0, 0);
	if (ledger_call_begin(&c) != 0)
		return -1;
	/* A charge makes the overflow key, so that its record has the past of that. */
	if (left->amount > 0 || c.entry[0] == NULL)
		ret = add_charges(&c, left);
	request.amount = left->given_back;
	if (ret == 0 && left->given_back > 0)
		ret = add_attempts(&c, left);
	ledger_call_end(&c);
	return ret;
}

/* Choose a wanted key of the shard. Returns whether an idle key was freed instead; else *left_r
 * has the choice, and no key if there is none. */
static bool choose_key(struct ledger_shard *shard, uint64_t now, const struct wanted *wanted,
	struct leftover *left_r)
{
	const size_t look = wanted->are_overflows ? MERGE_LOOK : EVICT_LOOK;
	struct choice choice = { .entry = NULL };

	left_r->removed_len = 0;
	(void)pthread_mutex_lock(&shard->lock);
	for (size_t i = 0; i < EVICT_BUCKETS && i < shard->bucket_count && choice.looked < look &&
		!choice.has_room;
		i++) {
		shard->evicted = (shard->evicted + 1) & (shard->bucket_count - 1);
		look_at_bucket(shard, shard->evicted, now, wanted, &choice);
	}
	if (!choice.has_room && choice.entry != NULL)
		fill_leftover(shard->ledger, choice.entry, now, left_r);
	ledger_unlock(shard);
	return choice.has_room;
}

/* Note what the key leaves to its overflow key, so that it begins with that when it returns. */
static void leave_trace(struct ledger_shard *shard, const struct ledger_entry *entry, uint64_t now,
	const struct leftover *left)
{
	const enum trace_kind kind = entry_is_network_overflow(entry) ? TRACE_OVERFLOW : TRACE_KEY;
	uint32_t seconds = 0;

	for (uint8_t i = 0; i < entry->count; i++)
		seconds = highest(seconds, entry->counters[i].seconds);
	shard_trace(shard, ledger_hash(entry_key(entry), entry->key_len), kind, now,
		(struct ledger_past){ left->amount, left->given_back }, seconds);
}

/* Remove the key, whose counts its overflow key has got, unless it counts more by now. Returns
 * whether the key is gone. */
static bool remove_chosen(struct ledger *ledger, uint64_t now, const struct leftover *left)
{
	struct leftover newer = { .removed_len = 0 };
	struct ledger_shard *shard;
	struct ledger_entry *entry =
		ledger_lock_key(ledger, left->removed, left->removed_len, &shard);
	bool is_gone = entry == NULL;
	uint64_t unused;

	if (!is_gone && can_remove(entry, now, &unused)) {
		fill_leftover(ledger, entry, now, &newer);
		is_gone = newer.amount <= left->amount && newer.given_back <= left->given_back;
	}
	if (is_gone && entry != NULL) {
		save_forgotten(ledger, entry, now);
		leave_trace(shard, entry, now, &newer);
		(void)__atomic_add_fetch(&ledger->evicted, 1, __ATOMIC_RELAXED);
		shard_remove(shard, entry);
	}
	ledger_unlock(shard);
	return is_gone;
}

/*
 * Remove the chosen key. Returns false if it cannot be removed. Its counts are in the overflow key
 * before it is removed, so that neither a thread that needs the key nor a start after a kill finds
 * them in neither place.
 */
static bool move_chosen(struct ledger *ledger, uint64_t now, const struct leftover *left,
	const char *key)
{
	return add_leftover(ledger, now, left, key) == 0 && remove_chosen(ledger, now, left);
}

bool ledger_merge_overflow(struct ledger *ledger, struct ledger_shard *shard, uint64_t now)
{
	const struct wanted wanted = { .are_overflows = true };
	struct leftover left;

	return choose_key(shard, now, &wanted, &left) ||
		(left.removed_len > 0 && move_chosen(ledger, now, &left, left.key));
}

/*
 * Return the overflow key to which a key's counts move; all_r is room for its name. If there are
 * too many, another one makes room: if the counts moved to that of all networks at once, an
 * overflow key that is made later would not contain them.
 */
static const char *overflow_of(struct ledger *ledger, uint64_t now, const struct leftover *left,
	char all_r[OVERFLOW_KEY_SIZE])
{
	if (ledger_look_at_overflow(ledger, left->key, now) != OVERFLOW_TOO_MANY ||
		ledger_merge_overflow(ledger, ledger_key_shard(ledger, left->key), now))
		return left->key;
	ledger_overflow_key(left->key, strlen(left->key), NULL, OVERFLOW_ALL, all_r);
	return all_r;
}

bool ledger_evict(struct ledger *ledger, struct ledger_shard *shard, uint64_t now, size_t others)
{
	const struct wanted wanted = { .more_than = others };
	char all[OVERFLOW_KEY_SIZE];
	struct leftover left;

	if (choose_key(shard, now, &wanted, &left))
		return true;
	return left.removed_len > 0 &&
		move_chosen(ledger, now, &left, overflow_of(ledger, now, &left, all));
}

void ledger_shrink(struct ledger *ledger, struct ledger_shard *shard, uint64_t now)
{
	for (int i = 0; i < SHRINK_MAX; i++) {
		bool is_over, has_overflows;

		(void)pthread_mutex_lock(&shard->lock);
		is_over = (shard->max_entries > 0 && shard_keys(shard) > shard->max_entries) ||
			(shard->max_bytes > 0 && shard_bytes(shard) > shard->max_bytes);
		has_overflows = are_too_many(shard, shard->overflow_count);
		ledger_unlock(shard);
		if (!(has_overflows && ledger_merge_overflow(ledger, shard, now)) &&
			!(is_over && ledger_evict(ledger, shard, now, 0)))
			return;
	}
}
