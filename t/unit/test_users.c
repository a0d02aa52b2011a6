/*
 * Shows that sets of users find every login, share
 * unchanged shards, and report missing profiles.
 */
#include "lib/rules/users.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/rules/users_references.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
}

static void teardown(void)
{
	made_end(&m);
}

static const struct {
	const char *ids[2];
	int stays; /* the one that stays */
	const char *problem;
} twins[] = {
	{ { "1", "2" }, 1,
		"users id 1 (bob): this row is left out, because the row with id 2 has the same username" },
	{ { "2", "1" }, 0,
		"users id 1 (BOB): this row is left out, because the row with id 2 has the same username" },
	{ { "9", "10" }, 1,
		"users id 9 (bob): this row is left out, because the row with id 10 has the same username" },
	{ { "10", "9" }, 0,
		"users id 9 (BOB): this row is left out, because the row with id 10 has the same username" },
	{ { "a", "b" }, 1,
		"users id a (bob): this row is left out, because the row with id b has the same username" },
	{ { "b", "a" }, 0,
		"users id a (BOB): this row is left out, because the row with id b has the same username" },
	{ { "5", "5" }, 1,
		"users id 5 (bob): two rows have this id and this username; the first one is left out" },
	{ { NULL, "5" }, 1,
		"users id  (bob): this row is left out, because the row with id 5 has the same username" },
};
START_TEST(of_two_rows_with_one_name_the_later_id_stays)
	{
		static const char *const names[] = { "bob", "BOB" };
		struct users *users;
		struct user user;
		int i;

		for (i = 0; i < 2; i++) {
			struct made_user row = { .id = twins[_i].ids[i], .name = names[i] };

			ck_assert_int_eq(made_user(&m, &row), 1);
		}
		users = made_users(&m, NULL);
		ck_assert_uint_eq(users_count(users), 1);
		ck_assert(users_find(users, "bob", 3, &user));
		ck_assert_str_eq(user.name, names[twins[_i].stays]);
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0), twins[_i].problem);
		users_unref(&users);
	}
END_TEST

START_TEST(a_missing_profile_is_reported)
	{
		static const struct made_profile profiles[] = {
			{ "1", "good", "t", .maxsize = "0" }, { "2", "bad", "t", .maxsize = "-1" }
		};
		static const struct made_user rows[] = { { "1", "a", .profile_id = "1" },
			{ "2", "b", .profile_id = "2" }, { "3", "c", .profile_id = "9" },
			{ "4", "d", .profile_id = NULL } };
		size_t i;

		for (i = 0; i < 2; i++)
			(void)made_profile(&m, &profiles[i]);
		for (i = 0; i < 4; i++)
			ck_assert_int_eq(made_user(&m, &rows[i]), 1);
		made_build(&m);
		ck_assert_uint_eq(problems_count(m.problems), 3);
		for (i = 1; i < 3; i++) {
			const char *text = problems_text(m.problems, i);

			ck_assert_str_eq(text,
				text[9] == '2' ?
					"users id 2 (b): there is no profile with id 2 (its "
					"row was left out)" :
					"users id 3 (c): there is no profile with id 9");
		}
	}
END_TEST

START_TEST(users_may_be_checked_against_other_profiles)
	{
		static const struct made_user row = { "1", "a", .profile_id = "1" };
		static const struct made_profile profile = { "1", "good", "t", .maxsize = "0" };
		struct users_references *references = users_references_new();
		struct users *users;

		ck_assert_int_eq(made_user(&m, &row), 1);
		users = made_users(&m, NULL);
		made_build(&m); /* without profiles and users */
		users_references_update(references, users, m.parts.profiles);
		users_references_report(references, m.problems);
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"users id 1 (a): there is no profile with id 1");
		made_end(&m);
		made_begin(&m);
		ck_assert_int_eq(made_profile(&m, &profile), 1);
		made_build(&m);
		users_references_update(references, users, m.parts.profiles);
		users_references_report(references, m.problems);
		ck_assert_uint_eq(problems_count(m.problems), 0);
		users_references_free(&references);
		users_unref(&users);
	}
END_TEST

static void add_many(int count, int changed)
{
	char id[16], name[32];
	int i;

	for (i = 0; i < count; i++) {
		struct made_user row = { .id = id,
			.name = name,
			.profile_id = i == changed ? "2" : "1" };

		(void)snprintf(id, sizeof(id), "%d", i);
		(void)snprintf(name, sizeof(name), "user%d", i);
		ck_assert_int_eq(made_user(&m, &row), 1);
	}
}

static int count_shared(void *context, const struct user *user)
{
	const struct users *other = ((void **)context)[0];
	size_t *shared = ((void **)context)[1];
	struct user theirs;

	if (users_find(other, user->name, strlen(user->name), &theirs) && theirs.name == user->name)
		++*shared;
	return 0;
}

