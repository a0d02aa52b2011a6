#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/file.h"
#include "lib/rules/ledger_format.h"
#include "milter/ledger/ledger_file_private.h"

#define FILE_SIZE_MAX (UINT64_C(16) << 30)

static int out_of_memory(const char *path, struct errmsg *err)
{
	return errmsg_set(err, "%s: out of memory", path);
}

/* ---- journals ----------------------------------------------------------------- */

/* The number of a journal's name behind "NAME."; 0: it is none. */
static uint64_t number_of(const char *entry, const char *name, size_t name_len)
{
	uint64_t number = 0;
	const char *p = entry + name_len + 1;

	if (strncmp(entry, name, name_len) != 0 || entry[name_len] != '.' || *p < '1' || *p > '9')
		return 0;
	for (; *p >= '0' && *p <= '9' && number < UINT64_MAX / 100; p++)
		number = number * 10 + (uint64_t)(*p - '0');
	return *p == '\0' ? number : 0;
}

int ledger_each_journal(const char *path,
	void (*each)(void *context, uint64_t number, const char *journal), void *context,
	struct errmsg *err)
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	char *folder = slash == NULL ? strdup(".") :
		slash == path	     ? strdup("/") :
				       strndup(path, (size_t)(slash - path));
	struct dirent *entry;
	uint64_t number;
	char *journal;
	DIR *dir;

	if (folder == NULL)
		return out_of_memory(path, err);
	if ((dir = opendir(folder)) == NULL) {
		(void)errmsg_set(err, "%s: %s", folder, strerror(errno));
		free(folder);
		return -1;
	}
	/* cppcheck-suppress readdirCalled ; only its DIR is shared, and this one is not */
	while ((entry = readdir(dir)) != NULL) {
		number = number_of(entry->d_name, name, strlen(name));
		if (number == 0 || asprintf(&journal, "%s.%" PRIu64, path, number) < 0)
			continue;
		each(context, number, journal);
		free(journal);
	}
	(void)closedir(dir);
	free(folder);
	return 0;
}

/* ---- reading frames --------------------------------------------------------------- */

struct loading {
	struct ledger *ledger;
	struct ledger_loaded *loaded;
	struct problems *problems;
	uint64_t *journals;
	size_t count, size;
	bool failed;
};

static void take_moment(struct loading *l, const struct frame *frame)
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
	if (now > loaded->now)
		loaded->now = now;
}

/* Whether it was what it says. */
static bool take_frame(struct loading *l, const struct frame *frame)
{
	struct ledger_record record;

	switch (frame->type) {
	case FRAME_MOMENT:
		take_moment(l, frame);
		return true;
	case FRAME_KEY:
		return ledger_restore_key(l->ledger, frame->body, frame->len) == 0;
	case FRAME_RECORD:
		if (ledger_record_decode(frame->body, frame->len, &record) != 0)
			return false;
		note_time(l->loaded, record.now);
		return ledger_restore_record(l->ledger, &record) == 0;
	case FRAME_HEAD:
	case FRAME_END:
		return true;
	}
	return false;
}

static void take_frames(struct loading *l, const char *path, const char *text, size_t len)
{
	struct frame_scan scan = { .at = text, .end = text + len };
	struct frame frame;
	size_t bad = 0;

	while (frame_next(&scan, &frame))
		bad += !take_frame(l, &frame);
	if (scan.lost > 0)
		problems_add(l->problems, "%s: %zu bytes are torn or damaged; the rest counts",
			path, scan.lost);
	if (bad > 0)
		problems_add(l->problems, "%s: %zu entries can't be read; the rest counts", path,
			bad);
}

/* ---- snapshots ---------------------------------------------------------------------- */

enum snapshot { SNAPSHOT_GOOD, SNAPSHOT_MISSING, SNAPSHOT_BAD };

/* Whether it begins and ends as it should, with nothing lost between. */
static bool is_whole(const char *text, size_t len, struct frame_head *head_r)
{
	struct frame_scan scan = { .at = text, .end = text + len };
	uint64_t keys = 0, said = UINT64_MAX;
	struct frame frame;

	if (!frame_next(&scan, &frame) || frame.type != FRAME_HEAD || frame.len != sizeof(*head_r))
		return false;
	memcpy(head_r, frame.body, sizeof(*head_r));
	while (frame_next(&scan, &frame)) {
		keys += frame.type == FRAME_KEY;
		if (frame.type == FRAME_END && frame.len == sizeof(said))
			memcpy(&said, frame.body, sizeof(said));
	}
	return head_r->version == FRAME_VERSION && scan.lost == 0 && keys == said;
}

