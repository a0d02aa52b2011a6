/*
 * Reservations of the local ledger: made at a recipient, and at the end of the message made final
 * or given back. A hold belongs to one message, whose thread may call it; the entries that it
 * refers to stay as long as it does.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/rules/ledger_private.h"

/* The reservation of one key for a message. */
struct held {
	struct ledger_extra *extra; /* of the key's entry; guarded by the shard's lock */
	uint32_t amount;
	uint32_t saved;	     /* the part of the amount that was saved when it was reserved */
	uint32_t saves;	     /* of the extra, when the rest was reserved: later, all is saved */
	uint32_t generation; /* of the extra, when it was reserved */
	uint32_t shard;
};

struct ledger_hold {
	struct held *held; /* first, until there are more */
	size_t count, size;
	uint32_t attempts; /* of the latest request */
	struct held first[LEDGER_REQUESTS_MAX];
};

/* Find the hold's reservation of an entry, unless it was forgotten. The lock is held. */
static struct held *find_held(const struct ledger_hold *hold, const struct ledger_entry *entry)
{
	if (hold == NULL || entry == NULL || !entry_has_holds(entry))
		return NULL;
	for (size_t i = 0; i < hold->count; i++) {
		if (hold->held[i].extra == entry->extra &&
			hold->held[i].generation == entry->extra->generation)
			return &hold->held[i];
	}
	return NULL;
}

/* The part of the amount that the files contain. */
static uint32_t saved_part(const struct held *held)
{
	return held->saves == held->extra->saves ? held->saved : held->amount;
}

/* ---- reserving --------------------------------------------------------------- */

static struct ledger_hold *make_hold(void)
{
	struct ledger_hold *hold = malloc(sizeof(*hold));

	if (hold == NULL)
		return NULL;
	hold->held = hold->first;
	hold->count = 0;
	hold->size = LEDGER_REQUESTS_MAX;
	hold->attempts = 0;
	return hold;
}

/* Make room for a number of further keys. Returns 0, or -1 when out of memory. */
static int make_hold_room(struct ledger_hold **hold, size_t count)
{
	struct ledger_hold *h = *hold;
	struct held *grown;

	if (h == NULL && (h = *hold = make_hold()) == NULL)
		return -1;
	if (h->size - h->count >= count)
		return 0;
	grown = realloc(h->held == h->first ? NULL : h->held, 2 * h->size * sizeof(*grown));
	if (grown == NULL)
		return -1;
	if (h->held == h->first)
		memcpy(grown, h->first, h->count * sizeof(*grown));
	h->held = grown;
	h->size *= 2;
	return 0;
}

/* Add a request to the open reservations of its entry and to the hold, which has room. */
static void hold_request(struct ledger_call *c, size_t i, struct ledger_hold *hold, bool is_saved)
{
	struct ledger_extra *extra = c->entry[i]->extra;
	struct held *held = find_held(hold, c->entry[i]);
	const uint32_t amount = c->requests[i].amount;

	if (held == NULL) {
		held = &hold->held[hold->count++];
		*held = (struct held){ .extra = extra,
			.saves = extra->saves,
			.generation = extra->generation,
			.shard = (uint32_t)(c->shard[i] - c->ledger->shards) };
		extra->holds++;
	}
	held->saved = saved_part(held) + (is_saved ? amount : 0);
	held->saves = extra->saves;
	held->amount += amount;
	extra->open += amount;
	extra->unsaved += is_saved ? 0 : amount;
	c->own[i] = held->amount;
	hold->attempts = c->requests[i].attempts;
}

static enum ledger_answer reserve_all(struct ledger_call *c, struct ledger_hold **hold,
	bool must_save, bool *is_saved_r)
{
	if (make_hold_room(hold, c->count) != 0 ||
		ledger_call_change(c, LEDGER_RESERVED, must_save, is_saved_r) != 0)
		return LEDGER_FAILED;
	for (size_t i = 0; i < c->count; i++)
		hold_request(c, i, *hold, *is_saved_r);
	return LEDGER_FREE;
}

/* Remove an amount from the reservation of an entry. The lock is held. */
static void take_back(struct ledger_hold *hold, struct held *held, struct ledger_shard *shard,
	uint32_t amount)
{
	struct ledger_extra *extra = held->extra;

	held->amount -= amount;
	extra->open -= amount;
	if (held->amount > 0)
		return;
	extra->holds--;
	*held = hold->held[--hold->count];
	entry_free_extra(shard, extra->entry);
}

/* The reservations that a call has just made are not in the files: remove them or, if they may
 * stay, note that. */
