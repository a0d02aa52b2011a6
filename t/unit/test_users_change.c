/*
 * Shows that a set of users that is changed row by row is the set that a builder makes of all rows,
 * with the same problems, that it shares the shards that did not change, and that comparing two
 * sets finds each user in which they differ.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/strbuf.h"
#include "lib/rules/users.h"
#include "lib/rules/users_compare.h"
#include "lib/rules/users_references.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/lib/users_dump.h"
#include "t/unit/unit.h"

#define IDS 40
#define PROFILES 4

/* A table of few ids and names, so that names collide and rows come back. "" as id: no such row. */
struct row {
	bool exists;
	char id[12], name[24], password[24], froms[64], profile_id[12], enabled[8];
};

static struct row table[IDS];
static bool profile_exists[PROFILES];
static unsigned seed, random_state;

static unsigned pick(unsigned count)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % count;
}

static int refuse_bad_hashes(const char *hash, struct errmsg *err)
{
	return hash[0] == 'b' ? errmsg_set(err, "not a hash") : 0;
}

/* Some names no login can have, and some only differ by case. */
static void change_row(struct row *row)
{
	static const char *const names[] = { "bob", "BOB", "alice", "Alice", "carol", "token:x", "",
		"dave\x01", "eve@example.com", "EVE@example.com", "f\xff" };
	static const char *const froms[] = { "", "a@example.com", "a@example.com,@example.org",
		"not an address", "x@example.com,y@@", "@b\303\274cher.example",
		"a@example.com,.example.net,<>" };
	static const char *const enabled[] = { "t", "f", "maybe", "true" };

	if (pick(4) > 0)
		(void)snprintf(row->name, sizeof(row->name), "user%u", pick(30));
	else
		(void)snprintf(row->name, sizeof(row->name), "%s", names[pick(11)]);
	(void)snprintf(row->password, sizeof(row->password), "%s%u", pick(8) == 0 ? "bad" : "$6$",
		pick(1000));
	(void)snprintf(row->froms, sizeof(row->froms), "%s", froms[pick(7)]);
	(void)snprintf(row->profile_id, sizeof(row->profile_id), "%u", pick(PROFILES + 1));
	(void)snprintf(row->enabled, sizeof(row->enabled), "%s",
		enabled[pick(10) == 0 ? 2 : pick(2)]);
}

static int add_row(struct users_builder *builder, const struct row *row)
{
	const struct cell cells[USER_COLUMNS] = {
		[USER_ID] = made_cell(row->id),
		[USER_NAME] = made_cell(row->name),
		[USER_PASSWORD] = made_cell(row->password),
		[USER_FROMS] = made_cell(row->froms),
		[USER_PROFILE_ID] = made_cell(row->profile_id),
		[USER_ENABLED] = made_cell(row->enabled),
	};

	return users_builder_add(builder, cells, NULL);
}

/* Build a set of all rows, in any order. */
static struct users *build_all(struct problems *problems)
{
	struct users_builder *builder = users_builder_new();
	const unsigned first = pick(IDS), step = 1 + 2 * pick(2) * 3; /* 1 or 7: prime to IDS */
	struct users *users;

	users_builder_index_ids(builder);
	users_builder_test_passwords(builder, refuse_bad_hashes);
	for (unsigned i = 0; i < IDS; i++) {
		const struct row *row = &table[(first + i * step) % IDS];

		if (row->exists)
			ck_assert_int_ge(add_row(builder, row), 0);
	}
	users = users_builder_finish(&builder, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(users);
	users_report(users, problems);
	return users;
}

static struct profiles *build_profiles(void)
{
	struct profiles_builder *builder = profiles_builder_new(false);
	char id[8];

	for (unsigned i = 0; i < PROFILES; i++) {
		struct cell cells[PROFILE_COLUMNS] = { { CELL_NULL, NULL, 0 } };

		(void)snprintf(id, sizeof(id), "%u", i);
		cells[PROFILE_ID] = cells[PROFILE_NAME] = made_cell(id);
		cells[PROFILE_OPEN] = made_cell("t");
		if (profile_exists[i])
			ck_assert_int_eq(profiles_builder_add(builder, cells), 1);
	}
	return profiles_builder_finish(&builder, NULL);
}

/* ---- dumps ---------------------------------------------------------------------- */

static void dump_problems(struct strbuf *text, const struct problems *problems)
{
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		const enum problem_level l = (enum problem_level)level;

		strbuf_addf(text, "level %d: %zu\n", level, problems_level_count(problems, l));
		for (size_t i = 0; i < problems_level_kept(problems, l); i++)
			strbuf_addf(text, "%d %s\n", level, problems_level_text(problems, l, i));
	}
}

