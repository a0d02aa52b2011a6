#ifndef POSTERN_SASLAUTHD_PROTO_H
#define POSTERN_SASLAUTHD_PROTO_H

#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"
#include "lib/match/cidr.h"

/*
 * The saslauthd protocol, as libsasl of Cyrus SASL speaks it. A request is four counted strings (a
 * 16-bit length in network order): login, password, service and realm. Cyrus SASL 2.2 appends a
 * fifth in the same write, the client's address and port ("192.0.2.7;54321"). It may be missing,
 * and is ignored if it is incomplete or no address. All functions are thread-safe.
 */

#define SASLAUTHD_NAME_MAX 1024	     /* bytes of login, service or realm */
#define SASLAUTHD_PASSWORD_MAX 12288 /* bytes; it may be a token */
#define SASLAUTHD_REQUEST_MAX (8 + 3 * SASLAUTHD_NAME_MAX + SASLAUTHD_PASSWORD_MAX)

struct saslauthd_request {
	char login[2 * SASLAUTHD_NAME_MAX + 2]; /* with its realm, which libsasl has split off */
	char password[SASLAUTHD_PASSWORD_MAX + 1];
	char service[SASLAUTHD_NAME_MAX + 1];
	struct cidr client; /* AF_UNSPEC: not known */
};

enum saslauthd_result {
	SASLAUTHD_MORE, /* correct so far, but incomplete */
	SASLAUTHD_WHOLE,
	SASLAUTHD_BAD, /* malformed; err holds the reason */
};

/* Parse the bytes received so far. *request_r is set only with SASLAUTHD_WHOLE; the caller wipes
 * it. */
enum saslauthd_result saslauthd_parse(const char *bytes, size_t len,
	struct saslauthd_request *request_r, struct errmsg *err);

/* Append an answer: "OK", or "NO" and a text. */
void saslauthd_answer(struct strbuf *out, const char *text);

#endif
