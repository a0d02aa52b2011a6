/*
 * Shows that a policy is made of all files: lists, public suffix list and store; what missing and
 * bad files mean; and when the lists decide alone.
 */
#include "lib/store/policy_files.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/store/list_files.h"
#include "t/unit/unit.h"

static char folder[] = "/tmp/check_policy.XXXXXX";
static struct problems *problems;
static struct policy *policy;
static struct files_rows rows;
static struct errmsg err;

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("lists", 0700), 0);
	put("p.conf", "[lists]\ndirectory = lists\n[store]\npath = store.json\n");
	problems = problems_new();
	policy = NULL;
	err.text[0] = '\0';
}

static void teardown(void)
{
	char path[64];
	int i;

	policy_unref(&policy);
	problems_free(&problems);
	for (i = 0; i < LIST_COUNT; i++) {
		(void)snprintf(path, sizeof(path), "lists/%s", list_name(i));
		(void)(unlink(path) == 0 || rmdir(path));
	}
	(void)rmdir("lists");
	(void)unlink("p.conf");
	(void)unlink("store.json");
	(void)unlink("store.json.prev");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static int load(void)
{
	const struct config *config = NULL;
	int ret;

	if (config_load("p.conf", &config, &err) < 0)
		ck_abort_msg("%s", err.text);
	ret = policy_from_files(config, &policy, &rows, problems, &err);
	config_unref(&config);
	return ret;
}

START_TEST(a_policy_is_made_of_all_files)
	{
		const struct policy_parts *parts;
		struct user user;

		put("lists/mail_from.access.blacklist", "# spam\nspam@example.com\n@example.net\n");
		put("lists/access.domains", "example.org\n");
		put("store.json",
			"{\"format\": \"postern-store-1\", \"profiles\": [{\"id\": 1, \"open\": true}],"
			" \"users\": [{\"id\": 1, \"username\": \"bob\", \"profileId\": 1}]}");
		ck_assert_int_eq(load(), 0);
		ck_assert_uint_eq(problems_count(problems), 0);
		parts = policy_parts(policy);
		ck_assert_uint_eq(list_entries(parts->lists[LIST_MAIL_DENY]), 2);
		ck_assert_uint_eq(list_entries(parts->lists[LIST_DOMAINS]), 1);
		ck_assert_uint_eq(list_entries(parts->lists[LIST_RCPT_DENY]), 0);
		ck_assert(policy_find_user(policy, "BOB", &user));
		ck_assert(!parts->lists_only);
	}
END_TEST

START_TEST(missing_files_are_empty)
	{
		ck_assert_int_eq(rmdir("lists"), 0);
		ck_assert_int_eq(load(), 0);
		ck_assert(policy_parts(policy)->lists_only);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0),
			"/lists: the directory does not exist, so that all "
			"lists are empty"));
	}
END_TEST

/* The report about a store that does not exist: a problem, a note, or none. */
static const struct {
	const char *conf, *problem, *note;
} absent_stores[] = {
	{ "[store]\npath = stor.json\n", "p.conf:2: [store] path: /", NULL },
	{ "[store]\npath = /var/lib/postern/store.json\n", NULL,
		"there is no database and no store (/var/lib/postern/store.json)" },
	{ "", NULL, "there is no database and no store (/var/lib/postern/store.json)" },
	{ "[store]\npath =\n", NULL, NULL },
	{ "[store]\npath = stor.json\n[database]\n", NULL, NULL },
};
START_TEST(an_absent_store_is_reported)
	{
		const struct config *config = NULL;

		put("p.conf", absent_stores[_i].conf);
		ck_assert_int_eq(config_load("p.conf", &config, &err), 0);
		policy_check_store(config, problems, problems);
		ck_assert_uint_eq(problems_count(problems), absent_stores[_i].problem != NULL);
		if (absent_stores[_i].problem != NULL)
			ck_assert_int_eq(strncmp(problems_text(problems, 0),
						 absent_stores[_i].problem,
						 strlen(absent_stores[_i].problem)),
				0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			absent_stores[_i].note != NULL);
		if (absent_stores[_i].note != NULL)
			ck_assert_int_eq(strncmp(problems_level_text(problems, PROBLEM_NOTE, 0),
						 absent_stores[_i].note,
						 strlen(absent_stores[_i].note)),
				0);
		config_unref(&config);
	}
END_TEST

/* Which stores exist, and whether the lists decide alone then. */
static const struct {
	const char *conf, *store;
	enum files_users want;
} places[] = {
	{ "[store]\npath = store.json\n", NULL, FILES_USERS_NONE },
	{ "[store]\npath =\n", NULL, FILES_USERS_NONE },
	{ "[store]\npath = store.json\n", "store.json", FILES_USERS_STORE },
	{ "[store]\npath = store.json\n", "store.json.prev", FILES_USERS_STORE },
	{ "[store]\npath =\n[database]\n", NULL, FILES_USERS_UNKNOWN },
	{ "[store]\npath =\n[database]\n", "store.json", FILES_USERS_UNKNOWN },
	{ "[store]\npath = store.json\n[database]\n", NULL, FILES_USERS_UNKNOWN },
	{ "[store]\npath = store.json\n[database]\n", "store.json", FILES_USERS_COPY },
	{ "[store]\npath = store.json\n[database]\n", "store.json.prev", FILES_USERS_COPY },
};
START_TEST(the_files_tell_where_the_users_are)
	{
		put("p.conf", places[_i].conf);
		if (places[_i].store != NULL)
			put(places[_i].store, "{\"format\": \"postern-store-1\", \"users\": []}\n");
		ck_assert_int_eq(load(), 0);
		ck_assert_int_eq(rows.users, places[_i].want);
		ck_assert(
			policy_parts(policy)->lists_only == (places[_i].want == FILES_USERS_NONE));
		ck_assert_int_eq(rows.written, 0); /* by hand */
	}
