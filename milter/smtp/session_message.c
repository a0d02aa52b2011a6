/*
 * A message after its MAIL command: judges recipients, collects header fields, counts octets, and
 * accepts the message. Owns struct message. Runs on whichever of libmilter's threads runs the
 * session's callback.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/match/content_type.h"

#include "milter/log/log.h"
#include "milter/smtp/session_private.h"

#define FIELDS_BYTES_MAX ((size_t)256 << 10) /* of the From and Sender fields that are kept */

/*
 * A message with more forged results fields than this is refused. For each field to be removed,
 * Postfix (3.7) reads the header from its start: 12,000 of them, in a message of 300 KiB, took it
 * ten seconds.
 */
#define FORGED_MAX 100

struct message *message_new(void)
{
	return calloc(1, sizeof(struct message));
}

void message_free(struct message **message)
{
	struct message *gone = *message;

	*message = NULL;
	if (gone == NULL)
		return;
	policy_unpin(&gone->pin);
	settings_unref(&gone->settings);
	arena_free(&gone->arena);
	strbuf_free(&gone->results);
	free(gone->sender_resolved);
	free(gone->login);
	free(gone);
}

void message_set_queue(struct message *message, const char *queue)
{
	if (queue != NULL && queue[0] != '\0')
		(void)text_copy(message->queue, sizeof(message->queue), queue);
}

void session_queue_id(struct session *session, const char *queue)
{
	if (session->message != NULL)
		message_set_queue(session->message, queue);
}

/* Return whether an address in angle brackets is the address that follows without them. */
static bool is_bracketed(const char *bracketed, const char *address)
{
	const size_t len = strlen(address);

	return bracketed[0] == '<' && strncmp(bracketed + 1, address, len) == 0 &&
		strcmp(bracketed + 1 + len, ">") == 0;
}

bool read_resolved(const char *bracketed, const char *resolved, struct mail_address *resolved_r)
{
	return resolved != NULL && !is_bracketed(bracketed, resolved) &&
		address_parse_internal(resolved, resolved_r);
}

void session_rcpt(struct session *session, const struct rcpt_command *rcpt, struct verdict *verdict)
{
	struct message *message = session->message;
	struct mail_address recipient, resolved;
	struct stage_facts about = { .stage = STAGE_RCPT, .recipient_text = rcpt->address };

	verdict_init(verdict);
	if (message != NULL)
		message_set_queue(message, rcpt->queue);
	if (message != NULL && !session->needs.answer_rcpt) {
		message->accepted++;
		return;
	}
	if (message == NULL) {
		session_fail(session, NULL, &about, "RCPT without MAIL", verdict);
		return;
	}
	address_read(rcpt->address, strlen(rcpt->address), &recipient);
	if (read_resolved(rcpt->address, rcpt->resolved, &resolved))
		about.resolved = &resolved;
	about.recipient = &recipient;
	about.recipient_text = recipient.text;
	session_decide(session, message, &about, verdict);
	session->named++;
	if (verdict->kind == VERDICT_CONTINUE)
		message->accepted++;
	else
		message->refused++;
}

void session_data(struct session *session, const char *queue)
{
	struct message *message = session->message;

	if (message == NULL)
		return;
	message_set_queue(message, queue);
	if (message->queue[0] != '\0' || message->accepted == 0 || message->is_hidden)
		return;
	message->is_hidden = true;
	shared_count_hidden_message(session->shared);
	log_event(LOG_LEVEL_WARNING,
		"session=%s content=hidden hint=\"the MTA shows milters no content, as with "
		"smtpd_proxy_filter, so that header_from and maxsize do not apply\"",
		session->id);
}

static void keep_field(struct message *message, struct fields *fields, const char *value)
{
	size_t len = strlen(value);
	char *copy = NULL;

	if (message->arena == NULL)
		message->arena = arena_new(1024);
	if (message->arena == NULL) {
		message->fields_lost = true;
		return;
	}
	if (fields->count == FIELDS_MAX || arena_bytes(message->arena) + len >= FIELDS_BYTES_MAX) {
		fields->is_cut = true;
		return;
	}
	if ((copy = arena_memdup(message->arena, value, len)) == NULL) {
		message->fields_lost = true;
		return;
	}
	fields->field[fields->count++] = (struct field){ .value = copy, .len = len };
}

