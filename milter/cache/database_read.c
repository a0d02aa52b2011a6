/*
 * Compares the tables with the position of the rows in force, and reads what differs. It runs on
 * the cache thread and owns the rows of a look until the owner of the database takes them over.
 * Shown by t/integration/test_database.py, t/integration/test_database_marks.py and
 * t/integration/test_database_plain.py.
 */
#include <stdlib.h>
#include <string.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"
#include "milter/pg/pg_lock.h"

/* How often one look begins again because what the queries read became something else meanwhile. */
#define TRIES 4

void look_clear(struct look *look)
{
	feed_changes_clear(&look->changes);
	free(look->position);
	look->position = NULL;
	database_clear_rows(look);
}

/* Note whether the server whose state this is must not be followed. */
static void note_age(struct database *db, struct look *look, const struct revision *here)
{
	db->age = revision_compare(here, db->owner.revision(db->owner.context));
	database_explain_age(db, db->age, here, &db->behind);
	look->is_behind = db->age != REVISION_CURRENT && !look->accepts_older;
}

/* Ask for the server's state, and compare it with the rows in force. */
static enum pg_outcome ask_age(struct database *db, struct look *look)
{
	enum pg_outcome outcome = pg_revision(db->pg, &look->revision);

	if (outcome != PG_OK)
		return outcome;
	look->knows_age = true;
	db->in_recovery = look->revision.in_recovery;
	note_age(db, look, &look->revision);
	return PG_OK;
}

/* ---- the feed ------------------------------------------------------------------- */

/* Set why the feed does not work although it should, as far as its state shows that. */
static void judge_feed(struct database *db)
{
	const struct feed_state *feed = &db->feed;

	db->feed_fault.text[0] = '\0';
	if (feed->is_present && !feed->is_installed)
		(void)errmsg_set(&db->feed_fault, "%s missing", feed->missing);
	else if (feed->is_hidden)
		(void)errmsg_set(&db->feed_fault, "row-level security hides what it records");
	else if (!feed->is_present && db->feed_was_used)
		(void)errmsg_set(&db->feed_fault, "it has been removed");
}

/* Ask for the feed's position at the transaction's database snapshot, and for the changes since the
 * rows in force, unless everything is to be read. */
static enum pg_outcome ask_feed(struct database *db, struct look *look)
{
	const char *since = look->full || !look->had_feed ? NULL : db->position;
	enum pg_outcome outcome;

	feed_changes_clear(&look->changes);
	free(look->position);
	look->position = NULL;
	outcome = pg_feed_look(db->pg, &db->feed, since, &look->changes, &look->position);
	if (outcome != PG_OK)
		return outcome;
	if (since == NULL) {
		feed_changes_clear(&look->changes);
	} else if (look->changes.everything) {
		look->full = true;
		look->why = "feed";
		log_event(LOG_LEVEL_INFO, "database change feed: %s; loading everything",
			look->changes.reason);
	}
	return PG_OK;
}

/* The server has refused the feed: go on without it until the next look. */
static void note_refused_feed(struct database *db, struct look *look)
{
	db->feed_fault = *pg_error(db->pg);
	look->asks_feed = false;
	look->feed_is_refused = true;
}

/* The server has refused to lock, such as a view whose owner lacks rights: read without locks. */
static void note_refused_locks(struct look *look)
{
	look->locks_tables = false;
	look->locks_are_refused = true;
}

/*
 * The server has refused to read single rows: read the whole table. An id in the feed may be of
 * another type, if it is that of a table that had the name `users` before.
 */
static void note_refused_ids(struct database *db, struct look *look)
{
	log_event(LOG_LEVEL_INFO,
		"database: single rows cannot be read, and the whole table is read instead: %s",
		pg_error(db->pg)->text);
	database_clear_rows(look);
	look->reads_by_id = false;
	look->ids_are_refused = true;
}

/* ---- transactions --------------------------------------------------------------- */

/* Run a step in a transaction, which has one database snapshot. */
static enum pg_outcome in_transaction(struct database *db, struct look *look,
	enum pg_outcome (*step)(struct database *db, struct look *look))
{
	enum pg_outcome outcome;

