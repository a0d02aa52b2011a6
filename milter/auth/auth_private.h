#ifndef POSTERN_AUTH_PRIVATE_H
#define POSTERN_AUTH_PRIVATE_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sys/queue.h>

#include "lib/auth/auth_cache.h"
#include "lib/auth/auth_gate.h"
#include "lib/auth/penalty.h"
#include "lib/conf/file.h"
#include "milter/auth/auth.h"
#include "milter/auth/auth_counts.h"
#include "milter/log/log_bound.h"
#include "milter/loop/clock.h"
#include "milter/loop/fair_queue.h"
#include "milter/loop/job.h"
#include "milter/loop/server_listener.h"
#include "milter/loop/workers.h"

/*
 * Shared by milter/auth only. Calls go one way: auth.c uses auth_dovecot.c and auth_saslauthd.c,
 * which use auth_attempt.c, auth_peer.c and auth_keys.c; auth_attempt.c uses auth_record.c. auth.c
 * also uses auth_keys_follow.c, which uses auth_keys.c.
 *
 * Threads: before server_start() and after server_stop() the thread that starts and ends the daemon
 * is the only one. Between them, the server thread runs every function and owns every struct of
 * this header, with two exceptions: auth_keys_read() and auth_keys_look() run on any thread, and a
 * worker owns a part of an attempt while it checks it (see struct attempt).
 */

/* ---- connections (auth_peer.c) ---------------------------------------------------- */

struct peer;

/* A protocol's callbacks for a connection. */
struct peer_protocol {
	enum auth_protocol id;
	void *(*open)(struct peer *peer); /* returns the state; NULL: out of memory */
	void (*input)(struct peer *peer); /* bufferevent_get_input() has more, or has_eof is new */
	void (*close)(struct peer *peer); /* frees the state; bev is NULL already */
	size_t input_max;		  /* bytes that are read before input() consumes them */
	bool half_close;		  /* clients may end their side and still read the answer */
};

/* When there are too many connections, the idlest of the lowest rank is closed. */
enum peer_rank {
	PEER_NEW,    /* has not sent a whole command */
	PEER_KNOWN,  /* speaks the protocol */
	PEER_SERVED, /* has had a login decided */
	PEER_RANKS
};

/* The sockets whose permissions determine who may be a peer, and those that any local process may
 * connect to. */
enum peer_kind { PEERS_LOCAL, PEERS_ANYBODY, PEER_KINDS };

TAILQ_HEAD(peer_list, peer);

struct peer {
	TAILQ_ENTRY(peer) link; /* by activity within its rank, the idlest first */
	struct auth *auth;
	const struct peer_protocol *protocol;
	struct bufferevent *bev; /* NULL: closed; the reaper frees the peer */
	void *state;
	enum peer_rank rank;
	enum peer_kind kind;
	int64_t active;	     /* clock_ms() of the last whole command */
	bool has_eof;	     /* the client sends no more */
	bool closes_written; /* to be closed once all output is written */
};

/* A listening socket and its protocol. */
struct peer_listener {
	struct auth *auth;
	const struct peer_protocol *protocol;
	struct server_listener *listener; /* NULL: not served */
};

/* Serve the protocol at a listening socket, which the listener then owns. Returns 0, or -1 when out
 * of memory; then the socket is still the caller's. */
int peer_listen(struct peer_listener *listener, struct auth *auth, int fd,
	const struct peer_protocol *protocol);
void peer_listener_close(struct peer_listener *listener); /* accepts one that is not served */

/* Note that a whole command has arrived. Never lowers the rank. */
void peer_active(struct peer *peer, enum peer_rank rank);

/* Send out to the peer, or close it if it does not read its answers. */
void peer_write(struct peer *peer, const struct strbuf *out);

/* Returns whether the peer has not read its answers, so that no further input should be consumed;
 * the protocol's input() is called again when it has read them. */
bool peer_is_behind(const struct peer *peer);

/* Close at once, or when all output is written. The peer stays valid, with bev NULL, until the
 * loop's next turn. */
void peer_close(struct peer *peer);
void peer_close_written(struct peer *peer);

/* Before the first peer. */
void peers_init(struct auth *auth);

/* The number of peers. */
size_t peers_count(const struct auth *auth);

/* The number of peers beyond which a new one replaces the idlest: that of [auth]
 * max_connections, but at most half of the file descriptors, so that sessions and files have the
 * others. A new peer replaces one of its own kind if that kind has half of them, so that a local
 * process at a TCP port cannot close the MTA's connections to a unix socket. */
size_t peers_most(const struct auth *auth);

/* Close the peers that have been idle for too long or have hung up, and free the closed ones. */
void peers_sweep(struct auth *auth);

/* Free the closed peers, in the loop's turn after the one that closed them. */
void peers_reap(struct auth *auth);

/* Close and free all peers. */
void peers_free(struct auth *auth);

/* ---- logins (auth_attempt.c, auth_record.c) ----------------------------------------- */

