/*
 * The descriptors of the tables: each one's name, query, columns and builder. It owns nothing; the
 * builders belong to the thread that loads. Shown by t/integration/test_database.py.
 */
#include "milter/pg/row_tables.h"

#include "lib/auth/password.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"

/* ---- profiles ------------------------------------------------------------------- */

static void *begin_profiles(const struct row_context *context)
{
	return profiles_builder_new(context->rcpt_re_anchored);
}

static int add_profile(void *builder, const struct cell *row)
{
	return profiles_builder_add(builder, row);
}

static bool can_change_profiles(const void *set)
{
	return profiles_can_change(set);
}

static void *change_profiles(const struct row_context *context, void *set)
{
	return profiles_builder_change(set, context->rcpt_re_anchored);
}

static int remove_profile(void *builder, const char *id)
{
	profiles_builder_remove(builder, id);
	return 0;
}

static void report_profiles(const void *set, struct problems *problems)
{
	profiles_report(set, problems);
}

static void *finish_profiles(void *builder, const void *previous)
{
	struct profiles_builder *profiles = builder;

	return profiles_builder_finish(&profiles, previous);
}

static void cancel_profiles(void *builder)
{
	struct profiles_builder *profiles = builder;

	profiles_builder_free(&profiles);
}

static void *ref_profiles(void *set)
{
	return profiles_ref(set);
}

static void unref_profiles(void *set)
{
	struct profiles *profiles = set;

	profiles_unref(&profiles);
}

static size_t count_profiles(const void *set)
{
	return profiles_count(set);
}

static bool same_profiles(const void *a, const void *b)
{
	return profiles_same(a, b);
}

/* ---- users ---------------------------------------------------------------------- */

static void *begin_users(const struct row_context *context)
{
	struct users_builder *builder = users_builder_new();

	(void)context;
	if (builder == NULL)
		return NULL;
	users_builder_test_passwords(builder, password_usable_or_lock);
	users_builder_index_ids(builder);
	return builder;
}

static int add_user(void *builder, const struct cell *row)
{
	return users_builder_add(builder, row, NULL);
}

static bool can_change_users(const void *set)
{
	return users_can_change(set);
}

static void *change_users(const struct row_context *context, void *set)
{
	struct users_builder *builder = users_builder_change(set);

	(void)context;
	if (builder != NULL)
		users_builder_test_passwords(builder, password_usable_or_lock);
	return builder;
}

static int remove_user(void *builder, const char *id)
{
	return users_builder_remove(builder, id);
}

static void report_users(const void *set, struct problems *problems)
{
	users_report(set, problems);
}

/* Whether the users' profiles exist is checked when both are known. */
static void *finish_users(void *builder, const void *previous)
{
	struct users_builder *users = builder;

	return users_builder_finish(&users, previous, NULL, NULL);
}

static void cancel_users(void *builder)
{
	struct users_builder *users = builder;

	users_builder_free(&users);
}

static void *ref_users(void *set)
{
	return users_ref(set);
}

static void unref_users(void *set)
{
	struct users *users = set;

	users_unref(&users);
}

static size_t count_users(const void *set)
{
	return users_count(set);
}

static bool same_users(const void *a, const void *b)
{
	return users_same(a, b);
}

/* ---- the tables ----------------------------------------------------------------- */

const struct row_table row_tables[FEED_TABLES] = {
	[FEED_PROFILES] = {
		.name = "profiles",
		.query_key = "profiles_query",
		.query = offsetof(struct config_database, profiles_query),
		.columns = profile_columns,
		.column_count = PROFILE_COLUMNS,
		.key = PROFILE_ID,
		.begin = begin_profiles,
		.add = add_profile,
		.finish = finish_profiles,
		.cancel = cancel_profiles,
		.report = report_profiles,
		.can_change = can_change_profiles,
		.begin_change = change_profiles,
		.remove = remove_profile,
		.ref = ref_profiles,
		.unref = unref_profiles,
		.count = count_profiles,
		.is_same = same_profiles,
	},
	[FEED_USERS] = {
		.name = "users",
		.query_key = "users_query",
		.query = offsetof(struct config_database, users_query),
		.columns = user_columns,
		.column_count = USER_COLUMNS,
		.key = USER_ID,
		.begin = begin_users,
		.add = add_user,
		.finish = finish_users,
		.cancel = cancel_users,
		.report = report_users,
		.can_change = can_change_users,
		.begin_change = change_users,
		.remove = remove_user,
		.ref = ref_users,
		.unref = unref_users,
		.count = count_users,
		.is_same = same_users,
	},
};

const char *row_table_query(enum feed_table table, const struct config_database *config)
{
	return *(const char *const *)(const void *)((const char *)config + row_tables[table].query);
}
