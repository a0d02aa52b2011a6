#ifndef POSTERN_DAEMON_PRIVATE_H
#define POSTERN_DAEMON_PRIVATE_H

#include "lib/base/problems.h"
#include "milter/auth/auth.h"
#include "milter/auth/auth_sockets.h"
#include "milter/auth/auth_status.h"
#include "milter/cache/cache.h"
#include "milter/control/control.h"
#include "milter/daemon.h"
#include "milter/daemon_status.h"
#include "milter/ledger/ledger_file.h"
#include "milter/ledger/ledger_status.h"
#include "milter/loop/listen.h"
#include "milter/process.h"
#include "milter/shared/shared.h"
#include "milter/shared/snapshot.h"
#include "milter/shared/status.h"
#include "milter/shared/suspension_keeper.h"

/* Everything that lives as long as the daemon. */
struct daemon {
	const struct daemon_options *options;
	const struct config *config; /* that of the start; parts that a reload changes have their
					own reference */
	const char *pid_file;	     /* "": none */
	struct process_user user;
	struct snapshot *snapshot;
	struct shared *shared;
	struct server *server;
	struct control *control;
	struct listen_file control_file;
	struct auth_sockets auth_sockets;
	struct auth *auth; /* NULL: logins are not served */
	struct cache *cache;
	struct ledger *ledger;
	struct ledger_ops ledger_ops;
	struct ledger_file *ledger_file;
	struct suspension_keeper *suspension_keeper;
	struct status *status;
	struct daemon_status *daemon_status;
	struct auth_section auth_section;
	struct ledger_section ledger_section;
};

/* Open a socket. A failure ends the process. The milter's socket is the last one, so that all
 * others exist when it does. */
void daemon_open_auth_sockets(struct daemon *daemon);
void daemon_open_control_socket(struct daemon *daemon);
void daemon_open_milter_socket(struct daemon *daemon);

/* Log the problems and notes that the previous configuration (NULL: none) did not have. */
void daemon_log_config_problems(const struct problems *problems, const struct problems *previous);

/* Return the functions that the cache thread calls at a reload. */
struct cache_hooks daemon_reload_hooks(struct daemon *daemon);

#endif
