/*
 * One call of the ledger with several keys: locking their shards, looking at their limits, and
 * saving the change. Owns nothing; any thread may call it. t/unit/test_ledger.c covers it.
 */
#include <string.h>

#include "lib/rules/ledger_private.h"

#define SWEEP_PER_KEY 2 /* buckets per new key: idle keys are freed faster than keys are added */

/* Insert the shard among those to be locked. Every call locks in the same order, so that no two
 * wait for each other. */
static void insert_shard(struct ledger_call *c, struct ledger_shard *shard)
{
	size_t i = 0;

	while (i < c->locked_count && c->locked[i] < shard)
		i++;
	if (i < c->locked_count && c->locked[i] == shard)
		return;
	memmove(&c->locked[i + 1], &c->locked[i], (c->locked_count - i) * sizeof(c->locked[0]));
	c->locked[i] = shard;
	c->locked_count++;
}

static void find_entries(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->entry[i] = shard_find(c->shard[i], c->hash[i], c->requests[i].key,
			c->requests[i].key_len);
}

void ledger_call_lock(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++)
		insert_shard(c, c->shard[i]);
	for (size_t i = 0; i < c->locked_count; i++)
		(void)pthread_mutex_lock(&c->locked[i]->lock);
}

int ledger_call_begin(struct ledger_call *c)
{
	if (c->count > LEDGER_REQUESTS_MAX)
		return -1;
	for (size_t i = 0; i < c->count; i++) {
		const struct ledger_request *r = &c->requests[i];

		if (r->key_len > LEDGER_KEY_MAX || r->limit_count > LIMITS_MAX)
			return -1;
		c->hash[i] = ledger_hash(r->key, r->key_len);
		c->shard[i] = ledger_shard_of(c->ledger, c->hash[i]);
	}
	ledger_call_lock(c);
	find_entries(c);
	return 0;
}

void ledger_call_end(struct ledger_call *c)
{
	for (size_t i = c->locked_count; i-- > 0;)
		(void)pthread_mutex_unlock(&c->locked[i]->lock);
}

/* The count of a window, and the bound that it must not exceed. */
struct share {
	const struct counter *counter; /* NULL: nothing was counted */
	uint64_t counted, max;
};

/* Report that a request does not fit, and until when. */
static void report_full(const struct ledger_call *c, size_t i, const struct share *share,
	uint32_t seconds, struct ledger_usage *usage)
{
	const uint64_t amount = c->requests[i].amount;
	uint64_t wait;

	usage->is_full = true;
	usage->is_full_alone |= share->counted + c->own[i] + amount > share->max;
	if (amount > share->max)
		wait = UINT64_MAX;
	else if (usage->open + amount > share->max)
		wait = seconds * UINT64_C(1000000);
	else
		wait = counter_free_at(share->counter, seconds, c->now,
			       share->max - usage->open - amount) -
			c->now;
	usage->wait = wait > usage->wait ? wait : usage->wait;
}

/* Add the attempts of an entry that has some to the usage of one limit. */
static void add_attempts(const struct ledger_call *c, size_t i, const struct limit *limit,
	struct ledger_usage *usage)
{
	const struct counter *counter = entry_best_attempts(c->entry[i], limit->seconds);
	const uint64_t attempts = counter_used(counter, limit->seconds, c->now);
	const struct share share = { counter, attempts, usage->attempts_max };
	const uint64_t wait = usage->wait;

	usage->attempts = attempts > UINT32_MAX ? UINT32_MAX : (uint32_t)attempts;
	if (share.max == 0 || attempts + usage->open + c->requests[i].amount <= share.max)
		return;
	report_full(c, i, &share, limit->seconds, usage);
	usage->is_attempts = usage->wait > wait;
}

/* The usage of one limit of a request. */
static struct ledger_usage usage_of_limit(const struct ledger_call *c, size_t i,
	const struct limit *limit)
{
	const struct ledger_entry *entry = c->entry[i];
	const struct ledger_request *request = &c->requests[i];
	const uint64_t attempts_max = (uint64_t)limit->count * request->attempts;
	struct share share = { .max = limit->count };
	struct ledger_usage usage = { .limit = *limit };

	if (entry != NULL) {
		if ((share.counter = entry_best(entry, limit->seconds)) != NULL)
			share.counted = counter_used(share.counter, limit->seconds, c->now);
		usage.open = entry->open;
	}
	usage.used = share.counted + usage.open;
	usage.attempts_max = attempts_max > UINT32_MAX ? UINT32_MAX : (uint32_t)attempts_max;
	if (usage.used + request->amount > limit->count)
		report_full(c, i, &share, limit->seconds, &usage);
	if (entry != NULL && entry->attempts != NULL)
		add_attempts(c, i, limit, &usage);
	return usage;
}

/* Return whether a, rather than b, is to be reported: it refuses for longer or is nearer to full.
 */