	look->began = time(NULL);
	outcome = pg_begin(db->pg);
	if (outcome == PG_OK)
		outcome = step(db, look);
	if (outcome == PG_OK)
		return pg_commit(db->pg);
	if (outcome == PG_REFUSED) {
		outcome = pg_rollback(db->pg);
		return outcome == PG_OK ? PG_REFUSED : outcome;
	}
	return outcome;
}

static enum pg_outcome explain_queries(struct database *db, struct look *look)
{
	enum pg_outcome outcome;

	(void)look;
	pg_reads_free(&db->reads);
	outcome = pg_reads_ask(db->pg, &db->reads);
	if (outcome == PG_OK)
		outcome = pg_marks(db->pg, db->reads, db->reads_marks);
	if (outcome == PG_OK && db->reads->is_stale)
		db->reads_marks[0] = '\0'; /* so that the comparison finds others */
	return outcome;
}

/*
 * Find out what the queries read: once per connection, when that has become something else, and
 * before everything is loaded. If the server refuses it, the load will show why, or goes without.
 */
static enum pg_outcome refresh_reads(struct database *db, struct look *look)
{
	enum pg_outcome outcome;

	if (db->reads != NULL && !look->full)
		return PG_OK;
	outcome = in_transaction(db, look, explain_queries);
	if (outcome == PG_OK) {
		db->reads_error.text[0] = '\0';
	} else if (outcome == PG_REFUSED) {
		pg_reads_free(&db->reads); /* the commit may have been refused */
		db->reads_error = *pg_error(db->pg);
		if (!pg_refusal_passes(db->pg))
			outcome = PG_OK;
	}
	return outcome;
}

/*
 * Compare what the queries read with what they read when the rows in force were loaded, and when
 * EXPLAIN was asked: its answer, and whether the feed suffices, hold for those marks only.
 */
static enum pg_outcome compare_marks(struct database *db, struct look *look)
{
	enum pg_outcome outcome;

	look->marks[0] = '\0';
	if (db->reads == NULL)
		return PG_OK;
	outcome = pg_marks(db->pg, db->reads, look->marks);
	if (outcome != PG_OK)
		return outcome;
	look->is_outdated = strcmp(look->marks, db->reads_marks) != 0;
	if (look->full || (!look->is_outdated && strcmp(look->marks, db->marks) == 0))
		return PG_OK;
	look->full = true;
	look->why = "definitions";
	log_event(LOG_LEVEL_INFO,
		"database: what the queries read has other definitions; loading everything");
	return PG_OK;
}

/* Decide whether everything must be read, once the feed was asked. */
static void decide_what_to_read(const struct database *db, struct look *look)
{
	struct errmsg reason;

	if (look->full)
		return;
	if (database_has_feed(db) != look->had_feed) {
		look->full = true;
		look->why = "feed";
	} else if (look->is_wanted && !look->had_feed) {
		look->full = true;
	} else if (database_has_changes(look) && !database_finds_all(db, &reason)) {
		look->full =
			true; /* the same statement may have changed what the feed does not see */
	}
}

/* The step that compares: it reads no rows and waits for no lock of a table. */
static enum pg_outcome compare(struct database *db, struct look *look)
{
	enum pg_outcome outcome = compare_marks(db, look);

	if (outcome != PG_OK || look->is_outdated)
		return outcome;
	if (look->feed_is_refused) {
		decide_what_to_read(db, look);
		return PG_OK;
	}
	look->asks_feed = true;
	/* The marks and the position contain the triggers, so that a notification need not ask. */
	if (!look->is_at_once)
		outcome = pg_feed_state(db->pg, &db->feed);
	if (outcome == PG_OK) {
		judge_feed(db);
		if (database_has_feed(db))
			outcome = ask_feed(db, look);
	}
	if (outcome != PG_REFUSED)
		look->asks_feed = false;
	if (outcome == PG_OK)
		decide_what_to_read(db, look);
	return outcome;
}

/* Take the position of the database snapshot whose rows will be read. */
static enum pg_outcome take_position(struct database *db, struct look *look)
{
	char marks[PG_MARKS_SIZE] = "";
	enum pg_outcome outcome = PG_OK;

