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
		insert_shard(c, c->shard[i]);
	}
	for (size_t i = 0; i < c->locked_count; i++)
		(void)pthread_mutex_lock(&c->locked[i]->lock);
	find_entries(c);
	return 0;
}

void ledger_call_end(struct ledger_call *c)
{
	for (size_t i = c->locked_count; i-- > 0;)
		(void)pthread_mutex_unlock(&c->locked[i]->lock);
}

/* The usage of one limit of a request. */
static struct ledger_usage usage_of_limit(const struct ledger_call *c, size_t request,
	const struct limit *limit)
{
	const struct ledger_entry *entry = c->entry[request];
	const struct counter *counter = entry == NULL ? NULL : entry_best(entry, limit->seconds);
	struct ledger_usage usage = { .limit = *limit };
	uint32_t amount = c->requests[request].amount;

	if (counter != NULL)
		usage.used = counter_used(counter, limit->seconds, c->now);
	usage.is_full = amount > limit->count || usage.used > limit->count - amount;
	if (amount > limit->count)
		usage.wait = UINT64_MAX;
	else if (counter != NULL && usage.is_full)
		usage.wait =
			counter_free_at(counter, limit->seconds, c->now, limit->count - amount) -
			c->now;
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

	for (size_t i = 0; i < c->count; i++) {
		usage_r[i] = (struct ledger_usage){ .is_full = false };
		for (size_t j = 0; j < c->requests[i].limit_count; j++) {
			usage = usage_of_limit(c, i, &c->requests[i].limits[j]);
			if (is_tighter(&usage, &usage_r[i]))
				usage_r[i] = usage;
		}
		if (usage_r[i].is_full)
			answer = LEDGER_FULL;
	}
	return answer;
}

/* ---- changing ---------------------------------------------------------------- */

/* Prepare the entry of a request: a counter for each limit, and room in each for one more charge.
 * Returns 0, or -1 when out of memory. */
static int prepare_entry(struct ledger_call *c, size_t i)
{
	const struct ledger_request *r = &c->requests[i];
	struct counter *counter;

	if (c->entry[i] == NULL)
		c->entry[i] = shard_add(c->shard[i], c->hash[i], r->key, r->key_len);
	if (c->entry[i] == NULL)
		return -1;
	for (size_t j = 0; j < r->limit_count; j++) {
		counter = entry_counter(c->shard[i], c->entry[i], r->limits[j].seconds, c->now);
		if (counter == NULL)
			return -1;
		counter->named = (uint32_t)(c->now / 1000000);
		counter->limit = r->limits[j].count;
	}
	return entry_make_room(c->shard[i], c->entry[i], c->now);
}

int ledger_call_prepare(struct ledger_call *c)
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

int ledger_call_save(struct ledger_call *c, bool must_save)
{
	struct ledger_record records[LEDGER_REQUESTS_MAX];
	struct ledger *ledger = c->ledger;

	if (ledger->save == NULL)
		return 0;
	for (size_t i = 0; i < c->count; i++) {
		const struct ledger_request *r = &c->requests[i];

		records[i] = (struct ledger_record){
			.seq = __atomic_add_fetch(&ledger->last_seq, 1, __ATOMIC_RELAXED),
			.now = c->now,
			.key = r->key,
			.key_len = r->key_len,
			.amount = r->amount,
			.limit_count = r->limit_count,
		};
		if (r->limit_count > 0)
			memcpy(records[i].limits, r->limits, r->limit_count * sizeof(struct limit));
		c->entry[i]->seq = records[i].seq;
	}
	if (ledger->save(ledger->context, records, c->count) == 0)
		return 0;
	if (must_save)
		return -1;
	(void)__atomic_add_fetch(&ledger->unsaved, 1, __ATOMIC_RELAXED);
	return 0;
}

void ledger_call_undo(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->entry[i] != NULL && !entry_prune(c->shard[i], c->entry[i], c->now))
			shard_remove(c->shard[i], c->entry[i]);
	}
}
