/*
 * Shows that a file with its journal has the rows that the file alone would have: after random
 * changes of users and profiles, with the file written anew now and then, and with the journal cut
 * at any byte. POSTERN_JOURNAL_STEPS sets the number of random changes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/journal_file.h"
#include "lib/store/store_changes.h"
#include "lib/store/store_journal.h"
#include "lib/store/store_text.h"
#include "lib/store/store_write.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/lib/users_dump.h"
#include "t/unit/unit.h"

#define USERS 60
#define PROFILES 6
#define STEPS 400
#define LINES_MAX 100000

static char folder[] = "/tmp/test_store_changes.XXXXXX";
static struct errmsg err;
static unsigned random_state;

struct user_row {
	bool exists;
	char id[8], name[32], password[24], froms[64], profile_id[8], enabled[8];
};

struct profile_row {
	bool exists;
	char id[8], name[16], open[8], host[32], limits[16], desc[32];
};

static struct user_row user_rows[USERS];
static struct profile_row profile_rows[PROFILES];

static unsigned pick(unsigned count)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % count;
}

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static void teardown(void)
{
	static const char *const names[] = { "s", "s.prev", "s.journal", "s.prev.journal",
		"s.new" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(names[i]);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- the tables ----------------------------------------------------------------- */

static void change_user(struct user_row *row)
{
	static const char *const names[] = { "bob", "BOB", "Alice", "alice", "token:x", "",
		"eve@example.com", "quote\"d\\", "f\xff", "b\303\274cher", "{\"id\":1}" };
	static const char *const froms[] = { "", "a@example.com", "a@example.com,@example.org",
		"not an address", "@b\303\274cher.example", "\"a b\"@example.com,.example.net" };
	static const char *const enabled[] = { "t", "f", "maybe" };

	row->exists = pick(4) > 0;
	if (pick(3) > 0)
		(void)snprintf(row->name, sizeof(row->name), "user%u", pick(40));
	else
		(void)snprintf(row->name, sizeof(row->name), "%s", names[pick(11)]);
	(void)snprintf(row->password, sizeof(row->password), "$6$a$%u\n\"", pick(1000));
	(void)snprintf(row->froms, sizeof(row->froms), "%s", froms[pick(6)]);
	(void)snprintf(row->profile_id, sizeof(row->profile_id), "%u", pick(PROFILES + 2));
	(void)snprintf(row->enabled, sizeof(row->enabled), "%s", enabled[pick(3)]);
}

/* Some profiles are bad, and some share a name. */
static void change_profile(struct profile_row *row)
{
	row->exists = pick(4) > 0;
	if (pick(8) == 0)
		(void)snprintf(row->name, sizeof(row->name), "same");
	else
		(void)snprintf(row->name, sizeof(row->name), "p%s", row->id);
	(void)snprintf(row->open, sizeof(row->open), "%s", pick(6) == 0 ? "maybe" : "t");
	(void)snprintf(row->host, sizeof(row->host), "host%u.example", pick(100));
	(void)snprintf(row->limits, sizeof(row->limits), "%u/1h", 1 + pick(50));
	(void)snprintf(row->desc, sizeof(row->desc), "a \"%u\"\n\\", pick(9));
}

static void change_rows(void)
{
	for (unsigned i = pick(6); i > 0; i--)
		change_user(&user_rows[pick(USERS)]);
	if (pick(4) == 0)
		change_profile(&profile_rows[pick(PROFILES)]);
}

static struct profiles *build_profiles(void)
{
	struct profiles_builder *builder = profiles_builder_new(false);

	for (unsigned i = 0; i < PROFILES; i++) {
		const struct profile_row *row = &profile_rows[i];
		struct cell cells[PROFILE_COLUMNS] = { { CELL_NULL, NULL, 0 } };

		cells[PROFILE_ID] = made_cell(row->id);
		cells[PROFILE_NAME] = made_cell(row->name);
		cells[PROFILE_OPEN] = made_cell(row->open);
		cells[PROFILE_HOST] = made_cell(row->host);
		cells[PROFILE_LIMITS] = made_cell(row->limits);
		cells[PROFILE_DESC] = made_cell(row->desc);
		if (row->exists)
			ck_assert_int_ge(profiles_builder_add(builder, cells), 0);
	}
	return profiles_builder_finish(&builder, NULL);
}

