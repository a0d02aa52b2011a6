#ifndef POSTERN_AUTH_STATUS_H
#define POSTERN_AUTH_STATUS_H

#include "milter/auth/auth.h"
#include "milter/shared/status.h"
#include "milter/shared/suspension_keeper.h"

/* What the section describes; it and what it points to outlive the registry's last use. */
struct auth_section {
	struct auth *auth; /* NULL: logins are not served */
	const struct auth_sockets *sockets;
	struct shared *shared;
	struct suspension_keeper *suspensions;
};

/* Register the section auth. -1 when out of memory. */
int auth_status_register(struct auth_section *section, struct status *registry);

#endif
