/*
 * Reads keys for tokens from the text of a file: PEM blocks here, JSON in jwt_keys_jwk.c. It owns
 * nothing and runs on the thread that fills the set.
 */
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/text.h"

#include "lib/auth/jwt_keys_private.h"

#define TEXT_MAX (1U << 20) /* bytes */

/* Returns the public key of one PEM block, or NULL with err set. */
static EVP_PKEY *read_pem_block(const char *name, const unsigned char *der, long len,
	struct errmsg *err)
{
	EVP_PKEY *public = NULL;
	X509 *certificate;

	if (strcmp(name, "PUBLIC KEY") == 0) {
		public = d2i_PUBKEY(NULL, &der, len);
	} else if (strcmp(name, "RSA PUBLIC KEY") == 0) {
		public = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);
	} else if (strcmp(name, "CERTIFICATE") == 0) {
		certificate = d2i_X509(NULL, &der, len);
		public = certificate == NULL ? NULL : X509_get_pubkey(certificate);
		X509_free(certificate);
	} else if (strstr(name, "PRIVATE KEY") != NULL) {
		(void)errmsg_set(err, "a private key; only the public key belongs here");
		return NULL;
	} else {
		(void)errmsg_set(err, "the PEM block \"%.*s\" is not a public key",
			TEXT_CUT(name, 40));
		return NULL;
	}
	if (public == NULL)
		(void)errmsg_set(err, "the %s is damaged", name);
	return public;
}

struct pem_block {
	struct jwt_key key;
	bool is_whole, is_private;
};

/*
 * Read the next PEM block into *block_r. A block without a usable public key yields a key without
 * algorithms and sets err. Returns false when there is no further block.
 */
static bool next_pem_block(BIO *bio, struct pem_block *block_r, struct errmsg *err)
{
	struct pem_block block = { .is_whole = false };
	char *name, *header;
	unsigned char *der;
	long der_len;

	ERR_clear_error();
	if (PEM_read_bio(bio, &name, &header, &der, &der_len) == 1) {
		block.is_whole = true;
		block.is_private = strstr(name, "PRIVATE KEY") != NULL;
		block.key.public = read_pem_block(name, der, der_len, err);
		if (block.key.public != NULL)
			block.key.algorithms = jwt_key_algorithms(block.key.public, err);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)der_len);
	} else if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		return false;
	} else {
		(void)errmsg_set(err, "a PEM block is cut off or damaged");
	}
	*block_r = block;
	return true;
}

/* Returns the number of keys added, or -1 with err set when the text has no whole PEM block. */
static int add_pem(struct jwt_keys *keys, const char *text, size_t len, struct problems *problems,
	struct errmsg *err)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	int added = 0, number = 0, left = INT_MAX;
	bool has_whole = false;
	struct pem_block block;

	/* The loop ends when a call consumes nothing, so that no input can make it endless. */
	while (bio != NULL && added >= 0 && BIO_pending(bio) < left) {
		left = BIO_pending(bio);
		if (!next_pem_block(bio, &block, err))
			break;
		number++;
		has_whole = has_whole || block.is_whole;
		if (block.is_private)
			jwt_keys_set_private(keys);
		if (block.key.algorithms == 0) {
			problems_add(problems, "key %d: %s; left out", number, err->text);
			jwt_key_wipe(&block.key);
		} else {
			added = jwt_keys_add(keys, &block.key, err) == 0 ? added + 1 : -1;
		}
	}
	BIO_free(bio);
	ERR_clear_error();
	if (number == 0)
		return errmsg_set(err, "no key found: neither PEM nor a JWK set");
	return has_whole ? added : -1;
}

int jwt_keys_add_text(struct jwt_keys *keys, const char *text, size_t len,
	struct problems *problems, struct errmsg *err)
{
	struct errmsg own = { "" }, *why = err != NULL ? err : &own;
	size_t space = 0;
	int added;

	while (space < len && strchr(" \t\r\n", text[space]) != NULL && text[space] != '\0')
		space++;
	if (len > TEXT_MAX)
		return errmsg_set(err, "the text is longer than 1 MiB");
	if (space < len && text[space] == '{')
		added = jwt_keys_add_jwks(keys, text, len, problems, why);
	else
		added = add_pem(keys, text, len, problems, why);
	if (added == 0)
		problems_add(problems, "the file has no usable key: %s", why->text);
	return added < 0 ? -1 : 0;
}
