/*
 * Reports the database's state in the cache thread's status. It owns nothing; the cache thread runs
 * it. Shown by t/integration/test_database.py.
 */
#include <stdio.h>

#include "milter/cache/database_private.h"

void database_describe(const struct database *database, struct cache_status *status)
{
	const struct database *db = database;

	status->database = db->state;
	status->database_since = db->since;
	status->has_feed = database_has_feed(db);
	status->loads_failed = db->loads_failed;
	(void)snprintf(status->server, sizeof(status->server), "%s", db->server);
	(void)snprintf(status->database_error, sizeof(status->database_error), "%s",
		db->error.text);
	(void)snprintf(status->load_error, sizeof(status->load_error), "%s", db->load_error.text);
}
