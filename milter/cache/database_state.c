#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "milter/cache/database_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

static int copy_config(const struct config_database *from, struct config_database *to_r,
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

static void drop_config(struct config_database *config, struct arena **arena)
{
	if (*arena != NULL && config->conninfo != NULL)
		explicit_bzero((char *)config->conninfo, strlen(config->conninfo));
	arena_free(arena);
	*config = (struct config_database){ 0 };
}

struct database *database_new(const struct database_owner *owner)
{
	struct database *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return NULL;
	db->owner = *owner;
	db->why = "start";
	db->poll_at = db->full_at = db->retry_at = CLOCK_NEVER;
	return db;
}

void database_free(struct database **database)
{
	struct database *db = *database;

	*database = NULL;
	if (db == NULL)
		return;
	pg_close(&db->pg);
	drop_config(&db->config, &db->arena);
	drop_config(&db->next, &db->next_arena);
	free(db->position);
	free(db);
}

void database_set_state(struct database *db, enum status_database state)
{
	if (db->state != state) {
		db->state = state;
		db->since = time(NULL);
	}
	db->owner.changed(db->owner.context);
}

void database_want(struct database *db, bool full, const char *why)
{
	if (!db->wants_look || full)
		db->why = why;
	db->wants_look = true;
	db->wants_full = db->wants_full || full;
}

void database_lost(struct database *db, const struct errmsg *err)
{
	const struct errmsg why = *err; /* may be the connection's own */
	uint32_t random = 0;

	pg_close(&db->pg);
	if (strcmp(why.text, db->error.text) != 0)
		log_event(LOG_LEVEL_WARNING, "database %s: %s",
			db->state == DATABASE_CONNECTING || db->state == DATABASE_DOWN ?
				"not reached" :
				"lost",
			why.text);
	db->error = db->answer = why;
	db->answered = db->requested;
	db->attempts++;
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	db->connect_at = clock_ms() +
		clock_backoff(db->attempts, (int64_t)db->config.reconnect_max * 1000, random);
	database_set_state(db, db->was_reached ? DATABASE_DOWN : DATABASE_CONNECTING);
}

/* ---- what the configuration says ---------------------------------------------- */

static bool same_source(const struct config_database *a, const struct config_database *b)
{
	if (!a->present || !b->present)
		return a->present == b->present;
	return strcmp(a->conninfo, b->conninfo) == 0 && strcmp(a->schema, b->schema) == 0 &&
		strcmp(a->channel, b->channel) == 0 &&
		strcmp(a->profiles_query, b->profiles_query) == 0 &&
		strcmp(a->users_query, b->users_query) == 0;
}

void database_take_next(struct database *db)
{
	bool same;

	if (db->next_arena == NULL)
		return;
	same = same_source(&db->config, &db->next);
	if (!same)
		pg_close(&db->pg);
	drop_config(&db->config, &db->arena);
	db->config = db->next;
	db->arena = db->next_arena;
	db->next_arena = NULL;
	db->gives_up = false;
	if (same)
		return;
	free(db->position);
	db->position = NULL;
	db->feed = (struct feed_state){ 0 };
	db->attempts = 0;
	db->connect_at = 0;
	db->was_reached = false;
	db->poll_at = db->full_at = db->retry_at = CLOCK_NEVER;
	db->error.text[0] = db->load_error.text[0] = db->server[0] = '\0';
	database_set_state(db, db->config.present ? DATABASE_CONNECTING : DATABASE_OFF);
}

void database_configure(struct database *database, const struct config *config)
{
	struct config_database next;
	struct arena *arena;

	if (copy_config(&config->database, &next, &arena) < 0) {
		log_event(LOG_LEVEL_ERROR, "out of memory: [database] stays as it was");
		return;
	}
	drop_config(&database->next, &database->next_arena);
	database->next = next;
	database->next_arena = arena;
	if (!database->is_busy)
		database_take_next(database);
	else if (!same_source(&database->config, &next))
		database->gives_up = true;
}

bool database_gives_up(const struct database *database)
{
	return database->gives_up;
}

bool database_is_configured(const struct database *database)
{
	return database->next_arena != NULL ? database->next.present : database->config.present;
}

uint64_t database_reload(struct database *database)
{
	database_want(database, true, "reload");
	database->connect_at = 0;
	database->not_before = 0;
	database->feed_refused = false;
	return ++database->requested;
}

bool database_reloaded(const struct database *database, uint64_t request, struct errmsg *err_r)
{
	err_r->text[0] = '\0';
	if (!database_is_configured(database))
		return true;
	if (database->answered < request)
		return false;
	*err_r = database->answer;
	return true;
}

bool database_has_feed(const struct database *db)
{
	return db->feed.is_ready && !db->feed_refused;
}