/*
 * The ranks of the logins that wait for a worker. They take turns (auth.c); a turn that several of
 * them share, or that its ranks do not need, goes to the first of these or of all that wait. The
 * clients of all but the first two are in networks that are slowed, not known, or claimed by a
 * process that need not be the MTA.
 */
enum auth_rank {
	RANK_TRUSTED,	  /* has succeeded from this network */
	RANK_KNOWN,	  /* from a network that is not slowed, or in which the login has
			     succeeded, or trusted in a claimed one */
	RANK_MUTE_KNOWN,  /* over saslauthd, without an address: has succeeded recently */
	RANK_MUTE,	  /* as before: neither succeeded nor failed recently */
	RANK_MUTE_FAILED, /* as before: has failed recently */
	RANK_SLOWED, /* from a slowed or a claimed network, or one that the MTA did not report */
	AUTH_RANKS
};

struct attempt_request {
	struct cidr client;	/* AF_UNSPEC: not known */
	bool is_client_claimed; /* by a peer that may be any local process */
	enum auth_protocol protocol;
	uid_t asker; /* the user who asks, with AUTH_PROTOCOL_CONTROL */
	const char *mechanism;
	const char *login, *secret;
	bool is_bearer;
	bool is_mute; /* as in struct login_request; such a protocol has no temporary failure that
			 the MTA passes on, so that the login waits without a limit */
	/* The reason, for the log, when the protocol has refused the login already, and its cause;
	 * NULL: the login has to be decided. */
	const char *refusal;
	enum login_cause cause;
};

typedef void attempt_done(void *context, const struct login_answer *answer);

/*
 * Decide a login. It passes the gate (lib/auth/auth_gate.h), is delayed by its auth penalty
 * (lib/auth/penalty.h) and then checked; the answer follows at once. An answer that is undecided
 * tells nothing about the password. done(context) is called once, possibly before this function
 * returns, unless attempt_cancel() is called with *handle_r before. *handle_r is NULL again when
 * done is called. The request is borrowed for the call.
 */
void attempt_begin(struct auth *auth, const struct attempt_request *request, attempt_done *done,
	void *context, struct attempt **handle_r);

/*
 * Cancel the answer. A login that waits at the gate ends at once; one that is under way keeps its
 * place and is checked, counted and logged nevertheless, so that nobody gains a guess by hanging
 * up. Accepts NULL; sets *handle to NULL.
 */
void attempt_cancel(struct attempt **handle);

/* Continue with the attempts that waited at the gate and are under way now. */
void attempts_pass_gate(struct auth *auth);

/*
 * Give work to the idle workers. One worker is kept from the ranks after RANK_KNOWN, so that they
 * do not occupy all workers at once, unless there are no other logins (Sendmail).
 */
void attempts_employ(struct auth *auth);

/* Free all attempts, after the workers have ended. */
void attempts_free(struct auth *auth);

/*
 * One login. While a worker has it (between workers_add() and on_checked()), the worker reads the
 * second group of members and writes the answer. Meanwhile the server thread may only cancel the
 * attempt, which touches the first group, and link others beside it.
 */
struct attempt {
	LIST_ENTRY(attempt) link;
	struct auth *auth;	 /* constant; a worker uses its server and shared */
	struct attempt **handle; /* NULL: cancelled */
	attempt_done *done;
	void *context;
	struct gate_ticket ticket;
	struct fair_item item; /* waits for a worker */
	enum auth_rank rank;
	struct event *timer; /* of the present wait or delay */

	struct attempt_request request; /* with copies of its texts */
	char mechanism[32];		/* truncated, for the log and the counts */
	char refusal[200];		/* "": none */
	struct policy *policy;
	struct jwt_keys *keys;
	bool lacks_keys; /* the file of keys cannot be read */
	const struct config *config;
	int64_t arrival; /* clock_ms() */

	struct login_answer answer;
	bool is_checked; /* a worker has computed the answer */
	bool is_guess;	 /* the auth cache was looked at, so that a worker has to check it */
};

/* Log and count a decided attempt, and let it affect later ones. */
void attempt_record(const struct attempt *attempt);

/* Log the number of lines that were left out, once a minute. */
void attempt_report_unlogged(struct auth *auth);

/*
 * The kinds of attempts of which the log has a bounded number of lines, because they cost their
 * client next to nothing: a token is checked sooner than a password, and a remembered password is
 * not hashed.
 */
enum unlogged_kind {
	UNCHECKED_LOCAL,   /* refused, of MTAs: without a check of a password */
	UNCHECKED_CLAIMED, /* refused, of any local process, likewise */
	CHECKED_CLAIMED,   /* refused, of any local process: passwords */
	ACCEPTED_CLAIMED,  /* of any local process */
	UNLOGGED_KINDS
};

/* The time for the auth cache, the penalty and the gate. */
static inline uint32_t auth_seconds(void)
{
	return (uint32_t)(clock_ms() / 1000);
}