/*
 * Return whether a field has this name; len leaves out white space before the colon (RFC 5322
 * section 4.5).
 */
static bool is_named(const char *field, size_t len, const char *name)
{
	return strlen(name) == len && strncasecmp(field, name, len) == 0;
}

/* Count octets as SMTP transmits the text, with each line ending in CRLF (RFC 1870 section 3). */
static uint64_t sent_octets(const char *text)
{
	uint64_t octets = 0;

	for (const char *p = text; *p != '\0'; p++)
		octets += *p == '\n' && (p == text || p[-1] != '\r') ? 2 : 1;
	return octets;
}

static void count_field(struct message *message, const char *name, const char *value,
	bool has_leading_space)
{
	/* "NAME:", the value and CRLF; the space after the colon is part of the value only if it
	 * was negotiated. */
	message->octets += strlen(name) + 1 + sent_octets(value) + 2 + (has_leading_space ? 0 : 1);
}

/* Return whether some readers take the field for a From field. c-client ignores the > in front,
 * which delivery to an mbox file adds. */
static bool is_from(const char *name, size_t len)
{
	return is_named(name, len, "From") || is_named(name, len, ">From");
}

static bool is_sender(const char *name, size_t len)
{
	return is_named(name, len, "Sender");
}

static bool is_content_type(const char *name, size_t len)
{
	return is_named(name, len, "Content-Type");
}

/*
 * Return the value of a field of this kind that a line end within another field begins, or NULL.
 * Readers such as Thunderbird, Python and JavaMail take a lone CR for a line end.
 */
static const char *find_within(const char *value, bool (*is_kind)(const char *name, size_t len))
{
	size_t len;

	while (*(value += strcspn(value, "\r\n")) != '\0') {
		value += strspn(value, "\r\n");
		len = strcspn(value, ": \t\r\n");
		if (is_kind(value, len) && value[len + strspn(value + len, " \t")] == ':')
			return strchr(value, ':') + 1;
	}
	return NULL;
}

/* Keep the field if it is of this kind, and one of this kind within it. */
static void keep_kind(struct message *message, struct fields *fields,
	bool (*is_kind)(const char *name, size_t len), const char *name, const char *value)
{
	const bool is_field = is_kind(name, strcspn(name, " \t"));
	const char *within = find_within(value, is_kind);

	if (!(is_field || within != NULL) || !message->looks_at_from)
		return;
	if (is_field)
		keep_field(message, fields, value);
	if (within != NULL)
		keep_field(message, fields, within);
}

void session_field(struct session *session, const char *name, const char *value)
{
	struct message *message = session->message;
	const size_t len = strcspn(name, " \t");

	if (message == NULL)
		return;
	message->has_content = true;
	if (message->maxsize > 0)
		count_field(message, name, value, session->needs.leading_space);
	if (session->needs.leading_space && *value == ' ')
		value++;
	if (session->needs.results && is_named(name, len, message->settings->results_header))
		message->forged++;
	if (is_content_type(name, len) || find_within(value, is_content_type) != NULL)
		message->is_recoded |= !content_type_keeps_ascii(value);
	keep_kind(message, &message->from, is_from, name, value);
	keep_kind(message, &message->senders, is_sender, name, value);
}

static void judge_header(struct session *session, struct message *message, struct verdict *verdict)
{
	const struct header_facts header = {
		.from = message->from.field,
		.from_count = message->from.count,
		.sender = message->senders.field,
		.sender_count = message->senders.count,
		.from_is_cut = message->from.is_cut,
		.sender_is_cut = message->senders.is_cut,
		.is_recoded = message->is_recoded,
		.is_sendmail = session->is_sendmail,
	};
	const struct stage_facts about = { .stage = STAGE_HEADER, .header = &header };

	if (message->fields_lost)
		session_fail(session, message, &about, "out of memory", verdict);
	else
		session_decide(session, message, &about, verdict);
}

