/*
 * Feeds bytes to the reader of the ledger's files. What it accepts must survive being written and
 * read again, and must free its windows in time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rules/ledger_format.h"
#include "milter/ledger/ledger_frame.h"
#include "t/fuzz/fuzz.h"

#define SECOND UINT64_C(1000000)

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Turn each piece of the input, which is a type, a length and a body, into a whole frame with the
 * checksum that no fuzzer finds by itself. */
static void make_frames(const uint8_t *bytes, size_t size, struct strbuf *file)
{
	size_t len;

	while (size >= 2) {
		len = bytes[1] < size - 2 ? bytes[1] : size - 2;
		frame_add(file, (enum frame_type)bytes[0], bytes + 2, len);
		bytes += 2 + len;
		size -= 2 + len;
	}
}

/* Returns the latest time in the file. */
static uint64_t restore_file(struct ledger *ledger, const struct strbuf *file)
{
	struct frame_scan scan = { .at = file->text };
	enum ledger_version version;
	struct ledger_record record;
	struct frame frame;
	uint64_t now = 0;

	if (file->len == 0)
		return 0;
	scan.end = file->text + file->len;
	while (frame_next(&scan, &frame)) {
		version = frame.type == FRAME_KEY_1 || frame.type == FRAME_RECORD_1 ?
			LEDGER_VERSION_1 :
			LEDGER_VERSION;
		if (frame.type == FRAME_KEY || frame.type == FRAME_KEY_1)
			(void)ledger_restore_key(ledger, version, frame.body, frame.len);
		else if ((frame.type == FRAME_RECORD || frame.type == FRAME_RECORD_1) &&
			ledger_record_decode(version, frame.body, frame.len, &record) == 0 &&
			ledger_restore_record(ledger, &record) == 0 && record.now > now)
			now = record.now;
	}
	return now > ledger_newest(ledger) ? now : ledger_newest(ledger);
}

static void add_key(void *context, const void *bytes, size_t len)
{
	frame_add(context, FRAME_KEY, bytes, len);
}

struct comparison {
	struct ledger *other;
	uint64_t now;
	const struct ledger_view *view;
	size_t keys;
};

static int same_windows(void *context, const struct ledger_view *view)
{
	const struct ledger_view *other = ((struct comparison *)context)->view;

	must(view->window_count == other->window_count);
	for (size_t i = 0; i < view->window_count; i++) {
		must(view->windows[i].limit.seconds == other->windows[i].limit.seconds);
		must(view->windows[i].limit.count == other->windows[i].limit.count);
		must(view->windows[i].used == other->windows[i].used);
		must(view->windows[i].open == other->windows[i].open);
		must(view->windows[i].attempts == other->windows[i].attempts);
		must(view->windows[i].attempts_max == other->windows[i].attempts_max);
		must(view->windows[i].wait == other->windows[i].wait);
	}
	return 0;
}

static int same_key(void *context, const struct ledger_view *view)
{
	struct comparison *comparison = context;

	comparison->keys++;
	comparison->view = view;
	must(ledger_find(comparison->other, comparison->now, view->key, view->key_len, same_windows,
		comparison));
	return 0;
}

/* The ledger must be the same after it was written and read back. */
static void write_and_read(struct ledger *ledger, uint64_t now)
{
	struct ledger_pass pass = { .shard = 0 };
	struct strbuf file = STRBUF_INIT, buf = STRBUF_INIT;
	struct comparison comparison = { .other = ledger_new(), .now = now };

	must(comparison.other != NULL);
	while (ledger_write_some(ledger, &pass, now, &buf, add_key, &file))
		;
	must(!file.failed);
	(void)restore_file(comparison.other, &file);
	(void)ledger_each(ledger, now, same_key, &comparison);
	must(ledger_size(comparison.other).keys == comparison.keys);
	ledger_free(&comparison.other);
	strbuf_free(&file);
	strbuf_free(&buf);
}

/* A full window must be free again when it is over, whatever the files contained. */
static int frees_in_time(void *context, const struct ledger_view *view)
{
	(void)context;
	for (size_t i = 0; i < view->window_count; i++) {
		const struct ledger_usage *usage = &view->windows[i];
		const uint64_t window = usage->limit.seconds;

		must(usage->open == 0);
		/* Attempts may have been counted in the ticks of a much longer window. */
		must(usage->wait == UINT64_MAX || usage->is_attempts ||
			usage->wait / SECOND <= window + window / 60 + 1);
	}
	return 0;
}

/* The file consists of the pieces as frames, then of the unchanged input. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct strbuf file = STRBUF_INIT;
	struct ledger *ledger = ledger_new();
	uint64_t now;

	must(ledger != NULL);
	make_frames(bytes, size, &file);
	strbuf_add(&file, (const char *)bytes, size);
	must(!file.failed);
	now = restore_file(ledger, &file);
	write_and_read(ledger, now);
	ledger_restart(ledger, now);
	(void)ledger_each(ledger, now, frees_in_time, NULL);
	write_and_read(ledger, now);
	ledger_free(&ledger);
	strbuf_free(&file);
	return 0;
}
