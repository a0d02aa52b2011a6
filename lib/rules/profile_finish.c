/*
 * Finishes the rows of a set of profiles: selects the hosts, recipients and regexes that fit within
 * the bounds of all rows, fills tables, compiles regexes, and shares what an earlier set has. Part
 * of profile.c, on the thread that builds a set; t/unit/test_profile_finish.c covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/text.h"
#include "lib/rules/profile_private.h"
#include "lib/rules/regex_check.h"

#define MEASURED_FIRST 512 /* bytes of each profile: few, because there may be many profiles */

/* ---- regexes --------------------------------------------------------------------- */

/* The regexes of a profile that are being made. */
struct regexes_reading {
	const struct profile *profile;
	struct profile_regexes *regexes;
	bool anchored;
};

/* Report that a regex is left out. */
static void leave_out(const struct regexes_reading *r, uint32_t number, const struct errmsg *why)
{
	problems_add(r->regexes->problems, "rcpt_re[%u]: %s; left out", number, why->text);
}

/* Note what may be wrong with a regex that is in force. */
static void note_doubts(const struct regexes_reading *r, const char *item, size_t len,
	uint32_t number)
{
	struct errmsg text = { "" };
	struct errmsg *why = problems_keep_next(r->regexes->problems, PROBLEM_NOTE) ? &text : NULL;

	if (regexlist_is_costly(r->regexes->list, why) || regex_is_doubtful(item, len, why) ||
		regex_has_dead_part(REGEX_ON_ADDRESSES, r->anchored, item, len, why))
		problems_note(r->regexes->problems, "rcpt_re[%u]: %s", number, text.text);
	if (!r->anchored && regex_has_open_end(item, len))
		problems_note(r->regexes->problems,
			"rcpt_re[%u] \"%.*s\" has %s, so it also matches inside longer addresses",
			number, TEXT_CUT_LEN(item, len, 120),
			memchr(item, '$', len) == NULL ? "no $" : "an end without $");
}

/* Compile one regex. Returns 0, or -1 when out of memory. */
static int add_regex(const struct regexes_reading *r, const char *item, size_t len, uint32_t number)
{
	struct errmsg err = { "" };
	struct errmsg *fault = problems_keep_next(r->regexes->problems, PROBLEM) ? &err : NULL;
	enum regex_added added = REGEX_REFUSED;

	if (len > REGEX_MAX || regex_check(REGEX_ON_ADDRESSES, r->anchored, item, len, fault))
		added = regexlist_add(r->regexes->list, item, len, number, &err);
	if (added == REGEX_REFUSED)
		leave_out(r, number, &err);
	else if (added == REGEX_ADDED)
		note_doubts(r, item, len, number);
	return added == REGEX_OUT_OF_MEMORY ? -1 : 0;
}

/* Compile the regexes up to the bound, in which refused ones are included. -1 when out of memory.
 */
static int add_regexes(const struct regexes_reading *r)
{
	const bool all_fit = r->profile->is_measured && r->profile->bytes < PROFILE_REGEX_BYTES;
	struct cell_items items;
	const char *item;
	uint64_t bytes = 0;
	size_t len;
	int ret = 0;

	cell_items_init(&items, &r->profile->cells[PROFILE_RCPT_RE], 1);
	while (ret == 0 && cell_items_next(&items, &item, &len)) {
		if (!all_fit)
			bytes += regexlist_bytes_of(item, len, r->anchored,
				PROFILE_REGEX_BYTES - bytes);
		if (bytes > PROFILE_REGEX_BYTES) {
			problems_add(r->regexes->problems,
				"rcpt_re[%u]: with repeats written out, the regexes of a profile "
				"may take up to %d bytes; this one and all after it are left out",
				items.number, PROFILE_REGEX_BYTES);
			break;
		}
		ret = add_regex(r, item, len, items.number);
	}
	return ret;
}

/* The earlier set, and regexes by their text: those of that set and of the rows before, so that
 * none is compiled twice. */
struct regex_source {
	const struct profiles *previous; /* with the same `anchored`; may be NULL */
	bool shares_rows;		 /* its rows, too */
	struct regex_pool *pool;	 /* NULL until it is needed */
};

