/*
 * Builds a table's set from the rows of its query. It owns the builder during the call; the rows
 * arrive on line_worker's thread. Shown by t/integration/test_database.py.
 */
#include "milter/pg/pg_load.h"

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

enum pg_outcome pg_load_table(struct pg *pg, const struct pg_load *load, void **set_r)
{
	const struct row_table *table = &row_tables[load->table];
	struct loading loading = {
		.table = table,
		.builder = table->begin(&load->context),
		.problems = load->problems,
	};
	const struct pg_table query = {
		.name = table->query_key,
		.query = row_table_query(load->table, &pg->config->database),
		.columns = table->columns,
		.column_count = table->column_count,
		.problems = load->problems,
		.take = add_row,
		.context = &loading,
	};
	enum pg_outcome outcome;
	void *set;

	if (loading.builder == NULL)
		return pg_fail(pg, "out of memory");
	problems_begin(load->problems);
	outcome = pg_table_read(pg, &query);
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
