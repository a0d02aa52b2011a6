/*
 * Has the server explain the configured queries, resolve the names in their plans, and compare what
 * they stand for. It owns nothing but its results and runs on the connection's thread. Shown by
 * t/integration/test_database.py.
 */
#include "milter/pg/pg_reads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "milter/pg/pg_by_row.h"
#include "milter/pg/pg_private.h"
#include "milter/pg/plan_reads.h"

/*
 * Resolves the names of a plan ($1: the members of struct plan_reads; $2: the names of the feed's
 * tables). Rows: what, oid, kind, whether it can be locked, text.
 *	relation: one to mark, whose name is the text
 *	function: one to mark
 *	table: a table of the feed, whose index is the oid
 *	untold: a reason
 *	stale: the database snapshot does not show all relations of the plan
 *
 * A statement trigger fires only for the table that a statement names: a child's rows may be
 * written by its parents' statements and by its own, so that all of them need triggers. tgtype
 * consists of bits: 1 row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate, 64 instead.
 * Objects from oid 16384 on are not PostgreSQL's own.
 */
static const char resolve_query[] =
	"WITH RECURSIVE"
	" words AS (SELECT array_agg(key) AS names FROM jsonb_object_keys($1::jsonb->'words') AS key),"
	" scanned AS (SELECT c.oid FROM jsonb_each($1::jsonb->'relations') AS r"
	"  JOIN pg_namespace AS n ON n.nspname = r.value->>0"
	"  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = r.value->>1),"
	" named AS (SELECT c.oid FROM words, pg_class AS c JOIN pg_namespace AS n"
	"  ON n.oid = c.relnamespace WHERE c.relname = ANY (names) AND c.relkind IN ('v', 'p')"
	"  AND (pg_table_is_visible(c.oid) OR n.nspname = ANY (names))),"
	" family(oid) AS (SELECT oid FROM scanned UNION SELECT next.oid FROM family AS f,"
	"  LATERAL (SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = f.oid"
	"   UNION ALL SELECT inhparent FROM pg_inherits WHERE inhrelid = f.oid) AS next),"
	" marked(oid) AS (SELECT oid FROM family UNION SELECT oid FROM named"
	"  UNION SELECT next.oid FROM marked AS m,"
	"  LATERAL (SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = m.oid"
	"   UNION ALL SELECT inhparent FROM pg_inherits WHERE inhrelid = m.oid"
	"   UNION ALL SELECT d.refobjid FROM pg_rewrite AS w JOIN pg_depend AS d"
	"   ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid"
	"   AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> m.oid"
	"   WHERE w.ev_class = m.oid) AS next),"
	" triggers AS (SELECT tgrelid AS oid, bit_or(tgtype::int & 60) = 60 AS complete,"
	"  bit_or(tgtype::int & 60) FILTER (WHERE tgenabled = 'A') = 60 AS always"
	"  FROM pg_trigger WHERE tgfoid = to_regproc('feed_record')::oid AND tgtype::int & 67 = 0"
	"  AND tgenabled IN ('A', 'O') AND tgqual IS NULL AND cardinality(tgattr::int2[]) = 0"
	"  GROUP BY tgrelid),"
	" called AS (SELECT p.oid, p.proname, p.provolatile FROM jsonb_each($1::jsonb->'functions') AS f"
	"  JOIN pg_proc AS p ON p.proname = f.value->>1 JOIN pg_namespace AS n ON n.oid = p.pronamespace"
	"  WHERE CASE WHEN f.value->>0 IS NULL THEN pg_function_is_visible(p.oid)"
	"   ELSE n.nspname = f.value->>0 END),"
	" written AS (SELECT p.oid, p.proname, p.provolatile FROM words, pg_proc AS p"
	"  WHERE p.proname = ANY (names) AND p.oid >= 16384"
	"  UNION SELECT p.oid, p.proname, p.provolatile FROM marked AS m"
	"  JOIN pg_rewrite AS w ON w.ev_class = m.oid JOIN pg_depend AS d"
	"  ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid"
	"  AND d.refclassid = 'pg_proc'::regclass JOIN pg_proc AS p ON p.oid = d.refobjid)"
	" SELECT 'relation', c.oid, c.relkind, c.relkind IN ('r', 'p', 'v')"
	"  AND has_table_privilege(c.oid, 'SELECT'), format('\"%s\".\"%s\"',"
	"  replace(n.nspname, '\"', '\"\"'), replace(c.relname, '\"', '\"\"'))"
	"  FROM marked AS m JOIN pg_class AS c ON c.oid = m.oid"
	"  JOIN pg_namespace AS n ON n.oid = c.relnamespace"
	" UNION ALL SELECT 'function', oid, NULL, NULL, NULL FROM ("
	"  SELECT oid FROM called WHERE oid >= 16384 UNION SELECT oid FROM written) AS functions"
	" UNION ALL SELECT 'table', (t.number - 1)::oid, NULL, NULL, t.name"
	"  FROM unnest($2::text[]) WITH ORDINALITY AS t (name, number)"
	"  WHERE to_regclass(t.name) IN (SELECT oid FROM family)"
	" UNION ALL SELECT 'untold', NULL, NULL, NULL, 'it reads ' || c.oid::regclass || CASE"
	"  WHEN c.relkind = 'm' THEN ', a materialized view'"
	"  WHEN c.relkind = 'f' THEN ', a foreign table'"
	"  WHEN EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = c.oid)"
	"   THEN ', to which a subscription writes'"
	"  WHEN t.complete THEN ', whose triggers do not fire for each session'"
	"  ELSE ', which has not all triggers of the change feed' END"
	"  FROM family AS f JOIN pg_class AS c ON c.oid = f.oid LEFT JOIN triggers AS t ON t.oid = c.oid"
	"  WHERE t.always IS NOT TRUE OR c.relkind NOT IN ('r', 'p')"
	"  OR EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = c.oid)"
	" UNION ALL SELECT DISTINCT 'untold', NULL::oid, NULL::\"char\", NULL::bool,"
	"  format('it calls %s(), which is not immutable', proname) FROM ("
	"  SELECT * FROM called UNION SELECT * FROM written) AS functions WHERE provolatile <> 'i'"
	" UNION ALL SELECT 'untold', NULL, NULL, NULL, format('it calls %s', f.value->>1)"
	"  FROM jsonb_each($1::jsonb->'functions') AS f"
	"  WHERE NOT EXISTS (SELECT FROM pg_proc WHERE proname = f.value->>1)"
	" UNION ALL SELECT DISTINCT 'untold', NULL::oid, NULL::\"char\", NULL::bool,"
	"  format('it uses the operator %s, which is not immutable', o.oprname)"
	"  FROM pg_operator AS o JOIN pg_proc AS p ON p.oid = o.oprcode"
	"  WHERE o.oid >= 16384 AND p.provolatile <> 'i' AND $1::jsonb->'operators' ? o.oprname"
	" UNION ALL SELECT 'untold', NULL, NULL, NULL, 'it uses ' || key"
	"  FROM jsonb_object_keys($1::jsonb->'changing') AS key"
	" UNION ALL SELECT 'stale', NULL, NULL, NULL, NULL WHERE (SELECT count(*) FROM scanned)"
	"  < (SELECT count(*) FROM jsonb_object_keys($1::jsonb->'relations'))"
	" ORDER BY 1, 2, 5";