static char *dump(const struct users *users, const struct problems *problems,
	const struct problems *references)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "count %zu bare %zu\n", users_count(users), users_count_bare(users));
	(void)users_each(users, users_dump_line, &text);
	dump_problems(&text, problems);
	dump_problems(&text, references);
	return users_dump_sort(&text);
}

static void check_same(struct users *users, struct users_references *references)
{
	struct problems *full_problems = problems_new_unlimited(),
			*problems = problems_new_unlimited(),
			*full_missing = problems_new_unlimited(),
			*missing = problems_new_unlimited();
	struct users_references *full_references = users_references_new();
	struct users *full = build_all(full_problems);
	struct profiles *profiles = build_profiles();
	char *expected, *got;

	users_references_update(full_references, full, profiles);
	users_references_report(full_references, full_missing);
	users_references_update(references, users, profiles);
	users_references_report(references, missing);
	users_report(users, problems);
	expected = dump(full, full_problems, full_missing);
	got = dump(users, problems, missing);
	if (strcmp(got, expected) != 0) /* too long for a message of Check */
		printf("changed:\n%sall rows:\n%s", got, expected);
	ck_assert_msg(strcmp(got, expected) == 0, "seed %u", seed);
	free(expected);
	free(got);
	users_unref(&full);
	profiles_unref(&profiles);
	users_references_free(&full_references);
	problems_free(&full_problems);
	problems_free(&problems);
	problems_free(&full_missing);
	problems_free(&missing);
}

/* ---- changes -------------------------------------------------------------------- */

/* Change some rows of the table, and the set likewise. Returns the new set. */
static struct users *change_some(struct users *users)
{
	struct users_builder *builder = users_builder_change(users);
	struct row *changed[8];
	unsigned count = 1 + pick(8);
	char old_id[8];
	struct users *new;

	users_builder_test_passwords(builder, refuse_bad_hashes);
	for (unsigned i = 0; i < count; i++) {
		changed[i] = &table[pick(IDS)];
		memcpy(old_id, changed[i]->id, sizeof(old_id));
		if (changed[i]->exists)
			ck_assert_int_eq(users_builder_remove(builder, old_id), 0);
		changed[i]->exists = pick(4) > 0;
		/* Now and then, a row gets another id, as long as ids are unique. */
		if (pick(4) == 0)
			(void)snprintf(changed[i]->id, sizeof(changed[i]->id), "%s%d",
				pick(2) == 0 ? "x" : "-", (int)(changed[i] - table));
		else
			(void)snprintf(changed[i]->id, sizeof(changed[i]->id), "%d",
				(int)(changed[i] - table));
		change_row(changed[i]);
		if (pick(8) == 0) /* a row that does not exist any more is no harm */
			ck_assert_int_eq(users_builder_remove(builder, "gone"), 0);
	}
	for (unsigned i = 0; i < count; i++) {
		bool is_done = false;

		for (unsigned k = 0; k < i; k++)
			is_done = is_done || changed[k] == changed[i];
		if (!is_done && changed[i]->exists)
			ck_assert_int_ge(add_row(builder, changed[i]), 0);
	}
	new = users_builder_finish(&builder, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(new);
	ck_assert(users_can_change(new));
	return new;
}

START_TEST(changed_rows_make_the_set_that_all_rows_make)
	{
		const unsigned changes = unit_times_or(100, 5);
		struct users_references *references = users_references_new();
		struct problems *problems = problems_new_unlimited();
		struct users *users, *new;

		random_state = seed = (unsigned)_i + 1;
		memset(table, 0, sizeof(table));
		for (unsigned i = 0; i < IDS; i++) {
			(void)snprintf(table[i].id, sizeof(table[i].id), "%u", i);
			table[i].exists = pick(2) == 0;
			change_row(&table[i]);
		}
		for (unsigned i = 0; i < PROFILES; i++)
			profile_exists[i] = pick(2) == 0;
		users = build_all(problems);
		for (unsigned i = 0; i < changes; i++) {
			new = change_some(users);
			if (pick(3) == 0)
				profile_exists[pick(PROFILES)] ^= true;
			check_same(new, references);
			users_unref(&users);
			users = new;
		}
		users_unref(&users);
		users_references_free(&references);
		problems_free(&problems);
	}
END_TEST

/* There are enough of them for two threads. */
START_TEST(each_of_many_users_without_a_profile_is_counted)
	{
		const int count = (int)unit_times_or(90000, 1000);
		struct users_references *references = users_references_new();
		struct users_builder *builder = users_builder_new();
		struct problems *problems = problems_new();
		struct row row = { .password = "$6$", .enabled = "t" };
		struct profiles *profiles;
		struct users *users;

		profile_exists[0] = true;
		profile_exists[1] = false;
		for (int i = 0; i < count; i++) {
			(void)snprintf(row.id, sizeof(row.id), "%d", i);
			(void)snprintf(row.name, sizeof(row.name), "user%d", i);
			(void)snprintf(row.froms, sizeof(row.froms),
				"user%d@one.example,user%d@another.example", i, i);
			(void)snprintf(row.profile_id, sizeof(row.profile_id), "%d", i % 3 == 0);
			ck_assert_int_ge(add_row(builder, &row), 0);
		}
		users = users_builder_finish(&builder, NULL, NULL, NULL);
		profiles = build_profiles();
		problems_begin(problems);
		users_references_update(references, users, profiles);
		users_references_report(references, problems);
		problems_end(problems, "users", "row");
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM), ((size_t)count + 2) / 3);
		users_unref(&users);
		profiles_unref(&profiles);
		users_references_free(&references);
		problems_free(&problems);
	}
