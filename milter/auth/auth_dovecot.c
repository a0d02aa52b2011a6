#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/auth/base64.h"
#include "lib/auth/dovecot_proto.h"
#include "lib/auth/sasl.h"
#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

#define REQUESTS_MAX 64		      /* of one connection at once; Postfix has one */
#define REFUSED "Invalid credentials" /* fail2ban's filters want plain letters here */

/* One AUTH and what follows. */
struct request {
	TAILQ_ENTRY(request) link; /* the oldest first */
	struct peer *peer;
	uint32_t id;
	struct cidr client;
	struct sasl *sasl;
	struct attempt *attempt; /* being decided; NULL: the client is asked */
	const char *said;	 /* why it was refused, for the client */
	bool is_refused;
};

struct dovecot {
	TAILQ_HEAD(request_list, request) requests;
	size_t count;
};

static void request_free(struct request *request)
{
	struct dovecot *dovecot = request->peer->state;

	attempt_cancel(&request->attempt);
	TAILQ_REMOVE(&dovecot->requests, request, link);
	dovecot->count--;
	sasl_free(&request->sasl);
	free(request);
}

static struct request *find(struct dovecot *dovecot, uint32_t id)
{
	struct request *request = NULL;

	TAILQ_FOREACH(request, &dovecot->requests, link)
	{
		if (request->id == id)
			return request;
	}
	return NULL;
}

/* What can't be a client of ours: nothing it says can be trusted any more. */
static void protocol_error(struct peer *peer, const char *why)
{
	quote_log(LOG_LEVEL_WARNING, "error", why, "auth protocol=dovecot");
	peer_end(peer);
}

/* ---- answers ---------------------------------------------------------------------- */

static void answer_challenge(struct request *request)
{
	struct strbuf out = STRBUF_INIT;
	size_t len;
	const char *challenge = sasl_challenge(request->sasl, &len);

	dovecot_continue(&out, request->id, challenge, len);
	peer_write(request->peer, &out);
	strbuf_free(&out);
}

static void answer_fail(struct request *request)
{
	struct strbuf out = STRBUF_INIT;
	struct peer *peer = request->peer;

	dovecot_fail(&out, request->id, request->sasl == NULL ? "" : sasl_login(request->sasl),
		request->said);
	request_free(request);
	peer_write(peer, &out);
	strbuf_free(&out);
}

static void answer_ok(struct request *request, const char *login)
{
	struct strbuf out = STRBUF_INIT;
	struct peer *peer = request->peer;

	dovecot_ok(&out, request->id, login);
	request_free(request);
	peer_write(peer, &out);
	strbuf_free(&out);
}

