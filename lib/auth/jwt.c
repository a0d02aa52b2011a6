/*
 * JSON Web Tokens: splits a token, verifies its signature with the keys of a set, and checks its
 * claims. It owns nothing between calls and runs on any thread.
 */
#include "lib/auth/jwt.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/auth/base64.h"
#include "lib/base/text.h"
#include "lib/match/address.h"

#define MAIL_MAX 400 /* bytes of an address that becomes a login */

/* No time in seconds is that late (the year 33658), and no time in milliseconds that early (2001).
 */
#define MILLISECONDS_MIN 1e12

/* The parts of a token; they point into it. */
struct parts {
	const char *header, *payload, *signature;
	size_t header_len, payload_len, signature_len;
	size_t signed_len; /* header, dot and payload */
};

/* Some clients truncate long passwords, so that the reason must make clear that the token is cut
 * off. */
static int cut_off(size_t len, const char *what, struct errmsg *err)
{
	return errmsg_set(err, "the token of %zu bytes is cut off: %s", len, what);
}

static int split_token(const char *token, size_t len, struct parts *parts_r, struct errmsg *err)
{
	const char *first, *second;
	struct parts p = { .header = token };

	if (len > JWT_MAX)
		return errmsg_set(err, "the token is longer than %d bytes", JWT_MAX);
	if ((first = memchr(token, '.', len)) == NULL)
		return len > 2 && strncmp(token, "ey", 2) == 0 ?
			cut_off(len, "it ends in its header", err) :
			errmsg_set(err, "not a token: it has no dots");
	p.header_len = (size_t)(first - token);
	p.payload = first + 1;
	second = memchr(p.payload, '.', len - p.header_len - 1);
	if (second == NULL)
		return cut_off(len, "it ends in its claims", err);
	p.payload_len = (size_t)(second - p.payload);
	p.signed_len = (size_t)(second - token);
	p.signature = second + 1;
	p.signature_len = len - p.signed_len - 1;
	if (memchr(p.signature, '.', p.signature_len) != NULL)
		return errmsg_set(err, "the token has more than three parts");
	*parts_r = p;
	return 0;
}

/* Decode a part that is base64url of a JSON object. Returns NULL with err set. */
static json_t *read_object(const char *text, size_t len, const char *what, struct errmsg *err)
{
	uint8_t bytes[BASE64_DECODED_MAX(JWT_MAX)];
	json_error_t error;
	size_t bytes_len;
	json_t *object;

	if (base64url_decode(text, len, bytes, &bytes_len) < 0) {
		(void)errmsg_set(err, "the token's %s is not base64url without padding", what);
		return NULL;
	}
	object = json_loadb((const char *)bytes, bytes_len, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(object)) {
		(void)errmsg_set(err, "the token's %s is not a JSON object%s", what,
			object == NULL && json_error_code(&error) == json_error_duplicate_key ?
				": a key occurs twice" :
				"");
		json_decref(object);
		return NULL;
	}
	return object;
}

struct header {
	enum jwt_algorithm algorithm;
	char kid[520]; /* "": none */
};

static int read_header(const struct parts *parts, struct header *header_r, struct errmsg *err)
{
	json_t *object = read_object(parts->header, parts->header_len, "header", err);
	const json_t *kid = json_object_get(object, "kid");
	const char *alg = json_string_value(json_object_get(object, "alg"));
	int ret = -1;

	header_r->kid[0] = '\0';
	if (object == NULL)
		return -1;
	if (json_object_get(object, "crit") != NULL)
		(void)errmsg_set(err, "the token's header has \"crit\", which is not supported");
	else if (alg == NULL)
		(void)errmsg_set(err, "the token's header has no algorithm");
	else if (jwt_algorithm_find(alg, &header_r->algorithm) < 0)
		(void)errmsg_set(err, "the token's algorithm \"%.*s\" is not supported",
			TEXT_CUT(alg, 16));
	else if (kid != NULL && (!json_is_string(kid) || json_string_length(kid) > 512))
		(void)errmsg_set(err, "the token's key id is not a string of at most 512 bytes");
	else
		ret = 0;
	if (ret == 0 && kid != NULL)
		memcpy(header_r->kid, json_string_value(kid), json_string_length(kid) + 1);
	json_decref(object);
	return ret;
}

