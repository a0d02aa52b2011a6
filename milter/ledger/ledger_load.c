/*
 * Loading the ledger at the start, from its checkpoint and its journals. Runs on the starting
 * thread, before others use the ledger; owns nothing between calls.
 */
#include "milter/ledger/ledger_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/rules/ledger_format.h"
#include "milter/ledger/frame_file.h"

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
	size_t bad; /* frames of the file whose body does not fit their type */
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

static bool load_record(struct loading *l, enum ledger_version version, const struct frame *frame)
{
	struct ledger_record record;

	return ledger_record_decode(version, frame->body, frame->len, &record) == 0 &&
		ledger_restore_record(l->ledger, &record) == 0;
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

static void load_or_count(void *context, const struct frame *frame)
{
	struct loading *l = context;

	l->bad += !load_frame(l, frame);
}

/* Load the frames of a file, and report damage. Any other result than FILE_READ sets err. */
static enum file_result load_frames(struct loading *l, const char *path, struct errmsg *err)
{
	struct frame_totals totals;
	enum file_result result;

	l->bad = 0;
	result = frame_file_each(path, load_or_count, l, &totals, err);
	if (result != FILE_READ)
		return result;
	/* A charge is answered only after it was written, and a checkpoint is renamed only then. */
	if (totals.torn > 0 && !l->changes_nothing)
		problems_note(l->problems,
			"%s: the last %zu bytes are torn, because postern or the system ended "
			"while they were written; the rest is used",
			path, totals.torn);
	if (totals.lost > totals.torn)
		problems_add(l->problems, "%s: %zu bytes are damaged; the rest is used", path,
			totals.lost - totals.torn);
	if (l->bad > 0)
		problems_add(l->problems, "%s: %zu entries cannot be read; the rest is used", path,
			l->bad);
	return FILE_READ;
}

/* ---- checkpoints ---------------------------------------------------------------------- */

enum checkpoint_state { CHECKPOINT_GOOD, CHECKPOINT_MISSING, CHECKPOINT_BAD };

/* What a checkpoint contains. */
struct checkpoint_content {
	bool is_read; /* to its end */
	bool has_head;
	struct frame_head head;
	struct frame_totals totals;
	size_t frames;
	uint64_t keys, expected;
};

static void look_at_frame(void *context, const struct frame *frame)
{
	struct checkpoint_content *file = context;

	if (file->frames++ == 0 && frame->type == FRAME_HEAD && frame->len == sizeof(file->head)) {
		memcpy(&file->head, frame->body, sizeof(file->head));
		file->has_head = true;
	}
	file->keys += frame->type == FRAME_KEY || frame->type == FRAME_KEY_1;
	if (frame->type == FRAME_END && frame->len == sizeof(file->expected))
		memcpy(&file->expected, frame->body, sizeof(file->expected));
}

/* Return whether the file has a head and an end, and every frame between them. */
static bool is_whole(const struct checkpoint_content *file)
{
	return file->has_head && (file->head.version == 1 || file->head.version == FRAME_VERSION) &&
		file->totals.lost == 0 && file->keys == file->expected;
}

/* Look whether a checkpoint is good, before anything of it is loaded. */
static enum checkpoint_state read_checkpoint(const char *path, struct checkpoint_content *file_r,
	struct problems *problems)
{
	struct errmsg err = { "" };

	*file_r = (struct checkpoint_content){ .expected = UINT64_MAX };
	switch (frame_file_each(path, look_at_frame, file_r, &file_r->totals, &err)) {
	case FILE_MISSING:
		return CHECKPOINT_MISSING;
	case FILE_READ:
		file_r->is_read = true;
		if (is_whole(file_r))
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

static void load_keys(struct loading *l, const char *path, const struct checkpoint_content *file)
{
	struct errmsg err = { "" };

	ledger_expect(l->ledger, file->keys);
	if (load_frames(l, path, &err) != FILE_READ)
		problems_add(l->problems, "%s", err.text);
}

/*
 * Load the checkpoint. If it is damaged, load the previous one. If both are damaged, load the
 * readable part of the first.
 */
static int load_checkpoint(struct loading *l, const char *path, struct errmsg *err)
{
	struct checkpoint_content file, old;
	enum checkpoint_state state, old_state;
	char *prev;

	if (asprintf(&prev, "%s.prev", path) < 0)
		return out_of_memory(path, err);
	state = read_checkpoint(path, &file, l->problems);
	old_state = read_checkpoint(prev, &old, l->problems);
	l->loaded->checkpoint.previous_journal =
		old_state == CHECKPOINT_GOOD ? old.head.first_journal : 0;
	if (state == CHECKPOINT_GOOD) {
		l->loaded->checkpoint.first_journal = file.head.first_journal;
		l->loaded->checkpoint.size = file.totals.bytes;
		(void)file_stamp(path, &l->loaded->checkpoint.stamp, NULL);
		load_keys(l, path, &file);
	} else if (old_state == CHECKPOINT_GOOD) {
		l->loaded->checkpoint.first_journal = old.head.first_journal;
		load_keys(l, prev, &old);
	} else if (file.is_read) {
		load_keys(l, path, &file);
	}
	/* One that only its permissions make unreadable is left for the next start. */
	if (state == CHECKPOINT_BAD && !l->changes_nothing && access(path, R_OK) == 0)
		rename_damaged(path, l->problems);
	free(prev);
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
	char *journal;

	if (asprintf(&journal, "%s.%" PRIu64, path, number) < 0) {
		l->failed = true;
		return;
	}
	result = load_frames(l, journal, &err);
	if (result == FILE_FAILED || (result == FILE_MISSING && !l->changes_nothing))
		problems_add(l->problems, "%s", err.text);
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
	l->loaded->newest = ledger_newest(l->ledger);
	return l->failed ? out_of_memory(path, err) : ret;
}

int ledger_load(const char *path, bool is_shared, struct ledger *ledger,
	struct ledger_loaded *loaded_r, struct problems *problems, struct errmsg *err)
{
	struct loading l = { .ledger = ledger,
		.loaded = loaded_r,
		.problems = problems,
		.changes_nothing = is_shared };

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
