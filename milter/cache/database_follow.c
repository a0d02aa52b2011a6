/*
 * Determines how the tables are followed: whether the change feed can be asked, whether a look
 * finds every change, and what to log about that. It runs on the cache thread and owns nothing.
 * Shown by t/integration/test_database_marks.py and t/integration/test_database.py.
 */
#include <stdio.h>
#include <string.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"

bool database_has_feed(const struct database *db)
{
	return db->feed.is_ready && db->feed_fault.text[0] == '\0';
}

bool database_finds_all(const struct database *db, struct errmsg *err_r)
{
	const struct feed_state *feed = &db->feed;

	err_r->text[0] = '\0';
	if (db->feed_fault.text[0] != '\0')
		(void)errmsg_set(err_r, "the change feed cannot be used: %s", db->feed_fault.text);
	else if (!feed->is_present)
		(void)errmsg_set(err_r, "the database has no change feed");
	else if (!feed->is_permitted)
		(void)errmsg_set(err_r, "the role may not use the change feed");
	else if (!feed->is_ready)
		(void)errmsg_set(err_r, "triggers of the change feed are missing or disabled");
	else if (db->reads_error.text[0] != '\0')
		(void)errmsg_set(err_r, "EXPLAIN does not show what the queries read: %s",
			db->reads_error.text);
	else if (db->reads == NULL)
		(void)errmsg_set(err_r, "it is not known yet what the queries read");
	else if (db->reads->untold != NULL)
		(void)errmsg_set(err_r, "%s", db->reads->untold);
	return err_r->text[0] == '\0';
}

bool database_reads_whole(const struct database *db, struct errmsg *err_r)
{
	struct errmsg before;
	int table;

	err_r->text[0] = '\0';
	for (table = 0; db->reads != NULL && database_has_feed(db) && table < FEED_TABLES;
		table++) {
		const char *why = db->reads->by_row[table].whole;

		if (why == NULL)
			continue;
		before = *err_r;
		(void)errmsg_set(err_r, "%s%s%s: %s", before.text,
			before.text[0] != '\0' ? "; " : "", row_tables[table].query_key, why);
	}
	return err_r->text[0] != '\0';
}

/* Make the text to log; returns its level. */
static enum log_level describe_following(const struct database *db, struct errmsg *text_r)
{
	const unsigned interval = db->config->database.full_reload_interval;
	const char *role = pg_role(db->pg);
	struct errmsg reason;

	if (database_finds_all(db, &reason)) {
		(void)errmsg_set(text_r, "database has a change feed");
		return LOG_LEVEL_INFO;
	}
	if (db->feed_fault.text[0] != '\0') {
		(void)errmsg_set(text_r,
			"database change feed cannot be used (%s): run " SQL_FOLDER
			"/feed.sql, and " SQL_FOLDER
			"/role.sql with -v role='%s', again; until then "
			"each change reloads the tables",
			db->feed_fault.text, role);
	} else if (!db->feed.is_present) {
		(void)errmsg_set(text_r,
			"database has no change feed (" SQL_FOLDER
			"/feed.sql): the tables are reloaded on each notification and every %us",
			interval);
		return LOG_LEVEL_NOTICE;
	} else if (!db->feed.is_permitted) {
		(void)errmsg_set(text_r,
			"database role '%s' may not use the change feed: run " SQL_FOLDER
			"/role.sql again with -v role='%s'; until then each change reloads the tables",
			role, role);
	} else if (!db->feed.is_ready) {
		(void)errmsg_set(text_r,
			"database triggers of the change feed are missing or disabled: run " SQL_FOLDER
			"/feed.sql again; until then each change reloads the tables");
	} else {
		(void)errmsg_set(text_r,
			"database has a change feed, which does not see every change: %s; everything "
			"is read again every %us",
			reason.text, interval);
		return LOG_LEVEL_NOTICE;
	}
	return LOG_LEVEL_WARNING;
}

/* Log why a table is read whole at each change, each reason once. */
static void log_whole_tables(struct database *db)
{
	struct errmsg text;

	if (!database_reads_whole(db, &text) || strcmp(text.text, db->whole_logged.text) == 0)
		return;
	db->whole_logged = text;
	log_event(LOG_LEVEL_NOTICE,
		"database: each change of a row makes the daemon read the whole table: %s",
		text.text);
}

void database_log_following(struct database *db)
{
	struct errmsg text;
	enum log_level level = describe_following(db, &text);

	log_whole_tables(db);

	if (strcmp(text.text, db->follow_logged.text) == 0)
		return;
	db->follow_logged = text;
	log_event(level, "%s", text.text);
}