	if (db->reads != NULL)
		outcome = pg_marks(db->pg, db->reads, marks);
	if (outcome != PG_OK)
		return outcome;
	if (strcmp(marks, look->marks) != 0) {
		look->full = look->is_outdated = true;
		return PG_OK;
	}
	if (!database_has_feed(db))
		return PG_OK;
	look->asks_feed = true;
	outcome = ask_feed(db, look);
	if (outcome != PG_REFUSED)
		look->asks_feed = false;
	return outcome;
}

/* Lock the tables before the database snapshot. What cannot be locked is checked afterwards. */
static enum pg_outcome lock_tables(struct database *db, struct look *look)
{
	enum pg_outcome outcome;

	if (db->reads == NULL || look->locks_are_refused)
		return PG_OK;
	look->locks_tables = true;
	outcome = pg_lock(db->pg, db->reads);
	if (outcome != PG_REFUSED)
		look->locks_tables = false;
	return outcome;
}

/* Drop the rows if what was read has another file by now: the database snapshot may show too few.
 */
static enum pg_outcome check_rows(struct database *db, struct look *look)
{
	bool is_stale = false;
	enum pg_outcome outcome = pg_has_stale_rows(db->pg, &is_stale);

	if (outcome != PG_OK || !is_stale)
		return outcome;
	database_clear_rows(look);
	look->full = look->is_outdated = true;
	return PG_OK;
}

/* Read the rows, over locked tables, and find out whether they are to be used. */
static enum pg_outcome read_rows(struct database *db, struct look *look)
{
	enum pg_outcome outcome = database_load_rows(db, look);

	if (outcome == PG_OK)
		outcome = pg_revision(db->pg, &look->rows.revision);
	if (outcome == PG_OK) /* a pooler may have led the transaction to another server */
		note_age(db, look, &look->rows.revision);
	if (outcome == PG_OK && !look->is_behind)
		outcome = check_rows(db, look);
	look->has_read = !look->is_behind;
	return outcome;
}

/* The step that reads the rows, after compare() has found that they are needed. */
static enum pg_outcome read_tables(struct database *db, struct look *look)
{
	enum pg_outcome outcome = lock_tables(db, look);

	if (outcome == PG_OK)
		outcome = take_position(db, look);
	if (outcome != PG_OK || look->is_outdated)
		return outcome;
	return read_rows(db, look);
}

/*
 * The step that does both, in one transaction, for a change that was notified. It waits for locks
 * before it compares, which is no loss where something probably changed.
 */
static enum pg_outcome compare_and_read_at_once(struct database *db, struct look *look)
{
	enum pg_outcome outcome = lock_tables(db, look);

	look->is_at_once = true;
	if (outcome == PG_OK)
		outcome = compare(db, look);
	if (outcome != PG_OK || look->is_outdated)
		return outcome;
	look->has_compared = true;
	return look->full || database_has_changes(look) ? read_rows(db, look) : ask_age(db, look);
}

/* ---- the look ------------------------------------------------------------------- */

/* Return whether the feed has notified a change, and the tables can be locked beforehand. */
static bool is_notified(const struct database *db, const struct look *look)
{
	return strcmp(look->why, "notification") == 0 && look->had_feed && !look->full &&
		!look->locks_are_refused && db->reads != NULL && database_has_feed(db);
}

/* Compare, and read if anything differs. */
static enum pg_outcome compare_and_read(struct database *db, struct look *look)
{
	enum pg_outcome outcome = refresh_reads(db, look);

	if (outcome != PG_OK)
		return outcome;
	look->is_outdated = look->is_at_once = false;
	if (is_notified(db, look))
		return in_transaction(db, look, compare_and_read_at_once);
	if (!look->knows_age && (outcome = ask_age(db, look)) != PG_OK)
		return outcome;
	outcome = in_transaction(db, look, compare);
	if (outcome != PG_OK || look->is_outdated)
		return outcome;
	look->has_compared = true;
	if (look->full || database_has_changes(look))
		outcome = in_transaction(db, look, read_tables);
	return outcome;
}

/* Find out whether the pooler does not pass on notifications. */
static enum pg_outcome test_pooler(struct database *db)
{
	enum pg_outcome outcome = pg_loses_notifications(db->pg, &db->listen_is_lost);

