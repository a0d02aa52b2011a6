/*
 * Writes users and profiles as a JSON store, one row per line, and never overwrites a file that it
 * did not write. Holds no state; any thread. t/unit/test_store_read.c covers it.
 */
#include "lib/store/store_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/conf/file_writer.h"
#include "lib/store/journal_file.h"
#include "lib/store/store_checksum.h"
#include "lib/store/store_format.h"
#include "lib/store/store_row.h"
#include "lib/store/store_text.h"

#define CHUNK (64u << 10) /* bytes to collect before writing */

struct writing {
	const char *path;
	struct file_writer *file;
	struct store_checksum *checksum;
	struct strbuf text;
	struct errmsg *err;
	bool has_row; /* the present table has rows */
	struct store_base base;
};

static int flush_text(struct writing *w)
{
	if (w->text.failed)
		return errmsg_set(w->err, "%s: out of memory", w->path);
	if (w->file == NULL)
		return 0; /* the text is wanted */
	if (store_checksum_add(w->checksum, w->text.text, w->text.len) < 0)
		return errmsg_set(w->err, "%s: its checksum cannot be computed", w->path);
	if (file_add(w->file, w->text.text, w->text.len, w->err) < 0)
		return -1;
	strbuf_reset(&w->text);
	return 0;
}

/* Begin a row in its own line. */
static void begin_row(struct writing *w)
{
	strbuf_add_str(&w->text, w->has_row ? ",\n" : "\n");
}

static int end_row(struct writing *w)
{
	w->has_row = true;
	return w->text.len < CHUNK && !w->text.failed ? 0 : flush_text(w);
}

static void begin_table(struct writing *w, enum store_table table)
{
	strbuf_addf(&w->text, "\"%s\":[", store_table_name(table));
	w->has_row = false;
}

static void end_table(struct writing *w)
{
	strbuf_add_str(&w->text, "\n],\n");
}

static int write_profile(struct writing *w, const struct profile *profile)
{
	begin_row(w);
	store_text_profile(&w->text, profile);
	return end_row(w);
}

static int write_bad_profile(void *context, const char *id, size_t len)
{
	struct writing *w = context;

	begin_row(w);
	store_text_bad_profile(&w->text, id, len);
	return end_row(w);
}

static int write_user(void *context, const struct user *user)
{
	struct writing *w = context;

	begin_row(w);
	store_text_user(&w->text, user);
	return end_row(w);
}

static int write_head(struct writing *w, const struct store *store)
{
	const char *revision = store->revision != NULL ? store->revision : "";

	strbuf_add_str(&w->text, STORE_FORMAT_MEMBER);
	store_text_state(&w->text, revision, store->written);
	strbuf_add_str(&w->text, ",\n");
	if (utf8_valid_len(revision, strlen(revision)) < strlen(revision))
		return errmsg_set(w->err, "%s: the revision is not UTF-8", w->path);
	return 0;
}

static int write_tables(struct writing *w, const struct profiles *profiles,
	const struct users *users)
{
	size_t i;

	begin_table(w, STORE_PROFILES);
	for (i = 0; profiles != NULL && i < profiles_count(profiles); i++)
		if (write_profile(w, profiles_at(profiles, i)) < 0)
			return -1;
	if (profiles != NULL && profiles_each_bad(profiles, write_bad_profile, w) < 0)
		return -1;
	end_table(w);
	begin_table(w, STORE_USERS);
	if (users != NULL && users_each(users, write_user, w) < 0)
		return -1;
	end_table(w);
	return flush_text(w);
}

static int write_checksum(struct writing *w)
{
	char line[STORE_CHECKSUM_SIZE + 32];

	if (store_checksum_end(w->checksum, w->base.checksum) < 0)
		return errmsg_set(w->err, "%s: its checksum cannot be computed", w->path);
	(void)text_format(line, sizeof(line), STORE_CHECKSUM "%s\"}\n", w->base.checksum);
	return file_add(w->file, line, strlen(line), w->err);
}

static int write_all(struct writing *w, const struct store *store)
{
	if (w->checksum == NULL)
		return errmsg_set(w->err, "%s: out of memory", w->path);
	if (write_head(w, store) < 0 || write_tables(w, store->profiles, store->users) < 0)
		return -1;
	return write_checksum(w);
}

int store_print(const char *path, const struct store *store, struct strbuf *text_r,
	struct errmsg *err)
{
	struct writing w = { .path = path, .err = err };

