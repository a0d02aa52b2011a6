/*
 * Keys from the text of a file: PEM blocks, good and bad, private keys that must not be shown, and
 * the bound on the number of keys.
 */
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/auth/jwt_keys.h"
#include "lib/base/strbuf.h"
#include "t/unit/lib/tokens.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define BIT(algorithm) (1U << JWT_##algorithm)
#define RSAS (BIT(RS256) | BIT(RS384) | BIT(RS512) | BIT(PS256) | BIT(PS384) | BIT(PS512))

static int add(struct jwt_keys *keys, const char *text, struct problems *problems,
	struct errmsg *err)
{
	return jwt_keys_add_text(keys, text, strlen(text), problems, err);
}

static void add_block(struct strbuf *text, const char *name, const unsigned char *der, int len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes;
	long size;

	ck_assert_int_gt(PEM_write_bio(bio, name, "", der, len), 0);
	size = BIO_get_mem_data(bio, &bytes);
	strbuf_add(text, bytes, (size_t)size);
	BIO_free(bio);
}

static void add_certificate(struct strbuf *text, EVP_PKEY *pair)
{
	EVP_PKEY *signer = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *certificate = X509_new();
	unsigned char *der = NULL;
	int len;

	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	ck_assert_int_eq(X509_set_pubkey(certificate, pair), 1);
	ck_assert_int_gt(X509_sign(certificate, signer, NULL), 0);
	len = i2d_X509(certificate, &der);
	add_block(text, "CERTIFICATE", der, len);
	OPENSSL_free(der);
	X509_free(certificate);
	EVP_PKEY_free(signer);
}

/* A public key, which needs no primes, only a modulus without small factors: nothing is signed with
 * it. */
static EVP_PKEY *rsa;

static bool has_small_factor(const BIGNUM *number)
{
	for (BN_ULONG factor = 3; factor < 752; factor += 2) {
		if (BN_mod_word(number, factor) == 0)
			return true;
	}
	return false;
}