static void note_unsaved(struct ledger_call *c, struct ledger_hold *hold, bool may_stay)
{
	ledger_call_lock(c);
	for (size_t i = 0; i < c->count; i++) {
		const struct ledger_request *r = &c->requests[i];
		struct held *held =
			find_held(hold, shard_find(c->shard[i], c->hash[i], r->key, r->key_len));
		bool is_saved;

		if (held == NULL)
			continue; /* it was forgotten meanwhile */
		is_saved = held->saves != held->extra->saves;
		held->saved -= is_saved ? 0 : r->amount;
		if (!may_stay)
			take_back(hold, held, c->shard[i], r->amount);
		else if (!is_saved)
			held->extra->unsaved += r->amount;
	}
	ledger_call_end(c);
	(void)__atomic_add_fetch(&c->ledger->unsaved, may_stay ? 1 : 0, __ATOMIC_RELAXED);
}

enum ledger_answer ledger_reserve(struct ledger *ledger, uint64_t now, struct ledger_hold **hold,
	const struct ledger_request *requests, size_t count, bool must_save,
	struct ledger_usage usage_r[])
{
	struct ledger_bounded bounded;
	enum ledger_answer answer;
	const struct held *held;
	struct ledger_call c;
	bool is_saved = false;

	ledger_call_init(&c, ledger, now, requests, count);
	if (ledger_bound_begin(&c, &bounded) != 0)
		return LEDGER_FAILED;
	for (size_t i = 0; i < count; i++) {
		held = find_held(*hold, c.entry[i]);
		c.own[i] = held == NULL ? 0 : held->amount;
	}
	answer = ledger_call_usage(&c, usage_r);
	if (answer == LEDGER_FREE &&
		(answer = reserve_all(&c, hold, must_save, &is_saved)) == LEDGER_FREE)
		ledger_call_usage_after(&c, usage_r);
	ledger_call_end(&c);
	if (is_saved && ledger_settle(ledger, true) != 0) {
		note_unsaved(&c, *hold, !must_save);
		answer = must_save ? LEDGER_FAILED : answer;
	}
	return answer;
}

/* ---- ending ------------------------------------------------------------------- */

/* The record of a change in all windows of an entry. */
static struct ledger_record record_of_entry(const struct ledger_entry *entry,
	enum ledger_change change, uint32_t amount)
{
	struct ledger_record record = {
		.change = change,
		.key = entry_key(entry),
		.key_len = entry->key_len,
		.amount = amount,
		.origin = entry_origin(entry),
		.limit_count = entry->count,
	};

	for (uint8_t i = 0; i < entry->count; i++)
		record.limits[i] =
			(struct limit){ entry->counters[i].limit, entry->counters[i].seconds };
	return record;
}

/* The remaining work for the key of a reservation when it ends. */
static struct ledger_record record_of(const struct held *held, enum ledger_change change,
	uint32_t attempts)
{
	const bool is_open = held->generation == held->extra->generation;
	struct ledger_record record = record_of_entry(held->extra->entry, change,
		is_open || change == LEDGER_COMMITTED ? held->amount : 0);

	record.released = is_open ? saved_part(held) : 0;
	record.attempts = attempts;
	return record;
}

static void apply_end(struct ledger_shard *shard, const struct held *held,
	const struct ledger_record *record, uint64_t now)
{
	struct ledger_extra *extra = held->extra;
	struct ledger_entry *entry = extra->entry;

	if (held->generation == extra->generation) {
		extra->open -= held->amount;
		extra->unsaved -= held->amount - saved_part(held);
	}
	extra->holds--;
	if (record->change == LEDGER_COMMITTED)
		entry_force_add(shard, entry, now, record->amount);
	else if (record->amount > 0 && record->attempts > 0)
		entry_add_attempts(shard, entry, now, record->amount, record->attempts);
	entry_free_extra(shard, entry);
}

/* End at most LEDGER_REQUESTS_MAX reservations in one step, so that they are written at once. */
static void end_some(struct ledger_call *c, const struct held *held, enum ledger_change change,
	uint32_t attempts)
{
	struct ledger_record records[LEDGER_REQUESTS_MAX];
	bool lost = false, is_saved;

	for (size_t i = 0; i < c->count; i++)
		c->shard[i] = &c->ledger->shards[held[i].shard];
	ledger_call_lock(c);
	for (size_t i = 0; i < c->count; i++) {
		c->entry[i] = held[i].extra->entry;
		records[i] = record_of(&held[i], change, attempts);
		lost |= records[i].released < records[i].amount;
	}
	/* If this cannot be saved, the saved reservations count if the process ends before the next
	 * checkpoint. */
	is_saved = c->ledger->save == NULL || ledger_call_write(c, records) == 0;
	for (size_t i = 0; i < c->count; i++)
		apply_end(c->shard[i], &held[i], &records[i], c->now);
	ledger_call_end(c);
	if ((!is_saved || ledger_settle(c->ledger, true) != 0) && lost &&
		change == LEDGER_COMMITTED)
		(void)__atomic_add_fetch(&c->ledger->unsaved, 1, __ATOMIC_RELAXED);
}

