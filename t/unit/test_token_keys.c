/*
 * Shows which keys of [jwt] are loaded from a file and from the shared secret, and which files are
 * refused.
 */
#include "lib/store/token_keys.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECRET "0123456789abcdef0123456789abcdef"

/* The key of RFC 8037 appendix A.2, and a shared secret. */
#define PUBLIC                                  \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define SHARED "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}"
#define SHORT "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\"}"
#define PEM                                                              \
	"-----BEGIN PUBLIC KEY-----\n"                                   \
	"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" \
	"-----END PUBLIC KEY-----\n"

/* RFC 8037 appendix A.1, and a block that is not a key. */
#define PRIVATE                                                                                       \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"," \
	"\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}"
#define PEM_PRIVATE "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

#define PEM_COMMENTED                                                     \
	"#-----BEGIN PUBLIC KEY-----\n"                                   \
	"#MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" \
	"#-----END PUBLIC KEY-----\n"

static char folder[64], path[96];
static struct jwt_keys *keys;
static struct problems *problems;
static struct errmsg err;

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/check_token_keys.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/keys", folder);
	problems = problems_new();
	err = (struct errmsg){ "" };
	keys = NULL;
}

static void teardown(void)
{
	jwt_keys_unref(&keys);
	problems_free(&problems);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void put(const char *text, size_t len, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	(void)fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
}

/* The keys are refused and *keys_r is unchanged, also if the caller passes no err. */
static void ck_refused(const char *keys_file, const char *secret, const char *why,
	enum token_keys_result result)
{
	struct jwt_keys *mine = jwt_keys_new(), *got = mine;

	ck_assert_int_eq(token_keys_load(keys_file, secret, (uid_t)-1, &got, problems, &err),
		result);
	ck_assert_ptr_eq(got, mine);
	ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
	ck_assert_ptr_null(strstr(err.text, SECRET));
	ck_assert_int_eq(token_keys_load(keys_file, secret, (uid_t)-1, &got, NULL, NULL), result);
	ck_assert_ptr_eq(got, mine);
	jwt_keys_unref(&mine);
}

START_TEST(without_a_file_and_a_secret_there_is_no_key)
	{
		ck_assert_int_eq(token_keys_load("", "", (uid_t)-1, &keys, problems, &err),
			TOKEN_KEYS_LOADED);
		ck_assert_ptr_nonnull(keys);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
	}
END_TEST

START_TEST(loads_the_secret_and_the_keys_of_the_file)
	{
		const struct jwt_key *last;

		put(PEM, strlen(PEM), 0644);
		ck_assert_int_eq(token_keys_load(path, SECRET, (uid_t)-1, &keys, problems, &err),
			TOKEN_KEYS_LOADED);
		ck_assert_uint_eq(jwt_keys_count(keys), 2);
		ck_assert_ptr_nonnull(jwt_keys_at(keys, 0)->public);
		last = jwt_keys_at(keys, 1);
		ck_assert_uint_eq(last->secret_len, strlen(SECRET));
		ck_assert_mem_eq(last->secret, SECRET, strlen(SECRET));
		jwt_keys_unref(&keys);
		ck_assert_int_eq(token_keys_load("", SECRET, (uid_t)-1, &keys, NULL, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 1);
		ck_assert_uint_eq(problems_count(problems), 0);
	}
END_TEST

#define MARK "\xef\xbb\xbf" /* a byte order mark, as in every other file */
#define SET(keys) "{\"keys\":[" keys "]}"

static const struct {
	const char *text;
	mode_t mode;
	size_t count;
	const char *why; /* "": it is loaded */
	enum token_keys_result result;
} files[] = {
	{ PUBLIC, 0644, 1, "", TOKEN_KEYS_LOADED },
	{ PUBLIC, 0666, 1, "", TOKEN_KEYS_LOADED },
	{ PEM, 0644, 1, "", TOKEN_KEYS_LOADED },
	{ MARK PUBLIC, 0644, 1, "", TOKEN_KEYS_LOADED },
	{ MARK PEM, 0644, 1, "", TOKEN_KEYS_LOADED },
	{ MARK SHARED, 0600, 1, "", TOKEN_KEYS_LOADED },
	{ MARK SHARED, 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ MARK "\n", 0644, 0, "the file is empty", TOKEN_KEYS_GONE },
	{ SHARED, 0600, 1, "", TOKEN_KEYS_LOADED },
	{ SHARED, 0400, 1, "", TOKEN_KEYS_LOADED },
	{ SET(PUBLIC "," SHARED), 0600, 2, "", TOKEN_KEYS_LOADED },
	{ SHARED, 0640, 0, "its mode is 0640", TOKEN_KEYS_FAILED },
	{ SHARED, 0604, 0, "its mode is 0604", TOKEN_KEYS_FAILED },
	{ SHARED, 0620, 0, "its mode is 0620", TOKEN_KEYS_FAILED },
	{ SHARED, 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ SET(PUBLIC "," SHARED), 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ SET(SHARED "," PUBLIC), 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ "", 0600, 0, "the file is empty", TOKEN_KEYS_GONE },
	{ " \r\n\t\n", 0644, 0, "the file is empty", TOKEN_KEYS_GONE },
	{ "# none\n\n  #" PEM_COMMENTED, 0644, 0, "has only comments", TOKEN_KEYS_GONE },
	{ "no keys\n", 0644, 0, "neither PEM nor a JWK set", TOKEN_KEYS_FAILED },
	{ "# ours\n" PEM, 0644, 1, "", TOKEN_KEYS_LOADED },
	{ "{}", 0644, 0, "neither a JWK set nor a JWK", TOKEN_KEYS_FAILED },
	{ SET(""), 0644, 0, "", TOKEN_KEYS_LOADED },
	{ SET(SHORT), 0600, 0, "", TOKEN_KEYS_LOADED },
	{ PRIVATE, 0600, 1, "", TOKEN_KEYS_LOADED },
	{ PRIVATE, 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ PRIVATE, 0640, 0, "its mode is 0640", TOKEN_KEYS_FAILED },
	{ SET(PUBLIC "," PRIVATE), 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ SET(SHORT), 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ PEM_PRIVATE, 0600, 0, "", TOKEN_KEYS_LOADED },
	{ PEM_PRIVATE, 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ PEM PEM_PRIVATE, 0644, 0, "its mode is 0644", TOKEN_KEYS_FAILED },
	{ "{", 0600, 0, "invalid JSON", TOKEN_KEYS_FAILED },
	{ SHORT, 0600, 0, "", TOKEN_KEYS_LOADED },
	{ SECRET "\n", 0600, 0, "neither PEM nor a JWK set", TOKEN_KEYS_FAILED },
};
START_TEST(a_file_with_a_shared_secret_must_be_private)
	{
		put(files[_i].text, strlen(files[_i].text), files[_i].mode);
		if (files[_i].result != TOKEN_KEYS_LOADED) {
			ck_refused(path, "", files[_i].why, files[_i].result);
			ck_assert_ptr_nonnull(strstr(err.text, path));
			ck_refused(path, SECRET, files[_i].why, files[_i].result);
		} else {
			ck_assert_msg(token_keys_load(path, "", (uid_t)-1, &keys, problems, &err) ==
					TOKEN_KEYS_LOADED,
				"%s", err.text);
			ck_assert_uint_eq(jwt_keys_count(keys), files[_i].count);
		}
	}
END_TEST

static const struct {
	const char *text;
	mode_t mode;
	size_t notes;
} loose[] = {
	{ PUBLIC, 0600, 0 },
	{ PUBLIC, 0644, 0 },
	{ PUBLIC, 0664, 0 },
	{ PUBLIC, 0646, 1 },
	{ PUBLIC, 0666, 1 },
	{ PEM, 0602, 1 },
	{ SET(""), 0666, 1 },
};
START_TEST(a_file_that_everybody_may_write_has_a_note)
	{
		put(loose[_i].text, strlen(loose[_i].text), loose[_i].mode);
		ck_assert_int_eq(token_keys_load(path, "", (uid_t)-1, &keys, problems, &err),
			TOKEN_KEYS_LOADED);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), loose[_i].notes);
		if (loose[_i].notes > 0)
			ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
				"add a key"));
	}