/* A new set shares all shards of the old one except the changed one. */
START_TEST(a_new_set_shares_the_shards_that_did_not_change)
	{
		const int count = (int)unit_times_or(20000, 5000);
		struct users *first, *second, *third;
		size_t shared = 0;
		void *context[2] = { NULL, &shared };
		struct user user;

		add_many(count, -1);
		first = made_users(&m, NULL);
		add_many(count, -1);
		second = made_users(&m, first);
		context[0] = first;
		ck_assert_int_eq(users_each(second, count_shared, context), 0);
		ck_assert_uint_eq(shared, count);
		ck_assert(users_same(first, second));
		add_many(count, 1234);
		third = made_users(&m, second);
		shared = 0;
		ck_assert_int_eq(users_each(third, count_shared, context), 0);
		ck_assert_uint_lt(shared, count); /* all but one of 4096 shards */
		ck_assert_uint_gt(shared, (size_t)count - 100);
		ck_assert(!users_same(second, third));
		users_unref(&first);
		users_unref(&second);
		ck_assert(users_find(third, "user1234", 8, &user));
		ck_assert_str_eq(user.profile_id, "2");
		ck_assert(users_find(third, "USER4999", 8, &user));
		ck_assert_str_eq(user.profile_id, "1");
		users_unref(&third);
	}
END_TEST

/* Rows may arrive in another order (PostgreSQL guarantees none). */
START_TEST(rows_in_another_order_are_the_same_rows)
	{
		struct users *first, *second;
		size_t shared = 0;
		void *context[2] = { NULL, &shared };
		const int count = (int)unit_times_or(20000, 5000);
		char id[16], name[32];
		int i;

		add_many(count, -1);
		first = made_users(&m, NULL);
		for (i = count - 1; i >= 0; i--) {
			struct made_user row = { .id = id, .name = name, .profile_id = "1" };

			(void)snprintf(id, sizeof(id), "%d", i);
			(void)snprintf(name, sizeof(name), "user%d", i);
			ck_assert_int_eq(made_user(&m, &row), 1);
		}
		second = made_users(&m, first);
		context[0] = first;
		(void)users_each(second, count_shared, context);
		ck_assert_uint_eq(shared, count);
		users_unref(&first);
		users_unref(&second);
	}
END_TEST

static int stop_at_third(void *context, const struct user *user)
{
	(void)user;
	return ++*(int *)context == 3 ? 42 : 0;
}

START_TEST(a_walk_stops_when_each_asks_for_it)
	{
		struct users *users;
		int seen = 0;

		add_many(10, -1);
		users = made_users(&m, NULL);
		ck_assert_int_eq(users_each(users, stop_at_third, &seen), 42);
		ck_assert_int_eq(seen, 3);
		users_unref(&users);
	}
END_TEST

#define NAMES 400

/* Any password but a locked one. */
static int refuse_locked(const char *hash, struct errmsg *err)
{
	return hash[0] == '!' ? errmsg_set(err, "locked") : 0;
}

/* Make users with these rows, as another process would, and pick one for each of the names. */
static void pick_all(int rows, char kind, char picked_r[NAMES][16])
{
	static uint8_t process;
	const uint8_t key[16] = { ++process };
	char id[16], name[16], password[32], asked[16];
	struct users *users;
	struct user user;

	made_end(&m);
	hash_set_key(key);
	made_begin(&m);
	for (int i = 1; i <= rows; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		(void)snprintf(name, sizeof(name), "user%d", i);
		(void)snprintf(password, sizeof(password), "%c%d", i % 3 == 0 ? '!' : kind, i);
		(void)made_user(&m,
			&(struct made_user){ .id = id, .name = name, .password = password });
	}
	users = made_users(&m, NULL);
	for (int i = 0; i < NAMES; i++) {
		(void)snprintf(asked, sizeof(asked), "Nobody%d", i);
		ck_assert(users_pick(users, asked, strlen(asked), refuse_locked, &user));
		ck_assert_int_ne(user.password[0], '!');
		(void)snprintf(picked_r[i], 16, "%s", user.name);
		asked[0] = 'n';
		ck_assert(users_pick(users, asked, strlen(asked), refuse_locked, &user));
		ck_assert_str_eq(picked_r[i], user.name);
	}
	users_unref(&users);
}

static int count_changed(char before[NAMES][16], char after[NAMES][16])
{
	int changed = 0;

	for (int i = 0; i < NAMES; i++)
		changed += strcmp(before[i], after[i]) != 0;
	return changed;
}

