/*
 * Finishes a set of profiles: selects the hosts, recipients and regexes that fit within the bounds,
 * compiles regexes or takes them over from an earlier set, and reports those that are left out.
 * Part of profile.c, on the thread that builds a set; t/unit/test_profile_finish.c covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/profile_private.h"
#include "lib/rules/regex_check.h"

#define MEASURED_FIRST 4096 /* bytes of each profile that are measured first */

/* Add a remark after the others. -1 when out of memory. */
static int add_remark(struct profile_reading *r, uint32_t number, enum remark_kind kind,
	const char *text)
{
	struct arena *arena = r->builder->profiles->arena;
	struct remark *remark = arena_alloc(arena, sizeof(*remark));

	if (remark == NULL || (text = arena_strdup(arena, text)) == NULL)
		return -1;
	*remark = (struct remark){ NULL, kind, number, text };
	*r->profile->last_remark = remark;
	r->profile->last_remark = &remark->next;
	return 0;
}

static int add_regex(struct profile_reading *r, const char *item, size_t len, uint32_t number)
{
	struct regexlist *list = r->profile->rcpt_re;
	struct errmsg err = { "" };
	enum regex_added added = REGEX_REFUSED;

	if (regex_check(REGEX_ON_ADDRESSES, r->builder->profiles->anchored, item, len, &err))
		added = regexlist_add(list, item, len, number, &err);
	if (added == REGEX_OUT_OF_MEMORY)
		return -1;
	if (added == REGEX_REFUSED)
		return add_remark(r, number, REMARK_LEFT_OUT, err.text);
	return regexlist_is_costly(list, &err) || regex_is_doubtful(item, len, &err) ?
		add_remark(r, number, REMARK_NOTE, err.text) :
		0;
}

/* Compile the regexes up to the bound, in which refused ones are included. */
static int add_regexes(struct profile_reading *r)
{
	const bool anchored = r->builder->profiles->anchored;
	struct profile *profile = r->profile;
	struct cell_items items;
	struct errmsg err;
	const char *item;
	uint64_t bytes = 0;
	size_t len;
	int ret = 0;

	cell_items_init(&items, &profile->cells[PROFILE_RCPT_RE], 1);
	while (ret == 0 && cell_items_next(&items, &item, &len)) {
		bytes += regexlist_bytes_of(item, len, anchored, PROFILE_REGEX_BYTES - bytes);
		if (bytes > PROFILE_REGEX_BYTES) {
			(void)errmsg_set(&err,
				"with repeats written out, the regexes of a profile may take up to "
				"%d bytes; this one and all after it are",
				PROFILE_REGEX_BYTES);
			ret = add_remark(r, items.number, REMARK_REST, err.text);
			break;
		}
		ret = add_regex(r, item, len, items.number);
	}
	return ret < 0 ? -1 : regexlist_finish(profile->rcpt_re, NULL, NULL);
}

/* Let a new list of regexes use those of the earlier set, and of the profiles before it. -1 when
 * out of memory. */
static int use_pool(struct profile_reading *r, const struct profiles *previous)
{
	const bool is_useful =
		previous != NULL && previous->anchored == r->builder->profiles->anchored;

	if (r->pool == NULL) {
		if ((r->pool = regex_pool_new()) == NULL)
			return -1;
		for (size_t i = 0; is_useful && i < previous->count; i++) {
			if (regex_pool_add(r->pool, previous->at[i]->rcpt_re) < 0)
				return -1;
		}
	}
	regexlist_use_pool(r->profile->rcpt_re, r->pool);
	return 0;
}

/* Find the profile of an earlier set that has the same regexes; NULL if there is none. */
static const struct profile *find_same(const struct profiles *p, const struct profile *profile,
	const struct profiles *previous)
{
	const struct profile *old;

	if (previous == NULL || previous->anchored != p->anchored)
		return NULL;
	old = profiles_by_id(previous, profile->id);
	return old != NULL &&
			cell_equal(&old->cells[PROFILE_RCPT_RE], &profile->cells[PROFILE_RCPT_RE]) ?
		old :
		NULL;
}

/* Take over the regexes of an earlier profile with their remarks. -1 when out of memory. */
static int share_regexes(struct profile_reading *r, const struct profile *old)
{
	const struct remark *remark;

	for (remark = old->remarks; remark != NULL; remark = remark->next) {
		if (add_remark(r, remark->number, remark->kind, remark->text) < 0)
			return -1;
	}
	r->profile->rcpt_re = regexlist_ref(old->rcpt_re);
	return 0;
}

