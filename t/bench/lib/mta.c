/*
 * The MTA's side of a milter connection as a state machine, without input and output. It sends what
 * Postfix 3.7 sends. A struct mta belongs to one thread.
 */
#include "t/bench/lib/mta.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

#include "t/bench/lib/mta_macros.h"

#define OFFERED_ACTIONS SMFI_CURR_ACTS
#define OFFERED_PROTOCOL SMFI_CURR_PROT
#define PROTOCOL_VERSION 6

/* Each event's letter in the protocol, and the flags that suppress the event or its reply. */
static const struct {
	const char *name;
	char command;
	uint32_t unwanted, unanswered;
} events[MTA_STAGES] = {
	[MTA_NEGOTIATE] = { "negotiate", SMFIC_OPTNEG, 0, 0 },
	[MTA_CONNECT] = { "connect", SMFIC_CONNECT, SMFIP_NOCONNECT, SMFIP_NR_CONN },
	[MTA_HELO] = { "helo", SMFIC_HELO, SMFIP_NOHELO, SMFIP_NR_HELO },
	[MTA_MAIL] = { "mail", SMFIC_MAIL, SMFIP_NOMAIL, SMFIP_NR_MAIL },
	[MTA_RCPT] = { "rcpt", SMFIC_RCPT, SMFIP_NORCPT, SMFIP_NR_RCPT },
	[MTA_DATA] = { "data", SMFIC_DATA, SMFIP_NODATA, SMFIP_NR_DATA },
	[MTA_HEADER] = { "header", SMFIC_HEADER, SMFIP_NOHDRS, SMFIP_NR_HDR },
	[MTA_EOH] = { "eoh", SMFIC_EOH, SMFIP_NOEOH, SMFIP_NR_EOH },
	[MTA_BODY] = { "body", SMFIC_BODY, SMFIP_NOBODY, SMFIP_NR_BODY },
	[MTA_EOM] = { "eom", SMFIC_BODYEOB, 0, 0 },
};

const char *mta_stage_name(enum mta_stage stage)
{
	return events[stage].name;
}

const char *mta_verdict_name(enum mta_verdict verdict)
{
	static const char *const names[MTA_VERDICTS] = {
		[MTA_UNDECIDED] = "undecided",
		[MTA_ACCEPTED] = "accepted",
		[MTA_REJECTED] = "rejected",
		[MTA_TEMPFAILED] = "tempfailed",
		[MTA_DISCARDED] = "discarded",
		[MTA_CLOSED] = "closed",
		[MTA_INSANE] = "insane",
	};

	return names[verdict];
}

void mta_start(struct mta *mta, const struct smtp_session *session, size_t body_size)
{
	memset(mta, 0, sizeof(*mta));
	mta->session = session;
	mta->body_size = body_size;
	mta_macros_default(mta->macros);
}

void mta_next_message(struct mta *mta, const struct smtp_session *session, struct strbuf *out)
{
	packet_add_bare(out, SMFIC_ABORT);
	mta->session = session;
	mta->message++;
	mta->stage = MTA_MAIL;
	mta->at = 0;
	mta->rcpts_accepted = mta->rcpts_refused = 0;
	mta->verdict = MTA_UNDECIDED;
}

void mta_quit(struct strbuf *out)
{
	packet_add_bare(out, SMFIC_ABORT); /* after the message */
	packet_add_bare(out, SMFIC_ABORT); /* at the end of the session */
	packet_add_bare(out, SMFIC_QUIT);
}

/* How often the event of this stage occurs: recipients, headers, bytes of the body, or once. */
static size_t stage_end(const struct mta *mta)
{
	switch (mta->stage) {
	case MTA_RCPT:
		return mta->session->rcpt_count;
	case MTA_HEADER:
		return mta->session->header_count;
	case MTA_BODY:
		return mta->body_size;
	default:
		return 1;
	}
}

static size_t body_chunk(const struct mta *mta)
{
	size_t left = mta->body_size - mta->at;

	return left > MILTER_CHUNK_SIZE ? MILTER_CHUNK_SIZE : left;
}

