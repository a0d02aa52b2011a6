/*
 * Reads the rows of a JSON store without a JSON parser, several times as fast. One thread at a time
 * uses a struct store_scan.
 */
#include "lib/store/store_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"

#define KEYS_MAX 128 /* different spellings of keys in one table */
#define KEY_SIZE 64  /* of a key with its quotes, and of its characters with a NUL */

/* A key as it is written in the text. The key 0 stands for the beginning of a row. */
struct key {
	char quoted[KEY_SIZE];
	char name[KEY_SIZE]; /* without quotes and escapes */
	size_t quoted_len;
	int column;    /* or -1 */
	unsigned same; /* the first key with this name; another one only if escapes differ */
	unsigned next; /* the key that followed the last time */
	uint64_t row;  /* the last row that had it; only of the first key with this name */
	bool is_old;   /* store_scan_new_key() returned it */
};

struct store_scan {
	int columns_count;
	uint64_t row;	  /* number of the current row */
	unsigned columns; /* that it has */
	struct strbuf scratch;
	size_t starts[STORE_COLUMNS_MAX]; /* of its texts in scratch */
	unsigned in_scratch;		  /* columns that have one */
	unsigned new_keys[KEYS_MAX], new_count, new_at;
	unsigned keys_count;
	struct key keys[KEYS_MAX];
};

/* Add a key that was not seen before. Returns 0 if it cannot be kept. */
static unsigned learn_key(struct store_scan *scan, const struct json_quoted *span)
{
	struct key *key = &scan->keys[scan->keys_count];
	struct strbuf *name = &scan->scratch;
	const size_t start = name->len;
	unsigned i;

	if (scan->keys_count == KEYS_MAX || span->len + 2 > KEY_SIZE)
		return 0;
	json_scan_unescape(span, name);
	if (name->failed || strlen(name->text + start) != name->len - start)
		return 0;
	*key = (struct key){ .quoted_len = span->len + 2, .column = -1, .same = scan->keys_count };
	memcpy(key->quoted, span->text - 1, key->quoted_len);
	memcpy(key->name, name->text + start, name->len - start + 1);
	name->len = start;
	for (i = 1; i < scan->keys_count && key->same == scan->keys_count; i++)
		if (strcmp(scan->keys[i].name, key->name) == 0)
			key->same = i;
	/* Columns are the first keys. */
	for (i = 1; (int)i <= scan->columns_count && key->column < 0; i++)
		if (strcasecmp(scan->keys[i].name, key->name) == 0)
			key->column = (int)i - 1;
	return scan->keys_count++;
}

static unsigned find_key(struct store_scan *scan, const struct json_quoted *span)
{
	unsigned i;

	for (i = 1; i < scan->keys_count; i++) {
		const struct key *key = &scan->keys[i];

		if (key->quoted_len == span->len + 2 &&
			memcmp(key->quoted + 1, span->text, span->len) == 0)
			return i;
	}
	return learn_key(scan, span);
}

/* Move behind a key. before is the one before it. Returns 0 if a parser has to read it. */
static unsigned read_key(struct store_scan *scan, struct json_scan *s, unsigned before)
{
	const struct key *guess = &scan->keys[scan->keys[before].next];
	struct json_quoted span;

	if (guess->quoted_len > 0 && guess->quoted_len <= (size_t)(s->end - s->at) &&
		memcmp(s->at, guess->quoted, guess->quoted_len) == 0) {
		s->at += guess->quoted_len;
		return scan->keys[before].next;
	}
	if (!json_scan_string(s, &span))
		return 0;
	scan->keys[before].next = find_key(scan, &span);
	return scan->keys[before].next;
}

struct store_scan *store_scan_new(const struct column *columns, int count)
{
	struct store_scan *scan = calloc(1, sizeof(*scan));
	int i;

	if (scan == NULL)
		return NULL;
	scan->columns_count = count;
	scan->keys_count = 1;
	for (i = 0; i < count; i++) {
		struct key *key = &scan->keys[scan->keys_count];

		*key = (struct key){ .column = i, .same = scan->keys_count };
		key->next = scan->keys_count + 1;
		key->quoted_len = strlen(columns[i].name) + 2;
		(void)text_format(key->quoted, KEY_SIZE, "\"%s\"", columns[i].name);
		(void)text_format(key->name, KEY_SIZE, "%s", columns[i].name);
		scan->keys_count++;
	}
	scan->keys[0].next = 1;
	return scan;
}

void store_scan_free(struct store_scan **scan)
{
	if (*scan == NULL)
		return;
	strbuf_free(&(*scan)->scratch);
	free(*scan);
	*scan = NULL;
}

/* ---- values ---------------------------------------------------------------------- */

/* Append a string to the scratch buffer. Returns false if it contains a NUL. */
static bool add_to_scratch(struct store_scan *scan, const struct json_quoted *span)
{
	struct strbuf *scratch = &scan->scratch;
	const size_t start = scratch->len;

	if (!span->escaped) {
		strbuf_add(scratch, span->text, span->len);
		return true;
	}
	json_scan_unescape(span, scratch);
	return scratch->failed || strlen(scratch->text + start) == scratch->len - start;
}

/* Let the cell be the text in the scratch buffer from start on. */
static void set_from_scratch(struct store_scan *scan, int column, struct cell *cell,
	enum cell_kind kind, size_t start)
{
	scan->starts[column] = start;
	scan->in_scratch |= 1U << column;
	*cell = (struct cell){ .kind = kind, .len = scan->scratch.len - start };
}

