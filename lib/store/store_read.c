/*
 * Reads a JSON store: the form that store_write() makes, line by line, or that of store_hand.h.
 * Holds no state; any thread. t/unit/test_store_read.c also covers store_row.c and store_hand.c.
 */
#include "lib/store/store_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/auth/password.h"
#include "lib/base/utf8.h"
#include "lib/conf/file_access.h"
#include "lib/store/store_checksum.h"
#include "lib/store/store_format.h"
#include "lib/store/store_hand.h"
#include "lib/store/store_row.h"

#define ADVICE "; restore it from a backup, or remove it"

/* The content of the first line of a written store. */
struct store_head {
	char *revision; /* the caller's to free() */
	int64_t written;
};

/* ---- the form of store_write() -------------------------------------------------- */

static bool is_machine_text(const char *text, size_t len)
{
	return len >= strlen(STORE_HEAD) && memcmp(text, STORE_HEAD, strlen(STORE_HEAD)) == 0;
}

/* The lines of a text that are still to be read. */
struct lines {
	char *at, *end;
};

/* Get the next line, with a NUL in place of its LF. Returns false at the end. */
static bool next_line(struct lines *lines, char **line_r, size_t *len_r)
{
	char *stop;

	if (lines->at == lines->end)
		return false;
	if ((stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at))) == NULL)
		return false; /* a line without LF is torn */
	*stop = '\0';
	*line_r = lines->at;
	*len_r = (size_t)(stop - lines->at);
	lines->at = stop + 1;
	return true;
}

/* The beginning of the last line, which ends with LF; NULL if there is none. */
static char *last_line(char *text, size_t len)
{
	char *before;

	if (len < 2 || text[len - 1] != '\n')
		return NULL;
	before = memrchr(text, '\n', len - 1);
	return before == NULL ? NULL : before + 1;
}

/* Compare the checksum in the last line with that of the text before it. */
static int verify_checksum(char *text, const char *last, size_t last_len, struct errmsg *err)
{
	const size_t label = strlen(STORE_CHECKSUM), digits = STORE_CHECKSUM_SIZE - 1;
	struct store_checksum *checksum;
	char hex[STORE_CHECKSUM_SIZE];
	int ret;

	if (last == NULL || last_len != label + digits + strlen("\"}\n") ||
		memcmp(last, STORE_CHECKSUM, label) != 0 ||
		memcmp(last + label + digits, "\"}\n", 3) != 0)
		return errmsg_set(err, "torn: its last line, the checksum, is missing" ADVICE);
	if ((checksum = store_checksum_new()) == NULL)
		return errmsg_set(err, "out of memory");
	ret = store_checksum_add(checksum, text, (size_t)(last - text)) < 0 ||
			store_checksum_end(checksum, hex) < 0 ?
		-1 :
		0;
	store_checksum_free(&checksum);
	if (ret < 0)
		return errmsg_set(err, "its checksum cannot be computed");
	if (memcmp(hex, last + label, digits) != 0)
		return errmsg_set(err,
			"altered: its content does not match the checksum in its last line" ADVICE
			"; to keep changes made by hand, remove revision, written and checksum");
	return 0;
}

