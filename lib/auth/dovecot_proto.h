#ifndef POSTERN_DOVECOT_PROTO_H
#define POSTERN_DOVECOT_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"
#include "lib/match/cidr.h"

/*
 * The lines of the Dovecot authentication protocol, version 1, as Postfix's and Exim's clients
 * speak it: text with TAB between fields and LF at the end. All functions are thread-safe.
 */

/* bytes: 2048 before resp=, as Postfix sends, and a response of 16 KiB in base64, with a margin */
#define DOVECOT_LINE_MAX 28672

enum dovecot_verb {
	DOVECOT_VERSION, /* id: the major version */
	DOVECOT_CPID,
	DOVECOT_AUTH,
	DOVECOT_CONT,
	DOVECOT_CANCEL,
	DOVECOT_OTHER, /* an unknown command; ignore it */
};

/* One command. Its texts point into the line. */
struct dovecot_command {
	enum dovecot_verb verb;
	uint32_t id;
	const char *mechanism; /* AUTH */
	struct cidr client;    /* rip=; AF_UNSPEC: not given */
	bool secured;	       /* the client's connection has TLS */
	const char *response;  /* base64; NULL: AUTH without resp= */
	size_t response_len;
};

/*
 * Parse a line of len bytes without its LF, followed by a NUL; the line is modified. Returns 0, or
 * -1 with err set; the text never quotes the line, which may hold a password.
 */
int dovecot_parse(char *line, size_t len, struct dovecot_command *command_r, struct errmsg *err);

/* The greeting of a client. */
struct dovecot_greeting {
	unsigned mechanisms; /* SASL_BIT() of each; at least one, or Postfix's smtpd dies */
	unsigned spid, cuid; /* the server's process and the connection's number */
	const char *cookie;  /* 32 hexadecimal digits that nobody can guess */
};
void dovecot_greet(struct strbuf *out, const struct dovecot_greeting *greeting);

/* Append an answer to a request. user and reason may contain any bytes; they are escaped. */
void dovecot_ok(struct strbuf *out, uint32_t id, const char *user);
void dovecot_continue(struct strbuf *out, uint32_t id, const char *challenge, size_t len);
void dovecot_fail(struct strbuf *out, uint32_t id, const char *user, const char *reason);
void dovecot_fail_undecided(struct strbuf *out, uint32_t id); /* the client may try again */

#endif