enum family { FAMILY_HMAC, FAMILY_RSA, FAMILY_RSA_PSS, FAMILY_ECDSA, FAMILY_EDDSA };

static const struct {
	enum family family;
	const EVP_MD *(*digest)(void); /* NULL: part of the algorithm */
} methods[JWT_ALGORITHMS] = {
	[JWT_HS256] = { FAMILY_HMAC, EVP_sha256 },
	[JWT_HS384] = { FAMILY_HMAC, EVP_sha384 },
	[JWT_HS512] = { FAMILY_HMAC, EVP_sha512 },
	[JWT_RS256] = { FAMILY_RSA, EVP_sha256 },
	[JWT_RS384] = { FAMILY_RSA, EVP_sha384 },
	[JWT_RS512] = { FAMILY_RSA, EVP_sha512 },
	[JWT_PS256] = { FAMILY_RSA_PSS, EVP_sha256 },
	[JWT_PS384] = { FAMILY_RSA_PSS, EVP_sha384 },
	[JWT_PS512] = { FAMILY_RSA_PSS, EVP_sha512 },
	[JWT_ES256] = { FAMILY_ECDSA, EVP_sha256 },
	[JWT_ES384] = { FAMILY_ECDSA, EVP_sha384 },
	[JWT_ES512] = { FAMILY_ECDSA, EVP_sha512 },
	[JWT_EDDSA] = { FAMILY_EDDSA, NULL },
};

#define DER_MAX 160 /* bytes of an ECDSA signature; P-521 needs 139 */

/* Convert an ECDSA signature of JOSE (RFC 7518 section 3.4: r and s, half of len each) to the DER
 * that OpenSSL reads. Returns its length, or 0 on failure. */
static size_t ecdsa_to_der(const uint8_t *raw, size_t len, unsigned char der_r[DER_MAX])
{
	const size_t half = len / 2;
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)half, NULL), *s = BN_bin2bn(raw + half, (int)half, NULL);
	unsigned char *to = der_r;
	int der_len = 0;

	if (signature == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else if (i2d_ECDSA_SIG(signature, NULL) <= DER_MAX) {
		der_len = i2d_ECDSA_SIG(signature, &to);
	}
	ECDSA_SIG_free(signature);
	return der_len > 0 ? (size_t)der_len : 0;
}

static bool set_padding(EVP_PKEY_CTX *pkey, enum family family, const EVP_MD *digest)
{
	if (family == FAMILY_RSA)
		return EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PADDING) == 1;
	if (family == FAMILY_RSA_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_mgf1_md(pkey, digest) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) == 1;
	return true;
}

static bool verify_public(const struct jwt_key *key, enum jwt_algorithm algorithm,
	const struct parts *parts, const uint8_t *signature, size_t len)
{
	const enum family family = methods[algorithm].family;
	const EVP_MD *digest = family == FAMILY_EDDSA ? NULL : methods[algorithm].digest();
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey;
	unsigned char der[DER_MAX];
	bool right = false;

	if (family == FAMILY_ECDSA) {
		len = ecdsa_to_der(signature, len, der);
		signature = der;
	}
	if (context != NULL && len > 0 &&
		EVP_DigestVerifyInit(context, &pkey, digest, NULL, key->public) == 1 &&
		set_padding(pkey, family, digest))
		right = EVP_DigestVerify(context, signature, len,
				(const unsigned char *)parts->header, parts->signed_len) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return right;
}

