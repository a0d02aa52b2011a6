/*
 * Reads a JSON store, in the form of store_machine.h or that of store_hand.h, and its journal.
 * Holds no state; any thread. t/unit/test_store_read.c also covers store_row.c and store_hand.c.
 */
#include "lib/store/store_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/password.h"
#include "lib/conf/file_access.h"
#include "lib/store/journal_file.h"
#include "lib/store/store_hand.h"
#include "lib/store/store_lock.h"
#include "lib/store/store_machine.h"
#include "lib/store/store_parts.h"
#include "lib/store/store_row.h"

#define READ_TRIES 5 /* while the daemon replaces the file */

static int rows_init(struct store_rows *rows, const char *path, size_t len,
	const struct store_source *source)
{
	*rows = (struct store_rows){
		.path = path,
		.profiles = profiles_builder_new(source->rcpt_re_anchored),
		.users = users_builder_new(),
		.problems = source->problems != NULL ? problems_new_like(source->problems) : NULL,
		.scans[STORE_PROFILES] = store_scan_new(profile_columns, PROFILE_COLUMNS),
		.scans[STORE_USERS] = store_scan_new(user_columns, USER_COLUMNS),
		.parts = source->parts > 0 ? source->parts : parallel_parts(len, STORE_PART_MIN),
	};
	if (rows->profiles == NULL || rows->users == NULL || rows->scans[STORE_PROFILES] == NULL ||
		rows->scans[STORE_USERS] == NULL ||
		(source->problems != NULL && rows->problems == NULL))
		return -1;
	users_builder_test_passwords(rows->users, password_usable_or_lock);
	return 0;
}

static void rows_clear(struct store_rows *rows)
{
	profiles_builder_free(&rows->profiles);
	users_builder_free(&rows->users);
	store_scan_free(&rows->scans[STORE_PROFILES]);
	store_scan_free(&rows->scans[STORE_USERS]);
	problems_free(&rows->problems);
	strbuf_free(&rows->scratch);
}

/* Build the tables into *store. Returns 0, or -1 when out of memory. */
static int finish_store(struct store_rows *rows, const struct store_source *source,
	struct store *store)
{
	store->profiles = profiles_builder_finish(&rows->profiles, source->previous_profiles);
	if (store->profiles == NULL)
		return -1;
	profiles_report(store->profiles, rows->problems);
	store->users = users_builder_finish(&rows->users, source->previous, store->profiles,
		rows->problems);
	if (store->revision == NULL)
		store->revision = strdup("");
	return store->users == NULL || store->revision == NULL ? -1 : 0;
}

/* Read the text by its form. */
static int read_rows(struct store_rows *rows, const char *text, size_t len,
	const struct journal_text *journal, struct store *store, struct errmsg *err)
{
	if (store->is_machine)
		return store_machine_read(rows, text, len, journal, store, err);
	if (journal != NULL && journal->text != NULL)
		store_report_foreign_journal(rows, journal);
	return store_hand_read(rows, text, len, err);
}

enum store_result store_parse(const char *path, const char *text, size_t len,
	const struct journal_text *journal, const struct store_source *source,
	struct store *store_r, struct errmsg *err)
{
	struct store store = { .is_machine = store_is_machine(text, len) };
	struct store_rows rows;
	int ret;

	if (rows_init(&rows, path, len, source) < 0)
		ret = errmsg_set(err, "out of memory");
	else
		ret = read_rows(&rows, text, len, journal, &store, err);
	if (ret == 0 && finish_store(&rows, source, &store) < 0)
		ret = errmsg_set(err, "out of memory");
	if (ret == 0) {
		problems_begin(source->problems);
		problems_add_all(source->problems, NULL, rows.problems);
		problems_end(source->problems, path, "row");
	}
	rows_clear(&rows);
	if (ret < 0) {
		store_clear(&store);
		(void)errmsg_prefix(err, "%s: ", path);
		return STORE_REFUSED;
	}
	*store_r = store;
	return STORE_READ;
}

/* Return 1 if the user has a password hash that can be guessed. */
static int has_hash(void *context, const struct user *user)
{
	(void)context;
	return password_usable(user->password, NULL) == 0;
}

/* A store and its journal as they were read. */
struct texts {
	char *text;
	size_t len;
	struct file_stamp stamp, journal_stamp;
	struct journal_text journal;
	struct errmsg journal_error; /* "": it was read, or there is none */
};

static void texts_clear(struct texts *texts)
{
	free(texts->text);
	free(texts->journal.text);
	*texts = (struct texts){ .text = NULL };
}

static enum store_result read_texts_once(const char *path, const char *journal_path,
	struct texts *texts_r, struct errmsg *err)
{
	struct texts texts = { .journal.path = journal_path };

	switch (file_read(path, STORE_MAX, &texts.text, &texts.len, &texts.stamp, err)) {
	case FILE_MISSING:
		return STORE_MISSING;
	case FILE_FAILED:
		return STORE_REFUSED;
	case FILE_READ:
		break;
	}
	if (journal_file_read(journal_path, path, &texts.journal.text, &texts.journal.len,
		    &texts.journal_stamp, &texts.journal_error) != FILE_FAILED)
		texts.journal_error.text[0] = '\0';
	texts.journal.is_in_use = texts.journal.text != NULL && store_lock_is_busy(path);
	*texts_r = texts;
	return STORE_READ;
}