static EVP_PKEY *make_rsa_with(unsigned exponent)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *made = OSSL_PARAM_BLD_new();
	BIGNUM *modulus = BN_new();
	OSSL_PARAM *parameters;
	EVP_PKEY *key = NULL;

	do
		ck_assert_int_eq(BN_rand(modulus, 2048, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	while (has_small_factor(modulus));
	ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(made, "n", modulus), 1);
	ck_assert_int_eq(OSSL_PARAM_BLD_push_uint(made, "e", exponent), 1);
	parameters = OSSL_PARAM_BLD_to_param(made);
	ck_assert_int_eq(EVP_PKEY_fromdata_init(context), 1);
	ck_assert_int_eq(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(made);
	BN_free(modulus);
	EVP_PKEY_CTX_free(context);
	return key;
}

static void make_rsa(void)
{
	rsa = make_rsa_with(65537);
}

static void free_rsa(void)
{
	EVP_PKEY_free(rsa);
}

static EVP_PKEY *pair_of(const char *type)
{
	if (strcmp(type, "EC") == 0)
		return EVP_EC_gen("P-256");
	if (strncmp(type, "P-", 2) == 0)
		return EVP_EC_gen(type);
	if (strcmp(type, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ck_assert_int_eq(EVP_PKEY_up_ref(rsa), 1);
	return rsa;
}

/* Append the public key of the pair as a block, and free the pair. */
static void add_pair(struct strbuf *text, const char *block, EVP_PKEY *pair)
{
	unsigned char *der = NULL;
	int len = 0;

	if (strcmp(block, "CERTIFICATE") == 0)
		add_certificate(text, pair);
	else if (strcmp(block, "PUBLIC KEY") == 0)
		len = i2d_PUBKEY(pair, &der);
	else
		len = i2d_PublicKey(pair, &der);
	if (der != NULL)
		add_block(text, block, der, len);
	ck_assert_ptr_nonnull(text->text);
	OPENSSL_free(der);
	EVP_PKEY_free(pair);
}

/* Append the public key of a new pair as a block. */
static void add_new(struct strbuf *text, const char *block, const char *type)
{
	add_pair(text, block, pair_of(type));
}

static const struct {
	const char *block, *type;
	unsigned algorithms;
} kinds[] = {
	{ "PUBLIC KEY", "RSA", RSAS },
	{ "PUBLIC KEY", "EC", BIT(ES256) },
	{ "PUBLIC KEY", "ED25519", BIT(EDDSA) },
	{ "RSA PUBLIC KEY", "RSA", RSAS },
	{ "PUBLIC KEY", "P-384", BIT(ES384) },
	{ "PUBLIC KEY", "P-521", BIT(ES512) },
	{ "CERTIFICATE", "RSA", RSAS },
	{ "CERTIFICATE", "EC", BIT(ES256) },
	{ "CERTIFICATE", "ED25519", BIT(EDDSA) },
};
START_TEST(a_block_gets_the_algorithms_of_its_type)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct strbuf text = STRBUF_INIT;
		struct errmsg err = { "" };
		const struct jwt_key *key;

		add_new(&text, kinds[_i].block, kinds[_i].type);
		ck_assert_msg(add(keys, text.text, problems, &err) == 0, "%s", err.text);
		ck_assert_uint_eq(jwt_keys_count(keys), 1);
		ck_assert_uint_eq(problems_count(problems), 0);
		key = jwt_keys_at(keys, 0);
		ck_assert_uint_eq(key->algorithms, kinds[_i].algorithms);
		ck_assert_ptr_nonnull(key->public);
		ck_assert_ptr_null(key->kid);
		ck_assert_ptr_null(key->secret);
		strbuf_free(&text);
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

/* With the exponent 1, a signature is the padded hash itself. */
START_TEST(an_rsa_block_needs_an_exponent_that_can_be_one)
	{
		static const unsigned exponents[] = { 1, 2, 65536 };
		static const char *const blocks[] = { "PUBLIC KEY", "RSA PUBLIC KEY" };
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct strbuf text = STRBUF_INIT;

		for (int i = 0; i < COUNT(exponents) * COUNT(blocks); i++)
			add_pair(&text, blocks[i % COUNT(blocks)],
				make_rsa_with(exponents[i / COUNT(blocks)]));
		ck_assert_int_eq(add(keys, text.text, problems, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		ck_assert_ptr_nonnull(
			strstr(problems_text(problems, 0), "n and e are not an RSA key"));
		strbuf_free(&text);
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

/* With a point of small order, such as this one of 32 zero bytes. */
START_TEST(an_ed25519_block_needs_a_point_that_can_be_one)
	{
		static const char text[] =
			"-----BEGIN PUBLIC KEY-----\n"
			"MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
			"-----END PUBLIC KEY-----\n";
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();

		ck_assert_int_eq(add(keys, text, problems, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		ck_assert_ptr_nonnull(
			strstr(problems_text(problems, 0), "everybody can make signatures"));
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(reads_all_blocks_of_a_file_and_skips_text_between)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct strbuf text = STRBUF_INIT;

		strbuf_add_str(&text, " \n# the old one\n");
		for (int i = 0; i < COUNT(kinds); i++) {
			add_new(&text, kinds[i].block, kinds[i].type);
			strbuf_add_str(&text, i % 2 == 0 ? "\r\nand\n" : "");
		}
		ck_assert_int_eq(add(keys, text.text, problems, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), COUNT(kinds));
		for (int i = 0; i < COUNT(kinds); i++)
			ck_assert_uint_eq(jwt_keys_at(keys, (size_t)i)->algorithms,
				kinds[i].algorithms);
		ck_assert_uint_eq(problems_count(problems), 0);
		strbuf_free(&text);
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

static const struct {
	const char *block, *why;
} bad[] = {
	{ "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "PUBLIC KEY is damaged" },
	{ "-----BEGIN RSA PUBLIC KEY-----\nMAA=\n-----END RSA PUBLIC KEY-----\n",
		"RSA PUBLIC KEY is damaged" },
	{ "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		"CERTIFICATE is damaged" },
	{ "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key" },
	{ "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", "a private key" },
	{ "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
		"a private key" },
	{ "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
		"\"EC PARAMETERS\" is not a public key" },
	{ "-----BEGIN public key-----\nAAAA\n-----END public key-----\n",
		"\"public key\" is not a public key" },
	{ "-----BEGIN PUBLIC KEY-----\n%%%%\n-----END PUBLIC KEY-----\n", "cut off or damaged" },
	{ "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END CERTIFICATE-----\n", "cut off or damaged" },
};
START_TEST(reports_a_bad_block_and_reads_the_others)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct strbuf text = STRBUF_INIT;
		struct errmsg err = { "" };
		bool is_whole = strcmp(bad[_i].why, "cut off or damaged") != 0;

		ck_assert_int_eq(add(keys, bad[_i].block, problems, &err), is_whole ? 0 : -1);
		ck_assert_msg(strstr(err.text, bad[_i].why) != NULL, "%s", err.text);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), "key 1: "));
		ck_assert_uint_eq(problems_count(problems), is_whole ? 2 : 1);
		ck_assert_int_eq(add(keys, bad[_i].block, NULL, NULL), is_whole ? 0 : -1);
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		ck_assert_int_eq(jwt_keys_are_private(keys),
			strstr(bad[_i].block, "PRIVATE") != NULL);
		problems_free(&problems);
		problems = problems_new();
		add_new(&text, "PUBLIC KEY", "EC");
		strbuf_add_str(&text, bad[_i].block);
		add_new(&text, "PUBLIC KEY", "ED25519");
		ck_assert_int_eq(add(keys, text.text, problems, &err), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 2);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), "key 2: "));
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), bad[_i].why));
		strbuf_free(&text);
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(names_a_last_block_that_is_cut_off)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct strbuf text = STRBUF_INIT;

		add_new(&text, "PUBLIC KEY", "EC");
		strbuf_add_str(&text, "-----BEGIN PUBLIC KEY-----\nAAAA\n");
		ck_assert_int_eq(add(keys, text.text, problems, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 1);
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), "key 2: "));
		strbuf_free(&text);
		problems_free(&problems);
		jwt_keys_unref(&keys);
	}
