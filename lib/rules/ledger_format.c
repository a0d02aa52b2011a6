#include <string.h>

#include "lib/rules/ledger_format.h"
#include "lib/rules/ledger_private.h"

/*
 * A key as bytes: seq u64, key_len u16, count u16, the key, then for each counter: seconds u32,
 * limit u32, named u32, coarse u8, len u8, base u64, and len runs of tick u32, count u32. All in
 * the machine's byte order, without padding.
 */

#define TIME_MAX (UINT64_MAX / 4) /* microseconds; a window may be added to what is less */

struct reader {
	const uint8_t *at, *end;
};

static bool take(struct reader *r, void *to, size_t len)
{
	if ((size_t)(r->end - r->at) < len)
		return false;
	memcpy(to, r->at, len);
	r->at += len;
	return true;
}

static void put(struct strbuf *buf, const void *bytes, size_t len)
{
	strbuf_add(buf, bytes, len);
}

static void write_counter(const struct counter *counter, struct strbuf *buf)
{
	const uint8_t is_coarse = counter->is_coarse;

	put(buf, &counter->seconds, sizeof(counter->seconds));
	put(buf, &counter->limit, sizeof(counter->limit));
	put(buf, &counter->named, sizeof(counter->named));
	put(buf, &is_coarse, sizeof(is_coarse));
	put(buf, &counter->len, sizeof(counter->len));
	put(buf, &counter->base, sizeof(counter->base));
	put(buf, counter_runs(counter), counter->len * sizeof(struct counter_run));
}

static void write_entry(const struct ledger_entry *entry, struct strbuf *buf)
{
	const uint16_t count = entry->count;

	put(buf, &entry->seq, sizeof(entry->seq));
	put(buf, &entry->key_len, sizeof(entry->key_len));
	put(buf, &count, sizeof(count));
	put(buf, entry->key, entry->key_len);
	for (uint8_t i = 0; i < entry->count; i++)
		write_counter(&entry->counters[i], buf);
}

void ledger_write_shard(struct ledger *ledger, size_t number, uint64_t now, struct strbuf *buf,
	ledger_write_fn *add, void *context)
{
	struct ledger_shard *shard = &ledger->shards[number];

	(void)pthread_mutex_lock(&shard->lock);
	shard_sweep(shard, now, shard->bucket_count);
	for (size_t i = 0; i < shard->bucket_count; i++) {
		for (struct ledger_entry *e = shard->buckets[i]; e != NULL; e = e->next) {
			strbuf_reset(buf);
			write_entry(e, buf);
			add(context, buf->failed ? NULL : buf->text, buf->len);
		}
	}
	(void)pthread_mutex_unlock(&shard->lock);
}

/* 0, or -1 when it is none, or out of memory. */
static int read_counter(struct reader *r, struct counter *counter_r)
{
	struct counter counter;
	struct counter_run run;
	uint32_t seconds, last = 0;
	uint8_t is_coarse, len;

	if (!take(r, &seconds, sizeof(seconds)) || seconds == 0)
		return -1;
	counter_init(&counter, seconds);
	if (!take(r, &counter.limit, sizeof(counter.limit)) ||
		!take(r, &counter.named, sizeof(counter.named)) ||
		!take(r, &is_coarse, sizeof(is_coarse)) || !take(r, &len, sizeof(len)) ||
		!take(r, &counter.base, sizeof(counter.base)) || len > COUNTER_RUNS_MAX ||
		is_coarse > 1)
		return -1;
	counter.is_coarse = is_coarse;
	if (counter.base > TIME_MAX / counter_tick_width(&counter))
		return -1;
	for (uint8_t i = 0; i < len; i++) {
		if (!take(r, &run, sizeof(run)) || (i > 0 && run.tick <= last) ||
			counter_append(&counter, &run) != 0) {
			counter_free(&counter);
			return -1;
		}
		last = run.tick;
	}
	*counter_r = counter;
	return 0;
}

/* The counters behind the key. */
static int read_counters(struct reader *r, struct ledger_shard *shard, struct ledger_entry *entry,
	uint16_t count)
{
	struct counter counter;

	for (uint16_t i = 0; i < count; i++) {
		if (read_counter(r, &counter) != 0)
			return -1;
		if (entry_take_counter(shard, entry, &counter) != 0) {
			counter_free(&counter);
			return -1;
		}
	}
	return r->at == r->end ? 0 : -1;
}

static void raise_seq(struct ledger *ledger, uint64_t seq)
{
	if (ledger->last_seq < seq)
		ledger->last_seq = seq;
}

int ledger_restore_key(struct ledger *ledger, const void *bytes, size_t len)
{
	struct reader r = { .at = bytes, .end = (const uint8_t *)bytes + len };
	struct ledger_shard *shard;
	struct ledger_entry *entry;
	uint16_t key_len, count;
	uint64_t seq, hash;
	int ret = -1;

	if (!take(&r, &seq, sizeof(seq)) || !take(&r, &key_len, sizeof(key_len)) ||
		!take(&r, &count, sizeof(count)) || key_len > LEDGER_KEY_MAX ||
		count > LEDGER_WINDOWS_MAX || (size_t)(r.end - r.at) < key_len)
		return -1;
	hash = ledger_hash((const char *)r.at, key_len);
	shard = ledger_shard_of(ledger, hash);
	(void)pthread_mutex_lock(&shard->lock);
	if (shard_find(shard, hash, (const char *)r.at, key_len) == NULL &&
		(entry = shard_add(shard, hash, (const char *)r.at, key_len)) != NULL) {
		r.at += key_len;
		entry->seq = seq;
		ret = read_counters(&r, shard, entry, count);
		if (ret != 0)
			shard_remove(shard, entry);
		else
			raise_seq(ledger, seq);
	}
	(void)pthread_mutex_unlock(&shard->lock);
	return ret;
}

