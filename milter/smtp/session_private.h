#ifndef POSTERN_SESSION_PRIVATE_H
#define POSTERN_SESSION_PRIVATE_H

#include "lib/base/arena.h"
#include "lib/rules/check.h"
#include "lib/rules/results.h"
#include "milter/log/decision.h"
#include "milter/smtp/session.h"

/* What the sources of session.h share: session*.c alone include it. */

#define QUEUE_ID_SIZE 64 /* for the log alone, so a longer one may be cut */
#define FIELDS_MAX 16 /* From or Sender fields of a message that are kept; more can't be judged */

struct fields {
	struct field field[FIELDS_MAX];
	size_t count;
	bool is_cut; /* there were more or longer ones than are kept */
};

/* One message, from MAIL to its end. */
struct message {
	struct policy *policy;	   /* pinned; NULL: there was none at MAIL */
	struct settings *settings; /* the policy's; without one those of the configuration */
	const char *unjudged;	   /* why no stage can be decided; NULL: each can */
	struct mail_address sender;
	uint64_t size; /* SIZE= */
	char *login;   /* NULL: not logged in */
	char queue[QUEUE_ID_SIZE];
	uint32_t accepted, refused; /* recipients */
	char rule[RULE_SIZE]; /* the rule that let it pass, if one did; the recipient's before the
				 sender's */
	struct strbuf results;

	struct arena *arena; /* of the fields; NULL while there are none */
	struct fields from, senders;
	bool fields_lost; /* out of memory for one: then the header can't be judged */
	bool header_judged;
	unsigned forged;

	struct usage usage;	  /* of the limit that the last recipient was charged to */
	uint64_t octets, maxsize; /* counted (RFC 1870); maxsize 0: they don't matter */
};

struct session {
	struct shared *shared;
	struct needs needs;
	char id[24];
	struct cidr client;
	char *service, *rdns, *helo; /* NULL: not known */
	bool is_sendmail;
	bool facts_lost;       /* out of memory for one of them: nothing can be judged */
	struct strbuf results; /* of connect and helo where they are judged when they come */
	struct message *message;

	char *counted;	/* its key among the open ones; NULL: it isn't there */
	uint32_t open;	/* how many that key had open as it came; 0: it isn't among them */
	uint32_t named; /* recipients, refused ones too */
	bool is_charged;
	struct connection_charge connection; /* when it is charged */
};

/* What the checks are told; message may be NULL. */
struct facts session_facts(const struct session *session, const struct message *message);

/* What the log tells of any decision, but for what was decided; message may be NULL. */
struct decision session_decision(const struct session *session, const struct message *message);

/* A client came, and went: it is counted among those that are open, and charged. */
void session_enter(struct session *session);
void session_leave(struct session *session);

/* The verdict suspends the login. */
void session_suspend(const struct session *session, const struct message *message,
	const struct verdict *verdict);

/*
 * Decide a stage by the message's policy (before MAIL: by the one in force), log what
 * was found and add it to the results.
 */
struct stage_facts {
	enum stage stage;
	const struct mail_address *recipient;
	const char *recipient_text; /* for the log */
	const struct header_facts *header;
	uint64_t octets; /* of the body's stage */
};

void session_decide(struct session *session, struct message *message,
	const struct stage_facts *about, struct verdict *verdict);

/* The stage can't be decided: answer as on_error says, and log why. */
void session_fail(struct session *session, struct message *message, const struct stage_facts *about,
	const char *why, struct verdict *verdict);

/* The same, but it is no failure: whatever on_error says, the client is to come again later. */
void session_put_off(struct session *session, struct message *message,
	const struct stage_facts *about, const char *why, struct verdict *verdict);

/* What no check stands for refuses: 550 with that enhanced code and text. */
struct refusal {
	const char *rule, *enhanced, *text;
};

void session_refuse(struct session *session, struct message *message,
	const struct stage_facts *about, const struct refusal *refusal, struct verdict *verdict);

/* The queue id, once it is known. */
void message_set_queue(struct message *message, const char *queue);

struct message *message_new(void); /* NULL when out of memory */
void message_free(struct message **message);

#endif