/* Let a new list use the pool. -1 when out of memory. */
static int use_pool(struct regex_source *source, struct regexlist *list)
{
	const struct profiles *previous = source->previous;

	if (source->pool == NULL) {
		if ((source->pool = regex_pool_new()) == NULL)
			return -1;
		for (size_t i = 0; previous != NULL && i < previous->count; i++) {
			if (regex_pool_add(source->pool, previous->at[i]->regexes->list) < 0)
				return -1;
		}
	}
	regexlist_use_pool(list, source->pool);
	return 0;
}

/* Subtract the texts of these problems from those that may still be kept. */
static void count_texts(struct profiles_builder *b, const struct problems *problems)
{
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		const size_t kept = problems_level_kept(problems, (enum problem_level)level);

		b->texts[level] -= kept < b->texts[level] ? kept : b->texts[level];
	}
}

static struct profile_regexes *new_regexes(const struct profiles_builder *b)
{
	struct profile_regexes *regexes = calloc(1, sizeof(*regexes));

	if (regexes == NULL)
		return NULL;
	regexes->refs = 1;
	regexes->list = regexlist_new(b->anchored);
	regexes->problems = problems_new();
	problems_allow(regexes->problems, b->texts);
	if (regexes->list == NULL || regexes->problems == NULL) {
		profile_regexes_unref(regexes);
		return NULL;
	}
	return regexes;
}

/* Make the regexes of a row that fits, or report that it does not. Returns 0, or -1 when out of
 * memory. */
static int make_regexes(struct profiles_builder *b, struct profile *row,
	struct regex_source *source)
{
	struct regexes_reading r = { row, new_regexes(b), b->anchored };
	int ret = 0;

	if ((row->regexes = r.regexes) == NULL)
		return -1;
	if (!row->fits)
		problems_add(r.regexes->problems,
			"rcpt_re: the regexes of all profiles may have up to %d MiB of text, where "
			"a profile with a character outside of ASCII counts %d times, and %d MiB "
			"with repeats written out; those of this profile are among the largest, "
			"and are all left out",
			PROFILES_REGEX_TEXT >> 20, PROFILES_IDN_WEIGHT, PROFILES_REGEX_BYTES >> 20);
	else
		ret = use_pool(source, r.regexes->list) < 0 ? -1 : add_regexes(&r);
	count_texts(b, r.regexes->problems);
	return ret < 0 ? -1 : regexlist_finish(r.regexes->list, NULL, NULL);
}

/* ---- what fits ------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sort the values; return the smallest of those that exceed a bound of their sum. */
static uint64_t find_excess(uint64_t *values, size_t count, uint64_t bound)
{
	uint64_t total = 0;

	qsort(values, count, sizeof(*values), by_number);
	for (size_t i = 0; i < count; i++) {
		if ((total += values[i]) > bound)
			return values[i];
	}
	return UINT64_MAX;
}

/* Determine the cost of a row's regexes, up to max. */
static void find_bytes(struct profile *row, bool anchored, uint64_t max)
{
	struct cell_items items;
	const char *item;
	uint64_t bytes = 0;
	size_t len;

	cell_items_init(&items, &row->cells[PROFILE_RCPT_RE], 1);
	while (bytes < max && cell_items_next(&items, &item, &len))
		bytes += regexlist_bytes_of(item, len, anchored, max - bytes);
	row->bytes = bytes < max ? bytes : max;
	row->is_measured = bytes < max || max >= PROFILE_REGEX_BYTES;
}

/* Return the cost of a row's regexes, or max if they cost more. */
static uint64_t cost_up_to(struct profile *row, bool anchored, uint64_t max)
{
	if (!row->is_measured && row->bytes < max)
		find_bytes(row, anchored, max);
	return row->bytes < max ? row->bytes : max;
}

/*
 * Return the cost from which on regexes do not fit. Because finding out takes time, too, costs are
 * determined up to a bound that grows until the sum exceeds what all rows may take: then those that
 * reach the bound do not fit. The result depends on the costs alone, not on what is known of them.
 */
static uint64_t find_costly(const struct profiles_builder *b)
{
	uint64_t total, max, cost;
	bool all_known = false;

	for (max = MEASURED_FIRST; !all_known; max *= 2) {
		total = 0;
		all_known = true;
		for (size_t i = 0; i < b->count; i++) {
			if (!b->choices[i].fits)
				continue;
			cost = cost_up_to(b->choices[i].row, b->anchored, max);
			total += cost;
			if (total > PROFILES_REGEX_BYTES && max < PROFILE_REGEX_BYTES)
				return max;
			all_known = all_known && (cost < max || max >= PROFILE_REGEX_BYTES);
		}
	}
	return UINT64_MAX;
}