/* Read both files. If the daemon has replaced the store meanwhile, the journal may not belong to
 * the store that was read: read them again. */
static enum store_result read_texts(const char *path, const char *journal_path,
	struct texts *texts_r, struct errmsg *err)
{
	enum store_result result;
	struct file_stamp now;

	for (int i = 1;; i++) {
		result = read_texts_once(path, journal_path, texts_r, err);
		if (result != STORE_READ || i == READ_TRIES || file_stamp(path, &now, NULL) != 0 ||
			file_stamp_equal(&now, &texts_r->stamp))
			return result;
		texts_clear(texts_r);
	}
}

/* Add what the rights and kinds of the files allow others to do, or prevent. */
static void report_files(const char *path, const struct texts *texts,
	const struct store_source *source, const struct store *store)
{
	char *folder = file_directory(path);
	struct file_use use = {
		.path = path,
		.user = source->user,
		.can = "add a user and change all rules of users",
		.secret = users_each(store->users, has_hash, NULL) != 0 ?
			"the password hashes in it" :
			NULL,
	};

	file_note_use(&use, source->problems);
	use.path = texts->journal.path;
	use.folder = folder;
	if (texts->journal.text != NULL)
		file_note_use(&use, source->problems);
	if (texts->journal_error.text[0] != '\0')
		problems_add(source->problems,
			"%s, so that the changes in it are not in force; correct that, or remove "
			"the journal",
			texts->journal_error.text);
	free(folder);
}

/* Read the store at a path, and the journal if that belongs to it. Frees journal_path; NULL: out of
 * memory. */
static enum store_result read_store(const char *path, char *journal_path,
	const struct store_source *source, struct store *store_r, struct errmsg *err)
{
	struct texts texts = { .text = NULL };
	enum store_result result = STORE_REFUSED;

	if (journal_path == NULL)
		(void)errmsg_set(err, "%s: out of memory", path);
	else
		result = read_texts(path, journal_path, &texts, err);
	if (result == STORE_READ)
		result = store_parse(path, texts.text, texts.len, &texts.journal, source, store_r,
			err);
	if (result == STORE_READ) {
		store_r->stamp = store_r->base.file = texts.stamp;
		store_r->base.journal_dev = texts.journal_stamp.dev;
		store_r->base.journal_ino = texts.journal_stamp.ino;
		store_r->is_behind = texts.journal_error.text[0] != '\0';
		report_files(path, &texts, source, store_r);
	}
	texts_clear(&texts);
	free(journal_path);
	return result;
}

enum store_result store_read(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err)
{
	return read_store(path, journal_file_path(path), source, store_r, err);
}

/* The journal of PATH.prev: without one of its own, that which outlasted its store's replacement.
 */
static char *prev_journal_path(const char *path)
{
	char *own = journal_file_prev_path(path);
	struct file_stamp stamp;

	if (own == NULL || file_stamp(own, &stamp, NULL) != 0 || stamp.exists)
		return own;
	free(own);
	return journal_file_path(path);
}

/* Read PATH.prev. */
static enum store_result read_prev(const char *path, const char *prev,
	const struct store_source *source, struct store *store_r, struct errmsg *err)
{
	const enum store_result result =
		read_store(prev, prev_journal_path(path), source, store_r, err);

	if (result == STORE_READ) {
		store_r->from_prev = store_r->is_behind = true;
		store_r->base = (struct store_base){ .checksum = "" };
	}
	return result;
}

enum store_result store_read_with_prev(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err)
{
	struct errmsg why = { "" }, prev_why = { "" };
	enum store_result result = store_read(path, source, store_r, &why);
	struct file_stamp stamp = { 0 };
	char *prev;

	if (result == STORE_READ)
		return result;
	(void)errmsg_set(err, "%s", why.text);
	if (asprintf(&prev, "%s.prev", path) < 0)
		return result;
	if (file_stamp(prev, &stamp, NULL) == 0 && stamp.exists) {
		problems_add(source->problems, "%s; its predecessor %s is used instead", why.text,
			prev);
		result = read_prev(path, prev, source, store_r, &prev_why);
		if (result != STORE_READ)
			(void)errmsg_set(err, "%s; and %s", why.text, prev_why.text);
	}
	free(prev);
	return result;
}

bool store_is_missing(const char *path)
{
	struct file_stamp stamp, prev_stamp;
	char *prev;
	bool missing;

	if (*path == '\0')
		return true;
	if (asprintf(&prev, "%s.prev", path) < 0)
		return false;
	missing = file_stamp(path, &stamp, NULL) == 0 && !stamp.exists &&
		file_stamp(prev, &prev_stamp, NULL) == 0 && !prev_stamp.exists;
	free(prev);
	return missing;
}

void store_clear(struct store *store)
{
	profiles_unref(&store->profiles);
	users_unref(&store->users);
	free(store->revision);
	*store = (struct store){ 0 };
}
