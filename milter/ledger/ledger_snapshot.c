#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf/file.h"
#include "lib/rules/ledger_format.h"
#include "milter/ledger/ledger_file_private.h"

/* ---- journals ------------------------------------------------------------------ */

static int open_journal(const struct ledger_file *file, uint64_t number, uint64_t *size_r,
	struct errmsg *err)
{
	struct strbuf buf = STRBUF_INIT;
	char *path;
	int fd = -1;

	if (asprintf(&path, "%s.%" PRIu64, file->path, number) < 0)
		return errmsg_set(err, "%s: out of memory", file->path);
	ledger_add_moment(file, &buf);
	*size_r = buf.len;
	if (!buf.failed)
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (fd < 0 || write(fd, buf.text, buf.len) != (ssize_t)buf.len || fsync(fd) != 0) {
		(void)errmsg_set(err, "%s: %s", path, strerror(errno));
		if (fd >= 0) {
			(void)close(fd);
			(void)unlink(path);
		}
		fd = -1;
	}
	strbuf_free(&buf);
	free(path);
	return fd;
}

int ledger_begin_journal(struct ledger_file *file, struct errmsg *err)
{
	uint64_t size = 0;
	int old, fd = open_journal(file, file->number + 1, &size, err);

	if (fd < 0)
		return -1;
	(void)pthread_mutex_lock(&file->lock);
	old = file->fd;
	file->fd = fd;
	file->size = size;
	file->is_dirty = false;
	file->error.text[0] = '\0';
	(void)pthread_mutex_unlock(&file->lock);
	file->number++;
	if (old >= 0) {
		(void)fdatasync(old);
		(void)close(old);
	}
	return 0;
}

/* ---- a snapshot ----------------------------------------------------------------- */

/* A shard's keys as frames. */
struct gathering {
	struct strbuf frames;
	uint64_t keys;
};

static void gather(void *context, const void *bytes, size_t len)
{
	struct gathering *g = context;

	if (bytes == NULL) {
		g->frames.failed = true;
		return;
	}
	frame_add(&g->frames, FRAME_KEY, bytes, len);
	g->keys++;
}

static int write_out(struct file_writer *writer, struct gathering *g, uint64_t *size,
	struct errmsg *err)
{
	int ret;

	if (g->frames.failed)
		return errmsg_set(err, "out of memory");
	ret = g->frames.len == 0 ? 0 : file_add(writer, g->frames.text, g->frames.len, err);
	*size += g->frames.len;
	strbuf_reset(&g->frames);
	return ret;
}

static int write_all(const struct ledger_file *file, struct file_writer *writer, uint64_t *size_r,
	struct errmsg *err)
{
	const struct frame_head head = { .version = FRAME_VERSION, .first_journal = file->number };
	struct gathering g = { .frames = STRBUF_INIT };
	struct strbuf key = STRBUF_INIT;
	uint64_t size = 0;
	int ret = 0;

	frame_add(&g.frames, FRAME_HEAD, &head, sizeof(head));
	ledger_add_moment(file, &g.frames);
	for (size_t i = 0; i < LEDGER_SHARDS && ret == 0; i++) {
		ledger_write_shard(file->ledger, i, ledger_file_now(file), &key, gather, &g);
		ret = write_out(writer, &g, &size, err);
	}
	if (ret == 0) {
		frame_add(&g.frames, FRAME_END, &g.keys, sizeof(g.keys));
		ret = write_out(writer, &g, &size, err);
	}
	strbuf_free(&key);
	strbuf_free(&g.frames);
	*size_r = size;
	return ret;
}

static void remove_old(void *context, uint64_t number, const char *journal)
{
	const struct ledger_file *file = context;

	if (number < file->previous_journal && number < file->first_journal)
		(void)unlink(journal);
}

int ledger_file_snapshot(struct ledger_file *file, struct errmsg *err)
{
	struct file_writer *writer;
	struct file_stamp stamp = { .exists = false };
	uint64_t size;

	if (file->fd < 0)
		return errmsg_set(err, "there is no file of the counts");
	if (ledger_begin_journal(file, err) != 0)
		return -1;
	/* From here on: what is in an older journal is in memory, and so in the snapshot. */
	if ((writer = file_begin(file->path, err)) == NULL)
		return -1;
	if (write_all(file, writer, &size, err) != 0) {
		file_abandon(&writer);
		return -1;
	}
	(void)file_stamp(file->path, &stamp, NULL);
	if (file_commit(&writer, true, NULL, err) != 0)
		return -1;
	if (stamp.exists)
		file->previous_journal = file->first_journal;
	file->first_journal = file->number;
	file->snapshot_size = size;
	return ledger_each_journal(file->path, remove_old, file, err);
}
