/*
 * Asks the server for its revision and the change feed for committed changes. It owns nothing and
 * runs on the connection's thread. Shown by t/integration/test_database.py and
 * t/integration/test_sql_feed.py.
 */
#include "milter/pg/pg_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "milter/pg/pg_private.h"

/* The functions and tables of sql/feed.sql that a reader needs. Feeds of earlier versions have no
 * feed_look(). */
#define HAS_LOOK "to_regprocedure('feed_look(text)') IS NOT NULL"
#define FEED_FUNCTIONS                                                 \
	"ARRAY['feed_ready()', 'feed_marks()'] || CASE WHEN " HAS_LOOK \
	" THEN ARRAY['feed_look(text)']"                               \
	" ELSE ARRAY['feed_position()', 'feed_since(text)'] END"
#define FEED_TABLES_READ "ARRAY['changes', 'feed_state', 'feed_crash_mark']"

/*
 * Hosted servers may withhold the pg_control functions. A primary's WAL counts as far as a crash
 * preserves it. A standby's control file has a timeline that it has reached, but does not follow
 * the replay; its last column is the call of feed_timeline(), which the role may use.
 */
static const char revision_query[] =
	"SELECT is_standby, (CASE WHEN is_standby THEN pg_last_wal_replay_lsn()"
	"  ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::bigint,"
	" CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE')"
	"  THEN (SELECT system_identifier::text FROM pg_control_system()) ELSE '' END,"
	" CASE WHEN NOT is_standby THEN left(pg_walfile_name(pg_current_wal_lsn()), 8)"
	"  ELSE to_hex(greatest("
	"  CASE WHEN has_function_privilege('pg_control_checkpoint()', 'EXECUTE')"
	"   THEN (SELECT timeline_id FROM pg_control_checkpoint()) END,"
	"  CASE WHEN has_function_privilege('pg_control_recovery()', 'EXECUTE')"
	"   THEN (SELECT min_recovery_end_timeline FROM pg_control_recovery()) END)) END,"
	" CASE WHEN is_standby THEN (SELECT format('%I.feed_timeline()', n.nspname)"
	"  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
	"  WHERE p.proname = 'feed_timeline' AND p.pronargs = 0 AND CASE $1::text"
	"   WHEN '' THEN pg_function_is_visible(p.oid) ELSE n.nspname = $1::text END"
	"  AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE'))"
	" END FROM (SELECT pg_is_in_recovery() AS is_standby OFFSET 0) AS server";

/* Other columns of pg_stat_wal_receiver are hidden from our role. A standby that has replayed no
 * commit since its start may be of any age: 1 is the oldest time that is not 0. */
static const char standby_query[] =
	"SELECT CASE WHEN EXISTS (SELECT FROM pg_stat_wal_receiver)"
	" AND pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0"
	" ELSE coalesce(extract(epoch FROM pg_last_xact_replay_timestamp()), 1)::bigint END";

/* `changes` alone may be a table of somebody else's. */
static const char state_query[] =
	"SELECT to_regclass('feed_state') IS NOT NULL OR bool_or(oid IS NOT NULL AND is_function),"
	" string_agg(name, ', ') FILTER (WHERE oid IS NULL), bool_and(is_permitted),"
	" bool_and(" HAS_LOOK "), bool_or(is_hidden)"
	" FROM (SELECT name, oid, true AS is_function,"
	"  has_function_privilege(oid, 'EXECUTE') AS is_permitted, false AS is_hidden"
	"  FROM unnest(" FEED_FUNCTIONS
	") AS name, LATERAL (SELECT to_regprocedure(name)::oid) AS f (oid)"
	" UNION ALL SELECT name, oid, false, has_table_privilege(oid, 'SELECT'),"
	"  row_security_active(oid)"
	"  FROM unnest(" FEED_TABLES_READ
	") AS name, LATERAL (SELECT to_regclass(name)::oid) AS t (oid)"
	" ) AS needed";

/* Column i of the only row; NULL if it is SQL's NULL or does not exist. */
static const char *column_text(const PGresult *result, int i)
{
	if (PQntuples(result) != 1 || i >= PQnfields(result) || PQgetisnull(result, 0, i))
		return NULL;
	return PQgetvalue(result, 0, i);
}

static bool is_true(const char *text)
{
	return text != NULL && strcmp(text, "t") == 0;
}

/* Ask a standby for the timeline that it replays; `call` is feed_timeline(), with its schema. */
static enum pg_outcome ask_timeline(struct pg *pg, const char *call, struct revision *revision)
{
	struct strbuf sql = STRBUF_INIT;
	PGresult *rows = NULL;
	enum pg_outcome outcome;
	unsigned long timeline;
	const char *text;

	strbuf_addf(&sql, "SELECT %s", call);
	outcome = pg_run_built(pg, &sql, pg_short_deadline(pg), &rows);
	if (outcome != PG_OK)
		return outcome;
	text = column_text(rows, 0);
	timeline = text != NULL ? strtoul(text, NULL, 10) : 0;
	PQclear(rows);
	if (timeline > 0 && timeline >= revision->timeline && timeline <= UINT32_MAX) {
		revision->timeline = (uint32_t)timeline;
		revision->is_least = false;
	}
	return PG_OK;
}

