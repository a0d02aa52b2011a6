#ifndef POSTERN_AUTH_PRIVATE_H
#define POSTERN_AUTH_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <sys/queue.h>

#include "lib/auth/penalty.h"
#include "lib/conf/file.h"
#include "milter/auth/auth.h"
#include "milter/loop/workers.h"

/* For milter/auth*.c alone. All of it belongs to the server thread, but for what a comment says. */

/* What a login is decided by, of one configuration. Immutable, reference-counted; any thread. */
struct auth_settings {
	unsigned refs;
	bool require_tls;
	bool has_tokens;     /* [jwt] names a key */
	unsigned mechanisms; /* SASL_BIT() of each; no bearers without a key for tokens */
	uint32_t remember;   /* s */
	size_t max_connections;
	char *issuer, *audience, *mail_claim;
	char *secret, *keys_file; /* "" for none */
};

/* NULL when out of memory. */
struct auth_settings *auth_settings_new(const struct config *config);
struct auth_settings *auth_settings_ref(struct auth_settings *settings);

/* ---- connections (auth_peer.c) ---------------------------------------------------- */

struct peer;

/* What one of the protocols does with a connection. */
struct peer_protocol {
	const char *name;
	void *(*open)(struct peer *peer); /* its state; NULL: out of memory */
	void (*input)(struct peer *peer); /* there is something in bufferevent_get_input() */
	void (*close)(struct peer *peer); /* free the state; the connection is gone */
	size_t input_max;		  /* bytes that are read before input() takes some away */
};

/* The idlest of the lowest rank make room for others. */
enum peer_rank {
	PEER_NEW,    /* nothing whole has been heard of it */
	PEER_KNOWN,  /* it speaks the protocol */
	PEER_SERVED, /* a login was decided for it */
	PEER_RANKS
};

TAILQ_HEAD(peer_list, peer);

struct peer {
	TAILQ_ENTRY(peer) link; /* by activity within its rank, the idlest first */
	struct auth *auth;
	const struct peer_protocol *protocol;
	struct bufferevent *bev; /* NULL: it has ended, and goes with the next reaping */
	void *state;
	enum peer_rank rank;
	int64_t active; /* clock_ms() of the last whole command */
	bool has_eof;	/* the peer sends no more */
	bool ends;	/* close once all is written */
};

struct evconnlistener *peer_listen(struct auth *auth, int fd, const struct peer_protocol *protocol);

/* A whole command came. */
void peer_active(struct peer *peer, enum peer_rank rank);
void peer_write(struct peer *peer, const struct strbuf *out);

/* Close it at once, or when all is written. peer stays valid until the loop's next turn, with bev
 * NULL. */
void peer_end(struct peer *peer);
void peer_end_written(struct peer *peer);

/* Close those that have been idle for too long; free those that have ended. */
void peers_sweep(struct auth *auth);
void peers_free(struct auth *auth);

extern const struct peer_protocol dovecot_protocol, saslauthd_protocol;

/* ---- logins (auth_attempt.c) ------------------------------------------------------- */

struct attempt;

struct attempt_request {
	struct cidr client; /* AF_UNSPEC: not known */
	const char *protocol, *mechanism;
	const char *login, *secret;
	bool is_bearer, is_mute;
	/* Refused already: why, for the log; and whether it counts as a failure. NULL: to be
	 * decided. */
	const char *refusal;
	enum login_cause cause;
};

typedef void attempt_done(void *context, const struct login_answer *answer);

/*
 * Decide; done(context) is called once, maybe before this returns, unless *handle_r is given to
 * attempt_cancel() before. *handle_r is NULL again when done is called. The request is borrowed for
 * the call.
 */
void attempt_begin(struct auth *auth, const struct attempt_request *request, attempt_done *done,
	void *context, struct attempt **handle_r);

/* Nobody waits for it any more; it is counted and logged all the same. Takes NULL; sets the handle
 * to NULL. */
void attempt_cancel(struct attempt **handle);

/* All that are left, with the threads ended. */
void attempts_free(struct auth *auth);

/* ---- keys (auth_keys.c) ------------------------------------------------------------ */

/* The keys of tokens, and how reading them last went. */
struct auth_keys {
	struct jwt_keys *keys; /* NULL: none, or they can't be read */
	struct file_stamp stamp;
	struct errmsg err; /* why they can't be read; "": they can */
};

/* Read what the settings name. The keys are the caller's. Any thread. */
void auth_keys_read(const struct auth_settings *settings, struct auth_keys *read_r);

/* Put in force what was read by these settings; takes the keys and the settings over. */
void auth_keys_take(struct auth *auth, struct auth_settings *settings, struct auth_keys *read);

/* Read them again if they may have changed. */
void auth_keys_look(struct auth *auth, bool always);

/* ---- all ---------------------------------------------------------------------------- */

struct auth {
	struct server *server;
	struct shared *shared;
	struct workers *workers;
	struct event *tick;   /* each second */
	struct event *reaper; /* frees the peers that have ended */
	struct evconnlistener *listeners[AUTH_SOCKETS];

	struct auth_settings *settings;
	struct auth_keys keys;
	struct auth_cache *auth_cache;
	struct penalty *penalty;

	int64_t started; /* clock_ms() */

	struct peer_list peers[PEER_RANKS], ended;
	size_t peer_count;
	unsigned last_cuid;
	char cookie[33];

	LIST_HEAD(attempt_list, attempt) attempts;
	size_t attempt_count; /* that are being decided or held back */
	uint64_t accepted, cached, refused, undecided, evicted;
};

#endif