/* The rows, and the names whose user may change if there is one more. */
static const struct {
	int rows, changed;
} picks[] = { { 1, NAMES }, { 4, NAMES / 2 }, { 40, NAMES / 10 }, { 400, NAMES / 20 } };
START_TEST(picks_one_user_for_a_name_in_every_process)
	{
		static char first[NAMES][16], again[NAMES][16], more[NAMES][16], other[NAMES][16];

		pick_all(picks[_i].rows, 'a', first);
		pick_all(picks[_i].rows, 'a', again);
		ck_assert_int_eq(count_changed(first, again), 0);
		pick_all(picks[_i].rows + 1, 'a', more);
		ck_assert_int_le(count_changed(first, more), picks[_i].changed);
		pick_all(picks[_i].rows, 'b', other); /* the passwords determine it */
		if (picks[_i].rows > 1)
			ck_assert_int_gt(count_changed(first, other), NAMES / 4);
	}
END_TEST

/* Adjacent names have different users, so that none tells another's. */
START_TEST(picks_each_user_for_some_names)
	{
		static char picked[NAMES][16];
		int counts[8] = { 0 };

		pick_all(8, 'a', picked);
		for (int i = 0; i < NAMES; i++)
			counts[picked[i][4] - '1']++;
		for (int i = 0; i < 8; i++) /* 3 and 6 are locked */
			ck_assert_msg(i % 3 == 2 ? counts[i] == 0 : counts[i] > NAMES / 12,
				"%d for %d", counts[i], i);
	}
END_TEST

START_TEST(picks_nobody_without_a_password)
	{
		struct users *users = made_users(&m, NULL);
		struct user user;

		ck_assert(!users_pick(users, "eve", 3, refuse_locked, &user));
		users_unref(&users);
		(void)made_user(&m,
			&(struct made_user){ .id = "1", .name = "bob", .password = "!" });
		users = made_users(&m, NULL);
		ck_assert(!users_pick(users, "eve", 3, refuse_locked, &user));
		users_unref(&users);
	}
END_TEST

START_TEST(a_set_lives_until_its_last_reference_goes)
	{
		struct users *users, *other, *none = NULL;
		struct user user;

		add_many(10, -1);
		users = made_users(&m, NULL);
		other = users_ref(users);
		users_unref(&users);
		ck_assert(users_find(other, "user9", 5, &user));
		users_unref(&other);
		users_unref(&none);
		ck_assert_ptr_null(users_ref(NULL));
	}
END_TEST

/* A million rows like those of a mail provider; prints the memory beyond their text. */
START_TEST(a_million_users)
	{
		const int count = (int)unit_times_plain(1000000, 20000);
		char id[16], name[48], froms[80], password[128];
		struct made_user row = { id, name, password, froms, "7", NULL };
		struct users *users;
		struct user user;
		size_t text = 0;
		int i;

		memset(password, 'h', 106);
		memcpy(password, "$6$", 3);
		password[106] = '\0';
		for (i = 0; i < count; i++) {
			(void)snprintf(id, sizeof(id), "%d", i);
			(void)snprintf(name, sizeof(name), "user%d@example%d.com", i, i % 100);
			(void)snprintf(froms, sizeof(froms),
				"user%d@example%d.com,alias%d@example.net", i, i % 100, i);
			text += strlen(id) + strlen(name) + strlen(froms) + strlen(password) + 1;
			ck_assert_int_eq(made_user(&m, &row), 1);
		}
		users = made_users(&m, NULL);
		ck_assert_uint_eq(users_count(users), count);
		printf("%d users of %.1f bytes: %.1f bytes per user beyond their text\n", count,
			(double)text / count, ((double)users_bytes(users) - (double)text) / count);
		for (i = 0; i < count; i += 7) {
			(void)snprintf(name, sizeof(name), "User%d@Example%d.COM", i, i % 100);
			ck_assert(users_find(users, name, strlen(name), &user));
			ck_assert_int_eq(strtol(user.id, NULL, 10), i);
			(void)snprintf(name, sizeof(name), "user%d@example%d.com", i, 100);
			ck_assert(!users_find(users, name, strlen(name), &user));
		}
		ck_assert_uint_eq(problems_count(m.problems), 0);
		users_unref(&users);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("users");
	TCase *tcase = tcase_create("users");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, of_two_rows_with_one_name_the_later_id_stays, 0, ROWS(twins));
	tcase_add_test(tcase, a_missing_profile_is_reported);
	tcase_add_test(tcase, users_may_be_checked_against_other_profiles);
	tcase_add_test(tcase, a_new_set_shares_the_shards_that_did_not_change);
	tcase_add_test(tcase, rows_in_another_order_are_the_same_rows);
	tcase_add_test(tcase, a_walk_stops_when_each_asks_for_it);
	tcase_add_loop_test(tcase, picks_one_user_for_a_name_in_every_process, 0,
		(int)(sizeof(picks) / sizeof(picks[0])));
	tcase_add_test(tcase, picks_each_user_for_some_names);
	tcase_add_test(tcase, picks_nobody_without_a_password);
	tcase_add_test(tcase, a_set_lives_until_its_last_reference_goes);
	tcase_add_test(tcase, a_million_users);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