static bool is_tighter(const struct ledger_usage *a, const struct ledger_usage *b)
{
	if (b->limit.seconds == 0 || a->is_full != b->is_full)
		return b->limit.seconds == 0 || a->is_full;
	if (a->is_full)
		return a->wait > b->wait;
	return a->used * b->limit.count > b->used * a->limit.count;
}

enum ledger_answer ledger_call_usage(const struct ledger_call *c, struct ledger_usage usage_r[])
{
	enum ledger_answer answer = LEDGER_FREE;
	struct ledger_usage usage;
	bool is_full_alone;

	for (size_t i = 0; i < c->count; i++) {
		usage_r[i] = (struct ledger_usage){ .is_full = false };
		is_full_alone = false;
		for (size_t j = 0; j < c->requests[i].limit_count; j++) {
			usage = usage_of_limit(c, i, &c->requests[i].limits[j]);
			is_full_alone |= usage.is_full_alone;
			if (is_tighter(&usage, &usage_r[i]))
				usage_r[i] = usage;
		}
		usage_r[i].is_full_alone = is_full_alone;
		if (usage_r[i].is_full)
			answer = LEDGER_FULL;
	}
	return answer;
}

void ledger_call_usage_after(const struct ledger_call *c, struct ledger_usage usage_r[])
{
	(void)ledger_call_usage(c, usage_r);
	for (size_t i = 0; i < c->count; i++)
		usage_r[i].is_full = usage_r[i].is_full_alone = false;
}

/* ---- changing ---------------------------------------------------------------- */

/* Prepare the entry of a request: a counter for each limit, and room in each for one more charge.
 * Returns 0, or -1 when out of memory. */
static int prepare_entry(struct ledger_call *c, size_t i)
{
	const struct ledger_request *r = &c->requests[i];
	struct counter *counter;

	if (c->entry[i] == NULL) {
		c->entry[i] = shard_add(c->shard[i], c->hash[i], r->key, r->key_len);
		if (c->entry[i] == NULL)
			return -1;
		entry_set_origin(c->shard[i], c->entry[i], &r->origin);
	}
	for (size_t j = 0; j < r->limit_count; j++) {
		counter = entry_counter(c->shard[i], c->entry[i], r->limits[j].seconds, c->now);
		if (counter == NULL)
			return -1;
		counter->named = (uint32_t)(c->now / 1000000);
		counter->limit = r->limits[j].count;
	}
	return entry_make_room(c->shard[i], c->entry[i], c->now);
}

/* Make all entries, their counters, and room for one more charge in each. Returns 0, or -1 when out
 * of memory. */
static int prepare_entries(struct ledger_call *c)
{
	int failed = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->entry[i] == NULL)
			shard_sweep(c->shard[i], c->now, SWEEP_PER_KEY);
	}
	find_entries(c); /* the sweep may have removed some */
	for (size_t i = 0; i < c->count && !failed; i++)
		failed = prepare_entry(c, i);
	return failed;
}

int ledger_call_write(struct ledger_call *c, struct ledger_record records[])
{
	struct ledger *ledger = c->ledger;

	for (size_t i = 0; i < c->count; i++) {
		records[i].now = c->now;
		records[i].seq = __atomic_add_fetch(&ledger->last_seq, 1, __ATOMIC_RELAXED);
		c->entry[i]->seq = records[i].seq;
	}
	return ledger->save(ledger->context, records, c->count);
}

int ledger_call_save(struct ledger_call *c, enum ledger_change change)
{
	struct ledger_record records[LEDGER_REQUESTS_MAX];

	if (c->ledger->save == NULL)
		return 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct ledger_request *r = &c->requests[i];

		records[i] = (struct ledger_record){
			.change = change,
			.key = r->key,
			.key_len = r->key_len,
			.amount = r->amount,
			.origin = c->entry[i]->origin,
			.limit_count = r->limit_count,
		};
		if (r->limit_count > 0)
			memcpy(records[i].limits, r->limits, r->limit_count * sizeof(struct limit));
	}
	return ledger_call_write(c, records);
}

/* Remove the entries that were made for a change that failed. */
static void remove_unused(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->entry[i] != NULL && !entry_prune(c->shard[i], c->entry[i], c->now))
			shard_remove(c->shard[i], c->entry[i]);
	}
}

int ledger_call_change(struct ledger_call *c, enum ledger_change change, bool must_save,
	bool *is_saved_r)
{
	if (prepare_entries(c) != 0) {
		remove_unused(c);
		return -1;
	}
	*is_saved_r = ledger_call_save(c, change) == 0;
	if (*is_saved_r)
		return 0;
	if (must_save) {
		remove_unused(c);
		return -1;
	}
	(void)__atomic_add_fetch(&c->ledger->unsaved, 1, __ATOMIC_RELAXED);
	return 0;
}
