/*
 * The local ledger: looking at several keys at once, charging them all or none, and forgetting a
 * key. Owns the shards; any thread may call it.
 */
#include "lib/rules/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "lib/rules/ledger_private.h"

#define SWEEP_PER_KEY 2 /* buckets per new key: idle keys are freed faster than keys are added */

struct ledger *ledger_new(void)
{
	struct ledger *ledger = aligned_alloc(_Alignof(struct ledger), sizeof(*ledger));

	if (ledger == NULL)
		return NULL;
	memset(ledger, 0, sizeof(*ledger));
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		if (pthread_mutex_init(&ledger->shards[i].lock, NULL) == 0)
			continue;
		while (i-- > 0)
			(void)pthread_mutex_destroy(&ledger->shards[i].lock);
		free(ledger);
		return NULL;
	}
	return ledger;
}

void ledger_free(struct ledger **ledger)
{
	struct ledger *gone = *ledger;
	struct ledger_shard *shard;

	*ledger = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		shard = &gone->shards[i];
		for (size_t j = 0; j < shard->bucket_count; j++) {
			while (shard->buckets[j] != NULL)
				shard_remove(shard, shard->buckets[j]);
		}
		free(shard->buckets);
		(void)pthread_mutex_destroy(&shard->lock);
	}
	free(gone);
}

void ledger_on_charge(struct ledger *ledger, ledger_save_fn *save, void *context)
{
	ledger->save = save;
	ledger->context = context;
}

/* ---- several keys at once --------------------------------------------------- */

/* One call with its requests, while the locks of their shards are held. */
struct charge {
	struct ledger *ledger;
	uint64_t now;
	const struct ledger_request *requests;
	size_t count;
	uint64_t hash[LEDGER_REQUESTS_MAX];
	struct ledger_shard *shard[LEDGER_REQUESTS_MAX];
	struct ledger_entry *entry[LEDGER_REQUESTS_MAX];  /* NULL: the key does not exist */
	struct ledger_shard *locked[LEDGER_REQUESTS_MAX]; /* each once, in the order of addresses */
	size_t locked_count;
};

/* Insert the shard among those to be locked. Every call locks in the same order, so that no two
 * wait for each other. */
static void insert_shard(struct charge *c, struct ledger_shard *shard)
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

static void find_entries(struct charge *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->entry[i] = shard_find(c->shard[i], c->hash[i], c->requests[i].key,
			c->requests[i].key_len);
}

static int charge_begin(struct charge *c)
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

static void charge_end(struct charge *c)
{
	for (size_t i = c->locked_count; i-- > 0;)
		(void)pthread_mutex_unlock(&c->locked[i]->lock);
}

/* The usage of one limit of a request. */
static struct ledger_usage usage_of_limit(const struct charge *c, size_t request,
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

static enum ledger_answer usage_of_all(const struct charge *c, struct ledger_usage usage_r[])
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

enum ledger_answer ledger_look(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, struct ledger_usage usage_r[])
{
	struct charge c = { .ledger = ledger, .now = now, .requests = requests, .count = count };
	enum ledger_answer answer;

	if (charge_begin(&c) != 0)
		return LEDGER_FAILED;
	answer = usage_of_all(&c, usage_r);
	charge_end(&c);
	return answer;
}

/* ---- charging --------------------------------------------------------------- */

/* Prepare the entry of a request: a counter for each limit, and room in each for one more charge.
 * Returns 0, or -1 when out of memory. */
static int prepare_entry(struct charge *c, size_t i)
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
	return entry_reserve(c->shard[i], c->entry[i], c->now);
}

/* Save a record for each request. Returns -1 when this failed and must_save is set. */
static int save_all(struct charge *c, bool must_save)
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

/* Remove the entries that were made for a charge that failed. */
static void remove_idle(struct charge *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->entry[i] != NULL && !entry_prune(c->shard[i], c->entry[i], c->now))
			shard_remove(c->shard[i], c->entry[i]);
	}
}

static enum ledger_answer charge_all(struct charge *c, bool must_save)
{
	int failed = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->entry[i] == NULL)
			shard_sweep(c->shard[i], c->now, SWEEP_PER_KEY);
	}
	find_entries(c); /* the sweep may have removed some */
	for (size_t i = 0; i < c->count && !failed; i++)
		failed = prepare_entry(c, i);
	if (failed || save_all(c, must_save) != 0) {
		remove_idle(c);
		return LEDGER_FAILED;
	}
	for (size_t i = 0; i < c->count; i++)
		entry_add(c->entry[i], c->now, c->requests[i].amount);
	return LEDGER_FREE;
}

enum ledger_answer ledger_charge(struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count, bool must_save,
	struct ledger_usage usage_r[])
{
	struct charge c = { .ledger = ledger, .now = now, .requests = requests, .count = count };
	enum ledger_answer answer;

	for (size_t i = 0; i < count; i++) {
		if (requests[i].limit_count == 0) /* would forget the key */
			return LEDGER_FAILED;
	}
	if (charge_begin(&c) != 0)
		return LEDGER_FAILED;
	answer = usage_of_all(&c, usage_r);
	if (answer == LEDGER_FREE && (answer = charge_all(&c, must_save)) == LEDGER_FREE) {
		(void)usage_of_all(&c, usage_r); /* including this charge */
		for (size_t i = 0; i < count; i++)
			usage_r[i].is_full = false;
	}
	charge_end(&c);
	return answer;
}

int ledger_forget(struct ledger *ledger, uint64_t now, const char *key, size_t key_len)
{
	const struct ledger_request request = { .key = key, .key_len = key_len };
	struct charge c = { .ledger = ledger, .now = now, .requests = &request, .count = 1 };
	int ret = 0;

	if (charge_begin(&c) != 0)
		return 0;
	if (c.entry[0] != NULL) {
		ret = save_all(&c, true) == 0 ? 1 : -1;
		if (ret == 1)
			shard_remove(c.shard[0], c.entry[0]);
	}
	charge_end(&c);
	return ret;
}
