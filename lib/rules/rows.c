/*
 * Rows of users and profiles before they are read: columns, cells and list columns. Stateless; any
 * thread may call it.
 */
#include "lib/rules/rows.h"

#include <string.h>
#include <strings.h>

#include "lib/base/near_name.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

const struct column user_columns[USER_COLUMNS] = {
	[USER_ID] = { "id", 1, 0, NULL },
	[USER_NAME] = { "username", 1, 0, NULL },
	[USER_PASSWORD] = { "password", 1, 0, NULL },
	[USER_FROMS] = { "froms", 1, 1, NULL },
	[USER_PROFILE_ID] = { "profileId", 1, 0, NULL },
	[USER_ENABLED] = { "enabled", 0, 0, "no user is switched off" },
};

const struct column profile_columns[PROFILE_COLUMNS] = {
	[PROFILE_ID] = { "id", 1, 0, NULL },
	[PROFILE_NAME] = { "name", 1, 0, NULL },
	[PROFILE_DESC] = { "desc", 0, 0, NULL },
	[PROFILE_OPEN] = { "open", 1, 0, NULL },
	[PROFILE_LIMITS] = { "limits", 0, 0, "no profile has rate limits" },
	[PROFILE_MAXSIZE] = { "maxsize", 0, 0, "no profile has a largest message" },
	[PROFILE_HOST] = { "host", 1, 1, NULL },
	[PROFILE_RCPT] = { "rcpt", 1, 1, NULL },
	[PROFILE_RCPT_RE] = { "rcpt_re", 1, 1, NULL },
};

