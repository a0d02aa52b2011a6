/*
 * Reading the whole ledger: views of its keys, its size, and the sweep of idle keys. Owns nothing;
 * any thread may call it, and one shard is locked at a time.
 */
#include "lib/rules/ledger_evict.h"
#include "lib/rules/ledger_format.h"

#define PASS_BUCKETS 64 /* of a shard while its lock is held: some ten microseconds */

/* Add the attempts within the window, and the time until they leave room for one more. */
static void fill_attempts(const struct ledger_entry *entry, uint64_t now,
	struct ledger_usage *usage)
{
	const uint32_t seconds = usage->limit.seconds;
	const struct counter *attempts = entry_best_attempts(entry, seconds);
	uint64_t wait = 0;

	if (attempts == NULL)
		return;
	usage->attempts = (uint32_t)counter_used(attempts, seconds, now);
	usage->attempts_max = attempts->limit;
	if (usage->attempts_max > 0 && usage->attempts >= usage->attempts_max)
		wait = counter_free_at(attempts, seconds, now, usage->attempts_max - 1) - now;
	usage->is_attempts = wait > usage->wait;
	usage->wait = wait > usage->wait ? wait : usage->wait;
}

static uint64_t wait_of(const struct counter *counter, uint64_t open, uint64_t used, uint64_t now)
{
	if (counter->limit == 0)
		return UINT64_MAX;
	if (used < counter->limit)
		return 0;
	if (open >= counter->limit)
		return counter->seconds * UINT64_C(1000000);
	return counter_free_at(counter, counter->seconds, now, counter->limit - 1 - open) - now;
}

static void fill_view(const struct ledger_entry *entry, uint64_t now, struct ledger_view *view_r)
{
	view_r->key = entry_key(entry);
	view_r->key_len = entry->key_len;
	view_r->window_count = entry->count;
	for (uint8_t i = 0; i < entry->count; i++) {
		const struct counter *counter = &entry->counters[i];
		struct ledger_usage *usage = &view_r->windows[i];

		*usage = (struct ledger_usage){
			.limit = { .count = counter->limit, .seconds = counter->seconds },
			.used = counter_used(counter, counter->seconds, now) + entry_open(entry),
			.open = entry_open(entry),
		};
		usage->wait = wait_of(counter, usage->open, usage->used, now);
		fill_attempts(entry, now, usage);
	}
}

/* ---- passes --------------------------------------------------------------------- */

/*
 * Buckets are visited in the order of their reversed bits: when the table doubles during the pass,
 * the keys of a bucket spread over two that follow each other in this order, so that no key is
 * visited twice or left out. Returns false at the end.
 */
static bool next_bucket(const struct ledger_shard *shard, size_t *bucket)
{
	size_t bit = shard->bucket_count / 2;

	while (bit > 0 && (*bucket & bit) != 0) {
		*bucket &= ~bit;
		bit /= 2;
	}
	*bucket |= bit;
	return bit > 0;
}

static int visit_bucket(struct ledger_shard *shard, size_t bucket, uint64_t now,
	entry_visit_fn *visit, void *context)
{
	struct ledger_entry *next, *entry = shard->buckets[bucket];
	int ret = 0;

	for (; entry != NULL && ret == 0; entry = next) {
		next = entry->next;
		if (entry_prune(shard, entry, now))
			ret = visit(context, entry, now);
		else
			shard_remove(shard, entry);
	}
	return ret;
}

/* Move the pass to the next shard with unvisited buckets. Returns false if there is none. */
static bool next_shard(struct ledger_pass *pass)
{
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		pass->shard = (pass->shard + 1) % LEDGER_SHARDS;
		if (!pass->at[pass->shard].is_done)
			return true;
	}
	return false;
}