static struct users *build_users(const struct users *previous)
{
	struct users_builder *builder = users_builder_new();

	for (unsigned i = 0; i < USERS; i++) {
		const struct user_row *row = &user_rows[i];
		const struct cell cells[USER_COLUMNS] = {
			[USER_ID] = made_cell(row->id),
			[USER_NAME] = made_cell(row->name),
			[USER_PASSWORD] = made_cell(row->password),
			[USER_FROMS] = made_cell(row->froms),
			[USER_PROFILE_ID] = made_cell(row->profile_id),
			[USER_ENABLED] = made_cell(row->enabled),
		};

		if (row->exists)
			ck_assert_int_ge(users_builder_add(builder, cells, NULL), 0);
	}
	return users_builder_finish(&builder, previous, NULL, NULL);
}

static void begin_tables(unsigned seed)
{
	random_state = seed;
	for (unsigned i = 0; i < USERS; i++) {
		(void)snprintf(user_rows[i].id, sizeof(user_rows[i].id), "%u", i);
		change_user(&user_rows[i]);
	}
	for (unsigned i = 0; i < PROFILES; i++) {
		(void)snprintf(profile_rows[i].id, sizeof(profile_rows[i].id), "%u", i);
		change_profile(&profile_rows[i]);
	}
}

/* Make the store of the present tables, which shares with an earlier one. */
static struct store make_store(const struct store *previous, unsigned step)
{
	struct store store = { .profiles = build_profiles(),
		.users = build_users(previous->users) };

	ck_assert_int_gt(asprintf(&store.revision, "revision %u", step), 0);
	store.written = 1700000000 + step;
	return store;
}

/* ---- dumps ---------------------------------------------------------------------- */

static int dump_bad(void *text, const char *id, size_t len)
{
	store_text_bad_profile(text, id, len);
	strbuf_add_char(text, '\n');
	return 0;
}

static int dump_user(void *text, const struct user *user)
{
	store_text_user(text, user);
	strbuf_add_char(text, '\n');
	return 0;
}

static char *dump(const struct store *store)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s %lld, %zu users\n", store->revision, (long long)store->written,
		users_count(store->users));
	for (size_t i = 0; i < profiles_count(store->profiles); i++) {
		const struct profile *profile = profiles_at(store->profiles, i);

		strbuf_addf(&text, "%s %d ", profile_name(profile),
			profiles_by_name(store->profiles, profile_name(profile)) == profile);
		store_text_profile(&text, profile);
		strbuf_add_char(&text, '\n');
	}
	(void)profiles_each_bad(store->profiles, dump_bad, &text);
	(void)users_each(store->users, dump_user, &text);
	return users_dump_sort(&text);
}

/* Read the file with its journal: the dump of its rows. */
static char *dump_files(void)
{
	const struct store_source source = { 0 };
	struct store store = { 0 };
	char *text;

	if (store_read("s", &source, &store, &err) != STORE_READ)
		ck_abort_msg("%s", err.text);
	text = dump(&store);
	store_clear(&store);
	return text;
}

static void check_files(const struct store *want)
{
	char *have = dump_files(), *should = dump(want);

	ck_assert_str_eq(have, should);
	free(have);
	free(should);
}

/* ---- tests ---------------------------------------------------------------------- */

static unsigned count_steps(void)
{
	const char *steps = getenv("POSTERN_JOURNAL_STEPS");

	return steps != NULL ? (unsigned)strtoul(steps, NULL, 10) : unit_times(STEPS);
}