static int find_column(const struct column *table, size_t table_len, const char *name)
{
	size_t i;

	for (i = 0; i < table_len; i++) {
		if (strcasecmp(table[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int rows_map(const struct column *table, size_t table_len, const char *const *names, size_t count,
	int *map_r, struct errmsg *err)
{
	unsigned seen = 0; /* one bit per column; tables have fewer than 32 */
	size_t i;

	for (i = 0; i < count; i++) {
		map_r[i] = find_column(table, table_len, names[i]);
		if (map_r[i] < 0)
			continue;
		if (seen & 1U << map_r[i])
			return errmsg_set(err, "column \"%s\" occurs twice", names[i]);
		seen |= 1U << map_r[i];
	}
	for (i = 0; i < table_len; i++) {
		if (table[i].required && !(seen & 1U << i))
			return errmsg_set(err, "column \"%s\" is missing", table[i].name);
	}
	return 0;
}

/* Return whether name is a word with others before or behind it, as in enabled_old. */
static bool has_word(const char *name, const char *word)
{
	const char *at = strcasestr(name, word);
	const size_t len = strlen(word);

	return at != NULL && (at == name || at[-1] == '_') &&
		(at[len] == '\0' || strchr("_0123456789", at[len]) != NULL);
}

void rows_report_missing(const struct column *table, size_t table_len, unsigned present,
	const char *where, struct problems *problems)
{
	for (size_t i = 0; i < table_len; i++) {
		if (!(present & 1U << i) && table[i].without != NULL)
			problems_note(problems, "%s: there is no column \"%s\", so that %s", where,
				table[i].name, table[i].without);
	}
}

void rows_report_unknown(const struct column *table, size_t table_len, unsigned present,
	const char *where, const char *name, struct problems *problems)
{
	const char *near = NULL;
	unsigned best = NEAR_NAME_MAX;
	size_t i;

	if (strcasecmp(name, "createdAt") == 0 || strcasecmp(name, "updatedAt") == 0)
		return;
	for (i = 0; i < table_len; i++) {
		if (!(present & 1U << i) &&
			(near_name_better(name, table[i].name, &best) ||
				has_word(name, table[i].name)))
			near = table[i].name;
	}
	if (near == NULL)
		problems_note(problems, "%s: the column \"%.*s\" is unknown and ignored", where,
			TEXT_CUT(name, 100));
	else
		problems_add(problems,
			"%s: the column \"%.*s\" is unknown and ignored; did you mean \"%s\"?",
			where, TEXT_CUT(name, 100), near);
}

void cell_items_init(struct cell_items *items, const struct cell *cell, int regex)
{
	*items = (struct cell_items){
		.at = cell->text,
		.end = cell->kind == CELL_NULL ? cell->text : cell->text + cell->len,
		.separator = cell->kind == CELL_LIST ? '\0' : ',',
		.regex = regex && cell->kind == CELL_TEXT,
	};
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Return the end of the regex at p: a comma outside of all brackets, or the end of the text. */
static const char *regex_end(const char *p, const char *end)
{
	bool in_class = false;
	int depth = 0;

	for (; p < end; p++) {
		if (*p == '\\') {
			if (p + 1 < end)
				p++;
		} else if (in_class) {
			in_class = *p != ']';
		} else if (*p == '[') {
			in_class = true;
		} else if (*p == '(' || *p == '{') {
			depth++;
		} else if (*p == ')' || *p == '}') {
			depth -= depth > 0;
		} else if (*p == ',' && depth == 0) {
			break;
		}
	}
	return p;
}

int cell_items_next(struct cell_items *items, const char **item_r, size_t *len_r)
{
	const char *start, *stop;

	while (items->at < items->end) {
		start = items->at;
		if (items->regex)
			stop = regex_end(start, items->end);
		else if ((stop = memchr(start, items->separator, (size_t)(items->end - start))) ==
			NULL)
			stop = items->end;
		items->at = stop < items->end ? stop + 1 : stop;
		while (start < stop && is_space(*start))
			start++;
		while (stop > start && is_space(stop[-1]))
			stop--;
		if (start == stop)
			continue;
		items->number++;
		*item_r = start;
		*len_r = (size_t)(stop - start);
		return 1;
	}
	return 0;
}

int cell_bool(const struct cell *cell, bool when_null, bool *value_r)
{
	static const char *const words[2][6] = {
		{ "f", "false", "no", "off", "0", "n" },
		{ "t", "true", "yes", "on", "1", "y" },
	};
	size_t i;
	int value;

	if (cell->kind == CELL_NULL) {
		*value_r = when_null;
		return 0;
	}
	if (cell->kind == CELL_TEXT && cell->len == 1 &&
		(*cell->text == 't' || *cell->text == 'f')) {
		*value_r = *cell->text == 't'; /* PostgreSQL's form, a million times in a load */
		return 0;
	}
	for (value = 0; cell->kind == CELL_TEXT && value < 2; value++) {
		for (i = 0; i < 6; i++) {
			if (strlen(words[value][i]) == cell->len &&
				strncasecmp(words[value][i], cell->text, cell->len) == 0) {
				*value_r = value;
				return 0;
			}
		}
	}
	return -1;
}

bool cell_is_utf8(const struct cell *cell)
{
	return cell->kind == CELL_NULL || utf8_valid_len(cell->text, cell->len) == cell->len;
}

bool cell_equal(const struct cell *a, const struct cell *b)
{
	return a->kind == b->kind &&
		(a->kind == CELL_NULL ||
			(a->len == b->len && memcmp(a->text, b->text, a->len) == 0));
}

/* Return the digits of an id that is a number; *is_negative_r is its sign. NULL: it is none. */
static const char *number_of(const char *id, bool *is_negative_r)
{
	const char *digits = id + (*id == '-');

	*is_negative_r = *id == '-';
	return digits[strspn(digits, "0123456789")] == '\0' ? digits : NULL;
}

int row_ids_compare(const char *a, const char *b)
{
	bool a_negative, b_negative;
	const char *x = number_of(a, &a_negative), *y = number_of(b, &b_negative);
	int order;

	if (x == NULL || y == NULL)
		return x == y ? strcmp(a, b) : (x == NULL) - (y == NULL);
	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	if (strlen(x) != strlen(y))
		order = strlen(x) > strlen(y) ? 1 : -1;
	else
		order = strcmp(x, y);
	return a_negative ? -order : order;
}
