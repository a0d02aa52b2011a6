#ifndef POSTERN_SESSION_H
#define POSTERN_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lib/rules/verdict.h"
#include "milter/shared/shared.h"
#include "milter/smtp/negotiate.h"

/*
 * One SMTP session as the milter sees it, without libmilter: it gathers the facts, has each stage
 * decided, and logs. libmilter calls one callback of a session at a time, each maybe on another
 * thread; so may these be called.
 *
 * An idle session holds its facts (some hundred bytes) and no policy. From MAIL to the end
 * of the message it holds the message and the one policy that judges it.
 *
 * Each stage fills a verdict: what is to be answered. Where the session's needs say that no answer
 * is given, the verdict always is to continue.
 */
struct session;

/* A new session; shared must outlive it. NULL when out of memory. */
struct session *session_new(struct shared *shared, const struct needs *needs);
void session_free(struct session **session); /* takes NULL */

const struct needs *session_needs(const struct session *session);

/* What is known when a client connects. Borrowed for the call; NULL is what isn't known. */
struct client {
	const char *host; /* as the MTA names it; "[192.0.2.7]" or "unknown" is no name */
	const struct sockaddr *address; /* NULL or another family than inet: a local client */
	const char *daemon_name;	/* {daemon_name} */
	const char *resolve; /* {client_resolve} of Sendmail: a name that is not "OK" is no name */
	const char *version; /* {v}: tells Sendmail, which writes logins as xtext */
};

void session_connect(struct session *session, const struct client *client, struct verdict *verdict);
void session_helo(struct session *session, const char *helo, struct verdict *verdict);

/* The MAIL command. Borrowed for the call. A message that was not ended is dropped. */
struct mail_command {
	const char *address;	       /* with its brackets */
	const char *const *parameters; /* ESMTP parameters, ends with NULL; may be NULL */
	const char *login;	       /* {auth_authen}; NULL or "": not logged in */
	const char *queue;	       /* {i}, if it is known */
};

/*
 * Under delay_reject connect and helo are judged here, before the sender. After a refusal there
 * is no message.
 */
void session_mail(struct session *session, const struct mail_command *mail,
	struct verdict *verdict);

void session_rcpt(struct session *session, const char *address, const char *queue,
	struct verdict *verdict);

/* One header field: its name, and its value as it came. */
void session_field(struct session *session, const char *name, const char *value);

/* The queue id, where it comes without a stage. NULL: it isn't known. */
void session_queue_id(struct session *session, const char *queue);

/*
 * No more fields: the header stage. To be called at the end of the header or of the message,
 * whichever the session's needs ask for; a second call does nothing and continues.
 */
void session_header_end(struct session *session, const char *queue, struct verdict *verdict);

/*
 * The next len octets of the body; after session_header_end(). Returns whether more of them matter:
 * else the rest may be left out.
 */
bool session_body(struct session *session, size_t len, struct verdict *verdict);

/* The field of results to be added to the message, and the forged ones to be removed. */
struct results_field {
	char *name, *value; /* NULL: none is to be added; results_field_free() */
	unsigned forged;    /* how many fields of that name came with the message */
};

/*
 * The message is let through: it is logged, and *results_r filled. -1 when it is not, out of memory
 * or since it holds too many forged fields: then it is not logged as such, nothing is filled, and
 * verdict says what is to be answered.
 */
int session_accept(struct session *session, const char *queue, struct results_field *results_r,
	struct verdict *verdict);
void results_field_free(struct results_field *results);

/* The end of the message, however it came about: lets go of it and of its policy. */
void session_message_drop(struct session *session);

#endif
