/*
 * The profiles of a policy: reads them from rows, and finds them. A set of profiles is immutable
 * and reference-counted: one thread builds it, then any thread may read it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/match/domain.h"
#include "lib/rules/entry_check.h"
#include "lib/rules/profile_private.h"

/* Free the tables of a profile, which are not in the arena. */
static void profile_clear(struct profile *profile)
{
	strmap_free(&profile->hosts);
	strmap_free(&profile->rcpts);
	regexlist_unref(&profile->rcpt_re);
}

struct profiles *profiles_ref(struct profiles *profiles)
{
	if (profiles != NULL)
		__atomic_add_fetch(&profiles->refs, 1, __ATOMIC_RELAXED);
	return profiles;
}

void profiles_unref(struct profiles **profiles)
{
	struct profiles *gone = *profiles;
	size_t i;

	*profiles = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (i = 0; i < gone->count; i++)
		profile_clear(gone->at[i]);
	free(gone->at);
	strmap_free(&gone->by_id);
	strmap_free(&gone->by_name);
	strmap_free(&gone->bad);
	arena_free(&gone->arena);
	free(gone);
}

/* ---- looking up ---------------------------------------------------------------- */

size_t profiles_count(const struct profiles *profiles)
{
	return profiles->count;
}

const struct profile *profiles_at(const struct profiles *profiles, size_t i)
{
	return profiles->at[i];
}

static const struct profile *find_profile(const struct profiles *profiles, const struct strmap *map,
	const char *key)
{
	uint32_t i;

	return strmap_find(map, key, strlen(key), &i) ? profiles->at[i] : NULL;
}

const struct profile *profiles_by_id(const struct profiles *profiles, const char *id)
{
	return find_profile(profiles, profiles->by_id, id);
}

const struct profile *profiles_by_name(const struct profiles *profiles, const char *name)
{
	return find_profile(profiles, profiles->by_name, name);
}

bool profiles_is_bad(const struct profiles *profiles, const char *id)
{
	return strmap_find(profiles->bad, id, strlen(id), NULL);
}

bool profiles_any_maxsize(const struct profiles *profiles)
{
	return profiles->any_maxsize;
}

bool profiles_same(const struct profiles *a, const struct profiles *b)
{
	bool is_same = a->count == b->count;
	size_t i;
	int column;

	for (i = 0; is_same && i < a->count; i++)
		for (column = 0; is_same && column < PROFILE_COLUMNS; column++)
			is_same = cell_equal(&a->at[i]->cells[column], &b->at[i]->cells[column]);
	return is_same;
}

const char *profile_id(const struct profile *profile)
{
	return profile->id;
}

const char *profile_name(const struct profile *profile)
{
	return profile->name;
}

bool profile_is_open(const struct profile *profile)
{
	return profile->open;
}

uint64_t profile_maxsize(const struct profile *profile)
{
	return profile->maxsize;
}

const struct limits *profile_limits(const struct profile *profile)
{
	return &profile->limits;
}

bool profile_host_allows(const struct profile *profile, const struct mail_address *rcpt,
	uint32_t *index_r)
{
	const char *domain = address_domain(rcpt);

	return rcpt->has_domain &&
		(strmap_find(profile->hosts, domain, strlen(domain), index_r) ||
			(profile->has_subtrees &&
				domain_walk(profile->hosts, DOMAIN_DOTTED, domain, index_r)));
}

bool profile_rcpt_allows(const struct profile *profile, const struct mail_address *rcpt,
	uint32_t *index_r)
{
	return strmap_find(profile->rcpts, rcpt->canon, rcpt->canon_len, index_r);
}

struct regexlist *profile_rcpt_re(const struct profile *profile)
{
	return profile->rcpt_re;
}

struct cell profile_cell(const struct profile *profile, enum profile_column column)
{
	return profile->cells[column];
}

/* ---- reading rows -------------------------------------------------------------- */

struct profiles_builder *profiles_builder_new(bool anchored)
{
	struct profiles_builder *builder = calloc(1, sizeof(*builder));
	struct profiles *p = calloc(1, sizeof(*p));

	if (builder == NULL || p == NULL) {
		free(builder);
		free(p);
		return NULL;
	}
	builder->profiles = p;
	p->refs = 1;
	p->anchored = anchored;
	p->arena = arena_new(16384);
	p->by_id = strmap_new();
	p->by_name = strmap_new();
	p->bad = strmap_new();
	if (p->arena == NULL || p->by_id == NULL || p->by_name == NULL || p->bad == NULL)
		profiles_builder_free(&builder);
	return builder;
}

void profiles_builder_free(struct profiles_builder **builder)
{
	if (*builder == NULL)
		return;
	profiles_unref(&(*builder)->profiles);
	free(*builder);
	*builder = NULL;
}

