/*
 * Shows the form of a journal, which lines of it are in force, and which stores it belongs to.
 * Covers store_replay.c and store_machine.c, too.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/store/store_journal.h"
#include "lib/store/store_read.h"
#include "lib/store/store_write.h"
#include "t/unit/unit.h"

#define SUM "0123456789012345678901234567890123456789012345678901234567890123"
#define STATE "state {\"revision\":\"r2\",\"written\":\"2026-01-31T23:59:59Z\"}\n"

static struct problems *problems;
static struct errmsg err;
static struct store store;
static struct strbuf text; /* a store as Postern writes it */
static char path[] = "/tmp/test_store_journal.XXXXXX", checksum[STORE_CHECKSUM_SIZE];

static void setup(void)
{
	static const char rows[] =
		"{\"format\": \"postern-store-1\", \"profiles\": [{\"id\": 1, \"name\": \"staff\"},"
		"{\"id\": 2, \"name\": \"sales\"}], \"users\": [{\"id\": 1, \"username\": \"Bob\"},"
		"{\"id\": 2, \"username\": \"eve\", \"profileId\": 1}]}";
	const struct store_source source = { 0 };
	struct store made = { 0 };
	struct store_base base;
	char *copy = strdup(rows), *written;
	size_t len;
	int fd;

	problems = problems_new();
	ck_assert_int_eq(store_parse("s", copy, strlen(rows), NULL, &source, &made, &err),
		STORE_READ);
	free(copy);
	(void)strcpy(path + strlen(path) - 6, "XXXXXX");
	ck_assert_int_ge(fd = mkstemp(path), 0);
	(void)close(fd);
	ck_assert_int_eq(store_write(path, &made, &base, NULL, &err), 0);
	store_clear(&made);
	ck_assert_int_eq(file_read(path, 1 << 20, &written, &len, NULL, &err), FILE_READ);
	strbuf_add(&text, written, len);
	free(written);
	(void)strcpy(checksum, base.checksum);
	(void)unlink(path);
}

static void teardown(void)
{
	store_clear(&store);
	problems_free(&problems);
	strbuf_free(&text);
}

static bool is_in_use; /* a daemon writes the journal */

/* Read the store with these lines as the journal of the store with that checksum. */
static enum store_result read_with(const char *lines, const char *of)
{
	const struct store_source source = { .problems = problems };
	struct strbuf framed = STRBUF_INIT, copy = STRBUF_INIT;
	struct journal_text journal = { .path = "s.journal", .is_in_use = is_in_use };
	struct journal_end end = { 0 };
	enum store_result result;

	journal_frame(&framed, &end, of, lines, strlen(lines));
	strbuf_add(&copy, text.text, text.len);
	journal.text = framed.text;
	journal.len = framed.len;
	result = store_parse("s", copy.text, copy.len, &journal, &source, &store, &err);
	strbuf_free(&framed);
	strbuf_free(&copy);
	return result;
}

static bool has_user(const char *name)
{
	struct user user;

	return users_find(store.users, name, strlen(name), &user);
}

START_TEST(lines_have_checksums_that_depend_on_those_before)
	{
		struct strbuf framed = STRBUF_INIT;
		struct journal_end end = { 0 };

		journal_frame(&framed, &end, SUM, "-users {}\n-users {}\n", 20);
		ck_assert_uint_eq(end.len, framed.len);
		ck_assert_ptr_nonnull(strstr(framed.text, " postern-journal-1 sha256:" SUM "\n"));
		ck_assert_uint_eq(strcspn(framed.text, " "), 8);
		ck_assert_str_eq(framed.text + framed.len - 11, " -users {}\n");
		ck_assert(memcmp(framed.text + framed.len - 38, framed.text + framed.len - 19, 8) !=
			0);
		strbuf_free(&framed);
	}
END_TEST

START_TEST(rows_replace_are_new_or_are_removed)
	{
		struct user user;

		ck_assert_int_eq(read_with("profiles {\"id\":3,\"name\":\"token\",\"open\":true}\n"
					   "-profiles {\"id\":2}\n"
					   "users {\"id\":7,\"username\":\"BOB\",\"profileId\":3}\n"
					   "users {\"id\":8,\"username\":\"carol\"}\n"
					   "-users {\"username\":\"EVE\"}\n" STATE,
					 checksum),
			STORE_READ);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(users_count(store.users), 2);
		ck_assert(users_find(store.users, "bob", 3, &user));
		ck_assert_str_eq(user.id, "7");
		ck_assert_str_eq(user.name, "BOB");
		ck_assert(has_user("carol") && !has_user("eve"));
		ck_assert_uint_eq(profiles_count(store.profiles), 2);
		ck_assert_ptr_nonnull(profiles_by_name(store.profiles, "token"));
		ck_assert_ptr_null(profiles_by_id(store.profiles, "2"));
		ck_assert_str_eq(store.revision, "r2");
		ck_assert_int_eq(store.written, 1769903999);
		ck_assert_str_eq(store.base.checksum, checksum);
	}
END_TEST

START_TEST(the_last_row_with_a_key_is_in_force)
	{
		struct user user;

		ck_assert_int_eq(read_with("users {\"id\":9,\"username\":\"bob\"}\n" STATE
					   "-users {\"username\":\"bob\"}\n" STATE
					   "users {\"id\":5,\"username\":\"Bob\"}\n"
					   "users {\"id\":8,\"username\":\"eve\"}\n"
					   "-users {\"username\":\"eve\"}\n" STATE,
					 checksum),
			STORE_READ);
		ck_assert(users_find(store.users, "bob", 3, &user));
		ck_assert_str_eq(user.id, "5");
		ck_assert(!has_user("eve"));
	}
