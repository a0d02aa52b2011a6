#ifndef POSTERN_SESSION_PRIVATE_H
#define POSTERN_SESSION_PRIVATE_H

#include "lib/base/arena.h"
#include "lib/rules/check.h"
#include "lib/rules/results.h"
#include "milter/log/decision_record.h"
#include "milter/smtp/session.h"

/*
 * The parts of a session that session*.c share. libmilter's workers run the callbacks of one
 * session on different threads, but one at a time, so a session and its message need no lock.
 */

#define QUEUE_ID_SIZE 64 /* a longer queue id is cut, because only the log needs it */
#define FIELDS_MAX 16	 /* From or Sender fields of a message that are kept; see fields.is_cut */

struct fields {
	struct field field[FIELDS_MAX];
	size_t count;
	bool is_cut; /* fields were left out, by count or size */
};

/* One message, from its MAIL command to its end. */
struct message {
	struct policy_pin pin;	   /* the policy in force at MAIL, if there was one */
	uint64_t policy_serial;	   /* of the policy that judged the last stage; 0: none */
	bool looks_at_from;	   /* the header stage will judge From fields */
	struct settings *settings; /* those at MAIL */
	const char *unjudged;	   /* why no stage can be decided; NULL: all can */
	struct mail_address sender;
	struct mail_address *sender_resolved; /* {mail_addr}; NULL: it is the sender, or unknown */
	uint64_t size;			      /* SIZE= of MAIL; 0: not declared */
	char *login;			      /* NULL: not logged in */
	char queue[QUEUE_ID_SIZE];
	uint32_t accepted, refused; /* recipients */
	char rule[RULE_SIZE]; /* the last rule that allowed something, the recipient rather than
				 the sender; "": none did */
	struct strbuf results;

	struct arena *arena; /* holds the fields; NULL while there are none */
	struct fields from, senders;
	bool is_recoded;  /* as in facts.h */
	bool fields_lost; /* no memory for one of them: the header cannot be judged */
	bool header_judged;
	bool is_hidden;	  /* its content and its end are: it may be sent, whatever happens */
	bool has_content; /* a field, a part of the body or its end was reported */
	unsigned forged;  /* results fields that came with the message */

	struct ledger_hold *hold; /* the reservations of its recipients; NULL: none */
	struct usage usage;	  /* the limit that the last recipient was charged to */
	uint64_t octets, maxsize; /* counted as in RFC 1870; maxsize 0: not counted */
};

struct session {
	struct shared *shared;
	struct needs needs;
	char id[24];
	struct cidr client;
	char *service, *mta_name, *rdns, *helo; /* NULL: unknown */
	bool is_sendmail;
	bool facts_lost;       /* no memory for one of these: nothing can be judged */
	struct strbuf results; /* of connect and helo, where they are judged at once */
	struct message *message;

	char *counted;	/* key of its open connection; NULL: not counted */
	uint32_t open;	/* open connections of that key when this one started; 0: not counted */
	uint32_t named; /* recipients that the client named, accepted or not */
	bool is_charged;
	struct connection_charge connection; /* valid if is_charged */
};

/* The facts that the checks receive, borrowed from the session. message may be NULL. */
struct facts session_facts(const struct session *session, const struct message *message);

/* A decision record with everything but the decision itself, borrowed. message may be NULL. */
struct decision_record session_decision_record(const struct session *session,
	const struct message *message);

/*
 * Count and charge the client's connection under the policy in force, and end that count.
 * session_enter() ends an earlier one itself.
 */
void session_enter(struct session *session);
void session_leave(struct session *session);

/* End the reservations of the message: make them final, because it is accepted, or give them back,
 * because it is not. */
void session_commit(const struct session *session, struct message *message);
void session_give_back(const struct session *session, struct message *message);

/* Suspend the login of the message because of the policy's verdict, and log that. */
void session_suspend(const struct session *session, const struct message *message,
	const struct policy *policy, const struct verdict *verdict);

/* The stage to decide, and the facts that only this stage has. */
struct stage_facts {
	enum stage stage;
	const struct mail_address *recipient;
	const struct mail_address *resolved; /* of the recipient, as in facts.h */
	const char *recipient_text;	     /* for the log */
	const struct header_facts *header;
	uint64_t octets; /* counted so far, for the body stage */
};

/* Parse the address to which the MTA resolves the one in brackets. Returns false if it is the same
 * or none. */
bool read_resolved(const char *bracketed, const char *resolved, struct mail_address *resolved_r);

/* A refusal that no check covers: 550 with this enhanced code and text. */
struct refusal {
	const char *rule, *enhanced, *text;
};

/*
 * Each of these functions fills the verdict of a stage, logs its findings and adds them to the
 * results. Before MAIL, message is NULL.
 *
 * session_decide() runs the checks with the policy of the message, or before MAIL with the one in
 * force. session_fail() answers according to on_error, because the stage cannot be decided.
 * session_put_off() tells the client to try again later, whatever on_error is. session_refuse()
 * answers with the refusal. session_decide_end() looks whether the user of a message that is about
 * to be accepted may still send, by the policy in force, and not by that of the message.
 */
void session_decide(struct session *session, struct message *message,
	const struct stage_facts *about, struct verdict *verdict);
void session_decide_end(struct session *session, struct message *message, struct verdict *verdict);
void session_fail(struct session *session, struct message *message, const struct stage_facts *about,
	const char *why, struct verdict *verdict);
void session_put_off(struct session *session, struct message *message,
	const struct stage_facts *about, const char *why, struct verdict *verdict);
void session_refuse(struct session *session, struct message *message,
	const struct stage_facts *about, const struct refusal *refusal, struct verdict *verdict);

/* Store the queue id; NULL and "" change nothing. */
void message_set_queue(struct message *message, const char *queue);

struct message *message_new(void);	     /* returns NULL when out of memory */
void message_free(struct message **message); /* without reservations; accepts NULL */

#endif
