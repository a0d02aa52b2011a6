#ifndef POSTERN_AUTH_STATUS_H
#define POSTERN_AUTH_STATUS_H

#include "milter/auth/auth.h"
#include "milter/shared/status.h"
#include "milter/shared/suspension_keeper.h"

/* The objects that the section describes. They must exist as long as the registry is used. */
struct auth_section {
	struct auth *auth; /* NULL: logins are not served */
	const struct auth_sockets *sockets;
	struct shared *shared;
	struct suspension_keeper *suspensions;
};

/* Register the section "auth", which the server thread describes. Returns 0, or -1 when out of
 * memory. */
int auth_status_register(struct auth_section *section, struct status *registry);

#endif
