/*
 * Makes a policy of its parts (settings, lists, profiles, users) and puts it in force, and replaces
 * the users and profiles by those of another source. The cache thread runs it and owns the parts.
 * Shown by t/unit/test_cache.c and t/integration/test_database.py.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/rules/policy_check.h"
#include "lib/store/policy_files.h"
#include "milter/cache/cache_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define LARGE_BLOCK (128 << 10) /* bytes: glibc's value before it begins to raise it */
#define TRIM_USERS 10000	/* from so many on, it is worthwhile to return their freed memory */
#define TRIM_ROWS 256		/* single rows, each of which has replaced a shard of 4096 */

/* Returns NULL while a part is missing, and when out of memory. */
static struct policy *make_policy(const struct cache *cache)
{
	struct policy_parts parts = {
		.settings = cache->decides_by->settings,
		.psl = cache->psl,
		.profiles = cache->profiles,
		.users = cache->users,
		.lists_only = cache->source == SOURCE_LISTS,
	};
	int i;

	memcpy(parts.lists, cache->lists, sizeof(parts.lists));
	for (i = 0; i < LIST_COUNT; i++)
		if (cache->lists[i] == NULL)
			return NULL;
	if (cache->psl == NULL || cache->source == SOURCE_NONE)
		return NULL;
	return policy_new(&parts);
}

void cache_publish(struct cache *cache)
{
	struct problems *problems;
	struct policy *policy;
	uint64_t serial;

	if (!cache->is_changed || (policy = make_policy(cache)) == NULL)
		return;
	serial = policy_serial(policy);
	problems = problems_new();
	policy_check(policy_parts(policy), problems);
	if (cache->source == SOURCE_LISTS)
		policy_check_store(cache->config, problems, problems);
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_SETTINGS, problems);
	regex_preparer_want(cache->preparer, policy);
	snapshot_publish(cache->snapshot, policy);
	cache->is_changed = false;
	policy_problems_log_changes(cache->policy_problems);
	log_event(LOG_LEVEL_INFO,
		"policy serial=%llu source=%s users=%zu profiles=%zu problems=%zu",
		(unsigned long long)serial, cache_source_name(cache->source),
		cache->users != NULL ? users_count(cache->users) : 0,
		cache->profiles != NULL ? profiles_count(cache->profiles) : 0,
		policy_problems_count(cache->policy_problems, PROBLEM));
	(void)pthread_mutex_lock(&cache->lock);
	cache->status.serial = serial;
	cache->status.published = time(NULL);
	cache->status.publications++;
	(void)pthread_mutex_unlock(&cache->lock);
	cache_update_status(cache);
	if (cache->replaced_rows >= TRIM_ROWS)
		cache_trim_memory(cache);
}

void cache_return_large_blocks(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}

void cache_trim_memory(struct cache *cache)
{
	if (cache->users != NULL && users_count(cache->users) >= TRIM_USERS)
		(void)malloc_trim(0);
	cache->replaced_rows = 0;
}

/* ---- users and profiles --------------------------------------------------------- */

/* Remove all users and profiles. */
static void drop_rows(struct cache *cache)
{
	profiles_unref(&cache->profiles);
	users_unref(&cache->users);
	users_references_forget(cache->references);
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_PROFILES, NULL);
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_USERS, NULL);
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_REFERENCES, NULL);
	cache->revision = (struct revision){ 0 };
	cache->is_changed = true;
}

void cache_use_lists_only(struct cache *cache)
{
	drop_rows(cache);
	cache->source = SOURCE_LISTS;
	cache->store_error.text[0] = '\0';
}

void cache_wait_for_users(struct cache *cache)
{
	if (cache->source == SOURCE_LISTS && cache->status.serial == 0)
		cache->source = SOURCE_NONE;
}

/* Take over these rows instead of the old ones. NULL: the old ones stay. */
static void replace_rows(struct cache *cache, struct profiles *profiles, struct users *users)
{
	if (profiles != NULL) {
		profiles_unref(&cache->profiles);
		cache->profiles = profiles;
	}
	if (users != NULL) {
		users_unref(&cache->users);
		cache->users = users;
	}
	cache->is_changed = true;
}

/*
 * When the rows of a store were last known to be right: a store kept of PostgreSQL's rows, when it
 * was written; a store written by people, now.
 */
static time_t time_confirmed(enum cache_source source, const struct store *store)
{
	const time_t now = time(NULL);
	time_t written = store->written != 0 ? (time_t)store->written :
					       (time_t)(store->stamp.mtime_ns / 1000000000);

	return source == SOURCE_CACHE && written < now ? written : now;
}

void cache_take_store(struct cache *cache, enum cache_source source, struct store *store,
	struct problems *problems)
{
	users_references_forget(cache->references);
	cache->replaced_rows += TRIM_ROWS;
	replace_rows(cache, store->profiles, store->users);
	store->profiles = NULL;
	store->users = NULL;
	cache->source = source;
	cache->right.rows = time_confirmed(source, store);
	revision_parse(store->revision, &cache->revision);
	cache->file_is_behind = store->is_behind;
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_PROFILES, problems);
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_USERS, NULL);
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_REFERENCES, NULL);
}

void cache_keep_store(struct cache *cache)
{
	char revision[REVISION_SIZE];

	if (cache->config->store.path[0] == '\0') {
		store_sync_leave(cache->store_sync, clock_ms());
		return;
	}
	cache->file_is_behind = false;
	revision_format(&cache->revision, revision);
	store_sync_want(cache->store_sync, cache->config->store.path, cache->profiles, cache->users,
		revision, cache->right.rows, clock_ms());
}

