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
#include "lib/base/strmap.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/conf/file_writer.h"
#include "lib/store/store_checksum.h"
#include "lib/store/store_format.h"
#include "lib/store/store_row.h"

#define CHUNK (64u << 10)		   /* bytes to collect before writing */
#define INTEGER_DIGITS_MAX 18		   /* digits that fit every 64-bit integer */
#define BAD_OPEN "a row that was left out" /* a reader leaves the row out again */

struct writing {
	const char *path;
	struct file_writer *file;
	struct store_checksum *checksum;
	struct strbuf text;
	const struct profiles *profiles;
	struct strmap *bad; /* ids of profiles that were left out although users have them */
	struct errmsg *err;
	bool has_row; /* the present table has rows */
};

static int flush_text(struct writing *w)
{
	if (w->text.failed)
		return errmsg_set(w->err, "%s: out of memory", w->path);
	if (store_checksum_add(w->checksum, w->text.text, w->text.len) < 0)
		return errmsg_set(w->err, "%s: its checksum cannot be computed", w->path);
	if (file_add(w->file, w->text.text, w->text.len, w->err) < 0)
		return -1;
	strbuf_reset(&w->text);
	return 0;
}

static void add_string(struct writing *w, const char *text, size_t len)
{
	size_t start = 0, i;

	strbuf_add_char(&w->text, '"');
	for (i = 0; i < len; i++) {
		if ((unsigned char)text[i] >= ' ' && text[i] != '"' && text[i] != '\\')
			continue;
		strbuf_add(&w->text, text + start, i - start);
		if ((unsigned char)text[i] >= ' ')
			strbuf_addf(&w->text, "\\%c", text[i]);
		else
			strbuf_addf(&w->text, "\\u%04x", (unsigned char)text[i]);
		start = i + 1;
	}
	strbuf_add(&w->text, text + start, len - start);
	strbuf_add_char(&w->text, '"');
}

/* Return whether text can be written as a number and read back unchanged: no sign, no leading zero,
 * not too long. */
static bool is_integer(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return len > 0 && len <= INTEGER_DIGITS_MAX && (text[0] != '0' || len == 1);
}

static void add_scalar(struct writing *w, const char *text, size_t len)
{
	if (is_integer(text, len))
		strbuf_add(&w->text, text, len);
	else
		add_string(w, text, len);
}

static void add_key(struct writing *w, const char *name)
{
	bool first = w->text.text[w->text.len - 1] == '{';

	strbuf_add_str(&w->text, first ? "\"" : ",\"");
	strbuf_add_str(&w->text, name);
	strbuf_add_str(&w->text, "\":");
}

static void add_list(struct writing *w, const char *items, size_t len)
{
	size_t at, item;

	strbuf_add_char(&w->text, '[');
	for (at = 0; at < len; at += item + 1) {
		if (at > 0)
			strbuf_add_char(&w->text, ',');
		item = strnlen(items + at, len - at);
		add_string(w, items + at, item);
	}
	strbuf_add_char(&w->text, ']');
}

/* Begin a row in its own line. */
static void begin_row(struct writing *w)
{
	strbuf_add_str(&w->text, w->has_row ? ",\n{" : "\n{");
}

