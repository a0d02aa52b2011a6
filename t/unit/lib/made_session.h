#ifndef POSTERN_MADE_SESSION_H
#define POSTERN_MADE_SESSION_H

#include "milter/smtp/session.h"
#include "t/unit/lib/made_policy.h"

/*
 * A session under a policy made in a test, and the log records of its decisions. A failure to make
 * one ends the program (abort). One at a time in a process, on one thread: made_session_begin(),
 * then rows and settings in `made`, then made_session_open(), finally made_session_end().
 */
struct made_session {
	struct made made;
	struct snapshot *snapshot;
	struct shared *shared;
	struct session *session;
	struct verdict verdict; /* of the last command */
	uint64_t now;		/* the ledger's time, in microseconds */
	struct json_t *record;	/* of the last decision; NULL: there was none */
	char text[300];		/* returned by made_session_logged() */
};

void made_session_begin(struct made_session *s);
void made_session_end(struct made_session *s);

/* Build the policy, put it in force and start a session, whose body is counted. */
void made_session_open(struct made_session *s);

/* The same, but the policy is not put in force: there is none yet. */
void made_session_open_without_policy(struct made_session *s);

/* Another session with the needs that the settings ask for; the caller frees it. */
struct session *made_session_another(struct made_session *s);

/*
 * Send a command to a session and return the kind of its verdict, which is also kept in s->verdict.
 * ip may be NULL (a local client), login too (not logged in). The queue id is "Q".
 */
enum verdict_kind made_session_connect(struct made_session *s, struct session *session,
	const char *ip, const char *host);
enum verdict_kind made_session_mail(struct made_session *s, struct session *session,
	const char *sender, const char *login);
enum verdict_kind made_session_rcpt(struct made_session *s, struct session *session,
	const char *recipient);

/* Return how many decisions were logged since the last call of either of these functions. */
unsigned made_session_log_count(struct made_session *s);

/* Return the value of a key in the record of the last decision, or "". It stays until the next
 * call. */
const char *made_session_logged(struct made_session *s, const char *key);

#endif
