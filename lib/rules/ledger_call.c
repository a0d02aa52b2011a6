/*
 * One call of the ledger with several keys: locking their shards, and making and saving the change.
 * Owns nothing; any thread may call it. t/unit/test_ledger.c covers it.
 */
#include <string.h>

#include "lib/rules/ledger_private.h"

/* Insert the shard among those to be locked. Every call locks in the same order, so that no two
 * wait for each other. */
static void insert_shard(struct ledger_call *c, struct ledger_shard *shard)
{
	size_t i = 0;

	while (i < c->locked_count && c->locked[i] < shard)
		i++;
	if (i < c->locked_count && c->locked[i] == shard)
		return;
	if (i < c->locked_count)
		memmove(&c->locked[i + 1], &c->locked[i],
			(c->locked_count - i) * sizeof(c->locked[0]));
	c->locked[i] = shard;
	c->locked_count++;
}

/* Insert the shards of the overflow keys from which a new entry inherits, and that of the trace of
 * a key for which an overflow key counts. */
static void insert_overflows(struct ledger_call *c, size_t at)
{
	const struct ledger_request *request = &c->requests[at];
	struct ledger_overflows overflows;

	ledger_overflows_init(c->ledger, request->key, request->key_len, &request->origin,
		&overflows);
	for (size_t i = 0; i < overflows.count; i++)
		insert_shard(c, overflows.shard[i]);
	if (c->original[at] != 0)
		insert_shard(c, ledger_shard_of(c->ledger, c->original[at]));
}

static void find_entries(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->entry[i] = shard_find(c->shard[i], c->hash[i], c->requests[i].key,
			c->requests[i].key_len);
}

/* Add up the amounts of requests that count in one overflow key. */
static void find_earlier(struct ledger_call *c)
{
	for (size_t i = 1; i < c->count; i++) {
		const struct ledger_request *r = &c->requests[i];

		for (size_t j = 0; j < i; j++) {
			if (c->hash[j] == c->hash[i] && c->requests[j].key_len == r->key_len &&
				memcmp(c->requests[j].key, r->key, r->key_len) == 0)
				c->earlier[i] = ledger_sum(c->earlier[i], c->requests[j].amount);
		}
	}
}

void ledger_call_lock(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++) {
		insert_shard(c, c->shard[i]);
		if (c->inherits[i])
			insert_overflows(c, i);
	}
	for (size_t i = 0; i < c->locked_count; i++)
		(void)pthread_mutex_lock(&c->locked[i]->lock);
}

void ledger_call_init(struct ledger_call *c, struct ledger *ledger, uint64_t now,
	const struct ledger_request *requests, size_t count)
{
	c->ledger = ledger;
	c->now = now;
	c->requests = requests;
	c->count = count;
	memset(c->inherits, 0, sizeof(c->inherits));
	c->any_inherits = false;
	c->made_count = 0;
	c->locked_count = 0;
}

void ledger_call_set_inherits(struct ledger_call *call, size_t i, uint64_t original)
{
	call->inherits[i] = call->any_inherits = true;
	call->original[i] = original;
	call->past[i] = (struct ledger_past){ 0, 0 };
	call->is_made[i] = false;
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
		c->own[i] = c->earlier[i] = 0;
	}
	if (c->any_inherits)
		find_earlier(c);
	ledger_call_lock(c);
	find_entries(c);
	return 0;
}

/* Remove the entry of a request, to which another one may refer, too. */
static void remove_entry(struct ledger_call *c, size_t i)
{
	struct ledger_entry *const entry = c->entry[i];

	for (size_t j = 0; j < c->count; j++) {
		if (c->entry[j] == entry)
			c->entry[j] = NULL;
	}
	shard_remove(c->shard[i], entry);
}

static void remove_made(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->inherits[i] && c->is_made[i] && c->entry[i] != NULL)
			remove_entry(c, i);
	}
	c->made_count = 0;
}

void ledger_call_end(struct ledger_call *c)
{
	if (c->made_count > 0)
		remove_made(c);
	for (size_t i = c->locked_count; i-- > 0;)
		(void)pthread_mutex_unlock(&c->locked[i]->lock);
	c->locked_count = 0;
}

/* ---- changing ---------------------------------------------------------------- */

/* Return the counter of a window, as entry_counter() does, wherever the call refers to its entry.
 */
static struct counter *counter_of(struct ledger_call *c, size_t i, uint32_t seconds)
{
	struct ledger_entry *const before = c->entry[i], *entry = before;
	struct counter *counter = entry_counter(c->shard[i], &entry, seconds, c->now);

	for (size_t j = 0; entry != before && j < c->count; j++) {
		if (c->entry[j] == before)
			c->entry[j] = entry;
	}
	return counter;
}

/* Return the past of a request that inherits if its entry is new. */
static struct ledger_past past_of(const struct ledger_call *c, size_t i)
{
	const struct ledger_request *r = &c->requests[i];

	return shard_past(c->shard[i], c->hash[i],
		ledger_key_is_overflow(r->key, r->key_len) ? TRACE_OVERFLOW : TRACE_KEY, c->now);
}

/* Make the entry of a request, which may inherit. Returns 0, or -1 when out of memory. */
static int make_entry(struct ledger_call *c, size_t i)
{
	const struct ledger_request *r = &c->requests[i];
	struct ledger_overflows overflows;

	/* Two requests may count in one overflow key. */
	c->entry[i] = shard_find(c->shard[i], c->hash[i], r->key, r->key_len);
	if (c->entry[i] != NULL)
		return 0;
	c->entry[i] =
		shard_add(c->shard[i], c->hash[i], r->key, r->key_len, &r->origin, r->limit_count);
	if (c->entry[i] == NULL)
		return -1;
	if (!c->inherits[i])
		return 0;
	c->past[i] = past_of(c, i);
	if (c->past[i].amount == 0 && c->past[i].given_back == 0)
		return 0;
	ledger_overflows_init(c->ledger, r->key, r->key_len, &r->origin, &overflows);
	return entry_inherit(c->shard[i], c->entry[i], &overflows, c->past[i], r->limits,
		r->limit_count, c->now);
}