END_TEST

START_TEST(a_file_of_another_user_has_a_note)
	{
		put(PUBLIC, strlen(PUBLIC), 0644);
		if (geteuid() != 0)
			return;
		ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
		ck_assert_int_eq(token_keys_load(path, "", 12345, &keys, problems, &err),
			TOKEN_KEYS_LOADED);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), 0);
		jwt_keys_unref(&keys);
		ck_assert_int_eq(token_keys_load(path, "", (uid_t)-1, &keys, problems, &err),
			TOKEN_KEYS_LOADED);
		ck_assert_uint_eq(problems_level_kept(problems, PROBLEM_NOTE), 1);
		ck_assert_ptr_nonnull(strstr(problems_level_text(problems, PROBLEM_NOTE, 0),
			"belongs to user 12345, who can add a key"));
	}
END_TEST

START_TEST(unusable_keys_are_reported)
	{
		put(SET(SHORT "," PUBLIC), strlen(SET(SHORT "," PUBLIC)), 0600);
		ck_assert_int_eq(token_keys_load(path, "", (uid_t)-1, &keys, problems, &err),
			TOKEN_KEYS_LOADED);
		ck_assert_uint_eq(jwt_keys_count(keys), 1);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), "24 bytes"));
		jwt_keys_unref(&keys);
		ck_assert_int_eq(token_keys_load(path, "", (uid_t)-1, &keys, NULL, NULL), 0);
	}
