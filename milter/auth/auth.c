/*
 * The life of the service of logins: starting and ending it, applying a configuration, and the
 * functions for other rooms. It owns struct auth, which belongs to the server thread; a
 * configuration comes from the cache thread.
 */
#include "milter/auth/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "milter/auth/auth_private.h"
#include "milter/loop/clock.h"

#define WORKERS_MIN 2
#define WORKERS_MAX 8
#define AUTH_CACHE_ENTRIES 65536
#define PENALTY_ENTRIES 32768

/*
 * The turns of the ranks of attempts that wait for a worker: five of sixteen each for trusted
 * logins, for networks that are not slowed and for saslauthd, and one for slowed networks.
 */
#define FOR(rank) (1U << (rank))
#define FOR_SASLAUTHD (FOR(RANK_MUTE_KNOWN) | FOR(RANK_MUTE) | FOR(RANK_MUTE_FAILED))
static const uint8_t turns[] = {
	FOR(RANK_TRUSTED),
	FOR(RANK_KNOWN),
	FOR_SASLAUTHD,
	FOR(RANK_TRUSTED),
	FOR(RANK_KNOWN),
	FOR_SASLAUTHD,
	FOR(RANK_TRUSTED),
	FOR(RANK_KNOWN),
	FOR_SASLAUTHD,
	FOR(RANK_TRUSTED),
	FOR(RANK_KNOWN),
	FOR(RANK_MUTE),
	FOR(RANK_TRUSTED),
	FOR(RANK_KNOWN),
	FOR(RANK_MUTE_FAILED),
	FOR(RANK_SLOWED),
};

/* ---- configuration ------------------------------------------------------------------- */

/* A configuration and its keys, on their way to the server thread. */
struct auth_config {
	struct auth *auth;
	const struct config *config;
	struct auth_keys keys;
};

struct auth_config *auth_config_read(const struct config *config)
{
	struct auth_config *new = calloc(1, sizeof(*new));

	if (new == NULL)
		return NULL;
	new->config = config_ref(config);
	auth_keys_read(config, &new->keys);
	return new;
}

void auth_config_free(struct auth_config **read)
{
	struct auth_config *gone = *read;

	*read = NULL;
	if (gone == NULL)
		return;
	config_unref(&gone->config);
	auth_keys_free(&gone->keys);
	free(gone);
}

/* Runs on the server thread. */
static void apply_config(void *argument)
{
	struct auth_config *new = argument;
	struct auth *auth = new->auth;

	auth_keys_apply(auth, new->config, &new->keys);
	config_unref(&auth->config);
	auth->config = config_ref(new->config);
	auth->has_ignored_audience = false;
	auth_cache_set_ttl(auth->auth_cache, auth->config->auth.remember);
	auth_config_free(&new);
}

int auth_apply_config(struct auth *auth, struct auth_config **read, struct errmsg *err)
{
	struct auth_config *new = *read;
	struct errmsg keys_err;

	*read = NULL;
	if (new == NULL)
		return errmsg_set(err, "out of memory for logins");
	new->auth = auth;
	keys_err = new->keys.err;
	if (server_call(auth->server, apply_config, new) != 0) {
		auth_config_free(&new);
		return errmsg_set(err, "out of memory for logins");
	}
	return keys_err.text[0] == '\0' ? 0 : errmsg_set(err, "%s", keys_err.text);
}

/* ---- beginning and end ------------------------------------------------------------------ */

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct auth *auth = context;

	(void)fd;
	(void)what;
	peers_sweep(auth);
	attempt_report_unlogged(auth);
	auth_keys_follow(auth);
}

static void on_reap(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	peers_reap(context);
}

static void on_gate_opened(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	attempts_pass_gate(context);
}

static int make_secrets(struct auth *auth, struct errmsg *err)
{
	uint8_t bytes[AUTH_CACHE_KEY_SIZE + 16];
	int ret = 0;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return errmsg_set(err, "the system gives no random bytes, which logins need");
	for (int i = 0; i < 16; i++)
		(void)snprintf(auth->cookie + (size_t)i * 2, 3, "%02x",
			bytes[AUTH_CACHE_KEY_SIZE + i]);
	auth->auth_cache = auth_cache_new(bytes, AUTH_CACHE_ENTRIES, auth->config->auth.remember);
	auth->penalty = penalty_new(PENALTY_ENTRIES);
	auth->gate = auth_gate_new(auth->penalty);
	auth->queue = fair_queue_new(AUTH_RANKS, turns, sizeof(turns));
	auth->counts = auth_counts_new();
	if (auth->auth_cache == NULL || auth->penalty == NULL || auth->gate == NULL ||
		auth->queue == NULL || auth->counts == NULL)
		ret = errmsg_set(err, "out of memory for logins");
	explicit_bzero(bytes, sizeof(bytes));
	return ret;
}