	if (outcome != PG_OK || !db->listen_is_lost)
		return outcome;
	log_event(LOG_LEVEL_WARNING,
		"database notifications do not arrive through the pooler, which must be in session "
		"mode for that: changes are found every %us",
		db->config->database.poll_interval);
	return PG_OK;
}

/* Decide whether to LISTEN. The test of a pooler takes time: the first policy does not wait for it.
 */
static enum pg_outcome may_listen(struct database *db, struct look *look, bool *may_r)
{
	bool is_pooled = false;
	enum pg_outcome outcome = pg_is_pooled(db->pg, &is_pooled);

	if (outcome != PG_OK)
		return outcome;
	if (!is_pooled)
		db->listen_is_lost = false;
	else if (!db->was_reached)
		look->listens_later = true;
	else if (!db->listen_is_lost)
		outcome = test_pooler(db);
	*may_r = !look->listens_later && !db->listen_is_lost;
	return outcome;
}

/*
 * Run LISTEN, unless that was done earlier. A standby refuses it until it is promoted. Without a
 * feed, everything is loaded afterwards, because earlier commits caused no notification.
 */
static enum pg_outcome listen_if_possible(struct database *db, struct look *look)
{
	enum pg_outcome outcome;
	bool may = true;

	if (look->revision.in_recovery)
		db->is_listening = false;
	if (look->revision.in_recovery || db->is_listening || db->listen_refused)
		return PG_OK;
	outcome = may_listen(db, look, &may);
	if (outcome == PG_OK && !may)
		return PG_OK;
	if (outcome == PG_OK)
		outcome = pg_listen(db->pg);
	if (outcome == PG_OK) {
		db->is_listening = true;
		look->full = look->full || !database_has_feed(db);
	} else if (outcome == PG_REFUSED) {
		db->listen_refused = true;
		log_event(LOG_LEVEL_WARNING,
			"database refuses LISTEN (%s): changes are found by polling",
			pg_error(db->pg)->text);
		outcome = PG_OK;
	}
	return outcome;
}

/*
 * Connect again if the server is behind, because another host, or the same address by now, may lead
 * to one that is not.
 */
static enum pg_outcome leave_older_server(struct database *db, struct look *look)
{
	struct errmsg err;
	enum pg_outcome outcome;

	if (db->age == REVISION_CURRENT || db->is_fresh)
		return PG_OK;
	outcome = database_find_server(db, &err);
	if (outcome != PG_OK)
		return outcome == PG_GIVEN_UP ? outcome : PG_OK; /* the old connection stays */
	look->full = look->full || db->position == NULL || !database_has_feed(db);
	return ask_age(db, look);
}

/* Find out whether the server may be followed, and listen to it. */
static enum pg_outcome prepare_look(struct database *db, struct look *look)
{
	enum pg_outcome outcome = ask_age(db, look);

	if (outcome == PG_OK)
		outcome = leave_older_server(db, look);
	if (outcome != PG_OK || look->is_behind)
		return outcome;
	if ((outcome = listen_if_possible(db, look)) != PG_OK)
		return outcome;
	return look->revision.in_recovery ? pg_standby_time(db->pg, &look->standby_time) : PG_OK;
}

enum pg_outcome look_once(struct database *db, struct look *look)
{
	enum pg_outcome outcome = PG_OK;
	int tries;

	look->was_listening = db->is_listening;
	look->had_feed = db->position != NULL;
	/* The server that has sent a notification is the one whose rows are in force. */
	if (!is_notified(db, look) || !db->is_listening || db->age != REVISION_CURRENT)
		outcome = prepare_look(db, look);
	if (outcome != PG_OK || look->is_behind)
		return outcome;
	for (tries = 0; tries < TRIES; tries++) {
		outcome = compare_and_read(db, look);
		if (outcome == PG_REFUSED && look->asks_feed && !pg_refusal_passes(db->pg))
			note_refused_feed(db, look);
		else if (outcome == PG_REFUSED && look->locks_tables && !pg_refusal_passes(db->pg))
			note_refused_locks(look);
		else if (outcome == PG_REFUSED && look->reads_by_id && !pg_refusal_passes(db->pg))
			note_refused_ids(db, look);
		else if (outcome != PG_OK || !look->is_outdated)
			break;
	}
	return outcome;
}
