#ifndef POSTERN_GATEWAY_H
#define POSTERN_GATEWAY_H

#include "milter/shared/shared.h"

/* The gateway that hides the clients' addresses (milter/shared/client_share.h). Any thread. */

/* Count a session, and log a warning, once, if all seem to come through one gateway. */
void gateway_watch(struct shared *shared, const struct cidr *client, const char *helo);

/* Return whether there is a gateway that [check] exempt does not contain. */
bool gateway_find(struct shared *shared, struct client_gateway *gateway_r);

#endif