static bool verify_secret(const struct jwt_key *key, enum jwt_algorithm algorithm,
	const struct parts *parts, const uint8_t *signature, size_t len)
{
	unsigned char made[EVP_MAX_MD_SIZE];
	unsigned made_len = 0;

	return HMAC(methods[algorithm].digest(), key->secret, (int)key->secret_len,
		       (const unsigned char *)parts->header, parts->signed_len, made,
		       &made_len) != NULL &&
		made_len == len && CRYPTO_memcmp(made, signature, len) == 0;
}

/* Returns the length in bytes of the algorithm's signatures with this key. */
static size_t signature_len(const struct jwt_key *key, enum jwt_algorithm algorithm)
{
	switch (methods[algorithm].family) {
	case FAMILY_HMAC:
		return jwt_hash_len(algorithm);
	case FAMILY_ECDSA:
		return 2 * (((size_t)EVP_PKEY_get_bits(key->public) + 7) / 8);
	default:
		return (size_t)EVP_PKEY_get_size(key->public);
	}
}

/* Returns whether all characters belong to the alphabet. Text that does not decode although they do
 * has lost its end. */
static bool is_base64url(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
			return false;
	}
	return true;
}

/* Verify the signature with each key that matches the header's key id and algorithm. *is_guess_r
 * becomes false if none of them is a secret, because nobody can guess a private key. */
static int verify_signature(const struct jwt_keys *keys, const struct header *header,
	const struct parts *parts, size_t len, bool *is_guess_r, struct errmsg *err)
{
	uint8_t signature[BASE64_DECODED_MAX(JWT_MAX)];
	size_t signature_bytes, want = 0, short_secret = 0;
	bool kid_known = false, fits = false, has_secret = false;

	if (base64url_decode(parts->signature, parts->signature_len, signature, &signature_bytes) <
		0)
		return is_base64url(parts->signature, parts->signature_len) ?
			cut_off(len, "it ends within its signature", err) :
			errmsg_set(err, "the token's signature is not base64url without padding");
	for (size_t i = 0; i < jwt_keys_count(keys); i++) {
		const struct jwt_key *key = jwt_keys_at(keys, i);

		if (key->kid != NULL && header->kid[0] != '\0' &&
			strcmp(key->kid, header->kid) != 0)
			continue;
		kid_known = true;
		if ((key->algorithms & 1U << header->algorithm) == 0) {
			if (methods[header->algorithm].family == FAMILY_HMAC &&
				key->secret_len < jwt_hash_len(header->algorithm))
				short_secret = key->secret_len;
			continue;
		}
		fits = true;
		has_secret = has_secret || key->secret != NULL;
		want = signature_len(key, header->algorithm);
		if (signature_bytes != want)
			continue;
		if (key->public != NULL ?
				verify_public(key, header->algorithm, parts, signature, want) :
				verify_secret(key, header->algorithm, parts, signature, want))
			return 0;
	}
	*is_guess_r = has_secret;
	if (!kid_known)
		return errmsg_set(err, "no key has the token's key id \"%.*s\"",
			TEXT_CUT(header->kid, 60));
	if (!fits && short_secret > 0)
		return errmsg_set(err,
			"the token's algorithm %s needs a secret of at least %zu bytes; ours has "
			"%zu",
			jwt_algorithm_name(header->algorithm), jwt_hash_len(header->algorithm),
			short_secret);
	if (!fits)
		return errmsg_set(err, "the key%s%.*s%s is not for the token's algorithm %s",
			header->kid[0] != '\0' ? " \"" : "", TEXT_CUT(header->kid, 60),
			header->kid[0] != '\0' ? "\"" : "", jwt_algorithm_name(header->algorithm));
	if (signature_bytes < want)
		return cut_off(len, "its signature is too short", err);
	return errmsg_set(err, "the token's signature was not made with our key");
}