/* %1$s: the oids of relations, %2$s: those of functions. With parameters in their place, the server
 * would plan the statement each time. */
static const char marks_query[] =
	"SELECT md5(concat_ws('/', current_user, (SELECT concat_ws(' ', rolsuper, rolbypassrls)"
	" FROM pg_roles WHERE rolname = current_user),"
	"(SELECT oid FROM pg_database WHERE datname = current_database()),"
	"(SELECT string_agg(concat_ws(' ', oid, xmin, relfilenode, pg_table_is_visible(oid)), ','"
	" ORDER BY oid) FROM pg_class WHERE oid = ANY ('%1$s'::oid[])),"
	"(SELECT string_agg(concat_ws(' ', attrelid, attnum, xmin), ',' ORDER BY attrelid, attnum)"
	" FROM pg_attribute WHERE attrelid = ANY ('%1$s'::oid[]) AND attnum > 0),"
	"(SELECT string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid)"
	" FROM pg_rewrite WHERE ev_class = ANY ('%1$s'::oid[])),"
	"(SELECT string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid)"
	" FROM pg_policy WHERE polrelid = ANY ('%1$s'::oid[])),"
	"(SELECT string_agg(concat_ws(' ', oid, xmin, tgenabled), ',' ORDER BY oid)"
	" FROM pg_trigger WHERE tgrelid = ANY ('%1$s'::oid[]) AND NOT tgisinternal),"
	"(SELECT string_agg(concat_ws(' ', inhrelid, inhparent, xmin), ',' ORDER BY inhrelid, inhparent)"
	" FROM pg_inherits WHERE inhrelid = ANY ('%1$s'::oid[]) OR inhparent = ANY ('%1$s'::oid[])),"
	"(SELECT string_agg(concat_ws(' ', indexrelid, indisvalid), ',' ORDER BY indexrelid)"
	" FROM pg_index WHERE indrelid = ANY ('%1$s'::oid[]) AND indisunique AND indnkeyatts = 1),"
	"(SELECT string_agg(concat_ws(' ', srrelid, srsubid), ',' ORDER BY srrelid, srsubid)"
	" FROM pg_subscription_rel WHERE srrelid = ANY ('%1$s'::oid[])),"
	"(SELECT string_agg(concat_ws(' ', oid, xmin), ',' ORDER BY oid)"
	" FROM pg_proc WHERE oid = ANY ('%2$s'::oid[]))))";