/* Return how much the regexes of a row count in PROFILES_REGEX_TEXT. */
static uint64_t regex_text_cost(const struct profile *row)
{
	const struct cell *cell = &row->cells[PROFILE_RCPT_RE];

	if (row->is_bad || cell->kind == CELL_NULL)
		return 0;
	return cell->len * (ascii_is_all(cell->text, cell->len) ? 1 : PROFILES_IDN_WEIGHT);
}

/*
 * Select the rows that keep their regexes: first the shortest, because even reading the others
 * takes time, and of these the least costly, so that a costly profile harms itself first.
 */
static void choose_regexes(struct profiles_builder *b, uint64_t *values)
{
	uint64_t excess;
	size_t i, count = 0;

	for (i = 0; i < b->count; i++)
		values[i] = regex_text_cost(b->choices[i].row);
	excess = find_excess(values, b->count, PROFILES_REGEX_TEXT);
	for (i = 0; i < b->count; i++)
		b->choices[i].fits =
			!b->choices[i].row->is_bad && regex_text_cost(b->choices[i].row) < excess;
	excess = find_costly(b);
	for (i = 0; i < b->count; i++) {
		if (!b->choices[i].fits)
			continue;
		b->choices[i].fits = cost_up_to(b->choices[i].row, b->anchored, excess) < excess;
		if (b->choices[i].fits)
			values[count++] = b->choices[i].row->bytes;
	}
	excess = find_excess(values, count, PROFILES_REGEX_BYTES);
	for (i = 0; i < b->count; i++)
		b->choices[i].fits = b->choices[i].fits && b->choices[i].row->bytes < excess;
}

/* Return how much a list column counts in PROFILES_TABLES_TEXT. */
static uint64_t text_cost(const struct cell *cell)
{
	struct cell_items items;
	const char *item;
	size_t len;
	uint64_t cost = cell->kind == CELL_NULL ? 0 : cell->len;

	cell_items_init(&items, cell, 0);
	while (cell_items_next(&items, &item, &len))
		cost += domain_idn_bytes(item, len) * (PROFILES_IDN_WEIGHT - 1);
	return cost;
}

/* Return how much a row counts there. */
static uint64_t tables_cost(const struct profile *row)
{
	return row->is_bad ?
		0 :
		text_cost(&row->cells[PROFILE_HOST]) + text_cost(&row->cells[PROFILE_RCPT]);
}

/* Select the rows that keep their hosts and recipients: those with the shortest. */
static void choose_tables(struct profiles_builder *b, uint64_t *values)
{
	uint64_t excess;

	for (size_t i = 0; i < b->count; i++)
		values[i] = tables_cost(b->choices[i].row);
	excess = find_excess(values, b->count, PROFILES_TABLES_TEXT);
	for (size_t i = 0; i < b->count; i++)
		b->choices[i].tables_fit = tables_cost(b->choices[i].row) < excess;
}

/* ---- the rows -------------------------------------------------------------------- */

struct profile *profile_find_row(const struct profiles *profiles, const char *id)
{
	size_t begin = 0, end = profiles->row_count, middle;
	int order;

