/*
 * The life of a session and the commands up to MAIL: stores the facts of the client, reads the MAIL
 * command and pins the policy that judges the message. Owns struct session. Runs on whichever of
 * libmilter's threads runs the callback.
 */
#include "milter/smtp/session.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/match/domain.h"
#include "milter/log/log.h"
#include "milter/smtp/gateway.h"
#include "milter/smtp/session_private.h"

/* The time of the first session and a counter: unique on this machine, also after a restart. */
static void make_session_id(char id[24])
{
	static atomic_uint_fast64_t first, count;
	uint_fast64_t none = 0;
	uint64_t number = atomic_fetch_add(&count, 1) + 1;

	if (number == 1 || atomic_load(&first) == 0)
		(void)atomic_compare_exchange_strong(&first, &none, (uint_fast64_t)time(NULL));
	(void)snprintf(id, 24, "%08" PRIX32 "-%" PRIX64, (uint32_t)atomic_load(&first), number);
}

struct session *session_new(struct shared *shared, const struct needs *needs)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->shared = shared;
	session->needs = *needs;
	make_session_id(session->id);
	return session;
}

void session_free(struct session **session)
{
	struct session *gone = *session;

	*session = NULL;
	if (gone == NULL)
		return;
	session_leave(gone);
	if (gone->message != NULL)
		session_commit(gone, gone->message); /* the MTA may still send it */
	message_free(&gone->message);
	strbuf_free(&gone->results);
	free(gone->service);
	free(gone->mta_name);
	free(gone->rdns);
	free(gone->helo);
	free(gone);
}

const struct needs *session_needs(const struct session *session)
{
	return &session->needs;
}

/* Replace a fact by a copy of text, which may be NULL. */
static void store_fact(struct session *session, char **fact, const char *text)
{
	free(*fact);
	*fact = text == NULL ? NULL : strdup(text);
	if (text != NULL && *fact == NULL)
		session->facts_lost = true;
}

static bool is_usable_name(const struct client *client)
{
	if (client->host == NULL || client->host[0] == '\0' || domain_is_placeholder(client->host))
		return false;
	/* Sendmail, unlike Postfix, passes names that do not resolve to the client's address. */
	return client->resolve == NULL || client->resolve[0] == '\0' ||
		strcasecmp(client->resolve, "OK") == 0;
}

/*
 * Return whether connect or helo is judged at MAIL: under delay_reject, or if it cannot be
 * answered.
 */
static bool is_delayed(const struct session *session, bool can_answer)
{
	return session->needs.delay_reject || !can_answer;
}

void session_connect(struct session *session, const struct client *client, struct verdict *verdict)
{
	const struct stage_facts about = { .stage = STAGE_CONNECT };
	char mta_name[DOMAIN_SIZE];

	verdict_init(verdict);
	if (client->address != NULL)
		session->client = cidr_from_sockaddr(client->address);
	store_fact(session, &session->service, client->daemon_name);
	store_fact(session, &session->mta_name,
		client->mta_name != NULL &&
				domain_canon(client->mta_name, strlen(client->mta_name), mta_name) >
					0 ?
			mta_name :
			NULL);
	if (session->mta_name != NULL)
		mta_names_add(shared_mta_names(session->shared), session->mta_name);
	store_fact(session, &session->rdns, is_usable_name(client) ? client->host : NULL);
	session->is_sendmail = client->version != NULL && client->version[0] >= '0' &&
		client->version[0] <= '9'; /* Sendmail: "8.17.1"; Postfix: "Postfix 3.7.11" */
	session_enter(session);
	if (!is_delayed(session, session->needs.answer_connect))
		session_decide(session, NULL, &about, verdict);
}

void session_helo(struct session *session, const char *helo, struct verdict *verdict)
{
	const struct stage_facts about = { .stage = STAGE_HELO };

	verdict_init(verdict);
	if (session->helo == NULL && helo != NULL && session->client.family != AF_UNSPEC)
		gateway_watch(session->shared, &session->client, helo);
	store_fact(session, &session->helo, helo);
	if (!is_delayed(session, session->needs.answer_helo))
		session_decide(session, NULL, &about, verdict);
}