/* Like jwt_verify(). Sets *is_guess_r to whether a token that is refused may be a guess. */
static int verify_token(const struct jwt_keys *keys, const char *token, size_t len,
	char **payload_r, size_t *len_r, bool *is_guess_r, struct errmsg *err)
{
	struct parts parts = { .header = NULL };
	struct header header;
	size_t payload_len;
	char *payload;

	*is_guess_r = jwt_keys_count(keys) > 0;
	if (!*is_guess_r)
		return errmsg_set(err, "there is no key for tokens");
	if (split_token(token, len, &parts, err) < 0 || read_header(&parts, &header, err) < 0 ||
		verify_signature(keys, &header, &parts, len, is_guess_r, err) < 0)
		return -1;
	if ((payload = malloc(BASE64_DECODED_MAX(parts.payload_len) + 1)) == NULL)
		return errmsg_set(err, "out of memory");
	if (base64url_decode(parts.payload, parts.payload_len, (uint8_t *)payload, &payload_len) <
		0) {
		free(payload);
		return errmsg_set(err, "the token's claims are not base64url without padding");
	}
	payload[payload_len] = '\0';
	*payload_r = payload;
	*len_r = payload_len;
	return 0;
}

int jwt_verify(const struct jwt_keys *keys, const char *token, size_t len, char **payload_r,
	size_t *len_r, struct errmsg *err)
{
	bool is_guess;

	return verify_token(keys, token, len, payload_r, len_r, &is_guess, err);
}

/*
 * Refuse times in milliseconds, as JavaScript's Date.now() gives them: such a token would never
 * expire.
 */
static int check_units(const json_t *claims, struct errmsg *err)
{
	static const char *const names[] = { "exp", "nbf", "iat" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (json_number_value(json_object_get(claims, names[i])) >= MILLISECONDS_MIN)
			return errmsg_set(err,
				"the token's %s is no time in seconds (RFC 7519); it seems to be in "
				"milliseconds",
				names[i]);
	}
	return 0;
}

/* Check "exp" and "nbf" (RFC 7519 sections 4.1.4 and 4.1.5), which may have a fraction. */
static int check_times(const json_t *claims, int64_t now, struct errmsg *err)
{
	const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");

	if (exp == NULL)
		return errmsg_set(err, "the token has no exp");
	if (!json_is_number(exp) || (nbf != NULL && !json_is_number(nbf)))
		return errmsg_set(err, "the token's %s is not a number",
			json_is_number(exp) ? "nbf" : "exp");
	if (check_units(claims, err) < 0)
		return -1;
	if (json_number_value(exp) + JWT_LEEWAY <= (double)now)
		return errmsg_set(err, "the token expired %.0f s ago",
			(double)now - json_number_value(exp));
	if (nbf != NULL && json_number_value(nbf) - JWT_LEEWAY > (double)now)
		return errmsg_set(err, "the token is not valid for another %.0f s",
			json_number_value(nbf) - (double)now);
	return 0;
}

static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static int check_parties(const json_t *claims, const struct jwt_rules *rules, struct errmsg *err)
{
	const json_t *audience = json_object_get(claims, "aud"), *one;
	size_t i;

	if (rules->issuer[0] != '\0' && !is_text(json_object_get(claims, "iss"), rules->issuer))
		return errmsg_set(err, "the token's issuer (iss) is not ours");
	if (rules->audience[0] == '\0' && audience != NULL && rules->refuse_audience)
		return errmsg_set(err,
			"the token is made for an audience (aud), and [jwt] audience does not set "
			"ours");
	if (rules->audience[0] == '\0' || is_text(audience, rules->audience))
		return 0;
	json_array_foreach (audience, i, one) {
		if (is_text(one, rules->audience))
			return 0;
	}
	return errmsg_set(err, "the token's audience (aud) is %s",
		audience == NULL ? "missing" : "another one");
}

/* Returns whether an address can be a login: it has no quotes, white space, control characters or
 * brackets. */
