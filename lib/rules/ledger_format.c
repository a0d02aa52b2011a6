/*
 * Keys and records of the local ledger as bytes, and back; the header describes both forms. Owns
 * nothing. Only the thread that writes checkpoints writes keys; keys are restored before other
 * threads exist.
 */
#include <string.h>

#include "lib/rules/ledger_format.h"
#include "lib/rules/ledger_private.h"

_Static_assert(sizeof(struct ledger_origin) == 7, "the files contain it as it is");

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

/* Copy a field behind the earlier ones; returns where the next one goes. */
static uint8_t *put(uint8_t *at, const void *field, size_t len)
{
	memcpy(at, field, len);
	return at + len;
}

#define PUT(at, field) put(at, &(field), sizeof(field))

#define COUNTER_HEAD 22 /* bytes before the runs */
#define KEY_HEAD 23	/* bytes before the key */
#define RECORD_HEAD 39	/* bytes before the limits */

static void write_counter(const struct counter *counter, struct strbuf *buf)
{
	uint8_t head[COUNTER_HEAD], *at = head;

	at = PUT(at, counter->seconds);
	at = PUT(at, counter->limit);
	at = PUT(at, counter->named);
	at = PUT(at, counter->coarse);
	at = PUT(at, counter->len);
	(void)PUT(at, counter->base);
	strbuf_add(buf, (const char *)head, sizeof(head));
	strbuf_add(buf, (const char *)counter_runs(counter),
		counter->len * sizeof(struct counter_run));
}

static void write_entry(const struct ledger_entry *entry, struct strbuf *buf)
{
	const struct ledger_extra *extra = entry->extra;
	const struct ledger_origin origin = entry_origin(entry);
	const uint8_t attempt_count = extra == NULL ? 0 : extra->attempt_count;
	const uint32_t open = entry_open(entry);
	uint8_t head[KEY_HEAD], *at = head;

	at = PUT(at, entry->seq);
	at = PUT(at, open);
	at = PUT(at, origin);
	at = PUT(at, entry->key_len);
	at = PUT(at, entry->count);
	(void)PUT(at, attempt_count);
	strbuf_add(buf, (const char *)head, sizeof(head));
	strbuf_add(buf, entry_key(entry), entry->key_len);
	for (uint8_t i = 0; i < entry->count; i++)
		write_counter(&entry->counters[i], buf);
	for (uint8_t i = 0; i < attempt_count; i++)
		write_counter(&extra->attempts[i], buf);
}

/* Where the keys of a pass go. */
struct writing {
	struct ledger *ledger;
	struct strbuf *buf;
	ledger_write_fn *add;
	void *context;
};

static int write_visited(void *context, struct ledger_entry *entry, uint64_t now)
{
	const struct writing *writing = context;

	entry_save_open(writing->ledger, entry, now);
	strbuf_reset(writing->buf);
	write_entry(entry, writing->buf);
	writing->add(writing->context, writing->buf->failed ? NULL : writing->buf->text,
		writing->buf->len);
	return 0;
}

bool ledger_write_some(struct ledger *ledger, struct ledger_pass *pass, uint64_t now,
	struct strbuf *buf, ledger_write_fn *add, void *context)
{
	struct writing writing = { ledger, buf, add, context };
	int unused;

	return ledger_pass_on(ledger, pass, now, write_visited, &writing, &unused);
}