/* Report an item of a list column, and leave it out. */
static void report_item(const struct profile_reading *r, const char *column, uint32_t number,
	const struct errmsg *why)
{
	problems_add(r->problems, "%s: %s[%u]: %s; left out", r->where, column, number, why->text);
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
static struct errmsg *fault_of(const struct profile_reading *r, struct errmsg *err)
{
	return problems_keep_next(r->problems, PROBLEM) ? err : NULL;
}

static int add_hosts(struct profile_reading *r)
{
	struct cell_items items;
	char name[1 + DOMAIN_SIZE];
	struct errmsg err;
	const char *item;
	size_t len;
	int canon;

	cell_items_init(&items, &r->profile->cells[PROFILE_HOST], 0);
	while (cell_items_next(&items, &item, &len)) {
		(void)errmsg_set(&err, "it is not a domain");
		if (!entry_check(ENTRY_HOST, item, len, NULL, fault_of(r, &err)) ||
			(canon = canon_host(item, len, name)) < 0) {
			report_item(r, "host", items.number, &err);
			continue;
		}
		r->profile->has_subtrees |= name[0] == '.';
		if (strmap_add(r->profile->hosts, name, (size_t)canon, items.number) < 0)
			return -1;
	}
	return 0;
}

/* Return whether an item of rcpt can match. Otherwise err is the reason, if it is reported. */
static bool read_rcpt(const struct profile_reading *r, const char *item, size_t len,
	struct mail_address *address_r, struct errmsg *err)
{
	if (!entry_check(ENTRY_RCPT, item, len, NULL, fault_of(r, err)))
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

static int add_rcpts(struct profile_reading *r)
{
	struct mail_address address;
	struct cell_items items;
	struct errmsg err = { "" };
	const char *item;
	size_t len;

	cell_items_init(&items, &r->profile->cells[PROFILE_RCPT], 0);
	while (cell_items_next(&items, &item, &len)) {
		if (!read_rcpt(r, item, len, &address, &err)) {
			report_item(r, "rcpt", items.number, &err);
			continue;
		}
		if (entry_is_doubtful(ENTRY_RCPT, item, len, &err))
			problems_note(r->problems, "%s: rcpt[%u]: %s", r->where, items.number,
				err.text);
		if (strmap_add(r->profile->rcpts, address.canon, address.canon_len, items.number) <
			0)
			return -1;
	}
	return 0;
}

int profile_fill_tables(struct profile_reading *r)
{
	return add_hosts(r) < 0 || add_rcpts(r) < 0 ? -1 : 0;
}

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

/* Read the columns that would allow more if they were misread; a bad one leaves out the row.
 * Returns 0, or -1 with the problem added. */
static int read_bounds(struct profile_reading *r)
{
	const struct cell *limits = &r->profile->cells[PROFILE_LIMITS],
			  *size = &r->profile->cells[PROFILE_MAXSIZE],
			  *open = &r->profile->cells[PROFILE_OPEN];
	struct errmsg err = { "" };

	for (int i = 0; i < PROFILE_COLUMNS; i++) {
		if (cell_is_utf8(&r->profile->cells[i]))
			continue;
		problems_add(r->problems, "%s: %s is not UTF-8; left out", r->where,
			profile_columns[i].name);
		return -1;
	}
	if (cell_bool(open, false, &r->profile->open) < 0) {
		problems_add(r->problems, "%s: open \"%.*s\" is neither true nor false; left out",
			r->where, TEXT_CUT_LEN(open->text, open->len, 60));
		return -1;
	}
	if (parse_size(size, &r->profile->maxsize) < 0) {
		problems_add(r->problems,
			"%s: maxsize \"%.*s\" is not a number of bytes (0 for no limit); left out",
			r->where, TEXT_CUT_LEN(size->text, size->len, 60));
		return -1;
	}
	if (limits->kind == CELL_LIST ||
		(limits->kind == CELL_TEXT &&
			limits_parse(limits->text, limits->len, &r->profile->limits, &err) < 0)) {
		problems_add(r->problems, "%s: limits: %s; left out", r->where,
			limits->kind == CELL_LIST ? "must be text, not a list" : err.text);
		return -1;
	}
	return 0;
}

static int make_tables(struct profile *profile)
{
	profile->hosts = strmap_new();
	profile->rcpts = strmap_new();
	return profile->hosts == NULL || profile->rcpts == NULL ? -1 : 0;
}

void profile_reading_set_where(struct profile_reading *r)
{
	(void)text_format(r->where, sizeof(r->where), "profiles id %s (%s)", r->profile->id,
		r->profile->name);
}

/* Add the finished profile to the set. -1 when out of memory. */
static int add_profile(struct profiles *p, struct profile *profile, struct profile_reading *r)
{
	struct profile **at;
	size_t size;

	if (p->count == p->size) {
		size = p->size ? p->size * 2 : 16;
		if ((at = realloc(p->at, size * sizeof(struct profile *))) == NULL)
			return -1;
		p->at = at;
		p->size = size;
	}
	if (strmap_add(p->by_id, profile->id, strlen(profile->id), (uint32_t)p->count) < 0)
		return -1;
	switch (strmap_add(p->by_name, profile->name, strlen(profile->name), (uint32_t)p->count)) {
	case 0:
		problems_add(r->problems,
			"%s: another profile has that name; this one is found only by its id",
			r->where);
		break;
	case -1:
		return -1;
	}
	p->at[p->count++] = profile;
	p->any_maxsize |= profile->maxsize > 0;
	return 0;
}

static int copy_cells(struct arena *arena, const struct cell *row, struct profile *profile)
{
	int i;

	for (i = 0; i < PROFILE_COLUMNS; i++) {
		profile->cells[i] = row[i];
		if (row[i].kind == CELL_NULL)
			profile->cells[i].text = "";
		else if ((profile->cells[i].text = arena_memdup(arena, row[i].text, row[i].len)) ==
			NULL)
			return -1;
	}
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

/* Report a row with a column that is too long, before anything of it is copied. Returns 1, or -1
 * when out of memory. */
static int refuse_long_row(struct profile_reading *r, const struct cell *row,
	const struct column *column)
{
	const struct cell *id = &row[PROFILE_ID], *name = &row[PROFILE_NAME];

	if (column == &profile_columns[PROFILE_ID]) {
		problems_add(r->problems, "profiles: an id of more than %d bytes; left out",
			PROFILE_VALUE_MAX);
		return 1;
	}
	problems_add(r->problems, "profiles id %.*s (%.*s): %s has more than %d bytes; left out",
		TEXT_CUT_LEN(id->text, id->len, 40),
		TEXT_CUT_LEN(name->kind == CELL_TEXT ? name->text : "",
			name->kind == CELL_TEXT ? name->len : 0, 80),
		column->name, column->is_list ? PROFILE_LIST_MAX : PROFILE_VALUE_MAX);
	return strmap_add(r->builder->profiles->bad, id->text, id->len, 0) < 0 ? -1 : 1;
}

/* Read the id and the name. Returns 0, 1 when the row is left out, or -1 when out of memory. */
static int read_identity(struct profile_reading *r, const struct cell *row)
{
	struct profile *profile = r->profile;
	const struct cell *id = &row[PROFILE_ID], *name = &row[PROFILE_NAME];
	const struct column *column = find_long_column(row);

	if (id->kind != CELL_TEXT || id->len == 0) {
		problems_add(r->problems, "profiles: a row without an id; left out");
		return 1;
	}
	if (memchr(id->text, '\0', id->len) != NULL || !cell_is_utf8(id)) {
		problems_add(r->problems, "profiles: an id %s; left out",
			cell_is_utf8(id) ? "with a NUL byte" : "that is not UTF-8");
		return 1;
	}
	if (column != NULL)
		return refuse_long_row(r, row, column);
	if (copy_cells(r->builder->profiles->arena, row, profile) < 0)
		return -1;
	profile->id = profile->cells[PROFILE_ID].text;
	profile->name = name->kind == CELL_TEXT && name->len > 0 ?
		profile->cells[PROFILE_NAME].text :
		profile->id;
	profile_reading_set_where(r);
	if (profiles_by_id(r->builder->profiles, profile->id) != NULL) {
		problems_add(r->problems, "%s: another row has that id; left out", r->where);
		return 1;
	}
	return 0;
}

static int read_profile(struct profile_reading *r, const struct cell *row)
{
	struct profiles *p = r->builder->profiles;
	int skip = read_identity(r, row);

	if (skip != 0)
		return skip < 0 ? -1 : 0;
	if (make_tables(r->profile) < 0)
		return -1;
	if (read_bounds(r) < 0)
		return strmap_add(p->bad, r->profile->id, strlen(r->profile->id), 0) < 0 ? -1 : 0;
	if (add_profile(p, r->profile, r) < 0)
		return -1;
	return 1;
}

int profiles_builder_add(struct profiles_builder *builder, const struct cell row[PROFILE_COLUMNS],
	struct problems *problems)
{
	struct profile_reading r = { .builder = builder, .problems = problems };
	int taken;

	r.profile = arena_alloc(builder->profiles->arena, sizeof(*r.profile));
	if (r.profile == NULL)
		return -1;
	memset(r.profile, 0, sizeof(*r.profile));
	if ((taken = read_profile(&r, row)) <= 0)
		profile_clear(r.profile);
	return taken;
}
