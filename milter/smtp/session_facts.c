/*
 * Hands the facts of a session and its message to the checks and to the log. Owns nothing. Runs on
 * whichever of libmilter's threads runs the session's callback.
 */
#include "milter/smtp/session_private.h"

struct facts session_facts(const struct session *session, const struct message *message)
{
	struct facts facts = {
		.service = session->service,
		.mta_name = session->mta_name,
		.client = session->client,
		.rdns = session->rdns,
		.helo = session->helo,
		.connection = session->is_charged ? &session->connection : NULL,
		.counted = session->counted,
		.open = session->open,
		.named = session->named,
	};

	if (message != NULL) {
		facts.recipients = message->accepted;
		facts.login = message->login;
		facts.sender = &message->sender;
		facts.sender_resolved = message->sender_resolved;
		facts.size = message->size;
	}
	return facts;
}

struct decision_record session_decision_record(const struct session *session,
	const struct message *message)
{
	struct decision_record record = {
		.session = session->id,
		.service = session->service,
		.client = session->client,
		.rdns = session->rdns,
		.helo = session->helo,
	};

	if (message != NULL) {
		record.queue = message->queue;
		record.login = message->login;
		record.sender = message->sender.text;
		record.policy = message->policy_serial;
	}
	return record;
}
