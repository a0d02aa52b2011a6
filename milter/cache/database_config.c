#include <string.h>
#include <strings.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"

#define USERS_QUERY "SELECT * FROM users" /* the tables that the feed's triggers stand on */
#define PROFILES_QUERY "SELECT * FROM profiles"

int database_copy_config(const struct config_database *from, struct config_database *to_r,
	struct arena **arena_r)
{
	struct arena *arena = arena_new(4096);
	struct config_database to = *from;

	if (arena == NULL)
		return -1;
	to.conninfo = arena_strdup(arena, from->conninfo);
	to.schema = arena_strdup(arena, from->schema);
	to.channel = arena_strdup(arena, from->channel);
	to.profiles_query = arena_strdup(arena, from->profiles_query);
	to.users_query = arena_strdup(arena, from->users_query);
	if (to.conninfo == NULL || to.schema == NULL || to.channel == NULL ||
		to.profiles_query == NULL || to.users_query == NULL) {
		arena_free(&arena);
		return -1;
	}
	*to_r = to;
	*arena_r = arena;
	return 0;
}

void database_drop_config(struct config_database *config, struct arena **arena)
{
	if (*arena != NULL && config->conninfo != NULL)
		explicit_bzero((char *)config->conninfo, strlen(config->conninfo));
	arena_free(arena);
	*config = (struct config_database){ 0 };
}

bool database_same_source(const struct config_database *a, const struct config_database *b)
{
	if (!a->present || !b->present)
		return a->present == b->present;
	return strcmp(a->conninfo, b->conninfo) == 0 && strcmp(a->schema, b->schema) == 0 &&
		strcmp(a->channel, b->channel) == 0 &&
		strcmp(a->profiles_query, b->profiles_query) == 0 &&
		strcmp(a->users_query, b->users_query) == 0;
}

bool database_has_feed(const struct database *db)
{
	return db->feed.is_ready && !db->feed_refused;
}

/*
 * Not where a query of the administrator's may read other tables too, nor where a subscription
 * writes to ours: there triggers don't fire for statements.
 */
bool database_feed_suffices(const struct database *db)
{
	return database_has_feed(db) && !db->feed.is_bypassed &&
		strcasecmp(db->config.users_query, USERS_QUERY) == 0 &&
		strcasecmp(db->config.profiles_query, PROFILES_QUERY) == 0;
}

void database_say_feed(struct database *db)
{
	const struct feed_state *feed = &db->feed, *said = &db->feed_said;

	if (db->feed_is_said && feed->is_installed == said->is_installed &&
		feed->is_permitted == said->is_permitted && feed->is_ready == said->is_ready &&
		feed->is_bypassed == said->is_bypassed)
		return;
	db->feed_said = *feed;
	db->feed_is_said = true;
	if (!feed->is_installed)
		log_event(LOG_LEVEL_NOTICE,
			"database has no change feed (sql/feed.sql): a "
			"notification reloads the tables, and so does every %us",
			db->config.full_reload_interval);
	else if (!feed->is_permitted)
		log_event(LOG_LEVEL_WARNING,
			"database role may not use the change feed: run "
			"sql/role.sql again; until then each change reloads the tables");
	else if (!feed->is_ready)
		log_event(LOG_LEVEL_WARNING,
			"database triggers of the change feed are missing or "
			"disabled: run sql/feed.sql again; until then each change reloads the "
			"tables");
	else if (feed->is_bypassed)
		log_event(LOG_LEVEL_NOTICE,
			"database tables are written by a subscription too, "
			"which the change feed does not see: they are reloaded every %us",
			db->config.full_reload_interval);
	else
		log_event(LOG_LEVEL_INFO, "database has a change feed");
}
