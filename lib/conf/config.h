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
	const char *socket;	  /* "unix:/path", "inet:PORT@HOST" or "inet6:...", as for
				     smfi_setconn() */
	bool socket_chosen;	  /* it was empty; see config_sockets.h */
	bool allow_remote;	  /* an inet socket may be reached from other machines */
	uint32_t socket_mode;	  /* mode of a unix socket */
	const char *socket_group; /* its group; "": not changed */
	const char *user;	  /* the user that a daemon started by root becomes; "": root */
	const char *pid_file;	  /* "": none */
	uint32_t timeout;	  /* s of silence after which the MTA is disconnected */
};

struct config_lists {
	const char *directory;
	const char *public_suffix_list; /* "": the system's */
	uint64_t max_file;		/* bytes: a longer list file is refused */
	bool refuse_empty; /* a list that loses most of its entries waits for its file's end */
};

struct config_database {
	bool present;	      /* [database] exists: PostgreSQL is the store */
	const char *conninfo; /* for libpq, quoted; contains the password: never log it */
	const char *schema;   /* for search_path; "": that of the role */
	const char *channel;  /* for LISTEN; must be quoted as an identifier */
	const char *profiles_query, *users_query;
	uint32_t connect_timeout;      /* s, for each host */
	uint32_t statement_timeout;    /* s; 0: none */
	uint32_t poll_interval;	       /* s between reads of the change feed */
	uint32_t full_reload_interval; /* s between loads of everything; 0: never */
	uint32_t reconnect_max;	       /* s: the longest pause between attempts */
	bool refuse_empty;
};

struct config_store {
	const char *path; /* the JSON store, or the copy of PostgreSQL's rows; "": none */
};

struct config_limits {
	const char *state;   /* file of the counts */
	uint32_t max_keys;   /* of the ledger */
	uint64_t max_memory; /* of the ledger, in bytes */
};

struct config_auth {
	bool require_tls;
	const char *socket, *saslauthd; /* in the form of [milter] socket; "": none */
	bool socket_chosen;		/* socket was empty; see config_sockets.h */
	uint32_t socket_mode;
	const char *socket_group;
	unsigned mechanisms;	  /* SASL_BIT() of enum sasl_mechanism */
	const char *inet_socket;  /* a second socket for Dovecot's protocol; "": none */
	uint32_t remember;	  /* s that the auth cache keeps a login; 0: none */
	uint32_t max_connections; /* of all auth sockets together */
	const char *suspensions;  /* file of the suspended logins; "": none */
};

struct config_jwt {
	const char *secret;    /* never log it; "": none */
	const char *keys_file; /* "": none */
	const char *issuer, *audience;
	const char *mail_claim; /* login and profile are in the settings */
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

/* Values as written in the file, from which config_derive.c derives others. Only config*.c and
 * the reporters of errors in them read them. */
struct config_given {
	const char *conninfo, *user, *database, *password, *password_file, *host;
	uint32_t port; /* 0: not set */
	const char *secret_file;
	const char *token_login; /* [jwt] login */
	const char *unknown_user;
	const char *limit_exempt, *limit_exempt_logins, *limit_exempt_senders;
	uint32_t ipv6_prefix;
};

/* What a configuration was read from. */
enum config_text { CONFIG_TEXT_SETTINGS, CONFIG_TEXT_PASSWORD, CONFIG_TEXT_SECRET, CONFIG_TEXTS };

/*
 * All of postern.conf. Immutable once loaded, and reference-counted: any thread may read it as long
 * as it holds a reference. Strings live as long as the configuration and are never NULL. A policy
 * that outlives the configuration takes a reference of `settings`.
 */
struct config {
	unsigned refs; /* only config_ref() and config_unref() use it */
	struct arena *arena;
	char *path;			/* the file */
	uint64_t content[CONFIG_TEXTS]; /* hash_bytes() of what was read */
	char *folder;			/* its directory, from which relative paths start */
	struct settings *settings;
	uid_t user; /* the daemon's user, who may own secrets; (uid_t)-1: only root and the
		       process's own user may */
	struct problems *warnings; /* odd values that are in force nevertheless; log them once */
	struct problems *rights;   /* config_note_files() when it was loaded; they may change */
	const unsigned *lines;	   /* of each option's key outside [check NAME]; 0: not set */

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
 * Read postern.conf and its secret files. Returns 0 with one reference in *config_r, or -1 with err
 * set: the file, the line, what is wrong, and what would be right.
 */
int config_load(const char *path, const struct config **config_r, struct errmsg *err);

/*
 * The same for a daemon that becomes the user "USER" or "USER:GROUP" instead of [milter] user
 * (NULL: that one). Secrets must belong to this user, to root or to the process's own user.
 */
int config_load_for(const char *path, const char *user, const struct config **config_r,
	struct errmsg *err);

/*
 * The same, but continue after an error: add all of them to errors, each once, and set err to the
 * first one.
 */
int config_load_all(const char *path, const char *user, const struct config **config_r,
	struct problems *errors, struct errmsg *err);

/* The same as config_load() for a text. path is used in messages and for relative paths; it need
 * not exist. */
int config_parse(const char *path, const char *text, size_t len, const struct config **config_r,
	struct errmsg *err);

/* Return the line of a key outside [check NAME] and [limit NAME]; 0 if the file does not set it. */
unsigned config_line(const struct config *config, const char *section, const char *name);

/* Prefix err, the error of such a key, with "FILE:LINE: [section] name: ". Returns -1. */
int config_key_error(const struct config *config, const char *section, const char *name,
	struct errmsg *err);

/* Take a reference. Returns config, which may be NULL. Thread-safe. */
const struct config *config_ref(const struct config *config);

/* Release a reference and set *config to NULL; releasing the last one frees the configuration.
 * Accepts NULL. Thread-safe. */
void config_unref(const struct config **config);

/* Return the path of a file that has another text by now: postern.conf, or one of a secret. NULL if
 * none has; one that cannot be read does not count. */
const char *config_changed_file(const struct config *config);

/*
 * Add to problems the files of the configuration that this process cannot read, or that are gone: a
 * reload would fail although they were loaded, perhaps by a process with more rights. user: whom
 * the messages name; "": the daemon starts as its user, so that its next start would fail, too.
 */
void config_check_readable(const struct config *config, const char *user,
	struct problems *problems);

/*
 * Find the keys whose values in `next` differ from `running` and come into force only with a
 * restart. Adds one text per key ("[milter] socket") to changed. Returns their number.
 */
size_t config_restart_needed(const struct config *running, const struct config *next,
	struct problems *changed);

#endif