static bool is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f ||
			strchr("\"\\<>(),;:[]", *text) != NULL)
			return false;
	}
	return true;
}

/* Return the text of a claim; "" if it has none. */
static const char *text_of(const json_t *claims, const char *name)
{
	const char *text = json_string_value(json_object_get(claims, name));

	return text == NULL ? "" : text;
}

/* Refuse an address that the token itself calls unverified, as in OpenID Connect's
 * "email_verified": at some issuers, everybody can enter any address. */
static int check_verified(const json_t *claims, const char *name, struct errmsg *err)
{
	const char *const names[] = { name, "email" }, *mail = text_of(claims, name);
	char key[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *verified;

		(void)text_format(key, sizeof(key), "%s_verified", names[i]);
		verified = json_object_get(claims, key);
		if (verified != NULL && !json_is_true(verified) && !is_text(verified, "true") &&
			strcasecmp(text_of(claims, names[i]), mail) == 0)
			return errmsg_set(err,
				"the token's %s is not true: its issuer has not verified the "
				"address",
				key);
	}
	return 0;
}

static int check_mail(const json_t *claims, const char *name, char mail_r[JWT_MAIL_SIZE],
	struct errmsg *err)
{
	const json_t *mail = json_object_get(claims, name);
	struct mail_address address;

	if (!json_is_string(mail))
		return errmsg_set(err, "the token's %s is %s", name,
			mail == NULL ? "missing" : "not a string");
	if (!is_plain(json_string_value(mail)) ||
		address_parse(json_string_value(mail), json_string_length(mail), &address) < 0 ||
		!address.has_domain || address.local_len == 0 || address.canon_len > MAIL_MAX ||
		address_domain(&address)[0] == '\0' ||
		memchr(address.canon, '@', address.local_len) != NULL)
		return errmsg_set(err, "the token's %s is not a mail address", name);
	if (check_verified(claims, name, err) < 0)
		return -1;
	memcpy(mail_r, address.canon, (size_t)address.canon_len + 1);
	return 0;
}

int jwt_check(const struct jwt_rules *rules, const char *token, size_t len, int64_t now,
	struct jwt_bearer *bearer_r, struct errmsg *err)
{
	json_error_t error;
	json_t *claims;
	char *payload = NULL;
	size_t payload_len = 0;
	bool is_genuine, is_guess;
	int ret = -1;

	is_genuine =
		verify_token(rules->keys, token, len, &payload, &payload_len, &is_guess, err) == 0;
	bearer_r->is_no_guess = is_genuine || !is_guess;
	bearer_r->lacks_key = !is_genuine && !is_guess;
	if (!is_genuine)
		return -1;
	claims = json_loadb(payload, payload_len, JSON_REJECT_DUPLICATES, &error);
	free(payload);
	if (!json_is_object(claims))
		(void)errmsg_set(err, "the token's claims are not a JSON object%s",
			claims == NULL && json_error_code(&error) == json_error_duplicate_key ?
				": a key occurs twice" :
				"");
	else if (check_times(claims, now, err) == 0 && check_parties(claims, rules, err) == 0)
		ret = check_mail(claims, rules->mail_claim, bearer_r->mail, err);
	if (ret == 0)
		bearer_r->has_ignored_audience =
			rules->audience[0] == '\0' && json_object_get(claims, "aud") != NULL;
	json_decref(claims);
	return ret;
}

void jwt_claimed_mail(const char *mail_claim, const char *token, size_t len,
	char mail_r[JWT_MAIL_SIZE])
{
	struct parts parts = { .payload = NULL };
	json_t *claims = NULL;
	struct errmsg err;

	if (split_token(token, len, &parts, &err) == 0)
		claims = read_object(parts.payload, parts.payload_len, "claims", &err);
	if (check_mail(claims, mail_claim, mail_r, &err) < 0)
		mail_r[0] = '\0';
	json_decref(claims);
}