/* ---- records ---------------------------------------------------------------- */

/* seq u64, now u64, amount u32, key_len u16, limit_count u16, for each limit count u32 and seconds
 * u32, the key. */
void ledger_record_encode(const struct ledger_record *record, struct strbuf *buf)
{
	const uint16_t key_len = (uint16_t)record->key_len;
	const uint16_t count = (uint16_t)record->limit_count;

	put(buf, &record->seq, sizeof(record->seq));
	put(buf, &record->now, sizeof(record->now));
	put(buf, &record->amount, sizeof(record->amount));
	put(buf, &key_len, sizeof(key_len));
	put(buf, &count, sizeof(count));
	put(buf, record->limits, count * sizeof(record->limits[0]));
	put(buf, record->key, key_len);
}

int ledger_record_decode(const void *bytes, size_t len, struct ledger_record *record_r)
{
	struct reader r = { .at = bytes, .end = (const uint8_t *)bytes + len };
	struct ledger_record record = { .seq = 0 };
	uint16_t key_len, count;

	if (!take(&r, &record.seq, sizeof(record.seq)) ||
		!take(&r, &record.now, sizeof(record.now)) ||
		!take(&r, &record.amount, sizeof(record.amount)) ||
		!take(&r, &key_len, sizeof(key_len)) || !take(&r, &count, sizeof(count)) ||
		count > LIMITS_MAX || key_len > LEDGER_KEY_MAX || record.now > TIME_MAX ||
		!take(&r, record.limits, count * sizeof(record.limits[0])) ||
		(size_t)(r.end - r.at) != key_len)
		return -1;
	for (uint16_t i = 0; i < count; i++) {
		if (record.limits[i].seconds == 0)
			return -1;
	}
	record.key = (const char *)r.at;
	record.key_len = key_len;
	record.limit_count = count;
	*record_r = record;
	return 0;
}

/* With the lock held. */
static int do_again(struct ledger_shard *shard, struct ledger_entry *entry, uint64_t hash,
	const struct ledger_record *record)
{
	struct counter *counter;

	if (entry == NULL)
		entry = shard_add(shard, hash, record->key, record->key_len);
	if (entry == NULL)
		return -1;
	for (size_t i = 0; i < record->limit_count; i++) {
		counter = entry_counter(shard, entry, record->limits[i].seconds, record->now);
		if (counter == NULL)
			return -1;
		counter->limit = record->limits[i].count;
		counter->named = (uint32_t)(record->now / 1000000);
	}
	if (entry_reserve(shard, entry, record->now) != 0)
		return -1;
	entry_add(entry, record->now, record->amount);
	entry->seq = record->seq;
	return 0;
}

int ledger_restore_record(struct ledger *ledger, const struct ledger_record *record)
{
	uint64_t hash = ledger_hash(record->key, record->key_len);
	struct ledger_shard *shard = ledger_shard_of(ledger, hash);
	struct ledger_entry *entry;
	int ret = 0;

	if (record->key_len > LEDGER_KEY_MAX || record->limit_count > LIMITS_MAX)
		return -1;
	raise_seq(ledger, record->seq);
	(void)pthread_mutex_lock(&shard->lock);
	entry = shard_find(shard, hash, record->key, record->key_len);
	if (entry == NULL || entry->seq < record->seq) {
		if (record->limit_count > 0)
			ret = do_again(shard, entry, hash, record);
		else if (entry != NULL)
			shard_remove(shard, entry);
	}
	(void)pthread_mutex_unlock(&shard->lock);
	return ret;
}

static uint64_t newest_of(const struct ledger_entry *entry)
{
	uint64_t newest = 0, start;

	for (uint8_t i = 0; i < entry->count; i++) {
		const struct counter *counter = &entry->counters[i];

		if (counter->len == 0)
			continue;
		start = counter_run_start(counter, &counter_runs(counter)[counter->len - 1]);
		newest = start > newest ? start : newest;
	}
	return newest;
}

uint64_t ledger_newest(struct ledger *ledger)
{
	uint64_t newest = 0, start;

	for (size_t i = 0; i < LEDGER_SHARDS; i++) {
		const struct ledger_shard *shard = &ledger->shards[i];

		(void)pthread_mutex_lock(&ledger->shards[i].lock);
		for (size_t j = 0; j < shard->bucket_count; j++) {
			for (struct ledger_entry *e = shard->buckets[j]; e != NULL; e = e->next) {
				start = newest_of(e);
				newest = start > newest ? start : newest;
			}
		}
		(void)pthread_mutex_unlock(&ledger->shards[i].lock);
	}
	return newest;
}
