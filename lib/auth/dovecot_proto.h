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
 * speak it: text with TAB between fields and LF at its end. Whatever the peer sends is taken as
 * hostile.
 */

#define DOVECOT_LINE_MAX \
	28672 /* bytes: Postfix's 2048 before resp=, a response of 16 KiB in base64, and room */

enum dovecot_verb {
	DOVECOT_VERSION, /* major in id */
	DOVECOT_CPID,
	DOVECOT_AUTH,
	DOVECOT_CONT,
	DOVECOT_CANCEL,
	DOVECOT_OTHER, /* a command that is not known: to be passed over */
};

/* One command; points into its line. */
struct dovecot_command {
	enum dovecot_verb verb;
	uint32_t id;
	const char *mechanism; /* AUTH */
	struct cidr client;    /* rip=; AF_UNSPEC: not said */
	bool secured;	       /* the client's connection has TLS */
	const char *response;  /* base64; NULL: none (AUTH without resp=) */
	size_t response_len;
};

/*
 * Take a line (without its LF, len bytes and a NUL behind; changed in place) apart. 0, or -1 with
 * err saying what is malformed, never showing what was in it.
 */
int dovecot_parse(char *line, size_t len, struct dovecot_command *command_r, struct errmsg *err);

/* The greeting of a client. */
struct dovecot_greeting {
	unsigned mechanisms; /* SASL_BIT() of each; at least one, or Postfix's smtpd dies */
	unsigned spid, cuid; /* the server's process and the connection's number */
	const char *cookie;  /* 32 hexadecimal digits that nobody can guess */
};
void dovecot_greet(struct strbuf *out, const struct dovecot_greeting *greeting);

/* The answers to a request. user and reason may hold anything: what the wire can't carry is
 * escaped. */
void dovecot_ok(struct strbuf *out, uint32_t id, const char *user);
void dovecot_continue(struct strbuf *out, uint32_t id, const char *challenge, size_t len);
void dovecot_fail(struct strbuf *out, uint32_t id, const char *user, const char *reason);

#endif
