/*
 * The keys for tokens: reading them as [jwt] configures, which keys are in force after a success or
 * a failure, and reading their file again when it changes.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECRET "0123456789abcdef0123456789abcdef"

/* RFC 8037 appendix A.2 */
#define JWK                                     \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"," \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define TWO_JWKS "{\"keys\":[" JWK "," JWK "]}"

static char folder[64], conf_path[96], keys_path[96];
static struct auth auth;
static struct auth_keys made;

/* A configuration with this [jwt]. */
static const struct config *config_with(const char *jwt)
{
	const struct config *config;
	struct errmsg err;
	char text[512];
	int len = snprintf(text, sizeof(text), "[jwt]\n%s\n", jwt);

	ck_assert_msg(config_parse(conf_path, text, (size_t)len, &config, &err) == 0, "%s",
		err.text);
	return config;
}

static void write_keys(const char *text)
{
	FILE *file = fopen(keys_path, "w");

	ck_assert_ptr_nonnull(file);
	(void)fputs(text, file);
	(void)fclose(file);
}

static void setup(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/test_auth_keys.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(conf_path, sizeof(conf_path), "%s/postern.conf", folder);
	(void)snprintf(keys_path, sizeof(keys_path), "%s/keys.json", folder);
	write_keys(JWK);
	log_set_level(LOG_LEVEL_ERROR);
	auth = (struct auth){ .server = NULL };
	made = (struct auth_keys){ .keys = NULL };
}

static void teardown(void)
{
	config_unref(&auth.config);
	jwt_keys_unref(&auth.keys.keys);
	jwt_keys_unref(&made.keys);
	(void)unlink(keys_path);
	(void)rmdir(folder);
}

static const struct {
	const char *jwt;
	bool is_configured;
	size_t count;
	const char *error;
} sources[] = {
	{ "", false, 0, "" },
	{ "secret = " SECRET, true, 1, "" },
	{ "keys_file = keys.json", true, 1, "" },
	{ "keys_file = keys.json\nsecret = " SECRET, true, 2, "" },
	{ "keys_file = none.json", true, 0, "[jwt] keys_file: " },
};
START_TEST(reads_the_keys_of_each_source)
	{
		auth.config = config_with(sources[_i].jwt);
		auth_keys_read(auth.config, &made);
		ck_assert_int_eq(auth_keys_configured(auth.config), sources[_i].is_configured);
		ck_assert_uint_eq(jwt_keys_count(made.keys), sources[_i].count);
		ck_assert_msg(strstr(made.err.text, sources[_i].error) == made.err.text, "%s",
			made.err.text);
		ck_assert_int_eq(made.err.text[0] == '\0', sources[_i].error[0] == '\0');
	}
END_TEST

/* One key is in force; then another configuration, or the same one, is applied. */
static const struct {
	const char *old, *new;
	const char *file; /* the content of the file of keys */
	size_t count;	  /* keys in force then */
	bool has_error;
} changes[] = {
	{ "secret = " SECRET, "secret = " SECRET SECRET, JWK, 1, false },
	{ "secret = " SECRET, "keys_file = keys.json", TWO_JWKS, 2, false },
	{ "secret = " SECRET, "keys_file = keys.json", "{ half a fi", 0, true },
	{ "secret = " SECRET, "", JWK, 0, false },
	{ "keys_file = keys.json", "keys_file = keys.json", "{ half a fi", 1, true },
	{ "keys_file = keys.json", "keys_file = keys.json\nissuer = x", "{ half a fi", 1, true },
	{ "keys_file = keys.json", "keys_file = keys.json\nsecret = " SECRET, "{ half a fi", 0,
		true },
	{ "keys_file = keys.json", "keys_file = keys.json", TWO_JWKS, 2, false },
};
START_TEST(old_keys_stay_only_while_their_own_source_cannot_be_read)
	{
		const struct config *next = config_with(changes[_i].new);

		auth.config = config_with(changes[_i].old);
		auth_keys_refresh(&auth, true);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 1);
		write_keys(changes[_i].file);
		auth_keys_read(next, &made);
		auth_keys_apply(&auth, next, &made);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), changes[_i].count);
		ck_assert_int_eq(auth.keys.err.text[0] != '\0', changes[_i].has_error);
		config_unref(&next);
	}
END_TEST

START_TEST(reads_the_file_again_only_when_it_has_changed)
	{
		const struct jwt_keys *first;

		auth.config = config_with("keys_file = keys.json");
		auth_keys_refresh(&auth, true);
		first = auth.keys.keys;
		ck_assert_uint_eq(jwt_keys_count(first), 1);
		auth_keys_refresh(&auth, false);
		ck_assert_ptr_eq(auth.keys.keys, first);
		write_keys(TWO_JWKS);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 2);
		ck_assert_int_eq(unlink(keys_path), 0);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 2);
		ck_assert_ptr_nonnull(strstr(auth.keys.err.text, "keys.json"));
		write_keys(JWK);
		auth_keys_refresh(&auth, false);
		ck_assert_uint_eq(jwt_keys_count(auth.keys.keys), 1);
		ck_assert_str_eq(auth.keys.err.text, "");
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_keys");
	TCase *tcase = tcase_create("auth_keys");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, reads_the_keys_of_each_source, 0, COUNT(sources));
	tcase_add_loop_test(tcase, old_keys_stay_only_while_their_own_source_cannot_be_read, 0,
		COUNT(changes));
	tcase_add_test(tcase, reads_the_file_again_only_when_it_has_changed);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
