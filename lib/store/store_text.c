/*
 * The JSON of the rows of a store. Holds no state; any thread. t/unit/test_store_read.c and
 * t/unit/test_store_changes.c cover it.
 */
#include "lib/store/store_text.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define INTEGER_DIGITS_MAX 18		   /* digits that fit every 64-bit integer */
#define BAD_OPEN "a row that was left out" /* a reader leaves the row out again */

static void add_string(struct strbuf *text, const char *string, size_t len)
{
	size_t start = 0, i;

	strbuf_add_char(text, '"');
	for (i = 0; i < len; i++) {
		if ((unsigned char)string[i] >= ' ' && string[i] != '"' && string[i] != '\\')
			continue;
		strbuf_add(text, string + start, i - start);
		if ((unsigned char)string[i] >= ' ')
			strbuf_addf(text, "\\%c", string[i]);
		else
			strbuf_addf(text, "\\u%04x", (unsigned char)string[i]);
		start = i + 1;
	}
	strbuf_add(text, string + start, len - start);
	strbuf_add_char(text, '"');
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

static void add_scalar(struct strbuf *text, const char *value, size_t len)
{
	if (is_integer(value, len))
		strbuf_add(text, value, len);
	else
		add_string(text, value, len);
}

/* Add the name of a member; is_first tells whether it is the first one of its object. */
static void add_key(struct strbuf *text, const char *name, bool is_first)
{
	strbuf_add_str(text, is_first ? "{\"" : ",\"");
	strbuf_add_str(text, name);
	strbuf_add_str(text, "\":");
}

static void add_list(struct strbuf *text, const char *items, size_t len)
{
	size_t at, item;

	strbuf_add_char(text, '[');
	for (at = 0; at < len; at += item + 1) {
		if (at > 0)
			strbuf_add_char(text, ',');
		item = strnlen(items + at, len - at);
		add_string(text, items + at, item);
	}
	strbuf_add_char(text, ']');
}

/* ---- profiles ------------------------------------------------------------------- */

/* Begin a row with its id. */
static void begin_profile(struct strbuf *text, const char *id, size_t len)
{
	add_key(text, profile_columns[PROFILE_ID].name, true);
	add_scalar(text, id, len);
}

static void add_profile_cell(struct strbuf *text, enum profile_column column,
	const struct cell *cell)
{
	bool open;

	if (cell->kind == CELL_NULL)
		return;
	add_key(text, profile_columns[column].name, false);
	if (cell->kind == CELL_LIST)
		add_list(text, cell->text, cell->len);
	else if (column == PROFILE_OPEN && cell_bool(cell, false, &open) == 0)
		strbuf_add_str(text, open ? "true" : "false");
	else if (column == PROFILE_MAXSIZE)
		add_scalar(text, cell->text, cell->len);
	else
		add_string(text, cell->text, cell->len);
}

void store_text_profile(struct strbuf *text, const struct profile *profile)
{
	_Static_assert((int)PROFILE_ID == 0, "the first column");
	struct cell cell;
	int column;

	begin_profile(text, profile_id(profile), strlen(profile_id(profile)));
	for (column = PROFILE_ID + 1; column < PROFILE_COLUMNS; column++) {
		cell = profile_cell(profile, (enum profile_column)column);
		add_profile_cell(text, (enum profile_column)column, &cell);
	}
	strbuf_add_char(text, '}');
}

void store_text_bad_profile(struct strbuf *text, const char *id, size_t len)
{
	begin_profile(text, id, len);
	add_key(text, profile_columns[PROFILE_OPEN].name, false);
	add_string(text, BAD_OPEN, strlen(BAD_OPEN));
	strbuf_add_char(text, '}');
}

void store_text_profile_key(struct strbuf *text, const char *id, size_t len)
{
	begin_profile(text, id, len);
	strbuf_add_char(text, '}');
}

/* ---- users ---------------------------------------------------------------------- */

/* A user whose froms are all unusable must not become one without froms: write an unusable entry.
 */
static void add_froms(struct strbuf *text, const struct user *user)
{
	static const char unusable[] = "<none of them is usable>";

	if (!user->has_froms)
		return;
	add_key(text, user_columns[USER_FROMS].name, false);
	if (user->froms_len > 0)
		add_list(text, user->froms, user->froms_len);
	else
		add_list(text, unusable, sizeof(unusable));
}

void store_text_user(struct strbuf *text, const struct user *user)
{
	const bool has_id = *user->id != '\0';

	if (has_id) {
		add_key(text, user_columns[USER_ID].name, true);
		add_scalar(text, user->id, strlen(user->id));
	}
	add_key(text, user_columns[USER_NAME].name, !has_id);
	add_string(text, user->name, strlen(user->name));
	if (*user->password != '\0') {
		add_key(text, user_columns[USER_PASSWORD].name, false);
		add_string(text, user->password, strlen(user->password));
	}
	add_froms(text, user);
	if (*user->profile_id != '\0') {
		add_key(text, user_columns[USER_PROFILE_ID].name, false);
		add_scalar(text, user->profile_id, strlen(user->profile_id));
	}
	if (!user->enabled) {
		add_key(text, user_columns[USER_ENABLED].name, false);
		strbuf_add_str(text, "false");
	}
	strbuf_add_char(text, '}');
}

void store_text_user_key(struct strbuf *text, const char *name)
{
	add_key(text, user_columns[USER_NAME].name, true);
	add_string(text, name, strlen(name));
	strbuf_add_char(text, '}');
}

/* ---- the state ------------------------------------------------------------------ */

void store_text_state(struct strbuf *text, const char *revision, int64_t written)
{
	const time_t when = (time_t)written;
	char time_text[32] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL)
		(void)strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	strbuf_add_str(text, "\"revision\":");
	add_string(text, revision, strlen(revision));
	strbuf_addf(text, ",\"written\":\"%s\"", time_text);
}
