/*
 * Reads the rows of a look: everything, the tables that changed, or single rows of these. It runs
 * on the cache thread; the rows belong to the look until the owner of the database takes them over.
 * Shown by t/integration/test_database.py and t/integration/test_database_rows.py.
 */
#include <stdlib.h>
#include <string.h>

#include "milter/cache/database_private.h"
#include "milter/pg/pg_load.h"

void database_clear_rows(struct look *look)
{
	int table;

	for (table = 0; table < FEED_TABLES; table++) {
		row_tables[table].unref(look->rows.tables[table].set);
		problems_free(&look->rows.tables[table].problems);
		look->rows.tables[table].set = NULL;
		look->rows.tables[table].row_count = 0;
	}
}

bool database_has_changes(const struct look *look)
{
	int table;

	for (table = 0; table < FEED_TABLES; table++)
		if (feed_changes_touch(&look->changes, (enum feed_table)table))
			return true;
	return false;
}

/* ---- single rows ---------------------------------------------------------------- */

#define ID_MAX 1000 /* bytes: an index has hardly any longer one */

/*
 * Return whether the set has the row with that id, as the feed reports it, under the same id. The
 * feed escapes special bytes, which is not undone here; rows without a usable id have an empty one.
 */
static bool is_plain_id(const char *id)
{
	return id[0] != '\0' && strchr(id, '\\') == NULL && strnlen(id, ID_MAX + 1) <= ID_MAX;
}

/*
 * Return whether the set in force differs from the table only in rows that the feed has reported,
 * so that reading these is enough.
 */
static bool suffices(const struct database *db, const struct look *look, enum feed_table query,
	const void *set)
{
	const struct feed_changes *changes = &look->changes;
	int table;
	size_t i;

	if (look->full || look->ids_are_refused || set == NULL ||
		!row_tables[query].can_change(set) || db->reads->by_row[query].id == NULL ||
		changes->everything || changes->whole[query])
		return false;
	for (table = 0; table < FEED_TABLES; table++)
		if (db->reads->uses[query][table] != (table == (int)query))
			return false;
	for (i = 0; i < changes->count; i++)
		if (changes->rows[i].table == query && !is_plain_id(changes->rows[i].id))
			return false;
	return true;
}

/* Read the rows of the table that the feed has reported. The set is NULL if these do not suffice.
 */
static enum pg_outcome load_single_rows(struct database *db, struct look *look,
	const struct pg_load *load, void **set_r)
{
	const struct feed_changes *changes = &look->changes;
	struct pg_row_ids ids = { .column = db->reads->by_row[load->table].id };
	const char **texts = calloc(changes->count + 1, sizeof(*texts));
	enum pg_outcome outcome;
	size_t i;

	*set_r = NULL;
	if (texts == NULL)
		return PG_OK;
	for (i = 0; i < changes->count; i++)
		if (changes->rows[i].table == load->table)
			texts[ids.count++] = changes->rows[i].id;
	ids.ids = texts;
	look->reads_by_id = true;
	outcome = pg_load_rows(db->pg, load, &ids, set_r);
	if (outcome != PG_REFUSED)
		look->reads_by_id = false;
	free(texts);
	if (outcome == PG_OK && *set_r != NULL)
		look->rows.tables[load->table].row_count = ids.count;
	return outcome;
}

/* ---- tables --------------------------------------------------------------------- */

/* Load a table, or the rows of it that changed. */
static enum pg_outcome load_table(struct database *db, struct look *look, enum feed_table table)
{
	const struct row_table *descriptor = &row_tables[table];
	struct problems **problems = &look->rows.tables[table].problems;
	void **set = &look->rows.tables[table].set;
	void *previous = descriptor->ref(db->owner.set(db->owner.context, table));
	enum pg_outcome outcome = PG_OK;
	struct pg_load load = {
		.table = table,
		.context = db->owner.row_context(db->owner.context),
		.previous = previous,
	};

	problems_free(problems);
	if (suffices(db, look, table, previous)) {
		load.problems = *problems = problems_new();
		outcome = load_single_rows(db, look, &load, set);
	}
	if (outcome == PG_OK && *set == NULL) {
		problems_free(problems);
		load.problems = *problems = problems_new();
		outcome = pg_load_table(db->pg, &load, set);
	}
	descriptor->unref(previous);
	return outcome;
}

/* Return whether the feed reports a change of a table that the query reads. */
static bool is_concerned(const struct database *db, const struct look *look, int query)
{
	int table;

	for (table = 0; table < FEED_TABLES; table++)
		if (db->reads->uses[query][table] &&
			feed_changes_touch(&look->changes, (enum feed_table)table))
			return true;
	return false;
}

enum pg_outcome database_load_rows(struct database *db, struct look *look)
{
	bool wanted[FEED_TABLES], is_any = false;
	enum pg_outcome outcome = PG_OK;
	int table;

	for (table = 0; table < FEED_TABLES; table++) {
		wanted[table] = look->full || is_concerned(db, look, table);
		is_any = is_any || wanted[table];
	}
	look->found_changes = look->found_changes || !look->full;
	if (!is_any)
		look->full = true; /* a change is never dropped, whatever EXPLAIN has shown */
	for (table = 0; table < FEED_TABLES && outcome == PG_OK; table++)
		if (wanted[table] || look->full)
			outcome = load_table(db, look, (enum feed_table)table);
	return outcome;
}
