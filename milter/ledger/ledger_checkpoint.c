/*
 * Checkpoints: all keys of the ledger in one file, so that older journals can be removed. Runs on
 * the ledger's thread; owns nothing between calls.
 */
#include "milter/ledger/ledger_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/conf/file_writer.h"
#include "lib/rules/ledger_format.h"
#include "milter/ledger/ledger_frame.h"
#include "milter/log/log.h"

#define WRITE_AT ((size_t)256 << 10) /* bytes of frames that are written at once */

/* Keys as frames. */
struct key_frames {
	struct strbuf frames;
	uint64_t keys; /* so far, including those that were written */
};

static void add_key(void *context, const void *bytes, size_t len)
{
	struct key_frames *frames = context;

	if (bytes == NULL) {
		frames->frames.failed = true;
		return;
	}
	frame_add(&frames->frames, FRAME_KEY, bytes, len);
	frames->keys++;
}

static int write_frames(struct file_writer *writer, struct key_frames *frames, uint64_t *size,
	struct errmsg *err)
{
	int ret;

	if (frames->frames.failed)
		return errmsg_set(err, "out of memory");
	ret = frames->frames.len == 0 ?
		0 :
		file_add(writer, frames->frames.text, frames->frames.len, err);
	*size += frames->frames.len;
	strbuf_reset(&frames->frames);
	return ret;
}

static int write_keys(struct ledger *ledger, const struct ledger_journal *journal,
	struct file_writer *writer, uint64_t *size_r, struct errmsg *err)
{
	const struct frame_head head = { .version = FRAME_VERSION,
		.first_journal = journal->number };
	struct key_frames frames = { .frames = STRBUF_INIT };
	struct strbuf key = STRBUF_INIT;
	struct ledger_pass pass = { .shard = 0 };
	bool goes_on = true;
	uint64_t size = 0;
	int ret = 0;

	frame_add(&frames.frames, FRAME_HEAD, &head, sizeof(head));
	ledger_time_add_moment(journal->time, &frames.frames);
	while (ret == 0 && goes_on) {
		goes_on = ledger_write_some(ledger, &pass, ledger_time_now(journal->time), &key,
			add_key, &frames);
		if (frames.frames.len > WRITE_AT || !goes_on)
			ret = write_frames(writer, &frames, &size, err);
	}
	if (ret == 0) {
		frame_add(&frames.frames, FRAME_END, &frames.keys, sizeof(frames.keys));
		ret = write_frames(writer, &frames, &size, err);
	}
	strbuf_free(&key);
	strbuf_free(&frames.frames);
	*size_r = size;
	return ret;
}

static void remove_unneeded(void *context, uint64_t number, const char *name)
{
	const struct ledger_checkpoint *checkpoint = context;

	if (number < checkpoint->previous_journal && number < checkpoint->first_journal)
		(void)unlink(name);
}

bool ledger_checkpoint_is_lost(const struct ledger_checkpoint *checkpoint, const char *path)
{
	const struct file_stamp *mine = &checkpoint->stamp;
	struct file_stamp there;

	/* The rights may change, as long as the file can be read. */
	return mine->exists &&
		(file_stamp(path, &there, NULL) != 0 || !there.exists || there.dev != mine->dev ||
			there.ino != mine->ino || there.size != mine->size ||
			there.mtime_ns != mine->mtime_ns || access(path, R_OK) != 0);
}

/* Rename a checkpoint that can no longer be read, or what has taken its place, to PATH.bad. */
static int put_aside(struct ledger_checkpoint *checkpoint, const char *path, struct errmsg *err)
{
	const int renamed = file_put_aside(path, err);

	if (renamed == 1)
		(void)errmsg_set(&checkpoint->put_aside,
			"%s could no longer be read, or another file was in its place; it is now "
			"%s.bad, and the counts are written again",
			path, path);
	return renamed < 0 ? -1 : 0;
}

/* Begin the journal that follows the checkpoint, unless an attempt that failed has begun it. */
static int begin_journal(struct ledger_checkpoint *checkpoint, struct ledger_journal *journal,
	struct errmsg *err)
{
	if (checkpoint->has_journal && !ledger_journal_is_lost(journal))
		return 0;
	if (ledger_journal_begin(journal, journal->number, err) != 0)
		return -1;
	checkpoint->has_journal = true;
	return 0;
}

/* Write a checkpoint; with keeps, PATH becomes PATH.prev. Returns 0, or -1 with err set. */
static int write_checkpoint(struct ledger_checkpoint *checkpoint, struct ledger *ledger,
	struct ledger_journal *journal, bool keeps, struct errmsg *err)
{
	const char *path = journal->path;
	struct file_writer *writer = file_begin(path, err);
	struct file_stamp before = { .exists = false };
	uint64_t size;

	if (writer == NULL)
		return -1;
	/* Once the journal has begun, the memory holds every record of the older ones. */
	if (begin_journal(checkpoint, journal, err) != 0 ||
		write_keys(ledger, journal, writer, &size, err) != 0) {
		file_abandon(&writer);
		return -1;
	}
	(void)file_stamp(path, &before, NULL);
	if (file_commit(&writer, keeps, &checkpoint->stamp, err) != 0)
		return -1;
	if (before.exists && keeps)
		checkpoint->previous_journal = checkpoint->first_journal;
	checkpoint->first_journal = journal->number;
	checkpoint->size = size;
	checkpoint->has_journal = false;
	return ledger_journal_each(path, remove_unneeded, checkpoint, err);
}

/*
 * If there is no room for a checkpoint, remove what is kept only in case PATH is damaged: PATH.prev
 * and the journals that PATH does not need. Otherwise they could fill the disk for ever, because
 * only a checkpoint makes them unneeded. Returns whether anything was removed. PATH must be intact.
 */
static bool make_room(struct ledger_checkpoint *checkpoint, struct ledger *ledger, const char *path)
{
	bool had_journals = checkpoint->previous_journal < checkpoint->first_journal, had_previous;
	struct errmsg unused;
	char *prev;

	if (file_has_room(path, ledger_size(ledger).bytes) || asprintf(&prev, "%s.prev", path) < 0)
		return false;
	had_previous = unlink(prev) == 0;
	free(prev);
	if (!had_previous && !had_journals)
		return false;
	log_event(LOG_LEVEL_WARNING, "limits previous-checkpoint=removed reason=no-space");
	checkpoint->previous_journal = checkpoint->first_journal;
	return ledger_journal_each(path, remove_unneeded, checkpoint, &unused) == 0;
}

int ledger_checkpoint_write(struct ledger_checkpoint *checkpoint, struct ledger *ledger,
	struct ledger_journal *journal, struct errmsg *err)
{
	const char *path = journal->path;
	const bool keeps = !ledger_checkpoint_is_lost(checkpoint, path);

	if (!keeps && put_aside(checkpoint, path, err) != 0)
		return -1;
	if (write_checkpoint(checkpoint, ledger, journal, keeps, err) == 0)
		return 0;
	if (!keeps || !checkpoint->stamp.exists || !make_room(checkpoint, ledger, path))
		return -1;
	err->text[0] = '\0';
	return write_checkpoint(checkpoint, ledger, journal, keeps, err);
}