static enum snapshot read_snapshot(const char *path, char **text_r, size_t *len_r,
	struct frame_head *head_r, struct problems *problems)
{
	struct errmsg err = { "" };

	*text_r = NULL;
	switch (file_read(path, FILE_SIZE_MAX, text_r, len_r, NULL, &err)) {
	case FILE_MISSING:
		return SNAPSHOT_MISSING;
	case FILE_READ:
		if (is_whole(*text_r, *len_r, head_r))
			return SNAPSHOT_GOOD;
		problems_add(problems, "%s: is torn, damaged or of another version", path);
		return SNAPSHOT_BAD;
	case FILE_FAILED:
		break;
	}
	problems_add(problems, "%s", err.text);
	return SNAPSHOT_BAD;
}

static void move_aside(const char *path, struct problems *problems)
{
	char *bad;

	if (asprintf(&bad, "%s.bad", path) < 0)
		return;
	if (rename(path, bad) == 0)
		problems_add(problems, "%s: moved to %s", path, bad);
	free(bad);
}

/* The snapshot, or else the one before it, or else whatever can be read of the first. */
static int take_snapshot(struct loading *l, const char *path, struct errmsg *err)
{
	struct frame_head head = { .version = 0 }, old_head = { .version = 0 };
	char *prev, *text, *old_text = NULL;
	size_t len = 0, old_len = 0;
	enum snapshot state, old_state;

	if (asprintf(&prev, "%s.prev", path) < 0)
		return out_of_memory(path, err);
	state = read_snapshot(path, &text, &len, &head, l->problems);
	old_state = read_snapshot(prev, &old_text, &old_len, &old_head, l->problems);
	l->loaded->previous_journal = old_state == SNAPSHOT_GOOD ? old_head.first_journal : 0;
	if (state == SNAPSHOT_GOOD) {
		l->loaded->first_journal = head.first_journal;
		l->loaded->snapshot_size = len;
		take_frames(l, path, text, len);
	} else if (old_state == SNAPSHOT_GOOD) {
		l->loaded->first_journal = old_head.first_journal;
		take_frames(l, prev, old_text, old_len);
	} else if (text != NULL) {
		take_frames(l, path, text, len);
	}
	if (state == SNAPSHOT_BAD)
		move_aside(path, l->problems);
	free(prev);
	free(text);
	free(old_text);
	return 0;
}

/* ---- all ------------------------------------------------------------------------------- */

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

static void take_journal(struct loading *l, const char *path, uint64_t number)
{
	struct errmsg err = { "" };
	char *journal, *text;
	size_t len;

	if (asprintf(&journal, "%s.%" PRIu64, path, number) < 0) {
		l->failed = true;
		return;
	}
	if (file_read(journal, FILE_SIZE_MAX, &text, &len, NULL, &err) == FILE_READ) {
		take_frames(l, journal, text, len);
		free(text);
	} else {
		problems_add(l->problems, "%s", err.text);
	}
	free(journal);
}

int ledger_load(const char *path, struct ledger *ledger, struct ledger_loaded *loaded_r,
	struct problems *problems, struct errmsg *err)
{
	struct loading l = { .ledger = ledger, .loaded = loaded_r, .problems = problems };
	uint64_t *journals;
	int ret;

	*loaded_r = (struct ledger_loaded){ .first_journal = 0 };
	if ((ret = take_snapshot(&l, path, err)) == 0)
		ret = ledger_each_journal(path, note_journal, &l, err);
	if (ret == 0 && l.count > 0)
		qsort(l.journals, l.count, sizeof(*l.journals), by_number);
	journals = l.journals;
	for (size_t i = 0; ret == 0 && !l.failed && journals != NULL && i < l.count; i++) {
		if (journals[i] >= loaded_r->first_journal)
			take_journal(&l, path, journals[i]);
	}
	free(journals);
	note_time(loaded_r, ledger_newest(ledger));
	return l.failed ? out_of_memory(path, err) : ret;
}
