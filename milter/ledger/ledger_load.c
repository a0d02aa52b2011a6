/*
 * Loading the ledger at the start, from its checkpoint and its journals. Runs on the starting
 * thread, before others use the ledger; owns nothing between calls.
 */
#include "milter/ledger/ledger_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/file.h"
#include "lib/rules/ledger_format.h"

#define FILE_SIZE_MAX (UINT64_C(16) << 30)

static int out_of_memory(const char *path, struct errmsg *err)
{
	return errmsg_set(err, "%s: out of memory", path);
}

/* ---- reading frames --------------------------------------------------------------- */

struct loading {
	struct ledger *ledger;
	struct ledger_loaded *loaded;
	struct problems *problems;
	uint64_t *journals;
	size_t count, size;
	bool failed;
	bool changes_nothing; /* a daemon may be using the files */
};

static void load_moment(struct loading *l, const struct frame *frame)
{
	struct frame_moment moment;

	if (frame->len != sizeof(moment))
		return;
	memcpy(&moment, frame->body, sizeof(moment));
	if (!l->loaded->has_moment || moment.now >= l->loaded->moment.now)
		l->loaded->moment = moment;
	l->loaded->has_moment = true;
}

static void note_time(struct ledger_loaded *loaded, uint64_t now)
{
	if (now > loaded->newest)
		loaded->newest = now;
}

static bool load_record(struct loading *l, enum ledger_version version, const struct frame *frame)
{
	struct ledger_record record;

	if (ledger_record_decode(version, frame->body, frame->len, &record) != 0)
		return false;
	note_time(l->loaded, record.now);
	return ledger_restore_record(l->ledger, &record) == 0;
}

/* Returns false when the frame's body does not fit its type. */
static bool load_frame(struct loading *l, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_MOMENT:
		load_moment(l, frame);
		return true;
	case FRAME_KEY:
		return ledger_restore_key(l->ledger, LEDGER_VERSION, frame->body, frame->len) == 0;
	case FRAME_KEY_1:
		return ledger_restore_key(l->ledger, LEDGER_VERSION_1, frame->body, frame->len) ==
			0;
	case FRAME_RECORD:
		return load_record(l, LEDGER_VERSION, frame);
	case FRAME_RECORD_1:
		return load_record(l, LEDGER_VERSION_1, frame);
	case FRAME_HEAD:
	case FRAME_END:
		return true;
	}
	return false;
}

static void load_frames(struct loading *l, const char *path, const char *text, size_t len)
{
	struct frame_scan scan = { .at = text, .end = text + len };
	struct frame frame;
	size_t bad = 0;

	while (frame_next(&scan, &frame))
		bad += !load_frame(l, &frame);
	/* A charge is answered only after it was written, and a checkpoint is renamed only then. */
	if (scan.torn > 0 && !l->changes_nothing)
		problems_note(l->problems,
			"%s: the last %zu bytes are torn, because postern or the system ended "
			"while they were written; the rest is used",
			path, scan.torn);
	if (scan.lost > scan.torn)
		problems_add(l->problems, "%s: %zu bytes are damaged; the rest is used", path,
			scan.lost - scan.torn);
	if (bad > 0)
		problems_add(l->problems, "%s: %zu entries cannot be read; the rest is used", path,
			bad);
}

/* ---- checkpoints ---------------------------------------------------------------------- */

enum checkpoint_state { CHECKPOINT_GOOD, CHECKPOINT_MISSING, CHECKPOINT_BAD };

/* Return whether the file has a head and an end, and every frame between them. */
static bool is_whole(const char *text, size_t len, struct frame_head *head_r)
{
	struct frame_scan scan = { .at = text, .end = text + len };
	uint64_t keys = 0, expected = UINT64_MAX;
	struct frame frame;

	if (!frame_next(&scan, &frame) || frame.type != FRAME_HEAD || frame.len != sizeof(*head_r))
		return false;
	memcpy(head_r, frame.body, sizeof(*head_r));
	while (frame_next(&scan, &frame)) {
		keys += frame.type == FRAME_KEY || frame.type == FRAME_KEY_1;
		if (frame.type == FRAME_END && frame.len == sizeof(expected))
			memcpy(&expected, frame.body, sizeof(expected));
	}
	return (head_r->version == 1 || head_r->version == FRAME_VERSION) && scan.lost == 0 &&
		keys == expected;
}

static enum checkpoint_state read_checkpoint(const char *path, char **text_r, size_t *len_r,
	struct frame_head *head_r, struct problems *problems)
{
	struct errmsg err = { "" };

