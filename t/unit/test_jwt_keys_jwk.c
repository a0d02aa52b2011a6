/* Keys from JSON: which JWKs are added for which algorithms, why others are left out, and the
 * bounds. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/auth/jwt_keys.h"
#include "lib/base/strbuf.h"
#include "t/unit/lib/tokens.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECRET "0123456789abcdef0123456789abcdef"
#define K32 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY" /* SECRET in base64url */

#define BIT(algorithm) (1U << JWT_##algorithm)
#define HMACS (BIT(HS256) | BIT(HS384) | BIT(HS512))
#define RSAS (BIT(RS256) | BIT(RS384) | BIT(RS512) | BIT(PS256) | BIT(PS384) | BIT(PS512))

/* RFC 7517 appendix A.1 and A.3, RFC 7515 appendix A.1, RFC 8037 appendix A.2 */
#define EC_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define EC_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define EC_D "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define RSA_N                                                                                  \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6"   \
	"tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-" \
	"65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNL" \
	"yrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJ" \
	"zKnqDKgw"
#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define OCT                                                                                    \
	"\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3" \
	"Yj0iPS4hcgUuTwjAzZr1Z9CAow\""
#define K48 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVm"
/* RFC 7520 section 3.1 */
#define EC521                                                                                       \
	"\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl" \
	"_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt\",\"y\":\"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34k" \
	"fmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1\""
#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\""
#define ED_D "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"

static int add(struct jwt_keys *keys, const char *text, struct problems *problems,
	struct errmsg *err)
{
	return jwt_keys_add_text(keys, text, strlen(text), problems, err);
}