/* Returns 0, or -1 when the bytes are not a counter or memory runs out. */
static int read_counter(struct reader *r, struct counter *counter_r)
{
	struct counter counter;
	struct counter_run run;
	uint32_t seconds, last = 0;
	uint8_t len;

	if (!read_bytes(r, &seconds, sizeof(seconds)) || seconds == 0)
		return -1;
	counter_init(&counter, seconds);
	if (!read_bytes(r, &counter.limit, sizeof(counter.limit)) ||
		!read_bytes(r, &counter.named, sizeof(counter.named)) ||
		!read_bytes(r, &counter.coarse, sizeof(counter.coarse)) ||
		!read_bytes(r, &len, sizeof(len)) ||
		!read_bytes(r, &counter.base, sizeof(counter.base)) || len > COUNTER_RUNS_MAX ||
		counter.coarse > COUNTER_LEVELS)
		return -1;
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

/* The origin of a key of version 1, which did not save it. */
static struct ledger_origin origin_of_version_1(const char *key, size_t key_len)
{
	static const char login[] = "login:";
	struct ledger_origin origin = { .family = LEDGER_ORIGIN_UNKNOWN };

	if (key_len >= sizeof(login) - 1 && memcmp(key, login, sizeof(login) - 1) == 0)
		origin.family = 0;
	return origin;
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
	if (is_old)
		head.origin = origin_of_version_1(head.key, head.key_len);
	*head_r = head;
	return true;
}

/* Read the counters that follow the key. The entry has room for them. */
static int read_counters(struct reader *r, struct ledger_shard *shard, struct ledger_entry *entry,
	const struct key_head *head)
{
	struct counter counter;

	for (unsigned i = 0; i < (unsigned)head->count + head->attempt_count; i++) {
		if (read_counter(r, &counter) != 0)
			return -1;
		if ((i < head->count ? entry_add_counter(shard, &entry, &counter) :
				       entry_add_attempts_counter(shard, entry, &counter)) != 0) {
			counter_free(&counter);
			return -1;
		}
	}
	return r->at == r->end ? 0 : -1;
}

/* Raise the newest time to that which the counters prove. */
static void note_counters(struct ledger *ledger, const struct counter *counters, uint8_t count)
{
	for (uint8_t i = 0; i < count; i++) {
		const struct counter *counter = &counters[i];

		if (counter->len > 0)
			ledger_raise_newest(ledger,
				counter_run_start(counter,
					&counter_runs(counter)[counter->len - 1]));
	}
}

static void note_entry(struct ledger *ledger, const struct ledger_entry *entry)
{
	ledger_raise_seq(ledger, entry->seq);
	note_counters(ledger, entry->counters, entry->count);
	for (uint8_t i = 0; i < entry->count; i++) {
		if (ledger_key_is_overflow(entry_key(entry), entry->key_len))
			ledger_note_overflow(ledger, ledger->newest, entry->counters[i].seconds);
	}
	if (entry->extra != NULL)
		note_counters(ledger, entry->extra->attempts, entry->extra->attempt_count);
}

/* Fill a new entry. Returns 0, or -1 when the bytes are not a key or memory runs out. */
static int read_entry(struct reader *r, struct ledger_shard *shard, struct ledger_entry *entry,
	const struct key_head *head)
{
	struct ledger_extra *extra;

	entry->seq = head->seq;
	if (head->open > 0) {
		if ((extra = entry_extra(shard, entry)) == NULL)
			return -1;
		extra->open = head->open;
	}
	return read_counters(r, shard, entry, head);
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
		(entry = shard_add(shard, hash, head.key, head.key_len, &head.origin,
			 head.count)) != NULL) {
		ret = read_entry(&r, shard, entry, &head);
		if (ret != 0)
			shard_remove(shard, entry);
		else
			note_entry(ledger, entry);
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
	uint8_t head[RECORD_HEAD + sizeof(record->limits)], *at = head;

	at = PUT(at, record->seq);
	at = PUT(at, record->now);
	at = PUT(at, record->amount);
	at = PUT(at, record->released);
	at = PUT(at, record->attempts);
	at = PUT(at, record->origin);
	at = PUT(at, key_len);
	at = PUT(at, change);
	at = PUT(at, count);
	at = put(at, record->limits, count * sizeof(record->limits[0]));
	strbuf_add(buf, (const char *)head, (size_t)(at - head));
	strbuf_add(buf, record->key, key_len);
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
	if (version == LEDGER_VERSION_1)
		record.origin = origin_of_version_1(record.key, key_len);
	*record_r = record;
	return 0;
}