bool ledger_pass_on(struct ledger *ledger, struct ledger_pass *pass, uint64_t now,
	entry_visit_fn *visit, void *context, int *ret_r)
{
	struct ledger_shard *shard = &ledger->shards[pass->shard];
	size_t bucket = pass->at[pass->shard].bucket;
	bool goes_on;
	int ret = 0;

	(void)pthread_mutex_lock(&shard->lock);
	goes_on = bucket < shard->bucket_count;
	for (size_t i = 0; i < PASS_BUCKETS && goes_on && ret == 0; i++) {
		ret = visit_bucket(shard, bucket, now, visit, context);
		goes_on = next_bucket(shard, &bucket);
	}
	(void)pthread_mutex_unlock(&shard->lock);
	pass->at[pass->shard].bucket = bucket;
	pass->at[pass->shard].is_done = !goes_on;
	*ret_r = ret;
	return ret == 0 && next_shard(pass);
}

/* The caller of ledger_each(). */
struct viewer {
	ledger_each_fn *each;
	void *context;
};

static int view_entry(void *context, struct ledger_entry *entry, uint64_t now)
{
	const struct viewer *viewer = context;
	struct ledger_view view;

	fill_view(entry, now, &view);
	return viewer->each(viewer->context, &view);
}

int ledger_each(struct ledger *ledger, uint64_t now, ledger_each_fn *each, void *context)
{
	struct ledger_pass pass = { .shard = 0 };
	struct viewer viewer = { each, context };
	int ret;

	(void)__atomic_add_fetch(&ledger->surveys, 1, __ATOMIC_SEQ_CST);
	while (ledger_pass_on(ledger, &pass, now, view_entry, &viewer, &ret))
		;
	(void)__atomic_sub_fetch(&ledger->surveys, 1, __ATOMIC_SEQ_CST);
	return ret;
}

bool ledger_find(struct ledger *ledger, uint64_t now, const char *key, size_t key_len,
	ledger_each_fn *each, void *context)
{
	uint64_t hash = ledger_hash(key, key_len);
	struct ledger_shard *shard = ledger_shard_of(ledger, hash);
	struct ledger_entry *entry;
	struct ledger_view view;

	(void)pthread_mutex_lock(&shard->lock);
	entry = shard_find(shard, hash, key, key_len);
	if (entry != NULL && !entry_prune(shard, entry, now)) {
		shard_remove(shard, entry);
		entry = NULL;
	}
	if (entry != NULL) {
		fill_view(entry, now, &view);
		(void)each(context, &view);
	}
	(void)pthread_mutex_unlock(&shard->lock);
	return entry != NULL;
}

/* Sweep the next part of a shard. At the end of its table, the table shrinks. */
static void sweep_part(struct ledger_shard *shard, uint64_t now)
{
	const size_t before = shard->swept;

	shard_sweep(shard, now, shard->bucket_count / LEDGER_SHARDS + 1);
	/* A survey that begins now has not seen this shard. */
	if ((shard->swept <= before || shard->entry_count == 0) &&
		__atomic_load_n(&shard->ledger->surveys, __ATOMIC_SEQ_CST) == 0)
		shard_shrink_table(shard);
}

void ledger_sweep(struct ledger *ledger, uint64_t now)
{
	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		struct ledger_shard *shard = &ledger->shards[i];

		(void)pthread_mutex_lock(&shard->lock);
		sweep_part(shard, now);
		(void)pthread_mutex_unlock(&shard->lock);
		ledger_shrink(ledger, shard, now);
	}
}

struct ledger_size ledger_size(struct ledger *ledger)
{
	const size_t most = ledger_most_network_keys(ledger);
	struct ledger_size size = {
		.bytes = sizeof(*ledger) + LEDGER_SHARDS * sizeof(*ledger->traces) +
			sizeof(*ledger->networks),
		.unsaved = __atomic_load_n(&ledger->unsaved, __ATOMIC_RELAXED),
		.evicted = __atomic_load_n(&ledger->evicted, __ATOMIC_RELAXED),
	};

	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		(void)pthread_mutex_lock(&ledger->shards[i].lock);
		size.keys += ledger->shards[i].entry_count;
		size.bytes += ledger->shards[i].bytes;
		size.is_full |=
			shard_is_over(&ledger->shards[i]) || most >= ledger->shards[i].share;
		(void)pthread_mutex_unlock(&ledger->shards[i].lock);
	}
	return size;
}