static const struct {
	const char *jwk;
	unsigned algorithms;
	const char *kid; /* NULL: none */
} good[] = {
	{ "{" EC ",\"use\":\"sig\",\"kid\":\"1\"}", BIT(ES256), "1" },
	{ "{" RSA ",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}", BIT(RS256), "2011-04-29" },
	{ "{" RSA ",\"alg\":\"PS256\"}", BIT(PS256), NULL },
	{ "{" RSA "}", RSAS, NULL },
	{ "{" OCT ",\"kid\":\"HMAC key used in JWS spec Appendix A.1 example\"}", HMACS,
		"HMAC key used in JWS spec Appendix A.1 example" },
	{ "{" OCT ",\"alg\":\"HS512\"}", BIT(HS512), NULL },
	{ "{\"kty\":\"oct\",\"k\":\"" K32 "\"}", BIT(HS256), NULL },
	{ "{\"kty\":\"oct\",\"k\":\"" K32 "\",\"alg\":\"HS256\"}", BIT(HS256), NULL },
	{ "{\"kty\":\"oct\",\"k\":\"" K48 "\"}", BIT(HS256) | BIT(HS384), NULL },
	{ "{\"kty\":\"oct\",\"k\":\"" K48 "\",\"alg\":\"HS384\"}", BIT(HS384), NULL },
	{ "{" RSA ",\"alg\":\"RS384\"}", BIT(RS384), NULL },
	{ "{" RSA ",\"alg\":\"RS512\"}", BIT(RS512), NULL },
	{ "{" RSA ",\"alg\":\"PS384\"}", BIT(PS384), NULL },
	{ "{" RSA ",\"alg\":\"PS512\"}", BIT(PS512), NULL },
	{ "{" EC521 "}", BIT(ES512), NULL },
	{ "{" EC521 ",\"alg\":\"ES512\"}", BIT(ES512), NULL },
	{ "{" ED ",\"alg\":\"Ed25519\"}", BIT(EDDSA), NULL },
	{ "{" ED ",\"kid\":\"\"}", BIT(EDDSA), "" },
	{ "{" ED ",\"alg\":\"EdDSA\"}", BIT(EDDSA), NULL },
	{ "{" EC ",\"key_ops\":[\"sign\",\"verify\"]}", BIT(ES256), NULL },
	{ "{" EC ",\"x5c\":[\"AAAA\"],\"x5t\":\"AAAA\",\"future\":{\"kty\":\"oct\"}}", BIT(ES256),
		NULL },
	{ "\t\r\n {\"keys\":[{" EC "}],\"more\":7}\n", BIT(ES256), NULL },
	/* a text with "keys" is a set, whatever its other members */
	{ "{\"kty\":\"oct\",\"k\":\"AAAA\",\"keys\":[{" EC "}]}", BIT(ES256), NULL },
};
START_TEST(a_jwk_gets_the_algorithms_of_its_type_or_alg)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct errmsg err = { "" };
		const struct jwt_key *key;

		ck_assert_msg(add(keys, good[_i].jwk, problems, &err) == 0, "%s", err.text);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 1);
		key = jwt_keys_at(keys, 0);
		ck_assert_uint_eq(key->algorithms, good[_i].algorithms);
		ck_assert_int_eq(key->kid == NULL, good[_i].kid == NULL);
		if (key->kid != NULL)
			ck_assert_str_eq(key->kid, good[_i].kid);
		ck_assert_int_eq(key->public == NULL, (key->algorithms & HMACS) != 0);
		ck_assert_int_eq(key->secret == NULL, (key->algorithms & HMACS) == 0);
		ck_assert_int_eq(add(keys, good[_i].jwk, NULL, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 2); /* the same key once more */
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(a_secret_of_a_jwk_is_decoded_from_base64url)
	{
		struct jwt_keys *keys = jwt_keys_new();

		ck_assert_int_eq(add(keys, "{\"kty\":\"oct\",\"k\":\"" K32 "\"}", NULL, NULL), 0);
		ck_assert_uint_eq(jwt_keys_at(keys, 0)->secret_len, 32);
		ck_assert_mem_eq(jwt_keys_at(keys, 0)->secret, SECRET, 32);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(the_private_part_of_a_jwk_is_not_kept)
	{
		struct jwt_keys *keys = jwt_keys_new();
		size_t len = 0;
		BIGNUM *d = NULL;

		ck_assert_int_eq(add(keys,
					 "{\"keys\":[{" ED ",\"d\":\"" ED_D "\"},{" EC
					 ",\"d\":\"" EC_D "\"},{" RSA ",\"d\":\"AQAB\"}]}",
					 NULL, NULL),
			0);
		ck_assert_uint_eq(jwt_keys_count(keys), 3);
		ck_assert_int_ne(EVP_PKEY_get_raw_private_key(jwt_keys_at(keys, 0)->public, NULL,
					 &len),
			1);
		for (size_t i = 1; i < 3; i++)
			ck_assert_int_ne(EVP_PKEY_get_bn_param(jwt_keys_at(keys, i)->public,
						 i == 1 ? OSSL_PKEY_PARAM_PRIV_KEY :
							  OSSL_PKEY_PARAM_RSA_D,
						 &d),
				1);
		jwt_keys_unref(&keys);
	}
END_TEST

/* Each is tried alone, and beside good keys. */
static const struct {
	const char *jwk, *why; /* "": for another use, and not reported */
} bad[] = {
	/* kty */
	{ "{}", "no \"kty\"" },
	{ "{\"kty\":7}", "no \"kty\"" },
	{ "{\"kty\":null}", "no \"kty\"" },
	{ "{\"kty\":[\"oct\"],\"k\":\"" K32 "\"}", "no \"kty\"" },
	{ "{\"kty\":\"\"}", "not one of RSA, EC, OKP and oct" },
	{ "{\"kty\":\"rsa\"}", "not one of RSA, EC, OKP and oct" },
	{ "{\"kty\":\"OCT\",\"k\":\"" K32 "\"}", "not one of RSA, EC, OKP and oct" },
	{ "{\"kty\":\"AKP\"}", "not one of RSA, EC, OKP and oct" },

	/* oct */
	{ "{\"kty\":\"oct\"}", "no \"k\"" },
	{ "{\"kty\":\"oct\",\"K\":\"" K32 "\"}", "no \"k\"" },
	{ "{\"kty\":\"oct\",\"k\":null}", "no \"k\"" },
	{ "{\"kty\":\"oct\",\"k\":[\"" K32 "\"]}", "no \"k\"" },
	{ "{\"kty\":\"oct\",\"k\":\"\"}", "\"k\" is not base64url" },
	{ "{\"kty\":\"oct\",\"k\":\"" K32 "=\"}", "\"k\" is not base64url" },
	{ "{\"kty\":\"oct\",\"k\":\"" K32 "\\n\"}", "\"k\" is not base64url" },
	{ "{\"kty\":\"oct\",\"k\":\" " K32 "\"}", "\"k\" is not base64url" },
	{ "{\"kty\":\"oct\",\"k\":\"+" K32 "\"}", "\"k\" is not base64url" },
	{ "{\"kty\":\"oct\",\"k\":\"" K32 "AA\"}", "\"k\" is not base64url" },
	{ "{\"kty\":\"oct\",\"k\":\"GawgguFyGrWKav7AX4VKUg\"}", "16 bytes; it needs at least 32" },
	{ "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZQ\"}",
		"31 bytes; it needs at least 32" },

	/* RSA */
	{ "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "no \"n\"" },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}", "no \"e\"" },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":65537}", "no \"e\"" },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "=\",\"e\":\"AQAB\"}", "\"n\" is not base64url" },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AA\"}", "n and e are not an RSA key" },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}", "n and e are not an RSA key" },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"Ag\"}", "n and e are not an RSA key" },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAAAAAAB\"}",
		"n and e are not an RSA key" },

	/* EC */
	{ "{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}", "the curve is not P-256" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"not a point of P-384" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"not a point of P-521" },
	{ "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"the curve is not P-256" },
	{ "{\"kty\":\"EC\",\"crv\":\"p-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"the curve is not P-256" },
	{ "{\"kty\":\"EC\",\"crv\":[\"P-256\"],\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
		"the curve is not P-256" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" EC_Y "\"}", "no \"x\"" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"}", "no \"y\"" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_X "\"}",
		"not a point of P-256" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "AA\",\"y\":\"" EC_Y "\"}",
		"\"x\" is not" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"" EC_Y "\"}",
		"not a point of P-256" },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
	  "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		"not a point of P-256" },

	/* OKP */
	{ "{\"kty\":\"OKP\",\"x\":\"" ED_X "\"}", "the curve is not Ed25519" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" ED_X "\"}", "the curve is not Ed25519" },
	{ "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" ED_X "\"}", "the curve is not Ed25519" },
	{ "{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\"}", "the curve is not P-256" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", "no \"x\"" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", "not an Ed25519 key" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA" ED_X "\"}", "not an Ed25519 key" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"7P_______________________________________38\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"7f_______________________________________38\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"7v_______________________________________38\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA\"}",
		"everybody can make signatures" },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA\"}",
		"everybody can make signatures" },

	/* alg */
	{ "{" EC ",\"alg\":\"none\"}", "not one of HS256" },
	{ "{" EC ",\"alg\":\"ES512\"}", "ES512, which needs another type of key" },
	{ "{" EC521 ",\"alg\":\"ES384\"}", "ES384, which needs another type of key" },
	{ "{" RSA ",\"alg\":\"Ed25519\"}", "EdDSA, which needs another type of key" },
	{ "{" ED ",\"alg\":\"Ed448\"}", "not one of HS256" },
	{ "{\"kty\":\"oct\",\"k\":\"" K32 "\",\"alg\":\"HS384\"}",
		"at least 48 bytes; this one has 32" },
	{ "{\"kty\":\"oct\",\"k\":\"" K32 "\",\"alg\":\"HS512\"}",
		"at least 64 bytes; this one has 32" },
	{ "{\"kty\":\"oct\",\"k\":\"" K48 "\",\"alg\":\"HS512\"}",
		"at least 64 bytes; this one has 48" },
	{ "{" EC ",\"alg\":\"es256\"}", "not one of HS256" },
	{ "{" EC ",\"alg\":null}", "not one of HS256" },
	{ "{" EC ",\"alg\":[\"ES256\"]}", "not one of HS256" },
	{ "{" OCT ",\"alg\":\"A128KW\"}", "not one of HS256" },
	{ "{" EC ",\"alg\":\"HS256\"}", "HS256, which needs another type of key" },
	{ "{" RSA ",\"alg\":\"HS256\"}", "HS256, which needs another type of key" },
	{ "{" ED ",\"alg\":\"HS256\"}", "HS256, which needs another type of key" },
	{ "{" RSA ",\"alg\":\"ES256\"}", "ES256, which needs another type of key" },
	{ "{" EC ",\"alg\":\"EdDSA\"}", "EdDSA, which needs another type of key" },
	{ "{" OCT ",\"alg\":\"RS256\"}", "RS256, which needs another type of key" },

	/* kid */
	{ "{" EC ",\"kid\":7}", "\"kid\" is not a string" },
	{ "{" EC ",\"kid\":null}", "\"kid\" is not a string" },
	{ "{" EC ",\"kid\":[\"1\"]}", "\"kid\" is not a string" },

	/* not an object */
	{ "7", "not a JSON object" },
	{ "null", "not a JSON object" },
	{ "[{" EC "}]", "not a JSON object" },

	/* values of use and key_ops that the RFC does not have */
	{ "{" EC ",\"use\":\"SIG\"}",
		"\"use\" is \"SIG\"; a key that verifies signatures has \"sig\", in lower case" },
	{ "{" EC ",\"use\":\"Enc\"}", "\"use\" is \"Enc\"" },
	{ "{" EC ",\"use\":\"\"}", "\"use\" is \"\"" },
	{ "{" EC ",\"use\":[\"enc\"]}", "\"use\" is not a string" },
	{ "{" EC ",\"use\":null}", "\"use\" is not a string" },
	{ "{" EC ",\"key_ops\":\"sign\"}", "\"key_ops\" is not an array" },
	{ "{" EC ",\"key_ops\":{\"verify\":true}}", "\"key_ops\" is not an array" },
	{ "{" EC ",\"key_ops\":null}", "\"key_ops\" is not an array" },
	{ "{" EC ",\"key_ops\":[]}", "\"key_ops\" is empty" },
	{ "{" EC ",\"key_ops\":[7,\"sign\"]}", "\"key_ops\" has an entry that is not a string" },
	{ "{" EC ",\"key_ops\":[\"sign\",\"Verify\"]}",
		"\"key_ops\" has \"Verify\"; a key that verifies signatures has \"verify\"" },

	/* another use */
	{ "{" EC ",\"use\":\"enc\"}", "" },
	{ "{" EC ",\"key_ops\":[\"sign\"]}", "" },
	{ "{" EC ",\"use\":\"sig\",\"key_ops\":[\"encrypt\"]}", "" },
	{ "{" EC ",\"use\":\"enc\",\"key_ops\":\"verify\"}", "" },
};