int ledger_call_inherit(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct ledger_past past;

		if (!c->inherits[i] || c->entry[i] != NULL)
			continue;
		past = past_of(c, i);
		if (past.amount == 0 && past.given_back == 0)
			continue;
		if (make_entry(c, i) != 0) {
			if (c->entry[i] != NULL)
				remove_entry(c, i);
			return -1;
		}
		c->is_made[i] = true;
		c->made_count++;
	}
	return 0;
}

/* Make the windows that the entry of a request lacks. Returns 0, or -1 when out of memory. */
static int make_windows(struct ledger_call *c, size_t i)
{
	const struct ledger_request *r = &c->requests[i];

	for (size_t j = 0; j < r->limit_count; j++) {
		if (counter_of(c, i, r->limits[j].seconds) == NULL)
			return -1;
	}
	(void)entry_name_windows(c->entry[i], r->limits, r->limit_count, c->now);
	return 0;
}

/* Prepare the entry of a request: a counter for each limit, and room in each for one more charge.
 * Returns 0, or -1 when out of memory. */
static int prepare_entry(struct ledger_call *c, size_t i)
{
	const struct ledger_request *r = &c->requests[i];

	if (c->entry[i] == NULL && make_entry(c, i) != 0)
		return -1;
	if (!entry_name_windows(c->entry[i], r->limits, r->limit_count, c->now) &&
		make_windows(c, i) != 0)
		return -1;
	return entry_make_room(c->shard[i], c->entry[i], c->now);
}

/* Make all entries, their counters, room for one more charge in each, and for a reservation the
 * extra. Returns 0, or -1 when out of memory. */
static int prepare_entries(struct ledger_call *c, enum ledger_change change)
{
	bool swept = false;
	int failed = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->entry[i] != NULL)
			continue;
		shard_sweep(c->shard[i], c->now, SWEEP_PER_KEY);
		swept = true;
	}
	if (swept)
		find_entries(c); /* the sweep may have removed some */
	for (size_t i = 0; i < c->count && !failed; i++)
		failed = prepare_entry(c, i);
	for (size_t i = 0; i < c->count && !failed && change == LEDGER_RESERVED; i++)
		failed = entry_extra(c->shard[i], c->entry[i]) == NULL ? -1 : 0;
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

/* Fill the record of a request, but of its limits only those that it has. */
static void fill_record(const struct ledger_call *c, size_t i, enum ledger_change change,
	struct ledger_record *record_r)
{
	const struct ledger_request *r = &c->requests[i];

	record_r->change = change;
	record_r->key = r->key;
	record_r->key_len = r->key_len;
	record_r->amount = r->amount;
	record_r->released = 0;
	record_r->attempts = change == LEDGER_GIVEN_BACK ? r->attempts : 0;
	if (c->inherits[i] && ledger_change_makes_key(change)) {
		record_r->released = c->past[i].amount;
		record_r->attempts = c->past[i].given_back;
	}
	record_r->origin = entry_origin(c->entry[i]);
	record_r->limit_count = r->limit_count;
	for (size_t j = 0; j < r->limit_count; j++)
		record_r->limits[j] = r->limits[j];
}

int ledger_call_save(struct ledger_call *c, enum ledger_change change)
{
	struct ledger_record records[LEDGER_REQUESTS_MAX];

	if (c->ledger->save == NULL)
		return 0;
	for (size_t i = 0; i < c->count; i++)
		fill_record(c, i, change, &records[i]);
	return ledger_call_write(c, records);
}

/* Remove the entries that were made for a change that failed. */
static void remove_unused(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->entry[i] != NULL && !entry_prune(c->shard[i], c->entry[i], c->now))
			remove_entry(c, i);
	}
}

/* Note the keys for which overflow keys count: when such a key gets an entry, this is its past. */
static void trace_originals(struct ledger_call *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct ledger_request *r = &c->requests[i];
		struct ledger_shard *shard;
		struct ledger_past past;
		uint32_t seconds = 0;

		if (!c->inherits[i] || c->original[i] == 0)
			continue;
		for (size_t j = 0; j < r->limit_count; j++)
			seconds = r->limits[j].seconds > seconds ? r->limits[j].seconds : seconds;
		shard = ledger_shard_of(c->ledger, c->original[i]);
		past = shard_past(shard, c->original[i], TRACE_KEY, c->now);
		past.amount = ledger_sum(past.amount, r->amount);
		past.given_back = ledger_sum(past.given_back, r->amount);
		shard_trace(shard, c->original[i], TRACE_KEY, c->now, past, seconds);
	}
}

int ledger_call_change(struct ledger_call *c, enum ledger_change change, bool must_save,
	bool *is_saved_r)
{
	if (prepare_entries(c, change) != 0) {
		remove_unused(c);
		return -1;
	}
	*is_saved_r = ledger_call_save(c, change) == 0;
	if (!*is_saved_r && must_save) {
		remove_unused(c);
		return -1;
	}
	if (!*is_saved_r)
		(void)__atomic_add_fetch(&c->ledger->unsaved, 1, __ATOMIC_RELAXED);
	c->made_count = 0;
	if (c->any_inherits)
		trace_originals(c);
	return 0;
}
