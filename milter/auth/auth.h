#ifndef POSTERN_AUTH_H
#define POSTERN_AUTH_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/errmsg.h"
#include "lib/conf/config.h"
#include "lib/decide/login.h"
#include "milter/auth/auth_sockets.h"
#include "milter/loop/server.h"
#include "milter/shared/shared.h"

/*
 * Answers MTAs that ask whether a login is valid, by the Dovecot authentication protocol (Postfix,
 * Exim) and by saslauthd's (Sendmail and other users of Cyrus SASL). It runs on the server thread;
 * workers hash passwords and verify signatures. Each login is logged in one line. Passwords, tokens
 * and hashes are never logged.
 */
struct auth;

/*
 * Serve logins at the sockets, which it then owns. Holds a reference to config; borrows server and
 * shared. Call it before server_start(). Returns 0, or -1 with err set.
 */
int auth_new(struct server *server, struct shared *shared, const struct auth_sockets *sockets,
	const struct config *config, struct auth **auth_r, struct errmsg *err);

/* A new configuration, with the keys for tokens that it names. */
struct auth_config;

/* Take a reference to a configuration and read its keys. Any thread; it may wait for a file system.
 * Returns NULL when out of memory. */
struct auth_config *auth_config_read(const struct config *config);
void auth_config_free(struct auth_config **read); /* accepts NULL */

/*
 * Have the server thread apply a new configuration, which is taken over; NULL: there was no memory
 * for it. Any thread. Returns 0, or -1 with err set when its keys could not be read. In that case
 * the rest of the configuration is applied, and the old keys stay in force if they are from the
 * same file and secret.
 */
int auth_apply_config(struct auth *auth, struct auth_config **read, struct errmsg *err);

/* Free it after server_stop() and before server_free(). Accepts NULL; sets *auth to NULL. */
void auth_free(struct auth **auth);

/*
 * Return the log line of a login with a wrong password from 192.0.2.1, for a check of the filters
 * that read the log. The caller frees it. NULL when out of memory. Any thread.
 */
char *auth_example_line(void);

/* Forgive the failures of a login, however it is spelt, and if `whose` is an address or an IPv6
 * /64, also those of its networks; NULL: all failures. Those that auth_check() counts for a person
 * stay, because the people who can cause them can also call this. *forgiven_r is the number of
 * logins and networks that had failures. Returns 0, or -1 with err set if `whose` is the login of
 * tokens, which are counted by themselves, or a larger network, whose addresses cannot be found,
 * unless a login of that text has failures. Server thread. */
int auth_reset(struct auth *auth, const char *whose, size_t *forgiven_r, struct errmsg *err);

/* Return whether there are keys for tokens. Accepts NULL. Server thread. */
bool auth_takes_tokens(const struct auth *auth);

/* A login that is being checked. */
struct attempt;

/*
 * Check a login for a person who explains a session over the control socket, as for an MTA: it is
 * delayed by earlier failures, bounded, counted and logged, with the protocol "control" and the
 * person's uid. Each of these people counts as a network. checked(context) is called once, possibly
 * before this function returns; until then *handle_r must stay where it is. The texts are borrowed
 * for the call. Server thread.
 */
void auth_check(struct auth *auth, uid_t asker, const char *login, const char *secret,
	void (*checked)(void *context, const struct login_answer *answer), void *context,
	struct attempt **handle_r);

#endif