void cache_anchor_profiles(struct cache *cache)
{
	struct profiles_builder *builder;
	struct profiles *profiles = NULL;

	if (cache->profiles == NULL)
		return;
	builder =
		profiles_builder_change(cache->profiles, cache->config->settings->rcpt_re_anchored);
	if (builder != NULL)
		profiles = profiles_builder_finish(&builder, NULL);
	if (profiles == NULL)
		log_event(LOG_LEVEL_ERROR,
			"out of memory: rcpt_re_anchored takes effect at the next load");
	else
		replace_rows(cache, profiles, NULL);
}

/* ---- the owner of the database -------------------------------------------------- */

/* The set of a table that is in force; NULL if there is none. */
static void *set_in_force(void *context, enum feed_table table)
{
	struct cache *cache = context;

	return table == FEED_USERS ? (void *)cache->users : (void *)cache->profiles;
}

/* Return whether these rows are the same as those in force, which came from PostgreSQL, too. */
static bool same_rows(struct cache *cache, const struct database_rows *rows)
{
	int table;

	for (table = 0; table < FEED_TABLES; table++) {
		const void *set = rows->tables[table].set;

		if (cache->source != SOURCE_DATABASE ||
			(set != NULL &&
				!row_tables[table].is_same(set_in_force(cache,
								   (enum feed_table)table),
					set)))
			return false;
	}
	return true;
}

/* Find the users in force whose profile does not exist. */
static struct problems *check_references(struct cache *cache)
{
	struct problems *problems = problems_new();

	users_references_update(cache->references, cache->users, cache->profiles);
	users_references_report(cache->references, problems);
	return problems;
}

/* Replace the problems of a table if it was read, or if they are those of a store file. */
static void set_problems(struct cache *cache, size_t part, bool was_read, struct problems *problems)
{
	if (was_read || cache->source != SOURCE_DATABASE)
		policy_problems_set(cache->policy_problems, part, problems);
	else
		problems_free(&problems);
}

/*
 * Return whether the JSON file must be written although its rows are right: what it has of the
 * server's state must be neither later than the rows in force nor from an earlier timeline.
 */
static bool outdates_file(const struct revision *now, const struct revision *before)
{
	return now->timeline != before->timeline || now->wal < before->wal ||
		strcmp(now->cluster, before->cluster) != 0;
}

/* The part of struct policy_problems in which a table's problems are. */
static const size_t problem_parts[FEED_TABLES] = {
	[FEED_PROFILES] = POLICY_PROBLEMS_PROFILES,
	[FEED_USERS] = POLICY_PROBLEMS_USERS,
};

static void log_loaded(const struct database_rows *loaded, bool is_same)
{
	struct strbuf names = STRBUF_INIT;
	size_t row_count = 0;
	char rows[32] = "";
	int table;

	for (table = 0; table < FEED_TABLES; table++) {
		if (loaded->tables[table].set == NULL)
			continue;
		strbuf_addf(&names, "%s%s", names.len > 0 ? "," : "", row_tables[table].name);
		row_count += loaded->tables[table].row_count;
	}
	if (row_count > 0)
		(void)snprintf(rows, sizeof(rows), " rows=%zu", row_count);
	log_event(LOG_LEVEL_INFO, "database loaded tables=%s because=%s%s took=%lldms%s",
		names.text != NULL ? names.text : "", loaded->why, rows, (long long)loaded->took,
		is_same ? " unchanged=yes" : "");
	strbuf_free(&names);
}

static void take_rows(void *context, struct database_rows *rows)
{
	struct cache *cache = context;
	const bool same = same_rows(cache, rows);
	const bool has_users = rows->tables[FEED_USERS].set != NULL;
	const size_t count = rows->tables[FEED_USERS].row_count;
	const bool must_write =
		!same || cache->file_is_behind || outdates_file(&rows->revision, &cache->revision);
	int table;

	log_loaded(rows, same);
	for (table = 0; table < FEED_TABLES; table++)
		set_problems(cache, problem_parts[table], rows->tables[table].set != NULL,
			rows->tables[table].problems);
	if (has_users)
		cache->replaced_rows += count > 0 ? count : TRIM_ROWS;
	replace_rows(cache, rows->tables[FEED_PROFILES].set, rows->tables[FEED_USERS].set);
	policy_problems_set(cache->policy_problems, POLICY_PROBLEMS_REFERENCES,
		check_references(cache));
	cache->source = SOURCE_DATABASE;
	cache->revision = rows->revision;
	cache->right.rows = rows->right_at;
	cache_publish(cache);
	cache_update_status(cache);
	if (must_write)
		cache_keep_store(cache);
}

static void confirm_rows(void *context, const struct revision *revision, time_t right_at)
{
	struct cache *cache = context;
	bool must_write = revision != NULL && outdates_file(revision, &cache->revision);

	if (cache->source != SOURCE_DATABASE)
		return;
	if (right_at != 0)
		cache->right.rows = right_at;
	if (revision != NULL)
		cache->revision = *revision;
	cache_update_status(cache);
	if (must_write)
		cache_keep_store(cache);
}

static const struct revision *revision_in_force(void *context)
{
	return &((struct cache *)context)->revision;
}

static struct row_context make_row_context(void *context)
{
	return (struct row_context){
		.rcpt_re_anchored = ((struct cache *)context)->config->settings->rcpt_re_anchored,
	};
}

static void update_status(void *context)
{
	cache_update_status(context);
}

struct database *cache_database_new(struct cache *cache, const struct pg_waiter *waiter)
{
	return database_new(&(struct database_owner){
		.waiter = *waiter,
		.context = cache,
		.set = set_in_force,
		.revision = revision_in_force,
		.row_context = make_row_context,
		.take = take_rows,
		.confirm = confirm_rows,
		.changed = update_status,
	});
}