/* ---- the result ----------------------------------------------------------------- */

void pg_reads_free(struct pg_reads **reads)
{
	struct pg_reads *r = *reads;

	*reads = NULL;
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->count; i++)
		free(r->relations[i].name);
	for (int table = 0; table < FEED_TABLES; table++) {
		free(r->by_row[table].id);
		free(r->by_row[table].whole);
	}
	free(r->relations);
	free(r->functions);
	free(r->untold);
	free(r);
}

/* The result while it is put together. */
struct collection {
	struct pg_reads *reads;
	struct strbuf functions, untold;
	bool failed; /* out of memory */
};

static int compare_relations(const void *a, const void *b)
{
	const struct pg_relation *one = a, *other = b;

	return (one->oid > other->oid) - (one->oid < other->oid);
}

static void add_relation(struct collection *to, const PGresult *rows, int row)
{
	struct pg_reads *reads = to->reads;
	const struct pg_relation relation = {
		.oid = (uint32_t)strtoul(PQgetvalue(rows, row, 1), NULL, 10),
		.kind = PQgetvalue(rows, row, 2)[0],
		.is_lockable = PQgetvalue(rows, row, 3)[0] == 't',
		.name = strdup(PQgetvalue(rows, row, 4)),
	};
	struct pg_relation *grown;
	size_t i;

	for (i = 0; i < reads->count; i++) {
		if (reads->relations[i].oid == relation.oid) {
			free(relation.name);
			return;
		}
	}
	grown = realloc(reads->relations, (reads->count + 1) * sizeof(*grown));
	if (grown != NULL)
		reads->relations = grown;
	if (grown == NULL || relation.name == NULL) {
		free(relation.name);
		to->failed = true;
		return;
	}
	reads->relations[reads->count++] = relation;
}

/* Take one row of resolve_query, for that query. */
static void take_row(struct collection *to, enum feed_table query, const PGresult *rows, int row)
{
	const char *what = PQgetvalue(rows, row, 0);
	unsigned long oid = strtoul(PQgetvalue(rows, row, 1), NULL, 10);

	if (strcmp(what, "relation") == 0)
		add_relation(to, rows, row);
	else if (strcmp(what, "function") == 0)
		strbuf_addf(&to->functions, "%s%lu", to->functions.len > 1 ? "," : "", oid);
	else if (strcmp(what, "table") == 0 && oid < FEED_TABLES)
		to->reads->uses[query][oid] = true;
	else if (strcmp(what, "stale") == 0)
		to->reads->is_stale = true;
	else if (strcmp(what, "untold") == 0)
		strbuf_addf(&to->untold, "%s%s: %s", to->untold.len > 0 ? "; " : "",
			row_tables[query].query_key, PQgetvalue(rows, row, 4));
}

/* ---- asking --------------------------------------------------------------------- */

/* The names of all tables, as PostgreSQL writes an array. */
static void add_table_names(struct strbuf *names)
{
	int table;

	for (table = 0; table < FEED_TABLES; table++)
		strbuf_addf(names, "%c%s", table == 0 ? '{' : ',', row_tables[table].name);
	strbuf_add_char(names, '}');
}

/* Have the server resolve the names, and add them to the collection. */
static enum pg_outcome resolve_names(struct pg *pg, enum feed_table query,
	const struct plan_reads *names, struct collection *to)
{
	json_t *all = json_pack("{s:O, s:O, s:O, s:O, s:O}", "relations", names->relations,
		"functions", names->functions, "operators", names->operators, "words", names->words,
		"changing", names->changing);
	char *text = all != NULL ? json_dumps(all, JSON_COMPACT) : NULL;
	struct strbuf tables = STRBUF_INIT;
	const char *params[2] = { text };
	PGresult *rows = NULL;
	enum pg_outcome outcome;

	json_decref(all);
	add_table_names(&tables);
	params[1] = tables.text;
	if (text == NULL || tables.failed)
		outcome = pg_fail(pg, "out of memory");
	else
		outcome = pg_run(pg, resolve_query, 2, params, pg_lock_deadline(pg), &rows);
	free(text);
	strbuf_free(&tables);
	if (outcome != PG_OK)
		return outcome;
	for (int row = 0; row < PQntuples(rows); row++)
		take_row(to, query, rows, row);
	PQclear(rows);
	return PG_OK;
}

