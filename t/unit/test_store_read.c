/*
 * Shows that both forms of a JSON store are read, that damage is found, that a written store is
 * read back unchanged, and that writing never loses a file. Covers store_row.c and store_write.c,
 * too.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/strbuf.h"
#include "lib/store/store_read.h"
#include "lib/store/store_write.h"
#include "t/unit/lib/store_ways.h"
#include "t/unit/unit.h"

static char folder[] = "/tmp/test_store_read.XXXXXX";
static struct problems *problems;
static struct store store;
static struct errmsg err;

static void setup(void)
{
	(void)strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	problems = problems_new();
	store = (struct store){ 0 };
	err.text[0] = '\0';
}

static void teardown(void)
{
	store_clear(&store);
	problems_free(&problems);
	(void)unlink("s");
	(void)unlink("s.prev");
	(void)unlink("s.new");
	(void)unlink("s.saved-1700000000");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	(void)fclose(f);
}

/* Read a whole file and append a NUL. The caller frees the text. */
static char *get(const char *name, size_t *len)
{
	char *text = NULL;

	ck_assert_int_eq(file_read(name, 1 << 30, &text, len, NULL, &err), FILE_READ);
	return text;
}

static enum store_result parse(const char *text, size_t len)
{
	const struct store_source source = { .problems = problems };
	char *copy = malloc(len + 1);
	enum store_result result;

	memcpy(copy, text, len);
	copy[len] = '\0';
	result = store_parse("s", copy, len, NULL, &source, &store, &err);
	free(copy);
	return result;
}

static void parse_good(const char *text)
{
	if (parse(text, strlen(text)) != STORE_READ)
		ck_abort_msg("%s", err.text);
}

static enum store_result read_store(void)
{
	const struct store_source source = { .problems = problems };

	return store_read("s", &source, &store, &err);
}

static struct user find(const struct users *users, const char *login)
{
	struct user user = { 0 };

	if (!users_find(users, login, strlen(login), &user))
		ck_abort_msg("no user %s", login);
	return user;
}

#define HAND(profiles, users) \
	"{\"format\": \"postern-store-1\", \"profiles\": [" profiles "], \"users\": [" users "]}"

START_TEST(reads_rows_made_by_hand)
	{
		struct user user;

		parse_good(HAND(
			"{\"id\": 7, \"NAME\": \"sales\", \"open\": true, \"maxsize\": 1000,"
			" \"host\": null, \"rcpt\": [\"\\\"a,b\\\"@example.com\"], \"rcpt_re\": \"\"},"
			"{\"id\": \"x\", \"name\": \"closed\"}",
			"{\"id\": 1, \"username\": \"Bob\", \"froms\": \"a@b.c, d@e.f\", \"profileId\": 7},"
			"{\"username\": \"eve\", \"froms\": [\"*\"], \"profileid\": \"x\","
			" \"enabled\": false, \"createdAt\": {}}"));
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE), 0);
		ck_assert(!store.is_machine);
		ck_assert_str_eq(store.revision, "");
		ck_assert_int_eq(store.written, 0);
		ck_assert_uint_eq(profiles_count(store.profiles), 2);
		ck_assert(profile_is_open(profiles_by_name(store.profiles, "sales")));
		ck_assert_uint_eq(profile_maxsize(profiles_by_id(store.profiles, "7")), 1000);
		ck_assert(!profile_is_open(profiles_by_id(store.profiles, "x")));
		user = find(store.users, "bob");
		ck_assert_str_eq(user.id, "1");
		ck_assert_str_eq(user.profile_id, "7");
		ck_assert_uint_eq(user.froms_len, strlen("a@b.c") + strlen("d@e.f") + 2);
		ck_assert(user.enabled);
		ck_assert(!find(store.users, "eve").enabled);
	}
END_TEST

START_TEST(a_byte_order_mark_is_no_error)
	{
		parse_good("\xef\xbb\xbf" HAND("", "{\"id\": 1, \"username\": \"bob\"}"));
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_str_eq(find(store.users, "bob").id, "1");
	}
END_TEST

/* shadow(5): these passwords lock a login on purpose. */
static const char *const locks[] = { "!", "*", "!!", "*LK*", "!$6$rounds=5000$abc$xyz", "{CRYPT}!",
	"{CRYPT}*", "" };