END_TEST

/* ---- differences ---------------------------------------------------------------- */

/* A set to which the differences of two sets are applied, by the folded names of its users. */
struct followed {
	char *line[IDS]; /* users_dump_line(); NULL: none */
	unsigned reports;
};

static char *line_of(const struct user *user)
{
	struct strbuf line = STRBUF_INIT;

	(void)users_dump_line(&line, user);
	return strbuf_take(&line);
}

static int add_followed(void *context, const struct user *user)
{
	struct followed *followed = context;

	for (unsigned i = 0; i < IDS; i++) {
		if (followed->line[i] != NULL)
			continue;
		followed->line[i] = line_of(user);
		return 0;
	}
	return -1;
}

static int follow_change(void *context, const struct user *before, const struct user *now)
{
	struct followed *followed = context;
	char *line = before != NULL ? line_of(before) : NULL;
	unsigned i = 0;

	followed->reports++;
	ck_assert(before != NULL || now != NULL);
	if (line != NULL) {
		while (followed->line[i] == NULL || strcmp(followed->line[i], line) != 0) {
			i++;
			ck_assert_uint_lt(i, IDS);
		}
		free(followed->line[i]);
		followed->line[i] = NULL;
		free(line);
	}
	if (before != NULL && now != NULL)
		ck_assert_int_eq(strcasecmp(before->name, now->name), 0);
	return now != NULL ? add_followed(context, now) : 0;
}

static char *dump_followed(const struct followed *followed)
{
	struct strbuf text = STRBUF_INIT;

	for (unsigned i = 0; i < IDS; i++)
		if (followed->line[i] != NULL)
			strbuf_add_str(&text, followed->line[i]);
	return users_dump_sort(&text);
}

static char *dump_users(const struct users *users)
{
	struct strbuf text = STRBUF_INIT;

	(void)users_each(users, users_dump_line, &text);
	return users_dump_sort(&text);
}

static void clear_followed(struct followed *followed)
{
	for (unsigned i = 0; i < IDS; i++)
		free(followed->line[i]);
}

/* Compare two sets, apply the differences to the old one, and expect the new one. */
static void check_differences(const struct users *old, const struct users *new)
{
	struct followed followed = { { NULL }, 0 };
	char *got, *expected = dump_users(new);

	ck_assert_int_eq(users_each(old, add_followed, &followed), 0);
	ck_assert_int_eq(users_compare(old, new, follow_change, &followed), 0);
	got = dump_followed(&followed);
	ck_assert_str_eq(got, expected);
	free(got);
	free(expected);
	clear_followed(&followed);
}

START_TEST(comparing_finds_each_user_in_which_two_sets_differ)
	{
		struct problems *problems = problems_new_unlimited();
		struct followed none = { { NULL }, 0 };
		struct users *sets[3];

		random_state = seed = (unsigned)_i + 100;
		memset(table, 0, sizeof(table));
		for (unsigned i = 0; i < IDS; i++) {
			(void)snprintf(table[i].id, sizeof(table[i].id), "%u", i);
			table[i].exists = pick(2) == 0;
			change_row(&table[i]);
		}
		sets[0] = build_all(problems);
		for (unsigned i = 0; i < unit_times_or(50, 5); i++) {
			sets[1] = change_some(sets[0]);
			sets[2] = build_all(problems);
			check_differences(sets[0], sets[1]);
			check_differences(sets[2], sets[0]);
			ck_assert_int_eq(users_compare(sets[1], sets[2], follow_change, &none), 0);
			ck_assert_uint_eq(none.reports, 0);
			users_unref(&sets[0]);
			users_unref(&sets[2]);
			sets[0] = sets[1];
		}
		users_unref(&sets[0]);
		problems_free(&problems);
	}
