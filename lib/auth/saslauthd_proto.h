#ifndef POSTERN_SASLAUTHD_PROTO_H
#define POSTERN_SASLAUTHD_PROTO_H

#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/*
 * The saslauthd protocol, as Cyrus SASL's libsasl speaks it: four counted strings (16 bits of
 * length in network order), login, password, service and realm; newer ones send a fifth, which
 * nobody may wait for.
 */

#define SASLAUTHD_NAME_MAX 1024	     /* bytes of login, service or realm */
#define SASLAUTHD_PASSWORD_MAX 12288 /* a token may stand there */
#define SASLAUTHD_REQUEST_MAX (8 + 3 * SASLAUTHD_NAME_MAX + SASLAUTHD_PASSWORD_MAX)

struct saslauthd_request {
	char login[2 * SASLAUTHD_NAME_MAX +
		2]; /* with its realm joined again: libsasl splits at the last @ */
	char password[SASLAUTHD_PASSWORD_MAX + 1];
	char service[SASLAUTHD_NAME_MAX + 1];
};

enum saslauthd_result {
	SASLAUTHD_MORE, /* nothing wrong so far, but it isn't whole */
	SASLAUTHD_WHOLE,
	SASLAUTHD_BAD, /* err says why */
};

/* Read what has come so far. *request_r is set with SASLAUTHD_WHOLE alone, and is the caller's to
 * wipe. */
enum saslauthd_result saslauthd_parse(const char *bytes, size_t len,
	struct saslauthd_request *request_r, struct errmsg *err);

/* The answer: "OK", or "NO" with a text. */
void saslauthd_answer(struct strbuf *out, const char *text);

#endif