END_TEST

/* Each problem gives the file, the place and the reason. */
static const struct {
	const char *file, *text, *want;
} bad[] = {
	{ "lists/helo.checks.regexps", "^good$\n(bad\n", "helo.checks.regexps:2: " },
	{ "lists/mail_from.access.blacklist_regex", "\n\n[a-\n",
		"mail_from.access.blacklist_regex:3: " },
	{ "lists/connect.rdns_access.blacklist", "192.0.2.1/24\n",
		"connect.rdns_access.blacklist:1: " },
	{ "store.json",
		"{\"format\": \"postern-store-1\", \"profiles\": [{\"id\": 1, \"name\": \"p\","
		" \"rcpt_re\": \"(x\"}]}",
		"profiles id 1 (p): rcpt_re[1]: " },
	{ "store.json",
		"{\"format\": \"postern-store-1\", \"profiles\": [{\"id\": 1, \"name\": \"p\","
		" \"limits\": \"1/5x\"}]}",
		"profiles id 1 (p): limits: " },
	{ "store.json",
		"{\"format\": \"postern-store-1\", \"profiles\": [{\"id\": 1, \"name\": \"p\","
		" \"maxsize\": -1}]}",
		"profiles id 1 (p): maxsize \"-1\" is not a number of bytes (0 for no limit); left "
		"out" },
	{ "store.json",
		"{\"format\": \"postern-store-1\", \"users\": [{\"id\": 1, \"username\": \"bob\","
		" \"profileId\": 5}]}",
		"users id 1 (bob): there is no profile with id 5" },
	{ "store.json",
		"{\"format\": \"postern-store-1\", \"users\": [{\"id\": 1, \"username\": \"bob\"},"
		" {\"id\": 2, \"username\": \"BOB\"}]}",
		"users id 1 (bob): this row is left out, because the row with id 2 has the same username" },
	{ "store.json",
		"{\"format\": \"postern-store-1\", \"users\": [{\"id\": 1, \"username\": \"bob\","
		" \"froms\": \"a b\"}]}",
		"users id 1 (bob): froms[1]: \"a b\" contains white space, but an entry is a single word" },
	{ "store.json",
		"{\"format\": \"postern-store-1\", \"users\": [{\"id\": 1, \"username\": \"bob\","
		" \"froms\": \".d..\"}]}",
		"users id 1 (bob): froms[1]: \".d..\" has two dots in a row" },
	{ "store.json",
		"{\"format\": \"postern-store-1\", \"users\": [{\"id\": 1, \"username\": \"bob\","
		" \"password\": \"swordfish\"}]}",
		"users id 1 (bob): password: " },
};
START_TEST(bad_lines_and_rows_are_reported_and_the_rest_is_in_force)
	{
		put("lists/rcpt_to.access.blacklist", "a@example.com\n");
		put(bad[_i].file, bad[_i].text);
		ck_assert_int_eq(load(), 0);
		ck_assert_uint_eq(problems_count(problems), 1);
		if (strncmp(problems_text(problems, 0), bad[_i].want, strlen(bad[_i].want)) != 0)
			ck_abort_msg("\"%s\" does not begin with \"%s\"",
				problems_text(problems, 0), bad[_i].want);
		ck_assert_ptr_null(strstr(problems_text(problems, 0), "swordfish"));
		ck_assert_uint_eq(list_entries(policy_parts(policy)->lists[LIST_RCPT_DENY]), 1);
	}
END_TEST

START_TEST(an_unreadable_file_is_an_error)
	{
		ck_assert_int_eq(mkdir("lists/rcpt_to.access.whitelist", 0700), 0);
		ck_assert_int_eq(load(), -1);
		ck_assert_ptr_nonnull(
			strstr(err.text, "/lists/rcpt_to.access.whitelist: is a directory"));
		ck_assert_int_eq(rmdir("lists/rcpt_to.access.whitelist"), 0);
		put("store.json", "{");
		ck_assert_int_eq(load(), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/store.json: line 1, column 1: "));
		ck_assert_ptr_null(policy);
		ck_assert_int_eq(unlink("store.json"), 0);
		put("p.conf", "[lists]\npublic_suffix_list = nonexistent\n");
		ck_assert_int_eq(load(), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent"));
		put("p.conf", "[lists]\ndirectory = lists\nmax_file = 1k\n");
		put("lists/access.domains", "");
		ck_assert_int_eq(truncate("lists/access.domains", 1025), 0);
		ck_assert_int_eq(load(), -1);
		ck_assert_ptr_nonnull(
			strstr(err.text, "/access.domains: has 1025 bytes; at most 1024 are read"));
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("policy_files");
	TCase *tcase = tcase_create("policy_files");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_policy_is_made_of_all_files);
	tcase_add_test(tcase, missing_files_are_empty);
	tcase_add_loop_test(tcase, an_absent_store_is_reported, 0,
		sizeof(absent_stores) / sizeof(absent_stores[0]));
	tcase_add_loop_test(tcase, the_files_tell_where_the_users_are, 0, ROWS(places));
	tcase_add_loop_test(tcase, bad_lines_and_rows_are_reported_and_the_rest_is_in_force, 0,
		ROWS(bad));
	tcase_add_test(tcase, an_unreadable_file_is_an_error);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
