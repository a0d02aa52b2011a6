/*
 * The checksum of a JSON store: SHA-256, computed piece by piece. The struct owns the digest's
 * context; one thread at a time.
 */
#include "lib/store/store_checksum.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct store_checksum {
	EVP_MD_CTX *context;
};

struct store_checksum *store_checksum_new(void)
{
	struct store_checksum *checksum = malloc(sizeof(*checksum));

	if (checksum == NULL)
		return NULL;
	checksum->context = EVP_MD_CTX_new();
	if (checksum->context == NULL || !EVP_DigestInit_ex(checksum->context, EVP_sha256(), NULL))
		store_checksum_free(&checksum);
	return checksum;
}

int store_checksum_add(struct store_checksum *checksum, const void *bytes, size_t len)
{
	return EVP_DigestUpdate(checksum->context, bytes, len) ? 0 : -1;
}

int store_checksum_end(struct store_checksum *checksum, char hex_r[STORE_CHECKSUM_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len, i;

	if (!EVP_DigestFinal_ex(checksum->context, digest, &len) ||
		len * 2 + 1 != STORE_CHECKSUM_SIZE)
		return -1;
	for (i = 0; i < len; i++)
		(void)snprintf(hex_r + i * 2, 3, "%02x", digest[i]);
	return 0;
}

void store_checksum_free(struct store_checksum **checksum)
{
	if (*checksum == NULL)
		return;
	EVP_MD_CTX_free((*checksum)->context);
	free(*checksum);
	*checksum = NULL;
}
