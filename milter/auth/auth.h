#ifndef POSTERN_AUTH_H
#define POSTERN_AUTH_H

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

/*
 * Take a reference to a new configuration, which the server thread then applies. Any thread.
 * Returns 0, or -1 with err set when the keys for tokens cannot be read. In that case the rest of
 * the configuration is applied, and the old keys stay in force if they are from the same file and
 * secret.
 */
int auth_apply_config(struct auth *auth, const struct config *config, struct errmsg *err);

/* Free it after server_stop() and before server_free(). Accepts NULL; sets *auth to NULL. */
void auth_free(struct auth **auth);

/* Forgive the failures of a login, however it is spelt, or, if `whose` is an address, of its
 * networks; NULL: all failures. Returns the number of logins and networks that had failures. Server
 * thread. */
size_t auth_reset(struct auth *auth, const char *whose);

/*
 * Get the rules for logins, for explain: *rules_r borrows from *keys_r and *config_r, references
 * that the caller gives back with jwt_keys_unref() and config_unref(). Server thread.
 */
void auth_rules(struct auth *auth, struct login_rules *rules_r, struct jwt_keys **keys_r,
	const struct config **config_r);

#endif