END_TEST

static const struct {
	const char *secret, *why;
} secrets[] = {
	{ "short", "5 bytes; it needs at least 32" },
	{ "0123456789abcdef0123456789abcde", "31 bytes; it needs at least 32" },
	{ PEM, "belongs in keys_file" },
};
START_TEST(a_bad_secret_is_refused_beside_a_good_file)
	{
		put(PUBLIC, strlen(PUBLIC), 0644);
		ck_refused("", secrets[_i].secret, secrets[_i].why, TOKEN_KEYS_FAILED);
		ck_refused(path, secrets[_i].secret, secrets[_i].why, TOKEN_KEYS_FAILED);
		ck_assert_ptr_null(strstr(err.text, secrets[_i].secret));
	}
END_TEST

START_TEST(a_file_that_a_link_no_longer_finds_is_gone)
	{
		ck_assert_int_eq(symlink("nowhere", path), 0);
		ck_refused(path, "", "is a symbolic link to a file that does not exist",
			TOKEN_KEYS_GONE);
		(void)unlink(path);
		ck_assert_int_eq(symlink("keys", path), 0);
		ck_refused(path, "", "Too many levels of symbolic links", TOKEN_KEYS_FAILED);
		(void)unlink(path);
		put(PUBLIC, strlen(PUBLIC), 0644);
		(void)strcat(path, "/keys");
		ck_refused(path, "", "Not a directory", TOKEN_KEYS_GONE);
		path[strlen(path) - strlen("/keys")] = '\0';
	}
END_TEST

START_TEST(a_missing_or_long_file_or_a_directory_is_refused)
	{
		char *text = malloc((1 << 20) + 1);

		ck_refused(path, SECRET, "No such file", TOKEN_KEYS_GONE);
		ck_refused(folder, "", "is a directory", TOKEN_KEYS_FAILED);
		memset(text, ' ', (1 << 20) + 1);
		memcpy(text, PUBLIC, strlen(PUBLIC));
		put(text, (1 << 20) + 1, 0644);
		ck_refused(path, "", "1048577 bytes", TOKEN_KEYS_FAILED);
		put(text, 1 << 20, 0644);
		ck_assert_int_eq(token_keys_load(path, "", (uid_t)-1, &keys, problems, &err),
			TOKEN_KEYS_LOADED);
		free(text);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("token_keys");
	TCase *tcase = tcase_create("token_keys");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, without_a_file_and_a_secret_there_is_no_key);
	tcase_add_test(tcase, loads_the_secret_and_the_keys_of_the_file);
	tcase_add_loop_test(tcase, a_file_with_a_shared_secret_must_be_private, 0, COUNT(files));
	tcase_add_loop_test(tcase, a_file_that_everybody_may_write_has_a_note, 0, COUNT(loose));
	tcase_add_test(tcase, a_file_of_another_user_has_a_note);
	tcase_add_test(tcase, unusable_keys_are_reported);
	tcase_add_loop_test(tcase, a_bad_secret_is_refused_beside_a_good_file, 0, COUNT(secrets));
	tcase_add_test(tcase, a_file_that_a_link_no_longer_finds_is_gone);
	tcase_add_test(tcase, a_missing_or_long_file_or_a_directory_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