static bool read_text(struct store_scan *scan, struct json_scan *s, int column, struct cell *cell)
{
	const size_t start = scan->scratch.len;
	struct json_quoted span;

	if (!json_scan_string(s, &span))
		return false;
	if (!span.escaped) {
		*cell = (struct cell){ CELL_TEXT, span.text, span.len };
		return true;
	}
	if (!add_to_scratch(scan, &span))
		return false;
	set_from_scratch(scan, column, cell, CELL_TEXT, start);
	return true;
}

/* Read a list of texts. In the cell, each is followed by a NUL. */
static bool read_list(struct store_scan *scan, struct json_scan *s, int column, struct cell *cell)
{
	const size_t start = scan->scratch.len;
	struct json_quoted span;

	s->at++; /* behind [ */
	json_scan_space(s);
	if (!json_scan_byte(s, ']')) {
		do {
			json_scan_space(s);
			if (!json_scan_string(s, &span) || !add_to_scratch(scan, &span))
				return false;
			strbuf_add(&scan->scratch, "", 1);
			json_scan_space(s);
		} while (json_scan_byte(s, ','));
		if (!json_scan_byte(s, ']'))
			return false;
	}
	set_from_scratch(scan, column, cell, CELL_LIST, start);
	return true;
}

static bool read_number(struct json_scan *s, struct cell *cell)
{
	const char *start = s->at;
	bool is_integer;

	/* -0 is read as 0. */
	if (!json_scan_number(s, &is_integer) || !is_integer ||
		(s->at - start == 2 && *start == '-' && start[1] == '0'))
		return false;
	*cell = (struct cell){ CELL_TEXT, start, (size_t)(s->at - start) };
	return true;
}

static bool read_cell(struct store_scan *scan, struct json_scan *s, int column, struct cell *cell)
{
	if (s->at == s->end)
		return false;
	switch (*s->at) {
	case '"':
		return read_text(scan, s, column, cell);
	case '[':
		return read_list(scan, s, column, cell);
	case 't':
		*cell = (struct cell){ CELL_TEXT, "t", 1 };
		return json_scan_literal(s, "true");
	case 'f':
		*cell = (struct cell){ CELL_TEXT, "f", 1 };
		return json_scan_literal(s, "false");
	case 'n':
		return json_scan_literal(s, "null");
	default:
		return read_number(s, cell);
	}
}

/* ---- rows ------------------------------------------------------------------------ */

static void begin_row(struct store_scan *scan, struct cell *cells)
{
	memset(cells, 0, (size_t)scan->columns_count * sizeof(*cells)); /* CELL_NULL is 0 */
	strbuf_reset(&scan->scratch);
	scan->row++;
	scan->columns = scan->in_scratch = scan->new_count = scan->new_at = 0;
}

/* Note that the row has the key. Returns false if it has it twice. */
static bool note_key(struct store_scan *scan, const struct key *key)
{
	struct key *first = &scan->keys[key->same];

	if (first->row == scan->row)
		return false;
	first->row = scan->row;
	if (key->column < 0) {
		if (!first->is_old)
			scan->new_keys[scan->new_count++] = key->same;
		return true;
	}
	/* Two keys may also be one column that is written in two ways. */
	if (scan->columns & 1U << key->column)
		return false;
	scan->columns |= 1U << key->column;
	return true;
}

/* Move behind a key and its value. *number is that of the key before, and then of this one. */
static bool read_member(struct store_scan *scan, struct json_scan *s, struct cell *cells,
	unsigned *number)
{
	const struct key *key;

	if ((*number = read_key(scan, s, *number)) == 0)
		return false;
	key = &scan->keys[*number];
	if (!note_key(scan, key))
		return false;
	json_scan_space(s);
	if (!json_scan_byte(s, ':'))
		return false;
	json_scan_space(s);
	return key->column < 0 ? json_scan_skip(s) :
				 read_cell(scan, s, key->column, &cells[key->column]);
}

static bool read_members(struct store_scan *scan, struct json_scan *s, struct cell *cells)
{
	unsigned number = 0;

	if (!json_scan_byte(s, '{'))
		return false;
	json_scan_space(s);
	if (json_scan_byte(s, '}'))
		return true;
	do {
		json_scan_space(s);
		if (!read_member(scan, s, cells, &number))
			return false;
		json_scan_space(s);
	} while (json_scan_byte(s, ','));
	return json_scan_byte(s, '}');
}

bool store_scan_row(struct store_scan *scan, struct json_scan *s, struct cell *cells)
{
	struct json_scan ahead = *s;
	int i;

	begin_row(scan, cells);
	if (!read_members(scan, &ahead, cells) || scan->scratch.failed)
		return false;
	for (i = 0; scan->in_scratch >> i != 0; i++)
		if (scan->in_scratch >> i & 1)
			cells[i].text =
				scan->scratch.len > 0 ? scan->scratch.text + scan->starts[i] : "";
	*s = ahead;
	return true;
}

unsigned store_scan_columns(const struct store_scan *scan)
{
	return scan->columns;
}

const char *store_scan_new_key(struct store_scan *scan)
{
	struct key *key;

	if (scan->new_at == scan->new_count)
		return NULL;
	key = &scan->keys[scan->new_keys[scan->new_at++]];
	key->is_old = true;
	return key->name;
}