/* Go to the next event after this one was sent and, if it has a reply, answered. */
static void go_on(struct mta *mta)
{
	if (mta->stage == MTA_RCPT && mta->rcpts_accepted + mta->rcpts_refused == mta->at)
		mta->rcpts_accepted++;
	mta->at += mta->stage == MTA_BODY ? body_chunk(mta) : 1;
	while (mta->at >= stage_end(mta) && mta->stage < MTA_EOM) {
		mta->stage++;
		mta->at = 0;
	}
}

static void add_connect(const struct smtp_session *session, struct strbuf *out)
{
	if (session->rdns == NULL)
		strbuf_addf(out, "[%s]", session->ip);
	else
		strbuf_add_str(out, session->rdns);
	strbuf_add_char(out, '\0');
	strbuf_add_char(out, session->is_ipv6 ? SMFIA_INET6 : SMFIA_INET);
	packet_add_u16(out, 45744);
	packet_add_text(out, session->ip);
}

static void add_body(struct strbuf *out, size_t len)
{
	static const char line[] =
		"A line of text, as long as lines of text in mail tend to be.\r\n";
	size_t line_len = sizeof(line) - 1;

	for (; len > 0; len -= line_len < len ? line_len : len)
		strbuf_add(out, line, line_len < len ? line_len : len);
}

static void add_event(const struct mta *mta, struct strbuf *out)
{
	const struct smtp_session *session = mta->session;
	size_t place = packet_begin(out, events[mta->stage].command);

	switch (mta->stage) {
	case MTA_NEGOTIATE:
		packet_add_u32(out, PROTOCOL_VERSION);
		packet_add_u32(out, OFFERED_ACTIONS);
		packet_add_u32(out, OFFERED_PROTOCOL);
		break;
	case MTA_CONNECT:
		add_connect(session, out);
		break;
	case MTA_HELO:
		packet_add_text(out, session->helo);
		break;
	case MTA_MAIL:
		packet_add_text(out, session->mail);
		strbuf_addf(out, "SIZE=%zu", mta->body_size + 500); /* the body and its header */
		strbuf_add_char(out, '\0');
		break;
	case MTA_RCPT:
		packet_add_text(out, session->rcpts[mta->at]);
		break;
	case MTA_HEADER:
		packet_add_text(out, session->headers[mta->at].name);
		packet_add_text(out, session->headers[mta->at].value);
		break;
	case MTA_BODY:
		add_body(out, body_chunk(mta));
		break;
	default:
		break;
	}
	packet_end(out, place);
}

/* Whether neither macros nor the event are sent. Postfix skips content that no filter wants. */
static bool is_passed_over(const struct mta *mta)
{
	return mta->stage >= MTA_HEADER && (mta->protocol & events[mta->stage].unwanted) != 0;
}

enum mta_step mta_advance(struct mta *mta, struct strbuf *out)
{
	while (mta->verdict == MTA_UNDECIDED) {
		enum mta_stage stage = mta->stage;
		uint32_t unwanted = events[stage].unwanted, unanswered = events[stage].unanswered;

		if (mta->stop_after_connect && stage > MTA_CONNECT)
			break;
		if (!is_passed_over(mta)) {
			if (stage != MTA_NEGOTIATE)
				mta_macros_write(mta, events[stage].command, out);
			if ((mta->protocol & unwanted) == 0) {
				add_event(mta, out);
				if ((mta->protocol & unanswered) == 0)
					return MTA_WAIT;
			}
		}
		go_on(mta);
		if (stage == MTA_DATA)
			return MTA_FLUSH;
	}
	return MTA_DONE;
}

static enum mta_after_reply decide(struct mta *mta, enum mta_verdict verdict)
{
	mta->verdict = verdict;
	if (mta->stage <= MTA_HELO || verdict == MTA_INSANE)
		mta->is_over = true;
	return MTA_ADVANCE;
}

