/*
 * The files of a ledger in memory, for the tests that compare a ledger with a model. Owns the
 * files; any thread may save.
 */
#include "t/unit/lib/memory_files.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/rules/ledger_format.h"

static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;
static struct strbuf saved_keys, saved_records; /* each piece after its length */

_Thread_local bool memory_files_fail;
_Thread_local char memory_files_last[128];

static void add_piece(struct strbuf *buf, const void *bytes, size_t len)
{
	const uint32_t size = (uint32_t)len;

	strbuf_add(buf, (const char *)&size, sizeof(size));
	strbuf_add(buf, bytes, len);
}

int memory_files_save(void *context, const struct ledger_record *records, size_t count)
{
	struct strbuf buf = STRBUF_INIT;

	(void)context;
	if (memory_files_fail)
		return -1;
	(void)pthread_mutex_lock(&files_lock);
	for (size_t i = 0; i < count; i++) {
		strbuf_reset(&buf);
		ledger_record_encode(&records[i], &buf);
		add_piece(&saved_records, buf.text, buf.len);
		(void)snprintf(memory_files_last, sizeof(memory_files_last), "%.*s",
			(int)records[i].key_len, records[i].key);
	}
	(void)pthread_mutex_unlock(&files_lock);
	strbuf_free(&buf);
	return 0;
}

static void save_key(void *context, const void *bytes, size_t len)
{
	add_piece(context, bytes, len);
}

void memory_files_checkpoint(struct ledger *ledger, uint64_t now, bool fails)
{
	struct ledger_pass pass = { .shard = 0 };
	struct strbuf keys = STRBUF_INIT, key = STRBUF_INIT, records = STRBUF_INIT;
	size_t before;

	(void)pthread_mutex_lock(&files_lock);
	before = saved_records.len;
	(void)pthread_mutex_unlock(&files_lock);
	while (ledger_write_some(ledger, &pass, now, &key, save_key, &keys))
		;
	if (!fails) {
		(void)pthread_mutex_lock(&files_lock);
		strbuf_free(&saved_keys);
		saved_keys = keys;
		keys = (struct strbuf)STRBUF_INIT;
		if (saved_records.len > before)
			strbuf_add(&records, saved_records.text + before,
				saved_records.len - before);
		strbuf_free(&saved_records);
		saved_records = records;
		(void)pthread_mutex_unlock(&files_lock);
	}
	strbuf_free(&keys);
	strbuf_free(&key);
}

static const char *next_piece(const struct strbuf *buf, size_t *at, uint32_t *len_r)
{
	const char *piece;

	if (*at == buf->len)
		return NULL;
	memcpy(len_r, buf->text + *at, sizeof(*len_r));
	piece = buf->text + *at + sizeof(*len_r);
	*at += sizeof(*len_r) + *len_r;
	return piece;
}

void memory_files_load(struct ledger *ledger)
{
	struct ledger_record record;
	const char *piece;
	uint32_t len;
	size_t at = 0;

	ledger_expect(ledger, saved_keys.len / 100);
	while ((piece = next_piece(&saved_keys, &at, &len)) != NULL)
		ck_assert_int_eq(ledger_restore_key(ledger, LEDGER_VERSION, piece, len), 0);
	at = 0;
	while ((piece = next_piece(&saved_records, &at, &len)) != NULL) {
		ck_assert_int_eq(ledger_record_decode(LEDGER_VERSION, piece, len, &record), 0);
		ck_assert_int_eq(ledger_restore_record(ledger, &record), 0);
	}
}

void memory_files_free(void)
{
	strbuf_free(&saved_keys);
	strbuf_free(&saved_records);
}

size_t memory_files_checkpoint_size(void)
{
	return saved_keys.len;
}