static int start_serving(struct auth *auth, const struct auth_sockets *sockets, struct errmsg *err)
{
	static const struct peer_protocol *const protocols[AUTH_SOCKETS] = {
		[AUTH_SOCKET_DOVECOT] = &dovecot_protocol,
		[AUTH_SOCKET_DOVECOT_INET] = &dovecot_protocol,
		[AUTH_SOCKET_SASLAUTHD] = &saslauthd_protocol,
	};
	const struct timeval second = { .tv_sec = 1 };
	struct event_base *base = server_base(auth->server);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t threads = processors < WORKERS_MIN ? WORKERS_MIN :
		processors > WORKERS_MAX	  ? WORKERS_MAX :
						    (size_t)processors;

	if (make_secrets(auth, err) < 0 ||
		workers_start(threads, threads, &auth->workers, err) != 0)
		return -1;
	auth->worker_count = threads;
	auth->tick = event_new(base, -1, EV_PERSIST, on_tick, auth);
	auth->reaper = event_new(base, -1, 0, on_reap, auth);
	auth->gate_opened = event_new(base, -1, 0, on_gate_opened, auth);
	if (auth->tick == NULL || auth->reaper == NULL || auth->gate_opened == NULL ||
		auth_keys_follower_init(auth) < 0 || event_add(auth->tick, &second) != 0)
		return errmsg_set(err, "cannot set up the server of logins");
	for (int s = 0; s < AUTH_SOCKETS; s++) {
		if (sockets->fd[s] < 0)
			continue;
		if (peer_listen(&auth->listeners[s], auth, sockets->fd[s], protocols[s]) < 0)
			return errmsg_set(err, "cannot serve the sockets of logins");
	}
	auth_keys_refresh(auth, true);
	return 0;
}

int auth_new(struct server *server, struct shared *shared, const struct auth_sockets *sockets,
	const struct config *config, struct auth **auth_r, struct errmsg *err)
{
	struct auth *auth = calloc(1, sizeof(*auth));

	if (auth == NULL)
		return errmsg_set(err, "out of memory for logins");
	auth->config = config_ref(config);
	auth->server = server;
	auth->shared = shared;
	auth->started = clock_ms();
	LIST_INIT(&auth->attempts);
	peers_init(auth);
	if (start_serving(auth, sockets, err) < 0) {
		auth_free(&auth);
		return -1;
	}
	*auth_r = auth;
	return 0;
}

void auth_free(struct auth **auth)
{
	struct auth *gone = *auth;

	*auth = NULL;
	if (gone == NULL)
		return;
	workers_stop(&gone->workers);
	for (int s = 0; s < AUTH_SOCKETS; s++)
		peer_listener_close(&gone->listeners[s]);
	if (gone->reaper != NULL)
		peers_free(gone);
	attempts_free(gone);
	if (gone->tick != NULL)
		event_free(gone->tick);
	if (gone->reaper != NULL)
		event_free(gone->reaper);
	if (gone->gate_opened != NULL)
		event_free(gone->gate_opened);
	auth_keys_follower_free(gone);
	auth_keys_free(&gone->keys);
	auth_cache_free(&gone->auth_cache);
	fair_queue_free(&gone->queue);
	auth_gate_free(&gone->gate);
	penalty_free(&gone->penalty);
	counters_free(&gone->counts);
	config_unref(&gone->config);
	free(gone);
}

/* ---- for other rooms -------------------------------------------------------------------- */

static int reset_login(struct auth *auth, const char *login, size_t *forgiven_r, struct errmsg *err)
{
	const struct login_request request = { .login = login, .secret = "" };
	struct policy *policy = snapshot_get(shared_snapshot(auth->shared));
	struct penalty_keys keys = penalty_keys(login_key(policy, &request), NULL);

	login_set_owner(policy, &request, &keys);
	policy_unref(&policy);
	if ((keys.login & PENALTY_TOKEN) != 0)
		return errmsg_set(err,
			"failures of tokens are not counted by login: give an address of their "
			"client in place of '%s', or no argument to forgive all failures",
			login);
	*forgiven_r = penalty_reset(auth->penalty, &keys);
	return 0;
}

static size_t reset_client(struct auth *auth, const struct cidr *client)
{
	struct penalty_keys keys = penalty_keys(0, client);
	size_t forgiven = penalty_reset(auth->penalty, &keys);

	penalty_set_apart(&keys);
	return forgiven + penalty_reset(auth->penalty, &keys);
}

/* Return whether the text is an address and a prefix length, right or wrong. */
static bool is_network(const char *text)
{
	char address[CIDR_TEXT_SIZE];
	const size_t len = strcspn(text, "/");
	struct cidr parsed;

	if (text[len] == '\0' || len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	return cidr_parse(address, &parsed, NULL) == 0;
}

/* Return whether all addresses of the network are counted as one. */
static bool is_counted(const struct cidr *network)
{
	return network->prefix_len >= (network->family == AF_INET ? 32 : 64);
}

int auth_reset(struct auth *auth, const char *whose, size_t *forgiven_r, struct errmsg *err)
{
	struct cidr client;
	const bool is_client = whose != NULL && cidr_parse(whose, &client, NULL) == 0;
	const bool is_uncounted =
		is_client ? !is_counted(&client) : whose != NULL && is_network(whose);
	size_t forgiven = 0;

	/* A login may look like an address or a network. */
	if (whose != NULL && reset_login(auth, whose, &forgiven, err) < 0)
		return -1;
	if (is_uncounted && forgiven == 0)
		return errmsg_set(err,
			"failures are counted by IPv4 address and by IPv6 /64 and /48: give one "
			"address of the network '%s', or no argument to forgive all failures",
			whose);
	if (whose == NULL)
		forgiven = penalty_reset(auth->penalty, NULL);
	else if (is_client && !is_uncounted)
		forgiven += reset_client(auth, &client);
	*forgiven_r = forgiven;
	return 0;
}

void auth_check(struct auth *auth, uid_t asker, const char *login, const char *secret,
	void (*checked)(void *context, const struct login_answer *answer), void *context,
	struct attempt **handle_r)
{
	const struct attempt_request request = {
		.client = { .family = AF_UNSPEC },
		.protocol = AUTH_PROTOCOL_CONTROL,
		.asker = asker,
		.mechanism = "explain",
		.login = login,
		.secret = secret,
	};

	attempt_begin(auth, &request, checked, context, handle_r);
}
