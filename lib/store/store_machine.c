/*
 * Reads a JSON store in the form that store_write() makes, line by line, with its journal. Holds no
 * state; any thread. t/unit/test_store_read.c and t/unit/test_store_journal.c cover it.
 */
#include "lib/store/store_machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/utf8.h"
#include "lib/store/store_format.h"

#define ADVICE "; restore it from a backup, or remove it"
#define JOURNAL_ADVICE                                                                           \
	"; they will be when the database is reached; if there is no database, check the rows, " \
	"then remove the journal"

/* The content of the first line of a written store. */
struct store_head {
	char *revision; /* the caller's to free() */
	int64_t written;
};

bool store_is_machine(const char *text, size_t len)
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

/* Compare the checksum in the last line with that of the text before it, and return it in hex_r. */
static int verify_checksum(char *text, const char *last, size_t last_len,
	char hex_r[STORE_CHECKSUM_SIZE], struct errmsg *err)
{
	const size_t label = strlen(STORE_CHECKSUM), digits = STORE_CHECKSUM_SIZE - 1;
	struct store_checksum *checksum;
	int ret;

	if (last == NULL || last_len != label + digits + strlen("\"}\n") ||
		memcmp(last, STORE_CHECKSUM, label) != 0 ||
		memcmp(last + label + digits, "\"}\n", 3) != 0)
		return errmsg_set(err, "torn: its last line, the checksum, is missing" ADVICE);
	if ((checksum = store_checksum_new()) == NULL)
		return errmsg_set(err, "out of memory");
	ret = store_checksum_add(checksum, text, (size_t)(last - text)) < 0 ||
			store_checksum_end(checksum, hex_r) < 0 ?
		-1 :
		0;
	store_checksum_free(&checksum);
	if (ret < 0)
		return errmsg_set(err, "its checksum cannot be computed");
	if (memcmp(hex_r, last + label, digits) != 0)
		return errmsg_set(err,
			"altered: its content does not match the checksum in its last line" ADVICE
			"; to keep changes made by hand, remove revision, written and checksum");
	return 0;
}

/* Read the members revision and written of an object. Returns 0, or -1. */
static int read_state(const char *text, size_t len, struct store_head *head_r)
{
	const char *revision = NULL, *written = NULL;
	json_t *head = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	struct tm tm = { 0 };
	char *copy;

	if (head == NULL ||
		json_unpack(head, "{s:s, s?s}", "revision", &revision, "written", &written) < 0 ||
		(copy = strdup(revision)) == NULL) {
		json_decref(head);
		return -1;
	}
	free(head_r->revision);
	head_r->revision = copy;
	head_r->written = written != NULL && strptime(written, "%Y-%m-%dT%H:%M:%SZ", &tm) != NULL ?
		(int64_t)timegm(&tm) :
		0;
	json_decref(head);
	return 0;
}

/* Read the first line: an object that continues in the next lines. */
static int read_head(char *line, size_t len, struct store_head *head_r, struct errmsg *err)
{
	if (len > 0 && line[len - 1] == ',') {
		line[len - 1] = '}';
		if (read_state(line, len, head_r) == 0)
			return 0;
	}
	return errmsg_set(err, "its first line is unreadable" ADVICE);
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

/* ---- the journal ----------------------------------------------------------------- */

/* Find the changes in the journal, if it is that of the store. Returns 0, or -1 when out of memory.
 */
static int begin_journal(struct store_rows *rows, const struct journal_text *text,
	const char *checksum, struct journal *journal_r)
{
	if (text == NULL || text->text == NULL)
		return 0;
	if (journal_parse(text->text, text->len, checksum, journal_r) < 0)
		return -1;
	if (journal_r->is_foreign)
		store_report_foreign_journal(rows, text);
	else if (journal_r->excess > 0 && !text->is_in_use)
		problems_add(rows->problems,
			"%s: the last %" PRIu64
			" bytes were not written completely, or have been altered, so that the "
			"changes in them are not in force" JOURNAL_ADVICE,
			text->path, journal_r->excess);
	return store_replay_begin(rows, journal_r, text->path);
}

/* Add the rows of the journal behind those of the store. Returns 0, or -1 when out of memory. */
static int add_journal_rows(struct store_rows *rows, const struct journal *journal,
	enum store_table table)
{
	const struct journal_row *row = NULL;

	while ((row = store_replay_next(rows, journal, table, row)) != NULL) {
		rows->number++;
		if (add_line(rows, table, journal->text + row->at, row->len) < 0)
			return -1;
	}
	return 0;
}

void store_report_foreign_journal(const struct store_rows *rows, const struct journal_text *journal)
{
	if (!journal->is_in_use)
		problems_add(rows->problems,
			"%s: is the journal of another file than %s, so that the changes in it are "
			"not in force" JOURNAL_ADVICE,
			journal->path, rows->path);
}

/* ---- the store ------------------------------------------------------------------- */

static int read_table(struct store_rows *rows, enum store_table table, struct lines *lines,
	const struct journal *journal, struct errmsg *err)
{
	if (expect_line(lines, table == STORE_USERS ? "\"users\":[" : "\"profiles\":[", err) < 0 ||
		read_rows(rows, table, lines, err) < 0)
		return -1;
	return add_journal_rows(rows, journal, table) < 0 ? errmsg_set(err, "out of memory") : 0;
}

static int read_text(struct store_rows *rows, char *text, size_t len,
	const struct journal_text *journal_text, struct journal *journal, struct store_head *head,
	char checksum_r[STORE_CHECKSUM_SIZE], struct errmsg *err)
{
	char *last = last_line(text, len), *line;
	struct lines lines = { .at = text, .end = last };

	if (verify_checksum(text, last, last != NULL ? len - (size_t)(last - text) : 0, checksum_r,
		    err) < 0)
		return -1;
	if (begin_journal(rows, journal_text, checksum_r, journal) < 0)
		return errmsg_set(err, "out of memory");
	if (!next_line(&lines, &line, &len))
		return errmsg_set(err, "its first line is unreadable" ADVICE);
	if (read_head(line, len, head, err) < 0 ||
		read_table(rows, STORE_PROFILES, &lines, journal, err) < 0 ||
		read_table(rows, STORE_USERS, &lines, journal, err) < 0)
		return -1;
	if (journal->state_len > 0 &&
		read_state(journal->text + journal->state_at, journal->state_len, head) < 0)
		return errmsg_set(err, "the state in its journal is unreadable" ADVICE);
	return 0;
}

int store_machine_read(struct store_rows *rows, char *text, size_t len,
	const struct journal_text *journal_text, struct store *store_r, struct errmsg *err)
{
	struct store_head head = { 0 };
	struct journal journal = { .text = NULL };
	char checksum[STORE_CHECKSUM_SIZE];
	const int ret = read_text(rows, text, len, journal_text, &journal, &head, checksum, err);

	if (ret == 0) {
		store_r->revision = head.revision;
		store_r->written = head.written;
		store_r->base.end = journal.end;
		memcpy(store_r->base.checksum, checksum, sizeof(checksum));
	} else {
		free(head.revision);
	}
	journal_clear(&journal);
	store_replay_end(rows);
	return ret;
}