START_TEST(a_locked_password_is_no_problem)
	{
		char text[300];

		(void)snprintf(text, sizeof(text),
			HAND("", "{\"id\": 1, \"username\": \"bob\", \"password\": \"%s\"}"),
			locks[_i]);
		parse_good(text);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_str_eq(find(store.users, "bob").password, locks[_i]);
	}
END_TEST

/* A bad row or an unknown column, and how it is reported. */
static const struct {
	const char *text, *want;
} bad_rows[] = {
	{ HAND("", "17"), "s: users row 1 is not an object, {...}, but 17; left out" },
	{ HAND("null", ""), "s: profiles row 1 is not an object, {...}, but null; left out" },
	{ HAND("", "{\"id\": 1, \"username\": \"a\", \"password\": \"\"}, \"b\""),
		"s: users row 2 is not an object, {...}, but \"b\"; left out" },
	{ HAND("", "{\"id\": 1, \"username\": null}"),
		"users id 1 (NULL): a user needs a username; left out" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"froms\": [1]}"),
		"users id 1 (bob): froms: an item of the list is not text; the user is switched off" },
	{ HAND("", "{\"froms\": [\"a\\u0000\"], \"id\": 1, \"username\": \"bob\"}"),
		"users id 1 (bob): froms: contains a NUL byte; the user is switched off" },
	{ HAND("", "{\"id\": 1, \"username\": \"b\\u0000b\"}"),
		"users id 1 (b): username: contains a NUL byte; left out" },
	{ HAND("",
		  "{\"id\": 1, \"username\": \"b\xfc"
		  "b\"}"),
		"users id 1 (b\xef\xbf\xbd"
		"b): a byte that is not UTF-8; the user is switched off" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"password\": \"\xff\"}"),
		"users id 1 (bob): a byte that is not UTF-8; the user is switched off" },
	{ HAND("", "{\"id\": 1.5, \"username\": \"bob\"}"),
		"users id NULL (bob): id: has a fraction or an exponent; the user is switched off" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"password\": {}}"),
		"users id 1 (bob): password: is an object; it must be text, a number, true, false, "
		"null or a list; the user is switched off" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"profileId\": 1, \"profileid\": 1}"),
		"users id 1 (bob): profileId: is repeated; the user is switched off" },
	{ HAND("",
		  "{\"id\": 1, \"ID\": \"a longer text that is behind the end of what the number 1 needs in memory\", \"username\": \"bob\"}"),
		"users id 1 (bob): id: is repeated; the user is switched off" },
	{ HAND("{\"id\": 3, \"name\": \"p\", \"host\": {}}", ""),
		"profiles id 3 (p): host: is an object; it must be text, a number, true, false, null "
		"or a list; left out" },
	{ HAND("{\"id\": 3, \"name\": \"p\", \"open\": \"perhaps\"}", ""),
		"profiles id 3 (p): open \"perhaps\" is neither true nor false; left out" },
	{ HAND("{\"id\": 3, \"name\": \"p\", \"maxsize\": -1}", ""),
		"profiles id 3 (p): maxsize \"-1\" is not a number of bytes (0 for no limit); left out" },
	{ HAND("{\"id\": 3, \"name\": \"p\", \"rcpt\": [\"\xff\"]}", ""),
		"profiles id 3 (p): a byte that is not UTF-8; left out" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"password\": \"x\"}"),
		"users id 1 (bob): password: not a crypt(3) hash ($6$, $5$, $y$, $2b$); it allows no "
		"login" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"profileId\": 9}"),
		"users id 1 (bob): there is no profile with id 9" },
};
START_TEST(a_bad_row_is_left_out_and_reported)
	{
		parse_good(bad_rows[_i].text);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_str_eq(problems_text(problems, 0), bad_rows[_i].want);
		/* An unusable profile allows nothing, whatever unknown_user is. */
		if (strstr(bad_rows[_i].text, "\"id\": 3") != NULL)
			ck_assert(profiles_is_bad(store.profiles, "3"));
		/* Nor is a user with an unusable row unknown to it. */
		if (strstr(bad_rows[_i].want, "(bob): ") != NULL)
			ck_assert_int_eq(find(store.users, "bob").enabled,
				strstr(bad_rows[_i].want, "switched off") == NULL);
	}
