/*
 * Fuzzes the journal of a JSON store. In a journal of any bytes, what has no right checksum changes
 * nothing. Lines with right checksums give a store; the journal of its differences from the
 * file gives the same store.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/store/store_changes.h"
#include "lib/store/store_checksum.h"
#include "lib/store/store_format.h"
#include "lib/store/store_journal.h"
#include "t/fuzz/fuzz.h"

#define ROWS                                                                              \
	STORE_HEAD                                                                        \
	"r1\",\"written\":\"2026-01-31T23:59:59Z\",\n\"profiles\":[\n{\"id\":1,\"name\":" \
	"\"staff\"},\n{\"id\":2,\"open\":true}\n],\n\"users\":[\n{\"id\":1,\"username\":" \
	"\"bob\"},\n{\"id\":2,\"username\":\"Eve\",\"profileId\":2}\n],\n"

static const struct store_source source;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void find_checksum(char hex_r[STORE_CHECKSUM_SIZE])
{
	struct store_checksum *checksum = store_checksum_new();

	must(checksum != NULL && store_checksum_add(checksum, ROWS, strlen(ROWS)) == 0 &&
		store_checksum_end(checksum, hex_r) == 0);
	store_checksum_free(&checksum);
}

/* Read the store with the journal. Returns whether it was read. */
static bool read_store(char *journal, size_t len, struct store *store_r)
{
	const struct journal_text text = { .path = "s.journal", .text = journal, .len = len };
	struct strbuf store = STRBUF_INIT;
	char hex[STORE_CHECKSUM_SIZE];
	struct errmsg err;
	bool is_read;

	find_checksum(hex);
	strbuf_addf(&store, ROWS STORE_CHECKSUM "%s\"}\n", hex);
	is_read = store_parse("s", store.text, store.len, &text, &source, store_r, &err) ==
		STORE_READ;
	must(!is_read || store_r->base.end.len <= len);
	strbuf_free(&store);
	return is_read;
}

/* Any bytes. */
static void read_raw(const char *bytes, size_t size)
{
	char *copy = malloc(size + 1), hex[STORE_CHECKSUM_SIZE];
	struct journal journal;
	struct store store;

	must(copy != NULL);
	memcpy(copy, bytes, size);
	find_checksum(hex);
	must(journal_parse(copy, size, hex, &journal) == 0);
	must(journal.end.len + journal.excess == size);
	for (size_t i = 0; i < journal.count; i++)
		must(journal.rows[i].at + journal.rows[i].len <= journal.end.len);
	journal_clear(&journal);
	memcpy(copy, bytes, size);
	if (read_store(copy, size, &store))
		store_clear(&store);
	free(copy);
}

/* Lines, which get their checksums. */
static void read_lines(const char *lines, size_t size)
{
	struct strbuf journal = STRBUF_INIT, changes = STRBUF_INIT;
	struct journal_end end = { 0 };
	struct store store, again, without;
	char hex[STORE_CHECKSUM_SIZE];

	find_checksum(hex);
	journal_frame(&journal, &end, hex, lines, size);
	must(!journal.failed && end.len == journal.len);
	if (read_store(journal.text, journal.len, &store)) {
		/* The changes that lead from the file to that store are a journal, too. */
		must(read_store(NULL, 0, &without));
		if (store_changes_add(&changes, &without, &store, SIZE_MAX) == 0) {
			store_changes_end(&changes, &store);
			end = (struct journal_end){ 0 };
			strbuf_reset(&journal);
			journal_frame(&journal, &end, hex, changes.text, changes.len);
			must(read_store(journal.text, journal.len, &again));
			must(users_count(again.users) == users_count(store.users));
			strbuf_reset(&changes);
			must(store_changes_add(&changes, &again, &store, SIZE_MAX) == 0);
			must(changes.len == 0);
			store_clear(&again);
		}
		store_clear(&store);
		store_clear(&without);
	}
	strbuf_free(&journal);
	strbuf_free(&changes);
}

/* The first byte selects: any bytes, or lines. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return 0;
	if (bytes[0] == 'r')
		read_raw((const char *)bytes + 1, size - 1);
	else
		read_lines((const char *)bytes + 1, size - 1);
	return 0;
}