/* Append the change to the journal. Returns whether it could be described. */
static bool append(struct store_base *base, const struct store *from, const struct store *to)
{
	struct strbuf lines = STRBUF_INIT;
	bool is_described = store_changes_add(&lines, from, to, LINES_MAX) == 0;

	if (is_described) {
		store_changes_end(&lines, to);
		if (journal_file_append("s", base, lines.text, lines.len, &err) != JOURNAL_APPENDED)
			ck_abort_msg("%s", err.text);
	}
	strbuf_free(&lines);
	return is_described;
}

/* The end of the journal as another process sees it. */
static struct store_base read_base(void)
{
	const struct store_source source = { 0 };
	struct store store = { 0 };
	struct store_base base;

	ck_assert_int_eq(store_read("s", &source, &store, &err), STORE_READ);
	base = store.base;
	store_clear(&store);
	return base;
}

START_TEST(a_file_and_its_journal_have_the_rows_of_the_file_alone)
	{
		struct store now = { 0 }, next;
		struct store_base base = { .checksum = "" };
		unsigned written = 0, steps = count_steps();

		begin_tables((unsigned)_i + 1);
		now = make_store(&now, 0);
		ck_assert_int_eq(store_write("s", &now, &base, NULL, &err), 0);
		for (unsigned step = 1; step <= steps; step++) {
			change_rows();
			next = make_store(&now, step);
			if (pick(30) == 0) {
				ck_assert_int_eq(store_write("s", &next, &base, NULL, &err), 0);
				written++;
			} else {
				ck_assert(append(&base, &now, &next));
			}
			check_files(&next);
			if (pick(10) == 0)
				base = read_base(); /* the process was started again */
			store_clear(&now);
			now = next;
		}
		ck_assert_uint_lt(written, steps);
		store_clear(&now);
	}
END_TEST

/* Cut the journal at each byte: the rows are those of the last change that is whole, and the next
 * change can be appended. */
START_TEST(a_journal_that_was_cut_has_the_changes_before_the_cut)
	{
		struct store states[4] = { { 0 } };
		struct store_base base = { .checksum = "" };
		uint64_t ends[4] = { 0 };
		char *wants[4], *have;
		const unsigned step = unit_times_or(1, 13);
		unsigned changes = 0;

		begin_tables(7);
		states[0] = make_store(&states[0], 0);
		ck_assert_int_eq(store_write("s", &states[0], &base, NULL, &err), 0);
		for (unsigned i = 1; i < 4; i++) {
			do {
				store_clear(&states[i]);
				change_rows();
				states[i] = make_store(&states[i - 1], i);
			} while (!append(&base, &states[i - 1], &states[i]));
			ends[i] = base.end.len;
		}
		for (unsigned i = 0; i < 4; i++)
			wants[i] = dump(&states[i]);
		for (uint64_t len = base.end.len; len-- > 0;) {
			struct store_base cut;

			if (len % step != 0)
				continue;
			ck_assert_int_eq(truncate("s.journal", (off_t)len), 0);
			changes = 3;
			while (changes > 0 && ends[changes] > len)
				changes--;
			have = dump_files();
			ck_assert_str_eq(have, wants[changes]);
			free(have);
			if (len % 50 != 0)
				continue;
			cut = read_base();
			if (!append(&cut, &states[changes], &states[3]))
				continue;
			check_files(&states[3]);
		}
		for (unsigned i = 0; i < 4; i++) {
			free(wants[i]);
			store_clear(&states[i]);
		}
	}
END_TEST