END_TEST

/* Columns near to a missing one are problems, others notes; each is reported once. */
static const struct {
	const char *text;
	enum problem_level level;
	const char *want; /* NULL: nothing */
} columns[] = {
	{ HAND("{\"id\": 3, \"maxsise\": 1}, {\"id\": 4, \"maxsise\": 1}", ""), PROBLEM,
		"s: profiles: the column \"maxsise\" is unknown and ignored; did you mean \"maxsize\"?" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"pasword\": \"x\"}"), PROBLEM,
		"s: users: the column \"pasword\" is unknown and ignored; did you mean \"password\"?" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"profile_id\": null}"), PROBLEM,
		"s: users: the column \"profile_id\" is unknown and ignored; did you mean \"profileId\"?" },
	{ HAND("{\"id\": 3, \"hosts\": \"a.example\"}", ""), PROBLEM,
		"s: profiles: the column \"hosts\" is unknown and ignored; did you mean \"host\"?" },
	{ HAND("{\"hosts\": \"a.example\", \"id\": 3, \"host\": null}", ""), PROBLEM_NOTE,
		"s: profiles: the column \"hosts\" is unknown and ignored" },
	{ HAND("", "{\"id\": 1, \"uid\": 7, \"username\": \"bob\"}"), PROBLEM_NOTE,
		"s: users: the column \"uid\" is unknown and ignored" },
	{ HAND("", "{\"id\": 1, \"username\": \"bob\", \"department\": \"x\"}"), PROBLEM_NOTE,
		"s: users: the column \"department\" is unknown and ignored" },
	{ HAND("", "{\"username\": \"bob\", \"createdAt\": 1, \"updatedAt\": 2}"), PROBLEM, NULL },
	{ "{\"format\": \"postern-store-1\", \"user\": [], \"profiles\": []}", PROBLEM,
		"s: \"user\" is unknown and ignored; did you mean \"users\"?" },
	{ "{\"format\": \"postern-store-1\", \"comment\": \"x\", \"users\": []}", PROBLEM_NOTE,
		"s: \"comment\" is unknown and ignored" },
	{ "{\"format\": \"postern-store-1\", \"revision\": \"\", \"users\": []}", PROBLEM, NULL },
	{ "{\"format\": \"postern-store-1\", \"profiles\": []}", PROBLEM_NOTE,
		"s: \"users\" is missing, so that the store has no users; write "
		"\"users\": [] if that is intended" },
};
START_TEST(an_unknown_column_is_reported_once)
	{
		parse_good(columns[_i].text);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM),
			columns[_i].want != NULL && columns[_i].level == PROBLEM);
		ck_assert_uint_eq(problems_level_count(problems, PROBLEM_NOTE),
			columns[_i].want != NULL && columns[_i].level == PROBLEM_NOTE);
		if (columns[_i].want != NULL)
			ck_assert_str_eq(problems_level_text(problems, columns[_i].level, 0),
				columns[_i].want);
	}
END_TEST