static void on_decided(void *context, const struct login_answer *answer)
{
	struct request *request = context;
	struct peer *peer = request->peer;

	switch (answer->result) {
	case LOGIN_ACCEPTED:
		answer_ok(request, answer->login);
		break;
	case LOGIN_REFUSED:
		if (request->sasl != NULL && !request->is_refused &&
			sasl_refuse(request->sasl) == SASL_CHALLENGE) {
			request->is_refused = true;
			answer_challenge(request);
		} else {
			answer_fail(request);
		}
		break;
	default: /* the one answer that Postfix makes a 454 of */
		peer_end(peer);
		return;
	}
	peer_active(peer, PEER_SERVED);
	/* What was left unread while there was no room for it; in a turn of its own. */
	if (peer->bev != NULL && evbuffer_get_length(bufferevent_get_input(peer->bev)) > 0)
		bufferevent_trigger(peer->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void begin(struct request *request, const char *refusal, enum login_cause cause)
{
	struct sasl_credentials said = { .login = "", .secret = "" };
	struct attempt_request attempt = {
		.client = request->client,
		.protocol = "dovecot",
		.mechanism = request->sasl == NULL ? "" : sasl_mechanism_name(request->sasl),
		.refusal = refusal,
		.cause = cause,
	};

	if (refusal == NULL)
		said = sasl_credentials(request->sasl);
	else if (request->sasl != NULL)
		said.login = sasl_login(request->sasl);
	attempt.login = said.login;
	attempt.secret = said.secret;
	attempt.is_bearer = said.is_bearer;
	attempt_begin(request->peer->auth, &attempt, on_decided, request, &request->attempt);
}

/* ---- requests ---------------------------------------------------------------------- */

static void on_step(struct request *request, enum sasl_step step, const struct errmsg *err)
{
	switch (step) {
	case SASL_CHALLENGE:
		answer_challenge(request);
		break;
	case SASL_CREDENTIALS:
		begin(request, NULL, CAUSE_CREDENTIALS);
		break;
	case SASL_FAILED:
		if (request->is_refused) {
			answer_fail(request); /* a bearer that was told */
		} else {
			request->is_refused = true;
			begin(request, err->text, CAUSE_CREDENTIALS);
		}
		break;
	}
}

/* A response in base64; NULL: none. */
static void take_response(struct request *request, const char *text, size_t len)
{
	struct errmsg err = { "" };
	uint8_t *bytes = malloc(BASE64_DECODED_MAX(len));
	size_t bytes_len = 0;
	enum sasl_step step;

	if (bytes == NULL) {
		peer_end(request->peer);
		return;
	}
	if (text != NULL && base64_decode(text, len, bytes, &bytes_len) < 0) {
		request->is_refused = true;
		begin(request, "malformed base64", CAUSE_CREDENTIALS);
	} else {
		step = sasl_step(request->sasl, text == NULL ? NULL : (const char *)bytes,
			bytes_len, &err);
		on_step(request, step, &err);
	}
	explicit_bzero(bytes, BASE64_DECODED_MAX(len));
	free(bytes);
}

/* The oldest request whose client is silent gives way: Postfix cancels nothing when a session ends.
 */
static bool make_room(struct dovecot *dovecot)
{
	struct request *request = NULL;

	TAILQ_FOREACH(request, &dovecot->requests, link)
	{
		if (request->attempt == NULL) {
			request_free(request);
			return true;
		}
	}
	return false;
}

static bool is_loopback(const struct cidr *client)
{
	static const uint8_t one[16] = { [15] = 1 };

	return client->family == AF_INET ?
		client->addr[0] == 127 :
		client->family == AF_INET6 && memcmp(client->addr, one, 16) == 0;
}

static void obey_auth(struct peer *peer, const struct dovecot_command *command)
{
	const struct auth_settings *settings = peer->auth->settings;
	struct dovecot *dovecot = peer->state;
	enum sasl_mechanism mechanism = SASL_MECHANISMS;
	struct request *request;

	if (find(dovecot, command->id) != NULL) {
		protocol_error(peer, "a request's number is used twice");
		return;
	}
	if ((request = calloc(1, sizeof(*request))) == NULL) {
		peer_end(peer);
		return;
	}
	*request = (struct request){ .peer = peer,
		.id = command->id,
		.client = command->client,
		.said = REFUSED };
	TAILQ_INSERT_TAIL(&dovecot->requests, request, link);
	dovecot->count++;
	if (sasl_find(command->mechanism, &mechanism) < 0 ||
		(settings->mechanisms & SASL_BIT(mechanism)) == 0) {
		request->said = "Unsupported mechanism";
		begin(request, "a mechanism that is not on offer", CAUSE_POLICY);
	} else if ((request->sasl = sasl_new(mechanism)) == NULL) {
		peer_end(peer);
	} else if (settings->require_tls && (sasl_flags(mechanism) & SASL_PLAINTEXT) != 0 &&
		!command->secured && !is_loopback(&command->client)) {
		request->said = "TLS is required";
		request->is_refused = true;
		begin(request, "no TLS (require_tls)", CAUSE_POLICY);
	} else {
		take_response(request, command->response, command->response_len);
	}
}

static void obey_cont(struct peer *peer, const struct dovecot_command *command)
{
	struct request *request = find(peer->state, command->id);
	struct strbuf out = STRBUF_INIT;

	if (request == NULL) { /* it gave way, or never was */
		dovecot_fail(&out, command->id, "", REFUSED);
		peer_write(peer, &out);
		strbuf_free(&out);
	} else if (request->attempt != NULL) {
		protocol_error(peer, "a response that nobody asked for");
	} else {
		take_response(request, command->response, command->response_len);
	}
}

static void obey(struct peer *peer, const struct dovecot_command *command)
{
	struct request *request;

	switch (command->verb) {
	case DOVECOT_VERSION:
		if (command->id != 1)
			protocol_error(peer, "another version of the protocol than 1");
		break;
	case DOVECOT_AUTH:
		obey_auth(peer, command);
		break;
	case DOVECOT_CONT:
		obey_cont(peer, command);
		break;
	case DOVECOT_CANCEL:
		if ((request = find(peer->state, command->id)) != NULL)
			request_free(request);
		break;
	case DOVECOT_CPID:
	case DOVECOT_OTHER:
		break;
	}
}

static void obey_line(struct peer *peer, char *line, size_t len)
{
	struct dovecot_command command;
	struct errmsg err;

	if (dovecot_parse(line, len, &command, &err) < 0) {
		protocol_error(peer, err.text);
		return;
	}
	if (command.verb != DOVECOT_OTHER)
		peer_active(peer, PEER_KNOWN);
	obey(peer, &command);
}

static void read_lines(struct peer *peer)
{
	struct dovecot *dovecot = peer->state;
	struct evbuffer *input;
	size_t len;
	char *line;

	while (peer->bev != NULL) {
		input = bufferevent_get_input(peer->bev);
		if (dovecot->count >= REQUESTS_MAX && !make_room(dovecot))
			return; /* what comes waits until something is decided */
		if ((line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF)) == NULL)
			break;
		if (len > DOVECOT_LINE_MAX)
			protocol_error(peer, "a line that is too long");
		else
			obey_line(peer, line, len);
		explicit_bzero(line, len);
		free(line);
	}
	if (peer->bev != NULL &&
		evbuffer_get_length(bufferevent_get_input(peer->bev)) > DOVECOT_LINE_MAX)
		protocol_error(peer, "a line that is too long");
}

/* ---- connections ----------------------------------------------------------------------- */

/* Also when there is no policy: smtpd dies of a greeting without mechanisms, or of none. */
static void greet(struct peer *peer)
{
	struct auth *auth = peer->auth;
	struct dovecot_greeting greeting = {
		.mechanisms = auth->settings->mechanisms,
		.spid = (unsigned)getpid(),
		.cuid = ++auth->last_cuid,
		.cookie = auth->cookie,
	};
	struct strbuf out = STRBUF_INIT;

	/* Bearers alone, and no key: a login that fails is better than an smtpd that dies. */
	if (greeting.mechanisms == 0)
		greeting.mechanisms = SASL_BIT(SASL_XOAUTH2);
	dovecot_greet(&out, &greeting);
	peer_write(peer, &out);
	strbuf_free(&out);
}

static void *open_state(struct peer *peer)
{
	struct dovecot *dovecot = calloc(1, sizeof(*dovecot));

	if (dovecot == NULL)
		return NULL;
	TAILQ_INIT(&dovecot->requests);
	greet(peer);
	return dovecot;
}

static void close_state(struct peer *peer)
{
	struct dovecot *dovecot = peer->state;
	struct request *request, *next;

	for (request = dovecot == NULL ? NULL : TAILQ_FIRST(&dovecot->requests); request != NULL;
		request = next) {
		next = TAILQ_NEXT(request, link);
		request_free(request);
	}
	free(dovecot);
}

const struct peer_protocol dovecot_protocol = {
	.name = "dovecot",
	.open = open_state,
	.input = read_lines,
	.close = close_state,
	.input_max = DOVECOT_LINE_MAX + 1024,
};