END_TEST

/* ---- sharing -------------------------------------------------------------------- */

static void number_row(struct row *row, int i)
{
	*row = (struct row){ .exists = true, .froms = "", .profile_id = "1", .enabled = "t" };
	(void)snprintf(row->id, sizeof(row->id), "%d", i);
	(void)snprintf(row->name, sizeof(row->name), "user%d", i);
	(void)snprintf(row->password, sizeof(row->password), "$6$%d", i);
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

START_TEST(a_change_shares_all_other_shards)
	{
		const int count = (int)unit_times_or(20000, 5000);
		struct users_builder *builder = users_builder_new();
		struct users *users, *new, *same;
		size_t shared = 0, bytes;
		void *context[2] = { NULL, &shared };
		struct user user;
		struct row row;

		users_builder_index_ids(builder);
		for (int i = 0; i < count; i++) {
			number_row(&row, i);
			ck_assert_int_eq(add_row(builder, &row), 1);
		}
		users = users_builder_finish(&builder, NULL, NULL, NULL);
		number_row(&row, 1234);
		builder = users_builder_change(users);
		ck_assert_int_eq(add_row(builder, &row), 1);
		same = users_builder_finish(&builder, NULL, NULL, NULL);
		ck_assert(users_same(users, same));
		row.enabled[0] = 'f';
		builder = users_builder_change(users);
		ck_assert_int_eq(add_row(builder, &row), 1);
		new = users_builder_finish(&builder, NULL, NULL, NULL);
		ck_assert(!users_same(users, new));
		context[0] = users;
		(void)users_each(new, count_shared, context);
		ck_assert_uint_lt(shared, count);
		ck_assert_uint_gt(shared, (size_t)count - 100); /* all but one of 4096 shards */
		bytes = users_bytes(new);
		ck_assert_uint_eq(bytes, users_bytes(users));
		ck_assert(users_find(users, "user1234", 8, &user));
		ck_assert(user.enabled);
		users_unref(&users);
		users_unref(&same);
		ck_assert(users_find(new, "USER1234", 8, &user));
		ck_assert(!user.enabled);
		ck_assert(users_find(new, "user4321", 8, &user));
		ck_assert_uint_eq(users_count(new), count);
		users_unref(&new);
	}
END_TEST

/* Without an index, or where domains were left out because of other rows, no row can be changed. */
START_TEST(a_set_may_not_be_changeable)
	{
		struct users_builder *builder = users_builder_new();
		struct users *users = users_builder_finish(&builder, NULL, NULL, NULL);
		static char froms[200 << 10];
		const int count = (int)unit_times_or(13, 1);
		const size_t size = unit_times_or(sizeof(froms), 20 << 10);
		struct row row;

		ck_assert(!users_can_change(users));
		users_unref(&users);
		for (size_t i = 0; i + 9 < size; i += 9)
			memcpy(froms + i, "@\xc3\xbc\xc3\xbc.de,", 9);
		builder = users_builder_new();
		users_builder_index_ids(builder);
		for (int i = 0; i < count; i++) {
			struct cell cells[USER_COLUMNS];

			number_row(&row, i);
			for (int column = 0; column < USER_COLUMNS; column++)
				cells[column] = made_cell(NULL);
			cells[USER_ID] = made_cell(row.id);
			cells[USER_NAME] = made_cell(row.name);
			cells[USER_FROMS] = made_cell(froms);
			ck_assert_int_eq(users_builder_add(builder, cells, NULL), 1);
			if (i == 0 || i == 12) {
				users = users_builder_finish(&builder, NULL, NULL, NULL);
				ck_assert_int_eq(users_can_change(users), i == 0);
				users_unref(&users);
				builder = users_builder_new();
				users_builder_index_ids(builder);
			}
		}
		users_builder_free(&builder);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("users_change");
	TCase *tcase = tcase_create("users_change");

	tcase_add_loop_test(tcase, changed_rows_make_the_set_that_all_rows_make, 0, 4);
	tcase_add_loop_test(tcase, comparing_finds_each_user_in_which_two_sets_differ, 0, 4);
	tcase_add_test(tcase, each_of_many_users_without_a_profile_is_counted);
	tcase_add_test(tcase, a_change_shares_all_other_shards);
	tcase_add_test(tcase, a_set_may_not_be_changeable);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