/* Change each byte of the journal: no change after it is in force, and none is half in force. */
START_TEST(a_journal_that_was_altered_has_the_changes_before_that)
	{
		struct store states[3] = { { 0 } };
		struct store_base base = { .checksum = "" };
		char *wants[3], *have, *text = NULL;
		size_t len = 0;

		begin_tables(11);
		states[0] = make_store(&states[0], 0);
		ck_assert_int_eq(store_write("s", &states[0], &base, NULL, &err), 0);
		for (unsigned i = 1; i < 3; i++) {
			do {
				store_clear(&states[i]);
				change_rows();
				states[i] = make_store(&states[i - 1], i);
			} while (!append(&base, &states[i - 1], &states[i]));
		}
		for (unsigned i = 0; i < 3; i++)
			wants[i] = dump(&states[i]);
		ck_assert_int_eq(file_read("s.journal", 1 << 20, &text, &len, NULL, &err),
			FILE_READ);
		for (size_t at = 0; at < len; at += unit_times_or(1, 17)) {
			FILE *f = fopen("s.journal", "r+");

			ck_assert_ptr_nonnull(f);
			ck_assert_int_eq(fseek(f, (long)at, SEEK_SET), 0);
			ck_assert_int_ne(fputc(text[at] ^ (1 << pick(8)), f), EOF);
			ck_assert_int_eq(fclose(f), 0);
			have = dump_files();
			ck_assert(strcmp(have, wants[0]) == 0 || strcmp(have, wants[1]) == 0);
			free(have);
			f = fopen("s.journal", "w");
			ck_assert_uint_eq(fwrite(text, 1, len, f), len);
			ck_assert_int_eq(fclose(f), 0);
		}
		have = dump_files();
		ck_assert_str_eq(have, wants[2]);
		free(have);
		free(text);
		for (unsigned i = 0; i < 3; i++) {
			free(wants[i]);
			store_clear(&states[i]);
		}
	}
END_TEST

/* A changed row costs its own size and little more, whatever the number of rows. */
START_TEST(few_more_bytes_are_written_than_have_changed)
	{
		struct store now = { 0 }, next;
		struct strbuf lines = STRBUF_INIT;
		struct strbuf row = STRBUF_INIT, framed = STRBUF_INIT;
		struct journal_end end = { 100, 0 };
		struct user user;

		begin_tables(3);
		for (unsigned i = 0; i < USERS; i++)
			(void)snprintf(user_rows[i].name, sizeof(user_rows[i].name), "user%u", i);
		user_rows[5].exists = true;
		now = make_store(&now, 0);
		(void)snprintf(user_rows[5].froms, sizeof(user_rows[5].froms), "new@example.com");
		next = make_store(&now, 1);
		ck_assert_int_eq(store_changes_add(&lines, &now, &next, LINES_MAX), 0);
		store_changes_end(&lines, &next);
		ck_assert(users_find(next.users, "user5", 5, &user));
		store_text_user(&row, &user);
		journal_frame(&framed, &end, "", lines.text, lines.len);
		ck_assert_uint_lt(framed.len, 3 * row.len);
		ck_assert_uint_eq(end.len, 100 + framed.len);
		strbuf_free(&lines);
		strbuf_free(&row);
		strbuf_free(&framed);
		store_clear(&now);
		store_clear(&next);
	}
END_TEST

START_TEST(more_changes_than_wanted_are_not_described)
	{
		struct store now = { 0 }, next;
		struct strbuf lines = STRBUF_INIT;

		begin_tables(5);
		now = make_store(&now, 0);
		for (unsigned i = 0; i < USERS; i++)
			change_user(&user_rows[i]);
		next = make_store(&now, 1);
		ck_assert_int_eq(store_changes_add(&lines, &now, &next, 200), -1);
		ck_assert_uint_lt(lines.len, 2000);
		strbuf_free(&lines);
		store_clear(&now);
		store_clear(&next);
	}
END_TEST

static Suite *store_changes_suite(void)
{
	Suite *suite = suite_create("store_changes");
	TCase *tcase = tcase_create("store_changes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 0);
	tcase_add_loop_test(tcase, a_file_and_its_journal_have_the_rows_of_the_file_alone, 0, 3);
	tcase_add_test(tcase, a_journal_that_was_cut_has_the_changes_before_the_cut);
	tcase_add_test(tcase, a_journal_that_was_altered_has_the_changes_before_that);
	tcase_add_test(tcase, few_more_bytes_are_written_than_have_changed);
	tcase_add_test(tcase, more_changes_than_wanted_are_not_described);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(store_changes_suite)
