/*
 * The connections of both protocols: accepting, writing, closing, and room for new ones. It owns
 * the peers and runs on the server thread. A closed peer is freed in the loop's next turn, because
 * its protocol may still be using it.
 */
#include <event2/buffer.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"
#include "milter/loop/clock.h"
#include "milter/loop/descriptors.h"

#define OUTPUT_MAX ((size_t)256 << 10) /* bytes that a peer may leave unread */
#define OUTPUT_BEHIND 4096 /* bytes unread with which a peer has no further input read */

/* How long a peer may be idle, by its rank. */
static const int64_t idle_ms[PEER_RANKS] = {
	[PEER_NEW] = 30000,
	[PEER_KNOWN] = INT64_C(600000),
	[PEER_SERVED] = INT64_C(3600000),
};

void peers_init(struct auth *auth)
{
	TAILQ_INIT(&auth->closed);
	for (int kind = 0; kind < PEER_KINDS; kind++) {
		for (int rank = 0; rank < PEER_RANKS; rank++)
			TAILQ_INIT(&auth->peers[kind].rank[rank]);
	}
}

size_t peers_count(const struct auth *auth)
{
	return auth->peers[PEERS_LOCAL].count + auth->peers[PEERS_ANYBODY].count;
}

static struct peer_list *list_of(struct peer *peer)
{
	return &peer->auth->peers[peer->kind].rank[peer->rank];
}

void peer_close(struct peer *peer)
{
	struct auth *auth = peer->auth;

	if (peer->bev == NULL)
		return;
	bufferevent_free(peer->bev);
	peer->bev = NULL;
	peer->protocol->close(peer);
	peer->state = NULL;
	TAILQ_REMOVE(list_of(peer), peer, link);
	TAILQ_INSERT_TAIL(&auth->closed, peer, link);
	auth->peers[peer->kind].count--;
	event_active(auth->reaper, EV_TIMEOUT, 0);
}

static size_t unwritten_bytes(const struct peer *peer)
{
	return evbuffer_get_length(bufferevent_get_output(peer->bev));
}

void peer_close_written(struct peer *peer)
{
	if (peer->bev == NULL)
		return;
	if (unwritten_bytes(peer) == 0) {
		peer_close(peer);
		return;
	}
	peer->closes_written = true;
	(void)bufferevent_disable(peer->bev, EV_READ);
}

void peer_active(struct peer *peer, enum peer_rank rank)
{
	if (peer->bev == NULL)
		return;
	TAILQ_REMOVE(list_of(peer), peer, link);
	if (rank > peer->rank)
		peer->rank = rank;
	peer->active = clock_ms();
	TAILQ_INSERT_TAIL(list_of(peer), peer, link);
}

bool peer_is_behind(const struct peer *peer)
{
	return unwritten_bytes(peer) > OUTPUT_BEHIND;
}

void peer_write(struct peer *peer, const struct strbuf *out)
{
	if (peer->bev == NULL)
		return;
	if (out->failed || unwritten_bytes(peer) + out->len > OUTPUT_MAX ||
		bufferevent_write(peer->bev, out->text, out->len) != 0) {
		quote_log(LOG_LEVEL_WARNING, "error",
			out->failed ? "out of memory" : "the client does not read its answers",
			"auth protocol=%s", auth_protocol_name(peer->protocol->id));
		peer_close(peer);
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

	if (peer->closes_written)
		peer_close(peer);
	else if (evbuffer_get_length(bufferevent_get_input(bev)) > 0)
		peer->protocol->input(peer); /* it was behind */
}

/* Return whether the client has closed the whole connection, and not just ended its side. */
static bool has_hung_up(const struct peer *peer)
{
	struct pollfd look = { .fd = bufferevent_getfd(peer->bev) };

	return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR)) != 0;
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
	struct peer *peer = context;

	(void)bev;
	if ((what & BEV_EVENT_EOF) != 0 && peer->protocol->half_close && !peer->has_eof &&
		!has_hung_up(peer)) {
		peer->has_eof = true;
		peer->protocol->input(peer);
		return;
	}
	peer_close(peer);
}

/* Close the kind's idlest peer of the lowest rank, up to highest, to make room for another. */
static bool close_idlest_peer(struct auth *auth, enum peer_kind kind, enum peer_rank highest)
{
	struct peer *idlest = NULL;

	for (int rank = 0; rank <= (int)highest && idlest == NULL; rank++)
		idlest = TAILQ_FIRST(&auth->peers[kind].rank[rank]);
	if (idlest == NULL)
		return false;
	auth->evicted++;
	peer_close(idlest);
	return true;
}

size_t peers_most(const struct auth *auth)
{
	const uint64_t half = descriptors_look().limit / 2;
	const size_t most = auth->config->auth.max_connections;

	return half < most ? (size_t)half : most;
}

static enum peer_kind other_kind(enum peer_kind kind)
{
	return kind == PEERS_LOCAL ? PEERS_ANYBODY : PEERS_LOCAL;
}

