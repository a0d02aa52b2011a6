#include <string.h>

#include "milter/smtp/session_private.h"

/* Octets of text whose lines end in LF or CRLF, as they are sent: with CRLF (RFC 1870 section 3).
 */
static uint64_t sent_octets(const char *text)
{
	uint64_t octets = 0;

	for (const char *p = text; *p != '\0'; p++)
		octets += *p == '\n' && (p == text || p[-1] != '\r') ? 2 : 1;
	return octets;
}

void message_count_field(struct message *message, const char *name, const char *value,
	bool has_leading_space)
{
	/* "NAME:" and its CRLF; and the space behind the colon, which isn't in the value where it
	 * wasn't asked for. */
	message->octets += strlen(name) + 1 + sent_octets(value) + 2 + (has_leading_space ? 0 : 1);
}

static void check(struct session *session, struct message *message, struct verdict *verdict)
{
	const struct stage_facts about = { .stage = STAGE_BODY, .octets = message->octets };

	if (message->maxsize == 0 || message->octets <= message->maxsize || !session->needs.body)
		return;
	message->maxsize = 0; /* said once, where it only warns */
	session_decide(session, message, &about, verdict);
}

void message_end_header(struct session *session, struct message *message, struct verdict *verdict)
{
	message->octets += 2; /* the empty line */
	check(session, message, verdict);
}

bool session_body(struct session *session, size_t len, struct verdict *verdict)
{
	struct message *message = session->message;

	verdict_init(verdict);
	if (message == NULL || message->maxsize == 0)
		return false;
	message->octets += len;
	check(session, message, verdict);
	return message->maxsize > 0;
}
