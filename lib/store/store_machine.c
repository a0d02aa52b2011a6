/*
 * Reads a JSON store in the form that store_write() makes, line by line, with its journal, and its
 * users in several threads. Holds no state; any thread. t/unit/test_store_read.c and
 * t/unit/test_store_journal.c cover it.
 */
#include "lib/store/store_machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/utf8.h"
#include "lib/store/store_format.h"
#include "lib/store/store_parts.h"

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
	const char *at, *end;
};

/* Get the next line, *len_r bytes without its LF. Returns false at the end. */
static bool next_line(struct lines *lines, const char **line_r, size_t *len_r)
{
	const char *stop;

	if (lines->at == lines->end)
		return false;
	if ((stop = memchr(lines->at, '\n', (size_t)(lines->end - lines->at))) == NULL)
		return false; /* a line without LF is torn */
	*line_r = lines->at;
	*len_r = (size_t)(stop - lines->at);
	lines->at = stop + 1;
	return true;
}

static bool is_line(const char *line, size_t len, const char *want)
{
	return len == strlen(want) && memcmp(line, want, len) == 0;
}

/* The beginning of the last line, which ends with LF; NULL if there is none. */
static const char *last_line(const char *text, size_t len)
{
	const char *before;

	if (len < 2 || text[len - 1] != '\n')
		return NULL;
	before = memrchr(text, '\n', len - 1);
	return before == NULL ? NULL : before + 1;
}

/* A store while it is read. */
struct reading {
	const char *text, *last; /* the last line: the checksum */
	char checksum[STORE_CHECKSUM_SIZE];
	bool is_verified;
	struct store_head head;
	struct journal journal;
	struct errmsg altered; /* "": it matches, or is not verified yet */
	struct lines lines;    /* that are still to be read */
	enum store_table table;
	struct lines rows; /* of the table */
};

/* ---- checksum and head ----------------------------------------------------------- */

/* Read the checksum in the last line. */
static int read_checksum(struct reading *r, size_t len, struct errmsg *err)
{
	const size_t label = strlen(STORE_CHECKSUM), digits = STORE_CHECKSUM_SIZE - 1;

	if (r->last == NULL ||
		(size_t)(r->text + len - r->last) != label + digits + strlen("\"}\n") ||
		memcmp(r->last, STORE_CHECKSUM, label) != 0 ||
		memcmp(r->last + label + digits, "\"}\n", 3) != 0)
		return errmsg_set(err, "torn: its last line, the checksum, is missing" ADVICE);
	memcpy(r->checksum, r->last + label, digits);
	r->checksum[digits] = '\0';
	return 0;
}

