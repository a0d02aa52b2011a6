/*
 * The set of keys itself: the names of algorithms, which bytes are accepted as shared secrets, and
 * that a set lives as long as a reference to it.
 */
#include "lib/auth/jwt_keys.h"

#include <stdbool.h>
#include <string.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECRET "0123456789abcdef0123456789abcdef"
#define BIT(algorithm) (1U << JWT_##algorithm)
#define HMACS (BIT(HS256) | BIT(HS384) | BIT(HS512))

/* ---- algorithms ---------------------------------------------------------------- */

START_TEST(finds_each_algorithm_by_its_name)
	{
		for (int i = 0; i < JWT_ALGORITHMS; i++) {
			enum jwt_algorithm found = JWT_ALGORITHMS;

			ck_assert_int_eq(jwt_algorithm_find(jwt_algorithm_name(i), &found), 0);
			ck_assert_int_eq((int)found, i);
		}
		ck_assert_str_eq(jwt_algorithm_name(JWT_EDDSA), "EdDSA");
	}
END_TEST

/* The registry of JOSE has both names since RFC 9864. */
START_TEST(ed25519_is_another_name_of_eddsa)
	{
		enum jwt_algorithm found = JWT_ALGORITHMS;

		ck_assert_int_eq(jwt_algorithm_find("Ed25519", &found), 0);
		ck_assert_int_eq(found, JWT_EDDSA);
	}
END_TEST

static const char *const no_algorithms[] = { "", "none", "None", "hs256", "HS256 ", "HS25", "ES521",
	"RS1", "EDDSA", "Ed448", "ed25519", "ES256K" };
START_TEST(finds_no_other_algorithm)
	{
		enum jwt_algorithm found = JWT_ALGORITHMS;

		ck_assert_int_eq(jwt_algorithm_find(no_algorithms[_i], &found), -1);
		ck_assert_int_eq(found, JWT_ALGORITHMS);
	}
END_TEST

/* ---- secrets -------------------------------------------------------------------- */

static const struct {
	const char *secret;
	size_t len;
	const char *why; /* "": it is added */
	unsigned algorithms;
} secrets[] = {
	{ SECRET, 32, "", BIT(HS256) },
	{ SECRET SECRET, 47, "", BIT(HS256) },
	{ SECRET SECRET, 48, "", BIT(HS256) | BIT(HS384) },
	{ SECRET SECRET, 63, "", BIT(HS256) | BIT(HS384) },
	{ SECRET SECRET, 64, "", HMACS },
	{ SECRET SECRET SECRET, 96, "", HMACS },
	{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\n \0\0\0\0\0\0\0\0\0\0\0\0", 32, "", BIT(HS256) },
	{ SECRET, 31, "31 bytes; it needs at least 32", 0 },
	{ "", 0, "0 bytes", 0 },
	{ "-----BEGIN PUBLIC KEY-----\nAAAAAAAA\n", 36, "PEM", 0 },
	{ " \n# a comment\n-----BEGIN RSA PUBLIC KEY-----\n", 46, "PEM", 0 },
};
START_TEST(uses_the_bytes_of_a_secret_unchanged)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct errmsg err = { "" };
		const struct jwt_key *key;
		bool taken = secrets[_i].why[0] == '\0';

		ck_assert_int_eq(jwt_keys_add_secret(keys, secrets[_i].secret, secrets[_i].len,
					 &err),
			taken ? 0 : -1);
		ck_assert_ptr_nonnull(strstr(err.text, secrets[_i].why));
		ck_assert_uint_eq(jwt_keys_count(keys), taken);
		if (taken) {
			key = jwt_keys_at(keys, 0);
			ck_assert_uint_eq(key->secret_len, secrets[_i].len);
			ck_assert_mem_eq(key->secret, secrets[_i].secret, secrets[_i].len);
			ck_assert_uint_eq(key->algorithms, secrets[_i].algorithms);
			ck_assert_ptr_null(key->kid);
			ck_assert_ptr_null(key->public);
		}
		ck_assert_int_eq(jwt_keys_add_secret(keys, secrets[_i].secret, secrets[_i].len,
					 NULL),
			taken ? 0 : -1);
		jwt_keys_unref(&keys);
	}
END_TEST

/* ---- references ------------------------------------------------------------------ */

START_TEST(lives_until_its_last_reference_goes)
	{
		struct jwt_keys *keys = jwt_keys_new(), *held = jwt_keys_ref(keys), *none = NULL;

		ck_assert_ptr_eq(held, keys);
		ck_assert_int_eq(jwt_keys_add_secret(keys, SECRET, 32, NULL), 0);
		jwt_keys_unref(&keys);
		ck_assert_ptr_null(keys);
		ck_assert_uint_eq(jwt_keys_count(held), 1);
		ck_assert_mem_eq(jwt_keys_at(held, 0)->secret, SECRET, 32);
		jwt_keys_unref(&held);
		jwt_keys_unref(&held);
		ck_assert_ptr_null(jwt_keys_ref(none));
		ck_assert_uint_eq(jwt_keys_count(none), 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("jwt_keys");
	TCase *tcase = tcase_create("jwt_keys");

	tcase_add_test(tcase, finds_each_algorithm_by_its_name);
	tcase_add_test(tcase, ed25519_is_another_name_of_eddsa);
	tcase_add_loop_test(tcase, finds_no_other_algorithm, 0, COUNT(no_algorithms));
	tcase_add_loop_test(tcase, uses_the_bytes_of_a_secret_unchanged, 0, COUNT(secrets));
	tcase_add_test(tcase, lives_until_its_last_reference_goes);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