static void judge_size(struct session *session, struct message *message, struct verdict *verdict)
{
	const struct stage_facts about = { .stage = STAGE_BODY, .octets = message->octets };

	if (message->maxsize == 0 || message->octets <= message->maxsize || !session->needs.body)
		return;
	message->maxsize = 0; /* judge once, because the check may only warn */
	session_decide(session, message, &about, verdict);
}

void session_header_end(struct session *session, const char *queue, struct verdict *verdict)
{
	struct message *message = session->message;

	verdict_init(verdict);
	if (message == NULL || message->header_judged)
		return;
	message->header_judged = message->has_content = true;
	message_set_queue(message, queue);
	if (session->needs.headers && message->looks_at_from)
		judge_header(session, message, verdict);
	if (verdict->kind != VERDICT_CONTINUE)
		return;
	message->octets += 2; /* the empty line */
	judge_size(session, message, verdict);
}

bool session_body(struct session *session, size_t len, struct verdict *verdict)
{
	struct message *message = session->message;

	verdict_init(verdict);
	if (message == NULL || message->maxsize == 0)
		return false;
	message->octets += len;
	judge_size(session, message, verdict);
	return message->maxsize > 0;
}

void results_field_free(struct results_field *results)
{
	free(results->name);
	free(results->value);
	*results = (struct results_field){ .forged = 0 };
}

/* Fold the results for the MTA, which adds no leading space if that was negotiated. */
static char *fold_results(const struct session *session, const struct message *message,
	const char *name)
{
	char *folded = results_fold(&message->results, strlen(name)), *value = folded;

	if (folded == NULL || !session->needs.leading_space)
		return folded;
	if (asprintf(&value, " %s", folded) < 0)
		value = NULL;
	free(folded);
	return value;
}

static int make_results(const struct session *session, struct message *message,
	struct results_field *results_r)
{
	const struct settings *settings = message->settings;
	struct results_field results = { .forged = message->forged };

	*results_r = results;
	if (!session->needs.results || settings->results_header[0] == '\0')
		return 0;
	if (message->login != NULL && !settings->results_names)
		results_hide_rules(&message->results); /* the message goes to strangers */
	results.name = strdup(settings->results_header);
	results.value = fold_results(session, message, settings->results_header);
	if (results.name == NULL || results.value == NULL) {
		results_field_free(&results);
		return -1;
	}
	*results_r = results;
	return 0;
}

static void log_accepted(const struct session *session, const struct message *message)
{
	struct decision_record record = session_decision_record(session, message);

	record.stage = "message";
	record.verdict = verdict_name(VERDICT_CONTINUE);
	record.is_message = true;
	record.rule = message->rule;
	record.usage = &message->usage;
	record.recipients = message->accepted;
	record.refused = message->refused;
	decision_record_log(&record);
}

int session_accept(struct session *session, const char *queue, struct results_field *results_r,
	struct verdict *verdict)
{
	static const struct refusal too_many = { "[milter] results_header: too many forged fields",
		"5.6.0", "Too many header fields of one name" };
	const struct stage_facts about = { .stage = STAGE_HEADER };
	struct message *message = session->message;

	verdict_init(verdict);
	*results_r = (struct results_field){ .forged = 0 };
	if (message == NULL)
		return 0;
	message_set_queue(message, queue);
	session_decide_end(session, message, verdict);
	if (verdict->kind != VERDICT_CONTINUE)
		return -1;
	if (message->forged > FORGED_MAX) {
		session_refuse(session, message, &about, &too_many, verdict);
		return -1;
	}
	if (make_results(session, message, results_r) != 0) {
		session_fail(session, message, &about, "out of memory", verdict);
		if (verdict->kind == VERDICT_CONTINUE)
			session_commit(session, message);
		return -1;
	}
	session_commit(session, message);
	log_accepted(session, message);
	return 0;
}
