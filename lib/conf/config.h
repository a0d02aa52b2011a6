#ifndef POSTERN_CONF_CONFIG_H
#define POSTERN_CONF_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/arena.h"
#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/rules/settings.h"

#define CONFIG_FILE_DEFAULT "/etc/postern/postern.conf"

struct config_milter {
	const char *socket;   /* "unix:/path" or "inet:PORT@HOST" or "inet6:..."; as smfi_setconn()
				 takes it */
	uint32_t socket_mode; /* mode of a unix socket */
	const char *socket_group; /* its group; "": not changed */
	const char *user;	  /* whom a daemon started by root becomes; "": nobody else */
	const char *pid_file;	  /* "": none */
	uint32_t timeout;	  /* s without a word from the MTA before it is given up */
};

struct config_lists {
	const char *directory;
	const char *public_suffix_list; /* "": the system's */
	uint64_t max_file;		/* bytes: a longer list file is refused */
};

struct config_database {
	bool present;	      /* there is a [database]: PostgreSQL is the store */
	const char *conninfo; /* for libpq, quoted as it needs; holds the password: never to be
				 logged */
	const char *schema;   /* for search_path; "": the role's own */
	const char *channel;  /* for LISTEN; not yet quoted as an identifier */
	const char *profiles_query, *users_query;
	uint32_t connect_timeout;      /* s, for each host */
	uint32_t statement_timeout;    /* s; 0: none */
	uint32_t poll_interval;	       /* s between looks at the change feed */
	uint32_t full_reload_interval; /* s between loads where there is no feed; 0: never */
	uint32_t reconnect_max;	       /* s: the longest pause between attempts */
	bool refuse_empty;
};

struct config_store {
	const char
		*path; /* the JSON store, or what the cache thread keeps of PostgreSQL; "": none */
};

struct config_limits {
	const char *state; /* file of the counts */
};

struct config_auth {
	bool require_tls;
	const char *socket, *saslauthd; /* as [milter] socket; "": not served */
	uint32_t socket_mode;
	const char *socket_group;
	unsigned mechanisms;	  /* SASL_BIT() of enum sasl_mechanism */
	const char *inet_socket;  /* of Dovecot's protocol, beside socket; "": not served */
	uint32_t remember;	  /* s that a verified login is remembered; 0: never */
	uint32_t max_connections; /* of both sockets together */
	const char *suspensions;  /* file of the logins that posternctl suspended; "": not kept */
};

struct config_jwt {
	const char *secret;    /* "" for none: never to be logged */
	const char *keys_file; /* "" for none */
	const char *issuer, *audience;
	const char *mail_claim; /* login and profile stand in the settings */
};

struct config_control {
	const char *socket; /* a path */
	uint32_t socket_mode;
	const char *socket_group;
};

struct config_log {
	const char *facility; /* syslog's name: "mail" */
	const char *level;    /* "error", "warning", "notice", "info", "debug" */
};

/* What config.c makes something else of, as it stands in the file; for nobody else. */
struct config_given {
	const char *conninfo, *user, *database, *password, *password_file, *host;
	uint32_t port; /* 0: not said */
	const char *secret_file;
	const char *unknown_user;
	const char *limit_exempt, *limit_exempt_logins, *limit_exempt_senders;
	uint32_t ipv6_prefix;
};

/*
 * All of postern.conf. Immutable once loaded, and counted: every thread may read it as long as it
 * holds a reference. Strings live as long as the configuration and are never NULL. A policy that
 * outlives the configuration takes a reference of `settings`.
 */
struct config {
	unsigned refs; /* only config_ref() and config_unref() use it */
	struct arena *arena;
	char *path;   /* the file */
	char *folder; /* its folder: relative paths started from there */
	struct settings *settings;
	struct problems *warnings; /* what is odd but in force nevertheless: for the log, once */

	struct config_milter milter;
	struct config_lists lists;
	struct config_database database;
	struct config_store store;
	struct config_limits limits;
	struct config_auth auth;
	struct config_jwt jwt;
	struct config_control control;
	struct config_log log;
	struct config_given given;
};

/*
 * Read postern.conf. 0 with one reference in *config_r, or -1 with err as
 * "FILE:LINE: what, and what would be right". Reads the secret files.
 */
int config_load(const char *path, const struct config **config_r, struct errmsg *err);

/* The same from text; path is for messages and relative paths, and need not exist. */
int config_parse(const char *path, const char *text, size_t len, const struct config **config_r,
	struct errmsg *err);

/* One more reference; returns config, which may be NULL. Thread-safe. */
const struct config *config_ref(const struct config *config);

/* Give a reference back and set *config to NULL; the last one frees. Accepts NULL. Thread-safe. */
void config_unref(const struct config **config);

/*
 * Name the files of it that this process may not read, whoever read them before: config_load() and
 * what follows would fail. user is for the message.
 */
void config_check_readable(const struct config *config, const char *user,
	struct problems *problems);

/*
 * What of `next` only a restart can bring into force, beside `running`: one text a key
 * ("[milter] socket") in changed. Returns how many.
 */
size_t config_restart_needed(const struct config *running, const struct config *next,
	struct problems *changed);

#endif
