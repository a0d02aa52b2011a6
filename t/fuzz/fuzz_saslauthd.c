/*
 * Fuzzes the saslauthd protocol, with a request that arrives as a whole and in two pieces. Both
 * ways give the same result.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/auth/saslauthd_proto.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The result does not depend on how the bytes arrive: once it is whole or bad, more bytes do not
 * change it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct saslauthd_request *whole = calloc(1, sizeof(*whole)),
				 *part = calloc(1, sizeof(*part));
	struct errmsg err;
	enum saslauthd_result all, cut;
	char *text = calloc(1, size + 1);
	size_t at = size == 0 ? 0 : bytes[0] % size;

	memcpy(text, bytes, size);
	all = saslauthd_parse(text, size, whole, &err);
	cut = saslauthd_parse(text, at, part, &err);
	must(cut == SASLAUTHD_MORE || cut == all);
	must(all != SASLAUTHD_MORE || size <= SASLAUTHD_REQUEST_MAX);
	if (cut == SASLAUTHD_WHOLE)
		must(strcmp(whole->login, part->login) == 0 &&
			strcmp(whole->password, part->password) == 0);
	free(text);
	free(whole);
	free(part);
	return 0;
}