static int end_row(struct writing *w)
{
	strbuf_add_char(&w->text, '}');
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

/* Write a row that a reader leaves out, so that users with this profile may send to nobody. */
static int write_bad_profile(struct writing *w, const char *id)
{
	begin_row(w);
	add_key(w, profile_columns[PROFILE_ID].name);
	add_scalar(w, id, strlen(id));
	add_key(w, profile_columns[PROFILE_OPEN].name);
	add_string(w, BAD_OPEN, strlen(BAD_OPEN));
	return end_row(w);
}

static void add_cell(struct writing *w, enum profile_column column, const struct cell *cell)
{
	bool open;

	if (cell->kind == CELL_NULL)
		return;
	add_key(w, profile_columns[column].name);
	if (cell->kind == CELL_LIST)
		add_list(w, cell->text, cell->len);
	else if (column == PROFILE_OPEN && cell_bool(cell, false, &open) == 0)
		strbuf_add_str(&w->text, open ? "true" : "false");
	else if (column == PROFILE_ID || column == PROFILE_MAXSIZE)
		add_scalar(w, cell->text, cell->len);
	else
		add_string(w, cell->text, cell->len);
}

static int write_profile(struct writing *w, const struct profile *profile)
{
	struct cell cell;
	int column;

	begin_row(w);
	for (column = 0; column < PROFILE_COLUMNS; column++) {
		cell = profile_cell(profile, column);
		add_cell(w, column, &cell);
	}
	return end_row(w);
}

/* For users_each(): write the unusable profile of a user once. */
static int write_if_bad(void *context, const struct user *user)
{
	struct writing *w = context;
	const char *id = user->profile_id;

	if (*id == '\0' || !profiles_is_bad(w->profiles, id) ||
		profiles_by_id(w->profiles, id) != NULL)
		return 0;
	switch (strmap_add(w->bad, id, strlen(id), 0)) {
	case 1:
		return write_bad_profile(w, id);
	case 0:
		return 0;
	default:
		return errmsg_set(w->err, "%s: out of memory", w->path);
	}
}

/* A user whose froms are all unusable must not become one without froms: write an unusable entry.
 */
static void add_froms(struct writing *w, const struct user *user)
{
	static const char unusable[] = "<none of them is usable>";

	if (!user->has_froms)
		return;
	add_key(w, user_columns[USER_FROMS].name);
	if (user->froms_len > 0)
		add_list(w, user->froms, user->froms_len);
	else
		add_list(w, unusable, sizeof(unusable));
}

static int write_user(void *context, const struct user *user)
{
	struct writing *w = context;

	begin_row(w);
	if (*user->id != '\0') {
		add_key(w, user_columns[USER_ID].name);
		add_scalar(w, user->id, strlen(user->id));
	}
	add_key(w, user_columns[USER_NAME].name);
	add_string(w, user->name, strlen(user->name));
	if (*user->password != '\0') {
		add_key(w, user_columns[USER_PASSWORD].name);
		add_string(w, user->password, strlen(user->password));
	}
	add_froms(w, user);
	if (*user->profile_id != '\0') {
		add_key(w, user_columns[USER_PROFILE_ID].name);
		add_scalar(w, user->profile_id, strlen(user->profile_id));
	}
	if (!user->enabled) {
		add_key(w, user_columns[USER_ENABLED].name);
		strbuf_add_str(&w->text, "false");
	}
	return end_row(w);
}

static int write_head(struct writing *w, const struct store *store)
{
	const char *revision = store->revision != NULL ? store->revision : "";
	time_t when = (time_t)store->written;
	char time_text[32] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL)
		(void)strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	strbuf_add_str(&w->text, STORE_HEAD);
	w->text.len -= strlen("\""); /* add_string() adds it */
	add_string(w, revision, strlen(revision));
	strbuf_addf(&w->text, ",\"written\":\"%s\",\n", time_text);
	if (utf8_valid_len(revision, strlen(revision)) < strlen(revision))
		return errmsg_set(w->err, "%s: the revision is not UTF-8", w->path);
	return 0;
}

static int write_tables(struct writing *w, const struct users *users)
{
	size_t i;

	begin_table(w, STORE_PROFILES);
	for (i = 0; w->profiles != NULL && i < profiles_count(w->profiles); i++)
		if (write_profile(w, profiles_at(w->profiles, i)) < 0)
			return -1;
	if (w->profiles != NULL && users != NULL && users_each(users, write_if_bad, w) < 0)
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
	char hex[STORE_CHECKSUM_SIZE], line[sizeof(hex) + 32];

	if (store_checksum_end(w->checksum, hex) < 0)
		return errmsg_set(w->err, "%s: its checksum cannot be computed", w->path);
	(void)text_format(line, sizeof(line), STORE_CHECKSUM "%s\"}\n", hex);
	return file_add(w->file, line, strlen(line), w->err);
}

static int write_all(struct writing *w, const struct store *store)
{
	if (w->bad == NULL || w->checksum == NULL)
		return errmsg_set(w->err, "%s: out of memory", w->path);
	if (write_head(w, store) < 0 || write_tables(w, store->users) < 0)
		return -1;
	return write_checksum(w);
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

/* Rename a file that store_write() did not write. */
static int set_aside(const char *path, int64_t written, struct problems *problems,
	struct errmsg *err)
{
	char *saved;
	int ret = 0;

	if (asprintf(&saved, "%s.saved-%lld", path, (long long)written) < 0)
		return errmsg_set(err, "%s: out of memory", path);
	if (rename(path, saved) < 0)
		ret = errmsg_set(err, "%s: %s", saved, strerror(errno));
	else
		problems_note(problems, "%s: was not written by Postern; it is kept as %s", path,
			saved);
	free(saved);
	return ret;
}

int store_write(const char *path, const struct store *store, struct file_stamp *stamp_r,
	struct problems *problems, struct errmsg *err)
{
	struct writing w = {
		.path = path,
		.profiles = store->profiles,
		.err = err,
	};
	enum present present;
	int ret = -1;

	w.checksum = store_checksum_new();
	w.bad = strmap_new();
	if ((w.file = file_begin(path, err)) == NULL || write_all(&w, store) < 0)
		goto out;
	present = find_present(path);
	if (present == PRESENT_FOREIGN && set_aside(path, store->written, problems, err) < 0)
		goto out;
	ret = file_commit(&w.file, present == PRESENT_STORE, stamp_r, err);
out:
	file_abandon(&w.file);
	store_checksum_free(&w.checksum);
	strmap_free(&w.bad);
	strbuf_free(&w.text);
	return ret;
}