END_TEST

static const struct {
	const char *type, *why;
} weak[] = { { "RSA-1024", "1024 bits; it needs at least 2048" },
	{ "secp256k1", "neither RSA nor EC (P-256, P-384, P-521)" },
	{ "X25519", "neither RSA nor EC (P-256, P-384, P-521)" } };
START_TEST(names_a_key_that_can_not_verify)
	{
		struct token_pair *pair = token_pair_new(weak[_i].type);
		char *pem = token_pair_pem(pair);
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct strbuf text = STRBUF_INIT;

		strbuf_add_str(&text, pem);
		add_new(&text, "PUBLIC KEY", "EC");
		ck_assert_int_eq(add(keys, text.text, problems, NULL), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 1);
		ck_assert_uint_eq(jwt_keys_at(keys, 0)->algorithms, BIT(ES256));
		ck_assert_uint_eq(problems_count(problems), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(problems, 0), weak[_i].why));
		strbuf_free(&text);
		free(pem);
		problems_free(&problems);
		jwt_keys_unref(&keys);
		token_pair_free(&pair);
	}
END_TEST

START_TEST(a_private_key_is_refused_and_not_shown)
	{
		struct token_pair *pair = token_pair_new("EC");
		char *pem = token_pair_private_pem(pair), line[65] = "";
		struct jwt_keys *keys = jwt_keys_new();
		struct problems *problems = problems_new();
		struct errmsg err = { "" };

		(void)strncpy(line, strchr(pem, '\n') + 1, 64);
		ck_assert_int_eq(add(keys, pem, problems, &err), 0);
		ck_assert(jwt_keys_are_private(keys));
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		ck_assert_ptr_nonnull(strstr(err.text, "a private key; only the public key"));
		ck_assert_ptr_null(strstr(err.text, line));
		ck_assert_ptr_null(strstr(problems_text(problems, 0), line));
		free(pem);
		problems_free(&problems);
		jwt_keys_unref(&keys);
		token_pair_free(&pair);
	}
END_TEST

START_TEST(a_block_cut_at_any_byte_is_no_key)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct strbuf text = STRBUF_INIT;

		add_new(&text, "PUBLIC KEY", "ED25519");
		for (size_t len = 0; len < text.len - 6; len++) { /* all but the last dashes */
			char *copy = malloc(len > 0 ? len : 1);

			memcpy(copy, text.text, len);
			ck_assert_int_eq(jwt_keys_add_text(keys, copy, len, NULL, NULL), -1);
			free(copy);
		}
		ck_assert_uint_eq(jwt_keys_count(keys), 0);
		ck_assert_int_eq(jwt_keys_add_text(keys, text.text, text.len - 1, NULL, NULL), 0);
		strbuf_free(&text);
		jwt_keys_unref(&keys);
	}
END_TEST

START_TEST(a_257th_block_is_refused)
	{
		struct jwt_keys *keys = jwt_keys_new();
		struct strbuf one = STRBUF_INIT, text = STRBUF_INIT;
		struct errmsg err = { "" };

		add_new(&one, "PUBLIC KEY", "ED25519");
		for (int i = 0; i < 256; i++)
			strbuf_add_str(&text, one.text);
		ck_assert_int_eq(add(keys, text.text, NULL, &err), 0);
		ck_assert_uint_eq(jwt_keys_count(keys), 256);
		ck_assert_int_eq(add(keys, one.text, NULL, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.text, "more than 256 keys"));
		strbuf_free(&one);
		strbuf_free(&text);
		jwt_keys_unref(&keys);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("jwt_keys_text");
	TCase *tcase = tcase_create("jwt_keys_text");

	tcase_add_unchecked_fixture(tcase, make_rsa, free_rsa);
	tcase_add_loop_test(tcase, a_block_gets_the_algorithms_of_its_type, 0, COUNT(kinds));
	tcase_add_test(tcase, an_rsa_block_needs_an_exponent_that_can_be_one);
	tcase_add_test(tcase, an_ed25519_block_needs_a_point_that_can_be_one);
	tcase_add_test(tcase, reads_all_blocks_of_a_file_and_skips_text_between);
	tcase_add_loop_test(tcase, reports_a_bad_block_and_reads_the_others, 0, COUNT(bad));
	tcase_add_test(tcase, names_a_last_block_that_is_cut_off);
	tcase_add_loop_test(tcase, names_a_key_that_can_not_verify, 0, COUNT(weak));
	tcase_add_test(tcase, a_private_key_is_refused_and_not_shown);
	tcase_add_test(tcase, a_block_cut_at_any_byte_is_no_key);
	tcase_add_test(tcase, a_257th_block_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
