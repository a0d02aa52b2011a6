/*
 * Builds a table's set from the rows of its query. It owns the builder during the call; the rows
 * arrive on line_worker's thread. Shown by t/integration/test_database.py.
 */
#include "milter/pg/pg_load.h"

#include "lib/base/strbuf.h"
#include "milter/pg/pg_by_row.h"
#include "milter/pg/pg_table.h"

/* The builder that receives the rows of a table. */
struct loading {
	const struct row_table *table;
	void *builder;
	struct problems *problems;
};

static int add_row(void *context, const struct cell *row)
{
	struct loading *loading = context;

	return loading->table->add(loading->builder, row, loading->problems) < 0 ? -1 : 0;
}

/* Read the rows of a query into the builder; `report` receives unknown columns. */
static enum pg_outcome read_rows(struct pg *pg, struct loading *loading, const char *query,
	struct problems *report)
{
	const struct pg_table table = {
		.name = loading->table->query_key,
		.query = query,
		.columns = loading->table->columns,
		.column_count = loading->table->column_count,
		.problems = report,
		.take = add_row,
		.context = loading,
	};

	return pg_table_read(pg, &table);
}

enum pg_outcome pg_load_table(struct pg *pg, const struct pg_load *load, void **set_r)
{
	const struct row_table *table = &row_tables[load->table];
	struct loading loading = { table, table->begin(&load->context), load->problems };
	enum pg_outcome outcome;
	void *set;

	if (loading.builder == NULL)
		return pg_fail(pg, "out of memory");
	problems_begin(load->problems);
	outcome = read_rows(pg, &loading, row_table_query(load->table, &pg->config->database),
		load->problems);
	if (outcome != PG_OK) {
		table->cancel(loading.builder);
		return outcome;
	}
	set = table->finish(loading.builder, load->previous, load->problems);
	problems_end(load->problems, table->name, "row");
	if (set == NULL)
		return pg_fail(pg, "out of memory");
	*set_r = set;
	return PG_OK;
}

/* ---- single rows ---------------------------------------------------------------- */

/* Make the ids a literal of an array. Returns NULL when out of memory; else PQfreemem() it. */
static char *make_literal(struct pg *pg, const struct pg_row_ids *ids)
{
	struct strbuf array = STRBUF_INIT;
	const char *c;
	char *literal;
	size_t i;

	strbuf_add_char(&array, '{');
	for (i = 0; i < ids->count; i++) {
		strbuf_add_str(&array, i == 0 ? "\"" : ",\"");
		for (c = ids->ids[i]; *c != '\0'; c++) {
			if (*c == '"' || *c == '\\')
				strbuf_add_char(&array, '\\');
			strbuf_add_char(&array, *c);
		}
		strbuf_add_char(&array, '"');
	}
	strbuf_add_char(&array, '}');
	literal = array.failed ? NULL : PQescapeLiteral(pg->conn, array.text, array.len);
	strbuf_free(&array);
	return literal;
}

/* Read the rows with these ids. */
static enum pg_outcome read_by_id(struct pg *pg, const struct pg_load *load,
	const struct pg_row_ids *ids, struct loading *loading)
{
	const char *query = row_table_query(load->table, &pg->config->database);
	char *literal = make_literal(pg, ids);
	struct strbuf sql = STRBUF_INIT;
	enum pg_outcome outcome;

	if (literal != NULL)
		pg_by_row_query(&sql, query, ids->column, literal);
	if (literal == NULL || sql.failed)
		outcome = pg_fail(pg, "out of memory");
	else
		outcome = read_rows(pg, loading, sql.text, load->problems);
	PQfreemem(literal);
	strbuf_free(&sql);
	return outcome;
}

/* Replace the rows in the builder, which is freed if that fails. */
static enum pg_outcome change_rows(struct pg *pg, const struct pg_load *load,
	const struct pg_row_ids *ids, struct loading *loading)
{
	enum pg_outcome outcome = loading->problems != NULL ? PG_OK : pg_fail(pg, "out of memory");
	size_t i;

	for (i = 0; i < ids->count && outcome == PG_OK; i++)
		if (loading->table->remove(loading->builder, ids->ids[i]) < 0)
			outcome = pg_fail(pg, "out of memory");
	if (outcome == PG_OK)
		outcome = read_by_id(pg, load, ids, loading);
	if (outcome != PG_OK)
		loading->table->cancel(loading->builder);
	return outcome;
}

enum pg_outcome pg_load_rows(struct pg *pg, const struct pg_load *load,
	const struct pg_row_ids *ids, void **set_r)
{
	const struct row_table *table = &row_tables[load->table];
	/* The problems of the new rows, which the set keeps and reports with the others. */
	struct problems *problems = problems_new();
	struct loading loading = { table, table->begin_change(&load->context, load->previous),
		problems };
	enum pg_outcome outcome;
	void *set = NULL;

	if (loading.builder == NULL) {
		problems_free(&problems);
		return pg_fail(pg, "out of memory");
	}
	problems_begin(problems);
	problems_begin(load->problems);
	outcome = change_rows(pg, load, ids, &loading);
	if (outcome == PG_OK && (set = table->finish(loading.builder, NULL, problems)) == NULL)
		outcome = pg_fail(pg, "out of memory");
	problems_free(&problems);
	if (set != NULL && table->can_change(set)) {
		table->report(set, load->problems);
		problems_end(load->problems, table->name, "row");
	} else {
		table->unref(set);
		set = NULL;
	}
	if (outcome == PG_OK)
		*set_r = set;
	return outcome;
}
