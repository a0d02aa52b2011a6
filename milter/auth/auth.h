#ifndef POSTERN_AUTH_H
#define POSTERN_AUTH_H

#include "lib/base/errmsg.h"
#include "lib/conf/config.h"
#include "lib/decide/login.h"
#include "milter/auth/auth_sockets.h"
#include "milter/loop/server.h"
#include "milter/shared/shared.h"

/*
 * The sockets at which MTAs ask who may log in: Dovecot's authentication protocol (Postfix, Exim)
 * and saslauthd's (Sendmail, and whatever else uses Cyrus SASL). Lives in the server thread; what
 * takes longer than a lookup is done by workers. Every login is logged in one line; no password,
 * token or hash ever is.
 */
struct auth;

/* Sockets are the auth's from here on. Before server_start(). 0, or -1 with err set. */
int auth_new(struct server *server, struct shared *shared, const struct auth_sockets *sockets,
	const struct config *config, struct auth **auth_r, struct errmsg *err);

/*
 * A configuration that was read again. Any thread; borrowed for the call. 0, or -1 with err set
 * when its keys of tokens can't be read: the rest is in force all the same, and the old keys are
 * only where they are from the same file and secret.
 */
int auth_take_config(struct auth *auth, const struct config *config, struct errmsg *err);

/* After server_stop(), before server_free(). Takes NULL; sets the pointer to NULL. */
void auth_free(struct auth **auth);

/* In the server thread: forgive the failures of a login or (an address) of its network; NULL: all.
 * How many entries went. */
size_t auth_reset(struct auth *auth, const char *whose);

/*
 * In the server thread: the rules by which explain decides. The keys are a reference, the caller's
 * to jwt_keys_unref(); texts stay as long as *settings_r, which is the caller's, too.
 */
struct auth_settings;
void auth_rules(struct auth *auth, struct login_rules *rules_r, struct jwt_keys **keys_r,
	struct auth_settings **settings_r);
void auth_settings_unref(struct auth_settings **settings); /* takes NULL; any thread */

#endif
