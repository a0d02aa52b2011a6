/*
 * Keys and records of the local ledger as bytes, and back; the header describes both forms. Owns
 * nothing. Only the thread that writes checkpoints writes keys; keys are restored before other
 * threads exist.
 */
#include <string.h>

#include "lib/rules/ledger_format.h"
#include "lib/rules/ledger_private.h"

#define TIME_MAX (UINT64_MAX / 4) /* microseconds; adding a window cannot overflow */
#define SEQ_MAX (UINT64_MAX / 2)  /* so that later numbers are higher */

struct reader {
	const uint8_t *at, *end;
};

static bool read_bytes(struct reader *r, void *to, size_t len)
{
	if ((size_t)(r->end - r->at) < len)
		return false;
	memcpy(to, r->at, len);
	r->at += len;
	return true;
}

static void write_bytes(struct strbuf *buf, const void *bytes, size_t len)
{
	strbuf_add(buf, bytes, len);
}

static void write_counter(const struct counter *counter, struct strbuf *buf)
{
	const uint8_t is_coarse = counter->is_coarse;

	write_bytes(buf, &counter->seconds, sizeof(counter->seconds));
	write_bytes(buf, &counter->limit, sizeof(counter->limit));
	write_bytes(buf, &counter->named, sizeof(counter->named));
	write_bytes(buf, &is_coarse, sizeof(is_coarse));
	write_bytes(buf, &counter->len, sizeof(counter->len));
	write_bytes(buf, &counter->base, sizeof(counter->base));
	write_bytes(buf, counter_runs(counter), counter->len * sizeof(struct counter_run));
}