/* ---- keys for tokens (auth_keys.c) -------------------------------------------------- */

/* The keys in force, and the result of the last attempt to read them. */
struct auth_keys {
	struct jwt_keys *keys; /* NULL: no keys are configured, or none could be read */
	struct file_stamp stamp;
	bool is_unsure;	      /* the file may have changed since without another stamp */
	struct errmsg err;    /* why they could not be read; "" after a success */
	int64_t failed_since; /* clock_ms() of the first failure since the last success; 0: none */
	int64_t gone_since;   /* clock_ms() when the file was first missing; 0: it exists */
	int64_t logged;	      /* clock_ms() when the failure was last logged */
	bool is_old; /* the last attempt failed, but the keys of an earlier one are in force */
	struct problems *problems; /* keys that were left out; may be NULL */
};

/* Returns whether [jwt] configures a secret or a file of keys. Any thread. */
bool auth_keys_configured(const struct config *config);

/* Read the configured keys. The caller frees *read_r. If the file cannot be read, the keys are
 * those of the shared secret alone. Any thread. */
void auth_keys_read(const struct config *config, struct auth_keys *read_r);

void auth_keys_free(struct auth_keys *keys);

/*
 * Put keys in force that were read with this configuration, while auth->config is still the old
 * one. Moves *read. Keys whose file can't be read or parsed any more stay in force for an hour,
 * those whose file is gone or empty for 5 s; those of another configuration end at once.
 */
void auth_keys_apply(struct auth *auth, const struct config *config, struct auth_keys *read);

/* Return whether the keys have to be read again even if their file has not changed. */
bool auth_keys_are_due(const struct auth *auth);

/* Read the keys if their file has another stamp than the known one, or always. Returns whether they
 * were read. The caller frees *read_r then. Any thread. */
bool auth_keys_look(const struct config *config, const struct file_stamp *known, bool always,
	struct auth_keys *read_r);

/* Set *read_r to the result of reading a keys_file that cannot be read. The caller frees it. */
void auth_keys_fail(const struct config *config, const char *why, struct auth_keys *read_r);

/* Read the keys now, if they are due or their file has changed, or always. This may wait for the
 * file system. */
void auth_keys_refresh(struct auth *auth, bool always);

/* ---- following their file (auth_keys_follow.c) ---------------------------------------- */

struct auth_keys_follower {
	struct job *look;	     /* under way; NULL: none */
	const struct config *config; /* with which it began; it has a reference */
	int wake_fd;		     /* an eventfd, readable once a look has ended */
	struct event *woken;
	int64_t late_ms; /* after which a look counts as a failure */
};

/* Returns 0, or -1 on failure. */
int auth_keys_follower_init(struct auth *auth);
void auth_keys_follower_free(struct auth *auth);

/* Look at the file, without waiting for it. To be called every second, so that keys end in time. */
void auth_keys_follow(struct auth *auth);

/* ---- protocols ----------------------------------------------------------------------- */

extern const struct peer_protocol dovecot_protocol, saslauthd_protocol;

/* ---- all ---------------------------------------------------------------------------- */

struct auth {
	/* Constant while the server thread runs. */
	struct server *server;
	struct shared *shared;
	struct workers *workers;
	struct event *tick;	   /* each second */
	struct event *reaper;	   /* frees the closed peers */
	struct event *gate_opened; /* calls attempts_pass_gate() in the loop's next turn */
	struct peer_listener listeners[AUTH_SOCKETS];
	char cookie[33];
	int64_t started; /* clock_ms() */

	/* The server thread's. The configuration and the keys are immutable and counted: attempts
	 * hold references for the workers. */
	const struct config *config;
	struct auth_keys keys;
	struct auth_keys_follower follower;
	struct auth_cache *auth_cache;
	struct penalty *penalty;
	struct auth_gate *gate;
	struct fair_queue *queue; /* of attempts that wait for a worker */
	size_t worker_count;
	size_t working;	       /* workers that have an attempt */
	size_t working_behind; /* of them, with one of the ranks after RANK_KNOWN */
	int64_t last_known;    /* clock_ms() of the last attempt of the other ranks */

	struct peers {
		struct peer_list rank[PEER_RANKS];
		size_t count;
	} peers[PEER_KINDS];
	struct peer_list closed;
	unsigned last_cuid;

	LIST_HEAD(attempt_list, attempt) attempts;
	size_t attempt_count;	 /* waiting, delayed or being decided */
	size_t patient_count;	 /* of them, over saslauthd */
	size_t claimed_count;	 /* of them, through a port that anybody may use */
	uint64_t turned_away;	 /* because of a bound */
	struct counters *counts; /* of answered logins */
	uint64_t evicted;
	struct log_bound unlogged[UNLOGGED_KINDS];
	bool is_full_logged;	   /* that max_connections closes peers */
	bool has_ignored_audience; /* a token was accepted without a look at its audience */
};

#endif
