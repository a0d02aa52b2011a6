/*
 * Builds profiles and users from the rows of their queries. It owns the builders during the call;
 * the rows arrive on line_worker's thread. Shown by t/integration/test_database.py.
 */
#include "milter/pg/pg_load.h"

#include "lib/auth/password.h"
#include "milter/pg/pg_table.h"

/* The builders that receive the rows of a table; one of them is set. */
struct loading {
	struct profiles_builder *profiles;
	struct users_builder *users;
	struct problems *problems;
};

static int add_profile(void *context, const struct cell *row)
{
	struct loading *loading = context;

	return profiles_builder_add(loading->profiles, row, loading->problems) < 0 ? -1 : 0;
}

static int add_user(void *context, const struct cell *row)
{
	struct loading *loading = context;

	return users_builder_add(loading->users, row, loading->problems) < 0 ? -1 : 0;
}

enum pg_outcome pg_load_profiles(struct pg *pg, const struct pg_load *load,
	struct profiles **profiles_r)
{
	struct loading loading = {
		.profiles = profiles_builder_new(load->rcpt_re_anchored),
		.problems = load->problems,
	};
	const struct pg_table table = {
		.name = "profiles_query",
		.query = pg->config->database.profiles_query,
		.columns = profile_columns,
		.column_count = PROFILE_COLUMNS,
		.problems = load->problems,
		.take = add_profile,
		.context = &loading,
	};
	struct profiles *profiles;
	enum pg_outcome outcome;

	if (loading.profiles == NULL)
		return pg_fail(pg, "out of memory");
	problems_begin(load->problems);
	outcome = pg_table_read(pg, &table);
	problems_end(load->problems, "profiles", "row");
	if (outcome != PG_OK) {
		profiles_builder_free(&loading.profiles);
		return outcome;
	}
	if ((profiles = profiles_builder_finish(&loading.profiles, load->previous_profiles,
		     load->problems)) == NULL)
		return pg_fail(pg, "out of memory");
	*profiles_r = profiles;
	return PG_OK;
}

enum pg_outcome pg_load_users(struct pg *pg, const struct pg_load *load, struct users **users_r)
{
	struct loading loading = { .users = users_builder_new(), .problems = load->problems };
	const struct pg_table table = {
		.name = "users_query",
		.query = pg->config->database.users_query,
		.columns = user_columns,
		.column_count = USER_COLUMNS,
		.problems = load->problems,
		.take = add_user,
		.context = &loading,
	};
	struct users *users;
	enum pg_outcome outcome;

	if (loading.users == NULL)
		return pg_fail(pg, "out of memory");
	users_builder_test_passwords(loading.users, password_usable_or_lock);
	problems_begin(load->problems);
	outcome = pg_table_read(pg, &table);
	if (outcome != PG_OK) {
		users_builder_free(&loading.users);
		return outcome;
	}
	users_builder_part_references(loading.users, load->references);
	users = users_builder_finish(&loading.users, load->previous, load->profiles,
		load->problems);
	problems_end(load->problems, "users", "row");
	if (users == NULL)
		return pg_fail(pg, "out of memory");
	*users_r = users;
	return PG_OK;
}
