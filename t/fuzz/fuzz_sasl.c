/*
 * Fuzzes SASL exchanges and base64. Credentials contain a secret and no control characters, and
 * decoding is the inverse of encoding.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/auth/base64.h"
#include "lib/auth/sasl.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_credentials(const struct sasl *sasl, size_t size)
{
	const struct sasl_credentials said = sasl_credentials(sasl);

	must(said.login != NULL && said.secret != NULL && said.secret[0] != '\0');
	must(said.is_bearer || said.login[0] != '\0');
	must(strlen(said.login) + strlen(said.secret) < size);
	for (const char *at = said.login; *at != '\0'; at++)
		must((unsigned char)*at >= ' ' && *at != 0x7f);
}

/* The first byte selects the mechanism, and whether there is an initial response. Responses follow,
 * each after a byte that gives its length. */
static void play(const uint8_t *bytes, size_t size)
{
	struct sasl *sasl = sasl_new(bytes[0] % SASL_MECHANISMS);
	enum sasl_step step = SASL_CHALLENGE;
	struct errmsg err;
	size_t at = 1, len;

	if ((bytes[0] & 0x80) != 0)
		step = sasl_step(sasl, NULL, 0, &err);
	while (at < size && step == SASL_CHALLENGE) {
		len = (size_t)bytes[at++] * 8;
		len = len > size - at ? size - at : len;
		step = sasl_step(sasl, (const char *)bytes + at, len, &err);
		at += len;
		if (step == SASL_CREDENTIALS) {
			check_credentials(sasl, size);
			step = sasl_refuse(sasl);
		}
	}
	sasl_free(&sasl);
}

/* A text that can be decoded is the text that its bytes encode to. */
static void decode(const char *text, size_t size)
{
	uint8_t *out = malloc(BASE64_DECODED_MAX(size));
	struct strbuf again = STRBUF_INIT;
	size_t len;

	if (base64_decode(text, size, out, &len) == 0) {
		must(len <= BASE64_DECODED_MAX(size));
		base64_encode(&again, out, len);
		must(again.len == size && (size == 0 || memcmp(again.text, text, size) == 0));
	}
	(void)base64url_decode(text, size, out, &len);
	strbuf_free(&again);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size > 0)
		play(bytes, size);
	decode((const char *)bytes, size);
	return 0;
}
