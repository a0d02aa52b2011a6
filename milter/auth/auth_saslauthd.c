/*
 * The saslauthd protocol on a connection, which carries one request and one answer. It owns the
 * state of its connections and runs on the server thread.
 */
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/saslauthd_proto.h"
#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

struct saslauthd {
	struct peer *peer;
	struct attempt *attempt; /* NULL: none, or decided */
	bool has_request;
};

static void on_decided(void *context, const struct login_answer *answer)
{
	struct saslauthd *state = context;
	struct peer *peer = state->peer;
	struct strbuf out = STRBUF_INIT;

	if (answer->result == LOGIN_ACCEPTED || answer->result == LOGIN_REFUSED) {
		saslauthd_answer(&out,
			answer->result == LOGIN_ACCEPTED ? "OK" : "NO Invalid credentials");
		peer_write(peer, &out);
		strbuf_free(&out);
	}
	/* If there is no answer, libsasl reports an internal failure. */
	peer_close_written(peer);
}

static void begin_attempt(struct saslauthd *state, const struct saslauthd_request *request)
{
	const struct attempt_request attempt = {
		.client = request->client,
		.protocol = AUTH_PROTOCOL_SASLAUTHD,
		.mechanism = request->service,
		.login = request->login,
		.secret = request->password,
		.is_mute = true,
	};

	state->has_request = true;
	peer_active(state->peer, PEER_SERVED);
	attempt_begin(state->peer->auth, &attempt, on_decided, state, &state->attempt);
}

static void read_request(struct peer *peer)
{
	struct saslauthd *state = peer->state;
	struct evbuffer *input = bufferevent_get_input(peer->bev);
	struct saslauthd_request request;
	struct errmsg err;
	size_t len = evbuffer_get_length(input);

	if (state->has_request) { /* the client's address, which came late */
		(void)evbuffer_drain(input, len);
		return;
	}
	switch (saslauthd_parse((const char *)evbuffer_pullup(input, -1), len, &request, &err)) {
	case SASLAUTHD_MORE:
		if (peer->has_eof)
			peer_close(peer);
		return;
	case SASLAUTHD_BAD:
		quote_log(LOG_LEVEL_WARNING, "error", err.text, "auth protocol=saslauthd");
		peer_close(peer);
		return;
	case SASLAUTHD_WHOLE:
		break;
	}
	(void)evbuffer_drain(input, len);
	begin_attempt(state, &request);
	explicit_bzero(&request, sizeof(request));
}

static void *open_state(struct peer *peer)
{
	struct saslauthd *state = calloc(1, sizeof(*state));

	if (state != NULL)
		state->peer = peer;
	return state;
}

static void close_state(struct peer *peer)
{
	struct saslauthd *state = peer->state;

	if (state != NULL)
		attempt_cancel(&state->attempt);
	free(state);
}

const struct peer_protocol saslauthd_protocol = {
	.id = AUTH_PROTOCOL_SASLAUTHD,
	.open = open_state,
	.input = read_request,
	.close = close_state,
	.input_max = SASLAUTHD_REQUEST_MAX + 64,
	.half_close = true,
};
