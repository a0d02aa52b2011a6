#ifndef POSTERN_BENCH_SESSIONS_H
#define POSTERN_BENCH_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"

struct header_field {
	const char *name, *value;
};

/* One SMTP session with one message, as an MTA describes it to a filter. The set owns the text. */
struct smtp_session {
	const char *ip;
	bool is_ipv6;
	const char *rdns; /* NULL: the client has no name */
	const char *helo;
	const char *login; /* NULL: none */
	const char *mail;  /* in angle brackets, as are the recipients */
	const char **rcpts;
	size_t rcpt_count;
	const struct header_field *headers;
	size_t header_count;
};

/* An immutable set of sessions, which any thread may read. */
struct sessions;

/*
 * Make `count` (at least 1) sessions by rule, always the same ones: clients in documentation
 * networks, with and without a name, with one to three recipients and no logins. Returns 0, or -1
 * with err set.
 */
int sessions_generate(size_t count, struct sessions **sessions_r, struct errmsg *err);

/*
 * Read a file with one JSON object a line (t/cases/FORMAT.md): ip, rdns, helo, mail, rcpts, from,
 * headers, and the login from `login` or `auth.user`. Other members are ignored. Returns 0, or -1
 * with err set: the number of a bad line, or that the file contains no session.
 */
int sessions_read(const char *path, struct sessions **sessions_r, struct errmsg *err);

void sessions_free(struct sessions **sessions);

size_t sessions_count(const struct sessions *sessions);

/* Return session number index modulo the count, so that the set never ends. */
const struct smtp_session *sessions_at(const struct sessions *sessions, size_t index);

#endif