/* Make room for a peer of this kind. */
static void limit_peers(struct auth *auth, enum peer_kind kind)
{
	const size_t most = peers_most(auth);

	if (peers_count(auth) >= most && !auth->is_full_logged) {
		auth->is_full_logged = true;
		log_event(LOG_LEVEL_WARNING,
			"auth error=\"more than %zu connections ([auth] max_connections, and at most "
			"half of the file descriptors): the idlest are closed\"",
			most);
	}
	while (peers_count(auth) >= most &&
		close_idlest_peer(auth,
			auth->peers[kind].count >= most / 2 ? kind : other_kind(kind), PEER_SERVED))
		;
}

/* An MTA's idle connection is as valuable as a new one, so only strangers are closed for it. */
static bool make_room(void *context)
{
	const struct peer_listener *own = context;

	return close_idlest_peer(own->auth, PEERS_ANYBODY, PEER_NEW) ||
		close_idlest_peer(own->auth, PEERS_LOCAL, PEER_NEW);
}

static enum peer_kind kind_of(const struct sockaddr *address)
{
	return address->sa_family == AF_UNIX ? PEERS_LOCAL : PEERS_ANYBODY;
}

static void on_accept(void *context, int fd, const struct sockaddr *address)
{
	const struct peer_listener *own = context;
	struct auth *auth = own->auth;
	const enum peer_kind kind = kind_of(address);
	struct peer *peer = calloc(1, sizeof(*peer));

	limit_peers(auth, kind);
	if (peer != NULL)
		peer->bev = bufferevent_socket_new(server_base(auth->server), fd,
			BEV_OPT_CLOSE_ON_FREE);
	if (peer == NULL || peer->bev == NULL) {
		free(peer);
		(void)close(fd);
		return;
	}
	peer->auth = auth;
	peer->protocol = own->protocol;
	peer->kind = kind;
	peer->active = clock_ms();
	TAILQ_INSERT_TAIL(list_of(peer), peer, link);
	auth->peers[kind].count++;
	bufferevent_setcb(peer->bev, on_read, on_written, on_event, peer);
	bufferevent_setwatermark(peer->bev, EV_READ, 0, own->protocol->input_max);
	if (kind == PEERS_ANYBODY)
		(void)bufferevent_priority_set(peer->bev, SERVER_LATER);
	peer->state = own->protocol->open(peer);
	if (peer->bev == NULL) /* greeting it has closed it */
		peer->protocol->close(peer);
	else if (peer->state == NULL || bufferevent_enable(peer->bev, EV_READ | EV_WRITE) != 0)
		peer_close(peer);
}

int peer_listen(struct peer_listener *listener, struct auth *auth, int fd,
	const struct peer_protocol *protocol)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(own);
	const bool is_local = getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
		kind_of((struct sockaddr *)&own) == PEERS_LOCAL;
	const struct server_listener_use use = {
		.name = auth_protocol_name(protocol->id),
		.is_later = !is_local,
		.accepted = on_accept,
		.make_room = make_room,
		.context = listener,
	};
	struct errmsg err;

	*listener = (struct peer_listener){ .auth = auth, .protocol = protocol };
	return server_listener_new(auth->server, fd, &use, &listener->listener, &err);
}

void peer_listener_close(struct peer_listener *listener)
{
	server_listener_free(&listener->listener);
}

void peers_reap(struct auth *auth)
{
	struct peer *peer;

	while ((peer = TAILQ_FIRST(&auth->closed)) != NULL) {
		TAILQ_REMOVE(&auth->closed, peer, link);
		free(peer);
	}
}

/* Close the list's peers that have been idle since before `since`. */
static void close_idle(struct peer_list *list, int64_t since)
{
	struct peer *peer;

	while ((peer = TAILQ_FIRST(list)) != NULL && peer->active < since)
		peer_close(peer);
}

/* Close the list's peers that had ended their side and have hung up since. */
static void close_hung_up(struct peer_list *list)
{
	struct peer *peer, *next;

	for (peer = TAILQ_FIRST(list); peer != NULL; peer = next) {
		next = TAILQ_NEXT(peer, link);
		if (peer->has_eof && has_hung_up(peer))
			peer_close(peer);
	}
}

static void sweep_list(struct peer_list *list, int64_t since)
{
	close_idle(list, since);
	close_hung_up(list);
}

void peers_sweep(struct auth *auth)
{
	const int64_t now = clock_ms();

	for (int rank = 0; rank < PEER_RANKS; rank++) {
		sweep_list(&auth->peers[PEERS_LOCAL].rank[rank], now - idle_ms[rank]);
		sweep_list(&auth->peers[PEERS_ANYBODY].rank[rank], now - idle_ms[rank]);
	}
	peers_reap(auth);
}

void peers_free(struct auth *auth)
{
	for (int rank = 0; rank < PEER_RANKS; rank++) {
		close_idle(&auth->peers[PEERS_LOCAL].rank[rank], INT64_MAX);
		close_idle(&auth->peers[PEERS_ANYBODY].rank[rank], INT64_MAX);
	}
	peers_reap(auth);
}