/* Find out whether single rows of the query can be read. */
static enum pg_outcome ask_by_row(struct pg *pg, enum feed_table query, const char *plan,
	struct pg_reads *reads)
{
	struct by_row by_row = { .id = NULL };
	enum pg_outcome outcome = pg_by_row_ask(pg, query, plan, &by_row);

	if (outcome != PG_OK)
		return outcome;
	reads->by_row[query].id = by_row.id;
	if (by_row.id == NULL && (reads->by_row[query].whole = strdup(by_row.why.text)) == NULL)
		return pg_fail(pg, "out of memory");
	return PG_OK;
}

static enum pg_outcome ask_about(struct pg *pg, enum feed_table query, struct collection *to)
{
	const char *text = row_table_query(query, &pg->config->database);
	struct plan_reads names = { 0 };
	enum pg_outcome outcome;
	struct errmsg err;
	char *plan = NULL;

	outcome = pg_explain(pg, text, &plan);
	if (outcome == PG_OK && plan_reads_parse(text, plan, &names, &err) != 0) {
		(void)pg_fail(pg, err.text);
		outcome = PG_REFUSED;
	}
	if (outcome == PG_OK)
		outcome = resolve_names(pg, query, &names, to);
	if (outcome == PG_OK)
		outcome = ask_by_row(pg, query, plan, to->reads);
	free(plan);
	plan_reads_clear(&names);
	return outcome;
}

enum pg_outcome pg_reads_ask(struct pg *pg, struct pg_reads **reads_r)
{
	struct collection all = { .reads = calloc(1, sizeof(*all.reads)),
		.functions = STRBUF_INIT,
		.untold = STRBUF_INIT };
	enum pg_outcome outcome = PG_OK;

	if (all.reads == NULL)
		return pg_fail(pg, "out of memory");
	strbuf_add_char(&all.functions, '{');
	for (int query = 0; query < FEED_TABLES && outcome == PG_OK; query++)
		outcome = ask_about(pg, (enum feed_table)query, &all);
	strbuf_add_char(&all.functions, '}');
	if (outcome == PG_OK) {
		qsort(all.reads->relations, all.reads->count, sizeof(*all.reads->relations),
			compare_relations);
		all.failed = all.failed || all.untold.failed;
		if (all.untold.len > 0)
			all.reads->untold = strbuf_take(&all.untold);
		all.reads->functions = strbuf_take(&all.functions);
		if (all.failed || all.reads->functions == NULL)
			outcome = pg_fail(pg, "out of memory");
	}
	strbuf_free(&all.functions);
	strbuf_free(&all.untold);
	if (outcome == PG_OK)
		*reads_r = all.reads;
	else
		pg_reads_free(&all.reads);
	return outcome;
}

enum pg_outcome pg_marks(struct pg *pg, const struct pg_reads *reads, char marks_r[PG_MARKS_SIZE])
{
	struct strbuf oids = STRBUF_INIT, sql = STRBUF_INIT;
	PGresult *rows = NULL;
	enum pg_outcome outcome;

	strbuf_add_char(&oids, '{');
	for (size_t i = 0; i < reads->count; i++)
		strbuf_addf(&oids, "%s%u", i > 0 ? "," : "", reads->relations[i].oid);
	strbuf_add_char(&oids, '}');
	if (!oids.failed)
		strbuf_addf(&sql, marks_query, oids.text, reads->functions);
	if (oids.failed || sql.failed)
		outcome = pg_fail(pg, "out of memory");
	else
		outcome = pg_run_prepared(pg, PG_MARKS, sql.text, 0, NULL, pg_short_deadline(pg),
			&rows);
	strbuf_free(&oids);
	strbuf_free(&sql);
	if (outcome != PG_OK)
		return outcome;
	(void)text_format(marks_r, PG_MARKS_SIZE, "%s",
		PQntuples(rows) == 1 ? PQgetvalue(rows, 0, 0) : "");
	PQclear(rows);
	return PG_OK;
}