END_TEST

START_TEST(rows_without_a_state_are_not_in_force)
	{
		ck_assert_int_eq(read_with("users {\"id\":8,\"username\":\"carol\"}\n" STATE
					   "-users {\"username\":\"bob\"}\n",
					 checksum),
			STORE_READ);
		ck_assert(has_user("carol") && has_user("bob"));
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), "s.journal: the last "));
	}
END_TEST

START_TEST(the_journal_of_another_file_is_ignored_and_reported)
	{
		ck_assert_int_eq(read_with("-users {\"username\":\"bob\"}\n" STATE, SUM),
			STORE_READ);
		ck_assert(has_user("bob"));
		ck_assert_uint_eq(store.base.end.len, 0);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0),
			"s.journal: is the journal of another file than s, so that"));
	}
END_TEST

/* Its end, or its store, may just be changing. */
START_TEST(the_journal_of_a_daemon_that_runs_is_not_reported)
	{
		is_in_use = true;
		ck_assert_int_eq(read_with("-users {\"username\":\"bob\"}\n", checksum),
			STORE_READ);
		store_clear(&store);
		ck_assert_int_eq(read_with("-users {\"username\":\"bob\"}\n" STATE, SUM),
			STORE_READ);
		is_in_use = false;
		ck_assert(has_user("bob"));
		ck_assert_uint_eq(problems_count(problems), 0);
	}
END_TEST

/* What a person edits is what is in force. */
START_TEST(a_store_made_by_hand_has_no_journal)
	{
		strbuf_reset(&text);
		strbuf_add_str(&text,
			"{\"format\": \"postern-store-1\", \"users\": [{\"username\": \"dave\"}]}");
		ck_assert_int_eq(read_with("-users {\"username\":\"dave\"}\n" STATE, checksum),
			STORE_READ);
		ck_assert(has_user("dave") && !store.is_machine);
		ck_assert_ptr_nonnull(
			strstr(problems_text(problems, 0), "is the journal of another file"));
	}
END_TEST

/* Lines with the right checksum that Postern does not write. */
static const struct {
	const char *line, *want;
} odd_lines[] = {
	{ "users {\"id\":8,\"username\":\n", "a row of users is unreadable" },
	{ "users {\"id\":8}\n", "a row of users is unreadable" },
	{ "users {\"username\":\"\"}\n", "a row of users is unreadable" },
	{ "users []\n", "a row of users is unreadable" },
	{ "users {\"username\":\"x\"} {}\n", "a row of users is unreadable" },
	{ "-users {\"username\":[\"bob\"]}\n", NULL },
	{ "users {\"username\":\"bob\xff\"}\n", "a row of users is unreadable" },
	{ "profiles {\"name\":\"x\"}\n", "a row of profiles is unreadable" },
	{ "-profiles \n", "a row of profiles is unreadable" },
	{ "groups {\"id\":1}\n", NULL },
	{ "\n", NULL },
	{ "users\n", NULL },
};

START_TEST(odd_lines_are_left_out_and_reported)
	{
		char lines[300];

		(void)snprintf(lines, sizeof(lines),
			"%susers {\"id\":8,\"username\":\"carol\"}\n" STATE, odd_lines[_i].line);
		ck_assert_int_eq(read_with(lines, checksum), STORE_READ);
		ck_assert(has_user("bob") && has_user("eve"));
		if (odd_lines[_i].want != NULL)
			ck_assert_ptr_nonnull(
				strstr(problems_text(problems, 0), odd_lines[_i].want));
	}
END_TEST

/* Other bytes than lines with checksums. */
static const char *const damaged[] = { "", "\n", "00000000", "00000000 \n", "zzzzzzzz text\n",
	"12345678 postern-journal-1 sha256:0123\n", "12345678\n" };

START_TEST(a_damaged_journal_has_no_changes)
	{
		struct journal journal;
		char copy[200];

		(void)snprintf(copy, sizeof(copy), "%s", damaged[_i]);
		ck_assert_int_eq(journal_parse(copy, strlen(copy), SUM, &journal), 0);
		ck_assert_uint_eq(journal.count, 0);
		ck_assert_uint_eq(journal.end.len, 0);
		ck_assert_uint_eq(journal.excess, strlen(damaged[_i]));
		ck_assert(!journal.is_foreign);
		journal_clear(&journal);
	}
END_TEST

static Suite *store_journal_suite(void)
{
	Suite *suite = suite_create("store_journal");
	TCase *tcase = tcase_create("store_journal");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lines_have_checksums_that_depend_on_those_before);
	tcase_add_test(tcase, rows_replace_are_new_or_are_removed);
	tcase_add_test(tcase, the_last_row_with_a_key_is_in_force);
	tcase_add_test(tcase, rows_without_a_state_are_not_in_force);
	tcase_add_test(tcase, the_journal_of_another_file_is_ignored_and_reported);
	tcase_add_test(tcase, the_journal_of_a_daemon_that_runs_is_not_reported);
	tcase_add_test(tcase, a_store_made_by_hand_has_no_journal);
	tcase_add_loop_test(tcase, odd_lines_are_left_out_and_reported, 0,
		sizeof(odd_lines) / sizeof(odd_lines[0]));
	tcase_add_loop_test(tcase, a_damaged_journal_has_no_changes, 0,
		sizeof(damaged) / sizeof(damaged[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(store_journal_suite)