static void write_entry(const struct ledger_entry *entry, struct strbuf *buf)
{
	write_bytes(buf, &entry->seq, sizeof(entry->seq));
	write_bytes(buf, &entry->open, sizeof(entry->open));
	write_bytes(buf, &entry->origin, sizeof(entry->origin));
	write_bytes(buf, &entry->key_len, sizeof(entry->key_len));
	write_bytes(buf, &entry->count, sizeof(entry->count));
	write_bytes(buf, &entry->attempt_count, sizeof(entry->attempt_count));
	write_bytes(buf, entry->key, entry->key_len);
	for (uint8_t i = 0; i < entry->count; i++)
		write_counter(&entry->counters[i], buf);
	for (uint8_t i = 0; i < entry->attempt_count; i++)
		write_counter(&entry->attempts[i], buf);
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

/* Returns 0, or -1 when the bytes are not a counter or memory runs out. */
static int read_counter(struct reader *r, struct counter *counter_r)
{
	struct counter counter;
	struct counter_run run;
	uint32_t seconds, last = 0;
	uint8_t is_coarse, len;

	if (!read_bytes(r, &seconds, sizeof(seconds)) || seconds == 0)
		return -1;
	counter_init(&counter, seconds);
	if (!read_bytes(r, &counter.limit, sizeof(counter.limit)) ||
		!read_bytes(r, &counter.named, sizeof(counter.named)) ||
		!read_bytes(r, &is_coarse, sizeof(is_coarse)) ||
		!read_bytes(r, &len, sizeof(len)) ||
		!read_bytes(r, &counter.base, sizeof(counter.base)) || len > COUNTER_RUNS_MAX ||
		is_coarse > 1)
		return -1;
	counter.is_coarse = is_coarse;
	if (counter.base > TIME_MAX / counter_tick_width(&counter))
		return -1;
	for (uint8_t i = 0; i < len; i++) {
		if (!read_bytes(r, &run, sizeof(run)) || (i > 0 && run.tick <= last) ||
			counter.base + run.tick > TIME_MAX / counter_tick_width(&counter) ||
			counter_append(&counter, &run) != 0) {
			counter_free(&counter);
			return -1;
		}
		last = run.tick;
	}
	*counter_r = counter;
	return 0;
}

/* The fields before the counters of a key. */
struct key_head {
	uint64_t seq;
	uint32_t open;
	struct ledger_origin origin;
	uint16_t key_len;
	uint16_t count, attempt_count;
	const char *key;
};

static bool read_counts(struct reader *r, struct key_head *head)
{
	uint8_t count, attempt_count;

	if (!read_bytes(r, &count, sizeof(count)) ||
		!read_bytes(r, &attempt_count, sizeof(attempt_count)))
		return false;
	head->count = count;
	head->attempt_count = attempt_count;
	return true;
}

static bool read_key_head(struct reader *r, enum ledger_version version, struct key_head *head_r)
{
	struct key_head head = { .seq = 0 };
	const bool is_old = version == LEDGER_VERSION_1;

	if (!read_bytes(r, &head.seq, sizeof(head.seq)) ||
		(!is_old &&
			(!read_bytes(r, &head.open, sizeof(head.open)) ||
				!read_bytes(r, &head.origin, sizeof(head.origin)))) ||
		!read_bytes(r, &head.key_len, sizeof(head.key_len)) ||
		!(is_old ? read_bytes(r, &head.count, sizeof(head.count)) :
			   read_counts(r, &head)) ||
		head.seq > SEQ_MAX || head.key_len > LEDGER_KEY_MAX ||
		head.count > LEDGER_WINDOWS_MAX || head.attempt_count > LEDGER_WINDOWS_MAX ||
		(size_t)(r->end - r->at) < head.key_len)
		return false;
	head.key = (const char *)r->at;
	r->at += head.key_len;
	*head_r = head;
	return true;
}

/* Read the counters that follow the key. */
static int read_counters(struct reader *r, struct ledger_shard *shard, struct ledger_entry *entry,
	const struct key_head *head)
{
	struct counter counter;

	for (unsigned i = 0; i < (unsigned)head->count + head->attempt_count; i++) {
		if (read_counter(r, &counter) != 0)
			return -1;
		if ((i < head->count ? entry_add_counter(shard, entry, &counter) :
				       entry_add_attempts_counter(shard, entry, &counter)) != 0) {
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

int ledger_restore_key(struct ledger *ledger, enum ledger_version version, const void *bytes,
	size_t len)
{
	struct reader r = { .at = bytes, .end = (const uint8_t *)bytes + len };
	struct ledger_shard *shard;
	struct ledger_entry *entry;
	struct key_head head;
	uint64_t hash;
	int ret = -1;

	if (!read_key_head(&r, version, &head))
		return -1;
	hash = ledger_hash(head.key, head.key_len);
	shard = ledger_shard_of(ledger, hash);
	(void)pthread_mutex_lock(&shard->lock);
	if (shard_find(shard, hash, head.key, head.key_len) == NULL &&
		(entry = shard_add(shard, hash, head.key, head.key_len)) != NULL) {
		entry->seq = head.seq;
		entry->open = head.open;
		entry_set_origin(shard, entry, &head.origin);
		ret = read_counters(&r, shard, entry, &head);
		if (ret != 0)
			shard_remove(shard, entry);
		else
			raise_seq(ledger, head.seq);
	}
	(void)pthread_mutex_unlock(&shard->lock);
	return ret;
}

/* ---- records ---------------------------------------------------------------- */

void ledger_record_encode(const struct ledger_record *record, struct strbuf *buf)
{
	const uint16_t key_len = (uint16_t)record->key_len;
	const uint8_t change = (uint8_t)record->change;
	const uint8_t count = (uint8_t)record->limit_count;

	write_bytes(buf, &record->seq, sizeof(record->seq));
	write_bytes(buf, &record->now, sizeof(record->now));
	write_bytes(buf, &record->amount, sizeof(record->amount));
	write_bytes(buf, &record->released, sizeof(record->released));
	write_bytes(buf, &record->attempts, sizeof(record->attempts));
	write_bytes(buf, &record->origin, sizeof(record->origin));
	write_bytes(buf, &key_len, sizeof(key_len));
	write_bytes(buf, &change, sizeof(change));
	write_bytes(buf, &count, sizeof(count));
	write_bytes(buf, record->limits, count * sizeof(record->limits[0]));
	write_bytes(buf, record->key, key_len);
}

/* The fields before the limits of a record, in version 1. */
static bool read_record_head_1(struct reader *r, struct ledger_record *record, uint16_t *key_len_r)
{
	uint16_t count;

	if (!read_bytes(r, &record->seq, sizeof(record->seq)) ||
		!read_bytes(r, &record->now, sizeof(record->now)) ||
		!read_bytes(r, &record->amount, sizeof(record->amount)) ||
		!read_bytes(r, key_len_r, sizeof(*key_len_r)) ||
		!read_bytes(r, &count, sizeof(count)))
		return false;
	record->limit_count = count;
	record->change = count == 0 ? LEDGER_FORGOTTEN : LEDGER_CHARGED;
	return true;
}

static bool read_record_head(struct reader *r, struct ledger_record *record, uint16_t *key_len_r)
{
	uint8_t change, count;

	if (!read_bytes(r, &record->seq, sizeof(record->seq)) ||
		!read_bytes(r, &record->now, sizeof(record->now)) ||
		!read_bytes(r, &record->amount, sizeof(record->amount)) ||
		!read_bytes(r, &record->released, sizeof(record->released)) ||
		!read_bytes(r, &record->attempts, sizeof(record->attempts)) ||
		!read_bytes(r, &record->origin, sizeof(record->origin)) ||
		!read_bytes(r, key_len_r, sizeof(*key_len_r)) ||
		!read_bytes(r, &change, sizeof(change)) || !read_bytes(r, &count, sizeof(count)) ||
		change < LEDGER_CHARGED || change > LEDGER_RESTARTED)
		return false;
	record->limit_count = count;
	record->change = (enum ledger_change)change;
	return true;
}

int ledger_record_decode(enum ledger_version version, const void *bytes, size_t len,
	struct ledger_record *record_r)
{
	struct reader r = { .at = bytes, .end = (const uint8_t *)bytes + len };
	struct ledger_record record = { .seq = 0 };
	uint16_t key_len;

	if (!(version == LEDGER_VERSION_1 ? read_record_head_1(&r, &record, &key_len) :
					    read_record_head(&r, &record, &key_len)) ||
		record.limit_count > LEDGER_WINDOWS_MAX || key_len > LEDGER_KEY_MAX ||
		record.seq > SEQ_MAX || record.now > TIME_MAX ||
		!read_bytes(&r, record.limits, record.limit_count * sizeof(record.limits[0])) ||
		(size_t)(r.end - r.at) != key_len)
		return -1;
	for (size_t i = 0; i < record.limit_count; i++) {
		if (record.limits[i].seconds == 0)
			return -1;
	}
	record.key = (const char *)r.at;
	record.key_len = key_len;
	*record_r = record;
	return 0;
}

/* ---- repeating records -------------------------------------------------------- */

/* Make the windows of a record. Returns 0, or -1 when out of memory. */
static int repeat_windows(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct ledger_record *record)
{
	struct counter *counter;

	for (size_t i = 0; i < record->limit_count; i++) {
		counter = entry_counter(shard, entry, record->limits[i].seconds, record->now);
		if (counter == NULL)
			return -1;
		counter->limit = record->limits[i].count;
		counter->named = (uint32_t)(record->now / 1000000);
	}
	return 0;
}

static void repeat_change(struct ledger_shard *shard, struct ledger_entry *entry,
	const struct ledger_record *record)
{
	entry->open -= record->released < entry->open ? record->released : entry->open;
	switch (record->change) {
	case LEDGER_CHARGED:
	case LEDGER_COMMITTED:
		entry_force_add(shard, entry, record->now, record->amount);
		break;
	case LEDGER_RESERVED:
		entry->open = record->amount > UINT32_MAX - entry->open ?
			UINT32_MAX :
			entry->open + record->amount;
		break;
	case LEDGER_GIVEN_BACK:
		if (record->amount > 0 && record->attempts > 0)
			entry_add_attempts(shard, entry, record->now, record->amount,
				record->attempts);
		break;
	case LEDGER_FORGOTTEN:
	case LEDGER_RESTARTED:
		break;
	}
	entry->seq = record->seq;
}

/* Repeat the change of one key, whose shard is locked. */
static int repeat_record(struct ledger_shard *shard, uint64_t hash,
	const struct ledger_record *record)
{
	struct ledger_entry *entry = shard_find(shard, hash, record->key, record->key_len);

	if (entry != NULL && entry->seq >= record->seq)
		return 0;
	if (record->change == LEDGER_FORGOTTEN) {
		if (entry != NULL)
			entry_forget(shard, entry);
		return 0;
	}
	if (entry == NULL && (entry = shard_add(shard, hash, record->key, record->key_len)) != NULL)
		entry_set_origin(shard, entry, &record->origin);
	if (entry == NULL || repeat_windows(shard, entry, record) != 0)
		return -1;
	repeat_change(shard, entry, record);
	return 0;
}

int ledger_restore_record(struct ledger *ledger, const struct ledger_record *record)
{
	uint64_t hash = ledger_hash(record->key, record->key_len);
	struct ledger_shard *shard = ledger_shard_of(ledger, hash);
	int ret;

	if (record->key_len > LEDGER_KEY_MAX || record->limit_count > LEDGER_WINDOWS_MAX)
		return -1;
	raise_seq(ledger, record->seq);
	if (record->change == LEDGER_RESTARTED) {
		ledger_restart_before(ledger, record->seq, record->now);
		return 0;
	}
	(void)pthread_mutex_lock(&shard->lock);
	ret = repeat_record(shard, hash, record);
	(void)pthread_mutex_unlock(&shard->lock);
	return ret;
}

/* ---- the time of the newest charge ------------------------------------------ */

static uint64_t newest_of(const struct counter *counters, uint8_t count)
{
	uint64_t newest = 0, start;

	for (uint8_t i = 0; i < count; i++) {
		const struct counter *counter = &counters[i];

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
				start = newest_of(e->counters, e->count);
				newest = start > newest ? start : newest;
				start = newest_of(e->attempts, e->attempt_count);
				newest = start > newest ? start : newest;
			}
		}
		(void)pthread_mutex_unlock(&ledger->shards[i].lock);
	}
	return newest;
}
