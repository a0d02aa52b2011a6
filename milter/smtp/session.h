#ifndef POSTERN_SESSION_H
#define POSTERN_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "lib/rules/verdict.h"
#include "milter/shared/shared.h"
#include "milter/smtp/negotiate.h"

/*
 * One SMTP session as a milter sees it, independent of libmilter. It gathers the facts, decides
 * each stage with lib/rules, and logs the decisions. The functions of one session may be called
 * from different threads, but only one at a time, which is how libmilter runs its callbacks.
 *
 * An idle session holds its facts (a few hundred bytes) and no policy. From MAIL to the end of the
 * message it also holds the message and the one policy that judges it.
 *
 * Each stage fills a verdict with the answer to the MTA. The verdict is always to continue where
 * the session's needs rule out an answer.
 */
struct session;

/* shared is borrowed and must outlive the session. Returns NULL when out of memory. */
struct session *session_new(struct shared *shared, const struct needs *needs);

/*
 * A message that has not ended counts as sent. libmilter aborts the message before it closes a lost
 * connection, but not before it closes one that was silent for too long: then the MTA still
 * receives the message, and may send it without asking.
 */
void session_free(struct session **session); /* accepts NULL */

/* The needs of the session, borrowed until it is freed. */
const struct needs *session_needs(const struct session *session);

/* The facts of a new connection, borrowed for the call. NULL: unknown. */
struct client {
	const char *host; /* the MTA's name for it; "[192.0.2.7]" and "unknown" are no names */
	const struct sockaddr *address; /* NULL or neither IPv4 nor IPv6: a local client */
	const char *daemon_name;	/* {daemon_name} */
	const char *mta_name;		/* {j}: the MTA's own host name */
	const char *resolve; /* Sendmail's {client_resolve}: unless it is "OK", host is no name */
	const char *version; /* {v}: identifies Sendmail, which writes logins in xtext */
};

/* The connect and helo stages, judged at once or, under delay_reject, at MAIL. */
void session_connect(struct session *session, const struct client *client, struct verdict *verdict);
void session_helo(struct session *session, const char *helo, struct verdict *verdict);

/* The MAIL command, borrowed for the call. */
struct mail_command {
	const char *address;	       /* with its angle brackets */
	const char *const *parameters; /* of ESMTP, up to a NULL; may be NULL */
	const char *resolved;	       /* {mail_addr}; NULL: unknown */
	const char *login;	       /* {auth_authen}; NULL or "": not logged in */
	const char *queue;	       /* {i}, the queue id; NULL: unknown */
};

/*
 * Start a message, after dropping one that has not ended. Where connect and helo were not judged at
 * once (delay_reject), they are judged here, before the sender. After a refusal there is no
 * message.
 */
void session_mail(struct session *session, const struct mail_command *mail,
	struct verdict *verdict);

/* What a milter hears about RCPT. Borrowed. */
struct rcpt_command {
	const char *address;  /* with angle brackets */
	const char *resolved; /* {rcpt_addr}: where the MTA delivers it to; NULL: unknown */
	const char *queue;    /* {i}; NULL: unknown */
};

void session_rcpt(struct session *session, const struct rcpt_command *rcpt,
	struct verdict *verdict);

/*
 * DATA; queue is {i}, NULL: unknown. An MTA that has no queue id by then hides the content and the
 * end of the message from milters, as Postfix does for smtpd_proxy_filter: the reservations become
 * final when the MTA ends or drops the message, because it may have been sent until then, and the
 * header and the size are never judged. This is counted and logged.
 */
void session_data(struct session *session, const char *queue);

/* One header field, its value as libmilter passes it. */
void session_field(struct session *session, const char *name, const char *value);

/* Store the queue id, where it arrives outside a stage. NULL: unknown. */
void session_queue_id(struct session *session, const char *queue);

/*
 * Judge the header. The end of the header, the first chunk of the body and the end of the message
 * all call it, because the session's needs determine which of them arrives first. Only the first
 * call of a message judges; the others continue.
 */
void session_header_end(struct session *session, const char *queue, struct verdict *verdict);

/*
 * Count the next len octets of the body; call it after session_header_end(). Returns whether the
 * rest of the body still matters; if not, the MTA may skip it.
 */
bool session_body(struct session *session, size_t len, struct verdict *verdict);

/* The results field to add to the message, and the number of forged ones to remove. */
struct results_field {
	char *name, *value; /* NULL: add none; freed by results_field_free() */
	unsigned forged;    /* fields of that name that came with the message */
};

/*
 * Accept the message: make its reservations final, log that and fill *results_r. Returns 0, or -1
 * when the user may no longer send, when memory runs out, or when the message contains too many
 * forged results fields. In that case the verdict is the answer, which is logged, and *results_r is
 * empty; the reservations become final only if the answer accepts the message.
 */
int session_accept(struct session *session, const char *queue, struct results_field *results_r,
	struct verdict *verdict);
void results_field_free(struct results_field *results);

/*
 * Free the message, if there is one, release its policy, and give back the reservations of its
 * recipients, unless session_accept() has made them final.
 */
void session_message_drop(struct session *session);

#endif