/* Report a remark. Returns whether the regex is in force. */
static bool report_remark(const struct profile_reading *r, const struct remark *remark)
{
	if (remark->kind == REMARK_NOTE)
		problems_note(r->problems, "%s: rcpt_re[%u]: %s", r->where, remark->number,
			remark->text);
	else
		problems_add(r->problems, "%s: rcpt_re[%u]: %s%s left out", r->where,
			remark->number, remark->text, remark->kind == REMARK_REST ? "" : ";");
	return remark->kind == REMARK_NOTE;
}

/* Report the remarks on the regexes of a profile, and those that match within an address. */
static void report_regexes(const struct profile_reading *r)
{
	const struct remark *remark = r->profile->remarks;
	struct cell_items items;
	const char *item;
	size_t len;

	cell_items_init(&items, &r->profile->cells[PROFILE_RCPT_RE], 1);
	while (cell_items_next(&items, &item, &len)) {
		bool is_in_force = true, is_last = false;

		if (remark != NULL && remark->number == items.number) {
			is_in_force = report_remark(r, remark);
			is_last = remark->kind == REMARK_REST;
			remark = remark->next;
		}
		if (is_last)
			break;
		if (is_in_force && !r->builder->profiles->anchored &&
			memchr(item, '$', len) == NULL)
			problems_note(r->problems,
				"%s: rcpt_re[%u] \"%.*s\" has no $, so it also matches inside longer addresses",
				r->where, items.number, TEXT_CUT_LEN(item, len, 120));
	}
}

static int by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Determine the cost of a profile's regexes, up to max. */
static void find_bytes(const struct profiles *p, struct profile *profile, uint64_t max)
{
	struct cell_items items;
	const char *item;
	uint64_t bytes = 0;
	size_t len;

	cell_items_init(&items, &profile->cells[PROFILE_RCPT_RE], 1);
	while (bytes < max && cell_items_next(&items, &item, &len))
		bytes += regexlist_bytes_of(item, len, p->anchored, max - bytes);
	profile->bytes = bytes < max ? bytes : max;
	profile->is_measured = bytes < max || max == PROFILE_REGEX_BYTES;
}

/*
 * Determine the cost of the regexes of the profiles that fit. Because finding out takes time, too,
 * the costs are determined up to a bound that grows until they exceed what all profiles may take:
 * then the profiles above that bound do not fit.
 */