/* No error text may contain one of these. */
static void ck_tells_no_key(const char *text)
{
	static const char *const keys[] = { K32, EC_X, EC_Y, RSA_N, ED_X, "GawgguFyGrWKav7AX4VKUg",
		"MDEyMzQ1Njc4OWFiY2" };

	for (int i = 0; i < COUNT(keys); i++)
		ck_assert_ptr_null(strstr(text, keys[i]));
}

START_TEST(leaves_a_bad_jwk_out_and_reports_why)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct strbuf text = STRBUF_INIT;
		struct errmsg err = { "" };
		const char *last;

		strbuf_addf(&text, "{\"keys\":[%s]}", bad[_i].jwk);
		ck_assert_msg(add(keys, text.text, problems, &err) == 0, "%s", text.text);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		last = problems_text(problems, problems_kept(problems) - 1);
		ck_assert_msg(strstr(last, "the file has no usable key: ") == last, "%s", last);
		ck_assert_msg(strstr(last, bad[_i].why) != NULL, "%s: %s", text.text, last);
		ck_tells_no_key(last);
		problems_free(&problems);
		problems = problems_new();
		strbuf_reset(&text);
		strbuf_addf(&text, "{\"keys\":[{" ED "},%s,{" EC "}]}", bad[_i].jwk);
		ck_assert_int_eq(add(keys, text.text, problems, &err), 0);
		ck_assert_int_eq(add(keys, text.text, NULL, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 4);
		for (size_t i = 0; i < problems_kept(problems); i++) {
			ck_assert_ptr_nonnull(strstr(problems_text(problems, i), bad[_i].why));
			ck_assert_ptr_nonnull(strstr(problems_text(problems, i), "key 2: "));
			ck_tells_no_key(problems_text(problems, i));
		}
		ck_assert_uint_eq(problems_count(problems), bad[_i].why[0] != '\0');
		strbuf_free(&text);
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(a_key_that_is_left_out_is_named_by_its_id)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();

		ck_assert_int_eq(add(keys,
					 "{\"keys\":[{" ED "},{" EC ",\"kid\":\"2024-a\",\"use\":"
					 "\"signature\"}]}",
					 problems, NULL),
			0);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_str_eq(problems_text(problems, 0),
			"key 2 (kid \"2024-a\"): \"use\" is \"signature\"; a key that verifies "
			"signatures has \"sig\", in lower case; left out");
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

/* Files of which no key is added. */
static const struct {
	const char *text;
	size_t len;
	const char *why;
} files[] = {
#define TEXT(literal) literal, sizeof(literal) - 1
	{ TEXT(""), "no key found" },
	{ TEXT(" \t\r\n"), "no key found" },
	{ TEXT("\0{" EC "}"), "no key found" },
	{ TEXT("[{" EC "}]"), "no key found" },
	{ TEXT("{"), "invalid JSON" },
	{ TEXT("{" EC), "invalid JSON" },
	{ TEXT("{" EC "}x"), "invalid JSON" },
	{ TEXT("{" EC "}\0"), "invalid JSON" },
	{ TEXT("{" EC ",}"), "invalid JSON" },
	{ TEXT("{" EC ",\"kid\":\"a\\u0000b\"}"), "invalid JSON" },
	{ TEXT("{" EC ",\"kid\":\"\xff\"}"), "invalid JSON" },
	{ TEXT("{" EC ",\"kty\":\"oct\"}"), "invalid JSON" },
	{ TEXT("{\"keys\":[{" EC "}],\"keys\":[]}"), "invalid JSON" },
	{ TEXT("{\"keys\":[{" EC ",\"kid\":\"1\",\"kid\":\"2\"}]}"), "invalid JSON" },
	{ TEXT("{\"keys\":false}"), "not an array" },
	{ TEXT("{\"keys\":{" EC "}}"), "not an array" },
	{ TEXT("{}"), "neither a JWK set nor a JWK" },
	{ TEXT("{\"error\":\"not found\"}"), "neither a JWK set nor a JWK" },
	{ TEXT("{\"kty\":\"oct\",\"k\":\"" K32 "\" \"" K32 "\"}"), "invalid JSON" },
};
START_TEST(refuses_a_file_that_is_no_set_of_keys)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct errmsg err = { "" };
		char *copy = malloc(files[_i].len > 0 ? files[_i].len : 1);

		memcpy(copy, files[_i].text, files[_i].len); /* without a NUL at its end */
		ck_assert_int_eq(jwt_keys_add_text(keys, copy, files[_i].len, problems, &err), -1);
		ck_assert_msg(strstr(err.text, files[_i].why) != NULL, "%s", err.text);
		ck_tells_no_key(err.text);
		ck_assert_int_eq(jwt_keys_add_text(keys, copy, files[_i].len, NULL, NULL), -1);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		ck_assert_uint_eq(problems_count(problems), 0);
		free(copy);
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

/* A key that was removed from a file must stop working, also if it was the last one. */
static const char *const empty_sets[] = { "{\"keys\":[]}", " {\"keys\": [ ] , \"more\": 1}\n",
	"{\"keys\":[{" EC ",\"use\":\"enc\"}]}",
	"{\"keys\":[{" EC ",\"use\":\"enc\"},{" RSA ",\"key_ops\":[\"sign\"]}]}",
	"{" EC ",\"use\":\"enc\"}", "{\"keys\":[{\"kty\":\"AKP\"}]}" };
START_TEST(a_set_without_a_usable_key_is_read)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();

		ck_assert_int_eq(add(keys, empty_sets[_i], problems, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		ck_assert_uint_ge(problems_count(problems), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, problems_kept(problems) - 1),
			"the file has no usable key"));
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

/* Whether others may read a file depends on all of its keys, also on those that are left out. */
static const struct {
	const char *text;
	bool is_private;
} secrecy[] = {
	{ "{" EC "}", false },
	{ "{" RSA ",\"x5c\":[\"AAAA\"]}", false },
	{ "{\"keys\":[]}", false },
	{ "{\"keys\":[{" ED "},{" RSA "},{" EC521 "}]}", false },
	{ "{" OCT "}", true },
	{ "{\"kty\":\"oct\",\"k\":\"AAAA\"}", true },
	{ "{" EC ",\"d\":\"" EC_D "\"}", true },
	{ "{" ED ",\"d\":\"" ED_D "\"}", true },
	{ "{" RSA ",\"d\":\"AQAB\"}", true },
	{ "{" RSA ",\"p\":\"AQAB\"}", true },
	{ "{" RSA ",\"q\":\"AQAB\"}", true },
	{ "{" RSA ",\"dp\":\"AQAB\"}", true },
	{ "{" RSA ",\"dq\":\"AQAB\"}", true },
	{ "{" RSA ",\"qi\":\"AQAB\"}", true },
	{ "{" RSA ",\"oth\":[]}", true },
	{ "{\"keys\":[{" ED "},{" EC ",\"d\":\"" EC_D "\"}]}", true },
	{ "{\"keys\":[{" ED "},{" EC ",\"use\":\"enc\",\"d\":\"" EC_D "\"}]}", true },
	{ "{\"keys\":[{" ED "},{\"kty\":\"no\",\"d\":\"AAAA\"}]}", true },
};
START_TEST(notes_whether_a_text_has_secrets)
	{
		struct jwt_keys *keys = jwt_keys_new();

		ck_assert_int_eq(add(keys, secrecy[_i].text, NULL, NULL), 0);
		ck_assert_msg(jwt_keys_are_private(keys) == secrecy[_i].is_private, "%s",
			secrecy[_i].text);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(a_jwk_cut_at_any_byte_is_refused)
	{
		static const char text[] = "{\"keys\":[{" EC ",\"kid\":\"1\"},{" OCT "}]}";
		struct jwt_keys *keys = jwt_keys_new();

		for (size_t len = 0; len < strlen(text); len++)
			ck_assert_int_eq(jwt_keys_add_text(keys, text, len, NULL, NULL), -1);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		jwt_keys_unref(&keys);
	}
END_TEST

/* ---- bounds --------------------------------------------------------------------- */

static const struct {
	size_t len;
	bool taken;
} kids[] = { { 512, true }, { 513, false }, { 100000, false } };
START_TEST(a_kid_has_512_bytes_at_most)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct strbuf text = STRBUF_INIT;

		strbuf_add_str(&text, "{" EC ",\"kid\":\"");
		for (size_t i = 0; i < kids[_i].len; i++)
			strbuf_add_char(&text, 'k');
		strbuf_add_str(&text, "\"}");
		ck_assert_int_eq(add(keys, text.text, NULL, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), kids[_i].taken);
		if (kids[_i].taken)
			ck_assert_uint_eq(strlen(jwt_keys_at(keys, 0)->kid), kids[_i].len);
		strbuf_free(&text);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(a_257th_key_is_refused)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct strbuf text = STRBUF_INIT;
		struct errmsg err = { "" };

		strbuf_add_str(&text, "{\"keys\":[{" EC "}");
		for (int i = 1; i < 256; i++)
			strbuf_addf(&text, ",{\"kty\":\"oct\",\"k\":\"" K32 "\",\"kid\":\"%d\"}",
				i);
		strbuf_add_str(&text, "]}");
		ck_assert_int_eq(add(keys, text.text, NULL, &err), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 256);
		ck_assert_int_eq(jwt_keys_add_secret(keys, SECRET, 32, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "more than 256 keys"));
		ck_assert_int_eq(add(keys, "{" EC "}", NULL, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "more than 256 keys"));
		ck_assert_uint_eq(jwt_keys_count(keys), 256);
		strbuf_free(&text);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(a_text_has_a_mebibyte_at_most)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct errmsg err = { "" };
		char *text = malloc((1 << 20) + 1);

		memset(text, ' ', (1 << 20) + 1);
		memcpy(text, "{" EC "}", sizeof("{" EC "}") - 1);
		ck_assert_int_eq(jwt_keys_add_text(keys, text, (1 << 20) + 1, NULL, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "longer than 1 MiB"));
		ck_assert_int_eq(jwt_keys_add_text(keys, text, 1 << 20, NULL, &err), 0);
		free(text);
		jwt_keys_unref(&keys);
	}
END_TEST

static const struct {
	size_t characters;
	const char *why;
} moduli[] = {
	{ 4096, "not an RSA key" },
	{ 4100, "\"n\" is not base64url" },
	{ 200000, "\"n\" is not base64url" },
};
START_TEST(a_number_that_is_too_long_is_refused)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct strbuf text = STRBUF_INIT;
		struct errmsg err = { "" };

		strbuf_add_str(&text, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"");
		for (size_t i = 0; i < moduli[_i].characters; i++)
			strbuf_add_char(&text, '_');
		strbuf_add_str(&text, "\"}");
		ck_assert_int_eq(add(keys, text.text, NULL, &err), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		ck_assert_msg(strstr(err.text, moduli[_i].why) != NULL, "%s", err.text);
		strbuf_free(&text);
		jwt_keys_unref(&keys);
	}
END_TEST

/* moduli of real keys, as an RSA key with small factors is refused */
static const struct {
	const char *n;
	const char *why; /* "": it is added */
} sizes[] = {
	{ "tMakUce--31bhges5VSS9fBGlD0_DyvkDQS4BqAlkwvpf0htJwoXam7YBs6hBB1e01uipStQVNKMMWEn"
	  "wfPmqkVQswPpw2ReGm0wJcR4kB2gX8BFjl25JbjS_kzo0FI-y8muM1SKEWC341Eb96AzJnzdiso047Q4"
	  "UtW6hY7idDc",
		"the RSA key has 1024 bits; it needs at least 2048" },
	{ "XieupPKd89qTTRFbTmPabwQ_dUv4W_IeeomP8I55j0IW6v6iWkD-u3--E4q94nB7kvXPN6KLIk5hKKlo"
	  "5XLDlKQdnSC9PZAdser3yI7DrsnbYInafrGEcHI-Bh1nDB7qI3ms8zwythqbDKsBLkIkIFcUb2Wvdyuo"
	  "4fohfJo_grmENimrzugEi5cVxIuE8ms-ZAZ_PjmwYZxdLiHlNc5QOMYzt8y-JxdcijQ8uHIr_cQUnQFH"
	  "FyCJzDg7QDOvt3Ojy7MiIdObNspZvS5ZbfN7kF-mMsp4RWIRhSmVP2F-SgZtbf7CdQH8dLCcl6KzY1R5"
	  "CmqdBmITBW-99vv7lYIpsQ",
		"2047 bits" },
	{ "0jbpo7Xd9b1Cs1SJnjNrZSGlWJJFxCqjKFJhOLzZbnM-8bgbTexljc_NI_K43bQ7MwKaO2lbZ9XstgYU"
	  "cVsAwY9H326XfF6DPMTAcKJxUFpm2mKsXcUfhXywMBZWQwfZxGcBA8MWcdPk98Mcx4JVMIjtw9omY_vH"
	  "bO7ZjXKNYvxlj_zffIduSiDC5qiAoS8Wjucn2o6jmsNkkUkBI9L-hnpcHvsZOrSTSEvIfnBCmd71yel3"
	  "ycbDfmPj7Y04bMCm4zxuucSeYGvHKdsyJ4JDyAJW7FWvSGW7EK6e1XukBl2pI8QEKmkd0u9qVVS_-lxf"
	  "XOU5AhVoUXpgJEBQcVSGqQ",
		"" },
	{ "3XJstz3FQQwTc5XZSPEXT4GTcmhvztOh4L8q6iZ3rkYAsBDTTazjkdaP2-IR0jVh_UkNnANVTrtfWE36"
	  "DF8GCSPRJnQRhU1cIhSZQzO8CTNjZiqJsnHK7lvJzQ96qgUv74whX_pqrvTYqv6aZfv1vtz6Y4ErjtaD"
	  "Qq1GmeFO7NPkByPUiKxmgIgmnAkqLrVotk-R1AJ_tJ5xWZDTyAspKSCzVsaeNlCH6_kkvMmVoqVoCIKM"
	  "yswSyQTwX2g5neTcYpl3ObWmjh_iVWXWYW1GaAx4C_ZESca-584dibrX_xcWdMjXHA40MMh8aMMGolK2"
	  "wcMx-rBCA_YkODhOSr7gLmeJt5EVTbYNeAzwcpijI6qd2i2sxHWcjPprzcqUN249D8VFzOqTkDCtlxnt"
	  "duYnSf0-GMjZJI7wT-U_s8Zh2InWXdgE7DJxGeZcl-WbTRv4XA1f0yq6SS_ddIv-3JoNRs9jW3jEbFxS"
	  "d2cYcKqc9it1TCeIkcWg9vuiv2tlqbX9",
		"" },
};
START_TEST(an_rsa_key_has_2048_bits_at_least)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct strbuf text = STRBUF_INIT;
		struct errmsg err = { "" };

		strbuf_addf(&text, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}", sizes[_i].n);
		ck_assert_int_eq(add(keys, text.text, NULL, &err), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), sizes[_i].why[0] == '\0');
		ck_assert_msg(strstr(err.text, sizes[_i].why) != NULL, "%s", err.text);
		strbuf_free(&text);
		jwt_keys_unref(&keys);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("jwt_keys_jwk");
	TCase *tcase = tcase_create("jwt_keys_jwk");

	tcase_add_loop_test(tcase, a_jwk_gets_the_algorithms_of_its_type_or_alg, 0, COUNT(good));
	tcase_add_test(tcase, a_secret_of_a_jwk_is_decoded_from_base64url);
	tcase_add_test(tcase, the_private_part_of_a_jwk_is_not_kept);
	tcase_add_loop_test(tcase, leaves_a_bad_jwk_out_and_reports_why, 0, COUNT(bad));
	tcase_add_test(tcase, a_key_that_is_left_out_is_named_by_its_id);
	tcase_add_loop_test(tcase, refuses_a_file_that_is_no_set_of_keys, 0, COUNT(files));
	tcase_add_loop_test(tcase, a_set_without_a_usable_key_is_read, 0, COUNT(empty_sets));
	tcase_add_loop_test(tcase, notes_whether_a_text_has_secrets, 0, COUNT(secrecy));
	tcase_add_test(tcase, a_jwk_cut_at_any_byte_is_refused);
	tcase_add_loop_test(tcase, a_kid_has_512_bytes_at_most, 0, COUNT(kids));
	tcase_add_test(tcase, a_257th_key_is_refused);
	tcase_add_test(tcase, a_text_has_a_mebibyte_at_most);
	tcase_add_loop_test(tcase, a_number_that_is_too_long_is_refused, 0, COUNT(moduli));
	tcase_add_loop_test(tcase, an_rsa_key_has_2048_bits_at_least, 0, COUNT(sizes));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
