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
};

static int add_row(void *context, const struct cell *row)
{
	struct loading *loading = context;

	return loading->table->add(loading->builder, row) < 0 ? -1 : 0;
}

/* Read the rows of a query into the builder, which is freed if that fails. */
static enum pg_outcome read_rows(struct pg *pg, const struct pg_load *load, struct loading *loading,
	const char *query)
{
	const struct pg_table table = {
		.name = loading->table->query_key,
		.query = query,
		.columns = loading->table->columns,
		.column_count = loading->table->column_count,
		.problems = load->problems, /* receives unknown columns */
		.take = add_row,
		.context = loading,
	};
	enum pg_outcome outcome = pg_table_read(pg, &table);

	if (outcome != PG_OK)
		loading->table->cancel(loading->builder);
	return outcome;
}

enum pg_outcome pg_load_table(struct pg *pg, const struct pg_load *load, void **set_r)
{
	const struct row_table *table = &row_tables[load->table];
	struct loading loading = { table, table->begin(&load->context) };
	enum pg_outcome outcome;
	void *set;

	if (loading.builder == NULL)
		return pg_fail(pg, "out of memory");
	problems_begin(load->problems);
	outcome =
		read_rows(pg, load, &loading, row_table_query(load->table, &pg->config->database));
	if (outcome != PG_OK)
		return outcome;
	if ((set = table->finish(loading.builder, load->previous)) == NULL)
		return pg_fail(pg, "out of memory");
	table->report(set, load->problems);
	problems_end(load->problems, table->name, "row");
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

/* Read the rows with these ids into the builder, which is freed if that fails. */
static enum pg_outcome read_by_id(struct pg *pg, const struct pg_load *load,
	const struct pg_row_ids *ids, struct loading *loading)
{
	const char *query = row_table_query(load->table, &pg->config->database);
	char *literal = make_literal(pg, ids);
	struct strbuf sql = STRBUF_INIT;
	enum pg_outcome outcome;

	if (literal != NULL)
		pg_by_row_query(&sql, query, ids->column, literal);
	if (literal == NULL || sql.failed) {
		loading->table->cancel(loading->builder);
		outcome = pg_fail(pg, "out of memory");
	} else {
		outcome = read_rows(pg, load, loading, sql.text);
	}
	PQfreemem(literal);
	strbuf_free(&sql);
	return outcome;
}

/* Begin to replace these rows. NULL when out of memory. */
static void *begin_change(const struct pg_load *load, const struct pg_row_ids *ids)
{
	const struct row_table *table = &row_tables[load->table];
	void *builder = table->begin_change(&load->context, load->previous);

	for (size_t i = 0; builder != NULL && i < ids->count; i++) {
		if (table->remove(builder, ids->ids[i]) < 0) {
			table->cancel(builder);
			builder = NULL;
		}
	}
	return builder;
}

enum pg_outcome pg_load_rows(struct pg *pg, const struct pg_load *load,
	const struct pg_row_ids *ids, void **set_r)
{
	const struct row_table *table = &row_tables[load->table];
	struct loading loading = { table, begin_change(load, ids) };
	enum pg_outcome outcome;
	void *set;

	if (loading.builder == NULL)
		return pg_fail(pg, "out of memory");
	problems_begin(load->problems);
	outcome = read_by_id(pg, load, ids, &loading);
	if (outcome != PG_OK)
		return outcome;
	if ((set = table->finish(loading.builder, NULL)) == NULL)
		return pg_fail(pg, "out of memory");
	if (table->can_change(set)) {
		table->report(set, load->problems);
		problems_end(load->problems, table->name, "row");
	} else {
		table->unref(set);
		set = NULL;
	}
	*set_r = set;
	return PG_OK;
}
