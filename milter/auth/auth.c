#include "milter/auth/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/auth/sasl.h"
#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/loop/clock.h"

#define WORKERS_MIN 2
#define WORKERS_MAX 8
#define WORK_WAITING_MAX 512
#define AUTH_CACHE_ENTRIES 65536
#define PENALTY_ENTRIES 32768

/* ---- settings ------------------------------------------------------------------------ */

struct auth_settings *auth_settings_new(const struct config *config)
{
	struct auth_settings *settings = calloc(1, sizeof(*settings));

	if (settings == NULL)
		return NULL;
	settings->refs = 1;
	settings->require_tls = config->auth.require_tls;
	settings->has_tokens = config->jwt.secret[0] != '\0' || config->jwt.keys_file[0] != '\0';
	settings->mechanisms =
		sasl_without(config->auth.mechanisms, settings->has_tokens ? 0 : SASL_BEARER);
	settings->remember = config->auth.remember;
	settings->max_connections = config->auth.max_connections;
	settings->issuer = strdup(config->jwt.issuer);
	settings->audience = strdup(config->jwt.audience);
	settings->mail_claim = strdup(config->jwt.mail_claim);
	settings->secret = strdup(config->jwt.secret);
	settings->keys_file = strdup(config->jwt.keys_file);
	if (settings->issuer == NULL || settings->audience == NULL ||
		settings->mail_claim == NULL || settings->secret == NULL ||
		settings->keys_file == NULL)
		auth_settings_unref(&settings);
	return settings;
}

struct auth_settings *auth_settings_ref(struct auth_settings *settings)
{
	__atomic_add_fetch(&settings->refs, 1, __ATOMIC_RELAXED);
	return settings;
}

void auth_settings_unref(struct auth_settings **settings)
{
	struct auth_settings *gone = *settings;

	*settings = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (gone->secret != NULL)
		explicit_bzero(gone->secret, strlen(gone->secret));
	free(gone->issuer);
	free(gone->audience);
	free(gone->mail_claim);
	free(gone->secret);
	free(gone->keys_file);
	free(gone);
}

struct taking {
	struct auth *auth;
	struct auth_settings *settings;
	struct auth_keys keys;
};

static void taking_free(struct taking *taking)
{
	auth_settings_unref(&taking->settings);
	jwt_keys_unref(&taking->keys.keys);
	free(taking);
}

/* In the server thread. */
static void take(void *argument)
{
	struct taking *taking = argument;
	struct auth *auth = taking->auth;

	auth_keys_take(auth, taking->settings, &taking->keys);
	taking->settings = NULL;
	auth_cache_set_ttl(auth->auth_cache, auth->settings->remember);
	taking_free(taking);
}

int auth_take_config(struct auth *auth, const struct config *config, struct errmsg *err)
{
	struct taking *taking = calloc(1, sizeof(*taking));
	struct errmsg why;

	if (taking == NULL || (taking->settings = auth_settings_new(config)) == NULL) {
		free(taking);
		return errmsg_set(err, "out of memory for logins");
	}
	taking->auth = auth;
	auth_keys_read(taking->settings, &taking->keys);
	why = taking->keys.err;
	if (server_call(auth->server, take, taking) != 0) {
		taking_free(taking);
		return errmsg_set(err, "out of memory for logins");
	}
	return why.text[0] == '\0' ? 0 : errmsg_set(err, "%s", why.text);
}

/* ---- beginning and end ------------------------------------------------------------------ */

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct auth *auth = context;

	(void)fd;
	(void)what;
	peers_sweep(auth);
	auth_keys_look(auth, false);
}

static void on_reap(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	peers_sweep(context);
}

static int make_secrets(struct auth *auth, struct errmsg *err)
{
	uint8_t bytes[AUTH_CACHE_KEY_SIZE + 16];
	int ret = 0;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return errmsg_set(err, "no random bytes for logins");
	for (int i = 0; i < 16; i++)
		(void)snprintf(auth->cookie + (size_t)i * 2, 3, "%02x",
			bytes[AUTH_CACHE_KEY_SIZE + i]);
	auth->auth_cache = auth_cache_new(bytes, AUTH_CACHE_ENTRIES, auth->settings->remember);
	auth->penalty = penalty_new(PENALTY_ENTRIES);
	if (auth->auth_cache == NULL || auth->penalty == NULL)
		ret = errmsg_set(err, "out of memory for logins");
	explicit_bzero(bytes, sizeof(bytes));
	return ret;
}

static int start(struct auth *auth, const struct auth_sockets *sockets, struct errmsg *err)
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
		workers_start(threads, WORK_WAITING_MAX, &auth->workers, err) != 0)
		return -1;
	auth->tick = event_new(base, -1, EV_PERSIST, on_tick, auth);
	auth->reaper = event_new(base, -1, 0, on_reap, auth);
	if (auth->tick == NULL || auth->reaper == NULL || event_add(auth->tick, &second) != 0)
		return errmsg_set(err, "can't set up the server of logins");
	for (int s = 0; s < AUTH_SOCKETS; s++) {
		if (sockets->fd[s] < 0)
			continue;
		auth->listeners[s] = peer_listen(auth, sockets->fd[s], protocols[s]);
		if (auth->listeners[s] == NULL)
			return errmsg_set(err, "can't serve the sockets of logins");
	}
	auth_keys_look(auth, true);
	return 0;
}

int auth_new(struct server *server, struct shared *shared, const struct auth_sockets *sockets,
	const struct config *config, struct auth **auth_r, struct errmsg *err)
{
	struct auth *auth = calloc(1, sizeof(*auth));

	if (auth == NULL || (auth->settings = auth_settings_new(config)) == NULL) {
		free(auth);
		return errmsg_set(err, "out of memory for logins");
	}
	auth->server = server;
	auth->shared = shared;
	auth->started = clock_ms();
	LIST_INIT(&auth->attempts);
	TAILQ_INIT(&auth->ended);
	for (int rank = 0; rank < PEER_RANKS; rank++)
		TAILQ_INIT(&auth->peers[rank]);
	if (start(auth, sockets, err) < 0) {
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
	for (int s = 0; s < AUTH_SOCKETS; s++) {
		if (gone->listeners[s] != NULL)
			evconnlistener_free(gone->listeners[s]);
	}
	if (gone->reaper != NULL)
		peers_free(gone);
	attempts_free(gone);
	if (gone->tick != NULL)
		event_free(gone->tick);
	if (gone->reaper != NULL)
		event_free(gone->reaper);
	jwt_keys_unref(&gone->keys.keys);
	auth_cache_free(&gone->auth_cache);
	penalty_free(&gone->penalty);
	auth_settings_unref(&gone->settings);
	free(gone);
}

/* ---- for others ----------------------------------------------------------------------------- */

size_t auth_reset(struct auth *auth, const char *whose)
{
	struct cidr client;

	if (whose != NULL && cidr_parse(whose, &client, NULL) == 0)
		return penalty_reset(auth->penalty, &client, NULL);
	return penalty_reset(auth->penalty, NULL, whose);
}

void auth_rules(struct auth *auth, struct login_rules *rules_r, struct jwt_keys **keys_r,
	struct auth_settings **settings_r)
{
	struct auth_settings *settings = auth_settings_ref(auth->settings);

	*keys_r = jwt_keys_ref(auth->keys.keys);
	*settings_r = settings;
	*rules_r = (struct login_rules){
		.jwt = { *keys_r, settings->issuer, settings->audience, settings->mail_claim },
		.suspensions = shared_suspensions(auth->shared),
	};
}