	while (begin < end) {
		middle = begin + (end - begin) / 2;
		order = row_ids_compare(profiles->rows[middle]->id, id);
		if (order == 0)
			return profiles->rows[middle];
		if (order < 0)
			begin = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

/* Put a row in the place of the one that was chosen. */
static void replace_row(struct profile_choice *choice, struct profile *row)
{
	profile_unref(choice->row);
	choice->row = row;
}

static bool has_same_regexes(const struct profile *a, const struct profile *b)
{
	return cell_equal(&a->cells[PROFILE_RCPT_RE], &b->cells[PROFILE_RCPT_RE]);
}

/* Take over equal rows of an earlier set, and what is known of the regexes of others. */
static void share_rows(struct profiles_builder *b, const struct profiles *previous)
{
	struct profile *row, *old;

	for (size_t i = 0; i < b->count; i++) {
		row = b->choices[i].row;
		old = profile_find_row(previous, row->id);
		if (old == NULL || old == row || old->is_partial)
			continue;
		if (profile_row_equal(old, row)) {
			replace_row(&b->choices[i], profile_ref(old));
		} else if (has_same_regexes(old, row)) {
			row->bytes = old->bytes;
			row->is_measured = old->is_measured;
		}
	}
}

/* Make a row of which a set exists anew, because more or less of it fits now. -1 when out of
 * memory. */
static int make_anew(struct profile_choice *choice)
{
	const struct profile *old = choice->row;
	struct profile *row;

	if (profile_row_read(old->cells, &row, NULL) <= 0)
		return -1;
	row->bytes = old->bytes;
	row->is_measured = old->is_measured;
	replace_row(choice, row);
	return 0;
}

/* Fill the tables of a row if they fit. -1 when out of memory. */
static int make_tables(struct profile *row)
{
	row->hosts = strmap_new();
	row->rcpts = strmap_new();
	if (row->hosts == NULL || row->rcpts == NULL)
		return -1;
	if (row->tables_fit)
		return profile_fill_tables(row);
	problems_add(row->problems,
		"host, rcpt: the hosts and recipients of all profiles may have up to %d MiB of "
		"text, of which domains with characters outside of ASCII count %d times, and "
		"those of this profile are among the longest; all of them are left out; write "
		"domains in their ASCII form (xn--)",
		PROFILES_TABLES_TEXT >> 20, PROFILES_IDN_WEIGHT);
	return 0;
}

/* Return whether nothing remains to be done for the row that was chosen. */
static bool is_finished(const struct profile_choice *choice)
{
	const struct profile *row = choice->row;

	return row->is_bad ||
		(row->regexes != NULL && row->fits == choice->fits &&
			row->tables_fit == choice->tables_fit);
}

/* Complete a row as it was decided. -1 when out of memory. */
static int finish_row(struct profiles_builder *b, struct profile_choice *choice,
	struct regex_source *source)
{
	struct profile *row;
	const struct profile *old;

	if (choice->row->regexes != NULL && make_anew(choice) < 0)
		return -1;
	row = choice->row;
	row->fits = choice->fits;
	row->tables_fit = choice->tables_fit;
	problems_allow(row->problems, b->texts);
	if (make_tables(row) < 0)
		return -1;
	count_texts(b, row->problems);
	old = source->shares_rows ? profile_find_row(source->previous, row->id) : NULL;
	if (old != NULL && !old->is_bad && old->fits && row->fits && has_same_regexes(old, row)) {
		row->regexes = old->regexes;
		__atomic_add_fetch(&row->regexes->refs, 1, __ATOMIC_RELAXED);
		count_texts(b, row->regexes->problems);
		return 0;
	}
	return make_regexes(b, row, source);
}

static bool is_complete(const struct problems *problems)
{
	return problems_level_is_complete(problems, PROBLEM) &&
		problems_level_is_complete(problems, PROBLEM_NOTE);
}

/*
 * Return whether the rows of an earlier set can be taken over when all rows were read: not if they
 * lack texts of problems, because the first ones are to have them.
 */
static bool has_all_texts(const struct profiles *previous)
{
	bool has = true;

	for (size_t i = 0; has && i < previous->row_count; i++)
		has = is_complete(previous->rows[i]->problems) &&
			(previous->rows[i]->regexes == NULL ||
				is_complete(previous->rows[i]->regexes->problems));
	return has;
}

int profile_finish_rows(struct profiles_builder *builder, const struct profiles *previous)
{
	struct profiles_builder *b = builder;
	struct regex_source source = { .previous = NULL };
	uint64_t *values = calloc(b->count + 1, sizeof(*values));
	int ret = values != NULL ? 0 : -1;

	if (previous != NULL && previous->anchored == b->anchored)
		source.previous = previous;
	source.shares_rows =
		source.previous != NULL && (b->base != NULL || has_all_texts(source.previous));
	if (source.shares_rows)
		share_rows(b, source.previous);
	if (ret == 0) {
		choose_tables(b, values);
		choose_regexes(b, values);
	}
	for (int level = 0; level < PROBLEM_LEVELS; level++)
		b->texts[level] = PROFILES_TEXTS;
	for (size_t i = 0; i < b->count; i++) {
		if (!b->choices[i].row->is_bad && is_finished(&b->choices[i])) {
			count_texts(b, b->choices[i].row->problems);
			count_texts(b, b->choices[i].row->regexes->problems);
		}
	}
	for (size_t i = 0; ret == 0 && i < b->count; i++)
		if (!is_finished(&b->choices[i]))
			ret = finish_row(b, &b->choices[i], &source);
	regex_pool_free(&source.pool);
	free(values);
	return ret;
}