	if (write_head(&w, store) < 0 || write_tables(&w, store->profiles, store->users) < 0) {
		strbuf_free(&w.text);
		return -1;
	}
	w.text.len -= strlen(",\n");
	strbuf_add_str(&w.text, "}\n");
	*text_r = w.text;
	return 0;
}

/* The file at the path of the store. */
enum present { PRESENT_NOTHING, PRESENT_STORE, PRESENT_TORN, PRESENT_FOREIGN };

/* Examine only the first and last bytes, because the file may have hundreds of megabytes. */
static enum present find_present(const char *path)
{
	char head[sizeof(STORE_HEAD) - 1], tail[sizeof(STORE_CHECKSUM) - 1];
	const off_t tail_len = (off_t)sizeof(tail) + (STORE_CHECKSUM_SIZE - 1) + 3; /* "} and LF */
	enum present present = PRESENT_FOREIGN;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT ? PRESENT_NOTHING : PRESENT_FOREIGN;
	if (fstat(fd, &st) == 0 && st.st_size == 0)
		present = PRESENT_TORN;
	else if (pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
		memcmp(head, STORE_HEAD, sizeof(head)) == 0)
		present = st.st_size > tail_len &&
				pread(fd, tail, sizeof(tail), st.st_size - tail_len) ==
					(ssize_t)sizeof(tail) &&
				memcmp(tail, STORE_CHECKSUM, sizeof(tail)) == 0 ?
			PRESENT_STORE :
			PRESENT_TORN;
	(void)close(fd);
	return present;
}

/* Give a file another name, and let it keep its own until it is replaced, so that a failure or a
 * crash meanwhile leaves a store. Returns 0, or -1 with errno set. */
static int add_name(const char *path, const char *saved)
{
	struct stat st, present;

	if (link(path, saved) == 0 ||
		(errno == EEXIST && lstat(path, &st) == 0 && lstat(saved, &present) == 0 &&
			st.st_dev == present.st_dev && st.st_ino == present.st_ino))
		return 0;
	return rename(path, saved); /* not every file system has links */
}

/* Keep a file that store_write() did not write under another name. */
static int set_aside(const char *path, int64_t written, struct problems *problems,
	struct errmsg *err)
{
	char *saved;
	int ret = 0;

	if (asprintf(&saved, "%s.saved-%lld", path, (long long)written) < 0)
		return errmsg_set(err, "%s: out of memory", path);
	if (add_name(path, saved) < 0)
		ret = errmsg_set(err, "%s: %s", saved, strerror(errno));
	else
		problems_note(problems, "%s: was not written by Postern; it is kept as %s", path,
			saved);
	free(saved);
	return ret;
}

/* Return whether the file and its journal are still those that may be replaced, if only these may
 * be. */
static bool may_replace(const char *path, const struct store_base *only)
{
	struct file_stamp now;

	return only == NULL ||
		(file_stamp(path, &now, NULL) == 0 && file_stamp_equal(&now, &only->file) &&
			journal_file_is_that_of(path, only));
}

int store_write_over(const char *path, const struct store *store, const struct store_base *only,
	struct store_base *base_r, struct problems *problems, struct errmsg *err)
{
	struct writing w = {
		.path = path,
		.err = err,
	};
	enum present present;
	int ret = -1;

	w.checksum = store_checksum_new();
	if ((w.file = file_begin(path, err)) == NULL || write_all(&w, store) < 0)
		goto out;
	if (!may_replace(path, only)) { /* writing has taken its time */
		ret = 0;
		goto out;
	}
	present = find_present(path);
	if (present == PRESENT_FOREIGN && set_aside(path, store->written, problems, err) < 0)
		goto out;
	if (present == PRESENT_STORE)
		journal_file_forget_prev(path);
	ret = file_commit(&w.file, present == PRESENT_STORE, &w.base.file, err) == 0 ? 1 : -1;
	if (ret > 0)
		journal_file_retire(path, present == PRESENT_STORE);
	if (ret > 0 && base_r != NULL)
		*base_r = w.base;
out:
	file_abandon(&w.file);
	store_checksum_free(&w.checksum);
	strbuf_free(&w.text);
	return ret;
}

int store_write(const char *path, const struct store *store, struct store_base *base_r,
	struct problems *problems, struct errmsg *err)
{
	return store_write_over(path, store, NULL, base_r, problems, err) < 0 ? -1 : 0;
}
