/*
 * Proves that single rows of a query can be read by their ids. It owns nothing but its results and
 * runs on the connection's thread. Shown by t/integration/test_database_rows.py.
 */
#include "milter/pg/pg_by_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "milter/pg/plan_rows.h"

/* From pg_type.dat: int8, int2, int4, text, varchar, uuid. Equal ids of these types have equal
 * texts, whatever the settings of a session are. */
static const Oid id_types[] = { 20, 21, 23, 25, 1043, 2950 };

/* $1: oid of the table, $2: number of the column, $3: name of the feed's table, $4, $5: schema and
 * name of the relation in the plan. */
static const char column_query[] =
	"SELECT c.oid = to_regclass($3) AND n.nspname = $4 AND c.relname = $5 AND a.attname = 'id',"
	" EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisunique AND indisvalid"
	"  AND indpred IS NULL AND indnkeyatts = 1 AND indkey[0] = a.attnum)"
	" FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
	" JOIN pg_attribute AS a ON a.attrelid = c.oid"
	" WHERE c.oid = $1::oid AND a.attnum = $2::int2";

size_t pg_query_len(const char *query)
{
	size_t len = strlen(query);

	while (len > 0 && strchr(" \t\r\n;", query[len - 1]) != NULL)
		len--;
	return len;
}

void pg_by_row_query(struct strbuf *sql, const char *query, const char *id, const char *ids)
{
	/* The query's last line may end in a comment, which the line feed closes. */
	strbuf_add_str(sql, "SELECT * FROM (");
	strbuf_add(sql, query, pg_query_len(query));
	strbuf_addf(sql, "\n) AS postern_rows WHERE %s = ANY (%s)", id, ids);
}

static bool is_id_type(Oid type)
{
	for (size_t i = 0; i < sizeof(id_types) / sizeof(*id_types); i++)
		if (type == id_types[i])
			return true;
	return false;
}

/* Return the column of a result that is the table's key; -1: there is none. */
static int find_id(const PGresult *described, enum feed_table table)
{
	const char *name = row_tables[table].columns[row_tables[table].key].name;
	int i;

	for (i = PQnfields(described) - 1; i >= 0; i--)
		if (strcasecmp(PQfname(described, i), name) == 0)
			break;
	return i;
}

/* Ask whether a column of a table is the feed's key, of the relation in the plan. */
static enum pg_outcome ask_column(struct pg *pg, enum feed_table table,
	const struct plan_rows *plan, Oid relation, int column, struct errmsg *why)
{
	char oid[16], number[16];
	const char *params[] = { oid, number, row_tables[table].name, plan->schema,
		plan->relation };
	PGresult *rows = NULL;
	enum pg_outcome outcome;

	(void)snprintf(oid, sizeof(oid), "%u", relation);
	(void)snprintf(number, sizeof(number), "%d", column);
	outcome = pg_run(pg, column_query, 5, params, pg_short_deadline(pg), &rows);
	if (outcome != PG_OK)
		return outcome;
	if (PQntuples(rows) != 1 || strcmp(PQgetvalue(rows, 0, 0), "t") != 0)
		(void)errmsg_set(why, "its id is not the column id of the table %s",
			row_tables[table].name);
	else if (strcmp(PQgetvalue(rows, 0, 1), "t") != 0)
		(void)errmsg_set(why, "the column id of %s has no unique index",
			row_tables[table].name);
	PQclear(rows);
	return PG_OK;
}

/* Prove that the result's id is the feed's key, and set *id_r to its quoted name. */
static enum pg_outcome prove_id(struct pg *pg, enum feed_table table, const struct plan_rows *plan,
	struct by_row *by_row)
{
	PGresult *described = NULL;
	enum pg_outcome outcome;
	char *quoted = NULL;
	int i;

	outcome = pg_describe(pg, row_table_query(table, &pg->config->database), &described);
	if (outcome != PG_OK)
		return outcome;
	if ((i = find_id(described, table)) < 0)
		(void)errmsg_set(&by_row->why, "it has no column id");
	else if (!is_id_type(PQftype(described, i)))
		(void)errmsg_set(&by_row->why, "its id is neither an integer, a text nor a uuid");
	else
		outcome = ask_column(pg, table, plan, PQftable(described, i),
			PQftablecol(described, i), &by_row->why);
	if (outcome == PG_OK && by_row->why.text[0] == '\0') {
		quoted = PQescapeIdentifier(pg->conn, PQfname(described, i),
			strlen(PQfname(described, i)));
		by_row->id = quoted != NULL ? strdup(quoted) : NULL;
		PQfreemem(quoted);
		if (by_row->id == NULL)
			outcome = pg_fail(pg, "out of memory");
	}
	PQclear(described);
	return outcome;
}

/*
 * Prove that the index is reached. Whether the planner chooses it also depends on the number of
 * rows: scans of the whole table, which suit a small one, are disabled in this savepoint.
 */
static enum pg_outcome prove_index(struct pg *pg, enum feed_table table, struct by_row *by_row)
{
	struct strbuf sql = STRBUF_INIT;
	struct plan_rows rows = { .finds_id = false };
	enum pg_outcome outcome;
	char *plan = NULL;

	outcome =
		pg_run(pg, "SET LOCAL enable_seqscan = off", 0, NULL, pg_short_deadline(pg), NULL);
	pg_by_row_query(&sql, row_table_query(table, &pg->config->database), by_row->id, "'{}'");
	if (outcome == PG_OK)
		outcome =
			sql.failed ? pg_fail(pg, "out of memory") : pg_explain(pg, sql.text, &plan);
	strbuf_free(&sql);
	if (outcome == PG_OK && plan_rows_parse(plan, &rows, &by_row->why) == 0 && !rows.finds_id)
		(void)errmsg_set(&by_row->why, "a condition on its id reaches no index");
	free(plan);
	return outcome;
}

static enum pg_outcome prove(struct pg *pg, enum feed_table table, const char *plan,
	struct by_row *by_row)
{
	struct plan_rows rows;
	enum pg_outcome outcome;

	if (plan_rows_parse(plan, &rows, &by_row->why) < 0)
		return PG_OK;
	outcome = prove_id(pg, table, &rows, by_row);
	if (outcome == PG_OK && by_row->why.text[0] == '\0')
		outcome = prove_index(pg, table, by_row);
	return outcome;
}

enum pg_outcome pg_by_row_ask(struct pg *pg, enum feed_table table, const char *plan,
	struct by_row *by_row_r)
{
	struct by_row by_row = { .id = NULL };
	enum pg_outcome outcome;

	outcome = pg_run(pg, "SAVEPOINT postern_rows", 0, NULL, pg_short_deadline(pg), NULL);
	if (outcome == PG_OK)
		outcome = prove(pg, table, plan, &by_row);
	if (outcome == PG_REFUSED && !pg_refusal_passes(pg)) {
		by_row.why = *pg_error(pg);
		outcome = PG_OK;
	}
	if (outcome == PG_OK)
		outcome = pg_run(pg, "ROLLBACK TO SAVEPOINT postern_rows", 0, NULL,
			pg_short_deadline(pg), NULL);
	if (outcome != PG_OK || by_row.why.text[0] != '\0') {
		free(by_row.id);
		by_row.id = NULL;
	}
	if (outcome == PG_OK)
		*by_row_r = by_row;
	return outcome;
}