static void end_hold(struct ledger *ledger, uint64_t now, struct ledger_hold **hold,
	enum ledger_change change)
{
	struct ledger_hold *ending = *hold;

	*hold = NULL;
	for (size_t at = 0; ending != NULL && at < ending->count; at += LEDGER_REQUESTS_MAX) {
		const size_t left = ending->count - at;
		struct ledger_call c;

		ledger_call_init(&c, ledger, now, NULL,
			left < LEDGER_REQUESTS_MAX ? left : LEDGER_REQUESTS_MAX);
		end_some(&c, ending->held + at, change, ending->attempts);
	}
	if (ending != NULL && ending->held != ending->first)
		free(ending->held);
	free(ending);
}

void ledger_commit(struct ledger *ledger, uint64_t now, struct ledger_hold **hold)
{
	end_hold(ledger, now, hold, LEDGER_COMMITTED);
}

void ledger_give_back(struct ledger *ledger, uint64_t now, struct ledger_hold **hold)
{
	end_hold(ledger, now, hold, LEDGER_GIVEN_BACK);
}

void entry_save_open(struct ledger *ledger, struct ledger_entry *entry, uint64_t now)
{
	struct ledger_record record;

	if (entry->extra == NULL || entry->extra->unsaved == 0 || ledger->save == NULL)
		return;
	record = record_of_entry(entry, LEDGER_RESERVED, entry->extra->unsaved);
	record.now = now;
	record.seq = __atomic_add_fetch(&ledger->last_seq, 1, __ATOMIC_RELAXED);
	if (ledger->save(ledger->context, &record, 1) != 0)
		return;
	entry->seq = record.seq;
	entry->extra->unsaved = 0;
	entry->extra->saves++;
}

/* ---- the reservations of earlier processes --------------------------------------- */

/* Make the reservations of a shard final, apart from entries that contain the record already. */
static void restart_shard(struct ledger_shard *shard, uint64_t seq, uint64_t now)
{
	(void)pthread_mutex_lock(&shard->lock);
	for (size_t i = 0; i < shard->bucket_count; i++) {
		for (struct ledger_entry *e = shard->buckets[i]; e != NULL; e = e->next) {
			if (entry_open(e) == 0 || entry_has_holds(e) || e->seq >= seq)
				continue;
			entry_force_add(shard, e, now, e->extra->open);
			e->extra->open = 0;
			e->seq = seq;
			entry_free_extra(shard, e);
		}
	}
	(void)pthread_mutex_unlock(&shard->lock);
}

void ledger_restart_before(struct ledger *ledger, uint64_t seq, uint64_t now)
{
	for (size_t i = 0; i < LEDGER_SHARDS; i++)
		restart_shard(&ledger->shards[i], seq, now);
}

/* The record comes first, so that it is in the journal before any later change of its entries. */
static void restart_all(struct ledger *ledger, uint64_t now)
{
	const struct ledger_record record = {
		.seq = __atomic_add_fetch(&ledger->last_seq, 1, __ATOMIC_RELAXED),
		.now = now,
		.change = LEDGER_RESTARTED,
		.key = "",
	};

	if (ledger->save != NULL && ledger->save(ledger->context, &record, 1) == 0)
		(void)ledger_settle(ledger, true);
	ledger_restart_before(ledger, record.seq, now);
}

static bool has_open(struct ledger_shard *shard)
{
	bool found = false;

	(void)pthread_mutex_lock(&shard->lock);
	for (size_t i = 0; shard->extra_count > 0 && i < shard->bucket_count && !found; i++) {
		for (const struct ledger_entry *e = shard->buckets[i]; e != NULL; e = e->next)
			found |= entry_open(e) > 0;
	}
	(void)pthread_mutex_unlock(&shard->lock);
	return found;
}

void ledger_restart(struct ledger *ledger, uint64_t now)
{
	bool found = false;

	for (size_t i = 0; i < LEDGER_SHARDS && !found; i++)
		found = has_open(&ledger->shards[i]);
	if (found)
		restart_all(ledger, now);
}