enum pg_outcome pg_revision(struct pg *pg, struct revision *revision_r)
{
	const char *schema = pg->config->database.schema, *cluster, *wal, *timeline, *call;
	struct revision revision = { .is_known = true };
	PGresult *rows = NULL;
	enum pg_outcome outcome;

	outcome = pg_run_prepared(pg, PG_REVISION, revision_query, 1, &schema,
		pg_short_deadline(pg), &rows);
	if (outcome != PG_OK)
		return outcome;
	wal = column_text(rows, 1);
	cluster = column_text(rows, 2);
	timeline = column_text(rows, 3);
	call = column_text(rows, 4);
	revision.in_recovery = is_true(column_text(rows, 0));
	if (wal == NULL) /* a standby that has replayed nothing yet */
		revision.is_known = false;
	else
		revision.wal = strtoll(wal, NULL, 10);
	(void)text_format(revision.cluster, sizeof(revision.cluster), "%s",
		cluster != NULL ? cluster : "");
	if (timeline != NULL)
		revision.timeline = (uint32_t)strtoul(timeline, NULL, 16);
	revision.is_least = revision.in_recovery || revision.timeline == 0;
	if (call != NULL)
		outcome = ask_timeline(pg, call, &revision);
	PQclear(rows);
	if (outcome == PG_OK)
		*revision_r = revision;
	return outcome;
}

enum pg_outcome pg_standby_time(struct pg *pg, time_t *time_r)
{
	PGresult *rows = NULL;
	enum pg_outcome outcome;
	const char *text;

	outcome = pg_run(pg, standby_query, 0, NULL, pg_short_deadline(pg), &rows);
	if (outcome != PG_OK)
		return outcome;
	text = column_text(rows, 0);
	*time_r = text != NULL ? (time_t)strtoll(text, NULL, 10) : 0;
	PQclear(rows);
	return PG_OK;
}

enum pg_outcome pg_feed_state(struct pg *pg, struct feed_state *state_r)
{
	struct feed_state state = { 0 };
	PGresult *rows = NULL;
	enum pg_outcome outcome;
	const char *missing;

	outcome = pg_run(pg, state_query, 0, NULL, pg_short_deadline(pg), &rows);
	if (outcome != PG_OK)
		return outcome;
	missing = column_text(rows, 1);
	state.is_present = is_true(column_text(rows, 0));
	state.is_installed = missing == NULL;
	state.is_permitted = state.is_installed && is_true(column_text(rows, 2));
	state.has_look = is_true(column_text(rows, 3));
	state.is_hidden = is_true(column_text(rows, 4));
	(void)text_format(state.missing, sizeof(state.missing), "%s",
		missing != NULL ? missing : "");
	PQclear(rows);
	if (state.is_permitted) {
		rows = NULL;
		outcome = pg_run(pg, "SELECT feed_ready()", 0, NULL, pg_short_deadline(pg), &rows);
		if (outcome != PG_OK)
			return outcome;
		state.is_ready = is_true(column_text(rows, 0));
		PQclear(rows);
	}
	*state_r = state;
	return PG_OK;
}

/* An id may contain bytes that the server cannot translate. */
#define LOOK_COLUMNS \
	"SELECT tbl, encode(convert_to(row_id, getdatabaseencoding()), 'escape'), reason, reached"

static const char look_query[] = LOOK_COLUMNS " FROM feed_look($1)";
static const char old_look_query[] =
	LOOK_COLUMNS " FROM feed_position() AS p (reached) LEFT JOIN feed_since($1) ON true";

/* Add a row of the result, unless it has the position alone. Returns 0, or -1 when out of memory.
 */
static int add_change(struct feed_changes *changes, const PGresult *rows, int row)
{
	const char *cells[3];

	for (int i = 0; i < 3; i++)
		cells[i] = PQgetisnull(rows, row, i) ? NULL : PQgetvalue(rows, row, i);
	if (cells[0] == NULL && cells[2] == NULL)
		return 0;
	return feed_changes_add(changes, cells[0], cells[1], cells[2]);
}

enum pg_outcome pg_feed_look(struct pg *pg, const struct feed_state *feed, const char *since,
	struct feed_changes *changes_r, char **reached_r)
{
	struct feed_changes changes = FEED_CHANGES_INIT;
	PGresult *rows = NULL;
	enum pg_outcome outcome;
	int failed = 0;
	char *reached;

	outcome = pg_run(pg, feed->has_look ? look_query : old_look_query, 1, &since,
		pg_statement_deadline(pg), &rows);
	if (outcome != PG_OK)
		return outcome;
	for (int i = 0; i < PQntuples(rows) && !failed; i++)
		failed = add_change(&changes, rows, i);
	reached = strdup(PQntuples(rows) > 0 ? PQgetvalue(rows, 0, 3) : "");
	PQclear(rows);
	if (failed || reached == NULL) {
		feed_changes_clear(&changes);
		free(reached);
		return pg_fail(pg, "out of memory");
	}
	*changes_r = changes;
	*reached_r = reached;
	return PG_OK;
}