	*text_r = NULL;
	switch (file_read(path, FILE_SIZE_MAX, text_r, len_r, NULL, &err)) {
	case FILE_MISSING:
		return CHECKPOINT_MISSING;
	case FILE_READ:
		if (is_whole(*text_r, *len_r, head_r))
			return CHECKPOINT_GOOD;
		problems_add(problems, "%s: the file is torn, damaged or of another version", path);
		return CHECKPOINT_BAD;
	case FILE_FAILED:
		break;
	}
	problems_add(problems, "%s", err.text);
	return CHECKPOINT_BAD;
}

static void rename_damaged(const char *path, struct problems *problems)
{
	char *bad;

	if (asprintf(&bad, "%s.bad", path) < 0)
		return;
	if (rename(path, bad) == 0)
		problems_add(problems, "%s: renamed to %s", path, bad);
	free(bad);
}

/*
 * Load the checkpoint. If it is damaged, load the previous one. If both are damaged, load the
 * readable part of the first.
 */
static int load_checkpoint(struct loading *l, const char *path, struct errmsg *err)
{
	struct frame_head head = { .version = 0 }, old_head = { .version = 0 };
	char *prev, *text, *old_text = NULL;
	size_t len = 0, old_len = 0;
	enum checkpoint_state state, old_state;

	if (asprintf(&prev, "%s.prev", path) < 0)
		return out_of_memory(path, err);
	state = read_checkpoint(path, &text, &len, &head, l->problems);
	old_state = read_checkpoint(prev, &old_text, &old_len, &old_head, l->problems);
	l->loaded->checkpoint.previous_journal =
		old_state == CHECKPOINT_GOOD ? old_head.first_journal : 0;
	if (state == CHECKPOINT_GOOD) {
		l->loaded->checkpoint.first_journal = head.first_journal;
		l->loaded->checkpoint.size = len;
		load_frames(l, path, text, len);
	} else if (old_state == CHECKPOINT_GOOD) {
		l->loaded->checkpoint.first_journal = old_head.first_journal;
		load_frames(l, prev, old_text, old_len);
	} else if (text != NULL) {
		load_frames(l, path, text, len);
	}
	if (state == CHECKPOINT_BAD && !l->changes_nothing)
		rename_damaged(path, l->problems);
	free(prev);
	free(text);
	free(old_text);
	return 0;
}

/* ---- all files ------------------------------------------------------------------------------- */

static void note_journal(void *context, uint64_t number, const char *journal)
{
	struct loading *l = context;
	uint64_t *grown;
	size_t size;

	(void)journal;
	if (number > l->loaded->last_journal)
		l->loaded->last_journal = number;
	if (l->count == l->size) {
		size = l->size == 0 ? 8 : l->size * 2;
		if ((grown = realloc(l->journals, size * sizeof(*grown))) == NULL) {
			l->failed = true;
			return;
		}
		l->journals = grown;
		l->size = size;
	}
	l->journals[l->count++] = number;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void load_journal(struct loading *l, const char *path, uint64_t number)
{
	enum file_result result;
	struct errmsg err = { "" };
	char *journal, *text;
	size_t len;

	if (asprintf(&journal, "%s.%" PRIu64, path, number) < 0) {
		l->failed = true;
		return;
	}
	result = file_read(journal, FILE_SIZE_MAX, &text, &len, NULL, &err);
	if (result == FILE_READ) {
		load_frames(l, journal, text, len);
		free(text);
	} else if (result == FILE_FAILED || !l->changes_nothing) {
		problems_add(l->problems, "%s", err.text);
	}
	free(journal);
}

static int load_files(struct loading *l, const char *path, struct errmsg *err)
{
	uint64_t *journals;
	int ret;

	*l->loaded = (struct ledger_loaded){ .has_moment = false };
	if ((ret = load_checkpoint(l, path, err)) == 0)
		ret = ledger_journal_each(path, note_journal, l, err);
	if (ret == 0 && l->count > 0)
		qsort(l->journals, l->count, sizeof(*l->journals), by_number);
	journals = l->journals;
	for (size_t i = 0; ret == 0 && !l->failed && journals != NULL && i < l->count; i++) {
		if (journals[i] >= l->loaded->checkpoint.first_journal)
			load_journal(l, path, journals[i]);
	}
	free(journals);
	note_time(l->loaded, ledger_newest(l->ledger));
	return l->failed ? out_of_memory(path, err) : ret;
}

int ledger_load(const char *path, struct ledger *ledger, struct ledger_loaded *loaded_r,
	struct problems *problems, struct errmsg *err)
{
	struct loading l = { .ledger = ledger, .loaded = loaded_r, .problems = problems };

	return load_files(&l, path, err);
}

int ledger_load_check(const char *path, struct problems *problems, struct errmsg *err)
{
	struct ledger_loaded loaded;
	struct loading l = { .loaded = &loaded, .problems = problems, .changes_nothing = true };
	int ret;

	if ((l.ledger = ledger_new()) == NULL)
		return out_of_memory(path, err);
	ret = load_files(&l, path, err);
	ledger_free(&l.ledger);
	return ret;
}
