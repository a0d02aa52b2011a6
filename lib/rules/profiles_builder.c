/*
 * Builds sets of profiles: from rows, or from another set and the rows in which it differs. Both
 * ways end in the same steps over all rows, so that they decide and report the same. A builder
 * belongs to one thread. Part of profile.c; t/unit/test_profiles_change.c covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/profile_private.h"

struct profiles_builder *profiles_builder_new(bool anchored)
{
	struct profiles_builder *builder = calloc(1, sizeof(*builder));

	if (builder == NULL)
		return NULL;
	builder->anchored = anchored;
	builder->ids = strmap_new();
	builder->nameless = problems_new();
	problems_begin(builder->nameless);
	if (builder->ids == NULL || builder->nameless == NULL)
		profiles_builder_free(&builder);
	return builder;
}

void profiles_builder_free(struct profiles_builder **builder)
{
	struct profiles_builder *b = *builder;

	*builder = NULL;
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->count; i++)
		profile_unref(b->choices[i].row);
	free(b->choices);
	strmap_free(&b->ids);
	problems_free(&b->nameless);
	profiles_unref(&b->base);
	free(b);
}

/* ---- rows ----------------------------------------------------------------------- */

/* Add a row, of which the builder takes over the reference. Returns 0, or -1 when out of memory. */
static int take_row(struct profiles_builder *b, struct profile *row)
{
	const size_t size = b->size > 0 ? b->size * 2 : 16;
	struct profile_choice *grown;

	if (b->choices == NULL || b->count == b->size) {
		grown = reallocarray(b->choices, size, sizeof(*grown));
		if (grown == NULL) {
			profile_unref(row);
			return -1;
		}
		b->choices = grown;
		b->size = size;
	}
	b->choices[b->count] = (struct profile_choice){ .row = row };
	return strmap_add(b->ids, row->id, strlen(row->id), (uint32_t)b->count++) < 0 ? -1 : 0;
}

/* Take over a row of a set. What it is with another `anchored` is made anew. -1 when out of memory.
 */
static int take_over(struct profiles_builder *b, struct profile *row, bool is_alike)
{
	struct profile *taken;

	if (is_alike || row->is_bad)
		taken = profile_ref(row);
	else if (profile_row_read(row->cells, &taken, NULL) <= 0)
		return -1;
	return take_row(b, taken);
}

struct profiles_builder *profiles_builder_change(struct profiles *base, bool anchored)
{
	struct profiles_builder *builder = profiles_builder_new(anchored);
	int ret = builder != NULL ? 0 : -1;

	if (builder != NULL) {
		builder->base = profiles_ref(base);
		problems_add_all(builder->nameless, NULL, base->nameless);
	}
	for (size_t i = 0; ret == 0 && i < base->row_count; i++)
		ret = take_over(builder, base->rows[i], base->anchored == anchored);
	if (ret < 0)
		profiles_builder_free(&builder);
	return builder;
}

/* Return the choice of a row with that id; NULL if there is none. */
static struct profile_choice *find_choice(const struct profiles_builder *b, const char *id)
{
	uint32_t i;

	return strmap_find(b->ids, id, strlen(id), &i) ? &b->choices[i] : NULL;
}

void profiles_builder_remove(struct profiles_builder *builder, const char *id)
{
	struct profile_choice *choice = find_choice(builder, id);

	if (choice == NULL)
		return;
	profile_unref(choice->row);
	choice->row = NULL;
}

/* Add a row, or put it in the place of the one with its id that was removed. Returns 1, 0 if there
 * is a row with that id, or -1 when out of memory. */
static int add_row(struct profiles_builder *b, struct profile *row)
{
	struct profile_choice *choice = find_choice(b, row->id);

	if (choice == NULL)
		return take_row(b, row) < 0 ? -1 : 1;
	if (choice->row != NULL) {
		problems_add(b->nameless,
			"profiles id %.*s (%.*s): another row has that id; left out",
			TEXT_CUT(row->id, 40), TEXT_CUT(row->name, 80));
		profile_unref(row);
		return 0;
	}
	choice->row = row;
	return 1;
}

int profiles_builder_add(struct profiles_builder *builder, const struct cell row[PROFILE_COLUMNS])
{
	struct profile *profile;
	int added = profile_row_read(row, &profile, builder->nameless);
	bool is_bad;

	if (added <= 0)
		return added;
	is_bad = profile->is_bad;
	added = add_row(builder, profile);
	return added > 0 && is_bad ? 0 : added;
}

int profiles_builder_add_bad(struct profiles_builder *builder, const struct cell *id,
	const struct cell *name)
{
	struct problems *reported = NULL; /* the caller has reported the row */
	struct profile *profile;

	if (!profile_has_id(id, reported))
		return 0;
	if ((profile = profile_row_bad(id, name)) == NULL)
		return -1;
	return add_row(builder, profile) < 0 ? -1 : 0;
}

/* ---- the set -------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct profile *const x = ((const struct profile_choice *)a)->row,
				    *const y = ((const struct profile_choice *)b)->row;

	return row_ids_compare(x->id, y->id);
}

/* Sort the rows by id, whatever their order was, and drop the places of those that were removed. */
static void sort_rows(struct profiles_builder *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++)
		if (b->choices[i].row != NULL)
			b->choices[kept++] = b->choices[i];
	b->count = kept;
	if (kept > 0)
		qsort(b->choices, kept, sizeof(*b->choices), by_id);
	strmap_free(&b->ids); /* the places have changed */
}

/* Index a row of the set. Of several with one name, the first is found by it. -1 when out of
 * memory. */
static int index_row(struct profiles *p, struct profile *row)
{
	const uint32_t place = (uint32_t)p->count;

	p->rows[p->row_count++] = row;
	if (row->is_bad)
		return strmap_add(p->bad, row->id, strlen(row->id), 0) < 0 ? -1 : 0;
	p->at[p->count++] = row;
	p->any_maxsize |= row->maxsize > 0;
	return strmap_add(p->by_id, row->id, strlen(row->id), place) < 0 ||
			strmap_add(p->by_name, row->name, strlen(row->name), place) < 0 ?
		-1 :
		0;
}

/* Make the set of the finished rows. NULL when out of memory. */
static struct profiles *make_set(struct profiles_builder *b)
{
	struct profiles *p = calloc(1, sizeof(*p));
	int ret = 0;

	if (p == NULL)
		return NULL;
	p->refs = 1;
	p->anchored = b->anchored;
	p->rows = calloc(b->count + 1, sizeof(*p->rows));
	p->at = calloc(b->count + 1, sizeof(*p->at));
	p->by_id = strmap_new();
	p->by_name = strmap_new();
	p->bad = strmap_new();
	p->nameless = b->nameless;
	b->nameless = NULL;
	if (p->rows == NULL || p->at == NULL || p->by_id == NULL || p->by_name == NULL ||
		p->bad == NULL)
		ret = -1;
	for (size_t i = 0; ret == 0 && i < b->count; i++)
		ret = index_row(p, profile_ref(b->choices[i].row));
	if (ret < 0)
		profiles_unref(&p);
	return p;
}

struct profiles *profiles_builder_finish(struct profiles_builder **builder,
	const struct profiles *previous)
{
	struct profiles_builder *b = *builder;
	struct profiles *profiles = NULL;

	sort_rows(b);
	if (profile_finish_rows(b, b->base != NULL ? b->base : previous) == 0)
		profiles = make_set(b);
	profiles_builder_free(builder);
	return profiles;
}