static void measure_profiles(struct profiles *p)
{
	uint64_t total = 0, max;
	bool is_complete = false;

	for (max = MEASURED_FIRST; !is_complete && total <= PROFILES_REGEX_BYTES; max *= 2) {
		total = 0;
		is_complete = true;
		for (size_t i = 0; i < p->count; i++) {
			struct profile *profile = p->at[i];

			if (!profile->fits)
				continue;
			if (!profile->is_measured && profile->bytes < max)
				find_bytes(p, profile, max);
			total += profile->bytes < max ? profile->bytes : max;
			is_complete = is_complete && profile->is_measured;
		}
	}
	for (size_t i = 0; i < p->count; i++)
		p->at[i]->fits = p->at[i]->fits && p->at[i]->is_measured;
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

/*
 * Select the profiles that keep their regexes: first the shortest, because even reading the others
 * takes time, and of these the least costly, so that a costly profile harms itself first.
 * Returns 0, or -1 when out of memory.
 */
static int choose_regexes(struct profiles *p, const struct profiles *previous)
{
	uint64_t *values = calloc(p->count + 1, sizeof(*values)), excess;
	const struct profile *same;
	size_t i, count = 0;

	if (values == NULL)
		return -1;
	for (i = 0; i < p->count; i++)
		values[i] = p->at[i]->cells[PROFILE_RCPT_RE].len;
	excess = find_excess(values, p->count, PROFILES_REGEX_TEXT);
	for (i = 0; i < p->count; i++) {
		struct profile *profile = p->at[i];

		profile->fits = profile->cells[PROFILE_RCPT_RE].len < excess;
		if ((same = find_same(p, profile, previous)) == NULL)
			continue;
		profile->bytes = same->bytes;
		profile->is_measured = same->is_measured;
	}
	measure_profiles(p);
	for (i = 0; i < p->count; i++) {
		if (p->at[i]->fits)
			values[count++] = p->at[i]->bytes;
	}
	excess = find_excess(values, count, PROFILES_REGEX_BYTES);
	for (i = 0; i < p->count; i++)
		p->at[i]->fits = p->at[i]->fits && p->at[i]->bytes < excess;
	free(values);
	return 0;
}

/* Compile the regexes of a profile, or take over those of an earlier set. -1 when out of memory. */
static int make_regexes(struct profile_reading *r, const struct profiles *previous)
{
	const struct profiles *p = r->builder->profiles;
	struct profile *profile = r->profile;
	const struct profile *same = NULL;
	int ret;

	profile->last_remark = &profile->remarks;
	if (profile->fits && (same = find_same(p, profile, previous)) != NULL && !same->fits)
		same = NULL;
	if (same == NULL && (profile->rcpt_re = regexlist_new(p->anchored)) == NULL)
		return -1;
	if (!profile->fits) {
		problems_add(r->problems,
			"%s: rcpt_re: the regexes of all profiles may take up to %d MiB of text, "
			"and %d MiB with repeats written out, and those of this profile are among "
			"the largest; all of them are left out",
			r->where, PROFILES_REGEX_TEXT >> 20, PROFILES_REGEX_BYTES >> 20);
		return regexlist_finish(profile->rcpt_re, NULL, NULL);
	}
	if (same != NULL)
		ret = share_regexes(r, same);
	else
		ret = use_pool(r, previous) < 0 ? -1 : add_regexes(r);
	report_regexes(r);
	return ret;
}

/* ---- hosts and recipients ---------------------------------------------------------- */

/* Return how much a list column counts in PROFILES_TABLES_TEXT. */
static uint64_t text_cost(const struct cell *cell)
{
	uint64_t cost = 0;

	for (size_t i = 0; cell->kind != CELL_NULL && i < cell->len; i++)
		cost += (unsigned char)cell->text[i] < 0x80 ? 1 : PROFILES_IDN_WEIGHT;
	return cost;
}

/* Select the profiles that keep their hosts and recipients: those with the shortest. Returns 0, or
 * -1 when out of memory. */
static int choose_tables(struct profiles *p)
{
	uint64_t *costs = calloc(p->count + 1, sizeof(*costs)),
		 *sorted = calloc(p->count + 1, sizeof(*sorted)), excess;
	int ret = -1;

	if (costs != NULL && sorted != NULL) {
		for (size_t i = 0; i < p->count; i++)
			costs[i] = sorted[i] = text_cost(&p->at[i]->cells[PROFILE_HOST]) +
				text_cost(&p->at[i]->cells[PROFILE_RCPT]);
		excess = find_excess(sorted, p->count, PROFILES_TABLES_TEXT);
		for (size_t i = 0; i < p->count; i++)
			p->at[i]->tables_fit = costs[i] < excess;
		ret = 0;
	}
	free(costs);
	free(sorted);
	return ret;
}

/* Fill the tables of a profile if they fit. -1 when out of memory. */
static int add_tables(struct profile_reading *r)
{
	profile_reading_set_where(r);
	if (r->profile->tables_fit)
		return profile_fill_tables(r);
	problems_add(r->problems,
		"%s: host, rcpt: the hosts and recipients of all profiles may have up to %d MiB of "
		"text, of which characters outside of ASCII count %d times, and those of this "
		"profile are among the longest; all of them are left out",
		r->where, PROFILES_TABLES_TEXT >> 20, PROFILES_IDN_WEIGHT);
	return 0;
}

struct profiles *profiles_builder_finish(struct profiles_builder **builder,
	const struct profiles *previous, struct problems *problems)
{
	struct profile_reading r = { .builder = *builder, .problems = problems };
	struct profiles *profiles = (*builder)->profiles;
	int ret = choose_tables(profiles) < 0 ? -1 : choose_regexes(profiles, previous);

	for (size_t i = 0; ret == 0 && i < profiles->count; i++) {
		r.profile = profiles->at[i];
		ret = add_tables(&r) < 0 ? -1 : make_regexes(&r, previous);
	}
	regex_pool_free(&r.pool);
	if (ret == 0)
		(*builder)->profiles = NULL;
	profiles_builder_free(builder);
	return ret == 0 ? profiles : NULL;
}
