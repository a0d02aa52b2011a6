/*
 * Reads one profile from its row, with its hosts and recipients. A row belongs to the thread that
 * builds sets, until a set with it is made. Part of profile.c; t/unit/test_profile.c covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/match/domain.h"
#include "lib/rules/entry_check.h"
#include "lib/rules/profile_private.h"

#define BAD_NAME_MAX 80 /* bytes of the name of a row that is left out for its length */

struct profile *profile_ref(struct profile *profile)
{
	__atomic_add_fetch(&profile->refs, 1, __ATOMIC_RELAXED);
	return profile;
}

void profile_regexes_unref(struct profile_regexes *regexes)
{
	if (regexes == NULL || __atomic_sub_fetch(&regexes->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	regexlist_unref(&regexes->list);
	problems_free(&regexes->problems);
	free(regexes);
}

void profile_unref(struct profile *profile)
{
	if (profile == NULL || __atomic_sub_fetch(&profile->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	strmap_free(&profile->hosts);
	strmap_free(&profile->rcpts);
	profile_regexes_unref(profile->regexes);
	problems_free(&profile->problems);
	free(profile);
}

bool profile_row_equal(const struct profile *a, const struct profile *b)
{
	bool is_equal = a->is_bad == b->is_bad && a->is_partial == b->is_partial;

	for (int column = 0; is_equal && column < PROFILE_COLUMNS; column++)
		is_equal = cell_equal(&a->cells[column], &b->cells[column]);
	return is_equal;
}

/* ---- hosts and recipients ------------------------------------------------------- */

/* Report an item of a list column, and leave it out. */
static void report_item(const struct profile *profile, const char *column, uint32_t number,
	const struct errmsg *why)
{
	problems_add(profile->problems, "%s[%u]: %s; left out", column, number, why->text);
}

/* Write the canonical form of an item of host: a domain, ".domain", or an address literal. Returns
 * its length, or -1. */
static int canon_host(const char *item, size_t len, char name[1 + DOMAIN_SIZE])
{
	char text[3 + DOMAIN_SIZE] = "x@";
	struct mail_address address;
	int canon;

	if (item[0] == '[' && len <= DOMAIN_SIZE) {
		memcpy(text + 2, item, len);
		if (address_parse(text, len + 2, &address) < 0 || !address.is_literal)
			return -1;
		canon = (int)strlen(address_domain(&address));
		memcpy(name, address_domain(&address), (size_t)canon + 1);
		return canon;
	}
	if (item[0] != '.')
		return domain_canon(item, len, name);
	name[0] = '.';
	canon = domain_canon(item + 1, len - 1, name + 1);
	return canon < 0 ? -1 : canon + 1;
}

/* Return err if the reason why an item is left out would be reported, or NULL if not. */
static struct errmsg *fault_of(const struct profile *profile, struct errmsg *err)
{
	return problems_keep_next(profile->problems, PROBLEM) ? err : NULL;
}

static int add_hosts(struct profile *profile)
{
	struct cell_items items;
	char name[1 + DOMAIN_SIZE];
	struct errmsg err;
	const char *item;
	size_t len;
	int canon;

	cell_items_init(&items, &profile->cells[PROFILE_HOST], 0);
	while (cell_items_next(&items, &item, &len)) {
		(void)errmsg_set(&err, "it is not a domain");
		if (!entry_check(ENTRY_HOST, item, len, NULL, fault_of(profile, &err)) ||
			(canon = canon_host(item, len, name)) < 0) {
			report_item(profile, "host", items.number, &err);
			continue;
		}
		if (entry_is_doubtful(ENTRY_HOST, item, len, &err))
			problems_note(profile->problems, "host[%u]: %s", items.number, err.text);
		profile->has_subtrees |= name[0] == '.';
		if (strmap_add(profile->hosts, name, (size_t)canon, items.number) < 0)
			return -1;
	}
	return 0;
}

/* Return whether an item of rcpt can match. Otherwise err is the reason, if it is reported. */
static bool read_rcpt(const struct profile *profile, const char *item, size_t len,
	struct mail_address *address_r, struct errmsg *err)
{
	if (!entry_check(ENTRY_RCPT, item, len, NULL, fault_of(profile, err)))
		return false;
	if (address_parse(item, len, address_r) < 0) {
		(void)errmsg_set(err, "it is too long for an address");
		return false;
	}
	if (item[0] != '"' || address_r->canon[0] == '"')
		return true;
	(void)errmsg_set(err, "\"%.*s\" has quotes that it does not need; write %.*s",
		TEXT_CUT_LEN(item, len, 120), TEXT_CUT(address_r->canon, 120));
	return false;
}

static int add_rcpts(struct profile *profile)
{
	struct mail_address address;
	struct cell_items items;
	struct errmsg err = { "" };
	const char *item;
	size_t len;

	cell_items_init(&items, &profile->cells[PROFILE_RCPT], 0);
	while (cell_items_next(&items, &item, &len)) {
		if (!read_rcpt(profile, item, len, &address, &err)) {
			report_item(profile, "rcpt", items.number, &err);
			continue;
		}
		if (entry_is_doubtful(ENTRY_RCPT, item, len, &err))
			problems_note(profile->problems, "rcpt[%u]: %s", items.number, err.text);
		if (strmap_add(profile->rcpts, address.canon, address.canon_len, items.number) < 0)
			return -1;
	}
	return 0;
}

int profile_fill_tables(struct profile *profile)
{
	return add_hosts(profile) < 0 || add_rcpts(profile) < 0 ? -1 : 0;
}

/* ---- the row -------------------------------------------------------------------- */

/* Parse a number of octets without a sign. */
static int parse_size(const struct cell *cell, uint64_t *size_r)
{
	uint64_t size = 0;
	size_t i;

	if (cell->kind == CELL_LIST || (cell->kind == CELL_TEXT && cell->len > 18))
		return -1;
	for (i = 0; cell->kind == CELL_TEXT && i < cell->len; i++) {
		if (cell->text[i] < '0' || cell->text[i] > '9')
			return -1;
		size = size * 10 + (uint64_t)(cell->text[i] - '0');
	}
	*size_r = size;
	return 0;
}

/* Note limits of 0: in [limit] and in maxsize, 0 sets no limit. */
static void note_closed_limits(const struct profile *profile)
{
	char text[32];

	for (size_t i = 0; i < profile->limits.len; i++) {
		if (profile->limits.limit[i].count > 0)
			continue;
		limit_format(&profile->limits.limit[i], text);
		problems_note(profile->problems,
			"limits: %s lets its users send nothing; for no limit, leave it out", text);
	}
}

/* Read the columns that would allow more if they were misread; a bad one leaves out the row.
 * Returns 0, or -1 with the problem added. */
static int read_bounds(struct profile *profile)
{
	const struct cell *limits = &profile->cells[PROFILE_LIMITS],
			  *size = &profile->cells[PROFILE_MAXSIZE],
			  *open = &profile->cells[PROFILE_OPEN];
	struct errmsg err = { "" };

	for (int i = 0; i < PROFILE_COLUMNS; i++) {
		if (cell_is_utf8(&profile->cells[i]))
			continue;
		problems_add(profile->problems, "%s is not UTF-8; left out",
			profile_columns[i].name);
		return -1;
	}
	if (cell_bool(open, false, &profile->open) < 0) {
		problems_add(profile->problems, "open \"%.*s\" is neither true nor false; left out",
			TEXT_CUT_LEN(open->text, open->len, 60));
		return -1;
	}
	if (parse_size(size, &profile->maxsize) < 0) {
		problems_add(profile->problems,
			"maxsize \"%.*s\" is not a number of bytes (0 for no limit); left out",
			TEXT_CUT_LEN(size->text, size->len, 60));
		return -1;
	}
	if (limits->kind == CELL_LIST ||
		(limits->kind == CELL_TEXT &&
			limits_parse(limits->text, limits->len, &profile->limits, &err) < 0)) {
		problems_add(profile->problems, "limits: %s; left out",
			limits->kind == CELL_LIST ? "must be text, not a list" : err.text);
		return -1;
	}
	note_closed_limits(profile);
	return 0;
}

/* Return the first column that is longer than it may be; NULL if there is none. */
static const struct column *find_long_column(const struct cell *row)
{
	for (int i = 0; i < PROFILE_COLUMNS; i++) {
		if (row[i].kind != CELL_NULL &&
			row[i].len >
				(profile_columns[i].is_list ? PROFILE_LIST_MAX : PROFILE_VALUE_MAX))
			return &profile_columns[i];
	}
	return NULL;
}

/* Make a row with these cells, which may overlap its own. Returns NULL when out of memory. */
static struct profile *make_row(const struct cell row[PROFILE_COLUMNS])
{
	struct profile *profile;
	size_t size = sizeof(*profile);
	char *to;

	for (int i = 0; i < PROFILE_COLUMNS; i++)
		size += row[i].kind != CELL_NULL ? row[i].len + 1 : 1;
	if ((profile = malloc(size)) == NULL)
		return NULL;
	*profile = (struct profile){ .refs = 1, .problems = problems_new() };
	to = (char *)(profile + 1);
	for (int i = 0; i < PROFILE_COLUMNS; i++) {
		profile->cells[i] = row[i];
		profile->cells[i].text = to;
		if (row[i].kind == CELL_NULL)
			profile->cells[i].len = 0;
		if (profile->cells[i].len > 0)
			memcpy(to, row[i].text, row[i].len);
		to += profile->cells[i].len;
		*to++ = '\0';
	}
	profile->id = profile->cells[PROFILE_ID].text;
	profile->name = profile->cells[PROFILE_NAME].kind == CELL_TEXT &&
			profile->cells[PROFILE_NAME].len > 0 ?
		profile->cells[PROFILE_NAME].text :
		profile->id;
	if (profile->problems == NULL) {
		free(profile);
		return NULL;
	}
	return profile;
}

struct profile *profile_row_bad(const struct cell *id, const struct cell *name)
{
	struct cell row[PROFILE_COLUMNS] = { [PROFILE_ID] = *id };
	struct profile *profile;

	if (name->kind == CELL_TEXT)
		row[PROFILE_NAME] = (struct cell){ CELL_TEXT, name->text,
			text_fit(name->text, name->len, BAD_NAME_MAX) };
	if ((profile = make_row(row)) != NULL)
		profile->is_bad = profile->is_partial = true;
	return profile;
}

bool profile_has_id(const struct cell *id, struct problems *nameless)
{
	if (id->kind != CELL_TEXT || id->len == 0)
		problems_add(nameless, "profiles: a row without an id; left out");
	else if (memchr(id->text, '\0', id->len) != NULL)
		problems_add(nameless, "profiles: an id with a NUL byte; left out");
	else if (!cell_is_utf8(id))
		problems_add(nameless, "profiles: an id that is not UTF-8; left out");
	else if (id->len > PROFILE_VALUE_MAX)
		problems_add(nameless, "profiles: an id of more than %d bytes; left out",
			PROFILE_VALUE_MAX);
	else
		return true;
	return false;
}

/* Make a row that is left out because of a long column, of which nothing is copied. */
static struct profile *make_long_row(const struct cell *row, const struct column *column)
{
	struct profile *profile = profile_row_bad(&row[PROFILE_ID], &row[PROFILE_NAME]);

	if (profile != NULL)
		problems_add(profile->problems, "%s has more than %d bytes; left out", column->name,
			column->is_list ? PROFILE_LIST_MAX : PROFILE_VALUE_MAX);
	return profile;
}

int profile_row_read(const struct cell row[PROFILE_COLUMNS], struct profile **profile_r,
	struct problems *nameless)
{
	const struct column *column;
	struct profile *profile;

	if (!profile_has_id(&row[PROFILE_ID], nameless))
		return 0;
	column = find_long_column(row);
	profile = column != NULL ? make_long_row(row, column) : make_row(row);
	if (profile == NULL)
		return -1;
	if (column == NULL)
		profile->is_bad = read_bounds(profile) < 0;
	*profile_r = profile;
	return 1;
}