/* Read the first line: an object that continues in the next lines. */
static int read_head(char *line, size_t len, struct store_head *head_r, struct errmsg *err)
{
	const char *revision = NULL, *written = NULL;
	struct tm tm = { 0 };
	json_t *head = NULL;

	if (len > 0 && line[len - 1] == ',') {
		line[len - 1] = '}';
		head = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	}
	if (head == NULL ||
		json_unpack(head, "{s:s, s?s}", "revision", &revision, "written", &written) < 0 ||
		(head_r->revision = strdup(revision)) == NULL) {
		json_decref(head);
		return errmsg_set(err, "its first line is unreadable" ADVICE);
	}
	head_r->written = written != NULL && strptime(written, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL ?
		(int64_t)timegm(&tm) :
		0;
	json_decref(head);
	return 0;
}

/* Read the row of a line. Returns 0, or -1 when out of memory. */
static int add_line(struct store_rows *rows, enum store_table table, const char *line, size_t len)
{
	struct json_scan s = { line, line + len };
	struct cell cells[STORE_COLUMNS_MAX];
	json_t *row;
	int ret;

	if (utf8_valid_len(line, len) == len && store_scan_row(rows->scans[table], &s, cells) &&
		s.at == s.end)
		return store_row_add_scanned(rows, table, cells);
	if ((row = json_loadb(line, len, STORE_JSON, NULL)) == NULL) {
		problems_add(rows->problems, "%s: %s row %zu is unreadable; left out", rows->path,
			store_table_name(table), rows->number);
		return 0;
	}
	ret = store_row_add(rows, table, row);
	json_decref(row);
	return ret;
}

/* Read the rows of a table up to the line that ends it. */
static int read_rows(struct store_rows *rows, enum store_table table, struct lines *lines,
	struct errmsg *err)
{
	char *line;
	size_t len;

	rows->number = 0;
	while (next_line(lines, &line, &len)) {
		if (strcmp(line, "],") == 0)
			return 0;
		if (len > 0 && line[len - 1] == ',')
			len--;
		rows->number++;
		if (add_line(rows, table, line, len) < 0)
			return errmsg_set(err, "out of memory");
	}
	return errmsg_set(err, "the end of its %s is missing" ADVICE, store_table_name(table));
}

static int expect_line(struct lines *lines, const char *want, struct errmsg *err)
{
	char *line;
	size_t len;

	if (next_line(lines, &line, &len) && strcmp(line, want) == 0)
		return 0;
	return errmsg_set(err, "the line %s is missing" ADVICE, want);
}

static int read_machine_text(struct store_rows *rows, char *text, size_t len,
	struct store_head *head_r, struct errmsg *err)
{
	char *last = last_line(text, len), *line;
	struct lines lines = { .at = text, .end = last };
	struct store_head head = { 0 };

	if (verify_checksum(text, last, last != NULL ? len - (size_t)(last - text) : 0, err) < 0)
		return -1;
	if (!next_line(&lines, &line, &len))
		return errmsg_set(err, "its first line is unreadable" ADVICE);
	if (read_head(line, len, &head, err) < 0 ||
		expect_line(&lines, "\"profiles\":[", err) < 0 ||
		read_rows(rows, STORE_PROFILES, &lines, err) < 0 ||
		expect_line(&lines, "\"users\":[", err) < 0 ||
		read_rows(rows, STORE_USERS, &lines, err) < 0) {
		free(head.revision);
		return -1;
	}
	*head_r = head;
	return 0;
}

/* ---- both ------------------------------------------------------------------------ */

static int rows_init(struct store_rows *rows, const char *path, const struct store_source *source)
{
	*rows = (struct store_rows){
		.path = path,
		.profiles = profiles_builder_new(source->rcpt_re_anchored),
		.users = users_builder_new(),
		.problems = source->problems,
		.scans[STORE_PROFILES] = store_scan_new(profile_columns, PROFILE_COLUMNS),
		.scans[STORE_USERS] = store_scan_new(user_columns, USER_COLUMNS),
		.unread = strmap_new(),
	};
	if (rows->profiles == NULL || rows->users == NULL || rows->scans[STORE_PROFILES] == NULL ||
		rows->scans[STORE_USERS] == NULL || rows->unread == NULL)
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
	strmap_free(&rows->unread);
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

enum store_result store_parse(const char *path, char *text, size_t len,
	const struct store_source *source, struct store *store_r, struct errmsg *err)
{
	struct store store = { .is_machine = is_machine_text(text, len) };
	struct store_head head = { 0 };
	struct store_rows rows;
	int ret;

	problems_begin(source->problems);
	if (rows_init(&rows, path, source) < 0)
		ret = errmsg_set(err, "out of memory");
	else if (store.is_machine)
		ret = read_machine_text(&rows, text, len, &head, err);
	else
		ret = store_hand_read(&rows, text, len, err);
	store.revision = head.revision;
	store.written = head.written;
	if (ret == 0 && finish_store(&rows, source, &store) < 0)
		ret = errmsg_set(err, "out of memory");
	problems_end(source->problems, path, "row");
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

enum store_result store_read(const char *path, const struct store_source *source,
	struct store *store_r, struct errmsg *err)
{
	struct file_stamp stamp;
	enum store_result result;
	char *text;
	size_t len;

	switch (file_read(path, STORE_MAX, &text, &len, &stamp, err)) {
	case FILE_MISSING:
		return STORE_MISSING;
	case FILE_FAILED:
		return STORE_REFUSED;
	case FILE_READ:
		break;
	}
	result = store_parse(path, text, len, source, store_r, err);
	free(text);
	if (result == STORE_READ) {
		store_r->stamp = stamp;
		file_note_use(&(const struct file_use){ .path = path,
				      .user = source->user,
				      .can = "add a user and change all rules of users",
				      .secret = users_each(store_r->users, has_hash, NULL) != 0 ?
					      "the password hashes in it" :
					      NULL },
			source->problems);
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
		result = store_read(prev, source, store_r, &prev_why);
		if (result == STORE_READ)
			store_r->from_prev = true;
		else
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
