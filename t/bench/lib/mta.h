#ifndef POSTERN_BENCH_MTA_H
#define POSTERN_BENCH_MTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"
#include "t/bench/lib/packet.h"
#include "t/bench/lib/sessions.h"

/*
 * The MTA's side of one milter connection, without input and output: it determines what Postfix 3.7
 * would send next and what a reply means. It offers protocol version 6 with every action and flag,
 * omits the events that the filter does not want, waits for no reply where the filter gives none,
 * and sends its macros before each event, also before unwanted ones, as Postfix does.
 */

enum mta_stage {
	MTA_NEGOTIATE,
	MTA_CONNECT,
	MTA_HELO,
	MTA_MAIL,
	MTA_RCPT,
	MTA_DATA,
	MTA_HEADER,
	MTA_EOH,
	MTA_BODY,
	MTA_EOM,
	MTA_STAGES
};

/* How a message ended. CLOSED: the filter closed too early; INSANE: it broke the protocol. */
enum mta_verdict {
	MTA_UNDECIDED,
	MTA_ACCEPTED,
	MTA_REJECTED,
	MTA_TEMPFAILED,
	MTA_DISCARDED,
	MTA_CLOSED,
	MTA_INSANE,
	MTA_VERDICTS
};

/* How to treat the packets that mta_advance() wrote. */
enum mta_step {
	MTA_WAIT,  /* send them, then read a reply */
	MTA_FLUSH, /* send them, then advance: smtpd hands the descriptor to cleanup */
	MTA_DONE   /* the message is decided; they may wait in the buffer */
};

#define MTA_MACROS_SIZE 512

struct mta {
	const struct smtp_session *session;
	size_t body_size;     /* bytes of the message's body */
	unsigned int message; /* number of the message, for its queue id */
	enum mta_stage stage; /* the event that was sent last or is sent next */
	size_t at;	      /* which recipient, which header, or how much of the body */
	uint32_t actions, protocol;
	uint64_t macros[MTA_STAGES]; /* which macros go with an event: bits of mta.c's table */
	char macros_asked[MTA_MACROS_SIZE]; /* the filter's wishes, as mta_macros_parse() has them
					     */
	bool stop_after_connect;	    /* for an idle connection */
	size_t rcpts_accepted, rcpts_refused;
	size_t changes; /* requests to change the message at its end */
	enum mta_verdict verdict;
	bool is_over; /* the verdict applies to the whole connection */
};

/* Begin a connection: the next mta_advance() negotiates. */
void mta_start(struct mta *mta, const struct smtp_session *session, size_t body_size);

/* Begin another message: write ABORT, which Postfix sends after each message; MAIL is next. */
void mta_next_message(struct mta *mta, const struct smtp_session *session, struct strbuf *out);

/* Write the end of the session. The caller closes the connection afterwards. */
void mta_quit(struct strbuf *out);

/* Write the next packets, up to the first event that waits for a reply. */
enum mta_step mta_advance(struct mta *mta, struct strbuf *out);

/* What the caller has to do after a reply. */
enum mta_after_reply {
	MTA_READ_MORE, /* more follows: progress, or a change of the message */
	MTA_ADVANCE    /* the event is answered: call mta_advance() */
};

enum mta_after_reply mta_reply(struct mta *mta, const struct packet *packet);

/* "connect", "helo", ...; "accepted", ... */
const char *mta_stage_name(enum mta_stage stage);
const char *mta_verdict_name(enum mta_verdict verdict);

#endif