/* Compare the checksum with that of the text. */
static int verify_checksum(struct reading *r)
{
	struct store_checksum *checksum = store_checksum_new();
	char hex[STORE_CHECKSUM_SIZE];
	int ret = -1;

	r->is_verified = true;
	if (checksum != NULL)
		ret = store_checksum_add(checksum, r->text, (size_t)(r->last - r->text)) < 0 ||
				store_checksum_end(checksum, hex) < 0 ?
			-1 :
			0;
	store_checksum_free(&checksum);
	if (ret < 0)
		return errmsg_set(&r->altered, "its checksum cannot be computed");
	if (strcmp(hex, r->checksum) != 0)
		return errmsg_set(&r->altered,
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
static int read_head(struct reading *r, struct errmsg *err)
{
	struct strbuf object = STRBUF_INIT;
	const char *line;
	size_t len;
	int ret = -1;

	if (next_line(&r->lines, &line, &len) && len > 0 && line[len - 1] == ',') {
		strbuf_add(&object, line, len - 1);
		strbuf_add_char(&object, '}');
		if (!object.failed)
			ret = read_state(object.text, object.len, &r->head);
		strbuf_free(&object);
	}
	return ret < 0 ? errmsg_set(err, "its first line is unreadable" ADVICE) : 0;
}

/* ---- rows ------------------------------------------------------------------------ */

static size_t count_lines(const char *from, const char *to)
{
	size_t count = 0;

	while (from < to && (from = memchr(from, '\n', (size_t)(to - from))) != NULL) {
		from++;
		count++;
	}
	return count;
}

/* Read the row of a line with a parser. Returns 0, or -1 when out of memory. */
static int add_unusual(struct store_rows *rows, enum store_table table, const char *line,
	size_t len)
{
	json_t *row = json_loadb(line, len, STORE_JSON, NULL);
	int ret;

	if (row == NULL) {
		problems_add(rows->problems, "%s: %s row %zu is unreadable; left out", rows->path,
			store_table_name(table), rows->number);
		return 0;
	}
	ret = store_row_add(rows, table, row);
	json_decref(row);
	return ret;
}

/* Read the row of a line if it is in the form that Postern writes. */
static bool scan_line(struct store_rows *rows, enum store_table table, const char *line, size_t len,
	struct cell *cells)
{
	struct json_scan s = { line, line + len };

	return utf8_valid_len(line, len) == len && store_scan_row(rows->scans[table], &s, cells) &&
		s.at == s.end;
}

/* Add the rows of the journal behind those of the store. Returns 0, or -1 when out of memory. */
static int add_journal_rows(struct store_rows *rows, const struct journal *journal,
	enum store_table table)
{
	struct cell cells[STORE_COLUMNS_MAX];
	const struct journal_row *row = NULL;
	const char *text;

	rows->replaced[table] = NULL; /* it is for the rows of the store alone */
	while ((row = store_replay_next(journal, table, row)) != NULL) {
		rows->number++;
		text = journal->text + row->at;
		if ((scan_line(rows, table, text, row->len, cells) ?
				    store_row_add_scanned(rows, table, cells) :
				    add_unusual(rows, table, text, row->len)) < 0)
			return -1;
	}
	return 0;
}

/*
 * Where a part of the table begins. The thread of part 0 also computes the checksum, which takes
 * about as long as a sixth of the rows.
 */
static const char *cut(const struct reading *r, unsigned part, unsigned parts)
{
	const size_t len = (size_t)(r->rows.end - r->rows.at), checksum = len / 6;
	const size_t share = (len + checksum) / parts * part;
	const char *at;

	if (part == parts)
		return r->rows.end;
	if (share <= checksum)
		return r->rows.at;
	at = r->rows.at + (share - checksum);
	at = memchr(at, '\n', (size_t)(r->rows.end - at));
	return at == NULL ? r->rows.end : at + 1;
}

/* Read the rows of lines. Returns 0, or -1 when out of memory. */
static int read_lines(const struct reading *r, struct store_rows *rows, struct lines lines)
{
	const char *const begin = lines.at, *line;
	struct cell cells[STORE_COLUMNS_MAX];
	bool is_counted = false;
	size_t len;
	int ret = 0;

	while (ret == 0 && next_line(&lines, &line, &len)) {
		if (len > 0 && line[len - 1] == ',')
			len--;
		rows->number++;
		if (scan_line(rows, r->table, line, len, cells)) {
			ret = store_row_add_scanned(rows, r->table, cells);
			continue;
		}
		if (!is_counted)
			rows->number += count_lines(r->rows.at, begin);
		is_counted = true;
		ret = add_unusual(rows, r->table, line, len);
	}
	return ret;
}

/* Read a part of the table. Returns 0, or -1 when out of memory or if the store was altered. */
static int read_part(void *context, struct store_rows *rows, unsigned part, unsigned parts)
{
	struct reading *r = context;
	const struct lines lines = { cut(r, part, parts), cut(r, part + 1, parts) };

	if (r->table == STORE_USERS && part == 0 && !r->is_verified && verify_checksum(r) < 0)
		return -1;
	if (read_lines(r, rows, lines) < 0)
		return -1;
	return part + 1 == parts ? add_journal_rows(rows, &r->journal, r->table) : 0;
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

void store_report_foreign_journal(const struct store_rows *rows, const struct journal_text *journal)
{
	if (!journal->is_in_use)
		problems_add(rows->problems,
			"%s: is the journal of another file than %s, so that the changes in it are "
			"not in force" JOURNAL_ADVICE,
			journal->path, rows->path);
}

/* ---- the store ------------------------------------------------------------------- */

/* Find the rows of a table: the lines up to that which ends it. */
static int find_rows(struct reading *r, struct errmsg *err)
{
	static const char end[] = "\n],\n";
	const size_t len = strlen(end);
	const char *from = r->lines.at - 1; /* the LF before them */
	const char *at = NULL;

	if (r->table == STORE_PROFILES)
		at = memmem(from, (size_t)(r->last - from), end, len);
	else if ((size_t)(r->last - from) >= len && memcmp(r->last - len, end, len) == 0)
		at = r->last - len; /* nothing but the checksum is behind it */
	if (at == NULL)
		return errmsg_set(err, "the end of its %s is missing" ADVICE,
			store_table_name(r->table));
	r->rows = (struct lines){ r->lines.at, at + 1 };
	r->lines.at = at + len;
	return 0;
}

static int read_table(struct reading *r, struct store_rows *rows, enum store_table table,
	struct errmsg *err)
{
	const char *want = table == STORE_USERS ? "\"users\":[" : "\"profiles\":[", *line;
	const unsigned parts = table == STORE_USERS ? rows->parts : 1;
	size_t len;

	if (!next_line(&r->lines, &line, &len) || !is_line(line, len, want))
		return errmsg_set(err, "the line %s is missing" ADVICE, want);
	r->table = table;
	if (find_rows(r, err) < 0)
		return -1;
	return store_parts_read(rows, table, parts, read_part, r) < 0 ?
		errmsg_set(err, "out of memory") :
		0;
}

static int read_tables(struct reading *r, struct store_rows *rows, struct errmsg *err)
{
	if (read_head(r, err) < 0 || read_table(r, rows, STORE_PROFILES, err) < 0 ||
		read_table(r, rows, STORE_USERS, err) < 0)
		return -1;
	if (r->journal.state_len > 0 &&
		read_state(r->journal.text + r->journal.state_at, r->journal.state_len, &r->head) <
			0)
		return errmsg_set(err, "the state in its journal is unreadable" ADVICE);
	return 0;
}

static int read_text(struct reading *r, struct store_rows *rows, size_t len,
	const struct journal_text *journal_text, struct errmsg *err)
{
	int ret;

	if (read_checksum(r, len, err) < 0)
		return -1;
	if (begin_journal(rows, journal_text, r->checksum, &r->journal) < 0)
		return errmsg_set(err, "out of memory");
	ret = read_tables(r, rows, err);
	/* That a store is altered is reported rather than what else is wrong with it. */
	if (!r->is_verified)
		(void)verify_checksum(r);
	return r->altered.text[0] != '\0' ? errmsg_set(err, "%s", r->altered.text) : ret;
}

int store_machine_read(struct store_rows *rows, const char *text, size_t len,
	const struct journal_text *journal_text, struct store *store_r, struct errmsg *err)
{
	struct reading r = { .text = text, .last = last_line(text, len) };
	int ret;

	r.lines = (struct lines){ text, r.last };
	ret = read_text(&r, rows, len, journal_text, err);
	if (ret == 0) {
		store_r->revision = r.head.revision;
		store_r->written = r.head.written;
		store_r->base.end = r.journal.end;
		memcpy(store_r->base.checksum, r.checksum, sizeof(r.checksum));
	} else {
		free(r.head.revision);
	}
	journal_clear(&r.journal);
	store_replay_end(rows);
	return ret;
}