/* A refusal at RCPT concerns one recipient; if no other is left, the message. */
static enum mta_after_reply refuse(struct mta *mta, enum mta_verdict verdict)
{
	if (mta->stage != MTA_RCPT)
		return decide(mta, verdict);
	mta->rcpts_refused++;
	if (mta->rcpts_refused == mta->session->rcpt_count)
		return decide(mta, verdict);
	go_on(mta);
	return MTA_ADVANCE;
}

static enum mta_after_reply negotiated(struct mta *mta, const struct packet *packet)
{
	if (packet->command != SMFIC_OPTNEG || packet->args_len < MILTER_OPTLEN)
		return decide(mta, MTA_INSANE);
	mta->actions = packet_read_u32(packet->args + 4);
	mta->protocol = packet_read_u32(packet->args + 8);
	if (packet_read_u32(packet->args) > PROTOCOL_VERSION ||
		(mta->actions & ~(uint32_t)OFFERED_ACTIONS) != 0 ||
		(mta->protocol & ~(uint32_t)OFFERED_PROTOCOL) != 0 ||
		mta_macros_parse(mta, packet->args + MILTER_OPTLEN,
			packet->args_len - MILTER_OPTLEN) == -1)
		return decide(mta, MTA_INSANE);
	go_on(mta);
	return MTA_ADVANCE;
}

/* Check "550 5.7.1 text": Postfix requires the code and the enhanced code to be of one class. */
static enum mta_after_reply reply_code(struct mta *mta, const struct packet *packet)
{
	const char *text = packet->args;

	if (packet->args_len < 6 || (text[0] != '4' && text[0] != '5') || text[1] < '0' ||
		text[1] > '9' || text[2] < '0' || text[2] > '9' ||
		(text[3] != ' ' && text[3] != '-') || text[4] != text[0] ||
		text[packet->args_len - 1] != '\0')
		return decide(mta, MTA_INSANE);
	return refuse(mta, text[0] == '4' ? MTA_TEMPFAILED : MTA_REJECTED);
}

static enum mta_after_reply skip_rest(struct mta *mta)
{
	if (mta->stage != MTA_BODY && mta->stage != MTA_HEADER)
		return decide(mta, MTA_INSANE);
	mta->at = stage_end(mta) - (mta->stage == MTA_BODY ? 0 : 1);
	go_on(mta);
	return MTA_ADVANCE;
}

enum mta_after_reply mta_reply(struct mta *mta, const struct packet *packet)
{
	static const char changes[] = { SMFIR_ADDRCPT, SMFIR_DELRCPT, SMFIR_ADDRCPT_PAR,
		SMFIR_REPLBODY, SMFIR_CHGFROM, SMFIR_ADDHEADER, SMFIR_INSHEADER, SMFIR_CHGHEADER,
		SMFIR_QUARANTINE };

	if (mta->stage == MTA_NEGOTIATE)
		return negotiated(mta, packet);
	if (memchr(changes, packet->command, sizeof(changes)) != NULL && mta->stage == MTA_EOM) {
		mta->changes++;
		return MTA_READ_MORE;
	}
	if (packet->command == SMFIR_REPLYCODE)
		return reply_code(mta, packet);
	if (packet->args_len != 0)
		return decide(mta, MTA_INSANE);
	switch (packet->command) {
	case SMFIR_PROGRESS:
		return MTA_READ_MORE;
	case SMFIR_CONTINUE:
		if (mta->stage == MTA_EOM)
			return decide(mta, MTA_ACCEPTED);
		go_on(mta);
		return MTA_ADVANCE;
	case SMFIR_ACCEPT:
		return decide(mta, MTA_ACCEPTED);
	case SMFIR_REJECT:
		return refuse(mta, MTA_REJECTED);
	case SMFIR_TEMPFAIL:
		return refuse(mta, MTA_TEMPFAILED);
	case SMFIR_DISCARD: /* not valid for a connection */
		return decide(mta, mta->stage <= MTA_HELO ? MTA_INSANE : MTA_DISCARDED);
	case SMFIR_SKIP:
		return skip_rest(mta);
	default:
		return decide(mta, MTA_INSANE);
	}
}
