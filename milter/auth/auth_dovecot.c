/*
 * The Dovecot authentication protocol on a connection: greeting, requests and their SASL exchanges,
 * answers. It owns the requests of its connections and runs on the server thread.
 */
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

#define REQUESTS_MAX 64		      /* of one connection at once; Postfix sends one */
#define LINES_PER_TURN 8	      /* of one connection, before others have theirs */
#define REFUSED "Invalid credentials" /* fail2ban's filters for Postfix match only letters */

/* One AUTH command and its exchange. */
struct request {
	TAILQ_ENTRY(request) link; /* the oldest first */
	struct peer *peer;
	uint32_t id;
	struct cidr client;
	struct sasl *sasl;
	struct attempt *attempt; /* being decided; NULL: waiting for the client */
	const char *reason;	 /* of a refusal, for the client */
	bool is_refused;	 /* no challenge is to report the refusal (again) */
};

struct dovecot {
	TAILQ_HEAD(request_list, request) requests;
	size_t count;
	bool is_ending; /* to be closed once the attempts under way are answered */
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

static struct request *find_request(struct dovecot *dovecot, uint32_t id)
{
	struct request *request = NULL;

	TAILQ_FOREACH(request, &dovecot->requests, link)
	{
		if (request->id == id)
			return request;
	}
	return NULL;
}

/* Close a connection that breaks the protocol, because nothing that follows can be trusted. */
static void protocol_error(struct peer *peer, const char *why)
{
	quote_log(LOG_LEVEL_WARNING, "error", why, "auth protocol=dovecot");
	peer_close(peer);
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
		request->reason);
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

static bool has_attempt(const struct dovecot *dovecot)
{
	const struct request *request = NULL;

	TAILQ_FOREACH(request, &dovecot->requests, link)
	{
		if (request->attempt != NULL)
			return true;
	}
	return false;
}

/* Postfix answers 454 only when the connection is closed. A client with several requests under way,
 * which Postfix never has, gets the answers to the others before. */
static void end_undecided(struct request *request)
{
	struct peer *peer = request->peer;
	struct dovecot *dovecot = peer->state;

	request_free(request);
	dovecot->is_ending = true;
	if (has_attempt(dovecot))
		(void)bufferevent_disable(peer->bev, EV_READ);
	else
		peer_close_written(peer);
}

/* Read on in the loop's next turn. */
static void read_later(struct peer *peer)
{
	if (evbuffer_get_length(bufferevent_get_input(peer->bev)) > 0)
		bufferevent_trigger(peer->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
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
	default:
		end_undecided(request);
		return;
	}
	peer_active(peer, PEER_SERVED);
	if (peer->bev != NULL && ((const struct dovecot *)peer->state)->is_ending) {
		if (!has_attempt(peer->state))
			peer_close_written(peer);
		return;
	}
	if (peer->bev != NULL)
		read_later(peer); /* the input that had to wait for room */
}

static void begin_attempt(struct request *request, const char *refusal, enum login_cause cause)
{
	struct sasl_credentials credentials = { .login = "", .secret = "" };
	struct attempt_request attempt = {
		.client = request->client,
		.is_client_claimed = request->peer->kind == PEERS_ANYBODY,
		.protocol = AUTH_PROTOCOL_DOVECOT,
		.mechanism = request->sasl == NULL ? "" : sasl_mechanism_name(request->sasl),
		.refusal = refusal,
		.cause = cause,
	};

	if (refusal == NULL)
		credentials = sasl_credentials(request->sasl);
	else if (request->sasl != NULL)
		credentials.login = sasl_login(request->sasl);
	attempt.login = credentials.login;
	attempt.secret = credentials.secret;
	attempt.is_bearer = credentials.is_bearer;
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
		begin_attempt(request, NULL, CAUSE_CREDENTIALS);
		break;
	case SASL_FAILED:
		if (request->is_refused) {
			answer_fail(request); /* the client has acknowledged the refusal */
		} else {
			request->is_refused = true;
			begin_attempt(request, err->text, CAUSE_CREDENTIALS);
		}
		break;
	}
}

/* Decode a response and step the exchange; text NULL: there is no response. */
static void read_response(struct request *request, const char *text, size_t len)
{
	struct errmsg err = { "" };
	uint8_t *bytes = malloc(BASE64_DECODED_MAX(len));
	size_t bytes_len = 0;
	enum sasl_step step;

	if (bytes == NULL) {
		peer_close(request->peer);
		return;
	}
	if (text != NULL && base64_decode(text, len, bytes, &bytes_len) < 0) {
		request->is_refused = true;
		begin_attempt(request, "malformed base64", CAUSE_CREDENTIALS);
	} else {
		step = sasl_step(request->sasl, text == NULL ? NULL : (const char *)bytes,
			bytes_len, &err);
		on_step(request, step, &err);
	}
	explicit_bzero(bytes, BASE64_DECODED_MAX(len));
	free(bytes);
}

