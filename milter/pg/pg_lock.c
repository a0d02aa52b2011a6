/*
 * Locks what a load reads before its database snapshot, and checks the rest afterwards. It owns
 * nothing and runs on the connection's thread. Shown by t/integration/test_database_locks.py.
 */
#include "milter/pg/pg_lock.h"

#include "lib/base/strbuf.h"
#include "milter/pg/pg_private.h"

enum pg_outcome pg_lock(struct pg *pg, const struct pg_reads *reads)
{
	struct strbuf sql = STRBUF_INIT;
	size_t i;

	for (i = 0; i < reads->count; i++) {
		if (reads->relations[i].is_lockable)
			strbuf_addf(&sql, "%s%s", sql.len == 0 ? "LOCK TABLE " : ", ",
				reads->relations[i].name);
	}
	if (sql.len == 0) {
		strbuf_free(&sql);
		return PG_OK;
	}
	strbuf_add_str(&sql, " IN ACCESS SHARE MODE");
	return pg_run_built(pg, &sql, pg_lock_deadline(pg), NULL);
}

enum pg_outcome pg_has_stale_rows(struct pg *pg, bool *is_stale_r)
{
	/* pg_class is seen by the snapshot, while pg_relation_filenode() looks at the present. Of
	 * PostgreSQL's own relations, the oids are below 16384. */
	static const char query[] =
		"SELECT 1 FROM pg_catalog.pg_locks AS l"
		" LEFT JOIN pg_catalog.pg_class AS c ON c.oid = l.relation"
		" WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'"
		" AND l.granted AND l.relation >= 16384"
		" AND (c.oid IS NULL OR (c.relfilenode <> 0"
		" AND c.relfilenode IS DISTINCT FROM pg_catalog.pg_relation_filenode(c.oid)))"
		" LIMIT 1";
	PGresult *rows = NULL;
	enum pg_outcome outcome =
		pg_run_prepared(pg, PG_STALE_ROWS, query, 0, NULL, pg_short_deadline(pg), &rows);

	if (outcome == PG_OK)
		*is_stale_r = PQntuples(rows) > 0;
	PQclear(rows);
	return outcome;
}