/* The value of SIZE= in octets (RFC 1870); 0 if it is missing or not a number. */
static uint64_t declared_size(const char *const *parameters)
{
	uint64_t size = 0;

	for (; parameters != NULL && *parameters != NULL; parameters++) {
		const char *p = *parameters;

		if (strncasecmp(p, "SIZE=", 5) != 0)
			continue;
		size = 0;
		for (p += 5; *p >= '0' && *p <= '9'; p++) {
			if (size > (UINT64_MAX - 9) / 10)
				return UINT64_MAX;
			size = size * 10 + (uint64_t)(*p - '0');
		}
		if (*p != '\0')
			size = 0;
	}
	return size;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decode xtext (RFC 3461 section 4) in place; other text stays unchanged. */
static void decode_xtext(char *text)
{
	char *to = text;
	int high, low;

	for (const char *from = text; *from != '\0'; from++, to++) {
		if (*from == '+' && (high = hex_digit(from[1])) >= 0 &&
			(low = hex_digit(from[2])) >= 0 && (high | low) != 0) {
			*to = (char)(high * 16 + low);
			from += 2;
		} else {
			*to = *from;
		}
	}
	*to = '\0';
}

/* Return the name of the login that the MTA reports, or NULL when out of memory. */
static char *read_login(const struct session *session, const struct policy *policy,
	const char *reported)
{
	char *login = strdup(reported), name[SUSPENSION_LOGIN_MAX + 1];

	if (login != NULL && session->is_sendmail)
		decode_xtext(login);
	if (login == NULL || policy == NULL || check_login_name(policy, login, name) < 0 ||
		strcmp(name, login) == 0)
		return login;
	free(login);
	return strdup(name);
}

/* Store the address to which the MTA resolves the sender. Returns false when out of memory. */
static bool store_resolved(struct message *message, const struct mail_command *mail)
{
	struct mail_address resolved;

	if (!read_resolved(mail->address, mail->resolved, &resolved))
		return true;
	if ((message->sender_resolved = malloc(sizeof(resolved))) == NULL)
		return false;
	*message->sender_resolved = resolved;
	return true;
}

/* Store the facts of the MAIL command. Returns NULL, or the reason why they cannot be judged. */
static const char *read_mail_facts(struct session *session, struct message *message,
	const struct policy *policy, const struct mail_command *mail)
{
	message_set_queue(message, mail->queue);
	message->size = declared_size(mail->parameters);
	if (mail->login != NULL && mail->login[0] != '\0' &&
		(message->login = read_login(session, policy, mail->login)) == NULL)
		return "out of memory";
	if (message->login != NULL && message->settings->rates != NULL &&
		rates_exempts(message->settings->rates, &session->client, NULL, NULL))
		shared_count_exempt_login(session->shared);
	if (session->results.len > 0)
		strbuf_add(&message->results, session->results.text, session->results.len);
	address_read(mail->address, strlen(mail->address), &message->sender);
	return session->facts_lost || !store_resolved(message, mail) ? "out of memory" : NULL;
}

/* Judge at MAIL: the delayed stages in their order, then the sender. */
static void decide_mail(struct session *session, struct message *message, struct verdict *verdict)
{
	struct stage_facts about = { .stage = STAGE_CONNECT };
	bool judged = message->policy_serial != 0 && message->unjudged == NULL;

	if (judged && is_delayed(session, session->needs.answer_connect))
		session_decide(session, message, &about, verdict);
	about.stage = STAGE_HELO;
	if (judged && verdict->kind == VERDICT_CONTINUE && session->helo != NULL &&
		is_delayed(session, session->needs.answer_helo))
		session_decide(session, message, &about, verdict);
	about.stage = STAGE_MAIL;
	if (verdict->kind == VERDICT_CONTINUE)
		session_decide(session, message, &about, verdict);
}

/* Store what the policy demands of the rest of the message. */
static void find_demands(const struct session *session, struct message *message,
	const struct policy *policy)
{
	const struct policy_parts *parts = policy_parts(policy);
	const struct service *service = settings_service(parts->settings, session->service);
	const struct facts facts = session_facts(session, message);

	message->policy_serial = policy_serial(policy);
	message->looks_at_from = checks_look(parts, service, STAGE_HEADER, message->login != NULL);
	if (message->unjudged == NULL)
		message->maxsize = check_maxsize(policy, &facts);
}

/* Return whether the size must be counted although the body was declined when the MTA connected. */
static bool is_uncounted(const struct session *session, const struct message *message)
{
	return message->maxsize > 0 && !session->needs.body &&
		settings_service(message->settings, session->service)->mode[CHECK_SIZE] == MODE_YES;
}

/* Return whether the message must wait until the MTA connects again; if so, fill the verdict. */
static bool put_off_message(struct session *session, struct message *message,
	const struct policy *policy, struct verdict *verdict)
{
	const struct stage_facts about = { .stage = STAGE_MAIL };

	if (!needs_outgrown(&session->needs, policy_parts(policy), session->service,
		    message->login != NULL) &&
		!is_uncounted(session, message))
		return false;
	session_put_off(session, message, &about,
		"the configuration needs more events than were negotiated when the MTA connected",
		verdict);
	return true;
}

void session_mail(struct session *session, const struct mail_command *mail, struct verdict *verdict)
{
	const struct stage_facts about = { .stage = STAGE_MAIL };
	struct message *message = message_new();
	struct policy *policy;

	verdict_init(verdict);
	session_message_drop(session);
	if (message == NULL) {
		session_fail(session, NULL, &about, "out of memory", verdict);
		return;
	}
	snapshot_pin(shared_snapshot(session->shared), &message->pin);
	policy = policy_pin_get(&message->pin);
	message->settings = policy != NULL ? settings_ref(policy_parts(policy)->settings) :
					     shared_settings(session->shared);
	message->unjudged = read_mail_facts(session, message, policy, mail);
	if (policy != NULL)
		find_demands(session, message, policy);
	if (policy == NULL || !put_off_message(session, message, policy, verdict))
		decide_mail(session, message, verdict);
	policy_unref(&policy);
	session->message = message;
	if (verdict->kind != VERDICT_CONTINUE)
		session_message_drop(session);
}

/*
 * Return whether a message that was not accepted may be sent all the same, because the MTA hides
 * its content. Without the event DATA, a hidden message cannot be told from one that the client has
 * given up before.
 */
static bool may_be_sent(const struct session *session, const struct message *message)
{
	if (message->is_hidden || !session->needs.lacks_data || message->has_content)
		return message->is_hidden;
	if (message->hold != NULL) {
		shared_count_unreported_message(session->shared);
		log_event(LOG_LEVEL_WARNING,
			"session=%s content=unknown hint=\"the MTA does not report DATA, so that "
			"the recipients count; set milter_protocol = 6\"",
			session->id);
	}
	return true;
}

void session_message_drop(struct session *session)
{
	struct message *message = session->message;

	if (message != NULL && may_be_sent(session, message))
		session_commit(session, message);
	else if (message != NULL)
		session_give_back(session, message);
	message_free(&session->message);
}