/* Drop the oldest request that waits for its client: Postfix does not cancel requests when an SMTP
 * session ends. Returns whether there was one. */
static bool drop_silent_request(struct dovecot *dovecot)
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

/*
 * Return the mechanisms on offer: the configured ones, without those for tokens if there are no
 * keys.
 */
static unsigned usable_mechanisms(const struct auth *auth)
{
	return sasl_without(auth->config->auth.mechanisms,
		auth_keys_configured(auth->config) ? 0 : SASL_BEARER);
}

static void obey_auth(struct peer *peer, const struct dovecot_command *command)
{
	const struct auth *auth = peer->auth;
	struct dovecot *dovecot = peer->state;
	enum sasl_mechanism mechanism = SASL_MECHANISMS;
	struct request *request;

	if (find_request(dovecot, command->id) != NULL) {
		protocol_error(peer, "a request number is used twice");
		return;
	}
	if ((request = calloc(1, sizeof(*request))) == NULL) {
		peer_close(peer);
		return;
	}
	*request = (struct request){ .peer = peer,
		.id = command->id,
		.client = command->client,
		.reason = REFUSED };
	TAILQ_INSERT_TAIL(&dovecot->requests, request, link);
	dovecot->count++;
	if (sasl_find(command->mechanism, &mechanism) < 0 ||
		(usable_mechanisms(auth) & SASL_BIT(mechanism)) == 0) {
		request->reason = "Unsupported mechanism";
		begin_attempt(request, "a mechanism that is not on offer", CAUSE_POLICY);
	} else if ((request->sasl = sasl_new(mechanism)) == NULL) {
		peer_close(peer);
	} else if (auth->config->auth.require_tls &&
		(sasl_flags(mechanism) & SASL_PLAINTEXT) != 0 && !command->secured &&
		!is_loopback(&command->client)) {
		request->reason = "TLS is required";
		request->is_refused = true;
		begin_attempt(request, "no TLS (require_tls)", CAUSE_POLICY);
	} else {
		read_response(request, command->response, command->response_len);
	}
}

static void obey_cont(struct peer *peer, const struct dovecot_command *command)
{
	struct request *request = find_request(peer->state, command->id);
	struct strbuf out = STRBUF_INIT;

	if (request == NULL) { /* dropped, or never made: the password remains unchecked */
		dovecot_fail_undecided(&out, command->id);
		peer_write(peer, &out);
		strbuf_free(&out);
	} else if (request->attempt != NULL) {
		protocol_error(peer, "a response without a challenge");
	} else {
		read_response(request, command->response, command->response_len);
	}
}

static void obey_command(struct peer *peer, const struct dovecot_command *command)
{
	struct request *request;

	switch (command->verb) {
	case DOVECOT_VERSION:
		if (command->id != 1)
			protocol_error(peer, "the protocol's version is not 1");
		break;
	case DOVECOT_AUTH:
		obey_auth(peer, command);
		break;
	case DOVECOT_CONT:
		obey_cont(peer, command);
		break;
	case DOVECOT_CANCEL:
		if ((request = find_request(peer->state, command->id)) != NULL)
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
	obey_command(peer, &command);
}

static void read_lines(struct peer *peer)
{
	struct dovecot *dovecot = peer->state;
	struct evbuffer *input;
	size_t len;
	char *line;

	for (int lines = 0; peer->bev != NULL && !dovecot->is_ending; lines++) {
		input = bufferevent_get_input(peer->bev);
		if (peer_is_behind(peer))
			return; /* on_written() reads on */
		if (lines == LINES_PER_TURN) {
			read_later(peer);
			return;
		}
		if (dovecot->count >= REQUESTS_MAX && !drop_silent_request(dovecot))
			return; /* on_decided() reads on */
		if ((line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF)) == NULL) {
			if (evbuffer_get_length(input) > DOVECOT_LINE_MAX)
				protocol_error(peer, "the line is too long");
			return;
		}
		if (len > DOVECOT_LINE_MAX)
			protocol_error(peer, "the line is too long");
		else
			obey_line(peer, line, len);
		explicit_bzero(line, len);
		free(line);
	}
}

/* ---- connections ----------------------------------------------------------------------- */

/* Greet the client even when there is no policy: without a greeting with mechanisms smtpd dies. */
static void send_greeting(struct peer *peer)
{
	struct auth *auth = peer->auth;
	struct dovecot_greeting greeting = {
		.mechanisms = usable_mechanisms(auth),
		.spid = (unsigned)getpid(),
		.cuid = ++auth->last_cuid,
		.cookie = auth->cookie,
	};
	struct strbuf out = STRBUF_INIT;

	/* Only bearers are configured, but no key: better a login that fails than an smtpd that
	 * dies. */
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
	send_greeting(peer);
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
	.id = AUTH_PROTOCOL_DOVECOT,
	.open = open_state,
	.input = read_lines,
	.close = close_state,
	.input_max = DOVECOT_LINE_MAX + 1024,
};
