/*
 * Repeats the changes that records describe, when the ledger is restored from its files. Owns
 * nothing. No other thread uses the ledger then. t/unit/test_ledger_format.c covers it.
 */
#include "lib/rules/ledger_format.h"
#include "lib/rules/ledger_private.h"

void ledger_raise_seq(struct ledger *ledger, uint64_t seq)
{
	if (ledger->last_seq < seq)
		ledger->last_seq = seq;
}

void ledger_raise_newest(struct ledger *ledger, uint64_t newest)
{
	if (ledger->newest < newest)
		ledger->newest = newest;
}

void ledger_note_overflow(struct ledger *ledger, uint64_t time, uint32_t seconds)
{
	const uint32_t until = ledger_trace_until(time, seconds);

	if (ledger->untraced_until < until)
		ledger->untraced_until = until;
}

/* Make the windows of a record. Returns 0, or -1 when out of memory. */
static int repeat_windows(struct ledger_shard *shard, struct ledger_entry **entry,
	const struct ledger_record *record)
{
	if (entry_name_windows(*entry, record->limits, record->limit_count, record->now))
		return 0;
	for (size_t i = 0; i < record->limit_count; i++) {
		if (entry_counter(shard, entry, record->limits[i].seconds, record->now) == NULL)
			return -1;
	}
	(void)entry_name_windows(*entry, record->limits, record->limit_count, record->now);
	return 0;
}

/* Change the open reservations of an entry. Returns 0, or -1 when out of memory. */
static int repeat_open(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct ledger_record *record)
{
	struct ledger_extra *extra = entry->extra;

	if (record->change == LEDGER_RESERVED && (extra = entry_extra(shard, entry)) == NULL)
		return -1;
	if (extra == NULL)
		return 0;
	if (record->change == LEDGER_RESERVED)
		extra->open = ledger_sum(extra->open, record->amount);
	else if (!ledger_change_makes_key(record->change))
		extra->open -= record->released < extra->open ? record->released : extra->open;
	entry_free_extra(shard, entry);
	return 0;
}

static int repeat_change(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct ledger_record *record)
{
	if (repeat_open(shard, entry, record) != 0)
		return -1;
	switch (record->change) {
	case LEDGER_CHARGED:
	case LEDGER_COMMITTED:
		if (record->amount > 0)
			entry_force_add(shard, entry, record->now, record->amount);
		break;
	case LEDGER_GIVEN_BACK:
		if (record->amount > 0 && record->attempts > 0)
			entry_add_attempts(shard, entry, record->now, record->amount,
				record->attempts);
		break;
	case LEDGER_RESERVED:
	case LEDGER_FORGOTTEN:
	case LEDGER_RESTARTED:
		break;
	}
	entry->seq = record->seq;
	return 0;
}

/* Add the entry of a record, which inherits as it did when the record was made. No other thread
 * uses the ledger. Returns NULL when out of memory. */
static struct ledger_entry *add_recorded(struct ledger_shard *shard, uint64_t hash,
	const struct ledger_record *record)
{
	struct ledger_entry *entry = shard_add(shard, hash, record->key, record->key_len,
		&record->origin, record->limit_count);
	const struct ledger_past past = { record->released, record->attempts };
	struct ledger_overflows overflows;

	if (entry == NULL || !ledger_change_makes_key(record->change) ||
		shard->ledger->overflows == 0 || (past.amount == 0 && past.given_back == 0))
		return entry;
	ledger_overflows_init(shard->ledger, record->key, record->key_len, &record->origin,
		&overflows);
	return entry_inherit(shard, entry, &overflows, past, record->limits, record->limit_count,
		       record->now) == 0 ?
		entry :
		NULL;
}

/* Repeat the change of one key, whose shard is locked. */
static int repeat_record(struct ledger_shard *shard, uint64_t hash,
	const struct ledger_record *record)
{
	struct ledger_entry *entry = shard_find(shard, hash, record->key, record->key_len);

	if (entry != NULL && entry->seq >= record->seq)
		return 0;
	/* An idle entry may have been freed before the record was made, so that its key inherited
	 * counts. */
	if (entry != NULL && !entry_prune(shard, entry, record->now)) {
		shard_remove(shard, entry);
		entry = NULL;
	}
	if (record->change == LEDGER_FORGOTTEN) {
		if (entry != NULL)
			entry_forget(shard, entry);
		return 0;
	}
	if (entry == NULL) {
		shard_sweep(shard, record->now, SWEEP_PER_KEY);
		entry = add_recorded(shard, hash, record);
	}
	if (entry == NULL || repeat_windows(shard, &entry, record) != 0)
		return -1;
	return repeat_change(shard, entry, record);
}

int ledger_restore_record(struct ledger *ledger, const struct ledger_record *record)
{
	uint64_t hash = ledger_hash(record->key, record->key_len);
	struct ledger_shard *shard = ledger_shard_of(ledger, hash);
	int ret;

	if (record->key_len > LEDGER_KEY_MAX || record->limit_count > LEDGER_WINDOWS_MAX)
		return -1;
	ledger_raise_seq(ledger, record->seq);
	ledger_raise_newest(ledger, record->now);
	for (size_t i = 0; i < record->limit_count; i++) {
		if (ledger_key_is_overflow(record->key, record->key_len))
			ledger_note_overflow(ledger, record->now, record->limits[i].seconds);
	}
	if (record->change == LEDGER_RESTARTED) {
		ledger_restart_before(ledger, record->seq, record->now);
		return 0;
	}
	(void)pthread_mutex_lock(&shard->lock);
	ret = repeat_record(shard, hash, record);
	(void)pthread_mutex_unlock(&shard->lock);
	return ret;
}

uint64_t ledger_newest(const struct ledger *ledger)
{
	return ledger->newest;
}