static const struct {
	const char *text, *want;
} refused[] = {
	{ "", "s: is empty (torn, or never written); restore it from a backup, or remove it" },
	{ "{\"format\": \"postern-store-1\",",
		"s: line 1, column 29: string or '}' expected near end of file" },
	{ "[]", "s: is not a store of Postern: it lacks \"format\": \"postern-store-1\"" },
	{ "{\"users\": []}",
		"s: is not a store of Postern: it lacks \"format\": \"postern-store-1\"" },
	{ "{\"format\": \"other\", \"users\": []}",
		"s: is not a store of Postern: its format is \"other\", not \"postern-store-1\"" },
	{ "{\"format\": \"postern-store-2\", \"users\": []}",
		"s: its format is \"postern-store-2\", which another version of Postern writes; this "
		"one reads \"postern-store-1\"" },
	{ "{\"format\": \"postern-store-1\"}", "s: has neither \"profiles\" nor \"users\"" },
	{ "{\"format\": \"postern-store-1\", \"users\": {}}",
		"s: \"users\" must be a list of rows: [{...}, ...]" },
	{ "{\"format\": \"postern-store-1\", \"users\": null, \"profiles\": []}",
		"s: \"users\" must be a list of rows: [{...}, ...]" },
	{ "{\"format\": \"postern-store-1\", \"users\": [], \"profiles\": null}",
		"s: \"profiles\" must be a list of rows: [{...}, ...]" },
	{ "{\"format\": \"postern-store-1\", \"users\": [], \"profiles\": \"\"}",
		"s: \"profiles\" must be a list of rows: [{...}, ...]" },
	{ "{\"format\": \"postern-store-1\", \"users\": [], \"users\": []}",
		"s: line 1, column 50: duplicate object key near '\"users\"'" },
	{ "{\"format\": \"postern-store-1\", \"users\": [], \"checksum\": \"sha256:00\"}",
		"s: altered: it has a checksum, but not the form that Postern writes; to keep "
		"the changes, remove revision, written and checksum; else remove the file" },
	{ "{\"format\":\"postern-store-1\",\"revision\":\"\",\"users\": []}",
		"s: torn: its last line, the checksum, is missing; restore it from a "
		"backup, or remove it" },
};
START_TEST(a_bad_store_is_refused)
	{
		ck_assert_int_eq(parse(refused[_i].text, strlen(refused[_i].text)), STORE_REFUSED);
		ck_assert_str_eq(err.text, refused[_i].want);
		ck_assert_ptr_null(store.users);
	}
END_TEST

/* Rows of every kind that a database may contain, some of them bad. */
static const char rich[] = HAND(
	"{\"id\": 1, \"name\": \"sales\", \"desc\": \"a \\\"b\\\" \\\\ \\u0001 \xc3\xbc\","
	" \"open\": false, \"limits\": \"1/5m,500/1d\", \"maxsize\": 12345678901,"
	" \"host\": \"example.com,example.org\", \"rcpt\": [\"a@b.c\", \"\\\"x,y\\\"@b.c\"],"
	" \"rcpt_re\": [\"^a{1,2}\\\\.$\"]},"
	"{\"id\": \"007\", \"name\": \"open\", \"open\": true, \"rcpt\": []},"
	"{\"id\": 3, \"name\": \"bad\", \"open\": \"perhaps\"},"
	"{\"id\": 4, \"name\": \"sales\"}",
	"{\"id\": 1, \"username\": \"Bob\", \"password\": \"$5$tr1ckysalt$Up2nNTXKvE95nIbNpKVsvNogVzr"
	"2DXzihWFQEhD8LID\", \"froms\": \"B@Example.com,@x.org,.y.org,*,\\\"q q\\\"@z.org\","
	" \"profileId\": 1},"
	"{\"id\": \"0\", \"username\": \"k\\u00fcche\", \"froms\": \"\", \"profileId\": \"007\"},"
	"{\"id\": 123456789012345678, \"username\": \"none\", \"froms\": \"not one\","
	" \"profileId\": 3},"
	"{\"id\": \"a-b\", \"username\": \"off\", \"enabled\": false, \"profileId\": 99},"
	"{\"id\": null, \"username\": \"back\\\\slash\"}");

static void write_store(const struct store *from, const char *revision)
{
	struct store named = *from;
	struct store_base base;
	struct file_stamp now;

	named.revision = (char *)revision;
	named.written = 1700000000;
	if (store_write("s", &named, &base, problems, &err) < 0)
		ck_abort_msg("%s", err.text);
	ck_assert_int_eq(file_stamp("s", &now, &err), 0);
	ck_assert(file_stamp_equal(&base.file, &now));
}

static bool is_said(const char *text)
{
	size_t i;

	for (int level = PROBLEM; level < PROBLEM_LEVELS; level++)
		for (i = 0; i < problems_level_kept(problems, level); i++)
			if (strcmp(problems_level_text(problems, level, i), text) == 0)
				return true;
	return false;
}

static void assert_equal(const struct store *a, const struct store *b)
{
	const char *difference = stores_differ(a, b);

	if (difference != NULL)
		ck_abort_msg("differs: %s", difference);
}

