#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"

#define OUTPUT_MAX ((size_t)256 << 10) /* bytes that a peer leaves unread */

/* How long a peer may be idle: one that says nothing whole is not waited for. */
static const int64_t idle_ms[PEER_RANKS] = {
	[PEER_NEW] = 30000,
	[PEER_KNOWN] = INT64_C(600000),
	[PEER_SERVED] = INT64_C(3600000),
};

void peer_end(struct peer *peer)
{
	struct auth *auth = peer->auth;

	if (peer->bev == NULL)
		return;
	bufferevent_free(peer->bev);
	peer->bev = NULL;
	peer->protocol->close(peer);
	peer->state = NULL;
	TAILQ_REMOVE(&auth->peers[peer->rank], peer, link);
	TAILQ_INSERT_TAIL(&auth->ended, peer, link);
	auth->peer_count--;
	event_active(auth->reaper, EV_TIMEOUT, 0);
}

static size_t unwritten(const struct peer *peer)
{
	return evbuffer_get_length(bufferevent_get_output(peer->bev));
}

void peer_end_written(struct peer *peer)
{
	if (peer->bev == NULL)
		return;
	if (unwritten(peer) == 0) {
		peer_end(peer);
		return;
	}
	peer->ends = true;
	(void)bufferevent_disable(peer->bev, EV_READ);
}

void peer_active(struct peer *peer, enum peer_rank rank)
{
	struct auth *auth = peer->auth;

	if (peer->bev == NULL)
		return;
	TAILQ_REMOVE(&auth->peers[peer->rank], peer, link);
	if (rank > peer->rank)
		peer->rank = rank;
	peer->active = clock_ms();
	TAILQ_INSERT_TAIL(&auth->peers[peer->rank], peer, link);
}

void peer_write(struct peer *peer, const struct strbuf *out)
{
	if (peer->bev == NULL)
		return;
	if (out->failed || unwritten(peer) + out->len > OUTPUT_MAX ||
		bufferevent_write(peer->bev, out->text, out->len) != 0) {
		quote_log(LOG_LEVEL_WARNING, "error",
			out->failed ? "out of memory" : "the peer doesn't read its answers",
			"auth protocol=%s", peer->protocol->name);
		peer_end(peer);
	}
}

static void on_read(struct bufferevent *bev, void *context)
{
	struct peer *peer = context;

	(void)bev;
	peer->protocol->input(peer);
}

static void on_written(struct bufferevent *bev, void *context)
{
	struct peer *peer = context;

	(void)bev;
	if (peer->ends)
		peer_end(peer);
}

/* saslauthd's clients may shut their side down and read on; whoever else goes is gone. */
static void on_event(struct bufferevent *bev, short what, void *context)
{
	struct peer *peer = context;

	(void)bev;
	if ((what & BEV_EVENT_EOF) != 0 && peer->protocol == &saslauthd_protocol &&
		!peer->has_eof) {
		peer->has_eof = true;
		peer->protocol->input(peer);
		return;
	}
	peer_end(peer);
}

/* Room for one more: the idlest of the lowest rank goes. */
static void make_room(struct auth *auth)
{
	struct peer *idlest = NULL;

	for (int rank = 0; rank < PEER_RANKS && idlest == NULL; rank++)
		idlest = TAILQ_FIRST(&auth->peers[rank]);
	if (idlest == NULL)
		return;
	if (auth->evicted++ == 0)
		log_event(LOG_LEVEL_WARNING,
			"auth error=\"more than [auth] max_connections (%zu): the idlest are closed\"",
			auth->settings->max_connections);
	peer_end(idlest);
}

/* What the listener's callback is given. */
struct listening {
	struct auth *auth;
	const struct peer_protocol *protocol;
};

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
	int address_len, void *context)
{
	const struct listening *listening = context;
	struct auth *auth = listening->auth;
	struct peer *peer = calloc(1, sizeof(*peer));

	(void)address;
	(void)address_len;
	while (auth->peer_count > 0 && auth->peer_count >= auth->settings->max_connections)
		make_room(auth);
	if (peer != NULL)
		peer->bev = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
			BEV_OPT_CLOSE_ON_FREE);
	if (peer == NULL || peer->bev == NULL) {
		free(peer);
		(void)close(fd);
		return;
	}
	peer->auth = auth;
	peer->protocol = listening->protocol;
	peer->active = clock_ms();
	TAILQ_INSERT_TAIL(&auth->peers[PEER_NEW], peer, link);
	auth->peer_count++;
	bufferevent_setcb(peer->bev, on_read, on_written, on_event, peer);
	bufferevent_setwatermark(peer->bev, EV_READ, 0, listening->protocol->input_max);
	peer->state = listening->protocol->open(peer);
	if (peer->bev == NULL) /* it ended while it was greeted */
		peer->protocol->close(peer);
	else if (peer->state == NULL || bufferevent_enable(peer->bev, EV_READ | EV_WRITE) != 0)
		peer_end(peer);
}

static void on_accept_error(struct evconnlistener *listener, void *context)
{
	const struct listening *listening = context;

	(void)listener;
	quote_log(LOG_LEVEL_ERROR, "error", strerror(errno), "auth accept");
	if (errno == EMFILE || errno == ENFILE)
		make_room(listening->auth);
}

struct evconnlistener *peer_listen(struct auth *auth, int fd, const struct peer_protocol *protocol)
{
	static struct listening listenings[2]; /* one daemon a process */
	struct listening *listening = &listenings[protocol == &saslauthd_protocol];
	struct evconnlistener *listener;

	*listening = (struct listening){ auth, protocol };
	listener = evconnlistener_new(server_base(auth->server), on_accept, listening,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (listener != NULL)
		evconnlistener_set_error_cb(listener, on_accept_error);
	return listener;
}

static void free_ended(struct auth *auth)
{
	struct peer *peer;

	while ((peer = TAILQ_FIRST(&auth->ended)) != NULL) {
		TAILQ_REMOVE(&auth->ended, peer, link);
		free(peer);
	}
}

void peers_sweep(struct auth *auth)
{
	const int64_t now = clock_ms();
	struct peer *peer;

	for (int rank = 0; rank < PEER_RANKS; rank++) {
		while ((peer = TAILQ_FIRST(&auth->peers[rank])) != NULL &&
			now - peer->active > idle_ms[rank])
			peer_end(peer);
	}
	free_ended(auth);
}

void peers_free(struct auth *auth)
{
	for (int rank = 0; rank < PEER_RANKS; rank++) {
		while (!TAILQ_EMPTY(&auth->peers[rank]))
			peer_end(TAILQ_FIRST(&auth->peers[rank]));
	}
	free_ended(auth);
}