START_TEST(written_rows_are_read_back)
	{
		struct store before;
		struct stat st;

		parse_good(rich);
		before = store;
		store = (struct store){ 0 };
		ck_assert_uint_eq(users_count(before.users), 5);
		write_store(&before, "10:20:12,\"14\"\n\xc3\xbc");
		ck_assert_int_eq(stat("s", &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);
		ck_assert_int_eq(read_store(), STORE_READ);
		ck_assert(store.is_machine);
		ck_assert(!store.from_prev);
		ck_assert_str_eq(store.revision, "10:20:12,\"14\"\n\xc3\xbc");
		ck_assert_int_eq(store.written, 1700000000);
		assert_equal(&before, &store);
		assert_equal(&store, &before);
		ck_assert(profiles_is_bad(store.profiles, "3"));
		ck_assert(!profiles_is_bad(store.profiles, "99"));
		store_clear(&before);
	}
END_TEST

START_TEST(an_empty_store_is_written_and_read_back)
	{
		struct store nothing = { 0 };

		write_store(&nothing, "");
		ck_assert_int_eq(read_store(), STORE_READ);
		ck_assert_uint_eq(users_count(store.users), 0);
		ck_assert_uint_eq(profiles_count(store.profiles), 0);
		ck_assert_str_eq(store.revision, "");
		ck_assert_uint_eq(problems_count(problems), 0);
	}
END_TEST

START_TEST(unchanged_shards_are_shared_with_the_users_before)
	{
		struct store_source source = { 0 };
		struct store again;

		parse_good(rich);
		write_store(&store, "");
		source.previous = store.users;
		ck_assert_int_eq(store_read("s", &source, &again, &err), STORE_READ);
		ck_assert_ptr_eq(find(again.users, "bob").name, find(store.users, "bob").name);
		store_clear(&again);
	}
END_TEST

START_TEST(every_cut_and_every_changed_byte_is_seen)
	{
		char *text;
		size_t len, i;

		parse_good(rich);
		write_store(&store, "1:2:");
		store_clear(&store);
		text = get("s", &len);
		for (i = 0; i < len; i++) {
			if (parse(text, i) != STORE_REFUSED)
				ck_abort_msg("cut to %zu of %zu bytes: taken", i, len);
			text[i] ^= 1;
			if (parse(text, len) != STORE_REFUSED)
				ck_abort_msg("byte %zu changed: taken", i);
			text[i] ^= 1;
		}
		ck_assert_int_eq(parse(text, len), STORE_READ);
		free(text);
	}
END_TEST

START_TEST(torn_and_altered_files_are_distinguished)
	{
		char *text;
		size_t len;

		parse_good(rich);
		write_store(&store, "1:2:");
		text = get("s", &len);
		store_clear(&store);
		ck_assert_int_eq(parse(text, len - 40), STORE_REFUSED);
		ck_assert_ptr_nonnull(
			strstr(err.text, "s: torn: its last line, the checksum, is missing"));
		memcpy(strstr(text, "Bob"), "bob", 3);
		ck_assert_int_eq(parse(text, len), STORE_REFUSED);
		ck_assert_ptr_nonnull(
			strstr(err.text, "s: altered: its content does not match the checksum"));
		free(text);
	}
END_TEST

START_TEST(the_predecessor_is_read_when_the_file_is_torn)
	{
		const struct store_source source = { .problems = problems };

		ck_assert_int_eq(store_read_with_prev("s", &source, &store, &err), STORE_MISSING);
		ck_assert_str_eq(err.text, "s: No such file or directory");
		ck_assert(store_is_missing("s"));
		ck_assert(store_is_missing(""));
		parse_good(rich);
		write_store(&store, "first");
		write_store(&store, "second");
		store_clear(&store);
		ck_assert(!store_is_missing("s"));
		ck_assert_int_eq(truncate("s", 300), 0);
		ck_assert_int_eq(store_read_with_prev("s", &source, &store, &err), STORE_READ);
		ck_assert(store.from_prev);
		ck_assert_str_eq(store.revision, "first");
		/* The next write does not replace the good predecessor by the torn file. */
		write_store(&store, "third");
		store_clear(&store);
		ck_assert_int_eq(unlink("s"), 0);
		ck_assert_int_eq(store_read_with_prev("s", &source, &store, &err), STORE_READ);
		ck_assert_str_eq(store.revision, "first");
		ck_assert(is_said(
			"s: No such file or directory; its predecessor s.prev is used instead"));
		store_clear(&store);
		ck_assert(!store_is_missing("s"));
		ck_assert_int_eq(truncate("s.prev", 300), 0);
		ck_assert_int_eq(store_read_with_prev("s", &source, &store, &err), STORE_REFUSED);
		ck_assert_ptr_nonnull(
			strstr(err.text, "s: No such file or directory; and s.prev: torn"));
	}
END_TEST

START_TEST(a_store_made_by_hand_is_never_written_over)
	{
		size_t before;

		parse_good(rich);
		put("s", rich, strlen(rich));
		before = problems_count(problems);
		write_store(&store, "1");
		ck_assert_int_eq(access("s.saved-1700000000", F_OK), 0);
		ck_assert_int_eq(access("s.prev", F_OK), -1);
		ck_assert(
			is_said("s: was not written by Postern; it is kept as s.saved-1700000000"));
		ck_assert_uint_eq(problems_count(problems), before); /* no row is left out */
	}
END_TEST

START_TEST(a_store_that_cannot_be_written_stays)
	{
		char *text;
		size_t len;

		parse_good(rich);
		write_store(&store, "1");
		ck_assert_int_eq(mkdir("s.new", 0700), 0); /* in the way */
		ck_assert_int_eq(store_write("s", &store, NULL, NULL, &err), -1);
		ck_assert_str_eq(err.text, "s.new: File exists");
		ck_assert_int_eq(rmdir("s.new"), 0);
		text = get("s", &len);
		ck_assert_ptr_nonnull(strstr(text, "\"revision\":\"1\""));
		free(text);
	}
END_TEST

/* Text of a database that is not in UTF-8, which JSON cannot contain. */
START_TEST(rows_that_are_not_utf8_are_written_as_unusable)
	{
		struct profiles_builder *profiles = profiles_builder_new(false);
		struct users_builder *users = users_builder_new();
		struct cell profile[PROFILE_COLUMNS] = {
			[PROFILE_ID] = { CELL_TEXT, "5", 1 },
			[PROFILE_NAME] = { CELL_TEXT, "p\xfc", 2 },
			[PROFILE_OPEN] = { CELL_TEXT, "t", 1 },
		};
		struct cell good[USER_COLUMNS] = {
			[USER_ID] = { CELL_TEXT, "1", 1 },
			[USER_NAME] = { CELL_TEXT, "bob", 3 },
			[USER_PROFILE_ID] = { CELL_TEXT, "5", 1 },
		};
		struct cell bad[USER_COLUMNS] = {
			[USER_ID] = { CELL_TEXT, "2", 1 },
			[USER_NAME] = { CELL_TEXT, "\xfc", 1 },
		};
		struct cell half[USER_COLUMNS] = {
			[USER_ID] = { CELL_TEXT, "3", 1 },
			[USER_NAME] = { CELL_TEXT, "eve", 3 },
			[USER_PASSWORD] = { CELL_TEXT, "\xfc", 1 },
		};
		struct cell odd_id[USER_COLUMNS] = {
			[USER_ID] = { CELL_TEXT, "\xfc", 1 },
			[USER_NAME] = { CELL_TEXT, "amy", 3 },
			[USER_FROMS] = { CELL_LIST, "a@\xfc.example\0", 13 },
			[USER_PROFILE_ID] = { CELL_TEXT, "\xff", 1 },
		};
		struct store odd = { 0 };

		ck_assert_int_eq(profiles_builder_add(profiles, profile), 0);
		ck_assert_int_eq(users_builder_add(users, good, problems), 1);
		ck_assert_int_eq(users_builder_add(users, bad, problems), 0);
		ck_assert_int_eq(users_builder_add(users, half, problems), 1);
		ck_assert_int_eq(users_builder_add(users, odd_id, problems), 1);
		odd.profiles = profiles_builder_finish(&profiles, NULL);
		profiles_report(odd.profiles, problems);
		odd.users = users_builder_finish(&users, NULL, odd.profiles, problems);
		write_store(&odd, "");
		ck_assert_uint_eq(problems_count(problems), 5);
		ck_assert_int_eq(read_store(), STORE_READ);
		ck_assert_uint_eq(users_count(store.users), 3);
		ck_assert(!find(store.users, "eve").enabled); /* and no stranger */
		ck_assert(!find(store.users, "amy").enabled);
		ck_assert(profiles_is_bad(store.profiles, "5"));
		store_clear(&odd);
	}
END_TEST

START_TEST(many_rows_go_through)
	{
		struct strbuf text = STRBUF_INIT;
		const int count = (int)unit_times(20000);
		struct store before;
		int i;

		strbuf_add_str(&text, "{\"format\": \"postern-store-1\", \"users\": [");
		for (i = 0; i < count; i++)
			strbuf_addf(&text,
				"%s{\"id\": %d, \"username\": \"u%d\", \"froms\": [\"u%d@x.org\"]}",
				i ? "," : "", i, i, i);
		strbuf_add_str(&text, "]}");
		parse_good(text.text);
		before = store;
		store = (struct store){ 0 };
		write_store(&before, "");
		ck_assert_int_eq(read_store(), STORE_READ);
		ck_assert_uint_eq(users_count(store.users), count);
		assert_equal(&before, &store);
		store_clear(&before);
		strbuf_free(&text);
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define HASH                                                \
	"$6$saltsalt$cPbDmdp7sUA1v8Yjfppi8VeFqwELnkKCqsv5H" \
	"2wx/S4LZwLhIhlK7tCX/4JqgCT3onV3./FXCDD2Y6iXkj4Lp/"
static const struct {
	const char *password;
	mode_t mode, folder_mode;
	size_t notes;
} readers[] = {
	{ HASH, 0600, 0755, 0 },
	{ HASH, 0640, 0755, 0 },
	{ HASH, 0644, 0755, 1 },
	{ HASH, 0604, 0711, 1 },
	{ HASH, 0644, 0750, 0 },
	{ "", 0644, 0755, 0 },
	{ "*", 0644, 0755, 0 },
	{ "!" HASH, 0644, 0755, 0 },
};
START_TEST(hashes_that_everybody_may_read_have_a_note)
	{
		char text[400];

		(void)snprintf(text, sizeof(text),
			"{\"format\": \"postern-store-1\", \"profiles\": [], \"users\": [{\"id\": 1, "
			"\"username\": \"bob\", \"password\": \"%s\"}]}",
			readers[_i].password);
		put("s", text, strlen(text));
		ck_assert_int_eq(chmod("s", readers[_i].mode), 0);
		ck_assert_int_eq(chmod(".", readers[_i].folder_mode), 0);
		ck_assert_int_eq(read_store(), STORE_READ);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), readers[_i].notes);
		if (readers[_i].notes > 0)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				"can read the password hashes"));
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store_read");
	TCase *tcase = tcase_create("store");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, reads_rows_made_by_hand);
	tcase_add_test(tcase, a_byte_order_mark_is_no_error);
	tcase_add_loop_test(tcase, a_locked_password_is_no_problem, 0,
		sizeof(locks) / sizeof(locks[0]));
	tcase_add_loop_test(tcase, a_bad_row_is_left_out_and_reported, 0, ROWS(bad_rows));
	tcase_add_loop_test(tcase, an_unknown_column_is_reported_once, 0, ROWS(columns));
	tcase_add_loop_test(tcase, a_bad_store_is_refused, 0, ROWS(refused));
	tcase_add_test(tcase, written_rows_are_read_back);
	tcase_add_test(tcase, an_empty_store_is_written_and_read_back);
	tcase_add_test(tcase, unchanged_shards_are_shared_with_the_users_before);
	tcase_add_test(tcase, every_cut_and_every_changed_byte_is_seen);
	tcase_add_test(tcase, torn_and_altered_files_are_distinguished);
	tcase_add_test(tcase, the_predecessor_is_read_when_the_file_is_torn);
	tcase_add_test(tcase, a_store_made_by_hand_is_never_written_over);
	tcase_add_test(tcase, a_store_that_cannot_be_written_stays);
	tcase_add_test(tcase, rows_that_are_not_utf8_are_written_as_unusable);
	tcase_add_loop_test(tcase, hashes_that_everybody_may_read_have_a_note, 0, ROWS(readers));
	tcase_add_test(tcase, many_rows_go_through);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
